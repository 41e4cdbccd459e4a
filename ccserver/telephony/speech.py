"""Whether a caller speaks: Asterisk measures the caller's leg, this judges what it tells.

Asterisk tells when sound above a level begins, and after a pause that it has ended and how long it
was. A click or a key that is dropped begins like a word does, so sound counts as speech once it has
lasted: either its end tells a length, or no end has come for long enough. It is energy that is
measured and not words: a loud road or a television is taken for speech. The flag is a help for the
call taker, who hears more; nothing in the system ends or routes a call because of it.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.waiting_actions import SPEECH_SILENCE_MS
from ccserver.types import ContactId, LegId

log = structlog.get_logger(__name__)

EVENTS_WANTED = ("ChannelTalkingStarted", "ChannelTalkingFinished")
SPEECH_MIN_S = 0.2  # the shortest word; a click of 20 ms is told as 0 ms, one of 100 ms as 80 ms
SPEECH_CERTAIN_S = SPEECH_SILENCE_MS / 1000 + SPEECH_MIN_S + 0.1
"""Sound that began this long ago, without an end: a click's end would have been told by now."""


class SpeechActions(Protocol):
    """What `ccserver.telephony.waiting_actions.WaitingActions` does."""

    async def listen(self, leg_id: LegId) -> None:
        """Tell by events when this caller begins and ceases to make sound."""

    async def stop_listening(self, leg_id: LegId) -> None:
        """No more of these events."""


class SpeechObserver(Protocol):
    """Who wants to know. Called from the event loop, never blocks."""

    def silence_changed(self, contact_id: ContactId, *, silent: bool) -> None:
        """The conversation has begun without a word of the caller's, or the first word came."""


@dataclass(slots=True)
class Listening:
    """What is known of one caller's speech; times are monotonic seconds. No I/O."""

    silence_after_s: float
    talks_since: float | None = None
    sound_since: float | None = None
    certain: bool = False  # the sound that lasts is speech
    spoke: bool = False  # in the conversation
    silent: bool = False  # as last told

    def connected(self, now: float) -> None:
        """The conversation begins. Who is speaking at that moment has spoken in it."""
        if self.talks_since is None:
            self.talks_since = now
        self.spoke = self.spoke or self.certain

    def waits(self) -> None:
        """The conversation was broken off; the caller waits again."""
        self.talks_since = None

    def started(self, now: float) -> None:
        """Sound begins."""
        if self.sound_since is None:
            self.sound_since, self.certain = now, False

    def finished(self, duration_s: float) -> None:
        """Sound has ended that lasted so long."""
        if duration_s >= SPEECH_MIN_S:
            self._speaks()
        self.sound_since, self.certain = None, False

    def passed(self, now: float) -> None:
        """Time has passed; judges what is due."""
        if self.sound_since is not None and now >= self.sound_since + SPEECH_CERTAIN_S:
            self._speaks()
        over = self._silent_at()
        if over is not None and now >= over:
            self.silent = True

    def next_deadline(self) -> float | None:
        """When `passed` is to be called; ``None`` where only an event can bring something new."""
        if self.sound_since is not None and not self.certain:
            return self.sound_since + SPEECH_CERTAIN_S
        return self._silent_at()

    def _silent_at(self) -> float | None:
        if self.talks_since is None or self.spoke or self.silent or self.sound_since is not None:
            return None  # a sound that lasts is judged first
        return self.talks_since + self.silence_after_s

    def _speaks(self) -> None:
        self.certain = True
        self.silent = False
        self.spoke = self.spoke or self.talks_since is not None


@dataclass(slots=True)
class _Watch:
    contact_id: ContactId
    leg_id: LegId
    listening: Listening
    told: bool = False
    timer: asyncio.TimerHandle | None = None
    command: asyncio.Task[None] | None = None
    over: bool = False


class SpeechWatch:
    """All callers whose speech is measured; one per process."""

    def __init__(self, actions: SpeechActions, observer: SpeechObserver) -> None:
        self._actions = actions
        self._observer = observer
        self._watches: dict[ContactId, _Watch] = {}
        self._of_leg: dict[str, ContactId] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, contact_id: ContactId, leg_id: LegId, *, silence_after_s: float) -> None:
        """A caller waits, for the first time or again. Sound is measured from now on, so that
        nothing has to be asked of Asterisk in the moment of the connection."""
        watch = self._watches.get(contact_id)
        if watch is None:
            watch = _Watch(contact_id, leg_id, Listening(silence_after_s))
            self._watches[contact_id] = watch
        else:
            self._of_leg.pop(watch.leg_id, None)
            watch.leg_id = leg_id
            watch.listening.waits()
        self._of_leg[leg_id] = contact_id
        if not watch.listening.spoke:
            self._command(watch, self._actions.listen(leg_id))
        self._settle(watch)

    def talking(self, contact_id: ContactId) -> None:
        """The conversation has begun; unknown contacts are none of our business."""
        watch = self._watches.get(contact_id)
        if watch is not None:
            watch.listening.connected(self._now())
            self._settle(watch)

    def end(self, contact_id: ContactId) -> None:
        """The caller has left or is gone. Asterisk needs no word: it measures a channel that is
        ending, or one that has left our application and takes no command of ours."""
        watch = self._watches.pop(contact_id, None)
        if watch is None:
            return
        self._of_leg.pop(watch.leg_id, None)
        self._forget(watch)

    def handle(self, event: Mapping[str, Any]) -> None:
        """One ARI event."""
        channel = event.get("channel")
        leg_id = channel.get("id") if isinstance(channel, dict) else None
        contact_id = self._of_leg.get(leg_id) if isinstance(leg_id, str) else None
        if contact_id is None:
            return
        watch = self._watches[contact_id]
        if event.get("type") == "ChannelTalkingStarted":
            watch.listening.started(self._now())
        elif event.get("type") == "ChannelTalkingFinished":
            duration = event.get("duration")
            watch.listening.finished(duration / 1000 if isinstance(duration, int) else 0.0)
        else:
            return
        self._settle(watch)

    async def close(self) -> None:
        """Forget everything and end what is under way."""
        for contact_id in list(self._watches):
            self._forget(self._watches.pop(contact_id))
        self._of_leg.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _settle(self, watch: _Watch) -> None:
        """Tell what has changed and wait for what comes next."""
        listening = watch.listening
        listening.passed(self._now())
        if listening.silent is not watch.told:
            watch.told = listening.silent
            log.info("silence_changed", contact_id=watch.contact_id, silent=watch.told)
            self._observer.silence_changed(watch.contact_id, silent=watch.told)
        if watch.timer is not None:
            watch.timer.cancel()
            watch.timer = None
        if listening.spoke:
            # A call with speech: there is nothing more to find out.
            self._stop(watch)
            return
        deadline = listening.next_deadline()
        if deadline is not None and not watch.over:
            loop = asyncio.get_running_loop()
            watch.timer = loop.call_at(deadline, self._settle, watch)

    def _stop(self, watch: _Watch) -> None:
        if watch.over:
            return
        self._forget(watch)
        self._command(watch, self._actions.stop_listening(watch.leg_id))

    def _forget(self, watch: _Watch) -> None:
        watch.over = True
        if watch.timer is not None:
            watch.timer.cancel()

    def _command(self, watch: _Watch, command: Coroutine[Any, Any, None]) -> None:
        """Send a command after the one before it; a failing one costs the flag and nothing else."""
        before = watch.command

        async def send() -> None:
            if before is not None:
                await asyncio.wait([before])
            try:
                await command
            except TelephonyError as error:
                log.warning(
                    "speech_not_measured",
                    contact_id=watch.contact_id,
                    reason=type(error).__name__,
                )

        task = asyncio.get_running_loop().create_task(send(), name="speech_command")
        watch.command = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: command.close())  # cancelled before its turn came

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
