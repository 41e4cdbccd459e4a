"""The routing plan and the directory."""

import msgspec

from ccserver.documents import Problem, Texts
from ccserver.documents.difference import Change
from ccserver.routing import Document
from ccserver.web.describe import Operation, Operations, Shape
from ccserver.web.shapes.documents import Comment, Kind, StoredShape, operations


class RoutingSave(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new version of the routing."""

    document: Document
    comment: Comment = ""


class RoutingCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A routing that is to be checked."""

    document: Document


class KnownSeat(Shape, frozen=True):
    """A seat that the routing can name."""

    agent_id: str
    name: str


class StoredRouting(StoredShape, frozen=True):
    """A version of the routing."""

    document: Document


class RoutingInUse(StoredRouting, frozen=True):
    """The routing in use, and the seats that it can name."""

    known_agents: list[KnownSeat]


class RoutingVersion(StoredRouting, frozen=True):
    """One version of the routing, with what it changed."""

    changes: list[Change] | None


class RoutingChecked(Shape, frozen=True):
    """Everything that is wrong with a routing; null where it is none."""

    problems: list[Problem]
    document: Document | None


class DirectoryEntry(Shape, frozen=True):
    """Somebody who can be called."""

    name: str
    title: Texts
    number: str
    kind: str


class DirectoryQueue(Shape, frozen=True):
    """A queue that a contact can be given to."""

    name: str
    title: Texts


class Directory(Shape, frozen=True):
    """Whom a contact can be given to, besides call takers."""

    entries: list[DirectoryEntry]
    queues: list[DirectoryQueue]


OPERATIONS: Operations = {
    **operations(
        Kind(
            name="routing",
            current_path="/api/routing",
            invalid="invalid_plan",
            saving=RoutingSave,
            checking=RoutingCheck,
            in_use=RoutingInUse,
            version=RoutingVersion,
            checked=RoutingChecked,
        )
    ),
    ("GET", "/api/directory"): Operation(
        Directory, summary="Whom a contact can be given to, besides call takers."
    ),
}
