"""Writing conversations and their texts inside a transaction that somebody else commits.

Every function is idempotent, because after a crash or an unclear answer it is done again. Two
processes that open a conversation for the same citizen at the same moment: one of them fails with
the database's ``IntegrityError``, and finds the other's when it does all again.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ccserver.db import clean_text
from ccserver.messaging import reading, states
from ccserver.messaging.models import ConversationContactRow, ConversationRow, MessageRow
from ccserver.messaging.values import (
    CITIZEN_CHARS_MAX,
    CODE_CHARS_MAX,
    KEEP_OPEN_S,
    OUT_CHARS_MAX,
    TEXT_CHARS_MAX,
    TEXT_CUT,
    VIA_CHARS_MAX,
    Conversation,
    ConversationState,
    Direction,
    FoundFields,
    Landed,
    Message,
    MessageKind,
    NewerConversation,
    NoWayBack,
    Written,
)
from ccserver.texts import Delivery, DeliveryState, IncomingText
from ccserver.types import ContactId, ConversationId, MessageId

KEY_CHARS_MAX = 200
"""A longer key is kept as its hash."""
ODDITIES_MAX = 20
"""Of one text; whatever else was strange about it is in the way's own records."""
KEYS = uuid.UUID("5f2d8a0c-3c0e-4f0a-9d53-3d6f3c1b7a11")
"""The namespace in which a text's key gives its id: handed in again it is the same text."""


def add_incoming(
    session: Session,
    text: IncomingText,
    *,
    keep_open_s: float = KEEP_OPEN_S,
    structured: FoundFields | None = None,
) -> Landed:
    """Put a citizen's text into the conversation that it belongs to, or mend the one it is of.

    A conversation is opened, or a closed one opened again, in state WAITING and as a new contact,
    whose id is kept with it before anybody hears of it. The text stays unhandled until
    `mark_handled`.
    """
    text = _bounded(text)
    key = _key("in", text.key)
    row = session.scalar(
        select(MessageRow)
        .where(MessageRow.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is not None:
        return _mend(session, row, text, structured)
    found = _belongs_to(session, text, keep_open_s)
    contact_id = ContactId(str(uuid.uuid4()))
    if found is None:
        before, fresh = None, _opened(text, contact_id)
        conversation_row = ConversationRow(conversation_id=fresh.conversation_id)
        session.add(conversation_row)
    else:
        conversation_row, before = found
        fresh = before
    after = states.texted(fresh, text, contact_id)
    save(session, conversation_row, before, after)
    message = _incoming(after, text, structured)
    session.add(_row(message, key))
    session.flush()
    return Landed(
        after,
        message,
        new_message=True,
        new_conversation=before is None,
        reopened=before is not None and before.state is ConversationState.CLOSED,
    )


def add_outgoing(
    session: Session,
    conversation_id: ConversationId,
    *,
    key: str,
    text: str,
    at: datetime,
    author: str | None,
    author_name: str | None,
    kind: MessageKind = MessageKind.TEXT,
) -> Written:
    """Save a text to the citizen; one that is new has to be handed over in this transaction.

    A known ``key`` changes nothing. Raises `ConversationUnknown`, `ConversationClosed` and
    `NoWayBack`.
    """
    conversation_row, conversation = reading.locked(session, clean_text(conversation_id))
    whole_key = _key("out", f"{conversation.conversation_id}:{key}")
    known = session.scalar(select(MessageRow).where(MessageRow.key == whole_key))
    if known is not None:
        return Written(reading.message(known), conversation, new=False)
    if not conversation.replyable:
        raise NoWayBack("the citizen cannot be written to")
    automatic = kind is MessageKind.AUTOMATIC
    after = states.written(conversation, at, automatic=automatic)
    save(session, conversation_row, conversation, after)
    message_id = _message_id(whole_key)
    message = Message(
        message_id=message_id,
        conversation_id=conversation.conversation_id,
        contact_id=conversation.contact_id,
        direction=Direction.OUT,
        kind=kind,
        text=clean_text(text)[:OUT_CHARS_MAX],
        at=at,
        author=author,
        author_name=author_name,
        delivery=Delivery(message_id, DeliveryState.QUEUED, at),
    )
    session.add(_row(message, whole_key))
    session.flush()
    return Written(message, after, new=True)


def set_delivery(session: Session, delivery: Delivery) -> ConversationId | None:
    """Keep what is known of an outgoing text; ``None`` if that was known, or there is no such."""
    row = session.scalar(
        select(MessageRow)
        .where(MessageRow.message_id == delivery.message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or row.direction != Direction.OUT.value:
        return None
    known = reading.message(row).delivery
    after = states.delivered(known, delivery)
    if after == known:
        return None
    _set_delivery(row, after)
    row.revision += 1
    session.flush()
    return ConversationId(row.conversation_id)


def mark_handled(session: Session, messages: Iterable[Message]) -> None:
    """These were acted on, as they were when they were read; what came since is not."""
    for message in messages:
        session.execute(
            update(MessageRow)
            .where(
                MessageRow.message_id == message.message_id,
                MessageRow.handled_revision < message.revision,
            )
            .values(handled_revision=message.revision)
        )


def set_contact(
    session: Session,
    conversation_id: ConversationId,
    contact_id: ContactId,
    *,
    riding: bool = False,
) -> Conversation:
    """The conversation is this contact from now on, and so are its texts that nobody acted on.

    ``riding``: the contact is the citizen's call. Raises `ConversationUnknown`,
    `ConversationClosed`.
    """
    call = contact_id if riding else None
    after = change(session, conversation_id, lambda known: states.turned(known, contact_id, call))
    session.execute(
        update(MessageRow)
        .where(MessageRow.conversation_id == conversation_id, MessageRow.handled_revision == 0)
        .values(contact_id=contact_id)
    )
    return after


def change(
    session: Session, conversation_id: ConversationId, work: Callable[[Conversation], Conversation]
) -> Conversation:
    """Do something to a conversation; raises `ConversationUnknown` and whatever ``work`` does."""
    row, before = reading.locked(session, clean_text(conversation_id))
    after = work(before)
    save(session, row, before, after)
    return after


def mark_auto_acknowledged(session: Session, conversation_id: ConversationId, at: datetime) -> bool:
    """Whether nobody has acknowledged the conversation before; only one is told so, once.

    Belongs into the transaction in which the acknowledgement is saved.
    """
    row, before = reading.locked(session, clean_text(conversation_id))
    if before.acknowledged_at is not None:
        return False
    save(session, row, before, states.acknowledged(before, at))
    return True


def refuse_if_another_is_open(session: Session, conversation: Conversation) -> None:
    """Raise `NewerConversation` if the citizen has an open conversation beside this one."""
    found = session.scalar(
        select(ConversationRow.conversation_id).where(
            ConversationRow.citizen == conversation.citizen,
            ConversationRow.our_number == conversation.our_number,
            ConversationRow.channel == conversation.channel.value,
            ConversationRow.state != ConversationState.CLOSED.value,
            ConversationRow.conversation_id != conversation.conversation_id,
        )
    )
    if found is not None:
        raise NewerConversation("the citizen has begun another conversation since")


def save(
    session: Session, row: ConversationRow, before: Conversation | None, after: Conversation
) -> None:
    """Write what changed of a conversation."""
    if after == before:
        return
    for name in PLAIN_COLUMNS:
        setattr(row, name, getattr(after, name))
    row.channel = after.channel.value
    row.state = after.state.value
    session.flush()
    known = () if before is None else before.contact_ids
    for contact_id in after.contact_ids:
        if contact_id not in known:
            session.add(
                ConversationContactRow(conversation_id=after.conversation_id, contact_id=contact_id)
            )
    session.flush()


PLAIN_COLUMNS = (
    "citizen", "our_number", "via", "replyable", "language", "contact_id", "agent_id",
    "last_agent_id", "riding", "opened_at", "last_in_at", "last_out_at", "unanswered_since",
    "closed_at", "closed_by", "disposition", "acknowledged_at", "messages",
)  # fmt: skip


def _belongs_to(
    session: Session, text: IncomingText, keep_open_s: float
) -> tuple[ConversationRow, Conversation] | None:
    """The conversation that a new text goes on with: the open one, else one closed lately."""
    query = (
        select(ConversationRow.conversation_id)
        .where(
            ConversationRow.citizen == text.citizen,
            ConversationRow.our_number == text.our_number,
            ConversationRow.channel == text.channel.value,
        )
        .order_by(ConversationRow.opened_at.desc())
        .limit(1)
    )
    is_open = ConversationRow.state != ConversationState.CLOSED.value
    newest = session.scalar(query.where(is_open)) or session.scalar(query)
    if newest is None:
        return None
    row, conversation = reading.locked(session, newest)
    return (row, conversation) if conversation.takes_up(text.received_at, keep_open_s) else None


def _opened(text: IncomingText, contact_id: ContactId) -> Conversation:
    return Conversation(
        conversation_id=ConversationId(str(uuid.uuid4())),
        channel=text.channel,
        via=text.via,
        citizen=text.citizen,
        our_number=text.our_number,
        contact_id=contact_id,
        contact_ids=(contact_id,),
        opened_at=text.received_at,
        replyable=text.replyable,
    )


def _incoming(
    conversation: Conversation, text: IncomingText, structured: FoundFields | None
) -> Message:
    return Message(
        message_id=_message_id(_key("in", text.key)),
        conversation_id=conversation.conversation_id,
        contact_id=conversation.contact_id,
        direction=Direction.IN,
        kind=MessageKind.TEXT if structured is None else MessageKind.STRUCTURED,
        text=text.text,
        at=text.received_at,
        sent_at=text.sent_at,
        complete=text.complete,
        parts_have=text.parts_have,
        parts_total=text.parts_total,
        duplicate=text.duplicate,
        oddities=text.oddities,
        structured=structured,
    )


def _mend(
    session: Session, row: MessageRow, text: IncomingText, structured: FoundFields | None
) -> Landed:
    """More is known of a text that is there; what another part has told is not taken back."""
    before = reading.message(row)
    found = reading.of_keys(session, [row.conversation_id])
    conversation = found[ConversationId(row.conversation_id)]
    after = before
    if text.parts_have >= before.parts_have:
        after = replace(
            before,
            text=text.text,
            complete=text.complete,
            parts_have=text.parts_have,
            parts_total=text.parts_total,
            duplicate=text.duplicate,
            oddities=text.oddities,
            structured=structured,
            kind=MessageKind.TEXT if structured is None else MessageKind.STRUCTURED,
        )
    if after == before:
        return Landed(conversation, before, new_message=False)
    after = replace(after, revision=before.revision + 1)
    _fill(row, after)
    session.flush()
    return Landed(conversation, after, new_message=False, changed=True)


def _row(message: Message, key: str) -> MessageRow:
    row = MessageRow(
        message_id=message.message_id,
        conversation_id=message.conversation_id,
        contact_id=message.contact_id,
        key=key,
        direction=message.direction.value,
        at=message.at,
        sent_at=message.sent_at,
        author=message.author,
        author_name=message.author_name,
        delivery_done=0,
        delivery_total=0,
        handled_revision=message.handled_revision,
    )
    _fill(row, message)
    if message.delivery is not None:
        _set_delivery(row, message.delivery)
    return row


def _fill(row: MessageRow, message: Message) -> None:
    row.kind = message.kind.value
    row.text = message.text
    row.complete = message.complete
    row.parts_have = message.parts_have
    row.parts_total = message.parts_total
    row.duplicate = message.duplicate
    row.oddities = list(message.oddities)
    found = message.structured
    row.structured = None if found is None else reading.structured_as_json(found)
    row.revision = message.revision


def _set_delivery(row: MessageRow, delivery: Delivery) -> None:
    row.delivery_state = delivery.state.value
    row.delivery_at = delivery.at
    row.delivery_error = clean_text(delivery.error)[:CODE_CHARS_MAX] if delivery.error else None
    row.delivery_done = delivery.parts_done
    row.delivery_total = delivery.parts_total


def _bounded(text: IncomingText) -> IncomingText:
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


def _key(direction: str, key: str) -> str:
    cleaned = clean_text(key)
    if len(cleaned) > KEY_CHARS_MAX:
        cleaned = hashlib.sha256(cleaned.encode()).hexdigest()
    return f"{direction}:{cleaned}"


def _message_id(key: str) -> MessageId:
    return MessageId(str(uuid.uuid5(KEYS, key)))
