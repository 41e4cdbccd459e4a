"""Proves the door to a card: reasons are asked for, written down first, and hold for a while."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from ccserver.audit import AuditTag
from ccserver.db import DatabaseUnavailable
from ccserver.types import ServiceCode
from ccserver.web import gate
from tests.web.fakes import INCIDENT, SEAT_A, SEAT_B
from tests.web.world import Answer, Person, World

PATH = f"/api/cards/{INCIDENT}"
CLOSED: dict[str, Any] = {
    "status": "closed",
    "contacts": [{"agent_id": SEAT_B, "ended_at": "2026-01-01T00:00:00.000Z", "recordings": [1]}],
    "timeline": [],
    "services": [{"service": "vugd", "state": "closed"}],
}
WHY = "Sūdzība Nr. 7, žurnāls"


@pytest.fixture
def old(world: World) -> World:
    """The card was closed long ago; boris had handled it."""
    world.cards.more = CLOSED
    return world


async def read(person: Person, reason: str | None = None) -> Answer:
    return await person.get(PATH, {} if reason is None else {"X-Reason": quote(reason)})


async def save(person: Person, **headers: str) -> Answer:
    """Over a version that is not there: 412 for whoever is let in, and nobody becomes an author."""
    sent = {"If-Match": '"99"', **headers}
    return await person.put(f"{PATH}/notes", {"text": "x"}, headers=sent)


async def test_outside_a_reason_is_asked_for_and_nothing_shown(old: World) -> None:
    anna = await old.person("anna")
    answer = await read(anna)
    assert (answer.status, answer.json()["code"]) == (403, "reason_needed")
    assert b"agent" not in answer.body
    assert old.audit.acts == []
    refused = await save(anna)
    assert (refused.status, refused.json()["code"]) == (403, "reason_needed")
    assert old.cards.version == 0


async def test_a_reason_is_written_down_and_opens_the_card(old: World) -> None:
    anna = await old.person("anna")
    assert (await read(anna, WHY)).status == 200
    (act,) = old.audit.acts
    assert (act.tag, act.author, act.agent_id) == (AuditTag.CARD_READ, "anna", SEAT_A)
    assert (act.comment, act.data["incident_id"]) == (WHY, INCIDENT)
    assert (await read(anna)).status == 403, "each read says why"
    assert (await read(anna, WHY)).status == 200
    assert len(old.audit.acts) == 2


async def test_a_read_that_cannot_be_written_down_does_not_happen(old: World) -> None:
    old.audit.fails = DatabaseUnavailable("away")
    anna = await old.person("anna")
    answer = await read(anna, WHY)
    assert (answer.status, answer.json()["code"]) == (503, "database_unavailable")
    old.audit.fails = None
    assert (await save(anna)).status == 403, "and opens nothing"


async def test_a_reason_holds_a_while_for_what_belongs_to_the_card(old: World) -> None:
    anna, other_tab = await old.person("anna"), await old.person("anna")
    await read(anna, WHY)
    assert (await save(anna)).status == 412
    assert (await save(other_tab)).status == 403, "another session"
    old.clock.seconds += gate.REASON_S
    assert (await save(anna)).status == 403
    assert (await save(anna, **{"X-Reason": quote(WHY)})).status == 412
    assert len(old.audit.acts) == 2


async def test_whoever_is_inside_is_asked_nothing_and_leaves_no_entry(old: World) -> None:
    boris = await old.person("boris")
    assert (await read(boris)).status == 200
    assert (await save(boris)).status == 412
    assert old.audit.acts == []
    assert (await read(boris, WHY)).status == 200
    assert [act.comment for act in old.audit.acts] == [WHY], "who says why is taken at the word"


async def test_an_open_card_is_everybodys_of_the_centre(world: World) -> None:
    assert (await read(await world.person("anna"))).status == 200
    assert (await read(await world.person("lost"))).status == 200


async def test_being_inside_is_looked_at_anew_after_a_minute(world: World) -> None:
    anna = await world.person("anna")
    assert (await save(anna)).status == 412
    world.cards.more = CLOSED
    assert (await save(anna)).status == 412
    world.clock.seconds += gate.INSIDE_S
    assert (await save(anna)).status == 403


async def test_a_service_reads_what_it_is_involved_in_and_learns_of_nothing_else(
    old: World,
) -> None:
    fire = await old.person("fire")
    answer = await read(fire)
    assert answer.status == 200
    assert answer.json()["contacts"][0]["recordings"] == []
    assert old.audit.acts == []
    known = old.accounts.people["fire"]
    old.accounts.people["fire"] = replace(known, service=ServiceCode("police"))
    for reason in (None, WHY):
        answer = await read(await old.person("fire"), reason)
        assert (answer.status, answer.json()["code"]) == (404, "not_found")
    assert old.audit.acts == []


@pytest.mark.parametrize(
    ("login", "status"), [("ears", 403), ("root", 403), ("chief", 403), ("wires", 403)]
)
async def test_who_has_nothing_to_do_with_an_old_card(old: World, login: str, status: int) -> None:
    assert (await read(await old.person(login))).status == status
    code = 403 if login == "wires" else 200
    assert (await read(await old.person(login), WHY)).status == code


@pytest.mark.parametrize("raw", ["", "%20", "%ff", "a" * 201, "%00", "%ED%A0%80"])
async def test_a_reason_that_is_none_is_refused(old: World, raw: str) -> None:
    answer = await (await old.person("anna")).get(PATH, {"X-Reason": raw})
    assert (answer.status, answer.json()["code"]) == (400, "bad_request")
    assert old.audit.acts == []


async def test_what_is_remembered_is_bounded(old: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "GRANTS_MAX", 1)
    anna, boris = await old.person("anna"), await old.person("boris")
    await read(anna, WHY)
    await read(boris)
    assert (await save(anna)).status == 403, "fell out, and is asked again"


async def test_a_list_keeps_back_the_notes_of_what_one_is_outside_of(old: World) -> None:
    old.cards.more = {"status": "closed", "ended_at": "2026-01-01T00:00:00Z", "agent_id": SEAT_B}
    old.cards.more["notes_excerpt"] = "Smoke"

    async def excerpts(login: str) -> list[str]:
        answer = await (await old.person(login)).get("/api/cards")
        return [line["notes_excerpt"] for line in answer.json()["cards"]]

    assert await excerpts("boris") == ["Smoke"]
    assert await excerpts("anna") == await excerpts("ears") == [""]
    old.cards.more["status"] = "open"
    assert await excerpts("anna") == ["Smoke"]
    assert await excerpts("ears") == [], "quality looks at what is over"
