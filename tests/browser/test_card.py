"""The card in a real browser: filled by keyboard, shared by two, joined, sent, and followed."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route, expect

from ccserver.accounts import Scope
from ccserver.location import Position, offset
from sim.browser import ACTION_TIMEOUT_S, Workplace
from sim.panel import Message, Program
from sim.scenarios.base import eventually
from tests.browser.accessible import violations
from tests.browser.conftest import ADMIN, COLLEAGUE, DESK, DESK_SEATS, FIRE, Centre
from tests.browser.map_stage import Stage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]

CENTRE_OF_RIGA = Position(56.95, 24.12)
DAUGAVPILS = Position(55.87, 26.52)
"""Where no other test has its incidents, so that nothing else is proposed."""


async def answered(centre: Centre, workplace: Workplace, seat: Any = DESK) -> str:
    """A caller is talked with in that window; gives the card, which is open there."""
    await workplace.ready()
    call = await centre.run.call()
    await workplace.shows("offer")
    await workplace.at("offer-answer").click()
    await centre.run.bank.wait_for("heard", call=call, party=DESK_SEATS.index(seat))
    card = await workplace.shows("card")
    return str(await card.get_attribute("data-incident"))


async def card_of(centre: Centre, incident_id: str) -> Message:
    """As the server has it."""
    return await centre.onlooker.get(f"/api/cards/{incident_id}")


async def saved(centre: Centre, incident_id: str, **wanted: object) -> None:
    """Wait until the fields have these values on the server."""

    async def there() -> bool:
        fields = (await card_of(centre, incident_id))["fields"]
        return all(fields.get(name, {}).get("value") == value for name, value in wanted.items())

    await eventually(f"saved: {wanted}", there)


async def focused(workplace: Workplace, testid: str, which: str) -> None:
    """The keyboard is on that element."""
    await workplace.at(testid).and_(workplace.page.locator(which)).first.focus()


async def place(centre: Centre, incident_id: str, where: Position) -> None:
    """The place that a call taker told by a click."""
    told = {"kind": "incident", "source": "map", "lat": where.latitude, "lon": where.longitude}
    await centre.onlooker.post(f"/api/cards/{incident_id}/locations", told)


async def test_a_card_is_filled_by_keyboard_during_the_call(centre: Centre) -> None:
    workplace = await centre.enter(DESK)
    keyboard = workplace.page.keyboard
    incident_id = await answered(centre, workplace)
    await keyboard.press("Shift+F6")
    await expect(workplace.at("field-type")).to_be_focused()
    await keyboard.type("accident with injured")
    await keyboard.press("Enter")
    await saved(centre, incident_id, type="traffic.injured")

    await workplace.shows("question", which='[data-code="traffic_trapped"]')
    yes = '[data-code="traffic_trapped"] [data-code="yes"]'
    await focused(workplace, "answer", yes)
    await keyboard.press("Space")
    await expect(workplace.at("field-priority")).to_have_value("10")
    await saved(centre, incident_id, answers={"traffic_trapped": "yes"}, priority=10)

    await focused(workplace, "person-add", "button")
    await keyboard.press("Enter")
    await workplace.at("person-role").select_option("patient")
    await workplace.at("person-name").focus()
    await keyboard.type("Andris")
    await workplace.at("person-condition").focus()
    await keyboard.type("trapped")

    async def person() -> bool:
        fields = (await card_of(centre, incident_id))["fields"]
        found = [f["value"] for name, f in fields.items() if name.startswith("person:")]
        told = [(one["role"], one["name"], one["condition"]) for one in found]
        return told == [("patient", "Andris", "trapped")]

    await eventually("the person is on the card", person)

    await workplace.at("address-input").focus()
    await keyboard.type("brivibas 1 riga")
    option = await workplace.shows("address-option", which='[aria-selected="true"]')
    code = await option.get_attribute("data-code")
    await keyboard.press("Enter")
    await workplace.shows("told-place", which='[data-source="address"][data-current="true"]')
    address = (await card_of(centre, incident_id))["fields"]["address"]["value"]
    assert address["code"] == code
    await expect(workplace.at("address-input")).to_have_value(address["text"])

    await send_proposed(workplace)
    await expect(workplace.at("call")).to_be_visible()
    assert await violations(workplace, "card") == []
    assert workplace.faults == []


async def send_proposed(workplace: Workplace) -> None:
    """All that the catalogue proposes are ticked; one key sends to them."""
    for service in ("vugd", "nmpd", "vp"):
        choice = await workplace.shows("service-choice", which=f'[data-service="{service}"]')
        await expect(choice).to_be_checked()
    await workplace.page.keyboard.press("Control+Enter")
    for service in ("vugd", "nmpd", "vp"):
        await workplace.shows("service", which=f'[data-service="{service}"]')


async def test_a_click_on_the_map_is_the_place_and_a_late_fix_moves_it(centre: Centre) -> None:
    workplace = await centre.enter(DESK)
    incident_id = await answered(centre, workplace)
    stage = Stage(workplace)
    await workplace.at("map-open").click()
    await stage.shows("drawn")
    admin = await centre.run.panel(ADMIN)
    wanted = {"name": "Network", "scopes": [Scope.CONTACTS_WRITE]}
    token = (await admin.post("/api/keys", wanted))["token"]
    card = await card_of(centre, incident_id)
    path = f"/api/contacts/{card['contacts'][0]['contact_id']}/locations"
    cell, fix = CENTRE_OF_RIGA, offset(CENTRE_OF_RIGA, 90, 3_000)
    async with Program(centre.run.stack.panel_url, token) as network:
        for told, source, radius_m in ((cell, "network_cell", 2_000), (fix, "https", 15)):
            at = {"lat": told.latitude, "lon": told.longitude}
            await network.post(path, {**at, "source": source, "radius_m": radius_m})
            which = f'[data-source="{source}"][data-current="true"]'
            await workplace.shows("told-place", which=which)
            await stage.is_at((told.latitude, told.longitude))
    marks = workplace.at("map-mark")
    await expect(marks.and_(workplace.page.locator("[data-current=true]"))).to_have_count(1)
    await workplace.at("map-canvas").scroll_into_view_if_needed()
    view = await stage.view()
    x, y = view.left + view.width / 2 + 60, view.top + view.height / 2 + 40
    await workplace.page.mouse.click(x, y)
    await workplace.shows("told-place", which='[data-source="map"][data-current="true"]')
    told = (await card_of(centre, incident_id))["locations"][-1]
    there = view.pixel((told["lat"], told["lon"]))
    assert (abs(there[0] - x) < 2, abs(there[1] - y) < 2) == (True, True), (there, x, y)
    assert workplace.faults == []


async def test_two_windows_show_each_other_and_lose_neither_edit(centre: Centre) -> None:
    mine, theirs = await centre.enter(DESK), await centre.enter(COLLEAGUE)
    incident_id = await answered(centre, mine)
    listed = theirs.page.locator(f'[data-incident="{incident_id}"]')
    await theirs.at("recent-card").and_(listed).click()
    await theirs.shows("card", which=f'[data-incident="{incident_id}"]')
    await mine.at("field-summary").focus()
    summary = '[data-field="summary"]'
    here = theirs.page.locator(summary).get_by_test_id("field-person")
    await expect(here).to_contain_text(DESK.name, timeout=ACTION_TIMEOUT_S * 1000)
    await mine.shows("card-people", text=COLLEAGUE.name)

    let_go = asyncio.Event()

    async def hold(route: Route) -> None:
        await let_go.wait()
        await route.continue_()

    await mine.page.route(f"**/api/cards/{incident_id}/fields/summary", hold)
    await mine.at("field-summary").fill("Two cars")
    await theirs.at("field-summary").fill("A lorry and a car")
    await saved(centre, incident_id, summary="A lorry and a car")
    let_go.set()
    await mine.shows("field-conflict", which=summary)
    await mine.shows("conflict-mine", text="Two cars")
    await mine.shows("conflict-theirs", text="A lorry and a car")
    await expect(mine.at("field-summary")).to_have_value("Two cars")
    await mine.at("conflict-keep-mine").click()
    await saved(centre, incident_id, summary="Two cars")
    await mine.hides("field-conflict")
    await expect(theirs.at("field-summary")).to_have_value("Two cars")
    path = f"/api/cards/{incident_id}/fields/summary/history"
    history = (await centre.onlooker.get(path))["versions"]
    assert [one["value"] for one in history] == ["Two cars", "A lorry and a car"]
    assert [*mine.faults, *theirs.faults] == []


async def test_a_proposal_is_joined_by_one_key_and_taken_back_on_the_timeline(
    centre: Centre,
) -> None:
    first, second = await centre.enter(DESK), await centre.enter(COLLEAGUE)
    one = await answered(centre, first)
    await place(centre, one, DAUGAVPILS)
    other = await answered(centre, second, COLLEAGUE)
    await second.at("notes").fill("A blue car in the ditch")
    await place(centre, other, offset(DAUGAVPILS, 0, 150))
    await second.shows("neighbour", which=f'[data-incident="{one}"]')
    await second.page.keyboard.press("Shift+F3")
    await second.shows("card", which=f'[data-incident="{one}"]')
    await second.shows("merged-card", which=f'[data-incident="{other}"]')
    await first.shows("merged-card", which=f'[data-incident="{other}"]')
    card = await card_of(centre, one)
    assert len(card["contacts"]) == 2
    assert card["merged"][0]["notes"]["text"] == "A blue car in the ditch"
    await first.shows("call")
    await second.shows("call")

    entry = second.page.locator('[data-testid="timeline-entry"][data-tag="merged"]')
    await entry.get_by_test_id("undo").first.click()
    await first.shows("timeline-entry", which='[data-tag="merge_undone"]')
    await first.hides("merged-card")
    apart = await card_of(centre, other)
    assert (len(apart["contacts"]), apart["merged_into"]) == (1, None)
    assert [*first.faults, *second.faults] == []


async def test_a_dispatcher_sees_the_own_service_alone_and_reports_to_the_end(
    centre: Centre,
) -> None:
    taker, fire = await centre.enter(DESK), await centre.enter(FIRE)
    await fire.shows("desk", which='[data-service="vugd"]')
    incident_id = await answered(centre, taker)
    path = f"/api/cards/{incident_id}/services"
    await centre.onlooker.post(path, {"services": ["nmpd"], "note": "Not for the fire service"})
    await taker.shows("service", which='[data-service="nmpd"]')
    await (await taker.shows("service-choice", which='[data-service="vugd"]')).check()
    await taker.page.keyboard.press("Control+Enter")
    vugd = '[data-service="vugd"]'
    await taker.shows("service", state="received", which=vugd)
    sent = (await card_of(centre, incident_id))["services"]
    lines = {one["service"]: f'[data-involvement="{one["involvement_id"]}"]' for one in sent}
    await fire.shows("desk-line", which=lines["vugd"])
    await expect(fire.page.locator(lines["nmpd"])).to_have_count(0)
    for hidden in ("waiting", "recent-card", "desk-service", "page-live", "page-routing"):
        await expect(fire.at(hidden).locator("visible=true")).to_have_count(0)

    await fire.at("desk-line").and_(fire.page.locator(lines["vugd"])).click()
    await taker.shows("service", state="seen", which=vugd)
    await fire.at("desk-accepted").click()
    await taker.shows("service", state="accepted", which=vugd)
    await fire.at("unit-call-sign").fill("R-21")
    await fire.at("unit-add").click()
    await fire.at("unit-assign").click()
    unit = '[data-unit="R-21"]'
    for state in ("dispatched", "en_route", "on_scene", "cleared"):
        await fire.at("desk-unit").get_by_test_id(f"unit-{state}").click()
        await fire.shows("desk-unit", state=state, which=unit)
        await taker.shows("service", state=state, which=vugd)
    told = [entry["tag"] for entry in (await card_of(centre, incident_id))["timeline"]]
    steps = [tag for tag in told if tag.startswith("service_") and tag != "service_sent"]
    assert steps == [
        *("service_received", "service_seen", "service_accepted", "service_dispatched"),
        *("service_en_route", "service_on_scene", "service_cleared"),
    ]
    assert [*taker.faults, *fire.faults] == []
