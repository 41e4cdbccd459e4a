"""Simulated citizens answer what they are asked and correct themselves; their telephones tell one
place by whatever way; lines that are typed become texts, and what comes of them sentences.
"""

import asyncio
from datetime import UTC, datetime
from random import Random

import pytest

from ccserver.aml.data_sms import text_of
from ccserver.location import Position, distance_m
from ccserver.location.aml import AMLMessage
from ccserver.location.aml_form import AMLForm, Trust, trust
from sim import places, texters
from sim.demo_operator import Operator
from sim.places import Place, Way
from sim.scenarios.sms import PASSWORD, SYSTEM_ID
from sim.smsc import Command, Message, Status
from sim.smsc.pieces import read
from sim.texters import STORIES, Story
from tests.sim.smsc_peer import DEADLINE_S, Peer, bind_body, reply

CITIZEN = "+37120000001"
STORY = Story("Palīgā", ("Brīvības 45", "Divi"), "gas", "Gāze", correction="Ātrāk!")
AT_ONCE = (0.0, 0.0)


class Seat(Peer):
    """The centre's side, which reads texts and asks."""

    async def text(self) -> str:
        """The next text, whole."""
        parts: dict[int, str] = {}
        while True:
            got = read(await self.delivered())
            parts[got.number] = got.text
            if len(parts) == got.total:
                return "".join(text for _, text in sorted(parts.items()))

    async def ask_citizen(self, text: str) -> None:
        answer = await self.ask(Command.SUBMIT_SM, reply(CITIZEN, text.encode("ascii")))
        assert answer.status == Status.OK


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def operator(told: list[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setattr("sim.demo_operator.FAULTS", None)
    monkeypatch.setattr(texters, "WRITES_FOR_S", AT_ONCE)
    monkeypatch.setattr(texters, "NOTICES_AFTER_S", 0.0)
    monkeypatch.setattr(texters, "TWICE", 0.0)
    return Operator(Random(112), told.append)  # noqa: S311 - a test's dice


async def test_a_story_is_told_corrected_and_gone_on_with_at_each_reply(
    operator: Operator, told: list[str]
) -> None:
    async with operator, Seat(operator.centre.port) as seat, asyncio.timeout(DEADLINE_S):
        await seat.ask(Command.BIND_TRANSCEIVER, bind_body(SYSTEM_ID, PASSWORD))
        story = asyncio.create_task(operator.texters.text(CITIZEN, STORY))
        assert [await seat.text(), await seat.text()] == [STORY.text, STORY.correction]
        for question, answer in zip(("Kur?", "Cik?"), STORY.answers, strict=True):
            await seat.ask_citizen(question)
            assert f"{CITIZEN} reads: {question}" in told
            while (text := await seat.text()).startswith("id:"):
                pass  # a receipt
            assert text == answer
        await story
    assert f"{CITIZEN} texts: {STORY.text}" in told


async def test_whoever_gets_no_reply_puts_the_telephone_away(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texters, "PATIENCE_S", 0.0)
    async with operator, asyncio.timeout(DEADLINE_S):
        await operator.texters.text(CITIZEN, STORY)
        assert len(operator.centre.deliveries) == 2, "the text and its correction"


def test_stories_are_told_apart_by_their_first_text() -> None:
    assert len({story.text for story in STORIES}) == len(STORIES)
    assert all(story.answers for story in STORIES)


@pytest.mark.parametrize("way", Way)
async def test_a_telephone_tells_one_place_ever_better(
    way: Way, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [(0.0, method, radius_m) for _, method, radius_m in places.FIXES]
    monkeypatch.setattr(places, "FIXES", now)
    bodies: list[bytes] = []

    async def post(url: str, body: bytes) -> int:
        assert url == "http://centre/aml"
        bodies.append(body)
        return 200

    monkeypatch.setattr(places, "post", post)
    async with operator:
        citizen = operator.centre.citizen(CITIZEN)
        chance = Random(7)  # noqa: S311 - a test's dice
        place = Place(citizen, chance, endpoint="http://centre/aml", key="k" * 32)
        place.way = way
        await place.tell()
        sent = [Message.parse(one.body) for one in operator.centre.deliveries]
    found = [_message_of(one, way) for one in sent]
    if way is Way.HTTPS:
        assert {trust(body, ["k" * 32]) for body in bodies} == {Trust.SIGNED}
        found = [AMLForm.parse(body).message for body in bodies]
    assert [one.radius_m for one in found] == [radius_m for *_, radius_m in now]
    seen = [_position_of(one) for one in found]
    best = seen[-1]
    for (*_, radius_m), position in zip(now, seen, strict=True):
        assert distance_m(position, best) <= radius_m


def _message_of(message: Message, way: Way) -> AMLMessage:
    text = read(message).text if way is not Way.DATA else text_of(message.content)
    assert isinstance(text, str)
    return AMLMessage.parse(text)


def _position_of(message: AMLMessage) -> Position:
    assert message.latitude is not None
    assert message.longitude is not None
    assert message.fix_at is not None
    assert abs((message.fix_at - datetime.now(UTC)).total_seconds()) < 60
    return Position(message.latitude, message.longitude)


async def test_lines_are_carried_out_and_answered_in_sentences(
    operator: Operator, told: list[str]
) -> None:
    async with operator:
        for line in (f"{CITIZEN} Palīgā", "nonsense", "counts", "help", ""):
            await operator.obey(line)
        assert len(operator.centre.deliveries) == 1
    assert told[0] == f"{CITIZEN} texts, in 1 part(s)"
    assert told[1].startswith("nonsense: 'nonsense' is neither a command nor a telephone number")
    assert told[2].startswith("counts: unacknowledged 1")
    assert any(line.startswith("die, listen") for line in told)
    assert not any("{" in line for line in told)
