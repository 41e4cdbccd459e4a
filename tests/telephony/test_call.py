"""What the dialplan says of a call is taken over, and nothing that only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.telephony.call import SERVICE_CHARS_MAX, CallFacts

CALLER = {"CONTACT_ID": "c1", "ARRIVED_AT": "1795448189.397", "CALLED_NUMBER": "112"}
ASKED = {
    "SERVICE": "urn:service:sos.ecall.automatic",
    "TRUNK": "operator",
    "SIP_CALL_ID": "a(b)@c",
    "CALL_DATA": "1",
    "MSD_ACK": "received",
}


def facts(**variables: str) -> CallFacts:
    found = CallFacts.from_channel_variables({**CALLER, **variables})
    assert found is not None
    return found


def test_a_car_is_known_by_the_channels_variables() -> None:
    found = facts(**ASKED)
    assert found.service == "urn:service:sos.ecall.automatic"
    assert (found.trunk, found.sip_call_id) == ("operator", "a(b)@c")
    assert (found.has_data, found.msd_ack) == (True, "received")


def test_a_call_to_a_number_asks_for_nothing() -> None:
    found = facts(**dict.fromkeys(ASKED, ""))
    assert (found.service, found.trunk, found.sip_call_id) == (None, None, None)
    assert (found.has_data, found.msd_ack) == (False, None)
    assert found == facts()


def test_a_service_that_a_card_has_no_room_for_is_served_by_its_parent() -> None:
    long = "urn:service:test.sos." + "a" * 47 + "." + "b" * 30
    assert len(long) > SERVICE_CHARS_MAX
    assert facts(SERVICE=long).service == "urn:service:test.sos." + "a" * 47


@pytest.mark.parametrize("text", ["urn:service:", "112", "urn:service:a b", "x" * 5000])
def test_what_is_no_service_is_none(text: str) -> None:
    assert facts(SERVICE=text).service is None


def test_a_call_id_that_may_have_been_cut_names_no_dialog() -> None:
    assert facts(SIP_CALL_ID="x" * 254).sip_call_id == "x" * 254
    assert facts(SIP_CALL_ID="x" * 255).sip_call_id is None


@given(st.dictionaries(st.sampled_from(sorted(ASKED)), st.text()))
def test_no_variable_hides_a_caller(variables: dict[str, str]) -> None:
    found = facts(**variables)
    assert found.service is None or len(found.service) <= SERVICE_CHARS_MAX
