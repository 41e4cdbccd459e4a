"""Sealing, finding and proving recordings.

The order of steps makes every crash harmless: a row that says where the sealed file will be, the
file under a temporary name, its final name, the row says sealed, the raw file goes. Whatever step
was the last, doing all of them again ends the same way, and the raw file is deleted only when the
row is committed.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ccserver.config import RecordingSettings
from ccserver.db import Database, DatabaseUnavailable
from ccserver.recording.models import PartyRecordingRow, RecordingRow
from ccserver.recording.sealing import (
    NothingRecorded,
    RawAudio,
    SealedAudio,
    SealingFiles,
    Unsealable,
    digest,
)
from ccserver.recording.values import (
    FRAME_BYTES,
    InvalidContactId,
    RecordedParty,
    Recording,
    RecordingName,
    RecordingState,
    UnknownRecording,
)
from ccserver.types import AgentId, ContactId, LegId

log = structlog.get_logger(__name__)

SEALING_MAX = 2
"""Encoding takes a core; calls need the others."""
QUIET_S = 0.3
"""MixMonitor writes its last block when the channel ends, a few milliseconds after the event."""
QUIET_MOMENTS_MAX = 12
"""Then the call is not over; a file that grew while it was encoded is left to the sweep."""
SWEEP_AGE_S = 10.0
"""A live recording grows at least every second (32 KiB of 16-bit stereo at 8 kHz)."""
SWEEP_FILES_MAX = 500
"""In one sweep; the rest waits for the next, so that one never runs for hours. What has failed
before comes last, so that it never keeps others from their turn."""
EMPTY_KEPT_S = 86_400.0
"""Whoever hangs up at once leaves an empty file, which is known to hold nothing as soon as that is
written down. It goes when surely nobody has it open any more."""
AT_ONCE_S = 2.0
"""Of a call that ends sooner perhaps no audio has come, and nobody has done anything wrong; of one
that lasted longer something was to be heard."""
RAW_SUFFIX = ".raw"
OTHER_SUFFIX = ".other"
"""Audio that is neither sealed nor a recording's beginning; kept for a person to look at."""

Row = RecordingRow | PartyRecordingRow
LiveLegs = Callable[[], Awaitable[AbstractSet[LegId] | None]]
"""Which legs exist in Asterisk now; ``None`` if it cannot be asked."""


async def _no_legs() -> AbstractSet[LegId]:
    return frozenset()


class RecordingStore:
    """The recordings of the centre: raw files in ``spool_dir``, sealed ones in ``store_dir``.

    A recording is called by the name of its raw file (`RecordingName`): that of the caller's
    channel is the contact id, that of a party's leg also says who it is and when it began.

    ``sample_rate`` is what Asterisk writes, in Hz. ``clock`` gives seconds since the epoch, as
    files' times do. Methods may raise `ccserver.db.DatabaseUnavailable`; a seal that did is done
    again by the next `sweep`.
    """

    def __init__(
        self,
        db: Database,
        settings: RecordingSettings,
        *,
        sample_rate: int = 8_000,
        files: SealingFiles | None = None,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        quiet_s: float = QUIET_S,
        sweep_age_s: float = SWEEP_AGE_S,
    ) -> None:
        self._db = db
        self._spool_dir = Path(settings.spool_dir)
        self._store_dir = Path(settings.store_dir)
        self._sample_rate = sample_rate
        self._files = files or SealingFiles()
        self._clock = clock
        self._pause = pause
        self._quiet_s = quiet_s
        self._sweep_age_s = sweep_age_s
        self._slots = asyncio.Semaphore(SEALING_MAX)
        self._tasks: dict[str, asyncio.Task[Recording]] = {}
        self.sealed = 0
        self.failed = 0

    def raw_path(self, name: str) -> Path:
        """Return where Asterisk writes a recording. Raises `InvalidContactId`."""
        return self._spool_dir / f"{RecordingName.parse(name)}{RAW_SUFFIX}"

    async def seal(
        self, name: str, *, started_at: datetime | None, lasted_s: float | None = None
    ) -> Recording:
        """Make the sealed recording of a channel that is over, or return the one there is.

        ``started_at`` is aware; ``None`` lets it be reckoned from the raw file (a party's name says
        it). What cannot be sealed is returned in state FAILED with the raw file kept; it is an
        error in the log, unless there is no audio and the call, which ``lasted_s``, ended at once.
        A cancelled caller does not stop it, and a second caller waits for the first one's result.
        Raises `InvalidContactId`.
        """
        whose = RecordingName.parse(name)
        task = self._tasks.get(name)
        if task is None:
            work = self._seal(whose, started_at, lasted_s)
            task = asyncio.create_task(work, name=f"seal-{whose.contact_id}")
            self._tasks[name] = task
            task.add_done_callback(lambda done: self._sealed(whose, done))
        return await asyncio.shield(task)

    async def sweep(
        self, live_contacts: Callable[[], AbstractSet[ContactId]], live_legs: LiveLegs = _no_legs
    ) -> list[str]:
        """Seal what was left behind: raw files that no live contact, or leg of one, is writing.

        ``live_legs`` is asked only where a party's file is found, and such files are left alone if
        it does not know. Returns the names of the recordings that are now in another state than
        before, oldest first. One bad file never keeps the others from being sealed.
        """
        before = await self._states()
        failed = {key for key, state in before.items() if state is RecordingState.FAILED}
        found = await asyncio.to_thread(self._old_raw_files, failed)
        unfinished = [key for key, state in before.items() if state is RecordingState.SEALING]
        names = list(dict.fromkeys([*found, *unfinished]))
        legs: AbstractSet[LegId] | None = frozenset()
        if any(name.party is not None for name in names):
            legs = await live_legs()
        changed = []
        for name in names:
            if _live(name, live_contacts(), legs) or str(name) in self._tasks:
                continue
            try:
                recording = await self.seal(str(name), started_at=None)
            except DatabaseUnavailable:
                raise
            except Exception:
                log.exception("recording_sweep_failed", contact_id=name.contact_id)
                continue
            if recording.state is not before.get(name):
                changed.append(str(name))
        return changed

    async def get(self, recording_id: str) -> Recording | None:
        """Return one recording."""

        def work(session: Session) -> Row | None:
            return session.get(RecordingRow, recording_id) or session.get(
                PartyRecordingRow, recording_id
            )

        row = await self._db.read(work)
        return None if row is None else self._recording(row)

    async def of_contact(self, contact_id: ContactId) -> list[Recording]:
        """Return a contact's recordings: the caller's, then the parties' by their start."""

        def work(session: Session) -> Sequence[Row]:
            own = select(RecordingRow).where(RecordingRow.contact_id == contact_id)
            others = (
                select(PartyRecordingRow)
                .where(PartyRecordingRow.contact_id == contact_id)
                .order_by(PartyRecordingRow.started_at, PartyRecordingRow.leg_id)
            )
            return [*session.scalars(own), *session.scalars(others)]

        return [self._recording(row) for row in await self._db.read(work)]

    async def verify(self, recording_id: str) -> bool:
        """Tell whether the sealed file is, byte for byte, the one that was sealed.

        Raises `UnknownRecording`.
        """
        recording = await self.get(recording_id)
        if recording is None:
            raise UnknownRecording("there is no such recording")
        try:
            async with self._slots:
                found = await asyncio.to_thread(digest, recording.path)
        except OSError:
            found = None
        if recording.state is RecordingState.SEALED and found == recording.sha256:
            return True
        log.error("recording_not_as_sealed", recording_id=recording_id, present=found is not None)
        return False

    async def close(self) -> None:
        """Wait for every seal in progress."""
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()))

    def _sealed(self, name: RecordingName, task: "asyncio.Task[Recording]") -> None:
        self._tasks.pop(str(name), None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            reason = type(error).__name__
            log.warning("recording_not_sealed", contact_id=name.contact_id, reason=reason)

    async def _seal(
        self, name: RecordingName, started_at: datetime | None, lasted_s: float | None
    ) -> Recording:
        raw = self.raw_path(str(name))
        begun = name.started_at or started_at
        if begun is None:
            begun = await asyncio.to_thread(self._reckoned_start, raw)
        recording = await self._claim(name, begun)
        if recording.state is RecordingState.SEALED:
            if not await self._holds_more(recording, raw):
                return recording
            # Not sealed again until it is: a crash from here on must not leave an old digest.
            recording = await self._update(recording, state=RecordingState.SEALING.value)
        await self._wait_until_quiet(raw)
        try:
            async with self._slots:
                audio = await asyncio.to_thread(self._seal_file, raw, recording.path)
        except Unsealable as error:
            at_once = lasted_s is not None and 0.0 <= lasted_s < AT_ONCE_S
            expected = at_once and isinstance(error, NothingRecorded)
            return await self._fail(recording, str(error), expected=expected)
        recording = await self._store_sealed(recording, audio)
        await asyncio.to_thread(self._files.discard_raw, raw)
        return recording

    async def _holds_more(self, recording: Recording, raw: Path) -> bool:
        """Settle a raw file beside a sealed recording; tell whether it must be sealed anew."""
        found = await asyncio.to_thread(self._files.compare, raw, recording.path)
        if found is RawAudio.SEALED:
            await asyncio.to_thread(self._files.discard_raw, raw)
        elif found is RawAudio.OTHER:
            log.error("recording_spool_holds_other_audio", contact_id=recording.contact_id)
            await asyncio.to_thread(raw.rename, raw.with_suffix(OTHER_SUFFIX))
        return found is RawAudio.MORE

    def _seal_file(self, raw: Path, target: Path) -> SealedAudio:
        """Encode and publish; a published file whose raw audio is gone is taken as it is."""
        try:
            audio = self._files.encode(raw, target, sample_rate=self._sample_rate)
        except Unsealable:
            published = None if raw.exists() else self._files.inspect(target)
            if published is None:
                raise
            return published
        self._files.publish(target)
        return audio

    async def _claim(self, name: RecordingName, started_at: datetime) -> Recording:
        """Return the recording's row, made now if there is none: it fixes the file's place."""

        def work(session: Session) -> Row:
            row = _row_of(session, name)
            if row is None:
                row = _new_row(name, started_at)
                session.add(row)
            return row

        try:
            return self._recording(await self._db.write(work))
        except IntegrityError:  # another process made it at the same time
            return self._recording(await self._db.write(work))

    async def _store_sealed(self, recording: Recording, audio: SealedAudio) -> Recording:
        row = await self._update(
            recording,
            state=RecordingState.SEALED.value,
            sealed_at=datetime.fromtimestamp(self._clock(), UTC),
            sample_rate=self._sample_rate,
            frames=audio.frames,
            duration_s=audio.frames / self._sample_rate,
            size=audio.size,
            sha256=audio.sha256,
            error=None,
        )
        self.sealed += 1
        log.info(
            "recording_sealed",
            contact_id=recording.contact_id,
            recording_id=recording.recording_id,
            duration_s=row.duration_s,
            size=row.size,
        )
        return row

    async def _fail(self, recording: Recording, reason: str, *, expected: bool) -> Recording:
        if recording.state is RecordingState.FAILED and recording.error == reason:
            return recording  # a sweep has tried once more, and there is nothing new to tell
        self.failed += 1
        tell = log.info if expected else log.error
        tell(
            "nothing_recorded" if expected else "recording_failed",
            contact_id=recording.contact_id,
            recording_id=recording.recording_id,
            reason=reason,
        )
        return await self._update(recording, state=RecordingState.FAILED.value, error=reason)

    async def _update(self, recording: Recording, **values: object) -> Recording:
        def work(session: Session) -> Row:
            row: Row
            if recording.party is None:
                row = session.get_one(RecordingRow, recording.recording_id)
            else:
                row = session.get_one(PartyRecordingRow, recording.recording_id)
            for name, value in values.items():
                setattr(row, name, value)
            return row

        return self._recording(await self._db.write(work))

    async def _wait_until_quiet(self, raw: Path) -> None:
        """Wait until nobody has written for a moment, for a bounded number of such moments."""
        for _ in range(QUIET_MOMENTS_MAX):
            try:
                age_s = self._clock() - (await asyncio.to_thread(raw.stat)).st_mtime
            except OSError:
                return
            if age_s >= self._quiet_s:
                return
            # A clock that was set back makes the age negative.
            await self._pause(self._quiet_s - max(0.0, age_s))

    def _reckoned_start(self, raw: Path) -> datetime:
        """Reckon when a recording began from when and after how much audio it ended."""
        try:
            status = raw.stat()
        except OSError:
            return datetime.fromtimestamp(self._clock(), UTC)
        length_s = status.st_size / (FRAME_BYTES * self._sample_rate)
        return datetime.fromtimestamp(status.st_mtime - length_s, UTC)

    def _old_raw_files(self, failed: AbstractSet[RecordingName]) -> list[RecordingName]:
        """Return the names of raw files that have not grown for a while, oldest first.

        Those that have failed come last, and of them the empty ones not at all.
        """
        found: list[tuple[bool, float, str, RecordingName]] = []
        oldest = self._clock() - self._sweep_age_s
        for raw in self._spool_dir.glob(f"*{RAW_SUFFIX}"):
            try:
                name = RecordingName.parse(raw.name.removesuffix(RAW_SUFFIX))
                status = raw.stat()
            except InvalidContactId:
                log.warning("stranger_in_recording_spool")
                continue
            except OSError:
                continue
            written_at = status.st_mtime
            if name in failed and not status.st_size:
                if written_at <= self._clock() - EMPTY_KEPT_S:
                    self._files.discard_raw(raw)
            elif written_at <= oldest:
                found.append((name in failed, written_at, raw.name, name))
        return [name for *_, name in sorted(found, key=lambda one: one[:3])[:SWEEP_FILES_MAX]]

    async def _states(self) -> dict[RecordingName, RecordingState]:
        """Return the states of all recordings that are not sealed."""

        def work(session: Session) -> Sequence[Row]:
            sealed = RecordingState.SEALED.value
            own = select(RecordingRow).where(RecordingRow.state != sealed)
            others = select(PartyRecordingRow).where(PartyRecordingRow.state != sealed)
            return [*session.scalars(own), *session.scalars(others)]

        rows = await self._db.read(work)
        return {row.name: row.state for row in map(self._recording, rows)}

    def _recording(self, row: Row) -> Recording:
        return Recording(
            recording_id=row.recording_id,
            contact_id=ContactId(row.contact_id),
            state=RecordingState(row.state),
            path=self._store_dir / row.path,
            started_at=row.started_at,
            sealed_at=row.sealed_at,
            sample_rate=row.sample_rate,
            frames=row.frames,
            duration_s=row.duration_s,
            size=row.size,
            sha256=row.sha256,
            error=row.error,
            party=_party(row) if isinstance(row, PartyRecordingRow) else None,
        )


def _live(
    name: RecordingName,
    contacts: AbstractSet[ContactId],
    legs: AbstractSet[LegId] | None,
) -> bool:
    """Whether somebody may still write the raw file."""
    if name.party is None:
        return name.contact_id in contacts
    return legs is None or name.party.leg_id in legs


def _row_of(session: Session, name: RecordingName) -> Row | None:
    if name.party is None:
        own = select(RecordingRow).where(RecordingRow.contact_id == name.contact_id)
        return session.scalars(own).one_or_none()
    of_leg = select(PartyRecordingRow).where(
        PartyRecordingRow.contact_id == name.contact_id,
        PartyRecordingRow.leg_id == name.party.leg_id,
    )
    return session.scalars(of_leg).one_or_none()


def _new_row(name: RecordingName, started_at: datetime) -> Row:
    recording_id = str(uuid.uuid4())
    state, contact_id = RecordingState.SEALING.value, name.contact_id
    path = f"{started_at.astimezone(UTC):%Y/%m/%d}/{recording_id}.flac"
    if name.party is None:
        return RecordingRow(
            recording_id=recording_id,
            contact_id=contact_id,
            state=state,
            path=path,
            started_at=started_at,
        )
    return PartyRecordingRow(
        recording_id=recording_id,
        contact_id=contact_id,
        leg_id=name.party.leg_id,
        kind=name.party.kind,
        number=name.party.number,
        name=name.party.name,
        agent_id=name.party.agent_id,
        state=state,
        path=path,
        started_at=started_at,
    )


def _party(row: PartyRecordingRow) -> RecordedParty:
    return RecordedParty(
        leg_id=LegId(row.leg_id),
        kind=row.kind,
        number=row.number,
        name=row.name,
        agent_id=None if row.agent_id is None else AgentId(row.agent_id),
    )
