"""Call control, keeper, runtime and core together over the fake Asterisk, all in virtual time."""

import asyncio
from collections import Counter
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
from ccserver.card import ContactOpened, TimelineEntry, TimelineTag
from ccserver.card.journal import CardJournal
from ccserver.chronicle import Chronicle
from ccserver.live import LiveView, Message
from ccserver.metrics import Metrics
from ccserver.runtime import Runtime
from ccserver.telephony.actions import Actions
from ccserver.telephony.ari import JSONValue, Params
from ccserver.telephony.ari import Path as ARIPath
from ccserver.telephony.call import CallFacts
from ccserver.telephony.calls import Calls
from ccserver.telephony.devices import Devices
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.keeper import Keeper
from ccserver.telephony.wishes import Wishes
from ccserver.types import AgentId, ContactId, OfferId
from tests.telephony.fakes import Event, FakeAsterisk

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
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

    def _tell(self, what: str, subject: str) -> None:
        self.told.append((what, subject))

    def count(self, what: str) -> int:
        return sum(1 for told, _ in self.told if told == what)

    def kinds(self) -> list[str]:
        return [what for what, _ in self.told]

    def caller_waits(self, facts: CallFacts) -> None:
        self._tell("waits", facts.contact_id)

    def caller_adopted(self, facts: CallFacts, agent_id: AgentId, *, held: bool) -> None:
        self._tell("adopted_held" if held else "adopted", f"{facts.contact_id} {agent_id}")

    def caller_left(self, facts: CallFacts, *, agent_channel: str | None) -> None:
        self._tell("left", f"{facts.contact_id} {agent_channel}")

    def caller_gone(self, contact_id: ContactId) -> None:
        self._tell("gone", contact_id)

    def recording_complete(self, contact_id: ContactId) -> None:
        self._tell("recorded", contact_id)

    def conversation_ended(self, contact_id: ContactId) -> None:
        self._tell("ended", contact_id)

    def offer_answered(self, offer_id: OfferId) -> None:
        self._tell("answered", offer_id)

    def offer_failed(self, offer_id: OfferId, failure: OfferFailure) -> None:
        self._tell("failed", offer_id)
        self.failures.append(failure)

    def connected(self, contact_id: ContactId, agent_id: AgentId) -> None:
        self._tell("connected", f"{contact_id} {agent_id}")

    def connect_failed(self, contact_id: ContactId) -> None:
        self._tell("connect_failed", contact_id)

    def hold_changed(self, contact_id: ContactId, *, held: bool) -> None:
        self._tell("held" if held else "resumed", contact_id)


class Bench:
    """`Calls`, `Keeper` and `Wishes` with a `Ledger`; the test is the distributor."""

    def __init__(self, *, lease_s: int = 6) -> None:
        self.asterisk = FakeAsterisk(lease_s=lease_s)
        self.restart()

    def restart(self) -> None:
        """The process is new; Asterisk is not."""
        self.ledger = Ledger()
        self.calls = Calls(
            Actions(self.asterisk, application="acd_main"),
            self.ledger,
            lease_s=6,
            endpoint_of_agent=lambda agent: f"ct-{agent[-3:]}" if agent else None,
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
        self.items: list[ContactOpened | TimelineEntry] = []

    def submit(self, item: ContactOpened | TimelineEntry) -> None:
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


class Centre:
    """One process: the real runtime and core over the fake Asterisk."""

    def __init__(
        self,
        asterisk: FakeAsterisk,
        *,
        agents: int = 2,
        instance: str = "p1",
        settings: DistributorSettings = SETTINGS,
    ) -> None:
        self.asterisk = asterisk
        self.port = _Port(asterisk)
        self.clock = VirtualClock()
        self.messages: list[tuple[Message, AgentId | None]] = []
        self.sealed: list[ContactId] = []
        self.journal = ListJournal()
        self.core = ACDCore(settings, instance=instance)
        self.live = LiveView(self._publish, self.clock)
        self.runtime = Runtime(
            self.core,
            self.live,
            Chronicle(self.journal, self.live, publish=self._publish, clock=self.clock),
            publish=self._publish,
            metrics=Metrics(),
            clock=self.clock,
            seal=lambda contact_id, _: self.sealed.append(contact_id),
        )
        self.devices = Devices(self.runtime.device_changed)
        self.calls = Calls(
            Actions(self.port, application="acd_main"),
            self.runtime,
            lease_s=6,
            endpoint_of_agent=self.devices.endpoint,
        )
        self.runtime.attach(self.calls, self.devices)
        self.keeper = Keeper(
            self.calls, redirect_to_claim=self._redirect, clock=self.clock.monotonic
        )
        self.wishes = Wishes(self.calls)
        self.agents = [AgentId(f"agent-{101 + number}") for number in range(agents)]
        self._held: list[Event] | None = []
        self._tasks: list[asyncio.Task[None]] = []
        for agent_id in self.agents:
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
