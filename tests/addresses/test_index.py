"""The server always reads the newest whole index, in bounded time, and outlives a damaged one."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccserver.addresses import (
    Addresses,
    AddressesUnavailable,
    AddressIndex,
    ImportRefused,
    SearchesTooMany,
    SearchTimedOut,
    import_register,
    read_info,
)
from ccserver.addresses import index as index_module
from ccserver.addresses.index import LOOK_INTERVAL_S, THREADS, WAITING_MAX
from ccserver.location import Position
from tests.addresses.registers import RIGA, Register, imported, silent


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def register(street: str) -> Register:
    made = Register()
    city = made.city(100003003, "Rīga")
    made.street(100003004, street, city)
    made.building(101000000, "1", 100003004, "", RIGA)
    return made


def replace_by(street: str, folder: Path, path: Path) -> None:
    source = register(street).write(folder / "next")
    import_register(source, path, force=True, progress=silent)


def names(index: AddressIndex, text: str) -> list[str]:
    return [address.text for address in index.search(text, limit=5)]


def test_a_new_index_is_used_within_a_second_and_without_a_restart(tmp_path: Path) -> None:
    path, _ = imported(register("Vecā iela"), tmp_path)
    clock = Clock()
    index = AddressIndex(path, clock=clock)
    assert names(index, "veca") == ["Vecā iela, Rīga"]
    replace_by("Jaunā iela", tmp_path, path)
    assert names(index, "veca") == ["Vecā iela, Rīga"]  # not looked yet
    clock.now += LOOK_INTERVAL_S
    assert names(index, "jauna") == ["Jaunā iela, Rīga"]
    assert names(index, "veca") == []


def test_a_damaged_or_missing_new_file_leaves_the_old_one_in_use(tmp_path: Path) -> None:
    path, _ = imported(register("Vecā iela"), tmp_path)
    clock = Clock()
    index = AddressIndex(path, clock=clock)
    assert names(index, "veca") == ["Vecā iela, Rīga"]
    for damage in (b"", b"SQLite format 3\0 and nothing more", b"no database"):
        other = tmp_path / "other"
        other.write_bytes(damage)
        other.replace(path)
        for _ in range(2):
            clock.now += LOOK_INTERVAL_S
            assert names(index, "veca") == ["Vecā iela, Rīga"]
    path.unlink()
    clock.now += LOOK_INTERVAL_S
    assert names(index, "veca") == ["Vecā iela, Rīga"]
    replace_by("Jaunā iela", tmp_path, path)
    clock.now += LOOK_INTERVAL_S
    assert names(index, "jauna") == ["Jaunā iela, Rīga"]


def test_without_an_index_the_reason_is_said_until_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "addresses.db"
    clock = Clock()
    index = AddressIndex(path, clock=clock)
    with pytest.raises(AddressesUnavailable, match="import the register first"):
        index.search("rīga", limit=5)
    with pytest.raises(AddressesUnavailable):
        read_info(path)
    path.write_bytes(b"no database at all, but a file of some length")
    with pytest.raises(AddressesUnavailable):
        index.search("rīga", limit=5)
    replace_by("Jaunā iela", tmp_path, path)
    assert names(index, "jauna") == ["Jaunā iela, Rīga"]


def test_an_index_with_a_hole_is_said_to_be_damaged(index_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "addresses.db"
    shutil.copy(index_path, path)
    raw = bytearray(path.read_bytes())
    page = 4096
    for start in range(page, len(raw), page):
        raw[start : start + 64] = b"\xff" * 64
    path.write_bytes(raw)
    index = AddressIndex(path)
    with pytest.raises(AddressesUnavailable):
        index.search("brivibas", limit=5)


def test_another_database_is_not_taken_for_an_index(tmp_path: Path) -> None:
    path = tmp_path / "addresses.db"
    import sqlite3  # noqa: PLC0415

    database = sqlite3.connect(path)
    database.execute("CREATE TABLE addresses (id INTEGER)")
    database.commit()
    database.close()
    with pytest.raises(AddressesUnavailable, match="not an index of this version"):
        AddressIndex(path).search("riga", limit=5)


def test_a_search_ends_at_its_deadline(index_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def endless(database: object, *_: object, **__: object) -> object:
        clock.now += 2.0
        rows = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        )
        return database.execute(rows).fetchall()  # type: ignore[attr-defined]

    index = AddressIndex(index_path, clock=clock)
    with monkeypatch.context() as patch:
        patch.setattr(index_module, "search", endless)
        with pytest.raises(SearchTimedOut):
            index.search("brivibas", limit=5)
    assert names(index, "13 janvara 5")[0] == "13. janvāra iela 5, Rīga, LV-1010"


@pytest.fixture
async def addresses(index_path: Path) -> AsyncIterator[Addresses]:
    found = Addresses(index_path, timeout_s=30.0)
    yield found
    found.close()


async def test_searches_run_beside_the_event_loop(addresses: Addresses) -> None:
    found = await asyncio.gather(
        *(addresses.search("brivibas 15 riga", limit=1) for _ in range(20)),
        *(addresses.near(Position(*RIGA), limit=1) for _ in range(20)),
    )
    assert len(found) == 40
    one = await addresses.by_code(101001002)
    assert one is not None
    assert one.text == "Brīvības iela 15, Rīga, LV-1010"


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Searches that end when the event is set."""
    gate = threading.Event()

    def wait(*_: object, **__: object) -> list[object]:
        gate.wait(30)
        return []

    with monkeypatch.context() as patch:
        patch.setattr(index_module, "search", wait)
        try:
            yield gate
        finally:
            gate.set()


async def test_more_searches_than_may_wait_are_refused(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held(monkeypatch) as gate:
        waiting = [
            asyncio.create_task(addresses.search("riga", limit=1))
            for _ in range(THREADS + WAITING_MAX)
        ]
        await asyncio.sleep(0)
        with pytest.raises(SearchesTooMany):
            await addresses.search("riga", limit=1)
        # Who gave up waiting makes room for others at once.
        waiting.pop().cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.append(asyncio.create_task(addresses.search("riga", limit=1)))
        await asyncio.sleep(0)
        gate.set()
        assert await asyncio.gather(*waiting) == [[]] * (THREADS + WAITING_MAX)
    assert await addresses.search("riga", limit=1) != []


async def test_no_index_is_set_up() -> None:
    nothing = Addresses(None)
    with pytest.raises(AddressesUnavailable, match="no index of addresses is set up"):
        await nothing.search("riga", limit=1)
    nothing.close()


async def test_no_request_fails_while_the_index_is_replaced(tmp_path: Path) -> None:
    path, _ = imported(register("Vecā iela"), tmp_path)
    addresses = Addresses(path, timeout_s=30.0)
    stop = asyncio.Event()

    async def ask() -> set[str]:
        seen: set[str] = set()
        while not stop.is_set():
            for one in await addresses.search("rīga iela", limit=5):
                seen.add(one.text)
            await asyncio.sleep(0)
        return seen

    asking = [asyncio.create_task(ask()) for _ in range(3)]
    for round_ in range(5):
        await asyncio.to_thread(replace_by, f"Iela{round_} iela", tmp_path, path)
    async with asyncio.timeout(60):
        for _ in range(THREADS):  # each thread looks for itself
            while not await addresses.search("iela4", limit=5):
                pass
    stop.set()
    for seen in await asyncio.gather(*asking):
        assert seen
    addresses.close()


def test_a_refused_import_does_not_touch_the_readers(tmp_path: Path) -> None:
    path, _ = imported(register("Vecā iela"), tmp_path)
    index = AddressIndex(path)
    with pytest.raises(ImportRefused):
        import_register(Register().write(tmp_path / "empty"), path, progress=silent)
    assert names(index, "veca") == ["Vecā iela, Rīga"]
