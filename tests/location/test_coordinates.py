"""Coordinates as people type them are understood, or refused with a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.location import LocationInvalid, distance_m
from ccserver.location.coordinates import Candidate, CoordinateSystem, parse_coordinates
from ccserver.location.lks92 import from_lks92
from tests.location.strategies import RIGA

SPELLINGS = [
    "56.9496 24.1052",
    "56.9496, 24.1052",
    "56.9496,24.1052",
    "56,9496 24,1052",
    "56,9496, 24,1052",
    "56,9496,24,1052",
    "56,9496; 24,1052",
    "56.9496 / 24.1052",
    "  (56.9496, 24.1052) ",
    "56.9496\u00a024.1052",
    "N56.9496 E24.1052",
    "N 56.9496 E 24.1052",
    "56.9496N 24.1052E",
    "56.9496N24.1052E",
    "56.9496N, 24.1052E",
    "56.9496°N 24.1052°E",
    "56.9496° 24.1052°",
    "+56.9496 +24.1052",
    "56°56'58.56\"N 24°6'18.72\"E",
    "56°56’58,56”N, 24°06’18,72”E",
    "56° 56' 58.56\" N 24° 6' 18.72\" E",
    "56º56′58.56″ 24º6′18.72″",
    "N 56° 56.976' E 24° 6.312'",
    "56°56.976'N 24°6.312'E",
    "56°56'58.56''N 24°6'18.72''E",
    "Z 56.9496 A 24.1052",
]

SPELLINGS_LKS = [
    "311780.575 506399.312",
    "311 780.575 506 399.312",
    "LKS 311780.575 506399.312",
    "LKS-92: 311780,575; 506399,312",
    "lks92 311780.575, 506399.312",
]

SWAPPED = [
    "24.1052 56.9496",
    "E 24.1052 N 56.9496",
    "24°6'18.72\"E 56°56'58.56\"N",
    "LKS 506399.312 311780.575",
    "506399.312, 311780.575",
]


@pytest.mark.parametrize(
    ("text", "system"),
    [(text, CoordinateSystem.WGS84) for text in SPELLINGS]
    + [(text, CoordinateSystem.LKS92) for text in SPELLINGS_LKS],
)
def test_every_spelling_of_one_place(text: str, system: CoordinateSystem) -> None:
    best = parse_coordinates(text)[0]
    assert distance_m(best.position, RIGA) < 0.2
    assert not best.swapped
    assert best.system is system


@pytest.mark.parametrize("text", SWAPPED)
def test_the_other_order_is_found_where_it_makes_sense(text: str) -> None:
    best = parse_coordinates(text)[0]
    assert distance_m(best.position, RIGA) < 0.2
    assert best.swapped


def test_what_can_be_meant_in_two_ways_gives_two_the_likelier_first() -> None:
    first, second = parse_coordinates("24.1052 56.9496")
    assert first == Candidate(RIGA, CoordinateSystem.WGS84, swapped=True)
    assert second.position.latitude == 24.1052
    # Letters leave no doubt.
    assert len(parse_coordinates("N 24.1052 E 56.9496")) == 1


def test_lks_in_either_order() -> None:
    both = parse_coordinates("312000, 506000")
    assert both[0] == Candidate(from_lks92(312_000, 506_000), CoordinateSystem.LKS92)


def test_southern_and_western_places() -> None:
    [found] = parse_coordinates("S 33.86 W 151.2")
    assert (found.position.latitude, found.position.longitude) == (-33.86, -151.2)
    assert parse_coordinates("-33.86 151.2")[0].position.latitude == -33.86


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "two coordinates"),
        ("56.9496", "two coordinates"),
        ("Brīvības iela 1", "two coordinates"),
        ("56.9 24.1 7.0", "two coordinates"),
        ("1 2 3 4 5 6", "two coordinates"),
        ("56°60'N 24°6'E", "two coordinates"),
        ("N56.9N 24.1E", "two coordinates"),
        ("N -56.9 E 24.1", "two coordinates"),
        ("٥٦.٩ ٢٤.١", "two coordinates"),
        ("N 56.9 N 24.1", "latitude and the other a longitude"),
        ("95.1 191.2", "not between -90 and 90"),
        ("N 91 E 24", "not between -90 and 90"),
        ("999999 999999", "northing"),
        ("LKS 612000 999000", "northing"),
        ("5" * 101, "at most"),
    ],
)
def test_no_place_is_refused_with_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(LocationInvalid, match=reason):
        parse_coordinates(text)


@given(st.text("0123456789.,;/ °'\"NSEWZALKS-+", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_place_or_refused(text: str) -> None:
    try:
        found = parse_coordinates(text)
    except LocationInvalid:
        return
    assert 1 <= len(found) <= 2


@given(st.floats(-89, 89), st.floats(-179, 179))
def test_what_is_written_plainly_is_read_back(latitude: float, longitude: float) -> None:
    candidates = parse_coordinates(f"{latitude:.7f} {longitude:.7f}")
    straight = [c.position for c in candidates if not c.swapped]
    assert len(straight) == 1
    assert straight[0].latitude == pytest.approx(latitude, abs=1e-7)
    assert straight[0].longitude == pytest.approx(longitude, abs=1e-7)
