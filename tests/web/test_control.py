"""Proves that a call taker's actions reach the own seat only, and how a refusal is told."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from ccserver.acd.events import AgentPresence, PresenceKind
from ccserver.types import AgentId, IncidentId
from ccserver.web.access import PUBLIC, Route, guarded
from ccserver.web.app import ROUTES
from ccserver.web.errors import APIError
from ccserver.web.key_auth import KeyAuth
from ccserver.web.ports import (
    AgentChoice,
    ContactAction,
    ControlRefused,
    DirectoryChoice,
    MonitorMode,
    NumberChoice,
    QueueChoice,
    ReachAction,
    TargetChoice,
)
from ccserver.web.sessions import Sessions
from tests.web.fakes import CONTACT, INCIDENT, SEAT_A, SEAT_B, SEAT_C
from tests.web.world import World

TAKE_OVER = f"/api/contacts/{CONTACT}/take-over"
FOR_EVERYBODY = [action for action in ContactAction if action is not ContactAction.TAKE_OVER]
TARGETS = [
    ({"kind": "agent", "agent_id": "agent-102"}, AgentChoice(AgentId("agent-102"))),
    ({"kind": "queue", "queue": "medical"}, QueueChoice("medical")),
    ({"kind": "directory", "name": "nmpd"}, DirectoryChoice("nmpd")),
    ({"kind": "number", "number": "+37167000000"}, NumberChoice("+37167000000")),
]


@pytest.mark.parametrize("action", FOR_EVERYBODY)
async def test_each_action_acts_for_the_own_seat(world: World, action: ContactAction) -> None:
    for login, seat in (("anna", SEAT_A), ("boris", SEAT_B)):
        answer = await (await world.person(login)).post(f"/api/contacts/{CONTACT}/{action.value}")
        assert (answer.status, answer.json()) == (200, {})
        assert world.control.actions.pop() == (action, seat, CONTACT)


@pytest.mark.parametrize("action", list(ReachAction))
@pytest.mark.parametrize(("body", "target"), TARGETS, ids=lambda value: str(value)[:20])
async def test_every_kind_of_target_can_be_reached(
    world: World, action: ReachAction, body: dict[str, str], target: TargetChoice
) -> None:
    anna = await world.person("anna")
    path = f"/api/contacts/{CONTACT}/{action.value}"
    assert (await anna.post(path, {"target": body})).status == 200
    assert world.control.actions == [(action, SEAT_A, CONTACT, target)]


@pytest.mark.parametrize(
    "target",
    [
        None,
        {},
        {"kind": "agent"},
        {"kind": "planet", "name": "mars"},
        {"kind": "agent", "agent_id": "agent-102", "queue": "medical"},
        {"kind": "number", "number": "1" * 41},
        {"kind": "number", "number": ""},
    ],
    ids=str,
)
async def test_a_target_that_is_none_is_refused(world: World, target: object) -> None:
    anna = await world.person("anna")
    answer = await anna.post(f"/api/contacts/{CONTACT}/transfer", {"target": target})
    assert (answer.status, answer.json()["code"]) == (400, "bad_request")
    assert not world.control.actions


async def test_a_party_is_dropped(world: World) -> None:
    anna = await world.person("anna")
    assert (await anna.post(f"/api/contacts/{CONTACT}/parties/party-1/drop")).status == 200
    assert world.control.actions == [("drop_party", SEAT_A, CONTACT, "party-1")]


@pytest.mark.parametrize("mode", list(MonitorMode))
async def test_a_supervisor_with_a_seat_monitors(world: World, mode: MonitorMode) -> None:
    duty = await world.person("duty")
    path = f"/api/contacts/{CONTACT}/monitor"
    assert (await duty.post(path, {"mode": mode.value})).status == 200
    assert world.control.actions == [("monitor", SEAT_C, CONTACT, mode)]


async def test_a_supervisor_with_a_seat_takes_over(world: World) -> None:
    assert (await (await world.person("duty")).post(TAKE_OVER)).status == 200
    assert world.control.actions == [(ContactAction.TAKE_OVER, SEAT_C, CONTACT)]


@pytest.mark.parametrize("login", ["anna", "chief"])
async def test_monitoring_needs_the_right_and_a_seat(world: World, login: str) -> None:
    person = await world.person(login)
    for path in (f"/api/contacts/{CONTACT}/monitor", TAKE_OVER):
        assert (await person.post(path, {"mode": "listen"})).status == 403
    assert not world.control.actions


async def test_a_supervisor_sets_the_presence_of_another(world: World) -> None:
    path, body = f"/api/agents/{SEAT_A}/presence", {"kind": "off", "reason": None}
    assert (await (await world.person("boris")).put(path, body)).status == 403
    chief = await world.person("chief")
    assert (await chief.put(path, body)).status == 200
    assert (await chief.put(path, {**body, "comment": " Went home. "})).status == 200
    assert (await chief.put(path, {**body, "comment": "x" * 501})).status == 400
    presence = AgentPresence(PresenceKind.OFF)
    assert world.control.actions == [
        ("force_presence", SEAT_A, presence, "chief", comment) for comment in ("", "Went home.")
    ]


async def test_a_number_of_a_card_is_called(world: World) -> None:
    anna = await world.person("anna")
    path = f"/api/cards/{INCIDENT}/call"
    answer = await anna.post(path, {"number": "+37126123456"})
    assert (answer.status, answer.json()) == (200, {"contact_id": CONTACT})
    assert world.control.actions == [("place_call", SEAT_A, INCIDENT, "+37126123456")]
    assert (await anna.post(path, {"number": "1"})).status == 400


async def test_more_time_for_the_wrap_up(world: World) -> None:
    assert (await (await world.person("anna")).post("/api/agent/wrap-up/extend")).status == 200
    assert world.control.actions == [("extend_wrap_up", SEAT_A)]


async def test_wrap_up_ends(world: World) -> None:
    assert (await (await world.person("anna")).post("/api/agent/wrap-up/end")).status == 200
    assert world.control.actions == [("end_wrap_up", SEAT_A)]


@pytest.mark.parametrize("kind", list(PresenceKind))
async def test_every_presence_can_be_declared(world: World, kind: PresenceKind) -> None:
    anna = await world.person("anna")
    assert (await anna.put("/api/agent/presence", {"kind": kind, "reason": None})).status == 200
    assert world.control.actions == [("set_presence", SEAT_A, AgentPresence(kind))]


@pytest.mark.parametrize("reason", ["break", "training", "admin", "technical"])
async def test_a_reason_goes_with_not_ready(world: World, reason: str) -> None:
    anna = await world.person("anna")
    body = {"kind": "not_ready", "reason": reason}
    assert (await anna.put("/api/agent/presence", body)).status == 200
    assert (await anna.put("/api/agent/presence", {**body, "kind": "ready"})).status == 400
    presence = AgentPresence(PresenceKind.NOT_READY, reason)
    assert world.control.actions == [("set_presence", SEAT_A, presence)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "busy"},
        {"kind": None},
        {"kind": "not_ready", "reason": "lunch"},
        {"kind": "ready", "agent_id": "agent-102"},
    ],
    ids=str,
)
async def test_a_presence_that_is_none_is_refused(world: World, body: object) -> None:
    answer = await (await world.person("anna")).put("/api/agent/presence", body)
    assert (answer.status, answer.json()["code"]) == (400, "bad_request")
    assert not world.control.actions


async def test_a_refusal_is_told_with_its_code(world: World) -> None:
    world.control.refuses = ControlRefused("offer_gone", "The offer is over.")
    answer = await (await world.person("anna")).post(f"/api/contacts/{CONTACT}/answer")
    assert answer.status == 409
    told = answer.json()
    assert (told["code"], told["detail"]) == ("offer_gone", "The offer is over.")


async def test_a_contact_that_cannot_be_never_reaches_the_runtime(world: World) -> None:
    anna = await world.person("anna")
    for name in ("a%0d%0ab", "x" * 65, "a.b"):
        assert (await anna.post(f"/api/contacts/{name}/answer")).status == 404
    assert not world.control.actions


async def test_a_handler_that_hangs_is_ended(world: World) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("the future is nobody's")

    route = Route("GET", "/never", never, PUBLIC, timeout_s=0.01)

    async def admit(_request: web.Request, _incident_id: IncidentId) -> None:
        raise AssertionError("the route is not a card's")

    sessions = Sessions(world.accounts, world.clock)
    handler = guarded(route, sessions, KeyAuth(world.keys, world.clock), admit)
    with pytest.raises(APIError) as caught:
        await handler(make_mocked_request("GET", "/never"))
    assert (caught.value.status, caught.value.code) == (503, "timed_out")


async def test_every_route_that_is_no_stream_has_a_deadline(world: World) -> None:
    endless = {route.path for route in world.app[ROUTES] if route.timeout_s is None}
    files = {"/api/recordings/{recording_id}/audio", "/api/attachments/{attachment_id}"}
    assert endless == {"/api/ws", *files}
