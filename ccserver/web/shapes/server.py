"""The server itself: is it well, what does it count, what does it speak."""

from typing import Literal

from ccserver.web.describe import File, Operation, Operations, Shape


class Living(Shape, frozen=True):
    """The process turns."""

    status: Literal["ok"]


class Readiness(Shape, frozen=True):
    """Which parts work."""

    status: Literal["ready", "not_ready"]
    parts: dict[str, bool]


UPGRADE = {426: ("upgrade_required",)}

OPERATIONS: Operations = {
    ("GET", "/livez"): Operation(Living, summary="Does the process turn?"),
    ("GET", "/readyz"): Operation(
        Readiness, others={503: Readiness}, summary="Does every part work?"
    ),
    ("GET", "/metrics"): Operation(
        File(("text/plain",), text=True),
        summary="Everything that is counted, for Prometheus.",
        errors={401: ("signed_out",), 403: ("forbidden",)},
    ),
    ("GET", "/api/ws"): Operation(
        None,
        status=101,
        errors={**UPGRADE, 403: ("csrf",)},
        summary="The live connection of a panel: a WebSocket.",
    ),
    ("GET", "/api/openapi.json"): Operation(dict[str, object]),
}
