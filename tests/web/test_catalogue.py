"""Proves the catalogue's API: in force for everybody, edited by supervisors, guidance by it."""

import json
from pathlib import Path
from typing import Any

import pytest

from ccserver.catalogue import Prepared, default_catalogue
from ccserver.catalogue.document import DOCUMENT_BYTES_MAX
from ccserver.db import DatabaseUnavailable
from ccserver.documents import COMMENT_CHARS_MAX
from tests.catalogue.examples import SAMPLE, plain
from tests.web.world import Answer, World


async def save(world: World, document: object, base: int = 0, **more: object) -> Answer:
    chief = await world.person("chief")
    body = {"document": document, **more}
    return await chief.put("/api/catalogue", body, {"If-Match": f'"{base}"'})


async def guide(world: World, **body: object) -> Any:
    answer = await (await world.person("anna")).post("/api/catalogue/guide", body)
    assert answer.status == 200, answer.body
    return answer.json()


async def test_what_is_in_force_is_everybodys_also_without_the_database(world: World) -> None:
    world.catalogue.fails = DatabaseUnavailable("away")
    answer = await (await world.person("anna")).get("/api/catalogue")
    assert (answer.status, answer.headers["ETag"]) == (200, '"0"')
    assert answer.json() == {"version": 0, "catalogue": plain(default_catalogue())}
    assert (await world.nobody().get("/api/catalogue")).status == 401


async def test_a_save_is_kept_and_told_to_the_centre(world: World) -> None:
    answer = await save(world, plain(), comment="Real areas")
    assert (answer.status, answer.json()) == (200, {"version": 1})
    assert world.catalogue_in_force.told == [1]
    shown = (await (await world.person("root")).get("/api/catalogue/current")).json()
    assert (shown["version"], shown["author"], shown["comment"]) == (1, "chief", "Real areas")
    assert shown["document"] == plain()
    assert (await save(world, plain())).status == 412
    assert (await save(world, plain(), base=1, comment="x" * (COMMENT_CHARS_MAX + 1))).status == 400


async def test_a_catalogue_with_errors_is_refused_with_each_place(world: World) -> None:
    document = plain()
    document["types"][0]["parent"] = "gone"
    answer = await save(world, document)
    assert (answer.status, world.catalogue.kept) == (422, [])
    assert [problem["path"] for problem in answer.json()["problems"]] == ["types[0].parent"]


async def test_yaml_goes_out_and_comes_back(world: World) -> None:
    await save(world, plain())
    chief = await world.person("chief")
    file = await chief.get("/api/catalogue.yaml")
    assert file.headers["Content-Disposition"] == 'attachment; filename="catalogue-1.yaml"'
    assert b"[24.0, 56.0]" in file.body, "the corners of an area stand on one line"
    answer = await chief.ask(
        "POST", "/api/catalogue/import", raw=file.body, headers={"If-Match": '"1"'}
    )
    assert answer.json() == {"version": 2}
    assert world.catalogue.kept[1] is not None
    assert world.catalogue.kept[1].document == SAMPLE


async def test_a_catalogue_may_be_larger_than_other_bodies_but_not_endless(world: World) -> None:
    document = plain()
    ring = [[24 + n / 20_000, 56.0] for n in range(19_000)]
    document["areas"][0]["polygons"] = [[[[24.0, 55.0], *ring, [25.0, 55.0], [24.0, 55.0]]]]
    assert len(json.dumps(document)) > 300_000
    assert (await save(world, document)).json() == {"version": 1}
    chief = await world.person("chief")
    answer = await chief.ask(
        "PUT",
        "/api/catalogue",
        raw=b" " * (DOCUMENT_BYTES_MAX + 64 * 1024),
        headers={"If-Match": '"1"'},
    )
    assert answer.status == 413


async def test_guidance_says_what_to_ask_and_whom_to_send(world: World) -> None:
    world.catalogue_in_force.prepared = Prepared.whole(SAMPLE)
    told = await guide(world, type="crash", answers={"injured": "yes", "breathing": None})
    for question in told["questions"]:
        asked = {one["code"]: one for one in plain()["questions"]}[question["code"]]
        assert (question.pop("titles"), question.pop("help")) == (asked["titles"], asked["help"])
        assert question.pop("kind") == asked["kind"]
        offered = [(one["code"], one["titles"]) for one in asked["answers"]]
        assert [(one["code"], one["titles"]) for one in question.pop("answers")] == offered
    assert told == {
        "version": 0,
        "type": "crash.injured",
        "priority": 8,
        "hazards": [],
        "questions": [
            {"code": "injured", "answered": True, "required": True, "after": None},
            {"code": "fire", "answered": False, "required": False, "after": None},
            {"code": "breathing", "answered": False, "required": True, "after": None},
        ],
        "services": [
            {
                "service": code,
                "why": "type",
                "named_by": "crash.injured",
                "area": None,
                "unknown_area": False,
            }
            for code in ("ambulance", "police")
        ],
    }


async def test_guidance_knows_the_place(world: World) -> None:
    world.catalogue_in_force.prepared = Prepared.whole(SAMPLE)
    told = await guide(world, type="noise", lat=56.5, lon=24.5)
    (service,) = told["services"]
    assert (service["service"], service["area"]) == ("town_west", "west")
    told = await guide(world, type="noise")
    assert [one["unknown_area"] for one in told["services"]] == [True, True]


@pytest.mark.parametrize(
    "body",
    [
        {"type": 3},
        {"answers": []},
        {"lat": 56.5},
        {"lat": 91, "lon": 24},
        {"lat": 56, "lon": "24"},
        {"kind": "crash"},
        [],
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(world: World, body: object) -> None:
    answer = await (await world.person("anna")).post("/api/catalogue/guide", body)
    assert answer.status == 400


async def test_the_history_says_what_changed(world: World, tmp_path: Path) -> None:
    await save(world, plain())
    document = plain()
    document["types"][0]["priority"] = 6
    await save(world, document, base=1)
    shown = (await (await world.person("chief")).get("/api/catalogue/versions/2")).json()
    assert shown["changes"] == [{"path": "types[crash].priority", "before": 5, "after": 6}]
