"""Every event reaches whoever may hear of it, signed, in spite of receivers that fail."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook as StandardWebhook

from ccserver.db import Database
from ccserver.outbox import EventType
from ccserver.types import IncidentId, ServiceCode
from ccserver.webhooks import (
    DeliveryState,
    NewWebhook,
    UnknownWebhook,
    WebhookChange,
    WebhookInvalid,
    WebhookSender,
    WebhookStore,
)
from ccserver.webhooks.schedule import RETRY_AFTER_S, next_attempt, pause_s
from ccserver.webhooks.signing import headers, new_secret, signature
from tests.webhooks.conftest import (
    AMBULANCE,
    CRASH,
    FIRE,
    START,
    MovedClock,
    Receiver,
    tell,
)


async def steps(sender: WebhookSender, count: int = 1) -> None:
    """Look so many times, as the task does; the clock does not move."""
    async with aiohttp.ClientSession() as session:
        for _ in range(count):
            await sender._step(session)
            await asyncio.gather(*sender._sending.values())


async def test_an_event_arrives_signed_as_the_standard_says(
    store: WebhookStore, sender: WebhookSender, database: Database, receiver: Receiver
) -> None:
    _, secret = await store.add(NewWebhook("Fire", receiver.url, FIRE), by="admin", at=START)
    await tell(database, "one")
    await steps(sender, 2)
    (got,) = receiver.received
    assert got.headers["content-type"].startswith("application/cloudevents+json")
    event = got.event()
    assert event["id"] == got.headers["webhook-id"]
    assert event["data"]["incident_id"] == CRASH
    # A receiver that nobody here wrote accepts it (its own clock is now, ours is moved).
    stamped = int(got.headers["webhook-timestamp"])
    assert stamped == int(START.timestamp())
    own = StandardWebhook(secret).sign(got.headers["webhook-id"], START, got.body.decode())
    assert got.headers["webhook-signature"] == own


async def test_events_from_before_are_not_told(
    store: WebhookStore, sender: WebhookSender, database: Database, receiver: Receiver
) -> None:
    await tell(database, "before")
    await store.add(NewWebhook("Fire", receiver.url, FIRE), by="admin", at=START)
    await tell(database, "after")
    await steps(sender, 2)
    assert len(receiver.received) == 1


async def test_a_service_hears_of_its_own_incidents_only(
    store: WebhookStore,
    sender: WebhookSender,
    database: Database,
    receiver: Receiver,
    involved: dict[IncidentId, set[ServiceCode]],
) -> None:
    await store.add(NewWebhook("Ambulance", receiver.url, AMBULANCE), by="admin", at=START)
    await tell(database, "not theirs")
    await tell(database, "for the fire service", service=FIRE)
    await steps(sender, 2)
    assert receiver.received == []
    involved[CRASH].add(AMBULANCE)
    await tell(database, "theirs now")
    await tell(database, "for them alone", service=AMBULANCE)
    await steps(sender, 2)
    assert len(receiver.received) == 2


async def test_only_the_types_asked_for_are_sent(
    store: WebhookStore, sender: WebhookSender, database: Database, receiver: Receiver
) -> None:
    types = (EventType.INVOLVEMENT_OPENED,)
    await store.add(NewWebhook("All", receiver.url, types=types), by="admin", at=START)
    await tell(database, "changed")
    await tell(database, "opened", type_=EventType.INVOLVEMENT_OPENED)
    await steps(sender, 2)
    assert [got.event()["type"] for got in receiver.received] == [types[0].value]


async def test_a_failing_receiver_is_tried_again_later_with_the_same_id(
    store: WebhookStore,
    sender: WebhookSender,
    database: Database,
    receiver: Receiver,
    clock: MovedClock,
) -> None:
    webhook, _ = await store.add(NewWebhook("Fire", receiver.url), by="admin", at=START)
    receiver.answers = [500, 302]
    await tell(database, "one")
    await steps(sender, 3)
    assert len(receiver.received) == 1  # left alone meanwhile
    clock.at_s += 10
    await steps(sender)
    (delivery,) = await store.deliveries(webhook.webhook_id)
    # A redirect is not followed: it counts as a failure.
    assert (delivery.attempts, delivery.last_status) == (2, 302)
    assert delivery.state is DeliveryState.PENDING
    clock.at_s += 60
    await steps(sender)
    (delivery,) = await store.deliveries(webhook.webhook_id)
    assert delivery.state is DeliveryState.DELIVERED
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1
    assert len(receiver.received) == 3


async def test_after_the_last_try_it_is_a_dead_letter_that_can_be_sent_again(
    store: WebhookStore,
    sender: WebhookSender,
    database: Database,
    receiver: Receiver,
    clock: MovedClock,
) -> None:
    webhook, _ = await store.add(NewWebhook("Fire", receiver.url), by="admin", at=START)
    receiver.answers = [503] * (len(RETRY_AFTER_S) + 1)
    await tell(database, "one")
    for after_s in (*RETRY_AFTER_S, 0):
        await steps(sender)
        clock.at_s += after_s * 1.3 + 61
    (delivery,) = await store.deliveries(webhook.webhook_id, state=DeliveryState.DEAD)
    assert delivery.attempts == len(RETRY_AFTER_S) + 1
    assert sender.died == 1
    assert (await store.webhook(webhook.webhook_id)).dead == 1
    await steps(sender)
    assert len(receiver.received) == len(RETRY_AFTER_S) + 1  # nobody sends it by itself
    assert await store.replay(webhook.webhook_id, by="admin", at=clock.now()) == 1
    await steps(sender)
    (delivery,) = await store.deliveries(webhook.webhook_id)
    assert delivery.state is DeliveryState.DELIVERED


async def test_a_dead_receiver_never_stands_before_another(
    store: WebhookStore,
    sender: WebhookSender,
    database: Database,
    receiver: Receiver,
    clock: MovedClock,
) -> None:
    await store.add(NewWebhook("Closed port", "http://127.0.0.1:9/"), by="admin", at=START)
    await store.add(NewWebhook("Well", receiver.url), by="admin", at=START)
    await tell(database, *(f"event {number}" for number in range(120)))
    for _ in range(5):
        await steps(sender)
        clock.at_s += 0.1
    assert len(receiver.received) == 120
    assert sender.refused <= 5


async def test_a_slow_receiver_holds_up_nobody_else(
    store: WebhookStore, sender: WebhookSender, database: Database, receiver: Receiver
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def dawdle(request: web.Request) -> web.Response:
        asked.set()
        await answer.wait()
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", dawdle)
    async with TestServer(app) as slow, aiohttp.ClientSession() as session:
        late, _ = await store.add(
            NewWebhook("Slow", str(slow.make_url("/hook"))), by="admin", at=START
        )
        await store.add(NewWebhook("Well", receiver.url), by="admin", at=START)
        await tell(database, "one")
        await sender._step(session)
        await asyncio.wait_for(asked.wait(), 60)
        await tell(database, "two")
        await asyncio.wait_for(receiver.reached(1), 60)
        while len(receiver.received) < 2:
            await sender._step(session)
            await asyncio.sleep(0)
        answer.set()
        await asyncio.gather(*sender._sending.values())
        await steps(sender, 2)
        told = await store.deliveries(late.webhook_id, state=DeliveryState.DELIVERED)
        assert len(told) == 2


async def test_410_turns_the_webhook_off_until_somebody_turns_it_on(
    store: WebhookStore,
    sender: WebhookSender,
    database: Database,
    receiver: Receiver,
    clock: MovedClock,
) -> None:
    webhook, _ = await store.add(NewWebhook("Fire", receiver.url), by="admin", at=START)
    receiver.answers = [410]
    await tell(database, "one")
    await steps(sender)
    await tell(database, "two")
    clock.at_s += 3_600
    await steps(sender)
    stopped = await store.webhook(webhook.webhook_id)
    assert (stopped.active, stopped.stopped) == (False, "gone")
    assert len(receiver.received) == 1
    await store.change(webhook.webhook_id, WebhookChange(active=True), by="admin", at=START)
    await steps(sender, 2)
    assert len(receiver.received) == 3  # nothing was lost meanwhile


async def test_a_new_secret_and_the_former_both_sign_for_a_day(
    store: WebhookStore,
    sender: WebhookSender,
    database: Database,
    receiver: Receiver,
    clock: MovedClock,
) -> None:
    webhook, former = await store.add(NewWebhook("Fire", receiver.url), by="admin", at=START)
    fresh = await store.rotate(webhook.webhook_id, by="admin", at=clock.now())
    assert fresh != former
    await tell(database, "one")
    await steps(sender)
    clock.at_s += 25 * 3_600
    await tell(database, "two")
    await steps(sender)
    both, one = (got.headers["webhook-signature"].split() for got in receiver.received)
    first = receiver.received[0]
    stamp = int(first.headers["webhook-timestamp"])
    expected = [
        signature(secret, first.headers["webhook-id"], stamp, first.body)
        for secret in (fresh, former)
    ]
    assert both == expected
    assert len(one) == 1


async def test_the_task_sends_by_itself_and_stops_when_cancelled(
    store: WebhookStore, sender: WebhookSender, database: Database, receiver: Receiver
) -> None:
    await store.add(NewWebhook("Fire", receiver.url), by="admin", at=START)
    task = asyncio.create_task(sender.run())
    await tell(database, "one", "two")
    sender.wake()
    async with asyncio.timeout(60):
        await receiver.reached(2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.org/",
        "http://example.org/",
        "https://",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://exa mple.org/",
        "https://пример.lv/",
        "https://[::1/",
        "https://example.org/" + "a" * 1_000,
        "javascript:alert(1)",
        "http://127.0.0.1.example.org/",
    ],
)
async def test_an_address_that_cannot_be_posted_to_is_refused(
    store: WebhookStore, url: str
) -> None:
    with pytest.raises(WebhookInvalid) as refused:
        await store.add(NewWebhook("Fire", url), by="admin", at=START)
    assert refused.value.field == "url"


async def test_an_unknown_webhook_is_said_to_be_unknown(store: WebhookStore) -> None:
    for call in (
        store.webhook("no"),
        store.remove("no", by="admin", at=START),
        store.rotate("no", by="admin", at=START),
        store.change("no", WebhookChange(active=False), by="admin", at=START),
        store.deliveries("no\0"),
        store.replay("no", by="admin", at=START),
    ):
        with pytest.raises(UnknownWebhook):
            await call


async def test_a_removed_webhook_takes_its_deliveries_along(
    store: WebhookStore, sender: WebhookSender, database: Database, receiver: Receiver
) -> None:
    webhook, _ = await store.add(NewWebhook("Fire", receiver.url), by="admin", at=START)
    receiver.answers = [500]
    await tell(database, "one")
    await steps(sender)
    await store.remove(webhook.webhook_id, by="admin", at=START)
    assert await store.webhooks() == []
    assert await store.next_due() is None


def test_a_secret_of_another_form_is_our_bug() -> None:
    with pytest.raises(ValueError, match="not a webhook's secret"):
        signature("whsec_é", "id", 1, b"")
    both = headers([new_secret(), new_secret()], "id", 1, b"{}")
    assert both["webhook-signature"].count("v1,") == 2


def test_the_waits_grow_and_end() -> None:
    waits = []
    for failures in range(1, len(RETRY_AFTER_S) + 1):
        least, most = (next_attempt(failures, now=START, chance=chance) for chance in (0, 0.999))
        assert least is not None
        assert most is not None
        assert least < most
        waits.append((least - START).total_seconds())
    assert waits == sorted(waits)
    assert next_attempt(len(RETRY_AFTER_S) + 1, now=START, chance=0.5) is None
    pauses = [pause_s(failures) for failures in range(2_000)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60
    assert ServiceCode("vugd") == FIRE
