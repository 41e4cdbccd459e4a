"""Proves that the reference names every part, bound and problem of the catalogue."""

from pathlib import Path

import msgspec
import pytest

from ccserver.catalogue import Catalogue
from ccserver.catalogue import document as d
from ccserver.catalogue.limits import COUNTS, RANGES
from ccserver.catalogue.problems import ERRORS, WARNINGS
from ccserver.documents import Part

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "catalogue.md").read_text()
SECTIONS = {
    d.IncidentType: "`types[]`",
    d.Question: "`questions[]`",
    d.Answer: "`questions[].answers[]`",
    d.Service: "`services[]`",
    d.Area: "`areas[]`",
}


@pytest.mark.parametrize(("part", "heading"), SECTIONS.items(), ids=str)
def test_every_key_is_in_the_reference_with_its_bounds(part: type[Part], heading: str) -> None:
    section = REFERENCE.split(f"## {heading}\n")[1].split("\n## ")[0]
    for field in msgspec.structs.fields(part):
        (row,) = [row for row in section.splitlines() if row.startswith(f"| `{field.name}` |")]
        if (part, field.name) in RANGES:
            low, high = RANGES[part, field.name]
            assert f"| {low:g}–{high:g} |" in row
        if (part, field.name) in COUNTS:
            assert f"at most {COUNTS[part, field.name]}" in row


def test_every_part_is_in_the_reference_with_its_number() -> None:
    for field in msgspec.structs.fields(Catalogue):
        assert f"| `{field.name}` | {COUNTS[Catalogue, field.name]} |" in REFERENCE


def test_every_problem_is_in_the_reference() -> None:
    for code, text in {**ERRORS, **WARNINGS}.items():
        assert f"| `{code}` | {text} |" in REFERENCE


def test_every_number_and_every_list_has_a_bound() -> None:
    for part in vars(d).values():
        if not isinstance(part, type) or not issubclass(part, Part) or part is Part:
            continue
        for field in msgspec.structs.fields(part):
            kind = str(field.type)
            if field.type in (int, float) or kind in ("float | None", "int | None"):
                assert (part, field.name) in RANGES, (part.__name__, field.name)
            if "tuple[" in kind:
                assert (part, field.name) in COUNTS, (part.__name__, field.name)
