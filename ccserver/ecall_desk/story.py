"""What a card tells of the data that came with a call: entries and places. Pure.

Every entry's key follows from the message alone, so that a message which is told a second time
changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ccserver.calldata.items import Item, ItemKind
from ccserver.calldata.spool import Via
from ccserver.calldata.store import Kept
from ccserver.calldata.vehicle import ReceivedMSD, location_of
from ccserver.card import LocationTold, TimelineEntry, TimelineTag
from ccserver.card.spill import ContactNews
from ccserver.types import ContactId

REASON_CHARS_MAX = 200
NAMES_MAX = 12
HANDED_OVER = ("provider", "reference", "callback_number")


@dataclass(frozen=True, slots=True)
class Read:
    """One message with what it says."""

    kept: Kept
    items: tuple[Item, ...]

    @property
    def msds(self) -> tuple[ReceivedMSD, ...]:
        """Those that could be read."""
        return tuple(
            ReceivedMSD(item.msd, item.octets, self.kept.received_at)
            for item in self.items
            if item.msd is not None
        )

    @property
    def unreadable(self) -> int:
        """How many should be an MSD, and cannot be read."""
        return sum(item.kind is ItemKind.MSD and item.msd is None for item in self.items)

    @property
    def references(self) -> tuple[str, ...]:
        """Addresses by which the place can be asked for, each once."""
        uris = (
            str((item.detail or {}).get("uri", ""))
            for item in self.items
            if item.kind is ItemKind.LOCATION_REFERENCE
        )
        return tuple(dict.fromkeys(uris))

    @property
    def refusal(self) -> str | None:
        """Why a car does not do what it was asked for; ``None`` where it does not refuse."""
        for item in self.items:
            for result in () if item.control is None else item.control.action_results:
                if result.success is False:
                    return result.reason[:REASON_CHARS_MAX] or "unsaid"
        status = self.kept.status
        if self.kept.via is Via.ANSWER and status is not None and status >= 300:
            return f"sip_{status}"
        return None


def story_of(read: Read, contact_id: ContactId) -> Iterator[ContactNews]:
    """Everything that the contact's card is told because of a message."""
    kept = read.kept
    for number, item in enumerate(read.items):
        key = f"{kept.key}-{number}"
        if item.kind is ItemKind.MSD:
            yield from _of_msd(item, kept, contact_id, key)
        elif item.location is not None:
            for place, location in enumerate(item.location.locations(kept.received_at)):
                yield LocationTold.of(contact_id, f"pidf-{key}-{place}", location)
    if names := _names(read.items):
        data = {"via": kept.via.value, "items": ", ".join(names[:NAMES_MAX])} | _beside(read)
        yield _entry(contact_id, TimelineTag.EMERGENCY_DATA, kept, f"data-{kept.key}", data)
    if read.refusal is not None:
        yield _entry(
            contact_id,
            TimelineTag.MSD_REFUSED,
            kept,
            f"refused-{kept.key}",
            {"reason": read.refusal},
        )


def unreachable(
    contact_id: ContactId, key: str, at: datetime, *, host: str, reason: str
) -> TimelineEntry:
    """An address that gave no place."""
    tag, data = TimelineTag.LOCATION_UNREACHABLE, {"host": host, "reason": reason}
    return TimelineEntry(contact_id, tag, at, f"unreachable-{key}", data=data)


def _of_msd(item: Item, kept: Kept, contact_id: ContactId, key: str) -> Iterator[ContactNews]:
    via = kept.via.value
    if item.msd is None:
        reason = "" if item.fault is None else item.fault.code.value
        data: dict[str, str | int | float | bool | None] = {"via": via, "reason": reason}
        yield _entry(contact_id, TimelineTag.MSD_UNREADABLE, kept, f"msd-{key}", data)
        return
    received = ReceivedMSD(item.msd, item.octets, kept.received_at)
    data = {
        "n": received.msd.message_identifier,
        "version": received.msd.version,
        "kind": received.kind.value,
        "trusted": received.msd.position_can_be_trusted,
        "via": via,
    }
    yield _entry(contact_id, TimelineTag.MSD_RECEIVED, kept, f"msd-{key}", data)
    location = location_of(received)
    if location is not None:
        yield LocationTold.of(contact_id, f"msd-{key}", location)


def _names(items: tuple[Item, ...]) -> list[str]:
    """What came beside MSDs, for people: each kind once, Additional Data by their block."""
    names = []
    for item in items:
        if item.kind is ItemKind.MSD:
            continue
        block = (item.detail or {}).get("block") if item.kind is ItemKind.ADDITIONAL else None
        names.append(str(block or item.kind.value)[:40])
    return list(dict.fromkeys(names))


def _beside(read: Read) -> dict[str, str]:
    """Who handed the car over, and how to reach the people in it."""
    if read.kept.via is not Via.API:
        return {}
    found: dict[str, str] = {}
    for item in read.items:
        fields = (item.detail or {}).get("fields")
        if isinstance(fields, dict):
            found |= {name: str(fields[name][0]) for name in HANDED_OVER if name in fields}
    return found


def _entry(
    contact_id: ContactId,
    tag: TimelineTag,
    kept: Kept,
    key: str,
    data: Mapping[str, str | int | float | bool | None],
) -> TimelineEntry:
    return TimelineEntry(contact_id, tag, kept.received_at, key, data=data)
