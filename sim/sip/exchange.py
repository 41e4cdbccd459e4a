"""The network outside, as calls of ours reach it: one address that forwards by the number called.

A stateless proxy over UDP (RFC 3261 §16.11): it stays out of the dialog, so what comes after the
answer goes straight between the two ends.
"""

import asyncio
import hashlib
from typing import Final, Self, cast

from sim.sip.message import (
    Header,
    Request,
    Response,
    SIPInvalid,
    is_port,
    parameters,
    parse,
    respond,
)

HOST: Final = "127.0.0.1"
Address = tuple[str, int]


class Exchange(asyncio.DatagramProtocol):
    """``async with Exchange(...)``; ``reach`` adds subscribers, ``otherwise`` has all others."""

    def __init__(self, *, host: str = HOST, otherwise: Address | None = None) -> None:
        self.host = host
        self.otherwise = otherwise
        self.unreadable = 0
        self._subscribers: dict[str, Address] = {}
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()

    @property
    def port(self) -> int:
        """The bound port."""
        if self._transport is None:
            raise RuntimeError("the exchange is closed")
        return int(self._transport.get_extra_info("sockname")[1])

    @property
    def uri(self) -> str:
        """Where calls out are sent."""
        return f"sip:{self.host}:{self.port}"

    def reach(self, number: str, host: str, port: int) -> None:
        """Forward calls of this number there; ``+`` makes no difference."""
        self._subscribers[number.lstrip("+")] = (host, port)

    # -- asyncio ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Forward one message; what cannot be read is counted and dropped."""
        try:
            message = parse(data)
            if isinstance(message, Response):
                self._forward_response(message)
            else:
                self._forward_request(message, (str(addr[0]), int(addr[1])))
        except SIPInvalid:
            self.unreadable += 1

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there: the caller's timers tell it."""

    def _forward_request(self, request: Request, source: Address) -> None:
        number = request.uri.partition(":")[2].partition("@")[0].lstrip("+")
        target = self._subscribers.get(number, self.otherwise)
        if target is None:
            if request.method != "ACK":
                self._send(bytes(respond(request, 404, tag="exchange")), source)
            return
        branch, top = request.branch, request.values("Via")[0]
        # The same for a repeated request, an ACK and a CANCEL, as they have the same branch.
        mark = hashlib.sha256(f"{branch}{request.call_id}".encode()).hexdigest()[:16]
        own = f"SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{mark}"
        told = top if "received" in parameters(top) else _received(top, source)
        rest = request.values("Via")[1:]
        headers: tuple[Header, ...] = (("Via", own), ("Via", told), *(("Via", v) for v in rest))
        others = request.without("Via", "Route").headers
        forwarded = Request((*headers, *others), request.body, request.method, request.uri)
        self._send(bytes(forwarded), target)

    def _forward_response(self, response: Response) -> None:
        vias = response.values("Via")
        if len(vias) < 2:
            raise SIPInvalid("the response is not for us")
        headers = (*(("Via", via) for via in vias[1:]), *response.without("Via").headers)
        sent = Response(headers, response.body, response.code, response.reason)
        self._send(bytes(sent), _way_back(vias[1]))

    def _send(self, data: bytes, to: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(data, to)


def _received(via: str, source: Address) -> str:
    """Note in a Via where it really came from (RFC 3581 §4)."""
    pieces = [piece for piece in via.split(";") if piece.strip().lower() != "rport"]
    return ";".join([*pieces, f"received={source[0]}", f"rport={source[1]}"])


def _way_back(via: str) -> Address:
    told = parameters(via)
    sent_by = via.partition(";")[0].rpartition(" ")[2]
    host, _, port = sent_by.partition(":")
    chosen = told.get("rport") or port or "5060"
    if not is_port(chosen):
        raise SIPInvalid("a Via has no port")
    return told.get("received") or host, int(chosen)
