"""``bin/sim smsc``: a message centre to leave running while somebody tries the product with it.

Lines on standard input make things happen, what comes back is one JSON line each on standard
output. It runs until Ctrl-C, or for ``for_s`` seconds.

Options, all of them NAME=VALUE: ``host``, ``port``, ``system_id``, ``password``, ``binds``,
``window``, ``packed=yes``, ``tls_certificate`` and ``tls_key`` (files), ``for_s``, and whatever
`Faults` has, chances in per cent and times in seconds.
"""

import asyncio
import contextlib
import json
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import fields, replace

from sim.smsc.centre import MessageCentre
from sim.smsc.citizen import Citizen, Reply
from sim.smsc.faults import Faults, IdForm
from sim.smsc.link import Account

PORT = 2775
"""IANA's for SMPP."""
PERCENT = 100.0
LINES_MAX = 1_000
"""Of standard input that may wait; more are refused rather than kept."""
FOREVER_S = 10 * 365 * 86_400.0
COMMANDS = """\
NUMBER TEXT              a citizen texts 112
data NUMBER TEXT         a data message from the citizen's telephone, as positions come
off NUMBER, on NUMBER    the telephone cannot, or can, be reached
set NAME=VALUE ...       other faults from now on
hex DIGITS               these octets to every bind that receives
drop                     cut every link
die, listen              stop listening, and listen again; what waits is kept
counts                   what happened so far
"""


class BadOption(Exception):
    """An option or a line that means nothing; the text says why."""


def read_faults(options: Mapping[str, str], faults: Faults | None = None) -> Faults:
    """Faults with these changes: per cent for chances; raises `BadOption`."""
    known = {each.name for each in fields(Faults)}
    changes: dict[str, object] = {}
    for name, value in options.items():
        if name not in known:
            raise BadOption(f"there is no {name!r} to set; faults are {', '.join(sorted(known))}")
        try:
            if name == "ids":
                changes[name] = IdForm(value)
            elif name == "seed":
                changes[name] = int(value)
            else:
                changes[name] = float(value) / (1 if name.endswith("_s") else PERCENT)
        except ValueError as error:
            raise BadOption(f"{name}: {error}") from None
    try:
        return replace(faults or Faults(), **changes)  # type: ignore[arg-type]
    except ValueError as error:
        raise BadOption(str(error)) from None


def make_centre(options: dict[str, str]) -> MessageCentre:
    """The centre that the options describe; takes out what it used, raises `BadOption`."""
    certificate, key = options.pop("tls_certificate", ""), options.pop("tls_key", "")
    tls = None
    try:
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate, key or None)
        account = Account(
            options.pop("system_id", "ccserver"),
            options.pop("password", "secret"),
            binds_max=int(options.pop("binds", "2")),
            window=int(options.pop("window", "10")),
        )
        host, port = options.pop("host", "127.0.0.1"), int(options.pop("port", str(PORT)))
    except (OSError, ValueError) as error:
        raise BadOption(str(error)) from None
    packed = options.pop("packed", "no") == "yes"
    faults = read_faults(options)
    return MessageCentre([account], host=host, port=port, tls=tls, packed=packed, faults=faults)


class Console:
    """Carries out lines, and prints what happens."""

    def __init__(self, centre: MessageCentre, say: Callable[[str], None] | None = None) -> None:
        self._centre = centre
        self._say = say or _print
        centre.on_arrival = self._arrived

    def tell(self, event: str, **data: object) -> None:
        """Print one JSON line."""
        self._say(json.dumps({"event": event, **data}, ensure_ascii=False))

    async def obey(self, line: str) -> None:
        """Do what a line says; a line that means nothing is answered."""
        word, _, rest = line.strip().partition(" ")
        if not word:
            return
        try:
            await self._obey(word, rest.strip())
        except (BadOption, ValueError, OSError) as error:
            self.tell("error", line=line.strip(), error=str(error))

    async def _obey(self, word: str, rest: str) -> None:
        centre = self._centre
        match word:
            case "data":
                number, _, text = rest.partition(" ")
                centre.citizen(_number(number)).send_data(text)
                self.tell("sent", citizen=number, messages=1)
            case "on" | "off":
                centre.citizen(_number(rest)).reachable = word == "on"
            case "set":
                pairs = dict(pair.split("=", 1) for pair in rest.split() if "=" in pair)
                centre.faults = read_faults(pairs, centre.faults)
            case "hex":
                self.tell("injected", links=centre.inject(bytes.fromhex(rest)))
            case "drop":
                centre.drop_links()
            case "die":
                await centre.die()
            case "listen":
                await centre.listen()
            case "counts":
                self.tell("counts", unacknowledged=centre.unacknowledged, **centre.counts)
            case "help":
                self._say(COMMANDS)
            case _:
                posted = await centre.citizen(_number(word)).send(rest)
                self.tell("sent", citizen=word, messages=len(posted))

    def _arrived(self, citizen: Citizen, reply: Reply) -> None:
        self.tell(
            "reply",
            citizen=citizen.number,
            sender=reply.sender,
            text=reply.text,
            parts=[len(reply.parts), reply.total],
            repeated=reply.repeated,
        )


def _print(text: str) -> None:
    print(text, flush=True)


def _number(text: str) -> str:
    if not text.removeprefix("+").isdigit():
        raise BadOption(f"{text!r} is neither a command nor a telephone number; try: help")
    return "+" + text.removeprefix("+")


async def serve(options: dict[str, str]) -> None:
    """Run it; raises `BadOption`."""
    left = dict(options)
    try:
        for_s = float(left.pop("for_s", "inf"))
    except ValueError as error:
        raise BadOption(f"for_s: {error}") from None
    centre = make_centre(left)
    console = Console(centre)
    lines: asyncio.Queue[str] = asyncio.Queue(LINES_MAX)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with centre:
        console.tell("listening", port=centre.port)
        # A thread, because a file or a terminal cannot be waited for by the loop.
        threading.Thread(target=_read_lines, args=(loop, lines), daemon=True).start()
        tasks = [
            asyncio.create_task(_obey_all(console, lines)),
            asyncio.create_task(_tell_binds(console, centre)),
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if for_s == float("inf") else for_s):
                await ended.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        console.tell("ended", unacknowledged=centre.unacknowledged, **centre.counts)


def _read_lines(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str]) -> None:
    for line in sys.stdin:
        try:
            asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
        except (RuntimeError, asyncio.CancelledError):
            return


async def _obey_all(console: Console, lines: asyncio.Queue[str]) -> None:
    while True:
        await console.obey(await lines.get())


async def _tell_binds(console: Console, centre: MessageCentre) -> None:
    """Say whenever the number of binds is another."""
    known = 0

    def other() -> bool:
        return len(centre.bound) != known

    while True:
        await centre.until(other, "another number of binds", timeout_s=FOREVER_S)
        known = len(centre.bound)
        console.tell("binds", binds=known)
