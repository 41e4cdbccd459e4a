"""Has every recording sealed: when Asterisk lets go of it, or by a sweep where nobody saw that.

What became of each is written on the contact's card.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from collections.abc import Set as AbstractSet
from datetime import datetime

import structlog

from ccserver.card import TimelineTag
from ccserver.chronicle import Chronicle
from ccserver.db import DatabaseUnavailable
from ccserver.metrics import Metrics
from ccserver.recording import RecordedParty, RecordingName, RecordingState, RecordingStore
from ccserver.telephony.errors import TelephonyError
from ccserver.types import ContactId, LegId
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

SWEEP_INTERVAL_S = 15.0
CLOSE_S = 1.0
"""Asterisk's recording thread has written the rest long before."""

PENDING_MAX = 1_000
"""More than a centre ends in a minute; what does not fit, the sweep finds."""

PARALLEL = 2

Complete = tuple[str, datetime | None, datetime]
"""A recording's name, when its call began, and when it ended."""


class RecordingDesk:
    """One for the process.

    ``live_contacts``: the contacts whose calls we have; ``live_legs`` asks Asterisk, and raises
    `TelephonyError`. ``calls_known`` is set when Asterisk has told which calls are alive.
    """

    def __init__(
        self,
        store: RecordingStore,
        chronicle: Chronicle,
        *,
        live_contacts: Callable[[], AbstractSet[ContactId]],
        live_legs: Callable[[], Awaitable[AbstractSet[LegId]]],
        calls_known: asyncio.Event,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._store = store
        self._chronicle = chronicle
        self._live_contacts = live_contacts
        self._live_legs = live_legs
        self._calls_known = calls_known
        self._metrics = metrics
        self._clock = clock
        self._pending: asyncio.Queue[Complete] = asyncio.Queue(PENDING_MAX)

    def complete(self, name: str, began_at: datetime | None, ended_at: datetime) -> None:
        """Asterisk let go of a recording: seal it soon, in nobody's way.

        ``began_at``: when the call began, where that is known; a party's name says it itself.
        """
        try:
            self._pending.put_nowait((name, began_at, ended_at))
        except asyncio.QueueFull:
            log.warning("seal_left_to_sweep", contact_id=_contact_of(name))

    def services(self) -> dict[str, Coroutine[None, None, None]]:
        """The tasks, by name; none ends by itself."""
        seals = {f"seal_{number}": self._seal_for_ever() for number in range(PARALLEL)}
        return {"sweep": self._sweep_for_ever(), **seals}

    async def _seal_for_ever(self) -> None:
        while True:
            name, began_at, ended_at = await self._pending.get()
            age = (self._clock.now() - ended_at).total_seconds()
            await asyncio.sleep(max(0.0, CLOSE_S - age))
            try:
                await self._seal(name, _lasted_s(name, began_at, ended_at))
                took = self._clock.now() - ended_at
                self._metrics.seal_seconds.observe(took.total_seconds())
            except (DatabaseUnavailable, OSError) as error:
                contact_id = _contact_of(name)
                log.warning("seal_left_to_sweep", contact_id=contact_id, reason=str(error))
            except Exception:
                # One recording that cannot be sealed must not end the process that carries calls.
                log.exception("seal_failed", contact_id=_contact_of(name))

    async def _seal(self, name: str, lasted_s: float | None = None) -> None:
        recording = await self._store.seal(name, started_at=None, lasted_s=lasted_s)
        sealed = recording.state is RecordingState.SEALED
        self._metrics.recordings.labels(recording.state.value).inc()
        self._chronicle.write(
            recording.contact_id,
            TimelineTag.RECORDING_SEALED if sealed else TimelineTag.RECORDING_FAILED,
            f"recording-{recording.recording_id}-{recording.state.value}",
            None,
            recording_id=recording.recording_id,
            **_described(recording.party),
        )

    async def _sweep_for_ever(self) -> None:
        """Recordings whose end nobody saw: of calls that the parachute took, of a former life."""
        await self._calls_known.wait()
        while True:
            try:
                await self._sweep()
            except (DatabaseUnavailable, OSError) as error:
                log.warning("sweep_failed", reason=str(error))
            except Exception:
                log.exception("sweep_failed")
            await asyncio.sleep(SWEEP_INTERVAL_S)

    async def _sweep(self) -> None:
        for name in await self._store.sweep(self._live_contacts, self._legs):
            await self._seal(name)

    async def _legs(self) -> AbstractSet[LegId] | None:
        """Asterisk itself knows: a leg that was given up here may talk on for a moment."""
        try:
            return await self._live_legs()
        except TelephonyError as error:
            log.warning("live_legs_not_known", reason=type(error).__name__)
            return None


def _lasted_s(name: str, began_at: datetime | None, ended_at: datetime) -> float | None:
    """How long there was something to record. Raises `InvalidContactId`."""
    begun = RecordingName.parse(name).started_at or began_at
    return None if begun is None else (ended_at - begun).total_seconds()


def _contact_of(recording: str) -> str:
    """For the log; the rest of the name may hold a number."""
    return recording.partition(".")[0]


def _described(party: RecordedParty | None) -> dict[str, str | None]:
    """Whose recording it is, for the timeline; of the caller's own there is nothing to say."""
    if party is None:
        return {}
    return {
        "kind": party.kind,
        "number": party.number,
        "party": party.name,
        "to_agent": party.agent_id,
    }
