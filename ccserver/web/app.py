"""The web application: its routes, what happens around every request, and the listening server."""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from ccserver.accounts import Right, UnknownAccount
from ccserver.catalogue import Catalogue
from ccserver.config import ACDSettings, WebSettings
from ccserver.db import DatabaseUnavailable
from ccserver.metrics import Metrics
from ccserver.routing.document import Document
from ccserver.web.access import (
    ANY_PERSON,
    EDIT_CARDS,
    PUBLIC,
    READ_CARDS,
    SEARCH_CARDS,
    SEAT,
    SUPERVISING_SEAT,
    SUPERVISION,
    Access,
    Handler,
    Route,
    guarded,
    host_of,
)
from ccserver.web.audit import AuditAPI, AuditPort
from ccserver.web.auth import AuthAPI
from ccserver.web.callbacks import CallbacksAPI, CallbacksPort
from ccserver.web.cards import CardsAPI
from ccserver.web.catalogue import CatalogueAPI, CataloguePort
from ccserver.web.control import ControlAPI
from ccserver.web.documents import VersionsPort
from ccserver.web.errors import BODY_BYTES_MAX, APIError, from_http_exception, timed_out
from ccserver.web.gate import GATE, CardGate
from ccserver.web.health import HealthAPI
from ccserver.web.key_auth import KeyAuth
from ccserver.web.keys import KeyAdminPort, KeysAPI
from ccserver.web.openapi import OpenAPI
from ccserver.web.people import PeopleAPI, PeoplePort
from ccserver.web.ports import (
    AccountsPort,
    CardsPort,
    Clock,
    ContactAction,
    ControlPort,
    ReachAction,
    RecordingsPort,
    SystemClock,
)
from ccserver.web.push import PushHub
from ccserver.web.recordings import RecordingsAPI
from ccserver.web.routing import RoutingAPI, RoutingPort
from ccserver.web.services import ServicesAPI, ServicesPort
from ccserver.web.sessions import Sessions
from ccserver.web.shapes import OPERATIONS
from ccserver.web.sockets import Sockets, SocketTimes
from ccserver.web.static import Static
from ccserver.web.tiles import TilesAPI

STOP_TIMEOUT_S = 5.0
"""For requests under way when the server stops; calls do not depend on them."""

LINGER_S = 2.0
"""For the rest of a body that was refused; then the connection is closed over it."""

BACKLOG = 256
"""Connections not yet accepted: all panels of a centre coming back at once."""

WEBSOCKETS = frozenset({"/api/ws", "/api/events"})
"""Where HEAD has no answer of its own."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})

LOGGED_IDS = frozenset(
    {"contact_id", "incident_id", "recording_id", "task_id", "involvement_id", "unit_id"}
)
"""The parts of addresses that every line of a request's log carries."""

SOCKETS = web.AppKey("sockets", Sockets)
ROUTES = web.AppKey("routes", tuple)

log = structlog.get_logger()


def create_app(
    *,
    settings: WebSettings,
    acd: ACDSettings,
    accounts: AccountsPort,
    cards: CardsPort,
    recordings: RecordingsPort,
    control: ControlPort,
    callbacks: CallbacksPort,
    services: ServicesPort,
    routing: RoutingPort,
    catalogue: VersionsPort[Catalogue],
    catalogue_in_force: CataloguePort,
    people: PeoplePort,
    keys: KeyAdminPort,
    audit: AuditPort,
    plan_in_use: Callable[[], Document],
    plan_saved: Callable[[], None],
    seats_changed: Callable[[], None],
    hub: PushHub,
    check_database: Callable[[], Awaitable[object]],
    metrics: Metrics,
    clock: Clock | None = None,
    socket_times: SocketTimes | None = None,
    rooms: Sequence[Route] = (),
) -> web.Application:
    """The application, ready for `WebServer`.

    ``rooms`` are the routes of what the composition root has built by itself.
    ``check_database`` raises if the database is away. ``plan_in_use`` is the routing document that
    the centre works with; ``plan_saved`` and ``seats_changed`` are called after such a change.
    """
    clock = clock or SystemClock()
    key_auth = KeyAuth(keys, clock)
    gate = CardGate(cards, audit, clock, settings.medical_services)
    sessions = Sessions(accounts, clock)
    sockets = Sockets(
        hub=hub,
        control=control,
        sessions=sessions,
        metrics=metrics,
        clock=clock,
        times=socket_times or SocketTimes(),
    )
    auth = AuthAPI(
        settings=settings,
        acd=acd,
        accounts=accounts,
        control=control,
        sessions=sessions,
        sockets=sockets,
        metrics=metrics,
        clock=clock,
    )
    openapi = OpenAPI(OPERATIONS)
    table = routes(
        auth=auth,
        cards=CardsAPI(cards, clock, gate),
        recordings=RecordingsAPI(recordings, metrics, clock),
        control=ControlAPI(control),
        health=HealthAPI(
            control=control, check_database=check_database, metrics=metrics, sessions=sessions
        ),
        sockets=sockets,
        static=Static(settings.panel_dir),
        others=(
            *RoutingAPI(
                routing,
                clock,
                in_use=plan_in_use,
                saved=lambda _: plan_saved(),
                seats=control.seats,
            ).routes(),
            *CatalogueAPI(catalogue, catalogue_in_force, clock).routes(),
            *PeopleAPI(people, sessions, seats_changed=seats_changed).routes(),
            *CallbacksAPI(callbacks).routes(),
            *ServicesAPI(services).routes(),
            *KeysAPI(keys, key_auth).routes(),
            *AuditAPI(audit, people).routes(),
            *TilesAPI(settings.map_dirs).routes(),
            *openapi.routes(),
            *rooms,
        ),
    )
    openapi.table = table
    app = web.Application(
        middlewares=[_around(metrics)],
        client_max_size=BODY_BYTES_MAX,
    )
    app[GATE] = gate
    app[SOCKETS] = sockets
    app[ROUTES] = table
    for route in table:
        handler = guarded(route, sessions, key_auth, gate.admit)
        app.router.add_route(route.method, route.path, handler)
        if route.method == "GET" and route.path not in WEBSOCKETS:
            app.router.add_route("HEAD", route.path, handler)
    app.on_response_prepare.append(_headers(settings))
    app.on_shutdown.append(_end_sockets)
    return app


def routes(
    *,
    auth: AuthAPI,
    cards: CardsAPI,
    recordings: RecordingsAPI,
    control: ControlAPI,
    health: HealthAPI,
    sockets: Sockets,
    static: Static,
    others: tuple[Route, ...],
) -> tuple[Route, ...]:
    """Every address of the server with its access. The panel's files take what is left.

    ``others`` are those of the rooms that list their own.
    """
    return (
        Route("POST", "/api/login", auth.login, PUBLIC),
        # Logging out works without a session, so that a stale cookie can always be cleared.
        Route("POST", "/api/logout", auth.logout, PUBLIC),
        Route("GET", "/api/me", auth.me, ANY_PERSON),
        Route("PUT", "/api/me/language", auth.set_language, ANY_PERSON),
        Route("PUT", "/api/agent/presence", control.set_presence, SEAT),
        Route("POST", "/api/agent/wrap-up/end", control.end_wrap_up, SEAT),
        Route("POST", "/api/agent/wrap-up/extend", control.extend_wrap_up, SEAT),
        Route("PUT", "/api/agents/{agent_id}/presence", control.force_presence, SUPERVISION),
        *(
            Route(
                "POST",
                f"/api/contacts/{{contact_id}}/{action.value}",
                control.contact_handler(action),
                SUPERVISING_SEAT if action is ContactAction.TAKE_OVER else SEAT,
            )
            for action in ContactAction
        ),
        *(
            Route(
                "POST",
                f"/api/contacts/{{contact_id}}/{reach.value}",
                control.reach_handler(reach),
                SEAT,
            )
            for reach in ReachAction
        ),
        Route(
            "POST", "/api/contacts/{contact_id}/parties/{party_id}/drop", control.drop_party, SEAT
        ),
        Route("POST", "/api/contacts/{contact_id}/monitor", control.monitor, SUPERVISING_SEAT),
        Route("POST", "/api/cards/{incident_id}/call", control.place_call, SEAT),
        Route("GET", "/api/cards", cards.search, SEARCH_CARDS),
        Route("GET", "/api/cards/{incident_id}", cards.card, READ_CARDS, own_door=True),
        Route("PUT", "/api/cards/{incident_id}/notes", cards.save_notes, EDIT_CARDS),
        # Its own deadlines stand in the handler: the file itself may take as long as it takes.
        Route(
            "GET",
            "/api/recordings/{recording_id}/audio",
            recordings.audio,
            Access(Right.RECORDINGS_OWN),
            timeout_s=None,
        ),
        # Looks at the session itself, after the handshake, because a browser cannot see a 401.
        Route("GET", "/api/ws", sockets.handle, PUBLIC, timeout_s=None),
        Route("GET", "/livez", health.livez, PUBLIC),
        Route("GET", "/readyz", health.readyz, PUBLIC),
        # Looks at the address first, then at the session.
        Route("GET", "/metrics", health.metrics, PUBLIC),
        *others,
        Route("GET", "/{path:.*}", static.handle, PUBLIC),
    )


async def _end_sockets(app: web.Application) -> None:
    app[SOCKETS].end_all()


def _around(metrics: Metrics) -> Middleware:
    """The one middleware: request id, errors as JSON, and the count of everything."""

    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        request_id = uuid.uuid4().hex
        ids = {
            name: value
            for name, value in request.match_info.items()
            if name in LOGGED_IDS and len(value) <= 64
        }
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id, **ids):
            response = await _answer(request, handler, request_id)
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unmatched"
        method = request.method if request.method in METHODS else "other"
        metrics.http_requests.labels(method, route, str(response.status)).inc()
        if response.status != 101:
            metrics.http_seconds.labels(route).observe(time.perf_counter() - started)
        if not response.prepared:
            response.headers["X-Request-Id"] = request_id
        return response

    return around


async def _answer(request: web.Request, handler: Handler, request_id: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return from_http_exception(error)
    except Exception as error:
        return _as_api_error(error, request, request_id).response()


def _as_api_error(error: Exception, request: web.Request, request_id: str) -> APIError:
    """What the client is told. Whatever nobody foresaw is logged whole and shown as an id."""
    match error:
        case APIError():
            told = error
        case DatabaseUnavailable():
            log.warning("database_unavailable", reason=str(error))
            told = APIError(
                503,
                "database_unavailable",
                "The database does not answer. Please try again.",
                headers={"Retry-After": "2"},
            )
        case UnknownAccount():
            told = APIError(401, "signed_out", "The account is gone. Please log in.")
        case TimeoutError():
            log.warning("request_timed_out", method=request.method)
            told = timed_out()
        case ConnectionError():
            # The client is gone; nobody reads this answer.
            told = APIError(400, "connection_lost", "The connection was lost.")
        case _:
            log.error("request_failed", error_id=request_id, method=request.method, exc_info=error)
            told = APIError(
                500,
                "internal",
                "Something is wrong in the server. Please tell your admin the error id.",
                extra={"error_id": request_id},
            )
    return told


def _headers(
    settings: WebSettings,
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """What every answer says about how a browser may use it."""
    phone = urlsplit(settings.sip_websocket_url)
    phone_source = f" {phone.scheme}://{phone.netloc}" if phone.netloc else ""
    fixed: Mapping[str, str] = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Server": "ccserver",
    }

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        host = host_of(request)
        # Older browsers do not count a WebSocket of the same host as 'self'.
        own = f" ws://{host} wss://{host}" if host else ""
        response.headers.setdefault(  # files of cards have a stricter one
            "Content-Security-Policy",
            f"default-src 'self'; connect-src 'self'{own}{phone_source}; "
            "img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; "
            "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        )
        response.headers.update(fixed)
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")

    return add


class _PeersFault(logging.Filter):
    """Turns the framework's traceback of a malformed request into one counted line.

    The bytes themselves may hold a number or a name, so they are not kept.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is of our own making and goes on as it is."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError | web.RequestPayloadError):
            return True
        log.info("http_malformed", reason=type(error).__name__)
        return False


def _http_logger() -> logging.Logger:
    logger = logging.getLogger("ccserver.web.http")
    if not any(isinstance(known, _PeersFault) for known in logger.filters):
        logger.addFilter(_PeersFault())
    return logger


class WebServer:
    """Listens with one application; ``port`` 0 takes a free one, read it after `start`."""

    def __init__(self, app: web.Application, *, host: str, port: int) -> None:
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=STOP_TIMEOUT_S,
            lingering_time=LINGER_S,
            logger=_http_logger(),
        )
        self._routes: tuple[Route, ...] = app[ROUTES]
        self._host = host
        self._port = port

    async def start(self) -> None:
        """Listen; raises `OSError` if the address is taken or not this machine's."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port, backlog=BACKLOG).start()
        except OSError:
            await self._runner.cleanup()
            raise
        log.info("web_listening", host=self._host, port=self.port)

    def take_any_port(self) -> None:
        """Listen on whichever port is free; before `start`."""
        self._port = 0

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every address of the server."""
        return self._routes

    @property
    def port(self) -> int:
        """The port listened on; the wanted one before `start`."""
        addresses = self._runner.addresses
        return int(addresses[0][1]) if addresses else self._port

    async def stop(self) -> None:
        """Close every connection within twice `STOP_TIMEOUT_S`; may be called again."""
        try:
            async with asyncio.timeout(2 * STOP_TIMEOUT_S):
                await self._runner.cleanup()
        except TimeoutError:
            log.warning("web_stop_timed_out")
