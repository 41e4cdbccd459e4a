"""Who talks, who left and who listens stands on the card once, also over a restart.

The real core, runtime and call control over the fake Asterisk, in virtual time."""

from ccserver.acd.events import PresenceKind
from ccserver.telephony.party import AgentTarget, QueueTarget
from tests.newsroom import (
    C1,
    FIRST,
    SECOND,
    SERVICE,
    TAG,
    answered,
    entries,
    live,
    replaced,
    run,
    shown,
    state,
    talking,
)
from tests.telephony.centre import SUPERVISOR, Centre, passed
from tests.telephony.fakes import NORMAL


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


def test_holding_twice_is_one_hold() -> None:
    async def test(centre: Centre) -> None:
        await talking(centre)
        for held in (True, True, False, False):
            centre.news.hold_changed(C1, held=held)
        tags = [x.tag for x in entries(centre, TAG.HELD, TAG.RESUMED)]
        assert tags == [TAG.HELD, TAG.RESUMED]

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
