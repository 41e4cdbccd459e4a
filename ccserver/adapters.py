"""Puts the card and recording rooms behind the ports of others. No logic of its own."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime

from ccserver import callbacks
from ccserver.acd.events import Direction
from ccserver.aml.matching import CallSpan
from ccserver.aml.values import digits_of as aml_digits
from ccserver.aml.values import spellings_of
from ccserver.callbacks import AbandonedContact, AnsweredContact, CallbackKind
from ccserver.card import (
    EVERY_CARD,
    NOTES_BYTES_MAX,
    CardStore,
    InvalidCursor,
    PastContact,
    TimelineEntry,
    TimelineTag,
    UnknownIncident,
    Wanted,
    as_json,
)
from ccserver.card import NotesConflict as CardNotesConflict
from ccserver.card import NotesTooLong as CardNotesTooLong
from ccserver.chronicle import Chronicle
from ccserver.live import LiveView
from ccserver.location import Location
from ccserver.recording import RecordingStore
from ccserver.types import AgentId, ContactId, IncidentId
from ccserver.web import callbacks as web_callbacks
from ccserver.web.ports import (
    CardPage,
    JSONObject,
    NotesConflict,
    NotesSaved,
    NotesTooLong,
    RecordingAudio,
)


class Cards:
    """`ccserver.web.ports.CardsPort` over the card room.

    ``people`` tells who has a card open, ``services`` which services were sent to its incident.
    """

    def __init__(
        self,
        store: CardStore,
        people: Callable[[IncidentId], Sequence[JSONObject]],
        services: Callable[[IncidentId], Awaitable[Sequence[JSONObject]]],
    ) -> None:
        self._store = store
        self._people = people
        self._services = services

    async def search(
        self, q: str, *, limit: int, before: str | None, wanted: Wanted = EVERY_CARD
    ) -> CardPage:
        """Newest first."""
        try:
            found = await self._store.search(q, limit=limit, before=before, wanted=wanted)
        except InvalidCursor:
            found = await self._store.search(q, limit=limit, before=None, wanted=wanted)
        cursor = found[-1].cursor if len(found) == limit else None
        return CardPage([as_json(summary) for summary in found], cursor)

    async def card(self, incident_id: IncidentId) -> JSONObject | None:
        """The whole card."""
        card = await self._store.card(incident_id)
        if card is None:
            return None
        return as_json(card) | {
            "presence": self._people(incident_id),
            "services": await self._services(incident_id),
        }

    async def caller_numbers(self, incident_id: IncidentId) -> frozenset[str]:
        """The numbers of the citizens who called; none for a card that does not exist."""
        card = await self._store.card(incident_id)
        return frozenset(
            contact.caller_number
            for contact in (card.contacts if card is not None else ())
            if contact.caller_number is not None and contact.direction is Direction.INBOUND
        )

    async def save_notes(
        self, incident_id: IncidentId, text: str, *, base_version: int, author: str, at: datetime
    ) -> NotesSaved | NotesConflict | NotesTooLong | None:
        """Durable when it returns `NotesSaved`."""
        try:
            saved = await self._store.save_notes(
                incident_id, text, base_version=base_version, author=author, at=at
            )
        except CardNotesConflict as conflict:
            return NotesConflict(
                conflict.current_text, conflict.current_version, conflict.current_author
            )
        except CardNotesTooLong:
            return NotesTooLong(NOTES_BYTES_MAX)
        except UnknownIncident:
            return None
        return NotesSaved(saved.version, saved.saved_at)


class Recordings:
    """`ccserver.web.ports.RecordingsPort` over the recording and card rooms."""

    def __init__(self, recordings: RecordingStore, cards: CardStore) -> None:
        self._recordings = recordings
        self._cards = cards

    async def audio(self, recording_id: str) -> RecordingAudio | None:
        """A sealed recording's file and who may hear it."""
        recording = await self._recordings.get(recording_id)
        if recording is None or recording.path is None:
            return None
        return RecordingAudio(
            recording_id=recording.recording_id,
            contact_id=recording.contact_id,
            path=recording.path,
            agent_ids=await self._cards.handlers(recording.contact_id),
        )

    async def listened(
        self, recording: RecordingAudio, *, listen_id: str, author: str, at: datetime
    ) -> None:
        """Leave the trace; returns when it is durable."""
        await self._cards.record(
            TimelineEntry(
                recording.contact_id,
                TimelineTag.RECORDING_PLAYED,
                at,
                f"played-{listen_id}",
                author=author,
                data={"recording_id": recording.recording_id},
            )
        )


class ContactLocations:
    """`ccserver.web.contact_locations.ContactLocationsPort` over live calls, journal and cards."""

    def __init__(self, live: LiveView, chronicle: Chronicle, cards: CardStore) -> None:
        self._live = live
        self._chronicle = chronicle
        self._cards = cards

    async def knows(self, contact_id: ContactId) -> bool:
        """Whether there is such a contact; of a live one the database is not asked."""
        if self._live.get(contact_id) is not None:
            return True
        return await self._cards.head_of_contact(contact_id) is not None

    def locate(self, contact_id: ContactId, key: str, location: Location, *, author: str) -> None:
        """Hand it to the journal."""
        self._chronicle.locate(contact_id, f"told-{key}", location, author=author)


class RecentCallers:
    """`ccserver.aml_desk.RecentCalls` over the card room."""

    def __init__(self, cards: CardStore) -> None:
        self._cards = cards

    async def calls_of(self, digits: Collection[str], since: datetime) -> Sequence[CallSpan]:
        """By any spelling of the numbers that a trunk may have delivered."""
        spellings = {spelling for number in digits for spelling in spellings_of(number)}
        return [
            CallSpan(
                past.contact_id, aml_digits(past.caller_number), past.arrived_at, past.ended_at
            )
            for past in await self._cards.calls_of(spellings, since)
        ]


class CardContacts:
    """`ccserver.callbacks.ContactSource` over the card room."""

    def __init__(self, cards: CardStore) -> None:
        self._cards = cards

    async def abandoned_contacts(self, since: datetime) -> Sequence[AbandonedContact]:
        """Callers who left before an answer, or were cut off, as the cards know it.

        And cars that were handed over, which nobody here has heard anything of.
        """
        lost = await self._cards.abandoned_since(since)
        cars = await self._cards.handed_over_since(since)
        return [
            *(
                _to_call(past, past.ended_at, CallbackKind.ABANDONED)
                for past in lost
                if past.direction is Direction.INBOUND and past.ended_at is not None
            ),
            *(_to_call(past, past.arrived_at, CallbackKind.HANDED_OVER) for past in cars),
        ]

    async def answered_contacts(
        self, digits: Collection[str], since: datetime
    ) -> Sequence[AnsweredContact]:
        """Conversations since with these numbers."""
        return [
            AnsweredContact(
                contact_id=past.contact_id,
                number=past.caller_number,
                answered_at=past.answered_at,
                outbound=past.direction is Direction.OUTBOUND,
            )
            for past in await self._cards.answered_to(digits, since)
            if past.caller_number is not None and past.answered_at is not None
        ]

    async def dialled_contacts(self, contact_ids: Collection[ContactId]) -> Collection[ContactId]:
        """Those of our own calls by which the citizen was dialled."""
        return await self._cards.dialled(contact_ids)


def _to_call(past: PastContact, at: datetime, kind: CallbackKind) -> AbandonedContact:
    return AbandonedContact(
        contact_id=past.contact_id,
        number=past.caller_number,
        incident_id=past.incident_id,
        card_number=past.card_number,
        queue=past.queue,
        priority=past.priority,
        arrived_at=past.arrived_at,
        abandoned_at=at,
        kind=kind,
    )


class Callbacks:
    """`ccserver.web.callbacks.CallbacksPort` over the desk."""

    def __init__(self, desk: callbacks.CallbackDesk) -> None:
        self._desk = desk

    async def page(
        self, *, done: bool, limit: int, before: str | None
    ) -> web_callbacks.CallbackPage:
        """A page of tasks."""
        page = await self._desk.page(done=done, limit=limit, before=before)
        return web_callbacks.CallbackPage(page.tasks, page.next_cursor)

    async def call(self, task_id: str, agent_id: AgentId) -> ContactId:
        """Ring the seat, then the citizen."""
        try:
            return await self._desk.call(callbacks.CallbackId(task_id), agent_id)
        except (callbacks.CallbackRefused, callbacks.CallbackUnknown) as refusal:
            raise _told(refusal) from None

    async def close(self, task_id: str, outcome: str, *, by: str, note: str) -> JSONObject:
        """Close the task."""
        key = callbacks.CallbackId(task_id)
        try:
            return await self._desk.close(key, callbacks.CallbackOutcome(outcome), by=by, note=note)
        except (callbacks.CallbackRefused, callbacks.CallbackUnknown) as refusal:
            raise _told(refusal) from None


def _told(refusal: Exception) -> Exception:
    match refusal:
        case callbacks.CallbackTaken(agent_id=agent_id, agent_name=agent_name):
            return web_callbacks.CallbackTaken(agent_id, agent_name)
        case callbacks.CallbackClosed(outcome=outcome, closed_by=closed_by):
            return web_callbacks.CallbackClosed(outcome.value if outcome else None, closed_by)
        case callbacks.CallbackNotDialable():
            return web_callbacks.CallbackNotDialable()
        case _:
            return web_callbacks.CallbackMissing()
