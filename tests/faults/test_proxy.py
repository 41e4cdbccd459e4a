"""The fault proxy does what it says: each fault on its own, against an echo server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sim.proxy import Direction, FaultProxy, websocket_frame

DEADLINE_S = 30.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with FaultProxy(server.sockets[0].getsockname()[1]) as running:
        yield running
    server.close()


async def connect(proxy: FaultProxy) -> Streams:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def ask(streams: Streams, data: bytes) -> bytes:
    streams[1].write(data)
    return await asyncio.wait_for(streams[0].readexactly(len(data)), DEADLINE_S)


async def end_of(streams: Streams) -> bytes:
    """What still comes before the connection ends."""
    received = b""
    try:
        while data := await asyncio.wait_for(streams[0].read(4096), DEADLINE_S):
            received += data
    except OSError:
        pass
    return received


async def test_passes_and_records(proxy: FaultProxy) -> None:
    client = await connect(proxy)
    assert await ask(client, b"hello") == b"hello"
    assert proxy.sent() == b"hello"
    assert not proxy.websockets()


async def test_drops(proxy: FaultProxy) -> None:
    client = await connect(proxy)
    await ask(client, b"hello")
    proxy.drop()
    assert await end_of(client) == b""


async def test_refuses(proxy: FaultProxy) -> None:
    proxy.refusing = True
    assert await end_of(await connect(proxy)) == b""
    assert proxy.history == []


async def test_stalls_and_resumes_without_loss(proxy: FaultProxy) -> None:
    client = await connect(proxy)
    proxy.stall()
    asked = asyncio.create_task(ask(client, b"hello"))
    assert not (await asyncio.wait({asked}, timeout=0.05))[0]
    proxy.resume()
    assert await asked == b"hello"


async def test_cuts_after_so_many_bytes(proxy: FaultProxy) -> None:
    client = await connect(proxy)
    await ask(client, b"hello")
    proxy.connections[0].cut_after[Direction.TO_CLIENT] = 3
    client[1].write(b"goodbye")
    assert await end_of(client) == b"goo"


async def test_injects_and_rewrites(proxy: FaultProxy) -> None:
    client = await connect(proxy)
    await ask(client, b"hello")
    proxy.inject(b"extra")
    assert await asyncio.wait_for(client[0].readexactly(5), DEADLINE_S) == b"extra"
    proxy.transform = lambda _c, direction, data: (
        [data, data] if direction is Direction.TO_CLIENT else [data]
    )
    client[1].write(b"two")
    assert await asyncio.wait_for(client[0].readexactly(6), DEADLINE_S) == b"twotwo"


def test_frames_are_those_of_the_standard() -> None:
    """RFC 6455 §5.7, the unmasked examples."""
    assert websocket_frame(0x1, b"Hello") == bytes.fromhex("810548656c6c6f")
    assert websocket_frame(0x1, b"Hel", final=False) == bytes.fromhex("010348656c")
    assert websocket_frame(0x2, bytes(256))[:4] == bytes.fromhex("827e0100")
    assert websocket_frame(0x2, bytes(65536))[:10] == bytes.fromhex("827f0000000000010000")
