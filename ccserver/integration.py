"""What leaves the centre, as a stream and as webhooks: built here for the composition root."""

import asyncio
from collections.abc import Collection, Coroutine, Mapping

import structlog
from aiohttp import web

from ccserver.db import Database, DatabaseUnavailable
from ccserver.metrics import Metrics
from ccserver.outbox import OutboxStore
from ccserver.types import IncidentId, ServiceCode
from ccserver.web.access import Route
from ccserver.web.events import EventStreams
from ccserver.web.ports import Clock
from ccserver.web.webhooks import WebhooksAPI
from ccserver.webhooks import Involved, WebhookSender, WebhookStore

LOOK_S = 15.0
"""Between two looks at what waits; nobody acts on it within seconds."""

LAG_ALARM_S = 900.0
"""A receiver that restarts is back sooner; longer is worth a telephone call to that service."""

log = structlog.get_logger(__name__)


class Integration:
    """Events for the systems of services, with routes, tasks and what the watch asks.

    ``involved`` says within a transaction which services are involved in which incidents.
    """

    def __init__(
        self, database: Database, involved: Involved, *, metrics: Metrics, clock: Clock
    ) -> None:
        self._database = database
        self._involved = involved
        self._metrics = metrics
        self._clock = clock
        self.outbox = outbox = OutboxStore(database)
        self.webhooks = WebhookStore(database, involved)
        self.sender = WebhookSender(self.webhooks, outbox, clock=clock)
        self.streams = EventStreams(outbox, self.read_involved, metrics=metrics, clock=clock)
        self.stuck = False
        """Whether events do not reach somebody."""
        self._counted = {"delivered": 0, "failed": 0, "dead": 0}

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        api = WebhooksAPI(self.webhooks, self.sender, self._clock)
        return (*api.routes(), *self.streams.routes())

    def attach(self, application: web.Application) -> None:
        """End the streams in order when the server stops."""
        application.on_shutdown.append(self.streams.end_all)

    def services(self) -> dict[str, Coroutine[None, None, None]]:
        """The tasks, by name; none ends by itself."""
        return {
            "webhooks": self.sender.run(),
            "event_streams": self.streams.run(),
            "webhooks_watch": self.watch(),
        }

    def wake(self) -> None:
        """Something happened that may be told: do not wait for the next look."""
        self.sender.wake()
        self.streams.wake()

    async def watch(self) -> None:
        """Look at what waits, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """One look: metrics, and whether events do not reach somebody."""
        sender, metrics = self.sender, self._metrics
        done = {"delivered": sender.posted, "failed": sender.refused, "dead": sender.died}
        for result, total in done.items():
            metrics.webhook_deliveries.labels(result).inc(total - self._counted[result])
        self._counted = done
        try:
            totals = await self.webhooks.totals()
        except DatabaseUnavailable as error:
            log.warning("webhooks_not_watched", reason=str(error))
            return
        lag_s = 0.0
        if totals.waiting_since is not None:
            lag_s = max(0.0, (self._clock.now() - totals.waiting_since).total_seconds())
        metrics.webhook_pending.set(totals.pending)
        metrics.webhook_dead.set(totals.dead)
        metrics.webhook_lag_seconds.set(lag_s)
        self.stuck = totals.dead > 0 or lag_s > LAG_ALARM_S

    async def read_involved(
        self, incident_ids: Collection[IncidentId]
    ) -> Mapping[IncidentId, Collection[ServiceCode]]:
        """Which services are involved in these incidents now."""
        return await self._database.read(lambda session: self._involved(session, incident_ids))
