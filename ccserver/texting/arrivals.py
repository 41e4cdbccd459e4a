"""How conversations come to life: with the citizen's call or into line, and on which card.

What a text means is decided by `ccserver.messaging.threading`; here stands where the facts come
from, and what is done about it. Each step begins with what the database has, so that a step that a
process did not live to finish is taken again by the next.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from ccserver.card import CardHead, OpenContact, PastContact, TimelineTag
from ccserver.live import WAITING_STATES
from ccserver.messaging import (
    Conversation,
    ConversationClosed,
    ConversationState,
    Direction,
    Landed,
    Message,
    MessagingStore,
)
from ccserver.messaging.threading import Decision, LiveCall, RecentCard, decide
from ccserver.texting.line import BY_PERSON, BY_TIME, TextLine, is_in_our_hands, talks
from ccserver.texting.threads import Thread
from ccserver.types import AgentId, ContactId, IncidentId, PhoneNumber
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

CARD_TRIES = 10
CARD_WAIT_S = 0.1
"""How long a text waits for the card of the call that it belongs to, which is being written."""

Detect = Callable[[str], Awaitable[str | None]]
"""The language of a text, if it can be told."""


class Cards(Protocol):
    """Which card is whose; `ccserver.card.CardStore` fits."""

    async def head_of_contact(self, contact_id: ContactId) -> CardHead | None:
        """The card that the contact is on."""

    async def last_of_number(self, number: str, since: datetime) -> PastContact | None:
        """The number's newest contact that lives, or came or ended since then."""

    async def open_contacts(self) -> list[OpenContact]:
        """Every contact that has not ended."""


class Arrivals:
    """Every method is one step with one conversation; whoever calls it sees that it is alone."""

    def __init__(
        self, line: TextLine, store: MessagingStore, cards: Cards, *, detect: Detect, clock: Clock
    ) -> None:
        self._line = line
        self._threads = line.threads
        self._telling = line.telling
        self._store = store
        self._cards = cards
        self._detect = detect
        self._clock = clock

    async def begin(self, conversation: Conversation, messages: Sequence[Message]) -> Thread | None:
        """Bring a conversation to life as what it is; ``None`` without room, or closed.

        ``messages`` are its texts, or the newest of them.
        """
        if self._threads.full or conversation.state is ConversationState.CLOSED:
            return None
        match conversation.state:
            case ConversationState.OPEN if conversation.agent_id is not None:
                return await self._adopt_in_hand(conversation, conversation.agent_id)
            case ConversationState.RIDING:
                thread = self._threads.add(conversation)
                await self.follow(thread)
                return thread
            case _:
                return await self._come(conversation, messages)

    async def _come(self, conversation: Conversation, messages: Sequence[Message]) -> Thread:
        """Along with the citizen's call, or into line."""
        decision = await self._decide(conversation, messages)
        words = words_of(messages)
        if conversation.language is None and words:
            conversation = await self._with_language(conversation, words)
        if decision.call is not None:
            call_id = decision.call.contact_id
            conversation = await self._store.set_contact(
                conversation.conversation_id, call_id, riding=True
            )
            thread = self._threads.add(conversation)
            log.info("text_rides_along", contact_id=call_id)
            await self.follow(thread)
            return thread
        own = await self._card_of(conversation.contact_id)
        return self._line.line_up(
            conversation, own or decision.incident_id, decision.preferred_agent
        )

    async def _decide(self, conversation: Conversation, messages: Sequence[Message]) -> Decision:
        previous = conversation.previous_contact_id
        landed = Landed(
            conversation,
            messages[-1],
            new_message=True,
            new_conversation=previous is None,
            reopened=previous is not None,
        )
        calls = [
            LiveCall(call.contact_id, call.arrived_at, talks(call))
            for call in self._line.calls_of(conversation.citizen)
        ]
        return decide(
            landed,
            calls,
            await self._recent_cards(conversation.citizen),
            self._clock.now(),
            previous_card=await self._card_of(previous) if previous is not None else None,
            keep_open_s=self._line.settings().keep_open_s,
        )

    async def _recent_cards(self, citizen: str) -> Sequence[RecentCard]:
        """The card of the citizen's last contact; a sender without a number has none."""
        if PhoneNumber.parse(citizen) is None:
            return []
        since = self._clock.now() - timedelta(seconds=self._line.settings().keep_open_s)
        last = await self._cards.last_of_number(citizen, since)
        if last is None:
            return []
        return [
            RecentCard(last.incident_id, last.ended_at or last.arrived_at, last.ended_at is None)
        ]

    async def _adopt_in_hand(self, conversation: Conversation, agent_id: AgentId) -> Thread:
        incident_id = await self.card_for(conversation)
        return self._line.give(conversation, agent_id, incident_id)

    # -- with calls -------------------------------------------------------------------------------

    async def follow(self, thread: Thread) -> None:
        """Where the call goes the texts go; without it, into line."""
        call_id = thread.riding
        if call_id is None or self._threads.get(thread.conversation_id) is not thread:
            return
        call = self._line.live.get(call_id)
        view = call.view if call is not None else None
        if call is not None and is_in_our_hands(call):
            if view is None or view.state in WAITING_STATES:
                return
            agent_id = talks(call)
            if agent_id is not None:
                await self._leave_call(thread, call_id, agent_id)
                return
        await self._leave_call(thread, call_id, None)

    async def join_call(self, thread: Thread, call_id: ContactId) -> None:
        """A citizen whose texts wait in line calls: they are with the call from now on."""
        if self._threads.get(thread.conversation_id) is not thread or not _waits(thread):
            return
        try:
            conversation = await self._store.set_contact(
                thread.conversation_id, call_id, riding=True
            )
        except ConversationClosed:
            self._line.over(thread)
            return
        # Accepted in that very moment: it goes on as what it was, and whoever writes down who has
        # it writes down that, too.
        if _waits(thread):
            self._line.ride(thread, conversation)
            await self.follow(thread)

    async def _leave_call(
        self, thread: Thread, call_id: ContactId, agent_id: AgentId | None
    ) -> None:
        incident_id = await self._card_of_call(call_id)
        contact_id = ContactId(str(uuid.uuid4()))
        conversation_id = thread.conversation_id
        try:
            conversation = await self._store.set_contact(conversation_id, contact_id)
            if agent_id is not None:
                conversation = await self._store.assign(conversation_id, agent_id)
        except ConversationClosed:
            self._line.over(thread)
            return
        self._threads.renew(thread, conversation)
        if agent_id is None:
            self._line.line_up(conversation, incident_id)
            return
        self._line.give(conversation, agent_id, incident_id)
        key = f"connected-{contact_id}"
        self._telling.entry(contact_id, TimelineTag.CONNECTED, key, agent_id)

    async def _card_of_call(self, call_id: ContactId) -> IncidentId | None:
        """A call has its card within milliseconds, unless the database is slow."""
        for _ in range(CARD_TRIES):
            incident_id = await self._card_of(call_id)
            if incident_id is not None:
                return incident_id
            await asyncio.sleep(CARD_WAIT_S)
        return None

    # -- cards and languages ----------------------------------------------------------------

    async def file(self, conversation: Conversation) -> None:
        """See that a conversation which is closed, and never came to life, is on a card."""
        if await self._card_of(conversation.contact_id) is None:
            by = BY_TIME if conversation.closed_by is None else BY_PERSON
            self._line.file(conversation, await self.card_for(conversation), by)

    async def card_for(self, conversation: Conversation) -> IncidentId | None:
        """The card that the conversation's contact is on, or the one before it was."""
        for contact_id in (conversation.contact_id, conversation.previous_contact_id):
            incident_id = await self._card_of(contact_id) if contact_id is not None else None
            if incident_id is not None:
                return incident_id
        return None

    async def _card_of(self, contact_id: ContactId) -> IncidentId | None:
        known = self._telling.incident_of(contact_id)
        if known is not None:
            return known
        head = await self._cards.head_of_contact(contact_id)
        return None if head is None else head.incident_id

    async def _with_language(self, conversation: Conversation, words: str) -> Conversation:
        try:
            language = await self._detect(words)
        except Exception:
            # A help, and never in a text's way.
            log.exception("text_language_failed", conversation_id=conversation.conversation_id)
            return conversation
        if language is None:
            return conversation
        return await self._store.set_language(conversation.conversation_id, language)

    async def learn_language(self, thread: Thread, words: str | None) -> None:
        """A later text may tell what the first was too short for."""
        if thread.conversation.language is not None or not words:
            return
        conversation = await self._with_language(thread.conversation, words)
        if conversation.language is None or conversation.contact_id != thread.contact_id:
            return
        self._threads.renew(thread, conversation)
        self._line.learned(thread)


def _waits(thread: Thread) -> bool:
    return thread.riding is None and thread.agent_id is None


def words_of(messages: Sequence[Message]) -> str | None:
    """The newest of what the citizen wrote."""
    written = [one.text for one in messages if one.direction is Direction.IN]
    return written[-1] if written else None
