"""Texts in the live centre: they come into line, go to call takers, and end like any contact.

The database is the truth. A text is there before anybody hears of it, unhandled until this desk has
acted on it, and each conversation names the contact that it is. So one task reads what is
unhandled, acts, and marks it; a process that dies in between leaves the same texts to the next one,
which finds the same contacts and tells the same entries. Nothing here is in a call's way: the desk
waits for the database in tasks of its own, and with the database away texts wait there.

======================================  ============================================================
a text of a citizen                     what becomes of it
======================================  ============================================================
whose conversation somebody has, or     one more bubble
which waits
whose conversation was closed lately    in line again on the same card, first for the same call
                                        taker
who calls while it waits                rides along with the call, which is on the card of the text
whose call is answered                  at once in the hands of whoever has the call, on its card
whose call waits                        rides along on the call's card; goes to whoever answers the
                                        call, or into line by itself when the call is over
who called or wrote lately, or whose    in line, on that card
card is still open
anybody else                            in line, on a new card
======================================  ============================================================
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import structlog

from ccserver.acd.errors import InvariantBroken
from ccserver.card import OpenContact, TimelineTag
from ccserver.db import Database, DatabaseUnavailable
from ccserver.messaging import (
    Conversation,
    ConversationClosed,
    ConversationRefused,
    ConversationState,
    ConversationUnknown,
    Direction,
    Message,
    MessagingStore,
    NewerConversation,
    Written,
)
from ccserver.messaging.store import UNHANDLED_MAX
from ccserver.metrics import Metrics
from ccserver.texting.arrivals import Arrivals, Cards, Detect, words_of
from ccserver.texting.line import BY_CALL, BY_PERSON, BY_TIME, TextLine
from ccserver.texting.replies import Author, Replies
from ccserver.texting.threads import Thread
from ccserver.types import AgentId, ContactId, ConversationId, Medium
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

RETRY_S = 1.0
"""After the database was away; a citizen who writes waits no longer than that for nothing."""
LOOK_S = 5.0
"""Between two looks at what is unhandled, should a wake-up have been lost with a transaction."""
MARKED_AT_ONCE = 50
"""Texts that were acted on, in one transaction: after an outage there are thousands, and to act on
one of them again changes nothing."""
CLOCK_S = 1.0
"""Between two looks at who waits for an answer."""
SWEEP_S = 60.0
"""Between two looks at what was left open: it has been silent for hours."""


Acknowledge = Callable[[Conversation, Message], str | None]
"""What the centre answers by itself to a first text, if anything."""


class TextDesk:
    """What stands between the stored texts and the line; one for each process."""

    def __init__(
        self,
        line: TextLine,
        database: Database,
        cards: Cards,
        *,
        replies: Replies,
        detect: Detect,
        acknowledge: Acknowledge,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self.line = line
        self.threads = line.threads
        self._telling = line.telling
        self.store = MessagingStore(database)
        self._cards = cards
        self._replies = replies
        self._arrivals = Arrivals(line, self.store, cards, detect=detect, clock=clock)
        self._acknowledgement = acknowledge
        self._metrics = metrics
        self._clock = clock
        self.lock = asyncio.Lock()
        """Held for each step that reads a conversation, decides, and tells the distributor."""
        self._wake = asyncio.Event()
        self._unassigned: dict[ConversationId, AgentId | None] = {}
        """Who has which conversation, as the distributor says and the database is still to hear."""
        self._calls_due: dict[ContactId, None] = {}
        self._in_doubt: dict[ConversationId, None] = {}
        """Closed or reopened, or not: the database did not answer."""
        self.calls_known = asyncio.Event()
        """Set once by whoever starts the process: riders find their calls from now on."""
        self.adopted = asyncio.Event()
        self._left_out = False
        """A conversation waits in the database alone: there was no room, or something broke."""
        line.changed_hands = self._keep_assigned

    @property
    def left_out(self) -> bool:
        """Whether a citizen's conversation waits in the database alone, and nobody sees it."""
        return self._left_out

    # -- what others tell -----------------------------------------------------------------------

    def wake(self) -> None:
        """Texts were stored, or something became of one: after that commit."""
        self._wake.set()

    def noticed(self, contact_id: ContactId) -> None:
        """A live contact changed, or is gone: perhaps the call that texts ride along with, or
        that of a citizen whose texts wait."""
        call = self.line.live.get(contact_id)
        waiting = call is not None and self.line.waiting_of(call)
        if waiting or self.threads.riding_with(contact_id):
            self._calls_due[contact_id] = None
            self._wake.set()

    def _keep_assigned(self, thread: Thread) -> None:
        self._unassigned[thread.conversation_id] = thread.agent_id
        self._wake.set()

    # -- the tasks --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Act on texts for ever; the database may come and go."""
        await self.calls_known.wait()
        while True:
            try:
                await self.catch_up()
            except DatabaseUnavailable as error:
                log.warning("texts_wait_for_database", reason=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            except InvariantBroken:
                raise
            except Exception:
                # Calls are carried by the same process, and texts are still in the database.
                log.exception("texts_failed")
                await asyncio.sleep(RETRY_S)
                continue
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def catch_up(self) -> None:
        """Do whatever is due now; raises `DatabaseUnavailable`, and what is left stays due."""
        self._wake.clear()
        try:
            if not self.adopted.is_set():
                await self.adopt()
            await self._settle_doubts()
            await self._tell_assignments()
            await self._follow_calls()
            await self._take_up()
            if self._left_out and not self.threads.full:
                await self._take_up_left_out()
        except DatabaseUnavailable:
            self._wake.set()
            raise

    async def _guarded(
        self, conversation_id: ConversationId, step: Coroutine[None, None, None]
    ) -> bool:
        """One step with one conversation, alone; what goes wrong with it stops no others.

        Tells whether it was done.
        """
        async with self.lock:
            try:
                await step
            except (DatabaseUnavailable, InvariantBroken):
                raise
            except Exception:
                log.exception("text_failed", conversation_id=conversation_id)
                self._left_out = True
                return False
        return True

    async def watch(self) -> None:
        """Look at the clock for ever: who waits for an answer of the call taker who has them?"""
        while True:
            await asyncio.sleep(CLOCK_S)
            self.line.look()

    async def sweep(self) -> None:
        """Close for ever what was left open; the database may come and go."""
        await self.adopted.wait()
        while True:
            try:
                await self.close_idle()
            except DatabaseUnavailable as error:
                log.warning("idle_texts_wait_for_database", reason=str(error))
            except InvariantBroken:
                raise
            except Exception:
                # Calls are carried by the same process.
                log.exception("idle_texts_failed")
            await asyncio.sleep(SWEEP_S)

    async def close_idle(self) -> None:
        """Close conversations in which nobody has written for long, and nobody waits for a word.

        Raises `DatabaseUnavailable`; the next look closes what is left.
        """
        now, keep_open_s = self._clock.now(), self.line.settings().keep_open_s
        for conversation_id in await self.store.idle(now, keep_open_s=keep_open_s):
            await self._guarded(conversation_id, self._close_idle(conversation_id))
        if self._left_out:
            self._wake.set()

    async def _close_idle(self, conversation_id: ConversationId) -> None:
        thread = self.threads.get(conversation_id)
        if thread is not None and self.line.is_at_work_on_card(thread):
            return
        async with self._doubted(conversation_id):
            conversation = await self.store.close_idle(
                conversation_id, self._clock.now(), keep_open_s=self.line.settings().keep_open_s
            )
        if conversation is None:
            return
        contact_id = conversation.contact_id
        self._telling.entry(
            contact_id,
            TimelineTag.CONVERSATION_CLOSED,
            f"closed-{conversation_id}",
            data={"conversation_id": conversation_id, "disposition": None, "by": BY_TIME},
        )
        if thread is not None:
            self.line.over(thread, by=BY_TIME)
        else:
            await self._arrivals.file(conversation)
        self._telling.changed(conversation)
        log.info("conversation_left_open", conversation_id=conversation_id, contact_id=contact_id)

    # -- start-up -----------------------------------------------------------------------------

    async def adopt(self) -> None:
        """Take over what a process before this one had; again changes nothing.

        After the calls are known, so that riders find theirs, and better before seats are ready:
        then nobody is given a new text while an older one still comes into line.
        """
        known = {one.contact_id: one for one in await self._cards.open_contacts()}
        for conversation in await self.store.open_conversations():
            await self._guarded(
                conversation.conversation_id, self._adopt(conversation.conversation_id, known)
            )
        try:
            await self._end_what_is_over(known.values())
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("texts_not_ended")  # a line on old cards, and no text waits for it
        self.adopted.set()
        log.info("texts_adopted", conversations=len(self.threads))

    async def _adopt(
        self, conversation_id: ConversationId, known: Mapping[ContactId, OpenContact]
    ) -> None:
        conversation = await self.store.conversation(conversation_id)
        if conversation is None or self.threads.get(conversation_id) is not None:
            return
        messages = (await self.store.messages(conversation_id)).messages
        thread = await self._begin(conversation, messages)
        if thread is None:
            return
        if thread.agent_id is not None:
            contact = known.get(thread.contact_id)
            if contact is None or contact.answered_at is None:
                key = f"connected-{thread.contact_id}"
                self._telling.entry(thread.contact_id, TimelineTag.CONNECTED, key, thread.agent_id)
        # The journal of that process may have died with it.
        for message in messages:
            if message.handled:
                self._telling.told(thread.conversation, message, None)

    async def _begin(
        self, conversation: Conversation, messages: Sequence[Message]
    ) -> Thread | None:
        thread = await self._arrivals.begin(conversation, messages)
        if thread is None and conversation.state is not ConversationState.CLOSED:
            self._left_out = True
        return thread

    async def _end_what_is_over(self, contacts: Iterable[OpenContact]) -> None:
        """Contacts that their conversations are not any more, and whose end nobody wrote down."""
        for contact in contacts:
            is_text = contact.medium in (Medium.SMS, Medium.TEXT)
            if not is_text or self.line.live.get(contact.contact_id) is not None:
                continue
            for conversation in await self.store.conversations_of([contact.contact_id]):
                over = conversation.state is ConversationState.CLOSED
                if over or conversation.contact_id != contact.contact_id:
                    self._telling.entry(
                        contact.contact_id,
                        TimelineTag.ENDED,
                        "ended",
                        contact.agent_id,
                        at=conversation.closed_at,
                        data={"by": _by(conversation)},
                    )

    async def _take_up_left_out(self) -> None:
        self._left_out = False
        for conversation in await self.store.open_conversations():
            if self.threads.full:
                self._left_out = True
                return
            await self._guarded(
                conversation.conversation_id, self._adopt(conversation.conversation_id, {})
            )

    # -- what is unhandled ------------------------------------------------------------------------

    async def _take_up(self) -> None:
        while found := await self.store.unhandled():
            of_conversation: dict[ConversationId, list[Message]] = {}
            for conversation, message in found:
                of_conversation.setdefault(conversation.conversation_id, []).append(message)
            acted: list[Message] = []
            for conversation_id, messages in of_conversation.items():
                await self._guarded(conversation_id, self._act(conversation_id, messages))
                acted += messages
                if len(acted) >= MARKED_AT_ONCE:
                    await self.store.mark_handled(acted)
                    acted = []
            await self.store.mark_handled(acted)
            if len(found) < UNHANDLED_MAX:
                return

    async def _act(self, conversation_id: ConversationId, messages: Sequence[Message]) -> None:
        conversation = await self._going_on(conversation_id, messages)
        if conversation is None:
            return
        before = self.threads.get(conversation_id)
        unanswered_since = before.conversation.unanswered_since if before is not None else None
        thread = await self._thread_for(conversation, messages)
        now = thread.conversation if thread is not None else conversation
        for message in messages:
            self._count(now, message, unanswered_since)
            # One that waits in the database alone has no card yet; all is told when it comes.
            if thread is not None or now.state is ConversationState.CLOSED:
                agent_id = thread.agent_id if thread is not None else None
                self._telling.told(now, message, agent_id)
        if thread is not None:
            await self._acknowledge(thread, messages)
            overdue = thread.overdue and now.unanswered_since is not None
            self._telling.overdue(thread, active=overdue)
            self._telling.show(thread)
        self._telling.changed(now)

    async def _thread_for(
        self, conversation: Conversation, messages: Sequence[Message]
    ) -> Thread | None:
        """The conversation as it is alive now, or comes to life by these texts."""
        thread = self.threads.get(conversation.conversation_id)
        if conversation.state is ConversationState.CLOSED:
            if thread is not None:
                self.line.over(thread)
            elif any(message.is_new for message in messages):
                await self._arrivals.file(conversation)
            return None
        if thread is not None and thread.contact_id == conversation.contact_id:
            self.threads.renew(thread, conversation)
            await self._arrivals.learn_language(thread, words_of(messages))
            return thread
        if thread is not None:
            self.line.over(thread)
        thread = await self._begin(conversation, messages)
        new = sum(message.is_new for message in messages)
        if thread is not None and conversation.messages > new:
            self.line.reopened(thread)
        return thread

    async def _going_on(
        self, conversation_id: ConversationId, messages: Sequence[Message]
    ) -> Conversation | None:
        """The conversation; what was closed while the citizen wrote goes on, for whoever closed it
        has not read that.
        """
        conversation = await self.store.conversation(conversation_id)
        if conversation is None or conversation.state is not ConversationState.CLOSED:
            return conversation
        unread = [one for one in messages if one.is_new and one.direction is Direction.IN]
        if not unread:
            return conversation
        contact_id = ContactId(str(uuid.uuid4()))
        try:
            return await self.store.go_on(conversation_id, contact_id, _since(conversation, unread))
        except NewerConversation:
            return conversation

    def _count(
        self, conversation: Conversation, message: Message, unanswered_since: datetime | None
    ) -> None:
        channel = conversation.channel.value
        if message.is_new:
            self._metrics.texts.labels(message.direction.value, channel).inc()
            if message.author is not None and unanswered_since is not None:
                waited_s = (message.at - unanswered_since).total_seconds()
                self._metrics.text_answer_seconds.observe(max(0.0, waited_s))
        if message.delivery is not None:
            state = message.delivery.state.value
            self._metrics.text_deliveries.labels(state, channel).inc()

    async def _acknowledge(self, thread: Thread, messages: Sequence[Message]) -> None:
        """Say by ourselves that the text is here, where the centre wants that."""
        for message in messages:
            if message.direction is not Direction.IN or not message.is_new:
                continue
            words = self._acknowledgement(thread.conversation, message)
            if words is not None and await self._replies.acknowledge(thread.conversation, words):
                self._wake.set()
                return

    # -- what people do -----------------------------------------------------------------------

    async def write(
        self, conversation_id: ConversationId, words: str, *, key: str, author: Author
    ) -> Written:
        """See `ccserver.texting.replies.Replies.write`."""
        written = await self._replies.write(conversation_id, words, key=key, author=author)
        self._wake.set()
        return written

    async def close(
        self,
        conversation_id: ConversationId,
        disposition: str | None,
        author: Author,
        agent_id: AgentId | None,
    ) -> Conversation:
        """The conversation is done, and its contact over. Raises `ConversationUnknown`."""
        async with self.lock, self._doubted(conversation_id):
            conversation = await self.store.close(
                conversation_id, disposition, author.login, self._clock.now()
            )
            thread = self.threads.get(conversation_id)
            self._telling.closed(conversation, agent_id)
            if thread is not None:
                self.line.over(thread, agent_id)
            else:
                await self._arrivals.file(conversation)
            self._telling.changed(conversation)
        if self._left_out:
            self._wake.set()
        return conversation

    async def reopen(
        self, conversation_id: ConversationId, agent_id: AgentId, author: Author
    ) -> Conversation:
        """The call taker goes on with what was closed lately, on the same card.

        Raises `ConversationRefused`, `ConversationUnknown`.
        """
        async with self.lock, self._doubted(conversation_id):
            thread = self.threads.get(conversation_id)
            if thread is not None:
                return thread.conversation
            conversation = await self.store.reopen(
                conversation_id,
                ContactId(str(uuid.uuid4())),
                agent_id,
                self._clock.now(),
                keep_open_s=self.line.settings().keep_open_s,
            )
            incident_id = await self._arrivals.card_for(conversation)
            thread = self.line.give(conversation, agent_id, incident_id)
            if conversation.agent_id != agent_id:
                # Somebody reopened it before, and was told that the database is away.
                self._keep_assigned(thread)
            key = f"connected-{thread.contact_id}"
            self._telling.entry(thread.contact_id, TimelineTag.CONNECTED, key, agent_id)
            self.line.reopened(thread, author.login)
            return conversation

    @asynccontextmanager
    async def _doubted(self, conversation_id: ConversationId) -> AsyncIterator[None]:
        """What the database says that it has not done it may do all the same: look again."""
        try:
            yield
        except (ConversationRefused, ConversationUnknown):
            raise
        except BaseException:
            self._in_doubt[conversation_id] = None
            self._wake.set()
            raise

    async def _settle_doubts(self) -> None:
        while self._in_doubt:
            conversation_id = next(iter(self._in_doubt))
            await self._guarded(conversation_id, self._settle_doubt(conversation_id))
            self._in_doubt.pop(conversation_id, None)

    async def _settle_doubt(self, conversation_id: ConversationId) -> None:
        conversation = await self.store.conversation(conversation_id)
        if conversation is None:
            return
        thread = self.threads.get(conversation_id)
        if conversation.state is not ConversationState.CLOSED:
            await self._adopt(conversation_id, {})
        elif thread is not None:
            self._telling.closed(conversation, thread.agent_id)
            self.line.over(thread)
        self._telling.changed(conversation)

    # -- with calls -------------------------------------------------------------------------------

    async def _follow_calls(self) -> None:
        """What is not done stays due, and is tried again with the next look."""
        undone: dict[ContactId, None] = {}
        try:
            while self._calls_due:
                contact_id = next(iter(self._calls_due))
                # Taken out first: what the call does meanwhile makes it due once more.
                del self._calls_due[contact_id]
                undone[contact_id] = None
                call = self.line.live.get(contact_id)
                done = [
                    await self._guarded(
                        thread.conversation_id, self._arrivals.join_call(thread, contact_id)
                    )
                    for thread in (self.line.waiting_of(call) if call is not None else ())
                ]
                done += [
                    await self._guarded(thread.conversation_id, self._arrivals.follow(thread))
                    for thread in self.threads.riding_with(contact_id)
                ]
                if all(done):
                    del undone[contact_id]
        finally:
            self._calls_due |= undone

    # -- cards, languages, times --------------------------------------------------------------

    async def _tell_assignments(self) -> None:
        """The database hears who has which conversation."""
        while self._unassigned:
            conversation_id, agent_id = next(iter(self._unassigned.items()))
            await self._guarded(conversation_id, self._tell_assignment(conversation_id, agent_id))
            if self._unassigned.get(conversation_id, agent_id) == agent_id:
                self._unassigned.pop(conversation_id, None)

    async def _tell_assignment(
        self, conversation_id: ConversationId, agent_id: AgentId | None
    ) -> None:
        thread = self.threads.get(conversation_id)
        if thread is None or thread.riding is not None:
            return
        try:
            conversation = await self.store.assign(
                conversation_id, agent_id, contact_id=thread.contact_id, queue=thread.queue
            )
        except ConversationClosed:
            self.line.over(thread)
            return
        except ConversationUnknown:
            log.error("conversation_unknown", conversation_id=conversation_id)
            return
        if conversation.contact_id == thread.contact_id:
            self.threads.renew(thread, conversation)
            self._telling.changed(conversation)


def _since(closed: Conversation, unread: Sequence[Message]) -> datetime:
    """Since when the citizen waits for somebody to read these."""
    return max(one for one in (unread[0].at, closed.closed_at) if one is not None)


def _by(conversation: Conversation) -> str:
    """What ended a contact that the conversation is not any more."""
    if conversation.state is ConversationState.CLOSED:
        return BY_PERSON if conversation.closed_by is not None else BY_TIME
    return BY_CALL if conversation.riding is not None else BY_PERSON
