"""The Minimum Set of Data on the wire: EN 15722's ASN.1 in unaligned packed encoding (X.691).

Versions 2 and 3 carry the message in an octet string, version 1 without. Reading keeps what it can:
whatever follows the position may be missing, and is then told as an oddity. Nothing is judged by
encoding it again, because real cars write values that the canonical rules leave out.
"""

from typing import Final

from ccserver.ecall import additional
from ccserver.ecall.bits import LONG_LENGTH_MAX, SHORT_LENGTH_MAX, BitReader, BitWriter, EndOfBits
from ccserver.ecall.values import (
    DIRECTION_UNKNOWN,
    MSD,
    POSITION_UNKNOWN,
    AdditionalData,
    DecodedMSD,
    Energy,
    MSDInvalid,
    MSDUnwritable,
    VehicleType,
)
from ccserver.location.oddities import Oddities

OCTETS_MAX: Final = 140
"""EN 15722 §6.1, and what the in-band modem carries."""

OCTETS_READ_MAX: Final = 1_024
"""Of a message; a longer one is none, and its beginning is as good as all of it."""

WITHDRAWN: Final = 1
VERSIONS: Final = (WITHDRAWN, 2, 3)
RECENT_MANDATORY: Final = 3
"""Since this version N1 and N2 are always there, and `VehicleType` has five bits."""

EXTENDED, HAS_MORE, STRUCTURE_EXTENDED = 4, 2, 1
"""The first bits of a message: of ``MSDMessage`` two, of ``MSDStructure`` one."""

HAS_N1, HAS_N2, BOTH = 2, 1, 3

VIN_LENGTH: Final = 17
VIN_CHARACTERS: Final = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
VIN_UNKNOWN: Final = "?"
VEHICLE_TYPES: Final = tuple(VehicleType)
VEHICLE_TYPES_V2: Final = VEHICLE_TYPES[:13]
ENERGIES: Final = tuple(Energy)
ENERGIES_V1: Final = ENERGIES[:6]

LATITUDE_MAX: Final = 324_000_000
LONGITUDE_MAX: Final = 648_000_000
DIRECTIONS: Final = 180
DELTA_MIN: Final = -512
DELTA_MAX: Final = 511
COORDINATE_OFFSET: Final = 1 << 31

CUT: Final = frozenset({"structure_cut", "additional_data_cut", "extension_cut", "length_beyond"})
"""Oddities of a message of which the end is missing."""

NOISE: Final = frozenset(
    {
        "vehicle_type_unknown",
        "vin_invalid",
        "position_out_of_range",
        "direction_invalid",
        "extension",
        "extension_cut",
    }
)
"""Oddities that a car has one of at most; two of them are what other octets look like."""

_SIX_BITS = VIN_CHARACTERS.ljust(64, VIN_UNKNOWN)
_PAIRS: Final = tuple(first + second for first in _SIX_BITS for second in _SIX_BITS)
_INDEX: Final = {character: index for index, character in enumerate(VIN_CHARACTERS)}
_VIN_UNKNOWN_INDEX: Final = 63

_ENERGY_BITS: Final = len(ENERGIES)


def _spread(there: int) -> tuple[frozenset[Energy], ...]:
    """By the bits of those energies that are there, the first of them highest."""
    places = [place for place in range(_ENERGY_BITS) if there >> (_ENERGY_BITS - 1 - place) & 1]
    return tuple(
        frozenset(ENERGIES[place] for bit, place in enumerate(reversed(places)) if told >> bit & 1)
        for told in range(1 << len(places))
    )


_PROPULSION: Final = tuple(_spread(there) for there in range(1 << _ENERGY_BITS))
"""Energies by their presence bits, then by their own: 3⁷ sets."""


def decode(data: bytes) -> DecodedMSD:
    """Read a message; octets after its end are padding. Raises `MSDInvalid` and nothing else."""
    if not data:
        raise MSDInvalid("The message is empty.")
    version = data[0]
    if version not in VERSIONS:
        raise MSDInvalid(f"Version {version} is not known; versions 1, 2 and 3 are.")
    odd = Oddities()
    reader = BitReader(data[:OCTETS_READ_MAX])
    reader.take(8)
    if version == WITHDRAWN:
        odd.add("version_withdrawn", "1")
        declared_end = None
    else:
        declared_end = _declared_end(data, reader, odd)
    msd = _message(version, reader, odd)
    if declared_end is not None:
        _compare_length(declared_end, reader, odd)
    if reader.at > OCTETS_MAX * 8:
        odd.add("message_long", f"{(reader.at + 7) // 8} of {OCTETS_MAX} octets")
    _judge(msd, odd)
    return DecodedMSD(msd, tuple(odd.found))


def structurally_plausible(data: bytes) -> bool:
    """Whether this is a message, with all of its main structure, and not other octets.

    One value that means nothing does not make it implausible: the rest may save a life.
    """
    try:
        codes = [oddity.code for oddity in decode(data).oddities]
    except MSDInvalid:
        return False
    return "structure_cut" not in codes and len(NOISE.intersection(codes)) < 2


def _declared_end(data: bytes, reader: BitReader, odd: Oddities) -> int:
    """Where the octet string with the message says that it ends, in bits."""
    if len(data) < 2:
        raise MSDInvalid("The message ends after its version.")
    try:
        length = reader.length()
    except EndOfBits:
        raise MSDInvalid(f"The length {data[1]:#04x} cannot be read.") from None
    if reader.at > 16 and length <= SHORT_LENGTH_MAX:
        odd.add("length_form", f"{length} octets told in two")
    present = len(data) - reader.at // 8
    if length > present:
        odd.add("length_beyond", f"{present} of {length} octets are there")
    return reader.at + length * 8


def _compare_length(declared_end: int, reader: BitReader, odd: Oddities) -> None:
    """What the message told of its length beside what was read; a cut one was told of already."""
    spare = declared_end // 8 - (reader.at + 7) // 8
    if spare and not CUT.intersection(oddity.code for oddity in odd.found):
        odd.add("length_short" if spare < 0 else "length_long", f"by {abs(spare)} octets")


def _message(version: int, reader: BitReader, odd: Oddities) -> MSD:
    """``MSDMessage``: the main structure, and what may follow it."""
    reading = "the presence bits"
    try:
        flags = reader.take(3)
        recent = BOTH if version >= RECENT_MANDATORY else reader.take(2)
        has_occupants = reader.take(1)
        reading = "messageIdentifier"
        identifier = reader.take(8)
        reading = "control"
        control = reader.take(3)
        vehicle_type = _vehicle_type(version, reader, odd)
        reading = "vehicleIdentificationNumber"
        vin = _vin(reader, odd)
        reading = "vehiclePropulsionStorageType"
        propulsion = _propulsion(version, reader, odd)
        reading = "timestamp"
        timestamp = reader.take(32)
        reading = "vehicleLocation"
        position = reader.take(64)
    except EndOfBits:
        raise MSDInvalid(f"The message ends in {reading}.") from None
    # From here on there is a place to send help to, and nothing may cost it.
    direction, deltas, occupants, whole = _rest(recent, has_occupants, reader, odd)
    more = _after_structure(flags, reader, odd) if whole else None
    return MSD(
        version,
        identifier,
        bool(control & 4),
        bool(control & 2),
        bool(control & 1),
        vehicle_type,
        vin,
        propulsion,
        timestamp,
        (position >> 32) - COORDINATE_OFFSET,
        (position & 0xFFFF_FFFF) - COORDINATE_OFFSET,
        direction,
        tuple(deltas),
        occupants,
        more,
    )


def _rest(
    recent: int, has_occupants: int, reader: BitReader, odd: Oddities
) -> tuple[int, list[tuple[int, int]], int | None, bool]:
    """``MSDStructure`` behind the position: direction, N1 and N2, occupants; whether all is there.

    What is missing is told as unknown.
    """
    direction, occupants = DIRECTION_UNKNOWN, None
    deltas: list[tuple[int, int]] = []
    reading = "vehicleDirection"
    try:
        direction = reader.take(8)
        if recent & HAS_N1:
            reading = "recentVehicleLocationN1"
            deltas.append(_delta(reader.take(20)))
        if recent & HAS_N2:
            reading = "recentVehicleLocationN2"
            deltas.append(_delta(reader.take(20)))
        if recent == HAS_N2:
            # It is told from N1, so it means nothing without.
            odd.add("recent_location_orphan", f"{deltas.pop()}")
        if has_occupants:
            reading = "numberOfOccupants"
            occupants = reader.take(8)
    except EndOfBits:
        odd.add("structure_cut", f"in {reading}")
        return direction, deltas, occupants, False
    return direction, deltas, occupants, True


def _vehicle_type(version: int, reader: BitReader, odd: Oddities) -> VehicleType | None:
    if reader.take(1):
        odd.add("vehicle_type_unknown", f"extension {reader.small_number()}")
        return None
    index = reader.take(5 if version >= RECENT_MANDATORY else 4)
    known = VEHICLE_TYPES if version >= RECENT_MANDATORY else VEHICLE_TYPES_V2
    if index < len(known):
        return known[index]
    odd.add("vehicle_type_unknown", f"{index + 1}")
    return None


def _vin(reader: BitReader, odd: Oddities) -> str:
    bits = reader.take(6 * VIN_LENGTH)
    pairs, shift = [_SIX_BITS[bits >> 96]], 96
    while shift:
        shift -= 12
        pairs.append(_PAIRS[bits >> shift & 0xFFF])
    vin = "".join(pairs)
    if VIN_UNKNOWN in vin:
        odd.add("vin_invalid", vin)
    return vin


def _propulsion(version: int, reader: BitReader, odd: Oddities) -> frozenset[Energy]:
    # Version 1 has one energy less, at the end.
    there = reader.take(7) << 1 if version == WITHDRAWN else reader.take(8)
    energies = _PROPULSION[there & 0x7F]
    # Only what is there has a bit of its own, and that may be the default.
    propulsion = energies[reader.take((there & 0x7F).bit_count())]
    if there & 0x80:
        odd.add("extension", f"vehiclePropulsionStorageType: {reader.skip_additions()}")
    return propulsion


def _delta(bits: int) -> tuple[int, int]:
    return (bits >> 10) + DELTA_MIN, (bits & 0x3FF) + DELTA_MIN


def _after_structure(flags: int, reader: BitReader, odd: Oddities) -> AdditionalData | None:
    """What later versions added, and ``optionalAdditionalData`` between."""
    more = None
    try:
        if flags & STRUCTURE_EXTENDED:
            odd.add("extension", f"msdStructure: {reader.skip_additions()}")
        if flags & HAS_MORE:
            more = additional.read(reader, odd)
        if flags & EXTENDED:
            odd.add("extension", f"msd: {reader.skip_additions()}")
    except EndOfBits:
        lost = ", optionalAdditionalData is lost" if flags & HAS_MORE and more is None else ""
        odd.add("extension_cut", f"after the main structure{lost}")
    return more


def _judge(msd: MSD, odd: Oddities) -> None:
    """Values that can be written, and mean nothing."""
    if msd.message_identifier == 0:
        odd.add("message_identifier_zero")
    if msd.timestamp == 0:
        odd.add("timestamp_zero")
    latitude, longitude = msd.position_latitude, msd.position_longitude
    if POSITION_UNKNOWN in (latitude, longitude):
        if latitude != longitude:
            odd.add("position_half", f"{latitude}, {longitude}")
    elif latitude == longitude == 0:
        odd.add("position_zero")
    elif abs(latitude) > LATITUDE_MAX or abs(longitude) > LONGITUDE_MAX:
        odd.add("position_out_of_range", f"{latitude}, {longitude}")
    if DIRECTIONS <= msd.vehicle_direction < DIRECTION_UNKNOWN:
        odd.add("direction_invalid", f"{msd.vehicle_direction}")


def encode(msd: MSD, *, explicit_defaults: bool = False) -> bytes:
    """Write a message; `decode` of it gives ``msd`` again. Raises `MSDUnwritable`.

    ``explicit_defaults``: write energies that are not there too, which the canonical rules leave
    out and some cars do.
    """
    _refuse_unwritable(msd)
    writer = BitWriter()
    writer.put(0, 1)
    writer.put(msd.additional is not None, 1)
    writer.put(0, 1)
    if msd.version < RECENT_MANDATORY:
        writer.put((0b00, 0b10, 0b11)[len(msd.recent_locations)], 2)
    writer.put(msd.number_of_occupants is not None, 1)
    writer.put(msd.message_identifier, 8)
    control = (msd.automatic_activation, msd.test_call, msd.position_can_be_trusted)
    for flag in control:
        writer.put(flag, 1)
    if msd.vehicle_type is None:
        writer.put(1 << 7, 8)
    else:
        index = VEHICLE_TYPES.index(msd.vehicle_type)
        writer.put(index, 6 if msd.version >= RECENT_MANDATORY else 5)
    for character in msd.vin:
        writer.put(_INDEX.get(character, _VIN_UNKNOWN_INDEX), 6)
    _put_propulsion(msd, writer, explicit_defaults=explicit_defaults)
    writer.put(msd.timestamp, 32)
    writer.put(msd.position_latitude + COORDINATE_OFFSET, 32)
    writer.put(msd.position_longitude + COORDINATE_OFFSET, 32)
    writer.put(msd.vehicle_direction, 8)
    for delta in msd.recent_locations:
        for value in delta:
            writer.put(value - DELTA_MIN, 10)
    if msd.number_of_occupants is not None:
        writer.put(msd.number_of_occupants, 8)
    if msd.additional is not None:
        writer.octets(additional.oid_octets(msd.additional.oid))
        writer.octets(msd.additional.data)
    content, outer = writer.done(), BitWriter()
    outer.put(msd.version, 8)
    head = outer.done()
    if msd.version == WITHDRAWN:
        return head + content
    outer.octets(content)
    return outer.done()


def _put_propulsion(msd: MSD, writer: BitWriter, *, explicit_defaults: bool) -> None:
    energies = ENERGIES_V1 if msd.version == WITHDRAWN else ENERGIES
    writer.put(0, 1)
    told = [explicit_defaults or energy in msd.propulsion for energy in energies]
    for flag in told:
        writer.put(flag, 1)
    for energy, flag in zip(energies, told, strict=True):
        if flag:
            writer.put(energy in msd.propulsion, 1)


def _refuse_unwritable(msd: MSD) -> None:
    if msd.version not in VERSIONS:
        raise MSDUnwritable(f"msdVersion: {msd.version} is not 1, 2 or 3.")
    numbers = (
        ("messageIdentifier", msd.message_identifier, 0, 255),
        ("timestamp", msd.timestamp, 0, 2**32 - 1),
        ("positionLatitude", msd.position_latitude, -COORDINATE_OFFSET, COORDINATE_OFFSET - 1),
        ("positionLongitude", msd.position_longitude, -COORDINATE_OFFSET, COORDINATE_OFFSET - 1),
        ("vehicleDirection", msd.vehicle_direction, 0, 255),
        ("numberOfOccupants", msd.number_of_occupants or 0, 0, 255),
        *(
            (f"recentVehicleLocationN{place}", value, DELTA_MIN, DELTA_MAX)
            for place, delta in enumerate(msd.recent_locations, start=1)
            for value in delta
        ),
    )
    for name, value, least, most in numbers:
        if not least <= value <= most:
            raise MSDUnwritable(f"{name}: {value} is not {least} to {most}.")
    if len(msd.vin) != VIN_LENGTH or not set(msd.vin) <= {*VIN_CHARACTERS, VIN_UNKNOWN}:
        raise MSDUnwritable("vehicleIdentificationNumber: not 17 of 0-9 A-H J-N P R-Z.")
    _refuse_what_a_version_lacks(msd)
    more = msd.additional
    if more is not None and len(more.data) > LONG_LENGTH_MAX:
        raise MSDUnwritable(f"optionalAdditionalData: {len(more.data)} octets are too many.")


def _refuse_what_a_version_lacks(msd: MSD) -> None:
    count = len(msd.recent_locations)
    if count > 2 or (msd.version >= RECENT_MANDATORY and count < 2):
        raise MSDUnwritable(f"recentVehicleLocation: {count} are not what this version has.")
    if msd.version < RECENT_MANDATORY and msd.vehicle_type not in (None, *VEHICLE_TYPES_V2):
        raise MSDUnwritable(f"vehicleType: version {msd.version} has no {msd.vehicle_type}.")
    if msd.version == WITHDRAWN and Energy.OTHER in msd.propulsion:
        raise MSDUnwritable("vehiclePropulsionStorageType: version 1 has no otherStorage.")
