"""AML in data SMS is found whatever was done to its octets on the way, and nothing else is."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.aml.data_sms import text_of
from ccserver.location.aml import looks_like_aml

SAMPLES: dict[str, dict[str, Any]] = {
    each["id"]: each
    for each in json.loads(
        (Path(__file__).parents[1] / "data" / "sms" / "samples.json").read_text(encoding="utf-8")
    )["aml_data_sms"]
}
PACKED = bytes.fromhex(SAMPLES["amldata:packed"]["hex"])
TEXT: str = SAMPLES["amldata:packed"]["text"]
HEADER = bytes.fromhex("0605040b84c0de")


def packed(text: str, fill: int = 0) -> bytes:
    """Septets as a phone packs them."""
    bits = sum(ord(character) << 7 * at for at, character in enumerate(text)) << fill
    return bits.to_bytes((7 * len(text) + fill + 7) // 8, "little")


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_samples(sample: dict[str, Any]) -> None:
    octets = (
        base64.b64decode(sample["base64"]) if "base64" in sample else bytes.fromhex(sample["hex"])
    )
    body = octets
    if sample["id"] == "amldata:deliver_sm dcs8 UCS-2":
        body = octets[octets.index(b"\x04\x24") + 4 :]
    elif sample["id"] == "amldata:deliver_sm DCS F5 class1":
        body = octets[octets.index(HEADER) :]
    found = text_of(body)
    assert found is not None
    assert found.rstrip("@") == sample["text"]


@pytest.mark.parametrize("header", [b"", HEADER, bytes.fromhex("050003010101")])
@pytest.mark.parametrize("fill", range(7))
def test_packed_behind_any_header(header: bytes, fill: int) -> None:
    found = text_of(header + packed(TEXT, fill))
    assert found is not None
    assert found.rstrip("@") == TEXT


@pytest.mark.parametrize("header", [b"", HEADER])
@pytest.mark.parametrize("coding", ["ascii", "utf-16-be"])
def test_unpacked_on_the_way(header: bytes, coding: str) -> None:
    assert text_of(header + TEXT.encode(coding)) == TEXT


@pytest.mark.parametrize("octets", [b"", b"\x00", b"\x06", b"Help me", packed("Help me"), HEADER])
def test_other_octets_are_none(octets: bytes) -> None:
    assert text_of(octets) is None


def test_what_only_begins_like_one() -> None:
    assert text_of(b'A"ML=1' + b"\t" * 60 + b"1;") is None


@given(st.binary(max_size=300))
def test_any_octets(octets: bytes) -> None:
    found = text_of(octets)
    assert found is None or looks_like_aml(found)
