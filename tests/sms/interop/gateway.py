"""The product's gateway over a real database, with takers that keep what they are handed."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from sqlalchemy.orm import Session as DatabaseSession

from ccserver.config import SMSBindSettings, SMSOperatorSettings, SMSSettings
from ccserver.db import Database
from ccserver.sms.gateway import SMSGateway
from ccserver.sms.session import Session
from ccserver.texts import Channel, Delivery, DeliveryState, IncomingText, OutgoingText
from ccserver.types import MessageId
from ccserver.web.ports import SystemClock
from tests.sms.peers import Hurry

WITHIN_S = 60.0


class Taken:
    """Whoever takes what the gateway hands on; the same key again is the same text."""

    def __init__(self) -> None:
        self.by_key: dict[str, IncomingText] = {}
        self.positions: dict[str, str] = {}
        self.states: dict[str, list[DeliveryState]] = {}
        self._moved = asyncio.Event()

    def texts(self, session: DatabaseSession, texts: Sequence[IncomingText]) -> None:
        self.by_key |= {text.key: text for text in texts}

    def is_aml(self, text: str) -> bool:
        return text.startswith('A"ML=')

    def is_aml_tail(self, text: str) -> bool:
        return text.startswith(";")

    def aml(self, session: DatabaseSession, *, key: str, text: str, **_given: object) -> None:
        self.positions[key] = text

    def deliveries(self, session: DatabaseSession, deliveries: Sequence[Delivery]) -> None:
        for each in deliveries:
            self.states.setdefault(each.message_id, []).append(each.state)

    def stored(self, kinds: frozenset[str]) -> None:
        self._moved.set()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self._moved.clear()
                await self._moved.wait()

    def whole(self) -> list[str]:
        """Complete texts without repetitions, sorted.

        A repetition of a text in one part is a text of its own that is marked; parts that come
        again belong to the text that has them, and mark it.
        """
        return sorted(
            each.text
            for each in self.by_key.values()
            if each.complete and (each.parts_total > 1 or not each.duplicate)
        )


def settings_of(port: int, binds: int) -> SMSSettings:
    return SMSSettings(
        operators=(
            SMSOperatorSettings(
                name="north",
                binds=tuple(
                    SMSBindSettings(
                        name=f"north-{number}",
                        host="127.0.0.1",
                        port=port,
                        system_id="ccserver",
                        password="secret",
                    )
                    for number in range(1, binds + 1)
                ),
            ),
        )
    )


@asynccontextmanager
async def running(
    database: Database, port: int, taken: Taken, *, binds: int = 2
) -> AsyncIterator[SMSGateway]:
    """A gateway that reconnects and goes on after throttling without a pause."""
    gateway = SMSGateway(
        database,
        settings_of(port, binds),
        taken,
        clock=SystemClock(),
        make_session=partial(Session, chance=Hurry()),
    )
    task = asyncio.create_task(gateway.run())
    try:
        yield gateway
        assert not task.done(), "the gateway never ends by itself"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def reply(database: Database, gateway: SMSGateway, citizen: str, text: str) -> MessageId:
    """Save a reply as a conversation does."""
    outgoing = OutgoingText(
        message_id=MessageId(str(uuid.uuid4())),
        channel=Channel.SMS,
        via="north-1",
        citizen=citizen,
        our_number="112",
        text=text,
        at=datetime.now(UTC),
    )
    await database.write(lambda session: gateway.enqueue(session, outgoing))
    gateway.wake()
    return outgoing.message_id
