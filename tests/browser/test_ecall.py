"""A car calls 112, in Chromium, through the real edge: what it is, where it is on the map, asking
it for new data, calling it back, clearing it down; and a test that nobody can take for a call.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import expect

from ccserver.config import ACDSettings, CallDataSettings
from ccserver.ecall.values import Energy
from ccserver.location import Position, offset
from sim.browser import Chromium, Workplace
from sim.car import Car, Vehicle
from sim.faulty import call_with
from sim.ng112 import BLOCKS, NG112Phone, Wish, place
from sim.panel import Panel
from sim.phones import Behaviour
from sim.scenarios.base import Run, eventually
from sim.scenarios.browser import enter, open_chromium
from sim.sip import Call, CallFailed
from sim.sip.exchange import Exchange
from sim.stack import Seat, Stack
from tests.browser.accessible import violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser_ecall"),
    pytest.mark.asyncio(loop_scope="session"),
]

TAKER = Seat("taker", "Anna Bērziņa", "301", language="en")
TAKER_TONE = 0
SILENT_FOR_S = 2.0
"""How long a silent car is waited for here; ten seconds in a centre."""
RIGA = (56.9496, 24.1052)
MOTORWAY = Position(57.1514, 24.8543)
CRASH = Vehicle(
    latitude=MOTORWAY.latitude,
    longitude=MOTORWAY.longitude,
    direction_deg=90,
    propulsion=frozenset({Energy.ELECTRIC, Energy.GASOLINE}),
)


@dataclass(slots=True)
class Road:
    """The centre behind its edge, and who calls it."""

    run: Run
    chromium: Chromium
    exchange: Exchange
    onlooker: Panel
    exits: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    calls: list[Call] = field(default_factory=list)
    callers: int = 0

    @property
    def _hop(self) -> str:
        return f"sip:127.0.0.1:{self.run.stack.ports.edge}"

    def _fresh(self) -> dict[str, Any]:
        self.callers += 1
        number = self.callers
        host = f"127.0.1.{number + 2}"
        return {
            "number": f"+371291{number:05d}",
            "host": host,
            "tone": self.run.caller_tone(number),
        }

    async def car(self, vehicle: Vehicle = CRASH, **options: Any) -> Car:
        """A car that may call."""
        made = Car(self._hop, vehicle=vehicle, **self._fresh(), **options)
        car = await self.exits.enter_async_context(made)
        self.exchange.reach(car.number, car.ua.host, car.ua.port)
        return car

    async def phone(self) -> NG112Phone:
        """A telephone that may call over IP."""
        return await self.exits.enter_async_context(NG112Phone(self._hop, **self._fresh()))

    async def calling(self, caller: Car, *, fault: str = "", **options: Any) -> Call:
        """It calls, and its call is given at once."""
        call = await (call_with(caller, fault) if fault else caller.call(**options))
        self.calls.append(call)
        return call

    async def over(self) -> None:
        """Nobody is on the line, and the seat rests."""
        for call in self.calls:
            with contextlib.suppress(CallFailed):
                await (call.bye() if call.is_up else call.cancel())
        self.calls.clear()
        await self.exits.aclose()
        await self.run.nothing_left()
        agent_id = self.run.stack.profiles[TAKER.extension].agent_id
        panel = await self.run.panel(TAKER, ready=False)
        if panel.agents[agent_id]["state"] == "wrap_up":
            await panel.post("/api/agent/wrap-up/end")
        await panel.put("/api/agent/presence", {"kind": "off", "reason": None})
        await panel.close()

        async def off() -> bool:
            return bool(self.onlooker.agents[agent_id]["state"] == "off")

        await eventually("the seat is off", off)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Road]:
    run = Run(tmp_path_factory.mktemp("ecall"), {})
    async with run.exits:
        exchange = await run.exits.enter_async_context(Exchange())
        await run.start(
            takers=0,
            people=[TAKER],
            acd=ACDSettings(offer_timeout_s=60.0, wrap_up_s=120.0),
            edge=True,
            trunk_out=exchange.uri,
            prepare=_impatient,
        )
        await run.add_taker_phone(TAKER, TAKER_TONE, Behaviour(on_call="ring"))
        onlooker = await run.panel("supervisor", ready=False)
        yield Road(run, await open_chromium(run), exchange, onlooker)


def _impatient(stack: Stack) -> None:
    settings = CallDataSettings(msd_timeout_s=SILENT_FOR_S)
    stack.config = msgspec.structs.replace(stack.config, call_data=settings)


@pytest_asyncio.fixture(loop_scope="session")
async def road(centre: Road) -> AsyncIterator[Road]:
    yield centre
    await centre.over()


@pytest_asyncio.fixture(loop_scope="session")
async def taker(centre: Road, road: Road) -> AsyncIterator[Workplace]:
    workplace = await enter(road.run, road.chromium, TAKER)
    await workplace.ready()
    yield workplace
    await workplace.close()


async def answered(taker: Workplace, road: Road, car: Car, **options: Any) -> Call:
    """The car's call, offered and taken by keyboard; they hear one another."""
    call = await road.calling(car, **options)
    await taker.shows("offer")
    await taker.page.keyboard.press("F2")
    await call.answered(20.0)
    car.read_acks(call)
    await taker.shows("call")
    assert call.media is not None
    await call.media.hears(TAKER_TONE)
    return call


def car_mark(taker: Workplace) -> Any:
    """The only car on the map."""
    return taker.at("map-mark").and_(taker.page.locator("[data-kind=car]"))


async def test_a_car_is_seen_whole_asked_again_and_cleared_down(
    taker: Workplace, road: Road
) -> None:
    car = await road.car()
    call = await road.calling(car)
    offer = await taker.shows("offer")
    await expect(offer.get_by_test_id("mark-ecall")).to_have_text("eCall AUTO")
    await taker.page.keyboard.press("F2")
    await call.answered(20.0)
    assert car.read_acks(call) is True

    # What the car says, while the two talk.
    section = await taker.shows("emergency-data")
    await taker.shows("car-position", text="57.15140, 24.85430")
    await taker.shows("car-direction", text="90°, east")
    await taker.shows("car-vin", text="WVW ZZZ1KZ 8 W000017")
    await taker.shows("car-make", text="Volkswagen")
    await taker.shows("car-occupants", text="2")
    await taker.shows("car-energy", text="Electric", which="[data-energy=electricEnergyStorage]")
    await expect(section.get_by_test_id("mark-no-data")).to_have_count(0)
    assert call.media is not None
    await call.media.hears(TAKER_TONE)
    assert await violations(taker, "emergency-data") == []

    # Where it is: with its heading and where it came from.
    await taker.at("map").scroll_into_view_if_needed()
    await expect(car_mark(taker)).to_have_count(1)
    await expect(car_mark(taker)).to_have_attribute("data-trusted", "true")
    await expect(car_mark(taker).locator(".map-mark-heading")).to_have_count(1)
    await taker.shows("map-place", text="57.15140, 24.85430")
    trail = taker.at("map-mark").and_(taker.page.locator("[data-kind=trail]"))
    await expect(trail).to_have_count(2)

    # It is asked again by key, has moved meanwhile, and doubts where it is.
    moved = offset(MOTORWAY, 90, 300)
    car.move(latitude=moved.latitude, longitude=moved.longitude, trusted=False)
    await taker.page.keyboard.press("Shift+F1")
    await taker.shows("car-request-state", state="received")
    await taker.shows("car-message", text="no. 2")
    await taker.shows("car-untrusted")
    await expect(car_mark(taker)).to_have_count(1)
    await expect(car_mark(taker)).to_have_attribute("data-trusted", "false")
    await taker.at("car-messages").locator("summary").first.click()
    await expect(taker.at("car-message-row")).to_have_count(2)
    told = taker.at("timeline-entry").and_(taker.page.locator("[data-tag=msd_received]"))
    await expect(told).to_have_count(2)

    # Cleared down by key, after a question that a person answers.
    await taker.page.keyboard.press("Shift+F8")
    await taker.shows("car-clear-dialog", text=car.number[-4:])
    assert await violations(taker, "car-clear-dialog") == []
    assert call.is_up
    await taker.at("car-clear-confirm").click()
    await call.wait_ended()
    await taker.shows("wrap-up")
    await taker.shows("timeline-entry", which="[data-tag=cleared_down]")
    await taker.shows("car-clear-why", text="The call is over")
    assert taker.faults == []


async def test_a_car_that_will_not_send_says_why_and_is_called_back(
    taker: Workplace, road: Road
) -> None:
    car = await road.car(kind="manual")
    car.answers.on_request = "refuse"
    call = await answered(taker, road, car)
    await taker.shows("mark-ecall", text="eCall MANUAL")
    await taker.at("car-request").click()
    await taker.shows("car-request-state", text="it is not able to", state="refused")
    car.answers.on_request = "silent"
    await taker.at("car-request").click()
    await taker.shows("car-request-state", state="asked")
    await expect(taker.at("car-request")).to_be_disabled()
    await taker.shows("car-request-state", text="sends nothing", state="no_answer")

    await car.hang_up()
    await call.wait_ended()
    await taker.shows("wrap-up")
    await taker.at("car-call-back").click()

    async def called_back() -> bool:
        return bool(car.heard.callbacks)

    await eventually("the car is called back", called_back)
    back = car.heard.callbacks[0]
    road.calls.append(back)
    await taker.shows("call", which="[data-stage=talk]")
    assert back.media is not None
    await back.media.hears(TAKER_TONE)
    assert taker.faults == []


async def test_what_counts_of_a_car_is_seen_at_once_and_the_rest_unfolds_by_key(
    taker: Workplace, road: Road
) -> None:
    page = taker.page
    await page.set_viewport_size({"width": 1366, "height": 768})
    call = await answered(taker, road, await road.car())
    for told in ("mark-ecall", "car-position", "car-age", "car-occupants", "car-energies"):
        shown = taker.at("emergency-data").get_by_test_id(told).first
        await expect(shown).to_be_in_viewport(ratio=1)
    octets = taker.at("car-octets").first
    await expect(octets.get_by_test_id("car-hex")).to_be_hidden()
    await octets.locator("summary").focus()
    await page.keyboard.press("Enter")
    await expect(octets.get_by_test_id("car-hex")).to_be_visible()
    assert await violations(taker) == []
    assert call.is_up
    assert taker.faults == []


async def test_a_test_cannot_be_taken_for_a_call_for_help(taker: Workplace, road: Road) -> None:
    car = await road.car(kind="test")
    call = await road.calling(car)
    offer = await taker.shows("offer")
    await expect(offer.get_by_test_id("mark-ecall")).to_have_text("eCall TEST")
    await expect(offer.get_by_test_id("test-banner")).to_contain_text("nobody needs help")
    # Not the whole offer, whose words come and go to be seen.
    assert await violations(taker, "test-banner") == []
    await taker.at("offer-answer").click()
    await call.answered(20.0)
    await taker.shows("test-banner")
    await taker.shows("car-raised", text="TEST")
    await taker.at("call-hangup").click()
    await call.wait_ended()
    # Also later, on the card and in the list.
    await taker.at("wrap-up-done").click()
    await taker.shows("test-banner")
    card = taker.at("recent-card").first
    await expect(card.get_by_test_id("mark-ecall")).to_have_text("eCall TEST")
    assert taker.faults == []


async def test_a_car_without_data_and_one_with_noise_are_plainly_marked(
    taker: Workplace, road: Road
) -> None:
    silent = await road.car(kind="manual")
    call = await road.calling(silent, without_data=True)
    offer = await taker.shows("offer")
    await expect(offer.get_by_test_id("mark-no-data")).to_have_text("NO DATA RECEIVED")
    await taker.page.keyboard.press("F2")
    await call.answered(20.0)
    await taker.shows("car-missing", text="No data received from the car", state="none")
    await expect(taker.at("car-facts")).to_have_count(0)
    assert await violations(taker, "emergency-data") == []
    await silent.hang_up()
    await taker.at("wrap-up-done").click()

    noisy = await road.car()
    noisy.answers.on_request = "silent"
    call = await road.calling(noisy, fault="msd_version_9")
    offer = await taker.shows("offer")
    await expect(offer.get_by_test_id("mark-unreadable")).to_be_visible()
    await taker.page.keyboard.press("F2")
    await call.answered(20.0)
    await taker.shows("car-missing", state="unreadable")
    row = await taker.shows("car-message-row", which="[data-readable=false]")
    await expect(row).to_contain_text("of version 9, which is not known here")
    await row.get_by_test_id("car-octets").locator("summary").click()
    await expect(row.get_by_test_id("car-hex")).to_contain_text("09 ")
    assert taker.faults == []


async def test_two_cars_of_one_crash_are_joined_by_their_own_places(
    taker: Workplace, road: Road
) -> None:
    first = await road.car()
    await answered(taker, road, first)
    await taker.shows("car-position")
    await first.hang_up()
    await taker.at("wrap-up-done").click()
    near = offset(MOTORWAY, 180, 40)
    there = Vehicle(latitude=near.latitude, longitude=near.longitude, direction_deg=270)
    second = await road.car(there)
    await answered(taker, road, second)
    neighbour = await taker.shows("neighbour", text="from where the car itself says it is")
    await expect(neighbour).to_contain_text("m away")
    await expect(neighbour.get_by_test_id("mark-ecall")).to_have_text("eCall AUTO")
    await taker.page.keyboard.press("Shift+F3")
    await expect(taker.at("emergency-data")).to_have_count(2)
    await taker.at("map").scroll_into_view_if_needed()
    await expect(car_mark(taker)).to_have_count(2)
    assert taker.faults == []


async def test_a_telephone_that_asks_for_the_police_is_named_so(
    taker: Workplace, road: Road
) -> None:
    phone = await road.phone()
    wish = Wish(places=(place("Circle", *RIGA),), blocks=(BLOCKS["Comment"],))
    call = await phone.call(wish, service="urn:service:sos.police")
    road.calls.append(call)
    offer = await taker.shows("offer")
    await expect(offer.get_by_test_id("mark-service")).to_have_text("Police")
    await taker.page.keyboard.press("F2")
    await call.answered(20.0)
    await taker.shows("emergency-data", text="Data that came with the call")
    await taker.shows("data-item", text="Place (PIDF-LO)", which="[data-kind=location]")
    await taker.shows("data-item", text="Comment", which="[data-kind=additional]")
    await taker.shows("map-place", text="56.94960, 24.10520")
    await expect(taker.at("car-request")).to_have_count(0)
    assert await violations(taker, "emergency-data") == []
    assert taker.faults == []


async def test_data_is_on_the_map_soon_after_the_car_has_called(
    taker: Workplace, road: Road
) -> None:
    car = await road.car()
    clock = await taker.clock()
    await taker.page.evaluate(SEEN_JS)
    call = await road.calling(car)
    began = car.incident_at
    handle = await taker.page.wait_for_function("() => window.carSeenAt", timeout=10_000)
    seen = clock.monotonic(float(await handle.json_value()))
    await taker.page.keyboard.press("F2")
    await call.answered(20.0)
    # Loop time is monotonic time; a busy machine may need a while for a map.
    assert 0 < seen - began < 10
    await asyncio.sleep(0)
    assert taker.faults == []


SEEN_JS = """
() => {
  const look = () => {
    if (!window.carSeenAt && document.querySelector('[data-testid=map-mark][data-kind=car]')) {
      window.carSeenAt = performance.now();
    }
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}
"""
"""Notes when the first car is on a map."""
