"""Proves that the head of a map file is read, and that any other bytes are refused in one way."""

import contextlib
import gzip
import io
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.web.pmtiles import HEADER_BYTES, METADATA_BYTES_MAX, PMTilesInvalid, TileFile

RIGA = (23.9, 56.8, 24.4, 57.1)


def map_file(
    *,
    bounds: tuple[float, float, float, float] = RIGA,
    zooms: tuple[int, int] = (3, 9),
    metadata: bytes | None = None,
    metadata_length: int | None = None,
    compression: int = 2,
    tile_type: int = 1,
    body: bytes = b"",
) -> bytes:
    """A file of which only the tiles are none."""
    if metadata is None:
        metadata = gzip.compress(json.dumps({"attribution": "© Somebody"}).encode(), mtime=0)
    length = len(metadata) if metadata_length is None else metadata_length
    header = b"PMTiles\x03" + struct.pack(
        "<11Q", HEADER_BYTES, 0, HEADER_BYTES, length, 0, 0, 0, len(body), 0, 0, 0
    )
    header += bytes([1, compression, 2, tile_type, *zooms])
    header += struct.pack("<4i", *(round(degree * 10_000_000) for degree in bounds))
    return header.ljust(HEADER_BYTES, b"\0") + metadata + body


def test_bounds_zooms_and_attribution_are_read() -> None:
    found = TileFile.read(io.BytesIO(map_file()))
    assert found.header.bounds == RIGA
    assert (found.header.min_zoom, found.header.max_zoom) == (3, 9)
    assert found.attribution == "© Somebody"


@pytest.mark.parametrize(
    "metadata", [b"", gzip.compress(b"{}", mtime=0), gzip.compress(b"[]", mtime=0)]
)
def test_no_attribution_is_an_empty_one(metadata: bytes) -> None:
    raw = map_file(metadata=metadata, compression=2 if metadata else 1)
    assert TileFile.read(io.BytesIO(raw)).attribution == ""


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "shorter"),
        (b"PMTiles\x02" + bytes(200), "version 3"),
        (map_file()[: HEADER_BYTES + 5], "outside of the file"),
        (map_file(metadata_length=METADATA_BYTES_MAX + 1), "too large"),
        (map_file(metadata=gzip.compress(bytes(METADATA_BYTES_MAX + 1))), "too large"),
        (map_file(metadata=b"no gzip"), "damaged"),
        (map_file(metadata=gzip.compress(b"{")), "not JSON"),
        (map_file(metadata=gzip.compress(b"[" * 100_000)), "not JSON"),
        (map_file(compression=4), "compressed"),
        (map_file(tile_type=2), "vector"),
        (map_file(bounds=(24.0, 57.0, 23.0, 58.0)), "bounds"),
        (map_file(bounds=(24.0, 57.0, 199.0, 58.0)), "bounds"),
        (map_file(zooms=(9, 3)), "zooms"),
    ],
)
def test_a_file_that_cannot_be_drawn_says_why(raw: bytes, reason: str) -> None:
    with pytest.raises(PMTilesInvalid, match=reason):
        TileFile.read(io.BytesIO(raw))


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: map_file()[:8] + tail))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(PMTilesInvalid):
        TileFile.read(io.BytesIO(raw))


@given(st.integers(0, len(map_file()) - 1), st.integers(0, 255))
def test_a_file_with_one_wrong_byte_is_read_or_refused(at: int, byte: int) -> None:
    raw = bytearray(map_file())
    raw[at] = byte
    try:
        found = TileFile.read(io.BytesIO(bytes(raw)))
    except PMTilesInvalid:
        return
    west, south, east, north = found.header.bounds
    assert west < east
    assert south < north
