"""Conversations and texts as the columns of their tables, and the bounds of what is kept."""

import hashlib
import uuid
from dataclasses import replace
from typing import cast

from sqlalchemy import Table

from ccserver.db import clean_text
from ccserver.messaging import reading
from ccserver.messaging.models import ConversationContactRow, MessageRow
from ccserver.messaging.values import (
    CITIZEN_CHARS_MAX,
    CODE_CHARS_MAX,
    TEXT_CHARS_MAX,
    TEXT_CUT,
    VIA_CHARS_MAX,
    Conversation,
    Message,
)
from ccserver.texts import Delivery, IncomingText
from ccserver.types import MessageId

CONVERSATIONS = reading.CONVERSATIONS
CONTACTS = cast("Table", ConversationContactRow.__table__)
MESSAGES = cast("Table", MessageRow.__table__)

KEY_CHARS_MAX = 200
"""A longer key is kept as its hash."""
ODDITIES_MAX = 20
"""Of one text; whatever else was strange about it is in the way's own records."""
KEYS = uuid.UUID("5f2d8a0c-3c0e-4f0a-9d53-3d6f3c1b7a11")
"""The namespace in which a text's key gives its id: handed in again it is the same text."""

Values = dict[str, object]

SAME_COLUMNS = (
    "conversation_id", "citizen", "our_number", "via", "replyable", "language", "contact_id",
    "agent_id", "last_agent_id", "riding", "queue", "opened_at", "last_in_at", "last_out_at",
    "unanswered_since", "closed_at", "closed_by", "disposition", "acknowledged_at", "messages",
)  # fmt: skip
"""Columns that hold a conversation's value as it is."""


def conversation_values(conversation: Conversation) -> Values:
    """Every column of a conversation."""
    values: Values = {name: getattr(conversation, name) for name in SAME_COLUMNS}
    values["channel"] = conversation.channel.value
    values["state"] = conversation.state.value
    return values


def contact_values(before: Conversation | None, after: Conversation) -> list[Values]:
    """The contacts that a conversation has become, in their order."""
    known = () if before is None else before.contact_ids
    return [
        {"conversation_id": after.conversation_id, "contact_id": contact_id}
        for contact_id in after.contact_ids
        if contact_id not in known
    ]


def message_values(message: Message, key: str) -> Values:
    """Every column of a new text."""
    return {
        "message_id": message.message_id,
        "conversation_id": message.conversation_id,
        "contact_id": message.contact_id,
        "key": key,
        "direction": message.direction.value,
        "at": message.at,
        "sent_at": message.sent_at,
        "author": message.author,
        "author_name": message.author_name,
        **delivery_values(message.delivery),
        **mended_values(message),
    }


def mended_values(message: Message) -> Values:
    """The columns that a later part may change."""
    found = message.structured
    return {
        "kind": message.kind.value,
        "text": message.text,
        "complete": message.complete,
        "parts_have": message.parts_have,
        "parts_total": message.parts_total,
        "duplicate": message.duplicate,
        "oddities": list(message.oddities),
        "structured": None if found is None else reading.structured_as_json(found),
        "revision": message.revision,
        "handled_revision": message.handled_revision,
    }


def delivery_values(delivery: Delivery | None) -> Values:
    """The columns of what became of an outgoing text."""
    if delivery is None:
        return {
            "delivery_state": None,
            "delivery_at": None,
            "delivery_error": None,
            "delivery_done": 0,
            "delivery_total": 0,
        }
    error = delivery.error
    return {
        "delivery_state": delivery.state.value,
        "delivery_at": delivery.at,
        "delivery_error": clean_text(error)[:CODE_CHARS_MAX] if error else None,
        "delivery_done": delivery.parts_done,
        "delivery_total": delivery.parts_total,
    }


def bounded(text: IncomingText) -> IncomingText:
    """The text as every database keeps it: whatever came, it lands."""
    kept = clean_text(text.text)
    oddities = tuple(clean_text(one)[:CODE_CHARS_MAX] for one in text.oddities)
    if len(kept) > TEXT_CHARS_MAX:
        kept, oddities = kept[:TEXT_CHARS_MAX], (TEXT_CUT, *oddities)
    return replace(
        text,
        text=kept,
        oddities=oddities[:ODDITIES_MAX],
        citizen=clean_text(text.citizen)[:CITIZEN_CHARS_MAX],
        our_number=clean_text(text.our_number)[:CITIZEN_CHARS_MAX],
        via=clean_text(text.via)[:VIA_CHARS_MAX],
    )


def key_of(direction: str, key: str) -> str:
    """The key under which a text is kept."""
    cleaned = clean_text(key)
    if len(cleaned) > KEY_CHARS_MAX:
        cleaned = hashlib.sha256(cleaned.encode()).hexdigest()
    return f"{direction}:{cleaned}"


def message_id_of(key: str) -> MessageId:
    """The id of a text, by the key under which it is kept."""
    return MessageId(str(uuid.uuid5(KEYS, key)))
