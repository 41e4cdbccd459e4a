"""The catalogue: incident types, guided questions, services."""

import msgspec

from ccserver.catalogue import Catalogue, Proposal
from ccserver.catalogue.document import QuestionKind
from ccserver.documents import Problem, Texts
from ccserver.documents.difference import Change
from ccserver.web.catalogue import Guide
from ccserver.web.describe import Operation, Operations, Shape
from ccserver.web.shapes.documents import Comment, Kind, StoredShape, operations


class CatalogueSave(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new version of the catalogue."""

    document: Catalogue
    comment: Comment = ""


class CatalogueCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogue that is to be checked."""

    document: Catalogue


class CatalogueInForce(Shape, frozen=True):
    """What the centre works with."""

    version: int
    catalogue: Catalogue


class StoredCatalogue(StoredShape, frozen=True):
    """A version of the catalogue."""

    document: Catalogue


class CatalogueVersion(StoredCatalogue, frozen=True):
    """One version of the catalogue, with what it changed."""

    changes: list[Change] | None


class CatalogueChecked(Shape, frozen=True):
    """Everything that is wrong with a catalogue; null where it is none."""

    problems: list[Problem]
    document: Catalogue | None


class GuidedAnswer(Shape, frozen=True):
    """An answer that can be chosen."""

    code: str
    titles: Texts


class GuidedQuestion(Shape, frozen=True):
    """A question as it is to be asked now; `after` is the question that it hangs on."""

    code: str
    titles: Texts
    help: Texts
    kind: QuestionKind
    answers: list[GuidedAnswer]
    required: bool
    answered: bool
    after: str | None


class Guidance(Shape, frozen=True):
    """What to ask next, and what follows from the answers."""

    version: int
    type: str | None
    priority: int | None
    hazards: list[str]
    questions: list[GuidedQuestion]
    services: list[Proposal]


OPERATIONS: Operations = {
    ("GET", "/api/catalogue"): Operation(
        CatalogueInForce, summary="The catalogue that the centre works with."
    ),
    ("POST", "/api/catalogue/guide"): Operation(
        Guidance, bodies=(Guide,), summary="What to ask next, and what follows from the answers."
    ),
    **operations(
        Kind(
            name="catalogue",
            current_path="/api/catalogue/current",
            invalid="invalid_catalogue",
            saving=CatalogueSave,
            checking=CatalogueCheck,
            in_use=StoredCatalogue,
            version=CatalogueVersion,
            checked=CatalogueChecked,
        )
    ),
}
