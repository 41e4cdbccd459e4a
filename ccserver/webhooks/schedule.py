"""When a delivery that failed is tried again. Pure: time and chance are arguments."""

from datetime import datetime, timedelta

RETRY_AFTER_S = (5, 30, 120, 600, 1_800, 3_600, 14_400, 43_200, 86_400)
"""After the first, second, … failure; the sum is about two days: a weekend's outage is near, and
whoever was away for longer reads the incidents anew anyway."""
JITTER = 0.2
"""So that a receiver that comes back is not met by everything at the same moment."""
PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 60.0
"""Between two tries of any kind to a receiver that failed last time."""


def next_attempt(failures: int, *, now: datetime, chance: float) -> datetime | None:
    """When the next try is due after so many failures; ``None`` after the last.

    ``chance`` is uniform in [0, 1).
    """
    if not 1 <= failures <= len(RETRY_AFTER_S):
        return None
    after = RETRY_AFTER_S[failures - 1] * (1 + JITTER * (2 * chance - 1))
    return now + timedelta(seconds=after)


def pause_s(failures_in_a_row: int) -> float:
    """How long a receiver is left alone after so many failures in a row."""
    if failures_in_a_row <= 0:
        return 0.0
    return min(PAUSE_FIRST_S * 2.0 ** min(failures_in_a_row - 1, 10), PAUSE_MAX_S)
