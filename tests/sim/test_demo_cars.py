"""What somebody types into the demonstration about cars: orders are read, nonsense is told."""

import asyncio
import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.ecall import msd
from ccserver.location import Position
from sim import demo_cars
from sim.car import Vehicle
from sim.demo_cars import MAKES, MANNERS, TONES, BadOrder, Cars, Order, read_order
from sim.sip import UA, Call, Media
from sim.sip.exchange import Exchange
from sim.sip.waits import within

WORDS = ("car", "phone", "automatic", "test", "electric", "lost", "circle", "56.95", "24.1", "x")


def test_orders_are_read_in_any_order_of_words() -> None:
    assert read_order("car") == Order("car")
    assert read_order("car automatic 56.95 24.1") == Order("car", where=Position(56.95, 24.1))
    assert read_order("car 56.95, 24.1 electric TEST refuses") == Order(
        "car", kind="test", make="electric", manner="refuses", where=Position(56.95, 24.1)
    )
    assert read_order("phone arcband") == Order("phone", shape="ArcBand")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "lorry",
        "car flying",
        "car 56.95",
        "car 1 2 3",
        "car 91 0",
        "car nan 1",
        "phone electric",
    ],
)
def test_what_means_nothing_is_told(line: str) -> None:
    with pytest.raises(BadOrder) as told:
        read_order(line)
    assert str(told.value)


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=7).map(" ".join))
def test_no_line_raises_anything_else(line: str) -> None:
    with contextlib.suppress(BadOrder):
        read_order(line)


def test_every_make_has_data_that_is_as_it_should_be() -> None:
    for name, make in MAKES.items():
        vehicle = Vehicle(vin=make.vin, vehicle_type=make.vehicle_type, propulsion=make.energy)
        read = msd.decode(
            msd.encode(vehicle.msd(kind="manual", identifier=1, timestamp=1_790_000_000))
        )
        assert read.oddities == (), name
    assert not set(MAKES) & set(MANNERS)


async def test_lines_about_other_things_are_left_to_others() -> None:
    told: list[str] = []
    cars = Cars(random.SystemRandom(), told.append, Exchange())
    assert not cars.obey("+37120000000 Palīgā")
    assert not cars.obey("carpet")
    assert not cars.obey("")
    assert cars.obey("car flying")
    assert "'flying' means nothing" in told[0]
    await cars.close()


async def test_all_in_a_car_are_heard_until_one_faints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_cars, "FAINTS_AFTER_S", 2.0)
    told: list[str] = []
    calls: asyncio.Queue[Call] = asyncio.Queue()

    async def answer(call: Call) -> None:
        await call.answer()
        calls.put_nowait(call)

    async with UA(user="112") as centre, Exchange() as exchange:
        centre.on_call = answer
        cars = Cars(random.SystemRandom(), told.append, exchange)
        cars.next_hop = centre.uri
        assert cars.obey("car hybrid faints")
        async with asyncio.timeout(30):
            media = (await calls.get()).media
        assert media is not None
        await _falls_to(media, 2)
        assert media.parties(60.0) == set(TONES), "all three spoke before"
        await cars.close()
    assert told[-1].endswith("2 go on speaking")


async def _falls_to(media: Media, count: int) -> None:
    """So many are heard, and there were more."""
    async with within(30, media.account):
        while True:
            if len(media.parties()) == count < len(media.parties(60.0)):
                return
            await asyncio.sleep(0.05)
