"""Locations and addresses of a card as PIDF-LO within an EIDO, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from ccserver.exchange.values import JSONObject
from ccserver.location import Location, LocationInvalid, LocationSource, shape_from_json
from ccserver.location.pidf import PIDFLO, PIDFLOInvalid, Place

SOURCE_PREFIX = "urn:ccserver:location-source:"
"""In ``provided-by``: which of our sources told the place."""

CODE_PREFIX = "urn:ccserver:var:"
"""Before the code of the State Address Register in ``localIdentifier``."""

COUNTRY = "LV"

_CIVIC = {"floor": "FLR", "flat": "UNIT", "entrance": "BLD"}
"""Members of an address that RFC 5139 has elements for. A door's code is said to those who come,
and stays out of the address."""

_SOURCES = {source.value: source for source in LocationSource}

_ORDER = ("RD", "A6", "STS", "POD", "HNO", "HNS", "LMK", "NAM", "A5", "A4", "A3", "A2", "A1", "PC")
"""How a foreign address is written in one line."""


def location_xml(location: JSONObject, address: JSONObject | None) -> str:
    """The PIDF-LO of a location of a card, with the incident's address where it is that."""
    place = Place(
        shape=shape_from_json(location["shape"]),
        civic=civic(address),
        confidence=_number(location.get("confidence")),
        container_id="location",
        method=str(_data(location).get("method") or ""),
        provided_by=SOURCE_PREFIX + str(location.get("source")),
        observed_at=_time(location.get("observed_at")),
    )
    return str(PIDFLO((place,), entity="pres:incident@ccserver.invalid"))


def address_xml(address: JSONObject) -> str:
    """The PIDF-LO of an address of which no coordinates are known."""
    place = Place(shape=None, civic=civic(address), container_id="address", confidence=None)
    return str(PIDFLO((place,), entity="pres:incident@ccserver.invalid"))


def civic(address: JSONObject | None) -> dict[str, str]:
    """The address in the elements of RFC 5139; the text stands beside them."""
    if not address:
        return {}
    told = {"country": COUNTRY}
    for name, element in _CIVIC.items():
        if address.get(name):
            told[element] = str(address[name])
    return told


class Told(NamedTuple):
    """What a PIDF-LO told."""

    locations: list[Location]
    civic: Mapping[str, str]
    oddities: list[str]


def read_xml(xml: str, received_at: datetime) -> Told:
    """Locations, the first address, and what was odd; no location where it is no PIDF-LO."""
    try:
        document = PIDFLO.parse(xml.encode("utf-8", "replace"))
    except PIDFLOInvalid as error:
        return Told([], {}, [f"pidf_lo_invalid: {error}"])
    address = next((place.civic for place in document.places if place.civic), {})
    locations = [_ours(location) for location in document.locations(received_at)]
    return Told(locations, address, [oddity.code for oddity in document.oddities])


def address_of(civic_address: Mapping[str, str], text: str, code: str) -> dict[str, object]:
    """The value of the field ``address``; empty where nothing was told."""
    told: dict[str, object] = {}
    line = text or ", ".join(
        civic_address[element] for element in _ORDER if civic_address.get(element)
    )
    if line:
        told["text"] = line[:200]
    if code:
        told["code"] = code
    for name, element in _CIVIC.items():
        if civic_address.get(element):
            told[name] = civic_address[element][:200]
    return told


def _ours(location: Location) -> Location:
    """With our own source again, where the document came from a system like this one."""
    provided_by = str(location.data.get("provided_by", ""))
    source = location.source
    if provided_by.startswith(SOURCE_PREFIX):
        source = _SOURCES.get(provided_by.removeprefix(SOURCE_PREFIX), source)
    data = {
        key: value
        for key, value in location.data.items()
        if key == "method" or (key == "provided_by" and source is location.source)
    }
    return Location(
        location.shape,
        source,
        received_at=location.received_at,
        observed_at=location.observed_at,
        confidence=location.confidence,
        data=data,
    )


def is_place(location: JSONObject) -> bool:
    """Whether this is a location that can be written."""
    try:
        shape_from_json(location.get("shape"))
    except LocationInvalid:
        return False
    return True


def _data(location: JSONObject) -> JSONObject:
    data = location.get("data")
    return data if isinstance(data, Mapping) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _time(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
