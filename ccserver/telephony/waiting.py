"""The waiting room: greets, announces, hears keys; `ccserver.telephony.waiting_plan` decides.

Nothing here stands between a caller and a call taker. The offer, the join and the lease never wait
for a speech: it runs on a channel of its own (`ccserver.telephony.waiting_actions` says why), over
music that the dialplan has started. Where this process is dead, slow or refused, the caller hears
what the dialplan plays. Commands for one caller go out one after the other, each with a deadline;
one that fails is a missed announcement.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from ccserver.telephony import waiting_plan as plan
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.speech import EVENTS_WANTED as SPEECH_EVENTS
from ccserver.telephony.speech import SpeechActions, SpeechObserver, SpeechWatch
from ccserver.telephony.waiting_plan import Input, Speech, Step, WaitingSettings, WaitingState
from ccserver.types import ContactId, LegId

__all__ = [
    "EVENTS_WANTED",
    "VOICE_PREFIX",
    "WaitingActor",
    "WaitingObserver",
    "WaitingRoom",
    "WaitingSettings",
]

log = structlog.get_logger(__name__)

EVENTS_WANTED = ("ChannelDtmfReceived", "PlaybackFinished", *SPEECH_EVENTS)
VOICE_PREFIX = "say-"
"""Channels with such an id are voices of ours, and nobody's caller or phone."""

VOICES_PER_CONTACT = 2
"""Ids in turn: a new voice may be opened while the one before it is still on its way out. Few, and
known beforehand, so that a new process can end what the one before it left behind."""

VOICE_UP_TIMEOUT_S = 2.0
"""A new voice is there within 1 ms on an idle machine. Before that, Asterisk refuses to play."""

CLOSE_TRIES = 3
CLOSE_AGAIN_S = 0.5
"""A voice that cannot be ended goes on to the end of its speech, over a conversation perhaps."""

Media = Callable[[str, str], str | None]
"""Prompt and language to a media URI of ARI; ``None`` where there is no such audio."""


class WaitingActor(SpeechActions, Protocol):
    """What `ccserver.telephony.waiting_actions.WaitingActions` does."""

    async def open_voice(self, leg_id: LegId, voice_id: str) -> None:
        """A channel that only this caller hears."""

    async def play(self, voice_id: str, playback_id: str, media: Sequence[str]) -> None:
        """Say these, one after the other; one ``PlaybackFinished`` follows."""

    async def close_voice(self, voice_id: str) -> None:
        """End a voice; one that is gone is as good."""

    async def start_music(self, leg_id: LegId, music_class: str) -> None:
        """Play a music class to this channel."""

    async def stop_music(self, leg_id: LegId) -> None:
        """Stop it."""


class WaitingObserver(SpeechObserver, Protocol):
    """Who wants to know. Called from the event loop, never blocks."""

    def language_chosen(self, contact_id: ContactId, language: str) -> None:
        """The caller chose a language by key; each change is told once."""

    def cannot_speak(self, contact_id: ContactId) -> None:
        """The caller pressed the silent key; told once."""


@dataclass(slots=True)
class _Visit:
    """One caller, what Asterisk was asked for, and what it is still to be asked for."""

    contact_id: ContactId
    leg_id: LegId
    settings: WaitingSettings
    state: WaitingState
    serial: int = 0
    voice_id: str | None = None  # open, or perhaps open
    voice_up: asyncio.Event = field(default_factory=asyncio.Event)
    playback_id: str | None = None
    to_close: list[str] = field(default_factory=list)
    to_say: Speech | None = None
    music_to_start: bool = False
    music_to_stop: bool = False
    music_asked: bool = False  # a start is under way
    timer: asyncio.TimerHandle | None = None
    work: asyncio.Task[None] | None = None
    over: bool = False


class WaitingRoom:
    """All callers of this process, from their claim to their end."""

    def __init__(self, actions: WaitingActor, observer: WaitingObserver, *, media: Media) -> None:
        self._actions = actions
        self._observer = observer
        self._media = media
        self._speech = SpeechWatch(actions, observer)
        self._visits: dict[ContactId, _Visit] = {}
        self._of_leg: dict[str, ContactId] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # -- what call control tells ----------------------------------------------------------------

    def begin(
        self,
        contact_id: ContactId,
        leg_id: LegId,
        settings: WaitingSettings,
        *,
        waited_s: float,
        language: str | None = None,
        cannot_speak: bool = False,
    ) -> None:
        """A claimed caller waits: a new one, one found after a restart, or one that waits again.

        ``waited_s`` since the arrival; ``language`` and ``cannot_speak`` as known from before a
        restart. A caller that is known here keeps what it has chosen.
        """
        now = self._now()
        known = self._visits.get(contact_id)
        if known is not None:
            self._bind(known, leg_id)
            known.settings = settings
            known.music_to_start, known.music_to_stop = True, False
            self._apply(known, plan.happened(settings, known.state, Input.WAITS, now=now))
        else:
            step = plan.begin(
                settings, now=now, waited_s=waited_s, language=language, cannot_speak=cannot_speak
            )
            visit = self._admit(contact_id, leg_id, settings, step.state)
            visit.music_to_start = True
            if waited_s > plan.FRESH_S:
                self._close_left_behind(visit)
            self._apply(visit, step)
        self._speech.begin(contact_id, leg_id, silence_after_s=settings.silence_after_s)

    def adopted(
        self,
        contact_id: ContactId,
        leg_id: LegId,
        settings: WaitingSettings,
        *,
        cannot_speak: bool = False,
    ) -> None:
        """A conversation that began before this process: its silent key is heard.

        Its speech is not measured: the caller may well be listening just now.
        """
        if contact_id in self._visits:
            self.talking(contact_id)
            return
        state = plan.talks(now=self._now(), cannot_speak=cannot_speak)
        visit = self._admit(contact_id, leg_id, settings, state)
        self._close_left_behind(visit)
        self._apply(visit, Step(state))

    def talking(self, contact_id: ContactId) -> None:
        """A call taker's phone has answered and is being joined: not a word more from us."""
        visit = self._visits.get(contact_id)
        if visit is None:
            return
        visit.music_to_start = False
        # A start of music under way could be carried out after call control's own "stop": the
        # caller would hear music instead of the call taker.
        visit.music_to_stop = visit.music_asked
        step = plan.happened(visit.settings, visit.state, Input.CONNECTED, now=self._now())
        self._apply(visit, step)
        self._speech.talking(contact_id)

    def end(self, contact_id: ContactId) -> None:
        """The caller has left our hands or is gone."""
        self._speech.end(contact_id)
        visit = self._visits.pop(contact_id, None)
        if visit is None:
            return
        self._of_leg.pop(visit.leg_id, None)
        visit.over = True
        visit.music_to_start = False
        self._apply(visit, Step(visit.state, hush=True))

    # -- what Asterisk tells ----------------------------------------------------------------------

    def handle(self, event: Mapping[str, Any]) -> bool:
        """One ARI event; true where it concerns a voice of ours, and nobody else at all."""
        kind = event.get("type")
        if kind in SPEECH_EVENTS:
            self._speech.handle(event)
        elif kind == "ChannelDtmfReceived":
            self._key_pressed(_channel_id(event), event.get("digit"))
        elif kind in ("PlaybackStarted", "PlaybackContinuing", "PlaybackFinished"):
            playback = event.get("playback")
            playback_id = playback.get("id") if isinstance(playback, dict) else None
            if not isinstance(playback_id, str) or not playback_id.startswith(VOICE_PREFIX):
                return False
            if kind == "PlaybackFinished":
                self._speech_ended(playback_id)
            return True
        elif kind == "StasisStart":
            self._voice_up(_channel_id(event))
        return _channel_id(event).startswith(VOICE_PREFIX)

    def _key_pressed(self, leg_id: str, digit: object) -> None:
        contact_id = self._of_leg.get(leg_id)
        if contact_id is None or not isinstance(digit, str):
            return
        visit = self._visits[contact_id]
        step = plan.key_pressed(visit.settings, visit.state, digit, now=self._now())
        self._apply(visit, step)
        if step.language_chosen is not None:
            log.info("language_chosen", contact_id=contact_id, language=step.language_chosen)
            self._observer.language_chosen(contact_id, step.language_chosen)
        if step.cannot_speak:
            log.info("cannot_speak", contact_id=contact_id)
            self._observer.cannot_speak(contact_id)

    def _voice_up(self, voice_id: str) -> None:
        contact_id = ContactId(voice_id.removeprefix(VOICE_PREFIX).rpartition("-")[0])
        visit = self._visits.get(contact_id)
        if visit is not None and visit.voice_id == voice_id:
            visit.voice_up.set()

    def _speech_ended(self, playback_id: str) -> None:
        contact_id = ContactId(playback_id.removeprefix(VOICE_PREFIX).rpartition("-")[0])
        visit = self._visits.get(contact_id)
        if visit is not None and visit.playback_id == playback_id:
            self._over(visit)

    def _over(self, visit: _Visit) -> None:
        self._apply(visit, plan.happened(visit.settings, visit.state, Input.OVER, now=self._now()))

    async def close(self) -> None:
        """Forget everything; what is being said goes on, and ends by itself."""
        await self._speech.close()
        for visit in self._visits.values():
            visit.over = True
            if visit.timer is not None:
                visit.timer.cancel()
        self._visits.clear()
        self._of_leg.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- decided, to be done ----------------------------------------------------------------------

    def _admit(
        self, contact_id: ContactId, leg_id: LegId, settings: WaitingSettings, state: WaitingState
    ) -> _Visit:
        visit = _Visit(contact_id, leg_id, settings, state)
        self._visits[contact_id] = visit
        self._of_leg[leg_id] = contact_id
        return visit

    def _bind(self, visit: _Visit, leg_id: LegId) -> None:
        self._of_leg.pop(visit.leg_id, None)
        visit.leg_id = leg_id
        self._of_leg[leg_id] = visit.contact_id

    def _close_left_behind(self, visit: _Visit) -> None:
        visit.to_close += [_voice_id(visit.contact_id, n) for n in range(VOICES_PER_CONTACT)]

    def _apply(self, visit: _Visit, step: Step) -> None:
        """Take over what was decided and set to work; never awaits."""
        visit.state = step.state
        if step.hush or step.speech is not None:
            visit.to_say = step.speech
            if visit.voice_id is not None:
                visit.to_close.append(visit.voice_id)
            visit.voice_id = visit.playback_id = None
            visit.voice_up.set()  # whoever waits for it need not any more
        self._arm(visit)
        if visit.work is None or visit.work.done():
            visit.work = asyncio.get_running_loop().create_task(
                self._work(visit), name="waiting_room"
            )
            self._tasks.add(visit.work)
            visit.work.add_done_callback(self._done)

    def _arm(self, visit: _Visit) -> None:
        if visit.timer is not None:
            visit.timer.cancel()
            visit.timer = None
        deadline = plan.next_deadline(visit.settings, visit.state)
        if deadline is not None and not visit.over:
            visit.timer = asyncio.get_running_loop().call_at(deadline, self._due, visit)

    def _due(self, visit: _Visit) -> None:
        visit.timer = None
        if visit.over:
            return
        if visit.playback_id is not None:
            log.warning("end_of_speech_not_told", contact_id=visit.contact_id)
        step = plan.happened(visit.settings, visit.state, Input.DUE, now=self._now())
        self._apply(visit, step)

    async def _work(self, visit: _Visit) -> None:
        """Send commands as long as there are any. Silence goes before speech."""
        while True:
            if visit.to_close:
                await self._close_voice(visit, visit.to_close.pop(0))
            elif visit.music_to_stop:
                visit.music_to_stop = False
                await self._try(visit, self._actions.stop_music(visit.leg_id))
            elif visit.music_to_start:
                visit.music_to_start, visit.music_asked = False, True
                music = visit.settings.music
                await self._try(visit, self._actions.start_music(visit.leg_id, music))
                visit.music_asked = False
            elif visit.to_say is not None:
                speech, visit.to_say = visit.to_say, None
                await self._say(visit, speech)
            else:
                return

    async def _say(self, visit: _Visit, speech: Speech) -> None:
        media = [
            found
            for language in speech.languages
            if (found := self._media(speech.prompt, language)) is not None
        ]
        if not media:
            log.warning("prompt_missing", contact_id=visit.contact_id, prompt=speech.prompt)
            self._over(visit)
            return
        visit.serial += 1
        voice_id = _voice_id(visit.contact_id, visit.serial % VOICES_PER_CONTACT)
        playback_id = f"{VOICE_PREFIX}{visit.contact_id}-{visit.serial}"
        visit.voice_id, visit.playback_id = voice_id, playback_id
        visit.voice_up.clear()
        said = await self._try(visit, self._actions.open_voice(visit.leg_id, voice_id))
        if said:
            # If it is never told, the attempt to play will tell what is the matter.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(VOICE_UP_TIMEOUT_S):
                    await visit.voice_up.wait()
        if said and visit.playback_id == playback_id:
            said = await self._try(visit, self._actions.play(voice_id, playback_id, media))
        if not said and visit.playback_id == playback_id:
            self._over(visit)

    async def _close_voice(self, visit: _Visit, voice_id: str) -> None:
        for attempt in range(CLOSE_TRIES):
            if attempt:
                await asyncio.sleep(CLOSE_AGAIN_S)
            if await self._try(visit, self._actions.close_voice(voice_id)):
                return

    async def _try(self, visit: _Visit, command: Awaitable[None]) -> bool:
        try:
            await command
        except TelephonyError as error:
            log.warning(
                "waiting_command_failed",
                contact_id=visit.contact_id,
                reason=type(error).__name__,
                detail=str(error),  # Asterisk's own words hold no personal data
            )
            return False
        return True

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("waiting_task_broken", exc_info=error)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _voice_id(contact_id: ContactId, number: int) -> str:
    return f"{VOICE_PREFIX}{contact_id}-v{number}"


def _channel_id(event: Mapping[str, Any]) -> str:
    channel = event.get("channel")
    channel_id = channel.get("id") if isinstance(channel, dict) else None
    return channel_id if isinstance(channel_id, str) else ""
