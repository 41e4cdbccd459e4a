"""How fast one of a million cards is found, on SQLite and PostgreSQL.

Run as ``python -m bench.cards``; prints one JSON line. Cards are made up from a seed: numbers,
notes, addresses, persons and vehicles as Latvian cards have them, with words as common and as rare
as in real texts. They are loaded into the schema of before the search, and the product's own
migration makes them findable; ``load_s`` and ``migrate_s`` say how long each takes, ``size_mb``
what is on the disk then. Each kind of query is asked ``--queries`` times, each time with other
words, through the store as the API does it, page and summaries included; ``ms`` says how long an
answer takes.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import structlog
from alembic import command
from sqlalchemy import insert, text

from ccserver import db
from ccserver.accounts.models import AgentRow
from ccserver.card import CardStatus, CardStore
from ccserver.card.models import ContactRow, FieldRow, IncidentRow
from ccserver.card.search import Wanted
from ccserver.card.text import digits_of, folded
from ccserver.db import Database
from sim.scenarios.latency import percentiles
from tests.databases import BINARIES, Cluster

CARDS = 1_000_000
QUERIES = 200
BATCH = 20_000
BEFORE_SEARCH = "0008"
"""The schema that the cards are loaded into."""
NEWEST = datetime(2026, 11, 1, tzinfo=UTC)
BETWEEN_CARDS = timedelta(seconds=31)
"""A million in a year."""
OPEN = 60
"""The newest cards are still open."""
AGENTS = 120
REQUEST_TIMEOUT_S = 600.0

STREETS = (
    "Brīvības iela", "Krišjāņa Barona iela", "Kr. Valdemāra iela", "Maskavas iela", "Dzirnavu iela",
    "Ģertrūdes iela", "Lāčplēša iela", "Čaka iela", "Skolas iela", "Stabu iela", "Miera iela",
    "Ulbrokas iela", "Juglas iela", "Ropažu iela", "Slokas iela", "Kurzemes prospekts",
    "Zolitūdes iela", "Vienības gatve", "Bauskas iela", "Ziepniekkalna iela", "Rīgas iela",
    "Parka iela", "Dārza iela", "Liepu iela", "Ozolu iela", "Bērzu iela", "Jelgavas iela",
    "Saules iela", "Meža iela", "Stacijas iela", "Raiņa iela", "Upes iela", "Kalna iela",
    "Lielā iela", "Zaļā iela", "Jaunā iela", "Ventspils šoseja", "Viestura prospekts",
)  # fmt: skip
TOWNS = (
    "Rīga", "Rīga", "Rīga", "Rīga", "Daugavpils", "Liepāja", "Jelgava", "Jūrmala", "Ventspils",
    "Rēzekne", "Valmiera", "Ogre", "Cēsis", "Tukums", "Salaspils", "Kuldīga", "Sigulda", "Olaine",
    "Saldus", "Talsi", "Dobele", "Krāslava", "Bauska", "Ludza", "Līvāni", "Gulbene", "Madona",
)  # fmt: skip
NAMES = (
    "Jānis", "Andris", "Juris", "Edgars", "Māris", "Mārtiņš", "Anna", "Kristīne", "Inese", "Ilze",
    "Līga", "Dace", "Александр", "Сергей", "Елена", "Наталья", "Ольга", "Иван", "Artūrs", "Aija",
)  # fmt: skip
SURNAMES = (
    "Bērziņš", "Kalniņš", "Ozoliņš", "Jansons", "Liepiņš", "Krūmiņš", "Balodis", "Eglītis",
    "Zariņš", "Pētersons", "Vītols", "Kļaviņš", "Kārkliņš", "Vanags", "Иванов", "Петров",
    "Смирнов", "Кузнецов", "Šmits", "Dreimane",
)  # fmt: skip
NOTES = (
    "zvana", "deg", "māja", "dūmi", "dzīvoklis", "cietušais", "sāp", "sirds", "elpo", "bezsamaņā",
    "avārija", "automašīna", "kritis", "asiņo", "kaujas", "zagļi", "dzēris", "bērns", "sieviete",
    "vīrietis", "kāpnes", "trešais", "stāvs", "ieeja", "pagalms", "kods", "suns", "ugunsgrēks",
    "garāža", "mežs", "kūla", "ceļš", "grāvis", "saduras", "krustojums", "bojāta", "gāze", "smaka",
    "lifts", "iesprūdis", "ūdens", "ledus", "slīkst", "pazudis", "meklē", "policija", "ātrā",
    "брат", "пожар", "дым", "плохо", "сердце", "драка", "авария", "человек", "лежит", "улица",
    "подъезд", "дверь", "ребёнок", "запах", "газа", "noreibis", "krampji", "diabēts", "alerģija",
    "smadzenes", "insults", "apdegums", "lūzums", "traucē", "troksnis", "kaimiņš", "draudi",
)  # fmt: skip
TYPES = tuple(
    f"{branch}-{leaf}" for branch in ("fire", "medical", "police", "traffic") for leaf in range(12)
)
PLATES = "ABCDEFGHIJKLMNOPRSTUVZ"
VIN = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


class Centre:
    """Makes up cards, always the same ones for a seed and a count."""

    def __init__(self, cards: int) -> None:
        self.cards = cards
        self.random = random.Random(f"cards {cards}")
        self.rare = [self._rare_word() for _ in range(max(200, cards // 20))]
        """Words of which each stands on some ten cards: farms, nicknames, spelling mistakes."""
        self.sample: list[Mapping[str, Any]] = []
        """Some of the cards, to be looked for."""
        # As in real texts the n-th most common word is n times as rare as the first.
        self._weights = [1 / (rank + 2) for rank in range(len(NOTES))]

    def batches(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """The cards, oldest first."""
        for begin in range(0, self.cards, BATCH):
            yield [self.card(index) for index in range(begin, min(begin + BATCH, self.cards))]

    def card(self, index: int) -> Mapping[str, Any]:
        """The card with the so many-th number."""
        draw = self.random
        street, town = draw.choice(STREETS), draw.choice(TOWNS)
        address = f"{street} {draw.randint(1, 180)}-{draw.randint(1, 90)}, {town}"
        words = draw.choices(NOTES, self._weights, k=draw.randint(4, 16))
        if draw.random() < 0.6:
            words.append(draw.choice(self.rare))
        made = {
            "index": index,
            "incident_id": str(uuid.UUID(int=draw.getrandbits(128), version=4)),
            "opened_at": NEWEST - BETWEEN_CARDS * (self.cards - index),
            "number": f"2026-{index + 1:06d}",
            "caller": f"+3712{draw.randrange(10**7):07d}",
            "second": f"+3712{draw.randrange(10**7):07d}" if draw.random() < 0.15 else None,
            "agent": f"agent-{draw.randrange(AGENTS)}",
            "notes": " ".join(words),
            "street": street,
            "town": town,
            "address": address,
            "code": f"{100_000_000 + draw.randrange(560_000)}",
            "type": draw.choice(TYPES),
            "person": f"{draw.choice(NAMES)} {draw.choice(SURNAMES)}",
            "plate": "".join(draw.choices(PLATES, k=2)) + f"-{draw.randint(1, 9999)}",
            "vin": "".join(draw.choices(VIN, k=17)),
            "latitude": draw.uniform(55.7, 58.0),
            "longitude": draw.uniform(21.0, 28.2),
        }
        if draw.random() < 5_000 / self.cards:
            self.sample.append(made)
        return made

    def _rare_word(self) -> str:
        syllables = (
            "ka",
            "le",
            "pu",
            "ri",
            "to",
            "mež",
            "kaln",
            "ziem",
            "vec",
            "jaun",
            "up",
            "sil",
        )
        return "".join(self.random.choices(syllables, k=4)) + self.random.choice(("i", "as", "ēni"))


def incident_rows(made: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The card's own row."""
    return [
        {
            "incident_id": made["incident_id"],
            "number": made["number"],
            "opened_at": made["opened_at"],
            "notes_text": made["notes"],
            "notes_folded": folded(made["notes"]),
            "notes_version": 1,
            "type_code": made["type"],
            "address_text": made["address"],
            "latitude": made["latitude"],
            "longitude": made["longitude"],
            "radius_m": 30.0,
        }
    ]


def contact_rows(made: Mapping[str, Any], cards: int) -> Sequence[Mapping[str, Any]]:
    """One contact, of some cards two."""
    at = made["opened_at"]
    ended = None if made["index"] >= cards - OPEN else at + timedelta(seconds=90)
    return [
        {
            "contact_id": f"{made['incident_id'][:-1]}{number}",
            "incident_id": made["incident_id"],
            "medium": "voice",
            "direction": "inbound",
            "queue": "emergency",
            "priority": 5,
            "caller_number": caller,
            "caller_digits": digits_of(caller),
            "caller_number_hidden": False,
            "called_number": "112",
            "arrived_at": at + timedelta(seconds=number),
            "answered_at": at + timedelta(seconds=5),
            "ended_at": ended,
            "agent_id": made["agent"],
            "outcome": "ended",
        }
        for number, caller in enumerate((made["caller"], made["second"]))
        if caller is not None
    ]


def field_rows(made: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Address and type of all cards, a person of half of them, a vehicle of every fifth."""
    values: dict[str, object] = {
        "type": made["type"],
        "address": {"text": made["address"], "code": made["code"]},
    }
    if made["index"] % 2 == 0:
        values["person:" + made["incident_id"]] = {"role": "patient", "name": made["person"]}
    if made["index"] % 5 == 0:
        values["vehicle:" + made["incident_id"]] = {"plate": made["plate"], "vin": made["vin"]}
    return [
        {
            "incident_id": made["incident_id"],
            "name": name,
            "value": value,
            "version": 1,
            "saved_at": made["opened_at"],
            "author": "anna",
        }
        for name, value in values.items()
    ]


def agent_rows() -> Sequence[Mapping[str, Any]]:
    """The call takers' seats."""
    names = [f"{first} {last}" for first in NAMES for last in SURNAMES]
    return [
        {
            "agent_id": f"agent-{number}",
            "name": names[number * 3],
            "extension": str(2_000 + number),
            "device": "sip",
            "sip_password": "x" * 32,
        }
        for number in range(AGENTS)
    ]


def load_sqlite(url: str, centre: Centre) -> None:
    """Load everything in one transaction."""
    engine = db.make_engine(url, timeout_s=REQUEST_TIMEOUT_S)
    with engine.begin() as connection:
        connection.execute(insert(AgentRow), list(agent_rows()))
        for batch in centre.batches():
            for table, rows in rows_of(batch, centre.cards).items():
                connection.execute(insert(table).inline(), rows)
    engine.dispose()


def load_postgresql(url: str, centre: Centre) -> None:
    """Load everything by COPY."""
    engine = db.make_engine(url, timeout_s=REQUEST_TIMEOUT_S)
    with engine.begin() as connection:
        connection.execute(insert(AgentRow), list(agent_rows()))
    with closing(engine.raw_connection()) as raw:
        connection_now: psycopg.Connection[Any] = raw.driver_connection  # type: ignore[assignment]
        for batch in centre.batches():
            for table, rows in rows_of(batch, centre.cards).items():
                copy_rows(connection_now, table.__tablename__, rows)
        connection_now.commit()
    engine.dispose()


def copy_rows(
    connection: "psycopg.Connection[Any]", table: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Copy rows that have the same columns."""
    names = list(rows[0])
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN".encode()) as copy,
    ):
        for row in rows:
            copy.write_row(
                [json.dumps(row[name]) if name == "value" else row[name] for name in names]
            )


def rows_of(
    batch: Sequence[Mapping[str, Any]], cards: int
) -> Mapping[Any, list[Mapping[str, Any]]]:
    """The rows of some cards by their table."""
    return {
        IncidentRow: [row for made in batch for row in incident_rows(made)],
        ContactRow: [row for made in batch for row in contact_rows(made, cards)],
        FieldRow: [row for made in batch for row in field_rows(made)],
    }


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


async def ask_all(url: str, centre: Centre, queries: int) -> dict[str, object]:
    """Ask every kind of query, the kinds in turns."""
    database = Database(url, request_timeout_s=REQUEST_TIMEOUT_S)
    store = CardStore(database)
    took: dict[str, list[float]] = {name: [] for name in KINDS}
    found: dict[str, list[int]] = {name: [] for name in KINDS}
    draw = random.Random(112)
    try:
        for round_number in range(-5, queries):
            for name, kind in KINDS.items():
                ask = kind(draw, centre)
                started = time.perf_counter()
                page = await store.search(ask.q, limit=PAGE, before=ask.before, wanted=ask.wanted)
                if round_number >= 0:  # the first rounds connect and compile
                    took[name].append(time.perf_counter() - started)
                    found[name].append(len(page))
    finally:
        await database.close()
    everything = [seconds for each in took.values() for seconds in each]
    return {
        "ms": percentiles(everything),
        "by_kind": {
            name: percentiles(took[name]) | {"found": round(statistics.mean(found[name]), 1)}
            for name in KINDS
        },
    }


def measure(url: str, options: argparse.Namespace, size: Callable[[], int]) -> dict[str, object]:
    """Build one database and ask it."""
    centre = Centre(options.cards)
    command.upgrade(db.alembic_config(url), BEFORE_SEARCH)
    started = time.perf_counter()
    (load_sqlite if url.startswith("sqlite") else load_postgresql)(url, centre)
    loaded = time.perf_counter()
    loaded_size = size()
    db.upgrade(url)
    migrated = time.perf_counter()
    if not url.startswith("sqlite"):
        analyze(url)
    line: dict[str, object] = {
        "load_s": round(loaded - started, 1),
        "migrate_s": round(migrated - loaded, 1),
        "size_mb": {"cards": loaded_size // 10**6, "with_search": size() // 10**6},
    }
    return line | asyncio.run(ask_all(url, centre, options.queries))


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
    """Run a server of our own."""
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.cards", description=__doc__)
    parser.add_argument("--cards", type=int, default=CARDS)
    parser.add_argument("--queries", type=int, default=QUERIES, help="of each kind")
    parser.add_argument("--on", choices=("sqlite", "postgresql"), help="only there")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    line: dict[str, object] = {
        "bench": "cards",
        "cards": options.cards,
        "queries": options.queries * len(KINDS),
        "load": round(os.getloadavg()[0], 1),
    }
    if options.on != "postgresql":
        with tempfile.TemporaryDirectory(prefix="ccserver-bench-") as name:
            folder = Path(name)
            line["sqlite"] = measure(
                f"sqlite:///{folder}/bench.db", options, lambda: folder_size(folder)
            )
    if options.on != "sqlite" and BINARIES:
        with (
            tempfile.TemporaryDirectory(prefix="ccserver-pg-") as name,
            postgresql(Path(name)) as cluster,
        ):
            cluster.execute("CREATE DATABASE bench")
            line["postgresql"] = measure(
                cluster.url("bench"), options, lambda: folder_size(cluster.data / "base")
            )
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
