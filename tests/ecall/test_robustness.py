"""Whatever comes: a message or the promised exception, and the position as long as it is there.

30 000 random octet strings by default; ``CCSERVER_MSD_MESSAGES=100000 bin/test tests/ecall`` takes
a million.
"""

import dataclasses
import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.ecall import json_form, msd
from ccserver.ecall.values import MSD, DecodedMSD, MSDInvalid
from ccserver.location.oddities import DETAIL_CHARS_MAX
from tests.ecall.samples import MESSAGES, READABLE
from tests.ecall.strategies import messages
from tests.ecall.test_oracles import MESSAGES as COUNT
from tests.ecall.test_oracles import PATIENCE_S, SEED

HEAD = (
    "version",
    "message_identifier",
    "automatic_activation",
    "test_call",
    "position_can_be_trusted",
    "vehicle_type",
    "vin",
    "propulsion",
    "timestamp",
    "position_latitude",
    "position_longitude",
)


def read(octets: bytes) -> DecodedMSD | None:
    """What was read, told in JSON, and of what can be written again the same."""
    try:
        decoded = msd.decode(octets)
    except MSDInvalid:
        assert not msd.structurally_plausible(octets)
        return None
    told = json.dumps(json_form.to_json(decoded, octets)).encode()
    assert json_form.from_json(json.loads(told)) == decoded.msd
    assert all(len(oddity.detail) <= DETAIL_CHARS_MAX for oddity in decoded.oddities)
    assert isinstance(decoded.msd.position, tuple | None)
    assert decoded.msd.direction_deg in (None, *range(0, 360, 2))
    assert decoded.msd.observed_at or not decoded.msd.timestamp
    return decoded


def main_only(value: MSD) -> MSD:
    return dataclasses.replace(value, additional=None)


def codes(decoded: DecodedMSD) -> set[str]:
    return {oddity.code for oddity in decoded.oddities}


@pytest.mark.parametrize("name", MESSAGES)
def test_every_wrong_bit(name: str) -> None:
    octets = MESSAGES[name]
    whole = next(
        length
        for length in range(len(octets) + 1)
        if (cut := read(octets[:length])) and "structure_cut" not in codes(cut)
    )
    wanted = main_only(msd.decode(octets).msd)
    for bit in range(len(octets) * 8):
        wrong = bytearray(octets)
        wrong[bit // 8] ^= 0x80 >> bit % 8
        decoded = read(bytes(wrong))
        if bit >= whole * 8:
            # Behind the main structure nothing can harm it.
            assert decoded is not None
            assert main_only(decoded.msd) == wanted


@pytest.mark.parametrize("name", READABLE)
def test_every_truncation_keeps_what_is_there(name: str) -> None:
    octets = READABLE[name]
    full = msd.decode(octets).msd
    cuts = [read(octets[:length]) for length in range(len(octets))]
    readable = [cut is not None for cut in cuts]
    # From the octet on in which the position ends, it is told.
    assert readable == sorted(readable)
    assert 0 < sum(readable) < len(octets) - 25
    for length, cut in enumerate(cuts):
        if cut is None:
            continue
        assert all(getattr(cut.msd, name) == getattr(full, name) for name in HEAD)
        told = codes(cut)
        if "structure_cut" in told:
            assert not msd.structurally_plausible(octets[:length])
            continue
        assert main_only(cut.msd) == main_only(full)
        assert (cut.msd.additional == full.additional) or "additional_data_cut" in told
        assert full.version == 1 or "length_beyond" in told


def test_where_reading_ended_is_told() -> None:
    octets = READABLE["en15722-2015-v2"]
    told: set[str] = set()
    for length in range(len(octets)):
        try:
            told.update(f"{o.code} {o.detail}" for o in msd.decode(octets[:length]).oddities)
        except MSDInvalid as error:
            told.add(str(error))
    assert {
        "The message is empty.",
        "The message ends after its version.",
        "The message ends in control.",
        "The message ends in vehicleIdentificationNumber.",
        "The message ends in vehiclePropulsionStorageType.",
        "The message ends in timestamp.",
        "The message ends in vehicleLocation.",
        "structure_cut in vehicleDirection",
        "structure_cut in recentVehicleLocationN1",
        "structure_cut in recentVehicleLocationN2",
        "structure_cut in numberOfOccupants",
        "length_beyond 36 of 37 octets are there",
    } <= told


@pytest.mark.timeout(PATIENCE_S)
def test_random_octets() -> None:
    dice = Random(SEED)  # noqa: S311
    read_count = plausible = 0
    for number in range(COUNT * 10):
        octets = dice.randbytes(dice.choice((dice.randint(0, 60), dice.randint(0, 200))))
        if number % 4:
            octets = bytes((dice.randint(1, 3), len(octets) & 0x7F)) + octets
        try:
            msd.decode(octets)
        except MSDInvalid:
            continue
        read_count += 1
        plausible += msd.structurally_plausible(octets)
    # Most that has the size can be read, and hardly any of it is taken for a message.
    assert read_count > COUNT
    assert plausible < read_count / 50


@given(st.binary(max_size=200))
def test_any_octets(octets: bytes) -> None:
    read(octets)


@given(st.sampled_from((b"\1", b"\2", b"\3")), st.binary(max_size=2_000))
def test_any_octets_behind_a_version(version: bytes, octets: bytes) -> None:
    read(version + octets)


@given(messages(), st.booleans(), st.binary(max_size=20))
def test_what_is_written_is_read(value: MSD, explicit: bool, padding: bytes) -> None:
    octets = msd.encode(value, explicit_defaults=explicit)
    decoded = read(octets)
    assert decoded is not None
    assert decoded.msd == value
    assert not {"structure_cut", "length_short", "length_long", "length_beyond"} & codes(decoded)
    # The in-band modem fills its 140 octets up.
    assert msd.decode(octets + padding).msd == value


def test_a_message_of_a_megabyte_is_read_at_once() -> None:
    octets = bytes((3, 0xBF, 0xFF)) + bytes(1_000_000)
    decoded = msd.decode(octets)
    assert {"message_identifier_zero", "timestamp_zero", "length_long"} <= codes(decoded)
