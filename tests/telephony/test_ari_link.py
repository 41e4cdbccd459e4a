"""The ARI link on a real Asterisk: resync before ready, filter, heartbeat, loss and return.

Proves that the link is ready only after a resync, that each way of losing Asterisk (killed,
stopped, stalled, cut off, replaced) is noticed within the time-out and mended by a full resync,
and that no event of an old connection ever reaches the consumer.
"""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from ccserver.telephony.ari import EVENT_BEAT, EVENT_REPLACED, EVENTS_WANTED, ARIClient
from ccserver.telephony.errors import (
    ARIAuthFailed,
    ARIUnavailable,
    LinkLost,
    LinkReplaced,
    TelephonyError,
)
from ccserver.telephony.link import Backoff, LinkState
from sim.proxy import Direction, FaultProxy, ProxiedConnection
from tests.faults.asterisk import Asterisk
from tests.faults.links import SLACK_S, ari_settings, fresh, tell
from tests.faults.supervised import supervised, until

pytestmark = pytest.mark.asterisk

SERVED_S = 30.0
"""For all that stood before a frozen Asterisk to be served and let go of."""


async def allowed_events(client: ARIClient) -> set[str]:
    answer = await client.request("GET", ("applications", client.application))
    assert isinstance(answer, dict)
    listed = answer["events_allowed"]
    assert isinstance(listed, list)
    return {str(each["type"]) for each in listed if isinstance(each, dict)}


def test_device_state_events_cannot_even_be_asked_for() -> None:
    with pytest.raises(ValueError, match="DeviceStateChanged"):
        ARIClient(ari_settings(1), events_wanted={"StasisStart", "DeviceStateChanged"})


async def test_ready_only_after_the_resync_and_events_wait_for_it(asterisk: Asterisk) -> None:
    client = ARIClient(ari_settings(asterisk.http_port, application=fresh("resync")))
    may_end = asyncio.Event()

    async def resync() -> None:
        assert client.connected
        assert not client.ready
        assert await client.request("GET", "/channels") is not None
        await tell(client, "During")
        await may_end.wait()

    async with supervised(client, resync) as running:
        await until(lambda: client.events_pending == 1)
        delivered = asyncio.create_task(running.next_event())
        await client.request("GET", "/asterisk/ping")
        assert not delivered.done()
        assert not client.ready
        may_end.set()
        await running.ready()
        await tell(client, "After")
        assert (await delivered)["eventname"] == "During"
        assert (await running.next_event())["eventname"] == "After"
    assert client.state is LinkState.DOWN


async def test_event_filter_is_set_at_every_connect(
    asterisk: Asterisk, ari_proxy: FaultProxy
) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("filter")))
    wanted = {*EVENTS_WANTED, EVENT_BEAT, EVENT_REPLACED}
    async with supervised(client) as running:
        await running.ready()
        assert await allowed_events(client) == wanted
        await client.request(
            "PUT",
            ("applications", client.application, "eventFilter"),
            json={"allowed": [], "disallowed": []},
        )
        assert await allowed_events(client) == set()
        ari_proxy.drop()
        await running.ready_again()
        assert await allowed_events(client) == wanted


async def test_unwanted_events_are_stopped_by_asterisk_and_again_here(asterisk: Asterisk) -> None:
    client = ARIClient(ari_settings(asterisk.http_port, application=fresh("unwanted")))

    async def set_a_variable(channel_id: str) -> None:
        await client.request(
            "POST",
            ("channels", channel_id),
            params={"endpoint": "Local/s@wait", "app": client.application},
        )
        await await_event("StasisStart")
        await client.request(
            "POST", ("channels", channel_id, "variable"), params={"variable": "V", "value": "1"}
        )
        await client.request("DELETE", ("channels", channel_id))
        await await_event("StasisEnd")

    async def await_event(kind: str) -> None:
        while (await running.next_event())["type"] != kind:
            pass

    async with supervised(client) as running:
        await running.ready()
        await set_a_variable("filtered-by-asterisk")
        assert client.counters["filtered"] == 0
        await client.request(
            "PUT",
            ("applications", client.application, "eventFilter"),
            json={"allowed": [], "disallowed": []},
        )
        await set_a_variable("filtered-by-us")
        assert client.counters["filtered"] > 0


async def test_killed_asterisk_is_noticed_and_its_successor_resynced(
    own_asterisk: Asterisk,
) -> None:
    client = ARIClient(ari_settings(own_asterisk.http_port))
    async with supervised(client) as running:
        await running.ready()
        own_asterisk.kill()
        await until(lambda: len(running.losses) == 1)
        assert client.state is not LinkState.READY
        with pytest.raises(ARIUnavailable):
            await client.request("GET", "/channels")
        await own_asterisk.restart()
        await running.ready_again()
        assert running.resyncs == 2
        assert await client.request("GET", "/channels") == []


async def test_stopped_asterisk_is_noticed_within_the_timeout_and_resynced_afterwards(
    own_asterisk: Asterisk,
) -> None:
    client = ARIClient(ari_settings(own_asterisk.http_port, heartbeat_s=1.0))
    async with supervised(client) as running:
        await running.ready()
        own_asterisk.freeze()
        await until(lambda: len(running.losses) == 1, 1.0 + SLACK_S)
        error = running.losses[0]
        assert isinstance(error, LinkLost)
        assert error.reason == "heartbeat_missed"
        await until(lambda: client.generation >= 3)
        own_asterisk.thaw()
        await running.ready_again()
        # Attempts that gave up are served only now, and may take the application from ours for as
        # long as we need to notice and connect again.
        async with asyncio.timeout(SERVED_S):
            while not client.events_pending:
                with contextlib.suppress(TelephonyError):
                    await tell(client, "New")
                await asyncio.sleep(0.2)


Matching = Callable[[ProxiedConnection, Direction], bool]


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param(lambda _c, _d: True, id="everything"),
        pytest.param(lambda c, _d: c.is_websocket, id="only the websocket"),
        pytest.param(lambda c, _d: not c.is_websocket, id="only http"),
        pytest.param(
            lambda c, d: c.is_websocket and d is Direction.TO_SERVER, id="what we send to it"
        ),
        pytest.param(lambda _c, d: d is Direction.TO_CLIENT, id="answers"),
    ],
)
async def test_silence_of_either_half_is_noticed(ari_proxy: FaultProxy, silent: Matching) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, heartbeat_s=1.0, application=fresh("silence")))
    async with supervised(client) as running:
        await running.ready()
        ari_proxy.stall(silent)
        await until(lambda: len(running.losses) == 1, 1.0 + SLACK_S)
        error = running.losses[0]
        assert isinstance(error, LinkLost)
        assert error.reason == "heartbeat_missed"
        ari_proxy.resume()
        await running.ready_again()


async def test_a_living_link_stays_up_through_many_heartbeats(ari_proxy: FaultProxy) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, heartbeat_s=3.0, application=fresh("beats")))
    client._beat_every_s = 0.02
    async with supervised(client) as running:
        await running.ready()
        await until(lambda: ari_proxy.sent().count(b"/ari/asterisk/ping") >= 20)
        assert running.losses == []
        assert client.generation == 1


async def test_peer_that_accepts_and_says_nothing_does_not_hold_up_the_loop(
    ari_proxy: FaultProxy,
) -> None:
    ari_proxy.stall()
    client = ARIClient(ari_settings(ari_proxy.port, heartbeat_s=0.5, application=fresh("mute")))
    async with supervised(client) as running:
        await until(lambda: client.generation >= 2)
        assert isinstance(client.last_error, TimeoutError)
        assert running.resyncs == 0
        assert running.losses == []
        ari_proxy.resume()
        await running.ready()
        assert client.last_error is None


async def test_refused_connections_are_tried_until_they_succeed(ari_proxy: FaultProxy) -> None:
    ari_proxy.refusing = True
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("refused")))
    async with supervised(client) as running:
        await until(lambda: client.generation >= 3)
        assert isinstance(client.last_error, ARIUnavailable)
        assert not client.connected
        ari_proxy.refusing = False
        await running.ready()
        assert running.losses == []


async def test_overflow_closes_and_resyncs_and_the_old_events_are_gone(
    asterisk: Asterisk, ari_proxy: FaultProxy
) -> None:
    client = ARIClient(
        ari_settings(ari_proxy.port, pending_max=3, application=fresh("overflow")),
    )
    helper = ARIClient(ari_settings(asterisk.http_port, application=fresh("overflow_helper")))
    async with supervised(client) as running, supervised(helper) as helping:
        await running.ready()
        await helping.ready()
        for number in range(5):
            await tell(helper, f"Old{number}", application=client.application)
        await running.ready_again()
        assert isinstance(running.losses[0], LinkLost)
        assert running.losses[0].reason == "events_overflow"
        assert client.counters["overflows"] == 1
        assert running.resyncs == 2
        await tell(client, "New")
        assert (await running.next_event())["eventname"] == "New"


async def test_pending_events_of_a_lost_connection_are_discarded(ari_proxy: FaultProxy) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("stale")))
    async with supervised(client) as running:
        await running.ready()
        await tell(client, "Old")
        await until(lambda: client.events_pending == 1)
        ari_proxy.drop()
        await running.ready_again()
        await tell(client, "New")
        assert (await running.next_event())["eventname"] == "New"


async def test_wrong_password_is_visible_and_retried_slowly_and_nothing_dies(
    asterisk: Asterisk,
) -> None:
    client = ARIClient(
        ari_settings(asterisk.http_port, password="a-wrong-password-of-16"),
        backoff=Backoff(first_s=0.01, max_s=0.02, refused_s=0.4),
    )
    async with supervised(client) as running:
        await until(lambda: client.generation == 1 and client.last_error is not None)
        assert isinstance(client.last_error, ARIAuthFailed)
        first_refusal_at = asyncio.get_running_loop().time()
        await until(lambda: client.generation == 2)
        assert asyncio.get_running_loop().time() - first_refusal_at > 0.1
        assert not client.ready
        assert running.resyncs == 0


async def test_another_controller_of_the_same_name_is_noticed(asterisk: Asterisk) -> None:
    """Asterisk gives the application to the newcomer and leaves our socket open and silent."""
    name = fresh("replaced")
    client = ARIClient(ari_settings(asterisk.http_port, application=name))
    async with supervised(client) as running:
        await running.ready()
        async with supervised(
            ARIClient(ari_settings(asterisk.http_port, application=name))
        ) as other:
            await other.ready()
            await until(lambda: len(running.losses) == 1)
            assert isinstance(running.losses[0], LinkReplaced)
            assert other.losses == []


async def test_application_lost_without_a_word_is_noticed(ari_proxy: FaultProxy) -> None:
    """The socket lives and HTTP answers, but events go nowhere: only an echo shows it."""
    client = ARIClient(ari_settings(ari_proxy.port, heartbeat_s=1.0, application=fresh("deaf")))

    def swallow(connection: ProxiedConnection, direction: Direction, data: bytes) -> list[bytes]:
        deaf = connection.is_websocket and direction is Direction.TO_CLIENT and b"{" in data
        return [] if deaf else [data]

    async with supervised(client) as running:
        await running.ready()
        ari_proxy.transform = swallow
        await until(lambda: len(running.losses) == 1, 1.0 + SLACK_S)
        ari_proxy.transform = None
        await running.ready_again()


async def test_heartbeats_never_reach_the_consumer(asterisk: Asterisk) -> None:
    client = ARIClient(ari_settings(asterisk.http_port, application=fresh("echo")))
    client._beat_every_s = 0.01
    async with supervised(client) as running:
        await running.ready()
        for number in range(20):
            await tell(client, str(number))
            assert (await running.next_event())["eventname"] == str(number)
        assert client.events_pending == 0


async def test_failing_resync_is_tried_again_and_says_why(ari_proxy: FaultProxy) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("failing")))
    outcomes: list[Exception] = [RuntimeError("our bug"), ARIUnavailable("meanwhile lost")]
    seen: list[BaseException | None] = []

    async def resync() -> None:
        seen.append(client.last_error)
        if outcomes:
            raise outcomes.pop(0)

    async with supervised(client, resync) as running:
        await running.ready()
        assert [type(each) for each in seen] == [type(None), RuntimeError, ARIUnavailable]
        assert len(running.losses) == 2


async def test_resync_is_cancelled_when_the_connection_is_lost_meanwhile(
    ari_proxy: FaultProxy,
) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("cancelled")))
    cancelled = asyncio.Event()

    async def resync() -> None:
        if cancelled.is_set():
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with supervised(client, resync) as running:
        await until(lambda: running.resyncs == 1)
        ari_proxy.drop()
        await running.ready_again()
        assert cancelled.is_set()


async def test_exceptions_of_the_consumer_and_of_on_lost_do_not_touch_the_link(
    ari_proxy: FaultProxy,
) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("consumer")))

    async def consume() -> None:
        async for event in client:
            raise RuntimeError(f"cannot handle {event['type']}")

    def on_lost() -> None:
        raise RuntimeError("cannot handle a loss")

    async with supervised(client) as running:
        running.on_lost = on_lost
        await running.ready()
        consumer = asyncio.create_task(consume())
        await tell(client, "Handled badly")
        with pytest.raises(RuntimeError, match="cannot handle ChannelUserevent"):
            await consumer
        await client.request("GET", "/asterisk/ping")
        assert client.generation == 1
        ari_proxy.drop()
        await running.ready_again()
        await tell(client, "Next")
        assert (await running.next_event())["eventname"] == "Next"


async def test_stopping_the_link_leaves_no_connection_and_reports_no_loss(
    ari_proxy: FaultProxy,
) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("stopped")))
    async with supervised(client) as running:
        await running.ready()
        await client.request("GET", "/channels")
    assert running.losses == []
    assert client.state is LinkState.DOWN
    await until(lambda: ari_proxy.connections == [])
