"""One message to a SIP port, from any address of this machine, and all that comes back.

A call that is accepted is acknowledged and ended along its route set (RFC 3261 §12.1.2), so that
nothing is left behind, whatever stands between.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, cast

from sim.sipp.ends import CRLF, Ends, headers, request

WAIT_S = 3.0
"""For a final answer. Who answers at all has answered by then, also on a busy machine."""
GRACE_S = 0.15
"""For what comes after a final answer and should not."""
QUEUE_MAX = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that came, with the seconds that it took."""

    code: int
    message: bytes
    after_s: float

    def headers(self, name: str) -> list[str]:
        """Give the values of a header, folded lines joined."""
        return headers(self.message, name)

    @property
    def body(self) -> bytes:
        """What follows the empty line."""
        return self.message.partition(CRLF * 2)[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back: answers to this message, requests within its call, and all else."""

    answers: tuple[Answer, ...]
    strangers: tuple[bytes, ...]
    requests: tuple[bytes, ...] = ()

    @property
    def final(self) -> Answer | None:
        """The first final answer."""
        return next((answer for answer in self.answers if answer.code >= 200), None)

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes of the answers in order of arrival."""
        return tuple(answer.code for answer in self.answers)

    @property
    def digit(self) -> str:
        """The first digit of the final answer; ``-`` where there was none."""
        return "-" if self.final is None else str(self.final.code)[0]


class Probe(asyncio.DatagramProtocol):
    """A UDP socket at an address of one's choice that asks one peer."""

    def __init__(self, host: str, port: int) -> None:
        self.peer = (host, port)
        self._received: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_MAX)
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, host: str, port: int, *, local_host: str = "127.0.0.1") -> Self:
        """Bind a free port of ``local_host``."""
        _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: cls(host, port), local_addr=(local_host, 0)
        )
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Queue a datagram; what does not fit is dropped, as UDP would."""
        if not self._received.full():
            self._received.put_nowait(data)

    def ends(self) -> Ends:
        """Give names for a new message."""
        assert self._transport is not None
        local_host, local_port = self._transport.get_extra_info("sockname")[:2]
        return Ends(self.peer[0], self.peer[1], local_host, local_port)

    def send(self, message: bytes) -> None:
        """Send one datagram."""
        assert self._transport is not None
        self._transport.sendto(message, self.peer)

    async def ask(
        self, build: Callable[[Ends], bytes], *, wait_s: float = WAIT_S, hang_up: bool = True
    ) -> Outcome:
        """Send a message and collect what comes back; end the call that it may have become."""
        ends = self.ends()
        message = build(ends)
        began = time.monotonic()
        self.send(message)
        answers: list[Answer] = []
        strangers: list[bytes] = []
        requests: list[bytes] = []
        names = [ends.branch.encode(), ends.call_id.encode()]
        wait = wait_s
        while (data := await self._next(began, wait)) is not None:
            if not any(name in data for name in names):
                strangers.append(data)
                continue
            if not data.startswith(b"SIP/2.0 "):
                requests.append(data)
                self.send(accepted(data))
                continue
            answer = Answer(int(data[8:11]), data, time.monotonic() - began)
            # Perhaps the message said another than we meant.
            names += [name.encode() for name in answer.headers("Call-ID") if name]
            if answer.code >= 200 and all(earlier.code < 200 for earlier in answers):
                self.finish(ends, message, answer, hang_up=hang_up)
                wait = answer.after_s + GRACE_S
            answers.append(answer)
        return Outcome(tuple(answers), tuple(strangers), tuple(requests))

    async def _next(self, began: float, wait_s: float) -> bytes | None:
        try:
            async with asyncio.timeout(max(began + wait_s - time.monotonic(), 0)):
                return await self._received.get()
        except TimeoutError:
            return None

    def finish(self, ends: Ends, message: bytes, answer: Answer, *, hang_up: bool = True) -> None:
        """Acknowledge a final answer to INVITE, and end the call if it is one."""
        sequence = (answer.headers("CSeq") or ["0 -"])[0].split()
        if sequence[-1] != "INVITE":
            return
        if answer.code >= 300:
            # RFC 3261 §17.1.1.3: to the same URI, with the same topmost Via.
            target = message.split(CRLF)[0].decode("utf-8", "replace").split()[1]
            self.send(
                within(ends, answer, "ACK", int(sequence[0]), target=target, branch=ends.branch)
            )
            return
        self.send(within(ends, answer, "ACK", int(sequence[0])))
        if hang_up:
            self.send(within(ends, answer, "BYE", int(sequence[0]) + 1))

    def close(self) -> None:
        """Let go of the port."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


def accepted(message: bytes) -> bytes:
    """Answer a request with 200 (RFC 3261 §8.2.6)."""
    names = ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq")
    lines = [f"{name}: {value}" for name in names for value in headers(message, name)]
    text = "\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""])
    return text.encode("utf-8", "surrogateescape")


def within(
    ends: Ends,
    answer: Answer,
    method: str,
    sequence: int,
    *,
    target: str = "",
    branch: str = "",
    body: bytes = b"",
    more: tuple[str, ...] = (),
) -> bytes:
    """Write a request inside the dialog that ``answer`` made, or the ACK of a refusal."""
    contact = (answer.headers("Contact") or [""])[0]
    remote = target or contact.partition("<")[2].partition(">")[0] or ends.uri
    chosen = branch or "z9hG4bK" + secrets.token_hex(8)
    change = {
        "Via": f"SIP/2.0/{ends.transport} {ends.here};rport;branch={chosen}",
        "From": (answer.headers("From") or [""])[0],
        "To": (answer.headers("To") or [""])[0],
        "Call-ID": (answer.headers("Call-ID") or [""])[0],
        "CSeq": f"{sequence} {method}",
    }
    route = () if branch else tuple(reversed(answer.headers("Record-Route")))
    lines = tuple(f"Route: {value}" for value in route)
    return request(
        f"{method} {remote} SIP/2.0", ends.headers(method) | change, body, more=(*lines, *more)
    )
