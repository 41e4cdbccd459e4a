"""A SIP peer of one UDP socket, bound to any loopback address: what an edge sees of a stranger."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

EDGE = "127.0.0.1"
TRUNK = "127.0.1.7"
PHONE = "127.0.2.7"
STRANGER = "127.0.9.9"
T1_S = 0.5  # RFC 3261 §17.1.1.1
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came, and when."""

    code: int
    text: str
    at: float
    first_at: float = 0.0
    """When the first answer of all came, 100 mostly."""

    def all(self, name: str) -> list[str]:
        """The values of every header of a name."""
        wanted = name.lower()
        lines = self.text.partition("\r\n\r\n")[0].split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines)
        return [value.strip() for head, _, value in pairs if head.strip().lower() == wanted]

    def first(self, name: str) -> str:
        """The value of the first header of a name, or nothing."""
        return next(iter(self.all(name)), "")


class Peer(asyncio.DatagramProtocol):
    """Sends requests to the edge and gathers what comes."""

    def __init__(self, edge_port: int) -> None:
        self.edge_port = edge_port
        self.received: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None
        self._kept: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self.received.put_nowait((data.decode("utf-8", "replace"), time.monotonic()))

    @property
    def address(self) -> tuple[str, int]:
        """Where it is bound."""
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return str(host), int(port)

    async def heard(self, start: str, *, within_s: float) -> str:
        """The first message that begins so and was not given yet; others may come before it."""
        async with asyncio.timeout(within_s):
            while True:
                for text in self._kept:
                    if text.startswith(start):
                        self._kept.remove(text)
                        return text
                self._kept.append((await self.received.get())[0])

    def send(self, text: str, to: tuple[str, int] | None = None) -> None:
        """One datagram, to the edge unless said otherwise."""
        assert self._transport is not None
        self._transport.sendto(text.encode(), to or (EDGE, self.edge_port))

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def request(
        self,
        method: str,
        *,
        uri: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        call_id: str | None = None,
    ) -> str:
        """A good request; an INVITE offers A-law."""
        host, port = self.address
        target = uri or f"sip:112@{EDGE}:{self.edge_port}"
        content = (SDP if method == "INVITE" else "") if body is None else body
        lines = {
            "Via": f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{secrets.token_hex(8)};rport",
            "From": f"<sip:+37120000000@{host}:{port}>;tag={secrets.token_hex(4)}",
            "To": f"<{target}>",
            "Call-ID": call_id or secrets.token_hex(8),
            "CSeq": f"1 {method}",
            "Contact": f"<sip:+37120000000@{host}:{port}>",
            "Max-Forwards": "70",
            "User-Agent": "test",
            **({"Content-Type": "application/sdp"} if content else {}),
            **(headers or {}),
            "Content-Length": str(len(content)),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {target} SIP/2.0\r\n{head}\r\n{content}"

    async def answer_to(self, request: str, *, within_s: float = 3.0) -> Answer | None:
        """Send it, again as UDP asks for, and give its final answer, or ``None`` for none."""
        call_id = header(request, "Call-ID")
        began = time.monotonic()
        self.send(request)
        repeat_at, interval = began + T1_S, T1_S
        provisional, first_at = False, 0.0
        while (now := time.monotonic()) < began + within_s:
            until = began + within_s if provisional else min(repeat_at, began + within_s)
            try:
                async with asyncio.timeout(max(until - now, 0)):
                    text, at = await self.received.get()
            except TimeoutError:
                if not provisional and time.monotonic() < began + within_s:
                    self.send(request)
                    interval *= 2
                    repeat_at = time.monotonic() + interval
                continue
            if not text.startswith("SIP/2.0 ") or header(text, "Call-ID") != call_id:
                continue
            code, first_at = int(text[8:11]), first_at or at
            if code >= 200:
                return Answer(code, text, at, first_at)
            provisional = True
        return None

    async def call(self, *, within_s: float = 8.0, **options: str) -> Answer | None:
        """Call 112, acknowledge the answer, and hang up if it was one."""
        invite = self.request("INVITE", **options)  # type: ignore[arg-type]
        answer = await self.answer_to(invite, within_s=within_s)
        if answer is None:
            return None
        self.within(answer, invite, "ACK")
        if answer.code < 300:
            self.within(answer, invite, "BYE")
        return answer

    def within(self, answer: Answer, invite: str, method: str) -> None:
        """Send an ACK or BYE of the call."""
        refused = answer.code >= 300
        host, port = self.address
        target = answer.first("Contact").partition("<")[2].partition(">")[0]
        if refused or not target:
            target = invite.split(" ")[1]
        via = header(invite, "Via")
        if not refused:
            via = f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{secrets.token_hex(8)};rport"
        number = 1 if method == "ACK" else 2
        routes = (
            ""
            if refused
            else "".join(f"Route: {route}\r\n" for route in reversed(answer.all("Record-Route")))
        )
        self.send(
            f"{method} {target} SIP/2.0\r\nVia: {via}\r\n{routes}"
            f"From: {header(invite, 'From')}\r\nTo: {answer.first('To')}\r\n"
            f"Call-ID: {header(invite, 'Call-ID')}\r\nCSeq: {number} {method}\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )


def header(text: str, name: str) -> str:
    """The value of the first header of a name in a message."""
    for line in text.partition("\r\n\r\n")[0].split("\r\n")[1:]:
        head, _, value = line.partition(":")
        if head.strip().lower() == name.lower():
            return value.strip()
    return ""


@asynccontextmanager
async def peer(edge_port: int, address: str = TRUNK, port: int = 0) -> AsyncIterator[Peer]:
    """A peer at that address."""
    _, made = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Peer(edge_port), local_addr=(address, port)
    )
    try:
        yield made
    finally:
        made.close()
