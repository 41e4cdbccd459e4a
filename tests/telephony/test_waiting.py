"""What a waiting caller hears and what its keys mean.

Proves that the plan says each thing once, in the right languages, never in a conversation and never
without a deadline; and that the room sends commands in order, ends a speech at once, keeps the
music, and survives every command that fails, hangs or is overtaken.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.telephony import waiting_plan as plan
from ccserver.telephony.errors import ARIRefused, ARITimeout, TelephonyError
from ccserver.telephony.waiting import WaitingRoom
from ccserver.telephony.waiting_plan import (
    ANNOUNCE_EVERY_MIN_S,
    LANGUAGE_CHANGES_MAX,
    SPEAKING,
    SPEAKING_MAX_S,
    TRANSITIONS,
    Input,
    Phase,
    Speech,
    WaitingSettings,
    WaitingState,
)
from ccserver.types import ContactId, LegId
from tests.telephony.virtual_time import in_virtual_time

SETTINGS = WaitingSettings(
    greeting="welcome",
    announcement="please_hold",
    announce_every_s=30.0,
    music="calm",
    languages={"1": "lv", "2": "ru", "3": "en"},
    default_language="lv",
)
CONTACT, LEG = ContactId("c-1"), LegId("1700000000.1")
ALL = ("lv", "ru", "en")

# -- the plan -------------------------------------------------------------------------------------


def test_the_default_language_is_spoken_first_and_each_once() -> None:
    assert replace(SETTINGS, default_language="ru").spoken() == ("ru", "lv", "en")
    assert replace(SETTINGS, languages=None).spoken() == ("lv",)
    assert replace(SETTINGS, languages={"1": "en", "2": "en"}).spoken() == ("lv", "en")


def test_a_new_caller_is_greeted_and_one_that_has_waited_is_not() -> None:
    assert plan.begin(SETTINGS, now=0.0, waited_s=0.02).speech == Speech("welcome", ALL)
    found = plan.begin(SETTINGS, now=100.0, waited_s=60.0)
    assert (found.speech, found.state.phase) == (None, Phase.MUSIC)
    assert plan.next_deadline(SETTINGS, found.state) == 130.0


def test_announcements_come_at_intervals_counted_from_the_end_of_speech() -> None:
    state = plan.begin(SETTINGS, now=0.0, waited_s=0.0).state
    over = plan.happened(SETTINGS, state, Input.OVER, now=12.0)
    assert over.hush
    assert plan.next_deadline(SETTINGS, over.state) == 42.0
    early = plan.happened(SETTINGS, over.state, Input.DUE, now=41.9)
    assert (early.state, early.speech) == (over.state, None)
    due = plan.happened(SETTINGS, over.state, Input.DUE, now=42.0)
    assert due.speech == Speech("please_hold", ALL)


@pytest.mark.parametrize(
    ("every_s", "due_at"), [(0.0, None), (-5.0, None), (1.0, ANNOUNCE_EVERY_MIN_S), (60.0, 60.0)]
)
def test_odd_intervals_never_fill_the_music_with_speech(
    every_s: float, due_at: float | None
) -> None:
    settings = replace(SETTINGS, announce_every_s=every_s)
    state = WaitingState(Phase.MUSIC, 0.0)
    assert plan.next_deadline(settings, state) == due_at


def test_after_a_key_only_that_language_is_spoken() -> None:
    state = plan.begin(SETTINGS, now=0.0, waited_s=0.0).state
    greeted = plan.key_pressed(SETTINGS, state, "2", now=3.0)
    assert greeted.language_chosen == "ru"
    assert greeted.speech == Speech("welcome", ("ru",))
    music = plan.happened(SETTINGS, greeted.state, Input.OVER, now=9.0).state
    announced = plan.happened(SETTINGS, music, Input.DUE, now=39.0)
    assert announced.speech == Speech("please_hold", ("ru",))


def test_a_key_during_music_is_answered_in_the_chosen_language_at_once() -> None:
    state = WaitingState(Phase.MUSIC, 0.0)
    assert plan.key_pressed(SETTINGS, state, "3", now=1.0).speech == Speech("please_hold", ("en",))
    silent = replace(SETTINGS, announcement=None)
    assert plan.key_pressed(silent, state, "3", now=1.0).speech == Speech("welcome", ("en",))
    mute = replace(silent, greeting=None)
    step = plan.key_pressed(mute, state, "3", now=1.0)
    assert (step.speech, step.language_chosen, step.state.phase) == (None, "en", Phase.MUSIC)


def test_language_keys_mean_nothing_in_a_conversation_and_the_silent_key_does() -> None:
    state = plan.talks(now=0.0)
    assert plan.key_pressed(SETTINGS, state, "2", now=1.0) == plan.Step(state)
    assert plan.key_pressed(SETTINGS, state, "5", now=1.0).cannot_speak


def test_silent_key_wins_over_a_language_on_the_same_key_unless_it_is_switched_off() -> None:
    both = replace(SETTINGS, languages={"5": "et"})
    state = WaitingState(Phase.MUSIC, 0.0)
    assert plan.key_pressed(both, state, "5", now=0.0).cannot_speak
    off = replace(both, silent_keys=False)
    assert plan.key_pressed(off, state, "5", now=0.0).language_chosen == "et"


def test_who_plays_with_the_keys_is_told_of_a_limited_number_of_times() -> None:
    state = WaitingState(Phase.MUSIC, 0.0)
    told = 0
    for number in range(50):
        step = plan.key_pressed(SETTINGS, state, "12"[number % 2], now=float(number))
        state = step.state
        told += step.language_chosen is not None
    assert told == LANGUAGE_CHANGES_MAX


def test_without_prompts_there_is_music_and_nothing_else() -> None:
    mute = WaitingSettings()
    step = plan.begin(mute, now=0.0, waited_s=0.0)
    assert (step.state.phase, step.speech) == (Phase.MUSIC, None)
    assert plan.next_deadline(mute, step.state) is None


def test_the_table_names_every_way_in_and_none_out_of_a_conversation_but_waiting() -> None:
    assert {phase for phase in Phase if (phase, Input.CONNECTED) in TRANSITIONS} == (
        set(Phase) - {Phase.TALKING}
    )
    assert [key[1] for key in TRANSITIONS if key[0] is Phase.TALKING] == [Input.WAITS]


digits = st.sampled_from("0123456789*#AD")
moves = st.one_of(
    st.tuples(st.just("key"), digits),
    st.tuples(st.just("input"), st.sampled_from([i for i in Input if i is not Input.LANGUAGE])),
)
prompts = st.one_of(st.none(), st.just("p"))
any_settings = st.builds(
    WaitingSettings,
    greeting=prompts,
    announcement=prompts,
    announce_every_s=st.sampled_from([-1.0, 0.0, 0.5, 30.0]),
    languages=st.one_of(
        st.none(), st.dictionaries(st.sampled_from("0123456789"), st.sampled_from(ALL))
    ),
    silent_keys=st.booleans(),
)


@given(
    any_settings,
    st.lists(st.tuples(moves, st.floats(0.0, 300.0)), max_size=60),
    st.sampled_from([0.0, 1.0, 60.0]),
)
def test_whatever_happens_in_whatever_order(
    settings: WaitingSettings,
    script: list[tuple[tuple[str, str], float]],
    waited_s: float,
) -> None:
    now = 0.0
    step = plan.begin(settings, now=now, waited_s=waited_s)
    saying = step.speech
    chosen: list[str] = []
    silent_told = 0
    for (kind, value), pause_s in script:
        now += pause_s
        before = step.state
        if kind == "key":
            step = plan.key_pressed(settings, before, value, now=now)
        else:
            step = plan.happened(settings, before, Input(value), now=now)
        if step.language_chosen is not None:
            assert step.language_chosen != (chosen[-1] if chosen else None)
            assert before.phase is not Phase.TALKING
            chosen.append(step.language_chosen)
        silent_told += step.cannot_speak
        assert not (step.hush and step.speech)
        if step.hush:
            assert saying is not None
            saying = None
        elif step.speech is not None:
            saying = step.speech
            assert saying.languages == ((chosen[-1],) if chosen else settings.spoken())
        # What is being said and the phase always agree, and nobody is spoken over.
        assert (saying is not None) is (step.state.phase in SPEAKING)
        deadline = plan.next_deadline(settings, step.state)
        assert deadline is None or deadline > step.state.since
        if step.state.phase in SPEAKING:
            assert deadline is not None, "a speech whose end is not told ends all the same"
    assert silent_told <= 1
    assert silent_told == 0 or settings.silent_keys
    assert len(chosen) <= LANGUAGE_CHANGES_MAX


# -- the room -------------------------------------------------------------------------------------


class FakeActor:
    """Asterisk's side; tests make a command fail, or hold it back."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.fail: dict[str, list[TelephonyError]] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.media: list[tuple[str, ...]] = []
        self.opened: Callable[[str], None] = lambda _: None

    async def _do(self, verb: str, subject: str) -> None:
        self.sent.append(f"{verb} {subject}")
        if verb in self.gates:
            await self.gates[verb].wait()
        if self.fail.get(verb):
            raise self.fail[verb].pop(0)

    async def open_voice(self, leg_id: LegId, voice_id: str) -> None:
        await self._do("open", voice_id)
        asyncio.get_running_loop().call_later(0.001, self.opened, voice_id)

    async def play(self, voice_id: str, playback_id: str, media: Sequence[str]) -> None:
        self.media.append(tuple(media))
        await self._do("play", playback_id)

    async def close_voice(self, voice_id: str) -> None:
        await self._do("close", voice_id)

    async def start_music(self, leg_id: LegId, music_class: str) -> None:
        await self._do("music", music_class)

    async def stop_music(self, leg_id: LegId) -> None:
        await self._do("no_music", leg_id)

    async def listen(self, leg_id: LegId) -> None:
        await self._do("listen", leg_id)

    async def stop_listening(self, leg_id: LegId) -> None:
        await self._do("unlisten", leg_id)


class Told:
    """Implements `WaitingObserver`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def language_chosen(self, contact_id: ContactId, language: str) -> None:
        self.told.append(("language", contact_id, language))

    def cannot_speak(self, contact_id: ContactId) -> None:
        self.told.append(("cannot_speak", contact_id))

    def silence_changed(self, contact_id: ContactId, *, silent: bool) -> None:
        self.told.append(("silent" if silent else "speaks", contact_id))


class Hall:
    """A room, its fakes, and the events that Asterisk would send."""

    def __init__(self) -> None:
        self.actor, self.told = FakeActor(), Told()
        self.no_audio: set[tuple[str, str]] = set()
        self.room = WaitingRoom(self.actor, self.told, media=self._media)
        self.actor.opened = self.opened

    def opened(self, voice_id: str) -> None:
        assert self.room.handle({"type": "StasisStart", "channel": {"id": voice_id}})

    def _media(self, prompt: str, language: str) -> str | None:
        return None if (prompt, language) in self.no_audio else f"sound:/{language}/{prompt}"

    def begin(self, *, waited_s: float = 0.0, settings: WaitingSettings = SETTINGS) -> None:
        self.room.begin(CONTACT, LEG, settings, waited_s=waited_s)

    def key(self, digit: str, leg: str = LEG) -> None:
        self.room.handle({"type": "ChannelDtmfReceived", "channel": {"id": leg}, "digit": digit})

    def played(self, number: int, state: str = "done") -> None:
        playback = {"id": f"say-{CONTACT}-{number}", "state": state}
        assert self.room.handle({"type": "PlaybackFinished", "playback": playback})

    def sent(self) -> list[str]:
        """Since the last look, the measuring of speech aside."""
        sent = [line for line in self.actor.sent if "listen" not in line]
        self.actor.sent.clear()
        return sent


def run(test: Callable[[Hall], Awaitable[None]]) -> None:
    async def whole() -> None:
        hall = Hall()
        await test(hall)
        await hall.room.close()

    in_virtual_time(whole())


async def soon() -> None:
    await asyncio.sleep(0.01)


def test_greeting_music_announcement_and_the_end() -> None:
    async def test(hall: Hall) -> None:
        hall.begin()
        await soon()
        assert hall.sent() == ["music calm", "open say-c-1-v1", "play say-c-1-1"]
        assert hall.actor.media == [("sound:/lv/welcome", "sound:/ru/welcome", "sound:/en/welcome")]
        hall.played(1)
        await soon()
        assert hall.sent() == ["close say-c-1-v1"]
        await asyncio.sleep(30)
        assert hall.sent() == ["open say-c-1-v0", "play say-c-1-2"]
        hall.room.talking(CONTACT)
        await soon()
        assert hall.sent() == ["close say-c-1-v0"]
        await asyncio.sleep(300)
        assert hall.sent() == []
        hall.room.end(CONTACT)
        await soon()
        assert hall.sent() == []

    run(test)


def test_a_key_ends_what_is_said_and_says_it_in_the_chosen_language() -> None:
    async def test(hall: Hall) -> None:
        hall.begin()
        await soon()
        hall.sent()
        hall.key("2")
        hall.key("2")
        await soon()
        assert hall.sent() == ["close say-c-1-v1", "open say-c-1-v0", "play say-c-1-2"]
        assert hall.actor.media[-1] == ("sound:/ru/welcome",)
        assert hall.told.told == [("language", CONTACT, "ru")]
        hall.played(1, "failed")  # of what was cut off: late, and no end of the new speech
        await soon()
        assert hall.sent() == []

    run(test)


def test_the_silent_key_is_told_once_while_waiting_or_talking() -> None:
    async def test(hall: Hall) -> None:
        hall.begin()
        for digit in "55":
            hall.key(digit)
        hall.room.talking(CONTACT)
        hall.key("5")
        hall.key("1")
        hall.key("5", leg="somebody else")
        await soon()
        assert hall.told.told == [("cannot_speak", CONTACT)]

    run(test)


def test_keys_are_heard_in_a_conversation_from_before_a_restart() -> None:
    async def test(hall: Hall) -> None:
        hall.room.adopted(CONTACT, LEG, SETTINGS)
        await soon()
        assert hall.sent() == ["close say-c-1-v0", "close say-c-1-v1"], "what was left behind"
        hall.key("5")
        assert hall.told.told == [("cannot_speak", CONTACT)]
        await asyncio.sleep(100)
        assert len(hall.told.told) == 1, "its silence is not judged"

    run(test)


def test_a_caller_found_after_a_restart_is_not_greeted_again() -> None:
    async def test(hall: Hall) -> None:
        hall.room.begin(CONTACT, LEG, SETTINGS, waited_s=40.0, language="en", cannot_speak=True)
        await soon()
        assert hall.sent() == ["close say-c-1-v0", "close say-c-1-v1", "music calm"]
        hall.key("5")
        await asyncio.sleep(30)
        assert hall.sent() == ["open say-c-1-v1", "play say-c-1-1"]
        assert hall.actor.media == [("sound:/en/please_hold",)]
        assert hall.told.told == []

    run(test)


def test_a_caller_that_waits_again_keeps_its_choice_and_gets_music() -> None:
    async def test(hall: Hall) -> None:
        hall.begin()
        hall.key("3")
        hall.room.talking(CONTACT)
        await soon()
        hall.sent()
        hall.begin(waited_s=70.0)
        await asyncio.sleep(31)
        assert hall.sent() == ["music calm", "open say-c-1-v1", "play say-c-1-1"]
        assert hall.actor.media == [("sound:/en/please_hold",)]

    run(test)


def test_a_call_taker_who_answers_while_the_voice_is_being_opened_hears_no_speech() -> None:
    async def test(hall: Hall) -> None:
        gate = hall.actor.gates["open"] = asyncio.Event()
        hall.begin()
        await soon()
        hall.room.talking(CONTACT)
        await soon()
        gate.set()
        await soon()
        assert hall.sent() == ["music calm", "open say-c-1-v1", "close say-c-1-v1"]

    run(test)


def test_music_whose_start_is_overtaken_by_the_connection_is_stopped() -> None:
    async def test(hall: Hall) -> None:
        gate = hall.actor.gates["music"] = asyncio.Event()
        hall.begin()
        await soon()
        hall.room.talking(CONTACT)
        await soon()
        gate.set()
        await soon()
        assert hall.sent() == ["music calm", f"no_music {LEG}"]

    run(test)


def test_music_that_was_not_asked_for_yet_is_never_asked_for_in_a_conversation() -> None:
    async def test(hall: Hall) -> None:
        hall.begin()
        hall.room.talking(CONTACT)
        await soon()
        assert hall.sent() == []

    run(test)


@pytest.mark.parametrize("verb", ["open", "play", "music"])
@pytest.mark.parametrize("error", [ARIRefused(500, "no"), ARITimeout("late")])
def test_a_failing_command_costs_one_speech(verb: str, error: TelephonyError) -> None:
    async def test(hall: Hall) -> None:
        hall.actor.fail[verb] = [error]
        hall.begin()
        await soon()
        sent = hall.sent()
        if verb != "music":
            # It may have been carried out all the same.
            assert sent[-1] == "close say-c-1-v1"
            await asyncio.sleep(30)
            sent = hall.sent()
        assert sent[-1].startswith("play")
        assert hall.told.told == []

    run(test)


def test_nothing_is_played_before_the_voice_is_there() -> None:
    async def test(hall: Hall) -> None:
        up: list[str] = []
        hall.actor.opened = up.append
        hall.begin()
        await asyncio.sleep(1)
        assert hall.sent()[-1] == "open say-c-1-v1"
        hall.opened(up[0])
        await soon()
        assert hall.sent() == ["play say-c-1-1"]

    run(test)


def test_a_voice_whose_begin_is_never_told_is_tried_all_the_same() -> None:
    async def test(hall: Hall) -> None:
        hall.actor.opened = lambda _: None
        hall.begin()
        await asyncio.sleep(3)
        assert hall.sent()[-1] == "play say-c-1-1"

    run(test)


def test_a_voice_that_is_not_wanted_any_more_is_not_waited_for() -> None:
    async def test(hall: Hall) -> None:
        hall.actor.opened = lambda _: None
        hall.begin()
        await soon()
        hall.sent()
        hall.room.talking(CONTACT)
        await soon()
        assert hall.sent() == ["close say-c-1-v1"]

    run(test)


def test_a_voice_that_does_not_end_is_told_to_again_but_not_for_ever() -> None:
    async def test(hall: Hall) -> None:
        hall.actor.fail["close"] = [ARITimeout("late")] * 10
        hall.begin()
        await soon()
        hall.sent()
        hall.room.talking(CONTACT)
        await asyncio.sleep(60)
        assert hall.sent() == ["close say-c-1-v1"] * 3

    run(test)


def test_a_speech_whose_end_is_never_told_ends_by_its_deadline() -> None:
    async def test(hall: Hall) -> None:
        hall.begin()
        await asyncio.sleep(SPEAKING_MAX_S + 1)
        assert hall.sent()[-1] == "close say-c-1-v1"
        await asyncio.sleep(30)
        assert hall.sent() == ["open say-c-1-v0", "play say-c-1-2"]

    run(test)


def test_a_prompt_without_audio_is_left_out() -> None:
    async def test(hall: Hall) -> None:
        hall.no_audio = {("welcome", "ru"), *(("please_hold", each) for each in ALL)}
        hall.begin()
        await soon()
        assert hall.actor.media == [("sound:/lv/welcome", "sound:/en/welcome")]
        hall.played(1)
        await asyncio.sleep(100)
        assert len(hall.actor.media) == 1

    run(test)


def test_the_end_of_a_contact_silences_it_and_forgets_its_keys() -> None:
    async def test(hall: Hall) -> None:
        hall.begin()
        await soon()
        hall.sent()
        hall.room.end(CONTACT)
        hall.room.end(CONTACT)
        hall.room.talking(CONTACT)
        hall.key("5")
        hall.played(1, "failed")
        await asyncio.sleep(100)
        assert hall.sent() == ["close say-c-1-v1"]
        assert hall.told.told == []

    run(test)


def test_events_of_voices_are_kept_from_call_control_and_all_others_are_not() -> None:
    async def test(hall: Hall) -> None:
        hall.begin()
        for kind in ("StasisStart", "StasisEnd", "ChannelDestroyed", "ChannelHangupRequest"):
            assert hall.room.handle({"type": kind, "channel": {"id": "say-c-1-v1"}})
            assert not hall.room.handle({"type": kind, "channel": {"id": LEG}})
        assert not hall.room.handle({"type": "PlaybackFinished", "playback": {"id": "other"}})

    run(test)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": None},
        {"type": "ChannelDtmfReceived"},
        {"type": "ChannelDtmfReceived", "channel": {"id": LEG}},
        {"type": "ChannelDtmfReceived", "channel": {"id": LEG}, "digit": 5},
        {"type": "ChannelDtmfReceived", "channel": [LEG], "digit": "5"},
        {"type": "PlaybackFinished"},
        {"type": "PlaybackFinished", "playback": {"id": 7}},
        {"type": "PlaybackFinished", "playback": {"id": "say-"}},
        {"type": "PlaybackFinished", "playback": {"id": "say-nobody-9"}},
        {"type": "ChannelTalkingFinished", "channel": {"id": LEG}, "duration": "long"},
    ],
)
def test_what_is_no_event_of_ours_changes_nothing(event: dict[str, object]) -> None:
    async def test(hall: Hall) -> None:
        hall.begin()
        hall.room.handle(event)
        await soon()
        assert hall.told.told == []
        assert hall.sent()[-1] == "play say-c-1-1"

    run(test)
