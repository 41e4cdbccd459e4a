"""``ccserver aml decode`` prints a line for each message in any form; a bad one stops nothing."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.__main__ import main
from ccserver.aml.commands import EXIT_INVALID, LINE_BYTES_MAX, decoded
from ccserver.location.aml import AMLInvalid
from tests.aml.test_data_sms import SAMPLES, TEXT
from tests.location.test_aml import GOOD, SECOND
from tests.location.test_aml_form import SAMPLES as FORMS


def decode(
    capsys: pytest.CaptureFixture[str], *arguments: str, stdin: bytes = b""
) -> tuple[int, list[dict[str, Any]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        # No such configuration: the command needs none.
        status = main(["--config", "/nowhere.toml", "aml", "decode", *arguments])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_texts_of_both_versions(capsys: pytest.CaptureFixture[str]) -> None:
    status, (first, second) = decode(capsys, GOOD, SECOND)
    assert status == 0
    assert first["attributes"]["lt"] == "+54.76397"
    assert (first["latitude"], first["confidence"], first["method"]) == (54.76397, 0.9, "W")
    assert first["fix_at"] == "2013-07-17T14:19:35Z"
    assert first["oddities"] == []
    assert (second["version"], second["languages"]) == (2, ["en-US"])
    assert second["altitude_m"] == -100.1


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_octets_in_hex_and_base64(
    capsys: pytest.CaptureFixture[str], sample: dict[str, str]
) -> None:
    status, (told,) = decode(capsys, sample.get("hex") or sample["base64"])
    assert status == 0
    assert (told["form"], told["text"].rstrip("@")) == ("octets", sample["text"])
    assert ("skipped_octets" in told) is ("deliver_sm" in sample["id"])


def test_forms_with_their_signature(capsys: pytest.CaptureFixture[str]) -> None:
    bodies = [sample["body"] for sample in FORMS.values()]
    status, told = decode(capsys, "--hmac-key", "AML", *bodies)
    assert status == 0
    assert [line["signature"] for line in told] == ["unsigned", "signed", "wrong"]
    assert told[0]["number"] == "+447477593102"
    assert told[0]["attributes"]["location_certainty"] == "83"
    assert (told[0]["floor"], told[0]["imei"]) == ("5", "354773072099116")


def test_lines_of_which_some_are_bad(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [TEXT.encode(), b"", b"Help me", b"00ff", b"\xff", b"A" * (2 * LINE_BYTES_MAX), b"x"]
    status, told = decode(capsys, stdin=b"\n".join([*lines, GOOD.encode()]))
    assert status == EXIT_INVALID
    assert [line["source"] for line in told] == [f"line {n}" for n in (1, 3, 4, 5, 6, 7, 8)]
    assert ["error" in line for line in told] == [False, *[True] * 5, False]


@given(st.binary(max_size=200))
def test_any_line(line: bytes) -> None:
    try:
        json.dumps(decoded(line))
    except AMLInvalid:
        return
