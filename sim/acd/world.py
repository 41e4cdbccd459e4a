"""Callers, call takers, their phones and Asterisk: what is true, whatever the core believes.

Everything that happens is an entry in one agenda of virtual time. The world tells the core what
happens (through a channel that duplicates, delays and loses) and does what the core wants, to the
truth as it is by then. It fails the run where a command would harm somebody who really talks.

Here are time, the callers and the phones that ring; `sim.acd.duty` is what call takers do between
conversations, `sim.acd.talks` what happens within one.
"""

import heapq
from collections import deque
from collections.abc import Callable
from itertools import count
from random import Random

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.plan import Plan
from ccserver.types import AgentId, ContactId, Medium, OfferId
from sim.acd.channel import Channel
from sim.acd.controller import Controller
from sim.acd.duty import Duty
from sim.acd.people import Citizen, Ring, Taker
from sim.acd.plans import QUEUES, SITES, draw_plan, requirements
from sim.acd.profile import LATE_MAX_S, Profile
from sim.acd.rules import OFF, Mismatch
from sim.acd.snapshot import arrival
from sim.acd.talks import Talks
from sim.acd.watch import Watch

HOUR_S = 3600.0

PICK_UP_MIN_S = 0.5

REDIALS_KEPT_MAX = 50


class World:
    """The truth, and the people who change it."""

    def __init__(self, rng: Random, profile: Profile, controller: Controller) -> None:
        self.rng = rng
        self.profile = profile
        self.controller = controller
        self.plan: Plan = profile.plan
        self.time = 0.0
        self.calm = False
        self.citizens: dict[ContactId, Citizen] = {}
        self.takers = [Taker(agent_id, e.AgentPresence(OFF)) for agent_id in profile.agents]
        self.taker_of = {taker.agent_id: taker for taker in self.takers}
        self.rings: dict[OfferId, Ring] = {}
        self._executed: set[tuple[type, OfferId]] = set()
        self._redials: deque[e.RedialExpected] = deque(maxlen=REDIALS_KEPT_MAX)
        self._last_agent: dict[str, AgentId] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._ids = count(1)
        self.channel = Channel(self)
        self.duty = Duty(self)
        self.talks = Talks(self)
        self.watch = Watch(self)

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
        self.duty.begin()
        self.watch.begin()
        self.often(p.arrivals_per_hour, self.arrive)
        self.often(p.bursts_per_hour, self._burst)
        self.often(p.plan_changes_per_hour, self._plan_changes)

    def become_calm(self) -> None:
        """Stop all faults and arrivals; everybody comes to work and answers."""
        self.calm = True
        self.duty.everybody_works()

    def _plan_changes(self) -> None:
        """A supervisor saves another plan; it reaches the core as everything else does."""
        p = self.profile
        texts = p.text_chance > 0
        self.plan = draw_plan(self.rng, p.agents, rich=p.rich, texts=texts)
        self.channel.tell_plan()

    # ---- callers -----------------------------------------------------------------------------

    def new_id(self) -> ContactId:
        """Return a name that nobody had."""
        return ContactId(f"contact-{next(self._ids)}")

    def arrive(self, caller: str | None = None) -> None:
        """Begin a call, a text conversation, or the wait of somebody who is to be called back."""
        rng, p = self.rng, self.profile
        error_s = rng.uniform(-1, 1) * p.arrival_clock_error_s
        contact_id = self.new_id()
        if caller is None and self._last_agent and self.chance(p.known_caller_chance):
            caller = rng.choice(list(self._last_agent))
        citizen = Citizen(
            contact_id,
            rng.choice((*QUEUES, "emergency", "unheard-of")) if p.rich else "emergency",
            rng.choice(p.priorities),
            self.channel.core_time() + error_s,
            caller or f"number-{contact_id}",
        )
        if p.rich:
            citizen.skills = requirements(rng) if self.chance(p.skill_chance) else ()
            citizen.site = rng.choice((*SITES, ""))
            citizen.preferred = self._last_agent.get(citizen.caller)
        if self.chance(p.text_chance):
            citizen.medium = Medium.SMS
        elif self.chance(p.callback_chance):
            citizen.direction, citizen.to_dial = e.Direction.OUTBOUND, True
        self.citizens[contact_id] = citizen
        self.tell_arrival(citizen)
        if citizen.direction is e.Direction.INBOUND:
            patience_s = rng.expovariate(1 / p.patience_mean_s)
            self.after(patience_s, lambda: self._lose_patience(citizen))
        if self.chance(p.leave_chance) and not citizen.is_text:
            self.after(rng.uniform(0, 60), lambda: self._leave(citizen))
        if self.chance(p.skill_chance):
            self.after(rng.uniform(0, 30), lambda: self._choose_language(citizen))

    def tell_arrival(self, citizen: Citizen) -> None:
        """Tell that somebody wants to be answered."""
        self.channel.tell(arrival(citizen))

    def _burst(self) -> None:
        """An accident on the motorway: many calls within seconds, some at the same instant."""
        for _ in range(self.rng.randint(2, self.profile.burst_size)):
            delay_s = self.rng.choice((0.0, 0.0, self.rng.uniform(0, 20)))
            self.after(delay_s, self.arrive)

    def _choose_language(self, citizen: Citizen) -> None:
        if not self.calm and self.is_here(citizen) and citizen.is_alone:
            citizen.skills = requirements(self.rng)
            self.channel.tell(e.ContactSkillsChanged(citizen.contact_id, citizen.skills))

    def _lose_patience(self, citizen: Citizen) -> None:
        if not self.calm and self.is_here(citizen) and citizen.is_alone:
            del self.citizens[citizen.contact_id]
            self.channel.tell(e.ContactAbandoned(citizen.contact_id))
            self.may_call_again(citizen)

    def may_call_again(self, citizen: Citizen) -> None:
        """Remember somebody who was not served, and perhaps let the same number call again."""
        if citizen.is_text:
            return
        now = self.channel.core_time()
        self._redials.append(
            e.RedialExpected(citizen.caller, citizen.arrived_at, citizen.priority, now)
        )
        if self.chance(self.profile.redial_chance):
            self.after(self.rng.expovariate(1 / 60), lambda: self._call_again(citizen.caller))

    def _call_again(self, caller: str) -> None:
        if not self.calm:
            self.arrive(caller)

    def redials(self) -> tuple[e.RedialExpected, ...]:
        """Return whom a new process would find among the abandoned, the oldest first."""
        return tuple(self._redials)

    def spoke(self, citizen: Citizen, taker: Taker) -> None:
        """Remember who spoke with a number last."""
        self._last_agent[citizen.caller] = taker.agent_id

    def is_here(self, citizen: Citizen) -> bool:
        """Tell whether a citizen is still there, and in the distributor's hands."""
        return citizen.contact_id in self.citizens and not citizen.in_parachute

    def _leave(self, citizen: Citizen) -> None:
        """The parachute queue takes the caller, and may hand it back much later."""
        if self.calm or not self.is_here(citizen) or citizen.outside:
            return
        citizen.in_parachute = True
        self.talks.part(citizen)
        self.channel.tell(e.ContactLeft(citizen.contact_id))
        delay_s = self.rng.uniform(1.5, 5) * LATE_MAX_S
        back = self.rng.random() < 0.5
        self.after(delay_s, lambda: self._parachute_ends(citizen, back))

    def _parachute_ends(self, citizen: Citizen, back: bool) -> None:
        citizen.in_parachute = False
        if back:
            self.tell_arrival(citizen)
            return
        del self.citizens[citizen.contact_id]
        self.channel.tell(e.ContactEnded(citizen.contact_id))

    # ---- commands of the core ----------------------------------------------------------------

    def execute(self, command: c.Command) -> None:
        """Do what the core wants; what was done before under the same id is not done again."""
        if isinstance(command, c.PublishAgent):
            self.duty.told_of_agent(command.agent)
        elif isinstance(command, c.PublishContact):
            self._told_of_contact(command.contact)
        elif isinstance(command, c.RescindOffer):
            self.stop_ringing(command.offer_id)
        elif isinstance(command, c.OfferContact | c.ConnectContact):
            key = (type(command), command.offer_id)
            if key in self._executed:
                return
            self._executed.add(key)
            if isinstance(command, c.OfferContact):
                self._ring(command)
            else:
                self.talks.connect(command, self.rings.pop(command.offer_id, None))

    def _told_of_contact(self, view: c.ContactView) -> None:
        """A call that a call taker wanted to place came to nothing."""
        citizen = self.citizens.get(view.contact_id)
        if citizen is not None and citizen.unanswered_call and view.state is c.ContactState.GONE:
            del self.citizens[view.contact_id]

    def _ring(self, offer: c.OfferContact) -> None:
        """Ring a phone, and let its owner do something about it."""
        taker = self.taker_of[offer.agent_id]
        citizen = self.citizens.get(offer.contact_id)
        by_phone = citizen is None or not citizen.is_text
        if by_phone and (not taker.reachable or taker.busy):
            failure = e.OfferFailure.BUSY if taker.reachable else e.OfferFailure.UNREACHABLE
            self.channel.tell(e.OfferFailed(offer.offer_id, failure))
            return
        self.rings[offer.offer_id] = Ring(taker, offer.contact_id, offer.kind, by_phone)
        if by_phone and self.chance(self.profile.busy_by_own_ring_chance):
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
        self.after(answer_s, lambda: self.fail(offer.offer_id, failure))

    def _pick_up(self, offer_id: OfferId) -> None:
        if offer_id not in self.rings:
            return
        self.channel.tell(e.OfferAccepted(offer_id))
        if self.chance(self.profile.hang_up_at_answer_chance):
            self.after(self.rng.uniform(0, 0.02), lambda: self.fail(offer_id, None))

    def fail(self, offer_id: OfferId, failure: e.OfferFailure | None) -> None:
        """Let a phone stop ringing by itself, and tell why."""
        if offer_id in self.rings:
            self.stop_ringing(offer_id)
            self.channel.tell(e.OfferFailed(offer_id, failure or e.OfferFailure.FAILED))

    def stop_ringing(self, offer_id: OfferId) -> None:
        """Stop a phone from ringing, or drop the leg that was picked up too late."""
        ring = self.rings.pop(offer_id, None)
        if ring is not None and self.profile.busy_by_own_ring_chance:
            self.channel.tell_device(ring.taker)

    def forget_rings(self) -> None:
        """Drop every phone that rings: the process that made it ring is gone."""
        self.rings.clear()
        for citizen in [x for x in self.citizens.values() if x.unanswered_call]:
            del self.citizens[citizen.contact_id]
