"""App-made texts are read by layouts of the document, and any text survives any layout.

The layouts are invented: one by places, one by names, one by lines, one with glued names.
"""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.documents import Texts
from ccserver.location import Circle, LocationSource, Point
from ccserver.messaging.document import Template, TemplateField
from ccserver.messaging.structured import PARSED_CHARS_MAX, found_fields, location_of
from ccserver.messaging.values import FoundField, FoundFields

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def field(name: str, kind: str = "text", key: str = "", *, required: bool = False) -> TemplateField:
    return TemplateField(name=name, kind=kind, key=key, required=required)  # type: ignore[arg-type]


BY_PLACE = Template(
    code="by_place",
    prefix="#112#",
    separator=";",
    fields=(
        field("type", "type", required=True),
        field("latitude", "latitude"),
        field("longitude", "longitude"),
        field("radius", "radius_m"),
        field("who", "name"),
    ),
)
BY_KEY = Template(
    code="by_key",
    prefix="SOS/",
    layout="keyed",
    separator="|",
    assignment=":",
    fields=(field("where", "position", "poz"), field("what", "type", "veids", required=True)),
)
BY_LINE = Template(
    code="by_line",
    layout="keyed",
    separator="newline",
    assignment="=",
    fields=(
        field("address", "address", "Adrese", required=True),
        field("phone", "phone", "Tālrunis"),
    ),
)
GLUED = Template(
    code="glued",
    prefix="APP1",
    layout="keyed",
    separator="space",
    assignment="",
    fields=(
        field("lat", "latitude", "LA", required=True),
        field("lon", "longitude", "LO", required=True),
        field("lang", "language", "LAN"),
    ),
)
ALL = (BY_PLACE, BY_KEY, BY_LINE, GLUED)


def values(found: FoundFields | None) -> dict[str, str]:
    assert found is not None
    return {one.name: one.value for one in found.fields}


def test_values_by_their_places() -> None:
    found = found_fields(ALL, "#112#;fire;56.9496;24.1052;15;Jānis;deg jumts; ātri")
    assert found is not None
    assert found.template == "by_place"
    assert values(found) == {
        "type": "fire", "latitude": "56.9496", "longitude": "24.1052", "radius": "15",
        "who": "Jānis",
    }  # fmt: skip
    assert found.rest == "deg jumts; ātri"
    place = location_of(found, AT)
    assert place is not None
    assert isinstance(place.shape, Circle)
    assert place.shape.centre.as_json() == [56.9496, 24.1052]
    assert (place.shape.radius_m, place.source) == (15, LocationSource.HTTPS)


def test_values_by_their_names_in_any_order_and_case() -> None:
    found = found_fields(ALL, "sos/Veids: medical |POZ: 56,9496 24,1052| esmu mežā")
    assert values(found) == {"where": "56,9496 24,1052", "what": "medical"}
    assert found is not None
    assert (found.template, found.rest) == ("by_key", "esmu mežā")
    place = location_of(found, AT)
    assert place is not None
    assert isinstance(place.shape, Point)


def test_values_by_lines_without_a_beginning() -> None:
    found = found_fields(ALL, "Palīgā\r\nadrese = Brīvības 12\r\nTālrunis=29123456")
    assert values(found) == {"address": "Brīvības 12", "phone": "29123456"}
    assert found is not None
    assert found.rest == "Palīgā"


def test_names_glued_to_their_values_and_the_longer_name_first() -> None:
    found = found_fields(ALL, "APP1 LA56.9496 LANlv LO24.1052")
    assert values(found) == {"lat": "56.9496", "lang": "lv", "lon": "24.1052"}


@pytest.mark.parametrize(
    "text",
    [
        "", "Deg māja!", "#112", "#112#", "#112#;;56.9;24.1", "SOS/poz:56.9 24.1",
        "Adrese=", "APP1 LA56.9", 'A"ML=1;lt=+56.9;lg=+24.1',
    ],
)  # fmt: skip
def test_what_fits_no_layout_is_a_text_as_any_other(text: str) -> None:
    assert found_fields(ALL, text) is None


@pytest.mark.parametrize(
    "place",
    [
        "0;0",
        "0.00000;+0.0",
        "91;24",
        "56.9;",
        ";24.1",
        "here;there",
        "NaN;24",
        "1e5;24",
        "56.9;240",
    ],
)
def test_a_place_that_is_none_is_kept_as_words_alone(place: str) -> None:
    found = found_fields(ALL, f"#112#;fire;{place}")
    assert found is not None
    assert (found.latitude, found.longitude) == (None, None)
    assert location_of(found, AT) is None
    assert values(found)["type"] == "fire"


@pytest.mark.parametrize("radius", ["0", "-5", "wide", "99999999", "nan"])
def test_a_radius_that_is_none_leaves_the_place(radius: str) -> None:
    found = found_fields(ALL, f"#112#;fire;56.9;24.1;{radius}")
    assert found is not None
    assert (found.latitude, found.radius_m) == (56.9, None)


def test_latitude_and_longitude_are_never_swapped() -> None:
    found = found_fields(ALL, "#112#;fire;24.1;56.9")
    assert found is not None
    assert (found.latitude, found.longitude) == (24.1, 56.9)


def test_titles_come_along_and_inactive_layouts_read_nothing() -> None:
    titled = Template(
        code="t", prefix="T", fields=(TemplateField(name="a", titles=Texts(lv="Kas")),)
    )
    found = found_fields([titled], "T;x")
    assert found is not None
    assert found.fields == (FoundField("a", "x", {"lv": "Kas", "ru": "", "en": ""}),)
    off = Template(code="t", prefix="T", active=False, fields=titled.fields)
    assert found_fields([off], "T;x") is None


def test_a_text_of_separators_alone_is_read_in_no_time_and_loses_nothing() -> None:
    found = found_fields(ALL, "#112#;fire;" + ";" * 50_000 + "END")
    assert found is not None
    assert found.rest.endswith("END")
    assert len(found.rest) > 50_000 - PARSED_CHARS_MAX


SIGNS = st.text(alphabet=";|:=/ \n\r\t#12APOSLN.,-+adresé\u0130\ufeff\ud800", max_size=120)
TEMPLATES = st.builds(
    Template,
    code=st.just("any"),
    prefix=SIGNS.map(lambda text: text[:4]),
    layout=st.sampled_from(["ordered", "keyed"]),
    separator=st.sampled_from(["", ";", "|", "newline", "tab", "space", "=="]),
    assignment=st.sampled_from(["", "=", ":", "space", ";"]),
    fields=st.lists(
        st.builds(
            TemplateField,
            name=st.sampled_from(["a", "b", "c"]),
            kind=st.sampled_from(["text", "latitude", "longitude", "position", "radius_m"]),
            key=st.sampled_from(["", "A", "P", "1", "ad"]),
            required=st.booleans(),
        ),
        max_size=5,
    ).map(tuple),
)


@settings(max_examples=300, deadline=None)
@given(TEMPLATES, SIGNS | st.text(max_size=200))
def test_any_text_survives_any_layout(template: Template, text: str) -> None:
    found = found_fields([template], text)
    if found is None:
        return
    assert found.fields
    assert (found.latitude is None) == (found.longitude is None)
    place = location_of(found, AT)
    assert (place is None) == (found.latitude is None)
    for one in found.fields:
        assert one.value in text.replace("\r\n", "\n").replace("\r", "\n") or one.value in text
