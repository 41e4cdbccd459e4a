"""Texts of apps: stored like any other, and answered by being read."""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from ccserver.chronicle import Chronicle
from ccserver.db import Database
from ccserver.messaging import (
    Conversation,
    ConversationState,
    FoundFields,
    KeyReused,
    Landed,
    Message,
    MessageKind,
    writing,
)
from ccserver.texting.desk import TextDesk
from ccserver.texts import Channel, Delivery, DeliveryState, IncomingText, OutgoingText
from ccserver.types import ContactId, ConversationId, MessageId
from ccserver.web.app_texts import AppKeyReused, Told
from ccserver.web.conversations import UnknownConversation
from ccserver.web.ports import Clock, JSONObject

FindFields = Callable[[str], FoundFields | None]
"""What an app put into its text, by the layouts in force."""


class AppWay:
    """Implements `ccserver.texting.replies.Way`: what is saved lies there for the app to read."""

    def enqueue(self, session: Session, text: OutgoingText) -> None:
        """The conversation itself is the queue."""

    def wake(self) -> None:
        """The app asks by itself."""


class AppTexts:
    """Implements `ccserver.web.app_texts.AppTextsPort`.

    A citizen may change from one app to another; each reads what answers its own texts alone.
    """

    def __init__(
        self,
        database: Database,
        desk: TextDesk,
        chronicle: Chronicle,
        clock: Clock,
        *,
        find_fields: FindFields,
    ) -> None:
        self._database = database
        self._desk = desk
        self._chronicle = chronicle
        self._clock = clock
        self._find_fields = find_fields

    async def take(self, told: Told) -> JSONObject:
        """Durable when it returns; the place goes to the card by the journal, as those of calls."""
        text = IncomingText(
            key=f"{_keys_of(told.author)}{told.key}",
            channel=Channel.APP,
            via=told.author,
            citizen=told.citizen,
            our_number=told.our_number,
            text=told.text,
            received_at=self._clock.now(),
            sent_at=told.sent_at,
        )
        keep_open_s = self._desk.line.settings().keep_open_s

        def work(session: Session) -> Landed:
            writing.refuse_if_key_is_of_another(session, text)
            return writing.add_incoming(
                session, text, keep_open_s=keep_open_s, structured=self._find_fields(text.text)
            )

        try:
            landed = await self._database.write(work)
        except KeyReused:
            raise AppKeyReused from None
        if told.location is not None and landed.new_message:
            contact_id = self._contact_of(landed.conversation)
            key = f"text-{landed.message.message_id}-place"
            self._chronicle.locate(contact_id, key, told.location, author=told.author)
        self._desk.wake()
        return {
            "conversation_id": landed.conversation.conversation_id,
            "message_id": landed.message.message_id,
        }

    def _contact_of(self, conversation: Conversation) -> ContactId:
        """The contact that will stand for the text: the citizen's call, where there is one."""
        calls = self._desk.line.calls_of(conversation.citizen)
        fresh = self._desk.threads.get(conversation.conversation_id) is None
        return calls[0].contact_id if calls and fresh else conversation.contact_id

    async def replies(
        self, conversation_id: ConversationId, *, author: str, after: MessageId | None
    ) -> JSONObject:
        """What we wrote; whatever is given out here has arrived."""
        conversation = await self._desk.store.conversation(conversation_id)
        page = await self._desk.store.replies_to(conversation_id, _keys_of(author), after=after)
        if conversation is None or page is None:
            raise UnknownConversation
        await self._delivered(page.messages)
        return {
            "messages": [
                {
                    "message_id": one.message_id,
                    "text": one.text,
                    "at": one.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                    "automatic": one.kind is MessageKind.AUTOMATIC,
                }
                for one in page.messages
            ],
            "more": page.more,
            "closed": conversation.state is ConversationState.CLOSED,
        }

    async def _delivered(self, messages: Sequence[Message]) -> None:
        at = self._clock.now()
        told = [
            Delivery(one.message_id, DeliveryState.DELIVERED, at, parts_done=1)
            for one in messages
            if one.delivery is not None and one.delivery.state is DeliveryState.QUEUED
        ]
        if told:
            await self._database.write(
                lambda session: [writing.set_delivery(session, one) for one in told]
            )
            self._desk.wake()


def _keys_of(author: str) -> str:
    """What the keys of all texts of this app begin with."""
    return f"app:{author}:"
