"""The desk of call data over each kind of database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ccserver.db import Database
from tests.calldata.desk import Room
from tests.databases import (  # noqa: F401
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:  # noqa: F811
    async with Room(database, tmp_path) as room:
        yield room
