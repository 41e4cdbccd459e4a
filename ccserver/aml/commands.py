"""The command line's part of this room: ``ccserver aml decode``."""

import argparse
import base64
import binascii
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from ccserver.aml.data_sms import text_of
from ccserver.location.aml import AMLInvalid, AMLMessage, looks_like_aml
from ccserver.location.aml_form import AMLForm, trust
from ccserver.location.commands import bounded_lines

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

EXIT_INVALID = 65  # EX_DATAERR of sysexits.h

LINE_BYTES_MAX = 16_384
"""Twice what the HTTPS endpoint takes; a message in hex is a tenth of it."""

SKIPPED_MAX = 200
"""A PDU's header, addresses and optional parameters before its text."""

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ :]?)+").fullmatch
_FORM = re.compile(r"(?:^|&)(?:v|location_|device_|cell_|emergency_number)[^&=]*=").search


def add_commands(commands: "Subparsers") -> None:
    """Add ``aml`` to the program's commands; it needs no configuration."""
    aml = commands.add_parser("aml", help="positions that phones send (AML)")
    actions = aml.add_subparsers(required=True, metavar="ACTION")
    decode = actions.add_parser(
        "decode", help="print what messages tell, one line of JSON for each"
    )
    decode.add_argument(
        "lines",
        nargs="*",
        default=["-"],
        help="a message in each: text, hex or base64 of a data message, or the body of a form; "
        "- (the default) is standard input with one message a line",
    )
    decode.add_argument(
        "--hmac-key", action="append", default=[], metavar="KEY", help="judge signatures of forms"
    )
    decode.set_defaults(run=_decode, needs_config=False)


def _decode(_: object, options: argparse.Namespace) -> int:
    """0 if every message was read, otherwise `EXIT_INVALID`; a bad one stops nothing."""
    status = 0
    for source, line in _lines(options.lines):
        try:
            told = decoded(line, options.hmac_key)
        except AMLInvalid as error:
            told, status = {"error": str(error)}, EXIT_INVALID
        print(json.dumps({"source": source} | told, ensure_ascii=False))  # noqa: T201
    return status


def decoded(line: bytes, hmac_keys: Iterable[str] = ()) -> dict[str, object]:
    """What one line tells, for JSON; raises `AMLInvalid` for one that is no AML in any form."""
    text = line.decode("utf-8", "replace").strip("\r\n")
    if looks_like_aml(text):
        return {"form": "text"} | _of_text(text)
    octets = _octets(text.strip())
    if octets is not None:
        found, skipped = _found(octets)
        salvaged = {"skipped_octets": skipped} if skipped else {}
        return {"form": "octets", "text": found} | salvaged | _of_text(found)
    if _FORM(text):
        return {"form": "https"} | _of_form(text.strip().encode(), hmac_keys)
    raise AMLInvalid('The line is neither a text that begins with A"ML=, nor octets, nor a form.')


def _octets(text: str) -> bytes | None:
    """Of hex, with or without separators, or of base64; ``None`` for anything else."""
    if _HEX(text):
        return bytes.fromhex(re.sub("[ :]", "", text))
    try:
        return base64.b64decode(text, validate=True) if text else None
    except (binascii.Error, ValueError):
        return None


def _found(octets: bytes) -> tuple[str, int]:
    """The AML in octets, and how many come before its header: those of a whole PDU, perhaps."""
    for start in range(min(len(octets), SKIPPED_MAX)):
        text = text_of(octets[start:])
        if text is not None:
            return text, start
    raise AMLInvalid("The octets are no AML, neither packed nor as they are.")


def _of_text(text: str) -> dict[str, object]:
    message = AMLMessage.parse(text)
    pieces = (piece.partition("=") for piece in text.strip().split(";"))
    attributes = {name.strip(): value.strip() for name, told, value in pieces if told}
    return _of_message(message, attributes)


def _of_form(body: bytes, hmac_keys: Iterable[str]) -> dict[str, object]:
    form = AMLForm.parse(body)
    attributes = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    around = {
        field.name: getattr(form, field.name)
        for field in fields(form)
        if field.name not in ("message", "more")
    }
    told = _of_message(form.message, attributes)
    return {"signature": trust(body, hmac_keys).value} | told | _plain(around)


def _of_message(message: AMLMessage, attributes: Mapping[str, str]) -> dict[str, object]:
    told = {field.name: getattr(message, field.name) for field in fields(message)}
    return {"attributes": attributes, "unreadable": message.is_unreadable} | _plain(told)


def _plain(told: Mapping[str, object]) -> dict[str, object]:
    """Values as JSON has them; times are UTC."""
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in told.items()
    }


def _lines(arguments: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Each message with where it came from; of one that is too long, what was read."""
    for number, argument in enumerate(arguments, start=1):
        if argument != "-":
            yield f"argument {number}", argument.encode("utf-8", "surrogateescape")
            continue
        for at, line in enumerate(bounded_lines(sys.stdin.buffer, LINE_BYTES_MAX), start=1):
            if line.strip():
                yield f"line {at}", line
