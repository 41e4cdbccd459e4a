"""Every contact has one card with one number, and its timeline tells everything once.

All of it on SQLite and on PostgreSQL.
"""

import asyncio
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ccserver.accounts import Role
from ccserver.acd.events import Direction
from ccserver.card import (
    CardData,
    CardStatus,
    CardStore,
    ContactOpened,
    Outcome,
    SpokenWith,
    TimelineEntry,
    TimelineTag,
    UnknownContact,
    as_json,
)
from ccserver.db import Database, DatabaseUnavailable
from ccserver.recording.models import PartyRecordingRow, RecordingRow
from ccserver.types import AgentId, ContactId, IncidentId, Medium
from tests.card.conftest import ARRIVED
from tests.databases import accounts_of

Arrived = Callable[..., ContactOpened]


def entry(contact_id: str, tag: str, second: float = 0, **more: object) -> TimelineEntry:
    values: dict[str, object] = {"key": f"{tag}:{second}"}
    return TimelineEntry(
        ContactId(contact_id),
        TimelineTag(tag),
        ARRIVED + timedelta(seconds=second),
        **(values | more),  # type: ignore[arg-type]
    )


async def card_of(store: CardStore, contact_id: ContactId) -> CardData:
    card = await store.card_of_contact(contact_id)
    assert card is not None
    return card


async def test_a_card_opens_with_everything_known_at_arrival(
    store: CardStore, arrived: Arrived
) -> None:
    opened = arrived(caller_number_hidden=True)
    head = await store.open_contact(opened)
    assert head.number == "2026-000001"
    card = await store.card(head.incident_id)
    assert card is not None
    assert card == await card_of(store, opened.contact_id)
    assert await store.head_of_contact(opened.contact_id) == head
    (contact,) = card.contacts
    assert contact.caller_number == "+37129123456"
    assert contact.caller_number_hidden is True
    assert contact.called_number == "112"
    assert contact.arrived_at == ARRIVED
    assert (contact.outcome, contact.answered_at, contact.ended_at) == (Outcome.WAITING, None, None)
    assert card.summary.status is CardStatus.OPEN
    assert [one.tag for one in card.timeline] == [TimelineTag.CONTACT_ARRIVED]
    assert card.notes.version == 0


async def test_a_contact_without_a_number_has_a_card_too(
    store: CardStore, arrived: Arrived
) -> None:
    opened = arrived(caller_number=None, called_number=None)
    await store.open_contact(opened)
    assert (await card_of(store, opened.contact_id)).summary.caller_number is None


async def test_opening_twice_is_one_card(store: CardStore, arrived: Arrived) -> None:
    opened = arrived()
    heads = await asyncio.gather(*(store.open_contact(opened) for _ in range(20)))
    assert len(set(heads)) == 1
    assert len((await card_of(store, opened.contact_id)).timeline) == 1
    assert (await store.open_contact(arrived())).number == "2026-000002"


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run ``work`` in threads that begin together; the first failure is raised."""
    together = threading.Barrier(count)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            together.wait(30)
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures, failures


def test_processes_that_write_at_once_never_share_a_number(
    database_url: str, arrived: Arrived
) -> None:
    """Each thread has engines of its own, as a process would; one contact is common to all."""
    shared, heads = arrived(), []

    def work(_: int) -> None:
        async def write() -> None:
            database = Database(database_url, request_timeout_s=60)
            store = CardStore(database)
            for opened in [shared, *(arrived() for _ in range(15))]:
                heads.append((opened.contact_id, await store.open_contact(opened)))
            await database.close()

        asyncio.run(write())

    in_threads(4, work)
    numbers = {head.number for _, head in heads}
    assert numbers == {f"2026-{number:06d}" for number in range(1, 62)}
    assert len({head for contact_id, head in heads if contact_id == shared.contact_id}) == 1


async def test_numbers_begin_anew_with_the_year(store: CardStore, arrived: Arrived) -> None:
    eve = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    numbers = [
        (await store.open_contact(arrived(arrived_at=eve + timedelta(seconds=second)))).number
        for second in (0, 1, 0)
    ]
    assert numbers == ["2026-000001", "2027-000001", "2026-000002"]


async def test_an_entry_of_an_unknown_contact_is_refused(store: CardStore) -> None:
    with pytest.raises(UnknownContact):
        await store.record(entry(str(uuid.uuid4()), "offered"))


async def test_a_key_is_one_entry(store: CardStore, arrived: Arrived) -> None:
    opened, other = arrived(), arrived()
    head = await store.open_contact(opened)
    await store.open_contact(other)
    first = entry(opened.contact_id, "offered", 1, key="offer-1", data={"try": 1})
    again = entry(opened.contact_id, "offered", 2, key="offer-1", data={"try": 2})
    assert await asyncio.gather(*(store.record(first) for _ in range(5))) == [head] * 5
    await store.record(again)
    await store.record(entry(other.contact_id, "offered", 3, key="offer-1"))
    offered = [
        one
        for one in (await card_of(store, opened.contact_id)).timeline
        if one.tag is TimelineTag.OFFERED
    ]
    assert [one.data for one in offered] == [{"try": 1}]
    assert len((await card_of(store, other.contact_id)).timeline) == 2


def test_processes_that_write_the_same_key_at_once_write_one_entry(
    database_url: str, arrived: Arrived
) -> None:
    opened = arrived()

    async def with_store(work: Callable[[CardStore], object]) -> object:
        database = Database(database_url, request_timeout_s=60)
        try:
            return await work(CardStore(database))  # type: ignore[misc]
        finally:
            await database.close()

    asyncio.run(with_store(lambda store: store.open_contact(opened)))

    def work(_: int) -> None:
        async def record(store: CardStore) -> None:
            for second in range(10):
                await store.record(entry(opened.contact_id, "connected", second, agent_id="a"))

        asyncio.run(with_store(record))

    in_threads(4, work)
    card = asyncio.run(with_store(lambda store: store.card_of_contact(opened.contact_id)))
    assert isinstance(card, CardData)
    assert len(card.timeline) == 11
    assert card.summary.answered_at == ARRIVED


STORY = [
    ("queued", 0.1, None),
    ("offered", 1, "agent-20"),
    ("offer_rejected", 2, "agent-20"),
    ("offered", 3, "agent-21"),
    ("connected", 6, "agent-21"),
    ("abandoned", 40, None),
    ("ended", 50, "agent-21"),
]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(STORY))
async def test_entries_may_arrive_in_any_order(
    store: CardStore, arrived: Arrived, order: list[tuple[str, float, str | None]]
) -> None:
    opened = arrived()
    await store.open_contact(opened)
    for tag, second, agent_id in order:
        await store.record(entry(opened.contact_id, tag, second, agent_id=agent_id))
    card = await card_of(store, opened.contact_id)
    (contact,) = card.contacts
    assert contact.answered_at == ARRIVED + timedelta(seconds=6)
    assert contact.ended_at == ARRIVED + timedelta(seconds=40)
    assert contact.agent_id == "agent-21"
    assert contact.outcome is Outcome.ENDED
    assert card.summary.status is CardStatus.CLOSED
    assert [one.tag for one in card.timeline[1:]] == [tag for tag, _, _ in STORY]


async def test_an_abandoned_contact_is_closed(store: CardStore, arrived: Arrived) -> None:
    opened = arrived()
    await store.open_contact(opened)
    await store.record(entry(opened.contact_id, "abandoned", 3))
    summary = (await card_of(store, opened.contact_id)).summary
    assert (summary.outcome, summary.status) == (Outcome.ABANDONED, CardStatus.CLOSED)


async def test_open_contacts_are_those_that_have_not_ended(
    store: CardStore, arrived: Arrived
) -> None:
    waiting, ended, talking = (
        arrived(arrived_at=ARRIVED + timedelta(seconds=second)) for second in (2, 1, 0)
    )
    for opened in (waiting, ended, talking):
        await store.open_contact(opened)
    await store.record(entry(ended.contact_id, "ended", 5))
    await store.record(entry(talking.contact_id, "connected", 5, agent_id="agent-20"))
    contacts = await store.open_contacts()
    assert [contact.contact_id for contact in contacts] == [
        talking.contact_id,
        waiting.contact_id,
    ]
    assert contacts[0].agent_id == "agent-20"
    assert contacts[0].outcome is Outcome.ANSWERED
    assert contacts[0].number == "2026-000003"


async def test_handlers_are_all_who_answered(store: CardStore, arrived: Arrived) -> None:
    opened = arrived()
    await store.open_contact(opened)
    for tag, second, agent_id in [
        ("offered", 1, "agent-20"),
        ("connected", 2, "agent-21"),
        ("parachute_answered", 9, "agent-22"),
        ("parachute_answered", 12, None),
    ]:
        await store.record(entry(opened.contact_id, tag, second, agent_id=agent_id))
    assert await store.handlers(opened.contact_id) == {AgentId("agent-21"), AgentId("agent-22")}


async def test_the_database_refuses_to_change_the_timeline(
    store: CardStore, arrived: Arrived, database: Database
) -> None:
    opened = arrived()
    await store.open_contact(opened)
    for statement in (
        "UPDATE timeline SET tag = 'ended'",
        "DELETE FROM timeline",
        "DELETE FROM contacts",
        "TRUNCATE timeline",  # SQLite does not know it
    ):
        with pytest.raises((DBAPIError, DatabaseUnavailable)):
            await database.write(lambda session, sql=statement: session.execute(text(sql)) and None)  # type: ignore[misc]
    assert len((await card_of(store, opened.contact_id)).timeline) == 1


async def test_anything_that_a_device_sends_can_be_stored(
    store: CardStore, arrived: Arrived
) -> None:
    opened = arrived(caller_number="9" * 500, called_number="sos\x00;phone-context=\ud800")
    await store.open_contact(opened)
    data = {"reason": "no\x00such\ud83d" + "x" * 5_000, "cause": float("nan"), "ok": None}
    await store.record(entry(opened.contact_id, "offer_failed", 1, key="k" * 500, data=data))
    card = await card_of(store, opened.contact_id)
    assert card.contacts[0].caller_number == "9" * 64
    assert card.timeline[-1].data["cause"] is None
    assert str(card.timeline[-1].data["reason"]).startswith("nosuch�xxx")


async def test_unknown_cards_are_none(store: CardStore) -> None:
    for key in ("", "x", "\x00", "\ud800", str(uuid.uuid4())):
        assert await store.card(IncidentId(key)) is None
        assert await store.card_of_contact(ContactId(key)) is None


async def test_a_call_that_we_make_stands_on_the_card_it_is_made_from(
    store: CardStore, arrived: Arrived
) -> None:
    first = await store.open_contact(arrived())
    placed = arrived(
        direction=Direction.OUTBOUND,
        incident_id=first.incident_id,
        arrived_at=ARRIVED + timedelta(minutes=5),
    )
    assert await store.open_contact(placed) == first
    card = await store.card(first.incident_id)
    assert card is not None
    assert [contact.direction for contact in card.contacts] == [
        Direction.INBOUND,
        Direction.OUTBOUND,
    ]
    assert card.summary.opened_at == ARRIVED


async def test_a_call_that_we_make_for_a_card_that_is_not_there_opens_one(
    store: CardStore, arrived: Arrived
) -> None:
    placed = arrived(direction=Direction.OUTBOUND, incident_id=IncidentId("nowhere"))
    head = await store.open_contact(placed)
    card = await store.card(head.incident_id)
    assert card is not None
    assert card.contacts[0].contact_id == placed.contact_id


async def test_who_spoke_with_whom_is_found_again_with_the_language_chosen_last(
    store: CardStore, arrived: Arrived
) -> None:
    numbers = ["+37129000001", "+37129000002", "+37129000003", None]
    chose, silent, gone, nameless = [arrived(caller_number=number) for number in numbers]
    later = replace(chose, contact_id=arrived().contact_id, arrived_at=ARRIVED + timedelta(hours=1))
    for opened in (chose, silent, gone, nameless, later):
        await store.open_contact(opened)
    for opened, language in ((chose, "lv"), (chose, "ru"), (gone, "en")):
        data = {"language": language}
        at = 3 if language == "ru" else 1
        await store.record(entry(opened.contact_id, "language_chosen", at, data=data))
    for opened, seat in ((chose, "20"), (silent, "21"), (nameless, "22"), (later, "23")):
        await store.record(entry(opened.contact_id, "connected", 7, agent_id=f"agent-{seat}"))
    spoken = await store.spoken_since(ARRIVED, limit=10)
    assert sorted(spoken[:2], key=lambda one: one.agent_id) == [
        SpokenWith("+37129000001", AgentId("agent-20"), "ru"),
        SpokenWith("+37129000002", AgentId("agent-21"), None),
    ]
    assert spoken[2:] == [SpokenWith("+37129000001", AgentId("agent-23"), None)], "oldest first"
    assert await store.spoken_since(ARRIVED, limit=1) == spoken[2:], "the newest count"
    assert await store.spoken_since(ARRIVED + timedelta(hours=2), limit=10) == []


async def test_the_calls_that_dialled_the_citizen_are_told_from_those_that_did_not(
    store: CardStore, arrived: Arrived
) -> None:
    placed = [arrived(direction=Direction.OUTBOUND) for _ in range(2)]
    for opened in placed:
        await store.open_contact(opened)
        await store.record(entry(opened.contact_id, "offered", 1))
    await store.record(entry(placed[0].contact_id, "outbound_dialled", 2))
    asked = [opened.contact_id for opened in placed]
    assert await store.dialled([*asked, ContactId("unknown")]) == {asked[0]}
    assert await store.dialled([]) == frozenset()


async def test_who_gave_up_and_who_was_answered_are_found_again(
    store: CardStore, arrived: Arrived
) -> None:
    gone, answered, other = arrived(), arrived(caller_number="+37129000001"), arrived()
    cut = arrived(caller_number="+37129000002")
    for opened in (gone, answered, other, cut):
        await store.open_contact(opened)
    await store.record(entry(gone.contact_id, "abandoned", 5))
    await store.record(entry(answered.contact_id, "connected", 7, agent_id="agent-20"))
    await store.record(entry(cut.contact_id, "connected", 2, agent_id="agent-20"))
    await store.record(entry(cut.contact_id, "cut_off", 9))
    lost = {c.contact_id for c in await store.abandoned_since(ARRIVED)}
    assert lost == {gone.contact_id, cut.contact_id}
    assert not await store.abandoned_since(ARRIVED + timedelta(seconds=10))
    (found,) = await store.answered_to(["37129000001"], ARRIVED)
    assert (found.contact_id, found.agent_id) == (answered.contact_id, "agent-20")
    assert not await store.answered_to(["37129123456"], ARRIVED)
    assert not await store.answered_to(["37129000001"], ARRIVED + timedelta(seconds=7))


async def test_who_was_answered_by_text_is_still_to_be_called_back(
    store: CardStore, arrived: Arrived
) -> None:
    text = arrived(medium=Medium.SMS)
    await store.open_contact(text)
    await store.record(entry(text.contact_id, "connected", 7, agent_id="agent-20"))
    assert not await store.answered_to(["37129123456"], ARRIVED)


async def test_the_last_contact_of_a_number_lives_or_was_there_lately(
    store: CardStore, arrived: Arrived
) -> None:
    later = ARRIVED + timedelta(hours=1)
    first, other = arrived(), arrived(caller_number="+37129000001")
    last = arrived(caller_number="29123456", arrived_at=ARRIVED + timedelta(minutes=1))
    for opened in (first, other, last):
        await store.open_contact(opened)
    found = await store.last_of_number("+371 29 123 456", later)
    assert found is not None
    assert found.contact_id == last.contact_id, "it lives, and is the newest"
    for opened, second in ((first, 5), (last, 90)):
        await store.record(entry(opened.contact_id, "abandoned", second))
    found = await store.last_of_number("+37129123456", ARRIVED + timedelta(seconds=80))
    assert found is not None
    assert found.contact_id == last.contact_id, "it ended lately"
    assert await store.last_of_number("+37129123456", later) is None
    assert await store.last_of_number("VUGD", ARRIVED) is None


async def test_the_contacts_of_a_card_are_told_by_arrival(
    store: CardStore, arrived: Arrived
) -> None:
    first = arrived()
    head = await store.open_contact(first)
    second = arrived(incident_id=head.incident_id, arrived_at=ARRIVED + timedelta(seconds=1))
    await store.open_contact(second)
    assert await store.contact_ids(head.incident_id) == [first.contact_id, second.contact_id]
    assert await store.contact_ids(IncidentId("unknown")) == []


async def test_the_card_in_the_shape_of_the_api(
    store: CardStore, arrived: Arrived, database: Database
) -> None:
    people = accounts_of(database)
    await people.add(
        login="anna",
        name="Anna Bērziņa",
        role=Role.CALL_TAKER,
        language="lv",
        password="correct horse",
        extension="20",
    )
    opened = arrived(service="urn:service:sos.ecall.manual")
    head = await store.open_contact(opened)
    await store.record(entry(opened.contact_id, "connected", 2, agent_id="agent-20"))
    await store.save_notes(
        head.incident_id, "deg  māja\n2. stāvs", base_version=0, author="anna", at=ARRIVED
    )

    def add_recordings(session: Session) -> None:
        common = {"path": "x", "started_at": ARRIVED}
        session.add(
            RecordingRow(
                recording_id="r1",
                contact_id=opened.contact_id,
                state="sealed",
                duration_s=1.5,
                sha256="ab",
                size=99,
                **common,
            )
        )
        session.add(RecordingRow(recording_id="r2", contact_id="other", state="sealing", **common))
        for number, leg, state in (("113", "party-x-1", "sealed"), (None, "leg-x-9", "failed")):
            session.add(
                PartyRecordingRow(
                    recording_id=f"r-{leg}",
                    contact_id=opened.contact_id,
                    leg_id=leg,
                    kind="service" if number else "agent",
                    number=number,
                    name="nmpd" if number else "",
                    agent_id=None if number else "agent-20",
                    state=state,
                    error=None if number else "no space left",
                    **common,
                )
            )

    await database.write(add_recordings)
    card = await store.card(head.incident_id)
    assert card is not None
    summary = {
        "incident_id": head.incident_id,
        "number": "2026-000001",
        "opened_at": "2026-03-01T12:00:00.250Z",
        "status": "open",
        "caller_number": "+37129123456",
        "caller_number_hidden": False,
        "medium": "voice",
        "outcome": "answered",
        "agent_id": "agent-20",
        "agent_name": "Anna Bērziņa",
        "answered_at": "2026-03-01T12:00:02.250Z",
        "ended_at": None,
        "recording_count": 2,
        "notes_excerpt": "deg māja 2. stāvs",
        "type": None,
        "priority": None,
        "address": "",
        "merged_into": None,
        "service": "urn:service:sos.ecall.manual",
        "test": False,
    }
    assert as_json(card.summary) == summary
    assert as_json(card) == summary | {
        "contacts": [
            {
                "contact_id": opened.contact_id,
                "medium": "voice",
                "direction": "inbound",
                "queue": "emergency",
                "priority": 5,
                "caller_number": "+37129123456",
                "caller_number_hidden": False,
                "called_number": "112",
                "service": "urn:service:sos.ecall.manual",
                "test": False,
                "arrived_at": "2026-03-01T12:00:00.250Z",
                "answered_at": "2026-03-01T12:00:02.250Z",
                "ended_at": None,
                "agent_id": "agent-20",
                "agent_name": "Anna Bērziņa",
                "outcome": "answered",
                "recordings": [
                    {
                        "recording_id": "r1",
                        "state": "sealed",
                        "duration_s": 1.5,
                        "sha256": "ab",
                        "size": 99,
                        "started_at": "2026-03-01T12:00:00.250Z",
                        "error": None,
                        "party": None,
                    },
                    {
                        "recording_id": "r-leg-x-9",
                        "state": "failed",
                        "duration_s": None,
                        "sha256": None,
                        "size": None,
                        "started_at": "2026-03-01T12:00:00.250Z",
                        "error": "no space left",
                        "party": {
                            "kind": "agent",
                            "number": None,
                            "name": "",
                            "agent_id": "agent-20",
                            "agent_name": "Anna Bērziņa",
                        },
                    },
                    {
                        "recording_id": "r-party-x-1",
                        "state": "sealed",
                        "duration_s": None,
                        "sha256": None,
                        "size": None,
                        "started_at": "2026-03-01T12:00:00.250Z",
                        "error": None,
                        "party": {
                            "kind": "service",
                            "number": "113",
                            "name": "nmpd",
                            "agent_id": None,
                            "agent_name": None,
                        },
                    },
                ],
            }
        ],
        "notes": {
            "text": "deg  māja\n2. stāvs",
            "version": 1,
            "saved_at": "2026-03-01T12:00:00.250Z",
            "author": "anna",
        },
        "timeline": [
            {
                "at": "2026-03-01T12:00:00.250Z",
                "tag": "contact_arrived",
                "key": "contact_arrived",
                "contact_id": opened.contact_id,
                "incident_id": head.incident_id,
                "agent_id": None,
                "author": None,
                "data": {
                    "queue": "emergency",
                    "priority": 5,
                    "direction": "inbound",
                    "service": "urn:service:sos.ecall.manual",
                },
            },
            {
                "at": "2026-03-01T12:00:00.250Z",
                "tag": "notes_saved",
                "key": f"notes_saved:{head.incident_id}:1",
                "contact_id": None,
                "incident_id": head.incident_id,
                "agent_id": None,
                "author": "anna",
                "data": {"version": 1},
            },
            {
                "at": "2026-03-01T12:00:02.250Z",
                "tag": "connected",
                "key": "connected:2",
                "contact_id": opened.contact_id,
                "incident_id": head.incident_id,
                "agent_id": "agent-20",
                "author": None,
                "data": {},
            },
        ],
        "fields": {},
        "merged": [],
        "parent": None,
        "children": [],
        "locations": [],
        "location": {"current": None, "why": "none", "conflicts": []},
        "attachments": [],
    }
