"""A batch of items is written whole or not at all, and leaves the same rows as one item at a time.

All of it on SQLite and on PostgreSQL.
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ccserver.acd.events import Direction
from ccserver.card import CardStore, ContactOpened, TimelineEntry, TimelineTag
from ccserver.card.models import ContactRow, IncidentRow, TimelineRow
from ccserver.db import Database
from ccserver.types import AgentId, ContactId, IncidentId
from tests.card.conftest import ARRIVED

Arrived = Callable[..., ContactOpened]
Item = ContactOpened | TimelineEntry


def entry(contact_id: ContactId, tag: str, second: float = 0, **more: object) -> TimelineEntry:
    values: dict[str, object] = {"key": f"{tag}:{second}", "agent_id": AgentId("agent-20")}
    at = ARRIVED + timedelta(seconds=second)
    return TimelineEntry(contact_id, TimelineTag(tag), at, **(values | more))  # type: ignore[arg-type]


def poison(contact_id: ContactId) -> TimelineEntry:
    """What no database takes: half of a surrogate pair in a seat's name."""
    return entry(contact_id, "held", agent_id=AgentId("\ud800"))


async def rows_of(database: Database, contact_ids: Sequence[ContactId]) -> list[list[object]]:
    """Everything that the database holds of each contact, without its keys; entries as written."""
    contact = select(ContactRow.outcome, ContactRow.answered_at, ContactRow.ended_at)
    contact = contact.add_columns(ContactRow.agent_id, ContactRow.arrived_at)
    timeline = select(TimelineRow.tag, TimelineRow.at, TimelineRow.key, TimelineRow.agent_id)
    timeline = timeline.add_columns(TimelineRow.data).order_by(TimelineRow.entry_id)

    def work(session: Session) -> list[list[object]]:
        return [
            [
                tuple(row)
                for query in (
                    contact.where(ContactRow.contact_id == contact_id),
                    timeline.where(TimelineRow.contact_id == contact_id),
                )
                for row in session.execute(query)
            ]
            for contact_id in contact_ids
        ]

    return await database.read(work)


async def test_openings_are_written_ahead_of_entries(
    store: CardStore, arrived: Arrived, database: Database
) -> None:
    first, second = arrived(), arrived(caller_number=None)
    before = entry(first.contact_id, "queued")
    heads = await store.write([before, second, first, entry(second.contact_id, "ended", 4)])
    assert [head and head.number for head in heads] == [
        "2026-000002",
        "2026-000001",
        "2026-000002",
        "2026-000001",
    ]
    of_first, of_second = await rows_of(database, [first.contact_id, second.contact_id])
    assert [row[0] for row in of_first] == ["waiting", "contact_arrived", "queued"]  # type: ignore[index]
    assert [row[0] for row in of_second] == ["ended", "contact_arrived", "ended"]  # type: ignore[index]


async def test_nothing_is_written_of_a_contact_without_a_card(
    store: CardStore, arrived: Arrived, database: Database
) -> None:
    opened, stranger = arrived(), ContactId(str(uuid.uuid4()))
    heads = await store.write(
        [opened, entry(stranger, "ended"), entry(opened.contact_id, "connected", 2)]
    )
    assert [head is None for head in heads] == [False, True, False]
    rows = await rows_of(database, [opened.contact_id, stranger])
    assert [len(some) for some in rows] == [3, 0]


async def test_an_empty_batch_is_nothing(store: CardStore) -> None:
    assert list(await store.write([])) == []


async def test_one_item_that_no_database_takes_leaves_nothing_of_its_batch(
    store: CardStore, arrived: Arrived, database: Database
) -> None:
    opened = arrived()
    with pytest.raises(UnicodeEncodeError):
        await store.write([opened, entry(opened.contact_id, "queued"), poison(opened.contact_id)])
    for table in (IncidentRow, ContactRow, TimelineRow):
        count = select(func.count()).select_from(table)
        assert await database.read(lambda session, query=count: session.scalar(query)) == 0  # type: ignore[misc]
    (head,) = await store.write([opened])
    assert head is not None
    assert head.number == "2026-000001"


async def test_a_batch_may_hold_the_same_item_twice(
    store: CardStore, arrived: Arrived, database: Database
) -> None:
    opened = arrived()
    said = entry(opened.contact_id, "offered", data={"try": 1})
    again = entry(opened.contact_id, "offered", data={"try": 2})
    heads = await store.write([opened, opened, said, again])
    assert len(set(heads)) == 1
    (rows,) = await rows_of(database, [opened.contact_id])
    assert [row[-1] for row in rows[2:]] == [{"try": 1}]  # type: ignore[index]


async def test_a_batch_over_the_turn_of_the_year_numbers_each_year_by_itself(
    store: CardStore, arrived: Arrived
) -> None:
    turn = timedelta(days=365)
    heads = await store.write(
        [arrived(arrived_at=ARRIVED + late) for late in (turn, turn * 0, turn, turn * 0)]
    )
    assert [head and head.number for head in heads] == [
        "2027-000001",
        "2026-000001",
        "2027-000002",
        "2026-000002",
    ]


async def test_calls_that_we_make_and_new_contacts_share_a_batch(
    store: CardStore, arrived: Arrived
) -> None:
    first = await store.open_contact(arrived())
    placed = arrived(direction=Direction.OUTBOUND, incident_id=first.incident_id)
    stray = arrived(direction=Direction.OUTBOUND, incident_id=IncidentId("nowhere"))
    heads = await store.write([placed, arrived(), stray])
    assert heads[0] == first
    assert [head and head.number for head in heads[1:]] == ["2026-000002", "2026-000003"]


TAGS = ("queued", "offered", "connected", "abandoned", "ended", "parachute_answered")
ENTRIES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(TAGS), st.integers(0, 3)), max_size=25
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(said=ENTRIES, data=st.data())
async def test_any_split_into_batches_leaves_the_same_rows(
    store: CardStore,
    arrived: Arrived,
    database: Database,
    said: list[tuple[int, str, int]],
    data: st.DataObject,
) -> None:
    """Also when batches are written again, as after an answer that was lost."""

    def items() -> tuple[list[ContactId], list[Item]]:
        opened = [arrived(arrived_at=ARRIVED + timedelta(seconds=n)) for n in range(3)]
        ids = [one.contact_id for one in opened]
        return ids, [*opened, *(entry(ids[who], tag, second) for who, tag, second in said)]

    single_ids, singles = items()
    for item in singles:
        await store.write([item])
    batched_ids, batched = items()
    while batched:
        size = data.draw(st.integers(1, len(batched)))
        for _ in range(data.draw(st.integers(1, 2))):
            await store.write(batched[:size])
        batched = batched[size:]
    assert await rows_of(database, batched_ids) == await rows_of(database, single_ids)


async def test_batches_of_two_processes_on_the_same_contacts_lock_in_no_circle(
    database_url: str, store: CardStore, arrived: Arrived
) -> None:
    calls = [arrived() for _ in range(8)]
    await store.write(calls)
    other = Database(database_url, request_timeout_s=60)

    async def write(through: CardStore, order: Sequence[ContactOpened], seat: str) -> None:
        for second in range(10):
            await through.write(
                [
                    entry(one.contact_id, "connected", second, key=f"{seat}:{second}")
                    for one in order
                ]
            )

    try:
        await asyncio.gather(write(store, calls, "a"), write(CardStore(other), calls[::-1], "b"))
    finally:
        await other.close()
    for card in await store.search():
        assert card.answered_at == ARRIVED
        found = await store.card(card.incident_id)
        assert found is not None
        assert len(found.timeline) == 21
