"""The simulator's reading of SIP: messages, bodies of several parts, descriptions, A-law. What is
written is read again, and random octets give `SIPInvalid` or a message and nothing else.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.sip import Part, Request, SIPInvalid, divided, joined, nested, parse, respond, sdp
from sim.sip.address import hop_of
from sim.sip.g711 import ALAW_LEVELS, ALAW_SILENCE, ULAW_LEVELS, ULAW_SILENCE, from_alaw, to_alaw
from sim.sip.message import Response, parameters, split_list, uri_of
from sim.sip.transport import Framer

INVITE = (
    b"INVITE urn:service:sos.ecall.automatic SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1;rport,\r\n"
    b" SIP/2.0/TCP 127.0.0.2;branch=z9hG4bK2\r\n"
    b'f: "Car, the" <sip:car@127.0.0.1>;tag=1\r\n'
    b"t: <urn:service:sos.ecall.automatic>\r\n"
    b"i: a@b\r\nCSeq:\t7 INVITE\r\n"
    b"Record-Route: <sip:127.0.0.1;lr>, <sip:127.0.0.2;lr>\r\n"
    b"l: 4\r\n\r\nbodyand more"
)


def test_compact_folded_and_listed_headers_are_read() -> None:
    message = parse(INVITE)
    assert isinstance(message, Request)
    assert message.uri == "urn:service:sos.ecall.automatic"
    assert message.branch == "z9hG4bK1"
    assert len(message.values("Via")) == 2
    assert message.sequence == (7, "INVITE")
    assert message.body == b"body"
    assert uri_of(message.need("From")) == "sip:car@127.0.0.1"
    assert parameters(message.need("From")) == {"tag": "1"}
    answer = respond(message, 200, tag="x", body=b"hello")
    again = parse(bytes(answer))
    assert isinstance(again, Response)
    assert again.values("Record-Route") == ("<sip:127.0.0.1;lr>", "<sip:127.0.0.2;lr>")
    assert again.need("To").endswith(";tag=x")
    assert again.body == b"hello"


def test_commas_in_quotes_and_brackets_divide_nothing() -> None:
    line = '"a, \\"b" <sip:a@h?x=1,2>;q=1, <sip:b@h>'
    assert list(split_list(line)) == ['"a, \\"b" <sip:a@h?x=1,2>;q=1', "<sip:b@h>"]


@given(st.binary(max_size=300))
def test_random_octets_are_read_or_refused(data: bytes) -> None:
    for octets in (data, INVITE[:100] + data, INVITE + data, data + INVITE):
        try:
            message = parse(octets)
            bytes(message)
            _ = message.sequence, message.branch
        except SIPInvalid:
            continue


@given(st.lists(st.binary(max_size=60), min_size=2, max_size=5), st.randoms())
def test_parts_come_back_as_they_were(bodies: list[bytes], dice: object) -> None:
    parts = [Part("application/x-binary", b, content_id=f"p{n}@x") for n, b in enumerate(bodies)]
    content_type, body = joined(parts)
    assert divided(content_type, body) == tuple(parts)
    inside = nested(parts)
    content_type, body = joined([Part("text/plain", b"first", content_id="t"), inside])
    assert divided(content_type, body)[1:] == tuple(parts)


@given(st.binary(max_size=200))
def test_random_bodies_are_divided_or_refused(data: bytes) -> None:
    for content_type in ("multipart/mixed;boundary=x", "multipart/mixed", 'multipart/x;boundary="'):
        for body in (data, b"--x\r\n" + data, b"--x\r\n" + data + b"\r\n--x--"):
            try:
                divided(content_type, body)
            except SIPInvalid:
                continue


@given(st.lists(st.integers(1, 200), max_size=8), st.integers(1, 40))
def test_a_stream_is_cut_into_its_messages_however_it_comes(sizes: list[int], step: int) -> None:
    request = parse(INVITE.replace(b"l: 4\r\n\r\nbodyand more", b"\r\n"))
    assert isinstance(request, Request)
    written = [
        bytes(Request(request.headers, b"x" * size, request.method, request.uri)) for size in sizes
    ]
    stream = b"\r\n\r\n".join(written)
    framer, found = Framer(), []
    for at in range(0, len(stream), step):
        found += framer.feed(stream[at : at + step])
    assert found == written


def test_a_stream_without_lengths_or_ends_is_given_up() -> None:
    with pytest.raises(SIPInvalid):
        Framer().feed(b"OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n")
    with pytest.raises(SIPInvalid):
        Framer().feed(b"x" * 300_000)


def test_a_description_is_answered_stream_by_stream() -> None:
    offered = sdp.parse(
        b"v=0\r\nc=IN IP4 10.0.0.1\r\nm=text 5 RTP/AVP 98\r\nm=audio 4000 RTP/AVP 0 8\r\n"
        b"a=sendonly\r\nm=message 7 TCP/MSRP *\r\n"
    )
    audio = sdp.audio_of(offered)
    assert audio is not None
    assert (audio.host, audio.port, audio.direction) == ("10.0.0.1", 4000, "sendonly")
    answer = sdp.parse(sdp.answer("127.0.0.1", 5000, offered))
    assert [stream.port for stream in answer] == [0, 5000, 0]
    assert answer[1].direction == "recvonly"
    with pytest.raises(SIPInvalid):
        sdp.parse(b"v=0\r\n")


def test_a_law_levels_are_those_of_the_standard() -> None:
    # G.711: the largest A-law level is 4032/4096, the smallest 1/4096 (13 bits); mu-law is
    # symmetrical around a true zero.
    assert float(ALAW_LEVELS.max()) == 32256 / 32768
    assert sorted(np.abs(ALAW_LEVELS))[0] == 8 / 32768
    assert ALAW_LEVELS[ALAW_SILENCE] == 8 / 32768
    assert ULAW_LEVELS[ULAW_SILENCE] == 0
    assert float(ULAW_LEVELS.max()) == 32124 / 32768
    assert len(set(ALAW_LEVELS.tolist())) == 256
    codes = bytes(range(256))
    assert to_alaw(from_alaw(codes)) == codes


@given(st.binary(max_size=300), st.text(max_size=60))
def test_random_streams_descriptions_and_addresses_are_read_or_refused(
    data: bytes, words: str
) -> None:
    for read in (
        lambda: Framer().feed(data),
        lambda: Framer().feed(INVITE[:-12] + data),
        lambda: sdp.parse(data),
        lambda: sdp.parse(b"m=audio 4000 RTP/AVP 8\r\nc=" + data + b"\r\na=" + data),
        lambda: hop_of(words),
        lambda: hop_of(f"sip:{words}"),
        lambda: hop_of("sip:host:5²"),
        lambda: hop_of("sip:host:65536"),
        lambda: sdp.parse("m=audio ² RTP/AVP 8".encode()),
        lambda: parse("SIP/2.0 2²0 OK\r\n\r\n".encode()),
        lambda: list(split_list(words)),
        lambda: parameters(words),
        lambda: uri_of(words),
    ):
        try:
            read()
        except SIPInvalid:
            continue
