"""Conversations by text: every way, the desk and their routes, built here for the composition root.

A way hands its texts in and is given the replies within the transactions of whoever has them, so
that nothing is between the two.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence

import structlog
from sqlalchemy.orm import Session

from ccserver.card import CardStore
from ccserver.config import SMSSettings
from ccserver.current_plan import CurrentPlan
from ccserver.db import Database
from ccserver.live import Publish
from ccserver.messaging import CurrentMessaging, NoWayBack, writing
from ccserver.messaging.acknowledgement import acknowledgement
from ccserver.messaging.landing import land
from ccserver.metrics import Metrics
from ccserver.runtime import Runtime
from ccserver.sms.gateway import NoOperator, SMSGateway
from ccserver.sms.health import AlarmCode
from ccserver.sms.ports import Kind, Positions
from ccserver.sms.splitting import TextTooLong as SMSTooLong
from ccserver.speakers import Speakers
from ccserver.telephony.messages import TextSpool
from ccserver.texting.apps import AppTexts, AppWay
from ccserver.texting.control import TextControl
from ccserver.texting.desk import TextDesk
from ccserver.texting.line import TextLine, TextSettings
from ccserver.texting.replies import Replies, TextTooLong, Way
from ccserver.texting.sip import Exchange, SIPTexts
from ccserver.texting.telling import TextTelling
from ccserver.texting.views import Conversations
from ccserver.texts import Channel, Delivery, IncomingText, OutgoingText
from ccserver.web.access import Route
from ccserver.web.app_texts import AppTextsAPI
from ccserver.web.conversations import ConversationsAPI
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

LOOK_S = 1.0
"""Between two looks at operators and queues, as the watch looks at everything else."""
ADOPT_TIMEOUT_S = 5.0
"""How long a start waits for texts that were in hand before seats are ready; a database that is
slower than that must not keep callers from call takers, and the texts come when it can."""


class SMSWay:
    """Implements `ccserver.texting.replies.Way` over the gateway."""

    def __init__(self, gateway: SMSGateway) -> None:
        self._gateway = gateway

    def enqueue(self, session: Session, text: OutgoingText) -> None:
        """See `SMSGateway.enqueue`; raises `TextTooLong`, `NoWayBack`."""
        try:
            self._gateway.enqueue(session, text)
        except SMSTooLong as error:
            raise TextTooLong(str(error)) from error
        except NoOperator as error:
            raise NoWayBack("no operator is set up") from error

    def wake(self) -> None:
        """That transaction is committed."""
        self._gateway.wake()


class Takers:
    """Implements `ccserver.sms.ports.Takers`: texts to conversations, positions to calls."""

    def __init__(
        self,
        messaging: CurrentMessaging,
        positions: Positions,
        *,
        texts_stored: Callable[[], None],
        positions_stored: Callable[[], None],
    ) -> None:
        self._messaging = messaging
        self._positions = positions
        self._texts_stored = texts_stored
        self._positions_stored = positions_stored
        self.is_aml = positions.is_aml
        self.is_aml_tail = positions.is_aml_tail
        self.aml = positions.aml

    def texts(self, session: Session, texts: Sequence[IncomingText]) -> None:
        """Each lands in its conversation."""
        messaging = self._messaging
        keep_open_s = messaging.document.keep_open_s
        land(session, texts, keep_open_s=keep_open_s, fields_of=messaging.found_fields)

    def deliveries(self, session: Session, deliveries: Sequence[Delivery]) -> None:
        """What became of our texts."""
        for delivery in deliveries:
            writing.set_delivery(session, delivery)

    def stored(self, kinds: frozenset[Kind]) -> None:
        """After the commit: act on it."""
        if kinds & {"texts", "deliveries"}:
            self._texts_stored()
        if "aml" in kinds:
            self._positions_stored()


class Texting:
    """The parts, their routes and tasks, and what the watch asks."""

    def __init__(
        self,
        database: Database,
        cards: CardStore,
        runtime: Runtime,
        plan: CurrentPlan,
        speakers: Speakers,
        *,
        messaging: CurrentMessaging,
        sms: SMSSettings,
        spool: TextSpool,
        exchange: Exchange,
        trunk_out: str,
        positions: Positions,
        positions_stored: Callable[[], None],
        publish: Publish,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._metrics = metrics
        self._messaging = messaging
        self._clock = clock
        telling = TextTelling(runtime, publish=publish, metrics=metrics, clock=clock)
        self.line = TextLine(
            runtime, plan, speakers, telling, settings=self._settings, metrics=metrics, clock=clock
        )
        self.takers = Takers(
            messaging,
            positions,
            texts_stored=lambda: self.desk.wake(),  # noqa: PLW0108 - the desk is made after it
            positions_stored=positions_stored,
        )
        self.gateway = SMSGateway(
            database, sms, self.takers, clock=clock, observe=metrics.sms_ack_seconds.observe
        )
        self._counted: Counter[tuple[str, str]] = Counter()
        """What the metrics were told of the gateway's counts."""
        self.sip = SIPTexts(
            database,
            spool,
            exchange,
            self.takers,
            trunk_out=trunk_out,
            stored=lambda: self.takers.stored(frozenset({"texts"})),
            clock=clock,
        )
        ways: dict[Channel, Way] = {
            Channel.SMS: SMSWay(self.gateway),
            Channel.APP: AppWay(),
            Channel.SIP: self.sip,
        }
        self.desk = TextDesk(
            self.line,
            database,
            cards,
            replies=Replies(database, ways, clock),
            detect=self._detect,
            acknowledge=lambda conversation, message: acknowledgement(
                messaging.document, conversation, message, clock.now()
            ),
            metrics=metrics,
            clock=clock,
        )
        self.control = TextControl(runtime, self.desk, metrics)
        self._conversations = Conversations(self.desk.store, cards, self.control, runtime.live)
        self._apps = AppTexts(
            database, self.desk, runtime.chronicle, clock, find_fields=messaging.found_fields
        )
        runtime.attach_texts(self.line)
        runtime.seat_changed = self.line.seat_changed
        runtime.live.noticed = self.desk.noticed
        self.sms_down = False
        """Whether texts of some operator's subscribers neither come nor go."""
        self.sms_stuck = False
        """Whether texts lie somewhere that should have gone on."""

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (
            *ConversationsAPI(self._conversations).routes(),
            *AppTextsAPI(self._apps, self._clock).routes(),
        )

    def services(self) -> dict[str, Coroutine[None, None, None]]:
        """The tasks, by name; none ends by itself."""
        return {
            "sms": self.gateway.run(),
            "sip_texts": self.sip.run(),
            "texts": self.desk.run(),
            "texts_unanswered": self.desk.watch(),
            "texts_left_open": self.desk.sweep(),
            "texting_watch": self.watch(),
        }

    async def adopt(self) -> None:
        """The calls are known: take over conversations, before seats are ready.

        With the database away the desk does it as soon as it can.
        """
        self.desk.calls_known.set()
        try:
            async with asyncio.timeout(ADOPT_TIMEOUT_S):
                await self.desk.adopted.wait()
        except TimeoutError:
            log.warning("texts_not_adopted_yet")

    def settle(self) -> None:
        """The presences are restored."""
        self.line.settle()

    async def watch(self) -> None:
        """Look at operators and queues for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """One look: metrics, and what the watch is to raise."""
        for name, operator in self.gateway.health().items():
            bound = sum(bind.ready for bind in operator.binds)
            self._metrics.sms_binds.labels(name).set(bound)
            self._metrics.sms_pending.labels(name).set(operator.waiting)
        self._tell_counts()
        codes = {alarm.code for alarm in self.gateway.alarms()}
        self.sms_down = AlarmCode.SMS_DOWN in codes
        self.sms_stuck = AlarmCode.SMS_STUCK in codes or self.sip.behind or self.desk.left_out
        counts = {"waiting": 0, "riding": 0, "in_hand": 0}
        for thread in self.line.threads:
            state = "riding" if thread.riding else "in_hand" if thread.agent_id else "waiting"
            counts[state] += 1
        for state, count in counts.items():
            self._metrics.conversations.labels(state).set(count)

    def _tell_counts(self) -> None:
        self._metrics.sms_backlog.set(self.gateway.intake().backlog)
        counts = Counter(self.gateway.counts())
        for (operator, what), count in (counts - self._counted).items():
            self._metrics.sms.labels(operator, what).inc(count)
        self._counted = counts

    async def _detect(self, words: str) -> str | None:
        """By the languages in force."""
        return await self._messaging.detector.detected(words)

    def _settings(self) -> TextSettings:
        document = self._messaging.document
        return TextSettings(
            unanswered_after_s=document.unanswered_after_s,
            keep_open_s=document.keep_open_s,
            queues={one.number: one.queue for one in document.queues},
        )
