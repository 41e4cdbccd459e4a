"""An MSD as JSON, with the names of EN 15722 and the numbers as sent.

What is unknown or means nothing is ``null``, and what was sent in its place stands beside it under
the same name with ``Raw`` behind.
"""

from collections.abc import Mapping
from typing import Final

from ccserver.ecall import additional
from ccserver.ecall.msd import DIRECTIONS, ENERGIES_V1, WITHDRAWN
from ccserver.ecall.values import (
    DIRECTION_UNKNOWN,
    MSD,
    OCCUPANTS_UNKNOWN,
    POSITION_UNKNOWN,
    AdditionalData,
    DecodedMSD,
    Energy,
    MSDUnwritable,
    VehicleType,
)
from ccserver.location.oddities import Oddities

VIN_PARTS: Final = (
    ("isowmi", 0, 3),
    ("isovds", 3, 9),
    ("isovisModelyear", 9, 10),
    ("isovisSeqPlant", 10, 17),
)
OLDER_NAMES: Final = {"id": "msdVersion", "numberOfPassengers": "numberOfOccupants"}
"""Of version 1, and of the standard's text until 2015."""

IGNORED: Final = frozenset({"hex", "oddities", "source"})
"""What `to_json` and the command add; they are no values of the message."""

NAMES: Final = frozenset(
    {
        "msdVersion",
        "messageIdentifier",
        "automaticActivation",
        "testCall",
        "positionCanBeTrusted",
        "vehicleType",
        "vehicleIdentificationNumber",
        "vehiclePropulsionStorageType",
        "timestamp",
        "vehicleLocation",
        "vehicleDirection",
        "recentVehicleLocationN1",
        "recentVehicleLocationN2",
        "numberOfOccupants",
        "optionalAdditionalData",
    }
)
_NAME_CHARS_MAX = 60


def to_json(decoded: DecodedMSD, raw: bytes) -> dict[str, object]:
    """Tell a message that was read from ``raw``."""
    msd = decoded.msd
    energies = ENERGIES_V1 if msd.version == WITHDRAWN else Energy
    recent = [_delta_json(delta) for delta in msd.recent_locations]
    known = msd.position is not None
    return {
        "msdVersion": msd.version,
        "messageIdentifier": msd.message_identifier,
        "automaticActivation": msd.automatic_activation,
        "testCall": msd.test_call,
        "positionCanBeTrusted": msd.position_can_be_trusted,
        "vehicleType": msd.vehicle_type,
        "vehicleIdentificationNumber": {name: msd.vin[a:b] for name, a, b in VIN_PARTS},
        "vehiclePropulsionStorageType": {name.value: name in msd.propulsion for name in energies},
        **_known("timestamp", msd.timestamp, known=msd.timestamp != 0),
        "vehicleLocation": _known("positionLatitude", msd.position_latitude, known=known)
        | _known("positionLongitude", msd.position_longitude, known=known),
        **_known(
            "vehicleDirection", msd.vehicle_direction, known=msd.vehicle_direction < DIRECTIONS
        ),
        "recentVehicleLocationN1": recent[0] if recent else None,
        "recentVehicleLocationN2": recent[1] if len(recent) > 1 else None,
        **_known(
            "numberOfOccupants",
            msd.number_of_occupants,
            known=msd.number_of_occupants != OCCUPANTS_UNKNOWN,
        ),
        "optionalAdditionalData": _additional_json(msd.additional),
        "oddities": [{"code": odd.code, "detail": odd.detail} for odd in decoded.oddities],
        "hex": raw.hex(),
    }


def from_json(told: object) -> MSD:
    """Make the message of which `to_json` tells; raises `MSDUnwritable`.

    The sequences of the standard (``msd``, ``msdStructure``, ``control``) may be there or not. An
    unknown name is refused, because it may be a known one with a slip.
    """
    values = _flat(told)
    if unknown := values.keys() - NAMES:
        raise MSDUnwritable(f"{_shown(min(unknown))}: there is no such name.")
    location = _mapping(_needed(values, "vehicleLocation"), "vehicleLocation")
    kind = values.get("vehicleType")
    occupants = _given(values, "numberOfOccupants")
    deltas = [
        _delta(values[name], name)
        for name in ("recentVehicleLocationN1", "recentVehicleLocationN2")
        if values.get(name) is not None
    ]
    if len(deltas) == 1 and values.get("recentVehicleLocationN1") is None:
        raise MSDUnwritable("recentVehicleLocationN2: it means nothing without N1.")
    return MSD(
        version=_integer(_needed(values, "msdVersion"), "msdVersion"),
        message_identifier=_integer(_needed(values, "messageIdentifier"), "messageIdentifier"),
        automatic_activation=_flag(values, "automaticActivation"),
        test_call=_flag(values, "testCall"),
        position_can_be_trusted=_flag(values, "positionCanBeTrusted"),
        vehicle_type=None if kind is None else _vehicle_type(kind),
        vin=_vin(_needed(values, "vehicleIdentificationNumber")),
        propulsion=_propulsion(values.get("vehiclePropulsionStorageType")),
        timestamp=_number(values, "timestamp", unknown=0),
        position_latitude=_number(location, "positionLatitude", unknown=POSITION_UNKNOWN),
        position_longitude=_number(location, "positionLongitude", unknown=POSITION_UNKNOWN),
        vehicle_direction=_number(values, "vehicleDirection", unknown=DIRECTION_UNKNOWN),
        recent_locations=tuple(deltas),
        number_of_occupants=occupants,
        additional=_additional(values.get("optionalAdditionalData")),
    )


def _known(name: str, value: int | None, *, known: bool) -> dict[str, object]:
    return {name: value} if known else {name: None, f"{name}Raw": value}


def _delta_json(delta: tuple[int, int]) -> dict[str, object]:
    return {"latitudeDelta": delta[0], "longitudeDelta": delta[1]}


def _additional_json(more: AdditionalData | None) -> dict[str, object] | None:
    if more is None:
        return None
    return {"oid": more.oid, "data": more.data.hex(), "decoded": more.decoded, "cut": more.cut}


def _flat(told: object) -> dict[str, object]:
    """The values without the sequences around some, and those named as of old by today's names."""
    values = dict(_mapping(told, "the message"))
    for sequence in ("msd", "msdStructure", "control"):
        if sequence in values:
            values |= _mapping(values.pop(sequence), sequence)
    values = {OLDER_NAMES.get(name, name): value for name, value in values.items()}
    raw = {name for name in values if name.removesuffix("Raw") in NAMES and name.endswith("Raw")}
    for name in raw:
        value = values.pop(name)
        if values.get(name.removesuffix("Raw")) is None:
            values[name.removesuffix("Raw")] = value
    return {name: value for name, value in values.items() if name not in IGNORED}


def _mapping(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise MSDUnwritable(f"{name}: an object is expected.")
    return value


def _shown(name: str) -> str:
    """A name that a stranger made up: JSON can hold half a character, which no terminal takes."""
    return name[:_NAME_CHARS_MAX].encode("ascii", "backslashreplace").decode("ascii")


def _needed(values: Mapping[str, object], name: str) -> object:
    if name not in values:
        raise MSDUnwritable(f"{name}: it is missing.")
    return values[name]


def _integer(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MSDUnwritable(f"{name}: a whole number is expected.")
    return value


def _given(values: Mapping[str, object], name: str) -> int | None:
    value = values.get(name)
    return None if value is None else _integer(value, name)


def _number(values: Mapping[str, object], name: str, *, unknown: int) -> int:
    """A number that may be unknown; within ``vehicleLocation`` what was sent stands beside it."""
    value = _given(values, name)
    if value is None:
        value = _given(values, f"{name}Raw")
    return unknown if value is None else value


def _flag(values: Mapping[str, object], name: str) -> bool:
    value = _needed(values, name)
    if not isinstance(value, bool):
        raise MSDUnwritable(f"{name}: true or false is expected.")
    return value


def _vehicle_type(kind: object) -> VehicleType:
    for known in VehicleType:
        if known == kind:
            return known
    raise MSDUnwritable("vehicleType: the standard has no such type.")


def _vin(told: object) -> str:
    """In its four parts, or whole."""
    if isinstance(told, str):
        return told
    parts = _mapping(told, "vehicleIdentificationNumber")
    vin = ""
    for name, begin, end in VIN_PARTS:
        part = _needed(parts, name)
        if not isinstance(part, str) or len(part) != end - begin:
            raise MSDUnwritable(f"{name}: {end - begin} characters are expected.")
        vin += part
    return vin


def _propulsion(told: object) -> frozenset[Energy]:
    if told is None:
        return frozenset()
    flags = _mapping(told, "vehiclePropulsionStorageType")
    for name in flags:
        if name not in set(Energy):
            raise MSDUnwritable(f"{_shown(name)}: there is no such energy.")
    return frozenset(Energy(name) for name in flags if _flag(flags, name))


def _delta(told: object, name: str) -> tuple[int, int]:
    delta = _mapping(told, name)
    latitude, longitude = (
        _integer(_needed(delta, part), f"{name}.{part}")
        for part in ("latitudeDelta", "longitudeDelta")
    )
    return latitude, longitude


def _additional(told: object) -> AdditionalData | None:
    if told is None:
        return None
    more = _mapping(told, "optionalAdditionalData")
    oid, data = _needed(more, "oid"), _needed(more, "data")
    if not isinstance(oid, str) or not isinstance(data, str):
        raise MSDUnwritable("optionalAdditionalData: oid and data are texts.")
    try:
        octets = bytes.fromhex(data)
    except ValueError:
        raise MSDUnwritable("optionalAdditionalData: data is no hexadecimal.") from None
    if more.get("cut") is True:
        return AdditionalData(oid, octets, cut=True)
    return additional.of(oid, octets, Oddities())
