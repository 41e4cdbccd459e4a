"""A core with readable levers: what the behaviour tests of the distributor are written in."""

from collections.abc import Sequence

from ccserver.acd import commands as c
from ccserver.acd import events as e
from ccserver.acd.core import ACDCore
from ccserver.acd.settings import DistributorSettings
from ccserver.types import AgentId, ContactId, OfferId

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


class Desk:
    """Tells a core events at ``now``; checks the invariants after each; keeps what it wanted."""

    def __init__(self, *ready: str, instance: str = "t") -> None:
        self.core = ACDCore(TIMES, instance=instance)
        self.now = 0.0
        self.published: list[c.ContactView | c.AgentView] = []
        for name in ready:
            self.join(name)

    def tell(self, event: e.Event, *, at: float | None = None) -> list[c.Command]:
        """Return the effects, without publications; those go to ``published``."""
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
        self, name: str, *, priority: int = 5, at: float | None = None, arrived: float | None = None
    ) -> list[c.Command]:
        if at is not None:
            self.now = at
        arrived_at = self.now if arrived is None else arrived
        return self.tell(e.ContactArrived(ContactId(name), "emergency", priority, arrived_at))

    def adopt(
        self, name: str, agent: str | None = None, *, arrived: float = 0.0, priority: int = 5
    ) -> list[c.Command]:
        agent_id = AgentId(agent) if agent is not None else None
        return self.tell(
            e.ContactAdopted(ContactId(name), "emergency", priority, arrived, agent_id)
        )

    def abandon(self, name: str, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.ContactAbandoned(ContactId(name)), at=at)

    def end(self, name: str, *, at: float | None = None) -> list[c.Command]:
        return self.tell(e.ContactEnded(ContactId(name)), at=at)

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
    number: int, contact: str, agent: str, *, at: float, timeout_s: float = TIMES.offer_timeout_s
) -> c.OfferContact:
    return c.OfferContact(
        OfferId(f"t-{number}"), ContactId(contact), AgentId(agent), at + timeout_s
    )


def rescind(number: int, contact: str, agent: str, reason: c.RescindReason) -> c.RescindOffer:
    return c.RescindOffer(OfferId(f"t-{number}"), ContactId(contact), AgentId(agent), reason)


def connect(number: int, contact: str, agent: str) -> c.ConnectContact:
    return c.ConnectContact(OfferId(f"t-{number}"), ContactId(contact), AgentId(agent))
