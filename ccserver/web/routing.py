"""Routing: the document that supervisors edit; the directory for everybody."""

from collections.abc import Callable, Sequence

from aiohttp import web

from ccserver.accounts import Right
from ccserver.routing import ROUTING, Document, directory
from ccserver.routing.problems import ignored_problems
from ccserver.types import AgentId
from ccserver.web.access import Access, Route
from ccserver.web.documents import DocumentAPI, VersionsPort
from ccserver.web.errors import json_response
from ccserver.web.ports import Clock

RoutingPort = VersionsPort[Document]
"""`ccserver.routing.RoutingStore` fits."""


class RoutingAPI:
    """Handlers of ``/api/routing`` and ``/api/directory``.

    ``in_use`` is the document that the running centre works with; it is there also while the
    database is away. ``saved`` is told the number of each new version.
    """

    def __init__(
        self,
        routing: RoutingPort,
        clock: Clock,
        *,
        in_use: Callable[[], Document],
        saved: Callable[[int], None] = lambda _: None,
        seats: Callable[[], Sequence[tuple[AgentId, str]]] = tuple,
    ) -> None:
        self._in_use = in_use
        self._seats = seats
        self._versions = DocumentAPI(
            ROUTING,
            routing,
            clock,
            access=Access(Right.ROUTING),
            current_path="/api/routing",
            invalid="invalid_plan",
            more=self._known_agents,
            told=ignored_problems,
            saved=saved,
        )

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (
            *self._versions.routes(),
            Route("GET", "/api/directory", self.directory, Access(Right.DIRECTORY)),
        )

    def _known_agents(self) -> dict[str, object]:
        seats = [{"agent_id": agent_id, "name": name} for agent_id, name in self._seats()]
        return {"known_agents": seats}

    async def directory(self, _: web.Request) -> web.Response:
        """``GET /api/directory``: whom a contact can be transferred to, besides call takers."""
        document = self._in_use()
        entries = [
            {"name": one.name, "title": one.title, "number": one.number, "kind": one.kind}
            for one in directory(document)
        ]
        queues = [{"name": queue.name, "title": queue.title} for queue in document.queues]
        return json_response({"entries": entries, "queues": queues})
