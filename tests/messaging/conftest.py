"""A store of conversations over each kind of database, and texts of one citizen."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ccserver.db import Database
from ccserver.messaging import Landed, MessageKind, MessagingStore, Written, writing
from ccserver.texts import Channel, IncomingText
from ccserver.types import AgentId, ContactId, ConversationId
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)

START = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
NUMBER = "+37129123456"
ANNA = AgentId("agent-101")
BORIS = AgentId("agent-102")

FIRST = IncomingText(
    key="sms:1",
    channel=Channel.SMS,
    via="lmt-1",
    citizen=NUMBER,
    our_number="112",
    text="Palīgā, deg māja!",
    received_at=START,
)


def second(number: float) -> datetime:
    return START + timedelta(seconds=number)


def contact_id(name: str) -> ContactId:
    """A contact's id that a failing test can be read by."""
    return ContactId(str(uuid.uuid5(uuid.NAMESPACE_OID, name)))


def text(key: str = "sms:1", at: float = 0, **changes: object) -> IncomingText:
    return replace(FIRST, key=key, received_at=second(at), **changes)  # type: ignore[arg-type]


@pytest.fixture
def store(database: Database) -> MessagingStore:  # noqa: F811
    return MessagingStore(database)


class Hand:
    """Lands and writes texts, each in a transaction of its own."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def land(self, *texts: IncomingText) -> list[Landed]:
        return await self.db.write(
            lambda session: [writing.add_incoming(session, one) for one in texts]
        )

    async def lands(self, *texts: IncomingText) -> Landed:
        return (await self.land(*texts))[-1]

    async def write(
        self,
        conversation_id: ConversationId,
        words: str = "Kur Jūs atrodaties?",
        at: float = 60,
        key: str = "first",
        kind: MessageKind = MessageKind.TEXT,
    ) -> Written:
        return await self.db.write(
            lambda session: writing.add_outgoing(
                session,
                conversation_id,
                key=key,
                text=words,
                at=second(at),
                author="anna",
                author_name="Anna Bērziņa",
                kind=kind,
            )
        )


@pytest.fixture
def hand(database: Database) -> Hand:  # noqa: F811
    return Hand(database)
