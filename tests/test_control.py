"""What call takers press becomes events and calls, or a refusal with a code and a sentence."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec
import pytest

from ccserver.accounts import AccountStore
from ccserver.acd.events import AgentPresence, PresenceKind
from ccserver.audit import AuditEntry
from ccserver.card import TimelineTag
from ccserver.control import MESSAGES, Control
from ccserver.db import DatabaseUnavailable
from ccserver.outbound import Outbound
from ccserver.routing import DEFAULT_DOCUMENT
from ccserver.routing import document as d
from ccserver.telephony.errors import AMITimeout
from ccserver.telephony.wishes import REFUSAL_CODES
from ccserver.types import AgentId, ContactId, IncidentId, LegId
from ccserver.web.ports import (
    AgentChoice,
    ContactAction,
    ControlRefused,
    DirectoryChoice,
    MonitorMode,
    NumberChoice,
    QueueChoice,
    ReachAction,
    TargetChoice,
)
from tests.newsroom import stored
from tests.telephony.centre import SUPERVISOR, Centre, passed
from tests.telephony.fakes import BROKEN, NORMAL, FakeAsterisk
from tests.telephony.virtual_time import in_virtual_time

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
        self.forced: list[AuditEntry] = []
        self.away = False

    async def save_presence(
        self,
        agent_id: AgentId,
        kind: PresenceKind,
        reason: str | None,
        at: datetime,
        *,
        forced: AuditEntry | None = None,
    ) -> None:
        await asyncio.sleep(0.01)
        if self.away:
            raise DatabaseUnavailable("away")
        self.saved.append((agent_id, kind, reason))
        self.forced += [forced] if forced is not None else []


class Desk:
    """A centre with the control in front of it."""

    def __init__(self) -> None:
        self.asterisk = FakeAsterisk()
        self.centre = Centre(self.asterisk, agents=2)
        self.numbers: list[str] = []
        self.unwritten: list[tuple[AgentId, AuditEntry]] = []
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
            presence_unwritten=lambda *what: self.unwritten.append(what),
            numbers_of_card=self._numbers_of_card,
        )

    async def _numbers_of_card(self, incident_id: IncidentId) -> list[str]:
        if self.accounts.away:
            raise DatabaseUnavailable("away")
        return self.numbers

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


async def refusal(work: Awaitable[object]) -> str:
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


def test_a_forced_presence_counts_and_is_audited_later_while_the_database_is_away() -> None:
    async def test(desk: Desk) -> None:
        desk.accounts.away = True
        off = AgentPresence(PresenceKind.OFF)
        with pytest.raises(DatabaseUnavailable):
            await desk.control.force_presence(SEAT, off, author="chief", comment="")
        assert desk.state() == "off"
        ((agent_id, forced),) = desk.unwritten
        assert (agent_id, forced.author) == (SEAT, "chief")

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


OTHER = AgentId("agent-102")
PLAN = msgspec.structs.replace(
    DEFAULT_DOCUMENT,
    agents=(d.Agent(agent_id=OTHER, may_pick=True),),
    directory=(d.DirectoryEntry(name="nmpd", number="113", kind="service"),),
)


def test_a_pick_needs_the_right_a_waiting_contact_and_a_free_seat() -> None:
    async def test(desk: Desk) -> None:
        desk.centre.plan.apply(stored(PLAN))
        for agent_id in desk.centre.agents:
            desk.centre.present(agent_id, PresenceKind.NOT_READY)
        await desk.ringing()
        assert await refusal(desk.act(ContactAction.PICK, SEAT)) == "not_allowed"
        gone = ContactId("gone")
        assert await refusal(desk.act(ContactAction.PICK, OTHER, gone)) == "not_waiting"
        nobody = AgentId("agent-999")
        assert await refusal(desk.act(ContactAction.PICK, nobody)) == "no_seat"
        await desk.act(ContactAction.PICK, OTHER)
        await passed(0.2)
        assert (desk.state(SEAT), desk.state(OTHER)) == ("not_ready", "reserved")
        assert await refusal(desk.act(ContactAction.PICK, OTHER)) == "not_waiting"
        desk.asterisk.call("c2")
        await passed(0.2)
        assert await refusal(desk.act(ContactAction.PICK, OTHER, ContactId("c2"))) == "not_free"
        assert TimelineTag.PICKED in desk.centre.journal.tags("c1")
        await desk.act(ContactAction.ANSWER, OTHER)
        await passed(0.2)
        assert await refusal(desk.act(ContactAction.PICK, OTHER)) == "not_waiting"

    run(test)


def test_a_wrap_up_is_extended_to_its_limit_and_no_further() -> None:
    async def test(desk: Desk) -> None:
        assert await refusal(desk.control.extend_wrap_up(SEAT)) == "no_wrap_up"
        await desk.talking()
        await desk.act(ContactAction.HANG_UP)
        await passed(0.1)
        for _ in range(10):  # of half a minute each; the plan allows five minutes
            await desk.control.extend_wrap_up(SEAT)
        assert await refusal(desk.control.extend_wrap_up(SEAT)) == "wrap_up_at_limit"
        await passed(250)
        assert desk.state() == "wrap_up"
        await passed(60)
        assert desk.state() == "idle"

    run(test)


@pytest.mark.parametrize(
    ("action", "target", "code"),
    [
        (ReachAction.CONSULT, AgentChoice(AgentId("agent-999")), "agent_not_free"),
        (ReachAction.CONSULT, AgentChoice(SEAT), "agent_not_free"),
        (ReachAction.TRANSFER, QueueChoice("nowhere"), "no_such_queue"),
        (ReachAction.CONSULT, QueueChoice("emergency"), "bad_target"),
        (ReachAction.INVITE, QueueChoice("emergency"), "bad_target"),
        (ReachAction.INVITE, DirectoryChoice("nobody"), "no_such_entry"),
        (ReachAction.CONSULT, NumberChoice("hello"), "no_number"),
        (ReachAction.CONSULT, NumberChoice("1" * 30), "bad_number"),
        (ReachAction.TRANSFER, NumberChoice("90 123 456"), "not_allowed_number"),
        (ReachAction.INVITE, NumberChoice("+979123456789"), "not_allowed_number"),
    ],
)
def test_a_target_that_cannot_be_is_refused_and_the_talk_goes_on(
    action: ReachAction, target: TargetChoice, code: str
) -> None:
    async def test(desk: Desk) -> None:
        desk.centre.plan.apply(stored(PLAN))
        await desk.talking()
        assert await refusal(desk.control.reach(SEAT, C1, action, target)) == code
        assert desk.state() == "talking"

    run(test)


@pytest.mark.parametrize(
    ("target", "rung"),
    [
        (AgentChoice(OTHER), "PJSIP/ct-102"),
        (DirectoryChoice("nmpd"), "PJSIP/113@trunk"),
        (NumberChoice("+371 26123456"), "PJSIP/+37126123456@trunk"),
    ],
)
@pytest.mark.parametrize("action", list(ReachAction))
def test_every_way_to_reach_every_kind_of_target(
    action: ReachAction, target: TargetChoice, rung: str
) -> None:
    async def test(desk: Desk) -> None:
        desk.centre.plan.apply(stored(PLAN))
        await desk.talking()
        await desk.control.reach(SEAT, C1, action, target)
        await passed(0.2)
        assert desk.asterisk.phones_rung[rung] == 1
        assert desk.state() == ("wrap_up" if action is ReachAction.TRANSFER else "talking")

    run(test)


def test_monitoring_and_parting_are_refused_with_their_codes() -> None:
    async def test(desk: Desk) -> None:
        control = desk.control
        await desk.ringing()
        listen = control.monitor(SUPERVISOR, C1, MonitorMode.LISTEN)
        assert await refusal(listen) == "not_talking"
        await desk.act(ContactAction.ANSWER)
        await passed(0.2)
        assert await refusal(control.monitor(SEAT, C1, MonitorMode.LISTEN)) == "already_in"
        assert await refusal(control.drop_party(SEAT, C1, "party-x")) == "no_such_party"

    run(test)


def test_a_call_from_a_card_is_placed_or_refused() -> None:
    async def test(desk: Desk) -> None:
        card = IncidentId("i1")
        assert await refusal(desk.control.place_call(SEAT, card, "hello")) == "no_number"
        assert await refusal(desk.control.place_call(SEAT, card, "1" * 30)) == "bad_number"
        nobody = AgentId("agent-999")
        assert await refusal(desk.control.place_call(nobody, card, "26123456")) == "no_seat"
        desk.centre.calls.outside._trunk = False
        assert await refusal(desk.control.place_call(SEAT, card, "26123456")) == "no_trunk"
        assert desk.centre.live.contacts() == []
        desk.centre.calls.outside._trunk = True
        contact_id = await desk.control.place_call(SEAT, card, "26123456")
        assert desk.state() == "reserved"
        assert await refusal(desk.control.place_call(SEAT, card, "26123456")) == "not_free"
        await desk.act(ContactAction.REJECT, SEAT, contact_id)

    run(test)


def test_a_number_of_the_directory_may_be_typed_whatever_is_denied() -> None:
    services = (d.DirectoryEntry(name="helpline", number="90001122"),)
    plan = msgspec.structs.replace(PLAN, directory=services)

    async def test(desk: Desk) -> None:
        desk.centre.plan.apply(stored(plan))
        await desk.talking()
        await desk.control.reach(SEAT, C1, ReachAction.CONSULT, NumberChoice("+371 90001122"))
        await passed(0.2)
        assert desk.centre.asterisk.phones_rung["PJSIP/+37190001122@trunk"] == 1
        await desk.act(ContactAction.CANCEL)

    run(test)


def test_a_citizens_own_number_can_be_called_from_the_card_whatever_is_denied() -> None:
    async def test(desk: Desk) -> None:
        card = IncidentId("i")
        assert await refusal(desk.control.place_call(SEAT, card, "90001122")) == (
            "not_allowed_number"
        )
        assert desk.centre.live.contacts() == []
        desk.numbers = ["+37126000000", "+37190001122"]
        contact_id = await desk.control.place_call(SEAT, card, "90 00 11 22")
        await desk.act(ContactAction.REJECT, SEAT, contact_id)

    run(test)


def test_a_citizen_can_be_called_while_nobody_can_look_at_the_card() -> None:
    async def test(desk: Desk) -> None:
        desk.accounts.away = True
        contact_id = await desk.control.place_call(SEAT, IncidentId("i"), "90001122")
        await desk.act(ContactAction.REJECT, SEAT, contact_id)

    run(test)


def test_a_forced_presence_takes_effect_after_the_conversation() -> None:
    async def test(desk: Desk) -> None:
        await desk.talking()
        out = AgentPresence(PresenceKind.NOT_READY, "training")
        await desk.control.force_presence(SEAT, out, author="chief", comment="exam")
        assert desk.state() == "talking"
        assert desk.accounts.saved == [(SEAT, PresenceKind.NOT_READY, "training")]
        (forced,) = desk.accounts.forced
        assert (forced.tag, forced.author, forced.agent_id) == ("presence_forced", "chief", SEAT)
        assert forced.comment == "exam"
        assert forced.data == {"kind": "not_ready", "reason": "training", "before": "ready"}
        await desk.act(ContactAction.HANG_UP)
        await passed(2)
        assert desk.state() == "not_ready"

    run(test)


def test_the_snapshot_has_the_distributors_alarms_beside_the_codes() -> None:
    async def test(desk: Desk) -> None:
        desk.centre.go_home(*desk.centre.agents)
        await desk.ringing()
        data = {"active": True, "contact_id": "c1", "agent_id": None, "queue": "emergency"}
        alarm = {"code": "nobody_logged_in", "data": data}
        assert desk.control.snapshot()["alarms"] == ["ari", alarm]

    run(test)
