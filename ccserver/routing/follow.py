"""Keeps the running centre on the newest version, whoever saved it: the panel, an import from the
command line, another node.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

import structlog

from ccserver.db import DatabaseUnavailable
from ccserver.routing.store import StoredPlan

log = structlog.get_logger(__name__)

INTERVAL_S = 5.0
"""One row's number is read so often; a save of this process is told at once by `Follower.wake`."""


class Source(Protocol):
    """What is followed; `ccserver.routing.store.RoutingStore` fits."""

    async def newest(self) -> int:
        """The number of the newest version."""

    async def current(self) -> StoredPlan:
        """The version to use."""


class Follower:
    """Calls ``apply`` with each version that becomes current after ``applied`` (its ``newest``)."""

    def __init__(
        self,
        source: Source,
        apply: Callable[[StoredPlan], None],
        *,
        applied: int,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._source = source
        self._apply = apply
        self._applied = applied
        self._interval_s = interval_s
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was saved: look now."""
        self._woken.set()

    async def run(self) -> None:
        """Follow for ever. A database that is away changes nothing: the last version stays."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self.look()
            except DatabaseUnavailable as error:
                log.warning("routing_not_followed", reason=str(error))

    async def look(self) -> None:
        """Apply the newest version if it is another than the applied one."""
        if await self._source.newest() == self._applied:
            return
        stored = await self._source.current()
        self._apply(stored)
        self._applied = stored.newest
        log.info("routing_applied", version=stored.version, newest=stored.newest)
