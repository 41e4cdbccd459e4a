"""Locations in the database: functions of one session.

A location that was told of a contact hangs on it, whichever card the contact is on, and its entry
is one of the contact's; one that a person told of the incident hangs on the incident.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import cast

import structlog
from sqlalchemy import Table, or_, select, update
from sqlalchemy.orm import Session

from ccserver.card.editing import lock_card
from ccserver.card.family import family_of
from ccserver.card.locations import (
    PINNED,
    CardLocation,
    LocationTold,
    Pin,
    Place,
    UnknownLocation,
    place_of,
)
from ccserver.card.models import ContactRow, IncidentRow, IncidentTimelineRow, LocationRow
from ccserver.card.telling import tell
from ccserver.card.text import storable_json
from ccserver.card.values import CardHead, TimelineEntry, TimelineTag, UnknownContact
from ccserver.db import clean_text
from ccserver.location import (
    Location,
    LocationInvalid,
    LocationKind,
    LocationSource,
    Point,
    Position,
    Shape,
    shape_from_json,
)
from ccserver.types import ContactId, IncidentId, LocationId

LOCATIONS_MAX = 1_000
"""The newest of a card that are read. A phone tells one each half a minute; what is older than
eight hours of that is in the database, and says nothing about now."""
ID_NAMESPACE = uuid.UUID("0b6d5a52-3f0e-5c0b-9a51-6f1e2c7f8d40")
"""Makes a location's id out of what it is of and its key: told twice it is the same location."""

LOCATIONS = cast("Table", LocationRow.__table__)

log = structlog.get_logger(__name__)


def lock_incidents_of(session: Session, told: Iterable[LocationTold]) -> None:
    """Lock the incidents of these contacts, before their contacts are.

    In the order of `ccserver.card.editing.lock_card` and of whoever moves contacts, so that nobody
    waits in a circle.
    """
    keys = sorted({one.contact_id for one in told})
    if keys:
        of_contacts = select(ContactRow.incident_id).where(ContactRow.contact_id.in_(keys))
        session.execute(
            select(IncidentRow.incident_id)
            .where(IncidentRow.incident_id.in_(of_contacts))
            .order_by(IncidentRow.incident_id)
            .with_for_update(key_share=True)
        ).all()


def add_told(
    session: Session, told: Sequence[LocationTold], heads: Mapping[ContactId, CardHead]
) -> list[TimelineEntry]:
    """Add what was told of contacts, as far as it is new; return what their timelines say of it.

    Raises `ccserver.location.LocationInvalid` for what is no place on Earth.
    """
    if not told:
        return []
    contacts = sorted({one.contact_id for one in told})
    known = {
        (contact_id, key)
        for contact_id, key in session.execute(
            # Wherever the contact was then: it may have been moved to another card since.
            select(LocationRow.contact_id, LocationRow.key).where(
                LocationRow.contact_id.in_(contacts)
            )
        )
    }
    entries = []
    for one in told:
        key = told_key(one)
        if (one.contact_id, key) in known:
            continue
        known.add((one.contact_id, key))
        incident_id = heads[one.contact_id].incident_id
        row = _row(
            one.location,
            incident_id=incident_id,
            contact_id=one.contact_id,
            kind=one.kind,
            key=key,
            author=one.author,
        )
        session.add(row)
        entries.append(_entry(one, row))
    if entries:
        session.flush()
        for incident_id in sorted({heads[entry.contact_id].incident_id for entry in entries}):
            keep_place(session, incident_id)
    return entries


def told_key(told: LocationTold) -> str:
    """Return what makes it unique on whichever card the contact is; at most 128 characters."""
    return str(uuid.uuid5(ID_NAMESPACE, f"{told.contact_id}:{clean_text(told.key)}"))


def add_location(
    session: Session,
    incident_id: str,
    location: Location,
    *,
    kind: LocationKind,
    key: str,
    author: str,
    contact_id: ContactId | None = None,
) -> CardLocation:
    """Add what a person told of the incident; the same ``key`` again is the same location.

    Raises `UnknownIncident`, `CardMerged`, and `UnknownContact` for one that is not on the card.
    """
    incident = lock_card(session, incident_id)
    if contact_id is not None and not _is_on(session, contact_id, incident.incident_id):
        raise UnknownContact("the contact is not on this card")
    own = clean_text(key)
    found = session.scalars(
        select(LocationRow).where(
            LocationRow.incident_id == incident.incident_id, LocationRow.key == own
        )
    ).one_or_none()
    if found is not None:
        return _location(found)
    row = _row(
        location,
        incident_id=incident.incident_id,
        contact_id=contact_id,
        kind=kind,
        key=own,
        author=author,
    )
    session.add(row)
    tell(
        session,
        incident.incident_id,
        TimelineTag.LOCATION_ADDED,
        f"location_added:{row.location_id}",
        at=location.received_at,
        author=author,
        data=_data(row),
    )
    session.flush()
    keep_place(session, incident.incident_id)
    return _location(row)


def _is_on(session: Session, contact_id: str, incident_id: str) -> bool:
    query = select(ContactRow.contact_id).where(
        ContactRow.contact_id == clean_text(contact_id),
        ContactRow.incident_id.in_(family_of(session, incident_id)),
    )
    return session.scalars(query).one_or_none() is not None


def pin_location(
    session: Session,
    incident_id: str,
    location_id: str | None,
    *,
    author: str,
    at: datetime,
    key: str,
) -> Place:
    """Let this location count, or none in particular; return the incident's place then.

    ``key`` names the entry. Raises `UnknownIncident`, `CardMerged` and `UnknownLocation`.
    """
    incident = lock_card(session, incident_id)
    history = read_locations(session, incident.incident_id)
    if location_id is not None and all(one.location_id != location_id for one in history):
        raise UnknownLocation("this card has no such location")
    pin = read_pin(session, incident.incident_id)
    in_force = pin is not None and place_of(incident.incident_id, history, pin).why == PINNED
    if location_id != (pin.location_id if pin is not None and in_force else None):
        tell(
            session,
            incident.incident_id,
            TimelineTag.LOCATION_PINNED,
            f"location_pinned:{key}",
            at=at,
            author=author,
            data={"location_id": location_id},
        )
        session.flush()
    return keep_place(session, incident.incident_id)


def keep_place(session: Session, incident_id: str) -> Place:
    """Write beside the incident where it is now, for lists, maps and neighbours.

    To be done after everything that changes which locations a card has, with the card locked.
    """
    place = read_place(session, incident_id, read_locations(session, incident_id))
    shape = None if place.current is None else place.current.location.shape
    session.execute(
        update(IncidentRow)
        .where(IncidentRow.incident_id == incident_id)
        .values(
            latitude=None if shape is None else shape.centre.latitude,
            longitude=None if shape is None else shape.centre.longitude,
            radius_m=None if shape is None else shape.radius_m,
        )
    )
    return place


def read_locations(session: Session, incident_id: str) -> tuple[CardLocation, ...]:
    """Return what was told of the card's contacts, of it and of what it has absorbed, by time."""
    family = family_of(session, incident_id)
    contacts = session.scalars(
        select(ContactRow.contact_id).where(ContactRow.incident_id.in_(family))
    ).all()
    query = (
        select(LocationRow)
        .where(
            or_(
                LocationRow.contact_id.in_(contacts),
                LocationRow.contact_id.is_(None) & LocationRow.incident_id.in_(family),
            )
        )
        .order_by(LocationRow.received_at.desc(), LocationRow.location_id.desc())
        .limit(LOCATIONS_MAX)
    )
    return tuple(_location(row) for row in reversed(session.scalars(query).all()))


def read_place(session: Session, incident_id: str, history: Sequence[CardLocation]) -> Place:
    """Return where the incident is."""
    return place_of(incident_id, history, read_pin(session, incident_id))


def read_pin(session: Session, incident_id: str) -> Pin | None:
    """Return what was pinned last."""
    query = (
        select(IncidentTimelineRow)
        .where(
            IncidentTimelineRow.incident_id == incident_id,
            IncidentTimelineRow.tag == TimelineTag.LOCATION_PINNED.value,
        )
        .order_by(IncidentTimelineRow.entry_id.desc())
        .limit(1)
    )
    row = session.scalars(query).one_or_none()
    if row is None:
        return None
    location_id = row.data["location_id"]
    return Pin(None if location_id is None else LocationId(str(location_id)), row.at)


def _row(
    location: Location,
    *,
    incident_id: str,
    contact_id: ContactId | None,
    kind: LocationKind,
    key: str,
    author: str | None,
) -> LocationRow:
    centre = location.shape.centre
    return LocationRow(
        location_id=str(uuid.uuid5(ID_NAMESPACE, f"{contact_id or incident_id}:{key}")),
        incident_id=incident_id,
        contact_id=contact_id,
        kind=kind.value,
        source=location.source.value,
        shape=dict(location.shape.as_json()),
        latitude=centre.latitude,
        longitude=centre.longitude,
        radius_m=location.shape.radius_m,
        confidence=location.confidence,
        observed_at=location.observed_at,
        received_at=location.received_at,
        author=author,
        key=key,
        data=storable_json(dict(location.data)),
    )


def _entry(told: LocationTold, row: LocationRow) -> TimelineEntry:
    return TimelineEntry(
        contact_id=told.contact_id,
        tag=TimelineTag.LOCATION_ADDED,
        at=told.received_at,
        key=f"location_added:{row.location_id}",
        author=told.author,
        data=_data(row),
    )


def _data(row: LocationRow) -> dict[str, str | int | float | bool | None]:
    return {"location_id": row.location_id, "kind": row.kind, "source": row.source}


def _location(row: LocationRow) -> CardLocation:
    return CardLocation(
        location_id=LocationId(row.location_id),
        incident_id=IncidentId(row.incident_id),
        contact_id=None if row.contact_id is None else ContactId(row.contact_id),
        kind=LocationKind(row.kind),
        location=Location(
            shape=_shape(row),
            source=LocationSource(row.source),
            received_at=row.received_at,
            observed_at=row.observed_at,
            confidence=row.confidence,
            data=row.data,
        ),
        author=row.author,
    )


def _shape(row: LocationRow) -> Shape:
    try:
        return shape_from_json(row.shape)
    except LocationInvalid:
        # A later version may know more shapes; its middle is better than no card at all.
        log.error("location_unreadable", location_id=row.location_id)
        return Point(Position(row.latitude, row.longitude))
