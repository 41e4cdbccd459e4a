"""The asyncio edge of one `ccserver.sms.connection.Connection`: a transport, a timer, futures.

It moves octets, tells the time and hands events on; it decides nothing. It lives as long as its
connection and is thrown away with it.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from ccserver.sms.connection import (
    Answered,
    Bound,
    Closed,
    CloseReason,
    Connection,
    Delivered,
    Odd,
    Unanswered,
)
from ccserver.sms.refusals import OutcomeUnknown
from ccserver.sms.states import BOUND

READ_BYTES: Final = 32 * 1024
"""At once: some 2 000 PDUs of the smallest, which keep the loop for under 20 ms."""

WRITE_BYTES_HIGH: Final = 64 * 1024
"""Above this nothing more is read, so that a peer which takes no answers can ask nothing more."""

WRITE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Our own requests and late answers beside that, a full window of long ones; more is a peer that
reads nothing."""

CLOSE_TIMEOUT_S: Final = 1.0
"""What is left to write, a generic_nack or an unbind_resp, is a courtesy to a peer that reads."""

_NOBODY_THERE: Final = frozenset({CloseReason.SILENT, CloseReason.STALLED, CloseReason.LOST})


class LinkOwner(Protocol):
    """Who is told. What these raise is a bug that ends the connection, and no more than that."""

    def link_bound(self, link: "Link", bound: Bound) -> None:
        """The peer took our bind."""

    def link_delivered(self, link: "Link", delivered: Delivered) -> None:
        """A text came."""

    def link_odd(self, link: "Link", odd: Odd) -> None:
        """The peer did what it should not."""

    def link_closed(self, link: "Link", closed: Closed) -> None:
        """The connection is over."""


class Link(asyncio.BufferedProtocol):
    """One connection with its transport; ``ended`` is done when it is over."""

    def __init__(self, core: Connection, owner: LinkOwner, clock: Callable[[], float]):
        self.core = core
        self._owner = owner
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Closed] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray(READ_BYTES)
        self._view = memoryview(self._buffer)
        self._submits: dict[int, asyncio.Future[Answered]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._flush_handle: asyncio.Handle | None = None

    @property
    def bound(self) -> bool:
        """Whether the peer took our bind, and the connection is not over."""
        return self.core.state in BOUND

    # What the session does.

    def acknowledge(self, delivered: Delivered, status: int) -> bool:
        """Answer a text, with whatever else leaves in this turn of the loop."""
        done = self.core.acknowledge(delivered, status)
        if done:
            self._flush_soon()
        return done

    async def submit(self, body: bytes, timeout_s: float) -> Answered:
        """Send a submit_sm and wait for its answer; raises `OutcomeUnknown`."""
        sequence = self.core.submit(body, self._clock(), timeout_s)
        answer: asyncio.Future[Answered] = self._loop.create_future()
        self._submits[sequence] = answer
        self._flush_soon()
        self._arm()
        return await answer

    def unbind(self) -> None:
        """Part from the peer; ``ended`` follows, whether it answers or not."""
        self.core.unbind(self._clock())
        self._turn()

    def abort(self) -> None:
        """Be over at once; harmless where it already is, and something may be left to write."""
        if self.ended.done():
            return
        self.core.lost()
        self._turn()
        if self._transport is not None:
            self._transport.abort()

    # What the transport says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there (and TLS with it): bind."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_BYTES_HIGH)
        self.core.start(self._clock())
        self._turn()

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next octets go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Octets came."""
        self.core.receive(bytes(self._view[:nbytes]), self._clock())
        self._turn()

    def eof_received(self) -> bool:
        """The peer sends no more; without answers a connection is of no use."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self.core.lost()
        self._turn()

    def pause_writing(self) -> None:
        """The peer takes no more; what it asks meanwhile stays unread."""
        assert self._transport is not None
        self.core.write_paused(self._clock())
        self._transport.pause_reading()
        self._arm()

    def resume_writing(self) -> None:
        """The peer takes octets again."""
        assert self._transport is not None
        self.core.write_resumed()
        if not self._transport.is_closing():
            self._transport.resume_reading()

    # Within.

    def _turn(self) -> None:
        """Do all that the core wants done."""
        self._flush()
        while (event := self.core.next_event()) is not None:
            match event:
                case Delivered():
                    self._owner.link_delivered(self, event)
                case Answered():
                    self._settle(event)
                case Unanswered():
                    self._give_up(event.sequence)
                case Bound():
                    self._owner.link_bound(self, event)
                case Odd():
                    self._owner.link_odd(self, event)
                case Closed():
                    self._end(event)
        self._arm()

    def _settle(self, answered: Answered) -> None:
        # Whoever waited may have been cancelled; the window counted the request all the same.
        waiting = self._submits.pop(answered.sequence)
        if not waiting.done():
            waiting.set_result(answered)

    def _give_up(self, sequence: int) -> None:
        waiting = self._submits.pop(sequence)
        if not waiting.done():
            waiting.set_exception(OutcomeUnknown())

    def _end(self, closed: Closed) -> None:
        # First, so that the session goes on whatever the rest may come to.
        self.ended.set_result(closed)
        self._close_transport(closed.reason)
        for sequence in list(self._submits):
            self._give_up(sequence)
        self._owner.link_closed(self, closed)

    def _close_transport(self, reason: CloseReason) -> None:
        transport = self._transport
        if transport is None:
            return
        if reason in _NOBODY_THERE:
            transport.abort()
        else:
            self._flush()
            transport.close()
            self._loop.call_later(CLOSE_TIMEOUT_S, transport.abort)

    def _flush_soon(self) -> None:
        if self._flush_handle is None:
            self._flush_handle = self._loop.call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flush_handle = None
        self._flush()
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > WRITE_BYTES_MAX:
            self.core.write_overflowed()
            self._turn()

    def _flush(self) -> None:
        octets = self.core.octets_to_send()
        if octets and self._transport is not None and not self._transport.is_closing():
            self._transport.write(octets)

    def _arm(self) -> None:
        """Have `_on_timer` called no later than the core wants; earlier does no harm."""
        due = self.core.next_deadline()
        if due is None:
            self._disarm()
        elif self._timer is None or due < self._timer_due:
            self._disarm()
            self._timer_due = due
            self._timer = self._loop.call_later(max(0.0, due - self._clock()), self._on_timer)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        self.core.handle_timer(self._clock())
        self._turn()
