"""Tones that prove who heard whom, and their detection in recordings.

Every simulated party speaks one pure tone of its own; whoever hears that tone hears that party. A
party is a small integer, the index into ``PARTY_TONES_HZ``.

The tones lie on the quarter tones between the semitones of equal temperament (A = 440 Hz), because
music then puts neither its notes nor their octaves and fifths on a party's frequency. They are
whole hertz, so that one second of tone loops without a seam and a transform padded to one second
has a bin exactly on each of them. The two that fall on ring-back tones (425 Hz in Europe, 480 Hz
in North America) are left out.

A window counts as a party's tone only if four things hold, each of which speech or music breaks:
it is loud enough; it is a narrow line (a Hann window of 0.5 s falls by 30 dB within 6 Hz); it lasts
through both halves of the window; its phase runs on between the halves as that of the exact
frequency does (within 0.25 Hz). Times are seconds from the first sample.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

Samples = npt.NDArray[np.float32]
"""One channel, full scale 1.0."""
Flags = npt.NDArray[np.bool_]
Bins = npt.NDArray[np.int64]

_RINGBACK_STEPS = (-1, 1)  # the quarter tones at 427 Hz and 480 Hz
PARTY_TONES_HZ: tuple[int, ...] = tuple(
    round(440.0 * 2.0 ** ((step + 0.5) / 12.0))
    for step in range(-7, 36)  # 302 Hz to 3420 Hz, what A-law and an 8 kHz resampler pass unharmed
    if step not in _RINGBACK_STEPS
)
PARTY_COUNT = len(PARTY_TONES_HZ)

TONE_AMPLITUDE = 0.2  # -14 dBFS: five parties in one bridge do not clip
TONE_RATE = 8000
WINDOW_S = 0.5
WINDOW_S_MIN = 0.25  # shorter windows cannot tell tones 18 Hz apart
AMPLITUDE_MIN = 0.03  # -30 dBFS, 16 dB below what a party sends; vowels rarely hold a line so loud
LINE_RATIO_MIN = 4.0  # the line over the mean of what stands 5 to 9 Hz beside it, at 0.5 s
HALF_RATIO_MIN = 0.6  # each half window over the whole: a tone that stops midway is not counted
PHASE_STEP_MAX = 0.4  # radians between the halves of a window: 0.25 Hz at 0.5 s
WINDOWS_BRIDGED = 4  # one glitch spoils up to three windows, which overlap by half
EDGE_WINDOW_S = 0.04  # smoothing of the envelope that finds an edge; its half height is the edge
DIP_S = 0.15  # a jitter buffer's slip or some lost packets, not the end of a tone
STEADY_SHARE_MIN = 0.5  # of the time between two dips; edges and slips take the rest
TURN_S = 0.02
TURN_MAX = 0.3  # radians in that time: 2.4 Hz beside the tone; a note of music is 9 Hz or more
SILENCE_LEVEL = 0.003  # -50 dBFS: below it a frame counts as silence
FRAME_S = 0.01


@dataclass(frozen=True, slots=True)
class Audio:
    """Decoded audio: ``samples`` of shape (frames, channels), full scale 1.0; ``rate`` in Hz."""

    samples: npt.NDArray[np.float32]
    rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate

    def channel(self, number: int) -> Samples:
        """One channel; 0 is the left one. Raises ``IndexError`` where there is no such channel."""
        return np.ascontiguousarray(self.samples[:, number])

    def mono(self) -> Samples:
        """Give the mean of all channels."""
        return np.asarray(self.samples.mean(axis=1), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which something was heard, in seconds from the first sample."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


def read_audio(path: Path) -> Audio:
    """Read a WAV or FLAC file; raises ``soundfile.SoundFileError`` where it is neither."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return Audio(samples, int(rate))


def tone_hz(party: int) -> int:
    """Give the frequency of a party's tone; raises ``IndexError`` for a party out of the table."""
    if not 0 <= party < PARTY_COUNT:
        raise IndexError(f"party {party} is not one of 0 to {PARTY_COUNT - 1}")
    return PARTY_TONES_HZ[party]


def tone(
    party: int,
    duration_s: float,
    *,
    rate: int = TONE_RATE,
    amplitude: float = TONE_AMPLITUDE,
) -> Samples:
    """Make a party's tone; a whole number of seconds loops without a seam."""
    time_s = np.arange(round(duration_s * rate)) / rate
    return np.asarray(amplitude * np.sin(2 * np.pi * tone_hz(party) * time_s), dtype=np.float32)


def write_tone(path: Path, party: int, *, duration_s: float = 1.0, rate: int = TONE_RATE) -> None:
    """Write a party's tone as a mono 16-bit WAV file."""
    soundfile.write(path, tone(party, duration_s, rate=rate), rate, subtype="PCM_16")


def tones_present(
    samples: Samples, rate: int, window_s: float = WINDOW_S
) -> list[tuple[float, float, tuple[int, ...]]]:
    """Say who is heard when: consecutive ``(start_s, end_s, parties)`` over the whole recording.

    Neighbouring windows with the same parties are one entry; ``parties`` is sorted and empty where
    nobody is heard. Edges are as coarse as half a window; ``hears`` gives them finely.
    """
    present = _presence(samples, rate, window_s)
    hop_s = window_s / 2
    spans: list[tuple[float, float, tuple[int, ...]]] = []
    for index, row in enumerate(present):
        parties = tuple(int(party) for party in np.flatnonzero(row))
        # The middle half of a window is what it speaks for; the first and last own their edges.
        start_s = 0.0 if index == 0 else hop_s * (index + 0.5)
        end_s = hop_s * (index + 1.5) if index + 1 < len(present) else len(samples) / rate
        if spans and spans[-1][2] == parties:
            spans[-1] = (spans[-1][0], end_s, parties)
        else:
            spans.append((start_s, end_s, parties))
    return spans


def parties_heard(samples: Samples, rate: int, window_s: float = WINDOW_S) -> frozenset[int]:
    """Give every party heard for at least one window."""
    present = _presence(samples, rate, window_s)
    return frozenset(int(party) for party in np.flatnonzero(present.any(axis=0)))


def hears(samples: Samples, rate: int, party: int, window_s: float = WINDOW_S) -> list[Span]:
    """Give the spans in which a party is heard, their edges to about 5 ms.

    A break shorter than one window (a lost packet, a jitter buffer's slip) does not divide a span;
    ``breaks`` tells it.
    """
    flags = _presence(samples, rate, window_s)[:, party]
    hop_s = window_s / 2
    spans: list[tuple[int, int]] = []
    for index in np.flatnonzero(flags):
        if spans and index - spans[-1][1] <= WINDOWS_BRIDGED:
            spans[-1] = (spans[-1][0], int(index))
        else:
            spans.append((int(index), int(index)))
    turned = _turned(samples, rate, tone_hz(party))
    found: list[Span] = []
    for first, last in spans:
        span = _refined(turned, rate, first * hop_s, last * hop_s + window_s, window_s)
        if found and span.start_s <= found[-1].end_s:
            span = Span(found.pop().start_s, span.end_s)
        found.append(span)
    return found


def breaks(samples: Samples, rate: int, party: int, *, longer_than_s: float = 0.05) -> list[Span]:
    """Give the breaks of a party's tone between its first and its last sound.

    What is shorter than ``EDGE_WINDOW_S`` is not seen reliably. Empty where it was never heard.
    """
    spans = hears(samples, rate, party)
    if not spans:
        return []
    start, end = round(spans[0].start_s * rate), round(spans[-1].end_s * rate)
    envelope = np.abs(_turned(samples, rate, tone_hz(party)))[start:end]
    found = _runs(envelope < np.median(envelope[envelope > AMPLITUDE_MIN]) / 2, 1 / rate)
    moved = [Span(span.start_s + start / rate, span.end_s + start / rate) for span in found]
    return [span for span in moved if span.duration_s > longer_than_s]


def first_heard_at(
    samples: Samples, rate: int, party: int, window_s: float = WINDOW_S
) -> float | None:
    """Give the time at which a party is first heard, to about 5 ms; ``None`` if it never is."""
    spans = hears(samples, rate, party, window_s)
    return spans[0].start_s if spans else None


def first_sound_at(samples: Samples, rate: int, level: float = SILENCE_LEVEL) -> float | None:
    """Give the start of the first 10 ms frame that is not silence; ``None`` if all of it is."""
    frame = round(FRAME_S * rate)
    whole = len(samples) // frame * frame
    peaks = np.abs(samples[:whole].reshape(-1, frame)).max(axis=1, initial=0.0)
    loud = np.flatnonzero(peaks > level)
    return float(loud[0]) * FRAME_S if len(loud) else None


def silences(
    samples: Samples, rate: int, *, longer_than_s: float, level: float = SILENCE_LEVEL
) -> list[Span]:
    """Give every span of silence longer than ``longer_than_s``, to 10 ms."""
    frame = round(FRAME_S * rate)
    whole = len(samples) // frame * frame
    quiet = np.abs(samples[:whole].reshape(-1, frame)).max(axis=1, initial=0.0) <= level
    return [span for span in _runs(quiet, FRAME_S) if span.duration_s > longer_than_s]


def _runs(flags: Flags, step_s: float) -> list[Span]:
    """Give the stretches in which a flag holds; each flag stands for ``step_s``."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [
        Span(float(start) * step_s, float(end) * step_s)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def _presence(samples: Samples, rate: int, window_s: float) -> Flags:
    """Decide for every window (rows, half overlapping) and party (columns) whether it is heard."""
    if window_s < WINDOW_S_MIN:
        raise ValueError(f"window_s is {window_s}, but tones need at least {WINDOW_S_MIN} s")
    half = round(window_s * rate / 2)
    count = len(samples) // half - 1
    if count < 1:
        return np.zeros((0, PARTY_COUNT), dtype=np.bool_)
    rows = np.zeros((count, PARTY_COUNT), dtype=np.bool_)
    for index in range(count):
        rows[index] = window_parties(samples[index * half : (index + 2) * half], rate)
    return rows


def window_parties(window: Samples, rate: int) -> Flags:
    """Apply the four conditions of the module's text to one window; one flag per party."""
    tones = np.asarray([hz for hz in PARTY_TONES_HZ if hz < rate / 2 - 10], dtype=np.int64)
    flags = np.zeros(PARTY_COUNT, dtype=np.bool_)
    if float(np.abs(window).max(initial=0.0)) < AMPLITUDE_MIN:
        return flags
    spectrum = _spectrum(window, rate)
    line = np.abs(spectrum[tones])
    loud = line >= AMPLITUDE_MIN
    if not loud.any():
        return flags
    scale = WINDOW_S * rate / len(window)  # a shorter window makes a wider line
    # The quieter side counts, so that a loud note of music beside a low tone does not hide it.
    below, above = (
        np.mean([np.abs(spectrum[tones + round(sign * hz * scale)]) for hz in (5, 7, 9)], axis=0)
        for sign in (-1, 1)
    )
    beside = np.minimum(below, above)
    middle = len(window) // 2
    first = _spectrum(window[:middle], rate)[tones]
    second = _spectrum(window[middle:], rate)[tones]
    # The second half starts later; turn it back by what an exact tone would have run on.
    second = second * np.exp(-2j * np.pi * tones * middle / rate)
    weaker = np.minimum(np.abs(first), np.abs(second))
    step = np.abs(np.angle(second * np.conj(first)))
    flags[: len(tones)] = (
        loud
        & (line > LINE_RATIO_MIN * beside)
        & (weaker > HALF_RATIO_MIN * line)
        & (step < PHASE_STEP_MAX)
    )
    return flags


def _spectrum(window: Samples, rate: int) -> npt.NDArray[np.complex128]:
    """Transform with a Hann window, padded to one second: bin n is n hertz, in amplitudes."""
    hann = np.hanning(len(window) + 1)[:-1]
    return np.asarray(np.fft.rfft(window * hann, n=rate) * (2.0 / hann.sum()), dtype=np.complex128)


def _turned(samples: Samples, rate: int, hz: int) -> npt.NDArray[np.complex128]:
    """Follow amplitude and phase of one frequency, smoothed over ``EDGE_WINDOW_S`` centred.

    A tone of exactly this frequency stands still; one beside it turns.
    """
    width = max(round(EDGE_WINDOW_S * rate), 2)
    before = width // 2
    # Outside of the samples is silence, so that a tone that fills them keeps its edges.
    padded = np.pad(samples, (before, width - before - 1))
    turn = np.exp(-2j * np.pi * hz * np.arange(len(padded)) / rate)
    total = np.concatenate(([0j], np.cumsum(padded * turn)))
    return np.asarray(2.0 * (total[width:] - total[:-width]) / width, dtype=np.complex128)


def _refined(
    turned: npt.NDArray[np.complex128], rate: int, start_s: float, end_s: float, window_s: float
) -> Span:
    """Move a span's coarse edges to where the envelope crosses half of its height.

    Windows with a glitch in them are not recognised, so a tone may have begun long before its
    first window. Walk outwards from the middle of the first and last one, over dips that are a
    glitch (``DIP_S``), to the first real silence.
    """
    start, end = round(start_s * rate), min(round(end_s * rate), len(turned))
    reach = round(window_s * rate) // 2
    first, last = start + reach, max(end - reach, 0)
    height = float(np.median(np.abs(turned[start:end])))
    begin = _walk(turned[:first][::-1], rate, height)
    return Span((first - begin) / rate, (last + _walk(turned[last:], rate, height)) / rate)


def _walk(turned: npt.NDArray[np.complex128], rate: int, height: float) -> int:
    """Count the samples from the first one on over which a tone of this height goes on.

    It goes on beyond a dip if what follows is as high as the tone and does not turn, as a note of
    music beside its frequency would.
    """
    envelope = np.abs(turned)
    runs = _runs(envelope < height / 2, 1.0)
    lag = min(round(TURN_S * rate), len(turned))
    turns = np.abs(np.angle(turned[lag:] * np.conj(turned[: len(turned) - lag])))
    still = np.pad(turns, (0, lag), constant_values=np.pi) < TURN_MAX
    steady = still & (np.abs(envelope - height) < height / 4)
    edge = len(envelope)
    for number, run in enumerate(runs):
        edge = int(run.start_s)
        onward = int(run.end_s)
        until = int(runs[number + 1].start_s) if number + 1 < len(runs) else len(envelope)
        ends_here = onward >= len(envelope) or run.duration_s > DIP_S * rate
        if ends_here or steady[onward:until].mean() < STEADY_SHARE_MIN:
            return edge
        edge = until
    return edge
