"""The panel of a call taker with a SIP phone on the desk: the buttons act on that phone."""

import time

import pytest

from sim.scenarios.browser import NOTES, readable, write_notes
from tests.browser.conftest import COLLEAGUE, DESK, DESK_SEATS, Centre

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]
TONE = DESK_SEATS.index(DESK)


async def test_answer_hold_and_hang_up_act_on_the_phone(centre: Centre) -> None:
    workplace = await centre.enter(DESK)
    await workplace.ready()
    number = centre.run.calls_made
    called_at = time.monotonic()
    call = await centre.run.call()
    await workplace.shows("caller-number", text=readable(number))
    ringing = await centre.run.bank.wait_for("incoming", phone=DESK.login, after=called_at)
    await workplace.at("offer-answer").click()
    await centre.run.bank.wait_for("talk", call=ringing["call"])
    heard = await centre.run.bank.wait_for("heard", call=call, party=TONE)
    await workplace.at("call-hold").click()
    unheard = await centre.run.bank.wait_for("unheard", call=call, party=TONE, after=heard["t"])
    await workplace.at("call-resume").click()
    await centre.run.bank.wait_for("heard", call=call, party=TONE, after=unheard["t"])
    await workplace.shows("call-hold")
    await workplace.at("call-hangup").click()
    ended = await centre.run.bank.wait_for("disconnected", call=call)
    assert ended["by"] == "remote"
    await workplace.shows("wrap-up")
    await workplace.at("wrap-up-done").click()
    await workplace.shows("own-state", state="idle")
    assert workplace.faults == []


async def test_a_reload_in_the_middle_of_a_call_brings_call_card_and_notes_back(
    centre: Centre,
) -> None:
    workplace = await centre.enter(DESK)
    await workplace.ready()
    number = centre.run.calls_made
    call = await centre.run.call()
    await workplace.at("offer-answer").click()
    await centre.run.bank.wait_for("heard", call=call, party=TONE)
    await write_notes(workplace, NOTES)
    # Typed, and not saved yet: the draft is on this machine.
    await workplace.at("notes").press_sequentially("!")
    await workplace.page.reload()
    await workplace.shows("call")
    await workplace.shows("card-caller", text=readable(number))
    await workplace.shows("notes", text=NOTES + "!")
    await workplace.shows("notes-state", state="saved")
    assert not centre.run.bank.history("disconnected", call=call)


async def test_a_colleague_sees_the_waiting_caller_until_the_answer(centre: Centre) -> None:
    workplace = await centre.enter(DESK)
    onlooker = await centre.enter(COLLEAGUE)
    await onlooker.at("presence-not-ready").click()
    await onlooker.at("presence-reason-training").click()
    number = centre.run.calls_made
    await centre.run.call()
    await onlooker.shows("waiting-row", text=readable(number))
    await onlooker.shows("waiting-row", state="waiting")
    await workplace.at("presence-ready").click()
    await workplace.shows("offer")
    await onlooker.shows("waiting-row", state="offered")
    await workplace.at("offer-answer").click()
    await workplace.shows("call")
    await onlooker.hides("waiting-row")
    await onlooker.shows(
        "agent-row", state="talking", which=f'[data-agent="agent-{DESK.extension}"]'
    )
