"""Reading conversations and their texts; each function runs inside one transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Table, select
from sqlalchemy.orm import Session

from ccserver.messaging.models import ConversationContactRow, ConversationRow, MessageRow
from ccserver.messaging.values import (
    Conversation,
    ConversationState,
    ConversationUnknown,
    Direction,
    FoundField,
    FoundFields,
    Message,
    MessageKind,
)
from ccserver.texts import Channel, Delivery, DeliveryState
from ccserver.types import AgentId, ContactId, ConversationId, MessageId

CONVERSATIONS = cast("Table", ConversationRow.__table__)
KEYS_MAX = 500
"""Of one statement: SQLite bounds a statement's parameters."""
TEXTS_FOUND_MAX = 1_000
"""Of some contacts, by which a card is found; it is found by no more words than these have."""


def chunked(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """Return ``keys`` in parts that one statement can hold."""
    for start in range(0, len(keys), KEYS_MAX):
        yield keys[start : start + KEYS_MAX]


def locked(session: Session, conversation_id: str) -> Conversation:
    """The conversation, kept from every other writer until the transaction ends.

    Raises `ConversationUnknown`.
    """
    query = select(CONVERSATIONS).where(CONVERSATIONS.c.conversation_id == conversation_id)
    row = session.execute(query.with_for_update()).first()
    if row is None:
        raise ConversationUnknown("there is no such conversation")
    return conversations(session, [row])[0]


def conversations(session: Session, rows: Sequence[Any]) -> list[Conversation]:
    """The conversations of rows with all their columns, in their order."""
    contacts: dict[str, list[ContactId]] = defaultdict(list)
    for some in chunked([row.conversation_id for row in rows]):
        query = (
            select(ConversationContactRow.conversation_id, ConversationContactRow.contact_id)
            .where(ConversationContactRow.conversation_id.in_(some))
            .order_by(ConversationContactRow.position)
        )
        for conversation_id, contact_id in session.execute(query):
            contacts[conversation_id].append(ContactId(contact_id))
    return [_conversation(row, tuple(contacts[row.conversation_id])) for row in rows]


def of_keys(
    session: Session, conversation_ids: Collection[str]
) -> dict[ConversationId, Conversation]:
    """The conversations of these keys, as far as there are any."""
    found: dict[ConversationId, Conversation] = {}
    for some in chunked(list(conversation_ids)):
        query = select(CONVERSATIONS).where(CONVERSATIONS.c.conversation_id.in_(some))
        for one in conversations(session, session.execute(query).all()):
            found[one.conversation_id] = one
    return found


def _conversation(row: Any, contact_ids: tuple[ContactId, ...]) -> Conversation:
    return Conversation(
        conversation_id=ConversationId(row.conversation_id),
        channel=Channel(row.channel),
        via=row.via,
        citizen=row.citizen,
        our_number=row.our_number,
        contact_id=ContactId(row.contact_id),
        contact_ids=contact_ids,
        opened_at=row.opened_at,
        replyable=row.replyable,
        language=row.language,
        state=ConversationState(row.state),
        agent_id=AgentId(row.agent_id) if row.agent_id else None,
        last_agent_id=AgentId(row.last_agent_id) if row.last_agent_id else None,
        riding=ContactId(row.riding) if row.riding else None,
        queue=row.queue,
        last_in_at=row.last_in_at,
        last_out_at=row.last_out_at,
        unanswered_since=row.unanswered_since,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        disposition=row.disposition,
        acknowledged_at=row.acknowledged_at,
        messages=row.messages,
    )


def texts_of(connection: Connection, contact_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """What was written in the course of these contacts, by their ids, oldest first."""
    texts: dict[str, list[str]] = defaultdict(list)
    for some in chunked(list(contact_ids)):
        query = (
            select(MessageRow.contact_id, MessageRow.text)
            .where(MessageRow.contact_id.in_(some))
            .order_by(MessageRow.position)
            .limit(TEXTS_FOUND_MAX)
        )
        for contact_id, text in connection.execute(query):
            texts[contact_id].append(text)
    return texts


def message(row: Any) -> Message:
    """The text of a row with all its columns."""
    message_id = MessageId(row.message_id)
    delivery = None
    if row.delivery_state is not None and row.delivery_at is not None:
        delivery = Delivery(
            message_id,
            DeliveryState(row.delivery_state),
            row.delivery_at,
            row.delivery_error,
            row.delivery_done,
            row.delivery_total,
        )
    return Message(
        message_id=message_id,
        conversation_id=ConversationId(row.conversation_id),
        contact_id=ContactId(row.contact_id),
        direction=Direction(row.direction),
        kind=MessageKind(row.kind),
        text=row.text,
        at=row.at,
        sent_at=row.sent_at,
        author=row.author,
        author_name=row.author_name,
        complete=row.complete,
        parts_have=row.parts_have,
        parts_total=row.parts_total,
        duplicate=row.duplicate,
        oddities=tuple(row.oddities),
        structured=None if row.structured is None else structured_from_json(row.structured),
        delivery=delivery,
        revision=row.revision,
        handled_revision=row.handled_revision,
    )


def structured_as_json(found: FoundFields) -> dict[str, object]:
    """What is kept of an app-made text."""
    return {
        "template": found.template,
        "fields": [
            {"name": one.name, "value": one.value, "titles": dict(one.titles)}
            for one in found.fields
        ],
        "latitude": found.latitude,
        "longitude": found.longitude,
        "radius_m": found.radius_m,
        "rest": found.rest,
    }


def structured_from_json(kept: Mapping[str, object]) -> FoundFields:
    """The inverse of `structured_as_json`."""
    fields = kept["fields"]
    assert isinstance(fields, list), "written by structured_as_json"
    return FoundFields(
        template=str(kept["template"]),
        fields=tuple(FoundField(one["name"], one["value"], one["titles"]) for one in fields),
        latitude=_number(kept["latitude"]),
        longitude=_number(kept["longitude"]),
        radius_m=_number(kept["radius_m"]),
        rest=str(kept["rest"]),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
