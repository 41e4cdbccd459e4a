"""Seven-bit text: characters to septets and back, septets to octets and back (3GPP TS 23.038)."""

import codecs
from collections.abc import Mapping
from typing import Final

from ccserver.sms.gsm_tables import ALPHABETS, DEFAULT, ESCAPE, EXTENSIONS, NOTHING, SPANISH
from ccserver.sms.oddities import Oddity

REPLACEMENT: Final = "\ufffd"

_ESCAPE = bytes((ESCAPE,))

SEPTETS: Final[Mapping[str, bytes]] = {
    character: _ESCAPE + bytes((code,))
    for code, character in enumerate(EXTENSIONS[0])
    if character != NOTHING
} | {character: bytes((code,)) for code, character in enumerate(DEFAULT) if character != NOTHING}
"""What each character is sent as: one septet, or two with the extension table."""


def encode(text: str) -> bytes | None:
    """A septet in each octet, of the default tables; ``None`` where a character is in neither.

    Nothing is replaced by something that looks like it: a letter without its accent may be another
    word, and another street.
    """
    septets = [SEPTETS.get(character) for character in text]
    return None if None in septets else b"".join(septets)  # type: ignore[arg-type]


def decode(septets: bytes, oddities: list[str], *, locking: int = 0, single: int = 0) -> str:
    """The text of septets, one in each octet, read with the tables of two national languages.

    A language without a table here is read by the default one, and noted. An octet that is no
    septet becomes U+FFFD.
    """
    alphabet = ALPHABETS.get(locking, DEFAULT)
    if (locking not in ALPHABETS and locking != SPANISH) or single not in EXTENSIONS:
        oddities.append(Oddity.NATIONAL_TABLE_UNKNOWN)
    if _ESCAPE not in septets:
        return _read(septets, alphabet, oddities)
    extension = EXTENSIONS.get(single, EXTENSIONS[0])
    plain, *escaped = septets.split(_ESCAPE)
    pieces = [_read(plain, alphabet, oddities)]
    for number, piece in enumerate(escaped, start=1):
        if piece:
            pieces.append(_extended(piece[0], extension, alphabet, oddities))
            pieces.append(_read(piece[1:], alphabet, oddities))
        elif number == len(escaped):
            oddities.append(Oddity.ESCAPE_AT_END)
        else:
            # Two escapes: a table that nobody has defined yet. 23.038 §6.2.1.1 wants a space.
            pieces.append(" ")
    return "".join(pieces)


def _read(septets: bytes, alphabet: str, oddities: list[str]) -> str:
    try:
        return codecs.charmap_decode(septets, "strict", alphabet)[0]
    except UnicodeDecodeError:
        oddities.append(Oddity.CHARACTERS_INVALID)
        return codecs.charmap_decode(septets, "replace", alphabet)[0]


def _extended(code: int, extension: str, alphabet: str, oddities: list[str]) -> str:
    """The character behind an escape; one that is not defined is the alphabet's (§6.2.1.1)."""
    if code > 0x7F:
        oddities.append(Oddity.CHARACTERS_INVALID)
        return REPLACEMENT
    character = extension[code]
    return alphabet[code] if character == NOTHING else character


def unpack(octets: bytes, *, fill_bits: int = 0) -> bytes:
    """Septets of octets in which they are packed (23.038 §6.1.2.1), one in each octet.

    SMPP does not tell how many septets there are. Where the last seven bits are exactly free and
    zero, they are taken as unused and not as an ``@``.
    """
    if fill_bits:
        octets = (int.from_bytes(octets, "little") >> fill_bits).to_bytes(len(octets), "little")
    bits = 8 * len(octets) - fill_bits
    septets = bytearray()
    # Seven octets are eight septets; whole numbers of that size are quickly shifted.
    for start in range(0, len(octets), 7):
        group = int.from_bytes(octets[start : start + 7], "little")
        septets += bytes(
            (
                group & 0x7F,
                group >> 7 & 0x7F,
                group >> 14 & 0x7F,
                group >> 21 & 0x7F,
                group >> 28 & 0x7F,
                group >> 35 & 0x7F,
                group >> 42 & 0x7F,
                group >> 49,
            )
        )
    count = max(bits, 0) // 7
    if count and bits % 7 == 0 and septets[count - 1] == 0:
        count -= 1
    return bytes(septets[:count])


def pack(septets: bytes, *, fill_bits: int = 0) -> bytes:
    """The inverse of `unpack`; every octet of ``septets`` is below 0x80."""
    number = 0
    for septet in reversed(septets):
        number = number << 7 | septet
    return (number << fill_bits).to_bytes((7 * len(septets) + fill_bits + 7) // 8, "little")
