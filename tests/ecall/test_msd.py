"""Messages of cars are read as the standard says, salvaged where cut, and written again."""

import pytest

from ccserver.ecall import json_form, msd
from ccserver.ecall.values import DecodedMSD
from tests.ecall.samples import EXPECTED, MESSAGES, READABLE, VECTORS


def codes(decoded: DecodedMSD) -> list[str]:
    return [oddity.code for oddity in decoded.oddities]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_public_message_says_what_its_source_says(name: str) -> None:
    decoded = msd.decode(READABLE[name])
    assert json_form.from_json(EXPECTED[name]) == decoded.msd
    withdrawn = ["version_withdrawn"] if decoded.msd.version == 1 else []
    assert codes(decoded) == withdrawn
    assert msd.structurally_plausible(READABLE[name])


def test_defaults_that_are_written_out_say_the_same() -> None:
    plain, explicit = READABLE["en15722-2011-v1"], READABLE["legato-v1-explicit-defaults"]
    assert msd.decode(plain) == msd.decode(explicit)
    assert msd.encode(msd.decode(explicit).msd) == plain
    assert msd.encode(msd.decode(plain).msd, explicit_defaults=True) == explicit


def test_a_latitude_that_looks_like_a_longitude_stays() -> None:
    latitude, longitude = msd.decode(READABLE["en15722-2015-v2"]).msd.position or (0, 0)
    assert (round(latitude, 4), round(longitude, 4)) == (5.2387, 52.2212)


def test_cut_additional_data_costs_nothing_else() -> None:
    decoded = msd.decode(READABLE["telux-v2-43b"])
    told = VECTORS["telux-v2-43b"]["partial_msdStructure"] | {"msdVersion": 2}
    salvaged = json_form.to_json(decoded, b"")
    assert (
        json_form.from_json(told | {"optionalAdditionalData": salvaged["optionalAdditionalData"]})
        == decoded.msd
    )
    more = decoded.msd.additional
    assert more is not None
    assert (more.oid, more.data.hex(), more.cut) == ("1.4.2", "c880000102", True)
    assert [(o.code, o.detail) for o in decoded.oddities] == [
        ("additional_data_cut", "5 of 120 octets of 1.4.2")
    ]


def test_filler_is_told_from_a_message() -> None:
    junk = MESSAGES["legato-v1-junk-140"]
    assert {"vin_invalid", "position_out_of_range"} <= set(codes(msd.decode(junk)))
    assert not msd.structurally_plausible(junk)
