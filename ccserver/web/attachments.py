"""Files of a card: received in parts, and given back so that nothing in them is ever run."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import quote, unquote

import structlog
from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from ccserver.card import (
    AttachmentEmpty,
    AttachmentsBusy,
    AttachmentTooLarge,
    CardAttachment,
    NoRoomForAttachments,
    StoredAttachment,
    TooManyAttachments,
    UnknownAttachment,
    attachment_json,
)
from ccserver.types import IncidentId
from ccserver.web.access import EDIT_CARDS, READ_CARDS, Route, signed_in
from ccserver.web.card_fields import told
from ccserver.web.cards import incident_of
from ccserver.web.errors import APIError, bad_request, json_response, path_id
from ccserver.web.gate import GATE
from ccserver.web.ports import Clock

UPLOAD_TIMEOUT_S = 180.0
"""For 10 MB at half a megabit per second, as over a bad mobile link."""
DOWNLOAD_TIMEOUT_S = None
"""As long as the client reads; finding the file has the database's own deadline."""
CHUNK_BYTES = 64 * 1024
FORM_PARTS_MAX = 10
"""Looked through for a file."""
NAME_HEADER = "X-File-Name"
"""Percent-encoded UTF-8, where the body is the file itself."""

SHOWN_TYPES = frozenset(
    {
        *("image/png", "image/jpeg", "image/webp", "image/gif", "audio/mpeg", "audio/mp4"),
        *("audio/ogg", "audio/wav", "audio/flac", "application/pdf", "text/plain"),
    }
)
"""Everything else is given back as bytes of which nothing is known."""
SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""Whatever a browser does with the file, it runs no script and reaches nothing of ours."""

log = structlog.get_logger()


class AttachmentsPort(Protocol):
    """`ccserver.card.AttachmentStore`."""

    async def add(
        self,
        incident_id: IncidentId,
        chunks: AsyncIterator[bytes],
        *,
        name: str,
        media_type: str,
        author: str,
        at: datetime,
    ) -> CardAttachment:
        """Keep a file, durable when it returns."""

    async def get(self, attachment_id: str) -> StoredAttachment:
        """A file that was not removed."""

    async def remove(self, attachment_id: str, *, author: str, at: datetime) -> None:
        """Mark a file as removed."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way in."""

    name: str
    media_type: str
    chunks: AsyncIterator[bytes]


class AttachmentsAPI:
    """Handlers of ``/api/cards/{incident_id}/attachments`` and ``/api/attachments``."""

    def __init__(self, attachments: AttachmentsPort, clock: Clock) -> None:
        self._attachments = attachments
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        one = "/api/attachments/{attachment_id}"
        return (
            Route(
                "POST",
                "/api/cards/{incident_id}/attachments",
                self.add,
                EDIT_CARDS,
                timeout_s=UPLOAD_TIMEOUT_S,
            ),
            Route("GET", one, self.get, READ_CARDS, timeout_s=DOWNLOAD_TIMEOUT_S),
            Route("DELETE", one, self.remove, EDIT_CARDS),
        )

    async def add(self, request: web.Request) -> web.Response:
        """``POST``: the first file of a form, or the body itself with its name in a header."""
        incident_id = incident_of(request)
        async with _upload(request) as upload:
            try:
                added = await self._attachments.add(
                    incident_id,
                    upload.chunks,
                    name=upload.name,
                    media_type=upload.media_type,
                    author=signed_in(request).account.login,
                    at=self._clock.now(),
                )
            except Exception as error:
                raise _told(error) from None
        return json_response(attachment_json(added), status=201)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """``GET``: the file, for whoever may read the card on which it is."""
        stored = await self._find(request)
        attachment = stored.attachment
        if not await asyncio.to_thread(stored.path.is_file):
            log.error("attachment_file_missing", attachment_id=attachment.attachment_id)
            raise APIError(404, "attachment_missing", "The file itself is missing.")
        shown = attachment.media_type in SHOWN_TYPES
        return web.FileResponse(
            stored.path,
            headers={
                "Content-Type": attachment.media_type if shown else "application/octet-stream",
                "Content-Disposition": _disposition(attachment.name),
                "Content-Security-Policy": SANDBOX,
                "Cache-Control": "private, no-store",
            },
        )

    async def remove(self, request: web.Request) -> web.Response:
        """``DELETE``: marked as removed; the file is kept."""
        stored = await self._find(request)
        login = signed_in(request).account.login
        attachment_id = stored.attachment.attachment_id
        await self._attachments.remove(attachment_id, author=login, at=self._clock.now())
        return json_response({})

    async def _find(self, request: web.Request) -> StoredAttachment:
        attachment_id = path_id(request, "attachment_id", "file")
        try:
            stored = await self._attachments.get(attachment_id)
        except UnknownAttachment as error:
            raise _told(error) from None
        await request.app[GATE].admit(request, stored.card)
        return stored


def _upload(request: web.Request) -> AbstractAsyncContextManager[Upload]:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        raise APIError(415, "unsupported_encoding", "The body must not be compressed.")
    if request.content_type == "multipart/form-data":
        return _form(request)
    return _body(request)


@asynccontextmanager
async def _body(request: web.Request) -> AsyncIterator[Upload]:
    name = unquote(request.headers.get(NAME_HEADER, ""), errors="replace")
    chunks = _readable(request.content.iter_chunked(CHUNK_BYTES))
    yield Upload(name, request.headers.get("Content-Type", ""), chunks)


@asynccontextmanager
async def _form(request: web.Request) -> AsyncIterator[Upload]:
    try:
        part = await _first_file(await request.multipart())
    except (ValueError, web.RequestPayloadError, EOFError, HttpProcessingError):
        raise bad_request("The form cannot be understood.") from None
    if part is None:
        raise bad_request("There is no file in the form.")
    media_type = part.headers.get("Content-Type", "")
    yield Upload(part.filename or "", media_type, _readable(_parts(part)))


async def _first_file(form: MultipartReader) -> BodyPartReader | None:
    for _ in range(FORM_PARTS_MAX):
        part = await form.next()
        if not isinstance(part, BodyPartReader):
            return None  # the end, or a form within the form
        if part.filename is not None:
            return part
        await part.release()
    return None


async def _parts(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK_BYTES):
        yield chunk


async def _readable(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks; raises `APIError` 400 where the body breaks off or is not what it says."""
    try:
        async for chunk in chunks:
            yield chunk
    except (web.RequestPayloadError, ValueError, EOFError, ConnectionError):
        raise bad_request("The body broke off or is not what its headers announce.") from None


def _disposition(name: str) -> str:
    """RFC 6266: a name that any browser reads, and the real one."""
    plain = "".join(mark if mark.isascii() and mark not in '"\\%' else "_" for mark in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


REFUSALS: Mapping[type[Exception], tuple[int, str, str]] = {
    AttachmentTooLarge: (413, "attachment_too_large", "A file has at most 10 MiB."),
    AttachmentEmpty: (422, "attachment_empty", "There is nothing in the file."),
    TooManyAttachments: (409, "too_many_attachments", "This card has as many files as it may."),
    UnknownAttachment: (404, "not_found", "There is no such file."),
    NoRoomForAttachments: (507, "no_room", "The server has no room for files. Tell your admin."),
}


def _told(error: Exception) -> Exception:
    if isinstance(error, AttachmentsBusy):
        wait = {"Retry-After": "5"}
        text = "Too many files come at the same time. Please try again."
        return APIError(503, "busy", text, headers=wait)
    refusal = REFUSALS.get(type(error))
    return told(error) if refusal is None else APIError(*refusal)
