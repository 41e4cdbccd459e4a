"""Callers and call takers who leave at every possible step."""

import asyncio
import time
from pathlib import Path

from sim.panel import Message
from sim.phones import Behaviour
from sim.scenarios.base import Measured, Run, eventually, expect, scenario

STEPS = ("sent", "trying", "connected")
WAIT_S = 1.0


@scenario("caller-leaves", "a caller hangs up at every step: each has a card, nothing is left")
async def caller_leaves(run: Run) -> Measured:
    """While dialling, greeted, waiting, ringing and talking."""
    await run.start(takers=1, behaviour=Behaviour(on_call="ring"))
    supervisor = await run.panel("supervisor")
    panel = await run.panel(run.takers[0], ready=False)
    for step in STEPS:
        call = await run.call(hang_up_at=step)
        await run.bank.wait_for("disconnected", call=call)
    waiting = await run.call()
    await run.bank.wait_for("connected", call=waiting)
    await asyncio.sleep(WAIT_S)
    await run.bank.hangup(waiting)
    await panel.ready()
    ringing = await run.call()
    await run.bank.wait_for("incoming", phone="taker101")
    await run.bank.hangup(ringing)
    rung = (await run.bank.wait_for("incoming", phone="taker101"))["call"]
    await run.bank.wait_for("disconnected", call=rung)
    await panel.wait_for(lambda m: m["type"] == "offer_gone")
    await run.bank.set_behaviour("taker101", Behaviour(on_call="answer"))
    talking = await run.call()
    await run.bank.wait_for("heard", call=talking, party=0)
    await run.bank.hangup(talking)
    # The first ones may have left before Asterisk had a channel; then there was no contact.
    await run.nothing_left()

    # Asterisk's own journal knows how many contacts there were; each has its card.
    journal = Path(run.stack.config.asterisk.log_dir) / "queue_log"
    contacts = journal.read_text().count("|CONTACT|")

    async def closed() -> list[Message]:
        cards: list[Message] = (await supervisor.get("/api/cards", limit="100"))["cards"]
        complete = len(cards) == contacts and all(c["status"] == "closed" for c in cards)
        return cards if complete else []

    cards = await eventually("every contact has a closed card", closed)
    outcomes = [card["outcome"] for card in cards]
    expect(outcomes[0] == "ended", f"the last one was a conversation: {outcomes}")
    expect(set(outcomes[1:]) == {"abandoned"}, f"the others were abandoned: {outcomes}")
    expect(not supervisor.contacts, "no contact is left in the panel")
    return {"calls": len(STEPS) + 3, "cards": len(cards)}


@scenario("taker-leaves", "the call taker hangs up, or the phone is lost: the caller never is")
async def taker_leaves(run: Run) -> Measured:
    """A hang-up ends the conversation; a lost phone gives the caller back to the line."""
    await run.start(takers=2)
    panel = await run.panel(run.takers[0])
    first = await run.call()
    await run.bank.wait_for("heard", call=first, party=0)
    taken = (await run.bank.wait_for("incoming", phone="taker101"))["call"]
    await run.bank.hangup(taken)
    ended = await run.bank.wait_for("disconnected", call=first)
    expect(ended["by"] == "remote", "the caller's call ends with the conversation")
    await run.nothing_left()
    await panel.post("/api/agent/wrap-up/end")
    second = await run.call()
    await run.bank.wait_for("heard", call=second, party=0)
    other = await run.panel(run.takers[1])
    lost_at = await _lose_phone(run)
    heard = await run.bank.wait_for("heard", call=second, party=1, after=lost_at)
    expect(not run.bank.history("disconnected", call=second), "the caller was not dropped")
    contact = next(iter(other.contacts.values()))
    expect(contact["agent_id"] == other.agent_id, "the second call taker has the caller")
    await run.bank.hangup(second)
    await run.nothing_left()
    return {"lost_phone_to_next_call_taker_s": round(heard["t"] - lost_at, 2)}


async def _lose_phone(run: Run) -> float:
    """Cut the first call taker's leg as Asterisk does when no audio comes any more."""
    channels = (await run.stack.asterisk_cli("core show channels concise")).splitlines()
    # The unique id is the last field.
    leg = next(line.split("!")[-1] for line in channels if line.startswith("PJSIP/ct-101"))
    lost_at = time.monotonic()
    await run.stack.ari("DELETE", f"channels/{leg}", reason="no_answer")
    return lost_at
