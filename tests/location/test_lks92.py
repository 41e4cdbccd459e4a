"""LKS-92 agrees with published points and with the projection's own definition."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.location import LocationInvalid, Position, distance_m
from ccserver.location.lks92 import EASTINGS, NORTHINGS, from_lks92, to_lks92

latitudes = st.floats(55.6, 58.1)
longitudes = st.floats(20.5, 28.3)


def krueger(latitude: float, longitude: float) -> tuple[float, float]:
    """Transverse Mercator by Krüger's series (1912): GRS 80, 24° E, 0.9996, 500 000, −6 000 000."""
    a, f = 6_378_137.0, 1 / 298.257222101
    n = f / (2 - f)
    radius = a / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    alpha = (
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16 + 41 * n**4 / 180,
        13 * n**2 / 48 - 3 * n**3 / 5 + 557 * n**4 / 1440,
        61 * n**3 / 240 - 103 * n**4 / 140,
        49561 * n**4 / 161280,
    )
    phi, lam = math.radians(latitude), math.radians(longitude - 24)
    e = 2 * math.sqrt(n) / (1 + n)
    t = math.sinh(math.atanh(math.sin(phi)) - e * math.atanh(e * math.sin(phi)))
    xi, eta = math.atan2(t, math.cos(lam)), math.atanh(math.sin(lam) / math.hypot(1, t))
    terms = list(enumerate(alpha, start=1))
    north = xi + sum(c * math.sin(2 * j * xi) * math.cosh(2 * j * eta) for j, c in terms)
    east = eta + sum(c * math.cos(2 * j * xi) * math.sinh(2 * j * eta) for j, c in terms)
    return 0.9996 * radius * north - 6_000_000, 0.9996 * radius * east + 500_000


@pytest.mark.parametrize(
    ("latitude", "longitude", "x", "y"),
    [
        # The area of use of EPSG:3059 as epsg.io publishes it: its northern and eastern corners.
        (58.09, 28.24, 446_584.80, None),
        (55.67, 28.24, None, 766_599.76),
    ],
)
def test_published_points(latitude: float, longitude: float, x: float, y: float) -> None:
    northing, easting = to_lks92(Position(latitude, longitude))
    if x is not None:
        assert northing == pytest.approx(x, abs=0.01)
    if y is not None:
        assert easting == pytest.approx(y, abs=0.01)


def test_x_is_the_northing_as_in_the_address_register() -> None:
    x, y = to_lks92(Position(56.9496, 24.1052))
    assert (round(x), round(y)) == (311_781, 506_399)


@given(latitudes, longitudes)
def test_the_projection_is_the_one_that_the_law_defines(latitude: float, longitude: float) -> None:
    # Half a millimetre: the ellipsoids of WGS84 and GRS 80 differ by a tenth of one.
    expected = pytest.approx(krueger(latitude, longitude), abs=0.0005)
    assert to_lks92(Position(latitude, longitude)) == expected


@given(latitudes, longitudes)
def test_there_and_back(latitude: float, longitude: float) -> None:
    start = Position(latitude, longitude)
    assert distance_m(start, from_lks92(*to_lks92(start))) < 0.001


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (NORTHINGS[0] - 1, 500_000),
        (NORTHINGS[1] + 1, 500_000),
        (300_000, EASTINGS[0] - 1),
        (300_000, EASTINGS[1] + 1),
        (math.nan, 500_000),
        (300_000, math.inf),
    ],
)
def test_coordinates_far_from_latvia_are_refused(x: float, y: float) -> None:
    with pytest.raises(LocationInvalid):
        from_lks92(x, y)


@pytest.mark.parametrize(("latitude", "longitude"), [(54.9, 24), (59.1, 24), (57, 17), (57, 31)])
def test_places_far_from_latvia_have_none(latitude: float, longitude: float) -> None:
    with pytest.raises(LocationInvalid):
        to_lks92(Position(latitude, longitude))
