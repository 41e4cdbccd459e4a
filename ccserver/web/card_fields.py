"""Fields of a card: saving one over the version that was seen, its history, and undoing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
from aiohttp import web

from ccserver.card import (
    CardField,
    CardMerged,
    ChangedSince,
    FieldConflict,
    FieldInvalid,
    FieldSaved,
    FieldTooLong,
    FieldVersion,
    LastContact,
    NotUndoable,
    UnknownEntry,
    UnknownField,
    UnknownIncident,
    field_json,
    version_json,
)
from ccserver.types import IncidentId
from ccserver.web.access import EDIT_CARDS, READ_CARDS, Route, signed_in
from ccserver.web.cards import base_version_of, card_merged, incident_of
from ccserver.web.errors import APIError, check_text, json_response, read_body
from ccserver.web.gate import GATE
from ccserver.web.ports import Clock
from ccserver.web.wire import iso_time

KEY_LENGTH_MAX = 128
"""Of an entry of a timeline, as the database keeps it."""

NEVER_SAVED = {"value": None, "version": 0, "saved_at": None, "author": None}


class CardFieldsPort(Protocol):
    """What `ccserver.card.CardStore` does with fields; durable when it returns."""

    async def save_field(
        self,
        incident_id: IncidentId,
        name: str,
        value: object,
        *,
        base_version: int,
        author: str,
        at: datetime,
    ) -> FieldSaved:
        """Save the value over the version that was seen."""

    async def field_history(self, incident_id: IncidentId, name: str) -> Sequence[FieldVersion]:
        """The saves of a field, newest first."""

    async def undo(self, incident_id: IncidentId, key: str, *, author: str, at: datetime) -> None:
        """Take back what an entry of the incident's own timeline tells of."""


class FieldValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /api/cards/{incident_id}/fields/{name}``; any JSON, checked by the card."""

    value: object


class Undoing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/cards/{incident_id}/undo``."""

    entry: str


class CardFieldsAPI:
    """Handlers of ``/api/cards/{incident_id}/fields`` and ``…/undo``."""

    def __init__(self, fields: CardFieldsPort, clock: Clock) -> None:
        self._fields = fields
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        field = "/api/cards/{incident_id}/fields/{name}"
        return (
            Route("PUT", field, self.save, EDIT_CARDS),
            Route("GET", f"{field}/history", self.history, READ_CARDS),
            Route("POST", "/api/cards/{incident_id}/undo", self.undo, EDIT_CARDS),
        )

    async def save(self, request: web.Request) -> web.Response:
        """``PUT …/fields/{name}`` over the version that ``If-Match`` names.

        412 with what is kept now if a colleague saved in between: nobody's edit is overwritten.
        """
        incident_id, name = incident_of(request), request.match_info["name"]
        base_version = base_version_of(request)
        body = await read_body(request, FieldValue)
        try:
            saved = await self._fields.save_field(
                incident_id,
                name,
                body.value,
                base_version=base_version,
                author=signed_in(request).account.login,
                at=self._clock.now(),
            )
        except Exception as error:
            raise told(error) from None
        return json_response(
            {
                "version": saved.version,
                "saved_at": iso_time(saved.saved_at),
                "warnings": [{"path": one.path, "code": one.code} for one in saved.warnings],
            },
            headers={"ETag": f'"{saved.version}"'},
        )

    async def history(self, request: web.Request) -> web.Response:
        """``GET …/fields/{name}/history``: every save, newest first."""
        incident_id, name = incident_of(request), request.match_info["name"]
        try:
            versions = await self._fields.field_history(incident_id, name)
        except Exception as error:
            raise told(error) from None
        gate = request.app[GATE]
        shown = [gate.field(request, name, version_json(version)) for version in versions]
        return json_response({"versions": shown})

    async def undo(self, request: web.Request) -> web.Response:
        """``POST …/undo`` with the key of an entry of the incident's own timeline."""
        incident_id = incident_of(request)
        body = await read_body(request, Undoing)
        key = check_text(body.entry, "entry")
        if len(key) > KEY_LENGTH_MAX:
            raise told(UnknownEntry())
        login = signed_in(request).account.login
        try:
            await self._fields.undo(incident_id, key, author=login, at=self._clock.now())
        except Exception as error:
            raise told(error) from None
        return json_response({})


REFUSALS: Mapping[type[Exception], tuple[int, str, str]] = {
    UnknownIncident: (404, "not_found", "There is no such card."),
    UnknownField: (404, "not_found", "Cards have no such field."),
    UnknownEntry: (404, "not_found", "This card's timeline has no such entry."),
    ChangedSince: (409, "changed_since", "This has been changed again since."),
    NotUndoable: (409, "not_undoable", "This cannot be undone."),
    LastContact: (409, "last_contact", "The other card would be left without any contact."),
}
"""What there is nothing more to say of."""


def told(error: Exception) -> Exception:
    """What the client is told; an error that is none of a card's goes on as it is."""
    refusal = REFUSALS.get(type(error))
    if refusal is not None:
        return APIError(*refusal)
    match error:
        case CardMerged():
            return card_merged(error)
        case FieldInvalid(path=path, reason=reason):
            extra = {"path": path, "reason": reason}
            return APIError(422, "invalid_value", f"{path}: {reason}.", extra=extra)
        case FieldTooLong():
            return APIError(413, "value_too_long", str(error))
        case FieldConflict(current=current):
            return _conflict(current)
        case _:
            return error


def _conflict(current: CardField | None) -> APIError:
    shown = NEVER_SAVED if current is None else field_json(current)
    return APIError(
        412,
        "conflict",
        "A colleague has changed this field in the meantime.",
        headers={"ETag": f'"{shown["version"]}"'},
        extra={"current": shown},
    )
