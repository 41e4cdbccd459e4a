"""One centre for all tests of this folder that change nothing which others look at."""

import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from ccserver.config import CallDataSettings
from sim.held import LocationServer
from sim.sip import UA
from sim.stack import Stack, seats
from tests.conformance.centre import CARRIER, Centre
from tests.conformance.world import World, world_of


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Centre]:
    folder = tmp_path_factory.mktemp("conformance")
    takers = seats(1)
    async with contextlib.AsyncExitStack() as exits:
        server = await exits.enter_async_context(LocationServer(folder / "held"))
        carrier = await exits.enter_async_context(UA(CARRIER))

        def prepare(stack: Stack) -> None:
            hosts = (f"localhost:{server.port}", "127.0.0.0/8", "::1")
            data = CallDataSettings(location_hosts=hosts, location_ca=str(server.ca))
            stack.config = msgspec.structs.replace(stack.config, call_data=data)

        world = await exits.enter_async_context(
            world_of(
                folder,
                takers=takers,
                trunk_out=f"sip:{CARRIER}:{carrier.port}",
                prepare=prepare,
            )
        )
        panel = await world.on_duty(takers[0])
        await panel.rest()
        yield Centre(world, panel, carrier, server)


@pytest.fixture
def world(centre: Centre) -> World:
    return centre.world
