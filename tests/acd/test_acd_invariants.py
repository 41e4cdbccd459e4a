"""Proves that `check_invariants` sees each promise broken, by breaking it from outside."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccserver.acd.commands import AgentState, ContactState, Shortage
from ccserver.acd.contact import Offer
from ccserver.acd.core import ACDCore
from ccserver.acd.errors import InvariantBroken
from ccserver.acd.events import (
    AgentAdded,
    AgentDeviceChanged,
    AgentPresence,
    AgentPresenceChanged,
)
from ccserver.acd.matching import Pool
from ccserver.acd.plan import Plan
from ccserver.types import AgentId, ContactId, Medium, OfferId
from tests.acd.desk import ANYBODY, BREAK, OFF, Desk, agent_plans

RINGING, TALKING, WAITING = ContactId("ringing"), ContactId("talking"), ContactId("waiting")
TEXT, OUT = ContactId("text"), ContactId("handed over")
RINGS, TALKS, WRAPS, HELPS = AgentId("rings"), AgentId("talks"), AgentId("wraps"), AgentId("helps")
TEXTS = AgentId("texts")


def busy_desk() -> Desk:
    """One contact and one agent in each state."""
    desk = Desk("wraps", plan=Plan(agents=agent_plans(texts=replace(ANYBODY, text_max=2))))
    desk.talk("past", "wraps")
    desk.end("past")
    desk.join("talks")
    desk.talk("talking", "talks")
    desk.join("helps")
    desk.invite("talking", "helps")
    desk.accept(3)
    desk.join("left")
    desk.talk("handed over", "left")
    desk.hand_over("handed over", "left")
    desk.join("texts")
    desk.arrive("text", medium=Medium.SMS)
    desk.accept(5)
    desk.arrive("open text", medium=Medium.SMS)
    desk.presence("texts", BREAK)
    desk.join("rings")
    desk.arrive("ringing")
    desk.arrive("waiting")
    desk.arrive("waiting too")
    assert set(desk.contacts.values()) == set(ContactState) - {ContactState.GONE}
    return desk


def pool(core: ACDCore) -> Pool:
    found = core._contacts[WAITING].pool
    assert found is not None
    return found


def lose_a_waiting_contact(core: ACDCore) -> None:
    pool(core).waiting.remove(core._contacts[WAITING].place)


def lose_the_home(core: ACDCore) -> None:
    del pool(core).homed[WAITING]


def lose_the_pool(core: ACDCore) -> None:
    core._pools.by_need.clear()


def lose_the_front(core: ACDCore) -> None:
    core._pools.fronts.remove((False, core._contacts[WAITING].place))


def file_a_contact_wrongly(core: ACDCore) -> None:
    core._contacts[ContactId("another")] = core._contacts.pop(TALKING)


def file_an_agent_wrongly(core: ACDCore) -> None:
    core._agents[AgentId("another")] = core._agents.pop(WRAPS)


def wait_with_an_offer(core: ACDCore) -> None:
    core._contacts[WAITING].offers = core._contacts[RINGING].offers


def offer_without_an_offer(core: ACDCore) -> None:
    core._contacts[RINGING].offers = {}


def answer_while_it_talks(core: ACDCore) -> None:
    core._contacts[TALKING].offers = core._contacts[RINGING].offers


def offer_twice(core: ACDCore) -> None:
    (first,) = core._contacts[RINGING].offers.values()
    second = replace(first, offer_id=OfferId("t-99"))
    core._contacts[RINGING].offers[second.offer_id] = second


def place_and_wait(core: ACDCore) -> None:
    core._contacts[WAITING].placed = True


def assist_who_waits(core: ACDCore) -> None:
    core._contacts[WAITING].participants[HELPS] = None


def assist_twice(core: ACDCore) -> None:
    core._contacts[OUT].participants[HELPS] = None


def assist_for_nobody(core: ACDCore) -> None:
    core._agents[HELPS].assisting = False


def assist_at_rest(core: ACDCore) -> None:
    core._agents[WRAPS].assisting = True


def be_talked_with_by_who_assists(core: ACDCore) -> None:
    core._contacts[TALKING].participants = {}


def lose_a_text(core: ACDCore) -> None:
    core._agents[TEXTS].texts.clear()


def keep_a_text_that_is_gone(core: ACDCore) -> None:
    core._agents[RINGS].texts[TEXT] = None


def keep_a_seat_that_was_removed(core: ACDCore) -> None:
    core._agents[WRAPS].removed = True
    rest_against_the_facts(core)
    core._agents[WRAPS].presence = core._agents[WRAPS].presence.__class__(
        core._agents[WRAPS].presence.kind.OFF
    )


def reserve_by_anothers_offer(core: ACDCore) -> None:
    core._agents[TALKS].text_offer = core._agents[RINGS].offer


def reserve_for_one_who_is_gone(core: ACDCore) -> None:
    core._agents[RINGS].contact_id = ContactId("gone")


def hold_at_rest(core: ACDCore) -> None:
    core._agents[WRAPS].contact_id = TALKING


def forget_a_member(core: ACDCore) -> None:
    pool(core).members &= ~core._pools.roster.bit(WRAPS)


def miss_who_is_logged_in(core: ACDCore) -> None:
    core._pools.roster.logged_in &= ~core._pools.roster.bit(WRAPS)


def miss_who_is_on_duty(core: ACDCore) -> None:
    core._pools.roster.reachable &= ~core._pools.roster.bit(WRAPS)


def forget_why_they_wait(core: ACDCore) -> None:
    pool(core).shortage = Shortage.NO_DEVICE


def keep_a_line_for_nobody(core: ACDCore) -> None:
    need = replace(pool(core).need, sites=("nowhere",))
    core._pools.by_need[need] = Pool(need, core._pools.roster)


def miss_who_is_free(core: ACDCore) -> None:
    for free in core._pools.free.values():
        free.free ^= core._pools.roster.bit(TALKS)


def wait_without_a_step(core: ACDCore) -> None:
    core._contacts[WAITING].timer = None


def have_nobodys_deadline(core: ACDCore) -> None:
    core._deadlines.add((1e9, 1_000_000))


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
    core._deadlines.remove(agent.timer or (0.0, 0))
    agent.timer = agent.wrap_up_deadline = None
    agent.state = AgentState.OFF


def be_idle_while_somebody_waits(core: ACDCore) -> None:
    rest_against_the_facts(core)
    agent = core._agents[WRAPS]
    agent.state = AgentState.IDLE
    core._pools.enlist(agent, agent.stand(core._plan))


def be_idle_and_not_found(core: ACDCore) -> None:
    for contact in (*core._contacts.values(),):
        if contact.state is ContactState.WAITING:
            core._pools.place(contact, None)
            core._arm(contact, None)
            del core._contacts[contact.contact_id]
    rest_against_the_facts(core)
    core._agents[WRAPS].state = AgentState.IDLE


def be_idle_out_of_line(core: ACDCore) -> None:
    rest_against_the_facts(core)
    core._agents[WRAPS].state = AgentState.IDLE


def change_the_order(core: ACDCore) -> None:
    core._contacts[WAITING].arrived_at = 1e6


def ring_for_ever(core: ACDCore) -> None:
    agent = core._agents[RINGS]
    core._deadlines.remove(agent.timer or (0.0, 0))
    agent.timer = None


def wrap_up_for_ever(core: ACDCore) -> None:
    core._agents[WRAPS].wrap_up_deadline = None


def lose_a_deadline(core: ACDCore) -> None:
    core._deadlines.remove(core._agents[WRAPS].timer or (0.0, 0))


def pause_in_a_conversation(core: ACDCore) -> None:
    core._agents[TALKS].paused_until = 99.0


@pytest.mark.parametrize(
    ("message", "break_it"),
    [
        ("1: gone but kept", keep_one_that_is_gone),
        ("1: gone but kept", file_a_contact_wrongly),
        ("1: filed under another id", file_an_agent_wrongly),
        ("1: offered without an offer", wait_with_an_offer),
        ("1: offered without an offer", offer_without_an_offer),
        ("1: offered to answer while", answer_while_it_talks),
        ("1: offered twice: ringing", offer_twice),
        ("1: placed, and yet not offered", place_and_wait),
        ("1: talks with nobody, or has", wait_with_an_agent),
        ("1: talks with nobody, or has", talk_with_nobody),
        ("1: assisted without a conv", assist_who_waits),
        ("1: who assists does not", assist_twice),
        ("1: who assists does not", assist_for_nobody),
        ("1: assists in nothing", assist_at_rest),
        ("1: its contact is gone", be_talked_with_by_who_assists),
        ("1: its agent does not", lose_a_text),
        ("1: has a text that is gone", keep_a_text_that_is_gone),
        ("1: removed, and yet kept", keep_a_seat_that_was_removed),
        ("1: its agent does not", hold_one_contact_twice),
        ("1: its contact is gone", forget_one_who_talks),
        ("1: an open offer without", lose_an_offer),
        ("1: an open offer without", leave_an_offer_open),
        ("1: reserved without an offer", forget_what_rings),
        ("1: reserved by another's", reserve_by_anothers_offer),
        ("1: reserved for a contact", reserve_for_one_who_is_gone),
        ("1: holds a contact at rest", hold_at_rest),
        ("2: rests against the facts", rest_against_the_facts),
        ("2: a contact waits while", be_idle_while_somebody_waits),
        ("2: the free are not in order", be_idle_and_not_found),
        ("2: members are missing", forget_a_member),
        ("2: it is not known who is logged in", miss_who_is_logged_in),
        ("2: it is not known who is on duty", miss_who_is_on_duty),
        ("2: it is not known why they wait", forget_why_they_wait),
        ("2: it is not known who is free", miss_who_is_free),
        ("3: somebody who waits stands in no line, or", keep_a_line_for_nobody),
        ("3: the waiting are not in order", lose_a_waiting_contact),
        ("3: the waiting are not in order", lose_the_home),
        ("3: somebody who waits stands in no line", lose_the_pool),
        ("3: the first of each need", lose_the_front),
        ("3: the waiting are not in order", forget_a_contact_in_line),
        ("3: the waiting are not in order", change_the_order),
        ("4: the timer does not match", ring_for_ever),
        ("4: the timer does not match", wait_without_a_step),
        ("4: wraps up for ever", wrap_up_for_ever),
        ("4: a deadline is missing", lose_a_deadline),
        ("4: a deadline is missing", have_nobodys_deadline),
        ("4: paused with work in hand", pause_in_a_conversation),
    ],
)
def test_a_broken_promise_is_seen(message: str, break_it: Callable[[ACDCore], None]) -> None:
    core = busy_desk().core
    core.check_invariants()
    break_it(core)
    with pytest.raises(InvariantBroken, match=f"^{message}"):
        core.check_invariants()


@pytest.mark.parametrize("presence", [BREAK, OFF])
def test_an_escalated_contact_that_waits_while_somebody_may_be_rung_for_it_is_seen(
    presence: AgentPresence,
) -> None:
    """Somebody who stands by; or a vacant position, while nobody is on duty."""
    desk = Desk()
    desk.arrive("c", at=0)
    desk.timer(at=60)
    core = desk.core
    core._match = core._settle  # type: ignore[method-assign]
    desk.core.handle_event(AgentAdded(WRAPS), now=61)
    desk.core.handle_event(AgentDeviceChanged(WRAPS, True, False), now=61)
    core.check_invariants()
    desk.core.handle_event(AgentPresenceChanged(WRAPS, presence), now=61)
    with pytest.raises(InvariantBroken, match=r"^2: a contact waits while"):
        core.check_invariants()


def test_a_vacant_position_may_be_free_while_a_contact_waits_for_those_on_duty() -> None:
    desk = Desk("busy", "gone")
    desk.presence("gone", OFF)
    desk.talk("x", "busy")
    desk.arrive("c", at=0)
    desk.timer(at=60)
    desk.core.check_invariants()
    desk.core._pools.roster.reachable = 0
    with pytest.raises(InvariantBroken, match=r"^2: it is not known who is on duty"):
        desk.core.check_invariants()
