"""Several voices at one telephone: each is heard, none is clipped or makes another appear, and
whoever speaks on is heard without a seam when others start or fall silent.
"""

import numpy as np
import pytest

from sim.audio import AMPLITUDE_MIN, PARTY_COUNT, TONE_RATE, parties_heard, tone
from sim.sip.g711 import ALAW_SILENCE, from_alaw
from sim.sip.voices import PEAK_MAX, VOICES_MAX, Voices, mixed

A_SECOND = range(50)


def said(voices: Voices, frames: range = A_SECOND) -> bytes:
    return b"".join(voices.frame(number) for number in frames)


@pytest.mark.parametrize("first", range(0, PARTY_COUNT - VOICES_MAX + 1, 3))
@pytest.mark.parametrize("count", range(1, VOICES_MAX + 1))
def test_whoever_speaks_is_heard_and_nobody_else(first: int, count: int) -> None:
    parties = range(first, first + count)
    assert parties_heard(from_alaw(said(Voices(*parties))), TONE_RATE) == set(parties)


@pytest.mark.parametrize("count", range(1, VOICES_MAX + 1))
def test_a_mix_is_scaled_only_where_it_would_be_clipped(count: int) -> None:
    parties = frozenset(range(5, 5 + count))
    plain = np.sum([tone(party, 1.0) for party in parties], axis=0)
    share = mixed(parties) / np.where(plain == 0, 1, plain)
    loudest = np.abs(plain).max()
    assert share.max() == pytest.approx(min(1.0, PEAK_MAX / loudest), rel=1e-4)
    assert np.abs(mixed(parties)).max() <= PEAK_MAX + 1e-6
    assert 0.2 * share.max() > 3 * AMPLITUDE_MIN


def test_who_speaks_on_has_no_seam_when_another_starts_and_stops() -> None:
    voices = Voices(3)
    sound = said(voices, range(25))
    voices.speak(9)
    sound += said(voices, range(25, 75))
    voices.hush(9)
    sound += said(voices, range(75, 100))
    rest = from_alaw(sound) - tone(3, 2.0)
    assert np.abs(rest[:4000]).max() < 0.01
    assert np.abs(rest[4000:12000] - tone(9, 2.0)[4000:12000]).max() < 0.02
    assert np.abs(rest[12000:]).max() < 0.01


def test_nobody_who_speaks_is_silence_and_not_nothing() -> None:
    voices = Voices(3)
    voices.hush(3)
    assert list(voices) == []
    assert set(said(voices)) == {ALAW_SILENCE}


def test_who_cannot_speak_is_refused_and_changes_nothing() -> None:
    voices = Voices(*range(VOICES_MAX))
    voices.speak(0)
    for party, error in ((VOICES_MAX, ValueError), (PARTY_COUNT, IndexError), (-1, IndexError)):
        with pytest.raises(error):
            (voices if error is ValueError else Voices(1)).speak(party)
    with pytest.raises(ValueError, match="party 20 does not speak"):
        voices.hush(20)
    assert list(voices) == list(range(VOICES_MAX))
