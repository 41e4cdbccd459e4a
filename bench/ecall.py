"""How soon a car's data is on the panels after its INVITE reached the edge.

Run as ``python -m bench.ecall``; prints one JSON line. Kamailio, Asterisk and ccserver are real, on
this machine, with the cars and call takers' telephones in processes of their own kind; so the
figures hold the whole way and the noise of a shared machine.

``invite_to_answer_ms`` is until the car has read the 200 OK with its acknowledgement,
``invite_to_contact_ms`` until a panel's WebSocket brought the contact, ``invite_to_data_ms`` until
it brought the contact with its MSD, ``info_to_data_ms`` from a further MSD by INFO until that.
``--protocol`` is the cars' transport.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path

from ccserver.config import LogSettings
from ccserver.log import configure
from sim.scenarios.base import Run
from sim.scenarios.ecall_scene import Scene, begin
from sim.scenarios.latency import percentiles

CALLS = 60
BETWEEN_S = 0.4
"""So that the call takers' telephones of the call before have come to rest."""


async def one(scene: Scene, protocol: str, took: dict[str, list[float]]) -> None:
    """One car: its data by INVITE, and once more by INFO."""
    car = await scene.car(speaks=False, protocol=protocol)
    began = time.monotonic()
    await car.connected()
    took["answer"].append(time.monotonic() - began)
    at, _ = await scene.vehicle(car.number, lambda v: v["msd"], what="the data is shown")
    took["data"].append(at - began)
    at, _ = await scene.contact(car.number)
    took["contact"].append(at - began)
    sent_at = time.monotonic()
    await car.send_data()
    at, _ = await scene.vehicle(car.number, lambda v: v["count"] == 2, what="more data is shown")
    took["info"].append(at - sent_at)
    await car.hang_up()


async def measure(calls: int, protocol: str, folder: Path) -> dict[str, object]:
    """Cars one after another."""
    run = Run(folder, {})
    took: dict[str, list[float]] = {"answer": [], "contact": [], "data": [], "info": []}
    async with run.exits:
        scene = await begin(run)
        await one(scene, protocol, {name: [] for name in took})  # the first one warms everything
        for _ in range(calls):
            await asyncio.sleep(BETWEEN_S)
            await one(scene, protocol, took)
    return {
        "invite_to_answer_ms": percentiles(took["answer"]),
        "invite_to_contact_ms": percentiles(took["contact"]),
        "invite_to_data_ms": percentiles(took["data"]),
        "info_to_data_ms": percentiles(took["info"]),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.ecall", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--protocol", choices=("udp", "tcp"), default="udp")
    chosen = parser.parse_args()
    configure(LogSettings(level="warning", format="console"))
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="ccserver-bench-") as folder:
        figures = asyncio.run(measure(chosen.calls, chosen.protocol, Path(folder)))
    print(json.dumps({"protocol": chosen.protocol, "load": round(load, 1), **figures}))


if __name__ == "__main__":
    main()
