"""Which location counts: the table of cases, and what holds whatever is told in whatever order."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.location import (
    Choice,
    Circle,
    Known,
    Location,
    LocationKind,
    LocationSource,
    Point,
    Reason,
    caller_location,
    current_location,
    offset,
)
from ccserver.location.choice import CONFLICTS_MAX, r95_m
from ccserver.types import ContactId, LocationId
from tests.location.strategies import BEGIN, RIGA, fixes, histories

NOW = BEGIN + timedelta(minutes=15)
CALL = ContactId("call")
OTHER_CALL = ContactId("other call")


def told(
    name: str,
    radius_m: float | None,
    at_s: float,
    *,
    source: LocationSource = LocationSource.AML,
    kind: LocationKind = LocationKind.CALLER,
    north_m: float = 0.0,
    confidence: float | None = 0.95,
    contact_id: ContactId | None = CALL,
    received_s: float | None = None,
    method: str | None = None,
) -> Known:
    """A location ``at_s`` seconds after the beginning, ``north_m`` from the middle of Riga."""
    centre = offset(RIGA, 0, north_m)
    at = BEGIN + timedelta(seconds=at_s)
    received = at if received_s is None else BEGIN + timedelta(seconds=received_s)
    location = Location(
        Point(centre) if radius_m is None else Circle(centre, radius_m),
        source,
        received_at=received,
        observed_at=at,
        confidence=confidence,
        data={} if method is None else {"method": method},
    )
    return Known(LocationId(name), kind, location, contact_id)


def name_of(choice: Choice) -> str | None:
    return choice.current.location_id if choice.current else None


CELL = LocationSource.NETWORK_CELL
PLACE = LocationKind.INCIDENT

CASES: dict[str, tuple[list[Known], str | None, Reason]] = {
    "nothing": ([], None, Reason.NONE),
    "one fix": ([told("a", 50, 0)], "a", Reason.ONLY),
    "a newer one that is as good": ([told("a", 50, 0), told("b", 50, 10)], "b", Reason.NEWEST),
    "a newer one, twice as wide": ([told("a", 50, 0), told("b", 100, 10)], "b", Reason.NEWEST),
    "a newer one, clearly worse": ([told("a", 50, 0), told("b", 101, 10)], "a", Reason.BEST),
    "worse at the same radius, for less confidence": (
        [told("a", 50, 0), told("b", 50, 10, confidence=0.39)],
        "a",
        Reason.BEST,
    ),
    "the newest of those that are good enough": (
        [told("a", 50, 0), told("b", 90, 10), told("c", 500, 20)],
        "b",
        Reason.BEST,
    ),
    "a good one that is old, a newer one that serves": (
        [told("a", 20, 0), told("b", 100, 120)],
        "b",
        Reason.NEWEST,
    ),
    "a good one that is old, a newer one that serves nobody": (
        [told("a", 20, 0), told("b", 20_000, 120)],
        "a",
        Reason.BEST,
    ),
    "the network's cell alone": ([told("a", 3000, 0, source=CELL)], "a", Reason.NETWORK),
    "the network's cell after a fix": (
        [told("a", 5000, 0), told("b", 30, 10, source=CELL)],
        "a",
        Reason.ONLY,
    ),
    "the network's cell in a PIDF-LO": (
        [told("a", 5000, 0), told("b", 30, 10, source=LocationSource.PIDF_LO, method="Cell")],
        "a",
        Reason.ONLY,
    ),
    "a fix after the network's cell": (
        [told("a", 30, 0, source=CELL), told("b", 5000, 10)],
        "b",
        Reason.ONLY,
    ),
    "a point of unknown radius against a circle": (
        [told("a", 100, 0), told("b", None, 10)],
        "a",
        Reason.BEST,
    ),
    "a radius of nothing shuts nobody out": (
        [told("a", 0.001, 0), told("b", 9, 10)],
        "b",
        Reason.NEWEST,
    ),
    "an exact repeat is no second fix": (
        [told("a", 50, 0), told("b", 50, 0, received_s=40)],
        "a",
        Reason.ONLY,
    ),
    "a clock that is years ahead counts from when it was heard": (
        [told("a", 50, 1e9, received_s=0), told("b", 50, 10)],
        "b",
        Reason.NEWEST,
    ),
    "a place on the map, chosen by a person": (
        [told("a", 5, 10), told("p", None, 0, kind=PLACE, source=LocationSource.MAP)],
        "p",
        Reason.CHOSEN,
    ),
    "the later of two places": (
        [
            told("p", None, 0, kind=PLACE, source=LocationSource.MAP),
            told("q", None, 5, kind=PLACE, source=LocationSource.ADDRESS),
        ],
        "q",
        Reason.CHOSEN,
    ),
    "a place that another centre told": (
        [told("a", 5, 10), told("p", 900, 0, kind=PLACE, source=LocationSource.PIDF_LO)],
        "p",
        Reason.TOLD,
    ),
    "a person's place before another centre's": (
        [
            told("p", 900, 9, kind=PLACE, source=LocationSource.PIDF_LO),
            told("q", None, 0, kind=PLACE, source=LocationSource.CALL_TAKER),
        ],
        "q",
        Reason.CHOSEN,
    ),
    "the caller's own place, set by a person": (
        [told("a", 5, 10), told("p", None, 0, source=LocationSource.MAP)],
        "p",
        Reason.CHOSEN,
    ),
    "units are not the incident": (
        [told("u", 5, 10, kind=LocationKind.UNIT)],
        None,
        Reason.NONE,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_one_that_counts(case: str) -> None:
    history, expected, why = CASES[case]
    choice = current_location(history, NOW)
    assert (name_of(choice), choice.why) == (expected, why)


CONFLICTS: dict[str, tuple[list[Known], list[tuple[str, str]]]] = {
    "overlapping circles": ([told("a", 100, 0), told("b", 100, 1, north_m=190)], []),
    "disjoint circles": (
        [told("a", 100, 0), told("b", 100, 1, north_m=900)],
        [("b", "a")],
    ),
    "as far as a car drives": ([told("a", 100, 0), told("b", 100, 60, north_m=3000)], []),
    "the network sees the telephone elsewhere": (
        [told("a", 100, 0), told("c", 1000, 1, source=CELL, north_m=9000)],
        [("a", "c")],
    ),
    "two callers are at two places": (
        [told("a", 100, 0), told("b", 100, 1, north_m=9000, contact_id=OTHER_CALL)],
        [],
    ),
    "a place within sight of its caller": (
        [told("a", 100, 0), told("p", None, 9, kind=PLACE, source=LocationSource.MAP, north_m=990)],
        [],
    ),
    "the right street of the wrong town": (
        [
            told("a", 100, 0),
            told("p", None, 9, kind=PLACE, source=LocationSource.ADDRESS, north_m=30_000),
        ],
        [("p", "a")],
    ),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_what_cannot_be_true_together(case: str) -> None:
    history, expected = CONFLICTS[case]
    assert list(current_location(history, NOW).conflicts) == expected


def test_conflicts_are_bounded() -> None:
    history = [told("a", 10, 0)]
    history += [told(f"b{n}", 200, 0, north_m=100_000 + n, received_s=n) for n in range(50)]
    assert len(current_location(history, NOW).conflicts) == CONFLICTS_MAX


def test_a_chosen_place_never_moves_the_caller() -> None:
    history = [
        told("a", 100, 0),
        told("p", None, 9, kind=PLACE, source=LocationSource.MAP, north_m=500),
        told("b", 5, 10, contact_id=OTHER_CALL),
    ]
    assert name_of(caller_location(history, CALL, NOW)) == "a"
    assert name_of(caller_location(history, OTHER_CALL, NOW)) == "b"
    assert name_of(caller_location(history, ContactId("nobody"), NOW)) is None


@pytest.mark.parametrize(
    ("radius_m", "confidence", "expected"),
    # r95 = r·√(ln 0.05 / ln(1 − confidence)): 1.6217 for 68 %, 1 for 95 %, 0.8066 for 99 %.
    [(100, 0.68, 162.2), (100, None, 162.2), (100, 0.95, 100.0), (100, 0.99, 80.7)],
)
def test_radii_are_compared_at_one_confidence(
    radius_m: float, confidence: float | None, expected: float
) -> None:
    location = told("a", radius_m, 0, confidence=confidence).location
    assert r95_m(location) == pytest.approx(expected, abs=0.1)


@given(histories, st.randoms())
def test_order_of_arrival_never_matters(history: Sequence[Known], order: random.Random) -> None:
    shuffled = list(history)
    order.shuffle(shuffled)
    assert current_location(shuffled, NOW) == current_location(history, NOW)


@given(histories, st.integers(0, 10_000))
def test_waiting_changes_nothing(history: Sequence[Known], seconds: int) -> None:
    later = NOW + timedelta(seconds=seconds)
    assert current_location(history, later) == current_location(history, NOW)


@given(histories.filter(bool), fixes(), st.integers(0, 3600), st.floats(1, 10))
def test_an_older_and_worse_fix_changes_nothing(
    history: Sequence[Known], extra: Known, older_s: int, worse: float
) -> None:
    before = current_location(history, NOW)
    assert before.current is not None
    chosen = before.current.location
    at = (chosen.observed_at or chosen.received_at) - timedelta(seconds=older_s + 1)
    location = replace(
        extra.location,
        source=chosen.source,
        shape=Circle(extra.location.shape.centre, r95_m(chosen) * worse),
        confidence=0.95,
        observed_at=at,
        received_at=at,
    )
    after = current_location([*history, replace(extra, location=location)], NOW)
    assert after.current == before.current


@given(histories)
def test_a_network_cell_never_replaces_a_fix(history: Sequence[Known]) -> None:
    choice = current_location(history, NOW)
    if any(known.location.source is not CELL for known in history):
        assert choice.current is not None
        assert choice.current.location.source is not CELL


@given(histories)
def test_conflicts_name_what_is_in_the_history(history: Sequence[Known]) -> None:
    ids = {known.location_id for known in history}
    for first, second in current_location(history, NOW).conflicts:
        assert first != second
        assert {first, second} <= ids
