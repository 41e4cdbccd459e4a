"""AML in data SMS: octets whose coding nobody announces, told by what they say.

Phones pack the text into septets behind a header with ports (3GPP TS 23.040 §9.2.3.24.4); on the
way operators unpack it, turn it into UCS-2, or strip the header. Neither the port nor the data
coding tells which, so each way is tried, and the one that gives AML is right.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ccserver.location.aml import looks_like_aml

OCTETS_MAX = 1_000
"""Seven short messages in UCS-2."""

HEADER_OCTETS_MAX = 140
"""A user data header cannot be longer than the message."""

BEGINNING_OCTETS = 32
"""Enough to tell AML by its header in every coding; most octets are none of it."""

_FILL_BITS = range(7)
"""Behind a header the first septet begins at a septet's border: up to six bits are skipped."""

_TO_ASCII = {0x00: "@", 0x02: "$", 0x11: "_"}
"""What of GSM 03.38 differs from ASCII among the characters of AML, and its padding."""


def text_of(octets: bytes) -> str | None:
    """The AML text in the user data of a short message; ``None`` where there is none.

    With or without a user data header, packed, unpacked, in ASCII or in UCS-2.
    """
    octets = octets[:OCTETS_MAX]
    for body in _bodies(octets):
        for read in _READINGS:
            if looks_like_aml(read(body[:BEGINNING_OCTETS])):
                text = read(body)
                if looks_like_aml(text):
                    return text
    return None


def _bodies(octets: bytes) -> Iterator[bytes]:
    """The octets, and what is behind a header if they begin with one."""
    yield octets
    length = octets[0] + 1 if octets else 0
    if 1 < length < min(len(octets), HEADER_OCTETS_MAX):
        yield octets[length:]


def unpacked(body: bytes, fill: int = 0) -> str:
    """Septets of GSM 03.38 from octets (3GPP TS 23.038 §6.1.2.1), as far as AML uses them.

    ``fill`` bits are skipped first. What AML does not use comes as the ASCII of the same number.
    """
    bits = int.from_bytes(body, "little") >> fill
    count = max(0, len(body) * 8 - fill) // 7
    septets = [(bits >> 7 * index) & 0x7F for index in range(count)]
    return "".join(_TO_ASCII.get(septet, chr(septet)) for septet in septets)


_READINGS: Sequence[Callable[[bytes], str]] = (
    lambda body: body.decode("latin-1"),
    lambda body: body.decode("utf-16-be", "replace"),
    *(partial(unpacked, fill=fill) for fill in _FILL_BITS),
)
