"""The register's objects, read from the columns of its files.

Every object has a code of nine digits and names the object it lies in (``VKUR_CD``), up to Latvia,
which no file holds. Columns as published by Valsts zemes dienests with the data set
``varis-atvertie-dati``; the history files (``_his``) have the former names under the codes of
today's objects.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ccserver.addresses.text import words_of

LATVIA = 100_000_000
CITY, PARISH, VILLAGE, STREET, BUILDING, FLAT, MUNICIPALITY = 104, 105, 106, 107, 108, 109, 113
"""``TIPS_CD`` and ``VKUR_TIPS``."""

PLACE_FILES = ("aw_novads", "aw_pagasts", "aw_pilseta", "aw_ciems", "aw_iela")
PLACE_COLUMNS = ("KODS", "TIPS_CD", "STATUSS", "VKUR_CD", "NOSAUKUMS", "STD")
BUILDING_COLUMNS = ("KODS", "STATUSS", "VKUR_CD", "NOSAUKUMS", "ATRIB", "STD")
COORDINATE_COLUMNS = ("KOORD_X", "KOORD_Y", "DD_N", "DD_E")
FLAT_COLUMNS = ("KODS", "STATUSS", "VKUR_CD", "NOSAUKUMS")
HISTORY_COLUMNS = ("KODS", "STD")
HISTORY_OPTIONAL = ("NOSAUKUMS", "VKUR_CD", "VKUR_TIPS")
"""Were added to the history files in 2023; without them the name is taken from ``STD``."""
CENTROID_COLUMNS = ("KODS", *COORDINATE_COLUMNS)

DEPTH_MAX = 6
"""Street, village, parish, municipality is the longest chain; a longer one goes in a circle."""

FORMER_NAMES_MAX = 20
"""Of one street or place; a street was rarely renamed five times."""

TEXT_CHARS_MAX = 500
"""The longest address of the register has about 120 characters."""

_CODE = re.compile(r"\d{9}")
_NUMBER = re.compile(r"-?\d{1,9}(?:[.,]\d{1,12})?")

SOUTH, NORTH, WEST, EAST = 55.5, 58.3, 20.5, 28.5
"""Around Latvia; a position elsewhere is a mistake."""
NORTHING_MIN, NORTHING_MAX = 150_000.0, 460_000.0
EASTING_MIN, EASTING_MAX = 290_000.0, 780_000.0


class RowWrong(Exception):
    """A row cannot be used; the text says why."""


@dataclass(slots=True)
class Place:
    """A street or what it lies in, while the index is being built."""

    code: int
    type: int
    name: str
    parent: int
    old: bool
    text: str
    lat: float | None = None
    lon: float | None = None
    x: float | None = None
    y: float | None = None
    former: list[str] = field(default_factory=list)
    former_places: set[str] = field(default_factory=set)
    """Words of what it lay in formerly: districts and municipalities before a reform."""
    buildings: int = 0
    located: int = 0
    lat_sum: float = 0.0
    lon_sum: float = 0.0

    def holds(self, lat: float | None, lon: float | None) -> None:
        """Count a building in it."""
        self.buildings += 1
        if lat is not None and lon is not None:
            self.located += 1
            self.lat_sum += lat
            self.lon_sum += lon

    def renamed(self, name: str) -> None:
        """Remember a former name that differs from today's by more than diacritics."""
        name = name.strip()
        known = [self.name, *self.former]
        if words_of(name) and len(self.former) < FORMER_NAMES_MAX:
            words = words_of(name)
            if all(words_of(other) != words for other in known):
                self.former.append(name)


Places = Mapping[int, Place]


def code_of(text: str) -> int:
    """An object's code; raises `RowWrong`."""
    if not _CODE.fullmatch(text.strip()):
        raise RowWrong("KODS is not a number of nine digits")
    return int(text)


def parent_of(text: str) -> int:
    """The code of what an object lies in; 0 where there is none."""
    text = text.strip()
    if text and not _CODE.fullmatch(text):
        raise RowWrong("VKUR_CD is not a number of nine digits")
    return int(text) if text and int(text) != LATVIA else 0


def is_old(status: str) -> bool | None:
    """Whether the object is gone (``DEL``); ``None`` for a mistake in the register (``ERR``)."""
    match status.strip().upper():
        case "EKS":
            return False
        case "DEL":
            return True
        case "ERR":
            return None
    raise RowWrong("STATUSS is none of EKS, DEL, ERR")


def name_of(text: str) -> str:
    """A name without what surrounds it; raises `RowWrong` where there is none."""
    name = " ".join(text.split())
    if not name:
        raise RowWrong("NOSAUKUMS is empty")
    if len(name) > TEXT_CHARS_MAX:
        raise RowWrong(f"NOSAUKUMS is longer than {TEXT_CHARS_MAX} characters")
    return name


def text_of(text: str) -> str:
    """A full address in one line, or nothing."""
    return " ".join(text.split())[:TEXT_CHARS_MAX]


def chain(code: int, places: Places) -> list[Place]:
    """The objects around something, from the smallest; raises `RowWrong` for a broken chain."""
    found: list[Place] = []
    while code:
        place = places.get(code)
        if place is None:
            raise RowWrong("VKUR_CD names an object that is not there")
        found.append(place)
        if len(found) > DEPTH_MAX:
            raise RowWrong("lies in itself")
        code = place.parent
    return found


def coordinate(text: str, low: float, high: float) -> float | None:
    """A number within its bounds, else nothing."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text.replace(",", "."))
    return value if low <= value <= high else None


def split_first(text: str) -> tuple[str, str]:
    """The first part of an address and the rest; a quoted name may hold commas."""
    if text.startswith('"') and '", ' in text:
        first, _, rest = text.partition('", ')
        return f'{first}"', rest
    first, _, rest = text.partition(", ")
    return first, rest


def former_name(name: str, text: str) -> str:
    """The name in a row of history; older files have it in the full text only."""
    return name.strip() or split_first(text.strip())[0].strip('" ')
