"""The scene of `sim.scenarios.ecall`: the centre behind its edge, cars, and what panels show."""

import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ccserver.accounts import Role, Scope
from ccserver.config import ACDSettings, CallDataSettings
from ccserver.location import Position, distance_m
from sim.car import Car, Vehicle
from sim.certificates import Certificate, authority, certificate
from sim.held import LocationServer
from sim.ng112 import NG112Phone
from sim.panel import Message, Panel, PanelRefused, Program
from sim.scenarios.base import Measured, Run, ScenarioFailed, eventually, expect
from sim.sip import Call
from sim.sip.exchange import Exchange
from sim.sip.rtp import HEARS_S
from sim.stack import Seat, Stack

TAKERS = 3
ADMIN = Seat("admin", "Administrator", "", role=Role.SYSTEM_ADMIN)
TRUNK_HOST = "127.0.1.{}"
"""Addresses of the operator's border elements, as the test edge knows them."""
MOTORWAY = Position(57.1514, 24.8543)
"""The A2 near Sigulda."""
WITHIN_M = 2.0
"""Between where a car is and where it is shown; its data has steps of 3 cm."""
MSD_TIMEOUT_S = 2.0
"""How long a silent car is waited for here; ten seconds in a centre."""
QUICK = ACDSettings(wrap_up_s=0.2)
LIVE_S = 30.0


@dataclass
class Scene:
    """One run: people, cars, and what was measured."""

    run: Run
    chief: Panel
    network: Program
    held: LocationServer
    exchange: Exchange
    """The network by which calls of ours reach cars."""
    authority: Certificate
    """Who signs for the edge and the cars."""
    panels: list[Panel] = field(default_factory=list)
    """Of the call takers, in the order of their seats."""
    measured: Measured = field(default_factory=dict)
    callers: int = 0
    tones: int = 0
    """How many voices were given away."""

    @property
    def next_hop(self) -> str:
        """Where callers send their INVITEs."""
        return f"sip:127.0.0.1:{self.run.stack.ports.edge}"

    def fresh(self) -> tuple[int, str, str]:
        """A number among callers, a telephone number, and an address of the trunk."""
        self.callers += 1
        number = self.callers
        return number, f"+371291{number:05d}", TRUNK_HOST.format(number % 200 + 2)

    def voices(self, count: int) -> list[int]:
        """So many voices of callers, none of them in use until all others were."""
        first = self.tones
        self.tones += count
        return [self.run.caller_tone(number) for number in range(first, self.tones)]

    async def car(self, *, speak: int = 1, **options: Any) -> Car:
        """A car in which so many speak, and that may call; it is gone when the run is over."""
        number, telephone, host = self.fresh()
        protocol = options.pop("protocol", "udp")
        if protocol == "tls":
            options |= await self._tls_of(f"car{number}", host)
        tones = self.voices(speak)
        car = Car(
            self._hop(protocol),
            number=telephone,
            host=host,
            protocol=protocol,
            passengers=tones,
            **options,
        )
        await self.run.exits.enter_async_context(car)
        self.exchange.reach(telephone, host, car.ua.port)
        return car

    def _hop(self, protocol: str) -> str:
        if protocol == "udp":
            return self.next_hop
        ports = self.run.stack.ports
        port = ports.edge_tls if protocol == "tls" else ports.edge
        return f"sip:127.0.0.1:{port};transport={protocol}"

    async def _tls_of(self, name: str, host: str) -> Message:
        """What a car needs that calls by TLS, and is asked for data by TLS as well."""
        folder = self.authority.path.parent
        own = await certificate(self.authority, folder, name, (f"IP:{host}",))
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(own.path, own.key)
        client = ssl.create_default_context(cafile=str(self.authority.path))
        return {"tls_client": client, "tls_server": server}

    async def phone(self, **options: Any) -> NG112Phone:
        """A telephone that may call over IP."""
        _, telephone, host = self.fresh()
        (tone,) = self.voices(1)
        phone = NG112Phone(self.next_hop, number=telephone, host=host, tone=tone, **options)
        return await self.run.exits.enter_async_context(phone)

    # -- what is seen -----------------------------------------------------------------------------

    async def contact(
        self,
        number: str,
        wanted: Callable[[Message], object] = lambda _: True,
        *,
        what: str = "the panels show the call",
        after: float = 0.0,
        timeout_s: float = LIVE_S,
    ) -> tuple[float, Message]:
        """When the supervisor's panel showed a caller's contact like that, and the contact."""

        def found(message: Message) -> Message | None:
            for contact in _contacts_of(message):
                if contact["caller_number"] == number and wanted(contact):
                    return contact
            return None

        try:
            at, message = await self.chief.wait_for(
                lambda m: found(m) is not None, after=after, timeout_s=timeout_s
            )
        except TimeoutError:
            raise ScenarioFailed(f"{what} (last: {self._last(number)})") from None
        contact = found(message)
        assert contact is not None
        return at, contact

    async def vehicle(
        self,
        number: str,
        wanted: Callable[[Message], object],
        *,
        what: str,
        after: float = 0.0,
        timeout_s: float = LIVE_S,
    ) -> tuple[float, Message]:
        """When the panels showed such a vehicle, and the vehicle."""
        at, contact = await self.contact(
            number,
            lambda c: c.get("vehicle") and wanted(c["vehicle"]),
            what=what,
            after=after,
            timeout_s=timeout_s,
        )
        return at, contact["vehicle"]

    def _last(self, number: str) -> object:
        for _, message in reversed(self.chief.messages):
            for contact in _contacts_of(message):
                if contact["caller_number"] == number:
                    return contact
        return None

    async def card(self, contact_id: str) -> Message:
        """The card of a contact."""
        return await self.chief.card_of(contact_id)

    async def told(self, contact_id: str, tag: str, count: int = 1) -> None:
        """The card's timeline tells of something, that often."""

        async def written() -> bool:
            card = await self.card(contact_id)
            return [entry["tag"] for entry in card["timeline"]].count(tag) >= count

        await eventually(f"the timeline has {tag} {count} time(s)", written)

    async def items(
        self, contact_id: str, wanted: Callable[[list[Message]], object], what: str
    ) -> list[Message]:
        """What came with a call, once it is like that; a call is stored a moment after it came."""

        async def kept() -> list[Message]:
            try:
                data = await self.chief.get(f"/api/contacts/{contact_id}/emergency-data")
            except PanelRefused as refused:
                expect(refused.status == 404, f"emergency data: {refused}")
                return []
            items: list[Message] = data["items"]
            return items if wanted(items) else []

        found: list[Message] = await eventually(what, kept)
        return found

    async def places(
        self, contact_id: str, source: str, count: int = 1, *, what: str = "place"
    ) -> list[Message]:
        """The card's places of a source, once there are that many."""

        async def enough() -> list[Message]:
            card = await self.card(contact_id)
            found = [one for one in card["locations"] if one["source"] == source]
            return found if len(found) >= count else []

        says = f"the card has {count} of {source}: {what}"
        places: list[Message] = await eventually(says, enough)
        return places

    async def proposed(self, incident_id: str, other_id: str) -> None:
        """A card proposes to join another."""

        async def proposes() -> bool:
            related = await self.chief.get(f"/api/cards/{incident_id}/related")
            return other_id in [one["card"]["incident_id"] for one in related["proposals"]]

        await eventually("the second card proposes to join the first", proposes)

    async def talk(
        self, number: str, call: Call, voices: Iterable[int] | None, *, after: float = 0.0
    ) -> str:
        """Somebody has the call, and hears all of these voices; gives the call taker's login."""
        _, contact = await self.contact(
            number,
            lambda c: c["state"] == "talking",
            what="somebody talks with the caller",
            after=after,
        )
        taker = self.taker_of(contact)
        assert call.media is not None
        try:
            await call.media.hears(taker)
        except TimeoutError as error:
            raise ScenarioFailed(f"the caller does not hear the call taker: {error}") from error
        login = self.run.takers[taker].login
        for voice in voices or ():
            await self.run.bank.wait_for(
                "heard", phone=login, party=voice, after=after, timeout_s=HEARS_S
            )
        return login

    def taker_of(self, contact: Message) -> int:
        """Which seat has a contact; its tone is the same number."""
        for number, panel in enumerate(self.panels):
            if panel.agent_id == contact["agent_id"]:
                return number
        raise ScenarioFailed(f"nobody we know has the contact: {contact['agent_id']}")

    def shown_at(self, view: Message, vehicle: Vehicle) -> None:
        """The data that is shown has the vehicle's place."""
        assert vehicle.latitude is not None
        assert vehicle.longitude is not None
        here = Position(vehicle.latitude, vehicle.longitude)
        expect(view["lat"] is not None, f"a place is shown: {view}")
        away = distance_m(Position(view["lat"], view["lon"]), here)
        expect(away < WITHIN_M, f"it is the car's: {away:.1f} m away")

    def ms(self, name: str, since: float, until: float) -> None:
        """Note how long it took."""
        self.measured[name] = round((until - since) * 1000, 1)


def _contacts_of(message: Message) -> list[Message]:
    """What a message says of contacts; after a restart that is one message of all."""
    match message["type"]:
        case "contact":
            return [message["contact"]]
        case "snapshot":
            return list(message["contacts"])
    return []


async def begin(run: Run) -> Scene:
    """Start the centre, a location server, and a network by which cars are called back."""
    held = await run.exits.enter_async_context(LocationServer(run.data_dir / "held"))
    exchange = await run.exits.enter_async_context(Exchange())
    folder = run.data_dir / "tls"
    folder.mkdir(parents=True, exist_ok=True)
    signer = await authority(folder)
    own = await certificate(signer, folder, "edge", ("IP:127.0.0.1",))

    def prepare(stack: Stack) -> None:
        settings = CallDataSettings(
            location_hosts=(f"localhost:{held.port}", "127.0.0.1"),
            location_ca=str(held.ca),
            msd_timeout_s=MSD_TIMEOUT_S,
        )
        edge = msgspec.structs.replace(
            stack.config.edge,
            tls_port=stack.ports.edge_tls,
            tls_certificate=str(own.path),
            tls_key=str(own.key),
        )
        stack.config = msgspec.structs.replace(stack.config, call_data=settings, edge=edge)

    await run.start(
        takers=TAKERS,
        acd=QUICK,
        people=[ADMIN],
        edge=True,
        trunk_out=exchange.uri,
        prepare=prepare,
    )
    admin, chief = await run.panel(ADMIN), await run.panel("supervisor")
    wanted = {"name": "Car maker", "scopes": [Scope.CONTACTS_WRITE], "service": None}
    token = (await admin.post("/api/keys", wanted))["token"]
    network = await run.exits.enter_async_context(Program(run.stack.panel_url, token))
    scene = Scene(run, chief, network, held, exchange, signer)
    for seat in run.takers:
        scene.panels.append(await run.panel(seat))
    return scene
