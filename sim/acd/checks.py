"""Is each answer of the core what the beliefs ask for?

Each effect must have its reason, and each reason its effect, exactly once: who is connected, whose
phone stops and why, who is offered what, which alarm. Everything published must be what is
believed. So each of these is noticed: the wrong contact, the wrong agent, somebody who may not have
it, two offers of one contact, a contact forgotten, an agent left idle while somebody waits whom it
could take, a deadline not kept, a change not published or published twice.

One thing is left open. When several deadlines pass at one instant, the core may give out what
becomes free between any two of them; then only the outcome is checked.
"""

from collections import Counter, deque
from collections.abc import Sequence

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.plan import Plan, Selection
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId, ContactId, OfferId
from sim.acd import rules
from sim.acd.beliefs import Believed, Opened, Seat
from sim.acd.rules import Mismatch

EFFECTS = (c.OfferContact, c.RescindOffer, c.ConnectContact, c.RaiseAlarm)


class Checks:
    """Beliefs, and the checks of each step's answer against them; raises `Mismatch`."""

    def __init__(self, settings: DistributorSettings, plan: Plan) -> None:
        self.settings = settings
        self.plan = plan
        self.now = float("-inf")
        self.contacts: dict[ContactId, Believed] = {}
        self.seats: dict[AgentId, Seat] = {}
        self.over: set[ContactId] = set()
        self.redials: dict[str, e.RedialExpected] = {}
        self.open: dict[OfferId, Opened] = {}
        self.closed: dict[OfferId, c.RescindOffer | None] = {}
        self.ignored = 0
        self.counts: Counter[str] = Counter()
        self.order = 0
        # What this step must, or may, lead to.
        self.rescinds: dict[OfferId, tuple[Opened, frozenset[c.RescindReason]]] = {}
        self.effects: Counter[c.Command] = Counter()
        self.named: list[tuple[Believed, Seat, c.OfferKind]] = []
        self.gone: dict[ContactId, Believed] = {}
        self.forgotten: dict[AgentId, Seat] = {}
        self.loose = False
        self.handled_at = float("-inf")

    def tick(self) -> int:
        """Return the next of the numbers by which things are ordered."""
        self.order += 1
        return self.order

    # ---- steps -------------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """Forget what the last step was to lead to."""
        self.now = max(self.now, now)
        self.rescinds.clear()
        self.effects.clear()
        self.named.clear()
        self.gone.clear()
        self.forgotten.clear()
        self.loose = False

    def check_event(self, answer: Sequence[c.Command]) -> None:
        """Check the answer to an event whose meaning has been taken in."""
        self._check(answer, offers_of(answer))

    def check_timer(self, answer: Sequence[c.Command], offers: Sequence[c.OfferContact]) -> None:
        """Check the answer to a timer, of which all but these offers are taken in."""
        self.handled_at = self.now
        self._check(answer, offers)
        for contact in self.contacts.values():
            self._check_overdue(contact)

    def next_deadline(self) -> float | None:
        """Return the earliest deadline there must be at the latest."""
        waits = [offer.deadline for offer in self.open.values()]
        for seat in self.seats.values():
            waits += [
                until
                for until in (seat.after_until, seat.paused_until, seat.text_paused_until)
                if until is not None
            ]
        for contact in self.contacts.values():
            if contact.state() is c.ContactState.WAITING:
                moments = rules.moments(self.plan, contact)
                waits += [moment for moment in moments if moment > self.now]
        return min(waits, default=None)

    def _check(self, answer: Sequence[c.Command], offers: Sequence[c.OfferContact]) -> None:
        effects = [x for x in answer if isinstance(x, EFFECTS)]
        if list(answer[: len(effects)]) != effects:
            raise Mismatch("a publication came before an effect")
        for effect in effects:
            if isinstance(effect, c.RescindOffer):
                self._check_rescind(effect)
            elif isinstance(effect, c.ConnectContact):
                self._check_wanted(effect)
            elif isinstance(effect, c.RaiseAlarm):
                self._check_alarm(effect)
        if self.rescinds or self.effects:
            raise Mismatch(f"not done: {list(self.rescinds.values())} {dict(self.effects)}")
        self._check_offers(offers)
        self._check_nobody_idle()
        self._check_publications(answer[len(effects) :])

    def _check_wanted(self, effect: c.Command) -> None:
        if not self.effects[effect]:
            raise Mismatch(f"no reason for {effect}")
        self.effects[effect] -= 1
        if not self.effects[effect]:
            del self.effects[effect]

    def _check_rescind(self, effect: c.RescindOffer) -> None:
        if self.effects[effect]:
            self._check_wanted(effect)
            return
        offer, reasons = self.rescinds.pop(effect.offer_id, (None, frozenset()))
        if offer is None or effect.reason not in reasons:
            raise Mismatch(f"no reason for {effect}, only {set(reasons)}")
        if (effect.contact_id, effect.agent_id) != (offer.contact.contact_id, offer.seat.agent_id):
            raise Mismatch(f"{effect} names others than were offered")
        self.closed[effect.offer_id] = effect

    # ---- offers ------------------------------------------------------------------------------

    def _check_offers(self, offers: Sequence[c.OfferContact]) -> None:
        named = list(self.named)
        for offer in offers:
            contact, seat = self.contacts.get(offer.contact_id), self.seats.get(offer.agent_id)
            if offer.offer_id in self.open or offer.offer_id in self.closed:
                raise Mismatch(f"{offer.offer_id} is not unique")
            if contact is None or seat is None:
                raise Mismatch(f"{offer} is about nobody")
            wanted = (contact, seat, offer.kind)
            if wanted in named:
                named.remove(wanted)
            elif offer.kind is not kind_of(contact):
                raise Mismatch(f"nobody asked for {offer}")
            else:
                self._check_chosen(contact, seat)
            self._open(offer, contact, seat)
        if named:
            raise Mismatch(f"not offered: {named}")

    def take_offers(self, offers: deque[c.OfferContact]) -> None:
        """Take in the offers that follow from what is believed so far, the first ones first."""
        rings: Believed | None = None
        while offers:
            contact = self.contacts.get(offers[0].contact_id)
            seat = self.seats.get(offers[0].agent_id)
            if contact is None or seat is None or self._may_get(contact, seat) is None:
                return
            if contact.state() is not c.ContactState.WAITING and contact is not rings:
                return
            rings = contact
            self._check_offers([offers.popleft()])

    def _check_chosen(self, contact: Believed, seat: Seat) -> None:
        """Check that the first in line gets the first of those who may have it."""
        who = f"{contact.contact_id} {contact.queue} to {seat.agent_id}"
        ring_max = rules.planned(self.plan, contact.queue).ring_all_max
        most = max(1, ring_max) if self._ring_all(contact) else 1
        if contact.state() not in (c.ContactState.OFFERED, c.ContactState.WAITING):
            raise Mismatch(f"{who}: it is {contact.state()}")
        if len(contact.answers) >= most:
            raise Mismatch(f"{who}: it is offered to {len(contact.answers)} already")
        level = self._may_get(contact, seat)
        if level is None:
            raise Mismatch(f"{who}: may not be offered: {seat.summary()}")
        if self.loose or self.is_ambiguous(contact):
            return
        self._check_first_seat(contact, seat, level, who)
        for other in self.contacts.values():
            if other.state() is not c.ContactState.WAITING or other is contact:
                continue
            before = rules.place(self.plan, other) < rules.place(self.plan, contact)
            if before and self._may_get(other, seat) is not None and not self.is_ambiguous(other):
                raise Mismatch(f"{who}: {other.contact_id} was before")

    def _check_first_seat(self, contact: Believed, seat: Seat, level: int, who: str) -> None:
        rank = rules.rank(self.plan, contact, seat, level)
        for other in self.seats.values():
            other_level = self._may_get(contact, other)
            if other_level is None:
                continue
            other_rank = rules.rank(self.plan, contact, other, other_level)
            if other_rank < rank:
                raise Mismatch(f"{who} {rank}: {other.agent_id} {other_rank} is to be asked first")

    def _ring_all(self, contact: Believed) -> bool:
        if rules.nobody_on_duty(self.seats.values()):
            return True
        return rules.planned(self.plan, contact.queue).selection is Selection.RING_ALL

    def _may_get(self, contact: Believed, seat: Seat) -> int | None:
        return rules.may_get(self.plan, contact, seat, self.seats.values(), self.now)

    def is_ambiguous(self, contact: Believed) -> bool:
        """Tell whether a step of its wait has passed that the timer has not come to yet."""
        moments = rules.moments(self.plan, contact)
        return any(self.handled_at < moment <= self.now for moment in moments)

    def _open(self, offer: c.OfferContact, contact: Believed, seat: Seat) -> None:
        timeout_s = rules.planned(self.plan, contact.queue).offer_timeout_s
        usable = timeout_s is not None and 0 < timeout_s < float("inf")
        deadline = self.now + (timeout_s if timeout_s and usable else self.settings.offer_timeout_s)
        if offer.deadline != deadline:
            raise Mismatch(f"{offer}: the deadline must be {deadline}")
        opened = Opened(offer.offer_id, contact, seat, deadline, offer.kind)
        self.open[offer.offer_id] = opened
        contact.offers.append(opened)
        seat.last_offer = self.tick()
        if opened.is_text:
            seat.text_ring = opened
        else:
            seat.ring = opened
        self.counts[f"OfferContact:{offer.kind}"] += 1
        if self._ring_all(contact) and len(contact.answers) > 1:
            self.counts["rings at several"] += 1

    def _check_nobody_idle(self) -> None:
        """Nobody may be left idle who could take somebody who waits."""
        waiting = [x for x in self.contacts.values() if x.state() is c.ContactState.WAITING]
        if not waiting:
            return
        free = [x for x in self.seats.values() if x.may_be_rung() is not None or x.doing != "after"]
        for contact in waiting:
            if self.is_ambiguous(contact):
                continue
            for seat in free:
                if self._may_get(contact, seat) is not None:
                    raise Mismatch(f"{contact.contact_id} waits, {seat.agent_id} could take it")

    def somebody_for(self, contact: Believed) -> bool:
        """Tell whether somebody on duty is free for a contact."""
        levels = [self._may_get(contact, seat) for seat in self.seats.values()]
        return any(level is not None and level < 2 for level in levels)

    # ---- alarms ------------------------------------------------------------------------------

    def _check_alarm(self, alarm: c.RaiseAlarm) -> None:
        self.counts[f"RaiseAlarm:{alarm.code}"] += 1
        if alarm.code is c.AlarmCode.OFFERS_MISSED:
            self._check_wanted(alarm)
            return
        contact = self.contacts.get(alarm.contact_id) if alarm.contact_id is not None else None
        if contact is None or contact.queue != alarm.queue:
            raise Mismatch(f"{alarm} is about nobody, or another queue")
        if alarm.code in contact.alarms:
            raise Mismatch(f"{alarm} a second time")
        contact.alarms.add(alarm.code)
        queue = rules.planned(self.plan, contact.queue)
        if alarm.code is c.AlarmCode.CONTACT_WAITS:
            justified = contact.since + rules.alarm_after_s(queue) <= self.now
        elif alarm.code is c.AlarmCode.CONTACT_ESCALATED:
            justified = rules.waited_long(self.plan, contact, self.now)
        else:
            justified = self._nobody_there(contact) or self.loose
        if not justified:
            raise Mismatch(f"{alarm} too early")

    def _nobody_there(self, contact: Believed) -> bool:
        return rules.nobody_there(self.plan, contact, self.seats.values(), self.now)

    def _check_overdue(self, contact: Believed) -> None:
        """After a timer nobody waits whose alarm is overdue."""
        if contact.state() is not c.ContactState.WAITING:
            return
        queue = rules.planned(self.plan, contact.queue)
        wanted = set()
        if contact.since + rules.alarm_after_s(queue) <= self.now:
            wanted.add(c.AlarmCode.CONTACT_WAITS)
        if rules.waited_long(self.plan, contact, self.now):
            wanted.add(c.AlarmCode.CONTACT_ESCALATED)
        if missing := wanted - contact.alarms:
            raise Mismatch(f"{contact.contact_id} waits, nobody was told of {missing}")

    # ---- publications ------------------------------------------------------------------------

    def _check_publications(self, publications: Sequence[c.Command]) -> None:
        """Each change is published exactly once, after the effects; nothing else is."""
        told: set[str] = set()
        for command in publications:
            if isinstance(command, c.PublishContact):
                about: str = command.contact.contact_id
                self._check_contact_view(command.contact)
            elif isinstance(command, c.PublishAgent):
                about = command.agent.agent_id
                self._check_agent_view(command.agent)
            else:
                raise Mismatch(f"not expected: {command}")
            if about in told:
                raise Mismatch(f"published twice: {about}")
            told.add(about)
        everybody: list[Believed | Seat] = [*self.contacts.values(), *self.seats.values()]
        for believed in everybody:
            if believed.summary() != believed.shown:
                raise Mismatch(f"not published: {believed}")
        for contact in self.contacts.values():
            self._check_told_why(contact)
        if untold := set(self.gone) - told - set(self.contacts):
            raise Mismatch(f"the end was not published: {untold}")

    def _check_contact_view(self, view: c.ContactView) -> None:
        if view.state is c.ContactState.GONE:
            gone = self.gone.get(view.contact_id)
            shown = (view.state, view.queue, view.priority, view.arrived_at)
            if gone is None or shown != gone.summary_gone():
                raise Mismatch(f"not over: {view}")
            return
        contact = self.contacts.get(view.contact_id)
        if contact is None:
            raise Mismatch(f"published, but unknown: {view}")
        contact.shown = shown_contact(view)
        if contact.shown != contact.summary():
            raise Mismatch(f"published {contact.shown}, must be {contact.summary()}")
        if contact.medium is not view.medium:
            raise Mismatch(f"the medium of {view}")
        contact.told_why = (view.escalated, view.shortage)

    def _check_told_why(self, contact: Believed) -> None:
        """Others know, at every moment, why one waits and whether every position may get it."""
        if contact.state() is not c.ContactState.WAITING or self.is_ambiguous(contact):
            return
        long = rules.waited_long(self.plan, contact, self.now)
        short = rules.shortage(self.plan, contact, self.seats.values(), self.now)
        nobody = short in (c.Shortage.NOBODY_LOGGED_IN, c.Shortage.NOBODY_QUALIFIED)
        if contact.told_why != (nobody or long, short):
            raise Mismatch(f"{contact.contact_id} {contact.told_why}: waits for {short}, {long=}")
        if nobody and c.AlarmCode.NOBODY_LOGGED_IN not in contact.alarms:
            raise Mismatch(f"{contact.contact_id} waits for {short}, and nobody was told")
        self.counts[f"shortage:{short}"] += 1
        if nobody and not long:
            self.counts["escalated: nobody there"] += 1

    def _check_agent_view(self, view: c.AgentView) -> None:
        seat = self.seats.get(view.agent_id) or self.forgotten.get(view.agent_id)
        if seat is None:
            raise Mismatch(f"published, but unknown: {view}")
        seat.shown = shown_agent(view)
        if seat.shown != seat.summary():
            raise Mismatch(f"published {seat.agent_id} {seat.shown}, must be {seat.summary()}")


def offers_of(answer: Sequence[c.Command]) -> list[c.OfferContact]:
    """Return the offers among the commands."""
    return [command for command in answer if isinstance(command, c.OfferContact)]


def kind_of(contact: Believed) -> c.OfferKind:
    """Return what accepting an offer of one who waits leads to."""
    return c.OfferKind.OUTBOUND if contact.to_dial else c.OfferKind.ANSWER


def shown_contact(view: c.ContactView) -> tuple[object, ...]:
    """Return what of a view is compared with `Believed.summary`."""
    return (
        view.state,
        view.queue,
        view.priority,
        view.arrived_at,
        view.agent_id,
        view.offer_id,
        view.offer_deadline,
        frozenset((x.offer_id, x.agent_id, x.deadline) for x in view.offers),
        frozenset(view.participants),
        view.redial,
        view.direction,
        view.skills,
    )


def shown_agent(view: c.AgentView) -> tuple[object, ...]:
    """Return what of a view is compared with `Seat.summary`."""
    return (
        view.state,
        view.presence,
        view.presence_pending,
        view.contact_id,
        view.reachable,
        view.busy,
        view.wrap_up_deadline,
        view.paused_until,
        frozenset(view.contacts),
        view.missed_offers,
        view.assisting,
        view.wrap_up_extended_s,
        view.since if view.state is c.AgentState.IDLE else None,
    )
