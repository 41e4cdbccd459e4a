"""The scene of `sim.scenarios.cards`: who takes part, what each can do, and the story it makes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ccserver.accounts import Role
from ccserver.location import Position
from sim.panel import Client, Message, Panel, Program
from sim.scenarios.base import Measured, Run, expect
from sim.stack import Seat

FIRE = Seat("fire", "Fire dispatcher", "", role=Role.SERVICE_DISPATCHER, service="vugd")
QUALITY = Seat("quality", "Quality officer", "", role=Role.QUALITY_OFFICER)
ADMIN = Seat("admin", "Administrator", "", role=Role.SYSTEM_ADMIN)

ACCIDENT = "traffic.injured"
ANSWERS: Message = {
    "traffic_injured": "yes",
    "traffic_trapped": "yes",
    "traffic_leak": ["fuel"],
    "injured_count": 2,
    "conscious": "yes",
    "breathing": "normal",
}
SERVICES = ("nmpd", "vp", "vugd")
PATIENT: Message = {"role": "patient", "name": "Andris", "condition": "trapped, conscious"}

WHILE_THEY_TALK = (
    # the first caller
    *("contact_arrived", "queued", "offered", "offer_accepted", "connected"),
    *("field_saved",) * 11,
    *("location_added", "field_saved", "location_added"),
    # services
    *("service_sent",) * 3,
    *("service_received",) * 2,
    *("service_seen",) * 2,
    *("service_accepted", "unit_assigned", "service_accepted"),
    # the second, and the third
    *("contact_arrived", "queued", "offered", "offer_accepted", "connected"),
    *("location_added", "field_saved", "field_saved", "notes_saved"),
    *("contact_arrived", "queued", "offered", "offer_accepted", "connected"),
    *("field_saved", "notes_saved", "location_added"),
    # the police, after they were overdue
    *("service_refused", "service_withdrawn"),
    "location_added",
    # each joining stands on both cards; the first brings notes along
    *("notes_saved", "merged", "merged"),
    *("merged",) * 2,
    *("merge_undone",) * 2,
    *("merged",) * 2,
    "location_added",
    # two editors
    *("field_saved",) * 2,
    # the last before the server was killed, and the first after
    *("service_dispatched", "unit_status", "notes_saved"),
    *("adopted",) * 3,
    "service_dispatched",
    *("service_en_route", "unit_status", "service_en_route"),
    *("service_on_scene", "unit_status", "service_on_scene"),
    *("service_cleared", "unit_status", "service_cleared"),
)
"""All entries until the first caller hangs up, but for the alarm, which has a time of its own."""

AT_THE_END = ("ended", "wrap_up_ended", "recording_sealed")
"""Once for each caller, side by side."""


@dataclass(slots=True)
class Caller:
    """One of those who report it, with the call taker and the card."""

    panel: Panel
    call: str
    tone: int
    contact_id: str
    incident_id: str

    @property
    def state(self) -> object:
        """Of the contact, as the call taker's panel shows it."""
        return self.panel.contacts.get(self.contact_id, {}).get("state")

    async def talks(self) -> bool:
        """Whether caller and call taker talk."""
        return self.state == "talking"


@dataclass(slots=True)
class Crash:
    """The scene: who takes part, and what was measured."""

    run: Run
    chief: Panel
    fire: Panel
    ambulance: Program
    network: Program
    callers: list[Caller] = field(default_factory=list)
    measured: Measured = field(default_factory=dict)
    place: Position = field(default_factory=lambda: Position(56.95, 24.1))
    involved: dict[str, str] = field(default_factory=dict)
    """Of each service that was sent the id of its involvement."""
    sent_at: float = 0.0

    @property
    def first(self) -> Caller:
        """On whose card all come together."""
        return self.callers[0]

    async def card(self, caller: Caller | None = None) -> Message:
        """A caller's card as it is now; without one, the first's."""
        found = caller or self.first
        return await found.panel.get(f"/api/cards/{found.incident_id}")

    def all_talk(self) -> None:
        """Nobody's conversation has suffered."""
        for caller in self.callers:
            ended = self.run.bank.history("disconnected", call=caller.call)
            expect(not ended, f"a caller was dropped: {ended}")
            expect(caller.state == "talking", f"{caller.contact_id} is {caller.state}")

    def ms(self, name: str, since: float, until: float | None = None) -> None:
        """Note how long it took."""
        self.measured[name] = round(((until or time.monotonic()) - since) * 1000, 1)


async def save(
    caller: Caller, name: str, value: object, *, over: int = 0, card: str | None = None
) -> Message:
    """Save a field of the caller's card, or of another."""
    return await caller.panel.put(
        f"/api/cards/{card or caller.incident_id}/fields/{name}",
        {"value": value},
        headers={"If-Match": f'"{over}"'},
    )


async def note(caller: Caller, text: str) -> None:
    """Write below what stands in the notes."""
    path = f"/api/cards/{caller.incident_id}"
    kept = (await caller.panel.get(path))["notes"]
    whole = f"{kept['text']}\n{text}".strip()
    headers = {"If-Match": f'"{kept["version"]}"'}
    await caller.panel.put(f"{path}/notes", {"text": whole}, headers=headers)


async def step(crash: Crash, who: Client, service: str, state: str, **more: object) -> Message:
    """Tell how far the service is; told again, it is the same step."""
    path = f"/api/involvements/{crash.involved[service]}/steps"
    told = await who.post(path, {"state": state, "key": f"{service}-{state}", **more})
    involvement: Message = told["involvement"]
    expect(involvement["state"] == state, f"{service} is {involvement['state']}, not {state}")
    return involvement


def of_service(service: str, state: str | None = None) -> Callable[[Message], bool]:
    """Messages about a service that was sent, in that state or any."""

    def wanted(message: Message) -> bool:
        if message["type"] != "involvement":
            return False
        told = message["involvement"]
        return told["service"] == service and state in (None, told["state"])

    return wanted


def card_of(caller: Caller) -> Callable[[Message], bool]:
    """Messages that a card is to be fetched again."""
    return lambda m: m["type"] == "card" and m["incident_id"] == caller.incident_id


def at(where: Position) -> Message:
    """A place as the API takes it."""
    return {"lat": where.latitude, "lon": where.longitude}


def contacts_of(card: Message) -> set[str]:
    """Who is on the card."""
    return {contact["contact_id"] for contact in card["contacts"]}


async def network_tells(
    crash: Crash, caller: Caller, where: Position, key: str, **said: object
) -> None:
    """Told twice, as networks do: once is on the card."""
    for _ in range(2):
        await crash.network.post(
            f"/api/contacts/{caller.contact_id}/locations",
            {**at(where), **said},
            headers={"Idempotency-Key": key},
        )
