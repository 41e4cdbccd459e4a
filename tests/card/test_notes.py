"""Notes: no saved text is ever lost or silently overwritten."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from ccserver.card import (
    NOTES_BYTES_MAX,
    CardStore,
    ContactOpened,
    NotesConflict,
    NotesSaved,
    NotesTooLong,
    TimelineTag,
    UnknownIncident,
)
from ccserver.types import IncidentId
from tests.card.conftest import ARRIVED


@pytest.fixture
async def incident_id(store: CardStore, arrived: Callable[..., ContactOpened]) -> IncidentId:
    return (await store.open_contact(arrived())).incident_id


async def save(
    store: CardStore, incident_id: IncidentId, text: str, base: int, author: str = "anna"
) -> NotesSaved:
    at = ARRIVED + timedelta(seconds=base)
    return await store.save_notes(incident_id, text, base_version=base, author=author, at=at)


async def test_saves_count_up(store: CardStore, incident_id: IncidentId) -> None:
    assert (await save(store, incident_id, "one", 0)).version == 1
    assert (await save(store, incident_id, "two", 1)).version == 2
    card = await store.card(incident_id)
    assert card is not None
    assert (card.notes.text, card.notes.version, card.notes.author) == ("two", 2, "anna")
    saves = [entry for entry in card.timeline if entry.tag is TimelineTag.NOTES_SAVED]
    assert [(entry.author, entry.data) for entry in saves] == [
        ("anna", {"version": 1}),
        ("anna", {"version": 2}),
    ]


async def test_a_conflict_gives_both_texts_back(store: CardStore, incident_id: IncidentId) -> None:
    await save(store, incident_id, "anna's", 0)
    with pytest.raises(NotesConflict) as caught:
        await save(store, incident_id, "berta's", 0, author="berta")
    conflict = caught.value
    assert (conflict.current_text, conflict.current_version) == ("anna's", 1)
    assert conflict.current_author == "anna"
    with pytest.raises(NotesConflict):
        await save(store, incident_id, "from the future", 7)


async def test_of_many_who_save_at_once_one_wins(store: CardStore, incident_id: IncidentId) -> None:
    results = await asyncio.gather(
        *(save(store, incident_id, f"text {n}", 0, author=f"author-{n}") for n in range(10)),
        return_exceptions=True,
    )
    assert [result.version for result in results if isinstance(result, NotesSaved)] == [1]
    assert sum(isinstance(result, NotesConflict) for result in results) == 9


async def test_a_repeated_save_is_the_same_save(store: CardStore, incident_id: IncidentId) -> None:
    first = await save(store, incident_id, "one", 0)
    assert await save(store, incident_id, "one", 0) == first
    assert (await save(store, incident_id, "one", 1)).version == 1  # nothing was changed
    card = await store.card(incident_id)
    assert card is not None
    assert len(card.timeline) == 2
    with pytest.raises(NotesConflict):
        await save(store, incident_id, "one", 0, author="berta")


async def test_every_saved_text_can_be_restored(store: CardStore, incident_id: IncidentId) -> None:
    texts = ["Rīga", "Rīga, Brīvības 1", "", "Пожар 🔥"]
    for base, text in enumerate(texts):
        await save(store, incident_id, text, base, author=f"author-{base}")
    history = await store.notes_history(incident_id)
    assert [(old.version, old.text, old.author) for old in history] == [
        (4, "Пожар 🔥", "author-3"),
        (3, "", "author-2"),
        (2, "Rīga, Brīvības 1", "author-1"),
        (1, "Rīga", "author-0"),
    ]
    assert await store.notes_history(IncidentId("unknown")) == []


async def test_the_length_is_bounded_in_bytes(store: CardStore, incident_id: IncidentId) -> None:
    fits = "ā" * (NOTES_BYTES_MAX // 2)
    assert (await save(store, incident_id, fits, 0)).version == 1
    with pytest.raises(NotesTooLong):
        await save(store, incident_id, fits + "x", 1)
    card = await store.card(incident_id)
    assert card is not None
    assert card.notes.text == fits
    assert len(card.summary.notes_excerpt) == 120


async def test_text_that_no_database_keeps_is_mended(
    store: CardStore, incident_id: IncidentId
) -> None:
    await save(store, incident_id, "nul\x00 and half \ud83d", 0)
    card = await store.card(incident_id)
    assert card is not None
    assert card.notes.text == "nul and half �"


async def test_notes_need_a_card(store: CardStore) -> None:
    with pytest.raises(UnknownIncident):
        await save(store, IncidentId("unknown"), "text", 0)
