"""The panel's map alone on a page, served by the real web application with the real map files.

The page is built from the working tree, with what set-up installed for the panel.
"""

import asyncio
import json
import math
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from sim.browser import ACTION_TIMEOUT_S, Chromium, Workplace
from sim.tools import SetUpMissing
from tests.web.world import World

REPO = Path(__file__).parents[2]
BUILD_TIMEOUT_S = 120
WHERE = (
    ". bin/lib/setup.sh; panel_locate && map_locate && "
    'printf "%s\\n" "$PANEL_MODULES" "$NODE_BIN" "$MAP"'
)
COPIED = ("index.html", "package.json", "tsconfig.json", "vite.config.ts", "public", "src", "tests")

Colour = tuple[int, int, int]
Place = tuple[float, float]
"""Latitude and longitude."""

PIXELS_JS = """
async ({ png, points }) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return points.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data].slice(0, 3));
}
"""
"""Reads a screenshot: what is really on the screen, which the drawing buffer cannot tell."""


@dataclass(frozen=True, slots=True)
class MapStage:
    """Where the built page and the base map are."""

    page_dir: Path
    map_dir: Path


def build_stage(directory: Path) -> MapStage:
    """Build the page into ``directory``; raises `SetUpMissing` where set-up has not run."""
    told = subprocess.run(
        ["bash", "-c", WHERE], cwd=REPO, capture_output=True, text=True, check=False
    )
    modules, node, base = (Path(line) for line in told.stdout.splitlines() or ("", "", ""))
    if not (modules / "node_modules").is_dir() or not (base / "base.pmtiles").is_file():
        raise SetUpMissing("the panel's modules or the base map are missing; run bin/setup first")
    work = directory / "panel"
    work.mkdir()
    for name in COPIED:
        source = REPO / "panel" / name
        if source.is_dir():
            shutil.copytree(source, work / name)
        else:
            shutil.copy(source, work / name)
    (work / "node_modules").symlink_to(modules / "node_modules")
    subprocess.run(
        [node / "node", "node_modules/vite/bin/vite.js", "build", "--mode", "stage"],
        cwd=work,
        capture_output=True,
        timeout=BUILD_TIMEOUT_S,
        check=True,
    )
    return MapStage(work / "dist", base)


@dataclass(frozen=True, slots=True)
class View:
    """What part of the world the map shows: Web Mercator with 512 pixels a tile, by hand."""

    left: float
    top: float
    width: float
    height: float
    centre: Place
    zoom: float

    def _world(self, place: Place) -> tuple[float, float]:
        latitude, longitude = place
        size = 512 * 2**self.zoom
        angle = math.asinh(math.tan(math.radians(latitude)))
        return (longitude + 180) / 360 * size, (1 - angle / math.pi) / 2 * size

    def pixel(self, place: Place) -> tuple[float, float]:
        """Where on the page that place is."""
        (x, y), (x0, y0) = self._world(place), self._world(self.centre)
        return self.left + self.width / 2 + x - x0, self.top + self.height / 2 + y - y0


class Stage:
    """The page in a window."""

    def __init__(self, workplace: Workplace) -> None:
        self.workplace = workplace
        self.page: Page = workplace.page
        self.requests: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))

    async def set(self, **properties: object) -> None:
        """Show that from now on."""
        await self.page.evaluate(f"window.stage.set({json.dumps(properties)})")

    async def picks(self) -> list[dict[str, float]]:
        """Every place that was picked."""
        found: list[dict[str, float]] = await self.page.evaluate("window.stage.picks")
        return found

    async def shows(self, state: str) -> None:
        """Wait for that state of the map."""
        await expect(self.workplace.at("map")).to_have_attribute(
            "data-state", state, timeout=ACTION_TIMEOUT_S * 1000
        )

    async def view(self) -> View:
        """The present view."""
        canvas = self.workplace.at("map-canvas")
        box = await canvas.bounding_box()
        assert box is not None
        data = await canvas.evaluate("canvas => ({ ...canvas.dataset })")
        centre = float(data["lat"]), float(data["lon"])
        return View(box["x"], box["y"], box["width"], box["height"], centre, float(data["zoom"]))

    async def is_at(self, place: Place, *, within: float = 0.002) -> None:
        """Wait until the map has come to rest there, to so many degrees."""
        latitude, longitude = place
        await self.page.wait_for_function(
            """([lat, lon, within]) => {
              const { dataset } = document.querySelector('[data-testid="map-canvas"]');
              return Math.abs(dataset.lat - lat) < within && Math.abs(dataset.lon - lon) < within;
            }""",
            arg=[latitude, longitude, within],
            timeout=ACTION_TIMEOUT_S * 1000,
        )

    async def pixels(self, points: Iterable[tuple[float, float]]) -> list[Colour]:
        """The colours on the screen there."""
        png = b64encode(await self.page.screenshot(type="png", animations="allow")).decode()
        whole = [[round(x), round(y)] for x, y in points]
        found = await self.page.evaluate(PIXELS_JS, {"png": png, "points": whole})
        return [(red, green, blue) for red, green, blue in found]

    async def becomes(self, points: Mapping[tuple[float, float], str]) -> None:
        """Wait until the screen has those colours (``#rrggbb``), a shade more or less."""
        wanted = list(points.values())
        seen: list[Colour] = []
        try:
            async with asyncio.timeout(ACTION_TIMEOUT_S):
                while not seen or not all(map(close, seen, wanted)):
                    seen = await self.pixels(points)
        except TimeoutError:
            raise AssertionError(f"wanted {wanted}, the screen has {seen}") from None


def rgb(text: str) -> Colour:
    """``#rrggbb`` as numbers."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def close(seen: Colour, wanted: str) -> bool:
    """Whether an eye would call them the same."""
    return all(abs(a - b) <= 4 for a, b in zip(seen, rgb(wanted), strict=True))


def mixed(top: str, bottom: str, share: float) -> str:
    """The colour of ``top`` with that opacity over ``bottom``."""
    parts = [round(a * share + b * (1 - share)) for a, b in zip(rgb(top), rgb(bottom), strict=True)]
    return "#" + "".join(f"{part:02x}" for part in parts)


async def open_stage(chromium: Chromium, world: World, *, script: str | None = None) -> Stage:
    """A window with the page, of somebody who is signed in. ``script`` runs before the page's."""
    person = await world.person("anna")
    workplace = await chromium.workplace(world.url("/livez"))
    cookie: Any = {"name": "ccserver_session", "value": person.token, "url": world.url("/")}
    await workplace.context.add_cookies([cookie])
    if script is not None:
        await workplace.context.add_init_script(script)
    stage = Stage(workplace)
    await stage.page.goto(world.url("/tests/map-stage.html"))
    return stage
