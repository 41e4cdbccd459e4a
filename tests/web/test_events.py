"""Proves the event stream over real sockets and databases: nothing lost, nothing twice, nobody
else's, over reconnects, restarts, gaps, slow readers and revoked keys."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType
from sqlalchemy import delete

from ccserver.accounts import Scope
from ccserver.db import Database, DatabaseUnavailable
from ccserver.outbox import KeptEvent, OutboxStore
from ccserver.outbox.models import OutboxRow
from ccserver.types import IncidentId
from ccserver.web import events
from ccserver.web.events import EventTimes
from tests.web.leaving import AMBULANCE, FIRE, Leaving
from tests.web.world import Person, World

WAIT_S = 60.0
"""For something that must happen; only a failing test waits as long."""
OTHER = IncidentId("5d0f6f4e-3b5c-4c43-9d56-0f2f8b6f1a99")

Socket = aiohttp.ClientWebSocketResponse


@pytest.fixture
def leaving(database: Database) -> Leaving:
    return Leaving(database)


@asynccontextmanager
async def serving(
    leaving: Leaving, directory: Path, times: EventTimes | None = None
) -> AsyncIterator[World]:
    """One life of a server, with the task that looks for news."""
    async with leaving.world(directory, times=times) as world:
        looking = asyncio.create_task(leaving.running.streams.run())
        try:
            yield world
        finally:
            looking.cancel()


@pytest.fixture
async def world(leaving: Leaving, tmp_path: Path) -> AsyncIterator[World]:
    async with serving(leaving, tmp_path) as world:
        yield world


async def opened(person: Person, after: int | None = None) -> Socket:
    query = "" if after is None else f"?after={after}"
    return await person.connect(f"/api/events{query}")


async def frame(socket: Socket) -> Any:
    message = await asyncio.wait_for(socket.receive(), WAIT_S)
    assert message.type is WSMsgType.TEXT, message
    return json.loads(message.data)


async def tags(socket: Socket, count: int) -> list[str]:
    return [(await frame(socket))["data"]["tag"] for _ in range(count)]


async def closed(socket: Socket) -> int | None:
    while not socket.closed:
        await asyncio.wait_for(socket.receive(), WAIT_S)
    return socket.close_code


async def test_events_from_now_on_come_as_cloud_events(world: World, leaving: Leaving) -> None:
    await leaving.tell("before")
    socket = await opened(await world.program(Scope.EVENTS))
    await leaving.tell("after")
    event = await frame(socket)
    assert event["specversion"] == "1.0"
    assert event["type"] == "org.ccserver.card.changed.v1"
    assert event["data"]["tag"] == "after"
    assert int(event["sequence"]) == 2
    await socket.close()


async def test_nothing_is_lost_or_told_twice_over_reconnects_and_a_restart(
    leaving: Leaving, tmp_path: Path
) -> None:
    wanted = [f"event {number}" for number in range(60)]
    got: list[str] = []
    last = 0

    async def write() -> None:
        for key in wanted:
            await leaving.tell(key)

    writing = asyncio.create_task(write())
    for _ in range(2):  # lives of the server
        async with serving(leaving, tmp_path) as world:
            for _ in range(3):  # connections
                socket = await opened(await world.program(Scope.EVENTS), last)
                for _ in range(10):
                    event = await frame(socket)
                    got.append(event["data"]["tag"])
                    last = int(event["sequence"])
                await socket.close()
    await writing
    assert got == wanted


async def test_a_service_never_hears_of_what_is_not_its_own(world: World, leaving: Leaving) -> None:
    fire = await opened(await world.program(Scope.EVENTS, service=FIRE), 0)
    ambulance = await opened(await world.program(Scope.EVENTS, service=AMBULANCE), 0)
    centre = await opened(await world.person("root"), 0)
    await leaving.tell("to those involved")
    await leaving.tell("elsewhere", incident_id=OTHER)
    await leaving.tell("to the fire service alone", service=FIRE)
    await leaving.tell("to the ambulance alone", service=AMBULANCE)
    assert await tags(centre, 4) == [
        "to those involved",
        "elsewhere",
        "to the fire service alone",
        "to the ambulance alone",
    ]
    assert await tags(fire, 2) == ["to those involved", "to the fire service alone"]
    assert await tags(ambulance, 1) == ["to the ambulance alone"]
    leaving.involved.add(AMBULANCE)
    await leaving.tell("to both now")
    assert await tags(fire, 1) == await tags(ambulance, 1) == ["to both now"]


@pytest.mark.parametrize("asked", [0, 2, 1_000])
async def test_what_is_no_longer_kept_is_told_as_a_gap(
    world: World, leaving: Leaving, asked: int
) -> None:
    await leaving.tell("one", "two", "three", "four", "five")
    await leaving.database.write(
        lambda session: session.execute(delete(OutboxRow).where(OutboxRow.seq <= 3)) and None
    )
    socket = await opened(await world.program(Scope.EVENTS), asked)
    assert await frame(socket) == {"gap": {"asked": asked, "oldest": 4}}
    assert await tags(socket, 2) == ["four", "five"]
    await socket.close()


async def test_the_end_of_what_is_kept_is_no_gap(world: World, leaving: Leaving) -> None:
    await leaving.tell("one", "two", "three")
    await leaving.database.write(
        lambda session: session.execute(delete(OutboxRow).where(OutboxRow.seq <= 2)) and None
    )
    for after, expected in ((2, ["three", "four"]), (3, ["four"])):
        socket = await opened(await world.program(Scope.EVENTS), after)
        await leaving.tell("four")
        assert await tags(socket, len(expected)) == expected
        await socket.close()


async def test_one_who_does_not_read_is_let_go_and_goes_on_later(
    leaving: Leaving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        events, "as_cloud_event", lambda kept: {"seq": kept.seq, "padding": "x" * 1_000_000}
    )
    await leaving.tell(*(f"event {number}" for number in range(40)))
    async with serving(leaving, tmp_path, EventTimes(send_timeout_s=0.5)) as world:
        program = await world.program(Scope.EVENTS)
        # As little as a client can read: the head of the answer, and then nothing any more.
        reader, writer = await asyncio.open_connection(*world.host.split(":"), limit=1_024)
        head = "".join(f"{name}: {value}\r\n" for name, value in program.headers().items())
        writer.write(
            f"GET /api/events?after=0 HTTP/1.1\r\nHost: {world.host}\r\n{head}"
            "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        assert b" 101 " in await asyncio.wait_for(reader.readline(), WAIT_S)
        open_now = world.metrics.event_streams
        async with asyncio.timeout(WAIT_S):
            while open_now._value.get() > 0:  # noqa: ASYNC110 - the other side is a server
                await asyncio.sleep(0.01)
        writer.close()
        # Whoever reads gets everything, and the slow one can come back.
        socket = await program.connect("/api/events?after=0")
        for number in range(1, 41):
            assert (await frame(socket))["seq"] == number
        await socket.close()


async def test_a_revoked_key_is_cut_off(leaving: Leaving, tmp_path: Path) -> None:
    async with serving(leaving, tmp_path, EventTimes(recheck_s=0.05)) as world:
        revoked = await opened(await world.program(Scope.EVENTS))
        stays = await opened(await world.program(Scope.EVENTS))
        world.clock.seconds += 3_600  # nothing that was looked up before is believed any more
        (key, _) = world.keys.kept.values()
        await world.keys.revoke(key.key_id, by="root")
        assert await closed(revoked) == 4401
        await leaving.tell("after")
        assert await tags(stays, 1) == ["after"]
        await stays.close()


async def test_a_database_that_is_away_holds_a_stream_up_and_ends_it_not(
    world: World, leaving: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "AWAY_S", 0.01)
    socket = await opened(await world.program(Scope.EVENTS), 0)
    await leaving.tell("before")
    assert await tags(socket, 1) == ["before"]
    failing = FailingOutbox(leaving.running.outbox, times=3)
    monkeypatch.setattr(leaving.running.streams, "_outbox", failing)
    await leaving.tell("one")
    leaving.running.wake()
    assert await tags(socket, 1) == ["one"]
    # What was being read at that moment may have been read before the database went away.
    await asyncio.wait_for(failing.over.wait(), WAIT_S)
    await leaving.tell("two")
    assert await tags(socket, 1) == ["two"]
    await socket.close()


class FailingOutbox:
    """The outbox, which fails a few times first."""

    def __init__(self, outbox: OutboxStore, times: int) -> None:
        self._outbox = outbox
        self._times = times
        self.over = asyncio.Event()

    def _fail(self) -> None:
        if self._times > 0:
            self._times -= 1
            raise DatabaseUnavailable("away")
        self.over.set()

    async def after(self, seq: int, *, limit: int) -> list[KeptEvent]:
        self._fail()
        return await self._outbox.after(seq, limit=limit)

    async def newest(self) -> int:
        self._fail()
        return await self._outbox.newest()

    async def oldest(self) -> int:
        self._fail()
        return await self._outbox.oldest()


async def test_the_server_stops_with_a_word(world: World) -> None:
    socket = await opened(await world.program(Scope.EVENTS))
    stopping = asyncio.create_task(world.stop())
    assert await closed(socket) == 1001
    await stopping


async def test_there_are_not_more_streams_than_the_server_bears(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STREAMS_MAX", 1)
    program = await world.program(Scope.EVENTS)
    socket = await opened(program)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await opened(program)
    assert refused.value.status == 503
    await socket.close()


@pytest.mark.parametrize(
    ("query", "status"),
    [("?after=x", 400), ("?after=-1", 400), (f"?after={2**63}", 400), ("", 426)],
)
async def test_what_is_no_stream_is_refused(world: World, query: str, status: int) -> None:
    program = await world.program(Scope.EVENTS)
    assert (await program.get(f"/api/events{query}")).status == status


@pytest.mark.parametrize("login", ["anna", "chief", "fire", "ears", "wires"])
async def test_who_has_not_the_right_gets_no_stream(world: World, login: str) -> None:
    assert (await (await world.person(login)).get("/api/events")).status == 403
    assert (await (await world.program(Scope.INCIDENTS_READ)).get("/api/events")).status == 403
    assert (await world.nobody().get("/api/events")).status == 401


async def test_another_sites_page_gets_no_stream(world: World) -> None:
    root = await world.person("root")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await root.connect("/api/events", headers={"Origin": "https://evil.example"})
    assert refused.value.status == 403


async def test_a_flood_of_messages_ends_the_stream(world: World) -> None:
    socket = await opened(await world.program(Scope.EVENTS))
    for _ in range(events.RECEIVED_MAX + 1):
        await socket.send_str("x")
    assert await closed(socket) == 1008
