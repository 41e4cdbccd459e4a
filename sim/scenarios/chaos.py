"""Everything that can break, breaks, again and again, while citizens call.

Callers come, are heard, talk and hang up; call takers answer and never hang up. Meanwhile one part
after the other is killed, frozen or cut off, in an order that the seed decides. Afterwards it is
counted whether anybody was dropped whom Asterisk still had, whether two phones rang for one caller,
and whether a caller has no card.
"""

import asyncio
import contextlib
import itertools
import os
import random
import secrets
import signal
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from sim.phones import Behaviour, PhoneBank, PhoneError
from sim.proxy import Direction
from sim.scenarios.base import (
    Measured,
    Run,
    ScenarioFailed,
    eventually,
    expect,
    scenario,
)
from sim.stack import Seat

ROUNDS = 12  # the short version, for the test-suite; 500 is the long one
TAKERS = 4
FRAGILE_TAKERS = 2  # whose phones are killed; each has a process of its own
CALLERS_MAX = 8  # at a time: more than call takers, so that somebody always waits
ARRIVALS_MEAN_S = 0.8
TALK_S = (1.0, 5.0)
PATIENCE_S = 90.0  # a caller of a test gives up after this; nobody should have to
ABANDON_CHANCE = 0.1
FAULT_EVERY_S = (0.3, 2.5)  # from a healthy centre to the next fault
FROZEN_S = (0.3, 9.0)  # also longer than the lease
HEALTHY_WITHIN_S = 60.0  # on a busy machine; what it takes is measured
SERVED_POLL_S = 0.02
NOTICED_S = 1.0  # a cut is seen at once; so long the centre is watched at least
CARDS_WITHIN_S = 60.0
LOST_WITH_ASTERISK_S = 3.0  # its death takes calls of a moment before and after with it
RINGALL_HEADER = "x-ccserver-contact"


@dataclass(slots=True)
class Caller:
    """One call of a citizen."""

    call: str
    called_at: float
    leaves_at: float | None = None
    connected: bool = False
    heard: bool = False
    hung_up: bool = False
    ended_at: float | None = None


@dataclass(slots=True)
class Tally:
    """What is counted."""

    faults: dict[str, int] = field(default_factory=dict)
    without_service_s: list[float] = field(default_factory=list)
    asterisk_died_at: list[float] = field(default_factory=list)


@scenario("chaos", "random kills, freezes and cuts under load (rounds=N seed=S): nobody is dropped")
async def chaos(run: Run) -> Measured:
    """Options: ``rounds`` (12) and ``seed`` (random, printed)."""
    rounds = int(run.options.get("rounds", ROUNDS))
    seed = int(run.options.get("seed", secrets.randbelow(1_000_000)))
    print(f"chaos: seed {seed}, {rounds} rounds", file=sys.stderr)
    await run.start(takers=TAKERS, proxied=True)
    world = Chaos(run, random.Random(seed))
    async with contextlib.AsyncExitStack() as exits:
        await world.begin(exits)
        for number in range(rounds):
            await world.one_round(number)
        measured = await world.finish()
    return {"seed": seed, "rounds": rounds, **measured}


class Chaos:
    """The callers, the faults, and the bookkeeping."""

    def __init__(self, run: Run, rng: random.Random) -> None:
        self.run = run
        self.rng = rng
        self.tally = Tally()
        self.callers: dict[str, Caller] = {}
        self.over: list[Caller] = []
        self.fragile: list[tuple[Seat, PhoneBank]] = []
        self.banks = [run.bank]
        """Every process of phones that there ever was, for what its phones told."""
        self.faults: dict[str, Callable[[], Awaitable[None]]] = {
            "kill_ccserver": self._kill_ccserver,
            "freeze_ccserver": self._freeze_ccserver,
            "cut_ari_websocket": self._cut_websocket,
            "freeze_ami_one_way": self._freeze_ami,
            "kill_phone": self._kill_phone,
            "kill_asterisk": self._kill_asterisk,
        }
        self._arriving = True
        self._unserved_s = 0.0

    async def begin(self, exits: contextlib.AsyncExitStack) -> None:
        """Everybody ready, the first callers on their way."""
        for seat in self.run.takers:
            await self.run.panel(seat)
        for number, seat in enumerate(self.run.takers[:FRAGILE_TAKERS]):
            await self.run.bank.remove_phone(seat.login)
            self.fragile.append((seat, self.run.bank))
            await self._start_fragile(number)
        tasks = await exits.enter_async_context(asyncio.TaskGroup())
        service = [
            tasks.create_task(work)
            for work in (self._follow(), self._arrive(), self._look_after_all())
        ]
        exits.callback(lambda: [task.cancel() for task in service])

    # -- citizens -------------------------------------------------------------------------------

    async def _arrive(self) -> None:
        while True:
            await asyncio.sleep(min(4.0, self.rng.expovariate(1 / ARRIVALS_MEAN_S)))
            if not self._arriving or len(self.callers) >= CALLERS_MAX:
                continue
            try:
                call = await self.run.call()
            except (PhoneError, TimeoutError):
                continue  # the phone is still busy with its former call
            caller = Caller(call, time.monotonic())
            if self.rng.random() < ABANDON_CHANCE:
                caller.leaves_at = caller.called_at + self.rng.uniform(0.2, 4.0)
            self.callers[call] = caller

    async def _follow(self) -> None:
        """Take in what the callers' phones tell."""
        async for event in self.run.bank.events():
            caller = self.callers.get(event.get("call", ""))
            if caller is None:
                continue
            if event["event"] == "connected":
                caller.connected = True
            elif event["event"] == "heard" and not caller.heard:
                caller.heard = True
                caller.leaves_at = time.monotonic() + self.rng.uniform(*TALK_S)
            elif event["event"] == "disconnected":
                caller.ended_at = event["t"]
                del self.callers[caller.call]
                self.over.append(caller)

    async def _look_after_all(self) -> None:
        """Callers hang up a while after they heard a call taker."""
        while True:
            await asyncio.sleep(0.05)
            now = time.monotonic()
            for caller in list(self.callers.values()):
                patience_ends = caller.called_at + PATIENCE_S
                if not caller.hung_up and now > (caller.leaves_at or patience_ends):
                    await self._hang_up(caller)

    async def _hang_up(self, caller: Caller) -> None:
        caller.hung_up = True
        with contextlib.suppress(PhoneError, TimeoutError):
            await self.run.bank.hangup(caller.call)

    # -- faults ---------------------------------------------------------------------------------

    async def one_round(self, number: int) -> None:
        """One fault at a random moment, and the time until the centre is well again."""
        await asyncio.sleep(self.rng.uniform(*FAULT_EVERY_S))
        name = self.rng.choice(sorted(self.faults))
        self.tally.faults[name] = self.tally.faults.get(name, 0) + 1
        began = time.monotonic()
        watching = asyncio.create_task(self._seconds_without_service())
        await self.faults[name]()
        await self._healthy()
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        without_s = self._unserved_s
        self.tally.without_service_s.append(without_s)
        print(
            f"chaos: round {number + 1} {name}: {time.monotonic() - began:.1f} s, "
            f"{without_s:.2f} s without service, {len(self.callers)} callers",
            file=sys.stderr,
        )

    async def _kill_ccserver(self) -> None:
        await self.run.stack.kill_ccserver()
        await asyncio.sleep(self.rng.choice((0.0, 0.0, self.rng.uniform(*FROZEN_S))))
        await self.run.stack.start_ccserver()

    async def _freeze_ccserver(self) -> None:
        self.run.stack.freeze_ccserver()
        await asyncio.sleep(self.rng.uniform(*FROZEN_S))
        self.run.stack.thaw_ccserver()

    async def _cut_websocket(self) -> None:
        for connection in self.run.ari_proxy.websockets():
            connection.drop()
        await asyncio.sleep(NOTICED_S)

    async def _freeze_ami(self) -> None:
        way = self.rng.choice((Direction.TO_CLIENT, Direction.TO_SERVER))
        self.run.ami_proxy.stall(lambda _, direction: direction is way)
        await asyncio.sleep(self.rng.uniform(*FROZEN_S))
        self.run.ami_proxy.resume()

    async def _kill_phone(self) -> None:
        number = self.rng.randrange(len(self.fragile))
        bank = self.fragile[number][1]
        assert bank.pid is not None
        os.killpg(bank.pid, signal.SIGKILL)
        await bank.close()
        await self._start_fragile(number)

    async def _start_fragile(self, number: int) -> None:
        """A phone in a process of its own, with a new one after each death."""
        seat = self.fragile[number][0]
        bank = PhoneBank(record_dir=self.run.data_dir / f"fragile{len(self.banks)}")
        await self.run.exits.enter_async_context(bank)
        self.banks.append(bank)
        self.fragile[number] = (seat, bank)
        began = time.monotonic()
        profile = self.run.stack.profiles[seat.extension]
        await bank.add_phone(
            seat.login,
            tone=number,
            registrar=self.run.stack.registrar,
            username=profile.sip_username,
            password=profile.sip_password,
            behaviour=Behaviour(on_call="answer"),
        )
        await bank.wait_for("registered", phone=seat.login, after=began, timeout_s=30)

    async def _kill_asterisk(self) -> None:
        asterisk = self.run.stack.asterisk
        assert asterisk is not None
        self.tally.asterisk_died_at.append(time.monotonic())
        os.killpg(asterisk.pid, signal.SIGKILL)
        await asterisk.wait()
        await self.run.stack.start_asterisk()
        self.tally.asterisk_died_at.append(time.monotonic())
        for caller in list(self.callers.values()):  # who hear nothing any more put the phone down
            await self._hang_up(caller)
        await self._phones_again()

    async def _phones_again(self) -> None:
        """Phones that talk to an Asterisk that is gone hang up and register with the new one."""
        names = {seat.login: bank for seat, bank in self.fragile}
        for seat in self.run.takers:
            bank = names.get(seat.login, self.run.bank)
            over = {event["call"] for event in bank.history("disconnected", phone=seat.login)}
            for event in bank.history("connected", phone=seat.login):
                if event["call"] not in over:
                    with contextlib.suppress(PhoneError):
                        await bank.hangup(event["call"])
            began = time.monotonic()
            await bank.register(seat.login)
            with contextlib.suppress(TimeoutError):
                await bank.wait_for("registered", phone=seat.login, after=began, timeout_s=10)

    # -- health ---------------------------------------------------------------------------------

    async def _seconds_without_service(self) -> None:
        """Add up the time in which ccserver does not say that it can take calls."""
        self._unserved_s, last = 0.0, time.monotonic()
        while True:
            ready = await self._ready()
            now = time.monotonic()
            if not ready:
                self._unserved_s += now - last
            last = now
            await asyncio.sleep(SERVED_POLL_S)

    async def _ready(self) -> bool:
        timeout = aiohttp.ClientTimeout(total=0.3)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"{self.run.stack.panel_url}/readyz") as response,
            ):
                # Without AMI calls go on: only the states of phones are not news for a while.
                parts = (await response.json())["parts"]
                return bool(parts["ari"] and parts["database"])
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def _healthy(self) -> None:
        await eventually("ccserver is ready", self._ready, timeout_s=HEALTHY_WITHIN_S)

    # -- the end --------------------------------------------------------------------------------

    async def finish(self) -> Measured:
        """No more callers; everybody is served; then the books are checked."""
        self._arriving = False

        async def all_served() -> bool:
            return not self.callers

        await eventually("the last callers are served", all_served, timeout_s=2 * PATIENCE_S)
        expect(any(caller.heard for caller in self.over), "somebody was heard")
        dropped, twice = self._dropped(), self._offered_twice()
        expect(not dropped, f"dropped: {dropped}")
        expect(not twice, f"offered twice: {twice}")
        missing = await self._cards_missing()
        expect(not missing, f"{missing} cards are missing")
        await self.run.nothing_left()
        outages = sorted(self.tally.without_service_s)
        return {
            "calls": len(self.over),
            "heard": sum(caller.heard for caller in self.over),
            "lost": len(dropped),
            "lost_with_asterisk": sum(self._lost_with_asterisk(caller) for caller in self.over),
            "offered_twice": len(twice),
            "cards_missing": missing,
            "faults": self.tally.faults,
            "without_service_p50_s": round(statistics.median(outages), 2),
            "without_service_max_s": round(outages[-1], 2),
        }

    def _dropped(self) -> list[str]:
        return [
            caller.call
            for caller in self.over
            if not caller.hung_up and not self._lost_with_asterisk(caller)
        ]

    def _lost_with_asterisk(self, caller: Caller) -> bool:
        """Whoever was in an Asterisk that died has lost the call with it."""
        if caller.hung_up and caller.heard:
            return False
        ended_at = caller.ended_at or time.monotonic()
        deaths = self.tally.asterisk_died_at
        return any(
            caller.called_at <= back + LOST_WITH_ASTERISK_S
            and ended_at >= died - LOST_WITH_ASTERISK_S
            for died, back in zip(deaths[::2], deaths[1::2], strict=True)
        )

    def _offered_twice(self) -> list[str]:
        """Contacts for which two phones rang at once by the distributor's own doing."""
        rings: dict[str, list[tuple[float, float]]] = {}
        for bank in self.banks:
            ends = _ends_of_rings(bank)
            for event in bank.history("incoming"):
                contacts = event["headers"].get(RINGALL_HEADER)
                if contacts:
                    span = (event["t"], ends.get(event["call"], time.monotonic()))
                    rings.setdefault(contacts[0], []).append(span)
        return [contact for contact, spans in rings.items() if _overlap(spans)]

    async def _cards_missing(self) -> int:
        """How many contacts that Asterisk knew have no card, once the journal is through."""
        contacts = len(self._contacts_of_asterisk())
        supervisor = await self.run.panel("supervisor")

        async def missing() -> int:
            cards, before = 0, None
            while True:
                query = {"limit": "100", **({"before": before} if before else {})}
                page = await supervisor.get("/api/cards", **query)
                cards, before = cards + len(page["cards"]), page["next"]
                if not before:
                    return max(0, contacts - cards)

        async def complete() -> bool:
            return not await missing()

        with contextlib.suppress(ScenarioFailed):
            await eventually("every card is there", complete, timeout_s=CARDS_WITHIN_S)
        return await missing()

    def _contacts_of_asterisk(self) -> set[str]:
        """Every contact of which Asterisk's own journal has the arrival or only the end."""
        log = Path(self.run.stack.config.asterisk.log_dir) / "queue_log"
        lines = [line.split("|") for line in log.read_text().splitlines()]
        return {line[5] for line in lines if line[4] in ("CONTACT", "CONTACTEND")}


def _ends_of_rings(bank: PhoneBank) -> dict[str, float]:
    """When each call at a phone stopped ringing: answered, ended, or its process was killed."""
    ends: dict[str, float] = {}
    for event in bank.history():
        if event["event"] in ("answering", "connected", "disconnected"):
            ends.setdefault(event["call"], event["t"])
    for event in bank.history("closed"):
        for incoming in bank.history("incoming"):
            ends.setdefault(incoming["call"], event["t"])
    return ends


def _overlap(spans: list[tuple[float, float]]) -> bool:
    ordered = sorted(spans)
    return any(later[0] < earlier[1] for earlier, later in itertools.pairwise(ordered))
