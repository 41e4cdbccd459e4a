"""Where AML messages meet their calls: live ones at once, recent ones, and those still to come.

A message comes by SMS, already in the database when we hear of it, or over HTTPS. If its phone has
a live call, the position is handed to the card journal in the same moment, whether the database
answers or not, and the open card moves its marker when the journal has written it. Otherwise a
call that was over a short while ago is looked up. What has no call yet waits for one, at most as
long as the configuration says.

Nothing that is held is forgotten by a crash: a row stays as it is until the journal has written
its position to a card, and a position that is handed over again changes nothing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from ccserver.acd.events import Direction
from ccserver.aml import values
from ccserver.aml.data_sms import text_of
from ccserver.aml.matching import CallSpan, KnownPhones, call_of
from ccserver.aml.store import PAGE_MAX, AMLStore, Held, hold
from ccserver.aml.values import Sighting, digits_of
from ccserver.card import TimelineTag
from ccserver.card.spill import JournalItem
from ccserver.chronicle import Chronicle
from ccserver.db import DatabaseUnavailable
from ccserver.live import LiveContact, LiveView
from ccserver.location.aml import looks_like_aml, looks_like_aml_tail
from ccserver.metrics import Metrics
from ccserver.types import ContactId
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

SWEEP_INTERVAL_S = 15.0
"""Calls that only Asterisk saw get their card without a word to us: recent ones are looked up
again so often. Nothing else waits for it."""

RETRY_S = 2.0
"""After the database was away."""

SAVE_TIMEOUT_S = 2.0
"""A phone over HTTPS is kept no longer for our database; it could do nothing about it."""

WAITING_MAX = 10_000
"""Messages without a call, about 10 MB: a centre gets as many in an hour as it has strangers'
phones. The oldest goes from memory first, and stays in the database until its time."""

KNOWN_MAX = 20_000
"""Messages of which a repetition is known."""

CALL_S_MAX = 4 * 3_600.0
"""Calls that began longer ago are not looked up; none lasts so long."""


class RecentCalls(Protocol):
    """Calls that the cards know; `ccserver.adapters.RecentCallers`."""

    async def calls_of(self, digits: Collection[str], since: datetime) -> Sequence[CallSpan]:
        """The contacts of these numbers that arrived since then.

        Raises `DatabaseUnavailable`.
        """


class AMLIntake:
    """What the SMS gateway asks of AML, in its threads and transactions."""

    def __init__(self, *, keep_s: float) -> None:
        self._keep_s = keep_s

    def is_aml(self, text: str) -> bool:
        """Whether a text, or its first part, is no citizen's but AML."""
        return looks_like_aml(text)

    def is_aml_tail(self, text: str) -> bool:
        """Whether a later part can only be AML's."""
        return looks_like_aml_tail(text)

    def text_of(self, octets: bytes) -> str | None:
        """The AML in user data that is no text by its own coding; ``None`` where there is none."""
        return text_of(octets)

    def aml(
        self,
        session: Session,
        *,
        key: str,
        text: str,
        octets_hex: str,
        sender: str,
        received_at: datetime,
    ) -> None:
        """Keep a message in the gateway's transaction; `AMLDesk.wake` follows its commit.

        ``key`` is the gateway's own and not looked at: a message is known by what it says, so
        that one which an operator delivers again is the same.
        """
        del key
        octets = _octets(octets_hex)
        sighting = values.of_text(text, octets, sender=sender, received_at=received_at)
        hold(session, [sighting], keep_s=self._keep_s)


class AMLDesk:
    """Gives every position to the call that it belongs to.

    `LiveView.added` is to be `contact_added`, and the journal is to tell `written`.
    """

    def __init__(
        self,
        store: AMLStore,
        recent: RecentCalls,
        live: LiveView,
        chronicle: Chronicle,
        *,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._store = store
        self._recent = recent
        self._live = live
        self._chronicle = chronicle
        self._metrics = metrics
        self._clock = clock
        self._phones = KnownPhones()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._waiting: OrderedDict[str, Sighting] = OrderedDict()
        """On no card, and of no call that lives."""
        self._fresh: dict[str, None] = {}
        """Those of the waiting whose call was not looked up yet."""
        self._given: dict[str, Sighting] = {}
        """Handed to the journal, which has not written them yet."""
        self._given_to: dict[str, ContactId] = {}
        self._timed: set[str] = set()
        """Those of them whose call lived when they came: nothing but us kept them waiting."""
        self._on_cards: dict[str, ContactId] = {}
        """Written, of which the store does not know yet."""
        self._unsaved: OrderedDict[str, Sighting] = OrderedDict()
        """What came while the database was away."""
        self._last_row = 0
        self._recalled = False
        self._swept_at = float("-inf")
        self._work = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Messages in memory that have no call."""
        return len(self._waiting)

    # -- what comes in ----------------------------------------------------------------------------

    async def receive(self, sighting: Sighting) -> None:
        """A message over HTTPS; durable when it returns, unless the database is away.

        The position of a live call is with the journal before anything is waited for.
        """
        if not self._take(sighting):
            self._count(sighting, "repeated")
            return
        try:
            async with asyncio.timeout(SAVE_TIMEOUT_S):
                await self._store.hold([sighting])
        except (DatabaseUnavailable, TimeoutError):
            log.warning("aml_not_saved", transport=sighting.transport.value)
            _bounded(self._unsaved, sighting.key, sighting, WAITING_MAX)
        self._work.set()

    def wake(self) -> None:
        """The SMS gateway has committed messages."""
        self._work.set()

    def contact_added(self, contact: LiveContact) -> None:
        """A contact is alive: what its phone has sent already is attached."""
        span = _span(contact)
        if span is None or not span.digits:
            return
        for sighting in list(self._waiting.values()):
            digits = self._phones.digits_of(sighting)
            if call_of(digits, sighting.received_at, [span]) is not None:
                self._give(sighting, span.contact_id, "early")

    def written(self, item: JournalItem) -> None:
        """The journal has written something; perhaps a position of ours."""
        key = getattr(item, "key", "")
        sighting = self._given.pop(key, None)
        if sighting is None:
            return
        self._on_cards[key] = self._given_to.pop(key)
        if key in self._timed:
            self._timed.discard(key)
            took = self._clock.now() - sighting.received_at
            self._metrics.aml_seconds.observe(max(0.0, took.total_seconds()))
        self._work.set()

    # -- the work ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Match, settle and expire, for ever."""
        while True:
            pause_s = SWEEP_INTERVAL_S
            self._work.clear()
            try:
                await self.work()
            except DatabaseUnavailable as error:
                log.warning("aml_round_failed", reason=str(error))
                pause_s = RETRY_S
                self._work.clear()
            except Exception:
                # One message that we cannot digest must not end the process that carries calls.
                log.exception("aml_round_failed")
                pause_s = RETRY_S
            self._metrics.aml_waiting.set(self.waiting)
            try:
                async with asyncio.timeout(pause_s):
                    await self._work.wait()
            except TimeoutError:
                continue

    async def work(self) -> None:
        """One round: what is new, what is on cards, and now and then what is old.

        Raises `DatabaseUnavailable`; what was not done is done by the next one.
        """
        now, began = self._clock.now(), self._clock.monotonic()
        self._forget(now)
        if not self._recalled:
            for sighting in await self._store.on_cards(now=now):
                self._phones.learn(sighting)
                self._remember(sighting.key)
            self._recalled = True
        if self._unsaved:
            unsaved = list(self._unsaved.values())
            await self._store.hold(unsaved)
            for sighting in unsaved:
                self._unsaved.pop(sighting.key, None)
        while held := await self._store.waiting(after=self._last_row, now=now):
            self._take_held(held)
            if len(held) < PAGE_MAX:
                break
        sweeps = began - self._swept_at >= SWEEP_INTERVAL_S
        await self._look_up(list(self._waiting) if sweeps else list(self._fresh))
        await self._settle(now)
        if sweeps:
            await self._expire(now)
            # What has become old since this round began is the next one's.
            self._swept_at = began

    def _take_held(self, held: Iterable[Held]) -> None:
        for each in held:
            self._last_row = each.row_id
            self._take(each.sighting)

    def _take(self, sighting: Sighting) -> bool:
        """Take a message into our hands, and to its call if that lives; ``False`` for a known one.

        What tells no position is not kept in mind, but may say whose phone an earlier one is of.
        """
        if sighting.key in self._known:
            return False  # what came over HTTPS comes again from the database
        self._remember(sighting.key)
        learned = self._phones.learn(sighting)
        if not sighting.tells:
            self._count(sighting, "no_position")
        elif sighting.is_nameless:
            self._count(sighting, "nameless")
        else:
            _bounded(self._waiting, sighting.key, sighting, WAITING_MAX)
            if not self._give_to_live(sighting):
                self._fresh[sighting.key] = None
        if learned:
            self._look_at_device(sighting.device)
        return True

    def _look_at_device(self, device: str | None) -> None:
        """The number of a phone is known now: perhaps its call, too."""
        for sighting in list(self._waiting.values()):
            same = sighting.device == device and not sighting.digits
            if same and not self._give_to_live(sighting):
                self._fresh[sighting.key] = None

    def _give_to_live(self, sighting: Sighting) -> bool:
        digits = self._phones.digits_of(sighting)
        spans = [span for contact in self._live.contacts() if (span := _span(contact)) is not None]
        call = call_of(digits, sighting.received_at, spans)
        if call is not None:
            self._give(sighting, call.contact_id, "live")
        return call is not None

    async def _look_up(self, keys: Sequence[str]) -> None:
        """Look for calls that live no more, or never lived here."""
        self._fresh = {}
        wanted = [self._waiting[key] for key in keys if key in self._waiting]
        try:
            for start in range(0, len(wanted), PAGE_MAX):
                await self._look_up_some(wanted[start : start + PAGE_MAX])
        except DatabaseUnavailable:
            # Others may have come meanwhile.
            self._fresh = dict.fromkeys(sighting.key for sighting in wanted) | self._fresh
            raise

    async def _look_up_some(self, wanted: Sequence[Sighting]) -> None:
        digits = {number for each in wanted if (number := self._phones.digits_of(each))}
        if not digits:
            return
        oldest = min(sighting.received_at for sighting in wanted)
        calls = await self._recent.calls_of(digits, oldest - timedelta(seconds=CALL_S_MAX))
        for sighting in wanted:
            call = call_of(self._phones.digits_of(sighting), sighting.received_at, calls)
            if call is not None and sighting.key in self._waiting:
                self._give(sighting, call.contact_id, "recent")

    def _give(self, sighting: Sighting, contact_id: ContactId, how: str) -> None:
        """Hand the position to the card journal."""
        self._waiting.pop(sighting.key, None)
        self._given[sighting.key] = sighting
        self._given_to[sighting.key] = contact_id
        if how == "live":
            self._timed.add(sighting.key)
        if sighting.location is not None:
            self._chronicle.locate(contact_id, sighting.key, sighting.location)
        else:
            text = sighting.unreadable
            tag = TimelineTag.AML_UNREADABLE
            self._chronicle.write(contact_id, tag, sighting.key, None, note=text)
        self._count(sighting, how)
        log.info("aml_matched", contact_id=contact_id, transport=sighting.transport.value, call=how)

    async def _settle(self, now: datetime) -> None:
        """Tell the store what is on cards."""
        on_cards: Mapping[str, ContactId] = dict(self._on_cards)
        await self._store.settle(on_cards, now)
        for key in on_cards:
            self._on_cards.pop(key, None)

    async def _expire(self, now: datetime) -> None:
        expired = await self._store.expire(now)
        if expired:
            self._metrics.aml_expired.inc(expired)
            log.info("aml_expired", count=expired)

    def _forget(self, now: datetime) -> None:
        """Let go of what is too old, whether the database answers or not."""
        oldest = now - timedelta(seconds=self._store.keep_s)
        for kept in (self._waiting, self._given, self._unsaved):
            for key, sighting in list(kept.items()):
                if sighting.received_at <= oldest:
                    del kept[key]
                    self._given_to.pop(key, None)
                    self._timed.discard(key)
        self._fresh = {key: None for key in self._fresh if key in self._waiting}
        self._phones.forget(now)

    def _remember(self, key: str) -> None:
        self._known[key] = None
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    def _count(self, sighting: Sighting, result: str) -> None:
        self._metrics.aml_messages.labels(sighting.transport.value, result).inc()


def _span(contact: LiveContact) -> CallSpan | None:
    """A live contact as calls are matched; what we place ourselves is none."""
    if contact.direction is not Direction.INBOUND:
        return None
    return CallSpan(contact.contact_id, digits_of(contact.caller_number), contact.arrived_at)


def _bounded(
    kept: OrderedDict[str, Sighting], key: str, sighting: Sighting, length_max: int
) -> None:
    kept[key] = sighting
    if len(kept) > length_max:
        kept.popitem(last=False)
        log.warning("aml_memory_full", length_max=length_max)


def _octets(octets_hex: str) -> bytes:
    try:
        return bytes.fromhex(octets_hex)
    except ValueError:
        return b""
