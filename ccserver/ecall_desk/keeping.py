"""Makes what came durable, and forgets nothing that no card has yet.

A file of the spool is deleted after its message is in the database. A message in the database is
settled after the card has everything that it tells. So whatever dies in between, the next process
does the rest again, and what is done twice changes nothing.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from ccserver.calldata.reading import items_in
from ccserver.calldata.spool import SUFFIXES, CallDataSpool
from ccserver.calldata.store import PAGE_MAX, CallDataStore, Kept
from ccserver.card.spill import ContactNews, JournalItem
from ccserver.db import DatabaseUnavailable
from ccserver.ecall_desk.known import Calls
from ccserver.ecall_desk.story import Read
from ccserver.metrics import Metrics
from ccserver.types import ContactId
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

RETRY_S = 1.0
"""After the database was away."""

LOOK_BACK = timedelta(hours=24)
"""A card that is not written within it will never be: its messages are in the database."""

UNKNOWN_S = 3_600.0
"""So long a message of a call that nobody knows waits for its contact."""

TELLING_MAX = 20_000
KEPT_MAX = 100
"""Messages in one transaction: with as many of the longest, cards wait a moment for their turn."""

IN_HAND_MAX = 2_000
"""Messages in memory that the database has not taken. Beyond it files stay where they are."""


class CallDataKeeper:
    """What is on its way into the database. ``found``: a message's contact is known at last."""

    def __init__(
        self,
        store: CallDataStore,
        spool: CallDataSpool,
        calls: Calls,
        *,
        metrics: Metrics,
        clock: Clock,
        found: Callable[[ContactId, Read], None],
    ) -> None:
        self._store = store
        self._spool = spool
        self._calls = calls
        self._metrics = metrics
        self._clock = clock
        self._found = found
        self.in_hand: dict[str, Read] = {}
        """By the file's name; what has no file by another."""
        self.left_behind: set[str] = set()
        """Files that are stored and cannot be deleted."""
        self._unknown: OrderedDict[str, float] = OrderedDict()
        """Call-IDs of stored messages without a contact, with when they are given up."""
        self._assign: dict[str, ContactId] = {}
        self._telling: OrderedDict[tuple[ContactId, str], str] = OrderedDict()
        self._left: Counter[str] = Counter()
        self._told: dict[str, None] = {}
        self._resumed = False
        self._work = asyncio.Event()
        self.waits = False
        """Whether the database does not take what came."""

    @property
    def stuck(self) -> bool:
        """Whether the database does not take what came, or a file cannot be deleted."""
        return self.waits or bool(self.left_behind)

    @property
    def unknown(self) -> int:
        """Calls of which data came, and nobody knows the contact."""
        return len(self._unknown)

    def take(self, name: str, read: Read) -> None:
        """A message is to be kept."""
        self.in_hand[name] = read
        self._work.set()

    def known(self, call_id: str, contact_id: ContactId) -> None:
        """The contact of a call is known now."""
        if self._unknown.pop(call_id, None) is not None:
            self._assign[call_id] = contact_id
            self._work.set()

    def telling(self, key: str, items: Sequence[ContactNews], *, fetches: int = 0) -> None:
        """The card is being told of a message; `written` says when it has it.

        ``fetches``: so many addresses of it are being asked, each of which `fetched` ends.
        """
        self._left[key] += fetches
        for item in items:
            if (item.contact_id, item.key) not in self._telling:
                self._telling[(item.contact_id, item.key)] = key
                self._left[key] += 1
        while len(self._telling) > TELLING_MAX:
            _, forgotten = self._telling.popitem(last=False)
            self._left.pop(forgotten, None)
        if key in self._left:
            self._settle_if_done(key)

    def fetched(self, key: str) -> None:
        """An address of a message has been asked, and its answer is in hand or told."""
        self._one_less(key)

    def written(self, item: JournalItem) -> None:
        """The journal has written something; perhaps of ours."""
        key = self._telling.pop((item.contact_id, getattr(item, "key", "")), None)
        if key is not None:
            self._one_less(key)

    def _one_less(self, key: str) -> None:
        if key in self._left:
            self._left[key] -= 1
            self._settle_if_done(key)

    def _settle_if_done(self, key: str) -> None:
        if self._left[key] <= 0:
            del self._left[key]
            self._told[key] = None
            self._work.set()

    def expire(self) -> None:
        """Give up on contacts that never came; their data stay in the database."""
        now = self._clock.monotonic()
        while self._unknown and next(iter(self._unknown.values())) <= now:
            self._unknown.popitem(last=False)
            self._metrics.call_data_unknown.inc()
            log.warning("call_data_without_contact")

    async def run(self) -> None:
        """Keep what is taken, for ever."""
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self.work()
                self.waits = False
            except DatabaseUnavailable as error:
                self.waits = True
                log.warning("call_data_wait_for_database", reason=str(error))
                await asyncio.sleep(RETRY_S)
                self._work.set()
            except Exception:
                # Calls go on, whatever is wrong with their data.
                self.waits = True
                log.exception("call_data_failed")
                await asyncio.sleep(RETRY_S)
                self._work.set()

    async def work(self) -> None:
        """Do all that is to be done. Raises `DatabaseUnavailable`; the rest is done later."""
        # A message is told when the answers of its addresses are in hand: so they are kept first.
        told = list(self._told)
        await self._keep()
        for call_id, contact_id in list(self._assign.items()):
            for kept in await self._store.assign(call_id, contact_id):
                self._found(contact_id, await self._read(kept))
            self._assign.pop(call_id, None)
        if not self._resumed:
            await self._resume()
            self._resumed = True
        in_hand = {read.kept.key for read in self.in_hand.values()}
        settled = [key for key in told if key not in in_hand]
        await self._store.settle(settled, self._clock.now())
        for key in settled:
            self._told.pop(key, None)

    def wake(self) -> None:
        """Look for what a former process has left."""
        self._work.set()

    async def _keep(self) -> None:
        for names in batched(list(self.in_hand), KEPT_MAX):
            await self._keep_some(names)

    async def _keep_some(self, names: Sequence[str]) -> None:
        for name in names:
            read = self.in_hand[name]
            if read.kept.contact_id is None and read.kept.call_id:
                contact_id = self._calls.get(
                    read.kept.call_id
                ) or await self._store.contact_of_call(read.kept.call_id)
                if contact_id is not None:
                    self.in_hand[name] = of_contact(read, contact_id)
                    self._found(contact_id, self.in_hand[name])
        try:
            await self._store.keep([self.in_hand[name].kept for name in names])
            kept = list(names)
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("call_data_not_kept", count=len(names))
            kept = await self._keep_each(names)
        await self._remove(kept)
        for name in kept:
            read = self.in_hand.pop(name)
            if read.kept.contact_id is None:
                self._await_contact(read.kept)

    async def _keep_each(self, names: Sequence[str]) -> list[str]:
        """One that cannot be stored, which would be a fault of ours, holds up no other."""
        kept = []
        for name in names:
            try:
                await self._store.keep([self.in_hand[name].kept])
            except DatabaseUnavailable:
                raise
            except Exception:
                log.exception("call_data_refused", file=name)
                self.in_hand.pop(name)
                if name.endswith(SUFFIXES):
                    await asyncio.to_thread(self._spool.refuse, name)
                else:
                    self._metrics.call_data_refused.inc()
            else:
                kept.append(name)
        return kept

    async def _remove(self, names: Sequence[str]) -> None:
        files = {name for name in names if name.endswith(SUFFIXES)} | self.left_behind
        # Before the messages are out of hand: else one would be read again meanwhile.
        self.left_behind = await asyncio.to_thread(
            lambda: {name for name in files if not self._spool.remove(name)}
        )

    def _await_contact(self, kept: Kept) -> None:
        log.warning("call_data_of_unknown_call", via=kept.via.value)
        contact_id = self._calls.get(kept.call_id)
        if contact_id is not None:  # since the message was handed to the database
            self._assign[kept.call_id] = contact_id
            self._work.set()
            return
        waited = (self._clock.now() - kept.received_at).total_seconds()
        due = self._clock.monotonic() + max(0.0, UNKNOWN_S - waited)
        self._unknown.setdefault(kept.call_id or kept.key, due)

    async def _resume(self) -> None:
        """Take up what a former process has kept, and no card has."""
        since = self._clock.now() - LOOK_BACK
        after = 0
        while page := await self._store.untold(since, after=after):
            for data_id, kept in page:
                after = data_id
                if kept.key in self._left:
                    continue  # of this process
                if kept.contact_id is not None:
                    self._found(kept.contact_id, await self._read(kept))
                elif (self._clock.now() - kept.received_at).total_seconds() < UNKNOWN_S:
                    self._await_contact(kept)
            if len(page) < PAGE_MAX:
                return

    async def _read(self, kept: Kept) -> Read:
        return Read(kept, await asyncio.to_thread(items_in, kept))


def batched(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Pieces of at most ``size``."""
    for start in range(0, len(names), size):
        yield names[start : start + size]


def of_contact(read: Read, contact_id: ContactId) -> Read:
    """The same message, as the contact's."""
    return replace(read, kept=replace(read.kept, contact_id=contact_id))
