"""What a webhook and a delivery are, and what may be wrong with one."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from ccserver.accounts.values import SERVICE_PATTERN
from ccserver.outbox import EventType
from ccserver.types import ServiceCode

NAME_CHARS_MAX = 100
URL_CHARS_MAX = 1_000
HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class DeliveryState(StrEnum):
    """How far one event came on its way to one webhook."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up after the last try; it can be sent again by hand."""


class WebhookInvalid(ValueError):
    """A webhook cannot be like this; ``field`` says what is wrong, the text says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class UnknownWebhook(LookupError):
    """There is no such webhook."""


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """What is asked for. ``service`` ``None``: every incident of the centre; no ``types``: all."""

    name: str
    url: str
    service: ServiceCode | None = None
    types: tuple[EventType, ...] = ()


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """What is changed of a webhook; ``None`` leaves it as it is."""

    name: str | None = None
    url: str | None = None
    types: tuple[EventType, ...] | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events are posted. ``position`` is the last event that was looked at for it.

    ``pending`` and ``dead`` count its deliveries; ``stopped`` says why the server itself turned
    it off (the receiver answered 410 Gone).
    """

    webhook_id: str
    name: str
    url: str
    service: ServiceCode | None
    types: tuple[EventType, ...]
    active: bool
    created_at: datetime
    created_by: str
    position: int
    stopped: str | None
    pending: int = 0
    dead: int = 0

    def wants(self, type_: EventType) -> bool:
        """Whether it asked for events of this type."""
        return not self.types or type_ in self.types


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook. ``last_status`` is HTTP's, ``last_error`` is in words."""

    delivery_id: int
    webhook_id: str
    seq: int
    event_id: str
    state: DeliveryState
    attempts: int
    next_at: datetime
    last_status: int | None
    last_error: str | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class WebhookTotals:
    """What all receivers together have not got: still to be sent, and given up.

    ``waiting_since`` is when the oldest event happened that a working webhook waits for.
    """

    pending: int
    dead: int
    waiting_since: datetime | None


def checked_name(name: str) -> str:
    """The name without surrounding space. Raises `WebhookInvalid`."""
    text = name.strip()
    if not 1 <= len(text) <= NAME_CHARS_MAX or not text.isprintable():
        raise WebhookInvalid("name", f"A name has 1 to {NAME_CHARS_MAX} printable characters.")
    return text


def checked_service(service: ServiceCode | None) -> ServiceCode | None:
    """The service if it can be one. Raises `WebhookInvalid`."""
    if service is not None and not SERVICE_PATTERN.fullmatch(service):
        raise WebhookInvalid("service", "A service's code has 1 to 32 letters a-z and digits.")
    return service


def checked_url(url: str) -> str:
    """The address if it may be posted to. Raises `WebhookInvalid`.

    HTTPS only, because what is posted says which service goes where; plain HTTP only to this very
    machine, where a proxy may stand. No user and password in it: they would end up in logs.
    """
    if len(url) > URL_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise WebhookInvalid("url", f"An address has at most {URL_CHARS_MAX} ASCII characters.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise WebhookInvalid("url", "This is not an address.") from None
    if not HOST.fullmatch(host) or port == 0:
        raise WebhookInvalid("url", "The address names no host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise WebhookInvalid("url", "The address holds no user, password or fragment.")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise WebhookInvalid("url", "The address begins with https://.")
    return url
