"""A message centre that does nothing but deliver, as fast as the window lets it.

``bench.sms`` starts it as a process of its own. It waits for one bind, delivers some messages to
warm the peer up, then so many that count, and prints one JSON line at each step: ``port``,
``warm`` (how long the warming took), and ``done`` with its figures. Nothing is parsed but headers,
and answers are met with the next messages in one write, so that the peer is what is measured; how
far that is true is what the ``null`` peer shows.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import threading
import time
from array import array
from collections import Counter

from sim.smsc import Message, Packet, Party
from sim.smsc.wire import BINDS, HEADER, RESPONSE, Command, Status, cstring

HOST = "127.0.0.1"
CITIZENS = 50_000
"""Enough that conversations are many, and few enough that some write again."""
NUMBER_AT = "37120000000"
PLACE = b"#0000000#"
TEXTS = (
    ("Fire at Brivibas iela 15, third floor, two people inside ", 0),
    ("Palīgā! Deg māja, Dzirnavu iela 7, dzīvoklis 12 ", 8),
    ("Помогите, плохо с сердцем, Маскавас 120 ", 8),
)


def bodies() -> list[tuple[bytes, bytes, bytes, bool]]:
    """Each text's body in three pieces, between which its sender and its number are written."""
    found = []
    for text, coding in TEXTS:
        wide = coding == 8  # UCS-2
        written = text.encode("utf-16-be") if wide else text.encode("ascii")
        place = PLACE.decode().encode("utf-16-be") if wide else PLACE
        message = Message(Party(NUMBER_AT), Party("112", 3, 1), written + place, coding)
        before, rest = message.encode().split(NUMBER_AT.encode(), 1)
        middle, after = rest.split(place, 1)
        found.append((before, middle, after, wide))
    return found


class Pump(asyncio.Protocol):
    """The only connection that counts; others are let in and given nothing."""

    def __init__(self, window: int, warm: int, count: int, say: "Say") -> None:
        self.window, self.warm, self.total = window, warm, warm + count
        self.statuses: Counter[int] = Counter()
        self.latencies = array("d", bytes(8 * count))
        self.finished = asyncio.Event()
        self.began = self.began_cpu = self.ended = 0.0
        self._say = say
        self._bodies = bodies()
        self._sent_at: dict[int, float] = {}
        self._buffer = bytearray()
        self._next = 0
        self._answered = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for its bind."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        """An end before the end is a failure that the figures show."""
        self.finished.set()

    def data_received(self, data: bytes) -> None:
        """Count answers, and send as many."""
        buffer = self._buffer
        buffer += data
        at, size, now = 0, len(buffer), time.perf_counter()
        while size - at >= HEADER.size:
            length, command, status, sequence = HEADER.unpack_from(buffer, at)
            if size - at < length:
                break
            if command == Command.DELIVER_SM | RESPONSE:
                self._answer(sequence, status, now)
            elif not command & RESPONSE:
                self._request(Packet(command, status, sequence))
            at += length
        del buffer[:at]
        self._fill()

    def _request(self, packet: Packet) -> None:
        name = cstring("pump") if packet.command in BINDS else b""
        self._transport.write(packet.answer(body=name).encode())
        if packet.command in BINDS:
            self.began = time.perf_counter()
            self._fill()

    def _answer(self, sequence: int, status: int, now: float) -> None:
        sent_at = self._sent_at.pop(sequence, None)
        if sent_at is None:
            return
        self.statuses[status] += 1
        if self._answered >= self.warm:
            self.latencies[self._answered - self.warm] = now - sent_at
        self._answered += 1
        if self._answered == self.warm:
            self._say("warm", seconds=round(now - self.began, 3))
            self.began, self.began_cpu = time.perf_counter(), cpu_s()
        if self._answered == self.total:
            self.ended = now
            self.finished.set()

    def _fill(self) -> None:
        """Send until the window is full, all in one write."""
        if not self.began:
            return
        out, now = [], time.perf_counter()
        # While warming up, nothing that counts is on its way.
        last = self.warm if self._answered < self.warm else self.total
        while len(self._sent_at) < self.window and self._next < last:
            number = self._next
            self._next += 1
            before, middle, after, wide = self._bodies[number % len(self._bodies)]
            place = f"{number:09d}".encode("utf-16-be" if wide else "ascii")
            sender = b"%011d" % (37_120_000_000 + number * 7919 % CITIZENS)
            body = b"".join((before, sender, middle, place, after))
            self._sent_at[number + 1] = now
            length = HEADER.size + len(body)
            out += [HEADER.pack(length, Command.DELIVER_SM, 0, number + 1), body]
        if out:
            self._transport.write(b"".join(out))


class Say:
    """Prints JSON lines."""

    def __call__(self, event: str, **data: object) -> None:
        """One of them."""
        print(json.dumps({"event": event, **data}), flush=True)


def milliseconds(latencies: "array[float]") -> dict[str, float]:
    """The median and the tails."""
    ordered = sorted(latencies)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3, 2)

    return {"p50": at(0.5), "p99": at(0.99), "max": at(1)}


def cpu_s() -> float:
    """This process's processor time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def run(window: int, warm: int, count: int) -> None:
    """Deliver them all, say the figures, and go on answering until somebody ends the process."""
    say, loop = Say(), asyncio.get_running_loop()
    pump = Pump(window, warm, count, say)
    server = await loop.create_server(lambda: pump, HOST, 0)
    say("port", port=server.sockets[0].getsockname()[1])
    await pump.finished.wait()
    say("done", **figures_of(pump, count))
    await asyncio.Event().wait()


def figures_of(pump: Pump, count: int) -> dict[str, object]:
    """What was measured."""
    seconds = pump.ended - pump.began
    if seconds <= 0:
        return {"failure": "the peer went away", "answered": sum(pump.statuses.values())}
    refused = {
        f"{status:#x}": number for status, number in pump.statuses.items() if status != Status.OK
    }
    return {
        "per_s": round(count / seconds),
        "seconds": round(seconds, 2),
        "ack_ms": milliseconds(pump.latencies),
        "pump_cpu_s": round(cpu_s() - pump.began_cpu, 2),
        "refused": refused,
    }


def main() -> int:
    """Deliver and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.sms_pump", description=__doc__)
    parser.add_argument("--window", type=int, required=True)
    parser.add_argument("--warm", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    chosen = parser.parse_args()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(run(chosen.window, chosen.warm, chosen.messages))
    return 0


def _end_with_parent() -> None:
    """Nothing is left running when whoever started it has gone."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
