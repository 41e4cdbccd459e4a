"""The command line's part of this room: ``ccserver msd decode`` and ``ccserver msd encode``."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from ccserver.ecall import json_form, msd
from ccserver.ecall.values import MSDInvalid, MSDUnwritable
from ccserver.location.commands import EXIT_INVALID, bounded_lines, octets_of

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

LINE_BYTES_MAX = 16 * 1024
"""Of a message as text; the longest has 140 octets, its JSON a thousand."""

STDIN = "-"

Piece = TypeVar("Piece")


class LineInvalid(ValueError):
    """A line holds no message in any of the forms; the text says why."""


def add_commands(commands: "Subparsers") -> None:
    """Add ``msd`` to the program's commands; it needs no configuration."""
    parser = commands.add_parser("msd", help="the data that cars send (EN 15722)")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    decode = actions.add_parser(
        "decode", help="print what messages tell, one line of JSON for each"
    )
    decode.add_argument(
        "files",
        nargs="*",
        default=[STDIN],
        help="a message in each, or one in hex or base64 on each line; - (the default) is standard"
        " input with such lines",
    )
    decode.set_defaults(run=_decode, needs_config=False)
    encode = actions.add_parser("encode", help="print messages in hex, one for each line of JSON")
    encode.add_argument(
        "files", nargs="*", default=[STDIN], help="lines of JSON; - (the default): standard input"
    )
    encode.add_argument(
        "--explicit-defaults",
        action="store_true",
        help="write energies that are not there too, as some cars do",
    )
    encode.set_defaults(run=_encode, needs_config=False)


def _decode(_: object, options: argparse.Namespace) -> int:
    return _each(options.files, _messages, _told)


def _encode(_: object, options: argparse.Namespace) -> int:
    def written(_: str, line: bytes) -> str:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise LineInvalid("This is not JSON.") from None
        made = json_form.from_json(value)
        return msd.encode(made, explicit_defaults=options.explicit_defaults).hex()

    return _each(options.files, _lines, written)


def _told(source: str, octets: bytes | None) -> str:
    if octets is None:
        raise LineInvalid("This is neither hexadecimal nor base64.")
    answer = json_form.to_json(msd.decode(octets), octets)
    return json.dumps({"source": source} | answer, ensure_ascii=False)


def _each(
    files: Iterable[str],
    pieces_of: Callable[[str], Iterator[tuple[str, Piece]]],
    work: Callable[[str, Piece], str],
) -> int:
    """Print what comes of each piece; 0 if all were good, else `EXIT_INVALID`.

    A bad one stops nothing.
    """
    status = 0
    for name in files:
        try:
            for source, piece in pieces_of(name):
                try:
                    print(work(source, piece))  # noqa: T201
                except (LineInvalid, MSDInvalid, MSDUnwritable) as error:
                    status = _refused(source, str(error))
        except OSError as error:
            status = _refused(name, f"The file cannot be read: {error.strerror}.")
    return status


def _refused(source: str, problem: str) -> int:
    print(json.dumps({"source": source, "error": problem}, ensure_ascii=False))  # noqa: T201
    return EXIT_INVALID


def _messages(name: str) -> Iterator[tuple[str, bytes | None]]:
    """Each message with where it came from; ``None``: a line that is none in any form."""
    if name != STDIN:
        with Path(name).open("rb") as file:
            # A message begins with its version, which is no character that a line begins with.
            if not file.peek()[:1].strip().isalnum():
                yield name, file.read(msd.OCTETS_READ_MAX)
                return
    for source, line in _lines(name):
        yield source, octets_of(line) if len(line) <= LINE_BYTES_MAX else None


def _lines(name: str) -> Iterator[tuple[str, bytes]]:
    """Each line that is not blank with where it came from, the end of one that is too long cut."""
    if name == STDIN:
        yield from _numbered(sys.stdin.buffer, "")
        return
    with Path(name).open("rb") as file:
        yield from _numbered(file, f"{name} ")


def _numbered(file: BinaryIO, prefix: str) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(bounded_lines(file, LINE_BYTES_MAX), start=1):
        if line.strip():
            yield f"{prefix}line {number}", line
