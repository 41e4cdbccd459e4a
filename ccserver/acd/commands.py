"""What the distributor wants done. Imperative, frozen; executed in the order given."""

from dataclasses import dataclass
from enum import StrEnum

from ccserver.acd.events import AgentPresence
from ccserver.types import AgentId, ContactId, Medium, OfferId


class RescindReason(StrEnum):
    """Why an offer is withdrawn."""

    TIMED_OUT = "timed_out"
    ABANDONED = "abandoned"
    LEFT = "left"
    AGENT_WITHDRAWN = "agent_withdrawn"


class ContactState(StrEnum):
    """Where a contact stands."""

    WAITING = "waiting"
    OFFERED = "offered"
    TALKING = "talking"
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
class ContactView:
    """A contact as others may see it. Times in seconds of the core's clock."""

    contact_id: ContactId
    medium: Medium
    queue: str
    priority: int
    arrived_at: float
    state: ContactState
    agent_id: AgentId | None
    offer_id: OfferId | None
    offer_deadline: float | None


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent as others may see it. Times in seconds of the core's clock.

    ``since`` is the start of the state; of an IDLE agent it is the time that orders the idle, which
    an offer that was rescinded through no fault of the agent's does not change.
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


@dataclass(frozen=True, slots=True)
class OfferContact:
    """Ring the agent's device and pop the card, until ``deadline`` (core's clock)."""

    offer_id: OfferId
    contact_id: ContactId
    agent_id: AgentId
    deadline: float


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


@dataclass(frozen=True, slots=True)
class PublishContact:
    """Tell everyone who watches that the contact changed."""

    contact: ContactView


@dataclass(frozen=True, slots=True)
class PublishAgent:
    """Tell everyone who watches that the agent changed."""

    agent: AgentView


Command = OfferContact | RescindOffer | ConnectContact | PublishContact | PublishAgent
