"""Proves transfers, picks, assistance, hand-over, calls placed by agents."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccserver.acd.commands import AgentState, AlarmCode, Command, OfferKind, RescindReason
from ccserver.acd.events import AgentPresence, Direction, OfferFailure
from ccserver.acd.plan import Plan, QueuePlan
from ccserver.types import Medium
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
    queue_plans,
    rescind,
)

ASSIST, OUTBOUND = OfferKind.ASSIST, OfferKind.OUTBOUND
ENDED, WITHDRAWN = RescindReason.ENDED, RescindReason.AGENT_WITHDRAWN


def unchanged(desk: Desk, act: Callable[[], list[Command]], reason: str) -> None:
    """Assert that an event is stale and changes nothing."""
    before = (desk.core.contact_views(), desk.core.agent_views())
    stale = desk.core.ignored.copy()
    assert act() == []
    assert (desk.core.contact_views(), desk.core.agent_views()) == before
    (counted,) = desk.core.ignored - stale
    assert counted.endswith(f":{reason}")


# ---- transfer ----


def test_a_transferred_contact_waits_in_the_other_queue_by_its_first_arrival() -> None:
    office = replace(ANYBODY, queues=("office",))
    queues = queue_plans(QueuePlan("emergency"), QueuePlan("office"))
    desk = Desk("a", plan=Plan(queues, agent_plans(o=office)))
    desk.talk("c", "a")
    desk.arrive("d", queue="office", at=5)
    assert desk.transfer("c", "a", queue="office", at=9) == []
    assert (desk.contact("c").queue, desk.contact("c").arrived_at) == ("office", 0)
    assert desk.contacts["c"] == "waiting"
    assert desk.agent("a").wrap_up_deadline == 9 + TIMES.wrap_up_s
    assert offered(desk.join("o", at=10)) == [("c", "o")]


def test_a_transfer_begins_a_new_wait_for_alarms_and_escalation() -> None:
    desk = Desk("a")
    desk.arrive("early", at=0)
    desk.arrive("c", at=0)
    desk.accept(1)
    desk.timer(at=30)
    assert desk.alarms == [(AlarmCode.CONTACT_WAITS, "c")]
    desk.end("early")
    desk.wrap_up("a")
    desk.accept(2)
    desk.transfer("c", "a", at=500)
    assert desk.alarms == [(AlarmCode.CONTACT_WAITS, "c")]
    desk.timer(at=529)
    assert len(desk.alarms) == 1
    desk.device("a", reachable=False, at=529)
    desk.presence("a", OFF, at=529)
    assert desk.alarms[1:] == [(AlarmCode.NOBODY_LOGGED_IN, "c")]
    desk.timer(at=530)
    assert desk.alarms[2:] == [(AlarmCode.CONTACT_WAITS, "c")]


def test_who_transferred_a_contact_is_offered_it_last() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    desk.presence("b", BREAK)
    desk.transfer("c", "a", at=1)
    desk.wrap_up("a", at=2)
    assert desk.contact("c").agent_id == "a"  # there is nobody else
    desk.presence("b", READY, at=3)
    desk.presence("a", BREAK, at=4)
    assert desk.contact("c").agent_id == "b"


def test_a_transfer_to_one_agent_is_offered_to_that_one_first_and_then_to_the_line() -> None:
    desk = Desk("a", "b", "x")
    desk.talk("c", "a")
    assert desk.transfer("c", "a", to="x", at=1) == [offer(2, "c", "x", at=1)]
    assert desk.fail(2, at=2) == [offer(3, "c", "b", at=2)]


def test_a_transfer_to_one_who_stands_by_rings_and_to_one_who_is_busy_waits() -> None:
    desk = Desk("a", "b")
    desk.presence("b", BREAK)
    desk.talk("c", "a")
    assert desk.transfer("c", "a", to="b", at=1) == [offer(2, "c", "b", at=1)]
    desk.accept(2)
    assert desk.transfer("c", "b", to="a", at=2) == []
    assert desk.contacts["c"] == "waiting"
    desk = Desk("a")
    desk.talk("c", "a")
    assert desk.transfer("c", "a", to="nobody") == []
    assert desk.contacts["c"] == "waiting"


def test_a_transfer_lets_those_who_assist_go() -> None:
    desk = Desk("a", "b", "x")
    desk.talk("c", "a")
    desk.invite("c", "b")
    desk.accept(2)
    desk.invite("c", "x")
    assert desk.transfer("c", "a", at=3) == [rescind(3, "c", "x", ENDED), offer(4, "c", "x", at=3)]
    assert desk.agents == {"a": "wrap_up", "b": "idle", "x": "reserved"}
    assert desk.contact("c").participants == ()
    assert not desk.agent("b").assisting


def test_only_who_talks_with_a_contact_can_transfer_it() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    unchanged(desk, lambda: desk.transfer("c", "b"), "contact_with_another_agent")
    unchanged(desk, lambda: desk.transfer("x", "a"), "contact_unknown")
    desk.arrive("d")
    unchanged(desk, lambda: desk.transfer("d", "b"), "contact_offered")
    desk.end("c")
    unchanged(desk, lambda: desk.transfer("c", "a"), "contact_over")


def test_the_preferred_of_a_transferred_contact_is_nobody() -> None:
    desk = Desk("a", "b", "x")
    desk.arrive("c", preferred="a")
    desk.accept(1)
    desk.wrap_up("a")
    assert offered(desk.transfer("c", "a")) == [("c", "b")]


# ---- pick ----


def test_a_picked_contact_is_offered_to_that_agent_whatever_the_plan_says() -> None:
    members = agent_plans(a=replace(ANYBODY, queues=()), b=ANYBODY)
    desk = Desk("a", "b", plan=Plan(agents=members))
    desk.talk("busy", "b")
    desk.arrive("c", at=1)
    desk.arrive("d", at=2)
    assert desk.pick("d", "a", at=3) == [offer(2, "d", "a", at=3)]
    assert desk.accept(2) == [connect(2, "d", "a")]


def test_who_is_not_ready_may_pick_with_a_device_that_is_free() -> None:
    desk = Desk("a")
    desk.presence("a", BREAK)
    desk.arrive("c", at=1)
    desk.device("a", busy=True)
    unchanged(desk, lambda: desk.pick("c", "a"), "agent_not_free")
    desk.device("a")
    assert desk.pick("c", "a", at=3) == [offer(1, "c", "a", at=3)]
    assert desk.fail(1, at=4) == []
    assert desk.contacts["c"] == "waiting"
    unchanged(desk, lambda: desk.pick("c", "a"), "agent_not_free")  # a pause
    assert desk.timer(at=14) == []
    assert desk.pick("c", "a", at=15) == [offer(2, "c", "a", at=15)]


def test_only_what_waits_can_be_picked_by_somebody_who_is_there() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.arrive("d")
    unchanged(desk, lambda: desk.pick("d", "a"), "agent_not_free")
    unchanged(desk, lambda: desk.pick("d", "x"), "agent_unknown")
    desk.join("b")
    unchanged(desk, lambda: desk.pick("c", "b"), "contact_talking")
    unchanged(desk, lambda: desk.pick("d", "b"), "contact_offered")
    unchanged(desk, lambda: desk.pick("x", "b"), "contact_unknown")


# ---- assistance ----


def test_a_second_agent_joins_and_leaves_without_wrap_up() -> None:
    desk = Desk("a", "b", "x")
    desk.talk("c", "a")
    assert desk.invite("c", "b", at=1) == [offer(2, "c", "b", at=1, kind=ASSIST)]
    view = desk.contact("c")
    assert (view.state, view.agent_id, view.offer_id) == ("talking", "a", None)
    assert [ringing.agent_id for ringing in view.offers] == ["b"]
    assert desk.accept(2, at=2) == [connect(2, "c", "b", kind=ASSIST)]
    assert desk.contact("c").participants == ("b",)
    assert desk.agent("b").assisting
    assert desk.agent("b").contact_id == "c"
    assert desk.agents["b"] == "talking"
    desk.presence("b", BREAK, at=3)
    assert desk.part("c", "b", at=4) == []
    assert (desk.agents["b"], desk.agent("b").contact_id) == ("not_ready", None)
    assert desk.contact("c").participants == ()
    assert not desk.agent("b").assisting
    desk.presence("b", READY, at=5)
    assert offered(desk.arrive("d", at=6)) == [("d", "x")]


def test_who_assisted_goes_to_the_end_of_the_idle() -> None:
    desk = Desk("a", "b", "x")
    desk.talk("c", "a")
    desk.invite("c", "b")
    desk.accept(2)
    desk.part("c", "b", at=9)
    assert desk.agent("b").since == 9
    assert offered(desk.arrive("d", at=10)) == [("d", "x")]


def test_an_invitation_that_fails_changes_nothing_for_the_contact() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    desk.invite("c", "b", at=1)
    assert desk.fail(2, OfferFailure.BUSY, at=2) == []
    assert desk.contacts == {"c": "talking"}
    assert desk.agent("b").paused_until == 2 + TIMES.device_failure_delay_s
    desk.timer(at=7)
    desk.give_back("c", at=8)
    assert desk.contact("c").agent_id == "b"  # it did not refuse the contact itself


def test_the_end_of_a_conversation_lets_all_go() -> None:
    desk = Desk("a", "b", "x")
    desk.talk("c", "a")
    desk.invite("c", "b")
    desk.accept(2)
    desk.invite("c", "x")
    assert desk.end("c", at=5) == [rescind(3, "c", "x", ENDED)]
    assert desk.agents == {"a": "wrap_up", "b": "idle", "x": "idle"}
    assert desk.accept(3) == [rescind(3, "c", "x", ENDED)]


def test_a_contact_that_lost_its_call_taker_waits_without_those_who_assisted() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    desk.invite("c", "b")
    desk.accept(2)
    unchanged(desk, lambda: desk.give_back("c", "b"), "contact_with_another_agent")
    assert offered(desk.give_back("c", "a", at=5)) == [("c", "b")]
    assert not desk.agent("b").assisting


def test_only_a_conversation_by_voice_can_be_joined_by_one_who_is_free() -> None:
    desk = Desk("a", "b", plan=Plan(agents=agent_plans(a=replace(ANYBODY, text_max=1))))
    desk.talk("c", "a")
    desk.talk("d", "b")
    unchanged(desk, lambda: desk.invite("c", "b"), "agent_not_free")
    unchanged(desk, lambda: desk.invite("c", "x"), "agent_unknown")
    desk.arrive("e")
    unchanged(desk, lambda: desk.invite("e", "b"), "contact_waiting")
    unchanged(desk, lambda: desk.part("c", "b"), "agent_not_participant")
    unchanged(desk, lambda: desk.part("x", "b"), "contact_unknown")
    desk = Desk("a", "b", plan=Plan(agents=agent_plans(a=replace(ANYBODY, text_max=1))))
    desk.arrive("t", medium=Medium.SMS)
    desk.accept(1)
    unchanged(desk, lambda: desk.invite("t", "b"), "contact_is_text")
    unchanged(desk, lambda: desk.hand_over("t", "a"), "contact_is_text")


# ---- hand-over ----


def test_a_participant_takes_over() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    desk.invite("c", "b")
    desk.accept(2)
    assert desk.hand_over("c", "a", "b", at=7) == []
    view = desk.contact("c")
    assert (view.state, view.agent_id, view.participants) == ("talking", "b", ())
    assert desk.agents == {"a": "wrap_up", "b": "talking"}
    assert not desk.agent("b").assisting
    assert desk.agent("a").contact_id is None
    desk.end("c", at=8)
    assert desk.agents == {"a": "wrap_up", "b": "wrap_up"}


def test_an_outside_party_alone_with_the_caller_keeps_the_contact() -> None:
    desk = Desk("a", "b", "x")
    desk.talk("c", "a")
    desk.invite("c", "b")
    desk.accept(2)
    desk.invite("c", "x")
    assert desk.hand_over("c", "a", at=7) == [rescind(3, "c", "x", ENDED)]
    view = desk.contact("c")
    assert (view.state, view.agent_id, view.participants) == ("handed_over", None, ("b",))
    assert desk.agents["a"] == "wrap_up"
    assert desk.part("c", "b", at=8) == []
    assert desk.contacts == {"c": "handed_over"}
    unchanged(desk, lambda: desk.hand_over("c", "a"), "contact_handed_over")
    unchanged(desk, lambda: desk.transfer("c", "a"), "contact_handed_over")
    assert offered(desk.give_back("c", at=9)) == [("c", "x")]


def test_a_hand_over_by_or_to_somebody_else_changes_nothing() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    desk.talk("d", "b")
    unchanged(desk, lambda: desk.hand_over("c", "a", "b"), "agent_talking")
    unchanged(desk, lambda: desk.hand_over("c", "a", "z"), "agent_unknown")
    unchanged(desk, lambda: desk.hand_over("c", "b"), "contact_with_another_agent")
    unchanged(desk, lambda: desk.hand_over("c", None, "b"), "contact_with_another_agent")
    unchanged(desk, lambda: desk.hand_over("x", "a"), "contact_unknown")


@pytest.mark.parametrize("presence", [READY, BREAK, OFF])
def test_who_came_in_without_being_asked_can_be_handed_the_contact(presence: AgentPresence) -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    desk.presence("b", presence)
    assert desk.hand_over("c", "a", "b") == []
    assert desk.agents == {"a": "wrap_up", "b": "talking"}
    assert desk.contact("c").agent_id == "b"
    assert desk.contact("c").participants == ()
    desk.end("c")
    after = {READY: "wrap_up", BREAK: "wrap_up", OFF: "off"}[presence]
    assert desk.agents["b"] == after


def test_an_offer_to_who_came_in_is_taken_back() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    assert offered(desk.arrive("d")) == [("d", "b")]
    (taken_back,) = desk.hand_over("c", "a", "b")
    assert taken_back == rescind(2, "d", "b", WITHDRAWN)
    assert desk.contacts == {"c": "talking", "d": "waiting"}


def test_a_call_taker_takes_a_caller_from_an_outside_party() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    desk.hand_over("c", "a")
    assert desk.contacts == {"c": "handed_over"}
    assert desk.hand_over("c", None, "b") == []
    assert desk.contacts == {"c": "talking"}
    assert desk.contact("c").agent_id == "b"
    unchanged(desk, lambda: desk.hand_over("c", None, "a"), "contact_with_another_agent")


def test_the_end_of_a_contact_that_was_handed_over_frees_who_assisted() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    desk.invite("c", "b")
    desk.accept(2)
    desk.hand_over("c", "a")
    assert desk.end("c") == []
    assert desk.agents == {"a": "wrap_up", "b": "idle"}
    assert desk.contacts == {}


# ---- outbound ----


def test_a_call_back_waits_in_line_and_is_dialled_by_who_accepts_it_first() -> None:
    desk = Desk("a", "b")
    assert desk.arrive("c", at=1, direction=Direction.OUTBOUND) == [
        offer(1, "c", "a", at=1, kind=OUTBOUND)
    ]
    assert desk.contact("c").direction is Direction.OUTBOUND
    assert desk.fail(1, at=2) == [offer(2, "c", "b", at=2, kind=OUTBOUND)]
    assert desk.accept(2, at=3) == [connect(2, "c", "b", kind=OUTBOUND)]
    desk.join("x", at=4)
    assert desk.transfer("c", "b", at=5) == [offer(3, "c", "x", at=5)]  # the citizen is there


@pytest.mark.parametrize("state", ["idle", "not_ready", "wrap_up"])
def test_a_placed_call_rings_the_agents_own_device_at_once(state: str) -> None:
    desk = Desk("a")
    if state == "not_ready":
        desk.presence("a", BREAK)
    if state == "wrap_up":
        desk.talk("past", "a")
        desk.end("past")
        desk.extend("a", 5.0)
        desk.presence("a", BREAK)
    number = desk.core._offer_count + 1
    assert desk.agents["a"] == state
    assert desk.place("p", "a", at=5) == [offer(number, "p", "a", at=5, kind=OUTBOUND)]
    view = desk.contact("p")
    assert (view.queue, view.priority, view.arrived_at) == ("office", 0, 5)
    assert (view.state, view.direction) == ("offered", Direction.OUTBOUND)
    assert desk.agent("a").wrap_up_deadline is None
    assert desk.agent("a").wrap_up_extended_s == 0
    assert desk.agent("a").presence == (READY if state == "idle" else BREAK)
    assert desk.core.next_deadline() == 20
    assert desk.accept(number, at=6) == [connect(number, "p", "a", kind=OUTBOUND)]
    desk.end("p", at=50)
    desk.wrap_up("a", at=51)
    assert desk.agents["a"] == ("idle" if state == "idle" else "not_ready")


def test_a_placed_call_that_fails_is_gone() -> None:
    desk = Desk("a", "b")
    desk.place("p", "a", at=1)
    assert desk.fail(1, at=2) == []
    assert desk.contacts == {}
    assert desk.agents == {"a": "unavailable", "b": "idle"}
    unchanged(desk, lambda: desk.place("p", "b"), "contact_over")
    desk.place("q", "b", at=3)
    assert desk.timer(at=18) == [rescind(2, "q", "b", RescindReason.TIMED_OUT)]
    assert desk.contacts == {}
    desk.place("r", "a", at=30)
    assert desk.device("a", reachable=False) == [rescind(3, "r", "a", WITHDRAWN)]
    assert desk.contacts == {}


def test_an_answered_placed_call_is_a_conversation_like_any_other() -> None:
    desk = Desk("a", "b")
    desk.place("p", "a")
    desk.accept(1)
    assert offered(desk.give_back("p", at=2)) == [("p", "b")]
    assert desk.fail(2) == []
    assert desk.contacts == {"p": "waiting"}


def test_a_call_cannot_be_placed_by_who_is_not_free_or_not_there() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    unchanged(desk, lambda: desk.place("p", "a"), "agent_talking")
    unchanged(desk, lambda: desk.place("p", "x"), "agent_unknown")
    unchanged(desk, lambda: desk.place("c", "b"), "contact_known")
    desk.presence("b", BREAK)
    desk.device("b", reachable=False)
    unchanged(desk, lambda: desk.place("p", "b"), "agent_unreachable")
    desk.presence("b", OFF)
    unchanged(desk, lambda: desk.place("p", "b"), "agent_off")


def test_a_placed_text_leaves_the_voice_slot_as_it_is() -> None:
    desk = Desk("a")
    desk.talk("past", "a")
    desk.end("past", at=1)
    assert desk.place("p", "a", at=2, medium=Medium.SMS) == [
        offer(2, "p", "a", at=2, kind=OUTBOUND)
    ]
    assert desk.agents["a"] == "wrap_up"
    assert desk.agent("a").wrap_up_deadline == 1 + TIMES.wrap_up_s
    unchanged(desk, lambda: desk.place("q", "a", medium=Medium.SMS), "agent_not_free")
    desk.accept(2, at=3)
    assert desk.agents["a"] == "wrap_up"
    assert desk.agent("a").contacts == ("p",)
    assert desk.place("q", "a", at=4, medium=Medium.SMS) == [
        offer(3, "q", "a", at=4, kind=OUTBOUND)
    ]


def test_a_placed_call_ends_a_pause() -> None:
    desk = Desk("a")
    desk.arrive("c", at=0)
    desk.fail(1, at=1)
    desk.presence("a", BREAK, at=2)
    assert desk.place("p", "a", at=3) == [offer(2, "p", "a", at=3, kind=OUTBOUND)]
    assert desk.agent("a").paused_until is None


# ---- rings and offers that are over ----


def test_an_invitation_that_is_not_wanted_any_more_stops_ringing_and_no_other_does() -> None:
    desk = Desk("a", "b", "d")
    desk.talk("c", "a")
    desk.invite("c", "b")
    desk.invite("c", "d")
    assert desk.part("c", "d") == [rescind(3, "c", "d", RescindReason.ENDED)]
    assert desk.part("c", "d") == []
    assert (desk.agents["b"], desk.agents["d"]) == (AgentState.RESERVED, AgentState.IDLE)
    assert desk.accept(2) == [connect(2, "c", "b", kind=OfferKind.ASSIST)]
    assert desk.core.ignored == {"ParticipantLeft:agent_not_participant": 1}


def test_an_offer_to_answer_is_not_taken_back_by_a_parting() -> None:
    desk = Desk("a")
    desk.arrive("c")
    assert desk.part("c", "a") == []
    assert desk.agents["a"] is AgentState.RESERVED


def test_who_lost_a_contact_is_asked_after_all_others_even_if_idle_for_longer() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    desk.talk("x", "b")
    desk.give_back("c", at=1)
    desk.end("x", at=2)
    assert desk.wrap_up("b", at=1 + TIMES.device_failure_delay_s) == [offer(3, "c", "b", at=6)]


def test_who_has_a_text_in_hand_is_named_only_if_the_plan_allows_a_call_beside_it() -> None:
    writes = replace(ANYBODY, text_max=1)
    for allowed in (True, False):
        plan = Plan(agents=agent_plans(b=writes), voice_during_text=allowed)
        desk = Desk("b", plan=plan)
        desk.arrive("t", medium=Medium.SMS)
        desk.accept(1)
        desk.join("a")
        desk.talk("c", "a") if not allowed else desk.adopt("c", "a")
        assert bool(desk.invite("c", "b")) is allowed
        if not allowed:
            desk.presence("a", BREAK)
            desk.arrive("w")
            assert desk.pick("w", "b") == []
            assert desk.transfer("c", "a", to="b") == []


def test_a_second_answer_to_the_same_offer_is_known_as_such() -> None:
    desk = Desk("a")
    desk.arrive("c")
    desk.accept(1)
    assert desk.accept(1) == []
    assert desk.core.ignored == {"OfferAccepted:offer_accepted": 1}
