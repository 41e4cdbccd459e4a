"""A centre behind its edge, for tests that ask it by SIP from chosen addresses."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from ccserver.accounts import Role
from sim.panel import Panel
from sim.phones import Behaviour, PhoneBank
from sim.sipp.ends import Ends, invite, other
from sim.sipp.probe import WAIT_S, Outcome, Probe
from sim.stack import Seat, Stack

TRUNK = "127.0.1.9"
PROMPT = "127.0.1.8"
"""Another address of the trunk: from it orderly requests are timed."""
UNKNOWN = "127.0.9.9"
CALLER_TONE = 30
EVENTUALLY_S = 15.0


class World:
    """A stack with an edge, and telephones that talk."""

    def __init__(self, stack: Stack, bank: PhoneBank) -> None:
        self.stack = stack
        self.bank = bank
        self.port = stack.ports.edge
        self.supervisor: Panel
        self.talks: list[tuple[str, str]] = []
        """Calls that talk: the caller's and the call taker's, as the phones name them."""

    async def talk(self, seat: Seat, number: int) -> None:
        """A citizen calls and this call taker answers: both hear each other."""
        name = f"citizen{number}"
        await self.bank.add_phone(name, tone=CALLER_TONE + number)
        call = await self.bank.call(
            name, self.stack.emergency_uri, from_uri=f"<sip:+3712100{number:04d}@127.0.0.1>"
        )
        await self.bank.wait_for("heard", call=call, party=number, timeout_s=EVENTUALLY_S)
        answered = await self.bank.wait_for("incoming", phone=seat.login)
        await self.bank.wait_for("heard", call=answered["call"], party=CALLER_TONE + number)
        self.talks.append((call, answered["call"]))

    async def ask(
        self, local_host: str, build: Callable[[Ends], bytes], *, wait_s: float = WAIT_S
    ) -> Outcome:
        """Send one message from an address and give what came back."""
        probe = await Probe.open("127.0.0.1", self.port, local_host=local_host)
        try:
            return await probe.ask(build, wait_s=wait_s)
        finally:
            probe.close()

    async def nothing_left(self, *, but: int = 0) -> None:
        """No more than ``but`` channels remain in Asterisk."""
        give_up_at = time.monotonic() + EVENTUALLY_S
        while True:
            channels = (await self.stack.asterisk_cli("core show channels concise")).splitlines()
            # Asterisk keeps one for all texts (MESSAGE), for ever.
            left = [line for line in channels if line and not line.startswith("Message/")]
            if len(left) <= but:
                return
            assert time.monotonic() < give_up_at, f"left in Asterisk: {left}"
            await asyncio.sleep(0.1)

    def lives(self) -> bool:
        """Whether all three processes run that were started."""
        processes = (self.stack.edge, self.stack.asterisk, self.stack.ccserver)
        return all(each is not None and each.returncode is None for each in processes)


class Pace:
    """How long orderly requests take, measured again and again until told to stop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.options: list[float] = []
        self.invites: list[float] = []
        self.lost = 0

    async def options_once(self) -> None:
        """OPTIONS to the edge."""
        outcome = await self._world.ask(PROMPT, lambda e: other(e, "OPTIONS"), wait_s=3.0)
        self._count(self.options, outcome)

    async def invite_once(self) -> None:
        """A call to 112, until Asterisk's answer; then it is ended."""
        outcome = await self._world.ask(PROMPT, invite, wait_s=5.0)
        self._count(self.invites, outcome)

    def _count(self, times: list[float], outcome: Outcome) -> None:
        if outcome.final is None or outcome.final.code != 200:
            self.lost += 1
        else:
            times.append(outcome.final.after_s)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Measure while the body runs."""
        tasks = [
            asyncio.create_task(self._again(self.options_once, 0.02)),
            asyncio.create_task(self._again(self.invite_once, 0.1)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _again(self, once: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            await once()
            await asyncio.sleep(every_s)

    def medians_ms(self) -> tuple[float, float]:
        """Of OPTIONS and INVITE."""
        return (
            statistics.median(self.options) * 1000 if self.options else float("inf"),
            statistics.median(self.invites) * 1000 if self.invites else float("inf"),
        )


@contextlib.asynccontextmanager
async def world_of(
    folder: Path,
    *,
    takers: Sequence[Seat] = (),
    talks: bool = False,
    trunk_out: str = "",
    prepare: Callable[[Stack], None] = lambda _: None,
) -> AsyncIterator[World]:
    """A centre whose call takers have telephones; ``talks``: each of them has a caller as well.

    ``prepare`` may change what the stack will start with.
    """
    people = [*takers, Seat("supervisor", "Supervisor", "", role=Role.SUPERVISOR)]
    async with contextlib.AsyncExitStack() as exits:
        bank = await exits.enter_async_context(PhoneBank(record_dir=folder / "phones"))
        stack = Stack(folder / "stack", people, edge=True, trunk_out=trunk_out)
        prepare(stack)
        await exits.enter_async_context(stack)
        world = World(stack, bank)
        world.supervisor = await exits.enter_async_context(
            Panel(stack.panel_url, "supervisor", stack.passwords["supervisor"])
        )
        for number, seat in enumerate(takers):
            profile = stack.profiles[seat.extension]
            await bank.add_phone(
                seat.login,
                tone=number,
                registrar=stack.registrar,
                username=profile.sip_username,
                password=profile.sip_password,
                behaviour=Behaviour(on_call="answer"),
            )
            await bank.wait_for("registered", phone=seat.login)
            if not talks:
                continue
            panel = Panel(stack.panel_url, seat.login, stack.passwords[seat.login])
            await exits.enter_async_context(panel)
            await panel.ready()
            # One after another: so it is known which call taker has which caller.
            await world.talk(seat, number)
        yield world
