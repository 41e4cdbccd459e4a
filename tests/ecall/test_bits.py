"""Lengths, small numbers and additions of later versions, as X.691 lays them."""

import pytest

from ccserver.ecall import additional, concepts, msd
from ccserver.ecall.bits import BitReader, BitWriter, EndOfBits
from ccserver.ecall.values import MSDUnwritable
from tests.ecall.samples import READABLE


def bits(text: str) -> bytes:
    """Octets from bits with blanks between, filled up with zeros."""
    digits = "".join(text.split())
    digits += "0" * (-len(digits) % 8)
    return int("1" + digits, 2).to_bytes(len(digits) // 8 + 1, "big")[1:]


def test_lengths_of_both_forms() -> None:
    for length in (0, 1, 127, 128, 16_383):
        writer = BitWriter()
        writer.octets(bytes(length))
        octets = writer.done()
        assert len(octets) == length + (1 if length < 128 else 2)
        assert BitReader(octets).length() == length
    with pytest.raises(EndOfBits):
        BitReader(b"\xc1").length()


def test_more_than_there_is_takes_nothing() -> None:
    reader = BitReader(b"\xa5")
    assert reader.take(4) == 0xA
    with pytest.raises(EndOfBits):
        reader.take(5)
    with pytest.raises(EndOfBits):
        reader.octets(1)
    assert reader.octets_there(1) == b""
    assert (reader.left, reader.take(4)) == (4, 0x5)


def test_small_numbers() -> None:
    assert BitReader(bits("0 000101")).small_number() == 5
    assert BitReader(bits("1 00000010 00000001 00000000")).small_number() == 256


def test_additions_are_passed_over() -> None:
    # Three of them, of which the first and the last are there.
    reader = BitReader(bits("0 000010  101  00000001 11111111  00000010 00000000 00000000  1"))
    assert reader.skip_additions() == 2
    assert reader.take(1) == 1
    with pytest.raises(EndOfBits):
        BitReader(bits("0 111111 1")).skip_additions()


SAMPLE = READABLE["derived-telux-sample-v2-euroncap"]
ADDITION = "0 000000  1  00000001 10101010"
"""One, of one octet."""


def rebuilt(changes: dict[int, str], *, version: int = 2) -> bytes:
    """The sample with text put in at these bits of its content, or ``=`` in their place."""
    content = "".join(f"{octet:08b}" for octet in SAMPLE[2:])
    for at in sorted(changes, reverse=True):
        text = changes[at].replace(" ", "")
        over = len(text) - 1 if text.startswith("=") else 0
        content = content[:at] + text.removeprefix("=") + content[at + over :]
    octets = bits(content)
    return bytes((version, len(octets))) + octets


HEAD_BITS = 6 + 8 + 3 + 5 + 102
"""Where ``vehiclePropulsionStorageType`` begins: presence, number, control, type, VIN."""

PROPULSION_END = HEAD_BITS + 8 + 2
STRUCTURE_END = PROPULSION_END + 32 + 64 + 8 + 40 + 8
MORE_END = STRUCTURE_END + 8 * (1 + 2 + 1 + 5)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({HEAD_BITS: "=1", PROPULSION_END: ADDITION}, "vehiclePropulsionStorageType: 1"),
        ({2: "=1", STRUCTURE_END: ADDITION}, "msdStructure: 1"),
        ({0: "=1", MORE_END: ADDITION}, "msd: 1"),
    ],
)
def test_what_later_versions_add_harms_nothing(changes: dict[int, str], detail: str) -> None:
    decoded = msd.decode(rebuilt(changes))
    assert decoded.msd == msd.decode(SAMPLE).msd
    assert [(o.code, o.detail) for o in decoded.oddities if o.code != "length_long"] == [
        ("extension", detail)
    ]


def test_additions_that_are_cut_cost_what_stands_behind() -> None:
    decoded = msd.decode(rebuilt({2: "=1", STRUCTURE_END: "0 111111 1"}))
    assert decoded.msd.additional is None
    assert [(o.code, o.detail) for o in decoded.oddities] == [
        ("extension_cut", "after the main structure, optionalAdditionalData is lost"),
    ]
    assert decoded.msd.position == msd.decode(SAMPLE).msd.position


def test_a_type_of_a_later_version_is_unknown() -> None:
    decoded = msd.decode(rebuilt({17: "=1", 18: "=0", 19: "=0", 20: "=0", 21: "=1", 22: "0 1 1"}))
    assert decoded.msd.vehicle_type is None
    assert decoded.oddities[0].code == "vehicle_type_unknown"
    assert decoded.msd.vin == msd.decode(SAMPLE).msd.vin


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("8.1", "0801"),
        ("1.2.125", "01027d"),
        ("128", "8100"),
        ("?", ""),
        ("?8001", "8001"),
        ("?81", "81"),
        ("?" + "ff" * 9 + "01", "ff" * 9 + "01"),
    ],
)
def test_identifiers(text: str, octets: str) -> None:
    assert additional.oid_text(bytes.fromhex(octets)) == text
    assert additional.oid_octets(text).hex() == octets


@pytest.mark.parametrize(
    "text",
    ["", ".", "1.", "-1", "+1", "1 .2", "01", "?0801", "?x", "٣", "9" * 5_000, "1." * 99 + "1"],
)
def test_what_is_no_identifier(text: str) -> None:
    with pytest.raises(MSDUnwritable, match="identifier"):
        additional.oid_octets(text)


def test_euro_ncap_as_published() -> None:
    told = concepts.CONCEPTS["8.1"](bytes.fromhex("0832D28480"))
    delta_v = {"rangeLimit": 125, "deltaVX": -45, "deltaVY": 10}
    assert told == {"locationOfImpact": "front", "deltaV": delta_v}
    assert concepts.euro_ncap_octets("front", (-45, 10)).hex() == "0832d28480"


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (bits("0 0 0 111 0"), "locationOfImpact 7"),
        (bits("0 0 0 010 0 11111111"), "rangeLimit 355"),
        (bits("0 0 0 010 0 00000000 111111111 000000000"), "deltaV 256, -255"),
    ],
)
def test_euro_ncap_with_values_that_there_are_not(octets: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        concepts.CONCEPTS["8.1"](octets)


def test_era_glonass_of_both_versions() -> None:
    results, infos = "1" + "0" * 19 + "1", "00001001"
    body = f"10000000000 {results} 10 {infos} 11"
    wanted = {
        "crashSeverityASI15": 1024,
        "diagnosticResult": {"micConnectionFailure": True, "otherNotCriticalFailures": False},
        "crashInfo": {"crashRollover": True, "crashAnotherType": True},
    }
    assert concepts.CONCEPTS["1.4.1"](bits(f"0 111 {body}")) == wanted
    told = concepts.CONCEPTS["1.4.2"](bits(f"0 1111 {body} 1"))
    assert told == wanted | {"coordinateSystemType": "pz90"}
    assert concepts.CONCEPTS["1.4.2"](bits("0 0000")) == {"coordinateSystemType": "wgs84"}
