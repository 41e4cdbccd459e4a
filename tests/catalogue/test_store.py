"""Versions of the catalogue are kept for ever, and a running centre takes each new one.

On SQLite and on PostgreSQL. What is the same for every document is tried with the routing's.
"""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ccserver.audit import AuditStore, AuditTag
from ccserver.catalogue import CatalogueStore, CurrentCatalogue, default_catalogue
from ccserver.catalogue.models import CatalogueVersionRow
from ccserver.db import Database, DatabaseUnavailable
from ccserver.documents import DocumentInvalid, VersionConflict
from tests.catalogue.examples import SAMPLE, plain

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> CatalogueStore:
    return CatalogueStore(database)


async def save(store: CatalogueStore, base: int = 0) -> int:
    return await store.save(SAMPLE, base_version=base, author="chief", comment="why", at=AT)


async def test_before_the_first_save_there_is_the_default(store: CatalogueStore) -> None:
    stored = await store.current()
    assert (stored.version, stored.document) == (0, default_catalogue())


async def test_a_save_is_a_version_with_its_line_in_the_audit(
    store: CatalogueStore, database: Database
) -> None:
    assert await save(store) == 1
    assert await save(store) == 1, "the same save again changes nothing"
    stored = await store.current()
    assert (stored.document, stored.author) == (SAMPLE, "chief")
    (kept,) = await AuditStore(database).entries(limit=10)
    assert (kept.entry.tag, kept.entry.data) == (AuditTag.CATALOGUE_SAVED, {"version": 1})
    with pytest.raises(VersionConflict):
        await store.save(default_catalogue(), base_version=0, author="root", comment="", at=AT)


async def test_what_is_wrong_is_not_saved(store: CatalogueStore) -> None:
    data = plain()
    data["types"][0]["parent"] = "gone"
    with pytest.raises(DocumentInvalid):
        await store.save(
            msgspec.convert(data, type(SAMPLE)), base_version=0, author="a", comment="", at=AT
        )
    assert await store.newest() == 0


@pytest.mark.parametrize(
    "statement",
    ["UPDATE catalogue_versions SET author = 'x'", "DELETE FROM catalogue_versions"],
)
async def test_the_database_itself_refuses_to_change_a_version(
    store: CatalogueStore, database: Database, statement: str
) -> None:
    await save(store)
    with pytest.raises(DBAPIError):
        await database.write(lambda session: session.execute(text(statement)) and None)
    assert (await store.version(1)).document == SAMPLE


async def test_a_running_centre_takes_what_was_saved_and_tells_the_panels(
    store: CatalogueStore,
) -> None:
    told: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    current = CurrentCatalogue(store, told.put_nowait)
    assert (current.version, current.prepared.areas) == (0, None)
    assert current.prepared.catalogue == default_catalogue()
    running = asyncio.create_task(current.run())
    async with asyncio.timeout(60):
        assert await told.get() == {"type": "catalogue", "version": 0}
        assert current.prepared.areas is not None
        current.saved(await save(store))
        assert await told.get() == {"type": "catalogue", "version": 1}
    assert current.prepared.catalogue == SAMPLE
    assert msgspec.json.decode(current.encoded) == {"version": 1, "catalogue": plain()}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_version_whose_areas_are_broken_is_used_without_them(
    store: CatalogueStore, database: Database
) -> None:
    """A database edited by hand: nothing is checked then, and nothing may stop."""
    data = plain()
    data["areas"][0]["polygons"] = [[[[24, 56], [25, 57]]]]
    document = msgspec.json.encode(data).decode()
    row = CatalogueVersionRow(
        version=1, saved_at=AT, author="hand", comment="", document=document, sha256="x"
    )
    await database.write(lambda session: session.merge(row) and None)
    told: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    current = CurrentCatalogue(store, told.put_nowait)
    running = asyncio.create_task(current.run())
    async with asyncio.timeout(60):
        assert (await told.get())["version"] == 1
    assert current.prepared.areas is not None
    assert current.prepared.areas.codes == ("east",)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_without_the_database_the_default_stays_in_force() -> None:
    class Away(CatalogueStore):
        def __init__(self) -> None:
            self.asked = asyncio.Event()

        async def newest(self) -> int:
            self.asked.set()
            raise DatabaseUnavailable("away")

    away = Away()
    current = CurrentCatalogue(away, lambda _: None)
    running = asyncio.create_task(current.run())
    async with asyncio.timeout(60):
        await away.asked.wait()
    assert not running.done()
    assert current.prepared.catalogue == default_catalogue()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
