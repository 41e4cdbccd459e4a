"""Proves the endpoints of a card's fields over the real card room, on each kind of database."""

import json
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccserver.card import CardStore, ContactOpened
from ccserver.card.fields import SHAPES
from ccserver.db import Database, DatabaseUnavailable
from tests.card.test_editing import merge
from tests.web.fakes import INCIDENT
from tests.web.world import Answer, Person, World

PERSON = "person:5d0f6f4e-3b5c-4c43-9d56-0f2f8b6f1a01"
Arrived = Callable[..., ContactOpened]


async def put(person: Person, address: str, value: object, version: int = 0) -> Answer:
    return await person.put(address, {"value": value}, {"If-Match": f'"{version}"'})


async def test_a_field_is_saved_over_the_version_that_was_seen(centre: World, card: str) -> None:
    anna = await centre.person("anna")
    answer = await put(anna, f"{card}/fields/summary", "Deg šķūnis 🔥 <b>")
    assert answer.status == 200
    assert answer.json() == {"version": 1, "saved_at": "2026-03-01T08:00:00.123Z", "warnings": []}
    assert answer.headers["ETag"] == '"1"'
    assert (await put(anna, f"{card}/fields/summary", "Deg māja", 1)).json()["version"] == 2
    history = (await anna.get(f"{card}/fields/summary/history")).json()["versions"]
    assert [(one["version"], one["value"], one["author"]) for one in history] == [
        (2, "Deg māja", "anna"),
        (1, "Deg šķūnis 🔥 <b>", "anna"),
    ]


async def test_a_colleagues_value_is_not_overwritten_but_shown(centre: World, card: str) -> None:
    anna, boris = await centre.person("anna"), await centre.person("boris")
    await put(boris, f"{card}/fields/priority", 9)
    answer = await put(anna, f"{card}/fields/priority", 2)
    assert (answer.status, answer.json()["code"]) == (412, "conflict")
    assert answer.headers["ETag"] == '"1"'
    assert answer.json()["current"] == {
        "value": 9,
        "version": 1,
        "author": "boris",
        "saved_at": "2026-03-01T08:00:00.123Z",
    }
    answer = await put(anna, f"{card}/fields/type", "fire", 3)
    assert answer.json()["current"] == {
        "value": None,
        "version": 0,
        "author": None,
        "saved_at": None,
    }


async def test_what_is_wrong_is_told_with_its_place(centre: World, card: str) -> None:
    anna = await centre.person("anna")
    answer = await put(anna, f"{card}/fields/address", {"text": "x" * 201})
    assert (answer.status, answer.json()["code"]) == (422, "invalid_value")
    assert answer.json()["path"] == "address.text"
    assert answer.json()["detail"] == "address.text: at most 200 characters."
    answers = {f"q{n}": "x" * 2_000 for n in range(9)}
    answer = await put(anna, f"{card}/fields/answers", answers)
    assert (answer.status, answer.json()["code"]) == (413, "value_too_long")
    answer = await put(anna, f"{card}/fields/summary", "x" * 300_000)
    assert answer.status == 413
    vin = await put(anna, f"{card}/fields/{PERSON.replace('person', 'vehicle')}", {"vin": "IOQ"})
    assert [one["code"] for one in vin.json()["warnings"]] == ["vin_unusual"]


async def test_what_is_not_there_is_not_found(centre: World, card: str) -> None:
    anna = await centre.person("anna")
    for address in (
        f"{card}/fields/colour",
        f"{card}/fields/person:x",
        "/api/cards/unknown/fields/type",
    ):
        assert (await put(anna, address, None)).status == 404
        assert (await anna.get(f"{address}/history")).status == 404
    assert (await anna.post("/api/cards/unknown/undo", {"entry": "x"})).status == 404
    for key in ("field_saved:type:1", "x" * 129, ""):
        assert (await anna.post(f"{card}/undo", {"entry": key})).status == 404
    assert (await anna.post(f"{card}/undo", {"entry": "\0"})).status == 400


async def test_a_field_without_a_usable_version_is_refused(centre: World, card: str) -> None:
    anna = await centre.person("anna")
    assert (await anna.put(f"{card}/fields/type", {"value": None})).status == 428
    for tag in ("*", "1", '"x"', '"-1"'):
        answer = await anna.put(f"{card}/fields/type", {"value": None}, {"If-Match": tag})
        assert answer.status == 400
    for body in (
        b"{}",
        b'{"value": 1, "more": 2}',
        b"[1]",
        b'{"value": NaN}',
        b'{"value": "\xff"}',
    ):
        answer = await anna.ask(
            "PUT", f"{card}/fields/priority", raw=body, headers={"If-Match": '"0"'}
        )
        assert answer.status == 400


async def test_a_save_is_undone_once_and_not_over_a_later_one(centre: World, card: str) -> None:
    anna = await centre.person("anna")
    await put(anna, f"{card}/fields/type", "fire")
    await put(anna, f"{card}/fields/type", "flood", 1)
    answer = await anna.post(f"{card}/undo", {"entry": "field_saved:type:1"})
    assert (answer.status, answer.json()["code"]) == (409, "changed_since")
    assert (await anna.post(f"{card}/undo", {"entry": "field_saved:type:2"})).json() == {}
    history = (await anna.get(f"{card}/fields/type/history")).json()["versions"]
    assert [one["value"] for one in history] == ["fire", "flood", "fire"]


async def test_a_card_that_was_merged_away_says_where_to(
    centre: World,
    store: CardStore,
    database: Database,
    arrived: Arrived,
    card: str,
) -> None:
    other = await store.open_contact(arrived())
    await merge(database, card.rpartition("/")[2], other.incident_id)
    anna = await centre.person("anna")
    for answer in (
        await put(anna, f"{card}/fields/type", "fire"),
        await anna.post(f"{card}/undo", {"entry": "field_saved:type:1"}),
    ):
        assert (answer.status, answer.json()["code"]) == (409, "merged")
        assert answer.json()["into"] == {
            "incident_id": other.incident_id,
            "number": other.number,
        }


async def test_any_json_in_a_field_is_kept_or_refused(centre: World, card: str) -> None:
    import asyncio  # noqa: PLC0415

    anna = await centre.person("anna")
    loop = asyncio.get_running_loop()
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    members = st.sampled_from(["text", "code", "role", "number", "dead", "q1", "vin"]) | st.text()
    values = st.recursive(
        scalars, lambda inner: st.lists(inner) | st.dictionaries(members, inner), max_leaves=8
    )

    async def ask(name: str, value: object) -> None:
        address = f"{card}/fields/{name}"
        saved = (await anna.get(f"{address}/history")).json()["versions"]
        answer = await put(anna, address, value, saved[0]["version"] if saved else 0)
        assert answer.status in (200, 400, 413, 422), (name, value, answer.body)
        if answer.status == 422:
            assert answer.json()["path"].startswith(name)
        if answer.status == 200:
            kept = (await anna.get(f"{address}/history")).json()["versions"][0]
            assert kept["version"] == answer.json()["version"]
            assert json.dumps(kept["value"])

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from([*SHAPES, PERSON]), values)
    def check(name: str, value: object) -> None:
        asyncio.run_coroutine_threadsafe(ask(name, value), loop).result(60)

    await asyncio.to_thread(check)


async def test_a_database_that_is_away_is_said_so(world: World) -> None:
    anna = await world.person("anna")
    world.fields.fails = DatabaseUnavailable("away")
    card = f"/api/cards/{INCIDENT}"
    for answer in (
        await put(anna, f"{card}/fields/type", None),
        await anna.get(f"{card}/fields/type/history"),
        await anna.post(f"{card}/undo", {"entry": "field_saved:type:1"}),
    ):
        assert (answer.status, answer.json()["code"]) == (503, "database_unavailable")
