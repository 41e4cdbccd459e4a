"""Shapes, locations and histories for property tests."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from ccserver.location import (
    ArcBand,
    Circle,
    Ellipse,
    Ellipsoid,
    Known,
    Location,
    LocationKind,
    LocationSource,
    Point,
    Polygon,
    Position,
    Prism,
    Shape,
    Sphere,
    offset,
)
from ccserver.types import ContactId, LocationId

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RIGA = Position(56.9496, 24.1052)

positions = st.builds(
    Position, st.floats(-80, 80, allow_nan=False), st.floats(-180, 180, allow_nan=False)
)
lengths = st.floats(0.1, 50_000)
altitudes = st.floats(-400, 9_000)
directions = st.floats(0, 360, exclude_max=True)


@st.composite
def rings(draw: st.DrawFn) -> tuple[Position, ...]:
    """Closed rings of three to eight corners around a centre."""
    centre = draw(positions)
    count = draw(st.integers(3, 8))
    corners = [offset(centre, 360 * step / count, draw(lengths)) for step in range(count)]
    return (*corners, corners[0])


@st.composite
def arc_bands(draw: st.DrawFn) -> ArcBand:
    """Sectors of radio cells."""
    inner = draw(st.one_of(st.just(0.0), lengths))
    return ArcBand(
        draw(positions),
        inner_radius_m=inner,
        outer_radius_m=inner + draw(lengths),
        start_angle_deg=draw(directions),
        opening_angle_deg=draw(st.floats(0.1, 360)),
    )


shapes: st.SearchStrategy[Shape] = st.one_of(
    st.builds(Point, positions, st.none() | altitudes),
    st.builds(Circle, positions, lengths),
    st.builds(Ellipse, positions, lengths, lengths, directions),
    arc_bands(),
    st.builds(Polygon, rings(), st.none() | altitudes),
    st.builds(Sphere, positions, altitudes, lengths),
    st.builds(Ellipsoid, positions, altitudes, lengths, lengths, lengths, directions),
    st.builds(Prism, rings(), altitudes, lengths),
)

DEVICES = (
    LocationSource.PIDF_LO,
    LocationSource.AML,
    LocationSource.MSD,
    LocationSource.NETWORK_CELL,
    LocationSource.HTTPS,
)


@st.composite
def fixes(draw: st.DrawFn) -> Known:
    """Fixes of callers somewhere in and around Riga, within ten minutes."""
    centre = offset(RIGA, draw(directions), draw(st.floats(0, 20_000)))
    observed = BEGIN + timedelta(seconds=draw(st.integers(-120, 600)))
    circles = st.builds(Circle, st.just(centre), st.floats(1, 5_000))
    shape: Shape = draw(st.one_of(circles, st.just(Point(centre))))
    return Known(
        LocationId(str(draw(st.uuids()))),
        LocationKind.CALLER,
        Location(
            shape,
            draw(st.sampled_from(DEVICES)),
            received_at=observed + timedelta(seconds=draw(st.integers(0, 60))),
            observed_at=draw(st.sampled_from([observed, None])),
            confidence=draw(st.none() | st.floats(0, 1)),
        ),
        contact_id=draw(st.sampled_from([None, ContactId("c-1"), ContactId("c-2")])),
    )


histories = st.lists(fixes(), max_size=8, unique_by=lambda known: known.location_id)
