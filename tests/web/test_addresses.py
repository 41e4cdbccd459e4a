"""Addresses over HTTP: who may ask, what is asked on, and what is said when there is no index."""

import pytest

from ccserver.addresses import AddressesUnavailable, SearchesTooMany, SearchTimedOut
from ccserver.location import Position
from tests.web.rooms import ADDRESS
from tests.web.world import World

AS_JSON = {
    "code": "101010101",
    "text": "Brīvības iela 15, Rīga, LV-1010",
    "postcode": "LV-1010",
    "lat": 56.95,
    "lon": 24.11,
    "x": 311_900.0,
    "y": 506_700.0,
    "kind": "building",
    "old": False,
    "former_text": None,
    "distance_m": None,
}


async def test_a_search_is_answered_with_addresses(world: World) -> None:
    answer = await (await world.person("anna")).get("/api/addresses?q=br%C4%ABv%2015&limit=5")
    assert answer.status == 200
    assert answer.json() == {"addresses": [AS_JSON]}
    assert world.addresses.asked == [("search", "brīv 15", 5, None)]


async def test_a_point_may_be_given(world: World) -> None:
    await (await world.person("anna")).get("/api/addresses?q=br&near=56.95,24.1")
    assert world.addresses.asked == [("search", "br", 10, Position(56.95, 24.1))]


async def test_what_is_near_a_point(world: World) -> None:
    anna = await world.person("anna")
    answer = await anna.get("/api/addresses/near?lat=56.95&lon=24.1")
    assert answer.json() == {"addresses": [AS_JSON], "place": None}
    world.addresses.place = ADDRESS
    answer = await anna.get("/api/addresses/near?lat=-1&lon=180&limit=1")
    assert answer.json()["place"] == AS_JSON
    assert world.addresses.asked == [
        ("near", Position(56.95, 24.1), 5),
        ("near", Position(-1.0, 180.0), 1),
    ]


async def test_one_address_by_its_code(world: World) -> None:
    anna = await world.person("anna")
    assert (await anna.get("/api/addresses/101010101")).json() == AS_JSON
    for code in ("101010102", "1", "1010101019", "abcdefghi", "%D9%A1%D9%A2"):
        assert (await anna.get(f"/api/addresses/{code}")).status == 404


@pytest.mark.parametrize(
    "query",
    [
        "?q=" + "x" * 201,
        "?q=%00",
        "?q=br&limit=0",
        "?q=br&limit=51",
        "?q=br&limit=x",
        "?q=br&near=56.95",
        "?q=br&near=91,24",
        "?q=br&near=nan,24",
        "/near?lat=56.95",
        "/near?lat=56.95&lon=181",
        "/near?lat=1e1&lon=1",
    ],
)
async def test_a_question_that_cannot_be_one_is_refused(world: World, query: str) -> None:
    answer = await (await world.person("anna")).get(f"/api/addresses{query}")
    assert (answer.status, answer.json()["code"]) == (400, "bad_request")
    assert world.addresses.asked == []


@pytest.mark.parametrize("path", ["?q=br", "/near?lat=56.9&lon=24.1", "/101010101"])
async def test_nobody_asks_without_a_login(world: World, path: str) -> None:
    assert (await world.nobody().get(f"/api/addresses{path}")).status == 401


@pytest.mark.parametrize("path", ["?q=br", "/near?lat=56.9&lon=24.1", "/101010101"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (AddressesUnavailable("no index"), "no_addresses"),
        (SearchTimedOut("1 s"), "addresses_busy"),
        (SearchesTooMany(), "addresses_busy"),
    ],
)
async def test_without_an_index_the_client_is_told(
    world: World, path: str, fault: Exception, code: str
) -> None:
    world.addresses.fails = fault
    answer = await (await world.person("anna")).get(f"/api/addresses{path}")
    assert (answer.status, answer.json()["code"]) == (503, code)
