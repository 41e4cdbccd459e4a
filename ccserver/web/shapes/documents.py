"""Versioned documents, the same for each kind: the routing, the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from ccserver.documents import COMMENT_CHARS_MAX
from ccserver.web.describe import (
    IF_MATCH,
    OVER_A_VERSION,
    File,
    Number,
    Operation,
    Operations,
    Parameter,
    Shape,
    before,
    limit,
)
from ccserver.web.documents import YAML

Comment = Annotated[str, msgspec.Meta(max_length=COMMENT_CHARS_MAX)]
YAML_FILE = File((YAML,), text=True)


class Restoring(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why an old version is brought back."""

    comment: Comment = ""


class StoredShape(Shape, frozen=True):
    """A version of a document; `newest` is what a save must be based on."""

    version: int
    newest: int
    saved_at: datetime | None
    author: str
    comment: str


class DocumentVersion(Shape, frozen=True):
    """A line of the history."""

    version: int
    saved_at: datetime
    author: str
    comment: str


class DocumentVersions(Shape, frozen=True):
    """The history, newest first."""

    versions: list[DocumentVersion]
    next: int | None


class Saved(Shape, frozen=True):
    """It holds at once."""

    version: int


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document: its name in addresses and sentences, and its own shapes."""

    name: str
    current_path: str
    invalid: str
    saving: object
    checking: object
    in_use: object
    version: object
    checked: object


def operations(kind: Kind) -> Operations:
    """All addresses of one kind of document."""
    base = f"/api/{kind.name}"
    one = f"{base}/versions/{{version}}"
    over: Mapping[int, tuple[str, ...]] = {**OVER_A_VERSION, 422: (kind.invalid,)}
    unreadable = {409: ("version_unusable",)}
    return {
        ("GET", kind.current_path): Operation(kind.in_use, summary=f"The {kind.name} in use."),
        ("PUT", base): Operation(
            Saved,
            bodies=(kind.saving,),
            parameters=(IF_MATCH,),
            errors=over,
            summary=f"Save the {kind.name} over the newest version; it holds at once.",
        ),
        ("POST", f"{base}/check"): Operation(
            kind.checked,
            bodies=(kind.checking, YAML_FILE),
            errors={400: ("bad_yaml",)},
            summary="What a save would say; nothing is saved.",
        ),
        ("GET", f"{base}/versions"): Operation(
            DocumentVersions,
            parameters=(before(Number), limit()),
            summary="The history, newest first.",
        ),
        ("GET", one): Operation(
            kind.version, errors=unreadable, summary="One version, with what it changed."
        ),
        ("POST", f"{one}/restore"): Operation(
            Saved,
            bodies=(Restoring,),
            parameters=(IF_MATCH,),
            errors={**over, **unreadable},
            summary="The old content as a new version.",
        ),
        ("GET", f"{base}.yaml"): Operation(
            YAML_FILE, summary=f"The {kind.name} in use as a YAML file."
        ),
        ("POST", f"{base}/import"): Operation(
            Saved,
            bodies=(YAML_FILE,),
            parameters=(IF_MATCH, Parameter("comment", Comment, "Why it was changed.")),
            errors={**over, 400: ("bad_yaml",)},
            summary="Save a YAML file as a new version; mistakes are told by line and column.",
        ),
    }
