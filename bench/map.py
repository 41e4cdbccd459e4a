"""Time until the panel's map is drawn, in headless Chromium with graphics in software.

Run as ``python -m bench.map``; prints one JSON line. Each load is timed by the page itself, from
the start of the navigation until the first picture is complete: page, MapLibre, list of maps,
tiles. *cold* is a new profile with nothing kept, *warm* the same page again.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from pathlib import Path

from sim.browser import ACTION_TIMEOUT_S, Chromium
from sim.tools import load_tools
from tests.browser.map_stage import Stage, build_stage, open_stage
from tests.web.world import World

LOADS = 7

DRAWN_JS = """
() => document.querySelector('[data-testid="map"]')?.dataset.state === "drawn" && performance.now()
"""


async def drawn_ms(stage: Stage) -> float:
    """Milliseconds from the start of the page's navigation until the map is drawn."""
    handle = await stage.page.wait_for_function(DRAWN_JS, timeout=ACTION_TIMEOUT_S * 1000)
    return float(await handle.json_value())


async def measure(loads: int) -> dict[str, object]:
    """The figures, of so many loads each."""
    times: dict[str, list[float]] = {"cold": [], "warm": []}
    with tempfile.TemporaryDirectory(prefix="ccserver-map-") as name:
        directory = Path(name)
        built = build_stage(directory)
        settings = {"panel_dir": str(built.page_dir), "map_dirs": (str(built.map_dir),)}
        async with (
            World(directory, settings=settings) as world,
            Chromium(load_tools().chromium) as chromium,
        ):
            for _ in range(loads):
                stage = await open_stage(chromium, world)
                times["cold"].append(await drawn_ms(stage))
                await stage.page.reload()
                times["warm"].append(await drawn_ms(stage))
                await stage.workplace.close()
        size = (built.map_dir / "base.pmtiles").stat().st_size
        page = sum(path.stat().st_size for path in built.page_dir.glob("assets/MapCanvas-*"))
    figures = {
        kind: {"p50_ms": round(statistics.median(found)), "max_ms": round(max(found))}
        for kind, found in times.items()
    }
    return {"loads": loads, "base_bytes": size, "maplibre_bytes": page, **figures}


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=LOADS)
    print(json.dumps(asyncio.run(measure(parser.parse_args().loads))))


if __name__ == "__main__":
    main()
