"""Citizens who gave up, and the cards in memory."""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ccserver.callbacks import AbandonedContact, AnsweredContact, digits_of
from ccserver.db import DatabaseUnavailable
from ccserver.types import AgentId, ContactId, IncidentId

START = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
NUMBER = "+37129123456"
ANNA = AgentId("agent-101")
BORIS = AgentId("agent-102")

Abandoned = Callable[..., AbandonedContact]


def second(number: float) -> datetime:
    return START + timedelta(seconds=number)


def contact_id(name: str) -> ContactId:
    """A contact's id that a failing test can be read by."""
    return ContactId(str(uuid.uuid5(uuid.NAMESPACE_OID, name)))


def gave_up(name: str = "first", at: float = 0, **changes: object) -> AbandonedContact:
    values: dict[str, object] = {
        "contact_id": contact_id(name),
        "number": NUMBER,
        "incident_id": IncidentId(f"incident-{name}"),
        "card_number": "2026-000001",
        "queue": "emergency",
        "priority": 5,
        "arrived_at": second(at - 20),
        "abandoned_at": second(at),
    }
    return AbandonedContact(**(values | changes))  # type: ignore[arg-type]


@dataclass
class FakeSource:
    """The cards in memory; may be away."""

    abandoned: list[AbandonedContact] = field(default_factory=list)
    answered: list[AnsweredContact] = field(default_factory=list)
    dialled: set[ContactId] = field(default_factory=set)
    away: bool = False
    asked: int = 0

    async def abandoned_contacts(self, since: datetime) -> Sequence[AbandonedContact]:
        self.asked += 1
        if self.away:
            raise DatabaseUnavailable("away")
        return [one for one in self.abandoned if one.abandoned_at >= since]

    async def answered_contacts(
        self, digits: Collection[str], since: datetime
    ) -> Sequence[AnsweredContact]:
        if self.away:
            raise DatabaseUnavailable("away")
        return [
            one
            for one in self.answered
            if one.answered_at > since and digits_of(one.number) in digits
        ]

    async def dialled_contacts(self, contact_ids: Collection[ContactId]) -> set[ContactId]:
        return self.dialled & set(contact_ids)
