"""PDUs: header and body round trip, and a stream is cut rightly however it arrives.

The samples of a stream gone wrong end in the one promised exception, with the good frames ahead
of it handed out.
"""

import json
from pathlib import Path

import pytest
import smpplib.consts
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.sms.pdu import (
    FRAME_BYTES_MAX,
    HEADER_BYTES,
    PDU,
    Command,
    FrameInvalid,
    Framer,
    Status,
)
from ccserver.sms.statuses import Verdict, about_credentials, name, verdict

SAMPLES = json.loads((Path(__file__).parents[1] / "data/sms/samples.json").read_text())

U32 = st.integers(0, 0xFFFF_FFFF)
PDUS = st.builds(PDU, U32, U32, U32, st.binary(max_size=300))


def chunks(data: bytes, sizes: list[int]) -> list[bytes]:
    """``data`` in pieces of the sizes given, over and over."""
    pieces, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        pieces.append(data[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


@settings(deadline=None)
@given(PDUS)
def test_a_pdu_comes_back_as_it_was(pdu: PDU) -> None:
    assert PDU.parse(pdu.encode()) == pdu


@pytest.mark.parametrize("sample", SAMPLES["pdus"], ids=lambda sample: sample["id"])
def test_the_header_of_every_sample_is_read(sample: dict[str, object]) -> None:
    frame = bytes.fromhex(str(sample["hex"]))
    expect = sample["expect"]
    assert isinstance(expect, dict)
    pdu = PDU.parse(frame)
    assert pdu.command_id == int(expect["command_id"], 16)
    assert pdu.status == expect["command_status"]
    assert pdu.sequence == expect["sequence_number"]
    assert pdu.encode() == frame


@settings(deadline=None)
@given(st.lists(PDUS, max_size=20), st.lists(st.integers(1, 700), min_size=1, max_size=9))
def test_a_stream_is_cut_into_the_same_pdus_in_whatever_pieces_it_comes(
    pdus: list[PDU], sizes: list[int]
) -> None:
    stream = b"".join(pdu.encode() for pdu in pdus)
    framer = Framer()
    frames = [frame for piece in chunks(stream, sizes) for frame in framer.feed(piece)]
    assert [PDU.parse(frame) for frame in frames] == pdus
    assert framer.held == 0


def test_a_stream_of_single_octets_is_cut_too() -> None:
    pdus = [PDU(Command.DELIVER_SM, 0, number, b"x" * number) for number in range(40)]
    framer = Framer()
    frames: list[bytes] = []
    for octet in b"".join(pdu.encode() for pdu in pdus):
        frames += framer.feed(bytes([octet]))
    assert [PDU.parse(frame) for frame in frames] == pdus


@pytest.mark.parametrize(
    "length", [0, 1, 15, FRAME_BYTES_MAX + 1, 0x12333333, 0x7FFFFFFF, 2**32 - 1]
)
def test_a_length_out_of_bounds_is_told_at_its_fourth_octet(length: int) -> None:
    good = PDU(Command.DELIVER_SM, 0, 7, b"text").encode()
    framer = Framer()
    assert framer.feed(good + length.to_bytes(4, "big")[:3]) == [good]
    with pytest.raises(FrameInvalid) as caught:
        framer.feed(length.to_bytes(4, "big")[3:])
    assert caught.value.length == length


def test_what_was_whole_ahead_of_a_bad_length_is_handed_out() -> None:
    good = PDU(Command.DELIVER_SM, 0, 7, b"text").encode()
    with pytest.raises(FrameInvalid) as caught:
        Framer().feed(good + good + b"\x00\x00\x00\x0f")
    assert caught.value.frames == (good, good)


@pytest.mark.parametrize("length", [HEADER_BYTES, FRAME_BYTES_MAX])
def test_the_bounds_themselves_are_inside(length: int) -> None:
    frame = PDU(1, 2, 3, bytes(length - HEADER_BYTES)).encode()
    assert Framer().feed(frame) == [frame]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=20))
def test_random_octets_make_frames_or_the_promised_exception_and_are_not_hoarded(
    pieces: list[bytes],
) -> None:
    framer = Framer()
    try:
        for piece in pieces:
            for frame in framer.feed(piece):
                PDU.parse(frame)
            assert framer.held < FRAME_BYTES_MAX
    except FrameInvalid as fault:
        for frame in fault.frames:
            PDU.parse(frame)


@pytest.mark.parametrize(
    "frame",
    [b"", b"\0" * 15, (17).to_bytes(4, "big") + bytes(12), (16).to_bytes(4, "big") + bytes(13)],
)
def test_a_frame_that_is_no_pdu_is_refused(frame: bytes) -> None:
    with pytest.raises(FrameInvalid):
        PDU.parse(frame)


def test_the_numbers_are_those_that_another_implementation_uses() -> None:
    for status in Status:
        theirs = getattr(smpplib.consts, f"SMPP_ESME_{status.name}", None)
        assert theirs in (status, None)
    assert {status.value for status in Status if status < 0x100} == {
        value for key, value in vars(smpplib.consts).items() if key.startswith("SMPP_ESME_")
    }


@settings(deadline=None)
@given(U32)
def test_every_status_has_a_verdict_and_a_name(status: int) -> None:
    assert verdict(status) in Verdict
    assert name(status)
    assert about_credentials(status) in (True, False)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x58, Verdict.SLOWER),
        (0x14, Verdict.SLOWER),
        (0x45, Verdict.SLOWER),
        (0x0B, Verdict.NEVER),
        (0x62, Verdict.NEVER),
        (0x08, Verdict.AGAIN),
        (0x64, Verdict.AGAIN),
        (0xFF, Verdict.AGAIN),
        (0x421, Verdict.AGAIN),
        (0xDEADBEEF, Verdict.AGAIN),
    ],
)
def test_only_what_speaks_about_the_message_is_permanent(status: int, expected: Verdict) -> None:
    assert verdict(status) is expected
