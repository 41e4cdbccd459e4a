"""The routing's versions, checked against the seats that exist."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from ccserver.audit import AuditTag
from ccserver.db import Database
from ccserver.documents import Problem, Stored, VersionStore
from ccserver.routing.checks import check
from ccserver.routing.default import DEFAULT_DOCUMENT
from ccserver.routing.document import ROUTING, Document
from ccserver.routing.models import RoutingVersionRow

KnownAgents = Callable[[], Awaitable[Collection[str]]]
StoredPlan = Stored[Document]


class RoutingStore(VersionStore[Document]):
    """The routing document of one centre; ``known_agents`` tells which seats exist."""

    def __init__(self, db: Database, known_agents: KnownAgents) -> None:
        super().__init__(
            db,
            ROUTING,
            RoutingVersionRow,
            saved=AuditTag.ROUTING_SAVED,
            default=lambda: DEFAULT_DOCUMENT,
        )
        self._known_agents = known_agents

    async def check(self, document: Document) -> list[Problem]:
        """Everything wrong with the document, as a save would find it."""
        known = await self._known_agents()
        # A large document takes a good part of a second, in which calls must go on.
        return await asyncio.to_thread(check, document, known)
