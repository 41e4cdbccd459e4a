"""Proves the endpoints of a card's places over the real card room, on each kind of database."""

from collections.abc import Callable

import pytest

from ccserver.card import CardStore, ContactOpened
from ccserver.db import Database, DatabaseUnavailable
from tests.card.test_editing import merge
from tests.web.fakes import INCIDENT
from tests.web.world import World

Arrived = Callable[..., ContactOpened]
CLICK = {"kind": "incident", "source": "map", "lat": 56.9496, "lon": 24.1052, "radius_m": 20}


async def test_a_click_on_the_map_is_where_the_incident_is(
    centre: World,
    store: CardStore,
    card: str,
) -> None:
    anna = await centre.person("anna")
    answer = await anna.post(f"{card}/locations", CLICK)
    assert answer.status == 201
    known = answer.json()
    assert known["shape"] == {"type": "Circle", "centre": [56.9496, 24.1052], "radius_m": 20}
    assert (known["lat"], known["lon"], known["radius_m"]) == (56.9496, 24.1052, 20)
    assert (known["kind"], known["source"], known["author"]) == ("incident", "map", "anna")
    assert known["received_at"] == "2026-03-01T08:00:00.123Z"
    (summary,) = await store.search()
    whole = await store.card(summary.incident_id)
    assert whole is not None
    assert whole.place.current is not None
    assert whole.place.current.location_id == known["location_id"]


async def test_coordinates_of_lks_92_are_the_same_place(centre: World, card: str) -> None:
    anna = await centre.person("anna")
    body = {"kind": "incident", "source": "call_taker", "x": 312_000, "y": 506_000}
    known = (await anna.post(f"{card}/locations", body)).json()
    assert known["shape"]["type"] == "Point"
    assert known["lat"] == pytest.approx(56.95, abs=0.01)
    assert known["lon"] == pytest.approx(24.10, abs=0.01)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"lat": 91}, "lat"),
        ({"lon": -180.5}, "lat"),
        ({"lat": None}, "lat"),
        ({"lat": None, "lon": None}, "lat"),
        ({"x": 312_000, "y": 506_000}, "x"),
        ({"lat": None, "lon": None, "x": 506_000, "y": 5}, "x"),
        ({"lat": None, "lon": None, "x": 5, "y": 506_000}, "x"),
        ({"radius_m": 0}, "radius_m"),
        ({"radius_m": -1}, "radius_m"),
        ({"radius_m": 1e9}, "radius_m"),
        ({"contact_id": "stranger"}, "contact_id"),
        ({"address": {"text": "x"}}, "address_version"),
        ({"address": {"text": "x" * 201}, "address_version": 0}, "address.text"),
    ],
    ids=str,
)
async def test_what_is_no_place_is_refused_with_a_sentence(
    centre: World,
    store: CardStore,
    card: str,
    change: dict[str, object],
    path: str,
) -> None:
    answer = await (await centre.person("anna")).post(f"{card}/locations", CLICK | change)
    assert (answer.status, answer.json()["code"]) == (422, "invalid_value")
    assert answer.json()["path"] == path
    assert answer.json()["detail"].endswith(".")
    (summary,) = await store.search()
    whole = await store.card(summary.incident_id)
    assert whole is not None
    assert whole.locations == ()


@pytest.mark.parametrize(
    "change",
    [{"kind": "unit"}, {"source": "aml"}, {"lat": "56"}, {"key": ""}, {"z": 1}, {"lat": True}],
    ids=str,
)
async def test_what_is_not_of_the_shape_is_not_understood(
    world: World, change: dict[str, object]
) -> None:
    anna = await world.person("anna")
    answer = await anna.post(f"/api/cards/{INCIDENT}/locations", CLICK | change)
    assert answer.status == 400
    assert not world.places.told


async def test_a_repeated_request_is_the_same_location(centre: World, card: str) -> None:
    anna = await centre.person("anna")
    body = CLICK | {"key": "click-1", "address": {"text": "Brīvības 1"}, "address_version": 0}
    first = (await anna.post(f"{card}/locations", body)).json()
    centre.clock.seconds = 5
    assert (await anna.post(f"{card}/locations", body)).json() == first
    other = body | {"key": "click-2", "address": {"text": "Brīvības 2"}}
    answer = await anna.post(f"{card}/locations", other)
    assert (answer.status, answer.json()["code"]) == (412, "conflict")
    assert answer.json()["current"]["value"]["text"] == "Brīvības 1"


async def test_a_person_says_which_location_counts(centre: World, card: str) -> None:
    anna = await centre.person("anna")
    first = (await anna.post(f"{card}/locations", CLICK)).json()["location_id"]
    centre.clock.seconds = 5
    second = (await anna.post(f"{card}/locations", CLICK | {"lat": 57})).json()["location_id"]
    for location_id, current, why in (
        (first, first, "pinned"),
        (None, second, "chosen"),
        (None, second, "chosen"),
    ):
        centre.clock.seconds += 5
        answer = await anna.put(f"{card}/location", {"location_id": location_id})
        told = answer.json()["location"]
        assert (told["current"], told["why"]) == (current, why)
    answer = await anna.put(f"{card}/location", {"location_id": "unknown"})
    assert answer.status == 404


async def test_a_card_that_is_elsewhere_or_nowhere(
    centre: World,
    store: CardStore,
    database: Database,
    arrived: Arrived,
    card: str,
) -> None:
    anna = await centre.person("anna")
    assert (await anna.post("/api/cards/unknown/locations", CLICK)).status == 404
    other = await store.open_contact(arrived())
    await merge(database, card.rpartition("/")[2], other.incident_id)
    for answer in (
        await anna.post(f"{card}/locations", CLICK),
        await anna.put(f"{card}/location", {"location_id": None}),
    ):
        assert (answer.status, answer.json()["code"]) == (409, "merged")


async def test_a_database_that_is_away_is_said_so(world: World) -> None:
    anna = await world.person("anna")
    world.places.fails = DatabaseUnavailable("away")
    for answer in (
        await anna.post(f"/api/cards/{INCIDENT}/locations", CLICK),
        await anna.put(f"/api/cards/{INCIDENT}/location", {"location_id": None}),
    ):
        assert (answer.status, answer.json()["code"]) == (503, "database_unavailable")
