"""Proves the life of offers, conversations, wrap-up and presence, and what a restart adopts."""

from collections.abc import Callable

import pytest

from ccserver.acd.commands import AgentState, Command, ContactState, RescindReason
from ccserver.acd.events import AgentPresence, OfferFailure, PresenceKind
from tests.acd.desk import BREAK, OFF, READY, TIMES, Desk, connect, offer, rescind

WITHDRAWN = RescindReason.AGENT_WITHDRAWN


# ---- offers ----


def test_an_accepted_offer_connects() -> None:
    desk = Desk("a")
    desk.arrive("c", at=1)
    assert desk.accept(1, at=3) == [connect(1, "c", "a")]
    assert desk.contacts == {"c": ContactState.TALKING}
    assert desk.agents == {"a": AgentState.TALKING}
    assert desk.core.next_deadline() is None


@pytest.mark.parametrize(
    ("failure", "pause_s"),
    [
        (OfferFailure.REJECTED, TIMES.reject_delay_s),
        (OfferFailure.BUSY, TIMES.device_failure_delay_s),
        (OfferFailure.UNREACHABLE, TIMES.device_failure_delay_s),
        (OfferFailure.FAILED, TIMES.device_failure_delay_s),
    ],
)
def test_a_failed_offer_pauses_the_agent_by_its_reason_and_the_next_is_asked_at_once(
    failure: OfferFailure, pause_s: float
) -> None:
    desk = Desk("a", "b")
    desk.arrive("c", at=1)
    assert desk.fail(1, failure, at=2) == [offer(2, "c", "b", at=2)]
    assert desk.agents == {"a": AgentState.UNAVAILABLE, "b": AgentState.RESERVED}
    assert desk.agent("a").paused_until == 2 + pause_s
    assert desk.core.next_deadline() == 2 + pause_s
    desk.timer(at=2 + pause_s)
    assert desk.agents["a"] is AgentState.IDLE


def test_an_offer_without_an_answer_times_out_and_the_next_is_asked_at_once() -> None:
    desk = Desk("a", "b")
    desk.arrive("c", at=1)
    assert desk.timer(at=15.9) == []
    assert desk.timer(at=16) == [
        rescind(1, "c", "a", RescindReason.TIMED_OUT),
        offer(2, "c", "b", at=16),
    ]
    assert desk.agent("a").paused_until == 16 + TIMES.no_answer_delay_s
    assert desk.agents["a"] is AgentState.UNAVAILABLE


def test_an_answer_that_comes_before_the_offer_was_given_up_is_in_time() -> None:
    desk = Desk("a")
    desk.arrive("c", at=1)
    assert desk.accept(1, at=16.5) == [connect(1, "c", "a")]
    assert desk.timer(at=17) == []


def test_an_answer_after_the_deadline_is_dropped_and_connects_nobody() -> None:
    desk = Desk("a", "b")
    desk.arrive("c", at=1)
    desk.timer(at=16)
    for _ in range(2):
        assert desk.accept(1, at=17) == [rescind(1, "c", "a", RescindReason.TIMED_OUT)]
    assert desk.contact("c").agent_id == "b"
    assert desk.core.ignored == {"OfferAccepted:offer_closed": 2}


def test_an_answer_after_a_rejection_is_dropped() -> None:
    desk = Desk("a")
    desk.arrive("c", at=1)
    desk.fail(1)
    assert desk.accept(1) == [rescind(1, "c", "a", WITHDRAWN)]
    assert desk.contacts == {"c": ContactState.WAITING}


def test_an_answer_told_twice_does_not_part_those_who_talk() -> None:
    desk = Desk("a")
    desk.arrive("c")
    desk.accept(1)
    assert desk.accept(1) == []
    assert desk.fail(1) == []
    assert desk.contacts == {"c": ContactState.TALKING}
    assert sum(desk.core.ignored.values()) == 2


def test_an_offer_of_another_process_is_ignored() -> None:
    desk = Desk("a", instance="new")
    assert desk.arrive("c") != []
    assert desk.accept(1) == []
    assert desk.fail(1) == []
    assert desk.contacts == {"c": ContactState.OFFERED}
    assert desk.core.ignored == {"OfferAccepted:offer_unknown": 1, "OfferFailed:offer_unknown": 1}


def test_a_caller_who_leaves_while_it_rings_stops_the_ringing_and_the_agent_keeps_the_rank() -> (
    None
):
    desk = Desk()
    desk.join("a", at=1)
    desk.join("b", at=2)
    desk.arrive("c", at=5)
    assert desk.abandon("c", at=6) == [rescind(1, "c", "a", RescindReason.ABANDONED)]
    assert desk.agents == {"a": AgentState.IDLE, "b": AgentState.IDLE}
    assert desk.agent("a").since == 1
    assert desk.arrive("d", at=7) == [offer(2, "d", "a", at=7)]


def test_a_caller_who_leaves_while_waiting_is_gone() -> None:
    desk = Desk()
    desk.arrive("c")
    assert desk.abandon("c") == []
    assert desk.contacts == {}
    assert [view.state for view in desk.published if hasattr(view, "queue")] == [ContactState.GONE]
    assert desk.join("a") == []


def test_an_offer_ended_by_the_agent_freed_for_another_waits_for_no_one() -> None:
    desk = Desk("a")
    desk.arrive("c", at=1)
    desk.arrive("d", at=2)
    assert desk.abandon("c", at=3) == [
        rescind(1, "c", "a", RescindReason.ABANDONED),
        offer(2, "d", "a", at=3),
    ]


@pytest.mark.parametrize("presence", [BREAK, OFF])
def test_an_agent_who_withdraws_while_it_rings_loses_the_offer_to_the_next(
    presence: AgentPresence,
) -> None:
    desk = Desk("a", "b")
    desk.arrive("c", at=1)
    assert desk.presence("a", presence, at=2) == [
        rescind(1, "c", "a", WITHDRAWN),
        offer(2, "c", "b", at=2),
    ]
    assert desk.agent("a").presence == presence
    assert desk.agent("a").presence_pending is None


def test_being_ready_once_more_while_it_rings_changes_nothing() -> None:
    desk = Desk("a")
    desk.arrive("c")
    assert desk.presence("a", READY) == []
    assert desk.agents == {"a": AgentState.RESERVED}


def test_a_device_lost_while_it_rings_gives_the_contact_to_the_next() -> None:
    desk = Desk("a", "b")
    desk.arrive("c", at=1)
    assert desk.device("a", reachable=False, at=2) == [
        rescind(1, "c", "a", WITHDRAWN),
        offer(2, "c", "b", at=2),
    ]
    assert desk.agents["a"] is AgentState.UNAVAILABLE


def test_a_device_busy_with_our_own_ring_or_call_is_only_noted() -> None:
    desk = Desk("a")
    desk.arrive("c")
    assert desk.device("a", busy=True) == []
    assert desk.accept(1) == [connect(1, "c", "a")]
    assert desk.device("a", busy=True) == []
    assert desk.agent("a").busy
    desk.end("c")
    desk.wrap_up("a")
    assert desk.agents == {"a": AgentState.UNAVAILABLE}  # until told that it is free
    desk.device("a")
    assert desk.agents == {"a": AgentState.IDLE}


# ---- conversations and wrap-up ----


def test_wrap_up_follows_a_conversation_and_ends_by_its_deadline() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    assert desk.end("c", at=100) == []
    assert desk.contacts == {}
    assert desk.agent("a").wrap_up_deadline == 100 + TIMES.wrap_up_s
    desk.arrive("d", at=101)
    assert desk.timer(at=130) == [offer(2, "d", "a", at=130)]


def test_wrap_up_ended_by_the_agent_frees_for_the_next_at_once() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.end("c", at=100)
    desk.arrive("d", at=101)
    assert desk.wrap_up("a", at=102) == [offer(2, "d", "a", at=102)]


def test_abandoned_while_talking_is_the_end_of_the_conversation() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    assert desk.abandon("c") == []
    assert desk.agents == {"a": AgentState.WRAP_UP}


def test_ended_while_waiting_or_ringing_is_abandoning() -> None:
    desk = Desk("a")
    desk.arrive("c")
    desk.arrive("d")
    assert desk.end("d") == []
    assert desk.end("c") == [rescind(1, "c", "a", RescindReason.ABANDONED)]
    assert desk.contacts == {}
    assert desk.agents == {"a": AgentState.IDLE}


def test_a_returned_contact_waits_again_by_its_first_arrival_and_the_agent_pauses() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.arrive("d", at=10)
    assert desk.give_back("c", at=20) == []
    assert desk.agents == {"a": AgentState.UNAVAILABLE}
    assert desk.agent("a").paused_until == 20 + TIMES.device_failure_delay_s
    assert desk.contact("c").arrived_at == 0
    assert desk.join("b", at=21) == [offer(2, "c", "b", at=21)]


@pytest.mark.parametrize("state", ["waiting", "offered", "unknown", "over", "with another"])
def test_a_contact_returned_at_the_wrong_time_changes_nothing(state: str) -> None:
    desk = Desk("b")
    desk.talk("x", "b")
    if state == "offered":
        desk.join("a")
    if state != "unknown":
        desk.arrive("c")
    if state == "over":
        desk.end("c")
    before = (desk.contacts, desk.agents)
    if state == "with another":
        assert desk.give_back("x", "a") == []
    else:
        assert desk.give_back("c") == []
    assert (desk.contacts, desk.agents) == before
    assert desk.published == []
    assert sum(desk.core.ignored.values()) == 1


def test_a_contact_that_left_is_forgotten_wherever_it_was() -> None:
    desk = Desk("a")
    desk.arrive("ringing")
    desk.arrive("waiting")
    assert desk.leave("waiting") == []
    assert desk.leave("ringing") == [rescind(1, "ringing", "a", RescindReason.LEFT)]
    desk.talk("talking", "a")
    assert desk.leave("talking") == []
    assert desk.agents == {"a": AgentState.WRAP_UP}
    assert desk.contacts == {}


def test_a_contact_that_left_may_come_back() -> None:
    desk = Desk()
    desk.arrive("c", at=1)
    desk.leave("c", at=2)
    desk.arrive("c", at=60, arrived=1.0)
    assert desk.contacts == {"c": ContactState.WAITING}


# ---- presence ----


def test_a_break_declared_while_talking_begins_after_wrap_up() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.presence("a", BREAK)
    assert (desk.agent("a").presence, desk.agent("a").presence_pending) == (READY, BREAK)
    desk.end("c", at=50)
    assert desk.agents == {"a": AgentState.WRAP_UP}
    desk.timer(at=80)
    assert desk.agents == {"a": AgentState.NOT_READY}
    assert (desk.agent("a").presence, desk.agent("a").presence_pending) == (BREAK, None)


def test_a_break_declared_in_wrap_up_begins_at_its_end() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.end("c", at=50)
    desk.presence("a", BREAK, at=51)
    assert desk.agents == {"a": AgentState.WRAP_UP}
    desk.wrap_up("a", at=52)
    assert desk.agents == {"a": AgentState.NOT_READY}


def test_signing_off_in_wrap_up_ends_it_at_once() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.end("c", at=50)
    desk.presence("a", OFF, at=51)
    assert desk.agents == {"a": AgentState.OFF}
    assert desk.core.next_deadline() is None


def test_signing_off_while_talking_takes_effect_at_its_end_without_wrap_up() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.presence("a", OFF)
    assert desk.agents == {"a": AgentState.TALKING}
    desk.end("c")
    assert desk.agents == {"a": AgentState.OFF}


def test_being_ready_again_takes_back_the_break_that_was_pending() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.presence("a", BREAK)
    desk.presence("a", READY)
    assert desk.agent("a").presence_pending is None
    desk.end("c", at=10)
    desk.wrap_up("a", at=11)
    assert desk.agents == {"a": AgentState.IDLE}


def test_a_pending_break_takes_effect_when_the_contact_is_returned() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    desk.presence("a", BREAK)
    desk.give_back("c", at=5)
    assert desk.agents == {"a": AgentState.NOT_READY}
    desk.timer(at=10)
    assert desk.agents == {"a": AgentState.NOT_READY}


def test_a_pause_outlasts_going_away_and_coming_back() -> None:
    desk = Desk("a")
    desk.arrive("c", at=0)
    desk.fail(1, at=1)
    desk.presence("a", OFF, at=2)
    desk.presence("a", READY, at=3)
    assert desk.agents == {"a": AgentState.UNAVAILABLE}
    assert desk.timer(at=11) == [offer(2, "c", "a", at=11)]


# ---- restart ----


def test_adopted_contacts_keep_their_agent_and_their_order() -> None:
    desk = Desk()
    desk.now = 100.0
    desk.adopt("talking", "a", arrived=10.0)
    desk.adopt("second", arrived=30.0)
    desk.adopt("first", arrived=20.0)
    assert desk.agents == {"a": AgentState.TALKING}
    assert desk.contact("talking").agent_id == "a"
    assert desk.join("b") == [offer(1, "first", "b", at=100)]


def test_an_adopted_conversation_ends_like_any_other() -> None:
    desk = Desk()
    desk.adopt("c", "a")
    desk.device("a")
    desk.presence("a", READY)
    assert desk.agent("a").presence == READY  # nothing of the conversation is disturbed
    desk.end("c")
    assert desk.agents == {"a": AgentState.WRAP_UP}


def test_an_agent_never_declared_ready_is_off_after_the_adopted_conversation() -> None:
    desk = Desk()
    desk.adopt("c", "a")
    desk.end("c")
    assert desk.agents == {"a": AgentState.OFF}


def test_adopting_a_conversation_of_an_agent_who_rings_stops_the_ringing() -> None:
    desk = Desk("a", "b")
    desk.arrive("c", at=1)
    assert desk.adopt("talking", "a") == [
        rescind(1, "c", "a", WITHDRAWN),
        offer(2, "c", "b", at=1),
    ]
    assert desk.agents == {"a": AgentState.TALKING, "b": AgentState.RESERVED}


def test_adopting_a_conversation_ends_a_pause_and_a_wrap_up() -> None:
    desk = Desk("a", "b")
    desk.arrive("c")
    desk.fail(1)  # a pauses, b rings
    desk.accept(2)
    desk.end("c")  # b wraps up
    desk.adopt("d", "a")
    desk.adopt("e", "b")
    assert desk.agents == {"a": AgentState.TALKING, "b": AgentState.TALKING}
    assert desk.core.next_deadline() is None


def test_an_agent_who_talks_cannot_be_adopted_into_a_second_conversation() -> None:
    desk = Desk("a")
    desk.talk("c", "a")
    assert desk.adopt("d", "a") == []
    assert desk.contacts == {"c": ContactState.TALKING}
    assert desk.core.ignored == {"ContactAdopted:agent_talking": 1}


def test_offer_ids_of_two_processes_differ() -> None:
    first, second = Desk("a", instance="one"), Desk("a", instance="two")
    assert first.arrive("c") != second.arrive("c")


# ---- stale events ----


@pytest.mark.parametrize("how", ["abandon", "end"])
def test_a_contact_that_is_over_does_not_come_back_by_a_late_event(how: str) -> None:
    desk = Desk("a")
    desk.arrive("c")
    getattr(desk, how)("c")
    desk.wrap_up("a")
    assert desk.arrive("c") == []
    assert desk.adopt("c") == []
    assert desk.adopt("c", "a") == []
    assert desk.contacts == {}


def test_an_arrival_overtaken_by_its_end_leaves_no_ghost() -> None:
    desk = Desk("a")
    desk.abandon("c")
    assert desk.arrive("c") == []
    assert desk.contacts == {}
    assert desk.core.ignored == {
        "ContactAbandoned:contact_unknown": 1,
        "ContactArrived:contact_over": 1,
    }


def test_what_is_told_twice_changes_nothing_the_second_time() -> None:
    desk = Desk("a")
    desk.join("a")
    desk.arrive("c", at=1)
    repeats: list[Callable[[], list[Command]]] = [
        lambda: desk.arrive("c", at=2),
        lambda: desk.adopt("c"),
        lambda: desk.join("a"),
        lambda: desk.leave("unknown"),
        lambda: desk.wrap_up("a"),
    ]
    for repeat in repeats:
        assert repeat() == []
        assert desk.published == []
    desk.abandon("c")
    assert desk.abandon("c") == []
    assert desk.published == []


def test_events_about_unknown_agents_are_counted() -> None:
    desk = Desk()
    desk.presence("x", READY)
    desk.device("x")
    desk.wrap_up("x")
    assert desk.agents == {}
    assert desk.core.ignored == {
        "AgentPresenceChanged:agent_unknown": 1,
        "AgentDeviceChanged:agent_unknown": 1,
        "WrapUpEnded:agent_unknown": 1,
    }


# ---- time ----


def test_time_never_goes_backward() -> None:
    desk = Desk("a")
    desk.arrive("c", at=100)
    desk.fail(1, at=40)
    assert desk.agent("a").paused_until == 100 + TIMES.reject_delay_s
    assert desk.timer(at=float("nan")) == []
    assert desk.timer(at=float("inf")) == []


def test_a_late_timer_ends_all_that_is_due_in_the_order_of_deadlines() -> None:
    desk = Desk("a", "b", "x")
    desk.arrive("c", at=1)
    desk.arrive("d", at=2)
    desk.talk("e", "x")
    desk.end("e", at=3)  # wrap-up until 33
    assert desk.timer(at=60) == [
        rescind(1, "c", "a", RescindReason.TIMED_OUT),
        rescind(2, "d", "b", RescindReason.TIMED_OUT),
        offer(4, "c", "x", at=60),
    ]
    deadline = desk.core.next_deadline()
    assert deadline is not None
    assert deadline > 60


def test_a_timer_before_the_deadline_does_nothing() -> None:
    desk = Desk("a")
    assert desk.core.next_deadline() is None
    assert desk.timer(at=5) == []
    desk.arrive("c", at=6)
    assert desk.core.next_deadline() == 21
    assert desk.timer(at=20) == []


# ---- publications ----


def test_each_change_is_published_once_after_the_effects() -> None:
    desk = Desk("a", "b")
    desk.arrive("c", at=1)
    desk.fail(1, at=2)
    assert len(desk.published) == 3  # the contact once, though it changed twice; both agents
    assert desk.contact("c") in desk.published
    assert desk.agent("a") in desk.published
    assert desk.agent("b") in desk.published


def test_what_did_not_change_is_not_published() -> None:
    desk = Desk("a")
    desk.presence("a", READY)
    assert desk.published == []
    desk.device("a")
    assert desk.published == []


def test_a_presence_reason_is_published() -> None:
    desk = Desk("a")
    desk.presence("a", BREAK)
    training = AgentPresence(PresenceKind.NOT_READY, "training")
    desk.presence("a", training)
    assert [view.presence for view in desk.published if hasattr(view, "presence")] == [training]
