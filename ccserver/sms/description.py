"""A PDU in words: every field by its name in SMPP 3.4, what it means, and what is odd about it.

For people who look into what an operator sent; what the gateway does with it is decided elsewhere.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from ccserver.sms import statuses
from ccserver.sms.coding import DecodedText, alphabet_of
from ccserver.sms.oddities import Oddity
from ccserver.sms.pdu import HEADER_BYTES, PDU, Command
from ccserver.sms.receipt import Receipt
from ccserver.sms.short_message import ShortMessage, ShortMessageUnreadable
from ccserver.sms.tlv import MESSAGE_PAYLOAD, NAMES, integer, read_tlvs
from ccserver.sms.udh import Concatenation, UserDataHeader

Description = dict[str, Any]

_OCTET: Final = "octet"
_STRING: Final = "string"
_COUNTED: Final = "counted"
"""An octet of length and as many octets: ``sm_length`` and ``short_message``."""

_BIND = (
    ("system_id", _STRING),
    ("password", _STRING),
    ("system_type", _STRING),
    ("interface_version", _OCTET),
    ("addr_ton", _OCTET),
    ("addr_npi", _OCTET),
    ("address_range", _STRING),
)
_BIND_RESP = (("system_id", _STRING),)
_MESSAGE_ID = (("message_id", _STRING),)
_SOURCE = (("source_addr_ton", _OCTET), ("source_addr_npi", _OCTET), ("source_addr", _STRING))

_LAYOUTS: Final[Mapping[int, tuple[tuple[str, str], ...]]] = {
    Command.BIND_RECEIVER: _BIND,
    Command.BIND_TRANSMITTER: _BIND,
    Command.BIND_TRANSCEIVER: _BIND,
    Command.BIND_RECEIVER_RESP: _BIND_RESP,
    Command.BIND_TRANSMITTER_RESP: _BIND_RESP,
    Command.BIND_TRANSCEIVER_RESP: _BIND_RESP,
    Command.OUTBIND: (("system_id", _STRING), ("password", _STRING)),
    Command.SUBMIT_SM_RESP: _MESSAGE_ID,
    Command.DELIVER_SM_RESP: _MESSAGE_ID,
    Command.DATA_SM_RESP: _MESSAGE_ID,
    Command.QUERY_SM: (*_MESSAGE_ID, *_SOURCE),
    Command.QUERY_SM_RESP: (
        *_MESSAGE_ID,
        ("final_date", _STRING),
        ("message_state", _OCTET),
        ("error_code", _OCTET),
    ),
    Command.CANCEL_SM: (
        ("service_type", _STRING),
        *_MESSAGE_ID,
        *_SOURCE,
        ("dest_addr_ton", _OCTET),
        ("dest_addr_npi", _OCTET),
        ("destination_addr", _STRING),
    ),
    Command.REPLACE_SM: (
        *_MESSAGE_ID,
        *_SOURCE,
        ("schedule_delivery_time", _STRING),
        ("validity_period", _STRING),
        ("registered_delivery", _OCTET),
        ("sm_default_msg_id", _OCTET),
        ("short_message", _COUNTED),
    ),
    Command.ALERT_NOTIFICATION: (
        *_SOURCE,
        ("esme_addr_ton", _OCTET),
        ("esme_addr_npi", _OCTET),
        ("esme_addr", _STRING),
    ),
}
"""SMPP 3.4 §4; submit_multi is shown by its octets alone, for no peer of ours has a use for it."""

_BODILESS: Final = {
    Command.UNBIND,
    Command.ENQUIRE_LINK,
    Command.GENERIC_NACK,
    Command.UNBIND_RESP,
    Command.ENQUIRE_LINK_RESP,
    Command.CANCEL_SM_RESP,
    Command.REPLACE_SM_RESP,
}

_MESSAGES: Final = {Command.SUBMIT_SM, Command.DELIVER_SM, Command.DATA_SM}


def describe(pdu: PDU, *, default_alphabet: str = "gsm", packed: bool = False) -> Description:
    """Names and values that JSON can hold; octets in hexadecimal. Never raises.

    Where not even the addresses of a message can be told, ``error`` says so.
    """
    told: Description = {
        "command_length": HEADER_BYTES + len(pdu.body),
        "command_id": f"0x{pdu.command_id:08x}",
        "command": _command(pdu.command_id),
        "command_status": pdu.status,
        "command_status_name": statuses.name(pdu.status),
        "sequence_number": pdu.sequence,
    }
    if pdu.command_id in _MESSAGES:
        data_sm = pdu.command_id == Command.DATA_SM
        return told | _message(pdu.body, data_sm, default_alphabet, packed)
    layout = _LAYOUTS.get(pdu.command_id)
    if layout is None:
        unexpected = pdu.body and pdu.command_id in _BODILESS
        oddities = [Oddity.BODY_UNEXPECTED] if unexpected else []
        return told | {"body_hex": pdu.body.hex(), "oddities": oddities}
    return told | _fields(pdu.body, layout)


def _command(command_id: int) -> str | None:
    try:
        return Command(command_id).name.lower()
    except ValueError:
        return None


def _fields(body: bytes, layout: tuple[tuple[str, str], ...]) -> Description:
    """Fields up to the first that is not there; a response may end before any (§4.4.2)."""
    told: Description = {}
    oddities: list[str] = []
    at = 0
    for name, kind in layout:
        if at >= len(body):
            if at:
                oddities.append(Oddity.BODY_CUT)
            break
        at = _READERS[kind](body, at, name, told, oddities)
    told["tlvs"] = _tlvs(read_tlvs(body, at, oddities))
    return told | {"oddities": oddities}


def _octet(body: bytes, at: int, name: str, told: Description, _: list[str]) -> int:
    told[name] = body[at]
    return at + 1


def _string(body: bytes, at: int, name: str, told: Description, oddities: list[str]) -> int:
    end = body.find(0, at)
    if end < 0:
        oddities.append(Oddity.FIELD_UNTERMINATED)
        end = len(body)
    told[name] = body[at:end].decode("latin-1")
    return end + 1


def _counted(body: bytes, at: int, name: str, told: Description, oddities: list[str]) -> int:
    end = at + 1 + body[at]
    told["sm_length"] = body[at]
    told[name] = body[at + 1 : end].hex()
    if end > len(body):
        oddities.append(Oddity.SHORT_MESSAGE_CUT)
    return end


_READERS: Final[Mapping[str, Callable[[bytes, int, str, Description, list[str]], int]]] = {
    _OCTET: _octet,
    _STRING: _string,
    _COUNTED: _counted,
}


def _message(body: bytes, data_sm: bool, default_alphabet: str, packed: bool) -> Description:
    try:
        message = ShortMessage.parse(body, data_sm=data_sm)
    except ShortMessageUnreadable as error:
        return {"error": str(error), "body_hex": body.hex()}
    decoded = message.text(default_alphabet=default_alphabet, packed=packed)
    told = {
        "service_type": message.service_type,
        "source_addr_ton": message.source.ton,
        "source_addr_npi": message.source.npi,
        "source_addr": message.source.value,
        "dest_addr_ton": message.destination.ton,
        "dest_addr_npi": message.destination.npi,
        "destination_addr": message.destination.value,
        "esm_class": message.esm_class,
        "registered_delivery": message.registered_delivery,
        "data_coding": message.data_coding,
    }
    if not data_sm:
        told |= _fields_beyond_data_sm(message, body)
    return (
        told
        | {"tlvs": _tlvs(message.tlvs)}
        | _meaning(message, decoded, default_alphabet)
        | {"oddities": list(dict.fromkeys([*message.oddities, *decoded.oddities]))}
    )


def _fields_beyond_data_sm(message: ShortMessage, body: bytes) -> Description:
    payload = message.tlvs.get(MESSAGE_PAYLOAD)
    octets = b"" if payload == message.octets else message.octets
    length = len(octets)
    if Oddity.SHORT_MESSAGE_CUT in message.oddities:
        # Nothing comes behind a text that was cut, and its length before it.
        length = body[-length - 1]
    return {
        "protocol_id": message.protocol_id,
        "priority_flag": message.priority,
        "schedule_delivery_time": message.schedule,
        "validity_period": message.validity,
        "replace_if_present_flag": message.replace_if_present,
        "sm_default_msg_id": message.default_message_id,
        "sm_length": length,
        "short_message": octets.hex(),
    }


def _meaning(message: ShortMessage, decoded: DecodedText, default_alphabet: str) -> Description:
    """What the fields come to."""
    ports = message.ports
    receipt = message.is_receipt or message.is_intermediate
    return {
        "from": message.source.number(),
        "to": message.destination.number(),
        "alphabet": alphabet_of(message.data_coding, default_alphabet).value,
        "text": decoded.text,
        "udh": None if message.udh is None else _udh(message.udh),
        "concatenation": _concatenation(message.concatenation),
        "ports": None if ports is None else {"destination": ports[0], "source": ports[1]},
        "receipt": _receipt(Receipt.parse(message)) if receipt else None,
    }


def _udh(udh: UserDataHeader) -> Description:
    return {
        "length": udh.length,
        "elements": [{"iei": f"0x{kind:02x}", "hex": value.hex()} for kind, value in udh.elements],
        "single_shift": udh.single_shift,
        "locking_shift": udh.locking_shift,
    }


def _concatenation(concatenation: Concatenation | None) -> Description | None:
    if concatenation is None:
        return None
    return {
        "reference": concatenation.reference,
        "width": concatenation.width,
        "total": concatenation.total,
        "number": concatenation.number,
    }


def _receipt(receipt: Receipt) -> Description:
    return {
        "ids": list(receipt.ids),
        "state": receipt.state.value,
        "final": receipt.is_final,
        "error": receipt.error,
        "sub": receipt.submitted,
        "dlvrd": receipt.delivered,
        "submit_date": _iso(receipt.submitted_at),
        "done_date": _iso(receipt.done_at),
        "text": receipt.text,
        "oddities": list(receipt.oddities),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _tlvs(tlvs: Mapping[int, bytes]) -> list[Description]:
    return [
        {"tag": f"0x{tag:04x}", "name": NAMES.get(tag), "hex": value.hex()} | _value(value)
        for tag, value in tlvs.items()
    ]


def _value(value: bytes) -> Description:
    """A number of up to four octets, or the string that it evidently is."""
    string = value.removesuffix(b"\0")
    if len(value) > 1 and string.isascii() and string.decode("ascii").isprintable():
        return {"string": string.decode("ascii")}
    return {"number": integer(value)} if 1 <= len(value) <= 4 else {}
