"""The seven-bit alphabets of phones (3GPP TS 23.038 §6.2.1 and annex A).

Each table is its 128 characters in order of code. U+FFFE marks the codes of an extension table that
mean nothing; at 0x1B stands the escape to the extension table, which is no character itself.
"""

from typing import Final

ESCAPE: Final = 0x1B
NOTHING: Final = "\ufffe"
"""Where a table has no character; what Python's character maps take as undefined, too."""

TURKISH: Final = 1
SPANISH: Final = 2
PORTUGUESE: Final = 3

DEFAULT: Final = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\ufffeÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
"""§6.2.1"""

_TURKISH_LOCKING: Final = (
    "@£$¥€éùıòÇ\nĞğ\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\ufffeŞşßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "İABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "çabcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
"""§A.3.1"""

_PORTUGUESE_LOCKING: Final = (
    "@£$¥êéúíóç\nÔô\rÁá"
    "Δ_ªÇÀ∞^\\€Ó|\ufffeÂâÊÉ"
    " !\"#º%&'()*+,-./"
    "0123456789:;<=>?"
    "ÍABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÃÕÚÜ§"
    "~abcdefghijklmno"
    "pqrstuvwxyzãõ`üà"
)
"""§A.3.3"""

_EXTENSION: Final = {
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
"""§6.2.1.1; the national ones below are this and more."""

_TURKISH_SINGLE: Final = _EXTENSION | {
    0x47: "Ğ",
    0x49: "İ",
    0x53: "Ş",
    0x63: "ç",
    0x67: "ğ",
    0x69: "ı",
    0x73: "ş",
}
"""§A.2.1"""

_SPANISH_SINGLE: Final = _EXTENSION | {
    0x09: "ç",
    0x41: "Á",
    0x49: "Í",
    0x4F: "Ó",
    0x55: "Ú",
    0x61: "á",
    0x69: "í",
    0x6F: "ó",
    0x75: "ú",
}
"""§A.2.2"""

_PORTUGUESE_SINGLE: Final = _SPANISH_SINGLE | {
    0x05: "ê",
    0x0B: "Ô",
    0x0C: "ô",
    0x0E: "Á",
    0x0F: "á",
    0x12: "Φ",
    0x13: "Γ",
    0x15: "Ω",
    0x16: "Π",
    0x17: "Ψ",
    0x18: "Σ",
    0x19: "Θ",
    0x1F: "Ê",
    0x41: "À",
    0x5B: "Ã",
    0x5C: "Õ",
    0x61: "Â",
    0x7B: "ã",
    0x7C: "õ",
    0x7F: "â",
}
"""§A.2.3"""


def _table(characters: dict[int, str]) -> str:
    return "".join(characters.get(code, NOTHING) for code in range(128))


ALPHABETS: Final = {0: DEFAULT, TURKISH: _TURKISH_LOCKING, PORTUGUESE: _PORTUGUESE_LOCKING}
"""By the language that a locking shift names; Spanish has no alphabet of its own."""

EXTENSIONS: Final = {
    0: _table(_EXTENSION),
    TURKISH: _table(_TURKISH_SINGLE),
    SPANISH: _table(_SPANISH_SINGLE),
    PORTUGUESE: _table(_PORTUGUESE_SINGLE),
}
"""By the language that a single shift names."""
