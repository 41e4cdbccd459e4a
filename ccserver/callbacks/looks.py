"""When the tasks are held against the cards: now and then, and sooner where somebody asks."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ccserver.db import DatabaseUnavailable

log = structlog.get_logger(__name__)

LOOK_INTERVAL_S = 30.0


class Looks:
    """Looks again and again, whatever becomes of a look."""

    def __init__(
        self, look: Callable[[], Awaitable[None]], pause: Callable[[float], Awaitable[None]]
    ) -> None:
        self._look = look
        self._pause = pause
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Look as soon as the present look is over."""
        self._asked.set()

    async def run(self) -> None:
        """Runs for ever."""
        while True:
            self._asked.clear()
            try:
                await self._look()
            except DatabaseUnavailable as error:
                log.warning("callbacks_not_reconciled", reason=str(error))
            except Exception:
                # One card that we cannot digest must not end the process that carries calls.
                log.exception("callbacks_not_reconciled")
            await self._until_next()

    async def _until_next(self) -> None:
        waits = [
            asyncio.ensure_future(self._pause(LOOK_INTERVAL_S)),
            asyncio.ensure_future(self._asked.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
