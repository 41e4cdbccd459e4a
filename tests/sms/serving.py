"""A process that is a gateway and nothing else, and that kills itself at a step.

``python -m tests.sms.serving DATABASE_URL PORT STEP``; what it hands on lies in tables of the test.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session as DatabaseSession

from ccserver.config import SMSSettings
from ccserver.db import Database
from ccserver.sms.gateway import SMSGateway
from ccserver.sms.inbox import Inbox
from ccserver.sms.session import Session
from ccserver.texts import Delivery, IncomingText
from ccserver.web.ports import SystemClock
from tests.sms.gate import Taken
from tests.sms.peers import operator, settings

STEPS = ("stored", "handing_on", "handed_on", "claimed", "submitted", "settling")
TABLES = (
    "CREATE TABLE taken (text_key TEXT PRIMARY KEY, words TEXT, duplicate BOOLEAN, whole BOOLEAN)",
    "CREATE TABLE told (message_id VARCHAR(36) PRIMARY KEY, state VARCHAR(16))",
)
TAKE = text(
    "INSERT INTO taken VALUES (:key, :words, :duplicate, :complete) ON CONFLICT (text_key)"
    " DO UPDATE SET words = :words, duplicate = :duplicate, whole = :complete"
)
TELL = text(
    "INSERT INTO told VALUES (:message_id, :state) ON CONFLICT (message_id)"
    " DO UPDATE SET state = :state"
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Durable(Taken):
    """Takers in the database, as those of the product are."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self.step = step

    def texts(self, session: DatabaseSession, texts: Sequence[IncomingText]) -> None:
        for one in texts:
            values = {
                "key": one.key,
                "words": one.text,
                "duplicate": one.duplicate,
                "complete": one.complete,
            }
            session.execute(TAKE, values)
        if self.step == "handing_on":
            die()

    def aml(
        self,
        session: DatabaseSession,
        *,
        key: str,
        text: str,
        octets_hex: str,
        sender: str,
        received_at: datetime,
    ) -> None:
        raise AssertionError("no position was sent")

    def deliveries(self, session: DatabaseSession, deliveries: Sequence[Delivery]) -> None:
        for one in deliveries:
            values = {"message_id": one.message_id, "state": one.state.value}
            session.execute(TELL, values)
        if self.step == "settling":
            die()

    def stored(self, kinds: frozenset[object]) -> None:
        if self.step == "handed_on" and "texts" in kinds:
            die()


class Mortal(Session):
    """A session that dies before it sends, or with the answer in its hand."""

    step = ""

    async def submit(self, body: bytes, *, timeout_s: float) -> str:
        if self.step == "claimed":
            die()
        answer = await super().submit(body, timeout_s=timeout_s)
        if self.step == "submitted":
            die()
        return answer


async def serve(url: str, port: int, step: str) -> None:
    database = Database(url, request_timeout_s=20.0)
    Mortal.step = step
    if step == "stored":
        Inbox._acknowledge = lambda *_: die()  # type: ignore[method-assign]
    known = SMSSettings(operators=(operator(settings(port)),))
    takers = Durable(step)
    await SMSGateway(database, known, takers, clock=SystemClock(), make_session=Mortal).run()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
