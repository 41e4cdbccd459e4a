"""PIDF-LO: where a caller is, as a document in a call (RFC 4119, 5139, 5491, 7459; RFC 6442).

A document may tell several locations: in tuples, devices and persons, by coordinates, by address or
both. What is wrong with one is noted as an oddity and costs no more than that one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree.ElementTree import SubElement, register_namespace, tostring

from ccserver.location.gml import GML, GS, is_shape, number, read_shape, write_shape
from ccserver.location.oddities import Oddities, Oddity
from ccserver.location.shapes import Shape
from ccserver.location.values import Location, LocationSource
from ccserver.location.xml import (
    Element,
    XMLRefused,
    child,
    children,
    descendants,
    local_name,
    read_xml,
    text_of,
    writable,
)

PIDF = "urn:ietf:params:xml:ns:pidf"
DATA_MODEL = "urn:ietf:params:xml:ns:pidf:data-model"
GEOPRIV = "urn:ietf:params:xml:ns:pidf:geopriv10"
POLICY = "urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy"
CIVIC = "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"
CONFIDENCE = "urn:ietf:params:xml:ns:geopriv:conf"

MEDIA_TYPE = "application/pidf+xml"

CONFIDENCE_DEFAULT = 0.95
"""Where the document says nothing (RFC 7459 §2.2.2)."""

PLACES_MAX = 16
"""Locations of one document; RFC 5491 §3 advises against more than one."""

TEXT_CHARS_MAX = 500
"""Of one element; what is longer is cut, since nobody reads it during a call."""

CIVIC_ELEMENTS_MAX = 64
"""RFC 5139 and 6848 together define some forty."""

_CONTAINERS = {"tuple": PIDF, "device": DATA_MODEL, "person": DATA_MODEL}

_CIVIC_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")

_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)
"""xs:dateTime of the years that occur."""

for _prefix, _namespace in (
    ("", PIDF),
    ("dm", DATA_MODEL),
    ("gp", GEOPRIV),
    ("gbp", POLICY),
    ("ca", CIVIC),
    ("con", CONFIDENCE),
    ("gml", GML),
    ("gs", GS),
):
    register_namespace(_prefix, _namespace)


class PIDFLOInvalid(ValueError):
    """This is no PIDF-LO, or tells no location at all; the message says what is wrong.

    ``oddities``: what was noticed before that was clear.
    """

    def __init__(self, text: str, oddities: tuple[Oddity, ...] = ()) -> None:
        super().__init__(text)
        self.oddities = oddities


@dataclass(frozen=True, slots=True)
class Place:
    """One location of a document, with what its container and its rules say of it."""

    shape: Shape | None
    """``None`` where the location is an address only."""
    civic: Mapping[str, str] = field(default_factory=dict)
    """RFC 5139 elements by their names: ``country``, ``A1`` … ``A6``, ``RD``, ``HNO``, ``FLR``."""
    confidence: float | None = CONFIDENCE_DEFAULT
    """0 to 1; ``None`` where the document says that it is unknown."""
    container: str = "tuple"
    """``tuple``, ``device`` or ``person``."""
    container_id: str = ""
    method: str = ""
    """How it was found: ``GPS``, ``Cell``, ``Wiremap``, ``Manual``, … (RFC 4119 §2.2.5)."""
    provided_by: str = ""
    observed_at: datetime | None = None
    retention_expiry: datetime | None = None
    retransmission_allowed: bool | None = None


@dataclass(frozen=True, slots=True)
class PIDFLO:
    """A document that was read, or is to be written; ``places`` in its order, at least one.

    The first place is the one that its sender prefers (RFC 5491 §3).
    """

    places: tuple[Place, ...]
    entity: str = ""
    oddities: tuple[Oddity, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> "PIDFLO":
        """Read a document; raises `PIDFLOInvalid`, and nothing else, whatever ``data`` is."""
        try:
            root = read_xml(data)
        except XMLRefused as error:
            raise PIDFLOInvalid(str(error)) from None
        oddities = Oddities()
        presence = root
        if local_name(root) != "presence":
            # HELD (RFC 5985) and others wrap it.
            presence = next(descendants(root, "presence"), root)
            if presence is root:
                oddities.add("presence_missing", local_name(root))
        places = _places(presence, oddities)
        if not places:
            reasons = ", ".join(dict.fromkeys(oddity.code for oddity in oddities.found))
            raise PIDFLOInvalid(
                f"The document tells no location{f' ({reasons})' if reasons else ''}.",
                tuple(oddities.found),
            )
        return cls(
            tuple(places[:PLACES_MAX]),
            presence.get("entity", "")[:TEXT_CHARS_MAX],
            tuple(oddities.found),
        )

    def locations(self, received_at: datetime) -> list[Location]:
        """The places that have coordinates as locations; what else was told is their data."""
        return [
            Location(
                place.shape,
                LocationSource.PIDF_LO,
                received_at=received_at,
                observed_at=place.observed_at,
                confidence=place.confidence,
                data=_data(place, self.oddities),
            )
            for place in self.places
            if place.shape is not None
        ]

    def as_xml(self) -> bytes:
        """The document; `parse` gives the same values again."""
        root = Element(f"{{{PIDF}}}presence", {"entity": writable(self.entity)})
        for place in self.places:
            _write(root, place)
        return bytes(tostring(root, encoding="utf-8", xml_declaration=True))

    def __str__(self) -> str:
        return self.as_xml().decode()


def _data(place: Place, oddities: tuple[Oddity, ...]) -> dict[str, object]:
    told: dict[str, object] = {
        "method": place.method,
        "provided_by": place.provided_by,
        "container": place.container,
        "civic": dict(place.civic),
        "oddities": [oddity.code for oddity in oddities],
    }
    return {name: value for name, value in told.items() if value}


def _places(presence: Element, oddities: Oddities) -> list[Place]:
    containers = list(children(presence, *_CONTAINERS)) or [presence]
    places: list[Place] = []
    for container in containers:
        # Some leave geopriv out, or put the location beside it.
        objects = list(descendants(container, "geopriv")) or [container]
        for geopriv in objects:
            found = [
                place
                for info in descendants(geopriv, "location-info")
                for place in _of_info(info, geopriv, container, oddities)
            ]
            if not found:
                oddities.add("location_info_empty", local_name(container))
            places += found
    if len(places) > PLACES_MAX:
        oddities.add("places_too_many", str(len(places)))
    return places


def _of_info(
    info: Element, geopriv: Element, container: Element, oddities: Oddities
) -> list[Place]:
    """Everything that one location-info tells: an address belongs to the shape beside it."""
    shapes = [shape for found in _shapes(info) if (shape := read_shape(found, oddities))]
    civics = [
        civic
        for address in descendants(info, "civicAddress", "civicLoc")
        if (civic := _civic(address, oddities))
    ]
    pairs: list[tuple[Shape | None, Mapping[str, str]]] = []
    for index in range(max(len(shapes), len(civics))):
        shape = shapes[index] if index < len(shapes) else None
        pairs.append((shape, civics[index] if index < len(civics) else {}))
    rules = child(geopriv, "usage-rules")
    name = local_name(container)
    return [
        Place(
            shape=shape,
            civic=civic,
            confidence=_confidence(info, oddities),
            container=name if name in _CONTAINERS else "tuple",
            container_id=container.get("id", "")[:TEXT_CHARS_MAX],
            method=text_of(child(geopriv, "method"))[:TEXT_CHARS_MAX],
            provided_by=_provider(geopriv),
            observed_at=_time(child(container, "timestamp"), oddities),
            retention_expiry=_rule_time(rules, oddities),
            retransmission_allowed=_retransmission(rules),
        )
        for shape, civic in pairs
    ]


def _shapes(info: Element) -> list[Element]:
    """The outermost shapes: the polygon in a prism's base is a part of it."""
    found: list[Element] = []
    for element in info:
        found += [element] if is_shape(element) else _shapes(element)
    return found


def _civic(address: Element, oddities: Oddities) -> dict[str, str]:
    told: dict[str, str] = {}
    for element in address:
        name, text = local_name(element), text_of(element)[:TEXT_CHARS_MAX]
        if not text:
            continue
        if not _CIVIC_NAME.fullmatch(name) or len(told) >= CIVIC_ELEMENTS_MAX:
            oddities.add("civic_ignored", name)
        elif name in told:
            oddities.add("civic_repeated", name)
        else:
            told[name] = text
    return told


def _confidence(info: Element, oddities: Oddities) -> float | None:
    found = next(descendants(info, "confidence"), None)
    if found is None:
        return CONFIDENCE_DEFAULT
    text = text_of(found)
    if text.lower() == "unknown":
        return None
    try:
        percent = number(text)
    except ValueError:
        percent = -1.0
    if not 0 < percent <= 100:
        oddities.add("confidence_unreadable", text)
        return None
    return percent / 100


def _provider(geopriv: Element) -> str:
    found = child(geopriv, "provided-by")
    text = "" if found is None else " ".join("".join(found.itertext()).split())
    return text[:TEXT_CHARS_MAX]


def _time(element: Element | None, oddities: Oddities) -> datetime | None:
    """An xs:dateTime in UTC."""
    if element is None:
        return None
    text = text_of(element)
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            oddities.add("time_without_zone", text)
            at = at.replace(tzinfo=UTC)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        oddities.add("time_unreadable", text)
        return None


def _rule_time(rules: Element | None, oddities: Oddities) -> datetime | None:
    return None if rules is None else _time(child(rules, "retention-expiry"), oddities)


def _retransmission(rules: Element | None) -> bool | None:
    text = "" if rules is None else text_of(child(rules, "retransmission-allowed")).lower()
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(text)


def _write(root: Element, place: Place) -> None:
    namespace = _CONTAINERS[place.container]
    container = SubElement(
        root, f"{{{namespace}}}{place.container}", {"id": writable(place.container_id)}
    )
    inner = container
    if place.container == "tuple":
        inner = SubElement(container, f"{{{PIDF}}}status")
    geopriv = SubElement(inner, f"{{{GEOPRIV}}}geopriv")
    _write_info(SubElement(geopriv, f"{{{GEOPRIV}}}location-info"), place)
    _write_rules(SubElement(geopriv, f"{{{GEOPRIV}}}usage-rules"), place)
    if place.method:
        SubElement(geopriv, f"{{{GEOPRIV}}}method").text = writable(place.method)
    if place.provided_by:
        SubElement(geopriv, f"{{{GEOPRIV}}}provided-by").text = writable(place.provided_by)
    if place.observed_at is not None:
        SubElement(container, f"{{{namespace}}}timestamp").text = _iso(place.observed_at)


def _write_info(info: Element, place: Place) -> None:
    if place.shape is not None:
        write_shape(info, place.shape)
    if place.civic:
        address = SubElement(info, f"{{{CIVIC}}}civicAddress")
        for name, text in place.civic.items():
            SubElement(address, f"{{{CIVIC}}}{name}").text = writable(text)
    if place.confidence != CONFIDENCE_DEFAULT:
        percent = "unknown" if place.confidence is None else repr(round(place.confidence * 100, 4))
        SubElement(info, f"{{{CONFIDENCE}}}confidence", {"pdf": "unknown"}).text = percent


def _write_rules(rules: Element, place: Place) -> None:
    if place.retransmission_allowed is not None:
        allowed = SubElement(rules, f"{{{POLICY}}}retransmission-allowed")
        allowed.text = "true" if place.retransmission_allowed else "false"
    if place.retention_expiry is not None:
        SubElement(rules, f"{{{POLICY}}}retention-expiry").text = _iso(place.retention_expiry)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
