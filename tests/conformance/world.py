"""A centre behind its edge, for tests that ask it by SIP from chosen addresses."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccserver.accounts import Role
from sim.panel import Panel
from sim.phones import Behaviour, PhoneBank
from sim.sipp.ends import Ends, invite, other
from sim.sipp.probe import Outcome, Probe
from sim.stack import Seat, Stack

TRUNK = "127.0.1.9"
PROMPT = "127.0.1.8"
"""Another address of the trunk: from it orderly requests are timed."""
UNKNOWN = "127.0.9.9"
CALLER_TONE = 30
EVENTUALLY_S = 30.0


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation: the legs as the telephones name them, and whose tone each side speaks."""

    caller: str
    taker: str
    caller_tone: int
    taker_tone: int


class World:
    """A stack with an edge, and telephones that talk."""

    def __init__(self, stack: Stack, bank: PhoneBank, exits: contextlib.AsyncExitStack) -> None:
        self.stack = stack
        self.bank = bank
        self.port = stack.ports.edge
        self.talks: list[Talk] = []
        self._exits = exits

    async def add_telephone(self, seat: Seat, tone: int) -> None:
        """Register a call taker's telephone, which answers at once."""
        profile = self.stack.profiles[seat.extension]
        await self.bank.add_phone(
            seat.login,
            tone=tone,
            registrar=self.stack.registrar,
            username=profile.sip_username,
            password=profile.sip_password,
            behaviour=Behaviour(on_call="answer"),
        )
        await self.bank.wait_for("registered", phone=seat.login)

    async def on_duty(self, seat: Seat) -> Panel:
        """Log a call taker in."""
        panel = Panel(self.stack.panel_url, seat.login, self.stack.passwords[seat.login])
        return await self._exits.enter_async_context(panel)

    async def talk(self, number: int, seats: Sequence[Seat]) -> None:
        """A citizen calls and one of these answers: both hear each other."""
        name, caller = f"citizen{number}", f"+3712100{number:04d}"
        await self.bank.add_phone(name, tone=CALLER_TONE + number)
        call = await self.bank.call(
            name, self.stack.emergency_uri, from_uri=f"<sip:{caller}@127.0.0.1>"
        )
        # On a busy machine the first telephone that rang is not always the one that has the call.
        heard = await self.bank.wait_for("heard", call=call, timeout_s=EVENTUALLY_S)
        taker = int(heard["party"])
        answered = self._call_at(seats[taker], caller)
        await self.bank.wait_for(
            "heard", call=answered, party=CALLER_TONE + number, timeout_s=EVENTUALLY_S
        )
        self.talks.append(Talk(call, answered, CALLER_TONE + number, taker))

    def _call_at(self, seat: Seat, caller: str) -> str:
        """The newest call of this caller at a call taker's telephone."""
        rang = [
            event
            for event in self.bank.history("incoming")
            if event["phone"] == seat.login and caller in event["from_uri"]
        ]
        assert rang, "the telephone rang"
        assert "x-ccserver-contact" in rang[-1]["headers"], "it learns for whom it rings"
        return str(rang[-1]["call"])

    async def ask(
        self, local_host: str, build: Callable[[Ends], bytes], *, wait_s: float = EVENTUALLY_S
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
        outcome = await self._world.ask(PROMPT, lambda e: other(e, "OPTIONS"))
        self._count(self.options, outcome)

    async def invite_once(self) -> None:
        """A call to 112, until Asterisk's answer; then it is ended."""
        outcome = await self._world.ask(PROMPT, invite)
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
        world = World(stack, bank, exits)
        await asyncio.gather(*(world.add_telephone(seat, tone) for tone, seat in enumerate(takers)))
        if talks:
            # One after another: ten hashes of passwords at once, and the last is refused as late.
            panels = [await world.on_duty(seat) for seat in takers]
            await asyncio.gather(*(panel.ready() for panel in panels))
            await asyncio.gather(*(world.talk(number, takers) for number in range(len(takers))))
        yield world
