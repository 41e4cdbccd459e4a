"""When a test on a real stack fails, the stack's last words are in the report: while it runs and
after an exception has ended it, bounded, and never those of another test's stack.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim import evidence
from sim.stack import Stack, seats

pytest_plugins = ["pytester"]

CONSOLE = (sys.executable, "-c", "import sys; print('Asterisk was asked:', sys.argv[-1])")


def scene(folder: Path, console: tuple[str, ...] = CONSOLE) -> evidence.Scene:
    (folder / "asterisk" / "log").mkdir(parents=True)
    (folder / "ccserver.log").write_text("\n".join(f"line {n}" for n in range(500)))
    (folder / "edge.log").write_bytes(b"\xff" * 100_000 + b" the edge's end")
    (folder / "asterisk" / "log" / "messages").write_text("NOTICE of Asterisk's own\n")
    return evidence.Scene(folder, console)


@pytest.fixture(autouse=True)
def nothing_else() -> Iterator[None]:
    evidence.forget()
    yield
    evidence.forget()


def test_a_stack_that_runs_shows_the_ends_of_its_logs_and_what_asterisk_has(tmp_path: Path) -> None:
    evidence.begun(scene(tmp_path))
    text = next(each for each in evidence.told() if str(tmp_path) in each)
    evidence.ended(tmp_path, badly=False)
    assert "line 499" in text
    assert "line 440" in text
    assert "line 439\n" not in text
    assert "the edge's end" in text
    assert "NOTICE of Asterisk's own" in text
    for question in ("core show channels", "bridge show all"):
        assert f"Asterisk was asked: {question}" in text
    assert len(text) < 2 * evidence.OCTETS_MAX
    assert not [each for each in evidence.told() if str(tmp_path) in each]


def test_of_a_stack_that_has_ended_well_nothing_is_kept(tmp_path: Path) -> None:
    evidence.begun(scene(tmp_path))
    evidence.ended(tmp_path, badly=False)
    assert not [each for each in evidence.told() if str(tmp_path) in each]


def test_whoever_does_not_answer_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "CONSOLE_S", 0.1)
    evidence.begun(
        scene(tmp_path, (sys.executable, "-c", "input() or __import__('time').sleep(60)"))
    )
    evidence.begun(evidence.Scene(tmp_path / "none", (str(tmp_path / "no such program"),)))
    evidence.ended(tmp_path, badly=True)
    evidence.ended(tmp_path / "none", badly=True)
    first, second = evidence.told()[:2]
    assert "line 499" in first
    assert "no answer" in second


async def test_a_stack_that_an_exception_ends_is_remembered(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", seats(1))

    async def fails() -> None:
        try:
            await stack.prepare()
            (stack.data_dir / "ccserver.log").write_text("its last words")
            raise ZeroDivisionError
        finally:
            await stack.stop()

    with pytest.raises(ZeroDivisionError):
        await fails()
    (text,) = [each for each in evidence.told() if str(tmp_path) in each]
    assert "its last words" in text


INSIDE = """
import pytest
from pathlib import Path
from sim import evidence

FOLDER = Path({folder})

@pytest.fixture
def stack():
    evidence.begun(evidence.Scene(FOLDER, {console}))
    yield
    evidence.ended(FOLDER, badly=False)

@pytest.mark.{mark}
def test_that_fails(stack):
    raise AssertionError
"""


@pytest.mark.parametrize(("mark", "shown"), [("stack", True), ("asterisk", True), ("slow", False)])
def test_the_report_of_a_failed_test_has_it(
    pytester: pytest.Pytester, tmp_path: Path, mark: str, shown: bool
) -> None:
    folder = tmp_path / "a stack"
    scene(folder)
    pytester.makeini("[pytest]\nmarkers = stack\n  asterisk\n  slow\n")
    pytester.makeconftest("from tests.conftest import *")
    pytester.makepyfile(INSIDE.format(folder=repr(str(folder)), console=repr(CONSOLE), mark=mark))
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert ("line 499" in text) is shown
    assert ("Asterisk was asked: bridge show all" in text) is shown
