"""Proves a few minutes of many kinds of centres: quick enough for every run of the tests."""

import pytest

from sim.acd.run import simulate

SEEDS_EACH = 6


@pytest.mark.parametrize("first_seed", [3000, 3100, 3200])
def test_a_few_simulated_minutes_hold(first_seed: int) -> None:
    results = [simulate(first_seed + number, 0.3) for number in range(SEEDS_EACH)]
    assert all(result.steps > 20 for result in results)
    assert sum(result.counts["ConnectContact"] for result in results) > 20
