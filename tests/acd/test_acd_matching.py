"""Proves who gets whom: the order of the waiting, the order of the idle, and who is eligible."""

from dataclasses import replace

import pytest

from ccserver.acd.commands import AgentState, ContactState
from ccserver.acd.errors import InvariantBroken
from ccserver.acd.events import OfferFailure
from ccserver.acd.matching import Line, Moment
from ccserver.acd.plan import Plan, Requirement
from tests.acd.desk import ANYBODY, BREAK, OFF, READY, TIMES, Desk, agent_plans, offer, offered


def test_a_contact_is_offered_to_an_idle_agent_at_once_with_the_deadline() -> None:
    desk = Desk("a")
    assert desk.arrive("c", at=7) == [offer(1, "c", "a", at=7)]
    assert desk.contacts == {"c": ContactState.OFFERED}
    assert desk.agents == {"a": AgentState.RESERVED}


def test_an_agent_who_becomes_ready_gets_the_waiting_contact_at_once() -> None:
    desk = Desk()
    desk.arrive("c", at=1)
    assert desk.join("a", at=9) == [offer(1, "c", "a", at=9)]


def test_higher_priority_is_answered_first_though_it_came_later() -> None:
    desk = Desk()
    desk.arrive("low", priority=1, at=1)
    desk.arrive("high", priority=10, at=2)
    assert offered(desk.join("a")) == [("high", "a")]


def test_equal_priority_is_answered_by_arrival_time_not_by_the_order_of_events() -> None:
    desk = Desk()
    desk.arrive("late", at=5, arrived=4.0)
    desk.arrive("early", at=6, arrived=3.0)
    assert offered(desk.join("a")) == [("early", "a")]


def test_equal_arrival_time_is_answered_in_the_order_of_events() -> None:
    desk = Desk()
    for name in ("z", "m", "a"):
        desk.arrive(name, arrived=0.0)
    order = [offered(desk.join(agent)) for agent in ("1", "2", "3")]
    assert order == [[("z", "1")], [("m", "2")], [("a", "3")]]


def test_an_arrival_time_in_the_future_or_that_is_no_number_counts_as_now() -> None:
    desk = Desk()
    desk.arrive("future", at=1, arrived=1e9)
    desk.arrive("nonsense", at=2, arrived=float("nan"))
    desk.arrive("third", at=3)
    assert desk.contact("future").arrived_at == 1
    order = [offered(desk.join(agent)) for agent in ("1", "2", "3")]
    assert order == [[("future", "1")], [("nonsense", "2")], [("third", "3")]]


def test_the_longest_idle_agent_gets_the_contact() -> None:
    desk = Desk()
    desk.join("second", at=2)
    desk.join("third", at=3)
    desk.presence("second", BREAK, at=4)
    desk.presence("second", READY, at=5)
    assert offered(desk.arrive("c", at=6)) == [("c", "third")]


def test_idle_at_the_same_instant_goes_by_the_order_of_becoming_idle() -> None:
    desk = Desk("z", "a")
    assert offered(desk.arrive("c")) == [("c", "z")]


def test_idle_time_begins_with_the_end_of_wrap_up() -> None:
    desk = Desk("a", "b")
    desk.talk("c", "a")
    desk.end("c", at=10)
    desk.wrap_up("a", at=20)
    assert desk.agent("a").since == 20
    assert offered(desk.arrive("d", at=21)) == [("d", "b")]


def test_a_lost_and_found_device_does_not_cost_the_place_among_the_idle() -> None:
    desk = Desk()
    desk.join("a", at=1)
    desk.join("b", at=2)
    desk.device("a", reachable=False, at=3)
    desk.device("a", at=4)
    assert offered(desk.arrive("c", at=5)) == [("c", "a")]


@pytest.mark.parametrize(
    ("reachable", "busy", "state"),
    [
        (False, False, AgentState.UNAVAILABLE),
        (True, True, AgentState.UNAVAILABLE),
        (False, True, AgentState.UNAVAILABLE),
        (True, False, AgentState.IDLE),
    ],
)
def test_only_a_reachable_free_device_is_offered_anything(
    reachable: bool, busy: bool, state: AgentState
) -> None:
    desk = Desk("a")
    desk.device("a", reachable=reachable, busy=busy)
    assert desk.agents == {"a": state}
    assert bool(desk.arrive("c")) is (state is AgentState.IDLE)


@pytest.mark.parametrize("presence", [BREAK, OFF])
def test_only_the_ready_are_offered_anything(presence: object) -> None:
    desk = Desk("busy", "a")
    desk.talk("x", "busy")
    desk.presence("a", presence)  # type: ignore[arg-type]
    assert desk.arrive("c") == []
    assert desk.contacts["c"] is ContactState.WAITING


def test_a_new_agent_is_off_and_unreachable_until_told_more() -> None:
    desk = Desk("a")
    view = desk.agent("a")
    assert (view.state, view.reachable) == (AgentState.IDLE, True)
    desk = Desk()
    desk.arrive("c")
    desk.presence("nobody", READY)
    assert desk.agents == {}


def test_one_agent_has_one_offer_at_a_time_and_so_has_one_contact() -> None:
    desk = Desk("a", "b")
    assert offered(desk.arrive("c")) == [("c", "a")]
    assert offered(desk.arrive("d")) == [("d", "b")]
    assert offered(desk.arrive("e")) == []
    assert offered(desk.join("x")) == [("e", "x")]


def test_a_rejected_contact_goes_to_another_agent_at_once_and_keeps_its_place() -> None:
    desk = Desk("a")
    desk.arrive("first", at=1)
    desk.arrive("second", at=2)
    desk.join("b", at=3)  # gets the second
    assert desk.fail(1, at=4) == []
    assert offered(desk.join("x", at=5)) == [("first", "x")]


def test_who_refused_a_contact_is_asked_again_only_if_nobody_else_is_eligible() -> None:
    desk = Desk("a")
    desk.arrive("c", at=0)
    desk.fail(1, at=1)
    assert desk.timer(at=11) == [offer(2, "c", "a", at=11)]  # there is nobody else
    desk.fail(2, at=12)
    desk.device("a", reachable=False)
    desk.timer(at=22)
    desk.join("busy", at=23)  # gets c
    desk.device("a", at=24)
    desk.join("b", at=25)
    # Both are idle now, and a has been for longer; but a refused this contact.
    assert offered(desk.presence("busy", BREAK, at=26)) == [("c", "b")]
    assert offered(desk.arrive("d", at=27)) == [("d", "a")]


def test_a_pause_after_a_failed_offer_sends_the_agent_to_the_end_of_the_idle() -> None:
    desk = Desk("silent", "b")
    desk.arrive("c", at=1)
    desk.fail(1, OfferFailure.FAILED, at=2)  # c goes to b
    desk.accept(2, at=3)
    desk.end("c", at=4)
    desk.wrap_up("b", at=5)
    desk.timer(at=7)
    assert offered(desk.arrive("d", at=8)) == [("d", "b")]


def test_a_line_refuses_to_hold_a_key_twice_or_to_lose_what_it_has_not() -> None:
    line: Line[Moment] = Line()
    line.add((1.0, 1))
    with pytest.raises(InvariantBroken, match="twice"):
        line.add((1.0, 1))
    with pytest.raises(InvariantBroken, match="not stand"):
        line.remove((1.0, 2))
    with pytest.raises(InvariantBroken, match="not stand"):
        line.remove((0.5, 2))
    assert list(line) == [(1.0, 1)]
    assert line.first() == (1.0, 1)
    line.remove((1.0, 1))
    assert line.first() is None


def test_two_who_become_free_in_one_instant_each_get_the_contact_that_is_theirs() -> None:
    latvian, russian = Requirement("language:lv"), Requirement("language:ru")
    members = agent_plans(
        a=replace(ANYBODY, skills=(latvian,)), b=replace(ANYBODY, skills=(russian,))
    )
    for first, second in ((latvian, russian), (russian, latvian)):
        desk = Desk("a", "b", plan=Plan(agents=members))
        desk.talk("x", "a")
        desk.talk("y", "b")
        desk.arrive("c", skills=(first,))
        desk.arrive("d", skills=(second,))
        desk.end("x", at=1)
        desk.end("y", at=1)
        assert len(offered(desk.timer(at=1 + TIMES.wrap_up_s))) == 2


def test_a_step_that_changes_nothing_of_a_contact_publishes_nothing() -> None:
    desk = Desk()
    desk.arrive("c")
    desk.need("c")
    assert desk.published == []
    desk.need("c", Requirement("language:lv"))
    assert len(desk.published) == 1
    desk.need("c", Requirement("language:lv"))
    assert desk.published == []
