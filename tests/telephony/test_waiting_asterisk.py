"""The waiting room on a real Asterisk with real phones.

Proves what the fakes cannot: that a caller hears the prompts in order over the music, that its keys
arrive while something is said, that a speech holds up neither lease nor join and ends when the call
taker comes, that nothing is left behind, and which sounds count as speech.

Every prompt is the tone of a party of its own, so that the caller's phone tells what was heard.
"""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from ccserver.telephony.actions import Actions
from ccserver.telephony.ari import EVENTS_WANTED as ARI_EVENTS
from ccserver.telephony.ari import ARIClient
from ccserver.telephony.waiting import EVENTS_WANTED, WaitingRoom, WaitingSettings
from ccserver.telephony.waiting_actions import WaitingActions
from ccserver.types import ContactId, LegId
from sim.audio import PARTY_TONES_HZ, tone
from sim.phones import Behaviour, PhoneBank
from sim.stack import Stack, seats
from tests.faults.supervised import WITHIN_S, until

pytestmark = [pytest.mark.asterisk, pytest.mark.stack]

RATE = 8000
TAKER = 1
LV, RU, EN, HOLD_RU = 10, 14, 18, 22  # parties that "speak" the prompts
SETTINGS = WaitingSettings(
    greeting="welcome",
    announcement="please_hold",
    announce_every_s=10.0,
    music="hold",
    languages={"1": "lv", "2": "ru", "3": "en"},
    silence_after_s=2.0,
)
AT_ONCE_S = 1.0  # takes 5 ms; a speech that held it up would make it last for seconds
BUSY = 10  # times as long as the same number of requests took on this machine just before
POLL_S = 0.05
Signal = npt.NDArray[np.floating]


class Told:
    """Implements `WaitingObserver`; every news can be waited for."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def _tell(self, *news: str) -> None:
        self.told.append(news)

    def language_chosen(self, contact_id: ContactId, language: str) -> None:
        self._tell(contact_id, "language", language)

    def cannot_speak(self, contact_id: ContactId) -> None:
        self._tell(contact_id, "cannot_speak")

    def silence_changed(self, contact_id: ContactId, *, silent: bool) -> None:
        self._tell(contact_id, "silent" if silent else "speaks")

    async def wait_for(self, *news: str) -> None:
        await until(lambda: news in self.told)

    def of(self, contact_id: ContactId) -> list[str]:
        return [" ".join(news) for contact, *news in self.told if contact == contact_id]


class House:
    """Asterisk with our dialplan, phones, and one waiting room; the test is call control."""

    def __init__(self, stack: Stack, bank: PhoneBank, ari: ARIClient, directory: Path) -> None:
        self.stack, self.bank, self.ari, self.directory = stack, bank, ari, directory
        self.actions = Actions(ari, application=ari.application)
        self.told = Told()
        self.callers: asyncio.Queue[tuple[ContactId, LegId]] = asyncio.Queue()
        self.legs: asyncio.Queue[LegId] = asyncio.Queue()
        self.room = self.new_room()
        self._calls: dict[ContactId, str] = {}

    def new_room(self) -> WaitingRoom:
        actor = WaitingActions(self.ari, application=self.ari.application)
        return WaitingRoom(actor, self.told, media=self._media)

    def _media(self, prompt: str, language: str) -> str | None:
        stem = self.directory / f"{prompt}-{language}"
        return f"sound:{stem}" if stem.with_suffix(".sln").exists() else None

    async def listen(self) -> None:
        while True:
            event = await self.ari.next_event()
            if self.room.handle(event):
                continue
            channel = event.get("channel")
            if not isinstance(channel, dict):
                continue
            leg_id, variables = LegId(str(channel["id"])), channel.get("channelvars")
            if event["type"] == "CallBroadcast":
                assert await self.actions.claim(leg_id)
            elif event["type"] == "StasisStart":
                contact = variables.get("CONTACT_ID") if isinstance(variables, dict) else None
                if contact:
                    # As long as a lease: nobody renews it unless the test does.
                    await self.actions.set_lease(leg_id, 60)
                    self.callers.put_nowait((ContactId(str(contact)), leg_id))
                else:
                    self.legs.put_nowait(leg_id)

    async def caller(self, name: str, voice: Path | None = None) -> tuple[ContactId, LegId, str]:
        await self.bank.add_phone(name, tone=2, voice=voice or self.voice("silence", silence(1)))
        call = await self.bank.call(
            name, self.stack.emergency_uri, headers=self.stack.trunk_headers
        )
        contact_id, leg_id = await asyncio.wait_for(self.callers.get(), WITHIN_S)
        return contact_id, leg_id, call

    def voice(self, name: str, *parts: Signal) -> Path:
        path = self.directory / f"{name}.wav"
        soundfile.write(path, np.concatenate(parts), RATE, subtype="PCM_16")
        return path

    async def taker_leg(self) -> LegId:
        """The call taker's phone, answered."""
        profile = next(iter(self.stack.profiles.values()))
        await self.actions.ring(
            LegId("leg-o1"),
            endpoint=profile.sip_username,
            caller_id="112",
            timeout_s=round(WITHIN_S),
            variables={},
        )
        return await asyncio.wait_for(self.legs.get(), WITHIN_S)

    async def usual(self, leg_id: LegId) -> float:
        """Seconds for four requests while nobody speaks."""
        began = time.monotonic()
        for _ in range(4):
            await self.actions.set_lease(leg_id, 60)
        return time.monotonic() - began

    async def heard(
        self, call: str, party: int, *, ends: bool = False, after: float = 0.0
    ) -> float:
        kind = "unheard" if ends else "heard"
        event = await self.bank.wait_for(kind, call=call, party=party, after=after)
        return float(event["t"])

    async def channels(self) -> list[str]:
        output = await self.stack.asterisk_cli("core show channels concise")
        return [line.partition("!")[0] for line in output.splitlines() if "!" in line]

    async def gone(self, prefix: str) -> None:
        """Until no channel of such a name is left."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                if not any(name.startswith(prefix) for name in await self.channels()):
                    return
                await asyncio.sleep(POLL_S)


def silence(seconds: float) -> Signal:
    return np.zeros(round(seconds * RATE))


def noise(seconds: float, level_db: float) -> Signal:
    chance = np.random.default_rng(112)
    return np.asarray(10 ** (level_db / 20) * chance.standard_normal(round(seconds * RATE)))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    stack = Stack(tmp_path / "stack", seats(1))
    await stack.prepare()
    modules = Path(stack.config.asterisk.config_dir) / "modules.conf"
    text = modules.read_text(encoding="utf-8")
    if "func_talkdetect.so" not in text:
        modules.write_text(f"{text}\nload = func_talkdetect.so\n", encoding="utf-8")
    for name, party in (
        ("welcome-lv", LV),
        ("welcome-ru", RU),
        ("welcome-en", EN),
        ("please_hold-ru", HOLD_RU),
    ):
        samples = np.clip(tone(party, 1.5) * 32767, -32768, 32767).astype("<i2")
        (tmp_path / f"{name}.sln").write_bytes(samples.tobytes())
    ari = ARIClient(stack.config.ari, events_wanted={*ARI_EVENTS, *EVENTS_WANTED})

    async def nothing() -> None:
        """Nothing lives before the test."""

    async with contextlib.AsyncExitStack() as exits:
        exits.push_async_callback(stack.stop)
        await stack.start_asterisk()
        bank = await exits.enter_async_context(PhoneBank(record_dir=tmp_path / "phones"))
        running = asyncio.create_task(ari.run(nothing, lambda: None))
        await asyncio.wait_for(ari.wait_ready(), WITHIN_S)
        house = House(stack, bank, ari, tmp_path)
        listening = asyncio.create_task(house.listen())
        profile = next(iter(stack.profiles.values()))
        await bank.add_phone(
            "taker",
            tone=TAKER,
            registrar=stack.registrar,
            username=profile.sip_username,
            password=profile.sip_password,
            behaviour=Behaviour(on_call="answer"),
        )
        await bank.wait_for("registered", phone="taker")
        yield house
        assert not listening.done(), listening
        await house.room.close()
        for task in (listening, running):
            task.cancel()
        await asyncio.gather(listening, running, return_exceptions=True)


async def test_a_caller_is_greeted_chooses_a_language_and_says_that_it_cannot_speak(
    house: House,
) -> None:
    contact, leg, call = await house.caller("caller")
    house.room.begin(contact, leg, SETTINGS, waited_s=0.1)
    await house.heard(call, LV)
    russian = await house.heard(call, RU)
    await house.bank.send_dtmf(call, "2")
    await house.told.wait_for(contact, "language", "ru")
    # The greeting begins anew in Russian; the English one is never reached.
    announced = await house.heard(call, HOLD_RU)
    await house.bank.send_dtmf(call, "55")
    await house.told.wait_for(contact, "cannot_speak")
    assert announced > russian + SETTINGS.announce_every_s
    await house.heard(call, HOLD_RU, ends=True)
    house.room.talking(contact)
    await house.bank.send_dtmf(call, "15")
    await house.told.wait_for(contact, "silent")
    assert house.told.of(contact) == ["language ru", "cannot_speak", "silent"]
    await house.bank.hangup(call)
    recording = await house.bank.recording(call)
    assert recording.parties() == {LV, RU, HOLD_RU}
    # Never silence: where no tone is, there is music.
    audio = recording.audio().mono()
    loud = [np.sqrt(np.mean(part**2)) for part in np.array_split(audio, len(audio) // RATE)]
    assert min(loud) > 0.003


async def test_a_speech_holds_up_neither_lease_nor_join_and_ends_when_the_call_taker_comes(
    house: House,
) -> None:
    contact, leg, call = await house.caller("caller")
    usual = await house.usual(leg)
    house.room.begin(contact, leg, SETTINGS, waited_s=0.1)
    await house.heard(call, LV)
    began = time.monotonic()
    await house.actions.set_lease(leg, 60)
    assert time.monotonic() - began < AT_ONCE_S + BUSY * usual
    taker = await house.taker_leg()
    began = time.monotonic()
    house.room.talking(contact)
    await house.actions.stop_music(leg)
    await house.actions.make_bridge("bridge-1", contact)
    await house.actions.join("bridge-1", leg, taker)
    await house.actions.set_lease(leg, 0)
    assert time.monotonic() - began < AT_ONCE_S + BUSY * usual
    await house.heard(call, TAKER)
    await house.bank.send_dtmf(call, "5")
    await house.told.wait_for(contact, "cannot_speak")
    await house.bank.hangup(call)
    recording = await house.bank.recording(call)
    assert recording.parties() <= {LV, RU, TAKER}, "the rest of the greeting is not said"
    assert recording.breaks(TAKER) == [], "nothing lies over the call taker's voice"


async def test_a_join_is_not_held_up_where_nobody_ended_the_speech(house: House) -> None:
    contact, leg, call = await house.caller("caller")
    usual = await house.usual(leg)
    house.room.begin(contact, leg, SETTINGS, waited_s=0.1)
    await house.heard(call, LV)
    taker = await house.taker_leg()
    began = time.monotonic()
    await house.actions.stop_music(leg)
    await house.actions.make_bridge("bridge-1", contact)
    await house.actions.join("bridge-1", leg, taker)
    assert time.monotonic() - began < AT_ONCE_S + BUSY * usual
    joined = await house.heard(call, TAKER)
    await house.heard(call, EN)  # said over the conversation, and heard to its end
    await house.heard(call, EN, ends=True, after=joined)
    await house.bank.hangup(call)


async def test_nothing_is_left_behind_by_a_caller_or_by_a_process_that_is_gone(
    house: House,
) -> None:
    contact, leg, call = await house.caller("caller")
    house.room.begin(contact, leg, SETTINGS, waited_s=0.1)
    await house.heard(call, LV)
    assert any(name.startswith("Snoop/") for name in await house.channels())
    # Another process: it knows nothing, and ends what the one before was saying.
    await house.room.close()
    house.room = house.new_room()
    house.room.begin(contact, leg, SETTINGS, waited_s=30.0)
    await house.heard(call, LV, ends=True)
    await house.gone("Snoop/")
    await house.bank.send_dtmf(call, "2")
    await house.heard(call, HOLD_RU)
    assert any(name.startswith("Snoop/") for name in await house.channels())
    await house.bank.hangup(call)
    await house.gone("")
    house.room.end(contact)


async def test_which_sounds_are_speech(house: House) -> None:
    words = house.directory / "words.wav"
    espeak, sox = shutil.which("espeak-ng"), shutil.which("sox")
    if espeak is None or sox is None:
        pytest.skip("espeak-ng and sox make the speech")
    for command in (
        [espeak, "-v", "en", "-w", str(words), "Help, there is a fire in the kitchen."],
        [
            sox,
            str(words),
            "-r",
            str(RATE),
            "-c",
            "1",
            str(house.directory / "w8.wav"),
            "norm",
            "-6",
        ],
    ):
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == 0
    spoken, _ = soundfile.read(house.directory / "w8.wav")
    clicks = np.tile(np.concatenate((noise(0.02, -15), silence(1.0))), 3)
    voices = {
        "silent": house.voice("v1", silence(1)),
        "faint-noise": house.voice("v2", noise(5, -50)),
        "clicks": house.voice("v3", clicks),
        "speaks": house.voice("v4", silence(0.5), spoken, silence(0.5)),
        "tone": house.voice("v5", 0.1 * tone(30, 1.0)),
        "late": house.voice("v6", silence(8), spoken, silence(60)),
    }
    assert len(PARTY_TONES_HZ) > 30
    contacts = {}
    for name, voice in voices.items():
        contact, leg, _ = await house.caller(name, voice)
        house.room.begin(contact, leg, WaitingSettings(music="hold", silence_after_s=2), waited_s=1)
        contacts[name] = contact
    for contact in contacts.values():
        house.room.talking(contact)
    for name in ("silent", "faint-noise", "clicks", "late"):
        await house.told.wait_for(contacts[name], "silent")
    await house.told.wait_for(contacts["late"], "speaks")
    assert {name: house.told.of(contact) for name, contact in contacts.items()} == {
        "silent": ["silent"],
        "faint-noise": ["silent"],
        "clicks": ["silent"],
        "speaks": [],
        "tone": [],
        "late": ["silent", "speaks"],
    }
