"""What trunks and telephones may not do with the edge: reach others by it, write as it, fill it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sipedge.site import Site, eventually, site
from tests.sipedge.wire import EDGE, PHONE, STRANGER, TRUNK, Peer, peer

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
]

NUMBER = "29777777"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with site(tmp_path_factory.mktemp("edge")) as made:
        yield made


def within_a_call(sender: Peer, method: str, uri: str, edge_port: int) -> str:
    """A request that looks as if it were one within a call, by a route that was made up."""
    request = sender.request(method, uri=uri, headers={"Route": f"<sip:{EDGE}:{edge_port};lr>"})
    return request.replace(f"To: <{uri}>", f"To: <{uri}>;tag=made-up")


@pytest.mark.parametrize("address", [PHONE, TRUNK])
@pytest.mark.parametrize("method", ["INVITE", "BYE", "MESSAGE"])
async def test_nobody_is_reached_by_a_route_that_was_made_up(
    here: Site, address: str, method: str
) -> None:
    """Neither a carrier, in the edge's name, nor anybody else."""
    edge_port, node_port = here.stack.ports.edge, here.stack.ports.sip
    async with peer(edge_port, address) as sender, peer(edge_port, STRANGER, node_port) as other:
        for uri in (
            f"sip:+900123@{STRANGER}:{node_port}",
            f"sip:+900123@{EDGE}:{node_port};maddr={STRANGER}",
            f"sip:+900123@{EDGE}:{node_port};transport=udp;MADDR={STRANGER}",
        ):
            request = within_a_call(sender, method, uri, edge_port)
            answer = await sender.answer_to(request)
            assert answer is not None
            assert answer.code == 404
        await asyncio.sleep(0.2)
        assert other.received.empty()


@pytest.mark.parametrize("user", ["emergency-data", "Emergency-Data", "emergency%2Ddata"])
async def test_nobody_writes_to_where_the_edge_hands_data_over(here: Site, user: str) -> None:
    """A text there would be taken for a car's data that cannot be read, and raise an alarm."""
    async with peer(here.stack.ports.edge, TRUNK) as sender:
        text = sender.request(
            "MESSAGE",
            uri=f"sip:{user}@{EDGE}:{here.stack.ports.edge}",
            headers={"Content-Type": "text/plain"},
            body="hello",
        )
        answer = await sender.answer_to(text)
        assert answer is not None
        assert answer.code == 404
        await asyncio.sleep(0.3)
        assert not list(here.directory.iterdir())


async def test_a_call_id_writes_no_lines_of_the_log(here: Site) -> None:
    """Nor does it make a node seem silent, which drops what it cannot read."""
    async with peer(here.stack.ports.edge, TRUNK) as caller:
        for call_id in ("abc\r\n event=call call_id=FORGED", "abc\x1b[31mFORGED", "abc FORGED"):
            invite = caller.request("INVITE")
            number = invite.partition("Call-ID: ")[2].partition("\r\n")[0]
            caller.send(invite.replace(f"Call-ID: {number}", f"Call-ID: {call_id}"))
            assert (await caller.heard("SIP/2.0 4", within_s=3)).startswith("SIP/2.0 400")
    lines = here.log().splitlines()
    assert not [line for line in lines if line.lstrip().startswith("event=call")]
    assert "\x1b" not in here.log()
    assert "event=node_silent" not in here.log()


async def test_an_address_that_cannot_be_read_is_in_no_log(here: Site) -> None:
    async with peer(here.stack.ports.edge, TRUNK) as caller:
        for uri in (f"foo:{NUMBER}", f"sip:{NUMBER}@[::::{NUMBER}", f"tel:+371{NUMBER}"):
            for method in ("INVITE", "MESSAGE", "BYE", "INFO"):
                for headers in (
                    {},
                    {"Contact": f"<sip:{NUMBER}"},
                    {"From": f"<sip:{NUMBER}@"},
                    {"Record-Route": f"<sip:{NUMBER}"},
                    {"Route": f"<sip:{NUMBER}"},
                ):
                    caller.send(caller.request(method, uri=uri, headers=headers))
                    await asyncio.sleep(0.01)
        answer = await caller.call()
        assert answer is not None
        assert answer.code == 200
    assert NUMBER not in here.log()


async def test_a_call_that_is_refused_leaves_nothing_behind(here: Site) -> None:
    """A flood of them would fill the memory that all calls share."""
    async with peer(here.stack.ports.edge, TRUNK) as caller:
        call_ids = []
        for _ in range(3):
            invite = caller.request("INVITE", uri=f"sip:999@{EDGE}:{here.stack.ports.edge}")
            answer = await caller.answer_to(invite)
            assert answer is not None
            assert answer.code == 404
            caller.within(answer, invite, "ACK")
            call_ids.append(invite.partition("Call-ID: ")[2].partition("\r\n")[0])
        for call_id in call_ids:
            assert await asked_of(here, call_id) == "404", (
                "409 would be a call that is not answered"
            )
        assert await eventually(lambda: here.log().count("event=call "), "calls were made") >= 3


async def asked_of(here: Site, call_id: str) -> str:
    """What the edge says when it is asked for a request within that call."""
    reader, writer = await asyncio.open_connection(EDGE, here.stack.ports.edge_control)
    token = here.stack.config.edge.control_token
    writer.write(
        f"POST /info HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer {token}\r\n"
        f"X-Call-ID: {call_id}\r\nX-Info-Package: a\r\nContent-Type: text/plain\r\n"
        "Content-Length: 1\r\n\r\na".encode()
    )
    await writer.drain()
    async with asyncio.timeout(3):
        line = await reader.readline()
    writer.close()
    return line.decode().split(" ")[1]
