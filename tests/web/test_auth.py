"""Proves logging in and out, sessions, the throttle against guessing, and what /api/me tells."""

import asyncio
import hashlib
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from ccserver.web import auth
from ccserver.web.sessions import FRESH_S, STALE_MAX_S, Sessions
from ccserver.web.throttle import LOGIN_AT_ADDRESS
from tests.web.fakes import PASSWORD, FakeAccounts, FakeClock
from tests.web.world import Person, World


def cookie_of(set_cookie: list[str]) -> SimpleCookie:
    assert len(set_cookie) == 1
    return SimpleCookie(set_cookie[0])


async def test_login_gives_the_account_and_a_session_that_works(world: World) -> None:
    answer = await world.login("anna")
    assert answer.status == 200
    assert answer.json() == {
        "account": {
            "login": "anna",
            "name": "Anna Ozola",
            "role": "call_taker",
            "language": "lv",
            "agent_id": "agent-101",
            "service": None,
        }
    }
    token = cookie_of(answer.cookies)["ccserver_session"].value
    assert (await Person(world, token).get("/api/me")).status == 200


@pytest.mark.parametrize("secure", [False, True])
async def test_no_script_and_no_other_site_can_use_the_cookie(tmp_path: Path, secure: bool) -> None:
    async with World(tmp_path, settings={"cookie_secure": secure}) as world:
        morsel = cookie_of((await world.login("anna")).cookies)["ccserver_session"]
    assert morsel["httponly"]
    assert morsel["samesite"] == "Strict"
    assert morsel["path"] == "/"
    assert morsel["max-age"] == "43200"
    assert not morsel["domain"]
    assert bool(morsel["secure"]) is secure


@pytest.mark.parametrize(("login", "password"), [("anna", "wrong"), ("nobody", PASSWORD)])
async def test_a_wrong_login_and_a_wrong_password_look_the_same(
    world: World, login: str, password: str
) -> None:
    answer = await world.login(login, password)
    assert answer.status == 401
    told = answer.json()
    assert (told["code"], told["detail"]) == (
        "wrong_credentials",
        "The login or the password is wrong.",
    )
    assert not answer.cookies
    # Both were put to the accounts, which take equally long for both.
    assert world.accounts.verified == [login]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"login": "anna"},
        {"login": "anna", "password": PASSWORD, "role": "admin"},
        {"login": "", "password": PASSWORD},
        {"login": "a" * 65, "password": PASSWORD},
        {"login": "anna", "password": "p" * 257},
        {"login": "anna", "password": "a\0b"},
        {"login": ["anna"], "password": PASSWORD},
        None,
        [],
        "anna",
    ],
    ids=str,
)
async def test_a_body_that_is_no_login_is_refused_before_anything_is_checked(
    world: World, body: object
) -> None:
    answer = await world.nobody().ask("POST", "/api/login", body=body, raw=None)
    assert (answer.status, answer.json()["code"]) == (400, "bad_request")
    assert not world.accounts.verified


async def test_logging_in_again_ends_the_session_before(world: World) -> None:
    anna = await world.person("anna")
    body = {"login": "anna", "password": PASSWORD}
    assert (await anna.post("/api/login", body)).status == 200
    assert (await anna.get("/api/me")).status == 401


async def test_logout_ends_the_session_at_once_and_clears_the_cookie(world: World) -> None:
    anna = await world.person("anna")
    assert (await anna.get("/api/me")).status == 200
    answer = await anna.post("/api/logout")
    assert cookie_of(answer.cookies)["ccserver_session"]["max-age"] == "0"
    assert (await anna.get("/api/me")).status == 401
    assert anna.token not in world.accounts.sessions


async def test_logout_counts_in_this_process_while_the_database_is_away(world: World) -> None:
    anna = await world.person("anna")
    assert (await anna.get("/api/me")).status == 200
    world.accounts.away = True
    assert (await anna.post("/api/logout")).status == 503
    assert (await anna.get("/api/me")).status == 401


async def test_a_session_ends_with_its_time(world: World) -> None:
    anna = await world.person("anna")
    world.clock.seconds = world.settings.session_ttl_s - 1
    assert (await anna.get("/api/me")).status == 200
    world.clock.seconds = world.settings.session_ttl_s + FRESH_S
    answer = await anna.get("/api/me")
    assert (answer.status, answer.json()["code"]) == (401, "signed_out")


@pytest.mark.parametrize("token", ["", "x", "y" * 5_000, "ž", '"'])
async def test_a_token_that_nobody_has_is_nobody(world: World, token: str) -> None:
    assert (await Person(world, token).get("/api/me")).status == 401


async def test_a_known_session_works_while_the_database_is_away(world: World) -> None:
    anna = await world.person("anna")
    assert (await anna.get("/api/me")).status == 200
    world.accounts.away = True
    world.clock.seconds = STALE_MAX_S - 1
    assert (await anna.put("/api/agent/presence", {"kind": "ready"})).status == 200
    world.clock.seconds = STALE_MAX_S + 1
    answer = await anna.put("/api/agent/presence", {"kind": "ready"})
    assert (answer.status, answer.json()["code"]) == (503, "database_unavailable")


async def test_an_unknown_session_is_not_believed_while_the_database_is_away(world: World) -> None:
    anna = await world.person("anna")
    world.accounts.away = True
    assert (await anna.put("/api/agent/presence", {"kind": "ready"})).status == 503
    assert not world.control.actions


async def test_a_database_that_hangs_does_not_hold_up_a_known_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ccserver.web.sessions.LOOKUP_TIMEOUT_S", 0.01)
    accounts, clock = FakeAccounts(), FakeClock()
    token = await accounts.open_session("anna", now=clock.now(), ttl_s=60)
    sessions = Sessions(accounts, clock)
    assert await sessions.account(token)
    accounts.stuck = asyncio.Event()
    clock.seconds = FRESH_S + 1
    account = await sessions.account(token)
    assert account is not None
    assert account.login == "anna"


async def test_a_logout_holds_against_a_look_up_that_is_under_way() -> None:
    accounts, clock = FakeAccounts(), FakeClock()
    token = await accounts.open_session("anna", now=clock.now(), ttl_s=60)
    sessions = Sessions(accounts, clock)
    assert await sessions.account(token)
    clock.seconds = FRESH_S + 1
    accounts.stuck = asyncio.Event()
    lookup = asyncio.create_task(sessions.account(token))
    await asyncio.sleep(0)
    assert accounts.lookups == 2  # it waits for the database
    sessions.close(token)
    accounts.stuck.set()
    assert await lookup is None
    assert await sessions.account(token) is None


async def test_a_burst_of_requests_is_one_look_up(world: World) -> None:
    anna = await world.person("anna")
    for _ in range(5):
        await anna.get("/api/me")
    assert world.accounts.lookups == 1


async def test_no_table_of_sessions_holds_a_usable_token() -> None:
    accounts, clock = FakeAccounts(), FakeClock()
    token = await accounts.open_session("anna", now=clock.now(), ttl_s=60)
    sessions = Sessions(accounts, clock)
    await sessions.account(token)
    kept = repr(vars(sessions)["_known"])
    assert hashlib.sha256(token.encode()).hexdigest() in kept
    assert token not in kept


async def test_guessing_is_throttled_and_the_right_password_waits_too(world: World) -> None:
    for _ in range(LOGIN_AT_ADDRESS.burst):
        assert (await world.login("anna", "wrong")).status == 401
    for password in ("wrong", PASSWORD):
        answer = await world.login("Anna ", password)
        assert (answer.status, answer.json()["code"]) == (429, "too_many_attempts")
        assert 1 <= int(answer.headers["Retry-After"]) <= LOGIN_AT_ADDRESS.refill_s
    assert len(world.accounts.verified) == LOGIN_AT_ADDRESS.burst
    world.clock.seconds = LOGIN_AT_ADDRESS.refill_s
    assert (await world.login("anna")).status == 200


async def test_a_whole_shift_logs_in_from_one_address(world: World) -> None:
    for _ in range(100):
        assert (await world.login("anna")).status == 200


async def test_few_passwords_are_checked_at_once_and_few_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "VERIFIES_WAITING_MAX", 4)
    world.accounts.stuck = asyncio.Event()
    logins = [asyncio.create_task(world.login(f"person{n}")) for n in range(10)]
    done: set[asyncio.Task[object]] = set()
    while len(done) < 6:
        done = {task for task in logins if task.done()}
        await asyncio.sleep(0.001)
    world.accounts.stuck.set()
    answers = await asyncio.gather(*logins)
    assert sorted(answer.status for answer in answers) == [401] * 4 + [429] * 6
    assert world.accounts.verifying_max <= auth.VERIFIES_MAX
    # Whoever was sent away unjudged has lost no attempt.
    assert (await world.login("person9")).status == 401


async def test_an_attempt_that_the_database_could_not_judge_does_not_count(world: World) -> None:
    world.accounts.away = True
    for _ in range(LOGIN_AT_ADDRESS.burst + 1):
        assert (await world.login("anna")).status == 503
    world.accounts.away = False
    assert (await world.login("anna")).status == 200


async def test_me_of_a_browser_seat_holds_its_phone(tmp_path: Path) -> None:
    settings = {"sip_websocket_url": "wss://pbx.example:8089/ws"}
    async with World(tmp_path, settings=settings) as world:
        answer = await (await world.person("anna")).get("/api/me")
        sip_seat = await (await world.person("boris")).get("/api/me")
        no_seat = await (await world.person("chief")).get("/api/me")
    assert answer.json()["agent"] == {
        "agent_id": "agent-101",
        "name": "Anna Ozola",
        "extension": "101",
        "device": "browser",
    }
    assert answer.json()["phone"] == {
        "uri": "sip:ct-101@pbx.example",
        "ws_url": "wss://pbx.example:8089/ws",
        "username": "ct-101",
        "password": "s" * 32,
    }
    assert answer.json()["server"]["offer_timeout_s"] == 15.0
    assert answer.json()["server"]["wrap_up_s"] == 30.0
    assert answer.headers["Cache-Control"] == "no-store"
    assert sip_seat.json()["agent"]["device"] == "sip"
    assert sip_seat.json()["phone"] is None
    assert (no_seat.json()["agent"], no_seat.json()["phone"]) == (None, None)


async def test_me_without_a_sip_websocket_has_no_phone(world: World) -> None:
    assert (await (await world.person("anna")).get("/api/me")).json()["phone"] is None


async def test_the_language_is_kept_and_seen_at_once(world: World) -> None:
    anna = await world.person("anna")
    assert (await anna.get("/api/me")).json()["account"]["language"] == "lv"
    assert (await anna.put("/api/me/language", {"language": "ru"})).status == 200
    assert (await anna.get("/api/me")).json()["account"]["language"] == "ru"
    assert (await anna.put("/api/me/language", {"language": "fr"})).status == 400
