"""Which language a text is in, as far as a few words can tell.

What is certain comes first: the script, letters that only one language has, and words that people
in need write, also without diacritics or in Latin letters. Only then a statistical model is asked
(py3langid, among the centre's languages and those of neighbours and visitors). Who is unsure says
``None``: a citizen who is kept for call takers of the wrong language waits for nothing.
"""

import asyncio
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

CHARS_MAX = 1_000
"""Of a text; the language is told from its beginning as well as from all of it."""
LETTERS_MIN = 12
"""With fewer, the model guesses."""
PROBABILITY_MIN = 0.6
"""Of the answer; a text of another language than all of these stays well below it."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CYRILLIC = _words("ba be bg kk ky mk mn ru sr tg tt uk")
"""Languages that are written in Cyrillic letters, of those that the model knows."""

KNOWN = _words(
    "af am an ar as az ba be bg bn br bs ca cs cy da de dz el en eo es et eu fa fi fo fr fy "
    "ga gd gl gu ha he hi hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo "
    "lt lv mg mk ml mn mr ms mt my ne nl nn no oc om or pa pl ps pt qu ro ru rw sa se si sk "
    "sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz vi vo wa xh yo zh zu"
)
"""What the model can tell, by ISO 639-1; a test holds it against the model."""

FOREIGN = ("de", "es", "et", "fi", "fr", "it", "lt", "pl", "sv", "tr", "uk")
"""What visitors and neighbours write. The model chooses among these, too, so that their texts are
not taken for the nearest of the centre's languages."""

LETTERS: Mapping[str, frozenset[str]] = {
    "lv": frozenset("āēģīķļņ"),
    "lt": frozenset("ąęėįų"),
    "uk": frozenset("іїєґ"),
    "be": frozenset("ў"),
}
"""Letters that no other language of the region has; one of them is enough."""

NONE: frozenset[str] = frozenset()

WORDS: Mapping[str, frozenset[str]] = {
    "lv": _words(
        "lv adrese atrodos avarija bezsamana cels cilveks deg dzivoklis elpo hallo iela lai "
        "lauza ludzu man mani maja ne neelpo nelaime nevaru palidzet palidziba palidzibu paliga "
        "policiju sauciet slikti sirds steidzami ugunsgreks uz un vins vina"
    ),
    "ru": _words(
        "ru adres avariya bolno dom goryit gorit kvartira menya mne mogu muzh ne nuzhna nado "
        "pomogite pomoshch pomosh pozhaluista pozhaluysta pozar pozhar skoraya skoruyu srochno "
        "ulica ty umiraet upal upala zhena zdes"
    ),
    "en": _words(
        "en accident address am and bleeding breathing can emergency fire hello help house hurt "
        "is me my need not please police the there we you"
    ),
}
"""Without diacritics, as telephones without them write; Russian also in Latin letters."""
WORDS_MIN = 2
"""So many words of one language, or half of all words, and more than of any other language."""


class _Model(Protocol):
    """As much of py3langid's as is used."""

    def rank(self, text: str) -> Sequence[tuple[str, float]]:
        """Languages with their probabilities, the likeliest first."""


class Detector:
    """Tells the language among ``languages`` (ISO 639-1); safe to share between threads.

    The model is read when it is needed first, which takes half a second and some tens of
    megabytes.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        self.languages = tuple(one for one in dict.fromkeys(languages) if one in KNOWN)
        self._lock = threading.Lock()
        self._model: _Model | None = None
        self._broken = False

    async def detected(self, text: str) -> str | None:
        """As `detect`, without keeping the event loop waiting."""
        certain, language = self.certain(text)
        return language if certain else await asyncio.to_thread(self.detect, text)

    def detect(self, text: str) -> str | None:
        """The text's language, or ``None`` if it cannot be told. May take half a second."""
        certain, language = self.certain(text)
        if certain:
            return language
        return self._by_model(_beginning(text))

    def certain(self, text: str) -> tuple[bool, str | None]:
        """Whether the model need not be asked, and the language if there is one. Takes no time."""
        beginning = _beginning(text)
        letters = [character for character in beginning if character.isalpha()]
        if not letters or not self.languages:
            return True, None
        short = len(letters) < LETTERS_MIN
        # The script first: a Russian text may hold a Latvian address, and the other way round.
        cyrillic = 2 * sum("\u0400" <= letter <= "\u04ff" for letter in letters) > len(letters)
        possible = [one for one in self.languages if (one in CYRILLIC) is cyrillic]
        own = [one for one in possible if LETTERS.get(one, NONE).intersection(letters)]
        if own or (cyrillic and len(possible) <= 1):
            return True, next(iter(own or possible), None)
        if cyrillic:
            return short, None
        by_words = self._by_words(beginning)
        return by_words is not None or short, by_words

    def _by_words(self, text: str) -> str | None:
        words = _plain(text).split()
        counts = {
            language: sum(word in own for word in words)
            for language, own in WORDS.items()
            if language in self.languages
        }
        ranked = sorted(counts.items(), key=lambda pair: -pair[1])
        if not ranked:
            return None
        best, most = ranked[0]
        others = ranked[1][1] if len(ranked) > 1 else 0
        enough = most >= WORDS_MIN or 2 * most >= len(words)
        return best if enough and most > others else None

    def _by_model(self, text: str) -> str | None:
        with self._lock:
            if self._model is None and not self._broken:
                self._model = self._read()
        if self._model is None:
            return None
        ranked = self._model.rank(text)
        best, probability = ranked[0]
        sure = best in self.languages and probability >= PROBABILITY_MIN
        return best if sure else None

    def _read(self) -> _Model | None:
        # Imported here, because it brings a numerical library with it that takes its time.
        try:
            from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

            model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
            model.set_languages({*self.languages, *FOREIGN})
        except Exception as error:  # the language is a help, and never in a text's way
            self._broken = True
            log.exception("language_model_unreadable", reason=type(error).__name__)
            return None
        loaded: _Model = model
        return loaded


def _beginning(text: str) -> str:
    return unicodedata.normalize("NFC", text[:CHARS_MAX]).casefold()


def _plain(text: str) -> str:
    """Words in small letters without diacritics, separated by spaces."""
    decomposed = unicodedata.normalize("NFKD", text)
    kept = (one for one in decomposed if not unicodedata.combining(one))
    return "".join(one if one.isalnum() else " " for one in kept)
