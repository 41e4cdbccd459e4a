"""Addresses: how long an index takes to build, how large it is, and how quick its searches are.

Run as ``python -m bench.addresses``; prints one JSON line. The register is made up
(`ccserver.addresses.write_sample`) with as many buildings as the real one has. Each kind of search
types real names of the index in its own way: ``two_letters`` their first two, ``cyrillic`` as a
Russian speaker spells them, and so on; ``typing`` is every step of somebody who types a street
with a number, letter by letter. ``found`` is the share of searches whose wanted answer stood among
the first ten.

The searches run in this process, one after another, on an index that was just built (its pages are
in memory, as they are after a minute of use).
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccserver.addresses import AddressIndex, import_register, write_sample
from ccserver.addresses.index import open_index
from ccserver.addresses.text import fold
from ccserver.location import Position
from sim.scenarios.latency import percentiles

COUNT = 560_000
QUERIES = 300
LIMIT = 10
TIMEOUT_S = 30.0
"""Slow searches are measured, not cut off."""

PAIRS = {"ja": "я", "ju": "ю", "ļ": "ль", "ņ": "нь"}
LETTERS = str.maketrans("āabcčdeēfgģhiījkķlmnoprsštuūvzž", "аабцчдеефггхиийкклмнопрсштуувзж")
"""See `ccserver.addresses.cyrillic` for the way back."""


@dataclass(frozen=True, slots=True)
class House:
    """A building on a street of the index."""

    code: str
    street: str
    number: str
    town: str
    lat: float
    lon: float


def houses(path: Path, chance: random.Random, count: int) -> list[House]:
    """Existing houses on streets, at random."""
    database = open_index(path)
    first, last = database.execute(
        "SELECT min(id), max(id) FROM addresses WHERE kind = 2"
    ).fetchone()
    found: list[House] = []
    while len(found) < count:
        row = database.execute(
            "SELECT a.code, s.text, a.number, a.lat, a.lon FROM addresses a"
            " JOIN addresses s ON s.code = a.parent"
            " WHERE a.id = ? AND a.number IS NOT NULL AND NOT a.old AND a.lat IS NOT NULL",
            (chance.randint(first, last),),
        ).fetchone()
        if row is not None:
            street, town, *_ = row[1].split(", ")
            found.append(House(f"{row[0]:09d}", street, row[2], town, row[3], row[4]))
    database.close()
    return found


def former_streets(path: Path, chance: random.Random, count: int) -> list[str]:
    """Former names of streets, with their towns."""
    database = open_index(path)
    rows = database.execute(
        "SELECT d.former || ' ' || d.place FROM docs d JOIN addresses a ON a.id = d.address"
        " WHERE d.former IS NOT NULL AND a.kind = 1"
    ).fetchall()
    database.close()
    return [chance.choice(rows)[0] for _ in range(count)]


def cyrillic(text: str) -> str:
    """A Latvian name as a Russian speaker would type it."""
    typed = text.lower()
    for latin, letters in PAIRS.items():
        typed = typed.replace(latin, letters)
    return typed.translate(LETTERS)


def misspelt(text: str, chance: random.Random) -> str:
    """Two neighbouring letters of the first word have changed places."""
    word, _, rest = text.partition(" ")
    if len(word) < 5:
        return text
    at = chance.randrange(1, len(word) - 2)
    return f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]} {rest}"


def measure(
    ask: Callable[[str], Sequence[str]], questions: Sequence[tuple[str, str | None]]
) -> dict[str, object]:
    """Times and processor times of all questions, and how often the answer held what was wanted."""
    took, computed, hits, wanted_at_all = [], [], 0, 0
    for text, wanted in questions:
        began, computing = time.perf_counter(), time.thread_time()
        codes = ask(text)
        took.append(time.perf_counter() - began)
        computed.append(time.thread_time() - computing)
        if wanted is not None:
            wanted_at_all += 1
            hits += wanted in codes
    cpu = percentiles(computed)
    measured: dict[str, object] = {
        **percentiles(took),
        "cpu": {name: cpu[name] for name in ("p50", "p95", "max")},
    }
    if wanted_at_all:
        measured["found"] = round(hits / wanted_at_all, 3)
    return measured


def questions(
    path: Path, chance: random.Random, count: int
) -> dict[str, list[tuple[str, str | None]]]:
    """What is typed, by kind, with the code that is wanted."""
    some = houses(path, chance, count)
    exact = [(f"{h.street} {h.number} {h.town}", h.code) for h in some]
    typed = [f"{h.street.split()[0]} {h.number} {h.town}" for h in some[: max(1, count // 10)]]
    return {
        "two_letters": [(h.street[:2], None) for h in some],
        "three_letters": [(h.street[:3], None) for h in some],
        "street": [(h.street, None) for h in some],
        "street_number": [(f"{h.street} {h.number}", None) for h in some],
        "street_number_town": list(exact),
        "any_order": [(f"{h.number} {h.town} {h.street}", h.code) for h in some],
        "town": [(h.town, None) for h in some],
        "no_diacritics": [(fold(text), code) for text, code in exact],
        "cyrillic": [(cyrillic(f"{h.street} {h.number} {h.town}"), h.code) for h in some],
        "former_name": [(text, None) for text in former_streets(path, chance, count)],
        "misspelt": [(misspelt(text, chance), code) for text, code in exact],
        "typing": [(text[:end], None) for text in typed for end in range(2, len(text) + 1)],
    }


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.addresses", description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="buildings")
    parser.add_argument("--queries", type=int, default=QUERIES, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="use this index, or make it there")
    options = parser.parse_args()
    line: dict[str, object] = {"bench": "addresses", "load": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory(prefix="ccserver-bench-") as name:
        path = options.keep or Path(name) / "addresses.db"
        if not path.exists():
            write_sample(Path(name), count=options.count, seed=options.seed)
            began = time.perf_counter()
            info = import_register(Path(name), path, progress=lambda *_: None).info
            line["build_s"] = round(time.perf_counter() - began, 1)
            line["holds"] = {
                what: getattr(info, what)
                for what in ("buildings", "flats", "streets", "places", "former_names")
            }
        line["megabytes"] = round(path.stat().st_size / 1e6)
        index = AddressIndex(path, timeout_s=TIMEOUT_S)
        index.search("rīga", limit=1)

        def ask(text: str, near: Position | None = None) -> list[str]:
            return [one.code for one in index.search(text, limit=LIMIT, near=near)]

        chance = random.Random(options.seed)
        asked = questions(path, chance, options.queries)
        searches = {kind: measure(ask, list(texts)) for kind, texts in asked.items()}
        places = {f"{h.lat},{h.lon}": h for h in houses(path, chance, options.queries)}
        searches["near_caller"] = measure(
            lambda text: ask(
                f"{places[text].street[:4]}", Position(places[text].lat, places[text].lon)
            ),
            [(text, None) for text in places],
        )
        line["search_ms"] = searches
        line["reverse_ms"] = measure(
            lambda text: [
                one.code
                for one in index.near(
                    Position(places[text].lat, places[text].lon), limit=5
                ).addresses
            ],
            [(text, house.code) for text, house in places.items()],
        )
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
