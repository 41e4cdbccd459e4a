"""Proves the routing's API: roles, nobody's edit overwritten, every refusal with its place."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.db import DatabaseUnavailable
from ccserver.routing import DEFAULT_DOCUMENT, Document
from ccserver.routing.document import DOCUMENT_BYTES_MAX, ROUTING
from ccserver.web.documents import BODY_MORE_BYTES_MAX
from tests.routing.examples import ANY_JSON, SAMPLE, SAMPLE_PATH, plain
from tests.web.rooms import FakeRouting
from tests.web.world import Answer, Person, World


@dataclass
class Desk:
    """The world with the routing's API."""

    world: World
    routing: FakeRouting
    in_use: Document = SAMPLE
    saved: list[int] = field(default_factory=list)

    async def save(
        self, document: object, base: int = 0, login: str = "chief", **more: object
    ) -> Answer:
        person = await self.world.person(login)
        body = {"document": document, **more}
        return await person.put("/api/routing", body, {"If-Match": f'"{base}"'})

    async def post(
        self, path: str, base: int = 0, *, raw: bytes | None = None, body: object = None
    ) -> Answer:
        chief = await self.world.person("chief")
        return await chief.ask("POST", path, raw=raw, body=body, headers={"If-Match": f'"{base}"'})


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    world = World(tmp_path)
    desk = Desk(world, world.routing)
    world.plan_in_use = lambda: desk.in_use
    world.plan_saved = lambda: desk.saved.append(len(desk.routing.kept))
    async with world:
        yield desk


REQUESTS = [
    ("GET", "/api/routing"),
    ("PUT", "/api/routing"),
    ("POST", "/api/routing/check"),
    ("GET", "/api/routing/versions"),
    ("GET", "/api/routing/versions/1"),
    ("POST", "/api/routing/versions/1/restore"),
    ("GET", "/api/routing.yaml"),
    ("POST", "/api/routing/import"),
]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_only_supervisors_and_admins_see_and_change_the_routing(
    desk: Desk, method: str, path: str
) -> None:
    headers = {"If-Match": '"0"'}
    for login, status in ((None, 401), ("anna", 403)):
        person = await desk.world.person(login) if login else desk.world.nobody()
        assert (await person.ask(method, path, headers=headers)).status == status
    for login in ("chief", "root"):
        person = await desk.world.person(login)
        assert (await person.ask(method, path, headers=headers)).status not in (401, 403)
    assert desk.routing.kept == []


async def test_before_the_first_save_the_default_is_shown(desk: Desk) -> None:
    answer = await (await desk.world.person("chief")).get("/api/routing")
    assert (answer.status, answer.headers["ETag"]) == (200, '"0"')
    shown = answer.json()
    document = shown.pop("document")
    assert shown == {
        "version": 0,
        "newest": 0,
        "saved_at": None,
        "author": "ccserver",
        "comment": "",
        "known_agents": [{"agent_id": "agent-101", "name": "Anna Ozola"}],
    }
    assert document == plain(DEFAULT_DOCUMENT)


async def test_a_save_is_shown_with_its_author_and_told_to_the_centre(desk: Desk) -> None:
    answer = await desk.save(plain(), comment=" Two sites ")
    assert (answer.status, answer.json(), answer.headers["ETag"]) == (200, {"version": 1}, '"1"')
    assert desk.saved == [1]
    shown = (await (await desk.world.person("root")).get("/api/routing")).json()
    assert shown["document"] == plain()
    assert (shown["version"], shown["author"], shown["comment"]) == (1, "chief", "Two sites")
    assert shown["saved_at"] == "2026-03-01T08:00:00.123Z"


async def test_what_is_shown_can_be_sent_back_unchanged(desk: Desk) -> None:
    shown = (await (await desk.world.person("chief")).get("/api/routing")).json()
    assert (await desk.save(shown["document"])).status == 200
    assert desk.routing.kept[0] is not None
    assert desk.routing.kept[0].document == DEFAULT_DOCUMENT


async def test_a_colleagues_save_is_not_overwritten_but_shown(desk: Desk) -> None:
    await desk.save(plain())
    answer = await desk.save(plain(DEFAULT_DOCUMENT), login="root")
    assert (answer.status, answer.json()["code"]) == (412, "conflict")
    assert answer.headers["ETag"] == '"1"'
    assert answer.json()["current"]["author"] == "chief"
    assert answer.json()["current"]["document"] == plain()
    assert desk.saved == [1]


async def test_a_document_with_errors_is_refused_with_each_place(desk: Desk) -> None:
    document = plain()
    document["entries"][0]["queue"] = "gone"
    document["agents"].append({"agent_id": "agent-999"})
    answer = await desk.save(document)
    assert (answer.status, answer.json()["code"]) == (422, "invalid_plan")
    assert answer.json()["problems"] == [
        {
            "path": "entries[0].queue",
            "code": "unknown_queue",
            "text": "Choose one of the queues listed under queues, or add “gone” there.",
            "severity": "error",
            "params": {"name": "gone"},
        },
        {
            "path": "agents[2].agent_id",
            "code": "unknown_agent",
            "text": "Remove agent-999, or make this seat: nobody has it, so the line has no "
            "effect.",
            "severity": "warning",
            "params": {"name": "agent-999"},
        },
    ]
    assert desk.routing.kept == []
    checked = await desk.post("/api/routing/check", body={"document": document})
    assert (checked.status, checked.json()["problems"]) == (200, answer.json()["problems"])


async def test_a_key_from_before_that_has_no_effect_is_told_and_left_out(desk: Desk) -> None:
    document = plain()
    document["queues"][1]["recorded"] = False
    checked = (await desk.post("/api/routing/check", body={"document": document})).json()
    (problem,) = checked["problems"]
    assert (problem["code"], problem["severity"]) == ("recorded_always", "warning")
    assert problem["path"] == "queues[1].recorded"
    assert checked["document"] == plain()
    assert (await desk.save(document)).status == 200


async def test_a_document_of_the_wrong_shape_names_the_path(desk: Desk) -> None:
    document = plain()
    document["queues"][2]["alarm_after_s"] = "soon"
    for answer in (
        await desk.save(document),
        await desk.post("/api/routing/check", body={"document": document}),
    ):
        (problem,) = answer.json()["problems"]
        assert (problem["code"], problem["path"]) == ("shape", "queues[2].alarm_after_s")
    others: list[object] = [[], None, 5, {"que": []}]
    for other in others:
        answer = await desk.save(other)
        assert (answer.status, answer.json()["problems"][0]["code"]) == (422, "shape")


async def test_the_history_says_who_changed_what(desk: Desk) -> None:
    document = plain()
    await desk.save(document, comment="first")
    document["queues"][0]["alarm_after_s"] = 10
    await desk.save(document, base=1, login="root")
    chief = await desk.world.person("chief")
    listed = (await chief.get("/api/routing/versions")).json()
    assert listed["next"] is None
    assert [(head["version"], head["author"]) for head in listed["versions"]] == [
        (2, "root"),
        (1, "chief"),
    ]
    shown = (await chief.get("/api/routing/versions/2")).json()
    assert shown["document"]["queues"][0]["alarm_after_s"] == 10
    assert shown["changes"] == [
        {"path": "queues[emergency].alarm_after_s", "before": 20.0, "after": 10.0}
    ]
    assert (await chief.get("/api/routing/versions/0")).json()["changes"] is None


async def test_the_history_is_read_page_by_page(desk: Desk) -> None:
    for base in range(5):
        await desk.save(plain(), base=base)
    chief, pages, before = await desk.world.person("chief"), [], ""
    while True:
        page = (await chief.get(f"/api/routing/versions?limit=2&before={before}")).json()
        pages.append([head["version"] for head in page["versions"]])
        if page["next"] is None:
            break
        before = page["next"]
    assert pages == [[5, 4], [3, 2], [1]]
    for query in ("limit=0", "limit=101", "limit=x", "before=-1", "before=" + "9" * 50):
        assert (await chief.get(f"/api/routing/versions?{query}")).status == 400


async def test_an_old_version_is_restored_as_a_new_one(desk: Desk) -> None:
    await desk.save(plain())
    await desk.save(plain(DEFAULT_DOCUMENT), base=1)
    answer = await desk.post("/api/routing/versions/1/restore", 2)
    assert (answer.status, answer.json()) == (200, {"version": 3})
    restored = desk.routing.kept[2]
    assert restored is not None
    assert (restored.document, restored.comment) == (SAMPLE, "Version 1 restored")
    assert (await desk.post("/api/routing/versions/1/restore", 2)).status == 412
    answer = await desk.post("/api/routing/versions/0/restore", 3, body={"comment": "anew"})
    assert answer.json() == {"version": 4}
    for path in ("9", "x", "-1", "99999999999"):
        assert (await desk.post(f"/api/routing/versions/{path}/restore", 4)).status == 404


async def test_a_version_that_cannot_be_read_is_said_so_and_mended_by_a_save(desk: Desk) -> None:
    await desk.save(plain())
    desk.routing.kept.append(None)
    chief = await desk.world.person("chief")
    answer = await chief.get("/api/routing/versions/2")
    assert (answer.status, answer.json()["code"]) == (409, "version_unusable")
    answer = await chief.get("/api/routing")
    assert (answer.json()["version"], answer.json()["newest"]) == (1, 2)
    assert answer.headers["ETag"] == '"2"'
    assert (await desk.save(plain(), base=2)).json() == {"version": 3}
    assert (await chief.get("/api/routing/versions/3")).json()["changes"] is None


async def test_yaml_goes_out_and_comes_back(desk: Desk) -> None:
    answer = await desk.post("/api/routing/import?comment=by%20file", raw=SAMPLE_PATH.read_bytes())
    assert (answer.status, answer.json()) == (200, {"version": 1})
    chief = await desk.world.person("chief")
    file = await chief.get("/api/routing.yaml")
    assert file.status == 200
    assert file.headers["Content-Disposition"] == 'attachment; filename="routing-1.yaml"'
    assert file.body.startswith(b"# Routing of ccserver: version 1, 2026-03-01 08:00:00Z, by chief")
    assert ROUTING.from_yaml(file.body) == SAMPLE
    assert (await desk.post("/api/routing/import", 1, raw=file.body)).json() == {"version": 2}


async def test_a_broken_yaml_file_gives_line_and_column(desk: Desk) -> None:
    answer = await desk.post("/api/routing/import", raw=b"queues:\n  - {name: a\n")
    assert (answer.status, answer.json()["code"]) == (400, "bad_yaml")
    assert (answer.json()["line"], answer.json()["column"]) == (3, 1)
    assert answer.json()["detail"].startswith("Line 3, column 1: ")
    answer = await desk.post("/api/routing/import", raw=b"queues: [{nam: a}]")
    assert (answer.status, answer.json()["problems"][0]["path"]) == (422, "queues[0]")
    assert desk.saved == []


@pytest.mark.parametrize("header", [None, "*", "1", '"x"', '"-1"', '"1", "2"', '""', '"٣"'])
async def test_a_change_without_a_usable_version_is_refused(desk: Desk, header: str | None) -> None:
    chief = await desk.world.person("chief")
    headers = {} if header is None else {"If-Match": header}
    for method, path in REQUESTS:
        if method == "GET" or path.endswith("check"):
            continue
        body = {"document": plain()}
        try:
            answer = await chief.ask(method, path, body=body, headers=headers)
        except UnicodeEncodeError:
            continue  # the client library itself refused to send it
        assert answer.status == (428 if header is None else 400)
    assert desk.routing.kept == []


async def test_bodies_are_bounded_and_must_be_json(desk: Desk) -> None:
    chief = await desk.world.person("chief")
    headers = {"If-Match": '"0"'}
    for method, path in (("PUT", "/api/routing"), ("POST", "/api/routing/import")):
        answer = await chief.ask(
            method, path, raw=b" " * (DOCUMENT_BYTES_MAX + BODY_MORE_BYTES_MAX + 1), headers=headers
        )
        assert (answer.status, answer.json()["code"]) == (413, "too_large")
    for raw in (b"", b"{", b"\xff", b"[" * 200_000, b'{"document": {}, "x": 1}', b"[]"):
        answer = await chief.ask("PUT", "/api/routing", raw=raw, headers=headers)
        assert (answer.status, answer.json()["code"]) == (400, "bad_request")
    for comment in ("x" * 501, "a\0b"):
        answer = await desk.save(plain(), comment=comment)
        assert answer.status == 400
    gzip = {**headers, "Content-Encoding": "gzip"}
    answer = await chief.ask("PUT", "/api/routing", raw=b"x", headers=gzip)
    assert answer.status in (400, 415)


async def test_a_document_larger_than_other_bodies_is_taken(desk: Desk) -> None:
    document = plain(DEFAULT_DOCUMENT)
    skills = [{"skill": "language:lv", "level": 10}]
    document["agents"] = [{"agent_id": f"agent-{n}", "skills": skills} for n in range(5_000)]
    assert len(json.dumps(document)) > 256 * 1024
    assert (await desk.save(document)).json() == {"version": 1}
    assert (await (await desk.world.person("chief")).get("/api/routing")).json()["version"] == 1


async def test_the_directory_is_everybodys_also_without_the_database(desk: Desk) -> None:
    desk.routing.fails = DatabaseUnavailable("away")
    answer = await (await desk.world.person("anna")).get("/api/directory")
    assert answer.status == 200
    assert answer.json()["entries"][0] == {
        "name": "nmpd",
        "title": {"lv": "NMPD", "ru": "НМПД", "en": "Ambulance"},
        "number": "113",
        "kind": "service",
    }
    assert [queue["name"] for queue in answer.json()["queues"]] == [
        "emergency",
        "ecall",
        "information",
        "callback",
        "ecall_test",
    ]
    assert (await desk.world.nobody().get("/api/directory")).status == 401


async def test_a_database_that_is_away_is_said_so(desk: Desk) -> None:
    desk.routing.fails = DatabaseUnavailable("away")
    answer = await (await desk.world.person("chief")).get("/api/routing")
    assert (answer.status, answer.json()["code"]) == (503, "database_unavailable")
    assert (await desk.save(plain())).status == 503


async def test_no_body_is_a_500(desk: Desk) -> None:
    chief = await desk.world.person("chief")
    loop = asyncio.get_running_loop()
    texts = st.text("{}[],:&*!|>-?'\"# \n\tab1", max_size=100).map(str.encode)
    bodies = st.binary(max_size=100) | texts | ANY_JSON.map(lambda v: json.dumps(v).encode())
    shaped = ANY_JSON.map(lambda value: json.dumps({"document": value}).encode())
    targets = st.sampled_from([request for request in REQUESTS if request[0] != "GET"])

    @settings(max_examples=100, deadline=None)
    @given(target=targets, body=bodies | shaped)
    def one(target: tuple[str, str], body: bytes) -> None:
        answer = asyncio.run_coroutine_threadsafe(_ask(chief, *target, body), loop).result(60)
        assert answer.status in (200, 400, 404, 412, 422), (target, body, answer.body)
        told: dict[str, Any] = answer.json()
        assert "problems" in told or "version" in told or told["detail"].endswith(".")

    await asyncio.to_thread(one)


async def _ask(person: Person, method: str, path: str, body: bytes) -> Answer:
    return await person.ask(method, path, raw=body, headers={"If-Match": '"0"'})
