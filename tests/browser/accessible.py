"""Accessibility as axe-core finds it in a page that is really drawn: contrast too, unlike jsdom."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from sim.browser import Workplace
from sim.tools import SetUpMissing

REPO = Path(__file__).parents[2]
WHERE = '. bin/lib/setup.sh; panel_locate && printf "%s" "$PANEL_MODULES"'

RUN_JS = """
async (testid) => {
  const part = testid ? document.querySelector(`[data-testid="${testid}"]`) : document;
  const { violations } = await axe.run(part, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
}
"""


@cache
def _axe() -> str:
    """The library as set-up installed it for the panel's own tests; raises `SetUpMissing`."""
    told = subprocess.run(
        ["bash", "-c", WHERE], cwd=REPO, capture_output=True, text=True, check=False
    )
    file = Path(told.stdout) / "node_modules" / "axe-core" / "axe.min.js"
    if not file.is_file():
        raise SetUpMissing("the panel's modules are missing; run bin/setup first")
    return file.read_text()


async def violations(workplace: Workplace, testid: str | None = None) -> list[str]:
    """What is against a rule in that part of the page as it is now: the rule, and the element.

    Without a part it is the whole page, which has rules of its own.
    """
    await workplace.page.evaluate(_axe())
    found: list[Any] = await workplace.page.evaluate(RUN_JS, testid)
    return [str(one) for one in found]
