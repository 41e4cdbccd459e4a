"""Incidents in the formats of others: cards out as EIDO and CAP, EIDOs in as cards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec
import structlog
from aiohttp import web

from ccserver.types import IncidentId
from ccserver.web.access import EDIT_CARDS, READ_CARDS, Route, signed_in
from ccserver.web.cards import incident_of
from ccserver.web.errors import APIError, bad_request, json_response, read_raw
from ccserver.web.gate import GATE
from ccserver.web.ports import Clock, JSONObject

EIDO_TYPE = "application/emergency.eido+json"
CAP_TYPE = "application/cap+xml"

SCOPES = ("restricted", "public")
STATUSES = ("actual", "exercise", "test")

log = structlog.get_logger()


class EIDORefused(ValueError):
    """The document is no EIDO: ``path`` says where, ``reason`` why. Nothing was changed."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Something that was told and is not on the card: ``field`` and why."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The incident is a card; ``created``: since this document."""

    incident_id: IncidentId
    number: str
    created: bool
    not_taken: Sequence[NotTaken] = ()
    oddities: Sequence[str] = ()


class ExchangePort(Protocol):
    """The formats; `ccserver.exchange_desk.ExchangeDesk` fits."""

    def eido(self, card: JSONObject) -> bytes:
        """The whole card as an EIDO."""

    def cap(self, card: JSONObject, *, at: datetime, scope: str, status: str) -> bytes:
        """The incident as a CAP message, for one of `SCOPES`, with one of `STATUSES`."""

    async def take(self, document: bytes, *, author: str, at: datetime) -> Taken:
        """Durable when it returns; the same document again changes nothing. `EIDORefused`."""


class ExchangeAPI:
    """Handlers of ``/api/incidents`` and of a card's other forms."""

    def __init__(
        self,
        exchange: ExchangePort,
        clock: Clock,
    ) -> None:
        self._exchange = exchange
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (
            Route("GET", "/api/cards/{incident_id}/eido", self.eido, READ_CARDS, own_door=True),
            Route("GET", "/api/cards/{incident_id}/cap", self.cap, READ_CARDS, own_door=True),
            Route("POST", "/api/incidents", self.take, EDIT_CARDS),
        )

    async def eido(self, request: web.Request) -> web.Response:
        """``GET /api/cards/{incident_id}/eido``."""
        card = await self._card(request)
        # The document is a page of JSON; a thread would cost more than making it.
        return _file(self._exchange.eido(card), EIDO_TYPE, f"{card['number']}.eido.json")

    async def cap(self, request: web.Request) -> web.Response:
        """``GET /api/cards/{incident_id}/cap?scope=&status=``."""
        scope = _choice(request, "scope", SCOPES)
        status = _choice(request, "status", STATUSES)
        card = await self._card(request)
        message = self._exchange.cap(card, at=self._clock.now(), scope=scope, status=status)
        return _file(message, CAP_TYPE, f"{card['number']}.cap.xml")

    async def take(self, request: web.Request) -> web.Response:
        """``POST /api/incidents`` with an EIDO: 201 with a new card, 200 with the one there is."""
        document = await _document(request)
        author = signed_in(request).account.login
        try:
            taken = await self._exchange.take(document, author=author, at=self._clock.now())
        except EIDORefused as error:
            extra = {"path": error.path, "reason": error.reason}
            raise APIError(422, "invalid_eido", f"{error}.", extra=extra) from None
        log.info("eido_taken", incident_id=taken.incident_id, created=taken.created)
        return json_response(
            taken,
            status=201 if taken.created else 200,
            headers={"Location": f"/api/cards/{taken.incident_id}"},
        )

    async def _card(self, request: web.Request) -> JSONObject:
        card = await request.app[GATE].card(request, incident_of(request))
        # As others see it: plain JSON, whatever the room behind the port made it of.
        plain: JSONObject = msgspec.to_builtins(card)
        return plain


def _choice(request: web.Request, name: str, choices: tuple[str, ...]) -> str:
    value = request.query.get(name, choices[0])
    if value not in choices:
        raise bad_request(f"The parameter {name} is one of {', '.join(choices)}.")
    return value


async def _document(request: web.Request) -> bytes:
    """The body as it came; raises `APIError` 400, 408, 413 or 415."""
    if request.content_type != EIDO_TYPE:
        raise APIError(415, "unsupported_media_type", f"The body must be {EIDO_TYPE}.")
    return await read_raw(request)


def _file(body: bytes, content_type: str, name: str) -> web.Response:
    return web.Response(
        body=body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
