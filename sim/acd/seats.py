"""What events about offers and seats mean, and how seats come to rest.

The half of the oracle that looks at one seat or one offer at a time; the other half, about
contacts, is `sim.acd.oracle`.
"""

from ccserver.acd import commands as c
from ccserver.acd import events as e
from sim.acd import rules
from sim.acd.beliefs import Believed, Opened, Seat
from sim.acd.checks import Checks
from sim.acd.rules import NOT_READY, OFF, READY

R = c.RescindReason
MISSED = e.AgentPresence(NOT_READY, "missed_offers")


class Seats(Checks):
    """Beliefs about seats and offers; every ``take`` returns whether the event means anything."""

    # ---- rest --------------------------------------------------------------------------------

    def _begin_wrap_up(self, seat: Seat, contact: Believed) -> None:
        seat.contact = None
        if (seat.pending or seat.presence).kind is OFF:
            self._end_wrap_up(seat)
            return
        planned_s = rules.planned(self.plan, contact.queue).wrap_up_s
        usable = planned_s is not None and 0 < planned_s < float("inf")
        seat.after_until = self.now + (
            planned_s if planned_s is not None and usable else self.settings.wrap_up_s
        )
        seat.extended_s = 0.0

    def _end_wrap_up(self, seat: Seat) -> None:
        seat.after_until, seat.extended_s = None, 0.0
        self._at_rest(seat)

    def _at_rest(self, seat: Seat) -> None:
        """The voice slot is empty again."""
        seat.contact, seat.assisting = None, False
        seat.idle_at = self.now
        if seat.pending is not None:
            seat.presence, seat.pending = seat.pending, None
        self._settle(seat)

    def _settle(self, seat: Seat) -> None:
        """What was asked for takes effect at rest; a seat that was removed is forgotten there."""
        if seat.doing != "nothing":
            return
        if seat.pending is not None:
            seat.presence, seat.pending = seat.pending, None
        idle = not seat.texts and seat.text_ring is None
        if seat.removed and idle and seat.presence.kind is OFF:
            self.seats.pop(seat.agent_id, None)
            self.forgotten[seat.agent_id] = seat

    # ---- deadlines ---------------------------------------------------------------------------

    def _missed(self, offer: Opened) -> None:
        """Nobody answered in time."""
        seat = offer.seat
        seat.missed += not offer.is_text
        ready = seat.presence.kind is READY and seat.pending is None
        if ready and not offer.is_text and 0 < self.plan.missed_offers_max <= seat.missed:
            self.effects[c.RaiseAlarm(c.AlarmCode.OFFERS_MISSED, None, seat.agent_id, None)] += 1
            seat.pending = MISSED
        self._failed(offer, self.settings.no_answer_delay_s, R.TIMED_OUT)

    def _end_of_waits(self, seat: Seat, due: float) -> int:
        """Let the waits of a seat end that end at that instant; return how many did."""
        ended = seat.waits_until().count(due)
        if seat.after_until == due:
            self._end_wrap_up(seat)
        if seat.paused_until == due:
            seat.paused_until = None
            seat.idle_at = self.now
        if seat.text_paused_until == due:
            seat.text_paused_until = None
        return ended

    # ---- offers ------------------------------------------------------------------------------

    def _close(self, offer: Opened, *reasons: c.RescindReason, told: bool = True) -> None:
        """Expect the ringing of a phone to be stopped (unless the phone itself told so)."""
        if told:
            self.rescinds[offer.offer_id] = (offer, frozenset(reasons))
        self.closed[offer.offer_id] = c.RescindOffer(
            offer.offer_id, offer.contact.contact_id, offer.seat.agent_id, reasons[0]
        )
        del self.open[offer.offer_id]
        offer.contact.offers.remove(offer)
        seat = offer.seat
        if offer.is_text:
            seat.text_ring = None
        else:
            seat.ring = None
        self._settle(seat)

    def _taken_back(self, offer: Opened, reason: c.RescindReason, *, told: bool = True) -> None:
        """End an offer that was not the contact's doing; what was only placed is over."""
        contact = offer.contact
        self._close(offer, reason, told=told)
        if contact.placed and not contact.answers:
            self.contacts.pop(contact.contact_id, None)
            self.over.add(contact.contact_id)
            self.gone[contact.contact_id] = contact

    def _failed(
        self, offer: Opened, pause_s: float, reason: c.RescindReason, *, told: bool = True
    ) -> None:
        seat = offer.seat
        if offer.kind is not c.OfferKind.ASSIST:  # Who will not help has not refused the citizen.
            offer.contact.refused.append(seat.agent_id)
        if offer.is_text:
            seat.text_paused_until = self.now + pause_s
        else:
            seat.paused_until = self.now + pause_s
            seat.idle_at = self.now
        self._taken_back(offer, reason, told=told)

    def _take_answer(self, event: e.OfferAccepted | e.OfferFailed) -> bool:
        offer = self.open.get(event.offer_id)
        if offer is None:
            rescind = self.closed.get(event.offer_id)
            if isinstance(event, e.OfferAccepted) and rescind is not None:
                self.effects[rescind] += 1
            return False
        if isinstance(event, e.OfferFailed):
            rejected = event.failure is e.OfferFailure.REJECTED
            times = self.settings
            pause_s = times.reject_delay_s if rejected else times.device_failure_delay_s
            self._failed(offer, pause_s, R.AGENT_WITHDRAWN, told=False)
        else:
            self._accepted(offer)
        return True

    def _accepted(self, offer: Opened) -> None:
        contact, seat = offer.contact, offer.seat
        connect = c.ConnectContact(offer.offer_id, contact.contact_id, seat.agent_id, offer.kind)
        self.effects[connect] += 1
        del self.open[offer.offer_id]
        self.closed[offer.offer_id] = None
        contact.offers.remove(offer)
        seat.missed = 0
        if offer.is_text:
            seat.text_ring = None
            seat.texts.append(contact)
        else:
            seat.ring, seat.contact = None, contact
        if offer.kind is c.OfferKind.ASSIST:
            seat.assisting = True
            contact.participants.append(seat)
            return
        seat.accepted += 1
        contact.placed = contact.to_dial = False
        for other in contact.answers:
            self._close(other, R.ANSWERED_ELSEWHERE)
        contact.talks_with = seat

    # ---- seats -------------------------------------------------------------------------------

    def _take_device(self, seat: Seat, event: e.AgentDeviceChanged) -> bool:
        seat.reachable, seat.busy = event.reachable, event.busy
        for offer in [x for x in (seat.ring, seat.text_ring) if x and not seat.reachable]:
            self._taken_back(offer, R.AGENT_WITHDRAWN)
        return True

    def _take_declared(self, seat: Seat, event: e.AgentPresenceChanged) -> bool:
        if seat.removed:
            return False  # A late word from a seat that exists no more.
        self._declare(seat, event.presence)
        return True

    def _take_removed(self, seat: Seat, event: e.AgentRemoved) -> bool:
        if seat.removed:
            return False
        seat.removed = True
        self._declare(seat, e.AgentPresence(OFF))
        return True

    def _take_wrap_up_ended(self, seat: Seat, event: e.WrapUpEnded) -> bool:
        if seat.doing != "after":
            return False
        self._end_wrap_up(seat)
        return True

    def _take_added(self, event: e.AgentAdded) -> bool:
        seat = self.seats.get(event.agent_id)
        if seat is None:
            self.seats[event.agent_id] = Seat(event.agent_id, self.now)
            return True
        if seat.removed:
            seat.removed = False
            return True
        return False

    def _take_extended(self, seat: Seat, event: e.WrapUpExtended) -> bool:
        left_s = rules.number(self.plan.wrap_up_extension_max_s) - seat.extended_s
        by_s = min(rules.number(event.by_s), left_s)
        if by_s <= 0 or seat.after_until is None:
            return False
        seat.extended_s += by_s
        seat.after_until += by_s
        self.counts["wrap-up extended"] += 1
        return True

    def _declare(self, seat: Seat, presence: e.AgentPresence) -> None:
        seat.declared = True
        ready = presence.kind is READY
        # Only who is less ready than before, or whose seat is gone, is not rung any more.
        order = [OFF, NOT_READY, READY]
        steps_down = order.index(presence.kind) < order.index(seat.presence.kind)
        withdraws = steps_down or seat.removed
        if seat.text_ring is not None and withdraws:
            self._taken_back(seat.text_ring, R.AGENT_WITHDRAWN)
        if not ready and seat.doing in ("talk", "after"):
            seat.pending = None if presence == seat.presence else presence
            if presence.kind is OFF and seat.doing == "after":
                self._end_wrap_up(seat)
            return
        if ready and seat.presence.kind is not READY:
            seat.idle_at = self.now
            seat.missed = 0
        if presence.kind is not OFF and seat.presence.kind is OFF:
            seat.accepted = 0
        seat.presence, seat.pending = presence, None
        if seat.ring is not None and withdraws:
            self._taken_back(seat.ring, R.AGENT_WITHDRAWN)
        self._settle(seat)
