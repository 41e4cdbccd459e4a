"""Checks of every document: bounds of each value, and names that are new or known."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from ccserver.documents.parts import Part
from ccserver.documents.problems import Found

Range = tuple[float, float]


@dataclass(frozen=True)
class Bounds:
    """Of one kind of document.

    ``ranges`` holds the lowest and highest value of each number, ``counts`` the most items of a
    list, ``chars_max`` the length of the texts in the part at a path.
    """

    ranges: Mapping[tuple[type[Part], str], Range]
    counts: Mapping[tuple[type[Part], str], int]
    chars_max: Callable[[str], int]


def walk(found: Found, path: str, part: Part, bounds: Bounds) -> None:
    """Bounds of numbers, lists and texts of this part and all parts in it."""
    for name, shown in zip(part.__struct_fields__, part.__struct_encode_fields__, strict=True):
        value = getattr(part, name)
        here = f"{path}.{shown}" if path else shown
        limit = bounds.counts.get((type(part), name))
        if limit is not None and isinstance(value, tuple | dict) and len(value) > limit:
            found.add(here, "too_many", count=len(value), limit=limit)
        elif isinstance(value, bool) or value is None:
            continue
        elif isinstance(value, int | float):
            low, high = bounds.ranges[type(part), name]
            if not low <= value <= high:  # neither is a NaN
                found.add(here, "out_of_range", low=low, high=high)
        else:
            _walk_value(found, here, value, bounds, bounds.chars_max(path))


def _walk_value(found: Found, path: str, value: object, bounds: Bounds, chars_max: int) -> None:
    if isinstance(value, Part):
        walk(found, path, value, bounds)
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            _walk_value(found, f"{path}[{number}]", item, bounds, chars_max)
    elif isinstance(value, dict):
        for key, item in value.items():
            _text(found, path, key, chars_max)
            _text(found, f"{path}.{key[:8]}", item, chars_max)
    elif isinstance(value, str):
        _text(found, path, value, chars_max)


def _text(found: Found, path: str, value: str, chars_max: int) -> None:
    if len(value) > chars_max:
        found.add(path, "too_long", limit=chars_max)
    elif not value.isprintable():
        found.add(path, "bad_character")


def unique(
    found: Found,
    path: str,
    key: str,
    names: Iterable[str],
    allowed: Callable[[str], object] | None = None,
    *,
    bad: str = "bad_name",
) -> None:
    """Each name of a list of parts is new, and a name that is ``allowed`` (else ``bad``)."""
    suffix = f".{key}" if key else ""
    first: dict[str, int] = {}
    for number, name in enumerate(names):
        if allowed is not None and not allowed(name):
            found.add(f"{path}[{number}]{suffix}", bad, name=name)
        elif name in first:
            where = f"{path}[{first[name]}]"
            found.add(f"{path}[{number}]{suffix}", "duplicate_name", name=name, first=where)
        first.setdefault(name, number)


def known_name(found: Found, path: str, kind: str, name: str, known: Collection[str]) -> None:
    """The name is one of those listed; else ``unknown_<kind>``."""
    if name not in known:
        found.add(path, f"unknown_{kind}", name=name)
