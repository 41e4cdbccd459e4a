"""The WebSocket ``/api/events``: what happens to incidents, for the systems of services.

Each frame is one CloudEvent, read from the outbox in the order of its numbers. Whoever comes back
names the last number it has seen and misses nothing that is still kept. A stream reads a page only
after the one before has left, so a slow reader holds up nobody and nothing piles up for it here.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from ccserver.accounts import Right
from ccserver.db import DatabaseUnavailable
from ccserver.metrics import Metrics
from ccserver.outbox import KeptEvent
from ccserver.outbox.cloud_events import as_cloud_event
from ccserver.types import IncidentId, ServiceCode
from ccserver.web.access import Access, Route, check_origin, signed_in, still_admitted
from ccserver.web.errors import APIError, bad_request
from ccserver.web.ports import Clock
from ccserver.web.sockets import CLOSE_SIGNED_OUT, close_within

EVENTS = Access(Right.EVENTS)

STREAMS_MAX = 100
"""Of one process: several for each service of a country."""

PAGE = 200
"""Events read at once for one stream; what its client has not read yet stays in the outbox."""

LOOK_S = 0.5
"""Between two looks for news, if nobody wakes the streams: another process writes events, too."""

AWAY_S = 2.0
"""Between two tries while the database is away; the stream stays open meanwhile."""

MESSAGE_BYTES_MAX = 4 * 1024
"""Nothing is expected from the client; a few bytes are its right."""

RECEIVED_MAX = 60
"""Messages of a client between two looks at its key."""

_SEQUENCE = re.compile(r"[0-9]{1,20}")
SEQUENCE_MAX = 2**63 - 1

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class EventTimes:
    """The deadlines of a stream, in seconds."""

    recheck_s: float = 10.0
    """Between two looks at the key or session."""
    heartbeat_s: float = 20.0
    """Of the protocol's ping; a peer that does not answer within half of it is dead."""
    send_timeout_s: float = 10.0
    """For one event to leave; longer means that the client does not read."""
    close_timeout_s: float = 2.0


class EventsPort(Protocol):
    """The outbox; `ccserver.outbox.OutboxStore` fits."""

    async def after(self, seq: int, *, limit: int) -> Sequence[KeptEvent]:
        """The next events, oldest first."""

    async def newest(self) -> int:
        """The number of the newest event; 0 if there never was one."""

    async def oldest(self) -> int:
        """The number of the oldest event that is kept; one above the newest if none is."""


class InvolvedPort(Protocol):
    """Which services are involved in which incidents now."""

    async def __call__(
        self, incident_ids: Collection[IncidentId]
    ) -> Mapping[IncidentId, Collection[ServiceCode]]:
        """By incident; those without any may be missing."""


@dataclass(slots=True, eq=False)
class _Stream:
    request: web.Request
    ws: web.WebSocketResponse
    service: ServiceCode | None
    position: int
    """The last number that was looked at for this client."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class EventStreams:
    """All event streams. `run` looks for news; without it a stream tells only what is there."""

    def __init__(
        self,
        outbox: EventsPort,
        involved: InvolvedPort,
        *,
        metrics: Metrics,
        clock: Clock,
        times: EventTimes | None = None,
    ) -> None:
        self._outbox = outbox
        self._involved = involved
        self._metrics = metrics
        self._clock = clock
        self._times = times or EventTimes()
        self._streams: set[_Stream] = set()
        self._open = 0
        self._closing = False
        self._wake = asyncio.Event()

    def routes(self) -> tuple[Route, ...]:
        """The one address. Its own deadlines stand in the handler."""
        return (Route("GET", "/api/events", self.handle, EVENTS, timeout_s=None),)

    def wake(self) -> None:
        """There may be news: look at once."""
        self._wake.set()

    async def run(self) -> None:
        """Look for news for ever: one question for all streams together."""
        seen = 0
        while True:
            self._wake.clear()
            pause_s = LOOK_S
            try:
                newest = await self._outbox.newest() if self._streams else seen
            except DatabaseUnavailable:
                pause_s = AWAY_S
            else:
                if newest != seen:
                    seen = newest
                    for stream in self._streams:
                        stream.news.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def end_all(self, _: web.Application | None = None) -> None:
        """The server stops: its clients come back and go on where they were."""
        self._closing = True
        for stream in self._streams:
            stream.ended.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """``GET /api/events?after=``: events from behind a number, or from now on, for ever.

        A WebSocket; each text frame is a CloudEvent in JSON. Where events between ``after`` and
        the oldest that is kept are gone, the first frame says so instead:
        ``{"gap": {"asked", "oldest"}}``.
        """
        check_origin(request)
        after = _after(request)
        ws = web.WebSocketResponse(
            timeout=self._times.close_timeout_s,
            heartbeat=self._times.heartbeat_s,
            max_msg_size=MESSAGE_BYTES_MAX,
            compress=False,
            # Every send waits while the socket's buffer is full: the outbox is the queue.
            writer_limit=1,
        )
        if not ws.can_prepare(request).ok:
            raise APIError(
                426,
                "upgrade_required",
                "This address speaks WebSocket.",
                headers={"Upgrade": "websocket"},
            )
        if self._open >= STREAMS_MAX or self._closing:
            raise APIError(
                503,
                "too_many_streams",
                f"There are {STREAMS_MAX} streams already.",
                headers={"Retry-After": "10"},
            )
        self._open += 1
        self._metrics.event_streams.set(self._open)
        try:
            # Before the handshake, so that whatever happens after it is told.
            position = await self._outbox.newest() if after is None else after
            await self._serve(_Stream(request, ws, signed_in(request).account.service, position))
        finally:
            self._open -= 1
            self._metrics.event_streams.set(self._open)
        return ws

    async def _serve(self, stream: _Stream) -> None:
        transport = stream.request.transport
        code = int(WSCloseCode.INTERNAL_ERROR)
        await stream.ws.prepare(stream.request)
        self._streams.add(stream)
        log.info("event_stream_opened", position=stream.position)
        try:
            code = await self._run(stream)
        except ConnectionError:
            code = int(WSCloseCode.GOING_AWAY)
        except Exception:
            log.exception("event_stream_failed")
        finally:
            self._streams.discard(stream)
            log.info("event_stream_closed", position=stream.position, code=code)
            await close_within(stream.ws, code, transport, self._times.close_timeout_s)

    async def _run(self, stream: _Stream) -> int:
        works: dict[str, Coroutine[object, object, int]] = {
            "send": self._send_for_ever(stream),
            "receive": self._receive(stream),
            "watch": self._watch(stream),
        }
        tasks = [
            asyncio.create_task(work, name=f"web.events.{name}") for name, work in works.items()
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return next(task for task in tasks if task in done).result()

    async def _send_for_ever(self, stream: _Stream) -> int:
        try:
            await self._tell_gap(stream)
            while True:
                stream.news.clear()
                if not await self._send_page(stream):
                    await stream.news.wait()
        except TimeoutError:
            log.warning("event_stream_slow", position=stream.position)
            return WSCloseCode.TRY_AGAIN_LATER

    async def _tell_gap(self, stream: _Stream) -> None:
        """Say what is missing between what was asked for and what is kept, and go on there.

        A number above all there are is of another life of this database, from before a backup was
        brought back: it says nothing about what was missed.
        """
        oldest = await _patiently(self._outbox.oldest)
        newest = await _patiently(self._outbox.newest)
        if oldest - 1 <= stream.position <= newest:
            return
        await self._send(stream, {"gap": {"asked": stream.position, "oldest": oldest}})
        stream.position = oldest - 1

    async def _send_page(self, stream: _Stream) -> bool:
        """Send the next page; tells whether there was anything to look at."""

        async def read() -> tuple[
            Sequence[KeptEvent], Mapping[IncidentId, Collection[ServiceCode]], int
        ]:
            page = await self._outbox.after(stream.position, limit=PAGE)
            oldest = await self._outbox.oldest() if _skips(stream.position, page) else 0
            if stream.service is None or not page:
                return page, {}, oldest
            return page, await self._involved({event.incident_id for event in page}), oldest

        page, involved, oldest = await _patiently(read)
        if oldest > stream.position + 1:
            # So slow a reader that what it has not read yet was forgotten meanwhile.
            await self._send(stream, {"gap": {"asked": stream.position, "oldest": oldest}})
        for event in page:
            if event.concerns(stream.service, involved.get(event.incident_id, ())):
                await self._send(stream, as_cloud_event(event))
            stream.position = event.seq
        return bool(page)

    async def _send(self, stream: _Stream, message: Mapping[str, object]) -> None:
        """Raises `TimeoutError` for a client that does not read."""
        async with asyncio.timeout(self._times.send_timeout_s):
            await stream.ws.send_frame(msgspec.json.encode(message), WSMsgType.TEXT)

    async def _receive(self, stream: _Stream) -> int:
        """Read so that closing and pongs are seen; whatever the client says is ignored."""
        received, counted_since = 0, self._clock.monotonic()
        while True:
            message = await stream.ws.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return WSCloseCode.OK
            now = self._clock.monotonic()
            if now - counted_since >= self._times.recheck_s:
                received, counted_since = 0, now
            received += 1
            if received > RECEIVED_MAX:
                return WSCloseCode.POLICY_VIOLATION

    async def _watch(self, stream: _Stream) -> int:
        """Look whether the key or the session still holds, until something ends the stream."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._times.recheck_s):
                    await stream.ended.wait()
                return WSCloseCode.GOING_AWAY
            if not await still_admitted(stream.request):
                log.info("event_stream_refused", position=stream.position)
                return CLOSE_SIGNED_OUT


async def _patiently(read: Callable[[], Awaitable[T]]) -> T:
    """Read when the database is there again; the stream's watch ends the wait with the stream."""
    while True:
        try:
            return await read()
        except DatabaseUnavailable:
            await asyncio.sleep(AWAY_S)


def _after(request: web.Request) -> int | None:
    text = request.query.get("after", "")
    if not text:
        return None
    if not _SEQUENCE.fullmatch(text) or int(text) > SEQUENCE_MAX:
        raise bad_request("The parameter after is the sequence of an event, a whole number.")
    return int(text)


def _skips(position: int, page: Sequence[KeptEvent]) -> bool:
    """Whether numbers are missing before the page: rolled back, or forgotten."""
    return bool(page) and page[0].seq > position + 1
