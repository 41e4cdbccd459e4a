"""SIP messages are read as they come: folded, compact, repeated; and nothing breaks the reader."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccserver.calldata.message import (
    Reference,
    SIPMessage,
    SIPMessageInvalid,
    content_key,
    split_list,
)
from tests.calldata.samples import ecall, message


def test_a_request_is_read() -> None:
    read = SIPMessage.parse(ecall())
    assert (read.method, read.uri, read.status) == ("INVITE", "urn:service:sos.ecall.automatic", 0)
    assert read.first("recv-info") == "EmergencyCallData.eCall.MSD"
    assert read.whole


def test_a_response_is_read() -> None:
    read = SIPMessage.parse(b"SIP/2.0 488 Not Acceptable Here\r\nCall-ID: 1\r\n\r\n")
    assert (read.method, read.status, read.body) == ("", 488, b"")


def test_folded_compact_and_repeated_headers_are_found() -> None:
    raw = (
        b"\r\n\r\nINVITE urn:service:sos SIP/2.0\r\n"
        b"i: abc@x\r\nc:\r\n multipart/mixed;\r\n\t boundary=b\r\n"
        b"Geolocation: <cid:a>,\r\n <https://lis.example/1>\r\nGEOLOCATION:<cid:b>\r\n"
        b"l: 2\r\n\r\nxyz"
    )
    read = SIPMessage.parse(raw)
    assert read.first("call-id") == "abc@x"
    assert read.first("content-type") == "multipart/mixed; boundary=b"
    assert read.listed("geolocation") == ["<cid:a>", "<https://lis.example/1>", "<cid:b>"]
    assert read.body == b"xy", "what is beyond the length is none of it"


def test_what_is_missing_is_said() -> None:
    assert not SIPMessage.parse(message(b"abc", length=5)).whole
    assert not SIPMessage.parse(b"INVITE sip:112@x SIP/2.0\r\nTo: x").whole
    assert SIPMessage.parse(b"INVITE sip:112@x SIP/2.0\nTo: x\n\nbody").body == b"body"


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 50])
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(SIPMessageInvalid):
        SIPMessage.parse(raw)


@given(st.binary(max_size=400) | st.binary(max_size=300).map(lambda tail: ecall()[:200] + tail))
@example(b"INVITE sip:x SIP/2.0\r\n" + b" " * 5_000 + b"\r\n\r\n")
def test_random_octets_are_read_or_refused(raw: bytes) -> None:
    try:
        read = SIPMessage.parse(raw)
    except SIPMessageInvalid:
        return
    for name, _ in read.headers:
        for told in read.listed(name):
            Reference.of(told)
            content_key(told)


@given(st.text(alphabet='a,"<>\\; ', max_size=60))
def test_lists_lose_nothing_but_blanks_and_commas(text: str) -> None:
    joined = "".join(split_list(text))
    assert sorted(joined.replace(" ", "").replace(",", "")) == sorted(
        text.replace(" ", "").replace(",", "")
    )


@pytest.mark.parametrize(
    ("told", "uri", "purpose"),
    [
        ("<cid:x@y>;purpose=EmergencyCallData.eCall.MSD", "cid:x@y", "EmergencyCallData.eCall.MSD"),
        ("cid:x@y;purpose=Control", "cid:x@y", "Control"),
        ('"Who" <https://a/?x=1;y=2> ; Purpose="icon"', "https://a/?x=1;y=2", "icon"),
        ("<urn:emergency:uid:callid:1:bcf>;purpose=emergency-CallId",
         "urn:emergency:uid:callid:1:bcf", "emergency-CallId"),
    ],
)  # fmt: skip
def test_references_are_read_with_and_without_brackets(told: str, uri: str, purpose: str) -> None:
    read = Reference.of(told)
    assert (read.uri, read.parameters.get("purpose")) == (uri, purpose)


@pytest.mark.parametrize(
    "told", ["cid:MSD%40car", "<msd@car>", "CID:<msd@car>", "<cid:msd@car>", " msd@CAR "]
)
def test_a_content_id_is_the_same_in_every_spelling(told: str) -> None:
    assert content_key(told) == "msd@car"
