"""The client of the edge's control port, against the real edge and one that misbehaves.

The fake passes what the real one passes.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from ccserver.config import EdgeSettings
from ccserver.sipedge.client import (
    BODY_OCTETS_MAX,
    PATIENCE_S,
    WATCH_INTERVAL_S,
    DialogNotConfirmed,
    EdgeClient,
    EdgeControl,
    EdgeError,
    EdgeNode,
    EdgeRefused,
    EdgeUnreachable,
    EdgeWatch,
    NoSuchDialog,
)
from sim.ports import PortBlock
from sim.stack import Stack, seats
from tests.sipedge.fakes import FakeEdge
from tests.sipedge.test_render import edge_in

ASKED = {"package": "EmergencyCallData.eCall.MSD", "content_type": "text/plain", "body": b"x"}
TIMEOUT_S = 0.5


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.asterisk)])
async def edge(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EdgeControl]:
    """An edge whose only Asterisk is down."""
    if request.param == "fake":
        yield FakeEdge()
        return
    stack = Stack(tmp_path / "stack", seats(1), edge=True)
    client = EdgeClient(stack.config.edge)
    try:
        await stack.prepare()
        await stack.start_edge()
        yield client
    finally:
        await client.close()
        await stack.stop()


async def test_a_call_that_the_edge_does_not_know(edge: EdgeControl) -> None:
    with pytest.raises(NoSuchDialog):
        await edge.send_info("no-such-call@127.0.0.1", **ASKED)  # type: ignore[arg-type]


async def test_what_no_header_can_carry_is_refused(edge: EdgeControl) -> None:
    for call_id in ("", "two\r\nlines", "nul\0", "ā"):
        with pytest.raises(EdgeRefused):
            await edge.send_info(call_id, **ASKED)  # type: ignore[arg-type]
    asked = {**ASKED, "body": b"x" * (BODY_OCTETS_MAX + 1)}
    with pytest.raises(EdgeRefused):
        await edge.send_info("call", **asked)  # type: ignore[arg-type]


async def test_health_names_every_node(edge: EdgeControl) -> None:
    give_up_at = time.monotonic() + 6
    health = await edge.health()
    while health.nodes[0].up and time.monotonic() < give_up_at:
        await asyncio.sleep(0.1)
        health = await edge.health()
    assert [(node.name, node.up) for node in health.nodes] == [("node1", False)]
    assert health.dialogs == 0


@pytest.mark.asterisk
async def test_an_edge_that_hangs_or_is_gone_is_unreachable_in_time(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", seats(1), edge=True)
    client = EdgeClient(stack.config.edge, timeout_s=TIMEOUT_S)
    stranger = EdgeClient(
        msgspec.structs.replace(stack.config.edge, control_token="another-token-0123456789")
    )
    try:
        await stack.prepare()
        await stack.start_edge()
        await client.health()
        with pytest.raises(EdgeRefused):
            await stranger.health()
        stack.freeze_edge()
        began = time.monotonic()
        with pytest.raises(EdgeUnreachable):
            await client.health()
        assert time.monotonic() - began < TIMEOUT_S + 1
        stack.thaw_edge()
        await client.health()
        await stack.kill_edge()
        with pytest.raises(EdgeUnreachable):
            await client.send_info("call", **ASKED)  # type: ignore[arg-type]
        await stack.start_edge()
        await client.health()
    finally:
        await client.close()
        await stranger.close()
        await stack.stop()


# -- a server that answers anything ----------------------------------------------------------------

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def answering(handler: Handler, folder: Path) -> AsyncIterator[EdgeClient]:
    block = PortBlock()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", block.ports.edge_control).start()
    settings: EdgeSettings = edge_in(folder, control_port=block.ports.edge_control)
    client = EdgeClient(settings, timeout_s=TIMEOUT_S)
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()
        block.release()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NoSuchDialog),
        (409, DialogNotConfirmed),
        (401, EdgeRefused),
        (400, EdgeRefused),
        (500, EdgeUnreachable),
        (302, EdgeUnreachable),
        (200, EdgeUnreachable),
    ],
)
async def test_every_status_has_its_error(
    tmp_path: Path, status: int, error: type[EdgeError]
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with answering(handler, tmp_path) as client:
        with pytest.raises(error):
            await client.send_info("call", **ASKED)  # type: ignore[arg-type]


async def test_what_is_asked_for_is_said_whole(tmp_path: Path) -> None:
    heard: list[tuple[str, dict[str, str], bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        heard.append((request.path, dict(request.headers), await request.read()))
        return web.Response(status=202)

    async with answering(handler, tmp_path) as client:
        await client.send_info(
            "a@b", package="EmergencyCallData.eCall.MSD", content_type="x/y", body=b"\0\xff"
        )
    ((path, headers, body),) = heard
    assert path == "/info"
    assert body == b"\0\xff"
    assert headers["X-Call-ID"] == "a@b"
    assert headers["X-Info-Package"] == "EmergencyCallData.eCall.MSD"
    assert headers["Content-Type"] == "x/y"
    assert headers["Authorization"] == "Bearer control-token-0123456789"


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"nodes": [{"up": 1}]}', "\xff", "{" * 9999]
)
async def test_a_health_that_is_none_is_unreachable(tmp_path: Path, text: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=text.encode("latin-1"))

    async with answering(handler, tmp_path) as client:
        with pytest.raises(EdgeUnreachable):
            await client.health()


async def test_a_server_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with answering(handler, tmp_path) as client:
        with pytest.raises(EdgeUnreachable):
            await client.health()


# -- the watch -------------------------------------------------------------------------------------


async def test_the_watch_tells_of_an_edge_that_stays_away() -> None:
    edge = FakeEdge()
    edge.nodes = (EdgeNode(name="a", uri="sip:a", up=True),)
    watch = EdgeWatch(edge)
    await watch.look()
    assert not watch.down
    assert not watch.node_down
    edge.reachable = False
    looks = int(PATIENCE_S / WATCH_INTERVAL_S)
    for _ in range(looks - 1):
        await watch.look()
        assert not watch.down, "a restart is no reason to alarm anybody"
    await watch.look()
    assert watch.down
    edge.reachable = True
    await watch.look()
    assert not watch.down


async def test_the_watch_tells_of_a_node_that_stays_away() -> None:
    edge = FakeEdge()
    watch = EdgeWatch(edge)
    looks = int(PATIENCE_S / WATCH_INTERVAL_S)
    for _ in range(looks):
        assert not watch.node_down
        await watch.look()
    assert watch.node_down
    assert not watch.down
    edge.nodes = (EdgeNode(name="node1", uri="sip:a", up=True),)
    await watch.look()
    assert not watch.node_down
