"""Text as it is kept, and as it is searched: without case and diacritics."""

import math
import unicodedata
from collections.abc import Mapping
from typing import cast

from ccserver.db import clean_text

SEARCH_CHARS_MAX = 200
"""Nobody types more into a search box; each word costs a scan."""
SEARCH_WORDS_MAX = 8
PHONE_PUNCTUATION = frozenset("+-()./ \u00a0")
PHONE_DIGITS_MIN = 3


def folded(text: str) -> str:
    """Return ``text`` without case and diacritics, so that "Rīga" is found by "riga"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark))


def clean_json(value: object) -> object:
    """Return a JSON value with text that every database keeps."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list | tuple):
        return [clean_json(member) for member in value]
    if isinstance(value, Mapping):
        return {clean_text(str(key)): clean_json(member) for key, member in value.items()}
    return value


def storable_json(value: Mapping[str, object]) -> dict[str, object]:
    """Return what another system told as every database's JSON accepts it: no NUL, no NaN."""
    return cast("dict[str, object]", _finite(clean_json(value)))


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_finite(member) for member in value]
    if isinstance(value, dict):
        return {key: _finite(member) for key, member in value.items()}
    return value


def digits_of(text: str) -> str:
    """Return the ASCII digits of a telephone number."""
    return "".join(character for character in text if character in "0123456789")


def phone_digits(query: str) -> str | None:
    """Return the digits of a query that can only be a part of a telephone number."""
    digits = digits_of(query)
    rest = set(query) - set("0123456789")
    if len(digits) < PHONE_DIGITS_MIN or not rest <= PHONE_PUNCTUATION:
        return None
    return digits
