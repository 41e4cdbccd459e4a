"""``bin/sim smsc``: a message centre to leave running while somebody tries the product with it.

Lines on standard input make things happen, what comes back is one JSON line each on standard
output. It runs until Ctrl-C, or for ``for_s`` seconds.

Options, all of them NAME=VALUE: ``host``, ``port``, ``system_id``, ``password``, ``binds``,
``window``, ``packed=yes``, ``tls_certificate`` and ``tls_key`` (files), ``for_s``, and whatever
`Faults` has, chances in per cent and times in seconds.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import fields, replace

from sim.smsc.centre import MessageCentre
from sim.smsc.citizen import Citizen, Reply
from sim.smsc.faults import Faults, IdForm
from sim.smsc.link import Account
from sim.typed import BadOption, Console, attend, take_duration

PORT = 2775
"""IANA's for SMPP."""
PERCENT = 100.0
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


class CentreConsole(Console):
    """What can be made to happen at a message centre."""

    def __init__(self, centre: MessageCentre, say: Callable[[str], None] | None = None) -> None:
        super().__init__(say)
        self._centre = centre
        centre.on_arrival = self._arrived

    async def carry_out(self, word: str, rest: str) -> None:
        """Do what a line says; raises `BadOption`, ``ValueError`` or ``OSError``."""
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
                self.say(COMMANDS)
            case _:
                posted = await centre.citizen(_number(word)).send(rest)
                self.tell("sent", citizen=word, messages=len(posted))

    async def watch(self) -> None:
        """Say whenever the number of binds is another."""
        known = 0

        def other() -> bool:
            return len(self._centre.bound) != known

        while True:
            await self._centre.until(other, "another number of binds", timeout_s=FOREVER_S)
            known = len(self._centre.bound)
            self.tell("binds", binds=known)

    def _arrived(self, citizen: Citizen, reply: Reply) -> None:
        self.tell(
            "reply",
            citizen=citizen.number,
            sender=reply.sender,
            text=reply.text,
            parts=[len(reply.parts), reply.total],
            repeated=reply.repeated,
        )


def _number(text: str) -> str:
    if not text.removeprefix("+").isdigit():
        raise BadOption(f"{text!r} is neither a command nor a telephone number; try: help")
    return "+" + text.removeprefix("+")


async def serve(options: dict[str, str]) -> None:
    """Run it; raises `BadOption`."""
    left = dict(options)
    for_s = take_duration(left)
    centre = make_centre(left)
    console = CentreConsole(centre)
    async with centre:
        console.tell("listening", port=centre.port)
        await attend(console, for_s)
        console.tell("ended", unacknowledged=centre.unacknowledged, **centre.counts)
