"""Conversations by text in the database. Every method may raise `ccserver.db.DatabaseUnavailable`.

What has to be written in a transaction of others is in `ccserver.messaging.writing`.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ScalarSelect, Select, or_, select, text
from sqlalchemy.orm import Session, aliased

from ccserver.db import Database, clean_text
from ccserver.messaging import reading, states, writing
from ccserver.messaging.models import (
    NOT_CLOSED,
    ConversationContactRow,
    ConversationRow,
    MessageRow,
)
from ccserver.messaging.rows import key_of
from ccserver.messaging.values import (
    CODE_CHARS_MAX,
    KEEP_OPEN_S,
    Conversation,
    Direction,
    Message,
)
from ccserver.types import AgentId, ContactId, ConversationId, MessageId

log = structlog.get_logger(__name__)

MESSAGES_MAX = 100
"""Of one page of texts."""
IDLE_MAX = 500
"""Of one look at what was left open; more are found by the next."""
UNHANDLED_MAX = 500
"""Of one reading of what is to be acted on; the rest is read when these are done."""


@dataclass(frozen=True, slots=True)
class Page:
    """Texts of a conversation, oldest first; ``more``: there are others beyond them."""

    messages: tuple[Message, ...]
    more: bool


class MessagingStore:
    """Conversations, the contacts that they are, and their texts."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # -- reading ----------------------------------------------------------------------------------

    async def open_conversations(self) -> list[Conversation]:
        """Every conversation that is not closed, oldest first."""
        query = (
            select(ConversationRow)
            # As the index has it: a parameter in its place might not lead to it.
            .where(text(NOT_CLOSED))
            .order_by(ConversationRow.opened_at, ConversationRow.conversation_id)
        )
        return await self._db.read(
            lambda session: reading.conversations(session, session.scalars(query).all())
        )

    async def idle(
        self, at: datetime, *, keep_open_s: float = KEEP_OPEN_S, limit: int = IDLE_MAX
    ) -> list[ConversationId]:
        """Conversations that were left open (`Conversation.is_idle`), oldest first."""
        since = at - timedelta(seconds=keep_open_s)
        query = (
            select(ConversationRow.conversation_id)
            .where(
                text(NOT_CLOSED),
                ConversationRow.riding.is_(None),
                ConversationRow.unanswered_since.is_(None),
                ConversationRow.opened_at < since,
                or_(ConversationRow.last_in_at.is_(None), ConversationRow.last_in_at < since),
                or_(ConversationRow.last_out_at.is_(None), ConversationRow.last_out_at < since),
            )
            .order_by(ConversationRow.opened_at, ConversationRow.conversation_id)
            .limit(limit)
        )
        keys = await self._db.read(lambda session: session.scalars(query).all())
        return [ConversationId(key) for key in keys]

    async def conversation(self, conversation_id: ConversationId) -> Conversation | None:
        """The conversation of this key."""
        key = clean_text(conversation_id)
        found = await self._db.read(lambda session: reading.of_keys(session, [key]))
        return next(iter(found.values()), None)

    async def conversations_of(self, contact_ids: Collection[ContactId]) -> list[Conversation]:
        """The conversations that are or were one of these contacts, oldest first."""

        def work(session: Session) -> list[Conversation]:
            keys: set[str] = set()
            for some in reading.chunked([clean_text(one) for one in contact_ids]):
                query = select(ConversationContactRow.conversation_id).where(
                    ConversationContactRow.contact_id.in_(some)
                )
                keys.update(session.scalars(query))
            found = reading.of_keys(session, keys).values()
            return sorted(found, key=lambda one: (one.opened_at, one.conversation_id))

        return await self._db.read(work)

    async def messages(
        self,
        conversation_id: ConversationId,
        *,
        before: MessageId | None = None,
        limit: int = MESSAGES_MAX,
        contact_ids: Collection[ContactId] | None = None,
    ) -> Page:
        """The newest texts, or the newest of those before one; of an unknown one: none.

        ``contact_ids``: only what came or went while the conversation was one of these.
        """
        page = max(1, min(limit, MESSAGES_MAX))
        query = _texts_of(conversation_id).order_by(MessageRow.position.desc()).limit(page + 1)
        if before is not None:
            query = query.where(MessageRow.position < _position(conversation_id, before))
        if contact_ids is not None:
            query = query.where(MessageRow.contact_id.in_(contact_ids))
        rows = await self._db.read(lambda session: session.scalars(query).all())
        found = [reading.message(row) for row in rows[:page]]
        return Page(tuple(reversed(found)), more=len(rows) > page)

    async def replies_to(
        self,
        conversation_id: ConversationId,
        keys: str,
        *,
        after: MessageId | None = None,
        limit: int = MESSAGES_MAX,
    ) -> Page | None:
        """The oldest of our texts that answer those whose keys begin with ``keys``, or the oldest
        of those after one; ``None`` if the conversation has no such text of the citizen.

        A text of ours answers the citizen's newest one before it, as that says by which way it is
        to leave.
        """
        page = max(1, min(limit, MESSAGES_MAX))
        begins = key_of("in", keys)
        theirs = _texts_of(conversation_id).where(
            MessageRow.key.startswith(begins, autoescape=True)
        )
        before = aliased(MessageRow)
        answered = (
            select(before.key)
            .where(
                before.conversation_id == MessageRow.conversation_id,
                before.direction == Direction.IN.value,
                before.position < MessageRow.position,
            )
            .order_by(before.position.desc())
            .limit(1)
            .scalar_subquery()
        )
        query = (
            _texts_of(conversation_id)
            .where(
                MessageRow.direction == Direction.OUT.value,
                answered.startswith(begins, autoescape=True),
            )
            .order_by(MessageRow.position)
            .limit(page + 1)
        )
        if after is not None:
            query = query.where(MessageRow.position > _position(conversation_id, after))

        def work(session: Session) -> Page | None:
            if session.scalars(theirs.limit(1)).first() is None:
                return None
            rows = session.scalars(query).all()
            return Page(tuple(map(reading.message, rows[:page])), more=len(rows) > page)

        return await self._db.read(work)

    async def unhandled(self, limit: int = UNHANDLED_MAX) -> list[tuple[Conversation, Message]]:
        """Texts of which something is to be acted on, in either direction, in their order."""
        query = (
            select(MessageRow)
            .where(MessageRow.handled_revision < MessageRow.revision)
            .order_by(MessageRow.position)
            .limit(limit)
        )

        def work(session: Session) -> list[tuple[Conversation, Message]]:
            found = [reading.message(row) for row in session.scalars(query)]
            known = reading.of_keys(session, {one.conversation_id for one in found})
            return [(known[one.conversation_id], one) for one in found]

        return await self._db.read(work)

    # -- writing ----------------------------------------------------------------------------------

    async def set_contact(
        self, conversation_id: ConversationId, contact_id: ContactId, *, riding: bool = False
    ) -> Conversation:
        """See `ccserver.messaging.writing.set_contact`."""
        return await self._db.write(
            lambda session: writing.set_contact(session, conversation_id, contact_id, riding=riding)
        )

    async def assign(
        self,
        conversation_id: ConversationId,
        agent_id: AgentId | None,
        *,
        contact_id: ContactId | None = None,
        queue: str | None = None,
    ) -> Conversation:
        """A call taker has it, or nobody any more; raises `ConversationClosed`.

        With ``contact_id`` only as long as it is that contact, or was to ride along with a call in
        the moment in which it was accepted: as another one it stays as it is. ``queue``: where it
        was passed on to.
        """
        place = clean_text(queue)[:CODE_CHARS_MAX] if queue else None

        def work(session: Session) -> Conversation:
            known = reading.locked(session, clean_text(conversation_id))
            if contact_id is not None and contact_id != known.contact_id:
                if known.riding is None:
                    return known
                writing.set_contact(session, conversation_id, contact_id)
            return writing.change(
                session, conversation_id, lambda known: states.assigned(known, agent_id, place)
            )

        return await self._db.write(work)

    async def close(
        self,
        conversation_id: ConversationId,
        disposition: str | None,
        by: str | None,
        at: datetime,
    ) -> Conversation:
        """It is done; ``by`` is the login of who says so. One that is closed stays as it is."""
        code = clean_text(disposition)[:CODE_CHARS_MAX] if disposition else None
        after = await self._change(
            conversation_id, lambda known: states.closed(known, code, by, at)
        )
        log.info("conversation_closed", conversation_id=conversation_id)
        return after

    async def close_idle(
        self, conversation_id: ConversationId, at: datetime, *, keep_open_s: float = KEEP_OPEN_S
    ) -> Conversation | None:
        """Close one that was left open, by nobody; ``None`` if it is not, or not any more."""

        def work(session: Session) -> Conversation | None:
            known = reading.locked(session, clean_text(conversation_id))
            if not known.is_idle(at, keep_open_s):
                return None
            return writing.change(
                session, conversation_id, lambda one: states.closed(one, None, None, at)
            )

        return await self._db.write(work)

    async def reopen(
        self,
        conversation_id: ConversationId,
        contact_id: ContactId,
        agent_id: AgentId | None,
        at: datetime,
        *,
        keep_open_s: float = KEEP_OPEN_S,
    ) -> Conversation:
        """Go on with a closed conversation, as this new contact; an open one stays as it is.

        Raises `TooOldToReopen`, `NewerConversation`.
        """

        def work(session: Session) -> Conversation:
            def change(known: Conversation) -> Conversation:
                after = states.reopened(known, contact_id, agent_id, at, keep_open_s)
                if after != known:
                    writing.refuse_if_another_is_open(session, known)
                return after

            return writing.change(session, conversation_id, change)

        return await self._db.write(work)

    async def go_on(
        self, conversation_id: ConversationId, contact_id: ContactId, since: datetime
    ) -> Conversation:
        """See `ccserver.messaging.writing.go_on`."""
        return await self._db.write(
            lambda session: writing.go_on(session, conversation_id, contact_id, since)
        )

    async def set_language(
        self, conversation_id: ConversationId, language: str | None
    ) -> Conversation:
        """The language that the citizen writes in, as far as it can be told."""
        return await self._change(conversation_id, lambda known: replace(known, language=language))

    async def mark_handled(self, messages: Sequence[Message]) -> None:
        """See `ccserver.messaging.writing.mark_handled`."""
        await self._db.write(lambda session: writing.mark_handled(session, messages))

    async def mark_auto_acknowledged(self, conversation_id: ConversationId, at: datetime) -> bool:
        """Whether nobody has acknowledged the conversation before; only one is told so, once."""
        return await self._db.write(
            lambda session: writing.mark_auto_acknowledged(session, conversation_id, at)
        )

    async def _change(
        self, conversation_id: ConversationId, work: Callable[[Conversation], Conversation]
    ) -> Conversation:
        return await self._db.write(lambda session: writing.change(session, conversation_id, work))


def _texts_of(conversation_id: str) -> Select[MessageRow]:
    return select(MessageRow).where(MessageRow.conversation_id == clean_text(conversation_id))


def _position(conversation_id: str, message_id: str) -> ScalarSelect[int]:
    """Where a text of the conversation stands; nothing is before or after an unknown one."""
    return (
        select(MessageRow.position)
        .where(
            MessageRow.message_id == clean_text(message_id),
            MessageRow.conversation_id == clean_text(conversation_id),
        )
        .scalar_subquery()
    )
