"""A card store over each kind of database, and contacts to put into it."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ccserver.card import CardStore, ContactOpened
from ccserver.db import Database
from ccserver.types import ContactId, Medium
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)

ARRIVED = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> CardStore:  # noqa: F811
    # In these tests a type's branch stands before its dash, as in "fire-house".
    return CardStore(database, branch_of=lambda code: code.partition("-")[0])


@pytest.fixture
def arrived() -> Callable[..., ContactOpened]:
    def make(**changes: object) -> ContactOpened:
        values: dict[str, object] = {
            "contact_id": ContactId(str(uuid.uuid4())),
            "medium": Medium.VOICE,
            "queue": "emergency",
            "priority": 5,
            "caller_number": "+37129123456",
            "caller_number_hidden": False,
            "called_number": "112",
            "arrived_at": ARRIVED,
        }
        return ContactOpened(**(values | changes))  # type: ignore[arg-type]

    return make
