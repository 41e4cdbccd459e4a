"""Citizens' texts come into the conversations that they belong to: many at a time.

After an outage operators deliver thousands of texts at once, while call takers write and cards are
opened through the same one writer. So a haul is read with a few statements and written with a few,
and what happens to each text is decided in between, in memory.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from ccserver.messaging import reading, states
from ccserver.messaging.rows import (
    CONTACTS,
    CONVERSATIONS,
    MESSAGES,
    Values,
    bounded,
    contact_values,
    conversation_values,
    key_of,
    mended_values,
    message_id_of,
    message_values,
)
from ccserver.messaging.values import (
    Conversation,
    ConversationState,
    Direction,
    FoundFields,
    Landed,
    Message,
    MessageKind,
)
from ccserver.texts import Channel, IncomingText
from ccserver.types import ContactId, ConversationId

FieldsOf = Callable[[str], FoundFields | None]
"""What an app put into a text."""

Thread = tuple[str, str, Channel]
"""A citizen, a number of ours, a way: of these there is one open conversation."""

# Built once, because building a statement costs more than running it.
ADD_CONVERSATIONS = insert(CONVERSATIONS).inline()
ADD_CONTACTS = insert(CONTACTS).inline()
ADD_MESSAGES = insert(MESSAGES).inline()
SET_CONVERSATIONS = update(CONVERSATIONS).where(
    CONVERSATIONS.c.conversation_id == bindparam("of_conversation")
)
SET_MESSAGES = update(MESSAGES).where(MESSAGES.c.message_id == bindparam("of_message"))


@dataclass(slots=True)
class _Haul:
    """What is known of the conversations and texts, and what is to be written of them."""

    keep_open_s: float
    conversations: dict[ConversationId, Conversation]
    messages: dict[str, Message]
    """By the keys under which they are kept."""
    before: dict[ConversationId, Conversation] = field(init=False)
    threads: dict[Thread, ConversationId] = field(init=False)
    """To the conversation that a new text may go on with."""
    new: set[str] = field(default_factory=set)
    mended: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.before = dict(self.conversations)
        self.threads = {}
        # The open one of a thread, else the one that was opened last.
        for one in sorted(
            self.conversations.values(),
            key=lambda one: (one.state is not ConversationState.CLOSED, one.opened_at),
        ):
            self.threads[_thread(one)] = one.conversation_id


def land(
    session: Session,
    texts: Sequence[IncomingText],
    *,
    keep_open_s: float,
    fields_of: FieldsOf = lambda _: None,
) -> list[Landed]:
    """Put texts into their conversations, in their order; see `writing.add_incoming`."""
    arrived = [(key_of("in", text.key), bounded(text)) for text in texts]
    session.flush()
    haul = _read(session, arrived, keep_open_s)
    landed = [_land(haul, key, text, fields_of(text.text)) for key, text in arrived]
    _write(session, haul)
    return landed


# -- deciding ----------------------------------------------------------------------------------


def _land(haul: _Haul, key: str, text: IncomingText, fields: FoundFields | None) -> Landed:
    known = haul.messages.get(key)
    if known is not None:
        return _mend(haul, key, known, text, fields)
    contact_id = ContactId(str(uuid.uuid4()))
    found = haul.threads.get((text.citizen, text.our_number, text.channel))
    before = None if found is None else haul.conversations[found]
    if before is not None and not before.takes_up(text.received_at, haul.keep_open_s):
        before = None
    after = states.texted(before or _opened(text, contact_id), text, contact_id)
    message = _message(after, key, text, fields)
    haul.conversations[after.conversation_id] = after
    haul.threads[_thread(after)] = after.conversation_id
    haul.messages[key] = message
    haul.new.add(key)
    return Landed(
        after,
        message,
        new_message=True,
        new_conversation=before is None,
        reopened=before is not None and before.state is ConversationState.CLOSED,
    )


def _mend(
    haul: _Haul, key: str, known: Message, text: IncomingText, fields: FoundFields | None
) -> Landed:
    """More is known of a text that is there; what another part has told is not taken back."""
    conversation = haul.conversations[known.conversation_id]
    after = known
    if text.parts_have >= known.parts_have:
        after = replace(
            known,
            text=text.text,
            complete=text.complete,
            parts_have=text.parts_have,
            parts_total=text.parts_total,
            duplicate=text.duplicate,
            oddities=text.oddities,
            structured=fields,
            kind=_kind(fields),
        )
    if after == known:
        return Landed(conversation, known, new_message=False)
    after = replace(after, revision=known.revision + 1)
    grown = text.parts_have > known.parts_have and text.text
    if grown and conversation.state is ConversationState.CLOSED:
        # Whoever closed the conversation has not read this part: it is to be acted on as a new one.
        after = replace(after, handled_revision=0)
    haul.messages[key] = after
    haul.mended.add(key)
    return Landed(conversation, after, new_message=False, changed=True)


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


def _message(
    conversation: Conversation, key: str, text: IncomingText, fields: FoundFields | None
) -> Message:
    return Message(
        message_id=message_id_of(key),
        conversation_id=conversation.conversation_id,
        contact_id=conversation.contact_id,
        direction=Direction.IN,
        kind=_kind(fields),
        text=text.text,
        at=text.received_at,
        sent_at=text.sent_at,
        complete=text.complete,
        parts_have=text.parts_have,
        parts_total=text.parts_total,
        duplicate=text.duplicate,
        oddities=text.oddities,
        structured=fields,
    )


def _kind(fields: FoundFields | None) -> MessageKind:
    return MessageKind.TEXT if fields is None else MessageKind.STRUCTURED


def _thread(one: Conversation) -> Thread:
    return one.citizen, one.our_number, one.channel


# -- the database ------------------------------------------------------------------------------


def _read(
    session: Session, arrived: Sequence[tuple[str, IncomingText]], keep_open_s: float
) -> _Haul:
    """What is there of these texts and their conversations, kept from other writers."""
    messages = _messages(session, [key for key, _ in arrived])
    new = [text for key, text in arrived if key not in messages]
    conversations: dict[ConversationId, Conversation] = {}
    if new:
        since = min(text.received_at for text in new) - timedelta(seconds=keep_open_s)
        conversations = _going_on(session, sorted({text.citizen for text in new}), since)
    others = {one.conversation_id for one in messages.values()} - conversations.keys()
    return _Haul(keep_open_s, conversations | reading.of_keys(session, others), messages)


def _messages(session: Session, keys: Iterable[str]) -> dict[str, Message]:
    found: dict[str, Message] = {}
    for some in reading.chunked(sorted(set(keys))):
        query = select(MESSAGES).where(MESSAGES.c.key.in_(some)).order_by(MESSAGES.c.position)
        for row in session.execute(query.with_for_update()):
            found[row.key] = reading.message(row)
    return found


def _going_on(
    session: Session, citizens: Sequence[str], since: datetime
) -> dict[ConversationId, Conversation]:
    """Conversations that are open, or in which somebody wrote since then."""
    found: dict[ConversationId, Conversation] = {}
    for some in reading.chunked(citizens):
        query = (
            select(CONVERSATIONS)
            .where(
                CONVERSATIONS.c.citizen.in_(some),
                or_(
                    CONVERSATIONS.c.state != ConversationState.CLOSED.value,
                    CONVERSATIONS.c.last_in_at >= since,
                    CONVERSATIONS.c.last_out_at >= since,
                ),
            )
            # All lock in one order, so that two hauls never wait for one another.
            .order_by(CONVERSATIONS.c.conversation_id)
            .with_for_update()
        )
        for one in reading.conversations(session, session.execute(query).all()):
            found[one.conversation_id] = one
    return found


def _write(session: Session, haul: _Haul) -> None:
    changed = [one for key, one in haul.conversations.items() if haul.before.get(key) != one]
    added = [conversation_values(one) for one in changed if one.conversation_id not in haul.before]
    updated: list[Values] = [
        {"of_conversation": one.conversation_id, **conversation_values(one)}
        for one in changed
        if one.conversation_id in haul.before
    ]
    contacts = [
        values
        for one in changed
        for values in contact_values(haul.before.get(one.conversation_id), one)
    ]
    # In the order in which they came: by it they are shown.
    messages = [message_values(one, key) for key, one in haul.messages.items() if key in haul.new]
    mended: list[Values] = [
        {"of_message": haul.messages[key].message_id, **mended_values(haul.messages[key])}
        for key in haul.mended - haul.new
    ]
    for statement, rows in (
        (ADD_CONVERSATIONS, added),
        (SET_CONVERSATIONS, updated),
        (ADD_CONTACTS, contacts),
        (ADD_MESSAGES, messages),
        (SET_MESSAGES, mended),
    ):
        if rows:
            session.connection().execute(statement, rows)
