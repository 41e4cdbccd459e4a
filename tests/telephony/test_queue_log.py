"""Asterisk's queue_log is read whole, once and again, whatever state the file is in.

Half lines, rotation, truncation, garbage and lines without end never raise and never stop the
lines behind them; and the same line gives the same key however often it is read.
"""

import asyncio
import os
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.telephony import queue_log
from ccserver.telephony.queue_log import JournalEntry, JournalKind, QueueLogReader

STARTED = b"1795448184|NONE|NONE|NONE|QUEUESTART|\n"


def contact(number: int) -> str:
    return str(uuid.UUID(int=number, version=4))


def arrived(number: int) -> bytes:
    facts = f"{contact(number)}|1795448189.397|+3712000{number:04d}|0|112"
    return f"1795448189|{number}.0|emergency|NONE|CONTACT|{facts}\n".encode()


def entered(number: int) -> bytes:
    return f"1795448190|{number}.0|emergency|NONE|ENTERQUEUE||+37120000000|1\n".encode()


def answered(number: int) -> bytes:
    return f"1795448191|{number}.0|emergency|agent-101|CONNECT|1|x|1\n".encode()


def ended(number: int) -> bytes:
    return (
        f"1795448193|{number}.0|emergency|NONE|CONTACTEND|{contact(number)}|1795448193.957|16\n"
    ).encode()


class Log:
    """A journal on disk and its reader."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "queue_log"
        self.position = folder / "queue_log.position"
        self.reader = self.restart()

    def restart(self) -> QueueLogReader:
        self.reader = QueueLogReader(self.path, self.position)
        return self.reader

    def append(self, *lines: bytes) -> None:
        with self.path.open("ab") as file:
            file.writelines(lines)

    def kinds(self) -> list[str]:
        return [entry.kind.value for entry in self.reader.read()]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_a_call_through_the_parachute(log: Log) -> None:
    log.append(STARTED, arrived(1), entered(1), answered(1), ended(1))
    entries = log.reader.read()
    assert [entry.kind for entry in entries] == [
        JournalKind.ARRIVED,
        JournalKind.PARACHUTE_ENTERED,
        JournalKind.PARACHUTE_ANSWERED,
        JournalKind.ENDED,
    ]
    assert {entry.contact_id for entry in entries} == {contact(1)}
    facts = entries[0].facts
    assert facts is not None
    assert facts.caller_number == "+37120000001"
    assert entries[2].agent_id == "agent-101"
    assert log.reader.unreadable == 0


def test_no_file_is_no_news(log: Log) -> None:
    assert log.reader.read() == []


def test_a_half_line_is_read_when_it_is_whole(log: Log) -> None:
    line = arrived(1)
    log.append(line[:30])
    assert log.kinds() == []
    log.append(line[30:])
    assert log.kinds() == ["arrived"]


def test_a_truncated_file_is_read_from_its_beginning(log: Log) -> None:
    log.append(arrived(1), ended(1), arrived(2), ended(2))
    log.reader.read()
    log.path.write_bytes(arrived(3))
    assert log.kinds() == ["arrived"]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_rotated_file_is_read_from_its_beginning_even_if_it_is_longer(
    log: Log, restarted: bool
) -> None:
    log.append(arrived(1), ended(1))
    log.reader.read()
    log.reader.save_position()
    log.path.rename(log.path.with_suffix(".1"))
    log.append(arrived(2), ended(2), arrived(3), ended(3), arrived(4))
    if restarted:
        log.restart()
    assert log.kinds() == ["arrived", "ended", "arrived", "ended", "arrived"]


def test_after_a_rotation_the_durable_position_means_the_new_file(log: Log) -> None:
    log.append(*[line for n in range(20) for line in (arrived(n), ended(n))], arrived(90))
    log.reader.read()
    log.path.rename(log.path.with_suffix(".1"))
    log.append(arrived(91), ended(91))
    log.reader.read()
    log.reader.save_position()
    assert log.position.read_text().split()[0] == "0"


def test_the_durable_position_is_before_the_oldest_open_call(log: Log) -> None:
    log.append(arrived(1), ended(1), arrived(2), arrived(3), ended(3))
    log.reader.read()
    log.reader.save_position()
    position = int(log.position.read_text().split()[0])
    assert position == len(arrived(1) + ended(1))
    log.restart()
    log.append(answered(2))
    kinds = log.kinds()
    assert kinds == ["arrived", "arrived", "ended", "parachute_answered"]


def test_a_start_of_asterisk_ends_the_calls_that_it_took_along(log: Log) -> None:
    log.append(arrived(1), arrived(2), ended(2))
    log.reader.read()
    log.append(STARTED)
    entries = log.reader.read()
    assert [(e.kind, e.contact_id, e.cut) for e in entries] == [
        (JournalKind.ENDED, contact(1), True)
    ]
    log.reader.save_position()
    assert int(log.position.read_text().split()[0]) == log.path.stat().st_size


@pytest.mark.parametrize(
    ("cause", "cut"),
    [(b"|16\n", False), (b"|41\n", True), (b"|0\n", False), (b"|x\n", False), (b"\n", False)],
)
def test_the_cause_of_an_end_tells_whether_the_network_did_it(
    log: Log, cause: bytes, cut: bool
) -> None:
    log.append(arrived(1), ended(1).replace(b"|16\n", cause))
    assert [entry.cut for entry in log.reader.read()] == [False, cut]


def test_a_line_without_end_does_not_stop_the_lines_behind_it(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_log, "READ_BYTES_MAX", 1000)
    log.append(b"x" * 4500)
    for _ in range(5):
        assert log.kinds() == []
    log.append(b"1795448189|9.0|q|NONE|CONTACT|\n", arrived(1), ended(1))
    kinds = [kind for _ in range(10) for kind in log.kinds()]
    assert kinds == ["arrived", "ended"]


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"\x00\x00\x00\n",
        b"\xff\xfe|\xff|||\n",
        b"nan|1.0|emergency|NONE|CONTACT|a|b|c|d|e\n",
        b"inf|1.0|emergency|NONE|CONTACT|a|b|c|d|e\n",
        b"1e99|1.0|emergency|NONE|CONTACT|a|b|c|d|e\n",
        b"1795448189|1.0|emergency|NONE|CONTACT|\n",
        b"1795448189|1.0|emergency|NONE|CONTACT|not-a-uuid|1|2|0|112\n",
        b"1795448189|1.0|emergency|NONE|CONTACTEND||1795448189|16\n",
        b"1795448189|7.0|emergency|NONE|CONNECT\n",
        b"1795448189|" + b"x" * 5000 + b"|emergency|NONE|CONTACT|a|b|c|d|e\n",
    ],
)
def test_a_line_without_sense_costs_only_itself(log: Log, line: bytes) -> None:
    log.append(line, arrived(1), line, ended(1))
    assert log.kinds() == ["arrived", "ended"]


def test_times_and_numbers_that_cannot_be_read_do_not_cost_the_card(log: Log) -> None:
    line = f"1795448189|1.0|emergency|NONE|CONTACT|{contact(1)}|nan|anonymous|x|{'9' * 200}\n"
    log.append(line.encode())
    (entry,) = log.reader.read()
    assert entry.facts is not None
    assert entry.facts.caller_number is None
    assert entry.facts.called_number == "112"


@pytest.mark.parametrize("text", ["", "x", "-5", "7 x", "9" * 400, "\xff", "12 34 56"])
def test_an_unusable_position_file_reads_from_the_beginning(log: Log, text: str) -> None:
    log.append(arrived(1), ended(1))
    log.position.write_text(text, encoding="latin-1")
    log.restart()
    assert log.kinds() == ["arrived", "ended"]


def test_a_journal_that_cannot_be_opened_is_no_reason_to_end(log: Log) -> None:
    log.path.mkdir()
    assert log.reader.read() == []


def test_a_full_disk_is_no_reason_to_end(log: Log) -> None:
    log.append(arrived(1))
    log.reader.read()
    log.position.with_suffix(".partial").mkdir()
    log.reader.save_position()
    assert not log.position.exists()


def test_open_calls_are_bounded(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_log, "CALLS_REMEMBERED_MAX", 3)
    log.append(*[arrived(number) for number in range(10)], answered(1), answered(9))
    kinds = log.kinds()
    assert kinds == ["arrived"] * 10 + ["parachute_answered"]


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([b"\n", b"|", STARTED]),
        st.builds(
            lambda make, number, cut: make(number)[:cut],
            st.sampled_from([arrived, entered, answered, ended]),
            st.integers(0, 3),
            st.sampled_from([None, 20, -1]),
        ),
    ),
    max_size=30,
)


def keys(entries: list[JournalEntry]) -> list[tuple[str, str]]:
    return [(entry.contact_id, entry.key) for entry in entries]


@settings(max_examples=150, deadline=None)
@given(pieces=PIECES, cuts=st.lists(st.integers(0, 2000), max_size=5))
def test_any_bytes_in_any_portions_give_the_same_and_never_raise(
    pieces: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(pieces)
    with tempfile.TemporaryDirectory() as folder:
        portions, at = [], 0
        for cut in [*sorted(cuts), len(data)]:
            portions.append(data[at:cut])
            at = max(at, cut)
        in_portions = Log(Path(folder))
        read: list[JournalEntry] = []
        for portion in portions:
            in_portions.append(portion)
            read += in_portions.reader.read()
        again = Log(Path(folder)).reader.read()
        assert keys(read) == keys(again)
        in_portions.reader.save_position()
        size = os.stat(in_portions.path).st_size
        assert 0 <= int(in_portions.position.read_text().split()[0]) <= size
        assert set(keys(in_portions.restart().read())) <= set(keys(again))


SERVICE = "urn:service:sos.ecall.automatic"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", (False, None, None, False, None)),  # the oldest lines end here
        ("|outbound", (True, None, None, False, None)),
        ("|||||Lg==", (False, None, None, False, None)),
        (f"||{SERVICE}|operator|1|LmFiY0B4", (False, SERVICE, "operator", True, "abc@x")),
        ("|outbound||||LmFiY0B4", (True, None, None, False, "abc@x")),
        ("||urn:nothing|a||LmEBYg==", (False, None, "a", False, None)),  # a parenthesis was lost
        ("||urn:service:sos|||?&%|more|yet", (False, "urn:service:sos", None, False, None)),
    ],
)
def test_a_line_says_what_the_call_asked_for_and_an_older_one_does_not(
    tmp_path: Path, more: str, expected: tuple[bool, str | None, str | None, bool, str | None]
) -> None:
    log = Log(tmp_path)
    log.append(arrived(1).rstrip(b"\n") + f"{more}\n".encode())
    (entry,) = log.reader.read()
    facts = entry.facts
    assert facts is not None
    assert facts.caller_number == "+37120000001"
    told = (facts.outbound, facts.service, facts.trunk, facts.has_data, facts.sip_call_id)
    assert told == expected


@given(st.text(st.characters(exclude_characters="|\n", exclude_categories=["Cs"])))
def test_no_call_id_in_a_line_stops_the_reader(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder))
        log.append(arrived(1).rstrip(b"\n") + f"|||||{text}\n".encode(), arrived(2))
        assert len(log.reader.read()) == 2


async def test_followed_it_is_told_as_it_grows_and_its_position_kept_when_all_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_log, "INTERVAL_S", 0.001)
    log = Log(tmp_path)
    told: asyncio.Queue[JournalEntry] = asyncio.Queue()
    safe = False
    following = asyncio.create_task(log.reader.follow(told.put_nowait, kept=lambda: safe))
    try:
        async with asyncio.timeout(20):
            log.append(arrived(1))
            assert (await told.get()).contact_id == contact(1)
            assert not log.position.exists()
            safe = True
            for number in (2, 3):
                log.append(arrived(number))
                assert (await told.get()).contact_id == contact(number)
            assert log.position.exists()
    finally:
        following.cancel()
