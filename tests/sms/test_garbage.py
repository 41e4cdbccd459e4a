"""Whatever octets an operator delivers, each delivery ends with somebody, in real conversations."""

import random
from collections.abc import Sequence

from sqlalchemy.orm import Session

from ccserver.db import Database
from ccserver.messaging import writing
from ccserver.sms.reassembly import PARTS_WAIT_S
from ccserver.texts import IncomingText
from tests.sms.gate import ManualClock, Taken, body, hand_on, inbox, processor, store

ODD = (
    b"",
    b"\x01\x02",
    body(b""),
    body(b"x" * 200, citizen="9" * 64),
    body(b"\xd8\x00" * 30, data_coding=8),
    body(bytes(range(250)), data_coding=4),
    body(b"hi", citizen=""),
    body(b"hi", ours=""),
    body(b"hi", citizen="A\xff\x80", ton=5),
)


class Conversations(Taken):
    """Takers that write into the product's conversations."""

    def texts(self, session: Session, texts: Sequence[IncomingText]) -> None:
        super().texts(session, texts)
        for text in texts:
            writing.add_incoming(session, text, keep_open_s=14_400.0, structured=None)


async def test_mutated_and_random_deliveries_are_all_handed_on(
    database: Database, clock: ManualClock
) -> None:
    chance = random.Random(20260301)  # noqa: S311
    bodies = list(ODD)
    for _ in range(200):
        octets = bytearray(body(b"There is a fire"))
        for _ in range(chance.randint(1, 6)):
            octets[chance.randrange(len(octets))] = chance.randrange(256)
        bodies.append(bytes(octets))
    bodies += [chance.randbytes(chance.randint(0, 80)) for _ in range(60)]
    taken = Conversations()
    one = processor(database, taken, clock)
    await store(database, *bodies)
    await hand_on(one)
    clock.move(PARTS_WAIT_S)
    await hand_on(one)
    rows = await inbox(database)
    assert all(row.done_at is not None and row.failed is None for row in rows)
    ended = sum(
        one.counts["north", what] for what in ("texts", "aml", "receipts", "receipts_unmatched")
    )
    assert ended == len(bodies)
    assert not one.counts["north", "salvaged"]
