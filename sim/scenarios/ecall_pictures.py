"""The picture of a car in the documentation, taken of a real centre at work."""

import time
from pathlib import Path
from typing import Any

from ccserver.accounts import DeviceKind
from ccserver.ecall.concepts import EURO_NCAP, euro_ncap_octets
from ccserver.ecall.values import AdditionalData, Energy
from ccserver.location import Position, offset
from sim.browser import WIDTH
from sim.car import Car, Vehicle
from sim.panel import Message
from sim.scenarios.base import Measured, Run, eventually, scenario
from sim.scenarios.browser import BROWSER_SEAT, enter, open_chromium, passed
from sim.scenarios.pictures import HIGH, MAP_RESTS_AFTER_S, take
from sim.sip import Call
from sim.stack import Seat

SEAT = Seat("marta", "Marta Liepa", BROWSER_SEAT.extension, DeviceKind.BROWSER, language="en")
CRASH = Position(57.1514, 24.8543)
HOST = "127.0.1.{}"
"""Addresses of the operator's border elements, as the test edge knows them."""
ASKED_AFTER_M = 35.0
CARD_FIELDS: Message = {
    "type": "traffic.injured",
    "priority": 9,
    "summary": "Frontāla sadursme, elektroauto, 3 cilvēki, viens iespiests",
}
NOTES = "Vadītājs runā, aizmugurē divi bērni. Dūmi no priekšpuses."


@scenario("ecall-pictures", "the picture of a car in the documentation; to=DIR says where")
async def ecall_pictures(run: Run) -> Measured:
    """A crash in hand with its data, another car without any, and a test, that wait."""
    target = Path(run.options.get("to", run.data_dir))
    await run.start(takers=0, people=[SEAT], edge=True)
    workplace = await enter(run, await open_chromium(run), SEAT)
    await workplace.page.set_viewport_size({"width": WIDTH, "height": HIGH})
    await workplace.ready()
    car = await _car(run, 1, vehicle=_crashed())
    call = await car.call()
    await workplace.shows("offer")
    await workplace.page.keyboard.press("F2")
    await call.answered()
    await workplace.shows("car-position")
    moved = offset(CRASH, 45, ASKED_AFTER_M)
    car.move(latitude=moved.latitude, longitude=moved.longitude)
    await workplace.page.keyboard.press("Shift+F1")
    await workplace.shows("car-request-state", state="received")
    await _fill_card(run, workplace.at("card"))
    await _wait_in_line(run)
    await workplace.shows("waiting-row")
    await workplace.shows("mark-no-data")
    still = time.monotonic() + MAP_RESTS_AFTER_S
    await eventually("the map has come to rest", lambda: passed(still))
    await workplace.at("card-number").scroll_into_view_if_needed()
    return {"panel-ecall.png": await take(workplace, target / "panel-ecall.png")}


def _crashed() -> Vehicle:
    struck = euro_ncap_octets("front", (-48, 6), rollover=False)
    return Vehicle(
        latitude=CRASH.latitude,
        longitude=CRASH.longitude,
        direction_deg=44,
        occupants=3,
        propulsion=frozenset({Energy.ELECTRIC}),
        recent=((-48, -88), (-52, -92)),
        additional=AdditionalData(EURO_NCAP, struck),
    )


async def _car(run: Run, number: int, **options: Any) -> Car:
    car = Car(
        f"sip:127.0.0.1:{run.stack.ports.edge}",
        number=f"+3712934071{number}",
        host=HOST.format(number + 2),
        tone=run.caller_tone(number),
        **options,
    )
    return await run.exits.enter_async_context(car)


async def _wait_in_line(run: Run) -> list[Call]:
    """A car whose data did not come, and one that only tries."""
    silent, trying = await _car(run, 2, kind="manual"), await _car(run, 3, kind="test")
    return [await silent.call(without_data=True), await trying.call()]


async def _fill_card(run: Run, card: Any) -> None:
    panel = await run.panel("supervisor", ready=False)
    path = f"/api/cards/{await card.get_attribute('data-incident')}"
    for name, value in CARD_FIELDS.items():
        await panel.put(f"{path}/fields/{name}", {"value": value}, headers={"If-Match": '"0"'})
    await panel.put(f"{path}/notes", {"text": NOTES}, headers={"If-Match": '"0"'})
