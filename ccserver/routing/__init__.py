"""Routing: one document, checked when it is edited, versioned, compiled into the core's plan."""

from ccserver.routing.checks import check
from ccserver.routing.compile import (
    EntryRoute,
    directory,
    entry,
    general_settings,
    prompt,
    queue_settings,
    to_plan,
)
from ccserver.routing.default import DEFAULT_DOCUMENT
from ccserver.routing.dialling import may_dial
from ccserver.routing.difference import Change, difference
from ccserver.routing.document import Document, ShapeWrong
from ccserver.routing.exchange import YAMLInvalid, from_yaml, to_yaml
from ccserver.routing.follow import Follower
from ccserver.routing.problems import PlanInvalid, Problem, Severity
from ccserver.routing.store import (
    PlanConflict,
    RoutingStore,
    StoredPlan,
    UnknownVersion,
    VersionHead,
    VersionUnusable,
)

__all__ = [
    "DEFAULT_DOCUMENT",
    "Change",
    "Document",
    "EntryRoute",
    "Follower",
    "PlanConflict",
    "PlanInvalid",
    "Problem",
    "RoutingStore",
    "Severity",
    "ShapeWrong",
    "StoredPlan",
    "UnknownVersion",
    "VersionHead",
    "VersionUnusable",
    "YAMLInvalid",
    "check",
    "difference",
    "directory",
    "entry",
    "from_yaml",
    "general_settings",
    "may_dial",
    "prompt",
    "queue_settings",
    "to_plan",
    "to_yaml",
]
