"""Proves the services' endpoints: who may, what is refused with which words, no input a 500."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.db import DatabaseUnavailable
from ccserver.services import (
    CallSignTaken,
    IncidentMerged,
    KeyTaken,
    ReasonNeeded,
    Reported,
    ServiceState,
    Source,
    StepRefused,
    TooMany,
    UnitBusy,
    UnitBusyWith,
    UnitFacts,
    UnitInactive,
    UnitPosition,
    UnitState,
    UnknownIncident,
    UnknownInvolvement,
    UnknownService,
    UnknownUnit,
)
from ccserver.services.values import InvolvementId
from ccserver.types import IncidentId, UnitId
from tests.web.fakes import INCIDENT
from tests.web.service_rooms import INVOLVEMENT, UNIT
from tests.web.world import Answer, World

SEND = f"/api/cards/{INCIDENT}/services"
STEPS = f"/api/involvements/{INVOLVEMENT}/steps"
UNIT_STEPS = f"/api/involvements/{INVOLVEMENT}/units/{UNIT}/steps"
DESK = "/api/desk/incidents?service=vugd"
UNITS = "/api/desk/units?service=vugd"
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        yield world


def error_of(answer: Answer) -> tuple[int, str]:
    told = answer.json()
    return answer.status, told.get("code") or told["error"]


async def test_a_call_taker_sends_several_services_at_once(centre: World) -> None:
    anna = await centre.person("anna")
    body = {"services": ["vugd", "nmpd", "vugd"], "note": " fire ", "key": "one"}
    answer = await anna.post(SEND, body)
    assert answer.json() == {"involvements": [{"service": "vugd"}, {"service": "nmpd"}]}
    assert centre.services.asked == [("involve", INCIDENT, ("vugd", "nmpd"), "anna", "fire", "one")]
    assert (await anna.get(SEND)).json() == {"involvements": [{"involvement_id": INVOLVEMENT}]}
    assert error_of(await centre.nobody().post(SEND, body)) == (401, "signed_out")


async def test_only_whoever_acts_for_the_service_tells_its_steps(centre: World) -> None:
    anna, chief = await centre.person("anna"), await centre.person("chief")
    step = {"state": "accepted", "key": "one"}
    for address in (STEPS, UNIT_STEPS):
        body = {**step, "state": "assigned"} if address == UNIT_STEPS else step
        assert error_of(await anna.post(address, body)) == (403, "other_service")
    for address in (DESK, UNITS):
        assert error_of(await anna.get(address)) == (403, "forbidden")
    assert (await chief.post(STEPS, step)).status == 200
    (asked,) = centre.services.asked
    assert asked == (
        "report",
        INVOLVEMENT,
        Reported("accepted", "one", "chief", Source.DESK),
    )


async def test_the_centre_withdraws(centre: World) -> None:
    anna = await centre.person("anna")
    assert (await anna.post(STEPS, {"state": "withdrawn", "key": "one"})).status == 200
    told = centre.services.asked[0][2]
    assert isinstance(told, Reported)
    assert told.source is Source.CENTRE


async def test_everything_of_a_step_is_passed_on(centre: World) -> None:
    chief = await centre.person("chief")
    body = {
        "state": "dispatched",
        "key": "one",
        "note": "two pumps",
        "units": [UNIT],
        "happened_at": "2026-03-01T12:00:00Z",
        "confirm": True,
    }
    assert (await chief.post(STEPS, body)).status == 200
    late = {"state": "delayed", "key": "two", "reason": "traffic"}
    assert (await chief.post(UNIT_STEPS, late)).status == 200
    assert centre.services.asked == [
        (
            "report",
            INVOLVEMENT,
            Reported(
                "dispatched",
                "one",
                "chief",
                Source.DESK,
                None,
                "two pumps",
                (UnitId(UNIT),),
                AT,
                True,
            ),
        ),
        (
            "report_unit",
            INVOLVEMENT,
            UNIT,
            Reported("delayed", "two", "chief", Source.DESK, "traffic"),
        ),
    ]


async def test_the_desk_lists_what_is_to_do_and_what_was(centre: World) -> None:
    chief = await centre.person("chief")
    assert (await chief.get(DESK)).json() == {
        "service": "vugd",
        "incidents": [{"involvement": {"involvement_id": INVOLVEMENT}, "incident": None}],
        "next": None,
    }
    answer = await chief.get(f"{DESK}&state=all&limit=7&before=x~y")
    assert answer.json()["next"] == "next~one"
    assert centre.services.asked == [("unfinished", "vugd"), ("everything", "vugd", 7, "x~y")]


async def test_units_are_added_changed_and_retired(centre: World) -> None:
    chief = await centre.person("chief")
    body = {"call_sign": " R-11 ", "kind": "pump", "capacity": 6, "unit_id": UNIT}
    assert (await chief.post(UNITS, body)).json() == {"unit": {"unit_id": UNIT}}
    one = f"/api/desk/units/{UNIT}?service=vugd"
    assert (await chief.put(one, {"call_sign": "R-12", "active": False})).status == 200
    assert (await chief.ask("DELETE", one)).status == 200
    assert (await chief.get(UNITS)).json() == {"service": "vugd", "units": [{"unit_id": UNIT}]}
    assert centre.services.asked == [
        ("add_unit", "vugd", UnitFacts("R-11", "pump", 6), UNIT),
        ("change_unit", "vugd", UNIT, UnitFacts("R-12", active=False)),
        ("retire_unit", "vugd", UNIT),
        ("units", "vugd"),
    ]


BUSY = {
    UnitId(UNIT): [
        UnitBusyWith(
            InvolvementId("other"), IncidentId("card"), UnitPosition(UnitState.ON_SCENE, AT)
        )
    ]
}


@pytest.mark.parametrize(
    ("error", "status", "code", "extra"),
    [
        (UnknownIncident(), 404, "not_found", {}),
        (UnknownInvolvement(), 404, "not_found", {}),
        (UnknownUnit("x"), 404, "unknown_unit", {"unit_id": "x"}),
        (UnknownService(["navy"]), 422, "unknown_service", {"services": ["navy"]}),
        (ReasonNeeded({"b", "a"}), 422, "reason_code_needed", {"reasons": ["a", "b"]}),
        (IncidentMerged(IncidentId("i")), 409, "merged", {"incident_id": "i"}),
        (
            StepRefused(ServiceState.CLEARED, [ServiceState.CLOSED]),
            409,
            "not_allowed_now",
            {"state": "cleared", "allowed": ["closed"]},
        ),
        (KeyTaken(), 409, "key_taken", {}),
        (TooMany(5), 409, "too_many", {}),
        (UnitBusy(BUSY), 409, "unit_busy", {"units": {UNIT: ["card"]}}),
        (UnitInactive(UnitId("u")), 409, "unit_inactive", {"unit_id": "u"}),
        (CallSignTaken(), 409, "call_sign_taken", {}),
        (DatabaseUnavailable("away"), 503, "database_unavailable", {}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_refusals_are_told_with_what_would_be_right(
    centre: World, error: Exception, status: int, code: str, extra: dict[str, object]
) -> None:
    chief = await centre.person("chief")
    centre.services.fails = error
    for address, body in (
        (SEND, {"services": ["vugd"]}),
        (STEPS, {"state": "seen", "key": "k"}),
        (UNIT_STEPS, {"state": "assigned", "key": "k"}),
        (UNITS, {"call_sign": "R"}),
    ):
        answer = await chief.post(address, body)
        assert error_of(answer) == (status, code)
        assert answer.json().items() >= extra.items()


async def test_an_unknown_involvement_is_told_before_anything_else(centre: World) -> None:
    chief = await centre.person("chief")
    for address in ("/api/involvements/none/steps", f"/api/involvements/none/units/{UNIT}/steps"):
        body = {"state": "cleared", "key": "k"}
        assert error_of(await chief.post(address, body)) == (404, "not_found")
    assert centre.services.asked == []


@pytest.mark.parametrize(
    ("address", "body"),
    [
        (SEND, {"services": []}),
        (SEND, {"services": ["VUGD"]}),
        (SEND, {"services": [f"s{number}" for number in range(21)]}),
        (SEND, {"services": ["vugd"], "note": "x" * 2_001}),
        (SEND, {"services": ["vugd"], "note": "\x00"}),
        (SEND, {"services": ["vugd"], "key": "a b"}),
        (SEND, {}),
        (STEPS, {"state": "sent", "key": "k"}),
        (STEPS, {"state": "seen"}),
        (STEPS, {"state": "seen", "key": ""}),
        (STEPS, {"state": "seen", "key": "k", "units": [UNIT]}),
        (STEPS, {"state": "note", "key": "k", "note": " "}),
        (STEPS, {"state": "seen", "key": "k", "happened_at": "2026-03-01T12:00:00"}),
        (STEPS, {"state": "dispatched", "key": "k", "units": [UNIT] * 51}),
        (UNIT_STEPS, {"state": "accepted", "key": "k"}),
        (UNITS, {"call_sign": " "}),
        (UNITS, {"call_sign": "x" * 33}),
        (UNITS, {"call_sign": "R", "capacity": -1}),
        ("/api/desk/units", {"call_sign": "R"}),
        ("/api/desk/units?service=%27", {"call_sign": "R"}),
    ],
)
async def test_what_cannot_be_is_refused(centre: World, address: str, body: object) -> None:
    answer = await (await centre.person("chief")).post(address, body)
    assert error_of(answer) == (400, "bad_request")
    assert not centre.services.asked


@pytest.mark.parametrize("query", ["state=x", "limit=0&state=all", f"state=all&before={'x' * 129}"])
async def test_lists_out_of_bounds_are_refused(centre: World, query: str) -> None:
    answer = await (await centre.person("chief")).get(f"{DESK}&{query}")
    assert error_of(answer) == (400, "bad_request")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
members = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(["seen", "dispatched", "note", "assigned"]) | json_values,
        "key": st.just("k") | json_values,
        "note": st.text(max_size=30) | json_values,
        "units": st.lists(st.text(max_size=5), max_size=2) | json_values,
        "services": st.lists(st.text("abc.", max_size=3), max_size=3) | json_values,
        "happened_at": st.datetimes().map(str) | json_values,
        "confirm": json_values,
        "reason": json_values,
    },
)


async def test_no_body_is_a_fault_of_ours(centre: World) -> None:
    chief = await centre.person("chief")
    bodies: list[tuple[str, object]] = []

    @settings(max_examples=150, deadline=None, database=None)
    @given(st.tuples(st.sampled_from([SEND, STEPS, UNIT_STEPS]), members | json_values))
    def collect(drawn: tuple[str, object]) -> None:
        bodies.append(drawn)

    collect()
    for address, body in bodies:
        raw = json.dumps(body).encode("utf-8", "replace")
        answer = await chief.ask("POST", address, raw=raw)
        assert answer.status in {200, 400}, (address, body)
