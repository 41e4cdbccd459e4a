"""Every shape is covered by its circle, comes back from its JSON, and refuses what is no place."""

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.location import (
    ArcBand,
    Circle,
    Ellipse,
    Ellipsoid,
    LocationInvalid,
    Point,
    Polygon,
    Position,
    Prism,
    Shape,
    Sphere,
    distance_m,
    offset,
    shape_from_json,
)
from ccserver.location.shapes import RADIUS_M_MAX, VERTICES_MAX
from tests.location.strategies import RIGA, shapes

JURMALA = Position(56.968, 23.7704)
SALASPILS = Position(56.8610, 24.3500)
TRIANGLE = (RIGA, JURMALA, SALASPILS, RIGA)


def _on_earth(point: list[float]) -> Position:
    longitude, latitude = point
    return Position(latitude, (longitude + 180) % 360 - 180)


@given(shapes)
def test_json_round_trip(shape: Shape) -> None:
    assert shape_from_json(shape.as_json()) == shape


@given(shapes)
def test_the_circle_covers_the_shape(shape: Shape) -> None:
    radius = shape.radius_m or 0.0
    for point in shape.outline():
        assert distance_m(shape.centre, _on_earth(point)) <= radius * 1.001 + 0.01


@given(shapes)
def test_outlines_are_closed_and_run_counter_clockwise(shape: Shape) -> None:
    outline = shape.outline()
    if isinstance(shape, Point):
        assert outline == [[shape.centre.longitude, shape.centre.latitude]]
        return
    assert outline[0] == outline[-1]
    assert len(outline) >= 4
    edges = list(itertools.pairwise(outline))
    assert sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in edges) >= -1e-6
    # No edge runs around the Earth, also across the antimeridian.
    assert all(abs(b[0] - a[0]) < 180 for a, b in edges)


@given(st.floats(1, 359), st.floats(0, 0.99))
def test_no_smaller_circle_covers_an_arc_band(opening: float, inner: float) -> None:
    band = ArcBand(RIGA, inner * 1000, 1000.0, 0.0, opening)
    # Moving the centre along the middle line, in either direction, never helps.
    for bearing in (opening / 2, opening / 2 + 180):
        moved = offset(band.centre, bearing, 5.0)
        farthest = max(distance_m(moved, _on_earth(point)) for point in band.outline())
        # The outline's corners lie on the arc, the arc bulges out between them.
        assert farthest >= band.radius_m * math.cos(math.pi / 32)


@pytest.mark.parametrize(
    ("shape", "radius_m"),
    [
        (Circle(RIGA, 50), 50.0),
        (Ellipse(RIGA, 100, 40, 30), 100.0),
        (Ellipse(RIGA, 40, 100, 30), 100.0),
        (Sphere(RIGA, 20, 30), 30.0),
        (Ellipsoid(RIGA, 20, 30, 20, 10, 0), 30.0),
        (ArcBand(RIGA, 0, 1000, 0, 360), 1000.0),
        (ArcBand(RIGA, 500, 1000, 10, 200), 1000.0),
        (ArcBand(RIGA, 0, 1000, 10, 90), 1000 * math.sin(math.radians(45))),
        # Narrower: through all four corners, half the band's length and a bit.
        (ArcBand(RIGA, 0, 1000, 10, 1), 500.02),
    ],
)
def test_radius(shape: Shape, radius_m: float) -> None:
    assert shape.radius_m == pytest.approx(radius_m, rel=1e-4)


def test_a_point_has_no_radius() -> None:
    assert Point(RIGA).radius_m is None


def test_an_ellipse_is_turned_from_north() -> None:
    north, east = Ellipse(RIGA, 1000, 10, 0), Ellipse(RIGA, 1000, 10, 90)
    assert max(lat for _, lat in north.outline()) - RIGA.latitude > 0.008
    assert max(lat for _, lat in east.outline()) - RIGA.latitude < 0.001


def test_a_shape_across_the_antimeridian_stays_in_one_piece() -> None:
    corners = [(10, 179.9), (10, -179.9), (11, -179.9), (11, 179.9), (10, 179.9)]
    polygon = Polygon(tuple(Position(lat, lon) for lat, lon in corners))
    assert distance_m(polygon.centre, Position(10.5, 180)) < 1_000
    assert polygon.radius_m < 60_000


@pytest.mark.parametrize(
    "build",
    [
        lambda: Position(90.1, 0),
        lambda: Position(0, -180.1),
        lambda: Position(math.nan, 0),
        lambda: Position(0, math.inf),
        lambda: Position(True, 0),
        lambda: Circle(RIGA, 0),
        lambda: Circle(RIGA, -1),
        lambda: Circle(RIGA, math.nan),
        lambda: Circle(RIGA, RADIUS_M_MAX + 1),
        lambda: Point(RIGA, 1e9),
        lambda: Ellipse(RIGA, 10, -1, 0),
        lambda: Ellipse(RIGA, 10, 5, 360),
        lambda: ArcBand(RIGA, 10, 10, 0, 90),
        lambda: ArcBand(RIGA, 0, 10, 0, 0),
        lambda: ArcBand(RIGA, 0, 10, 0, 361),
        lambda: Polygon(TRIANGLE[:3]),
        lambda: Polygon((*TRIANGLE[:3], JURMALA)),
        lambda: Polygon((RIGA, JURMALA, RIGA, RIGA)),
        lambda: Polygon((RIGA, *[JURMALA, SALASPILS] * VERTICES_MAX, RIGA)),
        lambda: Polygon((RIGA, Position(-40, 10), Position(-41, 11), RIGA)),
        lambda: Prism(TRIANGLE, 0, -1),
    ],
)
def test_no_place_is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(LocationInvalid):
        build()


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"type": "Blob"},
        {"type": ["Point"]},
        {"type": "Point"},
        {"type": "Point", "position": [56.9]},
        {"type": "Point", "position": "56.9,24.1"},
        {"type": "Point", "position": [56.9, "24.1"]},
        {"type": "Point", "position": [24.1, 256.9]},
        {"type": "Point", "position": [56.9, 24.1], "radius_m": 5},
        {"type": "Circle", "centre": [56.9, 24.1]},
        {"type": "Circle", "centre": [56.9, 24.1], "radius_m": True},
        {"type": "Circle", "centre": [56.9, 24.1], "radius_m": 10**400},
        {"type": "Sphere", "centre": [56.9, 24.1], "altitude_m": None, "radius_m": 5},
        {"type": "Polygon", "exterior": 5},
        {"type": "Polygon", "exterior": [[0, 0]] * (VERTICES_MAX + 1)},
    ],
)
def test_what_is_no_shape_in_json_is_refused(document: object) -> None:
    with pytest.raises(LocationInvalid):
        shape_from_json(document)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "position", "centre", "radius_m", "exterior", "base", "x"]
                ),
                inner | st.sampled_from(["Point", "Circle", "Polygon", "Prism"]),
                max_size=4,
            )
        ),
    )
)
def test_any_json_is_a_shape_or_refused(document: object) -> None:
    try:
        shape = shape_from_json(document)
    except LocationInvalid:
        return
    assert shape_from_json(shape.as_json()) == shape
