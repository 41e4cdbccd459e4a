"""``ccserver smpp decode`` prints a line for each PDU, and a bad one stops nothing."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.__main__ import main
from ccserver.sms.commands import EXIT_BAD, LINE_CHARS_MAX
from ccserver.sms.description import describe
from ccserver.sms.oddities import Oddity
from ccserver.sms.pdu import PDU, Command
from tests.sms.samples import SAMPLES, sample

Lines = list[dict[str, Any]]


def decode(
    capsys: pytest.CaptureFixture[str], *arguments: str, stdin: str = ""
) -> tuple[int, Lines]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        # No such configuration: the command needs none.
        status = main(["--config", "/nowhere.toml", "smpp", "decode", *arguments])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def spaced(hexadecimal: str) -> str:
    return " ".join(hexadecimal[at : at + 2] for at in range(0, len(hexadecimal), 2)).upper()


def test_a_receipt_with_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    one = sample("pdus", "jasmin:test_any_network_error_code")
    status, (told,) = decode(capsys, spaced(one["hex"]))
    assert status == 0
    expect = dict(one["expect"])
    text = bytes.fromhex(expect["short_message_hex"]).decode()
    assert told == {
        "source": "argument 1",
        "command_length": 243,
        "command_id": "0x00000005",
        "command": "deliver_sm",
        "command_status": 0,
        "command_status_name": "ROK",
        "sequence_number": 1,
        "service_type": "",
        "source_addr_ton": 1,
        "source_addr_npi": 1,
        "source_addr": "4915256794887",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": "04051306999",
        "esm_class": 4,
        "protocol_id": 0,
        "priority_flag": 0,
        "schedule_delivery_time": "",
        "validity_period": "",
        "registered_delivery": 0,
        "replace_if_present_flag": 0,
        "data_coding": 0,
        "sm_default_msg_id": 0,
        "sm_length": 133,
        "short_message": expect["short_message_hex"],
        "tlvs": [
            {"tag": "0x0423", "name": "network_error_code", "hex": "030000", "number": 196608},
            {"tag": "0x0427", "name": "message_state", "hex": "02", "number": 2},
            {
                "tag": "0x001e",
                "name": "receipted_message_id",
                "hex": expect["tlvs"][2][1],
                "string": "bc59b8aa-2fd2-4035-8113-19301e050079",
            },
        ],
        "from": "+4915256794887",
        "to": "04051306999",
        "alphabet": "gsm",
        "text": text,
        "udh": None,
        "concatenation": None,
        "ports": None,
        "receipt": {
            "ids": ["bc59b8aa-2fd2-4035-8113-19301e050079"],
            "state": "delivered",
            "final": True,
            "error": "000",
            "sub": 1,
            "dlvrd": 1,
            "submit_date": "2015-05-08T14:40:58",
            "done_date": "2015-05-08T14:40:58",
            "text": "-",
            "oddities": [],
        },
        "oddities": [],
    }


def test_a_part_of_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    status, (told,) = decode(capsys, stdin=sample("concat", "concat:in order")["steps"][0])
    assert status == 0
    assert told["source"] == "line 1"
    assert told["text"] == "Fire at Brivibas "
    assert told["udh"] == {
        "length": 6,
        "elements": [{"iei": "0x00", "hex": "070201"}],
        "single_shift": 0,
        "locking_shift": 0,
    }
    assert told["concatenation"] == {"reference": 7, "width": 8, "total": 2, "number": 1}


@pytest.mark.parametrize("one", SAMPLES["pdus"], ids=lambda one: one["id"])
def test_every_sample_by_the_standards_names(one: dict[str, Any]) -> None:
    told = describe(PDU.parse(bytes.fromhex(one["hex"])))
    json.dumps(told)
    expect = dict(one["expect"])
    if "short_message_hex" in expect:
        expect["short_message"] = expect.pop("short_message_hex")
    tlvs = [(tlv["tag"], tlv["hex"]) for tlv in told.get("tlvs", [])]
    assert tlvs == [tuple(tlv) for tlv in expect.pop("tlvs", [])]
    assert {name: told.get(name) for name in expect} == expect
    assert "error" not in told


def test_every_bad_line_gets_its_answer(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [one["hex"] for one in SAMPLES["malformed"]]
    status, told = decode(capsys, stdin="\n".join(lines))
    assert status == EXIT_BAD
    assert [one["source"] for one in told] == [f"line {n}" for n in range(1, len(lines) + 1)]
    by_name = dict(zip((one["id"] for one in SAMPLES["malformed"]), told, strict=True))
    assert "error" in by_name["ch-dec:decodeOnly4Bytes"]
    assert by_name["smpp.pdu:test_decode_command_length_too_long"]["oddities"] == [
        Oddity.BODY_UNEXPECTED
    ]
    # What a PDU that is cut tells is told beside the error.
    assert (
        by_name["smpp.pdu:test_decode_bad_message_length_msg_too_short"]["system_id"] == "TSI7588"
    )
    cut = by_name["inj:smlen_too_big"]
    assert (cut["sm_length"], cut["text"]) == (200, "hello")
    assert cut["oddities"] == [Oddity.SHORT_MESSAGE_CUT]
    assert by_name["inj:len_2GB"]["command_length"] == 0x7FFF_FFFF


def test_what_is_no_hexadecimal(capsys: pytest.CaptureFixture[str]) -> None:
    good = sample("malformed", "inj:empty_message")["hex"]
    stdin = "\n".join(["# captured today", "zz", "", "0", "f" * (LINE_CHARS_MAX * 3), good])
    status, told = decode(capsys, stdin=stdin)
    assert status == EXIT_BAD
    assert [(one["source"], "error" in one) for one in told] == [
        ("line 2", True),
        ("line 4", True),
        ("line 5", True),
        ("line 6", False),
    ]


def test_several_pdus_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    status, (told,) = decode(capsys, sample("streams", "stream:100 PDUs one segment")["hex"])
    assert status == 0
    assert [told["sequence_number"], *(one["sequence_number"] for one in told["next"])] == list(
        range(1, 101)
    )


def test_arguments_and_standard_input_together(capsys: pytest.CaptureFixture[str]) -> None:
    good = sample("malformed", "inj:empty_message")["hex"]
    status, told = decode(capsys, good, "-", f"0x{good}", stdin=f"{good}\n{good}\n")
    assert status == 0
    assert [one["source"] for one in told] == ["argument 1", "line 1", "line 2", "argument 3"]


def test_the_operators_settings(capsys: pytest.CaptureFixture[str]) -> None:
    good = sample("pdus", "ch-dec:decodeDeliverSm")["hex"]
    _, (told,) = decode(capsys, "--default-alphabet", "latin1", good)
    assert (told["text"], told["alphabet"]) == ("@$#!%&/:", "latin1")
    _, (told,) = decode(capsys, "--packed", good)
    assert len(told["text"]) == 9


@given(st.one_of(st.sampled_from(Command), st.integers(0, 2**32 - 1)), st.binary(max_size=200))
def test_random_bodies(command_id: int, body: bytes) -> None:
    json.dumps(describe(PDU(command_id, 0, 1, body)))
