"""Whatever data_coding says, a text comes out that can be shown, and what was odd is told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.sms import gsm
from ccserver.sms.coding import Alphabet, alphabet_of, decode
from ccserver.sms.oddities import Oddity
from ccserver.sms.short_message import ShortMessage
from tests.sms.samples import SAMPLES, body, delivered


@pytest.mark.parametrize("one", SAMPLES["ucs2_latin1"], ids=lambda one: one["id"])
def test_samples(one: dict[str, Any]) -> None:
    message = delivered(bytes.fromhex(one["hex"]), data_coding=one["data_coding"])
    decoded = message.text()
    assert (decoded.text, decoded.oddities) == (one["text"], ())


@pytest.mark.parametrize(
    ("data_coding", "alphabet"),
    [
        (0x00, Alphabet.GSM),
        (0x01, Alphabet.ASCII),
        (0x02, Alphabet.BINARY),
        (0x03, Alphabet.LATIN1),
        (0x04, Alphabet.BINARY),
        (0x06, Alphabet.CYRILLIC),
        (0x08, Alphabet.UCS2),
        (0x09, Alphabet.UNKNOWN),
        (0x0F, Alphabet.UNKNOWN),
        (0x10, Alphabet.GSM),
        (0x11, Alphabet.GSM),
        (0x14, Alphabet.BINARY),
        (0x18, Alphabet.UCS2),
        (0x1C, Alphabet.UNKNOWN),
        (0x20, Alphabet.COMPRESSED),
        (0x48, Alphabet.UCS2),
        (0x80, Alphabet.UNKNOWN),
        (0xC8, Alphabet.GSM),
        (0xD0, Alphabet.GSM),
        (0xE0, Alphabet.UCS2),
        (0xF0, Alphabet.GSM),
        (0xF1, Alphabet.GSM),
        (0xF2, Alphabet.GSM),
        (0xF4, Alphabet.BINARY),
        (0xF5, Alphabet.BINARY),
        (0xFF, Alphabet.BINARY),
    ],
)
def test_what_data_coding_says(data_coding: int, alphabet: Alphabet) -> None:
    assert alphabet_of(data_coding) is alphabet


def test_the_default_alphabet_is_the_operators() -> None:
    assert delivered(b"@").text().text == "¡"
    assert delivered(b"@").text(default_alphabet="latin1").text == "@"
    assert delivered(b"@").text(default_alphabet="ascii").text == "@"
    assert delivered(b"@").text(default_alphabet="klingon").text == "¡"
    assert delivered(b"@", data_coding=0xF0).text(default_alphabet="latin1").text == "¡"


@pytest.mark.parametrize(
    ("octets", "data_coding", "text", "oddities"),
    [
        (b"caf\xe9", 0, "café", (Oddity.READ_AS_LATIN1,)),
        ("Palīgā!".encode(), 0, "Palīgā!", (Oddity.READ_AS_UTF8,)),
        ("Palīgā!".encode(), 1, "Palīgā!", (Oddity.READ_AS_UTF8,)),
        (b"caf\xe9", 1, "café", (Oddity.READ_AS_LATIN1,)),
        (b"5 \x80 \x93so\x94", 3, "5 € “so”", ()),
        (b"a\x81b", 3, "a\ufffdb", (Oddity.CHARACTERS_INVALID,)),
        (b"HELLO\0", 3, "HELLO", (Oddity.TRAILING_NUL,)),
        (b"HELLO\0\0", 1, "HELLO", (Oddity.TRAILING_NUL,)),
        (b"a\0b", 3, "a@b", (Oddity.READ_AS_GSM,)),
        (b"a\0b 5\x1be\0", 1, "a@b 5€", (Oddity.TRAILING_NUL, Oddity.READ_AS_GSM)),
        (b"a\0b\xe9", 3, "a\ufffdbé", (Oddity.CHARACTERS_INVALID,)),
        (b"\0a\0\0", 8, "a", (Oddity.TRAILING_NUL,)),
        (b"\0a\0", 8, "a", (Oddity.ODD_LENGTH,)),
        (b"\xff\xfea\0", 8, "a", (Oddity.LITTLE_ENDIAN,)),
        (b"\xd8\x3d\0a", 8, "\ufffda", (Oddity.CHARACTERS_INVALID,)),
        (b"\xde\0\xd8\x3d", 8, "\ufffd\ufffd", (Oddity.CHARACTERS_INVALID,)),
        (b"", 8, "", ()),
        (b"", 4, "", (Oddity.BINARY,)),
        (b"\xff\xfe\0\x80", 4, "fffe0080", (Oddity.BINARY,)),
        (b'A"ML=1', 4, 'A"ML=1', (Oddity.BINARY_AS_TEXT,)),
        (b"abc", 0x20, "616263", (Oddity.COMPRESSED,)),
        (b"help", 0x80, "help", (Oddity.DATA_CODING_UNKNOWN,)),
        (b"\x01\x01\0a", 0x0B, "āa", (Oddity.DATA_CODING_UNKNOWN,)),
        (b"\x8f\x9c\xc0\x9e", 0, "\ufffd\ufffd\ufffd\ufffd", (Oddity.CHARACTERS_INVALID,)),
    ],
)
def test_what_evidently_is_meant(
    octets: bytes, data_coding: int, text: str, oddities: tuple[str, ...]
) -> None:
    decoded = delivered(octets, data_coding=data_coding).text()
    assert (decoded.text, decoded.oddities) == (text, oddities)


def test_samples_that_no_alphabet_fits() -> None:
    assert ShortMessage.parse(body("inj:dcs_04_binary_ff")).text().text == "fffe0080"
    assert ShortMessage.parse(body("inj:dcs_00_bytes_ge_80")).text().text == "café"


def test_packed_text_of_an_operator_who_packs() -> None:
    text = "Palidziet, deg maja Brivibas iela 1 [3. stavs]"
    septets = gsm.encode(text)
    assert septets is not None
    assert delivered(gsm.pack(septets)).text(packed=True).text == text
    header = b"\x05\x00\x03\x07\x02\x01"
    parted = delivered(header + gsm.pack(septets, fill_bits=1), esm_class=0x40)
    assert parted.text(packed=True).text == text
    # What operators pack is seven-bit text and nothing else.
    assert delivered(b"\x01\x01", data_coding=8).text(packed=True).text == "ā"


def test_packed_text_of_an_operator_who_was_set_up_not_to() -> None:
    text = "Palidziet, deg maja Brivibas iela 1"
    septets = gsm.encode(text)
    assert septets is not None
    decoded = delivered(gsm.pack(septets)).text()
    assert (decoded.text, decoded.oddities) == (text, (Oddity.READ_AS_PACKED,))


@given(
    st.binary(max_size=300),
    st.sampled_from(Alphabet),
    st.booleans(),
    st.integers(0, 6),
    st.integers(0, 255),
)
def test_every_text_can_be_kept_and_shown(
    octets: bytes, alphabet: Alphabet, packed: bool, fill_bits: int, language: int
) -> None:
    decoded = decode(
        octets, alphabet, packed=packed, fill_bits=fill_bits, locking=language, single=language
    )
    decoded.text.encode("utf-8")
    assert not set(decoded.text) & {chr(code) for code in (*range(9), 0x1B, 0x7F, 0x85)}
    assert (gsm.REPLACEMENT in decoded.text) <= (Oddity.CHARACTERS_INVALID in decoded.oddities)


@given(st.text(max_size=70))
def test_utf16_comes_back(text: str) -> None:
    shown = decode(text.encode("utf-16-be"), Alphabet.UCS2)
    if not shown.oddities and not text.startswith(("\ufeff", "\ufffe")):
        assert shown.text == text
