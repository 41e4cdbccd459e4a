"""The edge's control port: what ccserver asks the SIP edge for, by HTTP on loopback.

Every request has a deadline; none waits for the other end of a call. All errors are `EdgeError`.
"""

import asyncio
import re
from typing import Protocol

import aiohttp
import msgspec

from ccserver.config import EdgeSettings

REQUEST_TIMEOUT_S = 1.0
"""The edge answers from memory, within milliseconds."""

BODY_OCTETS_MAX = 16_384
"""A request for data has a few hundred octets; the edge's own limit is far above."""

HEALTH_OCTETS_MAX = 65_536
"""Some two hundred nodes."""

_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,1023})").fullmatch


class EdgeError(Exception):
    """The edge did not do what it was asked; the text says why, for the log."""


class EdgeUnreachable(EdgeError):
    """Nothing answered in time, or not as the edge does; whether it was done is unknown."""


class NoSuchDialog(EdgeError):
    """The edge knows no such call: it is over, went past this edge, or the edge was restarted."""


class DialogNotConfirmed(EdgeError):
    """The call is not answered yet, so nothing can be sent within it (RFC 6086 §4.2)."""


class EdgeRefused(EdgeError):
    """The edge did not accept the request: a wrong token, or a request it cannot read."""


class EdgeNode(msgspec.Struct, frozen=True):
    """One Asterisk behind the edge."""

    name: str
    uri: str
    up: bool


class EdgeHealth(msgspec.Struct, frozen=True):
    """What the edge says of itself."""

    nodes: tuple[EdgeNode, ...]
    dialogs: int = 0
    """Calls within which it could send something."""


class EdgeControl(Protocol):
    """What others need of the edge; `EdgeClient` fits."""

    async def send_info(
        self, call_id: str, *, package: str, content_type: str, body: bytes
    ) -> None:
        """Have an INFO sent within the call, to the other end (RFC 6086).

        Returns when the edge has sent it; the answer comes by the spool. Raises `NoSuchDialog`,
        `DialogNotConfirmed`, `EdgeRefused`, `EdgeUnreachable`.
        """

    async def health(self) -> EdgeHealth:
        """Ask how it is; raises `EdgeUnreachable` or `EdgeRefused`."""


class EdgeClient:
    """Talks to the edge on this machine; `close` it at the end."""

    def __init__(self, settings: EdgeSettings, *, timeout_s: float = REQUEST_TIMEOUT_S) -> None:
        assert settings.control_token is not None, "the edge is enabled"
        self._url = f"http://127.0.0.1:{settings.control_port}"
        self._headers = {"Authorization": f"Bearer {settings.control_token}"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send_info(
        self, call_id: str, *, package: str, content_type: str, body: bytes
    ) -> None:
        """See `EdgeControl.send_info`."""
        for value in (call_id, package, content_type):
            if not _HEADER_VALUE(value):
                raise EdgeRefused("a value that no header can carry")
        if len(body) > BODY_OCTETS_MAX:
            raise EdgeRefused(f"a body of {len(body)} octets")
        headers = {"X-Call-ID": call_id, "X-Info-Package": package, "Content-Type": content_type}
        await self._ask("POST", "/info", 202, headers=headers, body=body)

    async def health(self) -> EdgeHealth:
        """See `EdgeControl.health`."""
        text = await self._ask("GET", "/health", 200)
        try:
            return msgspec.json.decode(text, type=EdgeHealth)
        except msgspec.DecodeError as error:
            raise EdgeUnreachable(f"the edge's health is not readable: {error}") from error

    async def reload(self) -> None:
        """Have it read ``address.list`` anew: trunks, telephones, who is blocked. Calls go on.

        Raises `EdgeRefused` where the list cannot be read (the former one stays) or was read less
        than a second ago, and `EdgeUnreachable`.
        """
        await self._ask("POST", "/reload", 200)

    async def _ask(
        self,
        method: str,
        path: str,
        expected: int,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        if self._session is None:
            # A connection for each request: a kept one could turn out closed, and whether an INFO
            # was sent would be unknown. On loopback a new one costs less than a millisecond.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True), timeout=self._timeout
            )
        try:
            async with self._session.request(
                method,
                self._url + path,
                headers={**self._headers, **(headers or {})},
                data=body,
                allow_redirects=False,
            ) as response:
                text = await response.content.read(HEALTH_OCTETS_MAX)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise EdgeUnreachable(f"{type(error).__name__}: {error}") from error
        if status == expected:
            return text
        raise _refusal(status, path)


def _refusal(status: int, path: str) -> EdgeError:
    if path == "/info" and status == 404:
        return NoSuchDialog("the edge knows no such call")
    if path == "/info" and status == 409:
        return DialogNotConfirmed("the call is not answered yet")
    if 400 <= status < 500:
        return EdgeRefused(f"{path} was answered {status}")
    return EdgeUnreachable(f"{path} was answered {status}")


WATCH_INTERVAL_S = 2.0
PATIENCE_S = 6.0
"""A restart of the edge takes less; longer is worth a person's attention."""


class EdgeWatch:
    """Asks the edge every other second how it is, for the alarms."""

    def __init__(self, edge: EdgeControl, *, interval_s: float = WATCH_INTERVAL_S) -> None:
        self._edge = edge
        self._interval_s = interval_s
        self._failures = 0
        self._nodes_down: dict[str, int] = {}

    @property
    def down(self) -> bool:
        """Whether it has not answered for a while."""
        return self._failures * self._interval_s >= PATIENCE_S

    @property
    def node_down(self) -> bool:
        """Whether the edge has had no answer from some Asterisk for a while."""
        return any(n * self._interval_s >= PATIENCE_S for n in self._nodes_down.values())

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await self.look()
            await asyncio.sleep(self._interval_s)

    async def look(self) -> None:
        """Ask once."""
        try:
            health = await self._edge.health()
        except EdgeError:
            self._failures += 1
            return
        self._failures = 0
        self._nodes_down = {
            node.name: self._nodes_down.get(node.name, 0) + 1
            for node in health.nodes
            if not node.up
        }
