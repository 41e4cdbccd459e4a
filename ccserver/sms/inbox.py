"""What operators deliver, on its way into the database and before they are answered.

A ``deliver_sm`` is acknowledged after the commit that holds it, and otherwise refused with a status
that makes the operator try again (SMPP 3.4 §5.1.3): it keeps the text until then, so no text is
lost whichever of the two sides stops in between. What waits is written in one transaction: a lone
one is written at once, and meanwhile the next batch gathers. Nothing is looked at here.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import structlog
from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from ccserver.db import Database, DatabaseUnavailable
from ccserver.sms.models import InboxRow

log = structlog.get_logger(__name__)

MESSAGE_QUEUE_FULL: Final = 0x14
"""ESME_RMSGQFUL: we have too many, try later."""
TEMPORARY_ERROR: Final = 0x64
"""ESME_RX_T_APPN: we cannot keep it now, try later."""
PENDING_MAX: Final = 2_000
"""Unanswered deliveries in memory, at most 140 MB of the largest PDUs and some 500 kB of usual
ones; the windows of a country's operators together are a tenth of it."""
BATCH_MAX: Final = 200
"""Rows of one transaction: some milliseconds, which a card of a live call may have to wait."""
BACKLOG_MAX: Final = 2_000_000
"""Stored and not yet looked at, about 1 GB of disk: beyond it the operators keep the rest."""
STORE_DEADLINE_S: Final = 3.0
"""An operator that is not answered in its own time (5 to 10 s are usual) takes the link for dead
and closes it; a refusal in time costs one text a second try, a closed link costs all."""
GATHER_S: Final = 0.0005
"""An operator whose window was full sends its next texts as soon as some are answered. Written with
what came meanwhile they share a commit; at once, two halves of the window would take turns, and
each text would wait for two commits. A small part of what the disk takes for one."""
AWAY_PAUSE_S: Final = 0.5
"""After a failure everything is refused at once for so long, so that nobody waits for nothing."""

TABLE: Table = InboxRow.__table__  # type: ignore[assignment]


class Arrived(Protocol):
    """What the inbox needs of a session's delivered PDU."""

    @property
    def command_id(self) -> int:
        """``deliver_sm`` or ``data_sm``."""

    @property
    def body(self) -> bytes:
        """The PDU without its header."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One delivery that waits for its commit; ``answer`` acknowledges it with a status."""

    operator: str
    bind: str
    delivered: Arrived
    received_at: datetime
    since: float
    """Monotonic seconds."""
    answer: Callable[[int], object]


class Clock(Protocol):
    """Both kinds of time."""

    def now(self) -> datetime:
        """The aware UTC time."""

    def monotonic(self) -> float:
        """Seconds that never go back."""


class Inbox:
    """A bounded queue in front of the table, with one writer.

    ``on_stored`` is called with the number of rows after every commit. Counters: ``stored``,
    ``refused_full``, ``refused_away``; ``observe`` is given the seconds from arrival to
    acknowledgement of each.
    """

    def __init__(
        self,
        db: Database,
        *,
        clock: Clock,
        on_stored: Callable[[int], None],
        backlog: Callable[[], int] = lambda: 0,
        observe: Callable[[float], None] | None = None,
        deadline_s: float = STORE_DEADLINE_S,
        pending_max: int = PENDING_MAX,
    ) -> None:
        self._db = db
        self._clock = clock
        self._on_stored = on_stored
        self._backlog = backlog
        self._observe = observe
        self._deadline_s = deadline_s
        self._pending_max = pending_max
        self._waiting: deque[Waiting] = deque()
        self._work = asyncio.Event()
        self._away_until = float("-inf")
        self.stored = 0
        self.refused_full = 0
        self.refused_away = 0

    @property
    def pending(self) -> int:
        """Deliveries that are not answered yet and not being written."""
        return len(self._waiting)

    def offer(
        self, operator: str, bind: str, delivered: Arrived, answer: Callable[[int], object]
    ) -> None:
        """Take a delivery; it is answered after its commit, or refused now. Never waits."""
        since = self._clock.monotonic()
        if since < self._away_until:
            self.refused_away += 1
            answer(TEMPORARY_ERROR)
            return
        if len(self._waiting) >= self._pending_max or self._backlog() >= BACKLOG_MAX:
            self.refused_full += 1
            answer(MESSAGE_QUEUE_FULL)
            return
        now = self._clock.now()
        self._waiting.append(Waiting(operator, bind, delivered, now, since, answer))
        self._work.set()

    async def run(self) -> None:
        """Write and answer, for ever; cancelled it refuses what is not yet written."""
        try:
            while True:
                await self._work.wait()
                await self.step()
                if self._waiting:
                    await asyncio.sleep(GATHER_S)
        finally:
            self._refuse(list(self._waiting))
            self._waiting.clear()

    async def step(self) -> None:
        """Write one batch of what waits, and answer it."""
        batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
        if not self._waiting:
            self._work.clear()
        if not batch:
            return
        stored = False
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._db.write(lambda session: store(session, batch))
            stored = True
        except (DatabaseUnavailable, TimeoutError) as error:
            # It may yet be written; then what the operator sends again is a repetition, and marked.
            self._away(type(error).__name__)
        except Exception:
            log.exception("sms_inbox_failed", count=len(batch))
            self._away("bug")
        finally:
            if not stored:
                self._refuse(batch)
        if stored:
            self._acknowledge(batch)

    def _acknowledge(self, batch: Sequence[Waiting]) -> None:
        self.stored += len(batch)
        for one in batch:
            _answer(one, 0)
        if self._observe is not None:
            now = self._clock.monotonic()
            for one in batch:
                self._observe(now - one.since)
        self._on_stored(len(batch))

    def _away(self, reason: str) -> None:
        log.warning("sms_inbox_refuses", reason=reason, count=1 + len(self._waiting))
        self._away_until = self._clock.monotonic() + AWAY_PAUSE_S
        # Those behind have waited as long, and what they wait for is not there.
        self._refuse(list(self._waiting))
        self._waiting.clear()
        self._work.clear()

    def _refuse(self, refused: Sequence[Waiting]) -> None:
        self.refused_away += len(refused)
        for one in refused:
            _answer(one, TEMPORARY_ERROR)


def store(session: Session, batch: Sequence[Waiting]) -> None:
    """Insert a row for each, in their order."""
    session.connection().execute(
        insert(TABLE),
        [
            {
                "operator": one.operator,
                "bind": one.bind,
                "command_id": one.delivered.command_id,
                "octets": one.delivered.body,
                "received_at": one.received_at,
            }
            for one in batch
        ],
    )


def _answer(one: Waiting, status: int) -> None:
    try:
        one.answer(status)
    except Exception:
        # A session's fault must not leave the others of the batch without an answer.
        log.exception("sms_answer_failed", bind=one.bind)
