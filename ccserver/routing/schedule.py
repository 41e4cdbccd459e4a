"""When a schedule is open, and when two schedules are open together.

Spans are in local wall time, as people write opening hours. A moment is brought into the
schedule's zone first, so an hour that a clock change leaves out is never open, and one that comes
twice is open twice.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ccserver.routing.document import DAYS, Schedule, Span, Weekly

DAY_MINUTES = 1_440
ALL_DAY = (1 << DAY_MINUTES) - 1
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}")


def minutes(text: str) -> int | None:
    """Minutes since midnight of ``HH:MM``; ``24:00`` is the day's end; ``None`` for all else."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    return DAY_MINUTES if found[1] is None else int(found[1]) * 60 + int(found[2])


def zone(name: str) -> ZoneInfo | None:
    """The time zone; ``None`` if this machine knows none of this name."""
    if not _ZONE.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a folder of the zone database is an OSError
        return None


def mask(spans: Iterable[Span | Weekly]) -> int:
    """One bit per minute of the day that is open; a span that cannot be read opens nothing."""
    total = 0
    for span in spans:
        begin, end = minutes(span.from_), minutes(span.to)
        if begin is not None and end is not None and begin < end:
            total |= (1 << end) - (1 << begin)
    return total


def week(schedule: Schedule) -> tuple[int, ...]:
    """The mask of each day of the week, Monday first."""
    return tuple(mask(span for span in schedule.weekly if day in span.days) for day in DAYS)


def dates(schedule: Schedule) -> Mapping[date, int]:
    """The mask of each date on which the week does not count; of two for one date the first."""
    masks: dict[date, int] = {}
    for exception in schedule.exceptions:
        spans = exception.open
        if isinstance(spans, bool):
            masks.setdefault(exception.date, ALL_DAY if spans else 0)
        else:
            masks.setdefault(exception.date, mask(spans))
    return masks


def is_open(schedule: Schedule, at: datetime) -> bool:
    """Whether it is open at the aware moment ``at``; never in a zone that nobody knows."""
    found = zone(schedule.timezone)
    if found is None:
        return False
    local = at.astimezone(found)
    day = local.date()
    open_minutes = dates(schedule).get(day)
    if open_minutes is None:
        open_minutes = week(schedule)[day.weekday()]
    return bool(open_minutes >> (local.hour * 60 + local.minute) & 1)


def never_open(schedule: Schedule) -> bool:
    """Whether no minute of any day is open."""
    return not any(week(schedule)) and not any(dates(schedule).values())


def open_together(first: Schedule, second: Schedule) -> str | None:
    """A day or date on which both are open at the same wall time; ``None`` if there is none."""
    weeks = week(first), week(second)
    exceptions = dates(first), dates(second)
    for number, day in enumerate(DAYS):
        if weeks[0][number] & weeks[1][number]:
            return day
    for day_date in sorted({*exceptions[0], *exceptions[1]}):
        number = day_date.weekday()
        mine = exceptions[0].get(day_date, weeks[0][number])
        if mine & exceptions[1].get(day_date, weeks[1][number]):
            return day_date.isoformat()
    return None
