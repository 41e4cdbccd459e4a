"""Octets to text, by what data_coding says of them and by what they evidently are.

SMPP 3.4 §5.2.19 for the values below 0x10, 3GPP TS 23.038 §4 for those above. Nothing raises, and
nothing is lost: what is no text is shown in hexadecimal.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ccserver.sms import gsm
from ccserver.sms.oddities import Oddity

READABLE_SHARE_MIN = 0.9
"""Letters, digits and plain punctuation among the characters of a text that is guessed at: packed
octets read as unpacked ones, or the other way round, hardly come to half."""

GUESS_OCTETS_MAX = 2_000
"""Of which a guess is worth its time; ten packed parts in one payload have 1 340."""

_GLANCE_OCTETS = 14
"""Sixteen septets show whether the rest is worth unpacking."""

_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Controls, halves of pairs and non-characters: neither a database nor a screen takes them."""

_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_READABLE = re.compile(r"[\w .,:;!?+\-/()\"'@#*=%&\n\r]", re.ASCII)


class Alphabet(StrEnum):
    """What octets are written in."""

    GSM = "gsm"
    ASCII = "ascii"
    LATIN1 = "latin1"
    UCS2 = "ucs2"
    CYRILLIC = "iso8859_5"
    HEBREW = "iso8859_8"
    JIS = "shift_jis"
    JIS_MUSIC = "iso2022_jp"
    JIS_EXTENDED = "euc_jp"
    KOREAN = "euc_kr"
    BINARY = "binary"
    COMPRESSED = "compressed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A text that a database and a screen can take, and what was strange about its octets."""

    text: str
    oddities: tuple[str, ...] = ()


_SMPP: Final = {
    0x00: Alphabet.GSM,
    0x01: Alphabet.ASCII,
    0x02: Alphabet.BINARY,
    0x03: Alphabet.LATIN1,
    0x04: Alphabet.BINARY,
    0x05: Alphabet.JIS,
    0x06: Alphabet.CYRILLIC,
    0x07: Alphabet.HEBREW,
    0x08: Alphabet.UCS2,
    0x0A: Alphabet.JIS_MUSIC,
    0x0D: Alphabet.JIS_EXTENDED,
    0x0E: Alphabet.KOREAN,
}


def _alphabet(data_coding: int) -> Alphabet:
    group = data_coding >> 4
    if group == 0x0:
        return _SMPP.get(data_coding, Alphabet.UNKNOWN)
    if group <= 0x7:
        # General data coding, with or without automatic deletion.
        if data_coding & 0x20:
            return Alphabet.COMPRESSED
        general = (Alphabet.GSM, Alphabet.BINARY, Alphabet.UCS2, Alphabet.UNKNOWN)
        return general[data_coding >> 2 & 0x3]
    if group == 0xF:
        return Alphabet.BINARY if data_coding & 0x04 else Alphabet.GSM
    # Message waiting: C and D in the default alphabet, E in UCS-2. 8 to B are reserved.
    return {0xC: Alphabet.GSM, 0xD: Alphabet.GSM, 0xE: Alphabet.UCS2}.get(group, Alphabet.UNKNOWN)


_ALPHABETS: Final = tuple(_alphabet(data_coding) for data_coding in range(256))

_DEFAULTS: Final = {"latin1": Alphabet.LATIN1, "ascii": Alphabet.ASCII}


def alphabet_of(data_coding: int, default_alphabet: str = "gsm") -> Alphabet:
    """What ``data_coding`` means to an operator whose default alphabet this is."""
    if data_coding == 0:
        return _DEFAULTS.get(default_alphabet, Alphabet.GSM)
    return _ALPHABETS[data_coding & 0xFF]


def decode(
    octets: bytes,
    alphabet: Alphabet,
    *,
    packed: bool = False,
    fill_bits: int = 0,
    locking: int = 0,
    single: int = 0,
) -> DecodedText:
    """The text of a message's octets behind its header.

    ``packed`` says whether this operator packs seven-bit text, ``fill_bits`` how many bits then
    come before it, ``locking`` and ``single`` name national tables. Never raises.
    """
    oddities: list[str] = []
    if (locking or single) and alphabet is Alphabet.ASCII:
        # The tables belong to the seven-bit alphabet; data_coding 1 is that one to some peers.
        alphabet = Alphabet.GSM
    if alphabet is Alphabet.GSM:
        text = _gsm(octets, oddities, packed, fill_bits, locking=locking, single=single)
    elif alphabet is Alphabet.UCS2:
        text = _ucs2(octets, oddities)
    elif alphabet in (Alphabet.ASCII, Alphabet.LATIN1):
        text = _eight_bits(octets, oddities, alphabet)
    elif alphabet in (Alphabet.BINARY, Alphabet.COMPRESSED):
        text = _binary(octets, oddities, alphabet)
    elif alphabet is Alphabet.UNKNOWN:
        oddities.append(Oddity.DATA_CODING_UNKNOWN)
        text = _unknown(octets, oddities, packed, fill_bits)
    else:
        text = octets.rstrip(b"\0").decode(alphabet.value, "replace")
    if _UNSHOWABLE.search(text):
        oddities.append(Oddity.CHARACTERS_INVALID)
        text = _UNSHOWABLE.sub(gsm.REPLACEMENT, text)
    elif gsm.REPLACEMENT in text:
        oddities.append(Oddity.CHARACTERS_INVALID)
    return DecodedText(text, tuple(dict.fromkeys(oddities)) if oddities else ())


def _gsm(
    octets: bytes,
    oddities: list[str],
    packed: bool,
    fill_bits: int,
    *,
    locking: int = 0,
    single: int = 0,
) -> str:
    if packed:
        octets = gsm.unpack(octets, fill_bits=fill_bits)
    elif not octets.isascii():
        # No septets, whatever they were called. Each guess is kept only if it is evidently right.
        guessed = _utf8(octets, oddities) or _latin1(octets, oddities)
        guessed = guessed or _packed(octets, oddities, fill_bits)
        if guessed:
            return guessed
    return gsm.decode(octets, oddities, locking=locking, single=single)


def _utf8(octets: bytes, oddities: list[str]) -> str | None:
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if _UNSHOWABLE.search(text):
        return None
    oddities.append(Oddity.READ_AS_UTF8)
    return text


def _latin1(octets: bytes, oddities: list[str]) -> str | None:
    text = octets.decode("latin-1")
    if _UNSHOWABLE.search(text):
        return None
    oddities.append(Oddity.READ_AS_LATIN1)
    return text


def _packed(octets: bytes, oddities: list[str], fill_bits: int) -> str | None:
    text = read_as_packed(octets, fill_bits)
    if text is not None:
        oddities.append(Oddity.READ_AS_PACKED)
    return text


def read_as_packed(octets: bytes, fill_bits: int) -> str | None:
    """The text of octets if they are evidently packed septets, whatever they were called."""
    # Septets that are packed reach into the eighth bit, unless there are hardly any.
    if octets.isascii() or len(octets) > GUESS_OCTETS_MAX:
        return None
    for piece in (octets[:_GLANCE_OCTETS], octets):
        text = gsm.decode(gsm.unpack(piece, fill_bits=fill_bits), [])
        if len(_READABLE.findall(text)) < READABLE_SHARE_MIN * max(len(text), 1):
            return None
    return text


def _ucs2(octets: bytes, oddities: list[str]) -> str:
    """UTF-16 in truth: phones send pairs (😀) under the old name."""
    codec = "utf-16-be"
    if octets[:2] == b"\xff\xfe":
        oddities.append(Oddity.LITTLE_ENDIAN)
        codec = "utf-16-le"
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff"):
        octets = octets[2:]
    if len(octets) % 2:
        oddities.append(Oddity.ODD_LENGTH)
        octets = octets[:-1]
    if octets[-2:] == b"\0\0":
        oddities.append(Oddity.TRAILING_NUL)
    # Half a pair passes here, so that it costs itself alone; it is replaced where all else is.
    return octets.decode(codec, "surrogatepass").rstrip("\0")


def _eight_bits(octets: bytes, oddities: list[str], alphabet: Alphabet) -> str:
    if octets.endswith(b"\0"):
        oddities.append(Oddity.TRAILING_NUL)
        octets = octets.rstrip(b"\0")
    if octets.isascii():
        if _CONTROLS.search(octets) is None:
            return octets.decode("ascii")
        oddities.append(Oddity.READ_AS_GSM)
        return gsm.decode(octets, oddities)
    if alphabet is Alphabet.ASCII:
        text = _utf8(octets, oddities)
        if text is not None:
            return text
        oddities.append(Oddity.READ_AS_LATIN1)
    return _windows1252(octets)


def _windows1252(octets: bytes) -> str:
    """Latin-1, in which peers put the ``€`` and the quotes of Windows where it has controls."""
    return octets.decode("cp1252", "surrogateescape").translate(_REPLACED)


_REPLACED: Final = {0xDC00 + octet: gsm.REPLACEMENT for octet in range(0x80, 0x100)}


def _binary(octets: bytes, oddities: list[str], alphabet: Alphabet) -> str:
    if alphabet is Alphabet.BINARY and octets and not _CONTROLS.search(octets):
        text = _utf8(octets, [])
        if text is not None:
            oddities.append(Oddity.BINARY_AS_TEXT)
            return text
    oddities.append(Oddity.COMPRESSED if alphabet is Alphabet.COMPRESSED else Oddity.BINARY)
    return octets.hex()


def _unknown(octets: bytes, oddities: list[str], packed: bool, fill_bits: int) -> str:
    """Two octets a character where every second one says so, else the default alphabet."""
    if len(octets) >= 2 and len(octets) % 2 == 0 and max(octets[::2]) <= 0x05:
        return _ucs2(octets, oddities)
    return _gsm(octets, oddities, packed, fill_bits)
