"""The command line: ``ccserver addresses import``, ``info``, ``search``, ``near``, ``sample``."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ccserver import config
from ccserver.addresses.importing import Imported, import_register
from ccserver.addresses.index import LIMIT_MAX, AddressIndex, read_info
from ccserver.addresses.sample import write_sample
from ccserver.addresses.values import (
    Address,
    AddressesUnavailable,
    ImportRefused,
    IndexInfo,
    SearchTimedOut,
)
from ccserver.location import LocationInvalid, Position

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

EXIT_INVALID = 2
"""As for every argument that cannot be used."""
EXIT_UNAVAILABLE = 69
"""EX_UNAVAILABLE of sysexits.h."""

PROBLEMS_SHOWN = 20
PROGRESS_EVERY_S = 1.0
SEARCH_TIMEOUT_S = 10.0
"""At the command line nobody speaks with a caller, and the file may have to come from a slow
disk."""


def add_commands(commands: "Subparsers") -> None:
    """Add ``addresses`` to the program's commands; each sets ``run(settings, options) ->
    status``."""
    addresses = commands.add_parser("addresses", help="the State Address Register")
    actions = addresses.add_subparsers(required=True, metavar="ACTION")
    imported = actions.add_parser("import", help="build the index from the register's open data")
    imported.add_argument(
        "source", type=Path, help="directory or zip file with aw_eka.csv and so on"
    )
    imported.add_argument(
        "--force",
        action="store_true",
        help="also if it is smaller than before or has many mistakes",
    )
    imported.set_defaults(run=_import)
    info = actions.add_parser("info", help="what the index holds, and where it comes from")
    info.set_defaults(run=_info)
    searched = actions.add_parser("search", help="find addresses as the panel does")
    searched.add_argument("text", nargs="+")
    searched.add_argument("--near", type=_point, metavar="LAT,LON", help="what is near comes first")
    searched.add_argument("--limit", type=_limit, default=10)
    searched.set_defaults(run=_search)
    near = actions.add_parser("near", help="the buildings at a point")
    near.add_argument("point", type=_point, metavar="LAT,LON")
    near.add_argument("--limit", type=_limit, default=5)
    near.set_defaults(run=_near)
    sample = actions.add_parser("sample", help="make a register up, for trials")
    sample.add_argument("directory", type=Path)
    sample.add_argument("--count", type=int, default=5_000, help="buildings (default: %(default)s)")
    sample.add_argument("--seed", type=int, default=1)
    sample.set_defaults(run=_sample)


def _import(settings: config.Config, options: argparse.Namespace) -> int:
    path = _path(settings)
    if path is None:
        return EXIT_INVALID
    began = time.monotonic()
    try:
        imported = import_register(
            options.source, path, force=options.force, progress=_Progress(sys.stderr.isatty())
        )
    except ImportRefused as error:
        return _wrong(str(error))
    _tell_problems(imported)
    _print_info(imported.info)
    print(f"took\t{time.monotonic() - began:.1f} s")  # noqa: T201
    return 0


def _info(settings: config.Config, _: argparse.Namespace) -> int:
    path = _path(settings)
    return EXIT_INVALID if path is None else _with_index(lambda: _print_info(read_info(path)))


def _search(settings: config.Config, options: argparse.Namespace) -> int:
    path = _path(settings)
    if path is None:
        return EXIT_INVALID

    def show() -> None:
        index = AddressIndex(path, timeout_s=SEARCH_TIMEOUT_S)
        text = " ".join(options.text)
        _print_addresses(index.search(text, limit=options.limit, near=options.near))

    return _with_index(show)


def _near(settings: config.Config, options: argparse.Namespace) -> int:
    path = _path(settings)
    if path is None:
        return EXIT_INVALID

    def show() -> None:
        found = AddressIndex(path, timeout_s=SEARCH_TIMEOUT_S).near(
            options.point, limit=options.limit
        )
        _print_addresses([*([found.place] if found.place else []), *found.addresses])

    return _with_index(show)


def _sample(_: config.Config, options: argparse.Namespace) -> int:
    try:
        write_sample(options.directory, count=options.count, seed=options.seed)
    except ValueError as error:
        return _wrong(f"{error}.")
    print(f"{options.directory}: {options.count} made-up buildings")  # noqa: T201
    return 0


class _Progress:
    """On a terminal one line that changes, elsewhere a line for each file."""

    def __init__(self, live: bool) -> None:
        self._live = live
        self._said_at = float("-inf")
        self._file = ""

    def __call__(self, file: str, done: int, total: int) -> None:
        now = time.monotonic()
        if file == self._file and (not self._live or now - self._said_at < PROGRESS_EVERY_S):
            return
        self._said_at, self._file = now, file
        share = f" {100 * done // total} %" if total and self._live else ""
        print(f"{file}{share}", file=sys.stderr, flush=True)  # noqa: T201


def _tell_problems(imported: Imported) -> None:
    problems = imported.problems
    for file, line, reason in problems.listed[:PROBLEMS_SHOWN]:
        print(f"{file}:{line}: {reason}", file=sys.stderr)  # noqa: T201
    for (file, reason), count in problems.counts.most_common():
        print(f"{file}: {count} rows left out: {reason}", file=sys.stderr)  # noqa: T201


def _print_info(info: IndexInfo) -> None:
    if info.synthetic:
        print("SINTĒTISKI DATI: made up, not the register")  # noqa: T201
    for name in info.__dataclass_fields__:
        print(f"{name}\t{getattr(info, name)}")  # noqa: T201


def _print_addresses(found: Sequence[Address]) -> None:
    for one in found:
        distance = "" if one.distance_m is None else f"{one.distance_m:.0f} m"
        notes = [f"formerly {one.former_text}"] if one.former_text else []
        notes += ["gone"] if one.old else []
        position = "" if one.lat is None else f"{one.lat:.6f},{one.lon:.6f}"
        columns = (one.code, one.kind.value, one.text, position, distance, ", ".join(notes))
        print("\t".join(columns).rstrip())  # noqa: T201


def _with_index(work: Callable[[], None]) -> int:
    try:
        work()
    except AddressesUnavailable as error:
        print(f"ccserver: {error}.", file=sys.stderr)  # noqa: T201
        return EXIT_UNAVAILABLE
    except SearchTimedOut as error:
        print(f"ccserver: the search took {error}.", file=sys.stderr)  # noqa: T201
        return EXIT_UNAVAILABLE
    return 0


def _path(settings: config.Config) -> Path | None:
    if settings.addresses.path:
        return Path(settings.addresses.path)
    _wrong("addresses.path is not set in the configuration.")
    return None


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LIMIT_MAX):
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {LIMIT_MAX}")
    return int(text)


def _point(text: str) -> Position:
    try:
        lat, lon = (float(part) for part in text.split(","))
        return Position(lat, lon)
    except LocationInvalid as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    except ValueError:
        raise argparse.ArgumentTypeError("latitude and longitude, such as 56.95,24.11") from None


def _wrong(line: str) -> int:
    print(f"ccserver: {line}", file=sys.stderr)  # noqa: T201
    return EXIT_INVALID
