"""A centre that cars call: the real desk, journal, cards and live view; Asterisk is a directory."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from ccserver.acd.events import Direction
from ccserver.calldata.references import Fetched, ReferenceFailed
from ccserver.calldata.spool import CallDataSpool
from ccserver.calldata.store import CallDataStore
from ccserver.card import CardJournal, CardStore, TimelineEntry, TimelineTag
from ccserver.card.spill import JournalItem
from ccserver.card.whole import CardData
from ccserver.chronicle import Chronicle
from ccserver.config import CallDataSettings
from ccserver.db import Database
from ccserver.ecall_desk import ECallDesk
from ccserver.live import LiveContact, LiveView, Message
from ccserver.metrics import Metrics
from ccserver.sipedge.client import EdgeHealth
from ccserver.telephony.call import CallFacts
from ccserver.types import ContactId, IncidentId
from tests.calldata.samples import AUTOMATIC, CALL_ID, CONTACT, T0, line, put

WAIT_S = 60.0
"""For what happens within milliseconds on a machine that has nothing else to do."""


class Clock:
    """Both clocks, moved by the test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return T0 + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class FakeEdge:
    """The edge's control port: ``refuse`` with errors, then note what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str, bytes]] = []
        self.refuse: list[Exception] = []

    async def send_info(
        self, call_id: str, *, package: str, content_type: str, body: bytes
    ) -> None:
        if self.refuse:
            raise self.refuse.pop(0)
        self.sent.append((call_id, package, content_type, body))

    async def health(self) -> EdgeHealth:
        return EdgeHealth(())


class FakeReferences:
    """Location servers: answers by address."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []

    async def fetch(self, uri: str) -> Fetched:
        self.asked.append(uri)
        if uri not in self.answers:
            raise ReferenceFailed("timeout", "lis.example")
        return Fetched("application/held+xml", self.answers[uri])


class Room:
    """One process of the centre; an async context manager. ``kill`` it, and enter another."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        clock: Clock | None = None,
        edge: bool = True,
        settings: CallDataSettings | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.database = database
        self.folder = folder
        self.spool_dir = folder / "calldata"
        self.metrics = Metrics()
        self.messages: list[Message] = []
        self.items: list[JournalItem] = []
        self.facts: dict[ContactId, CallFacts] = {}
        self.edge = FakeEdge()
        self.references = FakeReferences()
        self._news = asyncio.Event()
        self.cards = CardStore(database)
        self.journal = CardJournal(
            self.cards,
            spill_path=folder / "spill",
            on_opened=lambda contact_id, head: self.chronicle.card_written(
                contact_id, head.incident_id, head.number
            ),
            on_written=self._written,
        )
        self.live = LiveView(lambda message, _: self._publish(message), self.clock)
        self.chronicle = Chronicle(
            self.journal,
            self.live,
            publish=lambda message, _: self._publish(message),
            clock=self.clock,
        )
        self.store = CallDataStore(database)
        self.desk = ECallDesk(
            self.store,
            CallDataSpool(self.spool_dir),
            self.live,
            self.chronicle,
            self.cards,
            edge=self.edge if edge else None,
            references=self.references,
            facts_of=self.facts.get,
            settings=settings or CallDataSettings(),
            metrics=self.metrics,
            clock=self.clock,
        )
        self.live.added = self.desk.contact_added
        self.live.noticed = self.desk.noticed
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self.journal.run()),
            asyncio.create_task(self.desk.run()),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.kill()

    async def kill(self) -> None:
        """Nothing is finished."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    # -- what happens ---------------------------------------------------------------------------

    def file(self, octets: bytes, name: str = f"{CONTACT}.invite", **told: object) -> None:
        """Asterisk lays a file into the spool."""
        told = {"seconds": self.clock.seconds} | told
        put(self.spool_dir, line(octets, **told), name)  # type: ignore[arg-type]

    def call(
        self,
        contact: str = CONTACT,
        *,
        service: str | None = AUTOMATIC,
        has_data: bool = True,
        call_id: str | None = CALL_ID,
        number: str | None = "+37120000001",
        direction: Direction = Direction.INBOUND,
        incident_id: IncidentId | None = None,
    ) -> LiveContact:
        """A call is in our hands."""
        contact_id = ContactId(contact)
        facts = CallFacts(
            contact_id,
            self.clock.now(),
            number,
            number is None,
            "112",
            direction is Direction.OUTBOUND,
            service=service,
            trunk="operator",
            sip_call_id=call_id,
            has_data=has_data,
        )
        self.facts[contact_id] = facts
        contact_made = LiveContact(
            contact_id,
            self.clock.now(),
            number,
            number is None,
            "ecall",
            5,
            direction=direction,
            service=service,
            trunk="operator",
            incident_id=incident_id,
        )
        self.live.add(contact_made)
        self.chronicle.open_card(facts, queue="ecall", priority=5, incident_id=incident_id)
        self.live.changed(contact_made)
        return contact_made

    def answer(self, contact: LiveContact, call_id: str) -> None:
        """Whom we have called has answered."""
        facts = self.facts[contact.contact_id]
        self.facts[contact.contact_id] = replace(facts, sip_call_id=call_id)
        contact.answered = True
        self.live.changed(contact)

    def hang_up(self, contact_id: ContactId) -> None:
        """The call is over, now."""
        self.facts.pop(contact_id, None)
        self.live.remove(contact_id)
        self.chronicle.write(contact_id, TimelineTag.ENDED, "ended")

    # -- what is seen ---------------------------------------------------------------------------

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds, looking at every piece of news and a few times a second."""
        async with asyncio.timeout(WAIT_S):
            while not holds():
                await self.until_news()

    async def until_news(self) -> None:
        """Wait for a piece of news, or a moment: not all that changes is news."""
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.02):
                await self._news.wait()

    async def shown(self, contact: LiveContact, **told: object) -> Message:
        """Wait until the panels are shown a car of which this holds."""

        def holds() -> bool:
            vehicle = contact.vehicle or {}
            return contact.vehicle is not None and all(
                vehicle.get(name) == value for name, value in told.items()
            )

        await self.until(holds)
        assert contact.vehicle is not None
        return contact.vehicle

    async def stored(self) -> None:
        """Wait until no file is left."""
        await self.until(lambda: not self.spool_dir.exists() or not any(self.spool_dir.iterdir()))

    async def told(self, tag: TimelineTag, count: int = 1) -> list[TimelineEntry]:
        """Wait until the card has so many entries of a kind."""

        def found() -> list[TimelineEntry]:
            entries = [item for item in self.items if isinstance(item, TimelineEntry)]
            return [entry for entry in entries if entry.tag is tag]

        await self.until(lambda: len(found()) >= count)
        return found()

    async def settled(self) -> None:
        """Wait until every message is on its card."""
        await self.stored()
        async with asyncio.timeout(WAIT_S):
            while await self.store.untold(T0 - timedelta(days=1)):
                await self.until_news()

    async def card(self, contact: str = CONTACT) -> CardData:
        found = await self.cards.card_of_contact(ContactId(contact))
        assert found is not None
        return found

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"ccserver_{name}", labels) or 0.0

    def _publish(self, message: Message) -> None:
        self.messages.append(message)
        self._news.set()

    def _written(self, contact_id: ContactId, incident_id: IncidentId, item: JournalItem) -> None:
        self.chronicle.card_written(contact_id, incident_id, None)
        self.desk.written(item)
        self.items.append(item)
        self._news.set()
