"""The data of calls as Asterisk leaves it: one file a message, deleted when the database has it.

The dialplan writes a file before it answers, so nothing is lost while this process is away. A file
is one line of fields between ``|``:
``1|kind|epoch seconds|contact id|.Call-ID in base64|trunk|service|ack|cut|status|base64|.``
where the last field but one is the SIP message as the edge received it, and the dot says that the
line is whole.
"""

import base64
import binascii
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

import structlog

from ccserver.ecall.urn import service_of
from ccserver.types import ContactId

log = structlog.get_logger(__name__)

VERSION: Final = "1"
END: Final = "."
MARK: Final = b"."
"""The dialplan refuses to encode nothing, so what it encodes by itself begins with this."""
PARENTHESES: Final = bytes.maketrans(b"\x01\x02", b"()")
"""In a function's argument they are the dialplan's own; the dialplan has put these for them."""
FIELDS: Final = 12
REFUSED_SUFFIX: Final = ".refused"
SUFFIXES: Final = (".invite", ".info")
FILE_BYTES_MAX: Final = 128 * 1024
"""The edge sends 48 000 octets of a message at most, which base64 makes 64 000."""
BATCH_MAX: Final = 50
"""Files read in one look: a storm of cars must not keep the first of them waiting for the last."""
WHOLE_AFTER_S: Final = 5.0
"""A line is written within milliseconds. One that has no end by now will never get it."""
AGAIN_S: Final = 30.0
"""Until a file is looked at again that could not be read or put aside: it neither fills the log nor
keeps others from their turn."""

_NAME = re.compile(r"[0-9A-Za-z-]{1,90}\.(?:invite|info)")
"""As the dialplan makes them; anything else is none of ours."""
_ID = re.compile(r"[0-9A-Za-z-]{1,36}")
_TRUNK = re.compile(r"[\w.-]{1,100}")


class EnvelopeInvalid(ValueError):
    """A file of the spool holds no data of a call; the text says why."""


class Via(StrEnum):
    """How data reached us."""

    INVITE = "invite"
    INFO = "info"
    ANSWER = "answer"
    """What a car answered to a request of ours, where that is more than "yes"."""
    API = "api"
    REFERENCE = "reference"
    """Fetched from an address that the call named."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message, with what edge and dialplan knew of it.

    ``ack``: what the edge told the car of its MSD: ``received``, ``unreadable``, or empty.
    ``cut_length``: how long the message was of which this is the beginning. ``status``: of a car's
    answer. ``whole``: the line was there to its end.
    """

    via: Via
    at: datetime
    contact_id: ContactId | None
    call_id: str
    trunk: str
    service: str | None
    ack: str
    cut_length: int | None
    status: int | None
    octets: bytes
    whole: bool

    @classmethod
    def parse(cls, data: bytes) -> "Envelope":
        """Read a file; one without its end as far as it goes. Raises `EnvelopeInvalid` only."""
        fields = data[:FILE_BYTES_MAX].decode("ascii", "replace").rstrip("\r\n").split("|")
        if fields[0] != VERSION or len(fields) < FIELDS - 1 or fields[1] not in _VIAS:
            raise EnvelopeInvalid("no line of this version")
        _, via, at, contact_id, call_id, trunk, service, ack, cut, status, octets = fields[:11]
        return cls(
            via=Via(via),
            at=_moment(at),
            contact_id=ContactId(contact_id) if _ID.fullmatch(contact_id) else None,
            call_id=_call_id(call_id),
            trunk=trunk if _TRUNK.fullmatch(trunk) else "",
            service=service_of(service),
            ack=ack if ack in ("received", "unreadable") else "",
            cut_length=_number(cut),
            status=_number(status),
            octets=_octets(octets),
            whole=fields[11:] == [END],
        )


_VIAS = frozenset({Via.INVITE.value, Via.INFO.value, Via.ANSWER.value})


class CallDataSpool:
    """The directory of call data. Methods may be slow and belong into a thread; none raises."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.refused = 0
        self._unlisted = False
        self._later: dict[str, float] = {}
        """Files that could not be read or put aside, and when they are to be looked at again."""

    @property
    def unreadable(self) -> bool:
        """Whether data lies there, or may, that this process cannot read."""
        return self._unlisted or bool(self._later)

    def read_of(self, contact_id: ContactId, *, now: float) -> tuple[str, Envelope] | None:
        """What came with the call's INVITE, if it lies there."""
        name = f"{contact_id}{SUFFIXES[0]}"
        if not _ID.fullmatch(contact_id):
            return None
        envelope = self._read(self._directory / name, now)
        return None if envelope is None else (name, envelope)

    def read(self, *, without: Collection[str], now: float) -> list[tuple[str, Envelope]]:
        """The oldest files that are there and whole, but for those ``without``.

        ``now`` in seconds since the epoch. What is no call's data is put aside, for people.
        """
        due = {name: at for name, at in self._later.items() if not now < at <= now + AGAIN_S}
        for name in due:  # at the latest after that time, also if the clock was put back
            del self._later[name]
        found = []
        for path in self._oldest(without):
            envelope = self._read(path, now)
            if envelope is not None:
                found.append((path.name, envelope))
        return found

    def remove(self, name: str) -> bool:
        """This is stored; returns false where it could not be deleted."""
        try:
            (self._directory / name).unlink(missing_ok=True)
        except OSError as error:
            log.error("call_data_not_removed", file=name, reason=type(error).__name__)
            return False
        return True

    def refuse(self, name: str) -> bool:
        """Put a file aside that cannot be stored; returns false where even that fails."""
        self.refused += 1
        log.error("call_data_refused", file=name)
        try:
            path = self._directory / name
            path.rename(path.with_name(f"{path.name}{REFUSED_SUFFIX}"))
        except OSError as error:
            log.error("call_data_not_put_aside", file=name, reason=type(error).__name__)
            return False
        return True

    def _read(self, path: Path, now: float) -> Envelope | None:
        try:
            with path.open("rb") as file:
                written_at = os.fstat(file.fileno()).st_mtime
                envelope = Envelope.parse(file.read(FILE_BYTES_MAX))
        except FileNotFoundError:
            return None
        except EnvelopeInvalid:
            if now - written_at > WHOLE_AFTER_S and not self.refuse(path.name):
                self._later[path.name] = now + AGAIN_S
            return None
        except OSError as error:
            log.error("call_data_unreadable", file=path.name, reason=type(error).__name__)
            self._later[path.name] = now + AGAIN_S
            return None
        return envelope if envelope.whole or now - written_at > WHOLE_AFTER_S else None

    def _oldest(self, without: Collection[str]) -> list[Path]:
        files = []
        try:
            with os.scandir(self._directory) as entries:
                for entry in entries:
                    name = entry.name
                    wanted = name not in without and name not in self._later
                    if wanted and _NAME.fullmatch(name):
                        files.append((_written_at(entry), name))
        except FileNotFoundError:
            return []  # an Asterisk that was set up before there was an edge
        except OSError as error:
            if not self._unlisted:
                log.error("call_data_spool_unreadable", reason=type(error).__name__)
            self._unlisted = True
            return []
        self._unlisted = False
        return [self._directory / name for _, name in sorted(files)[:BATCH_MAX]]


def _written_at(entry: os.DirEntry[str]) -> float:
    """0 where even that cannot be told: whoever opens it will be told why."""
    try:
        return entry.stat().st_mtime
    except OSError:
        return 0.0


def _octets(field: str) -> bytes:
    """A field's octets; of one that was cut, as much as there is."""
    letters = field.rstrip("=")
    letters = letters[: len(letters) - 1] if len(letters) % 4 == 1 else letters
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4))
    except (binascii.Error, ValueError):
        return b""


def _call_id(field: str) -> str:
    told = _octets(field).removeprefix(MARK).translate(PARENTHESES)
    return told.decode("utf-8", "replace")[:255]


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _moment(text: str) -> datetime:
    """When it arrived; far in the future, so that "now" is earlier, where that cannot be read."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
