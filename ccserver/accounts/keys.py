"""API keys: how programs say who they are, and what they were allowed to do."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from ccserver.accounts.models import ApiKeyRow
from ccserver.accounts.rights import Right, Scope, rights_of_scopes
from ccserver.accounts.store import SET_UP, utc_now
from ccserver.accounts.values import (
    SERVICE_PATTERN,
    Account,
    AccountInvalid,
    Role,
    checked_name,
)
from ccserver.audit import AuditEntry, AuditTag, record
from ccserver.db import Database
from ccserver.types import ServiceCode

PREFIX = "cck"
"""Begins every key, so that scanners of repositories and logs can find one that leaked."""

SECRET_BYTES = 32
"""256 random bits: guessing them is hopeless, so the plain SHA-256 is a safe thing to store. A slow
hash as for passwords would protect nothing more, and would cost a core on each request."""

ID_BYTES = 6
KEYS_MAX = 1_000
"""Far more than systems that a centre is connected to; a list of them stays one answer."""

USED_EVERY = timedelta(hours=1)
"""When a key was used last is told this coarsely: it shows keys that nobody needs any more, and
costs one write in an hour."""

_TOKEN = re.compile(rf"{PREFIX}_([0-9a-f]{{{2 * ID_BYTES}}})_([A-Za-z0-9_-]{{43}})")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. ``service``: it sees only what this service is involved in."""

    key_id: str
    name: str
    service: ServiceCode | None
    scopes: frozenset[Scope]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def account(self) -> Account:
        """As whom it acts: the author of what it does."""
        return Account(f"key:{self.key_id}", self.name, Role.INTEGRATOR, "en", None, self.service)

    @property
    def rights(self) -> frozenset[Right]:
        """What it may do; that of a service lists no cards, as its dispatchers do not."""
        rights = rights_of_scopes(self.scopes)
        return rights if self.service is None else rights - {Right.CARDS_SEARCH}

    def usable(self, now: datetime) -> bool:
        """Whether it was neither revoked nor has expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made; ``token`` holds the secret and is never to be had again."""

    key: ApiKey
    token: str = field(repr=False)


class UnknownKey(LookupError):
    """There is no key with this id."""


def key_id_of(token: str) -> str | None:
    """The id within a token; ``None`` for what cannot be one."""
    found = _TOKEN.fullmatch(token)
    return None if found is None else found[1]


class KeyStore:
    """Keys in the database; every change is audited in its own transaction.

    Every method may raise `ccserver.db.DatabaseUnavailable`.
    """

    def __init__(self, db: Database, *, now: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._now = now

    async def add(
        self,
        *,
        name: str,
        scopes: Collection[Scope],
        service: str | None = None,
        expires_at: datetime | None = None,
        by: str = SET_UP,
    ) -> NewKey:
        """Make a key; raises `AccountInvalid`, which names the field."""
        now = self._now()
        row = ApiKeyRow(
            key_id=secrets.token_hex(ID_BYTES),
            name=checked_name(name),
            service=_checked_service(service),
            scopes=sorted(Scope(scope).value for scope in scopes),
            created_at=now,
            created_by=by,
            expires_at=expires_at,
        )
        if not row.scopes:
            raise AccountInvalid("scopes", "A key needs at least one scope.")
        if expires_at is not None and expires_at <= now:
            raise AccountInvalid("expires_at", "A key must not have expired already.")
        secret = secrets.token_urlsafe(SECRET_BYTES)
        token = f"{PREFIX}_{row.key_id}_{secret}"
        row.secret_sha256 = _digest(token)

        def insert(session: Session) -> ApiKey:
            kept = session.scalars(select(ApiKeyRow.key_id).limit(KEYS_MAX)).all()
            if len(kept) >= KEYS_MAX:
                raise AccountInvalid("name", f"There are {KEYS_MAX} keys already.")
            key = _key(session.merge(row))
            session.flush()
            _audit(session, AuditTag.KEY_ADDED, key, by, now)
            return key

        key = await self._db.write(insert)
        log.info("key_added", key_id=key.key_id, by=by)
        return NewKey(key, token)

    async def keys(self) -> list[ApiKey]:
        """All keys, also revoked ones, newest first."""
        query = select(ApiKeyRow).order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.key_id)
        return await self._db.read(lambda session: [_key(row) for row in session.scalars(query)])

    async def revoke(self, key_id: str, *, by: str = SET_UP) -> ApiKey:
        """Make the key useless for ever; a revoked one stays so. Raises `UnknownKey`."""
        now = self._now()

        def update(session: Session) -> ApiKey:
            row = session.get(ApiKeyRow, key_id, with_for_update=True)
            if row is None:
                raise UnknownKey("There is no key with this id.")
            if row.revoked_at is None:
                row.revoked_at = now
                _audit(session, AuditTag.KEY_REVOKED, _key(row), by, now)
            return _key(row)

        key = await self._db.write(update)
        log.info("key_revoked", key_id=key_id, by=by)
        return key

    async def check(self, token: str) -> ApiKey | None:
        """The key that the token is of, if it may be used now."""
        key_id = key_id_of(token)
        if key_id is None:
            return None
        row = await self._db.read(lambda session: session.get(ApiKeyRow, key_id))
        now = self._now()
        if row is None or not hmac.compare_digest(row.secret_sha256, _digest(token)):
            return None
        key = _key(row)
        if not key.usable(now):
            return None
        if key.last_used_at is None or now - key.last_used_at >= USED_EVERY:
            await self._touch(key_id, now)
        return key

    async def _touch(self, key_id: str, now: datetime) -> None:
        def update(session: Session) -> None:
            row = session.get(ApiKeyRow, key_id)
            if row is not None:
                row.last_used_at = now.replace(minute=0, second=0, microsecond=0)

        await self._db.write(update)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _checked_service(service: str | None) -> str | None:
    if service is not None and not SERVICE_PATTERN.fullmatch(service):
        raise AccountInvalid("service", "A service is named by its code in the catalogue.")
    return service


def _audit(session: Session, tag: AuditTag, key: ApiKey, by: str, now: datetime) -> None:
    data = {
        "key_id": key.key_id,
        "name": key.name,
        "service": key.service,
        "scopes": ", ".join(sorted(key.scopes)),
    }
    record(session, AuditEntry(tag, now, by, data=data))


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        service=None if row.service is None else ServiceCode(row.service),
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
