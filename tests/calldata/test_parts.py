"""Parts come out as they were put in, octet for octet, however they nest and wherever they end."""

import base64
import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ccserver.calldata.message import SIPMessage
from ccserver.calldata.parts import (
    BODY_CUT,
    BOUNDARY_MISSING,
    BOUNDARY_NOWHERE,
    ENCODING_BROKEN,
    PARTS_MAX,
    Part,
    parts_of,
)
from tests.calldata.samples import BOUNDARY, MSD_TYPE, SDP, ecall, message, multipart, part

MSD_LOWER = MSD_TYPE.lower()


def read(raw: bytes) -> tuple[Part, ...]:
    return parts_of(SIPMessage.parse(raw))


def codes(one: Part) -> list[str]:
    return [oddity.code for oddity in one.oddities]


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=5))
@example([b"\0\r\n\n\r\0", b"\r", b"\n", b"\r\n", b""])
@example([b"\r\n--boundary", b"--", b"--boundary1x"])
def test_binary_parts_keep_every_octet(bodies: list[bytes]) -> None:
    assume(not any(f"\r\n--{BOUNDARY}".encode() in b"\r\n" + body for body in bodies))
    found = read(message(multipart(*(part(MSD_TYPE, body, "x") for body in bodies))))
    assert [one.octets for one in found] == bodies
    assert not any(codes(one) or one.cut for one in found)


def test_parts_nest_in_any_order() -> None:
    inner = multipart(part(MSD_TYPE, b"\x02\0\r\n", "msd@car"), SDP, boundary="in;ner")
    body = multipart(part('multipart/related;boundary="in;ner"', inner), part("text/plain", b"x"))
    found = read(message(body))
    assert [one.content_type for one in found] == [MSD_LOWER, "application/sdp", "text/plain"]
    assert found[0].octets == b"\x02\0\r\n"
    assert (found[0].content_id, found[0].disposition) == ("<msd@car>", "by-reference")


def test_a_body_that_is_one_part_is_that_part() -> None:
    (one,) = read(message(b"\x02\0", "Content-ID: <a@b>", content_type=MSD_TYPE))
    assert (one.content_type, one.octets, one.content_id) == (MSD_LOWER, b"\x02\0", "<a@b>")


@given(st.binary(max_size=100))
def test_encodings_are_undone(octets: bytes) -> None:
    encoded = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    (one,) = read(message(multipart(part(MSD_TYPE, encoded, encoding="BASE64"))))
    assert one.octets == octets


def test_a_broken_encoding_keeps_what_came() -> None:
    (one,) = read(message(multipart(part(MSD_TYPE, b"\x00!", encoding="base64"))))
    assert (one.octets, codes(one)) == (b"\x00!", [ENCODING_BROKEN])


def test_a_body_that_ends_early_gives_what_is_there() -> None:
    whole = ecall()
    end = whole.index(b"\x03") + 20
    found = read(whole[:end])
    assert [one.content_type for one in found] == ["application/sdp", MSD_LOWER]
    assert found[1].cut
    assert codes(found[1]) == [BODY_CUT]
    assert whole[:end].endswith(found[1].octets)


def test_a_boundary_that_nobody_named_is_found() -> None:
    found = read(message(multipart(SDP, part(MSD_TYPE, b"x")), content_type="multipart/mixed"))
    assert [one.content_type for one in found] == ["application/sdp", MSD_LOWER]
    (one,) = read(message(b"nothing here", content_type="multipart/mixed;boundary=x"))
    assert (one.octets, codes(one)) == (b"nothing here", [BOUNDARY_NOWHERE])
    (one,) = read(message(b"nothing here", content_type="multipart/mixed"))
    assert codes(one) == [BOUNDARY_MISSING, BOUNDARY_NOWHERE]


@pytest.mark.parametrize("charset", ["unicode_escape", "raw_unicode_escape", "nonsense", "rot13"])
def test_a_boundary_in_half_characters_is_one_that_nobody_named(charset: str) -> None:
    """RFC 2231 lets whoever calls choose how the boundary is encoded."""
    told = f"multipart/mixed;boundary*={charset}''%5Cud800"
    found = read(message(multipart(SDP, part(MSD_TYPE, b"x")), content_type=told))
    assert [one.content_type for one in found] == ["application/sdp", MSD_LOWER]


def test_a_long_content_type_costs_no_more_than_a_short_one() -> None:
    """The library alone takes seconds for each of these, and a storm of them would never end."""
    long = 'multipart/mixed;x="' + ";" * 46_000
    parts = multipart(SDP, part(MSD_TYPE, b"x"))
    for raw in (
        message(parts, content_type=long),
        message(multipart(part(long, parts)), content_type=f"multipart/mixed;boundary={BOUNDARY}"),
    ):
        began = time.process_time()
        found = read(raw)
        assert time.process_time() - began < 0.5
        assert MSD_LOWER in {one.content_type for one in found}


def test_lines_may_end_by_lf_alone() -> None:
    body = multipart(part("text/plain", b"one"), part("text/plain", b"two\r")).replace(
        b"\r\n", b"\n"
    )
    assert [one.octets for one in read(message(body))] == [b"one", b"two\r"]


def test_nothing_nests_or_repeats_without_end() -> None:
    body = part("text/plain", b"x")
    for depth in range(30):
        inner = multipart(body, boundary=f"b{depth}")
        body = part(f"multipart/mixed;boundary=b{depth}", inner)
    assert len(read(message(multipart(body)))) == 1
    many = [part("text/plain", b"x")] * (PARTS_MAX * 3)
    assert len(read(message(multipart(*many)))) <= PARTS_MAX


@given(st.data())
def test_no_cut_and_no_change_breaks_the_reader(data: st.DataObject) -> None:
    raw = bytearray(ecall())
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=5)):
        raw[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(60, len(raw)))
    try:
        found = SIPMessage.parse(bytes(raw[:cut]))
    except ValueError:
        return
    parts_of(found)
