"""Citizens who text 112, through a message centre that misbehaves and dies, and a server that does.

The call takers work by the API that their panels use, and one of them is looked at in Chromium.
Times are what a person would feel.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from playwright.async_api import expect as expect_element

from ccserver.config import ACDSettings, SMSBindSettings, SMSOperatorSettings, SMSSettings
from sim.browser import Workplace
from sim.panel import Message, Panel
from sim.scenarios.base import Measured, Run, eventually, expect, scenario
from sim.scenarios.browser import open_chromium
from sim.smsc import Account, Citizen, Faults, IdForm, MessageCentre, Reply
from sim.stack import Stack

SYSTEM_ID, PASSWORD = "ccserver", "secret12"
OPERATOR = "operator"
BINDS = ("operator-1", "operator-2")
QUICK = ACDSettings(wrap_up_s=0.2)

FIRE_IN_RUSSIAN = (
    "Помогите! На улице Бривибас 45 горит квартира на третьем этаже, внутри двое детей и бабушка, "
    "дверь заклинило. Мы на балконе, спуститься не можем, огонь уже в коридоре. "
    "Говорить не могу, дым."
)
"""Three parts of 67 characters, which is what Cyrillic letters leave of a message."""
ORDER = (2, 3, 1)
REPEATED = 3
PAUSE_S = 0.4
"""Between the parts, so that the first one is seen alone."""
LONG_ANSWER = (
    "Пожарные уже получили ваш вызов. Закройте дверь на балкон, держитесь ниже дыма, "
    "не возвращайтесь в квартиру."
)
ANSWERS = (
    LONG_ANSWER,
    "Где точно находятся дети: в какой комнате?",
)
"""The first takes two parts."""
ANSWER_WITHIN_S = 120.0
"""What the answers have, as a person writes; receipts included."""
CHATTER = "Мы видим машину!"
DURING_THE_CALL = "Es nevaru runāt, viņš ir istabā. Lāčplēša 12, 4. stāvs"
WHILE_DEAD = "Hurry up please, the smoke is getting thicker"
LAST = "Спасибо, мы внизу"
AFTER_CLOSE = "He is back again, please send someone"
FAULTS = Faults(
    seed=112,
    throttled=0.15,
    receipt_first=0.3,
    receipt_twice=0.2,
    intermediate=0.3,
    deliver_twice=0.1,
    slow=0.2,
    held=0.2,
    ids=IdForm.MIXED,
)


@dataclass
class Texting:
    """One run: the centre, its people, the call takers, and what was measured."""

    run: Run
    centre: MessageCentre
    panels: Sequence[Panel] = ()
    windows: list[Workplace] = field(default_factory=list)
    measured: Measured = field(default_factory=dict)

    def ms(self, name: str, since: float, until: float) -> None:
        """Keep how long something took."""
        self.measured[name] = round((until - since) * 1000, 1)


def operator_at(port: int) -> SMSSettings:
    """Two binds with the simulated operator."""
    binds = tuple(
        SMSBindSettings(
            name=name, host="127.0.0.1", port=port, system_id=SYSTEM_ID, password=PASSWORD
        )
        for name in BINDS
    )
    return SMSSettings(operators=(SMSOperatorSettings(name=OPERATOR, binds=binds),))


async def begin_texting(run: Run, takers: int, *, faults: Faults | None = None) -> Texting:
    """A centre whose operator is simulated; every call taker is ready, in this order of skills."""
    centre = MessageCentre([Account(SYSTEM_ID, PASSWORD)], faults=faults)
    await run.exits.enter_async_context(centre)

    def prepare(stack: Stack) -> None:
        stack.take_texts(operator_at(centre.port))

    await run.start(takers=takers, acd=QUICK, prepare=prepare)
    await centre.until(lambda: len(centre.bound) == len(BINDS), "both binds are up")
    return Texting(run, centre)


@scenario("sms", "texts in pieces, during a call, through an operator and a server that die")
async def sms(run: Run) -> Measured:
    """From the first part to the last receipt; nothing is lost, and nothing is shown twice."""
    texting = await begin_texting(run, 2, faults=FAULTS)
    await _speak_russian(texting)
    texting.panels = [await run.panel(seat) for seat in run.takers]
    await _windows(texting)
    fire = await _three_parts(texting)
    await _answered(texting, fire)
    await _again(texting, fire)
    await _during_a_call(texting)
    await _centre_dies(texting, fire)
    await _server_dies(texting, fire)
    await _closed_and_reopened(texting, fire)
    await _nothing_lost(texting)
    return texting.measured


# -- the people ----------------------------------------------------------------------------------


@dataclass
class Matter:
    """A citizen, the conversation, and the call taker who has it."""

    citizen: Citizen
    panel: Panel
    contact_id: str
    incident_id: str = ""
    conversation_id: str = ""

    async def conversation(self) -> Message:
        """The conversation as the card shows it."""
        found = await self.panel.get(f"/api/incidents/{self.incident_id}/conversations")
        of_citizen = [
            one for one in found["conversations"] if one["citizen"] == self.citizen.number
        ]
        expect(len(of_citizen) == 1, f"one conversation with the citizen, not {len(of_citizen)}")
        self.conversation_id = of_citizen[0]["conversation_id"]
        return dict(of_citizen[0])

    async def texts(self, direction: str) -> list[str]:
        """What was written, oldest first, without what the operator delivered once more."""
        messages = (await self.conversation())["messages"]
        written = [m for m in messages if m["direction"] == direction]
        again = {
            m["message_id"]
            for place, m in enumerate(written)
            if m["duplicate"] and m["text"] in [before["text"] for before in written[:place]]
        }
        return [m["text"] for m in written if m["message_id"] not in again]

    async def write(self, text: str) -> Message:
        """Answer the citizen."""
        if not self.conversation_id:
            await self.conversation()
        return await self.panel.post(
            f"/api/conversations/{self.conversation_id}/messages",
            {"text": text},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )


async def _speak_russian(texting: Texting) -> None:
    """Only the second call taker has the language, and the line waits for who has it."""
    chief = await texting.run.panel("supervisor")
    stored = await chief.get("/api/routing")
    document = stored["document"]
    document["queues"][0]["relax"] = [{"after_s": 20.0, "skill": "language:*", "level": 0}]
    levels = (("language:lv", "language:en"), ("language:lv", "language:ru"))
    document["agents"] = [
        {
            "agent_id": f"agent-{seat.extension}",
            "skills": [{"skill": skill, "level": 5} for skill in skills],
            "text_max": 4,
        }
        for seat, skills in zip(texting.run.takers, levels, strict=True)
    ]
    await chief.put(
        "/api/routing",
        {"document": document, "comment": "who speaks what"},
        headers={"If-Match": f'"{stored["newest"]}"'},
    )


def _text_of(citizen: Citizen, message: Message) -> bool:
    contact = message.get("contact", {})
    told = (message["type"], contact.get("medium"), contact.get("caller_number"))
    return told == ("contact", "sms", citizen.number)


async def _take(panel: Panel, contact_id: str, *, after: float = 0.0) -> float:
    """Accept the offer of a text; gives when it was offered."""
    at, _ = await panel.wait_for(
        lambda m: m["type"] == "offer" and m["offer"]["contact_id"] == contact_id, after=after
    )
    await panel.act(contact_id, "answer")
    await panel.wait_for(
        lambda m: (
            m["type"] == "contact"
            and m["contact"]["contact_id"] == contact_id
            and m["contact"]["state"] == "talking"
        ),
        after=after,
    )
    return at


# -- the story -----------------------------------------------------------------------------------


async def _three_parts(texting: Texting) -> Matter:
    """Out of order, one of them twice: seen with the first part, whole with the last."""
    citizen, panel = texting.centre.citizen("+37120000001"), texting.panels[1]
    began = time.monotonic()
    sending = asyncio.create_task(
        citizen.send(FIRE_IN_RUSSIAN, order=ORDER, again=[REPEATED], pause_s=PAUSE_S)
    )
    shown_at, message = await panel.wait_for(lambda m: _text_of(citizen, m), after=began)
    texting.ms("first_part_to_list_ms", began, shown_at)
    contact_id = message["contact"]["contact_id"]
    offered_at = await _take(panel, contact_id, after=began)
    texting.ms("first_part_to_offer_ms", began, offered_at)
    card = await panel.card_of(contact_id)
    matter = Matter(citizen, panel, contact_id, card["incident_id"])
    await sending

    async def whole() -> bool:
        return await matter.texts("in") == [FIRE_IN_RUSSIAN]

    await eventually("all three parts are one text, without the one that came twice", whole)
    expect((await matter.conversation())["language"] == "ru", "the language was recognised")
    await _on_screen(texting, 1, contact_id, FIRE_IN_RUSSIAN)
    return matter


async def _answered(texting: Texting, matter: Matter) -> None:
    """Two answers, the first of two parts, delivered with receipts within two minutes."""
    began = time.monotonic()
    arrived: list[Reply] = []
    texting.centre.on_arrival = lambda _, reply: arrived.append(reply)
    for answer in ANSWERS:
        await matter.write(answer)
        await asyncio.sleep(PAUSE_S)
    await _delivered(matter, len(ANSWERS))
    texting.ms("answers_to_receipts_ms", began, time.monotonic())
    expect(time.monotonic() - began < ANSWER_WITHIN_S, "the receipts came in two minutes")
    expect(matter.citizen.texts == list(ANSWERS), "the citizen reads both, whole and in order")
    await _delivered_on_screen(texting, 1, len(ANSWERS))


async def _delivered(matter: Matter, count: int) -> None:
    async def all_delivered() -> bool:
        conversation = await matter.conversation()
        ours = [m for m in conversation["messages"] if m["direction"] == "out"]
        states = [m["delivery"]["state"] for m in ours]
        return len(states) == count and set(states) == {"delivered"}

    await eventually(f"{count} answers are delivered", all_delivered, timeout_s=ANSWER_WITHIN_S)


async def _again(texting: Texting, matter: Matter) -> None:
    """Another text of the same citizen: no second contact, no second card."""
    before = len((await matter.panel.get("/api/cards", limit="100"))["cards"])
    await matter.citizen.send(CHATTER)

    async def there() -> bool:
        return (await matter.texts("in"))[-1] == CHATTER

    await eventually("the next text joins the conversation", there)
    after = len((await matter.panel.get("/api/cards", limit="100"))["cards"])
    expect(after == before, "a repeated text opens no second card")


async def _during_a_call(texting: Texting) -> None:
    """A citizen whose call is in hand texts: it stands on the call's card, at the call's seat."""
    run, panel = texting.run, texting.panels[0]
    number = "+37120000002"
    call = await run.call(from_uri=f"<sip:{number}@127.0.0.1>")
    _, message = await panel.wait_for(
        lambda m: (
            m["type"] == "contact"
            and m["contact"]["caller_number"] == number
            and m["contact"]["state"] == "talking"
        )
    )
    taker = message["contact"]["agent_id"]
    holder = next(one for one in texting.panels if one.agent_id == taker)
    card = await holder.card_of(message["contact"]["contact_id"])
    citizen = texting.centre.citizen(number)
    began = time.monotonic()
    await citizen.send(DURING_THE_CALL)
    matter = Matter(citizen, holder, message["contact"]["contact_id"], card["incident_id"])

    async def beside_the_call() -> bool:
        found = await holder.get(f"/api/incidents/{matter.incident_id}/conversations")
        return [c["agent_id"] for c in found["conversations"]] == [taker]

    await eventually("the text is on the call's card, at the call's seat", beside_the_call)
    texting.ms("text_to_the_calls_card_ms", began, time.monotonic())
    expect(await matter.texts("in") == [DURING_THE_CALL], "the text is there once")
    seat = texting.panels.index(holder)
    ridden = (await matter.conversation())["contact_id"]
    await _on_screen(texting, seat, ridden, DURING_THE_CALL)
    await matter.write("Sapratu. Policija brauc. Paslēpieties.")
    await _delivered(matter, 1)
    await run.bank.hangup(call)
    conversation = await matter.conversation()
    expect(conversation["state"] == "open", "the conversation outlives the call")


async def _centre_dies(texting: Texting, matter: Matter) -> None:
    """The operator's centre is gone in the middle: both directions wait, and arrive."""
    await texting.centre.die()
    written = await matter.write("Лестница уже у балкона.")
    expect(written["delivery"]["state"] == "queued", "the answer waits for the operator")
    await matter.citizen.send(WHILE_DEAD)
    began = time.monotonic()
    await texting.centre.listen()
    await _delivered(matter, len(ANSWERS) + 1)
    texting.ms("operator_back_to_delivered_ms", began, time.monotonic())

    async def there() -> bool:
        return (await matter.texts("in"))[-1] == WHILE_DEAD

    await eventually("the text of meanwhile is there", there)
    await _delivered_on_screen(texting, 1, len(ANSWERS) + 1)


async def _server_dies(texting: Texting, matter: Matter) -> None:
    """``kill -9`` between two parts, with an answer on its way: both are finished afterwards."""
    began = time.monotonic()
    sending = asyncio.create_task(
        matter.citizen.send(FIRE_IN_RUSSIAN[::-1], order=(1, 2, 3), pause_s=1.0)
    )
    await matter.write("Держитесь!")
    await asyncio.sleep(0.5)
    await texting.run.stack.kill_ccserver()
    texting.measured["restart_s"] = round(await texting.run.stack.start_ccserver(), 2)
    await sending

    async def whole() -> bool:
        return (await matter.texts("in"))[-1] == FIRE_IN_RUSSIAN[::-1]

    await eventually("the text in pieces was finished after the restart", whole, timeout_s=30.0)
    await _delivered(matter, len(ANSWERS) + 2)
    texting.ms("killed_to_all_done_ms", began, time.monotonic())
    conversation = await matter.conversation()
    expect(conversation["agent_id"] == matter.panel.agent_id, "its call taker has it still")


async def _closed_and_reopened(texting: Texting, matter: Matter) -> None:
    """After its end the next text is a new contact on the same card."""
    await matter.panel.post(
        f"/api/conversations/{matter.conversation_id}/close", {"disposition": None}
    )
    began = time.monotonic()
    await matter.citizen.send(AFTER_CLOSE)
    _, message = await matter.panel.wait_for(lambda m: _text_of(matter.citizen, m), after=began)
    contact_id = str(message["contact"]["contact_id"])
    expect(contact_id != matter.contact_id, "a new contact")
    await _take(matter.panel, contact_id, after=began)
    card = await matter.panel.card_of(contact_id)
    expect(card["incident_id"] == matter.incident_id, "on the same card")
    await _on_screen(texting, 1, contact_id, AFTER_CLOSE, FIRE_IN_RUSSIAN)
    texting.measured["next_text_to_screen_ms"] = await _next_on_screen(texting, matter)


async def _next_on_screen(texting: Texting, matter: Matter) -> float:
    """One more text, until it is painted in the window that shows the conversation."""
    began = time.monotonic()
    await matter.citizen.send(LAST)
    last = texting.windows[1].at("text-body").filter(has_text=LAST)
    await expect_element(last.first).to_be_visible()
    return round((time.monotonic() - began) * 1000, 1)


async def _windows(texting: Texting) -> None:
    """Both call takers have the panel open in Chromium; it is there that texts must be seen."""
    run = texting.run
    chromium = await open_chromium(run)
    for seat in run.takers:
        window = await chromium.workplace(run.stack.panel_url)
        await window.enter(seat.login, run.stack.passwords[seat.login])
        texting.windows.append(window)


async def _on_screen(texting: Texting, seat: int, contact_id: str, *texts: str) -> float:
    """Wait until that seat's window shows the conversation with all of these; gives how long."""
    window, began = texting.windows[seat], time.monotonic()
    await window.page.locator(f'[data-testid="in-hand-text"][data-contact="{contact_id}"]').click()
    bodies = window.at("text-body")
    for written in texts:
        # What the operator delivers once more is shown once more, and marked.
        await expect_element(bodies.filter(has_text=written).first).to_be_visible()
    return (time.monotonic() - began) * 1000


async def _delivered_on_screen(texting: Texting, seat: int, count: int) -> None:
    marks = '[data-testid="text-delivery"][data-state="delivered"]'
    await expect_element(texting.windows[seat].page.locator(marks)).to_have_count(count)


async def _nothing_lost(texting: Texting) -> None:
    """Whatever the operator handed over was acknowledged, and stands in a conversation once."""
    await texting.centre.settled(timeout_s=30.0)
    counts = texting.centre.counts
    texting.measured |= {
        "delivered_to_us": counts["acknowledged"],
        "put_off": counts["put_off"],
        "throttled": counts["status_0x58"],
        "unacknowledged": texting.centre.unacknowledged,
    }
