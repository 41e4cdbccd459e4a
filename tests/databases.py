"""Real databases for tests: SQLite always, PostgreSQL where a server is installed.

Every test gets a database of its own, migrated by the product's own migrations.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher

from ccserver import db
from ccserver.accounts import AccountStore
from ccserver.accounts.passwords import Passwords

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
START_DEADLINE_S = 60.0
REQUEST_TIMEOUT_S = 60.0
"""Long, because two busy cores are no fault of the database's."""
TEMPLATE = "ccserver_template"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""A hash as of the real accounts takes a tenth of a second, and a store makes one to begin with."""


class Cluster:
    """A PostgreSQL server of our own: in a temporary folder, on a UNIX socket, without a port.

    Unless it is ``durable`` it waits for no disk, as tests do not pull the plug.
    """

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self.durable = durable
        self.data = folder / "data"
        self.binaries = BINARIES[-1].parent
        # The server refuses to run as root.
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{self.user.pw_name}@/{name}?host={self.folder}"

    def start(self) -> None:
        os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self._popen("initdb", "-D", self.data, "-A", "trust", "-E", "UTF8", "-N").wait()
        self.start_again()

    def start_again(self) -> None:
        unsafe = "" if self.durable else "-c fsync=off -c full_page_writes=off"
        self.process = self._popen(
            "postgres", "-D", self.data, "-k", self.folder, "-c", "listen_addresses=",
            "-c", "autovacuum=off", "-c", "max_connections=60", *unsafe.split(),
            "-c", f"synchronous_commit={'on' if self.durable else 'off'}",
        )  # fmt: skip
        deadline = time.monotonic() + START_DEADLINE_S
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def execute(self, statement: str) -> None:
        with psycopg.connect(
            host=str(self.folder), user=self.user.pw_name, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def _popen(self, program: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        root = os.geteuid() == 0
        with (self.folder / "log").open("ab") as output:
            return subprocess.Popen(
                [self.binaries / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                start_new_session=True,
                user=self.user.pw_uid if root else None,
                group=self.user.pw_gid if root else None,
                extra_groups=[] if root else None,
            )


def accounts_of(database: db.Database) -> AccountStore:
    """Accounts for tests that are not about passwords."""
    return AccountStore(database, passwords=Passwords(CHEAP))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if not BINARIES:
        reason = "no PostgreSQL server is installed (Debian package postgresql): NOT tested on it"
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="ccserver-pg-"))
    cluster = Cluster(folder)
    try:
        cluster.start()
        cluster.execute(f"CREATE DATABASE {TEMPLATE}")
        db.upgrade(cluster.url(TEMPLATE))
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    db.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, database_kind: str) -> Iterator[str]:
    """An empty database of each kind."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: Cluster = request.getfixturevalue("cluster")
    name = f"empty_{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {name}")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, database_kind: str
) -> Iterator[str]:
    """A migrated database of each kind."""
    if database_kind == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "test.db")
        yield f"sqlite:///{tmp_path}/test.db"
        return
    server: Cluster = request.getfixturevalue("cluster")
    name = f"test_{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[db.Database]:
    opened = db.Database(database_url, request_timeout_s=REQUEST_TIMEOUT_S)
    yield opened
    await opened.close()
