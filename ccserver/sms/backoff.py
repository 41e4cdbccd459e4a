"""How long a bind waits: before it connects again, and after a message centre said "enough".

Pure: time and chance are given. The alarm for an operator without any bind comes after 45 s, so the
ordinary pause stays well below that; two binds of one operator that were lost together must not
come back in step, hence the chance.
"""

import random
from typing import Final

CONNECT_FIRST_S: Final = 0.5
"""A message centre that dropped one connection usually takes the next at once."""

CONNECT_MAX_S: Final = 15.0
"""An operator that comes back after hours is in use again within a quarter of a minute."""

CREDENTIALS_S: Final = 60.0
"""A wrong password mends itself only when a person acts, and operators lock accounts out."""

STABLE_AFTER_S: Final = 30.0
"""A bind that lasted less goes on with the longer pause, so that a peer which accepts and then
drops us at once is not called twice a second."""

THROTTLE_FIRST_S: Final = 1.0
"""Message centres count per second; the next one is a new count."""

THROTTLE_MAX_S: Final = 30.0
"""A reply has 10 minutes to live at the least, and a full queue may empty at any time."""


class Reconnect:
    """Pauses between attempts to bind, each drawn from the upper half of its span."""

    def __init__(self, chance: random.Random):
        self._chance = chance
        self._failures = 0

    def bound_for(self, seconds: float) -> None:
        """A bind lasted ``seconds``; after one that was stable the pauses start anew."""
        if seconds >= STABLE_AFTER_S:
            self._failures = 0

    def pause(self, *, credentials: bool) -> float:
        """Seconds until the next attempt; ``credentials``: we were refused for who we are."""
        self._failures += 1
        if credentials:
            span = CREDENTIALS_S
        else:
            # The exponent is bounded too: 2.0 ** 1100 is an OverflowError after a long outage.
            span = min(CONNECT_MAX_S, CONNECT_FIRST_S * 2.0 ** min(self._failures - 1, 16))
        return span * self._chance.uniform(0.5, 1.0)


class Throttle:
    """Whether what would leave by a bind has to wait, and how much may leave after that.

    All that was under way when the message centre had enough is refused together, which is one
    event: only a refusal of what was sent after a pause makes the next pause longer. After a pause
    one request goes ahead, alone, and the window opens when it was taken.
    """

    def __init__(self, chance: random.Random):
        self._chance = chance
        self._level = 0
        self._until = 0.0

    @property
    def probing(self) -> bool:
        """Whether only one request may be under way."""
        return self._level > 0

    def remaining(self, now: float) -> float:
        """Seconds until something may leave; 0 where it may."""
        return max(0.0, self._until - now) if self._level else 0.0

    def refused(self, now: float) -> None:
        """The message centre said "enough"."""
        if self.remaining(now):
            return
        span = min(THROTTLE_MAX_S, THROTTLE_FIRST_S * 2.0 ** min(self._level, 16))
        self._level += 1
        self._until = now + span * self._chance.uniform(0.75, 1.0)

    def accepted(self, now: float) -> None:
        """The message centre took something; what it took before a pause says nothing."""
        if not self.remaining(now):
            self._level = 0
