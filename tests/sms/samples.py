"""The SMPP samples, and short messages for property tests."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ccserver.sms.short_message import Address, ShortMessage
from ccserver.sms.tlv import MESSAGE_PAYLOAD

DATA = Path(__file__).parents[1] / "data" / "sms"
SAMPLES: dict[str, Any] = json.loads((DATA / "samples.json").read_text(encoding="utf-8"))
# The panel's own tests read it too, wherever the panel is built.
PANEL_TESTS = Path(__file__).resolve().parents[2] / "panel" / "tests"
COUNTER: dict[str, Any] = json.loads((PANEL_TESTS / "sms-counter.json").read_text(encoding="utf-8"))

CITIZEN = Address(1, 1, "37120000001")
US = Address(3, 0, "112")

MESSAGE_COMMANDS = {"submit_sm", "deliver_sm", "data_sm"}
DELIVER_SM_ID = 0x0000_0005
DATA_SM_ID = 0x0000_0103


def sample(kind: str, name: str) -> dict[str, Any]:
    """The sample of this name."""
    return next(one for one in SAMPLES[kind] if one["id"] == name)


def body(name: str, kind: str = "malformed") -> bytes:
    """What comes behind the header of that PDU."""
    return bytes.fromhex(sample(kind, name)["hex"])[16:]


def messages() -> list[dict[str, Any]]:
    """The PDUs among the samples that carry a short message."""
    return [one for one in SAMPLES["pdus"] if one["expect"]["command"] in MESSAGE_COMMANDS]


def delivered(octets: bytes, *, data_coding: int = 0, esm_class: int = 0) -> ShortMessage:
    """A citizen's message of these octets."""
    return ShortMessage(
        source=CITIZEN,
        destination=US,
        octets=octets,
        data_coding=data_coding,
        esm_class=esm_class,
    )


_octet = st.integers(0, 255)


def _printable(size: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=size)


addresses = st.builds(Address, _octet, _octet, _printable(20))

short_messages = st.builds(
    ShortMessage,
    source=addresses,
    destination=addresses,
    octets=st.binary(max_size=254),
    esm_class=_octet,
    data_coding=_octet,
    service_type=_printable(5),
    protocol_id=_octet,
    priority=_octet,
    schedule=_printable(16),
    validity=_printable(16),
    registered_delivery=_octet,
    replace_if_present=_octet,
    default_message_id=_octet,
    tlvs=st.dictionaries(
        st.integers(0, 0xFFFF).filter(lambda tag: tag != MESSAGE_PAYLOAD),
        st.binary(max_size=30),
        max_size=6,
    ),
)
