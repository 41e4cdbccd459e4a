"""The AMI link on a real Asterisk: login, resync before ready, heartbeat, loss and return.

Proves that each way of losing Asterisk is noticed within the time-out and mended by a full
resync, that a wrong password is visible, that what a consumer does never touches the connection,
and that bytes which make no sense are counted and survived or end the connection, nothing else.
"""

import asyncio

import pytest

from ccserver.telephony.ami import MALFORMED_MESSAGES_MAX, AMIClient
from ccserver.telephony.ami_protocol import LINE_BYTES_MAX
from ccserver.telephony.errors import AMIAuthFailed, AMIUnavailable, LinkLost
from ccserver.telephony.link import Backoff, LinkState
from sim.proxy import Direction, FaultProxy, ProxiedConnection
from tests.faults.asterisk import PASSWORD, Asterisk
from tests.faults.links import SLACK_S, ami_settings
from tests.faults.supervised import Supervised, supervised, until

pytestmark = pytest.mark.asterisk


async def tell(client: AMIClient, name: str) -> None:
    """Make Asterisk send every manager one event of our own naming."""
    await client.request("UserEvent", {"UserEvent": name})


async def told(running: Supervised) -> str:
    """The name of the next event of that kind."""
    while True:
        event = await running.next_event()
        if event.event == "UserEvent":
            name: str = event.get("UserEvent")
            return name


def client_of(port: int, *, heartbeat_s: float = 30.0, pending_max: int = 1000) -> AMIClient:
    return AMIClient(
        ami_settings(port, heartbeat_s=heartbeat_s, pending_max=pending_max),
        event_classes=("system", "agent", "user"),
    )


async def test_ready_only_after_the_resync_and_events_wait_for_it(asterisk: Asterisk) -> None:
    client = client_of(asterisk.ami_port)
    may_end = asyncio.Event()

    async def resync() -> None:
        assert client.connected
        assert not client.ready
        await tell(client, "During")
        await may_end.wait()

    async with supervised(client, resync) as running:
        await until(lambda: client.events_pending >= 2)
        delivered = asyncio.create_task(told(running))
        await client.request("Ping")
        assert not delivered.done()
        assert not client.ready
        may_end.set()
        await running.ready()
        assert await delivered == "During"


async def test_password_does_not_cross_the_wire(ami_proxy: FaultProxy) -> None:
    async with supervised(client_of(ami_proxy.port)) as running:
        await running.ready()
        assert b"Action: Login" in ami_proxy.sent()
        assert PASSWORD.encode() not in ami_proxy.sent()


async def test_resync_waits_until_asterisk_has_booted(ami_proxy: FaultProxy) -> None:
    """Asterisk accepts logins before its modules answer actions."""
    booted = b"Event: FullyBooted"

    def booting(_c: ProxiedConnection, direction: Direction, data: bytes) -> list[bytes]:
        return [data.partition(booted)[0] if direction is Direction.TO_CLIENT else data]

    ami_proxy.transform = booting
    client = client_of(ami_proxy.port)
    async with supervised(client) as running:
        await until(lambda: b"Action: Login" in ami_proxy.sent())
        assert running.resyncs == 0
        ami_proxy.transform = None
        ami_proxy.inject(b"\r\n" + booted + b"\r\n\r\n")
        await running.ready()


async def test_only_the_wanted_classes_of_events_come(asterisk: Asterisk) -> None:
    quiet = AMIClient(ami_settings(asterisk.ami_port), event_classes=("system",))
    async with (
        supervised(quiet) as running,
        supervised(client_of(asterisk.ami_port)) as talking,
    ):
        await running.ready()
        await talking.ready()
        assert (await running.next_event()).event == "FullyBooted"
        await tell(quiet, "Unheard")
        assert await told(talking) == "Unheard"
        await quiet.request("Ping")
        assert quiet.events_pending == 0


async def test_killed_asterisk_is_noticed_and_its_successor_resynced(
    own_asterisk: Asterisk,
) -> None:
    client = client_of(own_asterisk.ami_port)
    async with supervised(client) as running:
        await running.ready()
        own_asterisk.kill()
        await until(lambda: len(running.losses) == 1)
        with pytest.raises(AMIUnavailable):
            await client.request("Ping")
        await own_asterisk.restart()
        await running.ready_again()
        assert running.resyncs == 2


async def test_stopped_asterisk_is_noticed_within_the_timeout_and_resynced_afterwards(
    own_asterisk: Asterisk,
) -> None:
    client = client_of(own_asterisk.ami_port, heartbeat_s=1.0)
    async with supervised(client) as running:
        await running.ready()
        own_asterisk.freeze()
        await until(lambda: len(running.losses) == 1, 1.0 + SLACK_S)
        error = running.losses[0]
        assert isinstance(error, LinkLost)
        assert error.reason == "heartbeat_missed"
        own_asterisk.thaw()
        await running.ready_again()


async def test_dead_link_is_noticed_although_writes_still_succeed(ami_proxy: FaultProxy) -> None:
    client = client_of(ami_proxy.port, heartbeat_s=1.0)
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.stall(lambda _c, direction: direction is Direction.TO_CLIENT)
        await until(lambda: len(running.losses) == 1, 1.0 + SLACK_S)
        assert isinstance(running.losses[0], LinkLost)
        assert running.losses[0].reason == "heartbeat_missed"
        ami_proxy.resume()
        await running.ready_again()


async def test_peer_that_accepts_and_says_nothing_does_not_hold_up_the_loop(
    ami_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccserver.telephony.link.PREPARE_TIMEOUT_S", 0.3)
    ami_proxy.stall()
    client = client_of(ami_proxy.port)
    async with supervised(client) as running:
        await until(lambda: client.generation >= 2)
        assert isinstance(client.last_error, TimeoutError)
        assert running.resyncs == 0
        monkeypatch.undo()
        ami_proxy.resume()
        await running.ready()
        assert client.last_error is None


async def test_refused_connections_are_tried_until_they_succeed(ami_proxy: FaultProxy) -> None:
    ami_proxy.refusing = True
    client = client_of(ami_proxy.port)
    async with supervised(client) as running:
        await until(lambda: client.generation >= 3)
        assert not client.connected
        ami_proxy.refusing = False
        await running.ready()
        assert running.losses == []


async def test_wrong_password_is_visible_and_retried_slowly_and_nothing_dies(
    asterisk: Asterisk,
) -> None:
    client = AMIClient(
        ami_settings(asterisk.ami_port, password="a-wrong-password-of-16"),
        backoff=Backoff(first_s=0.01, max_s=0.02, refused_s=0.4),
    )
    async with supervised(client) as running:
        await until(lambda: client.last_error is not None)
        assert isinstance(client.last_error, AMIAuthFailed)
        assert client.generation == 1
        refused_at = asyncio.get_running_loop().time()
        await until(lambda: client.generation == 2)
        assert asyncio.get_running_loop().time() - refused_at > 0.1
        assert not client.ready
        assert running.resyncs == 0


async def test_overflow_closes_and_resyncs_and_the_old_events_are_gone(
    ami_proxy: FaultProxy,
) -> None:
    client = client_of(ami_proxy.port, pending_max=3)
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.inject(b"Event: UserEvent\r\nUserEvent: Old\r\n\r\n" * 5)
        await running.ready_again()
        assert isinstance(running.losses[0], LinkLost)
        assert running.losses[0].reason == "events_overflow"
        assert client.counters["overflows"] == 1
        assert running.resyncs == 2
        await tell(client, "New")
        assert await told(running) == "New"


async def test_pending_events_of_a_lost_connection_are_discarded(ami_proxy: FaultProxy) -> None:
    client = client_of(ami_proxy.port)
    async with supervised(client) as running:
        await running.ready()
        before = client.events_pending
        await tell(client, "Old")
        await until(lambda: client.events_pending > before)
        ami_proxy.drop()
        await running.ready_again()
        await tell(client, "New")
        assert await told(running) == "New"


async def test_exceptions_of_the_consumer_and_of_on_lost_do_not_touch_the_link(
    ami_proxy: FaultProxy,
) -> None:
    client = client_of(ami_proxy.port)

    async def consume() -> None:
        async for event in client:
            raise RuntimeError(f"cannot handle {event.event}")

    def on_lost() -> None:
        raise RuntimeError("cannot handle a loss")

    async with supervised(client) as running:
        running.on_lost = on_lost
        await running.ready()
        consumer = asyncio.create_task(consume())
        with pytest.raises(RuntimeError, match="cannot handle FullyBooted"):
            await consumer
        await client.request("Ping")
        assert client.generation == 1
        ami_proxy.drop()
        await running.ready_again()
        await tell(client, "Next")
        assert await told(running) == "Next"


MALFORMED = {
    "neither event nor response": b"Foo: bar\r\n\r\n",
    "a line without a key": b"Event: Odd\r\nnonsense\r\n\r\n",
    "an answer to nobody": b"Response: Error\r\nMessage: Missing action in request\r\n\r\n",
    "binary": b"\x00\x01\xff\xfe\r\n\r\n",
    "empty key": b": v\r\n\r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_message_is_counted_and_survived(
    ami_proxy: FaultProxy, data: bytes
) -> None:
    client = client_of(ami_proxy.port)
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.inject(data)
        ami_proxy.inject(b"Event: UserEvent\r\nUserEvent: Good\r\n\r\n")
        assert await told(running) == "Good"
        assert client.counters["malformed"] >= 1
        assert client.generation == 1
        assert client.ready


UNUSABLE = {
    "a line without end": b"x" * (LINE_BYTES_MAX + 1),
    "a message without end": (b"Event: " + b"x" * 60_000 + b"\r\n") * 20,
    "malformed messages without end": b"?\r\n\r\n" * (MALFORMED_MESSAGES_MAX + 1),
}


@pytest.mark.parametrize("data", UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_unusable_stream_is_closed_and_resynced(ami_proxy: FaultProxy, data: bytes) -> None:
    client = client_of(ami_proxy.port)
    async with supervised(client) as running:
        await running.ready()
        ami_proxy.inject(data)
        await running.ready_again()
        assert isinstance(running.losses[0], LinkLost)
        assert running.resyncs == 2


async def test_peer_that_is_no_asterisk_is_told_apart(ami_proxy: FaultProxy) -> None:
    def other_server(_c: ProxiedConnection, direction: Direction, data: bytes) -> list[bytes]:
        return [b"SSH-2.0-OpenSSH_9.2\r\n"] if direction is Direction.TO_CLIENT else [data]

    ami_proxy.transform = other_server
    client = client_of(ami_proxy.port)
    async with supervised(client) as running:
        await until(lambda: client.generation >= 2)
        assert isinstance(client.last_error, LinkLost)
        assert client.last_error.reason == "stream_unusable"
        ami_proxy.transform = None
        await running.ready()


async def test_connection_cut_inside_a_message_is_resynced(ami_proxy: FaultProxy) -> None:
    client = client_of(ami_proxy.port)
    async with supervised(client) as running:
        await running.ready()
        (connection,) = ami_proxy.connections
        connection.cut_after[Direction.TO_CLIENT] = 25
        with pytest.raises(AMIUnavailable):
            await tell(client, "Old")
        await running.ready_again()
        await tell(client, "New")
        assert await told(running) == "New"


async def test_stopping_the_link_leaves_no_connection_and_reports_no_loss(
    ami_proxy: FaultProxy,
) -> None:
    client = client_of(ami_proxy.port)
    async with supervised(client) as running:
        await running.ready()
    assert running.losses == []
    assert client.state is LinkState.DOWN
    await until(lambda: ami_proxy.connections == [])
