"""How tests are shared out among processes: a file's tests together, real waits first and apart."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SHORT = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_short(number, ran):
    ran("short")
"""
REAL = """
import pytest

@pytest.mark.stack
@pytest.mark.parametrize("number", range(3))
def test_real(number, ran):
    ran("real")
"""
SHARED = """
import pytest

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

@pytest.mark.parametrize("number", range(3))
async def test_shared(number, ran):
    ran("shared")
"""
GROUP = """
import pytest

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("group")]

@pytest.mark.parametrize("number", range(3))
def test_of_a_group(number, ran):
    ran("group")
"""
INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
markers =
  stack
  slow
  browser
"""
CONFTEST = """
import os
import pytest
from tests.conftest import *

@pytest.fixture
def ran():
    def note(what):
        with open({notes!r}, "a") as file:
            file.write(f"{{what}} {{os.environ['PYTEST_XDIST_WORKER']}}\\n")
    return note
"""


ROOT = Path(__file__).parents[1]


def test_who_shares_runs_in_one_process_and_who_waits_begins_first(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini(INI)
    notes = pytester.path / "notes"
    pytester.makeconftest(CONFTEST.format(notes=str(notes)))
    pytester.makepyfile(
        test_a_short=SHORT, test_b_real=REAL, test_c_shared=SHARED, test_d=GROUP, test_e=GROUP
    )
    result = pytester.runpytest_subprocess("-n", "2", "--dist", "loadgroup")
    result.assert_outcomes(passed=16)
    lines = [line.split() for line in notes.read_text().splitlines()]
    for what in ("short", "shared", "group"):
        assert len({worker for each, worker in lines if each == what}) == 1, f"{what} is one unit"
    for process in ("gw0", "gw1"):
        order = [what == "short" for what, worker in lines if worker == process]
        assert order == sorted(order), "short tests come after real ones"
