"""Stand-ins for the rooms of a card's own data, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ccserver.card import (
    CardField,
    FieldConflict,
    FieldSaved,
    FieldVersion,
    UnknownEntry,
    UnknownIncident,
)
from ccserver.card.fields import check_name, checked
from ccserver.types import IncidentId
from tests.web.fakes import INCIDENT


@dataclass
class FakeFields:
    """The fields of one card, checked as the real ones are."""

    saves: dict[str, list[FieldVersion]] = field(default_factory=dict)
    fails: Exception | None = None

    async def save_field(
        self,
        incident_id: IncidentId,
        name: str,
        value: object,
        *,
        base_version: int,
        author: str,
        at: datetime,
    ) -> FieldSaved:
        kept = checked(name, value)
        self._check(incident_id)
        saves = self.saves.setdefault(name, [])
        if base_version != len(saves):
            raise FieldConflict(_current(saves))
        saves.append(FieldVersion(base_version + 1, kept.value, at, author))
        return FieldSaved(base_version + 1, at, kept.warnings)

    async def field_history(self, incident_id: IncidentId, name: str) -> Sequence[FieldVersion]:
        check_name(name)
        self._check(incident_id)
        return self.saves.get(name, [])[::-1]

    async def undo(self, incident_id: IncidentId, key: str, *, author: str, at: datetime) -> None:
        self._check(incident_id)
        name, _, version = key.removeprefix("field_saved:").rpartition(":")
        saves = self.saves.setdefault(name, [])
        if version != str(len(saves)):
            raise UnknownEntry
        saves.append(FieldVersion(len(saves) + 1, None, at, author))

    def _check(self, incident_id: IncidentId) -> None:
        if self.fails:
            raise self.fails
        if incident_id != INCIDENT:
            raise UnknownIncident


def _current(saves: Sequence[FieldVersion]) -> CardField | None:
    if not saves:
        return None
    last = saves[-1]
    return CardField(last.value, last.version, last.saved_at, last.author or "")
