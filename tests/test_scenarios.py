"""The named end-to-end scenarios hold, each on a private instance of the whole real stack."""

import asyncio

import pytest

from sim.scenarios import SCENARIOS, run_scenario

ELSEWHERE = {"browser-call", "pop-latency"}  # in tests/browser, with Chromium
OPTIONS = {
    "aml": {"late_s": "9", "moves": "6"},  # a telephone takes 22 s; the first expires after 6
    "ecall": {"cars": "40", "rate": "10"},  # a motorway has 200
    "latency": {"rate": "2", "calls": "6", "takers": "8"},  # thirty logins take their time
    "chaos": {"rounds": "5", "seed": "20"},  # the long one: rounds=500
}
DEADLINE_S = 400.0
"""Of the longest on a machine that has ten other things to do; alone it takes a quarter of it."""


@pytest.mark.stack
@pytest.mark.timeout(DEADLINE_S + 30)
@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - ELSEWHERE))
def test_scenario_holds(name: str) -> None:
    async def run() -> dict[str, object]:
        async with asyncio.timeout(DEADLINE_S):
            return await run_scenario(name, options=OPTIONS.get(name))

    measured = asyncio.run(run())
    assert measured, "a scenario says what it measured"
