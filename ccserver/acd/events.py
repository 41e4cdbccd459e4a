"""What the world tells the distributor. Past tense, frozen, ordered only by arrival.

Every ``*_at`` is in seconds of the clock that also gives ``now`` to the core.
"""

from dataclasses import dataclass
from enum import StrEnum

from ccserver.types import AgentId, ContactId, Medium, OfferId


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
    """A contact wants to be answered. ``priority`` 0–10, 10 highest; waits from ``arrived_at``."""

    contact_id: ContactId
    queue: str
    priority: int
    arrived_at: float
    medium: Medium = Medium.VOICE


@dataclass(frozen=True, slots=True)
class ContactAdopted:
    """A contact found alive after a restart; ``agent_id`` if it is already being talked with."""

    contact_id: ContactId
    queue: str
    priority: int
    arrived_at: float
    agent_id: AgentId | None
    medium: Medium = Medium.VOICE


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
    """The conversation is over, whoever hung up."""

    contact_id: ContactId


@dataclass(frozen=True, slots=True)
class AgentAdded:
    """A seat exists from now on; it starts OFF and unreachable."""

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


Event = (
    ContactArrived
    | ContactAdopted
    | ContactAbandoned
    | ContactReturned
    | ContactLeft
    | ContactEnded
    | AgentAdded
    | AgentPresenceChanged
    | AgentDeviceChanged
    | OfferAccepted
    | OfferFailed
    | WrapUpEnded
)
