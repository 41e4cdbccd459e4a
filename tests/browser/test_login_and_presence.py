"""Who may enter, in which language, and what a call taker's readiness does."""

import pytest
from playwright.async_api import expect

from sim.scenarios.browser import url_of
from tests.browser.conftest import DESK, LATVIAN, Centre

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]
LABELS = {"lv": "Gatavs", "ru": "Готов", "en": "Ready"}


async def test_a_wrong_password_is_refused_with_a_sentence(centre: Centre) -> None:
    workplace = await centre.visit()
    await workplace.log_in(DESK.login, "wrong")
    await workplace.shows("login-error", text="User name or password is wrong.")
    await workplace.log_in(DESK.login, centre.run.stack.passwords[DESK.login])
    await workplace.shows("connection", state="live")
    assert workplace.faults == []


async def test_each_account_has_its_language_and_a_switch_lasts(centre: Centre) -> None:
    workplace = await centre.enter(LATVIAN)
    await workplace.shows("presence-ready", text=LABELS["lv"])
    for language in ("ru", "en", "lv", "ru"):
        await workplace.at(f"language-{language}").click()
        await workplace.shows("presence-ready", text=LABELS[language])
    another = await centre.enter(LATVIAN)
    await another.shows("presence-ready", text=LABELS["ru"])
    await another.at("language-lv").click()
    await another.shows("presence-ready", text=LABELS["lv"])


async def test_not_ready_has_a_reason_that_colleagues_see(centre: Centre) -> None:
    workplace = await centre.enter(DESK)
    await workplace.ready()
    await workplace.at("presence-not-ready").click()
    await workplace.at("presence-reason-training").click()
    await workplace.shows("own-state", state="not_ready", text="Training")
    onlooker = await centre.enter(LATVIAN)
    row = f'[data-agent="agent-{DESK.extension}"]'
    await onlooker.shows("agent-row", state="not_ready", which=row)
    await workplace.at("presence-off").click()
    await onlooker.shows("agent-row", state="off", which=row)


async def test_an_ended_session_keeps_the_workplace_behind_the_login(centre: Centre) -> None:
    workplace = await centre.enter(DESK)
    await workplace.ready()
    # Another window of the same browser logs out; what follows is the same after twelve hours.
    await workplace.context.request.post(
        url_of(workplace, "/api/logout"), headers={"X-CCServer": "1"}
    )
    await workplace.shows("session-expired")
    await expect(workplace.at("presence-ready")).to_be_hidden()
    await expect(workplace.at("login-name")).to_have_value(DESK.login)
    await workplace.at("login-password").fill(centre.run.stack.passwords[DESK.login])
    await workplace.at("login-submit").click()
    await workplace.hides("session-expired")
    await workplace.shows("connection", state="live")
    await workplace.shows("own-state", state="idle")
