"""Bad input on ARI's event WebSocket, injected between a real Asterisk and the client.

Proves that a frame that makes no sense is counted and survived on the same connection, that a
stream whose framing is gone is closed and everything read anew, and that segmentation, delay and
duplication by the network lose nothing.
"""

import msgspec
import pytest

from ccserver.telephony.ari import FRAME_BYTES_MAX, MALFORMED_FRAMES_MAX, ARIClient
from ccserver.telephony.errors import LinkLost
from sim.proxy import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    Direction,
    FaultProxy,
    ProxiedConnection,
    websocket_frame,
)
from tests.faults.asterisk import Asterisk
from tests.faults.links import ari_settings, fresh, tell
from tests.faults.supervised import supervised, until

pytestmark = pytest.mark.asterisk


def event(name: str) -> bytes:
    return msgspec.json.encode({"type": "ChannelUserevent", "eventname": name})


MALFORMED = {
    "not json": websocket_frame(TEXT, b'{"type": "StasisStart"'),
    "empty": websocket_frame(TEXT, b""),
    "an array": websocket_frame(TEXT, b'[{"type": "StasisStart"}]'),
    "a number": websocket_frame(TEXT, b"42"),
    "no type": websocket_frame(TEXT, b'{"channel": {"id": "1"}}'),
    "type not a string": websocket_frame(TEXT, b'{"type": 7}'),
    "binary": websocket_frame(BINARY, b'{"type": "StasisStart"}'),
    "bad utf-8": websocket_frame(TEXT, b'{"type": "Stasis\xff\xfeStart"}'),
    "too deep": websocket_frame(TEXT, b'{"type":' + b"[" * 60_000),
    "not a finite number": websocket_frame(TEXT, b'{"type": "Dial", "n": NaN}'),
}


@pytest.mark.parametrize("frame", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_frame_is_counted_and_survived(ari_proxy: FaultProxy, frame: bytes) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("malformed")))
    async with supervised(client) as running:
        await running.ready()
        ari_proxy.inject(frame)
        ari_proxy.inject(websocket_frame(TEXT, event("Good")))
        assert (await running.next_event())["eventname"] == "Good"
        assert client.counters["malformed"] == 1
        assert client.generation == 1
        assert client.ready


UNUSABLE = {
    "too long": websocket_frame(TEXT, b"x" * 64, length=FRAME_BYTES_MAX + 1),
    "absurdly long": websocket_frame(TEXT, b"", length=(1 << 63) - 1),
    "reserved bits": websocket_frame(TEXT, event("Bad"), reserved=7),
    "unknown opcode": websocket_frame(0x5, b"x"),
    "fragmented ping": websocket_frame(PING, b"x", final=False),
    "no websocket at all": b"HTTP/1.1 500 Internal Server Error\r\n\r\n",
    "too many fragments": websocket_frame(TEXT, b"x" * 60_000, final=False)
    + websocket_frame(0x0, b"x" * 60_000, final=False) * 20,
    "closed": websocket_frame(CLOSE, b"\x03\xe8"),
}


@pytest.mark.parametrize("data", UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_unusable_stream_is_closed_and_resynced(ari_proxy: FaultProxy, data: bytes) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("unusable")))
    async with supervised(client) as running:
        await running.ready()
        ari_proxy.inject(data)
        await running.ready_again()
        assert isinstance(running.losses[0], LinkLost)
        assert running.resyncs == 2
        await tell(client, "New")
        assert (await running.next_event())["eventname"] == "New"


async def test_endless_malformed_frames_are_taken_for_a_broken_stream(
    ari_proxy: FaultProxy,
) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("endless")))
    async with supervised(client) as running:
        await running.ready()
        ari_proxy.inject(websocket_frame(TEXT, b"?") * (MALFORMED_FRAMES_MAX + 1))
        await running.ready_again()
        assert isinstance(running.losses[0], LinkLost)
        assert running.losses[0].reason == "malformed_frames"


async def test_connection_cut_inside_a_frame_is_resynced(
    asterisk: Asterisk, ari_proxy: FaultProxy
) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("cut")))
    helper = ARIClient(ari_settings(asterisk.http_port, application=fresh("cut_helper")))
    async with supervised(client) as running, supervised(helper) as helping:
        await running.ready()
        await helping.ready()
        (websocket,) = ari_proxy.websockets()
        websocket.cut_after[Direction.TO_CLIENT] = 20
        await tell(helper, "Old", application=client.application)
        await running.ready_again()
        await tell(client, "New")
        assert (await running.next_event())["eventname"] == "New"


async def test_network_that_splits_and_delays_loses_nothing(ari_proxy: FaultProxy) -> None:
    def split(connection: ProxiedConnection, _direction: Direction, data: bytes) -> list[bytes]:
        if not connection.is_websocket:
            return [data]
        return [data[index : index + 7] for index in range(0, len(data), 7)]

    ari_proxy.transform = split
    ari_proxy.delay_s = 0.0005
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("split")))
    async with supervised(client) as running:
        await running.ready()
        for number in range(5):
            await tell(client, f"Jānis {number}")
        for number in range(5):
            assert (await running.next_event())["eventname"] == f"Jānis {number}"
        assert client.counters["malformed"] == 0
        assert client.generation == 1


async def test_repeated_frame_is_delivered_as_often_as_it_came(ari_proxy: FaultProxy) -> None:
    """The adaptor cannot know what is a repetition; what consumes events must stand one."""
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("repeated")))
    async with supervised(client) as running:
        await running.ready()
        ari_proxy.inject(websocket_frame(TEXT, event("Twice")) * 2)
        assert (await running.next_event())["eventname"] == "Twice"
        assert (await running.next_event())["eventname"] == "Twice"


async def test_pings_of_the_server_are_answered(ari_proxy: FaultProxy) -> None:
    client = ARIClient(ari_settings(ari_proxy.port, application=fresh("pinged")))
    async with supervised(client) as running:
        await running.ready()
        (websocket,) = ari_proxy.websockets()
        before = len(websocket.sent)
        ari_proxy.inject(websocket_frame(PING, b"are you there"))
        await until(lambda: len(websocket.sent) > before)
        assert websocket.sent[before] == 0x8A
        assert client.generation == 1
