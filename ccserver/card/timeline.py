"""Reading the timeline of a card: what happened to its contacts, and what was done to the card.

Contacts carry their entries with them, whichever card they are moved to. What was done to an
incident as a whole stays with the incident, and is read along by the card that absorbs it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, cast, func, literal, null, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import case

from ccserver.card.family import absorber_of, family_of
from ccserver.card.models import ContactRow, IncidentRow, IncidentTimelineRow, TimelineRow
from ccserver.card.values import CardEntry, CardNotes, TimelineTag
from ccserver.types import ContactId, IncidentId

ENTRIES_MAX = 2_000
"""The newest of a card's entries that are shown: an autosave each five seconds for hours."""
DATA_CHARS_SHOWN = 1_000
"""Of an entry of the incident: a line of text before and after. A longer one is told of by its
field and version; the field's history holds all of it."""
NOTES_SAVED = TimelineTag.NOTES_SAVED.value


def read_timeline(session: Session, family: Sequence[str]) -> tuple[CardEntry, ...]:
    """Return the newest entries of a card and of all that it has absorbed, by time."""
    rows = [*session.execute(_of_contacts(family)), *session.execute(_of_incidents(family))]
    # At the same moment what happened comes before what was made of it.
    rows.sort(key=lambda row: (row.at, row.contact_id is None, row.entry_id))
    return tuple(_entry(row) for row in rows[-ENTRIES_MAX:])


def _of_contacts(family: Sequence[str]) -> Select[Any]:
    # An hour of autosaves keeps megabytes of former texts; nobody looks at them here.
    data = case((TimelineRow.tag == NOTES_SAVED, null()), else_=TimelineRow.data)
    return (
        select(*_columns(TimelineRow, TimelineRow.contact_id, ContactRow.incident_id, data))
        .join(ContactRow, ContactRow.contact_id == TimelineRow.contact_id)
        .where(ContactRow.incident_id.in_(family))
        .order_by(TimelineRow.at.desc(), TimelineRow.entry_id.desc())
        .limit(ENTRIES_MAX)
    )


def _of_incidents(family: Sequence[str]) -> Select[Any]:
    told = IncidentTimelineRow
    short = func.length(cast(told.data, Text)) <= DATA_CHARS_SHOWN
    data = case((short, told.data), else_=null())
    no_contact = literal(None, type_=ContactRow.contact_id.type).label("contact_id")
    return (
        select(*_columns(told, no_contact, told.incident_id, data))
        .where(told.incident_id.in_(family))
        .order_by(told.at.desc(), told.entry_id.desc())
        .limit(ENTRIES_MAX)
    )


def _columns(
    told: type[TimelineRow] | type[IncidentTimelineRow],
    contact_id: object,
    incident_id: object,
    data: ColumnElement[Any],
) -> Sequence[Any]:
    return (
        contact_id,
        incident_id,
        told.entry_id,
        told.tag,
        told.at,
        told.key,
        told.agent_id,
        told.author,
        data.label("data"),
    )


def _entry(row: Row[Any]) -> CardEntry:
    tag = TimelineTag(row.tag)
    return CardEntry(
        contact_id=None if row.contact_id is None else ContactId(row.contact_id),
        tag=tag,
        at=row.at,
        agent_id=row.agent_id,
        author=row.author,
        data=_told(tag, row.key, row.data),
        key=row.key,
        incident_id=IncidentId(row.incident_id),
    )


def _told(tag: TimelineTag, key: str, data: dict[str, object] | None) -> dict[str, object]:
    """What the entry says; where its data are too much to be read, what its key tells."""
    match tag:
        case TimelineTag.NOTES_SAVED:
            return {"version": _version(key)}
        case TimelineTag.FIELD_SAVED | TimelineTag.FIELD_UNDONE if data is None:
            name = key.removeprefix(f"{tag.value}:").rpartition(":")[0]
            return {"field": name, "version": _version(key)}
        case _:
            return data or {}


def notes_key(incident_id: str, version: int) -> str:
    """Return the timeline key of one save of the notes."""
    return f"{NOTES_SAVED}:{incident_id}:{version}"


def _version(key: str) -> int:
    return int(key.rpartition(":")[2])


def read_notes_history(session: Session, incident_id: str) -> list[CardNotes]:
    """Return every saved text, newest first; each entry holds the text before it.

    The first cards had their saves written down with the first contact, which takes them along
    when the card is merged into another.
    """
    incident = session.get(IncidentRow, incident_id)
    if incident is None:
        return []
    into = absorber_of(session, incident)
    whole = incident_id if into is None else into.incident_id
    own_key = notes_key(incident_id, 0).removesuffix("0")
    with_contacts = (
        select(TimelineRow.key, TimelineRow.at, TimelineRow.author, TimelineRow.data)
        .join(ContactRow, ContactRow.contact_id == TimelineRow.contact_id)
        .where(
            ContactRow.incident_id.in_(family_of(session, whole)),
            TimelineRow.tag == NOTES_SAVED,
            TimelineRow.key.startswith(own_key, autoescape=True),
        )
    )
    told = IncidentTimelineRow
    with_incident = select(told.key, told.at, told.author, told.data).where(
        told.incident_id == incident_id, told.tag == NOTES_SAVED
    )
    rows = [*session.execute(with_contacts), *session.execute(with_incident)]
    rows.sort(key=lambda row: _version(row.key), reverse=True)
    history, text = [], incident.notes_text
    for row in rows:
        history.append(CardNotes(text, _version(row.key), row.at, row.author))
        text = str(row.data["previous_text"])
    return history
