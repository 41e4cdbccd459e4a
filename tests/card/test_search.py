"""Cards are found by a part of what a person remembers, newest first, page by page."""

import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from alembic import command
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from ccserver import db
from ccserver.accounts import AccountStore, Role
from ccserver.accounts.passwords import Passwords
from ccserver.card import (
    CardStatus,
    CardStore,
    ContactOpened,
    InvalidCursor,
    TimelineEntry,
    TimelineTag,
    search,
)
from ccserver.card.models import ContactRow, IncidentRow, SearchRow
from ccserver.card.search import Wanted
from ccserver.card.text import folded, phone_digits
from ccserver.card.words import Document, Term, matches, query_of, words_of
from ccserver.db import Database
from tests.card.conftest import ARRIVED
from tests.databases import REQUEST_TIMEOUT_S, empty_url  # noqa: F401  (fixture)

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


async def card_with(
    store: CardStore, arrived: Callable[..., ContactOpened], notes: str, **changes: object
) -> str:
    opened = arrived(**changes)
    head = await store.open_contact(opened)
    await store.save_notes(
        head.incident_id, notes, base_version=0, author="anna", at=opened.arrived_at
    )
    return head.number


async def numbers(store: CardStore, query: str, **wanted: object) -> list[int]:
    found = await store.search(query, wanted=Wanted(**wanted))  # type: ignore[arg-type]
    return [int(card.number[-6:]) for card in found]


async def test_fields_of_a_card_are_found(
    store: CardStore, arrived: Callable[..., ContactOpened]
) -> None:
    head = await store.open_contact(arrived())
    values: dict[str, object] = {
        "summary": "Ugunsgrēks noliktavā",
        "address": {"text": "Brīvības iela 12-3, Rīga", "code": "100000001"},
        "callback_numbers": [{"number": "+371 26 555 777", "note": "māte"}],
        f"person:{uuid.uuid4()}": {"role": "patient", "name": "Žanna Šķēle"},
        f"vehicle:{uuid.uuid4()}": {"plate": "AB-1234", "vin": "WVWZZZ1KZAW000017"},
    }
    for name, value in values.items():
        await store.save_field(
            head.incident_id, name, value, base_version=0, author="anna", at=ARRIVED
        )
    for query in (
        *("ugunsgr", "noliktava", "brivibas 12-3", "Brīvības iela 12-3, Rīga", "26555777", "5777"),
        *("mate", "zanna skele", "AB-1234", "ab1234", "1234", "wvwzzz1kzaw000017"),
    ):
        assert await numbers(store, query) == [1], query
    for query in ("patient", "00000001", "grēks", "555"):
        assert await numbers(store, query) == [], query
    for name in values:
        if name.startswith(("person", "vehicle")):
            await store.save_field(
                head.incident_id, name, None, base_version=1, author="anna", at=ARRIVED
            )
    assert await numbers(store, "skele") == await numbers(store, "ab1234") == []


async def test_cards_are_chosen_by_what_they_are(
    filled: CardStore, arrived: Callable[..., ContactOpened]
) -> None:
    opened = arrived(arrived_at=ARRIVED + timedelta(minutes=1))
    head = await filled.open_contact(opened)
    await filled.save_field(
        head.incident_id, "type", "fire.house", base_version=0, author="anna", at=ARRIVED
    )
    await filled.record(
        TimelineEntry(opened.contact_id, TimelineTag.ENDED, opened.arrived_at, "ended")
    )
    at = ARRIVED + timedelta(seconds=1)
    table: list[tuple[str, dict[str, object], list[int]]] = [
        ("", {"since": at}, [4, 3, 2]),
        ("", {"until": at}, [1]),
        ("", {"since": at, "until": at + timedelta(seconds=1)}, [2]),
        ("", {"types": frozenset({"fire.house", "x"})}, [4]),
        ("", {"types": frozenset({"fire"})}, []),
        ("", {"agent_id": "agent-21"}, [2]),
        ("", {"agent_id": "agent-2"}, []),
        ("", {"status": CardStatus.OPEN}, [3, 2, 1]),
        ("371", {"status": CardStatus.OPEN}, [2, 1]),
        ("пожар", {"status": CardStatus.OPEN, "agent_id": "agent-21"}, [2]),
        ("", {"status": CardStatus.CLOSED}, [4]),
        ("maja", {"status": CardStatus.CLOSED}, []),
    ]
    for query, wanted, expected in table:
        assert await numbers(filled, query, **wanted) == expected, (query, wanted)
    closed = await filled.search(limit=1, wanted=Wanted(status=CardStatus.CLOSED))
    rest = await filled.search(before=closed[-1].cursor, wanted=Wanted(status=CardStatus.CLOSED))
    assert rest == []


async def test_long_words_that_begin_alike_are_told_apart(
    store: CardStore, arrived: Callable[..., ContactOpened]
) -> None:
    await card_with(store, arrived, "automatika")
    for _ in range(30):
        await card_with(store, arrived, "automašīna")
    found = await store.search("automatik", limit=3)
    assert [card.number for card in found] == ["2026-000001"]
    assert len(await store.search("automas", limit=3)) == 3
    assert len(await store.search("automas 2026", limit=40)) == 30


async def test_the_index_follows_the_notes(
    store: CardStore, arrived: Callable[..., ContactOpened]
) -> None:
    head = await store.open_contact(arrived())
    for version, text in enumerate(("pirmais", "otrais", "otrais trešais", "")):
        await store.save_notes(
            head.incident_id, text, base_version=version, author="anna", at=ARRIVED
        )
        for word in ("pirmais", "otrais", "trešais"):
            assert await numbers(store, word) == ([1] if word in text.split() else [])


async def test_a_book_of_notes_is_found_by_its_beginning(
    store: CardStore, arrived: Callable[..., ContactOpened]
) -> None:
    text = " ".join(f"vārds{number}" for number in range(6_000))
    await card_with(store, arrived, text, caller_number="+37129123456")
    assert await numbers(store, "vards7 29123456") == [1]
    assert await numbers(store, "vards5999") == []


async def test_cards_of_before_the_search_are_found(empty_url: str) -> None:  # noqa: F811
    command.upgrade(db.alembic_config(empty_url), "0009")
    engine = db.make_engine(empty_url, timeout_s=10)
    with engine.begin() as connection:
        for number in (1, 2):
            connection.execute(
                insert(IncidentRow).inline(),
                {
                    "incident_id": f"i{number}",
                    "number": f"2026-{number:06d}",
                    "opened_at": ARRIVED,
                    "notes_text": "Deg māja",
                    "notes_folded": "deg maja",
                    "notes_version": 1,
                },
            )
            connection.execute(
                insert(ContactRow).inline(),
                {
                    "contact_id": f"c{number}",
                    "incident_id": f"i{number}",
                    "medium": "voice",
                    "queue": "emergency",
                    "priority": 5,
                    "caller_number": f"+3712912345{number}",
                    "caller_digits": f"3712912345{number}",
                    "caller_number_hidden": False,
                    "arrived_at": ARRIVED,
                    "agent_id": "agent-20",
                    "outcome": "ended",
                },
            )
    engine.dispose()
    db.upgrade(empty_url)
    opened = Database(empty_url, request_timeout_s=REQUEST_TIMEOUT_S)
    try:
        store = CardStore(opened)
        assert await numbers(store, "maja") == [2, 1]
        assert await numbers(store, "3452", agent_id="agent-20") == [2]
    finally:
        await opened.close()


WORDS = st.lists(st.sampled_from(["deg", "māja", "deguns", "12-3", "AB-12", "лес", "a_b", "%"]))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(WORDS | st.text(max_size=20).map(str.split), max_size=4), asked=WORDS)
async def test_the_databases_find_what_the_words_say(
    database: Database,
    arrived: Callable[..., ContactOpened],
    texts: list[list[str]],
    asked: list[str],
) -> None:
    """Whatever is typed: the database's own index and the definition in Python agree."""
    store = CardStore(database)
    made = [await card_with(store, arrived, " ".join(text)) for text in texts]
    query = query_of(" ".join(asked[:3]))
    expected = {
        number
        for number, text in zip(made, texts, strict=True)
        if matches(query, words_of(Document(number, ["37129123456"], (), [" ".join(text)])).split())
    }
    found = {card.number for card in await store.search(" ".join(asked[:3]))}
    assert found & set(made) == expected


COMMON_AND_RARE = (
    "deg",
    "automašīna",
    "automatika",
    "automatisks",
    "autobuss",
    "bezsamaņā",
    "2912",
)


async def test_every_way_of_finding_finds_the_same(
    store: CardStore,
    database: Database,
    arrived: Callable[..., ContactOpened],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By looking through the newest, through more, and by the index, with all words or the rare."""
    monkeypatch.setattr(search, "NEWEST", 6)
    monkeypatch.setattr(search, "FURTHER", 2)
    monkeypatch.setattr(search, "CUT_HITS", 1)
    draw = random.Random(1)  # noqa: S311
    for _ in range(40):
        rare = draw.choices(COMMON_AND_RARE, weights=[40, 20, 5, 2, 10, 8, 0], k=draw.randint(1, 4))
        await card_with(store, arrived, " ".join(rare))

    def check(session: Session) -> None:
        rows = session.execute(select(SearchRow.position, SearchRow.words)).all()
        cards = sorted(((at, words.split(" ")) for at, words in rows), reverse=True)
        for typed in product(COMMON_AND_RARE, COMMON_AND_RARE[:4], COMMON_AND_RARE[3:]):
            query = query_of(" ".join(typed))
            for limit in (1, 3, 50):
                span = search.Span(end=cards[limit % 7][0])
                hits = search.find(session.connection(), query, span, limit)
                expected = [at for at, words in cards if at < span.end and matches(query, words)]
                assert [at for at, _ in hits] == expected[:limit], typed

    await database.read(check)


@pytest.mark.parametrize(
    ("counts", "asked_of_the_index"),
    [
        ([5], "a"),
        ([0, 2_000], "a"),
        ([1, 25], "ab"),
        ([1, 26], "a"),
        ([1_900, 2, 40], "bc"),
        ([51, 51, 1_562, 61], "abd"),
        ([500, 400, 300], "abc"),
    ],
)
def test_only_words_that_spare_looking_at_cards_are_asked_of_the_index(
    counts: list[int], asked_of_the_index: str
) -> None:
    query = tuple((Term(word),) for word in "abcd"[: len(counts)])
    rare, common = search.split(query, counts)
    assert {clause[0].word for clause in rare} == set(asked_of_the_index)
    assert {*rare, *common} == set(query)


@given(st.text(max_size=300))
def test_anything_typed_is_a_query(text: str) -> None:
    for clause in query_of(text, [("agent-1", "anna")]):
        assert clause
        assert all(term.word for term in clause)
        assert not set("".join(term.word for term in clause)) & set(" \"'\\*()&|:!")


async def test_a_card_is_found_by_whoever_has_answered_last(
    store: CardStore, arrived: Callable[..., ContactOpened]
) -> None:
    opened = arrived()
    await store.open_contact(opened)
    for seconds, agent_id in enumerate(("agent-20", "agent-21")):
        await store.record(
            TimelineEntry(
                opened.contact_id,
                TimelineTag.CONNECTED,
                ARRIVED + timedelta(seconds=seconds),
                f"connected-{seconds}",
                agent_id=agent_id,  # type: ignore[arg-type]
            )
        )
        assert await numbers(store, "29123456", agent_id=agent_id) == [1]
    assert await numbers(store, "", agent_id="agent-20") == []


ECALL = "urn:service:sos.ecall"
AUTOMATIC, TRIED = f"{ECALL}.automatic", "urn:service:test.sos.ecall"


@pytest.fixture
async def cars(store: CardStore, arrived: Callable[..., ContactOpened]) -> CardStore:
    """1: 112, 2: an eCall, 3: a test, 4: fire, 5: a test, of which the last two go on."""
    asked = [None, AUTOMATIC, TRIED, "urn:service:sos.fire", TRIED]
    for second, service in enumerate(asked):
        at = ARRIVED + timedelta(seconds=second)
        opened = arrived(service=service, test=service == TRIED, arrived_at=at)
        await store.open_contact(opened)
        if second < 3:
            await store.record(TimelineEntry(opened.contact_id, TimelineTag.ENDED, at, "ended"))
    return store


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"service": AUTOMATIC}, [2]),
        ({"service": ECALL}, [2]),
        ({"service": "urn:service:sos"}, [4, 2]),
        ({"service": "urn:service:sos.e"}, []),
        ({"service": TRIED}, [5, 3]),
        ({"test": True}, [5, 3]),
        ({"test": False}, [4, 2, 1]),
        ({"test": True, "service": ECALL}, []),
        ({"test": False, "service": TRIED}, []),
        ({"test": True, "status": CardStatus.OPEN}, [5]),
        ({"test": False, "status": CardStatus.OPEN}, [4]),
        ({"test": False, "status": CardStatus.CLOSED}, [2, 1]),
    ],
)
async def test_cards_are_found_by_what_was_asked_for_and_tests_apart(
    cars: CardStore, wanted: dict[str, object], found: list[int]
) -> None:
    assert await numbers(cars, "", **wanted) == found
    if found:
        page = await cars.search(limit=1, wanted=Wanted(**wanted))  # type: ignore[arg-type]
        assert [int(card.number[-6:]) for card in page] == found[:1]
    # What is written anew keeps them.
    for card in await cars.search():
        await cars.save_notes(
            card.incident_id, "x", base_version=0, author="anna", at=card.opened_at
        )
    assert await numbers(cars, "x", **wanted) == found
