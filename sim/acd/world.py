"""Callers, call takers, their phones and Asterisk: what is true, whatever the core believes.

Everything that happens is an entry in one agenda of virtual time. The world tells the core what
happens (through a channel that duplicates, delays and loses) and does what the core wants, to the
truth as it is by then. It fails the run where a command would harm somebody who really talks.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from random import Random

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.types import AgentId, ContactId, OfferId
from sim.acd.channel import Channel
from sim.acd.controller import Controller
from sim.acd.oracle import NOT_READY, OFF, READY, Mismatch
from sim.acd.profile import LATE_MAX_S, Profile

HOUR_S = 3600.0

PICK_UP_MIN_S = 0.5


@dataclass(eq=False)
class Citizen:
    """A caller as Asterisk holds the call."""

    contact_id: ContactId
    priority: int
    arrived_at: float  # the core's clock
    talks_with: "Taker | None" = None
    in_parachute: bool = False


@dataclass(eq=False)
class Taker:
    """A call taker with a phone."""

    agent_id: AgentId
    presence: e.AgentPresence
    reachable: bool = True
    busy: bool = False
    talks_with: Citizen | None = None


@dataclass(eq=False)
class Ring:
    """A phone that rings, or was picked up and is not yet joined with a caller."""

    taker: Taker
    contact_id: ContactId


class World:
    """The truth, and the people who change it."""

    def __init__(self, rng: Random, profile: Profile, controller: Controller) -> None:
        self.rng = rng
        self.profile = profile
        self.controller = controller
        self.time = 0.0
        self.calm = False
        self.citizens: dict[ContactId, Citizen] = {}
        self.takers = [
            Taker(AgentId(f"agent-{100 + n}"), e.AgentPresence(OFF))
            for n in range(profile.agent_count)
        ]
        self._rings: dict[OfferId, Ring] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._ids = count(1)
        self.channel = Channel(self)

    # ---- agenda ------------------------------------------------------------------------------

    def after(self, delay_s: float, what: Callable[[], None]) -> None:
        """Let something happen ``delay_s`` from now."""
        heapq.heappush(self._agenda, (self.time + delay_s, next(self._numbers), what))

    def next_time(self) -> float | None:
        """Return when something happens next."""
        return self._agenda[0][0] if self._agenda else None

    def step(self) -> None:
        """Let the next thing happen."""
        time, _, what = heapq.heappop(self._agenda)
        if time < self.time:
            raise Mismatch("the world's time went backward")
        self.time = time
        what()

    def often(self, per_hour: float, what: Callable[[], None]) -> None:
        """Let something happen again and again at random, until the world is calm."""
        if per_hour <= 0:
            return

        def once() -> None:
            if not self.calm:
                what()
                again()

        def again() -> None:
            self.after(self.rng.expovariate(per_hour / HOUR_S), once)

        again()

    def chance(self, probability: float) -> bool:
        """Throw the dice, which in a calm world are never against us."""
        return not self.calm and self.rng.random() < probability

    def begin(self) -> None:
        """Let people and faults come to life."""
        p = self.profile
        for taker in self.takers:
            self.channel.tell(e.AgentAdded(taker.agent_id))
            self.channel.tell_device(taker)
            self.after(self.rng.uniform(0, 120), lambda taker=taker: self._change_duty(taker))  # type: ignore[misc]
        self.often(p.arrivals_per_hour, self.arrive)
        self.often(p.bursts_per_hour, self._burst)
        self.often(p.device_failures_per_hour * p.agent_count, self._device_fails)
        self.often(p.own_calls_per_hour * p.agent_count, self._own_call)
        self.often(p.nonsense_per_hour, self._nonsense)

    def become_calm(self) -> None:
        """Stop all faults and arrivals; everybody comes to work and answers."""
        self.calm = True
        for taker in self.takers:
            taker.reachable, taker.busy = True, False
            self._declare(taker, e.AgentPresence(READY))
            self.channel.tell_device(taker)

    # ---- callers -----------------------------------------------------------------------------

    def arrive(self) -> None:
        """Begin a call."""
        error_s = self.rng.uniform(-1, 1) * self.profile.arrival_clock_error_s
        citizen = Citizen(
            ContactId(f"contact-{next(self._ids)}"),
            self.rng.choice(self.profile.priorities),
            self.channel.core_time() + error_s,
        )
        self.citizens[citizen.contact_id] = citizen
        self.channel.tell_arrival(citizen)
        patience_s = self.rng.expovariate(1 / self.profile.patience_mean_s)
        self.after(patience_s, lambda: self._lose_patience(citizen))
        if self.chance(self.profile.leave_chance):
            self.after(self.rng.uniform(0, 60), lambda: self._leave(citizen))

    def _burst(self) -> None:
        """An accident on the motorway: many calls within seconds, some at the same instant."""
        for _ in range(self.rng.randint(2, self.profile.burst_size)):
            delay_s = self.rng.choice((0.0, 0.0, self.rng.uniform(0, 20)))
            self.after(delay_s, self.arrive)

    def _lose_patience(self, citizen: Citizen) -> None:
        if not self.calm and self._is_here(citizen) and citizen.talks_with is None:
            del self.citizens[citizen.contact_id]
            self.channel.tell(e.ContactAbandoned(citizen.contact_id))

    def _is_here(self, citizen: Citizen) -> bool:
        return citizen.contact_id in self.citizens and not citizen.in_parachute

    def _leave(self, citizen: Citizen) -> None:
        """The parachute queue takes the caller, and may hand it back much later."""
        if self.calm or not self._is_here(citizen):
            return
        citizen.in_parachute = True
        self._part(citizen)
        self.channel.tell(e.ContactLeft(citizen.contact_id))
        delay_s = self.rng.uniform(1.5, 5) * LATE_MAX_S
        back = self.rng.random() < 0.5
        self.after(delay_s, lambda: self._parachute_ends(citizen, back))

    def _parachute_ends(self, citizen: Citizen, back: bool) -> None:
        citizen.in_parachute = False
        if back:
            self.channel.tell_arrival(citizen)
            return
        del self.citizens[citizen.contact_id]
        self.channel.tell(e.ContactEnded(citizen.contact_id))

    def _part(self, citizen: Citizen) -> Taker | None:
        taker, citizen.talks_with = citizen.talks_with, None
        if taker is not None:
            taker.talks_with = None
        return taker

    # ---- call takers -------------------------------------------------------------------------

    def _declare(self, taker: Taker, presence: e.AgentPresence) -> None:
        taker.presence = presence
        self.channel.tell_presence(taker)

    def _change_duty(self, taker: Taker) -> None:
        """Come to work, go for a break, go home; now and then say the same twice."""
        if self.calm:
            return
        if taker.presence.kind is READY:
            resting = self.rng.choice((e.AgentPresence(OFF), e.AgentPresence(NOT_READY, "break")))
            self._declare(taker, resting)
            mean_s = self.profile.break_mean_s
        else:
            self._declare(taker, e.AgentPresence(READY))
            mean_s = self.profile.duty_mean_s
        if self.chance(0.2):
            self.channel.tell_presence(taker)
        self.after(self.rng.expovariate(1 / mean_s), lambda: self._change_duty(taker))

    def _device_fails(self) -> None:
        taker = self.rng.choice(self.takers)
        if not taker.reachable:
            return
        taker.reachable = False
        for offer_id in [o for o, ring in self._rings.items() if ring.taker is taker]:
            self._stop_ringing(offer_id)
            if self.chance(0.7):
                self.channel.tell(e.OfferFailed(offer_id, e.OfferFailure.FAILED))
        citizen = taker.talks_with
        told_first = self.rng.random() < 0.5
        if told_first:
            self.channel.tell_device(taker)
        if citizen is not None:
            self._part(citizen)
            self.channel.tell_returned(citizen, taker)
        if not told_first:
            self.channel.tell_device(taker)
        self.after(self.rng.uniform(1, 300), lambda: self._device_returns(taker))

    def _device_returns(self, taker: Taker) -> None:
        if not taker.reachable:
            taker.reachable = True
            self.channel.tell_device(taker)

    def _own_call(self) -> None:
        """A call that the core knows nothing of keeps a phone busy."""
        taker = self.rng.choice(self.takers)
        if taker.busy or taker.talks_with is not None:
            return
        taker.busy = True
        self.channel.tell_device(taker)
        self.after(self.rng.uniform(1, 200), lambda: self._own_call_ends(taker))

    def _own_call_ends(self, taker: Taker) -> None:
        if taker.busy:
            taker.busy = False
            self.channel.tell_device(taker)

    def _nonsense(self) -> None:
        """Events that make no sense, about anybody."""
        taker = self.rng.choice(self.takers)
        nobody = AgentId("agent-nobody")
        known = next(iter(self.citizens), ContactId("contact-0"))
        self.channel.tell(
            self.rng.choice(
                (
                    e.WrapUpEnded(taker.agent_id),
                    e.WrapUpEnded(nobody),
                    e.AgentAdded(taker.agent_id),
                    e.AgentPresenceChanged(nobody, e.AgentPresence(READY)),
                    e.AgentDeviceChanged(nobody, True, False),
                    e.ContactReturned(ContactId("contact-0")),
                    e.ContactReturned(known, nobody),
                    e.ContactArrived(known, "emergency", 10, self.channel.core_time()),
                    e.ContactAdopted(known, "emergency", 10, 0.0, taker.agent_id)
                    if known in self.controller.oracle.contacts
                    else e.ContactEnded(ContactId("contact-0")),
                    e.OfferAccepted(OfferId("of another world")),
                    e.OfferFailed(OfferId("of another world"), e.OfferFailure.BUSY),
                )
            )
        )

    # ---- commands of the core ----------------------------------------------------------------

    def ring(self, offer: c.OfferContact) -> None:
        """Ring a phone, and let its owner do something about it."""
        taker = next(t for t in self.takers if t.agent_id == offer.agent_id)
        if not taker.reachable or taker.busy:
            failure = e.OfferFailure.BUSY if taker.reachable else e.OfferFailure.UNREACHABLE
            self.channel.tell(e.OfferFailed(offer.offer_id, failure))
            return
        self._rings[offer.offer_id] = Ring(taker, offer.contact_id)
        if self.chance(self.profile.busy_by_own_ring_chance):
            self.channel.tell(e.AgentDeviceChanged(taker.agent_id, True, True))
        p, answer_s = self.profile, self.rng.uniform(PICK_UP_MIN_S, 5)
        if self.chance(p.ignore_chance):
            return
        if self.chance(p.reject_chance):
            failure = e.OfferFailure.REJECTED
        elif self.chance(p.device_error_chance):
            failure = e.OfferFailure.FAILED
        else:
            self.after(answer_s, lambda: self._pick_up(offer.offer_id))
            return
        self.after(answer_s, lambda: self._fail(offer.offer_id, failure))

    def _pick_up(self, offer_id: OfferId) -> None:
        if offer_id not in self._rings:
            return
        self.channel.tell(e.OfferAccepted(offer_id))
        if self.chance(self.profile.hang_up_at_answer_chance):
            self.after(self.rng.uniform(0, 0.02), lambda: self._fail(offer_id, None))

    def _fail(self, offer_id: OfferId, failure: e.OfferFailure | None) -> None:
        if offer_id in self._rings:
            self._stop_ringing(offer_id)
            self.channel.tell(e.OfferFailed(offer_id, failure or e.OfferFailure.FAILED))

    def _stop_ringing(self, offer_id: OfferId) -> None:
        ring = self._rings.pop(offer_id, None)
        if ring is not None and self.profile.busy_by_own_ring_chance:
            self.channel.tell_device(ring.taker)

    def rescind(self, offer: c.RescindOffer) -> None:
        """Stop a phone from ringing, or drop the leg that was picked up too late."""
        self._stop_ringing(offer.offer_id)

    def connect(self, offer: c.ConnectContact) -> None:
        """Join a caller and a call taker, if both are still there."""
        ring = self._rings.pop(offer.offer_id, None)
        citizen = self.citizens.get(offer.contact_id)
        if citizen is None:
            self.channel.tell(e.ContactEnded(offer.contact_id))
        elif citizen.in_parachute:
            self.channel.tell(e.ContactLeft(offer.contact_id))
        elif ring is None:
            taker = next(t for t in self.takers if t.agent_id == offer.agent_id)
            self.channel.tell_returned(citizen, taker)
        elif citizen.talks_with is not None or ring.taker.talks_with is not None:
            raise Mismatch(f"{offer} would part people who talk")
        else:
            citizen.talks_with, ring.taker.talks_with = ring.taker, citizen
            talk_s = min(self.rng.expovariate(1 / self.profile.talk_mean_s), 1200.0)
            self.after(talk_s, lambda: self._hang_up(citizen, ring.taker))
        if ring is not None and self.profile.busy_by_own_ring_chance:
            self.channel.tell_device(ring.taker)

    def _hang_up(self, citizen: Citizen, taker: Taker) -> None:
        """Either side hangs up; the core is told the same."""
        if citizen.talks_with is not taker:
            return
        self._part(citizen)
        del self.citizens[citizen.contact_id]
        ended = e.ContactAbandoned if self.chance(0.1) else e.ContactEnded
        self.channel.tell(ended(citizen.contact_id))
        if self.rng.random() < self.profile.early_wrap_up_chance:
            delay_s = self.rng.uniform(0, self.profile.settings.wrap_up_s)
            self.after(delay_s, lambda: self.channel.tell(e.WrapUpEnded(taker.agent_id)))

    def forget_rings(self) -> None:
        """Drop every phone that rings: the process that made it ring is gone."""
        self._rings.clear()
