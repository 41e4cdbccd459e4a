"""The simulated phone says what the centre's own readers read, in every form."""

from datetime import UTC, datetime, timedelta

import pytest

from ccserver.aml.data_sms import text_of
from ccserver.location.aml import AMLMessage
from ccserver.location.aml_form import AMLForm, Trust, trust
from sim.aml import NO_FIX, AMLPhone, Fix, packed

BEGAN = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
PHONE = AMLPhone("+37120000001", BEGAN)
FIX = Fix(56.9496, -0.18305, radius_m=14, age_s=2, altitude_m=12.5)
SEEN = BEGAN + timedelta(seconds=20)


def test_both_versions_of_text() -> None:
    for message in (
        AMLMessage.parse(PHONE.text(FIX, 22)),
        AMLMessage.parse(PHONE.text_2(FIX, 22)),
    ):
        assert (message.latitude, message.longitude) == (56.9496, -0.18305)
        assert (message.radius_m, message.confidence, message.fix_at) == (14, 0.68, SEEN)
        assert message.oddities == ()
        assert message.imei == PHONE.imei


def test_no_fix() -> None:
    texts = [PHONE.text(NO_FIX, 2), PHONE.text_2(NO_FIX, 2)]
    messages = [AMLMessage.parse(text) for text in texts]
    messages.append(AMLForm.parse(PHONE.form(NO_FIX, 2)).message)
    assert not any(message.has_position or message.is_unreadable for message in messages)


@pytest.mark.parametrize("raw_plus", [True, False])
def test_forms(raw_plus: bool) -> None:
    body = PHONE.form(FIX, 22, key="key-of-the-centre", raw_plus=raw_plus)
    assert trust(body, ["key-of-the-centre"]) is Trust.SIGNED
    form = AMLForm.parse(body)
    assert form.number == PHONE.number
    assert (form.message.fix_at, form.message.call_began_at) == (SEEN, BEGAN)
    assert form.message.oddities == ()


def test_data_messages() -> None:
    text = PHONE.calls_again(BEGAN).text(FIX, 35)
    assert (text_of(packed(text)) or "").rstrip("@") == text
