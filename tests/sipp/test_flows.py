"""SIPp, an independent SIP stack, plays cars and telephones against the real edge and the real
Asterisk: the message flows of RFC 8147, 6442, 7852 and 6086 go as written, over UDP and TCP.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from ccserver.ecall import control, msd
from sim.car import Vehicle
from sim.ng112 import NG112Phone
from sim.sip import Part, Response, divided, parse
from tests.conformance.world import World, world_of
from tests.sipp.play import Played, play

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("sipp")]
in_module = pytest.mark.asyncio(loop_scope="module")

TRANSPORTS = ("u1", "t1")
SERVICES = ("urn:service:sos.ecall.automatic", "urn:service:sos.ecall.manual")
TEST_SERVICE = "urn:service:test.sos.ecall"
REQUEST_S = 30.0
MSD = msd.encode(Vehicle().msd(kind="automatic", identifier=1, timestamp=1_790_000_000))
FRESH = msd.encode(Vehicle().msd(kind="automatic", identifier=2, timestamp=1_790_000_000))
NUL_BYTES = MSD.count(b"\0")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world_of(tmp_path_factory.mktemp("flows")) as world:
        yield world


async def flow(
    world: World,
    folder: Path,
    name: str,
    service: str,
    transport: str,
    *,
    call_id: str | None = None,
    keys: dict[str, str] | None = None,
) -> Played:
    """Play a car's or telephone's part; the messages as they were on the wire."""
    return await play(
        name,
        world.port,
        folder / "sipp",
        service=service,
        transport=transport,
        files={"msd.bin": MSD, "fresh.bin": FRESH},
        call_id=call_id,
        keys=keys,
    )


def answered(played: Played) -> list[Response]:
    """The answers to INVITE that accept it."""
    found = [parse(octets) for octets in played.answers("INVITE") if octets[8:11] == b"200"]
    return [each for each in found if isinstance(each, Response)]


def documents(response: Response) -> tuple[Part, ...]:
    """The control documents of an answer."""
    parts = divided(response.content_type, response.body)
    return tuple(
        part for part in parts if part.content_type.lower().startswith(control.CONTENT_TYPE.lower())
    )


async def ask_for_msd(world: World, folder: Path, call_id: str) -> None:
    """Ask the edge to ask the car, as ccserver does; as soon as the car knows that it is answered.

    Before that, what answers the call and what asks the car could overtake each other.
    """
    messages = folder / "sipp" / "messages.log"
    async with asyncio.timeout(REQUEST_S):
        while True:
            if messages.exists() and b"SIP/2.0 200 OK" in messages.read_bytes():
                break
            await asyncio.sleep(0.02)
    edge = world.stack.config.edge
    assert edge.control_token is not None
    headers = {
        "Authorization": f"Bearer {edge.control_token}",
        "X-Call-ID": call_id,
        "X-Info-Package": "EmergencyCallData.eCall.MSD",
        "Content-Type": control.CONTENT_TYPE,
    }
    url = f"http://127.0.0.1:{edge.control_port}/info"
    give_up_at = time.monotonic() + REQUEST_S
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while True:
            async with session.post(url, headers=headers, data=control.request_xml()) as response:
                status = response.status
            if status == 202:
                return
            assert time.monotonic() < give_up_at, f"the edge says {status}"
            await asyncio.sleep(0.05)


def test_the_sample_has_bytes_that_text_cannot_carry() -> None:
    assert NUL_BYTES > 0, "so the flows prove that octets go through"


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("service", [*SERVICES, TEST_SERVICE])
@in_module
async def test_an_ecall_is_acknowledged_in_the_answer(
    world: World, tmp_path: Path, service: str, transport: str
) -> None:
    played = await flow(world, tmp_path, "ecall", service, transport)
    (answer,) = {bytes(each): each for each in answered(played)}.values()
    (document,) = documents(answer)
    (ack,) = control.parse(document.body).acks
    assert (ack.ref, ack.received) == ("msd-1@car.example", True)
    call_info = " ".join(answer.all("Call-Info"))
    assert f"<cid:{document.content_id}>" in call_info
    assert "urn:service" not in " ".join(answer.all("Contact"))


@pytest.mark.parametrize("transport", TRANSPORTS)
@in_module
async def test_a_car_that_is_asked_again_sends_a_new_msd(
    world: World, tmp_path: Path, transport: str
) -> None:
    call_id = f"again-{secrets.token_hex(6)}"
    playing = asyncio.create_task(
        flow(world, tmp_path, "ecall_asked_again", SERVICES[0], transport, call_id=call_id)
    )
    await ask_for_msd(world, tmp_path, call_id)
    played = await playing
    (request,) = played.received("INFO ")
    message = parse(request)
    assert message.get("Info-Package") == "EmergencyCallData.eCall.MSD"
    assert len(played.answers("INFO")) == 1, "the car's INFO is answered once"


@pytest.mark.parametrize("transport", TRANSPORTS)
@in_module
async def test_a_car_may_refuse(world: World, tmp_path: Path, transport: str) -> None:
    call_id = f"refuse-{secrets.token_hex(6)}"
    playing = asyncio.create_task(
        flow(world, tmp_path, "ecall_refuses", SERVICES[0], transport, call_id=call_id)
    )
    await ask_for_msd(world, tmp_path, call_id)
    played = await playing
    assert len(played.answers("INFO")) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
@in_module
async def test_info_that_nobody_asked_for_is_answered(
    world: World, tmp_path: Path, transport: str
) -> None:
    played = await flow(world, tmp_path, "ecall_unasked", SERVICES[0], transport)
    assert [octets[8:11] for octets in played.answers("INFO")] == [b"200", b"200"]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("service", ["urn:service:sos", "urn:service:sos.fire", "112"])
@in_module
async def test_a_telephone_calls_with_its_places(
    world: World, tmp_path: Path, service: str, transport: str
) -> None:
    if service == "112":
        service = f"sip:112@127.0.0.1:{world.port}"
    played = await flow(world, tmp_path, "ng112_by_value", service, transport)
    for answer in answered(played):
        assert answer.content_type.lower().startswith("application/sdp")
        assert not documents(answer), "who sent no MSD gets no acknowledgement"


@pytest.mark.parametrize("transport", TRANSPORTS)
@in_module
async def test_a_telephone_calls_with_a_reference_to_its_place(
    world: World, tmp_path: Path, transport: str
) -> None:
    keys = {"place": "https://lis.example.invalid/held/1"}
    await flow(world, tmp_path, "ng112_by_reference", "urn:service:sos", transport, keys=keys)


@pytest.mark.parametrize("transport", TRANSPORTS)
@in_module
async def test_media_are_changed_without_a_second_acknowledgement(
    world: World, tmp_path: Path, transport: str
) -> None:
    played = await flow(world, tmp_path, "reinvite", SERVICES[0], transport)
    by_sequence = {answer.sequence[0]: answer for answer in answered(played)}
    assert [len(documents(by_sequence[number])) for number in (1, 2, 3)] == [1, 0, 0]
    assert b"a=recvonly" in by_sequence[2].body or b"a=inactive" in by_sequence[2].body


@pytest.mark.parametrize("transport", TRANSPORTS)
@in_module
async def test_text_is_declined_and_audio_goes_on(
    world: World, tmp_path: Path, transport: str
) -> None:
    played = await flow(world, tmp_path, "text_offers", "urn:service:sos", transport)
    answer = answered(played)[0]
    media = [line.split()[:2] for line in answer.body.decode().splitlines() if line[:2] == "m="]
    assert [kind for kind, _ in media] == ["m=audio", "m=text", "m=message"]
    assert media[0][1] != "0"
    assert [port for _, port in media[1:]] == ["0", "0"]


@in_module
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_who_gives_up_at_once_leaves_nothing_behind(world: World, protocol: str) -> None:
    """Answer and CANCEL cross (RFC 3261 §9.1). SIPp cannot tell whose 200 comes first, so it is
    our own user agent; whoever wins, the call ends in order.
    """
    async with NG112Phone(
        f"sip:127.0.0.1:{world.port};transport={protocol}", host="127.0.1.1", protocol=protocol
    ) as phone:
        call = await phone.call()
        await call.cancel()
        response = await call.final()
        assert response.code in (200, 487)
        await call.bye()
    await world.nothing_left()


@in_module
async def test_nothing_is_left_of_all_this(world: World) -> None:
    await world.nothing_left()
    assert world.lives()
