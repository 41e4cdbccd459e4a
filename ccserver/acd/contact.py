"""One contact in the distributor's hands: its state table and what is known of it.

A contact is always in exactly one place. It *waits* in the line; it is *offered*, which is to say
that an agent is reserved for it and a device rings (several, where the queue rings all); it is
*talking* with one responsible agent and perhaps others who assist; it is *handed over*, which means
that an outside party talks with it and no agent is responsible; or it is *gone*: the core forgets
it in the same step.

* A contact enters as WAITING when it arrives, as WAITING, TALKING or HANDED_OVER when it is adopted
  after a restart, and as OFFERED (to the agent who calls out) when it is placed.
* When the last of its offers comes back, whatever the reason, the contact stands in its old place
  in the line: arrival time, priority and sequence never change during its life. Only a contact that
  was placed is then gone, for nobody is on the line yet (GIVEN_UP).
* The citizen may leave at any moment, so ABANDONED, ENDED and LEFT lead from every living state to
  GONE. They differ in what becomes of the offer or the agent, which is the core's business.
* RETURNED exists only for a conversation: somebody who waits has lost nobody.
* INVITED, JOINED and HANDED_ON change who is in a conversation, not that it is one.
* Nothing leads out of GONE.

What is not in the table does not happen. A missing entry raises and changes nothing: for signals
that repeat what the world said it is a stale event, for the core's own signals it is our bug.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from ccserver.acd.commands import (
    AlarmCode,
    ContactState,
    ContactView,
    OfferKind,
    OfferView,
)
from ccserver.acd.errors import InvariantBroken, StaleEvent
from ccserver.acd.events import Direction
from ccserver.acd.matching import Moment, Place, Pool
from ccserver.acd.plan import QueuePlan, Requirement, finite
from ccserver.types import AgentId, ContactId, Medium, OfferId


class ContactSignal(Enum):
    """What can happen to a contact that the core holds."""

    OFFERED = auto()  # the core reserved an agent for it, or one more
    PICKED = auto()  # a call taker chose it from the line
    TAKEN_BACK = auto()  # its last offer failed, timed out or was rescinded
    GIVEN_UP = auto()  # the offer to the agent who placed it did
    ACCEPTED = auto()
    INVITED = auto()  # a second agent is asked to join
    JOINED = auto()  # and does
    HANDED_ON = auto()  # another agent is now responsible
    HANDED_OUT = auto()  # only an outside party is left
    TRANSFERRED = auto()
    RETURNED = auto()
    ABANDONED = auto()
    ENDED = auto()
    LEFT = auto()


FROM_THE_WORLD = frozenset(
    {
        ContactSignal.PICKED,
        ContactSignal.ACCEPTED,
        ContactSignal.INVITED,
        ContactSignal.HANDED_ON,
        ContactSignal.HANDED_OUT,
        ContactSignal.TRANSFERRED,
        ContactSignal.RETURNED,
        ContactSignal.ABANDONED,
        ContactSignal.ENDED,
        ContactSignal.LEFT,
    }
)
"""Signals that only repeat an event; the rest are the core's own decisions."""

TRANSITIONS: Mapping[tuple[ContactState, ContactSignal], ContactState] = {
    (ContactState.WAITING, ContactSignal.OFFERED): ContactState.OFFERED,
    (ContactState.WAITING, ContactSignal.PICKED): ContactState.WAITING,
    (ContactState.WAITING, ContactSignal.ABANDONED): ContactState.GONE,
    (ContactState.WAITING, ContactSignal.ENDED): ContactState.GONE,
    (ContactState.WAITING, ContactSignal.LEFT): ContactState.GONE,
    (ContactState.OFFERED, ContactSignal.OFFERED): ContactState.OFFERED,
    (ContactState.OFFERED, ContactSignal.TAKEN_BACK): ContactState.WAITING,
    (ContactState.OFFERED, ContactSignal.GIVEN_UP): ContactState.GONE,
    (ContactState.OFFERED, ContactSignal.ACCEPTED): ContactState.TALKING,
    (ContactState.OFFERED, ContactSignal.ABANDONED): ContactState.GONE,
    (ContactState.OFFERED, ContactSignal.ENDED): ContactState.GONE,
    (ContactState.OFFERED, ContactSignal.LEFT): ContactState.GONE,
    (ContactState.TALKING, ContactSignal.INVITED): ContactState.TALKING,
    (ContactState.TALKING, ContactSignal.JOINED): ContactState.TALKING,
    (ContactState.TALKING, ContactSignal.HANDED_ON): ContactState.TALKING,
    (ContactState.TALKING, ContactSignal.HANDED_OUT): ContactState.HANDED_OVER,
    (ContactState.TALKING, ContactSignal.TRANSFERRED): ContactState.WAITING,
    (ContactState.TALKING, ContactSignal.RETURNED): ContactState.WAITING,
    (ContactState.TALKING, ContactSignal.ABANDONED): ContactState.GONE,
    (ContactState.TALKING, ContactSignal.ENDED): ContactState.GONE,
    (ContactState.TALKING, ContactSignal.LEFT): ContactState.GONE,
    (ContactState.HANDED_OVER, ContactSignal.HANDED_ON): ContactState.TALKING,
    (ContactState.HANDED_OVER, ContactSignal.RETURNED): ContactState.WAITING,
    (ContactState.HANDED_OVER, ContactSignal.ABANDONED): ContactState.GONE,
    (ContactState.HANDED_OVER, ContactSignal.ENDED): ContactState.GONE,
    (ContactState.HANDED_OVER, ContactSignal.LEFT): ContactState.GONE,
}


PRIORITY_MAX = 10
"""The scale's end: no number from outside may outgrow every head start."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One contact presented to one reserved agent until ``deadline``."""

    offer_id: OfferId
    contact_id: ContactId
    agent_id: AgentId
    deadline: float
    kind: OfferKind = OfferKind.ANSWER
    shared: bool = False
    """The queue rings all: others may have the contact offered too, the first wins."""


@dataclass(slots=True, eq=False)
class Contact:
    """What the core knows of one contact; changed by the core only."""

    contact_id: ContactId
    medium: Medium
    queue: str
    priority: int
    arrived_at: float
    sequence: int
    """Order of entering the core; decides between equal places."""
    waits_since: float
    """When the present wait began. Relaxation, overflow and alarms count from here, the place in
    line from ``arrived_at``: a caller who is transferred after ten minutes is an early caller, but
    has not waited for ten minutes."""
    as_of: float = 0.0
    """Until when the steps of its wait are taken; a step that is due is left to the timer."""
    place: Place = (0, 0.0, 0.0, 0, ContactId(""))
    """Where it stands in the line: the least is answered first. Changes with the queue only."""
    caller: str | None = None
    skills: tuple[Requirement, ...] = ()
    site: str = ""
    preferred_agent: AgentId | None = None
    direction: Direction = Direction.INBOUND
    redial: bool = False
    placed: bool = False
    """An agent calls out, and its own device still rings."""
    to_dial: bool = False
    """The citizen is not on the line yet: whoever accepts calls out."""
    state: ContactState = ContactState.WAITING
    agent_id: AgentId | None = None
    """Who is responsible for the conversation."""
    participants: dict[AgentId, None] = field(default_factory=dict)
    """Who assists in it."""
    offers: dict[OfferId, Offer] = field(default_factory=dict)
    """The open ones: of an OFFERED contact to answer it, of one that talks to join it."""
    refused_by: set[AgentId] = field(default_factory=set)
    """Agents whose offer of it failed; asked again only when nobody else is free."""
    alarmed: set[AlarmCode] = field(default_factory=set)
    """What supervisors were told already during this wait."""
    home: Pool | None = None
    """While it waits: the pool of its need."""
    pool: Pool | None = None
    """The pool in which it stands: its home, or everybody while nobody is there."""
    stands_at: Place | None = None
    timer: Moment | None = None
    """The entry among the core's deadlines for the next step of its wait."""
    published: ContactView | None = None
    """The view that others were last told."""

    @property
    def is_text(self) -> bool:
        """A text conversation stands on the desk and not in the voice slot."""
        return self.medium is not Medium.VOICE

    @property
    def escalated(self) -> bool:
        """While it waits: every position may get it."""
        return self.pool is not None and self.pool.need.everybody

    def place_by(self, queue: QueuePlan) -> Place:
        """Return its order key in a queue; a broken plan cannot break the order.

        The arrival is in it twice: two of the same queue and priority stand by it even where the
        subtraction rounds.
        """
        points = min(max(self.priority, 0), PRIORITY_MAX)
        head_start_s = finite(queue.head_start_s, 0.0)
        head_start_s += points * finite(queue.priority_step_s, 0.0)
        return (
            -queue.queue_class,
            self.arrived_at - head_start_s,
            self.arrived_at,
            self.sequence,
            self.contact_id,
        )

    def apply(self, signal: ContactSignal) -> None:
        """Change state by the table; raises `StaleEvent` or `InvariantBroken`."""
        self.state = self.next_state(signal)

    def next_state(self, signal: ContactSignal) -> ContactState:
        """Return the table's answer; raises `StaleEvent` or `InvariantBroken`, changes nothing."""
        target = TRANSITIONS.get((self.state, signal))
        if target is None:
            if signal in FROM_THE_WORLD:
                raise StaleEvent(f"contact_{self.state}")
            raise InvariantBroken(f"contact {self.contact_id} {self.state} was {signal.name}")
        return target

    def view(self) -> ContactView:
        """Return the contact as others may see it."""
        offers = tuple(OfferView(o.offer_id, o.agent_id, o.deadline) for o in self.offers.values())
        first = offers[0] if self.state is ContactState.OFFERED else None
        return ContactView(
            contact_id=self.contact_id,
            medium=self.medium,
            queue=self.queue,
            priority=self.priority,
            arrived_at=self.arrived_at,
            state=self.state,
            agent_id=first.agent_id if first is not None else self.agent_id,
            offer_id=first.offer_id if first is not None else None,
            offer_deadline=first.deadline if first is not None else None,
            offers=offers,
            shortage=self.home.shortage if self.home is not None else None,
            escalated=self.escalated,
            redial=self.redial,
            direction=self.direction,
            participants=tuple(self.participants),
            skills=self.skills,
        )
