"""Rows of the register's files: the quirks are read, and what is broken hurts only its own line."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.addresses.csv_rows import LINE_BYTES_MAX, read_rows
from ccserver.addresses.values import ImportRefused

WANTED = ("KODS", "NOSAUKUMS")
HEADER = b"\xef\xbb\xbf" + b'"KODS","TIPS_CD","NOSAUKUMS"\r\n'


def read(
    raw: bytes, optional: tuple[str, ...] = ()
) -> tuple[list[list[str]], list[tuple[int, str]]]:
    told: list[tuple[int, str]] = []
    rows = read_rows(
        io.BytesIO(raw), "x.csv", WANTED, optional, lambda *problem: told.append(problem)
    )
    return [values for _, values in rows], told


def test_byte_order_mark_quotes_and_columns_that_nobody_knows() -> None:
    rows, told = read(HEADER + '"1","108","""Riņņi"", Vecates pag."\r\n'.encode())
    assert rows == [["1", '"Riņņi", Vecates pag.']]
    assert told == []


def test_columns_may_stand_in_any_order_with_spaces_and_small_letters() -> None:
    rows, _ = read(b"nosaukums ,X, kods\nIela,,7\n", ("STD",))
    assert rows == [["7", "Iela", ""]]


def test_the_older_layout() -> None:
    rows, told = read('#KODS#;#NOSAUKUMS#\n#1#;#"Riņņi"; Vecate#\n'.encode())
    assert rows == [["1", '"Riņņi"; Vecate']]
    assert told == []


def test_a_quote_that_nobody_closed_hurts_only_its_line() -> None:
    raw = HEADER + b'"1","108","good"\n"2","108","bad\n' + b'"3","108","good"\n' * 20
    rows, told = read(raw)
    assert [row[0] for row in rows] == ["1", *["3"] * 20] or len(rows) == 22
    assert len(rows) + len(told) == 22


def test_a_value_may_run_over_lines() -> None:
    rows, told = read(HEADER + b'"1","108","a\nb"\n"2","108","c"\n')
    assert rows == [["1", "a\nb"], ["2", "c"]]
    assert told == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'"1","108"\n', "has 2 columns instead of 3"),
        (b"\xff\xfe\n", "not UTF-8"),
        (b'"1","108","\0"\n', "holds a NUL"),
        (b"x" * (LINE_BYTES_MAX + 5) + b"\n", f"longer than {LINE_BYTES_MAX} bytes"),
    ],
)
def test_a_broken_line_is_told_and_left_out(line: bytes, reason: str) -> None:
    rows, told = read(HEADER + line + b'"2","108","good"\n')
    assert rows == [["2", "good"]]
    assert told == [(2, reason)]


def test_a_file_without_its_columns_is_refused() -> None:
    with pytest.raises(ImportRefused, match="no column KODS, NOSAUKUMS"):
        read(b"A,B\n1,2\n")
    with pytest.raises(ImportRefused, match="empty"):
        read(b"\n\n")


@given(st.binary(max_size=400) | st.lists(
    st.sampled_from([b'"', b",", b"\n", b"\r", b"1", b"#", b";", "ņ".encode(), b"\xff", b"\0"]),
    max_size=60,
).map(b"".join))  # fmt: skip
def test_any_bytes_are_rows_problems_or_a_refusal(raw: bytes) -> None:
    rows, _ = read(HEADER + raw)
    assert all(len(row) == 2 for row in rows)
    with contextlib.suppress(ImportRefused):
        read(raw)
