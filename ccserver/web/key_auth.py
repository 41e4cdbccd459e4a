"""Requests of programs: the key in ``Authorization``, how often, and what it may do."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import structlog
from aiohttp import web

from ccserver.accounts import ApiKey
from ccserver.accounts.keys import key_id_of
from ccserver.web.errors import APIError
from ccserver.web.ports import Clock
from ccserver.web.sessions import digest_of
from ccserver.web.throttle import BucketLimit, Buckets, subscriber_of

SCHEME = "bearer"
"""RFC 6750 §2.1; case does not matter (RFC 9110 §11.1)."""

FRESH_S = 2.0
"""So long a key is believed without asking: a revoked one works no longer than this."""

KNOWN_MAX = 1_024
"""Keys remembered; as many as can be made."""

REQUESTS = BucketLimit(burst=200, refill_s=0.02)
"""Of one key: 50 a second for ever, and a burst after a break. A service's system that has gone
wild must not take the panels' time."""

FAILURES = BucketLimit(burst=20, refill_s=3.0)
"""Of one address: a wrong key costs a look-up in the database."""

log = structlog.get_logger()


class KeysPort(Protocol):
    """Keys; `ccserver.accounts.KeyStore` fits."""

    async def check(self, token: str) -> ApiKey | None:
        """The key, if it may be used now."""


@dataclass(frozen=True, slots=True)
class _Known:
    key: ApiKey
    checked_at: float


class KeyAuth:
    """Looks keys up, and bounds how often each is used."""

    def __init__(self, keys: KeysPort, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._requests = Buckets(REQUESTS)
        self._failures = Buckets(FAILURES)

    async def key(self, token: str, address: str) -> ApiKey:
        """The key behind the token; raises `APIError` 401 or 429."""
        now = self._clock.monotonic()
        subscriber = subscriber_of(address)
        _wait(self._failures.wait_s(subscriber, now))
        key = await self._look_up(token, now) if key_id_of(token) else None
        if key is None or not key.usable(self._clock.now()):
            self._failures.add(subscriber, -1.0, now)
            log.warning("key_refused", address=address)
            raise APIError(
                401,
                "key_refused",
                "The key is wrong, has expired or was revoked.",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        _wait(self._requests.wait_s(key.key_id, now))
        self._requests.add(key.key_id, -1.0, now)
        return key

    def forget(self, key_id: str) -> None:
        """The key was revoked."""
        for digest in [d for d, known in self._known.items() if known.key.key_id == key_id]:
            del self._known[digest]

    async def _look_up(self, token: str, now: float) -> ApiKey | None:
        digest = digest_of(token)
        known = self._known.get(digest)
        if known is not None and now - known.checked_at < FRESH_S:
            return known.key
        key = await self._keys.check(token)
        if key is None:
            self._known.pop(digest, None)
            return None
        self._known[digest] = _Known(key, now)
        self._known.move_to_end(digest)
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return key


def key_token(request: web.Request) -> str | None:
    """What stands in ``Authorization`` as a key; ``None`` where there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == SCHEME else None


def _wait(wait_s: float) -> None:
    if wait_s > 0:
        raise APIError(
            429,
            "too_many_requests",
            f"Too many requests. Please wait {math.ceil(wait_s)} s.",
            headers={"Retry-After": str(math.ceil(wait_s))},
        )
