"""What came stays as it came, in both databases, whoever wants to change it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ccserver.calldata.spool import Envelope, Via
from ccserver.calldata.store import CallDataStore, Kept
from ccserver.db import Database
from ccserver.types import ContactId
from tests.calldata.samples import CALL_ID, CONTACT, at, ecall, line

C1 = ContactId(CONTACT)


def kept(name: str = "a.invite", **told: object) -> Kept:
    data = line(ecall(), **told)  # type: ignore[arg-type]
    return Kept.of(name, Envelope.parse(data), now=at(60))


async def test_the_same_message_is_kept_once_and_as_it_was(database: Database) -> None:
    store = CallDataStore(database)
    first = kept(seconds=1)
    await store.keep([first, kept(seconds=1)])
    await store.keep([first])
    await store.keep([])
    assert await store.of_contact(C1) == [first]


async def test_messages_come_oldest_first(database: Database) -> None:
    store = CallDataStore(database)
    await store.keep([kept("b.info", seconds=9), kept("a.invite", seconds=1)])
    assert [one.received_at for one in await store.of_contact(C1)] == [at(1), at(9)]
    assert kept(seconds=600).received_at == at(60), "nothing comes from the future"


async def test_data_of_an_unknown_call_becomes_the_contact_s(database: Database) -> None:
    store = CallDataStore(database)
    await store.keep([kept("b.info", contact_id=""), kept("c.info", contact_id="", call_id="x")])
    assert await store.contact_of_call(CALL_ID) is None
    (assigned,) = await store.assign(CALL_ID, C1)
    assert assigned.contact_id == C1
    assert await store.assign(CALL_ID, ContactId("c2")) == []
    assert await store.contact_of_call(CALL_ID) == C1
    assert await store.of_contact(C1) == [assigned]


async def test_what_no_card_has_is_known_until_it_is_settled(database: Database) -> None:
    store = CallDataStore(database)
    one, other = kept("a.invite", seconds=1), kept("b.info", seconds=2)
    await store.keep([one, other])
    await store.settle([one.key, "unknown"], at(3))
    await store.settle([], at(3))
    ((row, left),) = await store.untold(at(0))
    assert left == other
    assert await store.untold(at(0), after=row) == []
    assert await store.has(one.key)
    assert not await store.has("unknown")
    assert await store.untold(at(2)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE call_data SET octets = key",
        "UPDATE call_data SET contact_id = 'another'",
        "UPDATE call_data SET contact_id = NULL",
        "DELETE FROM call_data",
    ],
)
async def test_the_database_refuses_to_change_what_came(
    database: Database, database_kind: str, statement: str
) -> None:
    store = CallDataStore(database)
    await store.keep([kept()])
    if database_kind == "postgresql":
        statement = statement.replace("= key", "= ''::bytea")
    with pytest.raises(DBAPIError):
        await database.write(lambda session: session.execute(text(statement)))
    assert await store.of_contact(C1) == [kept()]


async def test_half_a_character_and_nul_are_no_trouble(database: Database) -> None:
    store = CallDataStore(database)
    told = Kept("k", Via.INFO, at(0), b"\0\xff", call_id="a\0\ud800", source="\0x")
    await store.keep([told])
    ((_, found),) = await store.untold(at(-1))
    assert (found.octets, found.source) == (b"\0\xff", "x")
