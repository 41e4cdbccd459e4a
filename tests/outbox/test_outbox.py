"""Events leave in the order of commits, once each, with what they tell of or not at all."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from ccserver.db import Database, make_engine
from ccserver.outbox import EventType, OutboxEvent, OutboxStore, record
from ccserver.outbox.cloud_events import as_cloud_event
from ccserver.outbox.models import OutboxRow
from ccserver.outbox.store import read_after
from ccserver.types import IncidentId, ServiceCode

START = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
CRASH = IncidentId("0b3e6f9e-0000-4000-8000-000000000001")


def changed(key: str, *, at: datetime = START, service: str | None = None) -> OutboxEvent:
    return OutboxEvent(
        EventType.CARD_CHANGED,
        key,
        CRASH,
        at,
        service=None if service is None else ServiceCode(service),
        data={"tag": "field_saved"},
    )


def recording(*keys: str) -> Callable[[Session], None]:
    return lambda session: record(session, *(changed(key) for key in keys))


@pytest.fixture
def outbox(database: Database) -> OutboxStore:
    return OutboxStore(database)


async def test_events_are_read_in_order_from_any_number(
    database: Database, outbox: OutboxStore
) -> None:
    assert await outbox.newest() == 0
    assert await outbox.oldest() == 1
    for key in ("one", "two", "three"):
        await database.write(recording(key))
    events = await outbox.after(0)
    assert [event.seq for event in events] == sorted(event.seq for event in events)
    assert len({event.event_id for event in events}) == 3
    assert await outbox.after(events[0].seq) == events[1:]
    assert await outbox.newest() == events[-1].seq
    assert await outbox.after(0, limit=2) == events[:2]
    assert await outbox.after(0, types=[EventType.INVOLVEMENT_OPENED]) == []


async def test_an_event_told_again_is_the_same_event(
    database: Database, outbox: OutboxStore
) -> None:
    for _ in range(2):
        await database.write(lambda session: record(session, changed("one"), changed("two")))
    assert len(await outbox.after(0)) == 2


async def test_what_was_not_done_is_not_told(database: Database, outbox: OutboxStore) -> None:
    def work(session: Session) -> None:
        record(session, changed("one"))
        raise LookupError("the change itself failed")

    with pytest.raises(LookupError):
        await database.write(work)
    assert await outbox.after(0) == []


async def test_old_events_go_and_numbers_are_never_given_twice(
    database: Database, outbox: OutboxStore
) -> None:
    old, new = START, START + timedelta(days=8)
    await database.write(
        lambda session: record(session, changed("a", at=old), changed("b", at=old))
    )
    first = await outbox.newest()
    assert await outbox.purge(new) == 1  # the newest stays, whatever its age
    await database.write(lambda session: record(session, changed("c", at=new)))
    assert await outbox.newest() > first
    assert await outbox.purge(new) == 1
    assert [event.at for event in await outbox.after(0)] == [new]
    assert await outbox.oldest() == await outbox.newest()


def test_a_reader_that_goes_on_from_a_number_misses_nothing(database_url: str) -> None:
    """Writers that commit out of order would leave gaps that are filled behind the reader."""
    # As readers of the product do: SQLite's writers hold its lock from their first statement on.
    engine = make_engine(database_url, timeout_s=10, readonly=True)
    per_writer, writers = 15, 4
    failures: list[BaseException] = []

    def write(name: int) -> None:
        own = make_engine(database_url, timeout_s=10)
        try:
            for number in range(per_writer):
                _commit_slowly(own, f"{name}-{number}", pause_s=0.002 * (name % 2))
        except BaseException as error:
            failures.append(error)
        finally:
            own.dispose()

    threads = [threading.Thread(target=write, args=(name,)) for name in range(writers)]
    seen: list[str] = []
    position = 0
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while len(seen) < per_writer * writers and time.monotonic() < deadline and not failures:
        with Session(engine) as session:
            for event in read_after(session, position):
                position = event.seq
                seen.append(event.event_id)
    for thread in threads:
        thread.join()
    engine.dispose()
    assert failures == []
    assert len(set(seen)) == len(seen) == per_writer * writers


def _commit_slowly(engine: object, key: str, *, pause_s: float) -> None:
    """The number is taken, and the commit comes later: SQLite's lock is met and tried again."""
    while True:
        try:
            with Session(engine) as session, session.begin():  # type: ignore[arg-type]
                record(session, changed(key))
                time.sleep(pause_s)
        except Exception as error:
            if "locked" not in str(error):
                raise
        else:
            return


async def test_a_cloud_event_has_what_the_standard_requires(
    database: Database, outbox: OutboxStore
) -> None:
    await database.write(lambda session: record(session, changed("one", service="vugd")))
    (kept,) = await outbox.after(0)
    event = as_cloud_event(kept)
    # CloudEvents 1.0 §3.1: the required attributes, each a non-empty string.
    assert all(event[name] for name in ("id", "source", "specversion", "type"))
    assert event["specversion"] == "1.0"
    assert event["time"] == "2026-03-01T12:00:00.250Z"
    assert event["data"] == {"incident_id": CRASH, "service": "vugd", "tag": "field_saved"}
    # §3.1 attribute names: lower-case letters and digits only.
    assert all(name.isalnum() and name.islower() for name in event)


@pytest.mark.parametrize(
    "case",
    [
        (None, None, [], True),
        (None, "vugd", ["vugd", "nmpd"], True),
        (None, "vp", ["vugd", "nmpd"], False),
        ("vugd", "vugd", [], True),
        ("vugd", "nmpd", ["vugd", "nmpd"], False),
        ("vugd", None, [], True),
    ],
)
async def test_a_service_hears_of_its_incidents_only(
    database: Database,
    outbox: OutboxStore,
    case: tuple[str | None, str | None, list[str], bool],
) -> None:
    event_service, listener, involved, heard = case
    await database.write(lambda session: record(session, changed("one", service=event_service)))
    (kept,) = await outbox.after(0)
    service = None if listener is None else ServiceCode(listener)
    assert kept.concerns(service, [ServiceCode(one) for one in involved]) is heard


async def test_a_row_of_the_outbox_holds_no_key(database: Database, outbox: OutboxStore) -> None:
    """The id is made of the key and does not give it away: keys may hold field names."""
    await database.write(lambda session: record(session, changed("field_saved:notes:1")))
    row = await database.read(lambda session: session.query(OutboxRow).one())
    assert "notes" not in row.event_id
