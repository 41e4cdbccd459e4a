"""The words by which a card is found, and what a query asks of them. Pure.

A card's words are a set of tokens without case, diacritics, or anything that a database's own
tokenizer would split: the databases only keep them and find their beginnings. What is not a plain
word (a telephone number, a code) begins with a mark of its own from Unicode's private use area, so
that "29" finds house number 29 and not every mobile telephone.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Final

from ccserver.card.text import (
    PHONE_DIGITS_MIN,
    SEARCH_CHARS_MAX,
    SEARCH_WORDS_MAX,
    digits_of,
    folded,
    phone_digits,
)
from ccserver.ecall.urn import PREFIX, parents

WORD_CHARS_MAX = 40
"""Longer words are found by their first so many letters."""
WORDS_MAX = 2_000
"""Of one card: all of some twenty printed pages. Of longer notes the rest is not found."""
INTERNATIONAL_DIGITS_MIN = 10
"""With fewer, leading zeros are a part of the number that one searches."""
COUNTRY_CODE = "371"
NATIONAL_DIGITS = 8
"""Latvia's numbers have no trunk prefix: a national number is the last eight digits."""
NAME_CHARS_MIN = 2
"""Of a word that is looked for in call takers' names, too: one letter is in all of them."""

DIGITS: Final = "\ue001"
"""Digits of a telephone or card number, from the first on."""
DIGITS_REVERSED: Final = "\ue002"
"""The same from the last on: who hangs up leaves the end of the number in one's memory."""
TYPE: Final = "\ue003"
AGENT: Final = "\ue004"
ADDRESS: Final = "\ue005"
"""A place's code in the address register."""
SERVICE: Final = "\ue006"
"""A service URN that was asked for, and each of its parents."""
TEST: Final = "\ue007"
"""Of a card whose first contact only tried the service."""
SYMBOLS: Final = 0xE100
"""Where ASCII characters that are no letters stand, which tokenizers would take for gaps."""

PUNCTUATION: Final = frozenset(".,;:-/()'\"!?+")
"""Written or left out as one likes; other signs ("%", "@") are words."""
PIECE = re.compile(r"[^\W_]+|[^\w\s]|_")
LETTERS_OR_DIGITS = re.compile(r"[^\W\d_]+|\d+")
CARD_NUMBER = re.compile(r"(\d{4})-(\d{1,6})")

POSITIONS_PER_MS = 16_384
"""Cards of one millisecond are told apart by their numbers; more than so many there never are."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or the beginning of one."""

    word: str
    prefix: bool = True


Clause = tuple[Term, ...]
"""At least one of them is on the card."""
Query = tuple[Clause, ...]
"""All of them hold; an empty one holds for every card."""


@dataclass(frozen=True, slots=True)
class Document:
    """What is to be found of a card."""

    number: str
    callers: Sequence[str] = ()
    """Digits of the callers' numbers."""
    agent_ids: Sequence[str] = ()
    texts: Sequence[str] = ()
    fields: Sequence[tuple[str, object]] = ()
    """Names and values."""
    services: Sequence[str] = ()
    """URNs that were asked for."""
    test: bool = False


def position_of(opened_at: datetime, number: str) -> int:
    """Return where a card stands among all: unique, and growing with time."""
    milliseconds = (opened_at - EPOCH) // timedelta(milliseconds=1)
    return milliseconds * POSITIONS_PER_MS + int(number[-6:]) % POSITIONS_PER_MS


def first_position(at: datetime) -> int:
    """Return the first position of a card that was opened in the millisecond of ``at``."""
    return (at - EPOCH) // timedelta(milliseconds=1) * POSITIONS_PER_MS


def words_of(*documents: Document) -> str:
    """Return the words of a card and of all that is a part of it, separated by spaces.

    At the bound those of the first documents stay, and of each what comes first in it.
    """
    words = dict.fromkeys(chain.from_iterable(map(_words, documents)))
    return " ".join(islice(words, WORDS_MAX))


def _words(document: Document) -> Iterable[str]:
    yield from _number_words(document.number)
    for digits in document.callers:
        yield from _digit_words(digits)
    for agent_id in document.agent_ids:
        yield mark(AGENT, agent_id)
    for service in document.services:
        for urn in parents(service):
            yield service_mark(urn)
    if document.test:
        yield TEST
    for name, value in document.fields:
        yield from _field_words(name, value)
    for text in document.texts:
        yield from _pieces(text)


def query_of(text: str, names: Sequence[tuple[str, str]] = ()) -> Query:
    """Read what a person typed; ``names`` are seats with their folded names.

    Every word must be found. What looks like a telephone number as a whole is also looked for as
    one, so its spaces and dashes do not matter.
    """
    words = text[:SEARCH_CHARS_MAX].split()[:SEARCH_WORDS_MAX]
    clauses = [clause for word in words for clause in _clauses(word, names)]
    digits = phone_digits(" ".join(words))
    if digits is None or len(words) == 1:
        return tuple(clauses)
    whole = _digit_terms(digits)
    return tuple(dict.fromkeys((*clause, *whole) for clause in clauses))


def mark(kind: str, value: str) -> str:
    """Return the word of a code; codes are found as a whole."""
    return kind + "".join(map(_kept, value))


def service_mark(urn: str) -> str:
    """Return the word of whoever asked for this service, or for a child of it."""
    return mark(SERVICE, urn.removeprefix(PREFIX))


def national_digits(digits: str) -> str:
    """Return a number of this country without the country's code, any other as it is."""
    national = digits.removeprefix(COUNTRY_CODE)
    return national if len(national) == NATIONAL_DIGITS else digits


def matches(query: Query, words: Iterable[str]) -> bool:
    """Tell whether a card with these words is one that the query asks for."""
    known = set(words)
    return all(holds(clause, known) for clause in query)


def holds(clause: Clause, words: set[str]) -> bool:
    """Tell whether a card with these words has one that the clause asks for."""
    return any(_found(term, words) for term in clause)


def _found(term: Term, words: set[str]) -> bool:
    return term.word in words or (term.prefix and any(word.startswith(term.word) for word in words))


def _clauses(word: str, names: Sequence[tuple[str, str]]) -> list[Clause]:
    number = CARD_NUMBER.fullmatch(word)
    if number is not None:
        return [(Term(DIGITS + "".join(number.groups())),)]
    # "12-3" may be a house and flat as well as a part of a number.
    digits = phone_digits(word)
    clauses: list[Clause] = []
    for piece in dict.fromkeys(_pieces(word)):
        terms = [Term(piece)]
        if digits is not None:
            terms += _digit_terms(digits)
        if len(piece) >= NAME_CHARS_MIN:
            terms += [
                Term(mark(AGENT, agent_id), prefix=False)
                for agent_id, name in names
                if any(part.startswith(piece) for part in _pieces(name))
            ]
        clauses.append(tuple(terms))
    return clauses


def _digit_terms(digits: str) -> Clause:
    if len(digits) >= INTERNATIONAL_DIGITS_MIN:
        # 00 is how a "+" is dialled; numbers are kept without either.
        digits = digits.removeprefix("00")
    digits = digits[:WORD_CHARS_MAX]
    return Term(DIGITS + digits), Term(DIGITS_REVERSED + digits[::-1])


def _digit_words(digits: str) -> Iterable[str]:
    if len(digits) < PHONE_DIGITS_MIN:
        return
    yield DIGITS + digits[:WORD_CHARS_MAX]
    yield DIGITS_REVERSED + digits[::-1][:WORD_CHARS_MAX]
    national = national_digits(digits)
    if national != digits:
        yield DIGITS + national


def _number_words(number: str) -> Iterable[str]:
    year, _, count = number.partition("-")
    yield DIGITS + year + count
    yield DIGITS + count
    yield DIGITS_REVERSED + count[::-1]


def _field_words(name: str, value: object) -> Iterable[str]:
    of_field = FIELD_WORDS.get(name.partition(":")[0])
    return () if of_field is None else of_field(value)


def _type_words(value: object) -> Iterable[str]:
    return [mark(TYPE, value)] if isinstance(value, str) else []


def _address_words(value: object) -> Iterable[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("code"), str):
            yield mark(ADDRESS, value["code"])
        yield from _texts_in({key: text for key, text in value.items() if key != "code"})


def _numbers_words(value: object) -> Iterable[str]:
    if isinstance(value, Sequence):
        for each in value:
            yield from _person_words(each)


def _person_words(person: object) -> Iterable[str]:
    if isinstance(person, Mapping):
        yield from _digit_words(digits_of(str(person.get("number") or "")))
        said = {key: text for key, text in person.items() if key not in ("number", "role")}
        yield from _texts_in(said)


def _vehicle_words(value: object) -> Iterable[str]:
    if isinstance(value, Mapping):
        for key in ("plate", "vin"):
            yield from _plate_words(str(value.get(key) or ""))
        yield from _texts_in(value)


def _plate_words(plate: str) -> Iterable[str]:
    """A plate or VIN is found whole, and by its parts, however it is written."""
    whole = "".join(piece for piece in _pieces(plate) if piece.isalnum())
    if whole:
        yield whole[:WORD_CHARS_MAX]
        yield from LETTERS_OR_DIGITS.findall(whole[:WORD_CHARS_MAX])


def _texts_in(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield from _pieces(value)
    elif isinstance(value, Mapping):
        for each in value.values():
            if isinstance(each, str):
                yield from _pieces(each)


def _pieces(text: str) -> Iterable[str]:
    for piece in PIECE.findall(folded(text)):
        if piece not in PUNCTUATION:
            yield piece[:WORD_CHARS_MAX] if piece.isalnum() else "".join(map(_kept, piece))


def _kept(character: str) -> str:
    """ASCII letters and digits, and all that is not ASCII, no tokenizer of ours takes apart."""
    if character.isalnum() or not character.isascii():
        return character
    return chr(SYMBOLS + ord(character))


FIELD_WORDS: Final[Mapping[str, Callable[[object], Iterable[str]]]] = {
    "type": _type_words,
    "address": _address_words,
    "summary": _texts_in,
    "callback_numbers": _numbers_words,
    "person": _person_words,
    "vehicle": _vehicle_words,
    "answers": _texts_in,
}
"""Other fields hold numbers and codes that nobody types into a search."""
