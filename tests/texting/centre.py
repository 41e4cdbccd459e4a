"""A centre that takes texts: real core, runtime, desk, cards and database; nobody telephones."""

from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from sqlalchemy.orm import Session

from ccserver.accounts import AgentProfile, DeviceKind
from ccserver.acd.core import ACDCore
from ccserver.acd.events import (
    AgentAdded,
    AgentDeviceChanged,
    AgentPresence,
    AgentPresenceChanged,
    ContactArrived,
    ContactEnded,
    OfferAccepted,
    PresenceKind,
)
from ccserver.acd.settings import DistributorSettings
from ccserver.card import CardHead, CardJournal, CardStore, TimelineTag
from ccserver.chronicle import Chronicle
from ccserver.current_plan import CurrentPlan
from ccserver.db import Database
from ccserver.live import LiveContact, LiveView, Message
from ccserver.messaging import Conversation, Landed, writing
from ccserver.messaging import Message as Text
from ccserver.metrics import Metrics
from ccserver.routing import RoutingStore
from ccserver.runtime import Runtime
from ccserver.speakers import Speakers
from ccserver.telephony.call import CallFacts
from ccserver.telephony.calls import Calls
from ccserver.texting.control import TextControl
from ccserver.texting.desk import TextDesk
from ccserver.texting.line import TextLine, TextSettings
from ccserver.texting.replies import Author, Replies
from ccserver.texting.telling import TextTelling
from ccserver.texting.threads import Threads
from ccserver.texts import Channel, IncomingText, OutgoingText
from ccserver.types import AgentId, ContactId, IncidentId, OfferId
from tests.databases import accounts_of

EPOCH = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANNA, BORIS = AgentId("agent-101"), AgentId("agent-102")
CITIZEN = "+37129123456"
AUTHOR = Author("anna", "Anna Ozola")
OFF, READY = PresenceKind.OFF, PresenceKind.READY


class HandClock:
    """Both clocks; time passes when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class NoCalls:
    """Stands for call control: nothing rings, and bridges are joined by the word."""

    def __init__(self) -> None:
        self.broken = None
        self.table = self
        self.offered: list[OfferId] = []

    def get(self, contact_id: ContactId) -> None:
        return None

    def offer(self, offer_id: OfferId, *_: object) -> None:
        self.offered.append(offer_id)

    def rescind(self, *_: object) -> None:
        pass

    def connect(self, *_: object) -> None:
        pass


class ListWay:
    """Keeps what it is to send, as its own rows would be kept."""

    def __init__(self) -> None:
        self.texts: list[OutgoingText] = []
        self.woken = 0

    def enqueue(self, session: Session, text: OutgoingText) -> None:
        self.texts.append(text)

    def wake(self) -> None:
        self.woken += 1


class TextCentre:
    """One process over a database; `TextCentre.successor` is the next after ``kill -9``."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        clock: HandClock | None = None,
        instance: str = "p1",
        live_max: int = 100,
    ) -> None:
        self.database = database
        self.folder = folder
        self.clock = clock or HandClock()
        self.cards = CardStore(database)
        self.messages: list[Message] = []
        self.journal = CardJournal(
            self.cards,
            spill_path=folder / f"{instance}.spill",
            on_opened=self._opened,
            on_written=lambda contact_id, incident_id, _: self.chronicle.card_written(
                contact_id, incident_id, None
            ),
        )
        self.core = ACDCore(DistributorSettings(), instance=instance)
        self.live = LiveView(self._publish, self.clock)
        self.chronicle = Chronicle(self.journal, self.live, publish=self._publish, clock=self.clock)
        self.metrics = Metrics()
        self.runtime = Runtime(
            self.core,
            self.live,
            self.chronicle,
            publish=self._publish,
            metrics=self.metrics,
            clock=self.clock,
        )
        self.plan = CurrentPlan(
            RoutingStore(database, accounts_of(database).agent_ids),
            self.live,
            post=self.runtime.post,
            publish=self._publish,
        )
        self.calls = NoCalls()
        self.runtime.attach(cast("Calls", self.calls), before_connect=lambda _: None)
        self.settings = TextSettings()
        self.speakers = Speakers()
        telling = TextTelling(
            self.runtime, publish=self._publish, metrics=self.metrics, clock=self.clock
        )
        self.line = TextLine(
            self.runtime,
            self.plan,
            self.speakers,
            telling,
            settings=lambda: self.settings,
            metrics=self.metrics,
            clock=self.clock,
            threads=Threads(live_max),
        )
        self.way = ListWay()
        self.language: str | None = None
        self.acknowledgement: str | None = None
        self.desk = TextDesk(
            self.line,
            database,
            self.cards,
            replies=Replies(database, dict.fromkeys(Channel, self.way), self.clock),
            detect=self._detect,
            acknowledge=lambda *_: self.acknowledgement,
            metrics=self.metrics,
            clock=self.clock,
        )
        self.runtime.attach_texts(self.line)
        self.runtime.seat_changed = self.line.seat_changed
        self.live.noticed = self.desk.noticed
        self.control = TextControl(self.runtime, self.desk, self.metrics)
        for agent_id in (ANNA, BORIS):
            extension = agent_id.removeprefix("agent-")
            self.live.add_seat(AgentProfile(agent_id, "A", extension, DeviceKind.SIP, "-"))
            self.runtime.post(AgentAdded(agent_id))

    async def _detect(self, words: str) -> str | None:
        return self.language

    def _publish(self, message: Message, agent_id: AgentId | None) -> None:
        self.messages.append(message)

    def _opened(self, contact_id: ContactId, head: CardHead) -> None:
        self.chronicle.card_written(contact_id, head.incident_id, head.number)

    # -- processes ------------------------------------------------------------------------------

    def successor(self, instance: str = "p2") -> "TextCentre":
        """The process after this one, which was killed: whatever it had in memory is gone."""
        return TextCentre(self.database, self.folder, clock=self.clock, instance=instance)

    async def caught_up(self) -> None:
        """Everything that is due is done, and on the cards."""
        await self.desk.catch_up()
        await self.desk.catch_up()  # what the first brought about
        await self.written()

    async def swept(self) -> None:
        """What was left open is closed."""
        await self.desk.close_idle()
        await self.caught_up()

    async def written(self) -> None:
        assert await self.journal.drain(20)
        self.runtime.check_invariants()

    async def start(self, *present: AgentId) -> None:
        """As a process starts: what was is adopted, then seats are ready."""
        await self.desk.adopt()
        for agent_id in (ANNA, BORIS):
            self.present(agent_id, READY if agent_id in present else OFF)
        self.line.settle()
        await self.caught_up()

    # -- people ---------------------------------------------------------------------------------

    def present(self, agent_id: AgentId, kind: PresenceKind) -> None:
        self.runtime.post(AgentDeviceChanged(agent_id, reachable=True, busy=False))
        self.runtime.post(AgentPresenceChanged(agent_id, AgentPresence(kind)))

    def incoming(self, key: str = "sms:1", **changes: object) -> IncomingText:
        """A text of the citizen, as a way hands it in."""
        values: dict[str, object] = {
            "key": key,
            "channel": Channel.SMS,
            "via": "lmt-1",
            "citizen": CITIZEN,
            "our_number": "112",
            "text": "Palīgā, deg māja!",
            "received_at": self.clock.now(),
            **changes,
        }
        return IncomingText(**values)  # type: ignore[arg-type]

    async def land(self, key: str = "sms:1", **changes: object) -> Landed:
        """A text is stored, as a way does it; the desk is not told."""
        text = self.incoming(key, **changes)
        return await self.database.write(lambda session: writing.add_incoming(session, text))

    async def texted(self, key: str = "sms:1", **changes: object) -> Landed:
        """A text is stored, and everything that follows is done."""
        landed = await self.land(key, **changes)
        await self.caught_up()
        return landed

    async def replied(self, landed: Landed, words: str = "Kur Jūs esat?", key: str = "k") -> Text:
        message = await self.control.write(
            landed.conversation.conversation_id,
            words,
            key=key,
            author=AUTHOR,
            agent_id=ANNA,
        )
        await self.caught_up()
        return message

    async def accepted(self, agent_id: AgentId = ANNA) -> LiveContact:
        """The text that is offered to the seat is accepted."""
        (contact,) = (one for one in self.texts() if self._offered(one) == agent_id)
        self.control.accept(contact.contact_id, agent_id)
        await self.caught_up()
        return contact

    async def closed(self, landed: Landed, agent_id: AgentId = ANNA) -> Conversation:
        conversation = await self.control.close(
            landed.conversation.conversation_id, "helped", author=AUTHOR, agent_id=agent_id
        )
        await self.caught_up()
        return conversation

    # -- callers --------------------------------------------------------------------------------

    async def call(self, name: str = "c1", number: str = CITIZEN) -> ContactId:
        """A caller who waits."""
        facts = CallFacts(ContactId(name), self.clock.now(), number, False, "112")
        contact = LiveContact(
            facts.contact_id, facts.arrived_at, number, False, "emergency", 5, caller=number
        )
        self.live.add(contact)
        texts = self.line.texts_of_caller(number)
        self.chronicle.open_card(
            facts, queue="emergency", priority=5, incident_id=texts.incident_id
        )
        self.runtime.post(
            ContactArrived(
                facts.contact_id,
                "emergency",
                5,
                self.clock.monotonic(),
                caller=number,
                preferred_agent=texts.agent_id,
            )
        )
        await self.written()
        return facts.contact_id

    async def answer(self, contact_id: ContactId) -> AgentId:
        """Whoever is rung answers the call."""
        contact = self.live.get(contact_id)
        assert contact is not None
        assert contact.view is not None
        (offer,) = contact.view.offers
        self.runtime.post(OfferAccepted(offer.offer_id))
        contact.answered = True
        await self.caught_up()
        return offer.agent_id

    async def hang_up(self, contact_id: ContactId) -> None:
        self.runtime.post(ContactEnded(contact_id))
        self.live.remove(contact_id)
        self.chronicle.write(contact_id, TimelineTag.ABANDONED, "ended")
        await self.caught_up()

    # -- looks ----------------------------------------------------------------------------------

    def texts(self) -> list[LiveContact]:
        """The live contacts by text."""
        return [contact for contact in self.live.contacts() if contact.texts is not None]

    def text(self) -> LiveContact:
        (contact,) = self.texts()
        return contact

    def state(self, contact: LiveContact | None = None) -> str:
        view = (contact or self.text()).view
        assert view is not None
        return view.state.value

    def agent(self, contact: LiveContact | None = None) -> AgentId | None:
        view = (contact or self.text()).view
        assert view is not None
        return view.agent_id

    @staticmethod
    def _offered(contact: LiveContact) -> AgentId | None:
        view = contact.view
        return view.offers[0].agent_id if view is not None and view.offers else None

    async def conversation(self, landed: Landed) -> Conversation:
        found = await self.desk.store.conversation(landed.conversation.conversation_id)
        assert found is not None
        return found

    async def card_of(self, contact_id: ContactId) -> IncidentId:
        head = await self.cards.head_of_contact(contact_id)
        assert head is not None
        return head.incident_id

    async def tags(self, contact_id: ContactId) -> list[str]:
        """The timeline of one contact."""
        card = await self.cards.card_of_contact(contact_id)
        assert card is not None
        return [one.tag for one in card.timeline if one.contact_id == contact_id]

    def of_type(self, kind: str) -> list[Message]:
        return [message for message in self.messages if message["type"] == kind]

    def alarms(self) -> deque[tuple[object, object]]:
        return deque(
            (message["code"], cast("dict[str, object]", message["data"])["active"])
            for message in self.of_type("alarm")
        )
