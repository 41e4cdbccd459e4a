"""The pictures of the panel in the documentation, taken of a real centre at work."""

import time
from pathlib import Path

from playwright.async_api import Locator
from playwright.async_api import expect as expect_element

from ccserver.accounts import DeviceKind, Role
from sim.browser import HEIGHT, WIDTH, Chromium, ColourScheme, Workplace
from sim.panel import Message
from sim.phones import Behaviour
from sim.scenarios.base import Measured, Run, eventually, expect, scenario
from sim.scenarios.browser import BROWSER_SEAT, enter, open_chromium, passed, write_notes
from sim.stack import Seat

COLLEAGUES = [
    Seat("janis", "Jānis Kalniņš", "101"),
    Seat("olga", "Olga Petrova", "102"),
    Seat("ilze", "Ilze Ozola", "103"),
]
PICTURE_AFTER_S = 8.0
MAP_RESTS_AFTER_S = 5.0  # it flies for a second or two, and a picture may take its time
EARLIER_NOTES = "Sirdslēkme, vīrietis, 67 gadi, elpo. Lāčplēša iela 12, 4. stāvs. NMPD izsaukta."
LIVE_NOTES = (
    "Deg divstāvu koka māja, Brīvības iela 1.\n"
    "Liesmas no 2. stāva loga, iekšā varētu būt viens cilvēks.\n"
    "Zvana kaimiņiene, gaida pie vārtiem."
)
CHIEF = Seat("zane", "Zane Krūmiņa", "190", DeviceKind.BROWSER, Role.SUPERVISOR, language="en")
BUILDINGS = 2_000
CARD_FIELDS: Message = {
    "type": "fire.building",
    "answers": {"fire_people": "yes", "fire_injured": "no"},
    "priority": 10,
    "summary": "Deg divstāvu koka māja, iekšā cilvēks",
    "hazards": ["smoke"],
}
WIDE, HIGH = 1_920, 1_200
AMBULANCE_NUMBER = "113"
AMBULANCE_TONE = 35
ALARM_AFTER_S = "20"
OFFICE = "office"
OFFICE_SEATS = ("agent-103",)
SKILLS_OF = {
    "agent-101": ("language:lv", "language:ru", "medical"),
    "agent-102": ("language:lv", "language:ru", "language:en"),
    "agent-103": ("language:lv", "ecall"),
    "agent-201": ("language:lv", "language:en", "medical"),
}


@scenario("panel-pictures", "the pictures of the panel in the documentation; to=DIR says where")
async def panel_pictures(run: Run) -> Measured:
    """A shift: calls, who waits, a card, a consultation, the supervisor's view, the routing."""
    target = Path(run.options.get("to", run.data_dir))
    await run.start(takers=0, people=[BROWSER_SEAT, CHIEF, *COLLEAGUES])
    for tone, seat in enumerate(COLLEAGUES):
        await run.add_taker_phone(seat, tone)
    await run.stack.make_addresses(BUILDINGS)
    await run.add_outside_phone(AMBULANCE_NUMBER, AMBULANCE_TONE, Behaviour(on_call="answer"))
    chromium = await open_chromium(run)
    chief = await enter(run, chromium, CHIEF)
    await plan_a_centre(run, chief)
    workplace = await busy_hour(run, chromium)
    await fill_card(run, workplace)
    taken: Measured = {}
    schemes: tuple[tuple[ColourScheme, str], ...] = (
        ("light", "panel.png"),
        ("dark", "panel-dark.png"),
    )
    for scheme, name in schemes:
        await workplace.page.emulate_media(color_scheme=scheme)
        taken[name] = await take(workplace, target / name)
    await workplace.page.emulate_media(color_scheme="light")
    taken["panel-card.png"] = await take_card(workplace, target)
    taken["panel-consult.png"] = await take_consultation(workplace, target)
    taken["panel-live.png"] = await take_live(chief, target)
    taken["panel-routing.png"] = await take_routing(chief, target)
    return taken


async def plan_a_centre(run: Run, chief: Workplace) -> None:
    """Give the routing what a centre has: services outside, another queue, skills."""
    address = f"{run.stack.panel_url}/api/routing"
    stored = await (await chief.context.request.get(address)).json()
    document: Message = stored["document"]
    document["directory"] = [
        _entry("nmpd", AMBULANCE_NUMBER, "service", "NMPD", "Скорая помощь", "Ambulance"),
        _entry("vugd", "67075112", "service", "VUGD", "Пожарные", "Fire service"),
        _entry("polish", "67333444", "interpreter", "Poļu tulks", "Польский", "Polish interpreter"),
    ]
    document["queues"].append({"name": OFFICE, "title": _title("Info", "Справки", "Enquiries")})
    document["queues"][0]["overflow"] = [{"after_s": 40.0, "queue": OFFICE, "site": None}]
    document["queues"][0]["relax"] = [{"after_s": 15.0, "skill": "language:*", "level": 0}]
    document["agents"] = [
        {
            "agent_id": agent_id,
            "queues": [OFFICE] if agent_id in OFFICE_SEATS else ["emergency", "callback"],
            "skills": [{"skill": skill, "level": 5} for skill in skills],
        }
        for agent_id, skills in SKILLS_OF.items()
    ]
    answer = await chief.context.request.put(
        address,
        data={"document": document, "comment": "Services of the region"},
        headers={"X-CCServer": "1", "If-Match": f'"{stored["newest"]}"'},
    )
    expect(answer.ok, f"the plan is saved: {answer.status} {await answer.text()}")


def _entry(name: str, number: str, kind: str, *titles: str) -> Message:
    return {"name": name, "number": number, "kind": kind, "title": _title(*titles)}


def _title(lv: str, ru: str, en: str) -> Message:
    return {"lv": lv, "ru": ru, "en": en}


async def busy_hour(run: Run, chromium: Chromium) -> Workplace:
    """A call taker in a call, two colleagues too, two callers waiting, one who gave up."""
    workplace = await enter(run, chromium, BROWSER_SEAT)
    await workplace.shows("phone-state", state="registered")
    await workplace.at("presence-ready").click()
    await workplace.shows("own-state", state="idle")
    first = await run.call(from_uri="<sip:+37126114520@127.0.0.1>")
    await workplace.at("offer-answer").click()
    await write_notes(workplace, EARLIER_NOTES)
    await run.bank.hangup(first)
    await workplace.shows("player")
    await workplace.at("wrap-up-done").click()
    await workplace.at("presence-not-ready").click()
    await workplace.at("presence-reason-admin").click()
    await workplace.shows("own-state", state="not_ready")
    gone = await run.call(from_uri="<sip:+37129334071@127.0.0.1>")
    await workplace.shows("waiting-row")
    await run.bank.hangup(gone)
    await workplace.hides("waiting-row")
    for seat, number in zip(COLLEAGUES[:2], ("+37122507318", "+37167890011"), strict=True):
        await run.panel(seat)
        await run.call(from_uri=f"<sip:{number}@127.0.0.1>")
        await run.bank.wait_for("connected", phone=seat.login)
    third = await run.panel(COLLEAGUES[2], ready=False)
    await third.put("/api/agent/presence", {"kind": "not_ready", "reason": "break"})
    await workplace.at("presence-ready").click()
    await run.call(from_uri="<sip:+37126481903@127.0.0.1>")
    await workplace.at("offer-answer").click()
    await write_notes(workplace, LIVE_NOTES)
    for number in ("+37120145562", "+37125770436"):
        await run.call(from_uri=f"<sip:{number}@127.0.0.1>")
    waiting = workplace.at("waiting-row")
    await eventually("two callers wait", lambda: _count(waiting, 2))
    shown_from = time.monotonic() + PICTURE_AFTER_S
    await eventually("the clocks show some seconds", lambda: passed(shown_from))
    return workplace


async def take(window: Workplace, path: Path) -> int:
    """One picture; gives its size in bytes."""
    await window.page.mouse.move(0, 0)
    return len(await window.page.screenshot(path=path, animations="disabled", caret="hide"))


async def fill_card(run: Run, workplace: Workplace) -> None:
    """What, where, and who comes, on the card of the conversation."""
    panel = await run.panel("supervisor", ready=False)
    incident_id = await workplace.at("card").get_attribute("data-incident")
    path = f"/api/cards/{incident_id}"
    found = (await panel.get("/api/addresses", q="brivibas 1 riga"))["addresses"]
    house = next(one for one in found if one["kind"] == "building" and one["lat"] is not None)
    address = {"text": house["text"], "code": house["code"], "floor": "2"}
    for name, value in (CARD_FIELDS | {"address": address}).items():
        headers = {"If-Match": '"0"'}
        await panel.put(f"{path}/fields/{name}", {"value": value}, headers=headers)
    told = {"kind": "incident", "source": "address", "lat": house["lat"], "lon": house["lon"]}
    await panel.post(f"{path}/locations", told)
    await panel.post(f"{path}/services", {"services": ["vugd", "nmpd"]})
    await workplace.shows("told-place", which='[data-source="address"]')
    await workplace.shows("service", which='[data-service="vugd"]')
    await workplace.page.evaluate("document.activeElement.blur()")
    await workplace.at("card-number").scroll_into_view_if_needed()


async def take_card(workplace: Workplace, target: Path) -> int:
    """The same card on a wide screen, with what happened and where side by side."""
    await workplace.page.set_viewport_size({"width": WIDE, "height": HIGH})
    await expect_element(workplace.at("map")).to_have_attribute("data-state", "drawn")
    still = time.monotonic() + MAP_RESTS_AFTER_S
    await eventually("the map has come to rest", lambda: passed(still))
    await workplace.at("card-number").scroll_into_view_if_needed()
    picture = await take(workplace, target / "panel-card.png")
    await workplace.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    return picture


async def take_consultation(workplace: Workplace, target: Path) -> int:
    """The caller hears music while the ambulance service is asked."""
    await workplace.page.keyboard.press("F10")
    await workplace.page.keyboard.type("nmpd")
    await workplace.shows("choice", which='[aria-selected="true"]')
    await workplace.page.keyboard.press("Enter")
    await workplace.shows("call", which='[data-stage="consult"]')
    await workplace.hides("target-dialog")
    return await take(workplace, target / "panel-consult.png")


async def take_live(chief: Workplace, target: Path) -> int:
    """The supervisor listens to one of the conversations."""
    await chief.shows("phone-state", state="registered")
    await chief.at("page-live").click()
    await chief.at("live-conversation").first.get_by_test_id("monitor-listen").click()
    await chief.shows("monitor-bar", which='[data-mode="listen"]')
    picture = await take(chief, target / "panel-live.png")
    await chief.at("monitor-bar").get_by_test_id("monitor-off").click()
    await chief.hides("monitor-bar")
    return picture


async def take_routing(chief: Workplace, target: Path) -> int:
    """A queue's form with what it does in words, and a change that is not saved yet."""
    await chief.at("page-routing").click()
    await chief.shows("queue-sentence")
    field = '[data-path="queues/0/alarm_after_s"]'
    await chief.page.locator(f"input{field}, {field} input").first.fill(ALARM_AFTER_S)
    await chief.page.evaluate("document.activeElement.blur()")
    for part in await chief.page.locator(".routing-main, .items-form").all():
        await part.evaluate("element => { element.scrollTop = 0; }")
    return await take(chief, target / "panel-routing.png")


async def _count(elements: Locator, wanted: int) -> bool:
    return await elements.count() == wanted
