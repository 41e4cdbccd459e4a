"""Proves what concerns agents alone: texts beside voice, missed offers, wrap-up, seats that go."""

from dataclasses import replace

import pytest

from ccserver.acd.commands import AlarmCode, OfferKind, RaiseAlarm, RescindReason
from ccserver.acd.events import AgentPresence, OfferFailure, PresenceKind
from ccserver.acd.plan import AgentPlan, Plan
from ccserver.types import AgentId, Medium
from tests.acd.desk import (
    ANYBODY,
    BREAK,
    OFF,
    READY,
    TIMES,
    Desk,
    agent_plans,
    connect,
    offer,
    offered,
    rescind,
)

SMS = Medium.SMS
MISSED = AgentPresence(PresenceKind.NOT_READY, "missed_offers")
WITHDRAWN = RescindReason.AGENT_WITHDRAWN


def texter(text_max: int = 2) -> AgentPlan:
    return replace(ANYBODY, text_max=text_max)


def text_desk(
    *names: str, text_max: int = 2, during_voice: bool = False, voice: bool = True
) -> Desk:
    agents = {name: texter(text_max) for name in names}
    plan = Plan(
        agents=agent_plans(**agents), text_during_voice=during_voice, voice_during_text=voice
    )
    return Desk(*names, plan=plan)


# ---- texts ----


def test_a_text_stands_beside_the_voice_slot_and_has_no_wrap_up() -> None:
    desk = text_desk("a")
    assert desk.arrive("t", at=1, medium=SMS) == [offer(1, "t", "a", at=1)]
    assert desk.agents == {"a": "idle"}
    assert (desk.agent("a").contact_id, desk.agent("a").contacts) == (None, ())
    assert desk.core.next_deadline() == 16
    assert desk.accept(1, at=2) == [connect(1, "t", "a")]
    assert (desk.contact("t").state, desk.contact("t").agent_id) == ("talking", "a")
    assert desk.agent("a").contacts == ("t",)
    assert desk.agents == {"a": "idle"}
    assert desk.core.next_deadline() is None
    assert desk.end("t", at=3) == []
    assert desk.agents == {"a": "idle"}
    assert desk.agent("a").contacts == ()


def test_an_agent_holds_no_more_texts_than_planned_and_rings_for_one_at_a_time() -> None:
    desk = text_desk("a")
    desk.arrive("t1", at=0, medium=SMS)
    assert desk.arrive("t2", at=1, medium=SMS) == []
    assert desk.accept(1, at=2) == [connect(1, "t1", "a"), offer(2, "t2", "a", at=2)]
    desk.accept(2)
    assert desk.arrive("t3", at=3, medium=SMS) == []
    assert desk.end("t1", at=4) == [offer(3, "t3", "a", at=4)]
    assert desk.agent("a").contacts == ("t2",)


def test_who_may_have_no_text_is_offered_none_not_even_when_it_escalates() -> None:
    desk = text_desk("a", text_max=0)
    desk.arrive("t", at=0, medium=SMS)
    assert desk.contact("t").shortage == "nobody_qualified"
    assert desk.timer(at=60) == []


def test_supervisors_are_told_at_once_of_a_text_that_nobody_could_ever_take() -> None:
    desk = text_desk("a", text_max=0)
    desk.arrive("t", at=0, medium=SMS)
    assert desk.alarms == [("nobody_logged_in", "t")]


def test_seats_of_which_the_plan_says_nothing_take_texts() -> None:
    desk = Desk("a")
    assert offered(desk.arrive("t", at=0, medium=SMS)) == [("t", "a")]


def test_those_with_fewer_texts_are_asked_first_for_anything() -> None:
    desk = text_desk("a", "b")
    desk.arrive("t1", medium=SMS)
    desk.accept(1)
    assert offered(desk.arrive("t2", medium=SMS)) == [("t2", "b")]
    desk.fail(2)
    assert offered(desk.arrive("c")) == [("c", "b")]


def test_voice_may_be_offered_to_somebody_with_texts_unless_the_plan_forbids_it() -> None:
    desk = text_desk("a")
    desk.arrive("t", medium=SMS)
    assert offered(desk.arrive("c")) == [("c", "a")]  # while the text is only offered
    assert desk.agents == {"a": "reserved"}
    assert desk.accept(1) == [connect(1, "t", "a")]
    desk.accept(2)
    assert (desk.agents["a"], desk.agent("a").contacts) == ("talking", ("t",))
    desk = text_desk("a", voice=False)
    desk.arrive("t", medium=SMS)
    assert desk.arrive("c") == []
    desk.accept(1)
    assert desk.arrive("d") == []
    assert offered(desk.end("t")) == [("c", "a")]


def test_a_text_waits_for_the_end_of_a_voice_contact_unless_the_plan_allows_it_beside() -> None:
    desk = text_desk("a")
    desk.talk("c", "a")
    assert desk.arrive("t", at=1, medium=SMS) == []
    desk.end("c", at=2)
    assert desk.agents == {"a": "wrap_up"}
    assert desk.wrap_up("a", at=3) == [offer(2, "t", "a", at=3)]
    desk = text_desk("a", during_voice=True)
    desk.arrive("c", at=0)
    assert desk.arrive("t1", at=1, medium=SMS) == [offer(2, "t1", "a", at=1)]
    desk.accept(1)
    desk.accept(2)
    assert desk.arrive("t2", at=2, medium=SMS) == [offer(3, "t2", "a", at=2)]
    desk.end("c", at=3)
    assert desk.agent("a").contacts == ("t1",)
    assert desk.core.next_deadline() == 17
    assert desk.accept(3) == [connect(3, "t2", "a")]


@pytest.mark.parametrize("how", ["break", "device"])
def test_no_text_beside_voice_for_who_goes_soon_or_has_no_device(how: str) -> None:
    desk = text_desk("a", during_voice=True)
    desk.talk("c", "a")
    if how == "break":
        desk.presence("a", BREAK)
    else:
        desk.device("a", reachable=False)
    assert desk.arrive("t", medium=SMS) == []


def test_voice_is_given_out_before_text() -> None:
    desk = text_desk("a", voice=False)
    desk.presence("a", BREAK)
    desk.arrive("t", at=0, medium=SMS)
    desk.arrive("c", at=1)
    assert offered(desk.presence("a", READY, at=2)) == [("c", "a")]


def test_a_text_that_is_missed_keeps_no_voice_away() -> None:
    desk = text_desk("a", "b")
    desk.arrive("t", at=0, medium=SMS)
    assert desk.fail(1, at=1) == [offer(2, "t", "b", at=1)]
    assert desk.agents == {"a": "idle", "b": "idle"}
    assert desk.agent("a").paused_until is None
    assert desk.timer(at=16) == [
        rescind(2, "t", "b", RescindReason.TIMED_OUT),
        offer(3, "t", "a", at=16),
    ]
    assert desk.agent("b").missed_offers == 0
    assert offered(desk.arrive("c", at=17)) == [("c", "a")]


def test_a_pause_of_texts_ends_by_itself() -> None:
    desk = text_desk("a")
    desk.arrive("t", at=0, medium=SMS)
    assert desk.fail(1, at=1) == []
    assert desk.core.next_deadline() == 11
    assert desk.timer(at=11) == [offer(2, "t", "a", at=11)]
    desk.fail(2, OfferFailure.FAILED, at=12)
    assert desk.core.next_deadline() == 12 + TIMES.device_failure_delay_s


@pytest.mark.parametrize("presence", [BREAK, OFF])
def test_who_withdraws_keeps_the_texts_in_hand_and_loses_the_one_that_is_offered(
    presence: AgentPresence,
) -> None:
    desk = text_desk("a", "b")
    desk.presence("b", BREAK)
    desk.arrive("t1", medium=SMS)
    desk.accept(1)
    desk.arrive("t2", medium=SMS)
    assert desk.presence("a", presence) == [rescind(2, "t2", "a", WITHDRAWN)]
    assert desk.agent("a").presence == presence
    assert desk.agent("a").contacts == ("t1",)


def test_a_lost_device_takes_voice_and_text_offers_back() -> None:
    desk = text_desk("a")
    desk.arrive("t", medium=SMS)
    desk.arrive("c")
    assert desk.device("a", reachable=False) == [
        rescind(2, "c", "a", WITHDRAWN),
        rescind(1, "t", "a", WITHDRAWN),
    ]
    assert desk.agents == {"a": "unavailable"}


def test_an_escalated_text_rings_who_stands_by_with_room_for_it() -> None:
    desk = text_desk("a", text_max=1)
    desk.presence("a", BREAK)
    desk.arrive("t", at=0, medium=SMS)
    assert desk.timer(at=60) == [offer(1, "t", "a", at=60)]
    desk.accept(1)
    assert desk.agents == {"a": "not_ready"}
    desk.arrive("u", at=61, medium=SMS)
    assert desk.timer(at=121) == []


def test_a_text_that_lost_its_call_taker_waits_again_and_pauses_only_texts() -> None:
    desk = text_desk("a", "b")
    desk.arrive("t", at=0, medium=SMS)
    desk.accept(1)
    assert desk.give_back("t", "a", at=9) == [offer(2, "t", "b", at=9)]
    assert desk.agents == {"a": "idle", "b": "idle"}
    assert desk.agent("a").contacts == ()
    assert desk.core.next_deadline() == 9 + TIMES.device_failure_delay_s


def test_a_text_is_transferred_picked_and_placed_like_voice() -> None:
    desk = text_desk("a", "b", text_max=1)
    desk.arrive("t", at=0, medium=SMS)
    desk.accept(1)
    assert desk.transfer("t", "a", to="b", at=1) == [offer(2, "t", "b", at=1)]
    assert desk.agents == {"a": "idle", "b": "idle"}
    desk.accept(2)
    assert desk.place("p", "b", at=2, medium=SMS) == [
        offer(3, "p", "b", at=2, kind=OfferKind.OUTBOUND)
    ]
    assert desk.agents == {"a": "idle", "b": "idle"}
    assert desk.place("q", "b", at=2, medium=SMS) == []
    assert desk.core.ignored == {"ContactPlaced:agent_not_free": 1}
    desk.presence("a", BREAK)
    desk.arrive("u", at=3, medium=SMS)
    assert desk.pick("u", "b", at=4) == []
    assert desk.pick("u", "a", at=4) == [offer(4, "u", "a", at=4)]


def test_a_text_placed_in_wrap_up_does_not_end_it() -> None:
    desk = text_desk("a")
    desk.talk("c", "a")
    desk.end("c", at=1)
    assert desk.place("p", "a", at=2, medium=SMS) == [
        offer(2, "p", "a", at=2, kind=OfferKind.OUTBOUND)
    ]
    assert desk.agents == {"a": "wrap_up"}
    assert desk.agent("a").wrap_up_deadline == 31


def test_texts_are_adopted_beside_a_voice_conversation_whatever_the_limit() -> None:
    desk = text_desk("a", text_max=1)
    desk.adopt("c", "a")
    desk.adopt("t1", "a", medium=SMS)
    desk.adopt("t2", "a", medium=SMS)
    assert desk.agent("a").contacts == ("t1", "t2")
    assert desk.agents == {"a": "talking"}
    desk.adopt("t3", "b", medium=SMS)
    assert desk.agents["b"] == "off"


def test_texts_among_themselves_go_round() -> None:
    desk = text_desk("a", "b", text_max=3)
    got = []
    for number in range(1, 5):
        ((_, agent),) = offered(desk.arrive(f"t{number}", medium=SMS))
        desk.accept(number)
        got.append(agent)
    assert got == ["a", "b", "a", "b"]


# ---- missed offers ----


def miss(desk: Desk, contact: str, at: float) -> None:
    """Let an offer to the only agent time out, and the caller leave."""
    ((_, agent),) = offered(desk.arrive(contact, at=at))
    desk.timer(at=at + 15)
    desk.abandon(contact)
    desk.timer(at=at + 27)
    assert desk.agents[agent] in ("idle", "not_ready")


def test_after_so_many_missed_offers_one_after_the_other_the_agent_is_not_ready() -> None:
    desk = Desk("a")
    for number in range(2):
        miss(desk, f"c{number}", at=100 * number)
    assert desk.agent("a").missed_offers == 2
    assert desk.agents == {"a": "idle"}
    desk.arrive("last", at=500)
    commands = desk.core.handle_timer(now=515)
    assert commands[0] == RaiseAlarm(AlarmCode.OFFERS_MISSED, None, AgentId("a"), None)
    assert (desk.agent("a").presence, desk.agents["a"]) == (MISSED, "not_ready")
    assert desk.agent("a").presence_pending is None
    assert desk.agent("a").missed_offers == 3
    desk.presence("a", READY, at=530)
    assert desk.agent("a").missed_offers == 0


def test_an_accepted_offer_sets_the_count_back_and_a_rejected_one_does_not_count() -> None:
    desk = Desk("a")
    miss(desk, "c1", at=0)
    desk.arrive("c2", at=100)
    desk.fail(2, at=101)
    assert desk.agent("a").missed_offers == 1
    assert desk.timer(at=111) == [offer(3, "c2", "a", at=111)]
    desk.accept(3)
    assert desk.agent("a").missed_offers == 0


def test_who_is_not_ready_already_stays_so_without_a_second_alarm() -> None:
    desk = Desk("a", plan=Plan(missed_offers_max=1))
    desk.presence("a", BREAK)
    desk.arrive("c", at=0)
    desk.pick("c", "a", at=1)
    desk.timer(at=16)
    assert desk.agent("a").missed_offers == 1
    assert desk.agent("a").presence == BREAK
    assert desk.alarms == []


def test_a_limit_of_none_is_no_limit() -> None:
    desk = Desk("a", plan=Plan(missed_offers_max=0))
    for number in range(5):
        miss(desk, f"c{number}", at=100 * number)
    assert desk.agents == {"a": "idle"}
    assert desk.agent("a").missed_offers == 5


def test_missed_texts_take_nobody_from_those_who_call() -> None:
    desk = Desk("a", plan=Plan(agents=agent_plans(a=texter()), missed_offers_max=1))
    desk.arrive("t", at=0, medium=SMS)
    for number in range(3):
        desk.timer(at=100 * number + 50)
    assert desk.agents == {"a": "idle"}
    assert desk.agent("a").missed_offers == 0
    assert offered(desk.arrive("c", at=301)) == [("c", "a")]
    desk.timer(at=400)
    assert desk.agent("a").presence == MISSED, "a call that rang out counts as before"


# ---- wrap-up ----


def test_wrap_up_is_extended_up_to_the_plans_limit_in_all() -> None:
    desk = Desk("a", plan=Plan(wrap_up_extension_max_s=50.0))
    desk.talk("c", "a")
    desk.end("c", at=0)
    desk.extend("a", 40.0, at=1)
    assert (desk.agent("a").wrap_up_deadline, desk.agent("a").wrap_up_extended_s) == (70, 40)
    assert desk.core.next_deadline() == 70
    desk.extend("a", 40.0, at=2)
    assert (desk.agent("a").wrap_up_deadline, desk.agent("a").wrap_up_extended_s) == (80, 50)
    desk.extend("a", 1.0, at=3)
    assert desk.core.ignored == {"WrapUpExtended:wrap_up_limit": 1}
    desk.timer(at=80)
    assert (desk.agents["a"], desk.agent("a").wrap_up_extended_s) == ("idle", 0)
    desk.extend("a", 1.0, at=81)
    assert desk.core.ignored["WrapUpExtended:agent_idle"] == 1


@pytest.mark.parametrize("by_s", [0.0, -5.0, float("nan"), float("inf")])
def test_an_extension_that_is_none_changes_nothing(by_s: float) -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.end("c", at=0)
    desk.extend("a", by_s, at=1)
    assert desk.agent("a").wrap_up_deadline == 30
    assert desk.core.ignored == {"WrapUpExtended:wrap_up_limit": 1}


def test_a_plan_without_a_proper_limit_allows_no_extension() -> None:
    desk = Desk("a", plan=Plan(wrap_up_extension_max_s=float("nan")))
    desk.talk("c", "a")
    desk.end("c", at=0)
    desk.extend("a", 5.0, at=1)
    assert desk.agent("a").wrap_up_deadline == 30


def test_the_next_wrap_up_can_be_extended_anew_also_after_an_adoption() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.end("c", at=0)
    desk.extend("a", 300.0, at=1)
    desk.adopt("d", "a")
    assert desk.agent("a").wrap_up_extended_s == 0
    desk.end("d", at=2)
    desk.extend("a", 5.0, at=3)
    assert desk.agent("a").wrap_up_deadline == 37


# ---- seats that go ----


def test_a_removed_seat_is_off_and_forgotten_at_once_if_nothing_is_in_hand() -> None:
    desk = Desk("a", "b")
    desk.arrive("c", at=1)
    assert desk.remove("a", at=2) == [rescind(1, "c", "a", WITHDRAWN), offer(2, "c", "b", at=2)]
    assert desk.agents == {"b": "reserved"}
    gone = [view for view in desk.published if hasattr(view, "presence")]
    assert [(view.agent_id, view.state) for view in gone if view.agent_id == "a"] == [("a", "off")]
    desk.remove("a")
    desk.presence("a", READY)
    assert desk.core.ignored == {
        "AgentRemoved:agent_unknown": 1,
        "AgentPresenceChanged:agent_unknown": 1,
    }


def test_a_removed_seat_finishes_its_conversations_first_and_cannot_come_back_by_itself() -> None:
    desk = text_desk("a")
    desk.arrive("t", medium=SMS)
    desk.accept(1)
    desk.talk("c", "a")
    desk.remove("a")
    assert desk.agents == {"a": "talking"}
    desk.remove("a")
    desk.presence("a", READY)
    assert desk.core.ignored == {
        "AgentRemoved:agent_removed": 1,
        "AgentPresenceChanged:agent_removed": 1,
    }
    desk.arrive("d", at=1)
    assert desk.contact("d").shortage == "nobody_logged_in"
    assert desk.end("c", at=2) == []
    assert desk.agents == {"a": "off"}
    assert desk.end("t", at=3) == []
    assert desk.agents == {}
    assert desk.contact("d").shortage == "nobody_qualified"
    assert desk.contact("d") in desk.published
    assert desk.core.next_deadline() == 31


def test_a_seat_that_is_added_again_while_it_finishes_stays() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.remove("a")
    desk.join("a")
    desk.end("c", at=1)
    assert desk.agents == {"a": "wrap_up"}
    desk.remove("a", at=2)
    assert desk.agents == {}
    desk.join("a", at=3)
    assert desk.agents == {"a": "idle"}
