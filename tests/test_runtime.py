"""The loop from event to core to commands: cards, timeline, panels, over the real core.

Call control and Asterisk are the fake's; time is virtual.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from ccserver.acd.errors import InvariantBroken
from ccserver.acd.events import Event, OfferAccepted, OfferFailed, OfferFailure, PresenceKind
from ccserver.card import TimelineTag
from ccserver.telephony.call import CallFacts
from ccserver.telephony.queue_log import JournalEntry, JournalKind
from ccserver.types import AgentId, ContactId, IncidentId, OfferId
from tests.telephony.centre import EPOCH, SETTINGS, Centre, passed
from tests.telephony.fakes import NO_ANSWER, NORMAL, FakeAsterisk
from tests.telephony.virtual_time import in_virtual_time

C1 = ContactId("c1")
TAG = TimelineTag


def run(test: Callable[[Centre], Awaitable[None]], *, agents: int = 2) -> None:
    async def whole() -> None:
        asterisk = FakeAsterisk()
        centre = Centre(asterisk, agents=agents)
        await centre.start()
        await test(centre)
        centre.check()
        assert not asterisk.unguarded
        assert set(centre.journal.opened().values()) <= {1}, "a contact has one card"

    in_virtual_time(whole())


async def ringing(centre: Centre) -> str:
    """A caller whose offer rings; the leg's id."""
    centre.asterisk.call("c1")
    await passed(0.2)
    (leg,) = centre.asterisk.legs()
    return leg.id


async def talking(centre: Centre) -> str:
    leg_id = await ringing(centre)
    centre.asterisk.answer(leg_id)
    await passed(0.2)
    return leg_id


async def replaced(centre: Centre, instance: str = "p2") -> Centre:
    """The process dies, and a new one takes over."""
    centre.kill()
    successor = Centre(centre.asterisk, instance=instance)
    await successor.start()
    await passed(0.2)
    return successor


def facts(contact: str = "c1", *, ago_s: float = 0.0) -> CallFacts:
    return CallFacts(
        ContactId(contact), EPOCH - timedelta(seconds=ago_s), "+37126123456", False, "112"
    )


def test_an_answered_contact() -> None:
    async def test(centre: Centre) -> None:
        leg = await talking(centre)
        (contact,) = centre.live.contacts()
        centre.asterisk.hang_up(leg, NORMAL)
        await passed(0.2)
        assert centre.journal.tags("c1") == [
            TAG.QUEUED,
            TAG.OFFERED,
            TAG.OFFER_ACCEPTED,
            TAG.CONNECTED,
            TAG.ENDED,
        ]
        assert centre.sealed == [("c1", contact.arrived_at)]
        assert centre.live.contacts() == []
        assert [m["contact_id"] for m, _ in centre.of_type("contact_gone")] == ["c1"]

    run(test)


@pytest.mark.parametrize("moment", ["waiting", "ringing"])
def test_an_abandoned_contact(moment: str) -> None:
    async def test(centre: Centre) -> None:
        if moment == "waiting":
            for agent_id in centre.agents:
                centre.present(agent_id, PresenceKind.NOT_READY)
        centre.asterisk.call("c1")
        await passed(0.2)
        centre.asterisk.hang_up("caller-c1")
        await passed(0.2)
        offered = [TAG.OFFERED, TAG.OFFER_RESCINDED] if moment == "ringing" else []
        assert centre.journal.tags("c1") == [TAG.QUEUED, *offered, TAG.ABANDONED]
        assert not centre.asterisk.channels
        assert len(centre.of_type("offer_gone")) == len(offered) // 2

    run(test)


def test_a_returned_contact_goes_to_the_next_call_taker() -> None:
    async def test(centre: Centre) -> None:
        first = await talking(centre)
        centre.asterisk.hang_up(first, NO_ANSWER)
        await passed(0.5)
        (second,) = centre.asterisk.legs()
        centre.asterisk.answer(second.id)
        await passed(0.2)
        tags = centre.journal.tags("c1")
        assert tags[3:] == [
            TAG.CONNECTED,
            TAG.RETURNED,
            TAG.OFFERED,
            TAG.OFFER_ACCEPTED,
            TAG.CONNECTED,
        ]
        contact = centre.live.get(C1)
        assert contact is not None
        assert contact.view is not None
        assert contact.view.agent_id == "agent-102"

    run(test)


def test_rejected_and_timed_out_offers() -> None:
    async def test(centre: Centre) -> None:
        await ringing(centre)
        centre.wishes.reject(C1, AgentId("agent-101"))
        await passed(SETTINGS.offer_timeout_s + 1)
        tags = centre.journal.tags("c1")
        assert tags[:5] == [
            TAG.QUEUED,
            TAG.OFFERED,
            TAG.OFFER_REJECTED,
            TAG.OFFERED,
            TAG.OFFER_TIMED_OUT,
        ]
        reasons = [message["reason"] for message, _ in centre.of_type("offer_gone")]
        assert reasons[:2] == ["rejected", "timed_out"]

    run(test)


def test_a_contact_in_the_parachute_and_back() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        first = centre.asterisk.legs()[0].id
        await centre.wishes.hold(C1, AgentId("agent-101"))
        centre.kill()
        await passed(8)
        assert centre.asterisk.channels["caller-c1"].app == "Queue"
        successor = Centre(centre.asterisk, instance="p2")
        await successor.start(ready=False)
        await passed(0.5)
        assert successor.journal.tags("c1") == [TAG.QUEUED]
        assert first not in centre.asterisk.channels, "its caller is elsewhere"
        contact = successor.live.get(C1)
        assert contact is not None
        assert contact.view is not None
        assert contact.view.state.value == "waiting"

    run(test)


def test_a_contact_that_talks_in_the_parachute_is_shown_with_its_call_taker() -> None:
    async def test(centre: Centre) -> None:
        centre.kill()
        caller = centre.asterisk.call("c1")
        await passed(1)
        phone = centre.asterisk.ring_parachute(caller, "ct-102")
        centre.asterisk.answer_parachute(caller, phone)
        successor = Centre(centre.asterisk, instance="p2")
        await successor.start()
        message = successor.of_type("contact")[-1][0]["contact"]
        assert isinstance(message, dict)
        assert (message["state"], message["agent_id"]) == ("parachute", "agent-102")
        told = len(successor.messages)
        await passed(5)
        assert len(successor.messages) == told, "no news, no message"
        centre.asterisk.hang_up("caller-c1")
        await passed(0.2)
        assert successor.journal.tags("c1") == [TAG.ENDED]
        assert successor.live.contacts() == []

    run(test)


@pytest.mark.parametrize("held", [False, True])
def test_an_adopted_conversation(held: bool) -> None:
    async def test(centre: Centre) -> None:
        leg = await talking(centre)
        if held:
            await centre.wishes.hold(C1, AgentId("agent-101"))
        successor = await replaced(centre)
        assert successor.journal.tags("c1") == [TAG.ADOPTED]
        contact = successor.live.snapshot()["contacts"]
        assert isinstance(contact, list)
        assert contact[0]["state"] == ("held" if held else "talking")
        assert contact[0]["agent_id"] == "agent-101"
        if not held:
            successor.asterisk.hang_up(leg, NORMAL)
            await passed(0.2)
            assert successor.journal.tags("c1") == [TAG.ADOPTED, TAG.ENDED]
        successor.check()

    run(test)


def test_adopted_callers_wait_in_the_order_of_their_first_arrival() -> None:
    async def test(centre: Centre) -> None:
        for agent_id in centre.agents:
            centre.present(agent_id, PresenceKind.NOT_READY)
        for name in ("c3", "c1", "c2"):
            centre.asterisk.call(name)
        await passed(0.2)
        successor = await replaced(centre)
        (leg,) = [x for x in centre.asterisk.legs() if x.variables["AGENT_ID"] == "agent-101"]
        assert leg.variables["CONTACT_ID"] == "c3"
        successor.check()

    run(test)


def test_the_offer_goes_to_the_one_seat_and_everything_else_to_all() -> None:
    async def test(centre: Centre) -> None:
        await ringing(centre)
        offers = centre.of_type("offer")
        assert [to for _, to in offers] == ["agent-101"]
        offer = offers[0][0]["offer"]
        assert isinstance(offer, dict)
        assert offer["agent_id"] == "agent-101"
        assert offer["contact_id"] == "c1"
        assert all(to is None for message, to in centre.messages if message["type"] != "offer")

    run(test)


def test_a_card_that_is_written_during_the_offer_reaches_the_panels_once_known() -> None:
    async def test(centre: Centre) -> None:
        await ringing(centre)
        centre.runtime.chronicle.card_written(C1, IncidentId("i1"), "2026-000001")
        contact = centre.of_type("contact")[-1][0]["contact"]
        assert isinstance(contact, dict)
        assert (contact["incident_id"], contact["card_number"]) == ("i1", "2026-000001")
        assert len(centre.of_type("offer")) == 1
        centre.runtime.chronicle.card_written(C1, IncidentId("i1"), None)
        await passed(0.1)
        assert centre.of_type("card")[-1][0]["number"] == "2026-000001"

    run(test)


@pytest.mark.parametrize(
    "late",
    [
        lambda c: c.news.offer_answered(OfferId("p1-1")),
        lambda c: c.news.offer_failed(OfferId("p1-1"), OfferFailure.BUSY),
        lambda c: c.news.offer_answered(OfferId("unknown")),
        lambda c: c.news.offer_failed(OfferId("unknown"), OfferFailure.BUSY),
        lambda c: c.news.caller_gone(C1),
        lambda c: c.news.conversation_ended(C1),
        lambda c: c.news.connected(C1, AgentId("agent-101")),
        lambda c: c.news.connect_failed(C1),
        lambda c: c.news.hold_changed(C1, held=True),
        lambda c: c.runtime.chronicle.card_written(C1, IncidentId("i"), "n"),
        lambda c: c.runtime.post(OfferAccepted(OfferId("p1-1"))),
        lambda c: c.runtime.post(OfferFailed(OfferId("p1-1"), OfferFailure.BUSY)),
    ],
)
def test_what_comes_after_the_end_changes_nothing(late: Callable[[Centre], None]) -> None:
    async def test(centre: Centre) -> None:
        leg = await talking(centre)
        centre.asterisk.hang_up(leg, NORMAL)
        await passed(5)
        tags = centre.journal.tags("c1")
        late(centre)
        await passed(1)
        assert centre.journal.tags("c1") == tags
        assert centre.live.contacts() == []
        assert centre.core.contact_views() == []
        assert not centre.asterisk.channels

    run(test)


def test_an_arrival_in_the_future_waits_from_now_and_an_old_one_from_then() -> None:
    async def test(centre: Centre) -> None:
        await passed(100)
        for agent_id in centre.agents:
            centre.present(agent_id, PresenceKind.OFF)
        centre.news.caller_waits(facts("future", ago_s=-3600.0))
        centre.news.caller_waits(facts("past", ago_s=50.0))
        views = {view.contact_id: view.arrived_at for view in centre.core.contact_views()}
        assert views[ContactId("future")] == centre.clock.monotonic()
        assert views[ContactId("past")] == pytest.approx(-50.0)

    run(test)


def entry(kind: JournalKind, contact: str = "c9", agent: str | None = None) -> JournalEntry:
    known = replace(facts(contact)) if kind is JournalKind.ARRIVED else None
    agent_id = AgentId(agent) if agent else None
    return JournalEntry(kind, ContactId(contact), EPOCH, kind.value, facts=known, agent_id=agent_id)


@pytest.mark.parametrize("answered", [False, True])
def test_a_contact_that_only_the_journal_saw_has_a_card_and_an_end(answered: bool) -> None:
    """Without an answer it is abandoned: somebody has to call back."""

    async def test(centre: Centre) -> None:
        kinds = [JournalKind.ARRIVED, JournalKind.PARACHUTE_ENTERED]
        kinds += [JournalKind.PARACHUTE_ANSWERED] if answered else []
        for kind in [*kinds, JournalKind.ENDED]:
            centre.news.journal_read(entry(kind, agent="agent-101"))
        end = [TAG.PARACHUTE_ANSWERED, TAG.ENDED] if answered else [TAG.ABANDONED]
        assert centre.journal.tags("c9") == [TAG.PARACHUTE_ENTERED, *end]
        assert centre.journal.opened()[ContactId("c9")] == 1
        assert centre.live.contacts() == []

    run(test)


@pytest.mark.parametrize("answered", [False, True])
def test_a_contact_that_was_cut_off_and_only_the_journal_saw_is_to_be_called_back(
    answered: bool,
) -> None:
    async def test(centre: Centre) -> None:
        kinds = [JournalKind.ARRIVED] + [JournalKind.PARACHUTE_ANSWERED] * answered
        for kind in kinds:
            centre.news.journal_read(entry(kind, agent="agent-101"))
        centre.news.journal_read(replace(entry(JournalKind.ENDED), cut=True))
        assert centre.journal.tags("c9")[-1] is TAG.CUT_OFF
        chronicle = centre.runtime.chronicle
        end = centre.journal.items[-1]
        told = [chronicle.unseen_loss(item) for item in (*centre.journal.items, end)]
        assert told == [False] * len(kinds) + [True, False]

    run(test)


def test_the_end_of_a_contact_that_this_process_saw_asks_for_no_second_look() -> None:
    async def test(centre: Centre) -> None:
        leg = await talking(centre)
        centre.news.journal_read(entry(JournalKind.ARRIVED, "c1"))
        centre.asterisk.hang_up(leg, NORMAL)
        await passed(1)
        centre.news.journal_read(entry(JournalKind.ENDED, "c1"))
        assert centre.journal.tags("c1")[-1] is TAG.ABANDONED, "the journal knows no answer"
        assert not any(centre.runtime.chronicle.unseen_loss(x) for x in centre.journal.items)

    run(test)


def test_the_journals_lines_of_a_live_contact_make_no_second_card_and_no_end() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        for kind in (JournalKind.ARRIVED, JournalKind.ENDED):
            centre.news.journal_read(entry(kind, "c1"))
        assert centre.journal.opened() == {"c1": 1}
        assert TAG.ABANDONED not in centre.journal.tags("c1")
        assert TAG.ENDED not in centre.journal.tags("c1")

    run(test)


class _Contradiction:
    """A core that finds out, at the next deadline or event, that it contradicts itself."""

    def __init__(self, centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object, **__: object) -> list[object]:
            raise InvariantBroken("two agents, one contact")

        monkeypatch.setattr(centre.core, "handle_timer", broken)
        monkeypatch.setattr(centre.core, "handle_event", broken)


def test_a_contradiction_reaches_whoever_posted_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    async def whole() -> None:
        centre = Centre(FakeAsterisk())
        await centre.start()
        _Contradiction(centre, monkeypatch)
        event: Event = OfferAccepted(OfferId("x"))
        with pytest.raises(InvariantBroken):
            centre.runtime.post(event)

    in_virtual_time(whole())


@pytest.mark.parametrize("where", ["timer", "task"])
def test_a_contradiction_where_nobody_looks_ends_the_process_at_the_next_check(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def whole() -> None:
        centre = Centre(FakeAsterisk())
        await centre.start()
        leg = await ringing(centre)
        centre.runtime.check_invariants()
        if where == "task":
            gate = centre.asterisk.hold_back("join")
            centre.asterisk.answer(leg)
            await passed(0.1)
            _Contradiction(centre, monkeypatch)
            gate.set()
            monkeypatch.setattr(
                centre.news,
                "connected",
                lambda *_: centre.runtime.post(OfferAccepted(OfferId("x"))),
            )
            await passed(0.5)
        else:
            _Contradiction(centre, monkeypatch)
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)
            await passed(SETTINGS.offer_timeout_s + 1)
        with pytest.raises(InvariantBroken):
            centre.runtime.check_invariants()

    in_virtual_time(whole())


def test_an_event_out_of_a_command_waits_until_the_step_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else what the step still publishes would overwrite what came of the event."""

    async def test(centre: Centre) -> None:
        offer = centre.calls.offer

        def refuse_at_once(offer_id: OfferId, *rest: object) -> None:
            monkeypatch.setattr(centre.calls, "offer", offer)
            centre.news.offer_failed(offer_id, OfferFailure.REJECTED)

        monkeypatch.setattr(centre.calls, "offer", refuse_at_once)
        centre.asterisk.call("c1")
        await passed(0.2)
        views = {view.agent_id: view for view in centre.core.agent_views()}
        assert {one.agent_id: one for one in centre.live.agents()} == views
        assert views[AgentId("agent-102")].state.value == "reserved"

    run(test)
