"""Versions are kept for ever, nobody's save is overwritten, and a broken one stops nothing.

On SQLite and on PostgreSQL.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ccserver.db import Database, DatabaseUnavailable
from ccserver.documents import DocumentInvalid, UnknownVersion, VersionConflict, VersionUnusable
from ccserver.routing import DEFAULT_DOCUMENT, Document, RoutingStore, to_plan
from ccserver.routing.document import ROUTING
from ccserver.routing.models import RoutingVersionRow
from tests.routing.examples import SAMPLE, SEATS, plain

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


async def seats() -> tuple[str, ...]:
    return SEATS


@pytest.fixture
def store(database: Database) -> RoutingStore:
    return RoutingStore(database, seats)


async def save(store: RoutingStore, document: Document, base: int, **more: Any) -> int:
    values = {"author": "anna", "comment": "why", "at": AT + timedelta(minutes=base), **more}
    return await store.save(document, base_version=base, **values)


def alarm_after(seconds: float) -> Document:
    data = plain()
    data["queues"][0]["alarm_after_s"] = seconds
    return ROUTING.from_builtins(data)


async def put(database: Database, version: int, document: str, sha256: str = "x") -> None:
    """A row as somebody may have written it by hand."""
    row = RoutingVersionRow(
        version=version, saved_at=AT, author="hand", comment="", document=document, sha256=sha256
    )
    await database.write(lambda session: session.merge(row) and None)


async def test_before_the_first_save_there_is_the_default(store: RoutingStore) -> None:
    stored = await store.current()
    assert (stored.version, stored.newest, stored.faulty) == (0, 0, False)
    assert stored.document == DEFAULT_DOCUMENT
    assert await store.versions() == []
    assert (await store.version(0)).document == DEFAULT_DOCUMENT


async def test_a_version_from_before_is_read_without_what_has_no_effect(
    store: RoutingStore, database: Database
) -> None:
    """Never an error at the start: what every call ignores is left out, and the rest holds."""
    data = plain()
    data["queues"][0]["recorded"] = False
    await put(database, 1, msgspec.json.encode(data).decode())
    with structlog.testing.capture_logs() as logs:
        stored = await store.current()
    assert (stored.version, stored.faulty, stored.document) == (1, False, SAMPLE)
    (told,) = [line for line in logs if line["event"] == "document_keys_ignored"]
    assert told["paths"] == ["queues[0].recorded"]


async def test_a_save_is_the_next_version_and_the_old_ones_stay(store: RoutingStore) -> None:
    assert await save(store, SAMPLE, 0) == 1
    assert await save(store, alarm_after(10), 1, author="boris", comment="Ātrāk 🔥") == 2
    stored = await store.current()
    assert (stored.version, stored.author, stored.comment) == (2, "boris", "Ātrāk 🔥")
    assert stored.saved_at == AT + timedelta(minutes=1)
    assert stored.document == alarm_after(10)
    assert (await store.version(1)).document == SAMPLE
    assert [head.version for head in await store.versions()] == [2, 1]
    assert [head.version for head in await store.versions(1)] == [2]
    assert [head.version for head in await store.versions(5, 2)] == [1]
    with pytest.raises(UnknownVersion):
        await store.version(3)


async def test_a_colleagues_version_is_not_overwritten(store: RoutingStore) -> None:
    await save(store, SAMPLE, 0)
    with pytest.raises(VersionConflict) as caught:
        await save(store, alarm_after(10), 0, author="boris")
    assert caught.value.current.document == SAMPLE
    assert (await store.current()).version == 1
    for base in (-1, -2, 5):
        with pytest.raises(VersionConflict):
            await save(store, alarm_after(10), base)


async def test_of_many_at_once_one_wins(store: RoutingStore) -> None:
    results = await asyncio.gather(
        *(save(store, alarm_after(n), 0) for n in range(1, 6)), return_exceptions=True
    )
    assert sorted(type(result) is int for result in results) == [False] * 4 + [True]
    assert len(await store.versions()) == 1


async def test_the_same_save_tried_again_is_saved_once(store: RoutingStore) -> None:
    assert await save(store, SAMPLE, 0) == 1
    assert await save(store, SAMPLE, 0) == 1
    with pytest.raises(VersionConflict):
        await save(store, SAMPLE, 0, author="boris")
    await save(store, alarm_after(10), 1)
    with pytest.raises(VersionConflict):
        await save(store, SAMPLE, 0)


async def test_a_restored_version_is_a_new_one(store: RoutingStore) -> None:
    await save(store, SAMPLE, 0)
    await save(store, alarm_after(10), 1)
    again = {"author": "anna", "comment": "back", "at": AT}
    assert await store.restore(1, base_version=2, **again) == 3  # type: ignore[arg-type]
    assert (await store.current()).document == SAMPLE
    assert await store.restore(0, base_version=3, **again) == 4  # type: ignore[arg-type]
    assert (await store.current()).document == DEFAULT_DOCUMENT
    with pytest.raises(UnknownVersion):
        await store.restore(9, base_version=4, **again)  # type: ignore[arg-type]


async def test_a_document_with_errors_is_refused_and_nothing_is_saved(store: RoutingStore) -> None:
    data = plain()
    data["entries"][0]["queue"] = "gone"
    with pytest.raises(DocumentInvalid) as caught:
        await save(store, ROUTING.from_builtins(data), 0)
    assert [problem.code for problem in caught.value.problems] == ["unknown_queue"]
    assert await store.newest() == 0


async def test_a_document_with_warnings_is_saved(store: RoutingStore) -> None:
    data = plain()
    data["agents"].append({"agent_id": "agent-999"})
    document = ROUTING.from_builtins(data)
    assert [problem.code for problem in await store.check(document)] == ["unknown_agent"]
    assert await save(store, document, 0) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE routing_versions SET comment = 'x'",
        "DELETE FROM routing_versions",
        "TRUNCATE routing_versions",
    ],
)
async def test_the_database_refuses_to_change_a_version(
    store: RoutingStore, database: Database, database_kind: str, statement: str
) -> None:
    if database_kind == "sqlite" and statement.startswith("TRUNCATE"):
        pytest.skip("SQLite has no such statement")
    await save(store, SAMPLE, 0)
    with pytest.raises((DBAPIError, DatabaseUnavailable)):
        await database.write(lambda session: session.execute(text(statement)) and None)
    assert (await store.current()).document == SAMPLE


@pytest.mark.parametrize(
    "broken", ["", "{", "[]", '{"queues": 5}', '{"from_the_future": 1}', "null", "[" * 5_000]
)
async def test_a_version_that_cannot_be_read_is_passed_over(
    store: RoutingStore, database: Database, broken: str
) -> None:
    await save(store, SAMPLE, 0)
    await put(database, 2, broken)
    with structlog.testing.capture_logs() as logs:
        stored = await store.current()
    assert {
        "event": "document_version_unusable",
        "document": "routing",
        "version": 2,
        "log_level": "error",
    } in logs
    assert (stored.version, stored.newest, stored.faulty) == (1, 2, True)
    assert stored.document == SAMPLE
    with pytest.raises(VersionUnusable):
        await store.version(2)
    # The next save goes over the broken version and mends the centre.
    assert await save(store, alarm_after(10), 2) == 3
    assert not (await store.current()).faulty


async def test_if_no_version_can_be_read_the_default_is_used(
    store: RoutingStore, database: Database
) -> None:
    for version in (1, 2, 3):
        await put(database, version, "broken")
    stored = await store.current()
    assert (stored.version, stored.newest, stored.faulty) == (0, 3, True)
    assert stored.document == DEFAULT_DOCUMENT


async def test_a_readable_version_with_errors_is_used_as_far_as_it_goes(
    store: RoutingStore, database: Database
) -> None:
    data = plain()
    data["queues"][0]["overflow"] = [{"after_s": 1, "queue": "gone"}]
    data["queues"][0]["queue_class"] = 40
    await put(database, 1, ROUTING.encode(ROUTING.from_builtins(data)).decode())
    with structlog.testing.capture_logs() as logs:
        stored = await store.current()
    assert stored.version == 1
    assert [line["event"] for line in logs] == ["document_version_altered"]
    plan = to_plan(stored.document)
    assert plan.queues["emergency"].queue_class == 9
    assert plan.queues["emergency"].overflow == ()
    assert plan.queues["ecall"].head_start_s == 30


async def test_a_row_with_a_time_that_is_none_stops_nothing(
    store: RoutingStore, database: Database, database_kind: str
) -> None:
    if database_kind != "sqlite":
        pytest.skip("PostgreSQL keeps the types of its columns")
    await save(store, SAMPLE, 0)
    await database.write(
        lambda session: (
            session.execute(
                text("INSERT INTO routing_versions VALUES (2, 'tomorrow', 'a', '', '{}', 'x')")
            )
            and None
        )
    )
    stored = await store.current()
    assert (stored.newest, stored.faulty) == (2, True)
    assert stored.document == DEFAULT_DOCUMENT


async def test_a_database_that_is_away_is_said_so(database: Database) -> None:
    store = RoutingStore(database, seats)
    await database.close()
    with pytest.raises(DatabaseUnavailable):
        await store.current()
    with pytest.raises(DatabaseUnavailable):
        await save(store, SAMPLE, 0)
