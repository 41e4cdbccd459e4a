"""How phones write letters as octets: GSM 03.38 in septets, packed or not, UCS-2 and Latin-1."""

from enum import StrEnum

ESCAPE = 0x1B
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet (3GPP TS 23.038 §6.2.1), in the order of its codes."""
EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
"""What follows the escape (§6.2.1.1)."""
_CODES = {letter: bytes([code]) for code, letter in enumerate(BASIC) if code != ESCAPE} | {
    letter: bytes([ESCAPE, code]) for code, letter in EXTENSION.items()
}


class Alphabet(StrEnum):
    """In which a text travels."""

    GSM = "gsm"
    GSM_PACKED = "gsm-packed"
    UCS2 = "ucs2"
    LATIN1 = "latin1"


DATA_CODING = {
    Alphabet.GSM: 0x00,
    Alphabet.GSM_PACKED: 0x00,
    Alphabet.UCS2: 0x08,
    Alphabet.LATIN1: 0x03,
}


def is_gsm(text: str) -> bool:
    """Whether the default alphabet and its extension can write all of it."""
    return all(letter in _CODES for letter in text)


def letters(text: str, alphabet: Alphabet) -> list[bytes]:
    """Each letter as it travels unpacked, so that none is ever cut in two."""
    match alphabet:
        case Alphabet.GSM | Alphabet.GSM_PACKED:
            return [_CODES.get(letter, b"?") for letter in text]
        case Alphabet.UCS2:
            return [letter.encode("utf-16-be", "replace") for letter in text]
        case Alphabet.LATIN1:
            return [letter.encode("latin-1", "replace") for letter in text]


def gsm_text(septets: bytes) -> str:
    """Septets read, one an octet."""
    found, escaped = [], False
    for septet in septets:
        if escaped:
            found.append(EXTENSION.get(septet, BASIC[septet & 0x7F]))
            escaped = False
        elif septet == ESCAPE:
            escaped = True
        else:
            found.append(BASIC[septet & 0x7F])
    return "".join(found)


def pack(septets: bytes, *, fill: int = 0) -> bytes:
    """Seven bits of each, after that many bits of filling (§6.1.2.1)."""
    value, bits = 0, fill
    for septet in septets:
        value |= septet << bits
        bits += 7
    return value.to_bytes((bits + 7) // 8, "little")


def unpack(octets: bytes, *, fill: int = 0) -> bytes:
    """The septets again; of a last octet that has room for one more, that one is filling."""
    value = int.from_bytes(octets, "little") >> fill
    count = (len(octets) * 8 - fill) // 7
    septets = bytes((value >> (7 * number)) & 0x7F for number in range(count))
    full = (count * 7 + fill) % 8 == 0
    return septets[:-1] if full and septets.endswith((b"\0", b"\r")) else septets


def fill_bits(header_octets: int) -> int:
    """How many bits bring the first septet after a header to a septet's boundary."""
    return -header_octets * 8 % 7
