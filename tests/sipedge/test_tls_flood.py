"""Strangers use up the connections: a trunk goes on to call, and they are let go in time."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ccserver.sipedge import conf
from sim.stack import Stack, seats
from tests.sipedge.secure import Authority, put_tls_on, stream_peer
from tests.sipedge.site import eventually
from tests.sipedge.wire import EDGE, STRANGER, TRUNK, Peer, peer

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("tls_flood"),
]

LIMITS = conf.Limits(connections_max=64, tls_connections_max=48, connection_idle_s=3)
CALLS = 6


class Site:
    """An edge with TLS and room for few, in front of one Asterisk."""

    def __init__(self, stack: Stack, authority: Authority) -> None:
        self.stack = stack
        self.tls, self.tcp = stack.ports.edge_tls, stack.ports.edge
        self.trunk = authority.context(authority.sign("carrier"))
        self.stranger = authority.context()

    def log(self) -> str:
        return (self.stack.data_dir / "edge.log").read_text()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder: Path = tmp_path_factory.mktemp("edge")
    authority = Authority(folder, "authority")
    stack = Stack(folder / "stack", seats(1), edge=True)
    put_tls_on(stack, authority)
    try:
        await stack.prepare()
        conf.render(stack.config, limits=LIMITS)
        await stack.start_asterisk()
        await stack.start_edge()
        yield Site(stack, authority)
    finally:
        await stack.stop()


@contextlib.asynccontextmanager
async def strangers(port: int, kind: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.edge_tls_flood", str(port), kind),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = await process.communicate()
        assert int(output.split()[0]) > LIMITS.connections_max


async def calls(caller: Peer) -> None:
    answer = await caller.call(within_s=10)
    assert answer is not None
    assert answer.code == 200


@pytest.mark.parametrize("kind", ["handshakes", "half-open", "silent"])
async def test_a_trunk_calls_while_strangers_use_up_tls(site: Site, kind: str) -> None:
    before = site.log().count("\n")
    async with peer(site.tcp, TRUNK) as by_udp, stream_peer(site.tls, TRUNK, site.trunk) as by_tls:
        await calls(by_tls)
        async with strangers(site.tls, kind):
            await asyncio.sleep(1)  # until they have what they can get
            for _ in range(CALLS):
                await calls(by_udp)
                await calls(by_tls)
                async with stream_peer(site.tcp, TRUNK) as by_tcp:
                    await calls(by_tcp)
        assert not by_tls.lost
    lines = site.log().count("\n") - before
    assert "already freed" not in site.log()
    assert lines < 2 * (3 * CALLS + 1) + LIMITS.drop_lines_max
    # ... and whoever is let in only by TLS is back soon.
    await let_in(site)


async def let_in(site: Site) -> None:
    give_up_at = time.monotonic() + 10 * LIMITS.connection_idle_s
    while True:
        with contextlib.suppress(OSError):
            async with stream_peer(site.tls, STRANGER, site.stranger) as telephone:
                answer = await telephone.answer_to(telephone.request("REGISTER"))
                if answer is not None:
                    assert answer.code == 401
                    return
        assert time.monotonic() < give_up_at, "no telephone is let in"
        await asyncio.sleep(0.2)


async def test_an_octet_now_and_then_does_not_keep_a_strangers_connection(site: Site) -> None:
    """A trunk's is kept, once it has said something."""
    async with stream_peer(site.tcp, TRUNK) as trunk:
        await calls(trunk)
        opened = [
            await asyncio.open_connection(EDGE, site.tcp, local_addr=(STRANGER, 0))
            for _ in range(LIMITS.connections_max // 3)
        ]
        closed: set[int] = set()

        async def drip(number: int) -> None:
            reader, writer = opened[number]
            with contextlib.suppress(OSError):
                while not reader.at_eof():
                    writer.write(b"I")
                    await writer.drain()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.5):
                            await reader.read(1)
            closed.add(number)

        dripping = [asyncio.create_task(drip(number)) for number in range(len(opened))]
        wait_s = 10 * LIMITS.connection_idle_s
        await eventually(lambda: len(closed) == len(opened), "all are closed", within_s=wait_s)
        await asyncio.gather(*dripping)
        for _, writer in opened:
            writer.close()
        assert not trunk.lost
        await calls(trunk)
    assert "event=dropped reason=old_connections source=strangers\n" in site.log()


async def test_handshakes_of_junk_leave_few_lines(site: Site) -> None:
    before = site.log().count("\n")
    for _ in range(100):
        _, writer = await asyncio.open_connection(EDGE, site.tls, local_addr=(STRANGER, 0))
        writer.write(b"\x16\x03\x01\xff\xffjunk" * 20)
        writer.close()
    async with peer(site.tcp, TRUNK) as caller:
        await calls(caller)
    assert site.log().count("\n") - before < LIMITS.drop_lines_max
