"""The least that can bind to a message centre: tests decide every packet."""

import asyncio
import ssl
from types import TracebackType
from typing import Self

from sim.smsc.wire import (
    HEADER,
    RESPONSE,
    Command,
    Message,
    Packet,
    Party,
    Status,
    cstring,
    take_packets,
)

DEADLINE_S = 60.0
US = Party("112", ton=3, npi=1)


def bind_body(system_id: str, password: str) -> bytes:
    fields = [cstring(system_id), cstring(password), cstring(""), b"\x34\0\0", cstring("")]
    return b"".join(fields)


class Peer:
    """``async with Peer(port)`` is connected; nothing is answered unless the test does."""

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.tls = tls
        self.reads = 0
        """How many reads of the socket brought something."""
        self._packets: list[Packet] = []
        self._buffer = bytearray()
        self._sequence = 0

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.tls, server_hostname="localhost" if self.tls else None
        )
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.writer.transport.abort()

    async def ask(self, command: int, body: bytes = b"") -> Packet:
        """Send a request; gives its answer, whatever else comes before it."""
        sequence = self.send(command, body)
        while True:
            for packet in self._packets:
                if packet.command == command | RESPONSE and packet.sequence == sequence:
                    self._packets.remove(packet)
                    return packet
            await self._read()

    def send(self, command: int, body: bytes = b"") -> int:
        self._sequence += 1
        self.writer.write(Packet(command, 0, self._sequence, body).encode())
        return self._sequence

    async def bind(self, command: int = Command.BIND_TRANSCEIVER) -> None:
        answer = await self.ask(command, bind_body("ccserver", "secret"))
        assert answer.status == Status.OK

    def answer(self, packet: Packet, status: int = Status.OK) -> None:
        body = cstring("") if packet.command in (Command.DELIVER_SM, Command.DATA_SM) else b""
        self.writer.write(packet.answer(status, body).encode())

    async def packet(self) -> Packet:
        """The next one; raises `EOFError` at the end of the connection."""
        while not self._packets:
            await self._read()
        return self._packets.pop(0)

    async def delivered(self, *, status: int | None = Status.OK) -> Message:
        """The next deliver_sm, answered (unless the status is None)."""
        while True:
            packet = await self.packet()
            if packet.command == Command.DELIVER_SM:
                if status is not None:
                    self.answer(packet, status)
                return Message.parse(packet.body)

    async def _read(self) -> None:
        async with asyncio.timeout(DEADLINE_S):
            data = await self.reader.read(HEADER.size * 4096)
        if not data:
            raise EOFError
        self.reads += 1
        self._buffer += data
        self._packets += take_packets(self._buffer)


def reply(to: str, text: bytes, *, data_coding: int = 0, esm_class: int = 0) -> bytes:
    """The body of a submit_sm that wants a receipt."""
    return Message(
        source=US,
        destination=Party(to.removeprefix("+")),
        octets=text,
        data_coding=data_coding,
        esm_class=esm_class,
        registered_delivery=1,
    ).encode()
