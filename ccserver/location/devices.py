"""What telephones, cars and networks tell of their place, as locations.

The messages themselves (AML, MSD, the network's answers) are read elsewhere; here their values
become shapes. ``None`` where a message says that it does not know, or where what it says is no
place: 0, 0 is a spot in the sea, and on the map it would be a lie.
"""

from collections.abc import Sequence
from datetime import datetime

from ccserver.location.shapes import RADIUS_M_MAX, ArcBand, Circle, Point, Shape
from ccserver.location.values import Location, LocationInvalid, LocationSource, Position

MAS_PER_DEGREE = 3_600_000
"""Milliarcseconds, the MSD's unit (EN 15722)."""

MAS_UNKNOWN = 2_147_483_647

RECENT_LOCATION_MAS = 100
"""One step of the MSD's recent vehicle locations."""

RECENT_DELTA_MAX = 512

TRUSTED_RADIUS_M = 150.0
TRUSTED_CONFIDENCE = 0.95
"""What "position can be trusted" promises (EN 15722)."""

METHODS_WITHOUT_FIX = frozenset({"N"})
"""AML's positioning method for: no position was found (ETSI TS 103 625)."""


def from_aml(
    latitude: float,
    longitude: float,
    *,
    received_at: datetime,
    observed_at: datetime | None = None,
    radius_m: float | None = None,
    confidence: float | None = None,
    method: str = "",
    source: LocationSource = LocationSource.AML,
) -> Location | None:
    """The location of an AML message (``source`` HTTPS for those that came so).

    ``radius_m`` ``None`` with 0, 0, or method ``N``, is AML's way to say that there was no fix. A
    ``confidence`` of 0 says nothing of a radius.
    """
    if method in METHODS_WITHOUT_FIX or (latitude == 0 and longitude == 0):
        return None
    shape = _circle(latitude, longitude, radius_m)
    if shape is None:
        return None
    return Location(
        shape,
        source,
        received_at=received_at,
        observed_at=observed_at,
        confidence=confidence or None,
        data={"method": method} if method else {},
    )


def from_msd(
    latitude_mas: int,
    longitude_mas: int,
    *,
    trusted: bool,
    received_at: datetime,
    observed_at: datetime | None = None,
    direction_deg: float | None = None,
    recent: Sequence[tuple[int, int]] = (),
) -> Location | None:
    """The location of a car's Minimum Set of Data.

    ``recent``: the deltas N1 and N2 as sent, N1 from the position, N2 from N1. They become
    ``recent`` in the data: where the car came from, the latest first, as [latitude, longitude].
    """
    if MAS_UNKNOWN in (latitude_mas, longitude_mas) or latitude_mas == longitude_mas == 0:
        return None
    radius = TRUSTED_RADIUS_M if trusted else None
    shape = _circle(latitude_mas / MAS_PER_DEGREE, longitude_mas / MAS_PER_DEGREE, radius)
    if shape is None:
        return None
    data: dict[str, object] = {"trusted": trusted}
    if direction_deg is not None:
        data["direction_deg"] = direction_deg
    trail = _trail(latitude_mas, longitude_mas, recent)
    if trail:
        data["recent"] = trail
    return Location(
        shape,
        LocationSource.MSD,
        received_at=received_at,
        observed_at=observed_at,
        confidence=TRUSTED_CONFIDENCE if trusted else None,
        data=data,
    )


def from_network_cell(
    latitude: float,
    longitude: float,
    *,
    radius_m: float,
    received_at: datetime,
    observed_at: datetime | None = None,
    azimuth_deg: float | None = None,
    opening_deg: float | None = None,
    confidence: float | None = None,
    cell_id: str = "",
) -> Location | None:
    """The radio cell that serves the caller: a circle, or its sector around ``azimuth_deg``."""
    if latitude == 0 and longitude == 0:
        return None
    shape = _circle(latitude, longitude, radius_m)
    if isinstance(shape, Circle) and azimuth_deg is not None and opening_deg is not None:
        shape = _sector(shape, azimuth_deg, opening_deg)
    if shape is None:
        return None
    return Location(
        shape,
        LocationSource.NETWORK_CELL,
        received_at=received_at,
        observed_at=observed_at,
        confidence=confidence or None,
        data={"cell_id": cell_id} if cell_id else {},
    )


def _circle(latitude: float, longitude: float, radius_m: float | None) -> Shape | None:
    """A circle where the radius is one, otherwise the point alone."""
    try:
        position = Position(latitude, longitude)
    except LocationInvalid:
        return None
    if radius_m is None or not 0 < radius_m <= RADIUS_M_MAX:
        return Point(position)
    return Circle(position, radius_m)


def _sector(cell: Circle, azimuth_deg: float, opening_deg: float) -> Shape:
    try:
        start = (azimuth_deg - opening_deg / 2) % 360
        return ArcBand(cell.centre, 0.0, cell.radius_m, start, opening_deg)
    except LocationInvalid:
        return cell


def _trail(
    latitude_mas: int, longitude_mas: int, recent: Sequence[tuple[int, int]]
) -> list[list[float]]:
    trail: list[list[float]] = []
    for north, east in recent:
        if max(abs(north), abs(east)) > RECENT_DELTA_MAX:
            break
        latitude_mas += north * RECENT_LOCATION_MAS
        longitude_mas += east * RECENT_LOCATION_MAS
        try:
            position = Position(latitude_mas / MAS_PER_DEGREE, longitude_mas / MAS_PER_DEGREE)
        except LocationInvalid:
            break
        trail.append(position.as_json())
    return trail
