"""Logging in and out, and what a panel must know about the person in front of it."""

import asyncio
import math
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
import structlog
from aiohttp import web

from ccserver import __version__
from ccserver.accounts import Account, AgentProfile, DeviceKind
from ccserver.config import ACDSettings, WebSettings
from ccserver.metrics import Metrics
from ccserver.web.access import signed_in
from ccserver.web.errors import APIError, check_text, json_response, read_body
from ccserver.web.ports import AccountsPort, Clock, ControlPort
from ccserver.web.sessions import COOKIE, Sessions, digest_of, session_token
from ccserver.web.sockets import CLOSE_SIGNED_OUT, Sockets
from ccserver.web.throttle import LoginThrottle
from ccserver.web.wire import account_json

LOGIN_LENGTH_MAX = 64

PASSWORD_LENGTH_MAX = 256
"""Longer ones only serve to keep the password hash busy."""

VERIFIES_MAX = 2
"""Passwords checked at once: each takes a core and some 64 MiB for a fraction of a second."""

VERIFIES_WAITING_MAX = 32
"""Attempts that wait for that, about five seconds' worth; more are sent away."""

log = structlog.get_logger()


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/login``."""

    login: Annotated[str, msgspec.Meta(min_length=1, max_length=LOGIN_LENGTH_MAX)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=PASSWORD_LENGTH_MAX)]


class LanguageChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /api/me/language``."""

    language: Literal["lv", "ru", "en"]


def phone_json(agent: AgentProfile, ws_url: str) -> dict[str, str] | None:
    """How the browser registers as the seat's phone; ``None`` for a phone of its own."""
    host = urlsplit(ws_url).hostname
    if agent.device is not DeviceKind.BROWSER or not host:
        return None
    return {
        "uri": f"sip:{agent.sip_username}@{f'[{host}]' if ':' in host else host}",
        "ws_url": ws_url,
        "username": agent.sip_username,
        "password": agent.sip_password,
    }


class AuthAPI:
    """Handlers of ``/api/login``, ``/api/logout`` and ``/api/me``."""

    def __init__(
        self,
        *,
        settings: WebSettings,
        acd: ACDSettings,
        accounts: AccountsPort,
        control: ControlPort,
        sessions: Sessions,
        sockets: Sockets,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._acd = acd
        self._accounts = accounts
        self._control = control
        self._sessions = sessions
        self._sockets = sockets
        self._metrics = metrics
        self._clock = clock
        self._throttle = LoginThrottle()
        self._verifies = asyncio.Semaphore(VERIFIES_MAX)
        self._verifies_waiting = 0

    async def login(self, request: web.Request) -> web.Response:
        """``POST /api/login``: open a session; 401 for a wrong pair, 429 after too many."""
        credentials = await read_body(request, Credentials)
        check_text(credentials.login, "login")
        check_text(credentials.password, "password")
        account = await self._verify(credentials, request.remote or "")
        if account is None:
            # The login is not logged: people type their password there.
            log.warning("login_refused", address=request.remote)
            self._metrics.logins.labels("refused").inc()
            raise APIError(401, "wrong_credentials", "The login or the password is wrong.")
        token = await self._accounts.open_session(
            account.login, now=self._clock.now(), ttl_s=self._settings.session_ttl_s
        )
        old = session_token(request)
        if old is not None:
            await self._close_session(old)
        log.info("login_accepted", login=account.login, address=request.remote)
        self._metrics.logins.labels("accepted").inc()
        response = json_response({"account": account_json(account)})
        response.set_cookie(
            COOKIE,
            token,
            max_age=math.ceil(self._settings.session_ttl_s),
            path="/",
            secure=self._settings.cookie_secure,
            httponly=True,
            samesite="Strict",
        )
        return response

    async def _verify(self, credentials: Credentials, address: str) -> Account | None:
        """Ask the accounts, if the throttle and the queue for it allow; raises `APIError` 429."""
        now = self._clock.monotonic()
        wait_s = self._throttle.acquire(credentials.login, address, now=now)
        if wait_s <= 0 and self._verifies_waiting >= VERIFIES_WAITING_MAX:
            self._throttle.refund(credentials.login, address, now=now)
            wait_s = 1.0
        if wait_s > 0:
            log.warning("login_throttled", address=address)
            self._metrics.logins.labels("throttled").inc()
            raise APIError(
                429,
                "too_many_attempts",
                f"Too many attempts to log in. Please wait {math.ceil(wait_s)} s.",
                headers={"Retry-After": str(math.ceil(wait_s))},
            )
        self._verifies_waiting += 1
        judged = False
        try:
            async with self._verifies:
                account = await self._accounts.verify(credentials.login, credentials.password)
            judged = account is None
        finally:
            self._verifies_waiting -= 1
            if not judged:
                self._throttle.refund(credentials.login, address, now=self._clock.monotonic())
        return account

    async def logout(self, request: web.Request) -> web.Response:
        """``POST /api/logout``: end the session, if there is one, and its WebSockets."""
        token = session_token(request)
        if token is not None:
            await self._close_session(token)
        response = json_response({})
        response.del_cookie(
            COOKIE,
            path="/",
            secure=self._settings.cookie_secure,
            httponly=True,
            samesite="Strict",
        )
        return response

    async def _close_session(self, token: str) -> None:
        self._sessions.close(token)
        self._sockets.end_session(digest_of(token), CLOSE_SIGNED_OUT)
        await self._accounts.close_session(token)

    async def me(self, request: web.Request) -> web.Response:
        """``GET /api/me``: the account, its seat, its browser phone, the server's times."""
        account = signed_in(request).account
        agent = await self._accounts.agent(account.agent_id) if account.agent_id else None
        return json_response(
            {
                "account": account_json(account),
                "agent": agent
                and {
                    "agent_id": agent.agent_id,
                    "name": agent.name,
                    "extension": agent.extension,
                    "device": agent.device,
                },
                "phone": agent and phone_json(agent, self._settings.sip_websocket_url),
                "server": {
                    "version": __version__,
                    "offer_timeout_s": self._acd.offer_timeout_s,
                    "wrap_up_s": self._acd.wrap_up_s,
                },
                "rights": self._control.rights(account),
            }
        )

    async def set_language(self, request: web.Request) -> web.Response:
        """``PUT /api/me/language``."""
        choice = await read_body(request, LanguageChoice)
        login = signed_in(request).account.login
        await self._accounts.set_language(login, choice.language)
        self._sessions.forget_login(login)
        return json_response({})
