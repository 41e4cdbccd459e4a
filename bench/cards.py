"""How fast one of a million cards is found, opened and saved, on SQLite and PostgreSQL.

Run as ``python -m bench.cards``; prints one JSON line. Made-up cards are loaded into the schema of
before the search, and the product's own migration makes them findable; ``load_s`` and ``migrate_s``
say how long each takes, ``size_mb`` what is on the disk then. Each kind of query is asked
``--queries`` times, each time with other words, through the store as the API does it, page and
summaries included; ``ms`` says how long an answer takes, ``cpu_ms`` how much of the processor's
time it takes of this process and PostgreSQL's, which says more on a busy machine. ``steps`` are
what a call taker does besides: a card is read, and what is related to it, a field and the notes are
saved, and a call is written from its arrival to its end. Both databases wait for their disk, as in
production.

With ``--folder`` the databases are kept there, and asked again by the next run.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import structlog
from alembic import command
from sqlalchemy import text

from bench.made_up import (
    AGENTS,
    BETWEEN_CARDS,
    NAMES,
    NEWEST,
    NOTES,
    REQUEST_TIMEOUT_S,
    SURNAMES,
    TYPES,
    Centre,
    load_postgresql,
    load_sqlite,
)
from ccserver import db
from ccserver.card import CardStatus, CardStore, ContactOpened, TimelineEntry, TimelineTag
from ccserver.card.search import Wanted
from ccserver.db import Database
from ccserver.types import AgentId, ContactId, IncidentId, Medium
from sim.scenarios.latency import percentiles
from tests.databases import BINARIES, Cluster

CARDS = 1_000_000
QUERIES = 200
BEFORE_SEARCH = "0008"
"""The schema that the cards are loaded into."""
WARM_UP = 5
"""The first rounds connect and compile; they are not counted."""
STEPS = ("card", "related", "save_field", "save_notes", "open", "answer", "end")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """One query."""

    q: str = ""
    wanted: Wanted = field(default_factory=Wanted)
    before: str | None = None


SPACED = (slice(0, 6), slice(6, 9), slice(9, None))
"""How a number is written in groups."""
PAGE = 50
"""As the panel asks."""

Kind = Callable[[random.Random, Centre], Ask]


def _month(draw: random.Random, centre: Centre) -> Wanted:
    since = NEWEST - BETWEEN_CARDS * draw.randrange(1, centre.cards)
    return Wanted(since=since, until=since + timedelta(days=30))


def _one(draw: random.Random, centre: Centre) -> Mapping[str, Any]:
    return draw.choice(centre.sample)


def _cursor(made: Mapping[str, Any]) -> str:
    return f"{made['opened_at'].isoformat()}~{made['number']}"


KINDS: Mapping[str, Kind] = {
    "newest": lambda _, __: Ask(),
    "any_page": lambda draw, centre: Ask(before=_cursor(_one(draw, centre))),
    "whole_number": lambda draw, centre: Ask(_one(draw, centre)["caller"]),
    "end_of_number": lambda draw, centre: Ask(_one(draw, centre)["caller"][-draw.randint(3, 6) :]),
    "begin_of_number": lambda draw, centre: Ask(_one(draw, centre)["caller"][: draw.randint(4, 9)]),
    "spaced_number": lambda draw, centre: Ask(
        "{} {} {}".format(*(_one(draw, centre)["caller"][part] for part in SPACED))
    ),
    "card_number": lambda draw, centre: Ask(_one(draw, centre)["number"]),
    "common_word": lambda draw, _: Ask(draw.choice(NOTES[:8])),
    "any_word": lambda draw, _: Ask(draw.choice(NOTES)),
    "rare_word": lambda draw, centre: Ask(draw.choice(centre.rare)),
    "letters": lambda draw, _: Ask(draw.choice(NOTES)[: draw.randint(1, 3)]),
    "two_words": lambda draw, _: Ask(" ".join(draw.sample(NOTES, 2))),
    "rare_and_common": lambda draw, centre: Ask(
        f"{draw.choice(centre.rare)} {draw.choice(NOTES[:8])}"
    ),
    "letter_and_rare": lambda draw, centre: Ask(f"d {draw.choice(centre.rare)}"),
    "nothing_found": lambda draw, _: Ask(f"neesošs{draw.randrange(10**6)} deg"),
    "address": lambda draw, centre: Ask(_one(draw, centre)["address"]),
    "street_and_town": lambda draw, centre: Ask(
        f"{_one(draw, centre)['street']} {_one(draw, centre)['town']}"
    ),
    "person": lambda draw, centre: Ask(_one(draw, centre)["person"]),
    "plate": lambda draw, centre: Ask(_one(draw, centre)["plate"]),
    "vin": lambda draw, centre: Ask(_one(draw, centre)["vin"]),
    "call_taker_and_word": lambda draw, _: Ask(
        draw.choice(NOTES), Wanted(agent_id=f"agent-{draw.randrange(AGENTS)}")
    ),
    "name_of_call_taker": lambda draw, _: Ask(f"{draw.choice(NAMES)} {draw.choice(SURNAMES)}"),
    "month": lambda draw, centre: Ask(wanted=_month(draw, centre)),
    "month_and_word": lambda draw, centre: Ask(draw.choice(NOTES), _month(draw, centre)),
    "type": lambda draw, _: Ask(wanted=Wanted(types=frozenset({draw.choice(TYPES)}))),
    "type_word_and_month": lambda draw, centre: Ask(
        draw.choice(NOTES),
        Wanted(
            since=(month := _month(draw, centre)).since,
            until=month.until,
            types=frozenset({draw.choice(TYPES)}),
        ),
    ),
    "open": lambda _, __: Ask(wanted=Wanted(status=CardStatus.OPEN)),
    "open_and_word": lambda draw, _: Ask(draw.choice(NOTES), Wanted(status=CardStatus.OPEN)),
    "closed_and_word": lambda draw, _: Ask(draw.choice(NOTES), Wanted(status=CardStatus.CLOSED)),
}


@dataclass(slots=True)
class Taken:
    """How long something took, each time."""

    cpu: Callable[[], float]
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    found: list[int] = field(default_factory=list)

    async def time(self, work: Awaitable[T]) -> T:
        """Await and time it; nothing else runs in this process."""
        wall, cpu = time.perf_counter(), self.cpu()
        done = await work
        self.wall_s.append(time.perf_counter() - wall)
        self.cpu_s.append(self.cpu() - cpu)
        return done

    def as_json(self) -> dict[str, object]:
        """Return the figures as they are printed."""
        found = {"found": round(statistics.mean(self.found), 1)} if self.found else {}
        return percentiles(self.wall_s) | {"cpu_ms": percentiles(self.cpu_s)} | found


async def ask_all(
    store: CardStore, centre: Centre, queries: int, cpu: Callable[[], float]
) -> dict[str, object]:
    """Ask every kind of query, the kinds in turns."""
    taken = {name: Taken(cpu) for name in KINDS}
    draw = random.Random(112)
    for round_number in range(-WARM_UP, queries):
        for name, kind in KINDS.items():
            ask = kind(draw, centre)
            into = taken[name] if round_number >= 0 else Taken(cpu)
            page = await into.time(
                store.search(ask.q, limit=PAGE, before=ask.before, wanted=ask.wanted)
            )
            into.found.append(len(page))
    return {
        "ms": percentiles([seconds for each in taken.values() for seconds in each.wall_s]),
        "cpu_ms": percentiles([seconds for each in taken.values() for seconds in each.cpu_s]),
        "by_kind": {name: each.as_json() for name, each in taken.items()},
    }


async def step_all(
    store: CardStore, centre: Centre, times: int, cpu: Callable[[], float]
) -> dict[str, object]:
    """Do what a call taker does, on other cards each time."""
    taken = {name: Taken(cpu) for name in STEPS}
    draw = random.Random(113)
    for number in range(-WARM_UP, times):
        into = taken if number >= 0 else {name: Taken(cpu) for name in STEPS}
        await work_on_card(store, IncidentId(_one(draw, centre)["incident_id"]), number, into)
        await write_call(store, _one(draw, centre)["caller"], number, into)
    return {name: each.as_json() for name, each in taken.items()}


async def work_on_card(
    store: CardStore, incident_id: IncidentId, number: int, into: Mapping[str, Taken]
) -> None:
    """Read a card, and save something on it."""
    card = await into["card"].time(store.card(incident_id))
    assert card is not None
    related = await into["related"].time(store.related(incident_id))
    assert related is not None
    into["related"].found.append(len(related.same_number) + len(related.same_place))
    known = card.fields.get("summary")
    saving = store.save_field(
        incident_id,
        "summary",
        f"deg {number} {uuid.uuid4()}",
        base_version=known.version if known else 0,
        author="anna",
        at=NEWEST,
    )
    await into["save_field"].time(saving)
    notes = store.save_notes(
        incident_id,
        f"{card.notes.text} {number}",
        base_version=card.notes.version,
        author="anna",
        at=NEWEST,
    )
    await into["save_notes"].time(notes)


async def write_call(store: CardStore, caller: str, number: int, into: Mapping[str, Taken]) -> None:
    """Write a call of somebody who has called before, as the journal does."""
    arrived_at = NEWEST + timedelta(seconds=WARM_UP + number)
    contact_id = ContactId(str(uuid.uuid4()))
    opened = ContactOpened(
        contact_id=contact_id,
        medium=Medium.VOICE,
        queue="emergency",
        priority=5,
        caller_number=caller,
        caller_number_hidden=False,
        called_number="112",
        arrived_at=arrived_at,
    )
    await into["open"].time(store.write([opened]))
    for name, tag in (("answer", TimelineTag.OFFER_ACCEPTED), ("end", TimelineTag.ENDED)):
        entry = TimelineEntry(contact_id, tag, arrived_at, tag.value, agent_id=AgentId("agent-7"))
        await into[name].time(store.write([entry]))


async def ask_and_step(
    url: str, centre: Centre, times: int, cpu: Callable[[], float]
) -> dict[str, object]:
    """Measure a database that is there."""
    database = Database(url, request_timeout_s=REQUEST_TIMEOUT_S)
    store = CardStore(database)
    try:
        asked = await ask_all(store, centre, times, cpu)
        return asked | {"steps": await step_all(store, centre, times, cpu)}
    finally:
        await database.close()


def measure(
    url: str,
    options: argparse.Namespace,
    size: Callable[[], int],
    cpu: Callable[[], float] = time.process_time,
) -> dict[str, object]:
    """Build one database, unless it is there, and ask it."""
    centre = Centre(options.cards)
    built: dict[str, object] = {}
    if db.current(url) is None:
        built = build(url, centre, size)
    else:
        centre.make_all()
    gc.freeze()  # what was made up is not the product's to walk through
    return built | asyncio.run(ask_and_step(url, centre, options.queries, cpu))


def build(url: str, centre: Centre, size: Callable[[], int]) -> dict[str, object]:
    """Load the cards and make them findable."""
    command.upgrade(db.alembic_config(url), BEFORE_SEARCH)
    started = time.perf_counter()
    (load_sqlite if url.startswith("sqlite") else load_postgresql)(url, centre)
    loaded = time.perf_counter()
    loaded_size = size()
    db.upgrade(url)
    migrated = time.perf_counter()
    if not url.startswith("sqlite"):
        analyze(url)
    return {
        "load_s": round(loaded - started, 1),
        "migrate_s": round(migrated - loaded, 1),
        "size_mb": {"cards": loaded_size // 10**6, "with_search": size() // 10**6},
    }


def analyze(url: str) -> None:
    """Let PostgreSQL know its tables, as its autovacuum does in production a minute later."""
    engine = db.make_engine(url, timeout_s=REQUEST_TIMEOUT_S)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def postgresql(folder: Path) -> Iterator[Cluster]:
    """Run a server of our own, with a database for us."""
    cluster = Cluster(folder, durable=True)
    known = cluster.data.exists()
    try:
        if known:
            cluster.start_again()
        else:
            cluster.start()
            cluster.execute("CREATE DATABASE bench")
        yield cluster
    finally:
        cluster.stop()


def server_s(cluster: Cluster) -> float:
    """Return the processor's time that the server has taken for its connections."""
    assert cluster.process is not None
    pid = cluster.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (
        sum(int(Path(f"/proc/{each}/schedstat").read_text().split()[0]) for each in children) / 1e9
    )


@contextmanager
def folder_for(kind: str, kept: Path | None) -> Iterator[Path]:
    """Give the folder of one database: a kept one, or one for this run only."""
    if kept is not None:
        folder = kept / kind
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="ccserver-bench-") as name:
        yield Path(name)


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.cards", description=__doc__)
    parser.add_argument("--cards", type=int, default=CARDS)
    parser.add_argument("--queries", type=int, default=QUERIES, help="of each kind")
    parser.add_argument("--on", choices=("sqlite", "postgresql"), help="only there")
    parser.add_argument("--folder", type=Path, help="where the databases are kept")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    line: dict[str, object] = {
        "bench": "cards",
        "cards": options.cards,
        "queries": options.queries * len(KINDS),
        "load": round(os.getloadavg()[0], 1),
    }
    if options.on != "postgresql":
        with folder_for("sqlite", options.folder) as folder:
            url = f"sqlite:///{folder}/bench.db"
            line["sqlite"] = measure(url, options, lambda: folder_size(folder))
    if options.on != "sqlite" and BINARIES:
        with folder_for("postgresql", options.folder) as folder, postgresql(folder) as cluster:
            line["postgresql"] = measure(
                cluster.url("bench"),
                options,
                lambda: folder_size(cluster.data / "base"),
                lambda: time.process_time() + server_s(cluster),
            )
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
