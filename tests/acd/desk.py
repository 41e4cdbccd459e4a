"""A core with readable levers: what the behaviour tests of the distributor are written in."""

from collections.abc import Sequence
from dataclasses import replace

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.core import ACDCore
from ccserver.acd.plan import AgentPlan, Plan, QueuePlan, Requirement
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId, ContactId, Medium, OfferId

TIMES = DistributorSettings(
    offer_timeout_s=15.0,
    wrap_up_s=30.0,
    reject_delay_s=10.0,
    no_answer_delay_s=12.0,
    device_failure_delay_s=5.0,
)
READY = e.AgentPresence(e.PresenceKind.READY)
BREAK = e.AgentPresence(e.PresenceKind.NOT_READY, "break")
OFF = e.AgentPresence(e.PresenceKind.OFF)
LATVIAN, RUSSIAN = Requirement("language:lv", 5), Requirement("language:ru", 5)
EMERGENCY = QueuePlan("emergency", escalate_after_s=1e6, alarm_after_s=1e6)
"""A queue that neither escalates nor alarms within a test."""


class Desk:
    """Tells a core events at ``now``; checks the invariants after each; keeps what it wanted."""

    def __init__(self, *ready: str, instance: str = "t", plan: Plan | None = None) -> None:
        self.core = ACDCore(TIMES, instance=instance, plan=plan)
        self.now = 0.0
        self.alarms: list[tuple[str, str]] = []
        self.published: list[c.ContactView | c.AgentView] = []
        for name in ready:
            self.join(name)

    def tell(self, event: e.Event, *, at: float | None = None) -> list[c.Command]:
        """Return the effects. Publications go to ``published``, alarms are added to ``alarms``."""
        if at is not None:
            self.now = at
        return self._effects(self.core.handle_event(event, now=self.now))

    def timer(self, *, at: float) -> list[c.Command]:
        self.now = at
        return self._effects(self.core.handle_timer(now=at))

    def _effects(self, commands: Sequence[c.Command]) -> list[c.Command]:
        self.core.check_invariants()
        effects: list[c.Command] = []
        self.published = []
        for command in commands:
            if isinstance(command, c.PublishContact):
                self.published.append(command.contact)
            elif isinstance(command, c.PublishAgent):
                self.published.append(command.agent)
            elif isinstance(command, c.RaiseAlarm):
                assert not self.published, "effects come before publications"
                self.alarms.append((command.code, command.contact_id or command.agent_id or ""))
            else:
                assert not self.published, "effects come before publications"
                effects.append(command)
        return effects

    # ---- events ----

    def join(self, name: str, *, at: float | None = None) -> list[c.Command]:
        """Add an agent with a working device who is ready."""
        self.tell(e.AgentAdded(AgentId(name)), at=at)
        self.device(name)
        return self.presence(name, READY)

    def device(
        self, name: str, *, reachable: bool = True, busy: bool = False, at: float | None = None
    ) -> list[c.Command]:
        return self.tell(e.AgentDeviceChanged(AgentId(name), reachable, busy), at=at)

    def presence(
        self, name: str, presence: e.AgentPresence, *, at: float | None = None
    ) -> list[c.Command]:
        return self.tell(e.AgentPresenceChanged(AgentId(name), presence), at=at)

    def arrive(
        self,
        name: str,
        *,
        priority: int = 5,
        at: float | None = None,
        arrived: float | None = None,
        queue: str = "emergency",
        medium: Medium = Medium.VOICE,
        caller: str | None = None,
        skills: tuple[Requirement, ...] = (),
        site: str = "",
        preferred: str | None = None,
        direction: e.Direction = e.Direction.INBOUND,
    ) -> list[c.Command]:
        if at is not None:
            self.now = at
        return self.tell(
            e.ContactArrived(
                ContactId(name),
                queue,
                priority,
                self.now if arrived is None else arrived,
                medium,
                caller,
                skills,
                site,
                AgentId(preferred) if preferred is not None else None,
                direction,
            )
        )

    def adopt(
        self,
        name: str,
        agent: str | None = None,
        *,
        arrived: float = 0.0,
        priority: int = 5,
        medium: Medium = Medium.VOICE,
        caller: str | None = None,
        participants: tuple[str, ...] = (),
        handed_over: bool = False,
        direction: e.Direction = e.Direction.INBOUND,
    ) -> list[c.Command]:
        return self.tell(
            e.ContactAdopted(
                ContactId(name),
                "emergency",
                priority,
                arrived,
                AgentId(agent) if agent is not None else None,
                medium,
                caller,
                direction=direction,
                participants=tuple(AgentId(other) for other in participants),
                handed_over=handed_over,
            )
        )

    def place(
        self, name: str, agent: str, *, at: float | None = None, medium: Medium = Medium.VOICE
    ) -> list[c.Command]:
        return self.tell(e.ContactPlaced(ContactId(name), AgentId(agent), "office", medium), at=at)

    def transfer(
        self,
        name: str,
        by: str,
        *,
        queue: str | None = None,
        to: str | None = None,
        at: float | None = None,
    ) -> list[c.Command]:
        to_agent = AgentId(to) if to is not None else None
        return self.tell(e.ContactTransferred(ContactId(name), AgentId(by), queue, to_agent), at=at)

    def pick(self, name: str, agent: str, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.ContactPicked(ContactId(name), AgentId(agent)), at=at)

    def invite(self, name: str, agent: str, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.ParticipantInvited(ContactId(name), AgentId(agent)), at=at)

    def part(self, name: str, agent: str, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.ParticipantLeft(ContactId(name), AgentId(agent)), at=at)

    def hand_over(
        self, name: str, agent: str | None, to: str | None = None, *, at: float | None = None
    ) -> list[c.Command]:
        from_agent = AgentId(agent) if agent is not None else None
        to_agent = AgentId(to) if to is not None else None
        return self.tell(e.ContactHandedOver(ContactId(name), from_agent, to_agent), at=at)

    def change(self, plan: Plan, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.PlanChanged(plan), at=at)

    def need(self, name: str, *skills: Requirement, at: float | None = None) -> list[c.Command]:
        return self.tell(e.ContactSkillsChanged(ContactId(name), skills), at=at)

    def remove(self, name: str, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.AgentRemoved(AgentId(name)), at=at)

    def extend(self, name: str, by_s: float, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.WrapUpExtended(AgentId(name), by_s), at=at)

    def abandon(self, name: str, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.ContactAbandoned(ContactId(name)), at=at)

    def end(self, name: str, *, at: float | None = None, cut: bool = False) -> list[c.Command]:
        return self.tell(e.ContactEnded(ContactId(name), cut), at=at)

    def leave(self, name: str, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.ContactLeft(ContactId(name)), at=at)

    def give_back(
        self, name: str, agent: str | None = None, *, at: float | None = None
    ) -> list[c.Command]:
        agent_id = AgentId(agent) if agent is not None else None
        return self.tell(e.ContactReturned(ContactId(name), agent_id), at=at)

    def accept(self, offer: int, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.OfferAccepted(OfferId(f"t-{offer}")), at=at)

    def fail(
        self,
        offer: int,
        failure: e.OfferFailure = e.OfferFailure.REJECTED,
        *,
        at: float | None = None,
    ) -> list[c.Command]:
        return self.tell(e.OfferFailed(OfferId(f"t-{offer}"), failure), at=at)

    def wrap_up(self, name: str, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.WrapUpEnded(AgentId(name)), at=at)

    def talk(self, contact: str, agent: str) -> None:
        """Bring an idle agent, who must be next, into conversation with a new contact."""
        (offer,) = self.arrive(contact)
        assert isinstance(offer, c.OfferContact)
        assert offer.agent_id == agent
        self.tell(e.OfferAccepted(offer.offer_id))

    # ---- looking ----

    def agent(self, name: str) -> c.AgentView:
        return next(view for view in self.core.agent_views() if view.agent_id == name)

    def contact(self, name: str) -> c.ContactView:
        return next(view for view in self.core.contact_views() if view.contact_id == name)

    @property
    def contacts(self) -> dict[str, c.ContactState]:
        return {view.contact_id: view.state for view in self.core.contact_views()}

    @property
    def agents(self) -> dict[str, c.AgentState]:
        return {view.agent_id: view.state for view in self.core.agent_views()}


def offer(
    number: int,
    contact: str,
    agent: str,
    *,
    at: float,
    timeout_s: float = TIMES.offer_timeout_s,
    kind: c.OfferKind = c.OfferKind.ANSWER,
) -> c.OfferContact:
    return c.OfferContact(
        OfferId(f"t-{number}"), ContactId(contact), AgentId(agent), at + timeout_s, kind
    )


def rescind(number: int, contact: str, agent: str, reason: c.RescindReason) -> c.RescindOffer:
    return c.RescindOffer(OfferId(f"t-{number}"), ContactId(contact), AgentId(agent), reason)


def connect(
    number: int, contact: str, agent: str, *, kind: c.OfferKind = c.OfferKind.ANSWER
) -> c.ConnectContact:
    return c.ConnectContact(OfferId(f"t-{number}"), ContactId(contact), AgentId(agent), kind)


def offered(commands: Sequence[c.Command]) -> list[tuple[str, str]]:
    """Return who is offered to whom, in order."""
    return [(x.contact_id, x.agent_id) for x in commands if isinstance(x, c.OfferContact)]


def agent_plans(**plans: AgentPlan) -> dict[AgentId, AgentPlan]:
    """Return plans by the names of agents."""
    return {AgentId(name): replace(plan, agent_id=AgentId(name)) for name, plan in plans.items()}


def queue_plans(*plans: QueuePlan) -> dict[str, QueuePlan]:
    return {plan.name: plan for plan in plans}


ANYBODY = AgentPlan(AgentId("anybody"))
