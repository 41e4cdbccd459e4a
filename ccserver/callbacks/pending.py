"""Writes that wait for the database, in order and bounded, so that nobody waits for them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from ccserver.db import DatabaseUnavailable

log = structlog.get_logger(__name__)

PENDING_MAX = 5_000
"""An hour without a database in a centre where somebody gives up every second. What does not fit
is found again in the cards (`ccserver.callbacks.reconcile`), so nothing is lost by the bound."""
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 5.0
"""A database that comes back is used within five seconds; call-backs are no screen pop."""

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Write:
    """One write; ``failed`` is told if it will never be done."""

    name: str
    work: Callable[[], Awaitable[None]]
    failed: Callable[[], None]


class PendingWrites:
    """A bounded queue in front of the store; one write at a time, in the order given.

    Counters: ``retries``, ``dropped`` (no room), ``failures`` (refused by the store for good).
    """

    def __init__(self, *, pending_max: int = PENDING_MAX, pause: Pause = asyncio.sleep) -> None:
        self._pending_max = pending_max
        self._pause = pause
        self._writes: deque[Write] = deque()
        self._work = asyncio.Event()
        self._writer = asyncio.Lock()
        self.retries = 0
        self.dropped = 0
        self.failures = 0

    @property
    def pending(self) -> int:
        """Writes that are not done yet."""
        return len(self._writes)

    def submit(self, write: Write) -> None:
        """Hand over a write; never waits and never raises for a slow or dead database."""
        if len(self._writes) >= self._pending_max:
            self.dropped += 1
            log.error("callback_write_dropped", write=write.name)
            write.failed()
            return
        self._writes.append(write)
        self._work.set()

    async def run(self) -> None:
        """Do what is submitted, for ever; cancel it to stop (after `drain`)."""
        while True:
            await self._work.wait()
            await self._write_all()

    async def drain(self, deadline_s: float) -> bool:
        """Do what is left within ``deadline_s`` seconds; tells whether nothing is left."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._write_all()
        except TimeoutError:
            log.warning("callback_writes_left", count=len(self._writes))
        return not self._writes

    async def _write_all(self) -> None:
        async with self._writer:  # `run` and `drain` would do the same write twice
            while self._writes:
                write = self._writes[0]
                await self._do(write)
                self._writes.popleft()
            self._work.clear()

    async def _do(self, write: Write) -> None:
        wait_s = RETRY_FIRST_S
        while True:
            try:
                await write.work()
            except DatabaseUnavailable as error:
                self.retries += 1
                log.warning("callback_write_retried", write=write.name, reason=str(error))
            except Exception:
                # Refused, or our bug: the next writes must still pass.
                self.failures += 1
                log.exception("callback_write_failed", write=write.name)
                write.failed()
                return
            else:
                return
            await self._pause(wait_s)
            wait_s = min(wait_s * 2, RETRY_MAX_S)
