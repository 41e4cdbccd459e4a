"""The voices at one telephone, each a tone of its own, mixed into what its microphone picks up."""

import functools
from collections.abc import Iterator
from typing import Final

import numpy as np

from sim.audio import Samples, tone
from sim.sip.g711 import ALAW_SILENCE, to_alaw

FRAME_OCTETS: Final = 160
"""20 ms of A-law."""
VOICES_MAX: Final = 8
"""At one telephone. Of eight that are mixed each keeps -18 dBFS, far above what counts as heard."""
PEAK_MAX: Final = 0.95
"""A mix is louder than that only before it is scaled: A-law ends a little below full scale."""


class Voices:
    """Who speaks at one telephone; may change at any time, also while a call goes on.

    While nobody speaks the microphone is still on: silence is sent. Raises as `speak` does.
    """

    def __init__(self, *parties: int) -> None:
        self._parties: frozenset[int] = frozenset()
        for party in parties:
            self.speak(party)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._parties))

    def speak(self, party: int) -> None:
        """One more speaks from now on; whoever speaks already goes on.

        Raises ``IndexError`` for a party without a tone, ``ValueError`` for more than `VOICES_MAX`.
        """
        more = self._parties | {party}
        if len(more) > VOICES_MAX:
            raise ValueError(f"no more than {VOICES_MAX} speak at one telephone")
        _frames(more)
        self._parties = more

    def hush(self, party: int) -> None:
        """One falls silent; raises ``ValueError`` for a party that does not speak."""
        if party not in self._parties:
            raise ValueError(f"party {party} does not speak here")
        self._parties -= {party}

    def frame(self, number: int) -> bytes:
        """The n-th 20 ms; who speaks on is heard without a seam when others start or stop."""
        frames = _frames(self._parties)
        return frames[number % len(frames)]


def mixed(parties: frozenset[int]) -> Samples:
    """One second of some parties at once, which loops without a seam and is never clipped.

    Each is as loud as alone, unless their sum would be too loud. Raises ``IndexError``.
    """
    total = np.sum([tone(party, 1.0) for party in sorted(parties)], axis=0)
    peak = float(np.abs(total).max())
    return np.asarray(total * min(1.0, PEAK_MAX / peak), dtype=np.float32)


@functools.lru_cache(maxsize=256)
def _frames(parties: frozenset[int]) -> tuple[bytes, ...]:
    if not parties:
        return (bytes([ALAW_SILENCE]) * FRAME_OCTETS,)
    octets = to_alaw(mixed(parties))
    return tuple(octets[at : at + FRAME_OCTETS] for at in range(0, len(octets), FRAME_OCTETS))
