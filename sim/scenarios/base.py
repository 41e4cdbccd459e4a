"""What every scenario has in common: a fresh stack, phones, panels, and expectations."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccserver.accounts import Role
from ccserver.config import ACDSettings
from sim.audio import PARTY_COUNT
from sim.panel import Message, Panel
from sim.phones import Behaviour, PhoneBank
from sim.proxy import FaultProxy
from sim.stack import Seat, Stack, seats

Measured = dict[str, Any]
FIRST_CALLER_TONE = 20  # call takers have the tones below
CALLER_PHONES = 30  # at 10 calls/s a phone has 3 s for its call
EVENTUALLY_S = 30.0
POLL_S = 0.05
MESSAGE_CHANNEL = "Message/ast_msg_queue!"


class ScenarioFailed(Exception):
    """Something that must hold did not; the text says what."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario's name, what it shows, and how it runs."""

    name: str
    shows: str
    run: Callable[["Run"], Awaitable[Measured]]


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str, shows: str
) -> Callable[[Callable[["Run"], Awaitable[Measured]]], Callable[["Run"], Awaitable[Measured]]]:
    """Register a coroutine function under a name."""

    def register(
        function: Callable[["Run"], Awaitable[Measured]],
    ) -> Callable[["Run"], Awaitable[Measured]]:
        SCENARIOS[name] = Scenario(name, shows, function)
        return function

    return register


def expect(condition: object, what: str) -> None:
    """Raise `ScenarioFailed` unless ``condition``."""
    if not condition:
        raise ScenarioFailed(what)


async def eventually(
    what: str, condition: Callable[[], Awaitable[object]], *, timeout_s: float = EVENTUALLY_S
) -> Any:
    """Ask until the answer is true and give it; `ScenarioFailed` with the last one otherwise."""
    give_up_at = time.monotonic() + timeout_s
    while True:
        answer = await condition()
        if answer:
            return answer
        if time.monotonic() > give_up_at:
            raise ScenarioFailed(f"{what} (last: {answer!r})")
        await asyncio.sleep(POLL_S)


class Run:
    """One run of a scenario; closes everything that it opened."""

    def __init__(self, data_dir: Path, options: dict[str, str]) -> None:
        self.data_dir = data_dir
        self.options = options
        self.exits = AsyncExitStack()
        self.stack: Stack
        self.bank: PhoneBank
        self.ari_proxy: FaultProxy
        self.ami_proxy: FaultProxy
        self.takers: list[Seat] = []
        self._callers = 0

    async def start(
        self,
        takers: int,
        *,
        acd: ACDSettings | None = None,
        behaviour: Behaviour | None = None,
        people: Sequence[Seat] = (),
        proxied: bool = False,
        edge: bool = False,
        trunk_out: str | None = None,
        prepare: Callable[[Stack], None] = lambda _: None,
    ) -> None:
        """A stack with that many call takers' phones registered.

        ``proxied``: ccserver reaches Asterisk through `ari_proxy` and `ami_proxy`. ``edge``:
        whoever is outside reaches Asterisk through the SIP edge. ``trunk_out``: where our calls go
        out, if not to the phones of `bank`. ``prepare`` may change what the stack will start with.
        """
        self.takers = seats(takers)
        everyone = [*self.takers, Seat("supervisor", "Supervisor", "", role=Role.SUPERVISOR)]
        self.bank = PhoneBank(record_dir=self.data_dir / "phones")
        await self.exits.enter_async_context(self.bank)
        self.stack = Stack(
            self.data_dir / "stack",
            [*everyone, *people],
            acd=acd,
            # Whoever is outside has a phone in the same bank.
            trunk_out=trunk_out or f"sip:127.0.0.1:{self.bank.sip_port}",
            edge=edge,
        )
        prepare(self.stack)
        if proxied:
            await self._through_proxies()
        await self.exits.enter_async_context(self.stack)
        for number, seat in enumerate(self.takers):
            await self.add_taker_phone(seat, number % FIRST_CALLER_TONE, behaviour)

    async def _through_proxies(self) -> None:
        ports = self.stack.ports
        self.ari_proxy = await self.exits.enter_async_context(FaultProxy(ports.asterisk_http))
        self.ami_proxy = await self.exits.enter_async_context(FaultProxy(ports.ami))
        self.stack.reach_asterisk_by(self.ari_proxy.port, self.ami_proxy.port)

    async def add_taker_phone(
        self, seat: Seat, tone: int, behaviour: Behaviour | None = None
    ) -> None:
        """Register a call taker's SIP phone; it answers at once unless told otherwise."""
        profile = self.stack.profiles[seat.extension]
        await self.bank.add_phone(
            seat.login,
            tone=tone,
            registrar=self.stack.registrar,
            username=profile.sip_username,
            password=profile.sip_password,
            behaviour=behaviour or Behaviour(on_call="answer"),
        )
        await self.bank.wait_for("registered", phone=seat.login)

    async def add_outside_phone(
        self, number: str, tone: int, behaviour: Behaviour | None = None
    ) -> str:
        """Somebody who is reached by the outgoing trunk; gives the phone's name."""
        name = f"outside{number.removeprefix('+')}"
        await self.bank.add_phone(
            name,
            tone=tone,
            sip_uri=f"sip:{number}@127.0.0.1:{self.bank.sip_port}",
            behaviour=behaviour or Behaviour(on_call="answer"),
        )
        return name

    async def panel(self, seat: Seat | str, *, ready: bool = True) -> Panel:
        """Log a person in; a call taker also goes ready and becomes idle, or else rests.

        Whoever rests is on duty, so that callers wait and no vacant position rings.
        """
        login = seat if isinstance(seat, str) else seat.login
        panel = Panel(self.stack.panel_url, login, self.stack.passwords[login])
        await self.exits.enter_async_context(panel)
        if not ready and panel.agent_id is not None:
            await panel.rest()
        elif panel.agent_id is not None:
            await panel.ready()
            agent_id = panel.agent_id
            await eventually(
                f"{login} becomes idle",
                lambda: _is(panel.agents.get(agent_id, {}).get("state"), "idle"),
            )
        return panel

    async def call(self, **options: Any) -> str:
        """A citizen dials 112; gives the phone process's call id."""
        number = self._callers
        self._callers += 1
        # Phones are used again after a while; a number of its own keeps each call apart.
        phone = number % CALLER_PHONES
        name = f"caller{phone}"
        if number < CALLER_PHONES:
            await self.bank.add_phone(name, tone=self.caller_tone(number))
        headers = {**self.stack.trunk_headers, **options.pop("headers", {})}
        options.setdefault("from_uri", f"<sip:{caller_number(number)}@127.0.0.1>")
        return await self.bank.call(name, self.stack.emergency_uri, headers=headers, **options)

    @property
    def calls_made(self) -> int:
        """How many calls `call` has placed."""
        return self._callers

    def caller_tone(self, number: int) -> int:
        """The tone of the n-th caller of this run."""
        return FIRST_CALLER_TONE + number % (PARTY_COUNT - FIRST_CALLER_TONE)

    async def cards(self, panel: Panel, count: int) -> list[Message]:
        """All cards, once there are that many; newest first."""

        async def enough() -> list[Message]:
            found = (await panel.get("/api/cards", limit="100"))["cards"]
            return found if len(found) >= count else []

        cards: list[Message] = await eventually(f"{count} cards exist", enough)
        expect(len(cards) == count, f"expected {count} cards, found {len(cards)}")
        return cards

    async def nothing_left(self) -> None:
        """No channel and no bridge remains in Asterisk."""

        left = ""

        async def empty() -> bool:
            nonlocal left
            channels = (await self.stack.asterisk_cli("core show channels concise")).splitlines()
            # Asterisk keeps one channel for all messages for good.
            calls = [line for line in channels if not line.startswith(MESSAGE_CHANNEL)]
            bridges = (await self.stack.asterisk_cli("bridge show all")).strip().splitlines()[1:]
            left = "\n".join([*calls, *bridges]).strip()
            return not left

        try:
            await eventually("nothing is left in Asterisk", empty)
        except ScenarioFailed:
            raise ScenarioFailed(f"left in Asterisk: {left}") from None


def caller_number(number: int) -> str:
    """The telephone number of the n-th caller of a run."""
    return f"+371200{number:05d}"


async def _is(value: object, wanted: object) -> bool:
    return value == wanted


async def run_scenario(
    name: str, *, options: dict[str, str] | None = None, keep_dir: Path | None = None
) -> Measured:
    """Run one scenario; raises `ScenarioFailed` (or what broke) if it did not hold."""
    with contextlib.ExitStack() as directories:
        if keep_dir is None:
            made = directories.enter_context(tempfile.TemporaryDirectory(prefix="ccserver-sim-"))
            data_dir = Path(made)
        else:
            data_dir = keep_dir
            data_dir.mkdir(parents=True, exist_ok=True)
        run = Run(data_dir, options or {})
        async with run.exits:
            return await SCENARIOS[name].run(run)
