"""Proves who reads and writes texts over the API, and how apps hand theirs in."""

import json
from typing import cast

import pytest

from ccserver.accounts import Scope
from ccserver.location import Circle
from ccserver.web.app_texts import TEXTS
from ccserver.web.conversations import Actor
from ccserver.web.ports import ControlRefused
from ccserver.web.visibility import Viewer, visible_conversation
from tests.web.fakes import INCIDENT
from tests.web.text_rooms import CONVERSATION, ENDED, MESSAGE, WHOLE
from tests.web.world import Answer, Person, World

CARD = f"/api/incidents/{INCIDENT}/conversations"
ONE = f"/api/conversations/{CONVERSATION}"
FAR = "9999-12-31T23:59:59-14:00"
"""In no year that UTC has."""
PLACE = {"lat": 56.95, "lon": 24.1, "radius_m": 25}


async def test_a_card_shows_its_conversations(world: World) -> None:
    anna = await world.person("anna")
    assert (await anna.get(CARD)).json() == {"conversations": [WHOLE]}
    answer = await anna.get(f"{CARD}/{CONVERSATION}/messages?before=m&limit=7")
    assert answer.json() == {"messages": [MESSAGE], "more": False}
    assert world.conversations.done == [("read", "m", 7)]


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", "1000", "٣"])
async def test_a_page_has_its_bounds(world: World, limit: str) -> None:
    anna = await world.person("anna")
    answer = await anna.get(f"{CARD}/{CONVERSATION}/messages?limit={limit}")
    assert answer.status == 400


@pytest.mark.parametrize(("login", "whole"), [("anna", True), ("duty", True), ("fire", False)])
async def test_a_service_reads_no_texts_of_another_card(
    world: World, login: str, whole: bool
) -> None:
    world.cards.more = {"services": [{"service": "vugd", "state": "sent"}]}
    person = await world.person(login)
    assert (await person.get(CARD)).status == 200
    assert (await person.get(f"{CARD}/{CONVERSATION}/messages")).status == 200
    assert world.conversations.whole == [whole, whole]


async def test_who_closes_a_conversation_is_told_nothing_of_it(world: World) -> None:
    anna = await world.person("anna")
    answer = await anna.post(f"{ONE}/close", {"disposition": "helped"})
    assert answer.json() == ENDED


def test_a_service_reads_the_citizen_and_not_who_answers() -> None:
    shown = visible_conversation(WHOLE, Viewer(service="vugd"))
    assert shown["citizen"] == WHOLE["citizen"]
    assert (shown["agent_id"], shown["agent_name"], shown["via"]) == (None, None, None)
    (message,) = cast("list[dict[str, object]]", shown["messages"])
    assert message["text"] == MESSAGE["text"]
    assert (message["author"], message["author_name"]) == (None, None)
    assert visible_conversation(WHOLE, Viewer(centre=True)) == WHOLE


async def test_a_reply_leaves_under_the_name_of_the_person_and_its_key(world: World) -> None:
    anna = await world.person("anna")
    headers = {"Idempotency-Key": "k1"}
    answer = await anna.ask("POST", f"{ONE}/messages", body={"text": "Kur?"}, headers=headers)
    assert (answer.status, answer.json()) == (201, MESSAGE)
    ((what, text, key, actor),) = world.conversations.done
    assert (what, text, key) == ("write", "Kur?", "k1")
    assert isinstance(actor, Actor)
    assert (actor.login, actor.agent_id, actor.supervises) == ("anna", "agent-101", False)
    duty = await world.person("duty")
    await duty.post(f"{ONE}/close", {"disposition": "helped"})
    assert world.conversations.done[-1][-1].supervises  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("conversation_closed", 409),
        ("not_your_contact", 409),
        ("no_way_back", 409),
        ("text_too_long", 422),
        ("text_empty", 422),
        ("key_reused", 422),
    ],
)
async def test_a_refusal_says_why(world: World, code: str, status: int) -> None:
    world.conversations.refusal = ControlRefused(code, "Because.")
    anna = await world.person("anna")
    answer = await anna.post(f"{ONE}/messages", {"text": "Kur?"})
    assert (answer.status, answer.json()["code"]) == (status, code)


async def test_what_is_not_there_is_not_found(world: World) -> None:
    anna = await world.person("anna")
    for action, body in (("messages", {"text": "x"}), ("close", {}), ("reopen", {})):
        assert (await anna.post(f"/api/conversations/unknown/{action}", body)).status == 404
    assert (await anna.get(f"{CARD}/unknown/messages")).status == 404


# -- apps ------------------------------------------------------------------------------------------


async def tell(app: Person, body: object, *, headers: dict[str, str] | None = None) -> Answer:
    headers = {"Content-Type": "application/json", **(headers or {})}
    return await app.ask("POST", "/api/texts", raw=json.dumps(body).encode(), headers=headers)


async def test_an_app_hands_in_a_text_with_its_place(world: World) -> None:
    app = await world.program(Scope.CONTACTS_WRITE)
    body = {"from": "26123456", "text": "Deg", "location": PLACE}
    answer = await tell(app, body, headers={"Idempotency-Key": "one"})
    assert answer.status == 202
    assert answer.json()["conversation_id"] == CONVERSATION
    (told,) = world.app_texts.told
    assert (told.citizen, told.our_number, told.text) == ("+37126123456", "112", "Deg")
    assert told.author.startswith("key:")
    assert told.key == "key:one"
    assert told.location is not None
    assert isinstance(told.location.shape, Circle)


async def test_an_app_that_repeats_itself_is_understood(world: World) -> None:
    app = await world.program(Scope.CONTACTS_WRITE)
    for text in ("Deg", "Deg", "Deg joprojām"):
        await tell(app, {"from": "26123456", "text": text})
    keys = [told.key for told in world.app_texts.told]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"from": "nobody", "text": "Deg"}, 422),
        ({"from": "26123456", "text": " "}, 422),
        ({"from": "26123456", "text": "Deg", "location": {"lat": 91, "lon": 0}}, 422),
        ({"from": "26123456", "text": "x" * 4_001}, 400),
        ({"from": "26123456", "text": "\0"}, 400),
        ({"from": "26123456", "text": "\ud800"}, 400),
        ({"from": "26123456", "text": "Deg", "sent_at": "0001-01-01T00:00:00+14:00"}, 400),
        ({"from": "26123456", "text": "Deg", "location": {**PLACE, "observed_at": FAR}}, 400),
        ({"from": "26123456", "text": "Deg", "to": "sos"}, 400),
        ({"from": "26123456"}, 400),
        ([], 400),
    ],
    ids=str,
)
async def test_an_app_is_told_what_is_wrong(world: World, body: object, status: int) -> None:
    app = await world.program(Scope.CONTACTS_WRITE)
    assert (await tell(app, body)).status == status
    assert not world.app_texts.told


async def test_a_place_without_words_is_a_text_too(world: World) -> None:
    app = await world.program(Scope.CONTACTS_WRITE)
    assert (await tell(app, {"from": "26123456", "text": "", "location": PLACE})).status == 202


async def test_an_app_reads_its_answers(world: World) -> None:
    app = await world.program(Scope.CONTACTS_WRITE)
    answer = await app.get(f"/api/texts/{CONVERSATION}/messages")
    assert [one["text"] for one in answer.json()["messages"]] == ["Kur Jūs esat?"]
    assert (await app.get("/api/texts/unknown/messages")).status == 404


async def test_a_flood_of_one_app_is_bounded_and_no_other_apps_loss(world: World) -> None:
    app = await world.program(Scope.CONTACTS_WRITE)
    statuses = [
        (await tell(app, {"from": "26123456", "text": str(number)})).status
        for number in range(TEXTS.burst + 1)
    ]
    assert statuses == [202] * TEXTS.burst + [429]
    world.clock.seconds += 1.0
    assert (await tell(app, {"from": "26123456", "text": "later"})).status == 202


@pytest.mark.parametrize("scope", Scope)
async def test_each_scope_of_a_key_reaches_the_texts_that_it_is_for(
    world: World, scope: Scope
) -> None:
    program = await world.program(scope)
    reads = 200 if scope in (Scope.INCIDENTS_READ, Scope.INCIDENTS_WRITE) else 403
    tells = scope is Scope.CONTACTS_WRITE
    assert (await program.get(CARD)).status == reads
    assert (await program.get(f"{CARD}/{CONVERSATION}/messages")).status == reads
    assert (await program.get("/api/messaging")).status == reads
    assert (await program.get("/api/messaging/current")).status == 403
    for action, body in (("messages", {"text": "x"}), ("close", {}), ("reopen", {})):
        assert (await program.post(f"{ONE}/{action}", body)).status == 403
    theirs = await program.get(f"/api/texts/{CONVERSATION}/messages")
    assert theirs.status == (200 if tells else 403)
    answer = await tell(program, {"from": "26123456", "text": "Deg"})
    assert answer.status == (202 if tells else 403)
    assert len(world.app_texts.told) == tells


@pytest.mark.parametrize(
    "words",
    ["Kur?\u202e", "\x07\x1b[2J", "\u200f\u2066", "😀", "<b>x</b>", "x" * 10_000],
    ids=ascii,
)
async def test_whatever_is_a_text_is_handed_on_as_it_is(world: World, words: str) -> None:
    anna = await world.person("anna")
    assert (await anna.post(f"{ONE}/messages", {"text": words})).status == 201
    assert world.conversations.done[-1][1] == words


@pytest.mark.parametrize(
    "raw", [b'{"text": "\\u0000"}', b'{"text": "\\ud800"}', b'{"text": "\xff"}']
)
async def test_what_is_no_text_is_refused(world: World, raw: bytes) -> None:
    anna = await world.person("anna")
    headers = {"Content-Type": "application/json"}
    answer = await anna.ask("POST", f"{ONE}/messages", raw=raw, headers=headers)
    assert answer.status == 400
    assert world.conversations.done == []
