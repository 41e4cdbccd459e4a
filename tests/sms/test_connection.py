"""One SMPP connection, with its time moved by hand: binding, texts, requests, timers, bounds.

What a peer may do to it is in `test_states` (every PDU in every state) and `test_bad_pdus`.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.sms import connection as core
from ccserver.sms.connection import (
    Answered,
    Bound,
    Closed,
    CloseReason,
    Connection,
    Delivered,
    Event,
    Odd,
    Unanswered,
)
from ccserver.sms.pdu import PDU, RESPONSE_BIT, Command, Framer, Status
from ccserver.sms.states import State
from tests.sms.peers import deliver, text_body

SAMPLES = json.loads((Path(__file__).parents[1] / "data/sms/samples.json").read_text())
BIND_RESP = PDU(Command.BIND_TRANSCEIVER_RESP, 0, 1, b"SMSC\0")
T0 = 1_000.0


class Wire:
    """A connection, and its peer's side of it."""

    def __init__(self, *, window: int = 10, command: Command = Command.BIND_TRANSCEIVER):
        self.connection = Connection(command, b"bind", number=4, window=window)
        self.now = T0
        self.connection.start(self.now)

    def bound(self) -> "Wire":
        self.receive(BIND_RESP)
        assert self.connection.state is State.BOUND_TRX
        self.sent()
        self.events()
        return self

    def receive(self, *pdus: PDU) -> None:
        self.connection.receive(b"".join(pdu.encode() for pdu in pdus), self.now)

    def sent(self) -> list[PDU]:
        return [PDU.parse(frame) for frame in Framer().feed(self.connection.octets_to_send())]

    def events(self) -> list[Event]:
        events = []
        while (event := self.connection.next_event()) is not None:
            events.append(event)
        return events

    def wait(self, seconds: float) -> None:
        """Let time pass, with the timer served whenever it is due."""
        end = self.now + seconds
        while (due := self.connection.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.connection.handle_timer(self.now)
            later = self.connection.next_deadline()
            assert later is None or later > self.now, "a timer that is served is over"
        self.now = end


# Binding.


@pytest.mark.parametrize(
    ("optional", "version"),
    [
        (b"", None),
        (b"\x02\x10\x00\x01\x34", 0x34),
        (b"\x02\x10\x00\x01\x50", 0x50),
        (b"\x14\x00\x00\x02ab\x02\x10\x00\x01\x33", 0x33),
        (b"\x02\x10\x00\x01", None),
        (b"\x02\x10\xff\xff\x34", None),
        (b"\x02", None),
    ],
)
def test_a_bind_completes_whatever_version_the_peer_says(
    optional: bytes, version: int | None
) -> None:
    wire = Wire()
    assert wire.sent() == [PDU(Command.BIND_TRANSCEIVER, 0, 1, b"bind")]
    wire.receive(PDU(Command.BIND_TRANSCEIVER_RESP, 0, 1, b"SMSC\0" + optional))
    assert wire.events() == [Bound("SMSC", version)]


def test_a_bind_response_without_a_body_binds() -> None:
    wire = Wire()
    wire.receive(PDU(Command.BIND_TRANSCEIVER_RESP, 0, 1))
    assert wire.events() == [Bound("", None)]


@pytest.mark.parametrize(
    ("command", "state", "free"),
    [
        (Command.BIND_TRANSCEIVER, State.BOUND_TRX, 10),
        (Command.BIND_TRANSMITTER, State.BOUND_TX, 10),
        (Command.BIND_RECEIVER, State.BOUND_RX, 0),
    ],
)
def test_each_bind_leads_to_its_state_and_only_two_may_send(
    command: Command, state: State, free: int
) -> None:
    wire = Wire(command=command)
    assert wire.connection.free == 0
    wire.receive(PDU(command | RESPONSE_BIT, 0, 1, b"\0"))
    assert wire.connection.state is state
    assert wire.connection.free == free


def test_a_text_behind_the_bind_response_in_the_same_segment_is_taken() -> None:
    wire = Wire()
    wire.receive(BIND_RESP, deliver(7))
    assert wire.events() == [
        Bound("SMSC", None),
        Delivered(Command.DELIVER_SM, 7, text_body(), 4),
    ]


def test_a_text_ahead_of_the_bind_response_is_held_and_the_bind_completes() -> None:
    wire = Wire()
    sample = next(s for s in SAMPLES["streams"] if s["id"] == "stream:deliver before bind_resp")
    wire.sent()
    wire.connection.receive(bytes.fromhex(sample["hex"]), T0)
    bound, text = wire.events()
    assert isinstance(bound, Bound)
    assert isinstance(text, Delivered)
    assert text.body.endswith(b"early")
    assert wire.sent() == []
    assert wire.connection.acknowledge(text, 0)
    assert wire.sent() == [PDU(Command.DELIVER_SM_RESP, 0, 0x64, b"\0")]


@pytest.mark.parametrize("status", [Status.RINVPASWD, Status.RBINDFAIL, 0x421])
def test_a_refused_bind_ends_the_connection_with_its_status(status: int) -> None:
    wire = Wire()
    wire.receive(PDU(Command.BIND_TRANSCEIVER_RESP, status, 1))
    assert wire.events() == [Closed(CloseReason.BIND_REFUSED, status)]


def test_a_bind_without_an_answer_is_given_up_even_where_the_peer_talks() -> None:
    wire = Wire()
    wire.wait(core.BIND_TIMEOUT_S / 2)
    wire.receive(PDU(Command.ENQUIRE_LINK, 0, 3))
    wire.wait(core.BIND_TIMEOUT_S / 2)
    assert wire.events() == [Closed(CloseReason.BIND_UNANSWERED)]


# Texts.


def test_a_text_is_answered_when_it_is_stored_and_only_once() -> None:
    wire = Wire().bound()
    wire.receive(deliver(0xFFFF_FFFF), PDU(Command.DATA_SM, 0, 0, b"data"))
    text, data = wire.events()
    assert wire.sent() == []
    assert isinstance(text, Delivered)
    assert isinstance(data, Delivered)
    assert wire.connection.acknowledge(data, Status.RX_T_APPN)
    assert wire.connection.acknowledge(text, 0)
    assert wire.sent() == [
        PDU(Command.DATA_SM_RESP, Status.RX_T_APPN, 0, b"\0"),
        PDU(Command.DELIVER_SM_RESP, 0, 0xFFFF_FFFF, b"\0"),
    ]
    assert not wire.connection.acknowledge(text, 0)
    assert wire.sent() == []


def test_a_peer_that_gives_all_its_texts_one_number_has_each_answered() -> None:
    wire = Wire().bound()
    wire.receive(*[deliver(0, b"%d" % number) for number in range(5)])
    for text in wire.events():
        assert isinstance(text, Delivered)
        assert wire.connection.acknowledge(text, 0)
    assert wire.sent() == [PDU(Command.DELIVER_SM_RESP, 0, 0, b"\0")] * 5


def test_a_text_of_another_connection_is_not_answered() -> None:
    wire = Wire().bound()
    wire.receive(deliver(7))
    wire.events()
    assert not wire.connection.acknowledge(Delivered(Command.DELIVER_SM, 7, b"", 3), 0)


def test_more_texts_than_are_stored_in_time_are_asked_for_again_later() -> None:
    wire = Wire().bound()
    wire.receive(*[deliver(number) for number in range(core.DELIVERIES_PENDING_MAX + 2)])
    events = wire.events()
    texts = [event for event in events if isinstance(event, Delivered)]
    assert len(texts) == core.DELIVERIES_PENDING_MAX
    refusals = wire.sent()
    assert [(pdu.command_id, pdu.status) for pdu in refusals] == [
        (Command.DELIVER_SM_RESP, Status.RMSGQFUL)
    ] * 2
    wire.connection.acknowledge(texts[0], 0)
    wire.receive(deliver(9_999))
    assert isinstance(wire.events()[0], Delivered)


def test_long_texts_are_bounded_by_their_octets() -> None:
    wire = Wire().bound()
    size = 60_000
    for number in range(core.DELIVERIES_PENDING_BYTES_MAX // size + 1):
        wire.receive(PDU(Command.DATA_SM, 0, number, bytes(size)))
    assert [pdu.status for pdu in wire.sent()] == [Status.RMSGQFUL]


def test_a_hundred_pdus_in_one_segment_are_answered_in_order() -> None:
    wire = Wire().bound()
    sample = next(s for s in SAMPLES["streams"] if s["id"] == "stream:100 PDUs one segment")
    wire.connection.receive(bytes.fromhex(sample["hex"]), T0)
    assert wire.sent() == [PDU(Command.ENQUIRE_LINK_RESP, 0, n) for n in range(1, 101)]


def test_texts_that_come_octet_by_octet_are_taken() -> None:
    wire = Wire().bound()
    for octet in deliver(1).encode() + deliver(2).encode():
        wire.connection.receive(bytes([octet]), T0)
    assert [event.sequence for event in wire.events() if isinstance(event, Delivered)] == [1, 2]


# Requests of ours.


def test_a_request_is_counted_against_the_window_until_it_is_answered() -> None:
    wire = Wire(window=2).bound()
    first = wire.connection.submit(b"one", T0, 5.0)
    second = wire.connection.submit(b"two", T0, 5.0)
    assert wire.connection.free == 0
    assert wire.sent() == [
        PDU(Command.SUBMIT_SM, 0, first, b"one"),
        PDU(Command.SUBMIT_SM, 0, second, b"two"),
    ]
    wire.receive(PDU(Command.SUBMIT_SM_RESP, 0, second, b"abc\0"))
    wire.receive(PDU(Command.SUBMIT_SM_RESP, 0x58, first, b""))
    assert wire.events() == [Answered(second, 0, "abc"), Answered(first, 0x58, "")]
    assert wire.connection.free == 2


@pytest.mark.parametrize(
    ("body", "message_id"),
    [(b"9", "9"), (b"", ""), (b"\0", ""), (b"a\0b\0", "a"), (b"x" * 300, "x" * 255)],
)
def test_the_operators_id_is_read_with_or_without_its_nul(body: bytes, message_id: str) -> None:
    wire = Wire().bound()
    number = wire.connection.submit(b"one", T0, 5.0)
    wire.receive(PDU(Command.SUBMIT_SM_RESP, 0, number, body))
    assert wire.events() == [Answered(number, 0, message_id)]


@pytest.mark.parametrize(("said", "taken_as"), [(3, 3), (0, Status.RUNKNOWNERR)])
def test_a_generic_nack_of_a_request_refuses_it(said: int, taken_as: int) -> None:
    wire = Wire().bound()
    number = wire.connection.submit(b"one", T0, 5.0)
    wire.receive(PDU(Command.GENERIC_NACK, said, number))
    assert Answered(number, taken_as, "") in wire.events()
    assert wire.connection.free == 10


def test_an_answer_to_nothing_changes_nothing() -> None:
    wire = Wire().bound()
    number = wire.connection.submit(b"one", T0, 5.0)
    wire.receive(PDU(Command.SUBMIT_SM_RESP, 0x400, 55))
    assert [type(event) for event in wire.events()] == [Odd]
    wire.receive(PDU(Command.SUBMIT_SM_RESP, 0, number, b"1\0"))
    assert wire.events() == [Answered(number, 0, "1")]


def test_a_request_without_an_answer_is_given_up_at_its_time_and_a_late_answer_is_noted() -> None:
    wire = Wire().bound()
    slow = wire.connection.submit(b"one", T0, 9.0)
    quick = wire.connection.submit(b"two", T0, 3.0)
    wire.wait(3.0)
    assert wire.events() == [Unanswered(quick)]
    wire.wait(6.0)
    assert wire.events() == [Unanswered(slow)]
    wire.receive(PDU(Command.SUBMIT_SM_RESP, 0, quick, b"1\0"))
    assert [type(event) for event in wire.events()] == [Odd]
    assert wire.connection.state is State.BOUND_TRX


def test_a_peer_that_answers_no_request_is_left() -> None:
    wire = Wire().bound()
    for _ in range(core.UNANSWERED_IN_A_ROW_MAX):
        wire.connection.submit(b"one", wire.now, 3.0)
        wire.wait(3.0)
    assert wire.events()[-1] == Closed(CloseReason.UNANSWERED)


def test_numbers_start_again_and_pass_over_those_in_use() -> None:
    wire = Wire().bound()
    held = wire.connection.submit(b"one", T0, 5.0)
    assert held == 2
    wire.connection._sequence = 0x7FFF_FFFF
    assert wire.connection.submit(b"two", T0, 5.0) == 1
    assert wire.connection.submit(b"three", T0, 5.0) == 3


# Timers.


def test_an_idle_peer_is_asked_and_any_pdu_of_its_is_an_answer() -> None:
    wire = Wire().bound()
    wire.wait(core.IDLE_S)
    (enquiry,) = wire.sent()
    assert enquiry.command_id == Command.ENQUIRE_LINK
    wire.wait(core.ENQUIRE_TIMEOUT_S - 1)
    wire.receive(deliver(7))
    wire.wait(core.IDLE_S - 1)
    assert wire.sent() == []
    wire.wait(1)
    assert [pdu.command_id for pdu in wire.sent()] == [Command.ENQUIRE_LINK]


def test_a_silent_peer_is_left_in_time_for_another_bind_before_the_alarm() -> None:
    wire = Wire().bound()
    wire.wait(core.IDLE_S + core.ENQUIRE_TIMEOUT_S)
    assert wire.events() == [Closed(CloseReason.SILENT)]
    assert core.IDLE_S + core.ENQUIRE_TIMEOUT_S <= 30


def test_a_peer_that_never_finishes_a_pdu_is_a_silent_one() -> None:
    wire = Wire().bound()
    for octet in deliver(1).encode()[:30]:
        wire.connection.receive(bytes([octet]), wire.now)
        wire.wait(1)
    assert Closed(CloseReason.SILENT) in wire.events()


def test_a_peer_that_takes_nothing_is_left_and_one_that_goes_on_is_not() -> None:
    wire = Wire().bound()
    wire.connection.write_paused(wire.now)
    wire.wait(core.WRITE_STALL_S - 1)
    wire.connection.write_resumed()
    wire.receive(deliver(1))
    wire.wait(5)
    assert wire.connection.state is State.BOUND_TRX
    wire.connection.write_paused(wire.now)
    wire.wait(core.WRITE_STALL_S)
    assert wire.events()[-1] == Closed(CloseReason.STALLED)


def test_a_machine_that_slept_asks_before_it_gives_a_peer_up() -> None:
    wire = Wire().bound()
    wire.connection.handle_timer(T0 + 3_600)
    assert [pdu.command_id for pdu in wire.sent()] == [Command.ENQUIRE_LINK]
    assert wire.connection.state is State.BOUND_TRX


def test_parting_waits_for_the_answer_no_longer_than_its_time() -> None:
    wire = Wire().bound()
    wire.connection.unbind(wire.now)
    (unbind,) = wire.sent()
    assert unbind.command_id == Command.UNBIND
    answered = wire.connection.next_deadline()
    assert answered is not None
    wire.wait(core.UNBIND_TIMEOUT_S)
    assert wire.events() == [Closed(CloseReason.UNBOUND)]


def test_a_text_stored_while_we_part_is_still_answered() -> None:
    wire = Wire().bound()
    wire.receive(deliver(7))
    (text,) = wire.events()
    assert isinstance(text, Delivered)
    wire.connection.unbind(wire.now)
    assert wire.connection.acknowledge(text, 0)
    assert [pdu.command_id for pdu in wire.sent()] == [Command.UNBIND, Command.DELIVER_SM_RESP]


def test_a_connection_that_is_over_does_nothing_more() -> None:
    wire = Wire().bound()
    wire.receive(deliver(7))
    (text,) = wire.events()
    assert isinstance(text, Delivered)
    wire.connection.lost()
    assert wire.events() == [Closed(CloseReason.LOST)]
    assert not wire.connection.acknowledge(text, 0)
    wire.connection.unbind(wire.now)
    wire.connection.handle_timer(wire.now + 100)
    assert wire.connection.next_deadline() is None
    assert wire.events() == []
    assert wire.sent() == []


# Whatever comes.


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=120), max_size=12), st.booleans())
def test_random_octets_raise_nothing_and_are_not_hoarded(pieces: list[bytes], bound: bool) -> None:
    wire = Wire().bound() if bound else Wire()
    for piece in pieces:
        wire.connection.receive(piece, wire.now)
        wire.wait(1)
    assert len(wire.connection._framer._held) <= 70_000
    closed = [event for event in wire.events() if isinstance(event, Closed)]
    assert bool(closed) == (wire.connection.state is State.CLOSED)


COMMANDS = st.one_of(
    st.sampled_from([int(command) for command in Command]), st.integers(0, 2**32 - 1)
)
STEPS = st.one_of(
    st.builds(
        PDU, COMMANDS, st.sampled_from([0, 4, 8, 0x58]), st.integers(0, 6), st.binary(max_size=9)
    ),
    st.just("submit"),
    st.just("acknowledge"),
    st.just("unbind"),
    st.floats(0.0, 30.0),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_whatever_happens_each_request_ends_once_and_each_text_is_answered_at_most_once(
    steps: list[PDU | str | float],
) -> None:
    wire = Wire(window=3)
    submitted: set[int] = set()
    ended: list[int] = []
    texts: list[Delivered] = []
    for step in steps:
        if isinstance(step, PDU):
            wire.receive(step)
        elif isinstance(step, float):
            wire.wait(step)
        elif step == "submit" and wire.connection.free:
            submitted.add(wire.connection.submit(b"x", wire.now, 5.0))
        elif step == "acknowledge" and texts:
            text = texts.pop()
            wire.connection.acknowledge(text, 0)
            assert not texts or text is not texts[-1]
        elif step == "unbind":
            wire.connection.unbind(wire.now)
        for event in wire.events():
            if isinstance(event, Delivered):
                texts.append(event)
            elif isinstance(event, Answered | Unanswered):
                ended.append(event.sequence)
        assert 0 <= wire.connection.free <= 3
        assert wire.connection.pending <= 3
    assert len(ended) == len(set(ended))
    assert set(ended) <= submitted
    assert len(submitted) - len(ended) == wire.connection.pending
