"""The index as the server uses it: in threads of its own, with a deadline, always the newest file.

The file is only ever replaced as a whole by the importer. Each thread has a connection, looks at
most once a second whether another file stands in its place, and takes that one for its next
search; a search under way ends on the file it began with. A new file that cannot be used is left
alone.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import structlog

from ccserver.addresses.reverse import nearest
from ccserver.addresses.schema import APPLICATION_ID, FORMAT
from ccserver.addresses.search import by_code, search
from ccserver.addresses.values import (
    Address,
    AddressesUnavailable,
    IndexInfo,
    Nearby,
    SearchesTooMany,
    SearchTimedOut,
)
from ccserver.location import Position

LIMIT_MAX = 50
"""Addresses in one answer; nobody reads more."""

SEARCH_TIMEOUT_S = 1.0
"""Twenty times what a slow search takes. Then SQLite is interrupted and the thread is free."""

THREADS = 2
WAITING_MAX = 64
"""Searches that may wait for a thread; each key press of each call taker is one."""

LOOK_INTERVAL_S = 1.0
STEPS_BETWEEN_LOOKS = 2_000
"""Of SQLite's machine, well below a millisecond."""

MMAP_BYTES = 1 << 30

Result = TypeVar("Result")
log = structlog.get_logger(__name__)


def open_index(path: Path) -> sqlite3.Connection:
    """The index, for reading; raises `AddressesUnavailable` with the reason."""
    if not path.is_file():
        raise AddressesUnavailable(f"{path}: there is no index; import the register first")
    # The importer never changes a file that has this name, so SQLite need not lock it.
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        database = sqlite3.connect(address, uri=True, check_same_thread=False)
        try:
            marks = [
                database.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("application_id", "user_version")
            ]
            if marks != [APPLICATION_ID, FORMAT]:
                raise AddressesUnavailable(f"{path}: not an index of this version; import again")
            database.execute(f"PRAGMA mmap_size = {MMAP_BYTES}")
            database.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
        except BaseException:
            database.close()
            raise
    except sqlite3.Error as error:
        raise AddressesUnavailable(f"{path}: cannot be read: {error}") from error
    return database


def read_info(path: Path) -> IndexInfo:
    """What the index holds; raises `AddressesUnavailable`."""
    with contextlib.closing(open_index(path)) as database:
        try:
            kept = dict(database.execute("SELECT name, value FROM meta"))
            values: dict[str, object] = {}
            for one in fields(IndexInfo):
                text = kept[one.name]
                values[one.name] = (
                    text == "True" if one.type is bool else int(text) if one.type is int else text
                )
            return IndexInfo(**values)  # type: ignore[arg-type]
        except (sqlite3.Error, KeyError, ValueError) as error:
            raise AddressesUnavailable(f"{path}: damaged: {error}") from error


class AddressIndex:
    """One thread's view of the index file: opens it, and opens the next one when it is there."""

    def __init__(
        self,
        path: Path,
        *,
        timeout_s: float = SEARCH_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._clock = clock
        self._database: sqlite3.Connection | None = None
        self._opened: tuple[int, int, int] | None = None
        self._refused: tuple[int, int, int] | None = None
        self._look_at = float("-inf")

    def search(self, text: str, *, limit: int, near: Position | None = None) -> list[Address]:
        """See `ccserver.addresses.search`."""
        return self._ask(
            lambda database: search(database, text, limit=min(limit, LIMIT_MAX), near=near)
        )

    def near(self, point: Position, *, limit: int) -> Nearby:
        """See `ccserver.addresses.reverse`."""
        return self._ask(lambda database: nearest(database, point, limit=min(limit, LIMIT_MAX)))

    def by_code(self, code: int) -> Address | None:
        """The address of that code."""
        found = self._ask(lambda database: by_code(database, code))
        return found[0] if found else None

    def close(self) -> None:
        """Let go of the file; the next search opens it again."""
        if self._database is not None:
            self._database.close()
        self._database = self._opened = None

    def _ask(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """``work`` on the newest file. Raises `AddressesUnavailable` or `SearchTimedOut`."""
        database = self._newest()
        give_up_at = self._clock() + self._timeout_s
        database.set_progress_handler(lambda: self._clock() > give_up_at, STEPS_BETWEEN_LOOKS)
        try:
            return work(database)
        except sqlite3.OperationalError as error:
            if self._clock() > give_up_at:
                raise SearchTimedOut(f"longer than {self._timeout_s} s") from error
            raise self._damaged(error) from error
        except sqlite3.Error as error:
            raise self._damaged(error) from error

    def _damaged(self, error: sqlite3.Error) -> AddressesUnavailable:
        log.error("address_index_damaged", reason=str(error))
        self.close()
        return AddressesUnavailable(f"{self._path}: damaged: {error}")

    def _newest(self) -> sqlite3.Connection:
        now = self._clock()
        if self._database is not None and now < self._look_at:
            return self._database
        self._look_at = now + LOOK_INTERVAL_S
        try:
            stat = self._path.stat()
            standing = (stat.st_dev, stat.st_ino, stat.st_mtime_ns)
        except OSError:
            standing = None
        known = (self._opened, self._refused)
        if self._database is not None and (standing is None or standing in known):
            return self._database
        try:
            opened = open_index(self._path)
        except AddressesUnavailable as error:
            if self._database is None:
                raise
            # What is there may be half of something; the index in use is whole.
            log.error("address_index_unusable", reason=str(error))
            self._refused = standing
            return self._database
        self.close()
        self._database, self._opened = opened, standing
        return opened


class Addresses:
    """The index for an event loop: searches run in a few threads, and wait in bounded number."""

    def __init__(self, path: Path | None, *, timeout_s: float = SEARCH_TIMEOUT_S) -> None:
        """``path`` ``None``: there is no index, and every question is answered with that."""
        self._path = path
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="addresses")
        self._own = threading.local()
        self._under_way = 0

    async def search(self, text: str, *, limit: int, near: Position | None = None) -> list[Address]:
        """Raises `AddressesUnavailable`, `SearchTimedOut` or `SearchesTooMany`."""
        return await self._ask(lambda index: index.search(text, limit=limit, near=near))

    async def near(self, point: Position, *, limit: int) -> Nearby:
        """Raises as `search` does."""
        return await self._ask(lambda index: index.near(point, limit=limit))

    async def by_code(self, code: int) -> Address | None:
        """Raises as `search` does."""
        return await self._ask(lambda index: index.by_code(code))

    def close(self) -> None:
        """End the threads; searches that wait are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, work: Callable[[AddressIndex], Result]) -> Result:
        if self._path is None:
            raise AddressesUnavailable("no index of addresses is set up")
        if self._under_way >= THREADS + WAITING_MAX:
            raise SearchesTooMany
        path = self._path

        def run() -> Result:
            index: AddressIndex | None = getattr(self._own, "index", None)
            if index is None:
                index = self._own.index = AddressIndex(path, timeout_s=self._timeout_s)
            return work(index)

        future = self._threads.submit(run)
        self._under_way += 1
        waiting = asyncio.wrap_future(future)
        # Whoever gave up, the thread is taken until its work is done.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: self._done(loop))
        return await waiting

    def _done(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
            loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self._under_way -= 1
