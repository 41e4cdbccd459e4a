"""A real Asterisk for all tests of a worker, one of its own for tests that kill or stop it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sim.proxy import FaultProxy
from tests.faults.asterisk import Asterisk, AsteriskBinary, find_binary


@pytest.fixture(scope="session")
def asterisk_binary() -> AsteriskBinary:
    binary = find_binary()
    assert binary is not None, "no Asterisk: run the set-up first"
    return binary


@pytest.fixture(scope="session")
def asterisk(
    asterisk_binary: AsteriskBinary, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asterisk]:
    """Shared and never broken; tests put a proxy before it."""
    yield from _running(tmp_path_factory.mktemp("asterisk"), asterisk_binary)


@pytest.fixture
def own_asterisk(asterisk_binary: AsteriskBinary, tmp_path: Path) -> Iterator[Asterisk]:
    """For one test, which may kill, freeze and restart it."""
    yield from _running(tmp_path, asterisk_binary)


def _running(directory: Path, binary: AsteriskBinary) -> Iterator[Asterisk]:
    instance = Asterisk(directory, binary)
    instance.start()
    try:
        yield instance
    finally:
        instance.kill()


@pytest.fixture
async def ari_proxy(asterisk: Asterisk) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(asterisk.http_port) as proxy:
        yield proxy


@pytest.fixture
async def ami_proxy(asterisk: Asterisk) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(asterisk.ami_port) as proxy:
        yield proxy
