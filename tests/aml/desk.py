"""A centre to which phones tell their place: the real desk, journal, cards and live view."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from ccserver.acd.events import Direction
from ccserver.adapters import RecentCallers
from ccserver.aml.models import AMLHeldRow
from ccserver.aml.store import AMLStore
from ccserver.aml.values import Sighting
from ccserver.aml_desk import AMLDesk, AMLIntake
from ccserver.card import CardJournal, CardStore, LocationTold, TimelineTag
from ccserver.card.spill import JournalItem
from ccserver.card.whole import CardData
from ccserver.chronicle import Chronicle
from ccserver.db import Database
from ccserver.live import LiveContact, LiveView, Message
from ccserver.metrics import Metrics
from ccserver.telephony.call import CallFacts
from ccserver.types import ContactId, IncidentId
from tests.aml.conftest import NUMBER, T0, at, text

WAIT_S = 60.0
"""For what happens within milliseconds on a machine that has nothing else to do."""
KEEP_S = 3_600.0


class Clock:
    """Both clocks, moved by the test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return T0 + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Room:
    """One process of the centre; an async context manager. ``kill`` it, and enter another."""

    def __init__(self, database: Database, folder: Path, *, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.database = database
        self.metrics = Metrics()
        self.messages: list[Message] = []
        self.items: list[JournalItem] = []
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
        self.store = AMLStore(database, keep_s=KEEP_S)
        self.desk = AMLDesk(
            self.store,
            RecentCallers(self.cards),
            self.live,
            self.chronicle,
            metrics=self.metrics,
            clock=self.clock,
        )
        self.live.added = self.desk.contact_added
        self.intake = AMLIntake(keep_s=KEEP_S)
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

    def call(
        self,
        name: str = "c1",
        number: str | None = NUMBER,
        *,
        seconds: float | None = None,
        direction: Direction = Direction.INBOUND,
    ) -> ContactId:
        """A call comes in, at that time or now."""
        contact_id = ContactId(name)
        arrived = self.clock.now() if seconds is None else at(seconds)
        outbound = direction is Direction.OUTBOUND
        self.live.add(
            LiveContact(
                contact_id, arrived, number, number is None, "emergency", 5, direction=direction
            )
        )
        self.chronicle.open_card(
            CallFacts(contact_id, arrived, number, number is None, "112", outbound),
            queue="emergency",
            priority=5,
        )
        return contact_id

    def hang_up(self, contact_id: ContactId) -> None:
        """The call is over, now."""
        self.live.remove(contact_id)
        self.chronicle.write(contact_id, TimelineTag.ABANDONED, "ended")

    async def sms(self, seconds: float, sender: str = NUMBER, *, body: str | None = None) -> None:
        """The gateway stores an AML message, and says so."""
        self.clock.seconds = seconds
        told = body or text(seconds)
        await self.database.write(
            lambda session: self.intake.aml(
                session,
                key=f"sms:{seconds}",
                text=told,
                octets_hex=told.encode().hex(),
                sender=sender,
                received_at=at(seconds),
            )
        )
        self.desk.wake()

    async def https(self, sighting: Sighting) -> None:
        """A phone posts a form."""
        self.clock.seconds = (sighting.received_at - T0).total_seconds()
        await self.desk.receive(sighting)

    # -- what is seen ---------------------------------------------------------------------------

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds, looking at every piece of news."""
        async with asyncio.timeout(WAIT_S):
            while not holds():
                self._news.clear()
                await self._news.wait()

    async def located(self, count: int = 1) -> None:
        """Wait until so many positions are on cards."""
        await self.until(lambda: len(self.locations) >= count)

    @property
    def locations(self) -> list[JournalItem]:
        return [item for item in self.items if isinstance(item, LocationTold)]

    def pushed(self, incident_id: IncidentId) -> int:
        """How often the panels were told to look at the card."""
        return sum(
            message["type"] == "card" and message["incident_id"] == incident_id
            for message in self.messages
        )

    async def card(self, contact_id: str = "c1") -> CardData:
        found = await self.cards.card_of_contact(ContactId(contact_id))
        assert found is not None
        return found

    async def rows(self) -> list[AMLHeldRow]:
        return await self.database.read(
            lambda session: session.query(AMLHeldRow).order_by(AMLHeldRow.row_id).all()
        )

    def counted(self, result: str, transport: str = "sms") -> float:
        value = self.metrics.registry.get_sample_value(
            "ccserver_aml_messages_total", {"transport": transport, "result": result}
        )
        return value or 0.0

    async def round(self) -> None:
        """Let the desk do its work once more, sweep and all, and wait for its end."""
        self.clock.seconds += 60
        await self.desk.work()

    def _publish(self, message: Message) -> None:
        self.messages.append(message)
        self._news.set()

    def _written(self, contact_id: ContactId, incident_id: IncidentId, item: JournalItem) -> None:
        self.chronicle.card_written(contact_id, incident_id, None)
        self.desk.written(item)
        self.items.append(item)
        self._news.set()
