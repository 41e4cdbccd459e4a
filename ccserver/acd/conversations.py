"""The contacts' side: how they come, talk, are passed on, and go."""

from typing import assert_never

from ccserver.acd import events as e
from ccserver.acd.agent import Agent, AgentSignal
from ccserver.acd.commands import AgentState, ContactState, OfferKind, RescindReason
from ccserver.acd.contact import Contact, ContactSignal
from ccserver.acd.errors import StaleEvent
from ccserver.acd.memory import Redial
from ccserver.acd.plan import Plan, finite
from ccserver.acd.pools import Pools
from ccserver.acd.seats import Seats
from ccserver.types import AgentId, ContactId, Medium


class Conversations(Seats):
    """The layer that knows what becomes of contacts."""

    # ---- coming ------------------------------------------------------------------------------

    def _enter(self, event: e.ContactArrived | e.ContactAdopted) -> Contact:
        """Take a contact into the core, not yet in line; refuse one that is known or over."""
        if event.contact_id in self._contacts:
            raise StaleEvent("contact_known")
        if event.contact_id in self._over:
            raise StaleEvent("contact_over")
        # Nobody has arrived later than now. A clock that differs must not cost the place in line,
        # and a time that is no number would destroy the order for everybody.
        arrived_at = event.arrived_at if event.arrived_at <= self._now else self._now
        contact = Contact(
            contact_id=event.contact_id,
            medium=event.medium,
            queue=event.queue,
            priority=event.priority,
            arrived_at=arrived_at,
            sequence=self._next_sequence(),
            waits_since=arrived_at,
            caller=event.caller,
            skills=event.skills,
            site=event.site,
            direction=event.direction,
        )
        self._contacts[contact.contact_id] = contact
        contact.place = contact.place_by(self._queue(contact))
        self._change_contact(contact)
        return contact

    def _admit(self, event: e.ContactArrived) -> None:
        contact = self._enter(event)
        contact.preferred_agent = event.preferred_agent
        contact.to_dial = event.direction is e.Direction.OUTBOUND
        self._resume_place(contact)

    def _adopt(self, event: e.ContactAdopted) -> None:
        """Repeat what Asterisk holds. An agent not told of yet is added, OFF until told more."""
        talking = [agent_id for agent_id in (event.agent_id,) if agent_id is not None]
        if event.medium is Medium.VOICE:
            talking += event.participants
            if event.agent_id is not None and self._talks(event.agent_id):
                raise StaleEvent("agent_talking")
            talking = [agent_id for agent_id in talking if not self._talks(agent_id)]
        contact = self._enter(event)
        for agent_id in dict.fromkeys(talking):
            self._adopt_agent(contact, agent_id)
        if contact.agent_id is not None:
            contact.state = ContactState.TALKING
        elif event.handed_over:
            contact.state = ContactState.HANDED_OVER
        else:
            self._resume_place(contact)

    def _talks(self, agent_id: AgentId) -> bool:
        agent = self._agents.get(agent_id)
        return agent is not None and agent.state is AgentState.TALKING

    def _adopt_agent(self, contact: Contact, agent_id: AgentId) -> None:
        """Let an agent talk with an adopted contact; the first is the responsible one."""
        agent = self._agents.get(agent_id)
        if agent is None:
            agent = self._add_agent(agent_id)
        assists = contact.agent_id is not None
        if assists:
            contact.participants[agent_id] = None
        else:
            contact.agent_id = agent_id
        if contact.is_text:
            agent.texts[contact.contact_id] = None
            self._change_agent(agent)
            return
        if agent.offer is not None:
            self._take_back(agent.offer, RescindReason.AGENT_WITHDRAWN)
        agent.contact_id, agent.assisting = contact.contact_id, assists
        agent.paused_until = agent.wrap_up_deadline = None
        agent.wrap_up_extended_s = 0.0
        self._move(agent, AgentSignal.ADOPTED)

    def _place_call(self, event: e.ContactPlaced) -> None:
        """Ring the device of the agent who calls out; the wrap-up it may be in is over."""
        agent = self._agent(event.agent_id)
        agent.next_state(AgentSignal.PLACED)  # raises before anything is changed
        text = event.medium is not Medium.VOICE
        if text and agent.text_offer is not None:
            raise StaleEvent("agent_not_free")
        if not agent.reachable:
            raise StaleEvent("agent_unreachable")
        contact = self._enter(
            e.ContactArrived(
                event.contact_id,
                event.queue,
                priority=0,
                arrived_at=self._now,
                medium=event.medium,
                caller=event.caller,
                direction=e.Direction.OUTBOUND,
            )
        )
        contact.placed = contact.to_dial = True
        if agent.state is AgentState.WRAP_UP and not text:
            agent.wrap_up_deadline, agent.wrap_up_extended_s = None, 0.0
            agent.take_pending_presence()
        self._offer(contact, agent)

    # ---- going -------------------------------------------------------------------------------

    def _on_contact_event(
        self, event: e.ContactAbandoned | e.ContactEnded | e.ContactLeft | e.ContactReturned
    ) -> None:
        match event:
            case e.ContactAbandoned(contact_id):
                self._finish(contact_id, ContactSignal.ABANDONED, RescindReason.ABANDONED)
            case e.ContactEnded(contact_id, cut):
                self._finish(contact_id, ContactSignal.ENDED, RescindReason.ABANDONED, cut=cut)
            case e.ContactLeft(contact_id):
                self._finish(contact_id, ContactSignal.LEFT, RescindReason.LEFT)
            case e.ContactReturned(contact_id, agent_id):
                self._return(self._contact(contact_id), agent_id)
            case _:
                assert_never(event)

    def _finish(
        self,
        contact_id: ContactId,
        signal: ContactSignal,
        reason: RescindReason,
        *,
        cut: bool = False,
    ) -> None:
        """Forget a contact. Only one that left may come back."""
        left = signal is ContactSignal.LEFT
        try:
            contact = self._contact(contact_id)
        finally:
            if not left:
                self._over.remember(contact_id, None)
        unanswered = contact.state in (ContactState.WAITING, ContactState.OFFERED)
        contact.apply(signal)
        for offer in list(contact.offers.values()):
            # A text that ends unanswered was ended by us: nobody hung up.
            ended = contact.is_text and signal is ContactSignal.ENDED
            over = ended or offer.kind is OfferKind.ASSIST
            self._close_offer(offer, contact, RescindReason.ENDED if over else reason)
        for agent_id in list(contact.participants):
            self._part(contact, agent_id)
        self._release(contact)
        self._forget(contact)
        if not left and (unanswered or cut):
            self._expect_redial(contact)

    def _return(self, contact: Contact, agent_id: AgentId | None) -> None:
        """Put a contact that lost its call taker back into its old place in the line."""
        if agent_id is not None and agent_id != contact.agent_id:
            raise StaleEvent("contact_with_another_agent")
        contact.apply(ContactSignal.RETURNED)
        lost, contact.agent_id = contact.agent_id, None
        self._leave_conversation(contact)
        if lost is None:  # It was handed over.
            return
        agent = self._agents[lost]
        contact.refused_by.add(lost)
        self._pause(agent, self._settings.device_failure_delay_s, text=contact.is_text)
        if contact.is_text:
            del agent.texts[contact.contact_id]
            self._change_agent(agent)
            return
        agent.contact_id = None
        agent.take_pending_presence()
        self._move(agent, AgentSignal.CONTACT_RETURNED)

    def _leave_conversation(self, contact: Contact) -> None:
        """Let those who assist, or were asked to, go; the contact waits anew."""
        for offer in list(contact.offers.values()):
            self._close_offer(offer, contact, RescindReason.ENDED)
        for agent_id in list(contact.participants):
            self._part(contact, agent_id)
        self._begin_wait(contact)
        self._change_contact(contact)

    # ---- passing on --------------------------------------------------------------------------

    def _transfer(self, event: e.ContactTransferred) -> None:
        """Let a contact wait again, in another queue or for one agent first."""
        contact = self._held_by(event.contact_id, event.by_agent)
        contact.apply(ContactSignal.TRANSFERRED)
        self._release(contact)
        self._leave_conversation(contact)
        contact.refused_by = {event.by_agent}
        contact.preferred_agent = None
        if event.queue is not None:
            contact.queue = event.queue
            contact.place = contact.place_by(self._queue(contact))
        wanted = self._agents.get(event.agent_id) if event.agent_id is not None else None
        if wanted is not None and wanted.may_be_named(contact.medium, self._plan):
            self._offer(contact, wanted)

    def _pick(self, event: e.ContactPicked) -> None:
        contact = self._contact(event.contact_id)
        contact.next_state(ContactSignal.PICKED)
        self._offer(contact, self._free(event.agent_id, contact))

    def _invite(self, event: e.ParticipantInvited) -> None:
        contact = self._contact(event.contact_id)
        contact.next_state(ContactSignal.INVITED)
        if contact.is_text:
            raise StaleEvent("contact_is_text")
        self._offer(contact, self._free(event.agent_id, contact), OfferKind.ASSIST)

    def _part_event(self, event: e.ParticipantLeft) -> None:
        contact = self._contact(event.contact_id)
        if event.agent_id in contact.participants:
            self._part(contact, event.agent_id)
            return
        for offer in list(contact.offers.values()):
            if offer.agent_id == event.agent_id and offer.kind is OfferKind.ASSIST:
                self._take_back(offer, RescindReason.ENDED)  # invited, and not wanted any more
                return
        raise StaleEvent("agent_not_participant")

    def _hand_over(self, event: e.ContactHandedOver) -> None:
        """Let somebody else have a conversation that goes on.

        Whoever was not asked into it by the core (a supervisor who came in) is in it by fact, as
        after a restart.
        """
        if event.from_agent is not None:
            contact = self._held_by(event.contact_id, event.from_agent)
        else:
            contact = self._contact(event.contact_id)
            if contact.agent_id is not None:
                raise StaleEvent("contact_with_another_agent")
        if contact.is_text:
            raise StaleEvent("contact_is_text")
        if event.to_agent is None:
            contact.apply(ContactSignal.HANDED_OUT)
            for offer in list(contact.offers.values()):
                self._close_offer(offer, contact, RescindReason.ENDED)
            self._release(contact)
        else:
            self._hand_on(contact, self._agent(event.to_agent))
        self._change_contact(contact)

    def _hand_on(self, contact: Contact, heir: Agent) -> None:
        assists = heir.agent_id in contact.participants
        if not assists and heir.state is AgentState.TALKING:
            raise StaleEvent("agent_talking")
        contact.apply(ContactSignal.HANDED_ON)
        self._release(contact)
        if not assists:
            self._adopt_agent(contact, heir.agent_id)
            return
        del contact.participants[heir.agent_id]
        contact.agent_id, heir.assisting = heir.agent_id, False
        self._change_agent(heir)

    def _held_by(self, contact_id: ContactId, agent_id: AgentId) -> Contact:
        """Return a contact if that agent is the one responsible for it."""
        contact = self._contact(contact_id)
        if contact.agent_id is None:
            raise StaleEvent(f"contact_{contact.state}")
        if contact.agent_id != agent_id:
            raise StaleEvent("contact_with_another_agent")
        return contact

    def _free(self, agent_id: AgentId, contact: Contact) -> Agent:
        """Return an agent if it may be rung by name."""
        agent = self._agent(agent_id)
        if not agent.may_be_named(contact.medium, self._plan):
            raise StaleEvent("agent_not_free")
        return agent

    # ---- redials -----------------------------------------------------------------------------

    def _expect_redial(self, contact: Contact) -> None:
        """Remember a voice caller who was not helped."""
        inbound = contact.direction is e.Direction.INBOUND
        if contact.caller is not None and inbound and not contact.is_text:
            redial = Redial(contact.arrived_at, contact.priority, self._now)
            self._remember_redial(contact.caller, redial)

    def _on_redial_expected(self, event: e.RedialExpected) -> None:
        now = self._now
        over_at = event.over_at if event.over_at <= now else now
        arrived_at = event.arrived_at if event.arrived_at <= over_at else over_at
        self._remember_redial(event.caller, Redial(arrived_at, event.priority, over_at))

    def _remember_redial(self, caller: str, redial: Redial) -> None:
        self._redials.remember(caller, redial, forget_before=self._now - self._redial_window_s)

    def _resume_place(self, contact: Contact) -> None:
        """Give a voice caller who is back soon the earlier place and priority."""
        inbound = contact.direction is e.Direction.INBOUND
        if contact.caller is None or not inbound or contact.is_text:
            return
        window_s = finite(self._queue(contact).redial_window_s, 0.0)
        redial = self._redials.take(contact.caller, not_before=self._now - window_s)
        if redial is not None:
            contact.redial = True
            contact.arrived_at = min(contact.arrived_at, redial.arrived_at)
            contact.priority = max(contact.priority, redial.priority)
            contact.place = contact.place_by(self._queue(contact))

    # ---- plan and skills ---------------------------------------------------------------------

    def _change_skills(self, event: e.ContactSkillsChanged) -> None:
        contact = self._contact(event.contact_id)
        contact.skills = event.skills
        self._change_contact(contact)

    def _change_plan(self, plan: Plan) -> None:
        """Sort everything anew; offers and conversations stay."""
        self._plan, self._pools = plan, Pools()
        for contact in self._contacts.values():
            contact.home = contact.pool = contact.stands_at = None
            contact.place = contact.place_by(self._queue(contact))
            self._change_contact(contact)
        for agent in self._agents.values():
            agent.plan, agent.standing = plan.agent(agent.agent_id), None
            self._change_agent(agent)

    @property
    def _redial_window_s(self) -> float:
        """How long any redial may count."""
        plans = (self._plan.fallback, *self._plan.queues.values())
        return max(finite(queue.redial_window_s, 0.0) for queue in plans)
