"""The command line's part of this room: ``ccserver pidf decode``."""

import argparse
import binascii
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ccserver.location.pidf import PIDFLO, PIDFLOInvalid, Place
from ccserver.location.xml import BYTES_MAX

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

EXIT_INVALID = 65  # EX_DATAERR of sysexits.h

LINE_BYTES_MAX = 2 * BYTES_MAX
"""A document in hex."""

_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def add_commands(commands: "Subparsers") -> None:
    """Add ``pidf`` to the program's commands; it needs no configuration."""
    pidf = commands.add_parser("pidf", help="location documents (PIDF-LO)")
    actions = pidf.add_subparsers(required=True, metavar="ACTION")
    decode = actions.add_parser(
        "decode", help="print what documents tell, one line of JSON for each"
    )
    decode.add_argument(
        "files",
        nargs="*",
        default=["-"],
        help="a document in each, or one in hex or base64 on each line; - (the default) is standard"
        " input with one document a line, in hex or base64 or as it is",
    )
    decode.set_defaults(run=_decode, needs_config=False)


def _decode(_: object, options: argparse.Namespace) -> int:
    """0 if every document was read, otherwise `EXIT_INVALID`; a bad one stops nothing."""
    status = 0
    for name in options.files:
        try:
            for source, data in _documents(name):
                told = _told(data)
                status = EXIT_INVALID if "error" in told else status
                _print({"source": source} | told)
        except OSError as error:
            status = EXIT_INVALID
            _print({"source": name, "error": f"The file cannot be read: {error.strerror}."})
    return status


def _print(line: dict[str, object]) -> None:
    print(json.dumps(line, ensure_ascii=False))  # noqa: T201


def _documents(name: str) -> Iterator[tuple[str, bytes]]:
    """Each document with where it came from; one longer than is read comes cut."""
    if name == "-":
        yield from _on_lines(sys.stdin.buffer, "")
        return
    with Path(name).open("rb") as file:
        if file.peek().lstrip()[:1].isalnum():
            # An XML document begins otherwise, whatever its encoding.
            yield from _on_lines(file, f"{name} ")
        else:
            yield name, file.read(BYTES_MAX + 1)


def _on_lines(file: BinaryIO, prefix: str) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(bounded_lines(file, LINE_BYTES_MAX), start=1):
        if line.strip():
            octets = None if line.lstrip()[:1] == b"<" else octets_of(line)
            yield f"{prefix}line {number}", line if octets is None else octets


def octets_of(line: bytes) -> bytes | None:
    """The octets of hex, with or without separators, or of base64; ``None`` for anything else.

    What is hex is not taken for base64: every text of hex is that as well.
    """
    text = b"".join(line.replace(b":", b" ").split())
    try:
        return bytes.fromhex(text.removeprefix(b"0x").decode("ascii"))
    except ValueError:
        pass
    text = text.translate(_URL_SAFE)
    try:
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        return None


def bounded_lines(file: BinaryIO, bytes_max: int) -> Iterator[bytes]:
    """Lines, of which what is beyond ``bytes_max`` is passed over but for one byte, which tells."""
    while line := file.readline(bytes_max + 1):
        rest = line
        while not rest.endswith(b"\n") and rest:
            rest = file.readline(bytes_max + 1)
        yield line


def _told(data: bytes) -> dict[str, object]:
    try:
        document = PIDFLO.parse(data)
    except PIDFLOInvalid as error:
        return {"error": str(error)}
    return {
        "entity": document.entity,
        "places": [_place(place) for place in document.places],
        "oddities": [{"code": o.code, "detail": o.detail} for o in document.oddities],
    }


def _place(place: Place) -> dict[str, object]:
    shape = place.shape
    return {
        "shape": None if shape is None else shape.as_json(),
        "lat": None if shape is None else shape.centre.latitude,
        "lon": None if shape is None else shape.centre.longitude,
        "radius_m": None if shape is None else shape.radius_m,
        "confidence": place.confidence,
        "civic": dict(place.civic),
        "container": place.container,
        "method": place.method,
        "provided_by": place.provided_by,
        "observed_at": _iso(place.observed_at),
        "retention_expiry": _iso(place.retention_expiry),
        "retransmission_allowed": place.retransmission_allowed,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
