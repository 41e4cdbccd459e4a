"""Proves the WebSocket over real sockets: beginning, resuming, ending, slow and dead clients."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from ccserver.types import ServiceCode
from ccserver.web import push, sockets
from ccserver.web.sessions import FRESH_S
from ccserver.web.sockets import SocketTimes
from tests.web.fakes import SEAT_A, SEAT_B
from tests.web.world import Person, World

WAIT_S = 60.0
"""For something that must happen; only a failing test waits as long."""

HELLO: dict[str, object] = {"type": "hello", "epoch": None, "seq": None}

Socket = aiohttp.ClientWebSocketResponse


async def receive(socket: Socket) -> dict[str, Any]:
    """The next message but pings."""
    while True:
        message = await asyncio.wait_for(socket.receive(), WAIT_S)
        assert message.type is WSMsgType.TEXT, message
        data: dict[str, Any] = json.loads(message.data)
        if data["type"] != "ping":
            return data


async def closed(socket: Socket) -> int | None:
    """The code that the server closed with, after whatever it still sent."""
    while not socket.closed:
        await asyncio.wait_for(socket.receive(), WAIT_S)
    return socket.close_code


async def live(person: Person, hello: dict[str, object] | None = None) -> tuple[Socket, Any]:
    """A connection that has said hello, and the first answer."""
    socket = await person.connect()
    await socket.send_json(hello or HELLO)
    return socket, await receive(socket)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - the other side is a server, not a task
            await asyncio.sleep(0.001)


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[World]:
    """A world that looks at its sessions often. Only deadlines that must pass are short here."""
    times = SocketTimes(ping_interval_s=0.05, close_timeout_s=0.2)
    async with World(tmp_path, times=times) as world:
        yield world


async def test_hello_gets_a_snapshot_and_then_what_happens(world: World) -> None:
    world.control.contacts.append({"contact_id": "c1"})
    world.hub.publish({"type": "contact", "contact": {"contact_id": "c1"}})
    socket, snapshot = await live(await world.person("anna"))
    assert snapshot.pop("epoch")
    assert snapshot == {
        "type": "snapshot",
        "seq": 1,
        "contacts": [{"contact_id": "c1"}],
        "agents": [],
        "me": {
            "account": {
                "login": "anna",
                "name": "Anna Ozola",
                "role": "call_taker",
                "language": "lv",
                "agent_id": "agent-101",
                "service": None,
            },
            "agent_id": "agent-101",
        },
        "server_time": "2026-03-01T08:00:00.123Z",
    }
    world.hub.publish({"type": "contact_gone", "contact_id": "c1"})
    assert await receive(socket) == {"type": "contact_gone", "contact_id": "c1", "seq": 2}
    await socket.close()
    await until(lambda: world.hub.subscriptions == 0)
    sample = world.metrics.registry.get_sample_value
    await until(lambda: sample("ccserver_websocket_clients") == 0)
    assert sample("ccserver_push_starts_total", {"kind": "snapshot"}) == 1


@pytest.mark.parametrize(("login", "seq"), [("fire", 2), ("ears", 3), ("wires", 3)])
async def test_who_is_not_of_the_centre_sees_none_of_its_callers(
    world: World, login: str, seq: int
) -> None:
    world.control.contacts.append({"contact_id": "c1"})
    socket, snapshot = await live(await world.person(login))
    assert (snapshot["contacts"], snapshot["agents"]) == ([], [])
    assert snapshot["me"]["account"]["login"] == login
    world.hub.publish({"type": "contact"})
    world.hub.publish({"type": "involvement"}, service=ServiceCode("vugd"))
    world.hub.publish({"type": "routing", "version": 2})
    assert (await receive(socket))["seq"] == seq
    await socket.close()


async def test_another_service_ends_the_connection(hasty: World) -> None:
    socket, _ = await live(await hasty.person("fire"))
    known = hasty.accounts.people["fire"]
    hasty.accounts.people["fire"] = replace(known, service=ServiceCode("police"))
    hasty.clock.seconds += 10
    assert await closed(socket) == 4401


async def test_after_a_break_come_exactly_the_missed_messages(world: World) -> None:
    anna = await world.person("anna")
    socket, snapshot = await live(anna)
    world.hub.publish({"type": "contact"})
    assert (await receive(socket))["seq"] == 1
    await socket.close()
    world.hub.publish({"type": "offer"}, agent_id=SEAT_A)
    world.hub.publish({"type": "offer"}, agent_id=SEAT_B)
    world.hub.publish({"type": "contact_gone"})
    socket, first = await live(anna, {**HELLO, "epoch": snapshot["epoch"], "seq": 1})
    assert first == {"type": "resumed", "epoch": snapshot["epoch"], "seq": 1}
    world.hub.publish({"type": "contact"})
    assert [(await receive(socket))["seq"] for _ in range(3)] == [2, 4, 5]
    await socket.close()


async def test_a_break_longer_than_the_ring_is_made_up_by_a_snapshot(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "RING_MESSAGES_MAX", 5)
    anna = await world.person("anna")
    socket, snapshot = await live(anna)
    await socket.close()
    for _ in range(6):
        world.hub.publish({"type": "contact"})
    socket, first = await live(anna, {**HELLO, "epoch": snapshot["epoch"], "seq": 0})
    assert (first["type"], first["seq"]) == ("snapshot", 6)
    await socket.close()


async def test_another_person_at_the_same_machine_gets_a_snapshot(world: World) -> None:
    socket, snapshot = await live(await world.person("anna"))
    await socket.close()
    hello = {**HELLO, "epoch": snapshot["epoch"], "seq": 0}
    socket, first = await live(await world.person("boris"), hello)
    assert first["type"] == "snapshot"
    assert first["me"]["agent_id"] == SEAT_B
    await socket.close()


async def test_no_message_is_lost_or_doubled_while_clients_come_and_go(world: World) -> None:
    """The snapshot is the number of messages published; each message must continue it by one."""
    rounds, publishing = 10, True
    world.control.contacts = [{"count": 0}]

    async def publish() -> None:
        while publishing:
            world.control.contacts[0]["count"] = world.hub.seq + 1
            world.hub.publish({"type": "contact"})
            await asyncio.sleep(0)

    async def panel(person: Person) -> int:
        hello, last, counted = dict(HELLO), -1, 0
        for turn in range(rounds):
            socket, first = await live(person, hello)
            if first["type"] == "snapshot":
                assert first["contacts"] == [{"count": first["seq"]}]
                last = first["seq"]
            else:
                assert first["seq"] == last
            for _ in range(20):
                message = await receive(socket)
                assert message["seq"] == last + 1
                last, counted = last + 1, counted + 1
            # Every third time the client has lost everything.
            hello = {**HELLO, "epoch": first["epoch"], "seq": last} if turn % 3 else dict(HELLO)
            await socket.close()
        return counted

    publisher = asyncio.create_task(publish())
    people = [await world.person(login) for login in ("anna", "boris", "chief")]
    counts = await asyncio.gather(*(panel(person) for person in people))
    publishing = False
    await publisher
    assert counts == [rounds * 20] * 3


@pytest.mark.parametrize("token", [None, "unknown"])
async def test_without_a_session_the_socket_is_closed_with_4401(
    world: World, token: str | None
) -> None:
    assert await closed(await Person(world, token).connect()) == 4401


async def test_another_sites_page_gets_no_socket(world: World) -> None:
    anna = await world.person("anna")
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await anna.connect(headers=headers)
        assert caught.value.status == 403
    socket = await anna.connect(headers={"Origin": f"http://{world.host}"})
    await socket.close()


async def test_a_client_that_says_nothing_is_closed(tmp_path: Path) -> None:
    async with World(tmp_path, times=SocketTimes(hello_timeout_s=0.05)) as world:
        assert await closed(await (await world.person("anna")).connect()) == 1008
        assert world.hub.subscriptions == 0


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"hello",
        b"[]",
        b'{"type":"pong"}',
        b'{"type":"hello","seq":"1"}',
        b'{"type":"hello","epoch":1}',
        b"[" * 3_000,
    ],
    ids=lambda data: data[:20].decode(),
)
async def test_a_first_message_that_is_no_hello_is_closed(world: World, first: bytes) -> None:
    socket = await (await world.person("anna")).connect()
    await socket.send_str(first.decode())
    assert await closed(socket) == 1008


@pytest.mark.parametrize(
    "hello",
    [
        {"epoch": "x" * 1_000, "seq": 5},
        {"epoch": "x", "seq": 10**30},
        {"epoch": "x", "seq": -1},
        {"epoch": None, "seq": 5},
        {"epoch": "x", "seq": None},
        {},
    ],
    ids=str,
)
async def test_a_hello_from_nowhere_gets_a_snapshot(world: World, hello: dict[str, object]) -> None:
    socket, first = await live(await world.person("anna"), {"type": "hello", **hello})
    assert first["type"] == "snapshot"
    await socket.close()


async def test_bytes_or_a_huge_message_instead_of_a_hello_are_closed(world: World) -> None:
    anna = await world.person("anna")
    socket = await anna.connect()
    await socket.send_bytes(b'{"type":"hello"}')
    assert await closed(socket) == 1008
    socket = await anna.connect()
    await socket.send_str("x" * (sockets.MESSAGE_BYTES_MAX + 1))
    assert await closed(socket) == 1009


async def test_what_a_client_says_later_is_ignored_up_to_a_bound(world: World) -> None:
    socket, _ = await live(await world.person("anna"))
    for _ in range(sockets.RECEIVED_PER_INTERVAL_MAX // 3):
        await socket.send_str('{"type":"pong"}')
        await socket.send_str("nonsense")
        await socket.send_bytes(b"\xff")
    world.hub.publish({"type": "contact"})
    assert (await receive(socket))["seq"] == 1
    for _ in range(3):
        await socket.send_str('{"type":"pong"}')
    assert await closed(socket) == 1008


async def test_pings_carry_the_time_and_the_number_of_the_last_message(hasty: World) -> None:
    socket, _ = await live(await hasty.person("anna"))
    hasty.hub.publish({"type": "offer"}, agent_id=SEAT_B)
    message = json.loads((await asyncio.wait_for(socket.receive(), WAIT_S)).data)
    assert message == {"type": "ping", "seq": 1, "server_time": "2026-03-01T08:00:00.123Z"}
    await socket.close()


async def test_the_end_of_the_session_closes_with_4401(hasty: World) -> None:
    socket, _ = await live(await hasty.person("anna"))
    hasty.clock.seconds = hasty.settings.session_ttl_s + FRESH_S
    assert await closed(socket) == 4401


async def test_another_role_or_seat_closes_with_4401(hasty: World) -> None:
    socket, _ = await live(await hasty.person("anna"))
    hasty.accounts.people["anna"] = hasty.accounts.people["lost"]
    hasty.clock.seconds = FRESH_S + 1
    assert await closed(socket) == 4401


async def test_logging_out_closes_the_sockets_of_that_session_at_once(world: World) -> None:
    anna, other_tab = await world.person("anna"), await world.person("anna")
    socket, _ = await live(anna)
    kept, _ = await live(other_tab)
    await anna.post("/api/logout")
    assert await closed(socket) == 4401
    world.hub.publish({"type": "contact"})
    assert (await receive(kept))["seq"] == 1
    await kept.close()


async def test_a_database_that_is_away_blinds_nobody(hasty: World) -> None:
    socket, _ = await live(await hasty.person("anna"))
    hasty.accounts.away = True
    hasty.clock.seconds = 100_000
    for _ in range(3):
        message = await asyncio.wait_for(socket.receive(), WAIT_S)
        assert json.loads(message.data)["type"] == "ping"
    await socket.close()


async def test_a_database_that_is_away_at_the_start_means_try_again(world: World) -> None:
    anna = await world.person("anna")
    world.accounts.away = True
    assert await closed(await anna.connect()) == 1013


async def connect_raw(
    world: World, token: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that says hello and reads only when told to; a client library would read ahead."""
    host, port = world.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1_024)
    lines = [
        "GET /api/ws HTTP/1.1",
        f"Host: {world.host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        f"Cookie: ccserver_session={token}",
    ]
    writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
    hello = json.dumps(HELLO).encode()
    writer.write(bytes([0x81, 0x80 | len(hello), 0, 0, 0, 0]) + hello)
    return reader, writer


async def read_to_the_end(reader: asyncio.StreamReader) -> None:
    """The server has let go of the connection; with or without what was still on its way."""
    async with asyncio.timeout(WAIT_S):
        with contextlib.suppress(ConnectionError):
            while await reader.read(65_536):
                pass


async def test_a_client_that_does_not_read_is_cut_and_the_others_notice_nothing(
    hasty: World,
) -> None:
    anna = await hasty.person("anna")
    quick, _ = await live(await hasty.person("boris"))
    reader, writer = await connect_raw(hasty, anna.token or "")
    await until(lambda: hasty.hub.subscriptions == 2)
    filler = "x" * 50_000
    sent = 0
    while hasty.hub.subscriptions == 2:
        hasty.hub.publish({"type": "contact", "filler": filler})
        sent += 1
        assert (await receive(quick))["seq"] == sent
        assert sent * len(filler) < 100_000_000, "the slow client was never cut"
    await read_to_the_end(reader)
    writer.close()
    hasty.hub.publish({"type": "contact"})
    assert (await receive(quick))["seq"] == sent + 1
    await quick.close()


async def test_a_client_that_takes_nothing_for_too_long_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its backlog is within the bounds, but one message does not leave in time."""
    monkeypatch.setattr(push, "PENDING_BYTES_MAX", 10**9)
    times = SocketTimes(send_timeout_s=0.1, close_timeout_s=0.1)
    async with World(tmp_path, times=times) as world:
        anna = await world.person("anna")
        reader, writer = await connect_raw(world, anna.token or "")
        await until(lambda: world.hub.subscriptions == 1)
        for _ in range(20):
            world.hub.publish({"type": "contact", "filler": "x" * 1_000_000})
        await until(lambda: world.hub.subscriptions == 0)
        await read_to_the_end(reader)
        writer.close()


async def test_a_client_that_is_a_bit_slow_is_told_to_try_again_and_resumes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "PENDING_MESSAGES_MAX", 50)
    anna = await world.person("anna")
    socket, first = await live(anna)
    for _ in range(60):  # in one step of the loop, so that nobody could have kept up
        world.hub.publish({"type": "contact"})
    assert await closed(socket) == 1013
    socket, first = await live(anna, {**HELLO, "epoch": first["epoch"], "seq": 0})
    assert first["type"] == "resumed"
    assert [(await receive(socket))["seq"] for _ in range(60)] == list(range(1, 61))
    await socket.close()


async def test_a_dead_peer_is_found_out(tmp_path: Path) -> None:
    async with World(tmp_path, times=SocketTimes(heartbeat_s=0.2)) as world:
        # It goes on reading but never answers the protocol's ping.
        socket = await (await world.person("anna")).connect(autoping=False)
        await socket.send_json(HELLO)
        assert await closed(socket) == 1006
        await until(lambda: world.hub.subscriptions == 0)


async def test_too_many_sockets_of_one_account_replace_the_oldest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "SOCKETS_PER_ACCOUNT_MAX", 2)
    boris, _ = await live(await world.person("boris"))
    # Several sessions of one account count together.
    tabs = [(await live(await world.person("anna")))[0] for _ in range(3)]
    assert await closed(tabs[0]) == 4409
    world.hub.publish({"type": "contact"})
    for socket in (boris, *tabs[1:]):
        assert (await receive(socket))["seq"] == 1
        await socket.close()


async def test_more_sockets_than_the_server_bears_are_told_to_try_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "SOCKETS_MAX", 1)
    anna = await world.person("anna")
    first, _ = await live(anna)
    assert await closed(await anna.connect()) == 1013
    await first.close()


async def test_a_runtime_that_cannot_say_what_is_closes_with_1011(world: World) -> None:
    world.control.fails = RuntimeError("broken")
    socket = await (await world.person("anna")).connect()
    await socket.send_json(HELLO)
    assert await closed(socket) == 1011
    assert world.hub.subscriptions == 0


async def test_when_the_server_stops_everybody_is_told_to_come_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world:
        socket, _ = await live(await world.person("anna"))
        ending = asyncio.create_task(closed(socket))
        async with asyncio.timeout(WAIT_S):
            await world.stop()
        assert await ending == 1001
