"""Two cars in one crash, of `sim.scenarios.ecall`: who hears whom, and cards to be joined.

Several people sit in each. Some speak from the start, one falls silent, one comes to later; each
call taker hears exactly those of one car.
"""

import time
from dataclasses import dataclass

from ccserver.location import Position, offset
from sim.car import Car, Vehicle
from sim.scenarios.base import expect
from sim.scenarios.ecall_scene import MOTORWAY, Scene
from sim.sip.rtp import HEARS_S

APART_M = 40.0


@dataclass(frozen=True, slots=True)
class Wreck:
    """One car, what sits in it, and the call taker's end of its call."""

    car: Car
    voices: tuple[int, ...]
    login: str
    """Of the call taker."""
    phone_call: str
    """Of the call taker's telephone."""
    incident_id: str


async def crash(scene: Scene) -> None:
    """Two are in the first car; of the three in the second one is unconscious at first."""
    place = offset(MOTORWAY, 10, 5_000)
    first = await _call(scene, place, 2)
    second = await _call(scene, offset(place, 45, APART_M), 3, unconscious=1)
    await scene.proposed(second.incident_id, first.incident_id)
    quiet_at = await _falls_silent(scene, first)
    await _comes_to(scene, second)
    for wreck in (first, second):
        await wreck.car.hang_up()
        await _heard_exactly(scene, wreck)
    await _goes_on(scene, first, quiet_at)


async def _call(scene: Scene, here: Position, occupants: int, *, unconscious: int = 0) -> Wreck:
    """The car calls, all who can speak are heard, and the panels show how many are in it."""
    vehicle = Vehicle(latitude=here.latitude, longitude=here.longitude, occupants=occupants)
    car = await scene.car(vehicle=vehicle, speak=occupants)
    assert car.voices is not None
    voices = tuple(car.voices)
    for voice in voices[occupants - unconscious :]:
        car.voices.hush(voice)
    began = time.monotonic()
    call = await car.connected()
    login = await scene.talk(car.number, call, car.voices, after=began)
    _, shown = await scene.vehicle(car.number, lambda v: v["msd"], what="its data is shown")
    told = shown["msd"]["occupants"]
    expect(told == occupants, f"the panels show {occupants} in the car: {told}")
    _, contact = await scene.contact(car.number)
    await scene.places(contact["contact_id"], "msd")
    card = await scene.card(contact["contact_id"])
    heard = scene.run.bank.history("heard", phone=login, party=voices[0])
    return Wreck(car, voices, login, heard[-1]["call"], card["incident_id"])


async def _falls_silent(scene: Scene, wreck: Wreck) -> float:
    """The driver is not heard any more; gives since when."""
    assert wreck.car.voices is not None
    driver = wreck.voices[0]
    since = time.monotonic()
    wreck.car.voices.hush(driver)
    ended = await scene.run.bank.wait_for(
        "unheard", call=wreck.phone_call, party=driver, after=since, timeout_s=HEARS_S
    )
    return float(ended["t"])


async def _comes_to(scene: Scene, wreck: Wreck) -> None:
    """Who was unconscious is heard from now on."""
    assert wreck.car.voices is not None
    last = wreck.voices[-1]
    since = time.monotonic()
    expect(
        not scene.run.bank.history("heard", call=wreck.phone_call, party=last),
        "nobody heard the one who was unconscious",
    )
    wreck.car.voices.speak(last)
    await scene.run.bank.wait_for(
        "heard", call=wreck.phone_call, party=last, after=since, timeout_s=HEARS_S
    )


async def _heard_exactly(scene: Scene, wreck: Wreck) -> None:
    """The call taker's telephone heard all who were in the car, and nobody else."""
    recording = await scene.run.bank.recording(wreck.phone_call, timeout_s=HEARS_S)
    heard = recording.parties()
    expect(
        heard == set(wreck.voices),
        f"{wreck.login} hears exactly {wreck.voices}: {sorted(heard)}",
    )


async def _goes_on(scene: Scene, wreck: Wreck, quiet_at: float) -> None:
    """Whoever sits beside the driver was heard after the driver had fallen silent."""
    recording = await scene.run.bank.recording(wreck.phone_call)
    until = max(span.end_s for span in recording.heard(wreck.voices[1]))
    expect(until > quiet_at, f"the passenger is heard until {until}, after {quiet_at}")
