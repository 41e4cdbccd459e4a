"""Stand-ins for the rooms of a card's own data, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ccserver.card import (
    CardField,
    CardLocation,
    FieldConflict,
    FieldSaved,
    FieldVersion,
    Place,
    UnknownEntry,
    UnknownIncident,
    UnknownLocation,
)
from ccserver.card.fields import check_name, checked
from ccserver.card.locations import Pin, place_of
from ccserver.location import Location, LocationKind
from ccserver.types import ContactId, IncidentId, LocationId
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


@dataclass
class FakePlaces:
    """The locations of one card, all of which it knows."""

    told: list[CardLocation] = field(default_factory=list)
    fails: Exception | None = None

    async def add_location(
        self,
        incident_id: IncidentId,
        location: Location,
        *,
        kind: LocationKind,
        key: str,
        author: str,
        contact_id: ContactId | None = None,
        address: tuple[object, int] | None = None,
    ) -> CardLocation:
        self._check(incident_id)
        if address is not None:
            checked("address", address[0])
        known = CardLocation(
            LocationId(f"location-{len(self.told)}"),
            incident_id,
            contact_id,
            kind,
            location,
            author,
        )
        self.told.append(known)
        return known

    async def pin_location(
        self, incident_id: IncidentId, location_id: LocationId | None, *, author: str, at: datetime
    ) -> Place:
        self._check(incident_id)
        pinned = next((one for one in self.told if one.location_id == location_id), None)
        if location_id is not None and pinned is None:
            raise UnknownLocation
        return place_of(self.told, Pin(location_id, at))

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
