"""What a match is worth: the order in which addresses are shown.

A whole word stands before the beginning of one, the street's own name before the name of what it
lies in, what exists before former names and what is gone, what is near the given point before what
is far, the house number itself before ``15A`` and ``150``. Only the order of the figures matters;
they were tuned on the tests of ranking.

Hundreds of hits are ranked for each key that somebody presses, so this works on the words as the
index holds them, and makes no objects that Python's garbage collector would have to visit.
"""

from collections.abc import Sequence

from ccserver.addresses.query import Query, Term
from ccserver.addresses.schema import BUILDING, STREET
from ccserver.addresses.text import KIND_WORDS
from ccserver.location import Position, distance_m

WORD_OF_NAME, START_OF_NAME = 10.0, 6.0
WORD_OF_PLACE, START_OF_PLACE = 4.0, 2.5
WHOLE_NAME = 8.0
FIRST_WORD = 2.0
LATER_SPELLING = -1.0
KIND_SAID = 3.0
KIND_UNSAID = 1.0
"""For ``iela``, the kind that people leave out."""
INITIAL = 1.0
IS_STREET, IS_HOUSE = 1.0, -2.0
FORMER, GONE = -5.0, -15.0
HOUSE_FOUND, HOUSE_WITH_LETTER, HOUSE_LONGER = 14.0, 7.0, 3.0
HOUSE_MISSING = -12.0
FLAT_FOUND = 4.0
POSTCODE_SAME = 4.0
NEAR, NEAR_SCALE_M = 16.0, 5_000.0
"""What is at the point is worth so much more, at `NEAR_SCALE_M` half of it."""
SIZE = 1.5
"""For each tenfold of buildings in it, and in its town."""

_KIND_FORMS = frozenset(KIND_WORDS.values())


class Ranking:
    """Scores what was found for one reading of a query."""

    def __init__(self, query: Query, terms: Sequence[Term], near: Position | None) -> None:
        self._near = near
        # As they are looked for in a name that stands between spaces.
        self._terms = [[(f" {word} ", f" {word}") for word in term.spellings] for term in terms]
        self._kinds = [f" {kind} " for kind in query.kinds]
        self._initials = [f" {letter}" for letter in query.initials]

    def score(  # noqa: PLR0917 - the columns of a hit
        self, name: str, place: str, kind: int, weight: float, old: int, former: str | None
    ) -> float:
        """A street, place or named house by its folded words; without its nearness."""
        padded, around = f" {name} ", f" {place} "
        score, whole = SIZE * weight, 0
        for spellings in self._terms:
            worth, in_name = self._worth(spellings, padded, around)
            score += worth
            whole += in_name
        if whole and whole >= sum(word not in _KIND_FORMS for word in name.split()):
            score += WHOLE_NAME
        score += KIND_SAID * sum(said in padded or said in around for said in self._kinds)
        score += INITIAL * sum(letter in padded for letter in self._initials)
        if kind == STREET:
            score += IS_STREET
            if not self._kinds and " iela " in padded:
                score += KIND_UNSAID
        elif kind == BUILDING:
            score += IS_HOUSE
        if former is not None:
            score += FORMER
        return score + GONE if old else score

    @staticmethod
    def _worth(spellings: Sequence[tuple[str, str]], name: str, place: str) -> tuple[float, bool]:
        """The best spelling's worth, and whether it is a whole word of the name itself."""
        best, whole = 0.0, False
        for later, (word, start) in enumerate(spellings):
            in_name = word in name
            if in_name:
                worth = WORD_OF_NAME + (FIRST_WORD if name.startswith(word) else 0.0)
            elif word in place:
                worth = WORD_OF_PLACE
            elif start in name:
                worth = START_OF_NAME + (FIRST_WORD if name.startswith(start) else 0.0)
            elif start in place:
                worth = START_OF_PLACE
            else:
                continue
            if later:
                worth += LATER_SPELLING
            if worth > best:
                best, whole = worth, in_name
        return best, whole

    def nearness(self, lat: float | None, lon: float | None) -> float:
        """What it is worth to be where it is."""
        if self._near is None or lat is None or lon is None:
            return 0.0
        metres = distance_m(self._near, Position(lat, lon))
        return NEAR / (1 + metres / NEAR_SCALE_M)


def worth_of_number(asked: str, number: str) -> float:
    """What a house is worth for the number that was asked for, which it begins with."""
    if number == asked:
        return HOUSE_FOUND
    return HOUSE_LONGER if number[len(asked)].isdigit() else HOUSE_WITH_LETTER


def natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts ``2`` before ``10``."""
    parts: list[tuple[int, str]] = []
    number = ""
    for character in text:
        if character in "0123456789":
            number += character
            continue
        if number:
            parts.append((int(number), ""))
            number = ""
        parts.append((-1, character))
    return [*parts, (int(number), "")] if number else parts
