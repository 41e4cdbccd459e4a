"""Proves the administration of webhooks over the real store: who may, whose, secrets, trials."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as StandardWebhook

from ccserver.accounts import Scope
from ccserver.audit import AuditStore
from ccserver.db import Database, DatabaseUnavailable
from ccserver.types import ServiceCode
from ccserver.web import webhooks
from tests.web.fakes import START
from tests.web.leaving import AMBULANCE, FIRE, Leaving
from tests.web.world import Person, World
from tests.webhooks.conftest import Receiver, receiver  # noqa: F401  (fixture)

URL = "https://cad.example.lv/events"
ALL = "/api/webhooks"


@pytest.fixture
def leaving(database: Database) -> Leaving:
    return Leaving(database)


@pytest.fixture
async def world(leaving: Leaving, tmp_path: Path) -> AsyncIterator[World]:
    async with leaving.world(tmp_path) as world:
        yield world


async def made(person: Person, url: str = URL, **more: object) -> Any:
    answer = await person.post(ALL, {"name": "CAD", "url": url, **more})
    assert answer.status == 201, answer.body
    return answer.json()


def at(webhook: Any, last: str = "") -> str:
    return f"{ALL}/{webhook['webhook_id']}{last}"


async def test_a_webhook_is_made_seen_changed_and_removed_and_each_is_audited(
    world: World, leaving: Leaving
) -> None:
    root = await world.person("root")
    body = await made(root, types=["org.ccserver.card.changed.v1"])
    webhook, secret = body["webhook"], body["secret"]
    assert secret.startswith("whsec_")
    listed = await root.get(ALL)
    assert listed.json()["webhooks"] == [webhook]
    assert secret not in listed.body.decode()
    changed = await root.ask("PATCH", at(webhook), body={"active": False, "types": []})
    assert changed.json()["webhook"] == {**webhook, "active": False, "types": []}
    fresh = (await root.post(at(webhook, "/rotate"))).json()["secret"]
    assert fresh not in (None, secret)
    assert (await root.post(at(webhook, "/replay"), {})).json() == {"count": 0}
    assert (await root.ask("DELETE", at(webhook))).json() == {}
    assert (await root.get(ALL)).json()["webhooks"] == []
    acts = [kept.entry for kept in await AuditStore(leaving.database).entries(limit=10)][::-1]
    assert [(act.tag.value, act.author) for act in acts] == [
        (f"webhook_{what}", "root")
        for what in ("added", "changed", "secret_set", "replayed", "removed")
    ]
    assert acts[1].data["fields"] == "types, active"
    assert secret not in str(acts)
    assert fresh not in str(acts)


async def test_a_key_of_a_service_has_only_the_webhooks_of_its_own(world: World) -> None:
    root = await world.person("root")
    fire = await world.program(Scope.WEBHOOKS, service=FIRE)
    ambulance = await world.program(Scope.WEBHOOKS, service=AMBULANCE)
    centre = (await made(root))["webhook"]
    own = (await made(fire))["webhook"]
    assert own["service"] == FIRE
    theirs = (await made(ambulance, service=AMBULANCE))["webhook"]
    assert [one["webhook_id"] for one in (await fire.get(ALL)).json()["webhooks"]] == [
        own["webhook_id"]
    ]
    for foreign in (centre, theirs):
        for method, last, body in (
            ("PATCH", "", {"active": False}),
            ("DELETE", "", None),
            ("POST", "/rotate", None),
            ("GET", "/deliveries", None),
            ("POST", "/replay", {}),
            ("POST", "/test", None),
        ):
            assert (await fire.ask(method, at(foreign, last), body=body)).status == 404
    refused = await fire.post(ALL, {"name": "x", "url": URL, "service": AMBULANCE})
    assert (refused.status, refused.json()["field"]) == (422, "service")
    assert len((await root.get(ALL)).json()["webhooks"]) == 3


@pytest.mark.parametrize("login", ["anna", "boris", "chief", "fire", "ears", "wires", None])
async def test_only_who_has_the_right_has_anything_to_do_with_webhooks(
    world: World, login: str | None
) -> None:
    webhook = (await made(await world.person("root")))["webhook"]
    person = world.nobody() if login is None else await world.person(login)
    for method, path, body in (
        ("GET", ALL, None),
        ("POST", ALL, {"name": "x", "url": URL}),
        ("PATCH", at(webhook), {}),
        ("DELETE", at(webhook), None),
        ("POST", at(webhook, "/rotate"), None),
        ("GET", at(webhook, "/deliveries"), None),
        ("POST", at(webhook, "/replay"), {}),
        ("POST", at(webhook, "/test"), None),
    ):
        assert (await person.ask(method, path, body=body)).status == (403 if login else 401)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "url": URL}, "name"),
        ({"name": "x", "url": "http://example.lv/"}, "url"),
        ({"name": "x", "url": "https://user:secret@example.lv/"}, "url"),
        ({"name": "x", "url": "nowhere"}, "url"),
        ({"name": "x", "url": URL, "service": "no such code!"}, "service"),
        ({"name": "x", "url": URL, "service": "x" * 65}, "service"),
    ],
)
async def test_what_cannot_be_a_webhook_is_refused_by_name(
    world: World, body: dict[str, object], field: str
) -> None:
    root = await world.person("root")
    answer = await root.post(ALL, body)
    assert (answer.status, answer.json()["code"]) == (422, "invalid_webhook")
    assert answer.json()["field"] == field
    assert (await root.get(ALL)).json()["webhooks"] == []


async def test_a_change_to_nothing_usable_changes_nothing(world: World) -> None:
    root = await world.person("root")
    webhook = (await made(root))["webhook"]
    for body in ({"name": ""}, {"url": ""}):
        assert (await root.ask("PATCH", at(webhook), body=body)).status == 422
    assert (await root.get(ALL)).json()["webhooks"] == [webhook]


async def test_deliveries_are_told_newest_first_and_by_state(
    world: World, leaving: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await world.person("root")
    webhook = (await made(root))["webhook"]
    await leaving.tell("one", "two", "three")
    store = leaving.running.webhooks
    await store.fan_out(at=START)
    first, _, third = await store.due(at=START)
    await store.delivered(first.delivery_id, status=204, at=START)
    await store.failed(third.delivery_id, status=503, error="HTTP 503", again_at=None)
    told = (await root.get(at(webhook, "/deliveries"))).json()
    assert [one["state"] for one in told["deliveries"]] == ["dead", "pending", "delivered"]
    assert told["next"] is None
    (dead,) = (await root.get(at(webhook, "/deliveries?state=dead"))).json()["deliveries"]
    assert (dead["last_status"], dead["attempts"], dead["sequence"]) == (503, 1, 3)
    older = (await root.get(at(webhook, f"/deliveries?before={dead['delivery_id']}"))).json()
    assert len(older["deliveries"]) == 2
    again = await root.post(at(webhook, "/replay"), {"deliveries": [dead["delivery_id"]]})
    assert again.json() == {"count": 1}
    listed = (await root.get(ALL)).json()["webhooks"]
    assert (listed[0]["pending"], listed[0]["dead"]) == (2, 0)
    for query in ("state=lost", "before=x"):
        assert (await root.get(at(webhook, f"/deliveries?{query}"))).status == 400


async def test_a_trial_posts_a_signed_event_at_once_and_tells_the_answer(
    world: World,
    receiver: Receiver,  # noqa: F811
) -> None:
    root = await world.person("root")
    body = await made(root, receiver.url)
    receiver.answers = [202, 500]
    taken = (await root.post(at(body["webhook"], "/test"))).json()
    assert (taken["taken"], taken["status"], taken["error"]) == (True, 202, None)
    refused = (await root.post(at(body["webhook"], "/test"))).json()
    assert (refused["taken"], refused["status"]) == (False, 500)
    got = receiver.received[0]
    assert got.event()["type"] == "org.ccserver.webhook.test.v1"
    assert got.event()["data"] == {"webhook_id": body["webhook"]["webhook_id"]}
    signed = StandardWebhook(body["secret"]).sign(
        got.headers["webhook-id"], world.clock.now(), got.body.decode()
    )
    assert got.headers["webhook-signature"] == signed
    # It is no event: nothing is kept of it.
    assert (await root.get(at(body["webhook"], "/deliveries"))).json()["deliveries"] == []


async def test_a_trial_of_nobody_says_so_and_not_many_run_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await world.person("root")
    webhook = (await made(root, "http://127.0.0.1:9/"))["webhook"]
    told = (await root.post(at(webhook, "/test"))).json()
    assert (told["taken"], told["status"]) == (False, None)
    assert told["error"]
    monkeypatch.setattr(webhooks, "TESTS_MAX", 0)
    assert (await root.post(at(webhook, "/test"))).status == 429


async def test_the_watch_counts_and_says_when_events_do_not_arrive(
    world: World, leaving: Leaving
) -> None:
    integration = leaving.running
    root = await world.person("root")
    await made(root, service=ServiceCode("fire"))
    await integration.look()
    assert not integration.stuck
    await leaving.tell("one")
    await integration.webhooks.fan_out(at=START)
    await integration.look()
    sample = world.metrics.registry.get_sample_value
    assert sample("ccserver_webhook_deliveries_pending") == 1
    assert not integration.stuck
    world.clock.seconds += 1_000
    await integration.look()
    assert integration.stuck
    assert sample("ccserver_webhook_lag_seconds") == pytest.approx(1_000)
    (due,) = await integration.webhooks.due(at=START)
    await integration.webhooks.failed(due.delivery_id, status=None, error="x", again_at=None)
    await integration.look()
    assert integration.stuck
    assert sample("ccserver_webhook_deliveries_dead") == 1
    await integration.webhooks.delivered(due.delivery_id, status=204, at=START)
    await integration.look()
    assert not integration.stuck


async def test_without_a_database_the_watch_keeps_what_it_knew(
    world: World, leaving: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> None:
        raise DatabaseUnavailable("away")

    integration = leaving.running
    monkeypatch.setattr(integration.webhooks, "totals", away)
    integration.sender.posted = 3
    integration.stuck = True
    await integration.look()
    assert integration.stuck
    sample = world.metrics.registry.get_sample_value
    assert sample("ccserver_webhook_deliveries_total", {"result": "delivered"}) == 3
