"""What a vehicle identification number tells (ISO 3779, ISO 3780): who made the car, and when.

A VIN holds no checked truth: makers outside North America need not write the year, and a code may
have come to another maker since. It helps a call taker to say "a blue Volkswagen", no more.
"""

from typing import Final

from ccserver.ecall.makes import MAKES

YEAR_CODES: Final = "ABCDEFGHJKLMNPRSTVWXY123456789"
"""Position 10 (ISO 3779 §4.4 and SAE J853): thirty years, then again."""

FIRST_YEAR: Final = 2010
"""What the first code means since then; cars with an eCall are not older than that."""

YEAR_AT: Final = 9


def make_of(vin: str) -> str | None:
    """The make by the world manufacturer identifier; ``None`` where it is not in our list."""
    return MAKES.get(vin[:3]) or MAKES.get(vin[:2])


def model_year(vin: str, *, latest: int = 2030) -> int | None:
    """The model year that position 10 tells; ``None`` where it tells none up to ``latest``.

    Digits begin with 2031, so that until then a maker's own digit there is not taken for a year.
    """
    code = YEAR_CODES.find(vin[YEAR_AT : YEAR_AT + 1]) if len(vin) > YEAR_AT else -1
    year = FIRST_YEAR + code
    return year if code >= 0 and year <= latest else None
