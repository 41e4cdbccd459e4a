"""One call taker's seat: its state table and what is known of it.

An agent has one voice slot, and beside it a desk for text conversations. The state is that of the
voice slot and has two halves. While nothing is in hand the agent *rests*, and where is decided by
facts alone: what the person declared (presence), what is known of the device, and whether an offer
has just failed (a pause). `Agent.resting_state` says it: OFF, NOT_READY, UNAVAILABLE or IDLE. In
the table this target is written REST.

While something is in hand the facts wait: RESERVED for one offer until its deadline, TALKING in one
conversation (as the one responsible, or *assisting* another), in WRAP_UP until its deadline. A
change of facts is stored and counts when the agent comes to rest again. (That a withdrawn presence
or a lost device ends a reservation is decided by the core, which then takes the offer back: the
signal is TAKEN_BACK, not FACTS_CHANGED.)

* IDLE agents are offered contacts. Who is NOT_READY *stands by* if the device is reachable and free
  and no pause runs: rung by name (a pick, a transfer, an invitation), or for an escalated contact.
  A position where nobody is signed on (OFF) but with such a device is *vacant*: it rings in the
  last resort only, for somebody may be in the room. Each rests as before afterwards, because
  nothing of this changes its presence.
* A conversation begins by an accepted offer, or by adoption after a restart. Adoption repeats
  what Asterisk holds and overrides everything except another conversation.
* A conversation that is over leads to WRAP_UP; one that was lost (the device failed under it)
  leads to rest, because its work is not done but has gone back to the line. Who assisted rests.
* A contact that the agent places itself may cut its own wrap-up short.
* Every state but TALKING and undisturbed rest has one deadline. A pause exists only at rest.

Texts are simple enough to need no table: the desk holds those in hand, at most one open offer, and
a pause of its own after an offer that failed, so that a missed text never keeps a voice away.

What is not in the table does not happen. A missing entry raises and changes nothing: for signals
that repeat what the world said it is a stale event, for the core's own signals it is our bug.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from ccserver.acd.commands import AgentState, AgentView
from ccserver.acd.contact import Offer
from ccserver.acd.errors import InvariantBroken, StaleEvent
from ccserver.acd.events import AgentPresence, PresenceKind
from ccserver.acd.matching import Moment
from ccserver.acd.plan import AgentPlan, Plan
from ccserver.types import AgentId, ContactId, Medium


class AgentSignal(Enum):
    """What can happen to an agent."""

    FACTS_CHANGED = auto()  # presence, device or pause
    RESERVED = auto()  # the core gave it an offer
    PLACED = auto()  # it calls out itself: its own device rings
    TAKEN_BACK = auto()  # the offer failed, timed out or was rescinded
    ACCEPTED = auto()
    ADOPTED = auto()  # found in conversation after a restart
    CONTACT_OVER = auto()
    CONTACT_RETURNED = auto()
    PARTED = auto()  # it assisted, and left or was left
    WRAP_UP_EXTENDED = auto()
    WRAP_UP_ENDED = auto()


FROM_THE_WORLD = frozenset(
    {
        AgentSignal.ADOPTED,
        AgentSignal.PLACED,
        AgentSignal.WRAP_UP_EXTENDED,
        AgentSignal.WRAP_UP_ENDED,
    }
)
"""Signals that only repeat an event; the rest follow from the core's own bookkeeping."""

MISSED_OFFERS = AgentPresence(PresenceKind.NOT_READY, "missed_offers")
"""What the core declares for somebody who lets the phone ring time after time."""

SIGNED_OFF = AgentPresence(PresenceKind.OFF)

REST = None
"""Target of the table: whichever resting state the facts say."""

RESTING = (AgentState.OFF, AgentState.NOT_READY, AgentState.UNAVAILABLE, AgentState.IDLE)
"""The states without anything in hand."""

TRANSITIONS: Mapping[tuple[AgentState, AgentSignal], AgentState | None] = {
    (AgentState.OFF, AgentSignal.FACTS_CHANGED): REST,
    (AgentState.OFF, AgentSignal.ADOPTED): AgentState.TALKING,
    (AgentState.OFF, AgentSignal.RESERVED): AgentState.RESERVED,
    (AgentState.NOT_READY, AgentSignal.FACTS_CHANGED): REST,
    (AgentState.NOT_READY, AgentSignal.ADOPTED): AgentState.TALKING,
    (AgentState.NOT_READY, AgentSignal.RESERVED): AgentState.RESERVED,
    (AgentState.NOT_READY, AgentSignal.PLACED): AgentState.RESERVED,
    (AgentState.UNAVAILABLE, AgentSignal.FACTS_CHANGED): REST,
    (AgentState.UNAVAILABLE, AgentSignal.ADOPTED): AgentState.TALKING,
    (AgentState.IDLE, AgentSignal.FACTS_CHANGED): REST,
    (AgentState.IDLE, AgentSignal.ADOPTED): AgentState.TALKING,
    (AgentState.IDLE, AgentSignal.RESERVED): AgentState.RESERVED,
    (AgentState.IDLE, AgentSignal.PLACED): AgentState.RESERVED,
    (AgentState.RESERVED, AgentSignal.FACTS_CHANGED): AgentState.RESERVED,
    (AgentState.RESERVED, AgentSignal.TAKEN_BACK): REST,
    (AgentState.RESERVED, AgentSignal.ACCEPTED): AgentState.TALKING,
    (AgentState.TALKING, AgentSignal.FACTS_CHANGED): AgentState.TALKING,
    (AgentState.TALKING, AgentSignal.CONTACT_OVER): AgentState.WRAP_UP,
    (AgentState.TALKING, AgentSignal.CONTACT_RETURNED): REST,
    (AgentState.TALKING, AgentSignal.PARTED): REST,
    (AgentState.WRAP_UP, AgentSignal.FACTS_CHANGED): AgentState.WRAP_UP,
    (AgentState.WRAP_UP, AgentSignal.ADOPTED): AgentState.TALKING,
    (AgentState.WRAP_UP, AgentSignal.PLACED): AgentState.RESERVED,
    (AgentState.WRAP_UP, AgentSignal.WRAP_UP_EXTENDED): AgentState.WRAP_UP,
    (AgentState.WRAP_UP, AgentSignal.WRAP_UP_ENDED): REST,
}


IDLE, STANDS_BY, VACANT = 0, 1, 2
"""How free an agent is for a medium, least first; ``None``: not at all."""


class Standing(NamedTuple):
    """All that the pools ask of an agent; they are told when it changes."""

    voice: int | None = None
    text: int | None = None
    texts: int = 0
    accepted: int = 0
    last_offer: int = 0
    idle_since: float = 0.0
    idle_sequence: int = 0
    logged_in: bool = False
    reachable: bool = False

    @property
    def there(self) -> tuple[bool, bool]:
        """What decides why contacts wait."""
        return (self.logged_in, self.reachable)


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
    plan: AgentPlan
    presence: AgentPresence = SIGNED_OFF
    presence_pending: AgentPresence | None = None
    declared: bool = False
    """Whether any presence was ever told. Who is unknown may be there: it is not escalated past
    people whose presence a new process is still being told of."""
    reachable: bool = False
    busy: bool = False
    removed: bool = False
    """The seat exists no more; forgotten when nothing is in hand."""
    state: AgentState = AgentState.OFF
    contact_id: ContactId | None = None
    assisting: bool = False
    offer: Offer | None = None
    wrap_up_deadline: float | None = None
    wrap_up_extended_s: float = 0.0
    paused_until: float | None = None
    texts: dict[ContactId, None] = field(default_factory=dict)
    text_offer: Offer | None = None
    text_paused_until: float | None = None
    missed_offers: int = 0
    """Timed out, one after the other."""
    accepted: int = 0
    """Since signing on."""
    last_offer: int = 0
    """The sequence of the last offer."""
    timer: Moment | None = None
    """The entry among the core's deadlines that belongs to the next of the waits."""
    standing: Standing | None = None
    """As the pools know it."""
    published: AgentView | None = None
    """The view that others were last told."""

    @property
    def deadline(self) -> float | None:
        """When the next of the present waits ends by itself: offer, wrap-up or pause."""
        waits = [self.wrap_up_deadline, self.paused_until, self.text_paused_until]
        waits += [offer.deadline for offer in (self.offer, self.text_offer) if offer is not None]
        return min((until for until in waits if until is not None), default=None)

    @property
    def stands_by(self) -> bool:
        """NOT_READY, but with a device that may be rung."""
        return self._may_be_rung and self.state is AgentState.NOT_READY

    @property
    def vacant(self) -> bool:
        """Known to be OFF, but with a device that may be rung."""
        known = self.declared and not self.removed
        return known and self._may_be_rung and self.state is AgentState.OFF

    @property
    def _may_be_rung(self) -> bool:
        return self.reachable and not self.busy and self.paused_until is None

    def may_be_named(self, medium: Medium, plan: Plan) -> bool:
        """Return whether it may be rung by name; who is OFF may not."""
        return self.free_for(medium, plan) in (IDLE, STANDS_BY)

    def free_for(self, medium: Medium, plan: Plan) -> int | None:
        """Return whether it may be offered a contact now: IDLE, STANDS_BY, VACANT or ``None``."""
        if medium is not Medium.VOICE:
            return self._free_for_text(plan)
        at_a_text = bool(self.texts) or self.text_offer is not None
        if at_a_text and not plan.voice_during_text:
            return None
        if self.state is AgentState.IDLE:
            return IDLE
        if self.stands_by:
            return STANDS_BY
        return VACANT if self.vacant else None

    def _free_for_text(self, plan: Plan) -> int | None:
        if self.text_offer is not None or self.text_paused_until is not None:
            return None
        if len(self.texts) >= self.plan.text_max:
            return None
        if self.state is AgentState.IDLE:
            return IDLE
        if self.state in (AgentState.RESERVED, AgentState.TALKING):
            ready = self.presence.kind is PresenceKind.READY and self.presence_pending is None
            return IDLE if plan.text_during_voice and ready and self.reachable else None
        return STANDS_BY if self.stands_by else None

    def stand(self, plan: Plan) -> Standing:
        """Return what the pools should know."""
        logged_in = not self.declared or self.presence.kind is not PresenceKind.OFF
        return Standing(
            voice=self.free_for(Medium.VOICE, plan),
            text=self.free_for(Medium.SMS, plan),
            texts=len(self.texts),
            accepted=self.accepted,
            last_offer=self.last_offer,
            idle_since=self.idle_since,
            idle_sequence=self.idle_sequence,
            logged_in=logged_in and not self.removed,
            reachable=logged_in and not self.removed and self.reachable,
        )

    def resting_state(self) -> AgentState:
        """Return where an agent with nothing in hand stands by the facts."""
        if self.presence.kind is PresenceKind.OFF:
            return AgentState.OFF
        if self.presence.kind is PresenceKind.NOT_READY:
            return AgentState.NOT_READY
        return AgentState.IDLE if self._may_be_rung else AgentState.UNAVAILABLE

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
            contacts=tuple(self.texts),
            missed_offers=self.missed_offers,
            assisting=self.assisting,
            wrap_up_extended_s=self.wrap_up_extended_s,
        )
