"""Puts the card and recording rooms behind the web room's ports. No logic of its own."""

from datetime import datetime

from ccserver.card import (
    NOTES_BYTES_MAX,
    CardStore,
    InvalidCursor,
    TimelineEntry,
    TimelineTag,
    UnknownIncident,
    as_json,
)
from ccserver.card import NotesConflict as CardNotesConflict
from ccserver.card import NotesTooLong as CardNotesTooLong
from ccserver.recording import RecordingStore
from ccserver.types import IncidentId
from ccserver.web.ports import (
    CardPage,
    JSONObject,
    NotesConflict,
    NotesSaved,
    NotesTooLong,
    RecordingAudio,
)


class Cards:
    """`ccserver.web.ports.CardsPort` over the card room."""

    def __init__(self, store: CardStore) -> None:
        self._store = store

    async def search(self, q: str, *, limit: int, before: str | None) -> CardPage:
        """Newest first."""
        try:
            found = await self._store.search(q, limit=limit, before=before)
        except InvalidCursor:
            found = await self._store.search(q, limit=limit, before=None)
        cursor = found[-1].cursor if len(found) == limit else None
        return CardPage([as_json(summary) for summary in found], cursor)

    async def card(self, incident_id: IncidentId) -> JSONObject | None:
        """The whole card."""
        card = await self._store.card(incident_id)
        return None if card is None else as_json(card)

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
