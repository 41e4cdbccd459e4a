"""Simulated parts that are left running: lines on standard input tell them what to do.

What happens is one JSON line each on standard output. A line is a word and what belongs to it; a
line that means nothing is answered, and nothing ends by it. A terminal keeps its own line editing,
which `sim.prompt` takes away.
"""

import abc
import asyncio
import json
import signal
import threading
from collections.abc import Callable
from typing import ClassVar, Final

STDIN: Final = 0
LINES_MAX: Final = 100
"""That wait to be obeyed; whoever writes more has to wait as well."""
LINE_OCTETS_MAX: Final = 8_000
"""Longer than any text that is sent; what is longer is taken for two lines."""


class BadOption(Exception):
    """An option or a line that means nothing; the text says why."""


class Console(abc.ABC):
    """Does what lines say, and prints what happens; ``say`` gets what would be printed."""

    survived: ClassVar[tuple[type[Exception], ...]] = (BadOption, ValueError, OSError)
    """What a line may raise: it is told, and the next line is read."""

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        self.say = say or _print

    @abc.abstractmethod
    async def carry_out(self, word: str, rest: str) -> None:
        """Do what a line says; raises one of ``survived``."""

    @abc.abstractmethod
    async def watch(self) -> None:
        """Tell for ever what happens by itself."""

    def tell(self, event: str, **data: object) -> None:
        """Print one JSON line."""
        self.say(json.dumps({"event": event, **data}, ensure_ascii=False))

    async def obey(self, line: str) -> None:
        """Do what a line says; a line that means nothing is answered."""
        word, _, rest = line.strip().partition(" ")
        if not word:
            return
        try:
            await self.carry_out(word, rest.strip())
        except self.survived as error:
            self.tell("error", line=line.strip(), error=str(error))


def take_duration(options: dict[str, str]) -> float | None:
    """Take out ``for_s``: seconds, ``None`` for as long as nobody ends it; raises `BadOption`."""
    told = options.pop("for_s", None)
    if told is None:
        return None
    try:
        seconds = float(told)
    except ValueError as error:
        raise BadOption(f"for_s: {error}") from None
    if not seconds > 0:
        raise BadOption("for_s is more than nothing")
    return None if seconds == float("inf") else seconds


async def attend(console: Console, for_s: float | None) -> None:
    """Obey the lines of standard input until SIGINT or SIGTERM, or until the seconds are over.

    The end of standard input ends nothing. What breaks in the console is raised.
    """
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    lines: asyncio.Queue[str] = asyncio.Queue(LINES_MAX)
    # A thread, because a file cannot be waited for by the loop.
    threading.Thread(target=_read_lines, args=(loop, lines), daemon=True).start()
    tasks = [
        asyncio.create_task(over.wait(), name="console-over"),
        asyncio.create_task(_obey_all(console, lines), name="console-lines"),
        asyncio.create_task(console.watch(), name="console-watch"),
    ]
    await asyncio.wait(tasks, timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


async def _obey_all(console: Console, lines: asyncio.Queue[str]) -> None:
    while True:
        await console.obey(await lines.get())


def _read_lines(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str]) -> None:
    # Unbuffered: the lock of a buffer in which a thread waits is in the way when the process ends.
    with open(STDIN, "rb", buffering=0, closefd=False) as plain:
        while octets := plain.readline(LINE_OCTETS_MAX):
            line = octets.decode("utf-8", "replace")
            try:
                asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
            except (RuntimeError, asyncio.CancelledError):
                return


def _print(text: str) -> None:
    print(text, flush=True)
