"""What a call hears, followed live by reading its growing recording.

The media thread writes the WAV file in steps of half a second; this side only reads it. No Python
runs in the media thread, so listening never disturbs the audio it listens to, and costs one small
transform per call and quarter second.

The recording's own clock gives times to a frame: the sample ``n`` was heard at ``started_t + n /
rate``. The file grows by whole blocks of the C library, and only when pjmedia hands over its own
full buffer; so a file of some size, seen at ``t``, tells how many samples there were at ``t``.
``started_t`` is the least of ``t - n / rate`` over all steps, because a step can be seen late but
never early.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sim.audio import PARTY_COUNT, WINDOW_S, Samples, hears, window_parties

WAV_HEADER_BYTES = 44
WRITER_BYTES = 4000  # pjmedia's buffer (PJMEDIA_FILE_PORT_BUFSIZE), 0.25 s at 8 kHz
STEP_S_MIN = 0.2  # a step is never shorter, so before that no look is due
MEMORY_S = 2.5  # enough sound behind a window to find the edge of a tone in it
QUIET_WINDOWS = 3  # a tone absent this long has ended; less is a lost packet


class Ear:
    """Follows one growing 16-bit mono recording from the time ``now`` at which it was begun.

    ``frame_ms`` is the step of the media clock that writes it.
    """

    def __init__(self, path: Path, rate: int, *, frame_ms: int, now: float) -> None:
        self.path = path
        self.rate = rate
        self.slip_s = 0.0
        frame = rate * frame_ms // 1000 * 2
        self._handover = WRITER_BYTES // frame * frame  # whole frames only
        self._half = round(WINDOW_S * rate / 2)
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._begun = now
        self._started: float | None = None
        self._looked = now
        self._written = 0  # samples in the file
        self._read = 0  # samples taken from the file
        self._memory: Samples = np.zeros(0, dtype=np.float32)
        self._absent = np.full(PARTY_COUNT, QUIET_WINDOWS)

    @property
    def started_t(self) -> float:
        """Time of the first sample, the better the longer it runs."""
        return self._begun if self._started is None else self._started

    @property
    def behind(self) -> bool:
        """Whether a window of sound waits to be listened to."""
        return self._written - self._read >= self._half

    def watch(self, now: float) -> None:
        """Look how far the recording has grown; call it every few milliseconds."""
        if now - self._looked < STEP_S_MIN:
            return
        size = max(os.fstat(self._file).st_size - WAV_HEADER_BYTES, 0)
        if size // 2 == self._written:
            return
        self._looked = now
        self._written = size // 2
        handed_over = -(-size // self._handover) * self._handover // 2
        started = now - handed_over / self.rate
        if self._started is None or started < self._started:
            self._started = max(started, self._begun)
        self.slip_s = max(self.slip_s, started - self._started)

    def listen(self) -> Iterator[tuple[str, int, float]]:
        """Listen to the next half window; gives ``(heard or unheard, party, time of the edge)``."""
        if not self.behind:
            return
        raw = os.pread(self._file, self._half * 2, WAV_HEADER_BYTES + self._read * 2)
        fresh = np.frombuffer(raw, dtype="<i2").astype(np.float32) / 32768.0
        self._read += len(fresh)
        self._memory = np.concatenate((self._memory, fresh))[-round(MEMORY_S * self.rate) :]
        if len(self._memory) < 2 * self._half:
            return
        flags = window_parties(self._memory[-2 * self._half :], self.rate)
        before = self._absent
        self._absent = np.where(flags, 0, np.minimum(before + 1, QUIET_WINDOWS))
        began = flags & (before == QUIET_WINDOWS)
        ended = (self._absent == QUIET_WINDOWS) & (before == QUIET_WINDOWS - 1)
        for party in np.flatnonzero(began | ended):
            kind = "heard" if began[party] else "unheard"
            yield kind, int(party), self._edge(int(party), began=bool(began[party]))

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _edge(self, party: int, *, began: bool) -> float:
        """Find when a party's tone began or ended, in the sound still remembered."""
        first = self._read - len(self._memory)
        spans = hears(self._memory, self.rate, party)
        if spans:
            offset_s = spans[-1].start_s if began else spans[-1].end_s
        else:
            offset_s = max(len(self._memory) - 2 * self._half, 0) / self.rate
        return self.started_t + first / self.rate + offset_s


def wav_samples(path: Path) -> int | None:
    """Give the number of samples that a WAV header declares; ``None`` while it is being written."""
    try:
        header = path.open("rb").read(WAV_HEADER_BYTES)
    except FileNotFoundError:
        return None
    if len(header) < WAV_HEADER_BYTES:
        return None
    (size,) = struct.unpack_from("<I", header, WAV_HEADER_BYTES - 4)
    return size // 2 if size else None
