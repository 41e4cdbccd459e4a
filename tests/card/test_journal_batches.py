"""The journal writes in batches, and nobody can tell from what is written or told."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ccserver.card import CardHead, CardStore, ContactOpened
from ccserver.card.models import TimelineRow
from ccserver.card.spill import JournalItem, SpillFile
from ccserver.db import Database, DatabaseUnavailable
from ccserver.types import ContactId
from tests.card.test_journal import FakeStore, entry, journal_of, opening, running


def name_of(item: JournalItem) -> str:
    return "opened" if isinstance(item, ContactOpened) else item.key


async def test_the_fake_store_and_the_real_one_agree(store: CardStore) -> None:
    a, b, stranger = (ContactId(str(uuid.uuid4())) for _ in range(3))
    items: list[JournalItem] = [
        entry(a, "early"),
        entry(stranger, "1"),
        opening(b),
        opening(a),
        entry(b, "1"),
    ]
    for one in (FakeStore(), store):
        heads = await one.write(items)
        assert [head is None for head in heads] == [False, True, False, False, False]
        assert heads[0] == heads[3] != heads[2] == heads[4]
        assert list(await one.write(items)) == list(heads)
        assert list(await one.write([entry(a, "late")])) == [heads[0]]


async def test_what_gathers_while_one_item_is_written_is_the_next_batch(tmp_path: Path) -> None:
    store = FakeStore()
    journal = journal_of(store, tmp_path)
    async with running(journal):
        journal.submit(opening("a"))
        while not store.batches:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for key in range(5):
            journal.submit(entry(ContactId("a"), str(key)))
        assert await journal.drain(20)
    assert store.batches == [1, 5]


async def test_a_batch_is_bounded(tmp_path: Path) -> None:
    store = FakeStore()
    journal = journal_of(store, tmp_path)
    journal.submit(opening("a"))
    for key in range(250):
        journal.submit(entry(ContactId("a"), str(key)))
    assert await journal.drain(20)
    assert store.batches == [100, 100, 51]


async def test_what_was_spilled_is_written_in_batches(tmp_path: Path) -> None:
    spill = SpillFile(tmp_path / "journal.spill")
    spill.append(opening("a"))
    for key in range(250):
        spill.append(entry(ContactId("a"), str(key)))
    store = FakeStore()
    assert await journal_of(store, tmp_path).drain(20)
    assert store.batches == [100, 100, 51]
    assert store.order_of(ContactId("a")) == ["opened", *map(str, range(250))]


async def test_an_opening_in_the_file_is_told_of_ahead_of_what_stands_before_it(
    tmp_path: Path,
) -> None:
    spill = SpillFile(tmp_path / "journal.spill")
    for item in (entry(ContactId("a"), "1"), opening("a"), entry(ContactId("a"), "2")):
        spill.append(item)
    told: list[str] = []
    store = FakeStore()
    journal = journal_of(store, tmp_path, on_written=lambda _, __, item: told.append(name_of(item)))
    assert await journal.drain(20)
    assert told == store.order_of(ContactId("a")) == ["opened", "1", "2"]
    assert journal.failures == 0


async def test_an_item_that_no_database_takes_is_found_in_its_batch_and_rejected_alone(
    tmp_path: Path,
) -> None:
    store = FakeStore()
    journal = journal_of(store, tmp_path)
    journal.submit(opening("a"))
    for key in range(90):
        journal.submit(entry(ContactId("a"), "poison" if key == 70 else str(key)))
    assert await journal.drain(20)
    expected = [str(key) for key in range(90) if key != 70]
    assert store.order_of(ContactId("a")) == ["opened", *expected]
    assert (journal.failures, journal.retries) == (1, 0)
    assert len(store.batches) <= 20


async def test_a_batch_that_takes_too_long_is_tried_in_smaller_parts(tmp_path: Path) -> None:
    class SlowStore(FakeStore):
        async def write(self, items: Sequence[JournalItem]) -> Sequence[CardHead | None]:
            if len(items) > 3:
                self.batches.append(len(items))
                raise DatabaseUnavailable("no answer within the request's time")
            return await super().write(items)

    store = SlowStore()
    journal = journal_of(store, tmp_path)
    journal.submit(opening("a"))
    for key in range(30):
        journal.submit(entry(ContactId("a"), str(key)))
    assert await journal.drain(20)
    assert store.order_of(ContactId("a")) == ["opened", *map(str, range(30))]


async def test_orphans_of_a_contact_go_ahead_of_its_later_entries(tmp_path: Path) -> None:
    store = FakeStore()
    journal = journal_of(store, tmp_path)
    contact_id = ContactId("a")
    async with running(journal):
        journal.submit(entry(contact_id, "1"))
        while not journal.orphaned:  # noqa: ASYNC110
            await asyncio.sleep(0)
        journal.submit(opening("a"))
        journal.submit(entry(contact_id, "2"))
        assert await journal.drain(20)
    assert store.order_of(contact_id) == ["opened", "1", "2"]


class FaultyStore(FakeStore):
    """Fails as it is told to; an unclear failure comes after everything was written."""

    def __init__(self, faults: Iterator[str]) -> None:
        super().__init__()
        self._faults = faults

    async def write(self, items: Sequence[JournalItem]) -> Sequence[CardHead | None]:
        fault = next(self._faults, "none")
        if fault == "away":
            await asyncio.sleep(0)
            raise DatabaseUnavailable("away")
        heads = await super().write(items)
        if fault == "unclear":
            raise DatabaseUnavailable("no answer")
        return heads


CONTACTS = [ContactId(name) for name in "abc"]
WHAT = st.sampled_from(["opened", "poison", *"123456"])
STEPS = st.lists(
    st.one_of(st.tuples(st.sampled_from(CONTACTS), WHAT), st.integers(1, 4)), max_size=40
)
FAULTS = st.lists(st.sampled_from(["none", "none", "away", "unclear"]), max_size=20)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, faults=FAULTS, batch_max=st.integers(1, 8), pending_max=st.integers(2, 12))
async def test_batches_of_any_split_with_faults_anywhere_end_as_one_by_one(
    tmp_path: Path,
    steps: list[tuple[ContactId, str] | int],
    faults: list[str],
    batch_max: int,
    pending_max: int,
) -> None:
    """A number lets the writer go on for so many turns; at the end every contact is opened.

    Written one by one, a contact's rows are its opening, then each key where it first came.
    """
    folder = tmp_path / str(uuid.uuid4())
    store = FaultyStore(iter(faults))
    told: dict[ContactId, list[str]] = {contact_id: [] for contact_id in CONTACTS}

    def tell(contact_id: ContactId, _: object, item: JournalItem) -> None:
        assert name_of(item) in store.order_of(contact_id)
        told[contact_id].append(name_of(item))

    journal = journal_of(
        store, folder, batch_max=batch_max, pending_max=pending_max, on_written=tell
    )
    expected: dict[ContactId, list[str]] = {contact_id: [] for contact_id in CONTACTS}
    poisoned = 0
    async with running(journal):
        for step in steps:
            if isinstance(step, int):
                for _ in range(step):
                    await asyncio.sleep(0)
                continue
            contact_id, what = step
            poisoned += what == "poison"
            if what == "opened":
                journal.submit(opening(contact_id))
            else:
                journal.submit(entry(contact_id, what))
                expected[contact_id].append(what)
        await journal.drain(60)
    again = journal_of(store, folder, on_written=tell)
    for contact_id in CONTACTS:
        again.submit(opening(contact_id))
    assert await again.drain(60)
    rejected = journal.failures + again.failures
    for contact_id, keys in expected.items():
        one_by_one = ["opened", *dict.fromkeys(key for key in keys if key != "poison")]
        assert store.order_of(contact_id) == one_by_one
        # Told again is what was written twice, e.g. what was put aside on disk meanwhile.
        assert list(dict.fromkeys(told[contact_id])) == one_by_one
    assert (rejected > 0) == (poisoned > 0)
    assert rejected >= poisoned
    assert journal.lost == again.lost == 0


KILLED = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from ccserver.card import CardStore
    from ccserver.db import Database
    from tests.card.test_journal import entry, journal_of, opening, running
    from tests.card.test_journal_batches import name_of

    async def main():
        store = CardStore(Database(sys.argv[1], request_timeout_s=20))
        tell = lambda contact_id, _, item: print("told", name_of(item), flush=True)
        journal = journal_of(store, Path(sys.argv[2]), on_written=tell)
        async with running(journal):
            journal.submit(opening("a"))
            for key in range(1_000_000):
                journal.submit(entry("a", str(key)))
                if key % 7 == 0:
                    await asyncio.sleep(0.001)

    asyncio.run(main())
    """
)
TOLD_BEFORE_THE_KILL = 150


async def test_a_kill_leaves_no_hole_and_everything_that_was_told_is_there(
    tmp_path: Path, database_url: str, database: Database
) -> None:
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", KILLED, database_url, tmp_path],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told: list[str] = []
    for line in process.stdout:  # to the end: what it said before it died counts
        if line.startswith("told ") and line.endswith("\n"):
            told.append(line.split()[1])
        if len(told) == TOLD_BEFORE_THE_KILL:
            os.kill(process.pid, signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    query = select(TimelineRow.key).order_by(TimelineRow.entry_id)
    written = await database.read(lambda session: session.scalars(query).all())
    in_order = ["contact_arrived", *map(str, range(len(written) - 1))]
    assert written == in_order
    assert told == ["opened", *in_order[1 : len(told)]]
    assert len(told) <= len(written)
