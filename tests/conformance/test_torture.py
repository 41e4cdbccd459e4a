"""While ten calls talk, the edge gets every message of RFC 4475 and RFC 5118, from its trunk and
from a stranger. Good ones are taken, bad ones refused or dropped, strangers hear nothing; the ten
hear each other without a break, and orderly requests are answered as fast as before.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import pytest_asyncio

from sim.sipp.ends import Ends, other
from sim.sipp.probe import WAIT_S, Outcome
from sim.sipp.torture import TORTURE, Torture
from sim.sipp.torture6 import TORTURE6
from sim.stack import seats
from tests.conformance.world import TRUNK, UNKNOWN, Pace, World, world_of

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("torture")]

TALKS = 10
EVERY_S = 0.02
BASELINE_S = 1.5
MEDIAN_MS = 100.0
BREAK_S = 0.4
"""A word is lost; a busy test machine makes shorter breaks by itself."""
MESSAGES: dict[str, Torture] = {
    **TORTURE,
    **{f"ipv6-{name}": message for name, message in TORTURE6.items()},
}
SERVICE = "urn:service:sos"
NEEDS_NUMBER = {"wsinv", "wsinv-cseq-in-one-line", "dblreq", "esc01", "ipv6-no-brackets"}
"""Messages about a Request-URI of sip, or that hold a second one; a URN has no parameters."""


def _to_service(message: Torture) -> Torture:
    # Who calls for help is served without what it requires of us.
    allowed = "24" if message.allowed == "4" else message.allowed
    build = message.build
    return replace(message, allowed=allowed, build=lambda e: build(replace(e, service=SERVICE)))


MESSAGES |= {
    f"sos-{name}": _to_service(message)
    for name, message in MESSAGES.items()
    if message.build(Ends("h", 1, "h", 2)).startswith(b"INVITE ") and name not in NEEDS_NUMBER
}


@dataclass(slots=True)
class Storm:
    """What became of it."""

    world: World
    known: dict[str, Outcome] = field(default_factory=dict)
    unknown: dict[str, Outcome] = field(default_factory=dict)
    before: tuple[float, float] = (0.0, 0.0)
    during: tuple[float, float] = (0.0, 0.0)
    lost: int = 0
    lived: bool = False
    cut: list[str] = field(default_factory=list)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def storm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Storm]:
    folder: Path = tmp_path_factory.mktemp("torture")
    async with world_of(folder, takers=seats(TALKS), talks=True) as world:
        storm = Storm(world)
        before, during = Pace(world), Pace(world)
        async with before.running():
            await asyncio.sleep(BASELINE_S)
        async with during.running():
            await _send_all(world, TRUNK, storm.known)
            await _send_all(world, UNKNOWN, storm.unknown)
        storm.before, storm.during = before.medians_ms(), during.medians_ms()
        storm.lost = before.lost + during.lost
        storm.lived = world.lives()
        await _end_talks(storm)
        yield storm


async def _send_all(world: World, local_host: str, into: dict[str, Outcome]) -> None:
    async def one(name: str, message: Torture) -> None:
        into[name] = await world.ask(local_host, message.build, wait_s=WAIT_S)

    async with asyncio.TaskGroup() as tasks:
        for name, message in MESSAGES.items():
            tasks.create_task(one(name, message))
            await asyncio.sleep(EVERY_S)


async def _end_talks(storm: Storm) -> None:
    """Hang up and look at what each of the twenty ears heard."""
    bank = storm.world.bank
    for talk in storm.world.talks:
        if bank.history("disconnected", call=talk.caller):
            storm.cut.append(f"{talk.caller} was cut off")
            continue
        await bank.hangup(talk.caller)
        for leg, party in ((talk.caller, talk.taker_tone), (talk.taker, talk.caller_tone)):
            try:
                recording = await bank.recording(leg)
            except TimeoutError:
                storm.cut.append(f"{leg} did not end with its peer")
                continue
            if party not in recording.parties():
                storm.cut.append(f"{leg} did not hear {party}")
            breaks = recording.breaks(party, longer_than_s=BREAK_S)
            storm.cut += [f"{leg} heard {party} with a break: {each}" for each in breaks]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_trunk_is_answered_in_order(storm: Storm, name: str) -> None:
    outcome, message = storm.known[name], MESSAGES[name]
    finals = [a for a in outcome.answers if a.code >= 200 and b"BYE" not in a.message]
    assert outcome.digit in message.allowed, outcome.codes
    assert len({answer.code for answer in finals}) <= 1, "one final answer, however often"
    assert not outcome.strangers, "nothing else comes of it"


@pytest.mark.parametrize("name", MESSAGES)
def test_a_stranger_hears_nothing(storm: Storm, name: str) -> None:
    outcome = storm.unknown[name]
    assert not outcome.answers
    assert not outcome.strangers


def test_ten_conversations_are_not_hurt(storm: Storm) -> None:
    assert len(storm.world.talks) == TALKS
    assert storm.cut == []


def test_orderly_requests_are_answered_as_before(
    storm: Storm,
) -> None:
    assert storm.lost == 0
    for before, during in zip(storm.before, storm.during, strict=True):
        assert during < max(MEDIAN_MS, 3 * before), (storm.before, storm.during)


@pytest.mark.asyncio(loop_scope="module")
async def test_everything_lives_on_and_nothing_is_left(storm: Storm) -> None:
    assert storm.lived
    assert storm.world.lives()
    outcome = await storm.world.ask(TRUNK, lambda e: other(e, "OPTIONS"))
    assert outcome.digit == "2"
    await storm.world.nothing_left()
