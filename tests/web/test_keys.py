"""Proves what a program can do with a key: what its scopes say, and not too often."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccserver.accounts import Scope
from ccserver.db import DatabaseUnavailable
from ccserver.web import key_auth
from tests.web.fakes import INCIDENT, START
from tests.web.world import Person, World

CARD = f"/api/cards/{INCIDENT}"


async def test_a_key_is_shown_once_listed_and_revoked(world: World) -> None:
    root = await world.person("root")
    made = await root.post("/api/keys", {"name": "CAD", "scopes": ["incidents.read"]})
    assert made.status == 201
    key, token = made.json()["key"], made.json()["token"]
    assert (key["name"], key["scopes"], key["created_by"]) == ("CAD", ["incidents.read"], "root")
    listed = await root.get("/api/keys")
    assert [one["key_id"] for one in listed.json()["keys"]] == [key["key_id"]]
    assert listed.json()["scopes"] == [scope.value for scope in Scope]
    assert token.encode() not in listed.body
    program = Person(world, None, key=token)
    assert (await program.get(CARD)).status == 200
    revoked = await root.ask("DELETE", f"/api/keys/{key['key_id']}")
    assert (revoked.status, revoked.json()["key"]["revoked_at"] is None) == (200, False)
    refused = await program.get(CARD)
    assert (refused.status, refused.json()["code"]) == (401, "key_refused")
    assert world.keys.revoked == ["root"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "CAD", "scopes": ["people"]},
        {"name": "CAD", "scopes": ["events"], "expires_at": "2026-01-01T00:00:00"},
        {"name": "CAD", "scopes": ["events"], "expires_at": "9999-12-31T23:59:59-14:00"},
        {"name": "\0", "scopes": ["events"]},
        {"name": "CAD"},
    ],
    ids=str,
)
async def test_a_key_that_cannot_be_made_is_refused(world: World, body: object) -> None:
    answer = await (await world.person("root")).post("/api/keys", body)
    assert (answer.status, answer.json()["code"]) == (400, "bad_request")
    empty = await (await world.person("root")).post("/api/keys", {"name": "CAD", "scopes": []})
    assert (empty.status, empty.json()["code"], empty.json()["field"]) == (
        422,
        "invalid_key",
        "scopes",
    )
    assert world.keys.kept == {}


async def test_a_program_needs_no_header_against_forgery_and_writes_as_its_key(
    world: World,
) -> None:
    program = await world.program(Scope.INCIDENTS_WRITE)
    answer = await program.put(f"{CARD}/notes", {"text": "x"}, headers={"If-Match": '"0"'})
    assert answer.status == 200
    assert world.cards.author == "key:000000000000"


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        (Scope.INCIDENTS_READ, {"GET card", "GET list"}),
        (Scope.INCIDENTS_WRITE, {"GET card", "PUT notes"}),
        (Scope.EVENTS, set()),
        (Scope.ADDRESSES_READ, set()),
    ],
)
async def test_a_scope_allows_what_it_says_and_nothing_else(
    world: World, scope: Scope, allowed: set[str]
) -> None:
    program = await world.program(scope)
    asked = {
        "GET card": ("GET", CARD, None),
        "GET list": ("GET", "/api/cards", None),
        "PUT notes": ("PUT", f"{CARD}/notes", {"text": "x"}),
        "me": ("GET", "/api/me", None),
        "people": ("GET", "/api/people", None),
        "keys": ("POST", "/api/keys", {"name": "x", "scopes": ["events"]}),
        "answer": ("POST", "/api/contacts/c1/answer", None),
        "audit": ("GET", "/api/audit", None),
    }
    passed = set()
    for name, (method, path, body) in asked.items():
        answer = await program.ask(method, path, body=body, headers={"If-Match": '"0"'})
        assert answer.status in (200, 403)
        if answer.status == 200:
            passed.add(name)
    assert passed == allowed


async def test_a_key_of_a_service_sees_what_the_service_sees(world: World) -> None:
    program = await world.program(Scope.INCIDENTS_READ, service="fire")
    assert (await program.get(CARD)).status == 404
    world.cards.more = {"services": [{"service": "fire", "state": "sent"}], "agent_name": "Anna"}
    answer = await program.get(CARD)
    assert (answer.status, answer.json()["agent_name"]) == (200, None)
    assert (await program.get("/api/cards")).status == 403


async def test_an_old_card_is_read_with_a_reason_by_a_program_too(world: World) -> None:
    world.cards.more = {"status": "closed", "ended_at": "2026-01-01T00:00:00Z"}
    program = await world.program(Scope.INCIDENTS_READ)
    assert (await program.get(CARD)).json()["code"] == "reason_needed"
    assert (await program.get(CARD, {"X-Reason": "statistics"})).status == 200
    assert [act.author for act in world.audit.acts] == ["key:000000000000"]


async def test_an_expired_key_is_refused_at_once(world: World) -> None:
    program = await world.program(Scope.INCIDENTS_READ)
    ((token, key),) = world.keys.kept.items()
    object.__setattr__(key, "expires_at", START + timedelta(seconds=1))
    assert (await program.get(CARD)).status == 200
    world.clock.seconds += 1
    assert (await program.get(CARD)).status == 401
    assert token not in str((await program.get(CARD)).body)


async def test_a_burst_is_one_look_up_and_too_many_are_told_to_wait(world: World) -> None:
    program = await world.program(Scope.INCIDENTS_READ)
    for _ in range(key_auth.REQUESTS.burst):
        assert (await program.get(CARD)).status == 200
    assert world.keys.lookups == 1
    answer = await program.get(CARD)
    assert (answer.status, answer.json()["code"]) == (429, "too_many_requests")
    assert int(answer.headers["Retry-After"]) >= 1
    world.clock.seconds += key_auth.REQUESTS.refill_s * 2
    assert (await program.get(CARD)).status == 200


async def test_guesses_are_slowed_and_do_not_reach_the_database(world: World) -> None:
    guesser = Person(world, None, key=f"cck_{'0' * 12}_{'x' * 43}")
    for _ in range(key_auth.FAILURES.burst):
        assert (await guesser.get(CARD)).status == 401
    looked_up = world.keys.lookups
    assert (await guesser.get(CARD)).status == 429
    assert world.keys.lookups == looked_up


async def test_without_a_database_a_key_is_not_believed_for_long(world: World) -> None:
    program = await world.program(Scope.INCIDENTS_READ)
    assert (await program.get(CARD)).status == 200
    world.keys.fails = DatabaseUnavailable("away")
    assert (await program.get(CARD)).status == 200
    world.clock.seconds += key_auth.FRESH_S
    assert (await program.get(CARD)).status == 503


async def test_what_is_remembered_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_auth, "KNOWN_MAX", 1)
    first, second = await world.program(Scope.EVENTS), await world.program(Scope.EVENTS)
    for program in (first, second, first):
        assert (await program.get(CARD)).status == 403
    assert world.keys.lookups == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80))
async def test_whatever_is_sent_as_a_key_is_a_refusal(world: World, key: str) -> None:
    world.clock.seconds += 10_000
    answer = await world.nobody().ask("GET", CARD, headers={"Authorization": f"bearer {key}"})
    assert answer.status == 401
    assert json.loads(answer.body)["code"] == "key_refused"
