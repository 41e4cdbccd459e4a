"""Text conversations with citizens, by whatever way the texts come."""

from ccserver.messaging.current import CurrentMessaging
from ccserver.messaging.document import MESSAGING, Messaging
from ccserver.messaging.store import MessagingStore, Page
from ccserver.messaging.values import (
    Conversation,
    ConversationClosed,
    ConversationRefused,
    ConversationState,
    ConversationUnknown,
    Direction,
    FoundField,
    FoundFields,
    KeyReused,
    Landed,
    Message,
    MessageKind,
    NewerConversation,
    NoWayBack,
    TooOldToReopen,
    Written,
)
from ccserver.messaging.versions import MessagingVersions

__all__ = [
    "MESSAGING",
    "Conversation",
    "ConversationClosed",
    "ConversationRefused",
    "ConversationState",
    "ConversationUnknown",
    "CurrentMessaging",
    "Direction",
    "FoundField",
    "FoundFields",
    "KeyReused",
    "Landed",
    "Message",
    "MessageKind",
    "Messaging",
    "MessagingStore",
    "MessagingVersions",
    "NewerConversation",
    "NoWayBack",
    "Page",
    "TooOldToReopen",
    "Written",
]
