"""Call control, keeper, runtime and core together over the fake Asterisk, all in virtual time."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ccserver.accounts import AgentProfile, DeviceKind
from ccserver.acd.core import ACDCore
from ccserver.acd.events import (
    AgentAdded,
    AgentDeviceChanged,
    AgentPresence,
    AgentPresenceChanged,
    OfferFailure,
    PresenceKind,
)
from ccserver.acd.settings import DistributorSettings
from ccserver.callers import Callers
from ccserver.card import ContactOpened, TimelineEntry, TimelineTag
from ccserver.card.journal import CardJournal
from ccserver.card.spill import JournalItem
from ccserver.chronicle import Chronicle
from ccserver.current_plan import CurrentPlan
from ccserver.db import Database
from ccserver.live import LiveContact, LiveView, Message
from ccserver.metrics import Metrics
from ccserver.news import News
from ccserver.routing import RoutingStore
from ccserver.runtime import Runtime
from ccserver.speakers import Speakers
from ccserver.telephony.actions import Actions
from ccserver.telephony.ari import JSONValue, Params
from ccserver.telephony.ari import Path as ARIPath
from ccserver.telephony.call import CallFacts, Segment
from ccserver.telephony.calls import Calls
from ccserver.telephony.devices import Device, Devices
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.keeper import Keeper
from ccserver.telephony.waiting_plan import WaitingSettings
from ccserver.telephony.wishes import Wishes
from ccserver.types import AgentId, ContactId, LegId, OfferId
from tests.databases import accounts_of
from tests.telephony.fakes import Event, FakeAsterisk

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SUPERVISOR = AgentId("agent-190")  # has a phone and takes no calls
SETTINGS = DistributorSettings(
    offer_timeout_s=15.0,
    wrap_up_s=1.0,
    reject_delay_s=2.0,
    no_answer_delay_s=2.0,
    device_failure_delay_s=2.0,
)


class Ledger:
    """Everything that call control told, in order; implements `CallObserver`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.failures: list[OfferFailure] = []
        self.segments: list[Segment] = []
        self.party_changes = 0
        self.parties_recorded: list[str] = []
        self.on_wanted: Callable[[ContactId, AgentId], None] | None = None
        """What the distributor does about a wish for a participant."""

    def _tell(self, what: str, subject: str) -> None:
        self.told.append((what, subject))

    def count(self, what: str) -> int:
        return sum(1 for told, _ in self.told if told == what)

    def kinds(self) -> list[str]:
        return [what for what, _ in self.told]

    def caller_waits(self, facts: CallFacts) -> None:
        self._tell("waits", facts.contact_id)

    def caller_adopted(
        self,
        facts: CallFacts,
        agent_id: AgentId | None,
        *,
        held: bool,
        participants: tuple[AgentId, ...] = (),
        handed_over: bool = False,
    ) -> None:
        what = "adopted_held" if held else "adopted_over" if handed_over else "adopted"
        self._tell(what, " ".join((facts.contact_id, str(agent_id), *participants)))

    def caller_left(self, facts: CallFacts, *, agent_channel: str | None) -> None:
        self._tell("left", f"{facts.contact_id} {agent_channel}")

    def caller_gone(self, contact_id: ContactId, cut: bool = False) -> None:
        self._tell("cut" if cut else "gone", contact_id)

    def recording_complete(self, recording: str, began_at: datetime | None = None) -> None:
        if "." in recording:
            self.parties_recorded.append(recording)
        else:
            self._tell("recorded", recording)

    def conversation_ended(self, contact_id: ContactId) -> None:
        self._tell("ended", contact_id)

    def offer_answered(self, offer_id: OfferId) -> None:
        self._tell("answered", offer_id)

    def offer_failed(self, offer_id: OfferId, failure: OfferFailure) -> None:
        self._tell("failed", offer_id)
        self.failures.append(failure)

    def connected(self, contact_id: ContactId, agent_id: AgentId) -> None:
        self._tell("connected", f"{contact_id} {agent_id}")

    def bridge_silent(self, contact_id: ContactId) -> None:
        self._tell("silent", contact_id)

    def connect_failed(self, contact_id: ContactId) -> None:
        self._tell("connect_failed", contact_id)

    def hold_changed(self, contact_id: ContactId, *, held: bool) -> None:
        self._tell("held" if held else "resumed", contact_id)

    def mute_changed(self, contact_id: ContactId, agent_id: AgentId, *, muted: bool) -> None:
        self._tell("muted" if muted else "unmuted", f"{contact_id} {agent_id}")

    def participant_wanted(
        self, contact_id: ContactId, agent_id: AgentId, to_agent: AgentId
    ) -> None:
        self._tell("wanted", f"{contact_id} {agent_id} {to_agent}")
        if self.on_wanted is not None:
            self.on_wanted(contact_id, to_agent)

    def participant_left(self, contact_id: ContactId, agent_id: AgentId) -> None:
        self._tell("participant_left", f"{contact_id} {agent_id}")

    def transferred(
        self, contact_id: ContactId, by_agent: AgentId, queue: str | None, to_agent: AgentId | None
    ) -> None:
        self._tell("transferred", f"{contact_id} {by_agent} {queue or to_agent}")

    def handed_over(
        self, contact_id: ContactId, from_agent: AgentId | None, to_agent: AgentId | None
    ) -> None:
        self._tell("handed_over", f"{contact_id} {from_agent} {to_agent}")

    def party_changed(self, contact_id: ContactId) -> None:
        self.party_changes += 1

    def segment_changed(self, contact_id: ContactId, segment: Segment) -> None:
        self.segments.append(segment)

    def outbound_answered(self, contact_id: ContactId) -> None:
        self._tell("outbound_answered", contact_id)

    def outbound_failed(self, contact_id: ContactId, reason: str) -> None:
        self._tell("outbound_failed", f"{contact_id} {reason}")

    def monitored(self, contact_id: ContactId, supervisor: AgentId, mode: str) -> None:
        self._tell("monitored", f"{contact_id} {supervisor} {mode}")


class Bench:
    """`Calls`, `Keeper` and `Wishes` with a `Ledger`; the test is the distributor."""

    def __init__(self, *, lease_s: int = 6) -> None:
        self.asterisk = FakeAsterisk(lease_s=lease_s)
        self.life = 0
        self.restart()

    def restart(self) -> None:
        """The process is new; Asterisk is not."""
        self.life += 1
        self.ledger = Ledger()
        self.calls = Calls(
            Actions(self.asterisk, application="acd_main"),
            self.ledger,
            lease_s=6,
            endpoint_of_agent=lambda agent: f"ct-{agent[-3:]}" if agent else None,
            trunk=True,
            instance=f"i{self.life}",
        )
        loop = asyncio.get_running_loop()
        self.keeper = Keeper(
            self.calls, redirect_to_claim=self.asterisk.redirect_to_claim, clock=loop.time
        )
        self.wishes = Wishes(self.calls)
        self.asterisk.deliver = self.calls.handle

    async def waiting(self, contact: str = "c1") -> ContactId:
        """A claimed caller."""
        self.asterisk.call(contact)
        await passed(0.1)
        return ContactId(contact)

    async def ringing(self, contact: str = "c1", offer: str = "o1") -> ContactId:
        """A claimed caller, and a call taker's phone that rings."""
        contact_id = await self.waiting(contact)
        self.calls.offer(OfferId(offer), contact_id, AgentId("agent-101"), 15.0)
        await passed(0.1)
        return contact_id

    async def talking(self, contact: str = "c1", offer: str = "o1") -> ContactId:
        """A conversation."""
        contact_id = await self.ringing(contact, offer)
        self.asterisk.answer(f"leg-{offer}")
        await passed(0.1)
        self.calls.connect(OfferId(offer), contact_id)
        await passed(0.1)
        return contact_id


async def passed(seconds: float) -> None:
    """Let virtual time pass."""
    await asyncio.sleep(seconds)


class VirtualClock:
    """Both clocks on the loop's virtual time."""

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class ListJournal(CardJournal):
    """A journal that is only written."""

    def __init__(self) -> None:
        self.items: list[JournalItem] = []

    def submit(self, item: JournalItem) -> None:
        self.items.append(item)

    def opened(self) -> Counter[ContactId]:
        return Counter(item.contact_id for item in self.items if isinstance(item, ContactOpened))

    def tags(self, contact_id: str) -> list[TimelineTag]:
        return [
            item.tag
            for item in self.items
            if isinstance(item, TimelineEntry) and item.contact_id == contact_id
        ]


class _Port:
    """The way from one process to Asterisk; a dead process asks for nothing and gets nothing."""

    def __init__(self, asterisk: FakeAsterisk) -> None:
        self._asterisk = asterisk
        self.dead = False

    async def request(
        self,
        method: str,
        path: ARIPath,
        *,
        params: Params | None = None,
        json: JSONValue = None,
        deadline_s: float | None = None,
    ) -> JSONValue:
        await self._wait_if_dead()
        try:
            return await self._asterisk.request(
                method, path, params=params, json=json, deadline_s=deadline_s
            )
        finally:
            await self._wait_if_dead()

    async def _wait_if_dead(self) -> None:
        if self.dead:
            await asyncio.Event().wait()


class NoRoom:
    """A waiting room in which nothing is played; notes who is in it."""

    def __init__(self) -> None:
        self.waiting: set[ContactId] = set()

    def begin(
        self,
        contact_id: ContactId,
        leg_id: LegId,
        settings: WaitingSettings,
        *,
        waited_s: float,
        language: str | None = None,
        cannot_speak: bool = False,
    ) -> None:
        self.waiting.add(contact_id)

    def adopted(
        self,
        contact_id: ContactId,
        leg_id: LegId,
        settings: WaitingSettings,
        *,
        cannot_speak: bool = False,
    ) -> None:
        self.waiting.discard(contact_id)

    def talking(self, contact_id: ContactId) -> None:
        self.waiting.discard(contact_id)

    def end(self, contact_id: ContactId) -> None:
        self.waiting.discard(contact_id)


class ListFollowUp:
    """Notes what is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def lost(self, contact: LiveContact) -> None:
        self.told.append(("lost", contact.contact_id))

    def citizen_called(self, number: str, contact_id: ContactId) -> None:
        self.told.append(("called", number, contact_id))

    def outbound_accepted(self, contact_id: ContactId, agent_id: AgentId) -> None:
        self.told.append(("accepted", contact_id, agent_id))

    def outbound_finished(
        self, contact_id: ContactId, *, answered: bool, dialled: bool, reason: str | None
    ) -> None:
        self.told.append(("finished", contact_id, answered, dialled))


class NewsOfCentre(News):
    """The real news; notes the outbound calls that failed."""

    outbound_failures: list[ContactId]

    def outbound_failed(self, contact_id: ContactId, reason: str) -> None:
        self.outbound_failures.append(contact_id)
        super().outbound_failed(contact_id, reason)


class Centre:
    """One process: the real runtime and core over the fake Asterisk."""

    def __init__(
        self,
        asterisk: FakeAsterisk,
        *,
        agents: int = 2,
        instance: str = "p1",
        settings: DistributorSettings = SETTINGS,
        supervised: bool = False,
    ) -> None:
        self.asterisk = asterisk
        self.port = _Port(asterisk)
        self.clock = VirtualClock()
        self.messages: list[tuple[Message, AgentId | None]] = []
        self.sealed: list[tuple[str, datetime | None]] = []
        self.journal = ListJournal()
        self.core = ACDCore(settings, instance=instance)
        self.live = LiveView(self._publish, self.clock)
        self.chronicle = Chronicle(self.journal, self.live, publish=self._publish, clock=self.clock)
        metrics = self.metrics = Metrics()
        self.runtime = Runtime(
            self.core,
            self.live,
            self.chronicle,
            publish=self._publish,
            metrics=metrics,
            clock=self.clock,
        )
        database = Database("sqlite:////nowhere/never-asked.db", request_timeout_s=1.0)
        self.plan = CurrentPlan(
            RoutingStore(database, accounts_of(database).agent_ids),
            self.live,
            post=self.runtime.post,
            publish=self._publish,
        )
        self.follow_up = ListFollowUp()
        self.room = NoRoom()
        self.news = NewsOfCentre(
            self.runtime,
            self.plan,
            Speakers(),
            self.follow_up,
            metrics=metrics,
            clock=self.clock,
            seal=lambda recording, began_at, _: self.sealed.append((recording, began_at)),
        )
        self.callers = Callers(self.runtime)
        self.outbound_failures = self.news.outbound_failures = []
        self.devices = Devices(self.news.device_changed)
        self.calls = Calls(
            Actions(self.port, application="acd_main"),
            self.news,
            lease_s=6,
            endpoint_of_agent=self.devices.endpoint,
            trunk=True,
            instance=instance,
        )
        self.news.attach(self.room, self.devices)
        self.runtime.attach(self.calls, before_connect=self.news.before_connect)
        self.plan.set_supervisors(frozenset({SUPERVISOR}))
        self.keeper = Keeper(
            self.calls, redirect_to_claim=self._redirect, clock=self.clock.monotonic
        )
        self.wishes = Wishes(self.calls)
        self.agents = [AgentId(f"agent-{101 + number}") for number in range(agents)]
        self._held: list[Event] | None = []
        self._tasks: list[asyncio.Task[None]] = []
        for agent_id in (*self.agents, *([SUPERVISOR] if supervised else [])):
            extension = agent_id.removeprefix("agent-")
            profile = AgentProfile(agent_id, "A", extension, DeviceKind.SIP, "-")
            self.live.add_seat(profile)
            self.devices.add(agent_id, profile.sip_username)
            self.runtime.post(AgentAdded(agent_id))

    def _publish(self, message: Message, agent_id: AgentId | None) -> None:
        self.messages.append((message, agent_id))

    async def _redirect(self, channel: str) -> None:
        if not self.port.dead:
            await self.asterisk.redirect_to_claim(channel)

    def of_type(self, kind: str) -> list[tuple[Message, AgentId | None]]:
        return [(message, to) for message, to in self.messages if message["type"] == kind]

    async def start(self, *, ready: bool = True) -> None:
        """Connect, then let the call takers in."""
        self.asterisk.deliver = self._event
        await self.connect()
        self._tasks = [
            asyncio.ensure_future(self.keeper.renew_leases()),
            asyncio.ensure_future(self.keeper.survey_for_ever()),
        ]
        for agent_id in self.agents:
            self.runtime.post(AgentDeviceChanged(agent_id, reachable=True, busy=False))
            if ready:
                self.present(agent_id, PresenceKind.READY)

    def present(self, agent_id: AgentId, kind: PresenceKind) -> None:
        self.runtime.post(AgentPresenceChanged(agent_id, AgentPresence(kind)))

    def go_home(self, *agent_ids: AgentId) -> None:
        """Let people sign off whose phones go with them."""
        for agent_id in agent_ids:
            self.news.device_changed(agent_id, Device(reachable=False, busy=False))
            self.present(agent_id, PresenceKind.OFF)

    async def connect(self) -> None:
        """As the link does: events during the look into Asterisk follow after it."""
        while not self.port.dead:
            self._held = []
            try:
                await self.keeper.connected()
            except TelephonyError:
                await passed(0.2)
                continue
            held, self._held = self._held, None
            for event in held:
                self.calls.handle(event)
            return

    async def lose_link(self, seconds: float) -> None:
        """The connection is gone for a while, and every event with it."""
        if not self.asterisk.connected or self.port.dead:
            return
        self.asterisk.connected = False
        self._held = []
        self.keeper.lost()
        await passed(seconds)
        self.asterisk.connected = True
        await self.connect()

    def kill(self) -> None:
        """``kill -9``: nothing is said, nothing is finished."""
        self.port.dead = True
        self.asterisk.deliver = lambda event: None
        for task in self._tasks:
            task.cancel()

    def _event(self, event: Event) -> None:
        if self._held is not None:
            self._held.append(event)
        else:
            self.calls.handle(event)

    def check(self) -> None:
        """Raise whatever went wrong where nobody looked."""
        self.runtime.check_invariants()
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()
