"""INVITEs of cars with one thing wrong, by name. Whatever it is, the voice must get through.

Each fault takes what a good car would send, and gives what goes over the wire. Only what breaks
the SIP message itself (`BREAKS_SIP`) may be refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ccserver.ecall import control
from sim.car import MSD_TYPE, PACKAGE, Car
from sim.sip import Call, Header, Part, joined, nested
from sim.sip.ua import Compose

NOISE: Final = bytes((value * 73 + 41) % 256 for value in range(140))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and what is to be expected of the centre."""

    says: str
    data: Callable[[bytes], bytes] = lambda octets: octets
    """What becomes of the MSD's octets."""
    compose: Callable[[Part, Part], Compose] | None = None
    """Gets MSD and Control, gives how the body is made."""
    mangle: Callable[[bytes], bytes] | None = None
    headers: tuple[Header, ...] = ()
    without_call_info: bool = False
    ack: bool | None = None
    """What the answer should say of the MSD; ``None``: it need say nothing."""
    call_taken: bool | None = True
    """``None``: taken or refused in order; a silence is wrong in any case."""


def _body(*more: Part, first: bool = False) -> Callable[[Part, Part], Compose]:
    def with_parts(data: Part, capabilities: Part) -> Compose:
        own = [data, capabilities]
        return lambda sdp: joined([*own, sdp, *more] if first else [sdp, *own, *more])

    return with_parts


def _replaced(pattern: bytes, by: bytes) -> Callable[[bytes], bytes]:
    return lambda octets: re.sub(pattern, by, octets, count=1, flags=re.IGNORECASE)


def _typed(content_type: str) -> Callable[[Part, Part], Compose]:
    def made(data: Part, capabilities: Part) -> Compose:
        return lambda sdp: (content_type, joined([sdp, data, capabilities], boundary="line")[1])

    return made


def _unclosed(data: Part, capabilities: Part) -> Compose:
    def made(sdp: Part) -> tuple[str, bytes]:
        content_type, body = joined([sdp, data, capabilities], boundary="line")
        return content_type, body.removesuffix(b"--line--\r\n")

    return made


def _folded(octets: bytes) -> bytes:
    """Header lines folded over several (RFC 3261 §7.3.1)."""
    return octets.replace(b"Content-Type: multipart/mixed;", b"Content-Type: multipart/mixed\r\n ;")


FAULTS: Final[dict[str, Fault]] = {
    "msd_truncated": Fault("the MSD ends in the middle", data=lambda d: d[: len(d) // 3]),
    "msd_empty": Fault("the MSD has no octets", data=lambda _: b"", ack=False),
    "msd_141_octets": Fault("one octet more than allowed", data=lambda d: d.ljust(141, b"\0")),
    "msd_garbage": Fault("the MSD is noise", data=lambda _: NOISE, ack=False),
    "msd_version_9": Fault("a version that nobody has", data=lambda d: b"\x09" + d[1:], ack=False),
    "msd_as_hex_text": Fault("the MSD is written out", data=lambda d: d.hex().encode(), ack=False),
    "msd_huge": Fault("an MSD of 20 000 octets", data=lambda d: d + bytes(20_000)),
    "two_msds": Fault(
        "two parts say that they are the MSD",
        compose=_body(Part(MSD_TYPE, NOISE, content_id="second@car.example")),
    ),
    "cid_leads_nowhere": Fault(
        "Call-Info names a part that is not there",
        without_call_info=True,
        headers=(("Call-Info", f"<cid:nobody@nowhere.example>;purpose={PACKAGE}"),),
    ),
    "no_call_info": Fault("only the part's type tells what it is", without_call_info=True),
    "no_content_ids": Fault(
        "the parts have no names",
        compose=lambda data, ctl: (
            lambda sdp: joined(
                [sdp, Part(data.content_type, data.body), Part(ctl.content_type, ctl.body)]
            )
        ),
    ),
    "geolocation_nowhere": Fault(
        "Geolocation names a part that is not there",
        headers=(("Geolocation", "<cid:nobody@nowhere.example>"),),
    ),
    "sdp_last": Fault("the SDP comes after all else", compose=_body(first=True), ack=True),
    "nested": Fault(
        "MSD and Control are in a body within the body",
        compose=lambda data, ctl: lambda sdp: joined([sdp, nested([data, ctl])]),
        ack=True,
    ),
    "nested_sdp": Fault(
        "the SDP is in a multipart/alternative within the body",
        compose=lambda data, ctl: (
            lambda sdp: joined(
                [nested([sdp, Part("text/plain", b"x")], kind="alternative"), data, ctl]
            )
        ),
    ),
    "no_boundary": Fault(
        "multipart without a boundary", compose=_typed("multipart/mixed"), call_taken=None
    ),
    "wrong_boundary": Fault(
        "the boundary is another", compose=_typed("multipart/mixed;boundary=other"), call_taken=None
    ),
    "quoted_boundary": Fault(
        "the boundary stands in quotes",
        compose=_typed('multipart/mixed; boundary="line"'),
        ack=True,
    ),
    "unclosed": Fault("the last boundary is missing", compose=_unclosed, call_taken=None),
    "folded_headers": Fault("Content-Type goes over two lines", mangle=_folded, ack=True),
    "control_broken": Fault(
        "the control document is no XML",
        compose=lambda data, _: (
            lambda sdp: joined(
                [
                    sdp,
                    data,
                    Part(control.CONTENT_TYPE, b"<EmergencyCallData.Control", content_id="c@x"),
                ]
            )
        ),
        ack=True,
    ),
    "no_sdp": Fault(
        "there is no SDP: we are to offer",
        compose=lambda data, ctl: lambda _: joined([data, ctl]),
        call_taken=None,
    ),
    "unknown_part": Fault(
        "a part of a type that nobody knows",
        compose=_body(Part("application/x-unknown", NOISE, content_id="u@x")),
        ack=True,
    ),
    "short_content_length": Fault(
        "Content-Length is less than the body",
        mangle=_replaced(rb"Content-Length: \d+", b"Content-Length: 300"),
        call_taken=None,
    ),
    "long_content_length": Fault(
        "Content-Length is more than the body",
        mangle=_replaced(rb"Content-Length: \d+", b"Content-Length: 9999"),
        call_taken=None,
    ),
}
BREAKS_SIP: Final = frozenset(name for name, fault in FAULTS.items() if fault.call_taken is None)
"""A refusal is in order where the message itself cannot be read."""


async def call_with(car: Car, name: str) -> Call:
    """Let a car place a call with that fault; raises ``KeyError``, `CallFailed`."""
    fault = FAULTS[name]
    return await car.call(
        change=fault.data,
        compose=fault.compose,
        mangle=fault.mangle,
        headers=fault.headers,
        call_info=not fault.without_call_info,
    )
