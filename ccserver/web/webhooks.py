"""Webhooks: who gets events posted where, what became of them, and a try by hand."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Protocol, TypeVar

import msgspec
from aiohttp import web

from ccserver.accounts import Right
from ccserver.outbox import EventType
from ccserver.types import ServiceCode
from ccserver.web.access import Access, Route, signed_in
from ccserver.web.errors import (
    APIError,
    bad_request,
    check_text,
    json_response,
    not_found,
    path_id,
    read_body,
)
from ccserver.web.ports import Clock
from ccserver.web.wire import iso_time
from ccserver.webhooks import (
    Answer,
    Delivery,
    DeliveryState,
    Due,
    NewWebhook,
    UnknownWebhook,
    Webhook,
    WebhookChange,
    WebhookInvalid,
)

WEBHOOKS = Access(Right.WEBHOOKS)

TEST_TIMEOUT_S = 20.0
"""Over the 15 s that a receiver has for its answer."""
TESTS_MAX = 4
"""Tries by hand at a time; each may hold a connection for 15 s."""
REPLAYED_MAX = 1_000
"""Deliveries named in one request; without names all dead letters are sent again."""
DELIVERIES_MAX = 100
"""Of one page, as `WebhookStore.deliveries` gives them."""

T = TypeVar("T")

_NUMBER = re.compile(r"[0-9]{1,18}")


class WebhooksPort(Protocol):
    """Webhooks; `ccserver.webhooks.WebhookStore` fits."""

    async def add(self, new: NewWebhook, *, by: str, at: datetime) -> tuple[Webhook, str]:
        """Make one; raises `WebhookInvalid`."""

    async def webhooks(self, *, service: ServiceCode | None = None) -> Sequence[Webhook]:
        """All of them, or those of one service."""

    async def webhook(self, webhook_id: str) -> Webhook:
        """One of them; raises `UnknownWebhook`, as do all that follow."""

    async def change(
        self, webhook_id: str, change: WebhookChange, *, by: str, at: datetime
    ) -> Webhook:
        """Change it; raises `WebhookInvalid`."""

    async def rotate(self, webhook_id: str, *, by: str, at: datetime) -> str:
        """Give it a new secret."""

    async def remove(self, webhook_id: str, *, by: str, at: datetime) -> None:
        """Remove it and its deliveries."""

    async def deliveries(
        self, webhook_id: str, *, state: DeliveryState | None = None, before: int | None = None
    ) -> Sequence[Delivery]:
        """Its deliveries, newest first."""

    async def replay(
        self, webhook_id: str, *, by: str, at: datetime, deliveries: Collection[int] | None = None
    ) -> int:
        """Send these again, or all dead letters; returns how many."""

    async def probe(self, webhook_id: str, *, at: datetime) -> Due:
        """A test event for it."""


class ProbePort(Protocol):
    """Posts at once; `ccserver.webhooks.WebhookSender` fits."""

    async def probe(self, due: Due) -> Answer:
        """Post it once and tell what came back."""

    def wake(self) -> None:
        """There is something to send."""


class WantedWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/webhooks``."""

    name: str
    url: str
    service: str | None = None
    types: list[EventType] = []


class ChangedWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PATCH /api/webhooks/{webhook_id}``: what is absent stays."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    url: str | msgspec.UnsetType = msgspec.UNSET
    types: list[EventType] | msgspec.UnsetType = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET

    def change(self) -> WebhookChange:
        """The change as the webhooks understand it."""
        types = _told(self.types)
        return WebhookChange(
            name=_told(self.name),
            url=_told(self.url),
            types=None if types is None else tuple(types),
            active=_told(self.active),
        )


def _told(value: T | msgspec.UnsetType) -> T | None:
    return None if isinstance(value, msgspec.UnsetType) else value


DeliveryNumber = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class Replayed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/webhooks/{webhook_id}/replay``; ``null``: all dead letters."""

    deliveries: Annotated[list[DeliveryNumber], msgspec.Meta(max_length=REPLAYED_MAX)] | None = None


class WebhooksAPI:
    """Handlers of ``/api/webhooks``. A key of a service sees and makes only those of its own."""

    def __init__(self, webhooks: WebhooksPort, sender: ProbePort, clock: Clock) -> None:
        self._webhooks = webhooks
        self._sender = sender
        self._clock = clock
        self._testing = 0

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        one = "/api/webhooks/{webhook_id}"
        return (
            Route("GET", "/api/webhooks", self.webhooks, WEBHOOKS),
            Route("POST", "/api/webhooks", self.add, WEBHOOKS),
            Route("PATCH", one, self.change, WEBHOOKS),
            Route("DELETE", one, self.remove, WEBHOOKS),
            Route("POST", f"{one}/rotate", self.rotate, WEBHOOKS),
            Route("GET", f"{one}/deliveries", self.deliveries, WEBHOOKS),
            Route("POST", f"{one}/replay", self.replay, WEBHOOKS),
            Route("POST", f"{one}/test", self.test, WEBHOOKS, timeout_s=TEST_TIMEOUT_S),
        )

    async def webhooks(self, request: web.Request) -> web.Response:
        """``GET /api/webhooks``: all of them by name, without their secrets."""
        found = await self._webhooks.webhooks(service=signed_in(request).account.service)
        types = list(EventType)
        return json_response({"webhooks": [webhook_json(one) for one in found], "types": types})

    async def add(self, request: web.Request) -> web.Response:
        """``POST /api/webhooks``: the webhook with its ``secret``, which is shown this once."""
        body = await read_body(request, WantedWebhook)
        for name in ("name", "url", "service"):
            check_text(getattr(body, name) or "", name)
        account = signed_in(request).account
        service = account.service
        if body.service is not None:
            if service not in (None, body.service):
                raise _invalid("service", "A key of a service makes webhooks of this service.")
            service = ServiceCode(body.service)
        new = NewWebhook(body.name, body.url, service, tuple(dict.fromkeys(body.types)))
        try:
            webhook, secret = await self._webhooks.add(new, by=account.login, at=self._clock.now())
        except WebhookInvalid as error:
            raise _invalid(error.field, str(error)) from None
        return json_response({"webhook": webhook_json(webhook), "secret": secret}, status=201)

    async def change(self, request: web.Request) -> web.Response:
        """``PATCH /api/webhooks/{webhook_id}``; turned on again, it goes on where it stopped."""
        body = await read_body(request, ChangedWebhook)
        for name in ("name", "url"):
            check_text(getattr(body, name) or "", name)
        webhook_id, by = await self._own(request), signed_in(request).account.login
        try:
            webhook = await self._webhooks.change(
                webhook_id, body.change(), by=by, at=self._clock.now()
            )
        except WebhookInvalid as error:
            raise _invalid(error.field, str(error)) from None
        except UnknownWebhook:
            raise _missing() from None
        self._sender.wake()
        return json_response({"webhook": webhook_json(webhook)})

    async def remove(self, request: web.Request) -> web.Response:
        """``DELETE /api/webhooks/{webhook_id}``: with everything that was still to be sent."""
        webhook_id, by = await self._own(request), signed_in(request).account.login
        try:
            await self._webhooks.remove(webhook_id, by=by, at=self._clock.now())
        except UnknownWebhook:
            raise _missing() from None
        return json_response({})

    async def rotate(self, request: web.Request) -> web.Response:
        """``POST …/rotate``: a new ``secret``, shown this once; both sign for a day."""
        webhook_id, by = await self._own(request), signed_in(request).account.login
        try:
            secret = await self._webhooks.rotate(webhook_id, by=by, at=self._clock.now())
        except UnknownWebhook:
            raise _missing() from None
        return json_response({"secret": secret})

    async def deliveries(self, request: web.Request) -> web.Response:
        """``GET …/deliveries?state=&before=``: what became of each event, newest first."""
        webhook_id = await self._own(request)
        try:
            found = await self._webhooks.deliveries(
                webhook_id, state=_state(request), before=_before(request)
            )
        except UnknownWebhook:
            raise _missing() from None
        more = len(found) == DELIVERIES_MAX
        return json_response(
            {
                "deliveries": [delivery_json(one) for one in found],
                "next": found[-1].delivery_id if more else None,
            }
        )

    async def replay(self, request: web.Request) -> web.Response:
        """``POST …/replay``: send these deliveries again, or all that were given up."""
        body = await read_body(request, Replayed)
        webhook_id, by = await self._own(request), signed_in(request).account.login
        try:
            count = await self._webhooks.replay(
                webhook_id, by=by, at=self._clock.now(), deliveries=body.deliveries
            )
        except UnknownWebhook:
            raise _missing() from None
        self._sender.wake()
        return json_response({"count": count})

    async def test(self, request: web.Request) -> web.Response:
        """``POST …/test``: a signed test event at once; the answer tells what came back."""
        webhook_id = await self._own(request)
        if self._testing >= TESTS_MAX:
            raise APIError(
                429,
                "too_many_requests",
                "Other webhooks are being tested. Please wait a moment.",
                headers={"Retry-After": "5"},
            )
        self._testing += 1
        try:
            due = await self._webhooks.probe(webhook_id, at=self._clock.now())
            started = self._clock.monotonic()
            answer = await self._sender.probe(due)
        except UnknownWebhook:
            raise _missing() from None
        finally:
            self._testing -= 1
        return json_response(
            {
                "taken": answer.taken,
                "status": answer.status,
                "error": None if answer.taken else answer.error,
                "seconds": round(self._clock.monotonic() - started, 3),
            }
        )

    async def _own(self, request: web.Request) -> str:
        """The webhook that the address names, if it is the asker's; raises `APIError` 404."""
        webhook_id = path_id(request, "webhook_id", "webhook")
        service = signed_in(request).account.service
        try:
            webhook = await self._webhooks.webhook(webhook_id)
        except UnknownWebhook:
            raise _missing() from None
        if service is not None and webhook.service != service:
            raise _missing()
        return webhook.webhook_id


def webhook_json(webhook: Webhook) -> dict[str, object]:
    """A webhook as the API tells it."""
    return {
        "webhook_id": webhook.webhook_id,
        "name": webhook.name,
        "url": webhook.url,
        "service": webhook.service,
        "types": list(webhook.types),
        "active": webhook.active,
        "stopped": webhook.stopped,
        "created_at": iso_time(webhook.created_at),
        "created_by": webhook.created_by,
        "position": webhook.position,
        "pending": webhook.pending,
        "dead": webhook.dead,
    }


def delivery_json(delivery: Delivery) -> dict[str, object]:
    """A delivery as the API tells it."""
    at = delivery.delivered_at
    return {
        "delivery_id": delivery.delivery_id,
        "sequence": delivery.seq,
        "event_id": delivery.event_id,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next_at": iso_time(delivery.next_at) if delivery.state is DeliveryState.PENDING else None,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "delivered_at": None if at is None else iso_time(at),
    }


def _invalid(field: str, message: str) -> APIError:
    return APIError(422, "invalid_webhook", message, extra={"field": field})


def _missing() -> APIError:
    return not_found("There is no such webhook.")


def _state(request: web.Request) -> DeliveryState | None:
    text = request.query.get("state", "")
    try:
        return DeliveryState(text) if text else None
    except ValueError:
        states = ", ".join(DeliveryState)
        raise bad_request(f"The parameter state is one of {states}.") from None


def _before(request: web.Request) -> int | None:
    text = request.query.get("before", "")
    if text and not _NUMBER.fullmatch(text):
        raise bad_request("The parameter before is a whole number.")
    return int(text) if text else None
