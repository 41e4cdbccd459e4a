"""Who calls, and what a caller hears while nobody answers."""

import asyncio

from sim.audio import parties_heard, silences
from sim.phones import ANONYMOUS_URI, PhoneError, anonymous_headers
from sim.scenarios.base import Measured, Run, eventually, expect, scenario

HIDDEN = "+37126543210"
LISTEN_S = 6.0
SILENCE_MAX_S = 1.5  # between two sentences of the greeting, with room for a busy machine


@scenario("hidden-number", "a withheld number is shown: P-Asserted-Identity wins over the From")
async def hidden_number(run: Run) -> Measured:
    """The law lets 112 see it; a caller with no number at all is answered as well."""
    await run.start(takers=1)
    panel = await run.panel(run.takers[0])
    call = await run.call(
        from_uri=ANONYMOUS_URI, headers=anonymous_headers(HIDDEN, "operator.example")
    )
    await run.bank.wait_for("heard", call=call, party=0)
    contact = next(iter(panel.contacts.values()))
    expect(contact["caller_number"] == HIDDEN, f"the number is {contact['caller_number']}")
    expect(contact["caller_number_hidden"], "the panel says that it was withheld")
    card = await panel.card_of(contact["contact_id"])
    expect(card["caller_number"] == HIDDEN, "the card has the number")
    await run.bank.hangup(call)
    await panel.wait_for(lambda m: m["type"] == "agent" and m["agent"]["state"] == "wrap_up")
    await panel.post("/api/agent/wrap-up/end")
    nobody = await run.call(from_uri=ANONYMOUS_URI)
    await run.bank.wait_for("heard", call=nobody, party=0)
    contact = next(iter(panel.contacts.values()))
    expect(contact["caller_number"] is None, "no number is shown where there is none")
    await run.bank.hangup(nobody)
    await run.nothing_left()
    return {"answered": 2}


@scenario("waiting", "a waiting caller hears the greeting at once and is never left in silence")
async def waiting(run: Run) -> Measured:
    """Nobody is ready; the caller listens, then hangs up, and leaves a card."""
    await run.start(takers=1)
    panel = await run.panel(run.takers[0], ready=False)
    call = await run.call()
    connected = await run.bank.wait_for("connected", call=call)
    first = await run.bank.wait_for("first_audio", call=call)
    await asyncio.sleep(LISTEN_S)
    await run.bank.hangup(call)
    recording = await run.bank.recording(call)
    samples = recording.audio().mono()
    quiet = silences(samples, recording.rate, longer_than_s=SILENCE_MAX_S)
    expect(not quiet, f"the caller heard silence: {quiet}")
    expect(not parties_heard(samples, recording.rate), "the caller heard nobody's voice")

    async def abandoned() -> bool:
        cards = (await panel.get("/api/cards"))["cards"]
        return [card["outcome"] for card in cards] == ["abandoned"]

    await eventually("the abandoned call has its card", abandoned)
    await run.nothing_left()
    return {"answer_to_greeting_ms": round((first["t"] - connected["t"]) * 1000, 1)}


@scenario("wrong-password", "a phone with a wrong password is refused and nobody else is disturbed")
async def wrong_password(run: Run) -> Measured:
    """As an attacker or a mistyped desk phone would do."""
    await run.start(takers=1)
    await run.panel(run.takers[0])
    await run.bank.add_phone(
        "impostor",
        tone=39,
        registrar=run.stack.registrar,
        username=run.stack.profiles["101"].sip_username,
        password="not-the-password",
    )
    refused = await run.bank.wait_for("registration_failed", phone="impostor")
    expect(refused["code"] in (401, 403), f"refused with {refused['code']}")
    try:
        await run.bank.call("impostor", run.stack.emergency_uri)
    except PhoneError as error:
        expect(condition=False, what=f"the call was placed: {error}")
    ended = await run.bank.wait_for("disconnected", phone="impostor")
    expect(ended["code"] in (401, 403), f"its call is refused with {ended['code']}")
    call = await run.call()
    await run.bank.wait_for("heard", call=call, party=0)
    await run.bank.hangup(call)
    await run.nothing_left()
    return {"registration": refused["code"], "call": ended["code"]}
