"""One stack and one Chromium for all tests of this folder, and a window for each test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import pytest
import pytest_asyncio

from ccserver.accounts import DeviceKind, Role
from ccserver.config import ACDSettings, SMSBindSettings, SMSOperatorSettings, SMSSettings
from sim.browser import Chromium, Workplace
from sim.panel import Panel
from sim.phones import Behaviour, PhoneError
from sim.scenarios.base import Run, eventually
from sim.scenarios.browser import BROWSER_SEAT, BROWSER_TONE, enter, hears, open_chromium
from sim.smsc import Account, MessageCentre
from sim.stack import Seat

TALKER = Seat("talker", "Kārlis Liepa", "202", DeviceKind.BROWSER, language="en")
LATVIAN = Seat("latviete", "Ilze Ozola", "301", language="lv")
DESK = Seat("desk", "Jānis Kalniņš", "302", language="en")
COLLEAGUE = Seat("colleague", "Olga Petrova", "303", language="en")
DESK_SEATS = (LATVIAN, DESK, COLLEAGUE)
CHIEF = Seat("chief", "Zane Krūmiņa", "203", DeviceKind.BROWSER, Role.SUPERVISOR, language="en")
ADMIN = Seat("admin", "Admin", "", role=Role.SYSTEM_ADMIN, language="en")
FIRE = Seat("fire", "Aivars Kalns", "", role=Role.SERVICE_DISPATCHER, language="en", service="vugd")
AMBULANCE = Seat(
    "ambulance", "Līga Vītola", "", role=Role.SERVICE_DISPATCHER, language="en", service="nmpd"
)
SEATED = (BROWSER_SEAT, TALKER, CHIEF, *DESK_SEATS)
SERVICES = ("vugd", "nmpd", "vp")
BUILDINGS = 2_000  # of the address register: a second's work, and enough to choose from
# A crowded machine may need seconds for what a person does at once.
SMSC = Account("ccserver", "secret")
PATIENT = ACDSettings(offer_timeout_s=60.0, wrap_up_s=120.0)


@dataclass(slots=True)
class Centre:
    """The running centre and the browser that call takers share."""

    run: Run
    chromium: Chromium
    onlooker: Panel
    operator: MessageCentre
    """Whose subscribers text 112."""

    async def enter(self, seat: Seat) -> Workplace:
        """A new window in which that person is logged in."""
        return await enter(self.run, self.chromium, seat)

    async def visit(self) -> Workplace:
        """A new window at the login form."""
        return await self.chromium.workplace(self.run.stack.panel_url)

    async def answered_call(self, workplace: Workplace) -> tuple[str, int]:
        """Give the call and the tone of a caller who is talked with in that window."""
        await workplace.ready()
        tone = self.run.caller_tone(self.run.calls_made)
        call = await self.run.call()
        await workplace.shows("offer")
        await workplace.at("offer-answer").click()
        await self.run.bank.wait_for("heard", call=call, party=BROWSER_TONE)
        await hears(workplace, tone)
        await workplace.shows("call")
        return call, tone

    async def clear(self) -> None:
        """Leave nothing to the next test: no window, no call, nobody ready."""
        for context in self.chromium.contexts:
            await context.close()
        for event in self.run.bank.history("calling"):
            if not self.run.bank.history("disconnected", call=event["call"]):
                try:
                    await self.run.bank.hangup(event["call"])
                except PhoneError:
                    continue
        await self.run.nothing_left()
        for service in SERVICES:
            await self._close_desk(service)
        for seat in SEATED:
            profile = self.run.stack.profiles[seat.extension]
            if self.onlooker.agents[profile.agent_id]["state"] == "off":
                continue
            panel = await self.run.panel(seat, ready=False)
            if panel.agents[profile.agent_id]["state"] == "wrap_up":
                await panel.post("/api/agent/wrap-up/end")
            await panel.put("/api/agent/presence", {"kind": "off", "reason": None})
            await panel.close()
            await eventually(f"{seat.login} is off", partial(self._is_off, profile.agent_id))

    async def _close_desk(self, service: str) -> None:
        """Nothing is left for the service to do, and it has no units."""
        left = await self.onlooker.get("/api/desk/incidents", service=service)
        for line in left["incidents"]:
            involvement = line["involvement"]
            for state in ("withdrawn", "closed"):
                if state == "closed" or "closed" not in involvement["allowed"]:
                    path = f"/api/involvements/{involvement['involvement_id']}/steps"
                    await self.onlooker.post(path, {"state": state, "key": f"clear-{state}"})

        for unit in (await self.onlooker.get("/api/desk/units", service=service))["units"]:
            if unit["active"]:
                path = f"/api/desk/units/{unit['unit_id']}?service={service}"
                await self.onlooker.delete(path)

    async def _is_off(self, agent_id: str) -> bool:
        return bool(self.onlooker.agents[agent_id]["state"] == "off")


def texts_of(operator: MessageCentre) -> SMSSettings:
    """One operator with one bind."""
    bind = SMSBindSettings(
        name="lmt-1",
        host="127.0.0.1",
        port=operator.port,
        system_id=SMSC.system_id,
        password=SMSC.password,
    )
    return SMSSettings(operators=(SMSOperatorSettings(name="lmt", binds=(bind,)),))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Centre]:
    run = Run(tmp_path_factory.mktemp("browser"), {})
    async with run.exits:
        people = [*SEATED, ADMIN, FIRE, AMBULANCE]
        operator = await run.exits.enter_async_context(MessageCentre([SMSC]))
        texts = texts_of(operator)
        await run.start(
            takers=0, people=people, acd=PATIENT, prepare=lambda stack: stack.take_texts(texts)
        )
        await run.stack.make_addresses(BUILDINGS)
        for tone, seat in enumerate(DESK_SEATS):
            await run.add_taker_phone(seat, tone, Behaviour(on_call="ring"))
        onlooker = await run.panel("supervisor", ready=False)
        yield Centre(run, await open_chromium(run), onlooker, operator)


@pytest_asyncio.fixture(loop_scope="session")
async def centre(running_centre: Centre) -> AsyncIterator[Centre]:
    yield running_centre
    await running_centre.clear()
