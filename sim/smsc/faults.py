"""What goes wrong at an operator, how often, and by which dice."""

from dataclasses import dataclass, fields
from enum import StrEnum
from random import Random


class IdForm(StrEnum):
    """How a receipt writes the identifier that the answer to submit_sm gave."""

    SAME = "same"
    HEX_THEN_DECIMAL = "hex-then-decimal"
    """The answer has it in hex, the receipt in decimal: the best known trap."""
    DECIMAL_THEN_HEX = "decimal-then-hex"
    PADDED = "padded"
    """The receipt's has leading zeros."""
    TLV_ONLY = "tlv-only"
    """The receipt has it as receipted_message_id alone."""
    MIXED = "mixed"
    """Each message another way."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Chances from 0 to 1, times in seconds; nothing goes wrong unless it is said."""

    seed: int = 0
    # answers to what is submitted
    throttled: float = 0.0
    queue_full: float = 0.0
    vendor_error: float = 0.0
    unanswered: float = 0.0
    """It is taken, and delivered; only the answer is missing."""
    wrong_sequence: float = 0.0
    """The answer bears a number that nobody asked with."""
    answer_after_s: float = 0.0
    # what becomes of it
    undelivered: float = 0.0
    expired: float = 0.0
    rejected: float = 0.0
    intermediate: float = 0.0
    """A notification that it is on its way comes before the last one."""
    receipt_first: float = 0.0
    """Before the answer that names the message."""
    receipt_twice: float = 0.0
    receipt_after_s: float = 0.0
    ids: IdForm = IdForm.SAME
    # what is delivered
    deliver_twice: float = 0.0
    """Once more after it was acknowledged."""
    drop: float = 0.0
    """The link is cut in the middle of a message that is being delivered."""
    slow: float = 0.0
    """What is written goes out in single octets and small pieces."""
    held: float = 0.0
    """What is written waits, and goes out in one segment with what follows."""
    bad_length: float = 0.0
    """A packet with an impossible length stands before the message."""
    garbage: float = 0.0
    """A packet of random octets with a right length stands before the message."""

    def __post_init__(self) -> None:
        """Chances are chances."""
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, float) and not each.name.endswith("_s") and not 0 <= value <= 1:
                raise ValueError(f"{each.name} is a chance from 0 to 1, not {value}")


class Dice:
    """Chance by a seed: the same run gives the same faults as long as the peer does the same."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def hit(self, chance: float) -> bool:
        """Whether it happens this time."""
        return chance > 0 and self.random.random() < chance
