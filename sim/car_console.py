"""``bin/sim car``: one car to try a centre with, whichever it is.

Lines on standard input make things happen, what comes back is one JSON line each on standard
output. It runs until Ctrl-C, or for ``for_s`` seconds.

Options, all of them NAME=VALUE: ``to`` (the SIP URI of the edge; ``;transport=tcp`` or ``tls``),
``ca`` (a file of certificates to trust), ``host`` (the address to call from), ``number``, ``kind``
(automatic, manual, test), ``lat``, ``lon``, ``direction``, ``version`` (1, 2, 3), ``vin``,
``occupants``, ``tone`` (the voice of who drives; the others have those above), ``redial_for_s``,
``for_s``.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Final

from ccserver.ecall import msd
from sim.audio import PARTY_COUNT
from sim.car import REDIAL_FOR_S, URNS, Car, Vehicle
from sim.faulty import FAULTS, call_with
from sim.sip import Call, CallFailed, SIPInvalid
from sim.sip.voices import VOICES_MAX
from sim.typed import BadOption, Console, attend, take_duration

COMMANDS: Final = f"""\
call                     an eCall with its data
fault NAME               an eCall with something wrong: {", ".join(FAULTS)}
without                  an eCall without data
send                     fresh data within the call
move LAT LON             be somewhere else from now on
answer MANNER            when data is asked for: send, refuse, reject, silent or deaf
speak TONE, silent TONE  somebody in the car speaks from now on, or falls silent
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
    try:
        vehicle = _vehicle(left)
        msd.encode(vehicle.msd(kind=kind, identifier=1, timestamp=1))
        tone = int(left.pop("tone", DEFAULT_TONE))
        _need_tone(tone)
        ca = left.pop("ca", "")
        car = Car(
            to,
            vehicle=vehicle,
            kind=kind,
            number=left.pop("number", "+37129000000"),
            host=left.pop("host", "127.0.0.1"),
            tone=tone,
            passengers=_passengers(tone, vehicle.occupants or 0),
            redial_for_s=float(left.pop("redial_for_s", REDIAL_FOR_S)),
            tls_client=ssl.create_default_context(cafile=ca) if ca else None,
        )
    except (ValueError, OSError, OverflowError, SIPInvalid) as error:
        raise BadOption(str(error)) from None
    if left:
        raise BadOption(f"there is no option {', '.join(left)}")
    return car


def _vehicle(options: dict[str, str]) -> Vehicle:
    """Take out what is said of the vehicle; raises ``ValueError``."""
    plain = Vehicle()
    return Vehicle(
        latitude=float(options.pop("lat", plain.latitude or 0.0)),
        longitude=float(options.pop("lon", plain.longitude or 0.0)),
        direction_deg=int(options.pop("direction", plain.direction_deg or 0)),
        vin=options.pop("vin", plain.vin),
        version=int(options.pop("version", plain.version)),
        occupants=int(options.pop("occupants", plain.occupants or 0)),
    )


def _need_tone(tone: int) -> None:
    if not 0 <= tone < PARTY_COUNT:
        raise BadOption(f"a tone is from 0 to {PARTY_COUNT - 1}")


def _passengers(tone: int, occupants: int) -> range:
    """The voices of the others: the tones above the driver's, as many as there are."""
    return range(tone + 1, min(tone + min(occupants, VOICES_MAX), PARTY_COUNT))


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
            case "speak" | "silent", [tone]:
                self._voice(word, int(tone))
            case "drop", []:
                car.drop()
            case "new", []:
                car.new_incident()
            case "help", _:
                self.say(COMMANDS)
            case _:
                raise BadOption(f"{word!r} means nothing like that; try: help")

    def _voice(self, word: str, tone: int) -> None:
        voices = self._car.voices
        assert voices is not None
        if word == "speak":
            _need_tone(tone)
            voices.speak(tone)
        else:
            voices.hush(tone)
        self.tell("voices", tones=list(voices))

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
        console.tell("ready", uri=car.uri, number=car.number, tones=list(car.voices or ()))
        await attend(console, for_s)
        if car.call_now is not None and car.call_now.is_up:
            await car.hang_up()
