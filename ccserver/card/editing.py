"""Saving a field of a card over the version that its author saw, and undoing such a save.

Functions of one session. The incident's row is locked first, so saves of one card come one after
the other, whoever makes them; contacts that arrive on the card do not wait for it. A save and its
entry in the timeline are one transaction, and the entry holds the value before, so that nothing
that was ever acknowledged is lost.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ccserver.card import fields
from ccserver.card.family import absorber_of
from ccserver.card.fields import ENTITIES_MAX, JSON, Checked, FieldInvalid
from ccserver.card.models import FieldRow, IncidentRow, IncidentTimelineRow
from ccserver.card.telling import tell
from ccserver.card.values import (
    CardField,
    CardMerged,
    ChangedSince,
    FieldConflict,
    FieldSaved,
    FieldVersion,
    NotUndoable,
    TimelineTag,
    UnknownEntry,
    UnknownIncident,
)
from ccserver.db import clean_text

HISTORY_VERSIONS_MAX = 500
"""The newest saves of one field that are given back: at most 8 MB, far more than anybody reads."""
SAVES = (TimelineTag.FIELD_SAVED.value, TimelineTag.FIELD_UNDONE.value)


def lock_card(session: Session, incident_id: str) -> IncidentRow:
    """Return the incident, locked until the commit against whoever would change it too.

    Raises `UnknownIncident` and `CardMerged`.
    """
    return _usable(
        session,
        session.get(
            IncidentRow,
            clean_text(incident_id),
            # Not the key: what refers to the incident may be added meanwhile, above all contacts.
            with_for_update={"key_share": True},
        ),
    )


def check_card(session: Session, incident_id: str) -> IncidentRow:
    """Return the incident as it may be changed now, without a lock; raises as `lock_card`."""
    return _usable(session, session.get(IncidentRow, clean_text(incident_id)))


def _usable(session: Session, incident: IncidentRow | None) -> IncidentRow:
    if incident is None:
        raise UnknownIncident("there is no such card")
    into = absorber_of(session, incident)
    if into is not None:
        raise CardMerged(into)
    return incident


def save_field(
    session: Session,
    incident_id: str,
    name: str,
    checked: Checked,
    *,
    base_version: int,
    author: str,
    at: datetime,
) -> FieldSaved:
    """Replace the value that the author saw as ``base_version`` (0: never saved).

    A save that was done already, or that changes nothing, returns the version there is. Raises
    `UnknownIncident`, `CardMerged`, `FieldInvalid` at the bound of persons and vehicles, and
    `FieldConflict` with the newer value.
    """
    incident = lock_card(session, incident_id)
    row = session.get(FieldRow, (incident.incident_id, name))
    version = 0 if row is None else row.version
    if row is not None and checked.value == row.value:
        repeated = base_version + 1 == version and author == row.author
        if repeated or base_version == version:
            return FieldSaved(version, row.saved_at, checked.warnings)
    if base_version != version:
        raise FieldConflict(None if row is None else field_of(row))
    put_field(session, incident, name, checked.value, author=author, at=at)
    return FieldSaved(version + 1, at, checked.warnings)


def put_field(
    session: Session,
    incident: IncidentRow,
    name: str,
    value: JSON,
    *,
    author: str,
    at: datetime,
    undoes: str | None = None,
) -> int:
    """Make ``value`` the field's next version, told in the timeline; return the version.

    The incident must be locked, the value checked. ``undoes`` is the key of the entry whose save
    this takes back. Raises `FieldInvalid` at the bound of persons and vehicles.
    """
    row = session.get(FieldRow, (incident.incident_id, name))
    if row is None:
        _check_room(session, incident.incident_id, name)
        previous, version = fields.empty(name), 1
        session.add(
            FieldRow(
                incident_id=incident.incident_id,
                name=name,
                value=value,
                version=version,
                saved_at=at,
                author=author,
            )
        )
    else:
        previous, version = cast("JSON", row.value), row.version + 1
        row.value, row.version, row.saved_at, row.author = value, version, at, author
    tag = TimelineTag.FIELD_SAVED if undoes is None else TimelineTag.FIELD_UNDONE
    data: dict[str, object] = {
        "field": name,
        "version": version,
        "value": value,
        "previous": previous,
    }
    tell(
        session,
        incident.incident_id,
        tag,
        field_key(tag, name, version),
        at=at,
        author=author,
        data=data if undoes is None else data | {"undone": undoes},
    )
    _keep_beside(incident, name, value)
    return version


def undo(
    session: Session, incident_id: str, key: str, *, author: str, at: datetime
) -> IncidentTimelineRow:
    """Take back what the entry ``key`` of the incident's own timeline tells of.

    Returns that entry. Raises `UnknownIncident`, `CardMerged`, `UnknownEntry`, `NotUndoable` and
    `ChangedSince`.
    """
    incident = lock_card(session, incident_id)
    entry = entry_of(session, incident.incident_id, key)
    if entry is None:
        raise UnknownEntry("there is no such entry in this card's timeline")
    undo_it = UNDOING.get(TimelineTag(entry.tag))
    if undo_it is None:
        raise NotUndoable("this cannot be undone")
    undo_it(session, incident, entry, author, at)
    return entry


def undo_field(
    session: Session, incident: IncidentRow, entry: IncidentTimelineRow, author: str, at: datetime
) -> None:
    """Save the value before that save again, unless the field was saved since.

    Raises `ChangedSince`. Doing it again right away changes nothing.
    """
    name, version = str(entry.data["field"]), cast("int", entry.data["version"])
    row = session.get(FieldRow, (incident.incident_id, name))
    if row is None or row.version != version:
        taken_back = field_key(TimelineTag.FIELD_UNDONE, name, version + 1)
        newest = entry_of(session, incident.incident_id, taken_back)
        if (
            row is not None
            and row.version == version + 1
            and newest is not None
            and newest.author == author
            and newest.data.get("undone") == entry.key
        ):
            return
        raise ChangedSince("the field was saved again since")
    value = cast("JSON", entry.data["previous"])
    put_field(session, incident, name, value, author=author, at=at, undoes=entry.key)


UNDOING: dict[
    TimelineTag, Callable[[Session, IncidentRow, IncidentTimelineRow, str, datetime], None]
] = {
    TimelineTag.FIELD_SAVED: undo_field,
    TimelineTag.FIELD_UNDONE: undo_field,
}
"""How each thing that can be undone is undone; the incident is locked. Raises `ChangedSince`."""


def read_fields(
    session: Session, incident_ids: Sequence[str]
) -> Mapping[str, dict[str, CardField]]:
    """Return the fields of each of the incidents as saved last."""
    query = (
        select(FieldRow)
        .where(FieldRow.incident_id.in_(incident_ids))
        .order_by(FieldRow.incident_id, FieldRow.name)
    )
    found: dict[str, dict[str, CardField]] = {incident_id: {} for incident_id in incident_ids}
    for row in session.scalars(query):
        found[row.incident_id][row.name] = field_of(row)
    return found


def read_field_history(session: Session, incident_id: str, name: str) -> list[FieldVersion]:
    """Return the saves of a field, newest first. Raises `UnknownIncident`."""
    if session.get(IncidentRow, incident_id) is None:
        raise UnknownIncident("there is no such card")
    keys = (IncidentTimelineRow.key.startswith(f"{tag}:{name}:", autoescape=True) for tag in SAVES)
    query = (
        select(IncidentTimelineRow)
        .where(
            IncidentTimelineRow.incident_id == incident_id,
            IncidentTimelineRow.tag.in_(SAVES),
            or_(*keys),
        )
        # The incident is locked while it is saved, so the order of rows is that of versions.
        .order_by(IncidentTimelineRow.entry_id.desc())
        .limit(HISTORY_VERSIONS_MAX)
    )
    return [
        FieldVersion(
            cast("int", row.data["version"]), cast("JSON", row.data["value"]), row.at, row.author
        )
        for row in session.scalars(query)
    ]


def entry_of(session: Session, incident_id: str, key: str) -> IncidentTimelineRow | None:
    """Return an entry of the incident's own timeline."""
    query = select(IncidentTimelineRow).where(
        IncidentTimelineRow.incident_id == incident_id, IncidentTimelineRow.key == clean_text(key)
    )
    return session.scalars(query).one_or_none()


def field_key(tag: TimelineTag, name: str, version: int) -> str:
    """Return the timeline key of one save; at most 71 characters."""
    return f"{tag.value}:{name}:{version}"


def field_of(row: FieldRow) -> CardField:
    """Return a row as the card shows it."""
    return CardField(cast("JSON", row.value), row.version, row.saved_at, row.author)


def _check_room(session: Session, incident_id: str, name: str) -> None:
    if not fields.is_entity(name):
        return
    count = session.scalar(
        select(func.count())
        .select_from(FieldRow)
        .where(
            FieldRow.incident_id == incident_id,
            or_(FieldRow.name.like("person:%"), FieldRow.name.like("vehicle:%")),
        )
    )
    if count is not None and count >= ENTITIES_MAX:
        raise FieldInvalid(name, f"a card holds at most {ENTITIES_MAX} persons and vehicles")


def _keep_beside(incident: IncidentRow, name: str, value: JSON) -> None:
    """What lists, searches and neighbours need stands in the incident's own row, too."""
    match name, value:
        case "type", (str() | None) as code:
            incident.type_code = code
        case "priority", (int() | None) as priority:
            incident.priority = priority
        case "address", {"text": str() as text}:
            incident.address_text = text
