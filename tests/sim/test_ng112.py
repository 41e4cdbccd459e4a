"""Simulated IP callers: every shape of a place is read by ccserver as what it is, bodies nest as
told, and the location server gives, refuses and misbehaves.
"""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from ccserver.location import pidf as reader
from sim.held import LocationServer
from sim.ng112 import BLOCKS, PIDF_TYPE, NG112Phone, Place, Wish, place
from sim.pidf import SHAPES, circle, document
from sim.sip import UA, Call, divided


@pytest.mark.parametrize("where", ["tuple", "device", "person"])
@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_read_as_what_it_is(name: str, where: str) -> None:
    octets = document(SHAPES[name](56.95, 24.11), where=where, confidence=95)
    read = reader.PIDFLO.parse(octets)
    (found,) = read.places
    if name == "civic":
        assert found.shape is None
        assert found.civic["RD"] == "Brīvības"
        return
    assert type(found.shape).__name__ == name
    assert found.shape is not None
    assert found.confidence == pytest.approx(0.95)


async def test_a_telephone_sends_places_blocks_and_identifiers_nested_and_backwards() -> None:
    taken: list[Call] = []

    async def answer(call: Call) -> None:
        await call.answer()
        taken.append(call)

    async with UA(user="112") as centre:
        centre.on_call = answer
        async with NG112Phone(f"sip:127.0.0.1:{centre.port}") as phone:
            wish = Wish(
                places=(
                    place("Circle", 56.9, 24.1),
                    place("civic", 0, 0),
                    Place(url="https://x/y"),
                ),
                blocks=tuple(BLOCKS.values()),
                identifiers=True,
                nested=True,
                reversed=True,
            )
            call = await phone.call(wish, service="urn:service:sos.fire")
            await call.answered(5)
    invite = taken[0].invite
    assert invite.uri == "urn:service:sos.fire"
    assert invite.content_type.startswith("multipart/mixed")
    parts = divided(invite.content_type, invite.body)
    assert parts[-1].content_type == "application/sdp"
    assert [p.content_type for p in parts].count(PIDF_TYPE) == 2
    assert len(parts) == 2 + len(BLOCKS) + 1
    named = {f"<cid:{part.content_id}>" for part in parts if part.content_type == PIDF_TYPE}
    assert set(invite.all("Geolocation")) == named | {"<https://x/y>"}
    assert len(invite.all("Call-Info")) == len(BLOCKS) + 2


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LocationServer]:
    async with LocationServer(tmp_path / "held") as one:
        yield one


async def test_the_location_server_gives_refuses_and_misbehaves(server: LocationServer) -> None:
    octets = document(circle(56.9, 24.1))
    context = ssl.create_default_context(cafile=str(server.ca))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:

        async def get(manner: str, method: str = "GET") -> tuple[int, bytes]:
            url = server.keep(octets, manner)
            async with session.request(method, url, ssl=context, allow_redirects=False) as response:
                return response.status, await response.read()

        status, body = await get("ok", "POST")
        assert status == 200
        assert b"locationResponse" in body
        assert b"<gs:Circle" in body
        assert await get("bare") == (200, octets)
        assert (await get("missing"))[0] == 404
        assert (await get("elsewhere"))[0] == 302
        assert b"locationUnknown" in (await get("refused"))[1]
        assert len((await get("huge"))[1]) > 10_000_000
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(server.keep(octets))
    assert [asked.method for asked in server.asked][:2] == ["POST", "GET"]
