"""What one route takes and gives, as values: the words in which the API describes itself.

The subjects' descriptions stand in `ccserver.web.shapes`, `ccserver.web.openapi` makes a document
of them. A body is described by the very struct that its handler decodes. An answer is described by
a `Shape` of its own; tests hold what is really answered against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the shapes of answers. They hold every member; nothing else is answered."""


class Empty(Shape, frozen=True):
    """It was done, and there is nothing to say."""


@dataclass(frozen=True, slots=True)
class File:
    """A body or answer that is no JSON."""

    media_types: tuple[str, ...]
    text: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A body that is a form with one file."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter beside the path: ``type`` is what msgspec makes a schema of."""

    name: str
    type: object
    text: str
    where: Literal["query", "header"] = "query"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One route. ``bodies`` are the alternatives; ``errors`` the codes by status, without those
    that every route of its kind has. ``summary`` is for handlers that have no docstring.
    """

    answer: object = Empty
    status: int = 200
    bodies: tuple[object, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    errors: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    others: Mapping[int, object] = field(default_factory=dict)
    """Further answers that are no errors, by status."""
    summary: str = ""


Operations = Mapping[tuple[str, str], Operation]
"""By method and path."""

Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]
Number = Annotated[int, msgspec.Meta(ge=1, le=999_999_999)]
Cursor = Annotated[str, msgspec.Meta(max_length=128)]
Tag = Annotated[str, msgspec.Meta(pattern='^(W/)?"[0-9]{1,9}"$')]


def limit(default: int = 50) -> Parameter:
    """How many are wanted."""
    return Parameter("limit", Limit, f"How many at most; {default} if it is not said.")


def before(type_: object = Cursor) -> Parameter:
    """The cursor of a page."""
    return Parameter("before", type_, "The `next` of the page before.")


IF_MATCH = Parameter(
    "If-Match",
    Tag,
    "The version that is saved over, in quotes. Without it: 428.",
    where="header",
)
OVER_A_VERSION: Mapping[int, tuple[str, ...]] = {412: ("conflict",), 428: ("version_required",)}
"""Of whatever is saved over a version that was seen."""
RANGE = Parameter("Range", str, "Bytes of the file, as in RFC 9110 §14.2.", where="header")
