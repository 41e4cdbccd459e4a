"""What the web room needs of others: Protocols, and the small values that pass through them.

The composition root puts the real rooms behind them; the tests put fakes there. Every method may
raise `ccserver.db.DatabaseUnavailable`, which the client sees as 503. The web room gives every
call a deadline and cancels it then: what must not be cut short, the implementation shields.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Protocol

import msgspec

from ccserver.accounts import Account, AgentProfile
from ccserver.acd.events import AgentPresence
from ccserver.card import EVERY_CARD, Wanted
from ccserver.types import AgentId, ContactId, IncidentId

JSONObject = Mapping[str, object]
"""A JSON object as the API's reference describes it, ready to be encoded."""


class ControlRefused(Exception):
    """The state does not allow what was asked. ``code`` is for programs, ``message`` for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class Clock(Protocol):
    """Both kinds of time."""

    def now(self) -> datetime:
        """The aware UTC time for records."""

    def monotonic(self) -> float:
        """Seconds that never go back, for deadlines."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The aware UTC time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()


class AccountsPort(Protocol):
    """People, their sessions and seats; `ccserver.accounts.AccountStore` fits."""

    async def verify(self, login: str, password: str) -> Account | None:
        """The account, or ``None`` after the same work for an unknown login."""

    async def set_language(self, login: str, language: str) -> None:
        """Keep the language of the person's panel."""

    async def open_session(self, login: str, *, now: datetime, ttl_s: float) -> str:
        """A new session's token."""

    async def session_account(self, token: str, *, now: datetime) -> Account | None:
        """Whose session this is; ``None`` if it never was or is over."""

    async def close_session(self, token: str) -> None:
        """End the session; an unknown token is no error."""

    async def agent(self, agent_id: AgentId) -> AgentProfile | None:
        """The seat with its device."""


@dataclass(frozen=True, slots=True)
class CardPage:
    """Cards, newest first; ``next_cursor`` is the ``before`` of the following page."""

    cards: Sequence[JSONObject]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class NotesSaved:
    """The notes are durable as ``version``."""

    version: int
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class NotesConflict:
    """Somebody saved in between: what is kept now. Nothing was changed."""

    text: str
    version: int
    author: str | None


@dataclass(frozen=True, slots=True)
class NotesTooLong:
    """More than ``limit_bytes`` of UTF-8. Nothing was changed."""

    limit_bytes: int


class CardsPort(Protocol):
    """Incident cards as JSON."""

    async def search(
        self, q: str, *, limit: int, before: str | None, wanted: Wanted = EVERY_CARD
    ) -> CardPage:
        """Newest first; an empty ``q`` matches all. A ``before`` never given out is no error."""

    async def card(self, incident_id: IncidentId) -> JSONObject | None:
        """The whole card."""

    async def save_notes(
        self, incident_id: IncidentId, text: str, *, base_version: int, author: str, at: datetime
    ) -> NotesSaved | NotesConflict | NotesTooLong | None:
        """Durable when it returns `NotesSaved`; ``None`` if there is no such card.

        Raises `ccserver.card.CardMerged`.
        """


@dataclass(frozen=True, slots=True)
class RecordingAudio:
    """A sealed recording that can be played.

    ``agent_ids`` are the seats that handled the contact: a call taker hears only those.
    """

    recording_id: str
    contact_id: ContactId
    path: Path
    agent_ids: frozenset[AgentId]


class RecordingsPort(Protocol):
    """Recordings and the trace of who listened."""

    async def audio(self, recording_id: str) -> RecordingAudio | None:
        """``None`` if it is unknown or was not sealed."""

    async def listened(
        self, recording: RecordingAudio, *, listen_id: str, author: str, at: datetime
    ) -> None:
        """Write the ``recording_played`` entry; durable when it returns, and raises otherwise.

        ``listen_id`` is new for each listen and may serve as the entry's key.
        """


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Whom a call taker wants in the conversation, or to give it to."""


class AgentChoice(Target, frozen=True, forbid_unknown_fields=True, tag="agent"):
    """Another call taker."""

    agent_id: AgentId


class QueueChoice(Target, frozen=True, forbid_unknown_fields=True, tag="queue"):
    """Whoever the queue gives it to."""

    queue: str


class DirectoryChoice(Target, frozen=True, forbid_unknown_fields=True, tag="directory"):
    """An entry of the directory: a service, an interpreter."""

    name: str


class NumberChoice(Target, frozen=True, forbid_unknown_fields=True, tag="number"):
    """A typed telephone number."""

    number: Annotated[str, msgspec.Meta(min_length=2, max_length=40)]


TargetChoice = AgentChoice | QueueChoice | DirectoryChoice | NumberChoice


class ContactAction(StrEnum):
    """What a call taker does to a contact in one word; the last part of the address."""

    ANSWER = "answer"
    REJECT = "reject"
    HANG_UP = "hang-up"
    HOLD = "hold"
    RESUME = "resume"
    MUTE = "mute"
    UNMUTE = "unmute"
    PICK = "pick"
    """Take a waiting contact out of turn."""
    MERGE = "merge"
    """Caller, call taker and consulted party in one conversation."""
    SWAP = "swap"
    """Talk to the other of caller and consulted party."""
    COMPLETE = "complete"
    """Leave the caller with the consulted party."""
    CANCEL = "cancel"
    """Drop the consulted party, back to the caller."""
    TAKE_OVER = "take-over"
    """A supervisor becomes the call taker."""


class ReachAction(StrEnum):
    """How another party is brought to a conversation."""

    CONSULT = "consult"
    TRANSFER = "transfer"
    INVITE = "invite"


class MonitorMode(StrEnum):
    """How a supervisor takes part."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"
    OFF = "off"


class ControlPort(Protocol):
    """The live centre; implemented by the runtime. Each action raises `ControlRefused`."""

    def snapshot(self) -> JSONObject:
        """``{"contacts": [...], "agents": [...]}`` as of all that was published so far.

        Called in the same step of the event loop as `PushHub.seq` is read, so it must show the
        effect of every published message and of none that is not published yet.
        """

    def readiness(self) -> Mapping[str, bool]:
        """Each part by name, true where it works."""

    def seats(self) -> Sequence[tuple[AgentId, str]]:
        """Every seat with the name of the person."""

    def rights(self, account: Account) -> Mapping[str, bool]:
        """What the person may do beyond taking calls, by name."""

    async def set_presence(self, agent_id: AgentId, presence: AgentPresence) -> None:
        """Declare the person's presence."""

    async def force_presence(
        self, agent_id: AgentId, presence: AgentPresence, *, author: str, comment: str
    ) -> None:
        """The supervisor ``author`` (a login) declares it for the person; audited."""

    async def end_wrap_up(self, agent_id: AgentId) -> None:
        """Finish the work after a contact."""

    async def extend_wrap_up(self, agent_id: AgentId) -> None:
        """More time for the work after a contact."""

    async def act(self, agent_id: AgentId, contact_id: ContactId, action: ContactAction) -> None:
        """Do it to the seat's offer or conversation, or to a contact that waits or is watched."""

    async def reach(
        self, agent_id: AgentId, contact_id: ContactId, action: ReachAction, target: TargetChoice
    ) -> None:
        """Bring another party to the seat's conversation, or the caller to it."""

    async def drop_party(self, agent_id: AgentId, contact_id: ContactId, party_id: str) -> None:
        """Part from one of those who talk."""

    async def monitor(self, agent_id: AgentId, contact_id: ContactId, mode: MonitorMode) -> None:
        """Listen to a conversation, whisper to its call taker, or join it."""

    async def place_call(
        self, agent_id: AgentId, incident_id: IncidentId, number: str
    ) -> ContactId:
        """Ring the seat, then the citizen; the new contact belongs to the card."""
