"""A centre that has worked since the first version keeps everything through every migration.

The database is made by the first migration alone and filled as that version filled it, by SQL: the
stores of today know nothing of how it looked then. Then it is brought up to today's schema, and
today's stores must find all of it: calls, notes and their history, recordings, people.
"""

from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import Connection, text

from ccserver import db
from ccserver.accounts import AccountStore
from ccserver.card import CardStatus, CardStore, ContactOpened, Outcome, TimelineTag
from ccserver.db import Database
from ccserver.types import ContactId, IncidentId, Medium
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database_kind,
    empty_url,
)

FIRST_VERSION = "0001"
CARDS = 40
START = datetime(2026, 1, 31, 23, 50, 0, 250_000, tzinfo=UTC)
PASSWORD_HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA"

# The statements of the first version: no column that came later is named.
AGENT = text(
    "INSERT INTO agents (agent_id, name, extension, device, sip_password)"
    " VALUES (:agent_id, :name, :extension, 'sip', 'secret-of-the-phone')"
)
ACCOUNT = text(
    "INSERT INTO accounts (login, name, role, language, password_hash, agent_id)"
    " VALUES (:login, :name, :role, 'lv', :password_hash, :agent_id)"
)
COUNTER = text("INSERT INTO card_counters (year, last) VALUES (2026, :last)")
INCIDENT = text(
    "INSERT INTO incidents (incident_id, number, opened_at, notes_text, notes_folded,"
    " notes_version, notes_saved_at, notes_author) VALUES (:incident_id, :number, :opened_at,"
    " :notes, :folded, :version, :saved_at, :author)"
)
CONTACT = text(
    "INSERT INTO contacts (contact_id, incident_id, medium, queue, priority, caller_number,"
    " caller_digits, caller_number_hidden, called_number, arrived_at, answered_at, ended_at,"
    " agent_id, outcome) VALUES (:contact_id, :incident_id, 'voice', 'emergency', 5, :number,"
    " :digits, :hidden, '112', :arrived_at, :answered_at, :ended_at, 'agent-101', :outcome)"
)
ENTRY = text(
    "INSERT INTO timeline (contact_id, tag, at, key, agent_id, author, data)"
    " VALUES (:contact_id, :tag, :at, :key, :agent_id, :author, :data)"
)
RECORDING = text(
    "INSERT INTO recordings (recording_id, contact_id, state, path, started_at, sealed_at,"
    " sample_rate, frames, duration_s, size, sha256) VALUES (:recording_id, :contact_id, 'sealed',"
    " :path, :at, :at, 8000, 80000, 10.0, 4711, :sha256)"
)


def name_of(kind: str, place: int) -> str:
    return f"{place:08x}-0000-4000-8000-{kind:0>12}"


def incident_of(place: int) -> IncidentId:
    return IncidentId(name_of("1", place))


def contact_of(place: int) -> ContactId:
    return ContactId(name_of("2", place))


def number_of(place: int) -> str:
    return f"+3712{place:07d}"


def fill(connection: Connection) -> None:
    """What the first version wrote in a shift: people, calls with notes in two versions, audio."""
    seats = [("anna", "Anna Bērziņa", "call_taker", "101"), ("iveta", "Iveta", "supervisor", "102")]
    for login, name, role, extension in seats:
        seat = f"agent-{extension}"
        connection.execute(AGENT, {"agent_id": seat, "name": name, "extension": extension})
        account = {"login": login, "name": name, "role": role, "agent_id": seat}
        connection.execute(ACCOUNT, account | {"password_hash": PASSWORD_HASH})
    admin = {"login": "admin", "name": "Admin", "role": "admin", "agent_id": None}
    connection.execute(ACCOUNT, admin | {"password_hash": PASSWORD_HASH})
    connection.execute(COUNTER, {"last": CARDS})
    sqlite = connection.dialect.name == "sqlite"
    for place in range(1, CARDS + 1):
        at = START + timedelta(minutes=place)
        # As the driver of each database kept an aware time.
        told = (lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S.%f")) if sqlite else _same
        _fill_card(connection, place, at, told)


def _same(moment: datetime) -> datetime:
    return moment


def _fill_card(connection: Connection, place: int, at: datetime, told: object) -> None:
    assert callable(told)
    incident_id, contact_id = incident_of(place), contact_of(place)
    noted = place % 2 == 0
    connection.execute(
        INCIDENT,
        {
            "incident_id": incident_id,
            "number": f"2026-{place:06d}",
            "opened_at": told(at),
            "notes": f"Deg māja Nr. {place}, otrais teksts" if noted else "",
            "folded": f"deg maja nr. {place}, otrais teksts" if noted else "",
            "version": 2 if noted else 0,
            "saved_at": told(at) if noted else None,
            "author": "anna" if noted else None,
        },
    )
    abandoned = place % 5 == 0
    connection.execute(
        CONTACT,
        {
            "contact_id": contact_id,
            "incident_id": incident_id,
            "number": number_of(place),
            "digits": number_of(place)[1:],
            "hidden": place % 3 == 0,
            "arrived_at": told(at),
            "answered_at": None if abandoned else told(at + timedelta(seconds=5)),
            "ended_at": told(at + timedelta(seconds=65)),
            "outcome": "abandoned" if abandoned else "ended",
        },
    )
    entries: list[tuple[str, str, str | None, str]] = [
        ("contact_arrived", "contact_arrived", None, '{"queue": "emergency", "priority": 5}'),
        ("abandoned" if abandoned else "connected", "first", None, "{}"),
        ("ended", "ended", None, "{}"),
    ]
    if noted:
        for version, before in ((1, ""), (2, f"Deg māja Nr. {place}")):
            key = f"notes_saved:{incident_id}:{version}"
            data = f'{{"version": {version}, "previous_text": "{before}"}}'
            entries.append(("notes_saved", key, "anna", data))
    for second, (tag, key, author, data) in enumerate(entries):
        connection.execute(
            ENTRY,
            {
                "contact_id": contact_id,
                "tag": tag,
                "at": told(at + timedelta(seconds=second)),
                "key": key,
                "agent_id": "agent-101" if tag == "connected" else None,
                "author": author,
                "data": data,
            },
        )
    if not abandoned:
        connection.execute(
            RECORDING,
            {
                "recording_id": name_of("3", place),
                "contact_id": contact_id,
                "path": f"2026/02/{contact_id}.flac",
                "at": told(at),
                "sha256": f"{place:064x}",
            },
        )


@pytest.fixture
def upgraded_url(empty_url: str) -> str:  # noqa: F811
    """The database of a centre that began with the first version, at today's schema."""
    command.upgrade(db.alembic_config(empty_url), FIRST_VERSION)
    engine = db.make_engine(empty_url, timeout_s=30)
    with engine.begin() as connection:
        fill(connection)
    engine.dispose()
    db.upgrade(empty_url)
    db.check(empty_url)
    return empty_url


async def test_every_card_of_the_first_version_is_there(upgraded_url: str) -> None:
    database = Database(upgraded_url, request_timeout_s=30)
    store = CardStore(database)
    try:
        for place in range(1, CARDS + 1):
            card = await store.card(incident_of(place))
            assert card is not None
            assert card.summary.number == f"2026-{place:06d}"
            assert card.summary.status is CardStatus.CLOSED
            assert card.summary.caller_number == number_of(place)
            (contact,) = card.contacts
            abandoned = place % 5 == 0
            assert contact.outcome is (Outcome.ABANDONED if abandoned else Outcome.ENDED)
            assert contact.caller_number_hidden is (place % 3 == 0)
            assert contact.arrived_at == START + timedelta(minutes=place)
            assert len(contact.recordings) == (0 if abandoned else 1)
            assert [entry.at for entry in card.timeline] == sorted(
                entry.at for entry in card.timeline
            )
            assert len(card.timeline) == (5 if place % 2 == 0 else 3)
            history = await store.notes_history(incident_of(place))
            texts = [notes.text for notes in history]
            first = f"Deg māja Nr. {place}"
            assert texts == ([f"{first}, otrais teksts", first] if place % 2 == 0 else [])
    finally:
        await database.close()


async def test_cards_of_the_first_version_are_found(upgraded_url: str) -> None:
    database = Database(upgraded_url, request_timeout_s=30)
    store = CardStore(database)
    try:
        found = await store.search(number_of(7))
        assert [card.incident_id for card in found] == [incident_of(7)]
        assert len(await store.search("maja")) == CARDS // 2
        assert [card.number for card in await store.search("2026-000012")] == ["2026-000012"]
        newest = await store.search("", limit=5)
        assert [card.number for card in newest] == [
            f"2026-{place:06d}" for place in range(CARDS, CARDS - 5, -1)
        ]
    finally:
        await database.close()


async def test_work_goes_on_where_the_first_version_stopped(upgraded_url: str) -> None:
    """The next number is the next, old notes can be changed, old contacts still get entries."""
    database = Database(upgraded_url, request_timeout_s=30)
    store = CardStore(database)
    at = START + timedelta(days=1)
    try:
        head = await store.open_contact(
            ContactOpened(
                contact_id=contact_of(1_000),
                medium=Medium.VOICE,
                queue="emergency",
                priority=5,
                caller_number=number_of(7),
                caller_number_hidden=False,
                called_number="112",
                arrived_at=at,
            )
        )
        assert head.number == f"2026-{CARDS + 1:06d}"
        saved = await store.save_notes(
            incident_of(2), "Trešais teksts", base_version=2, author="iveta", at=at
        )
        assert saved.version == 3
        history = await store.notes_history(incident_of(2))
        assert [notes.version for notes in history] == [3, 2, 1]
        card = await store.card(incident_of(2))
        assert card is not None
        assert card.timeline[-1].tag is TimelineTag.NOTES_SAVED
    finally:
        await database.close()


async def test_people_of_the_first_version_can_still_log_in(upgraded_url: str) -> None:
    database = Database(upgraded_url, request_timeout_s=30)
    accounts = AccountStore(database)
    try:
        people = {person.login: person for person in await accounts.people()}
        assert set(people) == {"anna", "iveta", "admin"}
        assert people["anna"].extension == "101"
        assert people["admin"].role.value in {"admin", "system_admin"}
        profile = await accounts.agent(people["anna"].agent_id) if people["anna"].agent_id else None
        assert profile is not None
        assert profile.sip_password == "secret-of-the-phone"
    finally:
        await database.close()


def test_what_the_first_version_told_can_still_not_be_changed(upgraded_url: str) -> None:
    engine = db.make_engine(upgraded_url, timeout_s=30)
    for statement in ("UPDATE timeline SET tag = 'x'", "DELETE FROM timeline"):
        with engine.connect() as connection, pytest.raises(Exception, match="append-only"):
            connection.execute(text(statement))
    engine.dispose()


def test_a_database_with_data_goes_down_to_the_first_version_and_up_again(
    upgraded_url: str,
) -> None:
    """A failed update can be taken back without losing what was there before it."""
    command.downgrade(db.alembic_config(upgraded_url), FIRST_VERSION)
    engine = db.make_engine(upgraded_url, timeout_s=30)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM incidents")).scalar() == CARDS
        assert connection.execute(text("SELECT count(*) FROM timeline")).scalar()
    engine.dispose()
    db.upgrade(upgraded_url)
    db.check(upgraded_url)
