"""``/api/ecalls``: a maker's centre hands over the call of a car (EN 16102)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol

import msgspec
import structlog
from aiohttp import web

from ccserver.accounts import Right
from ccserver.calldata.third_party import JSON_TYPE, MEDIA_TYPES, HandOverInvalid
from ccserver.location.oddities import Oddity
from ccserver.types import ContactId, IncidentId
from ccserver.web.access import Access, Route, signed_in
from ccserver.web.errors import APIError, decoded, json_response, key_or_body, read_raw
from ccserver.web.ports import Clock

log = structlog.get_logger()

Number = Annotated[str, msgspec.Meta(max_length=40)]
Name = Annotated[str, msgspec.Meta(max_length=100)]
Octets = Annotated[str, msgspec.Meta(max_length=2_048)]


class HandOverBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """JSON body of ``POST /api/ecalls``: the MSD in exactly one form, and what is known beside it.

    ``msd`` has the names of EN 15722.
    """

    msd_hex: Octets | None = None
    msd_base64: Octets | None = None
    msd: dict[str, Any] | None = None
    caller_number: Number | None = None
    callback_number: Number | None = None
    provider: Name | None = None
    reference: Name | None = None
    text: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The car is on a card; ``created``: since this document."""

    incident_id: IncidentId
    card_number: str
    contact_id: ContactId
    oddities: Sequence[Oddity]
    created: bool


class KeyReused(Exception):
    """The sender's key is that of another document; nothing was changed."""

    def __init__(self, contact_id: ContactId) -> None:
        super().__init__("the key is that of another document")
        self.contact_id = contact_id


class HandOverPort(Protocol):
    """Where cars are handed over to; `ccserver.ecall_desk.HandOverDesk` fits."""

    async def take(
        self, document: bytes, media_type: str, *, key: str, author: str, at: datetime
    ) -> HandedOver:
        """Durable when it returns; the same ``key`` again is the same car.

        Raises `ccserver.calldata.third_party.HandOverInvalid`, and `KeyReused` where the ``key``
        came with another document before.
        """


class ECallsAPI:
    """Handler of ``/api/ecalls``."""

    def __init__(self, port: HandOverPort, clock: Clock) -> None:
        self._port = port
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """Its address with its access."""
        return (Route("POST", "/api/ecalls", self.take, Access(Right.CONTACTS_WRITE)),)

    async def take(self, request: web.Request) -> web.Response:
        """``POST /api/ecalls``: 201 with a new card, 200 with the one there is.

        ``Idempotency-Key`` makes repeating it harmless; without one the same body is the same car.
        A key that came with another body is refused by 409.
        """
        media_type = request.content_type
        if media_type not in MEDIA_TYPES:
            expected = " or ".join(MEDIA_TYPES)
            raise APIError(415, "unsupported_media_type", f"The body must be {expected}.")
        raw = await read_raw(request)
        key = key_or_body(request, raw)
        if media_type == JSON_TYPE:
            decoded(raw, HandOverBody)
        author = signed_in(request).account.login
        try:
            taken = await self._port.take(
                raw, media_type, key=key, author=author, at=self._clock.now()
            )
        except HandOverInvalid as error:
            extra = {"path": error.path, "reason": error.reason}
            raise APIError(422, "invalid_ecall", f"{error}.", extra=extra) from None
        except KeyReused as error:
            log.warning("ecall_key_reused", contact_id=error.contact_id)
            raise APIError(409, "key_reused", "The key is that of another car.") from None
        log.info("ecall_taken", contact_id=taken.contact_id, created=taken.created)
        return json_response(
            {
                "incident_id": taken.incident_id,
                "card_number": taken.card_number,
                "contact_id": taken.contact_id,
                "oddities": [{"code": one.code, "detail": one.detail} for one in taken.oddities],
            },
            status=201 if taken.created else 200,
            headers={"Location": f"/api/cards/{taken.incident_id}"},
        )
