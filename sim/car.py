"""A car that calls 112 by itself (NG-eCall: RFC 8147, EN 15722), as good or as bad as asked for.

It sends its data with the call, looks for the acknowledgement in the answer, sends fresh data when
asked (or refuses, or keeps silent), answers a call-back by itself, and calls again after a drop.
Who sits in it may speak, each with a tone of its own.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from ccserver.ecall import control, msd
from ccserver.ecall.values import (
    MSD,
    OCCUPANTS_UNKNOWN,
    POSITION_UNKNOWN,
    AdditionalData,
    Energy,
    VehicleType,
)
from sim.sip import (
    UA,
    Call,
    CallFailed,
    Header,
    Part,
    Reply,
    Request,
    SIPInvalid,
    Voices,
    divided,
)
from sim.sip.ua import Compose

MSD_TYPE: Final = "application/EmergencyCallData.eCall.MSD"
PACKAGE: Final = "EmergencyCallData.eCall.MSD"
URNS: Final = {
    "automatic": "urn:service:sos.ecall.automatic",
    "manual": "urn:service:sos.ecall.manual",
    "test": "urn:service:test.sos.ecall",
}
ACCEPT: Final = f"application/sdp, application/pidf+xml, {control.CONTENT_TYPE}, {MSD_TYPE}"
MAS_PER_DEGREE: Final = 3_600_000
REDIAL_FOR_S: Final = 120.0
"""How long a car tries after a drop (EN 16062)."""
REDIAL_PAUSE_S: Final = 2.0
ANSWER_S: Final = 30.0
GOOD_VIN: Final = "WVWZZZ1KZ8W000017"


@dataclass(frozen=True, slots=True)
class Vehicle:
    """What a car's data says beside its number and times; places are degrees of WGS84."""

    latitude: float | None = 56.95149
    """``None``: the receiver has no position."""
    longitude: float | None = 24.11323
    direction_deg: int | None = 90
    vin: str = GOOD_VIN
    version: int = 3
    vehicle_type: VehicleType = VehicleType.M1
    propulsion: frozenset[Energy] = frozenset({Energy.GASOLINE})
    trusted: bool = True
    occupants: int | None = 2
    recent: tuple[tuple[int, int], ...] = ((0, -120), (4, -110))
    """N1 and N2 in 100 milliarcseconds: a car that came from the west at 50 km/h."""
    additional: AdditionalData | None = None

    def msd(self, *, kind: str, identifier: int, timestamp: int) -> MSD:
        """The Minimum Set of Data of an eCall of this kind."""
        return MSD(
            version=self.version,
            message_identifier=identifier,
            automatic_activation=kind == "automatic",
            test_call=kind == "test",
            position_can_be_trusted=self.trusted,
            vehicle_type=self.vehicle_type,
            vin=self.vin,
            propulsion=self.propulsion,
            timestamp=timestamp,
            position_latitude=_mas(self.latitude),
            position_longitude=_mas(self.longitude),
            vehicle_direction=255 if self.direction_deg is None else self.direction_deg // 2,
            recent_locations=self.recent,
            number_of_occupants=OCCUPANTS_UNKNOWN if self.occupants is None else self.occupants,
            additional=self.additional,
        )


def _mas(degrees: float | None) -> int:
    return POSITION_UNKNOWN if degrees is None else round(degrees * MAS_PER_DEGREE)


@dataclass(slots=True)
class Answers:
    """How a car answers when its data is asked for, and when it is called back."""

    on_request: str = "send"
    """``send``, ``refuse`` (a control document that says why), ``reject`` (469), ``silent`` (200
    and nothing more) or ``deaf`` (no answer at all)."""
    reason: str = "unable"
    after_s: float = 0.05
    on_callback: str = "answer"
    """``answer`` or ``busy``."""


@dataclass(slots=True)
class Heard:
    """What the centre told the car."""

    acks: list[control.Ack] = field(default_factory=list)
    requests: list[control.Request] = field(default_factory=list)
    callbacks: list[Call] = field(default_factory=list)
    unreadable: int = 0
    """Control documents that could not be read: the centre's fault."""
    lost: int = 0
    """What we sent because it was asked for, and nobody answered."""


class Car:
    """One car; ``async with Car(...)`` opens and closes its telephone.

    ``next_hop``: the URI of the edge. ``host``: the address that it calls from. ``tone``: the voice
    of who drives; ``passengers``: those of the others. A car without any voice sends no sound.
    ``clock`` gives the epoch seconds of its data. Raises as `Voices.speak` does.
    """

    def __init__(
        self,
        next_hop: str,
        *,
        vehicle: Vehicle | None = None,
        kind: str = "automatic",
        number: str = "+37129000000",
        host: str = "127.0.0.1",
        protocol: str = "udp",
        tone: int | None = None,
        passengers: Sequence[int] = (),
        redial_for_s: float = REDIAL_FOR_S,
        redial_pause_s: float = REDIAL_PAUSE_S,
        clock: Callable[[], float] = time.time,
        **agent: Any,
    ) -> None:
        self.vehicle = vehicle or Vehicle()
        self.kind = kind
        self.number = number
        self.answers = Answers()
        self.heard = Heard()
        self.identifier = 0
        """Of the newest message that was made."""
        self.timestamp = 0
        self.incident_at = 0.0
        """Loop time of the newest INVITE."""
        self.call_now: Call | None = None
        speakers = [*(() if tone is None else (tone,)), *passengers]
        self.voices = Voices(*speakers) if speakers else None
        """Who speaks in the car, in every call of it; may change at any time."""
        self._clock = clock
        self._redial_for_s = redial_for_s
        self._redial_pause_s = redial_pause_s
        self._tasks: set[asyncio.Task[None]] = set()
        self.ua = UA(host, user=number, next_hop=next_hop, protocol=protocol, **agent)
        self.ua.on_call = self._called_back

    async def __aenter__(self) -> Self:
        await self.ua.__aenter__()
        return self

    async def __aexit__(self, *failure: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self.ua.__aexit__(*failure)

    @property
    def uri(self) -> str:
        """Where the centre can call it back."""
        return self.ua.uri

    # -- calling ----------------------------------------------------------------------------------

    async def call(
        self,
        *,
        change: Callable[[bytes], bytes] | None = None,
        without_data: bool = False,
        call_info: bool = True,
        parts: Sequence[Part] = (),
        headers: Iterable[Header] = (),
        compose: Callable[[Part, Part], Compose] | None = None,
        mangle: Callable[[bytes], bytes] | None = None,
        urn: str | None = None,
    ) -> Call:
        """Place an eCall and give it at once; raises `CallFailed`.

        ``change`` gets the octets of the MSD and gives those that are sent; ``parts`` come behind
        its own; ``compose`` gets MSD and Control and gives how the body is made; without
        ``call_info`` no header tells of the MSD. The incident is the one of the call before, as in
        a redial, unless `new_incident` came in between.
        """
        if not self.timestamp:
            self.timestamp = int(self._clock())
        lines: list[Header] = [
            ("P-Asserted-Identity", f"<sip:{self.number}@{self.ua.host}>"),
            ("Accept", ACCEPT),
            ("Recv-Info", PACKAGE),
        ]
        document = control.capabilities_xml()
        capabilities = Part(control.CONTENT_TYPE, document, content_id=self._content_id("ctl"))
        own = [capabilities]
        made: Compose | None = None
        if not without_data:
            data = self.part(change)
            own.insert(0, data)
            if call_info:
                lines.append(("Call-Info", f"<cid:{data.content_id}>;purpose={PACKAGE}"))
            made = compose(data, capabilities) if compose else None
        self.incident_at = asyncio.get_running_loop().time()
        call = await self.ua.call(
            urn or URNS[self.kind],
            parts=[*own, *parts],
            headers=[*lines, *headers],
            compose=made,
            mangle=mangle,
            voices=self.voices,
        )
        self._enter(call)
        return call

    async def connected(self, **options: Any) -> Call:
        """Place an eCall, wait for its answer, read the acknowledgement; raises `CallFailed`."""
        call = await self.call(**options)
        await call.answered(ANSWER_S)
        self.read_acks(call)
        return call

    def read_acks(self, call: Call) -> bool | None:
        """What the answer says of our data: received, not received, ``None`` for nothing."""
        try:
            parts = call.answer_parts
        except SIPInvalid:
            self.heard.unreadable += 1
            return None
        found = self._control_of(parts)
        self.heard.acks += [ack for document in found for ack in document.acks]
        told = [ack.received for document in found for ack in document.acks]
        return told[0] if told else None

    def part(self, change: Callable[[bytes], bytes] | None = None) -> Part:
        """A fresh message: the next identifier, and the same time as the first (EN 15722)."""
        self.identifier = self.identifier % 255 + 1
        made = self.vehicle.msd(
            kind=self.kind, identifier=self.identifier, timestamp=self.timestamp
        )
        octets = msd.encode(made)
        name = self._content_id(f"msd{self.identifier}")
        sent = change(octets) if change else octets
        return Part(MSD_TYPE, sent, content_id=name, disposition="by-reference")

    async def send_data(self, change: Callable[[bytes], bytes] | None = None) -> int:
        """Send fresh data inside of the call; gives the answer's code; raises `CallFailed`."""
        return await self._info(self._current(), self.part(change))

    async def hang_up(self) -> None:
        """End the call in order."""
        await self._current().bye()

    def drop(self) -> None:
        """Lose the network in the middle of the call: no goodbye."""
        self._current().vanish()
        self.ua.drop_connections()

    async def redial(self, **options: Any) -> Call:
        """Call again until somebody answers, for as long as a car does; raises `CallFailed`."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._redial_for_s
        while True:
            try:
                return await self.connected(**options)
            except CallFailed:
                if loop.time() + self._redial_pause_s > give_up_at:
                    raise
            await asyncio.sleep(self._redial_pause_s)

    def new_incident(self) -> None:
        """What comes next has nothing to do with what was before."""
        self.identifier, self.timestamp = 0, 0
        self.heard = Heard()

    def move(self, **changes: Any) -> None:
        """The car's data is another from now on."""
        self.vehicle = replace(self.vehicle, **changes)

    # -- being asked ------------------------------------------------------------------------------

    async def _asked(self, call: Call, request: Request) -> Reply | None:
        """An INFO of the centre."""
        if self.answers.on_request == "deaf":
            return None
        wanted = False
        ref = ""
        for part in self._parts(request):
            document = self._read(part)
            if document is None:
                continue
            self.heard.acks += document.acks
            self.heard.requests += document.requests
            asks = [r for r in document.requests if r.action.lower() == control.SEND_DATA]
            wanted = wanted or bool(asks)
            ref = part.content_id or ref
        if not wanted:
            return Reply()
        match self.answers.on_request:
            case "reject":
                return Reply(469, (("Recv-Info", PACKAGE),))
            case "send":
                self._later(call, self.part())
            case "refuse":
                body = control.result_xml(ref or "request", reason=self.answers.reason)
                name = self._content_id("result")
                part = Part(control.CONTENT_TYPE, body, content_id=name, disposition="by-reference")
                self._later(call, part)
        return Reply()

    async def _info(self, call: Call, part: Part) -> int:
        purpose = part.content_type.removeprefix("application/").removesuffix("+xml")
        headers = [("Call-Info", f"<cid:{part.content_id}>;purpose={purpose}")]
        response = await call.info(PACKAGE, [part], headers=headers)
        return response.code

    def _later(self, call: Call, part: Part) -> None:
        async def send() -> None:
            await asyncio.sleep(self.answers.after_s)
            try:
                await self._info(call, part)
            except CallFailed:
                self.heard.lost += 1

        task = asyncio.create_task(send(), name="car-info")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _called_back(self, call: Call) -> None:
        """A call-back is taken without anybody touching anything (TS 26.267, EN 16062 §7.13)."""
        if self.answers.on_callback == "busy":
            call.reject(486)
            return
        call.voices = self.voices
        self.heard.callbacks.append(call)
        self._enter(call)
        await call.answer(headers=[("Recv-Info", PACKAGE), ("Accept", ACCEPT)])

    # -- inside -----------------------------------------------------------------------------------

    def _enter(self, call: Call) -> None:
        call.on_info = lambda request: self._asked(call, request)
        self.call_now = call

    def _current(self) -> Call:
        if self.call_now is None:
            raise CallFailed("the car has not called yet")
        return self.call_now

    def _control_of(self, parts: Sequence[Part]) -> list[control.Control]:
        return [document for part in parts if (document := self._read(part)) is not None]

    def _read(self, part: Part) -> control.Control | None:
        if part.content_type.partition(";")[0].lower() != control.CONTENT_TYPE.lower():
            return None
        try:
            return control.parse(part.body)
        except control.ControlInvalid:
            self.heard.unreadable += 1
            return None

    def _parts(self, request: Request) -> tuple[Part, ...]:
        try:
            return divided(request.content_type, request.body)
        except SIPInvalid:
            self.heard.unreadable += 1
            return ()

    def _content_id(self, name: str) -> str:
        return f"{name}-{self.number.removeprefix('+')}@{self.ua.host}"
