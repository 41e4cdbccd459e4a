"""A text into parts that an operator takes, and how many those are (3GPP TS 23.040 §9.2.3.24.1).

The panel counts by the same rules while a call taker writes; ``panel/tests/sms-counter.json`` holds
both to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ccserver.sms import gsm
from ccserver.sms.udh import CONCATENATION_8, CONCATENATION_16, write_header

PARTS_MAX: Final = 10
"""1 530 characters, or 670 with Latvian letters. Parts arrive one by one, some late; advice that is
longer than this is better given in several texts, each of which makes sense."""

USER_DATA_OCTETS: Final = 140
"""What one short message carries on the air, its header included (23.040 §9.2.3.16)."""

_HEADER_OCTETS: Final = 6
"""Of a part: a reference of 8 bits. One of 16 takes an octet more and a character off every part;
it is worth that only where one sender has many texts to one citizen under way at a time."""

DATA_CODING_DEFAULT: Final = 0x00
DATA_CODING_UCS2: Final = 0x08

_PYTHON_CODECS: Final = {"latin1": "latin-1", "ascii": "ascii"}


class Encoding(StrEnum):
    """What a text is sent in."""

    GSM = "gsm"
    """Seven bits a character, fourteen for ``€`` and nine others."""
    UCS2 = "ucs2"
    """Sixteen bits a character, thirty-two for those beyond U+FFFF. Latvian and Russian need it."""


@dataclass(frozen=True, slots=True)
class _Capacity:
    """Units of one message that stands alone, and of each of several parts."""

    single: int
    part: int


_CAPACITIES: Final = {
    Encoding.GSM: _Capacity(
        8 * USER_DATA_OCTETS // 7, 8 * (USER_DATA_OCTETS - _HEADER_OCTETS) // 7
    ),
    Encoding.UCS2: _Capacity(USER_DATA_OCTETS // 2, (USER_DATA_OCTETS - _HEADER_OCTETS) // 2),
}
"""160 and 153 septets, 70 and 67 code units."""


class TextTooLong(ValueError):
    """The text needs more than `PARTS_MAX` parts."""


@dataclass(frozen=True, slots=True)
class Count:
    """How long a text is: in septets or in code units of 16 bits, and in parts."""

    encoding: Encoding
    units: int
    parts: int
    units_left_in_part: int
    """What still fits into the last part."""


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a text: ``octets`` behind the header ``udh``, which one alone has none of."""

    octets: bytes
    data_coding: int
    udh: bytes
    number: int
    total: int


def count(text: str) -> Count:
    """How long ``text`` is; it may need more parts than may be sent."""
    encoding, characters = _encoded(text)
    unit_octets = _unit_octets(encoding)
    units = sum(map(len, characters)) // unit_octets
    capacity = _CAPACITIES[encoding]
    if units <= capacity.single:
        return Count(encoding, units, 1, capacity.single - units)
    parts, left = 0, 0
    for octets in _filled(characters, capacity.part * unit_octets):
        parts += 1
        left = capacity.part - len(octets) // unit_octets
    return Count(encoding, units, parts, left)


def split(
    text: str, *, reference: int, wide_reference: bool = False, default_alphabet: str = "gsm"
) -> tuple[Part, ...]:
    """The messages that carry ``text``, in order; raises `TextTooLong`.

    A character is never divided between two, nor replaced by another. ``reference`` tells the parts
    of this text from those of others to the same citizen; its lower eight bits count, or sixteen
    with ``wide_reference``, which asks a character more of every part. ``default_alphabet`` is
    what the operator's settings say: a text with other characters than those goes as UCS-2.
    """
    encoding, characters = _encoded(text)
    if encoding is Encoding.GSM and default_alphabet in _PYTHON_CODECS:
        try:
            text.encode(_PYTHON_CODECS[default_alphabet])
        except UnicodeEncodeError:
            encoding, characters = Encoding.UCS2, _code_units(text)
    chunks = _chunks(encoding, characters, wide_reference)
    data_coding = DATA_CODING_DEFAULT if encoding is Encoding.GSM else DATA_CODING_UCS2
    return tuple(
        Part(
            _rewritten(octets, encoding, default_alphabet),
            data_coding,
            _header(reference, len(chunks), number, wide_reference) if len(chunks) > 1 else b"",
            number,
            len(chunks),
        )
        for number, octets in enumerate(chunks, start=1)
    )


def _encoded(text: str) -> tuple[Encoding, list[bytes]]:
    """Each character as it is sent: septets, one in each octet, or code units of two."""
    septets = [gsm.SEPTETS.get(character) for character in text]
    known = [octets for octets in septets if octets is not None]
    if len(known) == len(septets):
        return Encoding.GSM, known
    return Encoding.UCS2, _code_units(text)


def _code_units(text: str) -> list[bytes]:
    # Half of a pair, which no keyboard gives, is sent as what stands for the unreadable.
    return [
        (gsm.REPLACEMENT if "\ud800" <= character <= "\udfff" else character).encode("utf-16-be")
        for character in text
    ]


def _unit_octets(encoding: Encoding) -> int:
    return 2 if encoding is Encoding.UCS2 else 1


def _chunks(encoding: Encoding, characters: list[bytes], wide_reference: bool) -> list[bytes]:
    unit_octets = _unit_octets(encoding)
    capacity = _CAPACITIES[encoding]
    if sum(map(len, characters)) <= capacity.single * unit_octets:
        return [b"".join(characters)]
    part = capacity.part - 1 if wide_reference else capacity.part
    chunks: list[bytes] = []
    for octets in _filled(characters, part * unit_octets):
        if len(chunks) == PARTS_MAX:
            raise TextTooLong(f"The text needs more than {PARTS_MAX} parts.")
        chunks.append(octets)
    return chunks


def _filled(characters: list[bytes], octets_max: int) -> Iterator[bytes]:
    """Parts filled one after another with whole characters."""
    part = bytearray()
    for octets in characters:
        if len(part) + len(octets) > octets_max:
            yield bytes(part)
            part.clear()
        part += octets
    yield bytes(part)


def _header(reference: int, total: int, number: int, wide: bool) -> bytes:
    if wide:
        return write_header(
            {CONCATENATION_16: (reference & 0xFFFF).to_bytes(2, "big") + bytes((total, number))}
        )
    return write_header({CONCATENATION_8: bytes((reference & 0xFF, total, number))})


def _rewritten(octets: bytes, encoding: Encoding, default_alphabet: str) -> bytes:
    """In the operator's default alphabet, where that is not the phones'."""
    codec = _PYTHON_CODECS.get(default_alphabet)
    if encoding is Encoding.UCS2 or codec is None:
        return octets
    return gsm.decode(octets, []).encode(codec)
