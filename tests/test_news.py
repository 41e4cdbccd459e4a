"""Every piece of telephony's news becomes an event, an entry on the card and a message, once.

The real core, runtime and call control over the fake Asterisk, in virtual time. What the process
after this one needs stands on the caller's channel, and is believed at adoption.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from ccserver.acd.events import PresenceKind
from ccserver.card import TimelineEntry, TimelineTag
from ccserver.live import LiveContact
from ccserver.outbound import Outbound
from ccserver.routing import DEFAULT_DOCUMENT, Document, StoredPlan
from ccserver.routing import document as d
from ccserver.telephony.call import CallFacts, Segment
from ccserver.telephony.party import AgentTarget, NumberTarget, PartyKind, QueueTarget
from ccserver.types import AgentId, ContactId
from tests.telephony.centre import EPOCH, SUPERVISOR, Centre, passed
from tests.telephony.fakes import NORMAL, FakeAsterisk, in_virtual_time

FIRST, SECOND = AgentId("agent-101"), AgentId("agent-102")
C1, UNKNOWN = ContactId("c1"), ContactId("unknown")
CITIZEN = "+37126123456"
SERVICE = NumberTarget("113", PartyKind.SERVICE, "NMPD")
TAG = TimelineTag
WITH_OFFICE: Document = msgspec.structs.replace(
    DEFAULT_DOCUMENT, queues=(*DEFAULT_DOCUMENT.queues, d.Queue(name="office"))
)


def stored(document: Document, version: int = 1, *, newest: int | None = None) -> StoredPlan:
    return StoredPlan(version, document, EPOCH, "anna", "", newest or version)


def run(test: Callable[[Centre], Awaitable[None]], *, document: Document = WITH_OFFICE) -> None:
    async def whole() -> None:
        centre = Centre(FakeAsterisk(), supervised=True)
        centre.plan.apply(stored(document))
        await centre.start()
        await test(centre)
        centre.check()
        assert not centre.asterisk.unguarded

    in_virtual_time(whole())


async def replaced(
    centre: Centre, *, ready: bool = True, document: Document = WITH_OFFICE
) -> Centre:
    """The process dies, and a new one takes over."""
    centre.kill()
    successor = Centre(centre.asterisk, instance="p2", supervised=True)
    successor.plan.apply(stored(document))
    await successor.start(ready=ready)
    await passed(0.3)
    return successor


async def talking(centre: Centre) -> LiveContact:
    """agent-101 talks with a citizen."""
    centre.asterisk.call("c1")
    await passed(0.2)
    await answered(centre, FIRST)
    return live(centre)


async def answered(centre: Centre, agent_id: AgentId) -> None:
    """The phone that rings at this seat is picked up."""
    rung = [
        leg
        for leg in centre.asterisk.legs()
        if leg.variables.get("AGENT_ID") == agent_id and leg.state == "Ringing"
    ]
    assert len(rung) == 1, f"{agent_id} is not rung once"
    centre.asterisk.answer(rung[0].id)
    await passed(0.3)


def live(centre: Centre, contact_id: str = "c1") -> LiveContact:
    contact = centre.live.get(ContactId(contact_id))
    assert contact is not None
    return contact


def state(centre: Centre, agent_id: AgentId = FIRST) -> str:
    seat = centre.live.seat(agent_id)
    assert seat is not None
    return seat.state.value


def shown(centre: Centre, contact_id: str = "c1") -> dict[str, Any]:
    """The contact as the panels were told of it last."""
    messages = [message["contact"] for message, _ in centre.of_type("contact")]
    found = [m for m in messages if isinstance(m, dict) and m["contact_id"] == contact_id]
    return found[-1]


def entries(centre: Centre, *tags: TimelineTag) -> list[TimelineEntry]:
    return [x for x in centre.journal.items if isinstance(x, TimelineEntry) and x.tag in tags]


def facts(contact: str = "c1") -> CallFacts:
    return CallFacts(ContactId(contact), EPOCH, CITIZEN, False, "112")


# -- transfers and participants -------------------------------------------------------------------


def test_a_contact_transferred_to_a_queue_waits_there_also_for_the_next_process() -> None:
    async def test(centre: Centre) -> None:
        contact = await talking(centre)
        centre.present(SECOND, PresenceKind.OFF)
        await centre.wishes.hold(C1, FIRST)
        await centre.wishes.transfer(C1, FIRST, QueueTarget("office"))
        await passed(0.3)
        assert state(centre) == "wrap_up"
        assert contact.queue == "office"
        (told,) = entries(centre, TAG.TRANSFERRED)
        assert (told.agent_id, told.data) == (FIRST, {"queue": "office", "to_agent": None})
        assert (shown(centre)["queue"], shown(centre)["on_hold"]) == ("office", False)
        assert shown(centre)["held_since"] is None
        assert C1 in centre.room.waiting
        caller = centre.asterisk.channels["caller-c1"]
        assert caller.variables["QUEUE"] == "office"
        successor = await replaced(centre, ready=False)
        assert live(successor).queue == "office"
        (view,) = successor.core.contact_views()
        assert view.queue == "office"

    run(test)


def test_a_contact_transferred_to_a_call_taker_is_offered_there() -> None:
    async def test(centre: Centre) -> None:
        contact = await talking(centre)
        await centre.wishes.transfer(C1, FIRST, AgentTarget(SECOND))
        await passed(0.3)
        assert state(centre, SECOND) == "reserved"
        await answered(centre, SECOND)
        assert contact.view is not None
        assert contact.view.agent_id == SECOND
        (told,) = entries(centre, TAG.TRANSFERRED)
        assert told.data == {"queue": None, "to_agent": SECOND}
        assert not entries(centre, TAG.PARTY_JOINED), "both are the one who has the caller"

    run(test)


def test_a_consulted_colleague_joins_and_leaves_once_on_the_card() -> None:
    async def test(centre: Centre) -> None:
        contact = await talking(centre)
        await centre.wishes.consult(C1, FIRST, AgentTarget(SECOND))
        await passed(0.2)
        await answered(centre, SECOND)
        assert contact.on_hold
        assert shown(centre)["participants"] == [SECOND]
        await centre.wishes.swap(C1, FIRST)
        await centre.wishes.swap(C1, FIRST)
        for _ in range(3):
            centre.news.party_changed(C1)
        await centre.wishes.cancel(C1, FIRST)
        await passed(0.3)
        for _ in range(3):
            centre.news.party_changed(C1)
        told = entries(centre, TAG.PARTY_JOINED, TAG.PARTY_LEFT)
        assert [(x.tag, x.agent_id) for x in told] == [
            (TAG.PARTY_JOINED, SECOND),
            (TAG.PARTY_LEFT, SECOND),
        ]
        tags = centre.journal.tags("c1")
        assert tags.count(TAG.CONSULT_STARTED) == tags.count(TAG.CONSULT_ENDED) == 2, "one per swap"
        assert shown(centre)["participants"] == []
        assert state(centre, SECOND) == "idle"

    run(test)


def test_a_call_taker_who_leaves_after_a_consultation_has_handed_over() -> None:
    async def test(centre: Centre) -> None:
        contact = await talking(centre)
        await centre.wishes.consult(C1, FIRST, AgentTarget(SECOND))
        await passed(0.2)
        await answered(centre, SECOND)
        await centre.wishes.complete(C1, FIRST)
        await passed(0.3)
        (told,) = entries(centre, TAG.HANDED_OVER)
        assert (told.agent_id, told.data) == (FIRST, {"to_agent": SECOND})
        assert contact.view is not None
        assert (contact.view.agent_id, contact.view.participants) == (SECOND, ())
        assert (state(centre, FIRST), state(centre, SECOND)) == ("wrap_up", "talking")

    run(test)


def test_a_caller_given_to_an_outside_party_is_handed_over_and_comes_back() -> None:
    """Nobody from outside is anybody's seat: joining and leaving stand on the card."""

    async def test(centre: Centre) -> None:
        contact = await talking(centre)
        centre.present(SECOND, PresenceKind.OFF)
        await centre.wishes.transfer(C1, FIRST, SERVICE)
        await passed(0.2)
        (transferred,) = entries(centre, TAG.TRANSFERRED)
        assert transferred.data["number"] == "113"
        (leg,) = [x for x in centre.asterisk.legs() if x.id.startswith("party-")]
        centre.asterisk.answer(leg.id)
        await passed(0.3)
        assert shown(centre)["handed_over"]
        assert shown(centre)["state"] == "handed_over"
        assert shown(centre)["agent_id"] is None
        (joined,) = entries(centre, TAG.PARTY_JOINED)
        assert (joined.data["kind"], joined.data["number"]) == ("service", "113")
        centre.asterisk.hang_up(leg.id, 38)
        await passed(0.5)
        assert contact.view is not None
        assert contact.view.state.value in ("waiting", "offered")
        assert len(entries(centre, TAG.PARTY_LEFT)) == 1
        assert TAG.TRANSFER_FAILED not in centre.journal.tags("c1")

    run(test)


def test_a_blind_transfer_that_nobody_answers_has_failed_on_the_card() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        await centre.wishes.transfer(C1, FIRST, SERVICE)
        await passed(0.2)
        (leg,) = [x for x in centre.asterisk.legs() if x.id.startswith("party-")]
        centre.asterisk.hang_up(leg.id, 17)
        await passed(0.3)
        tags = centre.journal.tags("c1")
        assert tags.count(TAG.TRANSFERRED) == tags.count(TAG.TRANSFER_FAILED) == 1
        assert tags.count(TAG.RETURNED) == 1
        assert state(centre, SECOND) == "reserved"

    run(test)


def test_what_the_former_process_told_of_a_conference_is_not_told_again() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        await centre.wishes.consult(C1, FIRST, SERVICE)
        await passed(0.2)
        (leg,) = [x for x in centre.asterisk.legs() if x.id.startswith("party-")]
        centre.asterisk.answer(leg.id)
        await passed(0.3)
        await centre.wishes.merge(C1, FIRST)
        await centre.wishes.mute(C1, FIRST)
        await passed(0.3)
        assert TAG.CONFERENCE in centre.journal.tags("c1")
        successor = await replaced(centre)
        assert successor.journal.tags("c1") == [TAG.ADOPTED]
        assert shown(successor)["muted"]
        kinds = {party["kind"] for party in shown(successor)["parties"]}
        assert kinds == {"agent", "service"}
        centre.asterisk.hang_up(leg.id, NORMAL)
        await passed(0.3)
        assert successor.journal.tags("c1") == [TAG.ADOPTED, TAG.PARTY_LEFT]

    run(test)


def test_an_adopted_conversation_on_hold_has_a_time_since_when() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        await centre.wishes.hold(C1, FIRST)
        successor = await replaced(centre)
        assert shown(successor)["on_hold"]
        assert shown(successor)["held_since"] is not None
        assert successor.journal.tags("c1") == [TAG.ADOPTED]

    run(test)


def test_a_supervisor_who_listens_leaves_a_beginning_and_an_end() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        await centre.wishes.monitor(C1, SUPERVISOR, "listen")
        await passed(0.2)
        (leg,) = [x for x in centre.asterisk.legs() if x.id.startswith("monitor-")]
        centre.asterisk.answer(leg.id)
        await passed(0.3)
        assert centre.live.monitored(SUPERVISOR) is not None
        await centre.wishes.monitor(C1, SUPERVISOR, "off")
        await passed(0.3)
        assert centre.live.monitored(SUPERVISOR) is None
        told = entries(centre, TAG.MONITOR_STARTED, TAG.MONITOR_ENDED)
        assert [(x.tag, x.agent_id) for x in told] == [
            (TAG.MONITOR_STARTED, SUPERVISOR),
            (TAG.MONITOR_ENDED, SUPERVISOR),
        ]

    run(test)


def test_a_muted_call_taker_is_shown_at_the_party_and_not_at_the_other() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        await centre.wishes.invite(C1, FIRST, AgentTarget(SECOND))
        await passed(0.2)
        await answered(centre, SECOND)
        await centre.wishes.mute(C1, SECOND)
        muted = {party["agent_id"]: party["muted"] for party in shown(centre)["parties"]}
        assert muted == {FIRST: False, SECOND: True}
        assert not shown(centre)["muted"], "the one who is responsible is heard"
        centre.news.mute_changed(C1, SECOND, muted=True)
        assert len(entries(centre, TAG.MUTED)) == 1
        await centre.wishes.complete(C1, FIRST)
        await passed(0.3)
        assert shown(centre)["agent_id"] == SECOND
        assert shown(centre)["muted"], "now it is the responsible one whom nobody hears"
        await centre.wishes.unmute(C1, SECOND)
        assert not shown(centre)["muted"]
        assert len(entries(centre, TAG.UNMUTED)) == 1

    run(test)


# -- the caller's keys and silence ----------------------------------------------------------------


def test_a_language_key_becomes_a_skill_also_for_the_next_process() -> None:
    async def test(centre: Centre) -> None:
        for agent_id in centre.agents:
            centre.present(agent_id, PresenceKind.OFF)
        centre.asterisk.call("c1")
        await passed(0.2)
        centre.news.language_chosen(C1, "ru")
        centre.news.cannot_speak(C1)
        centre.news.cannot_speak(C1)
        await passed(0.2)
        (view,) = centre.core.contact_views()
        assert [x.skill for x in view.skills] == ["language:ru"]
        assert (shown(centre)["language"], shown(centre)["cannot_speak"]) == ("ru", True)
        assert [x.data for x in entries(centre, TAG.LANGUAGE_CHOSEN)] == [{"language": "ru"}]
        assert len(entries(centre, TAG.CANNOT_SPEAK)) == 1
        successor = await replaced(centre, ready=False)
        (view,) = successor.core.contact_views()
        assert [x.skill for x in view.skills] == ["language:ru"]
        assert (live(successor).language, live(successor).cannot_speak) == ("ru", True)

    run(test)


def test_a_language_counts_when_a_call_taker_is_chosen_after_a_restart() -> None:
    speaks = msgspec.structs.replace(
        DEFAULT_DOCUMENT,
        skills=(d.Skill(name="language:ru"),),
        queues=(d.Queue(name="emergency"), *DEFAULT_DOCUMENT.queues[1:]),
        agents=(d.Agent(agent_id=SECOND, skills=(d.SkillLevel(skill="language:ru", level=5),)),),
    )

    async def test(centre: Centre) -> None:
        for agent_id in centre.agents:
            centre.present(agent_id, PresenceKind.OFF)
        centre.asterisk.call("c1")
        await passed(0.2)
        centre.news.language_chosen(C1, "ru")
        await passed(0.2)
        successor = await replaced(centre, document=speaks)
        assert state(successor, SECOND) == "reserved"
        assert state(successor, FIRST) == "idle"

    run(test, document=speaks)


def test_the_language_of_the_last_conversation_counts_without_a_key() -> None:
    async def test(centre: Centre) -> None:
        centre.asterisk.call("c1")
        await passed(0.2)
        centre.news.language_chosen(C1, "en")
        await answered(centre, FIRST)
        number = live(centre).caller_number
        await centre.wishes.hang_up(C1, FIRST)
        await passed(0.3)
        again = CallFacts(ContactId("c2"), centre.clock.now(), number, False, "112")
        centre.news.caller_waits(again)
        assert live(centre, "c2").language == "en"
        (view,) = centre.core.contact_views()
        assert [x.skill for x in view.skills] == ["language:en"]
        centre.news.caller_gone(ContactId("c2"))

    run(test)


def test_silence_and_speech_are_told_once_each() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        for silent in (False, True, True, False, False):
            centre.news.silence_changed(C1, silent=silent)
        tags = [x.tag for x in entries(centre, TAG.SILENCE_NOTED, TAG.SPEECH_HEARD)]
        assert tags == [TAG.SILENCE_NOTED, TAG.SPEECH_HEARD]

    run(test)


def test_holding_twice_is_one_hold() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        for held in (True, True, False, False):
            centre.news.hold_changed(C1, held=held)
        tags = [x.tag for x in entries(centre, TAG.HELD, TAG.RESUMED)]
        assert tags == [TAG.HELD, TAG.RESUMED]

    run(test)


# -- calls that we place --------------------------------------------------------------------------


async def placed(centre: Centre) -> ContactId:
    """agent-101 calls a citizen, whose phone rings."""
    contact_id = Outbound(centre.runtime, centre.clock).place(FIRST, CITIZEN, None)
    await passed(0.2)
    assert shown(centre, contact_id)["offers"][0]["kind"] == "outbound"
    await answered(centre, FIRST)
    assert shown(centre, contact_id)["state"] == "dialling"
    return contact_id


def test_a_placed_call_is_dialled_answered_and_ended() -> None:
    async def test(centre: Centre) -> None:
        contact_id = await placed(centre)
        centre.asterisk.answer(f"call-{contact_id}")
        await passed(0.3)
        assert shown(centre, contact_id)["state"] == "talking"
        centre.asterisk.hang_up(f"call-{contact_id}")
        await passed(0.3)
        tags = centre.journal.tags(contact_id)
        assert tags == [
            TAG.OFFERED,
            TAG.OFFER_ACCEPTED,
            TAG.OUTBOUND_DIALLED,
            TAG.OUTBOUND_ANSWERED,
            TAG.CONNECTED,
            TAG.ENDED,
        ]
        assert centre.follow_up.told[-2:] == [
            ("accepted", contact_id, FIRST),
            ("finished", contact_id, True, True),
        ]

    run(test)


def test_a_citizen_who_does_not_answer_leaves_the_call_taker_in_wrap_up() -> None:
    async def test(centre: Centre) -> None:
        contact_id = await placed(centre)
        centre.asterisk.hang_up(f"call-{contact_id}", 17)
        await passed(0.3)
        (failed,) = entries(centre, TAG.OUTBOUND_FAILED)
        assert failed.data["reason"] == "busy"
        assert centre.journal.tags(contact_id)[-2:] == [TAG.OUTBOUND_FAILED, TAG.ENDED]
        assert centre.follow_up.told[-1] == ("finished", contact_id, False, True)
        assert centre.live.contacts() == []
        assert state(centre) == "wrap_up"
        told = len(centre.journal.items)
        centre.news.outbound_failed(contact_id, "busy")
        centre.news.outbound_answered(contact_id)
        assert len(centre.journal.items) == told

    run(test)


def test_a_citizen_whose_call_taker_was_lost_at_the_answer_goes_to_the_next() -> None:
    """The citizen is on the line: the next call taker is joined and nobody is dialled again."""

    async def test(centre: Centre) -> None:
        contact_id = await placed(centre)
        gate = centre.asterisk.hold_back("join")
        centre.asterisk.answer(f"call-{contact_id}")
        await passed(0.1)
        (leg,) = [x for x in centre.asterisk.legs() if x.id.startswith("leg-")]
        centre.asterisk.hang_up(leg.id, 38)
        gate.set()
        await passed(0.5)
        assert state(centre, SECOND) == "reserved"
        await answered(centre, SECOND)
        assert shown(centre, contact_id)["state"] == "talking"
        assert shown(centre, contact_id)["agent_id"] == SECOND
        assert centre.asterisk.phones_rung[f"PJSIP/{CITIZEN}@trunk"] == 1

    run(test)


def test_a_citizen_who_answered_while_no_process_was_there_is_not_dialled_again() -> None:
    async def test(centre: Centre) -> None:
        contact_id = await placed(centre)
        centre.kill()
        centre.asterisk.answer(f"call-{contact_id}")
        successor = await replaced(centre)
        rung = [x.variables["AGENT_ID"] for x in centre.asterisk.legs() if x.state == "Ringing"]
        assert len(rung) == 1
        await answered(successor, AgentId(rung[0]))
        assert shown(successor, contact_id)["state"] == "talking"
        assert shown(successor, contact_id)["direction"] == "outbound"
        assert centre.asterisk.phones_rung[f"PJSIP/{CITIZEN}@trunk"] == 1

    run(test)


# -- redials, repetition, lateness ----------------------------------------------------------------


def test_a_caller_who_is_back_has_the_old_place_and_the_panels_sort_by_it() -> None:
    async def test(centre: Centre) -> None:
        for agent_id in centre.agents:
            centre.present(agent_id, PresenceKind.OFF)
        centre.news.caller_waits(facts("first"))
        await passed(10)
        centre.news.caller_gone(ContactId("first"))
        await passed(10)
        again = CallFacts(C1, centre.clock.now(), CITIZEN, False, "112")
        centre.news.caller_waits(again)
        assert shown(centre)["redial"]
        assert TAG.REDIALLED in centre.journal.tags("c1")
        assert shown(centre)["arrived_at"].startswith("2026-01-01T00:00:20")
        assert shown(centre)["sort_at"] == "2025-12-31T23:55:00.000Z", "arrival less five minutes"
        told = ("called", CITIZEN, "c1")
        assert told in centre.follow_up.told

    run(test)


LATE: list[Callable[[Centre, ContactId], None]] = [
    lambda c, x: c.news.transferred(x, FIRST, "office", None),
    lambda c, x: c.news.transferred(x, FIRST, None, SECOND),
    lambda c, x: c.news.handed_over(x, FIRST, SECOND),
    lambda c, x: c.news.handed_over(x, FIRST, None),
    lambda c, x: c.news.handed_over(x, None, SECOND),
    lambda c, x: c.news.participant_wanted(x, FIRST, SECOND),
    lambda c, x: c.news.participant_left(x, SECOND),
    lambda c, x: c.news.party_changed(x),
    lambda c, x: c.news.segment_changed(x, Segment.CONFERENCE),
    lambda c, x: c.news.mute_changed(x, FIRST, muted=True),
    lambda c, x: c.news.hold_changed(x, held=True),
    lambda c, x: c.news.outbound_answered(x),
    lambda c, x: c.news.outbound_failed(x, "busy"),
    lambda c, x: c.news.language_chosen(x, "ru"),
    lambda c, x: c.news.cannot_speak(x),
    lambda c, x: c.news.silence_changed(x, silent=True),
    lambda c, x: c.news.connected(x, FIRST),
    lambda c, x: c.news.connect_failed(x),
    lambda c, x: c.news.caller_gone(x, True),
    lambda c, x: c.news.conversation_ended(x),
]


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("contact_id", [C1, UNKNOWN])
def test_news_of_a_contact_that_is_over_or_unknown_changes_nothing(
    late: Callable[[Centre, ContactId], None], contact_id: ContactId
) -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        await centre.wishes.hang_up(C1, FIRST)
        await passed(5)
        items, messages = len(centre.journal.items), len(centre.messages)
        late(centre, contact_id)
        await passed(1)
        assert len(centre.journal.items) == items
        assert len(centre.messages) == messages
        assert centre.core.contact_views() == []
        assert not centre.asterisk.channels

    run(test)


def test_repeated_news_of_a_hand_over_parts_nobody() -> None:
    async def test(centre: Centre) -> None:
        contact = await talking(centre)
        await centre.wishes.consult(C1, FIRST, AgentTarget(SECOND))
        await passed(0.2)
        await answered(centre, SECOND)
        await centre.wishes.complete(C1, FIRST)
        await passed(0.3)
        centre.news.handed_over(C1, FIRST, SECOND)
        centre.news.participant_left(C1, SECOND)
        centre.news.transferred(C1, FIRST, "office", None)
        assert contact.view is not None
        assert (contact.view.state.value, contact.view.agent_id) == ("talking", SECOND)
        assert contact.queue == "emergency"

    run(test)
