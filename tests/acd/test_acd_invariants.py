"""Proves that `check_invariants` sees each promise broken, by breaking it from outside."""

from collections.abc import Callable

import pytest

from ccserver.acd.commands import AgentState, ContactState
from ccserver.acd.contact import Offer
from ccserver.acd.core import ACDCore
from ccserver.acd.errors import InvariantBroken
from ccserver.types import AgentId, ContactId, OfferId
from tests.acd.desk import Desk

RINGING, TALKING, WAITING = ContactId("ringing"), ContactId("talking"), ContactId("waiting")
RINGS, TALKS, WRAPS = AgentId("rings"), AgentId("talks"), AgentId("wraps")


def busy_desk() -> Desk:
    """One contact and one agent in each state."""
    desk = Desk("wraps")
    desk.talk("past", "wraps")
    desk.end("past")
    desk.join("talks")
    desk.talk("talking", "talks")
    desk.join("rings")
    desk.arrive("ringing")
    desk.arrive("waiting")
    desk.arrive("waiting too")
    return desk


def lose_a_waiting_contact(core: ACDCore) -> None:
    core._waiting.remove(core._contacts[WAITING].place)


def forget_a_contact_in_line(core: ACDCore) -> None:
    del core._contacts[WAITING]


def wait_with_an_agent(core: ACDCore) -> None:
    core._contacts[WAITING].agent_id = WRAPS


def keep_one_that_is_gone(core: ACDCore) -> None:
    core._contacts[WAITING].state = ContactState.GONE


def hold_one_contact_twice(core: ACDCore) -> None:
    core._agents[TALKS].contact_id = RINGING


def forget_one_who_talks(core: ACDCore) -> None:
    del core._contacts[TALKING]


def talk_with_nobody(core: ACDCore) -> None:
    core._contacts[TALKING].agent_id = None


def lose_an_offer(core: ACDCore) -> None:
    core._offers.clear()


def leave_an_offer_open(core: ACDCore) -> None:
    offer_id = OfferId("t-99")
    core._offers[offer_id] = Offer(offer_id, WAITING, WRAPS, 99.0)


def forget_what_rings(core: ACDCore) -> None:
    core._agents[RINGS].offer = None


def rest_against_the_facts(core: ACDCore) -> None:
    agent = core._agents[WRAPS]
    core._deadlines.remove(agent.timer or (0.0, 0, WRAPS))
    agent.timer = agent.wrap_up_deadline = None
    agent.state = AgentState.OFF


def be_idle_while_somebody_waits(core: ACDCore) -> None:
    rest_against_the_facts(core)
    agent = core._agents[WRAPS]
    agent.state = AgentState.IDLE
    core._idle.add(agent.idle_rank)


def be_idle_out_of_line(core: ACDCore) -> None:
    rest_against_the_facts(core)
    core._agents[WRAPS].state = AgentState.IDLE


def change_the_order(core: ACDCore) -> None:
    core._contacts[WAITING].arrived_at = 1e6


def ring_for_ever(core: ACDCore) -> None:
    agent = core._agents[RINGS]
    core._deadlines.remove(agent.timer or (0.0, 0, RINGS))
    agent.timer = None


def wrap_up_for_ever(core: ACDCore) -> None:
    core._agents[WRAPS].wrap_up_deadline = None


def lose_a_deadline(core: ACDCore) -> None:
    core._deadlines.remove(core._agents[WRAPS].timer or (0.0, 0, WRAPS))


def pause_in_a_conversation(core: ACDCore) -> None:
    core._agents[TALKS].paused_until = 99.0


@pytest.mark.parametrize(
    ("promise", "break_it"),
    [
        ("3", lose_a_waiting_contact),
        ("3", forget_a_contact_in_line),
        ("1", wait_with_an_agent),
        ("1", keep_one_that_is_gone),
        ("1", hold_one_contact_twice),
        ("1", forget_one_who_talks),
        ("1", talk_with_nobody),
        ("1", lose_an_offer),
        ("1", leave_an_offer_open),
        ("1", forget_what_rings),
        ("2", rest_against_the_facts),
        ("2", be_idle_while_somebody_waits),
        ("2", be_idle_out_of_line),
        ("3", change_the_order),
        ("4", ring_for_ever),
        ("4", wrap_up_for_ever),
        ("4", lose_a_deadline),
        ("4", pause_in_a_conversation),
    ],
)
def test_a_broken_promise_is_seen(promise: str, break_it: Callable[[ACDCore], None]) -> None:
    core = busy_desk().core
    core.check_invariants()
    break_it(core)
    with pytest.raises(InvariantBroken, match=f"^{promise}:"):
        core.check_invariants()
