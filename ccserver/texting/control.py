"""What call takers and supervisors do to conversations by text, with a refusal where it cannot be.

Offers are accepted and rejected here because no phone does it for them. Implements
`ccserver.web.conversations.ConversationsPort` together with what the store tells.
"""

from ccserver.acd.events import OfferAccepted, OfferFailed, OfferFailure
from ccserver.card import TimelineTag
from ccserver.messaging import (
    Conversation,
    ConversationClosed,
    ConversationState,
    ConversationUnknown,
    KeyReused,
    Message,
    NewerConversation,
    NoWayBack,
    TooOldToReopen,
)
from ccserver.messaging.values import OUT_CHARS_MAX
from ccserver.metrics import Metrics
from ccserver.runtime import Runtime
from ccserver.texting.desk import TextDesk
from ccserver.texting.line import talks
from ccserver.texting.replies import Author, TextTooLong
from ccserver.texting.threads import Thread
from ccserver.types import AgentId, ContactId, ConversationId, Medium, OfferId
from ccserver.web.ports import ControlRefused

MESSAGES = {
    "not_your_contact": "This contact is not at your seat.",
    "already_answered": "The contact has been answered already.",
    "not_for_texts": "This cannot be done to a conversation by text.",
    "conversation_closed": "The conversation is closed.",
    "no_way_back": "This sender cannot be written to.",
    "too_old": "The last text was too long ago to go on with the conversation.",
    "newer_conversation": "The citizen has begun another conversation since.",
    "text_too_long": "The text is too long to be sent.",
    "text_empty": "There is nothing to send.",
    "key_reused": "The key is that of another text.",
}
"""Every refusal with its sentence."""


def refused(code: str) -> ControlRefused:
    """The refusal with its sentence."""
    return ControlRefused(code, MESSAGES[code])


class TextControl:
    """Each action is for the seat that asks, and raises `ControlRefused`."""

    def __init__(self, runtime: Runtime, desk: TextDesk, metrics: Metrics) -> None:
        self._runtime = runtime
        self._desk = desk
        self._metrics = metrics

    def is_text(self, contact_id: ContactId) -> bool:
        """Whether the contact is one that these actions are for."""
        contact = self._runtime.live.get(contact_id)
        return contact is not None and contact.medium is not Medium.VOICE

    # -- offers -----------------------------------------------------------------------------------

    def accept(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """The call taker takes the conversation that is offered to this seat."""
        offer_id = self._offer(contact_id, agent_id)
        self._runtime.chronicle.write(
            contact_id, TimelineTag.OFFER_ACCEPTED, f"accepted-{offer_id}", agent_id
        )
        self._metrics.offers.labels("accepted").inc()
        self._runtime.post(OfferAccepted(offer_id))

    def reject(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """The call taker does not take it: it goes to the next."""
        offer_id = self._offer(contact_id, agent_id)
        reason = OfferFailure.REJECTED
        self._metrics.offers.labels("rejected").inc()
        self._runtime.offer_gone(offer_id, contact_id, reason.value)
        self._runtime.chronicle.write(
            contact_id,
            TimelineTag.OFFER_REJECTED,
            f"failed-{offer_id}",
            agent_id,
            reason=reason.value,
        )
        self._runtime.post(OfferFailed(offer_id, reason))

    def _offer(self, contact_id: ContactId, agent_id: AgentId) -> OfferId:
        contact = self._runtime.live.get(contact_id)
        view = contact.view if contact is not None else None
        if view is None:
            raise refused("not_your_contact")
        for offer in view.offers:
            if offer.agent_id == agent_id:
                return offer.offer_id
        mine = self._thread(contact_id)
        if mine is not None and mine.agent_id == agent_id:
            raise refused("already_answered")
        raise refused("not_your_contact")

    # -- a conversation in hand -------------------------------------------------------------------

    def transfer(
        self,
        contact_id: ContactId,
        agent_id: AgentId,
        *,
        queue: str | None = None,
        to_agent: AgentId | None = None,
    ) -> None:
        """Pass it on to a queue, or first to another call taker."""
        thread = self._thread(contact_id)
        if thread is None or thread.agent_id != agent_id:
            raise refused("not_your_contact")
        self._desk.line.transfer(thread, agent_id, queue=queue, to_agent=to_agent)

    async def write(
        self,
        conversation_id: ConversationId,
        words: str,
        *,
        key: str,
        author: Author,
        agent_id: AgentId | None,
        supervises: bool = False,
    ) -> Message:
        """A text to the citizen; raises `ConversationUnknown`, too."""
        if not words.strip():
            raise refused("text_empty")
        if len(words) > OUT_CHARS_MAX:
            raise refused("text_too_long")
        await self._check_hands(conversation_id, agent_id, supervises=supervises)
        try:
            written = await self._desk.write(conversation_id, words, key=key, author=author)
        except ConversationClosed as error:
            raise refused("conversation_closed") from error
        except NoWayBack as error:
            raise refused("no_way_back") from error
        except KeyReused as error:
            raise refused("key_reused") from error
        except TextTooLong as error:
            raise refused("text_too_long") from error
        return written.message

    async def close(
        self,
        conversation_id: ConversationId,
        disposition: str | None,
        *,
        author: Author,
        agent_id: AgentId | None,
        supervises: bool = False,
    ) -> Conversation:
        """It is done; raises `ConversationUnknown`, too. One that is closed stays as it is."""
        await self._check_hands(conversation_id, agent_id, supervises=supervises)
        return await self._desk.close(conversation_id, disposition, author, agent_id)

    async def reopen(
        self, conversation_id: ConversationId, *, author: Author, agent_id: AgentId
    ) -> Conversation:
        """The seat goes on with it; raises `ConversationUnknown`, too."""
        self._check_nobody_else(conversation_id, agent_id)
        try:
            conversation = await self._desk.reopen(conversation_id, agent_id, author)
        except TooOldToReopen as error:
            raise refused("too_old") from error
        except NewerConversation as error:
            raise refused("newer_conversation") from error
        # Somebody else, or the citizen, may have been a moment faster.
        self._check_nobody_else(conversation_id, agent_id)
        return conversation

    def _check_nobody_else(self, conversation_id: ConversationId, agent_id: AgentId) -> None:
        thread = self._desk.threads.get(conversation_id)
        if thread is not None and thread.agent_id != agent_id:
            raise refused("not_your_contact")

    async def _check_hands(
        self, conversation_id: ConversationId, agent_id: AgentId | None, *, supervises: bool
    ) -> None:
        """Whoever has it may, and a supervisor; what may be done with a closed one others say."""
        thread = self._desk.threads.get(conversation_id)
        if supervises:
            return
        if thread is not None and agent_id is not None and agent_id == self._hands(thread):
            return
        if thread is None:
            known = await self._desk.store.conversation(conversation_id)
            if known is None or known.state is ConversationState.CLOSED:
                return
        raise refused("not_your_contact")

    def _hands(self, thread: Thread) -> AgentId | None:
        """Who has it: the seat, or of one that rides along the seat that has the call."""
        if thread.riding is None:
            return thread.agent_id
        call = self._runtime.live.get(thread.riding)
        return talks(call) if call is not None else None

    def _thread(self, contact_id: ContactId) -> Thread | None:
        return self._desk.threads.of_contact(contact_id)


__all__ = ["MESSAGES", "ConversationUnknown", "TextControl", "refused"]
