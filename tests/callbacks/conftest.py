"""A call-back store over each kind of database, and a desk over one."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from ccserver import db
from ccserver.accounts.models import AgentRow
from ccserver.callbacks import CallbackStore
from ccserver.db import Database
from tests.callbacks.centre import Centre
from tests.callbacks.samples import ANNA, BORIS
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)


@pytest.fixture
def store(database: Database) -> CallbackStore:  # noqa: F811
    return CallbackStore(database)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("desk") / "template.db"
    db.upgrade(f"sqlite:///{path}")
    engine = db.make_engine(f"sqlite:///{path}", timeout_s=20)
    with Session(engine) as session, session.begin():
        for agent_id, name in ((ANNA, "Anna"), (BORIS, "Boris")):
            seat = {"extension": agent_id[-3:], "device": "sip", "sip_password": "s"}
            session.add(AgentRow(agent_id=agent_id, name=name, **seat))
    engine.dispose()
    return path


@pytest.fixture
def url(tmp_path: Path, migrated: Path) -> str:
    shutil.copy(migrated, tmp_path / "test.db")
    return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture
async def centre(url: str) -> AsyncIterator[Centre]:
    own = Database(url, request_timeout_s=20)
    yield Centre(own)
    await own.close()
