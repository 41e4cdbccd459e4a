"""Proves that the reference names every key and every problem, with the bounds that hold."""

from pathlib import Path

import msgspec

from ccserver.documents import Part
from ccserver.routing import document as d
from ccserver.routing.limits import COUNTS, RANGES
from ccserver.routing.problems import ERRORS, WARNINGS

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "routing.md").read_text("utf-8")


def test_every_key_is_in_the_reference() -> None:
    for part, _ in {*RANGES, *COUNTS}:
        for field in msgspec.structs.fields(part):
            assert f"| `{field.encode_name}` |" in REFERENCE, (part.__name__, field.name)


def test_every_bound_is_in_the_reference() -> None:
    for (part, field), (low, high) in RANGES.items():
        line = f"{low:g}–{high:g}"
        rows = [row for row in REFERENCE.splitlines() if row.startswith(f"| `{field}` |")]
        assert any(line in row for row in rows), (part.__name__, field)
    for (part, field), limit in COUNTS.items():
        rows = [row for row in REFERENCE.splitlines() if row.startswith(f"| `{field}` |")]
        assert any(f" {limit} |" in row for row in rows), (part.__name__, field)


def test_every_problem_is_in_the_reference() -> None:
    for code, text in {**ERRORS, **WARNINGS}.items():
        assert f"| `{code}` | {text} |" in REFERENCE


def test_every_number_and_every_list_has_a_bound() -> None:
    parts = [part for part in vars(d).values() if isinstance(part, type)]
    for part in parts:
        if not issubclass(part, Part) or part is Part:
            continue
        for field in msgspec.structs.fields(part):
            kind = str(field.type)
            if field.type is bool or ("Literal" in kind and "tuple" not in kind):
                continue
            if field.type in (int, float) or kind in ("float | None", "int | None"):
                assert (part, field.name) in RANGES, (part.__name__, field.name)
            if "tuple[" in kind or "Mapping" in kind:
                assert (part, field.name) in COUNTS, (part.__name__, field.name)
