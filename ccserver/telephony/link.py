"""One supervised connection to Asterisk, the same for ARI and AMI.

The life of a link is a loop::

    DOWN ──▶ CONNECTING ──▶ RESYNCING ──▶ READY
      ▲          │              │           │
      └──backoff─┴──────────────┴───────────┘   lost, refused, overflow, heartbeat missed

*Connecting* opens the transport and prepares it (login, event filter). *Resyncing* awaits the
caller's ``on_connected``, which reads what is alive in Asterisk. Only then is the link *ready* and
are events delivered: those that arrive during the resync are held back and follow in order.

Nothing that a consumer does reaches the connection: the reader only parses into a bounded queue. A
full queue means that we cannot keep up; the connection is closed and everything is read anew,
since a silently dropped event would leave a call nobody knows of.
"""

import asyncio
import contextlib
import random
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

import structlog

from ccserver.telephony.errors import (
    AuthFailed,
    LinkLost,
    LinkReplaced,
    TelephonyError,
    Unavailable,
)

log = structlog.get_logger(__name__)

RESYNC_TIMEOUT_S = 30.0
"""Reading some thousand channels takes under 5 s; longer means that the resync hangs."""

PREPARE_TIMEOUT_S = 5.0
"""Login and filter take milliseconds; Asterisk answers a wrong password only after 1 s."""

CLOSE_TIMEOUT_S = 1.0
"""A closing handshake is a courtesy; a hung peer must not hold up the next attempt."""

STABLE_AFTER_S = 5.0
"""A link that was ready for less than this goes on with the longer pause, so that a link which
overflows right after each resync does not resync ten times a second."""

UNDISPUTED_AFTER_S = 60.0
"""A link that was ready for this long is no longer being fought over by two controllers."""

EventT = TypeVar("EventT")
ConnectionT = TypeVar("ConnectionT", bound="Connection")


class LinkState(StrEnum):
    """Where the loop stands."""

    DOWN = "down"
    CONNECTING = "connecting"
    RESYNCING = "resyncing"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts, in seconds; each is drawn from the upper half of its span."""

    first_s: float = 0.1
    max_s: float = 2.0
    """A restarted Asterisk is back within two to three seconds of being able to answer."""
    refused_s: float = 5.0
    """After a wrong password, or where controllers take the link from one another: nothing mends
    itself, a person must act."""

    def pause(self, failures: int, error: BaseException, replacements: int = 0) -> float:
        """The pause after ``failures`` attempts in a row, the last of which ended in ``error``.

        ``replacements`` counts how often the link was taken lately. Once is no matter: an attempt
        of our own that had timed out may still have been served by an Asterisk that was hung.
        """
        if isinstance(error, AuthFailed) or (isinstance(error, LinkReplaced) and replacements > 1):
            span = self.refused_s
        else:
            span = min(self.max_s, self.first_s * 2.0 ** min(failures - 1, 16))
        # Jitter spreads the controllers of several sites; it is no secret.
        return span * random.uniform(0.5, 1.0)  # noqa: S311


class EventQueue(Generic[EventT]):
    """Bounded, holds events of one connection only, and delivers them once released."""

    def __init__(self, pending_max: int):
        self._pending_max = pending_max
        self._entries: deque[tuple[int, EventT]] = deque()
        self._generation = 0
        self._released = False
        self._wakeup = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    def begin(self, generation: int) -> None:
        """Discard everything and hold what comes from now on, of this generation only."""
        self._generation = generation
        self._released = False
        self._entries.clear()

    def release(self) -> None:
        """Deliver what is held and what comes."""
        self._released = True
        self._wakeup.set()

    def put(self, generation: int, event: EventT) -> bool:
        """Append; false where the queue is full. Events of an older connection vanish."""
        if generation != self._generation:
            return True
        if len(self._entries) >= self._pending_max:
            return False
        self._entries.append((generation, event))
        self._wakeup.set()
        return True

    async def get(self) -> EventT:
        """The next event of the current connection; waits without limit."""
        while not (self._released and self._entries):
            self._wakeup.clear()
            await self._wakeup.wait()
        generation, event = self._entries.popleft()
        assert generation == self._generation
        return event


class Connection(Protocol):
    """One transport, from opened to closed. All but `abort` may raise `TelephonyError`."""

    async def prepare(self) -> None:
        """Log in, set filters; the reader already runs."""

    async def read(self) -> None:
        """Read until the end, which is always a raised `LinkLost`."""

    async def beat(self) -> None:
        """Prove that the peer answers."""

    def abort(self) -> None:
        """Fail everything that still waits for an answer; refuse everything new."""

    async def close(self) -> None:
        """Let go of the transport."""


class Link(ABC, Generic[ConnectionT, EventT]):
    """The supervisor; a subclass says how to connect."""

    def __init__(
        self,
        name: str,
        *,
        events_pending_max: int,
        heartbeat_interval_s: float,
        heartbeat_timeout_s: float,
        backoff: Backoff | None = None,
    ):
        self.last_error: BaseException | None = None
        """Why the link is not ready, or was not the last time; ``None`` again once it is ready."""
        self.counters: Counter[str] = Counter()
        """Since the process started: ``connects``, ``losses``, ``overflows`` and each adaptor's
        own (``malformed``, ``filtered``, ``timeouts``, …), for metrics."""
        self.generation = 0
        """Number of the current or last connection attempt."""
        self.state = LinkState.DOWN
        # A peer that hangs right after a good beat is asked again one interval later and then has
        # the rest of the time to answer, so that together it is never longer than the time-out.
        self._beat_every_s = min(heartbeat_interval_s, heartbeat_timeout_s / 2)
        self._beat_deadline_s = heartbeat_timeout_s - self._beat_every_s
        self._connect_deadline_s = heartbeat_timeout_s
        self._backoff = backoff or Backoff()
        self._connection: ConnectionT | None = None
        self._events: EventQueue[EventT] = EventQueue(events_pending_max)
        self._log = log.bind(link=name)
        self._ready = asyncio.Event()
        self._running = False
        self._resync_begun = False
        self._ready_since: float | None = None

    @abstractmethod
    async def _connect(self, generation: int) -> ConnectionT:
        """Open a transport; the deadline is the supervisor's."""

    @property
    def connected(self) -> bool:
        """Requests can be sent: while resyncing and while ready."""
        return self.state in (LinkState.RESYNCING, LinkState.READY)

    @property
    def ready(self) -> bool:
        """Connected, and what lives in Asterisk has been read since."""
        return self.state is LinkState.READY

    @property
    def events_pending(self) -> int:
        """How many events wait for the consumer."""
        return len(self._events)

    async def wait_ready(self) -> None:
        """Return at once if ready, else when it next is."""
        await self._ready.wait()

    async def next_event(self) -> EventT:
        """The next event, in order of arrival, of the current connection."""
        return await self._events.get()

    async def __aiter__(self) -> AsyncIterator[EventT]:
        while True:
            yield await self.next_event()

    async def run(
        self, on_connected: Callable[[], Awaitable[None]], on_lost: Callable[[], None]
    ) -> None:
        """Keep the link up until cancelled; never returns and never raises for the peer's faults.

        ``on_connected`` is awaited on each new connection; an error in it closes the connection
        and is tried again. It is cancelled if the connection is lost meanwhile. ``on_lost`` is
        called once for each begun ``on_connected`` whose connection has gone, before anything
        else happens; not when ``run`` itself is cancelled.
        """
        assert not self._running, "a link has one supervisor"
        self._running = True
        failures = replacements = 0
        loop = asyncio.get_running_loop()
        try:
            while True:
                self.generation += 1
                self._ready_since = None
                error = await self._attempt(on_connected, on_lost)
                ready_for_s = loop.time() - (self._ready_since or loop.time())
                failures = 1 if ready_for_s >= STABLE_AFTER_S else failures + 1
                replacements = 0 if ready_for_s >= UNDISPUTED_AFTER_S else replacements
                replacements += isinstance(error, LinkReplaced)
                pause_s = self._backoff.pause(failures, error, replacements)
                self._log.info("link_retry_scheduled", failures=failures, pause_s=round(pause_s, 3))
                await asyncio.sleep(pause_s)
        finally:
            self._running = False

    async def _attempt(
        self, on_connected: Callable[[], Awaitable[None]], on_lost: Callable[[], None]
    ) -> BaseException:
        """One connection from its opening to its end; returns why it ended."""
        self.state = LinkState.CONNECTING
        self._events.begin(self.generation)
        self._resync_begun = False
        error: BaseException | None = None
        try:
            async with asyncio.timeout(self._connect_deadline_s):
                self._connection = await self._connect(self.generation)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._connection.read(), name="link_reader")
                async with asyncio.timeout(PREPARE_TIMEOUT_S):
                    await self._connection.prepare()
                tasks.create_task(self._beat(self._connection), name="link_heartbeat")
                await self._resync(on_connected)
        except Exception as raised:
            error = _first_cause(raised)
        finally:
            await self._end(error, on_lost)
        assert error is not None, "a connection ends with a reason"
        return error

    async def _resync(self, on_connected: Callable[[], Awaitable[None]]) -> None:
        self.state = LinkState.RESYNCING
        self.counters["connects"] += 1
        self._log.info("link_connected", generation=self.generation)
        self._resync_begun = True
        # The resync's own requests have deadlines; this one is for everything else in it.
        async with asyncio.timeout(RESYNC_TIMEOUT_S):
            await on_connected()
        self.state = LinkState.READY
        self.last_error = None
        self._ready_since = asyncio.get_running_loop().time()
        self._ready.set()
        self._events.release()
        self._log.info("link_ready", generation=self.generation, held=len(self._events))

    async def _end(self, error: BaseException | None, on_lost: Callable[[], None]) -> None:
        self.state = LinkState.DOWN
        self._ready.clear()
        discarded = len(self._events)
        self._events.begin(self.generation)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        if error is not None:
            self._report(error, discarded)
            if self._resync_begun:
                self.counters["losses"] += 1
                try:
                    on_lost()
                except Exception:
                    self._log.exception("link_on_lost_failed")
        if connection is not None:
            with contextlib.suppress(TimeoutError, OSError, TelephonyError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await connection.close()

    def _report(self, error: BaseException, discarded: int) -> None:
        """The peer's fault is one line; anything else is ours and comes with its traceback."""
        self.last_error = error
        fields = {"generation": self.generation, "events_discarded": discarded}
        if isinstance(error, LinkLost):
            self._log.warning("link_lost", reason=error.reason, **fields)
        elif isinstance(error, AuthFailed):
            self._log.error("link_auth_failed", **fields)
        elif isinstance(error, Unavailable):
            # Its text is ours; that of a refusal is Asterisk's and may name a caller.
            self._log.warning("link_failed", reason=str(error), **fields)
        elif isinstance(error, TelephonyError | OSError | TimeoutError):
            self._log.warning("link_failed", reason=type(error).__name__, **fields)
        else:
            self._log.error("link_broken_by_us", exc_info=error, **fields)

    async def _beat(self, connection: ConnectionT) -> None:
        while True:
            await asyncio.sleep(self._beat_every_s)
            try:
                async with asyncio.timeout(self._beat_deadline_s):
                    await connection.beat()
            except TimeoutError:
                raise LinkLost("heartbeat_missed") from None

    def _put(self, generation: int, event: EventT) -> None:
        """Hand an event over to the consumer; raises `LinkLost` where there is no room."""
        if not self._events.put(generation, event):
            self.counters["overflows"] += 1
            raise LinkLost("events_overflow")


def _first_cause(error: BaseException) -> BaseException:
    """What explains the rest: a refused login closes the connection, a lost one fails requests."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [_first_cause(each) for each in error.exceptions]
    for kind in (AuthFailed, LinkLost):
        for leaf in leaves:
            if isinstance(leaf, kind):
                return leaf
    return leaves[0]
