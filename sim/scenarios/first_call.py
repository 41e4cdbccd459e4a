"""One call from the first INVITE to the recording that is found again."""

import hashlib
import io
import time

import soundfile

from sim.audio import parties_heard
from sim.panel import Message, Panel
from sim.scenarios.base import Measured, Run, eventually, expect, scenario

TALK_S = 2.0
SEALED_WITHIN_S = 5.0
BRIDGED_WITHIN_S = 0.1


@scenario(
    "first-call",
    "a 112 call is answered, talked on with audio both ways, recorded and found again",
)
async def first_call(run: Run) -> Measured:
    """The main job."""
    await run.start(takers=2)
    panel = await run.panel(run.takers[0])
    call = await run.call()
    calling = await run.bank.wait_for("calling", call=call)
    incoming = await run.bank.wait_for("incoming", phone="taker101")
    answered = await run.bank.wait_for("answering", phone="taker101")
    contact_id = incoming["headers"]["x-ccserver-contact"][0]
    popped_at, offer = await panel.wait_for(lambda m: m["type"] == "offer")
    expect(offer["offer"]["contact_id"] == contact_id, "the pop is about the call that rings")
    expect(offer["offer"]["caller_number"] == "+37120000000", "the pop shows the caller's number")
    taker_heard = await run.bank.wait_for("heard", phone="taker101", party=run.caller_tone(0))
    caller_heard = await run.bank.wait_for("heard", call=call, party=0)
    card = await panel.card_of(contact_id)
    expect(card["caller_number"] == "+37120000000", "the card shows the caller's number")
    await panel.put(
        f"/api/cards/{card['incident_id']}/notes",
        {"text": "Deg māja, Brīvības iela 1"},
        headers={"If-Match": '"0"'},
    )
    await eventually("two seconds of talk", lambda: _passed(answered["t"] + TALK_S))
    hung_up_at = time.monotonic()
    await run.bank.hangup(call)
    await panel.wait_for(
        lambda m: m["type"] == "agent" and m["agent"]["state"] == "wrap_up", after=hung_up_at
    )
    card = await eventually("the recording is on the card", lambda: _with_recording(panel, card))
    sealed_after_s = time.monotonic() - hung_up_at
    expect(sealed_after_s <= SEALED_WITHIN_S, f"sealed after {sealed_after_s:.1f} s")
    heard = await _check_recording(run, panel, card)
    found = await panel.get("/api/cards", q="20000000")
    expect(
        [c["incident_id"] for c in found["cards"]] == [card["incident_id"]],
        "a search for the number finds the card",
    )
    await run.nothing_left()
    return {
        "invite_to_ring_ms": _ms(incoming["t"] - calling["t"]),
        "invite_to_pop_ms": _ms(popped_at - calling["t"]),
        "answer_to_caller_hears_ms": _ms(caller_heard["t"] - answered["t"]),
        "answer_to_call_taker_hears_ms": _ms(taker_heard["t"] - answered["t"]),
        "hang_up_to_sealed_s": round(sealed_after_s, 2),
        **heard,
    }


async def _check_recording(run: Run, panel: Panel, card: Message) -> Measured:
    """Left is the caller's voice, right the call taker's; the file is the one that was sealed."""
    recording = card["contacts"][0]["recordings"][0]
    data = await panel.download(f"/api/recordings/{recording['recording_id']}/audio")
    expect(
        hashlib.sha256(data).hexdigest() == recording["sha256"], "the file has the card's digest"
    )
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    expect(samples.shape[1] == 2, "the recording has two channels")
    left = parties_heard(samples[:, 0], rate)
    right = parties_heard(samples[:, 1], rate)
    expect(left == {run.caller_tone(0)}, f"left is the caller alone, heard {sorted(left)}")
    expect(right == {0}, f"right is the call taker alone, heard {sorted(right)}")
    part = await panel.download(
        f"/api/recordings/{recording['recording_id']}/audio", headers={"Range": "bytes=100-199"}
    )
    expect(part == data[100:200], "the player can seek")
    return {"recording_s": recording["duration_s"], "recording_bytes": len(data)}


async def _with_recording(panel: Panel, card: Message) -> Message | None:
    fresh = await panel.get(f"/api/cards/{card['incident_id']}")
    recordings = fresh["contacts"][0]["recordings"]
    return fresh if recordings and recordings[0]["state"] == "sealed" else None


async def _passed(moment: float) -> bool:
    return time.monotonic() >= moment


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
