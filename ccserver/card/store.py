"""Writing cards. Every method may raise `ccserver.db.DatabaseUnavailable`.

Every write is idempotent, because after a crash or an unclear answer it is done again.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ccserver.card import (
    editing,
    fields,
    joining,
    linking,
    locating,
    reading,
    timeline,
    unjoining,
)
from ccserver.card.history import BranchOf, Related, read_last_of_number, read_related
from ccserver.card.joining import Along, By, Joined, Moved
from ccserver.card.locations import CardLocation, LocationTold, Place
from ccserver.card.notes import save_notes
from ccserver.card.search import EVERY_CARD, Wanted, search_cards
from ccserver.card.search_index import TextsOf, no_texts, refresh
from ccserver.card.telling import is_told, tell
from ccserver.card.text import storable_json
from ccserver.card.values import (
    NOTES_BYTES_MAX,
    CardHead,
    CardNotes,
    CardSummary,
    ContactOpened,
    FieldSaved,
    FieldVersion,
    NotesSaved,
    NotesTooLong,
    OpenContact,
    PastContact,
    SpokenWith,
    TimelineEntry,
    TimelineTag,
    UnknownContact,
)
from ccserver.card.whole import CardData
from ccserver.card.writing import write_items
from ccserver.db import Database, clean_text
from ccserver.location import Location, LocationKind
from ccserver.types import AgentId, ContactId, IncidentId, LocationId

T = TypeVar("T")
log = structlog.get_logger(__name__)

SEARCH_LIMIT_MAX = 100


def _nobody_listens(_: object) -> None:
    """Of a store by itself."""


class CardStore:
    """Incident cards in the database.

    ``changed`` is called once after each transaction in which people changed a card; of what the
    journal writes, the journal tells. ``moved`` is called after contacts have gone to another card;
    each of ``along`` before that, in the same transaction. ``branch_of`` says which branch of the
    incident types a code belongs to, ``texts_of`` what citizens wrote, by which cards are found.
    """

    def __init__(
        self,
        db: Database,
        *,
        changed: Callable[[IncidentId], None] = _nobody_listens,
        moved: Callable[[Moved], None] = _nobody_listens,
        along: Sequence[Along] = (),
        branch_of: BranchOf = str,
        texts_of: TextsOf = no_texts,
    ) -> None:
        self._db = db
        self._changed = changed
        self._moved = moved
        self._along = along
        self._branch_of = branch_of
        self._texts_of = texts_of

    async def write(
        self, items: Sequence[ContactOpened | TimelineEntry | LocationTold]
    ) -> Sequence[CardHead | None]:
        """Write all items in one transaction, or none of them; return the card of each.

        Openings come first, then the rest, each in the order given. A contact that has a card keeps
        it, a known key changes nothing, and what is told of a contact without a card is left out:
        `None`.
        """
        heads = await self._write(lambda session: write_items(session, items, self._texts_of))
        for item, head in zip(items, heads, strict=True):
            if isinstance(item, ContactOpened) and head is not None:
                log.info("card_opened", contact_id=item.contact_id, incident_id=head.incident_id)
        return heads

    async def open_contact(self, opened: ContactOpened) -> CardHead:
        """Open the card of a contact that arrived; a contact that has one keeps it."""
        (head,) = await self.write([opened])
        assert head is not None
        return head

    async def record(self, entry: TimelineEntry) -> CardHead:
        """Write one timeline entry and what follows from it; a known key changes nothing.

        Raises `UnknownContact` when the contact has no card.
        """
        (head,) = await self.write([entry])
        if head is None:
            raise UnknownContact("this contact has no card")
        return head

    async def add_contact_location(
        self,
        contact_id: ContactId,
        key: str,
        location: Location,
        *,
        kind: LocationKind = LocationKind.CALLER,
    ) -> CardHead:
        """Keep where a contact is said to be; a known key changes nothing.

        Raises `UnknownContact` when the contact has no card. On the path of a live call the same is
        handed to the journal as a `LocationTold`.
        """
        (head,) = await self.write([LocationTold.of(contact_id, key, location, kind=kind)])
        if head is None:
            raise UnknownContact("this contact has no card")
        self._changed(head.incident_id)
        return head

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
        """Keep what a person told of the incident; the same ``key`` again is the same location.

        ``address`` is saved as the field of that name over the version that it comes with, in the
        same transaction. Raises `UnknownIncident`, `CardMerged`, `UnknownContact` for one that is
        not on the card, and what `save_field` raises; then nothing was kept.
        """
        checked = None if address is None else fields.checked("address", address[0])

        def work(session: Session) -> CardLocation:
            known = locating.add_location(
                session,
                incident_id,
                location,
                kind=kind,
                key=key,
                author=author,
                contact_id=contact_id,
            )
            if checked is not None and address is not None:
                editing.save_field(
                    session,
                    incident_id,
                    "address",
                    checked,
                    base_version=address[1],
                    author=author,
                    at=location.received_at,
                )
            return known

        known = await self.change(incident_id, work)
        log.info("location_added", incident_id=incident_id, source=location.source.value)
        return known

    async def pin_location(
        self, incident_id: IncidentId, location_id: LocationId | None, *, author: str, at: datetime
    ) -> Place:
        """Let this location count, or none in particular; return the incident's place then.

        Raises `UnknownIncident`, `CardMerged` and `UnknownLocation`.
        """
        key = str(uuid.uuid4())
        return await self.change(
            incident_id,
            lambda session: locating.pin_location(
                session, incident_id, location_id, author=author, at=at, key=key
            ),
        )

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
        Raises `NotesTooLong`, `UnknownIncident`, `CardMerged`, and `NotesConflict` with the newer
        text.
        """
        cleaned = clean_text(text)
        if len(cleaned.encode()) > NOTES_BYTES_MAX:
            raise NotesTooLong(f"Notes have at most {NOTES_BYTES_MAX} bytes of UTF-8.")
        saved = await self.change(
            incident_id,
            lambda session: save_notes(
                session, incident_id, cleaned, base_version=base_version, author=author, at=at
            ),
        )
        log.info("notes_saved", incident_id=incident_id, version=saved.version)
        return saved

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
        """Replace the value that the author saw as ``base_version``; 0 was never saved.

        A save that was done already, or that changes nothing, returns the version there is.
        Raises `UnknownField`, `FieldInvalid`, `FieldTooLong`, `UnknownIncident`, `CardMerged`, and
        `FieldConflict` with the newer value.
        """
        checked = fields.checked(name, value)
        saved = await self.change(
            incident_id,
            lambda session: editing.save_field(
                session,
                incident_id,
                name,
                checked,
                base_version=base_version,
                author=author,
                at=at,
            ),
        )
        log.info("field_saved", incident_id=incident_id, field=name, version=saved.version)
        return saved

    async def field_history(self, incident_id: IncidentId, name: str) -> list[FieldVersion]:
        """Return the saves of a field, newest first. Raises `UnknownField`, `UnknownIncident`."""
        fields.check_name(name)
        key = clean_text(incident_id)
        return await self._db.read(lambda session: editing.read_field_history(session, key, name))

    async def tell(
        self,
        incident_id: IncidentId,
        tag: TimelineTag,
        key: str,
        *,
        at: datetime,
        author: str | None,
        data: Mapping[str, object],
    ) -> None:
        """Add an entry to the incident's own timeline; a known key changes nothing.

        Raises `UnknownIncident` and `CardMerged`.
        """
        kept = storable_json(data)

        def work(session: Session) -> None:
            editing.lock_card(session, incident_id)
            if not is_told(session, incident_id, key):
                tell(session, incident_id, tag, key, at=at, author=author, data=kept)

        await self.change(incident_id, work)

    async def undo(self, incident_id: IncidentId, key: str, *, author: str, at: datetime) -> None:
        """Take back what the entry ``key`` of the incident's own timeline tells of.

        Raises `UnknownIncident`, `CardMerged`, `UnknownEntry`, `NotUndoable`, `ChangedSince`, and
        `LastContact`.
        """

        def work(session: Session) -> Joined:
            joined = unjoining.undo(session, incident_id, key, self._by(author, at))
            if joined is not None:
                return joined
            editing.undo(session, incident_id, key, author=author, at=at)
            head = CardHead(incident_id, "")
            return Joined(head, changed=(incident_id,))

        await self._join(work)
        log.info("undone", incident_id=incident_id)

    async def merge(
        self, source_id: IncidentId, target_id: IncidentId, *, author: str, at: datetime
    ) -> Joined:
        """Make one card a part of another; raises what `joining.merge` does."""
        by = self._by(author, at)
        joined = await self._join(lambda session: joining.merge(session, source_id, target_id, by))
        log.info("cards_merged", incident_id=source_id, into=joined.head.incident_id)
        return joined

    async def split(
        self,
        incident_id: IncidentId,
        contact_ids: Collection[ContactId],
        *,
        author: str,
        at: datetime,
    ) -> Joined:
        """Give contacts a card of their own; raises what `joining.split` does."""
        by = self._by(author, at)
        joined = await self._join(
            lambda session: joining.split(session, incident_id, contact_ids, by)
        )
        log.info("card_split", incident_id=incident_id, into=joined.head.incident_id)
        return joined

    async def set_parent(
        self, incident_id: IncidentId, parent_id: IncidentId | None, *, author: str, at: datetime
    ) -> Joined:
        """Link a card to the larger incident that it belongs to; as `linking.set_parent`."""
        by = self._by(author, at)
        joined = await self._join(
            lambda session: linking.set_parent(session, incident_id, parent_id, by)
        )
        log.info("card_linked", incident_id=incident_id, parent_id=parent_id)
        return joined

    async def card(self, incident_id: IncidentId) -> CardData | None:
        """Return the whole card."""
        key = clean_text(incident_id)
        return await self._db.read(lambda session: reading.read_card(session, key))

    async def abandoned_since(self, since: datetime) -> list[PastContact]:
        """Return the callers who left before an answer, or were cut off, since then, by arrival."""
        return await self._db.read(lambda session: reading.read_abandoned(session, since))

    async def handed_over_since(self, since: datetime) -> list[PastContact]:
        """Return the cars that other centres have handed over since then, by arrival; no tests."""
        return await self._db.read(lambda session: reading.read_handed_over(session, since))

    async def spoken_since(self, since: datetime, *, limit: int) -> list[SpokenWith]:
        """Return the newest conversations of callers who arrived since then, oldest first."""
        return await self._db.read(lambda session: reading.read_spoken(session, since, limit=limit))

    async def answered_to(self, digits: Collection[str], since: datetime) -> list[PastContact]:
        """Return the conversations with these numbers (digits only) answered after ``since``."""
        return await self._db.read(lambda session: reading.read_answered_to(session, digits, since))

    async def contact_ids(self, incident_id: IncidentId) -> list[ContactId]:
        """The contacts on a card, by arrival; none for a card that does not exist."""
        key = clean_text(incident_id)
        return await self._db.read(lambda session: reading.read_contact_ids(session, key))

    async def last_of_number(self, number: str, since: datetime) -> PastContact | None:
        """The number's newest contact that lives, or came or ended since then."""
        return await self._db.read(lambda session: read_last_of_number(session, number, since))

    async def calls_of(self, digits: Collection[str], since: datetime) -> list[PastContact]:
        """Return the contacts that arrived from these numbers (digits only) after ``since``."""
        return await self._db.read(lambda session: reading.read_calls_of(session, digits, since))

    async def dialled(self, contact_ids: Collection[ContactId]) -> frozenset[ContactId]:
        """Return those of our own calls by which the citizen was dialled."""
        keys = list(contact_ids)
        return await self._db.read(lambda session: reading.read_dialled(session, keys))

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
        self,
        q: str = "",
        *,
        limit: int = SEARCH_LIMIT_MAX,
        before: str | None = None,
        wanted: Wanted = EVERY_CARD,
    ) -> list[CardSummary]:
        """Return the newest cards that match; ``before`` is the `CardSummary.cursor` of the last.

        Every word of ``q`` is the beginning of one on the card, or in the name of a call taker who
        answered; digits are the beginning or the end of a number. Raises `InvalidCursor`.
        """
        bounded = max(1, min(limit, SEARCH_LIMIT_MAX))
        return await self._db.read(
            lambda session: search_cards(
                session, clean_text(q), limit=bounded, before=before, wanted=wanted
            )
        )

    async def related(self, incident_id: IncidentId) -> Related | None:
        """Return what is shown beside a card: perhaps the same incident, its callers, its place."""
        key = clean_text(incident_id)
        return await self._db.read(lambda session: read_related(session, key, self._branch_of))

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
            lambda session: timeline.read_notes_history(session, clean_text(incident_id))
        )

    async def change(
        self, incident_id: IncidentId, work: Callable[[Session], T], *others: IncidentId
    ) -> T:
        """Do ``work`` in one transaction, then tell that the card, and ``others``, changed.

        In the same transaction the cards become findable by what they say now.
        """
        keys = [clean_text(each) for each in (incident_id, *others)]

        def change_and_index(session: Session) -> T:
            done = work(session)
            session.flush()
            refresh(session.connection(), keys, self._texts_of)
            return done

        done = await self._write(change_and_index)
        for each in (incident_id, *others):
            self._changed(each)
        return done

    def _by(self, author: str, at: datetime) -> By:
        return By(author, at, self._along)

    async def _join(self, work: Callable[[Session], Joined]) -> Joined:
        """`change`, of as many cards as it turns out to be, and contacts that are moved."""

        def join_and_index(session: Session) -> Joined:
            joined = work(session)
            session.flush()
            for each in joined.changed if joined.moves else ():
                locating.keep_place(session, each)
            refresh(session.connection(), joined.changed, self._texts_of)
            return joined

        joined = await self._write(join_and_index)
        for move in joined.moves:
            self._moved(move)
        for each in joined.changed:
            self._changed(each)
        return joined

    async def _write(self, work: Callable[[Session], T]) -> T:
        try:
            return await self._db.write(work)
        except IntegrityError:
            # Another process wrote the same contact or key at the same time: now it is there.
            return await self._db.write(work)
