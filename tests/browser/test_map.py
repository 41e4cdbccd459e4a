"""The map as Chromium really draws it: pixels on the screen, from files of this server alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from sim.browser import Chromium
from sim.tools import load_tools
from tests.browser.map_stage import MapStage, Stage, build_stage, close, mixed, open_stage
from tests.web.world import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("map"),
    pytest.mark.asyncio(loop_scope="session"),
]

# As panel/src/map/style.ts and look.ts have them.
SEA, HOME, ABROAD, NOWHERE, TEXT = "#b5d3e7", "#f8f7f2", "#e9e8e3", "#d9dadb", "#1c232b"
AML_COLOUR, MSD_COLOUR, CONFLICT = "#0072b2", "#d55e00", "#c22f27"
FILL = 0.18

RIGA = (56.9496, 24.1052)
GULF_OF_RIGA = (57.6, 23.5)
VIDZEME = (56.75, 25.6)
LITHUANIA = (55.8, 24.9)
BALVI = (57.13, 27.26)

AML = {
    "location_id": "aml-1",
    "kind": "caller",
    "source": "aml",
    "lat": RIGA[0],
    "lon": RIGA[1],
    "shape": {"type": "Circle", "centre": RIGA, "radius_m": 1500},
    "radius_m": 1500,
    "confidence": 0.9,
    "observed_at": None,
    "received_at": "2026-11-26T12:00:00Z",
}
MSD = {
    **AML,
    "location_id": "msd-1",
    "source": "msd",
    "lat": BALVI[0],
    "lon": BALVI[1],
    "shape": {"type": "Point", "position": BALVI},
    "radius_m": None,
    "data": {"direction": 90},
}
NO_WEBGL_JS = """
const ask = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith("webgl") ? null : ask.call(this, kind, ...rest);
};
"""
LOSE_JS = """
() => {
  const canvas = document.querySelector("canvas.maplibregl-canvas");
  window.graphics = canvas.getContext("webgl2").getExtension("WEBGL_lose_context");
  window.graphics.loseContext();
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    async with Chromium(load_tools().chromium) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> MapStage:
    return build_stage(tmp_path_factory.mktemp("map"))


@pytest_asyncio.fixture(loop_scope="session")
async def world(built: MapStage, tmp_path: Path) -> AsyncIterator[World]:
    settings = {"panel_dir": str(built.page_dir), "map_dirs": (str(built.map_dir),)}
    async with World(tmp_path, settings=settings) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def stage(chromium: Chromium, world: World) -> AsyncIterator[Stage]:
    stage = await open_stage(chromium, world)
    await stage.shows("drawn")
    yield stage
    await stage.workplace.close()


async def test_land_sea_and_neighbours_are_drawn_and_nothing_leaves_the_origin(
    stage: Stage, world: World
) -> None:
    view = await stage.view()
    await stage.becomes(
        {
            view.pixel(GULF_OF_RIGA): SEA,
            view.pixel(VIDZEME): HOME,
            view.pixel(LITHUANIA): ABROAD,
        }
    )
    assert any("/map/base.pmtiles" in url for url in stage.requests)
    foreign = [url for url in stage.requests if not url.startswith((world.url("/"), "data:"))]
    # The worker may start from a blob of our own origin.
    assert [url for url in foreign if not url.startswith(f"blob:{world.url('')}")] == []
    # The content security policy blocked nothing, either.
    assert stage.workplace.faults == []


async def test_names_are_written_without_a_glyph_server(stage: Stage) -> None:
    view = await stage.view()
    x, y = view.pixel(RIGA)
    around = [(x + dx, y + dy) for dx in range(-24, 25) for dy in range(-12, 13)]
    dark = [one for one in await stage.pixels(around) if close(one, TEXT)]
    # "Rīga" in 18 pixels; its strokes, not its edges.
    assert len(dark) > 20
    assert not any("glyph" in url or url.endswith(".pbf") for url in stage.requests)


async def test_the_current_location_is_flown_to_and_drawn(stage: Stage) -> None:
    await stage.set(locations=[AML, MSD], current="aml-1", conflicts=[["aml-1", "msd-1"]])
    await stage.is_at(RIGA, within=0.005)
    view = await stage.view()
    x, y = view.pixel(RIGA)
    radius = abs(view.pixel((RIGA[0] - 0.01349, RIGA[1]))[1] - y)
    assert radius > 100, "the circle should fill the picture"
    await stage.becomes(
        {
            (x, y - 21): AML_COLOUR,  # the pin's head; its tip is the place
            (x, y + radius * 0.8): mixed(AML_COLOUR, HOME, FILL),
            (x, y + radius): AML_COLOUR,
            (x, y + radius * 1.2): HOME,
        }
    )
    marks = stage.workplace.at("map-mark")
    await expect(marks.and_(stage.page.locator("[data-current=true]"))).to_have_count(1)
    await expect(marks.and_(stage.page.locator("[data-kind=conflict]"))).to_have_text("192 km")


async def test_another_current_location_is_followed_until_a_person_holds_the_map(
    stage: Stage,
) -> None:
    await stage.set(locations=[AML, MSD], current="aml-1")
    await stage.is_at(RIGA, within=0.005)
    await stage.set(current="msd-1")
    await stage.is_at(BALVI)
    view = await stage.view()
    x, y = view.pixel(BALVI)
    await stage.becomes({(x, y - 8): MSD_COLOUR})  # the disc around the car
    mouse = stage.page.mouse
    await mouse.move(x + 100, y + 60)
    await mouse.down()
    await mouse.move(x + 60, y + 30, steps=4)
    await stage.set(current="aml-1")
    await expect(stage.page.locator("[data-testid=map-mark][data-current=true]")).to_have_attribute(
        "data-kind", "location"
    )
    await mouse.move(x + 40, y + 20, steps=4)
    await mouse.up()
    await stage.page.wait_for_function(
        "lat => document.querySelector('[data-testid=map-canvas]').dataset.lat != lat",
        arg=str(view.centre[0]),
    )
    latitude, longitude = (await stage.view()).centre
    assert abs(latitude - BALVI[0]) < 0.2
    assert abs(longitude - BALVI[1]) < 0.2
    await stage.page.locator("canvas.maplibregl-canvas").press("Home")
    await stage.is_at(RIGA, within=0.005)


async def test_a_car_has_its_heading_and_its_trail_and_a_new_message_moves_it(
    stage: Stage,
) -> None:
    north, south = (VIDZEME[0] + 0.007, VIDZEME[1]), (VIDZEME[0] - 0.007, VIDZEME[1])
    first = car("one", VIDZEME, direction_deg=0, recent=[south])
    await stage.set(locations=[first], current="one")
    await stage.is_at(VIDZEME)
    x, y = (await stage.view()).pixel(VIDZEME)
    assert close_to(await heading_at(stage), (x, y - 25))
    marks = stage.workplace.at("map-mark")
    await expect(marks).to_have_count(2)
    moved = car("two", north, direction_deg=90)
    await stage.set(locations=[first, moved], current="two")
    await stage.is_at(north)
    view = await stage.view()
    x, y = view.pixel(north)
    assert close_to(await heading_at(stage), (x + 25, y))
    (before, (_, far)) = view.pixel(VIDZEME), view.pixel(south)
    between = (before[0], (before[1] + y) / 2)
    await stage.becomes(
        {
            (x, y - 8): MSD_COLOUR,
            between: mixed(MSD_COLOUR, HOME, 0.55),
            (before[0], (before[1] + far) / 2): mixed(MSD_COLOUR, HOME, 0.55),
        }
    )
    # One car, and two places where it was.
    await expect(marks.and_(stage.page.locator("[data-kind=car]"))).to_have_count(1)
    await expect(marks.and_(stage.page.locator("[data-kind=trail]"))).to_have_count(2)


async def test_a_car_that_doubts_its_place_is_hollow_beside_one_that_does_not(
    stage: Stage,
) -> None:
    sure = car("one", VIDZEME)
    beside = (VIDZEME[0], VIDZEME[1] - 0.02)  # its words lie to the east
    doubtful = car("two", beside, contact="c2", trusted=False)
    await stage.set(locations=[sure, doubtful], current="one")
    await stage.is_at(VIDZEME)
    view = await stage.view()
    (x, y), (far, _) = view.pixel(VIDZEME), view.pixel(beside)
    await stage.becomes({(x, y - 8): MSD_COLOUR, (far, y - 8): "#ffffff"})
    await expect(stage.workplace.at("map-place").first).to_contain_text("vieta nav droša")


def car(
    name: str, place: tuple[float, float], *, contact: str = "c1", **data: object
) -> dict[str, object]:
    """Where a car says it is, just now, with what else its message tells."""
    shape = {"type": "Point", "position": place}
    told = {"lat": place[0], "lon": place[1], "shape": shape, "contact_id": contact, "data": data}
    return {**MSD, "location_id": name, "received_at": "2099-01-01T00:00:00Z", **told}


async def heading_at(stage: Stage) -> tuple[float, float]:
    """Where the middle of the only arrow is on the screen."""
    box = await stage.page.locator(".map-mark-heading").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def close_to(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two places on the screen are the same for the eye."""
    return all(abs(a - b) < 2 for a, b in zip(one, other, strict=True))


async def test_a_click_tells_the_place_under_the_pointer(stage: Stage) -> None:
    await stage.set(locations=[AML], current="aml-1")
    await stage.is_at(RIGA, within=0.005)
    view = await stage.view()
    middle = view.left + view.width / 2, view.top + view.height / 2
    for dx, dy in ((0, 0), (137, -91), (-222, 150)):
        at = middle[0] + dx, middle[1] + dy
        await stage.page.mouse.click(*at)
        place = (await stage.picks())[-1]
        x, y = view.pixel((place["lat"], place["lon"]))
        assert abs(x - at[0]) < 1
        assert abs(y - at[1]) < 1
    hovered = stage.workplace.at("map-hovered")
    await expect(hovered).to_contain_text(f"{place['lat']:.5f}, {place['lon']:.5f}")
    await expect(hovered).to_contain_text("LKS-92 X ")


async def test_the_keyboard_moves_the_map(stage: Stage) -> None:
    before = await stage.view()
    canvas = stage.page.locator("canvas.maplibregl-canvas")
    await canvas.press("ArrowRight")
    await stage.page.wait_for_function(
        "lon => document.querySelector('[data-testid=map-canvas]').dataset.lon > lon",
        arg=before.centre[1] + 0.1,
    )
    await canvas.press("+")
    await stage.page.wait_for_function(
        "zoom => document.querySelector('[data-testid=map-canvas]').dataset.zoom >= zoom",
        arg=before.zoom + 0.9,
    )


async def test_typed_coordinates_lead_there_and_are_a_pick(stage: Stage) -> None:
    await stage.workplace.at("map-typed").fill("57,1300 27,2600")
    await stage.workplace.at("map-show").click()
    await stage.is_at(BALVI)
    assert await stage.picks() == [{"lat": 57.13, "lon": 27.26}]


async def test_lost_graphics_leave_the_words_and_come_back(stage: Stage) -> None:
    await stage.set(locations=[AML], current="aml-1")
    await stage.is_at(RIGA, within=0.005)
    await stage.page.evaluate(LOSE_JS)
    await stage.shows("lost")
    await expect(stage.workplace.at("map-place")).to_contain_text("56.94960, 24.10520")
    await stage.page.evaluate("window.graphics.restoreContext()")
    await stage.shows("drawn")
    view = await stage.view()
    x, y = view.pixel(RIGA)
    await stage.becomes({(x, y - 21): AML_COLOUR, (view.left + 20, view.top + 20): HOME})


async def test_a_browser_without_webgl_has_the_words(chromium: Chromium, world: World) -> None:
    stage = await open_stage(chromium, world, script=NO_WEBGL_JS)
    await stage.shows("lost")
    await stage.set(locations=[AML], current="aml-1")
    await expect(stage.workplace.at("map-place")).to_contain_text("56.94960, 24.10520")
    await stage.workplace.close()


async def test_places_are_drawn_without_any_map_file(
    chromium: Chromium, built: MapStage, tmp_path: Path
) -> None:
    async with World(tmp_path, settings={"panel_dir": str(built.page_dir)}) as world:
        stage = await open_stage(chromium, world)
        await stage.shows("drawn")
        await stage.set(locations=[AML], current="aml-1")
        await stage.is_at(RIGA, within=0.005)
        x, y = (await stage.view()).pixel(RIGA)
        await stage.becomes(
            {(x, y - 21): AML_COLOUR, (x, y + 60): mixed(AML_COLOUR, NOWHERE, FILL)}
        )
        await stage.workplace.close()
