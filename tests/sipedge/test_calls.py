"""Calls for help through the edge: what they ask for reaches Asterisk with all that they bring, and
the voice never depends on it.
"""

import asyncio
import base64
import contextlib
import quopri
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ccserver.ecall import control, msd
from sim.car import MSD_TYPE, PACKAGE, Vehicle
from sim.faulty import FAULTS, call_with
from sim.ng112 import BLOCKS, NG112Phone, Place, Wish, place
from sim.sip import Part, divided, joined
from sim.sip.sdp import parse as read_sdp
from tests.sipedge.site import TRUNK, Site, site
from tests.sipedge.wire import header, peer

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
]

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.1.5\r\ns=-\r\nc=IN IP4 127.0.1.5\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with site(tmp_path_factory.mktemp("edge")) as made:
        yield made


@pytest.mark.parametrize(
    ("asked", "service"),
    [
        ("urn:service:sos", "urn:service:sos"),
        ("urn:service:sos.ecall.automatic", "urn:service:sos.ecall.automatic"),
        ("URN:Service:SOS.eCall.Manual", "urn:service:sos.ecall.manual"),
        ("urn:service:test.sos.ecall", "urn:service:test.sos.ecall"),
        ("urn:service:sos.police", "urn:service:sos.police"),
        ("urn:service:sos.fire.forest-2", "urn:service:sos.fire.forest-2"),
        ("urn:service:sos.", "urn:service:sos"),
        ("urn:service:sos.ecall..x", "urn:service:sos.ecall"),
        (f"urn:service:sos.{'a' * 120}", "urn:service:sos"),
    ],
)
async def test_a_service_is_asked_for_by_its_name(here: Site, asked: str, service: str) -> None:
    async with here.phone() as phone:
        call = await phone.call(asked)
        response = await call.answered()
        assert response.need("To").startswith(f"<{asked}>;tag=")
        assert read_sdp(response.body)[0].formats == ("8", "101")  # an answer to our offer
        (kept,) = await here.kept(call.call_id)
        assert kept.service == service
        (sent,) = [t.data for t in phone.trace if t.sent and t.data.startswith(b"INVITE ")]
        assert kept.request == sent
        assert call.is_up
        await call.bye()
        (event,) = here.events(call.call_id)
        assert event["service"] == service
        assert event["data"] == str(len(sent))


async def test_a_service_in_to_alone_counts_as_well(here: Site) -> None:
    async with here.phone() as phone:
        call = await phone.call("sip:112@psap.example", to_header="<urn:service:sos.ecall.manual>")
        response = await call.answered()
        assert response.need("To").startswith("<urn:service:sos.ecall.manual>;tag=")
        (kept,) = await here.kept(call.call_id)
        assert kept.service == "urn:service:sos.ecall.manual"
        channel = await here.channel_of(call.call_id)
        await here.hang_up(channel)
        await call.wait_ended()
        assert call.end is not None
        assert "<urn:service:sos.ecall.manual>" in call.end.need("From")


@pytest.mark.parametrize("uri", ["urn:service:counseling", "urn:service:sosa", "urn:isbn:1"])
async def test_other_services_are_not_found(here: Site, uri: str) -> None:
    async with here.phone() as phone:
        assert (await (await phone.call(uri)).final()).code == 404


@pytest.mark.parametrize(
    "uri",
    [
        "sip:112@{}",
        "sip:112;phone-context=+371@{};user=phone",
        "tel:112",
        "tel:1-1-2;phone-context=+371",
        "sip:%31%31%32@{}",
    ],
)
async def test_an_ordinary_call_brings_nothing(here: Site, uri: str) -> None:
    async with here.phone() as phone:
        call = await phone.call(uri.format(here.uri.removeprefix("sip:")))
        await call.answered()
        (event,) = here.events(call.call_id)
        assert (event["service"], event["data"], event["msd"]) == ("", "0", "")
        await call.bye()
        assert not here.kept_now(call.call_id)


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_never_costs_the_voice(here: Site, name: str) -> None:
    fault = FAULTS[name]
    async with here.car() as car:
        call = await call_with(car, name)
        response = await call.answered()
        parts = divided(response.content_type, response.body)
        (description,) = [p for p in parts if p.content_type == "application/sdp"]
        assert read_sdp(description.body)[0].port
        (kept,) = await here.kept(call.call_id)
        (sent,) = [t.data for t in car.ua.trace if t.sent and t.data.startswith(b"INVITE ")]
        assert kept.request == sent
        if fault.ack is not None:
            assert car.read_acks(call) is fault.ack
        await car.hang_up()


async def test_the_answer_is_as_the_standard_says(here: Site) -> None:
    """RFC 8147 §9.1; names of our own machines are nowhere in it."""
    async with here.car() as car:
        call = await car.connected()
        response = await call.answered()
        description, document = divided(response.content_type, response.body)
        assert description.content_type == "application/sdp"
        assert document.content_type == control.CONTENT_TYPE
        assert document.disposition == "by-reference"
        assert response.all("Call-Info") == (
            f"<cid:{document.content_id}>;purpose=EmergencyCallData.Control",
        )
        assert response.get("Recv-Info") == PACKAGE
        accepted = {each.strip() for each in response.need("Accept").split(",")}
        assert {"application/sdp", "application/pidf+xml"} < accepted
        assert {control.CONTENT_TYPE, MSD_TYPE} < accepted
        (ack,) = control.parse(document.body).acks
        assert (ack.ref, ack.received) == ("msd1-37129000000@127.0.1.5", True)
        node = str(here.stack.ports.sip)
        for traced in car.ua.trace:
            if not traced.sent:
                head = traced.data.partition(b"\r\n\r\n")[0].decode()
                assert node not in head
                assert "kamailio" not in head.lower()
                assert "trying --" not in head.lower()
        await car.hang_up()


@pytest.mark.parametrize(
    ("content_id", "call_info", "ref"),
    [
        ("Content-ID: <A.b%c@x>", "", "A.b%c@x"),
        ("content-id:   A&b@x", "", "A&b@x"),
        ("", "<cid:a%40x>;purpose=EmergencyCallData.eCall.MSD", "a@x"),
        ("", "<CID:a@x> ; Purpose = emergencycalldata.ECALL.msd", "a@x"),
        ("", "<http://x/y>;purpose=icon, <cid:a@x>;purpose=EmergencyCallData.eCall.MSD", "a@x"),
    ],
)
@pytest.mark.parametrize(
    "content_type",
    [
        "application/EmergencyCallData.eCall.MSD",
        "Application/emergencycalldata.ecall.msd;x=y",
        "application/emergencyCall.eCall.MSD",
    ],
)
async def test_names_are_compared_as_the_standards_spell_them(
    here: Site, content_id: str, call_info: str, ref: str, content_type: str
) -> None:
    async with here.car() as car:

        def compose(data: Part, _: Part):  # type: ignore[no-untyped-def]
            head = f"{content_id}\r\n" if content_id else ""
            return lambda sdp: (
                'Multipart/Mixed; x=1 ; BOUNDARY="a b"',
                b"--a b\r\nContent-Type: application/SDP\r\n\r\n"
                + sdp.body
                + f"\r\n--a b\r\n{head}content-TYPE: {content_type}\r\n\r\n".encode()
                + data.body
                + b"\r\n--a b--\r\n",
            )

        headers = [("Call-Info", call_info)] if call_info else []
        call = await car.connected(compose=compose, call_info=False, headers=headers)
        (ack,) = car.heard.acks
        assert (ack.ref, ack.received) == (ref, True)
        await car.hang_up()
        assert call.call_id


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "binary", "8bit"])
async def test_encoded_parts_are_read(here: Site, encoding: str) -> None:
    def written(body: bytes) -> bytes:
        if encoding == "base64":
            return base64.encodebytes(body)
        if encoding == "quoted-printable":
            return quopri.encodestring(body)
        return body

    def compose(data: Part, _: Part):  # type: ignore[no-untyped-def]
        how = (("Content-Transfer-Encoding", encoding),)
        return lambda sdp: joined(
            [
                Part("application/sdp", written(sdp.body), headers=how),
                Part(MSD_TYPE, written(data.body), content_id="m@x", headers=how),
            ]
        )

    async with here.car() as car:
        call = await car.connected(compose=compose)
        assert [ack.received for ack in car.heard.acks] == [True]
        assert call.is_up
        await car.hang_up()


async def test_a_repeated_answer_is_the_same_answer(here: Site) -> None:
    """Also when the edge has forgotten the transaction, which is after five seconds."""
    data = base64.b64encode(msd.encode(Vehicle().msd(kind="manual", identifier=1, timestamp=9)))
    how = (("Content-Transfer-Encoding", "base64"),)
    content_type, body = joined(
        [Part("application/sdp", OFFER), Part(MSD_TYPE, data, content_id="m@x", headers=how)]
    )
    async with peer(here.stack.ports.edge, TRUNK) as caller:
        invite = caller.request(
            "INVITE",
            uri="urn:service:sos.ecall.manual",
            headers={"Content-Type": content_type},
            body=body.decode(),
        )
        answer = await caller.answer_to(invite)
        assert answer is not None
        # Without an ACK, Asterisk sends it again: 0.5 s later, 1 s, 2 s, 4 s …
        texts = {answer.text}
        while time.monotonic() < answer.at + 8.0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    text, at = await caller.received.get()
                    texts.add(text)
        caller.within(answer, invite, "ACK")
        caller.within(answer, invite, "BYE")
    assert at > answer.at + 6.0
    bodies = {text.partition("\r\n\r\n")[2] for text in texts}
    types = {header(text, "Content-Type") for text in texts}
    assert len(bodies) == len(types) == 1
    parts = divided(types.pop(), bodies.pop().encode())
    assert [part.content_type for part in parts] == ["application/sdp", control.CONTENT_TYPE]
    assert control.parse(parts[1].body).acks[0].received


async def test_a_new_offer_is_answered_plainly_and_one_with_data_is_acknowledged(
    here: Site,
) -> None:
    async with here.car() as car:
        call = await car.connected()
        plain = await call.reinvite()
        assert plain.code == 200
        assert plain.content_type == "application/sdp"
        assert plain.get("Call-Info") is None
        data = car.part()
        content_type, body = joined([Part("application/sdp", OFFER), data])
        headers = [("Contact", car.ua.contact), ("Content-Type", content_type)]
        for _ in range(20):
            response = await call.send("INVITE", headers=headers, body=body)
            if response.code != 500:  # Asterisk has not read the ACK before yet
                break
            await asyncio.sleep(0.1)
        assert response.code == 200
        _, document = divided(response.content_type, response.body)
        (ack,) = control.parse(document.body).acks
        assert (ack.ref, ack.received) == (data.content_id, True)
        kept = (await here.kept(call.call_id, kind="info"))[-1]
        assert kept.request.startswith(b"INVITE ")
        assert data.body in kept.request
        await car.hang_up()


async def test_nobody_outside_can_speak_for_the_edge(here: Site) -> None:
    headers = [
        ("X-CCServer-Edge", here.stack.trunk_token),
        ("x-ccserver-SERVICE", "urn:service:sos.police"),
        ("X-CCServer-Trunk", "another"),
        ("X-CCServer-MSD", "received"),
        ("X-CCSERVER-Data-1", "AAAA"),
        ("X-CCServer-Data-2", "AAAA"),
    ]
    async with here.car() as car:
        call = await car.connected(headers=headers)
        (kept,) = await here.kept(call.call_id)
        assert (kept.trunk, kept.service) == ("operator", "urn:service:sos.ecall.automatic")
        assert kept.request.startswith(b"INVITE urn:service:sos.ecall.automatic SIP/2.0\r\n")
        await car.hang_up()
    async with here.phone() as phone:
        call = await phone.call(f"sip:112@127.0.0.1:{here.stack.ports.edge}", headers=headers)
        await call.answered()
        await call.bye()
        assert not here.kept_now(call.call_id)


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
@pytest.mark.parametrize("octets", [20_000, 41_000, 50_000, 60_000])
async def test_large_requests_bring_what_fits(here: Site, protocol: str, octets: int) -> None:
    async with here.car(protocol=protocol) as car:
        filler = Part("application/octet-stream", bytes(range(256)) * (octets // 256))
        call = await car.connected(parts=[filler])
        (kept,) = await here.kept(call.call_id)
        (sent,) = [t.data for t in car.ua.trace if t.sent and t.data.startswith(b"INVITE ")]
        assert sent.startswith(kept.request)
        if len(sent) <= 42_000:
            assert kept.request == sent
            assert kept.cut == ""
        else:
            assert len(kept.request) == 42_000
            assert kept.cut == str(len(sent))
        assert [ack.received for ack in car.heard.acks] == [True]
        await car.hang_up()


async def test_text_and_message_streams_are_declined_and_the_voice_goes_on(here: Site) -> None:
    """RTT (RFC 4103) and MSRP (RFC 4975)."""
    offer = OFFER + (
        b"m=text 40002 RTP/AVP 98 100\r\na=rtpmap:98 t140/1000\r\na=rtpmap:100 red/1000\r\n"
        b"m=message 40004 TCP/MSRP *\r\na=accept-types:text/plain\r\n"
        b"a=path:msrp://127.0.1.5:40004/abc;tcp\r\n"
    )
    async with here.phone() as phone:
        call = await phone.call("urn:service:sos", offer=offer)
        response = await call.answered()
        streams = read_sdp(response.body)
        assert [stream.media for stream in streams] == ["audio", "text", "message"]
        assert streams[0].port > 0
        assert [stream.port for stream in streams[1:]] == [0, 0]
        await call.bye()


async def test_texts_pass_and_long_ones_are_refused(here: Site) -> None:
    async with here.phone() as phone:
        uri = f"sip:112@127.0.0.1:{here.stack.ports.edge}"
        plain = [("Content-Type", "text/plain")]
        response = await phone.request("MESSAGE", uri, headers=plain, body=b"x" * 1023)
        assert response.code == 202
        response = await phone.request("MESSAGE", uri, headers=plain, body=b"x" * 1024)
        assert response.code == 413
        call = await phone.call("urn:service:sos")
        await call.answered()
        response = await call.send("MESSAGE", headers=plain, body=b"hello")
        assert response.code == 405
        await call.bye()


async def test_a_call_without_an_offer_gets_one_and_answers_it(here: Site) -> None:
    """RFC 3261 §13.2.1: the offer comes with the answer to the call, the answer with the ACK."""
    async with peer(here.stack.ports.edge, TRUNK) as caller:
        invite = caller.request("INVITE", uri="urn:service:sos", body="")
        answer = await caller.answer_to(invite)
        assert answer is not None
        assert answer.code == 200
        assert read_sdp(answer.text.encode())[0].port
        host, port = caller.address
        target = answer.first("Contact").partition("<")[2].partition(">")[0]
        caller.send(
            f"ACK {target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKack;rport\r\n"
            f"Route: {answer.first('Record-Route')}\r\n"
            f"From: {header(invite, 'From')}\r\nTo: {answer.first('To')}\r\n"
            f"Call-ID: {header(invite, 'Call-ID')}\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(OFFER)}\r\n\r\n"
            + OFFER.decode()
        )
        await asyncio.sleep(1.5)
        assert await here.channel_of(header(invite, "Call-ID"))
        caller.within(answer, invite, "BYE")


async def test_what_is_required_and_not_known_does_not_cost_the_call(here: Site) -> None:
    async with here.phone() as phone:
        call = await phone.call("urn:service:sos", headers=[("Require", "geolocation, x-y")])
        assert (await call.answered()).code == 200
        await call.bye()


@pytest.mark.parametrize("is_nested", [False, True])
async def test_places_and_other_data_ride_along(here: Site, is_nested: bool) -> None:
    """By value and by reference, several of each (RFC 6442, RFC 7852)."""
    wish = Wish(
        places=(
            place("Circle", 56.95, 24.1),
            Place(url="https://lis.example/held/1"),
            place("Polygon", 56.9, 24.0),
        ),
        blocks=tuple(BLOCKS.values()),
        identifiers=True,
        nested=is_nested,
        reversed=is_nested,
    )
    async with NG112Phone(here.uri, host=TRUNK) as phone:
        call = await phone.call(wish)
        response = await call.answered()
        assert response.content_type == "application/sdp"
        assert response.get("Call-Info") is None
        (kept,) = await here.kept(call.call_id)
        (sent,) = [t.data for t in phone.ua.trace if t.sent and t.data.startswith(b"INVITE ")]
        assert kept.request == sent
        assert (kept.service, kept.msd_ack) == ("urn:service:sos", "")
        await call.bye()


@pytest.mark.parametrize(
    "header_line",
    [
        ("Geolocation", "<https://lis.example/held/1>"),
        ("Call-Info", "<urn:emergency:uid:callid:a:b>;purpose=emergency-CallId"),
        ("History-Info", "<sip:110@x>;index=1"),
    ],
)
async def test_what_an_ordinary_call_says_beside_its_offer_rides_along(
    here: Site, header_line: tuple[str, str]
) -> None:
    async with here.phone() as phone:
        call = await phone.call(f"sip:112@{here.uri[4:]}", headers=[header_line])
        await call.answered()
        (kept,) = await here.kept(call.call_id)
        assert f"{header_line[0]}: {header_line[1]}\r\n".encode() in kept.request
        assert kept.service == ""
        await call.bye()


async def test_a_call_by_tcp_is_ended_by_the_connection_that_it_came_by(here: Site) -> None:
    """Its Contact names a port at which nobody listens, as of a telephone behind a router."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", here.stack.ports.edge, local_addr=(TRUNK, 0)
    )
    call_id, contact = "by-tcp@127.0.1.5", f"<sip:+371@{TRUNK}:9;transport=tcp>"
    common = (
        f"Via: SIP/2.0/TCP {TRUNK}:9;branch=z9hG4bK{{}};rport\r\n"
        f"From: <sip:+371@{TRUNK}>;tag=a\r\nTo: {{}}\r\nCall-ID: {call_id}\r\n"
        f"Contact: {contact}\r\nMax-Forwards: 70\r\n"
    )
    length = f"Content-Type: application/sdp\r\nContent-Length: {len(OFFER)}\r\n\r\n"
    invite = "INVITE urn:service:sos SIP/2.0\r\nCSeq: 1 INVITE\r\n"
    head = invite + common.format("1", "<urn:service:sos>") + length
    writer.write(head.encode() + OFFER)
    async with asyncio.timeout(10):
        text = ""
        while "SIP/2.0 200" not in text or not text.endswith("sendrecv\r\n"):
            text += (await reader.read(65536)).decode()
        answer = text[text.index("SIP/2.0 200") :]
        routes = [
            line.partition(": ")[2]
            for line in answer.split("\r\n")
            if line.startswith("Record-Route:")
        ]
        target = header(answer, "Contact").strip("<>")
        ack = f"ACK {target} SIP/2.0\r\nCSeq: 1 ACK\r\nRoute: {', '.join(reversed(routes))}\r\n"
        writer.write(
            (ack + common.format("2", header(answer, "To")) + "Content-Length: 0\r\n\r\n").encode()
        )
        await asyncio.sleep(0.3)
        await here.hang_up(await here.channel_of(call_id))
        while "BYE sip:" not in (text := (await reader.read(65536)).decode()):
            pass
    assert text.startswith(f"BYE {contact.strip('<>')} SIP/2.0\r\n")
    writer.close()


async def test_a_request_by_tcp_without_a_length_is_a_call_all_the_same(here: Site) -> None:
    """Nobody can tell where its body ends: the call is taken as one without an offer."""
    _, writer = await asyncio.open_connection(
        "127.0.0.1", here.stack.ports.edge, local_addr=(TRUNK, 0)
    )
    writer.write(
        f"INVITE urn:service:sos SIP/2.0\r\nVia: SIP/2.0/TCP {TRUNK};branch=z9hG4bK7\r\n"
        f"From: <sip:+371@{TRUNK}>;tag=a\r\nTo: <urn:service:sos>\r\nCall-ID: no-length\r\n"
        f"CSeq: 1 INVITE\r\nContact: <sip:+371@{TRUNK};transport=tcp>\r\nMax-Forwards: 70\r\n"
        "Content-Type: application/sdp\r\n\r\n".encode()
        + OFFER
    )
    (kept,) = await here.kept("no-length")
    assert kept.request.startswith(b"INVITE urn:service:sos SIP/2.0\r\n")
    await here.hang_up(await here.channel_of("no-length"))
    writer.close()


async def test_who_asks_is_told_what_a_call_would_be(here: Site) -> None:
    async with here.phone() as phone:
        response = await phone.request("OPTIONS", here.uri)
        assert response.code == 200
        assert {"INVITE", "INFO", "MESSAGE"} <= set(response.need("Allow").split(", "))
        assert {"application/sdp", "multipart/mixed", MSD_TYPE} <= set(
            response.need("Accept").split(", ")
        )
        assert response.get("Recv-Info") == PACKAGE
        refused = await phone.request("PUBLISH", here.uri)
        assert refused.code == 405
        assert "INVITE" in refused.need("Allow")
