"""Phones post their positions, are always answered alike, and cannot do harm by how they do it."""

import asyncio
import gzip
from pathlib import Path

import pytest

from ccserver.config import AMLSettings
from ccserver.location.aml_form import sign
from ccserver.web.aml import BODY_BYTES_MAX, SOURCE
from tests.web.world import Answer, World

KEY = "0123456789abcdef"
FORM = (
    b"v=1&device_number=%2B37120000001&location_latitude=56.9496&location_longitude=24.1052"
    b"&location_time=1764158390000&location_accuracy=10.4&location_source=GPS"
)


async def post(world: World, body: bytes, **headers: str) -> Answer:
    """As a phone does: it knows nothing of the panel's headers."""
    async with world.http.post(world.url("/aml"), data=body, headers=headers) as answer:
        return Answer(answer.status, answer.headers, await answer.read(), [])


def counted(world: World, result: str) -> float:
    found = world.metrics.registry.get_sample_value(
        "ccserver_aml_requests_total", {"result": result}
    )
    return found or 0.0


async def test_a_form_is_taken_from_whoever_sends_it(world: World) -> None:
    answer = await post(world, FORM, Origin="https://phone.example")
    assert (answer.status, answer.json()) == (200, {})
    (sighting,) = world.aml.received
    assert sighting.digits == "37120000001"
    assert sighting.location is not None
    assert sighting.received_at == world.clock.now()
    assert counted(world, "taken") == 1


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"\0\xff" * 100, b"&" * 5_000, b"location_latitude=NaN"], ids=str
)
async def test_nonsense_is_answered_alike(world: World, body: bytes) -> None:
    assert (await post(world, body)).status == 200
    assert all(sighting.location is None for sighting in world.aml.received)


async def test_a_body_beyond_the_bound_is_not_read(world: World) -> None:
    answer = await post(world, FORM + b"&x=" + b"y" * BODY_BYTES_MAX)
    assert answer.status == 200
    assert world.aml.received == []
    assert counted(world, "unreadable") == 1
    assert (await post(world, FORM)).status == 200, "and the next one is"


async def test_a_bomb_is_not_unpacked(world: World) -> None:
    packed = {"Content-Encoding": "gzip"}
    for body in (b"\x1f\x8b\x08not gzip", gzip.compress(b"a" * 50_000_000)):
        assert (await post(world, body, **packed)).status == 200
        assert world.aml.received == []
    assert (await post(world, gzip.compress(FORM), **packed)).status == 200
    assert len(world.aml.received) == 1


async def test_one_source_may_not_flood(world: World) -> None:
    answers = await asyncio.gather(*(post(world, FORM) for _ in range(SOURCE.burst + 20)))
    assert {answer.status for answer in answers} == {200}
    assert len(world.aml.received) == SOURCE.burst
    assert counted(world, "throttled") == 20
    await post(world, FORM, **{"X-Forwarded-For": "192.0.2.1, 198.51.100.7"})
    assert len(world.aml.received) == SOURCE.burst + 1, "a proxy of ours says who it is"
    world.clock.seconds += 10 * SOURCE.refill_s
    await post(world, FORM)
    assert len(world.aml.received) == SOURCE.burst + 2


async def test_a_source_is_whom_the_proxy_saw_and_not_who_it_says_it_is(world: World) -> None:
    """Some proxies add to the header, others add a header of their own."""
    for number in range(SOURCE.burst + 20):
        forged = [
            ("X-Forwarded-For", f"192.0.2.{number % 250}"),
            ("X-Forwarded-For", "198.51.100.7"),
        ]
        async with world.http.post(world.url("/aml"), data=FORM, headers=forged) as answer:
            assert answer.status == 200
    assert len(world.aml.received) == SOURCE.burst


async def test_signatures_where_they_are_required(tmp_path: Path) -> None:
    settings = AMLSettings(hmac_keys=("another-key-of-ours", KEY), hmac_required=True)
    async with World(tmp_path, aml=settings) as world:
        signed = FORM + b"&hmac=" + sign(FORM, KEY).encode()
        for body in (FORM, signed.replace(b"56.9", b"57.9"), signed):
            assert (await post(world, body)).status == 200
        assert len(world.aml.received) == 1
        assert counted(world, "unsigned") == 2


async def test_a_wrong_signature_is_marked_where_none_is_required(tmp_path: Path) -> None:
    async with World(tmp_path, aml=AMLSettings(hmac_keys=(KEY,))) as world:
        await post(world, FORM + b"&hmac=00")
        (sighting,) = world.aml.received
        assert sighting.location is not None
        assert sighting.location.data["oddities"] == ["signature_wrong"]


async def test_only_post(world: World) -> None:
    assert (await world.nobody().get("/aml")).status in (404, 405)
