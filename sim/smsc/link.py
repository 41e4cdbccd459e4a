"""One peer's connection to the message centre: its bind, what it has not answered, what is written.

Writing is where links misbehave: pieces of one octet, many packets in a segment, an end in the
middle of a packet.
"""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sim.smsc.faults import Dice, Faults
from sim.smsc.wire import RESPONSE, Command, Packet, Status, WireError, take_packets

READ_BYTES = 64 * 1024
BUFFERED_BYTES_MAX = 4 * 1024 * 1024
"""A peer that reads nothing is cut off before it fills our memory."""
FAREWELL_S = 2.0
"""For the last octets to a peer that is told why the link ends."""
SMALL_PIECE_BYTES = 40
SLOW_PIECES_MAX = 60
"""So that one packet does not take for ever."""
PIECE_AFTER_S = 0.002
HELD_S = 0.03
SEQUENCE_MAX = 0x7FFF_FFFF
UNKNOWN_SEQUENCE = 0x7000_0000
"""Sequence numbers of what is not a request of this run; no run sends that many."""
BAD_LENGTHS = (0, 15, 0x7FFF_FFFF)
UNKNOWN_COMMAND = 0x0000_0110


@dataclass(eq=False, slots=True)
class Delivery:
    """One message to the peer."""

    body: bytes
    command: int = Command.DELIVER_SM
    statuses: list[int] = field(default_factory=list)
    """What the peer answered, time after time."""
    attempts: int = 0
    acknowledged: bool = False
    copy: bool = False
    """It was sent once more although it had been acknowledged."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the operator knows of a peer."""

    system_id: str
    password: str
    binds_max: int = 2
    window: int = 10
    """How many messages to the peer may be unacknowledged at a time, on each bind."""


class Link:
    """A connection; ``serve`` reads until it ends, and hands every packet to ``take``."""

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        *,
        faults: Callable[[], Faults],
        dice: Dice,
        counts: Counter[str],
        take: Callable[["Link", Packet], None],
        enquire_s: float,
    ) -> None:
        self.account: Account | None = None
        self.receives = False
        """The peer takes deliver_sm."""
        self.sends = False
        """The peer may submit."""
        self.pending: dict[int, tuple[Delivery, asyncio.TimerHandle]] = {}
        """What the peer has not answered, by sequence, with the end of our patience."""
        self.interface_version = 0
        self.closed = False
        self._reader, self._writer = streams
        self._faults = faults
        self._dice = dice
        self._counts = counts
        self._take = take
        self._enquire_s = enquire_s
        self._sequence = 0
        self._out = bytearray()
        self._cut = False
        self._writable = asyncio.Event()

    @property
    def free(self) -> int:
        """How many more messages may be on their way."""
        if self.account is None or not self.receives or self.closed:
            return 0
        return self.account.window - len(self.pending)

    async def serve(self) -> None:
        """Read and write until the connection ends, whoever ends it."""
        writing = asyncio.create_task(self._write_all())
        try:
            await self._read_all()
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            self.closed = True
            if self._cut:
                await asyncio.wait([writing], timeout=FAREWELL_S)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            self.abort()

    def next_sequence(self) -> int:
        """For a request of ours."""
        self._sequence = self._sequence % SEQUENCE_MAX + 1
        return self._sequence

    def write(self, data: bytes) -> None:
        """Any octets; after what was written before."""
        if self.closed or self._cut:
            return
        self._out += data
        if len(self._out) > BUFFERED_BYTES_MAX:
            self._counts["unread"] += 1
            self.abort()
        self._writable.set()

    def send(self, packet: Packet) -> None:
        """One packet as it should be."""
        self.write(packet.encode())

    def send_faulty(self, packet: Packet) -> None:
        """One packet, with what the dice put before it or do to it."""
        faults, data = self._faults(), packet.encode()
        if self._dice.hit(faults.garbage):
            self._counts["garbage"] += 1
            self.write(self._garbage())
        if self._dice.hit(faults.bad_length):
            self._counts["bad_length"] += 1
            length = self._dice.random.choice(BAD_LENGTHS)
            self.write(length.to_bytes(4) + Packet(packet.command, 0, packet.sequence).encode()[4:])
        if self._dice.hit(faults.drop):
            self._counts["dropped"] += 1
            self.write(data[: self._dice.random.randrange(1, len(data))])
            self._cut = True
            self._writable.set()
            return
        self.write(data)

    def abort(self) -> None:
        """End it at once, without a farewell."""
        self._writer.transport.abort()

    def close(self) -> None:
        """End it after what is written has left."""
        self._cut = True
        self._writable.set()

    def _garbage(self) -> bytes:
        """What no peer asked for and none may fall over; no text is in it, so none is lost."""
        random = self._dice.random
        sequence = UNKNOWN_SEQUENCE + random.randrange(0x0FFF_FFFF)
        command = random.choice(
            [
                UNKNOWN_COMMAND,
                UNKNOWN_COMMAND | RESPONSE,
                Command.SUBMIT_SM | RESPONSE,
                Command.ENQUIRE_LINK,
                Command.GENERIC_NACK,
            ]
        )
        status = random.choice([0, Status.VENDOR + random.randrange(256)])
        return Packet(command, status, sequence, random.randbytes(random.randrange(40))).encode()

    async def _read_all(self) -> None:
        buffer, asked = bytearray(), False
        while True:
            try:
                async with asyncio.timeout(self._enquire_s):
                    data = await self._reader.read(READ_BYTES)
            except TimeoutError:
                if asked:
                    self._counts["silent"] += 1
                    return
                asked = True
                self.send(Packet(Command.ENQUIRE_LINK, 0, UNKNOWN_SEQUENCE))
                continue
            asked = False
            if not data:
                return
            buffer += data
            try:
                packets = take_packets(buffer)
            except WireError:
                self._counts["unreadable"] += 1
                self.send(Packet(Command.GENERIC_NACK, Status.INVALID_COMMAND_LENGTH, 0))
                self.close()
                return
            for packet in packets:
                self._take(self, packet)

    async def _write_all(self) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            while not (self._cut and not self._out):
                await self._writable.wait()
                self._writable.clear()
                await self._write_some()
            self._writer.close()
            await self._writer.wait_closed()

    async def _write_some(self) -> None:
        faults = self._faults()
        if self._dice.hit(faults.held):
            self._counts["held"] += 1
            await asyncio.sleep(HELD_S)
        data, self._out = bytes(self._out), bytearray()
        if not self._dice.hit(faults.slow):
            self._writer.write(data)
            await self._writer.drain()
            return
        self._counts["slow"] += 1
        at = 0
        for _ in range(SLOW_PIECES_MAX):
            if at >= len(data):
                break
            size = self._dice.random.choice([1, 1, 3, SMALL_PIECE_BYTES])
            self._writer.write(data[at : at + size])
            at += size
            await self._writer.drain()
            await asyncio.sleep(PIECE_AFTER_S)
        self._writer.write(data[at:])
        await self._writer.drain()
