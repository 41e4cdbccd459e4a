"""The command line's part of this room: ``ccserver smpp decode``."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ccserver.location.commands import bounded_lines
from ccserver.sms.description import Description, describe
from ccserver.sms.pdu import FRAME_BYTES_MAX, HEADER_BYTES, PDU, FrameInvalid

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

EXIT_BAD: Final = 1
"""At least one line could not be read."""

LINE_CHARS_MAX: Final = 4 * FRAME_BYTES_MAX
"""Two digits for each octet, and as much room for spaces between them."""

_BETWEEN: Final = str.maketrans("", "", " \t:,-")
"""What tools put between octets."""


def add_commands(commands: "Subparsers") -> None:
    """Add ``smpp`` to the program's commands; it needs no configuration."""
    smpp = commands.add_parser("smpp", help="text messages as operators send them (SMPP)")
    actions = smpp.add_subparsers(required=True, metavar="ACTION")
    decode = actions.add_parser("decode", help="print what PDUs tell, one line of JSON for each")
    decode.add_argument(
        "pdus",
        nargs="*",
        default=["-"],
        help="in hexadecimal; - (the default) is standard input with one on each line",
    )
    decode.add_argument(
        "--default-alphabet",
        choices=("gsm", "latin1", "ascii"),
        default="gsm",
        help="what data_coding 0 means to this operator (default: %(default)s)",
    )
    decode.add_argument(
        "--packed", action="store_true", help="this operator packs text of seven bits"
    )
    decode.set_defaults(run=_decode, needs_config=False)


def _decode(_: object, options: argparse.Namespace) -> int:
    """0 if every line was read, otherwise `EXIT_BAD`; a bad one stops nothing."""
    status = 0
    for source, line in _lines(options.pdus):
        told = _told(line, options.default_alphabet, options.packed)
        status = EXIT_BAD if _is_bad(told) else status
        print(json.dumps({"source": source} | told, ensure_ascii=False))  # noqa: T201
    return status


def _is_bad(told: Description) -> bool:
    return "error" in told or any(map(_is_bad, told.get("next", ())))


def _lines(pdus: list[str]) -> Iterator[tuple[str, str]]:
    """Each line with where it came from; empty ones, and comments after ``#``, say nothing."""
    for number, pdu in enumerate(pdus, start=1):
        if pdu != "-":
            yield f"argument {number}", pdu
            continue
        for line_number, octets in enumerate(
            bounded_lines(sys.stdin.buffer, LINE_CHARS_MAX + 1), start=1
        ):
            line = octets.decode("utf-8", "replace").strip()
            if line and not line.startswith("#"):
                yield f"line {line_number}", line


def _told(line: str, default_alphabet: str, packed: bool) -> Description:
    """What the PDUs of a line tell: those behind the first one under ``next``."""
    if len(line) > LINE_CHARS_MAX:
        return {"error": f"The line is longer than {LINE_CHARS_MAX} characters."}
    try:
        octets = bytes.fromhex(line.lower().removeprefix("0x").translate(_BETWEEN))
    except ValueError:
        return {"error": "Expected octets in hexadecimal, two digits for each."}
    told: list[Description] = []
    while octets or not told:
        length = int.from_bytes(octets[:4], "big")
        frame = octets[:length] if HEADER_BYTES <= length <= FRAME_BYTES_MAX else octets
        told.append(_frame(frame, default_alphabet, packed))
        octets = octets[len(frame) :]
    first, *others = told
    return first | ({"next": others} if others else {})


def _frame(frame: bytes, default_alphabet: str, packed: bool) -> Description:
    """One PDU; of one whose length is wrong, the reason and what can be told all the same."""
    try:
        pdu = PDU.parse(frame)
    except FrameInvalid:
        length = int.from_bytes(frame[:4], "big")
        wrong: Description = {"error": _why(length, len(frame))}
        if len(frame) < HEADER_BYTES:
            return wrong | {"hex": frame.hex()}
        pdu = PDU.parse(len(frame).to_bytes(4, "big") + frame[4:])
        told = describe(pdu, default_alphabet=default_alphabet, packed=packed)
        return wrong | told | wrong | {"command_length": length}
    return describe(pdu, default_alphabet=default_alphabet, packed=packed)


def _why(length: int, octets: int) -> str:
    if octets < HEADER_BYTES:
        return f"A PDU has at least {HEADER_BYTES} octets, and there are {octets}."
    if not HEADER_BYTES <= length <= FRAME_BYTES_MAX:
        return f"command_length is {length}, and no PDU has as many octets."
    return f"command_length is {length}, and there are {octets} octets."
