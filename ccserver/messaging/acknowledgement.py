"""Whether the centre itself tells a citizen that the text has come, and in which words. Pure.

Off unless a centre wants it. It is sent once for each conversation, and only where a person is
waiting for it and can read it: never to a sender that is a name or a service's short number (two
machines would write to one another), never to what a device sent by itself (AML, receipts, which
are no messages here), never while the citizen is on the phone with us or has been answered, and
never so late that it misleads. It never says that help is coming: nobody has read the text yet
(`ccserver.messaging.checks` refuses such words).
"""

from datetime import datetime, timedelta

from ccserver.documents import LANGUAGES, Texts
from ccserver.messaging.document import Messaging
from ccserver.messaging.values import Conversation, ConversationState, Direction, Message
from ccserver.types import PhoneNumber

AGE_MAX_S = 600.0
"""Of the text that is acknowledged. After an outage a backlog may come in that a person has to
see, but an answer in the name of the centre would be of another moment."""
DIGITS_MIN = 7
"""Of a number that a person texts from; services have shorter ones."""


def acknowledgement(
    document: Messaging, conversation: Conversation, message: Message, now: datetime
) -> str | None:
    """The words to send, or ``None``. `Conversation.acknowledged_at` has to be set with it."""
    wanted = document.automatic_acknowledgement
    if not wanted.active or conversation.acknowledged_at is not None:
        return None
    if message.direction is not Direction.IN or message.duplicate:
        return None
    if now - message.at > timedelta(seconds=AGE_MAX_S):
        return None
    if conversation.state is not ConversationState.WAITING or conversation.last_out_at is not None:
        return None
    if not conversation.replyable or not _is_a_persons(conversation):
        return None
    return in_language(wanted.texts, conversation.language, document.languages) or None


def in_language(texts: Texts, language: str | None, others: tuple[str, ...] = LANGUAGES) -> str:
    """The text in this language, or else in the first of the others that has one."""
    for one in (language, *others, *LANGUAGES):
        if one in LANGUAGES and (text := str(getattr(texts, one)).strip()):
            return text
    return ""


def _is_a_persons(conversation: Conversation) -> bool:
    number = PhoneNumber.parse(conversation.citizen)
    if number is None or conversation.citizen == conversation.our_number:
        return False
    return len(number.value.removeprefix("+")) >= DIGITS_MIN
