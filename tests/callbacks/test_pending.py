"""Writes wait for the database in order and bounded; nobody waits for them, none is done twice."""

import asyncio
from collections.abc import Awaitable, Callable

from ccserver.callbacks.pending import PendingWrites, Write
from ccserver.db import DatabaseUnavailable


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


class Log:
    """What was written, by a database that can be away."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.failed: list[str] = []
        self.away = 0

    def write(self, name: str, error: Exception | None = None) -> Write:
        return Write(name, self._work(name, error), lambda: self.failed.append(name))

    def _work(self, name: str, error: Exception | None) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            await asyncio.sleep(0)
            if self.away:
                self.away -= 1
                raise DatabaseUnavailable("away")
            if error is not None:
                raise error
            self.done.append(name)

        return work


async def test_writes_are_done_in_order_however_often_the_database_is_away() -> None:
    log, pending_writes = Log(), PendingWrites(pause=no_pause)
    log.away = 7
    for name in "abc":
        pending_writes.submit(log.write(name))
    assert log.done == []
    assert await pending_writes.drain(10)
    assert (log.done, log.failed, pending_writes.retries) == (["a", "b", "c"], [], 7)


async def test_a_write_that_is_refused_does_not_stop_the_next() -> None:
    log, pending_writes = Log(), PendingWrites(pause=no_pause)
    pending_writes.submit(log.write("poison", ValueError("never")))
    pending_writes.submit(log.write("good"))
    assert await pending_writes.drain(10)
    assert (log.done, log.failed, pending_writes.failures) == (["good"], ["poison"], 1)


async def test_the_queue_is_bounded_and_says_what_it_drops() -> None:
    log, pending_writes = Log(), PendingWrites(pending_max=2, pause=no_pause)
    for name in "abc":
        pending_writes.submit(log.write(name))
    assert (pending_writes.pending, pending_writes.dropped, log.failed) == (2, 1, ["c"])
    assert await pending_writes.drain(10)
    assert log.done == ["a", "b"]


async def test_what_cannot_be_written_in_time_is_told() -> None:
    log, pending_writes = Log(), PendingWrites(pause=lambda _: asyncio.Event().wait())  # type: ignore[arg-type, return-value]
    log.away = 1
    pending_writes.submit(log.write("a"))
    assert not await pending_writes.drain(0.01)
    assert pending_writes.pending == 1


async def test_run_and_drain_do_no_write_twice() -> None:
    log, pending_writes = Log(), PendingWrites(pause=no_pause)
    running = asyncio.create_task(pending_writes.run())
    for name in "abcdef":
        pending_writes.submit(log.write(name))
        await asyncio.sleep(0)
    assert await pending_writes.drain(10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert log.done == list("abcdef")
