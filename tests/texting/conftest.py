"""A live centre of texts over each kind of database."""

from pathlib import Path

import pytest

from ccserver.db import Database
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.texting.centre import TextCentre


@pytest.fixture
def centre(database: Database, tmp_path: Path) -> TextCentre:  # noqa: F811
    return TextCentre(database, tmp_path)
