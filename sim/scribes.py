"""Simulated people who write: call takers who fill in their cards, dispatchers who answer them.

They use the API as a panel does, and nothing else, so that whoever watches the demonstration sees
cards, maps and desks at work. What they write is made up.
"""

import asyncio
import contextlib
import random
import uuid
from collections.abc import Sequence
from typing import Any

from sim.panel import TIMEOUT_S, Message, Panel, PanelRefused

DAY_S = 86_400.0
ANSWER_AFTER_S = (2.0, 5.0)
"""From the answer to the type, and from there to each next thing that the caller says."""
STEP_AFTER_S = (3.0, 9.0)
"""Between two steps of a service."""
STEPS = ("received", "seen", "accepted", "dispatched", "en_route", "on_scene", "cleared", "closed")
REPORTS_TOGETHER_MAX = 50
"""Incidents that one dispatcher answers at a time; later ones wait in the stream's messages."""
STORIES: Sequence[tuple[str, str, str]] = (
    ("fire.building", "Dūmi pa trešā stāva logu", "Redz liesmas, cilvēki pie logiem."),
    ("traffic.injured", "Sadursme krustojumā", "Divas automašīnas, viens cilvēks iesprostots."),
    ("medical.unconscious", "Vīrietis sabrucis uz ietves", "Elpo, bet neatbild."),
    ("gas", "Gāzes smaka kāpņu telpā", "Smaka no pagraba, iedzīvotāji iziet ārā."),
    ("violence.fight", "Kautiņš pie veikala", "Trīs cilvēki, viens ar nazi."),
)
"""Type of the default catalogue, summary, notes."""

Refused = (PanelRefused, TimeoutError, OSError)


class Scribe:
    """Fills in the card of each conversation of one call taker's seat."""

    def __init__(self, panel: Panel, chance: random.Random, streets: Sequence[str]) -> None:
        self._panel = panel
        self._chance = chance
        self._streets = streets
        self._written: set[str] = set()

    async def run(self) -> None:
        """Write for ever; what is refused (a card joined to another, a server away) is left."""
        after = 0.0
        while True:
            after, message = await self._panel.wait_for(self._is_ours, timeout_s=DAY_S, after=after)
            after += 1e-6
            contact = message["contact"]
            if contact["incident_id"] in self._written:
                continue
            self._written.add(contact["incident_id"])
            with contextlib.suppress(*Refused):
                await self._write(contact["incident_id"])

    def _is_ours(self, message: Message) -> bool:
        if message["type"] != "contact":
            return False
        contact = message["contact"]
        ours = contact["agent_id"] == self._panel.agent_id and contact["state"] == "talking"
        return bool(ours and contact["incident_id"] and contact["medium"] == "voice")

    async def _write(self, incident_id: str) -> None:
        kind, summary, notes = self._chance.choice(STORIES)
        await self._pause()
        await self._save(incident_id, "type", kind)
        await self._save(incident_id, "summary", summary)
        await self._pause()
        place = await self._place(incident_id)
        guidance = await self._panel.post("/api/catalogue/guide", {"type": kind, **place})
        if guidance["priority"] is not None:
            await self._save(incident_id, "priority", guidance["priority"])
        proposed = [one["service"] for one in guidance["services"] if not one["unknown_area"]]
        if proposed:
            await self._panel.post(f"/api/cards/{incident_id}/services", {"services": proposed})
        await self._pause()
        await self._panel.put(
            f"/api/cards/{incident_id}/notes", {"text": notes}, headers={"If-Match": '"0"'}
        )

    async def _place(self, incident_id: str) -> Message:
        """An address of the register, with its place; nothing where there is no register."""
        found = await self._panel.get("/api/addresses", q=self._chance.choice(self._streets))
        houses = [one for one in found["addresses"] if one["lat"] is not None]
        if not houses:
            return {}
        house = self._chance.choice(houses)
        await self._save(
            incident_id, "address", {"text": house["text"], "code": house["code"], "floor": "3"}
        )
        place = {"lat": house["lat"], "lon": house["lon"]}
        told = {"kind": "incident", "source": "address", **place}
        await self._panel.post(f"/api/cards/{incident_id}/locations", told)
        return place

    async def _save(self, incident_id: str, field: str, value: Any) -> None:
        await self._panel.put(
            f"/api/cards/{incident_id}/fields/{field}",
            {"value": value},
            headers={"If-Match": '"0"'},
        )

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(*ANSWER_AFTER_S))


class Dispatcher:
    """Takes every incident of a service and reports on it until its units are back."""

    def __init__(self, panel: Panel, chance: random.Random) -> None:
        self._panel = panel
        self._chance = chance
        self._taken: set[str] = set()

    async def run(self) -> None:
        """Answer for ever."""
        after = 0.0
        reports: set[asyncio.Task[None]] = set()
        try:
            while True:
                after, message = await self._panel.wait_for(
                    self._is_new, timeout_s=DAY_S, after=after
                )
                after += 1e-6
                involvement_id = message["involvement"]["involvement_id"]
                self._taken.add(involvement_id)
                if len(reports) < REPORTS_TOGETHER_MAX:
                    report = asyncio.create_task(self._report(involvement_id))
                    reports.add(report)
                    report.add_done_callback(reports.discard)
        finally:
            for report in reports:
                report.cancel()

    def _is_new(self, message: Message) -> bool:
        if message["type"] != "involvement":
            return False
        involvement = message["involvement"]
        new = involvement["involvement_id"] not in self._taken
        return bool(new and involvement["state"] == "sent")

    async def _report(self, involvement_id: str) -> None:
        for state in STEPS:
            with contextlib.suppress(*Refused):
                async with asyncio.timeout(TIMEOUT_S):
                    await self._panel.post(
                        f"/api/involvements/{involvement_id}/steps",
                        {"state": state, "key": str(uuid.uuid4())},
                    )
            await asyncio.sleep(self._chance.uniform(*STEP_AFTER_S))
