"""Hundreds of SIP phones without sound on one UDP socket, for measuring the signalling alone.

Call takers' phones are static contacts (``sip:<user>@127.0.0.1:<port>``) that answer at once;
callers dial, talk for a while and hang up. Times are of ``time.monotonic``: an INVITE counts when
it has been read from the socket, or is about to be written to it.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self, cast

HOST = "127.0.0.1"
RETRANSMIT_S = 0.5  # T1 of RFC 3261 §17.1.1.1
RETRANSMITS_MAX = 6
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


@dataclass(frozen=True, slots=True)
class Message:
    """What is needed of a SIP message."""

    start: str
    headers: Mapping[str, list[str]]

    @classmethod
    def parse(cls, data: bytes) -> "Message | None":
        """Read a datagram; ``None`` for a keep-alive."""
        head = data.split(b"\r\n\r\n", 1)[0].decode("utf-8", "replace")
        start, *lines = head.split("\r\n")
        if not start.strip():
            return None
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        return cls(start, headers)

    def first(self, name: str) -> str:
        """The first value of a header."""
        return self.headers.get(name, [""])[0]

    @property
    def status(self) -> int:
        """The status code of an answer; 0 for a request."""
        return int(self.start[8:11]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """The method of a request, or of what an answer belongs to."""
        return self.first("cseq").rpartition(" ")[2]


@dataclass(slots=True)
class LoadCall:
    """One call of a caller."""

    number: int
    call_id: str
    invited_at: float
    answered_at: float | None = None
    rung_at: float | None = None
    taker: str = ""
    ended_at: float | None = None
    failed: int = 0
    to: str = ""
    target: str = ""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    """A call taker's phone rings for it."""


@dataclass(frozen=True, slots=True)
class Ring:
    """A call taker's phone rang."""

    user: str
    at: float
    caller: str
    """The user part of the caller's URI, by which rings and calls are matched."""


class LoadPhones(asyncio.DatagramProtocol):
    """All phones; ``async with await LoadPhones.open(asterisk_port)``."""

    def __init__(self, asterisk_port: int) -> None:
        self._peer = (HOST, asterisk_port)
        self._transport: asyncio.DatagramTransport | None = None
        self._numbers = itertools.count(1)
        self._calls: dict[str, LoadCall] = {}
        self._callers: dict[str, LoadCall] = {}
        self._rung: dict[str, str] = {}
        self.rings: list[Ring] = []
        self.released: list[tuple[str, float]] = []
        """Which call taker's phone was let go, and when its BYE came."""

    @classmethod
    async def open(cls, asterisk_port: int, *, port: int = 0) -> Self:
        """Bind."""
        _, phones = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: cls(asterisk_port), local_addr=(HOST, port)
        )
        return phones

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()

    @property
    def port(self) -> int:
        """The port of all phones."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    # -- callers ----------------------------------------------------------------------------------

    async def call(
        self,
        user: str,
        *,
        talk_s: float,
        headers: Mapping[str, str],
        timeout_s: float = 30.0,
    ) -> LoadCall:
        """Dial, wait for a call taker's phone, talk, hang up; returns when all is over.

        ``failed`` is the status if it was refused, ``rung_at`` stays ``None`` if no phone rang.
        """
        number = next(self._numbers)
        call = LoadCall(number, f"load-{number}@{HOST}", time.monotonic())
        call.target = f"sip:{user}@{HOST}:{self._peer[1]}"
        self._calls[call.call_id] = self._callers[self.caller_user(call)] = call
        try:
            invite = self._request(call, "INVITE", 1, headers=headers, body=SDP)
            await self._until(call, invite, lambda: call.answered_at is not None, timeout_s)
            if call.answered_at is None:
                self._send(self._request(call, "CANCEL", 1))
                call.failed = call.failed or 408
                return call
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await call.rung.wait()
            await asyncio.sleep(talk_s)
            call.ended_at = time.monotonic()
            bye = self._request(call, "BYE", 2)
            await self._until(call, bye, call.done.is_set, 5.0)
            return call
        finally:
            del self._calls[call.call_id], self._callers[self.caller_user(call)]

    def caller_user(self, call: LoadCall) -> str:
        """The user part by which call takers' phones see this caller."""
        return f"+3712{call.number:07d}"

    async def _until(
        self, call: LoadCall, message: str, done: Callable[[], bool], timeout_s: float
    ) -> None:
        """Send, again while nothing comes, until it is done, refused or too late."""
        give_up_at = time.monotonic() + timeout_s
        call.done.clear()
        for attempt in itertools.count():
            if attempt == 0 or (attempt < RETRANSMITS_MAX and not call.to):
                self._send(message)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(RETRANSMIT_S * 2 ** min(attempt, 4), timeout_s)):
                    await call.done.wait()
            if done() or call.failed or time.monotonic() > give_up_at:
                return
            call.done.clear()

    def _request(
        self,
        call: LoadCall,
        method: str,
        sequence: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: str = "",
    ) -> str:
        own = f"sip:{self.caller_user(call)}@{HOST}:{self.port}"
        branch = f"z9hG4bK-{call.number}-{1 if method == 'CANCEL' else method}-{sequence}"
        if method == "INVITE":
            branch = f"z9hG4bK-{call.number}-1-{sequence}"
        lines = [
            f"{method} {call.target} SIP/2.0",
            f"Via: SIP/2.0/UDP {HOST}:{self.port};branch={branch};rport",
            f"From: <{own}>;tag=c{call.number}",
            f"To: {call.to or f'<{call.target}>'}",
            f"Call-ID: {call.call_id}",
            f"CSeq: {sequence} {method}",
            f"Contact: <{own}>",
            "Max-Forwards: 70",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        return _whole(lines, body)

    def _answer_to_caller(self, call: LoadCall, message: Message) -> None:
        if message.method == "INVITE" and 200 <= message.status < 300:
            call.to = message.first("to")
            contact = message.first("contact").partition("<")[2].partition(">")[0]
            call.target = contact or call.target
            if call.answered_at is None:
                call.answered_at = time.monotonic()
            self._send(self._request(call, "ACK", 1))
        elif message.method == "INVITE" and message.status >= 300:
            call.failed, call.to = message.status, message.first("to")
            self._send(self._request(call, "ACK", 1))
        elif message.status < 200:
            return
        call.done.set()

    # -- call takers ------------------------------------------------------------------------------

    def _request_to_phone(self, message: Message) -> None:
        method, call_id = message.start.partition(" ")[0], message.first("call-id")
        user = message.start.partition("sip:")[2].partition("@")[0].partition(" ")[0]
        match method:
            case "INVITE":
                if call_id not in self._rung:
                    caller = message.first("from").partition("sip:")[2].partition("@")[0]
                    ring = Ring(user, time.monotonic(), caller)
                    self._rung[call_id] = user
                    self.rings.append(ring)
                    self._rang_for(self._callers.get(caller), ring)
                    self._reply(message, "180 Ringing")
                self._reply(message, "200 OK", body=SDP)
            case "BYE":
                self._reply(message, "200 OK")
                taker = self._rung.pop(call_id, None)
                if taker is not None:
                    self.released.append((taker, time.monotonic()))
                elif (call := self._calls.get(call_id)) is not None:
                    call.ended_at = call.ended_at or time.monotonic()
                    call.done.set()
            case "CANCEL":
                self._reply(message, "200 OK")
                self._rung.pop(call_id, None)
            case "ACK":
                pass
            case _:
                self._reply(message, "200 OK")

    def _rang_for(self, call: LoadCall | None, ring: Ring) -> None:
        if call is not None and call.rung_at is None:
            call.rung_at, call.taker = ring.at, ring.user
            call.rung.set()

    def _reply(self, request: Message, status: str, *, body: str = "") -> None:
        to = request.first("to")
        if ";tag=" not in to:
            to += ";tag=t1"
        lines = [
            f"SIP/2.0 {status}",
            *(f"Via: {via}" for via in request.headers.get("via", [])),
            *(f"Record-Route: {route}" for route in request.headers.get("record-route", [])),
            f"From: {request.first('from')}",
            f"To: {to}",
            f"Call-ID: {request.first('call-id')}",
            f"CSeq: {request.first('cseq')}",
            f"Contact: <sip:phone@{HOST}:{self.port}>",
        ]
        self._send(_whole(lines, body))

    # -- the socket -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """A request to a phone, or an answer to a caller."""
        message = Message.parse(data)
        if message is None:
            return
        if not message.status:
            self._request_to_phone(message)
        elif (call := self._calls.get(message.first("call-id"))) is not None:
            self._answer_to_caller(call, message)

    def _send(self, message: str) -> None:
        assert self._transport is not None
        self._transport.sendto(message.encode(), self._peer)


def _whole(lines: list[str], body: str) -> str:
    if body:
        lines = [*lines, "Content-Type: application/sdp"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])
