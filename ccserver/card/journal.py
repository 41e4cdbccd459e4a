"""What happens to contacts, on its way into the database without ever holding up a call.

The live-call path hands over what happened, and where a contact is said to be, and goes on; one
task writes it, new contacts first and then in the order of each contact, and waits for as long as
the database is unavailable. It writes what is there in one transaction and waits for no more to
come: a lone entry is written at once, and meanwhile the next batch gathers. Memory is bounded: at
the bound the oldest entries go to a file, whole contacts at a time so that their order holds. The
openings of contacts stay in memory, because without its card nothing else of a contact can be seen.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

import structlog

from ccserver.card.spill import ContactNews, JournalItem, SpillFile, append_line, encoded
from ccserver.card.values import CardHead, ContactOpened
from ccserver.db import DatabaseUnavailable
from ccserver.types import ContactId, IncidentId

log = structlog.get_logger(__name__)

PENDING_MAX = 10_000
"""About 10 MB; at 10 calls/s and 10 entries a call, 100 s of an unavailable database."""
PENDING_HARD_MAX = 100_000
"""Only reached when the spill file's disk is full too; then entries are lost, and counted."""
BATCH_MAX = 100
"""Items in one transaction: about 5 ms, which is what the card of a new contact may have to wait.
More would save little, because most of the cost of a transaction is spread over 30 already."""
ORPHANS_MAX = 1_000
"""Entries whose contact has no card yet; it comes when the contact is adopted."""
RETRY_FIRST_S = 0.05
RETRY_MAX_S = 2.0
"""A database that comes back is used within two seconds."""


class JournalStore(Protocol):
    """What the journal needs of `ccserver.card.store.CardStore`."""

    async def write(self, items: Sequence[JournalItem]) -> Sequence[CardHead | None]:
        """Write all in one transaction, openings first, or nothing; idempotent.

        Returns the card of each item; `None` for an entry whose contact has no card, which is then
        not written. Raises `DatabaseUnavailable`, or anything else for what can never be written.
        """


@dataclass(frozen=True, slots=True)
class Batch:
    """Items that are next, openings first; ``remove`` takes them from where they were."""

    items: Sequence[JournalItem]
    remove: Callable[[], None]


OnWritten = Callable[[ContactId, IncidentId, JournalItem], None]
OnOpened = Callable[[ContactId, CardHead], None]


class CardJournal:
    """A bounded, ordered, patient queue in front of the card store.

    ``on_written`` is called after every item that is in the database (also one that was there
    before), ``on_opened`` first for the opening of a card. Counters are for the metrics:
    ``written``, ``retries``, ``spilled`` (items that ever went to the file), ``failures`` (items
    that the database will never take; they lie in the ``.rejected`` file beside the spill file),
    ``lost`` (no memory and no disk left).
    """

    def __init__(
        self,
        store: JournalStore,
        *,
        spill_path: Path,
        on_written: OnWritten | None = None,
        on_opened: OnOpened | None = None,
        pending_max: int = PENDING_MAX,
        batch_max: int = BATCH_MAX,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._on_written = on_written
        self._on_opened = on_opened
        self._pending_max = pending_max
        self._pause = pause
        self._spill = SpillFile(spill_path)
        self._rejected_path = spill_path.with_name(spill_path.name + ".rejected")
        self._openings: OrderedDict[int, ContactOpened] = OrderedDict()
        self._adopted: OrderedDict[int, ContactNews] = OrderedDict()
        self._entries: OrderedDict[int, ContactNews] = OrderedDict()
        self._numbers_of: dict[ContactId, list[int]] = {}
        self._orphans: OrderedDict[ContactId, list[ContactNews]] = OrderedDict()
        self._next_number = 0
        self._batch_bound = batch_max
        self._batch_max = batch_max  # less for a while after a batch has failed
        self._wait_s = RETRY_FIRST_S
        self._running = False
        self._work = asyncio.Event()
        self._writer = asyncio.Lock()
        self._mark()
        self.written = 0
        self.retries = 0
        self.spilled = 0
        self.failures = 0
        self.lost = 0

    @property
    def pending(self) -> int:
        """Items in memory that are not yet written."""
        return len(self._openings) + len(self._adopted) + len(self._entries)

    @property
    def spill_lines(self) -> int:
        """Items in the spill file that are not yet written."""
        return self._spill.lines

    @property
    def corrupt_lines(self) -> int:
        """Lines of a former process's spill file that could not be read."""
        return self._spill.corrupt

    @property
    def orphaned(self) -> int:
        """Entries that wait for the card of their contact."""
        return sum(len(entries) for entries in self._orphans.values())

    def submit(self, item: JournalItem) -> None:
        """Hand over an item; never waits and never raises for a slow or dead database."""
        self._make_room()
        kept: list[JournalItem] = [item]
        if not isinstance(item, ContactOpened) and item.contact_id in self._spill.contacts:
            # The contact's earlier entries are in the file, so this one goes behind them.
            kept = self._to_spill(kept)
        for keep in kept:
            self._remember(keep)
        self._mark()

    async def run(self) -> None:
        """Write what is submitted, for ever; cancel it to stop (after `drain`)."""
        if self._running:
            raise RuntimeError("the journal has one writer")
        self._running = True
        try:
            while True:
                await self._work.wait()
                await self._write_all()
        finally:
            self._running = False

    async def drain(self, deadline_s: float) -> bool:
        """Write everything within ``deadline_s`` seconds; what is left goes to the spill file.

        Returns whether everything was written.
        """
        try:
            async with asyncio.timeout(deadline_s):
                await self._write_all()
        except TimeoutError:
            log.warning("journal_not_drained", pending=self.pending, spill_lines=self.spill_lines)
        left: list[JournalItem] = [*self._openings.values(), *self._adopted.values()]
        left += chain.from_iterable(self._orphans.values())
        left += self._entries.values()
        unsaved = self._to_spill(left)
        if unsaved:
            log.error("journal_left_unsaved", count=len(unsaved))
        for collection in (
            self._openings,
            self._adopted,
            self._entries,
            self._numbers_of,
            self._orphans,
        ):
            collection.clear()
        for item in unsaved:
            self._remember(item)
        self._spill.sync()
        self._mark()
        return not self._spill.lines and not unsaved

    def _mark(self) -> None:
        """Wake the writer if there is work."""
        if self.pending or self._spill.lines:
            self._work.set()
        else:
            self._work.clear()

    def _remember(self, item: JournalItem) -> None:
        if isinstance(item, ContactOpened):
            self._openings[self._number()] = item
            return
        if self.pending >= PENDING_HARD_MAX:
            self.lost += 1
            log.error("journal_entry_lost", contact_id=item.contact_id, tag=item.tag)
            return
        number = self._number()
        self._entries[number] = item
        self._numbers_of.setdefault(item.contact_id, []).append(number)

    def _number(self) -> int:
        self._next_number += 1
        return self._next_number

    def _make_room(self) -> None:
        """Move the contact with the oldest entry to the spill file until there is room."""
        while self.pending >= self._pending_max and self._entries:
            contact_id = next(iter(self._entries.values())).contact_id
            numbers = self._numbers_of[contact_id]
            unsaved = self._to_spill([self._entries[number] for number in numbers])
            self._forget(numbers[: len(numbers) - len(unsaved)])
            if unsaved:
                return  # the disk is full: memory holds the rest, up to its hard bound

    def _to_spill(self, items: Sequence[JournalItem]) -> list[JournalItem]:
        """Append items to the spill file; returns those that did not fit."""
        for index, item in enumerate(items):
            try:
                self._spill.append(item)
            except OSError as error:
                log.error("journal_spill_failed", reason=error.strerror, count=len(items) - index)
                return list(items[index:])
            self.spilled += 1
        return []

    def _forget(self, numbers: Iterable[int]) -> None:
        """Take items out of memory, as far as they are still there."""
        for number in numbers:
            self._openings.pop(number, None)
            self._adopted.pop(number, None)
            # It may have gone to the spill file meanwhile; twice written is once there.
            entry = self._entries.pop(number, None)
            if entry is not None:
                own = self._numbers_of[entry.contact_id]
                own.remove(number)
                if not own:
                    del self._numbers_of[entry.contact_id]

    async def _write_all(self) -> None:
        """Write until nothing is left: memory first, because live calls are there."""
        async with self._writer:  # `run` and `drain` would write the same items twice
            while batch := self._batch_in_memory() or self._batch_in_file():
                await self._write(batch)
            self._mark()

    def _batch_in_memory(self) -> Batch | None:
        # New contacts go ahead of what is known of others: a call taker waits for this card, nobody
        # for the next line of an old one.
        waiting: Iterator[tuple[int, JournalItem]] = chain(
            self._openings.items(), self._adopted.items(), self._entries.items()
        )
        numbered = list(islice(waiting, self._batch_max))
        if not numbered:
            return None
        items = self._without_overtaking([item for _, item in numbered])
        numbers = [number for number, _ in numbered[: len(items)]]
        return Batch(items, partial(self._forget, numbers))

    def _batch_in_file(self) -> Batch | None:
        items = self._without_overtaking(self._spill.first(self._batch_max))
        if not items:
            return None
        openings_first = sorted(items, key=lambda item: not isinstance(item, ContactOpened))
        return Batch(openings_first, partial(self._spill.remove_first, len(items)))

    def _without_overtaking(self, items: Sequence[JournalItem]) -> Sequence[JournalItem]:
        """Return the items up to the second one of a contact with orphans.

        The first may bring the contact's card, and then the orphans go ahead of the second.
        """
        met: set[ContactId] = set()
        for index, item in enumerate(items):
            if item.contact_id in met:
                return items[:index]
            if item.contact_id in self._orphans:
                met.add(item.contact_id)
        return items

    async def _write(self, batch: Batch) -> None:
        """Try to write a batch once; what is not done with stays where it is."""
        try:
            heads = await self._store.write(batch.items)
        except DatabaseUnavailable as error:
            self.retries += 1
            log.warning("journal_write_retried", count=len(batch.items), reason=str(error))
            self._narrow(batch)  # perhaps all of it takes longer than a request may
            await self._pause(self._wait_s)
            self._wait_s = min(self._wait_s * 2, RETRY_MAX_S)
        except Exception as error:
            if len(batch.items) > 1:
                self._narrow(batch)  # until the one that is to blame stands alone
                return
            # Our bug, or a value that the database cannot hold: the next items must still pass.
            batch.remove()
            self._reject(batch.items[0], type(error).__name__)
        else:
            batch.remove()
            self._batch_max = min(self._batch_max * 2, self._batch_bound)
            self._wait_s = RETRY_FIRST_S
            for item, head in zip(batch.items, heads, strict=True):
                self._finish(item, head)

    def _narrow(self, batch: Batch) -> None:
        self._batch_max = max(1, len(batch.items) // 2)

    def _finish(self, item: JournalItem, head: CardHead | None) -> None:
        """What follows when an item has passed through the database."""
        if head is None:
            assert not isinstance(item, ContactOpened)  # an opening makes its contact known
            self._keep_orphan(item)
            return
        self.written += 1
        self._tell(item, head)
        if isinstance(item, ContactOpened):
            for orphan in self._orphans.pop(item.contact_id, []):
                self._adopted[self._number()] = orphan

    def _tell(self, item: JournalItem, head: CardHead) -> None:
        try:
            if self._on_opened is not None and isinstance(item, ContactOpened):
                self._on_opened(item.contact_id, head)
            if self._on_written is not None:
                self._on_written(item.contact_id, head.incident_id, item)
        except Exception:
            log.exception("journal_listener_failed", contact_id=item.contact_id)

    def _keep_orphan(self, entry: ContactNews) -> None:
        self._orphans.setdefault(entry.contact_id, []).append(entry)
        log.warning("journal_entry_without_card", contact_id=entry.contact_id, tag=entry.tag)
        while self.orphaned > ORPHANS_MAX:
            _, entries = self._orphans.popitem(last=False)
            for old in entries:
                self._reject(old, "UnknownContact")

    def _reject(self, item: JournalItem, reason: str) -> None:
        self.failures += 1
        log.error("journal_item_rejected", contact_id=item.contact_id, reason=reason)
        try:
            append_line(self._rejected_path, encoded(item))
        except OSError as error:
            self.lost += 1
            log.error("journal_item_lost", contact_id=item.contact_id, reason=error.strerror)
