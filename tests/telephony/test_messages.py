"""A text by SIP MESSAGE is read from the spool as it was written, whatever anybody writes.

Files that are whole, cut, empty or nonsense give a text or the one promised exception; who wrote is
read from the headers that a trunk really sends; a file stays until its text is stored; a reply is
cut into requests that together say all of it.
"""

import base64
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.telephony.messages import (
    BROKEN,
    CHARSET_UNKNOWN,
    CUT,
    EMPTY,
    PIECE_BYTES_MAX,
    PIECES_MAX,
    SENDER_UNKNOWN,
    TOO_LONG,
    WHOLE_AFTER_S,
    KeptText,
    KeptTextInvalid,
    MessageTooLong,
    TextSpool,
    citizen_of,
    destination_of,
    pieces_of,
)
from ccserver.texts import Channel, IncomingText

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
WRITTEN = NOW.timestamp()
PARENTHESES = bytes.maketrans(b"()", b"\1\2")


def kept(
    body: bytes,
    *,
    sender: str = "<sip:+37120000001@edge>",
    asserted: str = "",
    call_id: str = "call-1",
    sequence: str = "1 MESSAGE",
    content_type: str = "text/plain;charset=UTF-8",
    length: int | None = None,
) -> bytes:
    """What the dialplan writes."""
    size = str(len(body) if length is None else length)
    heads = "\x1f".join((asserted, size, sequence, content_type, call_id, sender))
    values = [value.translate(PARENTHESES) for value in (heads.encode(), body)]
    fields = [base64.b64encode(b"." + value).decode() for value in values]
    return "|".join(["1", "1795690800.123", "112", *fields, "."]).encode()


def incoming(data: bytes, name: str = "a.text", *, answerable: bool = True) -> IncomingText:
    return KeptText.parse(data).incoming(name, now=NOW, answerable=answerable)


def test_a_text_is_what_the_citizen_wrote() -> None:
    words = 'Palīdziet! ) :3 (;, ${x} =|\r\nрядом "школа" \\n'
    text = incoming(kept(words.encode()))
    assert text.text == words
    assert text.channel is Channel.SIP
    assert text.citizen == "+37120000001"
    assert text.our_number == "112"
    assert text.received_at == datetime.fromtimestamp(1795690800.123, UTC)
    assert text.complete
    assert text.replyable
    assert text.oddities == ()


def test_nobody_is_answered_where_no_line_leads_out() -> None:
    assert not incoming(kept(b"x"), answerable=False).replyable


@given(st.text())
def test_every_text_comes_through(words: str) -> None:
    body = words.encode("utf-8", "surrogatepass")
    # A SIP body is cut at NUL by Asterisk, and the two marks stand for parentheses.
    body = body.translate(None, b"\0\1\2")
    text = incoming(kept(body))
    if BROKEN not in text.oddities:
        assert text.text.encode() == body


@given(st.binary())
def test_random_octets_are_a_text_or_refused(data: bytes) -> None:
    try:
        text = incoming(data)
    except KeptTextInvalid:
        return
    assert text.citizen


@given(st.data())
def test_mutated_files_are_a_text_or_refused(data: st.DataObject) -> None:
    whole = bytearray(kept("Уличный пожар".encode(), asserted='"a" <sip:+37129@x>, <tel:+3712>'))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        text = incoming(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except KeptTextInvalid:
        return
    assert text.key.startswith("sip:")


def test_a_text_that_asterisk_did_not_pass_on_is_told_as_missing() -> None:
    text = incoming(kept(b"", length=1500))
    assert text.oddities == (TOO_LONG,)
    assert text.text == ""
    assert incoming(kept(b"")).oddities == (EMPTY,)


def test_a_file_that_a_full_disk_cut_gives_what_there_is() -> None:
    words = "Deg māja Brīvības ielā 10"
    text = incoming(kept(words.encode())[:-12])
    assert words.startswith(text.text)
    assert text.text
    assert text.oddities == (CUT,)


@pytest.mark.parametrize(
    ("content_type", "body", "words", "oddities"),
    [
        ("text/plain", "ā".encode(), "ā", ()),
        ("text/plain; charset=windows-1251", "Да".encode("cp1251"), "Да", ()),
        ('text/plain;CHARSET="ISO-8859-13"', "ā".encode("iso-8859-13"), "ā", ()),
        ("text/plain;charset=rot13", b"abc", "abc", (CHARSET_UNKNOWN,)),
        ("text/plain;charset=utf-8", b"\xff\xe9", "ÿé", (BROKEN,)),
    ],
)
def test_a_text_is_read_in_its_character_set(
    content_type: str, body: bytes, words: str, oddities: tuple[str, ...]
) -> None:
    text = incoming(kept(body, content_type=content_type))
    assert (text.text, text.oddities) == (words, oddities)


@pytest.mark.parametrize(
    ("asserted", "sender", "citizen"),
    [
        ("", "<sip:+37120000001@edge;user=phone>", "+37120000001"),
        ("<sip:+37120000002@edge>", "<sip:anonymous@anonymous.invalid>", "+37120000002"),
        ("<sip:alice@ims.lv>, <tel:+371-2000-0003>", "<sip:x@y>", "+37120000003"),
        ("", '"sip:+37199999999@x" <sip:20000004@edge>', "+37120000004"),
        ("", "sip:+37120000005;phone-context=lv@edge", "+37120000005"),
        ("", "<sips:alice@ims.lv>", "alice@ims.lv"),
        ("", "<sip:%2B37120000006@edge>", "+37120000006"),
        ("", "<sip:anonymous@anonymous.invalid>", None),
        ("", "<sip:10.0.0.1>", None),
        ("", "", None),
    ],
)
def test_who_wrote_is_read_from_the_headers(
    asserted: str, sender: str, citizen: str | None
) -> None:
    assert citizen_of(asserted, sender) == citizen


def test_nobody_passes_for_the_one_whom_the_edge_vouches_for() -> None:
    claimed = '"x\x1f<sip:+37129999999@edge>" <sip:mallory@x>'
    text = incoming(kept(b"x", sender=claimed, asserted="<sip:+37120000002@edge>"))
    assert text.citizen == "+37120000002"
    assert incoming(kept(b"x", sender=claimed)).citizen == "mallory@x"


def test_strangers_without_names_have_conversations_of_their_own() -> None:
    one, other = (
        incoming(kept(b"help", sender="<sip:anonymous@anonymous.invalid>", call_id=call_id))
        for call_id in ("a", "b")
    )
    assert one.citizen != other.citizen
    assert one.oddities == (SENDER_UNKNOWN,)
    assert not one.replyable


def test_a_text_that_comes_twice_is_the_same_and_another_is_not() -> None:
    again = incoming(kept(b"help"), "b.text")
    assert incoming(kept(b"help"), "a.text").key == again.key
    others = (kept(b"fire"), kept(b"help", call_id="2"), kept(b"help", sequence="2 MESSAGE"))
    assert all(incoming(other).key != again.key for other in others)


def test_an_arrival_that_cannot_be_is_now() -> None:
    data = kept(b"x").replace(b"1795690800.123", b"99999999999")
    assert incoming(data).received_at == NOW


class Files:
    """A spool with files in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.spool = TextSpool(directory)

    def write(self, name: str, data: bytes, *, age_s: float = 0.0) -> None:
        path = self.directory / name
        path.write_bytes(data)
        os.utime(path, (WRITTEN - age_s, WRITTEN - age_s))

    def names(self) -> list[str]:
        return [name for name, _ in self.spool.read(now=WRITTEN)]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_texts_are_read_in_the_order_in_which_they_came(files: Files) -> None:
    files.write("z.text", kept(b"first"), age_s=3)
    files.write("a.text", kept(b"second"), age_s=2)
    files.write("not-ours", kept(b"x"))
    assert files.names() == ["z.text", "a.text"]


def test_a_file_stays_until_its_text_is_stored(files: Files) -> None:
    files.write("a.text", kept(b"x"))
    assert files.names() == files.names() == ["a.text"]
    files.spool.remove(["a.text"])
    files.spool.remove(["a.text"])
    assert files.names() == []


def test_a_file_that_is_being_written_is_left_alone_and_salvaged_later(files: Files) -> None:
    files.write("a.text", kept(b"Palidziet")[:-12])
    assert files.names() == []
    files.write("a.text", kept(b"Palidziet")[:-12], age_s=WHOLE_AFTER_S + 1)
    assert files.names() == ["a.text"]


def test_what_is_no_text_is_put_aside_and_holds_up_nothing(files: Files) -> None:
    files.write("a.text", b"garbage", age_s=WHOLE_AFTER_S + 1)
    files.write("b.text", kept(b"x"))
    assert files.names() == ["b.text"]
    assert files.spool.refused == 1
    assert (files.directory / "a.refused").read_bytes() == b"garbage"
    assert files.names() == ["b.text"]


def test_a_directory_that_is_not_there_is_an_empty_one(tmp_path: Path) -> None:
    assert TextSpool(tmp_path / "none").read(now=WRITTEN) == []


def test_a_directory_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    spool = TextSpool(tmp_path / "file")
    assert spool.read(now=WRITTEN) == []
    assert spool.unreadable


def test_a_file_that_cannot_be_read_holds_up_nothing(files: Files) -> None:
    (files.directory / "a.text").mkdir()
    files.write("b.text", kept(b"x"))
    assert files.names() == ["b.text"]


@given(st.text(max_size=PIECE_BYTES_MAX))
def test_pieces_say_all_of_it_and_fit(words: str) -> None:
    words = words.encode("utf-8", "replace").decode()
    pieces = pieces_of(words)
    assert "".join(pieces) == words
    assert all(len(piece.encode()) <= PIECE_BYTES_MAX for piece in pieces)


def test_a_reply_is_cut_between_words() -> None:
    words = "Ātrā palīdzība ir ceļā. " * 50
    pieces = pieces_of(words)
    assert len(pieces) == 2
    assert all(piece.endswith(" ") for piece in pieces)


def test_a_reply_has_a_bound() -> None:
    assert len(pieces_of("x" * PIECE_BYTES_MAX * PIECES_MAX)) == PIECES_MAX
    with pytest.raises(MessageTooLong):
        pieces_of("x" * (PIECE_BYTES_MAX * PIECES_MAX + 1))


def test_a_reply_goes_to_the_trunk() -> None:
    to = destination_of("+37120000001", "sip:10.0.0.1:5060;transport=tcp")
    assert to == "pjsip:trunk/sip:+37120000001@10.0.0.1:5060;transport=tcp"
