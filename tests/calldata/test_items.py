"""Each part of a call is known for what it is, in every spelling of the standards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.calldata.additional import FIELDS_MAX, NAME_CHARS_MAX, fields_of
from ccserver.calldata.faults import Fault, FaultCode
from ccserver.calldata.items import Item, ItemKind, items_of
from ccserver.calldata.message import SIPMessage
from ccserver.location.pidf import PIDFLO
from tests.calldata.samples import (
    CAPABILITIES,
    MSD_TYPE,
    PIDF_TYPE,
    SDP,
    car,
    ecall,
    message,
    multipart,
    part,
    pidf,
)

PROVIDER = (
    b'<ad:EmergencyCallData.ProviderInfo xmlns:ad="urn:ietf:params:xml:ns:EmergencyCallData">'
    b"<ad:DataProviderString>Maker AG</ad:DataProviderString>"
    b"<ad:ContactURI>tel:+4912345</ad:ContactURI></ad:EmergencyCallData.ProviderInfo>"
)


def read(raw: bytes) -> tuple[Item, ...]:
    return items_of(SIPMessage.parse(raw))


def fault_of(item: Item) -> tuple[FaultCode, object] | None:
    return None if item.fault is None else (item.fault.code, dict(item.fault.params))


def kinds(items: tuple[Item, ...]) -> list[str]:
    return [item.kind.value for item in items]


def test_a_car_tells_its_msd_and_what_it_can_do() -> None:
    msd, control = read(ecall())
    assert msd.msd is not None
    assert msd.msd.msd.vin == "WVWZZZ1JZXW000001"
    assert msd.purpose == "EmergencyCallData.eCall.MSD"
    assert control.control is not None
    assert control.control.can_send_msd


@pytest.mark.parametrize(
    "content_type",
    [
        "application/emergencyCallData.eCall.MSD",
        "APPLICATION/EMERGENCYCALLDATA.ECALL.MSD",
        "application/EmergencyCallData.eCall.MSD; charset=binary",
        "application/emergencycalldata.ecall.msd+per",
    ],
)
def test_an_msd_is_known_in_every_spelling(content_type: str) -> None:
    (item,) = read(message(multipart(SDP, part(content_type, car()))))
    assert item.kind is ItemKind.MSD
    assert item.error is None


def test_an_msd_of_no_type_is_known_by_its_purpose() -> None:
    body = multipart(SDP, part("application/octet-stream", car(), "a%b"))
    (item,) = read(message(body, "Call-Info: cid:A%25B;purpose=emergencycalldata.ecall.msd"))
    assert (item.kind, item.error) == (ItemKind.MSD, None)


def test_an_msd_that_cannot_be_read_keeps_its_octets_and_says_why() -> None:
    item, _ = read(ecall(b"\x07garbage"))
    assert (item.kind, item.octets, item.msd) == (ItemKind.MSD, b"\x07garbage", None)
    assert item.error
    assert fault_of(item) == (FaultCode.MSD_VERSION, {"version": 7})


def test_every_place_of_every_part_and_header_is_told() -> None:
    body = multipart(
        SDP,
        part(PIDF_TYPE, pidf(56.9), "one@x"),
        part("application/octet-stream", pidf(57.1), "two@x"),
        part("multipart/mixed;boundary=in", multipart(part(PIDF_TYPE, pidf(57.2)), boundary="in")),
    )
    found = read(
        message(
            body,
            "Geolocation: <cid:one@x>, <https://lis.example/held/1>",
            "Geolocation: <cid:TWO@x>;inserted-by=x",
            "Geolocation: <sips:a@lis.example>, <cid:gone@x>",
        )
    )
    assert kinds(found) == [*["location"] * 3, *["location_reference"] * 2, "location"]
    documents = [one.location for one in found[:3]]
    assert all(isinstance(one, PIDFLO) for one in documents)
    assert found[3].detail == {"uri": "https://lis.example/held/1"}
    assert fault_of(found[5]) == (FaultCode.PART_MISSING, {"name": "cid:gone@x"})


def test_additional_data_become_simple_fields() -> None:
    body = multipart(SDP, part("application/EmergencyCallData.ProviderInfo+xml", PROVIDER, "p@x"))
    found = read(
        message(
            body,
            "Call-Info: <cid:p@x>;purpose=EmergencyCallData.ProviderInfo,"
            " <https://ad.example/s>;purpose=EmergencyCallData.SubscriberInfo",
            "Call-Info: <urn:emergency:uid:callid:a56e:bcf.example>;purpose=emergency-CallId",
        )
    )
    assert kinds(found) == ["additional", "additional", "identifier"]
    assert found[0].detail == {
        "block": "ProviderInfo",
        "fields": {"DataProviderString": ["Maker AG"], "ContactURI": ["tel:+4912345"]},
    }
    assert found[1].detail == {"block": "SubscriberInfo", "uri": "https://ad.example/s"}
    assert found[2].detail == {"value": "urn:emergency:uid:callid:a56e:bcf.example"}


def test_what_cannot_be_read_is_told_all_the_same() -> None:
    body = multipart(
        part("application/EmergencyCallData.Control+xml", b"<a>"),
        part("application/EmergencyCallData.Comment+xml", b"<!DOCTYPE x><a/>"),
        part(PIDF_TYPE, b"<presence/>"),
        part("image/jpeg", b"\xff\xd8"),
    )
    found = read(message(body))
    assert kinds(found) == ["control", "additional", "location", "other"]
    assert [bool(one.error) for one in found] == [True, True, True, False]
    assert [fault_of(one) for one in found] == [
        (FaultCode.XML_UNREADABLE, {}),
        (FaultCode.XML_UNREADABLE, {}),
        (FaultCode.NO_PLACE, {}),
        None,
    ]
    assert [one.code for one in found[2].oddities] == ["location_info_empty"]
    assert found[3].octets == b"\xff\xd8"


@pytest.mark.parametrize(
    ("content_type", "octets", "code", "params"),
    [
        (MSD_TYPE, b"", FaultCode.MSD_EMPTY, {}),
        (MSD_TYPE, car()[:9], FaultCode.MSD_CUT, {"octets": 9}),
        (PIDF_TYPE, b"no markup", FaultCode.XML_UNREADABLE, {}),
        (PIDF_TYPE, b"<a>" + b" " * 140_000, FaultCode.XML_TOO_LARGE, {"octets": 140_003}),
        (
            "application/EmergencyCallData.Control+xml",
            b"<other/>",
            FaultCode.NO_CONTROL,
            {"name": "other"},
        ),
    ],
)
def test_why_something_cannot_be_read_is_told_by_a_code(
    content_type: str, octets: bytes, code: FaultCode, params: dict[str, object]
) -> None:
    (item,) = read(message(multipart(part(content_type, octets))))
    assert isinstance(item.fault, Fault)
    assert fault_of(item) == (code, params)
    assert item.fault.as_json() == {"code": code.value, "params": params}
    assert item.error


def test_an_ordinary_call_tells_nothing() -> None:
    assert read(message(b"v=0\r\n", content_type="application/sdp")) == ()


@given(st.binary(max_size=200), st.sampled_from([MSD_TYPE, PIDF_TYPE, "application/x"]))
def test_no_part_breaks_the_reader(octets: bytes, content_type: str) -> None:
    items = read(message(multipart(SDP, part(content_type, octets), CAPABILITIES)))
    assert items[-1].kind is ItemKind.CONTROL or b"--boundary1" in octets


def test_long_names_of_fields_do_not_multiply_what_a_stranger_sent() -> None:
    inner = "".join(f"<a{number}>x</a{number}>" for number in range(500))
    name = "L" * 20_000
    told = fields_of(f"<r><{name}>{inner}</{name}></r>".encode())
    assert sum(map(len, told)) <= FIELDS_MAX * NAME_CHARS_MAX
    assert sum(map(len, told.values())) == FIELDS_MAX
