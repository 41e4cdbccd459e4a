"""Positions that phones send."""

from ccserver.web.describe import Empty, File, Operation, Operations

OPERATIONS: Operations = {
    ("POST", "/aml"): Operation(
        Empty, bodies=(File(("application/x-www-form-urlencoded",), text=True),)
    ),
}
