"""Datagrams to a SIP port, well formed or not, and what came back.

``MALFORMED`` names messages that SIPp cannot send because it would not recognise their answers or
could not hold their bytes. Each is a good INVITE with one thing broken, so that the answer (or the
silence) is about that thing.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, cast

HOST = "127.0.0.1"
QUEUE_MAX = 1000  # datagrams; more than a re-transmitting peer sends in the time of one exchange
WAIT_S = 1.0  # for the first answer; a parser that drops a message never gives one
GRACE_S = 0.2  # for a second answer after a final one, which would be a fault
CRLF = b"\r\n"


class SIPSocket(asyncio.DatagramProtocol):
    """A UDP socket on 127.0.0.1 that talks to one SIP port; use ``open`` and ``close``."""

    def __init__(self, peer_port: int) -> None:
        self.peer_port = peer_port
        self._received: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_MAX)
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, peer_port: int) -> Self:
        """Bind a free port."""
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(
            lambda: cls(peer_port), local_addr=(HOST, 0)
        )
        return protocol

    @property
    def port(self) -> int:
        """Give the bound port."""
        if self._transport is None:
            raise RuntimeError("the socket is closed")
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Queue a datagram; what does not fit is dropped, as UDP would."""
        if not self._received.full():
            self._received.put_nowait(data)

    def send(self, message: bytes) -> None:
        """Send one datagram."""
        if self._transport is None:
            raise RuntimeError("the socket is closed")
        self._transport.sendto(message, (HOST, self.peer_port))

    async def receive(self, timeout_s: float) -> bytes | None:
        """Give the next datagram, or ``None`` if there is none in time."""
        try:
            return await asyncio.wait_for(self._received.get(), timeout_s)
        except TimeoutError:
            return None

    def close(self) -> None:
        """Let go of the port."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request to build and to break. Lines end in CRLF; the body is SDP unless it is empty."""

    port: int
    local_port: int
    method: str = "INVITE"
    user: str = "112"
    call_id: str = field(default_factory=lambda: secrets.token_hex(8))
    tag: str = field(default_factory=lambda: secrets.token_hex(4))
    branch: str = field(default_factory=lambda: "z9hG4bK" + secrets.token_hex(8))
    sequence: int = 1

    @property
    def uri(self) -> str:
        """Give the request URI."""
        return f"sip:{self.user}@{HOST}:{self.port}"

    def headers(self) -> dict[str, str]:
        """Give the headers of a good request, without Content-Length."""
        headers = {
            "Via": f"SIP/2.0/UDP {HOST}:{self.local_port};branch={self.branch};rport",
            "From": f"<sip:+37120000000@{HOST}:{self.local_port}>;tag={self.tag}",
            "To": f"<{self.uri}>",
            "Call-ID": self.call_id,
            "CSeq": f"{self.sequence} {self.method}",
            "Contact": f"<sip:+37120000000@{HOST}:{self.local_port}>",
            "Max-Forwards": "70",
        }
        if self.method == "INVITE":
            headers["Content-Type"] = "application/sdp"
        return headers

    def body(self) -> bytes:
        """Give SDP that offers A-law to the discard port."""
        if self.method != "INVITE":
            return b""
        lines = ("v=0", f"o=- 1 1 IN IP4 {HOST}", "s=-", f"c=IN IP4 {HOST}", "t=0 0")
        media = ("m=audio 9 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "")
        return "\r\n".join(lines + media).encode()

    def build(
        self,
        *,
        drop: str | None = None,
        change: dict[str, str] | None = None,
        body: bytes | None = None,
        start: str | None = None,
    ) -> bytes:
        """Write the request, without header ``drop``, with the headers ``change``.

        ``surrogateescape`` in a value stands for the raw byte.
        """
        content = self.body() if body is None else body
        headers = {**self.headers(), "Content-Length": str(len(content)), **(change or {})}
        lines = [start if start is not None else f"{self.method} {self.uri} SIP/2.0"]
        lines += [f"{name}: {value}" for name, value in headers.items() if name != drop]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + CRLF * 2 + content


MALFORMED: dict[str, Callable[[Request], bytes]] = {
    "missing_call_id": lambda r: r.build(drop="Call-ID"),
    "missing_via": lambda r: r.build(drop="Via"),
    "missing_cseq": lambda r: r.build(drop="CSeq"),
    "missing_from": lambda r: r.build(drop="From"),
    "missing_to": lambda r: r.build(drop="To"),
    "empty_call_id": lambda r: r.build(change={"Call-ID": ""}),
    "cseq_method_differs": lambda r: r.build(change={"CSeq": "1 BYE"}),
    "cseq_too_large": lambda r: r.build(change={"CSeq": "99999999999999999999 INVITE"}),
    "content_length_negative": lambda r: r.build(change={"Content-Length": "-5"}),
    "content_length_words": lambda r: r.build(change={"Content-Length": "many"}),
    "content_length_huge": lambda r: r.build(change={"Content-Length": "4294967296"}),
    "content_length_short": lambda r: r.build(change={"Content-Length": "7"}),
    "invalid_utf8_from": lambda r: r.build(
        change={"From": f'"\udcff\udcfe\udcc0" <sip:\udcff\udcc1@{HOST}>;tag={r.tag}'}
    ),
    "invalid_utf8_user": lambda r: r.build(
        start=f"INVITE sip:\udcff\udcfe@{HOST}:{r.port} SIP/2.0"
    ),
    "nul_bytes": lambda r: r.build(change={"From": f'"a\0b" <sip:a\0b@{HOST}>;tag={r.tag}'}),
    "unclosed_quote": lambda r: r.build(change={"From": f'"open <sip:a@{HOST}>;tag={r.tag}'}),
    "unknown_version": lambda r: r.build(start=f"INVITE {r.uri} SIP/7.0"),
    "unknown_method": lambda r: r.build(
        start=f"EXPLODE {r.uri} SIP/2.0", change={"CSeq": "1 EXPLODE"}
    ),
    "unknown_scheme": lambda r: r.build(start=f"INVITE gopher:112@{HOST} SIP/2.0"),
    "max_forwards_zero": lambda r: r.build(change={"Max-Forwards": "0"}),
    "many_headers": lambda r: r.build(change={f"X-Many-{n}": "x" * 20 for n in range(1500)}),
    "one_huge_header": lambda r: r.build(change={"X-Huge": "x" * 60000}),
    "binary_sdp": lambda r: r.build(body=bytes(range(256)) * 4),
    "empty_sdp": lambda r: r.build(body=b""),
    "cut_in_headers": lambda r: r.build()[:150],
    "only_start_line": lambda r: r.build()[: r.build().index(CRLF)] + CRLF,
    "answer_without_request": lambda r: r.build(start="SIP/2.0 200 OK"),
    "random_bytes": lambda _: secrets.token_bytes(1400),
    "zeros": lambda _: bytes(1400),
    "only_newlines": lambda _: CRLF * 500,
    "one_byte": lambda _: b"\x00",
}
"""Broken messages by name; each is given a fresh good request to break."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was answered: status codes in order of arrival, and whole messages."""

    name: str
    codes: tuple[int, ...]
    messages: tuple[str, ...]

    @property
    def final(self) -> int | None:
        """Give the first final status; ``None`` where there was none."""
        return next((code for code in self.codes if code >= 200), None)


async def send_malformed(name: str, port: int, *, wait_s: float = WAIT_S) -> Exchange:
    """Send one broken message to ``port`` and collect the answers; raises ``KeyError``.

    A call that is accepted all the same is acknowledged and ended, so that nothing is left behind.
    """
    socket = await SIPSocket.open(port)
    try:
        request = Request(port, socket.port)
        socket.send(MALFORMED[name](request))
        return await _collect(socket, request, name, wait_s)
    finally:
        socket.close()


async def is_alive(port: int, *, wait_s: float = 2.0) -> bool:
    """Tell whether something answers OPTIONS at ``port``, whatever it answers."""
    socket = await SIPSocket.open(port)
    try:
        request = Request(port, socket.port, method="OPTIONS", user="ping")
        socket.send(request.build())
        answer = await socket.receive(wait_s)
        return answer is not None and answer.startswith(b"SIP/2.0 ")
    finally:
        socket.close()


async def _collect(socket: SIPSocket, request: Request, name: str, wait_s: float) -> Exchange:
    codes: list[int] = []
    messages: list[str] = []
    wait = wait_s
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 5 * wait_s
    while loop.time() < deadline and (data := await socket.receive(wait)) is not None:
        text = data.decode("utf-8", "replace")
        messages.append(text)
        if not text.startswith("SIP/2.0 "):
            continue  # a BYE or a keep-alive; nothing to learn from it here
        code = int(text[8:11])
        if code >= 200:
            first = all(earlier < 200 for earlier in codes)
            if first and request_of(text) == "INVITE":
                finish(socket, request, text, code)
            wait = GRACE_S
        codes.append(code)
        if codes.count(code) > 1:
            break  # a re-transmission: nothing new will come
    return Exchange(name, tuple(codes), tuple(messages))


def request_of(answer: str) -> str:
    """Give the method that an answer belongs to, from its CSeq."""
    return header(answer, "CSeq").rpartition(" ")[2]


def header(message: str, name: str) -> str:
    """Give the first header of a name, empty where there is none."""
    for line in message.split("\r\n"):
        head, colon, value = line.partition(":")
        if colon and head.strip().lower() == name.lower():
            return value.strip()
    return ""


def finish(socket: SIPSocket, request: Request, answer: str, code: int) -> None:
    """Acknowledge a final answer to INVITE (RFC 3261 §17.1.1.3), and end an accepted call."""
    same = {"To": header(answer, "To"), "From": header(answer, "From")}
    same["Call-ID"] = header(answer, "Call-ID")
    sequence = header(answer, "CSeq").partition(" ")[0]
    acknowledge = Request(
        request.port,
        request.local_port,
        method="ACK",
        user=request.user,
        branch=request.branch if code >= 300 else "z9hG4bK" + secrets.token_hex(8),
    )
    socket.send(acknowledge.build(change={**same, "CSeq": f"{sequence} ACK"}))
    if code < 300:
        bye = Request(request.port, request.local_port, method="BYE", user=request.user)
        socket.send(bye.build(change={**same, "CSeq": f"{int(sequence) + 1} BYE"}))
