"""Single values of AML messages, whichever way they came: total, and without any guess.

Every reader takes text and gives the value, or ``None`` for what is not one. Only ASCII digits are
digits: a number in another script may be right, and nobody has ever seen a telephone send one.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EPOCH_S_MAX = 32_503_680_000
"""The year 3000; a clock beyond it is broken, and `datetime` has an end."""

IMEI_SIGNIFICANT = 14
"""Digits of an IMEI that name the device; then a check digit or a software version follows, one or
two digits long (3GPP TS 23.003 §6.2)."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]{0,16})?(?:[eE][+-]?[0-9]{1,2})?").fullmatch
"""The exponent is Java's, which writes 0.0001 as 1.0E-4; of two digits none is infinite."""

_DIGITS = re.compile(r"[0-9]{1,15}").fullmatch
_SIGNED = re.compile(r"[+-]?[0-9]{1,15}").fullmatch
_TIME = re.compile(r"[0-9]{14}").fullmatch
_IMEI = re.compile(r"[0-9]{14,16}").fullmatch
_IMSI = re.compile(r"[0-9]{6,15}").fullmatch
_NETWORK = re.compile(r"[0-9]{5,6}").fullmatch


class AMLMethod(StrEnum):
    """How the phone found its position (TS 103 625, ``pm``; ``ls`` of version 2)."""

    GNSS = "G"
    WIFI = "W"
    CELL = "C"
    FUSED = "F"
    NONE = "N"
    """Not at all."""
    UNKNOWN = "U"
    """The phone does not say, or says what nobody knows."""


METHODS: Mapping[str, AMLMethod] = {
    **{method.value: method for method in AMLMethod},
    "GPS": AMLMethod.GNSS,
    "GNSS": AMLMethod.GNSS,
    "WIFI": AMLMethod.WIFI,
    "WI-FI": AMLMethod.WIFI,
    "CELL": AMLMethod.CELL,
    "FUSED": AMLMethod.FUSED,
    "NONE": AMLMethod.NONE,
    "UNKNOWN": AMLMethod.UNKNOWN,
}
"""In capitals: letters in text messages, words over HTTPS."""


def number(text: str) -> float | None:
    """A finite decimal number."""
    return float(text) if _NUMBER(text) else None


def whole(text: str) -> int | None:
    """An unsigned whole number."""
    return int(text) if _DIGITS(text) else None


def signed(text: str) -> int | None:
    """A whole number with its sign."""
    return int(text) if _SIGNED(text) else None


def utc_time(text: str) -> datetime | None:
    """``yyyyMMddHHmmss``, in UTC."""
    if _TIME(text) is None:
        return None
    try:
        return datetime.fromisoformat(f"{text[:8]}T{text[8:]}Z")
    except ValueError:
        return None


def epoch_time(seconds: float) -> datetime | None:
    """Seconds since 1970; ``None`` where no telephone can be."""
    return EPOCH + timedelta(seconds=seconds) if 0 < seconds <= EPOCH_S_MAX else None


def imei(text: str) -> str | None:
    """The device's number."""
    return text if _IMEI(text) else None


def imsi(text: str) -> str | None:
    """The subscription's number; phones put zeros in the place of the last nine digits."""
    return text if _IMSI(text) else None


def network(text: str) -> str | None:
    """A mobile network: country code and network code (MCC, MNC), five or six digits."""
    return text if _NETWORK(text) else None


def device_of(found: str | None) -> str | None:
    """What two IMEIs of one device have in common."""
    return None if found is None else found[:IMEI_SIGNIFICANT]
