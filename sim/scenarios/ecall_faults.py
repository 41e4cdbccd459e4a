"""Cars of `sim.scenarios.ecall` that get something wrong: the voice gets through all the same."""

import asyncio
import time

from sim.audio import breaks
from sim.car import Car
from sim.faulty import BREAKS_SIP, FAULTS, call_with
from sim.scenarios.base import ScenarioFailed, expect
from sim.scenarios.ecall_scene import Scene
from sim.scenarios.latency import percentiles
from sim.sip import CallFailed

SOUND_S = 30.0
"""For the first sound from the centre, be it a call taker or the greeting."""
FINAL_S = 30.0
BREAK_S = 0.5
"""A talk that is hurt has a longer silence in it; a crowded machine a shorter one."""


async def faults(scene: Scene) -> None:
    """Every fault is a call that is heard; the talk of a good car goes on untouched meanwhile."""
    good = await scene.car()
    talk = await good.connected()
    await scene.talk(good.number, talk, good.voices)
    _, contact = await scene.contact(good.number, lambda c: c["state"] == "talking")
    taker = scene.taker_of(contact)
    answers: list[float] = []
    refused: dict[str, int] = {}
    for name in FAULTS:
        car = await scene.car()
        code, answer_s = await _one(scene, car, name)
        answers.append(answer_s)
        if code != 200:
            refused[name] = code
        await car.ua.__aexit__()
    scene.measured["faulty_answer"] = percentiles(answers)
    scene.measured["faulty_refused"] = refused
    expect(talk.is_up, "the good call is still there")
    assert talk.media is not None
    silences = breaks(talk.media.samples(), 8000, taker, longer_than_s=BREAK_S)
    expect(not silences, f"and nothing was missed in it: {silences}")
    await good.hang_up()


async def _one(scene: Scene, car: Car, name: str) -> tuple[int, float]:
    fault = FAULTS[name]
    began = time.monotonic()
    try:
        call = await call_with(car, name)
        response = await call.final(FINAL_S)
    except CallFailed as failed:
        expect(condition=False, what=f"{name}: an answer comes, be it a refusal ({failed})")
        raise
    answer_s = time.monotonic() - began
    if response.code != 200:
        expect(name in BREAKS_SIP, f"{name}: the call is taken and not {response.code}")
        expect(400 <= response.code < 500, f"{name}: it is refused in order: {response.code}")
        return response.code, answer_s
    ack = car.read_acks(call)
    expect(fault.ack in (None, ack), f"{name}: acknowledged as {fault.ack} and not {ack}")
    assert call.media is not None
    heard_by = time.monotonic() + SOUND_S
    while not call.media.received:
        if time.monotonic() > heard_by:
            raise ScenarioFailed(f"{name}: the car hears nothing: {call.media.account()}")
        await asyncio.sleep(0.02)
    await scene.contact(car.number, what=f"{name}: the panels show the call")
    await call.bye()
    return 200, answer_s
