"""AMI's wire format: any bytes in any chunks give the same messages, or one error.

Proves that chunking never changes what is parsed (characters split between TCP segments stay
whole), that lines and messages are bounded, and that no field can inject a second action.
"""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccserver.telephony.ami_protocol import (
    LINE_BYTES_MAX,
    MESSAGE_BYTES_MAX,
    SENT_LINE_BYTES_MAX,
    SENT_LINES_MAX,
    AMIMessage,
    AMIParser,
    AMIProtocolError,
    FieldValue,
    encode_action,
)

GREETING = b"Asterisk Call Manager/11.0.0\r\n"


def parse(chunks: Sequence[bytes]) -> list[AMIMessage] | str:
    """All messages, or why there are none."""
    parser = AMIParser()
    messages: list[AMIMessage] = []
    try:
        for chunk in chunks:
            messages += parser.feed(chunk)
    except AMIProtocolError:
        return "error"
    return messages


def chunked(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


def message(*headers: tuple[str, str], malformed_lines: int = 0) -> AMIMessage:
    return AMIMessage(headers, malformed_lines)


def test_response_event_and_stray_lines() -> None:
    data = (
        GREETING
        + b"Response: Success\r\nActionID: 1\r\nMessage: ok: fine\r\n\r\n\r\n"
        + b"Event: PeerStatus\r\nPrivilege: system,all\r\nEmpty: \r\nNone:\r\nnonsense\r\n\r\n"
    )
    parser = AMIParser()
    answered, event = parser.feed(data)
    assert parser.greeting == "Asterisk Call Manager/11.0.0"
    assert (answered.response, answered.action_id, answered.get("MESSAGE")) == (
        "Success",
        "1",
        "ok: fine",
    )
    assert (event.event, event.response, event.get("empty"), event.get("none")) == (
        "PeerStatus",
        "",
        "",
        "",
    )
    assert event.malformed_lines == 1
    assert event.get("absent", "default") == "default"


def test_repeated_keys_stay_in_order() -> None:
    (output,) = AMIParser().feed(
        GREETING + b"Response: Success\r\nOutput: a\r\nOutput:  b\r\nOutput: a\r\n\r\n"
    )
    assert output.get_all("output") == ("a", " b", "a")
    assert output.get("Output") == "a"


def test_characters_split_between_segments_stay_whole() -> None:
    data = GREETING + "Event: E\r\nMemberName: Jānis Bērziņš 🚒\r\n\r\n".encode()
    pieces = [data[index : index + 1] for index in range(len(data))]
    assert parse(pieces) == [message(("Event", "E"), ("MemberName", "Jānis Bērziņš 🚒"))]


def test_bad_utf8_is_replaced_within_its_value_only() -> None:
    assert parse([GREETING + b"Event: E\r\nName: J\xffnis\r\nNext: ok\r\n\r\n"]) == [
        message(("Event", "E"), ("Name", "J�nis"), ("Next", "ok"))
    ]


def test_a_bare_line_feed_is_no_line_end() -> None:
    assert parse([GREETING + b"Event: E\r\nText: a\nActionID: 7\r\n\r\n"]) == [
        message(("Event", "E"), ("Text", "a\nActionID: 7"))
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 400 Bad Request",
        b"\r\n",
        b"asterisk call manager/1\r\n",
        GREETING + b"x" * (LINE_BYTES_MAX + 1),
        GREETING + b"x" * (LINE_BYTES_MAX + 1) + b"\r\n",
        GREETING + (b"k: " + b"v" * 60_000 + b"\r\n") * (MESSAGE_BYTES_MAX // 60_000 + 1),
        b"Asterisk Call Manager/" + b"9" * LINE_BYTES_MAX,
    ],
)
def test_what_is_no_ami_or_has_no_end_is_one_error(data: bytes) -> None:
    parser = AMIParser()
    with pytest.raises(AMIProtocolError):
        parser.feed(data)
    with pytest.raises(AMIProtocolError):
        parser.feed(GREETING)


def test_the_longest_line_and_message_are_accepted() -> None:
    line = b"k: " + b"v" * (LINE_BYTES_MAX - 3)
    (parsed,) = AMIParser().feed(GREETING + line + b"\r\n\r\n")
    assert len(parsed.get("k")) == LINE_BYTES_MAX - 3
    assert parse([GREETING + line + b"\r", b"\n\r\n"]) == [parsed]
    parser = AMIParser()
    whole = MESSAGE_BYTES_MAX // (LINE_BYTES_MAX + 2)
    assert len(parser.feed(GREETING + (line + b"\r\n") * whole + b"\r\n")) == 1
    assert len(parser.feed((line + b"\r\n") * whole + b"\r\n")) == 1


LINES = st.sampled_from(
    [
        b"Event: E",
        b"Response: Success",
        b"ActionID: 1",
        "Name: ā".encode(),
        b"",
        b"",
        b"nonsense",
        b": v",
        b"\xff\xfe: \xff",
        b"a:b:c",
        b"lone\rCR",
        b"lone\nLF",
    ]
)
STREAMS = st.one_of(
    st.binary(max_size=400),
    st.binary(max_size=400).map(lambda tail: GREETING + tail),
    st.lists(LINES, max_size=30).map(lambda lines: GREETING + b"\r\n".join(lines)),
    st.lists(LINES, max_size=30).map(lambda lines: GREETING + b"\r\n".join(lines) + b"\r\n\r\n"),
)


@given(STREAMS, st.lists(st.integers(0, 10_000), max_size=12))
@example(GREETING + b"x" * LINE_BYTES_MAX + b"\r\n", [len(GREETING) + LINE_BYTES_MAX + 1])
@example(GREETING + b"x" * (LINE_BYTES_MAX + 1) + b"\r\n", [len(GREETING) + LINE_BYTES_MAX + 2])
@example(GREETING + b"x" * LINE_BYTES_MAX + b"\ry\r\n", [len(GREETING) + LINE_BYTES_MAX + 1])
@example(b"Asterisk Call Manager\r\n", [5, 10])
@example(GREETING[:-2] + b"\r", [3])
def test_any_chunking_of_any_bytes_gives_the_same(data: bytes, cuts: list[int]) -> None:
    whole = parse([data])
    assert parse(chunked(data, cuts)) == whole
    if whole != "error":
        assert all(isinstance(each, AMIMessage) for each in whole)


KEYS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1
)
VALUES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=100
)


@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_what_is_sent_says_what_was_meant(fields: dict[str, str]) -> None:
    fields = {k: v for k, v in fields.items() if k.lower() not in ("action", "actionid")}
    sent = encode_action("UserEvent", "7", fields)
    (read,) = AMIParser().feed(GREETING + sent)
    assert read.headers == (("Action", "UserEvent"), ("ActionID", "7"), *fields.items())


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=4))
def test_no_field_starts_a_second_line_or_action(fields: dict[str, str]) -> None:
    try:
        sent = encode_action("UserEvent", "7", fields)
    except ValueError:
        return
    assert sent.count(b"\r\n") == sent.count(b"\n") == sent.count(b"\r") == len(fields) + 3
    assert b"\0" not in sent
    assert len(AMIParser().feed(GREETING + sent)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"Name": "x\r\nAction: Originate"},
        {"Name": "x\n"},
        {"Name": "x\r"},
        {"Name": "x\0y"},
        {"Name\r\nAction": "Originate"},
        {"Na:me": "x"},
        {"": "x"},
        {" ": "x"},
        {"Nāme": "x"},
        {"Action": "Originate"},
        {"ActionID": "1"},
        {" actionid ": "1"},
        {"Variable": ["a=1", "b=2\r\nAction: Logoff"]},
        {"Name": "x" * SENT_LINE_BYTES_MAX},
        {"Name": "ā" * (SENT_LINE_BYTES_MAX // 2)},
        {"Name": "\ud800"},
        {f"Key{number}": "v" for number in range(SENT_LINES_MAX)},
    ],
)
def test_what_cannot_be_sent_as_meant_is_our_bug(fields: dict[str, FieldValue]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (each case has its own text)
        encode_action("UserEvent", "7", fields)


def test_lists_become_repeated_lines_and_numbers_text() -> None:
    assert encode_action("X", "7", {"Variable": ["a=1", "b=2"], "Penalty": 3}) == (
        b"Action: X\r\nActionID: 7\r\nVariable: a=1\r\nVariable: b=2\r\nPenalty: 3\r\n\r\n"
    )
