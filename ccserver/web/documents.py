"""Versioned documents: read, check, save, restore and exchange one. The same for each kind."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import msgspec
import structlog
from aiohttp import web

from ccserver.documents import (
    COMMENT_CHARS_MAX,
    DocumentInvalid,
    DocumentKind,
    Problem,
    ShapeWrong,
    Stored,
    Told,
    UnknownVersion,
    VersionConflict,
    VersionHead,
    VersionUnusable,
    YAMLInvalid,
    difference,
    shape_problem,
)
from ccserver.documents.kind import D
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

BODY_MORE_BYTES_MAX = 16 * 1024
"""Beside the document: a comment with every character escaped."""

VERSIONS_LIMIT = 50
VERSIONS_LIMIT_MAX = 100
"""Of one page of the history; the panel asks for the next when it is scrolled to."""

_VERSION = re.compile(r'(?:W/)?"([0-9]{1,9})"')
"""RFC 9110 §8.8.3 entity tag that holds the newest version's number."""
_NUMBER = re.compile(r"[0-9]{1,9}")

Body = TypeVar("Body", bound=msgspec.Struct)

log = structlog.get_logger()


YAML = "application/yaml"  # RFC 9512


class VersionsPort(Protocol[D]):
    """The stored versions; `ccserver.documents.VersionStore` fits."""

    async def current(self) -> Stored[D]:
        """The version in use."""

    async def check(self, document: D) -> Sequence[Problem]:
        """Everything wrong with the document."""

    async def save(
        self, document: D, *, base_version: int, author: str, comment: str, at: datetime
    ) -> int:
        """Keep it as a new version; raises `DocumentInvalid`, `VersionConflict`."""

    async def versions(self, limit: int, before: int | None) -> Sequence[VersionHead]:
        """The history, newest first."""

    async def version(self, number: int) -> Stored[D]:
        """One version; raises `UnknownVersion`, `VersionUnusable`."""


class _Save(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of a ``PUT``; the document is decoded apart, so that its paths are its own.

    It stays raw bytes until then.
    """

    document: msgspec.Raw
    comment: str = ""


class _Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST …/check``."""

    document: msgspec.Raw


class _Restore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST …/versions/{version}/restore``."""

    comment: str = ""


class DocumentAPI(Generic[D]):
    """Handlers of one document's addresses, below ``/api/<name of its kind>``.

    ``current_path`` is where the newest version is read before it is edited; ``more`` stands
    beside it. ``invalid`` is the error's code for a document that was refused. ``told`` says what
    a person hears of keys that were left out. ``saved`` is told the number of each new version.
    """

    def __init__(
        self,
        kind: DocumentKind[D],
        store: VersionsPort[D],
        clock: Clock,
        *,
        current_path: str,
        invalid: str,
        access: Access,
        more: Callable[[], Mapping[str, object]] = dict,
        told: Callable[[Iterable[str]], list[Problem]] = lambda _: [],
        saved: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._kind = kind
        self._store = store
        self._clock = clock
        self._current_path = current_path
        self._invalid_code = invalid
        self._access = access
        self._more = more
        self._told = told
        self._saved = saved

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        base, access = f"/api/{self._kind.name}", self._access
        one = f"{base}/versions/{{version}}"
        return (
            Route("GET", self._current_path, self.current, access),
            Route("PUT", base, self.save, access),
            Route("POST", f"{base}/check", self.check, access),
            Route("GET", f"{base}/versions", self.versions, access),
            Route("GET", one, self.version, access),
            Route("POST", f"{one}/restore", self.restore, access),
            Route("GET", f"{base}.yaml", self.export, access),
            Route("POST", f"{base}/import", self.import_, access),
        )

    async def current(self, _: web.Request) -> web.Response:
        """The document in use; the ETag is what a save must be based on."""
        stored = await self._store.current()
        return json_response(
            {**_stored_json(stored), **self._more()}, headers=version_tag(stored.newest)
        )

    async def check(self, request: web.Request) -> web.Response:
        """What a save would say; the body is JSON or a YAML file.

        Of a YAML file the document is given back, so that it can be looked at before it is saved.
        """
        raw = await self._read(request)
        ignored: list[str] = []
        try:
            if request.content_type == YAML:
                document = await self._from_yaml(raw, ignored.append)
            else:
                body = _decoded(raw, _Check)
                document = await self._decode(body.document, ignored.append)
        except ShapeWrong as error:
            wrong = [shape_problem(error.path, str(error))]
            return json_response({"problems": wrong, "document": None})
        problems = [*self._told(ignored), *await self._store.check(document)]
        return json_response({"problems": problems, "document": document})

    async def save(self, request: web.Request) -> web.Response:
        """Save over the version that ``If-Match`` names."""
        base_version = self._base_version(request)
        body = _decoded(await self._read(request), _Save)
        comment = _comment(body.comment)
        try:
            document = await self._decode(body.document)
        except ShapeWrong as error:
            raise self._invalid([shape_problem(error.path, str(error))]) from None
        return await self._keep(request, document, base_version, comment)

    async def import_(self, request: web.Request) -> web.Response:
        """``POST …/import?comment=`` with a YAML body; 400 names line and column."""
        base_version = self._base_version(request)
        comment = _comment(request.query.get("comment", ""))
        raw = await self._read(request)
        try:
            document = await self._from_yaml(raw)
        except ShapeWrong as error:
            raise self._invalid([shape_problem(error.path, str(error))]) from None
        return await self._keep(request, document, base_version, comment)

    async def restore(self, request: web.Request) -> web.Response:
        """``POST …/versions/{version}/restore``: the old content as a new version."""
        number, base_version = _number(request), self._base_version(request)
        body = _decoded(await self._read(request), _Restore)
        comment = _comment(body.comment) or f"Version {number} restored"
        stored = await self._version(number)
        return await self._keep(request, stored.document, base_version, comment)

    async def versions(self, request: web.Request) -> web.Response:
        """``GET …/versions?before=&limit=``: newest first."""
        limit = _query_number(request, "limit", VERSIONS_LIMIT)
        if not 1 <= limit <= VERSIONS_LIMIT_MAX:
            raise bad_request(f"The parameter limit is from 1 to {VERSIONS_LIMIT_MAX}.")
        before = _query_number(request, "before", 0) or None
        heads = await self._store.versions(limit, before)
        more = len(heads) == limit and heads[-1].version > 1
        return json_response(
            {
                "versions": [_head_json(head) for head in heads],
                "next": heads[-1].version if more else None,
            }
        )

    async def version(self, request: web.Request) -> web.Response:
        """``GET …/versions/{version}``, with what it changed."""
        stored = await self._version(_number(request))
        changes = None
        if stored.version > 0:
            try:
                before = await self._store.version(stored.version - 1)
            except (UnknownVersion, VersionUnusable):
                log.info(
                    "document_version_not_compared",
                    document=self._kind.name,
                    version=stored.version,
                )
            else:
                changes = await asyncio.to_thread(difference, before.document, stored.document)
        return json_response({**_stored_json(stored), "changes": changes})

    async def export(self, _: web.Request) -> web.Response:
        """The document in use as a YAML file."""
        stored = await self._store.current()
        text = await asyncio.to_thread(
            self._kind.to_yaml,
            stored.document,
            version=stored.version,
            author=stored.author,
            saved_at=stored.saved_at,
        )
        name = f"{self._kind.name}-{stored.version}.yaml"
        return web.Response(
            text=text,
            content_type=YAML,
            charset="utf-8",
            headers={
                **version_tag(stored.newest),
                "Content-Disposition": f'attachment; filename="{name}"',
            },
        )

    async def _version(self, number: int) -> Stored[D]:
        try:
            return await self._store.version(number)
        except UnknownVersion:
            raise not_found("There is no such version.") from None
        except VersionUnusable:
            raise APIError(
                409, "version_unusable", "What this version holds cannot be read."
            ) from None

    async def _keep(
        self, request: web.Request, document: D, base_version: int, comment: str
    ) -> web.Response:
        try:
            version = await self._store.save(
                document,
                base_version=base_version,
                author=signed_in(request).account.login,
                comment=comment,
                at=self._clock.now(),
            )
        except DocumentInvalid as error:
            raise self._invalid(error.problems) from None
        except VersionConflict as conflict:
            current = conflict.current
            log.info("document_conflict", document=self._kind.name, version=current.newest)
            raise APIError(
                412,
                "conflict",
                f"A colleague has changed the {self._kind.name} in the meantime.",
                headers=version_tag(current.newest),
                extra={"current": _stored_json(current)},
            ) from None
        self._saved(version)
        return json_response({"version": version}, headers=version_tag(version))

    async def _decode(self, raw: msgspec.Raw, ignored: Told = lambda _: None) -> D:
        return await asyncio.to_thread(self._kind.decode, bytes(raw), ignored=ignored)

    async def _from_yaml(self, raw: bytes, ignored: Told = lambda _: None) -> D:
        """Read a YAML file; raises `APIError` 400 with its line and column, and `ShapeWrong`."""
        try:
            return await asyncio.to_thread(self._kind.from_yaml, raw, ignored=ignored)
        except YAMLInvalid as error:
            where = {"line": error.line, "column": error.column}
            message = f"Line {error.line}, column {error.column}: {error}"
            raise APIError(400, "bad_yaml", message, extra=where) from None

    def _invalid(self, problems: Sequence[Problem]) -> APIError:
        return APIError(
            422,
            self._invalid_code,
            f"The {self._kind.name} was not saved: it has errors.",
            extra={"problems": problems},
        )

    def _base_version(self, request: web.Request) -> int:
        header, name = request.headers.get("If-Match"), self._kind.name
        if header is None:
            raise APIError(
                428,
                "version_required",
                f'The header If-Match: "<version>" of the {name} is missing.',
            )
        found = _VERSION.fullmatch(header.strip())
        if found is None:
            raise bad_request(
                f'The header If-Match is the version of the {name} in quotes, like "3".'
            )
        return int(found[1])

    async def _read(self, request: web.Request) -> bytes:
        """The body; larger than that of other requests: one document holds everything."""
        encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding != "identity":
            raise APIError(415, "unsupported_encoding", "The body must not be compressed.")
        limit = self._kind.bytes_max + BODY_MORE_BYTES_MAX
        raw = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                while chunk := await request.content.readany():
                    raw += chunk
                    if len(raw) > limit:
                        raise APIError(413, "too_large", f"The body is larger than {limit} bytes.")
        except TimeoutError:
            raise APIError(408, "body_timeout", "The body did not arrive in time.") from None
        except (web.RequestPayloadError, ValueError, EOFError):
            raise bad_request("The body broke off or is not what its headers announce.") from None
        return bytes(raw)


def version_tag(version: int) -> Mapping[str, str]:
    """The header that a save sends back as ``If-Match``."""
    return {"ETag": f'"{version}"'}


def _stored_json(stored: Stored[object]) -> dict[str, object]:
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


def _decoded(raw: bytes, shape: type[Body]) -> Body:
    try:
        return msgspec.json.decode(raw or b"{}", type=shape)
    except msgspec.ValidationError as error:
        raise bad_request(f"The body is not as expected: {error}.") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise bad_request("The body is not JSON in UTF-8.") from None
