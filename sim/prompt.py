"""Lines typed while a live view has the terminal: what is being typed is part of the view.

Where standard input is no terminal its lines are taken as they come; where there is none, or
where it belongs to another command in the foreground, nothing is read.
"""

import asyncio
import codecs
import os
import sys
import termios
import tty
from types import TracebackType
from typing import Self

LINES_MAX = 100
"""That wait to be carried out; more are dropped, as nobody types so fast."""
LINE_CHARS_MAX = 2_000
"""Longer than any text that is sent."""
READ_BYTES = 4_096
ERASE = "\x7f\b"
ERASE_LINE = "\x15"


class Prompt:
    """``with Prompt() as prompt`` reads standard input until it leaves."""

    def __init__(self, descriptor: int | None = None) -> None:
        self.typed = ""
        """What stands there before Enter."""
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lines: asyncio.Queue[str] = asyncio.Queue(LINES_MAX)
        self._before: list[object] | None = None
        self._reading = False

    def __enter__(self) -> Self:
        if os.isatty(self._descriptor):
            if not _in_the_foreground(self._descriptor):
                return self
            self._before = termios.tcgetattr(self._descriptor)
            # Ctrl-C stays a signal; letters are not written into the view by the terminal.
            tty.setcbreak(self._descriptor)
        try:
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)
            self._reading = True
        except OSError:
            # A file or /dev/null cannot be waited for, and nobody types there.
            pass
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop_reading()
        if self._before is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]

    @property
    def listens(self) -> bool:
        """Whether anything typed is read."""
        return self._reading

    async def line(self) -> str:
        """The next line, without its end."""
        return await self._lines.get()

    def feed(self, text: str) -> None:
        """Take letters; Backspace and Ctrl-U erase, Enter ends a line."""
        for letter in text:
            if letter in "\r\n":
                if not self._lines.full():
                    self._lines.put_nowait(self.typed)
                self.typed = ""
            elif letter in ERASE:
                self.typed = self.typed[:-1]
            elif letter == ERASE_LINE:
                self.typed = ""
            elif letter.isprintable() and len(self.typed) < LINE_CHARS_MAX:
                self.typed += letter

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self._stop_reading()
            return
        self.feed(self._decoder.decode(data))

    def _stop_reading(self) -> None:
        if self._reading:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            self._reading = False


def _in_the_foreground(descriptor: int) -> bool:
    """A command in the background would be stopped if it changed the terminal."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False
