"""The SMS gateway: sessions with all operators, what they deliver, and what they are given.

It owns the tasks and joins the parts; each of them is described where it is. Everything that must
not be lost is in the database before anybody is told that it is safe: a delivery before it is
acknowledged, a reply with the call taker's message, a mark before a part is given to a bind.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final, Protocol

import structlog
from sqlalchemy.orm import Session as DatabaseSession

from ccserver.config import SMSBindSettings, SMSOperatorSettings, SMSSettings
from ccserver.db import Database, DatabaseUnavailable
from ccserver.sms import retention, sends
from ccserver.sms.connection import Delivered
from ccserver.sms.health import Alarm, BindHealth, IntakeHealth, OperatorHealth, alarms
from ccserver.sms.inbox import Clock, Inbox
from ccserver.sms.landing import Landing
from ccserver.sms.ports import SMPPSession, Takers
from ccserver.sms.processor import Processor
from ccserver.sms.roster import Roster
from ccserver.sms.sender import Sender
from ccserver.sms.session import Session, SessionHandler
from ccserver.texts import OutgoingText

log = structlog.get_logger(__name__)

PURGE_INTERVAL_S: Final = 600.0
PURGE_PAUSE_S: Final = 0.1
"""Between two pieces of one purge: cards of live calls have the same writer."""


class NoOperator(Exception):
    """There is no operator in the settings, so no text can be sent."""


class MakeSession(Protocol):
    """How a session is made; tests make others."""

    def __call__(
        self,
        bind: SMSBindSettings,
        operator: SMSOperatorSettings,
        handler: SessionHandler,
        *,
        clock: Callable[[], float],
    ) -> SMPPSession:
        """Return a session that is not running yet."""


class SMSGateway:
    """All of SMS. `run` does everything; the rest is quick and belongs to the loop.

    ``observe`` is given the seconds from the arrival of each delivery to its acknowledgement.
    """

    def __init__(
        self,
        database: Database,
        settings: SMSSettings,
        takers: Takers,
        *,
        clock: Clock,
        make_session: MakeSession = Session,
        observe: Callable[[float], None] | None = None,
    ) -> None:
        self._db = database
        self._clock = clock
        self._operators = {one.name: one for one in settings.operators}
        handler = _Handler(self)
        self.roster = Roster(
            {
                one.name: [
                    make_session(bind, one, handler, clock=clock.monotonic) for bind in one.binds
                ]
                for one in settings.operators
            },
            modes={bind.name: bind.mode for one in settings.operators for bind in one.binds},
        )
        self.processor = Processor(database, Landing(self._operators, takers), takers, clock=clock)
        self.inbox = Inbox(
            database,
            clock=clock,
            on_stored=self._stored,
            backlog=lambda: self.processor.backlog,
            observe=observe,
        )
        self.sender = Sender(database, self.roster, self._operators, takers, clock=clock)

    async def run(self) -> None:
        """Serve for ever; cancel it to stop. Replies under way get a moment to be answered."""
        async with asyncio.TaskGroup() as links:
            links.create_task(self.inbox.run(), name="sms.inbox")
            for session in self.roster.sessions():
                links.create_task(session.run(), name=f"sms.bind.{session.name}")
            # Stopped before the links are, so that what was sent can still be answered.
            async with asyncio.TaskGroup() as work:
                work.create_task(self.processor.run(), name="sms.processor")
                work.create_task(self.sender.run(), name="sms.sender")
                work.create_task(self._purge(), name="sms.purge")

    def enqueue(self, session: DatabaseSession, text: OutgoingText) -> None:
        """Write what is to be sent, in the transaction that saves the message; then `wake`.

        The same message again changes nothing. Raises `NoOperator` and
        `ccserver.sms.splitting.TextTooLong`; then nothing of it is written.
        """
        name = self.roster.operator_of(text.via)
        bind = text.via
        if name is None:
            # The bind is no longer in the settings: any operator carries it to the citizen.
            name = next(iter(self._operators), None)
            if name is None:
                raise NoOperator
            bind = self._operators[name].binds[0].name
        sends.enqueue(session, text, operator=self._operators[name], bind=bind)

    def wake(self) -> None:
        """Something was enqueued, and that is committed."""
        self.sender.wake()

    def health(self) -> Mapping[str, OperatorHealth]:
        """How each operator is, by name."""
        monotonic, now = self._clock.monotonic(), self._clock.now()
        return {name: self._operator_health(name, monotonic, now) for name in self._operators}

    def intake(self) -> IntakeHealth:
        """How it is with what came in."""
        return IntakeHealth(
            unanswered=self.inbox.pending,
            backlog=self.processor.backlog,
            behind_s=_age_s(self.processor.behind_since, self._clock.now()),
            set_aside_s=None
            if self.processor.set_aside_at is None
            else _age_s(self.processor.set_aside_at, self._clock.now()),
        )

    def counts(self) -> Mapping[tuple[str, str], int]:
        """What was counted since the process began, by operator and name, for the metrics.

        The names are those of `Processor` and `Sender`.
        """
        return self.processor.counts + self.sender.counts

    def alarms(self) -> tuple[Alarm, ...]:
        """What somebody must be told now."""
        return alarms(list(self.health().values()), self.intake())

    def delivered(self, session: Session, delivered: Delivered) -> None:
        """A session has something; it is acknowledged after the commit."""
        self.inbox.offer(
            session.operator, session.name, delivered, partial(session.acknowledge, delivered)
        )

    def _operator_health(self, name: str, monotonic: float, now: datetime) -> OperatorHealth:
        since = self.roster.down_since(name)
        waiting, oldest = self.sender.waiting.get(name, (0, None))
        return OperatorHealth(
            name=name,
            binds=tuple(
                BindHealth(
                    one.name,
                    one.ready,
                    one.can_send,
                    None if one.down_since is None else monotonic - one.down_since,
                )
                for one in self.roster.of(name)
            ),
            down_s=None if since is None else monotonic - since,
            waiting=waiting,
            waiting_s=_age_s(oldest, now),
            validity_s=self._operators[name].validity_s,
        )

    def _stored(self, count: int) -> None:
        self.processor.arrived(count)

    async def _purge(self) -> None:
        while True:
            pause = PURGE_INTERVAL_S
            try:
                if await self._db.write(partial(retention.purge, now=self._clock.now())):
                    pause = PURGE_PAUSE_S
            except DatabaseUnavailable as error:
                log.warning("sms_purge_waits", reason=str(error))
            except Exception:
                log.exception("sms_purge_failed")
            await asyncio.sleep(pause)


class _Handler:
    """What sessions tell; the gateway's own methods are for others."""

    def __init__(self, gateway: SMSGateway) -> None:
        self._gateway = gateway

    def delivered(self, session: Session, delivered: Delivered) -> None:
        self._gateway.delivered(session, delivered)

    def state_changed(self, session: Session) -> None:
        self._gateway.wake()


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
