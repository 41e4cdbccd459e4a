"""Receipts are read however an operator writes them, and say whose message they are about."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.sms import gsm
from ccserver.sms.receipt import (
    TEXT_CHARS_MAX,
    Receipt,
    ReceiptOddity,
    ReceiptState,
    id_distance,
    id_keys,
)
from ccserver.sms.short_message import ShortMessage
from tests.sms.samples import SAMPLES, body, delivered, sample

STATES = {
    "DELIVRD": ReceiptState.DELIVERED,
    "ENROUTE": ReceiptState.ENROUTE,
}


def read(text: str, tlvs: dict[int, bytes] | None = None) -> Receipt:
    message = delivered(text.encode("latin-1"), esm_class=4)
    return Receipt.parse(replace(message, tlvs=tlvs or {}))


@pytest.mark.parametrize(
    "one", [one for one in SAMPLES["dlr"] if "stat" in one["expect"]], ids=lambda one: one["id"]
)
def test_samples(one: dict[str, Any]) -> None:
    receipt = read(one["text"])
    expect = one["expect"]
    assert receipt.ids == ((expect["id"],) if expect["id"] else ())
    assert receipt.state is STATES[expect["stat"]]
    assert receipt.error == expect.get("err", receipt.error)
    if "submit" in expect:
        assert receipt.submitted_at == datetime.fromisoformat(expect["submit"])
    if "done" in expect:
        assert receipt.done_at == datetime.fromisoformat(expect["done"])
    assert receipt.text == expect.get("text", "")
    assert receipt.submitted == expect.get("sub", receipt.submitted)
    assert receipt.delivered == expect.get("dlvrd", receipt.delivered)
    if "id_hex" in expect:
        assert expect["id_hex"] in receipt.keys


def test_an_error_in_hexadecimal_and_seconds_in_dates() -> None:
    receipt = Receipt.parse(ShortMessage.parse(body("inj:dlr_no_text_err_hex")))
    assert (receipt.ids, receipt.state, receipt.error) == (
        ("AB12",),
        ReceiptState.DELIVERED,
        "21b",
    )
    receipt = Receipt.parse(ShortMessage.parse(body("inj:dlr_seconds_date")))
    assert receipt.submitted_at == datetime.fromisoformat("2024-11-01T12:00:00")
    assert receipt.done_at == datetime.fromisoformat("2024-11-01T12:00:01")
    assert read("id:1 done date:20241101120001 stat:DELIVRD").done_at == receipt.done_at


@pytest.mark.parametrize(
    "name",
    [
        "ch-dec:decodeDeliveryReceipt0",
        "smpp.pdu:test_DeliverSM_handset_ack_conversion",
        "jasmin:test_any_network_error_code",
        "smpplib:test_parse_deliver_sm",
    ],
)
def test_receipts_of_real_operators(name: str) -> None:
    message = ShortMessage.parse(body(name, "pdus"))
    receipt = Receipt.parse(message)
    assert message.is_receipt
    assert receipt.state is ReceiptState.DELIVERED
    assert receipt.is_final
    assert (receipt.error, receipt.done_at is not None) == ("000", True)
    # Text and parameter say the same identifier, some of them in another base.
    assert receipt.oddities == ()
    assert receipt.ids


def test_the_same_identifier_in_three_spellings() -> None:
    keys = id_keys("0059113978")
    assert {"0059113978", "59113978", "38601fa"} <= keys
    assert keys & id_keys("38601FA")
    assert id_distance("0059113978", "0059113978") == 0
    assert id_distance("0059113978", "59113978") == 1
    assert id_distance("AB12", "ab12") == 1
    assert id_distance("0x38601fa", "38601FA") == 1
    assert id_distance("0059113978", "38601fa") == 2
    assert id_distance("59113978", "59113979") is None
    assert id_distance("74e02ee1-4e2f", "74e02ee1-4e30") is None
    both = sample("pdus", "smpp.pdu:test_DeliverSM_handset_ack_conversion")["hex"]
    receipt = Receipt.parse(ShortMessage.parse(bytes.fromhex(both)[16:]))
    assert receipt.ids == ("1891273321", "70BA8A69")


def test_which_of_two_that_could_be_meant() -> None:
    # 10 may be 16 in hexadecimal; it is more likely the one that is written like it.
    assert id_distance("10", "16") == 2
    assert id_distance("10", "10") == 0


@pytest.mark.parametrize("smsc_id", ["", " ", "\0"])
def test_no_identifier_is_like_no_other(smsc_id: str) -> None:
    assert id_keys(smsc_id) == frozenset()


def test_nothing_but_parameters() -> None:
    receipt = read("", {0x001E: b"1d305b4c\0", 0x0427: b"\5", 0x0423: b"\3\1\2"})
    assert receipt.ids == ("1d305b4c",)
    assert receipt.state is ReceiptState.UNDELIVERABLE
    assert receipt.error == "3:258"
    assert receipt.oddities == ()


@pytest.mark.parametrize(
    ("text", "tlvs", "state", "oddities"),
    [
        ("id:1 stat:delivrd", {}, ReceiptState.DELIVERED, ()),
        ("id:1;stat:UNDELIV;err:1", {}, ReceiptState.UNDELIVERABLE, ()),
        ("id:1 stat:REJECTD", {}, ReceiptState.REJECTED, ()),
        ("id:1 stat:ACCEPTD", {}, ReceiptState.ACCEPTED, ()),
        ("id:1 stat:NONSENSE", {}, ReceiptState.UNKNOWN, (ReceiptOddity.STATE_UNKNOWN,)),
        ("id:1 stat:X", {0x0427: b"\3"}, ReceiptState.EXPIRED, (ReceiptOddity.STATE_UNKNOWN,)),
        ("id:1 stat:", {0x0427: b"\3"}, ReceiptState.EXPIRED, ()),
        ("id:1", {0x0427: b"\x63"}, ReceiptState.UNKNOWN, ()),
        ("id:1", {}, ReceiptState.UNKNOWN, (ReceiptOddity.STATE_MISSING,)),
        (
            "id:1 stat:DELIVRD",
            {0x0427: b"\5"},
            ReceiptState.DELIVERED,
            (ReceiptOddity.STATES_DIFFER,),
        ),
        (
            "id:1 stat:DELIVRD",
            {0x001E: b"2\0"},
            ReceiptState.DELIVERED,
            (ReceiptOddity.IDS_DIFFER,),
        ),
        ("stat:DELIVRD", {}, ReceiptState.DELIVERED, (ReceiptOddity.ID_MISSING,)),
        (
            "id:1 done date:2411 stat:DELIVRD",
            {},
            ReceiptState.DELIVERED,
            (ReceiptOddity.DATE_INVALID,),
        ),
        (
            "id:1 done date:2413312500 stat:DELIVRD",
            {},
            ReceiptState.DELIVERED,
            (ReceiptOddity.DATE_INVALID,),
        ),
    ],
)
def test_states(
    text: str, tlvs: dict[int, bytes], state: ReceiptState, oddities: tuple[str, ...]
) -> None:
    receipt = read(text, tlvs)
    assert (receipt.state, receipt.oddities) == (state, oddities)


def test_our_text_says_nothing_about_itself() -> None:
    receipt = read("id:1 stat:UNDELIV err:5 text:stat:DELIVRD id:2 err:0")
    assert (receipt.ids, receipt.state, receipt.error) == (("1",), ReceiptState.UNDELIVERABLE, "5")
    assert read(f"id:1 stat:DELIVRD text:{'x' * 1000}").text == "x" * TEXT_CHARS_MAX


def test_a_receipt_in_ucs2() -> None:
    text = "id:1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:Kur Jūs esat?"
    message = delivered(text.encode("utf-16-be"), data_coding=8, esm_class=4)
    receipt = Receipt.parse(message)
    assert (receipt.ids, receipt.state) == (("1",), ReceiptState.DELIVERED)
    assert receipt.text == "Kur Jūs esat?"


def test_a_receipt_of_an_operator_who_packs() -> None:
    text = "id:0059113978 sub:001 dlvrd:001 stat:DELIVRD err:000 text:Hello"
    octets = gsm.pack(gsm.encode(text) or b"")
    receipt = Receipt.parse(delivered(octets, esm_class=4))
    assert (receipt.ids, receipt.state) == (("0059113978",), ReceiptState.DELIVERED)


@given(st.binary(max_size=300), st.dictionaries(st.sampled_from([0x1E, 0x423, 0x427]), st.binary()))
def test_random_octets(octets: bytes, tlvs: dict[int, bytes]) -> None:
    receipt = Receipt.parse(replace(delivered(octets, esm_class=4), tlvs=tlvs))
    assert isinstance(receipt.state, ReceiptState)
    assert len(receipt.keys) <= 8


FIELDS = st.sampled_from(["id:", "stat:", "err:", "done date:", "text:", " ", "1", "DELIVRD", "x"])


@given(st.lists(FIELDS, max_size=30))
def test_fields_in_any_order(pieces: list[str]) -> None:
    read("".join(pieces))


@given(st.integers(0, 2**64 - 1), st.integers(0, 4))
def test_a_number_is_found_again_in_either_base(number: int, zeros: int) -> None:
    decimal, hexadecimal = str(number), f"{number:X}"
    assert id_keys("0" * zeros + decimal) & id_keys(hexadecimal)
    assert id_keys(decimal) & id_keys(f"0x{hexadecimal}")
