"""A call taker sends two services; their desks, each in a window of its own, answer on the card."""

import pytest

from sim.browser import Workplace
from tests.browser.conftest import AMBULANCE, CHIEF, DESK, DESK_SEATS, Centre

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]


async def open_desk(workplace: Workplace, service: str) -> None:
    await workplace.at("page-desk").click()
    await workplace.shows("desk")
    await workplace.at("desk-service").select_option(service)
    await workplace.shows("desk", which=f'[data-service="{service}"]')


async def test_two_desks_answer_on_the_card(centre: Centre) -> None:
    bank = centre.run.bank
    taker = await centre.enter(DESK)
    fire, ambulance = await centre.enter(CHIEF), await centre.enter(AMBULANCE)
    await open_desk(fire, "vugd")
    await ambulance.shows("desk", which='[data-service="nmpd"]')
    await taker.ready()
    call = await centre.run.call()
    await taker.at("offer-answer").click()
    await bank.wait_for("heard", call=call, party=DESK_SEATS.index(DESK))
    for service in ("vugd", "nmpd"):
        choice = await taker.shows("service-choice", which=f'[data-service="{service}"]')
        await choice.check()
    await taker.at("service-note").fill("Deg jumts")
    await taker.page.keyboard.press("Control+Enter")
    await taker.shows("service", state="received", which='[data-service="vugd"]')
    await taker.shows("service", state="received", which='[data-service="nmpd"]')

    await fire.shows("desk-new")
    await ambulance.shows("desk-new")
    await fire.at("desk-line").click()
    await taker.shows("service", state="seen", which='[data-service="vugd"]')
    await fire.hides("desk-new")
    await fire.shows("card")
    await fire.at("desk-accepted").click()
    await taker.shows("service", state="accepted", which='[data-service="vugd"]')
    await fire.at("unit-call-sign").fill("R-11")
    await fire.at("unit-add").click()
    await fire.at("unit-assign").click()
    await fire.shows("desk-unit", state="assigned")
    await fire.at("desk-unit").get_by_test_id("unit-en_route").click()
    await taker.shows("service", state="en_route", which='[data-service="vugd"]')
    await taker.shows("service-unit", state="en_route")

    await ambulance.at("desk-line").click()
    await ambulance.at("desk-refused").click()
    await ambulance.at("reason-no_units").click()
    await ambulance.at("reason-submit").click()
    await taker.shows("service-refused")
    await taker.shows("notice", which='[data-code="service_refused"]')
    await ambulance.shows("desk-empty")
    assert [*taker.faults, *fire.faults, *ambulance.faults] == []
