"""Proves who reads the data of calls, asks cars and lets them go, and what the answers are."""

import pytest

from ccserver.sipedge.client import EdgeUnreachable
from ccserver.web.emergency_data import CannotAsk
from ccserver.web.ports import ControlRefused
from tests.web.fakes import CONTACT, SEAT_A
from tests.web.world import World

PATH = f"/api/contacts/{CONTACT}"


async def test_the_data_of_a_contact_are_read_as_its_card_is(world: World) -> None:
    answer = await (await world.person("anna")).get(f"{PATH}/emergency-data")
    assert answer.status == 200
    assert answer.json()["items"] == []
    outside = await (await world.person("root")).get(f"{PATH}/emergency-data")
    assert (outside.status, outside.json()["code"]) == (403, "reason_needed")
    stranger = await (await world.person("fire")).get(f"{PATH}/emergency-data")
    assert stranger.status == 404


async def test_a_contact_that_does_not_exist_has_no_data(world: World) -> None:
    answer = await (await world.person("anna")).get("/api/contacts/none/emergency-data")
    assert answer.status == 404


async def test_a_car_is_asked(world: World) -> None:
    answer = await (await world.person("anna")).post(f"{PATH}/msd-requests", {})
    assert answer.status == 202
    assert answer.json() == {"state": "asked", "at": "2026-03-01T12:00:00.000Z"}
    assert world.emergency_data.done == [("request", CONTACT, SEAT_A)]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(CannotAsk(), 409, "cannot_ask"), (EdgeUnreachable(), 503, "edge_unreachable")],
)
async def test_a_car_that_cannot_be_asked(
    world: World, error: Exception, status: int, code: str
) -> None:
    world.emergency_data.fails = error
    answer = await (await world.person("anna")).post(f"{PATH}/msd-requests", {})
    assert (answer.status, answer.json()["code"]) == (status, code)


async def test_a_car_is_let_go_and_who_did_it_is_known(world: World) -> None:
    answer = await (await world.person("anna")).post(f"{PATH}/clear-down", {})
    assert (answer.status, answer.body) == (204, b"")
    await (await world.person("chief")).post(f"{PATH}/clear-down", {})
    assert world.emergency_data.done == [
        ("clear_down", CONTACT, SEAT_A, False, "anna"),
        ("clear_down", CONTACT, None, True, "chief"),
    ]


async def test_who_has_not_the_call_does_not_end_it(world: World) -> None:
    world.emergency_data.fails = ControlRefused("not_your_contact", "This is not yours.")
    answer = await (await world.person("boris")).post(f"{PATH}/clear-down", {})
    assert (answer.status, answer.json()["code"]) == (409, "not_your_contact")
