"""A short message's body is read as it was written, and as far as it goes where it is broken.

Every sample of other projects is read field by field; random and mutated bodies end in a message or
in the one promised exception; two other implementations read the same as this one.
"""

from dataclasses import replace
from typing import Any

import pytest
import smpp34
from hypothesis import example, given
from hypothesis import strategies as st
from smpplib.command import DeliverSM, SubmitSM

from ccserver.sms import gsm
from ccserver.sms.oddities import Oddity
from ccserver.sms.pdu import PDU, Command
from ccserver.sms.short_message import (
    ADDRESS_CHARS_MAX,
    SHORT_MESSAGE_OCTETS_MAX,
    Address,
    ShortMessage,
    ShortMessageUnreadable,
    joined_text,
)
from ccserver.sms.tlv import MESSAGE_PAYLOAD
from ccserver.sms.udh import Concatenation
from tests.sms.samples import (
    CITIZEN,
    DATA_SM_ID,
    SAMPLES,
    US,
    body,
    delivered,
    messages,
    sample,
    short_messages,
)

HELLO = "hello"


@pytest.mark.parametrize("one", messages(), ids=lambda one: one["id"])
def test_every_field_of_the_samples(one: dict[str, Any]) -> None:
    expect = one["expect"]
    data_sm = expect["command"] == "data_sm"
    octets = bytes.fromhex(one["hex"])[16:]
    message = ShortMessage.parse(octets, data_sm=data_sm)
    assert message.service_type == expect["service_type"]
    assert message.source == Address(
        expect["source_addr_ton"], expect["source_addr_npi"], expect["source_addr"]
    )
    assert message.destination == Address(
        expect["dest_addr_ton"], expect["dest_addr_npi"], expect["destination_addr"]
    )
    assert message.esm_class == expect["esm_class"]
    assert message.registered_delivery == expect["registered_delivery"]
    assert message.data_coding == expect["data_coding"]
    assert list(message.tlvs.items()) == [
        (int(tag, 16), bytes.fromhex(value)) for tag, value in expect["tlvs"]
    ]
    if not data_sm:
        assert message.protocol_id == expect["protocol_id"]
        assert message.priority == expect["priority_flag"]
        assert message.schedule == expect["schedule_delivery_time"]
        assert message.validity == expect["validity_period"]
        assert message.replace_if_present == expect["replace_if_present_flag"]
        assert message.default_message_id == expect["sm_default_msg_id"]
        if expect["sm_length"]:
            assert message.octets.hex() == expect["short_message_hex"]
    assert message.encode(data_sm=data_sm) == octets


@pytest.mark.parametrize(
    ("name", "oddities"),
    [
        ("std_tlv_not_in_table(ms_validity)", ()),
        ("smpp5_tlv_congestion_0428", ()),
        ("tlv_truncated", (Oddity.TLV_CUT,)),
        ("ton_7_npi_2", ()),
        ("smlen_too_big", (Oddity.SHORT_MESSAGE_CUT,)),
        ("data_sm_from_smsc", ()),
    ],
)
def test_an_odd_field_costs_no_text(name: str, oddities: tuple[str, ...]) -> None:
    octets = bytes.fromhex(sample("malformed", f"inj:{name}")["hex"])
    data_sm = PDU.parse(octets).command_id == DATA_SM_ID
    message = ShortMessage.parse(octets[16:], data_sm=data_sm)
    assert message.text().text == HELLO
    assert message.oddities == oddities
    assert message.source.number() == "+37120000001"
    assert message.destination.number() == "112"


def test_an_empty_text_is_one() -> None:
    message = ShortMessage.parse(body("inj:empty_message"))
    assert (message.text().text, message.oddities) == ("", ())


def test_a_long_name_is_kept_as_far_as_names_go() -> None:
    assert ShortMessage.parse(body("inj:alnum_src_30chars")).source.value == "X" * 30
    long = replace(delivered(b"x"), source=Address(5, 0, "X" * 100))
    assert ShortMessage.parse(long.encode()).source.value == "X" * ADDRESS_CHARS_MAX


def test_a_name_outside_of_ascii() -> None:
    source = ShortMessage.parse(body("inj:src_latin1_byte")).source
    assert source.is_alphanumeric
    assert source.number() == "Réga"


def test_ports_are_no_parts() -> None:
    message = ShortMessage.parse(body("inj:udh_port16_AML_like"))
    assert message.ports == (43, 0)
    assert message.concatenation is None
    assert message.text().text == 'A"ML=1'


@pytest.mark.parametrize(
    ("address", "number", "is_alphanumeric"),
    [
        (Address(1, 1, "37120000001"), "+37120000001", False),
        (Address(1, 1, "+37120000001"), "+37120000001", False),
        (Address(1, 1, "0037120000001"), "+37120000001", False),
        (Address(0, 1, "37120000001"), "+37120000001", False),
        (Address(2, 1, "20000001"), "+37120000001", False),
        (Address(1, 1, "37061234567"), "+37061234567", False),
        (Address(1, 1, "04051306999"), "04051306999", False),
        (Address(1, 1, "112"), "112", False),
        (Address(3, 0, "112"), "112", False),
        (Address(6, 9, "1188"), "1188", False),
        (Address(5, 0, "Banka"), "Banka", True),
        (Address(5, 0, "1188"), "1188", True),
        (Address(0, 0, "Banka"), "Banka", True),
        (Address(0, 0, ""), "", False),
        (Address(0, 0, "#+*"), "#+*", False),
    ],
)
def test_numbers(address: Address, number: str, is_alphanumeric: bool) -> None:
    assert address.number() == number
    assert address.is_alphanumeric is is_alphanumeric


@pytest.mark.parametrize(
    ("number", "address"),
    [("+37120000001", Address(1, 1, "37120000001")), ("112", Address(0, 1, "112"))],
)
def test_an_address_of_a_number(number: str, address: Address) -> None:
    assert Address.of_number(number) == address
    assert address.number() == number


@pytest.mark.parametrize("one", SAMPLES["esm_class"], ids=lambda one: one["id"])
def test_what_esm_class_says(one: dict[str, Any]) -> None:
    message = delivered(b"\0x", esm_class=one["value"])
    expect = one["expect"]
    assert message.is_receipt is expect.get("smsc_receipt", False)
    assert (message.udh is not None) is expect.get("udhi", False)


@pytest.mark.parametrize("esm_class", range(256))
def test_no_text_of_a_citizen_is_taken_for_a_receipt(esm_class: int) -> None:
    octets = b"id:1 sub:001 dlvrd:001 stat:DELIVRD err:000"
    message = delivered(octets, esm_class=esm_class)
    assert message.is_receipt is (esm_class & 0x3C == 0x04)
    assert message.is_intermediate is (esm_class & 0x3C == 0x20)


def test_parts_told_by_parameters() -> None:
    steps = sample("concat", "concat:SAR TLVs")["steps"]
    parts = [ShortMessage.parse(bytes.fromhex(step)[16:]) for step in steps]
    assert [part.concatenation for part in parts] == [
        Concatenation(300, "sar", 2, 1),
        Concatenation(300, "sar", 2, 2),
    ]
    assert joined_text(parts).text == "s1 s2"


def test_a_part_that_cannot_be_stands_alone() -> None:
    message = replace(delivered(b"x"), tlvs={0x020C: b"\1\2", 0x020E: b"\2", 0x020F: b"\3"})
    assert message.concatenation is None
    assert message.oddities == (Oddity.CONCATENATION_INVALID,)


def test_a_header_that_was_not_announced() -> None:
    message = delivered(b"\x05\x00\x03\x07\x02\x01Palidziet")
    assert message.concatenation == Concatenation(7, 8, 2, 1)
    assert message.text().text == "Palidziet"
    assert message.oddities == (Oddity.UDH_UNANNOUNCED,)
    assert delivered(b"\x05\x00\x03\x07\x02\x03x").udh is None, "a third part of two"


def test_a_broken_header_is_shown_with_the_text() -> None:
    message = delivered(b"\x40Help", esm_class=0x40)
    assert message.text().text == "¡Help"
    assert message.oddities == (Oddity.UDH_CUT,)
    assert delivered(b"", esm_class=0x40).oddities == (Oddity.UDH_CUT,)


def test_text_in_both_places() -> None:
    payload = replace(delivered(b"Hel"), tlvs={MESSAGE_PAYLOAD: b"Help me"})
    read = ShortMessage.parse(payload.encode())
    assert read.text().text == "Help me"
    assert read.oddities == (Oddity.TEXT_TWICE,)


def test_a_long_text_becomes_a_payload() -> None:
    text = b"x" * (SHORT_MESSAGE_OCTETS_MAX + 1)
    read = ShortMessage.parse(delivered(text).encode())
    assert read.octets == text
    assert read.tlvs == {MESSAGE_PAYLOAD: text}


def test_every_beginning_of_a_body_is_read_as_far_as_it_goes() -> None:
    whole = replace(
        delivered(b"hello"), schedule="0" * 16, validity="1" * 16, tlvs={0x0204: b"\0\1"}
    )
    octets = whole.encode()
    addressed = octets.index(b"112\0") + 4
    for end in range(addressed):
        with pytest.raises(ShortMessageUnreadable):
            ShortMessage.parse(octets[:end])
    text_at = octets.index(b"hello")
    for end in range(addressed, len(octets)):
        read = ShortMessage.parse(octets[:end])
        assert read.source == CITIZEN
        assert read.destination == US
        assert HELLO.startswith(read.text().text)
        # A body that ends exactly before its parameters lacks nothing that it promises.
        assert read.oddities or end == text_at + len(HELLO)


def test_a_time_without_an_end() -> None:
    octets = delivered(b"").encode()
    start = octets[: octets.index(b"112\0") + 7]
    assert ShortMessage.parse(start + b"241101").oddities == (Oddity.FIELD_UNTERMINATED,)


def test_characters_cut_in_two_between_parts() -> None:
    def part(number: int, octets: bytes, data_coding: int) -> ShortMessage:
        header = bytes((5, 0, 3, 9, 2, number))
        return delivered(header + octets, data_coding=data_coding, esm_class=0x40)

    smile = "Palīgā 😀!".encode("utf-16-be")
    for cut in range(0, len(smile), 2):
        pair = [part(1, smile[:cut], 8), part(2, smile[cut:], 8)]
        assert joined_text(pair).text == "Palīgā 😀!"
    euro = b"5 \x1be"
    for cut in range(len(euro)):
        pair = [part(1, euro[:cut], 0), part(2, euro[cut:], 0)]
        decoded = joined_text(pair)
        assert (decoded.text, decoded.oddities) == ("5 €", ())


def test_parts_in_different_alphabets() -> None:
    decoded = joined_text([delivered(b"a"), delivered(b"\x01\x01", data_coding=8), delivered(b"b")])
    assert decoded.text == "aāb"
    assert joined_text([]).text == ""


@pytest.mark.parametrize("one", [one for one in SAMPLES["aml_data_sms"] if "hex" in one])
def test_a_position_is_among_the_readings(one: dict[str, Any]) -> None:
    octets = bytes.fromhex(one["hex"])
    if octets.startswith(b"\0\0"):
        message = ShortMessage.parse(octets[16:])
    else:
        message = delivered(octets, data_coding=4)
    assert one["text"] in message.readings()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("data_coding", [0, 1, 2, 3, 4, 8, 0xF5])
@pytest.mark.parametrize(
    "header", [b"", bytes.fromhex("06050400000000"), bytes.fromhex("050003070201")]
)
def test_a_position_is_among_the_readings_whatever_it_was_called(
    packed: bool, data_coding: int, header: bytes
) -> None:
    text = 'A"ML=1;lt=+56.94960;lg=+24.10520;rd=14;top=20261126120000;lc=68;pm=G;ml=76'
    septets = gsm.encode(text)
    assert septets is not None
    for octets in (
        septets,
        gsm.pack(septets, fill_bits=-8 * len(header) % 7),
        text.encode("utf-16-be"),
    ):
        message = delivered(
            header + octets, data_coding=data_coding, esm_class=0x40 if header else 0
        )
        assert text in message.readings(packed=packed)


def test_a_text_of_a_person_has_few_readings() -> None:
    assert delivered(b"Palidziet").readings() == ("Palidziet",)
    assert len(delivered("Где вы?".encode("utf-16-be"), data_coding=8).readings()) <= 2


@given(short_messages)
def test_a_message_comes_back_as_it_was(message: ShortMessage) -> None:
    assert ShortMessage.parse(message.encode()) == message


@given(short_messages)
def test_a_message_in_data_sm_comes_back(message: ShortMessage) -> None:
    read = ShortMessage.parse(message.encode(data_sm=True), data_sm=True)
    assert read.octets == message.octets
    assert (read.source, read.destination) == (message.source, message.destination)
    assert (read.esm_class, read.data_coding) == (message.esm_class, message.data_coding)


def whatever(octets: bytes, data_sm: bool) -> None:
    """Reading and decoding ends in text that a database takes, or in the promised exception."""
    try:
        message = ShortMessage.parse(octets, data_sm=data_sm)
    except ShortMessageUnreadable:
        return
    message.source.number()
    for alphabet in ("gsm", "latin1", "ascii", "klingon"):
        for packed in (False, True):
            texts = message.readings(default_alphabet=alphabet, packed=packed)
            joined = joined_text([message] * 2, default_alphabet=alphabet, packed=packed)
            for text in (*texts, joined.text):
                assert "\0" not in text
                text.encode("utf-8")


@given(st.binary(max_size=400), st.booleans())
@example(b"\0" * 20, False)
@example(b"\0" * 9, True)
def test_random_octets(octets: bytes, data_sm: bool) -> None:
    whatever(octets, data_sm)


@given(
    st.sampled_from([bytes.fromhex(one["hex"])[16:] for one in messages()]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    st.integers(0, 400),
    st.booleans(),
)
def test_mutated_samples(
    octets: bytes, changes: list[tuple[int, int]], end: int, data_sm: bool
) -> None:
    changed = bytearray(octets)
    for at, octet in changes:
        changed[at % len(changed)] = octet
    whatever(bytes(changed[:end]), data_sm)


PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)


@given(
    source=PLAIN,
    destination=PLAIN,
    octets=st.binary(min_size=1, max_size=254),
    esm_class=st.integers(0, 255),
    data_coding=st.integers(0, 255),
)
def test_smpplib_and_smpp34_read_the_same(
    source: str, destination: str, octets: bytes, esm_class: int, data_coding: int
) -> None:
    message = ShortMessage(
        source=Address(1, 1, source),
        destination=Address(3, 9, destination),
        octets=octets,
        esm_class=esm_class,
        data_coding=data_coding,
        service_type="CMT",
        registered_delivery=1,
        tlvs={0x0204: b"\0\7"},
    )
    frame = PDU(Command.DELIVER_SM, 0, 1, message.encode()).encode()
    theirs = DeliverSM("deliver_sm", need_sequence=False)
    theirs.parse(frame)
    assert theirs.source_addr == source.encode()
    assert theirs.destination_addr == destination.encode()
    assert theirs.short_message == octets
    assert (theirs.esm_class or 0, theirs.data_coding or 0) == (esm_class, data_coding)
    assert theirs.user_message_reference == 7
    others = smpp34.decode(frame)
    assert isinstance(others, smpp34.DeliverSm)
    assert (others.source_addr, others.destination_addr) == (source, destination)
    assert others.short_message == octets
    assert (others.esm_class, others.data_coding) == (esm_class, data_coding)
    assert [(tlv.tag, tlv.value) for tlv in others.tlvs] == [(0x0204, b"\0\7")]
    assert others.encode() == frame


@given(octets=st.binary(max_size=254), validity=st.sampled_from(["", "000000002000000R"]))
def test_what_smpplib_writes_is_read(octets: bytes, validity: str) -> None:
    command = SubmitSM(
        "submit_sm",
        need_sequence=False,
        sequence=1,
        source_addr="112",
        destination_addr="37120000001",
        dest_addr_ton=1,
        validity_period=validity,
        short_message=octets,
    )
    message = ShortMessage.parse(command.generate()[16:])
    assert message.octets == octets
    assert message.validity == validity
    assert message.oddities == ((Oddity.UDH_UNANNOUNCED,) if message.udh else ())
