"""Control documents are read however they are spelled, and written as RFC 8147 says."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.ecall import control
from ccserver.ecall.control import Ack, ActionResult, Control, ControlInvalid, Request

NAMESPACE = "{urn:ietf:params:xml:ns:EmergencyCallData:control}"

REFUSED = b"""
<?xml version="1.0" encoding="UTF-8"?>
<EmergencyCallData.Control xmlns="urn:ietf:params:xml:ns:EmergencyCallData:control">
  <ack ref="1234567890@atlanta.example.com">
    <actionResult action="send-data" success="false" reason="unable"
                  details="The memory\n of the unit"/>
  </ack>
</EmergencyCallData.Control>"""

CAPABLE = b"""<emergencycalldata.control xmlns="urn:of:some:draft">
  <Capabilities>
    <REQUEST action="send-data" supported-values="eCall.MSD; VEDS,"/>
    <request action="lamp" supported-values="hazard"/>
  </Capabilities>
  <unheard-of><ack ref="not here"/></unheard-of>
</emergencycalldata.control>"""


def test_a_refusal() -> None:
    result = ActionResult("send-data", False, "unable", "The memory of the unit")
    ack = Ack("1234567890@atlanta.example.com", None, (result,))
    assert control.parse(REFUSED) == Control(acks=(ack,), action_results=(result,))


def test_what_a_car_can_be_asked_for() -> None:
    read = control.parse(CAPABLE)
    assert read.capabilities == (
        Request("send-data", supported_values=("eCall.MSD", "VEDS")),
        Request("lamp", supported_values=("hazard",)),
    )
    assert read.can_send_msd
    assert not read.acks
    assert not read.requests
    assert not read.action_results
    assert not control.parse(control.capabilities_xml("VEDS")).can_send_msd


def test_the_acknowledgement() -> None:
    octets = control.ack_xml("<1234567890@atlanta.example.com>", True)
    root = ElementTree.fromstring(octets)  # noqa: S314 - our own
    assert root.tag == f"{NAMESPACE}EmergencyCallData.Control"
    (ack,) = root
    assert ack.tag == f"{NAMESPACE}ack"
    assert ack.attrib == {"received": "true", "ref": "1234567890@atlanta.example.com"}
    assert control.parse(octets).acks == (Ack("1234567890@atlanta.example.com", True),)
    assert control.parse(control.ack_xml("x", False)).acks == (Ack("x", False),)


def test_the_request_for_a_fresh_msd() -> None:
    root = ElementTree.fromstring(control.request_xml())  # noqa: S314 - our own
    (request,) = root
    assert request.tag == f"{NAMESPACE}request"
    assert request.attrib == {"action": "send-data", "datatype": "eCall.MSD"}
    assert control.parse(control.request_xml()).requests == (Request("send-data", "eCall.MSD"),)


def test_what_a_car_answers() -> None:
    assert control.parse(control.result_xml("x")).action_results == (
        ActionResult("send-data", True),
    )
    refused = control.parse(control.result_xml("cid:x", reason="security-failure"))
    assert refused.acks[0].ref == "x"
    assert refused.action_results == (ActionResult("send-data", False, "security-failure"),)


@pytest.mark.parametrize(
    "written", ["a@b", "<a@b>", "cid:a@b", " <cid:a%40b> ", "CID:a@b", "<a@b >"]
)
def test_content_ids_in_every_spelling(written: str) -> None:
    assert control.bare_id(written) == "a@b"


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (b"", "not XML"),
        (b"\x02\x25\x1c", "not XML"),
        (b"<presence/>", "This is presence, and no control document."),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "DTD"),
        (b"<a>" * 40, "deep"),
        (b" " * 200_000, "larger"),
    ],
)
def test_what_is_none(octets: bytes, problem: str) -> None:
    with pytest.raises(ControlInvalid, match=problem):
        control.parse(octets)


def test_no_end_of_acknowledgements() -> None:
    name = "EmergencyCallData.Control"
    acks = '<ack ref="1"/>' * 3_000
    read = control.parse(f"<{name}>{acks}</{name}>".encode())
    assert len(read.acks) == control.ITEMS_MAX


@given(st.text(), st.booleans())
def test_any_content_id_can_be_acknowledged(ref: str, received: bool) -> None:
    (ack,) = control.parse(control.ack_xml(ref, received)).acks
    assert ack.received is received


@given(st.binary(max_size=300))
def test_any_octets(octets: bytes) -> None:
    for wrapped in (octets, REFUSED.replace(b"send-data", octets)):
        try:
            read = control.parse(wrapped)
        except ControlInvalid:
            continue
        assert all(len(r.reason) <= control.VALUE_CHARS_MAX for r in read.action_results)
