"""The distributor beside Asterisk's own ``app_queue``: same Asterisk, same phones, same run.

Run as ``python -m bench.queue [--rounds 3]``; prints one JSON line. Each round measures the three
sides one after the other, so that the machine's mood hits all of them:

* ``app_queue``, with ccserver stopped, as bare as it gets: no recording, no card;
* ``app_queue_recording``: the same behind MixMonitor and music as our dialplan starts them, so
  that a reader sees what recording alone costs;
* ``ccserver``, which records, writes a card with its timeline, keeps a lease on every caller,
  speaks to those who wait and tells the panels.

What is measured:

* ``free_to_ring``: a caller hangs up, and the same call taker's phone rings for the next one in
  line (10 call takers, 40 callers always waiting);
* ``invite_to_ring``: with call takers free, at 5 calls/s;
* ``sustained``: the highest rate of new calls that 100 call takers were offered in time (99 % rung
  within a second, none lost; a rate that fails is tried once more), and the processor time per call
  at 10 calls/s, of Asterisk and of ccserver apart, with what they do after the call.

The phones send no sound: a recording costs its beginning and end here, not its writing.
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
from sim.stack import Stack, end, seats

TAKERS = 100
FEW_TAKERS = 10
WAITING = 40
HANDOFFS = 300
FREE_CALLS = 100
FREE_RATE = 5.0
TALK_S = 1.0
SHORT_TALK_S = 0.5
"""At the highest rate 75 of the 100 call takers talk: they are never what limits it."""
RATES = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 150)
RATE_FOR_S = 8.0
RATE_TRIES = 2  # other work on the machine must not be taken for the end
SETTLE_S = 3.0
"""After this the recordings of the last calls are sealed and their cards written."""
RUNG_WITHIN_S = 1.0
RUNG_SHARE = 0.99
CPU_RATE = 10
WARM_UP_CALLS = 20  # of a process that has just started
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
exten => bench-recording,1,MixMonitor({directory}/${{UNIQUEID}}.raw,D)
 same => n,Answer(,i)
 same => n,StartMusicOnHold(emergency)
 same => n,Queue(bench)
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One of those that are compared."""

    name: str
    number: str


APP_QUEUE = Side("app_queue", "bench")
RECORDING = Side("app_queue_recording", "bench-recording")
CCSERVER = Side("ccserver", "112")
SIDES = (APP_QUEUE, RECORDING, CCSERVER)


class Bench:
    """One Asterisk, its phones, and the sides in turn."""

    def __init__(self, stack: Stack, phones: LoadPhones) -> None:
        self.stack = stack
        self.phones = phones

    async def call(self, side: Side, talk_s: float = TALK_S) -> LoadCall:
        """One call."""
        headers = self.stack.trunk_headers
        return await self.phones.call(side.number, talk_s=talk_s, headers=headers, timeout_s=60)

    async def begin(self, side: Side, takers: int) -> None:
        """Let that many call takers be there, for this side alone, in an Asterisk of its own.

        One that has carried some thousand calls spends a third more on each: its pools have grown.
        """
        await end(self.stack.asterisk)
        await self.stack.start_asterisk()
        for number in range(TAKERS):
            interface = f"PJSIP/ct-{101 + number}"
            verb = "add member" if side is not CCSERVER and number < takers else "remove member"
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
        """The highest rate that holds, and processor time per call."""
        await self.begin(side, TAKERS)
        cpu = await self._cpu_per_call(side)
        held, steps = 0, []
        for rate in RATES:
            share = 0.0
            for _ in range(RATE_TRIES):
                calls = await self._at_rate(side, rate, int(rate * RATE_FOR_S), SHORT_TALK_S)
                share = _in_time(calls)
                steps.append({"rate": rate, "in_time": round(share, 3)})
                await asyncio.sleep(SETTLE_S)
                if share >= RUNG_SHARE:
                    break
            if share < RUNG_SHARE:
                break
            held = rate
        await self.end(side)
        return {"calls_per_s": held, "cpu_ms_per_call": cpu, "steps": steps}

    async def _cpu_per_call(self, side: Side) -> dict[str, float]:
        """Milliseconds of each process at `CPU_RATE`."""
        await self._at_rate(side, CPU_RATE, WARM_UP_CALLS)
        await asyncio.sleep(SETTLE_S)
        processes = {"asterisk": self.stack.asterisk, "ccserver": self.stack.ccserver}
        pids = {name: process.pid for name, process in processes.items() if process is not None}
        before = {name: _cpu_of(pid) for name, pid in pids.items()}
        calls = await self._at_rate(side, CPU_RATE, int(CPU_RATE * RATE_FOR_S))
        await asyncio.sleep(SETTLE_S)
        return {
            name: round((_cpu_of(pid) - before[name]) / len(calls) * 1000, 1)
            for name, pid in pids.items()
        }

    async def _at_rate(
        self, side: Side, rate: float, count: int, talk_s: float = TALK_S
    ) -> list[LoadCall]:
        began, tasks = time.monotonic(), []
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            tasks.append(asyncio.create_task(self.call(side, talk_s)))
        return list(await asyncio.gather(*tasks))


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
                bench = Bench(stack, phones)
                return {
                    "free_to_ring_ms": await _all(bench.free_to_ring, rounds),
                    "invite_to_ring_ms": await _all(bench.invite_to_ring, rounds),
                    "sustained": await _all(bench.sustained, rounds),
                }
            finally:
                await stack.stop()


async def _all(work: Callable[[Side], Awaitable[object]], rounds: int) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {side.name: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES:
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
    # Not where ccserver looks for recordings that nobody has sealed.
    recordings = stack.data_dir / "bench-recordings"
    recordings.mkdir()
    with (directory / "queues.conf").open("a") as file:
        file.write(QUEUE_CONF)
    with (directory / "extensions.conf").open("a") as file:
        file.write(DIALPLAN.format(directory=recordings))
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
        side.name: statistics.median(
            figures["p50"]
            for figures in result["free_to_ring_ms"][side.name]  # type: ignore[index]
        )
        for side in SIDES
    }
    print(json.dumps({**result, "free_to_ring_p50_ms": medians}))


if __name__ == "__main__":
    main()
