"""What the world tells the distributor. Past tense, frozen, ordered only by arrival.

Every ``*_at`` is in seconds of the clock that also gives ``now`` to the core.
"""

from dataclasses import dataclass
from enum import StrEnum

from ccserver.acd.plan import Plan, Requirement
from ccserver.types import AgentId, ContactId, Medium, OfferId


class Direction(StrEnum):
    """Who calls whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    """We call: the contact waits in line like any other; once accepted, the citizen is dialled."""


class PresenceKind(StrEnum):
    """What the person declared."""

    OFF = "off"
    READY = "ready"
    NOT_READY = "not_ready"


@dataclass(frozen=True, slots=True)
class AgentPresence:
    """A declared presence; ``reason`` is a code (``break``, ``training``) of a NOT_READY one."""

    kind: PresenceKind
    reason: str | None = None


class OfferFailure(StrEnum):
    """Why an offer came back before its deadline."""

    REJECTED = "rejected"  # the call taker said no (SIP 603, 486 by a key, or the panel)
    BUSY = "busy"  # the device was in another call (SIP 486)
    UNREACHABLE = "unreachable"  # not registered, or no answer from the device at all
    FAILED = "failed"  # everything else that the telephony edge reports


@dataclass(frozen=True, slots=True)
class ContactArrived:
    """A contact wants to be answered. ``priority`` 0–10, 10 highest; waits from ``arrived_at``.

    ``caller`` is whatever the edge recognises a person by; the core only compares it, to know a
    voice caller who comes back. ``skills`` come on top of those of the queue. ``site`` is where it
    came in. ``preferred_agent`` spoke with this person last.
    """

    contact_id: ContactId
    queue: str
    priority: int
    arrived_at: float
    medium: Medium = Medium.VOICE
    caller: str | None = None
    skills: tuple[Requirement, ...] = ()
    site: str = ""
    preferred_agent: AgentId | None = None
    direction: Direction = Direction.INBOUND


@dataclass(frozen=True, slots=True)
class ContactAdopted:
    """A contact found alive after a restart; ``agent_id`` if it is already being talked with.

    ``handed_over`` without an agent: it talks with an outside party only. ``participants`` help in
    the conversation; if nobody is named as responsible, the first of them is.
    """

    contact_id: ContactId
    queue: str
    priority: int
    arrived_at: float
    agent_id: AgentId | None
    medium: Medium = Medium.VOICE
    caller: str | None = None
    skills: tuple[Requirement, ...] = ()
    site: str = ""
    direction: Direction = Direction.INBOUND
    participants: tuple[AgentId, ...] = ()
    handed_over: bool = False


@dataclass(frozen=True, slots=True)
class ContactPlaced:
    """A call taker calls out: its own device is rung at once, then the citizen is dialled.

    Needs an agent with a reachable device who is IDLE, NOT_READY or in WRAP_UP. A call ends the
    wrap-up; a text leaves the voice slot as it is, and needs that no other text is offered. If the
    offer fails, the contact is gone.
    """

    contact_id: ContactId
    agent_id: AgentId
    queue: str
    medium: Medium = Medium.VOICE
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class ContactAbandoned:
    """The citizen left before an answer, while waiting or while a phone rang."""

    contact_id: ContactId


@dataclass(frozen=True, slots=True)
class ContactReturned:
    """A contact lost its call taker other than by a hang-up, or could not be connected.

    It waits again with its first arrival time, so it is ahead of all that came after it.
    ``agent_id`` names who lost it: a late or repeated report, which comes when the contact already
    talks with somebody else, is then recognised and does not part them.
    """

    contact_id: ContactId
    agent_id: AgentId | None = None


@dataclass(frozen=True, slots=True)
class ContactLeft:
    """A contact went out of the distributor's hands (the dialplan's parachute queue took it)."""

    contact_id: ContactId


@dataclass(frozen=True, slots=True)
class ContactEnded:
    """The conversation is over, whoever hung up; ``cut`` if it was the network."""

    contact_id: ContactId
    cut: bool = False


@dataclass(frozen=True, slots=True)
class ContactSkillsChanged:
    """The contact's own requirements are now these (a language chosen by a key, for example)."""

    contact_id: ContactId
    skills: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class ContactTransferred:
    """A conversation was passed on by its call taker: the contact waits again in its old place.

    To ``queue`` (none: its own), or first to ``agent_id``, who is offered it if he may be rung by
    name; if not, or if that offer fails, it stands in line like any other. Relaxation, overflow
    and alarms are counted anew from here.
    """

    contact_id: ContactId
    by_agent: AgentId
    queue: str | None = None
    agent_id: AgentId | None = None


@dataclass(frozen=True, slots=True)
class ContactPicked:
    """A call taker took a contact from the waiting list: it is offered to nobody else.

    Skills and queues are not asked (whoever may pick may pick any; the right is the edge's to
    check), but the agent must be one who may be rung by name: IDLE, or NOT_READY with a reachable,
    free device and no pause.
    """

    contact_id: ContactId
    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class ContactHandedOver:
    """The call taker left a conversation that goes on.

    ``to_agent`` is responsible now: a participant, or a supervisor who came in by herself; none: an
    outside party is alone with the citizen. ``from_agent`` is none if it was until now.
    """

    contact_id: ContactId
    from_agent: AgentId | None
    to_agent: AgentId | None


@dataclass(frozen=True, slots=True)
class ParticipantInvited:
    """Another agent, who may be rung by name, is asked to join a voice conversation."""

    contact_id: ContactId
    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class ParticipantLeft:
    """A second call taker left a conversation that goes on, or is no longer asked to join it.

    There is no wrap-up.
    """

    contact_id: ContactId
    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class RedialExpected:
    """Start-up only: this caller abandoned, or was cut off, at ``over_at``."""

    caller: str
    arrived_at: float
    priority: int
    over_at: float


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """The routing is now this one. Offers and conversations go on as they are."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class AgentAdded:
    """A seat exists from now on; it starts OFF and unreachable."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class AgentRemoved:
    """A seat exists no more: OFF at once, forgotten when its last conversation is over."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class AgentPresenceChanged:
    """The person declared a presence; takes effect after the contact in hand, if there is one."""

    agent_id: AgentId
    presence: AgentPresence


@dataclass(frozen=True, slots=True)
class AgentDeviceChanged:
    """What is known of the seat's device: can it be rung, is it in a call of another origin."""

    agent_id: AgentId
    reachable: bool
    busy: bool


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    """The call taker answered the offer."""

    offer_id: OfferId


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """The offer came back unanswered before its deadline."""

    offer_id: OfferId
    failure: OfferFailure


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """The call taker finished the work after a contact."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    """The call taker needs more time after a contact; bounded by the plan in all."""

    agent_id: AgentId
    by_s: float


Event = (
    ContactArrived
    | ContactAdopted
    | ContactPlaced
    | ContactAbandoned
    | ContactReturned
    | ContactLeft
    | ContactEnded
    | ContactSkillsChanged
    | ContactTransferred
    | ContactPicked
    | ContactHandedOver
    | ParticipantInvited
    | ParticipantLeft
    | RedialExpected
    | PlanChanged
    | AgentAdded
    | AgentRemoved
    | AgentPresenceChanged
    | AgentDeviceChanged
    | OfferAccepted
    | OfferFailed
    | WrapUpEnded
    | WrapUpExtended
)
