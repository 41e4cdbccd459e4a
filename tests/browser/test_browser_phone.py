"""A call taker whose phone is the browser talks to a real caller, whatever becomes of ccserver."""

import asyncio
import time

import pytest

from sim.scenarios.base import EVENTUALLY_S
from sim.scenarios.browser import BROWSER_SEAT, BROWSER_TONE, call_in_browser, hears, readable
from tests.browser.conftest import TALKER, Centre

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_call_from_the_pop_to_the_replay_of_its_recording(centre: Centre) -> None:
    measured = await call_in_browser(centre.run, await centre.enter(BROWSER_SEAT))
    assert measured["recording_s"] > 0


async def test_the_conversation_goes_on_while_ccserver_is_dead(centre: Centre) -> None:
    workplace = await centre.enter(BROWSER_SEAT)
    call, tone = await centre.answered_call(workplace)
    died_at = time.monotonic()
    await centre.run.stack.kill_ccserver()
    try:
        await workplace.shows("stale-banner")
        await hears(workplace, tone)
    finally:
        await centre.run.stack.start_ccserver()
    await workplace.hides("stale-banner")
    await workplace.shows("connection", state="live")
    await workplace.shows("own-state", state="talking")
    await hears(workplace, tone)
    assert not centre.run.bank.history("disconnected", call=call)
    await workplace.at("call-hangup").click()
    await centre.run.bank.wait_for("disconnected", call=call)
    await workplace.shows("wrap-up")
    recording = await centre.run.bank.recording(call)
    gone = [span for span in recording.breaks(BROWSER_TONE) if span.end_s > died_at]
    # A crowded machine makes the simulated phone stutter; a call that ccserver holds would stop.
    assert sum(span.duration_s for span in gone) < 1.0


async def test_a_caller_of_the_backup_queue_is_answered_without_ccserver(centre: Centre) -> None:
    workplace = await centre.enter(BROWSER_SEAT)
    await workplace.ready()
    await centre.run.stack.kill_ccserver()
    try:
        number = centre.run.calls_made
        tone = centre.run.caller_tone(number)
        call = await centre.run.call()
        await workplace.shows("offer")
        await workplace.at("offer-answer").click()
        await centre.run.bank.wait_for("heard", call=call, party=BROWSER_TONE)
        await hears(workplace, tone)
        await workplace.shows("call")
    finally:
        await centre.run.stack.start_ccserver()
    await workplace.hides("stale-banner")
    await workplace.shows("card-caller", text=readable(number))
    await workplace.shows("call")
    await hears(workplace, tone)
    await workplace.at("call-hangup").click()
    await centre.run.bank.wait_for("disconnected", call=call)


async def test_a_rejected_call_goes_to_the_next_call_taker(centre: Centre) -> None:
    first = await centre.enter(BROWSER_SEAT)
    await first.ready()
    call = await centre.run.call()
    await first.shows("offer")
    second = await centre.enter(TALKER)
    await second.at("presence-ready").click()
    await first.at("offer-reject").click()
    await second.shows("offer")
    await first.hides("offer")
    await second.at("offer-answer").click()
    await second.shows("call")
    await centre.run.bank.wait_for("heard", call=call, party=BROWSER_TONE)
    await first.hides("call")


async def test_a_window_that_is_gone_gives_its_caller_to_the_next(centre: Centre) -> None:
    first = await centre.enter(TALKER)
    call, _ = await centre.answered_call(first)
    second = await centre.enter(BROWSER_SEAT)
    await second.at("presence-ready").click()
    await second.shows("phone-state", state="registered")
    closed_at = time.monotonic()
    await first.close()
    async with asyncio.timeout(2 * EVENTUALLY_S):
        await second.shows("offer")
    await second.at("offer-answer").click()
    await centre.run.bank.wait_for("heard", call=call, party=BROWSER_TONE, after=closed_at)
    assert not centre.run.bank.history("disconnected", call=call)
