"""What a VIN tells of maker and year, and where it tells nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.ecall.makes import MAKES
from ccserver.ecall.msd import VIN_CHARACTERS
from ccserver.ecall.vin import make_of, model_year


@pytest.mark.parametrize(
    ("vin", "make"),
    [
        ("WVWZZZ1KZ6W000001", "Volkswagen"),
        ("YV1RS592972600001", "Volvo"),
        ("UU1HSDACN00000001", "Dacia"),
        ("TMBJJ7NE0J0000001", "Škoda"),
        ("WM9VDSVDSYA123456", None),
        ("?VWZZZ1KZ6W000001", None),
        ("", None),
    ],
)
def test_makes(vin: str, make: str | None) -> None:
    assert make_of(vin) == make


@pytest.mark.parametrize(
    ("code", "latest", "year"),
    [
        ("A", 2030, 2010),
        ("T", 2030, 2026),
        ("Y", 2030, 2030),
        ("1", 2030, None),
        ("1", 2031, 2031),
        ("V", 2026, None),
        ("0", 2040, None),
        ("Z", 2040, None),
        ("U", 2040, None),
        ("?", 2040, None),
    ],
)
def test_model_years(code: str, latest: int, year: int | None) -> None:
    assert model_year(f"WVWZZZ1KZ{code}W000001", latest=latest) == year


def test_too_short_for_a_year() -> None:
    assert model_year("WVW") is None


def test_every_identifier_is_one() -> None:
    assert len(MAKES) > 200
    for code in MAKES:
        assert re.fullmatch(f"[{VIN_CHARACTERS}]{{2,3}}", code), code


@given(st.text(max_size=20))
def test_any_text(text: str) -> None:
    make_of(text)
    model_year(text)
