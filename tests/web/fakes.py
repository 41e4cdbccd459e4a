"""Fakes that implement the web room's ports in memory, with switches for each failure."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ccserver.accounts import Account, AgentProfile, DeviceKind, Role
from ccserver.acd.events import AgentPresence
from ccserver.card import EVERY_CARD, Wanted
from ccserver.db import DatabaseUnavailable
from ccserver.types import AgentId, ContactId, IncidentId, ServiceCode
from ccserver.web.ports import (
    CardPage,
    ContactAction,
    ControlRefused,
    JSONObject,
    MonitorMode,
    NotesConflict,
    NotesSaved,
    NotesTooLong,
    ReachAction,
    RecordingAudio,
    TargetChoice,
)

PASSWORD = "correct horse battery"
START = datetime(2026, 3, 1, 8, 0, 0, 123_456, tzinfo=UTC)
SEAT_A = AgentId("agent-101")
SEAT_B = AgentId("agent-102")
SEAT_C = AgentId("agent-103")
INCIDENT = IncidentId("5d0f6f4e-3b5c-4c43-9d56-0f2f8b6f1a01")
CONTACT = ContactId("7a4e2c10-94f2-4b0e-8f6c-2b8f0c9d2e02")
RECORDING = "c8b6a1d2-1111-4222-8333-444455556666"


class FakeClock:
    """Both clocks, moved by the test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return 1_000.0 + self.seconds


@dataclass
class FakeAccounts:
    """People of every role; sessions with an expiry; may be away or slow."""

    people: dict[str, Account] = field(default_factory=dict)
    seats: dict[AgentId, AgentProfile] = field(default_factory=dict)
    sessions: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    away: bool = False
    stuck: asyncio.Event | None = None
    verified: list[str] = field(default_factory=list)
    verifying: int = 0
    verifying_max: int = 0
    lookups: int = 0
    opened: int = 0

    def __post_init__(self) -> None:
        people = (
            Account("anna", "Anna Ozola", Role.CALL_TAKER, "lv", SEAT_A),
            Account("boris", "Boris Petrovs", Role.CALL_TAKER, "ru", SEAT_B),
            Account("chief", "Dace Liepa", Role.SUPERVISOR, "lv", None),
            Account("root", "Ivars Kalns", Role.SYSTEM_ADMIN, "en", None),
            Account("lost", "No Seat", Role.CALL_TAKER, "en", None),
            Account("duty", "Laima Duty", Role.SUPERVISOR, "lv", SEAT_C),
            Account("fire", "Uldis Guns", Role.SERVICE_DISPATCHER, "lv", None, ServiceCode("vugd")),
            Account("ears", "Quality Officer", Role.QUALITY_OFFICER, "lv", None),
            Account("wires", "Telecom Admin", Role.TELECOM_ADMIN, "lv", None),
        )
        self.people = {account.login: account for account in people}
        self.seats = {
            SEAT_A: AgentProfile(SEAT_A, "Anna Ozola", "101", DeviceKind.BROWSER, "s" * 32),
            SEAT_B: AgentProfile(SEAT_B, "Boris Petrovs", "102", DeviceKind.SIP, "t" * 32),
            SEAT_C: AgentProfile(SEAT_C, "Laima Duty", "103", DeviceKind.SIP, "u" * 32),
        }

    async def _answer(self) -> None:
        if self.stuck is not None:
            await self.stuck.wait()
        if self.away:
            raise DatabaseUnavailable("away")

    async def verify(self, login: str, password: str) -> Account | None:
        self.verified.append(login)
        self.verifying += 1
        self.verifying_max = max(self.verifying_max, self.verifying)
        try:
            await asyncio.sleep(0)
            await self._answer()
        finally:
            self.verifying -= 1
        account = self.people.get(login.strip().lower())
        return account if account is not None and password == PASSWORD else None

    async def set_language(self, login: str, language: str) -> None:
        await self._answer()
        self.people[login] = replace(self.people[login], language=language)

    async def open_session(self, login: str, *, now: datetime, ttl_s: float) -> str:
        await self._answer()
        self.opened += 1
        token = f"token-{login}-{self.opened}"
        self.sessions[token] = (login, now + timedelta(seconds=ttl_s))
        return token

    async def session_account(self, token: str, *, now: datetime) -> Account | None:
        self.lookups += 1
        await self._answer()
        login, expires_at = self.sessions.get(token, ("", now))
        return self.people.get(login) if expires_at > now else None

    async def close_session(self, token: str) -> None:
        await self._answer()
        self.sessions.pop(token, None)

    async def agent(self, agent_id: AgentId) -> AgentProfile | None:
        await self._answer()
        return self.seats.get(agent_id)


@dataclass
class FakeCards:
    """One card with notes; ``more`` is what else is on it.

    ``any_id``: it stands for every card, where another room keeps the real ones.
    """

    text: str = ""
    version: int = 0
    author: str | None = None
    searches: list[tuple[str, int, str | None]] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    fails: Exception | None = None
    more: dict[str, object] = field(default_factory=dict)
    any_id: bool = False

    async def search(
        self, q: str, *, limit: int, before: str | None, wanted: Wanted = EVERY_CARD
    ) -> CardPage:
        if self.fails:
            raise self.fails
        self.wanted.append(wanted)
        self.searches.append((q, limit, before))
        line = {"incident_id": INCIDENT, "number": "2026-000001", **self.more}
        return CardPage([line], "2026-000001")

    async def card(self, incident_id: IncidentId) -> JSONObject | None:
        if self.fails:
            raise self.fails
        if incident_id != INCIDENT and not self.any_id:
            return None
        notes = {"text": self.text, "version": self.version, "author": self.author}
        return {"incident_id": INCIDENT, "number": "2026-000001", "notes": notes, **self.more}

    async def save_notes(
        self, incident_id: IncidentId, text: str, *, base_version: int, author: str, at: datetime
    ) -> NotesSaved | NotesConflict | NotesTooLong | None:
        if self.fails:
            raise self.fails
        if incident_id != INCIDENT:
            return None
        if len(text.encode()) > 65_536:
            return NotesTooLong(65_536)
        if base_version != self.version:
            return NotesConflict(self.text, self.version, self.author)
        self.text, self.version, self.author = text, self.version + 1, author
        return NotesSaved(self.version, at)


@dataclass
class FakeRecordings:
    """One recording on disk, and the traces of who listened."""

    path: Path
    listens: list[tuple[str, str, str]] = field(default_factory=list)
    fails: Exception | None = None

    async def audio(self, recording_id: str) -> RecordingAudio | None:
        if recording_id != RECORDING:
            return None
        return RecordingAudio(RECORDING, CONTACT, self.path, frozenset({SEAT_A}))

    async def listened(
        self, recording: RecordingAudio, *, listen_id: str, author: str, at: datetime
    ) -> None:
        if self.fails:
            raise self.fails
        self.listens.append((recording.recording_id, author, listen_id))


@dataclass
class FakeControl:
    """Notes every action; refuses where told to."""

    actions: list[tuple[object, ...]] = field(default_factory=list)
    refuses: ControlRefused | None = None
    fails: Exception | None = None
    parts: dict[str, bool] = field(default_factory=lambda: {"ari": True, "ami": True})
    contacts: list[dict[str, object]] = field(default_factory=list)

    def snapshot(self) -> JSONObject:
        if self.fails:
            raise self.fails
        return {"contacts": list(self.contacts), "agents": []}

    def readiness(self) -> Mapping[str, bool]:
        if self.fails:
            raise self.fails
        return self.parts

    async def _act(self, *action: object) -> None:
        if self.fails:
            raise self.fails
        if self.refuses:
            raise self.refuses
        self.actions.append(action)

    def seats(self) -> Sequence[tuple[AgentId, str]]:
        return [(SEAT_A, "Anna Ozola")]

    def rights(self, account: Account) -> Mapping[str, bool]:
        return {"monitor": account.role is Role.SUPERVISOR}

    async def set_presence(self, agent_id: AgentId, presence: AgentPresence) -> None:
        await self._act("set_presence", agent_id, presence)

    async def force_presence(
        self, agent_id: AgentId, presence: AgentPresence, *, author: str, comment: str
    ) -> None:
        await self._act("force_presence", agent_id, presence, author, comment)

    async def end_wrap_up(self, agent_id: AgentId) -> None:
        await self._act("end_wrap_up", agent_id)

    async def extend_wrap_up(self, agent_id: AgentId) -> None:
        await self._act("extend_wrap_up", agent_id)

    async def act(self, agent_id: AgentId, contact_id: ContactId, action: ContactAction) -> None:
        await self._act(action, agent_id, contact_id)

    async def reach(
        self, agent_id: AgentId, contact_id: ContactId, action: ReachAction, target: TargetChoice
    ) -> None:
        await self._act(action, agent_id, contact_id, target)

    async def drop_party(self, agent_id: AgentId, contact_id: ContactId, party_id: str) -> None:
        await self._act("drop_party", agent_id, contact_id, party_id)

    async def monitor(self, agent_id: AgentId, contact_id: ContactId, mode: MonitorMode) -> None:
        await self._act("monitor", agent_id, contact_id, mode)

    async def place_call(
        self, agent_id: AgentId, incident_id: IncidentId, number: str
    ) -> ContactId:
        await self._act("place_call", agent_id, incident_id, number)
        return CONTACT


@dataclass
class FakeDatabaseCheck:
    """The readiness check of the database: works, fails or never answers."""

    fails: Exception | None = None
    hangs: bool = False

    async def __call__(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails:
            raise self.fails
