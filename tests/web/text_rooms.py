"""Conversations by text of a test: ports with one conversation on one card."""

from collections.abc import Sequence

from ccserver.types import ConversationId, IncidentId, MessageId
from ccserver.web.app_texts import Told
from ccserver.web.conversations import Actor, UnknownConversation
from ccserver.web.ports import ControlRefused, JSONObject
from tests.web.fakes import CONTACT, INCIDENT

CONVERSATION = ConversationId("6a0e1a7e-6d0a-4b3c-9b50-0d6f3f9f0c11")
MESSAGE: JSONObject = {
    "message_id": "6a0e1a7e-6d0a-4b3c-9b50-0d6f3f9f0c12",
    "contact_id": CONTACT,
    "direction": "out",
    "kind": "text",
    "text": "Kur Jūs esat?",
    "at": "2026-03-01T12:00:00.000Z",
    "sent_at": None,
    "author": "anna",
    "author_name": "Anna",
    "complete": True,
    "parts": {"have": 1, "total": 1},
    "duplicate": False,
    "oddities": [],
    "structured": None,
    "delivery": {
        "state": "queued",
        "at": "2026-03-01T12:00:00.000Z",
        "error": None,
        "parts": {"done": 0, "total": 1},
    },
}
WHOLE: JSONObject = {
    "conversation_id": CONVERSATION,
    "contact_id": CONTACT,
    "contact_ids": [CONTACT],
    "channel": "sms",
    "via": "lmt-1",
    "citizen": "+37126123456",
    "replyable": True,
    "our_number": "112",
    "language": "lv",
    "state": "open",
    "agent_id": "agent-101",
    "agent_name": "Anna",
    "riding": None,
    "opened_at": "2026-03-01T12:00:00.000Z",
    "last_text_at": "2026-03-01T12:00:00.000Z",
    "unanswered_since": None,
    "closed_at": None,
    "closed_by": None,
    "disposition": None,
    "acknowledged_at": None,
    "messages": [MESSAGE],
    "more": False,
}
ENDED: JSONObject = {
    "conversation_id": CONVERSATION,
    "state": "closed",
    "closed_at": "2026-03-01T12:00:00.000Z",
    "disposition": "helped",
}


class FakeConversations:
    """Implements `ccserver.web.conversations.ConversationsPort`."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.refusal: ControlRefused | None = None
        self.whole: list[bool] = []

    def _act(self, conversation_id: ConversationId, *what: object) -> None:
        if conversation_id != CONVERSATION:
            raise UnknownConversation
        if self.refusal is not None:
            raise self.refusal
        self.done.append(what)

    async def of_incident(self, incident_id: IncidentId, *, whole: bool) -> Sequence[JSONObject]:
        self.whole.append(whole)
        return [WHOLE] if incident_id == INCIDENT else []

    async def messages(
        self,
        incident_id: IncidentId,
        conversation_id: ConversationId,
        *,
        before: MessageId | None,
        limit: int,
        whole: bool,
    ) -> JSONObject:
        self.whole.append(whole)
        self._act(conversation_id, "read", before, limit)
        return {"messages": [MESSAGE], "more": False}

    async def write(
        self, conversation_id: ConversationId, text: str, *, key: str, actor: Actor
    ) -> JSONObject:
        self._act(conversation_id, "write", text, key, actor)
        return MESSAGE

    async def close(
        self, conversation_id: ConversationId, disposition: str | None, *, actor: Actor
    ) -> JSONObject:
        self._act(conversation_id, "close", disposition, actor)
        return ENDED

    async def reopen(self, conversation_id: ConversationId, *, actor: Actor) -> JSONObject:
        self._act(conversation_id, "reopen", actor)
        return WHOLE


class FakeAppTexts:
    """Implements `ccserver.web.app_texts.AppTextsPort`."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    async def take(self, told: Told) -> JSONObject:
        self.told.append(told)
        return {"conversation_id": CONVERSATION, "message_id": MESSAGE["message_id"]}

    async def replies(
        self, conversation_id: ConversationId, *, author: str, after: MessageId | None
    ) -> JSONObject:
        if conversation_id != CONVERSATION:
            raise UnknownConversation
        reply = {
            "message_id": MESSAGE["message_id"],
            "text": "Kur Jūs esat?",
            "at": "2026-03-01T12:00:00.000Z",
            "automatic": False,
        }
        return {"messages": [reply], "more": False, "closed": False}
