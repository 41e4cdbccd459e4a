"""What call takers press becomes events and calls, or a refusal with a code and a sentence."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from ccserver.accounts import AccountStore
from ccserver.acd.events import AgentPresence, PresenceKind
from ccserver.control import MESSAGES, Control
from ccserver.db import DatabaseUnavailable
from ccserver.outbound import Outbound
from ccserver.telephony.errors import AMITimeout
from ccserver.telephony.wishes import REFUSAL_CODES
from ccserver.types import AgentId, ContactId, LegId
from ccserver.web.ports import ContactAction, ControlRefused
from tests.telephony.centre import Centre, passed
from tests.telephony.fakes import BROKEN, NORMAL, FakeAsterisk, in_virtual_time

SEAT = AgentId("agent-101")
C1 = ContactId("c1")
WISHES = (
    ContactAction.ANSWER,
    ContactAction.REJECT,
    ContactAction.HANG_UP,
    ContactAction.HOLD,
    ContactAction.RESUME,
    ContactAction.MUTE,
    ContactAction.MERGE,
)


class Presences(AccountStore):
    """Keeps presences, unless its database is away."""

    def __init__(self) -> None:
        self.saved: list[tuple[AgentId, PresenceKind, str | None]] = []
        self.away = False

    async def save_presence(
        self, agent_id: AgentId, kind: PresenceKind, reason: str | None, at: datetime
    ) -> None:
        await asyncio.sleep(0.01)
        if self.away:
            raise DatabaseUnavailable("away")
        self.saved.append((agent_id, kind, reason))


class Desk:
    """A centre with the control in front of it."""

    def __init__(self) -> None:
        self.asterisk = FakeAsterisk()
        self.centre = Centre(self.asterisk, agents=2)
        self.accounts = Presences()
        self.phone_answers: Callable[[LegId], None] = self.asterisk.answer
        self.control = Control(
            self.centre.runtime,
            self.centre.wishes,
            self.centre.plan,
            outbound=Outbound(self.centre.runtime, self.centre.clock),
            accounts=self.accounts,
            clock=self.centre.clock,
            answer_phone=self._answer_phone,
            readiness=lambda: {"ari": True},
            alarms=lambda: ["ari"],
            callbacks=list,
        )

    async def _answer_phone(self, leg_id: LegId) -> None:
        self.phone_answers(leg_id)

    async def act(
        self, action: ContactAction, agent_id: AgentId = SEAT, contact_id: ContactId = C1
    ) -> None:
        await self.control.act(agent_id, contact_id, action)

    async def ringing(self) -> None:
        self.asterisk.call(C1)
        await passed(0.2)

    async def talking(self) -> None:
        await self.ringing()
        await self.act(ContactAction.ANSWER)
        await passed(0.2)

    def state(self, agent_id: AgentId = SEAT) -> str:
        seat = self.centre.live.seat(agent_id)
        assert seat is not None
        return seat.state.value


def run(test: Callable[[Desk], Awaitable[None]]) -> None:
    async def whole() -> None:
        desk = Desk()
        await desk.centre.start()
        await test(desk)
        desk.centre.check()
        assert not desk.asterisk.unguarded

    in_virtual_time(whole())


async def refusal(work: Awaitable[None]) -> str:
    with pytest.raises(ControlRefused) as caught:
        await work
    assert caught.value.message == MESSAGES[caught.value.code]
    return caught.value.code


def test_every_refusal_of_a_call_has_its_sentence() -> None:
    assert set(MESSAGES) >= REFUSAL_CODES


def test_every_button_in_one_conversation() -> None:
    async def test(desk: Desk) -> None:
        await desk.talking()
        assert desk.state() == "talking"
        await desk.act(ContactAction.HOLD, SEAT)
        await desk.act(ContactAction.RESUME, SEAT)
        await desk.act(ContactAction.HANG_UP)
        await passed(0.2)
        assert desk.state() == "wrap_up"
        await desk.control.end_wrap_up(SEAT)
        assert desk.state() == "idle"
        assert not desk.asterisk.channels

    run(test)


def test_reject_gives_the_contact_to_the_next_call_taker() -> None:
    async def test(desk: Desk) -> None:
        await desk.ringing()
        await desk.act(ContactAction.REJECT, SEAT)
        await passed(0.2)
        assert desk.state() == "unavailable"
        assert desk.state(AgentId("agent-102")) == "reserved"

    run(test)


@pytest.mark.parametrize("wish", WISHES)
def test_a_contact_of_another_seat_is_refused(wish: ContactAction) -> None:
    async def test(desk: Desk) -> None:
        await desk.ringing()
        other, unknown = AgentId("agent-102"), ContactId("unknown")
        assert await refusal(desk.act(wish, other)) == "not_your_contact"
        assert await refusal(desk.act(wish, SEAT, unknown)) == "not_your_contact"
        assert desk.state() == "reserved"

    run(test)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (ContactAction.ANSWER, "already_answered"),
        (ContactAction.REJECT, "already_answered"),
        (ContactAction.RESUME, "not_held"),
        (ContactAction.SWAP, "no_consultation"),
        (ContactAction.MERGE, "no_consultation"),
        (ContactAction.CANCEL, "no_consultation"),
    ],
)
def test_a_wish_that_does_not_fit_a_conversation_is_refused(wish: ContactAction, code: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.talking()
        assert await refusal(desk.act(wish)) == code
        assert desk.state() == "talking"

    run(test)


@pytest.mark.parametrize(
    ("wish", "step"),
    [
        (ContactAction.HOLD, "variable:SHARED(HELD)"),
        (ContactAction.HANG_UP, "hang_up"),
        (ContactAction.RESUME, "join"),
    ],
)
def test_an_exchange_that_does_not_answer_is_said_and_the_wish_can_be_repeated(
    wish: ContactAction, step: str
) -> None:
    async def test(desk: Desk) -> None:
        await desk.talking()
        if wish is ContactAction.RESUME:
            await desk.act(ContactAction.HOLD, SEAT)
        desk.asterisk.plan(step, BROKEN)
        assert await refusal(desk.act(wish)) == "telephony_unavailable"
        await desk.act(wish)

    run(test)


def test_a_phone_that_cannot_be_told_to_answer_is_said() -> None:
    async def test(desk: Desk) -> None:
        await desk.ringing()

        def mute(leg_id: LegId) -> None:
            raise AMITimeout(leg_id)

        desk.phone_answers = mute
        assert await refusal(desk.act(ContactAction.ANSWER, SEAT)) == "telephony_unavailable"
        assert desk.state() == "reserved"

    run(test)


def test_a_browser_that_goes_away_leaves_no_call_half_changed() -> None:
    async def test(desk: Desk) -> None:
        await desk.talking()
        gate = desk.asterisk.hold_back("leave")
        asked = asyncio.ensure_future(desk.act(ContactAction.HOLD, SEAT))
        await passed(0.1)
        asked.cancel()
        await passed(0.1)
        gate.set()
        await passed(0.5)
        caller = desk.asterisk.channels["caller-c1"]
        assert asked.cancelled()
        assert caller.bridge is None
        assert caller.music == "hold"
        assert caller.lease_at is not None

    run(test)


def test_presence_takes_effect_at_once_and_returns_when_it_is_durable() -> None:
    async def test(desk: Desk) -> None:
        presence = AgentPresence(PresenceKind.NOT_READY, "break")
        asked = asyncio.ensure_future(desk.control.set_presence(SEAT, presence))
        await asyncio.sleep(0)
        assert desk.state() == "not_ready"
        assert desk.accounts.saved == []
        await asked
        assert desk.accounts.saved == [(SEAT, PresenceKind.NOT_READY, "break")]

    run(test)


def test_presence_counts_also_while_the_database_is_away() -> None:
    async def test(desk: Desk) -> None:
        desk.accounts.away = True
        with pytest.raises(DatabaseUnavailable):
            await desk.control.set_presence(SEAT, AgentPresence(PresenceKind.OFF))
        assert desk.state() == "off"

    run(test)


def test_a_seat_that_does_not_exist_is_refused() -> None:
    async def test(desk: Desk) -> None:
        nobody = AgentId("agent-999")
        ready = AgentPresence(PresenceKind.READY)
        assert await refusal(desk.control.set_presence(nobody, ready)) == "no_seat"
        assert await refusal(desk.control.end_wrap_up(nobody)) == "no_seat"
        assert await refusal(desk.control.end_wrap_up(SEAT)) == "no_wrap_up"
        assert desk.accounts.saved == []

    run(test)


def test_the_snapshot_shows_contacts_seats_and_alarms() -> None:
    async def test(desk: Desk) -> None:
        await desk.talking()
        snapshot = desk.control.snapshot()
        contacts, agents = snapshot["contacts"], snapshot["agents"]
        assert isinstance(contacts, list)
        assert isinstance(agents, list)
        assert [(c["contact_id"], c["state"], c["agent_id"]) for c in contacts] == [
            ("c1", "talking", SEAT)
        ]
        assert [(a["agent_id"], a["state"]) for a in agents] == [
            ("agent-101", "talking"),
            ("agent-102", "idle"),
        ]
        assert snapshot["alarms"] == ["ari"]
        assert desk.control.readiness() == {"ari": True}
        desk.asterisk.hang_up(desk.asterisk.legs()[0].id, NORMAL)
        await passed(0.2)
        assert desk.control.snapshot()["contacts"] == []

    run(test)
