"""Lines typed beside the live view: whole, edited, from a pipe, and where nobody can type."""

import asyncio
import os
import pty
import termios

from sim.prompt import LINE_CHARS_MAX, LINES_MAX, Prompt
from sim.scenarios.base import eventually


async def _is(found: object, wanted: object) -> bool:
    return found == wanted


async def test_lines_come_from_a_pipe_whole_whatever_the_pieces() -> None:
    reading, writing = os.pipe()
    try:
        with Prompt(reading) as prompt:
            assert prompt.listens
            letters = "+37120000001 Palīgā\ncounts\n".encode()
            os.write(writing, letters[:18])  # in the middle of a letter
            os.write(writing, letters[18:])
            async with asyncio.timeout(60):
                assert await prompt.line() == "+37120000001 Palīgā"
                assert await prompt.line() == "counts"
            os.close(writing)
            await eventually("the end is seen", lambda: _is(prompt.listens, False))
    finally:
        os.close(reading)


async def test_what_is_typed_is_seen_and_can_be_erased() -> None:
    with Prompt(os.open(os.devnull, os.O_RDONLY)) as prompt:
        prompt.feed("drpo\x7f\x7f")
        assert prompt.typed == "dr"
        prompt.feed("op\x1b\n")
        assert (await prompt.line(), prompt.typed) == ("drop", "")
        prompt.feed("something\x15")
        assert prompt.typed == ""


async def test_bounds_of_a_line_and_of_lines() -> None:
    with Prompt(os.open(os.devnull, os.O_RDONLY)) as prompt:
        assert not prompt.listens, "nobody types into /dev/null"
        prompt.feed("x" * (LINE_CHARS_MAX + 5))
        assert len(prompt.typed) == LINE_CHARS_MAX
        prompt.feed("\n" * (LINES_MAX + 5))
        assert len(await prompt.line()) == LINE_CHARS_MAX


async def test_a_terminal_of_others_is_left_as_it_is() -> None:
    ours, theirs = pty.openpty()
    try:
        before = termios.tcgetattr(theirs)
        with Prompt(theirs) as prompt:
            assert not prompt.listens
            assert termios.tcgetattr(theirs) == before
    finally:
        os.close(ours)
        os.close(theirs)
