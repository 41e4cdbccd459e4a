"""Times as SMPP writes them (SMPP 3.4 §7.1.1): sixteen characters, absolute or relative."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

RELATIVE_MAX: Final = timedelta(days=99)
"""Months and years, which have no fixed length, are not needed to say more."""

_TIME = re.compile(
    r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9])([0-9]{2})([+\-R])"
)
_QUARTER = timedelta(minutes=15)
_QUARTERS_MAX: Final = 48
_MONTH_DAYS: Final = 30
_YEAR_DAYS: Final = 365


class SMPPTimeInvalid(ValueError):
    """These are no sixteen characters of a time, or there is no such moment."""


def parse(text: str) -> datetime | timedelta:
    """A moment (aware, in its own zone) or a span from now; raises `SMPPTimeInvalid`.

    Months and years of a span are counted as 30 and 365 days.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise SMPPTimeInvalid("Expected sixteen characters of a time.")
    *numbers, kind = found.groups()
    year, month, day, hour, minute, second, tenths, quarters = map(int, numbers)
    if kind == "R":
        return timedelta(
            days=year * _YEAR_DAYS + month * _MONTH_DAYS + day,
            hours=hour,
            minutes=minute,
            seconds=second,
        )
    if quarters > _QUARTERS_MAX:
        raise SMPPTimeInvalid("No zone is as far from UTC.")
    zone = timezone(quarters * _QUARTER * (-1 if kind == "-" else 1))
    try:
        return datetime(
            2000 + year, month, day, hour, minute, second, tenths * 100_000, tzinfo=zone
        )
    except ValueError as error:
        raise SMPPTimeInvalid(f"There is no such moment: {error}.") from None


def relative(span: timedelta) -> str:
    """A span from now, in whole seconds; raises `SMPPTimeInvalid` beyond `RELATIVE_MAX`."""
    if not timedelta() <= span <= RELATIVE_MAX:
        raise SMPPTimeInvalid(f"Expected a span from nothing to {RELATIVE_MAX.days} days.")
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    # Days of a month and no months: two digits are enough, and no month's length is in question.
    return f"0000{span.days:02}{hours:02}{minutes:02}{seconds:02}000R"


def absolute(moment: datetime) -> str:
    """A moment, told in UTC, to the tenth of a second; raises `SMPPTimeInvalid` before 2000."""
    moment = moment.astimezone(UTC)
    if not 2000 <= moment.year <= 2099:
        raise SMPPTimeInvalid("SMPP tells years of this century only.")
    return f"{moment:%y%m%d%H%M%S}{moment.microsecond // 100_000}00+"
