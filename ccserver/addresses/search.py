"""Finds addresses by what was typed, best first.

Words are looked for among streets, places and named houses (``docs``), each word from its
beginning; the hits are few hundred, and are ranked (`ranking`). A house number is then looked up in
the streets that were found.

Only where nothing is found, words are taken with one mistake in them; and where there is still
nothing, each word in turn is left out, so that one wrong word (another town, a farm nobody
registered) does not leave the call taker with nothing.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ccserver.addresses.query import Query, Reading, Term, parse
from ccserver.addresses.ranking import (
    FLAT_FOUND,
    FORMER,
    GONE,
    HOUSE_FOUND,
    HOUSE_MISSING,
    POSTCODE_SAME,
    Ranking,
    natural,
    worth_of_number,
)
from ccserver.addresses.register import split_first
from ccserver.addresses.rows import Row, flat_address, rows_of
from ccserver.addresses.schema import BUILDING, STREET, cells_around
from ccserver.addresses.typos import corrected
from ccserver.addresses.values import Address
from ccserver.location import Position

CANDIDATES_MAX = 400
"""Docs that are ranked for one reading; there are about 400 Skolas iela in Latvia."""

STREETS_MAX = 200
"""In which a house number is looked up."""

HOUSES_MAX = 300
"""Of all those streets together: with that number, and with a longer one that begins like it."""

NAMED_HOUSES_MAX = 50
"""In which a flat is looked up."""

WORDS_LEFT_OUT_MAX = 4
"""Longer texts are not tried with fewer words: each try is a look into the index."""

NUMBER_END = "\x7f"
"""Sorts behind every character of a house number's key."""

SPARE = 2
"""So many times the answers that are wanted are sorted by their text, too."""


@dataclass(frozen=True, slots=True)
class _Street:
    """A street in which a house number is looked up; ``score`` is without its own nearness."""

    score: float
    old: int
    former: str | None


@dataclass(frozen=True, slots=True)
class _House:
    """A building that was found in it, under this name."""

    id: int
    score: float
    former: str | None


Flat = tuple[str, int] | None
"""Name and code."""
Hit = tuple[float, int, str | None, Flat]
"""Score, id in ``addresses``, former name, and the flat in it where that is meant."""
Candidate = tuple[float, float, int, int, int, int, str | None]
"""Score without and with its nearness, id, code, kind, whether it is gone, former name."""


def search(
    database: sqlite3.Connection, text: str, *, limit: int, near: Position | None = None
) -> list[Address]:
    """At most ``limit`` addresses for ``text``, best first. Any text will do."""
    query = parse(text)
    if query.code is not None:
        return by_code(database, query.code, near)
    found = _Search(database, query, near)
    found.look(query.readings)
    if not found.hits:
        mended = (_mended(database, reading) for reading in query.readings)
        found.look([one for one in mended if one is not None])
    if not found.hits:
        found.look([one for reading in query.readings for one in _without_one(reading)])
    if not query.readings and query.postcode:
        found.look_by_postcode(query.postcode, limit)
    return found.best(limit)


def by_code(database: sqlite3.Connection, code: int, near: Position | None = None) -> list[Address]:
    """The address of that code, if there is one."""
    found = rows_of(database, "FROM addresses a WHERE a.code = ?", (code,))
    if found:
        return [found[0].address(near)]
    flat = database.execute("SELECT building, name FROM flats WHERE code = ?", (code,)).fetchone()
    if flat is None:
        return []
    building = rows_of(database, "FROM addresses a WHERE a.id = ?", (flat[0],))[0]
    return [flat_address(building, flat[1], code, near, None)]


class _Search:
    """One search: what was found so far, each address with the best score that it has got."""

    def __init__(self, database: sqlite3.Connection, query: Query, near: Position | None) -> None:
        self.hits: dict[tuple[int, Flat], Hit] = {}
        self._database = database
        self._query = query
        self._near = near

    def look(self, readings: Iterable[Reading]) -> None:
        """Add what each of the readings finds."""
        for reading in readings:
            ranking = Ranking(self._query, reading.terms, self._near)
            candidates = self._candidates(reading, ranking)
            if reading.house is not None:
                self._find_houses(reading, ranking, candidates)
            missing = HOUSE_MISSING if reading.house is not None else 0.0
            for _, score, ident, _, _, _, former in candidates:
                self._keep(score + missing, ident, former)

    def look_by_postcode(self, postcode: str, limit: int) -> None:
        """Add some buildings with that postcode."""
        where = "FROM addresses a WHERE a.postcode = ? AND a.kind = ? AND NOT a.old LIMIT ?"
        ranking = Ranking(self._query, (), self._near)
        for row in rows_of(self._database, where, (postcode, BUILDING, limit)):
            self._keep(ranking.nearness(row.lat, row.lon), row.id, None)

    def best(self, limit: int) -> list[Address]:
        """What stands at the top; what is equal sorted by its text."""
        hits = sorted(self.hits.values(), key=lambda hit: (-hit[0], hit[1]))[: limit * SPARE]
        idents = json.dumps(list({hit[1] for hit in hits}))
        where = "FROM json_each(?) j CROSS JOIN addresses a ON a.id = j.value"
        rows = {row.id: row for row in rows_of(self._database, where, (idents,))}
        found = []
        for score, ident, former, flat in hits:
            row = rows[ident]
            address = row.address(self._near, former)
            if flat is not None:
                address = flat_address(row, *flat, self._near, former)
            found.append((score, address))
        found.sort(key=lambda hit: (-hit[0], natural(hit[1].text)))
        return [address for _, address in found[:limit]]

    def _keep(self, score: float, ident: int, former: str | None, flat: Flat = None) -> None:
        known = self.hits.get((ident, flat))
        if known is None or known[0] < score:
            self.hits[ident, flat] = (score, ident, former, flat)

    # -- streets, places, named houses ------------------------------------------------------------

    def _candidates(self, reading: Reading, ranking: Ranking) -> list[Candidate]:
        """Best first."""
        match = _match(reading.terms)
        asked = [match]
        if self._near is not None:
            squares = " OR ".join(cells_around(self._near.latitude, self._near.longitude))
            asked.append(f"{match} AND cell : ({squares})")
        found: dict[int, Candidate] = {}
        for text in asked:
            for (
                doc,
                ident,
                code,
                kind,
                old,
                weight,
                lat,
                lon,
                name,
                place,
                former,
            ) in self._database.execute(
                "SELECT d.id, a.id, a.code, a.kind, a.old, a.weight, a.lat, a.lon,"
                " d.name, d.place, d.former"
                # Hits come in the order of ids, which is that of importance.
                " FROM (SELECT rowid FROM found WHERE found MATCH ? ORDER BY rowid LIMIT ?) f"
                " CROSS JOIN docs d ON d.id = f.rowid"
                " CROSS JOIN addresses a ON a.id = d.address",
                (text, CANDIDATES_MAX),
            ):
                if doc not in found:
                    score = ranking.score(name, place, kind, weight, old, former)
                    nearness = ranking.nearness(lat, lon)
                    found[doc] = (score, score + nearness, ident, code, kind, old, former)
        return sorted(found.values(), key=lambda one: (-one[1], one[2]))

    # -- house numbers and flats ------------------------------------------------------------------

    def _find_houses(
        self, reading: Reading, ranking: Ranking, candidates: Sequence[Candidate]
    ) -> None:
        streets: dict[int, list[_Street]] = {}
        named = 0
        for score, near_score, ident, code, kind, old, former in candidates:
            if kind == STREET and len(streets) < STREETS_MAX:
                streets.setdefault(code, []).append(_Street(score, old, former))
            elif kind == BUILDING and reading.flat is not None and named < NAMED_HOUSES_MAX:
                named += 1
                self._keep_flats(reading, _House(ident, near_score, former))
        codes, house = json.dumps(list(streets)), reading.house or ""
        self._find_by_number(reading, ranking, streets, codes, house)
        self._find_by_former_number(reading, ranking, streets, codes, house)

    def _find_by_number(
        self,
        reading: Reading,
        ranking: Ranking,
        streets: dict[int, list[_Street]],
        codes: str,
        house: str,
    ) -> None:
        # The streets come in the order of their rank, so the bound cuts off the worst.
        of_streets = "FROM json_each(?) s CROSS JOIN addresses a ON a.parent = s.value WHERE "
        exact = rows_of(
            self._database, f"{of_streets} a.number = ? LIMIT ?", (codes, house, HOUSES_MAX)
        )
        longer = rows_of(
            self._database,
            f"{of_streets} a.number > ? AND a.number < ? LIMIT ?",
            (codes, house, house + NUMBER_END, HOUSES_MAX),
        )
        for row in (*exact, *longer):
            for street in streets[row.parent]:
                worth = worth_of_number(house, row.number or house)
                former = None
                if street.former is not None:
                    former = f"{street.former}{self._number_in(row)}"
                self._keep_house(reading, ranking, street, row, street.score + worth, former)

    def _find_by_former_number(
        self,
        reading: Reading,
        ranking: Ranking,
        streets: dict[int, list[_Street]],
        codes: str,
        house: str,
    ) -> None:
        for code, ident, former in self._database.execute(
            "SELECT n.street, n.building, n.former FROM json_each(?) s"
            " CROSS JOIN former_numbers n ON n.street = s.value WHERE n.number = ? LIMIT ?",
            (codes, house, HOUSES_MAX),
        ).fetchall():
            row = rows_of(self._database, "FROM addresses a WHERE a.id = ?", (ident,))[0]
            for street in streets[code]:
                score = street.score + HOUSE_FOUND + (FORMER if street.former is None else 0.0)
                self._keep_house(reading, ranking, street, row, score, former)

    def _number_in(self, row: Row) -> str:
        """The end of the house's name behind that of its street: `` 15A``."""
        streets = rows_of(self._database, "FROM addresses a WHERE a.code = ?", (row.parent,))
        now = split_first(streets[0].text)[0] if streets else ""
        return split_first(row.text)[0].removeprefix(now)

    def _keep_house(  # noqa: PLR0917
        self,
        reading: Reading,
        ranking: Ranking,
        street: _Street,
        row: Row,
        score: float,
        former: str | None,
    ) -> None:
        score += ranking.nearness(row.lat, row.lon)
        if row.old and not street.old:
            score += GONE
        if self._query.postcode is not None and row.postcode == self._query.postcode:
            score += POSTCODE_SAME
        self._keep(score, row.id, former)
        if reading.flat is not None:
            self._keep_flats(reading, _House(row.id, score, former))

    def _keep_flats(self, reading: Reading, house: _House) -> None:
        for name, code in self._database.execute(
            "SELECT name, code FROM flats WHERE building = ? AND number = ?",
            (house.id, reading.flat),
        ):
            self._keep(house.score + FLAT_FOUND, house.id, house.former, (name, code))


def _match(terms: Sequence[Term]) -> str:
    """The words as FTS5 is asked for them. They hold letters and digits only."""
    asked = []
    for term in terms:
        spellings = " OR ".join(
            f'"{word}"' if word.isdigit() else f'"{word}" *' for word in term.spellings
        )
        asked.append(f"({spellings})")
    return f"{{name place}} : ({' AND '.join(asked)})"


def _mended(database: sqlite3.Connection, reading: Reading) -> Reading | None:
    """The reading with words like those typed beside them; ``None`` if there are none."""
    terms = tuple(
        Term((*term.spellings, *corrected(database, term.spellings))) for term in reading.terms
    )
    return Reading(terms, reading.house, reading.flat) if terms != reading.terms else None


def _without_one(reading: Reading) -> list[Reading]:
    """The reading without one of its words, each in turn; a number alone is no word."""
    if not 1 < len(reading.terms) <= WORDS_LEFT_OUT_MAX:
        return []
    shorter = (
        reading.terms[:place] + reading.terms[place + 1 :] for place in range(len(reading.terms))
    )
    return [
        Reading(terms, reading.house, reading.flat)
        for terms in shorter
        if any(not word.isdigit() for term in terms for word in term.spellings)
    ]
