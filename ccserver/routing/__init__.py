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
from ccserver.routing.document import ROUTING, Document
from ccserver.routing.store import RoutingStore, StoredPlan

__all__ = [
    "DEFAULT_DOCUMENT",
    "ROUTING",
    "Document",
    "EntryRoute",
    "RoutingStore",
    "StoredPlan",
    "check",
    "directory",
    "entry",
    "general_settings",
    "may_dial",
    "prompt",
    "queue_settings",
    "to_plan",
]
