"""Saving the notes of a card over the version that their author saw; a function of one session."""

from datetime import datetime

from sqlalchemy.orm import Session

from ccserver.card.editing import lock_card
from ccserver.card.telling import tell
from ccserver.card.text import folded
from ccserver.card.timeline import notes_key
from ccserver.card.values import NotesConflict, NotesSaved, TimelineTag


def save_notes(
    session: Session,
    incident_id: str,
    text: str,
    *,
    base_version: int,
    author: str,
    at: datetime,
) -> NotesSaved:
    """Replace the notes; a repeated save, or one that changes nothing, returns what there is.

    Raises `UnknownIncident`, `CardMerged`, and `NotesConflict` with the newer text.
    """
    incident = lock_card(session, incident_id)
    repeated = base_version + 1 == incident.notes_version and author == incident.notes_author
    unchanged = text == incident.notes_text
    if unchanged and (repeated or base_version == incident.notes_version):
        return NotesSaved(incident.notes_version, incident.notes_saved_at or at)
    if base_version != incident.notes_version:
        raise NotesConflict(incident.notes_text, incident.notes_version, incident.notes_author)
    version = incident.notes_version + 1
    # With the incident and not with a contact, which may be moved to another card.
    tell(
        session,
        incident.incident_id,
        TimelineTag.NOTES_SAVED,
        notes_key(incident.incident_id, version),
        at=at,
        author=author,
        data={"version": version, "previous_text": incident.notes_text},
    )
    incident.notes_text = text
    incident.notes_folded = folded(text)
    incident.notes_version = version
    incident.notes_saved_at = at
    incident.notes_author = author
    return NotesSaved(version, at)
