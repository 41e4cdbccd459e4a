"""Ports for an instance of the stack, so that several run side by side."""

import fcntl
import random
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BLOCK_PORTS = 420
FIRST_PORT = 12_000
LAST_PORT = 32_000  # below the range from which the kernel gives ports to clients
RTP_PORTS = 400
TRIES_MAX = 200


@dataclass(frozen=True, slots=True)
class Ports:
    """The instance's ports on the loopback address."""

    sip: int
    asterisk_http: int
    ami: int
    web: int
    edge: int
    edge_tls: int
    edge_control: int
    rtp_first: int
    rtp_last: int


class PortBlock:
    """A block of ports that no other instance takes while this object lives."""

    def __init__(
        self, *, sip: int | None = None, web: int | None = None, edge: int | None = None
    ) -> None:
        self._lock: IO[str] | None = None
        first = self._take()
        self.ports = Ports(
            sip=sip or first,
            asterisk_http=first + 1,
            ami=first + 2,
            web=web or first + 3,
            edge=edge or first + 4,
            edge_tls=first + 5,
            edge_control=first + 6,
            rtp_first=first + 10,
            rtp_last=first + 10 + RTP_PORTS - 1,
        )

    def release(self) -> None:
        """Let others have the block."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take(self) -> int:
        directory = Path(tempfile.gettempdir()) / "ccserver-ports"
        directory.mkdir(mode=0o777, exist_ok=True)
        blocks = list(range(FIRST_PORT, LAST_PORT - BLOCK_PORTS, BLOCK_PORTS))
        random.SystemRandom().shuffle(blocks)
        for first in blocks[:TRIES_MAX]:
            lock = (directory / str(first)).open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            if all(_free(first + offset) for offset in range(7)):
                self._lock = lock
                return first
            lock.close()
        raise RuntimeError("no free block of ports")


def _free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
