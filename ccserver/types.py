"""Values that every room shares: identifiers and telephone numbers."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

ContactId = NewType("ContactId", str)
"""One request for help by any medium; a version 4 UUID given by the dialplan or the gateway."""

LegId = NewType("LegId", str)
"""One signalling relation of a voice contact: one SIP dialog, one Asterisk channel."""

AgentId = NewType("AgentId", str)
"""A call taker's seat in the distributor."""

OfferId = NewType("OfferId", str)
"""One presentation of one contact to one agent; unique over restarts of the process."""

IncidentId = NewType("IncidentId", str)
"""What happened in the world; the key of its card. A version 4 UUID."""

LocationId = NewType("LocationId", str)
"""One place that was told of an incident, by whatever source. A version 4 UUID."""

ServiceCode = NewType("ServiceCode", str)
"""A service that helps at the scene, by its code in the catalogue: ``vugd``, ``nmpd``."""

ConversationId = NewType("ConversationId", str)
"""One citizen's exchange of texts with one of our numbers. A version 4 UUID."""

MessageId = NewType("MessageId", str)
"""One text of a conversation, in either direction, with all of its parts. A UUID."""

UnitId = NewType("UnitId", str)
"""A crew or vehicle of a service; a version 4 UUID."""

DIGITS_MAX = 40
"""Longer strings of digits are no telephone number. E.164 ends at 15, but what a network sends
beyond that is shown as it came: no caller's number is hidden from the call taker."""


DIALLED_DIGITS_MAX = 20
"""What a trunk may be asked to call: E.164 ends at 15, a prefix for the outside line may come
before it."""

NATIONAL_NUMBER = re.compile("[2-9][0-9]{7}")
"""Latvia's numbering plan."""


class Medium(StrEnum):
    """How a contact reaches the centre."""

    VOICE = "voice"
    SMS = "sms"
    TEXT = "text"
    """A text by another way than SMS: SIP MESSAGE, an app."""
    API = "api"
    """Another system told of it."""


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A telephone number as a person may read and dial it back.

    ``value`` is ``+`` and digits where the number is international (ITU-T E.164), otherwise the
    digits as received: an extension or a service number is kept, never guessed at, and a number of
    odd length is shown as it came.
    """

    value: str

    @classmethod
    def parse(cls, raw: str, *, country_code: str = "371") -> "PhoneNumber | None":
        """Read what a trunk or a SIP header delivered; ``None`` where there is no number in it.

        ``00`` and ``+`` prefixes are international; a national number of eight digits that starts
        with 2 to 9 gets ``country_code`` (Latvia's numbering plan has no trunk prefix).
        """
        text = raw.strip()
        international = text.startswith("+")
        digits = "".join(character for character in text if character in "0123456789")
        # A digit of another script is refused and not left out: the rest is another's number.
        if not digits or any(character.isalnum() for character in text if character not in digits):
            return None
        if not international and digits.startswith("00"):
            international, digits = True, digits[2:]
        national = NATIONAL_NUMBER.fullmatch(digits)
        if not international and national:
            return cls(f"+{country_code}{digits}")
        if not international and NATIONAL_NUMBER.fullmatch(digits.removeprefix(country_code)):
            international = True
        if not 1 <= len(digits) <= DIGITS_MAX:
            return None
        return cls(f"+{digits}" if international else digits)

    def __str__(self) -> str:
        return self.value
