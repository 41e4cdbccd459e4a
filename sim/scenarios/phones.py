"""Call takers' phones that are busy, reject, do not answer or are not there."""

import time

from ccserver.config import ACDSettings
from sim.phones import Behaviour
from sim.scenarios.base import Measured, Run, eventually, expect, scenario

TIMES = ACDSettings(
    offer_timeout_s=3.0, reject_delay_s=2.0, no_answer_delay_s=2.0, device_failure_delay_s=2.0
)


@scenario("phone-faults", "busy, rejecting, silent and vanished phones: the next one gets the call")
async def phone_faults(run: Run) -> Measured:
    """Four call takers whose phones fail each in its own way, and one whose phone works."""
    await run.start(takers=5, acd=TIMES)
    faults = {
        "taker101": Behaviour(on_call="reject", reject_code=486),
        "taker102": Behaviour(on_call="reject", reject_code=603),
        "taker103": Behaviour(on_call="mute"),
    }
    for login, behaviour in faults.items():
        await run.bank.set_behaviour(login, behaviour)
    # Idle in this order, so the faulty ones are asked first.
    panels = [await run.panel(seat) for seat in run.takers]
    vanished = panels[3]
    await run.bank.unregister("taker104")
    call = await run.call()
    calling = await run.bank.wait_for("calling", call=call)
    heard = await run.bank.wait_for("heard", call=call, party=4, timeout_s=30)
    for login in faults:
        expect(run.bank.history("incoming", phone=login), f"{login} was asked")
    expect(not run.bank.history("incoming", phone="taker104"), "a vanished phone is not rung")
    agent_id = vanished.agent_id or ""

    async def unavailable() -> bool:
        return bool(vanished.agents[agent_id]["state"] == "unavailable")

    await eventually("a seat without a phone is unavailable", unavailable)
    contact_id = next(iter(vanished.contacts))
    card = await vanished.card_of(contact_id)
    tags = [entry["tag"] for entry in card["timeline"]]
    for tag in ("offer_failed", "offer_rejected", "offer_timed_out", "connected"):
        expect(tag in tags, f"the card tells {tag}: {tags}")
    await run.bank.hangup(call)
    await run.nothing_left()
    return {
        "answered_after_s": round(heard["t"] - calling["t"], 2),
        "offers": tags.count("offered"),
    }


@scenario("nobody-on-duty", "everybody is off: every phone in the room rings, until somebody comes")
async def nobody_on_duty(run: Run) -> Measured:
    """One caller is answered at a vacant position, another by somebody who signs on."""
    await run.start(takers=3, behaviour=Behaviour(on_call="ring"))
    supervisor = await run.panel("supervisor")
    await run.bank.unregister("taker103")  # a phone that comes with the person
    call = await run.call()
    began = time.monotonic()
    for phone in ("taker101", "taker102"):
        rung = await run.bank.wait_for("incoming", phone=phone)
    rung_at: float = rung["t"]
    expect(not run.bank.history("incoming", phone="taker103"), "the lost phone cannot ring")
    await run.bank.answer(rung["call"])
    heard = await run.bank.wait_for("heard", call=call, party=1)
    await run.bank.hangup(call)

    async def empty() -> bool:
        return not supervisor.contacts

    await eventually("the first is served", empty)
    second = await run.call()
    for phone in ("taker101", "taker102"):
        await run.bank.wait_for("incoming", phone=phone, after=heard["t"])
    came = time.monotonic()
    await run.bank.set_behaviour("taker103", Behaviour(on_call="answer"))
    panel = await run.panel(run.takers[2], ready=False)
    await run.bank.register("taker103")
    await panel.ready()
    served = await run.bank.wait_for("heard", call=second, party=2)
    for phone in ("taker101", "taker102"):
        rung = (await run.bank.wait_for("incoming", phone=phone, after=heard["t"]))["call"]
        await run.bank.wait_for("disconnected", call=rung)
    await run.bank.hangup(second)
    await run.nothing_left()
    cards = await run.cards(supervisor, 2)
    expect({card["outcome"] for card in cards} == {"ended"}, f"both were helped: {cards}")
    return {
        "call_to_ring_everywhere_ms": round((rung_at - began) * 1000),
        "came_to_heard_ms": round((served["t"] - came) * 1000),
    }


@scenario("nobody-there", "no phone is registered: the caller waits, and the first one answers")
async def nobody_there(run: Run) -> Measured:
    """A caller is never refused for want of call takers."""
    await run.start(takers=1)
    await run.bank.unregister("taker101")
    panel = await run.panel("taker101", ready=False)
    await panel.ready()
    call = await run.call()
    await run.bank.wait_for("connected", call=call)

    async def waiting() -> bool:
        return [c["state"] for c in panel.contacts.values()] == ["waiting"]

    await eventually("the caller waits", waiting)
    await run.bank.register("taker101")
    registered = await run.bank.wait_for("registered", phone="taker101", after=1.0)
    heard = await run.bank.wait_for("heard", call=call, party=0)
    await run.bank.hangup(call)
    await run.nothing_left()
    return {"registered_to_heard_s": round(heard["t"] - registered["t"], 2)}
