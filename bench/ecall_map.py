"""How soon a car stands on the call taker's map after its INVITE reached the edge.

Run as ``python -m bench.ecall_map``; prints one JSON line. Everything is real and on this machine:
Kamailio, Asterisk, ccserver, and headless Chromium, which draws the map without a graphics card.

Cars call one after another, each from a place of its own; the call taker's telephone answers by
itself. ``invite_to_map_ms`` is from the moment before the INVITE until the browser has painted the
frame in which the car's place counts on the card and its mark stands on the map.
"""

import argparse
import asyncio
import contextlib
import json
import os
import tempfile
import time
from pathlib import Path

from ccserver.config import ACDSettings, LogSettings
from ccserver.location import Position, offset
from ccserver.log import configure
from sim.browser import Workplace
from sim.car import Car, Vehicle
from sim.phones import Behaviour
from sim.scenarios.aml import WATCH_JS, painted
from sim.scenarios.base import Run
from sim.scenarios.browser import enter, open_chromium
from sim.scenarios.latency import percentiles
from sim.stack import Seat

CALLS = 40
TAKER = Seat("taker", "Anna Bērziņa", "301", language="en")
MOTORWAY = Position(57.1514, 24.8543)
APART_M = 500.0


async def one(run: Run, window: Workplace, number: int) -> float:
    """Seconds until this car is on the map."""
    here = offset(MOTORWAY, 90, APART_M * number)
    car = Car(
        f"sip:127.0.0.1:{run.stack.ports.edge}",
        vehicle=Vehicle(latitude=here.latitude, longitude=here.longitude),
        number=f"+371291{number:05d}",
        host=f"127.0.1.{number + 2}",
        tone=run.caller_tone(number),
    )
    async with car:
        await window.page.evaluate("window.places && (window.places.length = 0)")
        began = time.monotonic()
        call = await car.connected()
        took = await painted(window, here, began)
        await car.hang_up()
        await call.wait_ended()
    await window.at("wrap-up-done").click()
    await run.nothing_left()
    return took


async def measure(calls: int, folder: Path) -> dict[str, object]:
    """Cars one after another, before one window."""
    run = Run(folder, {})
    async with contextlib.AsyncExitStack() as exits:
        await exits.enter_async_context(run.exits)
        acd = ACDSettings(offer_timeout_s=60.0, wrap_up_s=120.0)
        await run.start(takers=0, people=[TAKER], acd=acd, edge=True)
        await run.add_taker_phone(TAKER, 0, Behaviour(on_call="answer"))
        window = await enter(run, await open_chromium(run), TAKER)
        await window.ready()
        await window.page.evaluate(WATCH_JS)
        await one(run, window, 0)  # the first one warms everything
        took = [await one(run, window, number) for number in range(1, calls + 1)]
    return {"invite_to_map_ms": percentiles(took)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.ecall_map", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    chosen = parser.parse_args()
    configure(LogSettings(level="warning", format="console"))
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="ccserver-bench-") as folder:
        figures = asyncio.run(measure(chosen.calls, Path(folder)))
    print(json.dumps({"load": round(load, 1), **figures}))


if __name__ == "__main__":
    main()
