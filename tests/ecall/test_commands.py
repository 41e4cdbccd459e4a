"""``ccserver msd`` prints a line for each message in any form; a bad one stops nothing."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest

from ccserver.__main__ import main
from ccserver.ecall.commands import LINE_BYTES_MAX
from ccserver.location.commands import EXIT_INVALID
from tests.ecall.samples import MESSAGES, READABLE

GOOD = READABLE["derived-telux-sample-v2-euroncap"]
CUT = READABLE["telux-v2-43b"]


def run(
    capsys: pytest.CaptureFixture[str], *arguments: str, stdin: bytes = b""
) -> tuple[int, list[str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        # No such configuration: the command needs none.
        status = main(["--config", "/nowhere.toml", "msd", *arguments])
    return status, capsys.readouterr().out.splitlines()


def decode(
    capsys: pytest.CaptureFixture[str], *files: str, stdin: bytes = b""
) -> tuple[int, list[dict[str, Any]]]:
    status, lines = run(capsys, "decode", *files, stdin=stdin)
    return status, [json.loads(line) for line in lines]


def test_lines_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    forms = [
        GOOD.hex().encode(),
        b"0x" + GOOD.hex().upper().encode(),
        GOOD.hex(" ").encode() + b"\r",
        GOOD.hex(":").encode(),
        base64.b64encode(GOOD),
        base64.urlsafe_b64encode(GOOD).rstrip(b"="),
    ]
    status, lines = decode(capsys, stdin=b"\n\n".join(forms))
    assert status == 0
    assert [line.pop("source") for line in lines] == [f"line {n}" for n in range(1, 12, 2)]
    assert [line["hex"] for line in lines] == [GOOD.hex()] * len(forms)
    assert lines[0]["vehicleIdentificationNumber"]["isowmi"] == "ECA"
    assert lines == [lines[0]] * len(forms)


def test_what_was_odd_and_what_was_salvaged(capsys: pytest.CaptureFixture[str]) -> None:
    status, (line,) = decode(capsys, stdin=CUT.hex().encode())
    assert status == 0
    assert line["vehicleLocation"]["positionLatitude"] == 118422000
    assert line["optionalAdditionalData"]["cut"]
    assert line["oddities"] == [
        {"code": "additional_data_cut", "detail": "5 of 120 octets of 1.4.2"}
    ]


def test_lines_of_which_some_are_bad(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        b"hello, world",
        b"04ff",
        b"\xff\xfe",
        b"aa" * LINE_BYTES_MAX,
        b"02",
        CUT.hex().encode(),
    ]
    status, told = decode(capsys, stdin=b"\n".join(lines))
    assert status == EXIT_INVALID
    assert [line.get("error") for line in told] == [
        "This is neither hexadecimal nor base64.",
        "Version 4 is not known; versions 1, 2 and 3 are.",
        "This is neither hexadecimal nor base64.",
        "This is neither hexadecimal nor base64.",
        "The message ends after its version.",
        None,
    ]


def test_files_of_octets_and_of_lines(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    octets, lines, none = (str(tmp_path / name) for name in ("octets", "lines", "none"))
    Path(octets).write_bytes(GOOD)
    Path(lines).write_text("\n".join(message.hex() for message in MESSAGES.values()))
    status, told = decode(capsys, none, octets, lines)
    assert status == EXIT_INVALID
    assert told[0] == {
        "source": none,
        "error": "The file cannot be read: No such file or directory.",
    }
    assert (told[1]["source"], told[1]["hex"]) == (octets, GOOD.hex())
    assert [line["source"] for line in told[2:]] == [
        f"{lines} line {number}" for number in range(1, len(MESSAGES) + 1)
    ]


def test_what_was_decoded_is_encoded(capsys: pytest.CaptureFixture[str]) -> None:
    _, lines = run(capsys, "decode", stdin=GOOD.hex().encode())
    status, (written,) = run(capsys, "encode", stdin=lines[0].encode())
    assert (status, written) == (0, GOOD.hex())


def test_explicit_defaults(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sample = READABLE["legato-v1-explicit-defaults"]
    _, lines = run(capsys, "decode", stdin=sample.hex().encode())
    file = tmp_path / "message.json"
    file.write_text(lines[0])
    status, (written,) = run(capsys, "encode", "--explicit-defaults", str(file))
    assert (status, written) == (0, sample.hex())


def test_what_cannot_be_encoded(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        b"{",
        b"[" * 10_000,
        b"[]",
        b'{"msdVersion": 2}',
        b'{"a": 1}',
        b"\xff",
        b'{"\\ud800": 1}',
    ]
    status, told = run(capsys, "encode", stdin=b"\n".join(lines))
    assert status == EXIT_INVALID
    assert [json.loads(line)["error"] for line in told] == [
        "This is not JSON.",
        "This is not JSON.",
        "the message: an object is expected.",
        "vehicleLocation: it is missing.",
        "a: there is no such name.",
        "This is not JSON.",
        "\\ud800: there is no such name.",
    ]
