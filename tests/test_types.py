"""Telephone numbers as trunks deliver them: read, kept or refused; reading again is stable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.types import DIGITS_MAX, PhoneNumber


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("+37126123456", "+37126123456"),
        ("0037126123456", "+37126123456"),
        ("37126123456", "+37126123456"),
        ("26123456", "+37126123456"),
        ("67123456", "+37167123456"),
        (" +371 26-123-456 ", "+37126123456"),
        ("(371) 2612 3456", "+37126123456"),
        ("+4915112345678", "+4915112345678"),
        ("004915112345678", "+4915112345678"),
        ("112", "112"),
        ("1", "1"),
        ("8000", "8000"),
        ("12345678", "12345678"),
        ("123456789012345", "123456789012345"),
        ("+123456789012345", "+123456789012345"),
        ("1234567890123456", "1234567890123456"),
        ("+1234567890123456", "+1234567890123456"),
        ("+123", "+123"),
        ("1" * 40, "1" * 40),
        ("1" * 41, None),
        ("", None),
        ("   ", None),
        ("+", None),
        ("00", None),
        ("anonymous", None),
        ("Anonymous 26123456", None),
        ("sip:26123456@example.org", None),
        ("26123456;ext=5", None),
        ("２６１２３４５６", None),
        ("2٣6123456", None),
        ("\x00", None),
    ],
)
def test_samples(raw: str, value: str | None) -> None:
    parsed = PhoneNumber.parse(raw)
    assert (parsed.value if parsed else None) == value


def test_another_country() -> None:
    assert PhoneNumber.parse("21234567", country_code="372") == PhoneNumber("+37221234567")


NUMBERS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789+-() .;ab", max_size=24),
    st.from_regex(r"(\+|00)?(371)?[0-9]{0,16}", fullmatch=True),
)


@given(NUMBERS)
def test_reading_what_was_read_changes_nothing(raw: str) -> None:
    parsed = PhoneNumber.parse(raw)
    if parsed is not None:
        assert PhoneNumber.parse(str(parsed)) == parsed
        assert len(parsed.value) <= 1 + DIGITS_MAX
        assert parsed.value.removeprefix("+").isdecimal()
        assert parsed.value.isascii()
