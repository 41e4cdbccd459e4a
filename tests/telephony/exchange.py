"""A real Asterisk with the real dialplan, real phones, and call control that can be killed.

The test is the distributor; the runtime and the core have no part in it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from ccserver.acd.commands import OfferKind
from ccserver.telephony.actions import Actions
from ccserver.telephony.ari import ARIClient
from ccserver.telephony.calls import Calls
from ccserver.telephony.keeper import Keeper
from ccserver.telephony.wishes import Wishes
from ccserver.types import AgentId, ContactId, OfferId
from sim.phones import Behaviour, PhoneBank
from sim.stack import Stack, seats
from tests.faults.supervised import supervised
from tests.telephony.centre import Ledger

ANSWERS = Behaviour(on_call="answer")
CALLER, OUTSIDE = 20, 21  # tones; call takers have 0, 1, 2
EVENTUALLY_S = 40.0
LEASE_S = 3
APPLICATION = "acd_main"


class Controller:
    """One life of call control on the exchange."""

    def __init__(self, exchange: "Exchange", name: str) -> None:
        self.ledger = Ledger()
        self.exchange = exchange
        self.client = ARIClient(exchange.stack.config.ari)
        self.calls = Calls(
            Actions(self.client, application=APPLICATION),
            self.ledger,
            lease_s=LEASE_S,
            endpoint_of_agent=lambda agent: f"ct-{agent[-3:]}",
            trunk=True,
            instance=name,
        )
        self.keeper = Keeper(
            self.calls, redirect_to_claim=self._redirect, clock=asyncio.get_running_loop().time
        )
        self.wishes = Wishes(self.calls)
        self._life = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._offers = 0
        self._name = name
        self.ledger.on_wanted = self._assist
        told = self.ledger.offer_answered

        def answered(offer_id: OfferId) -> None:
            told(offer_id)
            for call in self.calls.table.all():
                if call.offer(offer_id) is not None:
                    self.calls.connect(offer_id, call.contact_id)

        self.ledger.offer_answered = answered  # type: ignore[method-assign]

    async def start(self) -> None:
        running = await self._life.enter_async_context(
            supervised(self.client, self.keeper.connected)
        )
        await running.ready()
        work = (self._events(), self.keeper.renew_leases(), self.keeper.survey_for_ever())
        self._tasks = [asyncio.ensure_future(each) for each in work]

    async def _events(self) -> None:
        async for event in self.client:
            self.calls.handle(event)

    async def kill(self) -> None:
        """No lease is renewed, no event is read, nothing is said."""
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(AssertionError):
            await self._life.aclose()

    def offer(
        self, contact: ContactId, agent: AgentId, kind: OfferKind = OfferKind.ANSWER
    ) -> OfferId:
        """The distributor's offer; an answer is accepted at once."""
        self._offers += 1
        offer_id = OfferId(f"{self._name}-{self._offers}")
        self.calls.offer(offer_id, contact, agent, 15.0, kind)
        return offer_id

    def _assist(self, contact: ContactId, agent: AgentId) -> None:
        self.offer(contact, agent, OfferKind.ASSIST)

    async def _redirect(self, channel: str) -> None:
        await self.exchange.stack.asterisk_cli(f"channel redirect {channel} contact,claim,1")

    def phase(self, contact: ContactId) -> str:
        call = self.calls.table.get(contact)
        return "over" if call is None else call.phase.value


class Exchange:
    """Asterisk, phones ``taker101`` and so on, a citizen, and somebody outside."""

    def __init__(self, stack: Stack, bank: PhoneBank) -> None:
        self.stack = stack
        self.bank = bank
        self.controllers: list[Controller] = []

    async def controller(self) -> Controller:
        """A new life of call control."""
        controller = Controller(self, f"p{len(self.controllers) + 1}")
        self.controllers.append(controller)
        await controller.start()
        return controller

    async def call(self) -> str:
        """A citizen dials 112."""
        call = await self.bank.call(
            "citizen", self.stack.emergency_uri, headers=self.stack.trunk_headers
        )
        await self.bank.wait_for("connected", call=call)
        return call

    async def waiting(self, controller: Controller) -> tuple[str, ContactId]:
        """A claimed caller: the citizen's call and its contact."""
        known = set(controller.ledger.told)
        call = await self.call()

        def fresh() -> list[str]:
            told = [t for t in controller.ledger.told if t not in known and t[0] == "waits"]
            return [subject for _, subject in told]

        await eventually(lambda: bool(fresh()), "the caller waits")
        return call, ContactId(fresh()[-1])

    async def talking(self, controller: Controller) -> tuple[str, ContactId]:
        """A conversation with taker101."""
        call, contact = await self.waiting(controller)
        controller.offer(contact, AgentId("agent-101"))
        await eventually(lambda: controller.phase(contact) == "talking", "they talk")
        return call, contact

    async def channels(self) -> dict[str, str]:
        """Names of channels and what they run."""
        lines = (await self.stack.asterisk_cli("core show channels concise")).splitlines()
        rows = [line.split("!") for line in lines if line.count("!") > 5]
        return {row[0]: row[5] for row in rows}

    async def hears(self, phone: str, tone: int, *, after: float) -> None:
        """This phone hears that tone, from then on."""
        await self.bank.wait_for("heard", phone=phone, party=tone, after=after)

    async def last_call(self, phone: str) -> str:
        """The call id of the phone's last incoming call."""
        await self.bank.wait_for("incoming", phone=phone)
        return str(self.bank.history("incoming", phone=phone)[-1]["call"])

    async def hang_up(self, phone: str) -> None:
        """The person at this phone hangs up."""
        await self.bank.hangup(await self.last_call(phone))


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait for what must happen; fails with ``what`` otherwise."""
    give_up_at = time.monotonic() + EVENTUALLY_S
    while not condition():
        assert time.monotonic() < give_up_at, what
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def exchange(directory: Path, takers: int = 3) -> AsyncIterator[Exchange]:
    """All of it, and nothing is left afterwards."""
    async with AsyncExitStack() as exits:
        bank = await exits.enter_async_context(PhoneBank(record_dir=directory))
        outside_uri = await bank.add_phone("113", tone=OUTSIDE, behaviour=ANSWERS)
        await bank.add_phone("citizen", tone=CALLER)
        host = outside_uri.strip("<>").partition("@")[2].partition(";")[0]
        stack = Stack(directory / "stack", seats(takers), lease_s=LEASE_S, trunk_out=f"sip:{host}")
        exits.push_async_callback(stack.stop)
        await stack.prepare()
        await stack.start_asterisk()
        for number, seat in enumerate(seats(takers)):
            profile = stack.profiles[seat.extension]
            await bank.add_phone(
                seat.login,
                tone=number,
                registrar=stack.registrar,
                username=profile.sip_username,
                password=profile.sip_password,
                behaviour=ANSWERS,
            )
            await bank.wait_for("registered", phone=seat.login)
        made = Exchange(stack, bank)
        try:
            yield made
        finally:
            for controller in made.controllers:
                await controller.kill()
