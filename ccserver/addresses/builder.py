"""Reads the register into a new index file; what is wrong in it is counted and left out."""

import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from ccserver.addresses import register
from ccserver.addresses.csv_rows import read_rows
from ccserver.addresses.query import house_key
from ccserver.addresses.register import Place, RowWrong
from ccserver.addresses.schema import BUILDING, INDEXES, PLACE, STREET, TABLES, cell
from ccserver.addresses.source import Source
from ccserver.addresses.text import words_of
from ccserver.location import LocationInvalid, Position
from ccserver.location.lks92 import from_lks92, to_lks92

PROBLEMS_LISTED_MAX = 200
"""Rows that are named with file and line; more than that nobody reads."""

BATCH = 5_000
FIRST_BUILDING = 1_000_000
FIRST_NAMED_DOC, FIRST_FORMER_DOC, FIRST_OLD_DOC = 1_000_000, 10_000_000, 20_000_000
"""Ids are ranks: streets and places, then named houses, then former names, then what is gone."""

INSERT_ADDRESS = "INSERT INTO addresses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

WORD_CHARS_MIN = 4
"""Shorter words are not searched for with a mistake in them: too many others are one letter off."""

Progress = Callable[[str, int, int], None]
"""Is told the file, the bytes read and the bytes in all."""


@dataclass(slots=True)
class Problems:
    """Rows left out: how many for which reason, and the first of them."""

    listed: list[tuple[str, int, str]] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, file: str, line: int, reason: str) -> None:
        """Count one, and list it unless there are many."""
        self.counts[file, reason] += 1
        if len(self.listed) < PROBLEMS_LISTED_MAX:
            self.listed.append((file, line, reason))

    @property
    def total(self) -> int:
        """Rows left out."""
        return sum(self.counts.values())


@dataclass(slots=True)
class Tally:
    """What was read."""

    rows: int = 0
    errors_of_register: int = 0
    """Rows that the register itself marks as mistakes (``ERR``)."""
    buildings: int = 0
    with_coordinates: int = 0
    flats: int = 0
    former_names: int = 0


class Builder:
    """Fills an empty database from a source; see `schema` for what comes out."""

    def __init__(
        self, database: sqlite3.Connection, source: Source, problems: Problems, progress: Progress
    ) -> None:
        self.database = database
        self.source = source
        self.problems = problems
        self.tally = Tally()
        self._progress = progress
        self._places: dict[int, Place] = {}
        self._buildings: dict[int, int] = {}
        self._words: Counter[str] = Counter()

    def build(self) -> None:
        """Read everything; raises `ImportRefused` if a file cannot be used at all."""
        self.database.executescript(TABLES + "BEGIN;")
        self._read_places()
        self._read_place_history()
        self._read_centroids()
        self._read_buildings()
        self._read_flats()
        self._write_places()
        self._write_words()
        self.database.executescript(INDEXES + "BEGIN;")  # commits what was begun before
        self._read_building_history()
        self._progress("positions", 0, 0)
        self.database.execute(
            "INSERT INTO positions SELECT id, lat, lat, lon, lon FROM addresses"
            " WHERE kind = ? AND NOT old AND lat IS NOT NULL"
            # Neighbours that come one after another share the tree's pages.
            " ORDER BY CAST(lat * 50 AS INTEGER), lon",
            (BUILDING,),
        )
        self.database.execute("INSERT INTO found (found) VALUES ('optimize')")
        self.database.execute("ANALYZE")
        self.database.execute("COMMIT")

    @property
    def streets(self) -> int:
        """Existing streets."""
        return sum(p.type == register.STREET and not p.old for p in self._places.values())

    @property
    def places(self) -> int:
        """Existing towns, villages, parishes, municipalities."""
        return sum(p.type != register.STREET and not p.old for p in self._places.values())

    # -- reading ----------------------------------------------------------------------------------

    def _rows(
        self, name: str, wanted: Sequence[str], optional: Sequence[str] = ()
    ) -> Iterator[tuple[Callable[[str], None], list[str]]]:
        """Each row with what to call if it turns out to be wrong."""
        if not self.source.has(name):
            return
        total, file_name = self.source.size(name), f"{name}.csv"
        self._progress(file_name, 0, total)

        def told(line: int, reason: str) -> None:
            self.tally.rows += 1
            self.problems.add(file_name, line, reason)

        with self.source.open(name) as file:
            for count, (line, values) in enumerate(
                read_rows(file, file_name, wanted, optional, told)
            ):
                self.tally.rows += 1
                yield partial(self.problems.add, file_name, line), values
                if count % BATCH == 0:
                    self._progress(file_name, file.tell(), total)
        self._progress(file_name, total, total)

    def _read_places(self) -> None:
        for name in register.PLACE_FILES:
            for wrong, values in self._rows(name, register.PLACE_COLUMNS):
                try:
                    self._add_place(*values)
                except RowWrong as error:
                    wrong(str(error))
        for code, place in list(self._places.items()):
            try:
                around = register.chain(code, self._places)
            except RowWrong as error:
                self.problems.add("places", 0, str(error))
                place.parent, around = 0, [place]
            place.text = place.text or ", ".join(each.name for each in around)

    def _add_place(  # noqa: PLR0917 - in the order of the columns
        self, kods: str, tips: str, statuss: str, vkur: str, nosaukums: str, std: str
    ) -> None:
        old = register.is_old(statuss)
        if old is None:
            self.tally.errors_of_register += 1
            return
        code, name = register.code_of(kods), register.name_of(nosaukums)
        if code in self._places:
            raise RowWrong("the code occurs twice")
        if not (tips.strip().isascii() and tips.strip().isdigit()) or len(tips) > 4:
            raise RowWrong("TIPS_CD is not a number")
        self._places[code] = Place(
            code, int(tips), name, register.parent_of(vkur), old, register.text_of(std)
        )

    def _read_place_history(self) -> None:
        for name in register.PLACE_FILES:
            for wrong, values in self._rows(
                f"{name}_his", register.HISTORY_COLUMNS, register.HISTORY_OPTIONAL
            ):
                kods, std, nosaukums, *_ = values
                try:
                    place = self._places.get(register.code_of(kods))
                except RowWrong as error:
                    wrong(str(error))
                    continue
                if place is not None:
                    place.renamed(register.former_name(nosaukums, std)[: register.TEXT_CHARS_MAX])
                    _, rest = register.split_first(register.text_of(std))
                    place.former_places.update(words_of(rest))

    def _read_centroids(self) -> None:
        columns = register.CENTROID_COLUMNS
        for wrong, values in self._rows("aw_vietu_centroidi", columns):
            try:
                place = self._places.get(register.code_of(values[0]))
            except RowWrong as error:
                wrong(str(error))
                continue
            if place is not None:
                place.lat, place.lon, place.x, place.y = _position(*values[1:])

    def _read_buildings(self) -> None:
        columns = register.BUILDING_COLUMNS
        rows: list[tuple[object, ...]] = []
        docs: list[tuple[int, int, Sequence[str], str, str, str]] = []
        for wrong, values in self._rows("aw_eka", columns, register.COORDINATE_COLUMNS):
            try:
                self._add_building(values, rows, docs)
            except RowWrong as error:
                wrong(str(error))
            if len(rows) >= BATCH:
                self._write_buildings(rows, docs)
        self._write_buildings(rows, docs)

    def _add_building(
        self,
        values: list[str],
        rows: list[tuple[object, ...]],
        docs: list[tuple[int, int, Sequence[str], str, str, str]],
    ) -> None:
        kods, statuss, vkur, nosaukums, postcode, std, *coordinates = values
        old = register.is_old(statuss)
        if old is None:
            self.tally.errors_of_register += 1
            return
        code, name, parent = (
            register.code_of(kods),
            register.name_of(nosaukums),
            register.parent_of(vkur),
        )
        if code in self._buildings or code in self._places:
            raise RowWrong("the code occurs twice")
        around = register.chain(parent, self._places)
        if not around:
            raise RowWrong("VKUR_CD names nothing that it could lie in")
        lat, lon, x, y = _position(*coordinates)
        if not old:
            self.tally.buildings += 1
            self.tally.with_coordinates += lat is not None
            for place in around:
                place.holds(lat, lon)
        ident = FIRST_BUILDING + len(self._buildings)
        self._buildings[code] = ident
        on_street = around[0].type == register.STREET
        numbered = on_street and any(character.isdigit() for character in name)
        text = register.text_of(std) or _composed(name, around, postcode.strip())
        rows.append((
            ident, code, BUILDING, parent, house_key(name) if numbered else None, text,
            postcode.strip()[:16] or None, lat, lon, x, y, old, 0,
        ))  # fmt: skip
        if not numbered:
            first = FIRST_OLD_DOC if old else FIRST_NAMED_DOC
            docs.append((first + ident, ident, words_of(name), *_around(around), _cell(lat, lon)))

    def _write_buildings(
        self,
        rows: list[tuple[object, ...]],
        docs: list[tuple[int, int, Sequence[str], str, str, str]],
    ) -> None:
        self.database.executemany(INSERT_ADDRESS, rows)
        for ident, address, name, place, formerly, square in docs:
            self._write_doc(ident, address, name, place, formerly, square, None)
        rows.clear()
        docs.clear()

    def _write_doc(  # noqa: PLR0917
        self,
        ident: int,
        address: int,
        name: Sequence[str],
        place: str,
        formerly: str,
        square: str,
        former: str | None,
    ) -> None:
        self._words.update(word for word in name if len(word) >= WORD_CHARS_MIN)
        joined = " ".join(name)
        self.database.execute(
            "INSERT INTO docs VALUES (?, ?, ?, ?, ?)", (ident, address, joined, place, former)
        )
        self.database.execute(
            "INSERT INTO found (rowid, name, place, cell) VALUES (?, ?, ?, ?)",
            (ident, joined, f"{place} {formerly}", square),
        )

    def _read_flats(self) -> None:
        rows: list[tuple[int, str, str, int]] = []
        codes: set[int] = set()
        for wrong, values in self._rows("aw_dziv", register.FLAT_COLUMNS):
            kods, statuss, vkur, nosaukums = values
            try:
                if register.is_old(statuss) is not False:
                    continue
                code, name = register.code_of(kods), register.name_of(nosaukums)
                building = self._buildings.get(register.parent_of(vkur))
                if building is None:
                    raise RowWrong("VKUR_CD names a building that is not there")
                if code in codes:
                    raise RowWrong("the code occurs twice")
            except RowWrong as error:
                wrong(str(error))
                continue
            codes.add(code)
            rows.append((building, house_key(name), name, code))
            if len(rows) >= BATCH:
                self.database.executemany("INSERT INTO flats VALUES (?, ?, ?, ?)", rows)
                rows.clear()
        self.database.executemany("INSERT INTO flats VALUES (?, ?, ?, ?)", rows)
        self.tally.flats = len(codes)

    def _read_building_history(self) -> None:
        columns, optional = register.HISTORY_COLUMNS, register.HISTORY_OPTIONAL
        for wrong, values in self._rows("aw_eka_his", columns, optional):
            kods, std, nosaukums, vkur, _ = values
            try:
                ident = self._buildings.get(register.code_of(kods))
                parent = register.parent_of(vkur)
            except RowWrong as error:
                wrong(str(error))
                continue
            name = register.former_name(nosaukums, std)[: register.TEXT_CHARS_MAX]
            if ident is not None and words_of(name):
                self._add_former_building(ident, name, parent)

    def _add_former_building(self, ident: int, name: str, parent: int) -> None:
        row = self.database.execute(
            "SELECT parent, number, text, lat, lon FROM addresses WHERE id = ?", (ident,)
        ).fetchone()
        street = self._places.get(parent)
        if street is not None and street.type == register.STREET:
            number = house_key(name)
            if (parent, number) != (row[0], row[1]):
                self.tally.former_names += self.database.execute(
                    "INSERT OR IGNORE INTO former_numbers VALUES (?, ?, ?, ?)",
                    (parent, number, ident, f"{street.name} {name}"),
                ).rowcount
        elif not parent or (street is not None and row[1] is None):
            around = register.chain(row[0], self._places)
            words = words_of(name)
            now, _ = register.split_first(row[2])
            if words == words_of(now):
                return
            known = self.database.execute(
                "SELECT 1 FROM docs WHERE id BETWEEN ? AND ? AND address = ? AND name = ?",
                (FIRST_FORMER_DOC, FIRST_OLD_DOC, ident, " ".join(words)),
            )
            if known.fetchone() is None:
                self._write_former(ident, words, around, _cell(row[3], row[4]), name)

    # -- writing ----------------------------------------------------------------------------------

    def _write_places(self) -> None:
        weights = {place.code: self._weight(place) for place in self._places.values()}
        ranked = sorted(
            self._places.values(), key=lambda place: (place.old, -weights[place.code], place.text)
        )
        for ident, place in enumerate(ranked, 1):
            if place.lat is None and place.located:
                place.lat = round(place.lat_sum / place.located, 6)
                place.lon = round(place.lon_sum / place.located, 6)
                place.x, place.y = _in_lks92(place.lat, place.lon)
            kind = STREET if place.type == register.STREET else PLACE
            self.database.execute(
                INSERT_ADDRESS,
                (
                    ident, place.code, kind, place.parent, None, place.text, None,
                    place.lat, place.lon, place.x, place.y, place.old, weights[place.code],
                ),
            )  # fmt: skip
            around = register.chain(place.parent, self._places)
            square = _cell(place.lat, place.lon)
            self._write_doc(
                FIRST_OLD_DOC + ident if place.old else ident,
                ident,
                words_of(place.name),
                *_around(around, place),
                square,
                None,
            )
            for former in place.former:
                self._write_former(ident, words_of(former), around, square, former)

    def _weight(self, place: Place) -> float:
        """How likely it is meant: by its size, of a street also by that of its town."""
        weight = math.log10(place.buildings + 1)
        around = self._places.get(place.parent)
        if place.type == register.STREET and around is not None:
            weight = (weight + math.log10(around.buildings + 1)) / 2
        return round(weight, 3)

    def _write_former(
        self, ident: int, words: Sequence[str], around: list[Place], square: str, former: str
    ) -> None:
        doc = FIRST_FORMER_DOC + self.tally.former_names
        self._write_doc(doc, ident, words, *_around(around), square, former)
        self.tally.former_names += 1

    def _write_words(self) -> None:
        self._progress("words", 0, 0)
        ranked = self._words.most_common()
        self.database.executemany(
            "INSERT INTO words VALUES (?, ?, ?)",
            ((ident, word, docs) for ident, (word, docs) in enumerate(ranked, 1)),
        )
        self.database.executemany(
            "INSERT INTO parts (rowid, word) VALUES (?, ?)",
            ((ident, word) for ident, (word, _) in enumerate(ranked, 1)),
        )


def _position(
    koord_x: str, koord_y: str, dd_n: str, dd_e: str
) -> tuple[float | None, float | None, float | None, float | None]:
    """WGS84 and LKS-92, the one from the other where only one is there; nothing where neither
    is."""
    lat = register.coordinate(dd_n, register.SOUTH, register.NORTH)
    lon = register.coordinate(dd_e, register.WEST, register.EAST)
    x = register.coordinate(koord_x, register.NORTHING_MIN, register.NORTHING_MAX)
    y = register.coordinate(koord_y, register.EASTING_MIN, register.EASTING_MAX)
    if x is None or y is None:
        if lat is None or lon is None:
            return None, None, None, None
        x, y = _in_lks92(lat, lon)
    elif lat is None or lon is None:
        try:
            found = from_lks92(x, y)
        except LocationInvalid:
            return None, None, None, None
        lat, lon = round(found.latitude, 7), round(found.longitude, 7)
    return lat, lon, x, y


def _in_lks92(lat: float, lon: float) -> tuple[float, float]:
    """To the centimetre; the bounds in `register` are within those of the grid."""
    x, y = to_lks92(Position(lat, lon))
    return round(x, 2), round(y, 2)


def _cell(lat: float | None, lon: float | None) -> str:
    return cell(lat, lon) if lat is not None and lon is not None else ""


def _around(around: Sequence[Place], *more: Place) -> tuple[str, str]:
    """Folded words of what something lies in, and of what it lay in formerly."""
    words = " ".join(" ".join(words_of(place.name)) for place in around)
    formerly: set[str] = set()
    for place in (*more, *around):
        formerly.update(place.former_places)
        for name in place.former if place not in more else ():
            formerly.update(words_of(name))
    return words, " ".join(sorted(formerly - set(words.split())))


def _composed(name: str, around: Sequence[Place], postcode: str) -> str:
    """The full address as the register would write it."""
    if around[0].type == register.STREET:
        parts = [f"{around[0].name} {name}", *(place.name for place in around[1:])]
    else:
        parts = [f'"{name}"', *(place.name for place in around)]
    return ", ".join([*parts, postcode] if postcode else parts)
