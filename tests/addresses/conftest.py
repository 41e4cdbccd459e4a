"""One index of the small register for all tests that only read it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccserver.addresses import AddressIndex
from tests.addresses.registers import imported, latvia


@pytest.fixture(scope="session")
def index_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, _ = imported(latvia(), tmp_path_factory.mktemp("addresses"))
    return path


@pytest.fixture(scope="session")
def index(index_path: Path) -> Iterator[AddressIndex]:
    found = AddressIndex(index_path, timeout_s=30.0)
    yield found
    found.close()
