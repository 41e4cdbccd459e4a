"""Where the register's files lie: a directory, or a zip file as the open data is published in."""

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from ccserver.addresses.values import ImportRefused

FILES = ("aw_novads", "aw_pagasts", "aw_pilseta", "aw_ciems", "aw_iela", "aw_eka")
"""Without one of these there is no register."""

SYNTHETIC_MARKER = "SINTETISKI_DATI.txt"
"""Lies beside made-up data, so that an index says what it was built from."""

UNPACKED_BYTES_MAX = 4_000_000_000
"""The register has about half of a gigabyte; a zip file may claim anything."""


class Source:
    """A directory or zip file with the register's CSV files, whatever the case of their names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        self._members: dict[str, str] = {}
        if path.is_dir():
            found = [(entry.name, str(entry)) for entry in path.iterdir() if entry.is_file()]
        elif path.is_file():
            found = self._open_zip()
        else:
            raise ImportRefused(f"{path}: there is no such directory or zip file.")
        self._members = {name.lower(): member for name, member in sorted(found)}
        missing = [f"{name}.csv" for name in FILES if not self.has(name)]
        if missing:
            self.close()
            raise ImportRefused(f"{path}: {', '.join(missing)} is missing.")

    def _open_zip(self) -> list[tuple[str, str]]:
        try:
            self._zip = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise ImportRefused(f"{self.path}: not a zip file that can be read: {error}.") from None
        members = [info for info in self._zip.infolist() if not info.is_dir()]
        if sum(info.file_size for info in members) > UNPACKED_BYTES_MAX:
            self.close()
            raise ImportRefused(f"{self.path}: unpacks to more than {UNPACKED_BYTES_MAX} bytes.")
        return [(info.filename.rpartition("/")[2], info.filename) for info in members]

    @property
    def synthetic(self) -> bool:
        """Whether the data is marked as made up."""
        return SYNTHETIC_MARKER.lower() in self._members

    def has(self, name: str) -> bool:
        """Whether there is a file of that name (without ``.csv``)."""
        return f"{name}.csv" in self._members

    def size(self, name: str) -> int:
        """Bytes of the unpacked file; 0 if there is none."""
        if not self.has(name):
            return 0
        member = self._members[f"{name}.csv"]
        return self._zip.getinfo(member).file_size if self._zip else Path(member).stat().st_size

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """The file's bytes; raises `ImportRefused` for a zip file that breaks off or is locked."""
        member = self._members[f"{name}.csv"]
        try:
            if self._zip is None:
                with Path(member).open("rb") as plain:
                    yield plain
            else:
                with self._zip.open(member) as packed:
                    yield cast("BinaryIO", packed)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise ImportRefused(f"{self.path}: {member} cannot be unpacked: {error}.") from None

    def close(self) -> None:
        """Let go of the zip file."""
        if self._zip is not None:
            self._zip.close()
