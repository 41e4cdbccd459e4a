"""Programs that are told by lines: each line is obeyed or answered, of any octets and length, from
a file as well as from a pipe; a signal or the time ends them, and what breaks in them is loud.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.typed import LINE_OCTETS_MAX, BadOption, Console, attend, take_duration

DEADLINE_S = 60.0


class Parrot(Console):
    """Says every line again."""

    def __init__(self, say: Callable[[str], None], watches: Callable[[], None]) -> None:
        super().__init__(say)
        self._watches = watches

    async def carry_out(self, word: str, rest: str) -> None:
        if word == "wrong":
            raise BadOption("that is wrong")
        if word == "broken":
            raise ArithmeticError("our bug")
        self.tell("said", word=word, rest=rest)

    async def watch(self) -> None:
        self._watches()
        await asyncio.Event().wait()


def nothing() -> None:
    pass


async def test_a_line_is_obeyed_or_answered() -> None:
    said: list[str] = []
    parrot = Parrot(said.append, nothing)
    for line in ("  hello  big world \n", "\n", "wrong line"):
        await parrot.obey(line)
    assert [json.loads(line) for line in said] == [
        {"event": "said", "word": "hello", "rest": "big world"},
        {"event": "error", "line": "wrong line", "error": "that is wrong"},
    ]
    with pytest.raises(ArithmeticError):
        await parrot.obey("broken")


@pytest.mark.parametrize("told", ["soon", "0", "-1", "nan"])
def test_a_duration_that_is_none_is_said(told: str) -> None:
    with pytest.raises(BadOption):
        take_duration({"for_s": told})


def test_a_duration_is_taken_out() -> None:
    options = {"for_s": "2.5", "x": "1"}
    assert (take_duration(options), options) == (2.5, {"x": "1"})
    assert take_duration({}) is None
    assert take_duration({"for_s": "inf"}) is None


async def test_the_time_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _input_is(monkeypatch, os.open(os.devnull, os.O_RDONLY))
    await attend(Parrot(print, nothing), 0.01)


async def test_a_signal_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _input_is(monkeypatch, os.open(os.devnull, os.O_RDONLY))
    async with asyncio.timeout(DEADLINE_S):
        await attend(Parrot(print, lambda: os.kill(os.getpid(), signal.SIGTERM)), None)


async def test_what_breaks_is_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    _input_is(monkeypatch, os.open(os.devnull, os.O_RDONLY))

    def breaks() -> None:
        raise ArithmeticError("our bug")

    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(ArithmeticError):
            await attend(Parrot(print, breaks), None)


async def test_lines_of_a_file_of_any_octets_and_length(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(b"one\n\xff two\n" + b"x" * (LINE_OCTETS_MAX + 2) + b"\n" * 300 + b"last")
    _input_is(monkeypatch, os.open(lines, os.O_RDONLY))
    said: list[str] = []
    over = asyncio.Event()

    def say(text: str) -> None:
        said.append(json.loads(text)["word"])
        if said[-1] == "last":
            over.set()

    async with asyncio.timeout(DEADLINE_S):
        attending = asyncio.create_task(attend(Parrot(say, nothing), None))
        await over.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await attending
    assert said == ["one", "\N{REPLACEMENT CHARACTER}", "x" * LINE_OCTETS_MAX, "xx", "last"]


def _input_is(monkeypatch: pytest.MonkeyPatch, descriptor: int) -> None:
    monkeypatch.setattr("sim.typed.STDIN", descriptor)


async def test_a_car_runs_as_a_process_until_it_is_told_to_end() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sim", "car", "to=sip:127.0.0.1:9", "for_s=300"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        process.stdin.write(b"flying\n")
        events = [json.loads(await process.stdout.readline()) for _ in range(2)]
        process.terminate()
        assert await process.wait() == 0
    assert [event["event"] for event in events] == ["ready", "error"]
