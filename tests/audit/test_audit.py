"""Acts over people, seats and the plan are written once, with who and whom, and stay for ever."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ccserver.accounts import AccountExists, AccountStore, PersonChange, Role
from ccserver.accounts.passwords import Passwords
from ccserver.acd.events import PresenceKind
from ccserver.audit import AuditEntry, AuditStore, AuditTag
from ccserver.db import Database
from ccserver.documents import DocumentInvalid
from ccserver.routing import DEFAULT_DOCUMENT, RoutingStore
from ccserver.routing import document as d
from ccserver.types import AgentId

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
SEAT = AgentId("agent-201")
FORCED = AuditEntry(
    AuditTag.PRESENCE_FORCED,
    NOW,
    "chief",
    agent_id=SEAT,
    comment="went home",
    data={"kind": "off", "reason": None, "before": "ready"},
)


@pytest.fixture
def audit(database: Database) -> AuditStore:
    return AuditStore(database)


@pytest.fixture
async def people(database: Database) -> AccountStore:
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    store = AccountStore(database, passwords=Passwords(cheap), now=lambda: NOW)
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
            by="root",
        )
    return store


async def acts(audit: AuditStore, **which: object) -> list[AuditEntry]:
    kept = await audit.entries(**({"limit": 50} | which))  # type: ignore[arg-type]
    return [one.entry for one in kept]


async def test_every_change_of_people_is_written_with_who_and_whom(
    people: AccountStore, audit: AuditStore
) -> None:
    await people.change("anna", PersonChange(name="Anna O", password="a new passphrase"), by="root")
    await people.set_password("chief", "another passphrase", by="cli:admin")
    await people.remove("anna", by="root")
    told = [(one.tag, one.author, one.login) for one in await acts(audit)]
    added = [(AuditTag.PERSON_ADDED, "root", login) for login in ("root", "chief", "anna")]
    assert told == [
        (AuditTag.PERSON_REMOVED, "root", "anna"),
        (AuditTag.PASSWORD_SET, "cli:admin", "chief"),
        (AuditTag.PERSON_CHANGED, "root", "anna"),
        (AuditTag.PASSWORD_SET, "root", "anna"),
        *added,
    ]
    changed = (await acts(audit))[2]
    assert (changed.at, changed.agent_id) == (NOW, SEAT)
    assert changed.data == {"fields": "name", "role": "call_taker"}, "never a value that is secret"


async def test_what_was_refused_or_changes_nothing_is_no_act(
    people: AccountStore, audit: AuditStore
) -> None:
    before = await acts(audit)
    with pytest.raises(AccountExists):
        await people.add(
            login="anna",
            name="A",
            role=Role.SYSTEM_ADMIN,
            language="lv",
            password=PASSWORD,
            by="root",
        )
    await people.change("anna", PersonChange(), by="root")
    assert await people.verify("anna", PASSWORD) is not None
    assert await acts(audit) == before


async def test_a_forced_presence_names_the_person_and_is_written_once(
    people: AccountStore, audit: AuditStore
) -> None:
    for _ in range(2):  # the first answer may have been lost
        await people.save_presence(SEAT, PresenceKind.OFF, None, NOW, forced=FORCED)
    await people.save_presence(SEAT, PresenceKind.READY, None, NOW)
    (told,) = [one for one in await acts(audit) if one.tag is AuditTag.PRESENCE_FORCED]
    assert told == replace(FORCED, login="anna")


async def test_a_forced_presence_of_a_seat_that_is_gone_is_still_written(
    people: AccountStore, audit: AuditStore
) -> None:
    await people.remove("anna", by="root")
    await people.save_presence(SEAT, PresenceKind.OFF, None, NOW, forced=FORCED)
    assert (await acts(audit))[0] == FORCED


async def test_a_saved_plan_is_an_act_and_a_refused_one_is_not(
    database: Database, audit: AuditStore, people: AccountStore
) -> None:
    routing = RoutingStore(database, people.agent_ids)
    broken = replace_queues()
    with pytest.raises(DocumentInvalid):
        await routing.save(broken, base_version=0, author="chief", comment="", at=NOW)
    for _ in range(2):  # tried again after an unclear answer
        await routing.save(
            DEFAULT_DOCUMENT, base_version=0, author="chief", comment="first", at=NOW
        )
    saved = [one for one in await acts(audit) if one.tag is AuditTag.ROUTING_SAVED]
    assert [(one.author, one.comment, one.data) for one in saved] == [
        ("chief", "first", {"version": 1})
    ]


def replace_queues() -> d.Document:
    return d.Document(queues=(d.Queue(name="no good name"),))


async def test_a_list_comes_in_pages_and_of_one_person(audit: AuditStore) -> None:
    for number in range(5):
        at = NOW + timedelta(seconds=number)
        author, login = ("chief", "anna") if number % 2 else ("root", "boris")
        await audit.record(AuditEntry(AuditTag.PASSWORD_SET, at, author, login))
    first = await audit.entries(limit=2)
    rest = await audit.entries(limit=100, before=first[-1].number)
    seconds = [one.entry.at.second for one in (*first, *rest)]
    assert seconds == [4, 3, 2, 1, 0]
    assert [one.at.second for one in await acts(audit, person="anna")] == [3, 1]
    assert [one.at.second for one in await acts(audit, person="root")] == [4, 2, 0]
    assert await acts(audit, person="nobody\x00") == []


async def test_hostile_texts_are_kept_as_far_as_they_fit(audit: AuditStore) -> None:
    await audit.record(replace(FORCED, author="x" * 100, comment="\x00" + "ā" * 1_000))
    (told,) = await acts(audit)
    assert told.author == "x" * 64
    assert len(told.comment) == 500


@pytest.mark.parametrize("statement", ["UPDATE audit SET author = 'x'", "DELETE FROM audit"])
async def test_no_program_can_change_or_delete_an_act(
    database: Database, audit: AuditStore, statement: str
) -> None:
    await audit.record(FORCED)
    with pytest.raises(DBAPIError, match="append-only"):
        await database.write(lambda session: session.execute(text(statement)) and None)
    assert await acts(audit) == [FORCED]
