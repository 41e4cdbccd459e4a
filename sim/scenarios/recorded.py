"""Recordings as they are heard again from the card: who is on which side, and for how long."""

import hashlib
import io
from dataclasses import dataclass

import soundfile

from sim.audio import Samples, hears
from sim.panel import Message, Panel
from sim.scenarios.base import eventually, expect

SEALED_WITHIN_S = 60.0  # the sweep comes every 15 s, to files that have not grown for 10 s


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording of a card, with its audio."""

    about: Message
    left: Samples
    right: Samples
    rate: int

    @property
    def duration_s(self) -> float:
        """Its length."""
        return len(self.left) / self.rate

    def said_s(self, tone: int) -> float:
        """For how long this tone is heard on the left."""
        return sum(span.duration_s for span in hears(self.left, self.rate, tone))

    def heard_s(self, tone: int) -> float:
        """And on the right."""
        return sum(span.duration_s for span in hears(self.right, self.rate, tone))


async def recordings_of(
    panel: Panel, contact_id: str, count: int, *, timeout_s: float = SEALED_WITHIN_S
) -> list[Recorded]:
    """All recordings of a contact once there are that many: the caller's first, all proved."""
    card = await panel.card_of(contact_id)

    async def sealed() -> list[Message]:
        fresh = await panel.get(f"/api/cards/{card['incident_id']}")
        found: list[Message] = next(
            contact["recordings"]
            for contact in fresh["contacts"]
            if contact["contact_id"] == contact_id
        )
        return found if len(found) >= count else []

    found: list[Message] = await eventually(
        f"{count} recordings are on the card", sealed, timeout_s=timeout_s
    )
    expect(len(found) == count, f"{count} recordings, not {len(found)}: {found}")
    return [await _listen(panel, about) for about in found]


async def _listen(panel: Panel, about: Message) -> Recorded:
    expect(about["state"] == "sealed", f"it is sealed: {about}")
    data = await panel.download(f"/api/recordings/{about['recording_id']}/audio")
    expect(hashlib.sha256(data).hexdigest() == about["sha256"], "the file has the card's digest")
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    return Recorded(about, samples[:, 0].copy(), samples[:, 1].copy(), rate)


async def listens_traced(panel: Panel, contact_id: str, recorded: list[Recorded]) -> None:
    """Each of these has been listened to, and the timeline says so."""
    card = await panel.card_of(contact_id)
    played = {
        entry["data"].get("recording_id")
        for entry in card["timeline"]
        if entry["tag"] == "recording_played"
    }
    expect(played >= {one.about["recording_id"] for one in recorded}, f"traced: {played}")
