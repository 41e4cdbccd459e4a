"""Positions that phones send come to the call that they belong to, once, at once, and by no guess.

Everything is real but Asterisk: the desk, the card journal, the cards in both databases.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy.orm import Session

from ccserver import aml_desk
from ccserver.acd.events import Direction
from ccserver.aml.data_sms import unpacked
from ccserver.card import LocationTold, TimelineEntry, TimelineTag
from ccserver.db import Database, DatabaseUnavailable
from ccserver.location import Circle, Location, LocationSource, Position
from ccserver.types import ContactId
from tests.aml.conftest import IMEI, NUMBER, at, by_https, text
from tests.aml.desk import KEEP_S, Room
from tests.databases import (  # noqa: F401
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)

T = TypeVar("T")
C1 = ContactId("c1")


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:  # noqa: F811
    async with Room(database, tmp_path) as room:
        yield room


# -- which call -------------------------------------------------------------------------------


async def test_a_message_after_22_seconds_moves_the_live_call_s_card(room: Room) -> None:
    room.call()
    await room.sms(22)
    await room.located()
    card = await room.card()
    (known,) = card.locations
    assert (known.contact_id, known.location.source) == (C1, LocationSource.AML)
    assert known.location.observed_at == at(22)
    assert card.place.current == known
    await room.until(lambda: room.pushed(card.summary.incident_id) > 0)
    await room.round()
    (row,) = await room.rows()
    assert (row.matched_contact_id, row.message) == (C1, None), "no more is kept than is needed"
    assert room.counted("live") == 1


@pytest.mark.parametrize("caller", ["20000001", "37120000001", "+37120000001"])
async def test_a_message_that_overtakes_its_call_is_attached_when_it_comes(
    room: Room, caller: str
) -> None:
    await room.sms(0, "37120000001")
    await room.round()
    room.call(number="+37126123456", seconds=2)
    room.call("c2", caller, seconds=3)
    await room.located()
    assert [item.contact_id for item in room.locations] == ["c2"]
    assert room.counted("early") == 1


@pytest.mark.parametrize("caller", ["20000001", "0037120000001", "+37120000001"])
async def test_a_call_that_ended_five_seconds_ago_gets_its_position(
    room: Room, caller: str
) -> None:
    contact_id = room.call(number=caller)
    room.clock.seconds = 40
    room.hang_up(contact_id)
    await room.until(lambda: any(isinstance(item, TimelineEntry) for item in room.items))
    await room.sms(45)
    await room.located()
    assert (await room.card()).place.current is not None
    assert room.counted("recent") == 1


async def test_a_call_of_half_an_hour_ago_gets_none(room: Room) -> None:
    contact_id = room.call()
    room.hang_up(contact_id)
    await room.until(lambda: any(isinstance(item, TimelineEntry) for item in room.items))
    await room.sms(1_800)
    await room.round()
    assert room.locations == []
    assert len(await room.rows()) == 1


async def test_the_newest_of_a_citizen_s_calls_gets_it(room: Room) -> None:
    room.call("old", seconds=0)
    room.call("new", seconds=30)
    room.call("ours", seconds=40, direction=Direction.OUTBOUND)
    await room.sms(45)
    await room.located()
    assert [item.contact_id for item in room.locations] == ["new"]


async def test_a_hidden_number_gets_nothing_by_guess(room: Room) -> None:
    room.call(number=None)
    await room.sms(20)
    await room.https(by_https(21, number=None))
    await room.round()
    assert room.locations == []


async def test_a_phone_without_its_number_is_known_by_its_imei(room: Room) -> None:
    room.call()
    await room.https(by_https(20, number=None))
    await room.round()
    assert room.locations == [], "nobody knows yet whose it is"
    await room.sms(82)
    await room.located(2)
    assert {item.source for item in room.locations if isinstance(item, LocationTold)} == {
        LocationSource.AML,
        LocationSource.HTTPS,
    }
    await room.https(by_https(90, number=None))
    await room.located(3)
    assert room.counted("live", "https") == 2


# -- what of it -------------------------------------------------------------------------------


async def test_a_message_delivered_twice_is_one_location(room: Room) -> None:
    room.call()
    told = text(20)
    await room.sms(20, body=told)
    await room.sms(26, body=told + "\r\n")
    await room.https(by_https(27))
    await room.https(by_https(27))
    await room.located(2)
    await room.round()
    assert [one.location.source for one in (await room.card()).locations] == [
        LocationSource.AML,
        LocationSource.HTTPS,
    ]
    assert room.counted("repeated", "https") == 1


async def test_the_same_fix_by_both_ways_is_kept_twice_and_contradicts_nothing(
    room: Room,
) -> None:
    room.call()
    await room.sms(20)
    await room.https(by_https(21))
    await room.located(2)
    card = await room.card()
    assert len(card.locations) == 2
    assert card.place.conflicts == ()


async def test_an_old_fix_says_how_old_it_is_and_does_not_replace_a_fresh_one(room: Room) -> None:
    room.call()
    await room.sms(24)
    await room.located()
    await room.sms(25, body=text(25, lat="+57.50000", fix=25 - 3_600))
    await room.located(2)
    card = await room.card()
    old = next(one for one in card.locations if one.location.received_at == at(25))
    assert old.location.observed_at == at(25) - timedelta(hours=1)
    assert card.place.current is not None
    assert card.place.current.location.observed_at == at(24)


async def test_the_network_s_cell_never_replaces_it(room: Room) -> None:
    contact_id = room.call()
    await room.sms(20)
    await room.located()
    cell = Location(
        Circle(Position(56.95, 24.1), 5.0), LocationSource.NETWORK_CELL, received_at=at(25)
    )
    room.chronicle.locate(contact_id, "cell", cell)
    await room.located(2)
    current = (await room.card()).place.current
    assert current is not None
    assert current.location.source is LocationSource.AML


async def test_two_places_that_cannot_both_be_true_are_a_conflict(room: Room) -> None:
    room.call()
    await room.sms(20)
    await room.sms(25, body=text(25, lat="+57.50000"))
    await room.located(2)
    card = await room.card()
    assert len(card.place.conflicts) == 1
    assert set(card.place.conflicts[0]) == {one.location_id for one in card.locations}


async def test_a_position_that_cannot_be_read_is_shown_as_it_came(room: Room) -> None:
    room.call()
    broken = text(20, lat="+g4.7d397")
    await room.sms(20, body=broken)
    tag = TimelineTag.AML_UNREADABLE
    await room.until(lambda: tag in [getattr(item, "tag", None) for item in room.items])
    card = await room.card()
    (entry,) = [entry for entry in card.timeline if entry.tag is tag]
    assert entry.data == {"note": broken.replace("247010000000000", "…").replace(IMEI, "…")}
    assert card.locations == ()


async def test_a_phone_without_a_fix_is_nowhere(room: Room) -> None:
    room.call()
    await room.sms(20, body=text(20, lat="+00.00000", lon="+000.00000").replace("pm=G", "pm=N"))
    await room.round()
    assert room.locations == []
    assert room.counted("no_position") == 1


async def test_what_is_no_text_is_found_in_its_octets(room: Room) -> None:
    octets = text(20).encode("utf-16-be")
    assert room.intake.text_of(octets) == text(20)
    assert room.intake.is_aml(text(20)[:60])
    assert room.intake.is_aml_tail(text(20)[60:])
    assert not room.intake.is_aml("My phone says " + text(20))
    assert room.intake.text_of(unpacked(b"Help").encode()) is None


# -- faults -----------------------------------------------------------------------------------


async def test_what_waits_survives_the_process_and_finds_its_call(
    database: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    async with Room(database, tmp_path) as first:
        await first.sms(0)
        await first.https(by_https(1))
        await first.kill()
    async with Room(database, tmp_path) as second:
        second.clock.seconds = 10
        await second.round()
        second.call(seconds=3)
        await second.located(2)
        await second.round()
        await second.kill()
    async with Room(database, tmp_path) as third:
        third.clock.seconds = 20
        third.call(seconds=3)
        await third.https(by_https(30, number=None))
        await third.located()
        assert len(await third.rows()) == 3
        assert third.counted("live") == 0, "what is on the card is not told again"


async def test_a_position_is_handed_over_again_if_nobody_saw_it_written(
    database: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    async with Room(database, tmp_path) as first:
        contact_id = first.call()
        await first.until(lambda: bool(first.items))
        first.desk.written = lambda item: None  # type: ignore[method-assign]
        await first.sms(22)
        await first.located()
    async with Room(database, tmp_path) as second:
        second.clock.seconds = 30
        second.call(contact_id, seconds=0)
        await second.located()
        assert len((await second.card()).locations) == 1
        await second.round()
        (row,) = await second.rows()
        assert row.matched_contact_id == contact_id


class BrokenDatabase(Database):
    """Answers nothing until it is mended."""

    broken = False

    async def read(self, work: Callable[[Session], T]) -> T:
        if self.broken:
            raise DatabaseUnavailable("away")
        return await super().read(work)

    async def write(self, work: Callable[[Session], T]) -> T:
        if self.broken:
            raise DatabaseUnavailable("away")
        return await super().write(work)


async def test_without_a_database_a_live_call_s_position_is_with_the_journal(
    database_url: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aml_desk, "RETRY_S", 0.01)
    broken = BrokenDatabase(database_url, request_timeout_s=20.0)
    async with Room(broken, tmp_path) as room:
        await room.round()
        broken.broken = True
        room.call()
        await room.https(by_https(20))
        await room.https(by_https(21, number="+37126123456"))
        assert room.journal.pending >= 1
        assert room.counted("live", "https") == 1
        with pytest.raises(DatabaseUnavailable):
            await room.round()
        broken.broken = False
        await room.located()
        assert (await room.card()).place.current is not None
        await room.round()
        await room.round()
        rows = await room.rows()
        assert [row.matched_contact_id for row in rows] == [C1, None]
    await broken.close()


async def test_nothing_is_kept_longer_than_the_setting_says(room: Room) -> None:
    await room.sms(0)
    await room.round()
    room.clock.seconds = KEEP_S
    await room.round()
    assert await room.rows() == []
    room.call(seconds=1)
    await room.round()
    assert room.locations == []
    expired = room.metrics.registry.get_sample_value("ccserver_aml_expired_total")
    assert expired == 1


async def test_a_position_after_all_others_have_expired_finds_its_call(room: Room) -> None:
    await room.sms(0)
    await room.round()
    room.clock.seconds = KEEP_S
    await room.round()
    assert await room.rows() == []
    room.call(seconds=KEEP_S + 60)
    await room.sms(KEEP_S + 82)
    await room.located()
    assert (await room.card()).place.current is not None


async def test_the_memory_of_what_waits_is_bounded(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aml_desk, "WAITING_MAX", 2)
    for number in range(4):
        await room.https(by_https(number, f"+3712000000{number}"))
    assert room.desk.waiting == 2
    for number in range(4):
        room.call(f"c{number}", f"+3712000000{number}", seconds=5)
    await room.located(2)
    assert {item.contact_id for item in room.locations} == {"c2", "c3"}
    assert len(await room.rows()) == 4, "what left the memory is still in the database"


async def test_a_dead_database_s_slowness_is_not_the_phone_s(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aml_desk, "SAVE_TIMEOUT_S", 0.01)

    async def never(_: object) -> None:
        await asyncio.Event().wait()

    hold = room.store.hold
    room.store.hold = never  # type: ignore[method-assign, assignment]
    await room.https(by_https(20))
    room.store.hold = hold  # type: ignore[method-assign]
    room.desk.wake()
    room.call(number=NUMBER)
    await room.located()
