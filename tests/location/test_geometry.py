"""Distances agree with published ones; areas know their inside, their holes and their faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.location import Area, LocationInvalid, Position, bearing_deg, distance_m, offset
from ccserver.location.geometry import (
    AREA_VERTICES_MAX,
    covering_centre,
    nearby_longitude,
    polygon_contains,
)
from tests.location.strategies import RIGA, directions, positions

SQUARE = [[24.0, 56.0], [25.0, 56.0], [25.0, 57.0], [24.0, 57.0], [24.0, 56.0]]
HOLE = [[24.4, 56.4], [24.6, 56.4], [24.6, 56.6], [24.4, 56.6], [24.4, 56.4]]
FAR_SQUARE = [[27.0, 56.0], [27.1, 56.0], [27.1, 56.1], [27.0, 56.1], [27.0, 56.0]]


def test_distance_as_published() -> None:
    # Flinders Peak to Buninyong, the test line of Geoscience Australia (GRS80): 54 972.271 m.
    flinders = Position(-(37 + 57 / 60 + 3.72030 / 3600), 144 + 25 / 60 + 29.52440 / 3600)
    buninyong = Position(-(37 + 39 / 60 + 10.15610 / 3600), 143 + 55 / 60 + 35.38390 / 3600)
    assert distance_m(flinders, buninyong) == pytest.approx(54_972.271, abs=0.01)
    assert bearing_deg(flinders, buninyong) == pytest.approx(306 + 52 / 60 + 5.37 / 3600, abs=1e-5)


@given(positions, directions, st.floats(1, 100_000))
def test_offset_goes_as_far_as_asked(start: Position, bearing: float, metres: float) -> None:
    assert distance_m(start, offset(start, bearing, metres)) == pytest.approx(metres, rel=1e-6)


POLES = [Position(latitude, longitude) for latitude in (-90.0, 90.0) for longitude in (0.0, 45.0)]


@given(st.lists(positions | st.sampled_from(POLES), min_size=1, max_size=5))
def test_there_is_a_centre_of_any_positions_at_all(places: list[Position]) -> None:
    centre = covering_centre(places)
    assert max(distance_m(centre, place) for place in places) < 20_100_000


@pytest.mark.parametrize("pole", [-90.0, 90.0])
def test_a_pole_under_two_meridians_is_one_place(pole: float) -> None:
    places = [Position(pole, 45.0), Position(pole, -1e-300)]
    assert distance_m(covering_centre(places), places[0]) < 1e-3


@pytest.mark.parametrize(("longitude", "near", "same"), [(-179.0, 179.0, 181.0), (24.1, 24, 24.1)])
def test_longitudes_are_counted_on(longitude: float, near: float, same: float) -> None:
    assert nearby_longitude(longitude, near) == same


@pytest.mark.parametrize(
    ("latitude", "longitude", "inside"),
    [
        (56.1, 24.1, True),
        (56.5, 24.5, False),  # in the hole
        (56.4, 24.5, True),  # on the hole's border
        (56.0, 24.5, True),  # on the border
        (56.05, 27.05, True),  # in the other part
        (55.9, 24.5, False),
        (24.5, 56.5, False),  # swapped
    ],
)
def test_what_lies_in_an_area(latitude: float, longitude: float, inside: bool) -> None:
    area = Area([[SQUARE, HOLE], [FAR_SQUARE]])
    assert area.contains(Position(latitude, longitude)) is inside


def test_who_asks_once() -> None:
    assert polygon_contains([[SQUARE]], RIGA)


@pytest.mark.parametrize(
    ("polygons", "reason"),
    [
        ([], "nothing"),
        ([[]], "outer ring"),
        ([[[]]], "does not close"),
        ([[SQUARE[:-1]]], "does not close"),
        ([[[[24, 56], [25, 57], [25, 56], [24, 57], [24, 56]]]], r"Self-intersection\["),
        ([[SQUARE], [SQUARE]], "no area"),
        ([[FAR_SQUARE, HOLE]], "outside"),
        ([[[[179, 0], [-179, 0], [-179, 1], [179, 0]]]], "antimeridian"),
        ([[[[24, 156], [25, 56], [25, 57], [24, 156]]]], "latitude"),
        ([[[[24], [25, 56], [25, 57], [24]]]], "longitude"),
        ([[[[24, 56]] * (AREA_VERTICES_MAX + 1)]], "at most"),
    ],
)
def test_no_area_is_refused_with_the_reason(
    polygons: list[list[list[list[float]]]], reason: str
) -> None:
    with pytest.raises(LocationInvalid, match=reason):
        Area(polygons)
