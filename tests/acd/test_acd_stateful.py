"""Proves that no order of any events, at any times, breaks an invariant or surprises the oracle.

Hypothesis looks for the shortest sequence that does. Identifiers come from small pools, so that
duplicates, reorderings and events about what is unknown or over come by themselves.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from ccserver.acd import events as e
from ccserver.acd.core import ACDCore
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId, ContactId, OfferId
from sim.acd.controller import Controller

CONTACTS = st.sampled_from([ContactId(f"contact-{n}") for n in range(6)])
AGENTS = st.sampled_from([AgentId(f"agent-{n}") for n in range(4)])
OFFERS = st.integers(1, 12).map(lambda n: OfferId(f"run1-{n}"))
PRESENCES = st.sampled_from(
    [
        e.AgentPresence(e.PresenceKind.READY),
        e.AgentPresence(e.PresenceKind.OFF),
        e.AgentPresence(e.PresenceKind.NOT_READY, "break"),
        e.AgentPresence(e.PresenceKind.NOT_READY, "training"),
    ]
)
TIMES = st.sampled_from([0.0, 0.0, 1.0, 2.5, 5.0, 40.0, -3.0])
ARRIVALS = st.sampled_from([0.0, 1.0, 50.0, 1e9])


class AnyEvents(RuleBasedStateMachine):
    """Tells a core anything at all; the controller checks each step."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.controller = Controller(
            DistributorSettings(offer_timeout_s=5.0, wrap_up_s=5.0, reject_delay_s=2.5),
            ACDCore,
            self_check=True,
            digest=False,
            trace=None,
        )

    def tell(self, event: e.Event) -> None:
        self.controller.event(event, now=self.now)

    @rule(seconds=TIMES)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def timer(self) -> None:
        self.controller.timer(now=self.now)

    @rule()
    def timer_when_due(self) -> None:
        deadline = self.controller.core.next_deadline()
        if deadline is not None:
            self.now = deadline
            self.controller.timer(now=self.now)

    @rule(contact=CONTACTS, priority=st.sampled_from([5, 10]), arrived_at=ARRIVALS)
    def contact_arrived(self, contact: ContactId, priority: int, arrived_at: float) -> None:
        self.tell(e.ContactArrived(contact, "emergency", priority, arrived_at))

    @rule(contact=CONTACTS, agent=st.none() | AGENTS, arrived_at=ARRIVALS)
    def contact_adopted(self, contact: ContactId, agent: AgentId | None, arrived_at: float) -> None:
        self.tell(e.ContactAdopted(contact, "emergency", 5, arrived_at, agent))

    @rule(contact=CONTACTS, kind=st.sampled_from([e.ContactAbandoned, e.ContactEnded]))
    def contact_over(
        self, contact: ContactId, kind: type[e.ContactAbandoned] | type[e.ContactEnded]
    ) -> None:
        self.tell(kind(contact))

    @rule(contact=CONTACTS)
    def contact_left(self, contact: ContactId) -> None:
        self.tell(e.ContactLeft(contact))

    @rule(contact=CONTACTS, agent=st.none() | AGENTS)
    def contact_returned(self, contact: ContactId, agent: AgentId | None) -> None:
        self.tell(e.ContactReturned(contact, agent))

    @rule(agent=AGENTS)
    def agent_joins(self, agent: AgentId) -> None:
        self.tell(e.AgentAdded(agent))
        self.tell(e.AgentDeviceChanged(agent, True, False))
        self.tell(e.AgentPresenceChanged(agent, e.AgentPresence(e.PresenceKind.READY)))

    @rule(agent=AGENTS, presence=PRESENCES)
    def presence(self, agent: AgentId, presence: e.AgentPresence) -> None:
        self.tell(e.AgentPresenceChanged(agent, presence))

    @rule(agent=AGENTS, reachable=st.booleans(), busy=st.booleans())
    def device(self, agent: AgentId, reachable: bool, busy: bool) -> None:
        self.tell(e.AgentDeviceChanged(agent, reachable, busy))

    @rule(agent=AGENTS)
    def wrap_up_ended(self, agent: AgentId) -> None:
        self.tell(e.WrapUpEnded(agent))

    @rule(offer=OFFERS)
    def offer_accepted(self, offer: OfferId) -> None:
        self.tell(e.OfferAccepted(offer))

    @rule(offer=OFFERS, failure=st.sampled_from(e.OfferFailure))
    def offer_failed(self, offer: OfferId, failure: e.OfferFailure) -> None:
        self.tell(e.OfferFailed(offer, failure))


TestAnyEvents = AnyEvents.TestCase
TestAnyEvents.settings = settings(
    max_examples=150,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
