"""What comes with calls, and cars that are handed over."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ccserver.calldata.third_party import XML_TYPES
from ccserver.web.describe import File, Operation, Operations, Parameter, Shape
from ccserver.web.ecalls import HandOverBody
from ccserver.web.errors import KEY_CHARS_MAX, KEY_HEADER


class Oddity(Shape, frozen=True):
    """What was wrong with something that was read all the same."""

    code: str
    detail: str


class AdditionalData(Shape, frozen=True):
    """`optionalAdditionalData` of an MSD; `decoded` where its concept is known."""

    oid: str
    decoded: dict[str, object] | None
    hex: str
    cut: bool


class MSDView(Shape, frozen=True):
    """One Minimum Set of Data (EN 15722), in degrees and times; `null` is unknown."""

    received_at: datetime
    sent_at: datetime | None
    age_s: float | None
    message_identifier: int
    version: int
    automatic: bool
    test: bool
    trusted: bool
    lat: float | None
    lon: float | None
    direction_deg: int | None
    recent: list[tuple[float, float]]
    vin: str
    make: str | None
    model_year: int | None
    vehicle_type: str | None
    energy: list[str]
    occupants: int | None
    additional: AdditionalData | None
    oddities: list[Oddity]
    hex: str


class MSDRequest(Shape, frozen=True):
    """What became of the last request for a new MSD."""

    state: Literal["asked", "received", "refused", "no_answer", "failed"]
    at: datetime
    reason: str | None


class Vehicle(Shape, frozen=True):
    """The car of a contact; `msd` is its newest that can be read."""

    kind: Literal["automatic", "manual", "test", "unknown"]
    data: Literal["received", "unreadable", "none"]
    can_request: bool
    request: MSDRequest | None
    count: int
    msd: MSDView | None


class Fault(Shape, frozen=True):
    """Why something cannot be read: a code, and what it is about."""

    code: str
    params: dict[str, str | int]


class Item(Shape, frozen=True):
    """One thing that was told. What cannot be read has a `fault`, and its octets all the same.

    `error` says the same in English, and more exactly.
    """

    item_id: str
    at: datetime
    via: Literal["invite", "info", "answer", "api", "reference"]
    kind: Literal[
        "msd", "location", "location_reference", "control", "additional", "identifier", "other"
    ]
    content_type: str | None
    content_id: str | None
    purpose: str | None
    size: int
    hex: str | None
    text: str | None
    msd: MSDView | None
    detail: dict[str, object] | None
    oddities: list[Oddity]
    error: str | None
    fault: Fault | None


class EmergencyData(Shape, frozen=True):
    """Everything that came with a contact beside the voice, oldest first."""

    service: str | None
    trunk: str | None
    test: bool
    vehicle: Vehicle | None
    items: list[Item]


class Asked(Shape, frozen=True):
    """The car was asked; what it says comes by the live connection."""

    state: Literal["asked"]
    at: datetime


class HandedOver(Shape, frozen=True):
    """The car is on a card."""

    incident_id: str
    card_number: str
    contact_id: str
    oddities: list[Oddity]


OPERATIONS: Operations = {
    ("GET", "/api/contacts/{contact_id}/emergency-data"): Operation(
        EmergencyData, summary="What came with a contact beside the voice."
    ),
    ("POST", "/api/contacts/{contact_id}/msd-requests"): Operation(
        Asked,
        status=202,
        errors={409: ("cannot_ask",), 503: ("edge_unreachable",)},
        summary="Ask the car for a new MSD.",
    ),
    ("POST", "/api/contacts/{contact_id}/clear-down"): Operation(
        None,
        status=204,
        errors={
            409: (
                "not_talking",
                "not_your_contact",
                "changed_meanwhile",
                "not_for_texts",
                "telephony_unavailable",
            )
        },
        summary="End the call of a car in order.",
    ),
    ("POST", "/api/ecalls"): Operation(
        HandedOver,
        status=201,
        bodies=(HandOverBody, File(XML_TYPES, text=True)),
        others={200: HandedOver},
        parameters=(
            Parameter(
                KEY_HEADER,
                Annotated[str, msgspec.Meta(min_length=1, max_length=KEY_CHARS_MAX)],
                "Makes repeating the request harmless; without it the body itself does.",
                where="header",
            ),
        ),
        errors={
            409: ("key_reused",),
            415: ("unsupported_media_type",),
            422: ("invalid_ecall",),
        },
        summary="Take over the call of a car from its maker's centre (EN 16102).",
    ),
}
