"""A process that sends webhooks and nothing else, to be killed: ``python -m … DATABASE_URL``."""

import asyncio
import sys

from ccserver.db import Database
from ccserver.outbox import OutboxStore
from ccserver.web.ports import SystemClock
from ccserver.webhooks import WebhookSender, WebhookStore


async def send(url: str) -> None:
    database = Database(url, request_timeout_s=20.0)
    store = WebhookStore(database, lambda session, ids: {})
    await WebhookSender(store, OutboxStore(database), clock=SystemClock()).run()


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1]))
