"""Incident cards: search, one card, its notes."""

import re
from datetime import UTC, datetime

import msgspec
import structlog
from aiohttp import web

from ccserver.accounts import Account
from ccserver.card import CardMerged, CardStatus, Wanted, head_json
from ccserver.ecall.urn import service_of
from ccserver.types import IncidentId
from ccserver.web.access import signed_in
from ccserver.web.errors import (
    APIError,
    bad_request,
    check_text,
    json_response,
    not_found,
    path_id,
    read_body,
)
from ccserver.web.gate import CardGate
from ccserver.web.ports import CardsPort, Clock, JSONObject, NotesConflict, NotesSaved, NotesTooLong
from ccserver.web.reading import CardFacts, Standing, standing
from ccserver.web.wire import iso_time

QUERY_LENGTH_MAX = 200
"""Nobody types more; every character costs the database's search."""

CURSOR_LENGTH_MAX = 128
"""A cursor is a time and a UUID, some seventy characters; it is only handed through."""

CODE_LENGTH_MAX = 64
SERVICE_LENGTH_MAX = 96
"""Of a code of a type, a seat, or a time in ISO 8601."""

TYPES_MAX = 100
"""A whole branch of the incident types."""

LIMIT_DEFAULT = 50
LIMIT_MAX = 100
"""Of one page; the panel asks for the next when it is scrolled to."""

_VERSION = re.compile(r'(?:W/)?"(\d{1,9})"')
"""RFC 9110 §8.8.3 entity tag that holds the version of notes or a field."""

log = structlog.get_logger()


class NotesText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /api/cards/{incident_id}/notes``."""

    text: str


class CardsAPI:
    """Handlers of ``/api/cards``."""

    def __init__(self, cards: CardsPort, clock: Clock, gate: CardGate) -> None:
        self._cards = cards
        self._clock = clock
        self._gate = gate

    async def search(self, request: web.Request) -> web.Response:
        """``GET /api/cards?q=…``: newest first, with the cursor of the next page."""
        q = _query_text(request, "q", QUERY_LENGTH_MAX)
        before = _query_text(request, "before", CURSOR_LENGTH_MAX)
        page = await self._cards.search(
            q, limit=_limit(request), before=before or None, wanted=_wanted(request)
        )
        account, now = signed_in(request).account, self._clock.now()
        lines = [line for card in page.cards if (line := visible_line(card, account, now))]
        return json_response({"cards": lines, "next": page.next_cursor})

    async def card(self, request: web.Request) -> web.Response:
        """``GET /api/cards/{incident_id}``: 403 for who is outside of it and does not say why."""
        return json_response(await self._gate.card(request, incident_of(request)))

    async def save_notes(self, request: web.Request) -> web.Response:
        """``PUT /api/cards/{incident_id}/notes`` over the version that ``If-Match`` names.

        412 with what is kept now if a colleague saved in between: nobody's edit is overwritten.
        """
        incident_id = incident_of(request)
        base_version = base_version_of(request)
        body = await read_body(request, NotesText)
        text = check_text(body.text, "text")
        try:
            result = await self._cards.save_notes(
                incident_id,
                text,
                base_version=base_version,
                author=signed_in(request).account.login,
                at=self._clock.now(),
            )
        except CardMerged as merged:
            raise card_merged(merged) from None
        match result:
            case NotesSaved(version=version, saved_at=saved_at):
                return json_response(
                    {"version": version, "saved_at": iso_time(saved_at)},
                    headers={"ETag": f'"{version}"'},
                )
            case NotesConflict(text=current, version=version, author=author):
                log.info("notes_conflict", incident_id=incident_id, version=version)
                raise APIError(
                    412,
                    "conflict",
                    "A colleague has changed these notes in the meantime.",
                    headers={"ETag": f'"{version}"'},
                    extra={"current": {"text": current, "version": version, "author": author}},
                )
            case NotesTooLong(limit_bytes=limit):
                raise APIError(413, "notes_too_long", f"Notes hold at most {limit} bytes.")
            case None:
                raise not_found("There is no such card.")


def card_merged(merged: CardMerged) -> APIError:
    """409 with the card in which this one is now."""
    return APIError(
        409,
        "merged",
        f"This card is a part of card {merged.into.number} now.",
        extra={"into": head_json(merged.into)},
    )


def incident_of(request: web.Request) -> IncidentId:
    """The card that the address names; raises `APIError` 404 for one that cannot be."""
    return IncidentId(path_id(request, "incident_id", "card"))


def visible_line(summary: JSONObject, account: Account, now: datetime) -> JSONObject | None:
    """A line of a list as the reader may see it; ``None`` for a card that is none of theirs.

    Whoever would have to say why to read the card does not read its notes in the list.
    """
    match standing(account, CardFacts.of(summary), now):
        case Standing.STRANGER:
            return None
        case Standing.OUTSIDE:
            return {**summary, "notes_excerpt": ""}
        case Standing.INSIDE:
            return summary


def _query_text(request: web.Request, name: str, length_max: int) -> str:
    text = check_text(request.query.get(name, "").strip(), name)
    if len(text) > length_max:
        raise bad_request(f"The parameter {name} holds at most {length_max} characters.")
    return text


def _wanted(request: web.Request) -> Wanted:
    """What the cards must be; ``type`` may be given several times, for a branch of types."""
    types = [check_text(code, "type") for code in request.query.getall("type", []) if code]
    if len(types) > TYPES_MAX or any(len(code) > CODE_LENGTH_MAX for code in types):
        raise bad_request(f"The parameter type is a code, given at most {TYPES_MAX} times.")
    status = _query_text(request, "status", CODE_LENGTH_MAX)
    if status not in ("", *CardStatus):
        raise bad_request("The parameter status is open or closed.")
    test = _query_text(request, "test", CODE_LENGTH_MAX)
    if test not in ("", "true", "false"):
        raise bad_request("The parameter test is true or false.")
    return Wanted(
        since=_time(request, "from"),
        until=_time(request, "to"),
        types=frozenset(types),
        agent_id=_query_text(request, "agent", CODE_LENGTH_MAX) or None,
        service=_service(request),
        test=None if not test else test == "true",
        status=CardStatus(status) if status else None,
    )


def _service(request: web.Request) -> str | None:
    text = _query_text(request, "service", SERVICE_LENGTH_MAX)
    service = service_of(text) if text else None
    if text and service is None:
        raise bad_request("The parameter service is a URN like urn:service:sos.ecall.")
    return service


def _time(request: web.Request, name: str) -> datetime | None:
    text = _query_text(request, name, CODE_LENGTH_MAX)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise bad_request(f"The parameter {name} is a time like 2026-03-01T12:00:00Z.")


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(LIMIT_DEFAULT))
    if not (re.fullmatch(r"[0-9]{1,3}", text) and 1 <= int(text) <= LIMIT_MAX):
        raise bad_request(f"The parameter limit is a whole number from 1 to {LIMIT_MAX}.")
    return int(text)


def base_version_of(request: web.Request) -> int:
    """The version that ``If-Match`` names; raises `APIError` 428 and 400."""
    header = request.headers.get("If-Match")
    if header is None:
        raise APIError(
            428,
            "version_required",
            'The header If-Match: "<version>" of what is saved over is missing.',
        )
    found = _VERSION.fullmatch(header.strip())
    if found is None:
        raise bad_request('The header If-Match is the version saved over in quotes, like "3".')
    return int(found.group(1))
