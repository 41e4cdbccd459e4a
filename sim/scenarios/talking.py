"""Others in the conversation: consult, transfer, conference, supervisors, calls that we place."""

import asyncio
import time
from dataclasses import dataclass

from ccserver.accounts import Role
from ccserver.config import ACDSettings
from sim.panel import Message, Panel, PanelRefused
from sim.scenarios.base import Measured, Run, eventually, expect, scenario
from sim.scenarios.recorded import listens_traced, recordings_of
from sim.stack import Seat

CALLER = 20  # tone of the first caller
OUTSIDE_TONE = 35
OUTSIDE_NUMBER = "67000113"
QUICK = ACDSettings(wrap_up_s=0.2, no_answer_delay_s=1.0, reject_delay_s=1.0)
CHIEF = Seat("chief", "Chief", "190", role=Role.SUPERVISOR)
CHIEF_TONE = 15
HEARD_S = 30.0


@dataclass(slots=True)
class Talk:
    """A conversation of the first caller with the first call taker."""

    run: Run
    panels: list[Panel]
    call: str
    contact_id: str

    @property
    def contact(self) -> Message:
        """As the first panel shows it."""
        return self.panels[0].contacts.get(self.contact_id, {})

    async def act(self, number: int, action: str, **body: object) -> None:
        """A button at one of the call takers' panels."""
        await self.panels[number].act(self.contact_id, action, **body)

    async def reaches(self, what: str, **wanted: object) -> None:
        """Wait until the contact's message has these values."""

        async def there() -> bool:
            contact = self.contact
            return all(contact.get(name) == value for name, value in wanted.items())

        await eventually(f"{what}: {wanted}", there)

    async def hears(self, who: str, tone: int, since: float) -> float:
        """A phone's current call hears this tone, from ``since`` on; gives when."""
        call = await self.call_of(who)
        event = await self.run.bank.wait_for(
            "heard", call=call, party=tone, after=since, timeout_s=HEARD_S
        )
        return float(event["t"])

    async def call_of(self, who: str) -> str:
        """The newest call of a phone."""
        if who == "caller":
            return self.call

        async def incoming() -> str:
            events = self.run.bank.history("incoming", phone=who)
            return str(events[-1]["call"]) if events else ""

        call: str = await eventually(f"{who} is rung", incoming)
        return call

    async def tags(self) -> list[str]:
        """The card's timeline so far, once it has been written."""
        card = await self.panels[0].card_of(self.contact_id)
        return [entry["tag"] for entry in card["timeline"] if entry["contact_id"]]

    async def told(self, *tags: str) -> None:
        """The card tells all of this."""

        async def all_there() -> bool:
            return set(tags) <= set(await self.tags())

        await eventually(f"the card tells {tags}", all_there)

    def alive(self) -> None:
        """The caller has not been dropped."""
        ended = self.run.bank.history("disconnected", call=self.call)
        expect(not ended, f"the caller was dropped: {ended}")


async def begin(run: Run, takers: int = 2, *, ready: int | None = None) -> Talk:
    """The first call taker talks with a caller; the others are ready, and idle."""
    await run.start(takers=takers, acd=QUICK, people=[CHIEF])
    first = await run.panel(run.takers[0])
    call = await run.call()
    await run.bank.wait_for("heard", call=call, party=0, timeout_s=HEARD_S)
    panels = [first]
    for seat in run.takers[1 : ready or takers]:
        panels.append(await run.panel(seat))

    async def talking() -> Message | None:
        return next((c for c in first.contacts.values() if c["state"] == "talking"), None)

    contact: Message = await eventually("the panel shows the conversation", talking)
    return Talk(run, panels, call, contact["contact_id"])


def agent(number: int) -> Message:
    """The n-th call taker as a target."""
    return {"target": {"kind": "agent", "agent_id": f"agent-{101 + number}"}}


def outside() -> Message:
    """The number outside as a target."""
    return {"target": {"kind": "number", "number": OUTSIDE_NUMBER}}


async def outside_phone(run: Run) -> str:
    """Somebody answers there."""
    return await run.add_outside_phone(f"+371{OUTSIDE_NUMBER}", OUTSIDE_TONE)


async def finish(run: Run, talk: Talk) -> None:
    """The caller hangs up; nothing remains."""
    talk.alive()
    await run.bank.hangup(talk.call)
    await run.nothing_left()


@scenario("consult-transfer", "consult a colleague, swap, come back; then hand the caller over")
async def consult_transfer(run: Run) -> Measured:
    """Attended transfer between call takers, with everything on the way."""
    talk = await begin(run)
    began = time.monotonic()
    await talk.act(0, "consult", **agent(1))
    await talk.reaches("the caller is on hold", on_hold=True)
    consulted = await talk.hears("taker101", 1, began)
    await talk.hears("taker102", 0, began)
    swapped_at = time.monotonic()
    await talk.act(0, "swap")
    await talk.reaches("the caller is back", on_hold=False)
    await talk.hears("caller", 0, swapped_at)
    await talk.act(0, "swap")
    await talk.reaches("and on hold again", on_hold=True)
    completed_at = time.monotonic()
    await talk.act(0, "complete")
    await talk.reaches("the colleague has the caller", agent_id="agent-102", state="talking")
    transferred = await talk.hears("caller", 1, completed_at)
    await talk.hears("taker102", CALLER, completed_at)
    await talk.told("consult_started", "consult_ended", "handed_over", "held", "resumed")
    await asyncio.sleep(1)
    await finish(run, talk)
    caller, colleague = await recordings_of(talk.panels[0], talk.contact_id, 2)
    about = colleague.about["party"]
    expect((about["kind"], about["agent_id"]) == ("agent", "agent-102"), f"whose it is: {about}")
    expect(colleague.said_s(1) > 1, "the colleague's recording has the colleague on the left")
    expect(colleague.heard_s(0) > 0.5, "and on the right the call taker, who consulted")
    expect(colleague.heard_s(CALLER) > 0.5, "and the caller, after the transfer")
    expect(caller.said_s(CALLER) > 1, "the caller's recording has the caller on the left")
    expect(caller.heard_s(0) > 0.5 and caller.heard_s(1) > 0.5, "and both call takers on the right")
    await listens_traced(talk.panels[0], talk.contact_id, [caller, colleague])
    return {
        "consult_to_heard_ms": round((consulted - began) * 1000),
        "complete_to_heard_ms": round((transferred - completed_at) * 1000),
    }


@scenario("consult-cancel", "a consulted colleague who does not answer, says no or is sent away")
async def consult_cancel(run: Run) -> Measured:
    """The caller comes back each time."""
    talk = await begin(run)
    began = time.monotonic()
    await talk.act(0, "consult", **agent(1))
    await talk.hears("taker102", 0, began)
    cancelled_at = time.monotonic()
    await talk.act(0, "cancel")
    await talk.reaches("the caller is back", on_hold=False)
    back = await talk.hears("caller", 0, cancelled_at)
    refused = ""
    try:
        await talk.act(0, "consult", **agent(7))
    except PanelRefused as refusal:
        refused = refusal.code
    expect(refused == "agent_not_free", f"a seat that does not exist is refused: {refused}")
    await talk.reaches("the caller was never put on hold for it", on_hold=False)
    await finish(run, talk)
    return {"cancel_to_heard_ms": round((back - cancelled_at) * 1000)}


@scenario("blind-transfer", "to a queue, to a call taker, to a number that answers or does not")
async def blind_transfer(run: Run) -> Measured:
    """The caller is with somebody, or waits in the old place; never nowhere."""
    talk = await begin(run)
    to_agent_at = time.monotonic()
    await talk.act(0, "transfer", **agent(1))
    await talk.reaches("the colleague has the caller", agent_id="agent-102", state="talking")
    await talk.hears("caller", 1, to_agent_at)
    to_queue_at = time.monotonic()
    await eventually("the first is idle again", lambda: _idle(talk.panels[0]))
    await talk.act(1, "transfer", target={"kind": "queue", "queue": "emergency"})
    await talk.reaches("the first has the caller", agent_id="agent-101", state="talking")
    await talk.hears("caller", 0, to_queue_at)
    nobody_at = time.monotonic()
    await eventually("the second is idle again", lambda: _idle(talk.panels[1]))
    await talk.act(0, "transfer", target={"kind": "number", "number": "67999999"})
    await eventually("somebody has the caller again", lambda: _talks(talk), timeout_s=30)
    talk.alive()
    await outside_phone(run)
    await talk.hears("caller", int(talk.contact["agent_id"][-1]) - 1, nobody_at)
    owner = int(talk.contact["agent_id"][-1]) - 1
    out_at = time.monotonic()
    await talk.act(owner, "transfer", **outside())
    await talk.reaches("the caller is outside", handed_over=True)
    heard = await talk.hears("caller", OUTSIDE_TONE, out_at)
    await talk.told("transferred", "handed_over", "transfer_failed")
    await finish(run, talk)
    return {"transfer_out_to_heard_ms": round((heard - out_at) * 1000)}


@scenario("conference", "caller, call taker, colleague and service talk; who leaves ends nothing")
async def conference(run: Run) -> Measured:
    """Three and four in one conversation."""
    talk = await begin(run)
    await outside_phone(run)
    began = time.monotonic()
    await talk.act(0, "invite", **outside())
    heard = await talk.hears("caller", OUTSIDE_TONE, began)
    await talk.act(0, "consult", **agent(1))
    await talk.hears("taker102", 0, began)
    merged_at = time.monotonic()
    await talk.act(0, "merge")
    await talk.reaches("all are in it", on_hold=False)
    for tone in (0, 1, OUTSIDE_TONE):
        await talk.hears("caller", tone, merged_at)
    parties = {party["kind"] for party in talk.contact["parties"]}
    expect(parties == {"agent", "outside"}, f"the panel shows the parties: {parties}")
    left_at = time.monotonic()
    await run.bank.hangup(await talk.call_of("taker101"))
    await talk.reaches("the colleague is responsible", agent_id="agent-102")
    await talk.hears("taker102", CALLER, began)
    await asyncio.sleep(1)
    service = next(p for p in talk.contact["parties"] if p["kind"] == "outside")
    await talk.act(1, f"parties/{service['party_id']}/drop")
    await run.bank.wait_for("disconnected", phone=f"outside371{OUTSIDE_NUMBER}", after=left_at)
    await asyncio.sleep(0.3)
    await talk.told("conference", "party_joined", "party_left", "handed_over", "recording_sealed")
    await finish(run, talk)
    caller, *others = await recordings_of(talk.panels[0], talk.contact_id, 3)
    for other, tone, tones in zip(
        others, (OUTSIDE_TONE, 1), ((0, 1, CALLER), (0, OUTSIDE_TONE, CALLER)), strict=True
    ):
        expect(other.said_s(tone) > 1, f"{other.about['party']} is on the left")
        for heard_tone in tones:
            expect(other.heard_s(heard_tone) > 0.5, f"{other.about['party']} hears {heard_tone}")
    expect(all(caller.heard_s(tone) > 0.5 for tone in (0, 1, OUTSIDE_TONE)), "the caller hears all")
    return {"invite_to_heard_ms": round((heard - began) * 1000)}


@scenario("supervisor", "listen, whisper, come in, take over; each leaves its trace on the card")
async def supervisor(run: Run) -> Measured:
    """A supervisor with a phone of her own."""
    talk = await begin(run)
    await run.add_taker_phone(CHIEF, CHIEF_TONE)
    chief = await run.panel(CHIEF, ready=False)
    began = time.monotonic()
    await chief.act(talk.contact_id, "monitor", mode="listen")
    heard = await talk.hears("chief", CALLER, began)
    await talk.hears("chief", 0, began)
    whisper_at = time.monotonic()
    await chief.act(talk.contact_id, "monitor", mode="whisper")
    await talk.hears("taker101", CHIEF_TONE, whisper_at)
    await asyncio.sleep(1.5)
    expect(
        not run.bank.history("heard", call=talk.call, party=CHIEF_TONE),
        "the caller does not hear the whisper",
    )
    barge_at = time.monotonic()
    await chief.act(talk.contact_id, "monitor", mode="barge")
    await talk.hears("caller", CHIEF_TONE, barge_at)
    taken_at = time.monotonic()
    await chief.act(talk.contact_id, "take-over")
    await talk.reaches("the supervisor has the caller", agent_id="agent-190", state="talking")
    await run.bank.wait_for("disconnected", phone="taker101", after=taken_at)
    await talk.told("monitor_started", "handed_over")
    await finish(run, talk)
    return {"listen_to_heard_ms": round((heard - began) * 1000)}


@scenario("outbound", "a number on the card is called, and whoever gave up is called back")
async def outbound(run: Run) -> Measured:
    """One click; the citizen's phone rings after the call taker's."""
    talk = await begin(run, takers=1)
    card = await talk.panels[0].card_of(talk.contact_id)
    await run.bank.hangup(talk.call)
    await eventually("idle again", lambda: _idle(talk.panels[0]))
    await outside_phone(run)
    panel, began = talk.panels[0], time.monotonic()
    path = f"/api/cards/{card['incident_id']}/call"
    placed = await panel.post(path, {"number": OUTSIDE_NUMBER})
    heard = await run.bank.wait_for("heard", phone="taker101", party=OUTSIDE_TONE, after=began)
    talk.contact_id = placed["contact_id"]
    await talk.reaches("it is a conversation", state="talking", direction="outbound")
    await panel.act(talk.contact_id, "hang-up")

    async def on_the_card() -> bool:
        found = await panel.get(f"/api/cards/{card['incident_id']}")
        contacts = [c for c in found["contacts"] if c["direction"] == "outbound"]
        return bool(contacts and contacts[0]["outcome"] == "ended" and contacts[0]["recordings"])

    await eventually("the call stands on the card, with its recording", on_the_card)
    called_back = await _call_back(run, panel)
    await run.nothing_left()
    return {
        "click_to_heard_ms": round((heard["t"] - began) * 1000),
        "call_back_to_heard_ms": round(called_back * 1000),
    }


async def _call_back(run: Run, panel: Panel) -> float:
    await panel.put("/api/agent/presence", {"kind": "not_ready", "reason": "break"})
    citizen = await run.add_outside_phone("+37120000777", OUTSIDE_TONE + 1)
    call = await run.call(from_uri="<sip:+37120000777@127.0.0.1>", hang_up_at="connected")
    await run.bank.wait_for("disconnected", call=call)

    async def task() -> Message | None:
        tasks = (await panel.get("/api/callbacks"))["callbacks"]
        return tasks[0] if tasks else None

    found: Message = await eventually("there is a call-back", task)
    expect(found["number"] == "+37120000777", "with the number of the caller")
    began = time.monotonic()
    await panel.post(f"/api/callbacks/{found['task_id']}/call")
    heard = await run.bank.wait_for("heard", phone="taker101", party=OUTSIDE_TONE + 1, after=began)
    incoming = await run.bank.wait_for("incoming", phone=citizen, after=began)
    await run.bank.hangup(incoming["call"])

    async def done() -> bool:
        tasks = (await panel.get("/api/callbacks", state="done"))["callbacks"]
        return [t["outcome"] for t in tasks] == ["reached"]

    await eventually("the call-back is done", done)
    return float(heard["t"] - began)


async def _idle(panel: Panel) -> bool:
    return panel.agents.get(panel.agent_id or "", {}).get("state") == "idle"


async def _talks(talk: Talk) -> bool:
    return talk.contact.get("state") == "talking" and not talk.contact.get("handed_over")
