"""Proves that keys are kept without their secrets, and end when they expire or are revoked."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from ccserver.accounts import AccountInvalid, KeyStore, Scope, UnknownKey
from ccserver.accounts.keys import key_id_of
from ccserver.audit import AuditStore, AuditTag
from ccserver.db import Database

START = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(database: Database, clock: Clock) -> KeyStore:
    return KeyStore(database, now=clock)


async def test_a_key_works_and_its_secret_is_nowhere(database: Database, keys: KeyStore) -> None:
    made = await keys.add(name=" CAD ", scopes=[Scope.EVENTS], service="vugd", by="root")
    found = await keys.check(made.token)
    assert found is not None
    assert (found.key_id, found.name, found.service) == (made.key.key_id, "CAD", "vugd")
    assert (found.account.login, found.account.service) == (f"key:{found.key_id}", "vugd")
    secret = made.token.rpartition("_")[2] if made.token.count("_") == 2 else made.token[17:]
    assert secret not in repr(made)
    rows = await database.read(lambda s: str(s.execute(text("SELECT * FROM api_keys")).all()))
    assert secret not in rows
    acts = await database.read(lambda s: str(s.execute(text("SELECT * FROM audit")).all()))
    assert secret not in acts


async def test_what_is_not_exactly_the_token_is_no_key(keys: KeyStore) -> None:
    made = await keys.add(name="CAD", scopes=[Scope.EVENTS])
    other = await keys.add(name="CAD", scopes=[Scope.EVENTS])
    mixed = f"cck_{made.key.key_id}_{other.token[17:]}"
    last = "A" if made.token[-1] != "A" else "B"
    for token in ("", "x", made.token[:-1], made.token[:-1] + last, mixed, made.token + "A"):
        assert await keys.check(token) is None
    assert key_id_of(made.token) == made.key.key_id


async def test_a_key_ends_when_it_expires(keys: KeyStore, clock: Clock) -> None:
    made = await keys.add(name="CAD", scopes=[Scope.EVENTS], expires_at=START + timedelta(days=1))
    clock.at += timedelta(days=1, seconds=-1)
    assert await keys.check(made.token) is not None
    clock.at += timedelta(seconds=1)
    assert await keys.check(made.token) is None


async def test_a_revoked_key_stays_so_and_both_acts_are_audited_once(
    database: Database, keys: KeyStore
) -> None:
    made = await keys.add(name="CAD", scopes=[Scope.EVENTS, Scope.WEBHOOKS], by="root")
    first = await keys.revoke(made.key.key_id, by="chief")
    assert await keys.check(made.token) is None
    assert (await keys.revoke(made.key.key_id, by="root")).revoked_at == first.revoked_at
    assert [key.revoked_at for key in await keys.keys()] == [START]
    acts = [one.entry for one in await AuditStore(database).entries(limit=9)]
    assert [(act.tag, act.author) for act in acts] == [
        (AuditTag.KEY_REVOKED, "chief"),
        (AuditTag.KEY_ADDED, "root"),
    ]
    assert acts[1].data == {
        "key_id": made.key.key_id,
        "name": "CAD",
        "service": None,
        "scopes": "events, webhooks",
    }
    with pytest.raises(UnknownKey):
        await keys.revoke("nothing")


async def test_the_last_use_is_told_by_the_hour(keys: KeyStore, clock: Clock) -> None:
    made = await keys.add(name="CAD", scopes=[Scope.EVENTS])

    async def last_use() -> datetime | None:
        await keys.check(made.token)
        (key,) = await keys.keys()
        return key.last_used_at

    hour = START.replace(minute=0)
    assert await last_use() == hour
    clock.at += timedelta(minutes=20)
    assert await last_use() == hour
    clock.at += timedelta(minutes=20)
    assert await last_use() == hour + timedelta(hours=1)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", {"name": " "}),
        ("scopes", {"scopes": []}),
        ("service", {"service": "ug u"}),
        ("expires_at", {"expires_at": START}),
    ],
)
async def test_a_key_that_cannot_work_is_refused_and_says_why(
    keys: KeyStore, field: str, wrong: dict[str, object]
) -> None:
    wanted: dict[str, object] = {"name": "CAD", "scopes": [Scope.EVENTS]}
    with pytest.raises(AccountInvalid) as caught:
        await keys.add(**(wanted | wrong))  # type: ignore[arg-type]
    assert caught.value.field == field
    assert await keys.keys() == []
