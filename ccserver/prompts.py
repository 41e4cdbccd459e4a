"""Voice prompts from texts: espeak-ng speaks, sox brings the speech to telephone level.

A file is named by the content it is made from, so that a changed text is another file, a file is
never made twice, and one that is being heard is never overwritten. Where the tools are missing, or
a text cannot be spoken, the prompts of the same name that were made at set-up are heard instead.

The steps and levels are those of ``bin/lib/sounds.sh``: 8 kHz 16-bit signed linear, which Asterisk
need not decode.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

RECIPE = 1
"""Part of every file's name; to be raised when the steps below change what is heard."""

TEXT_LENGTH_MAX = 600
"""About a minute of speech. A caller who has to listen for longer hears nothing of it."""

PROMPTS_MAX = 300
"""Prompts times languages of one plan; more would be spoken for minutes on two cores."""

TOOL_TIMEOUT_S = 20.0
"""The longest text takes under 2 s on an idle machine."""

KILL_TIMEOUT_S = 1.0
"""A killed program's pipes are closed at once."""

SOUND_BYTES_MAX = 4 * 1024 * 1024
"""Over four minutes; a prompt of the longest text has about a quarter of it."""

FILES_KEPT_MAX = 1000
"""The oldest of those that no plan wants any more are deleted beyond this: about 200 MB."""

WORDS_PER_MIN = 150  # slower than espeak's own 175: the listener may be in panic
SPEECH_RMS_DB = -20.0  # as loud as a person who speaks into a phone
SILENT_RMS_DB = -70.0  # nothing was spoken
SHAPE = ("gain", "-6", "highpass", "120", "norm", "-3", "pad", "0.1", "0.4")
TELEPHONE = ("-t", "raw", "-e", "signed-integer", "-b", "16", "-L", "-c", "1", "-r", "8000")

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_RMS = re.compile(rb"^RMS lev dB\s+(-?[0-9.]+|-inf)", re.MULTILINE)

PromptKey = tuple[str, str]
"""Name and language."""


class PromptNotMade(Exception):
    """This text did not become audio; the text of the exception is a short code for logs."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is said, by language: ``Prompt("welcome", {"lv": "…", "en": "…"})``."""

    name: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PromptTools:
    """Paths of the two programs."""

    espeak: str
    sox: str

    @classmethod
    def find(cls) -> "PromptTools | None":
        """Those on this machine; ``None`` if one is missing."""
        espeak, sox = shutil.which("espeak-ng"), shutil.which("sox")
        return cls(espeak, sox) if espeak and sox else None


class PromptMaker:
    """Makes each prompt once. ``set_up_dir`` holds ``<language>/<name>.sln`` as made at set-up."""

    def __init__(
        self, directory: Path, tools: PromptTools | None, *, set_up_dir: Path | None = None
    ) -> None:
        if "," in str(directory) or "," in str(set_up_dir):
            raise ValueError("a comma in a directory of prompts would end the name for ARI")
        self._directory = directory.absolute()
        self._tools = tools
        self._set_up_dir = set_up_dir.absolute() if set_up_dir else None
        self._one_at_a_time = asyncio.Lock()  # two cores carry calls at the same time

    async def ensure(self, prompts: Sequence[Prompt]) -> Mapping[PromptKey, str]:
        """A media URI of ARI for every prompt that can be heard; never raises.

        A text that becomes no audio is logged and answered by the prompt of the same name made at
        set-up (an underscore is a hyphen there), or left out where there is none.
        """
        found: dict[PromptKey, str] = {}
        wanted = [(p.name, language, text) for p in prompts for language, text in p.texts.items()]
        if len(wanted) > PROMPTS_MAX:
            log.warning("prompts_left_out", count=len(wanted) - PROMPTS_MAX)
        async with self._one_at_a_time:
            for name, language, text in wanted[:PROMPTS_MAX]:
                media = await self._one(name, language, text)
                if media is not None:
                    found[name, language] = media
            await asyncio.to_thread(self._prune, set(found.values()))
        return found

    async def _one(self, name: str, language: str, text: str) -> str | None:
        try:
            if not _NAME.fullmatch(name) or not _LANGUAGE.fullmatch(language):
                raise PromptNotMade("bad_name")
            spoken = _spoken(text)
            stem = self._directory / content_hash(language, spoken)
            if not await asyncio.to_thread(stem.with_suffix(".sln").is_file):
                await self._make(stem, language, spoken)
        except (PromptNotMade, OSError) as error:
            reason = str(error) if isinstance(error, PromptNotMade) else type(error).__name__
            log.warning("prompt_not_made", prompt=name, language=language, reason=reason)
            return await asyncio.to_thread(self._made_at_set_up, name, language)
        return f"sound:{stem}"

    def _made_at_set_up(self, name: str, language: str) -> str | None:
        if (
            self._set_up_dir is None
            or not _NAME.fullmatch(name)
            or not _LANGUAGE.fullmatch(language)
        ):
            return None
        stem = self._set_up_dir / language / name.replace("_", "-")
        return f"sound:{stem}" if stem.with_suffix(".sln").is_file() else None

    async def _make(self, stem: Path, language: str, text: str) -> None:
        """Speak, filter, measure, bring to level; the file appears whole or not at all."""
        tools = self._tools
        if tools is None:
            raise PromptNotMade("no_tools")
        await asyncio.to_thread(self._directory.mkdir, mode=0o755, parents=True, exist_ok=True)
        work = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=".", dir=self._directory))
        try:
            raw, clean, final = (str(work / name) for name in ("raw.wav", "clean.wav", "final.raw"))
            rate = str(WORDS_PER_MIN)
            await _run([tools.espeak, "--stdin", "-v", language, "-s", rate, "-w", raw], text)
            await _run([tools.sox, raw, "-r", "16000", "-c", "1", clean, *SHAPE])
            level = _RMS.search(await _run([tools.sox, clean, "-n", "stats"]))
            rms_db = float(level[1]) if level else float("-inf")
            if rms_db < SILENT_RMS_DB:
                raise PromptNotMade("nothing_spoken")
            gain = f"{SPEECH_RMS_DB - rms_db:.2f}"
            await _run([tools.sox, clean, *TELEPHONE, final, "gain", "-l", gain])
            await asyncio.to_thread(_publish, Path(final), stem.with_suffix(".sln"))
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)

    def _prune(self, wanted: set[str]) -> None:
        """Delete the oldest files that are not wanted, beyond those that are kept."""
        kept = {Path(media.removeprefix("sound:")).name for media in wanted}
        with contextlib.suppress(OSError):
            files = sorted(
                (path for path in self._directory.glob("*.sln") if path.stem not in kept),
                key=lambda path: path.stat().st_mtime,
            )
            for path in files[: max(0, len(files) - FILES_KEPT_MAX)]:
                path.unlink(missing_ok=True)


def content_hash(language: str, text: str) -> str:
    """The file's name: of everything that decides what is heard."""
    content = json.dumps([RECIPE, WORDS_PER_MIN, SPEECH_RMS_DB, language, text])
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _spoken(text: str) -> str:
    """One line without control characters; raises `PromptNotMade` where nothing can be said."""
    printable = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    line = " ".join(unicodedata.normalize("NFC", printable).split())
    if not line:
        raise PromptNotMade("empty_text")
    if len(line) > TEXT_LENGTH_MAX:
        raise PromptNotMade("text_too_long")
    return line


async def _run(command: Sequence[str], text: str = "") -> bytes:
    """Run a program to its end; returns what it wrote on standard error."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(TOOL_TIMEOUT_S):
            _, errors = await process.communicate(text.encode())
    except BaseException as error:
        await _kill(process)
        if isinstance(error, TimeoutError):
            raise PromptNotMade("too_slow") from None
        raise
    if process.returncode != 0:
        raise PromptNotMade("tool_failed")
    return errors


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End it with whatever it has started, which may hold its pipes open beyond its own end."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    if process.stderr is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KILL_TIMEOUT_S):
                await process.stderr.read()


def _publish(made: Path, final: Path) -> None:
    size = made.stat().st_size
    if not 0 < size <= SOUND_BYTES_MAX:
        raise PromptNotMade("bad_size")
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.chmod(0o644)  # Asterisk may run as another user
    made.replace(final)
