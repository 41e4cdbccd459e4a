"""Addresses and maps."""

from datetime import datetime
from typing import Annotated

import msgspec

from ccserver.addresses import LIMIT_MAX, Address
from ccserver.web.addresses import LIMIT_DEFAULT, NEAR_DEFAULT, QUERY_LENGTH_MAX
from ccserver.web.describe import RANGE, File, Operation, Operations, Parameter, Shape


class Addresses(Shape, frozen=True):
    """Addresses, best first."""

    addresses: list[Address]


class AddressesNear(Shape, frozen=True):
    """Addresses at a point, nearest first, and where that is as a whole."""

    addresses: list[Address]
    place: Address | None


class Map(Shape, frozen=True):
    """One map file. Its address changes with the file, so it may be kept for ever."""

    name: str
    url: str
    bytes: int
    bounds: tuple[float, float, float, float]
    min_zoom: int
    max_zoom: int
    attribution: str
    built_at: datetime


class Maps(Shape, frozen=True):
    """The map files there are, `base` first."""

    maps: list[Map]


HowMany = Annotated[int, msgspec.Meta(ge=1, le=LIMIT_MAX)]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
BUSY = {503: ("no_addresses", "addresses_busy")}
PMTILES = File(("application/vnd.pmtiles",))


def _how_many(default: int) -> Parameter:
    return Parameter("limit", HowMany, f"How many at most; {default} if it is not said.")


OPERATIONS: Operations = {
    ("GET", "/api/addresses"): Operation(
        Addresses,
        parameters=(
            Parameter(
                "q",
                Annotated[str, msgspec.Meta(max_length=QUERY_LENGTH_MAX)],
                "What was typed of the address.",
            ),
            Parameter(
                "near",
                Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,2}\.[0-9]{1,6},-?[0-9]{1,2}$")],
                "Latitude and longitude: what is near comes first.",
            ),
            _how_many(LIMIT_DEFAULT),
        ),
        errors=BUSY,
        summary="Look for an address while it is typed.",
    ),
    ("GET", "/api/addresses/near"): Operation(
        AddressesNear,
        parameters=(
            Parameter("lat", Latitude, "In degrees of WGS84.", required=True),
            Parameter("lon", Longitude, "In degrees of WGS84.", required=True),
            _how_many(NEAR_DEFAULT),
        ),
        errors=BUSY,
        summary="Buildings at a point, nearest first.",
    ),
    ("GET", "/api/addresses/{code}"): Operation(
        Address, errors=BUSY, summary="One address by its code in the register."
    ),
    ("GET", "/api/map"): Operation(Maps),
    ("GET", "/map/{file}"): Operation(
        PMTILES,
        parameters=(RANGE,),
        others={206: PMTILES},
        errors={416: ("range_not_satisfiable",)},
    ),
}
