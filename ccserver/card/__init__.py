"""Incident cards: contacts, their timeline, notes and search."""

from ccserver.card.journal import CardJournal
from ccserver.card.store import CardStore
from ccserver.card.values import (
    NOTES_BYTES_MAX,
    CardContact,
    CardData,
    CardEntry,
    CardHead,
    CardNotes,
    CardRecording,
    CardStatus,
    CardSummary,
    ContactOpened,
    InvalidCursor,
    NotesConflict,
    NotesSaved,
    NotesTooLong,
    OpenContact,
    Outcome,
    TimelineEntry,
    TimelineTag,
    UnknownContact,
    UnknownIncident,
)
from ccserver.card.views import as_json

__all__ = [
    "NOTES_BYTES_MAX",
    "CardContact",
    "CardData",
    "CardEntry",
    "CardHead",
    "CardJournal",
    "CardNotes",
    "CardRecording",
    "CardStatus",
    "CardStore",
    "CardSummary",
    "ContactOpened",
    "InvalidCursor",
    "NotesConflict",
    "NotesSaved",
    "NotesTooLong",
    "OpenContact",
    "Outcome",
    "TimelineEntry",
    "TimelineTag",
    "UnknownContact",
    "UnknownIncident",
    "as_json",
]
