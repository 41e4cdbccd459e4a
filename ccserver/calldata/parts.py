"""The parts of a message's body (RFC 2046, RFC 5621): nested, in any order, octet for octet.

A body is cut at its delimiters here, because a mail library takes the lone CR and LF of binary data
for the ends of lines; the headers of parts and their encodings are the library's.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from quopri import decodestring
from typing import Final

from ccserver.calldata.message import SIPMessage
from ccserver.location.oddities import Oddities, Oddity

DEPTH_MAX: Final = 8
PARTS_MAX: Final = 64
"""Bounds against those who try; a call has six parts, two of them nested."""

TYPE_CHARS_MAX: Final = 1_000
"""Of a ``Content-Type`` that are looked at for a boundary, which has 70 at most (RFC 2046 §5.1.1):
the library's time for one grows with the square of its length."""

BOUNDARY_MISSING: Final = "boundary_missing"
BOUNDARY_NOWHERE: Final = "boundary_nowhere"
ENCODING_BROKEN: Final = "encoding_broken"
ENCODING_UNKNOWN: Final = "encoding_unknown"
PARTS_TOO_MANY: Final = "parts_too_many"
BODY_CUT: Final = "body_cut"

_END_OF_HEADERS = re.compile(rb"\A(?:\r\n|\n)|\r\n\r\n|\n\n|\r\n\n|\n\r\n")
_FIRST_LINE = re.compile(rb"[\r\n \t]*--([^\r\n]{1,70})\r?\n")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_AS_IS = frozenset({"", "binary", "8bit", "7bit", "none", "identity"})


@dataclass(frozen=True, slots=True)
class Part:
    """One part that holds no others, its transfer encoding undone.

    ``content_type`` and ``disposition`` are in small letters and without parameters;
    ``content_id`` is as it was sent. ``cut``: there was no end to it.
    """

    content_type: str
    octets: bytes
    content_id: str = ""
    disposition: str = ""
    cut: bool = False
    oddities: tuple[Oddity, ...] = field(default=())


def parts_of(message: SIPMessage) -> tuple[Part, ...]:
    """The parts of a message's body in their order; never raises. An empty body has none."""
    if not message.body:
        return ()
    head = Message()
    for name in (
        "content-type",
        "content-id",
        "content-disposition",
        "content-transfer-encoding",
    ):
        if told := message.first(name):
            head[name] = _header_text(told)
    found = _Walk()
    found.take(head, message.body, cut=not message.whole, depth=0)
    return tuple(found.parts)


@dataclass(slots=True)
class _Walk:
    parts: list[Part] = field(default_factory=list)

    def take(self, head: Message, body: bytes, *, cut: bool, depth: int) -> None:
        if len(self.parts) >= PARTS_MAX:
            return
        oddities = Oddities()
        if _type_of(head).startswith("multipart/") and depth < DEPTH_MAX:
            told = _boundary(head)
            if not told:
                oddities.add(BOUNDARY_MISSING)
            pieces = list(_pieces(body, told)) or list(_pieces(body, _first_boundary(body)))
            if pieces:
                for piece, open_ended in pieces:
                    inner, octets = _split(piece)
                    self.take(inner, octets, cut=open_ended, depth=depth + 1)
                return
            oddities.add(BOUNDARY_NOWHERE)
        if len(self.parts) == PARTS_MAX - 1:
            oddities.add(PARTS_TOO_MANY, str(PARTS_MAX))
        if cut:
            oddities.add(BODY_CUT)
        self.parts.append(
            Part(
                content_type=_type_of(head),
                octets=_decoded(head, body, oddities),
                content_id=_text(head, "content-id"),
                disposition=_text(head, "content-disposition").partition(";")[0].strip().lower(),
                cut=cut,
                oddities=tuple(oddities.found),
            )
        )


def _pieces(body: bytes, boundary: bytes) -> Iterator[tuple[bytes, bool]]:
    """What stands between the delimiters, and whether it has no end."""
    if not boundary:
        return
    opening = re.search(rb"(?:\A|\n)--" + re.escape(boundary) + rb"[ \t]*(\r?\n)", body)
    if opening is None:
        return
    # As the first delimiter ends so do all: a binary part may itself end with a CR or LF.
    line_end = re.escape(opening[1])
    delimiter = re.compile(
        line_end + rb"--" + re.escape(boundary) + rb"(--)?[ \t]*(?:" + line_end + rb"|\Z)"
    )
    # One that follows at once shares the line end of the one before.
    at, overlap = opening.end(), len(opening[1])
    for _ in range(PARTS_MAX):
        found = delimiter.search(body, at - overlap)
        if found is None:
            if body[at:].strip():
                yield body[at:], True
            return
        if found.start() > at - overlap:
            yield body[at : found.start()], False
        if found[1]:
            return
        at = found.end()


def _split(piece: bytes) -> tuple[Message, bytes]:
    end = _END_OF_HEADERS.search(piece)
    if end is None:
        return _parsed(piece), b""
    return _parsed(piece[: end.start()]), piece[end.end() :]


def _parsed(head: bytes) -> Message:
    # The library reads headers leniently and raises for none.
    return BytesHeaderParser().parsebytes(head.strip(b"\r\n") + b"\r\n\r\n")


def _boundary(head: Message) -> bytes:
    """The boundary that the header names; empty where it names none that can be read."""
    short = Message()
    short["content-type"] = _text(head, "content-type")[:TYPE_CHARS_MAX]
    try:
        return (short.get_boundary() or "").encode()
    except Exception:  # RFC 2231 with an unknown character set, half a character, and their like
        return b""


def _first_boundary(body: bytes) -> bytes:
    """What the body itself begins with, where that looks like a boundary; else empty."""
    first = _FIRST_LINE.match(body)
    return b"" if first is None else first[1].rstrip()


def _type_of(head: Message) -> str:
    return _text(head, "content-type").partition(";")[0].strip().lower()


def _text(head: Message, name: str) -> str:
    told = head.get(name)
    return "" if told is None else _header_text(str(told))


def _header_text(text: str) -> str:
    # Octets beyond ASCII come as halves of characters, which no database keeps.
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(whole.split())


def _decoded(head: Message, body: bytes, oddities: Oddities) -> bytes:
    encoding = _text(head, "content-transfer-encoding").lower()
    if encoding in _AS_IS:
        return body
    if encoding == "quoted-printable":
        return decodestring(body)
    if encoding != "base64":
        oddities.add(ENCODING_UNKNOWN, encoding)
        return body
    letters = b"".join(body.split())
    if not _BASE64.fullmatch(letters):
        oddities.add(ENCODING_BROKEN, encoding)
        return body
    letters = letters.rstrip(b"=")
    whole = letters[: len(letters) - 1] if len(letters) % 4 == 1 else letters
    return b64decode(whole + b"=" * (-len(whole) % 4))
