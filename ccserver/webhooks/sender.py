"""Posting what is due, with a deadline for each, and leaving alone who does not answer."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import aiohttp
import msgspec
import structlog

from ccserver.db import DatabaseUnavailable
from ccserver.outbox import OutboxStore
from ccserver.outbox.cloud_events import CONTENT_TYPE
from ccserver.webhooks.schedule import next_attempt, pause_s
from ccserver.webhooks.signing import headers
from ccserver.webhooks.store import GONE, WEBHOOKS_MAX, Due, WebhookStore

POST_TIMEOUT_S = 15.0
"""Of one delivery in all; Standard Webhooks recommends 15 to 30 s."""
PARALLEL_PER_WEBHOOK = 4
"""To a receiver that answers; one that failed last time is tried with one at a time."""
LOOK_INTERVAL_S = 0.5
"""Between two looks for new events, if nobody wakes the sender."""
AWAY_PAUSE_S = 2.0
"""While the database is away."""
OUTBOX_KEPT = timedelta(days=7)
PURGE_INTERVAL_S = 3_600.0
ANSWER_BYTES_MAX = 64 * 1024
"""The answer's body is not read beyond it; it says nothing to us."""
USER_AGENT = "ccserver-webhooks/1"

log = structlog.get_logger(__name__)


class Clock(Protocol):
    """Both kinds of time."""

    def now(self) -> datetime:
        """The aware UTC time."""

    def monotonic(self) -> float:
        """Seconds that never go back."""


@dataclass(slots=True)
class _Receiver:
    """What this process knows of one webhook's receiver."""

    failures: int = 0
    """In a row."""
    quiet_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is ``None`` where there was no answer; ``error`` says why in words."""

    status: int | None
    error: str = ""

    @property
    def taken(self) -> bool:
        """Whether the receiver has the event now."""
        return self.status is not None and 200 <= self.status < 300


class WebhookSender:
    """Turns events into deliveries and posts them, each webhook's by a task of its own.

    Counters: ``posted``, ``refused``, ``died``.
    """

    def __init__(self, store: WebhookStore, outbox: OutboxStore, *, clock: Clock) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._wake = asyncio.Event()
        self._receivers: dict[str, _Receiver] = defaultdict(_Receiver)
        self._sending: dict[str, asyncio.Task[None]] = {}
        """By webhook: a receiver that is slow holds up nobody else's events."""
        self._purged_at = -PURGE_INTERVAL_S
        self.posted = 0
        self.refused = 0
        self.died = 0

    def wake(self) -> None:
        """There is something new: do not wait for the next look."""
        self._wake.set()

    async def run(self) -> None:
        """Send for ever; cancel it to stop. What was not confirmed is sent again later."""
        async with _client() as session:
            try:
                while True:
                    self._wake.clear()
                    await self._sleep(await self._look(session))
            finally:
                sending = list(self._sending.values())
                for task in sending:
                    task.cancel()
                await asyncio.gather(*sending, return_exceptions=True)

    async def _look(self, session: aiohttp.ClientSession) -> float:
        """One step, whatever becomes of it; returns how long to wait if nobody wakes us."""
        try:
            return 0.0 if await self._step(session) else LOOK_INTERVAL_S
        except DatabaseUnavailable as error:
            log.warning("webhooks_wait", reason=str(error))
        except Exception:
            # One event that cannot be sent must not silence all others.
            log.exception("webhooks_failed")
        return AWAY_PAUSE_S

    async def probe(self, due: Due) -> Answer:
        """Post once, now, whatever else waits; nothing is kept of it."""
        async with _client() as session:
            return await self._post(session, due)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _step(self, session: aiohttp.ClientSession) -> bool:
        """One look; tells whether there may be more to do at once."""
        now = self._clock.now()
        await self._purge(now)
        looked_at = await self._store.fan_out(at=now)
        batches: dict[str, list[Due]] = defaultdict(list)
        for due in await self._store.due(at=now, quiet=self._quiet()):
            batches[due.webhook_id].append(due)
        for webhook_id, batch in batches.items():
            self._sending[webhook_id] = asyncio.create_task(
                self._work(session, webhook_id, batch), name=f"webhook.{webhook_id}"
            )
        return looked_at > 0 or bool(batches)

    def _quiet(self) -> list[str]:
        now = self._clock.monotonic()
        left_alone = [key for key, one in self._receivers.items() if one.quiet_until > now]
        return [*self._sending, *left_alone]

    async def _work(
        self, session: aiohttp.ClientSession, webhook_id: str, batch: Sequence[Due]
    ) -> None:
        """One webhook's batch, and then a look for more."""
        try:
            await self._send_all(session, batch)
        except Exception as error:
            # It was posted or not, and is posted again: better twice than not at all.
            away = isinstance(error, DatabaseUnavailable)
            log.warning("webhook_waits", webhook_id=webhook_id, exc_info=None if away else error)
            self._receivers[webhook_id].quiet_until = self._clock.monotonic() + AWAY_PAUSE_S
        finally:
            del self._sending[webhook_id]
            self.wake()

    async def _send_all(self, session: aiohttp.ClientSession, batch: Sequence[Due]) -> None:
        """One webhook's batch, oldest first, until its receiver fails."""
        receiver = self._receivers[batch[0].webhook_id]
        if receiver.failures:
            await self._send(session, batch[0])
            batch = batch[1:]
        for start in range(0, len(batch), PARALLEL_PER_WEBHOOK):
            if receiver.failures:
                return
            together = batch[start : start + PARALLEL_PER_WEBHOOK]
            # All are awaited, so that none is still under way when it is posted again.
            sends = (self._send(session, due) for due in together)
            for result in await asyncio.gather(*sends, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result

    async def _send(self, session: aiohttp.ClientSession, due: Due) -> None:
        answer = await self._post(session, due)
        receiver = self._receivers[due.webhook_id]
        now = self._clock.now()
        if answer.taken:
            assert answer.status is not None
            receiver.failures = 0
            self.posted += 1
            await self._store.delivered(due.delivery_id, status=answer.status, at=now)
            return
        receiver.failures += 1
        receiver.quiet_until = self._clock.monotonic() + pause_s(receiver.failures)
        self.refused += 1
        again_at = next_attempt(due.attempts + 1, now=now, chance=random.random())  # noqa: S311
        await self._store.failed(
            due.delivery_id, status=answer.status, error=answer.error, again_at=again_at
        )
        if again_at is None:
            self.died += 1
            log.error("webhook_delivery_dead", webhook_id=due.webhook_id, event_id=due.event_id)
        if answer.status == 410:
            # Standard Webhooks: the receiver is gone for good, stop sending.
            log.warning("webhook_stopped", webhook_id=due.webhook_id)
            await self._store.stop(due.webhook_id, GONE)

    async def _post(self, session: aiohttp.ClientSession, due: Due) -> Answer:
        body = msgspec.json.encode(due.body)
        signed = headers(due.secrets, due.event_id, int(self._clock.now().timestamp()), body)
        try:
            # Redirects are not followed: a signed event goes where an admin sent it, nowhere else.
            async with session.post(
                due.url,
                data=body,
                headers={"Content-Type": CONTENT_TYPE, **signed},
                allow_redirects=False,
            ) as response:
                await response.content.read(ANSWER_BYTES_MAX)
                return Answer(response.status, f"HTTP {response.status}")
        except TimeoutError:
            return Answer(None, "no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, type(error).__name__)

    async def _purge(self, now: datetime) -> None:
        if self._clock.monotonic() - self._purged_at < PURGE_INTERVAL_S:
            return
        self._purged_at = self._clock.monotonic()
        await self._store.purge(at=now)
        await self._outbox.purge(now - OUTBOX_KEPT)


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=POST_TIMEOUT_S),
        # Waiting for a free connection would count as the receiver's silence.
        connector=aiohttp.TCPConnector(limit=PARALLEL_PER_WEBHOOK * WEBHOOKS_MAX),
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
    )
