"""Asterisk itself dies: its calls are lost, and nothing else is."""

import asyncio
import os
import signal
import time

from sim.panel import Message
from sim.scenarios.base import Measured, Run, eventually, expect, scenario

RECORDED_S = 3.0
LOST_MAX_S = 2.1  # MixMonitor's buffer of 32 KiB is 1.02 s of stereo; the rest is a busy machine


@scenario("asterisk-dies", "kill -9 of Asterisk: cards are closed, recordings kept, calls go on")
async def asterisk_dies(run: Run) -> Measured:
    """One conversation and one waiting caller, then a new Asterisk."""
    await run.start(takers=1)
    panel = await run.panel(run.takers[0])
    talking = await run.call()
    await run.bank.wait_for("heard", call=talking, party=0)
    waiting = await run.call()
    await run.bank.wait_for("connected", call=waiting)

    async def both() -> bool:
        return sorted(c["state"] for c in panel.contacts.values()) == ["talking", "waiting"]

    await eventually("one talks and one waits", both)
    answered = await run.bank.wait_for("connected", call=talking)
    await asyncio.sleep(RECORDED_S)
    asterisk = run.stack.asterisk
    assert asterisk is not None
    died_at = time.monotonic()
    os.killpg(asterisk.pid, signal.SIGKILL)
    await asterisk.wait()
    started_s = await run.stack.start_asterisk()

    async def closed() -> list[Message]:
        cards: list[Message] = (await panel.get("/api/cards"))["cards"]
        return cards if [c["status"] for c in cards] == ["closed", "closed"] else []

    cards = await eventually("both cards are closed", closed, timeout_s=30)
    outcomes = {card["outcome"] for card in cards}
    expect(outcomes == {"cut_off", "abandoned"}, f"each card says how it ended: {outcomes}")
    expect(not panel.contacts, "the panel shows no ghost")

    async def recorded() -> bool:
        found = (await panel.get("/api/cards"))["cards"]
        return all(c["recording_count"] == 1 for c in found)

    await eventually("what was recorded is sealed", recorded, timeout_s=40)
    first = next(card for card in cards if card["outcome"] == "cut_off")

    async def to_be_called() -> bool:
        return len((await panel.get("/api/callbacks"))["callbacks"]) == 2

    await eventually("both are to be called back", to_be_called)
    card = await panel.get(f"/api/cards/{first['incident_id']}")
    kept_s = card["contacts"][0]["recordings"][0]["duration_s"]
    lost_s = died_at - answered["t"] - kept_s
    expect(lost_s <= LOST_MAX_S, f"the recording lost {lost_s:.2f} s")
    assert run.stack.ccserver is not None
    expect(run.stack.ccserver.returncode is None, "ccserver lives on")
    await run.bank.register("taker101")
    # The parties hear nothing any more and put their phones down.
    taken = (await run.bank.wait_for("incoming", phone="taker101"))["call"]
    for call in (talking, waiting, taken):
        await run.bank.hangup(call)
    await panel.post("/api/agent/wrap-up/end")
    again = await run.call()
    heard = await run.bank.wait_for("heard", call=again, party=0, timeout_s=30)
    calling = await run.bank.wait_for("calling", call=again)
    await run.bank.hangup(again)
    await run.nothing_left()
    return {
        "recording_lost_s": round(lost_s, 2),
        "asterisk_start_s": round(started_s, 2),
        "next_call_heard_s": round(heard["t"] - calling["t"], 2),
    }
