"""A call taker who works in a real Chromium, with the panel's own phone."""

import asyncio
import contextlib
import io
import math
import time

import soundfile

from ccserver.accounts import DeviceKind
from ccserver.config import ACDSettings
from sim.audio import parties_heard, tone_hz
from sim.browser import Chromium, ColourScheme, Workplace
from sim.panel import Message
from sim.phones import Behaviour
from sim.scenarios.base import Measured, Run, caller_number, eventually, expect, scenario
from sim.scenarios.latency import percentiles
from sim.stack import Seat

BROWSER_TONE = 15  # desk phones count from 0, callers from 20
BROWSER_SEAT = Seat("browser", "Anna Bērziņa", "201", DeviceKind.BROWSER, language="en")
NOTES = "Deg māja, Brīvības iela 1"
TALK_S = 4.0  # long enough to seek in
SEEK_TO_S = 2.5
DURATION_ERROR_S = 0.1
PITCH_ERROR_HZ = 4.0  # the analyser's lines are 1.5 Hz apart, and a line is three of them wide
SEALED_WITHIN_S = 5.0

PITCH_JS = """
element => {
  const stream = element.srcObject;
  if (!stream || element.paused) return 0;
  if (window.analysed !== stream) {
    const context = new AudioContext();
    window.analyser = context.createAnalyser();
    window.analyser.fftSize = 32768;
    window.analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(stream).connect(window.analyser);
    window.analysed = stream;
  }
  const lines = new Float32Array(window.analyser.frequencyBinCount);
  window.analyser.getFloatFrequencyData(lines);
  const loudest = lines.reduce((best, level, line) => level > lines[best] ? line : best, 0);
  if (lines[loudest] < -50) return 0;
  return loudest * window.analyser.context.sampleRate / window.analyser.fftSize;
}
"""
"""The loudest frequency of what a media element plays, in hertz; 0 where it is silent."""

PLAYER_JS = """
element => ({ position_s: element.currentTime, duration_s: element.duration,
              error: element.error && element.error.message, paused: element.paused })
"""


@scenario(
    "browser-call", "a call in real Chromium: pop, answer, talk, hold, notes, hang up, replay"
)
async def browser_call(run: Run) -> Measured:
    """The call taker's whole work on one call, by mouse and keyboard."""
    await run.start(takers=0, people=[BROWSER_SEAT])
    chromium = await open_chromium(run)
    return await call_in_browser(run, await enter(run, chromium, BROWSER_SEAT))


async def open_chromium(run: Run) -> Chromium:
    """A browser whose microphone says ``BROWSER_TONE``; closed with the run."""
    return await run.exits.enter_async_context(
        Chromium(run.stack.tools.chromium, tone=BROWSER_TONE)
    )


async def enter(
    run: Run, chromium: Chromium, seat: Seat, *, colours: ColourScheme = "light"
) -> Workplace:
    """Open the panel in a new window, and log in."""
    workplace = await chromium.workplace(run.stack.panel_url, colours=colours)
    await workplace.enter(seat.login, run.stack.passwords[seat.login])
    return workplace


async def call_in_browser(run: Run, workplace: Workplace) -> Measured:
    """One call from ready to the replay of its recording; the seat is idle afterwards."""
    await workplace.ready()
    number = run.calls_made
    call = await run.call()
    calling = await run.bank.wait_for("calling", call=call)
    await workplace.shows("offer")
    popped_at = time.monotonic()
    await workplace.shows("caller-number", text=readable(number))
    await workplace.shows("card-caller", text=readable(number))
    clicked_at = time.monotonic()
    await workplace.at("offer-answer").click()
    heard = await run.bank.wait_for("heard", call=call, party=BROWSER_TONE)
    await workplace.shows("call")
    await hears(workplace, run.caller_tone(number))
    await write_notes(workplace, NOTES)
    resumed_s = await hold_and_resume(run, workplace, call)
    await eventually("they talk a while", lambda: passed(heard["t"] + TALK_S))
    hung_up_at = time.monotonic()
    await workplace.at("call-hangup").click()
    ended = await run.bank.wait_for("disconnected", call=call)
    expect(ended["by"] == "remote", "the call taker's hang-up ends the caller's call")
    await workplace.shows("wrap-up")
    await workplace.shows("player")
    played_at = time.monotonic()
    expect(played_at - hung_up_at <= SEALED_WITHIN_S, "the recording is there within 5 s")
    await workplace.page.reload()
    await workplace.shows("wrap-up")
    await workplace.at("wrap-up-done").click()
    await workplace.shows("own-state", state="idle")
    card = await find_card(workplace, number)
    played = await play(workplace, card)
    await check_voices(run, workplace, card, number)
    await run.nothing_left()
    expect(not workplace.faults, f"the browser has nothing to complain of: {workplace.faults}")
    return {
        "invite_to_pop_seen_ms": round((popped_at - calling["t"]) * 1000),
        "answer_click_to_caller_hears_ms": round((heard["t"] - clicked_at) * 1000),
        "resume_click_to_caller_hears_ms": round(resumed_s * 1000),
        "hang_up_click_to_player_s": round(played_at - hung_up_at, 2),
        **played,
    }


async def hears(workplace: Workplace, party: int) -> None:
    """The browser plays that party's tone into the call taker's ear."""
    ear = workplace.at("remote-audio")

    async def right_pitch() -> bool:
        pitch = float(await ear.evaluate(PITCH_JS))
        return abs(pitch - tone_hz(party)) <= PITCH_ERROR_HZ

    await eventually(f"the browser plays {tone_hz(party)} Hz", right_pitch)


async def stops_hearing(run: Run, call: str, party: int) -> None:
    """Wait until the last that is known of a party's tone in that call is that it ended.

    When it ended is not asked: on a crowded machine a telephone's clock slips by some hundredths,
    and the end of a tone may be told for a moment before the button was pressed.
    """

    async def silent() -> bool:
        edges = [
            event
            for kind in ("heard", "unheard")
            for event in run.bank.history(kind, call=call, party=party)
        ]
        return bool(edges) and bool(max(edges, key=lambda e: e["t"])["event"] == "unheard")

    await eventually(f"{call} does not hear party {party} any more", silent)


async def write_notes(workplace: Workplace, text: str) -> None:
    """Type into the open card, and wait until it is saved."""
    await workplace.at("notes").fill(text)
    await workplace.shows("notes-state", state="saved")


async def hold_and_resume(run: Run, workplace: Workplace, call: str) -> float:
    """The caller stops hearing the call taker, and hears again; gives the seconds for that."""
    await workplace.at("call-hold").click()
    await workplace.shows("call-resume")
    await stops_hearing(run, call, BROWSER_TONE)
    resumed_at = time.monotonic()
    await workplace.at("call-resume").click()
    heard = await run.bank.wait_for("heard", call=call, party=BROWSER_TONE, after=resumed_at)
    await workplace.shows("call-hold")
    return float(heard["t"] - resumed_at)


async def find_card(workplace: Workplace, number: int) -> Message:
    """Search the list by the caller's number and open the one card found; gives its data."""
    await workplace.at("card-search").fill(caller_number(number).removeprefix("+371"))

    async def one() -> bool:
        cards = workplace.at("recent-card")
        return await cards.count() == 1 and readable(number) in await cards.first.inner_text()

    await eventually("the search finds the one card", one)
    await workplace.at("recent-card").click()
    incident = await (await workplace.shows("card")).get_attribute("data-incident")
    expect(await workplace.at("notes").input_value() == NOTES, "the notes survived the reload")
    answer = await workplace.context.request.get(url_of(workplace, f"/api/cards/{incident}"))
    card: Message = await answer.json()
    return card


async def play(workplace: Workplace, card: Message) -> Measured:
    """Press play, watch the sound run, and jump to a later place."""
    recorded_s = card["contacts"][0]["recordings"][0]["duration_s"]
    audio = workplace.at("player-audio")

    async def state() -> Message:
        found: Message = await audio.evaluate(PLAYER_JS)
        expect(found["error"] is None, f"the player plays: {found['error']}")
        return found

    async def runs() -> bool:
        return bool((await state())["position_s"] > 0.2)

    pressed_at = time.monotonic()
    await workplace.at("player-play").click()
    await eventually("the recording plays", runs)
    started_s = time.monotonic() - pressed_at
    duration_s = (await state())["duration_s"]
    expect(abs(duration_s - recorded_s) <= DURATION_ERROR_S, f"{duration_s} s of {recorded_s} s")
    await workplace.at("player-seek").fill(str(SEEK_TO_S))
    sought = await state()
    expect(sought["position_s"] >= SEEK_TO_S, f"the bar moves the sound: {sought}")

    async def ended() -> bool:
        found = await state()
        return bool(found["paused"] and found["position_s"] >= duration_s - DURATION_ERROR_S)

    await eventually("the recording plays on to its end", ended)
    return {"recording_s": recorded_s, "play_click_to_sound_s": round(started_s, 2)}


async def check_voices(run: Run, workplace: Workplace, card: Message, number: int) -> None:
    """The sealed recording has the caller left and the call taker right."""
    recording = card["contacts"][0]["recordings"][0]["recording_id"]
    path = f"/api/recordings/{recording}/audio"
    answer = await workplace.context.request.get(url_of(workplace, path))
    samples, rate = soundfile.read(io.BytesIO(await answer.body()), dtype="float32", always_2d=True)
    left, right = (parties_heard(samples[:, side], rate) for side in (0, 1))
    expect(left == {run.caller_tone(number)}, f"left is the caller alone, heard {sorted(left)}")
    expect(right == {BROWSER_TONE}, f"right is the call taker alone, heard {sorted(right)}")


def url_of(workplace: Workplace, path: str) -> str:
    """An address of the server that this window shows."""
    return workplace.page.url.rstrip("/") + path


def readable(number: int) -> str:
    """The n-th caller's number as the panel groups it."""
    digits = caller_number(number)
    return f"{digits[:4]} {digits[4:8]} {digits[8:]}"


async def passed(moment: float) -> bool:
    """Whether that moment of the monotonic clock has gone by."""
    return time.monotonic() >= moment


WATCH_JS = """
() => {
  const numberIn = text => (text.match(/\\+[\\d ]+/) || [""])[0].replaceAll(" ", "");
  const onScreen = element => {
    const box = element.getBoundingClientRect();
    return element.checkVisibility() && box.bottom > 0 && box.top < innerHeight && box.width > 0;
  };
  const known = new WeakSet();
  const counted = new Set();
  window.seen = [];
  const look = () => {
    for (const element of document.querySelectorAll(
        "[data-testid=offer], [data-testid=card-caller], [data-testid=waiting-row]")) {
      if (known.has(element)) continue;
      const entry = { what: element.dataset.testid, number: numberIn(element.textContent) };
      const key = entry.what + entry.number;
      if (!entry.number || counted.has(key)) continue;
      known.add(element);
      counted.add(key);
      entry.inserted_ms = performance.now();
      window.seen.push(entry);
      requestAnimationFrame(() => {
        const frame = new MessageChannel();
        frame.port1.onmessage = () => {
          if (onScreen(element)) entry.painted_ms = performance.now();
        };
        frame.port2.postMessage(null);
      });
    }
  };
  new MutationObserver(look).observe(document.body,
    { childList: true, subtree: true, characterData: true });
}
"""
"""Notes when each caller's offer, card and row first stand in the document, and are painted.

A task posted in an animation frame runs after that frame was painted; what is gone by then, or is
off the screen, counts as never painted.
"""
PARTS = {"offer": "offer", "card-caller": "card", "waiting-row": "row"}
RATE_PER_S = 1.0
CALLS = 30
ANSWER_AFTER_S = 0.3  # so that a pop can be painted before it is answered
SHORT_TALK_S = 0.5
OFFERS_MAX = 5  # a phone may still be busy with the call before; then the next one is asked
NO_WRAP_UP = ACDSettings(wrap_up_s=0.05)


@scenario("pop-latency", "figures at rate=N calls/s, calls=N: INVITE to card, offer, row on screen")
async def pop_latency(run: Run) -> Measured:
    """Every seat has a window at up to 1 call/s, and one seat of many above that.

    Offers and cards are timed for the calls that reach a seat with a window, rows of the waiting
    list for every call, in the first window. The desk phones answer after 0.3 s.
    """
    rate = float(run.options.get("rate", RATE_PER_S))
    count = int(run.options.get("calls", CALLS))
    busy = rate > RATE_PER_S
    # Each call keeps its seat for about a second. One window more would measure the machine.
    seats, watched = (math.ceil(1.6 * rate), 1) if busy else (2, 2)
    behaviour = Behaviour(on_call="answer", after_s=ANSWER_AFTER_S)
    await run.start(takers=seats, acd=NO_WRAP_UP, behaviour=behaviour)
    chromium = await open_chromium(run)
    windows = [await enter(run, chromium, seat) for seat in run.takers[:watched]]
    for window in windows:
        await window.ready()
        await window.page.evaluate(WATCH_JS)
    for seat in run.takers[watched:]:
        # Ready they stay; a live stream to each would cost more than the calls.
        await (await run.panel(seat)).close()
    clocks = [await window.clock() for window in windows]
    invited = await steady_calls(run, rate, count)
    waits: dict[str, list[float]] = {}
    for window, clock in zip(windows, clocks, strict=True):
        for entry in await window.page.evaluate("window.seen"):
            part = PARTS[entry["what"]]
            if part == "row" and window is not windows[0]:
                continue
            for moment in ("inserted", "painted"):
                if (at_ms := entry.get(f"{moment}_ms")) is not None:
                    wait_s = clock.monotonic(at_ms) - invited[entry["number"]]
                    waits.setdefault(f"invite_to_{part}_{moment}_ms", []).append(wait_s)
    later = [await window.clock() for window in windows]
    drift_s = max(abs(a.offset_s - b.offset_s) for a, b in zip(clocks, later, strict=True))
    await run.nothing_left()
    rows = len(waits["invite_to_row_inserted_ms"])
    if not busy:
        expect(rows == count, "every call stood in the list")
        expect(len(waits["invite_to_card_painted_ms"]) == count, "every call's card was painted")
    return {
        "rate_per_s": rate,
        "calls": count,
        "windows": watched,
        # Answered between two steps in which the panel redraws under load.
        "calls_never_in_the_list": count - rows,
        # Their calls ended before the card came, so its figures leave the slowest out.
        "offers_without_card": len(waits.get("invite_to_offer_inserted_ms", ()))
        - len(waits.get("invite_to_card_inserted_ms", ())),
        "clock_error_ms": round(max(clock.error_s for clock in clocks) * 1000, 2),
        "clock_drift_ms": round(drift_s * 1000, 2),
        **{name: percentiles(found) for name, found in sorted(waits.items())},
    }


async def steady_calls(run: Run, rate: float, count: int) -> dict[str, float]:
    """Calls at that rate, each short; gives when each number's INVITE was sent."""
    started = time.monotonic()
    calls = []
    for number in range(count):
        await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
        calls.append(asyncio.create_task(_short_call(run)))
    return dict(await asyncio.gather(*calls))


async def _short_call(run: Run) -> tuple[str, float]:
    number = caller_number(run.calls_made)
    call = await run.call()
    calling = await run.bank.wait_for("calling", call=call)
    from_uri, after = f"<sip:{number}@127.0.0.1>", 0.0
    for _ in range(OFFERS_MAX):
        incoming = await run.bank.wait_for("incoming", from_uri=from_uri, after=after, timeout_s=30)
        after = math.nextafter(incoming["t"], math.inf)
        with contextlib.suppress(TimeoutError):
            await run.bank.wait_for("connected", call=incoming["call"], timeout_s=3)
            break
    await asyncio.sleep(SHORT_TALK_S)
    await run.bank.hangup(call)
    return number, float(calling["t"])
