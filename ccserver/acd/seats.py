"""The agents' side: presence, device, wrap-up, pauses, and seats that come and go."""

from math import isfinite
from typing import assert_never

from ccserver.acd import events as e
from ccserver.acd.agent import SIGNED_OFF, Agent, AgentSignal
from ccserver.acd.commands import AgentState, RescindReason
from ccserver.acd.contact import Contact
from ccserver.acd.errors import InvariantBroken, StaleEvent
from ccserver.acd.offers import Offers
from ccserver.acd.plan import finite, positive
from ccserver.types import AgentId

READINESS = {e.PresenceKind.OFF: 0, e.PresenceKind.NOT_READY: 1, e.PresenceKind.READY: 2}


class Seats(Offers):
    """The layer that knows what agents declare and do."""

    def _on_agent_event(
        self,
        event: e.AgentAdded
        | e.AgentRemoved
        | e.AgentPresenceChanged
        | e.AgentDeviceChanged
        | e.WrapUpEnded
        | e.WrapUpExtended,
    ) -> None:
        match event:
            case e.AgentAdded(agent_id):
                self._add_agent(agent_id)
            case e.AgentRemoved(agent_id):
                self._remove_agent(self._agent(agent_id))
            case e.AgentPresenceChanged(agent_id, presence):
                agent = self._agent(agent_id)
                if agent.removed:
                    raise StaleEvent("agent_removed")
                self._declare(agent, presence)
            case e.AgentDeviceChanged(agent_id, reachable, busy):
                self._device_changed(self._agent(agent_id), reachable=reachable, busy=busy)
            case e.WrapUpEnded(agent_id):
                self._end_wrap_up(self._agent(agent_id))
            case e.WrapUpExtended(agent_id, by_s):
                self._extend_wrap_up(self._agent(agent_id), by_s)
            case _:
                assert_never(event)

    # ---- seats -------------------------------------------------------------------------------

    def _add_agent(self, agent_id: AgentId) -> Agent:
        known = self._agents.get(agent_id)
        if known is not None:
            if not known.removed:
                raise StaleEvent("agent_known")
            known.removed = False
            self._change_agent(known)
            return known
        agent = Agent(
            agent_id,
            self._now,
            self._now,
            self._next_sequence(),
            plan=self._plan.agent(agent_id),
        )
        self._agents[agent_id] = agent
        self._change_agent(agent)
        return agent

    def _remove_agent(self, agent: Agent) -> None:
        """Sign an agent off; it is forgotten when nothing is in hand any more."""
        if agent.removed:
            raise StaleEvent("agent_removed")
        agent.removed = True
        self._declare(agent, SIGNED_OFF)

    # ---- facts -------------------------------------------------------------------------------

    def _declare(self, agent: Agent, presence: e.AgentPresence) -> None:
        """Take a declared presence: at once if it disturbs no conversation, else after it."""
        ready = presence.kind is e.PresenceKind.READY
        was = agent.presence.kind
        agent.declared = True
        # Who stands by, or is not even signed on, was rung all the same: only a step down ends it.
        if READINESS[presence.kind] < READINESS[was] or agent.removed:
            self._withdraw(agent)
        if not ready and agent.state in (AgentState.TALKING, AgentState.WRAP_UP):
            agent.presence_pending = presence if presence != agent.presence else None
            self._change_agent(agent)
            if agent.state is AgentState.WRAP_UP and presence.kind is e.PresenceKind.OFF:
                self._end_wrap_up(agent)
            return
        if ready and was is not e.PresenceKind.READY:
            agent.missed_offers = 0
            self._renew_idle(agent)
        if was is e.PresenceKind.OFF is not presence.kind:
            agent.accepted = 0
        agent.presence, agent.presence_pending = presence, None
        self._move(agent, AgentSignal.FACTS_CHANGED)

    def _device_changed(self, agent: Agent, *, reachable: bool, busy: bool) -> None:
        """Note what is known of a device. Busy stops no offer: it may be our own ring."""
        agent.reachable, agent.busy = reachable, busy
        if not reachable:
            self._withdraw(agent)
        self._move(agent, AgentSignal.FACTS_CHANGED)

    def _withdraw(self, agent: Agent) -> None:
        """Take back what is offered to an agent who can or will not answer."""
        for offer in (agent.offer, agent.text_offer):
            if offer is not None:
                self._take_back(offer, RescindReason.AGENT_WITHDRAWN)

    # ---- after a conversation ----------------------------------------------------------------

    def _release(self, contact: Contact) -> None:
        """Let go of the agent whose conversation is over; after a voice contact comes wrap-up.

        Somebody who has signed off has none.
        """
        if contact.agent_id is None:
            return
        agent, contact.agent_id = self._agents[contact.agent_id], None
        if contact.is_text:
            del agent.texts[contact.contact_id]
            self._change_agent(agent)
            return
        agent.contact_id = None
        wrap_up_s = positive(self._queue(contact).wrap_up_s, self._settings.wrap_up_s)
        agent.wrap_up_deadline = self._until(wrap_up_s)
        self._move(agent, AgentSignal.CONTACT_OVER)
        wanted = agent.presence_pending or agent.presence
        if wanted.kind is e.PresenceKind.OFF:
            self._end_wrap_up(agent)

    def _part(self, contact: Contact, agent_id: AgentId) -> None:
        """Let go of one who assisted."""
        agent = self._agents[agent_id]
        del contact.participants[agent_id]
        self._change_contact(contact)
        agent.contact_id, agent.assisting = None, False
        agent.take_pending_presence()
        self._renew_idle(agent)
        self._move(agent, AgentSignal.PARTED)

    def _end_wrap_up(self, agent: Agent) -> None:
        agent.next_state(AgentSignal.WRAP_UP_ENDED)  # raises before anything is changed
        agent.wrap_up_deadline, agent.wrap_up_extended_s = None, 0.0
        agent.take_pending_presence()
        self._renew_idle(agent)
        self._move(agent, AgentSignal.WRAP_UP_ENDED)

    def _extend_wrap_up(self, agent: Agent, by_s: float) -> None:
        agent.next_state(AgentSignal.WRAP_UP_EXTENDED)
        longest_s = finite(self._plan.wrap_up_extension_max_s, 0.0)
        by_s = min(by_s if isfinite(by_s) else 0.0, longest_s - agent.wrap_up_extended_s)
        if by_s <= 0 or agent.wrap_up_deadline is None:
            raise StaleEvent("wrap_up_limit")
        agent.wrap_up_deadline += by_s
        agent.wrap_up_extended_s += by_s
        self._move(agent, AgentSignal.WRAP_UP_EXTENDED)

    # ---- deadlines ---------------------------------------------------------------------------

    def _expire(self, owner: Agent | Contact) -> None:
        """Do what the next deadline of an agent or of a waiting contact was for."""
        if isinstance(owner, Contact):
            self._change_contact(owner)  # The next step of its wait follows from the time.
            return
        agent, due = owner, owner.deadline
        for offer in (agent.offer, agent.text_offer):
            if offer is not None and offer.deadline == due:
                pause_s = self._settings.no_answer_delay_s
                self._take_back(offer, RescindReason.TIMED_OUT, pause_s=pause_s)
                return
        if agent.wrap_up_deadline == due:
            self._end_wrap_up(agent)
        elif agent.paused_until == due:
            agent.paused_until = None
            self._renew_idle(agent)
            self._move(agent, AgentSignal.FACTS_CHANGED)
        elif agent.text_paused_until == due:
            agent.text_paused_until = None
            self._change_agent(agent)
        else:
            raise InvariantBroken(f"agent {agent.agent_id} {agent.state} had a deadline")
