"""Proves the address at which makers' centres hand over cars: forms, statuses, what is refused."""

import json

import pytest

from ccserver.accounts import Scope
from tests.calldata.samples import CAR, car
from tests.web.fakes import CONTACT, INCIDENT
from tests.web.world import Answer, World

JSON = "application/json"


async def post(world: World, body: bytes, media_type: str = JSON, key: str = "") -> Answer:
    program = await world.program(Scope.CONTACTS_WRITE)
    headers = {"Content-Type": media_type} | ({"Idempotency-Key": key} if key else {})
    return await program.ask("POST", "/api/ecalls", raw=body, headers=headers)


async def test_a_car_is_taken_and_taken_again(world: World) -> None:
    body = json.dumps({"msd_hex": car().hex(), "provider": "Maker"}).encode()
    answer = await post(world, body, key="1")
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/cards/{INCIDENT}"
    assert answer.json() == {
        "incident_id": INCIDENT,
        "card_number": "2026-000001",
        "contact_id": CONTACT,
        "oddities": [{"code": "clock", "detail": "0"}],
    }
    assert (await post(world, body, key="1")).status == 200
    told, key, author = world.hand_overs.taken[0]
    assert (told.decoded.msd, told.provider, key) == (CAR, "Maker", "key:1")
    assert author.startswith("key:")


async def test_a_used_key_with_another_body_is_refused(world: World) -> None:
    body = json.dumps({"msd_hex": car().hex()}).encode()
    assert (await post(world, body, key="1")).status == 201
    other = json.dumps({"msd_hex": car(2).hex()}).encode()
    answer = await post(world, other, key="1")
    assert (answer.status, answer.json()["code"]) == (409, "key_reused")
    assert (await post(world, body, key="1")).status == 200
    assert (await post(world, other)).status == 201


async def test_a_car_is_taken_in_xml(world: World) -> None:
    body = f"<eCall><msdHex>{car().hex()}</msdHex></eCall>".encode()
    assert (await post(world, body, "application/xml")).status == 201
    assert (await post(world, body, "text/xml; charset=utf-8")).status == 200


@pytest.mark.parametrize(
    ("body", "media_type", "status", "code"),
    [
        (b"{}", JSON, 422, "invalid_ecall"),
        (b'{"msd_hex": "00"}', JSON, 422, "invalid_ecall"),
        (b'{"msd_hex": 1}', JSON, 400, "bad_request"),
        (b'{"colour": 1}', JSON, 400, "bad_request"),
        (b"<a/>", "text/xml", 422, "invalid_ecall"),
        (b"<a", "text/xml", 422, "invalid_ecall"),
        (b"x", "text/plain", 415, "unsupported_media_type"),
    ],
)
async def test_what_is_no_car_is_refused(
    world: World, body: bytes, media_type: str, status: int, code: str
) -> None:
    answer = await post(world, body, media_type)
    assert (answer.status, answer.json()["code"]) == (status, code)
    if status == 422:
        assert set(answer.json()) >= {"path", "reason"}
    assert world.hand_overs.taken == []


async def test_people_hand_no_cars_over(world: World) -> None:
    answer = await (await world.person("root")).post("/api/ecalls", {"msd_hex": car().hex()})
    assert answer.status == 403
