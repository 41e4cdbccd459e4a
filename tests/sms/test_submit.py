"""What is submitted says what it should, in the words of two other implementations and our own."""

import pytest
import smpp34
from hypothesis import given
from hypothesis import strategies as st

from ccserver.sms.pdu import PDU, Command
from ccserver.sms.short_message import UDHI, Address, ShortMessage, joined_text
from ccserver.sms.splitting import split
from ccserver.sms.submit import submit_body
from tests.sms.samples import CITIZEN

OUR_NUMBER = Address(0, 1, "112")


def bodies(text: str, *, packed: bool = False) -> list[bytes]:
    return [
        submit_body(
            source=OUR_NUMBER,
            destination=CITIZEN,
            part=part,
            validity_s=1_200,
            packed=packed,
        )
        for part in split(text, reference=42)
    ]


def test_every_field() -> None:
    (octets,) = bodies("Kur Jūs esat?")
    theirs = smpp34.decode(PDU(Command.SUBMIT_SM, 0, 1, octets).encode())
    assert isinstance(theirs, smpp34.SubmitSm)
    assert (theirs.source_addr_ton, theirs.source_addr_npi, theirs.source_addr) == (0, 1, "112")
    assert (theirs.dest_addr_ton, theirs.dest_addr_npi) == (1, 1)
    assert theirs.destination_addr == "37120000001"
    assert theirs.esm_class == 0
    assert theirs.validity_period == "000000002000000R"
    assert theirs.registered_delivery == 1
    assert theirs.data_coding == 8
    assert theirs.short_message.decode("utf-16-be") == "Kur Jūs esat?"


def test_without_a_receipt() -> None:
    (part,) = split("a", reference=1)
    octets = submit_body(
        source=OUR_NUMBER, destination=CITIZEN, part=part, validity_s=600, registered=False
    )
    assert ShortMessage.parse(octets).registered_delivery == 0


@given(st.text(st.sampled_from("aāЯ€😀[@ 1\n"), min_size=1, max_size=400), st.booleans())
def test_a_text_comes_back(text: str, packed: bool) -> None:
    messages = [ShortMessage.parse(octets) for octets in bodies(text, packed=packed)]
    assert all(message.oddities == () for message in messages)
    assert all((message.esm_class == UDHI) is (len(messages) > 1) for message in messages)
    shown = joined_text(messages, packed=packed).text
    # Packed, an @ that ends a message of 8n characters is taken as unused bits; see `gsm.unpack`.
    assert shown.rstrip("@") == text.rstrip("@") if packed else shown == text


@pytest.mark.parametrize("value", ["", "1" * 21])
def test_an_address_is_not_cut(value: str) -> None:
    (part,) = split("a", reference=1)
    with pytest.raises(ValueError, match="address"):
        submit_body(source=OUR_NUMBER, destination=Address(1, 1, value), part=part, validity_s=600)
