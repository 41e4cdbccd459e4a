"""The control port, and what becomes of calls when the edge dies or hangs in the middle of them."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from ccserver.sipedge.client import EdgeUnreachable, NoSuchDialog
from sim.car import PACKAGE
from sim.sip import Call, Part, Reply
from sim.sip.message import respond
from tests.sipedge.site import Site, eventually, site, until
from tests.sipedge.test_info import ASK

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with site(tmp_path_factory.mktemp("edge")) as made:
        yield made


async def acknowledged(here: Site, call: Call, *, within_s: float = 10) -> bytes:
    """The first ACK that the carrier got of a call."""

    def look() -> list[bytes]:
        mark = f"Call-ID: {call.call_id}\r\n".encode()
        got = [t.data for t in here.carrier.trace if not t.sent and mark in t.data]
        return [data for data in got if data.startswith(b"ACK ")]

    return (await eventually(look, "the ACK", within_s=within_s))[0]


async def test_the_control_port_answers_only_who_knows_the_token(here: Site) -> None:
    edge = here.stack.config.edge
    own, outer = (f"http://127.0.0.1:{port}" for port in (edge.control_port, edge.sip_port))
    good = {"Authorization": f"Bearer {edge.control_token}"}
    timeout = aiohttp.ClientTimeout(total=3)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def status(method: str, url: str, **options: object) -> int:
            async with session.request(method, url, **options) as response:  # type: ignore[arg-type]
                return response.status

        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer "}):
            for path in ("/health", "/info", "/"):
                assert await status("GET", own + path, headers=headers) == 401
        assert await status("GET", f"{own}/health", headers=good) == 200
        assert await status("POST", f"{own}/health", headers=good) == 500
        assert await status("GET", f"{own}/other", headers=good) == 404
        assert await status("GET", f"{own}/info", headers=good) == 400
        assert await status("POST", f"{own}/info", headers=good, data=b"x") == 400
        # Whoever tries HTTP where SIP is spoken learns nothing.
        with pytest.raises(aiohttp.ClientError):
            await status("GET", f"{outer}/health", headers=good)
    health = await here.control.health()
    assert [(node.name, node.up) for node in health.nodes] == [("node1", True)]
    assert health.dialogs == 0
    async with here.car() as car:
        await car.connected()
        assert (await here.control.health()).dialogs == 1
        await car.hang_up()
    assert (await here.control.health()).dialogs == 0
    # SIP at the control port is not answered.
    with socket.create_connection(("127.0.0.1", edge.control_port), timeout=1) as connection:
        options = (
            "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK1\r\n"
            "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        connection.sendall(options.encode())
        received = b""
        with contextlib.suppress(TimeoutError):  # closed is as good as silent
            received = connection.recv(100)
        assert received == b""


async def test_a_node_that_is_gone_shows_in_the_health(here: Site) -> None:
    await here.stack.kill_asterisk()

    async def down() -> bool:
        return not (await here.control.health()).nodes[0].up

    await until(down, "the node is down", within_s=6)
    await here.stack.start_asterisk()

    async def up() -> bool:
        return not await down()

    await until(up, "the node is up again", within_s=6)


async def test_calls_go_on_when_the_edge_is_killed(here: Site) -> None:
    """Nothing that keeps a call going is in its memory alone."""
    async with here.car() as car, here.car(host="127.0.1.6", number="+37129000001") as other:
        call = await car.connected()
        theirs = await other.connected()
        await here.control.send_info(call.call_id, **ASK)
        await call.wait_request("INFO")
        await here.stack.kill_edge()
        with pytest.raises(EdgeUnreachable):
            await here.control.send_info(call.call_id, **ASK)
        await here.stack.start_edge()
        # What the car sends is still taken and kept; what we would send is not known any more.
        assert await car.send_data() == 200
        await here.kept(call.call_id, kind="info", count=2)
        with pytest.raises(NoSuchDialog):
            await here.control.send_info(call.call_id, **ASK)
        # Asterisk's requests reach the car, with numbers that are still in order.
        channel = await here.channel_of(call.call_id)
        await here.refresh(channel, "update")
        await call.wait_request("UPDATE")
        # By them the edge knows the call again.
        await here.control.send_info(call.call_id, **ASK)
        await call.wait_request("INFO", count=2)
        await here.kept(call.call_id, kind="info", count=3)
        await here.hang_up(channel)
        await call.wait_ended()
        assert call.end is not None
        numbers = [request.sequence[0] for request in call.received]
        assert numbers == sorted(set(numbers))
        # … and the other car's goodbye reaches Asterisk.
        assert (await theirs.send("BYE")).code == 200

        async def over() -> bool:
            return not await here.channels()

        await until(over, "the end of both calls in Asterisk")


async def test_a_frozen_edge_costs_only_its_time(here: Site) -> None:
    async with here.car() as car:
        call = await car.connected()
        here.stack.freeze_edge()
        with pytest.raises(EdgeUnreachable):
            await here.control.health()
        sending = asyncio.create_task(call.info(PACKAGE, [Part("application/x-data", b"\0")]))
        await asyncio.sleep(1.0)
        here.stack.thaw_edge()
        assert (await sending).code == 200
        await here.kept(call.call_id, kind="info")
        car.answers.on_request = "silent"
        await here.control.send_info(call.call_id, **ASK)
        await call.wait_request("INFO")
        await car.hang_up()


async def test_a_call_that_we_place_may_be_refused_or_given_up(here: Site) -> None:
    here.carrier.on_call = lambda call: call.reject(486)
    _, refused = await here.place()
    ack = await acknowledged(here, refused)
    assert f"CSeq: {refused.invite.sequence[0]} ACK\r\n".encode() in ack
    here.carrier.on_call = lambda call: call.ring()
    identity, ringing = await here.place()
    await here.hang_up(identity)
    await ringing.wait_ended()
    assert ringing.end is not None
    assert ringing.end.method == "CANCEL"
    assert ringing.end.sequence[0] == ringing.invite.sequence[0]
    assert (await here.control.health()).dialogs == 0


async def test_a_reliable_answer_on_the_way_is_acknowledged_by_its_number(here: Site) -> None:
    """RFC 3262 §7.2: PRACK names the INVITE by its CSeq, which the edge has spread."""

    async def answer(call: Call) -> None:
        assert call.server is not None
        assert call.dialog is not None
        headers = (("Require", "100rel"), ("RSeq", "77"), ("Contact", here.carrier.contact))
        tag = call.dialog.local.partition("tag=")[2]
        call.server.answer(respond(call.invite, 183, tag=tag, headers=headers))
        await call.wait_request("PRACK")
        await call.answer()

    here.carrier.on_call = answer
    here.carrier.on_request = lambda _: Reply()
    identity, call = await here.place()
    acknowledged = await call.wait_request("PRACK")
    assert acknowledged.get("RAck") == f"77 {call.invite.sequence[0]} INVITE"
    assert acknowledged.sequence[0] > call.invite.sequence[0]

    async def confirmed() -> bool:
        return (await here.control.health()).dialogs == 1

    await until(confirmed, "the edge knows the call")
    await here.hang_up(identity)
    await call.wait_ended()
    # Where Asterisk is, nobody outside is told.
    for traced in here.carrier.trace:
        head = traced.data.partition(b"\r\n\r\n")[0]
        assert traced.sent or str(here.stack.ports.sip).encode() not in head


async def test_an_answer_that_is_repeated_late_is_acknowledged_by_its_number(here: Site) -> None:
    """The ACK was lost, and the edge has forgotten the transaction, which is after five seconds."""

    async def answer(call: Call) -> None:
        here.carrier.deaf = True
        await call.answer()
        await asyncio.sleep(6.0)
        here.carrier.deaf = False

    here.carrier.on_call = answer
    identity, call = await here.place()

    ack = await acknowledged(here, call, within_s=15)
    assert f"CSeq: {call.invite.sequence[0]} ACK\r\n".encode() in ack
    await here.hang_up(identity)
    await call.wait_ended()


async def test_a_call_that_rings_while_the_edge_dies_is_answered(here: Site) -> None:
    here.carrier.on_call = lambda call: call.ring()
    identity, call = await here.place()
    await here.stack.kill_edge()
    await here.stack.start_edge()
    await call.answer()

    ack = await acknowledged(here, call)
    assert f"CSeq: {call.invite.sequence[0]} ACK\r\n".encode() in ack
    await here.hang_up(identity)
    await call.wait_ended()
    assert call.end is not None


async def test_the_edge_writes_no_number_and_no_place(here: Site) -> None:
    async with here.car() as car:
        call = await car.connected()
        await car.send_data()
        await here.kept(call.call_id, kind="info")
        await car.hang_up()
    lines = [line for line in here.log().splitlines() if "event=" in line]
    assert lines
    for line in lines:
        assert "29000000" not in line
        assert "WVWZZZ" not in line
    (event,) = here.events(call.call_id)
    assert json.dumps(event)
    assert set(event) == {"event", "call_id", "trunk", "service", "data", "msd", "node"}
