"""``bin/demo``: the whole centre in the foreground, with simulated citizens and call takers.

It runs until Ctrl-C, shows what happens, starts ccserver again should it die, and leaves nothing
running. Without traffic, real phones and browsers have it for themselves. A mobile operator is part
of it: lines that are typed, a number and a text, are texts to 112.
"""

import argparse
import asyncio
import contextlib
import fcntl
import ipaddress
import json
import os
import random
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
from rich.console import Console, Group
from rich.live import Live

from ccserver.accounts import DeviceKind, Role
from ccserver.config import ACDSettings, LogSettings
from ccserver.log import configure
from sim.demo_cars import HELP as CARS_HELP
from sim.demo_cars import Cars
from sim.demo_operator import CONSOLE_HELP, Operator
from sim.demo_view import View
from sim.panel import Message, Panel, PanelRefused
from sim.phones import Behaviour, PhoneBank, PhoneError
from sim.prompt import Prompt
from sim.scenarios.base import caller_number
from sim.scribes import Dispatcher, Scribe
from sim.sip.exchange import Exchange
from sim.stack import Seat, Stack, StackError, seats
from sim.text_scribe import TextScribe
from sim.texters import DURING_A_CALL
from sim.tools import SetUpMissing

SIMULATED_TAKERS = 3
CALLERS = 12
FIRST_CALLER_TONE = 20
CALL_EVERY_S = (6.0, 18.0)
TALK_S = (8.0, 25.0)
PATIENCE_S = (20.0, 60.0)
WRAP_UP_S = (2.0, 6.0)
TEXTS_TOO = 0.15
"""Chance that a caller texts during the call."""
EVENTS_SHOWN = 10
REFRESH_PER_S = 4
DEAD_CHECK_S = 0.5

PEOPLE = [
    *(
        Seat(seat.login, name, seat.extension)
        for seat, name in zip(
            seats(SIMULATED_TAKERS),
            ("Anna Bērziņa (simulated)", "Jānis Kalniņš (simulated)", "Olga Petrova (simulated)"),
            strict=True,
        )
    ),
    Seat("browser", "Browser call taker", "201", DeviceKind.BROWSER, language="en"),
    Seat("softphone", "Softphone call taker", "202", DeviceKind.SIP, language="en"),
    Seat("supervisor", "Supervisor", "190", DeviceKind.BROWSER, Role.SUPERVISOR, "en"),
    Seat("admin", "Administrator", "", role=Role.SYSTEM_ADMIN, language="en"),
    # The fire service's desk is left to whoever watches; the others answer by themselves.
    Seat("vugd", "Fire dispatcher", "", role=Role.SERVICE_DISPATCHER, service="vugd"),
    Seat("nmpd", "Ambulance (simulated)", "", role=Role.SERVICE_DISPATCHER, service="nmpd"),
    Seat("vp", "Police (simulated)", "", role=Role.SERVICE_DISPATCHER, service="vp"),
    Seat("gaso", "Gas service (simulated)", "", role=Role.SERVICE_DISPATCHER, service="gaso"),
    Seat("quality", "Quality officer", "", role=Role.QUALITY_OFFICER, language="en"),
    Seat("telecom", "Telecom administrator", "", role=Role.TELECOM_ADMIN, language="en"),
]
SIMULATED_DISPATCHERS = ("nmpd", "vp", "gaso")
STREETS = ("brivibas", "rigas", "liela", "dzirnavu", "parka", "meza", "skolas", "upes")
"""Words of addresses that simulated callers name."""


FIRST_SERVICE_TONE = 36
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
SERVICES: tuple[Message, ...] = (
    {
        "name": "nmpd",
        "title": {"lv": "Neatliekamā palīdzība", "ru": "Скорая помощь", "en": "Ambulance"},
        "number": "113",
        "kind": "service",
    },
    {
        "name": "vp",
        "title": {"lv": "Policija", "ru": "Полиция", "en": "Police"},
        "number": "110",
        "kind": "service",
    },
    {
        "name": "interpreter",
        "title": {"lv": "Tulks", "ru": "Переводчик", "en": "Interpreter"},
        "number": "67000001",
        "kind": "interpreter",
    },
)


class DemoError(Exception):
    """The demo cannot run; the text is one line for the person who started it."""


def options() -> argparse.Namespace:
    """The command line."""
    state = Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local" / "state"))
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=state / "ccserver" / "demo",
        help="database, recordings, logs and instance.json (default: %(default)s)",
    )
    parser.add_argument("--no-traffic", action="store_true", help="real phones and browsers only")
    parser.add_argument(
        "--no-edge", action="store_true", help="calls reach Asterisk itself; no cars then"
    )
    parser.add_argument("--http-port", type=int, default=8080, help="panel (default: %(default)s)")
    parser.add_argument("--sip-port", type=int, default=5060, help="SIP (default: %(default)s)")
    parser.add_argument(
        "--bind",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="this machine's address for phones on other machines (default: %(default)s)",
    )
    parser.add_argument(
        "--for", type=float, dest="seconds", metavar="SECONDS", help="stop by itself after that"
    )
    return parser.parse_args()


class Demo:
    """One demonstration."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.chosen = chosen
        self.data_dir: Path = chosen.data_dir.resolve()
        self.events: deque[str] = deque(maxlen=EVENTS_SHOWN)
        self.console = Console()
        self.supervisor: Panel | None = None
        self.stack: Stack
        self._view: View
        self._seen = 0.0
        self._random = random.SystemRandom()
        self._operator = Operator(self._random, self._happened)
        self._exchange = Exchange()
        self._cars = Cars(self._random, self._happened, self._exchange)
        self._prompt = Prompt()

    async def run(self) -> None:
        """Start, show, stop."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with contextlib.AsyncExitStack() as exits:
            exits.enter_context(self._lock())
            self._check_ports()
            began = time.monotonic()
            bank = PhoneBank(record_dir=self.data_dir / "phones")
            # Cars have telephones of their own; the phones of the bank have all other numbers.
            await exits.enter_async_context(self._exchange)
            exits.push_async_callback(self._cars.close)
            trunk_out = "" if self.chosen.no_edge else self._exchange.uri
            if not self.chosen.no_traffic:
                # The services outside have phones in the same process as the callers.
                await exits.enter_async_context(bank)
                self._exchange.otherwise = ("127.0.0.1", bank.sip_port)
                trunk_out = self._exchange.uri
            self.stack = Stack(
                self.data_dir,
                PEOPLE,
                trunk_out=trunk_out,
                host=self.chosen.bind,
                passwords=self._known_passwords(),
                sip_port=self.chosen.sip_port if self.chosen.no_edge else None,
                edge_port=None if self.chosen.no_edge else self.chosen.sip_port,
                edge=not self.chosen.no_edge,
                http_port=self.chosen.http_port,
                acd=ACDSettings(offer_timeout_s=15.0, wrap_up_s=30.0),
            )
            await exits.enter_async_context(self._operator)
            self.stack.take_texts(*self._operator.settings)
            self._let_phones_in()
            self._say("starting Asterisk, the SIP edge and ccserver")
            await self.stack.make_addresses()
            async with self.stack:
                self._say(f"up after {time.monotonic() - began:.1f} s")
                self._introduce()
                self.supervisor = await exits.enter_async_context(self._panel("supervisor"))
                self._view = View(self.supervisor)
                exits.enter_context(self._prompt)
                try:
                    await self._until(stop, exits, bank)
                finally:
                    self._say("stopping every process")
        self._say("stopped")

    async def _until(
        self, stop: asyncio.Event, exits: contextlib.AsyncExitStack, bank: PhoneBank
    ) -> None:
        work: list[Callable[[], Awaitable[object]]] = [
            self._show,
            self._restart_if_dead,
            self._obey_for_ever,
        ]
        if not self.chosen.no_edge:
            self._cars.next_hop = self.stack.registrar
        if not self.chosen.no_traffic:
            if not self.chosen.no_edge:
                work.append(self._cars.run)
            await self._seat_takers(bank, exits)
            await self._seat_dispatchers(exits)
            await self._add_services(bank)
            work += [lambda: self._call_for_ever(bank), self._operator.texters.run]
        tasks = [asyncio.ensure_future(each()) for each in (*work, stop.wait)]
        try:
            await asyncio.wait(
                tasks, timeout=self.chosen.seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    raise outcome

    # -- before --

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.data_dir / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise DemoError(
                    f"another demo runs in {self.data_dir}; give --data-dir for a second one"
                ) from None
            yield

    def _check_ports(self) -> None:
        for port, option in (
            (self.chosen.http_port, "--http-port"),
            (self.chosen.sip_port, "--sip-port"),
        ):
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((self.chosen.bind, port))
                except OSError as error:
                    raise DemoError(
                        f"port {port} of {self.chosen.bind} cannot be used ({error.strerror}); "
                        f"choose another with {option}"
                    ) from None

    def _known_passwords(self) -> dict[str, str]:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            instance = json.loads((self.data_dir / "instance.json").read_text())
            return {account["login"]: account["password"] for account in instance["accounts"]}
        return {}

    def _let_phones_in(self) -> None:
        """Phones on other machines are in private networks; none comes in by the Internet."""
        edge = self.stack.config.edge
        bound = ipaddress.ip_address(self.chosen.bind)
        if edge.enabled and not bound.is_loopback:
            networks = (*edge.phone_networks, *PRIVATE_NETWORKS)
            replaced = msgspec.structs.replace(edge, phone_networks=networks)
            self.stack.config = msgspec.structs.replace(self.stack.config, edge=replaced)

    def _panel(self, login: str) -> Panel:
        return Panel(self.stack.panel_url, login, self.stack.passwords[login])

    # -- what is said --

    def _say(self, text: str) -> None:
        self.console.print(f"[demo] {text}", markup=False, highlight=False)

    def _introduce(self) -> None:
        self._say(f"panel:    {self.stack.panel_url}")
        for seat in PEOPLE:
            phone = f"extension {seat.extension}, {seat.device.value}" if seat.extension else ""
            password = self.stack.passwords[seat.login]
            self._say(f"account:  {seat.login:11} password {password}  {seat.role.value} {phone}")
        how = "with the header in instance.json" if self.chosen.no_edge else "from this machine"
        self._say(f"dial:     {self.stack.emergency_uri} {how}")
        self._say(f"texting:  {CONSOLE_HELP}")
        if not self.chosen.no_edge:
            self._say(f"cars:     type {CARS_HELP}")
        self._say(f"all of it: {self.data_dir / 'instance.json'}")

    async def _show(self) -> None:
        assert self.supervisor is not None
        if not sys.stdout.isatty():
            await self._tell()
            return
        with Live(self._picture(), console=self.console, refresh_per_second=REFRESH_PER_S) as live:
            while True:
                self._take_events()
                live.update(self._picture())
                await asyncio.sleep(1 / REFRESH_PER_S)

    def _picture(self) -> Group:
        return self._view.picture(
            f"panel {self.stack.panel_url}   accounts in {self.data_dir}/instance.json",
            self.events,
            typed=self._prompt.typed if self._prompt.listens else None,
            help_text=CONSOLE_HELP if self.chosen.no_edge else f"{CONSOLE_HELP}\n{CARS_HELP}",
        )

    async def _tell(self) -> None:
        while True:
            self._take_events()
            while self.events:
                print(self.events.popleft(), flush=True)
            await asyncio.sleep(1 / REFRESH_PER_S)

    def _take_events(self) -> None:
        assert self.supervisor is not None
        for at, message in list(self.supervisor.messages):
            if at > self._seen:
                self._seen = at
                sentence = self._view.sentence(message)
                if sentence:
                    self._happened(sentence)

    def _happened(self, sentence: str) -> None:
        self.events.append(f"{time.strftime('%H:%M:%S')} {sentence}")

    async def _obey_for_ever(self) -> None:
        while True:
            line = await self._prompt.line()
            if self.chosen.no_edge or not self._cars.obey(line):
                await self._operator.obey(line)

    # -- traffic --

    async def _seat_takers(self, bank: PhoneBank, exits: contextlib.AsyncExitStack) -> None:
        for number, seat in enumerate(PEOPLE[:SIMULATED_TAKERS]):
            profile = self.stack.profiles[seat.extension]
            await bank.add_phone(
                seat.login,
                tone=number,
                registrar=self.stack.registrar,
                username=profile.sip_username,
                password=profile.sip_password,
                behaviour=Behaviour(on_call="answer", after_s=self._random.uniform(1, 3)),
            )
            panel = await exits.enter_async_context(self._panel(seat.login))
            await panel.ready()
            scribe = Scribe(panel, self._random, STREETS)
            text_scribe = TextScribe(panel, self._random)
            for work in (self._wrap_up_for_ever(panel), scribe.run(), text_scribe.run()):
                exits.callback(asyncio.create_task(work).cancel)
        for number in range(CALLERS):
            await bank.add_phone(f"caller{number}", tone=FIRST_CALLER_TONE + number)

    async def _seat_dispatchers(self, exits: contextlib.AsyncExitStack) -> None:
        """The desks of services that answer by themselves."""
        for login in SIMULATED_DISPATCHERS:
            panel = await exits.enter_async_context(self._panel(login))
            dispatcher = Dispatcher(panel, self._random)
            exits.callback(asyncio.create_task(dispatcher.run()).cancel)

    async def _add_services(self, bank: PhoneBank) -> None:
        """Phones of the ambulance, the police and an interpreter, and their directory entries."""
        for tone, entry in enumerate(SERVICES, start=FIRST_SERVICE_TONE):
            await bank.add_phone(
                str(entry["name"]),
                tone=tone,
                sip_uri=f"sip:{entry['number']}@127.0.0.1:{bank.sip_port}",
                behaviour=Behaviour(on_call="answer", after_s=1.0),
            )
        assert self.supervisor is not None
        stored = await self.supervisor.get("/api/routing")
        if stored["document"]["directory"]:
            return
        document = {**stored["document"], "directory": list(SERVICES)}
        await self.supervisor.put(
            "/api/routing",
            {"document": document, "comment": "Services of the demonstration"},
            headers={"If-Match": f'"{stored["newest"]}"'},
        )

    async def _wrap_up_for_ever(self, panel: Panel) -> None:
        after = 0.0
        while True:
            after, _ = await panel.wait_for(
                lambda m: (
                    m["type"] == "agent"
                    and m["agent"]["agent_id"] == panel.agent_id
                    and m["agent"]["state"] == "wrap_up"
                ),
                timeout_s=86_400,
                after=after + 1e-6,
            )
            await asyncio.sleep(self._random.uniform(*WRAP_UP_S))
            with contextlib.suppress(PanelRefused, TimeoutError, OSError):
                await panel.post("/api/agent/wrap-up/end")

    async def _call_for_ever(self, bank: PhoneBank) -> None:
        number = 0
        calls: set[asyncio.Task[None]] = set()
        while True:
            if len(calls) < CALLERS:
                call = asyncio.create_task(self._one_call(bank, number))
                calls.add(call)
                call.add_done_callback(calls.discard)
                number += 1
            await asyncio.sleep(self._random.uniform(*CALL_EVERY_S))

    async def _one_call(self, bank: PhoneBank, number: int) -> None:
        with contextlib.suppress(PhoneError, TimeoutError):
            call = await bank.call(
                f"caller{number % CALLERS}",
                self.stack.emergency_uri,
                headers=self.stack.trunk_headers,
                from_uri=f"<sip:{caller_number(number)}@{self.chosen.bind}>",
            )
            async with self._telling_its_place(caller_number(number)):
                with contextlib.suppress(TimeoutError):
                    patience_s = self._random.uniform(*PATIENCE_S)
                    await bank.wait_for("heard", call=call, timeout_s=patience_s)
                    if self._random.random() < TEXTS_TOO:
                        citizen = self._operator.centre.citizen(caller_number(number))
                        await self._operator.texters.send(citizen, DURING_A_CALL)
                    await asyncio.sleep(self._random.uniform(*TALK_S))
            await bank.hangup(call)

    @contextlib.asynccontextmanager
    async def _telling_its_place(self, number: str) -> AsyncIterator[None]:
        """The caller's telephone sends its positions meanwhile, if it is one that does."""
        place = self._operator.place_of(number, self.stack.panel_url)
        if place is None:
            yield
            return
        self._happened(f"{number}: the telephone tells its place by {place.way.value}")
        telling = asyncio.create_task(place.tell())
        try:
            yield
        finally:
            telling.cancel()

    async def _restart(
        self,
        name: str,
        process: asyncio.subprocess.Process | None,
        start: Callable[[], Awaitable[float]],
    ) -> None:
        if process is not None and process.returncode is not None:
            self._happened(f"{name} ended, starting it again")
            with contextlib.suppress(StackError):
                await start()

    async def _restart_if_dead(self) -> None:
        """What a service manager does in production."""
        while True:
            await self._restart("ccserver", self.stack.ccserver, self.stack.start_ccserver)
            await self._restart("Asterisk", self.stack.asterisk, self.stack.start_asterisk)
            await self._restart("the SIP edge", self.stack.edge, self.stack.start_edge)
            await asyncio.sleep(DEAD_CHECK_S)


def main() -> int:
    """Run the demo; the exit status is 0 after Ctrl-C."""
    configure(LogSettings(level="warning", format="console"))
    try:
        asyncio.run(Demo(options()).run())
    except (DemoError, StackError, SetUpMissing, PhoneError) as error:
        print(f"bin/demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
