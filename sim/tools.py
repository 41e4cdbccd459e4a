"""What set-up installed, as it says in ``tools.json``."""

import os
from pathlib import Path
from typing import Annotated

import msgspec


class AsteriskTools(msgspec.Struct, frozen=True):
    """How to start Asterisk, and where its own files lie."""

    command: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    modules_dir: str
    data_dir: str
    version: str


class Tools(msgspec.Struct, frozen=True):
    """Everything outside the repository that the stack runs with."""

    asterisk: AsteriskTools
    sounds_dir: str
    panel_dir: str | None
    python: str
    chromium: str | None
    sipp: str | None
    sox: str | None
    map_dirs: tuple[str, ...] = ()
    kamailio: str | None = None


class SetUpMissing(Exception):
    """Set-up has not run; the text says what to run."""


def cache_dir() -> Path:
    """Where set-up keeps what it made."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("CCSERVER_CACHE", home / "ccserver"))


def load_tools() -> Tools:
    """Read ``tools.json``; raises `SetUpMissing`."""
    path = cache_dir() / "tools.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Tools)
    except (OSError, msgspec.DecodeError) as error:
        raise SetUpMissing(f"{path}: not usable ({error}); run bin/setup first") from error
