"""The catalogue: in force for everybody, versions for those who edit it; guidance by it."""

from typing import Annotated, Protocol

import msgspec
from aiohttp import web

from ccserver.accounts import Right
from ccserver.catalogue import CATALOGUE, AskedQuestion, Catalogue, Prepared, guided
from ccserver.catalogue.document import Question
from ccserver.web.access import READ_CARDS, Access, Route
from ccserver.web.documents import DocumentAPI, VersionsPort, version_tag
from ccserver.web.errors import bad_request, json_response, read_body
from ccserver.web.ports import Clock

Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]


class CataloguePort(Protocol):
    """The catalogue in force; `ccserver.catalogue.CurrentCatalogue` fits."""

    @property
    def version(self) -> int:
        """Its number."""

    @property
    def prepared(self) -> Prepared:
        """To decide by."""

    @property
    def encoded(self) -> bytes:
        """``{"version", "catalogue"}`` as JSON."""

    def saved(self, version: int, /) -> None:
        """A new version was saved."""


class Guide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/catalogue/guide``."""

    type: str | None = None
    answers: dict[str, object] = {}
    lat: Latitude | None = None
    lon: Longitude | None = None


class CatalogueAPI:
    """Handlers of ``/api/catalogue``. What is in force is there while the database is away, too."""

    def __init__(
        self, store: VersionsPort[Catalogue], in_force: CataloguePort, clock: Clock
    ) -> None:
        self._in_force = in_force
        self._versions = DocumentAPI(
            CATALOGUE,
            store,
            clock,
            access=Access(Right.CATALOGUE),
            current_path="/api/catalogue/current",
            invalid="invalid_catalogue",
            saved=in_force.saved,
        )

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (
            Route("GET", "/api/catalogue", self.catalogue, READ_CARDS),
            Route("POST", "/api/catalogue/guide", self.guide, READ_CARDS),
            *self._versions.routes(),
        )

    async def catalogue(self, _: web.Request) -> web.Response:
        """``GET /api/catalogue``: the document that the centre works with."""
        return web.Response(
            body=self._in_force.encoded,
            content_type="application/json",
            headers=version_tag(self._in_force.version),
        )

    async def guide(self, request: web.Request) -> web.Response:
        """``POST /api/catalogue/guide``: what to ask next, and what follows from the answers."""
        body = await read_body(request, Guide)
        if (body.lat is None) != (body.lon is None):
            raise bad_request("The fields lat and lon belong together.")
        guidance = guided(
            self._in_force.prepared,
            body.type,
            body.answers,
            longitude=body.lon,
            latitude=body.lat,
        )
        return json_response(
            {
                "version": self._in_force.version,
                "type": guidance.type,
                "priority": guidance.priority,
                "hazards": guidance.hazards,
                "questions": [
                    _question_json(self._in_force.prepared.questions[asked.code], asked)
                    for asked in guidance.questions
                ],
                "services": guidance.services,
            }
        )


def _question_json(question: Question, asked: AskedQuestion) -> dict[str, object]:
    """All that a panel needs to ask it; what an answer sets is the server's matter."""
    return {
        "code": question.code,
        "titles": question.titles,
        "help": question.help,
        "kind": question.kind,
        "answers": [{"code": one.code, "titles": one.titles} for one in question.answers],
        "required": asked.required,
        "answered": asked.answered,
        "after": asked.after,
    }
