"""How far a text is, out of how far its parts are.

A part's own state never goes back: ``queued`` and ``sending`` may follow one another until the
operator answers, and what is final is not overwritten by anything, as receipts come late, twice
and in any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ccserver.texts import FINAL_STATES, DeliveryState


class PartState(StrEnum):
    """How far one outgoing part is."""

    QUEUED = "queued"
    SENDING = "sending"
    """Given to a bind. To a new process it says: nobody knows whether the operator has it."""
    SENT = "sent"
    """The operator has it."""
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"


FINAL_PARTS: Final = frozenset({PartState.DELIVERED, PartState.FAILED, PartState.EXPIRED})
UNFINISHED: Final = (PartState.QUEUED, PartState.SENDING)
"""Until these are over the citizen's next part waits."""

RANKS: Final = {
    DeliveryState.QUEUED: 0,
    DeliveryState.SENT: 1,
    DeliveryState.UNKNOWN: 2,
    DeliveryState.DELIVERED: 3,
    DeliveryState.EXPIRED: 3,
    DeliveryState.FAILED: 3,
}
"""A text goes up only; the three ends are as high as one another, and the first one stays."""


@dataclass(frozen=True, slots=True)
class Part:
    """What the fold needs of a part; ``doubtful``: handed over without an answer at least once."""

    state: PartState
    doubtful: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    """A text's state; ``done`` of its parts are with the citizen."""

    state: DeliveryState
    error: str | None
    done: int


def fold(parts: Sequence[Part]) -> Folded:
    """The state of a text, which has at least one part.

    A part that never arrives makes the text one that never arrives whole, whatever the others do;
    a part in doubt keeps it in doubt until all of it is with the citizen.
    """
    if not parts:
        raise ValueError("a text has at least one part")
    states = {part.state for part in parts}
    done = sum(part.state is PartState.DELIVERED for part in parts)
    if PartState.FAILED in states:
        state = DeliveryState.FAILED
    elif PartState.EXPIRED in states:
        state = DeliveryState.EXPIRED
    elif states == {PartState.DELIVERED}:
        state = DeliveryState.DELIVERED
    elif any(part.doubtful for part in parts):
        state = DeliveryState.UNKNOWN
    elif states.isdisjoint(UNFINISHED):
        state = DeliveryState.SENT
    else:
        state = DeliveryState.QUEUED
    error = next((part.error for part in parts if part.error is not None), None)
    return Folded(state, error if state in FINAL_STATES else None, done)


def may_become(old: PartState, new: PartState) -> bool:
    """Whether a part may go from ``old`` to ``new``; the same state again changes nothing."""
    return new in PART_MOVES[old]


PART_MOVES: Final = {
    PartState.QUEUED: frozenset({PartState.SENDING, PartState.FAILED, PartState.EXPIRED}),
    PartState.SENDING: frozenset(
        {
            PartState.QUEUED,
            PartState.SENT,
            PartState.DELIVERED,
            PartState.FAILED,
            PartState.EXPIRED,
        }
    ),
    PartState.SENT: FINAL_PARTS,
    PartState.DELIVERED: frozenset[PartState](),
    PartState.FAILED: frozenset[PartState](),
    PartState.EXPIRED: frozenset[PartState](),
}
"""All that is not here is refused and changes nothing."""


def may_follow(old: DeliveryState, new: DeliveryState) -> bool:
    """Whether whoever was told ``old`` of a text may be told ``new``."""
    return old not in FINAL_STATES and RANKS[new] >= RANKS[old]
