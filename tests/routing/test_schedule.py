"""Proves when a schedule is open: to the minute, in local time, over clock changes."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.routing.document import DAYS, DateException, Schedule, Span, Weekly
from ccserver.routing.schedule import (
    DAY_MINUTES,
    is_open,
    mask,
    minutes,
    never_open,
    open_together,
    zone,
)
from tests.routing.examples import SAMPLE

OFFICE = SAMPLE.schedules[0]
NIGHTS = SAMPLE.schedules[1]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T05:59:59", False),  # Monday 07:59:59 in Riga, UTC+2
        ("2026-03-02T06:00:00", True),
        ("2026-03-02T14:59:59", True),
        ("2026-03-02T15:00:00", False),
        ("2026-03-07T09:00:00", False),  # Saturday
        ("2026-07-06T05:00:00", True),  # summer: UTC+3
        ("2026-07-06T04:59:00", False),
        ("2026-12-24T09:00:00", False),  # closed on this date
        ("2026-12-31T09:59:00", True),  # 11:59
        ("2026-12-31T10:00:00", False),  # 12:00: shorter on this date
    ],
)
def test_opening_hours_are_local_time(at: str, expected: bool) -> None:
    assert is_open(OFFICE, utc(at)) is expected


def test_a_night_is_two_spans() -> None:
    assert is_open(NIGHTS, utc("2026-03-02T21:59:59"))  # 23:59:59
    assert is_open(NIGHTS, utc("2026-03-02T22:00:00"))  # midnight
    assert not is_open(NIGHTS, utc("2026-03-03T04:00:00"))


def clock_change(begin: str, end: str) -> Schedule:
    week = Weekly(days=("sun",), from_=begin, to=end)
    return Schedule(name="x", weekly=(week,))


def open_minutes(schedule: Schedule, day: str) -> int:
    start = utc(f"{day}T00:00:00") - timedelta(hours=12)
    return sum(is_open(schedule, start + timedelta(minutes=n)) for n in range(48 * 60))


def test_an_hour_that_the_clock_leaves_out_is_never_open() -> None:
    # Riga, 2026-03-29: at 03:00 the clock shows 04:00.
    assert open_minutes(clock_change("03:00", "04:00"), "2026-03-29") == 0
    assert open_minutes(clock_change("02:00", "05:00"), "2026-03-29") == 120


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    # Riga, 2026-10-25: at 04:00 the clock shows 03:00.
    assert open_minutes(clock_change("03:00", "04:00"), "2026-10-25") == 120
    assert open_minutes(clock_change("00:00", "24:00"), "2026-10-25") == 25 * 60


@given(st.datetimes(timezones=st.just(UTC)))
def test_open_all_day_every_day_is_always_open(at: datetime) -> None:
    # The first and last day of all time have no local time everywhere.
    at = min(max(at, utc("0001-01-03T00:00:00")), utc("9999-12-29T00:00:00"))
    assert is_open(Schedule(name="x", weekly=(Weekly(days=DAYS, from_="00:00", to="24:00"),)), at)
    assert not is_open(Schedule(name="x"), at)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("00:00", 0), ("08:30", 510), ("23:59", 1_439), ("24:00", DAY_MINUTES)]
    + [(text, None) for text in ("", "8:00", "24:01", "25:00", "08:60", "08:00 ", "०८:००", "0800")],
)
def test_times_of_the_day(text: str, expected: int | None) -> None:
    assert minutes(text) == expected


@pytest.mark.parametrize("name", ["", "Europe", "Nowhere/Town", "../etc/passwd", "a" * 99, "\0"])
def test_a_zone_that_nobody_knows_is_never_open(name: str) -> None:
    assert zone(name) is None
    whole_week = Weekly(days=DAYS, from_="00:00", to="24:00")
    schedule = Schedule(name="x", timezone=name, weekly=(whole_week,))
    assert not is_open(schedule, utc("2026-03-02T09:00:00"))


def test_a_span_that_cannot_be_read_opens_nothing() -> None:
    assert mask([Span(from_="17:00", to="08:00"), Span(from_="x", to="12:00")]) == 0
    assert mask([Span(from_="00:00", to="00:01")]) == 1


def test_never_open() -> None:
    closed = DateException(date=date(2026, 1, 1))
    opened = DateException(date=date(2026, 1, 1), open=True)
    assert never_open(Schedule(name="x", exceptions=(closed,)))
    assert not never_open(Schedule(name="x", exceptions=(opened,)))


def test_schedules_open_together() -> None:
    assert open_together(OFFICE, OFFICE) == "mon"
    assert open_together(OFFICE, NIGHTS) is None
    short = Weekly(days=("thu",), from_="12:00", to="13:00")
    # On this Thursday the office closes at noon, so only the other weeks overlap.
    assert open_together(OFFICE, Schedule(name="x", weekly=(short,))) == "thu"
    holiday = DateException(date=date(2026, 12, 24), open=True)
    assert open_together(OFFICE, Schedule(name="x", exceptions=(holiday,))) is None
