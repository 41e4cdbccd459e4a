"""Latvian names as Russian speakers write them: Cyrillic words into folded Latvian letters.

The rules turn around how Latvian names are spelled in Russian (``Brīvības`` is ``Бривибас``,
``Ķengaraga`` is ``Кенгарага``), after folding, so that length and softness marks do not matter:

* ``ч`` is ``c`` (č), ``ш`` ``s`` (š), ``ж`` ``z`` (ž), ``ц`` ``c``, ``х`` ``h``, ``ы`` ``i``;
  ``ь`` and ``ъ`` are silent and make what follows begin like a word (``Кришьяна``: Krišjāņa);
* ``я`` and ``ю`` are ``ja`` and ``ju`` at the beginning of a word and after a vowel (``Юрмала``);
  after a consonant they only soften it (``Аусекля``: Ausekļa), and ``ja``, ``ju`` are tried too;
* ``е`` is ``e``; at the beginning of a word and after a vowel also ``je`` (``Елгава``: Jelgava);
* ``й`` is ``i`` after a vowel (``Райня``: Raiņa) and ``j`` before one; ``ё`` is ``jo`` or ``e``;
* ``г`` at the beginning of a word may stand for ``h``.

Where a rule has two outcomes both are looked for. Translations (``Московская`` for Maskavas) are no
spelling and are not found, except by the former names of the register.
"""

import re

VARIANTS_MAX = 8
"""Of one word. The first outcomes are the likely ones; each costs a look into the index."""

_CYRILLIC = re.compile(r"[а-яё]")
_VOWELS = frozenset("аеёиоуыэюя")
_PLAIN = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "ж": "z", "з": "z", "и": "i", "к": "k",
    "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u",
    "ф": "f", "х": "h", "ц": "c", "ч": "c", "ш": "s", "щ": "sc", "ы": "i", "э": "e",
}  # fmt: skip


def is_cyrillic(word: str) -> bool:
    """Whether the word holds a Russian letter."""
    return _CYRILLIC.search(word) is not None


def latvian_variants(word: str) -> tuple[str, ...]:
    """How the folded word may be written in folded Latvian letters, the likeliest first."""
    if not is_cyrillic(word):
        return (word,)
    found = [""]
    for place, letter in enumerate(word):
        before = word[place - 1] if place else ""
        after = word[place + 1] if place + 1 < len(word) else ""
        outcomes = _outcomes(letter, before, after)
        # Every former outcome with the likely new one comes before any with the second.
        found = [start + outcome for outcome in outcomes for start in found][:VARIANTS_MAX]
    return tuple(dict.fromkeys(found))


def _outcomes(letter: str, before: str, after: str) -> tuple[str, ...]:
    begins = before == "" or before in _VOWELS or before in "ьъ"
    match letter:
        case "я" | "ю":
            vowel = "a" if letter == "я" else "u"
            found = (f"j{vowel}",) if begins else (vowel, f"j{vowel}")
        case "е" if before in ("", "ь", "ъ"):
            found = ("je", "e")
        case "е":
            found = ("e", "je") if begins else ("e",)
        case "ё":
            found = ("jo", "e") if begins else ("e", "jo")
        case "й":
            consonant = before == "" or after in _VOWELS
            found = ("j", "i") if consonant else ("i", "j")
        case "ь" | "ъ":
            found = ("j", "") if after in ("а", "о", "у") else ("",)
        case "г" if before == "":
            found = ("g", "h")
        case _:
            found = (_PLAIN.get(letter, letter),)
    return found
