"""ccserver dies in every state of a conversation with others in it: the caller loses nobody.

And what was said meanwhile to somebody who is consulted is recorded all the same.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sim.audio import breaks
from sim.panel import Message, Panel, PanelRefused
from sim.phones import Behaviour, PhoneError
from sim.scenarios.base import Measured, Run, eventually, expect, scenario
from sim.scenarios.recorded import Recorded, listens_traced, recordings_of
from sim.scenarios.talking import (
    CALLER,
    CHIEF,
    CHIEF_TONE,
    HEARD_S,
    OUTSIDE_NUMBER,
    OUTSIDE_TONE,
    QUICK,
    Talk,
    agent,
    begin,
    outside,
    outside_phone,
)

HEARD_AFTER_S = 40.0  # lease, parachute, restart and offer, on a busy machine
SILENT_NUMBER = "67000999"  # rings for ever
TALK_S = 2.0  # of a consultation, before and after the crash
LOST_MAX_S = 1.5  # between a phone's own view of a call and Asterisk's, on a busy machine
BREAK_S = 0.5


@dataclass(slots=True)
class Stage:
    """Everybody on it."""

    run: Run
    first: Panel
    second: Panel
    chief: Panel
    call: str = ""
    contact_id: str = ""

    async def act(self, action: str, **body: object) -> None:
        """A button at the first call taker's panel."""
        await self.first.act(self.contact_id, action, **body)

    async def heard(self, phone: str, tone: int, since: float) -> None:
        """This phone hears this tone now."""
        await self.run.bank.wait_for(
            "heard", phone=phone, party=tone, after=since, timeout_s=HEARD_S
        )


async def _talking(stage: Stage) -> None:
    """Only the first call taker."""


async def _held(stage: Stage) -> None:
    await stage.act("hold")


async def _consult_rings(stage: Stage) -> None:
    await stage.run.bank.set_behaviour("taker102", Behaviour(on_call="ring"))
    await stage.act("consult", **agent(1))


async def _consulting(stage: Stage) -> None:
    since = time.monotonic()
    await stage.act("consult", **agent(1))
    await stage.heard("taker102", 0, since)


async def _swapped(stage: Stage) -> None:
    await _consulting(stage)
    await stage.act("swap")


async def _conference(stage: Stage) -> None:
    await _consulting(stage)
    await stage.act("merge")


async def _with_service(stage: Stage) -> None:
    since = time.monotonic()
    await stage.act("invite", **outside())
    await stage.heard("taker101", OUTSIDE_TONE, since)


async def _transfer_rings(stage: Stage) -> None:
    target = {"kind": "number", "number": SILENT_NUMBER}
    await stage.act("transfer", target=target)


async def _handed_over(stage: Stage) -> None:
    await stage.act("transfer", **outside())

    async def there() -> bool:
        return bool(stage.first.contacts.get(stage.contact_id, {}).get("handed_over"))

    await eventually("the caller is outside", there)


async def _listened_to(stage: Stage) -> None:
    since = time.monotonic()
    await stage.chief.act(stage.contact_id, "monitor", mode="listen")
    await stage.heard("chief", 0, since)


STATES: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "talking": _talking,
    "held": _held,
    "consult_rings": _consult_rings,
    "consulting": _consulting,
    "swapped": _swapped,
    "conference": _conference,
    "with_service": _with_service,
    "transfer_rings": _transfer_rings,
    "handed_over": _handed_over,
    "listened_to": _listened_to,
}


@scenario("talk-crash", "kill -9 in every state of a conversation (dead_s=N states=a,b)")
async def talk_crash(run: Run) -> Measured:
    """``dead_s``: how long ccserver stays dead (0; over the lease of 6 s: the parachute opens)."""
    dead_s = float(run.options.get("dead_s", 0))
    names = run.options.get("states", ",".join(STATES)).split(",")
    await run.start(takers=2, acd=QUICK, people=[CHIEF])
    await run.add_taker_phone(CHIEF, CHIEF_TONE)
    await outside_phone(run)
    await run.add_outside_phone(f"+371{SILENT_NUMBER}", OUTSIDE_TONE + 1, Behaviour())
    first, second = [await run.panel(seat) for seat in run.takers]
    stage = Stage(run, first, second, await run.panel(CHIEF, ready=False))
    heard_after: dict[str, float] = {}
    for name in names:
        heard_after[name] = round(await _one(stage, STATES[name], dead_s), 2)
    return {"dead_s": dead_s, "heard_after_s": heard_after}


async def _one(stage: Stage, reach: Callable[[Stage], Awaitable[None]], dead_s: float) -> float:
    run = stage.run
    # The second is out of the line, so that it is the first who has the caller.
    await stage.second.put("/api/agent/presence", {"kind": "not_ready", "reason": "break"})
    await eventually("the first is idle", lambda: _is(stage.first, "idle"))
    began = time.monotonic()
    number = run.calls_made
    stage.call = await run.call()
    await stage.heard("taker101", run.caller_tone(number), began)
    await stage.second.ready()
    await eventually("the second is idle", lambda: _is(stage.second, "idle"))

    async def talking() -> Message | None:
        found = stage.first.contacts.values()
        return next((c for c in found if c["state"] == "talking"), None)

    contact: Message = await eventually("they talk", talking)
    stage.contact_id = contact["contact_id"]
    await reach(stage)
    await asyncio.sleep(0.3)
    await run.stack.kill_ccserver()
    await asyncio.sleep(dead_s)
    await run.bank.set_behaviour("taker102", Behaviour(on_call="answer"))
    restarted_at = time.monotonic()
    await run.stack.start_ccserver()
    heard_s = await _in_company(stage, restarted_at)
    ended = run.bank.history("disconnected", call=stage.call)
    expect(not ended, f"the caller was dropped: {ended}")
    await run.bank.hangup(stage.call)
    await _everybody_home(stage)
    return heard_s


async def _in_company(stage: Stage, since: float) -> float:
    """Until the caller talks with somebody; on hold, the call taker takes the caller back."""
    run = stage.run

    async def company() -> bool:
        contact = stage.first.contacts.get(stage.contact_id, {})
        if contact.get("state") == "held" and contact.get("agent_id") == "agent-101":
            for action in ("merge", "resume"):  # whichever fits, as a call taker would see it
                with contextlib.suppress(PanelRefused):
                    await stage.act(action)
            return False
        return contact.get("state") in ("talking", "handed_over", "parachute")

    await eventually("the caller has somebody", company, timeout_s=HEARD_AFTER_S)

    async def hears() -> bool:
        last = run.bank.history("heard", call=stage.call)
        gone = run.bank.history("unheard", call=stage.call)
        parties = {event["party"] for event in last}
        for party in parties:
            on = max(event["t"] for event in last if event["party"] == party)
            off = max((e["t"] for e in gone if e["party"] == party), default=0.0)
            if on > off:
                return True
        return False

    await eventually("the caller hears somebody", hears, timeout_s=HEARD_AFTER_S)
    return time.monotonic() - since


async def _everybody_home(stage: Stage) -> None:
    """Nobody talks any more, and nothing is left in Asterisk."""

    async def silent() -> bool:
        return not stage.first.contacts

    await eventually("no contact is left", silent, timeout_s=30)
    for phone in ("taker101", "taker102", "chief"):
        for event in stage.run.bank.history("connected", phone=phone):
            if not stage.run.bank.history("disconnected", call=event["call"]):
                with contextlib.suppress(PhoneError):  # it has just ended by itself
                    await stage.run.bank.hangup(event["call"])
    await stage.run.nothing_left()


async def _is(panel: Panel, state: str) -> bool:
    return bool(panel.agents.get(panel.agent_id or "", {}).get("state") == state)


@scenario("consult-crash", "kill -9, freeze during consultations: nothing that was said is lost")
async def consult_crash(run: Run) -> Measured:
    """One goes on after the restart, one ends while ccserver is dead, one while it is frozen."""
    talk = await begin(run, takers=1)
    phone = await outside_phone(run)
    talked_s = []
    for crash in (_killed_in_between, _killed_to_the_end, _frozen_to_the_end):
        talked_s.append(await _consulted(run, talk, phone, crash))
        talk.alive()
        await _with_call_taker(talk)
    ended_at = time.monotonic()
    await run.bank.hangup(talk.call)
    caller, *parties = await recordings_of(talk.panels[0], talk.contact_id, 1 + len(talked_s))
    sealed_s = time.monotonic() - ended_at
    expect(caller.said_s(CALLER) > sum(talked_s), "the caller's own recording is whole")
    for party, seconds in zip(parties, talked_s, strict=True):
        _is_whole(party, seconds)
    await listens_traced(talk.panels[0], talk.contact_id, [caller, *parties])
    return {
        "talked_s": [round(seconds, 2) for seconds in talked_s],
        "recorded_s": [round(party.duration_s, 2) for party in parties],
        "sealed_after_s": round(sealed_s, 2),
    }


async def _killed_in_between(run: Run, call: str) -> None:
    await run.stack.kill_ccserver()
    await asyncio.sleep(TALK_S / 2)
    await run.stack.start_ccserver()
    await asyncio.sleep(TALK_S)
    # Or the caller had waited too long, and whoever was consulted has been let go.
    with contextlib.suppress(PhoneError):
        await run.bank.hangup(call)


async def _killed_to_the_end(run: Run, call: str) -> None:
    await run.stack.kill_ccserver()
    await asyncio.sleep(TALK_S / 2)
    await run.bank.hangup(call)
    await run.stack.start_ccserver()


async def _frozen_to_the_end(run: Run, call: str) -> None:
    run.stack.freeze_ccserver()
    await asyncio.sleep(TALK_S / 2)
    await run.bank.hangup(call)
    run.stack.thaw_ccserver()


def _is_whole(party: Recorded, talked_s: float) -> None:
    about = party.about["party"]
    number = f"+371{OUTSIDE_NUMBER}"
    expect((about["kind"], about["number"]) == ("outside", number), f"it says who: {about}")
    for what, seconds in (
        ("its length", party.duration_s),
        ("what the party said", party.said_s(OUTSIDE_TONE)),
        ("what the party heard", party.heard_s(0)),
    ):
        expect(seconds > talked_s - LOST_MAX_S, f"{what}: {seconds:.2f} s of {talked_s:.2f} s")
    for side, tone in ((party.left, OUTSIDE_TONE), (party.right, 0)):
        gaps = breaks(side, party.rate, tone, longer_than_s=BREAK_S)
        expect(not gaps, f"without a break: {gaps}")
    expect(party.heard_s(CALLER) == 0, "the caller was on hold")


async def _consulted(
    run: Run, talk: Talk, phone: str, crash: Callable[[Run, str], Awaitable[None]]
) -> float:
    """A consultation with a crash in it; gives how long the other was at the phone."""
    began = time.monotonic()
    await talk.act(0, "consult", **outside())
    answered = await run.bank.wait_for("connected", phone=phone, after=began)
    await run.bank.wait_for("heard", phone=phone, party=0, after=began)
    await asyncio.sleep(TALK_S)
    await crash(run, answered["call"])
    ended = await run.bank.wait_for("disconnected", call=answered["call"])
    return float(ended["t"] - answered["t"])


async def _with_call_taker(talk: Talk) -> None:
    """Off hold again, or out of the parachute: the call taker has the caller."""

    async def talking() -> bool:
        state = talk.contact.get("state")
        if state == "held":
            with contextlib.suppress(PanelRefused):  # the panel may be a moment behind
                await talk.act(0, "resume")
        return bool(state == "talking")

    await eventually("the call taker has the caller", talking, timeout_s=30)
