"""A row of the inbox, read: what it is, which text it belongs to, and what makes it a repetition.

Pure and total: whatever octets an operator delivered, this has a value, and a text that cannot be
read is shown as the octets that it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ccserver.config import SMSOperatorSettings
from ccserver.sms.coding import DecodedText
from ccserver.sms.reassembly import TOTAL_MAX, PartKey, digest_of
from ccserver.sms.short_message import ShortMessage, ShortMessageUnreadable

UNREADABLE: Final = "unreadable"
"""Not even the sender could be told; the text is what came, in hexadecimal."""
UNPROCESSED: Final = "unprocessed"
"""Reading it met a fault of ours; the text is what came, in hexadecimal."""
SHOWN_OCTETS_MAX: Final = 2_000
"""Of octets that are shown because they are no text; more help nobody, and the rest is kept."""
DATA_SM: Final = 0x103
ADDRESS_MAX: Final = 64
"""Characters of an address; more are a fault, and would not go into the tables."""


@dataclass(frozen=True, slots=True)
class AMLRules:
    """How a position is known; `is_tail` of a later part of one."""

    is_aml: Callable[[str], bool]
    is_tail: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the inbox."""

    inbox_id: int
    operator: str
    bind: str
    command_id: int
    octets: bytes
    received_at: datetime

    @property
    def key(self) -> str:
        """Of the text that begins with this row; rows are numbered once."""
        return f"sms:{self.inbox_id}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a row says. ``message`` is ``None`` where its octets are none."""

    stored: Stored
    message: ShortMessage | None
    text: DecodedText
    digest: str
    aml: str | None = None
    """The reading of it that is a position."""
    aml_tail: str | None = None
    """The reading of it that looks like a later part of a position."""
    alone: bool = False
    """Not to be joined with others, whatever it says of itself."""

    @property
    def citizen(self) -> str:
        """Who sent it: a telephone number where it is one."""
        return "" if self.message is None else self.message.source.number()[:ADDRESS_MAX]

    @property
    def our_number(self) -> str:
        """Whom it is for."""
        return "" if self.message is None else self.message.destination.number()[:ADDRESS_MAX]

    @property
    def replyable(self) -> bool:
        """Whether somebody can be written to."""
        if self.message is None:
            return False
        return bool(self.message.source.value) and not self.message.source.is_alphanumeric

    @property
    def oddities(self) -> tuple[str, ...]:
        """Of the message and of its text."""
        if self.message is None:
            return self.text.oddities
        return (*self.message.oddities, *self.text.oddities)

    @property
    def is_receipt(self) -> bool:
        """By esm_class only: a citizen may write ``id:`` and ``stat:`` as well."""
        return self.message is not None and (
            self.message.is_receipt or self.message.is_intermediate
        )

    @property
    def is_part(self) -> bool:
        """Whether other parts belong to it; one part of one is whole."""
        if self.alone or self.message is None or self.message.concatenation is None:
            return False
        return 1 < self.message.concatenation.total <= TOTAL_MAX

    def part_key(self) -> PartKey:
        """By what its other parts are known; only for a part."""
        assert self.message is not None
        concatenation = self.message.concatenation
        assert concatenation is not None
        return PartKey(
            self.stored.operator,
            self.citizen,
            self.our_number,
            str(concatenation.width),
            concatenation.reference,
            concatenation.total,
        )

    @property
    def number(self) -> int:
        """Which part it is, from 1; only for a part."""
        assert self.message is not None
        assert self.message.concatenation is not None
        return self.message.concatenation.number


def read(stored: Stored, operator: SMSOperatorSettings | None, aml: AMLRules) -> Arrival:
    """Read a row; ``operator`` is ``None`` where it is no longer in the settings."""
    try:
        message = ShortMessage.parse(stored.octets, data_sm=stored.command_id == DATA_SM)
    except ShortMessageUnreadable:
        return unread(stored, UNREADABLE)
    alphabet = "gsm" if operator is None else operator.default_alphabet
    packed = operator is not None and operator.gsm_packed
    text = message.text(default_alphabet=alphabet, packed=packed)
    readings: tuple[str, ...] = ()
    if not (message.is_receipt or message.is_intermediate):
        readings = message.readings(default_alphabet=alphabet, packed=packed)
    return Arrival(
        stored,
        message,
        text,
        digest(stored, message),
        aml=next((one for one in readings if aml.is_aml(one)), None),
        aml_tail=next((one for one in readings if aml.is_tail(one)), None),
    )


def unread(stored: Stored, oddity: str) -> Arrival:
    """A row of which nothing could be read."""
    digest = digest_of(stored.operator.encode(), b"raw", stored.octets)
    return Arrival(stored, None, _octets_shown(stored, oddity), digest, alone=True)


def salvaged(arrival: Arrival) -> Arrival:
    """The same row with its octets for a text, and nothing of it interpreted but who sent it."""
    text = _octets_shown(arrival.stored, UNPROCESSED)
    return replace(arrival, text=text, aml=None, aml_tail=None, alone=True)


def _octets_shown(stored: Stored, oddity: str) -> DecodedText:
    return DecodedText(stored.octets[:SHOWN_OCTETS_MAX].hex(), (oddity,))


def digest(stored: Stored, message: ShortMessage) -> str:
    """What two deliveries of the same text share: octets, both addresses, and the time.

    Not the whole body: an operator that sends again may number it anew in its own parameters.
    """
    return digest_of(
        stored.operator.encode(),
        message.source.value.encode("latin-1", "replace"),
        message.destination.value.encode("latin-1", "replace"),
        message.schedule.encode("latin-1", "replace"),
        bytes((message.esm_class & 0xFF, message.data_coding & 0xFF)),
        repr(message.concatenation).encode(),
        message.octets,
    )
