"""The simulator's own idea of what the distributor must do, step by step.

Written for being obviously right, not fast: it keeps no lines and no heaps, looks at everybody
each time it is asked who is next, and knows nothing of the core but what goes in and comes out.
Every effect of the core must be the one expected here, in the expected order, and everything
published must be what is believed here. So each of these is noticed: the wrong contact, the wrong
agent, two offers of one contact, a contact forgotten, an agent left idle while somebody waits, a
deadline not kept, a change not published or published twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId, ContactId, OfferId

READY, NOT_READY, OFF = e.PresenceKind.READY, e.PresenceKind.NOT_READY, e.PresenceKind.OFF
ENDINGS = (e.ContactAbandoned, e.ContactEnded, e.ContactLeft)


class Mismatch(Exception):
    """The core did something else than it must."""


@dataclass(eq=False)
class Believed:
    """A contact as believed: with nobody (``seat`` is None), ringing, or talking."""

    contact_id: ContactId
    priority: int
    arrived_at: float
    order: int
    seat: "Seat | None" = None
    offer_id: OfferId | None = None
    refused: list[AgentId] = field(default_factory=list)
    shown: tuple[object, ...] | None = None

    def summary(self) -> tuple[object, ...]:
        """Return what a view must show: state, agent, offer, deadline, score."""
        score = (self.priority, self.arrived_at)
        if self.seat is None:
            return (c.ContactState.WAITING, None, None, None, score)
        agent_id = self.seat.agent_id
        if self.offer_id is None:
            return (c.ContactState.TALKING, agent_id, None, None, score)
        return (c.ContactState.OFFERED, agent_id, self.offer_id, self.seat.until, score)


@dataclass(eq=False)
class Seat:
    """An agent as believed. ``doing`` is one of nothing, ring, talk, after."""

    agent_id: AgentId
    idle_at: float
    idle_order: int
    doing: str = "nothing"
    presence: e.AgentPresence = field(default_factory=lambda: e.AgentPresence(OFF))
    pending: e.AgentPresence | None = None
    reachable: bool = False
    busy: bool = False
    contact: Believed | None = None
    until: float | None = None
    until_order: int = 0
    shown: tuple[object, ...] | None = None

    def eligible(self) -> bool:
        """Tell whether a contact may be offered here now."""
        return (
            self.doing == "nothing"
            and self.presence.kind is READY
            and self.reachable
            and not self.busy
            and self.until is None
        )

    def state(self) -> c.AgentState:
        """Return the state that a view must show."""
        if self.doing == "ring":
            return c.AgentState.RESERVED
        if self.doing == "talk":
            return c.AgentState.TALKING
        if self.doing == "after":
            return c.AgentState.WRAP_UP
        if self.presence.kind is OFF:
            return c.AgentState.OFF
        if self.presence.kind is NOT_READY:
            return c.AgentState.NOT_READY
        return c.AgentState.IDLE if self.eligible() else c.AgentState.UNAVAILABLE

    def summary(self) -> tuple[object, ...]:
        """Return what a view must show, except since when."""
        state = self.state()
        return (
            state,
            self.presence,
            self.pending,
            self.contact.contact_id if self.contact is not None else None,
            self.reachable,
            self.busy,
            self.until if self.doing == "after" else None,
            self.until if self.doing == "nothing" else None,
            self.idle_at if state is c.AgentState.IDLE else None,
        )


class Oracle:
    """Feed it each step's input together with the core's answer; it raises `Mismatch`."""

    def __init__(self, settings: DistributorSettings) -> None:
        self.settings = settings
        self.contacts: dict[ContactId, Believed] = {}
        self.seats: dict[AgentId, Seat] = {}
        self.ignored = 0
        self._over: set[ContactId] = set()
        self._offers_seen: dict[OfferId, tuple[ContactId, AgentId, c.RescindReason | None]] = {}
        self._open: dict[OfferId, Believed] = {}
        self._now = float("-inf")
        self._order = 0
        self._answer: Iterator[c.Command] = iter(())
        self._next: c.Command | None = None
        self._changed_contacts: dict[ContactId, Believed] = {}
        self._changed_seats: dict[AgentId, Seat] = {}

    # ---- steps -------------------------------------------------------------------------------

    def event(self, event: e.Event, *, now: float, answer: Sequence[c.Command]) -> None:
        """Check the answer to an event."""
        self._begin(now, answer)
        self._take(event)
        self._expect_matches()
        self._expect_publications()

    def timer(self, *, now: float, answer: Sequence[c.Command]) -> None:
        """Check the answer to a timer."""
        self._begin(now, answer)
        while (seat := self._due()) is not None:
            self._deadline_passed(seat)
            self._expect_matches()
        self._expect_publications()

    def next_deadline(self) -> float | None:
        """Return the earliest deadline there must be."""
        return min((s.until for s in self.seats.values() if s.until is not None), default=None)

    def _begin(self, now: float, answer: Sequence[c.Command]) -> None:
        self._now = max(self._now, now)
        self._answer = iter(answer)
        self._next = next(self._answer, None)

    def _tick(self) -> int:
        self._order += 1
        return self._order

    # ---- who is next -------------------------------------------------------------------------

    def best_waiting(self) -> Believed | None:
        """Return who must be answered next, looking at everybody."""
        return min(
            (contact for contact in self.contacts.values() if contact.seat is None),
            key=lambda contact: (-contact.priority, contact.arrived_at, contact.order),
            default=None,
        )

    def best_seat(self, contact: Believed) -> Seat | None:
        """Return who must get it, looking at everybody."""
        return min(
            (seat for seat in self.seats.values() if seat.eligible()),
            key=lambda seat: (
                seat.agent_id in contact.refused,
                seat.idle_at,
                seat.idle_order,
                seat.agent_id,
            ),
            default=None,
        )

    def _due(self) -> Seat | None:
        return min(
            (s for s in self.seats.values() if s.until is not None and s.until <= self._now),
            key=lambda seat: (seat.until, seat.until_order),
            default=None,
        )

    # ---- expectations ------------------------------------------------------------------------

    def _expect(self, command: c.Command) -> None:
        if self._next != command:
            raise Mismatch(f"expected {command}, got {self._next}")
        self._next = next(self._answer, None)

    def _expect_matches(self) -> None:
        while (contact := self.best_waiting()) is not None:
            seat = self.best_seat(contact)
            if seat is None:
                return
            got = self._next
            if not isinstance(got, c.OfferContact):
                raise Mismatch(f"{contact.contact_id} waits, {seat.agent_id} idle, got {got}")
            if got.offer_id in self._offers_seen:
                raise Mismatch(f"{got.offer_id} is not unique")
            deadline = self._now + self.settings.offer_timeout_s
            self._expect(c.OfferContact(got.offer_id, contact.contact_id, seat.agent_id, deadline))
            self._offers_seen[got.offer_id] = (contact.contact_id, seat.agent_id, None)
            self._open[got.offer_id] = contact
            contact.seat, contact.offer_id = seat, got.offer_id
            seat.contact = contact
            self._set(seat, "ring", deadline)
            self._changed_contacts[contact.contact_id] = contact

    def _expect_publications(self) -> None:
        """Each change is published exactly once, after the effects; nothing else is."""
        wanted: dict[object, tuple[object, ...]] = {}
        for contact_id, contact in self._changed_contacts.items():
            known = self.contacts.get(contact_id) is contact
            score = (contact.priority, contact.arrived_at)
            gone = (c.ContactState.GONE, None, None, None, score)
            summary = contact.summary() if known else gone
            if summary != contact.shown:
                contact.shown = wanted["contact", contact_id] = summary
        for agent_id, seat in self._changed_seats.items():
            summary = seat.summary()
            if summary != seat.shown:
                seat.shown = wanted["agent", agent_id] = summary
        while self._next is not None:
            key, shown = _publication(self._next)
            if wanted.pop(key, None) != shown:
                raise Mismatch(f"not to be published: {self._next}")
            self._next = next(self._answer, None)
        if wanted:
            raise Mismatch(f"not published: {wanted}")
        self._changed_contacts.clear()
        self._changed_seats.clear()

    # ---- beliefs -----------------------------------------------------------------------------

    def _set(self, seat: Seat, doing: str, until: float | None) -> None:
        if until != seat.until:
            seat.until_order = self._tick()
        seat.doing, seat.until = doing, until
        self._changed_seats[seat.agent_id] = seat

    def _to_the_end_of_the_idle(self, seat: Seat) -> None:
        seat.idle_at, seat.idle_order = self._now, self._tick()

    def _take(self, event: e.Event) -> None:
        if isinstance(event, e.ContactArrived | e.ContactAdopted):
            self._take_new(event)
        elif isinstance(event, ENDINGS):
            self._take_ending(event)
        elif isinstance(event, e.ContactReturned):
            self._take_returned(event)
        elif isinstance(event, e.OfferAccepted | e.OfferFailed):
            self._take_answer(event)
        else:
            self._take_agent(event)

    def _take_new(self, event: e.ContactArrived | e.ContactAdopted) -> None:
        agent_id = event.agent_id if isinstance(event, e.ContactAdopted) else None
        seat = self.seats.get(agent_id) if agent_id is not None else None
        talks_already = seat is not None and seat.doing == "talk"
        if event.contact_id in self.contacts or event.contact_id in self._over or talks_already:
            self.ignored += 1
            return
        arrived_at = min(event.arrived_at, self._now)
        contact = Believed(event.contact_id, event.priority, arrived_at, self._tick())
        self.contacts[event.contact_id] = contact
        self._changed_contacts[event.contact_id] = contact
        if agent_id is None:
            return
        if seat is None:
            seat = self._new_seat(agent_id)
        if seat.doing == "ring":
            self._unring(seat, c.RescindReason.AGENT_WITHDRAWN)
        contact.seat, seat.contact = seat, contact
        self._set(seat, "talk", None)

    def _new_seat(self, agent_id: AgentId) -> Seat:
        seat = Seat(agent_id, self._now, self._tick())
        self.seats[agent_id] = self._changed_seats[agent_id] = seat
        return seat

    def _unring(
        self, seat: Seat, reason: c.RescindReason, *, told: bool = True, pause_s: float = 0
    ) -> None:
        """Expect the ringing of a seat to be stopped (unless the phone itself told so)."""
        contact = seat.contact
        if contact is None or contact.offer_id is None:
            raise Mismatch(f"{seat.agent_id} does not ring")
        offer_id = contact.offer_id
        if told:
            self._expect(c.RescindOffer(offer_id, contact.contact_id, seat.agent_id, reason))
        del self._open[offer_id]
        self._offers_seen[offer_id] = (contact.contact_id, seat.agent_id, reason)
        self._changed_contacts[contact.contact_id] = contact
        contact.seat = contact.offer_id = seat.contact = None
        if pause_s:
            contact.refused.append(seat.agent_id)
            self._to_the_end_of_the_idle(seat)
        self._set(seat, "nothing", self._now + pause_s if pause_s else None)

    def _take_ending(self, event: e.ContactAbandoned | e.ContactEnded | e.ContactLeft) -> None:
        left = isinstance(event, e.ContactLeft)
        if not left:
            self._over.add(event.contact_id)
        contact = self.contacts.pop(event.contact_id, None)
        if contact is None:
            self.ignored += 1
            return
        self._changed_contacts[event.contact_id] = contact
        seat = contact.seat
        if seat is None:
            return
        if seat.doing == "ring":
            self._unring(seat, c.RescindReason.LEFT if left else c.RescindReason.ABANDONED)
            return
        seat.contact = None
        if (seat.pending or seat.presence).kind is OFF:
            self._rest(seat, None)
        else:
            self._set(seat, "after", self._now + self.settings.wrap_up_s)

    def _rest(self, seat: Seat, until: float | None) -> None:
        seat.presence, seat.pending = seat.pending or seat.presence, None
        self._to_the_end_of_the_idle(seat)
        self._set(seat, "nothing", until)

    def _take_returned(self, event: e.ContactReturned) -> None:
        contact = self.contacts.get(event.contact_id)
        seat = contact.seat if contact is not None else None
        if contact is None or seat is None or seat.doing != "talk":
            self.ignored += 1
            return
        if event.agent_id not in (None, seat.agent_id):
            self.ignored += 1
            return
        contact.seat = seat.contact = None
        contact.refused.append(seat.agent_id)
        self._changed_contacts[contact.contact_id] = contact
        self._rest(seat, self._now + self.settings.device_failure_delay_s)

    def _take_answer(self, event: e.OfferAccepted | e.OfferFailed) -> None:
        accepted = isinstance(event, e.OfferAccepted)
        contact = self._open.get(event.offer_id)
        if contact is None or contact.seat is None:
            self.ignored += 1
            seen = self._offers_seen.get(event.offer_id)
            if accepted and seen is not None and seen[2] is not None:
                self._expect(c.RescindOffer(event.offer_id, seen[0], seen[1], seen[2]))
            return
        seat = contact.seat
        if isinstance(event, e.OfferFailed):
            rejected = event.failure is e.OfferFailure.REJECTED
            times = self.settings
            pause_s = times.reject_delay_s if rejected else times.device_failure_delay_s
            self._unring(seat, c.RescindReason.AGENT_WITHDRAWN, told=False, pause_s=pause_s)
            return
        self._expect(c.ConnectContact(event.offer_id, contact.contact_id, seat.agent_id))
        del self._open[event.offer_id]
        contact.offer_id = None
        self._changed_contacts[contact.contact_id] = contact
        self._set(seat, "talk", None)

    def _take_agent(self, event: e.Event) -> None:
        if isinstance(event, e.AgentAdded):
            if event.agent_id in self.seats:
                self.ignored += 1
            else:
                self._new_seat(event.agent_id)
            return
        if not isinstance(event, e.AgentPresenceChanged | e.AgentDeviceChanged | e.WrapUpEnded):
            raise Mismatch(f"the simulator does not know {event}")
        seat = self.seats.get(event.agent_id)
        if seat is None:
            self.ignored += 1
            return
        self._changed_seats[seat.agent_id] = seat
        if isinstance(event, e.AgentDeviceChanged):
            seat.reachable, seat.busy = event.reachable, event.busy
            if seat.doing == "ring" and not seat.reachable:
                self._unring(seat, c.RescindReason.AGENT_WITHDRAWN)
        elif isinstance(event, e.AgentPresenceChanged):
            self._take_presence(seat, event.presence)
        elif seat.doing == "after":
            self._rest(seat, None)
        else:
            self.ignored += 1

    def _take_presence(self, seat: Seat, presence: e.AgentPresence) -> None:
        if presence.kind is not READY and seat.doing in ("talk", "after"):
            seat.pending = None if presence == seat.presence else presence
            if presence.kind is OFF and seat.doing == "after":
                self._rest(seat, None)
            return
        if presence.kind is READY and seat.presence.kind is not READY:
            self._to_the_end_of_the_idle(seat)
        seat.presence, seat.pending = presence, None
        if presence.kind is not READY and seat.doing == "ring":
            self._unring(seat, c.RescindReason.AGENT_WITHDRAWN)

    def _deadline_passed(self, seat: Seat) -> None:
        if seat.doing == "ring":
            pause_s = self.settings.no_answer_delay_s
            self._unring(seat, c.RescindReason.TIMED_OUT, pause_s=pause_s)
        else:
            self._rest(seat, None)


def _publication(command: c.Command) -> tuple[tuple[str, str], tuple[object, ...]]:
    """Return whom a publication is about, and what of it is compared."""
    if isinstance(command, c.PublishContact):
        contact = command.contact
        return ("contact", contact.contact_id), (
            contact.state,
            contact.agent_id,
            contact.offer_id,
            contact.offer_deadline,
            (contact.priority, contact.arrived_at),
        )
    if isinstance(command, c.PublishAgent):
        agent = command.agent
        return ("agent", agent.agent_id), (
            agent.state,
            agent.presence,
            agent.presence_pending,
            agent.contact_id,
            agent.reachable,
            agent.busy,
            agent.wrap_up_deadline,
            agent.paused_until,
            agent.since if agent.state is c.AgentState.IDLE else None,
        )
    raise Mismatch(f"not expected: {command}")
