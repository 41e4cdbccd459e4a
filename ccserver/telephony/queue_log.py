"""Asterisk's ``queue_log`` as a journal: every 112 call stands in it, whoever was alive.

The dialplan writes ``CONTACT`` when a call arrives and ``CONTACTEND`` when it ends; ``Queue()``
writes who took it from the parachute queue. Read from the last position after a restart, it gives
a card to each contact that this process never saw.
"""

import asyncio
import base64
import binascii
import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import structlog

from ccserver.telephony.call import CUT_CAUSES, OUTBOUND, CallFacts
from ccserver.types import AgentId, ContactId

log = structlog.get_logger(__name__)

INTERVAL_S = 0.5
ASTERISK_STARTED = b"|NONE|NONE|NONE|QUEUESTART|"
NO_MEMBER = "NONE"
FIELDS_MIN = 5  # time, call, queue, member, event
CONTACT_FIELDS = 5  # contact id, arrival, number, hidden, called number
CALL_FIELDS = 5
"""Those that a later version added: "outbound" if we called, service, trunk, "1" if data came, and
the Call-ID in base64. An older line has none of them, or the first."""
CONTACT_END_FIELDS = 2  # contact id, end
LINE_BYTES_MAX = 4096  # the dialplan writes lines of about 150 bytes; longer ones are not ours
READ_BYTES_MAX = 4_000_000  # per step, so that a huge backlog is read in bounded pieces
CONTACT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)  # RFC 4122 §3
CALLS_REMEMBERED_MAX = 20_000  # calls whose end has not been read; the oldest is forgotten


class JournalKind(StrEnum):
    """What a line of the journal says."""

    ARRIVED = "arrived"
    PARACHUTE_ENTERED = "parachute_entered"
    PARACHUTE_ANSWERED = "parachute_answered"
    ENDED = "ended"


PARACHUTE_EVENTS = {
    "ENTERQUEUE": JournalKind.PARACHUTE_ENTERED,
    "CONNECT": JournalKind.PARACHUTE_ANSWERED,
}


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One fact of one contact. ``facts`` with ARRIVED, ``agent_id`` with PARACHUTE_ANSWERED.

    ``cut`` with ENDED: the network ended it, or Asterisk died with it.
    """

    kind: JournalKind
    contact_id: ContactId
    at: datetime
    key: str  # the same line read twice gives the same key
    facts: CallFacts | None = None
    agent_id: AgentId | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class _OpenCall:
    contact_id: ContactId
    line_at: int


class QueueLogReader:
    """Reads the journal onward from a position that survives restarts."""

    def __init__(self, path: Path, position_path: Path) -> None:
        self._path = path
        self._position_path = position_path
        self._inode: int | None = None
        self._position = self._load_position()
        self._open_calls: dict[str, _OpenCall] = {}
        self._skipping = False
        self.unreadable = 0

    async def follow(
        self, tell: Callable[[JournalEntry], None], *, kept: Callable[[], bool]
    ) -> None:
        """Tell every entry, for ever. ``kept``: whether all that was told is safe elsewhere."""
        while True:
            entries = await asyncio.to_thread(self.read)
            for entry in entries:
                tell(entry)
            if entries and kept():
                await asyncio.to_thread(self.save_position)
            await asyncio.sleep(INTERVAL_S)

    def read(self) -> list[JournalEntry]:
        """All whole lines since the last call; never raises. A new file is read from 0."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                replaced = self._inode not in (None, status.st_ino)
                if replaced or status.st_size < self._position:
                    self._begin_again()
                self._inode = status.st_ino
                file.seek(self._position)
                data = file.read(READ_BYTES_MAX)
        except FileNotFoundError:
            return []
        except OSError as error:
            # A journal that cannot be read costs cards of calls we never saw, never a call.
            log.warning("queue_log_unreadable", reason=type(error).__name__)
            return []
        whole = data[: data.rfind(b"\n") + 1]
        if not whole and len(data) == READ_BYTES_MAX:
            return self._skip(data)
        self._position += len(whole)
        return list(self._entries(whole))

    def save_position(self) -> None:
        """Make the position durable; call when what was read is safe elsewhere. Never raises."""
        partial = self._position_path.with_suffix(".partial")
        try:
            with partial.open("w", encoding="ascii") as file:
                file.write(f"{self._rewind_position()} {self._inode or 0}")
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._position_path)
        except OSError as error:
            # A full disk. The older position is as good: reading twice gives the same keys.
            log.warning("queue_log_position_not_saved", reason=type(error).__name__)

    def _begin_again(self) -> None:
        self._position, self._skipping = 0, False
        # Their lines are in the file that is gone; a position in it means nothing in this one.
        self._open_calls = {
            call: _OpenCall(known.contact_id, 0) for call, known in self._open_calls.items()
        }

    def _skip(self, data: bytes) -> list[JournalEntry]:
        """A line without end: go past it, else nothing after it would ever be read."""
        self._position += len(data)
        self.unreadable += not self._skipping
        self._skipping = True
        return []

    def _rewind_position(self) -> int:
        # A call that is still open needs its CONTACT line again after a restart, for the map from
        # Asterisk's call id to the contact; so the durable position stays before the oldest one.
        oldest_open = next(iter(self._open_calls.values()), None)
        return self._position if oldest_open is None else oldest_open.line_at

    def _load_position(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            position, _, inode = self._position_path.read_text(encoding="ascii").partition(" ")
            self._inode = int(inode) if inode else None
            return max(0, int(position))
        return 0

    def _entries(self, data: bytes) -> Iterator[JournalEntry]:
        offset = self._position - len(data)
        for raw in data.split(b"\n")[:-1]:
            line_at, offset = offset, offset + len(raw) + 1
            if self._skipping:
                self._skipping = False
                continue
            entry = self._entry(raw, line_at)
            if entry is not None:
                yield entry
            elif raw.endswith(ASTERISK_STARTED):
                yield from self._all_over(raw)

    def _all_over(self, raw: bytes) -> Iterator[JournalEntry]:
        """Asterisk started: no call of its former life has lived on, and none wrote its end."""
        at = _moment(raw.partition(b"|")[0].decode("utf-8", "replace"))
        if at is None:
            return
        for known in self._open_calls.values():
            yield JournalEntry(JournalKind.ENDED, known.contact_id, at, "ended", cut=True)
        self._open_calls.clear()

    def _entry(self, raw: bytes, line_at: int) -> JournalEntry | None:
        fields = raw.decode("utf-8", "replace").split("|")
        at = _moment(fields[0])
        if at is None or len(raw) > LINE_BYTES_MAX or len(fields) < FIELDS_MIN:
            self.unreadable += bool(raw)
            return None
        call, member, event, data = fields[1], fields[3], fields[4], fields[5:]
        if event in ("CONTACT", "CONTACTEND") and not (data and CONTACT_ID.fullmatch(data[0])):
            self.unreadable += 1
            return None
        if event == "CONTACT" and len(data) >= CONTACT_FIELDS:
            return self._arrived(call, data, at, line_at)
        if event == "CONTACTEND" and len(data) >= CONTACT_END_FIELDS:
            self._open_calls.pop(call, None)
            ended_at = _moment(data[1]) or at
            cut = data[2:3] and data[2].isdecimal() and int(data[2]) in CUT_CAUSES
            contact_id = ContactId(data[0])
            return JournalEntry(JournalKind.ENDED, contact_id, ended_at, "ended", cut=bool(cut))
        open_call = self._open_calls.get(call)
        kind = PARACHUTE_EVENTS.get(event)
        if open_call is None or kind is None:
            return None
        by_agent = kind is JournalKind.PARACHUTE_ANSWERED and member != NO_MEMBER
        agent_id = AgentId(member) if by_agent else None
        key = f"{kind.value}-{call}-{fields[0]}"
        return JournalEntry(kind, open_call.contact_id, at, key, agent_id=agent_id)

    def _arrived(self, call: str, data: list[str], at: datetime, line_at: int) -> JournalEntry:
        more = data[CONTACT_FIELDS:][:CALL_FIELDS]
        direction, service, trunk, has_data, call_id = more + [""] * (CALL_FIELDS - len(more))
        facts = CallFacts.from_texts(
            *data[:CONTACT_FIELDS],
            outbound=direction == OUTBOUND,
            service=service,
            trunk=trunk or None,
            sip_call_id=_call_id(call_id),
            has_data=has_data == "1",
        )
        if len(self._open_calls) >= CALLS_REMEMBERED_MAX:
            self._open_calls.pop(next(iter(self._open_calls)))
        self._open_calls[call] = _OpenCall(facts.contact_id, line_at)
        return JournalEntry(JournalKind.ARRIVED, facts.contact_id, at, "arrived", facts=facts)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _call_id(text: str) -> str:
    """The Call-ID after its mark; empty where there is none, or the dialplan could not keep it."""
    try:
        known = base64.b64decode(text).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return known[1:] if known.isprintable() else ""
