"""Peers for ``bench.sms_pump``, each a process: ours, a library, and one that does nothing.

``python -m bench.sms_peers NAME PORT [URL]``. On each line of standard input it says what it has
done, as a JSON line; at the end of standard input it ends.
"""

import argparse
import asyncio
import json
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import smpplib.client
import structlog
from sqlalchemy.orm import Session as DatabaseSession

from ccserver import db
from ccserver.config import SMSBindSettings, SMSOperatorSettings, SMSSettings
from ccserver.db import Database
from ccserver.sms.gateway import SMSGateway
from ccserver.sms.pdu import Status as OurStatus
from ccserver.sms.session import Delivered, Session
from ccserver.texts import Delivery, IncomingText
from sim.smsc.wire import HEADER, RESPONSE, Command, Packet, cstring

HOST = "127.0.0.1"
SYSTEM_ID, PASSWORD = "pump", "secret"
REQUEST_TIMEOUT_S = 20.0
LIBRARY_TIMEOUT_S = 60

Says = Callable[[], Mapping[str, int]]


def bind_body() -> bytes:
    """Of a bind as transceiver."""
    fields = [cstring(SYSTEM_ID), cstring(PASSWORD), cstring(""), b"\x34\0\0", cstring("")]
    return b"".join(fields)


class Nothing(asyncio.Protocol):
    """Answers everything at once, with as little work as Python can: the pump's own ceiling."""

    answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bind."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = bytearray()
        transport.write(Packet(Command.BIND_TRANSCEIVER, 0, 1, bind_body()).encode())

    def data_received(self, data: bytes) -> None:
        """Answer."""
        buffer, at, out = self.buffer, 0, []
        buffer += data
        while len(buffer) - at >= HEADER.size:
            length, command, _, sequence = HEADER.unpack_from(buffer, at)
            if len(buffer) - at < length:
                break
            if command == Command.DELIVER_SM:
                out.append(HEADER.pack(17, Command.DELIVER_SM | RESPONSE, 0, sequence) + b"\0")
            at += length
        del buffer[:at]
        self.answered += len(out)
        self.transport.write(b"".join(out))


async def nothing(port: int, _url: str) -> Says:
    """The null peer."""
    _, peer = await asyncio.get_running_loop().create_connection(Nothing, HOST, port)
    return lambda: {"answered": peer.answered}


async def library(port: int, _url: str) -> Says:
    """``smpplib.client``, which parses every field and keeps nothing, in a thread of its own."""
    count: Counter[str] = Counter()
    client = smpplib.client.Client(
        HOST, port, timeout=LIBRARY_TIMEOUT_S, allow_unknown_opt_params=True
    )

    def received(pdu: Any) -> None:
        count["answered"] += 1

    def work() -> None:
        client.connect()
        client.bind_transceiver(system_id=SYSTEM_ID, password=PASSWORD)
        client.listen(auto_send_enquire_link=False)

    client.set_message_received_handler(received)
    threading.Thread(target=work, daemon=True).start()
    return lambda: dict(count)


def settings(port: int) -> SMSOperatorSettings:
    """An operator with one bind."""
    bind = SMSBindSettings(
        name="pump-1", host=HOST, port=port, system_id=SYSTEM_ID, password=PASSWORD
    )
    return SMSOperatorSettings(name="pump", binds=(bind,))


class AtOnce:
    """Takes what a session of ours delivers without keeping it."""

    def __init__(self) -> None:
        self.answered = 0

    def delivered(self, session: Session, delivered: Delivered) -> None:
        """Acknowledge."""
        self.answered += 1
        session.acknowledge(delivered, OurStatus.ROK)

    def state_changed(self, _session: Session) -> None:
        """Nothing depends on it."""


async def session(port: int, _url: str) -> Says:
    """Our session without a store."""
    operator, handler = settings(port), AtOnce()
    keep(asyncio.create_task(Session(operator.binds[0], operator, handler).run()))
    return lambda: {"answered": handler.answered}


class Clock:
    """Both kinds of time."""

    def now(self) -> datetime:
        """UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic()


class Counting:
    """Takes what the gateway hands on, and counts it."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    def texts(self, session: DatabaseSession, texts: Sequence[IncomingText]) -> None:
        """Count."""
        self.count["texts"] += len(texts)
        self.count["duplicates"] += sum(text.duplicate for text in texts)

    def is_aml(self, text: str) -> bool:
        """By its first letters."""
        return text.startswith('A"ML=')

    def is_aml_tail(self, text: str) -> bool:
        """None comes."""
        return False

    def aml(self, session: DatabaseSession, **_given: object) -> None:
        """Count."""
        self.count["aml"] += 1

    def deliveries(self, session: DatabaseSession, deliveries: Sequence[Delivery]) -> None:
        """Count."""
        self.count["deliveries"] += len(deliveries)

    def stored(self, kinds: frozenset[str]) -> None:
        """Nobody is told."""


async def gateway(port: int, url: str) -> Says:
    """Our gateway with its store in the database of ``url``."""
    db.upgrade(url)
    database, takers = Database(url, request_timeout_s=REQUEST_TIMEOUT_S), Counting()
    made = SMSGateway(database, SMSSettings(operators=(settings(port),)), takers, clock=Clock())
    keep(asyncio.create_task(made.run()))
    return lambda: {
        "answered": made.inbox.stored,
        "refused": made.inbox.refused_full + made.inbox.refused_away,
        "backlog": made.processor.backlog,
        **takers.count,
    }


PEERS = {"null": nothing, "smpplib": library, "session": session, "gateway": gateway}
_kept: list[asyncio.Task[None]] = []


def keep(task: asyncio.Task[None]) -> None:
    """Hold on to a task; one that fails ends the process, loudly."""
    _kept.append(task)
    task.add_done_callback(lambda done: done.result())


async def run(name: str, port: int, url: str) -> None:
    """Work until standard input ends."""
    says = await PEERS[name](port, url)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(says()), flush=True)


def main() -> None:
    """Be one of them."""
    parser = argparse.ArgumentParser(prog="python -m bench.sms_peers", description=__doc__)
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("port", type=int)
    parser.add_argument("url", nargs="?", default="")
    chosen = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    asyncio.run(run(chosen.name, chosen.port, chosen.url))


if __name__ == "__main__":
    main()
