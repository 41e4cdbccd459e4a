"""Proves that nobody changes, removes, inserts or cuts off audited acts unnoticed.

On both databases; somebody who owns one is played by dropping the triggers first.
"""

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from ccserver import db
from ccserver.audit import Anchor, AuditEntry, AuditStore, AuditTag, ChainBroken, ChainedAct, store
from ccserver.audit.chain import FIRST, Verifier
from ccserver.db import Database
from tests.databases import REQUEST_TIMEOUT_S

NOW = datetime(2026, 3, 1, 8, 0, 0, 5, tzinfo=UTC)
ACTS = 7

ACT = ChainedAct(
    number=1,
    key="5d0f6f4e-3b5c-4c43-9d56-0f2f8b6f1a01",
    tag="person_added",
    at=NOW,
    author="root",
    login="anna",
    agent_id=None,
    comment='Jānis teica: "labi"\n',
    data={"role": "call_taker", "extension": None, "count": 2},
    previous_hash=FIRST,
    hash="",
)


def test_the_encoding_is_the_documented_one_for_ever() -> None:
    """The text is written out here by hand: docs/reference/audit.md shows the same."""
    encoded = (
        '["ccserver-audit-1","' + "0" * 64 + '","5d0f6f4e-3b5c-4c43-9d56-0f2f8b6f1a01",'
        '"person_added","2026-03-01T08:00:00.000005Z","root","anna",null,'
        '"J\\u0101nis teica: \\"labi\\"\\n",'
        '{"count":2,"extension":null,"role":"call_taker"}]'
    )
    assert ACT.digest() == hashlib.sha256(encoded.encode()).hexdigest()
    assert ACT.digest() == "a8924d4062fa705e3fb4300f09fbe6ccc51c6ad99872c95ba3f8ed7c40250412"


def test_the_same_moment_in_another_zone_is_the_same_act() -> None:
    riga = NOW.astimezone(timezone(timedelta(hours=2)))
    assert replace(ACT, at=riga).digest() == ACT.digest()


@given(
    comments=st.lists(st.text(max_size=20), min_size=1, max_size=8),
    place=st.integers(min_value=0),
    how=st.sampled_from(["change", "remove", "swap", "repeat"]),
)
def test_whatever_is_done_to_a_chain_is_found(comments: list[str], place: int, how: str) -> None:
    acts: list[ChainedAct] = []
    for number, comment in enumerate(comments, 1):
        last = acts[-1].hash if acts else FIRST
        act = replace(ACT, number=number, key=str(number), comment=comment, previous_hash=last)
        acts.append(replace(act, hash=act.digest()))
    whole = Verifier()
    for act in acts:
        whole.take(act)
    anchor = whole.last
    assert anchor is not None
    place %= len(acts)
    match how:
        case "change":
            acts[place] = replace(acts[place], author="nobody")
        case "remove":
            del acts[place]
        case "swap" if len(acts) > 1:
            acts[place], acts[place - 1] = acts[place - 1], acts[place]
        case _:
            acts.insert(place, acts[place])
    verifier = Verifier(anchor)

    def walk() -> None:
        for act in acts:
            verifier.take(act)
        verifier.finish()

    with pytest.raises(ChainBroken):
        walk()


@given(st.text(max_size=100))
def test_an_anchor_is_read_or_refused(raw: str) -> None:
    try:
        anchor = Anchor.parse(raw)
    except ValueError:
        return
    assert Anchor.parse(str(anchor)) == anchor


@pytest.fixture
async def audit(database: Database) -> AuditStore:
    audit = AuditStore(database)
    for number in range(ACTS):
        at = NOW + timedelta(seconds=number)
        data: dict[str, str | int | float | bool | None] = {
            "n": number,
            "share": 0.1 * number,
            "name": "Žaņa\u2028",
        }
        await audit.record(AuditEntry(AuditTag.PERSON_CHANGED, at, "root", "anna", data=data))
    return audit


def tamper(url: str, *statements: str) -> None:
    """Change rows as the owner of the database can."""
    engine = db.make_engine(url, timeout_s=10)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("DROP TRIGGER audit_append_only ON audit"))
        else:
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER audit_no_{verb}"))
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


async def test_a_chain_that_nobody_touched_is_whole_also_in_chunks(
    audit: AuditStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHUNK", 3)
    verifier = await audit.verify()
    assert verifier.acts == ACTS
    assert verifier.last is not None
    await audit.verify(verifier.last)
    await audit.record(AuditEntry(AuditTag.PASSWORD_SET, NOW, "root", "anna"))
    assert (await audit.verify(verifier.last)).acts == ACTS + 1, "an old anchor still holds"


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE audit SET author = 'nobody' WHERE entry_id = 3", 3),
        ("UPDATE audit SET comment = 'x' WHERE entry_id = 1", 1),
        ("UPDATE audit SET data = '{\"n\": 99}' WHERE entry_id = 5", 5),
        ("UPDATE audit SET at = '2026-03-02 08:00:00' WHERE entry_id = 7", 7),
        ("UPDATE audit SET login = NULL WHERE entry_id = 2", 2),
        ("UPDATE audit SET entry_id = 70 WHERE entry_id = 4", 5),
        ("DELETE FROM audit WHERE entry_id = 1", 2),
        ("DELETE FROM audit WHERE entry_id IN (3, 4)", 5),
    ],
)
async def test_the_first_act_that_does_not_fit_is_named(
    audit: AuditStore, database_url: str, statement: str, number: int
) -> None:
    tamper(database_url, statement)
    with pytest.raises(ChainBroken, match=rf"^act {number} "):
        await audit.verify()


async def test_a_cut_off_end_shows_by_the_anchor_alone(
    audit: AuditStore, database_url: str
) -> None:
    anchor = (await audit.verify()).last
    assert anchor is not None
    tamper(database_url, "DELETE FROM audit WHERE entry_id > 5")
    assert (await audit.verify()).acts == 5
    with pytest.raises(ChainBroken, match=r"^act 7 of the anchor is missing, the last one is 5"):
        await audit.verify(anchor)
    for _ in range(3):  # whoever goes on from there cannot hide it
        await audit.record(AuditEntry(AuditTag.PASSWORD_SET, NOW, "root", "anna"))
    with pytest.raises(ChainBroken, match=r"anchor"):
        await audit.verify(anchor)


async def test_an_emptied_audit_shows_by_the_anchor(audit: AuditStore, database_url: str) -> None:
    anchor = (await audit.verify()).last
    tamper(database_url, "DELETE FROM audit")
    with pytest.raises(ChainBroken, match="the last one is 0"):
        await audit.verify(anchor)


async def test_several_processes_make_one_chain(audit: AuditStore, database_url: str) -> None:
    databases = [Database(database_url, request_timeout_s=REQUEST_TIMEOUT_S) for _ in range(4)]
    try:
        await asyncio.gather(
            *(
                AuditStore(database).record(AuditEntry(AuditTag.PASSWORD_SET, NOW, f"root{turn}"))
                for turn in range(5)
                for database in databases
            )
        )
    finally:
        for database in databases:
            await database.close()
    assert (await audit.verify()).acts == ACTS + 20


def test_acts_of_the_version_before_are_chained_by_the_upgrade(
    empty_url: str,
) -> None:
    command.upgrade(db.alembic_config(empty_url), "0011")
    engine = db.make_engine(empty_url, timeout_s=10)
    insert = text(
        "INSERT INTO audit (key, tag, at, author, comment, data)"
        " VALUES (:key, 'password_set', '2026-03-01 12:00:00.25', 'root', 'ā', :data)"
    )
    with engine.begin() as connection:
        for number in range(3):
            data = json.dumps({"n": number})
            connection.execute(insert, {"key": str(number), "data": data})
    db.upgrade(empty_url)

    async def verify() -> int:
        database = Database(empty_url, request_timeout_s=REQUEST_TIMEOUT_S)
        try:
            await AuditStore(database).record(AuditEntry(AuditTag.PASSWORD_SET, NOW, "root"))
            return (await AuditStore(database).verify()).acts
        finally:
            await database.close()

    assert asyncio.run(verify()) == 4
    with pytest.raises(Exception, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM audit"))
    engine.dispose()
