"""Proves that a running centre takes each new version once, and keeps the last one in trouble."""

import asyncio

from ccserver.db import DatabaseUnavailable
from ccserver.documents import Follower
from ccserver.routing import DEFAULT_DOCUMENT, StoredPlan


class FakeSource:
    """Versions that a test makes up."""

    def __init__(self) -> None:
        self.number = 0
        self.away = False
        self.looked = asyncio.Event()

    async def newest(self) -> int:
        self.looked.set()
        if self.away:
            raise DatabaseUnavailable("away")
        return self.number

    async def current(self) -> StoredPlan:
        return StoredPlan(self.number, DEFAULT_DOCUMENT, None, "anna", "", self.number)


async def test_each_new_version_is_applied_once() -> None:
    source, applied = FakeSource(), list[int]()
    follower = Follower(
        source, lambda stored: applied.append(stored.version), applied=0, name="routing"
    )
    await follower.look()
    source.number = 1
    await follower.look()
    await follower.look()
    source.number = 3
    await follower.look()
    assert applied == [1, 3]


async def test_a_save_is_taken_at_once_and_a_lost_database_is_survived() -> None:
    source, applied = FakeSource(), asyncio.Queue[int]()
    follower = Follower(
        source,
        lambda stored: applied.put_nowait(stored.version),
        applied=0,
        name="routing",
        interval_s=3_600,
    )
    running = asyncio.create_task(follower.run())
    source.away = True
    follower.wake()
    async with asyncio.timeout(60):
        await source.looked.wait()
        source.away, source.number = False, 1
        follower.wake()
        assert await applied.get() == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_others_saved_is_found_without_being_told() -> None:
    source, applied = FakeSource(), asyncio.Queue[int]()
    source.number = 1
    follower = Follower(
        source,
        lambda stored: applied.put_nowait(stored.version),
        applied=0,
        name="routing",
        interval_s=0.001,
    )
    running = asyncio.create_task(follower.run())
    async with asyncio.timeout(60):
        assert await applied.get() == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
