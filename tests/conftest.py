"""For all tests: a failed one on a real stack shows what the stack says."""

from collections.abc import Generator

import pytest

from sim import evidence

REAL = ("stack", "asterisk")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    evidence.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the stacks say, at the moment of the failure: afterwards they may be gone."""
    report = yield
    if report.failed and any(item.get_closest_marker(name) for name in REAL):
        report.sections += [("what the stack says", text) for text in evidence.told()]
    return report
