"""Delivery receipts as operators write them (SMPP 3.4 appendix B), with the ways they differ."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sim.smsc.faults import Dice, Faults, IdForm
from sim.smsc.wire import INTERMEDIATE, RECEIPT, Message, Tag

TEXT_QUOTED = 20
"""Letters of the message that a receipt repeats."""
ID_DIGITS = 10
FIRST_ID = 0x3A00_0000
"""High enough to be ten digits in decimal, and with letters in hex."""


class State(StrEnum):
    """As a receipt's ``stat`` writes it."""

    ENROUTE = "ENROUTE"
    DELIVERED = "DELIVRD"
    EXPIRED = "EXPIRED"
    UNDELIVERABLE = "UNDELIV"
    ACCEPTED = "ACCEPTD"
    REJECTED = "REJECTD"


STATE_NUMBERS = {
    State.ENROUTE: 1,
    State.DELIVERED: 2,
    State.EXPIRED: 3,
    State.UNDELIVERABLE: 5,
    State.ACCEPTED: 6,
    State.REJECTED: 8,
}
"""message_state (§5.2.28)."""
ERRORS = {State.EXPIRED: "036", State.UNDELIVERABLE: "1B", State.REJECTED: "00B"}
"""``err`` is the network's own, and hex with some."""


@dataclass(frozen=True, slots=True)
class MessageId:
    """An identifier as the answer writes it, and as the receipt does."""

    answered: str
    receipted: str
    form: IdForm

    @classmethod
    def make(cls, number: int, form: IdForm, dice: Dice) -> "MessageId":
        """The number's; ``form`` MIXED takes any."""
        if form is IdForm.MIXED:
            form = dice.random.choice([each for each in IdForm if each is not IdForm.MIXED])
        plain, hexadecimal = str(number), f"{number:X}"
        match form:
            case IdForm.HEX_THEN_DECIMAL:
                return cls(hexadecimal, plain, form)
            case IdForm.DECIMAL_THEN_HEX:
                return cls(plain, hexadecimal, form)
            case IdForm.PADDED:
                return cls(plain, plain.zfill(ID_DIGITS + 4), form)
        return cls(plain, plain, form)


def outcome(faults: Faults, dice: Dice, *, reachable: bool) -> State:
    """What becomes of a message."""
    if not reachable:
        return State.EXPIRED
    point = dice.random.random()
    for state, chance in (
        (State.UNDELIVERABLE, faults.undelivered),
        (State.EXPIRED, faults.expired),
        (State.REJECTED, faults.rejected),
    ):
        if point < chance:
            return state
        point -= chance
    return State.DELIVERED


def receipt(of: Message, name: MessageId, state: State, at: datetime, text: str) -> Message:
    """The deliver_sm body that says so, from the citizen back to whoever wrote."""
    when = at.strftime("%y%m%d%H%M")
    tlvs: dict[int, bytes] = {
        Tag.RECEIPTED_MESSAGE_ID: name.receipted.encode() + b"\0",
        Tag.MESSAGE_STATE: bytes([STATE_NUMBERS[state]]),
    }
    written = (
        f"id:{name.receipted} sub:001 dlvrd:{'001' if state is State.DELIVERED else '000'}"
        f" submit date:{when} done date:{when} stat:{state} err:{ERRORS.get(state, '000')}"
        f" text:{text[:TEXT_QUOTED].encode('ascii', 'replace').decode()}"
    )
    if name.form is IdForm.TLV_ONLY:
        written = ""
    elif name.form is not IdForm.SAME:
        tlvs = {}
    return Message(
        source=of.destination,
        destination=of.source,
        octets=written.encode("ascii"),
        # Operators tell what is on its way in both manners.
        esm_class=INTERMEDIATE if state is State.ENROUTE else RECEIPT,
        tlvs=tlvs,
    )
