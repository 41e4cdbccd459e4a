"""Is the process alive, is it ready, and what does it count."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from ccserver.accounts import Right
from ccserver.metrics import CONTENT_TYPE, Metrics
from ccserver.web.access import Access, authorise
from ccserver.web.errors import json_response
from ccserver.web.ports import ControlPort
from ccserver.web.sessions import Sessions

DATABASE_TIMEOUT_S = 2.0
"""A database that needs longer for one row does not carry a centre."""

FORWARDED_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""Set by proxies: a request with one of these comes from elsewhere, whatever its address says."""

log = structlog.get_logger()


class HealthAPI:
    """Handlers of ``/livez``, ``/readyz`` and ``/metrics``."""

    def __init__(
        self,
        *,
        control: ControlPort,
        check_database: Callable[[], Awaitable[object]],
        metrics: Metrics,
        sessions: Sessions,
    ) -> None:
        self._control = control
        self._check_database = check_database
        self._metrics = metrics
        self._sessions = sessions

    async def livez(self, request: web.Request) -> web.Response:
        """``GET /livez``: 200 as long as the event loop turns."""
        return json_response({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.Response:
        """``GET /readyz``: 200 if every part works, otherwise 503; the parts by name."""
        parts = {**self._control_parts(), "database": await self._database_works()}
        ready = all(parts.values())
        return json_response(
            {"status": "ready" if ready else "not_ready", "parts": parts},
            status=200 if ready else 503,
        )

    def _control_parts(self) -> dict[str, bool]:
        try:
            return dict(self._control.readiness())
        except Exception:
            log.exception("readiness_failed")
            return {"control": False}

    async def _database_works(self) -> bool:
        try:
            async with asyncio.timeout(DATABASE_TIMEOUT_S):
                await self._check_database()
        except Exception as error:
            log.warning("database_not_ready", reason=type(error).__name__)
            self._metrics.database_available.set(0)
            return False
        self._metrics.database_available.set(1)
        return True

    async def metrics(self, request: web.Request) -> web.Response:
        """``GET /metrics``: for a scraper on this machine, or for an admin."""
        if not from_this_machine(request):
            await authorise(request, Access(Right.METRICS), self._sessions)
        return web.Response(
            body=self._metrics.render(),
            headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"},
        )


def from_this_machine(request: web.Request) -> bool:
    """Whether a program on this machine asks for itself, and not a proxy for somebody else."""
    if any(header in request.headers for header in FORWARDED_HEADERS):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
