"""What is personal goes in its time, a bounded number at once, and numbers are never used again."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ccserver.db import Database
from ccserver.sms import retention
from ccserver.sms.models import InboxRow, PartRow, ReceiptRow, SendIdRow, SendRow, TextRow
from ccserver.sms.retention import (
    EARLY_RECEIPTS_KEPT,
    FAILED_KEPT,
    INBOX_KEPT,
    SENDS_KEPT,
    purge,
)
from tests.sms.gate import (
    START,
    ManualClock,
    Taken,
    body,
    hand_on,
    inbox,
    operator,
    outgoing,
    part,
    processor,
    receipt,
    store,
)


async def purged(database: Database, now: datetime) -> int:
    return await database.write(lambda session: purge(session, now))


async def count(database: Database, table: type) -> int:
    return await database.read(
        lambda session: session.scalar(select(func.count()).select_from(table)) or 0
    )


async def test_octets_go_after_a_day_and_the_newest_row_keeps_the_count(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    await store(database, *(body(b"%d" % number) for number in range(5)))
    await hand_on(processor(database, taken, clock))
    await purged(database, START + INBOX_KEPT)
    assert len(await inbox(database)) == 5
    await purged(database, START + INBOX_KEPT + timedelta(seconds=1))
    (last,) = await inbox(database)
    await store(database, body(b"next"))
    assert [row.inbox_id for row in await inbox(database)] == [last.inbox_id, last.inbox_id + 1]


async def test_what_is_not_handed_on_is_never_deleted_and_what_failed_stays_for_a_month(
    database: Database,
) -> None:
    await store(database, *(body(b"%d" % number) for number in range(4)))
    first = (await inbox(database))[0].inbox_id
    failed = update(InboxRow).where(InboxRow.inbox_id == first)
    await database.write(
        lambda session: session.execute(failed.values(failed="ValueError", done_at=START))
    )
    await purged(database, START + FAILED_KEPT)
    assert len(await inbox(database)) == 4
    await purged(database, START + FAILED_KEPT + timedelta(seconds=1))
    assert len(await inbox(database)) == 3


async def test_parts_receipts_and_replies_go_with_all_that_hangs_on_them(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    await store(database, part(b"a", 1, 2), part(b"b", 2, 2), receipt("1"))
    await hand_on(processor(database, taken, clock))

    def reply(session: Session) -> None:
        from ccserver.sms import correlation, sends  # noqa: PLC0415

        sends.enqueue(session, outgoing("m1"), operator=operator(), bind="north-1")
        send_id = session.scalar(select(SendRow.send_id))
        assert send_id is not None
        correlation.remember(session, "north", send_id, "abc")

    await database.write(reply)
    assert await count(database, ReceiptRow) == 1
    await purged(database, START + EARLY_RECEIPTS_KEPT + timedelta(seconds=1))
    assert await count(database, ReceiptRow) == 0
    assert await count(database, PartRow) == 2
    await purged(database, START + INBOX_KEPT + timedelta(seconds=1))
    assert await count(database, PartRow) == await count(database, TextRow) == 0
    assert await count(database, SendIdRow) > 0
    await purged(database, START + SENDS_KEPT + timedelta(seconds=1))
    assert await count(database, SendIdRow) == await count(database, SendRow) == 0


async def test_a_purge_is_done_in_pieces(
    database: Database, clock: ManualClock, taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PURGE_ROWS_MAX", 4)
    await store(database, *(body(b"%d" % number) for number in range(10)))
    await hand_on(processor(database, taken, clock))
    late = START + INBOX_KEPT + timedelta(seconds=1)
    assert [await purged(database, late) for _ in range(4)] == [4, 4, 1, 0]
