"""The index's file: SQLite, written once by the importer and only read afterwards.

``addresses`` holds everything but flats; streets and places first, the weightiest at the
lowest ids. ``docs`` is what can be found by words: each street, place and named house under its
present and its former names. Its ids are in the order of importance, because FTS5 gives its hits
in the order of ids and a search takes only the first some hundreds. Houses with a number have no
doc: they are found through their street, so that the words are looked for among two or three
hundred thousand docs and not in every address.

``cell`` in the full-text table is a square of about 11 × 12 km, so that what is near a caller can
be asked for by words as well.
"""

import math

FORMAT = 1
"""Of the file. A reader leaves files of another format alone."""

APPLICATION_ID = 0x4C564144
"""Marks the file as ours (``PRAGMA application_id``)."""

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE addresses (
    id INTEGER PRIMARY KEY,
    code INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    parent INTEGER NOT NULL,      -- code of the street or place; 0: none that is known
    number TEXT,                  -- of a house on a street, as `query.house_key` writes it
    text TEXT NOT NULL,
    postcode TEXT,
    lat REAL, lon REAL, x REAL, y REAL,
    old INTEGER NOT NULL,
    weight REAL NOT NULL          -- of a street or place: how likely it is meant
);
CREATE TABLE flats (
    building INTEGER NOT NULL,    -- addresses.id
    number TEXT NOT NULL,
    name TEXT NOT NULL,
    code INTEGER NOT NULL,
    PRIMARY KEY (building, number, code)
) WITHOUT ROWID;
CREATE TABLE docs (
    id INTEGER PRIMARY KEY,
    address INTEGER NOT NULL,
    name TEXT NOT NULL,           -- folded words
    place TEXT NOT NULL,          -- folded words of what it lies in
    former TEXT                   -- the former name as it was written
);
CREATE TABLE former_numbers (
    street INTEGER NOT NULL,      -- code
    number TEXT NOT NULL,
    building INTEGER NOT NULL,    -- addresses.id
    former TEXT NOT NULL,
    PRIMARY KEY (street, number, building)
) WITHOUT ROWID;
CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL, docs INTEGER NOT NULL);
CREATE VIRTUAL TABLE found USING fts5(
    name, place, cell, content='', detail='column', columnsize=0, prefix='2 3 4',
    tokenize='unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE parts USING fts5(
    word, content='', detail='none', columnsize=0, tokenize='trigram'
);
CREATE VIRTUAL TABLE positions USING rtree(id, south, north, west, east);
"""

INDEXES = """
CREATE UNIQUE INDEX addresses_code ON addresses (code);
CREATE INDEX addresses_number ON addresses (parent, number) WHERE number IS NOT NULL;
CREATE INDEX addresses_postcode ON addresses (postcode, kind);
CREATE UNIQUE INDEX flats_code ON flats (code);
"""

PLACE, STREET, BUILDING = 0, 1, 2
"""``addresses.kind``."""

CELL_LAT, CELL_LON = 0.1, 0.2


def cell(lat: float, lon: float) -> str:
    """The square around a position, as a word of the full-text table."""
    # Shifted, because a minus is no letter.
    return f"c{math.floor(lat / CELL_LAT) + 1_000}x{math.floor(lon / CELL_LON) + 1_000}"


def cells_around(lat: float, lon: float) -> list[str]:
    """The nine squares at and around a position: all within 11 km are in them."""
    return [
        cell(lat + row * CELL_LAT, lon + column * CELL_LON)
        for row in (-1, 0, 1)
        for column in (-1, 0, 1)
    ]
