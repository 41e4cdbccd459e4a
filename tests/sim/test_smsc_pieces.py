"""A text cut in any form is read again as it was: the simulated telephone and its operator agree.

Published packings hold them to the standard, so that they do not agree on something of their own.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.smsc import Alphabet, Form, Join, Message, Party
from sim.smsc.alphabets import BASIC, EXTENSION, gsm_text, is_gsm, letters, pack, unpack
from sim.smsc.pieces import OCTETS_MAX, SEPTETS_MAX, cut, read, with_ports

SAMPLES = json.loads((Path(__file__).parents[1] / "data/sms/samples.json").read_text())
GSM_LETTERS = "".join(set(BASIC) - {"\x1b"}) + "".join(EXTENSION.values())
WRITABLE = {
    Alphabet.GSM: st.text(GSM_LETTERS, min_size=1, max_size=500),
    Alphabet.GSM_PACKED: st.text(GSM_LETTERS, min_size=1, max_size=500),
    Alphabet.UCS2: st.text(
        st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300
    ),
    Alphabet.LATIN1: st.text(
        st.characters(max_codepoint=255), min_size=1, max_size=400
    ),
}  # fmt: skip


@pytest.mark.parametrize("join", list(Join))
@pytest.mark.parametrize("alphabet", list(Alphabet))
@given(data=st.data())
def test_a_text_in_any_form_is_read_as_it_was(
    alphabet: Alphabet, join: Join, data: st.DataObject
) -> None:
    text = data.draw(WRITABLE[alphabet])
    if alphabet is Alphabet.GSM_PACKED:
        # What ends in @ or a line's end cannot be told from filling (3GPP TS 23.038 §6.1.2.3.1).
        text += "."
        text = "".join(letter for letter in text if letter not in "@\r")
    packed = alphabet is Alphabet.GSM_PACKED
    pieces = cut(text, Form(alphabet, join), reference=0x1234)
    for piece in pieces:
        size = len(piece.octets)
        assert size <= (SEPTETS_MAX if alphabet is Alphabet.GSM else OCTETS_MAX)
    found = []
    for number, piece in enumerate(pieces, 1):
        sent = Message(
            Party("1"), Party("2"), piece.octets, piece.data_coding, piece.esm_class,
            tlvs=piece.tlvs,
        )  # fmt: skip
        message = Message.parse(sent.encode())
        assert message == sent
        got = read(message, packed=packed)
        if len(pieces) > 1:
            reference = 0x34 if join is Join.UDH8 else 0x1234
            assert (got.reference, got.total, got.number) == (reference, len(pieces), number)
        found.append(got.text)
    assert "".join(found) == text


@pytest.mark.parametrize(
    "sample", [each for each in SAMPLES["gsm7"] if each.get("packed")], ids=lambda each: each["id"]
)
def test_published_packings_are_ours(sample: dict[str, str]) -> None:
    septets = b"".join(letters(sample["text"], Alphabet.GSM))
    assert pack(septets).hex() == sample["hex"]
    assert gsm_text(unpack(bytes.fromhex(sample["hex"]))) == sample["text"]


def test_a_published_position_message_is_read_from_its_packed_octets() -> None:
    (sample,) = [each for each in SAMPLES["aml_data_sms"] if each["id"] == "amldata:packed"]
    assert gsm_text(unpack(bytes.fromhex(sample["hex"]))) == sample["text"]


@pytest.mark.parametrize("packed", [True, False])
def test_a_data_message_says_its_ports_and_is_no_part_of_anything(packed: bool) -> None:
    piece = with_ports('A"ML=1;rd=50', destination=9999, source=1, packed=packed)
    assert piece.octets[:7].hex() == "06" + "0504" + "270f" + "0001"
    message = Message(Party("1"), Party("112"), piece.octets, 0, piece.esm_class)
    got = read(message, packed=packed)
    assert (got.text, got.reference, got.total) == ('A"ML=1;rd=50', None, 1)


def test_latvian_and_russian_letters_need_the_wide_alphabet() -> None:
    assert is_gsm("Fire! {€}")
    assert not is_gsm("Palīgā")
    assert len(cut("ж" * 71, Form(), 1)) == 2
    assert len(cut("x" * 160, Form(), 1)) == 1
    assert [len(piece.octets) for piece in cut("x" * 161, Form(), 1)] == [159, 14]
    # An extension letter is never cut in two.
    assert [len(piece.octets) for piece in cut("x" * 152 + "€" * 8, Form(), 1)] == [158, 22]
