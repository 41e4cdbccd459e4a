"""Where the journal puts what does not fit into memory: one JSON line each, read back in order.

Lines are handed to the operating system at once, so they survive a kill of the process. They are
not forced to the disk: the live-call path must not wait for one, and after a power cut the calls
themselves are gone and are told of by Asterisk's own log.
"""

import errno
import json
import os
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec
import structlog

from ccserver.card.locations import LocationTold
from ccserver.card.values import ContactOpened, TimelineEntry
from ccserver.db import clean_text
from ccserver.types import ContactId

log = structlog.get_logger(__name__)

SPILL_BYTES_MAX = 1 << 30
"""Millions of entries, days of an unavailable database; beyond it the disk is worth more."""
LINE_BYTES_MAX = 1 << 20
"""A longer line is not one of ours."""

ContactNews = TimelineEntry | LocationTold
"""What happens to a contact that has a card."""
JournalItem = ContactOpened | ContactNews


class SpillLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: exactly one of these is there."""

    opened: ContactOpened | None = None
    entry: TimelineEntry | None = None
    location: LocationTold | None = None

    @classmethod
    def of(cls, item: JournalItem) -> "SpillLine":
        """Return the line of an item."""
        match item:
            case ContactOpened():
                return cls(opened=item)
            case TimelineEntry():
                return cls(entry=item)
            case LocationTold():
                return cls(location=item)


class SpillFile:
    """A first-in first-out file that outlives the process.

    ``lines`` is how many wait and ``contacts`` whose they are; ``corrupt`` is how many lines were
    unreadable when the file was found, e.g. one that was being written when the machine died.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        self.corrupt = 0
        self.contacts: set[ContactId] = set()
        self._offset = 0
        self._after: list[int] = []
        if path.exists():
            self._recover()

    def append(self, item: JournalItem) -> None:
        """Write one item behind the others. Raises OSError where there is no room for it."""
        append_line(self.path, encoded(SpillLine.of(item)))
        self.contacts.add(item.contact_id)
        self.lines += 1

    def first(self, count: int) -> list[JournalItem]:
        """Return up to ``count`` of the oldest items without removing them."""
        if not self.lines:
            return []
        found = list(islice(self._items(), count))
        if not found:
            raise AssertionError("the spill file is shorter than its count of lines")
        self._after = [after for _, after in found]
        return [item for item, _ in found]

    def remove_first(self, count: int) -> None:
        """Remove so many of the items that `first` returned; an emptied file is truncated."""
        self._offset = self._after[count - 1]
        self._after = []
        self.lines -= count
        if self.lines == 0:
            os.truncate(self.path, 0)
            self._offset = 0
            self.contacts.clear()

    def sync(self) -> None:
        """Force the file to the disk; for an orderly end of the process."""
        if self.lines:
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def _items(self) -> Iterator[tuple[JournalItem, int]]:
        with self.path.open("rb") as file:
            file.seek(self._offset)
            while line := file.readline(LINE_BYTES_MAX):
                item = _decoded(line)
                if item is not None:
                    yield item, file.tell()

    def _recover(self) -> None:
        """Count what a former process left, and close a line that it could not finish."""
        unreadable = 0
        with self.path.open("rb") as file:
            line = b"\n"
            while following := file.readline(LINE_BYTES_MAX):
                line = following
                item = _decoded(line)
                if item is None:
                    unreadable += 1
                    continue
                self.lines += 1
                self.contacts.add(item.contact_id)
        if not line.endswith(b"\n"):
            append_line(self.path, b"")
        self.corrupt = unreadable
        if unreadable:
            log.warning("spill_lines_unreadable", count=unreadable)
        if self.lines:
            log.info("spill_found", lines=self.lines)


def encoded(value: SpillLine | JournalItem) -> bytes:
    """Return JSON on one line; half of a surrogate pair becomes U+FFFD, as it does in the store."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
        return clean_text(text).encode()


def append_line(path: Path, line: bytes) -> None:
    """Append one whole line or nothing. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = line + b"\n"
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        if end + len(data) > SPILL_BYTES_MAX:
            raise OSError(errno.EFBIG, "the spill file has reached its bound")
        if file.write(data) != len(data):
            os.ftruncate(file.fileno(), end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _decoded(line: bytes) -> JournalItem | None:
    try:
        read = msgspec.json.decode(line, type=SpillLine)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    item = read.opened or read.entry or read.location
    if item is None:
        return None
    # A complete line that is not ours (edited by hand) must not reach the database either.
    return None if any(at.tzinfo is None for at in _times(item)) else item


def _times(item: JournalItem) -> list[datetime]:
    match item:
        case ContactOpened():
            return [item.arrived_at]
        case TimelineEntry():
            return [item.at]
        case LocationTold():
            return [at for at in (item.received_at, item.observed_at) if at is not None]
