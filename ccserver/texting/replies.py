"""Texts to citizens: saved and handed to the way that they leave by, both or neither."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from ccserver.db import Database, clean_text
from ccserver.messaging import (
    Conversation,
    KeyReused,
    Message,
    MessageKind,
    Written,
    writing,
)
from ccserver.texts import Channel, OutgoingText
from ccserver.types import ConversationId
from ccserver.web.ports import Clock


class Way(Protocol):
    """By which texts leave: `ccserver.sms.gateway.SMSGateway` for one."""

    def enqueue(self, session: Session, text: OutgoingText) -> None:
        """Keep it to be sent, in the transaction in which it is saved; raises `TextTooLong`."""

    def wake(self) -> None:
        """That transaction is committed."""


class TextTooLong(ValueError):
    """The way cannot carry so much in one text."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes or decides: the login, and the name that others are shown."""

    login: str
    name: str | None = None


class Replies:
    """Writes to citizens."""

    def __init__(self, database: Database, ways: Mapping[Channel, Way], clock: Clock) -> None:
        self._database = database
        self._ways = ways
        self._clock = clock

    async def write(
        self, conversation_id: ConversationId, words: str, *, key: str, author: Author
    ) -> Written:
        """Save a text to the citizen and hand it over, both or neither; again with the same ``key``
        it is the same text. Raises `ConversationRefused`, which `KeyReused` is one of,
        `ConversationUnknown` and `TextTooLong`.
        """
        at = self._clock.now()

        def work(session: Session) -> Written:
            written = writing.add_outgoing(
                session,
                conversation_id,
                key=f"{author.login}:{key}",
                text=words,
                at=at,
                author=author.login,
                author_name=author.name,
            )
            if not written.new and written.message.text != clean_text(words):
                raise KeyReused("the key is that of another text")
            if written.new:
                way = self._ways[written.conversation.channel]
                way.enqueue(session, outgoing(written.conversation, written.message))
            return written

        written = await self._database.write(work)
        self._ways[written.conversation.channel].wake()
        return written

    async def acknowledge(self, conversation: Conversation, words: str) -> bool:
        """Say in the name of the centre that the text is here; false if that was said before."""
        way, at = self._ways[conversation.channel], self._clock.now()

        def work(session: Session) -> bool:
            conversation_id = conversation.conversation_id
            if not writing.mark_auto_acknowledged(session, conversation_id, at):
                return False
            written = writing.add_outgoing(
                session,
                conversation_id,
                key="automatic",
                text=words,
                at=at,
                author=None,
                author_name=None,
                kind=MessageKind.AUTOMATIC,
            )
            if written.new:
                way.enqueue(session, outgoing(written.conversation, written.message))
            return True

        new = await self._database.write(work)
        if new:
            way.wake()
        return new


def outgoing(conversation: Conversation, message: Message) -> OutgoingText:
    """What the way is given of a text of ours."""
    return OutgoingText(
        message_id=message.message_id,
        channel=conversation.channel,
        via=conversation.via,
        citizen=conversation.citizen,
        our_number=conversation.our_number,
        text=message.text,
        at=message.at,
    )
