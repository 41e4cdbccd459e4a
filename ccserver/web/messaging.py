"""How texts are handled: what a panel needs of it, and versions for those who edit it."""

from typing import Annotated, Protocol

import msgspec
from aiohttp import web

from ccserver.accounts import Right
from ccserver.messaging.document import MESSAGING, Messaging, Template
from ccserver.messaging.limits import COUNTS
from ccserver.messaging.reading import structured_as_json
from ccserver.messaging.structured import PARSED_CHARS_MAX, found_fields
from ccserver.web.access import READ_CARDS, Access, Route
from ccserver.web.documents import DocumentAPI, VersionsPort, version_tag
from ccserver.web.errors import bad_request, json_response, read_body
from ccserver.web.ports import Clock

TEMPLATES_MAX = COUNTS[Messaging, "templates"]
FIELDS_MAX = COUNTS[Template, "fields"]


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/messaging/read``: layouts that need not be saved, and an app's text."""

    templates: Annotated[tuple[Template, ...], msgspec.Meta(max_length=TEMPLATES_MAX)]
    text: Annotated[str, msgspec.Meta(max_length=PARSED_CHARS_MAX)]


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
            Route("POST", "/api/messaging/read", self.read, Access(Right.CATALOGUE)),
            *self._versions.routes(),
        )

    async def messaging(self, _: web.Request) -> web.Response:
        """``GET /api/messaging``: snippets, and what else call takers work with."""
        return web.Response(
            body=self._in_force.encoded,
            content_type="application/json",
            headers=version_tag(self._in_force.version),
        )

    async def read(self, request: web.Request) -> web.Response:
        """``POST /api/messaging/read``: what these layouts find in a text; nothing is kept."""
        body = await read_body(request, Trial)
        if any(len(one.fields) > FIELDS_MAX for one in body.templates):
            raise bad_request(f"A template has at most {FIELDS_MAX} fields.")
        found = found_fields(body.templates, body.text)
        return json_response({"found": None if found is None else structured_as_json(found)})
