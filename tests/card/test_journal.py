"""The journal never holds up a call and never loses an entry, however long the database is away."""

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccserver import db
from ccserver.card import (
    CardHead,
    CardJournal,
    CardStore,
    ContactOpened,
    TimelineEntry,
    TimelineTag,
)
from ccserver.card import journal as journal_module
from ccserver.card import spill as spill_module
from ccserver.card.spill import JournalItem, SpillFile
from ccserver.db import Database, DatabaseUnavailable
from ccserver.types import ContactId, IncidentId, Medium
from tests.card.conftest import ARRIVED
from tests.databases import BINARIES, Cluster

Arrived = Callable[..., ContactOpened]


class FakeStore:
    """A store in memory that can be away; refuses what the real one refuses."""

    def __init__(self) -> None:
        self.away = False
        self.heads: dict[ContactId, CardHead] = {}
        self.order: list[JournalItem] = []
        self.keys: set[tuple[ContactId, str]] = set()
        self.batches: list[int] = []

    async def write(self, items: Sequence[JournalItem]) -> Sequence[CardHead | None]:
        self.batches.append(len(items))
        await asyncio.sleep(0)
        if self.away:
            raise DatabaseUnavailable("away")
        if any(isinstance(item, TimelineEntry) and item.key == "poison" for item in items):
            raise ValueError("a value that the database cannot hold")
        for item in sorted(items, key=lambda item: not isinstance(item, ContactOpened)):
            if isinstance(item, ContactOpened):
                self._open(item)
            elif item.contact_id in self.heads and (item.contact_id, item.key) not in self.keys:
                self.keys.add((item.contact_id, item.key))
                self.order.append(item)
        return [self.heads.get(item.contact_id) for item in items]

    def _open(self, opened: ContactOpened) -> None:
        if opened.contact_id not in self.heads:
            incident_id = IncidentId(f"incident-{opened.contact_id}")
            self.heads[opened.contact_id] = CardHead(incident_id, f"2026-{len(self.heads):06d}")
            self.order.append(opened)

    def order_of(self, contact_id: ContactId) -> list[str]:
        return [
            "opened" if isinstance(item, ContactOpened) else item.key
            for item in self.order
            if item.contact_id == contact_id
        ]


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


def journal_of(store: FakeStore | CardStore, folder: Path, **more: object) -> CardJournal:
    values: dict[str, object] = {"pause": no_pause, "spill_path": folder / "journal.spill"}
    return CardJournal(store, **(values | more))  # type: ignore[arg-type]


@asynccontextmanager
async def running(journal: CardJournal) -> AsyncIterator[None]:
    task = asyncio.create_task(journal.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def entry(contact_id: ContactId, key: str) -> TimelineEntry:
    return TimelineEntry(contact_id, TimelineTag.OFFERED, ARRIVED, key)


def opening(contact_id: str) -> ContactOpened:
    return ContactOpened(
        contact_id=ContactId(contact_id),
        medium=Medium.VOICE,
        queue="emergency",
        priority=5,
        caller_number="+37129123456",
        caller_number_hidden=False,
        called_number="112",
        arrived_at=ARRIVED,
    )


async def test_items_are_written_in_order_and_told_of(tmp_path: Path) -> None:
    store, told, opened = FakeStore(), [], []
    journal = journal_of(
        store,
        tmp_path,
        on_written=lambda *what: told.append(what),
        on_opened=lambda *what: opened.append(what),
    )
    items: list[JournalItem] = [opening("a"), entry(ContactId("a"), "1"), opening("b")]
    items += [entry(ContactId("a"), "2"), entry(ContactId("b"), "1")]
    async with running(journal):
        for item in items:
            journal.submit(item)
        assert journal.pending == 5
        assert await journal.drain(20)
    written = sorted(items, key=lambda item: isinstance(item, TimelineEntry))
    assert store.order == written
    assert told == [(item.contact_id, f"incident-{item.contact_id}", item) for item in written]
    assert opened == [("a", store.heads[ContactId("a")]), ("b", store.heads[ContactId("b")])]
    assert (journal.pending, journal.written, journal.spilled, journal.failures) == (0, 5, 0, 0)


async def test_an_unavailable_database_is_waited_for(tmp_path: Path) -> None:
    store, pauses = FakeStore(), []
    store.away = True

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)
        store.away = len(pauses) < 12

    journal = journal_of(store, tmp_path, pause=pause)
    journal.submit(opening("a"))
    journal.submit(entry(ContactId("a"), "1"))
    async with running(journal):
        assert await journal.drain(20)
    assert store.order_of(ContactId("a")) == ["opened", "1"]
    assert journal.retries == 12
    assert pauses[:3] == [0.05, 0.1, 0.2]
    assert pauses[-1] == journal_module.RETRY_MAX_S


async def test_at_the_bound_the_oldest_entries_go_to_the_file_and_come_back(
    tmp_path: Path,
) -> None:
    store = FakeStore()
    store.away = True
    journal = journal_of(store, tmp_path, pending_max=10)
    contacts = [ContactId(f"contact-{number}") for number in range(8)]
    for contact_id in contacts:
        journal.submit(opening(contact_id))
    for key in range(20):
        for contact_id in contacts:
            journal.submit(entry(contact_id, str(key)))
    assert journal.pending <= 10
    assert journal.spilled >= 150
    assert journal.spill_lines == journal.spilled
    store.away = False
    async with running(journal):
        assert await journal.drain(20)
    for contact_id in contacts:
        assert store.order_of(contact_id) == ["opened", *map(str, range(20))]
    assert (tmp_path / "journal.spill").read_bytes() == b""
    assert (journal.pending, journal.spill_lines, journal.lost) == (0, 0, 0)


async def test_openings_stay_in_memory_beyond_the_bound(tmp_path: Path) -> None:
    store = FakeStore()
    journal = journal_of(store, tmp_path, pending_max=5)
    for number in range(20):
        journal.submit(opening(f"contact-{number}"))
        journal.submit(entry(ContactId(f"contact-{number}"), "1"))
    assert journal.pending >= 20
    async with running(journal):
        assert await journal.drain(20)
    assert len(store.order) == 40


async def test_what_cannot_be_written_before_the_end_is_written_by_the_next_process(
    tmp_path: Path,
) -> None:
    store = FakeStore()
    store.away = True
    first = journal_of(store, tmp_path)
    async with running(first):
        first.submit(opening("a"))
        first.submit(entry(ContactId("a"), "1"))
        assert not await first.drain(0.05)
    assert (first.pending, first.spill_lines) == (0, 2)
    store.away = False
    second = journal_of(store, tmp_path)
    assert second.spill_lines == 2
    second.submit(entry(ContactId("a"), "2"))
    assert await second.drain(20)  # also without a running task
    assert store.order_of(ContactId("a")) == ["opened", "1", "2"]


async def test_a_torn_last_line_is_ignored_and_counted(tmp_path: Path) -> None:
    spill = SpillFile(tmp_path / "journal.spill")
    for item in (opening("a"), entry(ContactId("a"), "1"), entry(ContactId("a"), "2")):
        spill.append(item)
    whole = spill.path.read_bytes()
    torn = len(whole) - 7
    spill.path.write_bytes(whole[:torn])
    store = FakeStore()
    journal = journal_of(store, tmp_path)
    assert (journal.spill_lines, journal.corrupt_lines) == (2, 1)
    journal.submit(entry(ContactId("a"), "3"))
    assert await journal.drain(20)
    assert store.order_of(ContactId("a")) == ["opened", "1", "3"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damage=st.binary(max_size=60), cut=st.integers(0, 900))
def test_a_damaged_file_never_stops_the_start(tmp_path: Path, damage: bytes, cut: int) -> None:
    path = tmp_path / "damaged.spill"
    path.unlink(missing_ok=True)
    spill = SpillFile(path)
    for number in range(3):
        spill.append(entry(ContactId("a"), str(number)))
    data = path.read_bytes()
    path.write_bytes(data[:cut] + damage + data[cut:])
    found = SpillFile(path)
    found.append(entry(ContactId("b"), "last"))
    items: list[JournalItem] = []
    while some := found.first(2):
        items += some
        found.remove_first(len(some))
    assert items[-1] == entry(ContactId("b"), "last")
    assert path.read_bytes() == b""


async def test_an_entry_that_no_database_takes_does_not_stop_the_others(tmp_path: Path) -> None:
    store = FakeStore()
    journal = journal_of(store, tmp_path)
    journal.submit(opening("a"))
    for key in ("1", "poison", "2"):
        journal.submit(entry(ContactId("a"), key))
    assert await journal.drain(20)
    assert store.order_of(ContactId("a")) == ["opened", "1", "2"]
    assert journal.failures == 1
    (rejected,) = (tmp_path / "journal.spill.rejected").read_text().splitlines()
    assert json.loads(rejected)["key"] == "poison"


async def test_half_a_surrogate_that_a_device_sent_stops_nothing(tmp_path: Path) -> None:
    store = FakeStore()
    journal = journal_of(store, tmp_path, pending_max=2)
    data = {"reason": "no such\ud83d\x00"}
    said = TimelineEntry(ContactId("a"), TimelineTag.OFFER_FAILED, ARRIVED, "1", data=data)
    rejected = replace(said, key="poison")
    for item in (opening("a"), said, rejected, entry(ContactId("a"), "2")):
        journal.submit(item)
    assert journal.spill_lines
    assert await journal.drain(20)
    assert store.order_of(ContactId("a")) == ["opened", "1", "2"]
    assert store.order[1] == replace(said, data={"reason": "no such�\x00"})
    assert journal.failures == 1


async def test_an_entry_before_its_card_waits_for_it(tmp_path: Path) -> None:
    store = FakeStore()
    journal = journal_of(store, tmp_path)
    async with running(journal):
        journal.submit(entry(ContactId("a"), "1"))
        journal.submit(entry(ContactId("a"), "2"))
        while journal.orphaned < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        journal.submit(opening("a"))
        assert await journal.drain(20)
    assert store.order_of(ContactId("a")) == ["opened", "1", "2"]
    assert (journal.orphaned, journal.failures) == (0, 0)


async def test_an_entry_whose_card_never_comes_is_kept_for_the_next_process(
    tmp_path: Path,
) -> None:
    store = FakeStore()
    journal = journal_of(store, tmp_path)
    journal.submit(entry(ContactId("a"), "1"))
    assert not await journal.drain(20)
    again = journal_of(store, tmp_path)
    again.submit(opening("a"))
    assert await again.drain(20)
    assert store.order_of(ContactId("a")) == ["opened", "1"]


async def test_entries_without_a_card_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "ORPHANS_MAX", 3)
    journal = journal_of(FakeStore(), tmp_path)
    for number in range(5):
        journal.submit(entry(ContactId(f"contact-{number}"), "1"))
    await journal.drain(20)
    assert journal.failures == 2
    assert journal.spill_lines == 3


async def test_a_failing_listener_does_not_stop_the_writing(tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    store = FakeStore()
    journal = journal_of(store, tmp_path, on_written=fail)
    journal.submit(opening("a"))
    journal.submit(entry(ContactId("a"), "1"))
    assert await journal.drain(20)
    assert len(store.order) == 2


async def test_a_full_disk_keeps_entries_in_memory_up_to_a_hard_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "PENDING_HARD_MAX", 8)

    def no_room(path: Path, line: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spill_module, "append_line", no_room)
    store = FakeStore()
    journal = journal_of(store, tmp_path, pending_max=4)
    journal.submit(opening("a"))
    for key in range(20):
        journal.submit(entry(ContactId("a"), str(key)))
    journal.submit(opening("b"))  # openings are never dropped
    assert journal.pending == 9
    assert journal.lost == 13
    assert await journal.drain(20)
    assert store.order_of(ContactId("a")) == ["opened", *map(str, range(7))]
    assert store.order_of(ContactId("b")) == ["opened"]


async def test_only_one_task_writes(tmp_path: Path) -> None:
    journal = journal_of(FakeStore(), tmp_path)
    async with running(journal):
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            await journal.run()


async def test_a_cancelled_writer_loses_nothing(tmp_path: Path) -> None:
    store = FakeStore()
    store.away = True
    journal = journal_of(store, tmp_path)
    async with running(journal):
        journal.submit(opening("a"))
        await asyncio.sleep(0.01)
    store.away = False
    assert journal.pending == 1
    assert await journal.drain(20)
    assert store.order_of(ContactId("a")) == ["opened"]


KILLED = textwrap.dedent(
    """
    import asyncio, os, signal, sys
    from pathlib import Path
    from tests.card.test_journal import FakeStore, entry, journal_of, opening

    async def main():
        store = FakeStore()
        store.away = True
        journal = journal_of(store, Path(sys.argv[1]), pending_max=5)
        for number in range(3):
            journal.submit(opening(f"contact-{number}"))
        for key in range(200):
            journal.submit(entry("contact-0", str(key)))
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(main())
    """
)


async def test_what_was_spilled_survives_a_kill(tmp_path: Path) -> None:
    process = subprocess.run(  # noqa: ASYNC221
        [sys.executable, "-c", KILLED, tmp_path],
        check=False,
        timeout=60,
        cwd=Path(__file__).parents[2],
        capture_output=True,
    )
    assert process.returncode == -signal.SIGKILL
    store = FakeStore()
    journal = journal_of(store, tmp_path)
    assert journal.corrupt_lines == 0
    journal.submit(opening("contact-0"))  # as the adoption does
    assert await journal.drain(20)
    keys = [int(key) for key in store.order_of(ContactId("contact-0"))[1:]]
    assert keys == list(range(len(keys)))
    assert len(keys) >= 195


async def test_the_real_store_behind_the_journal(
    tmp_path: Path, store: CardStore, arrived: Arrived
) -> None:
    journal = journal_of(store, tmp_path, pending_max=50)
    calls = [arrived(arrived_at=ARRIVED + timedelta(seconds=number)) for number in range(10)]
    async with running(journal):
        for opened in calls:
            journal.submit(opened)
        for tag in (TimelineTag.QUEUED, TimelineTag.CONNECTED, TimelineTag.ENDED):
            for opened in calls:
                journal.submit(TimelineEntry(opened.contact_id, tag, ARRIVED, tag.value))
        assert await journal.drain(60)
    cards = await store.search()
    assert len(cards) == 10
    assert {card.outcome for card in cards} == {"ended"}
    assert journal.failures == 0


@pytest.mark.skipif(not BINARIES, reason="no PostgreSQL server is installed: NOT tested on it")
async def test_a_killed_server_costs_no_entry(tmp_path: Path, arrived: Arrived) -> None:
    with tempfile.TemporaryDirectory(prefix="ccserver-pg-") as folder:
        cluster = Cluster(Path(folder))
        cluster.start()
        url = cluster.url("postgres")
        db.upgrade(url)
        database = Database(url, request_timeout_s=5)
        store = CardStore(database)
        journal = journal_of(store, tmp_path, pause=asyncio.sleep)
        first, second = arrived(), arrived()
        try:
            async with running(journal):
                journal.submit(first)
                while journal.written < 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                cluster.stop(signal.SIGQUIT)  # at once, as a crash
                journal.submit(entry(first.contact_id, "1"))
                journal.submit(second)
                while journal.retries < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                assert journal.pending == 2
                cluster.start_again()
                assert await journal.drain(60)
            assert len(await store.search()) == 2
            card = await store.card_of_contact(first.contact_id)
            assert card is not None
            assert len(card.timeline) == 2
        finally:
            await database.close()
            cluster.stop()


def test_the_spill_path_may_lie_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    spill = SpillFile(tmp_path / "new" / "folder" / "journal.spill")
    spill.append(opening("a"))
    spill.sync()
    assert os.listdir(tmp_path / "new" / "folder") == ["journal.spill"]


async def test_a_new_contact_is_written_ahead_of_what_others_did(tmp_path: Path) -> None:
    store = FakeStore()
    journal = journal_of(store, tmp_path)
    old, new = opening("a"), opening("b")
    entries = [entry(old.contact_id, f"k{number}") for number in range(5)]
    submitted: list[JournalItem] = [old, *entries, new, entry(new.contact_id, "k0")]
    for item in submitted:
        journal.submit(item)
    assert await journal.drain(5)
    assert store.order[:2] == [old, new]
    assert store.order[2:7] == entries
    assert store.order_of(new.contact_id) == ["opened", "k0"]
