"""Writing and reading SIP messages by hand: good ones, from which each test breaks one thing."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

CRLF = b"\r\n"


@dataclass(frozen=True, slots=True)
class Ends:
    """Who sends to whom; with names of its own for each message."""

    host: str
    port: int
    local_host: str
    local_port: int
    transport: str = "UDP"
    service: str = ""
    """A service URN that is called; empty: the number 112."""
    call_id: str = field(default_factory=lambda: secrets.token_hex(8))
    tag: str = field(default_factory=lambda: secrets.token_hex(4))
    branch: str = field(default_factory=lambda: "z9hG4bK" + secrets.token_hex(8))

    @property
    def peer(self) -> str:
        """Host and port of the one who is asked."""
        return f"{self.host}:{self.port}"

    @property
    def here(self) -> str:
        """Host and port of the one who asks."""
        return f"{self.local_host}:{self.local_port}"

    @property
    def uri(self) -> str:
        """Where a caller in need is heard."""
        return self.service or f"sip:112@{self.peer}"

    @property
    def via(self) -> str:
        """The value of the topmost Via."""
        return f"SIP/2.0/{self.transport} {self.here};rport;branch={self.branch}"

    @property
    def contact(self) -> str:
        """The URI of the one who asks."""
        return f"sip:+37120000000@{self.here}"

    def headers(self, method: str, **change: str | None) -> dict[str, str]:
        """Name and value of what each request has; ``change`` by names with _ for -."""
        headers = {
            "Via": self.via,
            "Max-Forwards": "70",
            "From": f"<{self.contact}>;tag={self.tag}",
            "To": f"<{self.uri}>",
            "Call-ID": self.call_id,
            "CSeq": f"1 {method}",
            "Contact": f"<{self.contact}>",
        }
        for name, value in change.items():
            if value is None:
                headers.pop(name.replace("_", "-"))
            else:
                headers[name.replace("_", "-")] = value
        return headers

    def sdp(self) -> bytes:
        """An offer of A-law to the discard port."""
        lines = ("v=0", f"o=- 1 1 IN IP4 {self.local_host}", "s=-", f"c=IN IP4 {self.local_host}")
        media = ("t=0 0", "m=audio 9 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "")
        return "\r\n".join(lines + media).encode()


def request(
    start: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    more: tuple[str, ...] = (),
    length: str | None = "",
) -> bytes:
    """Write a request: the lines ``more`` as they are; ``length`` replaces Content-Length."""
    lines = [start, *(f"{name}: {value}" for name, value in headers.items()), *more]
    if length is not None:
        lines.append(f"Content-Length: {length or len(body)}")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + CRLF * 2 + body


def invite(
    ends: Ends,
    *,
    start: str | None = None,
    body: bytes | None = None,
    more: tuple[str, ...] = (),
    length: str | None = "",
    **change: str | None,
) -> bytes:
    """Write a good call to 112, but for what is changed."""
    headers = ends.headers("INVITE", **{"Content_Type": "application/sdp", **change})
    line = start if start is not None else f"INVITE {ends.uri} SIP/2.0"
    return request(line, headers, ends.sdp() if body is None else body, more=more, length=length)


def other(
    ends: Ends, method: str, uri: str | None = None, *more: str, **change: str | None
) -> bytes:
    """Write a good request of another method to the peer itself, but for what is changed."""
    target = uri or f"sip:{ends.peer}"
    return request(f"{method} {target} SIP/2.0", ends.headers(method, **change), more=more)


COMPACT = {
    "i": "call-id",
    "f": "from",
    "t": "to",
    "m": "contact",
    "v": "via",
    "l": "content-length",
}


def headers(message: bytes, name: str) -> list[str]:
    """Give the values of a header in order, folded lines joined, comma lists of routes split."""
    head = message.partition(CRLF * 2)[0].decode("utf-8", "surrogateescape")
    lines = head.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n")[1:]
    wanted, values = name.lower(), []
    for line in lines:
        key, _, value = line.partition(":")
        found = key.strip().lower()
        if COMPACT.get(found, found) == wanted:
            values.append(value.strip())
    if wanted == "record-route":
        return [each.strip() for value in values for each in value.split(",")]
    return values
