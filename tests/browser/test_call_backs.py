"""Whoever gave up waiting is called back from the list, with one click."""

import time

import pytest
from playwright.async_api import Locator
from playwright.async_api import expect as expect_element

from sim.browser import ACTION_TIMEOUT_S, Workplace
from sim.scenarios.base import caller_number
from sim.scenarios.browser import BROWSER_SEAT, BROWSER_TONE, hears, readable
from tests.browser.conftest import DESK, Centre

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]
CITIZEN_TONE = 36


async def gave_up(centre: Centre) -> int:
    """A citizen calls, and hangs up before anybody answers; gives the caller's place."""
    number = centre.run.calls_made
    call = await centre.run.call(hang_up_at="connected")
    await centre.run.bank.wait_for("disconnected", call=call)
    return number


async def task_row(workplace: Workplace, number: int) -> Locator:
    """The row of that caller."""
    row = workplace.at("callback-row").filter(has_text=readable(number))
    await expect_element(row).to_be_visible(timeout=ACTION_TIMEOUT_S * 1000)
    return row


async def test_one_click_calls_the_citizen_and_the_task_is_done(centre: Centre) -> None:
    workplace = await centre.enter(BROWSER_SEAT)
    await workplace.shows("phone-state", state="registered")
    # Not ready: calls that come are for others, and the time is there to call back.
    await workplace.at("presence-not-ready").click()
    await workplace.at("presence-reason-admin").click()
    await workplace.shows("own-state", state="not_ready")
    number = await gave_up(centre)
    citizen = await centre.run.add_outside_phone(caller_number(number), CITIZEN_TONE)
    row = await task_row(workplace, number)
    clicked_at = time.monotonic()
    await row.get_by_test_id("callback-call").click()
    ringing = await centre.run.bank.wait_for("incoming", phone=citizen, after=clicked_at)
    await centre.run.bank.wait_for("heard", call=ringing["call"], party=BROWSER_TONE)
    await hears(workplace, CITIZEN_TONE)
    await workplace.shows("call")
    await workplace.shows("card-caller", text=readable(number))
    await centre.run.bank.hangup(ringing["call"])
    await workplace.shows("wrap-up")
    await expect_element(row).to_have_count(0, timeout=ACTION_TIMEOUT_S * 1000)
    assert workplace.faults == []


async def test_a_task_is_closed_by_hand_for_everybody(centre: Centre) -> None:
    workplace, onlooker = await centre.enter(BROWSER_SEAT), await centre.enter(DESK)
    number = await gave_up(centre)
    row, seen = await task_row(workplace, number), await task_row(onlooker, number)
    await row.get_by_test_id("callback-close").click()
    await workplace.at("callback-outcome-not_needed").check()
    await workplace.at("callback-note").fill("Called the neighbour instead")
    await workplace.at("callback-submit").click()
    await expect_element(row).to_have_count(0, timeout=ACTION_TIMEOUT_S * 1000)
    await expect_element(seen).to_have_count(0, timeout=ACTION_TIMEOUT_S * 1000)
    assert [*workplace.faults, *onlooker.faults] == []
