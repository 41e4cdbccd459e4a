"""An incident as a message of the Common Alerting Protocol (OASIS CAP 1.2).

For those who warn, and for services that understand nothing else. It holds what public safety
needs, and no persons: no caller, no number, no notes. To the public the place is told coarsely,
because an address may be somebody's home.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from xml.etree.ElementTree import Element, SubElement, tostring

from ccserver.exchange import places
from ccserver.exchange.card_json import is_over, mapping, mappings, saved_fields
from ccserver.exchange.values import Issuer, JSONObject, Names, ServiceName, TypeName
from ccserver.location import Polygon, Position, Prism, Shape, shape_from_json
from ccserver.location.xml import writable

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"

EVENT_UNSAID = "Emergency incident"

RESTRICTION = "For emergency services only"

CATEGORIES = {"fire": "Fire", "police": "Security", "ems": "Health"}
"""Of an involved service's type (IANA urn:emergency:service:responder)."""

CATEGORY_UNSAID = "Safety"
"""CAP: "general emergency and public safety"."""

SEVERITIES = ((9, "Extreme"), (7, "Severe"), (4, "Moderate"), (0, "Minor"))
"""The least priority of each, 10 being the highest."""

RADIUS_KM_UNSAID = 0.1
"""Around a point: one sees the house from there."""

PUBLIC_RADIUS_KM_MIN = 1.0
PUBLIC_DECIMALS = 2
"""Of degrees: to the kilometre. The circle of the public covers the place and names no house."""


class Scope(StrEnum):
    """For whom a message is meant (CAP §3.2.1); Private, for named addressees, is not sent."""

    RESTRICTED = "Restricted"
    PUBLIC = "Public"


class Status(StrEnum):
    """Whether it is meant in earnest."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    TEST = "Test"


@dataclass(frozen=True, slots=True)
class Sent:
    """How a message goes out: when, to whom, and whether in earnest."""

    at: datetime
    scope: Scope = Scope.RESTRICTED
    status: Status = Status.ACTUAL
    language: str = "lv"


def cap(card: JSONObject, issuer: Issuer, names: Names, sent: Sent) -> bytes:
    """The CAP message of a whole card as XML."""
    alert = Element("alert", {"xmlns": NAMESPACE})
    incident = str(card["incident_id"])
    # One message for each moment; the incident holds them together.
    _add(alert, "identifier", f"{incident}.{int(sent.at.timestamp() * 1000)}")
    _add(alert, "sender", issuer.agency)
    _add(alert, "sent", _time(sent.at))
    _add(alert, "status", sent.status)
    _add(alert, "msgType", "Alert")
    _add(alert, "scope", sent.scope)
    if sent.scope is Scope.RESTRICTED:
        _add(alert, "restriction", RESTRICTION)
    _add(alert, "incidents", incident)
    _info(SubElement(alert, "info"), card, names, sent)
    return bytes(tostring(alert, encoding="utf-8", xml_declaration=True))


def _info(info: Element, card: JSONObject, names: Names, sent: Sent) -> None:
    fields = saved_fields(card)
    code = fields.get("type", {}).get("value")
    title = names.types.get(str(code), TypeName("")).title or EVENT_UNSAID
    services = mappings(card.get("services"))
    over = is_over(card)
    _add(info, "language", sent.language)
    for category in _categories(services, names):
        _add(info, "category", category)
    _add(info, "event", title)
    if over:
        _add(info, "responseType", "AllClear")
    _add(info, "urgency", "Past" if over else "Immediate")
    _add(info, "severity", _severity(fields.get("priority", {}).get("value")))
    on_scene = any(one.get("state") == "on_scene" for one in services)
    _add(info, "certainty", "Observed" if on_scene or over else "Likely")
    _add(info, "headline", title)
    summary = fields.get("summary", {}).get("value")
    if sent.scope is Scope.RESTRICTED and isinstance(summary, str):
        # Written by a call taker in haste: who knows whose name is in it.
        _add(info, "description", summary)
    _area(info, card, fields, sent.scope)


def _categories(services: Sequence[JSONObject], names: Names) -> list[str]:
    kinds = [
        names.services.get(str(one.get("service")), ServiceName("")).agency_type for one in services
    ]
    found = dict.fromkeys(CATEGORIES[kind] for kind in kinds if kind in CATEGORIES)
    return list(found) or [CATEGORY_UNSAID]


def _severity(priority: object) -> str:
    if not isinstance(priority, int):
        return "Unknown"
    return next((name for least, name in SEVERITIES if priority >= least), "Unknown")


def _area(info: Element, card: JSONObject, fields: dict[str, JSONObject], scope: Scope) -> None:
    shape = _current_shape(card)
    address = mapping(fields.get("address", {}).get("value")).get("text")
    is_public = scope is Scope.PUBLIC
    if shape is None and (is_public or not address):
        return
    area = SubElement(info, "area")
    if is_public or not address:
        _add(area, "areaDesc", "Approximate area" if is_public else "Marked on the map")
    else:
        _add(area, "areaDesc", str(address))
    if shape is None:
        return
    if isinstance(shape, Polygon | Prism) and not is_public:
        ring = shape.exterior if isinstance(shape, Polygon) else shape.base
        _add(area, "polygon", " ".join(_pair(corner) for corner in ring))
    else:
        _add(area, "circle", _circle(shape, is_public=is_public))


def _circle(shape: Shape, *, is_public: bool) -> str:
    centre, radius = shape.centre, (shape.radius_m or 0.0) / 1000 or RADIUS_KM_UNSAID
    if not is_public:
        return f"{_pair(centre)} {radius:.3f}"
    coarse = Position(
        round(centre.latitude, PUBLIC_DECIMALS), round(centre.longitude, PUBLIC_DECIMALS)
    )
    # The rounding moves the centre by less than a kilometre.
    return f"{_pair(coarse, PUBLIC_DECIMALS)} {radius + PUBLIC_RADIUS_KM_MIN:.1f}"


def _current_shape(card: JSONObject) -> Shape | None:
    current = mapping(card.get("location")).get("current")
    for one in mappings(card.get("locations")):
        if current is not None and one.get("location_id") == current and places.is_place(one):
            return shape_from_json(one["shape"])
    return None


def _pair(position: Position, decimals: int = 5) -> str:
    return f"{position.latitude:.{decimals}f},{position.longitude:.{decimals}f}"


def _time(at: datetime) -> str:
    """CAP §3.3.2: no letters for the zone, and -00:00 for UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = writable(text)
