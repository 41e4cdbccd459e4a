"""Messages as JSON by the standard's names: nothing is lost, and a slip is told by its name."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.ecall import json_form, msd
from ccserver.ecall.values import MSD, DecodedMSD, MSDUnwritable, VehicleType
from tests.ecall.samples import READABLE
from tests.ecall.strategies import messages

PLAIN = msd.decode(READABLE["en15722-2015-v2"]).msd


def told(value: MSD) -> dict[str, Any]:
    return json_form.to_json(DecodedMSD(value), b"")


def test_every_name() -> None:
    octets = READABLE["derived-telux-sample-v2-euroncap"]
    assert json_form.to_json(msd.decode(octets), octets) == {
        "msdVersion": 2,
        "messageIdentifier": 60,
        "automaticActivation": True,
        "testCall": False,
        "positionCanBeTrusted": True,
        "vehicleType": "passengerVehicleClassM1",
        "vehicleIdentificationNumber": {
            "isowmi": "ECA",
            "isovds": "LLEXAM",
            "isovisModelyear": "P",
            "isovisSeqPlant": "LE02013",
        },
        "vehiclePropulsionStorageType": {
            "gasolineTankPresent": True,
            "dieselTankPresent": True,
            "compressedNaturalGas": False,
            "liquidPropaneGas": False,
            "electricEnergyStorage": False,
            "hydrogenStorage": False,
            "otherStorage": False,
        },
        "timestamp": 1367878452,
        "vehicleLocation": {"positionLatitude": 123, "positionLongitude": 1234},
        "vehicleDirection": 4,
        "recentVehicleLocationN1": {"latitudeDelta": -1, "longitudeDelta": -10},
        "recentVehicleLocationN2": {"latitudeDelta": -1, "longitudeDelta": -30},
        "numberOfOccupants": 2,
        "optionalAdditionalData": {
            "oid": "8.1",
            "data": "0832d28480",
            "decoded": {
                "locationOfImpact": "front",
                "deltaV": {"rangeLimit": 125, "deltaVX": -45, "deltaVY": 10},
            },
            "cut": False,
        },
        "oddities": [],
        "hex": octets.hex(),
    }


def test_what_is_unknown_is_null_with_what_was_sent() -> None:
    value = dataclasses.replace(
        PLAIN,
        timestamp=0,
        position_latitude=2147483647,
        position_longitude=5,
        vehicle_direction=200,
        recent_locations=(),
        number_of_occupants=255,
        vehicle_type=None,
    )
    line = told(value)
    assert (line["timestamp"], line["timestampRaw"]) == (None, 0)
    assert line["vehicleLocation"] == {
        "positionLatitude": None,
        "positionLatitudeRaw": 2147483647,
        "positionLongitude": None,
        "positionLongitudeRaw": 5,
    }
    assert (line["vehicleDirection"], line["vehicleDirectionRaw"]) == (None, 200)
    assert (line["numberOfOccupants"], line["numberOfOccupantsRaw"]) == (None, 255)
    assert line["vehicleType"] is line["recentVehicleLocationN1"] is None
    assert json_form.from_json(line) == value


def test_version_1_has_no_other_energy() -> None:
    octets = READABLE["en15722-2011-v1"]
    energies = json_form.to_json(msd.decode(octets), octets)["vehiclePropulsionStorageType"]
    assert isinstance(energies, dict)
    assert len(energies) == 6


@given(messages())
def test_a_message_is_itself_again(value: MSD) -> None:
    line = json.loads(json.dumps(told(value)))
    assert json_form.from_json(line) == value


def test_little_is_needed() -> None:
    value = json_form.from_json(
        {
            "msdVersion": 2,
            "messageIdentifier": 1,
            "automaticActivation": False,
            "testCall": False,
            "positionCanBeTrusted": False,
            "vehicleIdentificationNumber": "WM9VDSVDSYA123456",
            "vehicleLocation": {"positionLatitude": None, "positionLongitude": None},
        }
    )
    told_at_all = (value.position, value.direction_deg, value.observed_at, value.occupants)
    assert told_at_all == (None, None, None, None)
    assert msd.decode(msd.encode(value)).msd == value


WRONG: list[tuple[dict[str, object], str]] = [
    ({"msdVersion": "2"}, "msdVersion: a whole number is expected."),
    ({"msdVersion": True}, "msdVersion: a whole number is expected."),
    ({"testCall": 1}, "testCall: true or false is expected."),
    ({"positionLattitude": 1}, "positionLattitude: there is no such name."),
    ({"vehicleType": "M1"}, "vehicleType: the standard has no such type."),
    ({"vehicleType": []}, "vehicleType: the standard has no such type."),
    ({"vehicleLocation": 5}, "vehicleLocation: an object is expected."),
    ({"vehicleLocation": {"positionLatitude": 1.5}}, "positionLatitude: a whole number"),
    ({"vehicleIdentificationNumber": {}}, "isowmi: it is missing."),
    ({"vehicleIdentificationNumber": {"isowmi": "A"}}, "isowmi: 3 characters are expected."),
    ({"vehiclePropulsionStorageType": {"coal": True}}, "coal: there is no such energy."),
    ({"recentVehicleLocationN1": {"latitudeDelta": 1}}, "longitudeDelta: it is missing."),
    (
        {"recentVehicleLocationN1": {"latitudeDelta": 1, "longitudeDelta": "E"}},
        "recentVehicleLocationN1.longitudeDelta: a whole number is expected.",
    ),
    ({"recentVehicleLocationN1": None}, "recentVehicleLocationN2: it means nothing without N1."),
    ({"optionalAdditionalData": {"oid": "8.1"}}, "data: it is missing."),
    ({"optionalAdditionalData": {"oid": 8, "data": ""}}, "oid and data are texts."),
    ({"optionalAdditionalData": {"oid": "8", "data": "x"}}, "data is no hexadecimal."),
    ({"\ud800" * 100: 1}, "\\ud800: there is no such name."),
    ({"msd": []}, "msd: an object is expected."),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_is_wrong_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(MSDUnwritable) as refused:
        json_form.from_json(told(PLAIN) | change)
    assert message in str(refused.value)


@pytest.mark.parametrize("name", sorted(json_form.NAMES - {"numberOfOccupants", "vehicleType"}))
def test_a_needed_name_is_missed(name: str) -> None:
    line = told(PLAIN)
    del line[name]
    optional = {"vehiclePropulsionStorageType", "timestamp", "vehicleDirection"}
    if name in optional | {"optionalAdditionalData", "recentVehicleLocationN2"}:
        json_form.from_json(line)
        return
    with pytest.raises(MSDUnwritable):
        json_form.from_json(line)


UNWRITABLE: list[tuple[dict[str, Any], str]] = [
    ({"version": 4}, "msdVersion"),
    ({"message_identifier": 256}, "messageIdentifier"),
    ({"timestamp": -1}, "timestamp"),
    ({"position_latitude": 2**31}, "positionLatitude"),
    ({"vehicle_direction": 256}, "vehicleDirection"),
    ({"number_of_occupants": -1}, "numberOfOccupants"),
    ({"recent_locations": ((0, 0), (0, 512))}, "recentVehicleLocationN2"),
    ({"recent_locations": ((0, 0),) * 3}, "recentVehicleLocation"),
    ({"version": 3, "recent_locations": ()}, "recentVehicleLocation"),
    ({"vin": "WM9VDSVDSYA12345"}, "vehicleIdentificationNumber"),
    ({"vin": "WM9VDSVDSYA12345I"}, "vehicleIdentificationNumber"),
    ({"vehicle_type": VehicleType.SC}, "vehicleType"),
]


@pytest.mark.parametrize(("change", "name"), UNWRITABLE, ids=[name for _, name in UNWRITABLE])
def test_what_no_message_can_hold_is_named(change: dict[str, Any], name: str) -> None:
    with pytest.raises(MSDUnwritable, match=f"^{name}"):
        msd.encode(dataclasses.replace(PLAIN, **change))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(sorted(json_form.NAMES | {"isowmi", "oid", "data", "msd"}))
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.dictionaries(st.sampled_from(sorted(json_form.NAMES)), JSON, max_size=3))
def test_any_json(anything: object, change: dict[str, object]) -> None:
    for line in (anything, told(PLAIN) | change):
        try:
            msd.encode(json_form.from_json(line))
        except MSDUnwritable as refused:
            str(refused).encode("utf-8")
