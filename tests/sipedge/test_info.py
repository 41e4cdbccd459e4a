"""Requests within a call: a car's fresh data, and data that it is asked for.

The other end is strict: a request whose CSeq is not higher than the one before is refused
(RFC 3261 §12.2.2), so that Asterisk's requests and the edge's must keep one order.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from ccserver.ecall import control, msd
from ccserver.sipedge.client import DialogNotConfirmed, EdgeRefused, NoSuchDialog
from sim.car import PACKAGE
from sim.sip import Call, Part, Reply, divided, joined
from sim.sip.message import Request, parse
from tests.sipedge.site import TRUNK, Site, eventually, site, until
from tests.sipedge.wire import header, peer

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
]

ASK: Final[Any] = {
    "package": PACKAGE,
    "content_type": control.CONTENT_TYPE,
    "body": control.request_xml(),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with site(tmp_path_factory.mktemp("edge")) as made:
        yield made


async def sequence_of(call: Call) -> list[tuple[str, int]]:
    """Methods and numbers that the peer of this call sent."""
    return [(request.method, request.sequence[0]) for request in call.received]


async def test_data_that_a_car_sends_by_itself_is_answered_and_kept_once(here: Site) -> None:
    async with here.car() as car:
        call = await car.connected()
        assert await car.send_data() == 200
        (sent,) = [
            traced.data
            for traced in car.ua.trace
            if traced.sent and traced.data.startswith(b"INFO ")
        ]
        # The same request once more, as a car does whose answer was lost.
        flow = call.client.flow if call.client else None
        assert flow is not None
        flow.send(sent)
        flow.send(sent)
        (kept,) = await here.kept(call.call_id, kind="info")
        assert kept.request == sent
        assert (kept.trunk, kept.cut, kept.status) == ("operator", "", "")
        message = parse(kept.request)
        assert isinstance(message, Request)
        (part,) = divided(message.content_type, message.body)
        assert msd.decode(part.body).msd.message_identifier == 2
        await car.hang_up()
        answers = [m for m in car.ua.trace if not m.sent and b"CSeq: 2 INFO" in m.data]
        assert len(answers) == 3
        assert len(here.kept_now(call.call_id)) == 2  # the INVITE, and the INFO once


@pytest.mark.parametrize(
    ("package", "part", "is_kept"),
    [
        ("EmergencyCallData.VEDS", Part("application/EmergencyCallData.VEDS+xml", b"<v/>"), True),
        ("x-unknown", Part("application/x-unknown", b"\0\1\2\xff"), True),
        ("x-empty", Part("", b""), True),
    ],
)
async def test_an_unknown_package_is_answered_and_kept(
    here: Site, package: str, part: Part, is_kept: bool
) -> None:
    async with here.car() as car:
        call = await car.connected()
        assert (await call.info(package, [part])).code == 200
        (kept,) = await here.kept(call.call_id, kind="info")
        assert part.body in kept.request
        await car.hang_up()


async def test_keys_that_are_pressed_reach_asterisk(here: Site) -> None:
    async with here.car() as car:
        call = await car.connected()
        dtmf = [("Content-Type", "application/dtmf-relay")]
        response = await call.send("INFO", headers=dtmf, body=b"Signal=5\r\nDuration=160\r\n")
        assert response.code == 200
        assert response.get("Server") == "ccserver"  # Asterisk's own answer
        await car.hang_up()
        assert not [kept for kept in here.kept_now(call.call_id) if kept.kind == "info"]


async def test_an_info_that_is_too_long_is_cut_and_says_so(here: Site) -> None:
    async with here.car() as car:
        call = await car.connected()
        part = Part("application/octet-stream", bytes(range(256)) * 80)
        assert (await call.info("x-long", [part])).code == 200
        (kept,) = await here.kept(call.call_id, kind="info")
        (sent,) = [t.data for t in car.ua.trace if t.sent and t.data.startswith(b"INFO ")]
        assert kept.cut == str(len(sent))
        assert len(kept.request) == 10_800
        assert sent.startswith(kept.request)
        await car.hang_up()


async def test_a_car_that_called_is_asked_and_its_call_goes_on(here: Site) -> None:
    async with here.car() as car:
        call = await car.connected()
        await here.control.send_info(call.call_id, **ASK)
        asked = await call.wait_request("INFO")
        assert asked.get("Info-Package") == PACKAGE
        assert asked.get("Content-Disposition") == "Info-Package"
        (part,) = divided(asked.content_type, asked.body)
        assert part.content_type == control.CONTENT_TYPE
        assert control.parse(part.body).requests[0].datatype == "eCall.MSD"
        assert asked.get("Call-Info") == (
            f"<cid:{part.content_id}>;purpose=EmergencyCallData.Control"
        )
        (kept,) = await here.kept(call.call_id, kind="info")
        assert b"EmergencyCallData.eCall.MSD" in kept.request
        car.answers.on_request = "silent"
        to = (await call.answered()).need("To")
        assert asked.get("From") == to
        # What Asterisk asks afterwards, before and after another request of ours.
        channel = await here.channel_of(call.call_id)
        for count in (1, 2):
            await here.refresh(channel, "update")
            await call.wait_request("UPDATE", count=count)
            await here.control.send_info(call.call_id, **ASK)
            await call.wait_request("INFO", count=count + 1)
        await here.refresh(channel)
        await call.wait_request("INVITE")
        await here.control.send_info(call.call_id, **ASK)
        await call.wait_request("INFO", count=4)
        await here.hang_up(channel)
        await call.wait_ended()
        numbers = [number for _, number in await sequence_of(call)]
        assert numbers == sorted(set(numbers))
        assert call.end is not None, "the car saw no BYE"
        refused = [t for t in car.ua.trace if t.sent and t.data.startswith(b"SIP/2.0 500")]
        assert not refused
        # The re-INVITE was acknowledged with its own number.
        (invite,) = [r for r in call.received if r.method == "INVITE"]
        acks = [parse(t.data) for t in car.ua.trace if not t.sent and t.data.startswith(b"ACK ")]
        assert [ack.sequence[0] for ack in acks] == [invite.sequence[0]]


async def test_a_car_that_is_called_back_is_asked_and_its_call_goes_on(here: Site) -> None:
    taken: list[Call] = []

    async def answer(call: Call) -> None:
        taken.append(call)
        await call.answer(headers=[("Recv-Info", PACKAGE)])

    here.carrier.on_call = answer
    identity, call = await here.place()
    assert call.invite.get("Recv-Info") == PACKAGE
    assert not [name for name, _ in call.invite.headers if name.lower().startswith("x-ccserver")]
    await eventually(lambda: taken, "the answer")

    async def asked() -> bool:
        try:
            await here.control.send_info(call.call_id, **ASK)
        except (DialogNotConfirmed, NoSuchDialog):
            return False
        return True

    await until(asked, "the edge knows the call")
    await call.wait_request("INFO")
    await here.refresh(identity, "update")
    await call.wait_request("UPDATE")
    await here.control.send_info(call.call_id, **ASK)
    await call.wait_request("INFO", count=2)
    response = await call.info(PACKAGE, [Part("application/x-data", b"\0")])
    assert response.code == 200
    (kept,) = await here.kept(call.call_id, kind="info")
    assert kept.call_id == call.call_id
    await here.hang_up(identity)
    await call.wait_ended()
    assert call.end is not None
    numbers = [number for _, number in await sequence_of(call)]
    assert numbers == sorted(set(numbers))


async def test_a_car_that_refuses_is_heard(here: Site) -> None:
    async with here.car() as car:
        car.answers.on_request = "reject"
        call = await car.connected()
        await here.control.send_info(call.call_id, **ASK)
        (kept,) = await here.kept(call.call_id, kind="answer")
        assert kept.status == "469"
        assert kept.trunk == "operator"
        assert kept.request.startswith(b"SIP/2.0 469 ")
        await car.hang_up()


async def test_an_answer_that_says_something_is_kept_and_a_plain_one_is_not(here: Site) -> None:
    async with here.car() as car:
        call = await car.connected()
        body = control.result_xml("x", reason="unable")
        headers = (("Content-Type", control.CONTENT_TYPE),)
        call.on_info = lambda _: Reply(200, headers, body)
        await here.control.send_info(call.call_id, **ASK)
        (kept,) = await here.kept(call.call_id, kind="answer")
        assert kept.status == "200"
        assert kept.request.endswith(body)
        call.on_info = lambda _: Reply()
        await here.control.send_info(call.call_id, **ASK)
        await call.wait_request("INFO", count=2)
        await car.hang_up()
        assert len([k for k in here.kept_now(call.call_id) if k.kind == "answer"]) == 1


async def test_what_is_over_or_unknown_cannot_be_asked(here: Site) -> None:
    with pytest.raises(NoSuchDialog):
        await here.control.send_info("nobody@nowhere", **ASK)
    async with here.car() as car:
        call = await car.connected()
        await car.hang_up()
        with pytest.raises(NoSuchDialog):
            await here.control.send_info(call.call_id, **ASK)


@pytest.mark.parametrize("body", [b"", b"\0", b"\xff\xfe"])
async def test_what_no_document_is_cannot_be_sent(here: Site, body: bytes) -> None:
    async with here.car() as car:
        call = await car.connected()
        with pytest.raises(EdgeRefused):
            await here.control.send_info(
                call.call_id, package=PACKAGE, content_type="x/y", body=body
            )
        with pytest.raises(EdgeRefused):
            await here.control.send_info(
                call.call_id, package="two words", content_type="x/y", body=b"x"
            )
        await car.hang_up()
        assert not call.received


async def test_a_multipart_is_sent_as_it_is(here: Site) -> None:
    async with here.car() as car:
        call = await car.connected()
        text = "Ā\"'\\\r\n\t€".encode()
        content_type, body = joined([Part("text/plain", text), Part("x/y", b"2")])
        await here.control.send_info(
            call.call_id, package="x-some", content_type=content_type, body=body
        )
        sent = await call.wait_request("INFO")
        assert (sent.content_type, sent.body) == (content_type, body)
        assert sent.get("Info-Package") == "x-some"
        await car.hang_up()


async def test_an_info_takes_the_way_that_the_call_came(here: Site) -> None:
    """Two proxies of a network recorded their routes (RFC 3261 §12.1.1)."""
    edge_port = here.stack.ports.edge
    async with peer(edge_port, TRUNK) as caller, peer(edge_port, "127.0.1.6") as proxy:
        host, port = proxy.address
        near, far = f"<sip:{host}:{port};lr>", "<sip:far.example;lr;x=1>"
        invite = caller.request("INVITE", headers={"Record-Route": f"{near}, {far}"})
        answer = await caller.answer_to(invite)
        assert answer is not None
        assert answer.code == 200
        caller.within(answer, invite, "ACK")
        call_id = header(invite, "Call-ID")
        await here.control.send_info(call_id, **ASK)
        async with asyncio.timeout(5):
            text, _ = await proxy.received.get()
        start, _, rest = text.partition("\r\n")
        contact = header(invite, "Contact").strip("<>")
        assert start == f"INFO {contact} SIP/2.0"
        assert header(text, "Route") == f"{near}, {far}"
        assert rest.count("Route:") == 1
        tag = answer.first("To").partition(";tag=")[2]
        assert header(text, "From") == f"{header(invite, 'To')};tag={tag}"
        assert header(text, "To") == header(invite, "From")
        await here.hang_up(await here.channel_of(call_id))
