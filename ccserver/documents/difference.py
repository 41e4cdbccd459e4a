"""What changed between two documents, for people who read the history."""

from collections.abc import Mapping
from dataclasses import dataclass

from ccserver.documents.kind import to_builtins
from ccserver.documents.parts import Part

CHANGES_MAX = 500
"""Nobody reads more; the versions themselves are kept whole."""

KEYS = ("name", "code", "agent_id", "number", "date")
"""By one of these, items of a list are known again wherever they stand."""


@dataclass(frozen=True, slots=True)
class Change:
    """``path`` is like ``queues[emergency].queue_class``; ``None`` where there was or is nothing.

    Items with a name are compared by it; other lists as a whole. The order of named items counts
    as a change of the list's ``order``.
    """

    path: str
    before: object
    after: object


def difference(old: Part, new: Part) -> list[Change]:
    """All changes, at most `CHANGES_MAX`, in the order of the document."""
    changes: list[Change] = []
    _compare("", to_builtins(old), to_builtins(new), changes)
    return changes[:CHANGES_MAX]


def _compare(path: str, before: object, after: object, changes: list[Change]) -> None:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            where = f"{path}.{key}" if path else key
            _compare(where, before.get(key), after.get(key), changes)
        return
    named_before, named_after = _named(before), _named(after)
    if named_before is None or named_after is None:
        changes.append(Change(path, before, after))
        return
    for name in dict.fromkeys([*named_before, *named_after]):
        _compare(f"{path}[{name}]", named_before.get(name), named_after.get(name), changes)
    kept = [name for name in named_before if name in named_after]
    order = [name for name in named_after if name in named_before]
    if kept != order:
        changes.append(Change(f"{path}.order", kept, order))


def _named(value: object) -> Mapping[str, object] | None:
    """A list's items by their key; ``None`` if they have none, or share one."""
    if not isinstance(value, list | tuple):
        return None
    named: dict[str, object] = {}
    for item in value:
        key = next((key for key in KEYS if key in item), None) if isinstance(item, dict) else None
        if key is None or str(item[key]) in named:
            return None
        named[str(item[key])] = item
    return named
