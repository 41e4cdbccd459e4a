"""What a waiting caller hears next, and what its keys mean: a function of state and time, no I/O.

The music never stops while a caller waits; speech lies over it::

    GREETING ──over──▶ MUSIC ──due──▶ ANNOUNCING ──over──▶ MUSIC …
        ▲ │ key          │ key              ▲ │ key
        └─┘              └──────────────────┘─┘
    each of the three ──connected──▶ TALKING ──waits──▶ MUSIC

A pair of phase and input that is not in the table changes nothing: an event that was repeated,
late or meant for a phase that is over is no error. What is said never tells a place in the line:
in an emergency it would only tell somebody to hang up.

Digits mean a language while the caller waits, and nothing in the conversation, where a call taker
may ask for "one for yes". The silent key means the same everywhere: the caller cannot speak.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

SILENT_KEY = "5"
"""Both "5" and "55" are taught to the public; the first digit of either says it."""

FRESH_S = 5.0
"""A new caller is claimed within 0.5 s. Whoever has waited longer has heard a greeting, from the
dialplan or from the process before this one, and is not greeted again."""

ANNOUNCE_EVERY_MIN_S = 10.0
"""Announcements that came faster would leave no music between them, whatever was configured."""

SPEAKING_MAX_S = 240.0
"""Three languages of the longest text that is made into speech. Longer means that the end of the
speech was not told to us."""

LANGUAGE_CHANGES_MAX = 10
"""Per contact. Each change is told to the distributor, which matches anew; a child that plays with
the keys must not keep it busy. The last choice holds."""


@dataclass(frozen=True, slots=True)
class WaitingSettings:
    """How one queue's callers wait, as the routing document says."""

    greeting: str | None = None
    """Name of a prompt; ``None``: no greeting."""
    announcement: str | None = None
    """Name of a prompt; ``None``: no announcements."""
    announce_every_s: float = 30.0
    """From the end of one speech to the next announcement; 0 or less: none."""
    music: str = "calm"
    """Asterisk's music class. It must hold music only: speech lies over it."""
    languages: Mapping[str, str] | None = None
    """Key to language, ``{"1": "lv", …}``; ``None`` or empty: the default language only."""
    silent_keys: bool = True
    """Whether "5" and "55" say that the caller cannot speak. They then choose no language."""
    silence_after_s: float = 8.0
    """A caller without a word for this long in the conversation counts as silent."""
    default_language: str = "lv"

    def spoken(self) -> tuple[str, ...]:
        """All languages in the order in which they are spoken: the default one first."""
        keyed = [(self.languages or {})[key] for key in sorted(self.languages or {})]
        return tuple(dict.fromkeys([self.default_language, *keyed]))


class Phase(StrEnum):
    """What the caller hears."""

    GREETING = "greeting"
    MUSIC = "music"
    ANNOUNCING = "announcing"
    TALKING = "talking"


class Input(StrEnum):
    """What can happen to a waiting caller."""

    OVER = "over"  # the speech has ended, failed or could not be started
    DUE = "due"  # the phase's own deadline
    LANGUAGE = "language"  # another language was chosen
    CONNECTED = "connected"  # a call taker talks with the caller
    WAITS = "waits"  # the conversation is over, the caller waits again


TRANSITIONS: Mapping[tuple[Phase, Input], Phase] = {
    (Phase.GREETING, Input.OVER): Phase.MUSIC,
    (Phase.GREETING, Input.DUE): Phase.MUSIC,
    (Phase.GREETING, Input.LANGUAGE): Phase.GREETING,
    (Phase.GREETING, Input.CONNECTED): Phase.TALKING,
    (Phase.MUSIC, Input.DUE): Phase.ANNOUNCING,
    (Phase.MUSIC, Input.LANGUAGE): Phase.ANNOUNCING,
    (Phase.MUSIC, Input.CONNECTED): Phase.TALKING,
    (Phase.ANNOUNCING, Input.OVER): Phase.MUSIC,
    (Phase.ANNOUNCING, Input.DUE): Phase.MUSIC,
    (Phase.ANNOUNCING, Input.LANGUAGE): Phase.ANNOUNCING,
    (Phase.ANNOUNCING, Input.CONNECTED): Phase.TALKING,
    (Phase.TALKING, Input.WAITS): Phase.MUSIC,
}
SPEAKING = frozenset({Phase.GREETING, Phase.ANNOUNCING})


@dataclass(frozen=True, slots=True)
class Speech:
    """One prompt in one language or in several, one after the other."""

    prompt: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaitingState:
    """One caller. ``since`` is when the phase began, in the monotonic seconds of ``now``."""

    phase: Phase
    since: float
    language: str | None = None
    language_changes: int = 0
    cannot_speak: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """The new state and what is to be done for it."""

    state: WaitingState
    speech: Speech | None = None
    """To be started, in place of what is being said."""
    hush: bool = False
    """What is being said must end; nothing follows it."""
    language_chosen: str | None = None
    """To be told."""
    cannot_speak: bool = False
    """To be told."""


def begin(
    settings: WaitingSettings,
    *,
    now: float,
    waited_s: float,
    language: str | None = None,
    cannot_speak: bool = False,
) -> Step:
    """A caller waits. ``language`` and ``cannot_speak``: what was known of it before a restart."""
    state = WaitingState(Phase.MUSIC, now, language, cannot_speak=cannot_speak)
    if waited_s > FRESH_S:
        return Step(state)
    return _enter(settings, state, Phase.GREETING, now)


def talks(*, now: float, cannot_speak: bool = False) -> WaitingState:
    """A conversation that began before this process."""
    return WaitingState(Phase.TALKING, now, cannot_speak=cannot_speak)


def happened(settings: WaitingSettings, state: WaitingState, what: Input, *, now: float) -> Step:
    """The state after an input; the same state where the input has no meaning."""
    phase = TRANSITIONS.get((state.phase, what))
    if phase is None or (what is Input.DUE and not _is_due(settings, state, now)):
        return Step(state)
    return _enter(settings, state, phase, now, confirm=what is Input.LANGUAGE)


def key_pressed(settings: WaitingSettings, state: WaitingState, digit: str, *, now: float) -> Step:
    """The state after a key; every meaning is told once."""
    if settings.silent_keys and digit == SILENT_KEY:
        return Step(replace(state, cannot_speak=True), cannot_speak=not state.cannot_speak)
    language = (settings.languages or {}).get(digit)
    if (
        language is None
        or language == state.language
        or state.phase is Phase.TALKING
        or state.language_changes >= LANGUAGE_CHANGES_MAX
    ):
        return Step(state)
    chosen = replace(state, language=language, language_changes=state.language_changes + 1)
    step = happened(settings, chosen, Input.LANGUAGE, now=now)
    return replace(step, language_chosen=language)


def next_deadline(settings: WaitingSettings, state: WaitingState) -> float | None:
    """When `Input.DUE` is to come; ``None`` where nothing comes by itself."""
    if state.phase in SPEAKING:
        return state.since + SPEAKING_MAX_S
    if state.phase is Phase.MUSIC and settings.announcement and settings.announce_every_s > 0:
        return state.since + max(settings.announce_every_s, ANNOUNCE_EVERY_MIN_S)
    return None


def _is_due(settings: WaitingSettings, state: WaitingState, now: float) -> bool:
    deadline = next_deadline(settings, state)
    return deadline is not None and now >= deadline


def _enter(
    settings: WaitingSettings,
    state: WaitingState,
    phase: Phase,
    now: float,
    *,
    confirm: bool = False,
) -> Step:
    """Into a phase; a phase of speech without a prompt is one of music."""
    speech = _speech(settings, state, phase, confirm=confirm)
    if phase in SPEAKING and speech is None:
        phase = Phase.MUSIC
    hush = state.phase in SPEAKING and speech is None
    return Step(replace(state, phase=phase, since=now), speech=speech, hush=hush)


def _speech(
    settings: WaitingSettings, state: WaitingState, phase: Phase, *, confirm: bool
) -> Speech | None:
    prompt = {Phase.GREETING: settings.greeting, Phase.ANNOUNCING: settings.announcement}.get(phase)
    if prompt is None and confirm:
        # A chosen language is always answered in that language, if there is anything to say.
        prompt = settings.greeting
    if prompt is None:
        return None
    return Speech(prompt, (state.language,) if state.language else settings.spoken())
