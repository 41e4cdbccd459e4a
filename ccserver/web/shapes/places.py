"""Places of a card."""

from datetime import datetime
from typing import Annotated

import msgspec

from ccserver.location import LocationKind, LocationSource
from ccserver.location.pidf import MEDIA_TYPE
from ccserver.web.card_places import Pinning, PlaceTold
from ccserver.web.contact_locations import LocationBody
from ccserver.web.describe import File, Operation, Operations, Parameter, Shape
from ccserver.web.errors import KEY_CHARS_MAX, KEY_HEADER


class Location(Shape, frozen=True):
    """One told place. `shape` has a `type` of RFC 5491 and its parameters in metres and degrees."""

    location_id: str
    incident_id: str
    contact_id: str | None
    kind: LocationKind
    source: LocationSource
    shape: dict[str, object]
    lat: float
    lon: float
    radius_m: float | None
    confidence: float | None
    observed_at: datetime | None
    received_at: datetime
    author: str | None
    data: dict[str, object]


class Place(Shape, frozen=True):
    """Which location counts, why, and which ones cannot both be true."""

    current: str | None
    why: str
    conflicts: list[tuple[str, str]]


class Pinned(Shape, frozen=True):
    """What counts now."""

    location: Place


class Taken(Shape, frozen=True):
    """How many locations were taken; they reach the card by the journal."""

    locations: int


OPERATIONS: Operations = {
    ("POST", "/api/contacts/{contact_id}/locations"): Operation(
        Taken,
        summary="Tell where a contact is; it reaches the card by the journal.",
        status=202,
        bodies=(LocationBody, File((MEDIA_TYPE,), text=True)),
        parameters=(
            Parameter(
                KEY_HEADER,
                Annotated[str, msgspec.Meta(min_length=1, max_length=KEY_CHARS_MAX)],
                "Makes repeating the request harmless; without it the body itself does.",
                where="header",
            ),
        ),
        errors={
            415: ("unsupported_media_type",),
            422: ("invalid_location", "invalid_pidf_lo"),
        },
    ),
    ("POST", "/api/cards/{incident_id}/locations"): Operation(
        Location,
        summary="Tell a place; it counts at once, and overwrites nothing.",
        status=201,
        bodies=(PlaceTold,),
        errors={
            409: ("merged",),
            412: ("conflict",),
            413: ("value_too_long",),
            422: ("invalid_value",),
        },
    ),
    ("PUT", "/api/cards/{incident_id}/location"): Operation(
        Pinned,
        bodies=(Pinning,),
        errors={409: ("merged",)},
        summary="Say which location counts; null leaves it to the rule.",
    ),
}
