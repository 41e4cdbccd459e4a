"""Words that promise help, in the languages of the centre. Pure.

Whoever reads "help is on the way" stops asking for it. A machine must never say so, and a person
only when it is true.
"""

import unicodedata

PROMISES = (
    # English
    "help is coming", "help is on", "on the way", "on its way", "on their way", "are coming",
    "is coming", "will come", "will arrive", "will be there", "will help", "help has been sent",
    "have been sent to you", "has been dispatched", "have been dispatched", "have been alerted",
    # Latvian
    "palidziba ir", "palidziba tiek", "palidziba dodas", "palidziba brauc", "palidziba bus",
    "palidziba nosutita", "palidziba izsutita", "ir cela", "jau cela", "brauc pie", "jau brauc",
    "dodas pie", "dodas uz", "izbrauca", "izbraukusi", "ieradisies", "ieradisimies", "atbrauks",
    "drizi bus", "drizuma bus", "palidzesim", "ekipaza",
    # Russian
    "помощь в пути", "помощь едет", "помощь идет", "помощь уже", "помощь выслана",
    "помощь отправлена", "помощь будет", "в пути", "уже едет", "уже едут", "к вам едет",
    "к вам едут", "выезжает", "выезжают", "выехал", "приедет", "приедут", "прибудет", "прибудут",
    "поможем", "экипаж",
)  # fmt: skip
"""As `_plain` writes them."""


def promise_in(text: str) -> str | None:
    """The words that promise something, if there are any."""
    words = " ".join(_plain(text).split())
    return next((one for one in PROMISES if one in words), None)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = (one for one in decomposed if not unicodedata.combining(one))
    return "".join(one if one.isalnum() else " " for one in kept)
