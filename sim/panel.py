"""A panel without a browser, the same API and WebSocket; and other systems with their keys."""

import asyncio
import contextlib
import time
from collections import deque
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

TIMEOUT_S = 30.0  # ten people who log in at once on a busy machine wait for each other
MESSAGES_MAX = 50_000

Message = dict[str, Any]


class PanelRefused(Exception):
    """The API said no."""

    def __init__(self, status: int, code: str, problem: Message | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.problem = problem or {}
        """The whole problem document."""


class Client:
    """Whoever asks the API; `PanelRefused` is raised for what it refuses."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, *, reason: str | None = None, **params: str) -> Message:
        """GET a JSON document; ``reason``: why somebody from outside reads a card."""
        headers = None if reason is None else {"X-Reason": quote(reason)}
        return await self._request("GET", path, params=params, headers=headers)

    async def post(
        self, path: str, body: Message | None = None, *, headers: dict[str, str] | None = None
    ) -> Message:
        """POST, with or without a body."""
        return await self._request("POST", path, json=body or {}, headers=headers)

    async def put(
        self, path: str, body: Message, *, headers: dict[str, str] | None = None
    ) -> Message:
        """PUT a JSON document."""
        return await self._request("PUT", path, json=body, headers=headers)

    async def delete(self, path: str) -> Message:
        """DELETE."""
        return await self._request("DELETE", path)

    async def download(self, path: str, *, headers: dict[str, str] | None = None) -> bytes:
        """GET bytes."""
        assert self._session is not None
        async with self._session.get(self._url + path, headers=headers) as response:
            if response.status >= 400:
                raise PanelRefused(response.status, await response.text())
            return await response.read()

    async def _request(self, method: str, path: str, **arguments: Any) -> Message:
        assert self._session is not None
        async with self._session.request(method, self._url + path, **arguments) as response:
            if response.status == 204:
                return {}
            body: Message = await response.json(content_type=None)
            if response.status >= 400:
                raise PanelRefused(response.status, str(body.get("code")), body)
            return body or {}


class Program(Client):
    """Another system with an API key."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url)
        self._token = token

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()


class Panel(Client):
    """One person logged in."""

    def __init__(self, url: str, login: str, password: str) -> None:
        super().__init__(url)
        self._login = login
        self._password = password
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self.messages: deque[tuple[float, Message]] = deque(maxlen=MESSAGES_MAX)
        """Everything the WebSocket brought, with the monotonic time of its arrival."""
        self.contacts: dict[str, Message] = {}
        self.agents: dict[str, Message] = {}
        self.agent_id: str | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Log in and follow the live stream, also over restarts of the server."""
        self._session = aiohttp.ClientSession(
            headers={"X-CCServer": "1"},
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            # Cookies of an address without a name are refused by default.
            cookie_jar=aiohttp.CookieJar(unsafe=True),
        )
        answer = await self.post("/api/login", {"login": self._login, "password": self._password})
        self.agent_id = answer["account"]["agent_id"]
        self._reader = asyncio.create_task(self._follow(), name="panel")
        await self.wait_for(lambda message: message["type"] == "snapshot")

    async def close(self) -> None:
        """Leave, without logging out."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        if self._session is not None:
            await self._session.close()

    async def ready(self) -> None:
        """Take calls from now on."""
        await self.put("/api/agent/presence", {"kind": "ready", "reason": None})

    async def rest(self) -> None:
        """Be on duty, but take no calls unless need be."""
        await self.put("/api/agent/presence", {"kind": "not_ready", "reason": "break"})

    async def act(self, contact_id: str, action: str, **body: Any) -> Message:
        """Press a button of the call panel."""
        return await self.post(f"/api/contacts/{contact_id}/{action}", body)

    async def wait_for(
        self, wanted: Any, *, timeout_s: float = TIMEOUT_S, after: float = 0.0
    ) -> tuple[float, Message]:
        """The first message, past ones included, for which ``wanted`` is true, and its time."""

        def found() -> tuple[float, Message] | None:
            return next(
                ((at, message) for at, message in self.messages if at >= after and wanted(message)),
                None,
            )

        async with asyncio.timeout(timeout_s), self._changed:
            while (hit := found()) is None:
                await self._changed.wait()
        return hit

    async def card_of(self, contact_id: str) -> Message:
        """The card of a contact."""
        _, message = await self.wait_for(
            lambda m: m["type"] == "card" and contact_id in m["contact_ids"]
        )
        return await self.get(f"/api/cards/{message['incident_id']}")

    async def _follow(self) -> None:
        assert self._session is not None
        place: Message = {"epoch": None, "seq": None}
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with self._session.ws_connect(
                    self._url.replace("http", "ws", 1) + "/api/ws"
                ) as socket:
                    await socket.send_json({"type": "hello", **place})
                    async for frame in socket:
                        if frame.type is not aiohttp.WSMsgType.TEXT:
                            break
                        await self._take(frame.json(), place)
            await asyncio.sleep(0.1)

    async def _take(self, message: Message, place: Message) -> None:
        at = time.monotonic()
        place["epoch"] = message.get("epoch", place["epoch"])
        place["seq"] = message.get("seq", place["seq"])
        match message["type"]:
            case "snapshot":
                self.contacts = {c["contact_id"]: c for c in message["contacts"]}
                self.agents = {a["agent_id"]: a for a in message["agents"]}
            case "contact":
                self.contacts[message["contact"]["contact_id"]] = message["contact"]
            case "contact_gone":
                self.contacts.pop(message["contact_id"], None)
            case "agent":
                self.agents[message["agent"]["agent_id"]] = message["agent"]
        async with self._changed:
            self.messages.append((at, message))
            self._changed.notify_all()
