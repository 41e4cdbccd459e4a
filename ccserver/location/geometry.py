"""Distances, directions and areas, on the ellipsoid of WGS84.

pyproj and shapely are imported at their first use: together they take a sixth of a second, which
callers would wait for after a restart.
"""

import functools
import itertools
import math
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from ccserver.location.values import LocationInvalid, Position, finite

if TYPE_CHECKING:
    import pyproj

LonLat = Sequence[float]
"""``[longitude, latitude]``, as GeoJSON writes it."""

Ring = Sequence[LonLat]
"""A closed line: the last point is the first."""

MultiPolygon = Sequence[Sequence[Ring]]
"""``coordinates`` of a GeoJSON MultiPolygon: polygons, each of an outer ring and its holes."""

AREA_VERTICES_MAX = 100_000
"""Of one area. Latvia with all of its municipalities has about as many at a scale of 1 : 50 000."""


@functools.cache
def geod() -> "pyproj.Geod":
    """The ellipsoid's geodesics; its methods take longitudes first."""
    import pyproj  # noqa: PLC0415

    return pyproj.Geod(ellps="WGS84")


def _shapely() -> ModuleType:
    import shapely.validation  # noqa: PLC0415

    return shapely


def distance_m(a: Position, b: Position) -> float:
    """The length of the shortest way over the ellipsoid."""
    _, _, metres = geod().inv(a.longitude, a.latitude, b.longitude, b.latitude)
    return float(metres)


def bearing_deg(a: Position, b: Position) -> float:
    """The direction, 0 up to 360, in which one leaves ``a`` on the shortest way to ``b``."""
    azimuth, _, _ = geod().inv(a.longitude, a.latitude, b.longitude, b.latitude)
    return float(azimuth) % 360


def offset(start: Position, bearing: float, metres: float) -> Position:
    """Where one arrives who leaves in the direction ``bearing`` and goes ``metres`` straight on."""
    longitude, latitude, _ = geod().fwd(start.longitude, start.latitude, bearing, metres)
    # Rounding may step over a pole or the antimeridian by the last bit.
    return Position(max(-90.0, min(90.0, latitude)), max(-180.0, min(180.0, longitude)))


def nearby_longitude(longitude: float, reference: float) -> float:
    """The same meridian counted so that it is near ``reference``, even beyond ±180."""
    return longitude - 360 * round((longitude - reference) / 360)


def covering_centre(positions: Sequence[Position]) -> Position:
    """The centre of the smallest circle around the positions.

    Constructed in the plane of distances and directions from one of them, which is exact enough
    for places on Earth; ask `distance_m` for the circle's radius.
    """
    shapely = _shapely()
    origin = positions[0]
    plane = shapely.MultiPoint([_in_plane(origin, position) for position in positions])
    middle = shapely.minimum_bounding_circle(plane).centroid
    if middle.is_empty:
        # No circle can be drawn around one place: a pole under two meridians.
        return origin
    bearing = math.degrees(math.atan2(middle.x, middle.y))
    return offset(origin, bearing, math.hypot(middle.x, middle.y))


def _in_plane(origin: Position, position: Position) -> tuple[float, float]:
    """Metres east and north of ``origin``, true in distance and direction from there."""
    metres, angle = distance_m(origin, position), math.radians(bearing_deg(origin, position))
    return metres * math.sin(angle), metres * math.cos(angle)


class Area:
    """A checked MultiPolygon that answers quickly which positions lie in it.

    Its edges are straight in longitude and latitude (RFC 7946 §3.1.1) and belong to it: on a
    border, both sides are asked for help. Raises `LocationInvalid` for rings that are no polygons,
    cross themselves or one another, or cross the antimeridian (RFC 7946 §3.1.9 has them cut).
    """

    def __init__(self, polygons: MultiPolygon) -> None:
        shapely = _shapely()
        parts = [shapely.Polygon(rings[0], rings[1:]) for rings in _checked(polygons)]
        self._geometry = shapely.MultiPolygon(parts)
        if not self._geometry.is_valid:
            # Says where, too, like ``Self-intersection[24.1 56.9]``.
            reason = shapely.validation.explain_validity(self._geometry)
            raise LocationInvalid(f"The area is no area: {reason}.")
        shapely.prepare(self._geometry)

    def contains(self, position: Position) -> bool:
        """Whether the position lies in the area or on its border."""
        found = _shapely().intersects_xy(self._geometry, position.longitude, position.latitude)
        return bool(found)


def polygon_contains(polygon: MultiPolygon, position: Position) -> bool:
    """`Area.contains` for who asks once."""
    return Area(polygon).contains(position)


def _checked(polygons: MultiPolygon) -> list[list[list[tuple[float, float]]]]:
    count = sum(len(ring) for polygon in polygons for ring in polygon)
    if count > AREA_VERTICES_MAX:
        raise LocationInvalid(
            f"The area has {count} points, and at most {AREA_VERTICES_MAX} count."
        )
    if not polygons or not all(polygons):
        raise LocationInvalid("The area holds a polygon without an outer ring, or nothing.")
    return [[_checked_ring(ring) for ring in polygon] for polygon in polygons]


def _checked_ring(ring: Ring) -> list[tuple[float, float]]:
    points = [_checked_point(point) for point in ring]
    if len(points) < 4 or points[0] != points[-1]:
        raise LocationInvalid(
            "A ring of the area does not close: it needs at least four points, the last like the "
            "first."
        )
    for (west, _), (east, _) in itertools.pairwise(points):
        if abs(east - west) > 180:
            raise LocationInvalid("The area crosses the antimeridian; cut it there into two.")
    return points


def _checked_point(point: LonLat) -> tuple[float, float]:
    if len(point) < 2:
        raise LocationInvalid("A point of the area is not [longitude, latitude].")
    position = Position(finite(point[1], "A latitude"), finite(point[0], "A longitude"))
    return position.longitude, position.latitude
