"""Seven-bit text: every sample of other projects, both directions, packed and not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib.gsm import gsm_encode

from ccserver.sms import gsm
from ccserver.sms.gsm_tables import (
    ALPHABETS,
    DEFAULT,
    ESCAPE,
    EXTENSIONS,
    NOTHING,
    PORTUGUESE,
    SPANISH,
    TURKISH,
)
from ccserver.sms.oddities import Oddity
from tests.sms.samples import SAMPLES, delivered, sample

GSM_TEXT = st.text(st.sampled_from(sorted(gsm.SEPTETS)), max_size=200)
SEPTETS = st.binary(max_size=300).map(lambda octets: bytes(octet & 0x7F for octet in octets))


def read(septets: bytes, **languages: int) -> tuple[str, list[str]]:
    oddities: list[str] = []
    return gsm.decode(septets, oddities, **languages), oddities


@pytest.mark.parametrize("one", SAMPLES["gsm7"], ids=lambda one: one["id"])
def test_samples(one: dict[str, Any]) -> None:
    octets = bytes.fromhex(one["hex"])
    septets = gsm.unpack(octets) if one["packed"] else octets
    assert read(septets) == (one["text"], [])
    encoded = gsm.encode(one["text"])
    assert encoded is not None
    assert (gsm.pack(encoded) if one["packed"] else encoded) == octets


@pytest.mark.parametrize("hexadecimal", ["80", "1b", "1b80"])
def test_what_is_no_septet_is_shown_as_that(hexadecimal: str) -> None:
    text, oddities = read(bytes.fromhex(hexadecimal))
    assert set(text) <= {gsm.REPLACEMENT}
    assert len(oddities) == 1


@pytest.mark.parametrize(
    "one", [one for one in SAMPLES["gsm7_invalid"] if "text" in one], ids=lambda one: one["id"]
)
def test_no_letter_is_replaced_by_one_that_looks_like_it(one: dict[str, Any]) -> None:
    assert gsm.encode(one["text"]) is None


@pytest.mark.parametrize("name", ["ES:1", "PT:2", "PT:3"])
def test_national_samples(name: str) -> None:
    one = sample("gsm7_national", f"gsm7:national:{name}")
    language = one["language"]
    locking = language if name == "PT:2" else 0
    assert read(bytes.fromhex(one["hex"]), locking=locking, single=language) == (one["text"], [])


def test_national_tables_named_by_the_header() -> None:
    header = bytes.fromhex("06240103250103")
    message = delivered(header + b"\x0c\x1b\x0f \x1be", esm_class=0x40)
    assert message.text().text == "ôá €"
    turkish = delivered(bytes.fromhex("03250101") + b"\x0b\x07\x1c", esm_class=0x40)
    assert turkish.text().text == "ĞıŞ"
    assert delivered(bytes.fromhex("03240101") + b"\x1bg", esm_class=0x40).text().text == "ğ"


@pytest.mark.parametrize("language", [4, 13, 255])
def test_a_language_without_a_table(language: int) -> None:
    assert read(b"a", locking=language) == ("a", [Oddity.NATIONAL_TABLE_UNKNOWN])
    assert read(b"\x1be", single=language) == ("€", [Oddity.NATIONAL_TABLE_UNKNOWN])


def test_spanish_has_the_default_alphabet() -> None:
    assert read(b"\0", locking=SPANISH) == ("@", [])


def test_an_escape_to_nothing_is_the_alphabets_character() -> None:
    assert read(b"\x1ba") == ("a", [])
    assert read(b"a\x1b\x1bb") == ("a b", [])
    assert read(b"a\x1b") == ("a", [Oddity.ESCAPE_AT_END])
    assert read(b"\x1b\x1b") == (" ", [Oddity.ESCAPE_AT_END])


@pytest.mark.parametrize("table", [*ALPHABETS.values(), *EXTENSIONS.values()])
def test_tables_are_whole(table: str) -> None:
    assert len(table) == 128
    assert table[ESCAPE] == NOTHING
    characters = [character for character in table if character != NOTHING]
    assert len(set(characters)) == len(characters)


def test_national_tables_add_and_take_nothing_away() -> None:
    for language in (TURKISH, SPANISH, PORTUGUESE):
        for default, national in zip(EXTENSIONS[0], EXTENSIONS[language], strict=True):
            assert default in (NOTHING, national)


@given(GSM_TEXT)
def test_text_comes_back(text: str) -> None:
    septets = gsm.encode(text)
    assert septets is not None
    assert read(septets) == (text, [])


@given(SEPTETS, st.integers(0, 6))
def test_packed_septets_come_back(septets: bytes, fill_bits: int) -> None:
    octets = gsm.pack(septets, fill_bits=fill_bits)
    back = gsm.unpack(octets, fill_bits=fill_bits)
    assert back.rstrip(b"\0") == septets.rstrip(b"\0")
    assert abs(len(back) - len(septets)) <= 1, "only a last zero can be taken as unused"


@given(st.binary(max_size=200), st.integers(0, 6))
def test_any_octets_can_be_unpacked(octets: bytes, fill_bits: int) -> None:
    septets = gsm.unpack(octets, fill_bits=fill_bits)
    assert septets.isascii()
    assert len(septets) <= 8 * len(octets) // 7


@given(st.text(st.sampled_from([c for c in DEFAULT if c not in (NOTHING, "§", "\x1b")])))
def test_smpplib_writes_the_same(text: str) -> None:
    # Its table has a grave accent where the section sign belongs.
    assert gsm.encode(text) == gsm_encode(text)


@given(st.binary(max_size=200), st.integers(0, 20), st.integers(0, 20))
def test_random_octets(octets: bytes, locking: int, single: int) -> None:
    text, _ = read(octets, locking=locking, single=single)
    assert len(text) <= len(octets)
