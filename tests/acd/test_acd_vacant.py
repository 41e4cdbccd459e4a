"""The last resort: while nobody is on duty, voice contacts ring at vacant positions.

A position is vacant when nobody is signed on there but its phone can be reached. It rings for
whoever happens to be in the room, and never while somebody on duty could take the contact.
"""

from dataclasses import replace

import pytest

from ccserver.acd.commands import AgentState, ContactState, RescindReason
from ccserver.acd.events import AgentAdded, AgentPresence, OfferFailure, PresenceKind
from ccserver.acd.plan import Plan, QueuePlan, Selection
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
    queue_plans,
    rescind,
)

EMERGENCY = QueuePlan("emergency")
CAME = RescindReason.SOMEBODY_CAME


def closed(*names: str, plan: Plan | None = None) -> Desk:
    """A centre in which everybody has signed off; their phones are registered."""
    desk = Desk(*names, plan=plan)
    for name in names:
        desk.presence(name, OFF)
    return desk


def test_a_caller_rings_at_every_vacant_position_at_once_and_the_first_answer_wins() -> None:
    desk = closed("a", "b")
    assert desk.arrive("c", at=1) == [offer(1, "c", "a", at=1), offer(2, "c", "b", at=1)]
    assert desk.accept(2, at=3) == [
        connect(2, "c", "b"),
        rescind(1, "c", "a", RescindReason.ANSWERED_ELSEWHERE),
    ]
    assert desk.agents == {"a": AgentState.OFF, "b": AgentState.TALKING}


def test_who_answered_at_a_vacant_position_is_off_again_after_the_call_without_wrap_up() -> None:
    desk = closed("a")
    desk.arrive("c")
    desk.accept(1)
    desk.end("c")
    assert desk.agents == {"a": AgentState.OFF}
    assert desk.core.next_deadline() is None


def test_no_more_ring_at_once_than_the_queue_allows_and_the_next_contact_gets_the_others() -> None:
    desk = closed("a", "b", "d", plan=Plan(queue_plans(replace(EMERGENCY, ring_all_max=2))))
    assert offered(desk.arrive("c")) == [("c", "a"), ("c", "b")]
    assert offered(desk.arrive("e")) == [("e", "d")]


def test_a_limit_of_none_at_all_still_rings_one() -> None:
    desk = closed("a", "b", plan=Plan(queue_plans(replace(EMERGENCY, ring_all_max=0))))
    assert offered(desk.arrive("c")) == [("c", "a")]


@pytest.mark.parametrize("presence", [READY, BREAK])
def test_nothing_rings_at_vacant_positions_while_anybody_is_on_duty(
    presence: AgentPresence,
) -> None:
    desk = Desk("busy", "a")
    desk.presence("a", OFF)
    desk.talk("x", "busy")
    if presence is BREAK:
        desk.presence("busy", BREAK)
    desk.arrive("c", at=0)
    assert desk.timer(at=60) == []  # escalated, and yet
    assert desk.contact("c").escalated
    assert desk.contacts["c"] is ContactState.WAITING


def test_somebody_on_duty_whose_phone_is_lost_is_not_on_duty() -> None:
    desk = Desk("lost", "a")
    desk.presence("a", OFF)
    desk.device("lost", reachable=False)
    assert desk.arrive("c", at=0) == []  # for so long the phone may come back
    assert desk.timer(at=60) == [offer(1, "c", "a", at=60)]


def test_the_last_one_who_leaves_lets_those_who_wait_ring_everywhere() -> None:
    desk = Desk("last", "a")
    desk.presence("a", OFF)
    desk.talk("x", "last")
    desk.arrive("c")
    desk.arrive("d")
    desk.presence("last", OFF)  # counts after the call
    assert offered(desk.end("x")) == [("c", "a"), ("c", "last")]


def test_the_last_phone_that_is_lost_lets_the_escalated_ring_everywhere() -> None:
    desk = Desk("last", "a")
    desk.presence("a", OFF)
    desk.talk("x", "last")
    desk.arrive("c", at=0)
    desk.timer(at=60)
    assert desk.device("last", reachable=False, at=61) == [offer(2, "c", "a", at=61)]


def test_somebody_who_comes_takes_the_contact_over_and_the_vacant_positions_fall_silent() -> None:
    desk = closed("a", "b", "new")
    desk.device("new", reachable=False)
    desk.arrive("c", at=1)
    assert desk.presence("new", READY, at=2) == []  # there, but without a phone
    assert desk.device("new", at=3) == [
        rescind(1, "c", "a", CAME),
        rescind(2, "c", "b", CAME),
        offer(3, "c", "new", at=3),
    ]
    assert desk.agents["a"] is AgentState.OFF


def test_who_stands_by_takes_it_over_only_if_it_may_be_rung_for_the_contact() -> None:
    desk = closed("a", "new")
    desk.device("new", reachable=False)
    desk.presence("new", BREAK)
    desk.device("a", reachable=False)
    desk.arrive("c", at=0)
    desk.device("a", at=59)
    desk.timer(at=60)
    assert desk.contacts["c"] is ContactState.OFFERED
    assert desk.device("new", at=61) == [rescind(1, "c", "a", CAME), offer(2, "c", "new", at=61)]


def test_a_contact_rings_on_when_whoever_comes_cannot_take_it() -> None:
    desk = closed("a", "new")
    desk.device("new", reachable=False)
    desk.arrive("c")
    desk.presence("new", BREAK)  # rung for the escalated only
    assert desk.device("new") == []
    assert desk.contacts["c"] is ContactState.OFFERED


def test_signing_on_does_not_stop_the_own_phone_and_signing_off_again_does() -> None:
    desk = closed("a", "b")
    desk.arrive("c")
    assert desk.presence("a", BREAK) == []
    assert desk.presence("a", READY) == []
    assert desk.presence("a", READY) == []
    assert offered(desk.presence("b", BREAK)) == []
    assert desk.presence("b", OFF) == [rescind(2, "c", "b", RescindReason.AGENT_WITHDRAWN)]
    assert desk.accept(1) == [connect(1, "c", "a")]


def test_a_repeated_sign_off_does_not_disturb_the_ring() -> None:
    desk = closed("a")
    desk.arrive("c")
    assert desk.presence("a", OFF) == []


def test_a_seat_that_is_removed_stops_ringing_and_is_forgotten() -> None:
    desk = closed("a", "b")
    desk.arrive("c")
    assert desk.remove("a") == [rescind(1, "c", "a", RescindReason.AGENT_WITHDRAWN)]
    assert list(desk.agents) == ["b"]


def test_a_vacant_position_that_does_not_answer_pauses_and_rings_again() -> None:
    desk = closed("a")
    desk.arrive("c", at=0)
    assert desk.timer(at=15) == [rescind(1, "c", "a", RescindReason.TIMED_OUT)]
    assert desk.timer(at=15 + TIMES.no_answer_delay_s) == [offer(2, "c", "a", at=27)]
    desk.fail(2, OfferFailure.BUSY, at=28)
    assert desk.timer(at=28 + TIMES.device_failure_delay_s) == [offer(3, "c", "a", at=33)]
    assert desk.agent("a").presence == OFF  # nobody is declared NOT_READY who is not there


def test_only_a_reachable_free_phone_rings_and_nobody_is_rung_by_name() -> None:
    desk = closed("a", "b", "d")
    desk.device("a", reachable=False)
    desk.device("b", busy=True)
    assert offered(desk.arrive("c")) == [("c", "d")]
    desk.accept(1)
    desk.device("a")
    assert desk.invite("c", "a") == []
    assert desk.core.ignored == {"ParticipantInvited:agent_not_free": 1}


def test_who_was_not_told_of_yet_may_be_there_so_nothing_rings() -> None:
    desk = Desk()
    desk.join("told")
    desk.presence("told", OFF)
    desk.tell(AgentAdded(AgentId("unknown")))
    desk.device("unknown")
    assert desk.arrive("c") == []
    assert offered(desk.presence("unknown", OFF)) == [("c", "told"), ("c", "unknown")]


def test_a_text_rings_nowhere_where_nobody_is() -> None:
    members = agent_plans(a=replace(ANYBODY, text_max=3))
    desk = closed("a", plan=Plan(agents=members))
    assert desk.arrive("t", medium=Medium.SMS) == []


@pytest.mark.parametrize("selection", Selection)
def test_every_selection_rings_all_that_are_vacant(selection: Selection) -> None:
    desk = closed("a", "b", plan=Plan(queue_plans(replace(EMERGENCY, selection=selection))))
    assert len(desk.arrive("c")) == 2


def test_the_caller_who_gives_up_silences_every_phone() -> None:
    desk = closed("a", "b")
    desk.arrive("c")
    assert {type(x).__name__ for x in desk.abandon("c")} == {"RescindOffer"}
    assert set(desk.agents.values()) == {AgentState.OFF}
    assert desk.presence("a", AgentPresence(PresenceKind.READY)) == []


def test_a_phone_whose_owner_signed_on_keeps_ringing_when_another_comes() -> None:
    desk = closed("a", "b")
    desk.device("b", reachable=False)
    desk.arrive("c")
    desk.presence("a", READY)
    desk.presence("b", READY)
    assert desk.device("b") == []
    assert desk.accept(1) == [connect(1, "c", "a")]
