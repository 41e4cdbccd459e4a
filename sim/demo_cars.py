"""Cars and IP callers of the demonstration: some call now and then, others when somebody types.

They reach the centre by its SIP edge, as from an operator's network, and can be called back.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from ccserver.ecall.values import Energy, VehicleType
from ccserver.location import LocationInvalid, Position, offset
from sim.car import URNS, Car, Vehicle
from sim.faulty import call_with
from sim.ng112 import BLOCKS, NG112Phone, Wish, place
from sim.pidf import SHAPES
from sim.places import AWAY_M, CITY
from sim.sip import Call, CallFailed
from sim.sip.exchange import Exchange

EVERY_S = (40.0, 90.0)
TALK_S = (10.0, 25.0)
PATIENCE_S = 60.0
STAYS_S = 120.0
"""A car can be called back for that long here; real ones for an hour (T9)."""
LOST_AFTER_S = 6.0
FAINTS_AFTER_S = 6.0
LISTEN_S = 0.25
CARS_MAX = 20
"""At a time; whoever types more has to wait."""
PHONE_SHARE = 0.3
"""Of those who call by themselves; the others are cars."""
TONES: Final = (33, 34, 35)
HOSTS: Final = 200
HELP = (
    "car [automatic|manual|test] [LAT LON] [electric|bus|…] [refuses|silent|faints|lost|broken], "
    "or phone [LAT LON] [circle|arcband|polygon|…]"
)


@dataclass(frozen=True, slots=True)
class Make:
    """A vehicle that drives around here."""

    vin: str
    energy: frozenset[Energy]
    vehicle_type: VehicleType = VehicleType.M1
    occupants: int = 1


MAKES: Final = {
    "petrol": Make("WVWZZZ1KZ8W000017", frozenset({Energy.GASOLINE}), occupants=2),
    "diesel": Make("YV1CZ8256R1000042", frozenset({Energy.DIESEL}), occupants=4),
    "electric": Make("5YJ3E7EB8NF000112", frozenset({Energy.ELECTRIC})),
    "hybrid": Make("JTDZZZWP00J000900", frozenset({Energy.GASOLINE, Energy.ELECTRIC}), occupants=3),
    "gas": Make("UU1ZZZ52XP0000221", frozenset({Energy.GASOLINE, Energy.LPG})),
    "hydrogen": Make("KMHJ381ABPU000005", frozenset({Energy.HYDROGEN})),
    "bus": Make("WEBZZZ628NX000303", frozenset({Energy.DIESEL}), VehicleType.M3, 37),
    "lorry": Make("YS2ZZZR4X20000808", frozenset({Energy.DIESEL}), VehicleType.N3),
}
MANNERS: Final = ("refuses", "silent", "faints", "lost", "broken")


@dataclass(frozen=True, slots=True)
class Order:
    """One caller to be made."""

    what: str
    """``car`` or ``phone``."""
    kind: str = "automatic"
    make: str = "petrol"
    manner: str = ""
    shape: str = "Circle"
    where: Position | None = None


class BadOrder(ValueError):
    """A line that means nothing; the text says why."""


def read_order(line: str) -> Order:
    """Read what somebody typed; raises `BadOrder`."""
    what, *words = line.lower().split() or [""]
    if what not in ("car", "phone"):
        raise BadOrder(f"try: {HELP}")
    told: dict[str, str] = {}
    numbers: list[float] = []
    shapes = {name.lower(): name for name in SHAPES}
    for word in words:
        if what == "car" and word in URNS:
            told["kind"] = word
        elif what == "car" and word in MAKES:
            told["make"] = word
        elif what == "car" and word in MANNERS:
            told["manner"] = word
        elif what == "phone" and word in shapes:
            told["shape"] = shapes[word]
        else:
            numbers.append(_degrees(word))
    if len(numbers) not in (0, 2):
        raise BadOrder("a place is two numbers: latitude and longitude")
    where = None
    if numbers:
        try:
            where = Position(*numbers)
        except LocationInvalid as error:
            raise BadOrder(str(error)) from None
    return Order(
        what,
        kind=told.get("kind", "automatic"),
        make=told.get("make", "petrol"),
        manner=told.get("manner", ""),
        shape=told.get("shape", "Circle"),
        where=where,
    )


def _degrees(word: str) -> float:
    try:
        return float(word.rstrip(","))
    except ValueError:
        raise BadOrder(f"{word!r} means nothing here; try: {HELP}") from None


class Cars:
    """``run`` makes traffic, ``obey`` what is typed; ``tell`` gets sentences to be shown."""

    def __init__(
        self, chance: random.Random, tell: Callable[[str], None], exchange: Exchange
    ) -> None:
        self.next_hop = ""
        """The edge; nobody calls before it is known."""
        self._chance = chance
        self._tell = tell
        self._exchange = exchange
        self._made = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def obey(self, line: str) -> bool:
        """Do what somebody typed; false if it is not about cars or phones."""
        if line.split()[:1] not in (["car"], ["phone"]):
            return False
        try:
            self._start(read_order(line))
        except BadOrder as error:
            self._tell(f"{line}: {error}")
        return True

    async def run(self) -> None:
        """Let somebody call now and then, for ever."""
        while True:
            await asyncio.sleep(self._chance.uniform(*EVERY_S))
            self._start(self._any())

    async def close(self) -> None:
        """End every call."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _any(self) -> Order:
        if self._chance.random() < PHONE_SHARE:
            return Order("phone", shape=self._chance.choice(list(SHAPES)))
        return Order(
            "car",
            kind=self._chance.choice(["automatic", "automatic", "manual", "manual", "test"]),
            make=self._chance.choice(list(MAKES)),
            manner=self._chance.choice(["", "", "", *MANNERS]),
        )

    def _start(self, order: Order) -> None:
        if len(self._tasks) >= CARS_MAX:
            self._tell(f"{CARS_MAX} are on the road already")
            return
        work = self._car(order) if order.what == "car" else self._phone(order)
        task = asyncio.create_task(self._survive(work), name=f"demo-{order.what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _survive(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (CallFailed, OSError, TimeoutError) as error:
            self._tell(f"a caller did not get through: {error}")

    def _caller(self, prefix: str, occupants: int = 1) -> tuple[str, str, list[int]]:
        """A number and an address for the next one, and the voices, as far as there are any."""
        self._made += 1
        host = f"127.0.1.{self._made % HOSTS + 2}"
        speak = range(self._made, self._made + min(occupants, len(TONES)))
        return f"+{prefix}{self._made % 10_000:04d}", host, [TONES[n % len(TONES)] for n in speak]

    def _somewhere(self, order: Order) -> Position:
        if order.where is not None:
            return order.where
        return offset(CITY, self._chance.uniform(0, 360), self._chance.uniform(*AWAY_M))

    def _make(self, order: Order) -> Car:
        """A car as it was ordered; it can be called back."""
        here, make = self._somewhere(order), MAKES[order.make]
        number, host, voices = self._caller("3712955", make.occupants)
        vehicle = Vehicle(
            latitude=here.latitude,
            longitude=here.longitude,
            direction_deg=self._chance.randrange(0, 360, 2),
            vin=make.vin,
            vehicle_type=make.vehicle_type,
            propulsion=make.energy,
            occupants=make.occupants,
            trusted=self._chance.random() < 0.9,
        )
        car = Car(
            self.next_hop,
            vehicle=vehicle,
            kind=order.kind,
            number=number,
            host=host,
            passengers=voices,
        )
        answers = {"refuses": "refuse", "silent": "silent"}
        car.answers.on_request = answers.get(order.manner, "send")
        return car

    async def _car(self, order: Order) -> None:
        async with self._make(order) as car:
            number = car.number
            self._exchange.reach(number, car.ua.host, car.ua.port)
            self._tell(f"{number}: {order.kind} eCall, {order.make} {order.manner}".rstrip())
            if order.manner == "broken":
                call = await call_with(car, "msd_garbage")
                await call.answered()
                car.read_acks(call)
            else:
                call = await car.connected()
            told = [ack.received for ack in car.heard.acks]
            self._tell(f"{number}: the centre says that it has the data: {told}")
            if order.manner == "lost":
                await asyncio.sleep(LOST_AFTER_S)
                car.drop()
                self._tell(f"{number}: the network is lost; the car calls again")
                call = await car.redial()
            if order.manner == "faints":
                await asyncio.sleep(FAINTS_AFTER_S)
                self._faint(car)
            await self._talk(call)
            await asyncio.sleep(STAYS_S)
            if car.call_now is not None:
                await car.call_now.ended.wait()  # it may be called back at the last moment

    def _faint(self, car: Car) -> None:
        """Who spoke first falls silent; the others, if there are any, go on."""
        assert car.voices is not None
        car.voices.hush(next(iter(car.voices)))
        left = len(list(car.voices))
        self._tell(f"{car.number}: somebody in the car falls silent; {left} go on speaking")

    async def _phone(self, order: Order) -> None:
        number, host, (tone,) = self._caller("3712866")
        here = self._somewhere(order)
        wish = Wish(
            places=(place(order.shape, here.latitude, here.longitude, confidence=95),),
            blocks=(BLOCKS["ProviderInfo"], BLOCKS["SubscriberInfo"]),
            nested=self._chance.random() < 0.5,
        )
        async with NG112Phone(self.next_hop, number=number, host=host, tone=tone) as phone:
            self._tell(f"{number}: calls over IP, with its place as {order.shape}")
            call = await phone.call(wish)
            await call.answered()
            await self._talk(call)

    async def _talk(self, call: Call) -> None:
        """Until somebody was heard and all was said, or the patience is over."""
        assert call.media is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    if call.media.parties() or call.ended.is_set():
                        break
                    await asyncio.sleep(LISTEN_S)
            await call.wait_ended(self._chance.uniform(*TALK_S))
        await call.bye()
