"""A TCP proxy that does to a connection what networks, crashes and bugs do.

Between a client and a real server on 127.0.0.1 it can refuse, drop, stall, delay, cut after a
number of bytes, inject bytes, and rewrite what passes (split, duplicate, replace). It knows which
connections were upgraded to a WebSocket, so that a fault can be given to those or to the others.
"""

import asyncio
import contextlib
import struct
from collections.abc import Callable
from enum import StrEnum
from typing import Self

READ_BYTES = 64 * 1024
RECORDED_BYTES_MAX = 4 * 1024 * 1024
"""No test looks at more; what a client sends in hours of chaos is not kept."""


CONNECTIONS_REMEMBERED_MAX = 1_000


class Direction(StrEnum):
    """Which way bytes go."""

    TO_SERVER = "to_server"
    TO_CLIENT = "to_client"


Transform = Callable[["ProxiedConnection", Direction, bytes], list[bytes]]
"""What is written instead of the given bytes, piece by piece; an empty list swallows them."""


class ProxiedConnection:
    """One client's connection and its counterpart to the server."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter):
        self.sent = bytearray()
        """What the client has sent so far, before any fault."""
        self.cut_after: dict[Direction, int] = {}
        """How many more bytes pass in a direction before both sides are cut."""
        self._writers = {Direction.TO_CLIENT: client, Direction.TO_SERVER: server}

    @property
    def is_websocket(self) -> bool:
        """Whether the client asked for an upgrade."""
        return b"upgrade: websocket" in bytes(self.sent[:4096]).lower()

    def inject(self, data: bytes, direction: Direction = Direction.TO_CLIENT) -> None:
        """Write bytes as if the other side had sent them."""
        self._writers[direction].write(data)

    def drop(self) -> None:
        """Cut both sides at once, without a farewell."""
        for writer in self._writers.values():
            writer.transport.abort()

    async def write(self, direction: Direction, data: bytes) -> None:
        """Pass bytes on, up to the cut."""
        writer = self._writers[direction]
        budget = self.cut_after.get(direction)
        if budget is not None:
            data = data[:budget]
            self.cut_after[direction] = budget - len(data)
        writer.write(data)
        await writer.drain()
        if self.cut_after.get(direction) == 0:
            # Let the last bytes leave before the cut.
            writer.close()
            self.drop_other(direction)

    def drop_other(self, direction: Direction) -> None:
        """Abort the side from which these bytes came."""
        other = Direction.TO_SERVER if direction is Direction.TO_CLIENT else Direction.TO_CLIENT
        self._writers[other].transport.abort()


class FaultProxy:
    """``async with FaultProxy(port) as proxy`` listens on ``proxy.port`` for that server."""

    def __init__(self, server_port: int, *, host: str = "127.0.0.1"):
        self.connections: list[ProxiedConnection] = []
        """Those that are open."""
        self.history: list[ProxiedConnection] = []
        """The last ones that ever were."""
        self.refusing = False
        """New connections are accepted and closed at once."""
        self.delay_s = 0.0
        """Each piece waits this long, in both directions."""
        self.transform: Transform | None = None
        self._host = host
        self._server_port = server_port
        self._stalled: Callable[[ProxiedConnection, Direction], bool] | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.connections):
            connection.drop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def websockets(self) -> list[ProxiedConnection]:
        """Open connections that were upgraded."""
        return [each for each in self.connections if each.is_websocket]

    def drop(self) -> None:
        """Cut every open connection."""
        for connection in list(self.connections):
            connection.drop()

    def inject(self, data: bytes) -> None:
        """Send bytes to the client of every upgraded connection, or of all where none was."""
        for connection in self.websockets() or list(self.connections):
            connection.inject(data)

    def stall(
        self, matching: Callable[[ProxiedConnection, Direction], bool] = lambda _c, _d: True
    ) -> None:
        """Connections stay open and new ones are accepted, but no byte passes where it matches."""
        self._stalled = matching
        self._flowing.clear()

    def resume(self) -> None:
        """Let everything that waits, and all that comes, pass."""
        self._stalled = None
        self._flowing.set()

    def sent(self) -> bytes:
        """What clients sent over all connections, open or closed, one after another."""
        return b"".join(bytes(each.sent) for each in self.history)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.refusing:
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(
                self._host, self._server_port
            )
        except OSError:
            writer.transport.abort()
            return
        connection = ProxiedConnection(writer, server_writer)
        self.connections.append(connection)
        self.history.append(connection)
        del self.history[:-CONNECTIONS_REMEMBERED_MAX]
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._carry(connection, reader, server_reader)
        finally:
            connection.drop()
            self.connections.remove(connection)

    async def _carry(
        self,
        connection: ProxiedConnection,
        client: asyncio.StreamReader,
        server: asyncio.StreamReader,
    ) -> None:
        pumps = {
            asyncio.create_task(self._pump(connection, client, Direction.TO_SERVER)),
            asyncio.create_task(self._pump(connection, server, Direction.TO_CLIENT)),
        }
        try:
            # Either side's end ends both: Asterisk and its clients never half-close.
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self, connection: ProxiedConnection, reader: asyncio.StreamReader, direction: Direction
    ) -> None:
        while data := await reader.read(READ_BYTES):
            if direction is Direction.TO_SERVER and len(connection.sent) < RECORDED_BYTES_MAX:
                connection.sent += data
            pieces = [data]
            if self.transform is not None:
                pieces = self.transform(connection, direction, data)
            for piece in pieces:
                while self._stalled is not None and self._stalled(connection, direction):
                    await self._flowing.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await connection.write(direction, piece)


TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


def websocket_frame(
    opcode: int, payload: bytes, *, final: bool = True, reserved: int = 0, length: int | None = None
) -> bytes:
    """A frame as a server sends it (RFC 6455 §5.2): unmasked; ``length`` may lie."""
    first = (0x80 if final else 0) | (reserved << 4) | opcode
    size = len(payload) if length is None else length
    if size < 126:
        header = struct.pack("!BB", first, size)
    elif size < 1 << 16:
        header = struct.pack("!BBH", first, 126, size)
    else:
        header = struct.pack("!BBQ", first, 127, size)
    return header + payload
