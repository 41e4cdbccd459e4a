"""Text conversations with citizens, by whatever way the texts come."""

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
    Landed,
    Message,
    MessageKind,
    NewerConversation,
    NoWayBack,
    TooOldToReopen,
    Written,
)

__all__ = [
    "Conversation",
    "ConversationClosed",
    "ConversationRefused",
    "ConversationState",
    "ConversationUnknown",
    "Direction",
    "FoundField",
    "FoundFields",
    "Landed",
    "Message",
    "MessageKind",
    "MessagingStore",
    "NewerConversation",
    "NoWayBack",
    "Page",
    "TooOldToReopen",
    "Written",
]
