"""SIPp and plain datagrams against real phones: loads report each call's times, every scenario of
bad input is answered in order or not at all, and whoever is shouted at is alive afterwards.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sim.phones import Behaviour, PhoneBank
from sim.sipp import MALFORMED, SCENARIOS, is_alive, run_load, run_scenario, send_malformed
from sim.sipp.raw import SIPSocket
from sim.sipp.runner import SIPpError

TAKER = Behaviour(on_call="answer", busy_when_talking=False)


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[PhoneBank]:
    async with PhoneBank(record_dir=tmp_path / "phones") as phones:
        await phones.add_phone("112", tone=1, behaviour=TAKER)
        yield phones


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient_bank() -> AsyncIterator[PhoneBank]:
    """One bank for all scenarios of bad input: it must survive them one after another."""
    async with PhoneBank() as phones:
        await phones.add_phone("112", tone=1, behaviour=TAKER)
        yield phones


async def test_a_load_tells_when_each_call_was_made_answered_and_ended(bank: PhoneBank) -> None:
    result = await run_load(
        bank.sip_port, calls=6, rate=10, hold_s=0.5, callers=["+37121111111", "+37122222222"]
    )
    assert result.finals == {200: 6}
    assert result.exit_status == 0
    incoming = {event["sip_call_id"]: event for event in bank.history("incoming")}
    for call in result.calls:
        assert call.answered_t is not None
        assert call.ended_t is not None
        # One clock: the phone saw the INVITE between its sending and the answer's arrival.
        assert call.invite_t - 0.005 <= incoming[call.call_id]["t"] <= call.answered_t + 0.005
        assert call.ended_t - call.answered_t >= 0.5
        identity = incoming[call.call_id]["headers"]["p-asserted-identity"]
        assert call.caller in identity[0]
    assert len(result.latencies_s()) == 6
    assert {call.caller for call in result.calls} == {"+37121111111", "+37122222222"}


async def test_a_far_end_that_hangs_up_first_ends_the_call_in_order(bank: PhoneBank) -> None:
    await bank.set_behaviour("112", Behaviour(on_call="answer", talk_s=0.2))
    result = await run_load(bank.sip_port, calls=1, rate=1, hold_s=20)
    assert (result.finals, result.exit_status) == ({200: 1}, 0)
    assert result.calls[0].ended_t is not None
    assert result.calls[0].answered_t is not None
    assert result.calls[0].ended_t - result.calls[0].answered_t < 20


async def test_an_echo_lets_the_phone_hear_itself(bank: PhoneBank) -> None:
    load = asyncio.create_task(run_load(bank.sip_port, calls=1, rate=1, hold_s=2.0))
    await bank.wait_for("heard", phone="112", party=1)
    await load


async def test_refused_calls_are_counted_by_their_code(bank: PhoneBank) -> None:
    await bank.set_behaviour("112", Behaviour(on_call="reject", reject_code=486))
    result = await run_load(bank.sip_port, calls=2, rate=10, hold_s=1)
    assert result.finals == {486: 2}
    assert result.latencies_s() == []


async def test_silence_is_no_answer(bank: PhoneBank) -> None:
    await bank.set_behaviour("112", Behaviour(on_call="mute"))
    result = await run_load(bank.sip_port, calls=1, rate=1, hold_s=1, answer_s=0.5)
    assert result.finals == {None: 1}
    assert result.calls[0].first_answer_t is not None  # 100 Trying


EXPECTED: dict[str, set[int | None]] = {
    "broken_content_length": {None, 200, 400},  # over UDP the datagram's end may rule
    "bye_unknown_dialog": {481},
    "garbage_sdp": {400, 415, 488},
    "huge_headers": {None, 200},  # a phone's own limit may drop it
    "reinvite_storm": {200},
    "unknown_extension": {200, 404},  # a phone is nobody's register of numbers
    "urn_service_sos": {None, 400, 404, 416},  # the phones' library drops what is no SIP URI
    "wrong_cseq": {200},
}


def test_every_scenario_has_an_expectation_and_a_reason() -> None:
    assert set(EXPECTED) == set(SCENARIOS)
    assert all(len(reason) > 20 for reason in SCENARIOS.values())


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", sorted(EXPECTED))
async def test_bad_input_is_answered_in_order_and_survived(
    patient_bank: PhoneBank, name: str
) -> None:
    result = await run_scenario(name, patient_bank.sip_port, answer_s=1.5)
    assert result.final in EXPECTED[name], result
    if name == "wrong_cseq":
        assert 500 in result.codes("INFO")
    if name == "reinvite_storm":
        storm = result.codes("INVITE")
        assert any(code in (491, 500) for code in storm), result
    assert await is_alive(patient_bank.sip_port)


async def test_broken_messages_are_survived_and_leave_no_call(bank: PhoneBank) -> None:
    answered = {}
    for name in MALFORMED:
        exchange = await send_malformed(name, bank.sip_port, wait_s=0.15)
        answered[name] = exchange.final
    assert await is_alive(bank.sip_port)
    assert answered["random_bytes"] is None
    assert answered["missing_call_id"] in (None, 400)
    assert answered["max_forwards_zero"] in (200, 483)
    for event in bank.history("incoming"):
        await bank.wait_for("disconnected", call=event["call"])
    assert (await bank.stats())["calls"] == 0


async def test_a_port_where_nobody_is_gives_no_answer() -> None:
    silent = await SIPSocket.open(9)
    try:
        assert not await is_alive(silent.port, wait_s=0.1)
        exchange = await send_malformed("missing_to", silent.port, wait_s=0.1)
        assert (exchange.codes, exchange.final) == ((), None)
    finally:
        silent.close()


async def test_what_cannot_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(SIPpError, match="cannot be started"):
        await run_load(9, calls=1, rate=1, hold_s=0, sipp=str(tmp_path / "none"))
    with pytest.raises(ValueError, match="out of bounds"):
        await run_load(9, calls=10**9, rate=1, hold_s=0)
    with pytest.raises(KeyError):
        await run_scenario("no such scenario", 9)
