"""What an operator says became of a text of ours (SMPP 3.4 appendix B, §5.3.2.26, §5.3.2.35).

The appendix is advice, and every vendor followed it differently: dates of 10, 12 or 14 digits, an
``err`` in hexadecimal, fields missing or in another order, and identifiers written otherwise than
when they were given. Everything is read that can be; what it means is one of a few states.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ccserver.sms.coding import read_as_packed
from ccserver.sms.short_message import ShortMessage
from ccserver.sms.tlv import (
    MESSAGE_STATE,
    NETWORK_ERROR_CODE,
    RECEIPTED_MESSAGE_ID,
    c_string,
    integer,
)

TEXT_CHARS_MAX = 200
"""The appendix gives the first 20 characters of the text; nobody needs more than this."""

VALUE_CHARS_MAX = 65
"""Of an identifier or an error: what SMPP 3.4 allows a message_id, its NUL included."""

_HEX_DIGITS_MAX: Final = 16
_DECIMAL_DIGITS_MAX: Final = 20
"""Of a number of 64 bits; what is longer is no number, and compared as it is written."""


class ReceiptState(StrEnum):
    """What became of it (SMPP 3.4 §5.2.28, appendix B)."""

    ENROUTE = "enroute"
    ACCEPTED = "accepted"
    """In manual treatment by the operator; not final, whatever the standard says of it."""
    DELIVERED = "delivered"
    EXPIRED = "expired"
    DELETED = "deleted"
    UNDELIVERABLE = "undeliverable"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """Also whatever else an operator may say."""


FINAL_RECEIPT_STATES: Final = frozenset(
    {
        ReceiptState.DELIVERED,
        ReceiptState.EXPIRED,
        ReceiptState.DELETED,
        ReceiptState.UNDELIVERABLE,
        ReceiptState.REJECTED,
    }
)

_STATES_IN_TEXT: Final = {
    "DELIVRD": ReceiptState.DELIVERED,
    "DELIVERED": ReceiptState.DELIVERED,
    "EXPIRED": ReceiptState.EXPIRED,
    "DELETED": ReceiptState.DELETED,
    "UNDELIV": ReceiptState.UNDELIVERABLE,
    "UNDELIVERABLE": ReceiptState.UNDELIVERABLE,
    "UNDELIVERED": ReceiptState.UNDELIVERABLE,
    "FAILED": ReceiptState.UNDELIVERABLE,
    "ACCEPTD": ReceiptState.ACCEPTED,
    "ACCEPTED": ReceiptState.ACCEPTED,
    "ENROUTE": ReceiptState.ENROUTE,
    "BUFFERED": ReceiptState.ENROUTE,
    "REJECTD": ReceiptState.REJECTED,
    "REJECTED": ReceiptState.REJECTED,
    "UNKNOWN": ReceiptState.UNKNOWN,
}

_STATES_IN_TLV: Final = {
    1: ReceiptState.ENROUTE,
    2: ReceiptState.DELIVERED,
    3: ReceiptState.EXPIRED,
    4: ReceiptState.DELETED,
    5: ReceiptState.UNDELIVERABLE,
    6: ReceiptState.ACCEPTED,
    7: ReceiptState.UNKNOWN,
    8: ReceiptState.REJECTED,
}

_FIELD = re.compile(
    r"(?<![^\s;,])(id|sub|dlvrd|submit[ _]date|done[ _]date|stat|err|text):", re.IGNORECASE
)
"""Where a field begins: at the start, or behind a space."""

_DATE_FORMATS: Final = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S", 14: "%Y%m%d%H%M%S"}

_HEX = re.compile(r"[0-9a-f]+")
_DECIMAL = re.compile(r"[0-9]+")


class ReceiptOddity(StrEnum):
    """What was strange about a receipt."""

    ID_MISSING = "id_missing"
    IDS_DIFFER = "ids_differ"
    """Text and parameter name it differently, and not just in another base."""
    STATE_MISSING = "state_missing"
    STATE_UNKNOWN = "state_unknown"
    STATES_DIFFER = "states_differ"
    """Text and parameter disagree; the text, which tells more, is believed."""
    DATE_INVALID = "date_invalid"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt, final or intermediate."""

    ids: tuple[str, ...]
    """The message as given in the text and in the parameter; see `id_keys`. May be empty."""
    state: ReceiptState
    error: str | None = None
    """The operator's, as written; a number of its own, often hexadecimal."""
    submitted_at: datetime | None = None
    """As the operator writes it: nobody says in which zone, so it has none."""
    done_at: datetime | None = None
    text: str = ""
    """The beginning of our text, if it is given."""
    submitted: int | None = None
    """``sub``: messages submitted."""
    delivered: int | None = None
    """``dlvrd``: messages delivered."""
    oddities: tuple[str, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether nothing else will become of it."""
        return self.state in FINAL_RECEIPT_STATES

    @property
    def keys(self) -> frozenset[str]:
        """Every spelling under which it may have been given; see `id_keys`."""
        return frozenset().union(*map(id_keys, self.ids))

    @classmethod
    def parse(cls, message: ShortMessage) -> "Receipt":
        """Read what a message that `ShortMessage.is_receipt` or `is_intermediate` tells.

        Never raises: where nothing is told, the state is unknown and there are no ids.
        """
        oddities: list[str] = []
        fields = _fields(_text(message))
        tlvs = message.tlvs
        ids = [
            value[:VALUE_CHARS_MAX]
            for value in (fields.get("id"), c_string(tlvs.get(RECEIPTED_MESSAGE_ID)))
            if value
        ]
        if not ids:
            oddities.append(ReceiptOddity.ID_MISSING)
        elif not id_keys(ids[0]) & id_keys(ids[-1]):
            oddities.append(ReceiptOddity.IDS_DIFFER)
        return cls(
            ids=tuple(dict.fromkeys(ids)),
            state=_state(fields.get("stat"), integer(tlvs.get(MESSAGE_STATE)), oddities),
            error=fields.get("err", "")[:VALUE_CHARS_MAX] or _network_error(message),
            submitted_at=_date(fields.get("submit date"), oddities),
            done_at=_date(fields.get("done date"), oddities),
            text=fields.get("text", "")[:TEXT_CHARS_MAX],
            submitted=_number(fields.get("sub")),
            delivered=_number(fields.get("dlvrd")),
            oddities=tuple(dict.fromkeys(oddities)),
        )


def id_keys(smsc_id: str) -> frozenset[str]:
    """Every spelling under which the same message may come back.

    Operators answer a submit_sm with an identifier in hexadecimal and put it in decimal into the
    receipt, or the other way round, with or without leading zeros, in capitals or not. Two
    identifiers can be the same if their keys meet; where several can, `id_distance` says which is
    meant, for ``10`` is 16 to one operator and ten to another.
    """
    bare = _bare(smsc_id)
    if not bare:
        return frozenset()
    keys = {smsc_id.strip().strip("\0").lower()[:VALUE_CHARS_MAX], bare}
    if len(bare) <= _HEX_DIGITS_MAX and _HEX.fullmatch(bare):
        keys.add(str(int(bare, 16)))
    if len(bare) <= _DECIMAL_DIGITS_MAX and _DECIMAL.fullmatch(bare):
        keys.add(f"{int(bare):x}")
    return frozenset(keys)


def id_distance(one: str, other: str) -> int | None:
    """How differently two identifiers are written that can be the same, ``None`` if they cannot.

    0: not at all; 1: in zeros, capitals or spaces; 2: one in hexadecimal, the other in decimal.
    """
    if one == other:
        return 0
    if _bare(one) == _bare(other):
        return 1
    return 2 if id_keys(one) & id_keys(other) else None


def _bare(smsc_id: str) -> str:
    text = smsc_id.strip().strip("\0").lower()[:VALUE_CHARS_MAX]
    return text.removeprefix("0x").lstrip("0") or text[:1]


def _text(message: ShortMessage) -> str:
    """Receipts are ASCII but for the citizen's text at their end, whatever data_coding says.

    Read as Latin-1, their underscores and at-signs are what they are in no seven-bit alphabet.
    Other matters are UCS-2, which shows itself by a NUL in every other octet, and septets that are
    packed, in which no field can be seen.
    """
    octets = message.user_data
    if octets[:1] == b"\0" or octets[1:2] == b"\0":
        return message.text().text
    text = octets.decode("latin-1").rstrip("\0")
    if _FIELD.search(text) is None:
        fill_bits = 0 if message.udh is None else message.udh.fill_bits
        return read_as_packed(octets, fill_bits) or text
    return text


def _fields(text: str) -> dict[str, str]:
    """By name in small letters; the first of one told twice. All but the text are one word."""
    found: dict[str, str] = {}
    marks = list(_FIELD.finditer(text))
    for number, mark in enumerate(marks):
        name = mark[1].lower().replace("_", " ")
        end = marks[number + 1].start() if number + 1 < len(marks) else len(text)
        value = text[mark.end() : end].strip(" ;,\t\r\n")
        found.setdefault(name, value if name == "text" else value.partition(" ")[0])
    return found


def _state(stat: str | None, told: int | None, oddities: list[str]) -> ReceiptState:
    in_tlv = None if told is None else _STATES_IN_TLV.get(told, ReceiptState.UNKNOWN)
    if not stat:
        if in_tlv is None:
            oddities.append(ReceiptOddity.STATE_MISSING)
        return in_tlv or ReceiptState.UNKNOWN
    in_text = _STATES_IN_TEXT.get(stat.upper())
    if in_text is None:
        oddities.append(ReceiptOddity.STATE_UNKNOWN)
        return in_tlv or ReceiptState.UNKNOWN
    if in_tlv is not None and in_tlv is not in_text:
        oddities.append(ReceiptOddity.STATES_DIFFER)
    return in_text


def _date(text: str | None, oddities: list[str]) -> datetime | None:
    if not text:
        return None
    pattern = _DATE_FORMATS.get(len(text)) if _DECIMAL.fullmatch(text) else None
    if pattern is not None:
        try:
            # A clock of nobody says which zone: what it shows is kept, and compared with nothing.
            return datetime.strptime(text, pattern)  # noqa: DTZ007
        except ValueError:
            pass
    oddities.append(ReceiptOddity.DATE_INVALID)
    return None


def _number(text: str | None) -> int | None:
    return int(text) if text and _DECIMAL.fullmatch(text) and len(text) <= 9 else None


def _network_error(message: ShortMessage) -> str | None:
    """Network and error of network_error_code, as ``3:258``, where the text tells no error."""
    value = message.tlvs.get(NETWORK_ERROR_CODE, b"")
    return f"{value[0]}:{int.from_bytes(value[1:3], 'big')}" if len(value) == 3 else None
