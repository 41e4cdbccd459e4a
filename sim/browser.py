"""A real Chromium for scenarios: the call taker's panel, driven like a person drives it.

Chromium is the machine's own (Debian's); playwright only talks to it. Its microphone is a file with
a party's tone, so what a call taker says in the browser is heard, and proved, like any phone's
voice. Elements are found by their ``data-testid`` alone: labels are translated, layouts change.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Response,
    async_playwright,
    expect,
)

from sim.audio import write_tone
from sim.tools import SetUpMissing

ACTION_TIMEOUT_S = 20.0
START_TIMEOUT_S = 60.0  # a cold disk and a busy machine; warm it takes one second
MICROPHONE_RATE = 48_000  # what Chromium's fake device runs at, so that nothing is resampled
WIDTH, HEIGHT = 1440, 900
CLOCK_ROUND_TRIPS = 30

FLAGS = (
    "--no-sandbox",  # Chromium refuses to run as root with it, and containers forbid it
    "--disable-gpu",
    # The map needs WebGL, which a machine without a graphics card has in software only.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    # Asterisk listens on the loopback address, which WebRTC leaves out by default.
    "--allow-loopback-in-peer-connection",
    # A candidate named by mDNS needs multicast, which few test machines have.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
)

STEADY_TONE_JS = """
if (navigator.mediaDevices) {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wanted) => ask({ ...wanted, audio: {
    echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
}
"""
"""Noise suppression, which the panel asks for, takes a steady tone for noise and removes it."""

ColourScheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class PageClock:
    """How a page's ``performance.now()`` becomes ``time.monotonic()``; both in seconds."""

    offset_s: float
    error_s: float
    """The offset is right to plus or minus this."""

    def monotonic(self, performance_ms: float) -> float:
        """The moment on this machine's monotonic clock."""
        return performance_ms / 1000 + self.offset_s


class Chromium:
    """One browser process; all its pages speak with the tone of party ``tone``."""

    def __init__(self, executable: str | None, *, tone: int = 0) -> None:
        if executable is None:
            raise SetUpMissing("there is no Chromium; run bin/setup first")
        self._executable = executable
        self._tone = tone
        self._directory = tempfile.TemporaryDirectory(prefix="ccserver-browser-")
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    async def __aenter__(self) -> Self:
        microphone = Path(self._directory.name) / "microphone.wav"
        # Chromium plays the file over and over; a whole number of seconds has no seam.
        write_tone(microphone, self._tone, duration_s=10.0, rate=MICROPHONE_RATE)
        self._playwright = await async_playwright().start()
        try:
            self._browser = await self._playwright.chromium.launch(
                executable_path=self._executable,
                args=[*FLAGS, f"--use-file-for-fake-audio-capture={microphone}"],
                # Playwright mutes by default; then no sound is decoded for the listener either.
                ignore_default_args=["--mute-audio"],
                timeout=START_TIMEOUT_S * 1000,
            )
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the browser; nothing of it is left."""
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()
        self._browser = self._playwright = None
        self._directory.cleanup()

    @property
    def contexts(self) -> list[BrowserContext]:
        """The profiles of all windows that are open."""
        return [] if self._browser is None else list(self._browser.contexts)

    async def workplace(self, url: str, *, colours: ColourScheme = "light") -> "Workplace":
        """The panel's first page, in a profile of its own: other cookies, another storage."""
        assert self._browser is not None
        context = await self._browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT},
            locale="en-GB",
            timezone_id="Europe/Riga",
            color_scheme=colours,
        )
        context.set_default_timeout(ACTION_TIMEOUT_S * 1000)
        await context.add_init_script(STEADY_TONE_JS)
        page = await context.new_page()
        workplace = Workplace(context, page)
        await page.goto(url)
        return workplace


class Workplace:
    """The panel of one person in one browser window."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.faults: list[str] = []
        """Exceptions, console errors (blocked content too) and answers of 500 and above."""
        page.on("pageerror", lambda error: self.faults.append(f"exception: {error}"))
        page.on("console", self._heed_console)
        page.on("response", self._heed_response)

    def at(self, testid: str) -> Locator:
        """The elements of that test id."""
        return self.page.get_by_test_id(testid)

    async def log_in(self, login: str, password: str) -> None:
        """Fill in the form; the workplace or the refusal follows."""
        await self.at("login-name").fill(login)
        await self.at("login-password").fill(password)
        await self.at("login-submit").click()

    async def enter(self, login: str, password: str) -> None:
        """Log in, and wait until the workplace is live."""
        await self.log_in(login, password)
        await self.shows("connection", state="live")

    async def ready(self) -> None:
        """Take calls from now on; the seat is idle afterwards."""
        await self.shows("phone-state", state="registered")
        await self.at("presence-ready").click()
        await self.shows("own-state", state="idle")

    async def shows(
        self,
        testid: str,
        *,
        text: str | None = None,
        state: str | None = None,
        which: str | None = None,
    ) -> Locator:
        """Wait until the first such element is visible, with that text in it and that state.

        ``which`` is a CSS selector that chooses among several.
        """
        found = self.at(testid)
        element = (found.and_(self.page.locator(which)) if which else found).first
        timeout = ACTION_TIMEOUT_S * 1000
        await expect(element).to_be_visible(timeout=timeout)
        if state is not None:
            await expect(element).to_have_attribute("data-state", state, timeout=timeout)
        if text is not None:
            await expect(element).to_contain_text(text, timeout=timeout)
        return element

    async def hides(self, testid: str) -> None:
        """Wait until no such element is visible."""
        await expect(self.at(testid)).to_have_count(0, timeout=ACTION_TIMEOUT_S * 1000)

    async def clock(self) -> PageClock:
        """Compare clocks by the fastest of some round trips."""
        best = PageClock(0.0, float("inf"))
        for _ in range(CLOCK_ROUND_TRIPS):
            asked = time.monotonic()
            now_ms = float(await self.page.evaluate("performance.now()"))
            error_s = (time.monotonic() - asked) / 2
            if error_s < best.error_s:
                best = PageClock(asked + error_s - now_ms / 1000, error_s)
        return best

    async def close(self) -> None:
        """Close the window as if the machine were switched off: nobody logs out."""
        await self.context.close()

    def _heed_console(self, message: ConsoleMessage) -> None:
        # Answers are judged by their status below: a refusal may well be right.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console: {message.text}")

    def _heed_response(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status} from {response.url}")
