"""What a bind of ours does with each PDU in each of its states (SMPP 3.4 §2.2), as a table.

::

    OPEN ──bind──▶ BINDING ──bind_resp 0──▶ BOUND_TX │ BOUND_RX │ BOUND_TRX ──unbind──▶ UNBINDING
      │               │                             │                                    │
      └───────────────┴──────── refused, lost, silent, out of step ──────────────────────┴──▶ CLOSED

The standard says which PDU may come when; peers do not always know. The table is therefore total,
and lenient by one rule: what may hold a citizen's text is never refused for good. A text that comes
ahead of the answer to our bind is held until we are bound, one that comes on a transmitter is taken
like any other, one that comes while we part is asked for again later.
"""

from enum import StrEnum
from typing import Final

from ccserver.sms.pdu import RESPONSE_BIT, Command


class State(StrEnum):
    """Where one connection stands; the standard's names."""

    OPEN = "open"
    """Connected; our bind is not yet sent."""
    BINDING = "binding"
    """Our bind waits for its answer (OPEN in the standard)."""
    BOUND_TX = "bound_tx"
    BOUND_RX = "bound_rx"
    BOUND_TRX = "bound_trx"
    UNBINDING = "unbinding"
    """Our unbind waits for its answer."""
    CLOSED = "closed"


BOUND: Final = frozenset({State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX})

CAN_SUBMIT: Final = frozenset({State.BOUND_TX, State.BOUND_TRX})

BOUND_BY: Final = {
    Command.BIND_TRANSMITTER: State.BOUND_TX,
    Command.BIND_RECEIVER: State.BOUND_RX,
    Command.BIND_TRANSCEIVER: State.BOUND_TRX,
}
"""The state that each bind leads to."""


class Input(StrEnum):
    """PDUs as the table tells them apart."""

    BIND_RESP = "bind_resp"
    SUBMIT_RESP = "submit_resp"
    DELIVER = "deliver"
    """deliver_sm and data_sm."""
    ENQUIRE = "enquire"
    ENQUIRE_RESP = "enquire_resp"
    UNBIND = "unbind"
    UNBIND_RESP = "unbind_resp"
    NACK = "nack"
    NOTICE = "notice"
    """outbind and alert_notification, to which the standard knows no answer."""
    OTHER_REQUEST = "other_request"
    """Unknown ones, and known ones that only a client may send."""
    OTHER_RESPONSE = "other_response"
    """Unknown ones, and answers to what we never ask."""


_INPUTS: Final[dict[int, Input]] = {
    Command.BIND_TRANSMITTER_RESP: Input.BIND_RESP,
    Command.BIND_RECEIVER_RESP: Input.BIND_RESP,
    Command.BIND_TRANSCEIVER_RESP: Input.BIND_RESP,
    Command.SUBMIT_SM_RESP: Input.SUBMIT_RESP,
    Command.DELIVER_SM: Input.DELIVER,
    Command.DATA_SM: Input.DELIVER,
    Command.ENQUIRE_LINK: Input.ENQUIRE,
    Command.ENQUIRE_LINK_RESP: Input.ENQUIRE_RESP,
    Command.UNBIND: Input.UNBIND,
    Command.UNBIND_RESP: Input.UNBIND_RESP,
    Command.GENERIC_NACK: Input.NACK,
    Command.OUTBIND: Input.NOTICE,
    Command.ALERT_NOTIFICATION: Input.NOTICE,
}


def input_of(command_id: int) -> Input:
    """The input that a PDU is, for any number."""
    known = _INPUTS.get(command_id)
    if known is not None:
        return known
    return Input.OTHER_RESPONSE if command_id >= RESPONSE_BIT else Input.OTHER_REQUEST


class Reaction(StrEnum):
    """What is done about a PDU."""

    TAKE = "take"
    """Handed up; answered when it is stored."""
    HOLD = "hold"
    """Handed up as soon as we are bound."""
    TURN_AWAY = "turn_away"
    """Answered with "not now"."""
    ECHO = "echo"
    """enquire_link_resp."""
    PART = "part"
    """unbind_resp, and the end of the connection."""
    PARTED = "parted"
    """The end of the connection, which we asked for."""
    SETTLE_BIND = "settle_bind"
    """We are bound, or refused."""
    SETTLE = "settle"
    """The request of that number is answered."""
    SETTLE_NACK = "settle_nack"
    """The request of that number, whatever it was, is refused."""
    ALIVE = "alive"
    """Nothing more than a sign of life, as any PDU is one."""
    NOTE = "note"
    """Counted; not answered."""
    NACK = "nack"
    """generic_nack "invalid command id" with the same number."""
    DROP = "drop"
    """Nothing: the connection is over, and what comes after that was never said."""


_ALWAYS: Final = {
    Input.BIND_RESP: Reaction.NOTE,
    Input.SUBMIT_RESP: Reaction.SETTLE,
    Input.ENQUIRE: Reaction.ECHO,
    Input.ENQUIRE_RESP: Reaction.ALIVE,
    Input.UNBIND: Reaction.PART,
    Input.UNBIND_RESP: Reaction.NOTE,
    Input.NACK: Reaction.SETTLE_NACK,
    Input.NOTICE: Reaction.NOTE,
    Input.OTHER_REQUEST: Reaction.NACK,
    Input.OTHER_RESPONSE: Reaction.NOTE,
}
"""Where a state has nothing else to say."""

_BOUND_ROW: Final = {**_ALWAYS, Input.DELIVER: Reaction.TAKE}

REACTIONS: Final[dict[State, dict[Input, Reaction]]] = {
    State.OPEN: {**_ALWAYS, Input.DELIVER: Reaction.HOLD},
    State.BINDING: {
        **_ALWAYS,
        Input.BIND_RESP: Reaction.SETTLE_BIND,
        Input.DELIVER: Reaction.HOLD,
    },
    State.BOUND_TX: _BOUND_ROW,
    State.BOUND_RX: _BOUND_ROW,
    State.BOUND_TRX: _BOUND_ROW,
    State.UNBINDING: {
        **_ALWAYS,
        Input.DELIVER: Reaction.TURN_AWAY,
        Input.UNBIND_RESP: Reaction.PARTED,
    },
    State.CLOSED: dict.fromkeys(Input, Reaction.DROP),
}
