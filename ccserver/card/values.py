"""What a card holds, as the other rooms see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ccserver.acd.events import Direction
from ccserver.card.fields import JSON, Warned
from ccserver.types import AgentId, ContactId, IncidentId, Medium

NOTES_BYTES_MAX = 65_536
"""UTF-8 bytes of one card's notes: thirty printed pages, and each save keeps the text before it."""
NOTES_EXCERPT_CHARS = 120


class TimelineTag(StrEnum):
    """Everything that a timeline can tell; a closed list, because tests and readers rely on it."""

    CONTACT_ARRIVED = "contact_arrived"
    QUEUED = "queued"
    OFFERED = "offered"
    OFFER_ACCEPTED = "offer_accepted"
    OFFER_REJECTED = "offer_rejected"
    OFFER_TIMED_OUT = "offer_timed_out"
    OFFER_RESCINDED = "offer_rescinded"
    OFFER_FAILED = "offer_failed"
    CONNECTED = "connected"
    HELD = "held"
    RESUMED = "resumed"
    RETURNED = "returned"
    PARACHUTE_ENTERED = "parachute_entered"
    PARACHUTE_ANSWERED = "parachute_answered"
    ABANDONED = "abandoned"
    CUT_OFF = "cut_off"
    ENDED = "ended"
    WRAP_UP_ENDED = "wrap_up_ended"
    RECORDING_SEALED = "recording_sealed"
    RECORDING_FAILED = "recording_failed"
    RECORDING_PLAYED = "recording_played"
    NOTES_SAVED = "notes_saved"
    ADOPTED = "adopted"
    # what the caller does while waiting, and whether anything is heard of the caller
    LANGUAGE_CHOSEN = "language_chosen"
    CANNOT_SPEAK = "cannot_speak"
    SILENCE_NOTED = "silence_noted"
    SPEECH_HEARD = "speech_heard"
    REDIALLED = "redialled"
    ESCALATED = "escalated"
    PICKED = "picked"
    # others in the conversation
    CONSULT_STARTED = "consult_started"
    CONSULT_ENDED = "consult_ended"
    CONFERENCE = "conference"
    TRANSFERRED = "transferred"
    TRANSFER_FAILED = "transfer_failed"
    HANDED_OVER = "handed_over"
    PARTY_JOINED = "party_joined"
    PARTY_LEFT = "party_left"
    MUTED = "muted"
    UNMUTED = "unmuted"
    MONITOR_STARTED = "monitor_started"
    MONITOR_ENDED = "monitor_ended"
    # we call the citizen
    OUTBOUND_DIALLED = "outbound_dialled"
    OUTBOUND_ANSWERED = "outbound_answered"
    OUTBOUND_FAILED = "outbound_failed"
    # texts
    TEXT_RECEIVED = "text_received"
    TEXT_SENT = "text_sent"
    TEXT_FAILED = "text_failed"
    TEXT_RODE_ALONG = "text_rode_along"
    """A text of a citizen whose call is in hand: whoever has the call has the text."""
    CONVERSATION_REOPENED = "conversation_reopened"
    CONVERSATION_CLOSED = "conversation_closed"
    # data of cars and telephones
    EMERGENCY_DATA = "emergency_data"
    """Something came with the call, or later: ``data`` says what."""
    MSD_RECEIVED = "msd_received"
    MSD_UNREADABLE = "msd_unreadable"
    MSD_REQUESTED = "msd_requested"
    MSD_REFUSED = "msd_refused"
    MSD_REQUEST_FAILED = "msd_request_failed"
    LOCATION_UNREACHABLE = "location_unreachable"
    """The call named an address to ask for the place, and it gave none."""
    CLEARED_DOWN = "cleared_down"
    # a citizen who gave up is called back
    CALLBACK_OPENED = "callback_opened"
    CALLBACK_LINED_UP = "callback_lined_up"
    CALLBACK_TAKEN = "callback_taken"
    CALLBACK_ENDED = "callback_ended"
    CALLBACK_EXHAUSTED = "callback_exhausted"
    CALLBACK_CLOSED = "callback_closed"
    # what is known of the incident itself
    FIELD_SAVED = "field_saved"
    FIELD_UNDONE = "field_undone"
    LOCATION_ADDED = "location_added"
    LOCATION_PINNED = "location_pinned"
    AML_UNREADABLE = "aml_unreadable"
    """The phone told of a place in a way that nobody can draw; its text may tell a person."""
    EIDO_RECEIVED = "eido_received"
    ATTACHMENT_ADDED = "attachment_added"
    ATTACHMENT_REMOVED = "attachment_removed"
    # which contacts and cards belong together
    MERGED = "merged"
    MERGE_UNDONE = "merge_undone"
    SPLIT = "split"
    SPLIT_UNDONE = "split_undone"
    LINKED = "linked"
    UNLINKED = "unlinked"
    LINK_UNDONE = "link_undone"
    # services are sent for, and tell how far they are
    SERVICE_SENT = "service_sent"
    SERVICE_RECEIVED = "service_received"
    SERVICE_SEEN = "service_seen"
    SERVICE_ACCEPTED = "service_accepted"
    SERVICE_REFUSED = "service_refused"
    SERVICE_DISPATCHED = "service_dispatched"
    SERVICE_EN_ROUTE = "service_en_route"
    SERVICE_ON_SCENE = "service_on_scene"
    SERVICE_CLEARED = "service_cleared"
    SERVICE_CLOSED = "service_closed"
    SERVICE_WITHDRAWN = "service_withdrawn"
    SERVICE_REOPENED = "service_reopened"
    SERVICE_OVERDUE = "service_overdue"
    SERVICE_NOTE = "service_note"
    UNIT_ASSIGNED = "unit_assigned"
    UNIT_STATUS = "unit_status"


class Outcome(StrEnum):
    """How far a contact came; `ccserver.card.outcome` says how it is derived."""

    WAITING = "waiting"
    ANSWERED = "answered"
    PARACHUTE = "parachute"
    ABANDONED = "abandoned"
    UNREACHED = "unreached"
    """We called, and the citizen did not answer."""
    CUT_OFF = "cut_off"
    """The network, or Asterisk's death, ended a conversation."""
    ENDED = "ended"


class CardStatus(StrEnum):
    """A card is closed when all of its contacts have ended."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ContactOpened:
    """A contact arrived; this opens its card. ``arrived_at`` is aware.

    ``incident_id``: the card that it belongs to already (we call a citizen because of it); a card
    that does not exist is as good as none.
    """

    contact_id: ContactId
    medium: Medium
    queue: str
    priority: int
    caller_number: str | None
    caller_number_hidden: bool
    called_number: str | None
    arrived_at: datetime
    direction: Direction = Direction.INBOUND
    incident_id: IncidentId | None = None
    service: str | None = None
    """The service URN that was asked for; ``None``: a number was dialled."""
    test: bool = False
    """Nobody asked for help."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something happened to a contact at ``at`` (aware).

    ``key`` is unique per contact: writing the same key again changes nothing, so a replay after a
    crash is harmless. ``agent_id`` is the seat concerned, ``author`` the login of a person.
    """

    contact_id: ContactId
    tag: TimelineTag
    at: datetime
    key: str
    agent_id: AgentId | None = None
    author: str | None = None
    data: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CardHead:
    """Which card it is: the key, and the number that people say (``2026-000123``)."""

    incident_id: IncidentId
    number: str


@dataclass(frozen=True, slots=True)
class OpenContact:
    """A contact that has not ended, for reconciliation after a restart."""

    contact_id: ContactId
    incident_id: IncidentId
    number: str
    medium: Medium
    queue: str
    priority: int
    caller_number: str | None
    caller_number_hidden: bool
    called_number: str | None
    arrived_at: datetime
    answered_at: datetime | None
    agent_id: AgentId | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class PastContact:
    """A contact that is over, or was answered, as other rooms need to know it."""

    contact_id: ContactId
    incident_id: IncidentId
    card_number: str
    queue: str
    priority: int
    caller_number: str | None
    direction: Direction
    arrived_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    agent_id: AgentId | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CardParty:
    """Whose leg a recording is of: a call taker (``agent_id``), or somebody outside."""

    kind: str
    number: str | None
    name: str
    agent_id: AgentId | None
    agent_name: str | None


@dataclass(frozen=True, slots=True)
class SpokenWith:
    """A conversation with a caller; ``language`` is what the caller had chosen by key."""

    caller_number: str
    agent_id: AgentId
    language: str | None


@dataclass(frozen=True, slots=True)
class CardRecording:
    """A recording as the card shows it; without a ``party`` it is the caller's own."""

    recording_id: str
    state: str
    started_at: datetime
    duration_s: float | None
    sha256: str | None
    size: int | None
    error: str | None
    party: CardParty | None = None


@dataclass(frozen=True, slots=True)
class CardContact:
    """A contact as the card shows it."""

    contact_id: ContactId
    medium: Medium
    queue: str
    priority: int
    caller_number: str | None
    caller_number_hidden: bool
    called_number: str | None
    arrived_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    agent_id: AgentId | None
    agent_name: str | None
    outcome: Outcome
    recordings: tuple[CardRecording, ...] = ()
    direction: Direction = Direction.INBOUND
    service: str | None = None
    test: bool = False


@dataclass(frozen=True, slots=True)
class CardNotes:
    """The notes; ``version`` 0 has never been saved."""

    text: str
    version: int
    saved_at: datetime | None
    author: str | None


@dataclass(frozen=True, slots=True)
class CardEntry:
    """A timeline entry as the card shows it.

    What was done to the incident as a whole has no ``contact_id``. ``key`` is unique among the
    entries of the contact, or else of the incident ``incident_id``.
    """

    contact_id: ContactId | None
    tag: TimelineTag
    at: datetime
    agent_id: AgentId | None
    author: str | None
    data: Mapping[str, object]
    key: str
    incident_id: IncidentId


@dataclass(frozen=True, slots=True)
class CardField:
    """A field as it was saved last."""

    value: JSON
    version: int
    saved_at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class AbsorbedCard:
    """A card that has become a part of this one, with what it said by itself."""

    incident_id: IncidentId
    number: str
    at: datetime | None
    author: str | None
    fields: Mapping[str, CardField]
    notes: CardNotes


@dataclass(frozen=True, slots=True)
class CardSummary:
    """One line of a list of cards: the incident, and the first of its contacts.

    A card that was merged into another has no contacts left; what is theirs is `None`.
    """

    incident_id: IncidentId
    number: str
    opened_at: datetime
    status: CardStatus
    caller_number: str | None
    caller_number_hidden: bool
    medium: Medium | None
    outcome: Outcome | None
    agent_id: AgentId | None
    agent_name: str | None
    answered_at: datetime | None
    ended_at: datetime | None
    recording_count: int
    notes_excerpt: str
    type_code: str | None = None
    priority: int | None = None
    address: str = ""
    merged_into: CardHead | None = None
    service: str | None = None
    test: bool = False

    @property
    def cursor(self) -> str:
        """Where the next page of a search begins, given as its ``before``."""
        return f"{self.opened_at.isoformat()}~{self.number}"


@dataclass(frozen=True, slots=True)
class NotesSaved:
    """The notes are stored under this version."""

    version: int
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class FieldSaved:
    """The field is stored under this version."""

    version: int
    saved_at: datetime
    warnings: tuple[Warned, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldVersion:
    """One save of a field."""

    version: int
    value: JSON
    saved_at: datetime
    author: str | None


class UnknownContact(LookupError):
    """There is no card for this contact (yet)."""


class UnknownIncident(LookupError):
    """There is no such card."""


class InvalidCursor(ValueError):
    """A search's ``before`` is not one that a search has given."""


class NotesTooLong(ValueError):
    """The notes are longer than a card keeps (`NOTES_BYTES_MAX`)."""


class NotesConflict(Exception):
    """The notes were saved by someone else since; both texts are kept by giving the other back."""

    def __init__(self, current_text: str, current_version: int, current_author: str | None) -> None:
        super().__init__("the notes were changed meanwhile")
        self.current_text = current_text
        self.current_version = current_version
        self.current_author = current_author


class FieldConflict(Exception):
    """The field was saved by someone else since; both values are kept by giving the other back."""

    def __init__(self, current: CardField | None) -> None:
        super().__init__("the field was changed meanwhile")
        self.current = current


class CardMerged(Exception):
    """The card has become a part of another, where what is to be said of it belongs."""

    def __init__(self, into: CardHead) -> None:
        super().__init__("the card was merged into another")
        self.into = into


class UnknownEntry(LookupError):
    """The incident's timeline has no such entry."""


class NotUndoable(Exception):
    """What this entry tells of cannot be undone."""


class ChangedSince(Exception):
    """What was to be undone has been done over since; it is left as it is."""
