"""Writing conversations and their texts inside a transaction that somebody else commits.

Every function is idempotent, because after a crash or an unclear answer it is done again. Two
processes that open a conversation for the same citizen at the same moment: one of them fails with
the database's ``IntegrityError``, and finds the other's when it does all again.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from ccserver.db import clean_text
from ccserver.messaging import reading, states
from ccserver.messaging.landing import land
from ccserver.messaging.rows import (
    CONTACTS,
    CONVERSATIONS,
    MESSAGES,
    bounded,
    contact_values,
    conversation_values,
    delivery_values,
    key_of,
    message_id_of,
    message_values,
)
from ccserver.messaging.values import (
    KEEP_OPEN_S,
    OUT_CHARS_MAX,
    Conversation,
    ConversationState,
    Direction,
    FoundFields,
    KeyReused,
    Landed,
    Message,
    MessageKind,
    NewerConversation,
    NoWayBack,
    Written,
)
from ccserver.texts import Delivery, DeliveryState, IncomingText
from ccserver.types import ContactId, ConversationId

__all__ = [
    "add_incoming",
    "add_outgoing",
    "change",
    "go_on",
    "land",
    "mark_auto_acknowledged",
    "mark_handled",
    "refuse_if_another_is_open",
    "refuse_if_key_is_of_another",
    "set_contact",
    "set_delivery",
]


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
    `mark_handled`. Of many texts `land` does the same in less time.
    """
    return land(session, [text], keep_open_s=keep_open_s, fields_of=lambda _: structured)[0]


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
    conversation = reading.locked(session, clean_text(conversation_id))
    whole_key = key_of("out", f"{conversation.conversation_id}:{key}")
    known = session.execute(select(MESSAGES).where(MESSAGES.c.key == whole_key)).first()
    if known is not None:
        return Written(reading.message(known), conversation, new=False)
    if not conversation.replyable:
        raise NoWayBack("the citizen cannot be written to")
    automatic = kind is MessageKind.AUTOMATIC
    after = states.written(conversation, at, automatic=automatic)
    _save(session, conversation, after)
    message_id = message_id_of(whole_key)
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
    session.execute(insert(MESSAGES).values(message_values(message, whole_key)))
    return Written(message, after, new=True)


def set_delivery(session: Session, delivery: Delivery) -> ConversationId | None:
    """Keep what is known of an outgoing text; ``None`` if that was known, or there is no such."""
    query = select(MESSAGES).where(MESSAGES.c.message_id == delivery.message_id)
    row = session.execute(query.with_for_update()).first()
    if row is None or row.direction != Direction.OUT.value:
        return None
    known = reading.message(row).delivery
    after = states.delivered(known, delivery)
    if after == known:
        return None
    session.execute(
        update(MESSAGES)
        .where(MESSAGES.c.message_id == row.message_id)
        .values(revision=row.revision + 1, **delivery_values(after))
    )
    return ConversationId(row.conversation_id)


def mark_handled(session: Session, messages: Iterable[Message]) -> None:
    """These were acted on, as they were when they were read; what came since is not."""
    for message in messages:
        session.execute(
            update(MESSAGES)
            .where(
                MESSAGES.c.message_id == message.message_id,
                MESSAGES.c.handled_revision < message.revision,
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
    _turn_unhandled(session, after)
    return after


def go_on(
    session: Session, conversation_id: ConversationId, contact_id: ContactId, since: datetime
) -> Conversation:
    """A conversation was closed while the citizen wrote: in line again, as this new contact.

    The citizen waits ``since`` the first of the texts that nobody acted on. One that is not closed
    stays as it is. Raises `ConversationUnknown`, `NewerConversation`.
    """

    def work(known: Conversation) -> Conversation:
        after = states.gone_on(known, contact_id, since)
        if after != known:
            refuse_if_another_is_open(session, known)
        return after

    after = change(session, conversation_id, work)
    _turn_unhandled(session, after)
    return after


def _turn_unhandled(session: Session, conversation: Conversation) -> None:
    """The texts that nobody acted on are of the contact that their conversation is now."""
    session.execute(
        update(MESSAGES)
        .where(
            MESSAGES.c.conversation_id == conversation.conversation_id,
            MESSAGES.c.handled_revision == 0,
        )
        .values(contact_id=conversation.contact_id)
    )


def change(
    session: Session, conversation_id: ConversationId, work: Callable[[Conversation], Conversation]
) -> Conversation:
    """Do something to a conversation; raises `ConversationUnknown` and whatever ``work`` does."""
    before = reading.locked(session, clean_text(conversation_id))
    after = work(before)
    _save(session, before, after)
    return after


def mark_auto_acknowledged(session: Session, conversation_id: ConversationId, at: datetime) -> bool:
    """Whether nobody has acknowledged the conversation before; only one is told so, once.

    Belongs into the transaction in which the acknowledgement is saved.
    """
    before = reading.locked(session, clean_text(conversation_id))
    if before.acknowledged_at is not None:
        return False
    _save(session, before, states.acknowledged(before, at))
    return True


def refuse_if_key_is_of_another(session: Session, text: IncomingText) -> None:
    """Raise `KeyReused` if the text is known as another one, or as another citizen's.

    For ways on which a text comes whole: parts of an SMS mend the text that their key names.
    """
    text = bounded(text)
    known = session.execute(
        select(MESSAGES.c.text, CONVERSATIONS.c.citizen, CONVERSATIONS.c.our_number)
        .join(CONVERSATIONS, CONVERSATIONS.c.conversation_id == MESSAGES.c.conversation_id)
        .where(MESSAGES.c.key == key_of("in", text.key))
    ).first()
    if known is not None and tuple(known) != (text.text, text.citizen, text.our_number):
        raise KeyReused("the key is that of another text")


def refuse_if_another_is_open(session: Session, conversation: Conversation) -> None:
    """Raise `NewerConversation` if the citizen has an open conversation beside this one."""
    found = session.scalar(
        select(CONVERSATIONS.c.conversation_id).where(
            CONVERSATIONS.c.citizen == conversation.citizen,
            CONVERSATIONS.c.our_number == conversation.our_number,
            CONVERSATIONS.c.channel == conversation.channel.value,
            CONVERSATIONS.c.state != ConversationState.CLOSED.value,
            CONVERSATIONS.c.conversation_id != conversation.conversation_id,
        )
    )
    if found is not None:
        raise NewerConversation("the citizen has begun another conversation since")


def _save(session: Session, before: Conversation, after: Conversation) -> None:
    if after == before:
        return
    session.execute(
        update(CONVERSATIONS)
        .where(CONVERSATIONS.c.conversation_id == after.conversation_id)
        .values(conversation_values(after))
    )
    contacts = contact_values(before, after)
    if contacts:
        session.execute(insert(CONTACTS), contacts)
