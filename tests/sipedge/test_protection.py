"""The edge against strangers, scanners and floods; and that none of it costs a trunk its call."""

import asyncio
import contextlib
import itertools
import socket
import statistics
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from ccserver.sipedge import conf
from sim.stack import Stack, seats
from tests.sipedge.wire import EDGE, PHONE, STRANGER, TRUNK, Peer, peer

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    # One edge for all: what one test has banned or used up, the next must not need.
    pytest.mark.xdist_group("protection"),
]

LIMITS = conf.Limits(ban_s=3, failures_max=5, phone_requests=20, connection_idle_s=2)
CALLS_PER_S_MAX = 5


class Edge:
    """An edge with small limits in front of one Asterisk."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.port = stack.ports.edge
        self.begun_at = 0
        self._hosts = itertools.count(1)

    def whole_log(self) -> str:
        return (self.stack.data_dir / "edge.log").read_text()

    def log(self) -> str:
        """What was written since the test began."""
        return self.whole_log()[self.begun_at :]

    async def calls(self) -> int:
        """How many calls Asterisk has had."""
        counts = await self.stack.asterisk_cli("core show channels count")
        return next(int(line.split()[0]) for line in counts.splitlines() if "processed" in line)

    def address(self, network: str) -> str:
        """An address that no other test has used."""
        return f"{network.rpartition('.')[0]}.{next(self._hosts)}"


@pytest_asyncio.fixture(loop_scope="module")
async def edge(shared_edge: Edge) -> Edge:
    shared_edge.begun_at = len(shared_edge.whole_log())
    return shared_edge


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    stack = Stack(tmp_path_factory.mktemp("edge") / "stack", seats(1), edge=True)
    settings = stack.config.edge
    trunk = msgspec.structs.replace(settings.trunks[0], calls_per_s_max=CALLS_PER_S_MAX)
    settings = msgspec.structs.replace(settings, trunks=(trunk,))
    stack.config = msgspec.structs.replace(stack.config, edge=settings)
    try:
        await stack.prepare()
        conf.render(stack.config, limits=LIMITS)
        await stack.start_asterisk()
        await stack.start_edge()
        yield Edge(stack)
    finally:
        await stack.stop()


async def calls_at(edge: Edge, caller: Peer) -> None:
    answer = await caller.call()
    assert answer is not None
    assert answer.code == 200


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "REGISTER", "BYE", "MESSAGE"])
async def test_a_stranger_gets_no_answer_at_all(edge: Edge, method: str) -> None:
    address = edge.address(STRANGER)
    before = await edge.calls()
    async with peer(edge.port, address) as stranger:
        request = stranger.request(method, headers={"X-CCServer-Edge": edge.stack.trunk_token})
        assert await stranger.answer_to(request, within_s=1.5) is None
    assert f"event=dropped reason=unknown_source source={address}" in edge.log()
    assert await edge.calls() == before


async def test_a_scanner_among_the_telephones_is_banned_for_a_while(edge: Edge) -> None:
    async with peer(edge.port, edge.address(PHONE)) as phone:
        scan = phone.request("OPTIONS", headers={"User-Agent": "friendly-scanner"})
        assert await phone.answer_to(scan, within_s=1) is None
        assert "event=banned reason=scanner" in edge.log()
        assert await phone.answer_to(phone.request("OPTIONS"), within_s=1) is None
        await asyncio.sleep(LIMITS.ban_s)
        answer = await phone.answer_to(phone.request("OPTIONS"), within_s=3)
        assert answer is not None


async def test_a_trunk_is_never_banned_whatever_it_calls_itself(edge: Edge) -> None:
    async with peer(edge.port, TRUNK) as caller:
        odd = caller.request("OPTIONS", headers={"User-Agent": "friendly-scanner"})
        for _ in range(3):
            assert await caller.answer_to(odd, within_s=2) is not None
        await calls_at(edge, caller)
    assert "event=banned" not in edge.log()


async def test_a_flood_of_a_telephones_address_is_cut_off(edge: Edge) -> None:
    async with peer(edge.port, edge.address(PHONE)) as phone:
        for _ in range(5 * LIMITS.phone_requests):
            phone.send(phone.request("OPTIONS"))
        await asyncio.sleep(0.5)
        assert "event=banned reason=flood" in edge.log()
        assert await phone.answer_to(phone.request("OPTIONS"), within_s=1) is None


async def test_guessing_passwords_gets_an_address_banned(edge: Edge) -> None:
    async with peer(edge.port, edge.address(PHONE)) as phone:
        for _ in range(LIMITS.failures_max + 1):
            answer = await phone.answer_to(
                phone.request("REGISTER", uri=f"sip:{EDGE}:{edge.port}"), within_s=2
            )
            assert answer is not None
            assert answer.code == 401
            await asyncio.sleep(0.1)
        assert "event=banned reason=passwords" in edge.log()
        again = phone.request("REGISTER", uri=f"sip:{EDGE}:{edge.port}")
        assert await phone.answer_to(again, within_s=1) is None


async def test_more_calls_than_agreed_are_sent_another_way(edge: Edge) -> None:
    await asyncio.sleep(1.1)  # whatever the last test used up
    async with peer(edge.port, TRUNK) as caller:
        codes = []
        for _ in range(3 * CALLS_PER_S_MAX):
            answer = await caller.call()
            assert answer is not None
            codes.append(answer.code)
            if answer.code == 503:
                assert answer.first("Retry-After")
        assert codes.count(503) >= CALLS_PER_S_MAX
        assert codes.count(200) >= CALLS_PER_S_MAX
        await asyncio.sleep(1.1)
        await calls_at(edge, caller)
    assert "event=dropped reason=too_many_calls source=operator" in edge.log()


async def test_a_call_that_is_sent_again_counts_once(edge: Edge) -> None:
    async with peer(edge.port, TRUNK) as caller:
        invite = caller.request("INVITE")
        for _ in range(2 * CALLS_PER_S_MAX):
            caller.send(invite)
        answer = await caller.answer_to(invite)
        assert answer is not None
        assert answer.code == 200
        caller.within(answer, invite, "ACK")
        caller.within(answer, invite, "BYE")


async def test_no_answer_tells_what_program_gave_it(edge: Edge) -> None:
    async with peer(edge.port, TRUNK) as caller:
        for method in ("OPTIONS", "INVITE", "SUBSCRIBE", "PUBLISH"):
            request = caller.request(method)
            answer = await caller.answer_to(request)
            assert answer is not None
            if method == "INVITE":
                caller.within(answer, request, "ACK")
                caller.within(answer, request, "BYE")
            assert "kamailio" not in answer.text.lower()
            assert "asterisk" not in answer.text.lower()
            assert not answer.all("Warning")


@pytest.mark.parametrize("hops", ["0", "71"])
async def test_a_loop_ends(edge: Edge, hops: str) -> None:
    async with peer(edge.port, TRUNK) as caller:
        request = caller.request("INVITE", headers={"Max-Forwards": hops})
        answer = await caller.answer_to(request)
        assert answer is not None
        caller.within(answer, request, "ACK")
        if hops == "0":
            assert answer.code == 483
        else:
            assert answer.code == 200, "more than our bound is lowered, and no reason to refuse"
            caller.within(answer, request, "BYE")


async def test_garbage_hurts_nobody(edge: Edge) -> None:
    secret = "+37129999999"
    async with peer(edge.port, TRUNK) as caller:
        for junk in (
            "\0" * 1400,
            f"INVITE {secret}",
            "\r\n" * 400,
            f"INVITE sip:112 SIP/2.0\r\n{secret}\r\n",
            f"INVITE sip:112 SIP/2.0\r\nP-Asserted-Identity: <{secret}\r\n\r\n",
            secret * 5000,
        ):
            caller.send(junk)
        good = caller.request("INVITE", headers={"P-Asserted-Identity": f"<tel:{secret}>"})
        caller.send(good[:300] + "\0" + good[300:])
        for missing in ("Call-ID", "CSeq", "From", "To", "Via"):
            good = caller.request("INVITE", headers={"P-Asserted-Identity": f"<tel:{secret}>"})
            caller.send(
                "\r\n".join(line for line in good.split("\r\n") if not line.startswith(missing))
            )
        await asyncio.sleep(1.1)
        await calls_at(edge, caller)
    assert secret not in edge.log()
    assert len(edge.log().splitlines()) < 60


async def test_a_stranger_on_tcp_is_dropped_too(edge: Edge) -> None:
    reader, writer = await asyncio.open_connection(EDGE, edge.port, local_addr=(STRANGER, 0))
    async with peer(edge.port, STRANGER) as stranger:
        writer.write(stranger.request("OPTIONS").encode())
    await writer.drain()
    assert await heard(reader) == b""
    writer.close()


async def test_a_connection_that_says_nothing_of_use_is_closed_and_a_trunks_is_kept(
    edge: Edge,
) -> None:
    """Strangers must not use up the connections that trunks need."""
    silent, _ = await asyncio.open_connection(EDGE, edge.port, local_addr=(STRANGER, 0))
    reader, writer = await asyncio.open_connection(EDGE, edge.port, local_addr=(TRUNK, 0))
    async with peer(edge.port, TRUNK) as trunk:
        probe = trunk.request("OPTIONS").replace("SIP/2.0/UDP", "SIP/2.0/TCP")
    writer.write(probe.encode())
    assert (await heard(reader)).startswith(b"SIP/2.0 200")
    async with asyncio.timeout(5 * LIMITS.connection_idle_s):
        assert await silent.read(1) == b""
    await asyncio.sleep(LIMITS.connection_idle_s)
    writer.write(probe.replace("branch=z9hG4bK", "branch=z9hG4bKnew").encode())
    assert (await heard(reader)).startswith(b"SIP/2.0 200")
    writer.close()


async def test_sip_has_no_business_at_the_control_port(edge: Edge) -> None:
    reader, writer = await asyncio.open_connection(EDGE, edge.stack.ports.edge_control)
    async with peer(edge.port, TRUNK) as caller:
        writer.write(caller.request("INVITE").encode())
    await writer.drain()
    assert await heard(reader) == b""
    writer.close()


async def heard(reader: asyncio.StreamReader) -> bytes:
    """What came within a second; nothing as well where the connection was closed."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            return await reader.read(4096)
    return b""


async def test_a_strangers_flood_leaves_few_lines_and_no_delay(edge: Edge) -> None:
    async with peer(edge.port, TRUNK) as caller:
        calm = [await timed_call(edge, caller) for _ in range(8)]
        stop = asyncio.Event()
        flood = asyncio.create_task(asyncio.to_thread(flooded, edge.port, stop, 1000))
        await asyncio.sleep(0.2)
        flooding = [await timed_call(edge, caller) for _ in range(8)]
        stop.set()
        sent = await flood
    assert sent > 1000
    assert edge.log().count("event=dropped") <= 2 * LIMITS.drop_lines_max
    # The machine is shared with the flood's own sender: the order of magnitude is what counts.
    assert statistics.median(flooding) < statistics.median(calm) + 0.1


async def timed_call(edge: Edge, caller: Peer) -> float:
    began = time.monotonic()
    await calls_at(edge, caller)
    took = time.monotonic() - began
    await asyncio.sleep(0.25)  # below the trunk's own bound
    return took


def flooded(port: int, stop: asyncio.Event, rate: int) -> int:
    """Send INVITEs from many unknown addresses, ``rate`` a second; gives how many."""
    sockets = []
    for number in range(50):
        each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        each.bind((f"127.0.8.{number + 1}", 0))
        sockets.append(each)
    sent, began = 0, time.monotonic()
    while not stop.is_set():
        invite = (
            f"INVITE sip:112@{EDGE}:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.8.1;branch=z9hG4bK{sent}\r\n"
            f"From: <sip:a@b>;tag=1\r\nTo: <sip:112@{EDGE}>\r\nCall-ID: flood-{sent}\r\n"
            "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        sockets[sent % len(sockets)].sendto(invite.encode(), (EDGE, port))
        sent += 1
        ahead = sent / rate - (time.monotonic() - began)
        if ahead > 0:
            time.sleep(ahead)
    for each in sockets:
        each.close()
    return sent
