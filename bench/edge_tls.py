"""What strangers who use up the edge's TLS do to a trunk's calls.

Run as ``python -m bench.edge_tls [--calls 60]``; prints one JSON line. For each kind of flood of
`bench.edge_tls_flood` the trunk calls by turns with and without it: by UDP, on a connection of TLS
that it had before, and on a new one of TLS or TCP for each call. Times are from the INVITE to its
200; those of new connections begin with the connection. The flood runs on the same machine and
takes its processors, too.
"""

import argparse
import asyncio
import json
import os
import signal
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.edge import in_ms, one_call
from sim.stack import Stack, seats
from tests.sipedge.secure import Authority, put_tls_on, stream_peer
from tests.sipedge.wire import TRUNK, peer

KINDS = ("handshakes", "half-open", "silent")
BLOCKS = 3
FILLING_S = 3.0
"""Until a flood has taken what it can get."""
NEW_WITHIN_S = 8.0


class Site:
    """An edge with TLS in front of one Asterisk, and the trunk's certificate."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder, "authority")
        self.stack = Stack(folder / "stack", seats(1), edge=True)
        put_tls_on(self.stack, self.authority)
        self.context = self.authority.context(self.authority.sign("carrier"))

    @property
    def tls_port(self) -> int:
        """Where the edge takes TLS."""
        return self.stack.ports.edge_tls

    def lines(self) -> int:
        """How much it has written into its log."""
        return (self.stack.data_dir / "edge.log").read_text("utf-8", "replace").count("\n")


@asynccontextmanager
async def flooding(port: int, kind: str, done: dict[str, int]) -> AsyncIterator[None]:
    """Strangers at work; adds what they did."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.edge_tls_flood", str(port), kind),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    began = time.monotonic()
    await asyncio.sleep(FILLING_S)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = await process.communicate()
        opened, refused = map(int, output.split())
        done["opened"] = done.get("opened", 0) + opened
        done["closed_by_edge"] = done.get("closed_by_edge", 0) + refused
        done["seconds"] = done.get("seconds", 0) + round(time.monotonic() - began)


async def on_a_new_connection(port: int, context: ssl.SSLContext | None) -> float:
    """Seconds from opening the connection to the answer; raises `OSError` where it gets none."""
    began = time.monotonic()
    async with asyncio.timeout(NEW_WITHIN_S), stream_peer(port, TRUNK, context) as caller:
        opened = time.monotonic() - began
        return opened + (await one_call(caller))[1]


async def trunk_calls(site: Site, calls: int, kept: object, taken: dict[str, list[float]]) -> int:
    """A round of calls in every way; gives how many new connections failed."""
    failed = 0
    async with peer(site.stack.ports.edge, TRUNK) as caller:
        for _ in range(calls):
            taken["udp"].append((await one_call(caller))[1])
            taken["tls_kept"].append((await one_call(kept))[1])  # type: ignore[arg-type]
            for name, port, context in (
                ("tls_new", site.tls_port, site.context),
                ("tcp_new", site.stack.ports.edge, None),
            ):
                try:
                    taken[name].append(await on_a_new_connection(port, context))
                except (OSError, AssertionError, TimeoutError):
                    failed += 1
    return failed


async def against(site: Site, kind: str, calls: int) -> dict[str, object]:
    """The trunk with and without one kind of flood, by turns."""
    ways = ("udp", "tls_kept", "tls_new", "tcp_new")
    calm: dict[str, list[float]] = {way: [] for way in ways}
    flooded: dict[str, list[float]] = {way: [] for way in ways}
    done: dict[str, int] = {}
    failed = {"calm": 0, "flooded": 0}
    lines = site.lines()
    async with stream_peer(site.tls_port, TRUNK, site.context) as kept:
        for _ in range(3):
            await one_call(kept)
        for _ in range(BLOCKS):
            failed["calm"] += await trunk_calls(site, calls // BLOCKS, kept, calm)
            async with flooding(site.tls_port, kind, done):
                failed["flooded"] += await trunk_calls(site, calls // BLOCKS, kept, flooded)
    calls_made = sum(map(len, (*calm.values(), *flooded.values())))
    lines = site.lines() - lines - calls_made
    return {
        "calm_ms": {way: in_ms(times) for way, times in calm.items() if times},
        "flooded_ms": {way: in_ms(times) for way, times in flooded.items() if times},
        "new_connections_failed": failed,
        "flood": done,
        "lines_logged_beside_calls": lines,
    }


async def measure(calls: int) -> dict[str, object]:
    """Every kind of flood."""
    with tempfile.TemporaryDirectory(prefix="edge-tls-") as folder:
        site = Site(Path(folder))
        try:
            await site.stack.prepare()
            await site.stack.start_asterisk()
            await site.stack.start_edge()
            result: dict[str, object] = {"calls": calls, "load": os.getloadavg()[0]}
            for kind in KINDS:
                result[kind] = await against(site, kind, calls)
        finally:
            await site.stack.stop()
    return result


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=60)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.calls))))


if __name__ == "__main__":
    main()
