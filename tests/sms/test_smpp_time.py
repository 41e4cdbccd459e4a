"""SMPP's sixteen characters of time, in both directions."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.sms.smpp_time import RELATIVE_MAX, SMPPTimeInvalid, absolute, parse, relative
from tests.sms.samples import sample


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("time:1", timedelta(hours=2, minutes=6, seconds=30)),
        ("time:2", datetime(2007, 9, 27, 23, 34, 29, 800_000, UTC)),
        ("time:4", datetime(2015, 2, 3, 4, 5, 6, 700_000, timezone(timedelta(hours=2)))),
    ],
)
def test_samples(name: str, moment: datetime | timedelta) -> None:
    assert parse(sample("smpp_time", name)["text"]) == moment


def test_west_of_greenwich() -> None:
    assert parse("150203040506020-") == datetime(2015, 2, 3, 9, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "000000020630000",
        "000000020630000X",
        "151303040506008+",
        "150203040506099+",
        "150203246060000+",
        "00000002063000٣R",
        "000000020630000R0",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(SMPPTimeInvalid):
        parse(text)


@given(st.text(max_size=20))
def test_random_text(text: str) -> None:
    with pytest.raises(SMPPTimeInvalid):
        parse(text)


@given(st.integers(0, int(RELATIVE_MAX.total_seconds())))
def test_spans_come_back(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse(relative(span)) == span


@given(st.integers(0, 36_500 * 86_400 * 10))
def test_moments_come_back(tenths: int) -> None:
    moment = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(milliseconds=100 * tenths)
    assert parse(absolute(moment)) == moment


def test_a_validity_of_twenty_minutes() -> None:
    assert relative(timedelta(minutes=20)) == "000000002000000R"


@pytest.mark.parametrize("span", [timedelta(seconds=-1), RELATIVE_MAX + timedelta(seconds=1)])
def test_spans_that_cannot_be_told(span: timedelta) -> None:
    with pytest.raises(SMPPTimeInvalid):
        relative(span)


def test_moments_that_cannot_be_told() -> None:
    with pytest.raises(SMPPTimeInvalid):
        absolute(datetime(1999, 12, 31, tzinfo=UTC))
