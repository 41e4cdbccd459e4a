"""Words of the index that are one mistake away from a word that was typed.

A mistake is one letter too many, too few, another, or two that changed places. The trigram table
gives words that share letters with the typed one; each is then compared letter by letter.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence

WORD_CHARS_MIN = 4
"""Of a typed word; the index holds no shorter words for this either."""

OF_ONE_PART_MAX = 3_000
"""Words with the same three letters in them, the commonest first."""

LOOKED_AT_MAX = 300
"""Words that are compared."""

CORRECTIONS_MAX = 6
"""Spellings that are looked for instead; each costs a look into the index."""

SPELLINGS_MAX = 3


def corrected(database: sqlite3.Connection, spellings: Sequence[str]) -> list[str]:
    """Words of the index for one that was typed as ``spellings``, the commonest first."""
    found: dict[str, None] = {}
    for word in spellings[:SPELLINGS_MAX]:
        if len(word) < WORD_CHARS_MIN or not word.isalpha():
            continue
        for known in _alike(database, word):
            if is_one_mistake(word, known):
                found[known] = None
    return [word for word in found if word not in spellings][:CORRECTIONS_MAX]


def _alike(database: sqlite3.Connection, word: str) -> list[str]:
    """Words with the most groups of three letters in common with ``word``."""
    shared: Counter[int] = Counter()
    for part in {word[start : start + 3] for start in range(len(word) - 2)}:
        rows = database.execute(
            "SELECT rowid FROM parts WHERE parts MATCH ? ORDER BY rowid LIMIT ?",
            (f'"{part}"', OF_ONE_PART_MAX),
        )
        shared.update(ident for (ident,) in rows)
    best = sorted(shared, key=lambda ident: (-shared[ident], ident))[:LOOKED_AT_MAX]
    rows = database.execute(
        "SELECT w.word FROM json_each(?) j CROSS JOIN words w ON w.id = j.value",
        (json.dumps(best),),
    )
    return [known for (known,) in rows]


def is_one_mistake(typed: str, known: str) -> bool:
    """Whether ``typed`` is ``known``, or its beginning, with exactly one mistake."""
    return any(
        _differ_once(typed, known[:length])
        for length in {len(typed) - 1, len(typed), len(typed) + 1, len(known)}
        if 0 < length <= len(known) and abs(length - len(typed)) <= 1
    )


def _differ_once(one: str, other: str) -> bool:
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    left, right = one[start:], other[start:]
    if len(left) == len(right):
        changed = left[1:] == right[1:]
        swapped = left[:2] == right[:2][::-1] and left[2:] == right[2:]
        return changed or swapped
    return left[1:] == right if len(left) > len(right) else left == right[1:]
