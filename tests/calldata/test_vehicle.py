"""Of many MSDs the newest counts, and what a car says of itself does not make a call a test."""

from datetime import datetime

import pytest

from ccserver.calldata.vehicle import (
    CLOCK,
    TEST_CALL,
    DataState,
    ReceivedMSD,
    Request,
    RequestState,
    Vehicle,
    location_of,
    oddities_of,
    view_of,
)
from ccserver.ecall import msd
from ccserver.location import Circle, LocationSource
from tests.calldata.samples import AUTOMATIC, at, car


def received(number: int = 1, seconds: float = 0.0, **changed: object) -> ReceivedMSD:
    octets = car(number, **changed)
    return ReceivedMSD(msd.decode(octets), octets, at(seconds))


def number_of(vehicle: Vehicle) -> int:
    assert vehicle.newest is not None
    return vehicle.newest.msd.message_identifier


@pytest.mark.parametrize(
    ("numbers", "newest"),
    [((1, 2, 3), 3), ((2, 1), 2), ((255, 0), 0), ((254, 255, 1, 0), 1), ((7, 7), 7)],
)
def test_the_newest_in_the_car_s_own_order_counts(numbers: tuple[int, ...], newest: int) -> None:
    vehicle = Vehicle(AUTOMATIC)
    for place, number in enumerate(numbers):
        vehicle = vehicle.with_msd(received(number, place))
    assert (number_of(vehicle), vehicle.count) == (newest, len(numbers))
    assert vehicle.data is DataState.RECEIVED


def test_a_repeat_replaces_the_one_before() -> None:
    vehicle = Vehicle().with_msd(received(1, 0)).with_msd(received(1, 5, number_of_occupants=4))
    assert vehicle.newest is not None
    assert vehicle.newest.msd.occupants == 4


def test_no_data_and_unreadable_data_are_told_apart() -> None:
    assert Vehicle(AUTOMATIC).data is DataState.NONE
    assert Vehicle(AUTOMATIC, unreadable=1).data is DataState.UNREADABLE
    vehicle = Vehicle(AUTOMATIC, unreadable=1).with_msd(received())
    assert vehicle.data is DataState.RECEIVED


@pytest.mark.parametrize(
    ("service", "automatic", "kind"),
    [
        (AUTOMATIC, False, "automatic"),
        ("urn:service:sos.ecall.manual", True, "manual"),
        ("urn:service:sos.ecall", True, "automatic"),
        ("urn:service:sos.ecall", False, "manual"),
        (None, False, "manual"),
        ("urn:service:sos", True, "automatic"),
        ("urn:service:test.sos.ecall", True, "test"),
    ],
)
def test_the_call_says_how_it_began_and_else_the_car(
    service: str | None, automatic: bool, kind: str
) -> None:
    vehicle = Vehicle(service).with_msd(received(automatic_activation=automatic))
    assert vehicle.kind.value == kind
    assert Vehicle("urn:service:sos.ecall").kind.value == "unknown"


def test_a_test_that_the_call_does_not_say_is_marked_and_no_test() -> None:
    told = received(test_call=True)
    vehicle = Vehicle(AUTOMATIC).with_msd(told)
    assert vehicle.kind.value == "automatic"
    assert [one.code for one in oddities_of(told, test_called=False)] == [TEST_CALL]
    assert oddities_of(told, test_called=True) == ()
    shown = vehicle.as_json(now=at(1), can_request=True)["msd"]
    assert isinstance(shown, dict)
    assert shown["test"] is True


@pytest.mark.parametrize("seconds", [None, -86_401 - 4, 86_401])
def test_a_clock_that_cannot_be_trusted_is_told(seconds: int | None) -> None:
    stamp = 0 if seconds is None else int(at(seconds).timestamp())
    told = received(timestamp=stamp)
    assert CLOCK in [one.code for one in oddities_of(told, test_called=False)]
    place = location_of(told)
    assert place is not None
    assert place.observed_at is None
    assert (view_of(told, now=at(0), test_called=False)["sent_at"] is None) == (seconds is None)


def test_the_place_has_direction_trail_and_trust() -> None:
    place = location_of(received())
    assert place is not None
    assert isinstance(place.shape, Circle)
    assert (place.source, place.observed_at) == (LocationSource.MSD, at(-4))
    assert place.data["direction_deg"] == 90
    assert len(place.data["recent"]) == 2  # type: ignore[arg-type]
    later = location_of(received(2, 30))
    assert later is not None
    assert later.observed_at is None, "its time is that of the first"
    unsure = location_of(received(position_can_be_trusted=False))
    assert unsure is not None
    assert (unsure.shape.radius_m or 0, unsure.confidence) == (0, None)
    assert location_of(received(position_latitude=2**31 - 1)) is None


def test_everything_is_shown_by_the_standard_s_names() -> None:
    shown = view_of(received(), now=at(10), test_called=False)
    assert shown | {"hex": "", "recent": []} == {
        "received_at": "2026-11-26T12:00:00.000Z",
        "sent_at": "2026-11-26T11:59:56.000Z",
        "age_s": 14.0,
        "message_identifier": 1,
        "version": 3,
        "automatic": True,
        "test": False,
        "trusted": True,
        "lat": pytest.approx(56.9496),
        "lon": pytest.approx(24.1052),
        "direction_deg": 90,
        "recent": [],
        "vin": "WVWZZZ1JZXW000001",
        "make": "Volkswagen",
        "model_year": shown["model_year"],
        "vehicle_type": "passengerVehicleClassM1",
        "energy": ["gasolineTankPresent"],
        "occupants": 2,
        "additional": None,
        "oddities": [],
        "hex": "",
    }


def test_a_request_is_told_with_what_became_of_it() -> None:
    asked: datetime = at(3)
    vehicle = Vehicle(request=Request(RequestState.REFUSED, asked, "unable"))
    shown = vehicle.as_json(now=at(5), can_request=False)
    assert shown["request"] == {
        "state": "refused",
        "at": "2026-11-26T12:00:03.000Z",
        "reason": "unable",
    }
    assert shown["can_request"] is False
