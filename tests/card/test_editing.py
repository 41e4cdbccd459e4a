"""Fields of a card: no acknowledged save is lost or overwritten unseen, each can be undone."""

import asyncio
import os
import sys
import textwrap
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ccserver.card import (
    CardData,
    CardHead,
    CardMerged,
    CardStore,
    ChangedSince,
    ContactOpened,
    FieldConflict,
    FieldInvalid,
    FieldSaved,
    NotUndoable,
    TimelineTag,
    UnknownEntry,
    UnknownField,
    UnknownIncident,
    as_json,
)
from ccserver.card import editing as editing_module
from ccserver.card.models import IncidentRow, IncidentTimelineRow
from ccserver.db import Database
from ccserver.outbox import EventType, OutboxStore
from ccserver.types import IncidentId
from tests.card.conftest import ARRIVED
from tests.databases import REQUEST_TIMEOUT_S

Arrived = Callable[..., ContactOpened]
PERSON = "person:5d0f6f4e-3b5c-4c43-9d56-0f2f8b6f1a01"


@pytest.fixture
async def incident_id(store: CardStore, arrived: Arrived) -> IncidentId:
    return (await store.open_contact(arrived())).incident_id


async def save(  # noqa: PLR0917
    store: CardStore,
    incident_id: str,
    name: str,
    value: object,
    base: int = 0,
    author: str = "anna",
) -> FieldSaved:
    at = ARRIVED + timedelta(seconds=base + 1)
    return await store.save_field(
        IncidentId(incident_id), name, value, base_version=base, author=author, at=at
    )


async def undo(store: CardStore, incident_id: str, key: str, author: str = "berta") -> None:
    at = ARRIVED + timedelta(seconds=60)
    await store.undo(IncidentId(incident_id), key, author=author, at=at)


async def card_of(store: CardStore, incident_id: str) -> CardData:
    card = await store.card(IncidentId(incident_id))
    assert card is not None
    return card


async def values_of(store: CardStore, incident_id: IncidentId, name: str) -> list[object]:
    """Every value that was saved, oldest first."""
    return [saved.value for saved in reversed(await store.field_history(incident_id, name))]


async def merge(database: Database, source: str, target: str) -> None:
    """What stands in the rows after a merge."""

    def work(session: Session) -> None:
        incident = session.get(IncidentRow, source)
        assert incident is not None
        incident.merged_into = target
        session.execute(
            text("UPDATE contacts SET incident_id = :target WHERE incident_id = :source"),
            {"source": source, "target": target},
        )
        session.add(
            IncidentTimelineRow(
                incident_id=source,
                tag=TimelineTag.MERGED.value,
                at=ARRIVED + timedelta(minutes=5),
                key=f"merged:{target}",
                author="dace",
                data={},
            )
        )

    await database.write(work)


async def test_a_save_is_seen_on_the_card_and_told_in_its_timeline(
    store: CardStore, incident_id: IncidentId
) -> None:
    assert (await save(store, incident_id, "summary", "Deg jumts")).version == 1
    assert (await save(store, incident_id, "summary", "Deg māja", 1, "berta")).version == 2
    card = await card_of(store, incident_id)
    shown = as_json(card)
    assert shown["fields"] == {
        "summary": {
            "value": "Deg māja",
            "version": 2,
            "saved_at": "2026-03-01T12:00:02.250Z",
            "author": "berta",
        }
    }
    saves = [entry for entry in card.timeline if entry.tag is TimelineTag.FIELD_SAVED]
    assert [(entry.author, entry.contact_id, entry.incident_id) for entry in saves] == [
        ("anna", None, incident_id),
        ("berta", None, incident_id),
    ]
    assert saves[1].data == {
        "field": "summary",
        "version": 2,
        "value": "Deg māja",
        "previous": "Deg jumts",
    }


async def test_lists_show_type_priority_and_address(
    store: CardStore, incident_id: IncidentId
) -> None:
    await save(store, incident_id, "type", "fire.house")
    await save(store, incident_id, "priority", 9)
    await save(store, incident_id, "address", {"text": "Brīvības iela 1", "floor": "2"})
    (summary,) = await store.search()
    assert (summary.type_code, summary.priority, summary.address) == (
        "fire.house",
        9,
        "Brīvības iela 1",
    )
    await save(store, incident_id, "type", None, 1)
    (summary,) = await store.search()
    assert summary.type_code is None


async def test_a_conflict_gives_both_values_back(store: CardStore, incident_id: IncidentId) -> None:
    await save(store, incident_id, "priority", 5)
    with pytest.raises(FieldConflict) as caught:
        await save(store, incident_id, "priority", 9, author="berta")
    current = caught.value.current
    assert current is not None
    assert (current.value, current.version, current.author) == (5, 1, "anna")
    with pytest.raises(FieldConflict) as caught:
        await save(store, incident_id, "type", "fire", 7)
    assert caught.value.current is None
    assert await values_of(store, incident_id, "priority") == [5]


async def test_a_repeated_save_is_the_same_save(store: CardStore, incident_id: IncidentId) -> None:
    first = await save(store, incident_id, "address", {"text": "Rīga"})
    assert await save(store, incident_id, "address", {"text": "Rīga"}) == first
    assert await save(store, incident_id, "address", {"text": "Rīga", "code": None}, 1) == first
    with pytest.raises(FieldConflict):
        await save(store, incident_id, "address", {"text": "Rīga"}, author="berta")
    assert len(await store.field_history(incident_id, "address")) == 1


async def test_texts_come_back_as_they_were_typed(
    store: CardStore, incident_id: IncidentId
) -> None:
    typed = "<script>alert('x')</script> %s \\ \" ž\u200f🔥\n\t'; DROP TABLE incidents; --"
    person = {"role": "witness", "name": typed, "description": typed}
    await save(store, incident_id, PERSON, person)
    kept = (await card_of(store, incident_id)).fields[PERSON].value
    assert isinstance(kept, dict)
    assert (kept["name"], kept["description"]) == (typed, typed)
    await save(store, incident_id, PERSON, None, 1)
    assert (await card_of(store, incident_id)).fields[PERSON].value is None
    assert len(await values_of(store, incident_id, PERSON)) == 2


async def test_nothing_is_saved_on_a_card_that_is_not_there_or_in_no_field(
    store: CardStore, incident_id: IncidentId
) -> None:
    with pytest.raises(UnknownIncident):
        await save(store, "unknown", "type", "fire")
    with pytest.raises(UnknownIncident):
        await store.field_history(IncidentId("unknown"), "type")
    with pytest.raises(UnknownField):
        await save(store, incident_id, "colour", "red")
    with pytest.raises(UnknownField):
        await store.field_history(incident_id, "colour")
    with pytest.raises(FieldInvalid):
        await save(store, incident_id, "priority", 11)
    assert (await card_of(store, incident_id)).fields == {}


async def test_persons_and_vehicles_are_bounded_together(
    store: CardStore, incident_id: IncidentId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editing_module, "ENTITIES_MAX", 3)
    names = [f"{kind}:{uuid.uuid4()}" for kind in ("person", "vehicle", "person")]
    for name in names:
        await save(store, incident_id, name, None)
    with pytest.raises(FieldInvalid, match="at most 3"):
        await save(store, incident_id, f"vehicle:{uuid.uuid4()}", None)
    await save(store, incident_id, names[0], {"role": "victim"}, 1)
    await save(store, incident_id, "summary", "not one of them")


async def test_a_field_of_the_greatest_length_leaves_the_card_readable(
    store: CardStore, incident_id: IncidentId
) -> None:
    answers = {f"q{n}": "ā" * 1_300 for n in range(6)}
    await save(store, incident_id, "answers", answers)
    card = await card_of(store, incident_id)
    assert card.fields["answers"].value == answers
    assert card.timeline[-1].data == {"field": "answers", "version": 1}
    assert await values_of(store, incident_id, "answers") == [answers]


async def test_what_was_saved_can_be_undone_and_the_undoing_too(
    store: CardStore, incident_id: IncidentId
) -> None:
    await save(store, incident_id, "type", "fire")
    await save(store, incident_id, "type", "flood", 1)
    await undo(store, incident_id, "field_saved:type:2")
    card = await card_of(store, incident_id)
    assert (card.fields["type"].value, card.fields["type"].version) == ("fire", 3)
    assert card.summary.type_code == "fire"
    assert (card.timeline[-1].tag, card.timeline[-1].author) == (TimelineTag.FIELD_UNDONE, "berta")
    assert card.timeline[-1].data["undone"] == "field_saved:type:2"
    await undo(store, incident_id, "field_undone:type:3")
    assert await values_of(store, incident_id, "type") == ["fire", "flood", "fire", "flood"]


async def test_undoing_the_first_save_leaves_what_says_nothing(
    store: CardStore, incident_id: IncidentId
) -> None:
    await save(store, incident_id, "address", {"text": "Rīga"})
    await undo(store, incident_id, "field_saved:address:1")
    card = await card_of(store, incident_id)
    assert isinstance(card.fields["address"].value, dict)
    assert card.fields["address"].value["text"] == ""
    assert card.summary.address == ""


async def test_what_was_changed_since_is_not_undone(
    store: CardStore, incident_id: IncidentId
) -> None:
    await save(store, incident_id, "type", "fire")
    await save(store, incident_id, "type", "flood", 1)
    with pytest.raises(ChangedSince):
        await undo(store, incident_id, "field_saved:type:1")
    await undo(store, incident_id, "field_saved:type:2")
    await undo(store, incident_id, "field_saved:type:2")  # its answer was lost: once is enough
    with pytest.raises(ChangedSince):
        await undo(store, incident_id, "field_saved:type:2", author="anna")
    assert await values_of(store, incident_id, "type") == ["fire", "flood", "fire"]


async def test_only_what_is_there_and_can_be_undone_is_undone(
    store: CardStore, incident_id: IncidentId
) -> None:
    await store.save_notes(incident_id, "text", base_version=0, author="anna", at=ARRIVED)
    with pytest.raises(NotUndoable):
        await undo(store, incident_id, f"notes_saved:{incident_id}:1")
    for key in ("field_saved:type:1", "contact_arrived", "", "\0", "x" * 1_000):
        with pytest.raises(UnknownEntry):
            await undo(store, incident_id, key)
    with pytest.raises(UnknownIncident):
        await undo(store, "unknown", "field_saved:type:1")


async def test_a_card_that_was_merged_away_says_where_to_write(
    store: CardStore, database: Database, arrived: Arrived
) -> None:
    heads = [await store.open_contact(arrived()) for _ in range(3)]
    first, second, third = (head.incident_id for head in heads)
    await save(store, first, "summary", "from the first")
    await store.save_notes(first, "first notes", base_version=0, author="anna", at=ARRIVED)
    await merge(database, first, second)
    await merge(database, second, third)
    for attempt in (
        save(store, first, "type", "fire"),
        undo(store, first, "field_saved:summary:1"),
        store.save_notes(first, "x", base_version=1, author="anna", at=ARRIVED),
    ):
        with pytest.raises(CardMerged) as caught:
            await attempt
        assert caught.value.into == heads[2]
    assert await values_of(store, first, "summary") == ["from the first"]


async def test_a_card_shows_what_it_has_absorbed(
    store: CardStore, database: Database, arrived: Arrived
) -> None:
    heads = [await store.open_contact(arrived()) for _ in range(3)]
    first, second, third = (head.incident_id for head in heads)
    await save(store, first, "summary", "from the first")
    for version, words in enumerate(["first notes", "more of them"]):
        await store.save_notes(first, words, base_version=version, author="anna", at=ARRIVED)
    await merge(database, first, second)
    await merge(database, second, third)
    card = await card_of(store, third)
    assert len(card.contacts) == 3
    assert [(one.incident_id, one.author) for one in card.absorbed] == [
        (first, "dace"),
        (second, "dace"),
    ]
    assert card.absorbed[0].fields["summary"].value == "from the first"
    assert card.absorbed[0].notes.text == "more of them"
    assert card.fields == {}
    told = [(entry.tag.value, entry.incident_id) for entry in card.timeline]
    assert told.count(("contact_arrived", third)) == 3
    assert ("field_saved", first) in told
    assert told.count(("notes_saved", first)) == 2
    assert [old.text for old in await store.notes_history(first)] == ["more of them", "first notes"]
    away = await card_of(store, first)
    assert (away.contacts, away.summary.merged_into) == ((), heads[2])
    assert as_json(away)["merged_into"] == {"incident_id": third, "number": heads[2].number}
    listed = {summary.incident_id: summary for summary in await store.search()}
    assert listed[first].merged_into == CardHead(third, heads[2].number)
    assert listed[first].outcome is None


async def test_rows_bent_into_a_ring_end_a_walk(
    store: CardStore, database: Database, arrived: Arrived
) -> None:
    first, second = [(await store.open_contact(arrived())).incident_id for _ in range(2)]
    await merge(database, first, second)
    await merge(database, second, first)
    card = await card_of(store, first)
    assert {one.incident_id for one in card.absorbed} == {second}
    with pytest.raises(CardMerged):
        await save(store, first, "type", "fire")


async def test_every_change_is_told_once(
    database: Database, arrived: Arrived, store: CardStore
) -> None:
    told: list[str] = []
    telling = CardStore(database, changed=told.append)
    head = await telling.open_contact(arrived())
    assert told == []  # the journal tells of that
    await save(telling, head.incident_id, "type", "fire")
    await telling.save_notes(head.incident_id, "x", base_version=0, author="anna", at=ARRIVED)
    await undo(telling, head.incident_id, "field_saved:type:1")
    with pytest.raises(FieldConflict):
        await save(telling, head.incident_id, "type", "flood")
    assert told == [head.incident_id] * 3


async def test_the_world_outside_hears_that_but_not_what(
    store: CardStore, database: Database, incident_id: IncidentId
) -> None:
    await save(store, incident_id, "summary", "secret")
    with pytest.raises(FieldConflict):
        await save(store, incident_id, "summary", "also secret")
    (event,) = await OutboxStore(database).after(0)
    assert (event.type, event.incident_id) == (EventType.CARD_CHANGED, incident_id)
    assert event.data == {"tag": "field_saved"}


async def test_the_database_refuses_to_change_what_was_told(
    store: CardStore, database: Database, incident_id: IncidentId
) -> None:
    await save(store, incident_id, "type", "fire")
    for statement in ("UPDATE incident_timeline SET author = 'x'", "DELETE FROM incident_timeline"):

        def work(session: Session, what: str = statement) -> None:
            session.execute(text(what))

        with pytest.raises(DBAPIError):
            await database.write(work)
    assert await values_of(store, incident_id, "type") == ["fire"]


@dataclass
class Writer:
    """Saves a dozen values as a process of its own would; notes what was acknowledged."""

    number: int
    incident_id: IncidentId
    acknowledged: dict[tuple[str, int], object] = field(default_factory=dict)

    async def write(self, database_url: str) -> None:
        database = Database(database_url, request_timeout_s=REQUEST_TIMEOUT_S)
        try:
            for turn in range(12):
                await self._save(CardStore(database), turn)
        finally:
            await database.close()

    async def _save(self, store: CardStore, turn: int) -> None:
        name = WRITTEN[(self.number + turn) % len(WRITTEN)]
        said = self._value(name, turn)
        base = 0
        while True:
            try:
                saved = await save(store, self.incident_id, name, said, base, f"w{self.number}")
            except FieldConflict as conflict:
                base = 0 if conflict.current is None else conflict.current.version
            else:
                if saved.version == base + 1:  # else it changed nothing
                    self.acknowledged[name, saved.version] = said
                return

    def _value(self, name: str, turn: int) -> object:
        return (self.number + turn) % 11 if name == "priority" else f"{self.number}-{turn}"


WRITTEN = ("summary", "priority", "disposition")


async def test_of_many_writers_at_once_no_acknowledged_save_is_lost(
    database_url: str, store: CardStore, incident_id: IncidentId
) -> None:
    """Eight databases of their own, each with a writing thread."""
    writers = [Writer(number, incident_id) for number in range(8)]
    await asyncio.gather(*(writer.write(database_url) for writer in writers))
    acknowledged = [one for writer in writers for one in writer.acknowledged.items()]
    history = {
        (name, saved.version): saved.value
        for name in WRITTEN
        for saved in await store.field_history(incident_id, name)
    }
    assert len(acknowledged) == len(history)
    assert dict(acknowledged) == history
    shown = (await card_of(store, incident_id)).fields
    for name in WRITTEN:
        last = max(version for saved, version in history if saved == name)
        assert (shown[name].version, shown[name].value) == (last, history[name, last])
        assert [version for saved, version in history if saved == name] == list(range(last, 0, -1))


SAVING_PROCESS = """
    import asyncio, sys
    from datetime import UTC, datetime
    from ccserver.card import CardStore
    from ccserver.db import Database

    async def main(url, incident_id):
        store = CardStore(Database(url, request_timeout_s=20))
        for version in range(100_000):
            saved = await store.save_field(
                incident_id, "summary", f"text {version + 1}",
                base_version=version, author="anna", at=datetime.now(UTC),
            )
            print(saved.version, file=sys.stderr, flush=True)

    asyncio.run(main(*sys.argv[1:]))
"""


async def test_what_a_killed_process_has_acknowledged_is_there(
    database_url: str, store: CardStore, incident_id: IncidentId
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        textwrap.dedent(SAVING_PROCESS),
        database_url,
        incident_id,
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert process.stderr is not None
    acknowledged: list[int] = []
    while len(acknowledged) < 40:
        line = await process.stderr.readline()
        assert line, "the process ended by itself"
        acknowledged.append(int(line))
    process.kill()
    acknowledged += [int(line) for line in (await process.stderr.read()).split()]
    await process.wait()
    values = await values_of(store, incident_id, "summary")
    assert acknowledged == list(range(1, len(acknowledged) + 1))
    assert len(values) in (len(acknowledged), len(acknowledged) + 1)
    assert values == [f"text {version}" for version in range(1, len(values) + 1)]
