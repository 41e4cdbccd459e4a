"""Proves redials and adoption: whoever comes back, and what a restart finds, keeps its place."""

from dataclasses import replace

import pytest

from ccserver.acd.commands import RescindReason
from ccserver.acd.events import Direction, RedialExpected
from ccserver.acd.plan import Plan, QueuePlan
from ccserver.types import Medium
from tests.acd.desk import ANYBODY, Desk, agent_plans, offer, offered, queue_plans, rescind


@pytest.mark.parametrize("how", ["abandoned", "abandoned ringing", "cut", "cut, handed over"])
def test_who_comes_back_after_a_call_that_came_to_nothing_keeps_place_and_priority(
    how: str,
) -> None:
    desk = Desk() if how == "abandoned" else Desk("a")
    desk.arrive("first", at=0, priority=7, caller="me")
    if how.startswith("cut"):
        desk.accept(1)
    if how == "cut, handed over":
        desk.hand_over("first", "a")
    if how.startswith("abandoned"):
        desk.abandon("first", at=10)
    else:
        desk.end("first", at=10, cut=True)
    if desk.agents:
        desk.remove("a")
    desk.arrive("other", at=11, priority=7)
    desk.arrive("back", at=600, priority=5, caller="me")
    view = desk.contact("back")
    assert (view.redial, view.arrived_at, view.priority) == (True, 0, 7)
    assert not desk.contact("other").redial
    assert offered(desk.join("b", at=601)) == [("back", "b")]


@pytest.mark.parametrize("how", ["ended", "left", "late", "no caller", "outbound", "text", "other"])
def test_who_was_helped_or_is_late_or_is_another_begins_anew(how: str) -> None:
    desk = Desk("a", plan=Plan(agents=agent_plans(a=replace(ANYBODY, text_max=1))))
    medium = Medium.SMS if how == "text" else Medium.VOICE
    direction = Direction.OUTBOUND if how == "outbound" else Direction.INBOUND
    caller = None if how == "no caller" else "me"
    desk.arrive("c", at=0, caller=caller, medium=medium, direction=direction)
    if how == "ended":
        desk.accept(1)
        desk.end("c", at=1)
    elif how == "left":
        desk.leave("c", at=1)
    else:
        desk.abandon("c", at=1)
    at = 601.5 if how == "late" else 601
    desk.arrive("back", at=at, caller="other" if how == "other" else caller)
    assert not desk.contact("back").redial
    assert desk.contact("back").arrived_at == at


def test_a_redial_counts_once_and_again_if_it_is_abandoned_again() -> None:
    desk = Desk()
    desk.arrive("one", at=0, caller="me", priority=9)
    desk.abandon("one", at=1)
    desk.arrive("two", at=500, caller="me", priority=1)
    desk.arrive("three", at=501, caller="me")
    assert desk.contact("two").redial
    assert not desk.contact("three").redial
    desk.abandon("two", at=502)
    desk.arrive("four", at=1100, caller="me")
    assert (desk.contact("four").arrived_at, desk.contact("four").priority) == (0, 9)


def test_a_text_or_an_outbound_contact_does_not_use_the_memory_of_a_caller_up() -> None:
    desk = Desk()
    desk.arrive("one", at=0, caller="me")
    desk.abandon("one", at=1)
    desk.arrive("text", at=2, caller="me", medium=Medium.SMS)
    desk.arrive("out", at=3, caller="me", direction=Direction.OUTBOUND)
    assert not desk.contact("text").redial
    assert not desk.contact("out").redial
    desk.arrive("two", at=4, caller="me")
    assert desk.contact("two").redial


def test_a_redial_waits_from_now_for_alarms_and_has_its_place_from_then() -> None:
    desk = Desk("a")
    desk.talk("busy", "a")
    desk.arrive("one", at=0, caller="me")
    desk.abandon("one", at=1)
    desk.arrive("two", at=300, caller="me")
    assert desk.alarms == []
    assert desk.core.next_deadline() == 330


def test_a_window_that_is_no_number_is_none() -> None:
    plan = Plan(queue_plans(QueuePlan("emergency", redial_window_s=float("nan"))))
    desk = Desk(plan=plan)
    desk.arrive("one", at=0, caller="me")
    desk.abandon("one", at=1)
    desk.arrive("two", at=2, caller="me")
    assert not desk.contact("two").redial


def test_the_memory_of_redials_is_rebuilt_after_a_restart_the_newest_counts() -> None:
    desk = Desk()
    desk.now = 100.0
    desk.tell(RedialExpected("me", 40.0, 8, 50.0))
    desk.tell(RedialExpected("me", 10.0, 3, 20.0))
    desk.tell(RedialExpected("future", 1e9, 8, 1e9))
    desk.tell(RedialExpected("nonsense", float("nan"), 8, float("nan")))
    desk.adopt("c", caller="me", arrived=90.0)
    assert (desk.contact("c").arrived_at, desk.contact("c").priority) == (40, 8)
    for name in ("future", "nonsense"):
        desk.arrive(name, caller=name, at=700)
        assert (desk.contact(name).redial, desk.contact(name).arrived_at) == (True, 100)


def test_a_conversation_is_adopted_with_those_who_assist() -> None:
    desk = Desk("b")
    desk.arrive("ringing")
    assert desk.adopt("c", "a", participants=("b", "x")) == [
        rescind(1, "ringing", "b", RescindReason.AGENT_WITHDRAWN)
    ]
    assert (desk.contact("c").agent_id, desk.contact("c").participants) == ("a", ("b", "x"))
    assert [desk.agent(name).assisting for name in ("a", "b", "x")] == [False, True, True]
    assert set(desk.agents.values()) == {"talking"}
    assert desk.adopt("d", None, participants=("b",)) == []
    assert desk.contacts["d"] == "waiting"  # b talks with another


def test_participants_without_one_responsible_are_responsible_in_their_order() -> None:
    desk = Desk()
    desk.adopt("c", participants=("a", "b"))
    assert (desk.contact("c").agent_id, desk.contact("c").participants) == ("a", ("b",))


def test_who_is_named_twice_is_adopted_once() -> None:
    desk = Desk()
    desk.adopt("c", "a", participants=("a", "b"))
    assert (desk.contact("c").agent_id, desk.contact("c").participants) == ("a", ("b",))


def test_a_contact_that_was_handed_over_is_adopted_as_such() -> None:
    desk = Desk("a")
    assert desk.adopt("c", handed_over=True) == []
    assert desk.contacts == {"c": "handed_over"}
    assert offered(desk.give_back("c")) == [("c", "a")]
    desk.adopt("d", "b", handed_over=True)
    assert desk.contacts["d"] == "talking"


def test_an_adopted_outbound_contact_that_waits_is_not_dialled_again() -> None:
    desk = Desk("a")
    assert desk.adopt("c", direction=Direction.OUTBOUND) == [offer(1, "c", "a", at=0)]


def test_a_conversation_that_a_citizen_ends_gives_no_place_for_a_redial() -> None:
    for end in (Desk.abandon, Desk.end):
        desk = Desk("a")
        desk.arrive("c", caller="+371", at=1)
        desk.accept(1)
        end(desk, "c", at=2)
        desk.arrive("again", caller="+371", at=3)
        assert not desk.contact("again").redial
