"""Cards that may be about one incident are proposed, and what was before at a number or place.

The scoring by tables; what is found in the database on both kinds of it.
"""

import math
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from ccserver.card import CardStore, ContactOpened, TimelineEntry, TimelineTag
from ccserver.card.history import Related
from ccserver.card.models import IncidentRow
from ccserver.card.neighbours import (
    PROPOSALS_MAX,
    Facts,
    Place,
    distance_m,
    latitudes,
    likeness,
    proposals,
)
from ccserver.db import Database
from ccserver.location import Circle, Location, LocationKind, LocationSource, Point, Position
from ccserver.location import distance_m as ellipsoid_distance_m
from ccserver.types import ContactId, IncidentId
from tests.card.conftest import ARRIVED

RIGA = Place(56.95, 24.10)
METRE = 1 / 111_320
"""In degrees of latitude, about."""


def north(metres: float, radius_m: float = 0.0) -> Place:
    return Place(RIGA.latitude + metres * METRE, RIGA.longitude, radius_m)


def facts(incident_id: str = "other", **changes: object) -> Facts:
    values: dict[str, object] = {"last_contact_at": ARRIVED, "open": False, "place": RIGA}
    return Facts(incident_id, **(values | changes))  # type: ignore[arg-type]


MINUTES_30, HOURS_3, DAY_2 = timedelta(minutes=30), timedelta(hours=3), timedelta(days=2)


@pytest.mark.parametrize(
    ("card", "other", "proposed"),
    [
        ({}, {}, True),
        ({}, {"place": north(900)}, True),
        ({}, {"place": north(1_100)}, False),
        ({}, {"place": north(1_100, 200)}, True),  # unsure: what it covers may be near
        ({"place": north(0, 3_000)}, {"place": north(6_500, 3_000)}, True),
        ({"place": north(0, 3_000)}, {"place": north(7_500, 3_000)}, False),
        ({}, {"place": north(7_000, 50_000)}, False),  # a county is not a place
        ({}, {"place": None}, False),
        ({"place": None}, {}, False),
        ({}, {"last_contact_at": ARRIVED - MINUTES_30}, True),
        ({}, {"last_contact_at": ARRIVED + MINUTES_30}, True),
        ({}, {"last_contact_at": ARRIVED - HOURS_3}, False),
        ({"open": True}, {"last_contact_at": ARRIVED - HOURS_3, "open": True}, True),
        ({"open": True}, {"last_contact_at": ARRIVED - HOURS_3}, False),
        (
            {"callers": frozenset({"29"})},
            {"callers": frozenset({"29"}), "place": None, "last_contact_at": ARRIVED - HOURS_3},
            True,
        ),
        (
            {"callers": frozenset({"29"})},
            {"callers": frozenset({"29"}), "place": north(19_000)},
            True,
        ),
        (  # one caller, but two places: two incidents
            {"callers": frozenset({"29"})},
            {"callers": frozenset({"29"}), "place": north(21_000)},
            False,
        ),
        (
            {"callers": frozenset({"29"})},
            {"callers": frozenset({"29"}), "last_contact_at": ARRIVED - DAY_2},
            False,
        ),
        ({}, {"incident_id": "card"}, False),
    ],
)
def test_what_is_near_in_place_and_time_is_proposed(
    card: dict[str, object], other: dict[str, object], proposed: bool
) -> None:
    found = likeness(facts("card", **card), facts(**({"incident_id": "other"} | other)))  # type: ignore[arg-type]
    assert (found is not None) == proposed


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"place": north(100)}, {"place": north(800)}),
        ({"last_contact_at": ARRIVED}, {"last_contact_at": ARRIVED - MINUTES_30}),
        ({"branch": "fire"}, {}),
        ({}, {"branch": "medical"}),
        ({"callers": frozenset({"29"}), "place": None}, {"branch": "fire"}),
        ({"place": north(300)}, {"place": north(300, 5_000)}),  # a large area says little
        ({"last_contact_at": ARRIVED + MINUTES_30}, {"last_contact_at": ARRIVED - MINUTES_30}),
    ],
)
def test_what_fits_better_comes_first(better: dict[str, object], worse: dict[str, object]) -> None:
    card = facts("card", branch="fire", callers=frozenset({"29"}))
    found = proposals(card, [facts("worse", **worse), facts("better", **better)])
    assert [like.incident_id for like in found] == ["better", "worse"]


def test_a_call_taker_is_shown_a_handful() -> None:
    card = facts("card")
    others = [
        facts(str(minutes), last_contact_at=ARRIVED - timedelta(minutes=minutes))
        for minutes in random.Random(1).sample(range(30), 30)  # noqa: S311
    ]
    found = proposals(card, others)
    assert [like.minutes for like in found] == list(range(PROPOSALS_MAX))
    assert proposals(card, others[::-1]) == found


def test_distances_are_those_of_the_ellipsoid() -> None:
    draw = random.Random(112)  # noqa: S311
    for _ in range(200):
        one = Place(draw.uniform(55, 58.5), draw.uniform(20, 28.5))
        other = Place(one.latitude + draw.gauss(0, 0.05), one.longitude + draw.gauss(0, 0.05))
        exact = ellipsoid_distance_m(
            Position(one.latitude, one.longitude), Position(other.latitude, other.longitude)
        )
        assert math.isclose(distance_m(one, other), exact, rel_tol=0.006, abs_tol=0.1)
        south, to_north = latitudes(one, exact)
        assert south <= other.latitude <= to_north


# -- in the database ------------------------------------------------------------------------------

Opened = Callable[..., ContactOpened]


class Town:
    """Cards at places."""

    def __init__(self, store: CardStore, database: Database, arrived: Opened) -> None:
        self.store = store
        self.database = database
        self.arrived = arrived

    async def card(
        self,
        place: Place | None = None,
        *,
        number: str | None = None,
        minutes: int = 0,
        ended: bool = True,
        code: str | None = None,
        type_code: str | None = None,
    ) -> IncidentId:
        at = ARRIVED + timedelta(minutes=minutes)
        opened = self.arrived(arrived_at=at, caller_number=number)
        incident_id = (await self.store.open_contact(opened)).incident_id
        if ended:
            await self.end(opened.contact_id, at)

        def put(session: Session) -> None:
            row = session.get_one(IncidentRow, incident_id)
            row.type_code = type_code

        await self.database.write(put)
        if place is not None:
            centre = Position(place.latitude, place.longitude)
            shape = Circle(centre, place.radius_m) if place.radius_m else Point(centre)
            await self.store.add_location(
                incident_id,
                Location(shape, LocationSource.MAP, at),
                kind=LocationKind.INCIDENT,
                key="place",
                author="anna",
            )
        if code is not None:
            value = {"text": "Brīvības iela 1", "code": code}
            await self.store.save_field(
                incident_id, "address", value, base_version=0, author="anna", at=at
            )
        return incident_id

    async def end(self, contact_id: ContactId, at: object) -> None:
        await self.store.record(
            TimelineEntry(contact_id, TimelineTag.ENDED, at, "ended")  # type: ignore[arg-type]
        )

    async def related(self, card: IncidentId) -> Related:
        found = await self.store.related(card)
        assert found is not None
        return found


@pytest.fixture
def town(store: CardStore, database: Database, arrived: Opened) -> Town:
    return Town(store, database, arrived)


def keys(related: Related) -> tuple[list[str], list[str], list[str]]:
    return (
        [each.card.incident_id for each in related.proposals],
        [card.incident_id for card in related.same_number],
        [card.incident_id for card in related.same_place],
    )


async def test_cards_of_the_same_incident_are_proposed(town: Town) -> None:
    near = await town.card(north(400), minutes=-20, type_code="fire-house")
    closer = await town.card(north(100), minutes=-30, type_code="medical")
    await town.card(north(2_500), minutes=-5)
    await town.card(RIGA, minutes=-200)
    await town.card(minutes=-5)
    long_open = await town.card(north(900), minutes=-400, ended=False)
    card = await town.card(RIGA, ended=False, type_code="fire-car")
    related = await town.related(card)
    assert keys(related)[0] == [near, closer, long_open]
    first = related.proposals[0].like
    assert (first.distance_m, first.minutes, first.same_type) == (400, 20, True)


async def test_the_same_caller_is_known_however_the_number_is_written(town: Town) -> None:
    earlier = [
        await town.card(number=number, minutes=-60 * 24 * day)
        for day, number in ((30, "29123456"), (3, "+37129123456"), (2, "0037129123456"))
    ]
    today = await town.card(number="+37129123456", minutes=-600)
    await town.card(number="+37129123457", minutes=-5)
    card = await town.card(number="+37129123456", ended=False)
    proposed, same_number, _ = keys(await town.related(card))
    assert proposed == [today]
    assert same_number == [today, earlier[1], earlier[0]]


async def test_a_number_given_by_somebody_else_counts_as_well(town: Town) -> None:
    other = await town.card(number="+37120000001")
    value = [{"number": "+371 29 123 456", "note": "sieva"}]
    await town.store.save_field(
        other, "callback_numbers", value, base_version=0, author="anna", at=ARRIVED
    )
    card = await town.card(number="+37129123456", minutes=1)
    assert keys(await town.related(card))[1] == [other]


async def test_the_same_place_is_a_code_or_fifty_metres(town: Town) -> None:
    by_code = await town.card(code="100000001", minutes=-60 * 24)
    by_metres = await town.card(north(40), minutes=-60 * 25)
    both = await town.card(north(10), code="100000001", minutes=-60 * 26)
    await town.card(north(80), minutes=-60 * 27)
    await town.card(code="100000002", minutes=-60 * 28)
    card = await town.card(RIGA, code="100000001")
    assert keys(await town.related(card))[2] == [by_code, by_metres, both]


async def test_a_card_that_was_merged_away_is_not_shown_and_shows_what_it_is_in(town: Town) -> None:
    one, other = await town.card(RIGA, minutes=-3), await town.card(RIGA, minutes=-2)
    card = await town.card(RIGA, ended=False)
    await town.store.merge(one, other, author="anna", at=ARRIVED)
    assert keys(await town.related(card)) == ([other], [], [other])
    assert keys(await town.related(one)) == keys(await town.related(other))
    assert keys(await town.related(one))[0] == [card]


async def test_history_is_bounded_and_newest_first(town: Town) -> None:
    every = [await town.card(RIGA, number="+37129123456", minutes=-1_000 * n) for n in range(1, 26)]
    card = await town.card(RIGA, number="+37129123456", ended=False)
    _, same_number, same_place = keys(await town.related(card))
    assert same_number == same_place == every[:20]


async def test_a_card_that_does_not_exist_has_none(town: Town) -> None:
    assert await town.store.related(IncidentId("nowhere")) is None


async def test_a_pop_up_costs_the_same_number_of_queries_whatever_is_found(town: Town) -> None:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    card = await town.card(RIGA, number="+37129123456", code="100000001", ended=False)
    await town.card(RIGA, number="+37129123456", code="100000001")
    event.listen(Engine, "before_cursor_execute", note)
    try:
        await town.related(card)
        few = len(statements)
        event.remove(Engine, "before_cursor_execute", note)
        for _ in range(10):
            await town.card(RIGA, number="+37129123456", code="100000001")
        event.listen(Engine, "before_cursor_execute", note)
        statements.clear()
        related = await town.related(card)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(related.same_number) == 11
    assert len(statements) == few
