"""Proves that no order of any events, at any times, under any plan, breaks a promise of the core.

Hypothesis looks for a sequence that does. Identifiers come from small pools, so that
duplicates, reorderings and events about what is unknown or over come by themselves. After every
step the four promises are checked, and the commands are compared with what they may say: an offer
is made once, is connected or rescinded once while it is open, and what was published is what holds.
"""

from dataclasses import replace

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.core import ACDCore
from ccserver.acd.plan import (
    AgentPlan,
    OverflowStep,
    Plan,
    QueuePlan,
    RelaxStep,
    Requirement,
    Selection,
)
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId, ContactId, Medium, OfferId

CONTACT_IDS = [ContactId(f"contact-{n}") for n in range(6)]
AGENT_IDS = [AgentId(f"agent-{n}") for n in range(4)]
CONTACTS, AGENTS = st.sampled_from(CONTACT_IDS), st.sampled_from(AGENT_IDS)
WHICH = st.integers(0, 3)
"""One of those who are in question at that moment."""
OFFERS = st.integers(1, 12).map(lambda n: OfferId(f"t-{n}"))
PRESENCES = st.sampled_from(
    [
        e.AgentPresence(e.PresenceKind.READY),
        e.AgentPresence(e.PresenceKind.READY),
        e.AgentPresence(e.PresenceKind.OFF),
        e.AgentPresence(e.PresenceKind.NOT_READY, "break"),
        e.AgentPresence(e.PresenceKind.NOT_READY, "training"),
    ]
)
TIMES = st.sampled_from([0.0, 0.0, 1.0, 2.5, 5.0, 40.0, -3.0])
ARRIVALS = st.sampled_from([0.0, 1.0, 50.0, 1e9, float("nan")])
QUEUES = st.sampled_from(["emergency", "office", "nowhere"])
MEDIA = st.sampled_from([Medium.VOICE, Medium.VOICE, Medium.SMS])
CALLERS = st.sampled_from([None, "x", "y"])
SITES = st.sampled_from(["", "riga", "liepaja"])
REQUIREMENTS = st.builds(
    Requirement, st.sampled_from(["language:lv", "language:ru", "ecall"]), st.integers(0, 4)
)
SKILLS = st.lists(REQUIREMENTS, max_size=2).map(tuple)
STEPS = st.sampled_from([0.0, 1.0, 5.0, 30.0, -1.0, float("nan"), float("inf")])
QUEUE_PLANS = st.builds(
    QueuePlan,
    name=st.sampled_from(["emergency", "office"]),
    queue_class=st.integers(0, 9),
    head_start_s=st.sampled_from([0.0, 30.0, float("nan")]),
    skills=SKILLS,
    relax=st.lists(
        st.builds(
            RelaxStep, STEPS, st.sampled_from(["*", "language:*", "ecall"]), st.integers(0, 3)
        ),
        max_size=2,
    ).map(tuple),
    overflow=st.lists(st.builds(OverflowStep, STEPS, QUEUES, SITES), max_size=2).map(tuple),
    sites=st.lists(SITES, max_size=2).map(tuple),
    site_affinity=st.booleans(),
    prefer_last_agent=st.booleans(),
    selection=st.sampled_from(Selection),
    ring_all_max=st.integers(-1, 3),
    offer_timeout_s=st.sampled_from([None, 3.0, -1.0, float("nan")]),
    wrap_up_s=st.sampled_from([None, 3.0, 0.0]),
    alarm_after_s=STEPS,
    escalate_after_s=STEPS,
    redial_window_s=st.sampled_from([600.0, 3.0, float("nan")]),
)
AGENT_PLANS = st.builds(
    AgentPlan,
    agent_id=AGENTS,
    queues=st.none() | st.lists(QUEUES, max_size=2).map(tuple),
    skills=SKILLS,
    site=SITES,
    text_max=st.integers(-1, 2),
)
PLANS = st.builds(
    lambda queues, agents, **rest: Plan(
        queues={queue.name: queue for queue in queues},
        agents={agent.agent_id: agent for agent in agents},
        **rest,
    ),
    st.lists(QUEUE_PLANS, max_size=2),
    st.lists(AGENT_PLANS, max_size=4),
    fallback=QUEUE_PLANS,
    missed_offers_max=st.integers(0, 2),
    text_during_voice=st.booleans(),
    voice_during_text=st.booleans(),
    wrap_up_extension_max_s=st.sampled_from([20.0, 0.0, float("nan")]),
)


class AnyEvents(RuleBasedStateMachine):
    """Tells a core anything at all, and checks each answer."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        times = DistributorSettings(offer_timeout_s=5.0, wrap_up_s=5.0, reject_delay_s=2.5)
        self.core = ACDCore(times, instance="t")
        self.offers: dict[OfferId, tuple[c.OfferContact, str]] = {}
        self.contacts: dict[ContactId, c.ContactView] = {}
        self.agents: dict[AgentId, c.AgentView] = {}

    def tell(self, event: e.Event) -> None:
        before = self.core.contact_views(), self.core.agent_views()
        stale = self.core.ignored.total()
        commands = self.core.handle_event(event, now=self.now)
        if self.core.ignored.total() > stale:
            assert (self.core.contact_views(), self.core.agent_views()) == before
            assert all(isinstance(command, c.RescindOffer) for command in commands)
        self.check(commands, repeats=isinstance(event, e.OfferAccepted))

    def check(self, commands: list[c.Command], *, repeats: bool = False) -> None:
        self.core.check_invariants()
        for command in commands:
            match command:
                case c.OfferContact():
                    assert command.offer_id not in self.offers
                    assert command.deadline > self.now
                    self.offers[command.offer_id] = (command, "open")
                case c.ConnectContact() | c.RescindOffer():
                    offer, state = self.offers[command.offer_id]
                    connects = isinstance(command, c.ConnectContact)
                    assert state == "open" or (repeats and not connects)
                    assert (command.contact_id, command.agent_id) == (
                        offer.contact_id,
                        offer.agent_id,
                    )
                    if connects:
                        assert command == c.ConnectContact(
                            offer.offer_id, offer.contact_id, offer.agent_id, offer.kind
                        )
                    self.offers[command.offer_id] = (offer, "connected" if connects else "over")
                case c.PublishContact(contact):
                    assert self.contacts.get(contact.contact_id) != contact
                    self.contacts[contact.contact_id] = contact
                    if contact.state is c.ContactState.GONE:
                        del self.contacts[contact.contact_id]
                case c.PublishAgent(agent):
                    assert self.agents.get(agent.agent_id) != agent
                    self.agents[agent.agent_id] = agent
        assert {view.contact_id: view for view in self.core.contact_views()} == self.contacts
        living = {view.agent_id: view for view in self.core.agent_views()}
        for removed in self.agents.keys() - living.keys():
            assert self.agents.pop(removed).state is c.AgentState.OFF
        assert living == self.agents

    @rule(seconds=TIMES)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def timer(self) -> None:
        self.check(self.core.handle_timer(now=self.now))
        deadline = self.core.next_deadline()
        assert deadline is None or deadline > self.now

    @rule()
    def timer_when_due(self) -> None:
        deadline = self.core.next_deadline()
        if deadline is not None:
            self.now = max(self.now, deadline)
            self.timer()

    @rule(
        contact=CONTACTS,
        queue=QUEUES,
        priority=st.sampled_from([5, 10]),
        arrived_at=ARRIVALS,
        medium=MEDIA,
        caller=CALLERS,
        skills=SKILLS,
        site=SITES,
        preferred=st.none() | AGENTS,
        direction=st.sampled_from(e.Direction),
    )
    def contact_arrived(
        self,
        *,
        contact: ContactId,
        queue: str,
        priority: int,
        arrived_at: float,
        medium: Medium,
        caller: str | None,
        skills: tuple[Requirement, ...],
        site: str,
        preferred: AgentId | None,
        direction: e.Direction,
    ) -> None:
        self.tell(
            e.ContactArrived(
                contact,
                queue,
                priority,
                arrived_at,
                medium,
                caller,
                skills,
                site,
                preferred,
                direction,
            )
        )

    @rule(contact=CONTACTS)
    def plain_arrival(self, contact: ContactId) -> None:
        self.tell(e.ContactArrived(contact, "emergency", 5, self.now))

    @rule(
        contact=CONTACTS,
        agent=st.none() | AGENTS,
        arrived_at=ARRIVALS,
        medium=MEDIA,
        caller=CALLERS,
        participants=st.lists(AGENTS, max_size=2).map(tuple),
        handed_over=st.booleans(),
    )
    def contact_adopted(
        self,
        *,
        contact: ContactId,
        agent: AgentId | None,
        arrived_at: float,
        medium: Medium,
        caller: str | None,
        participants: tuple[AgentId, ...],
        handed_over: bool,
    ) -> None:
        self.tell(
            e.ContactAdopted(
                contact,
                "emergency",
                5,
                arrived_at,
                agent,
                medium,
                caller,
                participants=participants,
                handed_over=handed_over,
            )
        )

    @rule(contact=CONTACTS, agent=AGENTS, medium=MEDIA)
    def contact_placed(self, contact: ContactId, agent: AgentId, medium: Medium) -> None:
        self.tell(e.ContactPlaced(contact, agent, "office", medium))

    @rule(contact=CONTACTS, cut=st.booleans())
    def contact_ended(self, contact: ContactId, cut: bool) -> None:
        self.tell(e.ContactEnded(contact, cut))

    @rule(contact=CONTACTS, kind=st.sampled_from([e.ContactAbandoned, e.ContactLeft]))
    def contact_over(
        self, contact: ContactId, kind: type[e.ContactAbandoned] | type[e.ContactLeft]
    ) -> None:
        self.tell(kind(contact))

    @rule(contact=CONTACTS, agent=st.none() | AGENTS)
    def contact_returned(self, contact: ContactId, agent: AgentId | None) -> None:
        self.tell(e.ContactReturned(contact, agent))

    @rule(contact=CONTACTS, skills=SKILLS)
    def contact_skills_changed(self, contact: ContactId, skills: tuple[Requirement, ...]) -> None:
        self.tell(e.ContactSkillsChanged(contact, skills))

    def _holder(self, contact: ContactId, agent: AgentId) -> AgentId:
        """Most wishes come from the one who talks."""
        held = self.contacts.get(contact)
        return held.agent_id if held is not None and held.agent_id is not None else agent

    @rule(contact=CONTACTS, agent=AGENTS, queue=st.none() | QUEUES, to=st.none() | AGENTS)
    def contact_transferred(
        self, contact: ContactId, agent: AgentId, queue: str | None, to: AgentId | None
    ) -> None:
        by_agent = self._holder(contact, agent)
        self.tell(e.ContactTransferred(contact, by_agent, queue, to))

    @rule(contact=CONTACTS, agent=AGENTS)
    def contact_picked(self, contact: ContactId, agent: AgentId) -> None:
        self.tell(e.ContactPicked(contact, agent))

    @rule(contact=CONTACTS, agent=AGENTS)
    def participant_invited(self, contact: ContactId, agent: AgentId) -> None:
        self.tell(e.ParticipantInvited(contact, agent))

    @rule(contact=CONTACTS, agent=AGENTS)
    def participant_left(self, contact: ContactId, agent: AgentId) -> None:
        self.tell(e.ParticipantLeft(contact, agent))

    @rule(contact=CONTACTS, agent=AGENTS, to=st.none() | AGENTS)
    def contact_handed_over(self, contact: ContactId, agent: AgentId, to: AgentId | None) -> None:
        self.tell(e.ContactHandedOver(contact, self._holder(contact, agent), to))

    @rule(contact=CONTACTS, to=st.none() | AGENTS)
    def contact_taken_from_outside(self, contact: ContactId, to: AgentId | None) -> None:
        self.tell(e.ContactHandedOver(contact, None, to))

    def _in_state(self, state: c.ContactState, which: int) -> ContactId | None:
        found = [key for key, view in self.contacts.items() if view.state is state]
        return found[which % len(found)] if found else None

    @rule(which=WHICH, agent=AGENTS)
    def colleague_invited(self, which: int, agent: AgentId) -> None:
        """The same as `participant_invited`, but of somebody who talks."""
        contact = self._in_state(c.ContactState.TALKING, which)
        if contact is not None:
            self.tell(e.ParticipantInvited(contact, agent))

    @rule(which=WHICH)
    def invitation_withdrawn(self, which: int) -> None:
        asked = [
            offer
            for offer, state in self.offers.values()
            if state == "open" and offer.kind is c.OfferKind.ASSIST
        ]
        if asked:
            offer = asked[which % len(asked)]
            self.tell(e.ParticipantLeft(offer.contact_id, offer.agent_id))

    @rule(which=WHICH, to=st.none() | AGENTS)
    def conversation_handed_over(self, which: int, to: AgentId | None) -> None:
        contact = self._in_state(c.ContactState.TALKING, which)
        if contact is not None:
            self.tell(e.ContactHandedOver(contact, self.contacts[contact].agent_id, to))

    @rule(which=WHICH, to=AGENTS)
    def outside_party_replaced(self, which: int, to: AgentId) -> None:
        contact = self._in_state(c.ContactState.HANDED_OVER, which)
        if contact is not None:
            self.tell(e.ContactHandedOver(contact, None, to))

    @rule(caller=st.sampled_from(["x", "y"]), arrived_at=ARRIVALS, over_at=ARRIVALS)
    def redial_expected(self, caller: str, arrived_at: float, over_at: float) -> None:
        self.tell(e.RedialExpected(caller, arrived_at, 7, over_at))

    @rule(plan=PLANS)
    def plan_changed(self, plan: Plan) -> None:
        self.tell(e.PlanChanged(plan))

    @rule(selection=st.sampled_from(Selection), text_max=st.integers(0, 2))
    def plain_plan(self, selection: Selection, text_max: int) -> None:
        agents = {agent: AgentPlan(agent, text_max=text_max) for agent in AGENT_IDS}
        fallback = replace(Plan().fallback, selection=selection)
        self.tell(e.PlanChanged(Plan(agents=agents, fallback=fallback)))

    @rule(agent=AGENTS)
    def agent_joins(self, agent: AgentId) -> None:
        self.tell(e.AgentAdded(agent))
        self.tell(e.AgentDeviceChanged(agent, True, False))
        self.tell(e.AgentPresenceChanged(agent, e.AgentPresence(e.PresenceKind.READY)))

    @rule(agent=AGENTS)
    def agent_removed(self, agent: AgentId) -> None:
        self.tell(e.AgentRemoved(agent))

    @rule(agent=AGENTS, presence=PRESENCES)
    def presence(self, agent: AgentId, presence: e.AgentPresence) -> None:
        self.tell(e.AgentPresenceChanged(agent, presence))

    @rule(agent=AGENTS, reachable=st.booleans(), busy=st.booleans())
    def device(self, agent: AgentId, reachable: bool, busy: bool) -> None:
        self.tell(e.AgentDeviceChanged(agent, reachable, busy))

    @rule(agent=AGENTS)
    def wrap_up_ended(self, agent: AgentId) -> None:
        self.tell(e.WrapUpEnded(agent))

    @rule(agent=AGENTS, by_s=st.sampled_from([5.0, -5.0, 1e9, float("nan")]))
    def wrap_up_extended(self, agent: AgentId, by_s: float) -> None:
        self.tell(e.WrapUpExtended(agent, by_s))

    @rule(offer=OFFERS)
    def offer_accepted(self, offer: OfferId) -> None:
        self.tell(e.OfferAccepted(offer))

    @rule(which=WHICH)
    def open_offer_accepted(self, which: int) -> None:
        ringing = [key for key, (_, state) in self.offers.items() if state == "open"]
        if ringing:
            self.tell(e.OfferAccepted(ringing[which % len(ringing)]))

    @rule(offer=OFFERS, failure=st.sampled_from(e.OfferFailure))
    def offer_failed(self, offer: OfferId, failure: e.OfferFailure) -> None:
        open_before = self.offers.get(offer, (None, ""))[1] == "open"
        self.tell(e.OfferFailed(offer, failure))
        if open_before:
            self.offers[offer] = (self.offers[offer][0], "over")


TestAnyEvents = AnyEvents.TestCase
TestAnyEvents.settings = settings(
    max_examples=200,
    stateful_step_count=60,
    deadline=None,
    # To shorten 60 steps that fail takes minutes: let Hypothesis do it at a desk, without this.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
