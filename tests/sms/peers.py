"""Peers for the tests of what speaks SMPP: texts to deliver, and a message centre on loopback.

The message centre does as it is told: it answers what a good one answers, unless a test takes an
answer over, and records what it was sent. It knows PDUs and nothing of sessions.
"""

import asyncio
import contextlib
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence

from ccserver.config import SMSBindSettings, SMSOperatorSettings
from ccserver.sms.pdu import PDU, RESPONSE_BIT, Command, FrameInvalid, Framer
from ccserver.sms.session import Delivered, Session

WITHIN_S = 60.0
"""For things that happen at once on an idle machine."""

Answer = Callable[["Client", PDU], PDU | None]
"""What a message centre says to a request; None: nothing, now or ever."""

BINDS = {Command.BIND_TRANSMITTER, Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER}


def text_body(text: bytes = b"hello", *, source: bytes = b"37120000001") -> bytes:
    """The body of a deliver_sm to 112."""
    addresses = b"\1\1" + source + b"\0" + b"\0\1" + b"112" + b"\0"
    return b"\0" + addresses + bytes(9) + bytes([len(text)]) + text


def deliver(sequence: int, text: bytes = b"hello") -> PDU:
    """A deliver_sm as any message centre sends it."""
    return PDU(Command.DELIVER_SM, 0, sequence, text_body(text))


def settings(port: int, **changes: object) -> SMSBindSettings:
    """A transceiver to a message centre on loopback."""
    values: dict[str, object] = {
        "name": "north-1",
        "host": "127.0.0.1",
        "port": port,
        "system_id": "centre",
        "password": "secret12",
    }
    return SMSBindSettings(**{**values, **changes})  # type: ignore[arg-type]


def operator(bind: SMSBindSettings, *, window: int = 10) -> SMSOperatorSettings:
    """The operator that has this bind alone."""
    return SMSOperatorSettings(name="north", binds=(bind,), window=window)


class Hurry(random.Random):
    """Chance that leaves no pause at all."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


class Inbox:
    """A handler that keeps what it is given, and acknowledges it at once where it should."""

    def __init__(self, *, answer: int | None = 0):
        self.answer = answer
        self.texts: list[Delivered] = []
        self.changes: list[bool] = []
        self._moved = asyncio.Event()

    def delivered(self, session: Session, delivered: Delivered) -> None:
        self.texts.append(delivered)
        self._moved.set()
        if self.answer is not None:
            session.acknowledge(delivered, self.answer)

    def state_changed(self, session: Session) -> None:
        self.changes.append(session.ready)
        self._moved.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that happened here made ``condition`` true."""
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self._moved.clear()
                await self._moved.wait()


class Client:
    """One connection as the message centre sees it."""

    def __init__(self, centre: "MessageCentre", writer: asyncio.StreamWriter):
        self.centre = centre
        self.writer = writer
        self.received: list[PDU] = []
        self.ended = False
        self._moved = asyncio.Event()

    def send(self, *pdus: PDU) -> None:
        """Write PDUs, all in one piece."""
        self.send_octets(b"".join(pdu.encode() for pdu in pdus))

    def send_octets(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def send_pieces(self, pieces: Sequence[bytes]) -> None:
        """Write each piece as a segment of its own, as far as the network is asked."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    def drop(self) -> None:
        """End the connection without a word (a reset)."""
        transport = self.writer.transport
        sock = transport.get_extra_info("socket")
        if sock is not None and transport.get_extra_info("sslcontext") is None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def noticed(self, pdu: PDU | None) -> None:
        if pdu is None:
            self.ended = True
        else:
            self.received.append(pdu)
        self._moved.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something received made ``condition`` true."""
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self._moved.clear()
                await self._moved.wait()

    async def answer_to(self, command: int, sequence: int) -> PDU:
        """The response of that kind and number."""
        found: list[PDU] = []

        def there() -> bool:
            found[:] = [
                pdu
                for pdu in self.received
                if pdu.command_id == command and pdu.sequence == sequence
            ]
            return bool(found)

        await self.until(there)
        return found[0]


class MessageCentre:
    """An SMSC on loopback; ``answers`` takes over the answers to a command."""

    def __init__(self) -> None:
        self.answers: dict[int, Answer] = {}
        self.clients: list[Client] = []
        self.port = 0
        self.greeting: bytes = b""
        """Written as soon as somebody connects."""
        self._moved = asyncio.Event()
        self._ids = 0

    async def client(self, number: int = 0) -> Client:
        """The connection with that number, once it is there and has sent a PDU."""
        async with asyncio.timeout(WITHIN_S):
            while len(self.clients) <= number or not self.clients[number].received:
                self._moved.clear()
                await self._moved.wait()
        return self.clients[number]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(self, writer)
        self.clients.append(client)
        framer = Framer()
        if self.greeting:
            writer.write(self.greeting)
        try:
            while octets := await reader.read(65_536):
                for frame in framer.feed(octets):
                    self._handle(client, PDU.parse(frame))
        except (ConnectionError, FrameInvalid):
            pass
        finally:
            client.noticed(None)
            self._moved.set()
            writer.close()

    def _handle(self, client: Client, pdu: PDU) -> None:
        client.noticed(pdu)
        self._moved.set()
        if pdu.is_response:
            return
        answer = self.answers.get(pdu.command_id, self.answer)(client, pdu)
        if answer is not None and not client.writer.is_closing():
            client.send(answer)

    def answer(self, _client: Client, pdu: PDU) -> PDU:
        """What a good message centre answers."""
        body = b""
        if pdu.command_id in BINDS:
            body = b"SMSC\0"
        elif pdu.command_id == Command.SUBMIT_SM:
            self._ids += 1
            body = b"%d\0" % self._ids
        return PDU(pdu.command_id | RESPONSE_BIT, 0, pdu.sequence, body)


@contextlib.asynccontextmanager
async def message_centre(
    tls: ssl.SSLContext | None = None, *, port: int = 0
) -> AsyncIterator[MessageCentre]:
    """A message centre that listens on loopback."""
    centre = MessageCentre()
    server = await asyncio.start_server(centre.serve, "127.0.0.1", port, ssl=tls)
    centre.port = server.sockets[0].getsockname()[1]
    try:
        yield centre
    finally:
        server.close()
        for client in centre.clients:
            client.writer.transport.abort()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def running(session: Session) -> AsyncIterator[Session]:
    """A session that is kept up for the length of the block."""
    task = asyncio.create_task(session.run())
    try:
        yield session
        assert not task.done(), "a session never ends by itself"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
