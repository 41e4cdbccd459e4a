"""Cards as JSON for the panel and the API. Times are ISO 8601 UTC with milliseconds and "Z"."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ccserver.card.values import (
    CardContact,
    CardData,
    CardEntry,
    CardParty,
    CardRecording,
    CardSummary,
)

JSON = str | int | float | bool | None | Sequence["JSON"] | Mapping[str, "JSON"]


def as_json(card: CardData | CardSummary) -> dict[str, JSON]:
    """Return the API's shape of a card, or of one line of a list of cards."""
    if isinstance(card, CardSummary):
        return _summary(card)
    return _summary(card.summary) | {
        "contacts": [_contact(contact) for contact in card.contacts],
        "notes": {
            "text": card.notes.text,
            "version": card.notes.version,
            "saved_at": iso(card.notes.saved_at),
            "author": card.notes.author,
        },
        "timeline": [_entry(entry) for entry in card.timeline],
    }


def iso(at: datetime | None) -> str | None:
    """Return an aware time as the API writes it."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _summary(card: CardSummary) -> dict[str, JSON]:
    return {
        "incident_id": card.incident_id,
        "number": card.number,
        "opened_at": iso(card.opened_at),
        "status": card.status.value,
        "caller_number": card.caller_number,
        "caller_number_hidden": card.caller_number_hidden,
        "medium": card.medium.value,
        "outcome": card.outcome.value,
        "agent_id": card.agent_id,
        "agent_name": card.agent_name,
        "answered_at": iso(card.answered_at),
        "ended_at": iso(card.ended_at),
        "recording_count": card.recording_count,
        "notes_excerpt": card.notes_excerpt,
    }


def _contact(contact: CardContact) -> dict[str, JSON]:
    return {
        "contact_id": contact.contact_id,
        "medium": contact.medium.value,
        "direction": contact.direction.value,
        "queue": contact.queue,
        "priority": contact.priority,
        "caller_number": contact.caller_number,
        "caller_number_hidden": contact.caller_number_hidden,
        "called_number": contact.called_number,
        "arrived_at": iso(contact.arrived_at),
        "answered_at": iso(contact.answered_at),
        "ended_at": iso(contact.ended_at),
        "agent_id": contact.agent_id,
        "agent_name": contact.agent_name,
        "outcome": contact.outcome.value,
        "recordings": [_recording(recording) for recording in contact.recordings],
    }


def _recording(recording: CardRecording) -> dict[str, JSON]:
    return {
        "recording_id": recording.recording_id,
        "state": recording.state,
        "duration_s": recording.duration_s,
        "sha256": recording.sha256,
        "size": recording.size,
        "started_at": iso(recording.started_at),
        "error": recording.error,
        "party": None if recording.party is None else _party(recording.party),
    }


def _party(party: CardParty) -> dict[str, JSON]:
    return {
        "kind": party.kind,
        "number": party.number,
        "name": party.name,
        "agent_id": party.agent_id,
        "agent_name": party.agent_name,
    }


def _entry(entry: CardEntry) -> dict[str, JSON]:
    return {
        "at": iso(entry.at),
        "tag": entry.tag.value,
        "contact_id": entry.contact_id,
        "agent_id": entry.agent_id,
        "author": entry.author,
        "data": dict(entry.data),
    }
