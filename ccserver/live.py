"""What the panels show of the live centre: contacts and seats, pushed as they change."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ccserver.accounts import AgentProfile
from ccserver.acd.commands import AgentView, ContactState, ContactView
from ccserver.types import AgentId, ContactId, IncidentId, Medium
from ccserver.web.ports import Clock

Message = dict[str, object]
Publish = Callable[[Message, AgentId | None], None]


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as everywhere in the API."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class LiveContact:
    """One contact that is alive, with what several rooms know of it."""

    contact_id: ContactId
    arrived_at: datetime
    caller_number: str | None
    caller_number_hidden: bool
    queue: str
    priority: int
    medium: Medium = Medium.VOICE
    view: ContactView | None = None
    """The distributor's view; ``None`` while it is out of its hands."""
    incident_id: IncidentId | None = None
    card_number: str | None = None
    answered: bool = False
    on_hold: bool = False
    parachute_agent: AgentId | None = None


class LiveView:
    """The live contacts and seats; every change goes out as one message."""

    def __init__(self, publish: Publish, clock: Clock) -> None:
        self._publish = publish
        self._clock = clock
        self._contacts: dict[ContactId, LiveContact] = {}
        self._profiles: dict[AgentId, AgentProfile] = {}
        self._agents: dict[AgentId, AgentView] = {}

    def wall(self, moment: float) -> datetime:
        """The wall clock's time of a moment of the monotonic clock."""
        return self._clock.now() + timedelta(seconds=moment - self._clock.monotonic())

    def get(self, contact_id: ContactId) -> LiveContact | None:
        """A live contact."""
        return self._contacts.get(contact_id)

    def contacts(self) -> list[LiveContact]:
        """All live contacts."""
        return list(self._contacts.values())

    def agents(self) -> list[AgentView]:
        """All seats."""
        return list(self._agents.values())

    def add(self, contact: LiveContact) -> None:
        """A contact is alive from now on."""
        self._contacts[contact.contact_id] = contact

    def changed(self, contact: LiveContact) -> None:
        """Tell the panels."""
        if contact.contact_id in self._contacts:
            self._publish({"type": "contact", "contact": self._contact_message(contact)}, None)

    def remove(self, contact_id: ContactId) -> LiveContact | None:
        """The contact is over."""
        contact = self._contacts.pop(contact_id, None)
        if contact is not None:
            self._publish({"type": "contact_gone", "contact_id": contact_id}, None)
        return contact

    def add_seat(self, profile: AgentProfile) -> None:
        """A seat with its name and phone."""
        self._profiles[profile.agent_id] = profile

    def seat(self, agent_id: AgentId) -> AgentView | None:
        """The distributor's view of a seat."""
        return self._agents.get(agent_id)

    def agent_changed(self, view: AgentView) -> None:
        """Tell the panels of a seat."""
        self._agents[view.agent_id] = view
        self._publish({"type": "agent", "agent": self._agent_message(view)}, None)

    def snapshot(self) -> dict[str, object]:
        """Everything, for a panel that connects."""
        return {
            "contacts": [self._contact_message(contact) for contact in self._contacts.values()],
            "agents": [self._agent_message(view) for view in self._agents.values()],
        }

    def offer_message(self, contact: LiveContact, view: ContactView, agent_id: AgentId) -> Message:
        """The pop at one seat."""
        assert view.offer_deadline is not None
        return {
            "type": "offer",
            "offer": {
                "offer_id": view.offer_id,
                "contact_id": contact.contact_id,
                "incident_id": contact.incident_id,
                "agent_id": agent_id,
                "deadline": iso(self.wall(view.offer_deadline)),
                "caller_number": contact.caller_number,
                "caller_number_hidden": contact.caller_number_hidden,
                "queue": contact.queue,
                "priority": contact.priority,
                "arrived_at": iso(contact.arrived_at),
            },
        }

    def _state(self, contact: LiveContact) -> str:
        if contact.view is None or contact.view.state is ContactState.GONE:
            return "parachute"
        if contact.on_hold and contact.view.state is ContactState.TALKING:
            return "held"
        return contact.view.state.value

    def _contact_message(self, contact: LiveContact) -> Message:
        view = contact.view
        offer = None
        if view is not None and view.offer_id is not None and view.offer_deadline is not None:
            deadline = iso(self.wall(view.offer_deadline))
            offer = {"offer_id": view.offer_id, "deadline": deadline}
        return {
            "contact_id": contact.contact_id,
            "incident_id": contact.incident_id,
            "card_number": contact.card_number,
            "medium": contact.medium.value,
            "queue": contact.queue,
            "priority": contact.priority,
            "state": self._state(contact),
            "caller_number": contact.caller_number,
            "caller_number_hidden": contact.caller_number_hidden,
            "arrived_at": iso(contact.arrived_at),
            "agent_id": view.agent_id if view is not None else contact.parachute_agent,
            "offer": offer,
            "on_hold": contact.on_hold,
        }

    def _agent_message(self, view: AgentView) -> Message:
        profile = self._profiles[view.agent_id]
        pending = view.presence_pending
        return {
            "agent_id": view.agent_id,
            "name": profile.name,
            "extension": profile.extension,
            "device": profile.device.value,
            "presence": {"kind": view.presence.kind.value, "reason": view.presence.reason},
            "presence_pending": (
                {"kind": pending.kind.value, "reason": pending.reason} if pending else None
            ),
            "state": view.state.value,
            "since": iso(self.wall(view.since)),
            "contact_id": view.contact_id,
            "reachable": view.reachable,
            "busy": view.busy,
            "wrap_up_deadline": (
                iso(self.wall(view.wrap_up_deadline)) if view.wrap_up_deadline else None
            ),
        }
