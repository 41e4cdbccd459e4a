"""``optionalAdditionalData`` of an MSD: a relative object identifier, and octets by its rules.

The identifiers are relative to 1.0.14817.106.2.1.2 (EN 15722, ISO 24978's register of concepts).
What `ccserver.ecall.concepts` does not know stays as octets.
"""

from typing import Final

from ccserver.ecall.bits import BitReader, EndOfBits
from ccserver.ecall.concepts import CONCEPTS
from ccserver.ecall.values import AdditionalData, MSDUnwritable
from ccserver.location.oddities import Oddities

ARC_OCTETS_MAX: Final = 8
"""Of one number of an identifier; the registers' numbers have one or two octets."""

OID_OCTETS_MAX: Final = 94
"""The whole additional data of a message has no more (EN 15722)."""

UNREADABLE: Final = "?"
"""Begins an identifier that is none; its octets follow in hexadecimal."""


def read(reader: BitReader, odd: Oddities) -> AdditionalData | None:
    """Read it as far as it goes; ``None`` where not even its identifier is whole."""
    try:
        oid = reader.octets(reader.length())
    except EndOfBits:
        odd.add("additional_data_cut", "in oid")
        return None
    name = oid_text(oid)
    if name.startswith(UNREADABLE):
        odd.add("oid_invalid", name)
    try:
        length = reader.length()
    except EndOfBits:
        odd.add("additional_data_cut", f"before the data of {name}")
        return AdditionalData(name, b"", cut=True)
    data = reader.octets_there(length)
    if len(data) < length:
        odd.add("additional_data_cut", f"{len(data)} of {length} octets of {name}")
        # What is left has less than an octet, and belongs to nothing.
        reader.left = 0
        return AdditionalData(name, data, cut=True)
    return of(name, data, odd)


def of(oid: str, data: bytes, odd: Oddities) -> AdditionalData:
    """The data with what it says, where this identifier's rules are known."""
    decoder = CONCEPTS.get(oid)
    if decoder is None:
        return AdditionalData(oid, data)
    try:
        return AdditionalData(oid, data, decoder(data))
    except EndOfBits:
        odd.add("additional_data_unreadable", f"{oid} ends too early")
    except ValueError as error:
        odd.add("additional_data_unreadable", f"{oid}: {error}")
    return AdditionalData(oid, data)


def oid_text(octets: bytes) -> str:
    """A RELATIVE-OID (X.690 §8.20) as ``8.1``; ``?`` and the octets where these are none."""
    arcs, arc, begun = [], 0, 0
    for octet in octets:
        if (octet == 0x80 and not begun) or begun == ARC_OCTETS_MAX:
            return UNREADABLE + octets.hex()
        arc, begun = arc << 7 | octet & 0x7F, begun + 1
        if octet < 0x80:
            arcs.append(str(arc))
            arc = begun = 0
    if begun or not arcs:
        return UNREADABLE + octets.hex()
    return ".".join(arcs)


def oid_octets(text: str) -> bytes:
    """The opposite of `oid_text`; raises `MSDUnwritable`."""
    try:
        if text.startswith(UNREADABLE):
            octets = bytes.fromhex(text[1:])
        else:
            octets = b"".join(_arc(int(arc)) for arc in text.split("."))
    except ValueError:
        octets = None
    if octets is None or oid_text(octets) != text or len(octets) > OID_OCTETS_MAX:
        raise MSDUnwritable(f"optionalAdditionalData: {text[:40]!r} is no identifier.")
    return octets


def _arc(number: int) -> bytes:
    if not 0 <= number < 1 << 7 * ARC_OCTETS_MAX:
        raise ValueError(number)
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.append(number & 0x7F | 0x80)
    return bytes(reversed(octets))
