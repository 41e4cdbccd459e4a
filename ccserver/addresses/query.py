"""What somebody typed, understood: words, a house number, a flat, kinds of things.

The words may come in any order and the number at either end: "brīvības 15 rīga", "riga brivibas
iela 15-3", "15 brivibas", "рига, улица бривибас". A number may also belong to a name (``13.
janvāra iela``, ``1905. gada``), so a text with numbers has several readings, and each is looked
for.
"""

import re
from dataclasses import dataclass

from ccserver.addresses.cyrillic import latvian_variants
from ccserver.addresses.text import (
    BLOCK_WORDS,
    FLAT_WORDS,
    IGNORED_WORDS,
    KIND_WORDS,
    WORD,
    fold,
)

QUERY_CHARS_MAX = 200
"""The longest address of the register has about 120; what is longer is cut."""

LETTERS_MIN = 2
"""One letter names thousands of streets."""

WORDS_MAX = 8
NUMBERS_MAX = 3
"""Words and numbers that are looked at; each more costs a look into the index."""

_POSTCODE = re.compile(r"\blv ?-? ?(\d{4})\b")
_CODE = re.compile(r"\s*(\d{9})\s*")
_BLOCK = "|".join(sorted(BLOCK_WORDS, key=len, reverse=True))
_NOT_IN_NAMES = FLAT_WORDS | BLOCK_WORDS
_FLAT = "|".join(sorted(FLAT_WORDS, key=len, reverse=True))
_HOUSE = re.compile(
    r"(?<![\w/])(?P<house>\d{1,4}(?:(?!k-?\d)[a-z](?!\w)| [a-jl-z](?=\s*(?:$|[,-])))?"
    rf"(?:/\d{{1,4}}[a-z]?)*)(?!(?!(?:{_BLOCK})[.-]?\d)\w)"
    rf"(?:\s*(?:{_BLOCK})[ .-]?\s?(?P<block>\d{{1,3}}[a-z]?)(?!\w))?"
    rf"(?:\s*(?:-|,?\s*(?:{_FLAT})\b\.?)\s*(?P<flat>\d{{1,4}}[a-z]?)(?!\w))?"
)
"""A house's number as the register writes it (``15A``, ``59/61``, ``195 k-1``), and the flat after
it (``21 - 5``, ``21 dz. 5``)."""


_LATIN = {"а": "a", "б": "b", "с": "c", "д": "d", "е": "e"}
_LETTER_OF_HOUSE = re.compile(r"(?<=\d)[абсде](?!\w)")
"""Of a house number on a Russian keyboard: the letters whose Latin one is not in doubt."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word that must be found, in any of its spellings; the first is the likeliest."""

    spellings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand the text."""

    terms: tuple[Term, ...]
    house: str | None = None
    """As `house_key` writes it."""
    flat: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A text with all its readings, the likeliest first; without any there is nothing to find."""

    readings: tuple[Reading, ...]
    kinds: frozenset[str] = frozenset()
    initials: frozenset[str] = frozenset()
    """Single letters: of a first name, or a word just begun. Like kinds, they only rank."""
    postcode: str | None = None
    code: int | None = None


@dataclass(frozen=True, slots=True)
class _Number:
    house: str
    flat: str | None
    words: tuple[str, ...]
    """As parts of a name."""


def house_key(number: str) -> str:
    """A house number without what people leave out: ``195 k-1`` is ``195k1``."""
    return re.sub(r"[\s.\-\"]+", "", fold(number))


def parse(text: str) -> Query:
    """Understand ``text``; any text will do."""
    code = _CODE.fullmatch(text)
    if code:
        return Query((), code=int(code[1]))
    folded = fold(text[:QUERY_CHARS_MAX])
    postcode = _POSTCODE.search(folded)
    if postcode:
        folded = folded[: postcode.start()] + " " + folded[postcode.end() :]
    folded = _LETTER_OF_HOUSE.sub(lambda found: _LATIN[found[0]], folded)
    # "brivibas15" is two words.
    folded = re.sub(r"(?<=[^\W\d_]{3})(?=\d)", " ", folded)
    numbers = []
    for found in _HOUSE.finditer(folded):
        house = house_key(found["house"]) + (f"k{found['block']}" if found["block"] else "")
        words = [word for word in WORD.findall(found[0]) if word not in _NOT_IN_NAMES]
        numbers.append(_Number(house, found["flat"], tuple(words)))
    rest = WORD.findall(_HOUSE.sub(" ", folded))
    words, kinds, initials = _sorted_out(rest)
    named = f"LV-{postcode[1]}" if postcode else None
    if sum(len(word) for word in words if not word.isdigit()) < LETTERS_MIN:
        return Query((), kinds, initials, named)
    terms = tuple(Term(latvian_variants(word)) for word in words[:WORDS_MAX])
    return Query(_readings(terms, numbers[:NUMBERS_MAX]), kinds, initials, named)


def _sorted_out(words: list[str]) -> tuple[list[str], frozenset[str], frozenset[str]]:
    names: list[str] = []
    kinds: set[str] = set()
    initials: set[str] = set()
    for word in words:
        if word in KIND_WORDS:
            kinds.add(KIND_WORDS[word])
        if len(word) == 1:
            initials.update(latvian_variants(word))
        elif word not in KIND_WORDS and word not in IGNORED_WORDS and word not in FLAT_WORDS:
            names.append(word)
    if not names:
        # "laukums" alone is all that there is to look for.
        names = [word for word in words if len(word) > 1]
        kinds.clear()
    return names, frozenset(kinds), frozenset(initials)


def _readings(terms: tuple[Term, ...], numbers: list[_Number]) -> tuple[Reading, ...]:
    def name(*parts: _Number) -> tuple[Term, ...]:
        return terms + tuple(Term((word,)) for part in parts for word in part.words)

    match numbers:
        case []:
            return (Reading(terms),)
        case [one]:
            return (Reading(terms, one.house, one.flat), Reading(name(one)))
        case [one, two]:
            return (
                Reading(terms, one.house, one.flat or two.house),
                Reading(name(one), two.house, two.flat),
                Reading(name(two), one.house, one.flat),
                Reading(name(one, two)),
            )
        case [one, two, three, *_]:
            return (
                Reading(name(one), two.house, two.flat or three.house),
                Reading(terms, one.house, one.flat or two.house),
                Reading(name(one, two, three)),
            )
    raise AssertionError("lists of every length stand above")
