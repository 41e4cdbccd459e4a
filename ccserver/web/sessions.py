"""Whose session a cookie is, also while the database is away.

A call taker must be able to answer and to hang up while the database is stuck. A session that was
seen valid a short while ago is therefore believed until the database answers again.
"""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

import structlog
from aiohttp import web

from ccserver.accounts import Account
from ccserver.db import DatabaseUnavailable
from ccserver.web.ports import AccountsPort, Clock

COOKIE = "ccserver_session"

TOKEN_LENGTH_MAX = 256
"""Tokens are some forty characters; longer ones are not looked up."""

FRESH_S = 2.0
"""So long a session is believed without asking: a panel's burst of requests is one look-up."""

STALE_MAX_S = 900.0
"""So long a session is believed while the database does not answer: a restart with a repair."""

LOOKUP_TIMEOUT_S = 1.0
"""For a read of one row; afterwards a known session is believed instead of waited for."""

KNOWN_MAX = 4_096
"""Sessions remembered, far more than seats of a centre; the longest unused goes first."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Known:
    account: Account
    checked_at: float


def session_token(request: web.Request) -> str | None:
    """The session cookie's value, if it could be one."""
    token = request.cookies.get(COOKIE)
    if not token or len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        return None
    return token


def digest_of(token: str) -> str:
    """What stands for a session in memory, so that no table holds a usable token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Sessions:
    """Looks sessions up, and remembers the valid ones for a short while."""

    def __init__(self, accounts: AccountsPort, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._closed: OrderedDict[str, None] = OrderedDict()

    async def account(self, token: str) -> Account | None:
        """The session's account, ``None`` if it is over; raises `DatabaseUnavailable`."""
        key = digest_of(token)
        if key in self._closed:
            return None
        known = self._known.get(key)
        asked_at = self._clock.monotonic()
        if known is not None and asked_at - known.checked_at < FRESH_S:
            return known.account
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_S):
                account = await self._accounts.session_account(token, now=self._clock.now())
        except (DatabaseUnavailable, TimeoutError) as error:
            if known is not None and asked_at - known.checked_at < STALE_MAX_S:
                log.warning("session_believed_unchecked", login=known.account.login)
                return known.account
            raise DatabaseUnavailable("the session could not be looked up in time") from error
        if account is None or key in self._closed:
            self._known.pop(key, None)
            return None
        self._known[key] = _Known(account, asked_at)
        self._known.move_to_end(key)
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return account

    def close(self, token: str) -> None:
        """The person logged out: from now on the session counts for nothing in this process.

        It holds for a look-up that is under way and for a database that is away, too.
        """
        key = digest_of(token)
        self._known.pop(key, None)
        self._closed[key] = None
        while len(self._closed) > KNOWN_MAX:
            self._closed.popitem(last=False)

    def forget_login(self, login: str) -> None:
        """The account changed; its sessions are looked up again."""
        for key in [key for key, known in self._known.items() if known.account.login == login]:
            del self._known[key]
