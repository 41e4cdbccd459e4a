"""Databases of each kind, a clock that is moved, and takers, for the gateway's tests."""

import pytest

from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.sms.gate import ManualClock, Taken


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def taken() -> Taken:
    return Taken()
