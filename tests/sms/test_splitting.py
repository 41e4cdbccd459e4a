"""A text is counted and split as phones want it, and comes back whole when its parts are joined."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.sms import gsm
from ccserver.sms.coding import Alphabet, alphabet_of
from ccserver.sms.short_message import UDHI, ShortMessage, joined_text
from ccserver.sms.splitting import (
    PARTS_MAX,
    USER_DATA_OCTETS,
    Encoding,
    Part,
    TextTooLong,
    count,
    split,
)
from ccserver.sms.udh import Concatenation
from tests.sms.samples import COUNTER, SAMPLES, delivered

TEXTS = st.one_of(
    st.text(st.sampled_from(sorted(gsm.SEPTETS)), max_size=700),
    st.text(st.sampled_from("aāžЯ€😀[ 1"), max_size=400),
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), max_size=100),
)


def received(part: Part) -> ShortMessage:
    """The part as the other side has it."""
    return replace(
        delivered(part.udh + part.octets, data_coding=part.data_coding),
        esm_class=UDHI if part.udh else 0,
    )


@pytest.mark.parametrize("one", COUNTER["samples"], ids=lambda one: one["why"])
def test_counting(one: dict[str, Any]) -> None:
    counted = count(one["text"])
    assert counted.encoding == one["encoding"]
    assert counted.units == one["units"]
    assert counted.parts == one["parts"]
    assert counted.units_left_in_part == one["units_left"]
    if one["parts"] > PARTS_MAX:
        with pytest.raises(TextTooLong):
            split(one["text"], reference=1)
    else:
        assert len(split(one["text"], reference=1)) == one["parts"]


def test_the_bound_is_the_panels() -> None:
    assert COUNTER["parts_max"] == PARTS_MAX


@pytest.mark.parametrize(
    "one", [one for one in SAMPLES["gsm7_invalid"] if "text" in one], ids=lambda one: one["id"]
)
def test_letters_outside_of_the_alphabet_need_ucs2(one: dict[str, Any]) -> None:
    (part,) = split(one["text"], reference=1)
    assert part.data_coding == 8
    assert part.octets.decode("utf-16-be") == one["text"]


def test_parts_know_their_place() -> None:
    parts = split("a" * 400, reference=0x1FE)
    assert [received(part).concatenation for part in parts] == [
        Concatenation(0xFE, 8, 3, number) for number in (1, 2, 3)
    ]
    assert [(part.number, part.total) for part in parts] == [(1, 3), (2, 3), (3, 3)]
    wide = split("a" * 400, reference=0x1FE, wide_reference=True)
    assert received(wide[0]).concatenation == Concatenation(0x1FE, 16, 3, 1)
    assert len(wide[0].octets) == 152
    assert len(split("ā" * 80, reference=1, wide_reference=True)[0].octets) == 132


def test_one_message_has_no_header() -> None:
    (part,) = split("Palīgā", reference=7)
    assert (part.udh, part.number, part.total) == (b"", 1, 1)


@given(TEXTS, st.integers(0, 0xFFFF), st.booleans())
def test_a_text_comes_back(text: str, reference: int, wide: bool) -> None:
    try:
        parts = split(text, reference=reference, wide_reference=wide)
    except TextTooLong:
        assert count(text).parts >= PARTS_MAX
        return
    assert len(parts) <= PARTS_MAX
    for part in parts:
        message = received(part)
        # Each part can be read by itself: no character lies in two.
        assert message.text().oddities == ()
        octets = part.octets
        if part.data_coding == 0:
            octets = gsm.pack(octets, fill_bits=-8 * len(part.udh) % 7)
        assert len(part.udh) + len(octets) <= USER_DATA_OCTETS
    assert joined_text([received(part) for part in parts]).text == text
    if not wide:
        assert len(parts) == count(text).parts


@given(TEXTS, st.sampled_from(["latin1", "ascii"]))
def test_the_operators_default_alphabet(text: str, default_alphabet: str) -> None:
    try:
        parts = split(text, reference=1, default_alphabet=default_alphabet)
    except TextTooLong:
        return
    messages = [received(part) for part in parts]
    assert joined_text(messages, default_alphabet=default_alphabet).text == text
    if count(text).encoding is Encoding.UCS2:
        assert alphabet_of(parts[0].data_coding) is Alphabet.UCS2


def test_half_a_pair_is_sent_as_unreadable() -> None:
    (part,) = split("a\ud83d", reference=1)
    assert part.octets.decode("utf-16-be") == "a\ufffd"
