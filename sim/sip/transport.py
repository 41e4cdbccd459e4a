"""Datagrams and connections that carry SIP: UDP, TCP and TLS (RFC 3261 §18).

A `Flow` is the way back to one peer. Streams are cut into messages by their Content-Length.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, cast

from sim.sip.address import Hop
from sim.sip.message import (
    END_OF_HEADERS,
    MESSAGE_BYTES_MAX,
    SIPInvalid,
    content_length,
    long_name,
)
from sim.sip.waits import within

CONNECT_S: Final = 5.0
READ_BYTES: Final = 64 * 1024
KEEPALIVE: Final = b"\r\n\r\n"
PONG: Final = b"\r\n"


class Flow(Protocol):
    """The way to one peer."""

    @property
    def protocol(self) -> str:
        """``udp``, ``tcp`` or ``tls``."""

    @property
    def peer(self) -> tuple[str, int]:
        """Address and port of the other side."""

    @property
    def closed(self) -> bool:
        """Nothing can be sent any more."""

    def send(self, data: bytes) -> None:
        """Send one message; raises ``OSError`` where that is known to fail."""


Taken = Callable[[bytes, Flow], None]


class Framer:
    """Cuts a stream into messages (RFC 3261 §18.3)."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take octets and give the messages that are whole; raises `SIPInvalid` and is lost then.

        Empty lines between messages are keep-alives (RFC 5626 §3.5.1) and are left out.
        """
        self._buffer += data
        whole: list[bytes] = []
        while True:
            self._buffer = self._buffer.lstrip(b"\r\n")
            end = self._buffer.find(END_OF_HEADERS)
            if end < 0:
                break
            size = end + len(END_OF_HEADERS) + _length(self._buffer[:end])
            if size > MESSAGE_BYTES_MAX:
                raise SIPInvalid("the message is too long")
            if len(self._buffer) < size:
                break
            whole.append(self._buffer[:size])
            self._buffer = self._buffer[size:]
        if len(self._buffer) > MESSAGE_BYTES_MAX:
            raise SIPInvalid("the headers do not end")
        return whole


def _length(head: bytes) -> int:
    for line in head.decode("utf-8", "surrogateescape").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if long_name(name.strip()) == "content-length":
            return content_length(value.strip()) or 0
    raise SIPInvalid("a message on a stream has no Content-Length")


@dataclass(frozen=True, slots=True)
class _Datagrams:
    """A peer reached by our one UDP socket."""

    transport: asyncio.DatagramTransport
    peer: tuple[str, int]
    protocol: str = "udp"

    @property
    def closed(self) -> bool:
        return self.transport.is_closing()

    def send(self, data: bytes) -> None:
        self.transport.sendto(data, self.peer)


class _UDP(asyncio.DatagramProtocol):
    def __init__(self, take: Taken) -> None:
        self._take = take
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        if self.transport is not None and data.strip(b"\r\n\0"):
            self._take(data, _Datagrams(self.transport, (str(addr[0]), int(addr[1]))))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there: the transaction's timer tells it."""


class Connection:
    """One TCP or TLS connection, opened by either side."""

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        protocol: str,
        take: Taken,
    ) -> None:
        self._reader, self._writer = streams
        self._take = take
        self.protocol = protocol
        self.peer: tuple[str, int] = self._writer.get_extra_info("peername")[:2]
        self.ended = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Nothing can be sent any more."""
        return self._writer.is_closing() or self.ended.is_set()

    def send(self, data: bytes) -> None:
        """Send one message; raises ``OSError``."""
        if self.closed:
            raise ConnectionResetError("the connection has ended")
        self._writer.write(data)

    def close(self) -> None:
        """End the connection."""
        self._writer.close()

    async def read(self) -> None:
        """Hand over every message until the connection ends."""
        framer = Framer()
        try:
            while data := await self._reader.read(READ_BYTES):
                if data == KEEPALIVE:
                    self.send(PONG)
                for message in framer.feed(data):
                    self._take(message, self)
        except (OSError, SIPInvalid, ssl.SSLError):
            pass  # a stream that lost its measure cannot be read on
        finally:
            self.ended.set()
            self._writer.close()


class Transports:
    """One address and port on UDP, TCP and, with certificates, TLS at the port above."""

    def __init__(
        self,
        take: Taken,
        *,
        tls_client: ssl.SSLContext | None = None,
        tls_server: ssl.SSLContext | None = None,
    ) -> None:
        self._take = take
        self._tls_client = tls_client
        self._tls_server = tls_server
        self._udp: asyncio.DatagramTransport | None = None
        self._servers: list[asyncio.Server] = []
        self._connections: dict[Hop, Connection] = {}
        self._readers: set[asyncio.Task[None]] = set()
        self.host = ""
        self.port = 0
        self.tls_port = 0

    async def open(self, host: str, port: int = 0) -> None:
        """Listen; port 0 takes a free one that UDP and TCP have in common. Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        for attempt in range(20):
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _UDP(self._take), local_addr=(host, port)
            )
            bound = int(transport.get_extra_info("sockname")[1])
            try:
                server = await asyncio.start_server(
                    lambda r, w: self._accepted(r, w, "tcp"), host, bound
                )
            except OSError:
                transport.close()
                if port or attempt == 19:
                    raise
                continue
            self._udp, self._servers = transport, [server]
            self.host, self.port = host, bound
            break
        if self._tls_server is not None:
            server = await asyncio.start_server(
                lambda r, w: self._accepted(r, w, "tls"), host, 0, ssl=self._tls_server
            )
            self._servers.append(server)
            self.tls_port = int(server.sockets[0].getsockname()[1])
        sock = self._udp.get_extra_info("socket") if self._udp else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    def port_of(self, protocol: str) -> int:
        """The port on which this protocol is heard."""
        return self.tls_port or self.port if protocol == "tls" else self.port

    async def flow_to(self, hop: Hop) -> Flow:
        """Give the way there, connecting if need be; raises ``OSError``."""
        if hop.protocol == "udp":
            if self._udp is None:
                raise ConnectionResetError("the agent is closed")
            return _Datagrams(self._udp, (hop.host, hop.port))
        known = self._connections.get(hop)
        if known is not None and not known.closed:
            return known
        context = None
        if hop.protocol == "tls":
            context = self._tls_client or ssl.create_default_context()
        async with within(CONNECT_S, lambda: f"{hop.host}:{hop.port} takes no {hop.protocol}"):
            streams = await asyncio.open_connection(
                hop.host, hop.port, ssl=context, local_addr=(self.host, 0)
            )
        connection = Connection(streams, hop.protocol, self._take)
        self._connections[hop] = connection
        self._read(connection)
        return connection

    def drop_connections(self) -> None:
        """End every connection, as a car does that loses its network."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    async def close(self) -> None:
        """Let go of everything."""
        for server in self._servers:
            server.close()
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self.drop_connections()
        if self._udp is not None:
            self._udp.close()
            self._udp = None

    async def _accepted(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: str
    ) -> None:
        connection = Connection((reader, writer), protocol, self._take)
        self._connections[Hop(protocol, *connection.peer)] = connection
        self._read(connection)

    def _read(self, connection: Connection) -> None:
        task = asyncio.create_task(connection.read(), name=f"sip-{connection.protocol}")
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)
