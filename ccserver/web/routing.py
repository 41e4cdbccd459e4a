"""Routing: read, check, save, restore and exchange the document; the directory for everybody."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec
import structlog
from aiohttp import web

from ccserver.accounts import Right
from ccserver.routing import (
    Document,
    PlanConflict,
    PlanInvalid,
    Problem,
    ShapeWrong,
    StoredPlan,
    UnknownVersion,
    VersionHead,
    VersionUnusable,
    YAMLInvalid,
    difference,
    directory,
    from_yaml,
    to_yaml,
)
from ccserver.routing.document import Told, decode
from ccserver.routing.limits import COMMENT_CHARS_MAX, DOCUMENT_BYTES_MAX
from ccserver.routing.problems import ignored_problems, shape_problem
from ccserver.types import AgentId
from ccserver.web.access import Access, Route, signed_in
from ccserver.web.errors import (
    BODY_TIMEOUT_S,
    APIError,
    bad_request,
    check_text,
    json_response,
    not_found,
)
from ccserver.web.ports import Clock
from ccserver.web.wire import iso_time

BODY_BYTES_MAX = DOCUMENT_BYTES_MAX + 16 * 1024
"""The document, and a comment with every character escaped."""

VERSIONS_LIMIT = 50
VERSIONS_LIMIT_MAX = 100
"""Of one page of the history; the panel asks for the next when it is scrolled to."""

ROUTING = Access(Right.ROUTING)
DIRECTORY = Access(Right.DIRECTORY)

_VERSION = re.compile(r'(?:W/)?"([0-9]{1,9})"')
"""RFC 9110 §8.8.3 entity tag that holds the newest version's number."""
_NUMBER = re.compile(r"[0-9]{1,9}")

Body = TypeVar("Body", bound=msgspec.Struct)

log = structlog.get_logger()


YAML = "application/yaml"  # RFC 9512


class RoutingPort(Protocol):
    """The stored versions; `ccserver.routing.RoutingStore` fits."""

    async def current(self) -> StoredPlan:
        """The version in use."""

    async def check(self, document: Document) -> Sequence[Problem]:
        """Everything wrong with the document."""

    async def save(
        self, document: Document, *, base_version: int, author: str, comment: str, at: datetime
    ) -> int:
        """Keep it as a new version; raises `PlanInvalid`, `PlanConflict`."""

    async def versions(self, limit: int, before: int | None) -> Sequence[VersionHead]:
        """The history, newest first."""

    async def version(self, number: int) -> StoredPlan:
        """One version; raises `UnknownVersion`, `VersionUnusable`."""


class _Save(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /api/routing``; the document is decoded apart, so that its paths are its own.

    It stays raw bytes until then.
    """

    document: msgspec.Raw
    comment: str = ""


class _Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/routing/check``."""

    document: msgspec.Raw


class _Restore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/routing/versions/{version}/restore``."""

    comment: str = ""


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
        self._seats = seats
        self._routing = routing
        self._clock = clock
        self._in_use = in_use
        self._saved = saved

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        one = "/api/routing/versions/{version}"
        return (
            Route("GET", "/api/routing", self.current, ROUTING),
            Route("PUT", "/api/routing", self.save, ROUTING),
            Route("POST", "/api/routing/check", self.check, ROUTING),
            Route("GET", "/api/routing/versions", self.versions, ROUTING),
            Route("GET", one, self.version, ROUTING),
            Route("POST", f"{one}/restore", self.restore, ROUTING),
            Route("GET", "/api/routing.yaml", self.export, ROUTING),
            Route("POST", "/api/routing/import", self.import_, ROUTING),
            Route("GET", "/api/directory", self.directory, DIRECTORY),
        )

    async def current(self, _: web.Request) -> web.Response:
        """``GET /api/routing``: the document in use; the ETag is what a save must be based on."""
        stored = await self._routing.current()
        seats = [{"agent_id": agent_id, "name": name} for agent_id, name in self._seats()]
        return json_response(
            {**_stored_json(stored), "known_agents": seats}, headers=_tag(stored.newest)
        )

    async def check(self, request: web.Request) -> web.Response:
        """``POST /api/routing/check``: what a save would say; the body is JSON or a YAML file.

        Of a YAML file the document is given back, so that it can be looked at before it is saved.
        """
        raw = await _read(request)
        ignored: list[str] = []
        try:
            if request.content_type == YAML:
                document = await _from_yaml(raw, ignored.append)
            else:
                body = _decoded(raw, _Check)
                document = await asyncio.to_thread(
                    decode, bytes(body.document), ignored=ignored.append
                )
        except ShapeWrong as error:
            wrong = [shape_problem(error.path, str(error))]
            return json_response({"problems": wrong, "document": None})
        problems = [*ignored_problems(ignored), *await self._routing.check(document)]
        return json_response({"problems": problems, "document": document})

    async def save(self, request: web.Request) -> web.Response:
        """``PUT /api/routing`` over the version that ``If-Match`` names."""
        base_version = _base_version(request)
        body = _decoded(await _read(request), _Save)
        comment = _comment(body.comment)
        try:
            document = await asyncio.to_thread(decode, bytes(body.document))
        except ShapeWrong as error:
            raise _invalid([shape_problem(error.path, str(error))]) from None
        return await self._keep(request, document, base_version, comment)

    async def import_(self, request: web.Request) -> web.Response:
        """``POST /api/routing/import?comment=`` with a YAML body; 400 names line and column."""
        base_version = _base_version(request)
        comment = _comment(request.query.get("comment", ""))
        raw = await _read(request)
        try:
            document = await _from_yaml(raw)
        except ShapeWrong as error:
            raise _invalid([shape_problem(error.path, str(error))]) from None
        return await self._keep(request, document, base_version, comment)

    async def restore(self, request: web.Request) -> web.Response:
        """``POST /api/routing/versions/{version}/restore``: the old content as a new version."""
        number, base_version = _number(request), _base_version(request)
        body = _decoded(await _read(request), _Restore)
        comment = _comment(body.comment) or f"Version {number} restored"
        stored = await self._stored(number)
        return await self._keep(request, stored.document, base_version, comment)

    async def versions(self, request: web.Request) -> web.Response:
        """``GET /api/routing/versions?before=&limit=``: newest first."""
        limit = _query_number(request, "limit", VERSIONS_LIMIT)
        if not 1 <= limit <= VERSIONS_LIMIT_MAX:
            raise bad_request(f"The parameter limit is from 1 to {VERSIONS_LIMIT_MAX}.")
        before = _query_number(request, "before", 0) or None
        heads = await self._routing.versions(limit, before)
        more = len(heads) == limit and heads[-1].version > 1
        return json_response(
            {
                "versions": [_head_json(head) for head in heads],
                "next": heads[-1].version if more else None,
            }
        )

    async def version(self, request: web.Request) -> web.Response:
        """``GET /api/routing/versions/{version}``, with what it changed."""
        stored = await self._stored(_number(request))
        changes = None
        if stored.version > 0:
            try:
                before = await self._routing.version(stored.version - 1)
            except (UnknownVersion, VersionUnusable):
                log.info("routing_version_not_compared", version=stored.version)
            else:
                changes = await asyncio.to_thread(difference, before.document, stored.document)
        return json_response({**_stored_json(stored), "changes": changes})

    async def export(self, _: web.Request) -> web.Response:
        """``GET /api/routing.yaml``."""
        stored = await self._routing.current()
        text = await asyncio.to_thread(
            to_yaml,
            stored.document,
            version=stored.version,
            author=stored.author,
            saved_at=stored.saved_at,
        )
        name = f"routing-{stored.version}.yaml"
        return web.Response(
            text=text,
            content_type=YAML,
            charset="utf-8",
            headers={
                **_tag(stored.newest),
                "Content-Disposition": f'attachment; filename="{name}"',
            },
        )

    async def directory(self, _: web.Request) -> web.Response:
        """``GET /api/directory``: whom a contact can be transferred to, besides call takers."""
        document = self._in_use()
        entries = [
            {"name": one.name, "title": one.title, "number": one.number, "kind": one.kind}
            for one in directory(document)
        ]
        queues = [{"name": queue.name, "title": queue.title} for queue in document.queues]
        return json_response({"entries": entries, "queues": queues})

    async def _stored(self, number: int) -> StoredPlan:
        try:
            return await self._routing.version(number)
        except UnknownVersion:
            raise not_found("There is no such version.") from None
        except VersionUnusable:
            raise APIError(
                409, "version_unusable", "What this version holds cannot be read."
            ) from None

    async def _keep(
        self, request: web.Request, document: Document, base_version: int, comment: str
    ) -> web.Response:
        try:
            version = await self._routing.save(
                document,
                base_version=base_version,
                author=signed_in(request).account.login,
                comment=comment,
                at=self._clock.now(),
            )
        except PlanInvalid as error:
            raise _invalid(error.problems) from None
        except PlanConflict as conflict:
            current = conflict.current
            log.info("routing_conflict", version=current.newest)
            raise APIError(
                412,
                "conflict",
                "A colleague has changed the routing in the meantime.",
                headers=_tag(current.newest),
                extra={"current": _stored_json(current)},
            ) from None
        self._saved(version)
        return json_response({"version": version}, headers=_tag(version))


def _stored_json(stored: StoredPlan) -> dict[str, object]:
    saved_at = None if stored.saved_at is None else iso_time(stored.saved_at)
    return {
        "version": stored.version,
        "newest": stored.newest,
        "saved_at": saved_at,
        "author": stored.author,
        "comment": stored.comment,
        "document": stored.document,
    }


def _head_json(head: VersionHead) -> dict[str, object]:
    return {
        "version": head.version,
        "saved_at": iso_time(head.saved_at),
        "author": head.author,
        "comment": head.comment,
    }


async def _from_yaml(raw: bytes, ignored: Told = lambda _: None) -> Document:
    """Read a YAML file; raises `APIError` 400 with its line and column, and `ShapeWrong`."""
    try:
        return await asyncio.to_thread(from_yaml, raw, ignored=ignored)
    except YAMLInvalid as error:
        where = {"line": error.line, "column": error.column}
        message = f"Line {error.line}, column {error.column}: {error}"
        raise APIError(400, "bad_yaml", message, extra=where) from None


def _invalid(problems: Sequence[Problem]) -> APIError:
    return APIError(
        422,
        "invalid_plan",
        "The routing was not saved: it has errors.",
        extra={"problems": problems},
    )


def _tag(version: int) -> Mapping[str, str]:
    return {"ETag": f'"{version}"'}


def _base_version(request: web.Request) -> int:
    header = request.headers.get("If-Match")
    if header is None:
        raise APIError(
            428, "version_required", 'The header If-Match: "<version>" of the routing is missing.'
        )
    found = _VERSION.fullmatch(header.strip())
    if found is None:
        raise bad_request('The header If-Match is the version of the routing in quotes, like "3".')
    return int(found[1])


def _number(request: web.Request) -> int:
    text = request.match_info["version"]
    if not _NUMBER.fullmatch(text):
        raise not_found("There is no such version.")
    return int(text)


def _query_number(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name, "")
    if text and not _NUMBER.fullmatch(text):
        raise bad_request(f"The parameter {name} is a whole number.")
    return int(text) if text else otherwise


def _comment(text: str) -> str:
    comment = check_text(text.strip(), "comment")
    if len(comment) > COMMENT_CHARS_MAX:
        raise bad_request(f"The comment holds at most {COMMENT_CHARS_MAX} characters.")
    return comment


async def _read(request: web.Request) -> bytes:
    """The body; larger than that of other requests, because one document holds everything."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        raise APIError(415, "unsupported_encoding", "The body must not be compressed.")
    raw = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while chunk := await request.content.readany():
                raw += chunk
                if len(raw) > BODY_BYTES_MAX:
                    raise APIError(
                        413, "too_large", f"The body is larger than {BODY_BYTES_MAX} bytes."
                    )
    except TimeoutError:
        raise APIError(408, "body_timeout", "The body did not arrive in time.") from None
    except (web.RequestPayloadError, ValueError, EOFError):
        raise bad_request("The body broke off or is not what its headers announce.") from None
    return bytes(raw)


def _decoded(raw: bytes, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(raw or b"{}", type=shape)
    except msgspec.ValidationError as error:
        raise bad_request(f"The body is not as expected: {error}.") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise bad_request("The body is not JSON in UTF-8.") from None
