"""LKS-92 / Latvia TM (EPSG:3059), the plane coordinates of Latvian maps and registers.

``x`` is the northing and ``y`` the easting, in metres, as in the State Address Register's columns
KOORD_X and KOORD_Y: Riga's x is about 312 000, its y about 506 000. Since 2025-10 new surveys use
LKS-2020, which differs by a tenth of a metre; nobody is looked for at that scale.
"""

import functools
from typing import TYPE_CHECKING

from ccserver.location.values import LocationInvalid, Position, finite

if TYPE_CHECKING:
    import pyproj

LATITUDES = (55.0, 59.0)
LONGITUDES = (18.0, 30.0)
"""Latvia with its sea and the nearer neighbours: EPSG's area of use and half a degree more. Beyond,
the numbers would look like a place in Latvia's grid and be far from it."""

NORTHINGS = (90_000.0, 560_000.0)
EASTINGS = (110_000.0, 890_000.0)
"""The same area in the plane."""


def to_lks92(position: Position) -> tuple[float, float]:
    """(x, y): northing and easting in metres; raises `LocationInvalid` far from Latvia."""
    inside_latitudes = LATITUDES[0] <= position.latitude <= LATITUDES[1]
    if not (inside_latitudes and LONGITUDES[0] <= position.longitude <= LONGITUDES[1]):
        raise LocationInvalid("The place is too far from Latvia for LKS-92 coordinates.")
    x, y = _transformer("EPSG:4326", "EPSG:3059").transform(position.latitude, position.longitude)
    return float(x), float(y)


def from_lks92(x: float, y: float) -> Position:
    """The place with this northing and easting; raises `LocationInvalid` far from Latvia."""
    x, y = finite(x, "The northing (x)"), finite(y, "The easting (y)")
    for value, (least, most), name in (
        (x, NORTHINGS, "northing (x)"),
        (y, EASTINGS, "easting (y)"),
    ):
        if not least <= value <= most:
            raise LocationInvalid(
                f"The {name} {value:.0f} is not from {least:.0f} to {most:.0f} as in Latvia."
            )
    latitude, longitude = _transformer("EPSG:3059", "EPSG:4326").transform(x, y)
    return Position(latitude, longitude)


@functools.cache
def _transformer(source: str, target: str) -> "pyproj.Transformer":
    # At the first use for the same reason as in ccserver.location.geometry.
    import pyproj  # noqa: PLC0415

    return pyproj.Transformer.from_crs(source, target)
