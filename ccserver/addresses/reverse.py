"""What is at a point: the nearest buildings, and the place where none is close."""

import math
import sqlite3

from ccserver.addresses.rows import Row, rows_of
from ccserver.addresses.schema import PLACE
from ccserver.addresses.values import Address, Nearby
from ccserver.location import Position

FAR_M = 200.0
"""Farther from every building, the nearest one says less than the place around."""

FIRST_LOOK_M = 60.0
LOOK_GROWS = 2.0
LOOK_M_MAX = 100_000.0
"""Half the side of the squares that are looked into, one after the other: some tens of metres hold
enough in a town, some kilometres in a forest."""

SPARE = 10
"""The tree keeps positions to about half a metre, so its order is not quite that of the houses."""

METRES_PER_DEGREE = 111_195.0
DEPTH_MAX = 6


def nearest(database: sqlite3.Connection, point: Position, *, limit: int) -> Nearby:
    """At most ``limit`` existing buildings, nearest first."""
    half = FIRST_LOOK_M
    found: list[tuple[float, Row]] = []
    while half <= LOOK_M_MAX:
        found = _within(database, point, half, limit)
        # Within the square's inner circle nothing nearer can have been missed.
        if len(found) == limit and found[-1][0] <= half:
            break
        half *= LOOK_GROWS
    place = None
    if found and found[0][0] > FAR_M:
        place = _place_around(database, found[0][1].parent, point)
    return Nearby(tuple(row.address(point) for _, row in found), place)


def _within(
    database: sqlite3.Connection, point: Position, half_m: float, limit: int
) -> list[tuple[float, Row]]:
    """The nearest buildings in a square with their distances.

    SQLite sorts, in degrees: from the sea before Riga the first square with a house in it may hold
    fifty thousand. The few that it gives are measured on the ellipsoid.
    """
    lat = half_m / METRES_PER_DEGREE
    shrink = max(0.01, math.cos(math.radians(point.latitude)))
    lon = lat / shrink
    rows = rows_of(
        database,
        "FROM (SELECT id, (south - ?) * (south - ?) + (west - ?) * (west - ?) * ? AS far"
        " FROM positions WHERE north >= ? AND south <= ? AND east >= ? AND west <= ?"
        " ORDER BY far LIMIT ?) p CROSS JOIN addresses a ON a.id = p.id",
        (
            *(point.latitude, point.latitude, point.longitude, point.longitude, shrink * shrink),
            *(point.latitude - lat, point.latitude + lat),
            *(point.longitude - lon, point.longitude + lon),
            limit + SPARE,
        ),
    )
    measured = [(row.distance_m(point) or 0.0, row.id, row) for row in rows]
    return [(metres, row) for metres, _, row in sorted(measured)[:limit]]


def _place_around(database: sqlite3.Connection, code: int, point: Position) -> Address | None:
    """The smallest town, village or parish that holds the object."""
    for _ in range(DEPTH_MAX):
        rows = rows_of(database, "FROM addresses a WHERE a.code = ?", (code,))
        if not rows:
            return None
        if rows[0].kind == PLACE:
            return rows[0].address(point)
        code = rows[0].parent
    return None
