"""The database keeps what it acknowledged, answers in time, and its schema is the models'.

All of it on SQLite and on PostgreSQL.
"""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import Session

import ccserver.accounts.models
import ccserver.aml.models
import ccserver.callbacks.models
import ccserver.card.models
import ccserver.catalogue.models
import ccserver.messaging.models
import ccserver.outbox.models
import ccserver.recording.models
import ccserver.routing.models
import ccserver.services.models
import ccserver.sms.models
import ccserver.webhooks.models  # noqa: F401  (each import adds its tables)
from ccserver import db
from ccserver.accounts.models import AgentRow
from ccserver.card.models import CardCounterRow, IncidentRow
from ccserver.db import Database, DatabaseUnavailable
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    empty_url,
    sqlite_template,
)

TABLES = {"agents", "accounts", "sessions", "presences", "card_counters", "incidents"} | {
    "contacts",
    "timeline",
    "recordings",
    "party_recordings",
    "routing_versions",
    "callback_tasks",
    "callback_contacts",
    "callback_attempts",
    "audit",
    "incident_fields",
    "incident_timeline",
    "incident_locations",
    "attachments",
    "catalogue_versions",
    "api_keys",
    "outbox",
    "webhooks",
    "webhook_deliveries",
    "search_documents",
    "involvements",
    "involvement_steps",
    "units",
    "unit_assignments",
    "unit_steps",
    "sms_inbox",
    "sms_texts",
    "sms_parts",
    "sms_sends",
    "sms_send_ids",
    "sms_receipts",
    "conversations",
    "conversation_contacts",
    "messages",
    "messaging_versions",
    "aml_held",
    "call_data",
}


def counter(year: int, last: int = 0) -> CardCounterRow:
    return CardCounterRow(year=year, last=last)


def years(session: Session) -> list[int]:
    return list(session.scalars(select(CardCounterRow.year).order_by(CardCounterRow.year)))


def is_of_a_model(_: object, name: str | None, *rest: object) -> bool:
    """All but what each database keeps in a way of its own to find words by."""
    return not (name or "").startswith(("search_words", "search_lexemes"))


def test_migrations_make_exactly_the_tables_of_the_models(database_url: str) -> None:  # noqa: F811
    engine = db.make_engine(database_url, timeout_s=10)
    with engine.connect() as connection:
        options = {"compare_type": True, "include_object": is_of_a_model}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, db.Base.metadata) == []
    engine.dispose()
    assert set(db.Base.metadata.tables) == TABLES


def test_an_empty_database_is_outdated_until_it_is_upgraded(empty_url: str) -> None:  # noqa: F811
    assert db.current(empty_url) is None
    with pytest.raises(db.SchemaOutdated, match="ccserver db upgrade"):
        db.check(empty_url)
    db.upgrade(empty_url)
    db.check(empty_url)
    newest = ScriptDirectory.from_config(db.alembic_config(empty_url)).get_current_head()
    assert db.current(empty_url) == db.SCHEMA_REVISION == newest
    db.upgrade(empty_url)  # again: nothing to do


def test_a_failing_migration_leaves_no_table_behind(empty_url: str) -> None:  # noqa: F811
    engine = db.make_engine(empty_url, timeout_s=10)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE recordings (stranger INTEGER)"))
    with pytest.raises(DBAPIError):
        db.upgrade(empty_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE recordings"))
    engine.dispose()
    db.upgrade(empty_url)
    db.check(empty_url)


def test_migrations_are_found_from_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/new%20folder/ccserver.db"
    db.upgrade(url)
    db.check(url)


def test_recordings_of_the_version_before_stay_as_it_knows_them(empty_url: str) -> None:  # noqa: F811
    """Its rows are kept, and it can write and read more of them after the upgrade."""
    insert = text(
        "INSERT INTO recordings (recording_id, contact_id, state, path, started_at)"
        " VALUES (:id, :id, 'sealed', 'x', '2026-03-01 12:00:00')"
    )
    command.upgrade(db.alembic_config(empty_url), "0004")
    engine = db.make_engine(empty_url, timeout_s=10)
    with engine.begin() as connection:
        connection.execute(insert, {"id": "before"})
    db.upgrade(empty_url)
    with engine.begin() as connection:
        connection.execute(insert, {"id": "after"})
        ids = connection.execute(text("SELECT contact_id FROM recordings ORDER BY contact_id"))
        assert [row.contact_id for row in ids] == ["after", "before"]
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(insert, {"id": "after"})
    engine.dispose()


def test_an_admin_becomes_the_systems_and_stays_logged_in(empty_url: str) -> None:  # noqa: F811
    command.upgrade(db.alembic_config(empty_url), "0010")
    engine = db.make_engine(empty_url, timeout_s=10)
    with engine.begin() as connection:
        for login, role in (("root", "admin"), ("anna", "call_taker")):
            connection.execute(
                text(
                    "INSERT INTO accounts (login, name, role, language, password_hash)"
                    " VALUES (:login, :login, :role, 'lv', 'x')"
                ),
                {"login": login, "role": role},
            )
            connection.execute(
                text(
                    "INSERT INTO sessions (token_sha256, login, opened_at, expires_at)"
                    " VALUES (:login, :login, '2026-03-01 12:00:00', '2026-03-01 20:00:00')"
                ),
                {"login": login},
            )
    db.upgrade(empty_url)
    roles = text(
        "SELECT role, service FROM accounts JOIN sessions USING (login) ORDER BY accounts.login"
    )
    with engine.begin() as connection:
        found = [tuple(row) for row in connection.execute(roles)]
    assert found == [("call_taker", None), ("system_admin", None)]
    engine.dispose()


def test_a_downgrade_removes_everything(empty_url: str) -> None:  # noqa: F811
    db.upgrade(empty_url)
    command.downgrade(db.alembic_config(empty_url), "base")
    assert db.current(empty_url) is None
    db.upgrade(empty_url)


def test_sqlite_commits_are_on_the_disk_before_they_are_acknowledged(tmp_path: Path) -> None:
    engine = db.make_engine(f"sqlite:///{tmp_path}/x.db", timeout_s=1)
    with engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    full = 2
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 250,
    }


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="needs a file"):
        Database(url, request_timeout_s=1)


def test_a_plain_postgresql_url_gets_the_installed_driver() -> None:
    assert db.normalised_url("postgresql://a@b/c").drivername == "postgresql+psycopg"


async def test_what_is_written_is_read(database: Database) -> None:  # noqa: F811
    await database.write(lambda session: session.add(counter(2026, 7)))
    found = await database.read(lambda session: session.get(CardCounterRow, 2026))
    assert found is not None
    assert found.last == 7


async def test_a_failing_write_leaves_nothing(database: Database) -> None:  # noqa: F811
    def work(session: Session) -> None:
        session.add(counter(2026))
        session.flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(work)
    assert await database.read(years) == []


async def test_a_read_cannot_write(database: Database) -> None:  # noqa: F811
    def work(session: Session) -> None:
        session.add(counter(2026))
        session.flush()

    with pytest.raises((DBAPIError, DatabaseUnavailable)):
        await database.read(work)
    assert await database.read(years) == []


async def test_a_read_sees_one_moment(database: Database) -> None:  # noqa: F811
    await database.write(lambda session: session.add(counter(2024)))
    began, go_on = threading.Event(), threading.Event()

    def work(session: Session) -> tuple[list[int], list[int]]:
        first = years(session)
        began.set()
        assert go_on.wait(20)
        return first, years(session)

    reading = asyncio.create_task(database.read(work))
    await asyncio.to_thread(began.wait, 20)
    await database.write(lambda session: session.add(counter(2025)))
    go_on.set()
    assert await reading == ([2024], [2024])
    assert await database.read(years) == [2024, 2025]


async def test_writes_run_one_at_a_time_in_the_order_given(
    database: Database,  # noqa: F811
) -> None:
    order: list[int] = []
    running = 0

    def work(number: int) -> None:
        nonlocal running
        running += 1
        assert running == 1
        order.append(number)
        running -= 1

    await asyncio.gather(*(database.write(lambda _, n=n: work(n)) for n in range(50)))  # type: ignore[misc]
    assert order == list(range(50))
    await asyncio.sleep(0)
    assert database.writes_pending == 0


async def test_a_cancelled_caller_does_not_undo_its_write(
    database: Database,  # noqa: F811
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        began.set()
        assert go_on.wait(20)
        session.add(counter(2025))

    running = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(began.wait, 20)
    queued = asyncio.create_task(database.write(lambda session: session.add(counter(2026))))
    await asyncio.sleep(0)
    running.cancel()
    queued.cancel()
    await asyncio.gather(running, queued, return_exceptions=True)
    go_on.set()
    assert running.cancelled()
    assert queued.cancelled()
    await database.write(lambda session: None)  # all before it are done
    assert await database.read(years) == [2025, 2026]
    assert database.writes_pending == 0


async def test_closing_finishes_what_was_handed_over(database_url: str) -> None:  # noqa: F811
    database = Database(database_url, request_timeout_s=20)  # noqa: F811
    writes = [
        asyncio.create_task(database.write(lambda session, y=year: session.add(counter(y))))  # type: ignore[misc]
        for year in range(2000, 2020)
    ]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writes)
    with pytest.raises(DatabaseUnavailable, match="closed"):
        await database.write(lambda session: None)
    with pytest.raises(DatabaseUnavailable, match="closed"):
        await database.read(lambda session: None)
    again = Database(database_url, request_timeout_s=20)
    assert await again.read(years) == list(range(2000, 2020))
    await again.close()


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Database]:  # noqa: F811
    opened = Database(database_url, request_timeout_s=0.3)
    yield opened
    await opened.close()


@pytest.mark.parametrize("verb", ["read", "write"])
async def test_an_answer_that_does_not_come_is_an_error_in_time(hasty: Database, verb: str) -> None:
    go_on = threading.Event()
    operation = hasty.read if verb == "read" else hasty.write
    with pytest.raises(DatabaseUnavailable):
        await operation(lambda _: go_on.wait(20))
    go_on.set()


async def test_what_was_refused_in_the_queue_never_happens(hasty: Database) -> None:
    go_on = threading.Event()
    blocked = asyncio.create_task(hasty.write(lambda _: go_on.wait(20)))
    await asyncio.sleep(0)
    with pytest.raises(DatabaseUnavailable):
        await hasty.write(lambda session: session.add(counter(2026)))
    go_on.set()
    await asyncio.gather(blocked, return_exceptions=True)
    await hasty.write(lambda session: session.add(counter(2027)))
    assert await hasty.read(years) == [2027]


async def test_the_queue_of_writes_is_bounded(
    database: Database,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(db, "WRITES_PENDING_MAX", 2)
    go_on = threading.Event()
    waiting = [asyncio.create_task(database.write(lambda _: go_on.wait(20))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(DatabaseUnavailable, match="too many"):
        await database.write(lambda session: None)
    go_on.set()
    assert await asyncio.gather(*waiting) == [True, True]


async def test_a_locked_sqlite_file_is_waited_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    db.upgrade(url)
    database = Database(url, request_timeout_s=20)  # noqa: F811
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(database.write(lambda session: session.add(counter(2026))))
    # Longer than SQLite's own wait, so that our retry is what succeeds.
    await asyncio.sleep(db.BUSY_WAIT_S * 2)
    assert not writing.done()
    other.execute("ROLLBACK")
    other.close()
    await writing
    assert await database.read(years) == [2026]
    await database.close()


async def test_a_lock_held_too_long_is_an_unavailable_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    db.upgrade(url)
    database = Database(url, request_timeout_s=0.6)  # noqa: F811
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable):
        await database.write(lambda session: session.add(counter(2026)))
    assert await database.read(years) == []  # readers are not held up
    other.close()
    await database.close()


async def test_a_server_that_is_gone_is_unavailable_and_comes_back(tmp_path: Path) -> None:
    missing = Database(f"sqlite:///{tmp_path}/nowhere/x.db", request_timeout_s=5)
    with pytest.raises(DatabaseUnavailable):
        await missing.read(years)
    db.upgrade(f"sqlite:///{tmp_path}/nowhere/x.db")
    assert await missing.read(years) == []
    await missing.close()


async def test_times_are_utc_whatever_zone_they_came_in(database: Database) -> None:  # noqa: F811
    riga = timezone(timedelta(hours=3))
    at = datetime(2026, 7, 1, 15, 30, 0, 123_456, tzinfo=riga)

    def work(session: Session) -> None:
        session.add(IncidentRow(incident_id="i", number="2026-000001", opened_at=at))

    await database.write(work)
    row = await database.read(lambda session: session.get(IncidentRow, "i"))
    assert row is not None
    assert row.opened_at == at
    assert row.opened_at.tzinfo is UTC
    earlier = select(IncidentRow.incident_id).where(IncidentRow.opened_at < at)
    assert await database.read(lambda session: session.scalars(earlier).all()) == []


async def test_a_time_without_zone_is_refused(database: Database) -> None:  # noqa: F811
    naive = datetime(2026, 7, 1, 15, 30)  # noqa: DTZ001
    with pytest.raises(StatementError, match="naive"):
        await database.write(
            lambda session: session.add(IncidentRow(incident_id="i", number="n", opened_at=naive))
        )


async def test_an_error_never_shows_what_was_to_be_stored(database: Database) -> None:  # noqa: F811
    def work(session: Session) -> None:
        for key in ("a", "b"):
            row = AgentRow(
                agent_id=key, name="Anna", extension="20", device="sip", sip_password="hush"
            )
            session.add(row)
        session.flush()

    with pytest.raises(DBAPIError) as caught:
        await database.write(work)
    assert "hush" not in str(caught.value)
    assert "Anna" not in str(caught.value)


@pytest.mark.parametrize(
    ("text_in", "text_out"),
    [
        ("plain", "plain"),
        ("nul\x00 here", "nul here"),
        ("Rīga \U0001f691", "Rīga \U0001f691"),
        ("half \ud83d", "half �"),
        ("pair \ud83d\ude91", "pair \U0001f691"),
    ],
)
def test_text_is_made_storable(text_in: str, text_out: str) -> None:
    assert db.clean_text(text_in) == text_out
