"""The database: engines, threads, transactions and the schema's version.

SQLAlchemy works synchronously in threads of this module; the rest of the process hands over small
functions of a `Session` and awaits them. Several threads read, exactly one writes, so that SQLite
never sees two writers of ours and the order of writes is the order in which they were handed over.
SQLite runs with a write-ahead log and ``synchronous=FULL``: what a caller was told is written
survives a power cut.
"""

import asyncio
import math
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import structlog
from sqlalchemy import (
    URL,
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic is imported where it is used: it takes half a second, and a controller that starts again
# must not keep callers waiting for what it only needs to change the schema.

SCHEMA_REVISION = "0022"
"""The newest migration; a test holds it against the migrations themselves."""

BACKENDS = frozenset({"sqlite", "postgresql", "postgres"})
T = TypeVar("T")
log = structlog.get_logger(__name__)

READ_THREADS = 4
"""Reads are short; more threads than this only contend for the interpreter."""
READS_PENDING_MAX = 1_000
"""Beyond it the panel is asking faster than the disk answers; the next reader is told at once."""
WRITES_PENDING_MAX = 2_000
"""About ten seconds of single-row commits on a slow disk; callers that retry keep their own."""
BUSY_WAIT_S = 0.25
"""SQLite's own wait for another process's lock; longer waits are our retries, up to a deadline."""
RETRY_PAUSE_S = 0.02
"""Between two tries of a write that met a lock or a deadlock."""
MIGRATION_STATEMENT_TIMEOUT_S = 600.0
"""A migration may rewrite a large table, but never hang for ever."""
CHECK_TIMEOUT_S = 5.0
"""Reading the revision is one row; a server that needs longer is not available."""

SQLITE_LOCK_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
POSTGRESQL_RETRY_STATES = frozenset({"40001", "40P01", "55P03"})
"""serialization_failure, deadlock_detected, lock_not_available: nothing was done, try again."""
POSTGRESQL_AWAY_STATES = frozenset({"25006", "42P01", "42703"})
"""A standby that only reads (during a failover); a table or column that is not yet migrated."""


class DatabaseUnavailable(Exception):
    """The database did not answer in time, refused the connection, or has no room left.

    A read did nothing. A write may still happen afterwards, so a caller that tries again must be
    idempotent; every store of this package is.
    """


class DatabaseURLInvalid(ValueError):
    """The address of the database cannot be used; the text says what was expected."""


class SchemaOutdated(Exception):
    """The database's schema is not the one that this version was written for."""


class Base(DeclarativeBase):
    """Base of all tables. Constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime, whatever the database keeps; a naive one is refused as our bug."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the database UTC; SQLite stores no zone, so it gets none."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored: records carry aware datetimes")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


RowId = BigInteger().with_variant(Integer(), "sqlite")
"""A row number given by the database; SQLite counts by itself only in an INTEGER key."""


def clean_text(text: str) -> str:
    """Return ``text`` as every database can keep it: without NUL and without half surrogates."""
    if text.isascii():
        return text.replace("\x00", "")
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return paired.replace("\x00", "")


class Database:
    """One database of one process.

    ``read`` and ``write`` take a function of a `Session`. It runs in a thread, inside one
    transaction, and **may run more than once** (after a lock conflict), so it must touch nothing
    but the session. Both raise `DatabaseUnavailable` after ``request_timeout_s`` at the latest;
    every other exception of the function passes through and nothing of it is committed.
    """

    def __init__(self, url: str, *, request_timeout_s: float) -> None:
        self._timeout_s = request_timeout_s
        self._reader = make_engine(url, timeout_s=request_timeout_s, readonly=True)
        self._writer = make_engine(url, timeout_s=request_timeout_s)
        self._read_threads = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="db-read")
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="db-write")
        self._closed = False
        self.reads_pending = 0
        self.writes_pending = 0

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` on one consistent snapshot; it cannot change anything."""
        if self._closed or self.reads_pending >= READS_PENDING_MAX:
            raise DatabaseUnavailable("closed" if self._closed else "too many reads are waiting")
        deadline = time.monotonic() + self._timeout_s
        future = self._read_threads.submit(self._read_now, work, deadline)
        self.reads_pending += 1
        try:
            return await _result(future, deadline)
        finally:
            self.reads_pending -= 1

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` after all writes handed over before it, and commit.

        A cancelled caller does not undo it: what was handed over is finished.
        """
        if self._closed or self.writes_pending >= WRITES_PENDING_MAX:
            raise DatabaseUnavailable("closed" if self._closed else "too many writes are waiting")
        deadline = time.monotonic() + self._timeout_s
        future = self._write_thread.submit(self._write_now, work, deadline)
        self.writes_pending += 1
        return await _result(future, deadline, self._write_done)

    async def close(self) -> None:
        """Finish what was handed over, then let go of every connection. Safe to call twice."""
        self._closed = True
        for threads in (self._write_thread, self._read_threads):
            await asyncio.to_thread(threads.shutdown)
        self._reader.dispose()
        self._writer.dispose()

    def _write_done(self) -> None:
        self.writes_pending -= 1

    def _read_now(self, work: Callable[[Session], T], deadline: float) -> T:
        _refuse_late(deadline)
        try:
            with Session(self._reader, expire_on_commit=False) as session, session.begin():
                return work(session)
        except (DBAPIError, PoolTimeoutError) as error:
            raise _translated(error) from error

    def _write_now(self, work: Callable[[Session], T], deadline: float) -> T:
        while True:
            _refuse_late(deadline)
            try:
                with Session(self._writer, expire_on_commit=False) as session, session.begin():
                    return work(session)
            except (DBAPIError, PoolTimeoutError) as error:
                if not _nothing_was_done(error) or time.monotonic() + RETRY_PAUSE_S > deadline:
                    raise _translated(error) from error
                log.debug("database_write_retried", reason=type(error).__name__)
            time.sleep(RETRY_PAUSE_S)


async def _result(
    future: "Future[T]", deadline: float, on_done: Callable[[], None] | None = None
) -> T:
    """Await a thread's result until ``deadline`` without ever cancelling the work itself.

    ``on_done`` is called in the loop when the work is over, however long nobody has been waiting.
    """
    wrapped = asyncio.wrap_future(future)
    if on_done is not None:
        # By the same way as the result: each wake-up of the loop by a thread costs both a syscall.
        wrapped.add_done_callback(lambda _: on_done())
    # A result that nobody waits for any more was logged by whoever gave up on it.
    wrapped.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait({wrapped}, timeout=max(0.0, deadline - time.monotonic()))
    if not wrapped.done():
        raise DatabaseUnavailable("no answer within the request's time")
    return wrapped.result()


def _refuse_late(deadline: float) -> None:
    """Do not begin what the caller has already been told was not done in time."""
    if time.monotonic() >= deadline:
        raise DatabaseUnavailable("the database was busy for the whole of the request's time")


def _nothing_was_done(error: Exception) -> bool:
    """Tell whether the database undid the whole transaction for a reason that passes."""
    orig = getattr(error, "orig", None)
    if isinstance(orig, sqlite3.OperationalError):
        return orig.sqlite_errorcode & 0xFF in SQLITE_LOCK_CODES
    return getattr(orig, "sqlstate", None) in POSTGRESQL_RETRY_STATES


def _translated(error: Exception) -> Exception:
    """Tell the database's trouble from our own bug (a wrong statement, a broken constraint)."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    away = getattr(getattr(error, "orig", None), "sqlstate", None) in POSTGRESQL_AWAY_STATES
    if lost or away or isinstance(error, OperationalError | InterfaceError | PoolTimeoutError):
        # Only the class: a statement's parameters are personal data and end up in logs.
        return DatabaseUnavailable(type(getattr(error, "orig", None) or error).__name__)
    return error


def normalised_url(url: str) -> URL:
    """Parse ``url`` and choose the driver; raises ValueError for what cannot serve."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() not in BACKENDS:
        raise DatabaseURLInvalid(
            "expected an address such as sqlite:////path/to/file.db or postgresql://host/name"
        )
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise DatabaseURLInvalid("a SQLite database needs a file, as in sqlite:////path/to/file.db")
    return parsed


def make_engine(url: str, *, timeout_s: float, readonly: bool = False) -> Engine:
    """Return an engine whose every statement and connection attempt ends within ``timeout_s``."""
    parsed = normalised_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed, readonly=readonly)
    milliseconds = math.ceil(timeout_s * 1_000)
    engine = create_engine(
        parsed,
        pool_pre_ping=True,
        pool_size=READ_THREADS if readonly else 1,
        max_overflow=0,
        pool_timeout=timeout_s,
        # The statement's parameters are personal data; exceptions must not print them.
        hide_parameters=True,
        connect_args={
            "connect_timeout": max(2, math.ceil(timeout_s)),
            "tcp_user_timeout": milliseconds,
            "options": f"-c timezone=UTC -c statement_timeout={milliseconds}"
            f" -c lock_timeout={milliseconds} -c synchronous_commit=on"
            # To compile a statement takes tens of milliseconds, longer than any of ours runs.
            " -c jit=off",
        },
    )
    if readonly:
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine


def _sqlite_engine(url: URL, *, readonly: bool) -> Engine:
    engine = create_engine(
        url,
        pool_size=READ_THREADS if readonly else 1,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"timeout": BUSY_WAIT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        # The driver must not guess where transactions begin; the "begin" hook below says it.
        connection.isolation_level = None
        pragmas = ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"]
        for pragma in [*pragmas, "query_only=ON"] if readonly else pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes its lock at once: a read that turns into a write could not wait for it.
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

    return engine


def migrations_dir() -> Path:
    """Return where the migrations lie: beside the package, or where an installation put them."""
    beside = Path(__file__).resolve().parent.parent / "migrations"
    return beside if beside.is_dir() else Path(sys.prefix) / "share" / "ccserver" / "migrations"


def alembic_config(url: str) -> "Config":
    """Return alembic's configuration for ``url``, usable from any working directory."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    # Not a "main option": a password may hold a percent sign, which those would interpolate.
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the schema to this version's; a failing migration leaves the schema as it was."""
    parsed = normalised_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    from alembic import command  # noqa: PLC0415

    command.upgrade(alembic_config(url), "head")
    log.info("database_upgraded", revision=SCHEMA_REVISION)


def current(url: str) -> str | None:
    """Return the schema's revision in the database, ``None`` for an empty one."""
    engine = make_engine(url, timeout_s=CHECK_TIMEOUT_S, readonly=True)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            query = text("SELECT version_num FROM alembic_version")
            found: str | None = connection.execute(query).scalar()
            return found
    except OperationalError as error:
        raise DatabaseUnavailable(type(error.orig or error).__name__) from error
    finally:
        engine.dispose()


def check(url: str) -> None:
    """Raise `SchemaOutdated` unless the database's schema is this version's."""
    found, expected = current(url), SCHEMA_REVISION
    if found != expected:
        raise SchemaOutdated(
            f"the database's schema is {found or 'empty'}, this version needs {expected}: "
            "run `ccserver db upgrade`."
        )
