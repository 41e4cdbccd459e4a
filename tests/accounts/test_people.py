"""Admins change people and seats all or nothing, and can never lock everybody out.

On SQLite and on PostgreSQL.
"""

import asyncio
from datetime import UTC, datetime

import pytest
import structlog
from argon2 import PasswordHasher

from ccserver.accounts import (
    AccountExists,
    AccountInvalid,
    AccountRefused,
    AccountStore,
    DeviceKind,
    Person,
    PersonChange,
    Role,
    UnknownAccount,
)
from ccserver.accounts.passwords import Passwords
from ccserver.acd.events import PresenceKind
from ccserver.db import Database
from ccserver.types import AgentId, ServiceCode

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
SEAT = AgentId("agent-201")


@pytest.fixture
async def store(database: Database) -> AccountStore:
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    store = AccountStore(database, passwords=Passwords(cheap))
    for login, role, extension in (
        ("anna", Role.CALL_TAKER, "201"),
        ("chief", Role.SUPERVISOR, None),
        ("root", Role.SYSTEM_ADMIN, None),
    ):
        await store.add(
            login=login,
            name=login.title(),
            role=role,
            language="lv",
            password=PASSWORD,
            extension=extension,
        )
    return store


async def test_everybody_is_listed_with_the_seat(store: AccountStore) -> None:
    people = {person.login: person for person in await store.people()}
    assert list(people) == ["anna", "chief", "root"]
    assert people["anna"] == Person(
        "anna", "Anna", Role.CALL_TAKER, "lv", SEAT, "201", DeviceKind.SIP
    )
    assert people["root"].extension is None
    assert await store.agent_ids() == {SEAT}


async def test_each_value_is_changed_and_the_others_stay(store: AccountStore) -> None:
    changes = [
        PersonChange(name=" Anna Ozola "),
        PersonChange(language="ru"),
        PersonChange(device=DeviceKind.BROWSER),
        PersonChange(role=Role.SUPERVISOR),
        PersonChange(),
    ]
    for change in changes:
        person = await store.change("ANNA", change, by="root")
    expected = Person("anna", "Anna Ozola", Role.SUPERVISOR, "ru", SEAT, "201", DeviceKind.BROWSER)
    assert person == expected
    assert (await store.people())[0] == expected
    seat = await store.agent(SEAT)
    assert seat is not None
    assert seat.name == "Anna Ozola"


async def test_a_new_password_ends_the_persons_sessions_and_is_never_logged(
    store: AccountStore,
) -> None:
    anna = await store.open_session("anna", now=NOW, ttl_s=60)
    chief = await store.open_session("chief", now=NOW, ttl_s=60)
    with structlog.testing.capture_logs() as logs:
        await store.change("anna", PersonChange(password="another password"), by="root")
    assert await store.session_account(anna, now=NOW) is None
    assert await store.session_account(chief, now=NOW) is not None
    assert await store.verify("anna", PASSWORD) is None
    assert await store.verify("anna", "another password") is not None
    (line,) = logs
    assert (line["event"], line["login"], line["by"]) == ("account_changed", "anna", "root")
    assert line["fields"] == ["password"]
    assert "another" not in str(logs)
    assert "another" not in repr(PersonChange(password="another password"))


async def test_a_seat_is_given_moved_and_removed(store: AccountStore) -> None:
    person = await store.change("chief", PersonChange(extension="300"), by="root")
    assert (person.agent_id, person.device) == ("agent-300", DeviceKind.SIP)
    await store.save_presence(AgentId("agent-300"), PresenceKind.READY, None, NOW)
    change = PersonChange(extension="301", device=DeviceKind.BROWSER)
    person = await store.change("chief", change, by="root")
    assert (person.agent_id, person.device) == ("agent-301", DeviceKind.BROWSER)
    assert await store.agent_ids() == {SEAT, "agent-301"}
    assert await store.presences() == {}
    person = await store.change("chief", PersonChange(remove_seat=True), by="root")
    assert (person.agent_id, person.extension, person.device) == (None, None, None)
    assert await store.agent_ids() == {SEAT}


async def test_the_same_extension_again_keeps_the_seat_and_its_secret(store: AccountStore) -> None:
    before = await store.agent(SEAT)
    await store.change("anna", PersonChange(extension="201"), by="root")
    assert await store.agent(SEAT) == before


REFUSED: list[tuple[type[Exception], str, PersonChange]] = [
    (AccountInvalid, "anna", PersonChange(name="a\x00")),
    (AccountInvalid, "anna", PersonChange(language="de")),
    (AccountInvalid, "anna", PersonChange(password="short")),
    (AccountInvalid, "anna", PersonChange(extension="1")),
    (AccountInvalid, "anna", PersonChange(remove_seat=True)),
    (AccountInvalid, "chief", PersonChange(role=Role.CALL_TAKER)),
    (AccountInvalid, "chief", PersonChange(device=DeviceKind.SIP)),
    (AccountExists, "chief", PersonChange(extension="201")),
    (AccountInvalid, "anna", PersonChange(role=Role.QUALITY_OFFICER)),
    (AccountInvalid, "chief", PersonChange(role=Role.SERVICE_DISPATCHER)),
    (AccountInvalid, "chief", PersonChange(role=Role.INTEGRATOR)),
    (AccountInvalid, "chief", PersonChange(service=ServiceCode("fire"))),
    (AccountRefused, "root", PersonChange(role=Role.SUPERVISOR)),
    (UnknownAccount, "nobody", PersonChange(name="Nobody")),
]


@pytest.mark.parametrize(("error", "login", "change"), REFUSED, ids=str)
async def test_a_change_that_cannot_be_changes_nothing(
    store: AccountStore, error: type[Exception], login: str, change: PersonChange
) -> None:
    before = await store.people()
    with pytest.raises(error):
        await store.change(login, change, by="root")
    assert await store.people() == before


async def test_a_service_comes_and_goes_with_the_dispatchers_role(store: AccountStore) -> None:
    dispatcher = PersonChange(role=Role.SERVICE_DISPATCHER, service=ServiceCode("fire"))
    assert (await store.change("chief", dispatcher, by="root")).service == "fire"
    assert (await store.change("chief", PersonChange(name="C"), by="root")).service == "fire"
    moved = await store.change("chief", PersonChange(service=ServiceCode("police")), by="root")
    assert moved.service == "police"
    account = await store.account("chief")
    assert account is not None
    assert account.service == "police"
    back = await store.change("chief", PersonChange(role=Role.SUPERVISOR), by="root")
    assert back.service is None


async def test_a_change_is_all_or_nothing(store: AccountStore) -> None:
    with pytest.raises(AccountExists):
        await store.change("chief", PersonChange(name="Other", extension="201"), by="root")
    assert [person.name for person in await store.people()] == ["Anna", "Chief", "Root"]


async def test_a_removed_person_cannot_log_in_and_the_seat_is_free(store: AccountStore) -> None:
    token = await store.open_session("anna", now=NOW, ttl_s=60)
    await store.remove("Anna", by="root")
    assert await store.verify("anna", PASSWORD) is None
    assert await store.session_account(token, now=NOW) is None
    assert await store.agent_ids() == frozenset()
    with pytest.raises(UnknownAccount):
        await store.remove("anna", by="root")


async def test_an_admin_remains(store: AccountStore) -> None:
    with pytest.raises(AccountRefused, match="own account") as own:
        await store.remove("root", by="root")
    assert own.value.code == "own_account"
    # As if the one who asks had just been demoted by somebody else.
    with pytest.raises(AccountRefused) as last:
        await store.remove("root", by="chief")
    assert last.value.code == "last_admin"
    with pytest.raises(AccountRefused) as demoted:
        await store.change("root", PersonChange(role=Role.SUPERVISOR), by="chief")
    assert demoted.value.code == "last_admin"
    assert [person.role for person in await store.people() if person.login == "root"] == [
        "system_admin"
    ]


async def test_two_admins_who_demote_each_other_at_once_leave_one(
    store: AccountStore, database_url: str
) -> None:
    await store.change("chief", PersonChange(role=Role.SYSTEM_ADMIN), by="root")
    other = Database(database_url, request_timeout_s=20)  # another node
    demote = PersonChange(role=Role.SUPERVISOR)
    results = await asyncio.gather(
        store.change("root", demote, by="chief"),
        AccountStore(other).change("chief", demote, by="root"),
        return_exceptions=True,
    )
    await other.close()
    assert [type(result) for result in results].count(AccountRefused) == 1
    admins = [person for person in await store.people() if person.role is Role.SYSTEM_ADMIN]
    assert len(admins) == 1
