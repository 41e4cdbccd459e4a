"""One SMPP connection of ours, without a socket and without a clock (SMPP 3.4 §2, §7).

The edge gives octets, the time and wishes; it is given events, octets to send and the time at which
it has to come back. Whatever a peer sends, `Connection.receive` raises nothing: the peer's fault is
an event (`Odd`) and, where no order can be kept, the end of the connection (`Closed`).

What it holds is bounded in every direction: one unfinished frame, the window of requests, the texts
handed up and not yet answered for. What it owes leaves with the next `octets_to_send`.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ccserver.sms.pdu import (
    PDU,
    RESPONSE_BIT,
    SEQUENCE_MAX,
    Command,
    FrameInvalid,
    Framer,
    Status,
)
from ccserver.sms.states import BOUND, BOUND_BY, CAN_SUBMIT, REACTIONS, Reaction, State, input_of

BIND_TIMEOUT_S: Final = 10.0
"""The session_init timer: message centres look an account up in well under a second."""

IDLE_S: Final = 15.0
"""After so long without a PDU we ask whether the peer is there (the enquire_link timer). With the
next one a dead peer is known after 25 s, and its successor bound before the alarm at 45 s."""

ENQUIRE_TIMEOUT_S: Final = 10.0
"""Any PDU is an answer; none in this time means that nobody is there. This is the inactivity timer
too: a night without texts is no fault, so silence counts only when it answers a question."""

UNBIND_TIMEOUT_S: Final = 2.0
"""An unbind is a courtesy, and a stop of the server waits for it."""

WRITE_STALL_S: Final = 15.0
"""A peer that takes no octet for so long is gone, whatever TCP still hopes."""

UNANSWERED_IN_A_ROW_MAX: Final = 3
"""Requests of ours without an answer, one after another: the peer lost count of what we sent."""

DELIVERIES_PENDING_MAX: Final = 1_000
"""Texts handed up and not yet stored: several seconds of all that a database takes. More are
refused with "queue full", which makes the message centre come again."""

DELIVERIES_PENDING_BYTES_MAX: Final = 8 * 1024 * 1024
"""The same bound for long ones: 1 000 texts of 70 000 octets would be 70 MB for each bind."""

MESSAGE_ID_BYTES_MAX: Final = 255
"""The standard's is 65 with its NUL (§5.2.23); some message centres give more."""

_SC_INTERFACE_VERSION: Final = 0x0210
_NO_MESSAGE_ID: Final = b"\0"
"""The body of deliver_sm_resp and data_sm_resp, whatever their status (§4.6.2)."""


class CloseReason(StrEnum):
    """Why a connection ended."""

    BIND_REFUSED = "bind_refused"
    BIND_UNANSWERED = "bind_unanswered"
    FRAME_INVALID = "frame_invalid"
    SILENT = "silent"
    UNANSWERED = "unanswered"
    STALLED = "stalled"
    PEER_UNBOUND = "peer_unbound"
    UNBOUND = "unbound"
    """We asked for it."""
    LOST = "lost"
    """The transport ended."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A deliver_sm or data_sm to store; also the token by which it is acknowledged."""

    command_id: int
    sequence: int
    body: bytes
    connection: int
    """The number of the connection that it came by; a later one knows nothing of it."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The peer took our bind. Many say no version, or one that is not theirs."""

    peer_id: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Answered:
    """A submit_sm of ours was answered, by its response or by a generic_nack."""

    sequence: int
    status: int
    message_id: str
    """Empty where it was refused, or the peer gave none."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A submit_sm of ours had no answer in its time; it may have been taken."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Odd:
    """Something the peer should not have sent; survived."""

    what: str
    command_id: int
    status: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The last event. Requests without an answer have an unknown outcome."""

    reason: CloseReason
    status: int = 0
    """Of the refusal, where the bind was refused."""


Event = Delivered | Bound | Answered | Unanswered | Odd | Closed


class Connection:
    """One connection, from before its bind to its end; ``number`` tells it from others."""

    def __init__(self, command: Command, bind_body: bytes, *, number: int, window: int):
        self.state = State.OPEN
        self.number = number
        self._command = command
        self._bind_body = bind_body
        self._window = window
        self._framer = Framer()
        self._out: list[bytes] = []
        self._events: deque[Event] = deque()
        self._sequence = 0
        self._pending: dict[int, float] = {}
        self._pending_due = float("inf")
        """Not later than the first deadline in ``_pending``; an early timer is harmless."""
        self._unanswered_in_a_row = 0
        self._owed: Counter[tuple[int, int]] = Counter()
        self._owed_count = 0
        self._owed_bytes = 0
        self._held: list[Delivered] = []
        self._heard_at = 0.0
        self._enquiry_due: float | None = None
        self._state_due: float | None = None
        """The end of the patience of BINDING and UNBINDING."""
        self._stall_due: float | None = None

    # What the edge tells.

    def start(self, now: float) -> None:
        """The transport is there: bind."""
        assert self.state is State.OPEN
        self.state = State.BINDING
        self._heard_at = now
        self._state_due = now + BIND_TIMEOUT_S
        self._request(self._command, self._bind_body)

    def receive(self, octets: bytes, now: float) -> None:
        """Octets came; raises nothing, whatever they are."""
        try:
            frames, fault = self._framer.feed(octets), None
        except FrameInvalid as invalid:
            frames, fault = list(invalid.frames), invalid
        for frame in frames:
            if self.state is State.CLOSED:
                return
            self._heard_at = now
            self._enquiry_due = None
            pdu = PDU.parse(frame)
            _DO[REACTIONS[self.state][input_of(pdu.command_id)]](self, pdu)
        if fault is not None and self.state is not State.CLOSED:
            self._send(PDU(Command.GENERIC_NACK, Status.RINVCMDLEN, 0))
            self._close(CloseReason.FRAME_INVALID)

    def lost(self) -> None:
        """The transport ended."""
        self._close(CloseReason.LOST)

    def write_paused(self, now: float) -> None:
        """The peer does not take what we send."""
        self._stall_due = now + WRITE_STALL_S

    def write_resumed(self) -> None:
        """It does again."""
        self._stall_due = None

    def write_overflowed(self) -> None:
        """More waits to be taken than we are ready to hold."""
        self._close(CloseReason.STALLED)

    # What the edge wants.

    @property
    def free(self) -> int:
        """Requests that may be sent now."""
        return self._window - len(self._pending) if self.state in CAN_SUBMIT else 0

    @property
    def pending(self) -> int:
        """Requests of ours without an answer."""
        return len(self._pending)

    def submit(self, body: bytes, now: float, timeout_s: float) -> int:
        """Send a submit_sm and give back its number; only where `free` allows it."""
        assert self.free > 0
        assert timeout_s > 0
        sequence = self._next_sequence()
        # Registered first: a peer on the same machine answers before a slow write returns.
        due = self._pending[sequence] = now + timeout_s
        self._pending_due = min(self._pending_due, due)
        self._send(PDU(Command.SUBMIT_SM, 0, sequence, body))
        return sequence

    def acknowledge(self, delivered: Delivered, status: int) -> bool:
        """Answer a text; false where this connection cannot, or has already done so."""
        if self.state is State.CLOSED or delivered.connection != self.number:
            return False
        key = delivered.command_id, delivered.sequence
        if not self._owed[key]:
            del self._owed[key]
            return False
        self._settle_owed(key, len(delivered.body))
        self._send(PDU(key[0] | RESPONSE_BIT, status, key[1], _NO_MESSAGE_ID))
        return True

    def unbind(self, now: float) -> None:
        """Part from the peer; before we are bound there is nobody to part from."""
        if self.state in BOUND:
            self.state = State.UNBINDING
            self._state_due = now + UNBIND_TIMEOUT_S
            self._request(Command.UNBIND)
        elif self.state is not State.UNBINDING:
            self._close(CloseReason.UNBOUND)

    # What the edge is given.

    def next_event(self) -> Event | None:
        """The next event, in the order in which things happened."""
        return self._events.popleft() if self._events else None

    def octets_to_send(self) -> bytes:
        """All that is to be written, once."""
        if not self._out:
            return b""
        octets = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        return octets

    def next_deadline(self) -> float | None:
        """When `handle_timer` has to be called next; asked anew after every other call."""
        if self.state in (State.OPEN, State.CLOSED):
            return None
        due = self._pending_due
        if self._state_due is not None:
            due = min(due, self._state_due)
        elif self._enquiry_due is not None:
            due = min(due, self._enquiry_due)
        else:
            due = min(due, self._heard_at + IDLE_S)
        return due if self._stall_due is None else min(due, self._stall_due)

    def handle_timer(self, now: float) -> None:
        """Do what is due; harmless where nothing is."""
        if self.state is State.CLOSED:
            return
        if self._stall_due is not None and now >= self._stall_due:
            self._close(CloseReason.STALLED)
        elif self._state_due is not None and now >= self._state_due:
            unbinding = self.state is State.UNBINDING
            self._close(CloseReason.UNBOUND if unbinding else CloseReason.BIND_UNANSWERED)
        elif self._enquiry_due is not None and now >= self._enquiry_due:
            self._close(CloseReason.SILENT)
        else:
            self._expire(now)
            idle = self._state_due is None and self._enquiry_due is None
            if idle and self.state in BOUND and now >= self._heard_at + IDLE_S:
                self._enquiry_due = now + ENQUIRE_TIMEOUT_S
                self._request(Command.ENQUIRE_LINK)

    # Within.

    def _hand_up(self, pdu: PDU) -> None:
        self._take(pdu, self._events)

    def _hold(self, pdu: PDU) -> None:
        self._take(pdu, self._held)

    def _turn_away(self, pdu: PDU) -> None:
        self._answer(pdu, Status.RX_T_APPN, _NO_MESSAGE_ID)

    def _echo(self, pdu: PDU) -> None:
        self._answer(pdu)

    def _part(self, pdu: PDU) -> None:
        self._answer(pdu)
        self._close(CloseReason.PEER_UNBOUND)

    def _parted(self, _pdu: PDU) -> None:
        self._close(CloseReason.UNBOUND)

    def _nack(self, pdu: PDU) -> None:
        self._odd("unexpected_request", pdu)
        self._send(PDU(Command.GENERIC_NACK, Status.RINVCMDID, pdu.sequence))

    def _note(self, pdu: PDU) -> None:
        self._odd("unexpected_response" if pdu.is_response else "notice", pdu)

    def _nothing(self, _pdu: PDU) -> None:
        """Hearing from the peer was all."""

    def _take(self, pdu: PDU, into: "deque[Event] | list[Delivered]") -> None:
        """Hand a text up, now or when we are bound, or ask for it again later."""
        size = len(pdu.body)
        full = self._owed_count >= DELIVERIES_PENDING_MAX
        if full or self._owed_bytes + size > DELIVERIES_PENDING_BYTES_MAX:
            self._odd("too_many_pending", pdu)
            self._answer(pdu, Status.RMSGQFUL, _NO_MESSAGE_ID)
            return
        # A count and no set: a peer may give each of its requests the same number.
        self._owed[pdu.command_id, pdu.sequence] += 1
        self._owed_count += 1
        self._owed_bytes += size
        into.append(Delivered(pdu.command_id, pdu.sequence, pdu.body, self.number))

    def _settle_owed(self, key: tuple[int, int], size: int) -> None:
        self._owed[key] -= 1
        if not self._owed[key]:
            del self._owed[key]
        self._owed_count -= 1
        self._owed_bytes -= size

    def _settle_bind(self, pdu: PDU) -> None:
        # Only one bind is ever under way, so an answer of another kind or number can mean no other.
        if pdu.sequence != self._sequence or pdu.command_id != self._command | RESPONSE_BIT:
            self._odd("bind_response_differs", pdu)
        if pdu.status != Status.ROK:
            self._close(CloseReason.BIND_REFUSED, pdu.status)
            return
        self.state = BOUND_BY[self._command]
        self._state_due = None
        self._events.append(Bound(_c_string(pdu.body), _version(pdu.body)))
        self._events.extend(self._held)
        self._held.clear()

    def _settle(self, pdu: PDU) -> None:
        if self._pending.pop(pdu.sequence, None) is None:
            self._odd("answer_to_nothing", pdu)
            return
        self._answered(pdu, _c_string(pdu.body) if pdu.status == Status.ROK else "")

    def _settle_nack(self, pdu: PDU) -> None:
        self._odd("generic_nack", pdu)
        if self.state is State.BINDING:
            self._close(CloseReason.BIND_REFUSED, pdu.status or Status.RUNKNOWNERR)
        elif self._pending.pop(pdu.sequence, None) is not None:
            # A refusal that says "no error" is a refusal all the same (§4.3.1).
            refusal = pdu.status or Status.RUNKNOWNERR
            self._answered(PDU(pdu.command_id, refusal, pdu.sequence), "")
        elif self.state is State.UNBINDING and pdu.sequence == self._sequence:
            self._close(CloseReason.UNBOUND)

    def _answered(self, pdu: PDU, message_id: str) -> None:
        self._unanswered_in_a_row = 0
        if not self._pending:
            self._pending_due = float("inf")
        self._events.append(Answered(pdu.sequence, pdu.status, message_id))

    def _expire(self, now: float) -> None:
        """Give up the requests whose time is over."""
        if now < self._pending_due:
            return
        for sequence in [number for number, due in self._pending.items() if now >= due]:
            del self._pending[sequence]
            self._unanswered_in_a_row += 1
            self._events.append(Unanswered(sequence))
        self._pending_due = min(self._pending.values(), default=float("inf"))
        if self._unanswered_in_a_row >= UNANSWERED_IN_A_ROW_MAX:
            self._close(CloseReason.UNANSWERED)

    def _close(self, reason: CloseReason, status: int = 0) -> None:
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        self._held.clear()
        self._events.append(Closed(reason, status))

    def _next_sequence(self) -> int:
        """The next number, from 1 (§3.2), that no pending request has."""
        while True:
            self._sequence = self._sequence % SEQUENCE_MAX + 1
            if self._sequence not in self._pending:
                return self._sequence

    def _request(self, command: Command, body: bytes = b"") -> None:
        self._send(PDU(command, 0, self._next_sequence(), body))

    def _answer(self, pdu: PDU, status: int = Status.ROK, body: bytes = b"") -> None:
        self._send(PDU(pdu.command_id | RESPONSE_BIT, status, pdu.sequence, body))

    def _send(self, pdu: PDU) -> None:
        self._out.append(pdu.encode())

    def _odd(self, what: str, pdu: PDU) -> None:
        self._events.append(Odd(what, pdu.command_id, pdu.status, pdu.sequence))


_DO: Final[dict[Reaction, Callable[[Connection, PDU], None]]] = {
    Reaction.TAKE: Connection._hand_up,
    Reaction.HOLD: Connection._hold,
    Reaction.TURN_AWAY: Connection._turn_away,
    Reaction.ECHO: Connection._echo,
    Reaction.PART: Connection._part,
    Reaction.PARTED: Connection._parted,
    Reaction.SETTLE_BIND: Connection._settle_bind,
    Reaction.SETTLE: Connection._settle,
    Reaction.SETTLE_NACK: Connection._settle_nack,
    Reaction.ALIVE: Connection._nothing,
    Reaction.NOTE: Connection._note,
    Reaction.NACK: Connection._nack,
    Reaction.DROP: Connection._nothing,
}


def _c_string(body: bytes) -> str:
    """What stands before the first NUL, or all where a peer forgot it; any octet is a character."""
    return body[:MESSAGE_ID_BYTES_MAX].partition(b"\0")[0].decode("latin-1")


def _version(body: bytes) -> int | None:
    """sc_interface_version of a bind_resp (§5.3.2.25): 0x34, 0x50, or none."""
    _, _, optional = body.partition(b"\0")
    at = 0
    while at + 4 <= len(optional):
        tag = int.from_bytes(optional[at : at + 2], "big")
        length = int.from_bytes(optional[at + 2 : at + 4], "big")
        if tag == _SC_INTERFACE_VERSION and length == 1 and at + 4 < len(optional):
            return optional[at + 4]
        at += 4 + length
    return None
