"""Optional parameters are read up to the first that is broken, which is kept as far as it goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib.consts import OPTIONAL_PARAMS

from ccserver.sms.oddities import Oddity
from ccserver.sms.tlv import (
    MESSAGE_PAYLOAD,
    NAMES,
    TLVS_MAX,
    c_string,
    integer,
    read_tlvs,
    write_tlvs,
)

TLVS = st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=300), max_size=12)


def read(octets: bytes) -> tuple[dict[int, bytes], list[str]]:
    oddities: list[str] = []
    return read_tlvs(octets, 0, oddities), oddities


@given(TLVS)
def test_what_is_written_is_read(tlvs: dict[int, bytes]) -> None:
    assert read(write_tlvs(tlvs)) == (tlvs, [])


@given(TLVS.filter(bool), st.data())
def test_a_cut_costs_only_the_last(tlvs: dict[int, bytes], data: st.DataObject) -> None:
    octets = write_tlvs(tlvs)
    *before, _ = tlvs
    last = len(write_tlvs({tag: tlvs[tag] for tag in before}))
    end = data.draw(st.integers(last + 1, len(octets)))
    found, oddities = read(octets[:end])
    assert [found[tag] for tag in before] == [tlvs[tag] for tag in before]
    assert oddities == ([] if end == len(octets) else [Oddity.TLV_CUT])


def test_a_text_that_was_cut_is_kept() -> None:
    assert read(b"\x04\x24\x00\x20Help") == ({MESSAGE_PAYLOAD: b"Help"}, [Oddity.TLV_CUT])


def test_the_first_of_two_counts() -> None:
    twice = b"\x04\x27\0\1\2" * 3
    assert read(twice) == ({0x0427: b"\2"}, [Oddity.TLV_REPEATED])


def test_no_peer_sends_more_than_there_are() -> None:
    many = write_tlvs(dict.fromkeys(range(TLVS_MAX + 5), b""))
    found, oddities = read(many)
    assert (len(found), oddities) == (TLVS_MAX, [Oddity.TLV_TOO_MANY])


@given(st.binary(max_size=200))
def test_random_octets(octets: bytes) -> None:
    found, _ = read(octets)
    assert len(found) <= TLVS_MAX


@pytest.mark.parametrize(
    ("value", "number"), [(b"\2", 2), (b"\1\0", 256), (b"\0\0\0\5", 5), (b"", None), (None, None)]
)
def test_numbers_of_any_width(value: bytes | None, number: int | None) -> None:
    assert integer(value) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [(b"1d305b4c\0", "1d305b4c"), (b"7", "7"), (b"a\0b\0", "a"), (b"\0", None), (None, None)],
)
def test_strings_with_and_without_their_end(value: bytes | None, text: str | None) -> None:
    assert c_string(value) == text


def test_every_name_of_the_standard_is_there_once() -> None:
    assert {code: NAMES[code] for code in OPTIONAL_PARAMS.values()}
    assert len(set(NAMES.values())) == len(NAMES)
