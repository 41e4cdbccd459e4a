"""The simulator's own idea of what the distributor must do, step by step.

Written for being obviously right, not fast: it keeps no lines and no heaps, looks at everybody
each time it is asked who is next (`sim.acd.rules`), and knows nothing of the core but what goes in
and comes out. Here is what each event means for the beliefs, and which effects it must have; the
answer is compared in `sim.acd.checks`.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.types import AgentId, Medium
from sim.acd import rules
from sim.acd.beliefs import Believed, Seat
from sim.acd.checks import kind_of, offers_of
from sim.acd.rules import Mismatch
from sim.acd.seats import Seats

R = c.RescindReason

ENDINGS = (e.ContactAbandoned, e.ContactEnded, e.ContactLeft)


class Oracle(Seats):
    """Feed it each step's input together with the core's answer; it raises `Mismatch`."""

    def event(self, event: e.Event, *, now: float, answer: Sequence[c.Command]) -> None:
        """Check the answer to an event."""
        self.begin(now)
        if not self._take(event):
            self.ignored += 1
        self._quiet_vacant()
        self.check_event(answer)

    def timer(self, *, now: float, answer: Sequence[c.Command]) -> None:
        """Check the answer to a timer."""
        self.begin(now)
        offers = deque(offers_of(answer))
        while (due := self._next_due()) is not None:
            self.loose = self._end_waits(due) > 1
            self.handled_at = max(self.handled_at, due)
            self._quiet_vacant(answer)
            self.take_offers(offers)
        self.check_timer(answer, offers)

    def _quiet_vacant(self, answer: Sequence[c.Command] | None = None) -> None:
        """Stop what rings at vacant positions and can be given to somebody on duty.

        Of several deadlines at one instant the core may look after any, so then its ``answer`` is
        followed.
        """
        stopped = {x.offer_id for x in answer or () if isinstance(x, c.RescindOffer)}
        for contact in list(self.contacts.values()):
            if not contact.rings_vacant or not self.somebody_for(contact):
                continue
            self.counts["vacant positions quiet"] += 1
            for offer in list(contact.answers):
                if answer is None or offer.offer_id in stopped:
                    self._taken_back(offer, R.SOMEBODY_CAME)

    def _passing(self, contact: Believed) -> list[float]:
        """Return the steps of a wait that the timer comes to now."""
        if contact.state() is not c.ContactState.WAITING:
            return []
        moments = rules.moments(self.plan, contact)
        return [moment for moment in moments if self.handled_at < moment <= self.now]

    def _next_due(self) -> float | None:
        """Return the earliest of the deadlines that have passed."""
        due = [offer.deadline for offer in self.open.values()]
        for seat in self.seats.values():
            due += [until for until in seat.waits_until() if until is not None]
        for contact in self.contacts.values():
            due += self._passing(contact)
        return min((deadline for deadline in due if deadline <= self.now), default=None)

    def _end_waits(self, due: float) -> int:
        """Let all that ends at one instant end; return how many that were."""
        ended = sum(self._passing(contact).count(due) > 0 for contact in self.contacts.values())
        for offer in [x for x in self.open.values() if x.deadline == due]:
            ended += 1
            if offer.offer_id in self.open:
                self._missed(offer)
        for seat in list(self.seats.values()):
            ended += self._end_of_waits(seat, due)
        return ended

    # ---- events ------------------------------------------------------------------------------

    def _take(self, event: e.Event) -> bool:
        """Believe an event; ``False`` if it is stale."""
        for kinds, of, take in MEANINGS:
            if not isinstance(event, kinds):
                continue
            if of is None:
                return bool(take(self, event))
            known = of(self, event)
            return known is not None and bool(take(self, known, event))
        raise Mismatch(f"the simulator does not know {event}")

    def contact_of(self, event: Any) -> Believed | None:
        """Return the contact that an event is about."""
        return self.contacts.get(event.contact_id)

    def seat_of(self, event: Any) -> Seat | None:
        """Return the seat that an event is about."""
        return self.seats.get(event.agent_id)

    def _take_plan(self, event: e.PlanChanged) -> bool:
        self.plan = event.plan
        return True

    def _take_redial(self, event: e.RedialExpected) -> bool:
        self._remember(event)
        return True

    def _take_skills(self, contact: Believed, event: e.ContactSkillsChanged) -> bool:
        contact.skills = event.skills
        return True

    # ---- contacts come -----------------------------------------------------------------------

    def _new(self, event: e.ContactArrived | e.ContactAdopted) -> Believed:
        arrived_at = event.arrived_at if event.arrived_at <= self.now else self.now
        contact = Believed(
            contact_id=event.contact_id,
            medium=event.medium,
            queue=event.queue,
            priority=event.priority,
            arrived_at=arrived_at,
            order=self.tick(),
            since=arrived_at,
            caller=event.caller,
            skills=event.skills,
            site=event.site,
            direction=event.direction,
        )
        self.contacts[event.contact_id] = contact
        return contact

    def _take_arrived(self, event: e.ContactArrived) -> bool:
        if event.contact_id in self.contacts or event.contact_id in self.over:
            return False
        contact = self._new(event)
        contact.preferred = event.preferred_agent
        contact.to_dial = event.direction is e.Direction.OUTBOUND
        self._back_again(contact)
        return True

    def _back_again(self, contact: Believed) -> None:
        """Give the earlier place to a voice caller who is back soon."""
        inbound = contact.direction is e.Direction.INBOUND
        if contact.caller is None or contact.medium is not Medium.VOICE or not inbound:
            return
        known = self.redials.pop(contact.caller, None)
        window_s = rules.number(rules.planned(self.plan, contact.queue).redial_window_s)
        if known is not None and self.now - window_s <= known.over_at:
            contact.redial = True
            contact.arrived_at = min(contact.arrived_at, known.arrived_at)
            contact.priority = max(contact.priority, known.priority)
            self.counts["redial"] += 1

    def _take_adopted(self, event: e.ContactAdopted) -> bool:
        if event.contact_id in self.contacts or event.contact_id in self.over:
            return False
        wanted = [event.agent_id] if event.agent_id is not None else []
        if event.medium is Medium.VOICE:
            if wanted and self._talks(wanted[0]):
                return False
            wanted += event.participants
            wanted = [agent_id for agent_id in wanted if not self._talks(agent_id)]
        contact = self._new(event)
        for agent_id in dict.fromkeys(wanted):
            self._adopt(contact, agent_id, assisting=contact.talks_with is not None)
        if contact.talks_with is None:
            contact.handed_over = event.handed_over
            if not event.handed_over:
                self._back_again(contact)
        return True

    def _talks(self, agent_id: AgentId) -> bool:
        seat = self.seats.get(agent_id)
        return seat is not None and seat.doing == "talk"

    def _adopt(self, contact: Believed, agent_id: AgentId, *, assisting: bool) -> None:
        seat = self.seats.get(agent_id)
        if seat is None:
            seat = self.seats[agent_id] = Seat(agent_id, self.now)
        if contact.medium is not Medium.VOICE:
            contact.talks_with = seat
            seat.texts.append(contact)
            return
        if seat.ring is not None:
            self._taken_back(seat.ring, R.AGENT_WITHDRAWN)
        seat.after_until, seat.extended_s, seat.paused_until = None, 0.0, None
        seat.contact, seat.assisting = contact, assisting
        if assisting:
            contact.participants.append(seat)
        else:
            contact.talks_with = seat

    def _take_placed(self, seat: Seat, event: e.ContactPlaced) -> bool:
        if event.contact_id in self.contacts or event.contact_id in self.over:
            return False
        states = (c.AgentState.IDLE, c.AgentState.NOT_READY, c.AgentState.WRAP_UP)
        text = event.medium is not Medium.VOICE
        if seat.state() not in states or not seat.reachable:
            return False
        if text and seat.text_ring is not None:  # There is one text offer at a time.
            return False
        contact = Believed(
            contact_id=event.contact_id,
            medium=event.medium,
            queue=event.queue,
            priority=0,
            arrived_at=self.now,
            order=self.tick(),
            since=self.now,
            caller=event.caller,
            direction=e.Direction.OUTBOUND,
            placed=True,
            to_dial=True,
        )
        self.contacts[event.contact_id] = contact
        if not text:  # A text leaves the voice slot as it is.
            self._stop_for_call(seat)
        self.named.append((contact, seat, c.OfferKind.OUTBOUND))
        return True

    def _stop_for_call(self, seat: Seat) -> None:
        if seat.after_until is not None:
            seat.after_until, seat.extended_s = None, 0.0
            self._settle(seat)
        seat.paused_until = None

    # ---- contacts go -------------------------------------------------------------------------

    def _remember(self, told: e.RedialExpected) -> None:
        over_at = told.over_at if told.over_at <= self.now else self.now
        arrived_at = told.arrived_at if told.arrived_at <= over_at else over_at
        redial = e.RedialExpected(told.caller, arrived_at, told.priority, over_at)
        known = self.redials.get(redial.caller)
        if known is not None and known.over_at > redial.over_at:
            return
        self.redials.pop(redial.caller, None)
        self.redials[redial.caller] = redial
        # What cannot count any more is forgotten, even if a later plan would let it count.
        queues = (self.plan.fallback, *self.plan.queues.values())
        window_s = max(rules.number(queue.redial_window_s) for queue in queues)
        for caller, other in list(self.redials.items()):
            if other.over_at >= self.now - window_s:
                break
            del self.redials[caller]

    def _take_ending(self, event: e.ContactAbandoned | e.ContactEnded | e.ContactLeft) -> bool:
        left = isinstance(event, e.ContactLeft)
        if not left:
            self.over.add(event.contact_id)
        contact = self.contacts.pop(event.contact_id, None)
        if contact is None:
            return False
        self.gone[contact.contact_id] = contact
        waited = contact.state() in (c.ContactState.WAITING, c.ContactState.OFFERED)
        cut = isinstance(event, e.ContactEnded) and event.cut
        inbound_voice = contact.medium is Medium.VOICE and contact.direction is e.Direction.INBOUND
        not_served = not left and (cut or waited)
        if not_served and contact.caller is not None and inbound_voice:
            self._remember(
                e.RedialExpected(contact.caller, contact.arrived_at, contact.priority, self.now)
            )
        for offer in list(contact.offers):
            reason = R.LEFT if left else R.ABANDONED
            self._close(offer, R.ENDED if offer.kind is c.OfferKind.ASSIST else reason)
        self._part(contact)
        return True

    def _part(self, contact: Believed, *, wrap_up: bool = True) -> None:
        """Let everybody out of a conversation: the responsible to the work after it."""
        for helper in contact.participants:
            self._at_rest(helper)
        contact.participants = []
        seat, contact.talks_with = contact.talks_with, None
        contact.handed_over = False
        if seat is None:
            return
        if contact.medium is not Medium.VOICE:
            seat.texts.remove(contact)
            self._settle(seat)
        elif wrap_up:
            self._begin_wrap_up(seat, contact)

    # ---- conversations -----------------------------------------------------------------------

    def _take_returned(self, contact: Believed, event: e.ContactReturned) -> bool:
        seat = contact.talks_with
        if contact.handed_over and event.agent_id is None:
            self._part(contact)
            self._waits_anew(contact)
            return True
        if seat is None or event.agent_id not in (None, seat.agent_id):
            return False
        self._waits_anew(contact)
        for offer in list(contact.offers):
            self._close(offer, R.ENDED)
        contact.refused.append(seat.agent_id)
        self._part(contact, wrap_up=False)
        if contact.medium is Medium.VOICE:
            seat.paused_until = self.now + self.settings.device_failure_delay_s
            self._at_rest(seat)
        else:
            seat.text_paused_until = self.now + self.settings.device_failure_delay_s
        return True

    def _waits_anew(self, contact: Believed) -> None:
        contact.since = self.now
        contact.alarms.clear()

    def _take_transferred(self, contact: Believed, event: e.ContactTransferred) -> bool:
        seat = contact.talks_with
        if seat is None or seat.agent_id != event.by_agent:
            return False
        for offer in list(contact.offers):
            self._close(offer, R.ENDED)
        self._part(contact)
        contact.queue = event.queue if event.queue is not None else contact.queue
        contact.refused, contact.preferred = [event.by_agent], None
        self._waits_anew(contact)
        to = self.seats.get(event.agent_id) if event.agent_id is not None else None
        if to is not None and self._by_name(contact, to):
            self.named.append((contact, to, kind_of(contact)))
        return True

    def _by_name(self, contact: Believed, seat: Seat) -> bool:
        """Tell whether somebody may be rung by name for a contact."""
        if seat.removed:
            return False
        return rules.free_for(self.plan, contact, seat) in (0, 1)

    def _take_picked(self, contact: Believed, event: e.ContactPicked) -> bool:
        seat = self.seats.get(event.agent_id)
        if contact.state() is not c.ContactState.WAITING or seat is None:
            return False
        if not self._by_name(contact, seat):
            return False
        self.named.append((contact, seat, kind_of(contact)))
        return True

    def _take_handed_over(self, contact: Believed, event: e.ContactHandedOver) -> bool:
        seat = contact.talks_with
        talks_with = seat.agent_id if seat is not None else None
        if talks_with != event.from_agent or contact.medium is not Medium.VOICE:
            return False
        if event.to_agent is None:
            return seat is not None and self._hand_outside(contact, seat)
        if seat is None and not contact.handed_over:
            return False
        return self._hand_on(contact, seat, event.to_agent)

    def _hand_outside(self, contact: Believed, seat: Seat) -> bool:
        for offer in list(contact.offers):
            self._close(offer, R.ENDED)
        contact.talks_with, contact.handed_over = None, True
        self._begin_wrap_up(seat, contact)
        return True

    def _hand_on(self, contact: Believed, seat: Seat | None, to_agent: AgentId) -> bool:
        """Whoever was not asked in before must exist, and must not talk with somebody else."""
        to = next((x for x in contact.participants if x.agent_id == to_agent), None)
        if to is None and (to_agent not in self.seats or self._talks(to_agent)):
            return False
        contact.talks_with, contact.handed_over = None, False
        if seat is not None:
            self._begin_wrap_up(seat, contact)
        if to is None:
            self._adopt(contact, to_agent, assisting=False)
            return True
        contact.participants.remove(to)
        to.assisting = False
        contact.talks_with = to
        return True

    def _take_invited(self, contact: Believed, event: e.ParticipantInvited) -> bool:
        seat = self.seats.get(event.agent_id)
        if contact.talks_with is None or seat is None or contact.medium is not Medium.VOICE:
            return False
        if not self._by_name(contact, seat):
            return False
        self.named.append((contact, seat, c.OfferKind.ASSIST))
        return True

    def _take_left(self, contact: Believed, event: e.ParticipantLeft) -> bool:
        seat = next((x for x in contact.participants if x.agent_id == event.agent_id), None)
        if seat is None:
            asked = [
                offer
                for offer in contact.offers
                if offer.seat.agent_id == event.agent_id and offer.kind is c.OfferKind.ASSIST
            ]
            if asked:
                self._taken_back(asked[0], R.ENDED)
            return bool(asked)
        contact.participants.remove(seat)
        self._at_rest(seat)
        return True


MEANINGS: tuple[tuple[Any, Any, Any], ...] = (
    (e.ContactArrived, None, Oracle._take_arrived),
    (e.ContactAdopted, None, Oracle._take_adopted),
    (e.ContactPlaced, Oracle.seat_of, Oracle._take_placed),
    (ENDINGS, None, Oracle._take_ending),
    ((e.OfferAccepted, e.OfferFailed), None, Oracle._take_answer),
    (e.PlanChanged, None, Oracle._take_plan),
    (e.RedialExpected, None, Oracle._take_redial),
    (e.ContactSkillsChanged, Oracle.contact_of, Oracle._take_skills),
    (e.ContactReturned, Oracle.contact_of, Oracle._take_returned),
    (e.ContactTransferred, Oracle.contact_of, Oracle._take_transferred),
    (e.ContactPicked, Oracle.contact_of, Oracle._take_picked),
    (e.ContactHandedOver, Oracle.contact_of, Oracle._take_handed_over),
    (e.ParticipantInvited, Oracle.contact_of, Oracle._take_invited),
    (e.ParticipantLeft, Oracle.contact_of, Oracle._take_left),
    (e.AgentAdded, None, Oracle._take_added),
    (e.AgentRemoved, Oracle.seat_of, Oracle._take_removed),
    (e.AgentPresenceChanged, Oracle.seat_of, Oracle._take_declared),
    (e.AgentDeviceChanged, Oracle.seat_of, Oracle._take_device),
    (e.WrapUpEnded, Oracle.seat_of, Oracle._take_wrap_up_ended),
    (e.WrapUpExtended, Oracle.seat_of, Oracle._take_extended),
)
"""Which events, what they are about (if that must be known), and what they mean."""
