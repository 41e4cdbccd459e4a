"""Gives what came with a call to its card, to the panels, and to the database.

The offer of a call waits for none of this. What Asterisk has put into its spool is looked for when
the call comes alive, and every `POLL_S` for all that comes later; a car is on the map before the
database has heard of it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import contextmanager

import structlog

from ccserver.acd.events import Direction
from ccserver.calldata.reading import items_in
from ccserver.calldata.spool import CallDataSpool, Via
from ccserver.calldata.store import CallDataStore, Kept
from ccserver.calldata.vehicle import Request
from ccserver.card import LocationTold, TimelineEntry
from ccserver.card.spill import JournalItem
from ccserver.chronicle import Chronicle
from ccserver.config import CallDataSettings
from ccserver.db import DatabaseUnavailable
from ccserver.ecall.urn import ecall_kind
from ccserver.ecall_desk.asking import Asker
from ccserver.ecall_desk.fetching import REFERENCES_MAX, Fetcher
from ccserver.ecall_desk.keeping import IN_HAND_MAX, CallDataKeeper, of_contact
from ccserver.ecall_desk.known import Calls, Early, Known, same_but_age
from ccserver.ecall_desk.ports import ContactsOfCards, ReferencePort
from ccserver.ecall_desk.story import Read, story_of
from ccserver.live import LiveContact, LiveView
from ccserver.metrics import Metrics
from ccserver.sipedge.client import EdgeControl
from ccserver.telephony.call import CallFacts
from ccserver.types import AgentId, ContactId, IncidentId
from ccserver.web.emergency_data import CannotAsk
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

POLL_S = 0.05
"""Between two looks into the spool; listing an empty directory costs some 20 µs."""

RETRY_S = 1.0
LATE_S = 0.5
"""A file that is not there when its call comes alive is looked for a little longer, before the
panel says that no data came."""

TAKEN_MAX = 5_000
"""Messages that are known as taken; a file is read twice only within milliseconds."""

EARLY_S = 0.5
"""Between two looks whether contacts that are not alive have a card."""

EARLY_BATCH = 50

REFUSED_S = 3_600.0
"""So long people are told that a file was put aside, as of texts."""


class ECallDesk:
    """One for the process. `LiveView.added` and `noticed` are to tell it, and so is the journal.

    ``facts_of``: what Asterisk has told of a live call. ``edge`` is ``None`` where there is none.
    """

    def __init__(
        self,
        store: CallDataStore,
        spool: CallDataSpool,
        live: LiveView,
        chronicle: Chronicle,
        cards: ContactsOfCards,
        *,
        edge: EdgeControl | None,
        references: ReferencePort,
        facts_of: Callable[[ContactId], CallFacts | None],
        settings: CallDataSettings,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._store = store
        self._spool = spool
        self._live = live
        self._chronicle = chronicle
        self._cards = cards
        self._facts_of = facts_of
        self._metrics = metrics
        self._clock = clock
        self._calls = Calls()
        self._known: dict[ContactId, Known] = {}
        self._taken: OrderedDict[str, None] = OrderedDict()
        self._early = Early()
        self._early_due = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._failing = False
        self._refused_counted = 0
        self._refused_until = float("-inf")
        self._asker = Asker(
            edge,
            chronicle,
            settings=settings,
            metrics=metrics,
            clock=clock,
            changed=self._show,
        )
        self._fetcher = Fetcher(
            store, references, metrics=metrics, clock=clock, take=self._take, tell=self._also
        )
        self._keeper = CallDataKeeper(
            store, spool, self._calls, metrics=metrics, clock=clock, found=self._know
        )

    @property
    def stuck(self) -> bool:
        """Whether data lie in the spool that cannot be read or stored, or did within the hour."""
        refused = self._clock.monotonic() < self._refused_until
        return self._failing or self._keeper.stuck or self._spool.unreadable or refused

    # -- contacts ---------------------------------------------------------------------------------

    def contact_added(self, contact: LiveContact) -> None:
        """A contact is alive."""
        with _calls_go_on("contact_added"):
            facts = self._facts_of(contact.contact_id)
            if facts is not None:
                self.arrived(facts, service=contact.service)

    def arrived(self, facts: CallFacts, *, service: str | None = None) -> None:
        """A call is alive: look for what came with it, in nobody's way.

        ``service``: what it asks for by the number that was dialled, where it does not say so.
        """
        contact_id = facts.contact_id
        known = self._known.setdefault(contact_id, Known(contact_id))
        known.service = known.service or facts.service or service
        self._learn(known, facts.sip_call_id)
        for read in self._early.take(contact_id):
            self._meet(known, read)
            self._tell(contact_id, read)
        if ecall_kind(known.service) is not None and not facts.has_data:
            self._show(known, quietly=True)
        self._spawn(self._look_for(known, expected=facts.has_data), "look")

    def noticed(self, contact_id: ContactId) -> None:
        """Something about a live contact has changed, or it is over."""
        with _calls_go_on("noticed"):
            self._noticed(contact_id)

    def _noticed(self, contact_id: ContactId) -> None:
        known = self._known.get(contact_id)
        contact = self._live.get(contact_id)
        if contact is None:
            self.contact_over(contact_id)
        elif known is not None:
            facts = self._facts_of(contact_id)
            if facts is not None and known.call_id is None:
                self._learn(known, facts.sip_call_id)
            if contact.direction is Direction.OUTBOUND and contact.answered:
                self._look_back(known, contact.incident_id)
            self._show(known)

    def contact_over(self, contact_id: ContactId) -> None:
        """The contact is alive no more."""
        known = self._known.pop(contact_id, None)
        if known is not None:
            self._asker.forget(known)

    def written(self, item: JournalItem) -> None:
        """The journal has written something."""
        with _calls_go_on("written"):
            self._keeper.written(item)

    def _learn(self, known: Known, call_id: str | None) -> None:
        if call_id:
            known.call_id = call_id
            self._calls.learn(call_id, known.contact_id)
            self._keeper.known(call_id, known.contact_id)

    async def _look_for(self, known: Known, *, expected: bool) -> None:
        """Read the call's file at once, and what a former process has kept of it."""
        contact_id = known.contact_id
        found = await asyncio.to_thread(self._read_of, contact_id)
        if found is not None:
            self._take(*found)
        try:
            for kept in await self._store.of_contact(contact_id):
                if kept.key not in known.reads:
                    known.add(Read(kept, await asyncio.to_thread(items_in, kept)))
        except DatabaseUnavailable as error:
            log.warning("call_data_not_recalled", contact_id=contact_id, reason=str(error))
        if expected and not known.reads:
            await asyncio.sleep(LATE_S)
        self._show(known)

    def _look_back(self, known: Known, incident_id: IncidentId | None) -> None:
        """Perhaps we have called a car. A call of which no card is known yet is looked at again."""
        if not known.looked_back:
            known.looked_back = True
            self._spawn(self._find_car(known, incident_id), "look_back")

    async def _find_car(self, known: Known, incident_id: IncidentId | None) -> None:
        try:
            if incident_id is None:
                head = await self._cards.head_of_contact(known.contact_id)
                incident_id = None if head is None else head.incident_id
            if incident_id is None:
                known.looked_back = False
                return
            for contact_id in await self._cards.contact_ids(incident_id):
                for kept in await self._store.of_contact(contact_id):
                    read = Read(kept, await asyncio.to_thread(items_in, kept))
                    if ecall_kind(kept.service) is not None or read.msds:
                        known.called_back = True
                        known.service = known.service or kept.service
                        self._show(known)
                        return
        except DatabaseUnavailable as error:
            known.looked_back = False
            log.warning("call_data_not_recalled", reason=str(error))

    # -- what is shown and asked ------------------------------------------------------------------

    def _show(self, known: Known, *, quietly: bool = False) -> None:
        """The panels see the car as it is known now."""
        contact = self._live.get(known.contact_id)
        vehicle = known.vehicle
        if contact is None or vehicle is None:
            return
        shown = vehicle.as_json(now=self._clock.now(), can_request=self._asker.can_ask(known))
        if same_but_age(contact.vehicle, shown):
            return
        contact.vehicle = shown
        if not quietly:
            self._live.changed(contact)

    async def request_msd(self, contact_id: ContactId, agent_id: AgentId | None) -> Request:
        """Ask the car for a new MSD. Raises `CannotAsk` and `EdgeUnreachable`."""
        known = self._known.get(contact_id)
        if known is None or self._live.get(contact_id) is None:
            raise CannotAsk
        return await self._asker.ask(known, agent_id=agent_id)

    async def data_of(self, contact_id: ContactId) -> Sequence[Read]:
        """Everything that came with a contact, oldest first. Raises `DatabaseUnavailable`."""
        reads = {
            kept.key: Read(kept, await asyncio.to_thread(items_in, kept))
            for kept in await self._store.of_contact(contact_id)
        }
        known = self._known.get(contact_id)
        if known is not None:
            reads = {**known.reads, **reads}
        return sorted(reads.values(), key=lambda read: read.kept.received_at)

    def request_of(self, contact_id: ContactId) -> tuple[Request | None, bool, bool]:
        """The last request, whether one can be made, and whether we have called this car."""
        known = self._known.get(contact_id)
        if known is None:
            return None, False, False
        alive = self._live.get(contact_id) is not None
        return known.request, alive and self._asker.can_ask(known), known.called_back

    # -- messages ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look for files and keep what is in them, for ever."""
        self._keeper.wake()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._poll_for_ever(), name="call_data.poll")
                tasks.create_task(self._keeper.run(), name="call_data.keep")
        finally:
            for task in self._tasks:
                task.cancel()

    async def _poll_for_ever(self) -> None:
        while True:
            pause_s = POLL_S
            try:
                await self.poll()
                self._failing = False
            except Exception:
                # Calls go on, whatever is wrong with their data.
                self._failing = True
                log.exception("call_data_poll_failed")
                pause_s = RETRY_S
            await asyncio.sleep(pause_s)

    async def poll(self) -> None:
        """One look into the spool, and at what has waited long enough."""
        if len(self._keeper.in_hand) < IN_HAND_MAX:
            without = self._keeper.left_behind.union(self._keeper.in_hand)
            for name, read in await asyncio.to_thread(self._look, without):
                self._take(name, read)
        if len(self._early) and self._clock.monotonic() >= self._early_due:
            # Not awaited: whatever the database does, the next car is shown at once.
            self._early_due = float("inf")
            self._spawn(self._tell_early(), "early")
        self._asker.expire()
        self._keeper.expire()
        self._metrics.call_data_waiting.set(self._keeper.unknown)
        refused = self._spool.refused - self._refused_counted
        if refused:
            self._refused_counted += refused
            self._refused_until = self._clock.monotonic() + REFUSED_S
            self._metrics.call_data_refused.inc(refused)

    async def _tell_early(self) -> None:
        """Tell cards of data whose contacts are not alive: of the parachute's, and late ones."""
        try:
            for contact_id in self._early.next(EARLY_BATCH):
                if await self._cards.head_of_contact(contact_id) is not None:
                    for read in self._early.take(contact_id):
                        self._tell(contact_id, read)
        except DatabaseUnavailable as error:
            log.warning("call_data_wait_for_cards", reason=str(error))
        finally:
            self._early_due = self._clock.monotonic() + EARLY_S

    def _look(self, without: Collection[str]) -> list[tuple[str, Read]]:
        now = self._clock.now()
        found = self._spool.read(without=without, now=now.timestamp())
        kept = [(name, Kept.of(name, envelope, now=now)) for name, envelope in found]
        return [(name, Read(one, items_in(one))) for name, one in kept]

    def _read_of(self, contact_id: ContactId) -> tuple[str, Read] | None:
        now = self._clock.now()
        found = self._spool.read_of(contact_id, now=now.timestamp())
        if found is None:
            return None
        kept = Kept.of(*found, now=now)
        return found[0], Read(kept, items_in(kept))

    def _take(self, name: str, read: Read) -> None:
        """A message has come: show it, tell it, keep it."""
        if read.kept.key in self._taken:
            return  # two looks have met at one file
        self._taken[read.kept.key] = None
        if len(self._taken) > TAKEN_MAX:
            self._taken.popitem(last=False)
        contact_id = read.kept.contact_id or self._calls.get(read.kept.call_id)
        if contact_id is not None:
            read = of_contact(read, contact_id)
            self._know(contact_id, read)
        self._keeper.take(name, read)
        self._count(read)

    def _know(self, contact_id: ContactId, read: Read) -> None:
        """A message of this contact, perhaps one that a former process has kept."""
        known = self._known.get(contact_id)
        call_id = read.kept.call_id
        if call_id and read.kept.via is Via.INVITE and self._calls.learn(call_id, contact_id):
            self._keeper.known(call_id, contact_id)
        if known is None:
            # Perhaps it has no card yet, either: the journal is not to be filled with orphans.
            self._early.add(contact_id, read)
            return
        self._meet(known, read)
        self._tell(contact_id, read)

    def _tell(self, contact_id: ContactId, read: Read) -> None:
        """Hand what a message says to the card journal, and ask for the places that it names."""
        items = list(story_of(read, contact_id))
        uris = read.references[:REFERENCES_MAX]
        self._keeper.telling(read.kept.key, items, fetches=len(uris))
        for item in items:
            if isinstance(item, LocationTold):
                self._chronicle.locate(contact_id, item.key, item.location)
            else:
                self._chronicle.write_past(item)
        for uri in uris:
            self._spawn(self._fetch(contact_id, read, uri), "fetch")

    async def _fetch(self, contact_id: ContactId, read: Read, uri: str) -> None:
        """Ask an address; a process that dies meanwhile leaves it to the one after it."""
        with _calls_go_on("fetch"):
            await self._fetcher.fetch(contact_id, read, uri)
        self._keeper.fetched(read.kept.key)

    def _also(self, key: str, entry: TimelineEntry) -> None:
        """One thing more that the card is to be told because of the message ``key``."""
        self._keeper.telling(key, [entry])
        self._chronicle.write_past(entry)

    def _meet(self, known: Known, read: Read) -> None:
        """A live contact and a message of it come together."""
        if not known.add(read):
            return
        self._asker.heard(known, read)
        self._show(known)
        if self._asker.wants_another(known, read):
            self._spawn(self._asker.ask_by_itself(known), "ask")

    def _count(self, read: Read) -> None:
        via = read.kept.via.value
        self._metrics.call_data.labels(via).inc()
        for result, count in (("received", len(read.msds)), ("unreadable", read.unreadable)):
            if count:
                self._metrics.msds.labels(result).inc(count)
        if read.msds and read.kept.via in (Via.INVITE, Via.INFO):
            took = self._clock.now() - read.kept.received_at
            self._metrics.msd_seconds.observe(max(0.0, took.total_seconds()))

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(_survived(work, name), name=f"ecall.{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@contextmanager
def _calls_go_on(task: str) -> Iterator[None]:
    """Whatever is wrong with their data: who tells of calls is told of no fault of ours."""
    try:
        yield
    except Exception:
        log.exception("call_data_task_failed", task=task)


async def _survived(work: Coroutine[None, None, None], name: str) -> None:
    with _calls_go_on(name):
        await work
