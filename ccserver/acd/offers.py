"""Offers: how one is made, accepted, and taken back; and who gets the next."""

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.agent import MISSED_OFFERS, Agent, AgentSignal
from ccserver.acd.book import Book
from ccserver.acd.commands import AlarmCode, ContactState, OfferKind, RescindReason
from ccserver.acd.contact import Contact, ContactSignal, Offer
from ccserver.acd.errors import StaleEvent
from ccserver.acd.matching import Pool
from ccserver.acd.needs import wanted
from ccserver.acd.plan import Selection, positive
from ccserver.types import OfferId


class Offers(Book):
    """The layer that gives contacts to agents."""

    # ---- who is next -------------------------------------------------------------------------

    def _match(self) -> None:
        """Give the best contact to its best agent for as long as any contact can be given out."""
        self._settle()
        self._quiet_vacant()
        self._settle()
        while (pool := self._pools.next()) is not None:
            self._give(pool)
            self._settle()

    def _give(self, pool: Pool) -> None:
        """Offer the first contact of a pool to the best of those who are free."""
        contact = self._contacts[next(iter(pool.waiting))[-1]]
        queue = self._queue(contact)
        vacant = self._pools.rings_vacant(pool)
        rings_all = vacant or pool.need.selection is Selection.RING_ALL
        chosen = self._pools.choose(
            pool,
            refused_by=contact.refused_by,
            preferred=contact.preferred_agent if queue.prefer_last_agent else None,
            wanted=wanted(queue, contact.skills),
            site=contact.site if queue.site_affinity and contact.site else None,
            count=max(queue.ring_all_max, 1) if rings_all else 1,
        )
        for agent_id in chosen:
            self._offer(contact, self._agents[agent_id], shared=rings_all)
        if vacant:
            self._vacant[contact.contact_id] = contact

    def _quiet_vacant(self) -> None:
        """Take contacts back from vacant positions for which somebody on duty is free now."""
        for contact in list(self._vacant.values()):
            if not self._rings_vacant(contact):
                del self._vacant[contact.contact_id]
            elif self._pools.somebody_for(self._need(contact)):
                for offer in list(contact.offers.values()):
                    self._take_back(offer, RescindReason.SOMEBODY_CAME)

    def _rings_vacant(self, contact: Contact) -> bool:
        """Return whether a contact rings where nobody is signed on, and nowhere else."""
        rung = [self._agents[offer.agent_id] for offer in contact.offers.values()]
        off = all(agent.presence.kind is e.PresenceKind.OFF for agent in rung)
        return off and contact.state is ContactState.OFFERED

    def _offer(
        self,
        contact: Contact,
        agent: Agent,
        kind: OfferKind | None = None,
        *,
        shared: bool = False,
    ) -> None:
        """Reserve an agent for a contact and ring its device."""
        if kind is None:
            kind = OfferKind.OUTBOUND if contact.to_dial else OfferKind.ANSWER
        assist = kind is OfferKind.ASSIST
        contact.apply(ContactSignal.INVITED if assist else ContactSignal.OFFERED)
        timeout_s = positive(self._queue(contact).offer_timeout_s, self._settings.offer_timeout_s)
        self._offer_count += 1
        offer = Offer(
            offer_id=OfferId(f"{self._instance}-{self._offer_count}"),
            contact_id=contact.contact_id,
            agent_id=agent.agent_id,
            deadline=self._until(timeout_s),
            kind=kind,
            shared=shared,
        )
        self._offers[offer.offer_id] = contact.offers[offer.offer_id] = offer
        agent.last_offer = self._next_sequence()
        if contact.is_text:
            agent.text_offer = offer
            self._change_agent(agent)
        else:
            agent.offer, agent.contact_id = offer, contact.contact_id
            agent.paused_until = None
            self._move(agent, AgentSignal.PLACED if contact.placed else AgentSignal.RESERVED)
        self._change_contact(contact)
        self._commands.append(
            c.OfferContact(offer.offer_id, offer.contact_id, offer.agent_id, offer.deadline, kind)
        )

    # ---- answers -----------------------------------------------------------------------------

    def _on_offer_event(self, event: e.OfferAccepted | e.OfferFailed) -> None:
        offer = self._offers.get(event.offer_id)
        if offer is None:
            self._refuse_closed_offer(event)
        elif isinstance(event, e.OfferAccepted):
            self._connect(offer)
        else:
            rejected = event.failure is e.OfferFailure.REJECTED
            times = self._settings
            pause_s = times.reject_delay_s if rejected else times.device_failure_delay_s
            self._take_back(offer, RescindReason.AGENT_WITHDRAWN, pause_s=pause_s, rings=False)

    def _refuse_closed_offer(self, event: e.OfferAccepted | e.OfferFailed) -> None:
        """Drop the leg of whoever answers an offer that no longer counts; always raises."""
        if event.offer_id not in self._closed:
            raise StaleEvent("offer_unknown")
        rescind = self._closed[event.offer_id]
        if rescind is None:
            raise StaleEvent("offer_accepted")
        if isinstance(event, e.OfferAccepted):
            self._commands.append(rescind)
        raise StaleEvent("offer_closed")

    def _connect(self, offer: Offer) -> None:
        """Join the citizen and the agent; other devices that ring for the contact stop."""
        contact, agent = self._contacts[offer.contact_id], self._agents[offer.agent_id]
        assists = offer.kind is OfferKind.ASSIST
        contact.apply(ContactSignal.JOINED if assists else ContactSignal.ACCEPTED)
        del self._offers[offer.offer_id], contact.offers[offer.offer_id]
        self._closed.remember(offer.offer_id, None)
        self._change_contact(contact)
        agent.missed_offers = 0
        self._commands.append(
            c.ConnectContact(offer.offer_id, offer.contact_id, offer.agent_id, offer.kind)
        )
        if assists:
            contact.participants[agent.agent_id] = None
            agent.assisting = True
        else:
            contact.agent_id = agent.agent_id
            contact.placed = contact.to_dial = False
            agent.accepted += 1
            for other in list(contact.offers.values()):
                self._close_offer(other, contact, RescindReason.ANSWERED_ELSEWHERE)
        if contact.is_text:
            agent.text_offer = None
            agent.texts[contact.contact_id] = None
            self._change_agent(agent)
        else:
            agent.offer = None
            self._move(agent, AgentSignal.ACCEPTED)

    # ---- taking back -------------------------------------------------------------------------

    def _take_back(
        self,
        offer: Offer,
        reason: RescindReason,
        *,
        pause_s: float | None = None,
        rings: bool = True,
    ) -> None:
        """End an offer; if it was the last, the contact stands in its old place in the line.

        ``pause_s`` is for an offer that failed: its agent pauses, and is asked last when it comes
        to this contact again. ``rings`` is false if the edge said that the leg is gone.
        """
        contact, agent = self._contacts[offer.contact_id], self._agents[offer.agent_id]
        if pause_s is not None:
            if offer.kind is not OfferKind.ASSIST:
                contact.refused_by.add(offer.agent_id)
            self._pause(agent, pause_s, text=contact.is_text)
        if reason is RescindReason.TIMED_OUT and not contact.is_text:
            self._count_missed(agent)
        self._close_offer(offer, contact, reason, rings=rings)
        if contact.offers or contact.state is not ContactState.OFFERED:
            return  # Other devices still ring, or it was to join a conversation.
        contact.apply(ContactSignal.GIVEN_UP if contact.placed else ContactSignal.TAKEN_BACK)
        if contact.placed:
            self._over.remember(contact.contact_id, None)
            self._forget(contact)

    def _close_offer(
        self, offer: Offer, contact: Contact, reason: RescindReason, *, rings: bool = True
    ) -> None:
        """End an unanswered offer: stop the ringing, let the agent rest."""
        rescind = c.RescindOffer(offer.offer_id, offer.contact_id, offer.agent_id, reason)
        if rings:
            self._commands.append(rescind)
        del self._offers[offer.offer_id], contact.offers[offer.offer_id]
        self._closed.remember(offer.offer_id, rescind)
        self._change_contact(contact)
        agent = self._agents[offer.agent_id]
        if contact.is_text:
            agent.text_offer = None
            self._change_agent(agent)
        else:
            agent.offer = agent.contact_id = None
            agent.take_pending_presence()
            self._move(agent, AgentSignal.TAKEN_BACK)

    def _pause(self, agent: Agent, pause_s: float, *, text: bool) -> None:
        """Keep an agent out of matching for a while; takes effect when it is at rest."""
        if text:
            agent.text_paused_until = self._until(pause_s)
        else:
            agent.paused_until = self._until(pause_s)
            self._renew_idle(agent)

    def _count_missed(self, agent: Agent) -> None:
        """Count a missed offer; who lets the phone ring time after time is NOT_READY.

        Not of texts: at a seat whose panel is shut they are missed, and its phone is answered. A
        flood of texts must not take call takers from those who call.
        """
        agent.missed_offers += 1
        missed_max = self._plan.missed_offers_max
        ready = agent.presence.kind is e.PresenceKind.READY and agent.presence_pending is None
        if not ready or not 0 < missed_max <= agent.missed_offers:
            return
        self._commands.append(c.RaiseAlarm(AlarmCode.OFFERS_MISSED, None, agent.agent_id, None))
        agent.presence_pending = MISSED_OFFERS

    # ---- agents ------------------------------------------------------------------------------

    def _renew_idle(self, agent: Agent) -> None:
        """Send an agent to the end of the line of the idle."""
        agent.idle_since, agent.idle_sequence = self._now, self._next_sequence()

    def _move(self, agent: Agent, signal: AgentSignal) -> None:
        """Change an agent's state by the table."""
        target = agent.next_state(signal)
        if agent.state is not target:
            agent.state, agent.since = target, self._now
        self._change_agent(agent)
