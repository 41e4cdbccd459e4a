"""Answers in JSON, and errors as problem documents (RFC 9457)."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar

import msgspec
from aiohttp import web

KEY_HEADER = "Idempotency-Key"
KEY_CHARS_MAX = 100
"""A key becomes a part of a longer one, or of a digest; a UUID has 36."""

BODY_BYTES_MAX = 256 * 1024
"""Notes of 64 KiB in UTF-8 fit even when a client escapes every other character."""

BODY_TIMEOUT_S = 10.0
"""A body of that size over a bad mobile link; longer is a client that holds the connection."""

_IDENTIFIER = re.compile(r"[0-9A-Za-z-]{1,64}")
"""Ids are UUIDs, or older ones of a gateway; anything else cannot exist."""

PROBLEM_TYPE = "application/problem+json"
"""RFC 9457 §3."""

PROBLEM_URN = "urn:ccserver:problem:"
"""What follows is the code. Nothing is to be fetched from there: a URN says so."""

MEMBERS = frozenset({"type", "title", "status", "detail", "code"})
"""Of every problem document; what an error has beside them bears other names."""

Body = TypeVar("Body", bound=msgspec.Struct)


class APIError(Exception):
    """The client gets ``status`` with ``code`` and ``message``, and nothing else happens.

    ``extra`` are further members of the problem document, beside `MEMBERS`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.extra = extra or {}
        assert MEMBERS.isdisjoint(self.extra), "an error's own member would hide a common one"

    def response(self) -> web.Response:
        """The error as a problem document; its title is that of the status, fixed for each code."""
        body = {
            "type": f"{PROBLEM_URN}{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.message,
            "code": self.code,
            **self.extra,
        }
        return web.Response(
            body=msgspec.json.encode(body),
            status=self.status,
            headers=self.headers,
            content_type=PROBLEM_TYPE,
        )


HTTP_ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "The request cannot be understood."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not accept that method."),
    413: ("too_large", f"The body is larger than {BODY_BYTES_MAX} bytes."),
    426: ("upgrade_required", "This address speaks WebSocket."),
}
"""What the framework itself refuses, in our words."""


def from_http_exception(error: web.HTTPException) -> web.Response:
    """The framework's refusal as JSON, with the headers that matter (``Allow``)."""
    code, message = HTTP_ERRORS.get(
        error.status, (f"http_{error.status}", "The request was refused.")
    )
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    return APIError(error.status, code, message, headers=headers).response()


def json_response(
    data: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """``data`` as JSON; dataclasses, enums and datetimes are written by msgspec."""
    return web.Response(
        body=msgspec.json.encode(data),
        status=status,
        headers=headers,
        content_type="application/json",
    )


def bad_request(message: str) -> APIError:
    """400 with a sentence that says what was expected."""
    return APIError(400, "bad_request", message)


def not_found(message: str) -> APIError:
    """404 with a sentence that says what is missing."""
    return APIError(404, "not_found", message)


def timed_out() -> APIError:
    """503: a part that was needed did not answer in time."""
    return APIError(
        503,
        "timed_out",
        "The server could not do this in time. Please try again.",
        headers={"Retry-After": "1"},
    )


async def read_raw(request: web.Request) -> bytes:
    """The body as it came; raises `APIError` 400, 408, 413 or 415."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        raise APIError(415, "unsupported_encoding", "The body must not be compressed.")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError:
        raise APIError(408, "body_timeout", "The body did not arrive in time.") from None
    except (web.RequestPayloadError, ValueError, EOFError):
        raise bad_request("The body broke off or is not what its headers announce.") from None


def decoded(raw: bytes, shape: type[Body]) -> Body:
    """JSON as ``shape``; raises `APIError` 400."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        raise bad_request(f"The body is not as expected: {error}.") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise bad_request("The body is not JSON in UTF-8.") from None


async def read_body(request: web.Request, shape: type[Body]) -> Body:
    """The JSON body as ``shape``; raises `APIError` 400, 408, 413 or 415."""
    return decoded(await read_raw(request), shape)


def check_text(text: str, field: str) -> str:
    """``text`` if a database can keep it; raises `APIError` 400 for NUL and lone surrogates."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise bad_request(f"The field {field} holds a character that is not text.")
    return text


def idempotency_key(request: web.Request) -> str | None:
    """What the sender says makes two requests the same one; raises `APIError` 400."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_CHARS_MAX:
        raise bad_request(f"The header {KEY_HEADER} has 1 to {KEY_CHARS_MAX} characters.")
    return check_text(key, KEY_HEADER)


def key_or_body(request: web.Request, raw: bytes) -> str:
    """The sender's key, or else what the body ``raw`` is; raises `APIError` 400."""
    key = idempotency_key(request)
    return f"body:{hashlib.sha256(raw).hexdigest()}" if key is None else f"key:{key}"


def check_time(moment: datetime | None, field: str) -> datetime | None:
    """``moment`` in UTC; raises `APIError` 400 for one that is in no year of UTC."""
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise bad_request(f"The field {field} holds a time that is out of range.") from None


def path_id(request: web.Request, name: str, what: str) -> str:
    """The identifier of the address; raises `APIError` 404 for one that cannot exist."""
    value = request.match_info[name]
    if not _IDENTIFIER.fullmatch(value):
        raise not_found(f"There is no such {what}.")
    return value
