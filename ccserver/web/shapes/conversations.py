"""Conversations by text, and apps that write for citizens."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ccserver.web.app_texts import AppText
from ccserver.web.conversations import ClosingBody, NothingSaid, TextBody
from ccserver.web.describe import Limit, Operation, Operations, Parameter, Shape


class TextParts(Shape, frozen=True):
    """How many parts of a citizen's text are there."""

    have: int
    total: int


class SentParts(Shape, frozen=True):
    """How many parts of our text are where the state says."""

    done: int
    total: int


class TextTitles(Shape, frozen=True):
    """In the languages of the panel."""

    lv: str
    ru: str
    en: str


class TextField(Shape, frozen=True):
    """One value that an app put into its text."""

    name: str
    title: TextTitles
    value: str


class StructuredText(Shape, frozen=True):
    """What was read out of an app-made text."""

    template: str
    fields: list[TextField]


class TextDelivery(Shape, frozen=True):
    """How far a text of ours is; ``error`` is a code, or the operator's number."""

    state: Literal["queued", "sent", "unknown", "delivered", "failed", "expired"]
    at: datetime
    error: str | None
    parts: SentParts


class TextMessage(Shape, frozen=True):
    """One text of a conversation."""

    message_id: str
    contact_id: str
    direction: Literal["in", "out"]
    kind: Literal["text", "structured", "automatic"]
    text: str
    at: datetime
    sent_at: datetime | None
    author: str | None
    author_name: str | None
    complete: bool
    parts: TextParts
    duplicate: bool
    oddities: list[str]
    structured: StructuredText | None
    delivery: TextDelivery | None


class TextConversation(Shape, frozen=True):
    """A citizen's exchange of texts with one of our numbers; `messages` are the newest."""

    conversation_id: str
    contact_id: str
    contact_ids: list[str]
    channel: Literal["sms", "sip", "app"]
    via: str | None
    citizen: str
    replyable: bool
    our_number: str
    language: str | None
    state: Literal["waiting", "riding", "open", "closed"]
    agent_id: str | None
    agent_name: str | None
    riding: str | None
    opened_at: datetime
    last_text_at: datetime
    unanswered_since: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    disposition: str | None
    acknowledged_at: datetime | None
    messages: list[TextMessage]
    more: bool


class TextConversationClosed(Shape, frozen=True):
    """How the conversation ended; who closes one need not be let into its card."""

    conversation_id: str
    state: Literal["closed"]
    closed_at: datetime
    disposition: str | None


class TextConversations(Shape, frozen=True):
    """Those of a card."""

    conversations: list[TextConversation]


class TextMessages(Shape, frozen=True):
    """A page of texts, oldest first."""

    messages: list[TextMessage]
    more: bool


class TextTaken(Shape, frozen=True):
    """The text is stored, and goes to a call taker."""

    conversation_id: str
    message_id: str


class AppReply(Shape, frozen=True):
    """A text to the citizen, for the app to show."""

    message_id: str
    text: str
    at: datetime
    automatic: bool


class AppReplies(Shape, frozen=True):
    """A page of them, oldest first; ``closed``: nobody will answer to the next text at once."""

    messages: list[AppReply]
    more: bool
    closed: bool


KEY = Parameter(
    "Idempotency-Key",
    Annotated[str, msgspec.Meta(min_length=1, max_length=100)],
    "The same key again is the same text.",
    where="header",
)
BEFORE = Parameter("before", str, "The `message_id` of the oldest text that is known.")
LIMIT = Parameter("limit", Limit, "How many at most; 100 if it is not said.")

OPERATIONS: Operations = {
    ("GET", "/api/incidents/{incident_id}/conversations"): Operation(
        TextConversations, summary="What was written on this card."
    ),
    ("GET", "/api/incidents/{incident_id}/conversations/{conversation_id}/messages"): Operation(
        TextMessages, parameters=(BEFORE, LIMIT), summary="Older texts of a conversation."
    ),
    ("POST", "/api/conversations/{conversation_id}/messages"): Operation(
        TextMessage,
        status=201,
        bodies=(TextBody,),
        parameters=(KEY,),
        errors={
            409: ("conversation_closed", "not_your_contact", "no_way_back"),
            422: ("text_empty", "text_too_long", "key_reused"),
        },
        summary="Write to the citizen.",
    ),
    ("POST", "/api/conversations/{conversation_id}/close"): Operation(
        TextConversationClosed,
        bodies=(ClosingBody,),
        errors={409: ("not_your_contact",)},
        summary="The conversation is done.",
    ),
    ("POST", "/api/conversations/{conversation_id}/reopen"): Operation(
        TextConversation,
        bodies=(NothingSaid,),
        errors={409: ("not_your_contact", "too_old", "newer_conversation")},
        summary="Go on with a conversation that was closed lately.",
    ),
    ("POST", "/api/texts"): Operation(
        TextTaken,
        status=202,
        bodies=(AppText,),
        parameters=(KEY,),
        errors={
            422: ("invalid_location", "no_number", "text_empty", "key_reused"),
            429: ("too_many",),
        },
        summary="Hand in what a citizen wrote in an app.",
    ),
    ("GET", "/api/texts/{conversation_id}/messages"): Operation(
        AppReplies,
        parameters=(Parameter("after", str, "The `message_id` of the newest text that is known."),),
        summary="Read what the citizen is answered.",
    ),
}
