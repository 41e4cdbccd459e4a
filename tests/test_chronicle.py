"""Cards and entries are handed over once, and whatever only Asterisk saw has its end."""

import asyncio
from datetime import UTC, datetime

import pytest

from ccserver import chronicle as chronicle_module
from ccserver.adapters import ContactLocations
from ccserver.card import CardStore, ContactOpened, LocationTold, TimelineEntry, TimelineTag
from ccserver.chronicle import Chronicle
from ccserver.db import Database, DatabaseUnavailable
from ccserver.live import LiveContact, LiveView, Message
from ccserver.location import Location, LocationSource, Point, Position
from ccserver.telephony.call import CallFacts
from ccserver.types import ContactId, IncidentId
from tests.telephony.centre import EPOCH, ListJournal

C1 = ContactId("c1")


class StillClock:
    def now(self) -> datetime:
        return EPOCH

    def monotonic(self) -> float:
        return 0.0


class Desk:
    def __init__(self) -> None:
        self.journal = ListJournal()
        self.messages: list[Message] = []
        self.live = LiveView(lambda message, _: self.messages.append(message), StillClock())
        self.chronicle = Chronicle(
            self.journal,
            self.live,
            publish=lambda message, _: self.messages.append(message),
            clock=StillClock(),
        )

    def open(self, name: str = "c1", *, outbound: bool = False) -> None:
        facts = CallFacts(ContactId(name), EPOCH, "+371", False, "112", outbound)
        self.chronicle.open_card(facts, queue="a", priority=5, incident_id=IncidentId("i9"))


def test_a_card_is_opened_once_with_its_direction_and_incident() -> None:
    desk = Desk()
    desk.open(outbound=True)
    desk.open()
    (opened,) = desk.journal.items
    assert isinstance(opened, ContactOpened)
    assert (opened.direction.value, opened.incident_id) == ("outbound", "i9")


def test_the_memory_of_opened_cards_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle_module, "OPENED_REMEMBERED_MAX", 2)
    desk = Desk()
    for name in ("c1", "c2", "c3", "c3"):
        desk.open(name)
    assert len(desk.journal.items) == 3
    assert desk.chronicle.card_of(C1) == (None, None)
    desk.open("c1")
    assert len(desk.journal.items) == 4, "the journal itself opens no second card"


def test_entries_have_the_same_key_only_where_they_are_the_same() -> None:
    desk = Desk()
    desk.chronicle.write(C1, TimelineTag.QUEUED, "queued")
    desk.chronicle.write_now(C1, TimelineTag.HELD, "held", queue="a")
    keys = [x.key for x in desk.journal.items if isinstance(x, TimelineEntry)]
    assert keys == ["queued", f"held-{int(EPOCH.timestamp() * 1000)}"]


async def test_a_written_card_reaches_the_contact_and_the_panels() -> None:
    desk = Desk()
    desk.open()
    contact = LiveContact(C1, datetime.now(UTC), None, False, "a", 5)
    desk.live.add(contact)
    for _ in range(2):
        desk.chronicle.card_written(C1, IncidentId("i1"), "2026-1")
        desk.chronicle.card_written(C1, IncidentId("i1"), None)
        await asyncio.sleep(0)
    assert (contact.incident_id, contact.card_number) == ("i1", "2026-1")
    assert desk.chronicle.card_of(C1) == ("i1", "2026-1")
    told = [m["number"] for m in desk.messages if m["type"] == "card"]
    assert told == ["2026-1", "2026-1"], "once for what is written together"


async def test_a_card_that_people_changed_is_told_of_once() -> None:
    desk = Desk()
    for _ in range(3):
        desk.chronicle.card_changed(IncidentId("i1"))
    desk.chronicle.card_changed(IncidentId("i2"))
    desk.chronicle.card_written(C1, IncidentId("i2"), None)
    await asyncio.sleep(0)
    told = [(m["incident_id"], m["contact_ids"]) for m in desk.messages if m["type"] == "card"]
    assert sorted(told) == [("i1", []), ("i2", [C1])]


def shown_card(desk: Desk) -> tuple[object, object]:
    contact = [message["contact"] for message in desk.messages if message["type"] == "contact"][-1]
    assert isinstance(contact, dict)
    return contact["incident_id"], contact["card_number"]


async def test_a_live_contact_that_is_moved_shows_its_new_card() -> None:
    desk = Desk()
    desk.open()
    desk.live.add(LiveContact(C1, EPOCH, "+371", False, "a", 5))
    desk.chronicle.card_written(C1, IncidentId("i1"), "2026-000001")
    assert shown_card(desk) == ("i1", "2026-000001")
    desk.chronicle.moved([C1, ContactId("long gone")], IncidentId("i2"), "2026-000002")
    assert shown_card(desk) == ("i2", "2026-000002")
    assert desk.chronicle.card_of(C1) == ("i2", "2026-000002")
    desk.chronicle.card_written(C1, IncidentId("i2"), None)  # what happens next
    assert shown_card(desk) == ("i2", "2026-000002")


async def test_a_call_for_a_card_that_was_merged_shows_the_one_it_is_in() -> None:
    desk = Desk()
    desk.open(outbound=True)
    desk.live.add(LiveContact(C1, EPOCH, "+371", False, "a", 5, incident_id=IncidentId("i9")))
    desk.chronicle.card_written(C1, IncidentId("i2"), "2026-000002")
    assert shown_card(desk) == ("i2", "2026-000002")


async def test_where_a_live_contact_is_waits_for_no_database() -> None:
    desk = Desk()
    desk.live.add(LiveContact(C1, EPOCH, "+371", False, "a", 5))
    away = CardStore(Database("postgresql://nobody@127.0.0.1:1/none", request_timeout_s=0.2))
    contacts = ContactLocations(desk.live, desk.chronicle, away)
    assert await contacts.knows(C1)
    fix = Location(Point(Position(56.95, 24.1)), LocationSource.HTTPS, received_at=EPOCH)
    contacts.locate(C1, "fix-1", fix, author="key:1")
    (told,) = desk.journal.items
    assert isinstance(told, LocationTold)
    assert (told.location, told.author) == (fix, "key:1")
    with pytest.raises(DatabaseUnavailable):
        await contacts.knows(ContactId("over"))
