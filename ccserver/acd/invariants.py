"""The four invariants of the core, checked by looking at everything it holds.

Costs time in proportion to contacts and agents: the simulator checks after every step, the
runtime now and then. Each sentence here is one of the core's promises; see `ccserver.acd.core`.
"""

from collections.abc import Mapping

from ccserver.acd.agent import Agent
from ccserver.acd.commands import AgentState, ContactState
from ccserver.acd.contact import Contact, Offer
from ccserver.acd.errors import InvariantBroken
from ccserver.acd.matching import Line, Place, Rank
from ccserver.types import AgentId, ContactId, OfferId


def check(
    *,
    contacts: Mapping[ContactId, Contact],
    agents: Mapping[AgentId, Agent],
    offers: Mapping[OfferId, Offer],
    waiting: Line[Place],
    idle: Line[Rank],
    deadlines: Line[Rank],
) -> None:
    """Raise `InvariantBroken` with the first promise found broken."""
    _check_contacts(contacts, agents, offers)
    _check_agents(contacts, agents)
    _check_lines(contacts, agents, waiting, idle)
    _check_deadlines(agents, deadlines)


def _broken(promise: str, subject: str = "") -> InvariantBroken:
    return InvariantBroken(f"{promise} {subject}".rstrip())


def _check_contacts(
    contacts: Mapping[ContactId, Contact],
    agents: Mapping[AgentId, Agent],
    offers: Mapping[OfferId, Offer],
) -> None:
    """Promise 1, seen from the contacts: each is held by exactly the agent it names."""
    for contact_id, contact in contacts.items():
        offer, state = contact.offer, contact.state
        if contact_id != contact.contact_id or state is ContactState.GONE:
            raise _broken("1: gone but kept, or filed under another id:", contact_id)
        if (offer is not None) is not (state is ContactState.OFFERED):
            raise _broken("1: offered without an offer, or the reverse:", contact_id)
        if state is ContactState.WAITING:
            if contact.agent_id is not None:
                raise _broken("1: waits with an agent:", contact_id)
            continue
        agent = agents.get(contact.agent_id) if contact.agent_id is not None else None
        if agent is None or agent.contact_id != contact_id or agent.offer is not offer:
            raise _broken("1: its agent does not hold it:", contact_id)
        if offer is None and agent.state is not AgentState.TALKING:
            raise _broken("1: talks with nobody:", contact_id)
    ringing = {c.offer.offer_id: c.offer for c in contacts.values() if c.offer is not None}
    if ringing != offers:
        raise _broken("1: an open offer without a contact, or the reverse")


def _check_agents(contacts: Mapping[ContactId, Contact], agents: Mapping[AgentId, Agent]) -> None:
    """Promise 1, seen from the agents; and each rests where the facts say."""
    for agent_id, agent in agents.items():
        state = agent.state
        if agent_id != agent.agent_id:
            raise _broken("1: filed under another id:", agent_id)
        if (agent.offer is not None) is not (state is AgentState.RESERVED):
            raise _broken("1: reserved without an offer, or the reverse:", agent_id)
        if state is AgentState.RESERVED or state is AgentState.TALKING:
            contact = contacts.get(agent.contact_id) if agent.contact_id is not None else None
            if contact is None or contact.agent_id != agent_id:
                raise _broken("1: its contact is gone or with another:", agent_id)
        elif agent.contact_id is not None:
            raise _broken("1: holds a contact at rest:", agent_id)
        elif state is not AgentState.WRAP_UP and state is not agent.resting_state():
            raise _broken("2: rests against the facts:", agent_id)


def _check_lines(
    contacts: Mapping[ContactId, Contact],
    agents: Mapping[AgentId, Agent],
    waiting: Line[Place],
    idle: Line[Rank],
) -> None:
    """Promises 1 (nobody is lost from a line), 2 and 3."""
    expected = sorted(c.place for c in contacts.values() if c.state is ContactState.WAITING)
    if list(waiting) != expected:
        raise _broken("3: the waiting are not in order, or not all in line")
    ranks = sorted(a.idle_rank for a in agents.values() if a.state is AgentState.IDLE)
    if list(idle) != ranks:
        raise _broken("2: the idle are not in order, or not all in line")
    if expected and ranks:
        raise _broken("2: a contact waits while an agent is idle")


def _check_deadlines(agents: Mapping[AgentId, Agent], deadlines: Line[Rank]) -> None:
    """Promise 4: every wait of an agent has its deadline, and nothing else has one."""
    timers = []
    for agent_id, agent in agents.items():
        deadline, state, timer = agent.deadline, agent.state, agent.timer
        wraps_up = state is AgentState.WRAP_UP
        if (agent.wrap_up_deadline is not None) is not wraps_up:
            raise _broken("4: wraps up for ever, or not at all:", agent_id)
        if (state is AgentState.TALKING or wraps_up) and agent.paused_until is not None:
            raise _broken("4: paused with work in hand:", agent_id)
        if deadline is None:
            if timer is not None:
                raise _broken("4: a timer without a wait:", agent_id)
        elif timer is None or timer[0] != deadline:
            raise _broken("4: the timer does not match the wait:", agent_id)
        else:
            timers.append(timer)
    if list(deadlines) != sorted(timers):
        raise _broken("4: a deadline is missing or nobody's")
