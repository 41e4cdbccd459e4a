"""The shapes of RFC 5491 as GML 3.1.1 in a PIDF-LO, read and written.

A shape that lacks something, or says what cannot be, is reduced to what remains: an ellipse without
its axes is still a point on the map. Each reduction is noted.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from xml.etree.ElementTree import SubElement

from ccserver.location.geometry import covering_centre, distance_m
from ccserver.location.oddities import Oddities
from ccserver.location.shapes import (
    VERTICES_MAX,
    ArcBand,
    Circle,
    Ellipse,
    Ellipsoid,
    Point,
    Polygon,
    Prism,
    Shape,
    Sphere,
)
from ccserver.location.values import LocationInvalid, Position
from ccserver.location.xml import Element, child, descendants, local_name, text_of

GML = "http://www.opengis.net/gml"
GS = "http://www.opengis.net/pidflo/1.0"

SRS_2D = "urn:ogc:def:crs:EPSG::4326"
SRS_3D = "urn:ogc:def:crs:EPSG::4979"

METRE = "urn:ogc:def:uom:EPSG::9001"
DEGREE = "urn:ogc:def:uom:EPSG::9102"

_SYSTEMS = ("4326", "4979")
"""The only two that RFC 5491 §5.1 allows, in both of which the latitude comes first. Another
system's numbers would be another place."""

_METRES = {"9001": 1.0, "m": 1.0, "metre": 1.0, "meter": 1.0, "9036": 1000.0, "9002": 0.3048}
_DEGREES = {
    "9102": 1.0,
    "9122": 1.0,
    "deg": 1.0,
    "degree": 1.0,
    "9101": 180 / math.pi,
    "rad": 180 / math.pi,
    "radian": 180 / math.pi,
}

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
"""xs:double without its NaN and infinities; Python's float() would take more."""

_SEXAGESIMAL = re.compile(r"([0-9]{1,3}):([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{1,9})?)([NSEW])")
"""``37:46:30N`` of RFC 4119's own example."""

NUMBER_CHARS_MAX = 64
"""Of one coordinate; a longer one is an attempt."""

Coordinates = tuple[Position, float | None]
"""A position and its altitude."""


class _Unusable(Exception):
    """A part of a shape is missing or impossible; the arguments are an oddity's."""


def number(text: str) -> float:
    """The number; raises `ValueError` for what xs:double has no finite number for."""
    if len(text) > NUMBER_CHARS_MAX or not _NUMBER.fullmatch(text):
        raise ValueError("not a number")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def is_shape(element: Element) -> bool:
    """Whether this element is one of the shapes."""
    return local_name(element) in _READERS


def read_shape(element: Element, oddities: Oddities) -> Shape | None:
    """The shape, or what remains of it; ``None`` if it says no place at all."""
    name = local_name(element)
    system = _system(element)
    if system is None:
        oddities.add("srs_missing", name)
    elif not system.endswith(_SYSTEMS):
        oddities.add("srs_unknown", system)
        return None
    try:
        return _READERS[name](element, oddities)
    except _Unusable as error:
        oddities.add(*error.args)
    except LocationInvalid as error:
        oddities.add("shape_invalid", f"{name}: {error}")
    return _remainder(element, oddities)


def _system(element: Element) -> str | None:
    for found in element.iter():
        if "srsName" in found.attrib:
            return found.attrib["srsName"].strip()
    return None


def _remainder(element: Element, oddities: Oddities) -> Shape | None:
    """The point or circle around whatever positions can be read."""
    try:
        corners = [position for position, _ in _all_coordinates(element, Oddities())]
        centre = covering_centre(corners)
        radius = max(distance_m(centre, corner) for corner in corners)
        shape: Shape = Circle(centre, radius) if radius > 0 else Point(centre)
    except (_Unusable, LocationInvalid):
        return None
    oddities.add("shape_reduced", f"{local_name(element)} to {shape.type}")
    return shape


def _point(element: Element, oddities: Oddities) -> Shape:
    position, altitude = _one(element, oddities)
    return Point(position, altitude)


def _circle(element: Element, oddities: Oddities) -> Shape:
    position, altitude = _one(element, oddities)
    radius = _measure(element, "radius", _METRES, oddities)
    if local_name(element) == "Circle":
        if altitude is not None:
            oddities.add("altitude_ignored", "Circle")
        return Circle(position, radius)
    if altitude is None:
        oddities.add("altitude_missing", "Sphere")
        return Circle(position, radius)
    return Sphere(position, altitude, radius)


def _ellipse(element: Element, oddities: Oddities) -> Shape:
    position, altitude = _one(element, oddities)
    major = _measure(element, "semiMajorAxis", _METRES, oddities)
    minor = _measure(element, "semiMinorAxis", _METRES, oddities)
    orientation = _measure(element, "orientation", _DEGREES, oddities) % 360
    if minor > major:
        oddities.add("axes_swapped", local_name(element))
    if local_name(element) == "Ellipse":
        if altitude is not None:
            oddities.add("altitude_ignored", "Ellipse")
        return Ellipse(position, major, minor, orientation)
    if altitude is None:
        oddities.add("altitude_missing", "Ellipsoid")
        return Ellipse(position, major, minor, orientation)
    vertical = _measure(element, "verticalAxis", _METRES, oddities)
    return Ellipsoid(position, altitude, major, minor, vertical, orientation)


def _arc_band(element: Element, oddities: Oddities) -> Shape:
    position, altitude = _one(element, oddities)
    if altitude is not None:
        oddities.add("altitude_ignored", "ArcBand")
    return ArcBand(
        position,
        inner_radius_m=_measure(element, "innerRadius", _METRES, oddities),
        outer_radius_m=_measure(element, "outerRadius", _METRES, oddities),
        start_angle_deg=_measure(element, "startAngle", _DEGREES, oddities) % 360,
        opening_angle_deg=_measure(element, "openingAngle", _DEGREES, oddities),
    )


def _polygon(element: Element, oddities: Oddities) -> Shape:
    ring, altitude = _ring(element, oddities)
    return Polygon(ring, altitude)


def _prism(element: Element, oddities: Oddities) -> Shape:
    ring, altitude = _ring(element, oddities)
    if altitude is None:
        oddities.add("altitude_missing", "Prism")
        return Polygon(ring)
    return Prism(ring, altitude, _measure(element, "height", _METRES, oddities))


_READERS: Mapping[str, Callable[[Element, Oddities], Shape]] = {
    "Point": _point,
    "Circle": _circle,
    "Sphere": _circle,
    "Ellipse": _ellipse,
    "Ellipsoid": _ellipse,
    "ArcBand": _arc_band,
    "Polygon": _polygon,
    "Prism": _prism,
}


def _one(element: Element, oddities: Oddities) -> Coordinates:
    found = _all_coordinates(element, oddities)
    if len(found) > 1:
        oddities.add("positions_surplus", local_name(element))
    return found[0]


def _ring(element: Element, oddities: Oddities) -> tuple[tuple[Position, ...], float | None]:
    # Holes have no meaning here (RFC 5491 §5.2.2): whatever is not in them is the exterior.
    outer = next(descendants(element, "exterior", "outerBoundaryIs"), element)
    found = _all_coordinates(outer, oddities)
    corners = [position for position, _ in found]
    if corners[0] != corners[-1]:
        oddities.add("polygon_not_closed")
        corners.append(corners[0])
    altitudes = {altitude for _, altitude in found}
    if len(altitudes) > 1:
        # RFC 5491 §5.2.2 wants one plane; the lowest is where somebody may lie.
        oddities.add("polygon_not_level")
    return tuple(corners), min((a for a in altitudes if a is not None), default=None)


def _all_coordinates(element: Element, oddities: Oddities) -> list[Coordinates]:
    """Every position in the element; at least one."""
    found: list[Coordinates] = []
    for source in descendants(element, "pos", "posList", "coordinates"):
        for group in _groups(source):
            if len(found) == VERTICES_MAX:
                raise _Unusable("positions_too_many", f"more than {VERTICES_MAX}")
            found.append(_coordinates(group, oddities))
    if not found:
        raise _Unusable("position_missing", local_name(element))
    return found


def _groups(source: Element) -> list[list[str]]:
    """The numbers of each position."""
    text = text_of(source)
    if local_name(source) == "coordinates" and "," in text:
        return [group.split(",") for group in text.split()]
    numbers = [part for part in re.split(r"[\s,]+", text) if part]
    if local_name(source) != "posList":
        return [numbers]
    size = 3 if "3" in (source.get("srsDimension", ""), source.get("dimension", "")) else 2
    if len(numbers) % size:
        raise _Unusable("position_unreadable", text)
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def _coordinates(numbers: Sequence[str], oddities: Oddities) -> Coordinates:
    text = " ".join(numbers)
    if not 2 <= len(numbers) <= 3:
        raise _Unusable("position_unreadable", text)
    try:
        latitude, longitude, *rest = [_degrees(part) for part in numbers]
    except ValueError:
        raise _Unusable("position_unreadable", text) from None
    if abs(latitude) > 90 and abs(latitude) <= 180 and abs(longitude) <= 90:
        # Never swapped back: who swaps some numbers swaps others that do not show it.
        oddities.add("perhaps_swapped", text)
    try:
        return Position(latitude, longitude), rest[0] if rest else None
    except LocationInvalid:
        raise _Unusable("position_out_of_range", text) from None


def _degrees(text: str) -> float:
    found = _SEXAGESIMAL.fullmatch(text)
    if found is None:
        return number(text)
    degrees, minutes, seconds, hemisphere = found.groups()
    value = int(degrees) + int(minutes) / 60 + float(seconds) / 3600
    return -value if hemisphere in "SW" else value


def _measure(element: Element, name: str, units: Mapping[str, float], oddities: Oddities) -> float:
    found = child(element, name)
    if found is None:
        raise _Unusable("measure_missing", f"{name} of {local_name(element)}")
    unit = found.get("uom")
    if unit is None:
        oddities.add("unit_missing", name)
        factor = 1.0
    else:
        key = re.split(r"[:#/]", unit.strip())[-1].lower()
        known = units.get(key) or units.get(key.removesuffix("s"))
        if known is None:
            raise _Unusable("unit_unknown", f"{name}: {unit}")
        factor = known
    try:
        return number(text_of(found)) * factor
    except ValueError:
        raise _Unusable("measure_unreadable", f"{name}: {text_of(found)}") from None


def write_shape(parent: Element, shape: Shape) -> None:
    """Append the shape as an element; `read_shape` gives the same shape again."""
    altitude = getattr(shape, "altitude_m", None)
    namespace = GML if isinstance(shape, Point | Polygon) else GS
    srs = SRS_2D if altitude is None else SRS_3D
    element = SubElement(parent, f"{{{namespace}}}{shape.type}", {"srsName": srs})
    match shape:
        case Polygon(exterior=ring):
            _write_ring(element, ring, altitude)
        case Prism(base=ring):
            base = SubElement(element, f"{{{GS}}}base")
            polygon = SubElement(base, f"{{{GML}}}Polygon", {"srsName": srs})
            _write_ring(polygon, ring, altitude)
        case Point(position=position) | ArcBand(apex=position):
            _write_position(element, position, altitude)
        case _:
            _write_position(element, shape.centre, altitude)
    for name, attribute, unit in _MEASURES:
        value = getattr(shape, attribute, None)
        if value is not None and not (name == "radius" and not isinstance(shape, Circle | Sphere)):
            SubElement(element, f"{{{GS}}}{name}", {"uom": unit}).text = repr(float(value))


_MEASURES = (
    ("radius", "radius_m", METRE),
    ("semiMajorAxis", "semi_major_m", METRE),
    ("semiMinorAxis", "semi_minor_m", METRE),
    ("verticalAxis", "vertical_axis_m", METRE),
    ("orientation", "orientation_deg", DEGREE),
    ("innerRadius", "inner_radius_m", METRE),
    ("outerRadius", "outer_radius_m", METRE),
    ("startAngle", "start_angle_deg", DEGREE),
    ("openingAngle", "opening_angle_deg", DEGREE),
    ("height", "height_m", METRE),
)
"""In the order of the schema."""


def _write_ring(parent: Element, ring: Sequence[Position], altitude: float | None) -> None:
    exterior = SubElement(parent, f"{{{GML}}}exterior")
    linear = SubElement(exterior, f"{{{GML}}}LinearRing")
    for position in ring:
        _write_position(linear, position, altitude)


def _write_position(parent: Element, position: Position, altitude: float | None) -> None:
    numbers = [position.latitude, position.longitude]
    if altitude is not None:
        numbers.append(altitude)
    SubElement(parent, f"{{{GML}}}pos").text = " ".join(repr(value) for value in numbers)
