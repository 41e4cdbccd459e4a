"""What the gateway needs of others: sessions with operators, and whoever takes what came.

Takers run inside the gateway's transactions, so that a text stops being the gateway's business in
the moment in which it becomes theirs.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from sqlalchemy.orm import Session

from ccserver.texts import Delivery, IncomingText

Kind = Literal["texts", "aml", "deliveries"]


class Positions(Protocol):
    """Who takes the positions that phones send as texts; ``aml`` as `Takers` says it."""

    def is_aml(self, text: str) -> bool:
        """Tell whether this is the beginning of a position, or all of it. Pure."""

    def is_aml_tail(self, text: str) -> bool:
        """Tell whether this looks like a later part of a position. Pure."""

    def aml(
        self,
        session: Session,
        *,
        key: str,
        text: str,
        octets_hex: str,
        sender: str,
        received_at: datetime,
    ) -> None:
        """Take a position; ``octets_hex`` is the user data, where it came in one part."""


class Takers(Positions, Protocol):
    """Composed by the application: conversations, positions, and what they tell the centre.

    ``texts``, ``aml`` and ``deliveries`` write only by the session they are given, are quick, and
    the same thing handed in again under its key changes nothing: a transaction may run twice.
    """

    def texts(self, session: Session, texts: Sequence[IncomingText]) -> None:
        """Take citizens' texts; one with a known key is more of the same text."""

    def deliveries(self, session: Session, deliveries: Sequence[Delivery]) -> None:
        """Take how far outgoing texts are."""

    def stored(self, kinds: frozenset[Kind]) -> None:
        """These kinds were taken and are committed; called in the loop."""


class SMPPSession(Protocol):
    """What the gateway needs of `ccserver.sms.session.Session`."""

    @property
    def name(self) -> str:
        """Of the bind."""

    @property
    def ready(self) -> bool:
        """Whether it is bound."""

    @property
    def can_send(self) -> bool:
        """Whether it is bound so that it may send, and not slowed down by the operator."""

    @property
    def free(self) -> int:
        """How many more requests may be unanswered."""

    @property
    def down_since(self) -> float | None:
        """Monotonic seconds; ``None`` while bound."""

    async def run(self) -> None:
        """Keep it bound, for ever."""

    async def submit(self, body: bytes, *, timeout_s: float) -> str:
        """Send a ``submit_sm``; returns the operator's identifier of it."""
