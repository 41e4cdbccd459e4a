"""Builds an index from the register's files beside the old one, looks at it, and puts it in place.

Until the last step, a rename, nothing of the old index is touched: an import that is interrupted,
refused or out of disk leaves everything as it was.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ccserver.addresses.builder import Builder, Problems, Progress, Tally
from ccserver.addresses.index import read_info
from ccserver.addresses.schema import APPLICATION_ID, FORMAT
from ccserver.addresses.source import Source
from ccserver.addresses.values import AddressesUnavailable, ImportRefused, IndexInfo

FALL_MAX = 0.05
"""The register grows by less than one per cent a year; what has lost more is not whole."""

COORDINATES_MIN = 0.90
"""Of existing buildings. In 2026 nearly all have some."""

WRONG_ROWS_MAX = 0.01
"""Of all rows. More means another layout and not a mistake here and there."""

BUILD_CACHE_KIB = 200_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import."""

    info: IndexInfo
    tally: Tally
    problems: Problems


def import_register(
    source_path: Path, index_path: Path, *, force: bool = False, progress: Progress
) -> Imported:
    """Replace the index by one of ``source_path``; raises `ImportRefused`, and changes nothing
    then.

    ``force`` accepts a register that is smaller than before, lacks positions or has many wrong
    rows.
    """
    index_path.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(index_path), contextlib.closing(Source(source_path)) as source:
        for left in index_path.parent.glob(f"{index_path.name}.new-*"):
            left.unlink(missing_ok=True)
        new_path = index_path.with_name(f"{index_path.name}.new-{os.getpid()}")
        try:
            imported = _build(source, new_path, progress)
            doubts = _doubts(imported, index_path)
            if imported.info.buildings == 0:
                raise ImportRefused(f"{source_path}: holds no building.")
            if doubts and not force:
                raise ImportRefused(
                    f"{source_path}: {'; '.join(doubts)}. Give --force to take it all the same."
                )
            _put_in_place(new_path, index_path)
        finally:
            new_path.unlink(missing_ok=True)
    return imported


@contextlib.contextmanager
def _only_one(index_path: Path) -> Iterator[None]:
    with index_path.with_name(f"{index_path.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ImportRefused(f"{index_path}: another import is under way.") from None
        yield


def _build(source: Source, new_path: Path, progress: Progress) -> Imported:
    problems = Problems()
    with contextlib.closing(sqlite3.connect(new_path, isolation_level=None)) as database:
        # Nobody reads the file yet, and one that broke off is thrown away: no journal is needed.
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA temp_store = MEMORY")
        database.execute(f"PRAGMA cache_size = -{BUILD_CACHE_KIB}")
        builder = Builder(database, source, problems, progress)
        try:
            builder.build()
        except sqlite3.Error as error:
            raise ImportRefused(f"{new_path}: cannot be written: {error}.") from error
        tally = builder.tally
        info = IndexInfo(
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
            source=source.path.name,
            synthetic=source.synthetic,
            places=builder.places,
            streets=builder.streets,
            buildings=tally.buildings,
            flats=tally.flats,
            former_names=tally.former_names,
            with_coordinates=tally.with_coordinates,
        )
        database.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            [(name, str(getattr(info, name))) for name in info.__dataclass_fields__],
        )
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {FORMAT}")
    return Imported(info, tally, problems)


def _doubts(imported: Imported, index_path: Path) -> list[str]:
    """Reasons to believe that the register is not whole."""
    info, doubts = imported.info, []
    wrong, rows = imported.problems.total, imported.tally.rows
    if wrong > rows * WRONG_ROWS_MAX:
        doubts.append(f"{wrong} of {rows} rows cannot be used")
    if info.with_coordinates < info.buildings * COORDINATES_MIN:
        doubts.append(f"only {info.with_coordinates} of {info.buildings} buildings have a position")
    try:
        before = read_info(index_path)
    except AddressesUnavailable:
        return doubts
    for what in ("buildings", "streets", "flats"):
        had, has = getattr(before, what), getattr(info, what)
        if has < had * (1 - FALL_MAX):
            doubts.append(f"has {has} {what} where the index in use has {had}")
    return doubts


def _put_in_place(new_path: Path, index_path: Path) -> None:
    with new_path.open("rb+") as file:
        os.fsync(file.fileno())
    new_path.chmod(0o644)
    new_path.replace(index_path)
    directory = os.open(index_path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
