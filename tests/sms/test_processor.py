"""The second step goes on whatever happens, and leaves the writer to others in between."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from ccserver.db import Database, DatabaseUnavailable
from ccserver.sms import processor as processor_module
from ccserver.sms.landing import Landing
from ccserver.sms.processor import BATCH_MAX, Processor
from ccserver.web.ports import SystemClock
from tests.sms.gate import Taken, body, operator, store

WITHIN_S = 60.0


class Waited(Taken):
    """Takers that a test can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = asyncio.Event()

    def stored(self, kinds: object) -> None:
        self.moved.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while len(self.by_key) < count:
                self.moved.clear()
                await self.moved.wait()


@asynccontextmanager
async def running(one: Processor) -> AsyncIterator[None]:
    task = asyncio.create_task(one.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def real(database: Database, taken: Taken) -> Processor:
    landing = Landing({"north": operator()}, taken)
    return Processor(database, landing, taken, clock=SystemClock())


async def test_others_write_between_any_two_batches_of_a_storm(database: Database) -> None:
    taken = Waited()
    one = real(database, taken)
    batches = 15
    await store(database, *(body(b"%d" % number) for number in range(batches * BATCH_MAX)))
    others = 0

    async def write() -> None:
        nonlocal others
        while True:
            await database.write(lambda session: session.execute(text("SELECT 1")))
            others += 1

    async with running(one):
        writer = asyncio.create_task(write())
        await taken.until(batches * BATCH_MAX)
        writer.cancel()
    assert others >= batches


async def test_what_is_stored_while_it_waits_is_handed_on_at_once(database: Database) -> None:
    taken = Waited()
    one = real(database, taken)
    async with running(one):
        for number in range(1, 6):
            await store(database, body(b"%d" % number))
            one.arrived(1)
            await taken.until(number)
    assert taken.shown == ["1", "2", "3", "4", "5"]
    assert one.backlog == 0


async def test_a_database_that_is_away_at_the_start_is_used_when_it_is_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor_module, "AWAY_PAUSE_S", 0.01)
    taken = Waited()
    await store(database, body(b"help"))
    read, failures = database.read, 5

    async def away(work: object) -> object:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise (DatabaseUnavailable("away") if failures % 2 else RuntimeError("ours"))
        return await read(work)  # type: ignore[arg-type]

    monkeypatch.setattr(database, "read", away)
    async with running(real(database, taken)):
        await taken.until(1)
    assert taken.shown == ["help"]


async def test_a_taker_that_fails_after_the_commit_stops_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Taken()

    def broken(_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(taken, "stored", broken)
    one = real(database, taken)
    await store(database, body(b"help"))
    assert not await one.step()
    assert taken.shown == ["help"]
    assert one.behind_since is None
