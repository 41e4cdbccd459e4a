"""The WebSocket ``/api/ws``: one panel's end of the stream.

The client says hello, gets a snapshot or what it missed, then everything that it may see: people of
the centre what happens there, a service's dispatchers what concerns their service.
Three owned tasks serve it: one sends, one receives, one watches over the session. Whichever ends
first ends the connection, which is closed with a code that tells the client what to do next.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass

import msgspec
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from ccserver.accounts import Account, Right, rights_of
from ccserver.db import DatabaseUnavailable
from ccserver.metrics import Metrics
from ccserver.web.access import check_origin
from ccserver.web.errors import APIError
from ccserver.web.ports import Clock, ControlPort, JSONObject
from ccserver.web.push import FOR_EVERYBODY, Listener, PushHub, Subscription
from ccserver.web.sessions import Sessions, digest_of, session_token
from ccserver.web.wire import account_json, iso_time

CLOSE_SIGNED_OUT = 4401
"""The session is over: the client must log in again."""

CLOSE_REPLACED = 4409
"""Newer connections of the same account took this one's place: the client must not come back."""

SOCKETS_PER_ACCOUNT_MAX = 8
"""Tabs and a few connections that are dead but not found out yet; the oldest makes room."""

SOCKETS_MAX = 1_000
"""Of one process: several times the seats of the largest centre."""

MESSAGE_BYTES_MAX = 4 * 1024
"""A hello is under 100 bytes."""

RECEIVED_PER_INTERVAL_MAX = 60
"""Messages of a client between two pings; it owes us one pong."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SocketTimes:
    """The deadlines of a connection, in seconds."""

    hello_timeout_s: float = 5.0
    """From the handshake to the client's first message."""
    ping_interval_s: float = 10.0
    """Of the ping that the panel sees, and of the look at the session."""
    heartbeat_s: float = 20.0
    """Of the protocol's own ping; a peer that does not answer within half of it is dead."""
    send_timeout_s: float = 10.0
    """For one message to leave; longer means that the client does not read."""
    close_timeout_s: float = 2.0
    """For the client to confirm the closing; then the connection is cut."""


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="type"):
    """The client's first message: where its last connection stopped."""

    epoch: str | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Client:
    ws: web.WebSocketResponse
    account: Account
    token: str
    subscription: Subscription


class Sockets:
    """All connected panels."""

    def __init__(
        self,
        *,
        hub: PushHub,
        control: ControlPort,
        sessions: Sessions,
        metrics: Metrics,
        clock: Clock,
        times: SocketTimes,
    ) -> None:
        self._hub = hub
        self._control = control
        self._sessions = sessions
        self._metrics = metrics
        self._clock = clock
        self._times = times
        self._open = 0
        self._closing = False
        self._clients: dict[_Client, None] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """``GET /api/ws``. A browser cannot see a refused handshake's status, so a missing
        session is told by closing with 4401; a foreign ``Origin`` is refused before.
        """
        check_origin(request)
        ws = web.WebSocketResponse(
            timeout=self._times.close_timeout_s,
            heartbeat=self._times.heartbeat_s,
            max_msg_size=MESSAGE_BYTES_MAX,
            # Small messages that must not wait for a thread, and no memory per client for it.
            compress=False,
            # Every send waits while the socket's buffer is full, so that the backlog stays with
            # the subscription, where it is bounded.
            writer_limit=1,
        )
        if not ws.can_prepare(request).ok:
            raise APIError(
                426,
                "upgrade_required",
                "This address speaks WebSocket.",
                headers={"Upgrade": "websocket"},
            )
        transport = request.transport
        await ws.prepare(request)
        self._open += 1
        self._metrics.websocket_clients.set(self._open)
        code = int(WSCloseCode.INTERNAL_ERROR)
        try:
            code = await self._serve(request, ws)
        except ConnectionError:
            code = int(WSCloseCode.GOING_AWAY)
        except Exception:
            log.exception("websocket_failed")
        finally:
            self._open -= 1
            self._metrics.websocket_clients.set(self._open)
            self._metrics.websocket_closed.labels(str(ws.close_code or code)).inc()
            await close_within(ws, code, transport, self._times.close_timeout_s)
        return ws

    def end_session(self, session: str, code: int) -> None:
        """Close the WebSockets of a session, given by its digest."""
        for client in self._clients:
            if digest_of(client.token) == session:
                client.subscription.end(code)

    def end_all(self) -> None:
        """The server stops: tell every client to come back, and take no new ones."""
        self._closing = True
        for client in self._clients:
            client.subscription.end(WSCloseCode.GOING_AWAY)

    async def _serve(self, request: web.Request, ws: web.WebSocketResponse) -> int:
        """Serve one connection to its end; the code to close it with."""
        if self._open > SOCKETS_MAX or self._closing:
            return WSCloseCode.TRY_AGAIN_LATER
        token = session_token(request)
        try:
            account = await self._sessions.account(token) if token else None
        except DatabaseUnavailable:
            return WSCloseCode.TRY_AGAIN_LATER
        if token is None or account is None:
            return CLOSE_SIGNED_OUT
        hello = await self._receive_hello(ws)
        if hello is None:
            return WSCloseCode.POLICY_VIOLATION
        if self._closing:
            return WSCloseCode.GOING_AWAY
        client = _Client(ws, account, token, self._subscribe(account, hello))
        self._clients[client] = None
        self._make_room(account.login)
        try:
            return await self._run(client)
        finally:
            self._hub.unsubscribe(client.subscription)
            del self._clients[client]

    async def _receive_hello(self, ws: web.WebSocketResponse) -> Hello | None:
        try:
            message = await ws.receive(timeout=self._times.hello_timeout_s)
        except TimeoutError:
            return None
        if message.type is not WSMsgType.TEXT:
            return None
        try:
            return msgspec.json.decode(message.data, type=Hello)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None

    def _subscribe(self, account: Account, hello: Hello) -> Subscription:
        listener = Listener(
            account.agent_id, account.service, Right.CONTACTS in rights_of(account.role)
        )
        epoch = self._hub.epoch_for(account.login, account.role, account.agent_id, account.service)
        after = (hello.epoch, hello.seq) if hello.epoch and hello.seq is not None else None

        def snapshot() -> dict[str, object]:
            me = {"account": account_json(account), "agent_id": account.agent_id}
            return {
                **snapshot_for(listener, self._control.snapshot()),
                "me": me,
                "server_time": iso_time(self._clock.now()),
            }

        return self._hub.subscribe(listener, epoch=epoch, after=after, snapshot=snapshot)

    def _make_room(self, login: str) -> None:
        same = [client for client in self._clients if client.account.login == login]
        for client in same[:-SOCKETS_PER_ACCOUNT_MAX]:
            client.subscription.end(CLOSE_REPLACED)

    async def _run(self, client: _Client) -> int:
        works: dict[str, Coroutine[object, object, int]] = {
            "send": self._send(client),
            "receive": self._receive(client),
            "watch": self._watch(client),
        }
        tasks = [
            asyncio.create_task(work, name=f"web.socket.{name}") for name, work in works.items()
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if client.subscription.close_code is not None:
            return client.subscription.close_code
        # In the order of creation, so that two that end at once give one answer.
        return next(task for task in tasks if task in done).result()

    async def _send(self, client: _Client) -> int:
        while True:
            data = await client.subscription.take()
            try:
                async with asyncio.timeout(self._times.send_timeout_s):
                    await client.ws.send_frame(data, WSMsgType.TEXT)
            except TimeoutError:
                return WSCloseCode.TRY_AGAIN_LATER

    async def _receive(self, client: _Client) -> int:
        """Read so that closing and pongs are seen; whatever the client says is ignored."""
        received = 0
        counted_since = self._clock.monotonic()
        while True:
            message = await client.ws.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return WSCloseCode.OK
            now = self._clock.monotonic()
            if now - counted_since >= self._times.ping_interval_s:
                received, counted_since = 0, now
            received += 1
            if received > RECEIVED_PER_INTERVAL_MAX:
                return WSCloseCode.POLICY_VIOLATION

    async def _watch(self, client: _Client) -> int:
        """Ping, and look whether the session still holds, until something ends the client."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._times.ping_interval_s):
                    await client.subscription.ended.wait()
                return client.subscription.close_code or WSCloseCode.GOING_AWAY
            if not await self._still_signed_in(client):
                return CLOSE_SIGNED_OUT
            # Goes through the subscription like all else: whoever has read it has everything
            # up to this number, also when the last messages were for other seats.
            ping = {
                "type": "ping",
                "seq": self._hub.seq,
                "server_time": iso_time(self._clock.now()),
            }
            client.subscription.put(msgspec.json.encode(ping))

    async def _still_signed_in(self, client: _Client) -> bool:
        try:
            account = await self._sessions.account(client.token)
        except DatabaseUnavailable:
            # Not knowing is no reason to blind a call taker in the middle of a call.
            return True
        known = client.account
        return account is not None and (account.role, account.agent_id, account.service) == (
            known.role,
            known.agent_id,
            known.service,
        )


def snapshot_for(listener: Listener, whole: JSONObject) -> dict[str, object]:
    """The part of the snapshot that the client may see; what it may not is there and empty."""
    if listener.centre:
        return dict(whole)
    return {name: part if name in FOR_EVERYBODY else [] for name, part in whole.items()}


async def close_within(
    ws: web.WebSocketResponse, code: int, transport: asyncio.BaseTransport | None, timeout_s: float
) -> None:
    """Close in order within the time given, otherwise cut the connection and free its buffer."""
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(timeout_s):
            await ws.close(code=code)
    if isinstance(transport, asyncio.Transport) and transport.get_write_buffer_size() > 0:
        transport.abort()
