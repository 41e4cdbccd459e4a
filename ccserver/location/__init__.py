"""Where somebody or something is: values, shapes, geometry, and which of many tellings holds.

A pure room: no clock, no socket, no database.
"""

from ccserver.location.choice import Choice, Known, Reason, caller_location, current_location
from ccserver.location.geometry import Area, bearing_deg, distance_m, offset, polygon_contains
from ccserver.location.shapes import (
    ArcBand,
    Circle,
    Ellipse,
    Ellipsoid,
    Outline,
    Point,
    Polygon,
    Prism,
    Shape,
    Sphere,
    shape_from_json,
)
from ccserver.location.values import (
    Location,
    LocationInvalid,
    LocationKind,
    LocationSource,
    Position,
)

__all__ = [
    "ArcBand",
    "Area",
    "Choice",
    "Circle",
    "Ellipse",
    "Ellipsoid",
    "Known",
    "Location",
    "LocationInvalid",
    "LocationKind",
    "LocationSource",
    "Outline",
    "Point",
    "Polygon",
    "Position",
    "Prism",
    "Reason",
    "Shape",
    "Sphere",
    "bearing_deg",
    "caller_location",
    "current_location",
    "distance_m",
    "offset",
    "polygon_contains",
    "shape_from_json",
]
