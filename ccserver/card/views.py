"""Cards as JSON for the panel and the API. Times are ISO 8601 UTC with milliseconds and "Z"."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from ccserver.card.attachments import CardAttachment
from ccserver.card.fields import JSON
from ccserver.card.locations import CardLocation, Place
from ccserver.card.values import (
    AbsorbedCard,
    CardContact,
    CardEntry,
    CardField,
    CardHead,
    CardNotes,
    CardParty,
    CardRecording,
    CardSummary,
    FieldVersion,
)
from ccserver.card.whole import CardData


def as_json(card: CardData | CardSummary) -> dict[str, JSON]:
    """Return the API's shape of a card, or of one line of a list of cards."""
    if isinstance(card, CardSummary):
        return _summary(card)
    return _summary(card.summary) | {
        "contacts": [_contact(contact) for contact in card.contacts],
        "notes": _notes(card.notes),
        "timeline": [_entry(entry) for entry in card.timeline],
        "fields": _fields(card.fields),
        "merged": [_absorbed(absorbed) for absorbed in card.absorbed],
        "parent": None if card.parent is None else head_json(card.parent),
        "children": [head_json(child) for child in card.children],
        "locations": [location_json(one) for one in card.locations],
        "location": place_json(card.place),
        "attachments": [attachment_json(one) for one in card.attachments],
    }


def attachment_json(attachment: CardAttachment) -> dict[str, JSON]:
    """Return a file as the card shows it."""
    return {
        "attachment_id": attachment.attachment_id,
        "incident_id": attachment.incident_id,
        "name": attachment.name,
        "media_type": attachment.media_type,
        "size": attachment.size,
        "sha256": attachment.sha256,
        "added_at": iso(attachment.added_at),
        "author": attachment.author,
        "removed_at": iso(attachment.removed_at),
        "removed_by": attachment.removed_by,
    }


def location_json(known: CardLocation) -> dict[str, JSON]:
    """Return a location with its shape, and the circle that covers it."""
    location = known.location
    return {
        "location_id": known.location_id,
        "incident_id": known.incident_id,
        "contact_id": known.contact_id,
        "kind": known.kind.value,
        "source": location.source.value,
        "shape": cast("JSON", location.shape.as_json()),
        "lat": location.shape.centre.latitude,
        "lon": location.shape.centre.longitude,
        "radius_m": location.shape.radius_m,
        "confidence": location.confidence,
        "observed_at": iso(location.observed_at),
        "received_at": iso(location.received_at),
        "author": known.author,
        "data": cast("JSON", location.data),
    }


def place_json(place: Place) -> dict[str, JSON]:
    """Return which location counts, and why."""
    return {
        "current": None if place.current is None else place.current.location_id,
        "why": place.why,
        "conflicts": [list(pair) for pair in place.conflicts],
    }


def head_json(head: CardHead) -> dict[str, JSON]:
    """Return which card it is."""
    return {"incident_id": head.incident_id, "number": head.number}


def field_json(field: CardField) -> dict[str, JSON]:
    """Return a field as it was saved last."""
    return {
        "value": field.value,
        "version": field.version,
        "saved_at": iso(field.saved_at),
        "author": field.author,
    }


def version_json(saved: FieldVersion) -> dict[str, JSON]:
    """Return one save of a field."""
    return {
        "version": saved.version,
        "value": saved.value,
        "author": saved.author,
        "saved_at": iso(saved.saved_at),
    }


def _fields(fields: Mapping[str, CardField]) -> dict[str, JSON]:
    return {name: field_json(field) for name, field in fields.items()}


def _notes(notes: CardNotes) -> dict[str, JSON]:
    return {
        "text": notes.text,
        "version": notes.version,
        "saved_at": iso(notes.saved_at),
        "author": notes.author,
    }


def _absorbed(absorbed: AbsorbedCard) -> dict[str, JSON]:
    return {
        "incident_id": absorbed.incident_id,
        "number": absorbed.number,
        "at": iso(absorbed.at),
        "author": absorbed.author,
        "fields": _fields(absorbed.fields),
        "notes": _notes(absorbed.notes),
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
        "medium": card.medium and card.medium.value,
        "outcome": card.outcome and card.outcome.value,
        "agent_id": card.agent_id,
        "agent_name": card.agent_name,
        "answered_at": iso(card.answered_at),
        "ended_at": iso(card.ended_at),
        "recording_count": card.recording_count,
        "notes_excerpt": card.notes_excerpt,
        "type": card.type_code,
        "priority": card.priority,
        "address": card.address,
        "merged_into": None if card.merged_into is None else head_json(card.merged_into),
        "service": card.service,
        "test": card.test,
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
        "service": contact.service,
        "test": contact.test,
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
        "key": entry.key,
        "contact_id": entry.contact_id,
        "incident_id": entry.incident_id,
        "agent_id": entry.agent_id,
        "author": entry.author,
        "data": cast("JSON", entry.data),
    }
