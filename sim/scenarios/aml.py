"""Phones that tell their place by themselves: during a call, before it, and without one.

Positions come by text message, by data message and over HTTPS. What is measured is what a call
taker feels: from the moment in which the position leaves the operator or the phone until the card
that is open on the screen says the new place.
"""

import asyncio
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from playwright.async_api import expect as expect_element
from sqlalchemy import text

from ccserver.config import ACDSettings, AMLSettings
from ccserver.db import Database
from ccserver.location import Position, distance_m, offset
from sim.aml import AMLPhone, Fix, post
from sim.browser import Workplace
from sim.panel import Message, Panel
from sim.scenarios.base import Measured, Run, ScenarioFailed, eventually, expect, scenario
from sim.scenarios.browser import open_chromium
from sim.scenarios.latency import percentiles
from sim.scenarios.sms import PASSWORD, SYSTEM_ID, operator_at
from sim.smsc import Account, Citizen, MessageCentre
from sim.stack import Stack

LATE_S = 22.0
"""After the call: when a telephone has its first good fix."""
EARLY_S = 2.0
"""After the call: what it knows at once, from the wireless networks around."""
MOVES = 20
"""Positions by each way of which the time to the card is taken."""
AIM_MS = 300.0
KEEP_S = 6.0
"""How long a position without a call is kept here; a centre keeps it for up to an hour."""
STREET = Position(56.95149, 24.11323)
NEAR_M = 40.0
WITHIN_M = 1.5
"""Between what a phone had and what the card says; messages have five decimals."""
QUICK = ACDSettings(wrap_up_s=0.2)

WATCH_JS = """
() => {
  window.places = [];
  let last = "";
  const look = () => {
    const place = document.querySelector(
      "[data-testid=map-place][data-current=true] [data-testid=map-wgs84]");
    const text = place ? place.textContent : "";
    if (!text || text === last) return;
    last = text;
    const entry = { degrees: text.match(/-?\\d+\\.\\d+/g).map(Number) };
    window.places.push(entry);
    requestAnimationFrame(() => {
      const frame = new MessageChannel();
      frame.port1.onmessage = () => { entry.painted_ms = performance.now(); };
      frame.port2.postMessage(null);
    });
  };
  look();
  new MutationObserver(look).observe(document.body,
    { childList: true, subtree: true, characterData: true, attributes: true });
}
"""
"""Notes each place that the card says counts, and when the frame with it was painted; the marker
of the map is moved in the same step of the page."""


@dataclass
class Positions:
    """One run: the operator, the people, and what was measured."""

    run: Run
    centre: MessageCentre
    key: str
    measured: Measured

    @property
    def endpoint(self) -> str:
        """Where phones post."""
        return f"{self.run.stack.panel_url}/aml"


@scenario("aml", "a call whose position comes after 22 s, moves of the marker, calls without a fix")
async def aml(run: Run) -> Measured:
    """A late position, many of them, one before its call, one without, one while we were dead."""
    positions = await _begin(run)
    caller = await _called(positions, "+37120000001")
    window = await _late(positions, caller)
    await _moves(positions, caller, window)
    await _while_dead(positions, caller)
    await _before_its_call(positions)
    await _without_a_call(positions)
    await _never_a_text(positions, caller)
    return positions.measured


async def _begin(run: Run) -> Positions:
    centre = MessageCentre([Account(SYSTEM_ID, PASSWORD)])
    await run.exits.enter_async_context(centre)
    key = secrets.token_hex(16)

    def prepare(stack: Stack) -> None:
        settings = AMLSettings(hmac_keys=(key,), hmac_required=True, unmatched_keep_s=KEEP_S)
        stack.take_texts(operator_at(centre.port), settings)

    await run.start(takers=2, acd=QUICK, prepare=prepare)
    await centre.until(lambda: len(centre.bound) > 0, "an operator's bind is up")
    return Positions(run, centre, key, {})


# -- callers -----------------------------------------------------------------------------------


@dataclass
class Caller:
    """Somebody whose call is in hand, with the phone that tells where."""

    panel: Panel
    citizen: Citizen
    phone: AMLPhone
    contact_id: str
    incident_id: str
    began: float

    async def card(self) -> Message:
        """The card as it is."""
        return await self.panel.get(f"/api/cards/{self.incident_id}")

    async def place(self) -> tuple[Message, Message] | None:
        """The location that counts, and why it does."""
        card = await self.card()
        current = card["location"]["current"]
        if current is None:
            return None
        known = {one["location_id"]: one for one in card["locations"]}
        return known[current], card["location"]

    async def stands_at(self, here: Position) -> bool:
        """Whether the card says this place."""
        found = await self.place()
        if found is None:
            return False
        return distance_m(Position(found[0]["lat"], found[0]["lon"]), here) < WITHIN_M


async def _called(positions: Positions, number: str) -> Caller:
    """A call of this number, in hand at the next seat."""
    run = positions.run
    panel = await run.panel(run.takers[run.calls_made])
    # In whole seconds, as messages of version 2 tell it.
    began_at, began = datetime.now(UTC).replace(microsecond=0), time.monotonic()
    call = await run.call(from_uri=f"<sip:{number}@127.0.0.1>")
    calling = await run.bank.wait_for("calling", call=call)
    _, message = await panel.wait_for(
        lambda m: (
            m["type"] == "contact"
            and m["contact"]["caller_number"] == number
            and m["contact"]["state"] == "talking"
        ),
        after=began,
    )
    contact_id = message["contact"]["contact_id"]
    card = await panel.card_of(contact_id)
    return Caller(
        panel,
        positions.centre.citizen(number),
        AMLPhone(number, began_at),
        contact_id,
        card["incident_id"],
        calling["t"],
    )


async def _told(caller: Caller, here: Position, after: float) -> float:
    """When the panels heard of the card that says the new place."""
    while True:
        try:
            at, _ = await caller.panel.wait_for(
                lambda m: m["type"] == "card" and m["incident_id"] == caller.incident_id,
                after=after,
            )
        except TimeoutError:
            raise ScenarioFailed(f"no panel heard of {here}: {await caller.place()}") from None
        if await caller.stands_at(here):
            return at
        after = at + 1e-6


# -- the story -----------------------------------------------------------------------------------


async def _late(positions: Positions, caller: Caller) -> Workplace:
    """A rough fix at once, the good one late: the marker moves on the card that is open."""
    late_s = float(positions.run.options.get("late_s", LATE_S))
    run, phone = positions.run, caller.phone
    chromium = await open_chromium(run)
    workplace = await chromium.workplace(run.stack.panel_url)
    seat = run.takers[0]
    await workplace.enter(seat.login, run.stack.passwords[seat.login])
    rough = offset(STREET, 90, 300)
    fix = Fix(rough.latitude, rough.longitude, radius_m=400.0, method="W")
    await asyncio.sleep(max(0.0, caller.began + EARLY_S - time.monotonic()))
    await caller.citizen.send(phone.text(fix, EARLY_S))
    await eventually("the rough place is on the card", lambda: caller.stands_at(rough))
    shown = workplace.page.locator('[data-testid="map-place"][data-current="true"]')
    await expect_element(shown).to_contain_text(f"{rough.latitude:.4f}"[:6])
    await asyncio.sleep(max(0.0, caller.began + late_s - time.monotonic()))
    await workplace.page.evaluate(WATCH_JS)
    began = time.monotonic()
    fix = Fix(STREET.latitude, STREET.longitude, radius_m=14.0)
    await caller.citizen.send(phone.text(fix, late_s))
    await expect_element(shown).to_contain_text(f"{STREET.longitude:.5f}"[:7])
    painted_s = await painted(workplace, STREET, began)
    positions.measured["late_to_screen_ms"] = round(painted_s * 1000, 1)
    told_at = await _told(caller, STREET, began)
    positions.measured["late_s"] = round(began - caller.began, 1)
    positions.measured["late_to_push_ms"] = round((told_at - began) * 1000, 1)
    card = await caller.card()
    expect(len(card["locations"]) == 2, "the rough place is kept")
    return workplace


async def painted(window: Workplace, here: Position, sent_at: float) -> float:
    """Seconds from the sending of a position until the window had painted it."""

    async def painted_ms() -> float | None:
        for place in await window.page.evaluate("window.places"):
            if distance_m(Position(*place["degrees"]), here) < WITHIN_M:
                return float(place.get("painted_ms", 0.0)) or None
        return None

    at_ms: float = await eventually(f"the window shows {here}", painted_ms)
    return (await window.clock()).monotonic(at_ms) - sent_at


async def _moves(positions: Positions, caller: Caller, window: Workplace) -> None:
    """The caller walks: each position is on the card a moment after it left the phone."""
    on_screen: list[float] = []
    by_text: list[float] = []
    by_https: list[float] = []
    for step in range(int(positions.run.options.get("moves", MOVES)) * 2):
        here = offset(STREET, 9.0 * step, NEAR_M + 5 * step)
        fix = Fix(here.latitude, here.longitude, radius_m=12.0)
        # Messages tell whole seconds, and several are sent within one: each is a second newer.
        at_s = (datetime.now(UTC) - caller.phone.call_began_at).total_seconds() + step
        began = time.monotonic()
        if step % 2:
            form = caller.phone.form(fix, at_s, key=positions.key)
            expect(await post(positions.endpoint, form) < 300, "the endpoint says yes")
            by_https.append(await _told(caller, here, began) - began)
        elif step % 4:
            caller.citizen.send_data(caller.phone.text(fix, at_s))
            by_text.append(await _told(caller, here, began) - began)
        else:
            await caller.citizen.send(caller.phone.text_2(fix, at_s))
            by_text.append(await _told(caller, here, began) - began)
        on_screen.append(await painted(window, here, began))
    positions.measured["text_to_card"] = percentiles(by_text)
    positions.measured["https_to_card"] = percentiles(by_https)
    positions.measured["to_screen"] = percentiles(on_screen)
    positions.measured["aim_p95_ms"] = AIM_MS
    await window.context.close()


async def _while_dead(positions: Positions, caller: Caller) -> None:
    """A position that the operator has while we are dead is there afterwards."""
    stack = positions.run.stack
    await stack.kill_ccserver()
    here = offset(STREET, 200, 25)
    ahead_s = 2.0 * MOVES  # of the moves before, whose times were ahead, this is the newest
    at_s = (datetime.now(UTC) - caller.phone.call_began_at).total_seconds() + ahead_s
    fix = Fix(here.latitude, here.longitude, radius_m=10.0)
    await caller.citizen.send(caller.phone.text(fix, at_s))
    await stack.start_ccserver()
    await eventually(
        "the position of meanwhile counts", lambda: caller.stands_at(here), timeout_s=30.0
    )


async def _before_its_call(positions: Positions) -> None:
    """A position that overtakes its call waits for it; forged and nameless ones change nothing."""
    number = "+37120000007"
    here = offset(STREET, 10, 500)
    phone = AMLPhone(number, datetime.now(UTC))
    fix = Fix(here.latitude, here.longitude)
    forged = phone.form(Fix(57.5, 25.5), 0.0, key="0" * 32)
    for body in (phone.form(fix, 0.0, key=positions.key), forged, b"\xff=;;;nonsense"):
        expect(await post(positions.endpoint, body) < 300, "whatever comes is answered alike")
    caller = await _called(positions, number)
    await eventually("the card begins with the place", lambda: caller.stands_at(here))
    card = await caller.card()
    expect(len(card["locations"]) == 1, "and knows no other")


async def _without_a_call(positions: Positions) -> None:
    """Nobody calls: the position is deleted, and no card was made."""
    before = len((await _cards(positions))["cards"])
    phone = AMLPhone("+37120000009", datetime.now(UTC))
    expect(await post(positions.endpoint, phone.form(Fix(56.9, 24.2), 0.0, key=positions.key)), "")
    database = Database(positions.run.stack.config.database.url, request_timeout_s=5.0)

    async def held() -> int:
        count = text("SELECT count(*) FROM aml_held WHERE matched_contact_id IS NULL")
        return await database.read(lambda session: int(session.execute(count).scalar_one()))

    async def gone() -> bool:
        return await held() == 0

    try:
        expect(await held() == 1, "it waits for its call")
        await eventually("it is deleted when nobody called", gone, timeout_s=KEEP_S + 15.0)
    finally:
        await database.close()
    expect(len((await _cards(positions))["cards"]) == before, "no card was made of it")


async def _cards(positions: Positions) -> Message:
    chief = await positions.run.panel("supervisor")
    return await chief.get("/api/cards", limit="100")


async def _never_a_text(positions: Positions, caller: Caller) -> None:
    """No position was shown as a text, and no phone was answered."""
    found = await caller.panel.get(f"/api/incidents/{caller.incident_id}/conversations")
    expect(found["conversations"] == [], "no position is shown as a text")
    expect(not positions.centre.submitted, "no phone is answered")
    await positions.centre.settled()
