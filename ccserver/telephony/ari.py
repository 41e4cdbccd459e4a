"""ARI: events come over one WebSocket, commands go over pooled HTTP.

Commands never go over the WebSocket: Asterisk 22 runs those one after another. A POST is never
sent twice: after `ARIUnavailable` or `ARITimeout` it is unknown whether it was carried out, and
the caller, who chose the id of what it creates, may ask again and learn from a 409 that it was.
GET, PUT and DELETE, which may be repeated (RFC 9110 §9.2.2), are sent once more by aiohttp where
a pooled connection turned out to be closed; a DELETE that gets 404 then has done its work.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Collection
from typing import TypeAlias

import aiohttp
import msgspec
from yarl import URL

from ccserver.config import ARISettings
from ccserver.telephony.ari_encoding import (
    JSONValue,
    Params,
    Path,
    encode_params,
    encode_path,
    refusal_text,
    refuse_device_state,
)
from ccserver.telephony.errors import (
    ARIAuthFailed,
    ARIMalformed,
    ARIRefused,
    ARITimeout,
    ARIUnavailable,
    LinkLost,
    LinkReplaced,
)
from ccserver.telephony.link import Backoff, Link

__all__ = ["EVENTS_WANTED", "ARIClient", "ARIEvent", "JSONValue", "Params", "Path", "encode_path"]

ARIEvent: TypeAlias = dict[str, JSONValue]
"""A decoded event; ``event["type"]`` is always a string."""

EVENTS_WANTED = frozenset(
    {
        "BridgeCreated",
        "BridgeDestroyed",
        "CallBroadcast",
        "CallClaimed",
        "ChannelCreated",
        "ChannelDestroyed",
        "ChannelDtmfReceived",
        "ChannelEnteredBridge",
        "ChannelHangupRequest",
        "ChannelHold",
        "ChannelLeftBridge",
        "ChannelStateChange",
        "ChannelUnhold",
        "ChannelUserevent",
        "Dial",
        "PlaybackFinished",
        "PlaybackStarted",
        "StasisEnd",
        "StasisStart",
    }
)
"""What call control can use; ``ChannelVarset`` and the like would be most of the traffic."""

EVENT_REPLACED = "ApplicationReplaced"
"""Another connection took the application; also subject to the filter, so it must be allowed."""

EVENT_BEAT = "ChannelUserevent"
"""What ``POST /events/user`` makes; the heartbeat sends one and awaits it."""

EVENTS_FORBIDDEN = frozenset({"DeviceStateChanged"})
"""A subscription to device states can deadlock Asterisk 22 (open upstream)."""

FRAME_BYTES_MAX = 1024 * 1024
"""The largest events hold a few channels of some KiB each; a longer frame is no event."""

ANSWER_BYTES_MAX = 16 * 1024 * 1024
"""Ten thousand channels at about 1 KiB each, with room."""

MALFORMED_FRAMES_MAX = 100
"""Bad frames survived on one connection; beyond this the stream itself is taken for broken."""

HTTP_CONNECTIONS_MAX = 32
"""Asterisk spends a thread on each; its ``sessionlimit`` is 100 unless configured."""

HTTP_KEEPALIVE_S = 10.0
"""Shorter than the 15 s of Asterisk's ``session_keep_alive``, so that no command is written to a
connection that Asterisk is just closing."""

WEBSOCKET_CLOSE_S = 0.5
"""How long a closing handshake may take."""

_EVENT_DECODER = msgspec.json.Decoder()


class ARIClient(Link["_ARIConnection", ARIEvent]):
    """The link to one Asterisk's ARI; see `Link` for its life, `ready` and `next_event`."""

    def __init__(
        self,
        settings: ARISettings,
        *,
        events_wanted: Collection[str] = EVENTS_WANTED,
        backoff: Backoff | None = None,
    ):
        super().__init__(
            "ari",
            events_pending_max=settings.events_pending_max,
            heartbeat_interval_s=settings.heartbeat_interval_s,
            heartbeat_timeout_s=settings.heartbeat_timeout_s,
            backoff=backoff,
        )
        forbidden = EVENTS_FORBIDDEN.intersection(events_wanted)
        if forbidden:
            raise ValueError(f"events that must never be subscribed: {sorted(forbidden)}")
        self._settings = settings
        self._events_wanted = frozenset(events_wanted)

    @property
    def application(self) -> str:
        """The Stasis application whose events come here."""
        return self._settings.application

    async def request(
        self,
        method: str,
        path: Path,
        *,
        params: Params | None = None,
        json: JSONValue = None,
        deadline_s: float | None = None,
    ) -> JSONValue:
        """Send one command and give back its decoded answer, ``None`` where it has no body.

        ``path`` is a tuple of segments, ``("channels", channel_id, "answer")``, each of which is
        percent-encoded; or a literal of letters, ``"/asterisk/ping"``. Parameters that are
        ``None`` are left out. Raises `ARIUnavailable`, `ARITimeout`, `ARIRefused`,
        `ARIAuthFailed` or `ARIMalformed`, and `ValueError` before anything is sent.
        """
        connection = self._connection
        url_path = encode_path(path)
        refuse_device_state(params, json)
        if connection is None or not self.connected:
            raise ARIUnavailable("not connected to ARI")
        return await connection.request(method, url_path, params, json, deadline_s)

    async def _connect(self, generation: int) -> "_ARIConnection":
        settings = self._settings
        session = aiohttp.ClientSession(
            headers={
                "Authorization": aiohttp.encode_basic_auth(settings.username, settings.password)
            },
            connector=aiohttp.TCPConnector(
                limit=HTTP_CONNECTIONS_MAX + 1, keepalive_timeout=HTTP_KEEPALIVE_S
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        )
        try:
            websocket = await session.ws_connect(
                URL(f"{settings.url.rstrip('/')}/events").with_query(
                    app=settings.application, subscribeAll="false"
                ),
                # Pings are ours: an unanswered one must be noticed within the time-out.
                autoping=False,
                max_msg_size=FRAME_BYTES_MAX,
                # Text stays bytes, so that a frame of bad UTF-8 does not cost the connection.
                decode_text=False,
                timeout=aiohttp.ClientWSTimeout(ws_close=WEBSOCKET_CLOSE_S),
            )
        except aiohttp.WSServerHandshakeError as error:
            await session.close()
            if error.status in (401, 403):
                raise ARIAuthFailed(f"ARI answered {error.status}") from None
            raise ARIUnavailable(f"ARI answered {error.status} to the handshake") from None
        except (aiohttp.ClientError, OSError) as error:
            await session.close()
            raise ARIUnavailable(type(error).__name__) from error
        except BaseException:
            await session.close()
            raise
        return _ARIConnection(self, generation, session, websocket)

    def decode(self, data: bytes) -> ARIEvent | None:
        """One text frame's event; ``None``, counted and logged, where there is none in it."""
        try:
            event = _EVENT_DECODER.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.malformed("not_json", len(data))
            return None
        if not isinstance(event, dict):
            self.malformed("not_an_object", len(data))
            return None
        if not isinstance(event.get("type"), str):
            self.malformed("no_type", len(data))
            return None
        return event

    def deliver(self, generation: int, event: ARIEvent) -> None:
        """Queue an event for the consumer; called by the reader only."""
        if event["type"] == EVENT_REPLACED and event.get("application") == self.application:
            raise LinkReplaced("application_replaced")
        if event["type"] not in self._events_wanted:
            # Asterisk sends them until the filter is set, and may learn new ones.
            self.counters["filtered"] += 1
            return
        self._put(generation, event)

    def malformed(self, reason: str, size: int) -> None:
        """Count and log what could not be understood; its content is never logged."""
        self.counters["malformed"] += 1
        self._log.warning("ari_frame_malformed", reason=reason, size=size)

    def filter_document(self) -> JSONValue:
        """The body of ``PUT /applications/{app}/eventFilter``; both lists, else one would stay."""
        allowed = sorted({*self._events_wanted, EVENT_REPLACED, EVENT_BEAT})
        return {
            "allowed": [{"type": name} for name in allowed],
            "disallowed": [{"type": name} for name in sorted(EVENTS_FORBIDDEN)],
        }

    @property
    def settings(self) -> ARISettings:
        """As given."""
        return self._settings


class _ARIConnection:
    """One WebSocket and its pool; implements `ccserver.telephony.link.Connection`."""

    def __init__(
        self,
        client: ARIClient,
        generation: int,
        session: aiohttp.ClientSession,
        websocket: "aiohttp.ClientWebSocketResponse[bool]",
    ):
        self._client = client
        self._generation = generation
        self._session = session
        self._websocket = websocket
        self._base = client.settings.url.rstrip("/")
        # Unguessable, so that no other controller's heartbeat is taken for ours.
        self._beat_prefix = f"ccserver_beat_{uuid.uuid4().hex}_"
        self._beats = 0
        self._pong = asyncio.Event()
        self._echo = asyncio.Event()
        self._in_flight: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._aborted = False

    async def prepare(self) -> None:
        path = encode_path(("applications", self._client.application, "eventFilter"))
        await self.request("PUT", path, None, self._client.filter_document(), None)
        await self._echoed()

    async def read(self) -> None:
        malformed_at_start = self._client.counters["malformed"]
        while True:
            frame = await self._websocket.receive()
            match frame.type:
                case aiohttp.WSMsgType.TEXT:
                    self._take(frame.data)
                case aiohttp.WSMsgType.BINARY:
                    self._client.malformed("binary", len(frame.data))
                case aiohttp.WSMsgType.PING:
                    await self._bounded(self._websocket.pong(frame.data))
                case aiohttp.WSMsgType.PONG:
                    if bytes(frame.data) == self._beat_payload():
                        self._pong.set()
                case aiohttp.WSMsgType.ERROR:
                    # Over-long, reserved bits, a broken fragment: framing cannot be regained.
                    self._client.malformed(_websocket_reason(frame.data), 0)
                    raise LinkLost("stream_unusable")
                case _:
                    raise LinkLost("closed_by_peer")
            if self._client.counters["malformed"] - malformed_at_start > MALFORMED_FRAMES_MAX:
                raise LinkLost("malformed_frames")

    def _take(self, data: bytes) -> None:
        event = self._client.decode(data)
        if event is None:
            return
        name = event.get("eventname")
        if event["type"] == EVENT_BEAT and name == self._beat_name():
            self._echo.set()
        elif isinstance(name, str) and name.startswith(self._beat_prefix):
            return
        else:
            self._client.deliver(self._generation, event)

    async def beat(self) -> None:
        """The WebSocket's thread, the HTTP server, and events from one to the other."""
        self._beats += 1
        self._pong.clear()
        self._echo.clear()
        await self._websocket.ping(self._beat_payload())
        try:
            await self.request("GET", "/asterisk/ping", None, None, None)
            await self._echoed()
        except ARITimeout:
            raise LinkLost("heartbeat_missed") from None
        except ARIRefused:
            raise LinkLost("application_gone") from None
        await self._pong.wait()

    async def _echoed(self) -> None:
        """Send ourselves an event and await it.

        When an old connection of ours ends while a new one begins, Asterisk can take the
        application from the new one without a word: its socket lives, and no event ever comes.
        """
        path = encode_path(("events", "user", self._beat_name()))
        await self.request("POST", path, {"application": self._client.application}, None, None)
        await self._echo.wait()

    def _beat_name(self) -> str:
        return f"{self._beat_prefix}{self._beats}"

    def _beat_payload(self) -> bytes:
        return b"%d" % self._beats

    async def _bounded(self, sending: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._client.settings.request_timeout_s):
                await sending
        except TimeoutError:
            raise LinkLost("write_blocked") from None
        except (aiohttp.ClientError, OSError):
            raise LinkLost("closed_by_peer") from None

    def abort(self) -> None:
        self._aborted = True
        now = asyncio.get_running_loop().time()
        for deadline in self._in_flight:
            if not deadline.expired():
                deadline.reschedule(now)

    async def close(self) -> None:
        try:
            # A session closed under a running request would make aiohttp's own retry stumble.
            if self._in_flight:
                await self._idle.wait()
        finally:
            await self._session.close()

    async def request(
        self,
        method: str,
        url_path: str,
        params: Params | None,
        json: JSONValue,
        deadline_s: float | None,
    ) -> JSONValue:
        """As `ARIClient.request`, with the path encoded; also before the link is connected."""
        url = URL(f"{self._base}{url_path}", encoded=True)
        if params is not None:
            url = url.with_query(encode_params(params))
        body = None if json is None else msgspec.json.encode(json)
        headers = None if body is None else {"Content-Type": "application/json"}
        limit_s = self._client.settings.request_timeout_s if deadline_s is None else deadline_s
        deadline = asyncio.timeout(limit_s)
        self._in_flight.add(deadline)
        try:
            async with (
                deadline,
                self._session.request(
                    method, url, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                status, reason = response.status, response.reason or ""
                content = await _read_bounded(response)
        except TimeoutError:
            if self._aborted:
                raise ARIUnavailable("the connection was lost") from None
            self._client.counters["timeouts"] += 1
            raise ARITimeout(f"no answer within {limit_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            self._client.counters["unavailable"] += 1
            raise ARIUnavailable(type(error).__name__) from error
        finally:
            self._in_flight.discard(deadline)
            if self._aborted and not self._in_flight:
                self._idle.set()
        if status in (401, 403):
            raise ARIAuthFailed(f"ARI answered {status}")
        if not 200 <= status < 300:
            raise ARIRefused(status, refusal_text(content, reason))
        return self._decode(content)

    def _decode(self, content: bytes) -> JSONValue:
        if not content:
            return None
        try:
            answer: JSONValue = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._client.malformed("answer_not_json", len(content))
            raise ARIMalformed("ARI's answer is not JSON") from None
        return answer


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > ANSWER_BYTES_MAX:
            response.close()
            raise ARIMalformed(f"ARI's answer is longer than {ANSWER_BYTES_MAX} bytes")
    return bytes(content)


def _websocket_reason(error: object) -> str:
    if isinstance(error, aiohttp.WebSocketError):
        return f"websocket_{error.code}"
    return type(error).__name__
