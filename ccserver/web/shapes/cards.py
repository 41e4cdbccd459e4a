"""Cards: lists, the whole card, its notes, fields, attachments, presence and recordings."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ccserver.card import CardStatus, Outcome, TimelineTag
from ccserver.types import Medium
from ccserver.web.card_fields import FieldValue, Undoing
from ccserver.web.card_presence import PresenceSaid
from ccserver.web.cards import (
    CODE_LENGTH_MAX,
    QUERY_LENGTH_MAX,
    SERVICE_LENGTH_MAX,
    NotesText,
)
from ccserver.web.describe import (
    IF_MATCH,
    OVER_A_VERSION,
    RANGE,
    File,
    Form,
    Operation,
    Operations,
    Parameter,
    Shape,
    before,
    limit,
)
from ccserver.web.shapes.places import Location, Place
from ccserver.web.shapes.services import Involvement


class Head(Shape, frozen=True):
    """Which card it is."""

    incident_id: str
    number: str


class CardSummary(Shape, frozen=True):
    """One line of a list of cards; of one that was merged away, what contacts say is null."""

    incident_id: str
    number: str
    opened_at: datetime
    status: CardStatus
    caller_number: str | None
    caller_number_hidden: bool | None
    medium: Medium | None
    outcome: Outcome | None
    agent_id: str | None
    agent_name: str | None
    answered_at: datetime | None
    ended_at: datetime | None
    recording_count: int
    notes_excerpt: str
    type: str | None
    priority: int | None
    address: str | None
    merged_into: Head | None
    service: str | None
    test: bool


class Party(Shape, frozen=True):
    """Whose recording it is, if not the caller's own."""

    kind: str
    number: str | None
    name: str | None
    agent_id: str | None
    agent_name: str | None


class Recording(Shape, frozen=True):
    """A recording of a contact; the sound is at `/api/recordings/{recording_id}/audio`."""

    recording_id: str
    state: str
    duration_s: float | None
    sha256: str | None
    size: int | None
    started_at: datetime | None
    error: str | None
    party: Party | None


class Contact(Shape, frozen=True):
    """One request for help."""

    contact_id: str
    medium: Medium
    direction: Literal["inbound", "outbound"]
    queue: str | None
    priority: int
    caller_number: str | None
    caller_number_hidden: bool
    called_number: str | None
    service: str | None
    test: bool
    arrived_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    agent_id: str | None
    agent_name: str | None
    outcome: Outcome
    recordings: list[Recording]


class Notes(Shape, frozen=True):
    """What was typed; version 0 was never saved."""

    text: str
    version: int
    saved_at: datetime | None
    author: str | None


class Field(Shape, frozen=True):
    """A field as it was saved last; of what value it is its name says."""

    value: object
    version: int
    saved_at: datetime | None
    author: str | None


class Entry(Shape, frozen=True):
    """One thing that happened. Without a contact it happened to the incident as a whole."""

    at: datetime
    tag: TimelineTag
    key: str
    contact_id: str | None
    incident_id: str
    agent_id: str | None
    author: str | None
    data: dict[str, object]


class Absorbed(Shape, frozen=True):
    """A card that is a part of this one now, with what it said."""

    incident_id: str
    number: str
    at: datetime
    author: str | None
    fields: dict[str, Field]
    notes: Notes


class Attachment(Shape, frozen=True):
    """A file on the card; the file itself is at `/api/attachments/{attachment_id}`."""

    attachment_id: str
    incident_id: str
    name: str
    media_type: str
    size: int
    sha256: str
    added_at: datetime
    author: str | None
    removed_at: datetime | None
    removed_by: str | None


class Present(Shape, frozen=True):
    """Somebody who has the card open, and at which field."""

    login: str
    name: str
    field: str | None


class Presents(Shape, frozen=True):
    """Who has the card open."""

    people: list[Present]


class Card(CardSummary, frozen=True):
    """A whole card, as far as the reader may see it."""

    contacts: list[Contact]
    notes: Notes
    timeline: list[Entry]
    fields: dict[str, Field]
    merged: list[Absorbed]
    parent: Head | None
    children: list[Head]
    locations: list[Location]
    location: Place
    attachments: list[Attachment]
    presence: list[Present]
    services: list[Involvement]


class Cards(Shape, frozen=True):
    """A page of a list of cards, newest first."""

    cards: list[CardSummary]
    next: str | None


class NotesKept(Shape, frozen=True):
    """The notes are durable."""

    version: int
    saved_at: datetime


class Warned(Shape, frozen=True):
    """Kept, and unusual."""

    path: str
    code: str


class FieldKept(Shape, frozen=True):
    """The field is durable."""

    version: int
    saved_at: datetime
    warnings: list[Warned]


class Version(Shape, frozen=True):
    """One save of a field."""

    version: int
    value: object
    author: str | None
    saved_at: datetime


class Versions(Shape, frozen=True):
    """The saves of a field, newest first."""

    versions: list[Version]


Code = Annotated[str, msgspec.Meta(max_length=CODE_LENGTH_MAX)]
MERGED = {409: ("merged",)}
X_FILE_NAME = Parameter(
    "X-File-Name", str, "Of a body that is the file itself: its name, percent-encoded.", "header"
)

OPERATIONS: Operations = {
    ("GET", "/api/cards"): Operation(
        Cards,
        summary="Look for cards, newest first.",
        parameters=(
            Parameter(
                "q",
                Annotated[str, msgspec.Meta(max_length=QUERY_LENGTH_MAX)],
                "Beginnings of words, or a number.",
            ),
            Parameter("from", datetime, "Opened at this time or later."),
            Parameter("to", datetime, "Opened before this time."),
            Parameter("type", list[Code], "An incident type; may be given several times."),
            Parameter("agent", Code, "The seat that handled a contact of the card."),
            Parameter(
                "service",
                Annotated[str, msgspec.Meta(max_length=SERVICE_LENGTH_MAX)],
                "A service URN that was asked for; children of it count as well.",
            ),
            Parameter("test", bool, "Tests of the service alone, or all but tests."),
            Parameter("status", CardStatus, "Open or closed ones."),
            before(),
            limit(),
        ),
        errors={503: ("search_too_slow",)},
    ),
    ("GET", "/api/cards/{incident_id}"): Operation(
        Card, summary="A whole card; who is outside of it says why."
    ),
    ("PUT", "/api/cards/{incident_id}/notes"): Operation(
        NotesKept,
        summary="Save the notes over the version that was seen.",
        bodies=(NotesText,),
        parameters=(IF_MATCH,),
        errors={**OVER_A_VERSION, **MERGED, 413: ("notes_too_long",)},
    ),
    ("PUT", "/api/cards/{incident_id}/fields/{name}"): Operation(
        FieldKept,
        summary="Save a field over the version that was seen.",
        bodies=(FieldValue,),
        parameters=(IF_MATCH,),
        errors={
            **OVER_A_VERSION,
            **MERGED,
            413: ("value_too_long",),
            422: ("invalid_value",),
        },
    ),
    ("GET", "/api/cards/{incident_id}/fields/{name}/history"): Operation(
        Versions, summary="Every save of a field, newest first."
    ),
    ("POST", "/api/cards/{incident_id}/undo"): Operation(
        summary="Take back what an entry of the card's own timeline tells of.",
        bodies=(Undoing,),
        errors={409: ("changed_since", "not_undoable", "last_contact", "merged", "too_deep")},
    ),
    ("POST", "/api/cards/{incident_id}/attachments"): Operation(
        Attachment,
        summary="Put a file on the card.",
        status=201,
        bodies=(File(("application/octet-stream",)), Form()),
        parameters=(X_FILE_NAME,),
        errors={
            409: ("too_many_attachments", "merged"),
            413: ("attachment_too_large",),
            422: ("attachment_empty",),
            503: ("busy",),
            507: ("no_room",),
        },
    ),
    ("GET", "/api/attachments/{attachment_id}"): Operation(
        File(("*/*",)),
        parameters=(RANGE,),
        others={206: File(("*/*",))},
        errors={404: ("attachment_missing",), 416: ("range_not_satisfiable",)},
    ),
    ("DELETE", "/api/attachments/{attachment_id}"): Operation(
        errors=MERGED, summary="Mark a file as removed; it is kept."
    ),
    ("PUT", "/api/cards/{incident_id}/presence"): Operation(
        Presents,
        bodies=(PresenceSaid,),
        summary="Say that one has the card open, and hear who else has.",
    ),
    ("DELETE", "/api/cards/{incident_id}/presence"): Operation(
        summary="Say that one has closed the card."
    ),
    ("GET", "/api/recordings/{recording_id}/audio"): Operation(
        File(("audio/flac",)),
        parameters=(RANGE,),
        others={206: File(("audio/flac",))},
        errors={
            404: ("recording_missing",),
            416: ("range_not_satisfiable",),
            503: ("trace_failed",),
        },
    ),
}
