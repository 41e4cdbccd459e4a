"""A citizen texts 112, in Chromium: taken like a call, answered, closed, and taken up again."""

import pytest
from playwright.async_api import expect

from sim.browser import Workplace
from sim.scenarios.base import caller_number, eventually
from sim.smsc import Citizen
from tests.browser.accessible import violations
from tests.browser.conftest import DESK, DESK_SEATS, Centre

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]

WRITER, CALLER = "+37129110001", "+37129110002"
FIRE = (
    "Помогите, пожалуйста! В нашем доме пожар, мы на третьем этаже, лестница в дыму. "
    "Адрес: улица Бривибас 12, квартира 7. Со мной двое детей и бабушка, она не ходит. "
    "Телефон почти разряжен."
)
QUESTION = "Где вы сейчас? Закройте дверь, откройте окно."


async def comes(citizen: Citizen, text: str) -> None:
    """The text is on the citizen's telephone."""

    async def there() -> bool:
        return text in citizen.texts

    await eventually("the reply is on the telephone", there)


async def write(workplace: Workplace, text: str) -> None:
    """By keyboard alone."""
    await workplace.at("reply").fill(text)
    await workplace.page.keyboard.press("Control+Enter")


async def close(workplace: Workplace) -> None:
    await workplace.at("text-close").click()
    await workplace.at("text-close-confirm").click()
    await workplace.shows("text-state", state="closed")
    await workplace.hides("in-hand")


async def test_a_text_is_accepted_answered_delivered_closed_and_taken_up_again(
    centre: Centre,
) -> None:
    citizen = centre.operator.citizen(WRITER)
    taker = await centre.enter(DESK)
    await taker.ready()
    await citizen.send(FIRE, order=[3, 1, 2], again=[1])
    await taker.shows("offer", text="Text message for you")
    await taker.shows("text-body", text="Бривибас")
    await taker.shows("reply-obstacle", which='[data-why="waiting"]')
    await taker.page.keyboard.press("F2")
    await taker.hides("offer")
    await taker.shows("text-body", text=FIRE)
    await taker.shows("text-language", text="Russian")
    await taker.hides("text-incomplete")

    await write(taker, QUESTION)
    await comes(citizen, QUESTION)
    await taker.shows("text-delivery", state="delivered")
    assert await violations(taker, "conversations") == []
    assert await violations(taker, "in-hand") == []
    await taker.at("reply").fill("Nepabeigts")
    await taker.page.reload()
    await taker.at("in-hand-text").click()
    assert await taker.at("reply").input_value() == "Nepabeigts"
    await taker.at("reply").fill("")
    await close(taker)

    await citizen.send("Мы вышли!")
    await taker.shows("offer")
    await taker.at("offer-answer").click()
    await taker.shows("text-body", text="Мы вышли!", which=":text('Мы вышли!')")
    await taker.shows("text-body", text=FIRE)
    await close(taker)
    assert taker.faults == []


async def test_a_text_of_somebody_who_talks_stands_on_the_card_of_the_call(centre: Centre) -> None:
    bank = centre.run.bank
    number = caller_number(centre.run.calls_made)
    citizen = centre.operator.citizen(number)
    taker = await centre.enter(DESK)
    await taker.ready()
    call = await centre.run.call()
    await taker.at("offer-answer").click()
    await bank.wait_for("heard", call=call, party=DESK_SEATS.index(DESK))
    await citizen.send("Es nevaru skaļi runāt")
    await taker.shows("text-body", text="Es nevaru skaļi runāt")
    await taker.hides("side-offer")
    await write(taker, "Rakstiet, es lasu.")
    await comes(citizen, "Rakstiet, es lasu.")
    await taker.shows("text-delivery", state="delivered")
    await taker.shows("call")
    await taker.at("text-close").click()
    await taker.at("text-close-confirm").click()
    await taker.shows("text-state", state="closed")
    await bank.hangup(call)
    await taker.at("wrap-up-done").click()
    assert taker.faults == []


async def test_a_call_comes_beside_a_text_and_neither_is_lost(centre: Centre) -> None:
    bank = centre.run.bank
    citizen = centre.operator.citizen(CALLER)
    taker = await centre.enter(DESK)
    await taker.ready()
    await citizen.send("Redzu dūmus mežā")
    await taker.shows("offer")
    await taker.page.keyboard.press("F2")
    await taker.shows("in-hand-text")
    await taker.at("reply").fill("Kur ")

    call = await centre.run.call()
    await taker.shows("offer", text="Emergency call for you")
    await taker.at("offer-answer").click()
    await bank.wait_for("heard", call=call, party=DESK_SEATS.index(DESK))
    await taker.shows("call")
    of_call = await taker.at("card").get_attribute("data-incident")
    await taker.hides("conversation")

    await taker.page.keyboard.press("Shift+F7")
    await taker.shows("text-body", text="Redzu dūmus mežā")
    await expect(taker.at("reply")).to_be_focused()
    await taker.page.keyboard.type("tieši?")
    await taker.page.keyboard.press("Control+Enter")
    await comes(citizen, "Kur tieši?")
    await taker.page.keyboard.press("Shift+F7")
    await taker.shows("card", which=f'[data-incident="{of_call}"]')
    await taker.shows("call")
    await bank.hangup(call)
    await taker.at("wrap-up-done").click()
    await taker.at("in-hand-text").click()
    await close(taker)
    assert taker.faults == []
