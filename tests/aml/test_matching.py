"""An AML message goes to the newest call of its phone that it may be of, and to none by guess."""

import pytest

from ccserver.aml.matching import AFTER_S, BEFORE_S, PHONES_KEEP_S, CallSpan, KnownPhones, call_of
from ccserver.aml.values import digits_of
from ccserver.types import ContactId
from tests.aml.conftest import NUMBER, at, by_https, by_sms

DIGITS = "37120000001"


def call(
    name: str, began: float, ended: float | None = None, *, number: str | None = NUMBER
) -> CallSpan:
    return CallSpan(
        ContactId(name), digits_of(number), at(began), None if ended is None else at(ended)
    )


def found(seconds: float, *calls: CallSpan) -> str | None:
    match = call_of(DIGITS, at(seconds), calls)
    return match.contact_id if match else None


@pytest.mark.parametrize(
    ("spelling", "digits"),
    [
        ("+37120000001", DIGITS),
        ("37120000001", DIGITS),
        ("20000001", DIGITS),
        ("0037120000001", DIGITS),
        ("447477593102", "447477593102"),
        ("+447477593102", "447477593102"),
        ("CSDD", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_numbers_are_compared_in_one_form(spelling: str | None, digits: str) -> None:
    assert digits_of(spelling) == digits


@pytest.mark.parametrize(
    ("seconds", "match"),
    [(22, "c"), (-BEFORE_S, "c"), (-BEFORE_S - 1, None), (40 + AFTER_S, "c"), (641, None)],
)
def test_the_window_of_a_call_that_ended_after_forty_seconds(
    seconds: float, match: str | None
) -> None:
    assert found(seconds, call("c", 0, 40)) == match


def test_a_live_call_has_no_end() -> None:
    assert found(7_200, call("c", 0)) == "c"


def test_the_newest_call_wins() -> None:
    assert found(100, call("old", 0, 40), call("new", 60), call("other", 90, number=None)) == "new"


def test_nobody_without_a_number_gets_a_position() -> None:
    assert (
        found(20, call("hidden", 0, number=None), call("other", 0, number="+37126123456")) is None
    )
    assert call_of("", at(20), [call("hidden", 0, number=None)]) is None


def test_a_device_is_known_by_what_its_own_message_told() -> None:
    phones = KnownPhones()
    nameless = by_https(5, number=None)
    assert phones.digits_of(nameless) == ""
    assert phones.learn(by_sms(6))
    assert not phones.learn(by_sms(7)), "that is no news"
    assert phones.digits_of(nameless) == DIGITS
    assert phones.digits_of(by_https(8, number=None, imei="999999999999999")) == ""
    phones.forget(at(7 + PHONES_KEEP_S))
    assert phones.digits_of(nameless) == DIGITS
    phones.forget(at(8 + PHONES_KEEP_S))
    assert phones.digits_of(nameless) == ""
