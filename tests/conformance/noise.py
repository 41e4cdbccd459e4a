"""Good messages with octets changed at random; the same seed makes the same messages.

Via and Contact stay as they are: what they name is sent to, and a test sends to this machine alone.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ccserver.ecall import control, msd
from sim.car import MSD_TYPE, Vehicle
from sim.sipp.ends import Ends
from tests.conformance.malformed import PIDF, help_call, multipart, part, sdp

CHANGES_MAX: Final = 4
SPAN_MAX: Final = 40
KEPT: Final = re.compile(rb"\r\n(?:Via|Contact): [^\r]*\r\n")
ECALL: Final = "urn:service:sos.ecall.automatic"
MSD: Final = msd.encode(Vehicle().msd(kind="automatic", identifier=1, timestamp=1_790_000_000))


def good(e: Ends) -> bytes:
    """An eCall with all that it may have."""
    data = part(MSD_TYPE, MSD, "Content-ID: <msd@car.example>")
    wishes = part(control.CONTENT_TYPE, control.capabilities_xml(), "Content-ID: <ctl@car.example>")
    more = (
        "Call-Info: <cid:msd@car.example>;purpose=EmergencyCallData.eCall.MSD",
        "Geolocation: <cid:place@car.example>",
        "Recv-Info: EmergencyCallData.eCall.MSD",
        "P-Asserted-Identity: <tel:+37120000000>",
    )
    return help_call(e, multipart(sdp(e), data, PIDF, wishes), uri=ECALL, more=more)


@dataclass(frozen=True, slots=True)
class _Noisy:
    seed: str

    def __call__(self, e: Ends) -> bytes:
        return _changed(good(e), random.Random(self.seed))  # noqa: S311 - to be had again


def noisy(seed: int, count: int) -> Iterator[Callable[[Ends], bytes]]:
    """Messages that are each good but for a few changes."""
    for number in range(count):
        yield _Noisy(f"{seed}/{number}")


def _changed(octets: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, CHANGES_MAX)):
        at = chance.randrange(len(octets) + 1)
        end = min(at + chance.randint(1, SPAN_MAX), len(octets))
        if any(at < line.end() and end > line.start() for line in KEPT.finditer(octets)):
            continue
        piece = octets[at:end]
        middle = chance.choice(
            (
                b"",
                piece * 2,
                piece[::-1],
                piece.swapcase(),
                chance.randbytes(len(piece)),
                b"\0" * len(piece),
                b"\r\n" + piece,
                piece.replace(b"\r\n", b"\n"),
                chance.choice(
                    (b"--simple-boundary", b"\r\n\r\n", b'"', b"<", b";", b"%00", b"\xff")
                ),
            )
        )
        octets = octets[:at] + middle + octets[end:]
    return octets
