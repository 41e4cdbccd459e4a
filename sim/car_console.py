"""``bin/sim car``: one car to try a centre with, whichever it is.

Lines on standard input make things happen, what comes back is one JSON line each on standard
output. It runs until Ctrl-C, or for ``for_s`` seconds.

Options, all of them NAME=VALUE: ``to`` (the SIP URI of the edge; ``;transport=tcp`` or ``tls``),
``ca`` (a file of certificates to trust), ``host`` (the address to call from), ``number``, ``kind``
(automatic, manual, test), ``lat``, ``lon``, ``direction``, ``version`` (1, 2, 3), ``vin``,
``occupants``, ``tone`` (the voice in it), ``redial_for_s``, ``for_s``.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Final

from ccserver.ecall import msd
from sim.audio import PARTY_COUNT
from sim.car import URNS, Car, Vehicle
from sim.faulty import FAULTS, call_with
from sim.sip import Call, CallFailed
from sim.typed import BadOption, Console, attend, take_duration

COMMANDS: Final = f"""\
call                     an eCall with its data
fault NAME               an eCall with something wrong: {", ".join(FAULTS)}
without                  an eCall without data
send                     fresh data within the call
move LAT LON             be somewhere else from now on
answer MANNER            when data is asked for: send, refuse, reject, silent or deaf
hangup, drop, redial     end the call in order; lose the network; call again
new                      what comes next is another crash
"""
MANNERS: Final = ("send", "refuse", "reject", "silent", "deaf")
DEFAULT_TONE: Final = 33
ANSWER_S: Final = 60.0


def make_car(options: dict[str, str]) -> Car:
    """The car that options describe; raises `BadOption`."""
    left = dict(options)
    to = left.pop("to", "")
    if not to.startswith("sip:"):
        raise BadOption("to=sip:HOST:PORT says which edge it calls")
    kind = left.pop("kind", "automatic")
    if kind not in URNS:
        raise BadOption(f"kind is one of {', '.join(URNS)}")
    plain = Vehicle()
    try:
        vehicle = Vehicle(
            latitude=float(left.pop("lat", plain.latitude or 0.0)),
            longitude=float(left.pop("lon", plain.longitude or 0.0)),
            direction_deg=int(left.pop("direction", plain.direction_deg or 0)),
            vin=left.pop("vin", plain.vin),
            version=int(left.pop("version", plain.version)),
            occupants=int(left.pop("occupants", plain.occupants or 0)),
        )
        tone = int(left.pop("tone", DEFAULT_TONE))
        redial_for_s = float(left.pop("redial_for_s", "120"))
        msd.encode(vehicle.msd(kind=kind, identifier=1, timestamp=1))
        ca = left.pop("ca", "")
        trusted = ssl.create_default_context(cafile=ca) if ca else None
    except (ValueError, OSError, OverflowError) as error:
        raise BadOption(str(error)) from None
    if not 0 <= tone < PARTY_COUNT:
        raise BadOption(f"tone is from 0 to {PARTY_COUNT - 1}")
    host, number = left.pop("host", "127.0.0.1"), left.pop("number", "+37129000000")
    if left:
        raise BadOption(f"there is no option {', '.join(left)}")
    return Car(
        to,
        vehicle=vehicle,
        kind=kind,
        number=number,
        host=host,
        tone=tone,
        redial_for_s=redial_for_s,
        protocol=to.partition(";transport=")[2] or "udp",
        tls_client=trusted,
    )


class CarConsole(Console):
    """What can be made to happen to one car."""

    survived = (*Console.survived, CallFailed)

    def __init__(self, car: Car, say: Callable[[str], None] | None = None) -> None:
        super().__init__(say)
        self._car = car

    async def carry_out(self, word: str, rest: str) -> None:
        """Do what a line says; raises `BadOption`, `CallFailed`, ``ValueError`` or ``OSError``."""
        car = self._car
        match word, rest.split():
            case "call" | "without", []:
                await self._answered(await car.call(without_data=word == "without"))
            case "fault", [name] if name in FAULTS:
                await self._answered(await call_with(car, name))
            case "redial", []:
                await self._answered(await car.redial())
            case "send", []:
                self.tell("sent", code=await car.send_data(), message_identifier=car.identifier)
            case "hangup", []:
                await car.hang_up()
            case _:
                self._change(word, rest.split())

    def _change(self, word: str, rest: list[str]) -> None:
        """What needs no answer of the centre."""
        car = self._car
        match word, rest:
            case "move", [latitude, longitude]:
                car.move(latitude=float(latitude), longitude=float(longitude))
            case "answer", [manner] if manner in MANNERS:
                car.answers.on_request = manner
            case "drop", []:
                car.drop()
            case "new", []:
                car.new_incident()
            case "help", _:
                self.say(COMMANDS)
            case _:
                raise BadOption(f"{word!r} means nothing like that; try: help")

    async def _answered(self, call: Call) -> None:
        code = (await call.final(ANSWER_S)).code
        ack = self._car.read_acks(call) if code == 200 else None
        self.tell("answered", code=code, ack=ack, message_identifier=self._car.identifier)

    async def watch(self) -> None:
        """Say whenever the centre asked for something, called back, or ended a call."""
        known: dict[str, Any] = {"asked": 0, "called_back": 0}
        up: Call | None = None
        while True:
            await asyncio.sleep(0.1)
            heard = self._car.heard
            now = {"asked": len(heard.requests), "called_back": len(heard.callbacks)}
            for name, count in now.items():
                if count > known[name]:
                    self.tell(name, count=count)
            known = now
            call = self._car.call_now
            if call is not None and call.is_up:
                up = call
            elif up is not None and up.ended.is_set():
                self.tell("ended", by_us=up.end is None)
                up = None


async def serve(options: dict[str, str]) -> None:
    """Run it; raises `BadOption`."""
    left = dict(options)
    for_s = take_duration(left)
    car = make_car(left)
    console = CarConsole(car)
    async with car:
        console.tell("ready", uri=car.uri, number=car.number)
        await attend(console, for_s)
        if car.call_now is not None and car.call_now.is_up:
            await car.hang_up()
