"""Conversations and texts as JSON, and the port by which the web room reads and does."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from ccserver.live import LiveView, iso
from ccserver.messaging import Conversation, ConversationUnknown, Message, MessagingStore
from ccserver.texting.control import TextControl
from ccserver.texting.replies import Author
from ccserver.types import ContactId, ConversationId, IncidentId, MessageId
from ccserver.web.conversations import Actor, UnknownConversation
from ccserver.web.ports import JSONObject

LANGUAGES = ("lv", "ru", "en")


class CardContacts(Protocol):
    """Which contacts are on a card; `ccserver.card.CardStore` fits."""

    async def contact_ids(self, incident_id: IncidentId) -> Collection[ContactId]:
        """None for a card that does not exist."""


class Conversations:
    """Implements `ccserver.web.conversations.ConversationsPort`."""

    def __init__(
        self, store: MessagingStore, cards: CardContacts, control: TextControl, live: LiveView
    ) -> None:
        self._store = store
        self._cards = cards
        self._control = control
        self._live = live

    async def of_incident(self, incident_id: IncidentId, *, whole: bool) -> Sequence[JSONObject]:
        """Those of the card's contacts, oldest first, each with its newest texts."""
        contact_ids = await self._cards.contact_ids(incident_id)
        found = await self._store.conversations_of(contact_ids)
        return [await self._shown(one, None if whole else contact_ids) for one in found]

    async def messages(
        self,
        incident_id: IncidentId,
        conversation_id: ConversationId,
        *,
        before: MessageId | None,
        limit: int,
        whole: bool,
    ) -> JSONObject:
        """A page of texts."""
        contact_ids = await self._cards.contact_ids(incident_id)
        found = await self._store.conversations_of(contact_ids)
        conversation = next((one for one in found if one.conversation_id == conversation_id), None)
        if conversation is None:
            raise UnknownConversation
        page = await self._store.messages(
            conversation_id,
            before=before,
            limit=limit,
            contact_ids=None if whole else _shared(conversation, contact_ids),
        )
        return {"messages": [message_json(one) for one in page.messages], "more": page.more}

    async def write(
        self, conversation_id: ConversationId, text: str, *, key: str, actor: Actor
    ) -> JSONObject:
        """Send a text to the citizen."""
        try:
            message = await self._control.write(
                conversation_id,
                text,
                key=key,
                author=Author(actor.login, actor.name),
                agent_id=actor.agent_id,
                supervises=actor.supervises,
            )
        except ConversationUnknown:
            raise UnknownConversation from None
        return message_json(message)

    async def close(
        self, conversation_id: ConversationId, disposition: str | None, *, actor: Actor
    ) -> JSONObject:
        """It is done."""
        try:
            conversation = await self._control.close(
                conversation_id,
                disposition,
                author=Author(actor.login, actor.name),
                agent_id=actor.agent_id,
                supervises=actor.supervises,
            )
        except ConversationUnknown:
            raise UnknownConversation from None
        return {
            "conversation_id": conversation.conversation_id,
            "state": conversation.state.value,
            "closed_at": _iso(conversation.closed_at),
            "disposition": conversation.disposition,
        }

    async def reopen(self, conversation_id: ConversationId, *, actor: Actor) -> JSONObject:
        """The seat goes on with it."""
        try:
            conversation = await self._control.reopen(
                conversation_id,
                author=Author(actor.login, actor.name),
                agent_id=actor.agent_id,
            )
        except ConversationUnknown:
            raise UnknownConversation from None
        return await self._shown(conversation, None)

    async def _shown(
        self, conversation: Conversation, contact_ids: Collection[ContactId] | None
    ) -> JSONObject:
        """With its newest texts, or the newest of those that belong to these contacts."""
        shared = None if contact_ids is None else _shared(conversation, contact_ids)
        page = await self._store.messages(conversation.conversation_id, contact_ids=shared)
        agent_id = conversation.agent_id
        return {
            **conversation_json(conversation),
            "contact_ids": list(conversation.contact_ids if shared is None else shared),
            "agent_name": self._live.name_of(agent_id) if agent_id is not None else None,
            "messages": [message_json(one) for one in page.messages],
            "more": page.more,
        }


def _shared(conversation: Conversation, contact_ids: Collection[ContactId]) -> Sequence[ContactId]:
    return [one for one in conversation.contact_ids if one in contact_ids]


def conversation_json(conversation: Conversation) -> dict[str, object]:
    """What is known of the conversation itself."""
    return {
        "conversation_id": conversation.conversation_id,
        "contact_id": conversation.contact_id,
        "contact_ids": list(conversation.contact_ids),
        "channel": conversation.channel.value,
        "via": conversation.via,
        "citizen": conversation.citizen,
        "replyable": conversation.replyable,
        "our_number": conversation.our_number,
        "language": conversation.language,
        "state": conversation.state.value,
        "agent_id": conversation.agent_id,
        "riding": conversation.riding,
        "opened_at": iso(conversation.opened_at),
        "last_text_at": iso(conversation.last_text_at),
        "unanswered_since": _iso(conversation.unanswered_since),
        "closed_at": _iso(conversation.closed_at),
        "closed_by": conversation.closed_by,
        "disposition": conversation.disposition,
        "acknowledged_at": _iso(conversation.acknowledged_at),
    }


def message_json(message: Message) -> dict[str, object]:
    """One text."""
    found, delivery = message.structured, message.delivery
    return {
        "message_id": message.message_id,
        "contact_id": message.contact_id,
        "direction": message.direction.value,
        "kind": message.kind.value,
        "text": message.text,
        "at": iso(message.at),
        "sent_at": _iso(message.sent_at),
        "author": message.author,
        "author_name": message.author_name,
        "complete": message.complete,
        "parts": {"have": message.parts_have, "total": message.parts_total},
        "duplicate": message.duplicate,
        "oddities": list(message.oddities),
        "structured": None
        if found is None
        else {
            "template": found.template,
            "fields": [
                {
                    "name": one.name,
                    "title": {code: one.titles.get(code, "") for code in LANGUAGES},
                    "value": one.value,
                }
                for one in found.fields
            ],
        },
        "delivery": None
        if delivery is None
        else {
            "state": delivery.state.value,
            "at": iso(delivery.at),
            "error": delivery.error,
            "parts": {"done": delivery.parts_done, "total": delivery.parts_total},
        },
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
