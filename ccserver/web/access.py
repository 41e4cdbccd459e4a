"""Who may do what: one route is one line with its access, and one guard enforces it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from ccserver.accounts import Account, Right, rights_of
from ccserver.db import DatabaseUnavailable
from ccserver.types import AgentId, IncidentId
from ccserver.web.errors import APIError, path_id, timed_out
from ccserver.web.key_auth import KeyAuth, key_token
from ccserver.web.sessions import Sessions, digest_of, session_token

CSRF_HEADER = "X-CCServer"
"""A page of another origin cannot set it without a preflight, which is never granted."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

REQUEST_TIMEOUT_S = 15.0
"""Over the sum of the deadlines inside (body 10 s, database 5 s); a stuck part ends here."""

HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
"""A host with an optional port, as it may stand in ``Host`` and in our answers' headers."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Admit = Callable[[web.Request, IncidentId], Awaitable[None]]
"""Lets somebody into a card, or raises `APIError`; `ccserver.web.gate.CardGate.admit`."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route. No right: everybody. ``seat``: the account must have a seat, too.

    ``any_key``: programs need no right, only a key that is good.
    """

    right: Right | None = None
    seat: bool = False
    any_key: bool = False


CARD_RIGHTS = frozenset({Right.CARDS_READ, Right.CARDS_EDIT})

PUBLIC = Access()
ANY_PERSON = Access(Right.PANEL)
ANY_CALLER = Access(Right.PANEL, any_key=True)
SEAT = Access(Right.CALLS, seat=True)
READ_CARDS = Access(Right.CARDS_READ)
SEARCH_CARDS = Access(Right.CARDS_SEARCH)
EDIT_CARDS = Access(Right.CARDS_EDIT)
SUPERVISION = Access(Right.SUPERVISE)
SUPERVISING_SEAT = Access(Right.SUPERVISE, seat=True)


@dataclass(frozen=True, slots=True)
class Route:
    """One address and method. ``timeout_s`` is ``None`` where the answer is a long stream.

    What belongs to a card (its id in the path, a right on cards) stands behind the card's door,
    unless the handler sees to that itself, which ``own_door`` says. ``from_anywhere``: machines
    post here that know nothing of our headers, and nothing is done in the name of whoever asks, so
    it does not matter which page made a browser ask.
    """

    method: str
    path: str
    handler: Handler
    access: Access
    timeout_s: float | None = REQUEST_TIMEOUT_S
    own_door: bool = False
    from_anywhere: bool = False

    def __post_init__(self) -> None:
        assert not (self.from_anywhere and self.access.right), "a session would be at stake"

    @property
    def behind_the_door(self) -> bool:
        """Whether only those who are let into the card may use it."""
        of_card = "{incident_id}" in self.path and self.access.right in CARD_RIGHTS
        return of_card and not self.own_door


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes the request, by which session, and what this one may do.

    A program with a key is an account, too: of the role integrator, with the login ``key:<id>``.
    """

    account: Account
    token: str
    rights: frozenset[Right]

    @property
    def session(self) -> str:
        """What stands for the session in memory."""
        return digest_of(self.token)

    def may(self, right: Right) -> bool:
        """Whether it is among the rights."""
        return right in self.rights


_PRINCIPAL = web.RequestKey("principal", Principal)
_AGAIN: web.RequestKey[Callable[[], Awaitable[Principal]]] = web.RequestKey("again")
"""Looks once more who makes the request, for answers that last."""


def signed_in(request: web.Request) -> Principal:
    """Who makes the request; only behind a guard that asks for a right."""
    return request[_PRINCIPAL]


def seat_of(request: web.Request) -> AgentId:
    """The person's seat; only behind a guard with ``seat``."""
    agent_id = signed_in(request).account.agent_id
    assert agent_id is not None, "the guard let an account without a seat through"
    return agent_id


async def still_admitted(request: web.Request) -> bool:
    """Whether the key or session that opened a long answer still holds, with the same rights.

    Not knowing, because the database is away, is no reason to end what runs.
    """
    try:
        now = await request[_AGAIN]()
    except APIError as error:
        return error.status not in (401, 403)
    except DatabaseUnavailable:
        return True
    return now.account.service == signed_in(request).account.service


def guarded(route: Route, sessions: Sessions, keys: KeyAuth, admit: Admit) -> Handler:
    """The route's handler behind its checks: same site, session or key, right, card, deadline."""

    async def guard(request: web.Request) -> web.StreamResponse:
        token = key_token(request)
        # No browser sends a key by itself, so no other site can make it send one.
        unsafe = request.method not in SAFE_METHODS and not route.from_anywhere
        if token is None and unsafe:
            check_same_site(request)
        if route.access.right is not None:

            async def who() -> Principal:
                if token is None:
                    return await authorise(request, route.access, sessions)
                return await authorise_key(request, token, route.access, keys)

            request[_PRINCIPAL] = await who()
            request[_AGAIN] = who
        if route.behind_the_door:
            await admit(request, IncidentId(path_id(request, "incident_id", "card")))
        return await route.handler(request)

    async def guard_in_time(request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(route.timeout_s):
                return await guard(request)
        except TimeoutError:
            raise timed_out() from None

    return guard_in_time


async def authorise(request: web.Request, access: Access, sessions: Sessions) -> Principal:
    """The person behind the request; raises `APIError` 401 or 403."""
    token = session_token(request)
    account = await sessions.account(token) if token is not None else None
    if token is None or account is None:
        raise APIError(401, "signed_out", "Please log in.")
    rights = rights_of(account.role)
    if access.right not in rights:
        raise APIError(403, "forbidden", "Your role does not allow this.")
    if access.seat and account.agent_id is None:
        raise APIError(403, "no_seat", "Your account has no call taker's seat.")
    return Principal(account, token, rights)


async def authorise_key(
    request: web.Request, token: str, access: Access, keys: KeyAuth
) -> Principal:
    """The program behind the request; raises `APIError` 401, 403 or 429."""
    key = await keys.key(token, request.remote or "")
    if access.right not in key.rights and not access.any_key:
        raise APIError(403, "forbidden", "The key's scopes do not allow this.")
    assert not access.seat, "no scope gives the right to a seat"
    return Principal(key.account, f"key:{key.key_id}", key.rights)


def check_same_site(request: web.Request) -> None:
    """Refuse what another site made a browser send (CSRF); raises `APIError` 403."""
    if request.headers.get(CSRF_HEADER) != "1":
        raise APIError(403, "csrf", f"The header {CSRF_HEADER}: 1 is missing.")
    check_origin(request)


def check_origin(request: web.Request) -> None:
    """Refuse a foreign ``Origin``; raises `APIError` 403. Programs send none and may pass.

    Host and port are compared, not the scheme: behind a TLS proxy we see only plain HTTP.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise APIError(403, "csrf", "The request comes from another site.")
    origin = request.headers.get("Origin")
    if origin is None:
        return
    host = host_of(request)
    try:
        parts = urlsplit(origin)
        same = parts.scheme in {"http", "https"} and parts.netloc.lower() == host
    except ValueError:
        same = False
    if host is None or not same:
        raise APIError(403, "csrf", "The request comes from another site.")


def host_of(request: web.Request) -> str | None:
    """The ``Host`` as asked for, in lower case; ``None`` if it is not a host's name."""
    host = request.headers.get("Host", "").lower()
    return host if HOST.fullmatch(host) else None
