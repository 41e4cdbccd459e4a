"""The header that may stand before a short message's text (3GPP TS 23.040 §9.2.3.24)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ccserver.sms.oddities import Oddity

CONCATENATION_8 = 0x00
PORTS_8 = 0x04
PORTS_16 = 0x05
CONCATENATION_16 = 0x08
SINGLE_SHIFT = 0x24
LOCKING_SHIFT = 0x25

Width = Literal[8, 16, "sar"]

_LENGTHS: Final = {
    CONCATENATION_8: 3,
    PORTS_8: 2,
    PORTS_16: 4,
    CONCATENATION_16: 4,
    SINGLE_SHIFT: 1,
    LOCKING_SHIFT: 1,
}
"""Of the elements that are understood; one of another length is not what it says it is."""


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Which part of how many a message is; the parts of one text share ``reference``.

    ``width`` says where that was told: in a header with a reference of 8 or 16 bits, or in the
    ``sar_…`` parameters. References of different widths are different, even where equal.
    """

    reference: int
    width: Width
    total: int
    number: int
    """From 1."""

    @classmethod
    def of(
        cls, reference: int, width: Width, total: int, number: int, oddities: list[str]
    ) -> "Concatenation | None":
        """``None`` where there can be no such part (23.040 §9.2.3.24.1: then it is ignored)."""
        if 1 <= number <= total <= 255:
            return cls(reference, width, total, number)
        oddities.append(Oddity.CONCATENATION_INVALID)
        return None


@dataclass(frozen=True, slots=True)
class UserDataHeader:
    """The elements of a header, and what those say that matter here."""

    length: int
    """Octets that it takes, its own length included; the text begins behind them."""
    elements: tuple[tuple[int, bytes], ...]
    """Identifier and value of each, in their order, unknown ones too."""
    concatenation: Concatenation | None = None
    ports: tuple[int, int] | None = None
    """Of applications: destination and source."""
    single_shift: int = 0
    """The national language of the extension table; 0: the default one."""
    locking_shift: int = 0
    """The national language of the alphabet; 0: the default one."""

    @property
    def fill_bits(self) -> int:
        """Bits between the header and packed text, which begins at a septet (§9.2.3.24)."""
        return -8 * self.length % 7

    @classmethod
    def parse(cls, octets: bytes, oddities: list[str]) -> "UserDataHeader | None":
        """The header at the beginning of ``octets``; ``None``, and noted, where it cannot be one.

        An element that is broken ends the reading; those before it count.
        """
        end = octets[0] + 1 if octets else 1
        if end > len(octets):
            oddities.append(Oddity.UDH_CUT)
            return None
        elements = _elements(octets, end, oddities)
        # Of elements that exclude one another, or are told twice, the last one counts (§9.2.3.24).
        known = dict(elements)
        return cls(
            end,
            elements,
            _concatenation(elements, oddities),
            _ports(elements),
            known.get(SINGLE_SHIFT, b"\0")[0],
            known.get(LOCKING_SHIFT, b"\0")[0],
        )


def _elements(octets: bytes, end: int, oddities: list[str]) -> tuple[tuple[int, bytes], ...]:
    found = []
    at = 1
    while at < end:
        value_at = at + 2
        next_at = value_at + (octets[at + 1] if value_at <= end else 1)
        if next_at > end:
            oddities.append(Oddity.UDH_ELEMENT_BROKEN)
            break
        kind, value = octets[at], octets[value_at:next_at]
        if _LENGTHS.get(kind, len(value)) == len(value):
            found.append((kind, value))
        else:
            oddities.append(Oddity.UDH_ELEMENT_BROKEN)
        at = next_at
    return tuple(found)


def _concatenation(
    elements: tuple[tuple[int, bytes], ...], oddities: list[str]
) -> Concatenation | None:
    for kind, value in reversed(elements):
        if kind == CONCATENATION_8:
            return Concatenation.of(value[0], 8, value[1], value[2], oddities)
        if kind == CONCATENATION_16:
            reference = int.from_bytes(value[:2], "big")
            return Concatenation.of(reference, 16, value[2], value[3], oddities)
    return None


def _ports(elements: tuple[tuple[int, bytes], ...]) -> tuple[int, int] | None:
    for kind, value in reversed(elements):
        if kind == PORTS_8:
            return value[0], value[1]
        if kind == PORTS_16:
            return int.from_bytes(value[:2], "big"), int.from_bytes(value[2:], "big")
    return None


def write_header(elements: Mapping[int, bytes]) -> bytes:
    """A header of these elements, its length first."""
    inner = b"".join(bytes((kind, len(value))) + value for kind, value in elements.items())
    return bytes((len(inner),)) + inner
