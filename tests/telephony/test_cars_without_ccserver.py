"""Cars that call while ccserver is dead, on the whole real stack: each has its card afterwards.

With the service that it asked for, with what it sent, and with a call-back for who gave up; a test
of the service has a card and no call-back.
"""

import asyncio
import contextlib
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from ccserver.callbacks.models import CallbackContactRow
from ccserver.calldata.models import CallDataRow
from ccserver.card.models import ContactRow
from ccserver.db import Database
from sim.sipp.raw import SIPSocket
from sim.stack import Stack, seats
from tests.telephony.exchange import EVENTUALLY_S
from tests.telephony.kept import call_headers, sample
from tests.telephony.test_call_data_asterisk import Edge

pytestmark = [pytest.mark.asterisk, pytest.mark.stack, pytest.mark.slow]

CAR, TEST = "urn:service:sos.ecall.manual", "urn:service:test.sos.ecall"


async def contacts(database: Database, count: int) -> Sequence[ContactRow]:
    """The contacts that are over, by arrival, once there are so many."""
    give_up_at = time.monotonic() + EVENTUALLY_S
    while True:
        found = await database.read(
            lambda session: session.scalars(
                select(ContactRow)
                .where(ContactRow.ended_at.is_not(None))
                .order_by(ContactRow.arrived_at)
            ).all()
        )
        if len(found) >= count:
            return found
        assert time.monotonic() < give_up_at, "a call has no card"
        await asyncio.sleep(0.2)


async def eventually_all(
    database: Database, rows: type[CallbackContactRow | CallDataRow], wanted: Collection[str]
) -> set[str | None]:
    """The contacts that have such a row, once there are as many as wanted."""
    give_up_at = time.monotonic() + EVENTUALLY_S
    while True:
        found = await database.read(lambda session: set(session.scalars(select(rows.contact_id))))
        if len(found) >= len(wanted):
            return set(found)
        assert time.monotonic() < give_up_at, f"{rows.__tablename__} has {len(found)}"
        await asyncio.sleep(0.2)


async def test_every_car_has_its_card(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as exits:
        socket = await SIPSocket.open(0)
        exits.callback(socket.close)
        stack = Stack(tmp_path / "stack", seats(1))
        exits.push_async_callback(stack.stop)
        socket.peer_port = stack.ports.sip
        await stack.start()
        line = Edge(stack, socket)
        await line.call(dict(call_headers(sample(900), service=CAR)))
        await stack.kill_ccserver()
        await line.call(dict(call_headers(sample(900), service=CAR)))
        await line.call(dict(call_headers(sample(900), service=TEST)))
        await line.call({})
        await stack.start_ccserver()
        database = Database(stack.config.database.url, request_timeout_s=10.0)
        exits.push_async_callback(database.close)
        found = await contacts(database, 4)
        assert [(one.service, one.test, one.outcome) for one in found] == [
            (CAR, False, "abandoned"),
            (CAR, False, "abandoned"),
            (TEST, True, "abandoned"),
            (None, False, "abandoned"),
        ]
        assert [one.queue for one in found] == ["ecall", "ecall", "ecall_test", "emergency"]
        # Whoever asked for help is called back, and nobody else.
        helped = {one.contact_id for one in found if not one.test}
        assert await eventually_all(database, CallbackContactRow, helped) == helped
        # And what came with them is stored, and does not lie on the disk any more.
        cars = {one.contact_id for one in found if one.service}
        assert await eventually_all(database, CallDataRow, cars) == cars
        assert not list(line.directory.glob("*.invite"))
