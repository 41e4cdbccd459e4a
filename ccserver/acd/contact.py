"""One contact in the distributor's hands: its state table and what is known of it.

A contact is always in exactly one place. It *waits* in the line; it is *offered*, which is to say
that one agent is reserved for it and one device rings; it is *talking* with one agent; or it is
*gone*, which means that the core forgets it in the same step.

* A contact enters as WAITING when it arrives, or as WAITING or TALKING when it is adopted after a
  restart. No other state can be entered from outside.
* An offer that comes back, whatever the reason, puts the contact back in its old place in the
  line: arrival time, priority and sequence never change during its life.
* The citizen may leave at any moment, so ABANDONED, ENDED and LEFT lead from every living state to
  GONE. They differ in what becomes of the offer or the agent, which is the core's business.
* RETURNED exists only for a conversation: somebody who waits has lost nobody.
* Nothing leads out of GONE.

What is not in the table does not happen. A missing entry raises and changes nothing: for signals
that repeat what the world said it is a stale event, for the core's own signals it is our bug.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from ccserver.acd.commands import ContactState, ContactView
from ccserver.acd.errors import InvariantBroken, StaleEvent
from ccserver.types import AgentId, ContactId, Medium, OfferId


class ContactSignal(Enum):
    """What can happen to a contact that the core holds."""

    OFFERED = auto()  # the core reserved an agent for it
    TAKEN_BACK = auto()  # its offer failed, timed out or was rescinded
    ACCEPTED = auto()
    RETURNED = auto()
    ABANDONED = auto()
    ENDED = auto()
    LEFT = auto()


FROM_THE_WORLD = frozenset(
    {
        ContactSignal.ACCEPTED,
        ContactSignal.RETURNED,
        ContactSignal.ABANDONED,
        ContactSignal.ENDED,
        ContactSignal.LEFT,
    }
)
"""Signals that only repeat an event; the rest are the core's own decisions."""

TRANSITIONS: Mapping[tuple[ContactState, ContactSignal], ContactState] = {
    (ContactState.WAITING, ContactSignal.OFFERED): ContactState.OFFERED,
    (ContactState.WAITING, ContactSignal.ABANDONED): ContactState.GONE,
    (ContactState.WAITING, ContactSignal.ENDED): ContactState.GONE,
    (ContactState.WAITING, ContactSignal.LEFT): ContactState.GONE,
    (ContactState.OFFERED, ContactSignal.TAKEN_BACK): ContactState.WAITING,
    (ContactState.OFFERED, ContactSignal.ACCEPTED): ContactState.TALKING,
    (ContactState.OFFERED, ContactSignal.ABANDONED): ContactState.GONE,
    (ContactState.OFFERED, ContactSignal.ENDED): ContactState.GONE,
    (ContactState.OFFERED, ContactSignal.LEFT): ContactState.GONE,
    (ContactState.TALKING, ContactSignal.RETURNED): ContactState.WAITING,
    (ContactState.TALKING, ContactSignal.ABANDONED): ContactState.GONE,
    (ContactState.TALKING, ContactSignal.ENDED): ContactState.GONE,
    (ContactState.TALKING, ContactSignal.LEFT): ContactState.GONE,
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One contact presented to one reserved agent until ``deadline``."""

    offer_id: OfferId
    contact_id: ContactId
    agent_id: AgentId
    deadline: float


@dataclass(slots=True, eq=False)
class Contact:
    """What the core knows of one contact; changed by the core only."""

    contact_id: ContactId
    medium: Medium
    queue: str
    priority: int
    arrived_at: float
    sequence: int
    """Order of entering the core; decides between equal priority and arrival time."""
    state: ContactState = ContactState.WAITING
    agent_id: AgentId | None = None
    """Who is reserved for it or talks with it."""
    offer: Offer | None = None
    refused_by: set[AgentId] = field(default_factory=set)
    """Agents whose offer of it failed; asked again only when nobody else is eligible."""
    published: ContactView | None = None
    """The view that others were last told."""

    @property
    def place(self) -> tuple[int, float, int, ContactId]:
        """Where it stands in the line: the least is answered first. Never changes."""
        return (-self.priority, self.arrived_at, self.sequence, self.contact_id)

    def apply(self, signal: ContactSignal) -> None:
        """Change state by the table; raises `StaleEvent` or `InvariantBroken`."""
        target = TRANSITIONS.get((self.state, signal))
        if target is None:
            if signal in FROM_THE_WORLD:
                raise StaleEvent(f"contact_{self.state}")
            raise InvariantBroken(f"contact {self.contact_id} {self.state} was {signal.name}")
        self.state = target

    def view(self) -> ContactView:
        """Return the contact as others may see it."""
        offer = self.offer
        return ContactView(
            contact_id=self.contact_id,
            medium=self.medium,
            queue=self.queue,
            priority=self.priority,
            arrived_at=self.arrived_at,
            state=self.state,
            agent_id=self.agent_id,
            offer_id=offer.offer_id if offer is not None else None,
            offer_deadline=offer.deadline if offer is not None else None,
        )
