"""Proves that other systems tell where a contact is: both forms, once each, and what is refused."""

import json

import pytest

from ccserver.accounts import Scope
from ccserver.db import DatabaseUnavailable
from ccserver.location import Circle, LocationSource, Point
from tests.web.fakes import CONTACT
from tests.web.world import Answer, World

PATH = f"/api/contacts/{CONTACT}/locations"
FIX = {"lat": 56.9496, "lon": 24.1052, "radius_m": 12, "confidence": 0.9, "source": "https"}
PIDF = {"Content-Type": "application/pidf+xml"}
DOCUMENT = b"""<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:x@example.net"
  xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" xmlns:gml="http://www.opengis.net/gml">
  <tuple id="t"><status><gp:geopriv><gp:location-info><gml:Point
  srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>56.9496 24.1052</gml:pos></gml:Point>
  </gp:location-info></gp:geopriv></status><timestamp>2026-03-01T12:00:00Z</timestamp></tuple>
  </presence>"""
CIVIC_ONLY = b"""<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:x@example.net"
  xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10"
  xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"><tuple id="t"><status><gp:geopriv>
  <gp:location-info><ca:civicAddress><ca:country>LV</ca:country></ca:civicAddress>
  </gp:location-info></gp:geopriv></status></tuple></presence>"""


async def tell(
    world: World, body: object, *, path: str = PATH, headers: dict[str, str] | None = None
) -> Answer:
    program = await world.program(Scope.CONTACTS_WRITE)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **(headers or {})}
    return await program.ask("POST", path, raw=raw, headers=headers)


async def test_a_fix_as_json_is_handed_on(world: World) -> None:
    answer = await tell(world, FIX | {"observed_at": "2026-03-01T07:59:58+00:00"})
    assert (answer.status, answer.json()) == (202, {"locations": 1})
    ((contact_id, _, location, author),) = world.contact_locations.told
    assert (contact_id, location.source) == (CONTACT, LocationSource.HTTPS)
    assert author.startswith("key:")
    assert isinstance(location.shape, Circle)
    assert (location.shape.radius_m, location.confidence) == (12, 0.9)
    assert location.received_at == world.clock.now()
    assert location.observed_at is not None
    assert location.observed_at.isoformat() == "2026-03-01T07:59:58+00:00"


async def test_a_pidf_lo_is_handed_on(world: World) -> None:
    answer = await tell(world, DOCUMENT, headers=PIDF)
    assert (answer.status, answer.json()) == (202, {"locations": 1})
    ((_, _, location, _),) = world.contact_locations.told
    assert location.source is LocationSource.PIDF_LO
    assert isinstance(location.shape, Point)


async def test_the_same_key_or_body_is_the_same_location(world: World) -> None:
    other = FIX | {"lat": 57.0}
    for body, headers in (
        (FIX, {}),
        (FIX, {}),
        (other, {}),
        (FIX, {"Idempotency-Key": "fix-1"}),
        (other, {"Idempotency-Key": "fix-1"}),
    ):
        assert (await tell(world, body, headers=headers)).status == 202
    keys = [key for _, key, _, _ in world.contact_locations.told]
    assert keys[0] == keys[1]
    assert keys[3] == keys[4] == "key:fix-1:0"
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (FIX | {"lat": 91}, {}, 422, "invalid_location"),
        (FIX | {"radius_m": -1}, {}, 422, "invalid_location"),
        (FIX | {"confidence": 90}, {}, 422, "invalid_location"),
        (FIX | {"source": "map"}, {}, 400, "bad_request"),
        (FIX | {"lat": None}, {}, 400, "bad_request"),
        (FIX | {"observed_at": "2026-03-01T07:59:58"}, {}, 400, "bad_request"),
        (FIX | {"observed_at": "0001-01-01T00:00:00+14:00"}, {}, 400, "bad_request"),
        (FIX | {"altitude": 3}, {}, 400, "bad_request"),
        (b"{", {}, 400, "bad_request"),
        (FIX, {"Idempotency-Key": "x" * 101}, 400, "bad_request"),
        (FIX, {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"<presence", PIDF, 422, "invalid_pidf_lo"),
        (CIVIC_ONLY, PIDF, 422, "invalid_pidf_lo"),
    ],
    ids=str,
)
async def test_what_is_no_location_is_refused(
    world: World, body: object, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await tell(world, body, headers=headers)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert world.contact_locations.told == []


async def test_a_contact_that_does_not_exist_fills_no_journal(world: World) -> None:
    answer = await tell(world, FIX, path="/api/contacts/none/locations")
    assert answer.status == 404
    assert world.contact_locations.told == []


async def test_only_keys_that_may_hand_in_contacts(world: World) -> None:
    stranger = await world.program(Scope.INCIDENTS_WRITE)
    assert (await stranger.ask("POST", PATH, body=FIX)).status == 403
    assert (await world.nobody().ask("POST", PATH, body=FIX)).status == 401


async def test_of_a_past_contact_nothing_is_known_without_the_database(world: World) -> None:
    world.contact_locations.fails = DatabaseUnavailable("gone")
    assert (await tell(world, FIX)).status == 503
