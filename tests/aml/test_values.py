"""The same message is the same sighting, and what is kept of one is what its card needs."""

import pytest

from ccserver.aml.values import Transport, as_json, location_of, of_form, of_text
from ccserver.location import LocationSource
from ccserver.location.aml import TEXT_CHARS_MAX
from ccserver.location.aml_form import Trust
from sim.aml import packed
from tests.aml.conftest import IMEI, NUMBER, T0, at, by_https, by_sms, text


def test_the_same_text_again_is_the_same() -> None:
    first, again = by_sms(0, body=text(0)), by_sms(6, body=text(0) + "\r\n")
    assert first.key == again.key
    assert first.key != by_sms(0, "+37126123456", body=text(0)).key
    assert first.key != by_sms(1).key
    assert first.key != by_https(0).key, "both transports are kept"


def test_only_what_the_card_needs_is_kept() -> None:
    sighting = by_sms(20)
    kept = as_json(sighting)
    assert IMEI not in str(kept)
    assert "247010" not in str(kept), "nor the IMSI"
    assert location_of(kept, sighting.received_at) == sighting.location


def test_a_data_message_that_came_as_octets() -> None:
    octets = text(0).encode()
    sighting = of_text("\ufffd\ufffd", octets, sender=NUMBER, received_at=T0)
    assert sighting.location is not None
    assert sighting.unreadable is None


def test_what_cannot_be_read_is_kept_for_somebodys_eyes() -> None:
    broken = text(0, lat="+g4.7d397")
    sighting = of_text(broken, b"", sender=NUMBER, received_at=T0)
    blotted = broken.replace("247010000000000", "…").replace(IMEI, "…")
    assert (sighting.location, sighting.unreadable) == (None, blotted), "without whose it is"
    noise = of_text("\x01\x02", b"\x01\x02", sender=NUMBER, received_at=T0)
    assert noise.unreadable == "\x01\x02"
    endless = packed('A"ML=1;' + "x" * TEXT_CHARS_MAX)
    assert of_text("?", endless, sender=NUMBER, received_at=T0).unreadable is not None
    assert noise.tells


def test_no_fix_tells_nothing_and_says_whose_phone_it_is() -> None:
    sighting = by_sms(0, body=text(0, lat="+00.00000", lon="+000.00000").replace("pm=G", "pm=N"))
    assert not sighting.tells
    assert not sighting.is_nameless


@pytest.mark.parametrize(
    ("trusted", "mark"),
    [
        (Trust.WRONG, ["signature_wrong"]),
        (Trust.UNSIGNED, ["signature_missing"]),
        (Trust.SIGNED, []),
        (Trust.UNJUDGED, []),
    ],
)
def test_what_anybody_may_have_sent_is_marked(trusted: Trust, mark: list[str]) -> None:
    body = b"location_latitude=1.5&location_longitude=2.5&location_altitude=x"
    sighting = of_form(body, trusted, received_at=at(0))
    assert sighting.transport is Transport.HTTPS
    assert sighting.is_nameless
    assert sighting.location is not None
    assert sighting.location.source is LocationSource.HTTPS
    assert sighting.location.data["oddities"] == ["altitude_invalid", *mark]
