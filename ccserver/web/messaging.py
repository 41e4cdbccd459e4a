"""How texts are handled: what a panel needs of it, and versions for those who edit it."""

from typing import Protocol

from aiohttp import web

from ccserver.accounts import Right
from ccserver.messaging.document import MESSAGING, Messaging
from ccserver.web.access import READ_CARDS, Access, Route
from ccserver.web.documents import DocumentAPI, VersionsPort, version_tag
from ccserver.web.ports import Clock


class MessagingPort(Protocol):
    """The document in force; `ccserver.messaging.CurrentMessaging` fits."""

    @property
    def version(self) -> int:
        """Its number."""

    @property
    def encoded(self) -> bytes:
        """What call takers' panels need of it, as JSON."""

    def saved(self, version: int, /) -> None:
        """A new version was saved."""


class MessagingAPI:
    """Handlers of ``/api/messaging``. What is in force is there while the database is away, too."""

    def __init__(
        self, store: VersionsPort[Messaging], in_force: MessagingPort, clock: Clock
    ) -> None:
        self._in_force = in_force
        self._versions = DocumentAPI(
            MESSAGING,
            store,
            clock,
            access=Access(Right.CATALOGUE),
            current_path="/api/messaging/current",
            invalid="invalid_messaging",
            saved=in_force.saved,
        )

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (
            Route("GET", "/api/messaging", self.messaging, READ_CARDS),
            *self._versions.routes(),
        )

    async def messaging(self, _: web.Request) -> web.Response:
        """``GET /api/messaging``: snippets, and what else call takers work with."""
        return web.Response(
            body=self._in_force.encoded,
            content_type="application/json",
            headers=version_tag(self._in_force.version),
        )
