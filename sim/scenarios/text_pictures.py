"""The pictures of texts in the documentation, taken of a real centre at work."""

import asyncio
import time
from pathlib import Path

from playwright.async_api import expect as expect_element

from ccserver.accounts import DeviceKind
from sim.browser import WIDTH, ColourScheme, Workplace
from sim.panel import Message
from sim.scenarios.base import Measured, Run, eventually, scenario
from sim.scenarios.browser import BROWSER_SEAT, enter, open_chromium, passed
from sim.scenarios.pictures import BUILDINGS, CHIEF, HIGH, MAP_RESTS_AFTER_S, take
from sim.scenarios.sms import BINDS, FIRE_IN_RUSSIAN, ORDER, PASSWORD, SYSTEM_ID, operator_at
from sim.smsc import Account, Citizen, Faults, MessageCentre
from sim.stack import Seat, Stack

SEAT = Seat("marta", "Marta Liepa", BROWSER_SEAT.extension, DeviceKind.BROWSER, language="en")
FIRE, CRASH = "+37126481903", "+37129334071"
DIALOGUE = (
    (
        "Где именно горит? Закройте дверь на балкон и держитесь ниже дыма.",
        "В коридоре, мы легли на пол",
    ),
)
"""What the call taker writes, and what the citizen answers to it."""
LAST_REPLY = "Видите лестницу? Помашите чем-нибудь светлым."
CRASH_TEXT = "Car crash on A2 after Sigulda, 2 people hurt. I am deaf, please text me"
HOUSE = "brivibas 45 riga"
CARD_FIELDS: Message = {
    "type": "fire.building",
    "answers": {"fire_people": "yes"},
    "priority": 10,
    "summary": "Deg dzīvoklis 3. stāvā, uz balkona četri cilvēki",
}
NEVER_S = 3_600.0
"""A receipt so late does not come while the picture is taken."""
REPLY_FOR_S = 1.5
"""Between two texts, so that the clock beside them moves on."""


@scenario("text-pictures", "the pictures of texts in the documentation; to=DIR says where")
async def text_pictures(run: Run) -> Measured:
    """A text in three parts answered, prepared texts open, another text that waits."""
    target = Path(run.options.get("to", run.data_dir))
    centre = MessageCentre([Account(SYSTEM_ID, PASSWORD)])
    await run.exits.enter_async_context(centre)

    def prepare(stack: Stack) -> None:
        stack.take_texts(operator_at(centre.port))

    await run.start(takers=0, people=[SEAT, CHIEF], prepare=prepare)
    await run.stack.make_addresses(BUILDINGS)
    await centre.until(lambda: len(centre.bound) == len(BINDS), "both binds are up")
    workplace = await enter(run, await open_chromium(run), SEAT)
    await workplace.page.set_viewport_size({"width": WIDTH, "height": HIGH})
    await workplace.ready()
    await _converse(centre, workplace)
    await _fill_card(run, workplace)
    await _another_waits(centre, workplace)
    await workplace.page.keyboard.type("/")
    await workplace.shows("snippets")
    still = time.monotonic() + MAP_RESTS_AFTER_S
    await eventually("the map has come to rest", lambda: passed(still))
    taken: Measured = {}
    schemes: tuple[tuple[ColourScheme, str], ...] = (
        ("light", "panel-texts.png"),
        ("dark", "panel-texts-dark.png"),
    )
    for scheme, name in schemes:
        await workplace.page.emulate_media(color_scheme=scheme)
        taken[name] = await take(workplace, target / name)
    return taken


async def _converse(centre: MessageCentre, workplace: Workplace) -> None:
    """Parts out of order, accepted by keyboard, and answered until the last reply is on its way."""
    citizen = centre.citizen(FIRE)
    await citizen.send(FIRE_IN_RUSSIAN, order=ORDER)
    await _accept(workplace, FIRE_IN_RUSSIAN)
    delivered = workplace.page.locator('[data-testid="text-delivery"][data-state="delivered"]')
    for number, (reply, answer) in enumerate(DIALOGUE, 1):
        await _write(workplace, citizen, reply)
        await expect_element(delivered).to_have_count(number)
        await asyncio.sleep(REPLY_FOR_S)
        await citizen.send(answer)
        await workplace.shows("text-body", text=answer, which=f":text-is('{answer}')")
    centre.faults = Faults(receipt_after_s=NEVER_S)
    await workplace.at("reply").fill(LAST_REPLY)
    await workplace.page.keyboard.press("Control+Enter")
    await workplace.shows("text-delivery", which='[data-state="sent"]')


async def _accept(workplace: Workplace, text: str) -> None:
    await workplace.shows("offer")
    await workplace.page.keyboard.press("F2")
    await workplace.shows("text-body", text=text, which=f":text-is('{text}')")


async def _write(workplace: Workplace, citizen: Citizen, text: str) -> None:
    await workplace.at("reply").fill(text)
    await workplace.page.keyboard.press("Control+Enter")

    async def there() -> bool:
        return text in citizen.texts

    await eventually("the reply is on the telephone", there)


async def _fill_card(run: Run, workplace: Workplace) -> None:
    """What and where."""
    panel = await run.panel(CHIEF.login, ready=False)
    incident_id = await workplace.at("card").get_attribute("data-incident")
    path = f"/api/cards/{incident_id}"
    found = (await panel.get("/api/addresses", q=HOUSE))["addresses"]
    house = next(one for one in found if one["kind"] == "building" and one["lat"] is not None)
    address = {"text": house["text"], "code": house["code"], "floor": "3"}
    for name, value in (CARD_FIELDS | {"address": address}).items():
        headers = {"If-Match": '"0"'}
        await panel.put(f"{path}/fields/{name}", {"value": value}, headers=headers)
    told = {"kind": "incident", "source": "address", "lat": house["lat"], "lon": house["lon"]}
    await panel.post(f"{path}/locations", told)
    await workplace.shows("told-place", which='[data-source="address"]')


async def _another_waits(centre: MessageCentre, workplace: Workplace) -> None:
    """A second text is in hand and not answered yet; the first one's card is on the screen."""
    await centre.citizen(CRASH).send(CRASH_TEXT)
    await _accept(workplace, CRASH_TEXT)
    await workplace.page.keyboard.press("Shift+F7")
    await workplace.shows("text-body", text=LAST_REPLY, which=f":text-is('{LAST_REPLY}')")
    await expect_element(workplace.at("reply")).to_be_focused()
