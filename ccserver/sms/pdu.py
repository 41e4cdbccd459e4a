"""SMPP PDUs: a header of 16 octets and a body, and where each ends in a stream (SMPP 3.4 §3.2).

What is in a body is the business of others; this module only tells PDUs apart, because that much
has to hold whatever a peer sends. A length out of bounds is the one fault that ends a connection:
nobody can say where the next PDU begins.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

HEADER_BYTES: Final = 16
"""command_length, command_id, command_status, sequence_number, four octets each."""

FRAME_BYTES_MAX: Final = 70_000
"""A ``message_payload`` of 65 535 octets, its mandatory fields and every other TLV with room to
spare. More is a stream out of step, whose "length" is a piece of text."""

RESPONSE_BIT: Final = 0x8000_0000
"""Set in the command_id of every response (SMPP 3.4 §5.1.2)."""

SEQUENCE_MAX: Final = 0x7FFF_FFFF
"""The highest that we give (SMPP 3.4 §3.2); a peer's own, higher or 0, is echoed as it is."""

_HEADER = struct.Struct(">IIII")
_LENGTH = struct.Struct(">I")


class Command(IntEnum):
    """command_id (SMPP 3.4 §5.1.2.1), as far as a peer of ours may have a use for it."""

    BIND_RECEIVER = 0x0000_0001
    BIND_TRANSMITTER = 0x0000_0002
    QUERY_SM = 0x0000_0003
    SUBMIT_SM = 0x0000_0004
    DELIVER_SM = 0x0000_0005
    UNBIND = 0x0000_0006
    REPLACE_SM = 0x0000_0007
    CANCEL_SM = 0x0000_0008
    BIND_TRANSCEIVER = 0x0000_0009
    OUTBIND = 0x0000_000B
    ENQUIRE_LINK = 0x0000_0015
    SUBMIT_MULTI = 0x0000_0021
    ALERT_NOTIFICATION = 0x0000_0102
    DATA_SM = 0x0000_0103

    GENERIC_NACK = 0x8000_0000
    BIND_RECEIVER_RESP = 0x8000_0001
    BIND_TRANSMITTER_RESP = 0x8000_0002
    QUERY_SM_RESP = 0x8000_0003
    SUBMIT_SM_RESP = 0x8000_0004
    DELIVER_SM_RESP = 0x8000_0005
    UNBIND_RESP = 0x8000_0006
    REPLACE_SM_RESP = 0x8000_0007
    CANCEL_SM_RESP = 0x8000_0008
    BIND_TRANSCEIVER_RESP = 0x8000_0009
    ENQUIRE_LINK_RESP = 0x8000_0015
    SUBMIT_MULTI_RESP = 0x8000_0021
    DATA_SM_RESP = 0x8000_0103


class Status(IntEnum):
    """command_status (SMPP 3.4 §5.1.3), under the standard's names without their prefix.

    Peers send others too: their vendor's own, and those of later versions. What a status means for
    what was sent is told by `ccserver.sms.statuses`, for every number.
    """

    ROK = 0x00
    RINVMSGLEN = 0x01
    RINVCMDLEN = 0x02
    RINVCMDID = 0x03
    RINVBNDSTS = 0x04
    RALYBND = 0x05
    RINVPRTFLG = 0x06
    RINVREGDLVFLG = 0x07
    RSYSERR = 0x08
    RINVSRCADR = 0x0A
    RINVDSTADR = 0x0B
    RINVMSGID = 0x0C
    RBINDFAIL = 0x0D
    RINVPASWD = 0x0E
    RINVSYSID = 0x0F
    RCANCELFAIL = 0x11
    RREPLACEFAIL = 0x13
    RMSGQFUL = 0x14
    RINVSERTYP = 0x15
    RINVNUMDESTS = 0x33
    RINVDLNAME = 0x34
    RINVDESTFLAG = 0x40
    RINVSUBREP = 0x42
    RINVESMCLASS = 0x43
    RCNTSUBDL = 0x44
    RSUBMITFAIL = 0x45
    RINVSRCTON = 0x48
    RINVSRCNPI = 0x49
    RINVDSTTON = 0x50
    RINVDSTNPI = 0x51
    RINVSYSTYP = 0x53
    RINVREPFLAG = 0x54
    RINVNUMMSGS = 0x55
    RTHROTTLED = 0x58
    RINVSCHED = 0x61
    RINVEXPIRY = 0x62
    RINVDFTMSGID = 0x63
    RX_T_APPN = 0x64
    """"Not now": what makes a message centre try again."""
    RX_P_APPN = 0x65
    RX_R_APPN = 0x66
    RQUERYFAIL = 0x67
    RINVOPTPARSTREAM = 0xC0
    ROPTPARNOTALLWD = 0xC1
    RINVPARLEN = 0xC2
    RMISSINGOPTPARAM = 0xC3
    RINVOPTPARAMVAL = 0xC4
    RDELIVERYFAILURE = 0xFE
    RUNKNOWNERR = 0xFF
    RSERTYPUNAUTH = 0x100
    """This and the following are of SMPP 5.0 §4.7.6; peers that say 3.4 send them too."""
    RPROHIBITED = 0x101
    RSERTYPUNAVAIL = 0x102
    RSERTYPDENIED = 0x103
    RINVDCS = 0x104


@dataclass(frozen=True, slots=True)
class PDU:
    """One PDU. ``command_id`` and ``status`` are plain numbers: a peer may send any."""

    command_id: int
    status: int
    sequence: int
    body: bytes = b""

    @property
    def is_response(self) -> bool:
        """Whether it answers something; a response is never answered."""
        return self.command_id >= RESPONSE_BIT

    @classmethod
    def parse(cls, frame: bytes) -> "PDU":
        """The PDU that fills ``frame``; raises `FrameInvalid` where its length says otherwise."""
        if len(frame) < HEADER_BYTES:
            raise FrameInvalid(len(frame))
        length, command_id, status, sequence = _HEADER.unpack_from(frame)
        if length != len(frame):
            raise FrameInvalid(length)
        return cls(command_id, status, sequence, frame[HEADER_BYTES:])

    def encode(self) -> bytes:
        """The octets to send; raises ``struct.error`` where a number has more than 32 bits."""
        return (
            _HEADER.pack(HEADER_BYTES + len(self.body), self.command_id, self.status, self.sequence)
            + self.body
        )


class FrameInvalid(Exception):
    """A command_length that no PDU has.

    ``frames`` are those that were whole ahead of it in the same piece of the stream: they are good,
    and a citizen's text may be among them.
    """

    def __init__(self, length: int, frames: tuple[bytes, ...] = ()):
        super().__init__(f"command_length {length}")
        self.length = length
        self.frames = frames


class Framer:
    """Cuts a stream into frames, each a whole PDU with its header.

    It holds at most one unfinished frame beside what it is given, whatever a length promises: the
    bounds are checked as soon as four octets are there, before anything is waited for.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def held(self) -> int:
        """Octets of an unfinished frame."""
        return len(self._held)

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that ``data`` makes whole, in order.

        Raises `FrameInvalid` at a length out of bounds; the stream is of no use after that.
        """
        held = self._held
        if held:
            # Appending takes no copy of what is there, so an octet at a time is cheap as well.
            held += data
            octets = bytes(held) if self._whole(held) else b""
            if not octets:
                return []
            held.clear()
        else:
            octets = data
        frames: list[bytes] = []
        start, end = 0, len(octets)
        while end - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(octets, start)
            if not HEADER_BYTES <= length <= FRAME_BYTES_MAX:
                raise FrameInvalid(length, tuple(frames))
            if end - start < length:
                break
            frames.append(octets[start : start + length])
            start += length
        held += octets[start:]
        return frames

    @staticmethod
    def _whole(held: bytearray) -> bool:
        """Whether there is something to cut off, or a length to refuse."""
        if len(held) < _LENGTH.size:
            return False
        (length,) = _LENGTH.unpack_from(held)
        return len(held) >= length or not HEADER_BYTES <= length <= FRAME_BYTES_MAX
