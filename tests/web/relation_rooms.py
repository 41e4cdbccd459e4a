"""A stand-in for the room in which cards are joined, in memory."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from ccserver.card import CardHead, Joined, Related, UnknownIncident
from ccserver.types import ContactId, IncidentId
from tests.web.fakes import INCIDENT


@dataclass
class FakeRelations:
    """One card, which may be merged into any other."""

    done: list[str] = field(default_factory=list)

    async def merge(
        self, source_id: IncidentId, target_id: IncidentId, *, author: str, at: datetime
    ) -> Joined:
        return self._done("merge", source_id)

    async def split(
        self,
        incident_id: IncidentId,
        contact_ids: Collection[ContactId],
        *,
        author: str,
        at: datetime,
    ) -> Joined:
        return self._done("split", incident_id)

    async def set_parent(
        self, incident_id: IncidentId, parent_id: IncidentId | None, *, author: str, at: datetime
    ) -> Joined:
        return self._done("link", incident_id)

    async def related(self, incident_id: IncidentId) -> Related | None:
        return Related() if incident_id == INCIDENT else None

    def _done(self, what: str, incident_id: IncidentId) -> Joined:
        if incident_id != INCIDENT:
            raise UnknownIncident
        self.done.append(what)
        return Joined(CardHead(INCIDENT, "2026-000001"))
