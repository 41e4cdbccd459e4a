"""Rows of one of the register's CSV files: whatever stands in a line hurts only that line.

The files are UTF-8 with a byte-order mark, comma-separated, values in double quotes that are
doubled within a value; until 2022 they were separated by semicolons and quoted by ``#``. Which it
is, the header tells. Columns are found by name, so their order does not matter and those that
nobody here knows are left alone.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from ccserver.addresses.values import ImportRefused

LINE_BYTES_MAX = 65_536
"""A row has a few hundred bytes; a longer line is no row."""

LINES_PER_ROW_MAX = 8
"""Lines that one quoted value may run over. None of the register's does, so an odd quote in a row
is more likely a mistake in it, and must not swallow the rows after it."""

Told = Callable[[int, str], None]
"""Is told the line and the reason of each row that cannot be used."""


def read_rows(
    file: BinaryIO, name: str, wanted: Sequence[str], optional: Sequence[str], told: Told
) -> Iterator[tuple[int, list[str]]]:
    """Line number and the values of the ``wanted``, then the ``optional`` columns (or ``""``).

    Raises `ImportRefused` if there is no header or a wanted column is missing from it.
    """
    lines = _lines(file, told)
    header = next(lines, None)
    if header is None:
        raise ImportRefused(f"{name}: the file is empty.")
    delimiter, quote = (";", "#") if ";" in header[1] else (",", '"')
    try:
        columns = [column.strip().upper() for column in _split(header[1], delimiter, quote)]
    except csv.Error as error:
        raise ImportRefused(f"{name}: the header is no row of CSV: {error}.") from None
    missing = [column for column in wanted if column not in columns]
    if missing:
        raise ImportRefused(f"{name}: the header has no column {', '.join(missing)}.")
    places = [columns.index(column) for column in wanted]
    extra = [columns.index(column) if column in columns else None for column in optional]
    for number, line in _whole(lines, quote):
        try:
            values = _split(line, delimiter, quote)
        except csv.Error as error:
            told(number, f"not a row of CSV: {error}")
            continue
        if len(values) != len(columns):
            told(number, f"has {len(values)} columns instead of {len(columns)}")
            continue
        yield (
            number,
            [values[place] for place in places]
            + ["" if place is None else values[place] for place in extra],
        )


def _split(line: str, delimiter: str, quote: str) -> list[str]:
    return next(csv.reader((line,), delimiter=delimiter, quotechar=quote), [])


def _lines(file: BinaryIO, told: Told) -> Iterator[tuple[int, str]]:
    """Decoded lines that hold something, without their ends."""
    number = 0
    while raw := file.readline(LINE_BYTES_MAX):
        number += 1
        if len(raw) == LINE_BYTES_MAX and not raw.endswith(b"\n"):
            while (rest := file.readline(LINE_BYTES_MAX)) and not rest.endswith(b"\n"):
                pass
            told(number, f"longer than {LINE_BYTES_MAX} bytes")
            continue
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            line = raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            told(number, "not UTF-8")
            continue
        if "\0" in line:
            told(number, "holds a NUL")
        elif line.strip():
            yield number, line


def _whole(lines: Iterator[tuple[int, str]], quote: str) -> Iterator[tuple[int, str]]:
    """Rows whose quotes are in pairs, joined from up to `LINES_PER_ROW_MAX` lines."""
    waiting: list[tuple[int, str]] = []
    for number, line in lines:
        if not waiting and line.count(quote) % 2 == 0:
            yield number, line
            continue
        waiting.append((number, line))
        joined = "\n".join(text for _, text in waiting)
        if joined.count(quote) % 2 == 0:
            yield waiting[0][0], joined
            waiting = []
        elif len(waiting) == LINES_PER_ROW_MAX:
            # The first is beyond help; the others are whole by themselves, or start anew.
            yield waiting[0]
            rest, waiting = waiting[1:], []
            for known in rest:
                if known[1].count(quote) % 2 == 0:
                    yield known
                else:
                    waiting.append(known)
    yield from waiting
