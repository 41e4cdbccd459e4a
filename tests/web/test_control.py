"""Proves that a call taker's actions reach the own seat only, and how a refusal is told."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from ccserver.acd.events import AgentPresence, PresenceKind
from ccserver.web.access import PUBLIC, Route, guarded
from ccserver.web.app import ROUTES
from ccserver.web.errors import APIError
from ccserver.web.ports import ControlRefused
from ccserver.web.sessions import Sessions
from tests.web.fakes import CONTACT, SEAT_A, SEAT_B
from tests.web.world import World


@pytest.mark.parametrize(
    ("action", "method"),
    [
        ("answer", "answer"),
        ("reject", "reject"),
        ("hang-up", "hang_up"),
        ("hold", "hold"),
        ("resume", "resume"),
    ],
)
async def test_each_action_acts_for_the_own_seat(world: World, action: str, method: str) -> None:
    for login, seat in (("anna", SEAT_A), ("boris", SEAT_B)):
        answer = await (await world.person(login)).post(f"/api/contacts/{CONTACT}/{action}")
        assert (answer.status, answer.json()) == (200, {})
        assert world.control.actions.pop() == (method, seat, CONTACT)


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
    assert (answer.status, answer.json()["error"]) == (400, "bad_request")
    assert not world.control.actions


async def test_a_refusal_is_told_with_its_code(world: World) -> None:
    world.control.refuses = ControlRefused("offer_gone", "The offer is over.")
    answer = await (await world.person("anna")).post(f"/api/contacts/{CONTACT}/answer")
    assert answer.status == 409
    assert answer.json() == {"error": "offer_gone", "message": "The offer is over."}


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
    handler = guarded(route, Sessions(world.accounts, world.clock))
    with pytest.raises(APIError) as caught:
        await handler(make_mocked_request("GET", "/never"))
    assert (caught.value.status, caught.value.code) == (503, "timed_out")


async def test_every_route_that_is_no_stream_has_a_deadline(world: World) -> None:
    endless = {route.path for route in world.app[ROUTES] if route.timeout_s is None}
    assert endless == {"/api/ws", "/api/recordings/{recording_id}/audio"}
