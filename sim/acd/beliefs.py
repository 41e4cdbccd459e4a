"""What the simulator believes of contacts and seats, from what went into the core and came out."""

from dataclasses import dataclass, field
from typing import Optional

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.plan import Requirement
from ccserver.types import AgentId, ContactId, Medium, OfferId


@dataclass(eq=False)
class Opened:
    """An offer that is open."""

    offer_id: OfferId
    contact: "Believed"
    seat: "Seat"
    deadline: float
    kind: c.OfferKind

    @property
    def is_text(self) -> bool:
        """Tell whether it rings no phone."""
        return self.contact.medium is not Medium.VOICE


@dataclass(eq=False)
class Believed:
    """A contact as believed."""

    contact_id: ContactId
    medium: Medium
    queue: str
    priority: int
    arrived_at: float
    order: int
    since: float
    """From when on its steps count."""
    caller: str | None = None
    skills: tuple[Requirement, ...] = ()
    site: str = ""
    preferred: AgentId | None = None
    direction: e.Direction = e.Direction.INBOUND
    redial: bool = False
    placed: bool = False
    to_dial: bool = False
    talks_with: Optional["Seat"] = None
    participants: list["Seat"] = field(default_factory=list)
    handed_over: bool = False
    offers: list[Opened] = field(default_factory=list)
    refused: list[AgentId] = field(default_factory=list)
    told_why: tuple[bool, c.Shortage | None] = (False, None)
    """Whether it was said to be escalated, and what is lacking."""
    alarms: set[c.AlarmCode] = field(default_factory=set)
    shown: tuple[object, ...] | None = None

    @property
    def answers(self) -> list[Opened]:
        """The offers by which the contact itself is to be answered, in their order."""
        return [x for x in self.offers if x.kind is not c.OfferKind.ASSIST]

    @property
    def rings_vacant(self) -> bool:
        """Tell whether it rings only where nobody is signed on."""
        off = all(x.seat.presence.kind is e.PresenceKind.OFF for x in self.answers)
        return off and self.state() is c.ContactState.OFFERED

    def state(self) -> c.ContactState:
        """Return the state that a view must show."""
        if self.talks_with is not None:
            return c.ContactState.TALKING
        if self.handed_over:
            return c.ContactState.HANDED_OVER
        return c.ContactState.OFFERED if self.answers else c.ContactState.WAITING

    def summary(self) -> tuple[object, ...]:
        """Return what a view must show."""
        first = self.answers[0] if self.answers else None
        seat = self.talks_with or (first.seat if first is not None else None)
        return (
            self.state(),
            self.queue,
            self.priority,
            self.arrived_at,
            seat.agent_id if seat is not None else None,
            first.offer_id if first is not None else None,
            first.deadline if first is not None else None,
            frozenset((x.offer_id, x.seat.agent_id, x.deadline) for x in self.offers),
            frozenset(seat.agent_id for seat in self.participants),
            self.redial,
            self.direction,
            self.skills,
        )

    def summary_gone(self) -> tuple[object, ...]:
        """Return what the last view must show."""
        return (c.ContactState.GONE, self.queue, self.priority, self.arrived_at)


@dataclass(eq=False)
class Seat:
    """An agent as believed."""

    agent_id: AgentId
    idle_at: float
    presence: e.AgentPresence = field(default_factory=lambda: e.AgentPresence(e.PresenceKind.OFF))
    pending: e.AgentPresence | None = None
    reachable: bool = False
    busy: bool = False
    declared: bool = False
    """Whether any presence was ever told: who is unknown may be there."""
    removed: bool = False
    ring: Opened | None = None
    contact: Believed | None = None
    assisting: bool = False
    text_ring: Opened | None = None
    texts: list[Believed] = field(default_factory=list)
    after_until: float | None = None
    extended_s: float = 0.0
    paused_until: float | None = None
    text_paused_until: float | None = None
    missed: int = 0
    accepted: int = 0
    last_offer: int = 0
    shown: tuple[object, ...] | None = None

    @property
    def doing(self) -> str:
        """What the voice slot is used for: ring, talk, after, nothing."""
        if self.ring is not None:
            return "ring"
        if self.contact is not None:
            return "talk"
        return "after" if self.after_until is not None else "nothing"

    @property
    def logged_in(self) -> bool:
        """Tell whether the person is there, as far as anybody knows."""
        there = self.presence.kind is not e.PresenceKind.OFF or not self.declared
        return there and not self.removed

    def waits_until(self) -> list[float | None]:
        """Return when the work after a contact and the pauses end."""
        return [self.after_until, self.paused_until, self.text_paused_until]

    def may_be_rung(self) -> int | None:
        """Return 0 if the phone may be rung, 1 if only in need or by name, 2 if in the last resort.

        Else None.
        """
        if self.doing != "nothing" or not self.reachable or self.busy:
            return None
        if self.paused_until is not None:
            return None
        if self.presence.kind is e.PresenceKind.OFF:
            return 2 if self.declared and not self.removed else None
        return {e.PresenceKind.READY: 0, e.PresenceKind.NOT_READY: 1}[self.presence.kind]

    def may_get_text(self, *, during_voice: bool) -> int | None:
        """Return 0 if a text may be offered, 1 if only in need, else None."""
        if self.text_ring is not None or self.text_paused_until is not None:
            return None
        if self.doing in ("ring", "talk"):
            ready = self.presence.kind is e.PresenceKind.READY and self.pending is None
            return 0 if during_voice and ready and self.reachable else None
        level = self.may_be_rung()
        return None if level == 2 else level

    def state(self) -> c.AgentState:
        """Return the state that a view must show."""
        doing = self.doing
        if doing != "nothing":
            return {
                "ring": c.AgentState.RESERVED,
                "talk": c.AgentState.TALKING,
                "after": c.AgentState.WRAP_UP,
            }[doing]
        if self.presence.kind is e.PresenceKind.OFF:
            return c.AgentState.OFF
        if self.presence.kind is e.PresenceKind.NOT_READY:
            return c.AgentState.NOT_READY
        return c.AgentState.IDLE if self.may_be_rung() == 0 else c.AgentState.UNAVAILABLE

    def summary(self) -> tuple[object, ...]:
        """Return what a view must show."""
        state = self.state()
        voice = self.ring.contact if self.ring is not None else self.contact
        return (
            state,
            self.presence,
            self.pending,
            voice.contact_id if voice is not None else None,
            self.reachable,
            self.busy,
            self.after_until,
            self.paused_until,
            frozenset(text.contact_id for text in self.texts),
            self.missed,
            self.assisting,
            self.extended_s,
            self.idle_at if state is c.AgentState.IDLE else None,
        )
