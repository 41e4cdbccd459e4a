"""The distributor beside Asterisk's own ``app_queue``: same Asterisk, same phones, same run.

Run as ``python -m bench.queue [--rounds 3]``; prints one JSON line. Each round measures
``app_queue`` (with ccserver stopped) and then ccserver, so that the machine's mood hits both:

* ``free_to_ring``: a caller hangs up, and the same call taker's phone rings for the next one in
  line (10 call takers, 40 callers always waiting);
* ``invite_to_ring``: with call takers free, at 5 calls/s;
* ``sustained``: the highest rate of new calls that 100 call takers were offered in time (99 % rung
  within a second, none lost), and the processor time per call at 10 calls/s.

``app_queue`` runs as bare as it gets: no recording, no card. ccserver records, writes a card with
its timeline, keeps a lease on every caller and tells the panels; that is what is compared.
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ccserver.accounts import AccountStore
from ccserver.acd.events import PresenceKind
from ccserver.config import ACDSettings
from ccserver.db import Database
from ccserver.types import AgentId
from sim.scenarios.latency import percentiles
from sim.sipload import HOST, LoadCall, LoadPhones
from sim.stack import Stack, seats

TAKERS = 100
FEW_TAKERS = 10
WAITING = 40
HANDOFFS = 300
FREE_CALLS = 100
FREE_RATE = 5.0
TALK_S = 1.0
RATES = (10, 15, 20, 25, 30, 40, 50, 60)
RATE_FOR_S = 8.0
RUNG_WITHIN_S = 1.0
RUNG_SHARE = 0.99
CPU_RATE = 10
NO_WRAP_UP = ACDSettings(wrap_up_s=0.001)  # app_queue's wrapuptime is 0

QUEUE_CONF = """
[bench]
strategy = leastrecent
autofill = yes
timeout = 15
retry = 1
wrapuptime = 0
ringinuse = no
joinempty = yes
musicclass = emergency
"""
DIALPLAN = """
[from-trunk](+)
exten => bench,1,Answer(,i)
 same => n,Queue(bench)
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared."""

    name: str
    number: str


APP_QUEUE = Side("app_queue", "bench")
CCSERVER = Side("ccserver", "112")


class Bench:
    """One Asterisk, its phones, and both sides in turn."""

    def __init__(self, stack: Stack, phones: LoadPhones) -> None:
        self.stack = stack
        self.phones = phones

    async def call(self, side: Side, talk_s: float = TALK_S) -> LoadCall:
        """One call."""
        headers = self.stack.trunk_headers
        return await self.phones.call(side.number, talk_s=talk_s, headers=headers, timeout_s=60)

    async def begin(self, side: Side, takers: int) -> None:
        """Let that many call takers be there, for this side alone."""
        for number in range(TAKERS):
            interface = f"PJSIP/ct-{101 + number}"
            verb = "add member" if side is APP_QUEUE and number < takers else "remove member"
            where = "to" if verb == "add member" else "from"
            await self._cli(f"queue {verb} {interface} {where} bench")
        await self._declare(takers)
        if side is CCSERVER:
            await self.stack.start_ccserver()

    async def end(self, side: Side) -> None:
        """Stop this side."""
        if side is CCSERVER:
            await self.stack.kill_ccserver()

    async def _cli(self, command: str) -> None:
        await self.stack.asterisk_cli(command)

    async def _declare(self, takers: int) -> None:
        """As if that many had pressed "ready" before ccserver starts."""
        database = Database(self.stack.config.database.url, request_timeout_s=10.0)
        try:
            store = AccountStore(database)
            for number in range(TAKERS):
                kind = PresenceKind.READY if number < takers else PresenceKind.OFF
                agent_id = AgentId(f"agent-{101 + number}")
                await store.save_presence(agent_id, kind, None, datetime.now(UTC))
        finally:
            await database.close()

    # -- what is measured -------------------------------------------------------------------------

    async def free_to_ring(self, side: Side) -> list[float]:
        """Seconds from a call taker's release to the next ring of the same phone."""
        await self.begin(side, FEW_TAKERS)
        left = HANDOFFS + WAITING
        calls: list[LoadCall] = []

        async def caller() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                calls.append(await self.call(side))

        await asyncio.gather(*(caller() for _ in range(FEW_TAKERS + WAITING)))
        await self.end(side)
        return handoffs(calls)

    async def invite_to_ring(self, side: Side) -> list[float]:
        """Seconds from INVITE to ring while call takers are free."""
        await self.begin(side, FEW_TAKERS * 3)
        calls = await self._at_rate(side, FREE_RATE, FREE_CALLS)
        await self.end(side)
        return [call.rung_at - call.invited_at for call in calls if call.rung_at is not None]

    async def sustained(self, side: Side) -> dict[str, object]:
        """The highest rate that holds, and processor seconds per call."""
        await self.begin(side, TAKERS)
        cpu_before = self._cpu_s(side)
        calls = await self._at_rate(side, CPU_RATE, int(CPU_RATE * RATE_FOR_S))
        cpu_s = (self._cpu_s(side) - cpu_before) / len(calls)
        held, steps = 0, []
        for rate in RATES:
            calls = await self._at_rate(side, rate, int(rate * RATE_FOR_S))
            share = _in_time(calls)
            steps.append({"rate": rate, "in_time": round(share, 3)})
            if share < RUNG_SHARE:
                break
            held = rate
        await self.end(side)
        return {"calls_per_s": held, "cpu_ms_per_call": round(cpu_s * 1000, 1), "steps": steps}

    async def _at_rate(self, side: Side, rate: float, count: int) -> list[LoadCall]:
        began, tasks = time.monotonic(), []
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            tasks.append(asyncio.create_task(self.call(side)))
        return list(await asyncio.gather(*tasks))

    def _cpu_s(self, side: Side) -> float:
        processes = [self.stack.asterisk]
        if side is CCSERVER:
            processes.append(self.stack.ccserver)
        return sum(_cpu_of(process.pid) for process in processes if process is not None)


def handoffs(calls: list[LoadCall]) -> list[float]:
    """From each call's end to the same phone's next ring, where callers waited all the time."""
    by_taker: dict[str, list[LoadCall]] = {}
    for call in sorted((c for c in calls if c.rung_at is not None), key=lambda c: c.rung_at or 0.0):
        by_taker.setdefault(call.taker, []).append(call)
    found = []
    for own in by_taker.values():
        for before, after in itertools.pairwise(own):
            # Only for somebody who had been waiting already.
            if before.ended_at and after.rung_at and after.invited_at < before.ended_at - 0.5:
                found.append(after.rung_at - before.ended_at)
    return found


def _in_time(calls: list[LoadCall]) -> float:
    good = [c for c in calls if c.rung_at and c.rung_at - c.invited_at <= RUNG_WITHIN_S]
    return len(good) / len(calls)


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(rounds: int) -> dict[str, object]:
    """All rounds."""
    with tempfile.TemporaryDirectory(prefix="ccserver-bench-") as directory:
        stack = Stack(Path(directory), seats(TAKERS), acd=NO_WRAP_UP, log_level="warning")
        phones = await LoadPhones.open(stack.ports.sip)
        async with phones:
            await stack.prepare()
            _add_to_configuration(stack, phones.port)
            try:
                await stack.start_asterisk()
                bench = Bench(stack, phones)
                return {
                    "free_to_ring_ms": await _both(bench.free_to_ring, rounds),
                    "invite_to_ring_ms": await _both(bench.invite_to_ring, rounds),
                    "sustained": await _both(bench.sustained, rounds),
                }
            finally:
                await stack.stop()


async def _both(work: Callable[[Side], Awaitable[object]], rounds: int) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {APP_QUEUE.name: [], CCSERVER.name: []}
    for number in range(rounds):
        for side in (APP_QUEUE, CCSERVER):
            result = await work(side)
            measured = percentiles(result) if isinstance(result, list) else result
            found[side.name].append(measured)
            print(
                f"{work.__name__} {number + 1}/{rounds} {side.name}: {measured}",
                file=sys.stderr,
            )
    return found


def _add_to_configuration(stack: Stack, phones_port: int) -> None:
    """The bench's queue, and phones that need not register."""
    directory = Path(stack.config.asterisk.config_dir)
    with (directory / "queues.conf").open("a") as file:
        file.write(QUEUE_CONF)
    with (directory / "extensions.conf").open("a") as file:
        file.write(DIALPLAN)
    text = (directory / "pjsip.conf").read_text()
    text = text.replace("qualify_frequency = 15", "qualify_frequency = 0")
    for number in range(TAKERS):
        user = f"ct-{101 + number}"
        contact = f"[{user}](phone-aor)\ncontact = sip:{user}@{HOST}:{phones_port}"
        text = text.replace(f"[{user}](phone-aor)", contact)
    (directory / "pjsip.conf").write_text(text)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.queue", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    result = asyncio.run(measure(chosen.rounds))
    medians = {
        side: statistics.median(figures["p50"] for figures in result["free_to_ring_ms"][side])  # type: ignore[index]
        for side in (APP_QUEUE.name, CCSERVER.name)
    }
    print(json.dumps({**result, "free_to_ring_p50_ms": medians}))


if __name__ == "__main__":
    main()
