"""A car that its maker's centre hands over is read from hex, base64 and values, or refused."""

import base64
import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.calldata.third_party import HandOver, HandOverInvalid
from ccserver.ecall import json_form, msd
from ccserver.ecall.values import AdditionalData
from tests.calldata.samples import CAR, car

JSON = "application/json"
XML = "application/xml"
OCTETS = car()


def values(octets: bytes = OCTETS) -> dict[str, object]:
    return json_form.to_json(msd.decode(octets), octets)


def xml_of(told: object) -> str:
    if isinstance(told, dict):
        return "".join(
            f"<{name}>{xml_of(value)}</{name}>" for name, value in told.items() if value is not None
        )
    return str(told).lower() if isinstance(told, bool) else str(told)


@pytest.mark.parametrize(
    "told",
    [
        {"msd_hex": OCTETS.hex()},
        {"msd_hex": f"{OCTETS.hex(' ').upper()}"},
        {"msd_base64": base64.b64encode(OCTETS).decode()},
        {"msd": values()},
    ],
)
def test_the_msd_is_the_same_in_every_form(told: dict[str, object]) -> None:
    body = json.dumps({**told, "caller_number": "+37120000001", "provider": "Maker"}).encode()
    read = HandOver.parse(body, JSON)
    assert read.octets == OCTETS
    assert read.decoded.msd == CAR
    assert read.fields() == {"caller_number": ["+37120000001"], "provider": ["Maker"]}


def test_xml_has_the_same_names() -> None:
    plain = (
        f"<handOver><msdHex>{OCTETS.hex()}</msdHex><callbackNumber>112</callbackNumber></handOver>"
    )
    read = HandOver.parse(plain.encode(), XML)
    assert (read.octets, read.callback_number) == (OCTETS, "112")


@pytest.mark.parametrize("vin", ["WVWZZZ1JZXW000001", "12345678901234567"])
def test_values_in_xml_are_numbers_flags_and_texts(vin: str) -> None:
    told = replace(
        CAR, vin=vin, additional=AdditionalData("8.9", b"\x12\x34"), number_of_occupants=None
    )
    shown = values(msd.encode(told))
    del shown["oddities"], shown["hex"]
    more = shown["optionalAdditionalData"]
    assert isinstance(more, dict)
    body = f"<ecall xmlns='urn:x'><msd>{xml_of(shown)}</msd></ecall>"
    assert HandOver.parse(body.encode(), "text/xml").decoded.msd == told


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b"[" * 100_000, "body"),
        (b"{}", "msd"),
        (b'{"msd_hex": "zz"}', "msd_hex"),
        (b'{"msd_hex": 5}', "msd_hex"),
        (b'{"msd_hex": "07"}', "msd_hex"),
        (b'{"msd_hex": "02", "msd": {}}', "msd"),
        (b'{"msd_base64": "*"}', "msd_base64"),
        (b'{"msd": {"msdVersion": 2}}', "msd"),
        (b'{"msd_hex": "02", "colour": "red"}', "colour"),
    ],
)
def test_what_is_no_car_is_refused_and_says_where(body: bytes, path: str) -> None:
    with pytest.raises(HandOverInvalid) as refused:
        HandOver.parse(body, JSON)
    assert refused.value.path == path


@pytest.mark.parametrize("value", [5, "x" * 3_000, "a\0", "\ud800"])
def test_texts_are_texts_of_a_length(value: object) -> None:
    body = json.dumps({"msd_hex": OCTETS.hex(), "text": value}).encode()
    with pytest.raises(HandOverInvalid):
        HandOver.parse(body, JSON)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.dictionaries(
            st.sampled_from(["msd", "msd_hex", "text", "msdVersion", "vehicleLocation"]), inner
        ),
    ).map(lambda told: json.dumps(told).encode()),
    st.sampled_from([JSON, XML]),
)
def test_random_documents_are_read_or_refused(body: bytes, media_type: str) -> None:
    with suppress(HandOverInvalid):
        HandOver.parse(body, media_type)


@given(st.text(max_size=30), st.sampled_from(["msd", "msdHex", "text"]))
def test_random_xml_is_read_or_refused(text: str, name: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    body = f"<a><{name}><vehicleLocation>{escaped}</vehicleLocation>{escaped}</{name}></a>"
    with suppress(HandOverInvalid):
        HandOver.parse(body.encode("utf-8", "replace"), XML)
