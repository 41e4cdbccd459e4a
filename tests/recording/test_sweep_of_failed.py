"""Proves that what cannot be sealed keeps nothing else from it, and is told of once.

Whoever hangs up at once leaves an empty file. Thousands of them must not fill every sweep.
"""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccserver.db import Database
from ccserver.recording import store as stores
from ccserver.recording.sealing import SealedAudio, SealingFiles, Unsealable
from ccserver.recording.values import RecordingState
from ccserver.types import ContactId
from tests.recording.test_recording_store import Disk, audio

HOUR_S, DAY_S = 3_600.0, 86_400.0


@pytest.fixture
def disk(tmp_path: Path, database: Database) -> Disk:
    return Disk(tmp_path, database)


class Tried(SealingFiles):
    """Remembers what it was asked to encode; can refuse everything."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.tried: list[str] = []
        self.refuse = refuse

    def encode(self, raw: Path, target: Path, *, sample_rate: int) -> SealedAudio:
        self.tried.append(raw.stem)
        if self.refuse:
            raise Unsealable("no room")
        return super().encode(raw, target, sample_rate=sample_rate)


async def test_an_empty_file_is_tried_once_and_goes_after_a_day(disk: Disk) -> None:
    empty = disk.record(b"", age_s=HOUR_S)
    files = Tried()
    store = disk.store(files)
    assert await store.sweep(set) == [empty]
    assert await store.sweep(set) == []
    assert await disk.store(files).sweep(set) == []
    assert files.tried == [empty]
    assert disk.raw(empty).exists()
    disk.now += DAY_S
    assert await store.sweep(set) == []
    assert not disk.raw(empty).exists()
    (recording,) = await store.of_contact(empty)
    assert recording.state is RecordingState.FAILED


async def test_an_empty_file_that_nobody_has_looked_at_is_never_just_deleted(disk: Disk) -> None:
    empty = disk.record(b"", age_s=2 * DAY_S)
    await disk.store().sweep(set)
    assert disk.raw(empty).exists()
    (recording,) = await disk.store().of_contact(empty)
    assert recording.state is RecordingState.FAILED


async def test_audio_that_comes_into_a_file_that_was_empty_is_sealed(disk: Disk) -> None:
    late = disk.record(b"", age_s=HOUR_S)
    store = disk.store()
    await store.sweep(set)
    disk.raw(late).write_bytes(audio())
    os.utime(disk.raw(late), (disk.now - 60, disk.now - 60))
    assert await store.sweep(set) == [late]
    (recording,) = await store.of_contact(late)
    assert recording.state is RecordingState.SEALED


async def test_what_has_failed_is_tried_after_all_others(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = [disk.record(audio(100), age_s=2 * HOUR_S + n) for n in range(3)]
    await disk.store(Tried(refuse=True)).sweep(set)
    new = [disk.record(audio(100), age_s=HOUR_S - n) for n in range(3)]
    monkeypatch.setattr(stores, "SWEEP_FILES_MAX", 4)
    files = Tried()
    await disk.store(files).sweep(set)
    assert files.tried == [*new, failed[-1]]


async def test_the_same_failure_is_counted_and_told_once(disk: Disk) -> None:
    bad = disk.record(audio(100), age_s=HOUR_S)
    store = disk.store(Tried(refuse=True))
    assert await store.sweep(set) == [bad]
    assert await store.sweep(set) == []
    assert store.failed == 1


NOTHING = [b"", b"abc", None]
"""An empty file, a piece of a sample, no file."""


def recorded(disk: Disk, data: bytes | None) -> ContactId:
    contact_id = disk.record(data or b"", age_s=HOUR_S)
    if data is None:
        disk.raw(contact_id).unlink()
    return contact_id


@pytest.mark.parametrize("data", NOTHING)
async def test_no_audio_of_a_call_that_ended_at_once_is_no_error(
    disk: Disk, data: bytes | None
) -> None:
    contact_id = recorded(disk, data)
    with capture_logs() as logs:
        recording = await disk.store().seal(contact_id, started_at=None, lasted_s=1.9)
    assert recording.state is RecordingState.FAILED
    assert [(one["event"], one["log_level"]) for one in logs] == [("nothing_recorded", "info")]


@pytest.mark.parametrize("lasted_s", [2.0, 60.0, -1.0, None])
@pytest.mark.parametrize("data", NOTHING)
async def test_no_audio_of_any_other_call_is_an_error(
    disk: Disk, data: bytes | None, lasted_s: float | None
) -> None:
    contact_id = recorded(disk, data)
    with capture_logs() as logs:
        await disk.store().seal(contact_id, started_at=None, lasted_s=lasted_s)
    assert [(one["event"], one["log_level"]) for one in logs] == [("recording_failed", "error")]


async def test_audio_that_cannot_be_sealed_is_an_error_however_short_the_call(disk: Disk) -> None:
    bad = disk.record(audio(100), age_s=HOUR_S)
    with capture_logs() as logs:
        await disk.store(Tried(refuse=True)).seal(bad, started_at=None, lasted_s=0.1)
    assert [(one["event"], one["log_level"]) for one in logs] == [("recording_failed", "error")]
