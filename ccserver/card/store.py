"""Writing cards. Every method may raise `ccserver.db.DatabaseUnavailable`.

Every write is idempotent, because after a crash or an unclear answer it is done again.
"""

import hashlib
import math
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TypeVar, cast

import structlog
from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ccserver.card import reading
from ccserver.card.models import (
    CardCounterRow,
    ContactRow,
    IncidentRow,
    JSONValue,
    TimelineRow,
)
from ccserver.card.outcome import DECISIVE, Fact, derive
from ccserver.card.search import search_cards
from ccserver.card.text import digits_of, folded
from ccserver.card.values import (
    NOTES_BYTES_MAX,
    CardData,
    CardHead,
    CardNotes,
    CardSummary,
    ContactOpened,
    NotesConflict,
    NotesSaved,
    NotesTooLong,
    OpenContact,
    Outcome,
    PastContact,
    TimelineEntry,
    TimelineTag,
    UnknownContact,
    UnknownIncident,
)
from ccserver.db import Database, clean_text
from ccserver.types import AgentId, ContactId, IncidentId

T = TypeVar("T")
log = structlog.get_logger(__name__)

SEARCH_LIMIT_MAX = 100
NUMBER_CHARS_MAX = 64
"""A trunk may deliver anything as a number; a longer one is cut, never refused."""
KEY_CHARS_MAX = 128
DATA_CHARS_MAX = 1_024
"""Of one text in an entry's data, e.g. a reason phrase that a device sent."""
ARRIVED_KEY = "contact_arrived"
TIMELINE = cast("Table", TimelineRow.__table__)
INSERTS: dict[str, Callable[[Table], postgresql.Insert | sqlite.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class CardStore:
    """Incident cards in the database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def open_contact(self, opened: ContactOpened) -> CardHead:
        """Open the card of a contact that arrived; a contact that has one keeps it."""
        head = await self._write(lambda session: _open_contact(session, opened))
        log.info("card_opened", contact_id=opened.contact_id, incident_id=head.incident_id)
        return head

    async def record(self, entry: TimelineEntry) -> CardHead:
        """Write one timeline entry and what follows from it; a known key changes nothing.

        Raises `UnknownContact` when the contact has no card.
        """
        return await self._write(lambda session: _record(session, entry))

    async def save_notes(
        self,
        incident_id: IncidentId,
        text: str,
        *,
        base_version: int,
        author: str,
        at: datetime,
    ) -> NotesSaved:
        """Replace the notes that the author saw as ``base_version``.

        A save that was done already, or that changes nothing, returns the version there is.
        Raises `NotesTooLong`, `UnknownIncident`, and `NotesConflict` with the newer text.
        """
        cleaned = clean_text(text)
        if len(cleaned.encode()) > NOTES_BYTES_MAX:
            raise NotesTooLong(f"Notes have at most {NOTES_BYTES_MAX} bytes of UTF-8.")
        saved = await self._write(
            lambda session: _save_notes(
                session, incident_id, cleaned, base_version=base_version, author=author, at=at
            )
        )
        log.info("notes_saved", incident_id=incident_id, version=saved.version)
        return saved

    async def card(self, incident_id: IncidentId) -> CardData | None:
        """Return the whole card."""
        key = clean_text(incident_id)
        return await self._db.read(lambda session: reading.read_card(session, key))

    async def abandoned_since(self, since: datetime) -> list[PastContact]:
        """Return the callers who left before an answer since then, by arrival."""
        return await self._db.read(lambda session: reading.read_abandoned(session, since))

    async def answered_since(self, since: datetime, *, limit: int) -> list[PastContact]:
        """Return the newest conversations of contacts that arrived since then, newest first."""
        return await self._db.read(
            lambda session: reading.read_answered(session, since, limit=limit)
        )

    async def answered_to(self, digits: Collection[str], since: datetime) -> list[PastContact]:
        """Return the conversations with these numbers (digits only) answered after ``since``."""
        return await self._db.read(lambda session: reading.read_answered_to(session, digits, since))

    async def card_of_contact(self, contact_id: ContactId) -> CardData | None:
        """Return the whole card that a contact is on."""

        def work(session: Session) -> CardData | None:
            head = reading.head_of(session, clean_text(contact_id))
            return None if head is None else reading.read_card(session, head.incident_id)

        return await self._db.read(work)

    async def head_of_contact(self, contact_id: ContactId) -> CardHead | None:
        """Return which card a contact is on."""
        return await self._db.read(lambda session: reading.head_of(session, clean_text(contact_id)))

    async def search(
        self, q: str = "", *, limit: int = SEARCH_LIMIT_MAX, before: str | None = None
    ) -> list[CardSummary]:
        """Return the newest cards that match; ``before`` is the `CardSummary.cursor` of the last.

        ``q`` matches parts of the caller's number, card number, notes and call taker's name.
        Raises `InvalidCursor`.
        """
        bounded = max(1, min(limit, SEARCH_LIMIT_MAX))
        return await self._db.read(
            lambda session: search_cards(session, clean_text(q), limit=bounded, before=before)
        )

    async def open_contacts(self) -> list[OpenContact]:
        """Return every contact that has not ended, by arrival."""
        return await self._db.read(reading.read_open_contacts)

    async def handlers(self, contact_id: ContactId) -> frozenset[AgentId]:
        """Return every seat that ever answered the contact."""
        return await self._db.read(
            lambda session: reading.read_handlers(session, clean_text(contact_id))
        )

    async def notes_history(self, incident_id: IncidentId) -> list[CardNotes]:
        """Return every saved text of the notes, newest first."""
        return await self._db.read(
            lambda session: reading.read_notes_history(session, clean_text(incident_id))
        )

    async def _write(self, work: Callable[[Session], T]) -> T:
        try:
            return await self._db.write(work)
        except IntegrityError:
            # Another process wrote the same contact or key at the same time: now it is there.
            return await self._db.write(work)


def _open_contact(session: Session, opened: ContactOpened) -> CardHead:
    head = reading.head_of(session, opened.contact_id)
    if head is not None:
        return head
    incident = _incident_of(session, opened)
    number = _cut(opened.caller_number)
    contact = ContactRow(
        contact_id=opened.contact_id,
        incident_id=incident.incident_id,
        medium=opened.medium.value,
        direction=opened.direction.value,
        queue=opened.queue,
        priority=opened.priority,
        caller_number=number,
        caller_digits=digits_of(number or ""),
        caller_number_hidden=opened.caller_number_hidden,
        called_number=_cut(opened.called_number),
        arrived_at=opened.arrived_at,
        outcome=Outcome.WAITING.value,
    )
    session.add(contact)
    session.flush()
    arrival = TimelineEntry(
        contact_id=opened.contact_id,
        tag=TimelineTag.CONTACT_ARRIVED,
        at=opened.arrived_at,
        key=ARRIVED_KEY,
        data={
            "queue": opened.queue,
            "priority": opened.priority,
            "direction": opened.direction.value,
        },
    )
    _insert_once(session, _values(arrival))
    return CardHead(IncidentId(incident.incident_id), incident.number)


def _incident_of(session: Session, opened: ContactOpened) -> IncidentRow:
    """The card that the contact belongs to already, else a new one."""
    known = session.get(IncidentRow, clean_text(opened.incident_id or ""))
    if known is not None:
        return known
    incident = IncidentRow(
        incident_id=str(uuid.uuid4()),
        number=_next_number(session, opened.arrived_at),
        opened_at=opened.arrived_at,
    )
    session.add(incident)
    session.flush()
    return incident


def _next_number(session: Session, at: datetime) -> str:
    """Take the next number of the year (UTC); the counter's row is locked until the commit."""
    year = at.utctimetuple().tm_year
    take = (
        update(CardCounterRow)
        .where(CardCounterRow.year == year)
        .values(last=CardCounterRow.last + 1)
        .returning(CardCounterRow.last)
    )
    last = session.execute(take).scalar()
    if last is None:
        last = 1
        # Two processes that both begin the year: the second breaks the key and tries again.
        session.add(CardCounterRow(year=year, last=last))
        session.flush()
    return f"{year}-{last:06d}"


def _record(session: Session, entry: TimelineEntry) -> CardHead:
    # Plain statements, not objects: this runs ten times a call, and objects cost three times that.
    query = (
        select(IncidentRow.incident_id, IncidentRow.number)
        .join(ContactRow, ContactRow.incident_id == IncidentRow.incident_id)
        .where(ContactRow.contact_id == entry.contact_id)
        .with_for_update(of=ContactRow)
    )
    head = session.execute(query).one_or_none()
    if head is None:
        raise UnknownContact("this contact has no card")
    if _insert_once(session, _values(entry)) and entry.tag in DECISIVE:
        _derive(session, entry.contact_id)
    return CardHead(IncidentId(head.incident_id), head.number)


def _insert_once(session: Session, values: dict[str, object]) -> bool:
    """Insert a timeline row unless its key is there; tell whether it was not."""
    insert = INSERTS[session.get_bind().dialect.name]
    statement = (
        insert(TIMELINE)
        .values(values)
        .on_conflict_do_nothing(index_elements=["contact_id", "key"])
        .returning(TIMELINE.c.entry_id)
    )
    return session.execute(statement).scalar() is not None


def _derive(session: Session, contact_id: str) -> None:
    query = select(TimelineRow.tag, TimelineRow.at, TimelineRow.key, TimelineRow.agent_id).where(
        TimelineRow.contact_id == contact_id,
        TimelineRow.tag.in_([tag.value for tag in DECISIVE]),
    )
    derived = derive(
        Fact(TimelineTag(tag), at, key, agent_id)
        for tag, at, key, agent_id in session.execute(query)
    )
    session.execute(
        update(ContactRow)
        .execution_options(synchronize_session=False)
        .where(ContactRow.contact_id == contact_id)
        .values(
            answered_at=derived.answered_at,
            ended_at=derived.ended_at,
            agent_id=derived.agent_id,
            outcome=derived.outcome.value,
        )
    )


def _save_notes(
    session: Session,
    incident_id: str,
    text: str,
    *,
    base_version: int,
    author: str,
    at: datetime,
) -> NotesSaved:
    incident = session.get(IncidentRow, clean_text(incident_id), with_for_update=True)
    if incident is None:
        raise UnknownIncident("there is no such card")
    repeated = base_version + 1 == incident.notes_version and author == incident.notes_author
    unchanged = text == incident.notes_text
    if unchanged and (repeated or base_version == incident.notes_version):
        return NotesSaved(incident.notes_version, incident.notes_saved_at or at)
    if base_version != incident.notes_version:
        raise NotesConflict(incident.notes_text, incident.notes_version, incident.notes_author)
    first = session.scalars(
        select(ContactRow.contact_id)
        .where(ContactRow.incident_id == incident.incident_id)
        .order_by(ContactRow.arrived_at, ContactRow.contact_id)
        .limit(1)
    ).one()
    version = incident.notes_version + 1
    session.add(
        TimelineRow(
            contact_id=first,
            tag=TimelineTag.NOTES_SAVED.value,
            at=at,
            key=reading.notes_key(incident.incident_id, version),
            author=author,
            data={"version": version, "previous_text": incident.notes_text},
        )
    )
    incident.notes_text = text
    incident.notes_folded = folded(text)
    incident.notes_version = version
    incident.notes_saved_at = at
    incident.notes_author = author
    return NotesSaved(version, at)


def _values(entry: TimelineEntry) -> dict[str, object]:
    return {
        "contact_id": entry.contact_id,
        "tag": TimelineTag(entry.tag).value,
        "at": entry.at,
        "key": _key(entry.key),
        "agent_id": entry.agent_id,
        "author": entry.author,
        "data": _storable(entry.data),
    }


def _key(key: str) -> str:
    cleaned = clean_text(key)
    if len(cleaned) <= KEY_CHARS_MAX:
        return cleaned
    return hashlib.sha256(cleaned.encode()).hexdigest()


def _storable(data: Mapping[str, JSONValue]) -> dict[str, JSONValue]:
    """Return data that every database's JSON accepts (no NUL, no NaN) and of bounded size."""
    stored: dict[str, JSONValue] = {}
    for name, value in data.items():
        if isinstance(value, str):
            stored[name] = clean_text(value)[:DATA_CHARS_MAX]
        elif isinstance(value, float) and not math.isfinite(value):
            stored[name] = None
        else:
            stored[name] = value
    return stored


def _cut(number: str | None) -> str | None:
    return None if number is None else clean_text(number)[:NUMBER_CHARS_MAX]
