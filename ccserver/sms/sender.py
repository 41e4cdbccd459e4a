"""Sends what is to be sent: by the bind the citizen used, in the citizen's order, until it is over.

A part is marked as under way before it is given to a bind and settled after the operator answered.
Whoever is stopped in between leaves the mark, and the next process sends the part again and says
that nobody knows: a text that comes twice is better than one that does not come.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ccserver.config import SMSOperatorSettings
from ccserver.db import Database, DatabaseUnavailable
from ccserver.sms import sends
from ccserver.sms.faults import where
from ccserver.sms.inbox import Clock
from ccserver.sms.ports import SMPPSession, Takers
from ccserver.sms.roster import Roster
from ccserver.sms.sends import Send
from ccserver.sms.session import NotBound, OutcomeUnknown, Refused, Throttled
from ccserver.sms.short_message import Address
from ccserver.sms.submit import submit_body
from ccserver.texts import FINAL_STATES, Delivery

log = structlog.get_logger(__name__)

SUBMIT_TIMEOUT_S: Final = 10.0
"""Operators answer in well under a second; after this nobody knows, and it is sent again."""
LOOK_INTERVAL_S: Final = 0.5
"""Between two looks while something waits: for a bind, for its time, for the citizen's turn."""
IDLE_INTERVAL_S: Final = 5.0
"""Between two looks while nothing waits, if nobody wakes us."""
AWAY_PAUSE_S: Final = 1.0
"""While the database is away."""
STOP_GRACE_S: Final = 2.0
"""For answers that are under way when we are stopped; without them parts are sent again."""
VALIDITY_MIN_S: Final = 60
"""What an operator is given for a part that waited for long: less would be refused by some, and
delivered by none."""
TON_INTERNATIONAL: Final = 1
TON_UNKNOWN: Final = 0
NPI_E164: Final = 1

NOT_TAKEN_PAUSE_S: Final = 0.2
"""Before another choice of a bind: a session that says it is free and is not must not spin us."""

Settled = Callable[[Session], list[Delivery]]


class AddressInvalid(Exception):
    """A telephone number or our own number is none that SMPP can carry."""


class Sender:
    """One task that looks and one for each part under way, as many as the windows allow.

    ``counts`` are by operator and name, for the metrics: what became of a try as ``sent``,
    ``refused``, ``again``, ``throttled``, ``unknown``; and what became of texts without a receipt
    as ``failed``, ``expired`` (of no operator: none took them). ``untold`` counts news that the
    takers failed to take.
    """

    def __init__(
        self,
        db: Database,
        roster: Roster,
        operators: Mapping[str, SMSOperatorSettings],
        takers: Takers,
        *,
        clock: Clock,
    ) -> None:
        self._db = db
        self._roster = roster
        self._operators = operators
        self._takers = takers
        self._clock = clock
        self._wake = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._doubted: set[int] = set()
        """Parts whose mark may be written though we were told that it was not."""
        self.waiting: Mapping[str, tuple[int, datetime]] = {}
        """By operator: how many parts wait, and since when the oldest one does."""
        self.untold = 0
        self.counts: Counter[tuple[str, str]] = Counter()

    @property
    def under_way(self) -> int:
        """Parts that an operator has not answered yet."""
        return len(self._under_way)

    def wake(self) -> None:
        """There is something new to send, or a bind is up."""
        self._wake.set()

    async def run(self) -> None:
        """Send for ever; cancel it to stop."""
        started = False
        try:
            while True:
                self._wake.clear()
                try:
                    if not started:
                        await self.start()
                        started = True
                    await self.step()
                    pause = LOOK_INTERVAL_S if self.waiting else IDLE_INTERVAL_S
                except DatabaseUnavailable as error:
                    log.warning("sms_sending_waits", reason=str(error))
                    pause = AWAY_PAUSE_S
                except Exception:
                    # One text that cannot be sent must not silence all others.
                    log.exception("sms_sending_failed")
                    pause = AWAY_PAUSE_S
                await self._sleep(pause)
        finally:
            await self._stop()

    async def start(self) -> None:
        """Take up what a former process had under way; raises `DatabaseUnavailable`."""
        now = self._clock.now()
        self._tell(await self._db.write(lambda session: self._written(session, _take_up(now))))

    async def step(self) -> None:
        """One look: give up what is too late, and give to binds what may leave."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        self.waiting = await self._db.read(sends.queued)
        if not self.waiting:
            return
        if any(since <= now - self._shortest_validity() for _, since in self.waiting.values()):
            expired = await self._db.write(
                lambda session: self._written(session, partial(sends.expire, now=now))
            )
            self.counts["", "expired"] += len(expired)
            self._tell(expired)
        ready = await self._db.read(partial(sends.due, now=now))
        chosen = self._choose(ready, monotonic)
        if chosen or self._doubted:
            await self._give(chosen)

    def _shortest_validity(self) -> timedelta:
        return timedelta(
            seconds=min((one.validity_s for one in self._operators.values()), default=0)
        )

    def _choose(self, ready: Sequence[Send], now: float) -> list[tuple[Send, SMPPSession]]:
        taken: Counter[str] = Counter()
        chosen = []
        for send in ready:
            if send.send_id in self._under_way:
                continue
            session = self._roster.choose(send.operator, send.bind, now=now, taken=taken)
            if session is not None:
                taken[session.name] += 1
                chosen.append((send, session))
        return chosen

    async def _give(self, chosen: Sequence[tuple[Send, SMPPSession]]) -> None:
        """Mark what was chosen, and then send it."""
        marks = [
            (send.send_id, one.name, self._roster.operator_of(one.name) or send.operator)
            for send, one in chosen
        ]
        doubted = sorted(self._doubted)
        self._doubted |= {send_id for send_id, _, _ in marks}

        def mark(session: Session) -> list[int]:
            sends.release(session, doubted)
            return sends.claim(session, marks)

        claimed = set(await self._db.write(mark))
        self._doubted.clear()
        for send, session in chosen:
            if send.send_id in claimed:
                self._under_way[send.send_id] = asyncio.create_task(
                    self._send(send, session), name=f"sms.send.{send.send_id}"
                )

    async def _send(self, send: Send, session: SMPPSession) -> None:
        try:
            await self._settle_or_doubt(send, await self._try(send, session))
        except Exception:
            # It stays marked as under way; the next process sends it again.
            log.exception("sms_send_failed", send_id=send.send_id)
        finally:
            del self._under_way[send.send_id]
            self._wake.set()

    async def _settle_or_doubt(self, send: Send, settled: Settled) -> None:
        """What cannot be written, which is a fault of ours, is a doubt: a part that stayed marked
        would hold up all of the citizen's later texts.
        """
        try:
            await self._settle(send, settled)
        except Exception:
            log.exception("sms_settling_failed", send_id=send.send_id)
            await self._settle(send, self._dated(partial(sends.doubted, send_id=send.send_id)))

    async def _try(self, send: Send, session: SMPPSession) -> Settled:
        """Send it once; returns what to write about that."""
        send_id = send.send_id
        try:
            body = self._body(send, session)
            smsc_id = await session.submit(body, timeout_s=SUBMIT_TIMEOUT_S)
        except (NotBound, Throttled) as refusal:
            # It was not sent; the bind waits as long as it has to, and another one may be free.
            if isinstance(refusal, Throttled):
                self._count(session, "throttled")
            return self._without_news(
                partial(sends.not_taken, send_id=send_id, pause_s=NOT_TAKEN_PAUSE_S)
            )
        except Refused as refusal:
            log.warning("sms_refused", send_id=send_id, status=refusal.status)
            if not refusal.permanent:
                self._count(session, "again")
                return self._without_news(partial(sends.refused_for_now, send_id=send_id))
            self._count(session, "refused")
            return self._dated(partial(sends.refused, send_id=send_id, error=str(refusal.status)))
        except AddressInvalid:
            self._count(session, "refused")
            return self._dated(partial(sends.refused, send_id=send_id, error=sends.ADDRESS_INVALID))
        except Exception as error:
            # Also a fault of ours: it may have been written, and the next try tells.
            self._count(session, "unknown")
            frames = [] if isinstance(error, OutcomeUnknown) else where(error)
            log.warning("sms_outcome_unknown", send_id=send_id, bind=session.name, where=frames)
            return self._dated(partial(sends.doubted, send_id=send_id))
        self._count(session, "sent")
        return self._dated(partial(sends.taken, send_id=send_id, smsc_id=smsc_id))

    def _dated(self, settled: Callable[..., list[Delivery]]) -> Settled:
        return partial(settled, now=self._clock.now())

    def _without_news(self, settled: Callable[..., None]) -> Settled:
        now = self._clock.now()

        def change(session: Session) -> list[Delivery]:
            settled(session, now=now)
            return []

        return change

    def _body(self, send: Send, session: SMPPSession) -> bytes:
        """The ``submit_sm``; raises `AddressInvalid`."""
        name = self._roster.operator_of(session.name) or send.operator
        settings = self._operators[name]
        left = int((send.expires_at - self._clock.now()).total_seconds())
        ours = send.our_number.removeprefix("+")
        try:
            return submit_body(
                source=Address(settings.source_ton, settings.source_npi, ours),
                destination=destination(send.citizen),
                part=send.piece,
                validity_s=min(max(VALIDITY_MIN_S, left), max(VALIDITY_MIN_S, settings.validity_s)),
                packed=settings.gsm_packed,
            )
        except ValueError as error:
            raise AddressInvalid from error

    def _count(self, session: SMPPSession, what: str) -> None:
        self.counts[self._roster.operator_of(session.name) or "", what] += 1

    async def _settle(self, send: Send, settled: Settled) -> None:
        """Write what became of a part, however long the database is away."""
        while True:
            try:
                deliveries = await self._db.write(lambda session: self._written(session, settled))
            except DatabaseUnavailable as error:
                log.warning("sms_settling_waits", reason=str(error))
                await asyncio.sleep(AWAY_PAUSE_S)
            else:
                for one in deliveries:
                    if one.state in FINAL_STATES:
                        self.counts[send.operator, one.state.value] += 1
                self._tell(deliveries)
                return

    def _written(self, session: Session, settled: Settled) -> list[Delivery]:
        """Inside the transaction: change the row, and tell what follows from it."""
        deliveries = settled(session)
        if not deliveries:
            return []
        try:
            with session.begin_nested():
                self._takers.deliveries(session, deliveries)
        except DBAPIError:
            raise
        except Exception as error:
            # A part that cannot be told of must not be sent again for that reason.
            log.error(
                "sms_deliveries_not_taken",
                count=len(deliveries),
                reason=type(error).__name__,
                where=where(error),
            )
            self.untold += len(deliveries)
            return []
        return deliveries

    def _tell(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        try:
            self._takers.stored(frozenset({"deliveries"}))
        except Exception:
            # It is committed; whoever takes it looks again by itself.
            log.exception("sms_taker_failed")

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _stop(self) -> None:
        tasks = list(self._under_way.values())
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_GRACE_S)
        await self._stop_now()

    async def _stop_now(self) -> None:
        """Leave what is under way as it is marked; the next process takes it up."""
        late = list(self._under_way.values())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _take_up(now: datetime) -> Settled:
    return lambda session: sends.take_up(session, now)


def destination(citizen: str) -> Address:
    """A citizen's address as it is sent: without the plus sign that SMPP does not know."""
    if citizen.startswith("+"):
        return Address(TON_INTERNATIONAL, NPI_E164, citizen[1:])
    return Address(TON_UNKNOWN, NPI_E164, citizen)
