"""A SIP request or response as octets (RFC 3261 §7): start line, header fields, body.

Read as leniently as it can be: it is looked at long after the call was taken, for what it tells of
whoever calls. What routes calls is the edge, and not this.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

HEADERS_MAX: Final = 500
"""Far more than any call has; the rest is not read."""

COMPACT: Final = {
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "s": "subject",
    "t": "to",
    "v": "via",
}
"""RFC 3261 §7.3.3 and RFC 6665 §8.2.1."""

_START = re.compile(r"SIP/2\.0 (\d{3})(?: .*)?|([A-Za-z0-9.!%*_+`'~-]{1,32}) (\S+) SIP/2\.0", re.I)
_END_OF_HEADERS = re.compile(rb"\r\n\r\n|\n\n|\r\n\n|\n\r\n")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_SEPARATOR = re.compile(r'"(?:\\.|[^"\\])*+"?|<[^>]*+>?|,')
"""A comma, or what may hold one that is none."""


class SIPMessageInvalid(ValueError):
    """These octets are no SIP message; the text says what is wrong, for people."""


@dataclass(frozen=True, slots=True)
class SIPMessage:
    """One message. ``headers``: names in small letters and in their long form, values unfolded.

    ``method`` is empty for a response, ``status`` is 0 for a request. ``whole`` is false where the
    body is shorter than was said, or the headers have no end.
    """

    method: str
    uri: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool

    @classmethod
    def parse(cls, data: bytes) -> "SIPMessage":
        """Read a message; raises `SIPMessageInvalid`, and nothing else, whatever ``data`` is."""
        # RFC 3261 §7.5: empty lines before the start line are ignored.
        data = data.lstrip(b"\r\n")
        end = _END_OF_HEADERS.search(data)
        head = data if end is None else data[: end.start()]
        start, *lines = _unfolded(head.decode("utf-8", "replace"))
        found = _START.fullmatch(start)
        if found is None:
            raise SIPMessageInvalid("The first line is none of SIP.")
        status, method, uri = found.groups()
        headers = tuple(_headers(lines))
        body = b"" if end is None else data[end.end() :]
        length = _length(headers)
        return cls(
            method=(method or "").upper(),
            uri=uri or "",
            status=int(status or 0),
            headers=headers,
            # RFC 3261 §18.3: what is beyond the length is no part of the message.
            body=body if length is None else body[:length],
            whole=end is not None and (length is None or len(body) >= length),
        )

    def all(self, name: str) -> list[str]:
        """The values of every field of this name (small letters), in order, lists not split."""
        return [value for known, value in self.headers if known == name]

    def first(self, name: str) -> str:
        """The first of them; empty where there is none."""
        return next((value for known, value in self.headers if known == name), "")

    def listed(self, name: str) -> list[str]:
        """The values of every field of this name, each list split at its commas."""
        return [one for value in self.all(name) for one in split_list(value)]


def _unfolded(head: str) -> list[str]:
    lines: list[str] = [""]
    for number, line in enumerate(head.replace("\r\n", "\n").split("\n")):
        if number and line[:1] in (" ", "\t"):
            lines[-1] = f"{lines[-1]} {line.strip()}"
        elif number:
            lines.append(line)
        else:
            lines[0] = line.rstrip()
    return lines


def _headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines[:HEADERS_MAX]:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if colon and _TOKEN.fullmatch(name):
            yield COMPACT.get(name, name), value.strip()


def _length(headers: tuple[tuple[str, str], ...]) -> int | None:
    told = next((value for name, value in headers if name == "content-length"), "")
    return int(told) if re.fullmatch(r"[0-9]{1,9}", told) else None


def split_list(value: str) -> list[str]:
    """A comma-separated list (RFC 3261 §7.3.1): commas in quotes and in ``<>`` are no separators.

    >>> split_list('<cid:a,b>;x="1,2", <sip:c>')
    ['<cid:a,b>;x="1,2"', '<sip:c>']
    """
    parts: list[str] = []
    start = 0
    for found in _SEPARATOR.finditer(value):
        if found[0] == ",":
            parts.append(value[start : found.start()])
            start = found.end()
    parts.append(value[start:])
    return [part.strip() for part in parts if part.strip()]


@dataclass(frozen=True, slots=True)
class Reference:
    """One URI of ``Geolocation``, ``Call-Info`` and their like, with its parameters."""

    uri: str
    parameters: dict[str, str]

    @classmethod
    def of(cls, value: str) -> "Reference":
        """Read one element of a list, with or without ``<>``."""
        before, bracket, rest = value.partition("<")
        if bracket and not before.strip().lower().startswith(("cid:", "http", "urn:", "sip")):
            uri, _, tail = rest.partition(">")
        else:
            uri, _, tail = value.partition(";")
        parameters: dict[str, str] = {}
        for told in tail.split(";"):
            name, _, text = told.partition("=")
            if name.strip():
                parameters.setdefault(name.strip().lower(), text.strip().strip('"'))
        return cls(uri.strip(), parameters)

    @property
    def scheme(self) -> str:
        """In small letters; empty where there is none."""
        return self.uri.partition(":")[0].lower() if ":" in self.uri else ""


def content_key(told: str) -> str:
    """A Content-ID, or a ``cid:`` URI, as both are compared (RFC 2392).

    The standards' own examples write it with and without brackets and escapes.

    >>> content_key("cid:MSD%40car") == content_key("<msd@car>")
    True
    """
    text = told.strip()
    if text.lower().startswith("cid:"):
        text = text[4:]
    text = text.strip().removeprefix("<").removesuffix(">")
    if text.lower().startswith("cid:"):
        text = text[4:]
    return unquote(text, errors="replace").strip().lower()
