"""A text on its way in or out, as ways (SMS, SIP, apps) and conversations tell one another.

A way hands in an `IncomingText` inside the transaction in which it stops being the way's own
business, and is given an `OutgoingText` inside the one in which the call taker's text is saved, so
that neither can be lost between them. What becomes of an outgoing text comes back as `Delivery`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ccserver.types import MessageId


class Channel(StrEnum):
    """By which way a text came, and goes back."""

    SMS = "sms"
    SIP = "sip"
    """SIP MESSAGE (RFC 3428)."""
    APP = "app"
    """An application, over our HTTPS interface."""


@dataclass(frozen=True, slots=True)
class IncomingText:
    """A citizen's text, as much of it as is there.

    ``key`` names the message: handed in again with the same key it replaces what was known of it,
    which is how later parts mend a text that was shown in pieces. ``citizen`` and ``our_number``
    are as the way tells them, a telephone number as `ccserver.types.PhoneNumber` writes it where
    it is one. ``via`` is what a reply leaves by: the name of the bind, the endpoint, the key.
    ``sent_at`` is what the citizen's side says, ``received_at`` our clock.
    """

    key: str
    channel: Channel
    via: str
    citizen: str
    our_number: str
    text: str
    received_at: datetime
    sent_at: datetime | None = None
    replyable: bool = True
    """An alphanumeric sender cannot be written to."""
    parts_have: int = 1
    parts_total: int = 1
    complete: bool = True
    duplicate: bool = False
    """The same octets came from the same sender with the same time within a day."""
    oddities: tuple[str, ...] = ()
    """Codes of what was strange about it; the text is the best effort."""


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """A text to a citizen; leaves by ``via``, or by another bind of the same operator."""

    message_id: MessageId
    channel: Channel
    via: str
    citizen: str
    our_number: str
    text: str
    at: datetime


class DeliveryState(StrEnum):
    """How far an outgoing text is; a later one of these never becomes an earlier one again."""

    QUEUED = "queued"
    """Saved, and not yet handed over."""
    SENT = "sent"
    """The operator has all of it."""
    UNKNOWN = "unknown"
    """Handed over without an answer, so it was handed over again: it may arrive twice."""
    DELIVERED = "delivered"
    """The citizen's device has all of it."""
    FAILED = "failed"
    """At least a part will never arrive; ``error`` says why."""
    EXPIRED = "expired"
    """Not delivered in its time."""


FINAL_STATES = frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.EXPIRED})
"""What they say is never overwritten by anything else."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is known of an outgoing text. ``error`` is a code of ours, or the operator's number."""

    message_id: MessageId
    state: DeliveryState
    at: datetime
    error: str | None = None
    parts_done: int = 0
    parts_total: int = 1
