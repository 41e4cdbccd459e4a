"""What the panels show of the live centre: contacts and seats, pushed as they change."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ccserver.accounts import AgentProfile
from ccserver.acd.agent import MISSED_OFFERS
from ccserver.acd.commands import (
    AgentState,
    AgentView,
    AlarmCode,
    ContactState,
    ContactView,
    OfferContact,
    OfferKind,
    Shortage,
)
from ccserver.acd.contact import PRIORITY_MAX
from ccserver.acd.events import Direction
from ccserver.acd.plan import Plan, Requirement, finite
from ccserver.telephony.call import Segment
from ccserver.telephony.party import PartyView
from ccserver.texts import Channel
from ccserver.types import AgentId, ContactId, ConversationId, IncidentId, LegId, Medium
from ccserver.web.ports import Clock

Message = dict[str, object]
Publish = Callable[[Message, AgentId | None], None]

WAITING_STATES = (ContactState.WAITING, ContactState.OFFERED)
TEXT_UNANSWERED = "text_unanswered"
"""The alarm: a citizen whose texts somebody has in hand waits long for an answer."""

NOBODY_THERE = (Shortage.NOBODY_LOGGED_IN, Shortage.NOBODY_QUALIFIED)
"""Of a contact that waits: nobody who could take it is logged in."""


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as everywhere in the API."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Monitored:
    """Which conversation a supervisor listens to, and how."""

    contact_id: ContactId
    mode: str


@dataclass(frozen=True, slots=True)
class Texts:
    """How the texts of a contact stand; ``messages`` counts both directions."""

    conversation_id: ConversationId
    channel: Channel
    last_text_at: datetime
    messages: int
    unanswered_since: datetime | None = None
    overdue: bool = False
    """Whether supervisors were told that the citizen has waited long for an answer."""


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
    caller: str | None = None
    """What tells the caller from others: the number; ``None`` if there is none, and of a test."""
    service: str | None = None
    """The service URN that was asked for; ``None``: a number was dialled."""
    test: bool = False
    """Nobody asked for help: counts nowhere, alarms nobody, and is not called back."""
    trunk: str | None = None
    """By whom it came, as the SIP edge knows it."""
    skills: tuple[Requirement, ...] = ()
    """What its entry needs of a call taker, on top of the queue."""
    vehicle: Message | None = None
    """What is known of the car that calls, as the panels are told it."""
    site: str = ""
    direction: Direction = Direction.INBOUND
    language: str | None = None
    """The language that the caller chose by key, or spoke with us last time."""
    silent: bool = False
    """Nothing is heard from the caller."""
    cannot_speak: bool = False
    """The caller said so by key."""
    muted_agents: frozenset[AgentId] = frozenset()
    """The call takers in the conversation whom nobody hears."""
    dialled: bool = False
    """Of a call that we place: the citizen's phone has been rung."""
    answered: bool = False
    on_hold: bool = False
    left: bool = False
    """The parachute queue has it."""
    parachute_agent: AgentId | None = None
    held_since: datetime | None = None
    parties: tuple[PartyView, ...] = ()
    told_parties: dict[LegId, PartyView] = field(default_factory=dict)
    """Those of whom the card says that they joined."""
    segment: Segment | None = None
    alarms: set[AlarmCode] = field(default_factory=set)
    """What supervisors were told of the present wait."""
    texts: Texts | None = None
    """Of a contact by text."""


class LiveView:
    """The live contacts and seats; every change goes out as one message."""

    def __init__(self, publish: Publish, clock: Clock) -> None:
        self._publish = publish
        self._clock = clock
        self._contacts: dict[ContactId, LiveContact] = {}
        self._profiles: dict[AgentId, AgentProfile] = {}
        self._agents: dict[AgentId, AgentView] = {}
        self._plan = Plan()
        self._monitors: dict[AgentId, Monitored] = {}
        self._removed: set[AgentId] = set()
        self.noticed: Callable[[ContactId], None] = lambda _: None
        """Told of every contact that changed or is gone, after the panels."""
        self.added: Callable[[LiveContact], None] = lambda _: None
        """Told of every contact that comes alive."""
        # Fixed, so that keys made at different times compare as the distributor's own do.
        self._origin = clock.now() - timedelta(seconds=clock.monotonic())

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
        self.added(contact)

    def changed(self, contact: LiveContact) -> None:
        """Tell the panels."""
        if contact.contact_id in self._contacts:
            self._publish({"type": "contact", "contact": self._contact_message(contact)}, None)
            self.noticed(contact.contact_id)

    def remove(self, contact_id: ContactId) -> LiveContact | None:
        """The contact is over."""
        contact = self._contacts.pop(contact_id, None)
        if contact is not None:
            self._publish({"type": "contact_gone", "contact_id": contact_id}, None)
            self.noticed(contact_id)
        return contact

    def add_seat(self, profile: AgentProfile) -> None:
        """A seat with its name and phone, or other ones than before."""
        self._removed.discard(profile.agent_id)
        self._profiles[profile.agent_id] = profile
        view = self._agents.get(profile.agent_id)
        if view is not None:
            self.agent_changed(view)

    def remove_seat(self, agent_id: AgentId) -> None:
        """The seat exists no more; it is shown until its last conversation is over."""
        self._removed.add(agent_id)
        view = self._agents.get(agent_id)
        if view is not None:
            self._drop_if_at_rest(view)

    def _drop_if_at_rest(self, view: AgentView) -> None:
        if view.agent_id in self._removed and view.state is AgentState.OFF and not view.contacts:
            self._removed.discard(view.agent_id)
            for known in (self._profiles, self._agents, self._monitors):
                known.pop(view.agent_id, None)
            self._publish({"type": "agent_gone", "agent_id": view.agent_id}, None)

    def name_of(self, agent_id: AgentId) -> str | None:
        """Who sits there."""
        profile = self._profiles.get(agent_id)
        return profile.name if profile is not None else None

    def seat(self, agent_id: AgentId) -> AgentView | None:
        """The distributor's view of a seat."""
        return self._agents.get(agent_id)

    def agent_changed(self, view: AgentView) -> None:
        """Tell the panels of a seat."""
        if view.agent_id not in self._profiles:
            return  # removed, and at rest since
        self._agents[view.agent_id] = view
        self._publish({"type": "agent", "agent": self._agent_message(view)}, None)
        self._drop_if_at_rest(view)

    def plan_changed(self, plan: Plan) -> None:
        """Another routing plan; tells of the seats and contacts that it shows differently."""
        before, self._plan = self._plan, plan
        for agent_id, view in list(self._agents.items()):
            if before.agents.get(agent_id) != plan.agents.get(agent_id):
                self.agent_changed(view)
        for contact in self._contacts.values():
            if before.queue(contact.queue) != plan.queue(contact.queue):
                self.changed(contact)

    def monitor_changed(self, agent_id: AgentId, monitored: Monitored | None) -> None:
        """What a supervisor's seat listens to."""
        if monitored is None:
            self._monitors.pop(agent_id, None)
        else:
            self._monitors[agent_id] = monitored
        view = self._agents.get(agent_id)
        if view is not None:
            self.agent_changed(view)

    def monitors_of(self, contact_id: ContactId) -> list[tuple[AgentId, Monitored]]:
        """Who takes part in a conversation as a supervisor."""
        return [each for each in self._monitors.items() if each[1].contact_id == contact_id]

    def monitored(self, agent_id: AgentId) -> Monitored | None:
        """What a supervisor's seat listens to now."""
        return self._monitors.get(agent_id)

    def snapshot(self) -> dict[str, object]:
        """Everything, for a panel that connects."""
        return {
            "contacts": [self._contact_message(contact) for contact in self._contacts.values()],
            "agents": [self._agent_message(view) for view in self._agents.values()],
        }

    def alarms(self) -> list[Message]:
        """The distributor's alarms whose reason lasts, for a panel that connects."""
        found: list[Message] = [
            {"code": code.value, "data": alarm_data(contact.contact_id, None, contact.queue)}
            for contact in self._contacts.values()
            for code in sorted(contact.alarms)
            if _alarm_lasts(contact, code)
        ]
        found += [
            {"code": TEXT_UNANSWERED, "data": text_alarm_data(contact)}
            for contact in self._contacts.values()
            if contact.texts is not None and contact.texts.overdue
        ]
        found += [
            {
                "code": AlarmCode.OFFERS_MISSED.value,
                "data": alarm_data(None, view.agent_id, None),
            }
            for view in self._agents.values()
            if view.presence == MISSED_OFFERS
        ]
        return found

    def offer_message(self, contact: LiveContact, offer: OfferContact) -> Message:
        """The pop at one seat."""
        return {
            "type": "offer",
            "offer": {
                "offer_id": offer.offer_id,
                "contact_id": contact.contact_id,
                "incident_id": contact.incident_id,
                "agent_id": offer.agent_id,
                "kind": offer.kind.value,
                "medium": contact.medium.value,
                "deadline": iso(self.wall(offer.deadline)),
                "caller_number": contact.caller_number,
                "caller_number_hidden": contact.caller_number_hidden,
                "queue": contact.queue,
                "priority": contact.priority,
                "arrived_at": iso(contact.arrived_at),
            },
        }

    def _state(self, contact: LiveContact) -> str:
        view = contact.view
        if view is None or view.state is ContactState.GONE:
            # Before the distributor's first word it is about to stand in line.
            return "parachute" if contact.left else ContactState.WAITING.value
        if view.state is ContactState.TALKING:
            if contact.direction is Direction.OUTBOUND and not contact.answered:
                return "dialling"
            if contact.on_hold:
                return "held"
        return view.state.value

    def _contact_message(self, contact: LiveContact) -> Message:
        view = contact.view
        offers = [
            {
                "offer_id": offer.offer_id,
                "agent_id": offer.agent_id,
                "kind": _kind_of_offer(contact, view),
                "deadline": iso(self.wall(offer.deadline)),
            }
            for offer in (view.offers if view is not None else ())
        ]
        return {
            "contact_id": contact.contact_id,
            "incident_id": contact.incident_id,
            "card_number": contact.card_number,
            "queue_class": self._plan.queue(contact.queue).queue_class,
            "sort_at": iso(self._sort_at(contact)),
            "held_since": (
                iso(contact.held_since) if contact.on_hold and contact.held_since else None
            ),
            "medium": contact.medium.value,
            "conversation": _texts_message(contact.texts),
            "direction": contact.direction.value,
            "queue": contact.queue,
            "priority": contact.priority,
            "state": self._state(contact),
            "caller_number": contact.caller_number,
            "caller_number_hidden": contact.caller_number_hidden,
            "arrived_at": iso(contact.arrived_at),
            "agent_id": view.agent_id if view is not None else contact.parachute_agent,
            "service": contact.service,
            "test": contact.test,
            "trunk": contact.trunk,
            "vehicle": contact.vehicle,
            "offer": offers[0] if offers else None,
            "offers": offers,
            "on_hold": contact.on_hold,
            "muted": view is not None and view.agent_id in contact.muted_agents,
            "language": contact.language,
            "silent": contact.silent,
            "cannot_speak": contact.cannot_speak,
            "redial": view.redial if view is not None else False,
            "escalated": view.escalated if view is not None else False,
            "shortage": view.shortage.value if view is not None and view.shortage else None,
            "handed_over": view is not None and view.state is ContactState.HANDED_OVER,
            "participants": list(view.participants) if view is not None else [],
            "parties": [
                _party_message(party, muted=party.agent_id in contact.muted_agents)
                for party in contact.parties
            ],
        }

    def _sort_at(self, contact: LiveContact) -> datetime:
        """Whoever has the earliest is next within the class; the distributor's own order."""
        queue, arrived_at = self._plan.queue(contact.queue), contact.arrived_at
        if contact.view is not None:  # somebody who is back has an earlier place
            arrived_at = self._origin + timedelta(seconds=contact.view.arrived_at)
        points = min(max(contact.priority, 0), PRIORITY_MAX)
        head_start_s = finite(queue.head_start_s, 0.0) + points * finite(queue.priority_step_s, 0.0)
        return arrived_at - timedelta(seconds=head_start_s)

    def _agent_message(self, view: AgentView) -> Message:
        profile = self._profiles[view.agent_id]
        abilities = self._plan.agent(view.agent_id)
        monitored = self._monitors.get(view.agent_id)
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
            "contacts": list(view.contacts),
            "assisting": view.assisting,
            "missed_offers": view.missed_offers,
            "site": abilities.site,
            "skills": [{"skill": r.skill, "level": r.level} for r in abilities.skills],
            "queues": list(abilities.queues) if abilities.queues is not None else None,
            "monitoring": (
                {"contact_id": monitored.contact_id, "mode": monitored.mode} if monitored else None
            ),
            "reachable": view.reachable,
            "busy": view.busy,
            "wrap_up_deadline": (
                iso(self.wall(view.wrap_up_deadline)) if view.wrap_up_deadline is not None else None
            ),
        }


def _kind_of_offer(contact: LiveContact, view: ContactView | None) -> str:
    if view is not None and view.state in (ContactState.TALKING, ContactState.HANDED_OVER):
        return OfferKind.ASSIST.value
    outbound = contact.direction is Direction.OUTBOUND and not contact.answered
    return (OfferKind.OUTBOUND if outbound else OfferKind.ANSWER).value


def _texts_message(texts: Texts | None) -> Message | None:
    if texts is None:
        return None
    since = texts.unanswered_since
    return {
        "conversation_id": texts.conversation_id,
        "channel": texts.channel.value,
        "unanswered_since": None if since is None else iso(since),
        "last_text_at": iso(texts.last_text_at),
        "messages": texts.messages,
    }


def text_alarm_data(contact: LiveContact) -> Message:
    """What the alarm of a text without an answer is about; not active once it has one."""
    agent_id = contact.view.agent_id if contact.view is not None else None
    overdue = contact.texts is not None and contact.texts.overdue
    return {**alarm_data(contact.contact_id, agent_id, contact.queue), "active": overdue}


def alarm_data(
    contact_id: ContactId | None, agent_id: AgentId | None, queue: str | None
) -> Message:
    """What an alarm of the distributor's is about."""
    return {"active": True, "contact_id": contact_id, "agent_id": agent_id, "queue": queue}


def _alarm_lasts(contact: LiveContact, code: AlarmCode) -> bool:
    view = contact.view
    if view is None or view.state not in WAITING_STATES:
        return False
    return code is not AlarmCode.NOBODY_LOGGED_IN or view.shortage in NOBODY_THERE


def _party_message(party: PartyView, *, muted: bool) -> Message:
    return {
        "party_id": party.party_id,
        "kind": party.kind,
        "agent_id": party.agent_id,
        "number": party.number,
        "name": party.name,
        "state": party.state,
        "muted": muted,
    }
