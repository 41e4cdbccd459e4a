"""Conversations by text: on their card for whoever may read it, and answered from a seat."""

import uuid
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar

import msgspec
import structlog
from aiohttp import web

from ccserver.accounts import Right
from ccserver.types import AgentId, ConversationId, IncidentId, MessageId
from ccserver.web.access import READ_CARDS, SEAT, Route, seat_of, signed_in
from ccserver.web.errors import (
    APIError,
    bad_request,
    check_text,
    idempotency_key,
    json_response,
    not_found,
    path_id,
    read_body,
)
from ccserver.web.ports import ControlRefused, JSONObject
from ccserver.web.visibility import viewer_of, visible_conversation

log = structlog.get_logger()

T = TypeVar("T")

MESSAGES_MAX = 100
"""Of one page."""
BAD_TEXTS = frozenset({"text_empty", "text_too_long", "key_reused"})
"""What is wrong with the text itself, and not with the state of things."""


class UnknownConversation(Exception):
    """There is no such conversation, or not on this card."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, from which seat; ``supervises``: also on what others have in hand."""

    login: str
    name: str
    agent_id: AgentId
    supervises: bool


class ConversationsPort(Protocol):
    """Conversations as JSON. Raises `UnknownConversation`, and `ControlRefused` where it acts."""

    async def of_incident(self, incident_id: IncidentId, *, whole: bool) -> Sequence[JSONObject]:
        """Those of the card's contacts, oldest first, each with its newest texts.

        A conversation may have gone on with another matter, on another card: ``whole``, or only
        what came and went while it was a contact of this one.
        """

    async def messages(
        self,
        incident_id: IncidentId,
        conversation_id: ConversationId,
        *,
        before: MessageId | None,
        limit: int,
        whole: bool,
    ) -> JSONObject:
        """``{"messages", "more"}``: the newest, or the newest before one, oldest first."""

    async def write(
        self, conversation_id: ConversationId, text: str, *, key: str, actor: Actor
    ) -> JSONObject:
        """Send a text to the citizen; the same ``key`` again is the same text."""

    async def close(
        self, conversation_id: ConversationId, disposition: str | None, *, actor: Actor
    ) -> JSONObject:
        """It is done; one that is closed stays as it is. Nothing is told of what was written."""

    async def reopen(self, conversation_id: ConversationId, *, actor: Actor) -> JSONObject:
        """The seat goes on with it."""


class TextBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/conversations/{conversation_id}/messages``."""

    text: str


class ClosingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/conversations/{conversation_id}/close``."""

    disposition: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class NothingSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/conversations/{conversation_id}/reopen``."""


class ConversationsAPI:
    """Handlers of ``/api/conversations`` and of what is read of a card's."""

    def __init__(self, conversations: ConversationsPort) -> None:
        self._conversations = conversations

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        card = "/api/incidents/{incident_id}/conversations"
        one = "/api/conversations/{conversation_id}"
        return (
            Route("GET", card, self.of_incident, READ_CARDS),
            Route("GET", f"{card}/{{conversation_id}}/messages", self.messages, READ_CARDS),
            Route("POST", f"{one}/messages", self.write, SEAT),
            Route("POST", f"{one}/close", self.close, SEAT),
            Route("POST", f"{one}/reopen", self.reopen, SEAT),
        )

    async def of_incident(self, request: web.Request) -> web.Response:
        """``GET /api/incidents/{incident_id}/conversations``: what was written on this card."""
        incident_id = IncidentId(path_id(request, "incident_id", "card"))
        viewer = viewer_of(signed_in(request).account)
        found = await self._conversations.of_incident(incident_id, whole=viewer.centre)
        return json_response(
            {"conversations": [visible_conversation(one, viewer) for one in found]}
        )

    async def messages(self, request: web.Request) -> web.Response:
        """``GET …/conversations/{conversation_id}/messages?before=&limit=``: older texts."""
        incident_id = IncidentId(path_id(request, "incident_id", "card"))
        before = check_text(request.query.get("before", ""), "before")
        viewer = viewer_of(signed_in(request).account)
        page = await _answered(
            self._conversations.messages(
                incident_id,
                _conversation(request),
                before=MessageId(before) if before else None,
                limit=_limit(request),
                whole=viewer.centre,
            )
        )
        return json_response(visible_conversation(page, viewer))

    async def write(self, request: web.Request) -> web.Response:
        """``POST /api/conversations/{conversation_id}/messages``: 201, it is saved to be sent.

        ``Idempotency-Key`` makes repeating it harmless.
        """
        body = await read_body(request, TextBody)
        text = check_text(body.text, "text")
        message = await _answered(
            self._conversations.write(
                _conversation(request),
                text,
                key=idempotency_key(request) or str(uuid.uuid4()),
                actor=_actor(request),
            )
        )
        return json_response(message, status=201)

    async def close(self, request: web.Request) -> web.Response:
        """``POST /api/conversations/{conversation_id}/close``."""
        body = await read_body(request, ClosingBody)
        disposition = check_text(body.disposition, "disposition") if body.disposition else None
        conversation = await _answered(
            self._conversations.close(_conversation(request), disposition, actor=_actor(request))
        )
        return json_response(conversation)

    async def reopen(self, request: web.Request) -> web.Response:
        """``POST /api/conversations/{conversation_id}/reopen``: go on with it at this seat."""
        await read_body(request, NothingSaid)
        conversation = await _answered(
            self._conversations.reopen(_conversation(request), actor=_actor(request))
        )
        return json_response(conversation)


async def _answered(action: Awaitable[T]) -> T:
    try:
        return await action
    except UnknownConversation:
        raise not_found("There is no such conversation.") from None
    except ControlRefused as refused:
        log.info("action_refused", code=refused.code)
        status = 422 if refused.code in BAD_TEXTS else 409
        raise APIError(status, refused.code, refused.message) from None


def _conversation(request: web.Request) -> ConversationId:
    return ConversationId(path_id(request, "conversation_id", "conversation"))


def _actor(request: web.Request) -> Actor:
    principal = signed_in(request)
    account = principal.account
    supervises = principal.may(Right.SUPERVISE)
    return Actor(account.login, account.name, seat_of(request), supervises)


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(MESSAGES_MAX))
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) >= 1):
        raise bad_request(f"The parameter limit is a whole number from 1 to {MESSAGES_MAX}.")
    if int(text) > MESSAGES_MAX:
        raise bad_request(f"The parameter limit is a whole number from 1 to {MESSAGES_MAX}.")
    return int(text)
