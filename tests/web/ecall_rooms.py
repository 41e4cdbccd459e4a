"""Stand-ins for the data of calls and for cars that are handed over."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from ccserver.calldata.third_party import HandOver
from ccserver.location.oddities import Oddity
from ccserver.types import AgentId, ContactId, IncidentId
from ccserver.web.ecalls import HandedOver, KeyReused
from ccserver.web.ports import JSONObject
from tests.web.fakes import CONTACT, INCIDENT

ASKED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class FakeEmergencyData:
    """The data of one contact, on one card."""

    done: list[tuple[object, ...]] = field(default_factory=list)
    fails: Exception | None = None

    async def card_of(self, contact_id: ContactId) -> IncidentId | None:
        return INCIDENT if contact_id == CONTACT else None

    async def data(self, contact_id: ContactId) -> JSONObject:
        return {"service": None, "trunk": None, "test": False, "vehicle": None, "items": []}

    async def request_msd(self, contact_id: ContactId, agent_id: AgentId | None) -> datetime:
        if self.fails:
            raise self.fails
        self.done.append(("request", contact_id, agent_id))
        return ASKED_AT

    async def clear_down(
        self, contact_id: ContactId, agent_id: AgentId | None, *, supervises: bool, author: str
    ) -> None:
        if self.fails:
            raise self.fails
        self.done.append(("clear_down", contact_id, agent_id, supervises, author))


@dataclass
class FakeHandOvers:
    """Cars that are all on one card; the second is there already."""

    taken: list[tuple[HandOver, str, str]] = field(default_factory=list)

    async def take(
        self, document: bytes, media_type: str, *, key: str, author: str, at: datetime
    ) -> HandedOver:
        told = HandOver.parse(document, media_type)
        first = next((known for known, its, _ in self.taken if its == key), None)
        if first not in (None, told):
            raise KeyReused(CONTACT)
        created = first is None
        self.taken.append((told, key, author))
        return HandedOver(INCIDENT, "2026-000001", CONTACT, (Oddity("clock", "0"),), created)
