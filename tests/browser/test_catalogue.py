"""The catalogue in a real browser: one change, checked, saved, in force at once."""

from typing import Any

import pytest

from sim.scenarios.base import eventually
from tests.browser.conftest import CHIEF, Centre

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_types_priority_is_changed_and_in_force_at_once(centre: Centre) -> None:
    chief = await centre.enter(CHIEF)
    await chief.at("page-catalogue").click()
    await chief.shows("catalogue-version")
    priority = chief.page.locator('input[data-path="types/0/priority"]')
    await priority.fill("11")
    await chief.shows("problem-list")
    await chief.at("save").click()
    await chief.shows("save-blocked")
    await chief.page.keyboard.press("Escape")
    await priority.fill("10")
    await chief.hides("problem-list")
    await chief.at("save").click()
    await chief.at("save-comment").fill("Fires are always urgent")
    await chief.at("save-confirm").click()
    await chief.shows("toast", text="Saved as version")
    await chief.at("section-history").click()
    await chief.shows("version", text="Fires are always urgent")
    url = f"{centre.run.stack.panel_url}/api/catalogue"

    async def in_force() -> Any:
        answer = await (await chief.context.request.get(url)).json()
        return answer["version"] == 1 and answer

    answer = await eventually("the version is in force", in_force)
    assert answer["catalogue"]["types"][0]["priority"] == 10
    guide = await chief.context.request.post(
        f"{url}/guide", data={"type": "fire"}, headers={"X-CCServer": "1"}
    )
    assert (await guide.json())["priority"] == 10
    assert chief.faults == []
