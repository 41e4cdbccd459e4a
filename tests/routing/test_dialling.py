"""Which numbers may be typed: the longest beginning decides, however a number is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.routing import document as d
from ccserver.routing.checks import check
from ccserver.routing.compile import general_settings
from ccserver.routing.dialling import may_dial

DEFAULT = d.Dialling()
STRICT = d.Dialling(allow=("+371", "1", "+44"), deny=("90", "+4470"))


@pytest.mark.parametrize(
    "number",
    [
        "26123456",
        "67000222",
        "80001234",
        "+371 26123456",
        "0037126123456",
        "113",
        "8484",
        "90",
        "99",
        "+4915112345678",
        "0049 151 12345678",
        "+3598123456",
    ],
)
def test_by_default_everything_may_be_typed_but_premium_rate(number: str) -> None:
    assert may_dial(DEFAULT, number) is (number != "90")


@pytest.mark.parametrize(
    "number",
    [
        "90123456",
        "+37190123456",
        "0037190123456",
        "371 90 123 456",
        "9-0-1-2-3-4-5-6",
        "+979123456",
    ],
)
def test_premium_rate_is_denied_however_it_is_written(number: str) -> None:
    assert not may_dial(DEFAULT, number)


@pytest.mark.parametrize(
    ("number", "may"),
    [
        ("26123456", True),
        ("90123456", False),
        ("113", True),
        ("8484", False),
        ("+442079460000", True),
        ("+447012345678", False),
        ("+4915112345678", False),
        ("hello", False),
        ("", False),
    ],
)
def test_the_longest_beginning_that_fits_decides(number: str, may: bool) -> None:
    assert may_dial(STRICT, number) is may


def test_a_longer_allowed_beginning_opens_a_denied_one_and_a_tie_is_denied() -> None:
    opened = d.Dialling(allow=("+3719012",), deny=("90", "+"))
    assert may_dial(opened, "90123456")
    assert not may_dial(opened, "90999999")
    assert not may_dial(opened, "+4915112345678")
    assert not may_dial(d.Dialling(allow=("+37190",), deny=("90",)), "90123456")


def test_what_is_no_beginning_has_no_effect_and_stops_nothing() -> None:
    broken = d.Dialling(allow=("", "x", "+37a"), deny=("90", "", "++", "1" * 16) + ("5",) * 200)
    document = d.Document(general=d.General(dialling=broken))
    usable = general_settings(document).dialling
    assert usable.allow == ()
    assert set(usable.deny) == {"90", "5"}
    codes = {problem.code for problem in check(document, [])}
    assert {"too_many"} == codes & {"too_many", "bad_prefix"}


@given(st.text(), st.lists(st.text()), st.lists(st.text()))
def test_any_text_gets_an_answer(number: str, allow: list[str], deny: list[str]) -> None:
    document = d.Document(
        general=d.General(dialling=d.Dialling(allow=tuple(allow), deny=tuple(deny)))
    )
    assert may_dial(general_settings(document).dialling, number) in (True, False)
