"""``to_pmtiles.py TILES.mbtiles TILES.pmtiles``: the same tiles in the format of the panel."""

import sqlite3
import sys

from pmtiles.convert import mbtiles_to_pmtiles


def main() -> None:
    """Convert, or say why the file would be of no use."""
    source, target = sys.argv[1:]
    with sqlite3.connect(source) as database:
        (tiles,) = database.execute("SELECT count(*) FROM tiles").fetchone()
        found = dict(database.execute("SELECT name, value FROM metadata"))
    if not tiles:
        sys.exit("the extract holds nothing that the map shows")
    west, south, east, north = (float(part) for part in found["bounds"].split(","))
    if not (west < east and south < north):
        sys.exit("the extract does not say what part of the world it covers: cut it with osmium")
    mbtiles_to_pmtiles(source, target, int(found["maxzoom"]))


if __name__ == "__main__":
    main()
