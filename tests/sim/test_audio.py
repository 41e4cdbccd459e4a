"""Tones prove who heard whom: every party is told from every other through A-law, resampling,
mixing and noise, edges are found to milliseconds, and neither speech nor music is taken for one.
"""

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sim.audio import (
    PARTY_COUNT,
    PARTY_TONES_HZ,
    Samples,
    breaks,
    first_heard_at,
    first_sound_at,
    hears,
    parties_heard,
    read_audio,
    silences,
    tone,
    tone_hz,
    tones_present,
    write_tone,
)

RATE = 8000
GREETINGS = {
    "lv": "Jūs esat sazvanījis ārkārtas palīdzības dienestu. Lūdzu, palieciet uz līnijas.",
    "ru": "Вы позвонили в службу экстренной помощи. Пожалуйста, оставайтесь на линии.",
    "en": "You have reached the emergency service. Please stay on the line.",
}


def alaw(samples: Samples) -> Samples:
    """Through the companding of ITU-T G.711 and back, in 8 bits."""
    law = 87.6
    size, sign = np.abs(samples), np.sign(samples)
    scale = 1 + np.log(law)
    coded = np.where(size < 1 / law, law * size, 1 + np.log(np.maximum(law * size, 1e-9))) / scale
    coded = np.round(coded * 127) / 127
    decoded = np.where(coded < 1 / scale, coded * scale / law, np.exp(coded * scale - 1) / law)
    return np.asarray(sign * decoded, dtype=np.float32)


def silence(seconds: float, rate: int = RATE) -> Samples:
    return np.zeros(round(seconds * rate), dtype=np.float32)


def melody(seed: int, seconds: int) -> Samples:
    """Random notes of equal temperament with eight harmonics, 0.1 to 1 s long."""
    random = np.random.default_rng(seed)
    notes: list[np.ndarray] = []
    while sum(len(note) for note in notes) < seconds * RATE:
        hz = 440.0 * 2.0 ** (int(random.integers(-12, 30)) / 12)
        time_s = np.arange(int(RATE * random.choice([0.12, 0.25, 0.5, 1.0]))) / RATE
        overtones = [n for n in range(1, 9) if n * hz < RATE / 2]
        notes.append(sum(0.25 / n * np.sin(2 * np.pi * hz * n * time_s) for n in overtones))
    return np.asarray(np.concatenate(notes)[: seconds * RATE], dtype=np.float32)


def speech(directory: Path, language: str, rate: int = RATE) -> Samples:
    if not (shutil.which("espeak-ng") and shutil.which("sox")):
        pytest.skip("espeak-ng and sox are needed to make speech")
    raw, resampled = directory / f"{language}.wav", directory / f"{language}-{rate}.wav"
    text = GREETINGS[language] * 3
    subprocess.run(["espeak-ng", "-v", language, "-w", str(raw), text], check=True)
    subprocess.run(["sox", str(raw), "-r", str(rate), str(resampled), "norm", "-3"], check=True)
    return read_audio(resampled).mono()


def test_there_are_forty_parties_or_more_in_the_telephone_band_and_apart() -> None:
    assert PARTY_COUNT >= 40
    assert PARTY_TONES_HZ[0] >= 300
    assert PARTY_TONES_HZ[-1] <= 3450
    assert min(np.diff(PARTY_TONES_HZ)) >= 18
    assert all(abs(hz - ringback) > 15 for hz in PARTY_TONES_HZ for ringback in (425, 480))
    with pytest.raises(IndexError):
        tone_hz(PARTY_COUNT)
    with pytest.raises(IndexError):
        tone_hz(-1)


@pytest.mark.parametrize("party", range(PARTY_COUNT))
def test_a_party_is_heard_alone_and_on_time_through_a_law(party: int) -> None:
    line = alaw(np.concatenate((silence(0.7331), tone(party, 1.4), silence(0.9))))
    assert parties_heard(line, RATE) == {party}
    spans = hears(line, RATE, party)
    assert len(spans) == 1
    assert spans[0].start_s == pytest.approx(0.7331, abs=0.005)
    assert spans[0].end_s == pytest.approx(0.7331 + 1.4, abs=0.005)
    other = (party + 1) % PARTY_COUNT
    assert hears(line, RATE, other) == []
    assert first_heard_at(line, RATE, other) is None


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_the_rate_of_the_recording_does_not_matter(rate: int) -> None:
    line = np.concatenate((silence(0.5, rate), tone(30, 1.5, rate=rate)))
    assert parties_heard(line, rate) == {30}
    assert first_heard_at(line, rate, 30) == pytest.approx(0.5, abs=0.005)


def test_resampling_leaves_the_highest_and_lowest_tone_recognisable(tmp_path: Path) -> None:
    if not shutil.which("sox"):
        pytest.skip("sox is needed to resample")
    for party in (0, PARTY_COUNT - 1):
        narrow, wide, back = (tmp_path / f"{party}-{name}.wav" for name in "nwb")
        write_tone(narrow, party, duration_s=2)
        subprocess.run(["sox", str(narrow), "-r", "48000", str(wide)], check=True)
        subprocess.run(["sox", str(wide), "-r", "8000", str(back)], check=True)
        assert parties_heard(read_audio(wide).mono(), 48000) == {party}
        assert parties_heard(read_audio(back).mono(), RATE) == {party}


def test_four_parties_in_one_bridge_are_all_heard_even_neighbours() -> None:
    together = alaw(sum(tone(party, 2.0) for party in (0, 1, 20, 40)))  # type: ignore[arg-type]
    assert parties_heard(together, RATE) == {0, 1, 20, 40}


def test_who_speaks_when_is_told_in_order() -> None:
    line = np.concatenate((tone(5, 2.0), silence(1.0), tone(6, 2.0)))
    spans = tones_present(line, RATE)
    assert [parties for _, _, parties in spans] == [(5,), (), (6,)]
    assert spans[0][0] == 0.0
    assert spans[-1][1] == pytest.approx(5.0)
    assert all(left[1] == right[0] for left, right in pairwise(spans))


def test_a_loud_talker_does_not_hide_a_tone(tmp_path: Path) -> None:
    talk = speech(tmp_path, "en")
    line = alaw(talk[: 3 * RATE] * 0.7 + tone(22, 3.0))
    assert sum(span.duration_s for span in hears(line, RATE, 22)) > 2.9
    assert parties_heard(line, RATE) == {22}


@pytest.mark.parametrize("seed", range(4))
def test_the_end_of_music_and_the_start_of_a_voice_are_told_apart(seed: int) -> None:
    # What a waiting caller hears: music until the bridge, then the call taker.
    for party in range(0, PARTY_COUNT, 5):
        line = alaw(np.concatenate((melody(seed, 3), tone(party, 2.0))))
        assert first_heard_at(line, RATE, party) == pytest.approx(3.0, abs=0.012)


@pytest.mark.parametrize("language", sorted(GREETINGS))
def test_speech_is_nobodys_tone(tmp_path: Path, language: str) -> None:
    assert parties_heard(speech(tmp_path, language), RATE) == frozenset()
    assert parties_heard(alaw(speech(tmp_path, language)), RATE) == frozenset()
    assert parties_heard(speech(tmp_path, language, 22050), 22050) == frozenset()


@pytest.mark.parametrize(
    "effects",
    [
        ["synth", "3", "pluck", "C4", "pluck", "E4", "pluck", "G4", "remix", "-", "repeat", "3"],
        ["synth", "4", "sawtooth", "A3", "square", "E4", "remix", "-", "tremolo", "5"],
        ["synth", "10", "sine", "300:3400"],
        ["synth", "10", "pinknoise"],
        ["synth", "5", "sine", "425"],
    ],
    ids=["plucked chord", "sawtooth chord", "sweep", "pink noise", "ring-back tone"],
)
def test_music_and_noises_of_the_line_are_nobodys_tone(tmp_path: Path, effects: list[str]) -> None:
    if not shutil.which("sox"):
        pytest.skip("sox is needed to make music")
    path = tmp_path / "music.wav"
    command = ["sox", "-n", "-r", str(RATE), "-c", "1", str(path), *effects, "norm", "-3"]
    subprocess.run(command, check=True)
    assert parties_heard(read_audio(path).mono(), RATE) == frozenset()


@pytest.mark.parametrize("seed", range(3))
def test_a_random_melody_is_nobodys_tone(seed: int) -> None:
    assert parties_heard(melody(seed, 60), RATE) == frozenset()


def test_of_all_whole_frequencies_only_the_parties_own_count() -> None:
    time_s = np.arange(RATE // 2) / RATE
    taken = [
        hz
        for hz in range(PARTY_TONES_HZ[0] - 40, PARTY_TONES_HZ[-1] + 40)
        if parties_heard(np.asarray(0.3 * np.sin(2 * np.pi * hz * time_s), np.float32), RATE)
    ]
    assert taken == list(PARTY_TONES_HZ)


def test_a_lost_packet_does_not_divide_a_span_but_is_told_as_a_break() -> None:
    line = tone(8, 4.0).copy()
    line[2 * RATE : 2 * RATE + 800] = 0
    assert len(hears(line, RATE, 8)) == 1
    found = breaks(line, RATE, 8)
    assert len(found) == 1
    assert found[0].start_s == pytest.approx(2.0, abs=0.01)
    assert found[0].duration_s == pytest.approx(0.1, abs=0.01)
    assert breaks(tone(8, 2.0), RATE, 8) == []
    assert breaks(tone(8, 2.0), RATE, 9) == []


def test_glitches_right_after_the_start_do_not_move_the_start() -> None:
    # What a jitter buffer does on a busy machine: slips of a frame, which break the phase.
    whole = tone(21, 4.0)
    pieces = [silence(0.06), whole[:900], silence(0.04)]
    for begin in range(1000, 3 * RATE, 2900):
        pieces.append(whole[begin + 37 : begin + 2900])
    pieces += [whole[: 2 * RATE], silence(1.0)]
    line = alaw(np.concatenate(pieces))
    spans = hears(line, RATE, 21)
    assert len(spans) == 1
    assert spans[0].start_s == pytest.approx(0.06, abs=0.005)
    assert spans[0].end_s == pytest.approx(len(line) / RATE - 1.0, abs=0.005)


def test_silence_is_measured() -> None:
    line = np.concatenate((silence(0.5), tone(3, 1.0), silence(2.0)))
    assert first_sound_at(line, RATE) == pytest.approx(0.5, abs=0.011)
    assert first_sound_at(silence(1.0), RATE) is None
    quiet = silences(line, RATE, longer_than_s=1.0)
    assert [(round(span.start_s, 1), round(span.end_s, 1)) for span in quiet] == [(1.5, 3.5)]


@pytest.mark.parametrize("samples", [silence(0.0), silence(0.1), silence(0.3)])
def test_too_little_sound_is_nobody(samples: Samples) -> None:
    assert parties_heard(samples, RATE) == frozenset()
    assert tones_present(samples, RATE) == []
    assert hears(samples, RATE, 0) == []


def test_a_window_too_short_to_tell_tones_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="window_s"):
        tones_present(tone(0, 1.0), RATE, 0.1)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_the_channels_of_a_recording_are_heard_apart(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"call.{suffix}"
    stereo = np.stack((tone(2, 2.0), tone(17, 2.0)), axis=1)
    soundfile.write(path, stereo, RATE)
    audio = read_audio(path)
    assert (audio.rate, audio.duration_s) == (RATE, 2.0)
    assert parties_heard(audio.channel(0), audio.rate) == {2}
    assert parties_heard(audio.channel(1), audio.rate) == {17}
    assert parties_heard(audio.mono(), audio.rate) == {2, 17}
    with pytest.raises(IndexError):
        audio.channel(2)


def test_a_written_tone_loops_without_a_seam(tmp_path: Path) -> None:
    write_tone(tmp_path / "tone.wav", 33)
    once = read_audio(tmp_path / "tone.wav").mono()
    looped = np.concatenate((once, once, once))
    assert np.abs(looped - tone(33, 3.0)).max() < 2e-3
    assert breaks(looped, RATE, 33, longer_than_s=0.0) == []
