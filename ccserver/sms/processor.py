"""Runs the second step: takes what the inbox keeps to those who wait for it, in order.

Cards of live calls are written by the same single writer, so a batch is short and after each one
the writer is left to others for as long as it took.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from ccserver.db import Database, DatabaseUnavailable
from ccserver.sms.arrival import Arrival, salvaged
from ccserver.sms.faults import where
from ccserver.sms.inbox import Clock
from ccserver.sms.landing import Landed, Landing, count_pending, set_aside, try_failed_again
from ccserver.sms.parts import due_ids, postpone
from ccserver.sms.ports import Takers

log = structlog.get_logger(__name__)

BATCH_MAX: Final = 50
"""Rows of one transaction, some 20 ms with what the takers write. Of 20 rows a flood is handed on
half as fast; a card that is opened meanwhile waits for one such transaction at most."""
PAUSE_MAX_S: Final = 0.1
"""Between two batches, however long the last one took."""
STORM_ROWS: Final = 5
"""Rows stored while one batch was handed on: more come than a few citizens write."""
STORM_PAUSES: Final = 4.0
"""Times that a batch took, left to others in a storm: what is not acknowledged in time comes again,
what is stored can wait a second."""
LOOK_INTERVAL_S: Final = 5.0
"""Between two looks when nobody woke us: for rows of another process, and clocks that were set."""
DUE_AGAIN_S: Final = 60.0
"""Before an incomplete text that nobody could be told of is tried again; its beginning is shown."""
AWAY_PAUSE_S: Final = 1.0
"""While the database is away."""


class Processor:
    """Hands on what is stored. ``behind_since`` is when the oldest row came that waits.

    ``counts`` are by operator and name, for the metrics: ``texts``, ``aml``, ``duplicates``,
    ``receipts``, ``receipts_unmatched``; what became of texts of ours by receipts, as
    ``delivered``, ``failed``, ``expired``; ``salvaged`` (rows handed on as octets) and
    ``set_aside`` (rows that could not be handed on).
    """

    def __init__(
        self,
        db: Database,
        landing: Landing,
        takers: Takers,
        *,
        clock: Clock,
        batch_max: int = BATCH_MAX,
    ) -> None:
        self._db = db
        self._landing = landing
        self._takers = takers
        self._clock = clock
        self._batch_max = batch_max
        self._wake = asyncio.Event()
        self._next_due: datetime | None = None
        self.behind_since: datetime | None = None
        self._arrived = 0
        self.done = 0
        self.set_aside_at: datetime | None = None
        """When a row was last set aside."""
        self.counts: Counter[tuple[str, str]] = Counter()

    @property
    def backlog(self) -> int:
        """Rows that wait, as far as this process knows."""
        return max(0, self._arrived - self.done)

    def arrived(self, count: int) -> None:
        """So many more rows are stored."""
        self._arrived += count
        if self.behind_since is None:
            self.behind_since = self._clock.now()
        self._wake.set()

    async def start(self) -> None:
        """Take up what a former process left; raises `DatabaseUnavailable`."""
        now = self._clock.now()
        taken_up = await self._db.write(partial(try_failed_again, now=now))
        # What arrives meanwhile may be in the count already; the next empty look sets it right.
        self._arrived = self.done + await self._db.read(count_pending)
        if taken_up:
            log.info("sms_failed_taken_up", count=taken_up)
        # The first look tells when the first incomplete text is due.
        self._next_due = now

    async def run(self) -> None:
        """Hand on for ever; cancel it to stop."""
        started = False
        while True:
            self._wake.clear()
            try:
                if not started:
                    await self.start()
                    started = True
                pause = await self._look()
            except DatabaseUnavailable as error:
                log.warning("sms_processing_waits", reason=str(error))
                pause = AWAY_PAUSE_S
                self._wake.clear()
            except Exception:
                # Whatever it is, those behind must still be handed on.
                log.exception("sms_processing_failed")
                pause = AWAY_PAUSE_S
                self._wake.clear()
            await self._sleep(pause)

    async def _look(self) -> float:
        """One step; returns how long to wait for somebody to wake us."""
        began, arrived, done = self._clock.monotonic(), self._arrived, self.done
        more = await self.step()
        if self.done > done:
            # Others' turn, even if we are woken.
            took = self._clock.monotonic() - began
            storm = self._arrived - arrived >= STORM_ROWS
            await asyncio.sleep(min(took * (STORM_PAUSES if storm else 1.0), PAUSE_MAX_S))
        if more:
            return 0.0
        if self._next_due is None:
            return LOOK_INTERVAL_S
        left = (self._next_due - self._clock.now()).total_seconds()
        return min(max(left, 0.0), LOOK_INTERVAL_S)

    async def _sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def step(self) -> bool:
        """Hand on one batch and what is due; tells whether there may be more at once.

        Raises `DatabaseUnavailable`, and then nothing was handed on that is not done.
        """
        batch = await self._db.read(lambda session: self._landing.pending(session, self._batch_max))
        self.behind_since = batch[0].stored.received_at if batch else None
        if batch:
            await self._land(batch)
        if len(batch) < self._batch_max:
            self.behind_since = None
        if not batch:
            self._arrived = self.done
        now = self._clock.now()
        if self._next_due is not None and self._next_due <= now:
            await self._due(now)
        still_due = self._next_due is not None and self._next_due <= now
        return len(batch) == self._batch_max or still_due

    async def _due(self, now: datetime) -> None:
        """Tell of incomplete texts; one that cannot be told holds up no other."""
        ids = await self._db.read(partial(due_ids, now=now))
        try:
            self._told(await self._db.write(partial(self._landing.due, text_ids=ids)))
        except DatabaseUnavailable:
            raise
        except Exception as error:
            log.warning("sms_due_failed", count=len(ids), reason=type(error).__name__)
            for text_id in ids:
                await self._due_alone(text_id, now)

    async def _due_alone(self, text_id: int, now: datetime) -> None:
        try:
            self._told(await self._db.write(partial(self._landing.due, text_ids=[text_id])))
        except DatabaseUnavailable:
            raise
        except Exception as error:
            log.error(
                "sms_text_not_told",
                text_id=text_id,
                reason=type(error).__name__,
                where=where(error),
            )
            self.set_aside_at = now
            again = now + timedelta(seconds=DUE_AGAIN_S)
            self._next_due = await self._db.write(partial(postpone, text_id=text_id, until=again))

    async def _land(self, batch: Sequence[Arrival]) -> None:
        try:
            await self._land_together(batch)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if len(batch) > 1:
                log.warning("sms_batch_failed", count=len(batch), reason=type(error).__name__)
                for one in batch:
                    await self._land([one])
                return
            await self._salvage(batch[0], error)

    async def _land_together(self, batch: Sequence[Arrival]) -> None:
        now = self._clock.now()
        landed = await self._db.write(partial(self._landing.land, arrivals=batch, now=now))
        self.done += len(batch)
        self._told(landed)

    async def _salvage(self, arrival: Arrival, error: Exception) -> None:
        """A row that fails alone: show its octets; if even that fails, set it aside."""
        stored = arrival.stored
        log.error(
            "sms_row_failed",
            inbox_id=stored.inbox_id,
            bind=stored.bind,
            reason=type(error).__name__,
            where=where(error),
        )
        if not (arrival.is_receipt or arrival.aml or arrival.aml_tail or arrival.alone):
            try:
                await self._land_together([salvaged(arrival)])
            except DatabaseUnavailable:
                raise
            except Exception as again:
                log.warning(
                    "sms_row_not_salvaged", inbox_id=stored.inbox_id, reason=type(again).__name__
                )
            else:
                self.counts[stored.operator, "salvaged"] += 1
                return
        now, reason = self._clock.now(), type(error).__name__
        await self._db.write(lambda session: set_aside(session, stored.inbox_id, reason, now))
        self.done += 1
        self.set_aside_at = now
        self.counts[stored.operator, "set_aside"] += 1

    def _told(self, landed: Landed) -> None:
        self._next_due = landed.next_due
        self.counts.update(landed.counts)
        if landed.kinds:
            try:
                self._takers.stored(landed.kinds)
            except Exception:
                # It is committed; whoever takes it looks again by itself.
                log.exception("sms_taker_failed")
