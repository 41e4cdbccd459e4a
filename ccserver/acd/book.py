"""The facts that the core keeps, and what follows from them. The lowest of the core's layers.

Facts are contacts, agents and open offers. The pools (who stands in which line) and the deadlines
follow from them. A layer above changes facts and says of whom (`_change_contact`,
`_change_agent`); `_settle` then brings pools and deadlines up to date, and `_drain` publishes.
"""

from collections import Counter
from math import inf, isfinite

from ccserver.acd import commands as c
from ccserver.acd.agent import Agent
from ccserver.acd.commands import AgentState, AlarmCode, ContactState
from ccserver.acd.contact import Contact, Offer
from ccserver.acd.errors import InvariantBroken, StaleEvent
from ccserver.acd.matching import Line, Moment
from ccserver.acd.memory import Recent, Redials
from ccserver.acd.needs import Need, alarm_after_s, escalate_after_s, need_at, next_step
from ccserver.acd.plan import Plan, QueuePlan
from ccserver.acd.pools import Pools
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId, ContactId, OfferId


class Book:
    """What is known, and the lines and deadlines that follow from it."""

    def __init__(
        self, settings: DistributorSettings, *, instance: str, plan: Plan | None = None
    ) -> None:
        self.ignored: Counter[str] = Counter()
        """Stale events by ``EventName:reason``; both parts are from closed sets."""
        self._settings = settings
        self._instance = instance
        self._plan = plan if plan is not None else Plan()
        self._now = -inf
        self._sequence = 0
        self._offer_count = 0
        self._contacts: dict[ContactId, Contact] = {}
        self._agents: dict[AgentId, Agent] = {}
        self._offers: dict[OfferId, Offer] = {}
        self._pools = Pools()
        self._vacant: dict[ContactId, Contact] = {}
        """Contacts that were offered to vacant positions, as far as they may still ring there."""
        self._deadlines: Line[Moment] = Line()
        self._timed: dict[int, Contact | Agent] = {}
        self._over: Recent[ContactId, None] = Recent()
        self._closed: Recent[OfferId, c.RescindOffer | None] = Recent()
        self._redials = Redials()
        self._commands: list[c.Command] = []
        self._touched_contacts: dict[ContactId, Contact] = {}
        self._touched_agents: dict[AgentId, Agent] = {}
        self._unsettled_contacts: dict[ContactId, Contact] = {}
        self._unsettled_agents: dict[AgentId, Agent] = {}

    # ---- time and order ----------------------------------------------------------------------

    def _advance(self, now: float) -> None:
        if now > self._now and isfinite(now):
            self._now = now

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def _until(self, seconds: float) -> float:
        """Return the end of a wait; one that ends at once would let one instant repeat for ever."""
        deadline = self._now + seconds
        if not deadline > self._now:
            raise InvariantBroken(f"a wait of {seconds} s would never pass")
        return deadline

    # ---- looking up --------------------------------------------------------------------------

    def _contact(self, contact_id: ContactId) -> Contact:
        contact = self._contacts.get(contact_id)
        if contact is None:
            raise StaleEvent("contact_over" if contact_id in self._over else "contact_unknown")
        return contact

    def _agent(self, agent_id: AgentId) -> Agent:
        agent = self._agents.get(agent_id)
        if agent is None:
            raise StaleEvent("agent_unknown")
        return agent

    def _queue(self, contact: Contact) -> QueuePlan:
        return self._plan.queue(contact.queue)

    def _need(self, contact: Contact) -> Need:
        """Return whom a contact may be offered to at this moment of its wait."""
        since, now = contact.waits_since, self._now
        queue, skills, medium = contact.queue, contact.skills, contact.medium
        return need_at(self._plan, queue, skills, medium, since=since, now=now)

    # ---- facts change ------------------------------------------------------------------------

    def _change_contact(self, contact: Contact) -> None:
        """Note that a contact's facts are others now."""
        self._touched_contacts[contact.contact_id] = contact
        self._unsettled_contacts[contact.contact_id] = contact

    def _change_agent(self, agent: Agent) -> None:
        """Note that an agent's facts are others now."""
        self._touched_agents[agent.agent_id] = agent
        self._unsettled_agents[agent.agent_id] = agent

    def _forget(self, contact: Contact) -> None:
        """Let go of a contact that is GONE."""
        del self._contacts[contact.contact_id]
        self._change_contact(contact)

    def _begin_wait(self, contact: Contact) -> None:
        """Count relaxation, overflow and alarms from now."""
        contact.waits_since = self._now
        contact.alarmed.clear()

    # ---- what follows from the facts ---------------------------------------------------------

    def _settle(self) -> None:
        """Bring pools and deadlines up to date: agents first, for contacts ask who is there."""
        while self._unsettled_agents or self._unsettled_contacts:
            agents, self._unsettled_agents = self._unsettled_agents, {}
            for agent in agents.values():
                self._settle_agent(agent)
            for pool in self._pools.take_shifted():
                for contact_id in pool.homed:
                    self._change_contact(self._contacts[contact_id])
            contacts, self._unsettled_contacts = self._unsettled_contacts, {}
            for contact in contacts.values():
                self._settle_contact(contact)

    def _settle_agent(self, agent: Agent) -> None:
        at_rest = agent.state is AgentState.OFF and not agent.texts and agent.text_offer is None
        if agent.removed and at_rest:
            self._pools.strike(agent)
            self._arm(agent, None)
            self._agents.pop(agent.agent_id, None)
            return
        self._pools.enlist(agent, agent.stand(self._plan))
        self._arm(agent, agent.deadline)

    def _settle_contact(self, contact: Contact) -> None:
        if contact.state is not ContactState.WAITING:
            self._pools.place(contact, None)
            self._arm(contact, None)
            return
        since, now = contact.waits_since, self._now
        contact.as_of = now
        self._pools.place(contact, self._need(contact))
        queue = self._queue(contact)
        if contact.home is not None and not self._pools.is_there(contact.home):
            self._alarm(contact, AlarmCode.NOBODY_LOGGED_IN)
        if since + alarm_after_s(queue) <= now:
            self._alarm(contact, AlarmCode.CONTACT_WAITS)
        if since + escalate_after_s(queue) <= now:
            self._alarm(contact, AlarmCode.CONTACT_ESCALATED)
        self._arm(contact, next_step(self._plan, contact.queue, since=since, now=now))

    def _alarm(self, contact: Contact, code: AlarmCode) -> None:
        """Tell the supervisors of a contact, once in a wait."""
        if code not in contact.alarmed:
            contact.alarmed.add(code)
            self._commands.append(c.RaiseAlarm(code, contact.contact_id, None, contact.queue))

    def _arm(self, owner: Contact | Agent, deadline: float | None) -> None:
        """Let ``owner`` have this one deadline, or none."""
        if owner.timer is not None:
            if owner.timer[0] == deadline:
                return
            self._deadlines.remove(owner.timer)
            del self._timed[owner.timer[1]]
            owner.timer = None
        if deadline is not None:
            owner.timer = (deadline, self._next_sequence())
            self._deadlines.add(owner.timer)
            self._timed[owner.timer[1]] = owner

    def _drain(self) -> list[c.Command]:
        """Append one publication for each contact and agent whose view changed in this step."""
        commands, self._commands = self._commands, []
        for contact in self._touched_contacts.values():
            contact_view = contact.view()
            if contact_view != contact.published:
                contact.published = contact_view
                commands.append(c.PublishContact(contact_view))
        for agent in self._touched_agents.values():
            agent_view = agent.view()
            if agent_view != agent.published:
                agent.published = agent_view
                commands.append(c.PublishAgent(agent_view))
        self._touched_contacts.clear()
        self._touched_agents.clear()
        return commands
