"""User data headers are read element by element, and a broken element costs no other."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.sms.oddities import Oddity
from ccserver.sms.udh import (
    CONCATENATION_8,
    CONCATENATION_16,
    PORTS_8,
    Concatenation,
    UserDataHeader,
    write_header,
)
from tests.sms.samples import SAMPLES


def read(octets: bytes) -> tuple[UserDataHeader | None, list[str]]:
    oddities: list[str] = []
    return UserDataHeader.parse(octets, oddities), oddities


@pytest.mark.parametrize("one", SAMPLES["udh"], ids=lambda one: one["id"])
def test_samples(one: dict[str, Any]) -> None:
    header, _ = read(bytes.fromhex(one["hex"]) + b"text")
    expect = one["expect"]
    assert header is not None
    assert header.length == len(one["hex"]) // 2
    if concat := expect.get("concat"):
        assert header.concatenation == Concatenation(
            concat["ref"], concat["bits"], concat["total"], concat["seq"]
        )
    else:
        assert header.concatenation is None
    ports = expect.get("ports")
    assert header.ports == ((ports["dst"], ports["src"]) if ports else None)
    # The samples call the two shifts by one another's names: 0x24 is the single one (23.040
    # §9.2.3.24), as phones send it and receive it.
    assert header.single_shift == expect.get("locking_shift", 0)
    assert header.locking_shift == expect.get("single_shift", 0)


def test_an_element_of_another_length_is_not_what_it_says() -> None:
    header, oddities = read(bytes.fromhex("0400020201"))
    assert header is not None
    assert (header.elements, oddities) == ((), [Oddity.UDH_ELEMENT_BROKEN])


def test_an_element_beyond_the_end_costs_only_itself() -> None:
    header, oddities = read(bytes.fromhex("07000307020124 05".replace(" ", "")))
    assert header is not None
    assert header.concatenation == Concatenation(7, 8, 2, 1)
    assert oddities == [Oddity.UDH_ELEMENT_BROKEN]


@pytest.mark.parametrize("octets", [b"", b"\x01", b"\x05\x00\x03\x01\x02"])
def test_a_header_beyond_the_end_is_none(octets: bytes) -> None:
    assert read(octets) == (None, [Oddity.UDH_CUT])


def test_an_empty_header() -> None:
    assert read(b"\0text") == (UserDataHeader(1, ()), [])


@pytest.mark.parametrize("numbers", [b"\7\0\0", b"\7\0\1", b"\7\2\0", b"\7\2\3"])
def test_a_part_that_cannot_be(numbers: bytes) -> None:
    header, oddities = read(write_header({CONCATENATION_8: numbers}))
    assert header is not None
    assert header.concatenation is None
    assert oddities == [Oddity.CONCATENATION_INVALID]


def test_of_two_that_exclude_one_another_the_last_counts() -> None:
    header, _ = read(
        write_header({CONCATENATION_8: b"\7\2\1", CONCATENATION_16: b"\1\2\3\1", PORTS_8: b"\1\2"})
    )
    assert header is not None
    assert header.concatenation == Concatenation(0x0102, 16, 3, 1)
    assert header.ports == (1, 2)


@pytest.mark.parametrize(("length", "fill_bits"), [(6, 1), (7, 0), (8, 6), (1, 6)])
def test_text_begins_at_a_septet(length: int, fill_bits: int) -> None:
    header = UserDataHeader(length, ())
    assert header.fill_bits == fill_bits
    assert (8 * length + header.fill_bits) % 7 == 0


@given(st.binary(max_size=160))
def test_random_octets(octets: bytes) -> None:
    header, oddities = read(octets)
    assert (header is None) is (Oddity.UDH_CUT in oddities)
    if header is not None:
        assert 1 <= header.length <= len(octets)
        assert sum(2 + len(value) for _, value in header.elements) < header.length


@given(st.dictionaries(st.integers(0x70, 0x7F), st.binary(max_size=12), max_size=8))
def test_what_is_written_is_read(elements: dict[int, bytes]) -> None:
    header, oddities = read(write_header(elements))
    assert header is not None
    assert (dict(header.elements), oddities) == (elements, [])
