"""Cards are found by a part of what a person remembers, newest first, page by page."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event
from sqlalchemy.engine import Engine

from ccserver.accounts import AccountStore, Role
from ccserver.accounts.passwords import Passwords
from ccserver.card import (
    CardStore,
    ContactOpened,
    InvalidCursor,
    TimelineEntry,
    TimelineTag,
)
from ccserver.card.text import containing, folded, phone_digits
from ccserver.db import Database
from tests.card.conftest import ARRIVED

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
async def filled(
    store: CardStore, arrived: Callable[..., ContactOpened], database: Database
) -> CardStore:
    """Three cards: 000001 the oldest."""
    for login, name, extension in [("anna", "Anna Bērziņa", "20"), ("ivan", "Иван Петров", "21")]:
        await AccountStore(database, passwords=Passwords(CHEAP)).add(
            login=login,
            name=name,
            role=Role.CALL_TAKER,
            language="lv",
            password="correct horse",
            extension=extension,
        )
    contents = [
        ("+37129123456", "Deg māja Brīvības ielā 100%", "agent-20"),
        ("+37167001122", "пожар в лесу, a_b", "agent-21"),
        (None, "", None),
    ]
    for second, (number, notes, agent_id) in enumerate(contents):
        at = ARRIVED + timedelta(seconds=second)
        opened = arrived(caller_number=number, arrived_at=at)
        head = await store.open_contact(opened)
        if agent_id is not None:
            await store.record(
                TimelineEntry(
                    opened.contact_id,
                    TimelineTag.CONNECTED,
                    at,
                    "connected",
                    agent_id=agent_id,  # type: ignore[arg-type]
                )
            )
        await store.save_notes(head.incident_id, notes, base_version=0, author="anna", at=at)
    return store


FOUND: dict[str, list[int]] = {
    "": [3, 2, 1],
    "   ": [3, 2, 1],
    "29123456": [1],
    "3456": [1],
    "+371 29 123-456": [1],
    "0037129123456": [1],
    "371": [2, 1],
    "2026-000002": [2],
    "000003": [3],
    "2026": [3, 2, 1],
    "māja": [1],
    "MAJA": [1],
    "brivibas deg": [1],
    "deg лесу": [],
    "ПОЖАР": [2],
    "berzina": [1],
    "Bērziņa māja": [1],
    "петров": [2],
    "100%": [1],
    "%": [1],
    "_": [2],
    "a_b": [2],
    "\\": [],
    "'; DROP TABLE incidents; --": [],
    "12": [],
    "\x00": [3, 2, 1],
    "\ud800": [],
    "word " * 10_000: [],
}


async def test_cards_are_found(filled: CardStore) -> None:
    found = {
        query: [int(card.number[-6:]) for card in await filled.search(query)] for query in FOUND
    }
    assert found == FOUND


async def test_pages_meet_without_gap_or_overlap(
    store: CardStore, arrived: Callable[..., ContactOpened]
) -> None:
    # Several in the same instant: the cursor must tell those apart too.
    for number in range(25):
        await store.open_contact(arrived(arrived_at=ARRIVED + timedelta(seconds=number // 5)))
    numbers: list[str] = []
    before = None
    while page := await store.search(limit=4, before=before):
        assert len(page) <= 4
        numbers += [card.number for card in page]
        before = page[-1].cursor
    assert sorted(numbers) == [f"2026-{number:06d}" for number in range(1, 26)]
    every = await store.search()
    assert [card.number for card in every] == numbers
    assert [card.opened_at for card in every] == sorted(
        (card.opened_at for card in every), reverse=True
    )


async def test_the_limit_is_bounded(
    store: CardStore, arrived: Callable[..., ContactOpened]
) -> None:
    for _ in range(102):
        await store.open_contact(arrived())
    assert len(await store.search(limit=10_000)) == 100
    assert len(await store.search(limit=-5)) == 1


async def test_a_cursor_that_no_search_gave_is_refused(store: CardStore) -> None:
    no_zone, no_incident = "2026-01-01~a", "2026-01-01T00:00:00+00:00"
    for cursor in ("", "x", no_zone, "~", no_incident, "\x00~\x00"):
        with pytest.raises(InvalidCursor):
            await store.search(before=cursor)


async def test_a_page_costs_the_same_number_of_queries_whatever_its_size(
    filled: CardStore, arrived: Callable[..., ContactOpened]
) -> None:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await filled.search(limit=1)
        few = len(statements)
        for _ in range(30):
            await filled.open_contact(arrived())
        statements.clear()
        assert len(await filled.search()) == 33
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(statements) == few


@pytest.mark.parametrize(
    ("query", "digits"),
    [
        ("29 123 456", "29123456"),
        ("+371(29)123-456", "37129123456"),
        ("12", None),
        ("house 123", None),
        ("", None),
    ],
)
def test_a_telephone_number_is_told_from_words(query: str, digits: str | None) -> None:
    assert phone_digits(query) == digits


def test_searched_text_has_neither_case_nor_marks() -> None:
    assert folded("ŠĶŪNIS Straße Ёж") == "skunis strasse еж"
    assert containing("50%_\\") == "%50\\%\\_\\\\%"
