"""Proves the card endpoints: search parameters, and that no edit of notes is overwritten."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from ccserver.card import CardStatus, Wanted
from ccserver.db import DatabaseUnavailable
from tests.web.fakes import INCIDENT, START
from tests.web.world import World

NOTES = f"/api/cards/{INCIDENT}/notes"


async def test_search_passes_its_parameters_on(world: World) -> None:
    anna = await world.person("anna")
    answer = await anna.get("/api/cards?q=%20B%C4%93rzu%20iela%20&before=2026-000009&limit=7")
    assert answer.status == 200
    assert answer.json() == {
        "cards": [{"incident_id": INCIDENT, "number": "2026-000001"}],
        "next": "2026-000001",
    }
    await anna.get("/api/cards?q=&before=")
    assert world.cards.searches == [("Bērzu iela", 7, "2026-000009"), ("", 50, None)]


async def test_a_cursor_of_a_time_and_a_uuid_comes_through_whole(world: World) -> None:
    cursor = f"2026-03-01T08:00:00.123456+00:00~{INCIDENT}"
    query = urlencode({"before": cursor})
    assert (await (await world.person("anna")).get(f"/api/cards?{query}")).status == 200
    assert world.cards.searches == [("", 50, cursor)]


async def test_search_passes_on_what_the_cards_must_be(world: World) -> None:
    anna = await world.person("anna")
    await anna.get(
        "/api/cards?from=2026-03-01T10:00:00%2B02:00&to=2026-03-02T00:00:00Z"
        "&type=fire&type=fire-house&agent=agent-101&status=open&service=urn:service:SOS.ecall&test=false"
    )
    assert world.cards.wanted == [
        Wanted(
            since=datetime(2026, 3, 1, 8, tzinfo=UTC),
            until=datetime(2026, 3, 2, tzinfo=UTC),
            types=frozenset({"fire", "fire-house"}),
            agent_id="agent-101",
            service="urn:service:sos.ecall",
            test=False,
            status=CardStatus.OPEN,
        )
    ]


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "to=2026-03-01T00:00:00",
        "from=0001-01-01T00:00:00%2B23:00",
        "status=half",
        f"type={'x' * 65}",
        "type=a&" * 101,
        "type=%00",
        f"agent={'x' * 65}",
        "service=sos.ecall",
        f"service=urn:service:{'x' * 96}",
        "test=1",
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=٣",
        "limit=1e1",
        "limit=" + "9" * 5_000,
        f"q={'x' * 201}",
        f"before={'x' * 129}",
        "q=%00",
    ],
    ids=lambda query: query[:12],
)
async def test_search_refuses_parameters_out_of_bounds(world: World, query: str) -> None:
    answer = await (await world.person("anna")).get(f"/api/cards?{query}")
    assert (answer.status, answer.json()["code"]) == (400, "bad_request")
    assert not world.cards.searches


@pytest.mark.parametrize("name", ["nope", "..%2f..", "%00", "'; drop table", "x" * 500])
async def test_a_card_that_cannot_be_is_not_found(world: World, name: str) -> None:
    answer = await (await world.person("anna")).get(f"/api/cards/{name}")
    assert (answer.status, answer.json()["code"]) == (404, "not_found")


async def test_notes_are_saved_over_the_version_that_was_read(world: World) -> None:
    anna = await world.person("anna")
    world.clock.seconds = 60
    answer = await anna.put(NOTES, {"text": "Deg šķūnis 🔥"}, {"If-Match": '"0"'})
    assert answer.status == 200
    assert answer.json() == {"version": 1, "saved_at": "2026-03-01T08:01:00.123Z"}
    assert answer.headers["ETag"] == '"1"'
    card = (await anna.get(f"/api/cards/{INCIDENT}")).json()
    assert card["notes"] == {"text": "Deg šķūnis 🔥", "version": 1, "author": "anna"}
    assert START.year == 2026


async def test_a_colleagues_notes_are_not_overwritten_but_shown(world: World) -> None:
    anna, boris = await world.person("anna"), await world.person("boris")
    assert (await boris.put(NOTES, {"text": "by Boris"}, {"If-Match": '"0"'})).status == 200
    answer = await anna.put(NOTES, {"text": "by Anna"}, {"If-Match": '"0"'})
    assert answer.status == 412
    assert answer.json()["code"] == "conflict"
    assert answer.json()["current"] == {"text": "by Boris", "version": 1, "author": "boris"}
    assert world.cards.text == "by Boris"
    assert (await anna.put(NOTES, {"text": "both"}, {"If-Match": 'W/"1"'})).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 428), *(({"If-Match": tag}, 400) for tag in ("*", "1", '"x"', '"-1"', '"1", "2"', '""'))],
    ids=str,
)
async def test_notes_without_a_usable_version_are_refused(
    world: World, headers: dict[str, str], status: int
) -> None:
    anna = await world.person("anna")
    assert (await anna.put(NOTES, {"text": "x"}, headers)).status == status
    assert world.cards.version == 0


async def test_notes_up_to_their_limit_pass_and_longer_ones_get_a_sentence(world: World) -> None:
    anna = await world.person("anna")
    assert (await anna.put(NOTES, {"text": "ž" * 32_768}, {"If-Match": '"0"'})).status == 200
    answer = await anna.put(NOTES, {"text": "ž" * 32_769}, {"If-Match": '"1"'})
    assert (answer.status, answer.json()["code"]) == (413, "notes_too_long")
    assert "65536" in answer.json()["detail"]


async def test_notes_of_an_unknown_card(world: World) -> None:
    anna = await world.person("anna")
    answer = await anna.put("/api/cards/unknown/notes", {"text": "x"}, {"If-Match": '"0"'})
    assert answer.status == 404


async def test_notes_that_are_not_text_are_refused(world: World) -> None:
    anna = await world.person("anna")
    for raw in (b'{"text": "a\\u0000b"}', b'{"text": "\\ud800"}', b'{"text": "\xff"}'):
        answer = await anna.ask("PUT", NOTES, raw=raw, headers={"If-Match": '"0"'})
        assert answer.status == 400
    assert world.cards.version == 0


async def test_a_database_that_is_away_is_said_so(world: World) -> None:
    anna = await world.person("anna")
    world.cards.fails = DatabaseUnavailable("away")
    for answer in (
        await anna.get("/api/cards"),
        await anna.get(f"/api/cards/{INCIDENT}"),
        await anna.put(NOTES, {"text": "x"}, {"If-Match": '"0"'}),
    ):
        assert (answer.status, answer.json()["code"]) == (503, "database_unavailable")
        assert answer.headers["Retry-After"]
