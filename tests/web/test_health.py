"""Proves liveness, readiness part by part, and who may read the metrics."""

import pytest
from aiohttp.test_utils import make_mocked_request

from ccserver.web import health
from ccserver.web.health import from_this_machine
from tests.web.fakes import RECORDING
from tests.web.world import World


async def test_alive_although_nothing_is_ready(world: World) -> None:
    world.control.parts["ari"] = False
    world.database.fails = RuntimeError("away")
    assert (await world.nobody().get("/livez")).status == 200


async def test_ready_when_every_part_is(world: World) -> None:
    answer = await world.nobody().get("/readyz")
    assert answer.status == 200
    assert answer.json() == {
        "status": "ready",
        "parts": {"ari": True, "ami": True, "database": True},
    }


async def test_one_part_that_is_not_ready_is_named(world: World) -> None:
    world.control.parts["ari"] = False
    answer = await world.nobody().get("/readyz")
    assert answer.status == 503
    assert answer.json()["parts"] == {"ari": False, "ami": True, "database": True}


async def test_a_database_that_fails_or_hangs_is_not_ready(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "DATABASE_TIMEOUT_S", 0.01)
    world.database.hangs = True
    assert (await world.nobody().get("/readyz")).json()["parts"]["database"] is False
    world.database.hangs = False
    world.database.fails = RuntimeError("password=hunter2")
    answer = await world.nobody().get("/readyz")
    assert answer.status == 503
    assert b"hunter2" not in answer.body
    assert world.metrics.registry.get_sample_value("ccserver_database_available") == 0
    world.database.fails = None
    assert (await world.nobody().get("/readyz")).status == 200
    assert world.metrics.registry.get_sample_value("ccserver_database_available") == 1


async def test_a_runtime_that_cannot_say_is_not_ready(world: World) -> None:
    world.control.fails = RuntimeError("broken")
    answer = await world.nobody().get("/readyz")
    assert answer.status == 503
    assert answer.json()["parts"] == {"control": False, "database": True}


async def test_metrics_count_requests_by_route_and_never_by_path(world: World) -> None:
    anna = await world.person("anna")
    await anna.get(f"/api/recordings/{RECORDING}/audio")
    await anna.get("/api/recordings/unknown/audio")
    await anna.get("/some/%7Bfile%7D/of/nobody")
    await anna.ask("PROPFIND", "/livez")
    answer = await world.nobody().get("/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    sample = world.metrics.registry.get_sample_value
    route = "/api/recordings/{recording_id}/audio"
    for status in ("200", "404"):
        labels = {"method": "GET", "route": route, "status": status}
        assert sample("ccserver_http_requests_total", labels) == 1
    assert sample("ccserver_http_request_seconds_count", {"route": route}) == 2
    labels = {"method": "other", "route": "unmatched", "status": "405"}
    assert sample("ccserver_http_requests_total", labels) == 1
    assert RECORDING.encode() not in answer.body
    assert b"nobody" not in answer.body


@pytest.mark.parametrize(
    ("headers", "remote", "local"),
    [
        ({}, "127.0.0.1", True),
        ({}, "::1", True),
        ({}, "192.0.2.7", False),
        ({}, "", False),
        # A proxy on this machine asks for somebody else.
        ({"X-Forwarded-For": "127.0.0.1"}, "127.0.0.1", False),
        ({"Forwarded": "for=192.0.2.7"}, "127.0.0.1", False),
        ({"Via": "1.1 proxy"}, "127.0.0.1", False),
    ],
    ids=str,
)
def test_who_asks_from_this_machine(headers: dict[str, str], remote: str, local: bool) -> None:
    request = make_mocked_request("GET", "/metrics", headers=headers).clone(remote=remote)
    assert from_this_machine(request) is local


@pytest.mark.parametrize(
    ("login", "status"), [(None, 401), ("anna", 403), ("chief", 403), ("root", 200)]
)
async def test_from_elsewhere_metrics_are_for_admins(
    world: World, login: str | None, status: int
) -> None:
    person = world.nobody() if login is None else await world.person(login)
    answer = await person.get("/metrics", {"X-Forwarded-For": "192.0.2.7"})
    assert answer.status == status
    assert (b"ccserver_" in answer.body) is (status == 200)
