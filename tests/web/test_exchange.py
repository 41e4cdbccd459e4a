"""Proves the addresses of EIDO and CAP: media types, statuses, and what is refused."""

import pytest

from ccserver.db import DatabaseUnavailable
from ccserver.web.exchange import CAP_TYPE, EIDO_TYPE
from tests.web.fakes import INCIDENT
from tests.web.world import Answer, World

CARD = f"/api/cards/{INCIDENT}"


async def post(world: World, body: bytes, media_type: str = EIDO_TYPE) -> Answer:
    anna = await world.person("anna")
    headers = {"Content-Type": media_type}
    return await anna.ask("POST", "/api/incidents", raw=body, headers=headers)


async def test_a_card_as_eido(world: World) -> None:
    answer = await (await world.person("anna")).get(f"{CARD}/eido")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == EIDO_TYPE
    assert answer.headers["Content-Disposition"] == 'attachment; filename="2026-000001.eido.json"'
    assert answer.json() == {"$id": "urn:x"}


async def test_a_card_as_cap(world: World) -> None:
    anna = await world.person("anna")
    answer = await anna.get(f"{CARD}/cap")
    assert answer.headers["Content-Type"] == CAP_TYPE
    assert answer.body.startswith(b"<alert>restricted actual 2026-03-01T")
    answer = await anna.get(f"{CARD}/cap?scope=public&status=exercise")
    assert answer.body.startswith(b"<alert>public exercise")


@pytest.mark.parametrize("query", ["scope=private", "scope=", "status=draft", "scope=Public"])
async def test_only_what_is_offered_can_be_asked_for(world: World, query: str) -> None:
    answer = await (await world.person("anna")).get(f"{CARD}/cap?{query}")
    assert answer.status == 400


@pytest.mark.parametrize("form", ["eido", "cap"])
async def test_a_card_that_does_not_exist(world: World, form: str) -> None:
    answer = await (await world.person("anna")).get(f"/api/cards/none/{form}")
    assert answer.status == 404


async def test_an_incident_is_taken_and_taken_again(world: World) -> None:
    answer = await post(world, b"{}")
    assert answer.status == 201
    assert answer.headers["Location"] == CARD
    assert answer.json() == {
        "incident_id": INCIDENT,
        "number": "2026-000001",
        "created": True,
        "not_taken": [{"field": "summary", "reason": "written_here"}],
        "oddities": [],
    }
    assert (await post(world, b"{}")).status == 200
    assert world.exchange.taken == [(b"{}", "anna")] * 2


async def test_what_is_no_eido_is_refused_with_the_place(world: World) -> None:
    answer = await post(world, b"bad")
    assert answer.status == 422
    assert answer.json()["path"] == "$.callComponent[0].direction"
    assert answer.json()["reason"] == "Invalid enum value 'x'"


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", ""])
async def test_another_media_type_is_refused(world: World, media_type: str) -> None:
    assert (await post(world, b"{}", media_type)).status == 415
    assert world.exchange.taken == []


async def test_a_body_that_is_too_large_is_refused(world: World) -> None:
    assert (await post(world, b" " * 300_000)).status == 413


async def test_a_compressed_body_is_refused(world: World) -> None:
    anna = await world.person("anna")
    headers = {"Content-Type": EIDO_TYPE, "Content-Encoding": "gzip"}
    answer = await anna.ask("POST", "/api/incidents", raw=b"x", headers=headers)
    assert answer.status == 415


async def test_without_a_database_nothing_is_said_to_be_taken(world: World) -> None:
    world.exchange.fails = DatabaseUnavailable("away")
    assert (await post(world, b"{}")).status == 503
