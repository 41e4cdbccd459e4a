"""What leaves the centre: the event stream and webhooks."""

from datetime import datetime
from typing import Annotated

import msgspec

from ccserver.outbox import EventType
from ccserver.web.describe import Operation, Operations, Parameter, Shape, before
from ccserver.web.webhooks import ChangedWebhook, Replayed, WantedWebhook
from ccserver.webhooks import DeliveryState

Sequence = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Webhook(Shape, frozen=True):
    """Where events are posted. `stopped` says why the server itself turned it off."""

    webhook_id: str
    name: str
    url: str
    service: str | None
    types: list[EventType]
    active: bool
    stopped: str | None
    created_at: datetime
    created_by: str
    position: int
    pending: int
    dead: int


class Webhooks(Shape, frozen=True):
    """All webhooks by name, and the types of events there are."""

    webhooks: list[Webhook]
    types: list[EventType]


class OneWebhook(Shape, frozen=True):
    """The webhook as it is now."""

    webhook: Webhook


class Secret(Shape, frozen=True):
    """What signs from now on; it is shown this once."""

    secret: str


class FreshWebhook(OneWebhook, frozen=True):
    """A webhook with its secret, which is shown this once."""

    secret: str


class Delivery(Shape, frozen=True):
    """One event on its way to one webhook."""

    delivery_id: int
    sequence: int
    event_id: str
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    last_status: int | None
    last_error: str | None
    delivered_at: datetime | None


class Deliveries(Shape, frozen=True):
    """A page of deliveries, newest first."""

    deliveries: list[Delivery]
    next: int | None


class Count(Shape, frozen=True):
    """How many are sent again."""

    count: int


class Trial(Shape, frozen=True):
    """What came back for a test event; without an answer there is no status."""

    taken: bool
    status: int | None
    error: str | None
    seconds: float


INVALID = {422: ("invalid_webhook",)}

OPERATIONS: Operations = {
    ("GET", "/api/events"): Operation(
        None,
        status=101,
        parameters=(Parameter("after", Sequence, "The last sequence that was seen."),),
        errors={403: ("csrf",), 426: ("upgrade_required",), 503: ("too_many_streams",)},
    ),
    ("GET", "/api/webhooks"): Operation(Webhooks),
    ("POST", "/api/webhooks"): Operation(
        FreshWebhook, status=201, bodies=(WantedWebhook,), errors=INVALID
    ),
    ("PATCH", "/api/webhooks/{webhook_id}"): Operation(
        OneWebhook, bodies=(ChangedWebhook,), errors=INVALID
    ),
    ("DELETE", "/api/webhooks/{webhook_id}"): Operation(),
    ("POST", "/api/webhooks/{webhook_id}/rotate"): Operation(Secret),
    ("GET", "/api/webhooks/{webhook_id}/deliveries"): Operation(
        Deliveries,
        parameters=(
            Parameter("state", DeliveryState, "Only these."),
            before(Annotated[int, msgspec.Meta(ge=1, le=10**18 - 1)]),
        ),
    ),
    ("POST", "/api/webhooks/{webhook_id}/replay"): Operation(Count, bodies=(Replayed,)),
    ("POST", "/api/webhooks/{webhook_id}/test"): Operation(
        Trial, errors={429: ("too_many_requests",)}
    ),
}
