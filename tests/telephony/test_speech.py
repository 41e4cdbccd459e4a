"""Whether a caller speaks, from what Asterisk tells of sound on its leg.

Proves that a call without a word is flagged once, in time and not before; that the first word takes
the flag back; that clicks are no words; and that the measuring is begun and ended in order.
"""

import asyncio
from collections.abc import Awaitable, Callable

from hypothesis import given
from hypothesis import strategies as st

from ccserver.telephony.errors import ARIUnavailable
from ccserver.telephony.speech import SPEECH_CERTAIN_S, SPEECH_MIN_S, Listening, SpeechWatch
from ccserver.types import ContactId, LegId
from tests.telephony.virtual_time import in_virtual_time

CONTACT, LEG = ContactId("c-1"), LegId("1700000000.1")
SILENCE_S = 8.0


class Bench:
    """A watch, its Asterisk and its observer in one."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.told: list[bool] = []
        self.broken = False
        self.watch = SpeechWatch(self, self)

    async def listen(self, leg_id: LegId) -> None:
        self.sent.append(f"listen {leg_id}")
        await asyncio.sleep(0.001)
        if self.broken:
            raise ARIUnavailable("not connected")

    async def stop_listening(self, leg_id: LegId) -> None:
        self.sent.append(f"stop {leg_id}")

    def silence_changed(self, contact_id: ContactId, *, silent: bool) -> None:
        assert contact_id == CONTACT
        self.told.append(silent)

    def begin(self) -> None:
        self.watch.begin(CONTACT, LEG, silence_after_s=SILENCE_S)

    def sound(self, duration_ms: int | None = None, leg: str = LEG) -> None:
        """Its begin, or its end."""
        kind = "ChannelTalkingStarted" if duration_ms is None else "ChannelTalkingFinished"
        self.watch.handle({"type": kind, "channel": {"id": leg}, "duration": duration_ms})


def run(test: Callable[[Bench], Awaitable[None]]) -> None:
    async def whole() -> None:
        bench = Bench()
        await test(bench)
        await bench.watch.close()

    in_virtual_time(whole())


def test_a_call_without_a_word_is_flagged_once_and_not_while_it_waits() -> None:
    async def test(bench: Bench) -> None:
        bench.begin()
        await asyncio.sleep(100)
        assert bench.told == []
        bench.watch.talking(CONTACT)
        await asyncio.sleep(SILENCE_S - 0.1)
        assert bench.told == []
        await asyncio.sleep(0.2)
        assert bench.told == [True]
        bench.watch.talking(CONTACT)
        await asyncio.sleep(100)
        assert bench.told == [True]

    run(test)


def test_the_first_word_takes_the_flag_back_and_ends_the_measuring() -> None:
    async def test(bench: Bench) -> None:
        bench.begin()
        bench.watch.talking(CONTACT)
        await asyncio.sleep(20)
        bench.sound()
        await asyncio.sleep(0.9)
        bench.sound(duration_ms=400)
        await asyncio.sleep(100)
        assert bench.told == [True, False]
        assert bench.sent == [f"listen {LEG}", f"stop {LEG}"]

    run(test)


def test_who_speaks_in_time_is_never_flagged() -> None:
    async def test(bench: Bench) -> None:
        bench.begin()
        bench.watch.talking(CONTACT)
        await asyncio.sleep(7.9)
        bench.sound()
        await asyncio.sleep(60)  # speaks and speaks: no end is told
        assert bench.told == []
        bench.sound(duration_ms=59_000)
        await asyncio.sleep(60)
        assert bench.told == []

    run(test)


def test_who_speaks_in_the_moment_of_the_connection_has_spoken() -> None:
    async def test(bench: Bench) -> None:
        bench.begin()
        bench.sound()
        await asyncio.sleep(3)
        bench.watch.talking(CONTACT)
        bench.sound(duration_ms=2500)
        await asyncio.sleep(100)
        assert bench.told == []

    run(test)


def test_words_while_waiting_do_not_hide_a_silent_conversation() -> None:
    async def test(bench: Bench) -> None:
        bench.begin()
        bench.sound()
        bench.sound(duration_ms=2000)
        await asyncio.sleep(3)
        bench.watch.talking(CONTACT)
        await asyncio.sleep(SILENCE_S + 0.1)
        assert bench.told == [True]

    run(test)


def test_clicks_are_no_words() -> None:
    async def test(bench: Bench) -> None:
        bench.begin()
        bench.watch.talking(CONTACT)
        for duration_ms in (0, 80, -1, 80):
            await asyncio.sleep(2)
            bench.sound()
            await asyncio.sleep(0.6)
            bench.sound(duration_ms=duration_ms)
        assert bench.told == [True]

    run(test)


def test_a_caller_that_waits_again_is_judged_in_its_next_conversation() -> None:
    async def test(bench: Bench) -> None:
        bench.begin()
        bench.watch.talking(CONTACT)
        await asyncio.sleep(5)
        bench.begin()
        await asyncio.sleep(30)
        assert bench.told == []
        bench.watch.talking(CONTACT)
        await asyncio.sleep(SILENCE_S + 0.1)
        assert bench.told == [True]

    run(test)


def test_nothing_is_told_or_asked_of_a_caller_who_is_gone() -> None:
    async def test(bench: Bench) -> None:
        bench.begin()
        bench.watch.talking(CONTACT)
        bench.watch.end(CONTACT)
        bench.watch.end(CONTACT)
        bench.sound()
        await asyncio.sleep(100)
        assert bench.sent == [f"listen {LEG}"]
        assert bench.told == []

    run(test)


def test_an_asterisk_that_refuses_costs_the_measuring_only() -> None:
    async def test(bench: Bench) -> None:
        bench.broken = True
        bench.begin()
        bench.watch.talking(CONTACT)
        await asyncio.sleep(SILENCE_S + 0.1)
        assert bench.told == [True]

    run(test)


def test_sound_of_others_and_events_without_sense_are_ignored() -> None:
    async def test(bench: Bench) -> None:
        bench.begin()
        bench.watch.talking(CONTACT)
        bench.sound(leg="other")
        bench.sound(duration_ms=5000, leg="other")
        bench.watch.handle({"type": "ChannelTalkingStarted", "channel": None})
        bench.watch.handle({"type": "ChannelTalkingFinished", "channel": {"id": LEG}})
        bench.watch.talking(ContactId("nobody"))
        await asyncio.sleep(SILENCE_S + 0.1)
        assert bench.told == [True]

    run(test)


kinds = st.sampled_from(["started", "click", "word", "connected", "waits", "passed"])


@given(st.lists(st.tuples(kinds, st.floats(0.0, 20.0)), max_size=60))
def test_silence_is_only_ever_told_of_a_conversation_without_a_word(
    script: list[tuple[str, float]],
) -> None:
    now, listening, words = 0.0, Listening(SILENCE_S), 0
    for kind, pause_s in script:
        now += pause_s
        # Time passes first, as the timer would have let it.
        while (due := listening.next_deadline()) is not None and due <= now:
            was_silent = listening.silent
            listening.passed(due)
            assert listening.next_deadline() != due, "nobody waits for what has passed"
            if listening.silent and not was_silent:
                assert not words
                assert listening.talks_since is not None
                assert due >= listening.talks_since + SILENCE_S
        match kind:
            case "started":
                listening.started(now)
            case "click":
                listening.finished(SPEECH_MIN_S / 2)
            case "word":
                listening.finished(SPEECH_MIN_S)
                words += listening.talks_since is not None
                assert not listening.silent
            case "connected":
                listening.connected(now)
            case "waits":
                listening.waits()
            case _:
                listening.passed(now)
    assert SPEECH_CERTAIN_S > SPEECH_MIN_S
