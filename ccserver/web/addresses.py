"""Addresses of Latvia: search while typing, what is at a point, one by its code."""

import contextlib
import re
from collections.abc import Sequence
from typing import Protocol

import structlog
from aiohttp import web

from ccserver.accounts import Right
from ccserver.addresses import (
    LIMIT_MAX,
    Address,
    AddressesUnavailable,
    Nearby,
    SearchesTooMany,
    SearchTimedOut,
)
from ccserver.location import LocationInvalid, Position
from ccserver.web.access import Access, Handler, Route
from ccserver.web.errors import APIError, bad_request, check_text, json_response, not_found

QUERY_LENGTH_MAX = 200
"""The longest address has about 120 characters."""

LIMIT_DEFAULT = 10
NEAR_DEFAULT = 5

_LIMIT = re.compile(r"[0-9]{1,3}")
_CODE = re.compile(r"[0-9]{9}")
_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,12})?")

LOOK_UP = Access(Right.ADDRESSES_READ)

log = structlog.get_logger()


class AddressesPort(Protocol):
    """The register; `ccserver.addresses.Addresses` fits.

    Each may raise `AddressesUnavailable`, `SearchTimedOut` or `SearchesTooMany`.
    """

    async def search(
        self, text: str, *, limit: int, near: Position | None = None
    ) -> Sequence[Address]:
        """Addresses for what was typed, best first."""

    async def near(self, point: Position, *, limit: int) -> Nearby:
        """The buildings at a point, nearest first."""

    async def by_code(self, code: int) -> Address | None:
        """The address of that code."""


class AddressesAPI:
    """Handlers of ``/api/addresses``."""

    def __init__(self, addresses: AddressesPort) -> None:
        self._addresses = addresses

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (
            Route("GET", "/api/addresses", _told(self.search), LOOK_UP),
            Route("GET", "/api/addresses/near", _told(self.near), LOOK_UP),
            Route("GET", "/api/addresses/{code}", _told(self.by_code), LOOK_UP),
        )

    async def search(self, request: web.Request) -> web.Response:
        """``GET /api/addresses?q=&limit=&near=lat,lon``: best first."""
        text = check_text(request.query.get("q", "").strip(), "q")
        if len(text) > QUERY_LENGTH_MAX:
            raise bad_request(f"The parameter q holds at most {QUERY_LENGTH_MAX} characters.")
        near = None
        if request.query.get("near"):
            lat, _, lon = request.query["near"].partition(",")
            near = _point(lat, lon, "near")
        limit = _limit(request, LIMIT_DEFAULT)
        return json_response(
            {"addresses": await self._addresses.search(text, limit=limit, near=near)}
        )

    async def near(self, request: web.Request) -> web.Response:
        """``GET /api/addresses/near?lat=&lon=&limit=``: nearest first."""
        point = _point(request.query.get("lat", ""), request.query.get("lon", ""), "lat or lon")
        found = await self._addresses.near(point, limit=_limit(request, NEAR_DEFAULT))
        return json_response({"addresses": found.addresses, "place": found.place})

    async def by_code(self, request: web.Request) -> web.Response:
        """``GET /api/addresses/{code}``."""
        code = request.match_info["code"]
        found = await self._addresses.by_code(int(code)) if _CODE.fullmatch(code) else None
        if found is None:
            raise not_found("There is no address with this code.")
        return json_response(found)


def _told(handler: Handler) -> Handler:
    """What can go wrong with the index, as the client is told it. The text typed is not logged."""

    async def told(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except AddressesUnavailable:
            raise APIError(
                503, "no_addresses", "The address register is not loaded. Type the address."
            ) from None
        except (SearchTimedOut, SearchesTooMany) as error:
            log.warning("address_search_failed", reason=type(error).__name__)
            raise APIError(
                503,
                "addresses_busy",
                "The address search did not answer in time. Please try again.",
                headers={"Retry-After": "1"},
            ) from None

    return told


def _limit(request: web.Request, default: int) -> int:
    text = request.query.get("limit", str(default))
    if not (_LIMIT.fullmatch(text) and 1 <= int(text) <= LIMIT_MAX):
        raise bad_request(f"The parameter limit is a whole number from 1 to {LIMIT_MAX}.")
    return int(text)


def _point(lat: str, lon: str, name: str) -> Position:
    lat, lon = lat.strip(), lon.strip()
    if _DEGREES.fullmatch(lat) and _DEGREES.fullmatch(lon):
        with contextlib.suppress(LocationInvalid):
            return Position(float(lat), float(lon))
    raise bad_request(
        f"The parameter {name} is not a position in degrees, such as 56.95 and 24.11."
    )
