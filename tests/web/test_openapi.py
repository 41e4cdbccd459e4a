"""Proves that the API describes itself truly: every route, in valid OpenAPI, and what is answered
conforms to it, whoever asks whatever (schemathesis, over the real composition)."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import validate
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ccserver.web.openapi import PANEL_PATH, document
from ccserver.web.shapes import OPERATIONS
from tests.databases import sqlite_template  # noqa: F401  (fixture)
from tests.web.real import Centre, centre

EXAMPLES = int(os.environ.get("CCSERVER_API_EXAMPLES", "2"))
"""Of each operation for each caller, right and wrong ones; more for a thorough run by hand."""

STREAMS = frozenset({"/api/ws", "/api/events"})
"""WebSockets: proved by tests of their own."""

UNAVAILABLE = frozenset({"no_addresses"})
"""Why a part says truly that it cannot answer: the application of these tests does not have it."""

SHOWN_MAX = 20
"""Of what is wrong; the rest is seldom news."""

CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
async def real(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Centre]:  # noqa: F811
    async with centre(tmp_path, sqlite_template) as made:
        yield made


async def test_every_route_is_described_and_nothing_else(real: Centre) -> None:
    served = {(route.method, route.path) for route in real.routes} - {("GET", PANEL_PATH)}
    assert served - OPERATIONS.keys() == set()
    assert OPERATIONS.keys() - served == set()


async def test_the_document_is_valid_and_says_something_of_everything(real: Centre) -> None:
    made = json.loads(json.dumps(document(real.routes, OPERATIONS)))
    validate(made)
    ids = [operation["operationId"] for _, _, operation in operations(made)]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations(made):
        assert len(operation["summary"].split()) >= 2, (method, path)
        assert operation["summary"][0].isupper(), (method, path)


async def test_who_is_known_may_read_it_and_nobody_else(real: Centre) -> None:
    async with aiohttp.ClientSession() as http:
        for name, headers in real.callers.items():
            async with http.get(f"{real.url}/api/openapi.json", headers=headers) as answer:
                assert answer.status == (401 if name == "nobody" else 200), name
                if answer.status == 200:
                    assert (await answer.json())["openapi"] == "3.1.0"


@pytest.mark.slow
@pytest.mark.timeout(1_800)
async def test_whoever_asks_whatever_gets_what_is_described(real: Centre) -> None:
    made = json.loads(json.dumps(document(real.routes, OPERATIONS, closed=True)))
    # The callers say who they are; schemathesis need not guess it.
    del made["components"]["securitySchemes"]
    for _, _, operation in operations(made):
        del operation["security"]
    schema = schemathesis.openapi.from_dict(made)
    wrong = await asyncio.to_thread(ask_everything, schema, real)
    assert not wrong, f"{len(wrong)} answers: " + "\n\n".join(wrong[:SHOWN_MAX])


def operations(made: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def ask_everything(schema: Any, real: Centre) -> list[str]:
    """Ask each operation, rightly and wrongly, as each caller; tells what was wrong."""
    wrong: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in STREAMS:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            ask(operation, mode, real, wrong)
    return wrong


def ask(operation: Any, mode: GenerationMode, real: Centre, wrong: list[str]) -> None:
    names = [one.name for one in operation.path_parameters]
    known = {name: real.known[name] for name in names if name in real.known}
    strategy = operation.as_strategy(generation_mode=mode, path_parameters=known or None)

    @seed(112)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def one(case: Any) -> None:
        for name, headers in real.callers.items():
            # Whoever logs out is gone, and would be nobody from then on.
            quiet = {"X-CCServer": "1"} if case.operation.path == "/api/logout" else headers
            try:
                check(case, case.call(base_url=real.url, headers=dict(quiet)))
            except AssertionError as error:
                wrong.append(f"{name}: {error}\n{case.as_curl_command()}")

    # What has no parameters and no body cannot be asked wrongly.
    with contextlib.suppress(Unsatisfiable):
        one()


def check(case: Any, response: Any) -> None:
    """What must hold of every answer; raises `AssertionError`."""
    if response.status_code >= 500:
        told = response.json()
        assert told.get("code") in UNAVAILABLE or "parts" in told, told
    try:
        case.validate_response(response, checks=CHECKS)
    except FailureGroup as failures:
        raise AssertionError("; ".join(str(one) for one in failures.exceptions)) from failures
