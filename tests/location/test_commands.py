"""``ccserver pidf decode`` prints a line for each document, and a bad one stops nothing."""

import base64
import io
import json
from pathlib import Path

import pytest

from ccserver.__main__ import main
from ccserver.location.commands import EXIT_INVALID
from ccserver.location.xml import BYTES_MAX
from tests.location.test_pidf import DATA, SAMPLES


def decode(
    capsys: pytest.CaptureFixture[str], *files: str, stdin: bytes = b""
) -> tuple[int, list[dict[str, object]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        # No such configuration: the command needs none.
        status = main(["--config", "/nowhere.toml", "pidf", "decode", *files])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.xml"
    broken.write_bytes(b"<presence>")
    good = str(DATA / "device-circle-and-civic.xml")
    status, lines = decode(capsys, str(broken), str(tmp_path / "none.xml"), good)
    assert status == EXIT_INVALID
    assert [set(line) for line in lines[:2]] == [{"source", "error"}] * 2
    assert lines[2]["places"] == [
        {
            "shape": {"type": "Circle", "centre": [56.9516, 24.1133], "radius_m": 12.5},
            "lat": 56.9516,
            "lon": 24.1133,
            "radius_m": 12.5,
            "confidence": 0.67,
            "civic": {
                "country": "LV",
                "A1": "Rīga",
                "RD": "Brīvības iela",
                "HNO": "1",
                "FLR": "3",
                "PC": "LV-1010",
            },
            "container": "device",
            "method": "GPS",
            "provided_by": "Example Mobile",
            "observed_at": "2026-03-01T12:00:00Z",
            "retention_expiry": "2026-03-02T12:00:00Z",
            "retransmission_allowed": True,
        }
    ]


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    one_line = SAMPLES["rfc5491-arcband"].replace(b"\n", b" ")
    too_long = b"x" * (3 * BYTES_MAX)
    status, lines = decode(capsys, stdin=b"\n".join([one_line, b"", too_long, b"<a/>", one_line]))
    assert status == EXIT_INVALID
    assert [line["source"] for line in lines] == ["line 1", "line 3", "line 4", "line 5"]
    assert ["error" in line for line in lines] == [False, True, True, False]


def test_lines_in_hex_and_base64(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    document = SAMPLES["rfc5491-arcband"]
    forms = [document.hex().encode(), base64.b64encode(document), document.replace(b"\n", b" ")]
    status, lines = decode(capsys, stdin=b"\n".join([*forms, b"abc!"]))
    assert status == EXIT_INVALID
    assert lines[0]["places"] == lines[1]["places"] == lines[2]["places"]
    assert "error" in lines[3]
    file = tmp_path / "lines"
    file.write_bytes(b"\n".join(forms[:2]))
    status, told = decode(capsys, str(file))
    assert status == 0
    assert [line["source"] for line in told] == [f"{file} line 1", f"{file} line 2"]
    assert [line["places"] for line in told] == [lines[0]["places"]] * 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_in_another_encoding(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, encoding: str
) -> None:
    text = SAMPLES["rfc5491-arcband"].decode()
    file = tmp_path / "document.xml"
    file.write_bytes(text.replace("UTF-8", encoding[:6].upper()).encode(encoding))
    status, lines = decode(capsys, str(file))
    assert (status, len(lines)) == (0, 1)


def test_all_good(capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = decode(capsys, *(str(path) for path in sorted(DATA.glob("*.xml"))))
    assert status == 0
    assert len(lines) == len(SAMPLES)
