"""Nothing is acknowledged before it is stored, and nothing waits for a database that is away."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccserver import db
from ccserver.db import Database, DatabaseUnavailable
from ccserver.sms.inbox import AWAY_PAUSE_S, BATCH_MAX, MESSAGE_QUEUE_FULL, TEMPORARY_ERROR, Inbox
from tests.databases import BINARIES, Cluster
from tests.sms.gate import DELIVER_SM, START, ManualClock, body, inbox

WITHIN_S = 60.0


@dataclass(frozen=True)
class Delivered:
    body: bytes
    command_id: int = DELIVER_SM


class Answers:
    """What the operator was told, by number of the delivery, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []
        self.given: dict[int, int] = {}
        self._moved = asyncio.Event()

    def of(self, number: int) -> Callable[[int], None]:
        def answer(status: int) -> None:
            assert number not in self.given, "answered twice"
            self.given[number] = status
            self.told.append((number, status))
            self._moved.set()

        return answer

    async def until(self, count: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while len(self.told) < count:
                self._moved.clear()
                await self._moved.wait()


class SlowWrites:
    """A database whose commits wait for the test."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.gate = asyncio.Semaphore(0)
        self.fault: Exception | None = None

    async def write(self, work: Callable[[object], object]) -> None:
        rows: list[object] = []

        class Connection:
            def execute(self, _: object, values: list[object]) -> None:
                rows.extend(values)

        class Session:
            def connection(self) -> Connection:
                return Connection()

        work(Session())
        self.batches.append(len(rows))
        await self.gate.acquire()
        if self.fault is not None:
            raise self.fault


@asynccontextmanager
async def running(one: Inbox) -> AsyncIterator[None]:
    task = asyncio.create_task(one.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def inbox_of(database: object, clock: ManualClock, **more: object) -> Inbox:
    values: dict[str, object] = {"on_stored": lambda _: None} | more
    return Inbox(database, clock=clock, **values)  # type: ignore[arg-type]


def offer(one: Inbox, answers: Answers, number: int) -> None:
    delivered = Delivered(body(b"text %d" % number))
    one.offer("north", "north-1", delivered, answers.of(number))


async def test_what_was_acknowledged_is_in_the_database_in_its_order(
    database: Database, clock: ManualClock
) -> None:
    stored: list[int] = []
    seconds: list[float] = []
    one = inbox_of(database, clock, on_stored=stored.append, observe=seconds.append)
    answers = Answers()
    async with running(one):
        for number in range(500):
            offer(one, answers, number)
        await answers.until(500)
    assert answers.told == [(number, 0) for number in range(500)]
    rows = await inbox(database)
    assert [row.octets for row in rows] == [body(b"text %d" % number) for number in range(500)]
    assert {(row.operator, row.bind, row.command_id) for row in rows} == {
        ("north", "north-1", DELIVER_SM)
    }
    assert {row.received_at for row in rows} == {START}
    assert sum(stored) == one.stored == len(seconds) == 500
    assert max(stored) <= BATCH_MAX


async def test_nobody_is_told_before_the_commit_and_what_comes_meanwhile_is_one_batch(
    clock: ManualClock,
) -> None:
    database = SlowWrites()
    one = inbox_of(database, clock)
    answers = Answers()
    async with running(one):
        offer(one, answers, 0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert database.batches == [1]
        for number in range(1, 11):
            offer(one, answers, number)
        await asyncio.sleep(0)
        assert not answers.told
        database.gate.release()
        await answers.until(1)
        assert answers.told == [(0, 0)]
        database.gate.release()
        await answers.until(11)
        assert database.batches == [1, 10]


async def test_a_database_that_is_away_refuses_all_that_wait_for_the_moment_only(
    clock: ManualClock,
) -> None:
    database = SlowWrites()
    one = inbox_of(database, clock)
    answers = Answers()
    async with running(one):
        offer(one, answers, 0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        offer(one, answers, 1)
        database.fault = DatabaseUnavailable("away")
        database.gate.release()
        await answers.until(2)
        offer(one, answers, 2)
        assert answers.given == dict.fromkeys(range(3), TEMPORARY_ERROR)
        database.fault = None
        clock.move(AWAY_PAUSE_S)
        offer(one, answers, 3)
        database.gate.release()
        await answers.until(4)
        assert answers.given[3] == 0
    assert one.refused_away == 3


async def test_a_commit_that_hangs_is_not_waited_for(clock: ManualClock) -> None:
    database = SlowWrites()
    one = inbox_of(database, clock, deadline_s=0.05)
    answers = Answers()
    async with running(one):
        offer(one, answers, 0)
        await answers.until(1)
        assert answers.given == {0: TEMPORARY_ERROR}


async def test_a_fault_of_ours_refuses_for_the_moment_and_the_next_one_passes(
    clock: ManualClock,
) -> None:
    database = SlowWrites()
    database.fault = RuntimeError("a fault of ours")
    one = inbox_of(database, clock)
    answers = Answers()
    async with running(one):
        offer(one, answers, 0)
        database.gate.release()
        await answers.until(1)
        assert answers.given == {0: TEMPORARY_ERROR}
        database.fault = None
        clock.move(AWAY_PAUSE_S)
        offer(one, answers, 1)
        database.gate.release()
        await answers.until(2)
        assert answers.given[1] == 0


async def test_at_the_bound_of_memory_or_disk_the_operator_keeps_the_rest(
    clock: ManualClock,
) -> None:
    one = inbox_of(SlowWrites(), clock, pending_max=2)
    answers = Answers()
    for number in range(3):
        offer(one, answers, number)
    assert answers.given == {2: MESSAGE_QUEUE_FULL}
    full = inbox_of(SlowWrites(), clock, backlog=lambda: 10**9)
    offer(full, answers, 4)
    assert answers.given[4] == MESSAGE_QUEUE_FULL
    assert one.refused_full == full.refused_full == 1


async def test_whoever_stops_us_leaves_nobody_without_an_answer(clock: ManualClock) -> None:
    database = SlowWrites()
    one = inbox_of(database, clock)
    answers = Answers()
    async with running(one):
        offer(one, answers, 0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        offer(one, answers, 1)
    assert answers.given == dict.fromkeys(range(2), TEMPORARY_ERROR)


async def test_a_session_that_fails_takes_no_answer_from_the_others(clock: ManualClock) -> None:
    database = SlowWrites()
    one = inbox_of(database, clock)
    answers = Answers()

    def broken(_: int) -> None:
        raise RuntimeError("a fault of ours")

    one.offer("north", "north-1", Delivered(b""), broken)
    offer(one, answers, 1)
    database.gate.release()
    await one.step()
    assert answers.given == {1: 0}


@pytest.mark.skipif(not BINARIES, reason="no PostgreSQL server is installed")
async def test_a_server_that_hangs_and_one_that_dies_lose_nothing_that_was_acknowledged() -> None:
    folder = Path(tempfile.mkdtemp(prefix="ccserver-pg-"))
    server = Cluster(folder, durable=True)
    clock = ManualClock()
    try:
        server.start()
        server.execute("CREATE DATABASE hung")
        db.upgrade(server.url("hung"))
        database = Database(server.url("hung"), request_timeout_s=3.0)
        one = inbox_of(database, clock, deadline_s=0.5)
        answers = Answers()
        async with running(one):
            offer(one, answers, 0)
            await answers.until(1)
            assert answers.given[0] == 0
            signal_all(server, signal.SIGSTOP)
            try:
                offer(one, answers, 1)
                await answers.until(2)
                assert answers.given[1] == TEMPORARY_ERROR
            finally:
                signal_all(server, signal.SIGCONT)
            await _until_stored(one, answers, clock, 10)
            signal_all(server, signal.SIGKILL)
            await asyncio.to_thread(server.stop, signal.SIGKILL)
            clock.move(AWAY_PAUSE_S)
            offer(one, answers, 1_000)
            await answers.until(len(answers.told) + (1_000 not in answers.given))
            assert answers.given[1_000] == TEMPORARY_ERROR
            (server.data / "postmaster.pid").unlink()
            await asyncio.to_thread(server.start_again)
            await _until_stored(one, answers, clock, 2_000)
        kept = {row.octets for row in await inbox(database)}
        acknowledged = {number for number, status in answers.given.items() if status == 0}
        assert {body(b"text %d" % number) for number in acknowledged} <= kept
        await database.close()
    finally:
        server.stop()
        shutil.rmtree(folder)


def signal_all(server: Cluster, how: signal.Signals) -> None:
    """To the server and to its back ends, each of which is a session of its own."""
    assert server.process is not None
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in [pid, *map(int, children)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, how)


async def _until_stored(one: Inbox, answers: Answers, clock: ManualClock, first: int) -> None:
    """Offer again, as an operator does, until one is acknowledged."""
    async with asyncio.timeout(WITHIN_S):
        for number in range(first, first + 500):
            clock.move(AWAY_PAUSE_S)
            offer(one, answers, number)
            await answers.until(len(answers.told) + (number not in answers.given))
            if answers.given[number] == 0:
                return
            await asyncio.sleep(0.05)  # the server's own time
