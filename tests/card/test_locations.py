"""Locations: nothing told is lost or doubled, one counts, and none of it holds up a call."""

import asyncio
import itertools
import signal
import tempfile
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ccserver import db
from ccserver.card import (
    CardData,
    CardLocation,
    CardMerged,
    CardStore,
    ContactOpened,
    FieldConflict,
    FieldInvalid,
    LocationTold,
    TimelineTag,
    UnknownContact,
    UnknownIncident,
    UnknownLocation,
    as_json,
)
from ccserver.card.locations import Pin, place_of
from ccserver.card.models import IncidentRow
from ccserver.card.spill import SpillFile
from ccserver.db import Database
from ccserver.location import (
    Circle,
    Location,
    LocationKind,
    LocationSource,
    Point,
    Polygon,
    Position,
)
from ccserver.outbox import OutboxStore
from ccserver.types import ContactId, IncidentId, LocationId
from tests.card.conftest import ARRIVED
from tests.card.test_editing import merge
from tests.card.test_journal import FakeStore, journal_of, opening, running
from tests.databases import BINARIES, Cluster

Arrived = Callable[..., ContactOpened]
RIGA = Position(56.9496, 24.1052)


def fix(
    second: float = 0,
    radius: float | None = 30,
    *,
    latitude: float = RIGA.latitude,
    source: LocationSource = LocationSource.AML,
    **more: object,
) -> Location:
    at = ARRIVED + timedelta(seconds=second)
    centre = Position(latitude, RIGA.longitude)
    shape = Point(centre) if radius is None else Circle(centre, radius)
    values: dict[str, object] = {"observed_at": at, "received_at": at, "confidence": 0.9}
    return Location(shape, source, **(values | more))  # type: ignore[arg-type]


def clicked(second: float = 100, **more: object) -> Location:
    return fix(
        second,
        None,
        source=LocationSource.MAP,
        observed_at=None,
        confidence=None,
        **more,  # type: ignore[arg-type]
    )


def told(contact_id: str, key: str, location: Location | None = None) -> LocationTold:
    return LocationTold.of(ContactId(contact_id), key, location or fix())


async def card_of(store: CardStore, incident_id: str) -> CardData:
    card = await store.card(IncidentId(incident_id))
    assert card is not None
    return card


async def beside(database: Database, incident_id: str) -> tuple[object, ...]:
    """What lists and maps know of the place."""

    def work(session: Session) -> tuple[object, ...]:
        row = session.get(IncidentRow, incident_id)
        assert row is not None
        return row.latitude, row.longitude, row.radius_m

    return await database.read(work)


async def choose(
    store: CardStore, incident_id: str, location: Location, key: str = "k", **more: object
) -> CardLocation:
    values: dict[str, object] = {"kind": LocationKind.INCIDENT, "author": "anna"}
    return await store.add_location(
        IncidentId(incident_id),
        location,
        key=key,
        **(values | more),  # type: ignore[arg-type]
    )


async def test_where_a_caller_is_stands_on_the_card_and_in_lists(
    store: CardStore, database: Database, arrived: Arrived
) -> None:
    opened = arrived()
    head = await store.open_contact(opened)
    location = fix(2, 30, data={"method": "GNSS", "odd": "nul\0\ud83d", "nan": float("nan")})
    assert await store.add_contact_location(opened.contact_id, "aml-1", location) == head
    card = await card_of(store, head.incident_id)
    shown = as_json(card)
    (location_json,) = cast("list[object]", shown["locations"])
    assert location_json == {
        "location_id": card.locations[0].location_id,
        "incident_id": head.incident_id,
        "contact_id": opened.contact_id,
        "kind": "caller",
        "source": "aml",
        "shape": {"type": "Circle", "centre": [56.9496, 24.1052], "radius_m": 30.0},
        "lat": 56.9496,
        "lon": 24.1052,
        "radius_m": 30.0,
        "confidence": 0.9,
        "observed_at": "2026-03-01T12:00:02.250Z",
        "received_at": "2026-03-01T12:00:02.250Z",
        "author": None,
        "data": {"method": "GNSS", "odd": "nul\ufffd", "nan": None},
    }
    current = card.locations[0].location_id
    assert shown["location"] == {"current": current, "why": "only", "conflicts": []}
    assert await beside(database, head.incident_id) == (56.9496, 24.1052, 30.0)
    entry = card.timeline[-1]
    assert (entry.tag, entry.contact_id) == (TimelineTag.LOCATION_ADDED, opened.contact_id)
    assert entry.data == {"location_id": current, "kind": "caller", "source": "aml"}
    (event,) = await OutboxStore(database).after(0)
    assert event.data == {"tag": "location_added"}


async def test_told_again_it_is_the_same_location_also_after_a_merge(
    store: CardStore, database: Database, arrived: Arrived
) -> None:
    first, second = arrived(), arrived()
    source = await store.open_contact(first)
    target = await store.open_contact(second)
    items = [told(first.contact_id, "1"), told(first.contact_id, "1"), told(second.contact_id, "1")]
    for _ in range(2):
        await store.write(items)
    assert len((await card_of(store, source.incident_id)).locations) == 1
    await merge(database, source.incident_id, target.incident_id)
    await store.write([*items, told(first.contact_id, "2", fix(30))])
    card = await card_of(store, target.incident_id)
    assert len(card.locations) == 3
    added = [entry for entry in card.timeline if entry.tag is TimelineTag.LOCATION_ADDED]
    assert len(added) == 3
    assert (await card_of(store, source.incident_id)).locations == ()


async def test_what_is_told_before_the_card_is_there_waits(
    store: CardStore, arrived: Arrived
) -> None:
    stranger = ContactId(str(uuid.uuid4()))
    with pytest.raises(UnknownContact):
        await store.add_contact_location(stranger, "1", fix())
    opened = arrived(contact_id=stranger)
    heads = await store.write([told(stranger, "1"), opened])
    assert heads[0] is not None
    assert len((await card_of(store, heads[0].incident_id)).locations) == 1


async def test_a_place_that_a_person_chose_counts_and_overwrites_nothing(
    store: CardStore, database: Database, arrived: Arrived
) -> None:
    opened = arrived()
    head = await store.open_contact(opened)
    await store.add_contact_location(opened.contact_id, "aml", fix(latitude=56.9))
    known = await choose(store, head.incident_id, clicked())
    again = await choose(store, head.incident_id, clicked(900, latitude=57.5))
    assert again == known, "the same key is the same location"
    await store.add_contact_location(opened.contact_id, "aml-2", fix(600, 3, latitude=56.91))
    card = await card_of(store, head.incident_id)
    assert card.place.current == known
    assert card.place.why == "chosen"
    assert card.place.conflicts, "the caller is kilometres away"
    assert len(card.locations) == 3
    assert await beside(database, head.incident_id) == (56.9496, 24.1052, None)
    (entry,) = [one for one in card.timeline if one.author == "anna"]
    assert (entry.tag, entry.contact_id) == (TimelineTag.LOCATION_ADDED, None)


async def test_a_pin_holds_until_a_person_chooses_anew(
    store: CardStore, database: Database, arrived: Arrived
) -> None:
    opened = arrived()
    head = await store.open_contact(opened)
    await store.add_contact_location(opened.contact_id, "aml", fix(latitude=56.9))
    known = await choose(store, head.incident_id, clicked(10))
    caller = (await card_of(store, head.incident_id)).locations[0].location_id

    async def pin(location_id: LocationId | None, second: float) -> str:
        at = ARRIVED + timedelta(seconds=second)
        place = await store.pin_location(head.incident_id, location_id, author="dace", at=at)
        assert place == (await card_of(store, head.incident_id)).place
        return place.why

    assert await pin(caller, 20) == "pinned"
    assert await pin(caller, 30) == "pinned"
    assert (await beside(database, head.incident_id))[0] == 56.9
    await store.add_contact_location(opened.contact_id, "later", fix(40, 1, latitude=57))
    assert (await beside(database, head.incident_id))[0] == 56.9
    assert await pin(None, 50) == "chosen"
    assert await pin(None, 55) == "chosen"
    assert await pin(caller, 60) == "pinned"
    anew = await choose(store, head.incident_id, clicked(70, latitude=57.1), "anew")
    card = await card_of(store, head.incident_id)
    assert (card.place.current, card.place.why) == (anew, "chosen")
    assert await pin(caller, 80) == "pinned"
    assert await pin(known.location_id, 90) == "pinned"
    pins = [one for one in card.timeline if one.tag is TimelineTag.LOCATION_PINNED]
    assert [one.data["location_id"] for one in pins] == [caller, None, caller]
    for unknown in ("unknown", ""):
        with pytest.raises(UnknownLocation):
            await pin(LocationId(unknown), 99)


async def test_an_address_and_its_place_are_kept_together_or_not_at_all(
    store: CardStore, arrived: Arrived
) -> None:
    head = await store.open_contact(arrived())
    chosen = fix(5, None, source=LocationSource.ADDRESS)
    address: dict[str, object] = {"text": "Brīvības iela 1", "code": "101012345"}
    for _ in range(2):  # the first answer was lost
        await choose(store, head.incident_id, chosen, address=(address, 0))
    card = await card_of(store, head.incident_id)
    assert (len(card.locations), card.fields["address"].version) == (1, 1)
    assert card.summary.address == "Brīvības iela 1"
    with pytest.raises(FieldConflict):
        await choose(store, head.incident_id, chosen, "other", address=({"text": "other"}, 0))
    with pytest.raises(FieldInvalid):
        await choose(store, head.incident_id, chosen, "third", address=({"code": "x"}, 1))
    assert len((await card_of(store, head.incident_id)).locations) == 1


async def test_places_belong_to_cards_that_are_there(
    store: CardStore, database: Database, arrived: Arrived
) -> None:
    opened, other = arrived(), arrived()
    head, into = await store.open_contact(opened), await store.open_contact(other)
    with pytest.raises(UnknownIncident):
        await choose(store, "unknown", clicked())
    for stranger in (other.contact_id, "unknown", "\0"):
        with pytest.raises(UnknownContact):
            await choose(store, head.incident_id, clicked(), contact_id=stranger)
    own = await choose(store, head.incident_id, clicked(), contact_id=opened.contact_id)
    assert own.contact_id == opened.contact_id
    await merge(database, head.incident_id, into.incident_id)
    with pytest.raises(CardMerged):
        await choose(store, head.incident_id, clicked(), "late")
    with pytest.raises(CardMerged):
        await store.pin_location(head.incident_id, None, author="anna", at=ARRIVED)
    assert (await card_of(store, into.incident_id)).locations == (own,)


async def test_a_place_chosen_on_the_card_stands_before_one_of_a_card_that_it_absorbed(
    store: CardStore, arrived: Arrived
) -> None:
    """As its fields do; without one of its own the other's holds. Nothing is left out of sight."""
    source, target, empty = [await store.open_contact(arrived()) for _ in range(3)]
    own = await choose(store, target.incident_id, clicked(100))
    later = await choose(store, source.incident_id, clicked(200, latitude=56.5))
    await store.merge(source.incident_id, target.incident_id, author="anna", at=ARRIVED)
    card = await card_of(store, target.incident_id)
    assert card.locations == (own, later)
    assert card.place.current == own
    await store.merge(target.incident_id, empty.incident_id, author="anna", at=ARRIVED)
    assert (await card_of(store, empty.incident_id)).place.current == later


async def test_a_shape_of_a_later_version_leaves_the_card_readable(
    store: CardStore, database: Database, arrived: Arrived
) -> None:
    head = await store.open_contact(arrived())

    def work(session: Session) -> None:
        session.execute(
            text(
                "INSERT INTO incident_locations VALUES ('l1', :incident, NULL, 'incident', 'map',"
                " '{\"type\": \"Blob\"}', 57, 24, NULL, NULL, NULL, :at, 'anna', 'k', '{}')"
            ),
            {"incident": head.incident_id, "at": ARRIVED.replace(tzinfo=None)},
        )

    await database.write(work)
    (known,) = (await card_of(store, head.incident_id)).locations
    assert known.location.shape == Point(Position(57, 24))


async def test_the_database_refuses_to_change_what_was_told(
    store: CardStore, database: Database, arrived: Arrived
) -> None:
    head = await store.open_contact(arrived())
    await choose(store, head.incident_id, clicked())
    for change in (
        "UPDATE incident_locations SET latitude = 0",
        "DELETE FROM incident_locations",
    ):

        def work(session: Session, what: str = change) -> None:
            session.execute(text(what))

        with pytest.raises(DBAPIError):
            await database.write(work)
    assert len((await card_of(store, head.incident_id)).locations) == 1


# -- the choice, as the card makes it --


def known(
    number: int, location: Location, kind: LocationKind = LocationKind.CALLER
) -> CardLocation:
    return CardLocation(
        LocationId(f"l{number}"), IncidentId("i"), ContactId("c"), kind, location, None
    )


@given(
    st.lists(
        st.tuples(
            st.integers(0, 600),
            st.integers(1, 500),
            st.sampled_from([LocationSource.AML, LocationSource.MAP, LocationSource.NETWORK_CELL]),
            st.sampled_from([LocationKind.CALLER, LocationKind.INCIDENT]),
        ),
        max_size=5,
    ),
    st.none() | st.tuples(st.integers(0, 5), st.integers(0, 600)),
)
def test_the_place_depends_on_what_was_told_and_not_on_its_order(
    tellings: list[tuple[int, int, LocationSource, LocationKind]],
    pinned: tuple[int, int] | None,
) -> None:
    history = [
        known(number, fix(second, radius, source=source), kind)
        for number, (second, radius, source, kind) in enumerate(tellings)
    ]
    pin = None
    if pinned is not None:
        at = ARRIVED + timedelta(seconds=pinned[1])
        pin = Pin(LocationId(f"l{pinned[0]}"), at)
    expected = place_of("i", history, pin)
    for order in itertools.islice(itertools.permutations(history), 12):
        assert place_of("i", order, pin).current == expected.current
    if expected.current is not None:
        assert expected.current in history
    assert (expected.current is None) == (expected.why == "none")


def test_a_pin_of_what_is_not_there_pins_nothing() -> None:
    history = [known(1, fix())]
    assert place_of("i", history, Pin(LocationId("l9"), ARRIVED)).why == "only"
    assert place_of("i", [], Pin(LocationId("l1"), ARRIVED)).current is None


# -- the path of a live call --


async def test_a_location_goes_through_the_journal_behind_what_came_before(
    tmp_path: Path,
) -> None:
    fake = FakeStore()
    fake.away = True
    journal = journal_of(fake, tmp_path, pending_max=3)
    for number in range(4):
        journal.submit(told("a", f"fix-{number}"))
    journal.submit(opening("a"))
    journal.submit(told("a", "last"))
    assert journal.spill_lines, "the database is away, memory is full"
    fake.away = False
    async with running(journal):
        assert await journal.drain(20)
    assert fake.order_of(ContactId("a")) == ["opened", *(f"fix-{n}" for n in range(4)), "last"]
    assert journal.failures == 0


async def test_a_location_before_its_card_waits_for_it(tmp_path: Path) -> None:
    fake = FakeStore()
    journal = journal_of(fake, tmp_path)
    async with running(journal):
        journal.submit(told("a", "1"))
        while not journal.orphaned:  # noqa: ASYNC110
            await asyncio.sleep(0)
        journal.submit(opening("a"))
        assert await journal.drain(20)
    assert fake.order_of(ContactId("a")) == ["opened", "1"]


@given(
    st.sampled_from(list(LocationSource)),
    st.none() | st.floats(0, 1),
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.dictionaries(st.text(), st.none() | st.text() | st.integers() | st.floats()),
    st.sampled_from(
        [
            Point(RIGA),
            Circle(RIGA, 12.5),
            Polygon((RIGA, Position(56.96, 24.1052), Position(56.96, 24.2), RIGA)),
        ]
    ),
)
def test_what_is_spilled_is_read_back_as_it_was_told(
    source: LocationSource,
    confidence: float | None,
    observed_at: datetime | None,
    data: dict[str, object],
    shape: Point | Circle | Polygon,
) -> None:
    location = Location(
        shape=shape,
        source=source,
        received_at=ARRIVED,
        observed_at=observed_at,
        confidence=confidence,
        data={key: value for key, value in data.items() if value == value},  # no NaN  # noqa: PLR0124
    )
    item = LocationTold.of(ContactId("a"), "k", location)
    with tempfile.TemporaryDirectory() as folder:
        spill = SpillFile(Path(folder) / "journal.spill")
        spill.append(item)
        (read,) = SpillFile(spill.path).first(5)
    assert isinstance(read, LocationTold)
    assert (read.shape, read.observed_at, read.kind) == (
        item.shape,
        item.observed_at,
        LocationKind.CALLER,
    )
    assert read.location.shape == shape
    if all(isinstance(key, str) and key.isascii() for key in data):
        assert set(read.data) == set(location.data)


async def test_what_is_no_place_on_earth_is_put_aside_alone(
    tmp_path: Path, store: CardStore, arrived: Arrived
) -> None:
    opened = arrived()
    journal = journal_of(store, tmp_path)
    broken = LocationTold(
        contact_id=opened.contact_id,
        key="broken",
        kind=LocationKind.CALLER,
        source=LocationSource.AML,
        shape={"type": "Circle", "centre": [1e9, 0], "radius_m": 5},
        received_at=ARRIVED,
    )
    for item in (
        opened,
        told(opened.contact_id, "1"),
        broken,
        told(opened.contact_id, "2", fix(9)),
    ):
        journal.submit(item)
    assert await journal.drain(60)
    assert journal.failures == 1
    card = await store.card_of_contact(opened.contact_id)
    assert card is not None
    assert len(card.locations) == 2


@pytest.mark.skipif(not BINARIES, reason="no PostgreSQL server is installed: NOT tested on it")
async def test_a_killed_server_costs_no_location(tmp_path: Path, arrived: Arrived) -> None:
    with tempfile.TemporaryDirectory(prefix="ccserver-pg-") as folder:
        cluster = Cluster(Path(folder))
        cluster.start()
        url = cluster.url("postgres")
        db.upgrade(url)
        database = Database(url, request_timeout_s=5)
        own = CardStore(database)
        journal = journal_of(own, tmp_path, pause=asyncio.sleep)
        opened = arrived()
        try:
            async with running(journal):
                journal.submit(opened)
                while journal.written < 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                cluster.stop(signal.SIGQUIT)  # at once, as a crash
                for number in range(3):
                    journal.submit(told(opened.contact_id, str(number), fix(number)))
                while journal.retries < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                assert journal.pending == 3
                cluster.start_again()
                assert await journal.drain(60)
            card = await own.card_of_contact(opened.contact_id)
            assert card is not None
            assert len(card.locations) == 3
        finally:
            await database.close()
            cluster.stop()


async def test_people_and_phones_who_tell_at_once_lose_nothing(
    database_url: str, store: CardStore, database: Database, arrived: Arrived
) -> None:
    opened = arrived()
    head = await store.open_contact(opened)

    async def phone(number: int) -> None:
        own = Database(database_url, request_timeout_s=20)
        for turn in range(8):
            location = fix(number * 8 + turn)
            await CardStore(own).add_contact_location(opened.contact_id, f"k{turn}", location)
        await own.close()

    async def person(number: int) -> None:
        own = Database(database_url, request_timeout_s=20)
        for turn in range(8):
            key = f"{number}-{turn}"
            await choose(CardStore(own), head.incident_id, clicked(number * 8 + turn), key)
        await own.close()

    await asyncio.gather(*map(phone, range(4)), *map(person, range(4)))
    card = await card_of(store, head.incident_id)
    assert len(card.locations) == 8 + 4 * 8
    assert card.place.current is not None
    shape = card.place.current.location.shape
    assert (await beside(database, head.incident_id))[0] == shape.centre.latitude
