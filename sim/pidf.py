"""Places as phones and networks send them: PIDF-LO of every shape (RFC 4119, 5491, 5139, 7459).

Written by hand from the RFCs' examples, so that ccserver's own writer is not its own judge. Places
are degrees of WGS84, lengths metres, angles degrees.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape

METRES_PER_DEGREE: Final = 111_320.0
TWO_D: Final = "urn:ogc:def:crs:EPSG::4326"
THREE_D: Final = "urn:ogc:def:crs:EPSG::4979"
METRES: Final = "urn:ogc:def:uom:EPSG::9001"
DEGREES: Final = "urn:ogc:def:uom:EPSG::9102"
CIVIC: Final = {
    "country": "LV",
    "A1": "Rīga",
    "A3": "Rīga",
    "RD": "Brīvības",
    "STS": "iela",
    "HNO": "54",
    "FLR": "3",
    "PC": "LV-1011",
}

Drawn = Callable[[float, float], str]


def _centre(latitude: float, longitude: float, altitude: float | None = None) -> str:
    high = "" if altitude is None else f" {altitude:g}"
    return f"<gml:pos>{latitude:.6f} {longitude:.6f}{high}</gml:pos>"


def _length(name: str, metres: float) -> str:
    return f'<gs:{name} uom="{METRES}">{metres:g}</gs:{name}>'


def _angle(name: str, degrees: float) -> str:
    return f'<gs:{name} uom="{DEGREES}">{degrees:g}</gs:{name}>'


def _ring(latitude: float, longitude: float, altitude: float | None = None) -> str:
    """A square of 60 m, counter-clockwise and closed (RFC 5491 §5.2.2)."""
    up = 30 / METRES_PER_DEGREE
    aside = up / math.cos(math.radians(latitude))
    corners = ((-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))
    places = [_centre(latitude + y * up, longitude + x * aside, altitude) for y, x in corners]
    return f"<gml:exterior><gml:LinearRing>{''.join(places)}</gml:LinearRing></gml:exterior>"


def point(latitude: float, longitude: float) -> str:
    """§5.2.1."""
    return f'<gml:Point srsName="{TWO_D}">{_centre(latitude, longitude)}</gml:Point>'


def polygon(latitude: float, longitude: float) -> str:
    """§5.2.2."""
    return f'<gml:Polygon srsName="{TWO_D}">{_ring(latitude, longitude)}</gml:Polygon>'


def circle(latitude: float, longitude: float, radius_m: float = 45.0) -> str:
    """§5.2.3."""
    inside = _centre(latitude, longitude) + _length("radius", radius_m)
    return f'<gs:Circle srsName="{TWO_D}">{inside}</gs:Circle>'


def ellipse(latitude: float, longitude: float) -> str:
    """§5.2.4."""
    inside = _centre(latitude, longitude) + _length("semiMajorAxis", 80)
    inside += _length("semiMinorAxis", 30) + _angle("orientation", 40)
    return f'<gs:Ellipse srsName="{TWO_D}">{inside}</gs:Ellipse>'


def arc_band(latitude: float, longitude: float) -> str:
    """§5.2.5: the sector of a radio cell."""
    inside = _centre(latitude, longitude) + _length("innerRadius", 500)
    inside += _length("outerRadius", 1_100) + _angle("startAngle", 20) + _angle("openingAngle", 60)
    return f'<gs:ArcBand srsName="{TWO_D}">{inside}</gs:ArcBand>'


def sphere(latitude: float, longitude: float) -> str:
    """§5.2.6."""
    inside = _centre(latitude, longitude, 26.3) + _length("radius", 50)
    return f'<gs:Sphere srsName="{THREE_D}">{inside}</gs:Sphere>'


def ellipsoid(latitude: float, longitude: float) -> str:
    """§5.2.7."""
    inside = _centre(latitude, longitude, 26.3) + _length("semiMajorAxis", 70)
    inside += _length("semiMinorAxis", 40) + _length("verticalAxis", 28)
    inside += _angle("orientation", 43)
    return f'<gs:Ellipsoid srsName="{THREE_D}">{inside}</gs:Ellipsoid>'


def prism(latitude: float, longitude: float) -> str:
    """§5.2.8."""
    base = f"<gml:Polygon>{_ring(latitude, longitude, 12)}</gml:Polygon>"
    return (
        f'<gs:Prism srsName="{THREE_D}"><gs:base>{base}</gs:base>'
        f'<gs:height uom="{METRES}">9</gs:height></gs:Prism>'
    )


def civic(parts: Mapping[str, str] = CIVIC, language: str = "lv") -> str:
    """A postal address (RFC 5139, RFC 6848)."""
    inside = "".join(f"<ca:{name}>{escape(text)}</ca:{name}>" for name, text in parts.items())
    return f'<ca:civicAddress xml:lang="{language}">{inside}</ca:civicAddress>'


SHAPES: Final[Mapping[str, Drawn]] = {
    "Point": point,
    "Circle": circle,
    "Ellipse": ellipse,
    "ArcBand": arc_band,
    "Polygon": polygon,
    "Sphere": sphere,
    "Ellipsoid": ellipsoid,
    "Prism": prism,
    "civic": lambda *_: civic(),
}
"""Every shape by its name, drawn around a place; ``civic`` has no coordinates."""


def document(
    shape: str,
    *,
    where: str = "tuple",
    method: str = "GPS",
    confidence: float | None = None,
    entity: str = "pres:caller@127.0.0.1",
    at: datetime | None = None,
) -> bytes:
    """A PIDF-LO around what was drawn; ``where`` is ``tuple``, ``device`` or ``person``."""
    sure = ""
    if confidence is not None:
        sure = f'<con:confidence pdf="normal">{confidence:g}</con:confidence>'
    geopriv = (
        f"<gp:geopriv><gp:location-info>{shape}{sure}</gp:location-info><gp:usage-rules>"
        f"<gbp:retransmission-allowed>true</gbp:retransmission-allowed></gp:usage-rules>"
        f"<gp:method>{escape(method)}</gp:method></gp:geopriv>"
    )
    stamp = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    match where:
        case "tuple":
            inside = f"<status>{geopriv}</status><timestamp>{stamp}</timestamp>"
            inside = f'<tuple id="place">{inside}</tuple>'
        case "device" | "person":
            inside = f"{geopriv}<dm:timestamp>{stamp}</dm:timestamp>"
            inside = f'<dm:{where} id="place">{inside}</dm:{where}>'
        case _:
            raise ValueError(f"a place is in a tuple, device or person and not in {where}")
    spaces = " ".join(f'xmlns{prefix}="{name}"' for prefix, name in _SPACES.items())
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<presence {spaces} entity="{escape(entity)}">{inside}</presence>\n'.encode()


_SPACES: Final = {
    "": "urn:ietf:params:xml:ns:pidf",
    ":dm": "urn:ietf:params:xml:ns:pidf:data-model",
    ":gp": "urn:ietf:params:xml:ns:pidf:geopriv10",
    ":gbp": "urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy",
    ":gml": "http://www.opengis.net/gml",
    ":gs": "http://www.opengis.net/pidflo/1.0",
    ":ca": "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr",
    ":con": "urn:ietf:params:xml:ns:geopriv:conf",
}
