"""A store over each kind of database, and a receiver on a port of this machine."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ccserver.db import Database
from ccserver.outbox import EventType, OutboxEvent, OutboxStore, record
from ccserver.types import IncidentId, ServiceCode
from ccserver.webhooks import WebhookSender, WebhookStore
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
CRASH = IncidentId("0b3e6f9e-0000-4000-8000-000000000001")
FIRE = ServiceCode("vugd")
AMBULANCE = ServiceCode("nmpd")


@dataclass
class MovedClock:
    """Both times, moved by the test."""

    at_s: float = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.at_s)

    def monotonic(self) -> float:
        return 1_000.0 + self.at_s


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes

    def event(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Somebody's system: takes what comes and answers as it is told."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    """The next answers, then always 204."""
    received: list[Received] = field(default_factory=list)
    before_answer: Callable[[int], None] = lambda _: None
    """Told the number of each request that has come, before it is answered."""
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def reached(self, count: int) -> None:
        """Wait until so many have come."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.received) >= count)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.received.append(Received({k.lower(): v for k, v in request.headers.items()}, body))
        self.before_answer(len(self.received))
        async with self.arrived:
            self.arrived.notify_all()
        status = self.answers.pop(0) if self.answers else 204
        headers = {"Location": "/elsewhere"} if 300 <= status < 400 else {}
        return web.Response(status=status, headers=headers)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver()
    app = web.Application()
    app.router.add_post("/hook", one.take)
    app.router.add_route("*", "/elsewhere", one.take)
    server = TestServer(app)
    await server.start_server()
    one.url = str(server.make_url("/hook"))
    yield one
    await server.close()


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def involved() -> dict[IncidentId, set[ServiceCode]]:
    return {CRASH: {FIRE}}


@pytest.fixture
def store(database: Database, involved: dict[IncidentId, set[ServiceCode]]) -> WebhookStore:  # noqa: F811
    return WebhookStore(database, lambda session, ids: involved)


@pytest.fixture
def sender(store: WebhookStore, database: Database, clock: MovedClock) -> WebhookSender:  # noqa: F811
    return WebhookSender(store, OutboxStore(database), clock=clock)


async def tell(
    database: Database,  # noqa: F811
    *keys: str,
    service: ServiceCode | None = None,
    type_: EventType = EventType.CARD_CHANGED,
    at: datetime = START,
) -> None:
    events = [OutboxEvent(type_, key, CRASH, at, service=service) for key in keys]
    await database.write(lambda session: record(session, *events))
