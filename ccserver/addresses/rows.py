"""Rows of the index's ``addresses``, and addresses made of them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from ccserver.addresses.register import split_first
from ccserver.addresses.schema import BUILDING, PLACE, STREET
from ccserver.addresses.values import Address, AddressKind
from ccserver.location import Position, distance_m

KINDS = {PLACE: AddressKind.PLACE, STREET: AddressKind.STREET, BUILDING: AddressKind.BUILDING}

COLUMNS = (
    "a.id, a.code, a.kind, a.parent, a.number, a.text, a.postcode,"
    " a.lat, a.lon, a.x, a.y, a.old, a.weight"
)


@dataclass(slots=True)
class Row:
    """One row of ``addresses``."""

    id: int
    code: int
    kind: int
    parent: int
    number: str | None
    text: str
    postcode: str | None
    lat: float | None
    lon: float | None
    x: float | None
    y: float | None
    old: int
    weight: float

    def distance_m(self, near: Position | None) -> float | None:
        """Metres to the point, where both are known."""
        if near is None or self.lat is None or self.lon is None:
            return None
        return distance_m(near, Position(self.lat, self.lon))

    def address(self, near: Position | None, former: str | None = None) -> Address:
        """As people see it."""
        distance = self.distance_m(near)
        return Address(
            code=f"{self.code:09d}",
            text=self.text,
            postcode=self.postcode,
            lat=self.lat,
            lon=self.lon,
            x=self.x,
            y=self.y,
            kind=KINDS[self.kind],
            old=bool(self.old),
            former_text=former,
            distance_m=None if distance is None else round(distance, 1),
        )


def rows_of(database: sqlite3.Connection, rest: str, values: Sequence[object]) -> list[Row]:
    """Rows of ``SELECT … {rest}``, in which ``addresses`` is ``a``."""
    return [Row(*row) for row in database.execute(f"SELECT {COLUMNS} {rest}", values)]


def flat_address(
    row: Row, name: str, code: int, near: Position | None, former: str | None
) -> Address:
    """A flat has the position of its building, and its text with the number behind the house."""
    building = row.address(near, former)
    first, rest = split_first(row.text)
    return Address(
        code=f"{code:09d}",
        text=f"{first} - {name}, {rest}" if rest else f"{first} - {name}",
        postcode=building.postcode,
        lat=building.lat,
        lon=building.lon,
        x=building.x,
        y=building.y,
        kind=AddressKind.FLAT,
        old=building.old,
        former_text=former,
        distance_m=building.distance_m,
    )
