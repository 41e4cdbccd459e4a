"""Texts by SIP MESSAGE (RFC 3428): what Asterisk leaves in its spool, and what it is given to send.

The dialplan (``[keep-text]``) writes each text into a file of its own, and the file is deleted when
the text is stored. So nothing is lost while this process is away, and no text stays on the disk
outside of the database. A file is one line of fields between ``|``: version, arrival, the number
written to, in base64 the `HEADS` and the body, and a dot that says that the line is whole.
"""

import base64
import binascii
import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import structlog

from ccserver.config import Config
from ccserver.texts import Channel, IncomingText
from ccserver.types import PhoneNumber

log = structlog.get_logger(__name__)

HEADS: Final = (
    "MESSAGE_DATA(P-Asserted-Identity)",
    "MESSAGE_DATA(Content-Length)",
    "MESSAGE_DATA(CSeq)",
    "MESSAGE_DATA(Content-Type)",
    "MESSAGE_DATA(Call-ID)",
    "MESSAGE(from)",
)
"""What is kept of a text beside the body, as the dialplan knows it. The identity that the edge
vouches for is first, and the one that anybody may claim is last, so that nothing in this can pass
for that."""
SEPARATOR: Final = "\x1f"
"""Between the headers: none of them may hold it (RFC 3261 §25.1)."""
TEXT_HEADS: Final = SEPARATOR.join(f"${{{head}}}" for head in HEADS)
"""The headers in the dialplan's words."""

TRUNK: Final = "trunk"
"""The endpoint by which texts come and go."""
VERSION: Final = "1"
END: Final = "."
MARK: Final = b"."
"""The dialplan's function refuses to encode nothing, so each field begins with this."""
PARENTHESES: Final = bytes.maketrans(b"\x01\x02", b"()")
"""In a function's argument they are the dialplan's own; the dialplan has put these for them."""

FILE_SUFFIX: Final = ".text"
REFUSED_SUFFIX: Final = ".refused"
FILE_BYTES_MAX: Final = 16_384
"""A line of the dialplan has at most 8191 bytes."""
BATCH_MAX: Final = 20
"""Files read at once, and stored in one transaction: cards of live calls have the same writer."""
WHOLE_AFTER_S: Final = 5.0
"""A line is written at once. One that has no end by now will never get it: Asterisk died in the
middle, or the disk was full."""

NUMBER_LIKE: Final = re.compile(r"\+?[0-9().\-]{1,32}")
"""A telephone number with the visual separators of RFC 3966 §5.1.1."""
QUOTED: Final = re.compile(r'"(?:\\.|[^"\\])*"')
ADDRESS: Final = re.compile(r"(tel|sips?):([^@;?>\s,]+)(?:;[^@>\s,]*)?(?:@([^;?>\s,]+))?", re.I)
CHARSET: Final = re.compile(r";\s*charset\s*=\s*\"?([A-Za-z0-9._:\-]{1,40})", re.I)
CHARSETS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "iso-8859-1": "latin-1",
    "iso-8859-4": "iso-8859-4",
    "iso-8859-5": "iso-8859-5",
    "iso-8859-13": "iso-8859-13",
    "iso-8859-15": "iso-8859-15",
    "windows-1251": "cp1251",
    "windows-1252": "cp1252",
    "windows-1257": "cp1257",
    "koi8-r": "koi8-r",
}
"""By the name that a peer says (RFC 3428 §4 wants UTF-8). A closed list: some of Python's codecs
do quite other things than read text."""

EMPTY: Final = "text_empty"
TOO_LONG: Final = "text_too_long"
"""Asterisk passes on no body of more than 1023 octets: somebody wrote, and nobody knows what."""
CUT: Final = "text_cut"
BROKEN: Final = "read_as_latin1"
"""It is not in the character set that it should be in."""
CHARSET_UNKNOWN: Final = "charset_unknown"
SENDER_UNKNOWN: Final = "sender_unknown"

STRIPPED_MAX: Final = 4
"""Line ends that Asterisk takes off a body's end; a body that lacks more than these was cut."""
CITIZEN_CHARS_MAX: Final = 64

PIECE_BYTES_MAX: Final = 800
"""Of one request's body, so that the whole stays below 1300 octets (RFC 3428 §8)."""
PIECES_MAX: Final = 5


class KeptTextInvalid(ValueError):
    """A file of the spool holds no text; the text says why."""


class MessageTooLong(ValueError):
    """A text to the citizen needs more than `PIECES_MAX` requests."""


def text_spool_dir(config: Config) -> Path:
    """Where Asterisk leaves texts until they are stored."""
    return Path(config.asterisk.spool_dir) / "texts"


@dataclass(frozen=True, slots=True)
class KeptText:
    """One text as the dialplan has written it down; header fields as the peer sent them.

    ``length`` is the Content-Length; ``whole`` tells whether the line is there to its end.
    """

    at: datetime
    called: str
    sender: str
    asserted: str
    call_id: str
    sequence: str
    content_type: str
    length: int | None
    body: bytes
    whole: bool

    @classmethod
    def parse(cls, data: bytes) -> "KeptText":
        """Read a file; one without its end as far as it goes. Raises `KeptTextInvalid` only."""
        fields = data[:FILE_BYTES_MAX].decode("ascii", "replace").rstrip("\r\n").split("|")
        if fields[0] != VERSION or len(fields) < 4:
            raise KeptTextInvalid("no line of this version")
        heads = _value(fields[3]).decode("utf-8", "replace").split(SEPARATOR, len(HEADS) - 1)
        heads += [""] * (len(HEADS) - len(heads))
        asserted, length, sequence, content_type, call_id, sender = heads
        return cls(
            at=_moment(fields[1]),
            called=fields[2],
            sender=sender,
            asserted=asserted,
            call_id=call_id,
            sequence=sequence,
            content_type=content_type,
            length=int(length) if re.fullmatch(r"[0-9]{1,7}", length) else None,
            body=_value(fields[4]) if len(fields) > 4 else b"",
            whole=fields[5:] == [END],
        )

    def incoming(self, name: str, *, now: datetime, answerable: bool) -> IncomingText:
        """What conversations are given; ``name`` is the file's, unique to it.

        ``answerable``: there is a line by which texts go out.
        """
        words, oddities = self._words()
        citizen = citizen_of(self.asserted, self.sender)
        if citizen is None:
            # Strangers who hide their names must not read one another's answers.
            citizen = f"anonymous-{_digest(self.call_id or name)[:12]}"
            oddities.append(SENDER_UNKNOWN)
        called = PhoneNumber.parse(self.called)
        # A peer that gives each of its texts the same Call-ID must not overwrite one by the next.
        mark = "\0".join((self.call_id or name, self.sequence, citizen)).encode() + self.body
        return IncomingText(
            key=f"sip:{_digest(mark)}",
            channel=Channel.SIP,
            via=TRUNK,
            citizen=citizen,
            our_number=called.value if called else "112",
            text=words,
            received_at=min(self.at, now),
            replyable=answerable and PhoneNumber.parse(citizen) is not None,
            oddities=tuple(oddities),
        )

    def _words(self) -> tuple[str, list[str]]:
        oddities = []
        if not self.whole or (self.body and (self.length or 0) > len(self.body) + STRIPPED_MAX):
            oddities.append(CUT)
        elif not self.body:
            oddities.append(TOO_LONG if self.length else EMPTY)
        charset = CHARSET.search(self.content_type)
        codec = CHARSETS.get(charset[1].lower()) if charset else "utf-8"
        if codec is None:
            oddities.append(CHARSET_UNKNOWN)
            codec = "utf-8"
        try:
            return self.body.decode(codec), oddities
        except UnicodeDecodeError:
            oddities.append(BROKEN)
        if CUT in oddities:
            return self.body.decode(codec, "replace"), oddities
        return self.body.decode("latin-1"), oddities


def citizen_of(*headers: str) -> str | None:
    """Who is named in the first of these headers that names anybody.

    A telephone number as `PhoneNumber` writes it, else ``user@host``; ``None`` where all hide it.
    """
    for header in headers:
        named = None
        for user, host in _addresses(header):
            number = PhoneNumber.parse(user) if NUMBER_LIKE.fullmatch(user) else None
            if number is not None:
                return number.value
            if named is None and host and user.lower() != "anonymous":
                named = f"{user}@{host}"[:CITIZEN_CHARS_MAX]
        if named is not None:
            return named
    return None


def _addresses(header: str) -> Iterator[tuple[str, str]]:
    """User and host of each URI; that of a ``tel`` URI is empty."""
    for scheme, user, host in ADDRESS.findall(QUOTED.sub("", header)):
        # Without "@" a SIP URI names a machine and nobody.
        if host or scheme.lower() == "tel":
            shown = unquote(user, errors="replace")
            yield "".join(each for each in shown if each.isprintable()), host


def pieces_of(words: str) -> tuple[str, ...]:
    """Cut a text for a citizen into what fits one request each, between words where it can.

    Raises `MessageTooLong`. An empty text is one empty piece.
    """
    pieces: list[str] = []
    rest = words
    while len(rest.encode("utf-8", "replace")) > PIECE_BYTES_MAX:
        if len(pieces) == PIECES_MAX - 1:
            raise MessageTooLong(f"the text needs more than {PIECES_MAX} requests")
        fits = rest.encode("utf-8", "replace")[:PIECE_BYTES_MAX].decode("utf-8", "ignore")
        # A blank in the first half would leave a piece of a few words.
        at = max(fits.rfind(" "), fits.rfind("\n"))
        cut = at + 1 if at >= len(fits) // 2 else len(fits)
        pieces.append(rest[:cut])
        rest = rest[cut:]
    return (*pieces, rest)


def destination_of(citizen: str, trunk_out: str) -> str:
    """Asterisk's name for a citizen behind the trunk; ``trunk_out`` as in the settings."""
    scheme, _, host = trunk_out.partition(":")
    return f"pjsip:{TRUNK}/{scheme}:{citizen}@{host}"


class TextSpool:
    """The directory of texts. Every method may be slow and belongs into a thread; none raises."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.refused = 0
        self.unreadable = False
        """Whether texts may lie there that this process is not allowed to see."""

    def read(self, *, now: float) -> list[tuple[str, KeptText]]:
        """The oldest texts that are there and whole, by the names of their files.

        ``now`` in seconds since the epoch. What is no text is put aside, for people to look at.
        """
        found = []
        for path, written_at in self._oldest():
            try:
                with path.open("rb") as file:
                    kept = KeptText.parse(file.read(FILE_BYTES_MAX))
            except FileNotFoundError:
                continue
            except KeptTextInvalid:
                if now - written_at > WHOLE_AFTER_S:
                    self.refuse(path.name)
                continue
            except OSError as error:
                log.error("text_unreadable", file=path.name, reason=type(error).__name__)
                continue
            if kept.whole or now - written_at > WHOLE_AFTER_S:
                found.append((path.name, kept))
        return found

    def remove(self, names: Sequence[str]) -> None:
        """These are stored. One that cannot be deleted is read and stored again, as the same."""
        for name in names:
            try:
                (self._directory / name).unlink(missing_ok=True)
            except OSError as error:
                log.error("text_not_removed", file=name, reason=type(error).__name__)

    def refuse(self, name: str) -> None:
        """Put a file aside, whose text cannot be stored."""
        self.refused += 1
        log.error("text_refused", file=name)
        try:
            path = self._directory / name
            path.rename(path.with_suffix(REFUSED_SUFFIX))
        except OSError as error:
            log.error("text_not_put_aside", file=name, reason=type(error).__name__)

    def _oldest(self) -> list[tuple[Path, float]]:
        files = []
        try:
            with os.scandir(self._directory) as entries:
                for entry in entries:
                    if entry.name.endswith(FILE_SUFFIX):
                        with contextlib.suppress(FileNotFoundError):
                            files.append((Path(entry.path), entry.stat().st_mtime))
        except FileNotFoundError:
            return []  # an Asterisk that was set up before there were texts
        except OSError as error:
            if not self.unreadable:
                log.error("text_spool_unreadable", reason=type(error).__name__)
            self.unreadable = True
            return []
        self.unreadable = False
        return sorted(files, key=lambda file: (file[1], file[0].name))[:BATCH_MAX]


def _value(field: str) -> bytes:
    """A field's octets; of one that was cut, as much as there is."""
    whole = field[: len(field) - len(field) % 4]
    try:
        value = base64.b64decode(whole)
    except (binascii.Error, ValueError):
        return b""
    return value.removeprefix(MARK).translate(PARENTHESES)


def _moment(text: str) -> datetime:
    """When it arrived; far in the future, so that "now" is earlier, where that cannot be read."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


def _digest(mark: str | bytes) -> str:
    data = mark.encode("utf-8", "replace") if isinstance(mark, str) else mark
    return hashlib.sha256(data).hexdigest()[:40]
