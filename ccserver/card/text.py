"""Text as it is searched: without case, diacritics or a LIKE pattern's special characters."""

import unicodedata

SEARCH_CHARS_MAX = 200
"""Nobody types more into a search box; each word costs a scan."""
SEARCH_WORDS_MAX = 8
PHONE_PUNCTUATION = frozenset("+-()./ \u00a0")
PHONE_DIGITS_MIN = 3


def folded(text: str) -> str:
    """Return ``text`` without case and diacritics, so that "Rīga" is found by "riga"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark))


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


def containing(text: str) -> str:
    r"""Return the LIKE pattern (escape ``\``) of what contains ``text``."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
