"""Proves that a car which sends without end is shown as it is, and costs others nothing."""

import time
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ccserver.calldata.reading import items_in
from ccserver.calldata.spool import Via
from ccserver.calldata.store import Kept
from ccserver.ecall_desk.known import READS_MAX, Known, vehicle_of
from ccserver.ecall_desk.story import Read
from ccserver.types import ContactId
from tests.calldata.samples import AUTOMATIC, CONTACT, MSD_TYPE, at, car, info, message, part
from tests.calldata.samples import multipart as body_of

C1 = ContactId(CONTACT)


def read(octets: bytes, *, key: str, seconds: float) -> Read:
    kept = Kept(key, Via.INFO, at(seconds), octets, contact_id=C1, service=AUTOMATIC)
    return Read(kept, items_in(kept))


def known_of(reads: Sequence[Read], *, looked_at: bool = True) -> Known:
    known = Known(C1)
    for one in reads:
        assert known.add(one)
        if looked_at:
            assert known.vehicle is not None
    return known


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 5)), min_size=1, max_size=8))
def test_in_whatever_order_messages_come_the_car_is_the_same(told: list[tuple[int, int]]) -> None:
    reads = [
        read(info(car(number)), key=f"k{place}", seconds=seconds)
        for place, (number, seconds) in enumerate(told)
    ]
    expected = vehicle_of(AUTOMATIC, reads)
    assert known_of(reads).vehicle == known_of(reads, looked_at=False).vehicle == expected


def test_the_last_of_very_many_is_the_one_that_is_shown() -> None:
    reads = [
        read(info(car(number % 256)), key=f"k{number}", seconds=number)
        for number in range(READS_MAX + 12)
    ]
    vehicle = known_of(reads).vehicle
    assert vehicle is not None
    assert vehicle.newest is not None
    assert vehicle.newest.received_at == at(READS_MAX + 11)
    assert vehicle.count == READS_MAX + 12


def test_a_car_that_has_sent_very_much_costs_as_little_as_any() -> None:
    """Every change of a contact looks at its car, between two rings of a telephone."""
    much = message(body_of(*(part(MSD_TYPE, car(number)) for number in range(60))))
    known = known_of(
        [read(much, key=f"k{number}", seconds=number) for number in range(READS_MAX)],
        looked_at=False,
    )
    assert known.vehicle is not None
    began = time.process_time()
    for number in range(20):
        assert known.add(read(info(car(number)), key=f"l{number}", seconds=READS_MAX + number))
        assert known.vehicle is not None
    assert time.process_time() - began < 0.5
