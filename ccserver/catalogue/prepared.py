"""A version of the catalogue, ready to decide by."""

from collections.abc import Mapping
from dataclasses import dataclass

from ccserver.catalogue import document as d
from ccserver.catalogue.geometry import AreaIndex


@dataclass(frozen=True)
class Prepared:
    """The catalogue with its parts by code.

    ``areas`` is ``None`` as long as the outlines are not prepared: then no service's area is
    known, and all of them are proposed.
    """

    catalogue: d.Catalogue
    types: Mapping[str, d.IncidentType]
    questions: Mapping[str, d.Question]
    services: Mapping[str, d.Service]
    areas: AreaIndex | None

    @staticmethod
    def of(catalogue: d.Catalogue, areas: AreaIndex | None = None) -> "Prepared":
        """By code; where a faulty document has two parts of one code, the first one counts."""
        return Prepared(
            catalogue,
            {one.code: one for one in reversed(catalogue.types)},
            {one.code: one for one in reversed(catalogue.questions)},
            {one.code: one for one in reversed(catalogue.services)},
            areas,
        )

    @staticmethod
    def whole(catalogue: d.Catalogue) -> "Prepared":
        """With its areas; may take a second, so in a thread."""
        return Prepared.of(catalogue, AreaIndex.of(catalogue.areas))

    def branch_of(self, code: str) -> str:
        """The topmost type above this one; a type that is unknown is a branch of its own."""
        line = self.line(code)
        return line[0].code if line else code

    def line(self, code: str | None) -> list[d.IncidentType]:
        """The type and its parents, from the topmost down; ends also where they form a circle."""
        line: dict[str, d.IncidentType] = {}
        while code is not None and code in self.types and code not in line:
            line[code] = self.types[code]
            code = self.types[code].parent
        return list(line.values())[::-1]
