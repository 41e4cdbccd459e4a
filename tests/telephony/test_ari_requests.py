"""Commands over ARI's HTTP: deadlines, errors, ids, and that no POST is ever sent twice.

Proves on a real Asterisk that every command ends in an answer or in one named error within its
deadline, that a POST of unknown outcome was written once, and that ids cannot reach another
resource than the one they name.
"""

import asyncio

import pytest

from ccserver.telephony.actions import Actions
from ccserver.telephony.ari import ANSWER_BYTES_MAX, ARIClient, Path, encode_path
from ccserver.telephony.errors import (
    ARIAuthFailed,
    ARIMalformed,
    ARIRefused,
    ARITimeout,
    ARIUnavailable,
)
from ccserver.types import LegId
from sim.proxy import Direction, FaultProxy, ProxiedConnection
from tests.faults.asterisk import Asterisk
from tests.faults.links import ari_settings, fresh
from tests.faults.supervised import WITHIN_S, supervised, until

pytestmark = pytest.mark.asterisk

CALL = {"endpoint": "Local/s@wait", "context": "wait", "extension": "s"}


async def test_not_connected_is_told_at_once() -> None:
    client = ARIClient(ari_settings(1))
    with pytest.raises(ARIUnavailable):
        await client.request("GET", "/channels")


async def test_refusals_carry_status_and_text(asterisk: Asterisk) -> None:
    client = ARIClient(ari_settings(asterisk.http_port, application=fresh("refusals")))
    async with supervised(client) as running:
        await running.ready()
        with pytest.raises(ARIRefused) as gone:
            await client.request("GET", ("channels", "nobody"))
        assert (gone.value.status, gone.value.message) == (404, "Channel not found")
        with pytest.raises(ARIRefused) as invalid:
            await client.request("POST", "/channels")
        assert invalid.value.status == 400
        assert client.generation == 1


async def test_repeated_command_with_our_id_is_refused_instead_of_done_twice(
    asterisk: Asterisk,
) -> None:
    client = ARIClient(ari_settings(asterisk.http_port, application=fresh("twice")))
    async with supervised(client) as running:
        await running.ready()
        await client.request("POST", ("channels", "chosen-1"), params=CALL)
        with pytest.raises(ARIRefused) as again:
            await client.request("POST", ("channels", "chosen-1"), params=CALL)
        assert again.value.status == 409
        await client.request("DELETE", ("channels", "chosen-1"))


@pytest.mark.parametrize(
    "channel_id",
    ["a/b", "a%2Fb", "a b+c", "Jānis ✓", "a?b=c#d", "a;b,c&d", "../bridges", "x/../../asterisk"],
)
async def test_an_id_reaches_only_what_it_names(asterisk: Asterisk, channel_id: str) -> None:
    client = ARIClient(ari_settings(asterisk.http_port, application=fresh("ids")))
    async with supervised(client) as running:
        await running.ready()
        params = {"endpoint": "Local/s@wait", "app": client.application}
        await client.request("POST", ("channels", channel_id), params=params)
        try:
            while (await running.next_event())["type"] != "StasisStart":
                pass
            answer = await client.request("GET", ("channels", channel_id))
            assert isinstance(answer, dict)
            assert answer["id"] == channel_id
            path = ("channels", channel_id, "variable")
            value = "50 % + 1 & ā = ?"
            await client.request("POST", path, params={"variable": "V", "value": value})
            assert await client.request("GET", path, params={"variable": "V"}) == {"value": value}
        finally:
            await client.request("DELETE", ("channels", channel_id))


async def test_several_variables_and_functions_are_set_by_one_command(asterisk: Asterisk) -> None:
    client = ARIClient(ari_settings(asterisk.http_port, application=fresh("variables")))
    async with supervised(client) as running:
        await running.ready()
        params = {"endpoint": "Local/s@wait", "app": client.application}
        leg_id = LegId("variables-1")
        await client.request("POST", ("channels", leg_id), params=params)
        try:
            while (await running.next_event())["type"] != "StasisStart":
                pass
            wanted = {"GROUP(conversation)": "k 1&ā", "LEGS": "leg-1&leg-2", "CONNECTED": ""}
            actions = Actions(client, application=client.application)
            await actions.set_variables(leg_id, {**wanted, "CONNECTED": "k1"})
            await actions.set_variables(leg_id, wanted)
            path = ("channels", leg_id, "variable")
            for name, value in wanted.items():
                found = await client.request("GET", path, params={"variable": name})
                assert found == {"value": value}
        finally:
            await client.request("DELETE", ("channels", leg_id))


@pytest.mark.parametrize(
    "path",
    [
        "/channels/1234",
        "/channels/a-b",
        "channels",
        "/channels?x",
        "",
        (),
        ("channels", ""),
        ("channels", ".."),
        ("channels", "."),
        ("channels", "a\0b"),
    ],
)
def test_a_path_that_could_mean_something_else_is_our_bug(path: Path) -> None:
    with pytest.raises(ValueError, match="path"):
        encode_path(path)


async def test_a_parameter_that_asterisk_would_cut_short_is_our_bug(asterisk: Asterisk) -> None:
    client = ARIClient(ari_settings(asterisk.http_port, application=fresh("nul")))
    async with supervised(client) as running:
        await running.ready()
        with pytest.raises(ValueError, match="NUL"):
            await client.request("GET", ("channels", "1"), params={"variable": "a\0b"})


async def test_device_states_are_never_subscribed(asterisk: Asterisk) -> None:
    client = ARIClient(ari_settings(asterisk.http_port, application=fresh("states")))
    path = ("applications", client.application, "subscription")
    async with supervised(client) as running:
        await running.ready()
        for source in ("deviceState:PJSIP/1", "bridge:1,DeviceState:x"):
            with pytest.raises(ValueError, match="device states"):
                await client.request("POST", path, params={"eventSource": source})
            with pytest.raises(ValueError, match="device states"):
                await client.request("POST", path, json={"eventSource": [source]})


async def test_command_without_an_answer_ends_at_its_deadline_and_was_written_once(
    ari_proxy: FaultProxy,
) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("deadline")))
    async with supervised(client) as running:
        await running.ready()
        ari_proxy.stall(lambda c, d: not c.is_websocket and d is Direction.TO_CLIENT)
        with pytest.raises(ARITimeout):
            await client.request(
                "POST", ("channels", "unknown-outcome"), params=CALL, deadline_s=0.2
            )
        ari_proxy.resume()
        with pytest.raises(ARIRefused) as done:
            await client.request("POST", ("channels", "unknown-outcome"), params=CALL)
        assert done.value.status == 409
        await client.request("DELETE", ("channels", "unknown-outcome"))
        assert ari_proxy.sent().count(b"POST /ari/channels/unknown-outcome?") == 2
        assert client.counters["timeouts"] == 1
        assert client.generation == 1


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("GET", 2), ("DELETE", 2), ("PUT", 2)])
async def test_command_whose_pooled_connection_breaks_is_repeated_only_if_harmless(
    ari_proxy: FaultProxy, method: str, times: int
) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("broken")))

    def swallow(connection: ProxiedConnection, direction: Direction, data: bytes) -> list[bytes]:
        if b"once-only" in data and direction is Direction.TO_SERVER:
            connection.drop()
            return []
        return [data]

    async with supervised(client) as running:
        await running.ready()
        ari_proxy.transform = swallow
        # A pooled connection is the case in which HTTP clients like to try again.
        await client.request("GET", "/asterisk/ping")
        with pytest.raises(ARIUnavailable):
            await client.request(method, ("channels", "once-only"))
        assert ari_proxy.sent().count(b"/ari/channels/once-only") == times
        assert client.generation == 1


async def test_commands_in_flight_fail_at_once_when_the_link_is_lost(
    ari_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Closing the session would end them too, but only once it gives up waiting for them.
    monkeypatch.setattr("ccserver.telephony.link.CLOSE_TIMEOUT_S", WITHIN_S * 3)
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("in_flight")))
    async with supervised(client) as running:
        await running.ready()
        ari_proxy.stall(lambda c, _d: not c.is_websocket)
        requests = [
            asyncio.create_task(client.request("GET", "/channels", deadline_s=WITHIN_S * 3))
            for _ in range(3)
        ]
        await until(lambda: ari_proxy.sent().count(b"GET /ari/channels") == 3)
        (websocket,) = ari_proxy.websockets()
        websocket.drop()
        outcomes = await asyncio.wait_for(
            asyncio.gather(*requests, return_exceptions=True), WITHIN_S
        )
        assert [type(each) for each in outcomes] == [ARIUnavailable] * 3


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ANSWERS = {
    "not json": (OK + b"Content-Length: 5\r\n\r\n{nope", ARIMalformed),
    "bad utf-8": (OK + b'Content-Length: 4\r\n\r\n"\xff\xfe"', ARIMalformed),
    "too deep": (OK + b"Content-Length: 60000\r\n\r\n" + b"[" * 60_000, ARIMalformed),
    "not http": (b"\x00\x01\x02 nonsense\r\n\r\n", ARIUnavailable),
    "short body": (OK + b"Connection: close\r\nContent-Length: 50\r\n\r\n[]", ARITimeout),
    "bad length": (OK + b"Content-Length: -4\r\n\r\n[]", ARIUnavailable),
    "bad chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]", ARIUnavailable),
    "no rights": (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", ARIAuthFailed),
    "elsewhere": (
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        ARIRefused,
    ),
    "plain error": (b"HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nsorry", ARIRefused),
}


@pytest.mark.parametrize(("answer", "error"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_bad_answer_is_one_error_and_the_link_stays(
    ari_proxy: FaultProxy, answer: bytes, error: type[Exception]
) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("answers")))

    def replace(connection: ProxiedConnection, direction: Direction, data: bytes) -> list[bytes]:
        asked = bytes(connection.sent).rpartition(b"GET /ari/")[2]
        return (
            [answer]
            if direction is Direction.TO_CLIENT and asked.startswith(b"bridges")
            else [data]
        )

    async with supervised(client) as running:
        await running.ready()
        ari_proxy.transform = replace
        with pytest.raises(error):
            await client.request("GET", "/bridges", deadline_s=2.0)
        assert await client.request("GET", ("applications", client.application)) is not None
        assert client.generation == 1


async def test_endless_answer_is_cut_off(ari_proxy: FaultProxy) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("long")))
    block = b"[" + b" " * (1 << 20)
    flood = OK + b"Content-Length: 999999999\r\n\r\n"
    blocks = ANSWER_BYTES_MAX // len(block) + 2

    def replace(connection: ProxiedConnection, direction: Direction, data: bytes) -> list[bytes]:
        asked = b"GET /ari/bridges" in connection.sent and direction is Direction.TO_CLIENT
        return [flood, *[block] * blocks] if asked else [data]

    async with supervised(client) as running:
        await running.ready()
        ari_proxy.transform = replace
        with pytest.raises(ARIMalformed):
            await client.request("GET", "/bridges", deadline_s=WITHIN_S)
        ari_proxy.transform = None
        assert await client.request("GET", ("applications", client.application)) is not None


async def test_hundred_commands_at_once_share_the_pool(asterisk: Asterisk) -> None:
    client = ARIClient(ari_settings(asterisk.http_port, application=fresh("pool")))
    async with supervised(client) as running:
        await running.ready()
        answers = await asyncio.gather(
            *(client.request("GET", "/asterisk/ping") for _ in range(100))
        )
        assert len(answers) == 100


async def test_broadcast_call_is_claimed_once(asterisk: Asterisk) -> None:
    """The claim endpoint exists since Asterisk 22.7 and is how calls come to this application."""
    client = ARIClient(ari_settings(asterisk.http_port, application=fresh("claim")))
    async with supervised(client) as running:
        await running.ready()
        await client.request(
            "POST",
            ("channels", "broadcast-1"),
            params={"endpoint": "Local/s@broadcast", "context": "wait", "extension": "s"},
        )
        broadcast = await running.next_event()
        while broadcast["type"] != "CallBroadcast":
            broadcast = await running.next_event()
        channel = broadcast["channel"]["id"]
        claim = {"channelId": channel, "application": client.application}
        await client.request("POST", "/events/claim", params=claim)
        with pytest.raises(ARIRefused) as again:
            await client.request("POST", "/events/claim", params=claim)
        assert again.value.status in (404, 409)
        started = await running.next_event()
        while started["type"] != "StasisStart":
            started = await running.next_event()
        assert started["channel"]["id"] == channel
        await client.request("DELETE", ("channels", "broadcast-1"))
