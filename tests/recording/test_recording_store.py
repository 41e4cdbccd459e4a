"""A recording is sealed once, lossless and provable, or its raw audio is still there.

The disk and the codec are real; a crash is an exception at each step.
"""

import asyncio
import errno
import hashlib
import os
import shutil
import subprocess
import threading
import tracemalloc
import uuid
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from ccserver.config import RecordingSettings
from ccserver.db import Database, DatabaseUnavailable
from ccserver.recording import (
    InvalidContactId,
    Recording,
    RecordingState,
    RecordingStore,
    SealingFiles,
    UnknownRecording,
    Unsealable,
    sealing,
)
from ccserver.recording.models import RecordingRow
from ccserver.recording.sealing import SealedAudio
from ccserver.types import ContactId

STARTED = datetime(2026, 3, 1, 23, 59, 58, tzinfo=UTC)
RATE = 8_000


def audio(frames: int = RATE, seed: int = 1) -> bytes:
    """Stereo of two unlike voices, so that swapped or mixed channels show."""
    noise = np.random.default_rng(seed)
    samples = np.empty((frames, 2), dtype="<i2")
    samples[:, 0] = noise.integers(-32_768, 32_768, frames)
    samples[:, 1] = (np.sin(np.arange(frames) / 20) * 12_000).astype("<i2")
    return samples.tobytes()


class Disk:
    """The folders of one centre, and a store over them."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.spool = folder / "spool"
        self.sealed = folder / "sealed"
        self.spool.mkdir(exist_ok=True)
        self.database = database
        self.now = datetime(2026, 3, 2, tzinfo=UTC).timestamp()

    def store(
        self,
        files: SealingFiles | None = None,
        *,
        quiet_s: float = 0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> RecordingStore:
        settings = RecordingSettings(spool_dir=str(self.spool), store_dir=str(self.sealed))
        return RecordingStore(
            self.database,
            settings,
            sample_rate=RATE,
            files=files,
            clock=lambda: self.now,
            quiet_s=quiet_s,
            pause=pause,
        )

    def record(self, data: bytes, *, age_s: float = 3_600) -> ContactId:
        contact_id = ContactId(str(uuid.uuid4()))
        raw = self.raw(contact_id)
        raw.write_bytes(data)
        os.utime(raw, (self.now - age_s, self.now - age_s))
        return contact_id

    def raw(self, contact_id: ContactId) -> Path:
        return self.spool / f"{contact_id}.raw"

    def files(self) -> list[str]:
        return sorted(path.name for path in self.sealed.rglob("*") if path.is_file())

    async def rows(self) -> int:
        query = select(func.count()).select_from(RecordingRow)
        return await self.database.read(lambda session: session.scalar(query) or 0)


@pytest.fixture
def disk(tmp_path: Path, database: Database) -> Disk:
    return Disk(tmp_path, database)


def decoded(recording: Recording) -> bytes:
    samples, rate = soundfile.read(recording.path, dtype="int16", always_2d=True)
    assert rate == RATE
    return bytes(samples.astype("<i2").tobytes())


async def test_a_call_becomes_one_lossless_file_with_proof(disk: Disk) -> None:
    data = audio(3 * RATE + 17)
    contact_id = disk.record(data)
    store = disk.store()
    recording = await store.seal(contact_id, started_at=STARTED)
    assert recording.state is RecordingState.SEALED
    assert decoded(recording) == data
    assert recording.path == disk.sealed / "2026/03/01" / f"{recording.recording_id}.flac"
    assert recording.path.stat().st_size == recording.size
    assert hashlib.sha256(recording.path.read_bytes()).hexdigest() == recording.sha256
    assert recording.duration_s == pytest.approx(3 + 17 / RATE)
    assert (recording.started_at, recording.sample_rate) == (STARTED, RATE)
    assert recording.frames == 3 * RATE + 17
    assert recording.sealed_at == datetime.fromtimestamp(disk.now, UTC)
    assert not disk.raw(contact_id).exists()
    assert disk.files() == [recording.path.name]
    assert await store.get(recording.recording_id) == recording
    assert await store.of_contact(contact_id) == [recording]
    assert await store.verify(recording.recording_id)


async def test_left_is_the_caller(disk: Disk) -> None:
    samples = np.zeros((800, 2), dtype="<i2")
    samples[:, 0] = 1_000
    recording = await disk.store().seal(disk.record(samples.tobytes()), started_at=STARTED)
    left, right = soundfile.read(recording.path, dtype="int16")[0].T
    assert set(left) == {1_000}
    assert set(right) == {0}


async def test_sealing_twice_is_one_recording(disk: Disk) -> None:
    contact_id = disk.record(audio())
    store = disk.store()
    first = await asyncio.gather(*(store.seal(contact_id, started_at=STARTED) for _ in range(5)))
    again = await disk.store().seal(contact_id, started_at=STARTED + timedelta(days=3))
    assert {recording.recording_id for recording in [*first, again]} == {again.recording_id}
    assert again == first[0]
    assert len(disk.files()) == await disk.rows() == 1
    assert store.sealed == 1


@pytest.mark.parametrize("odd", [1, 2, 3])
async def test_odd_trailing_bytes_are_dropped(disk: Disk, odd: int) -> None:
    data = audio(100)
    recording = await disk.store().seal(disk.record(data + b"x" * odd), started_at=STARTED)
    assert decoded(recording) == data


@pytest.mark.parametrize("data", [b"", b"abc"])
async def test_an_empty_file_is_a_failed_recording_and_is_kept(disk: Disk, data: bytes) -> None:
    contact_id = disk.record(data)
    store = disk.store()
    recording = await store.seal(contact_id, started_at=STARTED)
    assert recording.state is RecordingState.FAILED
    assert recording.error == "the recording file is empty"
    assert disk.raw(contact_id).read_bytes() == data
    assert disk.files() == []
    assert not await store.verify(recording.recording_id)


async def test_a_missing_file_is_a_failed_recording_until_it_comes(disk: Disk) -> None:
    contact_id = ContactId(str(uuid.uuid4()))
    store = disk.store()
    recording = await store.seal(contact_id, started_at=STARTED)
    assert (recording.state, recording.error) == (RecordingState.FAILED, "no recording file")
    disk.raw(contact_id).write_bytes(audio())
    sealed = await store.seal(contact_id, started_at=STARTED)
    assert (sealed.state, sealed.error) == (RecordingState.SEALED, None)
    assert sealed.recording_id == recording.recording_id


async def test_an_unreadable_file_is_a_failed_recording(disk: Disk) -> None:
    contact_id = ContactId(str(uuid.uuid4()))
    disk.raw(contact_id).mkdir()
    recording = await disk.store().seal(contact_id, started_at=STARTED)
    assert recording.state is RecordingState.FAILED
    assert recording.error is not None
    assert "Is a directory" in recording.error


HOSTILE = [
    "../../etc/passwd",
    "",
    ".",
    "/etc/passwd",
    "a" * 36,
    f"{{{uuid.uuid4()}}}",
    f"{uuid.uuid4()}".upper(),
    f"{uuid.uuid4()}/../x",
    f"{uuid.uuid4()}\n",
    uuid.uuid4().hex,
]


async def test_a_contact_id_that_is_no_uuid_never_becomes_a_path(disk: Disk) -> None:
    store = disk.store()
    for contact_id in HOSTILE:
        with pytest.raises(InvalidContactId):
            await store.seal(ContactId(contact_id), started_at=STARTED)
    assert await disk.rows() == 0


class Crash(Exception):
    """The process ends here."""


class CrashingFiles(SealingFiles):
    """Ends the process around one of the steps."""

    def __init__(self, step: str) -> None:
        self.step = step

    def encode(self, raw: Path, target: Path, *, sample_rate: int) -> SealedAudio:
        if self.step == "while encoding":
            target.parent.mkdir(parents=True, exist_ok=True)
            sealing.temporary_of(target).write_bytes(b"half a file")
            raise Crash
        sealed = super().encode(raw, target, sample_rate=sample_rate)
        if self.step == "after the temporary file":
            raise Crash
        return sealed

    def publish(self, target: Path) -> None:
        super().publish(target)
        if self.step == "after the rename":
            raise Crash

    def discard_raw(self, raw: Path) -> None:
        if self.step == "before the delete":
            raise Crash
        super().discard_raw(raw)
        if self.step == "after the delete":
            raise Crash


STEPS = ["while encoding", "after the temporary file", "after the rename", "before the delete"]


@pytest.mark.parametrize("step", [*STEPS, "after the delete"])
@pytest.mark.parametrize("repair", ["seal", "sweep"])
async def test_a_crash_at_any_step_is_repaired(disk: Disk, step: str, repair: str) -> None:
    data = audio()
    contact_id = disk.record(data)
    with pytest.raises(Crash):
        await disk.store(CrashingFiles(step)).seal(contact_id, started_at=STARTED)
    store = disk.store()
    if repair == "seal":
        await store.seal(contact_id, started_at=STARTED + timedelta(days=1))
    else:
        done = await store.sweep(set)
        assert done == ([] if step == "after the delete" else [contact_id])
    (recording,) = await store.of_contact(contact_id)
    assert recording.state is RecordingState.SEALED
    assert recording.started_at == STARTED
    assert decoded(recording) == data
    assert await store.verify(recording.recording_id)
    assert disk.files() == [recording.path.name]
    assert not disk.raw(contact_id).exists()
    assert await store.sweep(set) == []


class AwayDatabase(Database):
    """Refuses the write of a given number, counted from one."""

    refused = 0
    count = 0

    async def write(self, work):  # type: ignore[no-untyped-def]
        self.count += 1
        if self.count == self.refused:
            raise DatabaseUnavailable("away")
        return await super().write(work)


@pytest.mark.parametrize("refused", [1, 2])
async def test_an_unavailable_database_costs_no_audio(
    tmp_path: Path, database_url: str, refused: int
) -> None:
    """The first write claims the place, the second one says sealed."""
    database = AwayDatabase(database_url, request_timeout_s=20)
    database.refused = refused
    disk, data = Disk(tmp_path, database), audio()
    contact_id = disk.record(data)
    store = disk.store()
    with pytest.raises(DatabaseUnavailable):
        await store.seal(contact_id, started_at=STARTED)
    assert disk.raw(contact_id).read_bytes() == data
    assert await store.sweep(set) == [contact_id]
    (recording,) = await store.of_contact(contact_id)
    assert decoded(recording) == data
    assert len(disk.files()) == 1
    await database.close()


async def test_a_sealed_file_whose_raw_audio_is_gone_before_its_row_is_taken(disk: Disk) -> None:
    data = audio()
    contact_id = disk.record(data)
    with pytest.raises(Crash):
        await disk.store(CrashingFiles("after the rename")).seal(contact_id, started_at=STARTED)
    disk.raw(contact_id).unlink()
    store = disk.store()
    assert await store.sweep(set) == [contact_id]
    (recording,) = await store.of_contact(contact_id)
    assert recording.state is RecordingState.SEALED
    assert decoded(recording) == data
    assert await store.verify(recording.recording_id)


async def test_audio_that_came_after_the_seal_is_sealed_too(disk: Disk) -> None:
    data = audio(2 * RATE)
    contact_id = disk.record(data[:RATE])
    store = disk.store()
    first = await store.seal(contact_id, started_at=STARTED)
    disk.raw(contact_id).write_bytes(data)
    second = await store.seal(contact_id, started_at=STARTED)
    assert second.recording_id == first.recording_id
    assert decoded(second) == data
    assert second.sha256 != first.sha256
    assert await store.verify(second.recording_id)


async def test_other_audio_of_the_same_contact_is_never_deleted(disk: Disk) -> None:
    contact_id = disk.record(audio(seed=1))
    store = disk.store()
    first = await store.seal(contact_id, started_at=STARTED)
    other = audio(frames=100, seed=2)
    disk.raw(contact_id).write_bytes(other)
    assert await store.seal(contact_id, started_at=STARTED) == first
    assert disk.raw(contact_id).with_suffix(".other").read_bytes() == other
    assert await store.verify(first.recording_id)


async def test_a_broken_sealed_file_is_sealed_anew_while_there_is_raw_audio(disk: Disk) -> None:
    data = audio()
    contact_id = disk.record(data)
    with pytest.raises(Crash):
        await disk.store(CrashingFiles("before the delete")).seal(contact_id, started_at=STARTED)
    store = disk.store()
    (recording,) = await store.of_contact(contact_id)
    recording.path.write_bytes(b"broken")
    assert decoded(await store.seal(contact_id, started_at=STARTED)) == data


@pytest.mark.parametrize("change", ["one bit", "cut", "gone"])
async def test_a_change_of_the_sealed_file_shows(disk: Disk, change: str) -> None:
    store = disk.store()
    recording = await store.seal(disk.record(audio()), started_at=STARTED)
    data = bytearray(recording.path.read_bytes())
    if change == "one bit":
        data[len(data) // 2] ^= 1
        recording.path.write_bytes(data)
    elif change == "cut":
        recording.path.write_bytes(data[:-1])
    else:
        recording.path.unlink()
    assert not await store.verify(recording.recording_id)


async def test_an_unknown_recording_is_said_to_be_unknown(disk: Disk) -> None:
    store = disk.store()
    assert await store.get("unknown") is None
    assert await store.of_contact(ContactId("unknown")) == []
    with pytest.raises(UnknownRecording):
        await store.verify("unknown")


class FullDiskFiles(SealingFiles):
    """A disk that fills up while encoding."""

    full = True

    def encode(self, raw: Path, target: Path, *, sample_rate: int) -> SealedAudio:
        if self.full:
            raise Unsealable(f"cannot be sealed: {os.strerror(errno.ENOSPC)}")
        return super().encode(raw, target, sample_rate=sample_rate)


async def test_a_failed_seal_keeps_the_raw_audio_and_is_tried_again(disk: Disk) -> None:
    data, files = audio(), FullDiskFiles()
    contact_id = disk.record(data)
    store = disk.store(files)
    failed = await store.seal(contact_id, started_at=STARTED)
    assert failed.state is RecordingState.FAILED
    assert disk.raw(contact_id).read_bytes() == data
    assert await store.sweep(set) == []  # failed as before: nothing to tell
    files.full = False
    assert await store.sweep(set) == [contact_id]
    sealed = await store.get(failed.recording_id)
    assert sealed is not None
    assert (sealed.state, sealed.error) == (RecordingState.SEALED, None)
    assert decoded(sealed) == data


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("cannot mount a small file system here (needs root): NOT tested on a full disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_named_and_leaves_nothing_half(small_disk: Path, tmp_path: Path) -> None:
    raw = tmp_path / f"{uuid.uuid4()}.raw"
    for seconds in (60, 300):  # fails in the middle, and much earlier than the end
        raw.write_bytes(audio(seconds * RATE))
        target = small_disk / "2026" / "x.flac"
        with pytest.raises(Unsealable, match="no space left"):
            SealingFiles().encode(raw, target, sample_rate=RATE)
        assert list(target.parent.iterdir()) == []
    raw.write_bytes(audio(RATE))
    SealingFiles().encode(raw, target, sample_rate=RATE)
    SealingFiles().publish(target)
    assert target.exists()


def test_a_file_that_still_grows_is_not_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / f"{uuid.uuid4()}.raw"
    raw.write_bytes(audio())

    def grow(*_: object, **__: object) -> bool:
        with raw.open("ab") as file:
            file.write(b"more")
        return True

    monkeypatch.setattr(sealing, "holds", grow)
    with pytest.raises(Unsealable, match="still being written"):
        SealingFiles().encode(raw, tmp_path / "x.flac", sample_rate=RATE)
    assert raw.exists()
    assert not list(tmp_path.glob(".*"))


def test_a_sealed_file_that_is_not_the_audio_is_found_out(tmp_path: Path) -> None:
    raw, path = tmp_path / "x.raw", tmp_path / "x.flac"
    data = audio(200)
    raw.write_bytes(data)
    with raw.open("rb") as source:
        sealing.write_flac(source, path, frames=200, sample_rate=RATE)
    for held, other in [
        (True, data),
        (False, data[:-4] + b"\x00\x01\x00\x01"),
        (False, data[::-1]),
    ]:
        raw.write_bytes(other)
        with raw.open("rb") as source:
            assert sealing.holds(path, source, frames=200) is held
    with raw.open("rb") as source:
        assert not sealing.holds(path, source, frames=199)


@settings(max_examples=40, deadline=None)
@given(data=st.binary(min_size=4, max_size=4_000), rate=st.sampled_from([8_000, 16_000]))
def test_any_audio_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, rate: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    raw, target = folder / "x.raw", folder / "x.flac"
    raw.write_bytes(data)
    files = SealingFiles()
    files.encode(raw, target, sample_rate=rate)
    files.publish(target)
    samples, found_rate = soundfile.read(target, dtype="int16", always_2d=True)
    assert found_rate == rate
    assert samples.astype("<i2").tobytes() == data[: len(data) // 4 * 4]
    assert soundfile.info(target).subtype == "PCM_16"


def test_a_long_call_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    raw = tmp_path / "x.raw"
    with raw.open("wb") as file:
        for _ in range(40):
            file.write(audio(30 * RATE))
    assert raw.stat().st_size > 36 * 2**20
    tracemalloc.start()
    SealingFiles().encode(raw, tmp_path / "x.flac", sample_rate=RATE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * 2**20


async def test_the_sweep_seals_what_no_live_contact_is_writing(disk: Disk) -> None:
    old, older = disk.record(audio(), age_s=20), disk.record(audio(), age_s=30)
    live = disk.record(audio(), age_s=30)
    fresh = disk.record(audio(), age_s=1)
    (disk.spool / "notes.raw").write_bytes(b"a stranger")
    (disk.spool / f"{uuid.uuid4()}.txt").write_bytes(b"a stranger")
    store = disk.store()
    assert await store.sweep(lambda: {live}) == [older, old]
    assert disk.raw(live).exists()
    assert disk.raw(fresh).exists()
    assert (disk.spool / "notes.raw").exists()
    assert await store.sweep(lambda: {live}) == []
    (recording,) = await store.of_contact(old)
    # It ended twenty seconds ago, after one second of audio.
    assert recording.started_at == datetime.fromtimestamp(disk.now - 21, UTC)


async def test_one_bad_file_does_not_keep_the_others_from_being_sealed(disk: Disk) -> None:
    bad, good = disk.record(audio(), age_s=40), disk.record(audio(), age_s=30)

    class Bug(SealingFiles):
        def encode(self, raw: Path, target: Path, *, sample_rate: int) -> SealedAudio:
            if raw.stem == bad:
                raise ZeroDivisionError
            return super().encode(raw, target, sample_rate=sample_rate)

    assert await disk.store(Bug()).sweep(set) == [good]
    assert disk.raw(bad).exists()


async def test_a_spool_that_is_not_there_is_empty(disk: Disk) -> None:
    shutil.rmtree(disk.spool)
    assert await disk.store().sweep(set) == []


class SlowFiles(SealingFiles):
    """Encodes when allowed; counts how many do at once."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.lock = threading.Lock()
        self.now = self.most = 0

    def encode(self, raw: Path, target: Path, *, sample_rate: int) -> SealedAudio:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.began.set()
        assert self.go_on.wait(30)
        try:
            return super().encode(raw, target, sample_rate=sample_rate)
        finally:
            with self.lock:
                self.now -= 1


async def test_a_cancelled_caller_does_not_stop_the_seal(disk: Disk) -> None:
    files, data = SlowFiles(), audio()
    contact_id = disk.record(data)
    store = disk.store(files)
    sealing_task = asyncio.create_task(store.seal(contact_id, started_at=STARTED))
    await asyncio.to_thread(files.began.wait, 30)
    sealing_task.cancel()
    await asyncio.gather(sealing_task, return_exceptions=True)
    assert await store.sweep(set) == []  # it is being sealed: not a second time
    files.go_on.set()
    await store.close()
    (recording,) = await store.of_contact(contact_id)
    assert decoded(recording) == data


async def test_few_are_encoded_at_once(disk: Disk) -> None:
    files = SlowFiles()
    files.go_on.set()
    store = disk.store(files)
    contacts = [disk.record(audio()) for _ in range(8)]
    recordings = await asyncio.gather(
        *(store.seal(contact_id, started_at=STARTED) for contact_id in contacts)
    )
    assert {recording.state for recording in recordings} == {RecordingState.SEALED}
    assert files.most <= 2


async def test_a_seal_waits_until_the_last_block_is_written(disk: Disk) -> None:
    contact_id = disk.record(audio(), age_s=0)
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        disk.now += seconds
        if len(waits) == 1:
            disk.raw(contact_id).write_bytes(audio(2 * RATE))  # Asterisk's last block
            os.utime(disk.raw(contact_id), (disk.now, disk.now))

    recording = await disk.store(quiet_s=0.25, pause=pause).seal(contact_id, started_at=STARTED)
    assert recording.frames == 2 * RATE
    assert sum(waits) == pytest.approx(0.5)


async def test_a_seal_does_not_wait_for_ever(disk: Disk) -> None:
    contact_id = disk.record(audio(), age_s=0)
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        disk.now += seconds
        os.utime(disk.raw(contact_id), (disk.now, disk.now))

    recording = await disk.store(quiet_s=0.25, pause=pause).seal(contact_id, started_at=STARTED)
    assert recording.state is RecordingState.SEALED
    assert sum(waits) <= 6
