"""Makes a register up: in the layout of the real one, shaped like Latvia, and marked as made up.

For demonstrations, trials and measurements; the real register may be imported in its place at any
time. Town names and centres are real. Which house stands where is not.
"""

import csv
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ccserver.addresses import register
from ccserver.addresses import sample_names as names
from ccserver.addresses.source import SYNTHETIC_MARKER
from ccserver.location import Position
from ccserver.location.lks92 import to_lks92

COUNT_MAX = 2_000_000
"""Four times the real register."""

PARISH_SHARE, VILLAGE_SHARE = 0.21, 0.38
"""Of all buildings: single farms, and villages (as in the register). The rest stands in towns."""

FLATS_IN = 0.10
FLATS_MIN, FLATS_MAX = 4, 24
"""Every tenth building has flats."""

ENDINGS = ("u", "iņu", "kalna", "upes")
"""Of streets named after the same things as farms, where the usual names are used up."""

MISSING_POSITION = 0.01
GONE = 0.05
REGISTER_ERRORS = 0.03

PLACE_HEADER = (
    "KODS", "TIPS_CD", "NOSAUKUMS", "VKUR_CD", "VKUR_TIPS", "APSTIPR", "APST_PAK", "STATUSS",
    "SORT_NOS", "DAT_SAK", "DAT_MOD", "DAT_BEIG", "ATRIB", "STD",
)  # fmt: skip
BUILDING_HEADER = (
    "KODS", "TIPS_CD", "STATUSS", "APSTIPR", "APST_PAK", "VKUR_CD", "VKUR_TIPS", "NOSAUKUMS",
    "SORT_NOS", "ATRIB", "PNOD_CD", "DAT_SAK", "DAT_MOD", "DAT_BEIG", "FOR_BUILD", "PLAN_ADR",
    "STD", "KOORD_X", "KOORD_Y", "DD_N", "DD_E",
)  # fmt: skip
FLAT_HEADER = (
    "KODS", "TIPS_CD", "STATUSS", "APSTIPR", "APST_PAK", "VKUR_CD", "VKUR_TIPS", "NOSAUKUMS",
    "SORT_NOS", "ATRIB", "DAT_SAK", "DAT_MOD", "DAT_BEIG", "STD",
)  # fmt: skip
HISTORY_HEADER = (
    "KODS", "TIPS_CD", "DAT_SAK", "DAT_MOD", "DAT_BEIG", "STD", "NOSAUKUMS", "VKUR_CD",
    "VKUR_TIPS",
)  # fmt: skip
BUILDING_HISTORY_HEADER = ("KODS", "KODS_HIS", *HISTORY_HEADER[1:])
CENTROID_HEADER = (
    "KODS", "TIPS_CD", "NOSAUKUMS", "VKUR_CD", "VKUR_TIPS", "STD", "KOORD_X", "KOORD_Y", "DD_N",
    "DD_E",
)  # fmt: skip
FILES = {
    "aw_novads": PLACE_HEADER,
    "aw_pagasts": PLACE_HEADER,
    "aw_pilseta": PLACE_HEADER,
    "aw_ciems": PLACE_HEADER,
    "aw_iela": PLACE_HEADER,
    "aw_eka": BUILDING_HEADER,
    "aw_dziv": FLAT_HEADER,
    "aw_novads_his": HISTORY_HEADER,
    "aw_pagasts_his": HISTORY_HEADER,
    "aw_pilseta_his": HISTORY_HEADER,
    "aw_ciems_his": HISTORY_HEADER,
    "aw_iela_his": HISTORY_HEADER,
    "aw_eka_his": BUILDING_HISTORY_HEADER,
    "aw_dziv_his": HISTORY_HEADER,
    "aw_vietu_centroidi": CENTROID_HEADER,
}
FILE_OF = {
    register.MUNICIPALITY: "aw_novads",
    register.PARISH: "aw_pagasts",
    register.CITY: "aw_pilseta",
    register.VILLAGE: "aw_ciems",
    register.STREET: "aw_iela",
}
SINCE, CHANGED, UNTIL = "1993.08.20", "01.07.2021 00:00:00", "2021.06.30"

MARKER_TEXT = """SINTĒTISKI DATI / SYNTHETIC DATA

Šie dati ir izdomāti ar "ccserver addresses sample". Tie nav Valsts adrešu reģistrs. Adreses
neeksistē. These data were made up by "ccserver addresses sample". They are not the State Address
Register of Latvia; the addresses do not exist. Do not use them for real emergencies.
"""


@dataclass(slots=True)
class _Object:
    """A street or place; ``around`` are the parts of an address after it."""

    code: int
    type: int
    name: str
    lat: float
    lon: float
    around: tuple[str, ...]
    postcode: str
    buildings: int = 0
    names: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        return ", ".join((self.name, *self.around))


def write_sample(directory: Path, *, count: int, seed: int) -> None:
    """Write ``count`` existing buildings and all that belongs to them; the same for the same
    seed."""
    if not 1 <= count <= COUNT_MAX:
        raise ValueError(f"count is from 1 to {COUNT_MAX}")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / SYNTHETIC_MARKER).write_text(MARKER_TEXT, "utf-8")
    with ExitStack() as files:
        writers = {}
        for name, header in FILES.items():
            file = (directory / f"{name}.csv").open("w", encoding="utf-8-sig", newline="")
            files.enter_context(file)
            writers[name] = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
            writers[name].writerow(header)
        _Sample(random.Random(seed), writers, count).write()  # noqa: S311 - no secret


class _Sample:
    def __init__(self, chance: random.Random, writers: dict, count: int) -> None:  # type: ignore[type-arg]
        self._chance = chance
        self._writers = writers
        self._count = count
        self._next_code = 100_000_001

    def write(self) -> None:
        """Municipalities, towns with streets, parishes with villages and farms."""
        towns, municipalities = self._towns()
        parishes = self._parishes(municipalities)
        farms = round(self._count * PARISH_SHARE)
        in_villages = round(self._count * VILLAGE_SHARE)
        weight = sum(town[4] for town in names.TOWNS)
        left = self._count - farms - in_villages
        for town, (*_, share) in zip(towns, names.TOWNS, strict=True):
            wanted = round((self._count - farms - in_villages) * share / weight)
            wanted = min(wanted, left) if town is not towns[-1] else left
            left -= wanted
            self._town(town, wanted)
        for number, parish in enumerate(parishes):
            for amount, write in ((farms, self._farms), (in_villages, self._villages)):
                share = amount // len(parishes) + (number < amount % len(parishes))
                write(parish, share)

    # -- places -----------------------------------------------------------------------------------

    def _towns(self) -> tuple[list[_Object], dict[str, _Object]]:
        municipalities: dict[str, _Object] = {}
        towns: list[_Object] = []
        for name, of, lat, lon, _ in names.TOWNS:
            if of and of not in municipalities:
                municipalities[of] = self._place(register.MUNICIPALITY, of, lat, lon, None, "")
            around = municipalities.get(of)
            postcode = f"LV-{1000 + 100 * len(towns) + 1}"
            towns.append(self._place(register.CITY, name, lat, lon, around, postcode))
        return towns, municipalities

    def _parishes(self, municipalities: dict[str, _Object]) -> list[_Object]:
        # Small samples have few parishes, so that these hold more than a house or two.
        wanted = max(2, min(len(names.PARISH_ROOTS) * 6, self._count // 250))
        around = list(municipalities.values())
        found = []
        for number in range(wanted):
            root = names.PARISH_ROOTS[number % len(names.PARISH_ROOTS)]
            end = ("es", "as", "u", "aines", "kalna", "muižas")[number // len(names.PARISH_ROOTS)]
            of = around[number % len(around)]
            lat, lon = self._near(of.lat, of.lon, 15_000)
            postcode = f"LV-{4000 + number}"
            parish = self._place(register.PARISH, f"{root}{end} pag.", lat, lon, of, postcode)
            found.append(parish)
            former = names.FORMER_MUNICIPALITIES.get(
                of.name, f"{of.name.removesuffix(' nov.')} raj."
            )
            self._history("aw_pagasts_his", parish, parish.name, f"{parish.name}, {former}")
        return found

    def _place(  # noqa: PLR0917
        self, kind: int, name: str, lat: float, lon: float, around: _Object | None, postcode: str
    ) -> _Object:
        parts = (around.name, *around.around) if around else ()
        made = _Object(self._code(), kind, name, lat, lon, parts, postcode)
        parent, parent_kind = (around.code, around.type) if around else (register.LATVIA, 101)
        self._writers[FILE_OF[kind]].writerow((
            made.code, kind, name, parent, parent_kind, "Y", 252, "EKS", name, SINCE, CHANGED,
            "", "", made.text,
        ))  # fmt: skip
        if kind != register.STREET:
            self._writers["aw_vietu_centroidi"].writerow(
                (made.code, kind, name, parent, parent_kind, made.text, *self._position(lat, lon))
            )
        return made

    # -- streets ----------------------------------------------------------------------------------

    def _town(self, town: _Object, count: int) -> None:
        reach_m = 600 + 18 * count**0.5 * 4
        for lat, lon, share in self._split(town, count, reach_m):
            self._street(town, lat, lon, share)

    def _split(
        self, town: _Object, count: int, reach_m: float
    ) -> Iterator[tuple[float, float, int]]:
        """Where streets are, and with how many buildings: few long ones, many short."""
        while count > 0:
            share = min(count, max(1, int(self._chance.lognormvariate(3.0, 0.9))))
            count -= share
            yield *self._near(town.lat, town.lon, reach_m), share

    def _street(self, town: _Object, lat: float, lon: float, count: int) -> None:
        street = self._place(
            register.STREET, self._street_name(town), lat, lon, town, town.postcode
        )
        if self._chance.random() < 0.05:
            former = self._chance.choice(names.FORMER_STREETS)
            text = ", ".join((former, *street.around))
            self._history("aw_iela_his", street, former, text)
        direction = self._chance.uniform(-1.0, 1.0), self._chance.uniform(-1.0, 1.0)
        number = 0
        for place in range(count):
            number += self._chance.choice((1, 1, 1, 2))
            name = f"{number}{self._chance.choice(('', '', '', '', 'A', 'B', ' k-1'))}"
            at = (lat + direction[0] * place * 2.5e-4, lon + direction[1] * place * 4e-4)
            self._building(street, name, f"{street.name} {name}", *at)

    def _street_name(self, town: _Object) -> str:
        kinds, weights = zip(*names.STREET_KINDS, strict=True)
        for attempt in range(1_000):
            root = (
                names.STREET_ROOTS[len(town.names)]
                if len(town.names) < len(names.STREET_ROOTS)
                and town.type == register.CITY
                and attempt == 0
                else self._chance.choice(names.STREET_ROOTS)
            )
            if attempt > 20:
                root = self._chance.choice(names.FARM_ROOTS) + self._chance.choice(ENDINGS)
            kind = "iela" if attempt == 0 else self._chance.choices(kinds, weights)[0]
            name = f"{root} {kind}"
            if name not in town.names:
                town.names.add(name)
                return name
        name = f"{len(town.names)}. līnija"
        town.names.add(name)
        return name

    # -- the country ------------------------------------------------------------------------------

    def _farms(self, parish: _Object, count: int) -> None:
        for number in range(count):
            lat, lon = self._near(parish.lat, parish.lon, 6_000)
            quoted = number % 400 == 7
            name = self._chance.choice(names.QUOTED_FARMS) if quoted else self._farm_name()
            self._building(parish, name, f'"{name}"', lat, lon)

    def _villages(self, parish: _Object, count: int) -> None:
        for lat, lon, share in self._split(parish, count, 6_000):
            name = self._chance.choice(names.VILLAGE_ROOTS) + self._chance.choice(
                names.VILLAGE_ENDS
            )
            village = self._place(register.VILLAGE, name, lat, lon, parish, parish.postcode)
            if self._chance.random() < 0.5:
                self._street(village, lat, lon, share)
                continue
            for _ in range(share):
                at = self._near(lat, lon, 500)
                farm = self._farm_name()
                self._building(village, farm, f'"{farm}"', *at)

    def _farm_name(self) -> str:
        start, root = self._chance.choice(names.FARM_STARTS), self._chance.choice(names.FARM_ROOTS)
        joined = start + (root if not start or start.endswith(" ") else root.lower())
        return joined + self._chance.choice(names.FARM_ENDS)

    # -- buildings --------------------------------------------------------------------------------

    def _building(self, around: _Object, name: str, first: str, lat: float, lon: float) -> None:
        rest = around.around if around.type == register.STREET else (around.name, *around.around)
        text = ", ".join((first, *rest, around.postcode))
        position = self._position(lat, lon)
        if self._chance.random() < MISSING_POSITION:
            position = ("", "", "", "")
        code = self._building_row(around, name, text, "EKS", position)
        if self._chance.random() < GONE:
            self._building_row(around, f"{name} vecā", text, "DEL", position)
        if self._chance.random() < REGISTER_ERRORS:
            self._building_row(around, name, text, "ERR", position)
        if self._chance.random() < FLATS_IN and around.type == register.STREET:
            self._flats(code, first, (*rest, around.postcode))
        if around.type != register.STREET and self._chance.random() < 0.02:
            former = f"Vec{name.lower()}"
            row = (
                code,
                "",
                108,
                SINCE,
                CHANGED,
                UNTIL,
                f'"{former}"',
                former,
                around.code,
                around.type,
            )
            self._writers["aw_eka_his"].writerow(row)

    def _building_row(
        self, around: _Object, name: str, text: str, status: str, position: tuple[object, ...]
    ) -> int:
        code = self._code()
        until = UNTIL if status == "DEL" else ""
        self._writers["aw_eka"].writerow((
            code, 108, status, "Y", 252, around.code, around.type, name, name, around.postcode, "",
            SINCE, CHANGED, until, "N", "N", text, *position,
        ))  # fmt: skip
        return code

    def _flats(self, building: int, first: str, rest: tuple[str, ...]) -> None:
        for number in range(1, self._chance.randint(FLATS_MIN, FLATS_MAX) + 1):
            text = ", ".join((f"{first} - {number}", *rest))
            self._writers["aw_dziv"].writerow((
                self._code(), 109, "EKS", "Y", 252, building, 108, number, f"{number:05}", "",
                SINCE, CHANGED, "", text,
            ))  # fmt: skip

    def _history(self, file: str, of: _Object, name: str, text: str) -> None:
        row = (of.code, of.type, SINCE, CHANGED, UNTIL, text, name, register.LATVIA, 101)
        self._writers[file].writerow(row)

    # -- small things -----------------------------------------------------------------------------

    def _code(self) -> int:
        self._next_code += 1
        return self._next_code

    def _near(self, lat: float, lon: float, reach_m: float) -> tuple[float, float]:
        """A point within Latvia's bounds, most of them well inside the reach."""
        north, east = self._chance.gauss(0, reach_m / 2), self._chance.gauss(0, reach_m / 2)
        return (
            min(58.0, max(55.7, lat + north / 111_195)),
            min(28.2, max(20.9, lon + east / 60_500)),
        )

    def _position(self, lat: float, lon: float) -> tuple[object, ...]:
        northing, easting = to_lks92(Position(lat, lon))
        return (f"{northing:.3f}", f"{easting:.3f}", f"{lat:.6f}", f"{lon:.6f}")
