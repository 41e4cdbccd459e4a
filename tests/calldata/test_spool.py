"""Files of Asterisk are read when they are whole, and what is none is put aside."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccserver.calldata.spool import (
    AGAIN_S,
    BATCH_MAX,
    WHOLE_AFTER_S,
    CallDataSpool,
    Envelope,
    EnvelopeInvalid,
    Via,
)
from ccserver.types import ContactId
from tests.calldata.samples import AUTOMATIC, CALL_ID, CONTACT, at, ecall, line, put

NOW = at(0).timestamp()


def test_a_line_is_read() -> None:
    raw = ecall()
    read = Envelope.parse(line(raw, seconds=1.5))
    assert read == Envelope(
        via=Via.INVITE,
        at=at(1.5),
        contact_id=ContactId(CONTACT),
        call_id=CALL_ID,
        trunk="operator",
        service=AUTOMATIC,
        ack="received",
        cut_length=None,
        status=None,
        octets=raw,
        whole=True,
    )


def test_an_answer_has_its_status_and_a_long_message_its_length() -> None:
    read = Envelope.parse(line(b"SIP/2.0 488 x", kind="answer", contact_id="", status="488"))
    assert (read.via, read.status, read.contact_id) == (Via.ANSWER, 488, None)
    assert Envelope.parse(line(b"x", cut="99000")).cut_length == 99_000


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_line_without_its_end_gives_what_is_there(cut: int) -> None:
    raw = ecall()
    read = Envelope.parse(line(raw)[: -3 - cut])
    assert not read.whole
    assert raw.startswith(read.octets)
    assert len(read.octets) >= len(raw) - cut - 2


@given(st.binary(max_size=300) | st.text(alphabet="1|.invtef0=", max_size=80).map(str.encode))
@example(b"1|invite|1e99||||||||=====|.")
@example(b"1|invite|nan|x|~~~|a b|urn:x|?|-1|9999999999|a|.")
def test_random_lines_are_read_or_refused(data: bytes) -> None:
    try:
        read = Envelope.parse(data)
    except EnvelopeInvalid:
        return
    assert read.at.tzinfo is not None


def test_the_oldest_come_first_and_none_twice(tmp_path: Path) -> None:
    spool = CallDataSpool(tmp_path / "calldata")
    assert spool.read(without=(), now=NOW) == []
    put(tmp_path / "calldata", line(ecall()))
    put(tmp_path / "calldata", line(b"x", kind="info"), "b.info")
    put(tmp_path / "calldata", b"others", "b.text")
    found = spool.read(without=(), now=NOW)
    assert {name for name, _ in found} == {f"{CONTACT}.invite", "b.info"}
    assert [name for name, _ in spool.read(without=["b.info"], now=NOW)] == [f"{CONTACT}.invite"]
    assert spool.remove("b.info")
    assert [name for name, _ in spool.read(without=(), now=NOW)] == [f"{CONTACT}.invite"]


def test_the_file_of_a_contact_is_found_by_its_name(tmp_path: Path) -> None:
    spool = CallDataSpool(tmp_path)
    assert spool.read_of(ContactId(CONTACT), now=NOW) is None
    put(tmp_path, line(ecall()))
    found = spool.read_of(ContactId(CONTACT), now=NOW)
    assert found is not None
    assert found[1].octets == ecall()
    assert spool.read_of(ContactId("../../etc/passwd"), now=NOW) is None


def test_a_file_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    spool = CallDataSpool(tmp_path)
    path = put(tmp_path, line(ecall())[:-40])
    written = path.stat().st_mtime
    assert spool.read(without=(), now=written + 1) == []
    ((_, found),) = spool.read(without=(), now=written + WHOLE_AFTER_S + 1)
    assert not found.whole


def test_what_is_no_data_is_put_aside(tmp_path: Path) -> None:
    spool = CallDataSpool(tmp_path)
    path = put(tmp_path, b"rubbish")
    assert spool.read(without=(), now=path.stat().st_mtime + 1) == []
    assert path.exists()
    assert spool.read(without=(), now=path.stat().st_mtime + WHOLE_AFTER_S + 1) == []
    assert [one.name for one in tmp_path.iterdir()] == [f"{CONTACT}.invite.refused"]
    assert spool.refused == 1


def test_files_that_cannot_be_read_keep_no_other_from_its_turn(tmp_path: Path) -> None:
    """A disk that fails, or rights that are wrong: the next car's data is read all the same."""
    for number in range(BATCH_MAX):
        (tmp_path / f"{number:02}.invite").mkdir()
    (tmp_path / "loop.invite").symlink_to("loop.invite")
    put(tmp_path, line(ecall()), "zz.invite")
    spool = CallDataSpool(tmp_path)
    now = time.time()
    read = [name for _ in range(3) for name, _ in spool.read(without=(), now=now)]
    assert "zz.invite" in read
    assert spool.unreadable


@pytest.mark.parametrize("later_s", [AGAIN_S + 1, -3600.0])
def test_a_file_that_could_not_be_read_is_looked_at_again(tmp_path: Path, later_s: float) -> None:
    """Not at once, which would fill the log; also if the clock is put back meanwhile."""
    (tmp_path / "aa.invite").mkdir()
    spool = CallDataSpool(tmp_path)
    now = time.time()
    assert not spool.read(without=(), now=now)
    (tmp_path / "aa.invite").rmdir()
    put(tmp_path, line(ecall()), "aa.invite")
    assert not spool.read(without=(), now=now + 1)
    assert [name for name, _ in spool.read(without=(), now=now + later_s)] == ["aa.invite"]
    assert not spool.unreadable


def test_what_cannot_be_put_aside_is_told_once(tmp_path: Path) -> None:
    put(tmp_path, b"no data", "aa.invite")
    (tmp_path / "aa.invite.refused").mkdir()
    spool = CallDataSpool(tmp_path)
    now = time.time() + WHOLE_AFTER_S + 1
    for look in range(5):
        assert not spool.read(without=(), now=now + look)
    assert spool.refused == 1
    assert spool.unreadable


def test_a_name_that_no_dialplan_makes_is_left_alone(tmp_path: Path) -> None:
    for name in (b"\xff.invite", b"a b.invite", b".invite", b"x" * 100 + b".info"):
        (Path(tmp_path) / os.fsdecode(name)).write_bytes(line(ecall()))
    put(tmp_path, line(ecall()), "aa.invite")
    read = CallDataSpool(tmp_path).read(without=(), now=time.time())
    assert [name for name, _ in read] == ["aa.invite"]
