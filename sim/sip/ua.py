"""A user agent of one address: it calls, is called, and sends and answers requests."""

import asyncio
import contextlib
import inspect
import secrets
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from sim.sip import sdp
from sim.sip.address import hop_of
from sim.sip.call import ANSWER_S, Answering, Call, CallFailed, Reply
from sim.sip.dialog import Dialog, tag_of
from sim.sip.message import (
    Header,
    Request,
    Response,
    SIPInvalid,
    parameters,
    parse,
    respond,
)
from sim.sip.multipart import Part, joined
from sim.sip.rtp import Media
from sim.sip.transaction import T1_S, ClientTransaction, NoAnswer, ServerTransaction
from sim.sip.transport import Flow, Transports
from sim.sip.voices import Voices
from sim.sip.waits import within

HOST: Final = "127.0.0.1"
TRACE_MAX: Final = 2000
TRANSACTIONS_MAX: Final = 5000
"""Kept of each kind, the oldest go: far more than are open at a time."""
ALLOW: Final = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, MESSAGE, NOTIFY"
COOKIE: Final = "z9hG4bK"

Kept = TypeVar("Kept")
Compose = Callable[[Part], tuple[str, bytes]]
"""Makes Content-Type and body of an INVITE from its SDP."""


@dataclass(frozen=True, slots=True)
class Traced:
    """One message that went or came, as it was on the wire."""

    at: float
    """Monotonic seconds."""
    sent: bool
    data: bytes
    peer: tuple[str, int]


class UA:
    """A telephone; ``async with UA(...)`` opens and closes its sockets.

    ``next_hop`` is where requests outside of dialogs go (an outbound proxy), ``protocol`` how: both
    may be told by its URI's ``;transport=``. ``t1_s`` is RFC 3261's T1.
    """

    def __init__(
        self,
        host: str = HOST,
        *,
        port: int = 0,
        user: str = "+37120000000",
        next_hop: str | None = None,
        protocol: str = "udp",
        t1_s: float = T1_S,
        tls_client: ssl.SSLContext | None = None,
        tls_server: ssl.SSLContext | None = None,
    ) -> None:
        self.host = host
        self.user = user
        self.next_hop = next_hop
        self.protocol = hop_of(next_hop, default=protocol).protocol if next_hop else protocol
        self.t1_s = t1_s
        self.abilities: tuple[Header, ...] = (("Allow", ALLOW), ("Supported", "timer"))
        """Headers of every INVITE and of its answers."""
        self.on_call: Callable[[Call], Awaitable[None] | None] = lambda call: call.reject(480)
        self.on_request: Answering = _answer_request
        """Requests outside of dialogs, and unusual ones inside."""
        self.deaf = False
        """Hear nothing any more, as if the network were gone."""
        self.calls: list[Call] = []
        self.requests: list[Request] = []
        """Those outside of dialogs, in order."""
        self.unreadable = 0
        self.trace: deque[Traced] = deque(maxlen=TRACE_MAX)
        self._port = port
        self._transports = Transports(self._took, tls_client=tls_client, tls_server=tls_server)
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._servers: dict[tuple[str, str], ServerTransaction] = {}
        self._dialogs: dict[tuple[str, str, str], Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._transports.open(self.host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        for call in self.calls:
            call.finish()
        for server in self._servers.values():
            server.stop()
        for client in self._clients.values():
            client.fail("the agent is closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transports.close()

    @property
    def port(self) -> int:
        """Where it is called on UDP and TCP."""
        return self._transports.port

    @property
    def tls_port(self) -> int:
        """Where it is called on TLS; 0 without."""
        return self._transports.tls_port

    @property
    def uri(self) -> str:
        """Where it is called by its own protocol."""
        port = self._transports.port_of(self.protocol)
        suffix = "" if self.protocol == "udp" else f";transport={self.protocol}"
        return f"sip:{self.user}@{self.host}:{port}{suffix}"

    @property
    def contact(self) -> str:
        """Contact of its messages."""
        return f"<{self.uri}>"

    def drop_connections(self) -> None:
        """End every TCP and TLS connection."""
        self._transports.drop_connections()

    # -- sending ----------------------------------------------------------------------------------

    async def call(
        self,
        uri: str,
        *,
        parts: Sequence[Part] = (),
        compose: Compose | None = None,
        headers: Iterable[Header] = (),
        next_hop: str | None = None,
        from_header: str | None = None,
        to_header: str | None = None,
        call_id: str | None = None,
        voices: Voices | None = None,
        offer: bytes | None = None,
        mangle: Callable[[bytes], bytes] | None = None,
    ) -> Call:
        """Send an INVITE and give the call at once; raises `CallFailed` if it cannot be sent.

        ``parts`` follow the SDP in a multipart body; ``compose`` makes the whole body instead.
        ``voices`` speak; for ``None`` no sound is sent. ``offer`` replaces the SDP.
        ``mangle`` gets the octets before they are sent, and gives those that are sent instead.
        """
        media = await Media.open(self.host)
        description = Part("application/sdp", offer or sdp.offer(self.host, media.port))
        content_type, body = compose(description) if compose else joined([description, *parts])
        lines: list[Header] = [
            ("From", from_header or f"<sip:{self.user}@{self.host}>;tag={secrets.token_hex(6)}"),
            ("To", to_header or f"<{uri}>"),
            ("Call-ID", call_id or f"{secrets.token_hex(10)}@{self.host}"),
            ("CSeq", "1 INVITE"),
            ("Max-Forwards", "70"),
            ("Contact", self.contact),
            *self.abilities,
            *headers,
        ]
        if content_type:
            lines.append(("Content-Type", content_type))
        plain = Request(tuple(lines), body, "INVITE", uri)
        hop = next_hop or self.next_hop or uri
        try:
            flow, request = await self.dressed(plain, hop)
        except (OSError, SIPInvalid) as error:
            media.close()
            raise CallFailed(f"the call cannot be sent: {error}") from error
        call = Call(self, request, ours=True, voices=voices)
        call.media = media
        sent = mangle(bytes(request)) if mangle else bytes(request)
        call.client = self._client(request, sent, flow)
        self.calls.append(call)
        call.client.start()
        self._spawn(call.follow())
        return call

    async def request(
        self,
        method: str,
        uri: str,
        *,
        headers: Iterable[Header] = (),
        body: bytes = b"",
        next_hop: str | None = None,
        timeout_s: float = ANSWER_S,
    ) -> Response:
        """Send a request outside of dialogs; raises `CallFailed` without an answer."""
        lines: tuple[Header, ...] = (
            ("From", f"<sip:{self.user}@{self.host}>;tag={secrets.token_hex(6)}"),
            ("To", f"<{uri}>"),
            ("Call-ID", f"{secrets.token_hex(10)}@{self.host}"),
            ("CSeq", f"1 {method}"),
            ("Max-Forwards", "70"),
            ("Contact", self.contact),
            *headers,
        )
        hop = next_hop or self.next_hop or uri
        return await self.exchange(Request(lines, body, method, uri), hop, timeout_s)

    async def exchange(self, request: Request, next_hop: str, timeout_s: float) -> Response:
        """Send a request and give its final answer; raises `CallFailed`."""
        return (await self.exchanged(request, next_hop, timeout_s))[1]

    async def exchanged(
        self, request: Request, next_hop: str, timeout_s: float
    ) -> tuple[ClientTransaction, Response]:
        """Send a request and give its transaction as well; raises `CallFailed`."""
        try:
            flow, dressed = await self.dressed(request, next_hop)
            client = self._client(dressed, bytes(dressed), flow)
            client.start()
            async with within(timeout_s, client.account):
                return client, await asyncio.shield(client.final)
        except (OSError, NoAnswer, SIPInvalid) as error:
            raise CallFailed(f"no answer to {request.method}: {error}") from error

    async def dressed(self, request: Request, next_hop: str) -> tuple[Flow, Request]:
        """Find the way and put our Via on top; raises ``OSError`` or `SIPInvalid`."""
        hop = hop_of(next_hop, default=self.protocol)
        flow = await self._transports.flow_to(hop)
        port = self._transports.port_of(hop.protocol)
        branch = COOKIE + secrets.token_hex(8)
        via = f"SIP/2.0/{hop.protocol.upper()} {self.host}:{port};branch={branch};rport"
        return _Tracing(flow, self.trace), Request(
            (("Via", via), *request.headers), request.body, request.method, request.uri
        )

    def refusal_ack(self, invite: Request, response: Response) -> Request:
        """Write the ACK of a final answer that is no 2xx: the INVITE's own hop (§17.1.1.3)."""
        kept = [("Via", invite.need("Via"))]
        kept += [("Route", route) for route in invite.all("Route")]
        kept += [("From", invite.need("From")), ("To", response.need("To"))]
        kept += [("Call-ID", invite.call_id), ("CSeq", f"{invite.sequence[0]} ACK")]
        return Request((*kept, ("Max-Forwards", "70")), b"", "ACK", invite.uri)

    async def cancel(self, client: ClientTransaction) -> None:
        """Send CANCEL for an INVITE (§9.1) once there was an answer to it; raises `CallFailed`."""
        invite = client.request
        try:
            async with within(ANSWER_S, client.account):
                await client.heard.wait()
        except TimeoutError as error:
            raise CallFailed(f"nothing came that can be cancelled: {error}") from error
        kept = [("Via", invite.need("Via")), ("From", invite.need("From"))]
        kept += [("To", invite.need("To")), ("Call-ID", invite.call_id)]
        kept += [("CSeq", f"{invite.sequence[0]} CANCEL"), ("Max-Forwards", "70")]
        request = Request(tuple(kept), b"", "CANCEL", invite.uri)
        self._client(request, bytes(request), client.flow).start()

    # -- dialogs ----------------------------------------------------------------------------------

    def enter(self, call: Call) -> None:
        """A call has a dialog: requests inside of it are the call's from now on."""
        assert call.dialog is not None
        self._dialogs[call.dialog.key] = call

    # -- receiving --------------------------------------------------------------------------------

    def _took(self, data: bytes, plain: Flow) -> None:
        if self.deaf:
            return
        self.trace.append(Traced(time.monotonic(), False, data, plain.peer))
        flow = _Tracing(plain, self.trace)
        try:
            message = parse(data)
            if isinstance(message, Response):
                self._take_response(message)
            elif message.method == "ACK":
                self._take_ack(message)
            else:
                self._take_request(message, flow)
        except SIPInvalid:
            self.unreadable += 1

    def _take_response(self, response: Response) -> None:
        client = self._clients.get((response.branch, response.sequence[1]))
        if client is not None:
            client.take(response)

    def _take_ack(self, ack: Request) -> None:
        server = self._servers.get((ack.branch, "INVITE"))
        if server is None:  # of a 2xx: a transaction of its own
            server = next(
                (
                    s
                    for s in reversed(self._servers.values())
                    if s.request.method == "INVITE"
                    and s.request.call_id == ack.call_id
                    and s.request.sequence[0] == ack.sequence[0]
                ),
                None,
            )
        if server is not None:
            server.acknowledge()
        call = self._dialog_of(ack)
        if call is not None and ack.body:
            call.take_ack(ack)

    def _take_request(self, request: Request, flow: Flow) -> None:
        key = (request.branch, request.method)
        known = self._servers.get(key)
        if known is not None:
            known.repeat()
            return
        if request.method == "CANCEL":
            self._take_cancel(request, flow)
            return
        call = self._dialog_of(request)
        if call is not None and call.vanished:
            return
        server = ServerTransaction(request, flow, t1_s=self.t1_s)
        _bounded(self._servers)
        self._servers[key] = server
        if call is not None:
            call.take(request, server)
        elif tag_of(request.need("To")):
            server.answer(respond(request, 481))
        elif request.method == "INVITE":
            self._take_invite(request, server)
        else:
            self.requests.append(request)
            self._spawn(self._reply(request, server))

    def _take_invite(self, request: Request, server: ServerTransaction) -> None:
        server.answer(respond(request, 100))
        call = Call(self, request, ours=False, voices=None)
        call.server = server
        call.dialog = Dialog.as_callee(request, secrets.token_hex(6))
        self.calls.append(call)
        self.enter(call)
        self._spawn(self._tell_call(call))

    async def _tell_call(self, call: Call) -> None:
        try:
            told = self.on_call(call)
            if inspect.isawaitable(told):
                await told
        except SIPInvalid:  # its offer cannot be read: the caller's fault
            self.unreadable += 1
            call.reject(488)

    def _take_cancel(self, request: Request, flow: Flow) -> None:
        server = self._servers.get((request.branch, "INVITE"))
        code = 200 if server is not None else 481
        flow.send(bytes(respond(request, code, tag=secrets.token_hex(6))))
        for call in self.calls:
            if server is not None and call.server is server:
                call.take_cancel(request)

    async def _reply(self, request: Request, server: ServerTransaction) -> None:
        reply = self.on_request(request)
        if inspect.isawaitable(reply):
            reply = await reply
        if reply is not None:
            tag = secrets.token_hex(6)
            server.answer(
                respond(request, reply.code, tag=tag, headers=reply.headers, body=reply.body)
            )

    # -- inside -----------------------------------------------------------------------------------

    def _dialog_of(self, request: Request) -> Call | None:
        key = (request.call_id, tag_of(request.need("To")), tag_of(request.need("From")))
        return self._dialogs.get(key)

    def _client(self, request: Request, sent: bytes, flow: Flow) -> ClientTransaction:
        client = ClientTransaction(
            request, sent, flow, t1_s=self.t1_s, is_invite=request.method == "INVITE"
        )
        _bounded(self._clients)
        branch = parameters(request.need("Via")).get("branch", "")
        self._clients[branch, request.method] = client
        return client

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"sip-{self.user}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@dataclass(frozen=True, slots=True)
class _Tracing:
    """A flow that writes down what is sent."""

    flow: Flow
    trace: deque[Traced]

    @property
    def protocol(self) -> str:
        return self.flow.protocol

    @property
    def peer(self) -> tuple[str, int]:
        return self.flow.peer

    @property
    def closed(self) -> bool:
        return self.flow.closed

    def send(self, data: bytes) -> None:
        self.trace.append(Traced(time.monotonic(), True, data, self.flow.peer))
        self.flow.send(data)


def _bounded(kept: dict[tuple[str, str], Kept]) -> None:
    while len(kept) >= TRANSACTIONS_MAX:
        with contextlib.suppress(KeyError):
            kept.pop(next(iter(kept)))


def _answer_request(request: Request) -> Reply:
    if request.method in ("OPTIONS", "MESSAGE", "NOTIFY", "REGISTER"):
        return Reply(200, (("Allow", ALLOW),))
    return Reply(405, (("Allow", ALLOW),))
