"""``ccserver pidf decode`` prints a line for each document, and a bad one stops nothing."""

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


def test_all_good(capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = decode(capsys, *(str(path) for path in sorted(DATA.glob("*.xml"))))
    assert status == 0
    assert len(lines) == len(SAMPLES)
