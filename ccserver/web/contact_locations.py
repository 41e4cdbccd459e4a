"""Where a contact is, told by another system, also long after the call came: never in its way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Protocol

import msgspec
from aiohttp import web

from ccserver.accounts import Right
from ccserver.location import (
    Circle,
    Location,
    LocationInvalid,
    LocationSource,
    Point,
    Position,
)
from ccserver.location.pidf import MEDIA_TYPE, PIDFLO, PIDFLOInvalid
from ccserver.types import ContactId
from ccserver.web.access import Access, Route, signed_in
from ccserver.web.errors import (
    APIError,
    check_time,
    decoded,
    json_response,
    key_or_body,
    not_found,
    path_id,
    read_raw,
)
from ccserver.web.ports import Clock

JSON_TYPE = "application/json"


class ContactLocationsPort(Protocol):
    """The contacts; `ccserver.adapters.ContactLocations` fits."""

    async def knows(self, contact_id: ContactId) -> bool:
        """Whether there is such a contact; of one that lives without asking the database."""

    def locate(self, contact_id: ContactId, key: str, location: Location, *, author: str) -> None:
        """Keep it, in its own time; the same ``key`` again is the same location."""


class LocationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """JSON body of ``POST /api/contacts/{contact_id}/locations``; metres, and degrees of WGS84."""

    lat: float
    lon: float
    source: Literal["https", "network_cell"]
    radius_m: float | None = None
    confidence: float | None = None
    observed_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class ContactLocationsAPI:
    """Handler of ``/api/contacts/{contact_id}/locations``."""

    def __init__(self, contacts: ContactLocationsPort, clock: Clock) -> None:
        self._contacts = contacts
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """Its address with its access."""
        path = "/api/contacts/{contact_id}/locations"
        return (Route("POST", path, self.add, Access(Right.CONTACTS_WRITE)),)

    async def add(self, request: web.Request) -> web.Response:
        """``POST …/locations``: 202, it goes to the card by the journal, as all news of calls.

        A PIDF-LO or JSON. ``Idempotency-Key`` makes repeating it harmless; without one the same
        body is the same location.
        """
        contact_id = ContactId(path_id(request, "contact_id", "contact"))
        raw = await read_raw(request)
        key = key_or_body(request, raw)
        locations = _locations(request.content_type, raw, self._clock.now())
        if not await self._contacts.knows(contact_id):
            raise not_found("There is no such contact.")
        author = signed_in(request).account.login
        for number, location in enumerate(locations):
            self._contacts.locate(contact_id, f"{key}:{number}", location, author=author)
        return json_response({"locations": len(locations)}, status=202)


def _locations(media_type: str, raw: bytes, now: datetime) -> Sequence[Location]:
    """At least one location; raises `APIError` 400, 415 or 422."""
    match media_type:
        case "application/pidf+xml":
            return _of_document(raw, now)
        case "application/json":
            return [_of_body(decoded(raw, LocationBody), now)]
        case _:
            raise APIError(
                415, "unsupported_media_type", f"The body must be {MEDIA_TYPE} or {JSON_TYPE}."
            )


def _of_document(raw: bytes, now: datetime) -> Sequence[Location]:
    try:
        document = PIDFLO.parse(raw)
    except PIDFLOInvalid as error:
        raise APIError(422, "invalid_pidf_lo", str(error)) from None
    locations = document.locations(now)
    if not locations:
        raise APIError(422, "invalid_pidf_lo", "The document tells no coordinates.")
    return locations


def _of_body(body: LocationBody, now: datetime) -> Location:
    try:
        centre = Position(body.lat, body.lon)
        return Location(
            Point(centre) if body.radius_m is None else Circle(centre, body.radius_m),
            LocationSource(body.source),
            received_at=now,
            observed_at=check_time(body.observed_at, "observed_at"),
            confidence=body.confidence,
        )
    except LocationInvalid as error:
        raise APIError(422, "invalid_location", str(error)) from None
