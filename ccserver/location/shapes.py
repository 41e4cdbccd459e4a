"""The shapes of RFC 5491 §5: in what part of the world somebody is.

Each is a frozen value with its ``centre``, the radius of a circle around it that covers the shape
(``None`` for a point: how far off it is nobody said), its JSON and its inverse
(`shape_from_json`), and an outline for maps. The third dimension is kept and left out of the
circle.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import ClassVar, TypeAlias

from ccserver.location.geometry import covering_centre, distance_m, nearby_longitude, offset
from ccserver.location.values import LocationInvalid, Position, finite

RADIUS_M_MAX = 2_000_000.0
"""A radio cell reaches 100 km, a satellite's beam some hundred; more says nothing of a place."""

ALTITUDE_M_MAX = 100_000.0
"""Above and below the ellipsoid: nobody calls from higher, and a wrong unit shows."""

VERTICES_MAX = 1_000
"""Of one polygon. RFC 5491 §5.2.2 asks for few; a coverage area drawn by hand has dozens."""

OUTLINE_POINTS = 64
"""Of a full turn: on a screen a circle of that many corners is round."""

COVERING_MARGIN = 1.000_001
"""For the last bits of geometry, so that the covering circle does cover."""

Outline: TypeAlias = list[list[float]]
"""``[[longitude, latitude], …]``: a closed ring, counter-clockwise as RFC 7946 §3.1.6 wants it, or
one point. Beyond ±180 where the shape crosses the antimeridian."""


def _length(value: float, name: str, *, zero: bool = False) -> float:
    metres = finite(value, name)
    if not (0 < metres <= RADIUS_M_MAX or (zero and metres == 0)):
        least = "from" if zero else "more than"
        raise LocationInvalid(f"{name} is not {least} 0 and at most {RADIUS_M_MAX:.0f} m.")
    return metres


def _altitude(value: float) -> float:
    metres = finite(value, "The altitude")
    if abs(metres) > ALTITUDE_M_MAX:
        raise LocationInvalid(f"The altitude is not within ±{ALTITUDE_M_MAX:.0f} m.")
    return metres


def _direction(value: float, name: str) -> float:
    degrees = finite(value, name)
    if not 0 <= degrees < 360:
        raise LocationInvalid(f"{name} is not from 0 up to 360 degrees.")
    return degrees


def _ring(centre: Position, way: Sequence[tuple[float, float]]) -> Outline:
    """The closed ring through the places of ``way``: (bearing, metres) from the centre."""
    points = [offset(centre, bearing, metres) for bearing, metres in way]
    return _closed(points, centre)


def _closed(points: Sequence[Position], centre: Position) -> Outline:
    ring = [
        [nearby_longitude(point.longitude, centre.longitude), point.latitude] for point in points
    ]
    if ring[0] != ring[-1]:
        ring.append(list(ring[0]))
    doubled_area = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in itertools.pairwise(ring))
    return ring if doubled_area >= 0 else ring[::-1]


def _turn(start_deg: float = 0.0, angle_deg: float = 360.0) -> list[float]:
    """Bearings along an arc, both ends among them."""
    steps = max(1, round(OUTLINE_POINTS * angle_deg / 360))
    return [(start_deg + angle_deg * step / steps) % 360 for step in range(steps + 1)]


class _Shape:
    """What all shapes have."""

    __slots__ = ()
    type: ClassVar[str]

    def as_json(self) -> dict[str, object]:
        """The parameters by their names here; those that are not known are left out."""
        parameters = fields(self)  # type: ignore[arg-type]  # every subclass is a dataclass
        values = {parameter.name: getattr(self, parameter.name) for parameter in parameters}
        known = {name: _plain(value) for name, value in values.items() if value is not None}
        return {"type": self.type} | known


@dataclass(frozen=True, slots=True)
class Point(_Shape):
    """A position of unknown uncertainty; ``altitude_m`` above the ellipsoid (RFC 5491 §5.2.1)."""

    type: ClassVar[str] = "Point"

    position: Position
    altitude_m: float | None = None

    def __post_init__(self) -> None:
        if self.altitude_m is not None:
            object.__setattr__(self, "altitude_m", _altitude(self.altitude_m))

    @property
    def centre(self) -> Position:
        """The position itself."""
        return self.position

    @property
    def radius_m(self) -> None:
        """Nobody said how far off it is."""
        return None

    def outline(self) -> Outline:
        """The one point."""
        return [[self.position.longitude, self.position.latitude]]


@dataclass(frozen=True, slots=True)
class Circle(_Shape):
    """Everything within ``radius_m`` of the centre (§5.2.3)."""

    type: ClassVar[str] = "Circle"

    centre: Position
    radius_m: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "radius_m", _length(self.radius_m, "The radius"))

    def outline(self) -> Outline:
        """A ring around it."""
        return _ring(self.centre, [(bearing, self.radius_m) for bearing in _turn()])


@dataclass(frozen=True, slots=True)
class Ellipse(_Shape):
    """``orientation_deg`` is the direction of the semi-major axis from north (§5.2.4)."""

    type: ClassVar[str] = "Ellipse"

    centre: Position
    semi_major_m: float
    semi_minor_m: float
    orientation_deg: float

    def __post_init__(self) -> None:
        _check_axes(self)

    @property
    def radius_m(self) -> float:
        """The longer axis: some write it second."""
        return max(self.semi_major_m, self.semi_minor_m)

    def outline(self) -> Outline:
        """A ring around it."""
        return _ellipse(self)


@dataclass(frozen=True, slots=True)
class ArcBand(_Shape):
    """The part of a ring around ``apex`` that a radio cell's sector and delay give (§5.2.5).

    It begins in the direction ``start_angle_deg`` and goes on clockwise over ``opening_angle_deg``.
    """

    type: ClassVar[str] = "ArcBand"

    apex: Position
    inner_radius_m: float
    outer_radius_m: float
    start_angle_deg: float
    opening_angle_deg: float

    def __post_init__(self) -> None:
        outer = _length(self.outer_radius_m, "The outer radius")
        inner = _length(self.inner_radius_m, "The inner radius", zero=True)
        opening = finite(self.opening_angle_deg, "The opening angle")
        if inner >= outer:
            raise LocationInvalid("The inner radius is not less than the outer one.")
        if not 0 < opening <= 360:
            raise LocationInvalid("The opening angle is not more than 0 and at most 360 degrees.")
        object.__setattr__(self, "outer_radius_m", outer)
        object.__setattr__(self, "inner_radius_m", inner)
        start = _direction(self.start_angle_deg, "The start angle")
        object.__setattr__(self, "start_angle_deg", start)
        object.__setattr__(self, "opening_angle_deg", opening)

    @property
    def centre(self) -> Position:
        """The centre of the smallest circle that covers the band, on its middle line.

        Of a band narrower than a half-circle the corners are the farthest points, so the circle
        touches the outer two, or all four of a narrow one.
        """
        cosine = math.cos(math.radians(self.opening_angle_deg / 2))
        if cosine <= 0:
            return self.apex
        two_corners = self.outer_radius_m * cosine
        four_corners = (self.inner_radius_m + self.outer_radius_m) / (2 * cosine)
        middle = self.start_angle_deg + self.opening_angle_deg / 2
        return offset(self.apex, middle % 360, min(two_corners, four_corners))

    @property
    def radius_m(self) -> float:
        """From the centre to the farthest point of the band."""
        if self.opening_angle_deg >= 180:
            return self.outer_radius_m
        centre = self.centre
        return COVERING_MARGIN * max(distance_m(centre, corner) for corner in self._corners())

    def _corners(self) -> list[Position]:
        ends = (self.start_angle_deg, (self.start_angle_deg + self.opening_angle_deg) % 360)
        radii = (self.inner_radius_m, self.outer_radius_m)
        return [offset(self.apex, bearing, metres) for bearing in ends for metres in radii]

    def outline(self) -> Outline:
        """A ring along the outer arc and back along the inner one."""
        bearings = _turn(self.start_angle_deg, self.opening_angle_deg)
        way = [(bearing, self.outer_radius_m) for bearing in bearings]
        if self.inner_radius_m > 0:
            way += [(bearing, self.inner_radius_m) for bearing in reversed(bearings)]
        elif self.opening_angle_deg < 360:
            way.append((0.0, 0.0))
        return _ring(self.apex, way)


@dataclass(frozen=True, slots=True)
class Polygon(_Shape):
    """Everything within ``exterior``, a closed ring (§5.2.2); of one altitude where it has any."""

    type: ClassVar[str] = "Polygon"

    exterior: tuple[Position, ...]
    altitude_m: float | None = None

    def __post_init__(self) -> None:
        _check_exterior(self.exterior)
        if self.altitude_m is not None:
            object.__setattr__(self, "altitude_m", _altitude(self.altitude_m))

    @property
    def centre(self) -> Position:
        """The centre of the smallest circle that covers the polygon."""
        return covering_centre(self.exterior)

    @property
    def radius_m(self) -> float:
        """From the centre to the farthest corner."""
        return _reach(self.centre, self.exterior)

    def outline(self) -> Outline:
        """The exterior."""
        return _closed(self.exterior, self.exterior[0])


@dataclass(frozen=True, slots=True)
class Sphere(_Shape):
    """Everything within ``radius_m`` of a point in space (§5.2.6)."""

    type: ClassVar[str] = "Sphere"

    centre: Position
    altitude_m: float
    radius_m: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "altitude_m", _altitude(self.altitude_m))
        object.__setattr__(self, "radius_m", _length(self.radius_m, "The radius"))

    def outline(self) -> Outline:
        """A ring around it, seen from above."""
        return Circle(self.centre, self.radius_m).outline()


@dataclass(frozen=True, slots=True)
class Ellipsoid(_Shape):
    """An ellipse of position with an uncertain altitude (§5.2.7)."""

    type: ClassVar[str] = "Ellipsoid"

    centre: Position
    altitude_m: float
    semi_major_m: float
    semi_minor_m: float
    vertical_axis_m: float
    orientation_deg: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "altitude_m", _altitude(self.altitude_m))
        vertical = _length(self.vertical_axis_m, "The vertical axis", zero=True)
        object.__setattr__(self, "vertical_axis_m", vertical)
        _check_axes(self)

    @property
    def radius_m(self) -> float:
        """The longer horizontal axis."""
        return max(self.semi_major_m, self.semi_minor_m)

    def outline(self) -> Outline:
        """A ring around it, seen from above."""
        return _ellipse(self)


@dataclass(frozen=True, slots=True)
class Prism(_Shape):
    """A level polygon and everything up to ``height_m`` above it: floors of a house (§5.2.8)."""

    type: ClassVar[str] = "Prism"

    base: tuple[Position, ...]
    altitude_m: float
    height_m: float

    def __post_init__(self) -> None:
        _check_exterior(self.base)
        object.__setattr__(self, "altitude_m", _altitude(self.altitude_m))
        object.__setattr__(self, "height_m", _length(self.height_m, "The height", zero=True))

    @property
    def centre(self) -> Position:
        """The centre of the smallest circle that covers the base."""
        return covering_centre(self.base)

    @property
    def radius_m(self) -> float:
        """From the centre to the farthest corner."""
        return _reach(self.centre, self.base)

    def outline(self) -> Outline:
        """The base."""
        return _closed(self.base, self.base[0])


Shape: TypeAlias = Point | Circle | Ellipse | ArcBand | Polygon | Sphere | Ellipsoid | Prism


def _check_axes(shape: Ellipse | Ellipsoid) -> None:
    major = _length(shape.semi_major_m, "The semi-major axis")
    minor = _length(shape.semi_minor_m, "The semi-minor axis", zero=True)
    object.__setattr__(shape, "semi_major_m", major)
    object.__setattr__(shape, "semi_minor_m", minor)
    orientation = _direction(shape.orientation_deg, "The orientation")
    object.__setattr__(shape, "orientation_deg", orientation)


def _ellipse(shape: Ellipse | Ellipsoid) -> Outline:
    way = []
    for angle in _turn():
        along = shape.semi_major_m * math.cos(math.radians(angle))
        across = shape.semi_minor_m * math.sin(math.radians(angle))
        bearing = shape.orientation_deg + math.degrees(math.atan2(across, along))
        way.append((bearing % 360, math.hypot(along, across)))
    return _ring(shape.centre, way)


def _check_exterior(ring: tuple[Position, ...]) -> None:
    if len(ring) > VERTICES_MAX:
        raise LocationInvalid(f"The polygon has more than {VERTICES_MAX} corners.")
    if len(ring) < 4 or ring[0] != ring[-1]:
        raise LocationInvalid(
            "The polygon does not close: it needs at least four positions, the last like the first."
        )
    if len(set(ring)) < 3:
        raise LocationInvalid("The polygon has fewer than three different corners.")
    if any(distance_m(ring[0], corner) > RADIUS_M_MAX for corner in ring):
        raise LocationInvalid(f"The polygon is wider than {RADIUS_M_MAX:.0f} m.")


def _reach(centre: Position, ring: Sequence[Position]) -> float:
    return COVERING_MARGIN * max(distance_m(centre, corner) for corner in ring)


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.as_json() if isinstance(value, Position) else value


_KINDS: Mapping[str, type[Shape]] = {
    kind.type: kind for kind in (Point, Circle, Ellipse, ArcBand, Polygon, Sphere, Ellipsoid, Prism)
}


def shape_from_json(document: object) -> Shape:
    """The shape that ``as_json`` wrote; raises `LocationInvalid` for everything else."""
    if not isinstance(document, Mapping):
        raise LocationInvalid("A shape is a JSON object.")
    name = document.get("type")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise LocationInvalid(f"The type of the shape is none of {', '.join(_KINDS)}.")
    values = {str(key): value for key, value in document.items() if key != "type"}
    parameters = fields(kind)
    surplus = values.keys() - {parameter.name for parameter in parameters}
    if surplus:
        raise LocationInvalid(f"A {name} has no {min(surplus)[:40]}.")
    missing = [p.name for p in parameters if p.name not in values and p.default is MISSING]
    if missing:
        raise LocationInvalid(f"The {name} lacks {', '.join(missing)}.")
    build: Callable[..., Shape] = kind
    return build(**{key: _parameter(key, value) for key, value in values.items()})


def _parameter(name: str, value: object) -> object:
    if name in ("position", "centre", "apex"):
        return _position(value)
    if name in ("exterior", "base"):
        if not isinstance(value, list | tuple) or len(value) > VERTICES_MAX:
            raise LocationInvalid(f"{name} is no list of at most {VERTICES_MAX} positions.")
        return tuple(_position(pair) for pair in value)
    return value


def _position(value: object) -> Position:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise LocationInvalid("A position is [latitude, longitude].")
    return Position(value[0], value[1])
