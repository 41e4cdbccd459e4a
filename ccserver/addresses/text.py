"""Letters and words: what is typed and what the register holds, made comparable.

Both sides are folded the same way: small letters, no diacritics (``Ķīšezera`` = ``kisezera``), so
that "brivibas" finds ``Brīvības iela``. Words about the *kind* of a thing (``iela``, ``bulv.``,
``улица``, ``pag.``) never decide whether something is found: callers mix them up, and Riga has
both a Brīvības iela and a Brīvības gatve. They only move the better answer up.
"""

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")
"""Letters and digits of any script; everything else stands between words."""


def fold(text: str) -> str:
    """``text`` in small letters without diacritics; other scripts stay what they are."""
    if text.isascii():
        return text.lower()
    # й and ё are letters of their own; taking them apart would lose what tells them from и and е.
    kept = text.lower().replace("й", "\ue000").replace("ё", "\ue001")
    apart = unicodedata.normalize("NFKD", kept)
    bare = "".join(character for character in apart if not unicodedata.combining(character))
    return bare.replace("\ue000", "й").replace("\ue001", "ё").lower()


def words_of(text: str) -> list[str]:
    """The folded words of ``text``, in their order."""
    return WORD.findall(fold(text))


def _kinds(**words: str) -> dict[str, str]:
    return {word: kind for kind, listed in words.items() for word in listed.split()}


KIND_WORDS = _kinds(
    iela="iela iel ie i street str st ул улица иела",
    bulvaris="bulvaris bulv bul b boulevard бульвар бул булварис",
    prospekts="prospekts prosp pr avenue ave проспект просп пр проспектс",
    laukums="laukums lauk l square площадь пл лаукумс",
    gatve="gatve g гатве аллея",
    soseja="soseja sos highway шоссе",
    cels="cels c road дорога целш цельш",
    aleja="aleja алея",
    krastmala="krastmala krastm набережная крастмала",
    skersiela="skersiela skersiel переулок пер",
    dambis="dambis дамбис",
    linija="linija lin линия",
    pag="pagasts pag pagasta parish волость",
    nov="novads nov novada municipality край",
    pilseta="pilseta pils city town г город",
    ciems="ciems village деревня пос поселок",
)
"""Words about the kind of a thing, each with the form in which the register's names hold it."""

FLAT_WORDS = frozenset(
    {"dz", "dziv", "dzivoklis", "dzivokla", "flat", "apt", "apartment", "кв", "квартира"}
)
BLOCK_WORDS = frozenset({"k", "korp", "korpuss", "к", "корп", "корпус", "block"})
IGNORED_WORDS = frozenset({"nr", "no", "maja", "house", "дом", "д", "latvija", "lv", "латвия"})
"""Said or typed, but in no address."""
