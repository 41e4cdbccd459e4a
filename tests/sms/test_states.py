"""Every PDU in every state of a bind does what is written here, and nothing else.

The expectations are told by what a peer sees and what the edge is given, not by the table that they
hold to account.
"""

import pytest

from ccserver.sms.connection import Answered, Bound, Closed, CloseReason, Connection, Delivered, Odd
from ccserver.sms.pdu import HEADER_BYTES, PDU, RESPONSE_BIT, Command, Framer
from ccserver.sms.states import REACTIONS, Input, State

UNKNOWN_REQUEST = 0x0000_0110
UNKNOWN_RESPONSE = 0x8000_0110
ALL: list[int] = [*Command, UNKNOWN_REQUEST, UNKNOWN_RESPONSE]
SEQUENCE = 0xFFFF_FFF0
"""Higher than the standard allows, and nothing that we asked."""

BIND_RESPONSES: set[int] = {
    Command.BIND_TRANSMITTER_RESP,
    Command.BIND_RECEIVER_RESP,
    Command.BIND_TRANSCEIVER_RESP,
}

TEXTS: set[int] = {Command.DELIVER_SM, Command.DATA_SM}

OPEN_TO_ALL: dict[int, str] = {
    Command.ENQUIRE_LINK: "answered 0",
    Command.UNBIND: "answered 0, closed",
    Command.OUTBIND: "noted",
    Command.ALERT_NOTIFICATION: "noted",
    Command.BIND_RECEIVER: "nack 3",
    Command.BIND_TRANSMITTER: "nack 3",
    Command.BIND_TRANSCEIVER: "nack 3",
    Command.SUBMIT_SM: "nack 3",
    Command.SUBMIT_MULTI: "nack 3",
    Command.QUERY_SM: "nack 3",
    Command.CANCEL_SM: "nack 3",
    Command.REPLACE_SM: "nack 3",
    UNKNOWN_REQUEST: "nack 3",
    Command.ENQUIRE_LINK_RESP: "nothing",
    Command.SUBMIT_SM_RESP: "noted",
    Command.DELIVER_SM_RESP: "noted",
    Command.DATA_SM_RESP: "noted",
    Command.SUBMIT_MULTI_RESP: "noted",
    Command.QUERY_SM_RESP: "noted",
    Command.CANCEL_SM_RESP: "noted",
    Command.REPLACE_SM_RESP: "noted",
    Command.UNBIND_RESP: "noted",
    Command.BIND_RECEIVER_RESP: "noted",
    Command.BIND_TRANSMITTER_RESP: "noted",
    Command.BIND_TRANSCEIVER_RESP: "noted",
    Command.GENERIC_NACK: "noted",
    UNKNOWN_RESPONSE: "noted",
}

BOUND_ROW: dict[int, str] = {**OPEN_TO_ALL, **dict.fromkeys(TEXTS, "taken")}

EXPECTED: dict[State, dict[int, str]] = {
    State.OPEN: {**OPEN_TO_ALL, **dict.fromkeys(TEXTS, "held")},
    State.BINDING: {
        **OPEN_TO_ALL,
        **dict.fromkeys(TEXTS, "held"),
        # Of another number than our bind, and yet it can only mean our bind.
        **dict.fromkeys(BIND_RESPONSES, "noted, bound"),
        Command.GENERIC_NACK: "noted, closed",
    },
    State.BOUND_TX: BOUND_ROW,
    State.BOUND_RX: BOUND_ROW,
    State.BOUND_TRX: BOUND_ROW,
    State.UNBINDING: {
        **OPEN_TO_ALL,
        **dict.fromkeys(TEXTS, "answered 100"),
        Command.UNBIND_RESP: "closed",
    },
    State.CLOSED: dict.fromkeys(ALL, "nothing"),
}

BINDS = {
    State.BOUND_TX: Command.BIND_TRANSMITTER,
    State.BOUND_RX: Command.BIND_RECEIVER,
}


def connection_in(state: State) -> Connection:
    """A connection that got into ``state`` by what may happen to it."""
    command = BINDS.get(state, Command.BIND_TRANSCEIVER)
    connection = Connection(command, b"", number=1, window=10)
    if state is State.OPEN:
        return connection
    connection.start(0.0)
    if state is not State.BINDING:
        connection.receive(PDU(command | RESPONSE_BIT, 0, 1, b"SMSC\0").encode(), 0.0)
    if state is State.UNBINDING:
        connection.unbind(0.0)
    elif state is State.CLOSED:
        connection.lost()
    assert connection.state is state
    connection.octets_to_send()
    while connection.next_event():
        pass
    return connection


EVENTS = {Delivered: "taken", Bound: "bound", Closed: "closed", Answered: "settled", Odd: "noted"}


def answers(connection: Connection, pdu: PDU) -> list[str]:
    """What the peer is told, in words; always under the number that it gave."""
    told = []
    for frame in Framer().feed(connection.octets_to_send()):
        sent = PDU.parse(frame)
        assert sent.sequence == pdu.sequence
        nack = sent.command_id == Command.GENERIC_NACK
        assert nack or sent.command_id == pdu.command_id | RESPONSE_BIT
        told.append(f"nack {sent.status}" if nack else f"answered {sent.status}")
    return told


def what_happened(connection: Connection, pdu: PDU) -> str:
    """In a word or two, what the peer and the edge see of a PDU's arrival."""
    before = connection.state
    connection.receive(pdu.encode(), 1.0)
    told = answers(connection, pdu)
    given = []
    while (event := connection.next_event()) is not None:
        given.append(EVENTS[type(event)])
    if not {"closed", "bound"} & set(given):
        assert connection.state is before
    # That a refused request was odd goes without saying.
    seen = told + [word for word in given if word != "noted" or not told]
    if not seen and connection._held:
        return "held"
    return ", ".join(seen) or "nothing"


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("command", ALL, ids=lambda number: f"{number:#010x}")
def test_every_pdu_in_every_state_does_what_is_written(state: State, command: int) -> None:
    connection = connection_in(state)
    pdu = PDU(command, 0, SEQUENCE, b"x\0")
    assert what_happened(connection, pdu) == EXPECTED[state][command]


def test_the_expectations_leave_no_pair_out() -> None:
    assert set(EXPECTED) == set(REACTIONS) == set(State)
    for state in State:
        assert set(EXPECTED[state]) == set(ALL)
        assert set(REACTIONS[state]) == set(Input)


@pytest.mark.parametrize("state", [state for state in State if state is not State.CLOSED])
@pytest.mark.parametrize("sequence", [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF])
def test_any_number_is_echoed_in_every_state(state: State, sequence: int) -> None:
    connection = connection_in(state)
    connection.receive(PDU(Command.ENQUIRE_LINK, 0, sequence).encode(), 1.0)
    answer = PDU.parse(connection.octets_to_send())
    assert answer == PDU(Command.ENQUIRE_LINK_RESP, 0, sequence)


@pytest.mark.parametrize("state", [state for state in State if state is not State.CLOSED])
@pytest.mark.parametrize("length", [0, HEADER_BYTES - 1, 70_001, 0x7FFF_FFFF])
def test_a_stream_out_of_step_is_told_so_and_ended_in_every_state(
    state: State, length: int
) -> None:
    connection = connection_in(state)
    connection.receive(length.to_bytes(4, "big"), 1.0)
    assert PDU.parse(connection.octets_to_send()) == PDU(Command.GENERIC_NACK, 2, 0)
    assert connection.next_event() == Closed(CloseReason.FRAME_INVALID)
    assert connection.state is State.CLOSED
