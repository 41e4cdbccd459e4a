"""Stand-ins for the rooms of a card's own data, in memory."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ccserver.card import (
    CardAttachment,
    CardField,
    CardLocation,
    FieldConflict,
    FieldSaved,
    FieldVersion,
    Place,
    StoredAttachment,
    UnknownAttachment,
    UnknownEntry,
    UnknownIncident,
    UnknownLocation,
)
from ccserver.card.fields import check_name, checked
from ccserver.card.locations import Pin, place_of
from ccserver.location import Location, LocationKind
from ccserver.types import ContactId, IncidentId, LocationId
from tests.web.fakes import CONTACT, INCIDENT, START


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
        return place_of(incident_id, self.told, Pin(location_id, at))

    def _check(self, incident_id: IncidentId) -> None:
        if self.fails:
            raise self.fails
        if incident_id != INCIDENT:
            raise UnknownIncident


@dataclass
class FakeContactLocations:
    """One contact; notes what is told of it."""

    told: list[tuple[ContactId, str, Location, str]] = field(default_factory=list)
    fails: Exception | None = None

    async def knows(self, contact_id: ContactId) -> bool:
        if self.fails:
            raise self.fails
        return contact_id == CONTACT

    def locate(self, contact_id: ContactId, key: str, location: Location, *, author: str) -> None:
        self.told.append((contact_id, key, location, author))


ATTACHMENT = "3f2a6c1e-0d4b-4c43-9d56-0f2f8b6f1b07"


class FakeAttachments:
    """The files of one card: one is there from the beginning."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "attachment"
        self._path.write_bytes(b"<script>1</script>")
        self.kept = [self._attachment(ATTACHMENT, "page.html", "text/html")]
        self.removed: list[str] = []
        self.fails: Exception | None = None

    def _attachment(self, key: str, name: str, media_type: str) -> CardAttachment:
        return CardAttachment(key, INCIDENT, name, media_type, 18, "ab", START, "anna")

    async def add(
        self,
        incident_id: IncidentId,
        chunks: AsyncIterator[bytes],
        *,
        name: str,
        media_type: str,
        author: str,
        at: datetime,
    ) -> CardAttachment:
        if self.fails:
            raise self.fails
        if incident_id != INCIDENT:
            raise UnknownIncident
        async for _ in chunks:
            pass
        self.kept.append(self._attachment(f"new-{len(self.kept)}", name, media_type))
        return self.kept[-1]

    async def get(self, attachment_id: str) -> StoredAttachment:
        if self.fails:
            raise self.fails
        for one in self.kept:
            if one.attachment_id == attachment_id:
                return StoredAttachment(one, INCIDENT, self._path)
        raise UnknownAttachment

    async def remove(self, attachment_id: str, *, author: str, at: datetime) -> None:
        self.removed.append(attachment_id)


def _current(saves: Sequence[FieldVersion]) -> CardField | None:
    if not saves:
        return None
    last = saves[-1]
    return CardField(last.value, last.version, last.saved_at, last.author or "")
