"""Administration of API keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol

import msgspec
from aiohttp import web

from ccserver.accounts import AccountInvalid, ApiKey, NewKey, Right, Scope, UnknownKey
from ccserver.web.access import Access, Route, signed_in
from ccserver.web.errors import (
    APIError,
    check_text,
    check_time,
    json_response,
    not_found,
    path_id,
    read_body,
)
from ccserver.web.key_auth import KeyAuth, KeysPort
from ccserver.web.wire import iso_time

ADMINISTER = Access(Right.KEYS)


class KeyAdminPort(KeysPort, Protocol):
    """Keys; `ccserver.accounts.KeyStore` fits."""

    async def keys(self) -> Sequence[ApiKey]:
        """All keys, newest first."""

    async def add(
        self,
        *,
        name: str,
        scopes: Sequence[Scope],
        service: str | None,
        expires_at: datetime | None,
        by: str,
    ) -> NewKey:
        """Make one; raises `AccountInvalid`."""

    async def revoke(self, key_id: str, *, by: str) -> ApiKey:
        """Make one useless; raises `UnknownKey`."""


class WantedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/keys``."""

    name: str
    scopes: list[Scope]
    service: str | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class KeysAPI:
    """Handlers of ``/api/keys``."""

    def __init__(self, keys: KeyAdminPort, auth: KeyAuth) -> None:
        self._keys = keys
        self._auth = auth

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        return (
            Route("GET", "/api/keys", self.keys, ADMINISTER),
            Route("POST", "/api/keys", self.add, ADMINISTER),
            Route("DELETE", "/api/keys/{key_id}", self.revoke, ADMINISTER),
        )

    async def keys(self, _: web.Request) -> web.Response:
        """``GET /api/keys``: all of them, without their secrets, and the scopes there are."""
        keys = [key_json(key) for key in await self._keys.keys()]
        return json_response({"keys": keys, "scopes": list(Scope)})

    async def add(self, request: web.Request) -> web.Response:
        """``POST /api/keys``: the key with its ``token``, which is shown this once."""
        body = await read_body(request, WantedKey)
        check_text(body.name, "name")
        check_text(body.service or "", "service")
        try:
            made = await self._keys.add(
                name=body.name,
                scopes=body.scopes,
                service=body.service,
                expires_at=check_time(body.expires_at, "expires_at"),
                by=signed_in(request).account.login,
            )
        except AccountInvalid as error:
            extra = {"field": error.field}
            raise APIError(422, "invalid_key", str(error), extra=extra) from None
        return json_response({"key": key_json(made.key), "token": made.token}, status=201)

    async def revoke(self, request: web.Request) -> web.Response:
        """``DELETE /api/keys/{key_id}``: for ever; the key stays in the list."""
        key_id = path_id(request, "key_id", "key")
        try:
            key = await self._keys.revoke(key_id, by=signed_in(request).account.login)
        except UnknownKey:
            raise not_found("There is no such key.") from None
        self._auth.forget(key_id)
        return json_response({"key": key_json(key)})


def key_json(key: ApiKey) -> dict[str, object]:
    """A key as the panel sees it."""

    def told(at: datetime | None) -> str | None:
        return None if at is None else iso_time(at)

    return {
        "key_id": key.key_id,
        "name": key.name,
        "service": key.service,
        "scopes": sorted(key.scopes),
        "created_at": told(key.created_at),
        "created_by": key.created_by,
        "expires_at": told(key.expires_at),
        "revoked_at": told(key.revoked_at),
        "last_used_at": told(key.last_used_at),
    }
