"""The body of deliver_sm, submit_sm and data_sm (SMPP 3.4 §4.4, §4.6, §4.7), read leniently.

A citizen's text is never lost because a field is odd: what is wrong is noted, and what can be told
is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ccserver.sms import gsm
from ccserver.sms.coding import (
    GUESS_OCTETS_MAX,
    Alphabet,
    DecodedText,
    alphabet_of,
    decode,
    read_as_packed,
)
from ccserver.sms.oddities import Oddity
from ccserver.sms.tlv import (
    DESTINATION_PORT,
    MESSAGE_PAYLOAD,
    SAR_NUMBER,
    SAR_REFERENCE,
    SAR_TOTAL,
    SOURCE_PORT,
    integer,
    read_tlvs,
    write_tlvs,
)
from ccserver.sms.udh import Concatenation, UserDataHeader
from ccserver.types import PhoneNumber

ADDRESS_CHARS_MAX = 64
"""SMPP 3.4 allows 20, in data_sm 64; of a longer one this much is kept."""

INTERNATIONAL_DIGITS_MIN = 7
"""Shorter ones are short codes (``112``), whatever type of number the peer gives them."""

SHORT_MESSAGE_OCTETS_MAX = 255
"""What sm_length can say. SMPP 3.4 §5.2.22 allows 254, 5.0 this; a longer text travels as
message_payload."""

TON_UNKNOWN = 0
TON_INTERNATIONAL = 1
TON_ALPHANUMERIC = 5
NPI_ISDN = 1

UDHI = 0x40
_MESSAGE_TYPE = 0x3C
_RECEIPT = 0x04
_INTERMEDIATE = 0x20

_NO_TLVS: Final[Mapping[int, bytes]] = {}

_LIKE_ASCII: Final = {Alphabet.GSM, Alphabet.ASCII, Alphabet.LATIN1}
"""Where plain letters and digits are what they are in ASCII."""

_UNANNOUNCED = b"\x05\x00\x03"
"""How a header of parts begins; as text it would be ``é@$``."""


class ShortMessageUnreadable(ValueError):
    """Not even who sent it and to whom can be told: the body ends before both addresses do."""


@dataclass(frozen=True, slots=True)
class Address:
    """Who sent a message, or whom it is for: type of number, numbering plan, and the characters."""

    ton: int
    npi: int
    value: str

    @classmethod
    def of_number(cls, number: str) -> "Address":
        """Of a telephone number as `number` tells it: international where it begins with ``+``."""
        if number.startswith("+"):
            return cls(TON_INTERNATIONAL, NPI_ISDN, number[1:])
        return cls(TON_UNKNOWN, NPI_ISDN, number)

    @property
    def is_alphanumeric(self) -> bool:
        """A name (``Banka``), which nobody can write back to."""
        return self.ton == TON_ALPHANUMERIC or any(map(str.isalpha, self.value))

    def number(self) -> str:
        """As `PhoneNumber` writes it where it is a telephone number, otherwise as it came."""
        if self.is_alphanumeric:
            return self.value
        raw = self.value
        if (
            self.ton == TON_INTERNATIONAL
            and len(raw) >= INTERNATIONAL_DIGITS_MIN
            # No country's code begins with a zero, whatever the type of number says.
            and not raw.startswith(("+", "0"))
        ):
            raw = f"+{raw}"
        number = PhoneNumber.parse(raw)
        return self.value if number is None else number.value

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortMessage:
    """Every field of a body, and what its user data header and its parameters say.

    ``octets`` is short_message or message_payload, a header still in front; `user_data` comes
    behind that. Of data_sm, which has fewer fields, the others are as if empty. ``udh``,
    ``concatenation`` and ``ports`` follow from the rest.
    """

    source: Address
    destination: Address
    octets: bytes = b""
    esm_class: int = 0
    data_coding: int = 0
    service_type: str = ""
    protocol_id: int = 0
    priority: int = 0
    schedule: str = ""
    validity: str = ""
    registered_delivery: int = 0
    replace_if_present: int = 0
    default_message_id: int = 0
    tlvs: Mapping[int, bytes] = field(default_factory=lambda: _NO_TLVS)
    """By tag, message_payload among them."""
    oddities: tuple[str, ...] = ()
    """Codes of `ccserver.sms.oddities.Oddity`; the text's own come with `text`."""
    udh: UserDataHeader | None = field(init=False, default=None)
    concatenation: Concatenation | None = field(init=False, default=None)
    ports: tuple[int, int] | None = field(init=False, default=None)
    """Of applications: destination and source."""

    def __post_init__(self) -> None:
        """Read the header and the parameters, where there are any."""
        oddities: list[str] = []
        udh = None
        if self.esm_class & UDHI:
            udh = UserDataHeader.parse(self.octets, oddities)
        elif self.octets.startswith(_UNANNOUNCED):
            udh = _unannounced(self.octets, oddities)
        if udh is not None:
            object.__setattr__(self, "udh", udh)
            object.__setattr__(self, "concatenation", udh.concatenation)
            object.__setattr__(self, "ports", udh.ports)
        if self.tlvs:
            self._read_parameters(oddities)
        new = [oddity for oddity in oddities if oddity not in self.oddities]
        if new:
            object.__setattr__(self, "oddities", tuple(dict.fromkeys([*self.oddities, *new])))

    def _read_parameters(self, oddities: list[str]) -> None:
        """What the header does not say, parameters may (SMPP 3.4 §5.3.2.22 to 24)."""
        if self.concatenation is None and SAR_REFERENCE in self.tlvs:
            concatenation = Concatenation.of(
                integer(self.tlvs[SAR_REFERENCE][-2:]) or 0,
                "sar",
                integer(self.tlvs.get(SAR_TOTAL)) or 0,
                integer(self.tlvs.get(SAR_NUMBER)) or 0,
                oddities,
            )
            object.__setattr__(self, "concatenation", concatenation)
        if self.ports is None and DESTINATION_PORT in self.tlvs:
            destination = integer(self.tlvs[DESTINATION_PORT][-2:]) or 0
            source = integer(self.tlvs.get(SOURCE_PORT, b"")[-2:]) or 0
            object.__setattr__(self, "ports", (destination, source))

    @classmethod
    def parse(cls, body: bytes, *, data_sm: bool = False) -> "ShortMessage":
        """Read a PDU's body, which is what comes behind its sixteen octets of header.

        Raises `ShortMessageUnreadable`, and nothing else, where the body ends before the end of
        destination_addr. Whatever is missing or wrong behind that is noted in ``oddities``.
        """
        try:
            at = body.index(0)
            source_end = body.index(0, at + 3)
            destination_end = body.index(0, source_end + 3)
        except ValueError:
            raise ShortMessageUnreadable("The body ends before its addresses do.") from None
        service_type = body[:at].decode("latin-1")
        source = Address(body[at + 1], body[at + 2], _address(body[at + 3 : source_end]))
        destination = Address(
            body[source_end + 1],
            body[source_end + 2],
            _address(body[source_end + 3 : destination_end]),
        )
        read = _read_data_sm if data_sm else _read_sm
        return read(body, destination_end + 1, service_type, source, destination)

    def encode(self, *, data_sm: bool = False) -> bytes:
        """The body: what `parse` reads back as this, if it was well-formed.

        Octets beyond `SHORT_MESSAGE_OCTETS_MAX`, and those of data_sm, become message_payload.
        """
        addresses = b"".join(
            bytes((address.ton, address.npi)) + address.value.encode("latin-1") + b"\0"
            for address in (self.source, self.destination)
        )
        start = self.service_type.encode("latin-1") + b"\0" + addresses + bytes((self.esm_class,))
        tlvs = dict(self.tlvs)
        if data_sm or len(self.octets) > SHORT_MESSAGE_OCTETS_MAX:
            tlvs[MESSAGE_PAYLOAD] = self.octets
        if data_sm:
            return start + bytes((self.registered_delivery, self.data_coding)) + write_tlvs(tlvs)
        octets = b"" if tlvs.get(MESSAGE_PAYLOAD) == self.octets else self.octets
        return b"".join(
            (
                start,
                bytes((self.protocol_id, self.priority)),
                self.schedule.encode("latin-1") + b"\0",
                self.validity.encode("latin-1") + b"\0",
                bytes((self.registered_delivery, self.replace_if_present, self.data_coding)),
                bytes((self.default_message_id, len(octets))),
                octets,
                write_tlvs(tlvs),
            )
        )

    @property
    def is_receipt(self) -> bool:
        """Whether it tells what became of one of ours, finally (SMPP 3.4 §5.2.12)."""
        return self.esm_class & _MESSAGE_TYPE == _RECEIPT

    @property
    def is_intermediate(self) -> bool:
        """Whether it tells what is becoming of one of ours."""
        return self.esm_class & _MESSAGE_TYPE == _INTERMEDIATE

    @property
    def user_data(self) -> bytes:
        """The octets of the text."""
        return self.octets if self.udh is None else self.octets[self.udh.length :]

    def text(self, *, default_alphabet: str = "gsm", packed: bool = False) -> DecodedText:
        """The text, as far as it can be read; binary data in hexadecimal. Never raises.

        ``default_alphabet`` and ``packed`` are what the operator's settings say.
        """
        alphabet = alphabet_of(self.data_coding, default_alphabet)
        udh = self.udh
        if udh is None:
            return decode(self.octets, alphabet, packed=packed)
        return decode(
            self.octets[udh.length :],
            alphabet,
            packed=packed,
            fill_bits=udh.fill_bits,
            locking=udh.locking_shift,
            single=udh.single_shift,
        )

    def readings(self, *, default_alphabet: str = "gsm", packed: bool = False) -> tuple[str, ...]:
        """Every text that it may be, the likeliest first, for who knows what to look for.

        A position that a phone sends as data is seven-bit text, packed or not, whatever
        data_coding calls it (ETSI TS 103 625), and is recognised by what it says.
        """
        found = [self.text(default_alphabet=default_alphabet, packed=packed).text]
        data = self.user_data
        if len(data) > GUESS_OCTETS_MAX:
            return tuple(found)
        as_packed = read_as_packed(data, 0 if self.udh is None else self.udh.fill_bits)
        if as_packed is not None:
            found.append(as_packed)
        like_ascii = alphabet_of(self.data_coding, default_alphabet) in _LIKE_ASCII
        if packed or not like_ascii or not data.isascii():
            found.append(decode(data, Alphabet.LATIN1).text)
        if 0 in data:
            found.append(decode(data, Alphabet.UCS2).text)
        return tuple(dict.fromkeys(found))


def joined_text(
    parts: Sequence[ShortMessage], *, default_alphabet: str = "gsm", packed: bool = False
) -> DecodedText:
    """The text of parts that follow one another without a gap.

    Octets of the same coding are joined before they are read, since some senders cut a character in
    two. Never raises.
    """
    texts: list[str] = []
    oddities: dict[str, None] = {}
    start = 0
    for end in range(1, len(parts) + 1):
        if end < len(parts) and _coding(parts[end]) == _coding(parts[start]):
            continue
        decoded = _run_text(parts[start:end], default_alphabet, packed)
        texts.append(decoded.text)
        oddities.update(dict.fromkeys(decoded.oddities))
        start = end
    return DecodedText("".join(texts), tuple(oddities))


def _coding(part: ShortMessage) -> tuple[int, int, int]:
    udh = part.udh
    return part.data_coding, *((udh.locking_shift, udh.single_shift) if udh else (0, 0))


def _run_text(parts: Sequence[ShortMessage], default_alphabet: str, packed: bool) -> DecodedText:
    """Of parts with one coding."""
    if len(parts) == 1:
        return parts[0].text(default_alphabet=default_alphabet, packed=packed)
    alphabet = alphabet_of(parts[0].data_coding, default_alphabet)
    if packed and alphabet is Alphabet.GSM:
        data = b"".join(
            gsm.unpack(part.user_data, fill_bits=part.udh.fill_bits if part.udh else 0)
            for part in parts
        )
    else:
        data = b"".join(part.user_data for part in parts)
    _, locking, single = _coding(parts[0])
    return decode(data, alphabet, locking=locking, single=single)


def _address(octets: bytes) -> str:
    return octets[:ADDRESS_CHARS_MAX].decode("latin-1")


def _unannounced(octets: bytes, oddities: list[str]) -> UserDataHeader | None:
    """A header of parts that the peer forgot to announce, if it is one beyond doubt."""
    udh = UserDataHeader.parse(octets, [])
    if udh is None or udh.concatenation is None or udh.concatenation.total == 1:
        return None
    oddities.append(Oddity.UDH_UNANNOUNCED)
    return udh


def _read_sm(
    body: bytes, at: int, service_type: str, source: Address, destination: Address
) -> ShortMessage:
    """Of deliver_sm and submit_sm, from ``at`` on, which is behind the addresses."""
    oddities: list[str] = []
    start = body[at : at + 3]
    at += 3
    schedule_end = body.find(0, at)
    validity_end = body.find(0, schedule_end + 1) if schedule_end >= 0 else -1
    if validity_end < 0:
        cut = Oddity.BODY_CUT if at >= len(body) else Oddity.FIELD_UNTERMINATED
        return ShortMessage(
            service_type=service_type,
            source=source,
            destination=destination,
            esm_class=start[0] if start else 0,
            oddities=(cut,),
        )
    fixed = body[validity_end + 1 : validity_end + 6]
    if len(fixed) < 5:
        oddities.append(Oddity.BODY_CUT)
        fixed = fixed.ljust(5, b"\0")
    at_text = validity_end + 6
    at_tlvs = at_text + fixed[4]
    octets = body[at_text:at_tlvs]
    if at_tlvs > len(body) and at_text <= len(body):
        oddities.append(Oddity.SHORT_MESSAGE_CUT)
    tlvs = read_tlvs(body, at_tlvs, oddities) if at_tlvs < len(body) else _NO_TLVS
    if tlvs:
        octets = _longer(octets, tlvs.get(MESSAGE_PAYLOAD), oddities)
    return ShortMessage(
        service_type=service_type,
        source=source,
        destination=destination,
        esm_class=start[0],
        protocol_id=start[1],
        priority=start[2],
        schedule=body[at:schedule_end].decode("latin-1"),
        validity=body[schedule_end + 1 : validity_end].decode("latin-1"),
        registered_delivery=fixed[0],
        replace_if_present=fixed[1],
        data_coding=fixed[2],
        default_message_id=fixed[3],
        octets=octets,
        tlvs=tlvs,
        oddities=tuple(oddities),
    )


def _longer(octets: bytes, payload: bytes | None, oddities: list[str]) -> bytes:
    """The text where both places have one, which SMPP 3.4 §5.3.2.32 forbids."""
    if payload is None:
        return octets
    if octets and payload and octets != payload:
        oddities.append(Oddity.TEXT_TWICE)
    return max(payload, octets, key=len)


def _read_data_sm(
    body: bytes, at: int, service_type: str, source: Address, destination: Address
) -> ShortMessage:
    """Of data_sm, from ``at`` on, which is behind the addresses."""
    oddities: list[str] = []
    fixed = body[at : at + 3]
    if len(fixed) < 3:
        oddities.append(Oddity.BODY_CUT)
        fixed = fixed.ljust(3, b"\0")
    tlvs = read_tlvs(body, at + 3, oddities)
    return ShortMessage(
        service_type=service_type,
        source=source,
        destination=destination,
        esm_class=fixed[0],
        registered_delivery=fixed[1],
        data_coding=fixed[2],
        octets=tlvs.get(MESSAGE_PAYLOAD, b""),
        tlvs=tlvs,
        oddities=tuple(oddities),
    )
