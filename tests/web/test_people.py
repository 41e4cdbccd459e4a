"""Proves the administration of people: admins only, nobody locked out, no secret in an answer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from ccserver.accounts import (
    AccountExists,
    AccountInvalid,
    AccountRefused,
    DeviceKind,
    PersonChange,
    Role,
)
from tests.web.fakes import PASSWORD
from tests.web.rooms import FakePeople
from tests.web.world import World


@dataclass
class Office:
    """The world with the administration of people."""

    world: World
    people: FakePeople
    seats_changed: int = 0

    def note(self) -> None:
        self.seats_changed += 1


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    world = World(tmp_path)
    office = Office(world, world.people)
    world.seats_changed = office.note
    async with world:
        yield office


NEW = {
    "login": "dita",
    "name": "Dita Kalna",
    "role": "supervisor",
    "language": "lv",
    "password": PASSWORD,
}


@pytest.mark.parametrize("login", [None, "anna", "chief"])
async def test_only_admins_administer(office: Office, login: str | None) -> None:
    world = office.world
    person = await world.person(login) if login else world.nobody()
    for method, path in (
        ("GET", "/api/people"),
        ("POST", "/api/people"),
        ("PATCH", "/api/people/boris"),
        ("DELETE", "/api/people/boris"),
    ):
        answer = await person.ask(method, path, body=NEW)
        assert answer.status == (403 if login else 401)
    assert not office.people.changes
    assert not office.people.removed


async def test_everybody_is_listed_without_any_secret(office: Office) -> None:
    answer = await (await office.world.person("root")).get("/api/people")
    assert answer.status == 200
    assert answer.json()["people"][0] == {
        "login": "anna",
        "name": "Anna Ozola",
        "role": "call_taker",
        "language": "lv",
        "agent_id": "agent-101",
        "extension": "101",
        "device": "browser",
        "service": None,
    }
    assert b"ssss" not in answer.body


async def test_a_person_is_added_and_the_log_says_by_whom(office: Office) -> None:
    root = await office.world.person("root")
    with structlog.testing.capture_logs() as logs:
        answer = await root.post("/api/people", NEW)
    assert answer.status == 201
    assert answer.json()["person"] == {
        **{key: value for key, value in NEW.items() if key != "password"},
        "agent_id": None,
        "extension": None,
        "device": None,
        "service": None,
    }
    added = [line for line in logs if line["event"] == "person_added"]
    assert [(line["login"], line["by"]) for line in added] == [("dita", "root")]
    assert PASSWORD not in str(logs)
    assert office.seats_changed == 1


async def test_only_what_is_sent_is_changed(office: Office) -> None:
    root = await office.world.person("root")
    bodies: list[tuple[dict[str, object], PersonChange]] = [
        ({"name": "Anna"}, PersonChange(name="Anna")),
        ({"password": PASSWORD}, PersonChange(password=PASSWORD)),
        ({"extension": None}, PersonChange(remove_seat=True)),
        ({"extension": "105"}, PersonChange(extension="105")),
        (
            {"device": "sip", "role": "system_admin"},
            PersonChange(device=DeviceKind.SIP, role=Role.SYSTEM_ADMIN),
        ),
        ({}, PersonChange()),
    ]
    for body, change in bodies:
        answer = await root.ask("PATCH", "/api/people/Anna", body=body)
        assert answer.status == 200
        assert office.people.changes.pop() == ("anna", change, "root")
    assert answer.json()["person"]["role"] == "system_admin"


async def test_a_new_role_holds_at_once(office: Office) -> None:
    anna, root = await office.world.person("anna"), await office.world.person("root")
    assert (await anna.get("/api/people")).status == 403
    await root.ask("PATCH", "/api/people/anna", body={"role": "system_admin"})
    assert (await anna.get("/api/people")).status == 200
    await root.ask("PATCH", "/api/people/anna", body={"role": "call_taker"})
    assert (await anna.get("/api/people")).status == 403


async def test_a_person_is_removed(office: Office) -> None:
    root = await office.world.person("root")
    assert (await root.ask("DELETE", "/api/people/Boris")).status == 200
    assert office.people.removed == [("boris", "root")]
    assert (await root.ask("DELETE", "/api/people/nobody")).status == 404


REFUSALS: list[tuple[Exception, int, str]] = [
    (AccountInvalid("name", "A name is needed."), 422, "invalid_account"),
    (AccountExists("The extension 101 is taken."), 409, "account_exists"),
    (AccountRefused("own_role", "Not your own."), 409, "own_role"),
    (AccountRefused("last_admin", "The last one."), 409, "last_admin"),
]


@pytest.mark.parametrize(("error", "status", "code"), REFUSALS, ids=str)
async def test_a_refusal_is_a_sentence(
    office: Office, error: Exception, status: int, code: str
) -> None:
    root = await office.world.person("root")
    office.people.refuses = error
    requests = [("PATCH", "/api/people/anna", {"name": "x"}), ("DELETE", "/api/people/anna", None)]
    if not isinstance(error, AccountRefused):
        requests.append(("POST", "/api/people", NEW))
    for method, path, body in requests:
        answer = await root.ask(method, path, body=body)
        assert (answer.status, answer.json()["code"]) == (status, code)
        assert answer.json()["detail"] == str(error)
    assert office.seats_changed == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "/api/people/nobody", {"name": "x"}, 404),
        ("PATCH", "/api/people/%00", {"name": "x"}, 404),
        ("PATCH", "/api/people/..%2f..", {"name": "x"}, 404),
        ("PATCH", "/api/people/anna", {"agent_id": "agent-1"}, 400),
        ("PATCH", "/api/people/anna", {"role": "king"}, 400),
        ("PATCH", "/api/people/anna", {"name": "a\0"}, 400),
        ("PATCH", "/api/people/anna", {"password": ""}, 422),
        ("PATCH", "/api/people/anna", {"extension": ""}, 422),
        ("PATCH", "/api/people/anna", {"name": None}, 400),
        ("POST", "/api/people", {**NEW, "device": "fax"}, 400),
        ("POST", "/api/people", {"login": "x"}, 400),
        ("POST", "/api/people", [], 400),
    ],
)
async def test_what_cannot_be_is_refused(
    office: Office, method: str, path: str, body: object, status: int
) -> None:
    root = await office.world.person("root")
    answer = await root.ask(method, path, body=body)
    assert answer.status == status
    assert PASSWORD.encode() not in answer.body
    assert office.seats_changed == 0
