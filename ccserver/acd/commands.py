"""What the distributor wants done. Imperative, frozen; executed in the order given."""

from dataclasses import dataclass
from enum import StrEnum

from ccserver.acd.events import AgentPresence, Direction
from ccserver.acd.plan import Requirement
from ccserver.types import AgentId, ContactId, Medium, OfferId


class RescindReason(StrEnum):
    """Why an offer is withdrawn."""

    TIMED_OUT = "timed_out"
    ABANDONED = "abandoned"
    LEFT = "left"
    AGENT_WITHDRAWN = "agent_withdrawn"
    ANSWERED_ELSEWHERE = "answered_elsewhere"  # another of several phones was first
    ENDED = "ended"  # the conversation that it should have joined is over, or passed on
    SOMEBODY_CAME = "somebody_came"  # a vacant position rang, and somebody on duty can take it


class OfferKind(StrEnum):
    """What accepting an offer leads to."""

    ANSWER = "answer"  # the citizen is waiting
    ASSIST = "assist"  # a second call taker joins a conversation
    OUTBOUND = "outbound"  # the citizen is dialled


class AlarmCode(StrEnum):
    """What supervisors are told, once for each contact or agent that it is about."""

    CONTACT_WAITS = "contact_waits"
    NOBODY_LOGGED_IN = "nobody_logged_in"  # nobody who could take it
    CONTACT_ESCALATED = "contact_escalated"  # waited so long that every position may get it
    OFFERS_MISSED = "offers_missed"  # the agent is now NOT_READY


class Shortage(StrEnum):
    """Why a contact waits: of those who could take it by queue, skill and site."""

    NOBODY_QUALIFIED = "nobody_qualified"  # there are none
    NOBODY_LOGGED_IN = "nobody_logged_in"  # all are OFF
    NO_DEVICE = "no_device"  # nobody who is there has a reachable device
    ALL_BUSY = "all_busy"


class ContactState(StrEnum):
    """Where a contact stands."""

    WAITING = "waiting"
    OFFERED = "offered"
    TALKING = "talking"
    HANDED_OVER = "handed_over"  # talks with an outside party, and with no call taker
    GONE = "gone"  # published once, when the core forgets the contact


class AgentState(StrEnum):
    """What the core derived of an agent."""

    OFF = "off"
    NOT_READY = "not_ready"
    UNAVAILABLE = "unavailable"  # ready, but the device is unreachable, busy or just failed
    IDLE = "idle"
    RESERVED = "reserved"
    TALKING = "talking"
    WRAP_UP = "wrap_up"


@dataclass(frozen=True, slots=True)
class OfferView:
    """One device that rings."""

    offer_id: OfferId
    agent_id: AgentId
    deadline: float


@dataclass(frozen=True, slots=True)
class ContactView:
    """A contact as others may see it. Times in seconds of the core's clock.

    ``agent_id`` is the first whose device rings, or the responsible call taker; ``offer_id`` and
    ``offer_deadline`` are those of the first offer while it is OFFERED. ``offers`` are all that are
    open, also those to second call takers. ``escalated``: every position may get it, because it
    has waited long, or for as long as nobody who could take it is logged in.
    """

    contact_id: ContactId
    medium: Medium
    queue: str
    priority: int
    arrived_at: float
    state: ContactState
    agent_id: AgentId | None
    offer_id: OfferId | None
    offer_deadline: float | None
    offers: tuple[OfferView, ...] = ()
    shortage: Shortage | None = None  # of one that waits
    escalated: bool = False
    redial: bool = False  # came back, and has its earlier place
    direction: Direction = Direction.INBOUND
    participants: tuple[AgentId, ...] = ()
    skills: tuple[Requirement, ...] = ()  # its own, without those of the queue


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent as others may see it. Times in seconds of the core's clock.

    ``since`` is the start of the state; of an IDLE agent it is the time that orders the idle, which
    an offer that was rescinded through no fault of the agent's does not change. The state is that
    of the voice slot; ``contacts`` are the text conversations beside it.
    """

    agent_id: AgentId
    presence: AgentPresence
    presence_pending: AgentPresence | None  # asked for during a contact, takes effect after it
    state: AgentState
    since: float
    contact_id: ContactId | None
    reachable: bool
    busy: bool
    wrap_up_deadline: float | None
    paused_until: float | None = None  # no offer before it, after one that failed
    contacts: tuple[ContactId, ...] = ()
    missed_offers: int = 0  # one after the other
    assisting: bool = False  # helps in the conversation of another
    wrap_up_extended_s: float = 0.0


@dataclass(frozen=True, slots=True)
class OfferContact:
    """Ring the agent's device and pop the card, until ``deadline`` (core's clock)."""

    offer_id: OfferId
    contact_id: ContactId
    agent_id: AgentId
    deadline: float
    kind: OfferKind = OfferKind.ANSWER


@dataclass(frozen=True, slots=True)
class RescindOffer:
    """Stop ringing; the offer no longer counts."""

    offer_id: OfferId
    contact_id: ContactId
    agent_id: AgentId
    reason: RescindReason


@dataclass(frozen=True, slots=True)
class ConnectContact:
    """The offer was accepted in time: join the citizen and the call taker."""

    offer_id: OfferId
    contact_id: ContactId
    agent_id: AgentId
    kind: OfferKind = OfferKind.ANSWER


@dataclass(frozen=True, slots=True)
class RaiseAlarm:
    """Tell the supervisors."""

    code: AlarmCode
    contact_id: ContactId | None
    agent_id: AgentId | None
    queue: str | None


@dataclass(frozen=True, slots=True)
class PublishContact:
    """Tell everyone who watches that the contact changed."""

    contact: ContactView


@dataclass(frozen=True, slots=True)
class PublishAgent:
    """Tell everyone who watches that the agent changed."""

    agent: AgentView


Command = OfferContact | RescindOffer | ConnectContact | RaiseAlarm | PublishContact | PublishAgent
