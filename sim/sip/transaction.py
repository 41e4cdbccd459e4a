"""Transactions (RFC 3261 §17): what is sent again until it is answered, and answered again.

Timers bear the RFC's letters. Over TCP and TLS nothing is sent again.
"""

import asyncio
import contextlib
from typing import Final

from sim.sip.message import Request, Response
from sim.sip.transport import Flow

T1_S: Final = 0.5
T2_S: Final = 4.0
TRANSACTION_T1S: Final = 64
"""Timers B, F, H and J: this many T1."""
RESPONSES_MAX: Final = 100
"""Of one transaction; a peer that rings for ever is left to its timer."""


class NoAnswer(Exception):
    """Nobody answered within timer B or F, or the way there is broken."""


class ClientTransaction:
    """A request of ours until its final response.

    ``sent`` is what goes over the wire: the request's octets, or what somebody made of them.
    """

    def __init__(
        self, request: Request, sent: bytes, flow: Flow, *, t1_s: float, is_invite: bool
    ) -> None:
        self.request = request
        self.flow = flow
        self.final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.provisional: list[Response] = []
        self.heard = asyncio.Event()
        """There was any answer, or there will be none: a CANCEL may go (§9.1)."""
        self.last_ack: bytes | None = None
        """The ACK of a final response, to be sent again when that comes again."""
        self._sent = sent
        self._times_sent = 0
        self._t1_s = t1_s
        self._is_invite = is_invite
        self._timers: list[asyncio.TimerHandle] = []
        self._give_up_at = 0.0

    def start(self) -> None:
        """Send, and set the timers."""
        loop = asyncio.get_running_loop()
        self._give_up_at = loop.time() + TRANSACTION_T1S * self._t1_s
        self._timers.append(loop.call_at(self._give_up_at, self._timer_b))
        self._send()
        if self.flow.protocol == "udp":
            self._timers.append(loop.call_later(self._t1_s, self._timer_a, self._t1_s))

    def take(self, response: Response) -> None:
        """A response of this transaction came."""
        self.heard.set()
        if response.code >= 200:
            if not self.final.done():
                self.final.set_result(response)
                self._stop()
            elif self.last_ack is not None:
                with contextlib.suppress(OSError):
                    self.flow.send(self.last_ack)
            return
        if len(self.provisional) < RESPONSES_MAX and not self.final.done():
            self.provisional.append(response)
            if self._is_invite:
                self._stop()  # whoever rings may do so for long: only a cancel ends it

    def fail(self, why: str) -> None:
        """Nobody will answer."""
        self._stop()
        self.heard.set()
        if not self.final.done():
            self.final.set_exception(NoAnswer(why))
            self.final.exception()  # told to whoever waits, and to nobody else

    def account(self) -> str:
        """What is known of it, for whoever waited in vain."""
        host, port = self.flow.peer
        codes = [str(response.code) for response in self.provisional]
        if self.final.done() and self.final.exception() is None:
            codes.append(str(self.final.result().code))
        return (
            f"{self.request.method} was sent {self._times_sent} times to {host}:{port} by"
            f" {self.flow.protocol}; answers: {', '.join(codes) or 'none'}"
        )

    def _send(self) -> None:
        self._times_sent += 1
        try:
            self.flow.send(self._sent)
        except OSError as error:
            self.fail(f"the way there is broken: {error}")

    def _timer_a(self, waited_s: float) -> None:
        """Timers A and E: send again."""
        if self.final.done():
            return
        self._send()
        again_s = 2 * waited_s if self._is_invite else min(2 * waited_s, T2_S)
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(again_s, self._timer_a, again_s))

    def _timer_b(self) -> None:
        self.fail(f"nobody answered in time: {self.account()}")

    def _stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


class ServerTransaction:
    """A request of the peer, and what we answered."""

    def __init__(self, request: Request, flow: Flow, *, t1_s: float) -> None:
        self.request = request
        self.flow = flow
        self.last: Response | None = None
        self.acknowledged = asyncio.Event()
        """The ACK of our final response to INVITE came."""
        self._t1_s = t1_s
        self._timer: asyncio.TimerHandle | None = None
        self._sent_for_s = 0.0

    def answer(self, response: Response) -> None:
        """Send a response; a final one to INVITE is sent again until it is acknowledged."""
        if self.last is not None and self.last.code >= 200:
            return
        self.last = response
        self._send()
        # A 2xx is sent again over streams as well (§13.3.1.4): its ACK comes from the far end.
        again = self.flow.protocol == "udp" or response.code < 300
        if again and response.code >= 200 and self.request.method == "INVITE":
            self._later(self._t1_s)

    def repeat(self) -> None:
        """The request came again."""
        if self.last is not None:
            self._send()

    def acknowledge(self) -> None:
        """The ACK came."""
        self.acknowledged.set()
        self.stop()

    def stop(self) -> None:
        """Send nothing again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _later(self, wait_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(wait_s, self._timer_g, wait_s)

    def _timer_g(self, waited_s: float) -> None:
        self._sent_for_s += waited_s
        if self.acknowledged.is_set() or self._sent_for_s > TRANSACTION_T1S * self._t1_s:
            return
        self._send()
        self._later(min(2 * waited_s, T2_S))

    def _send(self) -> None:
        assert self.last is not None
        with contextlib.suppress(OSError):  # the peer's connection ended: it will ask again
            self.flow.send(bytes(self.last))
