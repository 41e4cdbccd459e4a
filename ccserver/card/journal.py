"""What happens to contacts, on its way into the database without ever holding up a call.

The live-call path hands entries over and goes on; one task writes them, new contacts first and then
in the order of each contact, and waits for as long as the database is unavailable. Memory is
bounded: at the bound the oldest entries go to a file, whole contacts at a time so that their order
holds. The openings of contacts stay in memory, because without its card nothing else of a contact
can be seen.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from ccserver.card.spill import JournalItem, SpillFile, append_line
from ccserver.card.values import CardHead, ContactOpened, TimelineEntry, UnknownContact
from ccserver.db import DatabaseUnavailable
from ccserver.types import ContactId, IncidentId

log = structlog.get_logger(__name__)

PENDING_MAX = 10_000
"""About 10 MB; at 10 calls/s and 10 entries a call, 100 s of an unavailable database."""
PENDING_HARD_MAX = 100_000
"""Only reached when the spill file's disk is full too; then entries are lost, and counted."""
ORPHANS_MAX = 1_000
"""Entries whose contact has no card yet; it comes when the contact is adopted."""
RETRY_FIRST_S = 0.05
RETRY_MAX_S = 2.0
"""A database that comes back is used within two seconds."""


class JournalStore(Protocol):
    """What the journal needs of `ccserver.card.store.CardStore`."""

    async def open_contact(self, opened: ContactOpened) -> CardHead:
        """Open a card; idempotent."""

    async def record(self, entry: TimelineEntry) -> CardHead:
        """Write an entry; idempotent."""


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
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._on_written = on_written
        self._on_opened = on_opened
        self._pending_max = pending_max
        self._pause = pause
        self._spill = SpillFile(spill_path)
        self._rejected_path = spill_path.with_name(spill_path.name + ".rejected")
        self._items: OrderedDict[int, JournalItem] = OrderedDict()
        self._entries: OrderedDict[int, TimelineEntry] = OrderedDict()
        self._openings: OrderedDict[int, None] = OrderedDict()
        self._numbers_of: dict[ContactId, list[int]] = {}
        self._orphans: OrderedDict[ContactId, list[TimelineEntry]] = OrderedDict()
        self._next_number = 0
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
        return len(self._items)

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
        if isinstance(item, TimelineEntry) and item.contact_id in self._spill.contacts:
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
        left: list[JournalItem] = list(self._items.values())
        left += [entry for entries in self._orphans.values() for entry in entries]
        unsaved = self._to_spill(left)
        if unsaved:
            log.error("journal_left_unsaved", count=len(unsaved))
        for collection in (
            self._items,
            self._openings,
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
        if self._items or self._spill.lines:
            self._work.set()
        else:
            self._work.clear()

    def _remember(self, item: JournalItem) -> None:
        if isinstance(item, TimelineEntry) and len(self._items) >= PENDING_HARD_MAX:
            self.lost += 1
            log.error("journal_entry_lost", contact_id=item.contact_id, tag=item.tag)
            return
        number = self._next_number
        self._next_number += 1
        self._items[number] = item
        if isinstance(item, TimelineEntry):
            self._entries[number] = item
            self._numbers_of.setdefault(item.contact_id, []).append(number)
        else:
            self._openings[number] = None

    def _make_room(self) -> None:
        """Move the contact with the oldest entry to the spill file until there is room."""
        while len(self._items) >= self._pending_max and self._entries:
            contact_id = next(iter(self._entries.values())).contact_id
            numbers = self._numbers_of[contact_id]
            unsaved = self._to_spill([self._items[number] for number in numbers])
            for number in numbers[: len(numbers) - len(unsaved)]:
                self._forget(number)
            if unsaved:
                return  # the disk is full: memory holds the rest, up to its hard bound

    def _to_spill(self, items: list[JournalItem]) -> list[JournalItem]:
        """Append items to the spill file; returns those that did not fit."""
        for index, item in enumerate(items):
            try:
                self._spill.append(item)
            except OSError as error:
                log.error("journal_spill_failed", reason=error.strerror, count=len(items) - index)
                return items[index:]
            self.spilled += 1
        return []

    def _forget(self, number: int) -> None:
        item = self._items.pop(number, None)
        self._openings.pop(number, None)
        if item is None or self._entries.pop(number, None) is None:
            return
        numbers = self._numbers_of[item.contact_id]
        numbers.remove(number)
        if not numbers:
            del self._numbers_of[item.contact_id]

    async def _write_all(self) -> None:
        """Write until nothing is left: memory first, because live calls are there."""
        async with self._writer:  # `run` and `drain` would write the same item twice
            while True:
                if self._items:
                    # New contacts go ahead of what is known of others: a call taker waits for
                    # this card, nobody for the next line of an old one.
                    number = next(iter(self._openings or self._items))
                    await self._write(self._items[number])
                    # It may have gone to the spill file meanwhile; twice written is once there.
                    self._forget(number)
                elif (spilled := self._spill.first()) is not None:
                    await self._write(spilled)
                    self._spill.remove_first()
                else:
                    break
            self._mark()

    async def _write(self, item: JournalItem) -> None:
        """Write one item, however long the database is away; afterwards it is done with."""
        try:
            head = await self._stored(item)
        except UnknownContact:
            assert isinstance(item, TimelineEntry)  # an opening makes its contact known
            self._keep_orphan(item)
            return
        except Exception as error:
            # Our bug, or a value that the database cannot hold: the next items must still pass.
            self._reject(item, type(error).__name__)
            return
        self.written += 1
        self._tell(item, head)
        if isinstance(item, ContactOpened):
            for orphan in self._orphans.pop(item.contact_id, []):
                await self._write(orphan)

    async def _stored(self, item: JournalItem) -> CardHead:
        wait_s = RETRY_FIRST_S
        while True:
            try:
                if isinstance(item, ContactOpened):
                    return await self._store.open_contact(item)
                return await self._store.record(item)
            except DatabaseUnavailable as error:
                self.retries += 1
                log.warning("journal_write_retried", contact_id=item.contact_id, reason=str(error))
            await self._pause(wait_s)
            wait_s = min(wait_s * 2, RETRY_MAX_S)

    def _tell(self, item: JournalItem, head: CardHead) -> None:
        try:
            if self._on_opened is not None and isinstance(item, ContactOpened):
                self._on_opened(item.contact_id, head)
            if self._on_written is not None:
                self._on_written(item.contact_id, head.incident_id, item)
        except Exception:
            log.exception("journal_listener_failed", contact_id=item.contact_id)

    def _keep_orphan(self, entry: TimelineEntry) -> None:
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
            append_line(self._rejected_path, msgspec.json.encode(item))
        except OSError as error:
            self.lost += 1
            log.error("journal_item_lost", contact_id=item.contact_id, reason=error.strerror)
