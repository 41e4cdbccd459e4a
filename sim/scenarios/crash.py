"""The controller dies or hangs with five callers talking and five waiting."""

import asyncio
import time
from dataclasses import dataclass, field

from sim.panel import Message, Panel
from sim.scenarios.base import Measured, Run, eventually, expect, scenario

TALKING = 5
WAITING = 5
ADOPTED_WITHIN_S = 3.0
FREEZE_S = 10.0
DEAD_S = 10.0  # longer than the lease, so that the parachute has to open
AUDIO_SHARE_MIN = 0.8  # a busy machine makes the simulated phones stutter; a cut call ends
BREAK_S = 0.1
AUDIO_END_S = 1.5  # how long before the end the call taker must have been heard at the latest
ANSWER_TIMEOUT_S = 30.0


@dataclass(slots=True)
class Before:
    """What must be the same afterwards."""

    panel: Panel
    calls: list[str]
    agent_of: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    cards: dict[str, str] = field(default_factory=dict)


@scenario("crash-kill", "kill -9 of ccserver with 5 talking and 5 waiting: nobody is dropped")
async def crash_kill(run: Run) -> Measured:
    """Dead, and started again at once."""
    before = await _five_and_five(run, spare=1)
    died_at = time.monotonic()
    await run.stack.kill_ccserver()
    meanwhile = await _call_meanwhile(run)
    began = time.monotonic()
    started_s = await run.stack.start_ccserver()
    adopted_s = await _adopted(run, before) - began
    # How long the process takes to start is the machine's business.
    expect(adopted_s <= started_s + ADOPTED_WITHIN_S, f"adopted {adopted_s:.2f} s after restart")
    await run.cards(before.panel, TALKING + WAITING + 1)
    await _nobody_dropped(run, before, died_at)
    return {
        "answered_meanwhile_after_s": round(meanwhile, 2),
        "restart_to_ready_s": round(started_s, 2),
        "restart_to_all_adopted_s": round(adopted_s, 2),
    }


@scenario("crash-parachute", "ccserver stays dead: the parachute queue holds and answers callers")
async def crash_parachute(run: Run) -> Measured:
    """Longer than the lease: those who waited go to the parachute, and are taken back in order."""
    before = await _five_and_five(run, spare=1)
    died_at = time.monotonic()
    await run.stack.kill_ccserver()
    meanwhile = await _call_meanwhile(run)
    await asyncio.sleep(DEAD_S)
    began = time.monotonic()
    started_s = await run.stack.start_ccserver()
    adopted_s = await _adopted(run, before) - began
    expect(adopted_s <= started_s + ADOPTED_WITHIN_S, f"adopted {adopted_s:.2f} s after restart")
    cards = await run.cards(before.panel, TALKING + WAITING + 1)
    expect(cards[0]["incident_id"] not in before.cards.values(), "the new call has a new card")

    async def told() -> bool:
        card = await before.panel.get(f"/api/cards/{cards[0]['incident_id']}")
        return "parachute_answered" in [entry["tag"] for entry in card["timeline"]]

    await eventually("the new call's card says who answered in the parachute", told)
    await _nobody_dropped(run, before, died_at)
    return {
        "answered_meanwhile_after_s": round(meanwhile, 2),
        "restart_to_ready_s": round(started_s, 2),
        "restart_to_all_adopted_s": round(adopted_s, 2),
    }


@scenario("crash-freeze", "SIGSTOP of ccserver for 10 s: nobody is dropped, all are taken back")
async def crash_freeze(run: Run) -> Measured:
    """A hung controller is worse than a dead one: Asterisk still believes in it."""
    before = await _five_and_five(run, spare=1)
    frozen_at = time.monotonic()
    run.stack.freeze_ccserver()
    meanwhile = await _call_meanwhile(run)
    await asyncio.sleep(max(0.0, frozen_at + FREEZE_S - time.monotonic()))
    thawed_at = time.monotonic()
    run.stack.thaw_ccserver()
    adopted_s = await _adopted(run, before) - thawed_at
    expect(adopted_s <= ADOPTED_WITHIN_S, f"adopted {adopted_s:.2f} s after the thaw")
    await run.cards(before.panel, TALKING + WAITING + 1)
    await _nobody_dropped(run, before, frozen_at)
    return {
        "answered_meanwhile_after_s": round(meanwhile, 2),
        "thaw_to_all_adopted_s": round(adopted_s, 2),
    }


async def _five_and_five(run: Run, *, spare: int) -> Before:
    """Five conversations and five in line; ``spare`` phones are registered, but off duty."""
    await run.start(takers=TALKING + spare)
    for seat in run.takers[:TALKING]:
        await run.panel(seat)
    calls = []
    for number in range(TALKING):
        calls.append(await run.call())
        await run.bank.wait_for("heard", party=run.caller_tone(number))
    for _ in range(WAITING):
        calls.append(await run.call())
        await run.bank.wait_for("connected", call=calls[-1])
    before = Before(await run.panel("supervisor"), calls)

    async def complete() -> bool:
        contacts = _in_order(before.panel)
        return len(contacts) == TALKING + WAITING and all(c["incident_id"] for c in contacts)

    await eventually("ten contacts with cards", complete)
    for contact in _in_order(before.panel):
        before.cards[contact["contact_id"]] = contact["incident_id"]
        if contact["state"] == "talking":
            before.agent_of[contact["contact_id"]] = contact["agent_id"]
        else:
            before.waiting.append(contact["contact_id"])
    expect(len(before.agent_of) == TALKING, f"{TALKING} callers talk, not {len(before.agent_of)}")
    return before


def _in_order(panel: Panel) -> list[Message]:
    return sorted(panel.contacts.values(), key=lambda contact: str(contact["arrived_at"]))


async def _call_meanwhile(run: Run) -> float:
    """A call while nobody claims it; gives the seconds until a call taker hears the caller."""
    call = await run.call()
    calling = await run.bank.wait_for("calling", call=call)
    tone = run.caller_tone(int(calling["phone"].removeprefix("caller")))
    heard = await run.bank.wait_for("heard", party=tone, timeout_s=ANSWER_TIMEOUT_S)
    return float(heard["t"] - calling["t"])


async def _adopted(run: Run, before: Before) -> float:
    """When all ten are as they were: same call taker, same order, same cards."""
    # A panel that logs in now knows nothing from before.
    panel = before.panel = await run.panel("supervisor")

    async def right() -> float:
        contacts = panel.contacts
        talking = {
            contact_id: contacts[contact_id]["agent_id"]
            for contact_id in before.agent_of
            if contacts.get(contact_id, {}).get("state") == "talking"
        }
        waiting = [
            contact["contact_id"]
            for contact in _in_order(panel)
            if contact["contact_id"] in before.waiting and contact["state"] == "waiting"
        ]
        same_cards = all(
            contacts.get(contact_id, {}).get("incident_id") == incident_id
            for contact_id, incident_id in before.cards.items()
        )
        right = talking == before.agent_of and waiting == before.waiting and same_cards
        return time.monotonic() if right else 0.0

    adopted_at: float = await eventually("all ten are adopted", right, timeout_s=20)
    return adopted_at


async def _nobody_dropped(run: Run, before: Before, since: float) -> None:
    """No call has ended, and the conversations had audio both ways all the time."""
    for call in before.calls:
        ended = run.bank.history("disconnected", call=call)
        expect(not ended, f"{call} was dropped: {ended}")
    until = time.monotonic()
    for number, call in enumerate(before.calls[:TALKING]):
        await run.bank.hangup(call)
        recording = await run.bank.recording(call)
        taker = next(tone for tone in sorted(recording.parties()) if tone < TALKING)
        heard = recording.heard(taker)
        expect(heard[-1].end_s >= until - AUDIO_END_S, f"caller {number} has audio now")
        breaks = recording.breaks(taker, longer_than_s=BREAK_S)
        lost_s = sum(span.end_s - span.start_s for span in breaks if span.end_s >= since)
        share = 1 - lost_s / (until - since)
        expect(share >= AUDIO_SHARE_MIN, f"caller {number} had audio, {share:.0%} of the time")
