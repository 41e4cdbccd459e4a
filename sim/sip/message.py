"""SIP messages as values (RFC 3261 §7): requests and responses, parsed and written.

Header values are text in UTF-8; an octet that is none is kept as a surrogate escape, so that what
came can be written back as it was. Bodies are octets.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Self

CRLF: Final = b"\r\n"
END_OF_HEADERS: Final = b"\r\n\r\n"
VERSION: Final = "SIP/2.0"
MESSAGE_BYTES_MAX: Final = 256 * 1024
"""Larger than any message of a car or phone; a peer that sends more is no peer of ours."""
PORT_MAX: Final = 65_535
COMPACT: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
}
"""Short names of headers (RFC 3261 §7.3.3, RFC 4028, RFC 3515, RFC 6665)."""
REASONS: Final = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    415: "Unsupported Media Type",
    469: "Bad Info Package",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    603: "Decline",
}

Header = tuple[str, str]


class SIPInvalid(ValueError):
    """These octets are no SIP message; the text says why."""


@dataclass(frozen=True, slots=True)
class _Message:
    headers: tuple[Header, ...]
    body: bytes

    def get(self, name: str) -> str | None:
        """Give the first header of a name; ``None`` where there is none."""
        return next(iter(self.all(name)), None)

    def need(self, name: str) -> str:
        """Give the first header of a name; raises `SIPInvalid`."""
        value = self.get(name)
        if value is None:
            raise SIPInvalid(f"there is no {name}")
        return value

    def all(self, name: str) -> tuple[str, ...]:
        """Give every header of a name, each line as it stands."""
        wanted = long_name(name)
        return tuple(value for key, value in self.headers if long_name(key) == wanted)

    def values(self, name: str) -> tuple[str, ...]:
        """Give every value of a header that takes lists, one line or many."""
        return tuple(item for line in self.all(name) for item in split_list(line))

    @property
    def call_id(self) -> str:
        """Call-ID; raises `SIPInvalid`."""
        return self.need("Call-ID")

    @property
    def sequence(self) -> tuple[int, str]:
        """CSeq as number and method; raises `SIPInvalid`."""
        number, _, method = self.need("CSeq").partition(" ")
        if not is_number(number):
            raise SIPInvalid("CSeq has no number")
        return int(number), method.strip()

    @property
    def branch(self) -> str:
        """The topmost Via's branch, empty where it has none; raises `SIPInvalid`."""
        vias = self.values("Via")
        if not vias:
            raise SIPInvalid("there is no Via")
        return parameters(vias[0]).get("branch", "")

    @property
    def content_type(self) -> str:
        """Content-Type with its parameters, empty where there is none."""
        return self.get("Content-Type") or ""

    def _bytes(self, start: str) -> bytes:
        lines = [start]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.get("Content-Length") is None:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + END_OF_HEADERS + self.body

    def without(self, *names: str) -> Self:
        """Give the message without these headers."""
        gone = {long_name(name) for name in names}
        kept = tuple(header for header in self.headers if long_name(header[0]) not in gone)
        return replace(self, headers=kept)

    def added(self, headers: Iterable[Header]) -> Self:
        """Give the message with more headers at its end."""
        return replace(self, headers=(*self.headers, *headers))


@dataclass(frozen=True, slots=True)
class Request(_Message):
    """A request."""

    method: str
    uri: str

    def __bytes__(self) -> bytes:
        return self._bytes(f"{self.method} {self.uri} {VERSION}")


@dataclass(frozen=True, slots=True)
class Response(_Message):
    """A response."""

    code: int
    reason: str

    def __bytes__(self) -> bytes:
        return self._bytes(f"{VERSION} {self.code} {self.reason}")


def respond(
    request: Request,
    code: int,
    *,
    tag: str = "",
    headers: Iterable[Header] = (),
    body: bytes = b"",
) -> Response:
    """Answer a request (RFC 3261 §8.2.6); ``tag`` goes into To unless that has one."""
    to = request.need("To")
    if tag and "tag" not in parameters(to):
        to = f"{to};tag={tag}"
    kept: list[Header] = [("Via", via) for via in request.all("Via")]
    kept += [("From", request.need("From")), ("To", to), ("Call-ID", request.call_id)]
    kept.append(("CSeq", request.need("CSeq")))
    if request.method in ("INVITE", "SUBSCRIBE"):
        kept += [("Record-Route", route) for route in request.all("Record-Route")]
    return Response((*kept, *headers), body, code, REASONS.get(code, "Unknown"))


def parse(data: bytes) -> Request | Response:
    """Read one message of a datagram or of a stream's frame; raises `SIPInvalid`.

    Without Content-Length the body is what is left; what follows a shorter body is ignored (§18.3).
    """
    head, found, rest = data.lstrip(b"\r\n").partition(END_OF_HEADERS)
    if not found:
        raise SIPInvalid("the headers do not end")
    start, *lines = _unfolded(head.decode("utf-8", "surrogateescape"))
    headers = tuple(_header(line) for line in lines)
    message = _start(start, headers, rest)
    length = content_length(message.get("Content-Length"))
    if length is None:
        return message
    if length > len(rest):
        raise SIPInvalid(f"the body has {len(rest)} octets and not {length}")
    return replace(message, body=rest[:length])


def _start(start: str, headers: tuple[Header, ...], body: bytes) -> Request | Response:
    first, _, rest = start.partition(" ")
    middle, _, last = rest.partition(" ")
    if first == VERSION:
        if len(middle) != 3 or not is_number(middle):
            raise SIPInvalid("the status line has no code")
        return Response(headers, body, int(middle), last)
    if last != VERSION or not first or not middle:
        raise SIPInvalid("the start line is of no SIP message")
    return Request(headers, body, first, middle)


def _unfolded(head: str) -> list[str]:
    lines: list[str] = []
    for line in head.split("\r\n"):
        if line[:1] in (" ", "\t") and len(lines) > 1:
            lines[-1] = f"{lines[-1]} {line.strip()}"
        else:
            lines.append(line)
    return lines


def _header(line: str) -> Header:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise SIPInvalid("a header has no colon")
    return name.strip(), value.strip()


def content_length(value: str | None) -> int | None:
    """Read Content-Length; ``None`` where there is none; raises `SIPInvalid`."""
    if value is None:
        return None
    if not is_number(value, digits_max=9):
        raise SIPInvalid("Content-Length is no length")
    return int(value)


def is_number(text: str, *, digits_max: int = 10) -> bool:
    """Whether this is a number in plain digits (``str.isdigit`` takes superscripts for some)."""
    return text.isascii() and text.isdigit() and len(text) <= digits_max


def is_port(text: str) -> bool:
    """Whether this is the number of a port, 0 included."""
    return is_number(text, digits_max=5) and int(text) <= PORT_MAX


def long_name(name: str) -> str:
    """Give a header's full name in small letters."""
    small = name.lower()
    return COMPACT.get(small, small)


def split_list(line: str) -> Iterator[str]:
    """Divide a header at its commas; those in quotes or angle brackets divide nothing."""
    item, quoted, depth, escaped = "", False, 0, False
    for letter in line:
        if escaped:
            escaped = False
        elif quoted and letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif not quoted and letter in "<>":
            depth = depth + 1 if letter == "<" else max(depth - 1, 0)
        elif not quoted and not depth and letter == ",":
            if item.strip():
                yield item.strip()
            item = ""
            continue
        item += letter
    if item.strip():
        yield item.strip()


def parameters(value: str) -> dict[str, str]:
    """Give the parameters behind a value (or behind its ``<…>``), their names in small letters."""
    outside = value.rpartition(">")[2] if "<" in value else value
    found: dict[str, str] = {}
    for piece in outside.split(";")[1:]:
        name, _, text = piece.partition("=")
        found.setdefault(name.strip().lower(), text.strip().strip('"'))
    return found


def uri_of(value: str) -> str:
    """Give the URI of a name-addr or addr-spec (RFC 3261 §20.10)."""
    if "<" in value:
        return value.partition("<")[2].partition(">")[0].strip()
    return value.partition(";")[0].strip()
