"""Proves the call-back endpoints: who may, what is refused with which words, no input a 500."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.db import DatabaseUnavailable
from ccserver.web.callbacks import (
    CallbackClosed,
    CallbackMissing,
    CallbackNotDialable,
    CallbackTaken,
)
from ccserver.web.ports import ControlRefused
from tests.web.fakes import CONTACT, SEAT_A, SEAT_B
from tests.web.rooms import TASK
from tests.web.world import Answer, Person, World

CALL = f"/api/callbacks/{TASK}/call"
CLOSE = f"/api/callbacks/{TASK}/close"


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        yield world


def error_of(answer: Answer) -> tuple[int, str]:
    told = answer.json()
    assert told["detail"].endswith(".")
    return answer.status, told["code"]


async def test_everybody_sees_the_list(centre: World) -> None:
    for login in ("anna", "boris", "chief", "root", "lost"):
        answer = await (await centre.person(login)).get("/api/callbacks")
        assert answer.status == 200
        assert answer.json() == {"callbacks": [{"task_id": TASK}], "next": "next~one"}
        assert centre.callbacks.asked.pop() == ("page", False, 50, None)
    assert error_of(await centre.nobody().get("/api/callbacks")) == (401, "signed_out")


async def test_the_parameters_are_passed_on(centre: World) -> None:
    anna = await centre.person("anna")
    cursor = f"5~2026-03-01T08:00:00.123456+00:00~{TASK}"
    query = urlencode({"state": "done", "limit": 7, "before": cursor})
    assert (await anna.get(f"/api/callbacks?{query}")).status == 200
    assert centre.callbacks.asked == [("page", True, 7, cursor)]


@pytest.mark.parametrize(
    "query",
    [
        "state=calling",
        "state=",
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=",
        f"before={'x' * 129}",
        "before=%00",
        f"limit={'9' * 5_000}",
    ],
    ids=lambda query: query[:14],
)
async def test_parameters_out_of_bounds_are_refused(centre: World, query: str) -> None:
    answer = await (await centre.person("anna")).get(f"/api/callbacks?{query}")
    assert error_of(answer) == (400, "bad_request")
    assert not centre.callbacks.asked


async def test_one_click_calls_from_the_own_seat(centre: World) -> None:
    for login, seat in (("anna", SEAT_A), ("boris", SEAT_B)):
        answer = await (await centre.person(login)).post(CALL)
        assert (answer.status, answer.json()) == (200, {"contact_id": CONTACT})
        assert centre.callbacks.asked.pop() == ("call", TASK, seat)
    for login in ("chief", "root", "lost"):
        assert error_of(await (await centre.person(login)).post(CALL)) == (403, "no_seat")
    assert not centre.callbacks.asked


async def test_closing_names_the_person(centre: World) -> None:
    chief = await centre.person("chief")
    answer = await chief.post(CLOSE, {"outcome": "not_needed", "note": " Ērika: a prank "})
    assert (answer.status, answer.json()) == (
        200,
        {"callback": {"task_id": TASK, "outcome": "not_needed"}},
    )
    assert (await chief.post(CLOSE, {"outcome": "no_answer"})).status == 200
    assert centre.callbacks.asked == [
        ("close", TASK, "not_needed", "chief", "Ērika: a prank"),
        ("close", TASK, "no_answer", "chief", ""),
    ]


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"outcome": "called_again"},
        {"outcome": None},
        {"outcome": "reached", "note": None},
        {"outcome": "reached", "note": "x" * 2_001},
        {"outcome": "reached", "note": "\0"},
        {"outcome": "reached", "by": "boris"},
    ],
    ids=lambda body: str(body)[:40],
)
async def test_a_closing_that_is_none_is_refused(centre: World, body: object) -> None:
    answer = await (await centre.person("anna")).post(CLOSE, body)
    assert error_of(answer) == (400, "bad_request")
    assert not centre.callbacks.asked


@pytest.mark.parametrize(
    ("error", "status", "code", "extra"),
    [
        (
            CallbackTaken(SEAT_B, "Boris Petrovs"),
            409,
            "taken",
            {"by": {"agent_id": SEAT_B, "agent_name": "Boris Petrovs"}},
        ),
        (CallbackTaken(None, None), 409, "taken", {"by": {"agent_id": None, "agent_name": None}}),
        (
            CallbackClosed("called_again", None),
            409,
            "closed",
            {"outcome": "called_again", "closed_by": None},
        ),
        (CallbackNotDialable(), 409, "no_number", {}),
        (ControlRefused("no_trunk", "No outgoing line."), 409, "no_trunk", {}),
        (CallbackMissing(), 404, "not_found", {}),
        (DatabaseUnavailable("away"), 503, "database_unavailable", {}),
        (TimeoutError(), 503, "timed_out", {}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_a_refusal_is_told_with_its_code_and_who(
    centre: World, error: Exception, status: int, code: str, extra: dict[str, object]
) -> None:
    centre.callbacks.fails = error
    anna = await centre.person("anna")
    for answer in (await anna.post(CALL), await anna.post(CLOSE, {"outcome": "reached"})):
        assert error_of(answer) == (status, code)
        assert answer.json().items() >= extra.items()


async def test_what_does_not_exist_is_not_found(centre: World) -> None:
    anna = await centre.person("anna")
    other = "00000000-0000-4000-8000-000000000000"
    for name in (other, "nope", "..%2f..", "%00", "'; drop table", "x" * 500):
        for path, body in (("call", None), ("close", {"outcome": "reached"})):
            answer = await anna.post(f"/api/callbacks/{name}/{path}", body)
            assert error_of(answer) == (404, "not_found")
    assert not centre.callbacks.asked


async def test_no_other_site_can_call_or_close(centre: World) -> None:
    anna = await centre.person("anna")
    for path in (CALL, CLOSE):
        answer = await anna.ask(
            "POST",
            path,
            body={"outcome": "reached"},
            headers={"Origin": "https://evil.example"},
        )
        assert error_of(answer) == (403, "csrf")
    assert not centre.callbacks.asked


TEXTS = st.text(max_size=40)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
OUTCOMES = st.sampled_from(["reached", "not_needed", "no_answer", "called_again"])
BODIES = (
    st.none()
    | st.binary(max_size=200)
    | st.fixed_dictionaries(
        {"outcome": OUTCOMES | SCALARS}, optional={"note": TEXTS | SCALARS, "x": SCALARS}
    ).map(lambda value: json.dumps(value).encode())
    | st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner)
    ).map(lambda value: json.dumps(value).encode())
    | st.sampled_from(
        [
            b"[" * 100_000,
            b'{"outcome":"reached","note":"\\ud800"}',
            b"9" * 10_000,
            b"\xef\xbb\xbf{}",
        ]
    )
)
QUERIES = st.dictionaries(st.sampled_from(["state", "before", "limit", "x"]), TEXTS, max_size=3)
Request = tuple[str | None, str, str, dict[str, str], bytes | None]
REQUESTS: st.SearchStrategy[list[Request]] = st.lists(
    st.tuples(
        st.sampled_from([None, "anna", "anna", "chief", "lost"]),
        st.sampled_from(["", "call", "close", "close"]),
        st.just(TASK) | st.text(max_size=80),
        QUERIES,
        BODIES,
    ),
    min_size=1,
    max_size=5,
)


async def test_no_input_is_a_500(centre: World) -> None:
    people = {login: await centre.person(login) for login in ("anna", "chief", "lost")}
    loop = asyncio.get_running_loop()

    async def ask(person: Person, path: str, body: bytes | None) -> None:
        try:
            method = "GET" if path.startswith("/api/callbacks?") else "POST"
            answer = await person.ask(method, path, raw=body)
        except (aiohttp.ClientError, ValueError):
            return  # the client library itself refused to send it
        assert answer.status in {200, 400, 401, 403, 404, 405}, (path, body, answer.body)
        if answer.status != 200:
            error_of(answer)

    async def ask_all(batch: list[Request]) -> None:
        for login, act, task_id, query, body in batch:
            pairs = urlencode(
                {key: value.encode("utf-8", "replace") for key, value in query.items()}
            )
            part = quote(task_id.encode("utf-8", "replace"), safe="")
            path = f"/api/callbacks/{part}/{act}" if act else f"/api/callbacks?{pairs}"
            await ask(people[login] if login else centre.nobody(), path, body)

    @settings(max_examples=150, deadline=None)
    @given(batch=REQUESTS)
    def check(batch: list[Request]) -> None:
        asyncio.run_coroutine_threadsafe(ask_all(batch), loop).result(60)

    await asyncio.to_thread(check)
    assert (await people["anna"].get("/api/callbacks")).status == 200
