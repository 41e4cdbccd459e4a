"""Whose position it is: which call an AML message belongs to. Pure.

By the number of the phone; where only its IMEI is known, by the number that another message gave
with it. Never by guess: a caller who hides the number gets no position of somebody else's.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ccserver.aml.values import Sighting
from ccserver.types import ContactId

BEFORE_S = 120.0
"""A message may overtake its call: the phone sends as soon as the number is dialled, and the call
waits in networks."""

AFTER_S = 600.0
"""Messages come up to half a minute after the call began; texts wait in a store for longer, and a
caller who hung up is still looked for."""

PHONES_MAX = 10_000
"""Of which both number and IMEI are remembered, about 2 MB."""

PHONES_KEEP_S = 3_600.0
"""As long as a position may wait for its call; later nobody needs it."""


@dataclass(frozen=True, slots=True)
class CallSpan:
    """A call, or a conversation of texts, of a citizen; ``ended_at`` is ``None`` while it lives."""

    contact_id: ContactId
    digits: str
    began_at: datetime
    ended_at: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether a message that came then may be of this call."""
        if at < self.began_at - timedelta(seconds=BEFORE_S):
            return False
        return self.ended_at is None or at <= self.ended_at + timedelta(seconds=AFTER_S)


def call_of(digits: str, at: datetime, calls: Iterable[CallSpan]) -> CallSpan | None:
    """The newest of the number's calls that a message of then may be of."""
    if not digits:
        return None
    fitting = [call for call in calls if call.digits == digits and call.covers(at)]
    return max(fitting, key=lambda call: (call.began_at, call.contact_id), default=None)


class KnownPhones:
    """Which number a device has, as its own messages told within the last hour."""

    def __init__(self) -> None:
        self._numbers: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    def learn(self, sighting: Sighting) -> bool:
        """Remember a message that tells both; returns whether that is news."""
        if sighting.device is None or not sighting.digits:
            return False
        known = self._numbers.pop(sighting.device, None)
        self._numbers[sighting.device] = sighting.digits, sighting.received_at
        while len(self._numbers) > PHONES_MAX:
            self._numbers.popitem(last=False)
        return known is None or known[0] != sighting.digits

    def digits_of(self, sighting: Sighting) -> str:
        """The number of the phone: the message's own, else the one that its device had."""
        if sighting.digits or sighting.device is None:
            return sighting.digits
        digits, _ = self._numbers.get(sighting.device, ("", None))
        return digits

    def forget(self, now: datetime) -> None:
        """Let go of what nobody needs any more."""
        oldest = now - timedelta(seconds=PHONES_KEEP_S)
        for device, (_, at) in list(self._numbers.items()):
            if at < oldest:
                del self._numbers[device]
