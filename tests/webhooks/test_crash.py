"""Proves with ``kill -9`` that every event arrives at least once, each time under the same id."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import defaultdict
from datetime import UTC, datetime

from ccserver.db import Database
from ccserver.webhooks import DeliveryState, NewWebhook, WebhookStore
from tests.webhooks.conftest import Receiver, tell

EVENTS = 24
KILLED_AT = (3, 11, 20)
"""The request in the midst of which the process that sent it is killed, before any answer."""
WAIT_S = 40.0
"""For something that must happen; only a failing test waits as long."""


async def test_every_event_arrives_though_its_sender_is_killed(
    store: WebhookStore, database: Database, database_url: str, receiver: Receiver
) -> None:
    now = datetime.now(UTC)  # the processes have the machine's clock
    webhook, _ = await store.add(NewWebhook("CAD", receiver.url), by="admin", at=now)
    await tell(database, *(f"event {number}" for number in range(EVENTS)), at=now)
    for killed_at in KILLED_AT:
        await killed_within(receiver, database_url, killed_at)
    process = await started(database_url)
    try:
        await all_delivered(store, webhook.webhook_id)
    finally:
        process.kill()
        await process.wait()
    bodies = defaultdict(set)
    for got in receiver.received:
        bodies[got.headers["webhook-id"]].add(got.body)
    # Each event came, some of them twice, and a repetition is known by its id.
    assert len(bodies) == EVENTS
    assert all(len(told) == 1 for told in bodies.values())
    assert len(receiver.received) > EVENTS


async def all_delivered(store: WebhookStore, webhook_id: str) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            done = await store.deliveries(webhook_id, state=DeliveryState.DELIVERED)
            if len(done) == EVENTS:
                return
            await asyncio.sleep(0.1)


async def started(database_url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.webhooks.sending", database_url,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def killed_within(receiver: Receiver, database_url: str, request: int) -> None:
    """Let a process send until so many requests have come in all; kill it before the answer."""
    process = await started(database_url)

    def kill(number: int) -> None:
        if number == request:
            os.kill(process.pid, signal.SIGKILL)

    receiver.before_answer = kill
    try:
        async with asyncio.timeout(WAIT_S):
            assert await process.wait() == -signal.SIGKILL
    finally:
        receiver.before_answer = lambda _: None
        with contextlib.suppress(ProcessLookupError):
            process.kill()
