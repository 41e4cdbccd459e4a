"""How callers reach the right call taker: keys, skills, redials, missed offers, picks."""

import asyncio
import time
import wave
from pathlib import Path

from ccserver.config import ACDSettings
from sim.panel import Message, Panel
from sim.phones import Behaviour
from sim.scenarios.base import Measured, Run, eventually, expect, scenario

QUICK = ACDSettings(wrap_up_s=0.2, no_answer_delay_s=0.5, reject_delay_s=0.5, offer_timeout_s=1.0)
SILENCE_AFTER_S = 2.0


async def _only_contact(panel: Panel, **wanted: object) -> Message:
    """The one live contact, once it has these values."""

    async def there() -> Message | None:
        contacts = list(panel.contacts.values())
        if len(contacts) == 1 and all(contacts[0].get(k) == v for k, v in wanted.items()):
            return contacts[0]
        return None

    found: Message = await eventually(f"one contact with {wanted}", there)
    return found


async def _change_plan(panel: Panel, change: Message) -> None:
    """Save a new version of the routing plan, as a supervisor does."""
    stored = await panel.get("/api/routing")
    document = {**stored["document"], **change}
    await panel.put(
        "/api/routing",
        {"document": document, "comment": "scenario"},
        headers={"If-Match": f'"{stored["version"]}"'},
    )


@scenario("keys", "a waiting caller chooses a language and says by key that speaking is impossible")
async def keys(run: Run) -> Measured:
    """Nobody is ready, so the caller hears the greeting."""
    await run.start(takers=1)
    supervisor = await run.panel("supervisor")
    panel = await run.panel(run.takers[0], ready=False)
    call = await run.call()
    await run.bank.wait_for("connected", call=call)
    contact = await _only_contact(supervisor, state="waiting")
    expect(contact["shortage"] == "all_busy", f"somebody is there: {contact['shortage']}")
    began = time.monotonic()
    await run.bank.send_dtmf(call, "2")
    await _only_contact(supervisor, language="ru")
    chosen_s = time.monotonic() - began
    await run.bank.send_dtmf(call, "5")
    await _only_contact(supervisor, cannot_speak=True)
    await panel.ready()
    await run.bank.wait_for("heard", call=call, party=0)
    await run.bank.hangup(call)
    await run.nothing_left()
    return {"key_to_panel_ms": round(chosen_s * 1000)}


@scenario("silent-call", "a caller who says nothing is marked, and unmarked with the first word")
async def silent_call(run: Run) -> Measured:
    """The caller's phone sends silence."""
    await run.start(takers=1)
    supervisor = await run.panel("supervisor")
    stored = await supervisor.get("/api/routing")
    general = {**stored["document"]["general"], "silence_after_s": SILENCE_AFTER_S}
    await _change_plan(supervisor, {"general": general})
    await run.panel(run.takers[0])
    await run.bank.add_phone("silent", tone=30, voice=_silence(run.data_dir))
    call = await run.bank.call("silent", run.stack.emergency_uri, headers=run.stack.trunk_headers)
    await run.bank.wait_for("heard", call=call, party=0)
    began = time.monotonic()
    await _only_contact(supervisor, state="talking", silent=True)
    noted_s = time.monotonic() - began
    await run.bank.hangup(call)
    await run.nothing_left()
    return {"silence_noted_after_s": round(noted_s, 2)}


def _silence(directory: Path) -> Path:
    path = directory / "silence.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16_000))
    return path


@scenario("redial", "who gives up gets a call-back, and on calling again the old place")
async def redial(run: Run) -> Measured:
    """Two wait; the first gives up, calls again, and is first again."""
    await run.start(takers=1)
    panel = await run.panel(run.takers[0], ready=False)
    number = "<sip:+37120000111@127.0.0.1>"
    first = await run.call(from_uri=number)
    await run.bank.wait_for("connected", call=first)
    second = await run.call()
    await run.bank.wait_for("connected", call=second)

    async def waiting(count: int) -> bool:
        return len(panel.contacts) == count

    await eventually("both wait", lambda: waiting(2))
    await run.bank.hangup(first)

    async def tasks() -> list[Message]:
        found: list[Message] = (await panel.get("/api/callbacks"))["callbacks"]
        return found

    await eventually("there is a call-back", tasks)
    again = await run.call(from_uri=number)
    await run.bank.wait_for("connected", call=again)

    async def back() -> bool:
        return any(c["redial"] for c in panel.contacts.values())

    await eventually("the panel shows that the caller came back", back)

    async def closed() -> bool:
        return not await tasks()

    await eventually("the call-back is closed", closed)
    began = time.monotonic()
    await panel.ready()
    heard = await run.bank.wait_for("heard", call=again, party=0, after=began)
    expect(not run.bank.history("heard", call=second), "the one who came back is first")
    for call in (again, second):
        await run.bank.hangup(call)
    await run.nothing_left()
    return {"ready_to_heard_ms": round((heard["t"] - began) * 1000)}


@scenario("missed-offers", "a call taker who lets it ring is taken out, with a reason and an alarm")
async def missed_offers(run: Run) -> Measured:
    """Three missed offers; then the caller waits, escalated, and can be picked."""
    await run.start(takers=1, acd=QUICK, behaviour=Behaviour(on_call="ring"))
    panel = await run.panel(run.takers[0])
    supervisor = await run.panel("supervisor")
    call = await run.call()
    began = time.monotonic()

    async def taken_out() -> bool:
        seat = panel.agents[str(panel.agent_id)]
        return bool(seat["presence"]["reason"] == "missed_offers")

    await eventually("the call taker is not ready", taken_out, timeout_s=30)
    out_s = time.monotonic() - began
    _, alarm = await supervisor.wait_for(
        lambda m: m["type"] == "alarm" and m["code"] == "offers_missed"
    )
    expect(alarm["data"]["agent_id"] == panel.agent_id, "the alarm says who")
    await run.bank.set_behaviour("taker101", Behaviour(on_call="answer"))
    await panel.ready()
    await run.bank.wait_for("heard", call=call, party=0)
    await run.bank.hangup(call)
    await run.nothing_left()
    return {"taken_out_after_s": round(out_s, 2)}


@scenario("skills", "a plan saved in the panel takes effect at once: skill, relaxing, pick, queue")
async def skills(run: Run) -> Measured:
    """The second speaks Russian; the plan is saved while callers wait."""
    await run.start(takers=2, acd=ACDSettings(wrap_up_s=0.2))
    supervisor = await run.panel("supervisor")
    first, second = [await run.panel(seat, ready=False) for seat in run.takers]
    stored = await supervisor.get("/api/routing")
    queues = stored["document"]["queues"]
    for queue in queues:
        if queue["name"] == "emergency":
            queue["relax"] = [{"after_s": 4, "skill": "language:*", "level": 0}]
            queue["skills"] = []
    people = [
        {"agent_id": "agent-101", "skills": [{"skill": "language:lv", "level": 9}]},
        {
            "agent_id": "agent-102",
            "may_pick": True,
            "skills": [{"skill": "language:ru", "level": 9}, {"skill": "language:lv", "level": 1}],
        },
    ]
    await _change_plan(supervisor, {"queues": queues, "agents": people})
    await supervisor.wait_for(lambda m: m["type"] == "routing" and m["version"] == 1)
    call = await run.call()
    await run.bank.wait_for("connected", call=call)
    contact = await _only_contact(supervisor, state="waiting")
    await run.bank.send_dtmf(call, "2")
    await _only_contact(supervisor, language="ru")
    began = time.monotonic()
    await second.ready()
    await first.ready()
    heard = await run.bank.wait_for("heard", call=call, party=1, after=began)
    await run.bank.hangup(call)
    await eventually("nobody is left", lambda: _none(supervisor))
    # Nobody who is there speaks Russian: after four seconds it does not matter any more.
    await second.put("/api/agent/presence", {"kind": "not_ready", "reason": "break"})
    await first.put("/api/agent/presence", {"kind": "not_ready", "reason": "break"})
    call = await run.call()
    await run.bank.wait_for("connected", call=call)
    await run.bank.send_dtmf(call, "2")
    contact = await _only_contact(supervisor, language="ru")
    await first.ready()
    await asyncio.sleep(0.5)
    expect(not run.bank.history("heard", call=call, party=0), "the first does not get it yet")
    relaxed = await run.bank.wait_for("heard", call=call, party=0)
    arrived = await run.bank.wait_for("connected", call=call)
    other = await run.call()
    await run.bank.wait_for("connected", call=other)

    async def waits() -> Message | None:
        return next((c for c in supervisor.contacts.values() if c["state"] == "waiting"), None)

    contact = await eventually("another waits", waits)
    await second.act(contact["contact_id"], "pick")
    await run.bank.wait_for("heard", call=other, party=1)
    for one in (call, other):
        await run.bank.hangup(one)
    await run.nothing_left()
    return {
        "ready_to_heard_ms": round((heard["t"] - began) * 1000),
        "relaxed_after_s": round(relaxed["t"] - arrived["t"], 1),
    }


async def _none(panel: Panel) -> bool:
    return not panel.contacts
