"""Messages that are held survive, come back as they were, and are gone after their time."""

from sqlalchemy import select

from ccserver.aml.models import AMLHeldRow
from ccserver.aml.store import PAGE_MAX, AMLStore, hold
from ccserver.db import Database
from ccserver.types import ContactId
from tests.aml.conftest import T0, at, by_https, by_sms, text

C1 = ContactId("c1")
KEEP_S = 600.0
FIRST = select(AMLHeldRow).order_by(AMLHeldRow.row_id)


async def test_held_messages_come_back_as_they_were(database: Database) -> None:
    store = AMLStore(database, keep_s=KEEP_S)
    broken = by_sms(2, body=text(2, lat="\0x"))
    told = [by_sms(0), by_https(1), broken]
    await store.hold(told)
    held = await store.waiting(after=0, now=T0)
    found = [each.sighting for each in held]
    assert found[:2] == told[:2]
    shown = broken.unreadable
    assert shown is not None
    assert found[2].unreadable == shown.replace("\0", ""), "without what no database can keep"
    assert [each.sighting for each in await store.waiting(after=held[0].row_id, now=T0)] == found[
        1:
    ]


async def test_the_same_message_is_held_once(database: Database) -> None:
    store = AMLStore(database, keep_s=KEEP_S)
    for _ in range(2):
        await database.write(lambda session: hold(session, [by_sms(0)], keep_s=KEEP_S))
    await store.hold([by_sms(0), by_sms(0)])
    assert len(await store.waiting(after=0, now=T0)) == 1


async def test_a_message_on_a_card_keeps_only_whose_it_was(database: Database) -> None:
    store = AMLStore(database, keep_s=KEEP_S)
    await store.hold([by_sms(0), by_sms(1)])
    await store.settle({by_sms(0).key: C1, "unknown": C1}, at(2))
    await store.settle({}, at(2))
    (waiting,) = await store.waiting(after=0, now=T0)
    assert waiting.sighting.key == by_sms(1).key
    (settled,) = await store.on_cards(now=T0)
    assert (settled.digits, settled.device) == (by_sms(0).digits, by_sms(0).device)
    assert not settled.tells
    await store.hold([by_sms(0)])
    assert len(await store.waiting(after=0, now=T0)) == 1, "known, and no more held"
    row = await database.read(lambda session: session.scalars(FIRST).first())
    assert row is not None
    assert (row.message, row.matched_contact_id, row.matched_at) == (None, C1, at(2))


async def test_everything_is_deleted_after_its_time(database: Database) -> None:
    store = AMLStore(database, keep_s=KEEP_S)
    await store.hold([by_sms(0), by_sms(1), by_sms(2)])
    await store.settle({by_sms(0).key: C1}, at(2))
    assert await store.expire(at(KEEP_S - 1)) == 0
    assert await store.waiting(after=0, now=at(KEEP_S + 1.5))
    assert await store.expire(at(KEEP_S + 1)) == 1, "of two, one had found its call"
    assert len(await store.waiting(after=0, now=T0)) == 1


async def test_nobodys_position_is_not_kept(database: Database) -> None:
    store = AMLStore(database, keep_s=KEEP_S)
    await store.hold([by_sms(0, "CSDD", body=text(0, imei="x")), by_https(0, None, imei="")])
    assert await store.waiting(after=0, now=T0) == []


async def test_many_are_read_by_pages(database: Database) -> None:
    store = AMLStore(database, keep_s=KEEP_S)
    await store.hold([by_sms(number) for number in range(PAGE_MAX + 1)])
    page = await store.waiting(after=0, now=T0)
    assert len(page) == PAGE_MAX
    assert len(await store.waiting(after=page[-1].row_id, now=T0)) == 1
