"""How fast calls are, at a steady rate, with phones that answer at once."""

import asyncio
import statistics
from dataclasses import dataclass

from ccserver.config import ACDSettings
from sim.scenarios.base import Measured, Run, caller_number, expect, scenario

CALLS = 30
TALK_S = 0.5
RATE_PER_S = 1.0
TAKERS = 30  # at 10 calls/s, each is in a call for less than 3 s
NO_WRAP_UP = ACDSettings(wrap_up_s=0.05)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one call measured, in seconds."""

    ring_s: float
    answer_s: float
    audio_s: float


@scenario("latency", "figures at rate=N calls/s (default 1), calls=N: ring, answer, two-way audio")
async def latency(run: Run) -> Measured:
    """Each call is answered at once, talked on, and hung up by the caller."""
    rate = float(run.options.get("rate", RATE_PER_S))
    count = int(run.options.get("calls", CALLS))
    await run.start(takers=int(run.options.get("takers", TAKERS)), acd=NO_WRAP_UP)
    panels = [await run.panel(seat) for seat in run.takers]
    # In a centre each panel has a machine of its own; thirty of them in this process would be what
    # is measured. Whoever is ready stays ready.
    for panel in panels[1:]:
        await panel.close()
    loop = asyncio.get_running_loop()
    started = loop.time()
    tasks = []
    for number in range(count):
        await asyncio.sleep(max(0.0, started + number / rate - loop.time()))
        tasks.append(asyncio.create_task(_one_call(run)))
    figures = await asyncio.gather(*tasks)
    await run.nothing_left()
    return {
        "rate_per_s": rate,
        "invite_to_ring_ms": percentiles([f.ring_s for f in figures]),
        "invite_to_answer_ms": percentiles([f.answer_s for f in figures]),
        "answer_to_two_way_audio_ms": percentiles([f.audio_s for f in figures]),
    }


async def _one_call(run: Run) -> Figures:
    number = run.calls_made
    call = await run.call()
    calling = await run.bank.wait_for("calling", call=call)
    from_uri = f"<sip:{caller_number(number)}@127.0.0.1>"
    incoming = await run.bank.wait_for("incoming", from_uri=from_uri, timeout_s=60)
    # "connected" comes only with the ACK; the answer is the 200 OK.
    answered = await run.bank.wait_for("answering", call=incoming["call"])
    caller_hears = await run.bank.wait_for("heard", call=call, timeout_s=60)
    taker_hears = await run.bank.wait_for("heard", call=incoming["call"], timeout_s=60)
    await asyncio.sleep(TALK_S)
    await run.bank.hangup(call)
    return Figures(
        ring_s=incoming["t"] - calling["t"],
        answer_s=answered["t"] - calling["t"],
        audio_s=max(caller_hears["t"], taker_hears["t"]) - answered["t"],
    )


def percentiles(seconds: list[float]) -> Measured:
    """Minimum, median, 95th, 99th percentile and maximum in milliseconds."""
    expect(seconds, "something was measured")
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)

    return {
        "n": len(ordered),
        "min": at(0),
        "p50": round(statistics.median(ordered) * 1000, 1),
        "p95": at(0.95),
        "p99": at(0.99),
        "max": at(1),
    }
