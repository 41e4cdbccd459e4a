"""The SMS gateway's acknowledgements beside Kannel's and a library's: same pump, same run.

Run as ``python -m bench.sms [--rounds 3]``; prints a Markdown table on standard error and one JSON
line on standard output. One process (``bench.sms_pump``) delivers messages as fast as the window
lets it to each of:

* ``gateway-sqlite``, ``gateway-postgresql``: the product's gateway; a message is acknowledged when
  its commit is on the disk, then read and handed on (to somebody who only counts);
* ``session``: the product's session alone, which keeps nothing;
* ``kannel``: bearerbox with its file store, without a box to hand on to; it writes the store and
  does not wait for the disk (its program has no ``fsync``);
* ``smpplib``: ``smpplib.client``, which reads every field and keeps nothing;
* ``null``: a peer that only answers, which shows how fast the pump is by itself.

They take turns, so that a noisy moment of the machine falls on all. Each has a process, a folder
and a link of its own each time. What is measured:

* ``per_s``: messages acknowledged in a second; ``ack_ms``: how long each was without an answer;
* ``cpu_us``: the peer's processor time for a message, until the last answer (what PostgreSQL's
  server takes is not in it);
* ``rss_mb``: its memory when it had been warmed up, and after the last answer;
* ``handed_on``: how far the gateway had read and handed on what it had stored, at the last answer
  and some time later; it takes its time while more comes, because live calls write too.

``load`` and ``disk_ms`` (before and after) say what the machine and its disk were worth: as every
message of a window may wait for one commit, the window in a commit's time is the most there can be.

``--only gateway-sqlite --messages 1000000 --rounds 1`` is the run for memory.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sim.kannel import BEARERBOX, Kannel
from sim.stack import end
from tests.databases import BINARIES, Cluster

WINDOWS = (10, 100)
MESSAGES = 20_000
WARM = 2_000
LINE_S = 60.0
"""Until a process has started, or said what it was asked."""
RUN_S = 3_600.0
PROBES = 200
KANNEL_ERRORS = 3
HAND_ON_S = 60.0
ASK_EVERY_S = 0.2
SYSTEM_ID, PASSWORD = "pump", "secret"

Figures = dict[str, object]


@dataclass(frozen=True, slots=True)
class Side:
    """One of those that are compared."""

    name: str
    peer: str
    database: str = ""


SIDES = (
    Side("gateway-sqlite", "gateway", "sqlite"),
    Side("gateway-postgresql", "gateway", "postgresql"),
    Side("session", "session"),
    Side("kannel", "kannel"),
    Side("smpplib", "smpplib"),
    Side("null", "null"),
)


class Talking:
    """A process of the benchmark's that says JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def hear(self, *, timeout_s: float = LINE_S) -> dict[str, object]:
        """The next line."""
        assert self.process.stdout is not None
        async with asyncio.timeout(timeout_s):
            line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"process {self.process.pid} ended")
        heard: dict[str, object] = json.loads(line)
        return heard

    async def ask(self) -> dict[str, object]:
        """Have it say what it has done."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        return await self.hear()


@asynccontextmanager
async def talking(module: str, *arguments: object) -> AsyncIterator[Talking]:
    """Run a module until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Talking(process)
    finally:
        await end(process)


@dataclass(frozen=True, slots=True)
class Used:
    """What a process has used so far."""

    cpu_s: float
    rss_mb: float

    @classmethod
    def by(cls, pid: int) -> "Used":
        """Look it up."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        ticks = int(fields[11]) + int(fields[12])
        return cls(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20)


class Bench:
    """The sides in turn, with a PostgreSQL server for all rounds if there is one."""

    def __init__(self, folder: Path, cluster: Cluster | None, messages: int) -> None:
        self.folder = folder
        self.cluster = cluster
        self.messages = messages
        self._runs = 0

    async def measure(self, side: Side, window: int) -> Figures:
        """One run of one side."""
        self._runs += 1
        folder = self.folder / f"run-{self._runs}"
        folder.mkdir()
        async with talking(
            "bench.sms_pump", "--window", window, "--warm", WARM, "--messages", self.messages
        ) as pump:
            port = (await pump.hear())["port"]
            assert isinstance(port, int)
            if side.peer == "kannel":
                async with Kannel(
                    folder,
                    port,
                    system_id=SYSTEM_ID,
                    password=PASSWORD,
                    file_store=True,
                    # It warns of every message that no box is there.
                    log_level=KANNEL_ERRORS,
                ) as kannel:
                    assert kannel.bearerbox is not None
                    return await self._figures(pump, kannel.bearerbox)
            url = await self._url(side, folder)
            async with talking("bench.sms_peers", side.peer, port, url) as peer:
                figures = await self._figures(pump, peer.process)
                if side.peer == "gateway":
                    figures |= await self._handed_on(peer)
                return figures

    async def _figures(self, pump: Talking, peer: asyncio.subprocess.Process) -> Figures:
        await _before_it_ends(pump.hear(), peer)  # warm
        before = Used.by(peer.pid)
        done = await _before_it_ends(pump.hear(timeout_s=RUN_S), peer)
        after = Used.by(peer.pid)
        done.pop("event")
        return {
            **done,
            "cpu_us": round((after.cpu_s - before.cpu_s) / self.messages * 1e6, 1),
            "rss_mb": [round(before.rss_mb, 1), round(after.rss_mb, 1)],
        }

    async def _handed_on(self, peer: Talking) -> Figures:
        """Wait until everything was read and handed on, or for as long as anybody waits."""
        loop, wanted = asyncio.get_running_loop(), WARM + self.messages
        began, first = loop.time(), await peer.ask()
        said = first
        while said.get("texts", 0) != wanted and loop.time() - began < HAND_ON_S:
            await asyncio.sleep(ASK_EVERY_S)
            said = await peer.ask()
        seconds = loop.time() - began
        texts, before = (int(str(each.get("texts", 0))) for each in (said, first))
        return {
            "handed_on": [before, texts],
            "handed_on_per_s": round((texts - before) / seconds) if texts > before else None,
            "rss_mb_then": round(Used.by(peer.process.pid).rss_mb, 1),
            "said": said,
        }

    async def _url(self, side: Side, folder: Path) -> str:
        if side.database == "postgresql":
            assert self.cluster is not None
            name = f"bench_{self._runs}"
            await asyncio.to_thread(self.cluster.execute, f"CREATE DATABASE {name}")
            return self.cluster.url(name)
        return f"sqlite:///{folder}/bench.db" if side.database else ""


async def _before_it_ends(
    hearing: Coroutine[object, object, dict[str, object]], peer: asyncio.subprocess.Process
) -> dict[str, object]:
    """What is heard; raises `RuntimeError` if the peer's process ends before."""
    heard, ended = asyncio.ensure_future(hearing), asyncio.ensure_future(peer.wait())
    try:
        await asyncio.wait([heard, ended], return_when=asyncio.FIRST_COMPLETED)
        if not heard.done():
            raise RuntimeError(f"the peer ended with status {peer.returncode}")
        return heard.result()
    finally:
        heard.cancel()
        ended.cancel()


async def measure(
    sides: Sequence[Side], windows: Sequence[int], rounds: int, bench: Bench
) -> dict[str, dict[str, list[Figures]]]:
    """All rounds."""
    found: dict[str, dict[str, list[Figures]]] = {
        str(window): {side.name: [] for side in sides} for window in windows
    }
    for number in range(rounds):
        for window in windows:
            for side in sides:
                figures = await bench.measure(side, window)
                found[str(window)][side.name].append(figures)
                told = f"{number + 1}/{rounds} window {window} {side.name}: {figures}"
                print(told, file=sys.stderr)
    return found


def table(found: dict[str, dict[str, list[Figures]]]) -> str:
    """Medians of the rounds, as Markdown."""
    lines = [
        "| Window | Peer | Acknowledged/s | p50 ms | p99 ms | CPU µs each | MB before, after |",
        "|---|---|---|---|---|---|---|",
    ]
    for window, sides in found.items():
        for name, rounds in sides.items():
            good = [each for each in rounds if "per_s" in each]
            if not good:
                lines.append(f"| {window} | {name} | failed | | | | |")
                continue
            rates = [each["per_s"] for each in good]
            rate = f"{_median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})"  # type: ignore[type-var]
            p50, p99 = (
                f"{_median([each['ack_ms'][which] for each in good]):.2f}"  # type: ignore[index]
                for which in ("p50", "p99")
            )
            cpu = f"{_median([each['cpu_us'] for each in good]):.0f}"
            memory = ", ".join(
                f"{_median([each['rss_mb'][place] for each in good]):.0f}"  # type: ignore[index]
                for place in (0, 1)
            )
            lines.append(f"| {window} | {name} | {rate} | {p50} | {p99} | {cpu} | {memory} |")
    return "\n".join(lines)


def _median(values: Sequence[object]) -> float:
    return statistics.median(float(value) for value in values)  # type: ignore[arg-type]


def usable(names: Sequence[str]) -> list[Side]:
    """Those that were chosen and can run here; says which cannot."""
    sides = []
    for side in SIDES:
        if names and side.name not in names:
            continue
        missing = (side.peer == "kannel" and BEARERBOX is None) or (
            side.database == "postgresql" and not BINARIES
        )
        if missing:
            print(f"{side.name}: not installed, so NOT measured", file=sys.stderr)
        else:
            sides.append(side)
    return sides


def disk_ms(folder: Path) -> dict[str, float]:
    """What the disk takes to keep 4 KiB for good: no commit is faster."""
    took = []
    with (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(PROBES):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1e3)
    took.sort()
    return {"p50": round(took[PROBES // 2], 2), "p99": round(took[PROBES * 99 // 100], 2)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.sms",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--windows", type=int, nargs="+", default=WINDOWS)
    parser.add_argument("--only", nargs="+", choices=[side.name for side in SIDES], default=[])
    chosen = parser.parse_args()
    sides = usable(chosen.only)
    began, load = datetime.now(UTC), os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="ccserver-bench-") as directory:
        cluster = None
        try:
            if any(side.database == "postgresql" for side in sides):
                (Path(directory) / "pg").mkdir()
                # The server's own user has to reach its folder.
                Path(directory).chmod(0o755)
                cluster = Cluster(Path(directory) / "pg", durable=True)
                cluster.start()
            bench = Bench(Path(directory), cluster, chosen.messages)
            disk = [disk_ms(Path(directory))]
            found = asyncio.run(measure(sides, chosen.windows, chosen.rounds, bench))
            disk.append(disk_ms(Path(directory)))
        finally:
            if cluster is not None:
                cluster.stop()
    print(table(found), file=sys.stderr)
    load_after = os.getloadavg()
    print(
        json.dumps(
            {
                "at": began.isoformat(timespec="seconds"),
                "messages": chosen.messages,
                "disk_ms": disk,
                "load": [round(load[0], 2), round(load_after[0], 2)],
                "windows": found,
            }
        )
    )


if __name__ == "__main__":
    main()
