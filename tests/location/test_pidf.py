"""PIDF-LO documents are read, salvaged as far as they go, or refused with one exception."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.location import (
    ArcBand,
    Circle,
    Ellipse,
    Ellipsoid,
    LocationSource,
    Point,
    Polygon,
    Position,
    Prism,
    Shape,
)
from ccserver.location.oddities import ODDITIES_MAX
from ccserver.location.pidf import PIDFLO, PLACES_MAX, PIDFLOInvalid, Place
from ccserver.location.xml import BYTES_MAX, DEPTH_MAX, ELEMENTS_MAX
from tests.location.strategies import RIGA, shapes

DATA = Path(__file__).parent.parent / "data" / "pidf"
SAMPLES = {path.stem: path.read_bytes() for path in sorted(DATA.glob("*.xml"))}
RECEIVED = datetime(2026, 3, 1, 12, 1, tzinfo=UTC)


def document(info: str, *, extra: str = "", timestamp: str = "2026-03-01T12:00:00Z") -> bytes:
    """A document with ``info`` in its location-info, and ``extra`` beside that."""
    return f"""<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:gp="geopriv" xmlns:gml="gml"
      xmlns:gs="gs" entity="pres:x@example.net"><tuple id="t"><status><gp:geopriv>
      <gp:location-info>{info}</gp:location-info>{extra}</gp:geopriv></status>
      <timestamp>{timestamp}</timestamp></tuple></presence>""".encode()


def geometry(name: str, inner: str, srs: str = "urn:ogc:def:crs:EPSG::4326") -> str:
    return f'<gs:{name} srsName="{srs}">{inner}</gs:{name}>'


def metres(name: str, value: str) -> str:
    return f'<gs:{name} uom="urn:ogc:def:uom:EPSG::9001">{value}</gs:{name}>'


POS = "<gml:pos>56.9496 24.1052</gml:pos>"
POS_3D = "<gml:pos>56.9496 24.1052 12</gml:pos>"
TRIANGLE = "56.9 24.1 56.9 24.2 57.0 24.2"
CLOSED = f"{TRIANGLE} 56.9 24.1"


def read(info: str) -> tuple[Shape | None, list[str]]:
    found = PIDFLO.parse(document(info))
    return found.places[0].shape, [oddity.code for oddity in found.oddities]


def test_arc_band() -> None:
    found = PIDFLO.parse(SAMPLES["rfc5491-arcband"])
    assert found.entity == "pres:caller@cell.example.net"
    assert found.oddities == ()
    [place] = found.places
    assert place.shape == ArcBand(RIGA, 3594, 4148, 20, 20)
    assert (place.container, place.container_id, place.method) == ("tuple", "arcband", "TA-NMR")
    assert place.observed_at == datetime(2026, 3, 1, 12, 0, 29, tzinfo=UTC)
    assert place.confidence == 0.95


def test_device_with_circle_and_address() -> None:
    found = PIDFLO.parse(SAMPLES["device-circle-and-civic"])
    assert found.oddities == ()
    [place] = found.places
    assert place.shape == Circle(Position(56.9516, 24.1133), 12.5)
    assert place.civic["A1"] == "Rīga"
    assert place.civic["RD"] == "Brīvības iela"
    assert place.confidence == pytest.approx(0.67)
    assert (place.container, place.method) == ("device", "GPS")
    assert place.provided_by == "Example Mobile"
    assert place.observed_at == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert place.retention_expiry == datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    assert place.retransmission_allowed is True
    [location] = found.locations(RECEIVED)
    assert location.source is LocationSource.PIDF_LO
    assert location.received_at == RECEIVED
    assert location.data["method"] == "GPS"
    assert location.data["civic"] == place.civic


def test_several_locations_of_old_and_new_spelling() -> None:
    found = PIDFLO.parse(SAMPLES["two-tuples-and-a-person"])
    assert [place.container for place in found.places] == ["tuple", "tuple", "person"]
    point, prism, ellipsoid = [place.shape for place in found.places]
    assert point == Point(Position(56.95, 24.1))
    corners = [(56.95, 24.1), (56.95, 24.11), (56.96, 24.11), (56.95, 24.1)]
    assert prism == Prism(tuple(Position(*corner) for corner in corners), 7.0, 2.4)
    assert ellipsoid == Ellipsoid(RIGA, 26.3, 7.7156, 3.31, 28.7, 90.0)
    assert found.places[1].method == "Cell"
    assert found.oddities == ()


def test_an_address_without_coordinates_is_a_place_but_no_location() -> None:
    found = PIDFLO.parse(document("<ca><civicAddress><A1>Rīga</A1></civicAddress></ca>"))
    assert found.places[0].shape is None
    assert found.places[0].civic == {"A1": "Rīga"}
    assert found.locations(RECEIVED) == []


def test_held_answer_wraps_the_document() -> None:
    inner = document(geometry("Point", POS)).decode()
    found = PIDFLO.parse(f"<locationResponse>{inner}</locationResponse>".encode())
    assert found.places[0].shape == Point(RIGA)


SALVAGED: dict[str, tuple[str, Shape, list[str]]] = {
    "no reference system": (f"<gml:Point>{POS}</gml:Point>", Point(RIGA), ["srs_missing"]),
    "no unit": (
        geometry("Circle", f"{POS}<gs:radius>5</gs:radius>"),
        Circle(RIGA, 5),
        ["unit_missing"],
    ),
    "kilometres": (
        geometry("Circle", f'{POS}<gs:radius uom="urn:ogc:def:uom:EPSG::9036">2</gs:radius>'),
        Circle(RIGA, 2000),
        [],
    ),
    "an unknown unit": (
        geometry("Circle", f'{POS}<gs:radius uom="furlong">2</gs:radius>'),
        Point(RIGA),
        ["unit_unknown", "shape_reduced"],
    ),
    "no radius": (geometry("Circle", POS), Point(RIGA), ["measure_missing", "shape_reduced"]),
    "a radius of nothing": (
        geometry("Circle", POS + metres("radius", "0")),
        Point(RIGA),
        ["shape_invalid", "shape_reduced"],
    ),
    "a radius that is not a number": (
        geometry("Circle", POS + metres("radius", "NaN")),
        Point(RIGA),
        ["measure_unreadable", "shape_reduced"],
    ),
    "an infinite radius": (
        geometry("Circle", POS + metres("radius", "INF")),
        Point(RIGA),
        ["measure_unreadable", "shape_reduced"],
    ),
    "a circle in space": (
        geometry("Circle", POS_3D + metres("radius", "5")),
        Circle(RIGA, 5),
        ["altitude_ignored"],
    ),
    "a flat sphere": (
        geometry("Sphere", POS + metres("radius", "5")),
        Circle(RIGA, 5),
        ["altitude_missing"],
    ),
    "axes in the wrong order": (
        geometry(
            "Ellipse",
            POS
            + metres("semiMajorAxis", "5")
            + metres("semiMinorAxis", "9")
            + '<gs:orientation uom="urn:ogc:def:uom:EPSG::9102">-10</gs:orientation>',
        ),
        Ellipse(RIGA, 5, 9, 350),
        ["axes_swapped"],
    ),
    "an open polygon": (
        geometry("Polygon", f"<gml:exterior><gml:posList>{TRIANGLE}</gml:posList></gml:exterior>"),
        Polygon(
            (
                Position(56.9, 24.1),
                Position(56.9, 24.2),
                Position(57.0, 24.2),
                Position(56.9, 24.1),
            )
        ),
        ["polygon_not_closed"],
    ),
    "a polygon of one corner": (
        geometry("Polygon", f"<gml:exterior>{POS}</gml:exterior>"),
        Point(RIGA),
        ["shape_invalid", "shape_reduced"],
    ),
    "a hole in a polygon": (
        geometry(
            "Polygon",
            f"<gml:exterior><gml:posList>{CLOSED}</gml:posList></gml:exterior>"
            f"<gml:interior><gml:posList>{CLOSED}</gml:posList></gml:interior>",
        ),
        Polygon(
            (
                Position(56.9, 24.1),
                Position(56.9, 24.2),
                Position(57.0, 24.2),
                Position(56.9, 24.1),
            )
        ),
        [],
    ),
    "commas in a position": (
        geometry("Point", "<gml:pos>56.9496, 24.1052</gml:pos>"),
        Point(RIGA),
        [],
    ),
    "pairs with commas": (
        geometry("Point", "<gml:coordinates>56.9496,24.1052</gml:coordinates>"),
        Point(RIGA),
        [],
    ),
    "two positions of a point": (
        geometry("Point", POS + POS_3D),
        Point(RIGA),
        ["positions_surplus"],
    ),
}


@pytest.mark.parametrize("case", SALVAGED)
def test_what_can_be_salvaged_is(case: str) -> None:
    info, shape, oddities = SALVAGED[case]
    assert read(info) == (shape, oddities)


def test_two_corners_become_the_circle_around_them() -> None:
    shape, oddities = read(geometry("Polygon", "<gml:posList>56.9 24.1 56.9 24.2</gml:posList>"))
    assert isinstance(shape, Circle)
    assert shape.radius_m == pytest.approx(3048, abs=5)
    assert oddities == ["polygon_not_closed", "shape_invalid", "shape_reduced"]


REFUSED = {
    "nothing": b"",
    "no XML": b'A"ML=1;lt=+54.76397;lg=-0.18305',
    "cut off": SAMPLES["rfc5491-arcband"][:400],
    "another document": b"<html><body>not found</body></html>",
    "no location": document(""),
    "latitude of 91 degrees": document(geometry("Point", "<gml:pos>91 24.1</gml:pos>")),
    "not a number": document(geometry("Point", "<gml:pos>NaN 24.1</gml:pos>")),
    "infinite": document(geometry("Point", "<gml:pos>56.9 INF</gml:pos>")),
    "digits of another script": document(geometry("Point", "<gml:pos>٥٦.٩ ٢٤.١</gml:pos>")),
    "one number": document(geometry("Point", "<gml:pos>56.9</gml:pos>")),
    "four numbers": document(geometry("Point", "<gml:pos>56,9 24,1</gml:pos>")),
    "a number without end": document(geometry("Point", f"<gml:pos>56.{'9' * 99} 24</gml:pos>")),
    "another reference system": document(geometry("Point", POS, "urn:ogc:def:crs:EPSG::3059")),
    "longitude first by definition": document(
        geometry("Point", POS, "urn:ogc:def:crs:OGC:1.3:CRS84")
    ),
    "an odd list": document(geometry("Polygon", "<gml:posList>56.9 24.1 57</gml:posList>")),
    "a DTD": b'<!DOCTYPE p SYSTEM "file:///etc/passwd"><p/>',
    "an entity bomb": b'<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><p>&b;</p>',
    "an external entity": b'<!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/passwd">]><p>&a;</p>',
    "too deep": b"<a>" * (DEPTH_MAX + 1) + b"</a>" * (DEPTH_MAX + 1),
    "as deep as it goes": b"<a>" * 40_000,
    "too many elements": b"<a>" + b"<b/>" * ELEMENTS_MAX + b"</a>",
    "too large": b"<a>" + b" " * BYTES_MAX + b"</a>",
    "an unknown encoding": b'<?xml version="1.0" encoding="klingon"?><a/>',
    "an encoding that is no text": b'<?xml version="1.0" encoding="hex"?><a/>',
    "an encoding of several bytes": b'<?xml version="1.0" encoding="shift_jis"?><a/>',
    "half a character": b"<a>\xc5</a>",
    "NUL": b"<a>\x00</a>",
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_tells_no_place_is_refused(case: str) -> None:
    with pytest.raises(PIDFLOInvalid) as refused:
        PIDFLO.parse(REFUSED[case])
    assert str(refused.value).endswith(".")


def test_swapped_coordinates_are_refused_and_named() -> None:
    # A longitude of 124 cannot be a latitude; nobody guesses that it was meant.
    with pytest.raises(PIDFLOInvalid, match="perhaps_swapped"):
        PIDFLO.parse(document(geometry("Point", "<gml:pos>124.1 56.9</gml:pos>")))


def test_swapped_coordinates_that_could_be_true_stay_as_they_are() -> None:
    shape, _ = read(geometry("Point", "<gml:pos>24.1052 56.9496</gml:pos>"))
    assert shape == Point(Position(24.1052, 56.9496))


def test_a_broken_location_does_not_cost_the_others() -> None:
    broken = geometry("Point", "<gml:pos>x y</gml:pos>")
    found = PIDFLO.parse(document(broken + geometry("Circle", POS + metres("radius", "5"))))
    assert [place.shape for place in found.places] == [Circle(RIGA, 5)]
    assert "position_unreadable" in [oddity.code for oddity in found.oddities]


def test_places_and_oddities_are_bounded() -> None:
    found = PIDFLO.parse(document(f"<gml:Point>{POS}</gml:Point>" * 100))
    assert len(found.places) == PLACES_MAX
    assert len(found.oddities) == ODDITIES_MAX


@pytest.mark.parametrize(
    ("timestamp", "expected", "oddity"),
    [
        ("2026-03-01T14:00:00+02:00", datetime(2026, 3, 1, 12, tzinfo=UTC), None),
        ("2026-03-01T12:00:00", datetime(2026, 3, 1, 12, tzinfo=UTC), "time_without_zone"),
        ("2026-03-01T12:00:00.1234567Z", datetime(2026, 3, 1, 12, 0, 0, 123456, UTC), None),
        ("yesterday", None, "time_unreadable"),
        ("2026-02-30T12:00:00Z", None, "time_unreadable"),
        ("0001-01-01T00:00:00+14:00", None, "time_unreadable"),
    ],
)
def test_times(timestamp: str, expected: datetime | None, oddity: str | None) -> None:
    found = PIDFLO.parse(document(geometry("Point", POS), timestamp=timestamp))
    assert found.places[0].observed_at == expected
    assert [odd.code for odd in found.oddities] == ([oddity] if oddity else [])


@pytest.mark.parametrize(
    ("text", "expected", "oddity"),
    [
        ("95", 0.95, None),
        ("unknown", None, None),
        ("0", None, "confidence_unreadable"),
        ("101", None, "confidence_unreadable"),
        ("much", None, "confidence_unreadable"),
    ],
)
def test_confidence(text: str, expected: float | None, oddity: str | None) -> None:
    info = geometry("Point", POS) + f'<c:confidence xmlns:c="c">{text}</c:confidence>'
    found = PIDFLO.parse(document(info))
    assert found.places[0].confidence == expected
    assert [odd.code for odd in found.oddities] == ([oddity] if oddity else [])


words = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=20)
times = st.integers(0, 4_000_000_000_000_000).map(
    lambda microseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)

places = st.builds(
    Place,
    shape=shapes,
    civic=st.dictionaries(
        st.sampled_from(["country", "A1", "A6", "RD", "HNO", "FLR", "PC"]),
        words.filter(bool),
        max_size=4,
    ),
    confidence=st.sampled_from([0.95, None, 0.68, 0.5, 1.0]),
    container=st.sampled_from(["tuple", "device", "person"]),
    container_id=words,
    method=words,
    provided_by=words,
    observed_at=st.none() | times,
    retention_expiry=st.none() | times,
    retransmission_allowed=st.none() | st.booleans(),
)
documents = st.builds(PIDFLO, st.lists(places, min_size=1, max_size=3).map(tuple), words)


@given(documents)
def test_round_trip(written: PIDFLO) -> None:
    found = PIDFLO.parse(written.as_xml())
    assert replace(found, oddities=()) == written
    assert {oddity.code for oddity in found.oddities} <= {"axes_swapped"}
    assert PIDFLO.parse(str(written).encode()) == found


def test_what_xml_cannot_hold_is_left_out() -> None:
    told = Place(None, {"RD": "Brīvības\x00 iela\x1f\ud800", "A1": "\U0001f525 <&>"})
    found = PIDFLO.parse(PIDFLO((told,), "x\x08").as_xml())
    assert found.places[0].civic == {"RD": "Brīvības iela", "A1": "\U0001f525 <&>"}
    assert found.entity == "x"


def parses_or_refuses(data: bytes) -> None:
    """One exception and no other; what was read can be written and read again."""
    try:
        found = PIDFLO.parse(data)
    except PIDFLOInvalid:
        return
    assert 0 < len(found.places) <= PLACES_MAX
    for location in found.locations(RECEIVED):
        assert location.shape.centre is not None


WORDS = [
    "presence", "tuple", "device", "person", "status", "geopriv", "location-info", "timestamp",
    "usage-rules", "retention-expiry", "method", "civicAddress", "A1", "confidence", "Point",
    "Circle", "Sphere", "Ellipse", "Ellipsoid", "ArcBand", "Polygon", "Prism", "base", "exterior",
    "LinearRing", "pos", "posList", "coordinates", "radius", "semiMajorAxis", "semiMinorAxis",
    "verticalAxis", "orientation", "innerRadius", "outerRadius", "startAngle", "openingAngle",
    "height",
]  # fmt: skip
TEXTS = st.sampled_from(
    ["", "56.9 24.1", "56.9 24.1 7", CLOSED, "NaN", "1e400", "-1", "0", "99999999", "24.1,56.9 x"]
) | st.text("0123456789.,-+eE: NSWEx\u0665&lt;", max_size=30).map(
    lambda text: text.replace("&", "").replace("<", "")
)
ATTRIBUTES = st.sampled_from(
    ["", ' srsName="urn:ogc:def:crs:EPSG::4326"', ' srsName="x"', ' uom="x"', ' srsDimension="3"']
)


def element(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda name, attribute, parts: f"<{name}{attribute}>{''.join(parts)}</{name}>",
        st.sampled_from(WORDS),
        ATTRIBUTES,
        st.lists(inner, max_size=4),
    )


trees = st.recursive(TEXTS, element, max_leaves=20).map(
    lambda tree: (
        f"<presence><tuple><geopriv><location-info>{tree}</location-info></geopriv>"
        f"<timestamp>2026-03-01T12:00:00Z</timestamp></tuple></presence>".encode()
    )
)


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A sample with some bytes replaced, removed, doubled or moved."""
    data = bytearray(draw(st.sampled_from(sorted(SAMPLES.values()))))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, max(0, len(data) - 1)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        match draw(st.sampled_from(["replace", "remove", "double", "move"])):
            case "replace":
                data[start:end] = draw(st.binary(max_size=8))
            case "remove":
                del data[start:end]
            case "double":
                data[start:start] = data[start:end]
            case _:
                part = bytes(data[start:end])
                del data[start:end]
                place = draw(st.integers(0, len(data)))
                data[place:place] = part
    return bytes(data)


fuzz = st.one_of(st.binary(max_size=300), mutations(), trees)


@given(fuzz)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    parses_or_refuses(data)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=20_000)
@given(fuzz)
def test_very_many_bytes_are_read_or_refused(data: bytes) -> None:
    parses_or_refuses(data)
