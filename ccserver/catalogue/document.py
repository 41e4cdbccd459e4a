"""The catalogue: what can happen, what is asked about it, and who is sent.

One document, one version. Decoding refuses only what has the wrong shape (types, unknown keys);
whether the parts fit together is said by `ccserver.catalogue.checks`, all problems at once.
"""

from typing import Literal

from ccserver.documents import DocumentKind, Flow, Part, Texts

QuestionKind = Literal["choice", "multi", "yes_no", "number", "text"]
ServiceKind = Literal["fire", "ambulance", "police", "municipal_police", "gas", "other"]
Delivery = Literal["desk", "api"]

YES_NO = ("yes", "no")
"""The codes of the answers to a question of the kind ``yes_no``."""

Position = tuple[float, float]
"""Longitude and latitude in degrees (WGS84), as GeoJSON writes them (RFC 7946 §3.1.1)."""
Ring = tuple[Position, ...]
Polygon = tuple[Ring, ...]
"""The outer ring, then its holes (RFC 7946 §3.1.6)."""


class IncidentType(Part, frozen=True, kw_only=True):
    """Something that can happen. What it does not say itself, its ``parent`` says.

    ``questions`` are asked after those of the parents; ``help`` is what to tell the caller;
    ``eido`` is the name in EIDO's common registry. Types that are not ``active`` are not offered,
    but cards that bear them keep their title.
    """

    code: str
    titles: Texts = Texts()
    parent: str | None = None
    priority: int | None = None
    services: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    help: Texts = Texts()
    eido: str = ""
    active: bool = True


class Answer(Part, frozen=True, kw_only=True):
    """What an answer means: another type, at least this priority, more services and hazards."""

    code: str
    titles: Texts = Texts()
    type: str | None = None
    priority: int | None = None
    services_add: tuple[str, ...] = ()
    hazards_add: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    """Questions that are asked at once after this answer."""


class Question(Part, frozen=True, kw_only=True):
    """A question to the caller; ``answers`` are those that can be chosen."""

    code: str
    titles: Texts = Texts()
    help: Texts = Texts()
    kind: QuestionKind
    answers: tuple[Answer, ...] = ()
    required: bool = False


class Coded(Part, frozen=True, kw_only=True):
    """A code with its name: a hazard, a disposition, a reason."""

    code: str
    titles: Texts = Texts()


class Service(Part, frozen=True, kw_only=True):
    """Somebody who is sent.

    ``areas`` where it works (empty: everywhere); ``types`` for which it is proposed, beside those
    that name it. ``seen_timeout_s`` is how long its desk may leave an incident unseen.
    """

    code: str
    titles: Texts = Texts()
    kind: ServiceKind
    phone: str = ""
    areas: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    seen_timeout_s: float = 30.0
    delivery: Delivery = "desk"
    active: bool = True


class Area(Part, frozen=True, kw_only=True):
    """Where a service works; ``polygons`` are the coordinates of a GeoJSON MultiPolygon."""

    code: str
    titles: Texts = Texts()
    polygons: tuple[Polygon, ...] = ()


class Catalogue(Part, frozen=True, kw_only=True):
    """The whole catalogue."""

    types: tuple[IncidentType, ...] = ()
    questions: tuple[Question, ...] = ()
    hazards: tuple[Coded, ...] = ()
    services: tuple[Service, ...] = ()
    areas: tuple[Area, ...] = ()
    dispositions: tuple[Coded, ...] = ()
    refusal_reasons: tuple[Coded, ...] = ()
    delay_reasons: tuple[Coded, ...] = ()
    """Why a service was late (Cabinet Regulation 297/2016 has lateness coded)."""


def _layout(data: dict[str, object]) -> dict[str, object]:
    """Each ring of an area on lines of its own: one number a line would be unreadable."""
    areas = data["areas"]
    assert isinstance(areas, tuple | list)
    laid_out = [
        {**area, "polygons": [[Flow(ring) for ring in one] for one in area["polygons"]]}
        for area in areas
    ]
    return {**data, "areas": laid_out}


DOCUMENT_BYTES_MAX = 4 * 1024 * 1024
"""Areas with twenty thousand corners are some 800 KiB; the rest of a large catalogue as much."""

CATALOGUE = DocumentKind("catalogue", Catalogue, DOCUMENT_BYTES_MAX, layout=_layout)
