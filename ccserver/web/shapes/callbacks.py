"""Call-backs."""

from datetime import datetime
from typing import Literal

from ccserver.web.callbacks import Closing
from ccserver.web.describe import Operation, Operations, Parameter, Shape, before, limit
from ccserver.web.shapes.contacts import REFUSED, Placed


class Attempt(Shape, frozen=True):
    """One try to reach the citizen."""

    at: datetime
    agent_id: str | None
    agent_name: str | None
    outcome: str | None
    reason: str | None
    contact_id: str | None


class Callback(Shape, frozen=True):
    """Somebody who is to be called."""

    task_id: str
    kind: Literal["abandoned", "handed_over"]
    number: str | None
    dialable: bool
    incident_id: str
    card_number: str
    contact_id: str | None
    contacts: list[str]
    created_at: datetime
    last_abandoned_at: datetime
    queue: str
    priority: int
    state: str
    attempts: list[Attempt]
    next_attempt_at: datetime | None
    exhausted: bool
    outcome: str | None
    closed_at: datetime | None
    closed_by: str | None
    note: str


class Callbacks(Shape, frozen=True):
    """A page of call-backs."""

    callbacks: list[Callback]
    next: str | None


class OneCallback(Shape, frozen=True):
    """The call-back as it is now."""

    callback: Callback


OPERATIONS: Operations = {
    ("GET", "/api/callbacks"): Operation(
        Callbacks,
        summary="Who is to be called back.",
        parameters=(
            Parameter("state", Literal["open", "done"], "Open ones, or those done."),
            before(),
            limit(),
        ),
    ),
    ("POST", "/api/callbacks/{task_id}/call"): Operation(
        Placed,
        errors={409: ("taken", "closed", *REFUSED)},
        summary="Call back, from one's own seat.",
    ),
    ("POST", "/api/callbacks/{task_id}/close"): Operation(
        OneCallback,
        bodies=(Closing,),
        errors={409: ("closed",)},
        summary="Close a call-back by hand.",
    ),
}
