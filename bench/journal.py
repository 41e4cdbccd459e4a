"""The card journal's entries per second, one at a time beside batches, on SQLite and PostgreSQL.

Run as ``python -m bench.journal``; prints one JSON line. The items are those of calls: a card is
opened, and nine things happen to its contact. Journal, store and database are those of ccserver, in
a folder of their own; ``singles`` is the same journal with batches of one item. Both take turns, so
that a noisy moment of the machine falls on both.

``items_per_s`` is how fast a backlog is written and ``cpu_ms_per_item`` this process's processor
time for it (a PostgreSQL server has its own). ``told_ms`` is how long an item takes from `submit`
until it is told of as written while calls arrive steadily; ``opening_told_ms`` is the same for the
openings of cards, which call takers wait for.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog

from ccserver import db
from ccserver.card import CardJournal, CardStore, ContactOpened, TimelineEntry, TimelineTag
from ccserver.card.journal import BATCH_MAX
from ccserver.card.spill import JournalItem
from ccserver.db import Database
from ccserver.types import AgentId, ContactId, Medium
from sim.scenarios.latency import percentiles
from tests.databases import BINARIES, Cluster

MODES = {"singles": 1, "batches": BATCH_MAX}
CALLS = 200
RATE_PER_S = 10.0
STEADY_FOR_S = 10.0
REPETITIONS = 3
DEADLINE_S = 300.0

STORY: Sequence[tuple[float, Sequence[TimelineTag]]] = (
    (0.0, (TimelineTag.QUEUED, TimelineTag.OFFERED)),
    (0.3, (TimelineTag.OFFER_ACCEPTED, TimelineTag.CONNECTED)),
    (0.6, (TimelineTag.HELD,)),
    (0.8, (TimelineTag.RESUMED,)),
    (1.1, (TimelineTag.ENDED, TimelineTag.WRAP_UP_ENDED)),
    (2.1, (TimelineTag.RECORDING_SEALED,)),
)
"""What happens how many seconds after the arrival, together in one turn of the event loop."""
ITEMS_PER_CALL = 1 + sum(len(tags) for _, tags in STORY)


@dataclass(slots=True)
class Measured:
    """One way of writing on one database, over all repetitions."""

    items_per_s: list[float] = field(default_factory=list)
    cpu_s_per_item: list[float] = field(default_factory=list)
    steady_cpu_s_per_call: list[float] = field(default_factory=list)
    told_s: list[float] = field(default_factory=list)
    opening_told_s: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Return the figures as they are printed."""
        return {
            "items_per_s": {
                "min": round(min(self.items_per_s)),
                "median": round(statistics.median(self.items_per_s)),
                "max": round(max(self.items_per_s)),
            },
            "cpu_ms_per_item": round(statistics.median(self.cpu_s_per_item) * 1e3, 3),
            "steady_cpu_ms_per_call": round(statistics.median(self.steady_cpu_s_per_call) * 1e3, 2),
            "told_ms": percentiles(self.told_s),
            "opening_told_ms": percentiles(self.opening_told_s),
        }


def opening() -> ContactOpened:
    """Return a contact that arrives at this moment."""
    return ContactOpened(
        contact_id=ContactId(str(uuid.uuid4())),
        medium=Medium.VOICE,
        queue="emergency",
        priority=5,
        caller_number="+37129123456",
        caller_number_hidden=False,
        called_number="112",
        arrived_at=datetime.now(UTC),
    )


def entry(contact_id: ContactId, tag: TimelineTag) -> TimelineEntry:
    """Return something that happens at this moment."""
    data: dict[str, str | int | float | bool | None] = {"device": "desk-20", "cause": 16}
    seat = AgentId("agent-20")
    return TimelineEntry(contact_id, tag, datetime.now(UTC), tag.value, agent_id=seat, data=data)


async def backlog(store: CardStore, folder: Path, mode: str, into: Measured, calls: int) -> None:
    """Write what a database that was away for a while has left."""
    journal = CardJournal(store, spill_path=folder / "journal.spill", batch_max=MODES[mode])
    contacts = [opening() for _ in range(calls)]
    for opened in contacts:
        journal.submit(opened)
    for _, tags in STORY:
        for opened in contacts:
            for tag in tags:
                journal.submit(entry(opened.contact_id, tag))
    started, cpu_before = time.perf_counter(), time.process_time()
    if not await journal.drain(DEADLINE_S) or journal.written != calls * ITEMS_PER_CALL:
        raise SystemExit("the backlog was not written")
    into.items_per_s.append(journal.written / (time.perf_counter() - started))
    into.cpu_s_per_item.append((time.process_time() - cpu_before) / journal.written)


async def steady(store: CardStore, folder: Path, mode: str, into: Measured, rate: float) -> None:
    """Let calls arrive steadily and time every item."""
    submitted: dict[tuple[str, str], float] = {}

    def told(contact_id: ContactId, _: object, item: JournalItem) -> None:
        opened = isinstance(item, ContactOpened)
        waited = time.perf_counter() - submitted[contact_id, name_of(item)]
        into.told_s.append(waited)
        if opened:
            into.opening_told_s.append(waited)

    def submit(item: JournalItem) -> None:
        submitted[item.contact_id, name_of(item)] = time.perf_counter()
        journal.submit(item)

    async def call() -> None:
        begun, opened = time.perf_counter(), opening()
        submit(opened)
        for after_s, tags in STORY:
            await asyncio.sleep(begun + after_s - time.perf_counter())
            for tag in tags:
                submit(entry(opened.contact_id, tag))

    journal = CardJournal(
        store, spill_path=folder / "journal.spill", batch_max=MODES[mode], on_written=told
    )
    writer = asyncio.create_task(journal.run())
    count = round(rate * STEADY_FOR_S)
    started, cpu_before = time.perf_counter(), time.process_time()
    calls = []
    for number in range(count):
        await asyncio.sleep(started + number / rate - time.perf_counter())
        calls.append(asyncio.create_task(call()))
    await asyncio.gather(*calls)
    if not await journal.drain(DEADLINE_S):
        raise SystemExit("the calls were not written")
    into.steady_cpu_s_per_call.append((time.process_time() - cpu_before) / count)
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)


def name_of(item: JournalItem) -> str:
    """Return what tells an item from the others of its contact."""
    return "opened" if isinstance(item, ContactOpened) else item.key


async def measure(url: str, folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Measure both ways on one database, in turns."""
    db.upgrade(url)
    measured = {mode: Measured() for mode in MODES}
    database = Database(url, request_timeout_s=DEADLINE_S)
    store = CardStore(database)
    try:
        await store.write([opening()])  # connects, and compiles the statements
        for _ in range(options.repetitions):
            for mode, into in measured.items():
                await backlog(store, folder, mode, into, options.calls)
                await steady(store, folder, mode, into, options.rate)
    finally:
        await database.close()
    return {mode: into.as_json() for mode, into in measured.items()}


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a server that waits for its disk, as one in production does; gives its address."""
    cluster = Cluster(folder, durable=True)
    try:
        cluster.start()
        yield cluster.url("postgres")
    finally:
        cluster.stop()


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.journal", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS, help="of the backlog")
    parser.add_argument("--rate", type=float, default=RATE_PER_S, help="calls/s that arrive")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    line: dict[str, object] = {
        "bench": "journal",
        "batch_max": BATCH_MAX,
        "items_per_call": ITEMS_PER_CALL,
        "rate_per_s": options.rate,
        "load": round(os.getloadavg()[0], 1),
    }
    with tempfile.TemporaryDirectory(prefix="ccserver-bench-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/bench.db"
        line["sqlite"] = asyncio.run(measure(url, folder, options))
    if BINARIES:
        with (
            tempfile.TemporaryDirectory(prefix="ccserver-pg-") as name,
            tempfile.TemporaryDirectory(prefix="ccserver-bench-") as spill,
            postgresql(Path(name)) as url,
        ):
            line["postgresql"] = asyncio.run(measure(url, Path(spill), options))
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
