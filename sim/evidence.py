"""What stacks have to say when a test has failed: their logs' ends, and what Asterisk has open.

A stack tells `begun` and `ended`. Whoever sees a failure asks `told`: of the stacks that run, and
of those that an exception has ended, whose files may be gone by then. All of it is synchronous, as
there may be no event loop any more.
"""

import subprocess
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LINES = 60
OCTETS_MAX = 32_768
"""Read of each log: sixty lines of five hundred characters, and no more if a line has no end."""
CONSOLE_S = 5.0
"""For each question to Asterisk's console: it may be what hangs."""
STACKS_MAX = 4
"""Remembered after their end; a test that has more is told of by its last."""
LOGS = ("ccserver.log", "edge.log", "asterisk.log", "asterisk/log/*")
QUESTIONS = ("core show channels", "bridge show all")


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a stack's files are, and how its Asterisk's console is asked."""

    folder: Path
    console: tuple[str, ...]
    """Its command, to which ``-rx`` and a question are added."""


_running: dict[Path, Scene] = {}
_ended: deque[str] = deque(maxlen=STACKS_MAX)


def begun(scene: Scene) -> None:
    """A stack starts."""
    _running[scene.folder] = scene


def ended(folder: Path, *, badly: bool) -> None:
    """A stack is about to end; ``badly``: because of an exception, so what it says is kept."""
    scene = _running.pop(folder, None)
    if scene is not None and badly:
        _ended.append(_of(scene))


def told() -> list[str]:
    """What there is to say, a text for each stack."""
    return [*_ended, *map(_of, _running.values())]


def forget() -> None:
    """Another test begins: nothing that has ended is of interest to it."""
    _ended.clear()


def tail(path: Path, lines: int = LINES) -> str:
    """The last lines of a file; of very long ones the end."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - OCTETS_MAX))
        text = file.read().decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-lines:])


def _of(scene: Scene) -> str:
    found = [path for name in LOGS for path in sorted(scene.folder.glob(name)) if path.is_file()]
    parts = [(str(path.relative_to(scene.folder)), _read(path)) for path in found]
    parts += [(question, _ask(scene.console, question)) for question in QUESTIONS]
    texts = [f"-- {title}\n{text}" for title, text in parts if text]
    return "\n".join([f"stack in {scene.folder}", *texts])


def _read(path: Path) -> str:
    try:
        return tail(path)
    except OSError as error:
        return f"cannot be read: {error}"


def _ask(console: Sequence[str], question: str) -> str:
    try:
        answer = subprocess.run(
            [*console, "-rx", question],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CONSOLE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no answer: {error}"
    text = (answer.stdout or answer.stderr).decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-LINES:])
