"""Proves both state tables: every state against every signal, and every state against every event.

What is not listed must raise and change nothing (tables), or change nothing (core).
"""

import itertools
from collections.abc import Callable

import pytest

from ccserver.acd.agent import FROM_THE_WORLD as AGENT_FROM_THE_WORLD
from ccserver.acd.agent import RESTING, Agent, AgentSignal
from ccserver.acd.commands import AgentState, ContactState
from ccserver.acd.contact import FROM_THE_WORLD, Contact, ContactSignal
from ccserver.acd.errors import InvariantBroken, StaleEvent
from ccserver.acd.events import AgentPresence, OfferFailure, PresenceKind
from ccserver.types import AgentId, ContactId, Medium
from tests.acd.desk import ANYBODY, BREAK, OFF, READY, Desk

C, S = ContactState, ContactSignal
CONTACT_TABLE = {
    (C.WAITING, S.OFFERED): C.OFFERED,
    (C.OFFERED, S.TAKEN_BACK): C.WAITING,
    (C.OFFERED, S.ACCEPTED): C.TALKING,
    (C.WAITING, S.PICKED): C.WAITING,
    (C.OFFERED, S.OFFERED): C.OFFERED,
    (C.OFFERED, S.GIVEN_UP): C.GONE,
    (C.TALKING, S.RETURNED): C.WAITING,
    (C.TALKING, S.TRANSFERRED): C.WAITING,
    (C.TALKING, S.INVITED): C.TALKING,
    (C.TALKING, S.JOINED): C.TALKING,
    (C.TALKING, S.HANDED_ON): C.TALKING,
    (C.TALKING, S.HANDED_OUT): C.HANDED_OVER,
    (C.HANDED_OVER, S.HANDED_ON): C.TALKING,
    (C.HANDED_OVER, S.RETURNED): C.WAITING,
} | {
    (state, signal): C.GONE
    for state in (C.WAITING, C.OFFERED, C.TALKING, C.HANDED_OVER)
    for signal in (S.ABANDONED, S.ENDED, S.LEFT)
}

A, G = AgentState, AgentSignal
AGENT_TABLE = (
    {(state, G.FACTS_CHANGED): A.IDLE for state in RESTING}
    | {(state, G.ADOPTED): A.TALKING for state in (*RESTING, A.WRAP_UP)}
    | {
        (A.IDLE, G.RESERVED): A.RESERVED,
        (A.NOT_READY, G.RESERVED): A.RESERVED,
        (A.OFF, G.RESERVED): A.RESERVED,
        (A.IDLE, G.PLACED): A.RESERVED,
        (A.NOT_READY, G.PLACED): A.RESERVED,
        (A.WRAP_UP, G.PLACED): A.RESERVED,
        (A.RESERVED, G.FACTS_CHANGED): A.RESERVED,
        (A.RESERVED, G.TAKEN_BACK): A.IDLE,
        (A.RESERVED, G.ACCEPTED): A.TALKING,
        (A.TALKING, G.FACTS_CHANGED): A.TALKING,
        (A.TALKING, G.CONTACT_OVER): A.WRAP_UP,
        (A.TALKING, G.CONTACT_RETURNED): A.IDLE,
        (A.TALKING, G.PARTED): A.IDLE,
        (A.WRAP_UP, G.WRAP_UP_EXTENDED): A.WRAP_UP,
        (A.WRAP_UP, G.FACTS_CHANGED): A.WRAP_UP,
        (A.WRAP_UP, G.WRAP_UP_ENDED): A.IDLE,
    }
)
"""For an agent whose facts say IDLE."""


@pytest.mark.parametrize(("state", "signal"), list(itertools.product(C, S)))
def test_contact_table(state: ContactState, signal: ContactSignal) -> None:
    contact = Contact(ContactId("c"), Medium.VOICE, "q", 5, 0.0, 1, 0.0, state=state)
    expected = CONTACT_TABLE.get((state, signal))
    if expected is not None:
        contact.apply(signal)
        assert contact.state is expected
        return
    with pytest.raises(StaleEvent if signal in FROM_THE_WORLD else InvariantBroken):
        contact.apply(signal)
    assert contact.state is state


@pytest.mark.parametrize(("state", "signal"), list(itertools.product(A, G)))
def test_agent_table(state: AgentState, signal: AgentSignal) -> None:
    agent = Agent(AgentId("a"), 0.0, 0.0, 1, ANYBODY, presence=READY, reachable=True, state=state)
    expected = AGENT_TABLE.get((state, signal))
    if expected is not None:
        assert agent.next_state(signal) is expected
    else:
        with pytest.raises(StaleEvent if signal in AGENT_FROM_THE_WORLD else InvariantBroken):
            agent.next_state(signal)
    assert agent.state is state


@pytest.mark.parametrize("kind", PresenceKind)
@pytest.mark.parametrize("reachable", [False, True])
@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("paused_until", [None, 1.0])
def test_facts_decide_where_an_agent_rests(
    kind: PresenceKind, reachable: bool, busy: bool, paused_until: float | None
) -> None:
    agent = Agent(
        AgentId("a"),
        0.0,
        0.0,
        1,
        ANYBODY,
        presence=AgentPresence(kind),
        reachable=reachable,
        busy=busy,
        paused_until=paused_until,
    )
    fit = reachable and not busy and paused_until is None
    ready = A.IDLE if fit else A.UNAVAILABLE
    expected = {"off": A.OFF, "not_ready": A.NOT_READY, "ready": ready}[kind]
    assert agent.resting_state() is expected


# ---- the whole core: every state × every event ----

AGENT_SETUPS: dict[AgentState, Callable[[Desk], object]] = {
    A.OFF: lambda d: d.presence("a", OFF),
    A.NOT_READY: lambda d: d.presence("a", BREAK),
    A.UNAVAILABLE: lambda d: d.device("a", reachable=False),
    A.IDLE: lambda d: None,
    A.RESERVED: lambda d: d.arrive("c"),
    A.TALKING: lambda d: (d.arrive("c"), d.accept(1)),
    A.WRAP_UP: lambda d: (d.arrive("c"), d.accept(1), d.end("c")),
}
AGENT_EVENTS: dict[str, Callable[[Desk], object]] = {
    "ready": lambda d: d.presence("a", READY),
    "break": lambda d: d.presence("a", BREAK),
    "off": lambda d: d.presence("a", OFF),
    "device lost": lambda d: d.device("a", reachable=False),
    "device busy": lambda d: d.device("a", busy=True),
    "device free": lambda d: d.device("a"),
    "wrap-up ended": lambda d: d.wrap_up("a"),
    "accepted": lambda d: d.accept(1),
    "failed": lambda d: d.fail(1, OfferFailure.BUSY),
    "abandoned": lambda d: d.abandon("c"),
    "ended": lambda d: d.end("c"),
    "left": lambda d: d.leave("c"),
    "returned": lambda d: d.give_back("c"),
    "adopted": lambda d: d.adopt("d", "a"),
    "extended": lambda d: d.extend("a", 5.0),
    "placed": lambda d: d.place("p", "a"),
    "removed": lambda d: d.remove("a"),
    "ended, cut": lambda d: d.end("c", cut=True),
    "transferred": lambda d: d.transfer("c", "a"),
    "handed over": lambda d: d.hand_over("c", "a"),
    "picked": lambda d: (d.arrive("w"), d.pick("w", "a")),
    "escalated": lambda d: (d.arrive("w", at=0), d.timer(at=60)),
    "invited": lambda d: (d.adopt("t", "x"), d.invite("t", "a")),
    "left another": lambda d: d.part("c", "a"),
    "added": lambda d: d.join("a") if d.agents["a"] is A.IDLE else None,
}
AGENT_CHANGES: dict[tuple[AgentState, str], AgentState | None] = {
    (A.OFF, "ready"): A.IDLE,
    (A.OFF, "picked"): A.RESERVED,  # not by the pick: vacant, and nobody else is there
    **{(state, "removed"): None for state in A if state is not A.TALKING},
    (A.NOT_READY, "placed"): A.RESERVED,
    (A.NOT_READY, "picked"): A.RESERVED,
    (A.NOT_READY, "escalated"): A.RESERVED,
    (A.NOT_READY, "invited"): A.RESERVED,
    (A.IDLE, "placed"): A.RESERVED,
    (A.IDLE, "picked"): A.RESERVED,
    (A.IDLE, "escalated"): A.UNAVAILABLE,  # long before that, the offer timed out
    (A.RESERVED, "escalated"): A.UNAVAILABLE,
    (A.IDLE, "invited"): A.RESERVED,
    (A.RESERVED, "ended, cut"): A.IDLE,
    (A.TALKING, "ended, cut"): A.WRAP_UP,
    (A.TALKING, "transferred"): A.WRAP_UP,
    (A.TALKING, "handed over"): A.WRAP_UP,
    (A.WRAP_UP, "placed"): A.RESERVED,
    (A.WRAP_UP, "escalated"): A.RESERVED,
    (A.OFF, "break"): A.NOT_READY,
    (A.OFF, "adopted"): A.TALKING,
    (A.NOT_READY, "ready"): A.IDLE,
    (A.NOT_READY, "off"): A.OFF,
    (A.NOT_READY, "adopted"): A.TALKING,
    (A.UNAVAILABLE, "break"): A.NOT_READY,
    (A.UNAVAILABLE, "off"): A.OFF,
    (A.UNAVAILABLE, "device free"): A.IDLE,
    (A.UNAVAILABLE, "adopted"): A.TALKING,
    (A.IDLE, "break"): A.NOT_READY,
    (A.IDLE, "off"): A.OFF,
    (A.IDLE, "device lost"): A.UNAVAILABLE,
    (A.IDLE, "device busy"): A.UNAVAILABLE,
    (A.IDLE, "adopted"): A.TALKING,
    (A.RESERVED, "break"): A.NOT_READY,
    # (A.RESERVED, "off") stays: whom the contact was offered to has left, the position rings on.
    (A.RESERVED, "device lost"): A.UNAVAILABLE,
    (A.RESERVED, "accepted"): A.TALKING,
    (A.RESERVED, "failed"): A.UNAVAILABLE,
    (A.RESERVED, "abandoned"): A.IDLE,
    (A.RESERVED, "ended"): A.IDLE,
    (A.RESERVED, "left"): A.IDLE,
    (A.RESERVED, "adopted"): A.TALKING,
    (A.TALKING, "abandoned"): A.WRAP_UP,
    (A.TALKING, "ended"): A.WRAP_UP,
    (A.TALKING, "left"): A.WRAP_UP,
    (A.TALKING, "returned"): A.UNAVAILABLE,
    (A.WRAP_UP, "off"): A.OFF,
    (A.WRAP_UP, "wrap-up ended"): A.IDLE,
    (A.WRAP_UP, "adopted"): A.TALKING,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(AGENT_SETUPS, AGENT_EVENTS)))
def test_every_agent_state_against_every_event(state: AgentState, event: str) -> None:
    desk = Desk("a")
    AGENT_SETUPS[state](desk)
    assert desk.agents == {"a": state}
    AGENT_EVENTS[event](desk)
    assert desk.agents.get("a") == AGENT_CHANGES.get((state, event), state)


CONTACT_SETUPS: dict[str, Callable[[Desk], object]] = {
    "unknown": lambda d: None,
    "waiting": lambda d: d.arrive("c"),
    "offered": lambda d: (d.arrive("c"), d.join("a")),
    "talking": lambda d: (d.arrive("c"), d.join("a"), d.accept(1)),
    "handed_over": lambda d: (
        d.arrive("c"),
        d.join("a"),
        d.accept(1),
        d.hand_over("c", "a"),
        d.presence("a", OFF),
    ),
    "over": lambda d: (d.arrive("c"), d.end("c")),
    "left": lambda d: (d.arrive("c"), d.leave("c")),
}
CONTACT_EVENTS: dict[str, Callable[[Desk], object]] = {
    "arrived": lambda d: d.arrive("c"),
    "adopted": lambda d: d.adopt("c"),
    "adopted talking": lambda d: d.adopt("c", "z"),
    "abandoned": lambda d: d.abandon("c"),
    "ended": lambda d: d.end("c"),
    "left": lambda d: d.leave("c"),
    "returned": lambda d: d.give_back("c"),
    "accepted": lambda d: d.accept(1),
    "failed": lambda d: d.fail(1),
    "deadline": lambda d: d.timer(at=15),
    "cut": lambda d: d.end("c", cut=True),
    "placed": lambda d: (d.join("p"), d.place("c", "p")),
    "transferred": lambda d: d.transfer("c", "a"),
    "handed out": lambda d: d.hand_over("c", "a"),
    "handed on": lambda d: d.hand_over("c", "a", "x"),
    "picked": lambda d: (d.adopt("t", "p"), d.presence("p", BREAK), d.pick("c", "p")),
    "invited": lambda d: (d.join("i"), d.invite("c", "i")),
    "parted": lambda d: d.part("c", "a"),
    "skills": lambda d: d.need("c"),
}
CONTACT_CHANGES: dict[tuple[str, str], str] = {
    ("unknown", "arrived"): "waiting",
    ("unknown", "adopted"): "waiting",
    ("unknown", "adopted talking"): "talking",
    ("left", "arrived"): "waiting",
    ("left", "adopted"): "waiting",
    ("left", "adopted talking"): "talking",
    **{
        (state, event): ""
        for state in ("waiting", "offered", "talking", "handed_over")
        for event in ("abandoned", "ended", "left", "cut")
    },
    ("unknown", "placed"): "offered",
    ("left", "placed"): "offered",
    ("waiting", "placed"): "offered",  # to the agent who has come for that
    ("waiting", "invited"): "offered",  # so too
    ("talking", "transferred"): "waiting",
    ("talking", "handed out"): "handed_over",
    ("handed_over", "returned"): "offered",  # to the vacant position of who was here
    ("offered", "accepted"): "talking",
    ("offered", "failed"): "waiting",
    ("offered", "deadline"): "waiting",
    ("talking", "returned"): "waiting",
}


@pytest.mark.parametrize(
    ("state", "event"), list(itertools.product(CONTACT_SETUPS, CONTACT_EVENTS))
)
def test_every_contact_state_against_every_event(state: str, event: str) -> None:
    desk = Desk()
    CONTACT_SETUPS[state](desk)
    before = state if state in list(C) else ""
    assert desk.contacts.get("c", "") == before
    CONTACT_EVENTS[event](desk)
    assert desk.contacts.get("c", "") == CONTACT_CHANGES.get((state, event), before)
