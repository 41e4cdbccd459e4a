"""SMPP 3.4 on the wire, written so that wrong things can be sent as easily as right ones.

Everything ends in plain bytes. A `Message` with odd fields encodes them as they are; what no
`Message` can express is given to a link as raw bytes.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

HEADER = struct.Struct(">IIII")
TLV_HEADER = struct.Struct(">HH")
PACKET_BYTES_MAX = 70_000
"""A message_payload has at most 65 535 octets; the rest is its fields."""
RESPONSE = 0x8000_0000
"""This bit of a command makes it the answer (SMPP 3.4 §5.1.2.1)."""

UDH_INDICATOR = 0x40
"""In esm_class: the message begins with a user data header (§5.2.12)."""
RECEIPT = 0x04
"""In esm_class: this is a delivery receipt."""
INTERMEDIATE = 0x20
"""In esm_class: this is an intermediate notification."""
TYPE_MASK = 0x3C


class Command(IntEnum):
    """command_id (§5.1.2.1); an answer is the request with `RESPONSE` set."""

    GENERIC_NACK = 0x8000_0000
    BIND_RECEIVER = 0x0000_0001
    BIND_TRANSMITTER = 0x0000_0002
    SUBMIT_SM = 0x0000_0004
    DELIVER_SM = 0x0000_0005
    UNBIND = 0x0000_0006
    BIND_TRANSCEIVER = 0x0000_0009
    ENQUIRE_LINK = 0x0000_0015
    DATA_SM = 0x0000_0103


BINDS = frozenset({Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER})


class Status(IntEnum):
    """command_status (§5.1.3), those that a message centre has a use for."""

    OK = 0x00
    INVALID_COMMAND_LENGTH = 0x02
    INVALID_COMMAND = 0x03
    WRONG_BIND_STATE = 0x04
    ALREADY_BOUND = 0x05
    SYSTEM_ERROR = 0x08
    BIND_FAILED = 0x0D
    INVALID_PASSWORD = 0x0E
    INVALID_SYSTEM_ID = 0x0F
    QUEUE_FULL = 0x14
    SUBMIT_FAILED = 0x45
    THROTTLED = 0x58
    TEMPORARY_APP_ERROR = 0x64
    PERMANENT_APP_ERROR = 0x65
    VENDOR = 0x400
    """The first of those that vendors define (§5.1.3)."""


TEMPORARY = frozenset(
    {Status.SYSTEM_ERROR, Status.QUEUE_FULL, Status.THROTTLED, Status.TEMPORARY_APP_ERROR}
)
"""After these answers to deliver_sm an operator tries again."""


class Tag(IntEnum):
    """Of the optional parameters (§5.3.2)."""

    RECEIPTED_MESSAGE_ID = 0x001E
    SAR_REFERENCE = 0x020C
    SAR_TOTAL = 0x020E
    SAR_NUMBER = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


class WireError(Exception):
    """The peer sent what cannot be read; the text says what."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One PDU."""

    command: int
    status: int
    sequence: int
    body: bytes = b""

    def encode(self) -> bytes:
        """With the right length before it."""
        length = HEADER.size + len(self.body)
        return HEADER.pack(length, self.command, self.status, self.sequence) + self.body

    def answer(self, status: int = Status.OK, body: bytes = b"") -> "Packet":
        """The answer to this request."""
        return Packet(self.command | RESPONSE, status, self.sequence, body)


def take_packets(buffer: bytearray) -> list[Packet]:
    """Take the complete packets out of a buffer; raises `WireError` at a bad length."""
    taken, start = [], 0
    while len(buffer) - start >= HEADER.size:
        length, command, status, sequence = HEADER.unpack_from(buffer, start)
        if not HEADER.size <= length <= PACKET_BYTES_MAX:
            raise WireError(f"command_length {length}")
        if len(buffer) - start < length:
            break
        body = bytes(buffer[start + HEADER.size : start + length])
        taken.append(Packet(command, status, sequence, body))
        start += length
    del buffer[:start]
    return taken


@dataclass(frozen=True, slots=True)
class Party:
    """An address; type and plan as §5.2.5 and §5.2.6 number them."""

    value: str
    ton: int = 1
    npi: int = 1

    def encode(self) -> bytes:
        """As the three fields of a message."""
        return bytes([self.ton, self.npi]) + cstring(self.value)


def cstring(value: str) -> bytes:
    """Octets with the NUL that ends them."""
    return value.encode("latin-1") + b"\0"


def tlv(tag: int, value: bytes) -> bytes:
    """One optional parameter."""
    return TLV_HEADER.pack(tag, len(value)) + value


@dataclass(frozen=True, slots=True)
class Message:
    """The body of submit_sm and of deliver_sm: they have the same fields (§4.4.1, §4.6.1)."""

    source: Party
    destination: Party
    octets: bytes = b""
    data_coding: int = 0
    esm_class: int = 0
    registered_delivery: int = 0
    service_type: str = ""
    protocol_id: int = 0
    priority: int = 0
    schedule: str = ""
    validity: str = ""
    tlvs: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The octets, from wherever they are."""
        return self.tlvs.get(Tag.MESSAGE_PAYLOAD, self.octets)

    def encode(self) -> bytes:
        """As a body."""
        return b"".join(
            [
                cstring(self.service_type),
                self.source.encode(),
                self.destination.encode(),
                bytes([self.esm_class, self.protocol_id, self.priority]),
                cstring(self.schedule),
                cstring(self.validity),
                bytes([self.registered_delivery, 0, self.data_coding, 0, len(self.octets)]),
                self.octets,
                *(tlv(tag, value) for tag, value in self.tlvs.items()),
            ]
        )

    @classmethod
    def parse(cls, body: bytes) -> "Message":
        """Read a body strictly; raises `WireError`: what the product sends must be right."""
        reader = _Reader(body)
        service_type = reader.cstring()
        source, destination = reader.party(), reader.party()
        esm_class, protocol_id, priority = reader.octets(3)
        schedule, validity = reader.cstring(), reader.cstring()
        registered, _replace, data_coding, _default = reader.octets(4)
        return cls(
            source=source,
            destination=destination,
            octets=reader.octets(reader.octets(1)[0]),
            data_coding=data_coding,
            esm_class=esm_class,
            registered_delivery=registered,
            service_type=service_type,
            protocol_id=protocol_id,
            priority=priority,
            schedule=schedule,
            validity=validity,
            tlvs=reader.tlvs(),
        )


@dataclass(frozen=True, slots=True)
class Bind:
    """What a bind request says (§4.1)."""

    system_id: str
    password: str
    system_type: str
    interface_version: int

    @classmethod
    def parse(cls, body: bytes) -> "Bind":
        """Read it; raises `WireError`."""
        reader = _Reader(body)
        system_id, password, system_type = reader.cstring(), reader.cstring(), reader.cstring()
        return cls(system_id, password, system_type, reader.octets(1)[0])


class _Reader:
    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0

    def octets(self, count: int) -> bytes:
        if self.at + count > len(self.body):
            raise WireError(f"the body ends at {len(self.body)}, {count} octets after {self.at}")
        self.at += count
        return self.body[self.at - count : self.at]

    def cstring(self) -> str:
        end = self.body.find(b"\0", self.at)
        if end < 0:
            raise WireError(f"no NUL after {self.at}")
        text = self.body[self.at : end].decode("latin-1")
        self.at = end + 1
        return text

    def party(self) -> Party:
        ton, npi = self.octets(2)
        return Party(self.cstring(), ton, npi)

    def tlvs(self) -> dict[int, bytes]:
        found = {}
        while self.at < len(self.body):
            tag, length = TLV_HEADER.unpack(self.octets(TLV_HEADER.size))
            found[tag] = self.octets(length)
        return found
