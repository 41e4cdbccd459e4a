"""What comes with a call reaches the disk through the real Asterisk and the real dialplan.

It is there before the call is answered, whole, whoever is alive; nobody but the SIP edge can put
something there; nothing in it means something to the dialplan; an ordinary call leaves nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ccserver.telephony.asterisk_conf import call_data_spool_dir
from ccserver.telephony.queue_log import JournalKind, QueueLogReader
from ccserver.types import ContactId
from sim.phones import Behaviour
from sim.sipp.raw import Request, SIPSocket, finish, header
from sim.stack import Stack, seats
from tests.telephony.exchange import EVENTUALLY_S, eventually, exchange
from tests.telephony.kept import INFO_PIECE, Kept, call_headers, data_headers, sample, whole_in
from tests.telephony.test_real_talks import in_parachute

pytestmark = [pytest.mark.asterisk, pytest.mark.slow]

HOSTILE_CALL_ID = "a(b):)0\\\\,${SHELL(x)}\"|;]'=}%<x@[::1]"
MANY = 20


class Edge:
    """The SIP edge's side of the wire, spoken by hand."""

    def __init__(self, stack: Stack, socket: SIPSocket) -> None:
        self.stack = stack
        self.socket = socket
        self.directory = call_data_spool_dir(stack.config)

    async def call(
        self,
        headers: dict[str, str],
        *,
        token: bool = True,
        call_id: str | None = None,
        user: str = "112",
    ) -> tuple[Request, str]:
        """An INVITE and its first final answer, which is acknowledged; the call then ends."""
        request = Request(self.stack.ports.sip, self.socket.port, user=user)
        if call_id is not None:
            request = Request(self.stack.ports.sip, self.socket.port, user=user, call_id=call_id)
        marks = self.stack.trunk_headers if token else {}
        self.socket.send(request.build(change={**marks, **headers}))
        text = await self._answer(request)
        finish(self.socket, request, text, int(text[8:11]))
        return request, text

    async def _answer(self, request: Request) -> str:
        """The final answer to this request; others' go by."""
        while True:
            data = await self.socket.receive(EVENTUALLY_S)
            assert data is not None, "no answer"
            text = data.decode()
            own = header(text, "Call-ID") == request.call_id
            if own and header(text, "CSeq").endswith(request.method) and text[:9] >= "SIP/2.0 2":
                return text

    async def message(self, headers: dict[str, str], *, token: bool = True) -> int:
        """A MESSAGE with what came within a call; the status of its answer."""
        request = Request(
            self.stack.ports.sip, self.socket.port, method="MESSAGE", user="emergency-data"
        )
        marks = self.stack.trunk_headers if token else {}
        change = {"Content-Type": "text/plain", **marks, **headers}
        self.socket.send(request.build(change=change, body=b"."))
        return int((await self._answer(request))[8:11])

    async def kept(self, count: int) -> list[Kept]:
        """What lies there whole, once there is so much of it."""
        await until(lambda: len(whole_in(self.directory)) >= count)
        return whole_in(self.directory)


async def until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + EVENTUALLY_S
    while not condition():
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def edge(folder: Path) -> AsyncIterator[Edge]:
    """Asterisk alone, with nobody who could take a call."""
    socket = await SIPSocket.open(0)
    stack = Stack(folder / "stack", seats(1))
    socket.peer_port = stack.ports.sip
    try:
        await stack.prepare()
        await stack.start_asterisk()
        yield Edge(stack, socket)
    finally:
        socket.close()
        await stack.stop()


async def test_data_is_kept_before_the_answer_and_only_where_it_came(tmp_path: Path) -> None:
    async with edge(tmp_path) as one:
        small = sample(900)
        request, answer = await one.call(dict(call_headers(small)))
        assert answer.startswith("SIP/2.0 200")
        (kept,) = whole_in(one.directory)  # with the answer it is there, without a wait
        assert kept.kind == "invite"
        assert kept.request == small
        assert kept.name == f"{kept.contact_id}.invite"
        assert abs(kept.at - time.time()) < 60
        assert (kept.call_id, kept.trunk) == (request.call_id, "operator")
        assert kept.service == "urn:service:sos.ecall.automatic"
        assert (kept.msd_ack, kept.cut, kept.status) == ("received", "", "")
        # An ordinary call leaves nothing, nor does one that has a service and no data.
        await one.call({})
        await one.call({"X-CCServer-Trunk": "operator", "X-CCServer-Service": "urn:service:sos"})
        # Nobody but the edge can say such things: the others' calls are refused, or ordinary.
        _, refused = await one.call(dict(call_headers(small)), token=False)
        assert refused.startswith("SIP/2.0 401")
        assert len(list(one.directory.iterdir())) == 1
        log = Path(one.stack.config.asterisk.log_dir) / "queue_log"
        reader = QueueLogReader(log, tmp_path / "position")
        arrived = [entry.facts for entry in reader.read() if entry.kind is JournalKind.ARRIVED]
        told = [(facts.service, facts.trunk, facts.has_data) for facts in arrived if facts]
        assert told == [
            ("urn:service:sos.ecall.automatic", "operator", True),
            (None, None, False),
            ("urn:service:sos", "operator", False),
        ]
        assert arrived[0] is not None
        assert arrived[0].sip_call_id == request.call_id


@pytest.mark.parametrize("octets", [2250, 2251, 4500, 4501, 40_000])
async def test_as_much_as_the_edge_may_send_is_kept(tmp_path: Path, octets: int) -> None:
    async with edge(tmp_path) as one:
        much = sample(octets)
        await one.call({**call_headers(much), "X-CCServer-Data-Cut": "99000"})
        (kept,) = whole_in(one.directory)
        assert kept.request == much
        assert kept.cut == "99000"


async def test_what_the_headers_hold_means_nothing_to_the_dialplan(tmp_path: Path) -> None:
    async with edge(tmp_path) as one:
        evil = 'x):0:5" = "1" | "1,${SHELL(touch /tmp/x)}(\\\\n'
        data = sample(100)
        request, answer = await one.call(
            {
                **call_headers(data, service=evil, trunk=evil, msd=evil),
                "X-CCServer-Data-Cut": evil,
            },
            call_id=HOSTILE_CALL_ID,
        )
        assert answer.startswith("SIP/2.0 200")
        (kept,) = whole_in(one.directory)
        assert kept.request == data
        assert header(answer, "Call-ID") == request.call_id == HOSTILE_CALL_ID
        assert set(kept.trunk) <= set("x05SHELLtouchtmpxn1")
        log = Path(one.stack.config.asterisk.log_dir) / "queue_log"
        reader = QueueLogReader(log, tmp_path / "position")
        (entry,) = (entry for entry in reader.read() if entry.kind is JournalKind.ARRIVED)
        assert entry.facts is not None
        assert entry.facts.service is None
        assert entry.facts.has_data
        assert reader.unreadable == 0
        # A token that is not the edge's opens nothing, whatever it looks like.
        for token in ('" = "" | "1', "", "x" * 2000, evil):
            await one.call({**call_headers(data), "X-CCServer-Edge": token}, token=False)
            await one.message(
                {**data_headers(data, piece=INFO_PIECE), "X-CCServer-Edge": token}, token=False
            )
        assert len(list(one.directory.iterdir())) == 1


async def test_a_token_that_is_a_trunks_is_needed_also_where_the_address_is(tmp_path: Path) -> None:
    """A trunk that is known by its address gives orders to nobody."""
    async with edge(tmp_path) as one:
        pjsip = Path(one.stack.config.asterisk.config_dir) / "pjsip.conf"
        text = pjsip.read_text()
        pjsip.write_text(
            f"{text}\n[by-address]\ntype = identify\nendpoint = trunk\nmatch = 127.0.0.1\n"
        )
        await one.stack.asterisk_cli("module reload res_pjsip.so")
        await one.stack.asterisk_cli("module reload res_pjsip_endpoint_identifier_ip.so")
        data = sample(100)
        for token in ('" = "" | "1', "", "-"):
            headers = {**call_headers(data), "X-CCServer-Edge": token}
            _, answer = await one.call(headers, token=False)
            assert answer.startswith("SIP/2.0 200"), "the test itself: a trunk by its address"
            headers = {**data_headers(data, piece=INFO_PIECE), "X-CCServer-Edge": token}
            assert await one.message(headers, token=False) == 202
        await asyncio.sleep(0.3)
        assert not list(one.directory.iterdir())


async def test_what_came_within_a_call_is_kept(tmp_path: Path) -> None:
    async with edge(tmp_path) as one:
        for number, octets in enumerate((10, 300, 5_400, 10_700), 1):
            data = b"INFO" + sample(octets)
            status = await one.message(
                {
                    "X-CCServer-Trunk": "operator",
                    "X-CCServer-Call": HOSTILE_CALL_ID.replace(",", "."),
                    **data_headers(data, piece=INFO_PIECE),
                }
            )
            assert status == 202
            kept = (await one.kept(number))[-1]
            assert kept.kind == "info"
            assert kept.request == data
            assert kept.name.endswith(".info")
            assert (kept.contact_id, kept.trunk, kept.service) == ("", "operator", "")
        answer = b"SIP/2.0 481 Gone\r\n\r\n"
        await one.message(
            {
                "X-CCServer-Call": "abc@x",
                "X-CCServer-Answer": "481",
                **data_headers(answer, piece=INFO_PIECE),
            }
        )
        kept = (await one.kept(5))[-1]
        assert (kept.kind, kept.status, kept.call_id) == ("answer", "481", "abc@x")
        assert kept.request == answer


async def test_a_connection_carries_it_as_well_as_datagrams_do(tmp_path: Path) -> None:
    async with edge(tmp_path) as one:
        data = sample(44_000)
        port = one.stack.ports.sip
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            own = writer.get_extra_info("sockname")[1]
            request = Request(port, own)
            via = f"SIP/2.0/TCP 127.0.0.1:{own};branch={request.branch};rport"
            change = {"Via": via, **one.stack.trunk_headers, **call_headers(data)}
            writer.write(request.build(change=change))
            await writer.drain()
            async with asyncio.timeout(EVENTUALLY_S):
                while b"SIP/2.0 200 OK" not in await reader.readline():
                    pass
        finally:
            writer.close()
        (kept,) = whole_in(one.directory)
        assert kept.request == data


async def test_data_is_kept_while_ccserver_is_killed_and_stays_dead(tmp_path: Path) -> None:
    async with edge(tmp_path) as one:
        await one.stack.start_ccserver()
        sent = [sample(2000) for _ in range(MANY)]
        for number, data in enumerate(sent):
            request = Request(one.stack.ports.sip, one.socket.port)
            change = {**one.stack.trunk_headers, **call_headers(data)}
            one.socket.send(request.build(change=change))
            if number == MANY // 2:
                killed = asyncio.ensure_future(one.stack.kill_ccserver())
            await asyncio.sleep(0.02)
        await killed
        late = sent[MANY // 2 + 1 :]
        kept = await one.kept(len(late))
        assert {each.request for each in kept} >= set(late)


async def test_many_calls_with_data_at_once_are_all_kept(tmp_path: Path) -> None:
    async with edge(tmp_path) as one:
        sent = [sample(3000) for _ in range(MANY)]
        for data in sent:
            request = Request(one.stack.ports.sip, one.socket.port)
            one.socket.send(request.build(change={**one.stack.trunk_headers, **call_headers(data)}))
        kept = await one.kept(MANY)
        assert {each.request for each in kept} == set(sent)


async def test_a_caller_who_hangs_up_at_once_leaves_the_data(tmp_path: Path) -> None:
    """The hang-up may come between any two steps; the handler then does what is left."""
    async with edge(tmp_path) as one:
        conf = Path(one.stack.config.asterisk.config_dir) / "extensions.conf"
        text = conf.read_text()
        whole = "same => n(whole),Set(FILE(${DATA_FILE},,,a)=|.)\n same => n,Set(DATA_KEPT"
        assert text.count(whole) == 1
        torn = ' same => n,GotoIf($["${TORN}" = "1"]?whole)\n same => n,Set(TORN=1)\n'
        torn += " same => n,SoftHangup(${CHANNEL})\n same => n,Hangup()\n "
        conf.write_text(text.replace(whole, f"{torn.strip()}\n {whole}"))
        await one.stack.asterisk_cli("dialplan reload")
        data = sample(4000)
        request = Request(one.stack.ports.sip, one.socket.port)
        one.socket.send(request.build(change={**one.stack.trunk_headers, **call_headers(data)}))
        (kept,) = await one.kept(1)
        assert kept.request == data


CAR = "urn:service:sos.ecall.automatic"


async def test_a_car_is_known_after_its_controller_was_killed_and_in_the_parachute(
    tmp_path: Path,
) -> None:
    async with exchange(tmp_path, takers=1) as lines:
        controller = await lines.controller()
        data = sample(1200)
        headers = {**lines.stack.trunk_headers, **call_headers(data)}
        call = await lines.bank.call("citizen", lines.stack.emergency_uri, headers=headers)
        await lines.bank.wait_for("connected", call=call)
        await eventually(lambda: bool(controller.ledger.count("waits")), "it waits")
        contact = ContactId(controller.ledger.told[-1][1])
        known = controller.calls.table.get(contact)
        assert known is not None
        facts = known.facts
        assert (facts.service, facts.trunk, facts.has_data) == (CAR, "operator", True)
        assert facts.msd_ack == "received"
        assert facts.sip_call_id
        (kept,) = whole_in(call_data_spool_dir(lines.stack.config))
        assert (kept.contact_id, kept.call_id) == (contact, facts.sip_call_id)
        await controller.kill()
        await in_parachute(lines)
        second = await lines.controller()
        await eventually(lambda: second.calls.table.get(contact) is not None, "it is known")
        found = second.calls.table.get(contact)
        assert found is not None
        assert found.facts == facts
        log = Path(lines.stack.config.asterisk.log_dir) / "queue_log"
        entries = QueueLogReader(log, tmp_path / "position").read()
        arrived = [entry.facts for entry in entries if entry.kind is JournalKind.ARRIVED]
        assert [one and (one.contact_id, one.service, one.has_data) for one in arrived] == [
            (contact, CAR, True)
        ]


async def test_in_the_parachute_a_test_is_behind_whoever_needs_help(tmp_path: Path) -> None:
    async with exchange(tmp_path, takers=1) as lines:
        await lines.bank.set_behaviour("taker101", Behaviour(on_call="ring"))
        uri, trunk = lines.stack.emergency_uri, lines.stack.trunk_headers
        test = {**trunk, "X-CCServer-Service": "urn:service:test.sos.ecall"}
        await lines.bank.call("citizen", uri, headers=test)
        await in_parachute(lines)
        await asyncio.sleep(1.5)  # by its age alone the test would be ahead
        await lines.bank.call("citizen", uri, headers=trunk)
        give_up_at = time.monotonic() + EVENTUALLY_S
        while True:
            shown = await lines.stack.asterisk_cli("queue show emergency")
            callers = [line for line in shown.splitlines() if "(wait:" in line]
            if len(callers) == 2:
                break
            assert time.monotonic() < give_up_at, shown
            await asyncio.sleep(0.1)
        assert "prio: 0" in callers[1], shown
        assert "prio: 0" not in callers[0], shown
