"""Runs a link as the composition root does, records what its supervisor says, and stops it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ccserver.telephony.link import Link

WITHIN_S = 40.0
"""For what must happen at all; far beyond what it takes, so that a busy machine fails nothing."""

POLL_S = 0.005


async def until(condition: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    """Return as soon as ``condition`` holds; fails the test where it never does."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "did not happen"
        await asyncio.sleep(POLL_S)


class Supervised:
    """A running link; ``resync`` may be replaced before or while it runs."""

    def __init__(self, link: Link[Any, Any]):
        self.link = link
        self.resyncs = 0
        self.losses: list[BaseException | None] = []
        self.resync: Callable[[], Awaitable[None]] | None = None
        self.on_lost: Callable[[], None] | None = None

    async def _on_connected(self) -> None:
        self.resyncs += 1
        if self.resync is not None:
            await self.resync()

    def _on_lost(self) -> None:
        assert not self.link.connected
        self.losses.append(self.link.last_error)
        if self.on_lost is not None:
            self.on_lost()

    async def ready(self) -> None:
        await asyncio.wait_for(self.link.wait_ready(), WITHIN_S)

    async def ready_again(self, losses: int = 1) -> None:
        """Lost that often, and ready after it."""
        await until(lambda: len(self.losses) >= losses and self.link.ready)

    async def next_event(self) -> Any:
        return await asyncio.wait_for(self.link.next_event(), WITHIN_S)


@contextlib.asynccontextmanager
async def supervised(
    link: Link[Any, Any], resync: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[Supervised]:
    """``async with supervised(link) as running``: started, not yet ready; stopped at the end."""
    running = Supervised(link)
    running.resync = resync
    task = asyncio.create_task(link.run(running._on_connected, running._on_lost))
    try:
        yield running
        assert not task.done(), "the supervisor ended by itself"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
