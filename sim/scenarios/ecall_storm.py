"""Two hundred cars on one motorway, of `sim.scenarios.ecall`: ice, fog, or a lorry across the road.

All call within seconds. Each must be acknowledged, be shown with its place, and leave a card.
"""

import asyncio
import time
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from ccserver.db import Database
from ccserver.location import offset
from sim.car import Car
from sim.panel import Message
from sim.scenarios.base import ScenarioFailed, eventually, expect
from sim.scenarios.ecall_scene import MOTORWAY, Scene
from sim.scenarios.latency import percentiles

CARS = 200
RATE_PER_S = 20.0
HOLD_S = 4.0
"""A car stays in the line that long once its data is shown, so that the line is long; all at once
would need more ports for sound than an instance of the simulator has."""
SHOWN_S = 30.0
LOOK_S = 0.05
APART_M = 12.0
"""Between two cars that stand on the road."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one car, in seconds from its INVITE."""

    answered_s: float
    called_s: float
    shown_s: float


class Seen:
    """What the supervisor's panel showed, by number: one reader for all cars.

    Two hundred readers of two hundred cars' messages each would be what is measured. Times are
    those at which the messages came, whenever they are looked at.
    """

    def __init__(self, scene: Scene) -> None:
        self.peak = 0
        """Most contacts at a time."""
        self._chief = scene.chief
        self.called: dict[str, float] = {}
        """When each number's call was first shown."""
        self._first: dict[str, tuple[float, Message]] = {}
        self._news = asyncio.Condition()

    async def vehicle(self, number: str) -> tuple[float, Message]:
        """When a car was first shown with its data, and how; raises `ScenarioFailed`."""
        try:
            async with asyncio.timeout(SHOWN_S), self._news:
                while number not in self._first:
                    await self._news.wait()
        except TimeoutError:
            told = f"{len(self._first)} are, and {len(self.called)} calls"
            raise ScenarioFailed(f"every car is shown with its data ({told})") from None
        return self._first[number]

    async def watch(self) -> None:
        """Look at what has come, for ever."""
        until = 0.0
        while True:
            fresh = []
            for at, message in reversed(self._chief.messages):
                if at <= until:
                    break
                fresh.append((at, message))
            until = fresh[0][0] if fresh else until
            for at, message in reversed(fresh):
                if message["type"] == "contact":
                    self._note(at, message["contact"])
            self.peak = max(self.peak, len(self._chief.contacts))
            async with self._news:
                self._news.notify_all()
            await asyncio.sleep(LOOK_S)

    def _note(self, at: float, contact: Message) -> None:
        number, vehicle = contact["caller_number"], contact["vehicle"]
        self.called.setdefault(number, at)
        if vehicle and vehicle["msd"]:
            self._first.setdefault(number, (at, vehicle))


async def storm(scene: Scene) -> None:
    """Options: ``cars``, ``rate`` per second."""
    count = int(scene.run.options.get("cars", CARS))
    rate = float(scene.run.options.get("rate", RATE_PER_S))
    cars = [await _car(scene, number) for number in range(count)]
    seen = Seen(scene)
    watching = asyncio.create_task(seen.watch())
    began = time.monotonic()
    tasks = []
    for number, car in enumerate(cars):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(_one(scene, car, seen)))
    try:
        figures = await asyncio.gather(*tasks)
    finally:
        watching.cancel()
    scene.measured["storm_cars"] = count
    scene.measured["storm_at_a_time"] = seen.peak
    scene.measured["storm_invite_to_answer"] = percentiles([f.answered_s for f in figures])
    scene.measured["storm_invite_to_contact"] = percentiles([f.called_s for f in figures])
    scene.measured["storm_invite_to_data"] = percentiles([f.shown_s for f in figures])

    numbers = {car.number for car in cars}

    async def all_stored() -> bool:
        return numbers <= await _stored(scene)

    await eventually("every car has a card with its place", all_stored, timeout_s=SHOWN_S)


async def _car(scene: Scene, number: int) -> Car:
    here = offset(MOTORWAY, 70, 10_000 + number * APART_M)
    # Silent: two hundred voices in this process would be what is measured.
    car = await scene.car(speak=0)
    car.move(latitude=here.latitude, longitude=here.longitude)
    return car


async def _one(scene: Scene, car: Car, seen: Seen) -> Figures:
    began = time.monotonic()
    call = await car.connected()
    answered_s = time.monotonic() - began
    expect([ack.received for ack in car.heard.acks] == [True], "every car is acknowledged")
    at, vehicle = await seen.vehicle(car.number)
    scene.shown_at(vehicle["msd"], car.vehicle)
    await asyncio.sleep(HOLD_S)
    await call.bye()
    return Figures(answered_s, seen.called[car.number] - began, at - began)


async def _stored(scene: Scene) -> set[str]:
    """Whose calls are on cards with a place that a car told."""
    database = Database(scene.run.stack.config.database.url, request_timeout_s=5.0)
    numbers = text(
        "SELECT caller_number FROM contacts WHERE incident_id IN"
        " (SELECT incident_id FROM incident_locations WHERE source = 'msd')"
    )

    def read(session: Session) -> set[str]:
        return set(session.execute(numbers).scalars())

    try:
        return await database.read(read)
    finally:
        await database.close()
