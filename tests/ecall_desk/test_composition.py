"""The desk with the edge and without one: which tasks run, which addresses there are, what is told.

Composed over the real cards and live view, as the application does it.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ccserver.calldata.spool import CallDataSpool
from ccserver.config import CallDataSettings, EdgeNodeSettings, EdgeSettings, EdgeTrunkSettings
from ccserver.db import Database
from ccserver.ecall_desk import ECalls
from ccserver.sipedge import client
from ccserver.types import AgentId, ContactId
from tests.calldata.desk import Room
from tests.databases import (  # noqa: F401
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)


async def hang_up(agent_id: AgentId, contact_id: ContactId) -> None:
    raise AssertionError("nobody asked for it")


def composed(room: Room, edge: EdgeSettings) -> ECalls:
    return ECalls(
        room.database,
        room.live,
        room.chronicle,
        room.cards,
        edge=edge,
        settings=CallDataSettings(),
        spool=CallDataSpool(room.spool_dir),
        facts_of=room.facts.get,
        changed=lambda _: None,
        look=lambda: None,
        priority_of=lambda _service, _at: 0,
        metrics=room.metrics,
        clock=room.clock,
    )


def edge_at(port: int, folder: Path) -> EdgeSettings:
    return EdgeSettings(
        enabled=True,
        config_dir=str(folder),
        run_dir=str(folder),
        control_port=port,
        control_token="t" * 32,
        topology_key="k" * 32,
        nodes=(EdgeNodeSettings(name="one", uri="sip:127.0.0.1:5080"),),
        trunks=(EdgeTrunkSettings(name="operator", addresses=("127.0.0.1",)),),
    )


@asynccontextmanager
async def running(calls: ECalls) -> AsyncIterator[set[str]]:
    tasks = [asyncio.create_task(work, name=name) for name, work in calls.services().items()]
    try:
        yield {task.get_name() for task in tasks}
        assert not [task for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await calls.close()


@pytest.fixture
def room(database: Database, tmp_path: Path) -> Room:  # noqa: F811
    return Room(database, tmp_path)


async def test_without_an_edge_there_is_nothing_to_watch(room: Room) -> None:
    calls = composed(room, EdgeSettings())
    async with running(calls) as names:
        assert names == {"call_data"}
        await asyncio.sleep(0)
        assert (calls.edge_down, calls.node_down, calls.stuck) == (False, False, False)


async def test_an_edge_that_does_not_answer_is_said_to_be_down(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE_S", client.WATCH_INTERVAL_S)
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        calls = composed(room, edge_at(nobody_listens.getsockname()[1], tmp_path))
        assert not calls.edge_down
        async with running(calls) as names:
            assert names == {"call_data", "edge"}
            await room.until(lambda: calls.edge_down)
            assert (calls.node_down, calls.stuck) == (False, False)


async def test_every_address_of_call_data_is_there(room: Room) -> None:
    routes = composed(room, EdgeSettings()).routes(hang_up)
    assert sorted(route.path.rpartition("/")[2] for route in routes) == [
        "clear-down",
        "ecalls",
        "emergency-data",
        "msd-requests",
    ]
