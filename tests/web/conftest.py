"""One application per test: over fakes, or with the real card room over each kind of database."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ccserver.card import CardStore, ContactOpened
from tests.card.conftest import arrived, store  # noqa: F401  (fixtures)
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.web.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        yield world


@pytest.fixture
async def centre(tmp_path: Path, store: CardStore) -> AsyncIterator[World]:  # noqa: F811
    """With the real card room."""
    async with World(tmp_path, cards=store) as world:
        yield world


@pytest.fixture
async def card(store: CardStore, arrived: Callable[..., ContactOpened]) -> str:  # noqa: F811
    """The address of a card of the real room."""
    head = await store.open_contact(arrived())
    return f"/api/cards/{head.incident_id}"
