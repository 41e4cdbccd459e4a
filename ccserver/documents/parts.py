"""The parts that documents are made of, and what is said of something that is no document."""

from collections.abc import Callable

import msgspec

LANGUAGES = ("lv", "ru", "en")
"""Languages of titles and prompts; those of the panel and of the voices made at set-up."""


class Part(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=False
):
    """Base of all parts: unknown keys are refused, values never change."""


class Texts(Part, frozen=True, kw_only=True):
    """One text in each language; empty where there is none."""

    lv: str = ""
    ru: str = ""
    en: str = ""


class ShapeWrong(ValueError):
    """This is no document: ``path`` says where (empty: as a whole), the text says why."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


Told = Callable[[str], None]
"""Hears the path of each key that is left out because it has no meaning."""


def wrong_shape(error: msgspec.ValidationError) -> ShapeWrong:
    """The library's error, with its path as ours are written."""
    text, marked, where = str(error).rpartition(" - at ")
    if not marked:
        text, where = where, ""
    path = where.strip("`").removeprefix("$").removeprefix(".")
    return ShapeWrong(path, f"{text}.")
