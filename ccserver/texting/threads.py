"""The conversations by text that are alive in this process: a bounded register, in memory only.

The database knows what each of them is; here stands what the distributor and the panels were told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from ccserver.messaging import Conversation
from ccserver.types import AgentId, ContactId, ConversationId, PhoneNumber

THREADS_LIVE_MAX = 2_000
"""Citizens who write at the same time: twenty times what a centre of a hundred seats can answer.
Beyond it a conversation waits in the database, and comes into line as others end: a flood of
texts must not take the memory and the time that calls need."""

Key = TypeVar("Key", ContactId, PhoneNumber)


@dataclass(slots=True)
class Thread:
    """One conversation that is alive.

    ``conversation`` is as the database had it last. The seat is as the distributor has it, of
    which the database is told a moment later.
    """

    conversation: Conversation
    agent_id: AgentId | None = None
    in_hand_since: float = 0.0
    """When the call taker got it, in seconds of the monotonic clock."""
    queue: str | None = None
    """Where it was passed on to; none: it stands where its number or the routing says."""
    overdue: bool = False
    """Whether supervisors were told that the citizen waits for an answer."""

    @property
    def conversation_id(self) -> ConversationId:
        """Which conversation it is."""
        return self.conversation.conversation_id

    @property
    def contact_id(self) -> ContactId:
        """The contact that it is now: its own, or the call that it rides along with."""
        return self.conversation.contact_id

    @property
    def riding(self) -> ContactId | None:
        """The call that it rides along with."""
        return self.conversation.riding


class Threads:
    """By conversation, by contact, and by the citizen's number."""

    def __init__(self, live_max: int = THREADS_LIVE_MAX) -> None:
        self._live_max = live_max
        self._threads: dict[ConversationId, Thread] = {}
        self._of_contact: dict[ContactId, dict[ConversationId, Thread]] = {}
        """Several may ride along with one call."""
        self._of_number: dict[PhoneNumber, dict[ConversationId, Thread]] = {}
        """A citizen may write in several ways; a sender that is a name is not here."""

    def __len__(self) -> int:
        return len(self._threads)

    def __iter__(self) -> Iterator[Thread]:
        return iter(list(self._threads.values()))

    @property
    def full(self) -> bool:
        """Whether no other may come to life."""
        return len(self._threads) >= self._live_max

    def get(self, conversation_id: ConversationId) -> Thread | None:
        """The conversation, if it is alive."""
        return self._threads.get(conversation_id)

    def of_contact(self, contact_id: ContactId) -> Thread | None:
        """The conversation that this contact is; not one that only rides along with it."""
        for thread in self._of_contact.get(contact_id, {}).values():
            if thread.riding is None:
                return thread
        return None

    def riding_with(self, contact_id: ContactId) -> list[Thread]:
        """The conversations whose texts ride along with this call."""
        threads = self._of_contact.get(contact_id, {}).values()
        return [thread for thread in threads if thread.riding is not None]

    def of_number(self, number: str | None) -> list[Thread]:
        """The conversations of whoever has this number, however either is written."""
        if not self._of_number or number is None:
            return []
        parsed = PhoneNumber.parse(number)
        return [] if parsed is None else list(self._of_number.get(parsed, {}).values())

    def add(self, conversation: Conversation) -> Thread:
        """A conversation comes to life; one that lives stays, as ``conversation`` now."""
        known = self._threads.get(conversation.conversation_id)
        if known is not None:
            self.renew(known, conversation)
            return known
        thread = self._threads[conversation.conversation_id] = Thread(
            conversation, queue=conversation.queue
        )
        self._index(thread)
        number = PhoneNumber.parse(conversation.citizen)
        if number is not None:
            self._of_number.setdefault(number, {})[thread.conversation_id] = thread
        return thread

    def renew(self, thread: Thread, conversation: Conversation) -> None:
        """The database has it like this now."""
        if conversation.contact_id != thread.contact_id:
            thread.queue = conversation.queue
        self._unindex(thread)
        thread.conversation = conversation
        self._index(thread)

    def remove(self, thread: Thread) -> None:
        """It is over; one that is not here is no error."""
        if self._threads.get(thread.conversation_id) is thread:
            del self._threads[thread.conversation_id]
            self._unindex(thread)
            number = PhoneNumber.parse(thread.conversation.citizen)
            if number is not None:
                _drop(self._of_number, number, thread)

    def _index(self, thread: Thread) -> None:
        self._of_contact.setdefault(thread.contact_id, {})[thread.conversation_id] = thread

    def _unindex(self, thread: Thread) -> None:
        _drop(self._of_contact, thread.contact_id, thread)


def _drop(index: dict[Key, dict[ConversationId, Thread]], key: Key, thread: Thread) -> None:
    threads = index.get(key, {})
    threads.pop(thread.conversation_id, None)
    if not threads:
        index.pop(key, None)
