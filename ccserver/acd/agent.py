"""One call taker's seat: its state table and what is known of it.

An agent's state has two halves. While nothing is in hand the agent *rests*, and where is decided
by facts alone: what the person declared (presence), what is known of the device, and whether an
offer has just failed (a pause). `Agent.resting_state` says it: OFF, NOT_READY, UNAVAILABLE or
IDLE. Only IDLE agents are eligible for a contact. In the table this target is written REST.

While something is in hand the facts wait: RESERVED for one offer until its deadline, TALKING with
one contact, in WRAP_UP until its deadline. A change of facts is stored and counts when the agent
comes to rest again. (That a withdrawn presence or a lost device ends a reservation is decided by
the core, which then takes the offer back: the signal is TAKEN_BACK, not FACTS_CHANGED.)

* A conversation begins by an accepted offer, or by adoption after a restart. Adoption repeats
  what Asterisk holds and overrides everything except another conversation.
* A conversation that is over leads to WRAP_UP; one that was lost (the device failed under it)
  leads to rest, because its work is not done but has gone back to the line.
* Every state but TALKING and undisturbed rest has one deadline. A pause exists only at rest, so an
  agent never needs more than one timer.

What is not in the table does not happen. A missing entry raises and changes nothing: for signals
that repeat what the world said it is a stale event, for the core's own signals it is our bug.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from ccserver.acd.commands import AgentState, AgentView
from ccserver.acd.contact import Offer
from ccserver.acd.errors import InvariantBroken, StaleEvent
from ccserver.acd.events import AgentPresence, PresenceKind
from ccserver.types import AgentId, ContactId


class AgentSignal(Enum):
    """What can happen to an agent."""

    FACTS_CHANGED = auto()  # presence, device or pause
    RESERVED = auto()  # the core gave it an offer
    TAKEN_BACK = auto()  # the offer failed, timed out or was rescinded
    ACCEPTED = auto()
    ADOPTED = auto()  # found in conversation after a restart
    CONTACT_OVER = auto()
    CONTACT_RETURNED = auto()
    WRAP_UP_ENDED = auto()


FROM_THE_WORLD = frozenset({AgentSignal.ADOPTED, AgentSignal.WRAP_UP_ENDED})
"""Signals that only repeat an event; the rest follow from the core's own bookkeeping."""

SIGNED_OFF = AgentPresence(PresenceKind.OFF)

REST = None
"""Target of the table: whichever resting state the facts say."""

RESTING = (AgentState.OFF, AgentState.NOT_READY, AgentState.UNAVAILABLE, AgentState.IDLE)
"""The states without anything in hand."""

TRANSITIONS: Mapping[tuple[AgentState, AgentSignal], AgentState | None] = {
    (AgentState.OFF, AgentSignal.FACTS_CHANGED): REST,
    (AgentState.OFF, AgentSignal.ADOPTED): AgentState.TALKING,
    (AgentState.NOT_READY, AgentSignal.FACTS_CHANGED): REST,
    (AgentState.NOT_READY, AgentSignal.ADOPTED): AgentState.TALKING,
    (AgentState.UNAVAILABLE, AgentSignal.FACTS_CHANGED): REST,
    (AgentState.UNAVAILABLE, AgentSignal.ADOPTED): AgentState.TALKING,
    (AgentState.IDLE, AgentSignal.FACTS_CHANGED): REST,
    (AgentState.IDLE, AgentSignal.ADOPTED): AgentState.TALKING,
    (AgentState.IDLE, AgentSignal.RESERVED): AgentState.RESERVED,
    (AgentState.RESERVED, AgentSignal.FACTS_CHANGED): AgentState.RESERVED,
    (AgentState.RESERVED, AgentSignal.TAKEN_BACK): REST,
    (AgentState.RESERVED, AgentSignal.ACCEPTED): AgentState.TALKING,
    (AgentState.TALKING, AgentSignal.FACTS_CHANGED): AgentState.TALKING,
    (AgentState.TALKING, AgentSignal.CONTACT_OVER): AgentState.WRAP_UP,
    (AgentState.TALKING, AgentSignal.CONTACT_RETURNED): REST,
    (AgentState.WRAP_UP, AgentSignal.FACTS_CHANGED): AgentState.WRAP_UP,
    (AgentState.WRAP_UP, AgentSignal.ADOPTED): AgentState.TALKING,
    (AgentState.WRAP_UP, AgentSignal.WRAP_UP_ENDED): REST,
}


@dataclass(slots=True, eq=False)
class Agent:
    """What the core knows of one agent; changed by the core only."""

    agent_id: AgentId
    since: float
    """When the present state began."""
    idle_since: float
    """Orders the eligible: the end of the last contact's work, of the last pause after a failed
    offer, or the declaration of being ready, whichever was last."""
    idle_sequence: int
    presence: AgentPresence = SIGNED_OFF
    presence_pending: AgentPresence | None = None
    reachable: bool = False
    busy: bool = False
    state: AgentState = AgentState.OFF
    contact_id: ContactId | None = None
    offer: Offer | None = None
    wrap_up_deadline: float | None = None
    paused_until: float | None = None
    timer: tuple[float, int, AgentId] | None = None
    """The entry among the core's deadlines that belongs to the present state."""
    published: AgentView | None = None
    """The view that others were last told."""

    @property
    def idle_rank(self) -> tuple[float, int, AgentId]:
        """Where it stands among the idle: the least gets the next contact."""
        return (self.idle_since, self.idle_sequence, self.agent_id)

    @property
    def deadline(self) -> float | None:
        """When the present wait ends by itself: offer, wrap-up or pause."""
        if self.offer is not None:
            return self.offer.deadline
        return self.wrap_up_deadline if self.wrap_up_deadline is not None else self.paused_until

    def resting_state(self) -> AgentState:
        """Return where an agent with nothing in hand stands by the facts."""
        if self.presence.kind is PresenceKind.OFF:
            return AgentState.OFF
        if self.presence.kind is PresenceKind.NOT_READY:
            return AgentState.NOT_READY
        if self.busy or not self.reachable or self.paused_until is not None:
            return AgentState.UNAVAILABLE
        return AgentState.IDLE

    def next_state(self, signal: AgentSignal) -> AgentState:
        """Return the table's answer; raises `StaleEvent` or `InvariantBroken`, changes nothing."""
        try:
            target = TRANSITIONS[self.state, signal]
        except KeyError:
            if signal in FROM_THE_WORLD:
                raise StaleEvent(f"agent_{self.state}") from None
            raise InvariantBroken(
                f"agent {self.agent_id} {self.state} cannot be {signal.name}"
            ) from None
        return self.resting_state() if target is REST else target

    def take_pending_presence(self) -> None:
        """Let what was declared during a contact take effect."""
        if self.presence_pending is not None:
            self.presence = self.presence_pending
            self.presence_pending = None

    def view(self) -> AgentView:
        """Return the agent as others may see it."""
        return AgentView(
            agent_id=self.agent_id,
            presence=self.presence,
            presence_pending=self.presence_pending,
            state=self.state,
            since=self.idle_since if self.state is AgentState.IDLE else self.since,
            contact_id=self.contact_id,
            reachable=self.reachable,
            busy=self.busy,
            wrap_up_deadline=self.wrap_up_deadline,
            paused_until=self.paused_until,
        )
