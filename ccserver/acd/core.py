"""The distributor: events in, commands out; no clock, no I/O, no logging, no await.

The runtime tells the core every event with the present time, executes the returned commands in
their order, and arms one timer for `ACDCore.next_deadline`. The same events at the same times give
the same commands, in every process.

Four things hold after every step (`ACDCore.check_invariants`):

1. No contact is lost or held twice: it waits, or is offered to one reserved agent, or talks with
   one agent, and that agent holds this contact and no other.
2. No contact waits while an eligible agent is idle.
3. The order of the waiting within equal priority is the order of arrival.
4. Every wait has a deadline: a reservation, a wrap-up and a pause end by themselves. (A contact
   waits for as long as nobody is idle; how long the citizen hears music is the lease's business.)

Events that are duplicated, reordered or late are harmless. What speaks of something unknown or
over is counted in `ACDCore.ignored` and changes nothing. Two cases need more than that. An offer
accepted after it ended has a live leg somewhere, so the answer is to rescind it (again). And a
contact that was abandoned or ended is remembered for a while, so that its arrival or adoption,
overtaken by its end, does not leave a ghost in the line. A contact that *left* may come back: the
parachute queue can hand it to us again.

A failed offer pauses the agent, and a paused agent is asked last when it returns. Pauses are
bounded by the settings; they hold even if nobody else is ready, because the device or the person
that failed a moment ago would most likely fail again.

After a restart a new core is told, in this order: `AgentAdded` for all, `ContactAdopted` for those
who talk, `ContactAdopted` for those who wait, `AgentDeviceChanged`, `AgentPresenceChanged`.
Presence last, so that nobody is idle before all waiting contacts stand in line.
"""

from collections import Counter
from math import inf, isfinite
from typing import assert_never

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.agent import Agent, AgentSignal
from ccserver.acd.commands import AgentState, ContactState, RescindReason
from ccserver.acd.contact import Contact, ContactSignal, Offer
from ccserver.acd.errors import InvariantBroken, StaleEvent
from ccserver.acd.invariants import check
from ccserver.acd.matching import Line, Place, Rank, choose_agent
from ccserver.acd.memory import Recent
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId, ContactId, OfferId


class ACDCore:
    """The pure state machine. ``instance`` makes offer ids unique over restarts."""

    def __init__(self, settings: DistributorSettings, *, instance: str) -> None:
        self.ignored: Counter[str] = Counter()
        """Stale events by ``EventName:reason``; both parts are from closed sets."""
        self._settings = settings
        self._instance = instance
        self._now = -inf
        self._sequence = 0
        self._offer_count = 0
        self._contacts: dict[ContactId, Contact] = {}
        self._agents: dict[AgentId, Agent] = {}
        self._offers: dict[OfferId, Offer] = {}
        self._waiting: Line[Place] = Line()
        self._idle: Line[Rank] = Line()
        self._deadlines: Line[Rank] = Line()
        self._over: Recent[ContactId, None] = Recent()
        self._closed: Recent[OfferId, c.RescindOffer | None] = Recent()
        self._commands: list[c.Command] = []
        self._touched_contacts: dict[ContactId, Contact] = {}
        self._touched_agents: dict[AgentId, Agent] = {}

    # ---- the contract ------------------------------------------------------------------------

    def handle_event(self, event: e.Event, *, now: float) -> list[c.Command]:
        """Take in what happened; return what is wanted, effects first, publications last.

        A ``now`` before the last one (a clock that jumped) counts as the last one. Deadlines that
        have passed meanwhile are left to `handle_timer`: an answer that comes before the core has
        given up the offer is in time.
        """
        self._advance(now)
        try:
            self._dispatch(event)
        except StaleEvent as stale:
            self.ignored[f"{type(event).__name__}:{stale.reason}"] += 1
        self._match()
        return self._drain()

    def next_deadline(self) -> float | None:
        """Return when `handle_timer` is to be called next; ``None`` while nothing is timed."""
        first = self._deadlines.first()
        return first[0] if first is not None else None

    def handle_timer(self, *, now: float) -> list[c.Command]:
        """End every wait whose deadline is not after ``now``, in the order of deadlines."""
        self._advance(now)
        while (first := self._deadlines.first()) is not None and first[0] <= self._now:
            self._expire(self._agents[first[2]])
            self._match()
        return self._drain()

    def check_invariants(self) -> None:
        """Raise `InvariantBroken` unless the four invariants hold; looks at everything."""
        check(
            contacts=self._contacts,
            agents=self._agents,
            offers=self._offers,
            waiting=self._waiting,
            idle=self._idle,
            deadlines=self._deadlines,
        )

    def contact_views(self) -> list[c.ContactView]:
        """Return every contact held, in the order in which they came to the core."""
        return [contact.view() for contact in self._contacts.values()]

    def agent_views(self) -> list[c.AgentView]:
        """Return every agent, in the order in which they were added."""
        return [agent.view() for agent in self._agents.values()]

    # ---- one step ----------------------------------------------------------------------------

    def _advance(self, now: float) -> None:
        if now > self._now and isfinite(now):
            self._now = now

    def _dispatch(self, event: e.Event) -> None:
        match event:
            case e.OfferAccepted() | e.OfferFailed():
                self._on_offer_event(event)
            case e.AgentAdded() | e.AgentPresenceChanged() | e.AgentDeviceChanged():
                self._on_agent_event(event)
            case e.WrapUpEnded():
                self._end_wrap_up(self._agent(event.agent_id))
            case e.ContactArrived():
                self._admit(event)
            case e.ContactAdopted():
                self._adopt(event)
            case _:
                self._on_contact_event(event)

    def _match(self) -> None:
        """Give the best contact to the longest-idle agent until either line is empty."""
        while (place := self._waiting.first()) is not None:
            contact = self._contacts[place[3]]
            agent_id = choose_agent(self._idle, contact.refused_by)
            if agent_id is None:
                return
            self._offer(contact, self._agents[agent_id])

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

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    # ---- contacts ----------------------------------------------------------------------------

    def _contact(self, contact_id: ContactId) -> Contact:
        contact = self._contacts.get(contact_id)
        if contact is None:
            raise StaleEvent("contact_over" if contact_id in self._over else "contact_unknown")
        return contact

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
        )
        self._contacts[contact.contact_id] = contact
        self._touched_contacts[contact.contact_id] = contact
        return contact

    def _admit(self, event: e.ContactArrived) -> None:
        self._waiting.add(self._enter(event).place)

    def _adopt(self, event: e.ContactAdopted) -> None:
        """Repeat what Asterisk holds. An agent not told of yet is added, OFF until told more."""
        if event.agent_id is None:
            self._waiting.add(self._enter(event).place)
            return
        known = self._agents.get(event.agent_id)
        if known is not None and known.state is AgentState.TALKING:
            raise StaleEvent("agent_talking")
        contact = self._enter(event)
        agent = known if known is not None else self._add_agent(event.agent_id)
        if agent.offer is not None:
            self._take_back(agent.offer, RescindReason.AGENT_WITHDRAWN)
        contact.state = ContactState.TALKING
        contact.agent_id = agent.agent_id
        agent.contact_id = contact.contact_id
        agent.paused_until = agent.wrap_up_deadline = None
        self._move(agent, AgentSignal.ADOPTED)

    def _on_contact_event(
        self, event: e.ContactAbandoned | e.ContactEnded | e.ContactLeft | e.ContactReturned
    ) -> None:
        match event:
            case e.ContactAbandoned(contact_id):
                self._finish(contact_id, ContactSignal.ABANDONED, RescindReason.ABANDONED)
            case e.ContactEnded(contact_id):
                self._finish(contact_id, ContactSignal.ENDED, RescindReason.ABANDONED)
            case e.ContactLeft(contact_id):
                self._finish(contact_id, ContactSignal.LEFT, RescindReason.LEFT)
            case e.ContactReturned(contact_id, agent_id):
                self._return(self._contact(contact_id), agent_id)
            case _:
                assert_never(event)

    def _finish(self, contact_id: ContactId, signal: ContactSignal, reason: RescindReason) -> None:
        """Forget a contact. Only one that left may come back."""
        try:
            contact = self._contact(contact_id)
        finally:
            if signal is not ContactSignal.LEFT:
                self._over.remember(contact_id, None)
        was = contact.state
        contact.apply(signal)
        del self._contacts[contact_id]
        self._touched_contacts[contact_id] = contact
        if was is ContactState.WAITING:
            self._waiting.remove(contact.place)
        elif contact.offer is not None:
            self._close_offer(contact.offer, contact, reason)
        elif contact.agent_id is not None:
            self._start_wrap_up(self._agents[contact.agent_id])
        contact.agent_id = None

    def _return(self, contact: Contact, agent_id: AgentId | None) -> None:
        """Put a contact that lost its call taker back into its old place in the line."""
        if agent_id is not None and agent_id != contact.agent_id:
            raise StaleEvent("contact_with_another_agent")
        contact.apply(ContactSignal.RETURNED)
        if contact.agent_id is None:
            raise InvariantBroken(f"contact {contact.contact_id} talked with nobody")
        agent = self._agents[contact.agent_id]
        contact.agent_id = None
        contact.refused_by.add(agent.agent_id)
        self._touched_contacts[contact.contact_id] = contact
        self._waiting.add(contact.place)
        agent.contact_id = None
        agent.take_pending_presence()
        self._pause(agent, self._settings.device_failure_delay_s)
        self._move(agent, AgentSignal.CONTACT_RETURNED)

    # ---- offers ------------------------------------------------------------------------------

    def _offer(self, contact: Contact, agent: Agent) -> None:
        self._offer_count += 1
        offer = Offer(
            offer_id=OfferId(f"{self._instance}-{self._offer_count}"),
            contact_id=contact.contact_id,
            agent_id=agent.agent_id,
            deadline=self._now + self._settings.offer_timeout_s,
        )
        contact.apply(ContactSignal.OFFERED)
        self._waiting.remove(contact.place)
        contact.offer = agent.offer = self._offers[offer.offer_id] = offer
        contact.agent_id = agent.agent_id
        agent.contact_id = contact.contact_id
        self._touched_contacts[contact.contact_id] = contact
        self._move(agent, AgentSignal.RESERVED)
        self._commands.append(
            c.OfferContact(offer.offer_id, offer.contact_id, offer.agent_id, offer.deadline)
        )

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
        contact, agent = self._contacts[offer.contact_id], self._agents[offer.agent_id]
        contact.apply(ContactSignal.ACCEPTED)
        contact.offer = agent.offer = None
        del self._offers[offer.offer_id]
        self._closed.remember(offer.offer_id, None)
        self._touched_contacts[contact.contact_id] = contact
        self._move(agent, AgentSignal.ACCEPTED)
        self._commands.append(c.ConnectContact(offer.offer_id, offer.contact_id, offer.agent_id))

    def _take_back(
        self,
        offer: Offer,
        reason: RescindReason,
        *,
        pause_s: float | None = None,
        rings: bool = True,
    ) -> None:
        """End an offer and put its contact back into its old place in the line.

        ``pause_s`` is for an offer that failed: its agent pauses, and is asked last when it comes
        to this contact again. ``rings`` is false if the edge said that the leg is gone.
        """
        contact = self._contacts[offer.contact_id]
        contact.apply(ContactSignal.TAKEN_BACK)
        self._touched_contacts[contact.contact_id] = contact
        if pause_s is not None:
            contact.refused_by.add(offer.agent_id)
            self._pause(self._agents[offer.agent_id], pause_s)
        self._close_offer(offer, contact, reason, rings=rings)
        self._waiting.add(contact.place)

    def _close_offer(
        self, offer: Offer, contact: Contact, reason: RescindReason, *, rings: bool = True
    ) -> None:
        """End an unanswered offer: stop the ringing, let the agent rest."""
        rescind = c.RescindOffer(offer.offer_id, offer.contact_id, offer.agent_id, reason)
        if rings:
            self._commands.append(rescind)
        del self._offers[offer.offer_id]
        self._closed.remember(offer.offer_id, rescind)
        agent = self._agents[offer.agent_id]
        contact.offer = contact.agent_id = None
        agent.offer = agent.contact_id = None
        self._move(agent, AgentSignal.TAKEN_BACK)

    # ---- agents ------------------------------------------------------------------------------

    def _agent(self, agent_id: AgentId) -> Agent:
        agent = self._agents.get(agent_id)
        if agent is None:
            raise StaleEvent("agent_unknown")
        return agent

    def _add_agent(self, agent_id: AgentId) -> Agent:
        if agent_id in self._agents:
            raise StaleEvent("agent_known")
        agent = Agent(agent_id, self._now, self._now, self._next_sequence())
        self._agents[agent_id] = self._touched_agents[agent_id] = agent
        return agent

    def _on_agent_event(
        self, event: e.AgentAdded | e.AgentPresenceChanged | e.AgentDeviceChanged
    ) -> None:
        match event:
            case e.AgentAdded(agent_id):
                self._add_agent(agent_id)
            case e.AgentPresenceChanged(agent_id, presence):
                self._declare(self._agent(agent_id), presence)
            case e.AgentDeviceChanged(agent_id, reachable, busy):
                agent = self._agent(agent_id)
                agent.reachable, agent.busy = reachable, busy
                # A device that is gone cannot ring. Busy is not asked: it may be our own ring.
                if agent.offer is not None and not reachable:
                    self._take_back(agent.offer, RescindReason.AGENT_WITHDRAWN)
                else:
                    self._move(agent, AgentSignal.FACTS_CHANGED)
            case _:
                assert_never(event)

    def _declare(self, agent: Agent, presence: e.AgentPresence) -> None:
        """Take a declared presence: at once if it disturbs no conversation, else after it."""
        ready = presence.kind is e.PresenceKind.READY
        in_hand = agent.state in (AgentState.TALKING, AgentState.WRAP_UP)
        if in_hand and not ready:
            agent.presence_pending = presence if presence != agent.presence else None
            self._touched_agents[agent.agent_id] = agent
            if agent.state is AgentState.WRAP_UP and presence.kind is e.PresenceKind.OFF:
                self._end_wrap_up(agent)
            return
        if ready and agent.presence.kind is not e.PresenceKind.READY:
            self._renew_idle(agent)
        agent.presence, agent.presence_pending = presence, None
        if agent.offer is not None and not ready:
            self._take_back(agent.offer, RescindReason.AGENT_WITHDRAWN)
        else:
            self._move(agent, AgentSignal.FACTS_CHANGED)

    def _start_wrap_up(self, agent: Agent) -> None:
        """Begin the work after a contact; somebody who has signed off has none."""
        agent.contact_id = None
        agent.wrap_up_deadline = self._now + self._settings.wrap_up_s
        self._move(agent, AgentSignal.CONTACT_OVER)
        wanted = agent.presence_pending or agent.presence
        if wanted.kind is e.PresenceKind.OFF:
            self._end_wrap_up(agent)

    def _end_wrap_up(self, agent: Agent) -> None:
        agent.next_state(AgentSignal.WRAP_UP_ENDED)  # raises before anything is changed
        agent.wrap_up_deadline = None
        agent.take_pending_presence()
        self._renew_idle(agent)
        self._move(agent, AgentSignal.WRAP_UP_ENDED)

    def _pause(self, agent: Agent, pause_s: float) -> None:
        """Keep an agent out of matching for a while; takes effect with the next move."""
        agent.paused_until = self._now + pause_s
        self._renew_idle(agent)

    def _renew_idle(self, agent: Agent) -> None:
        """Send an agent who is not in the line of the idle to its end."""
        agent.idle_since, agent.idle_sequence = self._now, self._next_sequence()

    def _expire(self, agent: Agent) -> None:
        """Do what the agent's deadline was for."""
        if agent.offer is not None:
            pause_s = self._settings.no_answer_delay_s
            self._take_back(agent.offer, RescindReason.TIMED_OUT, pause_s=pause_s)
        elif agent.state is AgentState.WRAP_UP:
            self._end_wrap_up(agent)
        elif agent.paused_until is not None:
            agent.paused_until = None
            self._renew_idle(agent)
            self._move(agent, AgentSignal.FACTS_CHANGED)
        else:
            raise InvariantBroken(f"agent {agent.agent_id} {agent.state} had a deadline")

    def _move(self, agent: Agent, signal: AgentSignal) -> None:
        """Change the agent's state by the table, and with it both lines it may stand in."""
        target = agent.next_state(signal)
        if agent.state is not target:
            if agent.state is AgentState.IDLE:
                self._idle.remove(agent.idle_rank)
            if target is AgentState.IDLE:
                self._idle.add(agent.idle_rank)
            agent.state, agent.since = target, self._now
        deadline = agent.deadline
        if agent.timer is None or agent.timer[0] != deadline:
            if agent.timer is not None:
                self._deadlines.remove(agent.timer)
                agent.timer = None
            if deadline is not None:
                if deadline <= self._now:
                    raise InvariantBroken(f"agent {agent.agent_id} would wait for the past")
                agent.timer = (deadline, self._next_sequence(), agent.agent_id)
                self._deadlines.add(agent.timer)
        self._touched_agents[agent.agent_id] = agent
