"""A centre whose events leave it: the real outbox, streams and webhooks over a real database."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from sqlalchemy.orm import Session

from ccserver.db import Database
from ccserver.integration import Integration
from ccserver.outbox import EventType, OutboxEvent, record
from ccserver.types import IncidentId, ServiceCode
from ccserver.web.access import Route
from ccserver.web.events import EventStreams, EventTimes
from tests.web.fakes import INCIDENT, START
from tests.web.world import World

FIRE = ServiceCode("fire")
AMBULANCE = ServiceCode("nmpd")


class Leaving:
    """The database with its events, and which services are involved in `INCIDENT`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.involved: set[ServiceCode] = {FIRE}
        self.integration: Integration | None = None

    def world(self, directory: Path, *, times: EventTimes | None = None) -> World:
        """A server of this database; several one after the other are restarts."""

        def rooms(world: World) -> tuple[Route, ...]:
            made = Integration(
                self.database, self._involved, metrics=world.metrics, clock=world.clock
            )
            made.streams = EventStreams(
                made.outbox,
                made.read_involved,
                metrics=world.metrics,
                clock=world.clock,
                times=times,
            )
            self.integration = made
            return made.routes()

        world = World(directory, rooms=rooms)
        assert self.integration is not None
        self.integration.attach(world.app)
        return world

    @property
    def running(self) -> Integration:
        assert self.integration is not None, "no server was made yet"
        return self.integration

    async def tell(
        self,
        *keys: str,
        service: ServiceCode | None = None,
        incident_id: IncidentId = INCIDENT,
    ) -> None:
        """Record events, each by a key."""
        for key in keys:
            event = OutboxEvent(
                EventType.CARD_CHANGED, key, incident_id, START, service=service, data={"tag": key}
            )
            await self.database.write(record_one(event))

    def _involved(
        self, _: Session, incident_ids: Collection[IncidentId]
    ) -> Mapping[IncidentId, Collection[ServiceCode]]:
        return {one: self.involved for one in incident_ids if one == INCIDENT}


def record_one(event: OutboxEvent) -> Callable[[Session], None]:
    return lambda session: record(session, event)
