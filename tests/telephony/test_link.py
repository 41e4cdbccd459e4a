"""The supervisor that ARI and AMI share, with a connection made for the test.

Proves the order connect, prepare, resync, ready, abort, on_lost, close; that pauses grow, are
jittered and are long only after a refusal; that a hanging resync has a deadline; and that events
of one connection are never given out during another.
"""

import asyncio

import pytest

from ccserver.telephony.errors import (
    AMIAuthFailed,
    ARIAuthFailed,
    ARIRefused,
    ARIUnavailable,
    LinkLost,
    LinkReplaced,
)
from ccserver.telephony.link import Backoff, EventQueue, Link, LinkState
from tests.faults.supervised import Supervised, supervised, until

FAST = Backoff(first_s=0.001, max_s=0.002, refused_s=0.003)


class ScriptedConnection:
    """Lives until told what to die of; writes down what is done to it."""

    def __init__(self, steps: list[str]):
        self.steps = steps
        self.death: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.prepare_error: Exception | None = None
        self.login: asyncio.Future[None] | None = None

    async def prepare(self) -> None:
        self.steps.append("prepare")
        if self.login is not None:
            await self.login
        if self.prepare_error is not None:
            raise self.prepare_error

    async def read(self) -> None:
        if self.login is not None:
            # As a refusal and the close after it, read in one go.
            self.login.set_exception(AMIAuthFailed("no"))
            raise LinkLost("closed_by_peer")
        await self.death

    async def beat(self) -> None:
        self.steps.append("beat")

    def abort(self) -> None:
        self.steps.append("abort")

    async def close(self) -> None:
        self.steps.append("close")


class ScriptedLink(Link[ScriptedConnection, str]):
    """Its connections die as told; ``connect_errors`` come first."""

    def __init__(self, *, beat_s: float = 60.0, backoff: Backoff = FAST):
        super().__init__(
            "scripted",
            events_pending_max=10,
            heartbeat_interval_s=beat_s,
            heartbeat_timeout_s=beat_s * 2,
            backoff=backoff,
        )
        self.steps: list[str] = []
        self.connections: list[ScriptedConnection] = []
        self.connect_errors: list[Exception] = []
        self.prepare_errors: list[Exception] = []
        self.refuses_login = False

    async def _connect(self, generation: int) -> ScriptedConnection:
        self.steps.append("connect")
        if self.connect_errors:
            raise self.connect_errors.pop(0)
        connection = ScriptedConnection(self.steps)
        if self.prepare_errors:
            connection.prepare_error = self.prepare_errors.pop(0)
        if self.refuses_login:
            connection.login = asyncio.get_running_loop().create_future()
        self.connections.append(connection)
        return connection

    def die(self, error: Exception) -> None:
        self.connections[-1].death.set_exception(error)

    def feed(self, event: str, *, generation: int | None = None) -> None:
        self._put(self.generation if generation is None else generation, event)


async def test_the_order_of_a_life() -> None:
    link = ScriptedLink()

    async def resync() -> None:
        link.steps.append(f"resync {link.state}")

    async with supervised(link, resync) as running:
        running.on_lost = lambda: link.steps.append(f"lost {link.state}")
        await running.ready()
        link.die(LinkLost("test"))
        await running.ready_again()
        assert link.steps[:7] == [
            "connect",
            "prepare",
            "resync resyncing",
            "abort",
            "lost down",
            "close",
            "connect",
        ]
        assert link.counters["connects"] == 2
        assert link.counters["losses"] == 1
    assert link.steps[-2:] == ["abort", "close"]


async def test_failures_before_the_resync_are_no_loss() -> None:
    link = ScriptedLink()
    link.connect_errors = [OSError("refused"), ARIUnavailable("handshake"), TimeoutError()]
    link.prepare_errors = [ARIAuthFailed("401"), ARIRefused(404, "gone")]
    async with supervised(link) as running:
        await running.ready()
        assert link.generation == 6
        assert running.losses == []
        assert link.last_error is None


async def test_refused_login_explains_more_than_the_close_that_follows_it() -> None:
    link = ScriptedLink(backoff=Backoff(refused_s=60.0))
    link.refuses_login = True
    async with supervised(link):
        await until(lambda: link.last_error is not None)
        assert isinstance(link.last_error, AMIAuthFailed)


async def test_hanging_resync_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccserver.telephony.link.RESYNC_TIMEOUT_S", 0.05)
    link = ScriptedLink()
    hang = True

    async def resync() -> None:
        nonlocal hang
        if hang:
            hang = False
            await asyncio.Event().wait()

    async with supervised(link, resync) as running:
        await running.ready()
        assert len(running.losses) == 1
        assert isinstance(running.losses[0], TimeoutError)


async def test_a_bug_of_ours_in_the_reader_is_survived_and_shown() -> None:
    link = ScriptedLink()
    async with supervised(link) as running:
        await running.ready()
        link.die(KeyError("our bug"))
        await running.ready_again()
        assert isinstance(running.losses[0], KeyError)


async def test_heartbeat_runs_during_the_resync_too() -> None:
    link = ScriptedLink(beat_s=0.01)

    async def resync() -> None:
        await until(lambda: "beat" in link.steps)

    async with supervised(link, resync) as running:
        await running.ready()


async def test_only_events_of_this_connection_and_only_when_ready() -> None:
    link = ScriptedLink()
    gate = asyncio.Event()

    async def resync() -> None:
        link.feed(f"during {link.generation}")
        await gate.wait()

    async with supervised(link, resync) as running:
        await until(lambda: running.resyncs == 1)
        waiting = asyncio.create_task(running.next_event())
        link.die(LinkLost("test"))
        await until(lambda: running.resyncs == 2)
        link.feed("from the first connection", generation=1)
        assert not waiting.done()
        gate.set()
        assert await waiting == "during 2"
        assert link.events_pending == 0


async def test_nothing_is_delivered_while_the_link_is_down() -> None:
    link = ScriptedLink(backoff=Backoff(first_s=60.0, max_s=60.0))
    async with supervised(link) as running:
        await running.ready()
        link.feed("old")
        link.die(LinkLost("test"))
        await until(lambda: len(running.losses) == 1)
        assert link.events_pending == 0
        waiting = asyncio.create_task(running.next_event())
        link.feed("straggler")
        assert not (await asyncio.wait({waiting}, timeout=0.02))[0]
        waiting.cancel()


async def test_run_is_supervised_once() -> None:
    link = ScriptedLink()
    async with supervised(link) as running:
        await running.ready()
        other = Supervised(link)
        with pytest.raises(AssertionError, match="one supervisor"):
            await link.run(other._on_connected, other._on_lost)
    assert link.state is LinkState.DOWN


async def test_queue_bounds_holds_and_forgets() -> None:
    queue: EventQueue[str] = EventQueue(2)
    queue.begin(1)
    assert queue.put(1, "a")
    assert queue.put(1, "b")
    assert not queue.put(1, "c")
    queue.begin(2)
    assert len(queue) == 0
    assert queue.put(1, "stale")
    assert queue.put(2, "d")
    assert len(queue) == 1
    queue.release()
    assert await queue.get() == "d"


async def test_two_consumers_share_and_a_cancelled_one_loses_nothing() -> None:
    queue: EventQueue[str] = EventQueue(10)
    queue.begin(1)
    queue.release()
    consumers = [asyncio.create_task(queue.get()) for _ in range(2)]
    cancelled = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    cancelled.cancel()
    assert queue.put(1, "a")
    assert queue.put(1, "b")
    assert sorted(await asyncio.gather(*consumers)) == ["a", "b"]
    assert len(queue) == 0


def test_pauses_grow_to_their_bound_and_are_jittered() -> None:
    backoff = Backoff()
    lost = LinkLost("test")
    for failures, span in ((1, 0.1), (2, 0.2), (3, 0.4), (5, 1.6), (6, 2.0), (10_000, 2.0)):
        pauses = {backoff.pause(failures, lost) for _ in range(50)}
        assert all(span / 2 <= pause <= span for pause in pauses)
        assert len(pauses) > 1


def test_pauses_are_long_where_only_a_person_can_help() -> None:
    backoff = Backoff()
    for error, replacements in ((ARIAuthFailed("401"), 0), (LinkReplaced("replaced"), 2)):
        assert 2.5 <= backoff.pause(1, error, replacements) <= 5.0
    assert backoff.pause(1, LinkReplaced("replaced"), 1) <= 0.1
