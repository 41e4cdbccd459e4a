"""Renders configuration files of programs beside us: private, and whole or not at all."""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path

import jinja2

from ccserver.config import ConfigError

REPOSITORY = Path(__file__).resolve().parents[1]
"""Where the templates' folders lie (``asterisk-conf/``)."""


def render_folder(
    source_dir: Path, pattern: str, target: Path, values: Mapping[str, object]
) -> list[Path]:
    """Write every template of ``source_dir`` that matches ``pattern`` into ``target``.

    The files hold secrets: directory 0700, files 0600. Raises `ConfigError` where a template cannot
    be rendered; a file appears whole or not at all.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(source_dir),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - these are configuration files, not HTML
    )
    make_private(target)
    written = []
    for source in sorted(source_dir.glob(pattern)):
        try:
            text = environment.get_template(source.name).render(values)
        except jinja2.TemplateError as error:
            raise ConfigError(f"{source}: {error}.") from error
        written.append(write_private(target / source.name, text))
    return written


def make_private(directory: Path) -> None:
    """Make the directory, for nobody but us."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.chmod(0o700)  # also where it was there before


def write_private(path: Path, text: str) -> Path:
    """Write a file for nobody but us; a reader meanwhile sees the old or the new one."""
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)  # also where a former attempt left it behind
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    partial.replace(path)
    return path


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def overlap(one: Network, other: Network) -> bool:
    """Whether the two networks share an address."""
    if isinstance(one, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return one.overlaps(other)
    if isinstance(one, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return one.overlaps(other)
    return False
