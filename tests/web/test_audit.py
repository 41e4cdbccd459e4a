"""Supervisors read who changed what, of everybody or of one person; nobody else does."""

import pytest

from ccserver.audit import AuditEntry, AuditTag
from tests.web.fakes import SEAT_A, START
from tests.web.world import World

FORCED = AuditEntry(
    AuditTag.PRESENCE_FORCED,
    START,
    "chief",
    "anna",
    SEAT_A,
    "went home",
    {"kind": "off", "reason": None, "before": "ready"},
)
GONE = AuditEntry(AuditTag.PERSON_REMOVED, START, "former", "lost-one")


async def test_acts_are_told_with_the_names_of_who_is_there(world: World) -> None:
    world.audit.acts += [FORCED, GONE]
    answer = (await (await world.person("chief")).get("/api/audit")).json()
    assert answer["entries"] == [
        {
            "number": 2,
            "at": "2026-03-01T08:00:00.123Z",
            "tag": "person_removed",
            "author": "former",
            "author_name": None,
            "login": "lost-one",
            "name": None,
            "agent_id": None,
            "comment": "",
            "data": {},
        },
        {
            "number": 1,
            "at": "2026-03-01T08:00:00.123Z",
            "tag": "presence_forced",
            "author": "chief",
            "author_name": "Dace Liepa",
            "login": "anna",
            "name": "Anna Ozola",
            "agent_id": SEAT_A,
            "comment": "went home",
            "data": {"kind": "off", "reason": None, "before": "ready"},
        },
    ]
    assert answer["next"] is None
    assert {"login": "anna", "name": "Anna Ozola"} in answer["people"]


async def test_pages_follow_one_another_and_one_person_can_be_asked_for(world: World) -> None:
    world.audit.acts += [FORCED, GONE, FORCED]
    chief = await world.person("chief")
    first = (await chief.get("/api/audit?limit=2")).json()
    assert [one["number"] for one in first["entries"]] == [3, 2]
    rest = (await chief.get(f"/api/audit?limit=2&before={first['next']}")).json()
    assert [one["number"] for one in rest["entries"]] == [1]
    one = (await chief.get("/api/audit?person=%20Former")).json()
    assert [entry["tag"] for entry in one["entries"]] == ["person_removed"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "before=-1", "person=" + "x" * 65, "person=%00"]
)
async def test_a_question_that_cannot_be_one_is_refused(world: World, query: str) -> None:
    answer = await (await world.person("chief")).get(f"/api/audit?{query}")
    assert (answer.status, answer.json()["code"]) == (400, "bad_request")
