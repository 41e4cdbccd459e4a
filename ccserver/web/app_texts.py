"""Texts that an app sends for a citizen, over HTTPS with a key, and what is answered to them.

They enter as an SMS does: stored before the 202, in one conversation with the citizen. An app reads
the answers of its own conversations and of no others.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

import msgspec
from aiohttp import web

from ccserver.accounts import Right
from ccserver.location import Circle, Location, LocationInvalid, LocationSource, Point, Position
from ccserver.types import ConversationId, MessageId, PhoneNumber
from ccserver.web.access import Access, Route, signed_in
from ccserver.web.conversations import UnknownConversation
from ccserver.web.errors import (
    APIError,
    check_text,
    check_time,
    decoded,
    json_response,
    key_or_body,
    not_found,
    path_id,
    read_raw,
)
from ccserver.web.ports import Clock, JSONObject
from ccserver.web.throttle import BucketLimit, Buckets

TEXT_CHARS_MAX = 4_000
"""Ten screens of a telephone; an app that sends more sends no text of a person."""
TEXTS = BucketLimit(burst=120, refill_s=0.1)
"""Of one key: 600 texts a minute, which is more than a country's whole emergency traffic. Looks for
replies have the bound of every request with a key."""


@dataclass(frozen=True, slots=True)
class Told:
    """A text as an app hands it in; ``key`` names it among those of its ``author``."""

    key: str
    author: str
    citizen: str
    our_number: str
    text: str
    sent_at: datetime | None
    location: Location | None


class AppKeyReused(Exception):
    """The app has handed in another text with this key."""


class AppTextsPort(Protocol):
    """Where texts of apps go."""

    async def take(self, told: Told) -> JSONObject:
        """Durable when it returns ``{"conversation_id", "message_id"}``; raises `AppKeyReused`."""

    async def replies(
        self, conversation_id: ConversationId, *, author: str, after: MessageId | None
    ) -> JSONObject:
        """``{"messages", "more", "closed"}``; raises `UnknownConversation` for another's."""


class AppPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the device is; degrees of WGS84, and metres."""

    lat: float
    lon: float
    radius_m: float | None = None
    confidence: float | None = None
    observed_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class AppText(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Body of ``POST /api/texts``: the citizen's number, ours, and what the citizen wrote."""

    from_: Annotated[str, msgspec.Meta(min_length=2, max_length=40)]
    text: Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]
    to: Annotated[str, msgspec.Meta(pattern=r"\A\+?[0-9]{2,20}\Z")] = "112"
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    location: AppPlace | None = None


class AppTextsAPI:
    """Handlers of ``/api/texts``."""

    def __init__(self, texts: AppTextsPort, clock: Clock) -> None:
        self._texts = texts
        self._clock = clock
        self._taken = Buckets(TEXTS)

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        access = Access(Right.CONTACTS_WRITE)
        return (
            Route("POST", "/api/texts", self.take, access),
            Route("GET", "/api/texts/{conversation_id}/messages", self.replies, access),
        )

    async def take(self, request: web.Request) -> web.Response:
        """``POST /api/texts``: 202, it is stored and goes to a call taker like an SMS.

        ``Idempotency-Key`` makes repeating it harmless; without one the same body is the same text.
        """
        author = signed_in(request).account.login
        self._admit(author)
        raw = await read_raw(request)
        body = decoded(raw, AppText)
        number = PhoneNumber.parse(body.from_)
        if number is None:
            raise APIError(422, "no_number", "The field from is no telephone number.")
        text = check_text(body.text, "text")
        if not text.strip() and body.location is None:
            raise APIError(422, "text_empty", "There is neither a text nor a place.")
        told = Told(
            key=key_or_body(request, raw),
            author=author,
            citizen=number.value,
            our_number=body.to,
            text=text,
            sent_at=check_time(body.sent_at, "sent_at"),
            location=self._place(body.location),
        )
        try:
            return json_response(await self._texts.take(told), status=202)
        except AppKeyReused:
            raise APIError(422, "key_reused", "The key is that of another text.") from None

    async def replies(self, request: web.Request) -> web.Response:
        """``GET /api/texts/{conversation_id}/messages?after=``: what the citizen is answered."""
        author = signed_in(request).account.login
        conversation_id = ConversationId(path_id(request, "conversation_id", "conversation"))
        after = check_text(request.query.get("after", ""), "after")
        try:
            page = await self._texts.replies(
                conversation_id, author=author, after=MessageId(after) if after else None
            )
        except UnknownConversation:
            raise not_found("There is no such conversation.") from None
        return json_response(page)

    def _admit(self, author: str) -> None:
        now = self._clock.monotonic()
        wait_s = self._taken.wait_s(author, now)
        if wait_s > 0:
            raise APIError(
                429,
                "too_many",
                "This key has asked too often. Please try again.",
                headers={"Retry-After": str(int(wait_s) + 1)},
            )
        self._taken.add(author, -1.0, now)

    def _place(self, place: AppPlace | None) -> Location | None:
        if place is None:
            return None
        try:
            centre = Position(place.lat, place.lon)
            return Location(
                Point(centre) if place.radius_m is None else Circle(centre, place.radius_m),
                LocationSource.HTTPS,
                received_at=self._clock.now(),
                observed_at=check_time(place.observed_at, "observed_at"),
                confidence=place.confidence,
            )
        except LocationInvalid as error:
            raise APIError(422, "invalid_location", str(error)) from None
