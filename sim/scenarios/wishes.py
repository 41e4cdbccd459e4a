"""What a call taker does in the panel while the phone is a desk phone."""

import time

from sim.phones import Behaviour
from sim.scenarios.base import Measured, Run, eventually, expect, scenario


@scenario("panel-control", "reject, answer, hold, resume and hang up from the panel")
async def panel_control(run: Run) -> Measured:
    """Every button once, on a desk phone that only rings."""
    await run.start(takers=2, behaviour=Behaviour(on_call="ring"))
    first = await run.panel(run.takers[0])
    second = await run.panel(run.takers[1])
    call = await run.call()
    _, offer = await first.wait_for(lambda m: m["type"] == "offer")
    contact = offer["offer"]["contact_id"]
    await first.post(f"/api/contacts/{contact}/reject")
    await second.wait_for(lambda m: m["type"] == "offer")
    await run.bank.wait_for("incoming", phone="taker102")
    pressed_at = time.monotonic()
    await second.post(f"/api/contacts/{contact}/answer")
    heard = await run.bank.wait_for("heard", call=call, party=1)

    async def talking() -> bool:
        return bool(second.contacts[contact]["state"] == "talking")

    await eventually("the contact talks", talking)
    held_at = time.monotonic()
    await second.post(f"/api/contacts/{contact}/hold")
    await run.bank.wait_for("unheard", call=call, party=1, after=held_at)
    expect(second.contacts[contact]["state"] == "held", "the panel shows the hold")
    resumed_at = time.monotonic()
    await second.post(f"/api/contacts/{contact}/resume")
    back = await run.bank.wait_for("heard", call=call, party=1, after=resumed_at)
    await second.post(f"/api/contacts/{contact}/hang-up")
    ended = await run.bank.wait_for("disconnected", call=call)
    expect(ended["by"] == "remote", "the caller's call ends")
    await second.wait_for(
        lambda m: m["type"] == "agent" and m["agent"]["state"] == "wrap_up", after=resumed_at
    )
    await second.post("/api/agent/wrap-up/end")
    await run.nothing_left()
    return {
        "answer_pressed_to_heard_ms": round((heard["t"] - pressed_at) * 1000),
        "resume_to_heard_ms": round((back["t"] - resumed_at) * 1000),
    }
