"""Values of AML, MSD and networks become locations, and their "unknown" never becomes 0, 0."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.location import ArcBand, Circle, LocationSource, Point, Position
from ccserver.location.devices import MAS_UNKNOWN, from_aml, from_msd, from_network_cell
from tests.location.strategies import BEGIN

RECEIVED = BEGIN + timedelta(seconds=20)


def test_aml() -> None:
    location = from_aml(
        54.76397,
        -0.18305,
        radius_m=50,
        confidence=0.9,
        method="W",
        observed_at=BEGIN,
        received_at=RECEIVED,
    )
    assert location is not None
    assert location.shape == Circle(Position(54.76397, -0.18305), 50)
    assert (location.source, location.confidence) == (LocationSource.AML, 0.9)
    assert (location.observed_at, location.received_at) == (BEGIN, RECEIVED)
    assert location.data == {"method": "W"}


@pytest.mark.parametrize(
    ("latitude", "longitude", "method"),
    [(0.0, 0.0, "N"), (0.0, 0.0, "G"), (56.9, 24.1, "N"), (156.9, 24.1, "G"), (math.nan, 24, "G")],
)
def test_aml_without_a_fix(latitude: float, longitude: float, method: str) -> None:
    assert from_aml(latitude, longitude, method=method, received_at=RECEIVED) is None


@pytest.mark.parametrize("radius_m", [None, 0, -1, math.nan, math.inf])
def test_aml_without_a_radius_is_a_point(radius_m: float | None) -> None:
    location = from_aml(56.9, 24.1, radius_m=radius_m, confidence=0, received_at=RECEIVED)
    assert location is not None
    assert location.shape == Point(Position(56.9, 24.1))
    assert location.confidence is None


def test_msd_as_the_standard_prints_it() -> None:
    # EN 15722's example, with the latitude and longitude as they were meant: 48.3003, 11.6173.
    location = from_msd(
        173_881_200,
        41_822_520,
        trusted=True,
        observed_at=BEGIN,
        received_at=RECEIVED,
        direction_deg=28,
        recent=[(10, -10), (10, -20)],
    )
    assert location is not None
    shape = location.shape
    assert isinstance(shape, Circle)
    assert shape.radius_m == 150
    assert location.confidence == 0.95
    assert (round(shape.centre.latitude, 4), round(shape.centre.longitude, 4)) == (48.3003, 11.6174)
    assert location.data["recent"] == [
        [(173_881_200 + 1_000) / 3.6e6, (41_822_520 - 1_000) / 3.6e6],
        [(173_881_200 + 2_000) / 3.6e6, (41_822_520 - 3_000) / 3.6e6],
    ]
    assert location.data["direction_deg"] == 28


def test_msd_that_cannot_be_trusted_has_no_radius() -> None:
    location = from_msd(173_881_200, 41_822_520, trusted=False, received_at=RECEIVED)
    assert location is not None
    assert isinstance(location.shape, Point)
    assert location.confidence is None
    assert location.data == {"trusted": False}


@pytest.mark.parametrize(
    ("latitude_mas", "longitude_mas"),
    [
        (0, 0),
        (MAS_UNKNOWN, 41_822_520),
        (173_881_200, MAS_UNKNOWN),
        (MAS_UNKNOWN, MAS_UNKNOWN),
        (324_000_001, 0),
    ],
)
def test_msd_without_a_position(latitude_mas: int, longitude_mas: int) -> None:
    assert from_msd(latitude_mas, longitude_mas, trusted=True, received_at=RECEIVED) is None


def test_a_trail_ends_where_it_makes_no_sense() -> None:
    location = from_msd(
        324_000_000, 0, trusted=True, received_at=RECEIVED, recent=[(-5, 0), (6, 0), (1, 1)]
    )
    assert location is not None
    assert location.data["recent"] == [[(324_000_000 - 500) / 3.6e6, 0.0]]


def test_network_cells() -> None:
    cell = from_network_cell(56.95, 24.1, radius_m=3000, received_at=RECEIVED, cell_id="247-1-9")
    assert cell is not None
    assert cell.shape == Circle(Position(56.95, 24.1), 3000)
    assert cell.data == {"cell_id": "247-1-9"}
    sector = from_network_cell(
        56.95, 24.1, radius_m=3000, azimuth_deg=30, opening_deg=120, received_at=RECEIVED
    )
    assert sector is not None
    assert sector.shape == ArcBand(Position(56.95, 24.1), 0, 3000, 330, 120)
    assert from_network_cell(0, 0, radius_m=3000, received_at=RECEIVED) is None
    odd = from_network_cell(
        56.95, 24.1, radius_m=3000, azimuth_deg=30, opening_deg=500, received_at=RECEIVED
    )
    assert odd is not None
    assert odd.shape == cell.shape


@given(
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.booleans(),
    st.lists(st.tuples(st.integers(-600, 600), st.integers(-600, 600)), max_size=3),
)
def test_any_msd_position_is_a_place_or_none(
    latitude_mas: int, longitude_mas: int, trusted: bool, recent: list[tuple[int, int]]
) -> None:
    location = from_msd(
        latitude_mas, longitude_mas, trusted=trusted, received_at=RECEIVED, recent=recent
    )
    if location is not None:
        assert abs(location.shape.centre.latitude) <= 90
