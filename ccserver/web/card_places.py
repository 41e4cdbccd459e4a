"""Places of a card: what people tell by map, address or word, and which location counts."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, Protocol

import msgspec
from aiohttp import web

from ccserver.card import (
    CardLocation,
    Place,
    UnknownContact,
    UnknownLocation,
    location_json,
    place_json,
)
from ccserver.location import (
    Circle,
    Location,
    LocationInvalid,
    LocationKind,
    LocationSource,
    Point,
    Position,
)
from ccserver.location.lks92 import from_lks92
from ccserver.types import ContactId, IncidentId, LocationId
from ccserver.web.access import EDIT_CARDS, Route, signed_in
from ccserver.web.card_fields import told
from ccserver.web.cards import incident_of
from ccserver.web.errors import APIError, check_text, json_response, not_found, read_body
from ccserver.web.ports import Clock

Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class CardPlacesPort(Protocol):
    """What `ccserver.card.CardStore` does with places; durable when it returns."""

    async def add_location(
        self,
        incident_id: IncidentId,
        location: Location,
        *,
        kind: LocationKind,
        key: str,
        author: str,
        contact_id: ContactId | None = None,
        address: tuple[object, int] | None = None,
    ) -> CardLocation:
        """Keep what a person told, and the address over the version that it comes with."""

    async def pin_location(
        self, incident_id: IncidentId, location_id: LocationId | None, *, author: str, at: datetime
    ) -> Place:
        """Let this location count, or none in particular."""


class PlaceTold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/cards/{incident_id}/locations``.

    Either ``lat`` and ``lon`` in degrees of WGS84, or ``x`` (northing) and ``y`` (easting) in
    metres of LKS-92. ``key``: of the client's choice; with it a repeated request is harmless.
    """

    kind: Literal["incident", "initial", "caller"]
    source: Literal["map", "address", "call_taker"]
    lat: float | None = None
    lon: float | None = None
    x: float | None = None
    y: float | None = None
    radius_m: float | None = None
    contact_id: Identifier | None = None
    address: object = None
    address_version: Annotated[int, msgspec.Meta(ge=0)] | None = None
    key: Identifier | None = None


class Pinning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /api/cards/{incident_id}/location``."""

    location_id: Identifier | None


class CardPlacesAPI:
    """Handlers of ``/api/cards/{incident_id}/locations`` and ``…/location``."""

    def __init__(self, places: CardPlacesPort, clock: Clock) -> None:
        self._places = places
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        card = "/api/cards/{incident_id}"
        return (
            Route("POST", f"{card}/locations", self.add, EDIT_CARDS),
            Route("PUT", f"{card}/location", self.pin, EDIT_CARDS),
        )

    async def add(self, request: web.Request) -> web.Response:
        """``POST …/locations``: what a person told. It counts at once, and overwrites nothing."""
        incident_id = incident_of(request)
        body = await read_body(request, PlaceTold)
        contact_id = None
        if body.contact_id is not None:
            contact_id = ContactId(check_text(body.contact_id, "contact_id"))
        try:
            known = await self._places.add_location(
                incident_id,
                _location(body, self._clock.now()),
                kind=LocationKind(body.kind),
                key=check_text(body.key or str(uuid.uuid4()), "key"),
                author=signed_in(request).account.login,
                contact_id=contact_id,
                address=_address(body),
            )
        except UnknownContact:
            raise _invalid("contact_id", "This contact is not on the card.") from None
        except Exception as error:
            raise told(error) from None
        return json_response(location_json(known), status=201)

    async def pin(self, request: web.Request) -> web.Response:
        """``PUT …/location``: this one counts, whatever the rule says; ``null`` lets the rule."""
        incident_id = incident_of(request)
        body = await read_body(request, Pinning)
        location_id = None
        if body.location_id is not None:
            location_id = LocationId(check_text(body.location_id, "location_id"))
        login = signed_in(request).account.login
        try:
            place = await self._places.pin_location(
                incident_id, location_id, author=login, at=self._clock.now()
            )
        except UnknownLocation:
            raise not_found("This card has no such location.") from None
        except Exception as error:
            raise told(error) from None
        return json_response({"location": place_json(place)})


def _location(body: PlaceTold, now: datetime) -> Location:
    """What was told; raises `APIError` 422 with the path of what is no place."""
    try:
        centre = _position(body)
    except LocationInvalid as error:
        raise _invalid("lat" if body.x is None else "x", str(error)) from None
    try:
        shape = Point(centre) if body.radius_m is None else Circle(centre, body.radius_m)
    except LocationInvalid as error:
        raise _invalid("radius_m", str(error)) from None
    return Location(shape, LocationSource(body.source), received_at=now)


def _position(body: PlaceTold) -> Position:
    match (body.lat, body.lon, body.x, body.y):
        case (float() as lat, float() as lon, None, None):
            return Position(lat, lon)
        case (None, None, float() as x, float() as y):
            return from_lks92(x, y)
        case _:
            raise LocationInvalid("Either lat and lon are expected, or x and y.")


def _address(body: PlaceTold) -> tuple[object, int] | None:
    if body.address is None:
        return None
    if body.address_version is None:
        raise _invalid("address_version", "The version of the address saved over is missing.")
    return body.address, body.address_version


def _invalid(path: str, reason: str) -> APIError:
    return APIError(422, "invalid_value", reason, extra={"path": path, "reason": reason})
