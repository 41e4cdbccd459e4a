"""People log in with what they were given and nothing else; secrets are never kept readable."""

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select, text

from ccserver.accounts import (
    AccountExists,
    AccountInvalid,
    AccountStore,
    DeviceKind,
    Role,
    UnknownAccount,
)
from ccserver.accounts.models import AccountRow, SessionRow
from ccserver.accounts.passwords import HASHING_MAX, PASSWORD_CHARS_MAX, Passwords
from ccserver.acd.events import AgentPresence, PresenceKind
from ccserver.db import Database
from ccserver.types import AgentId

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
def store(database: Database) -> AccountStore:
    return AccountStore(database, passwords=Passwords(CHEAP))


async def add(store: AccountStore, **changes: object) -> None:
    values: dict[str, object] = {
        "login": "anna",
        "name": "Anna Bērziņa",
        "role": Role.CALL_TAKER,
        "language": "lv",
        "password": PASSWORD,
        "extension": "201",
    }
    await store.add(**(values | changes))  # type: ignore[arg-type]


async def test_the_right_password_opens_and_the_wrong_one_does_not(store: AccountStore) -> None:
    await add(store)
    account = await store.verify("anna", PASSWORD)
    assert account is not None
    assert (account.login, account.name, account.role, account.language, account.agent_id) == (
        "anna",
        "Anna Bērziņa",
        Role.CALL_TAKER,
        "lv",
        "agent-201",
    )
    for login, password in [
        ("anna", PASSWORD + "x"),
        ("anna", ""),
        ("anna", "x" * (PASSWORD_CHARS_MAX + 1)),
        ("anna", "\ud800half a character"),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("anna\x00", PASSWORD),
        ("a" * 10_000, PASSWORD),
        ("' OR 1=1 --", PASSWORD),
    ]:
        assert await store.verify(login, password) is None


async def test_logins_do_not_depend_on_case(store: AccountStore) -> None:
    await add(store, login="Anna.B")
    assert await store.verify("ANNA.b", PASSWORD) is not None
    with pytest.raises(AccountExists):
        await add(store, login="anna.B", extension="202")


REFUSED: list[tuple[str, dict[str, object]]] = [
    ("login", {"login": ""}),
    ("login", {"login": "anna b"}),
    ("login", {"login": "-anna"}),
    ("login", {"login": "änna"}),
    ("login", {"login": "a" * 65}),
    ("name", {"name": "  "}),
    ("name", {"name": "Anna\x00"}),
    ("name", {"name": "Anna\nexten => evil"}),
    ("language", {"language": "de"}),
    ("password", {"password": "short"}),
    ("password", {"password": "a" * 12}),
    ("password", {"password": "ab" * 200}),
    ("password", {"login": "anna.berzina", "password": "Anna.Berzina"}),
    ("extension", {"extension": "1"}),
    ("extension", {"extension": "1234567"}),
    ("extension", {"extension": "20a"}),
    ("extension", {"extension": "२३"}),
    ("extension", {"extension": None}),
    ("role", {"role": "integrator"}),
    ("role", {"role": "admin"}),
    ("service", {"service": "fire"}),
    ("service", {"role": Role.SERVICE_DISPATCHER, "extension": None}),
    ("service", {"role": Role.SERVICE_DISPATCHER, "extension": None, "service": "ug u"}),
    ("extension", {"role": Role.SERVICE_DISPATCHER, "service": "fire"}),
    ("extension", {"role": Role.TELECOM_ADMIN}),
    ("extension", {"extension": None, "role": Role.SYSTEM_ADMIN, "device": DeviceKind.SIP}),
]


async def test_an_account_that_cannot_work_is_refused_and_says_why(store: AccountStore) -> None:
    for field, changes in REFUSED:
        with pytest.raises(AccountInvalid, match=r"[A-Z].+\.") as caught:
            await add(store, **changes)
        assert caught.value.field == field, changes
    assert await store.accounts() == []
    assert await store.agents() == []
    await add(store, login=" anna\n")  # surrounding space is no part of a login
    assert await store.verify("anna", PASSWORD) is not None


async def test_an_extension_is_one_seat(store: AccountStore) -> None:
    await add(store)
    with pytest.raises(AccountExists, match="201"):
        await add(store, login="berta")
    assert [account.login for account in await store.accounts()] == ["anna"]


async def test_a_supervisor_needs_no_seat(store: AccountStore) -> None:
    await add(store, role=Role.SUPERVISOR, extension=None)
    account = await store.account("Anna")
    assert account is not None
    assert account.agent_id is None
    assert await store.agents() == []


async def test_a_seat_has_a_strong_sip_password_of_its_own(store: AccountStore) -> None:
    await add(store)
    await add(store, login="berta", extension="202", device=DeviceKind.BROWSER)
    first, second = await store.agents()
    assert (first.agent_id, first.extension, first.device) == ("agent-201", "201", DeviceKind.SIP)
    assert second.device is DeviceKind.BROWSER
    assert first.sip_password != second.sip_password
    assert len(first.sip_password) >= 24
    assert first.sip_password not in repr(first)
    assert await store.agent(AgentId("agent-202")) == second
    assert await store.agent(AgentId("agent-999")) is None


async def test_no_password_and_no_token_is_stored(store: AccountStore, database: Database) -> None:
    await add(store)
    token = await store.open_session("anna", now=NOW, ttl_s=60)
    row = await database.read(lambda session: session.get(AccountRow, "anna"))
    assert row is not None
    assert row.password_hash.startswith("$argon2id$")
    query = select(SessionRow.token_sha256)
    stored = await database.read(lambda session: session.scalars(query).all())
    assert stored == [hashlib.sha256(token.encode()).hexdigest()]


async def test_a_session_lasts_until_it_expires_or_is_closed(store: AccountStore) -> None:
    await add(store)
    first = await store.open_session("ANNA", now=NOW, ttl_s=60)
    second = await store.open_session("anna", now=NOW, ttl_s=60)
    assert first != second
    assert len(first) >= 43
    account = await store.session_account(first, now=NOW + timedelta(seconds=59))
    assert account is not None
    assert account.login == "anna"
    assert await store.session_account(first, now=NOW + timedelta(seconds=60)) is None
    await store.close_session(second)
    await store.close_session(second)
    assert await store.session_account(second, now=NOW) is None
    assert await store.session_account(first, now=NOW) is not None
    for stranger in ("", "x", "\x00", "\ud800", first[:-1]):
        assert await store.session_account(stranger, now=NOW) is None


async def test_expired_sessions_are_purged(store: AccountStore, database: Database) -> None:
    await add(store)
    for minute in range(5):
        await store.open_session("anna", now=NOW + timedelta(minutes=minute), ttl_s=90)
    count = await database.read(lambda s: s.scalar(select(func.count()).select_from(SessionRow)))
    assert count == 2


async def test_a_session_needs_an_account(store: AccountStore) -> None:
    with pytest.raises(UnknownAccount):
        await store.open_session("anna", now=NOW, ttl_s=60)


async def test_a_new_password_ends_the_sessions(store: AccountStore) -> None:
    await add(store)
    token = await store.open_session("anna", now=NOW, ttl_s=60)
    await store.set_password("Anna", "another password")
    assert await store.session_account(token, now=NOW) is None
    assert await store.verify("anna", PASSWORD) is None
    assert await store.verify("anna", "another password") is not None
    with pytest.raises(UnknownAccount):
        await store.set_password("berta", "another password")
    with pytest.raises(AccountInvalid):
        await store.set_password("anna", "short")


async def test_a_weak_old_hash_is_renewed_at_login(database: Database) -> None:
    await add(AccountStore(database, passwords=Passwords(CHEAP)))
    stronger = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    store = AccountStore(database, passwords=Passwords(stronger))
    assert await store.verify("anna", PASSWORD) is not None
    row = await database.read(lambda session: session.get(AccountRow, "anna"))
    assert row is not None
    assert not stronger.check_needs_rehash(row.password_hash)
    assert await store.verify("anna", PASSWORD) is not None


async def test_the_language_is_kept(store: AccountStore) -> None:
    await add(store)
    await store.set_language("Anna", "ru")
    account = await store.account("anna")
    assert account is not None
    assert account.language == "ru"
    with pytest.raises(AccountInvalid):
        await store.set_language("anna", "xx")
    with pytest.raises(UnknownAccount):
        await store.set_language("berta", "ru")


async def test_presences_survive_a_restart(database: Database, database_url: str) -> None:
    store = AccountStore(database, passwords=Passwords(CHEAP))
    await add(store)
    await add(store, login="berta", extension="202")
    seat = AgentId("agent-201")
    await store.save_presence(seat, PresenceKind.READY, None, NOW)
    await store.save_presence(seat, PresenceKind.NOT_READY, "break", NOW)
    await store.save_presence(AgentId("agent-999"), PresenceKind.READY, None, NOW)
    again = Database(database_url, request_timeout_s=20)
    presences = await AccountStore(again, passwords=Passwords(CHEAP)).presences()
    await again.close()
    assert presences == {seat: AgentPresence(PresenceKind.NOT_READY, "break")}


class CountingHasher(PasswordHasher):
    """Counts how many verifications run, and how many at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.verified = 0
        self.at_once_max = 0
        self._running = 0
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        with self._lock:
            self.verified += 1
            self._running += 1
            self.at_once_max = max(self.at_once_max, self._running)
        try:
            time.sleep(0.005)  # the work that a real hash does
            return super().verify(hash, password)
        finally:
            with self._lock:
                self._running -= 1


async def test_every_refusal_costs_one_verification(database: Database) -> None:
    hasher = CountingHasher()
    store = AccountStore(database, passwords=Passwords(hasher))
    await add(store)
    logins: list[tuple[str, str]] = [
        ("anna", "wrong password"),
        ("nobody", "wrong password"),
        ("not a login!", "wrong password"),
        ("anna", "x" * 100_000),
    ]
    for done, (login, password) in enumerate(logins, start=1):
        assert await store.verify(login, password) is None
        assert hasher.verified == done


async def test_hashing_never_takes_all_threads() -> None:
    hasher = CountingHasher()
    passwords = Passwords(hasher)
    stored = await passwords.hash(PASSWORD)
    assert all(await asyncio.gather(*(passwords.verify(stored, PASSWORD) for _ in range(12))))
    assert hasher.verified == 12
    assert hasher.at_once_max <= HASHING_MAX


async def test_a_damaged_hash_lets_nobody_in(store: AccountStore, database: Database) -> None:
    await add(store)
    damage: Callable[..., object] = lambda session: session.execute(  # noqa: E731
        text("UPDATE accounts SET password_hash = 'damaged'")
    )
    await database.write(lambda session: damage(session) and None)
    assert await store.verify("anna", PASSWORD) is None
