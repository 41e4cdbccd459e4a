"""A TCP connection to the edge, for octets that no user agent would send."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from sim.sipp.ends import CRLF, Ends, headers, invite
from sim.sipp.probe import Answer, within

WAIT_S = 30.0
HEAD_BYTES_MAX = 200_000


class Stream:
    """One connection."""

    def __init__(self, ends: Ends, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.ends = ends
        self._reader = reader
        self._writer = writer

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, host: str, port: int, local_host: str) -> AsyncIterator["Stream"]:
        """Connect from an address."""
        reader, writer = await asyncio.open_connection(
            host, port, local_addr=(local_host, 0), limit=HEAD_BYTES_MAX
        )
        here, local_port = writer.get_extra_info("sockname")[:2]
        try:
            yield cls(Ends(host, port, here, local_port, "TCP"), reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def again(self) -> Ends:
        """Names for another call on this connection."""
        e = self.ends
        return Ends(e.host, e.port, e.local_host, e.local_port, "TCP")

    async def send(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        """Send octets, in pieces with pauses; a peer that hangs up is no error here."""
        with contextlib.suppress(OSError):
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()
                if pause_s:
                    await asyncio.sleep(pause_s)

    async def answer(self, *, wait_s: float = WAIT_S) -> Answer | None:
        """Give the next final answer; ``None`` if there is none in time, or the peer hangs up."""
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    head = await self._reader.readuntil(CRLF * 2)
                    head = head.lstrip(CRLF)
                    if not head:
                        continue
                    length = int((headers(head, "Content-Length") or ["0"])[0])
                    message = head + await self._reader.readexactly(length)
                    if message.startswith(b"SIP/2.0 ") and message[8:9] != b"1":
                        return Answer(int(message[8:11]), message, 0.0)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            return None

    async def end(self, ends: Ends, answer: Answer) -> None:
        """Acknowledge an accepted call and hang up."""
        await self.send(within(ends, answer, "ACK", 1), within(ends, answer, "BYE", 2))
        assert (await self.answer()) is not None


async def is_heard(stream: Stream, ends: Ends, *pieces: bytes, pause_s: float = 0.0) -> bool:
    """Send a call in pieces (one piece if none are given); tell whether it is taken, and end it."""
    await stream.send(*(pieces or (invite(ends),)), pause_s=pause_s)
    answer = await stream.answer()
    if answer is None or answer.code != 200:
        return False
    await stream.end(ends, answer)
    return True
