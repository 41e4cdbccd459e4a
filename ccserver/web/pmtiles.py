"""The head of a PMTiles file, version 3: which part of the world, which zooms, whose data.

Layout: https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md. Tiles are read by the panel.
"""

import json
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO, Self

HEADER_BYTES = 127
METADATA_BYTES_MAX = 1024 * 1024
"""Packed and unpacked. Tile makers write some kilobytes: layers and their fields."""
TEXT_LENGTH_MAX = 500
"""Of a name or an attribution; more is not for people to read."""

_MAGIC = b"PMTiles\x03"
_LAYOUT = struct.Struct("<8s11Q6B4i")  # up to the bounds; the centre after them is not needed
_DEGREE = 10_000_000


class PMTilesInvalid(Exception):
    """The file is no PMTiles file of version 3 with vector tiles; the text says why."""


class Compression(IntEnum):
    """Of directories and metadata; those of the standard that Python unpacks by itself."""

    NONE = 1
    GZIP = 2


VECTOR_TILES = 1


@dataclass(frozen=True, slots=True)
class Header:
    """What the first 127 bytes say of the file."""

    metadata_offset: int
    metadata_length: int
    compression: Compression
    min_zoom: int
    max_zoom: int
    bounds: tuple[float, float, float, float]
    """West, south, east, north in degrees."""

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `PMTilesInvalid`."""
        if len(raw) < HEADER_BYTES:
            raise PMTilesInvalid("shorter than its header")
        magic, *numbers = _LAYOUT.unpack_from(raw)
        if magic != _MAGIC:
            raise PMTilesInvalid("not PMTiles of version 3")
        metadata_offset, metadata_length = numbers[2:4]
        compression, _, tile_type, min_zoom, max_zoom = numbers[12:17]
        if tile_type != VECTOR_TILES:
            raise PMTilesInvalid("not vector tiles")
        if compression not in tuple(Compression):
            raise PMTilesInvalid("compressed in a way that is not read here")
        if metadata_length > METADATA_BYTES_MAX:
            raise PMTilesInvalid("metadata too large")
        west, south, east, north = (number / _DEGREE for number in numbers[17:21])
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise PMTilesInvalid("bounds outside of the world")
        if not min_zoom <= max_zoom <= 30:
            raise PMTilesInvalid("zooms out of order")
        return cls(
            metadata_offset,
            metadata_length,
            Compression(compression),
            min_zoom,
            max_zoom,
            (west, south, east, north),
        )


@dataclass(frozen=True, slots=True)
class TileFile:
    """A usable file: its header, and whom its data are owed to."""

    header: Header
    attribution: str

    @classmethod
    def read(cls, file: BinaryIO) -> Self:
        """Reads two short pieces; raises `PMTilesInvalid` and `OSError`."""
        header = Header.parse(file.read(HEADER_BYTES))
        try:
            file.seek(header.metadata_offset)
        except (OverflowError, ValueError):
            raise PMTilesInvalid("metadata outside of the file") from None
        raw = file.read(header.metadata_length)
        if len(raw) < header.metadata_length:
            raise PMTilesInvalid("metadata outside of the file")
        return cls(header, _attribution(_unpacked(raw, header.compression)))


def _unpacked(raw: bytes, compression: Compression) -> bytes:
    if compression is Compression.NONE:
        return raw
    gunzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        found = gunzip.decompress(raw, METADATA_BYTES_MAX)
    except zlib.error:
        raise PMTilesInvalid("metadata damaged") from None
    if not gunzip.eof:
        raise PMTilesInvalid("metadata too large or cut off")
    return found


def _attribution(raw: bytes) -> str:
    if not raw.strip():
        return ""
    try:
        metadata = json.loads(raw)
    except (ValueError, RecursionError):
        raise PMTilesInvalid("metadata not JSON") from None
    text = metadata.get("attribution", "") if isinstance(metadata, dict) else ""
    return text[:TEXT_LENGTH_MAX] if isinstance(text, str) else ""
