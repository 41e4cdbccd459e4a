"""AML over HTTPS: forms of all releases are read, signatures judged, and no body is too odd."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.location import Circle, LocationSource
from ccserver.location.aml_form import FIELDS_MAX, AMLForm, Trigger, Trust, sign, trust
from ccserver.location.aml_values import AMLMethod

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
SAMPLES: dict[str, Any] = {
    each["id"]: each
    for each in json.loads(
        (Path(__file__).parents[1] / "data" / "sms" / "samples.json").read_text(encoding="utf-8")
    )["aml_https"]
}
NEW = (
    b"v=3&emergency_number=112&source=CALL&thunderbird_version=22&time=1764158400000"
    b"&location_latitude=56.9496&location_longitude=24.1052&location_time=1764158390000"
    b"&location_altitude=12.5&location_floor=3&location_source=wifi&location_accuracy=25.5"
    b"&location_vertical_accuracy=4.5&location_confidence=0.68&location_bearing=359.5"
    b"&location_speed=1.5&device_number=%2B37120000001&device_model=Phone&device_imei=354773072099116"
    b"&device_languages=lv-LV,ru&cell_home_mcc=247&cell_home_mnc=1&cell_network_mcc=247"
    b"&cell_network_mnc=01&adr_carcrash_time=1764158380000"
)


def test_the_older_names() -> None:
    sample = SAMPLES["amlhttps:0"]
    form = AMLForm.parse(sample["body"].encode())
    expect = sample["expect"]
    assert form.number == expect["msisdn"]
    assert (form.message.latitude, form.message.longitude) == (expect["lat"], expect["lon"])
    assert form.message.fix_at == datetime.fromisoformat(expect["time"])
    assert form.message.radius_m == expect["accuracy"]
    assert (form.message.method, form.floor) == (AMLMethod.GNSS, expect["floor"])
    assert form.message.confidence == 0.83
    assert form.more == {"device_os": "AOS", "cell_id": "0213454321"}


def test_the_newer_names() -> None:
    form = AMLForm.parse(NEW)
    message = form.message
    assert (form.trigger, form.floor, form.model) == (Trigger.CALL, "3", "Phone")
    assert (form.bearing_deg, form.speed_m_s) == (359.5, 1.5)
    assert (message.method, message.confidence) == (AMLMethod.WIFI, 0.68)
    assert (message.home_network, message.network) == ("24701", "24701")
    assert message.languages == ("lv-LV", "ru")
    assert message.call_began_at == datetime(2025, 11, 26, 12, 0, tzinfo=UTC)
    assert form.crash_at == datetime(2025, 11, 26, 11, 59, 40, tzinfo=UTC)
    assert message.oddities == ()
    location = form.location(NOW)
    assert location is not None
    assert isinstance(location.shape, Circle)
    assert location.source is LocationSource.HTTPS
    assert location.data == {
        "method": "W",
        "altitude_m": 12.5,
        "vertical_radius_m": 4.5,
        "floor": "3",
        "bearing_deg": 359.5,
        "speed_m_s": 1.5,
    }


@pytest.mark.parametrize("number", [b"%2B37120000001", b"+37120000001", b"20000001"])
def test_a_number_with_its_plus_as_it_is(number: bytes) -> None:
    assert AMLForm.parse(b"device_number=" + number).number == "+37120000001"


def test_signatures() -> None:
    for name in ("amlhttps:hmac", "amlhttps:hmac bad"):
        sample = SAMPLES[name]
        good = sample["expect"]["authentic"]
        found = trust(sample["body"].encode(), ["another key", sample["hmac_key"]])
        assert found is (Trust.SIGNED if good else Trust.WRONG)
    assert trust(NEW, ["AML"]) is Trust.UNSIGNED
    assert trust(NEW + b"&hmac=\xff", ["AML"]) is Trust.WRONG
    assert trust(NEW + b"&hmac=00", []) is Trust.UNJUDGED
    assert trust(NEW, []) is Trust.UNJUDGED


def test_what_stands_behind_the_signature_is_not_read() -> None:
    body = NEW.replace(b"&location_latitude=56.9496", b"")
    signed = body + b"&hmac=" + sign(body, "AML").encode() + b"&location_latitude=1.0"
    assert trust(signed, ["AML"]) is Trust.SIGNED
    form = AMLForm.parse(signed)
    assert not form.message.has_position
    assert "after_signature" in form.message.oddities


@pytest.mark.parametrize(
    ("old", "new", "odd"),
    [
        (b"latitude=56.9496", b"latitude=NaN", "position_invalid"),
        (b"latitude=56.9496", b"latitude=1e999", "position_invalid"),
        (b"&location_time", b"&location_latitude=1.0&location_time", "position_conflict"),
    ],
)
def test_a_place_is_never_guessed(old: bytes, new: bytes, odd: str) -> None:
    form = AMLForm.parse(NEW.replace(old, new))
    assert form.location(NOW) is None
    assert odd in form.message.oddities
    assert form.message.is_unreadable


def test_java_writes_small_numbers_with_an_exponent() -> None:
    form = AMLForm.parse(b"location_latitude=51.5&location_longitude=-1.2E-4")
    assert form.message.longitude == -0.00012


@pytest.mark.parametrize("body", [b"", b"&&&", b"hmac=1", b"\xff\xfe", b"{}", b"a" * 100_000])
def test_nonsense_says_nothing(body: bytes) -> None:
    form = AMLForm.parse(body)
    assert form.location(NOW) is None
    assert not form.message.is_unreadable


def test_the_number_of_fields_is_bounded() -> None:
    form = AMLForm.parse(b"&".join(b"x%d=1" % number for number in range(FIELDS_MAX * 2)))
    assert len(form.more) == FIELDS_MAX


names = st.sampled_from([pair.partition(b"=")[0] for pair in NEW.split(b"&")])
values = st.one_of(st.binary(max_size=30), st.floats().map(lambda x: str(x).encode()))


@given(st.lists(st.tuples(names, values)))
def test_any_body_is_read(fields: list[tuple[bytes, bytes]]) -> None:
    body = b"&".join(name + b"=" + value for name, value in fields)
    form = AMLForm.parse(body)
    assert (form.location(NOW) is not None) is form.message.has_position
    assert trust(body, ["AML"]) in set(Trust)
