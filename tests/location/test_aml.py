"""AML text messages: every sample is read as expected, and nothing at all ends in another way."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.location import Circle, LocationSource, Point
from ccserver.location.aml import (
    TEXT_CHARS_MAX,
    AMLInvalid,
    AMLMessage,
    looks_like_aml,
    looks_like_aml_tail,
)
from ccserver.location.aml_values import AMLMethod
from ccserver.location.shapes import RADIUS_M_MAX

SAMPLES: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "sms" / "samples.json").read_text(encoding="utf-8")
)
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
GOOD = (
    'A"ML=1;lt=+54.76397;lg=-0.18305;rd=50;top=20130717141935;lc=90;pm=W;'
    "si=123456789012345;ei=1234567890123456;mcc=234;mnc=30;ml=128"
)
SECOND = (
    'A"ML=2;en=+15555555555;et=1593187189;lo=-37.42175,-122.08461,2000.1;lt=-9999;lc=68;'
    "lz=-100.1,100.1;ls=G;ei=1234567890123456;nc=310260;hc=310260;lg=en-US"
)


def valid() -> list[Any]:
    return [pytest.param(each["text"], each["expect"], id=each["id"]) for each in aml("aml_valid")]


def aml(section: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = SAMPLES[section]
    return found


@pytest.mark.parametrize(("text", "expect"), valid())
def test_valid_samples(text: str, expect: dict[str, Any]) -> None:
    message = AMLMessage.parse(text)
    assert looks_like_aml(text)
    assert message.version == expect["version"]
    if "location" in expect:
        assert message.location(NOW) is None, "a phone without a fix is nowhere"
        assert not message.is_unreadable
    else:
        assert (message.latitude, message.longitude) == (expect["lat"], expect["lon"])
    assert message.method == expect.get("method", message.method)
    assert message.radius_m == expect.get("radius_m", message.radius_m)
    if "confidence" in expect:
        assert message.confidence == pytest.approx(expect["confidence"] / 100)
    assert ("length_mismatch" in message.oddities) is (message.declared_length != len(text))


BROKEN: dict[str, tuple[bool, AMLMethod, tuple[str, ...]]] = {
    "aml:gg:noPositioningMethod": (True, AMLMethod.UNKNOWN, ()),
    "aml:gg:noImsi": (True, AMLMethod.WIFI, ()),
    "aml:gg:unknownAttribute": (True, AMLMethod.WIFI, ("attribute_unknown",)),
    "aml:gg:badDate": (True, AMLMethod.WIFI, ("time_invalid",)),
    "aml:gg:unknownMethod": (True, AMLMethod.UNKNOWN, ("method_unknown",)),
    "aml:gg:badLatitude": (False, AMLMethod.WIFI, ("position_invalid",)),
    "aml:gg:emptyAttributes": (True, AMLMethod.WIFI, ()),
    "aml:own:NaN": (False, AMLMethod.WIFI, ("position_invalid", "length_mismatch")),
    "aml:own:inf": (False, AMLMethod.WIFI, ("position_invalid", "length_mismatch")),
    "aml:own:lower case header": (True, AMLMethod.WIFI, ()),
    "aml:own:huge radius": (True, AMLMethod.WIFI, ("radius_huge", "length_mismatch")),
    "aml:own:duplicate lt": (
        False,
        AMLMethod.WIFI,
        ("attribute_conflict", "position_conflict", "length_mismatch"),
    ),
    "aml:own:AML then newline": (True, AMLMethod.WIFI, ()),
    "aml:own:GSM @ for NUL padding": (True, AMLMethod.WIFI, ("trailing_padding",)),
    "aml:own:SQL/HTML": (True, AMLMethod.WIFI, ("imsi_invalid", "length_mismatch")),
    "aml:own:arabic digits": (False, AMLMethod.WIFI, ("position_invalid",)),
}
"""Whether the position is used, the method, and what is said to be strange."""


@pytest.mark.parametrize(
    "sample", [pytest.param(each, id=each["id"]) for each in aml("aml_broken")]
)
def test_broken_samples(sample: dict[str, Any]) -> None:
    if sample["id"] == "aml:own:citizen text quoting AML":
        assert not looks_like_aml(sample["text"])
        with pytest.raises(AMLInvalid):
            AMLMessage.parse(sample["text"])
        return
    used, method, oddities = BROKEN[sample["id"]]
    message = AMLMessage.parse(sample["text"])
    assert looks_like_aml(sample["text"])
    assert (message.has_position, message.method) == (used, method)
    assert message.oddities == oddities
    assert message.is_unreadable is not used
    assert message.imsi is None or message.imsi.isascii()


def test_the_second_version_says_other_things_by_the_same_names() -> None:
    message = AMLMessage.parse(SECOND)
    assert (message.latitude, message.longitude) == (-37.42175, -122.08461)
    assert (message.altitude_m, message.vertical_radius_m) == (-100.1, 100.1)
    assert message.call_began_at == datetime(2020, 6, 26, 15, 59, 49, tzinfo=UTC)
    assert message.fix_at == datetime(2020, 6, 26, 13, 13, 10, tzinfo=UTC)
    assert message.languages == ("en-US",)
    assert (message.network, message.home_network) == ("310260", "310260")
    assert message.emergency_number == "+15555555555"
    location = message.location(NOW)
    assert location is not None
    assert location.data["altitude_m"] == -100.1


@pytest.mark.parametrize(
    ("change", "radius_m"),
    [(("2000.1", "0"), None), ((",2000.1", ""), None), (("2000", "x"), None)],
)
def test_a_radius_that_the_second_version_does_not_know(
    change: tuple[str, str], radius_m: float | None
) -> None:
    message = AMLMessage.parse(SECOND.replace(*change))
    assert message.has_position
    assert message.radius_m is radius_m


def test_the_second_version_without_a_place_is_no_loss() -> None:
    message = AMLMessage.parse('A"ML=2;en=112;et=1593187189;lt=5;ls=U')
    assert not message.has_position
    assert not message.is_unreadable


def test_a_version_of_tomorrow_is_read_by_what_it_looks_like() -> None:
    second = AMLMessage.parse(SECOND.replace("=2;", "=3;", 1))
    assert (second.latitude, second.oddities) == (-37.42175, ("version_unknown",))
    first = AMLMessage.parse(GOOD.replace("=1;", "=3;", 1))
    assert (first.latitude, first.oddities) == (54.76397, ("version_unknown",))


def test_a_location_has_everything_that_the_rule_needs() -> None:
    location = AMLMessage.parse(GOOD).location(NOW)
    assert location is not None
    assert isinstance(location.shape, Circle)
    assert location.source is LocationSource.AML
    assert location.confidence == 0.9
    assert location.observed_at == datetime(2013, 7, 17, 14, 19, 35, tzinfo=UTC)
    assert location.received_at == NOW
    assert location.data == {"method": "W"}


def test_a_huge_radius_is_shown_as_hardly_a_place() -> None:
    location = AMLMessage.parse(GOOD.replace("rd=50", "rd=99999999")).location(NOW)
    assert location is not None
    assert location.shape.radius_m == RADIUS_M_MAX


def test_a_place_without_a_radius_is_a_point() -> None:
    location = AMLMessage.parse(GOOD.replace("rd=50", "rd=N")).location(NOW)
    assert location is not None
    assert isinstance(location.shape, Point)


def test_zero_zero_is_never_a_place() -> None:
    text = GOOD.replace("lt=+54.76397", "lt=+00.00000").replace("lg=-0.18305", "lg=-000.00000")
    assert AMLMessage.parse(text).location(NOW) is None


@pytest.mark.parametrize("place", ["lt=+91;lg=1", "lt=1;lg=181", "lt=1_0;lg=1", "lt=１;lg=1"])
def test_what_is_no_place_on_earth(place: str) -> None:
    message = AMLMessage.parse(f'A"ML=1;{place};pm=G')
    assert not message.has_position
    assert message.is_unreadable


@pytest.mark.parametrize("text", ["Help", "", 'A"ML', 'A"ML=', 'A"ML=1 what is it?', '"A"ML=1;'])
def test_what_people_write_is_no_aml(text: str) -> None:
    assert not looks_like_aml(text)
    with pytest.raises(AMLInvalid):
        AMLMessage.parse(text)


def test_a_text_of_any_length_is_bounded() -> None:
    with pytest.raises(AMLInvalid):
        AMLMessage.parse('A"ML=1;' + "x" * TEXT_CHARS_MAX)


@pytest.mark.parametrize("at", range(20, 110, 9))
def test_a_part_that_comes_before_the_first_is_known(at: int) -> None:
    assert looks_like_aml(GOOD[:at])
    assert looks_like_aml_tail(GOOD[at:])


@pytest.mark.parametrize(
    "text", ["", "ML=1", "I am at a=b;c=d", "lt=1", "lc=90;come now; quick", ";;;", "x y;lt=1;lg=2"]
)
def test_what_people_write_is_no_part_of_one(text: str) -> None:
    assert not looks_like_aml_tail(text)


pieces = st.lists(
    st.one_of(
        st.sampled_from([*GOOD.split(";")[1:], *SECOND.split(";")[1:]]),
        st.builds(
            "{}={}".format,
            st.sampled_from(
                ["lt", "lg", "lo", "lz", "rd", "top", "lc", "pm", "ls", "ei", "ml", "et"]
            ),
            st.one_of(st.text(max_size=20), st.floats().map(str), st.integers().map(str)),
        ),
        st.text(max_size=10),
    ),
    max_size=20,
)


@given(st.integers(0, 999), pieces)
def test_whatever_follows_the_header_is_read(version: int, told: list[str]) -> None:
    text = ";".join([f'A"ML={version}', *told])
    try:
        message = AMLMessage.parse(text)
    except AMLInvalid:
        return
    location = message.location(NOW)
    assert (location is not None) is message.has_position
    assert (message.latitude, message.longitude) != (0, 0)
    assert message.confidence is None or 0 <= message.confidence <= 1


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    looks_like_aml_tail(text)
    try:
        AMLMessage.parse(text)
    except AMLInvalid:
        return
    assert looks_like_aml(text)
