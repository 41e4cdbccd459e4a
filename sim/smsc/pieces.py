"""A citizen's text cut into messages, in every form in which operators hand them over, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sim.smsc.alphabets import (
    DATA_CODING,
    Alphabet,
    fill_bits,
    gsm_text,
    is_gsm,
    letters,
    pack,
    unpack,
)
from sim.smsc.wire import UDH_INDICATOR, Message, Tag

OCTETS_MAX = 140
"""What one short message carries over the air (3GPP TS 23.040 §9.2.3.24)."""
SEPTETS_MAX = 160
CONCAT_8 = 0x00
CONCAT_16 = 0x08
PORTS_16 = 0x05
"""Information elements of the user data header (3GPP TS 23.040 §9.2.3.24)."""


class Join(StrEnum):
    """How parts say that they belong together."""

    UDH8 = "udh8"
    UDH16 = "udh16"
    SAR = "sar"
    PAYLOAD = "payload"
    """Not at all: one message_payload holds all of it."""


@dataclass(frozen=True, slots=True)
class Form:
    """The shape of a text on its way; without an alphabet the narrowest that can write it."""

    alphabet: Alphabet | None = None
    join: Join = Join.UDH8


@dataclass(frozen=True, slots=True)
class Piece:
    """One message's share of a text."""

    octets: bytes
    data_coding: int
    esm_class: int = 0
    tlvs: Mapping[int, bytes] = field(default_factory=dict)


def cut(text: str, form: Form, reference: int) -> list[Piece]:
    """All pieces in their order."""
    alphabet = form.alphabet or (Alphabet.GSM if is_gsm(text) else Alphabet.UCS2)
    coding = DATA_CODING[alphabet]
    written = letters(text, alphabet)
    if form.join is Join.PAYLOAD:
        octets = _packed(b"".join(written), alphabet, 0)
        return [Piece(b"", coding, tlvs={Tag.MESSAGE_PAYLOAD: octets})]
    shares = _shares(written, _room(alphabet, 0))
    if len(shares) == 1:
        return [Piece(_packed(shares[0], alphabet, 0), coding)]
    shares = _shares(written, _room(alphabet, 7 if form.join is Join.UDH16 else 6))
    pieces = []
    for number, share in enumerate(shares, 1):
        header, tlvs = _mark(form.join, reference, len(shares), number)
        octets = header + _packed(share, alphabet, len(header))
        pieces.append(Piece(octets, coding, UDH_INDICATOR if header else 0, tlvs))
    return pieces


def with_ports(text: str, *, destination: int, source: int = 0, packed: bool = True) -> Piece:
    """A data message in the default alphabet to a port, as phones send their position."""
    header = _header(PORTS_16, destination.to_bytes(2) + source.to_bytes(2))
    septets = b"".join(letters(text, Alphabet.GSM))
    content = pack(septets, fill=fill_bits(len(header))) if packed else septets
    return Piece(header + content, 0x00 if packed else 0x04, UDH_INDICATOR)


def _room(alphabet: Alphabet, header: int) -> int:
    if alphabet in (Alphabet.GSM, Alphabet.GSM_PACKED):
        return SEPTETS_MAX - (header * 8 + 6) // 7
    return OCTETS_MAX - header


def _shares(written: list[bytes], room: int) -> list[bytes]:
    shares, now = [], b""
    for letter in written:
        if len(now) + len(letter) > room:
            shares.append(now)
            now = b""
        now += letter
    return [*shares, now]


def _packed(octets: bytes, alphabet: Alphabet, header: int) -> bytes:
    return pack(octets, fill=fill_bits(header)) if alphabet is Alphabet.GSM_PACKED else octets


def _header(element: int, value: bytes) -> bytes:
    return bytes([len(value) + 2, element, len(value)]) + value


def _mark(join: Join, reference: int, total: int, number: int) -> tuple[bytes, Mapping[int, bytes]]:
    """The header, or the optional parameters, by which a part is known."""
    place = bytes([total, number])
    match join:
        case Join.UDH8:
            return _header(CONCAT_8, bytes([reference & 0xFF]) + place), {}
        case Join.UDH16:
            return _header(CONCAT_16, (reference & 0xFFFF).to_bytes(2) + place), {}
        case Join.SAR | Join.PAYLOAD:
            return b"", {
                Tag.SAR_REFERENCE: (reference & 0xFFFF).to_bytes(2),
                Tag.SAR_TOTAL: place[:1],
                Tag.SAR_NUMBER: place[1:],
            }


# -- back again -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """What a phone makes of one message."""

    text: str
    reference: int | None = None
    total: int = 1
    number: int = 1


def read(message: Message, *, packed: bool = False) -> Read:
    """As a phone reads it; a text that it cannot read is shown as hex."""
    octets, header = message.content, b""
    if message.esm_class & UDH_INDICATOR and octets:
        header, octets = octets[: octets[0] + 1], octets[octets[0] + 1 :]
    text = _text(octets, message.data_coding, header, packed=packed)
    at = 1
    while at + 1 < len(header):
        element, value = header[at], header[at + 2 : at + 2 + header[at + 1]]
        if element == CONCAT_8 and len(value) == 3:
            return Read(text, value[0], value[1], value[2])
        if element == CONCAT_16 and len(value) == 4:
            return Read(text, int.from_bytes(value[:2]), value[2], value[3])
        at += 2 + len(value)
    if Tag.SAR_REFERENCE in message.tlvs:
        sar = (Tag.SAR_REFERENCE, Tag.SAR_TOTAL, Tag.SAR_NUMBER)
        return Read(text, *(int.from_bytes(message.tlvs.get(tag, b"\x01")) for tag in sar))
    return Read(text)


def _text(octets: bytes, data_coding: int, header: bytes, *, packed: bool) -> str:
    match data_coding:
        case 0x00 if packed:
            return gsm_text(unpack(octets, fill=fill_bits(len(header)) if header else 0))
        case 0x00:
            return gsm_text(octets)
        case 0x03:
            return octets.decode("latin-1")
        case 0x08:
            return octets.decode("utf-16-be", "replace")
    return octets.hex()
