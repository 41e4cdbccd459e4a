"""What the world sends by mistake or in malice; afterwards everything still works."""

from sim.phones import PhoneError
from sim.scenarios.base import Measured, Run, expect, scenario
from sim.sipp import MALFORMED, is_alive, send_malformed


@scenario("bad-sip", "malformed SIP, unknown numbers, no edge token: refused, and calls go on")
async def bad_sip(run: Run) -> Measured:
    """A healthy call runs through all of it."""
    await run.start(takers=2)
    await run.panel(run.takers[0])
    healthy = await run.call()
    await run.bank.wait_for("heard", call=healthy, party=0)
    port = run.stack.ports.sip
    refused = await _refusals(run)
    answers = {name: (await send_malformed(name, port, wait_s=0.1)).final for name in MALFORMED}
    expect(not run.bank.history("disconnected", call=healthy), "the healthy call goes on")
    await run.panel(run.takers[1])
    second = await run.call()
    await run.bank.wait_for("heard", call=second, party=1)
    for call in (healthy, second):
        await run.bank.hangup(call)
    await run.nothing_left()
    accepted = [name for name, code in answers.items() if code is not None and code < 300]
    expect(accepted in ([], ["options"]), f"nothing malformed is accepted: {accepted}")
    expect(await is_alive(port), "Asterisk answers OPTIONS")
    assert run.stack.asterisk is not None
    assert run.stack.ccserver is not None
    expect(run.stack.asterisk.returncode is None, "Asterisk lives")
    expect(run.stack.ccserver.returncode is None, "ccserver lives")
    return {"refused": refused, "malformed_sent": len(answers)}


async def _refusals(run: Run) -> dict[str, int]:
    """Calls that must not reach a call taker, and the SIP code each is refused with."""
    await run.bank.add_phone("stranger", tone=39)
    base = f"127.0.0.1:{run.stack.ports.sip}"
    trunk = run.stack.trunk_headers
    attempts = {
        "unknown number": (f"sip:999@{base}", trunk),
        "emergency service name": (f"sip:sos@{base}", trunk),
        "no edge token": (f"sip:112@{base}", {}),
        "wrong edge token": (f"sip:112@{base}", {"X-CCServer-Edge": "0" * 32}),
    }
    codes = {}
    for what, (uri, headers) in attempts.items():
        try:
            call = await run.bank.call("stranger", uri, headers=headers)
        except PhoneError as error:
            expect(condition=False, what=f"{what}: {error}")
            continue
        ended = await run.bank.wait_for("disconnected", call=call)
        expect(400 <= ended["code"] < 500, f"{what} is refused, got {ended['code']}")
        codes[what] = int(ended["code"])
    return codes
