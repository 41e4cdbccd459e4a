"""How texts are handled, in a real browser: a promise refused, a change saved and in force."""

from typing import Any

import pytest

from sim.scenarios.base import eventually
from tests.browser.accessible import violations
from tests.browser.conftest import CHIEF, Centre

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_supervisor_changes_how_texts_are_handled(centre: Centre) -> None:
    chief = await centre.enter(CHIEF)
    await chief.at("page-messaging").click()
    await chief.shows("messaging-version")

    await chief.at("section-automatic_acknowledgement").click()
    english = chief.page.locator('[data-path="automatic_acknowledgement/texts/en"]')
    await english.fill("112: help is on the way!")
    await chief.shows("problem-list", text="must not say that help is coming")
    await chief.at("save").click()
    await chief.shows("save-blocked")
    await chief.page.keyboard.press("Escape")
    await english.fill("112 received your text.")
    await chief.hides("problem-list")
    await chief.page.locator('[data-path="automatic_acknowledgement/active"]').check()

    await chief.at("save").click()
    await chief.at("save-confirm").click()
    await chief.shows("toast", text="Saved as version")
    url = f"{centre.run.stack.panel_url}/api/messaging"

    async def in_force() -> Any:
        answer = await (await chief.context.request.get(url)).json()
        return answer["version"] == 1 and answer

    answer = await eventually("the version is in force", in_force)
    assert answer["acknowledges"] is True
    for section in ("snippets", "templates", "general"):
        await chief.at(f"section-{section}").click()
        assert await violations(chief, "messaging") == []
    assert chief.faults == []
