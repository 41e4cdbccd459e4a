"""One audio stream (RFC 3550): A-law of some voices every 20 ms, and what came from the peer."""

import asyncio
import contextlib
import secrets
import struct
from dataclasses import dataclass
from typing import Final, cast

import numpy as np

from sim.audio import TONE_RATE, Samples, parties_heard
from sim.sip.g711 import ALAW_SILENCE, from_alaw, from_ulaw
from sim.sip.sdp import PCMA, PCMU
from sim.sip.voices import FRAME_OCTETS, Voices
from sim.sip.waits import within

FRAME_S: Final = 0.02
HEADER: Final = struct.Struct("!BBHII")
KEPT_OCTETS: Final = 120 * TONE_RATE
"""Two minutes of what was heard; the oldest goes."""
GAP_FRAMES_MAX: Final = 50
"""A longer gap is a new stream, and no silence is put in for it."""
LATE_FRAMES_MAX: Final = 10
"""After a longer pause of this process nothing is sent twice as fast to make up for it."""
LISTEN_S: Final = 1.0
POLL_S: Final = 0.1
HEARS_S: Final = 30.0
"""A tone is awaited that long: far more than a centre needs, on the most crowded machine."""
SOURCES_MAX: Final = 8
"""Streams from which packets are counted; a peer has one, and another after each change."""


@dataclass(slots=True)
class _Came:
    """Packets of one stream (SSRC) from one address."""

    packets: int = 0
    last_at: float = 0.0
    """Loop time."""


class Media(asyncio.DatagramProtocol):
    """A socket for one call; `open`, then `talk` to the peer, then `close`."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._sender: asyncio.Task[None] | None = None
        self._peer: tuple[str, int] | None = None
        self._heard = bytearray()
        self._law = PCMA
        self._stream: int | None = None
        self._last: int | None = None
        self._came: dict[tuple[str, int, int], _Came] = {}
        self._left_out = 0
        self.sent = 0
        self.received = 0

    @classmethod
    async def open(cls, host: str) -> "Media":
        """Bind a free port; raises ``OSError``."""
        loop = asyncio.get_running_loop()
        _, media = await loop.create_datagram_endpoint(cls, local_addr=(host, 0))
        return media

    @property
    def port(self) -> int:
        """The bound port."""
        if self._transport is None:
            raise RuntimeError("the stream is closed")
        return int(self._transport.get_extra_info("sockname")[1])

    def talk(self, host: str, port: int, voices: Voices | None) -> None:
        """Send there from now on whatever the voices say; for ``None`` nothing is sent."""
        self._peer = (host, port)
        if self._sender is not None:
            self._sender.cancel()
            self._sender = None
        if voices is not None and port:
            self._sender = asyncio.create_task(self._send(voices), name="sip-rtp")

    def samples(self, last_s: float | None = None) -> Samples:
        """What was heard, or the last seconds of it, at 8 kHz."""
        octets = self._heard
        if last_s is not None:
            octets = octets[-round(last_s * TONE_RATE) :]
        return from_ulaw(octets) if self._law == PCMU else from_alaw(octets)

    def parties(self, last_s: float = LISTEN_S) -> frozenset[int]:
        """Whose tones are in the last seconds."""
        samples = self.samples(last_s)
        return parties_heard(samples, TONE_RATE) if len(samples) else frozenset()

    async def hears(self, party: int, timeout_s: float = HEARS_S) -> float:
        """Wait until a party is heard, and give the seconds; raises ``TimeoutError``."""
        loop = asyncio.get_running_loop()
        began = loop.time()

        def missing() -> str:
            return f"party {party} is not heard: {self.account(max(timeout_s, LISTEN_S))}"

        async with within(timeout_s, missing):
            while True:
                if party in self.parties():
                    return loop.time() - began
                await asyncio.sleep(POLL_S)

    def account(self, last_s: float = LISTEN_S) -> str:
        """What is known of the sound, for whoever waited in vain; ``last_s`` is how far back."""
        heard = ", ".join(str(party) for party in sorted(self.parties(last_s))) or "nobody"
        told = [
            "closed" if self._transport is None else f"open on port {self.port}",
            f"heard in the last {last_s:g} s: {heard}, loudness {loudness(self.samples()):.3f}",
            f"received {self.received}",
        ]
        now = asyncio.get_running_loop().time()
        for (host, port, stream), came in self._came.items():
            told.append(
                f"{came.packets} of them from {host}:{port} as {stream:08x},"
                f" the last {now - came.last_at:.2f} s ago"
            )
        told.append(f"left out {self._left_out} that were late or no sound")
        peer = "nobody" if self._peer is None else f"{self._peer[0]}:{self._peer[1]}"
        told.append(f"sent {self.sent} to {peer}")
        return "; ".join(told)

    def close(self) -> None:
        """Let go of the port."""
        if self._sender is not None:
            self._sender.cancel()
            self._sender = None
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    # -- asyncio ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Keep the sound of a packet; RTCP and telephone events are none."""
        if len(data) <= HEADER.size or data[0] >> 6 != 2 or data[1] & 0x7F not in (PCMA, PCMU):
            self._left_out += 1
            return
        _, kind, sequence, _, stream = HEADER.unpack_from(data)
        offset = HEADER.size + 4 * (data[0] & 0x0F)
        self._count((str(addr[0]), int(addr[1]), stream))
        self._law = kind & 0x7F
        # Another stream counts from a number of its own, and nothing of it is late.
        if self._last is not None and stream == self._stream:
            missing = (sequence - self._last - 1) & 0xFFFF
            if missing > 0xFF00:
                self._left_out += 1  # it comes too late to be heard
                return
            if missing <= GAP_FRAMES_MAX:
                self._heard += bytes([ALAW_SILENCE]) * (FRAME_OCTETS * missing)
        self._stream, self._last = stream, sequence
        self._heard += data[offset:]
        if len(self._heard) > KEPT_OCTETS + TONE_RATE:
            del self._heard[:-KEPT_OCTETS]

    def error_received(self, exc: Exception) -> None:
        """The peer's port is closed: that is the signalling's to tell."""

    def _count(self, source: tuple[str, int, int]) -> None:
        self.received += 1
        if source not in self._came and len(self._came) >= SOURCES_MAX:
            self._came.pop(next(iter(self._came)))
        came = self._came.setdefault(source, _Came())
        came.packets += 1
        came.last_at = asyncio.get_running_loop().time()

    async def _send(self, voices: Voices) -> None:
        loop = asyncio.get_running_loop()
        source, sequence, stamp = secrets.randbits(32), secrets.randbits(15), secrets.randbits(31)
        due, number = loop.time(), 0
        while self._transport is not None and self._peer is not None:
            marker = 0 if number else 0x80
            head = HEADER.pack(0x80, PCMA | marker, sequence, stamp, source)
            with contextlib.suppress(OSError):
                self._transport.sendto(head + voices.frame(number), self._peer)
            self.sent += 1
            number += 1
            sequence, stamp = (sequence + 1) & 0xFFFF, (stamp + FRAME_OCTETS) & 0xFFFFFFFF
            due = max(due + FRAME_S, loop.time() - LATE_FRAMES_MAX * FRAME_S)
            await asyncio.sleep(max(due - loop.time(), 0))


def loudness(samples: Samples) -> float:
    """The root mean square of what was heard; 0 for nothing."""
    return float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0
