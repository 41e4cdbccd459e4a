"""Which text a part belongs to, and what a text reads as while parts of it are missing.

Parts know one another by the operator, both addresses, the reference with its width, and the total
(3GPP TS 23.040 §9.2.3.24.1). A telephone counts its references in 8 bits and begins again, so the
same reference comes again for another text; and an operator who misses our answer delivers a part
again. Both are told apart by what the part says:

==================================================  ===========================================
The part ...                                        It ...
==================================================  ===========================================
says what the same part of a known text said        is repeated: the text has it
has a number that the newest text lacks             goes to that text, and mends it if it is late
has a number that the newest text has with other    begins a new text
words
comes when no text of its key is known              begins a new text
==================================================  ===========================================

The key has the operator and not the bind in it, because an operator spreads one citizen's parts
over all binds that are up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Final, TypeVar

T = TypeVar("T")

PARTS_WAIT_S: Final = 45.0
"""Parts of a text follow one another within seconds. After this the call taker sees it with its
gaps: the time is between the 30 and 60 seconds in which somebody who waits still waits."""
LATE_WITHIN: Final = timedelta(hours=4)
"""A late part mends a text as long as its conversation may be open; after that its reference is
more likely another text's."""
GAP: Final = "[…]"
"""What stands for a part that is missing."""
TOTAL_MAX: Final = 255
"""One octet counts the parts (3GPP TS 23.040 §9.2.3.24.1)."""


@dataclass(frozen=True, slots=True)
class PartKey:
    """Everything by which the parts of one text know one another."""

    operator: str
    citizen: str
    our_number: str
    width: str
    """``8``, ``16`` or ``sar``: the same number in another width is another reference."""
    reference: int
    total: int

    def digest(self) -> str:
        """32 hexadecimal digits; fields are told apart, whatever is in them."""
        return digest_of(
            *(
                one.encode("utf-8", "surrogatepass")
                for one in (self.operator, self.citizen, self.our_number, self.width)
            ),
            self.reference.to_bytes(8, "big"),
            self.total.to_bytes(8, "big"),
        )


@dataclass(frozen=True, slots=True)
class KnownText:
    """A text of the key: which parts it has, and what they said."""

    text_id: int
    digests: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part goes: ``text_id`` is ``None`` for a new text; ``repeated``: it is there."""

    text_id: int | None
    repeated: bool = False


def place(known: Sequence[KnownText], number: int, digest: str) -> Place:
    """Decide where part ``number`` goes; ``known`` are the texts of its key, the newest first."""
    for text in known:
        if text.digests.get(number) == digest:
            return Place(text.text_id, repeated=True)
    if known and number not in known[0].digests:
        return Place(known[0].text_id)
    return Place(None)


def compose(
    parts: Mapping[int, T], total: int, read: Callable[[Sequence[T]], str], *, final: bool
) -> str:
    """Read ``parts`` in their order; ``read`` is given those that follow one another together.

    A gap between two parts is always marked; before the first and after the last one only in the
    ``final`` form, when nobody waits for them any more.
    """
    pieces = [read(run) for run in runs(parts)]
    if final and 1 not in parts:
        pieces.insert(0, "")
    if final and total not in parts:
        pieces.append("")
    return GAP.join(pieces)


def runs(parts: Mapping[int, T]) -> list[list[T]]:
    """The parts in their order, cut where some are missing."""
    found: list[list[T]] = []
    for number in sorted(parts):
        if number - 1 in parts:
            found[-1].append(parts[number])
        else:
            found.append([parts[number]])
    return found


def digest_of(*fields: bytes) -> str:
    """32 hexadecimal digits that are different for different fields."""
    digest = blake2b(digest_size=16)
    for field in fields:
        # With its length, so that ("ab", "c") is not ("a", "bc").
        digest.update(len(field).to_bytes(4, "big"))
        digest.update(field)
    return digest.hexdigest()
