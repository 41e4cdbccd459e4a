"""The pages on which the centre is changed while it works: its routing, and its people."""

import contextlib

import pytest
from playwright.async_api import expect as expect_element

from ccserver.accounts import AccountStore
from ccserver.db import Database
from sim.browser import ACTION_TIMEOUT_S
from sim.phones import PhoneError
from sim.scenarios.base import eventually
from sim.stack import Seat
from tests.browser.conftest import ADMIN, CHIEF, DESK, Centre

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]
NEW = Seat("marta", "Marta Jaunā", "310", language="en")
NEW_TONE = 4
PASSWORD = "correct horse battery"
DATABASE_TIMEOUT_S = 10.0


async def test_a_queue_is_changed_checked_and_kept_as_a_version(centre: Centre) -> None:
    chief = await centre.enter(CHIEF)
    await chief.at("page-routing").click()
    await chief.shows("routing")
    alarm = chief.page.locator('[data-path="queues/0/alarm_after_s"]')
    alarm = alarm.and_(chief.page.locator("input")).or_(alarm.locator("input")).first
    await alarm.fill("-5")
    await chief.shows("problem-list")
    await chief.at("save").click()
    await chief.shows("save-blocked")
    await chief.page.keyboard.press("Escape")
    await alarm.fill("45")
    await chief.hides("problem-list")
    await chief.at("save").click()
    await chief.at("save-comment").fill("Quieter nights")
    await chief.at("save-confirm").click()
    await chief.shows("toast", text="Saved as version")
    await chief.at("section-history").click()
    newest = await chief.shows("version", text="Quieter nights")
    await expect_element(newest).to_contain_text(CHIEF.login)
    answer = await chief.context.request.get(f"{centre.run.stack.panel_url}/api/routing")
    stored = await answer.json()
    assert stored["document"]["queues"][0]["alarm_after_s"] == 45
    assert chief.faults == []


async def test_a_colleagues_version_comes_on_screen_by_itself(centre: Centre) -> None:
    chief, colleague = await centre.enter(CHIEF), await centre.enter(ADMIN)
    for window in (chief, colleague):
        await window.at("page-routing").click()
        await window.shows("routing-version")
    field = '[data-path="queues/0/escalate_after_s"]'
    theirs = chief.page.locator(f"input{field}, {field} input").first
    shown = colleague.page.locator(f"input{field}, {field} input").first
    await theirs.fill("77")
    await chief.at("save").click()
    await chief.at("save-confirm").click()
    await chief.shows("toast", text="Saved as version")
    await expect_element(shown).to_have_value("77", timeout=ACTION_TIMEOUT_S * 1000)
    assert [*chief.faults, *colleague.faults] == []


async def test_a_new_person_gets_a_seat_and_a_phone_without_a_restart(centre: Centre) -> None:
    admin, onlooker = await centre.enter(ADMIN), await centre.enter(DESK)
    await admin.at("page-people").click()
    await admin.at("person-add").click()
    for field, value in (
        ("login", NEW.login),
        ("name", NEW.name),
        ("extension", NEW.extension),
        ("password", PASSWORD),
    ):
        await admin.at(f"person-{field}").fill(value)
    await admin.at("person-language").select_option(NEW.language)
    await admin.at("person-device").select_option(NEW.device.value)
    await admin.at("person-save").click()
    row = f'[data-agent="agent-{NEW.extension}"]'
    await onlooker.shows("agent-row", text=NEW.name, state="off", which=row)
    await add_phone(centre)
    newcomer = await centre.visit()
    await newcomer.enter(NEW.login, PASSWORD)
    await newcomer.ready()
    await onlooker.shows("agent-row", state="idle", which=row)
    await newcomer.at("presence-off").click()
    await onlooker.shows("agent-row", state="off", which=row)
    await newcomer.close()
    person = admin.page.locator("tr").filter(has_text=NEW.login)
    await person.get_by_role("button", name="Remove").click()
    await admin.at("person-remove-confirm").click()
    await admin.shows("toast", text="removed")
    await expect_element(onlooker.at("agent-row").and_(onlooker.page.locator(row))).to_have_count(
        0, timeout=ACTION_TIMEOUT_S * 1000
    )
    assert [*admin.faults, *onlooker.faults, *newcomer.faults] == []


async def add_phone(centre: Centre) -> None:
    """Set the new seat's phone up, and wait until Asterisk has taken it."""
    database = Database(centre.run.stack.config.database.url, request_timeout_s=DATABASE_TIMEOUT_S)
    try:
        profiles = await AccountStore(database).agents()
    finally:
        await database.close()
    profile = next(one for one in profiles if one.extension == NEW.extension)
    await centre.run.bank.add_phone(
        NEW.login,
        tone=NEW_TONE,
        registrar=centre.run.stack.registrar,
        username=profile.sip_username,
        password=profile.sip_password,
    )

    async def registered() -> bool:
        if centre.run.bank.history("registered", phone=NEW.login):
            return True
        with contextlib.suppress(PhoneError):  # it is still trying
            await centre.run.bank.register(NEW.login)
        return False

    await eventually("the new phone registers", registered)
