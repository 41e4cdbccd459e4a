"""Proves the messaging document's API: snippets for everybody, edited by supervisors."""

from ccserver.db import DatabaseUnavailable
from ccserver.documents import to_builtins
from ccserver.messaging.default import default_messaging
from tests.web.world import Answer, World


async def save(world: World, document: object, base: int = 0) -> Answer:
    chief = await world.person("chief")
    return await chief.put("/api/messaging", {"document": document}, {"If-Match": f'"{base}"'})


async def test_snippets_are_everybodys_also_without_the_database(world: World) -> None:
    world.messaging.fails = DatabaseUnavailable("away")
    answer = await (await world.person("anna")).get("/api/messaging")
    assert (answer.status, answer.headers["ETag"]) == (200, '"0"')
    told = answer.json()
    assert tuple(told["snippets"]) == to_builtins(default_messaging())["snippets"]
    assert told["acknowledges"] is False
    assert (told["unanswered_after_s"], told["keep_open_h"]) == (30, 4)
    assert "templates" not in told
    assert (await world.nobody().get("/api/messaging")).status == 401


async def test_a_save_is_kept_and_told_to_the_centre(world: World) -> None:
    document = to_builtins(default_messaging())
    answer = await save(world, document)
    assert (answer.status, answer.json()) == (200, {"version": 1})
    assert world.messaging_in_force.told == [1]
    assert (await save(world, document)).status == 412


async def test_an_acknowledgement_that_promises_help_is_refused_at_its_place(world: World) -> None:
    document = to_builtins(default_messaging())
    document["automatic_acknowledgement"] = {"active": True, "texts": {"en": "Help is coming!"}}
    answer = await save(world, document)
    assert (answer.status, world.messaging.kept) == (422, [])
    errors = [
        (one["path"], one["code"])
        for one in answer.json()["problems"]
        if one["severity"] == "error"
    ]
    assert errors == [("automatic_acknowledgement.texts.en", "promise")]


async def test_a_layout_is_tried_on_a_text_before_it_is_saved(world: World) -> None:
    chief = await world.person("chief")
    template = {
        "code": "app",
        "prefix": "APP",
        "fields": [{"name": "what", "titles": {"lv": "Kas"}}, {"name": "at", "kind": "position"}],
    }
    body = {"templates": [template], "text": "APP;fire;56.9496 24.1052;fast"}
    answer = await chief.post("/api/messaging/read", body)
    titles = {"lv": "", "ru": "", "en": ""}
    assert answer.json() == {
        "found": {
            "template": "app",
            "fields": [
                {"name": "what", "value": "fire", "titles": titles | {"lv": "Kas"}},
                {"name": "at", "value": "56.9496 24.1052", "titles": titles},
            ],
            "latitude": 56.9496,
            "longitude": 24.1052,
            "radius_m": None,
            "rest": "fast",
        }
    }
    answer = await chief.post("/api/messaging/read", body | {"text": "Palīgā"})
    assert answer.json() == {"found": None}
    for refused in (
        body | {"text": "x" * 4_001},
        body | {"templates": [template] * 21},
        body | {"templates": [template | {"fields": [{"name": "a"}] * 41}]},
        {"text": "x"},
    ):
        assert (await chief.post("/api/messaging/read", refused)).status == 400
    assert world.messaging.kept == []
