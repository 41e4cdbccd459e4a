"""A supervisor, with a browser for a phone, in other people's conversations."""

import time

import pytest

from sim.audio import tone_hz
from sim.browser import Workplace
from sim.scenarios.base import eventually
from sim.scenarios.browser import BROWSER_TONE, PITCH_ERROR_HZ, PITCH_JS, hears
from tests.browser.conftest import CHIEF, DESK, DESK_SEATS, Centre

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]


async def hears_one_of(workplace: Workplace, *parties: int) -> None:
    """The browser plays the tone of one of them: of a mix the louder one is found."""
    ear = workplace.at("remote-audio")

    async def right_pitch() -> bool:
        pitch = float(await ear.evaluate(PITCH_JS))
        return any(abs(pitch - tone_hz(party)) <= PITCH_ERROR_HZ for party in parties)

    await eventually(f"the browser plays one of {parties}", right_pitch)


async def test_a_supervisor_listens_whispers_and_takes_over(centre: Centre) -> None:
    bank, taker_tone = centre.run.bank, DESK_SEATS.index(DESK)
    workplace, chief = await centre.enter(DESK), await centre.enter(CHIEF)
    await workplace.ready()
    tone, began = centre.run.caller_tone(centre.run.calls_made), time.monotonic()
    call = await centre.run.call()
    await workplace.at("offer-answer").click()
    await bank.wait_for("heard", call=call, party=taker_tone)
    taker_call = (await bank.wait_for("incoming", phone=DESK.login, after=began))["call"]
    await chief.shows("phone-state", state="registered")
    await chief.at("page-live").click()
    await chief.shows("live-seat", state="talking", which=f'[data-agent="agent-{DESK.extension}"]')
    await chief.at("live-conversation").get_by_test_id("monitor-listen").click()
    await chief.shows("monitor-bar", which='[data-mode="listen"]')
    await hears_one_of(chief, tone, taker_tone)
    whispered_at = time.monotonic()
    await chief.at("live-conversation").get_by_test_id("monitor-whisper").click()
    await chief.shows("monitor-bar", which='[data-mode="whisper"]')
    await bank.wait_for("heard", call=taker_call, party=BROWSER_TONE, after=whispered_at)
    assert not bank.history("heard", call=call, party=BROWSER_TONE)
    taken_at = time.monotonic()
    await chief.at("live-conversation").get_by_test_id("monitor-take-over").click()
    await bank.wait_for("heard", call=call, party=BROWSER_TONE, after=taken_at)
    await hears(chief, tone)
    await chief.shows("call")
    await chief.hides("monitor-bar")
    await workplace.shows("wrap-up")
    await bank.wait_for("disconnected", call=taker_call)
    await chief.at("call-hangup").click()
    await bank.wait_for("disconnected", call=call)
    await chief.shows("own-state", state="off")
    await chief.hides("monitor-bar")
    assert [*workplace.faults, *chief.faults] == []


async def test_a_supervisor_stops_listening_and_nobody_noticed(centre: Centre) -> None:
    bank = centre.run.bank
    workplace, chief = await centre.enter(DESK), await centre.enter(CHIEF)
    await workplace.ready()
    call = await centre.run.call()
    await workplace.at("offer-answer").click()
    await bank.wait_for("heard", call=call, party=DESK_SEATS.index(DESK))
    await chief.shows("phone-state", state="registered")
    await chief.at("page-live").click()
    await chief.at("live-conversation").get_by_test_id("monitor-listen").click()
    await chief.shows("monitor-bar", which='[data-mode="listen"]')
    await chief.at("monitor-bar").get_by_test_id("monitor-off").click()
    await chief.hides("monitor-bar")
    await workplace.shows("call-hold")
    assert not bank.history("disconnected", call=call)
    assert [*workplace.faults, *chief.faults] == []


async def test_a_colleague_is_sent_off_and_sees_it(centre: Centre) -> None:
    workplace, chief = await centre.enter(DESK), await centre.enter(CHIEF)
    await workplace.ready()
    await chief.at("page-live").click()
    row = await chief.shows("live-seat", which=f'[data-agent="agent-{DESK.extension}"]')
    await row.get_by_test_id("force-off").click()
    await chief.at("force-confirm").click()
    await workplace.shows("own-state", state="off")
    await chief.shows("live-seat", state="off", which=f'[data-agent="agent-{DESK.extension}"]')
    assert [*workplace.faults, *chief.faults] == []
