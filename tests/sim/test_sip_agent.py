"""The simulator's SIP user agent against itself and against datagrams written by hand: calls over
UDP, TCP and TLS with sound both ways, INFO, order of CSeq, retransmissions, CANCEL, re-INVITE.
"""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sim.sip import UA, Call, CallFailed, Part, Reply, Request, Voices, divided, parse
from sim.sip.dialog import tag_of
from sim.sip.exchange import Exchange
from sim.sip.message import Response, respond
from sim.sip.waits import within

MSD = Part(
    "application/EmergencyCallData.eCall.MSD",
    bytes(range(140)),
    content_id="msd@car.example",
    disposition="by-reference",
)
PACKAGE = "EmergencyCallData.eCall.MSD"


class Pair:
    """A caller and whom it calls; ``answered`` are the callee's calls."""

    def __init__(self, caller: UA, callee: UA) -> None:
        self.caller = caller
        self.callee = callee
        self.answered: asyncio.Queue[Call] = asyncio.Queue()
        callee.on_call = self._answer

    async def _answer(self, call: Call) -> None:
        call.voices = Voices(2)
        call.ring()
        await call.answer(parts=[Part("text/plain", b"welcome")])
        await self.answered.put(call)

    async def connect(self, **options: object) -> tuple[Call, Call]:
        ours = await self.caller.call(self.callee.uri, voices=Voices(1), **options)  # type: ignore[arg-type]
        await ours.answered(5)
        async with asyncio.timeout(60):
            return ours, await self.answered.get()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
    command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=sip.test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.fixture(params=["udp", "tcp", "tls"])
async def pair(
    request: pytest.FixtureRequest, certificate: tuple[Path, Path]
) -> AsyncIterator[Pair]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    client = ssl.create_default_context(cafile=str(certificate[0]))
    async with AsyncExitStack() as stack:
        agents = [
            await stack.enter_async_context(
                UA(
                    user=user,
                    protocol=request.param,
                    t1_s=0.05,
                    tls_client=client,
                    tls_server=server,
                )
            )
            for user in ("car", "112")
        ]
        yield Pair(*agents)


@pytest.fixture
async def udp() -> AsyncIterator[Pair]:
    async with UA(user="car", t1_s=0.05) as caller, UA(user="112", t1_s=0.05) as callee:
        yield Pair(caller, callee)


async def test_a_call_has_parts_sound_both_ways_info_and_an_end(pair: Pair) -> None:
    ours, theirs = await pair.connect(parts=[MSD], headers=[("X-Test", "yes")])
    sent = divided(theirs.invite.content_type, theirs.invite.body)
    assert [part.content_type for part in sent] == ["application/sdp", MSD.content_type]
    assert sent[1].body == MSD.body
    assert sent[1].content_id == "msd@car.example"
    assert theirs.invite.get("x-test") == "yes"
    assert ours.answer_parts[1].body == b"welcome"
    assert ours.media is not None
    assert theirs.media is not None
    await asyncio.gather(ours.media.hears(2), theirs.media.hears(1))
    theirs.on_info = lambda _: Reply(200, (("X-Seen", "1"),))
    response = await ours.info(PACKAGE, [MSD])
    assert (response.code, response.get("X-Seen")) == (200, "1")
    seen = await theirs.wait_request("INFO")
    assert seen.get("Info-Package") == PACKAGE
    assert seen.body == MSD.body or divided(seen.content_type, seen.body)[0].body == MSD.body
    assert (await theirs.info(PACKAGE, [Part("text/plain", b"more")])).code == 200
    assert (await ours.wait_request("INFO")).body == b"more"
    await theirs.bye(headers=[("Reason", "SIP;cause=200")])
    await ours.wait_ended(5)
    assert ours.end is not None
    assert ours.end.get("Reason") == "SIP;cause=200"


async def test_a_request_that_is_not_after_the_last_is_refused_with_500(udp: Pair) -> None:
    ours, theirs = await udp.connect()
    assert (await ours.send("INFO")).code == 200
    last = theirs.received[-1].sequence[0]
    assert (await ours.send("INFO", sequence=last)).code == 500
    assert (await ours.send("INFO", sequence=last - 1)).code == 500
    assert (await ours.send("INFO", sequence=last + 5)).code == 200
    assert len(theirs.received) == 2


async def test_a_refusal_is_told_and_acknowledged(udp: Pair) -> None:
    udp.callee.on_call = lambda call: call.reject(486, headers=[("Retry-After", "5")])
    call = await udp.caller.call(udp.callee.uri)
    response = await call.final(5)
    assert (response.code, response.get("retry-after")) == (486, "5")
    with pytest.raises(CallFailed) as refused:
        await call.answered(1)
    assert refused.value.code == 486
    server = udp.callee.calls[0].server
    assert server is not None
    async with asyncio.timeout(60):
        await server.acknowledged.wait()


async def test_a_caller_may_give_up_while_it_rings(udp: Pair) -> None:
    udp.callee.on_call = lambda call: call.ring()
    call = await udp.caller.call(udp.callee.uri)
    await call.cancel()
    assert (await call.final(5)).code == 487
    assert udp.callee.calls[0].ended.is_set()


async def test_nobody_there_is_told_after_timer_b() -> None:
    async with UA(t1_s=0.005) as caller:
        call = await caller.call("sip:112@127.0.0.1:9")
        with pytest.raises(CallFailed):
            await call.final(5)
        with pytest.raises(CallFailed):
            await caller.call("sip:112@127.0.0.1:9;transport=tcp")


class Lossy:
    """Loses messages that a test picks, before the agent sees them."""

    def __init__(self, agent: UA, lost: Callable[[Request | Response], bool]) -> None:
        self.count = 0
        take = agent._transports._take

        def maybe(data: bytes, flow: object) -> None:
            if lost(parse(data)):
                self.count += 1
            else:
                take(data, flow)  # type: ignore[arg-type]

        agent._transports._take = maybe


async def test_what_is_lost_is_sent_again() -> None:
    lost: set[str] = set()

    def first_of_each(message: Request | Response) -> bool:
        kind = message.method if isinstance(message, Request) else str(message.code)
        kind += message.sequence[1]
        known = kind in lost
        lost.add(kind)
        return not known

    async with UA(user="car", t1_s=0.05) as caller, UA(user="112", t1_s=0.05) as callee:
        Lossy(caller, first_of_each)
        Lossy(callee, first_of_each)
        # The UDP sockets took their way in at opening: open them anew with the loss in between.
        pair = Pair(caller, callee)
        await caller._transports.close()
        await callee._transports.close()
        await caller._transports.open("127.0.0.1")
        await callee._transports.open("127.0.0.1")
        ours, theirs = await pair.connect()
        assert (await ours.info(PACKAGE, [MSD])).code == 200
        assert len(theirs.received) == 1
        assert theirs.server is not None
        async with asyncio.timeout(60):
            await theirs.server.acknowledged.wait()
        await ours.bye()
        await theirs.wait_ended(5)
    assert {"INVITEINVITE", "200INVITE", "ACKACK", "INFOINFO", "200INFO"} <= lost


async def test_a_reinvite_moves_and_holds_the_sound(udp: Pair) -> None:
    ours, theirs = await udp.connect()
    assert theirs.media is not None
    await theirs.media.hears(1)
    assert (await ours.reinvite("recvonly")).code == 200
    sent = theirs.media.sent
    assert (await theirs.reinvite("inactive")).code == 200
    assert ours.media is not None
    before = ours.media.sent
    await asyncio.sleep(0.2)
    assert ours.media.sent - before <= 1
    assert theirs.media.sent >= sent
    assert (await theirs.reinvite()).code == 200
    assert theirs.media.received > 0
    assert (await _more_than(ours, before + 3)) > before


async def _more_than(call: Call, count: int) -> int:
    """Wait until a telephone has sent more packets than that."""
    assert call.media is not None
    async with asyncio.timeout(60):
        while True:
            if call.media.sent > count:
                return call.media.sent
            await asyncio.sleep(0.02)


async def test_a_call_without_an_offer_is_offered_sound(udp: Pair) -> None:
    ours, theirs = await udp.connect(compose=lambda _: ("text/plain", b"no offer"))
    assert ours.media is not None
    assert theirs.media is not None
    await asyncio.gather(ours.media.hears(2), theirs.media.hears(1))


async def test_a_session_timer_is_taken_as_the_peer_wants_it(udp: Pair) -> None:
    ours, theirs = await udp.connect(
        headers=[("Session-Expires", "90;refresher=uac"), ("Min-SE", "90")]
    )
    assert ours.response is not None
    assert ours.response.get("Session-Expires") == "90;refresher=uac"
    headers = [("Session-Expires", "90;refresher=uac"), ("Supported", "timer")]
    response = await theirs.send("UPDATE", headers=headers)
    assert (response.code, response.get("Session-Expires")) == (200, "90;refresher=uac")


async def test_a_vanished_telephone_answers_nothing(udp: Pair) -> None:
    ours, theirs = await udp.connect()
    ours.vanish()
    with pytest.raises(CallFailed):
        await theirs.send("INFO", timeout_s=0.3)
    assert ours.received == []


async def test_an_answer_that_leads_nowhere_is_told(udp: Pair) -> None:
    def answer(call: Call) -> None:
        assert call.server is not None
        headers = [("Contact", "<sip:112@127.0.0.1;transport=carrier-pigeon>")]
        call.server.answer(respond(call.invite, 200, tag="x", headers=headers))

    udp.callee.on_call = answer
    call = await udp.caller.call(udp.callee.uri)
    with pytest.raises(CallFailed, match="cannot be acknowledged: the URI names a transport"):
        await call.answered(30)
    assert call.ended.is_set()


async def test_an_offer_that_cannot_be_read_is_refused(udp: Pair) -> None:
    call = await udp.caller.call(udp.callee.uri, offer=b"v=0\r\nm=audio here RTP/AVP 8\r\n")
    assert (await call.final(30)).code == 488
    assert udp.callee.unreadable == 1


async def test_every_wait_in_vain_tells_what_is_known(udp: Pair) -> None:
    ours, theirs = await udp.connect()
    assert (await ours.send("INFO")).code == 200
    with pytest.raises(TimeoutError, match=r"does not end: up; INVITE was sent \d+ times to 127"):
        await ours.wait_ended(0.01)
    with pytest.raises(TimeoutError, match=r"MESSAGE number 1 does not come: .* sent INFO in it"):
        await theirs.wait_request("MESSAGE", timeout_s=0.01)
    udp.callee.deaf = True
    with pytest.raises(CallFailed, match=r"no answer to INFO: INFO was sent .* answers: none"):
        await ours.send("INFO", timeout_s=0.01)
    unheard = await udp.caller.call(udp.callee.uri)
    with pytest.raises(CallFailed, match="is not answered: not up; INVITE was sent"):
        await unheard.final(0.01)
    udp.callee.deaf = False
    udp.callee.on_call = lambda call: call.ring()
    rings = await udp.caller.call(udp.callee.uri)
    assert rings.client is not None
    async with within(30, rings.account):
        while len(rings.client.provisional) < 2:  # noqa: ASYNC110 - nothing else tells it
            await asyncio.sleep(0.02)
    with pytest.raises(CallFailed, match="answers: 100, 180; the peer sent nothing"):
        await rings.final(0.01)


async def test_requests_without_a_dialog(udp: Pair) -> None:
    assert (await udp.caller.request("OPTIONS", udp.callee.uri)).code == 200
    assert (await udp.caller.request("PUBLISH", udp.callee.uri)).code == 405
    lost = [("X", "1")]
    ours, theirs = await udp.connect()
    assert ours.dialog is not None
    ours.dialog.remote = ours.dialog.remote.replace(tag_of(ours.dialog.remote), "unknown")
    assert (await ours.send("INFO", headers=lost)).code == 481
    assert theirs.received == []


async def test_octets_may_be_changed_before_they_are_sent(udp: Pair) -> None:
    await udp.connect(mangle=lambda octets: octets.replace(b"Max-Forwards: 70", b"Max-Forwards: 7"))
    assert udp.callee.calls[0].invite.get("Max-Forwards") == "7"
    assert any(traced.sent and b"Max-Forwards: 7\r\n" in traced.data for traced in udp.caller.trace)


async def test_an_exchange_forwards_by_number_and_stays_out_of_the_dialog(udp: Pair) -> None:
    async with Exchange() as exchange:
        exchange.reach("+37129000001", udp.callee.host, udp.callee.port)
        call = await udp.caller.call(
            "sip:+37129000001@example.org", next_hop=exchange.uri, voices=Voices(1)
        )
        await call.answered(5)
        async with asyncio.timeout(60):
            theirs = await udp.answered.get()
        assert theirs.media is not None
        await theirs.media.hears(1)
        await theirs.bye()
        await call.wait_ended(5)
        nobody = await udp.caller.call("sip:+37129000002@example.org", next_hop=exchange.uri)
        assert (await nobody.final(5)).code == 404
        for nonsense in (b"x", b"INVITE sip:a SIP/2.0\r\nVia: \r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"):
            exchange.datagram_received(nonsense, ("127.0.0.1", 9))
        assert exchange.unreadable == 3
        udp.callee.on_call = lambda call: call.ring()
        rings = await udp.caller.call("sip:+37129000001@example.org", next_hop=exchange.uri)
        await rings.cancel()
        assert (await rings.final(5)).code == 487
