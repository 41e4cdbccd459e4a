"""The whole gateway over real sockets: from a message centre to whoever takes it, and back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from ccserver.config import SMSSettings
from ccserver.db import Database
from ccserver.sms.gateway import NoOperator, SMSGateway
from ccserver.sms.health import AlarmCode
from ccserver.sms.pdu import PDU, Command
from ccserver.sms.sends import enqueue
from ccserver.sms.short_message import ShortMessage
from ccserver.web.ports import SystemClock
from tests.sms.gate import Bind, ManualClock, Taken, body, inbox, operator, outgoing, part, receipt
from tests.sms.peers import MessageCentre, message_centre
from tests.sms.peers import operator as operator_of
from tests.sms.peers import settings as bind_settings

WITHIN_S = 60.0


class Watched(Taken):
    """Takers that a test can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._moved = asyncio.Event()

    def stored(self, kinds: frozenset[object]) -> None:
        super().stored(kinds)  # type: ignore[arg-type]
        self._moved.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self._moved.clear()
                await self._moved.wait()


@asynccontextmanager
async def running(
    database: Database, centre: MessageCentre, taken: Taken
) -> AsyncIterator[SMSGateway]:
    settings = SMSSettings(operators=(operator_of(bind_settings(centre.port)),))
    gateway = SMSGateway(database, settings, taken, clock=SystemClock())
    task = asyncio.create_task(gateway.run())
    try:
        yield gateway
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_conversation_by_sms_from_end_to_end(database: Database) -> None:
    taken = Watched()
    async with message_centre() as centre, running(database, centre, taken) as gateway:
        client = await centre.client()
        client.send(
            PDU(Command.DELIVER_SM, 0, 1, part(b"ga!", 2, 2)),
            PDU(Command.DELIVER_SM, 0, 2, part(b"Pali", 1, 2)),
        )
        for sequence in (1, 2):
            answer = await client.answer_to(Command.DELIVER_SM_RESP, sequence)
            assert answer.status == 0
        await taken.until(lambda: taken.shown == ["Paliga!"])
        (text,) = taken.by_key.values()
        reply = outgoing("m1", via=text.via, at=datetime.now(UTC))
        await database.write(lambda session: gateway.enqueue(session, reply))
        gateway.wake()
        await taken.until(lambda: taken.state_of("m1") == "sent")
        (submit,) = [one for one in client.received if one.command_id == Command.SUBMIT_SM]
        assert ShortMessage.parse(submit.body).text().text == "Kur Jūs esat?"
        client.send(PDU(Command.DELIVER_SM, 0, 3, receipt("1")))
        await taken.until(lambda: taken.state_of("m1") == "delivered")
        health = gateway.health()["north"]
        assert health.down_s is None
        assert [bind.ready for bind in health.binds] == [True]
        assert gateway.alarms() == ()
        assert gateway.counts() == {
            ("north", "texts"): 1,
            ("north", "sent"): 1,
            ("north", "receipts"): 1,
            ("north", "delivered"): 1,
        }
        await client.answer_to(Command.DELIVER_SM_RESP, 3)
    # A text that came in is acknowledged; what the operator did not hear of it sends again.
    assert len(await inbox(database)) == 3


async def test_a_link_that_breaks_before_the_acknowledgement_makes_a_repetition_that_is_marked(
    database: Database,
) -> None:
    taken = Watched()
    async with message_centre() as centre, running(database, centre, taken):
        client = await centre.client()
        client.send(PDU(Command.DELIVER_SM, 0, 1, body(b"help")))
        await taken.until(lambda: taken.shown == ["help"])
        client.drop()
        again = await centre.client(1)
        again.send(PDU(Command.DELIVER_SM, 0, 1, body(b"help")))
        await taken.until(lambda: len(taken.by_key) == 2)
        assert [text.duplicate for text in taken.by_key.values()] == [False, True]


def gateway_of(database: Database, clock: ManualClock, taken: Taken, *names: str) -> SMSGateway:
    def make(bind: object, *_: object, **__: object) -> Bind:
        return Bind(bind.name)  # type: ignore[attr-defined]

    settings = SMSSettings(operators=tuple(operator(name) for name in names))
    return SMSGateway(database, settings, taken, clock=clock, make_session=make)


async def test_without_an_operator_nothing_can_be_sent(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    gateway = gateway_of(database, clock, taken)
    with pytest.raises(NoOperator):
        await database.write(lambda session: gateway.enqueue(session, outgoing("m1")))


async def test_a_reply_by_a_bind_that_is_no_longer_set_up_leaves_by_another(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    gateway = gateway_of(database, clock, taken, "south")
    await database.write(lambda session: gateway.enqueue(session, outgoing("m1")))
    await gateway.sender.step()
    await asyncio.sleep(0)
    (bind, _) = gateway.roster.of("south")
    assert isinstance(bind, Bind)
    assert bind.texts == ["Kur Jūs esat?"]
    await asyncio.gather(*gateway.sender._under_way.values())


async def test_what_was_queued_for_an_operator_that_is_gone_leaves_by_another(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    await database.write(
        lambda session: enqueue(session, outgoing("m1"), operator=operator("north"), bind="north-1")
    )
    gateway = gateway_of(database, clock, taken, "south")
    await gateway.sender.step()
    await asyncio.gather(*gateway.sender._under_way.values())
    assert taken.state_of("m1") == "sent"


async def test_an_operator_without_a_bind_and_replies_that_wait_are_alarms(
    database: Database, clock: ManualClock, taken: Taken
) -> None:
    gateway = gateway_of(database, clock, taken, "north")
    for bind in gateway.roster.of("north"):
        assert isinstance(bind, Bind)
        bind.down_since = clock.monotonic()
    await database.write(lambda session: gateway.enqueue(session, outgoing("m1")))
    await gateway.sender.step()
    assert gateway.alarms() == ()
    clock.move(700)
    assert [one.code for one in gateway.alarms()] == [AlarmCode.SMS_DOWN, AlarmCode.SMS_STUCK]
    assert gateway.health()["north"].waiting == 1
