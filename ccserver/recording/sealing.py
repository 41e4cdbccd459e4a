"""From a raw file to a sealed one, on the disk: blocking work, done in threads.

A sealed file is FLAC (RFC 9639): half the size, lossless, playable in every browser, with a
checksum of the audio inside. It is decoded and compared with the raw audio before anything may be
deleted, because a full or failing disk does not always say so.
"""

import errno
import hashlib
import os
import shutil
import sys
from array import array
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

import soundfile
import structlog

from ccserver.recording.values import CHANNELS, FRAME_BYTES

log = structlog.get_logger(__name__)

BLOCK_FRAMES = 65_536
"""256 KiB of audio at a time: an eight-hour call needs no more memory than a short one."""
NEARLY_FULL_BYTES = 1 << 20
"""Where less is free after a failed write, a full disk was the reason."""
DIGEST_BLOCK_BYTES = 1 << 20


class Unsealable(Exception):
    """The raw file cannot be sealed now; the text says why, and the raw file is kept."""


class NothingRecorded(Unsealable):
    """There is no file, or no audio in it."""


@dataclass(frozen=True, slots=True)
class SealedAudio:
    """What was written: ``raw_bytes`` is the length of the raw file it holds."""

    frames: int
    size: int
    sha256: str
    raw_bytes: int


class RawAudio(Enum):
    """What a raw file holds, compared with the sealed recording of the same contact."""

    NONE = "there is no raw file"
    SEALED = "nothing that is not sealed"
    MORE = "the sealed audio and more, or the sealed file is broken"
    OTHER = "other audio"


class SealingFiles:
    """The steps of sealing that touch the disk, each safe to repeat after a crash."""

    def encode(self, raw: Path, target: Path, *, sample_rate: int) -> SealedAudio:
        """Write ``raw`` as FLAC beside ``target``, prove it and force it to the disk.

        Raises `Unsealable`.
        """
        temporary = temporary_of(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with raw.open("rb") as source:
                raw_bytes = os.fstat(source.fileno()).st_size
                frames, odd_bytes = divmod(raw_bytes, FRAME_BYTES)
                if frames == 0:
                    raise NothingRecorded("the recording file is empty")
                write_flac(source, temporary, frames=frames, sample_rate=sample_rate)
                source.seek(0)
                if not holds(temporary, source, frames=frames):
                    raise Unsealable("the sealed file does not hold the audio")
            if raw.stat().st_size != raw_bytes:
                raise Unsealable("the recording file is still being written")
            with temporary.open("rb") as sealed:
                os.fsync(sealed.fileno())
            if odd_bytes:
                contact_id = raw.name.partition(".")[0]  # the rest may hold a number
                log.warning("recording_bytes_dropped", contact_id=contact_id, count=odd_bytes)
            return SealedAudio(frames, temporary.stat().st_size, digest(temporary), raw_bytes)
        except FileNotFoundError as error:
            raise NothingRecorded("no recording file") from error
        except Unsealable as error:
            raise _explained(error, str(error), target) from error
        except (OSError, soundfile.SoundFileError, AssertionError) as error:
            # The library asserts, rather than raises, that all frames were taken.
            text = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise _explained(error, f"cannot be sealed: {text}", target) from error

    def publish(self, target: Path) -> None:
        """Give the proved file its name, and force the name to the disk."""
        temporary_of(target).replace(target)
        # New folders must be on the disk as well: year, month, day, and the store itself.
        for folder in list(target.parents)[:4]:
            sync_folder(folder)

    def inspect(self, target: Path) -> SealedAudio | None:
        """Return what an already published file holds, ``None`` if it is not there or not whole."""
        try:
            with soundfile.SoundFile(str(target)) as sealed:
                frames = sealed.frames
                blocks = iter(lambda: len(sealed.buffer_read(BLOCK_FRAMES, dtype="int16")), 0)
                if sum(blocks) != frames * FRAME_BYTES:
                    return None
            return SealedAudio(frames, target.stat().st_size, digest(target), frames * FRAME_BYTES)
        except (OSError, soundfile.SoundFileError):
            return None

    def discard_raw(self, raw: Path) -> None:
        """Delete a raw file whose audio is sealed and whose row is committed."""
        raw.unlink(missing_ok=True)
        sync_folder(raw.parent)

    def compare(self, raw: Path, target: Path) -> RawAudio:
        """Tell what a raw file found beside an already sealed recording holds."""
        try:
            source = raw.open("rb")
        except FileNotFoundError:
            return RawAudio.NONE
        with source:
            raw_frames = os.fstat(source.fileno()).st_size // FRAME_BYTES
            try:
                with soundfile.SoundFile(str(target)) as sealed:
                    sealed_frames = sealed.frames
                    if not _begin_alike(sealed, source, frames=min(raw_frames, sealed_frames)):
                        return RawAudio.OTHER
            except (OSError, soundfile.SoundFileError):
                return RawAudio.MORE  # the sealed file is gone or broken: this is what there is
        return RawAudio.MORE if raw_frames > sealed_frames else RawAudio.SEALED


def temporary_of(target: Path) -> Path:
    """Return where ``target`` is written first: always the same, so leftovers are overwritten."""
    return target.with_name(f".{target.name}.partial")


def write_flac(source: BinaryIO, path: Path, *, frames: int, sample_rate: int) -> None:
    """Encode ``frames`` frames of raw audio. Raises OSError, SoundFileError, AssertionError."""
    with soundfile.SoundFile(
        str(path), "w", samplerate=sample_rate, channels=CHANNELS, format="FLAC", subtype="PCM_16"
    ) as sealed:
        left = frames
        while left:
            block = source.read(min(left, BLOCK_FRAMES) * FRAME_BYTES)
            whole = len(block) // FRAME_BYTES
            if whole == 0:
                raise OSError(errno.EIO, "the recording file became shorter")
            sealed.buffer_write(_native(block[: whole * FRAME_BYTES]), dtype="int16")
            left -= whole


def holds(path: Path, source: BinaryIO, *, frames: int) -> bool:
    """Tell whether the FLAC file decodes to exactly the first ``frames`` of the raw audio."""
    with soundfile.SoundFile(str(path)) as sealed:
        return sealed.frames == frames and _begin_alike(sealed, source, frames=frames)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(DIGEST_BLOCK_BYTES):
            sha256.update(block)
    return sha256.hexdigest()


def sync_folder(folder: Path) -> None:
    """Force a folder's names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _begin_alike(sealed: soundfile.SoundFile, source: BinaryIO, *, frames: int) -> bool:
    while frames:
        count = min(frames, BLOCK_FRAMES)
        if bytes(sealed.buffer_read(count, dtype="int16")) != _native(
            source.read(count * FRAME_BYTES)
        ):
            return False
        frames -= count
    return True


def _native(block: bytes) -> bytes:
    """Return little-endian samples in the machine's own order, as the library takes them."""
    if sys.byteorder == "little":
        return block
    samples = array("h", block)
    samples.byteswap()
    return samples.tobytes()


def _explained(error: BaseException, text: str, target: Path) -> Unsealable:
    """Say "no space left" where that was the reason, and free what the attempt has taken."""
    full = getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}
    try:
        full = full or shutil.disk_usage(target.parent).free < NEARLY_FULL_BYTES
        temporary_of(target).unlink(missing_ok=True)
    except OSError:
        pass
    if full:
        return Unsealable("no space left on the recordings' disk")
    return NothingRecorded(text) if isinstance(error, NothingRecorded) else Unsealable(text)
