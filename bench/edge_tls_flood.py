"""Strangers who use up the edge's TLS, from fifty addresses, until SIGINT; prints how much.

Run as ``python -m bench.edge_tls_flood PORT KIND``, by `bench.edge_tls` and a test. Kinds:

* ``handshakes``: complete ones, each closed at once, as fast as four threads can.
* ``half-open``: connections that begin a handshake and go on with an octet every two seconds,
  opened again as soon as the edge closes them.
* ``silent``: connections that say nothing; with the port of TCP, strangers there.
"""

import contextlib
import itertools
import selectors
import signal
import socket
import ssl
import sys
import threading
import time

EDGE = "127.0.0.1"
ADDRESSES = 50
THREADS = 4
OPEN_MAX = 3_000
"""More than the edge keeps."""
OPENED_AT_ONCE = 50
DRIP_S = 2.0
RECORD = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" + bytes(0x3FFC)
"""A ClientHello as long as one may be, which is never finished."""


class Count:
    """Of what was done, by all threads."""

    def __init__(self) -> None:
        self.done = 0
        self.refused = 0


def address(number: int) -> str:
    """One of the strangers'."""
    return f"127.0.9.{number % ADDRESSES + 1}"


def handshakes(port: int, stop: threading.Event, count: Count) -> None:
    """One after the other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for number in itertools.count():
        if stop.is_set():
            return
        try:
            with (
                socket.create_connection((EDGE, port), 5, (address(number), 0)) as plain,
                context.wrap_socket(plain),
            ):
                count.done += 1
        except OSError:
            count.refused += 1


class Holder:
    """Opens connections, keeps each open as long as the edge lets it, and opens it anew."""

    def __init__(self, port: int, count: Count, *, speaking: bool) -> None:
        self.port, self.count, self.speaking = port, count, speaking
        self.selector = selectors.DefaultSelector()
        self.sent: dict[socket.socket, tuple[int, float]] = {}

    def open(self, number: int) -> None:
        """One more."""
        made = socket.socket()
        made.bind((address(number), 0))
        made.setblocking(False)
        made.connect_ex((EDGE, self.port))
        self.selector.register(made, selectors.EVENT_READ)
        self.sent[made] = (0, 0.0)
        self.count.done += 1

    def drop(self, connection: socket.socket) -> None:
        """The edge has closed it."""
        self.selector.unregister(connection)
        connection.close()
        del self.sent[connection]
        self.count.refused += 1

    def drip(self) -> None:
        """Go on with the handshakes that may wait no longer."""
        now = time.monotonic()
        for connection, (octets, at) in list(self.sent.items()):
            if now - at < DRIP_S:
                continue
            size = 16 if octets == 0 else 1
            try:
                connection.send(RECORD[octets : octets + size])
            except BlockingIOError:
                continue
            except OSError:
                self.drop(connection)
                continue
            self.sent[connection] = (octets + size, now)

    def run(self, stop: threading.Event) -> None:
        """Until stopped."""
        number = 0
        while not stop.is_set():
            for _ in range(min(OPENED_AT_ONCE, OPEN_MAX - len(self.sent))):
                self.open(number)
                number += 1
            for key, _ in self.selector.select(0.005):
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                with contextlib.suppress(BlockingIOError):
                    try:
                        if connection.recv(4096):
                            continue
                    except BlockingIOError:
                        continue
                    except OSError:
                        pass
                    self.drop(connection)
            if self.speaking:
                self.drip()
        for connection in self.sent:
            connection.close()


def flood(port: int, kind: str, stop: threading.Event) -> Count:
    """Until stopped."""
    count = Count()
    if kind != "handshakes":
        Holder(port, count, speaking=kind == "half-open").run(stop)
        return count
    threads = [
        threading.Thread(target=handshakes, args=(port, stop, count)) for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count


def main() -> None:
    """Until SIGINT."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    print("ready", flush=True)
    count = flood(int(sys.argv[1]), sys.argv[2], stop)
    print(count.done, count.refused)


if __name__ == "__main__":
    main()
