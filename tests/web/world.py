"""The application of a test on a free port of this machine, and people who use it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.test_utils import TestServer

from ccserver.accounts import Scope
from ccserver.aml.values import Sighting
from ccserver.card import CardStore
from ccserver.config import ACDSettings, AMLSettings, WebSettings
from ccserver.metrics import Metrics
from ccserver.routing import DEFAULT_DOCUMENT, Document
from ccserver.web.access import Route
from ccserver.web.addresses import AddressesAPI
from ccserver.web.aml import AMLAPI
from ccserver.web.app import create_app
from ccserver.web.app_texts import AppTextsAPI
from ccserver.web.attachments import AttachmentsAPI, AttachmentsPort
from ccserver.web.card_fields import CardFieldsAPI
from ccserver.web.card_places import CardPlacesAPI
from ccserver.web.card_presence import CardPresenceAPI
from ccserver.web.contact_locations import ContactLocationsAPI
from ccserver.web.conversations import ConversationsAPI
from ccserver.web.ecalls import ECallsAPI
from ccserver.web.emergency_data import EmergencyDataAPI
from ccserver.web.exchange import ExchangeAPI
from ccserver.web.messaging import MessagingAPI
from ccserver.web.push import PushHub
from ccserver.web.relations import RelationsAPI
from ccserver.web.sockets import SocketTimes
from tests.web.card_rooms import FakeAttachments, FakeContactLocations, FakeFields, FakePlaces
from tests.web.ecall_rooms import FakeEmergencyData, FakeHandOvers
from tests.web.exchange_rooms import FakeExchange
from tests.web.fakes import (
    PASSWORD,
    FakeAccounts,
    FakeCards,
    FakeClock,
    FakeControl,
    FakeDatabaseCheck,
    FakeRecordings,
)
from tests.web.messaging_rooms import FakeMessaging, FakeMessagingInForce
from tests.web.relation_rooms import FakeRelations
from tests.web.rooms import (
    FakeAddresses,
    FakeAudit,
    FakeCallbacks,
    FakeCatalogue,
    FakeInForce,
    FakeKeys,
    FakePeople,
    FakeRouting,
)
from tests.web.service_rooms import FakeServices
from tests.web.text_rooms import FakeAppTexts, FakeConversations

AUDIO = bytes(range(256)) * 40
"""What stands for a FLAC file; ranges of it can be told apart."""


@dataclass
class FakeAML:
    """Notes the positions that phones sent."""

    received: list[Sighting] = field(default_factory=list)

    async def receive(self, sighting: Sighting) -> None:
        self.received.append(sighting)


@dataclass
class Answer:
    """One answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: list[str]

    def json(self) -> Any:
        return json.loads(self.body)


class World:
    """Everything that one test needs; an async context manager."""

    def __init__(
        self,
        directory: Path,
        *,
        times: SocketTimes | None = None,
        settings: Mapping[str, object] | None = None,
        cards: CardStore | None = None,
        attachments: AttachmentsPort | None = None,
        rooms: Callable[["World"], Sequence[Route]] = lambda _: (),
        aml: AMLSettings | None = None,
    ) -> None:
        self.panel_dir = directory / "panel"
        self.audio_path = directory / "sealed.flac"
        self.audio_path.write_bytes(AUDIO)
        self.accounts = FakeAccounts()
        self.cards = FakeCards(any_id=cards is not None or attachments is not None)
        self.fields = FakeFields()
        self.places = FakePlaces()
        self.contact_locations = FakeContactLocations()
        self.attachments = FakeAttachments(directory)
        self.relations = FakeRelations()
        self.conversations = FakeConversations()
        self.app_texts = FakeAppTexts()
        self.exchange = FakeExchange()
        self.aml = FakeAML()
        self.emergency_data = FakeEmergencyData()
        self.hand_overs = FakeHandOvers()
        self.recordings = FakeRecordings(self.audio_path)
        self.control = FakeControl()
        self.callbacks = FakeCallbacks()
        self.services = FakeServices()
        self.routing = FakeRouting()
        self.catalogue = FakeCatalogue()
        self.catalogue_in_force = FakeInForce()
        self.messaging = FakeMessaging()
        self.messaging_in_force = FakeMessagingInForce()
        self.people = FakePeople(self.accounts)
        self.keys = FakeKeys()
        self.audit = FakeAudit()
        self.addresses = FakeAddresses()
        self.plan_in_use: Callable[[], Document] = lambda: DEFAULT_DOCUMENT
        self.plan_saved: Callable[[], None] = lambda: None
        self.seats_changed: Callable[[], None] = lambda: None
        self.database = FakeDatabaseCheck()
        self.metrics = Metrics()
        self.clock = FakeClock()
        self.hub = PushHub(metrics=self.metrics)
        self.pushed: list[dict[str, object]] = []
        self.presence = CardPresenceAPI(self.clock, self.pushed.append)
        values = {"panel_dir": str(self.panel_dir), **(settings or {})}
        self.settings = WebSettings(**values)  # type: ignore[arg-type]
        self.app = create_app(
            settings=self.settings,
            acd=ACDSettings(),
            accounts=self.accounts,
            cards=self.cards,
            recordings=self.recordings,
            control=self.control,
            callbacks=self.callbacks,
            services=self.services,
            routing=self.routing,
            catalogue=self.catalogue,
            catalogue_in_force=self.catalogue_in_force,
            people=self.people,
            keys=self.keys,
            audit=self.audit,
            plan_in_use=lambda: self.plan_in_use(),  # noqa: PLW0108 - tests replace it
            plan_saved=lambda: self.plan_saved(),  # noqa: PLW0108
            seats_changed=lambda: self.seats_changed(),  # noqa: PLW0108
            hub=self.hub,
            check_database=self.database,
            metrics=self.metrics,
            clock=self.clock,
            socket_times=times,
            rooms=(
                *CardFieldsAPI(cards or self.fields, self.clock).routes(),
                *CardPlacesAPI(cards or self.places, self.clock).routes(),
                *ContactLocationsAPI(self.contact_locations, self.clock).routes(),
                *AttachmentsAPI(attachments or self.attachments, self.clock).routes(),
                *self.presence.routes(),
                *RelationsAPI(cards or self.relations, self.clock).routes(),
                *AddressesAPI(self.addresses).routes(),
                *ConversationsAPI(self.conversations).routes(),
                *AppTextsAPI(self.app_texts, self.clock).routes(),
                *ExchangeAPI(self.exchange, self.clock).routes(),
                *MessagingAPI(self.messaging, self.messaging_in_force, self.clock).routes(),
                *AMLAPI(
                    self.aml, aml or AMLSettings(), metrics=self.metrics, clock=self.clock
                ).routes(),
                *EmergencyDataAPI(self.emergency_data).routes(),
                *ECallsAPI(self.hand_overs, self.clock).routes(),
                *rooms(self),
            ),
        )
        self._server = TestServer(self.app, host="127.0.0.1")

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        self.http = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            # As a panel sends it, and no connection outlives the test.
            connector=aiohttp.TCPConnector(limit=0),
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.http.close()
        await self._server.close()

    async def stop(self) -> None:
        """The server ends in order; its clients stay."""
        await self._server.close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def nobody(self) -> "Person":
        """Somebody without a session."""
        return Person(self, None)

    async def person(self, login: str) -> "Person":
        """Somebody who has logged in, past the login form."""
        token = await self.accounts.open_session(
            login, now=self.clock.now(), ttl_s=self.settings.session_ttl_s
        )
        return Person(self, token)

    async def program(self, *scopes: Scope, service: str | None = None) -> "Person":
        """A program with a key of its own."""
        made = await self.keys.add(name="CAD", scopes=scopes, service=service, by="root")
        return Person(self, None, key=made.token)

    async def login(
        self, login: str, password: str = PASSWORD, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        body = {"login": login, "password": password}
        return await self.nobody().ask("POST", "/api/login", body=body, headers=headers)


class Person:
    """Asks as a panel does: with the session's cookie and the header against forgery."""

    def __init__(self, world: World, token: str | None, *, key: str | None = None) -> None:
        self._world = world
        self.token = token
        self.key = key

    def headers(self) -> dict[str, str]:
        if self.key is not None:
            return {"Authorization": f"Bearer {self.key}"}
        cookie = {"Cookie": f"ccserver_session={self.token}"} if self.token else {}
        return {"X-CCServer": "1", **cookie}

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        data = raw if raw is not None or body is None else json.dumps(body).encode()
        async with self._world.http.request(
            method,
            self._world.url(path),
            data=data,
            headers={**self.headers(), **(headers or {})},
            allow_redirects=False,
        ) as response:
            return Answer(
                response.status,
                response.headers,
                await response.read(),
                response.headers.getall("Set-Cookie", []),
            )

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return await self.ask("GET", path, headers=headers)

    async def post(self, path: str, body: object = None) -> Answer:
        return await self.ask("POST", path, body=body)

    async def put(
        self, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return await self.ask("PUT", path, body=body, headers=headers)

    async def connect(
        self,
        path: str = "/api/ws",
        *,
        autoping: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket, before its hello."""
        return await self._world.http.ws_connect(
            self._world.url(path),
            headers={**self.headers(), **(headers or {})},
            autoping=autoping,
        )
