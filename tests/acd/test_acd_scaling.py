"""Proves that a decision does not cost in proportion to the line, nor to the call takers.

Only the ratio within one run is asserted, with slack for a busy machine: a hundred times as many
would cost a hundred times as much if a decision looked at them all.
"""

import pytest

from bench.acd import measure, slope

RATIO_MAX = 8.0
SLOPE_MAX = 0.5


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_line_a_hundred_times_as_long_costs_about_the_same() -> None:
    short, long = measure(((500, 100), (500, 10_000)), turns=250, repetitions=1)
    assert short.waited >= 100
    assert long.waited >= 10_000
    assert long.p50_us / short.p50_us < RATIO_MAX
    assert slope((100, 10_000), (short, long)) < SLOPE_MAX


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_hundred_times_as_many_call_takers_cost_about_the_same() -> None:
    few, many = measure(((30, 200), (3_000, 200)), turns=250, repetitions=1)
    assert many.p50_us / few.p50_us < RATIO_MAX
    assert slope((30, 3_000), (few, many)) < SLOPE_MAX
