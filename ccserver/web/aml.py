"""``/aml``: phones post their position here during an emergency call (AML over HTTPS).

A phone can do nothing about an error, and one that gets any tries again while its owner's call
goes on. So every request is answered alike, with 200, whatever became of it; the counters tell.
"""

import asyncio
import ipaddress
from typing import Protocol

import structlog
from aiohttp import web

from ccserver.aml.values import Sighting, of_form
from ccserver.config import AMLSettings
from ccserver.location.aml_form import Trust, trust
from ccserver.metrics import Metrics
from ccserver.web.access import PUBLIC, Route
from ccserver.web.errors import json_response
from ccserver.web.ports import Clock
from ccserver.web.throttle import BucketLimit, Buckets, subscriber_of

BODY_BYTES_MAX = 8_192
"""Android's form is about 1 000 bytes long."""

BODY_TIMEOUT_S = 8.0
"""On a bad radio link; the request as a whole has more."""

SOURCE = BucketLimit(burst=300, refill_s=0.1)
"""A mobile network's subscribers come from behind few addresses, each with three messages a call:
ten a second is more calls than a country of two million has from one of them."""

log = structlog.get_logger()


class AMLPort(Protocol):
    """Where positions go; `ccserver.aml_desk.AMLDesk`."""

    async def receive(self, sighting: Sighting) -> None:
        """Give it to its call, or keep it; never raises for a database that is away."""


class AMLAPI:
    """Handler of ``/aml``."""

    def __init__(
        self, port: AMLPort, settings: AMLSettings, *, metrics: Metrics, clock: Clock
    ) -> None:
        self._port = port
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._sources = Buckets(SOURCE)

    def routes(self) -> tuple[Route, ...]:
        """Its address with its access."""
        return (Route("POST", "/aml", self.take, PUBLIC, from_anywhere=True),)

    async def take(self, request: web.Request) -> web.Response:
        """``POST /aml``: a form of AML; always 200, so that no phone tries in vain."""
        result = await self._take(request)
        self._metrics.aml_requests.labels(result).inc()
        if result != "taken":
            log.info("aml_request_dropped", reason=result)
        answer = json_response({})
        if result == "unreadable":
            # What is left of the body is no beginning of another request.
            answer.force_close()
        return answer

    async def _take(self, request: web.Request) -> str:
        source, now = _source(request), self._clock.monotonic()
        if self._sources.wait_s(source, now) > 0:
            return "throttled"
        self._sources.add(source, -1.0, now)
        body = await _body(request)
        if body is None:
            return "unreadable"
        trusted = trust(body, self._settings.hmac_keys)
        if self._settings.hmac_required and trusted is not Trust.SIGNED:
            return "unsigned"
        await self._port.receive(of_form(body, trusted, received_at=self._clock.now()))
        return "taken"


async def _body(request: web.Request) -> bytes | None:
    """The body as it came; ``None`` where it is too long, too slow, or broken off."""
    body = b""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while chunk := await request.content.read(BODY_BYTES_MAX + 1 - len(body)):
                body += chunk
                if len(body) > BODY_BYTES_MAX:
                    return None
    except (TimeoutError, web.RequestPayloadError, ConnectionError, ValueError, EOFError):
        return None
    return body


def _source(request: web.Request) -> str:
    """Who sends, as far as it can be told: behind a proxy on this machine, whom that one saw."""
    address = request.remote or ""
    try:
        from_here = ipaddress.ip_address(address).is_loopback
    except ValueError:
        from_here = False
    if from_here:
        # A proxy adds what it saw at the end, of the header or as one more header (RFC 9110 §5.3);
        # whatever stands before that is the sender's own word.
        told = ",".join(request.headers.getall("X-Forwarded-For", [address]))
        address = told.rpartition(",")[2].strip()
    return subscriber_of(address)
